/* SPDX-License-Identifier: Apache-2.0 */
/* delta: its operations as records, written and read. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "delta.h"
#include "keys.h"
#include "num.h"

static const char *const op_names[] = {
	[MK_OP_DELETE] = "delete",	     [MK_OP_MEMORY_REMOVE] = "memory-remove",
	[MK_OP_CPU_REMOVE] = "cpu-remove",   [MK_OP_DEVICE_REMOVE] = "device-remove",
	[MK_OP_CREATE] = "create",	     [MK_OP_MEMORY_ADD] = "memory-add",
	[MK_OP_CPU_ADD] = "cpu-add",	     [MK_OP_DEVICE_ADD] = "device-add",
	[MK_OP_UNSUPPORTED] = "unsupported",
};

const char *mk_op_name(enum mk_op_kind kind)
{
	return op_names[kind];
}

/* ------------------------------------------------------------ writing */

static void put_pci_ids(struct mk_record_writer *w, const struct mk_uses *uses)
{
	bool any = false;

	for (size_t i = 0; i < uses->n; i++)
		any = any || uses->u[i].pci_id;
	if (!any)
		return;
	mk_record_key(w, "pci-ids");
	for (size_t i = 0; i < uses->n; i++) {
		if (i)
			mk_buf_char(w->b, ',');
		mk_record_add(w, uses->u[i].pci_id ? uses->u[i].pci_id : "-");
	}
}

static bool only_known(const struct mk_node *n, const char *const *known)
{
	if (!n)
		return true;
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], p->name) != 0)
			i++;
		if (!known[i])
			return false;
	}
	return !mk_first(n);
}

bool mk_op_says_options(const struct mk_node *options)
{
	static const char *const known[] = {"enable-host-kcore", NULL};

	return only_known(options, known);
}

bool mk_op_says_uring(const struct mk_node *uring)
{
	static const char *const known[] = {"sq-entries", "cq-entries", "shim-data-pages", NULL};
	uint32_t v;

	for (const struct mk_prop *p = uring ? mk_prop_first(uring) : NULL; p; p = mk_prop_next(p))
		if (!mk_prop_u32(p, &v))
			return false;
	return only_known(uring, known);
}

static void put_options(struct mk_record_writer *w, const struct mk_instance *x)
{
	if (x->options && mk_op_says_options(x->options) && mk_prop_first(x->options))
		mk_record_str(w, "enable-host-kcore", "yes");
	if (!x->uring)
		return;
	for (const struct mk_prop *p = mk_prop_first(x->uring); p; p = mk_prop_next(p)) {
		char key[64] = "uring-";
		uint32_t v;

		if (!mk_prop_u32(p, &v) || strlen(p->name) > 40)
			continue;
		memcpy(key + 6, p->name, strlen(p->name) + 1);
		if (mk_key_find(key))
			mk_record_u64(w, key, v);
	}
}

static void print_op(struct mk_record_writer *w, const struct mk_op *op)
{
	const struct mk_instance *x = &op->inst;

	mk_record_begin(w, mk_op_name(op->kind), op->subject ? op->subject : "@pool", !op->subject);
	if (x->has_id)
		mk_record_u64(w, "id", x->id);
	if (x->cpus.ids.n)
		mk_put_ids(w, "cpus", &x->cpus.ids);
	if (op->node != MK_NODE_ANY)
		mk_record_u64(w, "numa-node", op->node);
	if (x->mem.n)
		mk_put_memory(w, "memory", &x->mem);
	if (x->devices.n) {
		mk_put_uses(w, "devices", &x->devices);
		put_pci_ids(w, &x->devices);
	}
	mk_put_wishes(w, x);
	put_options(w, x);
	if (op->what)
		mk_record_str(w, "what", op->what);
	mk_record_end(w);
}

void mk_delta_print(struct mk_buf *b, const struct mk_delta *d)
{
	struct mk_record_writer w;

	mk_record_begin_stream(&w, b);
	if (d->digest[0] || d->abi) {
		mk_record_begin(&w, "basis", "-", true);
		if (d->digest[0])
			mk_record_str(&w, "digest", d->digest);
		if (d->abi)
			mk_record_u64(&w, "abi", d->abi);
		mk_record_end(&w);
	}
	for (size_t i = 0; i < d->n; i++)
		print_op(&w, &d->op[i]);
	mk_record_end_stream(&w);
}

/* ------------------------------------------------------------ reading records */

