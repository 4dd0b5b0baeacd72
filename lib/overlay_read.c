/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: overlays read back into operations. */
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "num.h"
#include "overlay.h"
#include "sort.h"

struct reader {
	struct mk_delta *d;
	struct mk_tree *t;
	const struct mk_state *s;
	struct mk_err *err;
	uint32_t abi;
	const char *subject; /* the fragment's or operation's instance; NULL for the pool */
};

__attribute__((format(printf, 3, 4))) static int bad(struct reader *r, const struct mk_node *n,
						     const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mk_arena_vfmt(r->d->arena, fmt, ap);
	va_end(ap);
	return mk_fail_at(r->err, MK_BAD, n->at, "%s: %s", mk_node_path(r->d->arena, n), text);
}

static void from_node(struct reader *r, struct mk_op *op, const struct mk_node *n)
{
	op->at = n->at;
	op->path = mk_node_path(r->d->arena, n);
}

/* ------------------------------------------------------------ items of an operation */

static bool named(const struct mk_node *n, const char *base)
{
	size_t len = strlen(base);

	return !strncmp(n->name, base, len) && n->name[len] == '@';
}

static int skipped(struct reader *r, const struct mk_node *n, const char *wanted)
{
	bad(r, n, "the kernel would skip this item without a word [MK903]");
	mk_hint(r->err, "items of this operation are called %s@N", wanted);
	return MK_BAD;
}

static int item_node(struct reader *r, struct mk_node *n, uint32_t *v)
{
	static const char *const names[] = {"numa-node-id", "numa-node"};

	*v = MK_NODE_ANY;
	for (size_t i = 0; i < 2; i++) {
		struct mk_prop *p = mk_prop(r->t, n, names[i]);

		if (p && mk_prop_u32(p, v))
			return MK_OK;
		if (p)
			return bad(r, n, "%s must be one cell [MK901]", names[i]);
	}
	return MK_OK;
}

/* A place in this overlay. */
static struct mk_where in(const struct reader *r, const struct mk_node *n, const struct mk_prop *p)
{
	return (struct mk_where){n, p, r->d->overlay};
}

/* An operation of nothing is none: whoever wrote it meant something else. */
static int no_items(struct reader *r, struct mk_node *n)
{
	return bad(r, n, "the operation has no items [MK901]");
}

static int memory_op(struct reader *r, struct mk_node *n, enum mk_op_kind kind)
{
	struct mk_op *op;

	if (!mk_first(n))
		return no_items(r, n);
	op = mk_delta_add(r->d, kind, r->subject);
	from_node(r, op, n);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_mem m = {.node = MK_NODE_ANY, .where = in(r, c, NULL)};
		struct mk_prop *reg = mk_prop(r->t, c, "reg");
		bool sized = !r->subject && kind == MK_OP_MEMORY_ADD;

		if (!named(c, "memory") && !(r->abi == 1 && named(c, "region")))
			return skipped(r, c, r->abi == 1 ? "region" : "memory");
		if (item_node(r, c, &m.node))
			return MK_BAD;
		if (sized ? reg || !mk_prop_u64(mk_prop(r->t, c, "size"), &m.size)
			  : !reg || reg->len != 16)
			return bad(r, c,
				   sized ? "the pool grows by size, without reg [MK901]"
					 : "reg must be a base and a size of 64 bits [MK901]");
		if (!sized) {
			m.base = mk_be64(reg->data);
			m.size = mk_be64(reg->data + 8);
			/* the kernel of ABI 2 looks at the size alone when it adds */
			m.placed = r->abi == 1 || kind == MK_OP_MEMORY_REMOVE || m.base;
		}
		mk_mem_add(r->d->arena, &op->inst.mem, m);
	}
	return MK_OK;
}

static int cpu_op(struct reader *r, struct mk_node *n, enum mk_op_kind kind)
{
	struct mk_op *op = NULL;

	if (!mk_first(n))
		return no_items(r, n);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_prop *reg = mk_prop(r->t, c, "reg");
		uint32_t node;
		uint64_t id;

		if (!named(c, "cpu"))
			return skipped(r, c, "cpu");
		if (item_node(r, c, &node))
			return MK_BAD;
		if (!mk_prop_u64(reg, &id))
			return bad(r, c, "reg must be one CPU id of 32 or 64 bits [MK901]");
		/* CPUs of one node stand in one operation */
		if (!op || op->node != node) {
			op = mk_delta_add(r->d, kind, r->subject);
			op->node = node;
			from_node(r, op, n);
		}
		mk_ids_add(r->d->arena, &op->inst.cpus.ids, id);
	}
	return MK_OK;
}

