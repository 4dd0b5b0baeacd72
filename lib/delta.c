/* SPDX-License-Identifier: Apache-2.0 */
/* delta: comparing states by sorted lists. */
#include "delta.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "encode.h"
#include "keys.h"
#include "num.h"
#include "sort.h"

void mk_delta_init(struct mk_delta *d, struct mk_arena *a)
{
	*d = (struct mk_delta){.arena = a};
}

struct mk_op *mk_delta_add(struct mk_delta *d, enum mk_op_kind kind, const char *subject)
{
	struct mk_op *op;

	d->op = mk_arena_more(d->arena, d->op, d->n, &d->cap, sizeof(*d->op));
	op = &d->op[d->n++];
	*op = (struct mk_op){.kind = kind, .subject = subject, .node = MK_NODE_ANY};
	return op;
}

/* ------------------------------------------------------------ sets */

/* Ids of a that b does not have, in a's order. */
static struct mk_ids ids_minus(struct mk_arena *a, const struct mk_ids *x, const struct mk_ids *y)
{
	struct mk_ranges r = mk_ranges_of(a, y);
	struct mk_ids out = {0};

	for (size_t i = 0; i < x->n; i++)
		if (!mk_ranges_has(&r, x->id[i], x->id[i]))
			mk_ids_add(a, &out, x->id[i]);
	return mk_ids_unique(a, &out);
}

