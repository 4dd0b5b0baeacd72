/* SPDX-License-Identifier: Apache-2.0 */
/* delta: comparing states by sorted lists; the records of a delta. */
#include "delta.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "encode.h"
#include "keys.h"
#include "num.h"

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

/* ------------------------------------------------------------ sets */

/* Ids of a that b does not have, in a's order. */
static struct mk_ids ids_minus(struct mk_arena *a, const struct mk_ids *x, const struct mk_ids *y)
{
	struct mk_ranges r;
	struct mk_ids out = {0};

	mk_ranges_init(&r, a);
	for (size_t i = 0; i < y->n; i++)
		mk_ranges_add(&r, y->id[i], y->id[i]);
	mk_ranges_join(&r);
	for (size_t i = 0; i < x->n; i++)
		if (!mk_ranges_has(&r, x->id[i], x->id[i]))
			mk_ids_add(a, &out, x->id[i]);
	return out;
}

/* Uses of x that y does not have. */
static struct mk_uses uses_minus(struct mk_arena *a, const struct mk_uses *x,
				 const struct mk_uses *y)
{
	struct mk_names names = {.arena = a};
	struct mk_uses out = {0};

	for (size_t i = 0; i < y->n; i++)
		mk_intern(&names, y->u[i].text, strlen(y->u[i].text));
	for (size_t i = 0; i < x->n; i++)
		if (!mk_name_known(&names, x->u[i].text, strlen(x->u[i].text))) {
			out.u = mk_arena_more(a, out.u, out.n, &out.cap, sizeof(*out.u));
			out.u[out.n++] = x->u[i];
		}
	return out;
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
	if (m->n)
		qsort(out, m->n, sizeof(*out), by_mem);
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

/*
 * Where the kernel places memory, regions of the same size are the same if
 * their nodes agree, or one of them names none.
 */
static void drop_same_size(struct mk_arena *a, struct mk_mems *x, struct mk_mems *y)
{
	const struct mk_mem **p = mem_sorted(a, x), **q = mem_sorted(a, y);
	struct mk_mems left_x = {0}, left_y = {0};
	size_t i = 0, k = 0;

	if (x->n)
		qsort(p, x->n, sizeof(*p), by_size_node);
	if (y->n)
		qsort(q, y->n, sizeof(*q), by_size_node);
	while (i < x->n && k < y->n) {
		bool same = p[i]->size == q[k]->size &&
			    (p[i]->node == q[k]->node || p[i]->node == MK_NODE_ANY ||
			     q[k]->node == MK_NODE_ANY) &&
			    !(p[i]->placed && q[k]->placed);

		if (same)
			i++, k++;
		else if (by_size_node(&p[i], &q[k]) < 0)
			mk_mem_add(a, &left_x, *p[i++]);
		else
			mk_mem_add(a, &left_y, *q[k++]);
	}
	while (i < x->n)
		mk_mem_add(a, &left_x, *p[i++]);
	while (k < y->n)
		mk_mem_add(a, &left_y, *q[k++]);
	*x = left_x;
	*y = left_y;
}

static bool same_totals(const struct mk_mems *x, const struct mk_mems *y)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->m[i].node != (y->n ? y->m[0].node : x->m[0].node))
			return false;
	for (size_t i = 0; i < y->n; i++)
		if (y->m[i].node != y->m[0].node)
			return false;
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
	if (n)
		qsort(f->cpu_node, n, sizeof(*f->cpu_node), by_cpu);
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

static void memory_of(struct differ *f, const struct mk_mems *old, const struct mk_mems *new,
		      struct mk_mems *gone, struct mk_mems *come)
{
	struct mk_arena *a = f->d->arena;
	struct mk_mems only_old = {0}, only_new = {0};

