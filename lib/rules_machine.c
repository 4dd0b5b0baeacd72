/* SPDX-License-Identifier: Apache-2.0 */
/* rules_machine: MK1xx, what is wrong with a machine before anything is given away. */
#include "rules_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"

/* ------------------------------------------------------------ MK1xx: the machine */

void mk_rule_resources_there(struct mk_rule_ctx *c)
{
	if (!c->s->has_machine && c->s->dialect != MK_DIALECT_VIEW)
		mk_rule_find(c, "@pool",
			     (struct mk_where){c->s->tree ? c->s->tree->root : NULL, NULL},
			     "there is no /resources: nothing says what the machine has")
			->hint = "add resources { cpus = /bits/ 64 <...>; memory-base = <...>; "
				 "memory-bytes = <...>; };";
}

void mk_rule_some_cpu(struct mk_rule_ctx *c)
{
	if (c->s->has_machine && !c->s->pool.ids.n)
		mk_rule_find(c, "@pool", c->s->pool.where, "the pool has no CPU")->hint =
			"list the CPUs that instances may have, for instance cpus = /bits/ 64 <4 5 "
			"6 7>;";
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
	d = mk_rule_find(c, "@pool", c->s->pool.where, "CPU %s belongs to the host and to the pool",
			 mk_ids_brief(c->a, &both, 8));
	mk_rule_other(c, d, c->s->host_cpus.where, "reserved for the host here");
	d->hint = "take it out of one of the two lists";
}

static void above_total(struct mk_rule_ctx *c, const char *subject, const struct mk_cpus *list)
{
	struct mk_ids above = {0};

	for (size_t i = 0; i < list->ids.n; i++)
		if (list->ids.id[i] >= c->s->cpu_total)
			mk_ids_add(c->a, &above, list->ids.id[i]);
	if (above.n)
		mk_rule_find(c, subject, list->where, "CPU %s is not below total, which is %llu",
			     mk_ids_brief(c->a, &above, 8), (unsigned long long)c->s->cpu_total)
			->hint = mk_arena_fmt(
			c->a, "ids go from 0 to %llu; total is an upper bound of ids, no count",
			(unsigned long long)c->s->cpu_total - 1);
}

void mk_rule_below_total(struct mk_rule_ctx *c)
{
	if (!c->s->cpu_total_at.prop)
		return;
	if (!c->s->cpu_total) {
		mk_rule_find(c, "@pool", c->s->cpu_total_at, "total is 0")->hint =
			"total is the highest CPU id plus one";
		return;
	}
	above_total(c, "@pool", &c->s->pool);
	above_total(c, "@host", &c->s->host_cpus);
}

void mk_rule_pool_twice(struct mk_rule_ctx *c)
{
	mk_rule_list_twice(c, "@pool", &c->s->pool, "CPU", "the pool");
	mk_rule_list_twice(c, "@host", &c->s->host_cpus, "CPU", "the host's share");
}

void mk_rule_pool_memory(struct mk_rule_ctx *c)
{
	struct mk_diag *d;

	if (!c->s->has_machine || c->s->chunks.n)
		return;
	d = mk_rule_find(c, "@pool", c->s->resources, "the pool has no memory");
	d->hint = c->s->dialect == MK_DIALECT_NESTED
			  ? "add memory-pool-base = <0x80000000>; and memory-pool-bytes = <0x0 "
			    "0x40000000>; to memory { }"
			  : "add memory-base = <0x0 0x80000000>; and memory-bytes = <0x0 "
			    "0x40000000>;";
}

void mk_rule_chunk_empty(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++)
		if (!c->s->chunks.m[i].size)
			mk_rule_find(c, "@pool", c->s->chunks.m[i].where,
				     "a memory chunk of the pool has 0 bytes");
}

void mk_rule_chunk_aligned(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];

		if (!mk_rule_page_aligned(m))
			mk_rule_find(c, "@pool", mk_rule_misaligned_at(m),
				     "memory chunk %s is not aligned to pages of 4096 bytes",
				     mk_mem_text(c->a, m))
				->hint = mk_rule_aligned_hint(c, m);
	}
}

void mk_rule_chunk_wraps(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];

		if (mk_rule_wraps(m))
			mk_rule_find(c, "@pool", m->where,
				     "a memory chunk at 0x%llx of 0x%llx bytes goes beyond the "
				     "last address",
				     (unsigned long long)m->base, (unsigned long long)m->size);
	}
}

