/* SPDX-License-Identifier: Apache-2.0 */
/* rules_machine: MK1xx, what is wrong with a machine before anything is given away. */
#include "rules_int.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"
#include "pool.h"
#include "sort.h"

/* ------------------------------------------------------------ MK1xx: the machine */

void mk_rule_resources_there(struct mk_rule_ctx *c)
{
	if (!c->s->has_machine && c->s->dialect != MK_DIALECT_VIEW)
		mk_rule_find(c, mk_pool_subject,
			     (struct mk_where){.node = c->s->tree ? c->s->tree->root : NULL},
			     "there is no /resources: nothing says what the machine has")
			->hint = "add resources { cpus = /bits/ 64 <...>; memory-base = <...>; "
				 "memory-bytes = <...>; };";
}

void mk_rule_some_cpu(struct mk_rule_ctx *c)
{
	if (c->s->has_machine && !c->s->pool.ids.n)
		mk_rule_find(c, mk_pool_subject, c->s->pool.where, "the pool has no CPU")->hint =
			c->s->dialect == MK_DIALECT_NESTED
				? "list the CPUs that instances may have: available = <4 5 6 7>; in "
				  "cpus { }"
				: "list the CPUs that instances may have, for instance cpus = "
				  "/bits/ 64 <4 5 6 7>;";
}

void mk_rule_pool_and_host(struct mk_rule_ctx *c)
{
	struct mk_ids both = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < c->s->pool.ids.n; i++)
		if (mk_ranges_has(&c->host, c->s->pool.ids.id[i], c->s->pool.ids.id[i]))
			mk_ids_add(c->a, &both, c->s->pool.ids.id[i]);
	if (!both.n)
		return;
	d = mk_rule_find(c, mk_pool_subject, c->s->pool.where, "%s to the host and to the pool",
			 mk_rule_cpus(c, &both, " belongs", " belong"));
	mk_rule_other(c, d, c->s->host_cpus.where, "reserved for the host here");
	d->hint = "take it out of one of the two lists";
	mk_rule_item_ids(c, d, mk_pool_subject, &both);
}

static void above_total(struct mk_rule_ctx *c, const char *subject, const struct mk_cpus *list)
{
	struct mk_ids above = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < list->ids.n; i++)
		if (list->ids.id[i] >= c->s->cpu_total)
			mk_ids_add(c->a, &above, list->ids.id[i]);
	if (!above.n)
		return;
	d = mk_rule_find(c, subject, list->where, "%s not below total, which is %llu",
			 mk_rule_cpus(c, &above, " is", " are"), (unsigned long long)c->s->cpu_total);
	d->hint = mk_arena_fmt(c->a,
			       "ids go from 0 to %llu; total is an upper bound of ids, no count",
			       (unsigned long long)c->s->cpu_total - 1);
	mk_rule_item_ids(c, d, subject, &above);
}

void mk_rule_below_total(struct mk_rule_ctx *c)
{
	if (!c->s->cpu_total_at.prop)
		return;
	if (!c->s->cpu_total) {
		mk_rule_find(c, mk_pool_subject, c->s->cpu_total_at, "total is 0")->hint =
			"total is the highest CPU id plus one";
		return;
	}
	above_total(c, mk_pool_subject, &c->s->pool);
	above_total(c, mk_host_subject, &c->s->host_cpus);
}

void mk_rule_pool_twice(struct mk_rule_ctx *c)
{
	mk_rule_list_twice(c, mk_pool_subject, &c->s->pool, "CPU", "the pool");
	mk_rule_list_twice(c, mk_host_subject, &c->s->host_cpus, "CPU", "the host's share");
}

void mk_rule_pool_memory(struct mk_rule_ctx *c)
{
	uint64_t base = UINT64_MAX, bytes = 0x40000000;
	struct mk_diag *d;

	if (!c->s->has_machine || c->s->chunks.n)
		return;
	for (size_t i = 0; i < c->s->n_numa; i++)
		if (c->s->numa[i].has_memory && c->s->numa[i].base < base)
			base = c->s->numa[i].base;
	base = base == UINT64_MAX ? 0 : base;
	d = mk_rule_find(c, mk_pool_subject, c->s->resources, "the pool has no memory");
	base += c->s->memory_host ? c->s->memory_host : 0x80000000;
	if (c->s->has_memory_total && c->s->memory_total > c->s->memory_host)
		bytes = c->s->memory_total - c->s->memory_host;
	d->hint = mk_arena_fmt(c->a,
			       c->s->dialect == MK_DIALECT_NESTED
				       ? "memory { } says where it is: memory-pool-base = "
					 "<0x%x 0x%x>; memory-pool-bytes = <0x%x 0x%x>;"
				       : "add memory-base = <0x%x 0x%x>; and memory-bytes = <0x%x "
					 "0x%x>;",
			       (unsigned)(base >> 32), (unsigned)(base & UINT32_MAX),
			       (unsigned)(bytes >> 32), (unsigned)(bytes & UINT32_MAX));
}

