/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: every key that a record may have, and its type. One table: requests
 * are checked against it, JSON is typed by it, mk-records(5) documents it.
 */
#ifndef MK_KEYS_H
#define MK_KEYS_H

#include "record.h"
#include "state.h"

enum mk_key_type {
	MK_KEY_TEXT,  /* a string */
	MK_KEY_NAMES, /* strings, comma-separated */
	MK_KEY_NUMBER,
	MK_KEY_SIZE,   /* bytes; units allowed on input */
	MK_KEY_IDS,    /* cpulist, order kept */
	MK_KEY_MEMORY, /* 0xBASE+SIZE or SIZE[@NODE], comma-separated */
	MK_KEY_FLAG,   /* yes or no */
};

struct mk_key {
	const char *name;
	enum mk_key_type type;
	const char *text; /* what it says, for the manual */
};

extern const struct mk_key mk_keys[]; /* ends with a name of NULL */

/* Which records there are, by who reads or writes them. */
enum mk_verb_kind {
	MK_REQUEST, /* read by mk-alloc */
	MK_DELTA,   /* written by mk-diff and mk-overlay -p, read by mk-overlay */
	MK_FACT,    /* written by mk-show -j */
	MK_SIM,	    /* written by mk-sim ctl state */
};

struct mk_verb {
	const char *name;
	enum mk_verb_kind kind;
	const char *subject; /* NAME, @pool, NAME|@pool, @host, tx_N or - */
	const char *keys;    /* "cpus= [numa-node=]", those in brackets may be missing; or NULL */
};

extern const struct mk_verb mk_verbs[]; /* ends with a name of NULL */

/* NULL for an unknown verb of that kind. */
const struct mk_verb *mk_verb_find(enum mk_verb_kind kind, const char *name);

/* Whether a verb has a use for a key; all that it has a use for, ended by NULL. */
bool mk_verb_takes(const struct mk_verb *v, const char *key);
const char *const *mk_verb_keys(struct mk_arena *a, const struct mk_verb *v);

/* The names of all verbs of a kind, ended by NULL. */
const char *const *mk_verb_names(struct mk_arena *a, enum mk_verb_kind kind);

/* NULL for an unknown key. */
const struct mk_key *mk_key_find(const char *name);

/* Values of records. MK_BAD with the place when one is not of its type. */
int mk_key_u32(struct mk_arena *a, const struct mk_pair *p, uint32_t *v, struct mk_err *err);
int mk_key_ids(struct mk_arena *a, const struct mk_pair *p, struct mk_ids *ids, struct mk_err *err);
int mk_key_memory(struct mk_arena *a, const struct mk_pair *p, struct mk_mems *mem,
		  struct mk_err *err);
int mk_key_names(struct mk_arena *a, const struct mk_pair *p, const char ***names, size_t *n,
		 struct mk_err *err);
int mk_key_flag(struct mk_arena *a, const struct mk_pair *p, bool *v, struct mk_err *err);

/*
 * Whether all values of a record are of their types. *ids counts the ids of a
 * whole stream, which may not be more than MK_IDS_MAX: a few bytes can name many.
 */
int mk_keys_check(struct mk_arena *a, const struct mk_record *rec, size_t *ids, struct mk_err *err);

/* Writing values of these types. */
void mk_put_ids(struct mk_record_writer *w, const char *key, const struct mk_ids *ids);
void mk_put_memory(struct mk_record_writer *w, const char *key, const struct mk_mems *mem);
void mk_put_uses(struct mk_record_writer *w, const char *key, const struct mk_uses *uses);

/* numa-nodes=, cpu-affinity= and memory-policy= of x, those that it has. */
void mk_put_wishes(struct mk_record_writer *w, const struct mk_instance *x);

/*
 * A record stream as JSON Lines, appended to b: {"verb":..., "subject":...,
 * key: value}. Ids are arrays of numbers, sizes numbers, memory
 * [{"base":"0x..","size":N,"node":N}], flags booleans.
 */
int mk_records_json(struct mk_buf *b, const char *text, size_t len, struct mk_err *err);

#endif
