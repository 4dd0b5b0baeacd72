/* SPDX-License-Identifier: Apache-2.0 */
/* pool: what of a machine's pool nobody has. */
#include "pool.h"

#include "arena.h"
#include "num.h"

struct mk_ids mk_free_cpus(const struct mk_state *s)
{
	struct mk_ranges used;
	struct mk_ids out = {0};

	mk_ranges_init(&used, s->arena);
	for (size_t i = 0; i < s->n_instances; i++)
		mk_ranges_add_ids(&used, &s->instance[i].cpus.ids);
	mk_ranges_add_ids(&used, &s->host_cpus.ids);
	mk_ranges_join(&used);
	for (size_t i = 0; i < s->pool.ids.n; i++)
		if (!mk_ranges_has(&used, s->pool.ids.id[i], s->pool.ids.id[i]))
			mk_ids_add(s->arena, &out, s->pool.ids.id[i]);
	return out;
}

void mk_free_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out)
{
	struct mk_ranges all, used;

	mk_ranges_init(&all, s->arena);
	mk_ranges_init(&used, s->arena);
	mk_ranges_init(out, s->arena);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (s->chunks.m[i].placed && (node == MK_NODE_ANY || s->chunks.m[i].node == node))
			mk_ranges_add_size(&all, s->chunks.m[i].base, s->chunks.m[i].size);
	for (size_t i = 0; i < s->in_use.n; i++)
		mk_ranges_add_size(&used, s->in_use.m[i].base, s->in_use.m[i].size);
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++)
			if (s->instance[i].mem.m[k].placed)
				mk_ranges_add_size(&used, s->instance[i].mem.m[k].base,
						   s->instance[i].mem.m[k].size);
	mk_ranges_join(&all);
	mk_ranges_join(&used);
	mk_ranges_minus(out, &all, &used);
}

uint64_t mk_free_bytes(const struct mk_state *s, uint32_t node)
{
	struct mk_ranges r;
	uint64_t bytes, taken = 0;

	mk_free_memory(s, node, &r);
	bytes = mk_ranges_count(&r);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (!s->chunks.m[i].placed &&
		    (node == MK_NODE_ANY || s->chunks.m[i].node == node) &&
		    !mk_num_add(bytes, s->chunks.m[i].size, &bytes))
			bytes = UINT64_MAX;
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++) {
			const struct mk_mem *m = &s->instance[i].mem.m[k];

			if (!m->placed && (node == MK_NODE_ANY || m->node == node) &&
			    !mk_num_add(taken, m->size, &taken))
				taken = UINT64_MAX;
		}
	return bytes > taken ? bytes - taken : 0;
}

/* ------------------------------------------------------------ ledger */

void mk_ledger_init(struct mk_ledger *l, const struct mk_state *s)
{
	*l = (struct mk_ledger){.s = s};
}

const struct mk_ranges *mk_ledger_cpus(struct mk_ledger *l)
{
	struct mk_arena *a = l->s->arena;
	struct mk_ranges here, other;
	struct mk_ids ids;

	if (l->cpus_known)
		return &l->cpus;
	ids = mk_free_cpus(l->s);
	mk_ranges_init(&l->cpus, a);
	mk_ranges_add_ids(&l->cpus, &ids);
	mk_ranges_join(&l->cpus);
	l->cpus_on = mk_arena_array(a, l->s->n_numa, sizeof(*l->cpus_on));
	for (size_t i = 0; i < l->s->n_numa; i++) {
		mk_ranges_init(&here, a);
		mk_ranges_init(&other, a);
		mk_ranges_init(&l->cpus_on[i], a);
		mk_ranges_add_ids(&here, &l->s->numa[i].cpus.ids);
		mk_ranges_join(&here);
		mk_ranges_minus(&other, &l->cpus, &here);
		mk_ranges_minus(&l->cpus_on[i], &l->cpus, &other);
	}
	l->cpus_known = true;
	return &l->cpus;
}

const struct mk_ranges *mk_ledger_cpus_on(struct mk_ledger *l, size_t i)
{
	mk_ledger_cpus(l);
	return &l->cpus_on[i];
}

void mk_ledger_take_cpus(struct mk_ledger *l, uint64_t first, uint64_t last)
{
	mk_ledger_cpus(l);
	mk_ranges_remove(&l->cpus, first, last);
	for (size_t i = 0; i < l->s->n_numa; i++)
		mk_ranges_remove(&l->cpus_on[i], first, last);
}

const struct mk_free_on *mk_ledger_memory(struct mk_ledger *l, uint32_t node)
{
	struct mk_free_on *f;

	for (size_t i = 0; i < l->n; i++)
		if (l->on[i].node == node)
			return &l->on[i];
	l->on = mk_arena_more(l->s->arena, l->on, l->n, &l->cap, sizeof(*l->on));
	f = &l->on[l->n++];
	*f = (struct mk_free_on){.node = node, .bytes = mk_free_bytes(l->s, node)};
	mk_free_memory(l->s, node, &f->at);
	return f;
}

void mk_ledger_take_memory(struct mk_ledger *l, const struct mk_mem *m)
{
	for (size_t i = 0; i < l->n; i++) {
		struct mk_free_on *f = &l->on[i];
		uint64_t gone = f->node == MK_NODE_ANY || f->node == m->node ? m->size : 0;

		if (m->placed) { /* a region may lie on several nodes */
			gone = mk_ranges_count(&f->at);
			mk_ranges_remove(&f->at, m->base, m->base + (m->size - 1));
			gone -= mk_ranges_count(&f->at);
		}
		f->bytes -= gone < f->bytes ? gone : f->bytes;
	}
}
