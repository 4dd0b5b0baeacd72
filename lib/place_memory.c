/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: memory that a demand leaves open. Each piece becomes a region in the
 * smallest hole of the best node, where the kernel does not place it itself.
 */
#include "arena.h"
#include "num.h"
#include "place_int.h"

/* ------------------------------------------------------------ where it may be */

bool mk_place_node_ok(const struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w,
		      uint32_t node)
{
	const struct mk_instance *x = &p->s->instance[d->me];

	if (w->node != MK_NODE_ANY)
		return node == w->node;
	return !x->numa_nodes.n || (node != MK_NODE_ANY && mk_ids_has(&x->numa_nodes, node));
}

bool mk_place_is_local(const struct mk_placer *p, const struct mk_demand *d,
		       const struct mk_want *w)
{
	return p->s->n_numa && w->node == MK_NODE_ANY &&
	       mk_place_says(p->s->instance[d->me].policy, "local");
}

/* What a node has free where the kernel places memory: never more than is free at all. */
static uint64_t bytes_free(const struct mk_placer *p, const struct mk_mem_node *n)
{
	uint64_t all = mk_memmap_bytes(&p->mem, MK_NODE_ANY);
	uint64_t here = n->have > n->taken ? n->have - n->taken : 0;

	return here < all ? here : all;
}

static bool fits(const struct mk_placer *p, const struct mk_mem_node *n, const struct mk_want *w,
		 uint64_t *base)
{
	const struct mk_mem_node *any = mk_memmap_node(&p->mem, MK_NODE_ANY);
	struct mk_spaces holes = n->hole;

	if (p->s->abi == 2 && !n->pool && any->pool) /* the nodes of the pool are not known */
		return bytes_free(p, any) >= w->size;
	if (p->s->abi == 2)
		return bytes_free(p, n) >= w->size;
	return holes.n && mk_memmap_fit_in(&holes, w->size, w->align, base);
}

bool mk_place_node_holds(const struct mk_placer *p, const struct mk_demand *d, uint32_t node)
{
	const struct mk_mem_node *n = mk_memmap_node(&p->mem, node),
				 *any = mk_memmap_node(&p->mem, MK_NODE_ANY);
	uint64_t sum = 0, most = 0;

	for (size_t i = 0; i < d->n_mem; i++) {
		if (!mk_place_node_ok(p, d, &d->mem[i], node))
			continue;
		most = d->mem[i].size > most ? d->mem[i].size : most;
		if (!mk_num_add(sum, d->mem[i].size, &sum))
			return false;
	}
	if (!sum) /* nothing of it may be there */
		return !d->n_mem;
	if (p->s->abi == 2 && n && !n->pool && any->pool)
		n = any; /* the nodes of the pool are not known */
	if (!n)
		return false;
	return bytes_free(p, n) >= sum &&
	       (p->s->abi == 2 || !most ||
		(n->hole.n && n->hole.at[n->hole.n - 1].size >= most));
}

/* How far memory nodes are from the CPUs of a demand, by index; UINT64_MAX where it is not known. */
static const uint64_t *distances(struct mk_placer *p, const struct mk_demand *d)
{
	uint64_t *far = mk_arena_array(&p->scratch, p->mem.n, sizeof(*far));
	bool *seen = mk_arena_array(&p->scratch, p->cpus.n_groups + 1, sizeof(*seen));
	const struct mk_ids *cpus = &p->s->instance[d->me].cpus.ids;

	for (size_t i = 0; i < p->mem.n; i++)
		far[i] = UINT64_MAX;
	for (size_t i = 0; i < cpus->n; i++) {
		size_t at = mk_cpumap_find(&p->cpus, cpus->id[i]);
		size_t group = at == SIZE_MAX ? p->cpus.n_groups : p->cpus.slot[at].group;
		size_t row;

		if (at == SIZE_MAX || seen[group])
			continue;
		seen[group] = true;
		row = p->cpus.group[group].row;
		for (size_t k = 0; row != SIZE_MAX && k < p->s->n_numa; k++) {
			const struct mk_mem_node *n = mk_memmap_node(&p->mem, p->s->numa[k].id);
			uint64_t f = mk_numa_distance(p->s, row, k);

			if (f < far[n - p->mem.node])
				far[n - p->mem.node] = f;
		}
	}
	return far;
}

/* The nodes of its CPUs. */
static struct mk_ids cpu_nodes(struct mk_placer *p, const struct mk_instance *x)
{
	struct mk_ids nodes = {0};