	drop_common(a, old, new, &only_old, &only_new);
	if (f->d->abi == 2) {
		drop_same_size(a, &only_old, &only_new);
		if (same_totals(&only_old, &only_new))
			return;
		*gone = only_old;
		*come = only_new;
		return;
	}
	bytes_minus(a, &only_old, &only_new, gone);
	bytes_minus(a, &only_new, &only_old, come);
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
	struct mk_uses uses = uses_minus(a, &o->devices, &n->devices);

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
	struct mk_uses uses = uses_minus(a, &n->devices, &o->devices);

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

static bool same_nodes(const struct mk_node *a, const struct mk_node *b)
{
	const struct mk_prop *p, *q;
	const struct mk_node *c, *d;

	if (!a || !b)
		return a == b;
	for (p = mk_prop_first(a), q = mk_prop_first(b); p && q;
	     p = mk_prop_next(p), q = mk_prop_next(q))
		if (strcmp(p->name, q->name) != 0 || p->len != q->len ||
		    (p->len && memcmp(p->data, q->data, p->len) != 0))
			return false;
	for (c = mk_first(a), d = mk_first(b); c && d; c = mk_next(c), d = mk_next(d))
		if (strcmp(c->name, d->name) != 0 || !same_nodes(c, d))
			return false;
	return !p && !q && !c && !d;
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
	if (!same_ids(&o->numa_nodes, &n->numa_nodes) &&
	    !(f->d->abi == 2 && (!o->numa_nodes.n || !n->numa_nodes.n)))
		unsupported(f, n->name, "numa-nodes");
	if (!same_nodes(o->options, n->options))
		unsupported(f, n->name, "options");
	if (!same_nodes(o->uring, n->uring))
		unsupported(f, n->name, "uring");
}

/* What options { } and uring { } hold beyond what a record can say. */
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

static const char *const known_options[] = {"enable-host-kcore", NULL};
static const char *const known_uring[] = {"sq-entries", "cq-entries", "shim-data-pages", NULL};

static void created(struct differ *f, const struct mk_instance *n)
{
	struct mk_op *op = mk_delta_add(f->d, MK_OP_CREATE, n->name);

	op->inst = *n;
	op->inst.devices = with_pci(f->d->arena, f->new, &n->devices);
	if (!only_known(n->options, known_options))
		unsupported(f, n->name, "options");
	if (!only_known(n->uring, known_uring))
		unsupported(f, n->name, "uring");
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

/* Devices of x that y does not have, as uses. */
static struct mk_uses devices_minus(struct differ *f, const struct mk_state *x,
				    const struct mk_state *y)
{
	struct mk_uses a = {0}, b = {0};

	for (int side = 0; side < 2; side++) {
		const struct mk_state *s = side ? y : x;
		struct mk_uses *out = side ? &b : &a;

		for (size_t i = 0; i < s->n_devices; i++) {
			out->u = mk_arena_more(f->d->arena, out->u, out->n, &out->cap,
					       sizeof(*out->u));
			out->u[out->n++] = (struct mk_use){.text = s->device[i].name, .device = i};
		}
	}
	return uses_minus(f->d->arena, &a, &b);
}

/* Pool changes are operations on /resources, which ABI 2 alone has. One remark will do. */
static void pool(struct differ *f, bool removing)
{
	struct mk_arena *a = f->d->arena;
	const struct mk_state *from = removing ? f->old : f->new, *to = removing ? f->new : f->old;
	struct mk_ids cpus = ids_minus(a, &from->pool.ids, &to->pool.ids);
	struct mk_uses uses = devices_minus(f, from, to);
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

/* ------------------------------------------------------------ records */

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

static void put_options(struct mk_record_writer *w, const struct mk_instance *x)
{
	if (x->options && only_known(x->options, known_options) && mk_prop_first(x->options))
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
	if (x->numa_nodes.n)
		mk_put_ids(w, "numa-nodes", &x->numa_nodes);
	if (x->affinity)
		mk_record_str(w, "cpu-affinity", x->affinity);
	if (x->policy)
		mk_record_str(w, "memory-policy", x->policy);
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

/* Which keys say something to an operation: what it would ignore is refused. */
static bool takes_key(enum mk_op_kind kind, const char *key)
{
	static const char of_create[] =
		" id cpus memory devices pci-ids numa-nodes cpu-affinity memory-policy "
		"enable-host-kcore uring-sq-entries uring-cq-entries uring-shim-data-pages ";
	static const char *const keys[] = {
		[MK_OP_DELETE] = " ",
		[MK_OP_MEMORY_REMOVE] = " memory ",
		[MK_OP_CPU_REMOVE] = " cpus numa-node ",
		[MK_OP_DEVICE_REMOVE] = " devices pci-ids ",
		[MK_OP_CREATE] = of_create,
		[MK_OP_MEMORY_ADD] = " memory ",
		[MK_OP_CPU_ADD] = " cpus numa-node ",
		[MK_OP_DEVICE_ADD] = " devices pci-ids ",
		[MK_OP_UNSUPPORTED] = " what ",
	};
	const char *found = strstr(keys[kind], key);
	size_t len = strlen(key);

	while (found && (found[-1] != ' ' || found[len] != ' '))
		found = strstr(found + 1, key);
	return found != NULL;
}

static int read_fields(struct mk_delta *d, const struct mk_record *rec, struct mk_op *op,
		       struct mk_err *err)
{
	struct mk_instance *x = &op->inst;
	const struct mk_pair *p;

	for (size_t i = 0; i < rec->n; i++)
		if (!takes_key(op->kind, rec->pair[i].key))
			return mk_fail_at(err, MK_BAD, rec->pair[i].at, "%s does not take '%s'",
					  rec->verb, rec->pair[i].key);
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

/* What an operation cannot do without. */
static int check_op(const struct mk_op *op, struct mk_err *err)
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
	return check_op(op, err);
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