static int read_basis(struct mk_delta *d, const struct mk_record *rec, struct mk_err *err)
{
	const struct mk_pair *digest = mk_record_get(rec, "digest"),
			     *abi = mk_record_get(rec, "abi");

	if (digest) {
		if (digest->len != 16)
			return mk_fail_at(err, MK_BAD, digest->at, "a digest has 16 digits");
		memcpy(d->digest, digest->raw, 16);
		d->digest[16] = '\0';
		for (size_t i = 0; i < 16; i++)
			if (mk_hex_digit((unsigned char)d->digest[i]) < 0)
				return mk_fail_at(err, MK_BAD, digest->at,
						  "a digest has 16 hexadecimal digits");
	}
	if (abi && (mk_key_u32(d->arena, abi, &d->abi, err) || d->abi < 1 || d->abi > 2))
		return mk_fail_at(err, MK_BAD, abi->at, "abi is 1 or 2");
	return MK_OK;
}

static int read_uses(struct mk_delta *d, const struct mk_record *rec, struct mk_uses *uses,
		     struct mk_err *err)
{
	const struct mk_pair *at = mk_record_get(rec, "devices"),
			     *ids = mk_record_get(rec, "pci-ids");
	const char **names = NULL, **pci = NULL;
	size_t n = 0, m = 0;

	if (at && mk_key_names(d->arena, at, &names, &n, err))
		return MK_BAD;
	if (ids && mk_key_names(d->arena, ids, &pci, &m, err))
		return MK_BAD;
	if (ids && at && n != m)
		return mk_fail_at(err, MK_BAD, ids->at, "pci-ids has %zu items, devices has %zu", m,
				  n);
	uses->n = uses->cap = n > m ? n : m;
	uses->u = mk_arena_array(d->arena, uses->n, sizeof(*uses->u));
	for (size_t i = 0; i < uses->n; i++) {
		uses->u[i].device = MK_NO_DEVICE;
		uses->u[i].pci_id = i < m && strcmp(pci[i], "-") != 0 ? pci[i] : NULL;
		uses->u[i].text = i < n ? names[i] : pci[i];
	}
	return MK_OK;
}

/* options { } and uring { } of a create, as nodes. */
static int read_options(struct mk_delta *d, const struct mk_record *rec, struct mk_instance *x,
			struct mk_err *err)
{
	struct mk_tree *t = mk_arena_alloc(d->arena, sizeof(*t));
	const struct mk_pair *kcore = mk_record_get(rec, "enable-host-kcore");
	struct mk_node *uring = NULL;
	bool yes = false;

	mk_tree_init(t, d->arena);
	mk_add_node(t, NULL, "");
	if (kcore && mk_key_flag(d->arena, kcore, &yes, err))
		return MK_BAD;
	if (yes) {
		struct mk_node *n = mk_add_node(t, t->root, "options");

		mk_add_empty(t, n, "enable-host-kcore");
		x->options = n;
	}
	for (size_t i = 0; i < rec->n; i++) {
		uint32_t v;

		if (strncmp(rec->pair[i].key, "uring-", 6) != 0)
			continue;
		if (mk_key_u32(d->arena, &rec->pair[i], &v, err))
			return MK_BAD;
		if (!uring)
			uring = mk_add_node(t, t->root, "uring");
		mk_add_u32(t, uring, rec->pair[i].key + 6, v);
	}
	x->uring = uring;
	return MK_OK;
}

static int read_fields(struct mk_delta *d, const struct mk_record *rec, struct mk_op *op,
		       struct mk_err *err)
{
	const struct mk_verb *v = mk_verb_find(MK_DELTA, op_names[op->kind]);
	struct mk_instance *x = &op->inst;
	const struct mk_pair *p;

	/* what an operation would ignore is refused */
	for (size_t i = 0; i < rec->n; i++)
		if (!mk_verb_takes(v, rec->pair[i].key))
			return mk_fail_at(err, MK_BAD, rec->pair[i].at, "%s does not take '%s'",
					  rec->verb, rec->pair[i].key);
	if (mk_keys_check(d->arena, rec, &d->ids, err))
		return MK_BAD;
	p = mk_record_get(rec, "id");
	x->has_id = p != NULL;
	if (p && mk_key_u32(d->arena, p, &x->id, err))
		return MK_BAD;
	p = mk_record_get(rec, "cpus");
	if (p && mk_key_ids(d->arena, p, &x->cpus.ids, err))
		return MK_BAD;
	p = mk_record_get(rec, "numa-node");
	if (p && mk_key_u32(d->arena, p, &op->node, err))
		return MK_BAD;
	p = mk_record_get(rec, "memory");
	if (p && mk_key_memory(d->arena, p, &x->mem, err))
		return MK_BAD;
	p = mk_record_get(rec, "numa-nodes");
	if (p && mk_key_ids(d->arena, p, &x->numa_nodes, err))
		return MK_BAD;
	p = mk_record_get(rec, "cpu-affinity");
	x->affinity = p ? mk_record_text(d->arena, p) : NULL;
	p = mk_record_get(rec, "memory-policy");
	x->policy = p ? mk_record_text(d->arena, p) : NULL;
	p = mk_record_get(rec, "what");
	op->what = p ? mk_record_text(d->arena, p) : NULL;
	if (read_uses(d, rec, &x->devices, err))
		return MK_BAD;
	return op->kind == MK_OP_CREATE ? read_options(d, rec, x, err) : MK_OK;
}

