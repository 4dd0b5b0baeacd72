/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doc: one document of maps, lists, strings and numbers, written as JSON
 * (indented by 2) or as YAML (block style). What is written is the same; all
 * strings are quoted and escaped as in JSON, so that nothing in them can pass
 * for structure.
 */
#ifndef MK_DOC_H
#define MK_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum { MK_DOC_DEPTH = 16 };

struct mk_doc {
	struct mk_buf *b;
	bool yaml;
	unsigned depth;
	struct {
		bool list;
		bool any; /* it has an item already */
	} at[MK_DOC_DEPTH];
	bool after_key; /* the next thing is the value of a key */
	bool after_dash;
};

/* Begins a document in b; everything else stands in its one map. */
void mk_doc_begin(struct mk_doc *d, struct mk_buf *b, bool yaml);
void mk_doc_finish(struct mk_doc *d);

/* In a map every value has a key before it. */
void mk_doc_key(struct mk_doc *d, const char *key);

void mk_doc_map(struct mk_doc *d);
void mk_doc_list(struct mk_doc *d);
void mk_doc_end(struct mk_doc *d); /* of the map or list that was begun last */

void mk_doc_str(struct mk_doc *d, const char *s);
void mk_doc_u64(struct mk_doc *d, uint64_t v);
void mk_doc_bool(struct mk_doc *d, bool v);
void mk_doc_null(struct mk_doc *d);

#endif
