/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: writing overlays for both kernel ABIs, and splitting what is too large for one. */
#include "overlay.h"

#include <string.h>

#include "arena.h"
#include "dialect.h"
#include "encode.h"
#include "fdt.h"
#include "num.h"

/* The operations of one subject that go into the kernel together. */
struct group {
	const struct mk_op **op;
	size_t n, cap;
};

struct maker {
	struct mk_overlays *out;
	const struct mk_delta *d;
	struct mk_op *op; /* of the delta, as this kernel can take them */
	size_t ops;
	struct mk_arena *a;
	uint32_t abi;
	size_t max_bytes;
	struct mk_err *err;
	struct group *group;
	size_t n_groups, groups_cap;
	struct mk_names names; /* of properties, marked with the overlay they were last seen in */
	uint32_t overlay;      /* its number, from 1 */
	unsigned fragment;     /* the next number */
	bool lost_addresses;
};

static void append_mem(struct mk_arena *a, struct mk_mems *to, const struct mk_mems *from)
{
	struct mk_mems all = {0};

	for (size_t i = 0; i < to->n; i++)
		mk_mem_add(a, &all, to->m[i]);
	for (size_t i = 0; i < from->n; i++)
		mk_mem_add(a, &all, from->m[i]);
	*to = all;
}

static void append_cpus(struct mk_arena *a, struct mk_ids *to, const struct mk_ids *from)
{
	struct mk_ids all = {0};

	for (size_t i = 0; i < to->n; i++)
		mk_ids_add(a, &all, to->id[i]);
	for (size_t i = 0; i < from->n; i++)
		mk_ids_add(a, &all, from->id[i]);
	*to = all;
}

static void append_uses(struct mk_arena *a, struct mk_uses *to, const struct mk_uses *from)
{
	struct mk_uses all = {.n = to->n + from->n, .cap = to->n + from->n};

	all.u = mk_arena_array(a, all.n, sizeof(*all.u));
	memcpy(all.u, to->u, to->n * sizeof(*all.u));
	memcpy(all.u + to->n, from->u, from->n * sizeof(*all.u));
	*to = all;
}

/*
 * What a new instance gets behind its creation is a part of that: it shall
 * stand in the same overlay. ABI 1 hands devices over by name when it creates
 * and by PCI id later: those stay what they are.
 */
static bool joins(struct maker *m, struct mk_op *create, const struct mk_op *op)
{
	switch (op->kind) {
	case MK_OP_MEMORY_ADD: append_mem(m->a, &create->inst.mem, &op->inst.mem); return true;
	case MK_OP_CPU_ADD:
		append_cpus(m->a, &create->inst.cpus.ids, &op->inst.cpus.ids);
		return true;
	case MK_OP_DEVICE_ADD:
		if (m->abi == 2 && op->inst.devices.n)
			append_uses(m->a, &create->inst.devices, &op->inst.devices);
		return m->abi == 2;
	default: return false;
	}
}

/*
 * The operations as this kernel can take them. One of ABI 1 creates an instance
 * with one region: the others follow as an operation of their own.
 */
static void expand(struct maker *m)
{
	const struct mk_delta *d = m->d;
	struct mk_names created = {.arena = m->a};
	struct mk_op *op = mk_arena_array(m->a, d->n, sizeof(*op));
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const char *name = d->op[i].subject;
		uint32_t *mark = name ? mk_name_mark(mk_intern(&created, name, strlen(name))) : NULL;

		if (mark && *mark && joins(m, &op[*mark - 1], &d->op[i]))
			continue;
		op[n++] = d->op[i];
		if (mark) /* what takes something away ends that */
			*mark = d->op[i].kind == MK_OP_CREATE ? (uint32_t)n
				: d->op[i].kind < MK_OP_CREATE ? 0
							       : *mark;
	}
	m->op = mk_arena_array(m->a, 2 * n, sizeof(*m->op));
	for (size_t i = 0; i < n; i++) {
		struct mk_op *one = &m->op[m->ops++];

		*one = op[i];
		if (m->abi != 1 || one->kind != MK_OP_CREATE || one->inst.mem.n < 2)
			continue;
		m->op[m->ops] = (struct mk_op){.kind = MK_OP_MEMORY_ADD,
					       .rest = true,
					       .subject = one->subject,
					       .node = MK_NODE_ANY,
					       .at = one->at,
					       .path = one->path};
		m->op[m->ops].inst.mem.m = one->inst.mem.m + 1;
		m->op[m->ops++].inst.mem.n = one->inst.mem.n - 1;
		one->inst.mem.n = 1;
	}
}