/* What no kernel gives; what one has it may give back, whatever it is. */
static bool bad_region(const struct mk_op *op, const struct mk_mem *m)
{
	if (op->kind == MK_OP_MEMORY_REMOVE)
		return !m->size;
	return !m->size || m->size % 4096 ||
	       (m->placed && (m->base % 4096 || m->size - 1 > UINT64_MAX - m->base));
}

/* What an operation cannot do without. */
static int check_op(struct mk_arena *a, const struct mk_op *op, struct mk_err *err)
{
	const struct mk_instance *x = &op->inst;
	const char *missing = NULL;

	switch (op->kind) {
	case MK_OP_CREATE: missing = !x->cpus.ids.n ? "cpus" : !x->mem.n ? "memory" : NULL; break;
	case MK_OP_CPU_ADD:
	case MK_OP_CPU_REMOVE: missing = x->cpus.ids.n ? NULL : "cpus"; break;
	case MK_OP_MEMORY_ADD:
	case MK_OP_MEMORY_REMOVE: missing = x->mem.n ? NULL : "memory"; break;
	case MK_OP_DEVICE_ADD:
	case MK_OP_DEVICE_REMOVE: missing = x->devices.n ? NULL : "devices"; break;
	case MK_OP_DELETE:
	case MK_OP_UNSUPPORTED: break;
	}
	if (missing)
		return mk_fail_at(err, MK_BAD, op->at, "%s needs %s=", mk_op_name(op->kind),
				  missing);
	if (x->has_id && (x->id < MK_ID_MIN || x->id > MK_ID_MAX))
		return mk_fail_at(err, MK_BAD, op->at, "id %u is not between %d and %d [%s]", x->id,
				  MK_ID_MIN, MK_ID_MAX, x->id ? "MK305" : "MK303");
	for (size_t i = 0; i < x->mem.n; i++)
		if (bad_region(op, &x->mem.m[i]))
			return mk_fail_at(err, MK_BAD, op->at,
					  "memory %s: pages of 4096 bytes below 2^64 are wanted "
					  "[MK504]",
					  mk_num_size_text(a, x->mem.m[i].size));
	if (!op->subject && (op->kind == MK_OP_CREATE || op->kind == MK_OP_DELETE))
		return mk_fail_at(err, MK_BAD, op->at, "%s wants the name of an instance",
				  mk_op_name(op->kind));
	return MK_OK;
}

static int read_op(struct mk_delta *d, const struct mk_record *rec, struct mk_err *err)
{
	size_t kind = 0, kinds = sizeof(op_names) / sizeof(op_names[0]);
	struct mk_op *op;

	while (kind < kinds && strcmp(op_names[kind], rec->verb) != 0)
		kind++;
	if (kind == kinds) {
		mk_fail_at(err, MK_BAD, rec->at, "'%s' is no operation of a delta", rec->verb);
		mk_hint(err, "mk-diff writes deltas; requests go to mk-alloc");
		return MK_BAD;
	}
	if (rec->special && strcmp(rec->subject, "@pool") != 0)
		return mk_fail_at(err, MK_BAD, rec->subject_at,
				  "an operation is about an instance or @pool");
	op = mk_delta_add(d, (enum mk_op_kind)kind, rec->special ? NULL : rec->subject);
	op->at = rec->at;
	op->inst.name = op->subject;
	if (read_fields(d, rec, op, err))
		return MK_BAD;
	return check_op(d->arena, op, err);
}

int mk_delta_read(struct mk_delta *d, const struct mk_file *src, struct mk_err *err)
{
	struct mk_record_reader r;
	struct mk_record rec;
	bool got;
	int rc;

	mk_record_open(&r, src);
	while (!(rc = mk_record_next(&r, d->arena, &rec, &got, err)) && got) {
		rc = strcmp(rec.verb, "basis") != 0 ? read_op(d, &rec, err)
						    : read_basis(d, &rec, err);
		if (rc)
			return rc;
	}
	return rc;
}
