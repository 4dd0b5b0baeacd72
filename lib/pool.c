/* SPDX-License-Identifier: Apache-2.0 */
/* pool: what of a machine's pool nobody has. */
#include "pool.h"

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