static int device_op(struct reader *r, struct mk_node *n, enum mk_op_kind kind)
{
	struct mk_op *op;
	struct mk_uses *uses;

	if (!mk_first(n))
		return no_items(r, n);
	op = mk_delta_add(r->d, kind, r->subject);
	uses = &op->inst.devices;
	from_node(r, op, n);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_prop *id = mk_prop(r->t, c, "pci-id");
		struct mk_use *u;

		if (!named(c, "pci"))
			return skipped(r, c, "pci");
		if (!mk_prop_is_string(id))
			return bad(r, c, "pci-id must be one string [MK901]");
		uses->u =
			mk_arena_more(r->d->arena, uses->u, uses->n, &uses->cap, sizeof(*uses->u));
		u = &uses->u[uses->n++];
		*u = (struct mk_use){.text = id->data,
				     .pci_id = id->data,
				     .device = MK_NO_DEVICE,
				     .where = in(r, c, id)};
		if (r->s)
			mk_use_by_pci(r->s, u);
	}
	return MK_OK;
}

static const char *op_string(struct reader *r, struct mk_node *n, const char *name)
{
	struct mk_prop *p = mk_prop(r->t, n, name);

	if (mk_prop_is_string(p) && p->len > 1)
		return p->data;
	bad(r, n, "'%s' must be a string that is not empty [MK901]", name);
	return NULL;
}

/* A string that may be left out. */
static int wish(struct reader *r, struct mk_node *n, const char *name, const char **out)
{
	struct mk_prop *p = mk_prop(r->t, n, name);

	if (!p)
		return MK_OK;
	*out = op_string(r, n, name);
	return *out ? MK_OK : MK_BAD;
}

/* resources of a create. */
static int create_resources(struct reader *r, struct mk_node *n, struct mk_instance *x)
{
	struct mk_prop *cpus = mk_prop(r->t, n, "cpus"), *base = mk_prop(r->t, n, "memory-base");
	struct mk_prop *nodes = mk_prop(r->t, n, "numa-nodes"),
		       *names = mk_prop(r->t, n, "device-names");
	struct mk_mem m = {.node = MK_NODE_ANY, .where = in(r, n, NULL)};
	struct mk_state none;

	if (!cpus || !cpus->len || !mk_decode_cells(r->d->arena, cpus, 2, &x->cpus.ids))
		return bad(r, n, "cpus must be a list of 64-bit ids [MK901]");
	x->cpus.where = in(r, n, cpus);
	if (!mk_prop_u64(mk_prop(r->t, n, "memory-bytes"), &m.size))
		return bad(r, n, "memory-bytes must be one number of 64 bits [MK901]");
	if (r->abi == 1) { /* ABI 2 ignores it: the kernel places memory */
		m.placed = mk_prop_u64(base, &m.base);
		if (!m.placed)
			return bad(r, n, "memory-base must be one number of 64 bits [MK901]");
	}
	if (nodes && !mk_decode_cells(r->d->arena, nodes, 1, &x->numa_nodes))
		return bad(r, n, "numa-nodes must be a list of cells [MK901]");
	if (r->abi == 2 && x->numa_nodes.n)
		m.node = (uint32_t)x->numa_nodes.id[0];
	mk_mem_add(r->d->arena, &x->mem, m);
	if (names && r->abi == 2) {
		bad(r, n, "this kernel does not take device-names [MK901]");
		mk_hint(r->err,
			"hand devices over with device-add, in a fragment behind the create");
		return MK_BAD;
	}
	mk_state_init(&none, r->d->arena);
	if (mk_prop_is_strings(names))
		mk_decode_names(r->s ? (struct mk_state *)(uintptr_t)r->s : &none, &x->devices, n,
				names);
	for (size_t i = 0; r->s && i < x->devices.n; i++)
		x->devices.u[i].pci_id = mk_use_pci(r->s, &x->devices.u[i]);
	if (wish(r, n, "cpu-affinity", &x->affinity) || wish(r, n, "memory-policy", &x->policy))
		return MK_BAD;
	/* otherwise it says where the memory goes, and nothing else */
	if (r->abi == 2 && (!x->policy || strcmp(x->policy, "bind") != 0))
		x->numa_nodes.n = 0;
	x->uring = mk_child(r->t, n, "uring");
	x->resources = in(r, n, NULL); /* what else it has is carried on */
	return MK_OK;
}