static int by_mem(const void *x, const void *y)
{
	const struct mk_mem *a = *(struct mk_mem *const *)x, *b = *(struct mk_mem *const *)y;

	if (a->placed != b->placed)
		return a->placed ? -1 : 1;
	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static const struct mk_mem **mem_sorted(struct mk_arena *a, const struct mk_mems *m)
{
	const struct mk_mem **out = mk_arena_array(a, m->n, sizeof(struct mk_mem *));

	for (size_t i = 0; i < m->n; i++)
		out[i] = &m->m[i];
	mk_sort(out, m->n, sizeof(*out), by_mem);
	return out;
}

/* Takes away what both have alike: regions are the same when base and size are. */
static void drop_common(struct mk_arena *a, const struct mk_mems *x, const struct mk_mems *y,
			struct mk_mems *only_x, struct mk_mems *only_y)
{
	const struct mk_mem **p = mem_sorted(a, x), **q = mem_sorted(a, y);
	size_t i = 0, k = 0;

	while (i < x->n || k < y->n) {
		int d;

		if (i == x->n)
			d = 1;
		else if (k == y->n)
			d = -1;
		else if (p[i]->placed && q[k]->placed && p[i]->base == q[k]->base &&
			 p[i]->size == q[k]->size)
			d = 0;
		else
			d = by_mem(&p[i], &q[k]);
		if (d < 0)
			mk_mem_add(a, only_x, *p[i++]);
		else if (d > 0)
			mk_mem_add(a, only_y, *q[k++]);
		else
			i++, k++;
	}
}

static void bytes_minus(struct mk_arena *a, const struct mk_mems *x, const struct mk_mems *y,
			struct mk_mems *out)
{
	struct mk_ranges other;

	mk_ranges_init(&other, a);
	for (size_t i = 0; i < y->n; i++)
		mk_ranges_add_size(&other, y->m[i].base, y->m[i].size);
	mk_ranges_join(&other);
	for (size_t i = 0; i < x->n; i++) {
		struct mk_ranges one, left;

		mk_ranges_init(&one, a);
		mk_ranges_init(&left, a);
		mk_ranges_add_size(&one, x->m[i].base, x->m[i].size);
		mk_ranges_minus(&left, &one, &other);
		for (size_t k = 0; k < left.n; k++) {
			struct mk_mem m = x->m[i];

			m.base = left.r[k].first;
			m.size = left.r[k].last - left.r[k].first + 1;
			mk_mem_add(a, out, m);
		}
	}
}

static int by_size_node(const void *x, const void *y)
{
	const struct mk_mem *a = *(struct mk_mem *const *)x, *b = *(struct mk_mem *const *)y;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

struct side {
	const struct mk_mem **m; /* by size and node */
	size_t n;
	bool *paired;
};

static struct side side_of(struct mk_arena *a, const struct mk_mems *list)
{
	struct side s = {.m = mem_sorted(a, list), .n = list->n};

	mk_sort(s.m, s.n, sizeof(*s.m), by_size_node);
	s.paired = mk_arena_array(a, s.n, sizeof(*s.paired));
	return s;
}

/* The next one from i that has no partner yet. */
static size_t unpaired(const struct side *s, size_t i, bool placed, bool any_node)
{
	while (i < s->n && (s->paired[i] || s->m[i]->placed != placed ||
			    (any_node && s->m[i]->node != MK_NODE_ANY)))
		i++;
	return i;
}

/* Pairs regions of the same size: of the same node, or where one side names none. */
static void pair_up(struct side *x, bool x_placed, bool x_any, struct side *y, bool y_placed,
		    bool y_any)
{
	size_t i = unpaired(x, 0, x_placed, x_any), k = unpaired(y, 0, y_placed, y_any);

	while (i < x->n && k < y->n) {
		const struct mk_mem *p = x->m[i], *q = y->m[k];
		bool less = p->size<q->size, more = p->size> q->size;

		if (!x_any && !y_any && p->size == q->size) {
			less = p->node < q->node;
			more = p->node > q->node;
		}
		if (!less && !more)
			x->paired[i] = y->paired[k] = true;
		if (!more)
			i = unpaired(x, i + 1, x_placed, x_any);
		if (!less)
			k = unpaired(y, k + 1, y_placed, y_any);
	}
}

static void left_over(struct mk_arena *a, const struct side *s, struct mk_mems *out)
{
	*out = (struct mk_mems){0};
	for (size_t i = 0; i < s->n; i++)
		if (!s->paired[i])
			mk_mem_add(a, out, *s->m[i]);
}

/*
 * Where the kernel places memory, regions of the same size are the same if
 * their nodes agree, or one of them names none, and not both have an address.
 * Those that find a partner less easily choose first.
 */
static void drop_same_size(struct mk_arena *a, struct mk_mems *x, struct mk_mems *y)
{
	struct side p = side_of(a, x), q = side_of(a, y);

	for (int both_free = 0; both_free < 2; both_free++)
		for (int any = 0; any < 2; any++) {
			bool x_has = !both_free;

			pair_up(&p, x_has, any, &q, false, false);
			pair_up(&p, x_has, false, &q, false, any);
			pair_up(&p, false, any, &q, x_has, false);
			pair_up(&p, false, false, &q, x_has, any);
		}
	left_over(a, &p, x);
	left_over(a, &q, y);
}

/* As much memory, all of it on one node or on none that is named. */
static bool same_totals(const struct mk_mems *x, const struct mk_mems *y)
{
	uint32_t node = MK_NODE_ANY;

	for (int side = 0; side < 2; side++) {
		const struct mk_mems *m = side ? y : x;

		for (size_t i = 0; i < m->n; i++) {
			if (m->m[i].node == MK_NODE_ANY)
				continue;
			if (node != MK_NODE_ANY && m->m[i].node != node)
				return false;
			node = m->m[i].node;
		}
	}
	return mk_mems_bytes(x) == mk_mems_bytes(y);
}

/* ------------------------------------------------------------ computing */

struct differ {
	struct mk_delta *d;
	const struct mk_state *old, *new;
	/* NUMA node by CPU, sorted; empty where no topology is known */
	struct cpu_node {
		uint64_t cpu;
		uint32_t node;
	} * cpu_node;
	size_t n_cpu_nodes;
	size_t *of_old; /* by a device's place in old: its place in new, or MK_NO_DEVICE */
};

static int by_cpu(const void *x, const void *y)
{
	const struct cpu_node *a = x, *b = y;

	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

static void index_cpu_nodes(struct differ *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->new->n_numa; i++)
		n += f->new->numa[i].cpus.ids.n;
	f->cpu_node = mk_arena_array(f->d->arena, n, sizeof(*f->cpu_node));
	for (size_t i = 0; i < f->new->n_numa; i++)
		for (size_t k = 0; k < f->new->numa[i].cpus.ids.n; k++)
			f->cpu_node[f->n_cpu_nodes++] = (struct cpu_node){
				f->new->numa[i].cpus.ids.id[k], f->new->numa[i].id};
	mk_sort(f->cpu_node, n, sizeof(*f->cpu_node), by_cpu);
}

static uint32_t node_of(const struct differ *f, const struct mk_instance *x, uint64_t cpu)
{
	struct cpu_node key = {.cpu = cpu}, *found = NULL;

	if (f->n_cpu_nodes)
		found = bsearch(&key, f->cpu_node, f->n_cpu_nodes, sizeof(*f->cpu_node), by_cpu);
	if (found)
		return found->node;
	return x && x->numa_nodes.n ? (uint32_t)x->numa_nodes.id[0] : MK_NODE_ANY;
}

/* ------------------------------------------------------------ devices */

/* The same device in the other state: by any of its names, else by its PCI id. */
static size_t counterpart(const struct mk_device *d, const struct mk_state *other)
{
	size_t i = mk_device_find(other, d->name, strlen(d->name));
	struct mk_use by_pci = {.pci_id = d->pci_id};

	for (size_t k = 0; i == MK_NO_DEVICE && k < d->n_other; k++)
		i = mk_device_find(other, d->other[k], strlen(d->other[k]));
	if (i == MK_NO_DEVICE && d->pci_id && mk_use_by_pci(other, &by_pci) &&
	    by_pci.part == MK_WHOLE)
		i = by_pci.device;
	return i;
}

/* What is used, in words that hold for both states: devices are those of the new one. */
static const char *use_key(struct differ *f, const struct mk_state *s, const struct mk_use *u)
{
	size_t i = u->device;

	if (i == MK_NO_DEVICE)
		return mk_arena_fmt(f->d->arena, "t %s", u->text);
	if (s == f->old)
		i = f->of_old[i];
	return i == MK_NO_DEVICE ? mk_arena_fmt(f->d->arena, "o %s", u->text)
				 : mk_arena_fmt(f->d->arena, "d %zu %d %u", i, (int)u->part,
						u->part == MK_WHOLE ? 0 : u->number);
}

/* Uses of x, of state s, that y, of the other state, does not have. */
static struct mk_uses uses_minus(struct differ *f, const struct mk_state *s,
				 const struct mk_uses *x, const struct mk_uses *y)
{
	const struct mk_state *other = s == f->old ? f->new : f->old;
	struct mk_arena *a = f->d->arena;
	struct mk_names names = {.arena = a};
	struct mk_uses out = {0};

	for (size_t i = 0; i < y->n; i++) {
		const char *key = use_key(f, other, &y->u[i]);

		mk_intern(&names, key, strlen(key));
	}
	for (size_t i = 0; i < x->n; i++) {
		const char *key = use_key(f, s, &x->u[i]);

		if (mk_name_known(&names, key, strlen(key)))
			continue;
		out.u = mk_arena_more(a, out.u, out.n, &out.cap, sizeof(*out.u));
		out.u[out.n++] = x->u[i];
	}
	return out;
}

static void unsupported(struct differ *f, const char *subject, const char *what)
{
	mk_delta_add(f->d, MK_OP_UNSUPPORTED, subject)->what = what;
}

/* Uses with the PCI id that the kernel knows them by. */
static struct mk_uses with_pci(struct mk_arena *a, const struct mk_state *s,
			       const struct mk_uses *uses)
{
	struct mk_uses out = *uses;

	out.u = mk_arena_array(a, uses->n, sizeof(*out.u));
	for (size_t i = 0; i < uses->n; i++) {
		out.u[i] = uses->u[i];
		out.u[i].pci_id = mk_use_pci(s, &uses->u[i]);
	}
	return out;
}

static void split_placed(struct mk_arena *a, const struct mk_mems *list, struct mk_mems *placed,
			 struct mk_mems *unplaced)
{
	for (size_t i = 0; i < list->n; i++)
		mk_mem_add(a, list->m[i].placed ? placed : unplaced, list->m[i]);
}

static void memory_of(struct differ *f, const struct mk_mems *old, const struct mk_mems *new,
		      struct mk_mems *gone, struct mk_mems *come)
{
	struct mk_arena *a = f->d->arena;
	struct mk_mems only_old = {0}, only_new = {0}, placed_old = {0}, placed_new = {0};
	struct mk_mems free_old = {0}, free_new = {0};

	drop_common(a, old, new, &only_old, &only_new);
	if (f->d->abi == 2) {
		drop_same_size(a, &only_old, &only_new);
		if (same_totals(&only_old, &only_new))
			return;
		*gone = only_old;
		*come = only_new;
		return;
	}
	/* what has no address is the same by its size, and else as it is */
	split_placed(a, &only_old, &placed_old, &free_old);
	split_placed(a, &only_new, &placed_new, &free_new);
	drop_same_size(a, &free_old, &free_new);
	bytes_minus(a, &placed_old, &placed_new, gone);
	bytes_minus(a, &placed_new, &placed_old, come);
	for (size_t i = 0; i < free_old.n; i++)
		mk_mem_add(a, gone, free_old.m[i]);
	for (size_t i = 0; i < free_new.n; i++)
		mk_mem_add(a, come, free_new.m[i]);
}

static void op_memory(struct differ *f, enum mk_op_kind kind, const char *subject,
		      struct mk_mems *m)
{
	if (m->n)
		mk_delta_add(f->d, kind, subject)->inst.mem = *m;
}

static void removals(struct differ *f, const struct mk_instance *o, const struct mk_instance *n)
{
	struct mk_arena *a = f->d->arena;
	struct mk_mems gone = {0}, come = {0};
	struct mk_ids cpus = ids_minus(a, &o->cpus.ids, &n->cpus.ids);
	struct mk_uses uses = uses_minus(f, f->old, &o->devices, &n->devices);

	memory_of(f, &o->mem, &n->mem, &gone, &come);
	for (size_t i = 0; i < gone.n; i++)
		if (!gone.m[i].placed) { /* the kernel wants the address */
			unsupported(f, o->name, "memory-of-unknown-address");
			gone.n = 0;
		}
	op_memory(f, MK_OP_MEMORY_REMOVE, o->name, &gone);
	if (cpus.n)
		mk_delta_add(f->d, MK_OP_CPU_REMOVE, o->name)->inst.cpus.ids = cpus;
	if (uses.n)
		mk_delta_add(f->d, MK_OP_DEVICE_REMOVE, o->name)->inst.devices =
			with_pci(a, f->old, &uses);
}

/* CPUs of one node make one operation. */
static void added_cpus(struct differ *f, const char *subject, const struct mk_instance *x,
		       const struct mk_ids *cpus)
{
	for (size_t i = 0; i < cpus->n;) {
		struct mk_op *op = mk_delta_add(f->d, MK_OP_CPU_ADD, subject);

		op->node = node_of(f, x, cpus->id[i]);
		while (i < cpus->n && node_of(f, x, cpus->id[i]) == op->node)
			mk_ids_add(f->d->arena, &op->inst.cpus.ids, cpus->id[i++]);
	}
}

static void additions(struct differ *f, const struct mk_instance *o, const struct mk_instance *n)
{
	struct mk_arena *a = f->d->arena;
	struct mk_mems gone = {0}, come = {0};
	struct mk_ids cpus = ids_minus(a, &n->cpus.ids, &o->cpus.ids);
	struct mk_uses uses = uses_minus(f, f->new, &n->devices, &o->devices);

	memory_of(f, &o->mem, &n->mem, &gone, &come);
	op_memory(f, MK_OP_MEMORY_ADD, n->name, &come);
	added_cpus(f, n->name, n, &cpus);
	if (uses.n)
		mk_delta_add(f->d, MK_OP_DEVICE_ADD, n->name)->inst.devices =
			with_pci(a, f->new, &uses);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_ids(const struct mk_ids *a, const struct mk_ids *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->id, b->id, a->n * sizeof(*a->id)));
}

static bool same_value(const struct mk_prop *p, const struct mk_prop *q)
{
	if (!p || !q)
		return p == q;
	return !strcmp(p->name, q->name) &&
	       (!strcmp(p->name, "enable-host-kcore") || /* being there is all that it says */
		(p->len == q->len && (!p->len || !memcmp(p->data, q->data, p->len))));
}

enum { SETTINGS_MAX = 64 };

static int by_prop_name(const void *x, const void *y)
{
	return strcmp((*(struct mk_prop *const *)x)->name, (*(struct mk_prop *const *)y)->name);
}

static size_t sorted_props(const struct mk_prop *p, const struct mk_prop **out)
{
	size_t n = 0;

	for (; p && n < SETTINGS_MAX; p = mk_prop_next(p))
		out[n++] = p;
	mk_sort(out, n, sizeof(*out), by_prop_name);
	return p ? SETTINGS_MAX + 1 : n; /* too many for settings: never the same */
}

/* Their order says nothing. */
static bool same_props(const struct mk_prop *p, const struct mk_prop *q)
{
	const struct mk_prop *x[SETTINGS_MAX], *y[SETTINGS_MAX];
	size_t n = sorted_props(p, x), m = sorted_props(q, y);

	if (n != m || n > SETTINGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same_value(x[i], y[i]))
			return false;
	return true;
}

/* An empty node says as much as none. */
static bool same_nodes(const struct mk_node *a, const struct mk_node *b)
{
	const struct mk_prop *p = a ? mk_prop_first(a) : NULL, *q = b ? mk_prop_first(b) : NULL;
	const struct mk_node *c = a ? mk_first(a) : NULL, *d = b ? mk_first(b) : NULL;

	if (!same_props(p, q))
		return false;
	for (; c && d; c = mk_next(c), d = mk_next(d))
		if (strcmp(c->name, d->name) != 0 || !same_nodes(c, d))
			return false;
	return !c && !d;
}

/* Its share of the last-level cache, as one kernel branch has it. */
static const struct mk_prop *llc_ways(const struct mk_instance *x)
{
	const struct mk_prop *p = x->resources.node ? mk_prop_first(x->resources.node) : NULL;

	while (p && strcmp(p->name, "llc-way-mask") != 0)
		p = mk_prop_next(p);
	return p;
}

/* The CPU that boots: the first of those that stay, or the first that comes when none stays. */
static uint64_t first_after(struct differ *f, const struct mk_instance *o,
			    const struct mk_instance *n)
{
	struct mk_ids gone = ids_minus(f->d->arena, &o->cpus.ids, &n->cpus.ids);
	struct mk_ids stay = ids_minus(f->d->arena, &o->cpus.ids, &gone);
	struct mk_ids come = ids_minus(f->d->arena, &n->cpus.ids, &o->cpus.ids);

	return stay.n ? stay.id[0] : come.n ? come.id[0] : 0;
}

static void inexpressible(struct differ *f, const struct mk_instance *o,
			  const struct mk_instance *n)
{
	if (o->has_id && n->has_id && o->id != n->id)
		unsupported(f, n->name, "id");
	if (n->cpus.ids.n && o->cpus.ids.n && first_after(f, o, n) != n->cpus.ids.id[0])
		unsupported(f, n->name, "boot-cpu");
	if (!same_text(o->affinity, n->affinity))
		unsupported(f, n->name, "cpu-affinity");
	if (!same_text(o->policy, n->policy))
		unsupported(f, n->name, "memory-policy");
	/* a kernel of ABI 2 reads them as the place of the memory, and does not give them back */
	if (f->d->abi != 2 && !same_ids(&o->numa_nodes, &n->numa_nodes))
		unsupported(f, n->name, "numa-nodes");
	if (!same_nodes(o->options, n->options))
		unsupported(f, n->name, "options");
	if (!same_nodes(o->uring, n->uring))
		unsupported(f, n->name, "uring");
	if (!same_value(llc_ways(o), llc_ways(n)))
		unsupported(f, n->name, "llc-way-mask");
}

static void created(struct differ *f, const struct mk_instance *n)
{
	struct mk_op *op = mk_delta_add(f->d, MK_OP_CREATE, n->name);

	op->inst = *n;
	op->inst.devices = with_pci(f->d->arena, f->new, &n->devices);
	if (!mk_op_says_options(n->options))
		unsupported(f, n->name, "options");
	if (!mk_op_says_uring(n->uring))
		unsupported(f, n->name, "uring");
	if (llc_ways(n))
		unsupported(f, n->name, "llc-way-mask");
}

static void instances(struct differ *f)
{
	for (size_t i = 0; i < f->old->n_instances; i++) {
		const struct mk_instance *o = &f->old->instance[i];
		const struct mk_instance *n = mk_instance_find(f->new, o->name);

		if (n)
			removals(f, o, n);
		else
			mk_delta_add(f->d, MK_OP_DELETE, o->name);
	}
	for (size_t i = 0; i < f->new->n_instances; i++) {
		const struct mk_instance *n = &f->new->instance[i];
		const struct mk_instance *o = mk_instance_find(f->old, n->name);

		if (!o) {
			created(f, n);
			continue;
		}
		additions(f, o, n);
		inexpressible(f, o, n);
	}
}

/* Devices of one state that the other does not have, as uses. */
static struct mk_uses devices_minus(struct differ *f, const struct mk_state *s)
{
	const struct mk_state *other = s == f->old ? f->new : f->old;
	struct mk_uses out = {0};

	for (size_t i = 0; i < s->n_devices; i++) {
		if (counterpart(&s->device[i], other) != MK_NO_DEVICE)
			continue;
		out.u = mk_arena_more(f->d->arena, out.u, out.n, &out.cap, sizeof(*out.u));
		out.u[out.n++] = (struct mk_use){.text = s->device[i].name, .device = i};
	}
	return out;
}

/* Pool changes are operations on /resources, which ABI 2 alone has. One remark will do. */
static void pool(struct differ *f, bool removing)
{
	struct mk_arena *a = f->d->arena;
	const struct mk_state *from = removing ? f->old : f->new, *to = removing ? f->new : f->old;
	struct mk_ids cpus = ids_minus(a, &from->pool.ids, &to->pool.ids);
	struct mk_uses uses = devices_minus(f, from);
	struct mk_mems only = {0}, other = {0};

	drop_common(a, &from->chunks, &to->chunks, &only, &other);
	if (f->d->abi != 2) {
		bool changed = cpus.n || uses.n || only.n;

		if (changed &&
		    (!f->d->n || f->d->op[0].kind != MK_OP_UNSUPPORTED || f->d->op[0].subject))
			unsupported(f, NULL, "pool");
		return;
	}
	drop_same_size(a, &only, &other);
	op_memory(f, removing ? MK_OP_MEMORY_REMOVE : MK_OP_MEMORY_ADD, NULL, &only);
	if (removing && cpus.n)
		mk_delta_add(f->d, MK_OP_CPU_REMOVE, NULL)->inst.cpus.ids = cpus;
	else
		added_cpus(f, NULL, NULL, &cpus);
	if (uses.n)
		mk_delta_add(f->d, removing ? MK_OP_DEVICE_REMOVE : MK_OP_DEVICE_ADD, NULL)
			->inst.devices = with_pci(a, from, &uses);
}

int mk_delta_compute(struct mk_delta *d, const struct mk_state *old, const struct mk_state *new,
		     struct mk_err *err)
{
	struct differ f = {.d = d, .old = old, .new = new};
	bool machines = old->has_machine && new->has_machine;

	d->abi = old->abi == 2 || new->abi == 2 ? 2 : old->abi ? old->abi : new->abi;
	if (mk_digest(d->digest, old, err))
		return MK_BAD;
	index_cpu_nodes(&f);
	f.of_old = mk_arena_array(d->arena, old->n_devices, sizeof(*f.of_old));
	for (size_t i = 0; i < old->n_devices; i++)
		f.of_old[i] = counterpart(&old->device[i], new);
	d->skipped_instances = !old->has_instances || !new->has_instances;
	/* what is added to the pool can be used at once, what leaves it must be free before */
	if (machines)
		pool(&f, false);
	if (!d->skipped_instances)
		instances(&f);
	if (machines)
		pool(&f, true);
	return MK_OK;
}