/* ------------------------------------------------------------ what goes together */

static void fill(struct maker *m, bool adding, struct mk_ranges *cpus, struct mk_ranges *mem,
		 struct mk_names *devices, bool *named, bool *by_pci)
{
	mk_ranges_init(cpus, m->a);
	mk_ranges_init(mem, m->a);
	*devices = (struct mk_names){.arena = m->a};
	for (size_t i = 0; i < m->ops; i++) {
		const struct mk_op *op = &m->op[i];
		const struct mk_instance *x = &op->inst;

		if ((op->kind >= MK_OP_CREATE) != adding)
			continue;
		mk_ranges_add_ids(cpus, &x->cpus.ids);
		for (size_t k = 0; k < x->mem.n; k++)
			if (x->mem.m[k].placed)
				mk_ranges_add_size(mem, x->mem.m[k].base, x->mem.m[k].size);
			else /* anywhere: it may need what is given back */
				mk_ranges_add(mem, 0, UINT64_MAX);
		for (size_t k = 0; k < x->devices.n;
		     k++) { /* a part and the whole exclude each other */
			const char *text = x->devices.u[k].text;
			size_t len = strlen(text);
			uint32_t number;
			char kind;

			mk_split_part(text, &len, &kind, &number);
			mk_intern(devices, text, len);
			if (x->devices.u[k].pci_id)
				mk_intern(devices, x->devices.u[k].pci_id,
					  strlen(x->devices.u[k].pci_id));
			/* a name and a PCI id may be of one device: nothing says so here */
			*named = *named || !x->devices.u[k].pci_id;
			*by_pci = *by_pci || memchr(text, ':', len);
		}
	}
	mk_ranges_join(cpus);
	mk_ranges_join(mem);
}

static bool meet(const struct mk_ranges *a, const struct mk_ranges *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (mk_ranges_meets(b, a->r[i].first, a->r[i].last))
			return true;
	return false;
}

/*
 * Whether something passes from one subject to another, or from an instance out
 * of the pool: then all removals must be done before the first addition, and a
 * subject's own are told apart.
 */
static bool hands_over(struct maker *m)
{
	struct mk_ranges gone_cpus, gone_mem, come_cpus, come_mem;
	struct mk_names gone, come;
	const char *subject = NULL;
	bool several = false, shrinks = false;
	bool gone_named = false, gone_pci = false, come_named = false, come_pci = false;

	for (size_t i = 0; i < m->ops; i++) {
		const char *s = m->op[i].subject ? m->op[i].subject : "@";

		several = several || (subject && strcmp(s, subject) != 0);
		shrinks = shrinks || (!m->op[i].subject && m->op[i].kind < MK_OP_CREATE);
		subject = s;
	}
	if (!several || shrinks)
		return several;
	fill(m, false, &gone_cpus, &gone_mem, &gone, &gone_named, &gone_pci);
	fill(m, true, &come_cpus, &come_mem, &come, &come_named, &come_pci);
	if (meet(&gone_cpus, &come_cpus) || meet(&gone_mem, &come_mem) ||
	    (gone_named && come_pci) || (gone_pci && come_named))
		return true;
	for (size_t i = 0; i < gone.cap; i++) {
		const char *name = mk_names_slot(&gone, i);

		if (name && mk_name_known(&come, name, strlen(name)))
			return true;
	}
	return false;
}

static struct group *new_group(struct maker *m)
{
	m->group = mk_arena_more(m->a, m->group, m->n_groups, &m->groups_cap, sizeof(*m->group));
	m->group[m->n_groups] = (struct group){0};
	return &m->group[m->n_groups++];
}

/*
 * What must be before what: an instance lets go before the pool does, and the
 * pool has a thing before an instance gets it.
 */
enum phase {
	PHASE_DELETE,
	PHASE_INSTANCE_REMOVE,
	PHASE_POOL_REMOVE,
	PHASE_POOL_ADD,
	PHASE_CREATE,
	PHASE_CREATE_REST, /* what a create could not hold */
	PHASE_INSTANCE_ADD,
	PHASES
};

static enum phase phase_of(const struct mk_op *op, bool phases)
{
	bool removes = phases && op->kind < MK_OP_CREATE;