void mk_rule_chunk_empty(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++)
		if (!c->s->chunks.m[i].size)
			mk_rule_item_mem(c,
					 mk_rule_find(c, mk_pool_subject, c->s->chunks.m[i].where,
						      "a memory chunk of the pool has 0 bytes"),
					 mk_pool_subject, &c->s->chunks.m[i]);
}

void mk_rule_chunk_aligned(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];

		struct mk_diag *d;

		if (mk_rule_page_aligned(m))
			continue;
		d = mk_rule_find(c, mk_pool_subject, mk_rule_misaligned_at(m),
				 "memory chunk %s is not aligned to pages of 4096 bytes",
				 mk_mem_text(c->a, m));
		d->hint = mk_rule_aligned_hint(c, m);
		mk_rule_item_mem(c, d, mk_pool_subject, m);
	}
}

static void node_item(struct mk_rule_ctx *c, struct mk_diag *d, const struct mk_numa *n)
{
	if (c->opts->known)
		mk_rule_item(c, d, "%u 0x%llx+0x%llx", n->id, (unsigned long long)n->base,
			     (unsigned long long)n->size);
}

void mk_rule_chunk_wraps(struct mk_rule_ctx *c)
{
	mk_rule_pool_wraps(c, &c->s->chunks, "a memory chunk");
	for (size_t i = 0; i < c->s->n_numa; i++) {
		const struct mk_numa *n = &c->s->numa[i];

		if (n->has_memory && n->size && n->size - 1 > UINT64_MAX - n->base)
			node_item(c,
				  mk_rule_find(c, mk_host_subject, mk_rule_at(n->where, "memory-size"),
					       "the memory of NUMA node %u, 0x%llx bytes at 0x%llx, "
					       "goes beyond the last address",
					       n->id, (unsigned long long)n->size,
					       (unsigned long long)n->base),
				  n);
	}
}

void mk_rule_chunk_node(struct mk_rule_ctx *c)
{
	struct mk_ranges r;

	mk_rule_numa_ids(c, &r);
	for (size_t i = 0; r.n && i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];
		struct mk_diag *d;

		if (m->node == MK_NODE_ANY || mk_ranges_has(&r, m->node, m->node))
			continue;
		d = mk_rule_find(c, mk_pool_subject, mk_rule_at(m->where, "numa-node-id"),
				 "memory chunk %s is on NUMA node %u, which is not described",
				 mk_mem_text(c->a, m), m->node);
		d->hint = mk_rule_nodes(c);
		mk_rule_item(c, d, "%u 0x%llx", m->node, (unsigned long long)m->base);
	}
}

static void chunk_in_nodes(struct mk_rule_ctx *c, const struct mk_mem *m)
{
	struct mk_ranges one, out;
	struct mk_mem part = *m;
	struct mk_diag *d;

	if (!m->placed || !m->size ||
	    mk_ranges_has(&c->numa_memory, m->base,
			  mk_rule_wraps(m) ? UINT64_MAX : m->base + (m->size - 1)))
		return;
	mk_ranges_init(&one, c->a);
	mk_ranges_init(&out, c->a);
	mk_ranges_add_size(&one, m->base, m->size);
	mk_ranges_minus(&out, &one, &c->numa_memory);
	part.base = out.r[0].first;
	part.size = out.r[0].last - out.r[0].first + 1;
	d = mk_rule_find(c, mk_pool_subject, m->where,
			 "memory chunk %s is not in the memory of the NUMA nodes",
			 mk_mem_text(c->a, m));
	d->hint = mk_arena_fmt(c->a, "no node has %s%s", mk_mem_text(c->a, &part),
			       out.n > 1 ? ", nor further parts of it" : "");
	mk_rule_item_mem(c, d, mk_pool_subject, m);
}

