/* SPDX-License-Identifier: Apache-2.0 */
/* fold: overlays read back into operations, and operations executed on a state. See overlay.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "num.h"
#include "overlay.h"

struct reader {
	struct mk_delta *d;
	struct mk_tree *t;
	const struct mk_state *s;
	struct mk_err *err;
	uint32_t abi;
	const char *subject; /* the fragment's or operation's instance; NULL for the pool */
};

/* Fills err with a text that stands between two others. */
__attribute__((format(printf, 6, 0))) static int say(struct mk_err *err, int code,
						     struct mk_span at, const char *before,
						     const char *behind, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	return mk_fail_at(err, code, at, "%s: %s%s", before, text, behind);
}

__attribute__((format(printf, 3, 4))) static int bad(struct reader *r, const struct mk_node *n,
						     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r->err, MK_BAD, n->at, mk_node_path(r->d->arena, n), "", fmt, ap);
	va_end(ap);
	return MK_BAD;
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

static uint32_t item_node(struct reader *r, struct mk_node *n)
{
	uint32_t v = MK_NODE_ANY;

	if (!mk_prop_u32(mk_prop(r->t, n, "numa-node-id"), &v))
		mk_prop_u32(mk_prop(r->t, n, "numa-node"), &v);
	return v;
}

static int memory_op(struct reader *r, struct mk_node *n, enum mk_op_kind kind)
{
	struct mk_op *op = mk_delta_add(r->d, kind, r->subject);

	op->at = n->at;
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_mem m = {.node = item_node(r, c), .where = {.node = c}};
		struct mk_prop *reg = mk_prop(r->t, c, "reg");
		bool sized = !r->subject && kind == MK_OP_MEMORY_ADD;

		if (!named(c, "memory") && !(r->abi == 1 && named(c, "region")))
			return skipped(r, c, r->abi == 1 ? "region" : "memory");
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

	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_prop *reg = mk_prop(r->t, c, "reg");
		uint32_t node = item_node(r, c);
		uint64_t id;

		if (!named(c, "cpu"))
			return skipped(r, c, "cpu");
		if (!mk_prop_u64(reg, &id))
			return bad(r, c, "reg must be one CPU id of 32 or 64 bits [MK901]");
		/* CPUs of one node stand in one operation */
		if (!op || op->node != node) {
			op = mk_delta_add(r->d, kind, r->subject);
			op->node = node;
			op->at = n->at;
		}
		mk_ids_add(r->d->arena, &op->inst.cpus.ids, id);
	}
	return MK_OK;
}