	for (size_t i = 0; i < x->cpus.ids.n; i++) {
		size_t at = mk_cpumap_find(&p->cpus, x->cpus.ids.id[i]);

		if (at != SIZE_MAX && p->cpus.group[p->cpus.slot[at].group].node != MK_NODE_ANY)
			mk_ids_add(p->s->arena, &nodes,
				   p->cpus.group[p->cpus.slot[at].group].node);
	}
	nodes = mk_ids_sorted(p->s->arena, &nodes);
	return mk_ids_unique(p->s->arena, &nodes);
}

void mk_place_take_memory(struct mk_placer *p, const struct mk_demand *d, struct mk_mem m)
{
	struct mk_instance *x = &p->s->instance[d->me];

	m.where = x->where;
	mk_memmap_take(&p->mem, &m);
	mk_mem_add(p->s->arena, &x->mem, m);
}

/* ------------------------------------------------------------ refusals */

/* The two largest free blocks of a node, if they are larger than those so far. */
static void largest_two(const struct mk_memmap *m, uint32_t node, uint64_t *block, uint64_t *second)
{
	const struct mk_mem_node *n = mk_memmap_node(m, node);
	const struct mk_spaces *l = node == MK_NODE_ANY ? &m->hole : n ? &n->hole : NULL;

	for (size_t i = l ? l->n : 0, k = 0; i && k < 2; i--, k++) {
		uint64_t size = l->at[i - 1].size;

		if (size > *block) {
			*second = *block;
			*block = size;
		} else if (size > *second) {
			*second = size;
		}
	}
}

/* One of the equal parts of what is interleaved. */
static int no_part(struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w,
		   uint64_t free)
{
	struct mk_arena *a = p->s->arena;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < d->n_mem; i++) {
		uint64_t bytes = mk_memmap_bytes(&p->mem, d->mem[i].node);

		least = bytes < least ? bytes : least;
	}
	least = least / w->align * w->align;
	mk_fail_at(p->err, MK_NO, d->mem_at->at,
		   "%s wants %s interleaved over %zu NUMA nodes, %s of each, and %s are free on node %u "
		   "[MK507]",
		   p->s->instance[d->me].name, mk_num_size_text(a, d->bytes), d->parts,
		   mk_num_size_text(a, w->size), mk_num_size_text(a, free), w->node);
	if (least)
		mk_hint(p->err, "ask for at most %s, or for fewer nodes by numa-nodes=",
			mk_num_size_text(a, least * d->parts));
	else
		mk_hint(p->err, "ask for other nodes by numa-nodes=");
	return MK_NO;
}

