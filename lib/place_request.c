/* SPDX-License-Identifier: Apache-2.0 */
/* place: requests, as far as they can be judged without a state. */
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "keys.h"
#include "num.h"
#include "place.h"

static bool is_pool(const struct mk_verb *v)
{
	return v->subject[0] == '@';
}

static int unknown_verb(struct mk_arena *a, const struct mk_record *rec, struct mk_err *err)
{
	const char *const *known = mk_verb_names(a, MK_REQUEST);
	const char *near = mk_nearest(rec->verb, known);
	struct mk_buf b;

	mk_fail_at(err, MK_BAD, rec->at, "'%s' is no request", rec->verb);
	mk_buf_init(&b, a);
	for (size_t i = 0; known[i]; i++)
		mk_buf_fmt(&b, "%s%s", !i ? "" : known[i + 1] ? ", " : " and ", known[i]);
	if (near)
		mk_hint(err, "did you mean %s?", near);
	else
		mk_hint(err, "requests are %s", mk_buf_cstr(&b));
	return MK_BAD;
}

static int check_keys(struct mk_arena *a, const struct mk_record *rec, const struct mk_verb *v,
		      struct mk_err *err)
{
	for (size_t i = 0; i < rec->n; i++) {
		const char *near;

		if (mk_verb_takes(v, rec->pair[i].key))
			continue;
		near = mk_nearest(rec->pair[i].key, mk_verb_keys(a, v));
		mk_fail_at(err, MK_BAD, rec->pair[i].at, "%s does not take '%s'", v->name,
			   rec->pair[i].key);
		if (near)
			mk_hint(err, "did you mean %s=?", near);
		else if (mk_verb_takes(mk_verb_find(MK_REQUEST, "create"), rec->pair[i].key))
			mk_hint(err, "it is set when an instance is created, and stays");
		return MK_BAD;
	}
	return MK_OK;
}

static int check_word(struct mk_arena *a, const struct mk_record *rec, const char *key,
		      const char *const *words, const char *hint, struct mk_err *err)
{
	const struct mk_pair *at = mk_record_get(rec, key);
	const char *word = at ? mk_record_text(a, at) : NULL;

	if (!word)
		return MK_OK;
	for (; *words; words++)
		if (!strcmp(word, *words))
			return MK_OK;
	mk_fail_at(err, MK_BAD, at->at, "%s=%s is not known", key, word);
	mk_hint(err, "%s", hint);
	return MK_BAD;
}

static int check_wishes(struct mk_arena *a, const struct mk_record *rec, struct mk_err *err)
{
	const struct mk_pair *nodes = mk_record_get(rec, "numa-nodes");
	struct mk_ids ids, once;
	static const char *const affinities[] = {"compact", "spread", "local", NULL},
				 *const policies[] = {"local", "interleave", "bind", NULL};

	if (nodes && !mk_key_ids(a, nodes, &ids, err)) {
		once = mk_ids_unique(a, &ids);
		if (once.n < ids.n)
			return mk_fail_at(err, MK_BAD, nodes->at, "a NUMA node is listed twice");
	}
	if (check_word(a, rec, "cpu-affinity", affinities, "it is compact, spread or local", err))
		return MK_BAD;
	return check_word(a, rec, "memory-policy", policies, "it is local, interleave or bind", err);
}

/* What can be said against a request without knowing the machine. */
static int check_values(struct mk_arena *a, const struct mk_record *rec, const struct mk_verb *v,
			struct mk_err *err)
{
	const struct mk_pair *id = mk_record_get(rec, "id"), *cpus = mk_record_get(rec, "cpus"),
			     *count = mk_record_get(rec, "cpu-count");
	bool creates = !strcmp(v->name, "create");
	const struct mk_pair *boot = mk_record_get(rec, "boot-cpu");
	struct mk_ids ids;
	uint32_t n;