static int device_op(struct reader *r, struct mk_node *n, enum mk_op_kind kind)
{
	struct mk_op *op = mk_delta_add(r->d, kind, r->subject);
	struct mk_uses *uses = &op->inst.devices;

	op->at = n->at;
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
		*u = (struct mk_use){.text = id->data, .pci_id = id->data, .device = MK_NO_DEVICE};
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

/* resources of a create. */
static int create_resources(struct reader *r, struct mk_node *n, struct mk_instance *x)
{
	struct mk_prop *cpus = mk_prop(r->t, n, "cpus"), *base = mk_prop(r->t, n, "memory-base");
	struct mk_prop *nodes = mk_prop(r->t, n, "numa-nodes"),
		       *names = mk_prop(r->t, n, "device-names");
	struct mk_mem m = {.node = MK_NODE_ANY, .where = {.node = n}};
	struct mk_state none;

	if (!cpus || !cpus->len || !mk_decode_cells(r->d->arena, cpus, 2, &x->cpus.ids))
		return bad(r, n, "cpus must be a list of 64-bit ids [MK901]");
	x->cpus.where = (struct mk_where){n, cpus};
	if (!mk_prop_u64(mk_prop(r->t, n, "memory-bytes"), &m.size))
		return bad(r, n, "memory-bytes must be one number of 64 bits [MK901]");
	if (r->abi == 1) { /* ABI 2 ignores it: the kernel places memory */
		m.placed = mk_prop_u64(base, &m.base);
		if (!m.placed)
			return bad(r, n, "memory-base must be one number of 64 bits [MK901]");
	}
	if (nodes && !mk_decode_cells(r->d->arena, nodes, 1, &x->numa_nodes))
		return bad(r, n, "numa-nodes must be a list of cells [MK901]");
	if (r->abi == 2 && x->numa_nodes.n) {
		m.node = (uint32_t)x->numa_nodes.id[0];
		x->numa_nodes.n = 0; /* it says where the memory goes, and nothing else */
	}
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
	if (mk_prop_is_string(mk_prop(r->t, n, "cpu-affinity")))
		x->affinity = mk_prop(r->t, n, "cpu-affinity")->data;
	if (mk_prop_is_string(mk_prop(r->t, n, "memory-policy")))
		x->policy = mk_prop(r->t, n, "memory-policy")->data;
	x->uring = mk_child(r->t, n, "uring");
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
	op->at = n->at;
	op->inst.name = name;
	op->inst.where.node = NULL;
	op->inst.has_id = mk_prop_u32(mk_prop(r->t, n, "id"), &op->inst.id);
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
		mk_delta_add(r->d, MK_OP_DELETE, name)->at = n->at;
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

int mk_overlay_read(struct mk_delta *d, struct mk_tree *t, const struct mk_state *s,
		    struct mk_err *err)
{
	struct reader r = {.d = d, .t = t, .s = s, .err = err};
	struct fragment *f = mk_arena_array(d->arena, t->root->children, sizeof(*f));
	size_t n = 0;
	int rc;

	for (struct mk_node *c = mk_first(t->root); c; c = mk_next(c)) {
		uint64_t unit = 0;

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
	if (n)
		qsort(f, n, sizeof(*f), by_unit);
	rc = abi_of(&r, f, n);
	if (rc)
		return rc;
	if (r.abi)
		d->abi = r.abi;
	for (size_t i = 0; !rc && i < n; i++)
		rc = read_fragment(&r, f[i].node);
	return rc;
}

/* ------------------------------------------------------------ executing */

struct executor {
	struct mk_state *s;
	struct mk_err *err;
	uint32_t abi;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct executor *e, const struct mk_op *op,
							const char *fmt, ...)
{
	const char *what = mk_arena_fmt(e->s->arena, "%s %s", mk_op_name(op->kind),
					op->subject ? op->subject : "@pool");
	va_list ap;

	va_start(ap, fmt);
	say(e->err, MK_NO, op->at, what, " [MK902]", fmt, ap);
	va_end(ap);
	return MK_NO;
}

static int no_instance(struct executor *e, const struct mk_op *op)
{
	refuse(e, op, "there is no such instance (the kernel says ENOENT)");
	mk_hint(e->err, "the overlay was made for another state");
	return MK_NO;
}

static int execute_create(struct executor *e, const struct mk_op *op)
{
	struct mk_instance *x;

	if (mk_instance_find(e->s, op->subject))
		return refuse(e, op, "there is an instance of that name (the kernel says EEXIST)");
	if (op->inst.has_id && !op->inst.id)
		return refuse(e, op, "id 0 is the host's (the kernel says ENOMEM)");
	x = mk_instance_add(e->s, op->subject);
	*x = op->inst;
	x->cpus.known = true;
	for (size_t i = 0; i < x->mem.n; i++)
		if (e->abi == 2)
			x->mem.m[i].placed = false;
	for (size_t i = 0; i < x->devices.n; i++)
		if (x->devices.u[i].pci_id && x->devices.u[i].device == MK_NO_DEVICE)
			mk_use_by_pci(e->s, &x->devices.u[i]);
		else if (x->devices.u[i].device == MK_NO_DEVICE)
			mk_use_resolve(e->s, &x->devices.u[i]);
	mk_state_index(e->s);
	return MK_OK;
}

static int execute_delete(struct executor *e, const struct mk_op *op, struct mk_instance *x)
{
	size_t i = (size_t)(x - e->s->instance);

	if (x->status && (!strcmp(x->status, "active") || !strcmp(x->status, "loaded")))
		return refuse(e, op, "the instance is %s (the kernel says EBUSY)", x->status);
	memmove(x, x + 1, (e->s->n_instances - i - 1) * sizeof(*x));
	e->s->n_instances--;
	mk_state_index(e->s);
	return MK_OK;
}

static int remove_cpus(struct executor *e, const struct mk_op *op, struct mk_ids *from)
{
	const struct mk_ids *ids = &op->inst.cpus.ids;
	struct mk_ranges gone;
	size_t n = 0;

	mk_ranges_init(&gone, e->s->arena);
	for (size_t i = 0; i < ids->n; i++)
		mk_ranges_add(&gone, ids->id[i], ids->id[i]);
	mk_ranges_join(&gone);
	for (size_t i = 0; i < from->n; i++)
		if (!mk_ranges_has(&gone, from->id[i], from->id[i]))
			from->id[n++] = from->id[i];
	if (from->n - n != mk_ranges_count(&gone))
		return refuse(e, op,
			      "not all of these CPUs are its own: %s (the kernel says EINVAL)",
			      mk_ids_brief(e->s->arena, ids, 8));
	from->n = n;
	return MK_OK;
}

/*
 * Regions are given back as they were taken. A kernel of ABI 1 also takes a
 * part of one, as kerf's updates show; what is left of it stays.
 */
static int remove_memory(struct executor *e, const struct mk_op *op, struct mk_mems *from,
			 const struct mk_mem *m)
{
	for (size_t i = 0; i < from->n; i++) {
		struct mk_mem *x = &from->m[i], old = *x;

		if (!x->placed || m->base < x->base || m->base - x->base >= x->size ||
		    x->size - (m->base - x->base) < m->size)
			continue;
		if (m->base == x->base && m->size == x->size) {
			memmove(x, x + 1, (from->n - i - 1) * sizeof(*x));
			from->n--;
			return MK_OK;
		}
		if (e->abi == 2)
			break;
		x->size = m->base - old.base;
		if (!x->size) {
			x->base = m->base + m->size;
			x->size = old.size - m->size;
		} else if (old.size - x->size > m->size) {
			struct mk_mem tail = old;

			tail.base = m->base + m->size;
			tail.size = old.size - x->size - m->size;
			mk_mem_add(e->s->arena, from, tail);
		}
		return MK_OK;
	}
	return refuse(e, op, "%s is not one of its regions (the kernel says ENOENT)",
		      mk_mem_text(e->s->arena, m));
}

static void add_memory(struct executor *e, struct mk_mems *to, const struct mk_mem *m, bool running)
{
	struct mk_mem x = *m;

	if (e->abi == 2 && !running)
		x.placed = false; /* the kernel takes the size and finds the place */
	mk_mem_add(e->s->arena, to, x);
}

static bool same_use(const struct mk_use *a, const struct mk_use *b)
{
	if (a->device != MK_NO_DEVICE && b->device != MK_NO_DEVICE)
		return a->device == b->device && a->part == b->part && a->number == b->number;
	return !strcmp(a->text, b->text) ||
	       (a->pci_id && b->pci_id && !strcmp(a->pci_id, b->pci_id));
}

static struct mk_use known_use(const struct executor *e, const struct mk_use *u)
{
	struct mk_use x = *u;

	if (!x.pci_id || !mk_use_by_pci(e->s, &x))
		mk_use_resolve(e->s, &x);
	return x;
}

static int remove_device(struct executor *e, const struct mk_op *op, struct mk_uses *from,
			 const struct mk_use *u)
{
	struct mk_use x = known_use(e, u);

	for (size_t i = 0; i < from->n; i++)
		if (same_use(&from->u[i], &x)) {
			memmove(&from->u[i], &from->u[i + 1], (from->n - i - 1) * sizeof(*from->u));
			from->n--;
			return MK_OK;
		}
	return refuse(e, op, "it does not have %s (the kernel says ENOENT)", u->text);
}

static int add_device(struct executor *e, const struct mk_op *op, struct mk_uses *to,
		      const struct mk_use *u)
{
	struct mk_use x = known_use(e, u);

	for (size_t i = 0; i < to->n; i++)
		if (same_use(&to->u[i], &x))
			return refuse(e, op, "it has %s already (the kernel says EEXIST)", u->text);
	to->u = mk_arena_more(e->s->arena, to->u, to->n, &to->cap, sizeof(*to->u));
	to->u[to->n++] = x;
	return MK_OK;
}

/* Uses hold the index of their device: when devices move, they are looked up again. */
static void devices_changed(struct executor *e)
{
	mk_state_index(e->s);
	for (size_t i = 0; i < e->s->n_instances; i++)
		for (size_t k = 0; k < e->s->instance[i].devices.n; k++)
			mk_use_resolve(e->s, &e->s->instance[i].devices.u[k]);
}

static int pool_device_remove(struct executor *e, const struct mk_op *op, const struct mk_use *u)
{
	struct mk_use x = known_use(e, u);

	if (x.device == MK_NO_DEVICE || x.part != MK_WHOLE)
		return refuse(e, op, "the pool does not have %s (the kernel says ENOENT)", u->text);
	for (size_t i = 0; i < e->s->n_instances; i++)
		for (size_t k = 0; k < e->s->instance[i].devices.n; k++)
			if (e->s->instance[i].devices.u[k].device == x.device)
				return refuse(e, op,
					      "%s is in the hands of %s (the kernel says EBUSY)",
					      x.text, e->s->instance[i].name);
	memmove(&e->s->device[x.device], &e->s->device[x.device + 1],
		(e->s->n_devices - x.device - 1) * sizeof(*e->s->device));
	e->s->n_devices--;
	devices_changed(e);
	return MK_OK;
}

static int pool_device_add(struct executor *e, const struct mk_op *op, const struct mk_use *u)
{
	struct mk_use x = known_use(e, u);
	struct mk_device d = {.name = u->text,
			      .node_name = u->text,
			      .pci_id = u->pci_id,
			      .type = "pci",
			      .node = MK_NODE_ANY};

	if (x.device != MK_NO_DEVICE)
		return refuse(e, op, "the pool has %s already (the kernel says EEXIST)", x.text);
	e->s->device = mk_arena_more(e->s->arena, e->s->device, e->s->n_devices, &e->s->devices_cap,
				     sizeof(*e->s->device));
	e->s->device[e->s->n_devices++] = d;
	devices_changed(e);
	return MK_OK;
}

static int execute_on_pool(struct executor *e, const struct mk_op *op)
{
	int rc = MK_OK;

	if (e->abi == 1)
		return refuse(e, op, "a kernel of ABI 1 cannot change its pool by an overlay");
	if (!e->s->has_machine)
		return refuse(e, op, "there is no pool (the kernel says EPERM)");
	switch (op->kind) {
	case MK_OP_CPU_REMOVE: return remove_cpus(e, op, &e->s->pool.ids);
	case MK_OP_CPU_ADD:
		for (size_t i = 0; i < op->inst.cpus.ids.n; i++)
			mk_ids_add(e->s->arena, &e->s->pool.ids, op->inst.cpus.ids.id[i]);
		return MK_OK;
	case MK_OP_MEMORY_REMOVE:
		for (size_t i = 0; !rc && i < op->inst.mem.n; i++)
			rc = remove_memory(e, op, &e->s->chunks, &op->inst.mem.m[i]);
		return rc;
	case MK_OP_MEMORY_ADD:
		for (size_t i = 0; i < op->inst.mem.n; i++)
			add_memory(e, &e->s->chunks, &op->inst.mem.m[i], false);
		return MK_OK;
	case MK_OP_DEVICE_REMOVE:
		for (size_t i = 0; !rc && i < op->inst.devices.n; i++)
			rc = pool_device_remove(e, op, &op->inst.devices.u[i]);
		return rc;
	case MK_OP_DEVICE_ADD:
		for (size_t i = 0; !rc && i < op->inst.devices.n; i++)
			rc = pool_device_add(e, op, &op->inst.devices.u[i]);
		return rc;
	default: return MK_OK;
	}
}

static int execute(struct executor *e, const struct mk_op *op)
{
	struct mk_instance *x;
	bool running;
	int rc = MK_OK;

	if (op->kind == MK_OP_UNSUPPORTED)
		return refuse(e, op, "no kernel operation changes its %s",
			      op->what ? op->what : "settings");
	if (!op->subject)
		return execute_on_pool(e, op);
	if (op->kind == MK_OP_CREATE)
		return execute_create(e, op);
	x = mk_instance_find(e->s, op->subject);
	if (!x)
		return no_instance(e, op);
	running = x->status && !strcmp(x->status, "active");
	switch (op->kind) {
	case MK_OP_DELETE: return execute_delete(e, op, x);
	case MK_OP_CPU_REMOVE: return remove_cpus(e, op, &x->cpus.ids);
	case MK_OP_CPU_ADD:
		for (size_t i = 0; i < op->inst.cpus.ids.n; i++)
			mk_ids_add(e->s->arena, &x->cpus.ids, op->inst.cpus.ids.id[i]);
		x->cpus.known = true;
		return MK_OK;
	case MK_OP_MEMORY_REMOVE:
		for (size_t i = 0; !rc && i < op->inst.mem.n; i++)
			rc = remove_memory(e, op, &x->mem, &op->inst.mem.m[i]);
		return rc;
	case MK_OP_MEMORY_ADD:
		for (size_t i = 0; i < op->inst.mem.n; i++)
			add_memory(e, &x->mem, &op->inst.mem.m[i], running);
		return MK_OK;
	case MK_OP_DEVICE_REMOVE:
		for (size_t i = 0; !rc && i < op->inst.devices.n; i++)
			rc = remove_device(e, op, &x->devices, &op->inst.devices.u[i]);
		return rc;
	case MK_OP_DEVICE_ADD:
		for (size_t i = 0; !rc && i < op->inst.devices.n; i++)
			rc = add_device(e, op, &x->devices, &op->inst.devices.u[i]);
		return rc;
	default: return MK_OK;
	}
}

int mk_delta_apply(struct mk_state *s, const struct mk_delta *d, struct mk_err *err)
{
	struct executor e = {.s = s, .err = err, .abi = d->abi ? d->abi : s->abi};

	for (size_t i = 0; i < d->n; i++) {
		int rc = execute(&e, &d->op[i]);

		if (rc)
			return rc;
	}
	s->has_instances = true;
	if (d->abi)
		s->abi = d->abi;
	return MK_OK;
}