	if (op->kind == MK_OP_DELETE)
		return PHASE_DELETE;
	if (op->kind == MK_OP_CREATE)
		return PHASE_CREATE;
	if (op->rest)
		return PHASE_CREATE_REST;
	if (op->subject)
		return removes ? PHASE_INSTANCE_REMOVE : PHASE_INSTANCE_ADD;
	return removes ? PHASE_POOL_REMOVE : PHASE_POOL_ADD;
}

/*
 * Deletions and creations each alone; of the rest a group a subject, in the
 * order in which subjects appear; twice over where things are handed over.
 */
static void make_groups(struct maker *m)
{
	struct mk_names subjects = {.arena = m->a};
	bool phases = hands_over(m);

	for (enum phase pass = 0; pass < PHASES; pass++)
		for (size_t i = 0; i < m->ops; i++) {
			const struct mk_op *op = &m->op[i];
			enum phase phase = phase_of(op, phases);
			bool alone = phase == PHASE_DELETE || phase == PHASE_CREATE;
			const char *subject = op->subject ? op->subject : "";
			struct group *g;
			uint32_t *mark;

			if (phase != pass)
				continue;
			/* a name and a phase stand for a group */
			subject = mk_arena_fmt(m->a, "%d%s", (int)phase, subject);
			mark = mk_name_mark(mk_intern(&subjects, subject, strlen(subject)));
			if (alone || !*mark) {
				new_group(m);
				*mark = (uint32_t)m->n_groups;
			}
			g = &m->group[*mark - 1];
			g->op = mk_arena_more(m->a, (void *)g->op, g->n, &g->cap,
					      sizeof(struct mk_op *));
			g->op[g->n++] = op;
		}
}

/* ------------------------------------------------------------ nodes of an overlay */

static struct mk_tree *new_overlay(struct maker *m)
{
	struct mk_tree *t = mk_arena_alloc(m->a, sizeof(*t));

	mk_tree_init(t, m->a);
	m->overlay++;
	mk_add_node(t, NULL, "");
	mk_add_str(t, t->root, "compatible", "linux,multikernel-overlay");
	m->fragment = 0;
	return t;
}

static struct mk_node *new_fragment(struct maker *m, struct mk_tree *t, const char *target)
{
	struct mk_node *f =
		mk_add_node(t, t->root, mk_arena_fmt(m->a, "fragment@%x", m->fragment++));

	if (target)
		mk_add_str(t, f, "target-path", target);
	return mk_add_node(t, f, "__overlay__");
}

/* The node of an operation; in ABI 1 it says whom it is about. */
static struct mk_node *op_node(struct maker *m, struct mk_tree *t, struct mk_node *overlay,
			       const struct mk_op *op)
{
	struct mk_node *n = mk_child(t, overlay, mk_op_name(op->kind));

	if (n)
		return n;
	n = mk_add_node(t, overlay, mk_op_name(op->kind));
	if (m->abi == 1 && op->subject)
		mk_add_str(t, n, "mk,instance", op->subject);
	return n;
}

/* What the kernel is to take back has an address; under ABI 1 what it is to give, too. */
static int no_address(struct maker *m, const struct mk_op *op)
{
	mk_fail_at(m->err, MK_NO, op->at, "%s %s: this kernel wants to be told where the memory is",
		   mk_op_name(op->kind), op->subject ? op->subject : "@pool");
	mk_hint(m->err, "memory=0xBASE+SIZE names a region with its address");
	return MK_NO;
}

static int memory_items(struct maker *m, struct mk_tree *t, struct mk_node *n,
			const struct mk_op *op)
{
	for (size_t i = 0; i < op->inst.mem.n; i++) {
		const struct mk_mem *x = &op->inst.mem.m[i];
		struct mk_node *c;

		if (!x->placed && (m->abi == 1 || op->kind == MK_OP_MEMORY_REMOVE))
			return no_address(m, op);
		c = mk_add_node(t, n,
				mk_arena_fmt(m->a, "%s@%u", m->abi == 1 ? "region" : "memory",
					     n->children));

		if (!op->subject && op->kind == MK_OP_MEMORY_ADD)
			mk_add_u64(t, c, "size",
				   x->size); /* the pool grows where the kernel finds room */
		else
			mk_add_reg(t, c, x->placed ? x->base : 0, x->size);
		if (x->node != MK_NODE_ANY)
			mk_add_u32(t, c, m->abi == 1 ? "numa-node" : "numa-node-id", x->node);
	}
	return MK_OK;
}