void mk_rule_chunk_in_machine(struct mk_rule_ctx *c)
{
	const struct mk_state *s = c->s;
	uint64_t pool = mk_mems_bytes(&s->chunks), sum;
	struct mk_diag *d;
	bool over = false;

	if (!mk_num_add(pool, s->memory_host, &sum)) {
		sum = UINT64_MAX;
		over = true;
	}
	over = over || sum > s->memory_total;
	if (s->has_memory_total && over && s->chunks.n) {
		d = mk_rule_find(c, mk_pool_subject, s->chunks.m[0].where,
				 "the pool (%s) and the host's share (%s) are more than the "
				 "machine has (%s)",
				 mk_num_size_text(c->a, pool),
				 mk_num_size_text(c->a, s->memory_host),
				 mk_num_size_text(c->a, s->memory_total));
		mk_rule_other(c, d, s->memory_total_at, "the machine's memory is stated here");
		d->excess = sum - s->memory_total;
		if (s->memory_total > s->memory_host)
			d->hint = mk_arena_fmt(
				c->a, "the pool can have up to 0x%llx bytes",
				(unsigned long long)(s->memory_total - s->memory_host));
	}
	/* too much and therefore outside is one mistake, unless it is compared with an old one */
	if (over && s->has_memory_total && s->chunks.n == 1 && !c->opts->known)
		return;
	for (size_t i = 0; c->numa_memory.n && i < s->chunks.n; i++)
		chunk_in_nodes(c, &s->chunks.m[i]);
}

static int by_base(const void *x, const void *y)
{
	const struct mk_mem *a = *(struct mk_mem *const *)x, *b = *(struct mk_mem *const *)y;

	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return a < b ? -1 : a > b;
}

void mk_rule_chunks_apart(struct mk_rule_ctx *c)
{
	const struct mk_mem **m = mk_arena_array(c->a, c->s->chunks.n, sizeof(struct mk_mem *));
	const struct mk_mem *reach = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->s->chunks.n; i++)
		if (c->s->chunks.m[i].placed && c->s->chunks.m[i].size)
			m[n++] = &c->s->chunks.m[i];
	mk_sort(m, n, sizeof(*m), by_base);
	for (size_t i = 0; i < n; i++) {
		if (reach && m[i]->base - reach->base < reach->size) {
			struct mk_diag *d =
				mk_rule_find(c, mk_pool_subject, m[i]->where, "memory chunk %s overlaps %s",
					     mk_mem_text(c->a, m[i]), mk_mem_text(c->a, reach));

			mk_rule_other(c, d, reach->where, "the other chunk");
			mk_rule_item_mem(c, d, mk_pool_subject, m[i]);
			mk_rule_item_mem(c, d, mk_pool_subject, reach);
		}
		if (!reach || m[i]->base + (m[i]->size - 1) > reach->base + (reach->size - 1))
			reach = m[i];
	}
}

/* ------------------------------------------------------------ NUMA */

static int by_numa_id(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->id < b->id ? -1 : a->id > b->id;
}

void mk_rule_numa_twice(struct mk_rule_ctx *c)
{
	const struct mk_numa **n = mk_arena_array(c->a, c->s->n_numa, sizeof(struct mk_numa *));

	for (size_t i = 0; i < c->s->n_numa; i++)
		n[i] = &c->s->numa[i];
	mk_sort(n, c->s->n_numa, sizeof(*n), by_numa_id);
	for (size_t i = 1; i < c->s->n_numa; i++)
		if (n[i]->id == n[i - 1]->id) {
			struct mk_diag *d =
				mk_rule_find(c, mk_host_subject, n[i]->where,
					     "NUMA node %u is described twice", n[i]->id);

			mk_rule_other(c, d, n[i - 1]->where, "the other description");
			d->hint = "each node has a node-id of its own";
			mk_rule_item(c, d, "%u", n[i]->id);
		}
}

int mk_rule_by_numa_base(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->base < b->base ? -1 : a->base > b->base;
}

void mk_rule_numa_memory_apart(struct mk_rule_ctx *c)
{
	const struct mk_numa **n = mk_arena_array(c->a, c->s->n_numa, sizeof(struct mk_numa *));
	const struct mk_numa *reach = NULL;
	size_t k = 0;

	for (size_t i = 0; i < c->s->n_numa; i++)
		if (c->s->numa[i].has_memory && c->s->numa[i].size)
			n[k++] = &c->s->numa[i];
	mk_sort(n, k, sizeof(*n), mk_rule_by_numa_base);
	for (size_t i = 0; i < k; i++) {
		if (reach && n[i]->base - reach->base < reach->size) {
			struct mk_diag *d =
				mk_rule_find(c, mk_host_subject, n[i]->where,
					     "the memory of NUMA node %u overlaps that of node %u",
					     n[i]->id, reach->id);

			mk_rule_other(c, d, reach->where, "the other node");
			node_item(c, d, n[i]);
			node_item(c, d, reach);
		}
		if (!reach || n[i]->base + (n[i]->size - 1) > reach->base + (reach->size - 1))
			reach = n[i];
	}
}