	if (!strcmp(v->name, "update") && !rec->n) {
		mk_fail_at(err, MK_BAD, rec->at, "update %s: to what?", rec->subject);
		mk_hint(err, "say what it shall have: cpus=, cpu-count=, memory= or devices=");
		return MK_BAD;
	}
	if (is_pool(v) && !rec->n) {
		mk_fail_at(err, MK_BAD, rec->at, "%s: what?", v->name);
		mk_hint(err, "say which: cpus=, memory= or devices=");
		return MK_BAD;
	}
	if (boot && !mk_key_ids(a, boot, &ids, err) && ids.n != 1)
		return mk_fail_at(err, MK_BAD, boot->at, "boot-cpu= is one CPU");
	if (creates && !cpus && !count) {
		mk_fail_at(err, MK_BAD, rec->at, "create wants cpus= or cpu-count=");
		mk_hint(err, "cpu-count=2 takes any two that are free, cpus=4-5 these two");
		return MK_BAD;
	}
	if (creates && !mk_record_get(rec, "memory")) {
		mk_fail_at(err, MK_BAD, rec->at, "create wants memory=");
		mk_hint(err, "memory=2GB, or memory=2GB@0 for a NUMA node");
		return MK_BAD;
	}
	if (id && !mk_key_u32(a, id, &n, err) && (n < MK_ID_MIN || n > MK_ID_MAX)) {
		mk_fail_at(err, MK_NO, id->at, "id %u is not between %d and %d [%s]", n, MK_ID_MIN,
			   MK_ID_MAX, n ? "MK305" : "MK303");
		mk_hint(err, "without id= the kernel takes the lowest one that is free");
		return MK_NO;
	}
	if (count && !mk_key_u32(a, count, &n, err) && !n) {
		mk_fail_at(err, MK_NO, count->at, "%s would have no CPU [MK306]", rec->subject);
		mk_hint(err, "an instance has at least one; delete takes it away");
		return MK_NO;
	}
	return MK_OK;
}

int mk_batch_add(struct mk_batch *b, struct mk_arena *a, const struct mk_record *rec,
		 struct mk_err *err)
{
	const struct mk_verb *v = mk_verb_find(MK_REQUEST, rec->verb);
	struct mk_request *r;
	int rc;

	if (!v)
		return unknown_verb(a, rec, err);
	if (is_pool(v) && (!rec->special || strcmp(rec->subject, "@pool") != 0)) {
		mk_fail_at(err, MK_BAD, rec->subject_at, "%s is about @pool, not %s", v->name,
			   rec->subject);
		mk_hint(err, "%s @pool cpus=...", v->name);
		return MK_BAD;
	}
	if (!is_pool(v) && rec->special) {
		mk_fail_at(err, MK_BAD, rec->subject_at, "%s wants the name of an instance, not %s",
			   v->name, rec->subject);
		if (rec->subject[0] == 't')
			mk_hint(err, "tx_N is what the kernel calls a transaction; an instance of "
				     "that name is written %%74x_N");
		return MK_BAD;
	}
	if (!strcmp(rec->verb, "create") && !mk_name_ok(rec->subject)) {
		mk_fail_at(err, MK_BAD, rec->subject_at,
			   "'%s' is no good name for an instance [MK301]", rec->subject);
		mk_hint(err, "letters, digits, '.', '_' and '-', at most 63, beginning with a "
			     "letter or digit");
		return MK_BAD;
	}
	if (check_keys(a, rec, v, err))
		return MK_BAD;
	if (mk_record_get(rec, "cpus") && mk_record_get(rec, "cpu-count"))
		return mk_fail_at(err, MK_BAD, mk_record_get(rec, "cpu-count")->at,
				  "give cpus= or cpu-count=, not both");
	rc = mk_keys_check(a, rec, &b->ids, err);
	if (!rc)
		rc = check_values(a, rec, v, err);
	if (!rc)
		rc = check_wishes(a, rec, err);
	if (rc)
		return rc;
	r = mk_arena_alloc(a, sizeof(*r));
	r->rec = *rec;
	if (b->last)
		b->last->next = r;
	else
		b->first = r;
	b->last = r;
	b->n++;
	return MK_OK;
}