void mk_rule_chunk_in_machine(struct mk_rule_ctx *c)
{
	const struct mk_state *s = c->s;
	uint64_t pool = mk_mems_bytes(&s->chunks), sum;
	struct mk_diag *d;

	if (s->has_memory_total &&
	    (!mk_num_add(pool, s->memory_host, &sum) || sum > s->memory_total) && s->chunks.n) {
		d = mk_rule_find(c, "@pool", s->chunks.m[0].where,
				 "the pool (%s) and the host's share (%s) are more than the "
				 "machine has (%s)",
				 mk_num_size_text(c->a, pool),
				 mk_num_size_text(c->a, s->memory_host),
				 mk_num_size_text(c->a, s->memory_total));
		mk_rule_other(c, d, s->memory_total_at, "the machine's memory is stated here");
		if (s->memory_total > s->memory_host)
			d->hint = mk_arena_fmt(
				c->a, "the pool can have up to 0x%llx bytes",
				(unsigned long long)(s->memory_total - s->memory_host));
	}
	for (size_t i = 0; c->numa_memory.n && i < s->chunks.n; i++) {
		const struct mk_mem *m = &s->chunks.m[i];

		if (m->placed && m->size &&
		    !mk_ranges_has(&c->numa_memory, m->base, m->base + (m->size - 1)))
			mk_rule_find(c, "@pool", m->where,
				     "memory chunk %s is not in the memory of the NUMA nodes",
				     mk_mem_text(c->a, m));
	}
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
	if (n)
		qsort(m, n, sizeof(*m), by_base);
	for (size_t i = 0; i < n; i++) {
		if (reach && m[i]->base - reach->base < reach->size) {
			struct mk_diag *d =
				mk_rule_find(c, "@pool", m[i]->where, "memory chunk %s overlaps %s",
					     mk_mem_text(c->a, m[i]), mk_mem_text(c->a, reach));

			mk_rule_other(c, d, reach->where, "the other chunk");
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
	if (c->s->n_numa)
		qsort(n, c->s->n_numa, sizeof(*n), by_numa_id);
	for (size_t i = 1; i < c->s->n_numa; i++)
		if (n[i]->id == n[i - 1]->id)
			mk_rule_other(c,
				      mk_rule_find(c, "@host", n[i]->where,
						   "NUMA node %u is described twice", n[i]->id),
				      n[i - 1]->where, "the other description");
}

static int by_numa_base(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->base < b->base ? -1 : a->base > b->base;
}

void mk_rule_numa_memory_apart(struct mk_rule_ctx *c)
{
	const struct mk_numa **n = mk_arena_array(c->a, c->s->n_numa, sizeof(struct mk_numa *));
	size_t k = 0;

	for (size_t i = 0; i < c->s->n_numa; i++)
		if (c->s->numa[i].has_memory && c->s->numa[i].size)
			n[k++] = &c->s->numa[i];
	if (k)
		qsort(n, k, sizeof(*n), by_numa_base);
	for (size_t i = 1; i < k; i++)
		if (n[i]->base - n[i - 1]->base < n[i - 1]->size)
			mk_rule_other(
				c,
				mk_rule_find(c, "@host", n[i]->where,
					     "the memory of NUMA node %u overlaps that of node %u",
					     n[i]->id, n[i - 1]->id),
				n[i - 1]->where, "the other node");
}

void mk_rule_numa_cpus_apart(struct mk_rule_ctx *c)
{
	struct mk_held *h;
	size_t n = 0;

	for (size_t i = 0; i < c->s->n_numa; i++)
		n += c->s->numa[i].cpus.ids.n;
	h = mk_arena_array(c->a, n, sizeof(*h));
	n = 0;
	for (size_t i = 0; i < c->s->n_numa; i++)
		for (size_t k = 0; k < c->s->numa[i].cpus.ids.n; k++)
			h[n++] = (struct mk_held){c->s->numa[i].cpus.ids.id[k], i};
	if (n)
		qsort(h, n, sizeof(*h), mk_rule_by_held);
	for (size_t i = 1; i < n; i++)
		if (h[i].cpu == h[i - 1].cpu) {
			const struct mk_numa *a = &c->s->numa[h[i - 1].instance];
			const struct mk_numa *b = &c->s->numa[h[i].instance];

			mk_rule_other(c,
				      mk_rule_find(c, "@host", b->cpus.where,
						   "CPU %llu is in NUMA node %u and in node %u",
						   (unsigned long long)h[i].cpu, a->id, b->id),
				      a->cpus.where, "the other node");
			return;
		}
}

void mk_rule_numa_cpus_known(struct mk_rule_ctx *c)
{
	for (size_t i = 0; c->s->cpu_total && i < c->s->n_numa; i++)
		above_total(c, "@host", &c->s->numa[i].cpus);
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
			mk_rule_find(c, "@host", x->where,
				     "the distances of NUMA node %u are %zu numbers; with %zu "
				     "nodes there are %zu a node",
				     x->id, x->distance.n, n, n);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			uint64_t here =
				x->distance.n == n ? x->distance.id[i] : x->distance.id[k * n + k];

			if (here == 10) /* ACPI: the distance of a node to itself */
				continue;
			mk_rule_find(c, "@host", x->where,
				     "the distance of NUMA node %u to itself is %llu, not 10",
				     c->s->numa[x->distance.n == n ? i : k].id,
				     (unsigned long long)here);
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
		c, "@pool", c->s->instance[0].where,
		"a baseline must not contain instances: this one has %zu, the first is '%s'",
		c->s->n_instances, c->s->instance[0].name);
	d->hint = "remove instances { }; create them with mk-alloc, which hands overlays to the "
		  "kernel";
}