static int no_memory(struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	struct mk_arena *a = p->s->arena;
	uint64_t free = 0, pool = 0, have = 0, most = 0, block = 0, second = 0;
	struct mk_ids nodes = x->numa_nodes;
	const char *where, *has, *wants;

	for (size_t i = 0; i < d->had_mem; i++) /* what it has, without what was placed just now */
		have += x->mem.m[i].size;
	if (mk_place_is_local(p, d, w) && !nodes.n)
		nodes = cpu_nodes(p, x);
	if (w->node != MK_NODE_ANY) {
		nodes = (struct mk_ids){0};
		mk_ids_add(a, &nodes, w->node);
	}
	where = nodes.n ? mk_arena_fmt(a, " on %s", mk_place_nodes_text(p, &nodes)) : "";
	/* an update states all that there shall be: what it has already counts */
	has = have ? mk_arena_fmt(a, "; it has %s", mk_num_size_text(a, have)) : "";
	wants = d->n_mem > 1 ? mk_arena_fmt(a, "%s in %zu regions, one of %s",
					    mk_num_size_text(a, have + d->bytes), d->n_mem,
					    mk_num_size_text(a, w->size))
			     : mk_num_size_text(a, have + w->size);
	for (size_t i = 0; i < (nodes.n ? nodes.n : 1); i++) {
		uint32_t node = nodes.n ? (uint32_t)nodes.id[i] : MK_NODE_ANY;
		uint64_t bytes = mk_memmap_bytes(&p->mem, node);
		struct mk_ranges r;

		free += bytes;
		most = bytes > most ? bytes : most;
		largest_two(&p->mem, node, &block, &second);
		mk_pool_memory(p->s, node, &r);
		pool += mk_ranges_count(&r);
		for (size_t k = 0; k < p->s->chunks.n; k++)
			if (!p->s->chunks.m[k].placed &&
			    (node == MK_NODE_ANY || p->s->chunks.m[k].node == node))
				pool += p->s->chunks.m[k].size;
	}
	if (d->parts && free < w->size)
		return no_part(p, d, w, free);
	if (free >= w->size && p->s->abi == 2) {
		mk_fail_at(p->err, MK_NO, d->mem_at->at,
			   "%s wants %s on one NUMA node, and no node has more than %s free [MK507]",
			   x->name, mk_num_size_text(a, w->size), mk_num_size_text(a, most));
		mk_hint(p->err, "name sizes by node: memory=SIZE@0,SIZE@1");
		return MK_NO;
	}
	if (free >= w->size && block) {
		mk_fail_at(p->err, MK_NO, d->mem_at->at,
			   "%s wants %s of memory%s, and the largest free block%s is %s (%s are "
			   "free in pieces) [MK501]",
			   x->name, wants, has, where, mk_num_size_text(a, block),
			   mk_num_size_text(a, free));
		block = block / w->align * w->align;
		if (d->n_mem > 1)
			mk_hint(p->err, "a region can have at most %s", mk_num_size_text(a, block));
		else if (have || (block < w->size && second < w->size - block))
			mk_hint(p->err, "ask for at most %s", mk_num_size_text(a, have + block));
		else if (block < w->size && mk_place_is_local(p, d, w))
			mk_hint(p->err, "ask for at most %s, or without memory-policy=local",
				mk_num_size_text(a, block));
		else if (block < w->size)
			mk_hint(p->err, "ask for several regions: memory=%s,%s",
				mk_num_size_text(a, block), mk_num_size_text(a, w->size - block));
		else
			mk_hint(p->err, "no block holds it at a multiple of %s",
				mk_num_size_text(a, w->align));
		return MK_NO;
	}
	mk_fail_at(p->err, MK_NO, d->mem_at->at,
		   "%s wants %s of memory%s, and %s of the pool's %s%s are free [MK507]", x->name,
		   wants, has, mk_num_size_text(a, free), mk_num_size_text(a, pool), where);
	if (d->n_mem > 1)
		mk_hint(p->err, "%s short", mk_num_size_text(a, w->size - free));
	else
		mk_hint(p->err, "%s short: ask for at most %s%s", mk_num_size_text(a, w->size - free),
			mk_num_size_text(a, have + free / w->align * w->align),
			p->s->n_instances > 1 ? ", or shrink another instance" : "");
	return MK_NO;
}

/* ------------------------------------------------------------ placing */

/* A node and how well it would do. */
struct choice {
	const struct mk_mem_node *n;
	bool near;
	size_t rank;
	uint64_t far, free, base;
	size_t cpus; /* that the instance has there */
};

static bool better(const struct choice *a, const struct choice *b)
{
	if (a->near != b->near)
		return a->near;
	if (a->cpus != b->cpus)
		return a->cpus > b->cpus;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->far != b->far)
		return a->far < b->far;
	if (a->free != b->free)
		return a->free < b->free;
	return a->n < b->n;
}

const char *mk_place_memory_text(struct mk_placer *p, const struct mk_mem *m)
{
	struct mk_arena *a = p->s->arena;
	const char *on = m->node == MK_NODE_ANY ? "" : mk_arena_fmt(a, " on NUMA node %u", m->node);

	if (m->placed)
		return mk_arena_fmt(a, "memory %s%s", mk_mem_text(a, m), on);
	return mk_arena_fmt(a, "%s of memory%s", mk_num_size_text(a, m->size), on);
}

static void explain(struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w,
		    const struct mk_mem *m, const struct choice *c)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	const char *why;

	if (!p->opts->why)
		return;
	why = w->node != MK_NODE_ANY && mk_place_says(x->policy, "interleave") ? "a part on each node"
	      : w->node != MK_NODE_ANY			   ? "as asked for"
	      : !c					   ? "no node has it in one piece"
	      : c->n->node == MK_NODE_ANY		   ? "there is room"
	      : c->near					   ? "its CPUs are there"
	      : x->numa_nodes.n				   ? "the first that it wants and that has room"
	      : c->far != UINT64_MAX			   ? "the nearest to its CPUs that has room"
							   : "the least free memory that suffices";
	mk_place_why(p, x, "%s: %s%s", mk_place_memory_text(p, m), why,
		     m->placed ? ", in the smallest free block that holds it"
			       : ", and the kernel finds the place");
}