static int create_op(struct reader *r, struct mk_node *n)
{
	const char *name = op_string(r, n, "instance-name");
	struct mk_node *res = mk_child(r->t, n, "resources");
	struct mk_op *op;

	if (!name)
		return MK_BAD;
	if (strchr(name, '/'))
		return bad(r, n, "the name of an instance cannot contain '/' [MK901]");
	op = mk_delta_add(r->d, MK_OP_CREATE, name);
	from_node(r, op, n);
	op->inst.name = name;
	op->inst.where.node = NULL;
	op->inst.has_id = mk_prop_u32(mk_prop(r->t, n, "id"), &op->inst.id);
	if (!op->inst.has_id && mk_prop(r->t, n, "id"))
		return bad(r, n, "id must be one cell [MK901]");
	op->inst.options = mk_child(r->t, n, "options");
	return res ? create_resources(r, res, &op->inst)
		   : bad(r, n, "there is no resources { } [MK901]");
}

/* ------------------------------------------------------------ fragments */

/* In the order in which the kernel executes them, whatever order they stand in. */
static const struct operation {
	const char *name;
	enum mk_op_kind kind;
	int (*read)(struct reader *r, struct mk_node *n, enum mk_op_kind kind);
} instance_order[] =
	{
		{"memory-remove", MK_OP_MEMORY_REMOVE, memory_op},
		{"memory-add", MK_OP_MEMORY_ADD, memory_op},
		{"cpu-remove", MK_OP_CPU_REMOVE, cpu_op},
		{"cpu-add", MK_OP_CPU_ADD, cpu_op},
		{"device-remove", MK_OP_DEVICE_REMOVE, device_op},
		{"device-add", MK_OP_DEVICE_ADD, device_op},
},
  pool_order[] = {
	  {"cpu-remove", MK_OP_CPU_REMOVE, cpu_op},
	  {"device-remove", MK_OP_DEVICE_REMOVE, device_op},
	  {"memory-remove", MK_OP_MEMORY_REMOVE, memory_op},
	  {"memory-add", MK_OP_MEMORY_ADD, memory_op},
	  {"cpu-add", MK_OP_CPU_ADD, cpu_op},
	  {"device-add", MK_OP_DEVICE_ADD, device_op},
};

enum { N_OPERATIONS = sizeof(pool_order) / sizeof(pool_order[0]) };

static bool is_operation(const char *name, bool whole_instances)
{
	if (!strcmp(name, "instance-create") || !strcmp(name, "instance-remove"))
		return whole_instances;
	for (size_t i = 0; i < N_OPERATIONS; i++)
		if (!strcmp(name, pool_order[i].name))
			return true;
	return false;
}

static int read_overlay(struct reader *r, struct mk_node *overlay, bool pool, bool whole_instances)
{
	const struct operation *order = pool ? pool_order : instance_order;
	const char *subject = r->subject;
	struct mk_node *n;
	int rc = MK_OK;

	for (n = mk_first(overlay); n; n = mk_next(n))
		if (!is_operation(n->name, whole_instances))
			return bad(r, n, "this is no operation that can stand here [MK901]");
	n = mk_child(r->t, overlay, "instance-create");
	if (n)
		rc = create_op(r, n);
	for (size_t i = 0; !rc && i < N_OPERATIONS; i++) {
		n = mk_child(r->t, overlay, order[i].name);
		if (!n)
			continue;
		if (r->abi == 1) {
			r->subject = op_string(r, n, "mk,instance");
			if (!r->subject)
				return MK_BAD;
		} else if (!pool && !subject) {
			return bad(
				r, n,
				"'/instances' takes instance-create and instance-remove [MK901]");
		}
		rc = order[i].read(r, n, order[i].kind);
	}
	n = mk_child(r->t, overlay, "instance-remove");
	if (!rc && n) {
		const char *name = op_string(r, n, "instance-name");

		if (!name)
			return MK_BAD;
		from_node(r, mk_delta_add(r->d, MK_OP_DELETE, name), n);
	}
	r->subject = subject;
	return rc;
}

