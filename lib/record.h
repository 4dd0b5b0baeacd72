/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: the syntax of record streams: "verb subject key=value ...", one fact
 * a line. What the keys mean is not known here. See mk-records(5).
 */
#ifndef MK_RECORD_H
#define MK_RECORD_H

#include "buf.h"
#include "err.h"

enum { MK_RECORD_KEYS_MAX = 64 };

/* A value as it was written: still escaped, because a list is split before its items are unescaped.
 */
struct mk_pair {
	const char *key;
	const char *raw;
	size_t len;
	struct mk_span at;
};

struct mk_record {
	const char *verb;
	const char *subject; /* unescaped; "@pool", "@host" and "-" only when written so */
	bool special;	     /* the subject was written as @pool, @host, tx_N or - */
	struct mk_pair *pair;
	size_t n, cap;
	struct mk_span at; /* the whole line */
	struct mk_span subject_at;
};

struct mk_record_reader {
	const struct mk_file *src;
	size_t pos;
	uint32_t line;
	size_t began, ended; /* "#mk 1" and "#end" seen */
};

void mk_record_open(struct mk_record_reader *r, const struct mk_file *src);

/*
 * The next record, *got false at the end of the text. MK_BAD for a line that
 * is no record, and at the end for a stream that began with #mk and has no #end.
 */
int mk_record_next(struct mk_record_reader *r, struct mk_arena *a, struct mk_record *rec, bool *got,
		   struct mk_err *err);

/* A record from words as a shell hands them over. text receives the line they make up. */
int mk_record_words(struct mk_arena *a, char *const *word, size_t n, struct mk_file *text,
		    struct mk_record *rec, struct mk_err *err);

/* The pair of that key, or NULL. */
const struct mk_pair *mk_record_get(const struct mk_record *rec, const char *key);

/* A value without its escapes; NULL when a '%' is not followed by two digits. */
char *mk_record_text(struct mk_arena *a, const struct mk_pair *p);

/* A name with its first byte escaped where it could pass for a special subject. */
char *mk_record_subject(struct mk_arena *a, const char *name);

/* Writing. The subject and texts are escaped, special subjects are given as they are. */
struct mk_record_writer {
	struct mk_buf *b;
	size_t n;
};

void mk_record_begin_stream(struct mk_record_writer *w, struct mk_buf *b); /* "#mk 1" */
void mk_record_end_stream(struct mk_record_writer *w);			   /* "#end N" */

void mk_record_begin(struct mk_record_writer *w, const char *verb, const char *subject,
		     bool special);
void mk_record_key(struct mk_record_writer *w, const char *key); /* " key=": the value comes next */
void mk_record_add(struct mk_record_writer *w, const char *text); /* one escaped item */
void mk_record_str(struct mk_record_writer *w, const char *key, const char *text);
void mk_record_u64(struct mk_record_writer *w, const char *key, uint64_t v);
void mk_record_end(struct mk_record_writer *w);

#endif