/* The best node for a piece. */
static bool best_node(struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w,
		      const uint64_t *far, const size_t *there, struct choice *best)
{
	const struct mk_ids *wanted_nodes = &p->s->instance[d->me].numa_nodes;
	bool local = mk_place_is_local(p, d, w), known = false;

	*best = (struct choice){0};
	for (size_t i = 0; i < p->mem.n; i++)
		known = known || far[i] <= 10;
	for (size_t i = 0; i < p->mem.n; i++) {
		struct choice c = {.n = &p->mem.node[i], .far = far[i], .near = far[i] <= 10};

		if (!mk_place_node_ok(p, d, w, c.n->node) || (local && known && !c.near) ||
		    !fits(p, c.n, w, &c.base))
			continue;
		c.cpus = there[i];
		while (c.rank < wanted_nodes->n && wanted_nodes->id[c.rank] != c.n->node)
			c.rank++;
		c.free = bytes_free(p, c.n);
		if (!best->n || better(&c, best))
			*best = c;
	}
	return best->n != NULL;
}

/* Memory that is bound to several nodes, none of which has it: as much of each as it has in one piece. */
static bool split(struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	uint64_t left = w->size, *take;
	struct mk_ids nodes;

	if (w->node != MK_NODE_ANY || !mk_place_says(x->policy, "bind"))
		return false;
	nodes = mk_ids_unique(p->s->arena, &x->numa_nodes);
	take = mk_arena_array(p->s->arena, nodes.n, sizeof(*take));
	for (size_t i = 0; i < nodes.n && left; i++) {
		const struct mk_mem_node *n = mk_memmap_node(&p->mem, (uint32_t)nodes.id[i]);
		uint64_t can = !n ? 0 : p->s->abi == 2 ? bytes_free(p, n)
				: n->hole.n	       ? n->hole.at[n->hole.n - 1].size
						       : 0;
		struct mk_want part = *w;
		uint64_t base;

		part.size = (can < left ? can : left) / w->align * w->align;
		if (part.size && !fits(p, n, &part, &base)) /* its block begins within a unit */
			part.size -= w->align;
		if (part.size && fits(p, n, &part, &base))
			left -= take[i] = part.size;
	}
	for (size_t i = 0; !left && i < nodes.n; i++) {
		struct mk_mem m = {.size = take[i], .node = (uint32_t)nodes.id[i]};
		struct mk_want part = {take[i], w->align, m.node};

		if (!take[i])
			continue;
		m.placed = p->s->abi != 2;
		fits(p, mk_memmap_node(&p->mem, m.node), &part, &m.base);
		mk_place_take_memory(p, d, m);
		mk_place_why(p, x, "%s: none of the nodes that it is bound to has all of it",
			     mk_place_memory_text(p, &m));
	}
	return !left;
}

static int one_piece(struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w,
		     const uint64_t *far, const size_t *there)
{
	struct mk_mem m = {.size = w->size, .placed = p->s->abi != 2};
	struct choice c;
	bool found = best_node(p, d, w, far, there, &c);

	if (found) {
		m.base = c.base;
		m.node = c.n->node;
	} else if (split(p, d, w)) {
		return MK_OK;
	} else if (!m.placed || mk_place_is_local(p, d, w) ||
		   !mk_place_node_ok(p, d, w, MK_NODE_ANY) ||
		   !mk_memmap_fit(&p->mem, MK_NODE_ANY, w->size, w->align, &m.base)) {
		return no_memory(p, d, w);
	} else {
		m.node = MK_NODE_ANY; /* on two nodes */
	}
	mk_place_take_memory(p, d, m);
	explain(p, d, w, &m, found ? &c : NULL);
	return MK_OK;
}

int mk_place_open_memory(struct mk_placer *p, const struct mk_demand *d)
{
	const struct mk_ids *cpus = &p->s->instance[d->me].cpus.ids;
	const uint64_t *far;
	size_t *there;
	int rc = MK_OK;

	if (!d->n_mem)
		return MK_OK;
	mk_arena_reset(&p->scratch);
	far = distances(p, d);
	there = mk_arena_array(&p->scratch, p->mem.n, sizeof(*there));
	for (size_t i = 0; i < cpus->n; i++) {
		size_t at = mk_cpumap_find(&p->cpus, cpus->id[i]);
		uint32_t node = at == SIZE_MAX ? MK_NODE_ANY
					       : p->cpus.group[p->cpus.slot[at].group].node;
		const struct mk_mem_node *n = mk_memmap_node(&p->mem, node);

		if (n && node != MK_NODE_ANY)
			there[n - p->mem.node]++;
	}
	for (size_t i = 0; !rc && i < d->n_mem; i++)
		rc = one_piece(p, d, &d->mem[i], far, there);
	return rc;
}