static void cpu_items(struct maker *m, struct mk_tree *t, struct mk_node *n, const struct mk_op *op)
{
	for (size_t i = 0; i < op->inst.cpus.ids.n; i++) {
		uint64_t id = op->inst.cpus.ids.id[i];
		char *name = mk_arena_fmt(m->a, "cpu@%llx", (unsigned long long)id);
		struct mk_node *c;

		if (mk_child(t, n, name))
			continue;
		c = mk_add_node(t, n, name);
		mk_add_u64(t, c, "reg", id);
		if (op->node != MK_NODE_ANY)
			mk_add_u32(t, c, m->abi == 1 ? "numa-node" : "numa-node-id", op->node);
	}
}

static int device_items(struct maker *m, struct mk_tree *t, struct mk_node *n,
			const struct mk_op *op)
{
	for (size_t i = 0; i < op->inst.devices.n; i++) {
		const struct mk_use *u = &op->inst.devices.u[i];

		if (!u->pci_id) {
			mk_fail(m->err, MK_NO,
				"%s: planned only: %s has no PCI id, and the kernel hands out "
				"nothing else [MK608]",
				op->subject ? op->subject : "the pool", u->text);
			mk_hint(m->err,
				"a record names PCI ids by pci-ids=, as mk-diff writes them; a "
				"VF needs one of its own, vf@N { pci-id = ...; }; a namespace "
				"cannot be handed out");
			return MK_NO;
		}
		mk_add_str(t, mk_add_node(t, n, mk_arena_fmt(m->a, "pci@%u", n->children)),
			   "pci-id", u->pci_id);
	}
	return MK_OK;
}

static int op_items(struct maker *m, struct mk_tree *t, struct mk_node *overlay,
		    const struct mk_op *op)
{
	struct mk_node *n = op_node(m, t, overlay, op);

	switch (op->kind) {
	case MK_OP_MEMORY_ADD:
	case MK_OP_MEMORY_REMOVE: return memory_items(m, t, n, op);
	case MK_OP_CPU_ADD:
	case MK_OP_CPU_REMOVE: cpu_items(m, t, n, op); return MK_OK;
	default: return device_items(m, t, n, op);
	}
}

/* ------------------------------------------------------------ creating */

static void create_head(struct mk_tree *t, struct mk_node *n, const struct mk_instance *x)
{
	mk_add_str(t, n, "instance-name", x->name);
	if (x->has_id)
		mk_add_u32(t, n, "id", x->id);
}

static void create_tail(struct mk_tree *t, struct mk_node *n, struct mk_node *r,
			const struct mk_instance *x)
{
	if (x->affinity)
		mk_add_str(t, r, "cpu-affinity", x->affinity);
	if (x->policy)
		mk_add_str(t, r, "memory-policy", x->policy);
	if (x->uring)
		mk_copy_node(t, r, x->uring);
	if (x->options)
		mk_copy_node(t, n, x->options);
}

static int create_v1(struct maker *m, struct mk_tree *t, const struct mk_op *op)
{
	const struct mk_instance *x = &op->inst;
	struct mk_node *n = mk_add_node(t, new_fragment(m, t, NULL), "instance-create"), *r;

	if (x->mem.n != 1 || !x->mem.m[0].placed) {
		mk_fail(m->err, MK_NO,
			x->mem.n ? "%s: this kernel wants to be told where the memory is"
				 : "%s: this kernel creates no instance without memory",
			x->name);
		mk_hint(m->err,
			x->mem.n ? "use a state of ABI 1, in which mk-alloc places memory, or --abi "
				   "2"
				 : "memory=0xBASE+SIZE says where it is");
		return MK_NO;
	}
	create_head(t, n, x);
	r = mk_add_node(t, n, "resources");
	mk_add_ids(t, r, "cpus", &x->cpus.ids);
	mk_add_u64(t, r, "memory-base", x->mem.m[0].base);
	mk_add_u64(t, r, "memory-bytes", x->mem.m[0].size);
	if (x->devices.n)
		mk_add_uses(t, r, "device-names", &x->devices);
	if (x->numa_nodes.n)
		mk_add_cells(t, r, "numa-nodes", &x->numa_nodes);
	create_tail(t, n, r, x);
	return MK_OK;
}

/*
 * One node's memory at once: the kernel reads one size and the first NUMA
 * node. More nodes become memory-add, devices become device-add, each in a
 * fragment behind the create.
 */