/* A list of CPUs that is one of many: a NUMA node's, a core's. */
struct part {
	uint32_t id;
	const struct mk_cpus *cpus;
};

/* A CPU that two parts have. */
struct in_two {
	size_t a, b;
	uint64_t cpu;
};

static int by_parts(const void *x, const void *y)
{
	const struct in_two *p = x, *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	if (p->b != q->b)
		return p->b < q->b ? -1 : 1;
	return p->cpu < q->cpu ? -1 : p->cpu > q->cpu;
}

/* Parts have no CPU in common. CPUs that the same two have make one finding. */
static void parts_apart(struct mk_rule_ctx *c, const struct part *part, size_t parts,
			const char *what)
{
	struct in_two *x;
	struct mk_held *h;
	size_t n = 0, found = 0, end;

	for (size_t i = 0; i < parts; i++)
		n += part[i].cpus->ids.n;
	h = mk_arena_array(c->a, n, sizeof(*h));
	n = 0;
	for (size_t i = 0; i < parts; i++)
		for (size_t k = 0; k < part[i].cpus->ids.n; k++)
			h[n++] = (struct mk_held){part[i].cpus->ids.id[k], i};
	mk_sort(h, n, sizeof(*h), mk_rule_by_held);
	x = mk_arena_array(c->a, n, sizeof(*x));
	for (size_t i = 1; i < n; i++)
		if (h[i].cpu == h[i - 1].cpu && h[i].instance != h[i - 1].instance)
			x[found++] = (struct in_two){h[i - 1].instance, h[i].instance, h[i].cpu};
	mk_sort(x, found, sizeof(*x), by_parts);
	for (size_t i = 0; i < found; i = end) {
		const struct part *a = &part[x[i].a], *b = &part[x[i].b];
		struct mk_ids cpus = {0};
		struct mk_diag *d;

		for (end = i; end < found && x[end].a == x[i].a && x[end].b == x[i].b; end++)
			mk_ids_add(c->a, &cpus, x[end].cpu);
		d = mk_rule_find(c, mk_host_subject, b->cpus->where, "CPU %s is in %s %u and in %s %u",
				 mk_ids_brief(c->a, &cpus, 8), what, a->id, what, b->id);
		mk_rule_other(c, d, a->cpus->where, "the other list");
		mk_rule_item_ids(c, d, mk_arena_fmt(c->a, "%u", a->id), &cpus);
		mk_rule_item_ids(c, d, mk_arena_fmt(c->a, "%u", b->id), &cpus);
	}
}

void mk_rule_numa_cpus_apart(struct mk_rule_ctx *c)
{
	struct part *p = mk_arena_array(c->a, c->s->n_numa, sizeof(*p));

	for (size_t i = 0; i < c->s->n_numa; i++)
		p[i] = (struct part){c->s->numa[i].id, &c->s->numa[i].cpus};
	parts_apart(c, p, c->s->n_numa, "NUMA node");
}

void mk_rule_core_cpus_apart(struct mk_rule_ctx *c)
{
	struct part *p = mk_arena_array(c->a, c->s->n_cores, sizeof(*p));

	for (size_t i = 0; i < c->s->n_cores; i++)
		p[i] = (struct part){c->s->core[i].id, &c->s->core[i].cpus};
	parts_apart(c, p, c->s->n_cores, "core");
}

void mk_rule_numa_cpus_known(struct mk_rule_ctx *c)
{
	for (size_t i = 0; c->s->cpu_total && i < c->s->n_numa; i++)
		above_total(c, mk_host_subject, &c->s->numa[i].cpus);
}

void mk_rule_core_cpus_known(struct mk_rule_ctx *c)
{
	for (size_t i = 0; c->s->cpu_total && i < c->s->n_cores; i++)
		above_total(c, mk_host_subject, &c->s->core[i].cpus);
}