static int read_fragment(struct reader *r, struct mk_node *f)
{
	struct mk_node *overlay = mk_child(r->t, f, "__overlay__");
	struct mk_prop *target = mk_prop(r->t, f, "target-path");
	const char *path;

	if (!overlay)
		return bad(r, f, "there is no __overlay__ [MK901]");
	r->subject = NULL;
	if (r->abi == 1)
		return read_overlay(r, overlay, false, true);
	if (!mk_prop_is_string(target))
		return bad(r, f, "target-path must be one string [MK901]");
	path = target->data;
	if (!strcmp(path, "/resources"))
		return read_overlay(r, overlay, true, false);
	if (!strcmp(path, "/instances"))
		return read_overlay(r, overlay, false, true);
	if (!strncmp(path, "/instances/", 11) && path[11] && !strchr(path + 11, '/')) {
		r->subject = path + 11;
		return read_overlay(r, overlay, false, false);
	}
	bad(r, f, "the kernel knows no target '%s' [MK901]", path);
	mk_hint(r->err, "targets are /resources, /instances and /instances/NAME");
	return MK_BAD;
}

struct fragment {
	uint32_t unit;
	struct mk_node *node;
};

static int by_unit(const void *x, const void *y)
{
	const struct fragment *a = x, *b = y;

	return a->unit < b->unit ? -1 : a->unit > b->unit;
}

/* Which ABI the fragments are of; a phandle target makes the overlay somebody else's. */
static int abi_of(struct reader *r, struct fragment *f, size_t n)
{
	size_t paths = 0;

	for (size_t i = 0; i < n; i++) {
		if (mk_prop(r->t, f[i].node, "target")) {
			bad(r, f[i].node, "a target phandle: this is a foreign overlay [MK904]");
			mk_hint(r->err, "multikernel overlays name their target by target-path, or "
					"not at all");
			return MK_BAD;
		}
		paths += mk_prop(r->t, f[i].node, "target-path") != NULL;
	}
	if (paths && paths != n)
		return mk_fail_at(r->err, MK_BAD, r->t->root->at,
				  "some fragments have a target-path and some have none [MK905]");
	r->abi = !n ? 0 : paths ? 2 : 1;
	if (r->abi == 1 && n > 1) {
		bad(r, f[1].node, "a kernel of ABI 1 looks at fragment@0 alone [MK902]");
		mk_hint(r->err, "split the overlay: one transaction a fragment");
		return MK_BAD;
	}
	return MK_OK;
}

/* "mktools DIGEST K/N", as our own overlays are signed. */
static void read_digest(struct mk_delta *d, const struct mk_prop *p)
{
	static const char ours[] = "mktools ";
	const char *s = mk_prop_is_string(p) ? p->data : "";

	if (strncmp(s, ours, sizeof(ours) - 1) != 0)
		return;
	s += sizeof(ours) - 1;
	if (strspn(s, "0123456789abcdef") != 16 || s[16] != ' ')
		return;
	memcpy(d->digest, s, 16);
	d->digest[16] = '\0';
}

int mk_overlay_read(struct mk_delta *d, struct mk_tree *t, const struct mk_state *s,
		    struct mk_err *err)
{
	struct reader r = {.d = d, .t = t, .s = s, .err = err};
	struct fragment *f = mk_arena_array(d->arena, t->root->children, sizeof(*f));
	size_t n = 0;
	int rc;

	for (struct mk_node *c = mk_first(t->root); c; c = mk_next(c)) {
		uint64_t unit = 0;

		if (!strcmp(c->name, "fragment")) {
			bad(&r, c, "the kernel would skip this fragment without a word [MK903]");
			mk_hint(err, "fragments have a number: fragment@0");
			return MK_BAD;
		}
		if (strncmp(c->name, "fragment@", 9) != 0)
			continue;
		if (!c->name[9] || strlen(c->name + 9) > 8)
			return bad(&r, c,
				   "the number of a fragment is hexadecimal, of 32 bits [MK901]");
		for (const char *p = c->name + 9; *p; p++) {
			if (mk_hex_digit((unsigned char)*p) < 0)
				return bad(&r, c,
					   "the number of a fragment is hexadecimal [MK901]");
			unit = unit * 16 + (uint64_t)mk_hex_digit((unsigned char)*p);
		}
		f[n++] = (struct fragment){(uint32_t)unit, c};
	}
	mk_sort(f, n, sizeof(*f), by_unit);
	rc = abi_of(&r, f, n);
	if (rc)
		return rc;
	if (r.abi)
		d->abi = r.abi;
	read_digest(d, mk_prop(t, t->root, "mk,resources"));
	for (size_t i = 0; !rc && i < n; i++)
		rc = read_fragment(&r, f[i].node);
	return rc;
}