static int create_v2(struct maker *m, struct mk_tree *t, const struct mk_op *op)
{
	const struct mk_instance *x = &op->inst;
	struct mk_node *n = mk_add_node(t, new_fragment(m, t, "/instances"), "instance-create"), *r,
		       *f;
	const char *target = mk_arena_fmt(m->a, "/instances/%s", x->name);
	struct mk_op more = {.kind = MK_OP_MEMORY_ADD, .subject = x->name, .node = MK_NODE_ANY};
	uint32_t node = x->mem.m[0].node;
	uint64_t bytes = 0;
	int rc = MK_OK;

	for (size_t i = 0; i < x->mem.n; i++)
		m->lost_addresses = m->lost_addresses || x->mem.m[i].placed;
	for (size_t i = 0; i < x->mem.n; i++)
		if (x->mem.m[i].node != node)
			mk_mem_add(m->a, &more.inst.mem, x->mem.m[i]);
		else if (!mk_num_add(bytes, x->mem.m[i].size, &bytes))
			return mk_fail_at(m->err, MK_NO, op->at,
					  "%s: its memory is more than 64 bits can count", x->name);
	create_head(t, n, x);
	r = mk_add_node(t, n, "resources");
	mk_add_ids(t, r, "cpus", &x->cpus.ids);
	mk_add_u64(t, r, "memory-bytes", bytes);
	if (node != MK_NODE_ANY)
		mk_add_u32(t, r, "numa-nodes", node);
	else if (x->numa_nodes.n)
		mk_add_cells(t, r, "numa-nodes", &x->numa_nodes);
	create_tail(t, n, r, x);
	if (more.inst.mem.n || x->devices.n) {
		f = new_fragment(m, t, target);
		if (more.inst.mem.n)
			rc = op_items(m, t, f, &more);
		more.kind = MK_OP_DEVICE_ADD;
		more.inst.devices = x->devices;
		if (!rc && x->devices.n)
			rc = op_items(m, t, f, &more);
	}
	return rc;
}

static int put_group(struct maker *m, struct mk_tree *t, const struct group *g)
{
	const struct mk_op *first = g->op[0];
	struct mk_node *overlay, *n;
	const char *target;
	int rc = MK_OK;

	if (first->kind == MK_OP_CREATE)
		return m->abi == 1 ? create_v1(m, t, first) : create_v2(m, t, first);
	if (first->kind == MK_OP_DELETE) {
		overlay = new_fragment(m, t, m->abi == 2 ? "/instances" : NULL);
		n = mk_add_node(t, overlay, "instance-remove");
		mk_add_str(t, n, "instance-name", first->subject);
		return MK_OK;
	}
	target =
		first->subject ? mk_arena_fmt(m->a, "/instances/%s", first->subject) : "/resources";
	overlay = new_fragment(m, t, m->abi == 2 ? target : NULL);
	/* in the order in which the kernel executes them */
	for (int kind = 0; kind < 6; kind++) {
		static const enum mk_op_kind order[] = {MK_OP_MEMORY_REMOVE, MK_OP_MEMORY_ADD,
							MK_OP_CPU_REMOVE,    MK_OP_CPU_ADD,
							MK_OP_DEVICE_REMOVE, MK_OP_DEVICE_ADD};

		for (size_t i = 0; !rc && i < g->n; i++)
			if (g->op[i]->kind == order[kind])
				rc = op_items(m, t, overlay, g->op[i]);
	}
	return rc;
}

/* ------------------------------------------------------------ splitting */

/* What a blob takes beside nodes, properties and names: header, empty reserve map, end. */
enum { BLOB_BYTES = 40 + 16 + 4 };

static size_t cells(size_t bytes)
{
	return (bytes + 3) / 4 * 4;
}

/* Bytes that a subtree adds to an overlay: a name of a property counts when it is the first. */
static size_t node_bytes(struct maker *m, const struct mk_node *n)
{
	size_t bytes = 4 + cells(strlen(n->name) + 1) + 4;

	m->names.arena = m->a;
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		size_t len = strlen(p->name);
		uint32_t *seen_in = mk_name_mark(mk_intern(&m->names, p->name, len));

		bytes += 12 + cells(p->len);
		if (*seen_in == m->overlay)
			continue;
		*seen_in = m->overlay;
		bytes += len + 1;
	}
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c))
		bytes += node_bytes(m, c);
	return bytes;
}

static void keep(struct maker *m, struct mk_tree *t)
{
	m->out->tree = mk_arena_more(m->a, (void *)m->out->tree, m->out->n, &m->out->cap,
				     sizeof(struct mk_tree *));
	m->out->tree[m->out->n++] = t;
}