void mk_rule_numa_memory_sum(struct mk_rule_ctx *c)
{
	const struct mk_state *s = c->s;
	uint64_t sum = 0;
	bool more = false; /* than can be counted */
	struct mk_diag *d;

	for (size_t i = 0; i < s->n_numa; i++)
		if (s->numa[i].has_memory && !mk_num_add(sum, s->numa[i].size, &sum)) {
			sum = UINT64_MAX;
			more = true;
		}
	if (!s->has_memory_total || sum <= s->memory_total)
		return;
	d = mk_rule_find(c, mk_host_subject, s->numa[0].where,
			 "the NUMA nodes have %s of memory, the machine only %s",
			 more ? "2^64 bytes or more" : mk_num_size_text(c->a, sum),
			 mk_num_size_text(c->a, s->memory_total));
	mk_rule_other(c, d, s->memory_total_at, "the machine's memory is stated here");
	d->excess = sum - s->memory_total;
}

/*
 * The host keeps the first bytes, where that is all that is said of them. Memory
 * has holes: what is said is no proof.
 */
void mk_rule_chunk_behind_host(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];
		struct mk_diag *d;

		if (!m->placed || m->base >= c->s->memory_host)
			continue;
		d = mk_rule_find(c, mk_pool_subject, m->where,
				 "memory chunk %s begins within the first %s, which the host keeps",
				 mk_mem_text(c->a, m), mk_num_size_text(c->a, c->s->memory_host));
		d->hint = mk_arena_fmt(c->a,
				       "let it begin at 0x%llx, or reserve less for the host",
				       (unsigned long long)c->s->memory_host);
		mk_rule_item_mem(c, d, mk_pool_subject, m);
	}
}

/* Only where something is given: the description of a machine gives nothing. */
void mk_rule_all_given(struct mk_rule_ctx *c)
{
	struct mk_ids free;
	uint64_t bytes;
	struct mk_diag *d;

	if (!c->s->has_machine || !c->s->n_instances)
		return;
	free = mk_free_cpus(c->s);
	bytes = mk_free_bytes(c->s, MK_NODE_ANY);
	if (!free.n && !bytes)
		return;
	d = mk_rule_find(c, mk_pool_subject, c->s->pool.where,
			 "%zu CPU%s and %s of memory of the pool are not allocated", free.n,
			 free.n == 1 ? "" : "s", mk_num_size_text(c->a, bytes));
	d->hint = mk_arena_fmt(c->a, "%s; %s", mk_rule_free_cpus(c), mk_rule_free_memory(c));
	mk_rule_item(c, d, "memory");
	mk_rule_item_ids(c, d, mk_pool_subject, &free);
	d->excess = bytes;
}

static void bad_distance(struct mk_rule_ctx *c, const struct mk_numa *x, const char *text)
{
	struct mk_diag *d =
		mk_rule_find(c, mk_host_subject, mk_rule_at(x->where, "distance-matrix"), "%s", text);

	d->hint = "distance-matrix is a row for each node, in the order of the nodes: <10 21> for "
		  "the first of two";
	mk_rule_item(c, d, "%u", x->id);
}

/* One row of the matrix a node, or all of it in each. */
void mk_rule_numa_distances(struct mk_rule_ctx *c)
{
	size_t n = c->s->n_numa;

	for (size_t i = 0; i < n; i++) {
		const struct mk_numa *x = &c->s->numa[i];

		if (!x->distance.n)
			continue;
		if (x->distance.n != n && x->distance.n != n * n) {
			bad_distance(c, x,
				     mk_arena_fmt(c->a,
						  "the distances of NUMA node %u are %zu numbers; "
						  "with %zu nodes there are %zu a node",
						  x->id, x->distance.n, n, n));
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			uint64_t here =
				x->distance.n == n ? x->distance.id[i] : x->distance.id[k * n + k];

			if (here == 10) /* ACPI: the distance of a node to itself */
				continue;
			bad_distance(
				c, x,
				mk_arena_fmt(
					c->a,
					"the distance of NUMA node %u to itself is %llu, not 10",
					c->s->numa[x->distance.n == n ? i : k].id,
					(unsigned long long)here));
			break;
		}
	}
}

void mk_rule_baseline_only(struct mk_rule_ctx *c)
{
	struct mk_diag *d;

	if (!c->opts->baseline || !c->s->n_instances)
		return;
	d = mk_rule_find(
		c, mk_pool_subject, c->s->instances,
		"Baseline must not contain instances: this one has %zu, the first is '%s'. "
		"Instances should be created via overlays.",
		c->s->n_instances, c->s->instance[0].name);
	d->hint = "Remove instances section from baseline; mk-alloc creates instances, and "
		  "mk-overlay "
		  "writes the overlays";
	for (size_t i = 0; i < c->s->n_instances; i++)
		mk_rule_item(c, d, "%s", c->s->instance[i].name);
}
