/* SPDX-License-Identifier: Apache-2.0 */
/* json: appending JSON to a buffer. The caller sees to commas only inside of mk_json_item. */
#ifndef MK_JSON_H
#define MK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct mk_json {
	struct mk_buf *b;
	bool comma; /* the next item needs one before it */
};

/* "text" with what JSON wants escaped, and all controls; bytes that are not UTF-8 become U+FFFD. */
void mk_json_string(struct mk_buf *b, const char *s, size_t len);

/* Opening and closing: '{', '[', '}', ']'. */
void mk_json_open(struct mk_json *j, char c);
void mk_json_close(struct mk_json *j, char c);

/* "key": with a comma before it where one is needed. */
void mk_json_key(struct mk_json *j, const char *key);

/* Values; in an array they set their own commas. */
void mk_json_str(struct mk_json *j, const char *s);
void mk_json_u64(struct mk_json *j, uint64_t v);
void mk_json_hex(struct mk_json *j, uint64_t v); /* "0x..." */
void mk_json_bool(struct mk_json *j, bool v);

#endif