/* What the property mk,resources will take: it is added when their number is known. */
enum { LABEL_BYTES = 80 };

static size_t room(const struct maker *m)
{
	return m->max_bytes > LABEL_BYTES ? m->max_bytes - LABEL_BYTES : 0;
}

static int too_large(struct maker *m, const struct group *g, size_t bytes)
{
	mk_fail(m->err, MK_NO,
		"the change of %s makes an overlay of %zu bytes; this kernel takes %zu at once",
		g->op[0]->subject ? g->op[0]->subject : "the pool", bytes + LABEL_BYTES,
		m->max_bytes);
	mk_hint(m->err, "do it in several steps, or use --max-bytes if your kernel takes more");
	return MK_NO;
}

/* An overlay that is being filled. */
struct filling {
	struct mk_tree *t; /* NULL for none */
	size_t bytes, groups;
};

/* A group behind the others: what it adds is measured, and taken away again if it does not fit. */
static int try_group(struct maker *m, struct filling *f, const struct group *g, bool *fits)
{
	struct mk_node *last, *c;
	int rc;

	if (!f->t) {
		*f = (struct filling){.t = new_overlay(m)};
		f->bytes = BLOB_BYTES + node_bytes(m, f->t->root);
	}
	last = f->t->root->last_child;
	rc = put_group(m, f->t, g);
	for (c = last ? mk_next(last) : mk_first(f->t->root); c; c = mk_next(c))
		f->bytes += node_bytes(m, c);
	*fits = f->bytes <= room(m);
	for (c = last ? last->next : f->t->root->child; c && !*fits; c = c->next)
		c->deleted = true;
	f->groups += *fits;
	return rc;
}

/* Groups into overlays: as many as fit, one for ABI 1. */
static int pack(struct maker *m)
{
	struct filling f = {.t = NULL};

	for (size_t i = 0; i < m->n_groups; i++) {
		bool fits;
		int rc;

		if (f.t && m->abi == 1) {
			keep(m, f.t);
			f.t = NULL;
		}
		rc = try_group(m, &f, &m->group[i], &fits);
		if (rc)
			return rc;
		if (fits)
			continue;
		if (!f.groups)
			return too_large(m, &m->group[i], f.bytes);
		keep(m, f.t);
		f.t = NULL;
		i--; /* it opens the next overlay */
	}
	if (f.t)
		keep(m, f.t);
	if (!m->out->n)
		keep(m, new_overlay(m));
	return MK_OK;
}

/* "mktools DIGEST K/N" says which state an overlay was made for, and its place in the row. */
static void sign(struct maker *m)
{
	for (size_t i = 0; i < m->out->n; i++)
		mk_add_str(m->out->tree[i], m->out->tree[i]->root, "mk,resources",
			   mk_arena_fmt(m->a, "mktools %s %zu/%zu",
					m->d->digest[0] ? m->d->digest : "-", i + 1, m->out->n));
}

int mk_overlays_make(struct mk_overlays *out, const struct mk_delta *d, uint32_t abi,
		     size_t max_bytes, struct mk_err *err)
{
	struct maker m = {
		.out = out, .d = d, .a = d->arena, .abi = abi, .max_bytes = max_bytes, .err = err};
	int rc;

	for (size_t i = 0; i < d->n; i++) {
		const struct mk_op *op = &d->op[i];

		if (op->kind == MK_OP_UNSUPPORTED) {
			mk_fail_at(err, MK_NO, op->at, "%s: no kernel operation changes its %s",
				   op->subject ? op->subject : "the pool",
				   op->what ? op->what : "settings");
			mk_hint(err,
				op->subject
					? "delete the instance and create it anew"
					: "an ABI 1 kernel takes its pool from the baseline alone");
			return MK_NO;
		}
		if (op->subject && (op->kind == MK_OP_CREATE ? !mk_name_ok(op->subject)
							     : strchr(op->subject, '/') != NULL))
			return mk_fail_at(err, MK_NO, op->at,
					  "'%s' is no good name for an instance [MK301]",
					  op->subject);
		if (abi == 1 && !op->subject) {
			mk_fail_at(err, MK_NO, op->at,
				   "a kernel of ABI 1 cannot change its pool by an overlay");
			return MK_NO;
		}
	}
	expand(&m);
	make_groups(&m);
	rc = pack(&m);
	if (!rc)
		sign(&m);
	out->lost_addresses = m.lost_addresses;
	return rc;
}
