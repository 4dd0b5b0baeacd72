/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: explicit CPUs and memory, or a number and an amount to be found. CPUs
 * are taken compactly: on one NUMA node, in one run where there is one. Memory
 * is taken from the smallest hole that holds it.
 */
#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "keys.h"
#include "num.h"
#include "pool.h"

struct placer {
	struct mk_state *s;
	struct mk_err *err;
	const struct mk_request *r; /* the one in hand */
	bool fixed;		    /* what requests name is taken before what they leave open */
	struct mk_ledger free;	    /* from when all is given back */
	size_t *by_id;		    /* index of the instance + 1 by its id; NULL until wanted */
	bool *gone; /* the instances that are deleted, by index, until they are dropped */
};

static const struct mk_pair *key(const struct placer *p, const char *name)
{
	return mk_record_get(&p->r->rec, name);
}

/* ------------------------------------------------------------ CPUs */

static struct mk_ids ids_of(struct mk_arena *a, const struct mk_ranges *r)
{
	struct mk_ids ids = {0};

	for (size_t i = 0; i < r->n; i++)
		for (uint64_t id = r->r[i].first;; id++) {
			mk_ids_add(a, &ids, id);
			if (id == r->r[i].last)
				break;
		}
	return ids;
}

static int no_cpus(struct placer *p, const struct mk_pair *at, size_t have, size_t want,
		   const struct mk_ranges *left)
{
	const char *where = key(p, "numa-nodes") ? " on the nodes it wants" : "";
	struct mk_ids ids = ids_of(p->s->arena, left), *free = &ids;

	if (have)
		mk_fail_at(p->err, MK_NO, at->at,
			   "%s wants %zu CPUs; it has %zu, and %zu of the pool %s free%s",
			   p->r->rec.subject, want, have, free->n, free->n == 1 ? "is" : "are",
			   where);
	else
		mk_fail_at(p->err, MK_NO, at->at,
			   "%s wants %zu CPUs, and %zu of the pool %s free%s", p->r->rec.subject,
			   want, free->n, free->n == 1 ? "is" : "are", where);
	if (free->n)
		mk_hint(p->err,
			"free CPUs: %s; ask for at most %zu, or take some from another instance",
			mk_ids_brief(p->s->arena, free, 8), have + free->n);
	else
		mk_hint(p->err, "take some from another instance, or add CPUs to the pool");
	return MK_NO;
}

/* n of those CPUs for x: the first n that follow each other, else the lowest. */
static void take_cpus(struct placer *p, const struct mk_ranges *from, size_t n,
		      struct mk_instance *x)
{
	size_t had = x->cpus.ids.n, i = 0;

	while (i < from->n && from->r[i].last - from->r[i].first < n - 1)
		i++;
	for (i = i < from->n ? i : 0; n; i++)
		for (uint64_t id = from->r[i].first; n; id++) {
			mk_ids_add(p->s->arena, &x->cpus.ids, id);
			n--;
			if (id == from->r[i].last)
				break;
		}
	for (i = had; i < x->cpus.ids.n; i++)
		mk_ledger_take_cpus(&p->free, x->cpus.ids.id[i], x->cpus.ids.id[i]);
}

static bool wants_node(const struct mk_instance *x, uint32_t node)
{
	return !x->numa_nodes.n || mk_ids_has(&x->numa_nodes, node);
}

/* Its place in the order of preference; it is listed. */
static uint64_t rank_of(const struct mk_ids *wanted, uint64_t node)
{
	uint64_t rank = 0;

	while (wanted->id[rank] != node)
		rank++;
	return rank;
}

/* n more CPUs for x: from the node that is just large enough, else from anywhere that x wants. */
static int find_cpus(struct placer *p, const struct mk_pair *at, struct mk_instance *x, size_t n)
{
	const struct mk_ranges *best = NULL;
	struct mk_ranges wanted;
	uint64_t most = UINT64_MAX;

	mk_ranges_init(&wanted, p->s->arena);
	for (size_t i = 0; i < p->s->n_numa; i++) {
		const struct mk_ranges *here;
		uint64_t free;

		if (!wants_node(x, p->s->numa[i].id))
			continue;
		here = mk_ledger_cpus_on(&p->free, i);
		for (size_t k = 0; x->numa_nodes.n && k < here->n; k++)
			mk_ranges_add(&wanted, here->r[k].first, here->r[k].last);
		free = mk_ranges_count(here);
		/* of the nodes that are wanted the first one, else the fullest */
		if (free < n)
			continue;
		if (x->numa_nodes.n)
			free = rank_of(&x->numa_nodes, p->s->numa[i].id);
		if (free < most) {
			best = here;
			most = free;
		}
	}
	if (!best && x->numa_nodes.n) {
		mk_ranges_join(&wanted);
		best = &wanted;
	} else if (!best) {
		best = mk_ledger_cpus(&p->free);
	}
	if (mk_ranges_count(best) < n)
		return no_cpus(p, at, x->cpus.ids.n, x->cpus.ids.n + n, best);
	take_cpus(p, best, n, x);
	return MK_OK;
}

static const struct mk_instance *cpu_holder(const struct placer *p, uint64_t cpu,
					    const struct mk_instance *but)
{
	for (size_t i = 0; i < p->s->n_instances; i++)
		if (&p->s->instance[i] != but && mk_ids_has(&p->s->instance[i].cpus.ids, cpu))
			return &p->s->instance[i];
	return NULL;
}

static int cpu_refused(struct placer *p, const struct mk_pair *at, uint64_t cpu,
		       struct mk_instance *x)
{
	const struct mk_instance *holder = cpu_holder(p, cpu, x);
	unsigned long long id = cpu;
	struct mk_ids free;

	x->cpus.ids.n = 0; /* it can have those that it has */
	free = mk_free_cpus(p->s);

	if (mk_ids_has(&p->s->host_cpus.ids, cpu))
		mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is reserved for the host [MK402]", id);
	else if (holder)
		mk_fail_at(p->err, MK_NO, at->at,
			   "CPU %llu belongs to %s, which has CPUs %s [MK404]", id, holder->name,
			   mk_ids_brief(p->s->arena, &holder->cpus.ids, 8));
	else
		mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is not in the pool [MK403]", id);
	if (free.n)
		mk_hint(p->err, "CPUs that it can have: %s", mk_ids_brief(p->s->arena, &free, 8));
	return MK_NO;
}

static int explicit_cpus(struct placer *p, const struct mk_pair *at, struct mk_instance *x)
{
	struct mk_ranges own = mk_ranges_of(p->s->arena, &x->cpus.ids); /* all that it keeps */
	struct mk_ids ids, sorted;

	if (mk_key_ids(p->s->arena, at, &ids, p->err))
		return MK_BAD;
	if (!ids.n)
		return mk_fail_at(p->err, MK_NO, at->at, "%s would have no CPU [MK306]", x->name);
	sorted = mk_ids_sorted(p->s->arena, &ids);
	for (size_t i = 1; i < sorted.n; i++)
		if (sorted.id[i] == sorted.id[i - 1])
			return mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is listed twice [MK405]",
					  (unsigned long long)sorted.id[i]);
	for (size_t i = 0; i < ids.n; i++) {
		uint64_t id = ids.id[i];

		if (mk_ranges_has(&own, id, id))
			continue;
		if (!mk_ranges_has(mk_ledger_cpus(&p->free), id, id))
			return cpu_refused(p, at, id, x);
		mk_ledger_take_cpus(&p->free, id, id);
	}
	x->cpus = (struct mk_cpus){.ids = ids, .known = true, .where = x->cpus.where};
	return MK_OK;
}

static int cpus(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *list = key(p, "cpus"), *count = key(p, "cpu-count");
	uint32_t n;

	if (list)
		return p->fixed ? explicit_cpus(p, list, x) : MK_OK;
	if (!count || p->fixed)
		return MK_OK;
	if (mk_key_u32(p->s->arena, count, &n, p->err))
		return MK_BAD;
	x->cpus.known = true;
	if (n <= x->cpus.ids.n)
		return MK_OK;
	return find_cpus(p, count, x, n - x->cpus.ids.n);
}

/* ------------------------------------------------------------ NUMA nodes */

/* Whether the machine says anything of a NUMA node. */
static bool node_known(const struct placer *p, uint64_t node)
{
	for (size_t i = 0; i < p->s->n_numa; i++)
		if (p->s->numa[i].id == node)
			return true;
	for (size_t i = 0; i < p->s->chunks.n; i++)
		if (p->s->chunks.m[i].node == node && node != MK_NODE_ANY)
			return true;
	return false;
}

static int node_unknown(struct placer *p, const struct mk_pair *at, uint64_t node)
{
	mk_fail_at(p->err, MK_NO, at->at, "the machine does not describe a NUMA node %llu [MK701]",
		   (unsigned long long)node);
	mk_hint(p->err,
		p->s->n_numa ? "mk-show lists the nodes" : "it describes no NUMA nodes at all");
	return MK_NO;
}

/* ------------------------------------------------------------ memory */

static int no_memory(struct placer *p, const struct mk_pair *at, const struct mk_instance *x,
		     uint64_t bytes, uint32_t node)
{
	struct mk_arena *a = p->s->arena;
	uint64_t free = mk_free_bytes(p->s, node), pool = 0, have = mk_mems_bytes(&x->mem);
	const char *where = node == MK_NODE_ANY ? "" : mk_arena_fmt(a, " on NUMA node %u", node);
	/* an update states all that there shall be: what it has already counts */
	const char *has = have ? mk_arena_fmt(a, "; it has %s", mk_num_size_text(a, have)) : "";
	const char *wants = mk_num_size_text(a, have + bytes);
	struct mk_ranges r;
	struct mk_range big;

	mk_pool_memory(p->s, node, &r);
	pool = mk_ranges_count(&r);
	for (size_t i = 0; i < p->s->chunks.n; i++)
		if (!p->s->chunks.m[i].placed &&
		    (node == MK_NODE_ANY || p->s->chunks.m[i].node == node))
			pool += p->s->chunks.m[i].size;
	mk_free_memory(p->s, node, &r);
	big = mk_ranges_largest(&r);
	if (free >= bytes && big.first <= big.last) {
		uint64_t block = big.last - big.first + 1;

		mk_fail_at(p->err, MK_NO, at->at,
			   "%s wants %s of memory%s, and the largest free block%s is %s (%s are "
			   "free in pieces) [MK501]",
			   p->r->rec.subject, wants, has, where, mk_num_size_text(a, block),
			   mk_num_size_text(a, free));
		if (have)
			mk_hint(p->err, "ask for at most %s", mk_num_size_text(a, have + block));
		else
			mk_hint(p->err, "ask for several regions: memory=%s,%s",
				mk_num_size_text(a, block), mk_num_size_text(a, bytes - block));
		return MK_NO;
	}
	mk_fail_at(p->err, MK_NO, at->at,
		   "%s wants %s of memory%s, and %s of the pool's %s%s are free [MK507]",
		   p->r->rec.subject, wants, has, mk_num_size_text(a, free),
		   mk_num_size_text(a, pool), where);
	mk_hint(p->err, "%s short: ask for at most %s, or shrink another instance",
		mk_num_size_text(a, bytes - free), mk_num_size_text(a, have + free));
	return MK_NO;
}

static void take_memory(struct placer *p, struct mk_instance *x, const struct mk_mem *m)
{
	mk_ledger_take_memory(&p->free, m);
	mk_mem_add(p->s->arena, &x->mem, *m)->where = x->where;
}

/* Where the kernel places memory, one node must have all of a region: the most that one has. */
static bool some_node_has(struct placer *p, uint64_t bytes)
{
	struct mk_ranges nodes;

	mk_ranges_init(&nodes, p->s->arena);
	for (size_t i = 0; i < p->s->chunks.n; i++)
		mk_ranges_add(&nodes, p->s->chunks.m[i].node, p->s->chunks.m[i].node);
	mk_ranges_join(&nodes);
	for (size_t i = 0; i < nodes.n; i++)
		for (uint64_t n = nodes.r[i].first; n <= nodes.r[i].last; n++)
			if (mk_ledger_memory(&p->free, (uint32_t)n)->bytes >= bytes)
				return true;
	return false;
}

/* One more region of that size for x. */
static int find_memory(struct placer *p, const struct mk_pair *at, struct mk_instance *x,
		       uint64_t bytes, uint32_t node)
{
	struct mk_mem m = {.size = bytes, .node = node, .where = x->where};
	const struct mk_free_on *free = mk_ledger_memory(&p->free, node);

	if (p->s->abi == 2) { /* the kernel places it */
		if (free->bytes < bytes)
			return no_memory(p, at, x, bytes, node);
		if (node == MK_NODE_ANY && !some_node_has(p, bytes)) {
			mk_fail_at(p->err, MK_NO, at->at,
				   "%s wants %s on one NUMA node, and no node has as much free "
				   "[MK507]",
				   x->name, mk_num_size_text(p->s->arena, bytes));
			mk_hint(p->err, "name sizes by node: memory=SIZE@0,SIZE@1");
			return MK_NO;
		}
	} else {
		if (!mk_ranges_best_fit(&free->at, bytes, MK_PAGE_BYTES, &m.base))
			return no_memory(p, at, x, bytes, node);
		m.placed = true;
	}
	take_memory(p, x, &m);
	return MK_OK;
}

static bool node_has(struct placer *p, uint64_t bytes, uint32_t node)
{
	const struct mk_free_on *free = mk_ledger_memory(&p->free, node);
	uint64_t base;

	return p->s->abi == 2 ? free->bytes >= bytes
			      : mk_ranges_best_fit(&free->at, bytes, MK_PAGE_BYTES, &base);
}

/*
 * A region whose node is left open: on that of its CPUs, if x has no other
 * wish; else on the first node that it wants and that has room; else where
 * there is room, unless memory-policy=local forbids it.
 */
static int place_memory(struct placer *p, const struct mk_pair *at, struct mk_instance *x,
			uint64_t bytes, uint32_t node)
{
	uint32_t near;

	if (node != MK_NODE_ANY)
		return find_memory(p, at, x, bytes, node);
	near = mk_ledger_node_of(&p->free, &x->cpus.ids);
	if (near != MK_NODE_ANY && wants_node(x, near) && node_has(p, bytes, near))
		return find_memory(p, at, x, bytes, near);
	for (size_t i = 0; i < x->numa_nodes.n; i++)
		if (node_has(p, bytes, (uint32_t)x->numa_nodes.id[i]))
			return find_memory(p, at, x, bytes, (uint32_t)x->numa_nodes.id[i]);
	if (x->numa_nodes.n)
		return no_memory(p, at, x, bytes, (uint32_t)x->numa_nodes.id[0]);
	if (near != MK_NODE_ANY && x->policy && !strcmp(x->policy, "local"))
		return find_memory(p, at, x, bytes, near);
	return find_memory(p, at, x, bytes, MK_NODE_ANY);
}

/* A region at an address that the request names. */
static int fixed_memory(struct placer *p, const struct mk_pair *at, struct mk_instance *x,
			const struct mk_mem *m)
{
	struct mk_arena *a = p->s->arena;
	const struct mk_ranges *free = &mk_ledger_memory(&p->free, m->node)->at;
	struct mk_range big;

	if (m->base % MK_PAGE_BYTES)
		return mk_fail_at(p->err, MK_NO, at->at,
				  "0x%llx is not aligned to pages of 4096 bytes [MK504]",
				  (unsigned long long)m->base);
	if (m->size - 1 > UINT64_MAX - m->base ||
	    !mk_ranges_has(free, m->base, m->base + (m->size - 1))) {
		big = mk_ranges_largest(free);
		mk_fail_at(p->err, MK_NO, at->at,
			   "%s cannot have %s: not all of it is free memory of the pool [MK501]",
			   x->name, mk_mem_text(a, m));
		if (big.first <= big.last)
			mk_hint(p->err, "the largest free block is %s at 0x%llx",
				mk_num_size_text(a, big.last - big.first + 1),
				(unsigned long long)big.first);
		return MK_NO;
	}
	take_memory(p, x, m);
	return MK_OK;
}

static int by_size(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/*
 * Gives memory back: whole regions, the newest first, because the kernel takes
 * back only what it once gave. The sizes that would do are the hint.
 */
static int shrink_memory(struct placer *p, const struct mk_pair *at, struct mk_instance *x,
			 uint64_t want)
{
	uint64_t have = mk_mems_bytes(&x->mem), *would;
	struct mk_buf b;
	size_t n = 0;

	would = mk_arena_array(p->s->arena, x->mem.n, sizeof(*would));
	for (uint64_t left = have; x->mem.n && left > want;) {
		left -= x->mem.m[x->mem.n - 1 - n].size;
		would[n++] = left;
		if (left == want) {
			x->mem.n -= n;
			return MK_OK;
		}
		if (n == x->mem.n)
			break;
	}
	mk_fail_at(p->err, MK_NO, at->at,
		   "%s has %s in %zu region%s, and only whole regions can be taken away: %s cannot "
		   "be kept",
		   x->name, mk_num_size_text(p->s->arena, have), x->mem.n, x->mem.n == 1 ? "" : "s",
		   mk_num_size_text(p->s->arena, want));
	qsort(would, n, sizeof(*would), by_size);
	mk_buf_init(&b, p->s->arena);
	for (size_t i = 0; i < n; i++)
		if (would[i])
			mk_buf_fmt(&b, "%s%s", b.len ? ", " : "",
				   mk_num_size_text(p->s->arena, would[i]));
	if (b.len)
		mk_hint(p->err, "sizes that would do: %s", mk_buf_cstr(&b));
	else if (p->s->abi != 2 && x->mem.n && x->mem.m[0].placed)
		mk_hint(p->err, "say which part it keeps: memory=0x%llx+%llu",
			(unsigned long long)x->mem.m[0].base, (unsigned long long)want);
	else
		mk_hint(p->err, "it can keep all of it, or be deleted");
	return MK_NO;
}

/* Regions that have an address, by it: each can be found once. */
struct regions {
	const struct mk_mem **m;
	bool *found;
	size_t n;
};

static int by_region(const void *x, const void *y)
{
	const struct mk_mem *a = *(struct mk_mem *const *)x, *b = *(struct mk_mem *const *)y;

	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return a->size < b->size ? -1 : a->size > b->size;
}

static struct regions regions_of(struct mk_arena *a, const struct mk_mems *list)
{
	struct regions r = {.m = mk_arena_array(a, list->n, sizeof(struct mk_mem *)),
			    .found = mk_arena_array(a, list->n, sizeof(bool))};

	for (size_t i = 0; i < list->n; i++)
		if (list->m[i].placed)
			r.m[r.n++] = &list->m[i];
	if (r.n)
		qsort(r.m, r.n, sizeof(*r.m), by_region);
	return r;
}

static bool find_region(struct regions *r, const struct mk_mem *m)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		/* those that were found stand before the others of the same place */
		if (by_region(&r->m[mid], &m) < 0 ||
		    (by_region(&r->m[mid], &m) == 0 && r->found[mid]))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == r->n || by_region(&r->m[low], &m) != 0)
		return false;
	r->found[low] = true;
	return true;
}

static bool same_regions(struct mk_arena *a, const struct mk_mems *x, const struct mk_mems *y)
{
	struct regions r = regions_of(a, y);

	for (size_t i = 0; i < x->n; i++)
		if (!find_region(&r, &x->m[i]))
			return false;
	return x->n == y->n;
}

/* The regions in the order of the request. What it has of them it keeps; all others are free. */
static int all_fixed(struct placer *p, const struct mk_pair *at, struct mk_instance *x,
		     const struct mk_mems *want)
{
	struct regions had = regions_of(p->s->arena, &x->mem);
	int rc = MK_OK;

	x->mem = (struct mk_mems){0};
	for (size_t i = 0; !rc && i < want->n; i++) {
		if (find_region(&had, &want->m[i]))
			mk_mem_add(p->s->arena, &x->mem, want->m[i])->where = x->where;
		else /* a second time it is not free */
			rc = fixed_memory(p, at, x, &want->m[i]);
	}
	return rc;
}

static int no_pages(struct placer *p, const struct mk_pair *at, uint64_t bytes)
{
	uint64_t up = bytes / MK_PAGE_BYTES * MK_PAGE_BYTES;

	mk_fail_at(p->err, MK_NO, at->at,
		   "%llu bytes are not a whole number of pages of 4096 bytes [MK504]",
		   (unsigned long long)bytes);
	if (bytes < 1 << 20) /* the unit was forgotten */
		mk_hint(p->err, "sizes are in bytes, or have a unit: %lluMB",
			(unsigned long long)(bytes ? bytes : 64));
	else if (mk_num_add(up, MK_PAGE_BYTES, &up))
		mk_hint(p->err, "the next size that is: %llu", (unsigned long long)up);
	return MK_NO;
}

static int memory(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = key(p, "memory");
	struct mk_mems want;
	uint64_t have = mk_mems_bytes(&x->mem), sum;
	size_t placed = 0;
	int rc = MK_OK;

	if (!at)
		return MK_OK;
	if (mk_key_memory(p->s->arena, at, &want, p->err))
		return MK_BAD;
	if ((want.n && want.m[0].placed) != p->fixed)
		return MK_OK;
	sum = mk_mems_bytes(&want);
	if (!sum)
		return mk_fail_at(p->err, MK_NO, at->at, "%s would have no memory [MK307]",
				  x->name);
	for (size_t i = 0; i < want.n; i++) {
		placed += want.m[i].placed;
		if (want.m[i].node != MK_NODE_ANY && !node_known(p, want.m[i].node))
			return node_unknown(p, at, want.m[i].node);
		if (!want.m[i].size || want.m[i].size % MK_PAGE_BYTES)
			return no_pages(p, at, want.m[i].size);
	}
	if (placed && placed != want.n)
		return mk_fail_at(p->err, MK_BAD, at->at,
				  "give addresses to all of the memory, or to none");
	if (placed && p->s->abi == 2 && !same_regions(p->s->arena, &want, &x->mem)) {
		mk_fail_at(p->err, MK_NO, at->at,
			   "this kernel places memory itself: no address can be asked for");
		mk_hint(p->err, "give a size, 2G or 2G@0");
		return MK_NO;
	}
	if (placed)
		return all_fixed(p, at, x, &want);
	if (x->mem.n && want.n == 1 && want.m[0].node == MK_NODE_ANY) {
		if (sum == have)
			return MK_OK;
		return place_memory(p, at, x, sum - have, MK_NODE_ANY);
	}
	if (x->mem.n)
		return mk_fail_at(
			p->err, MK_BAD, at->at,
			"an update states the memory in all: one size, or regions with addresses");
	for (size_t i = 0; !rc && i < want.n; i++)
		rc = place_memory(p, at, x, want.m[i].size, want.m[i].node);
	return rc;
}

/* ------------------------------------------------------------ devices */

/* Whether the device offers such a part is judged by the rules, when all is placed. */
static int take_device(struct placer *p, const struct mk_pair *at, const struct mk_instance *x,
		       const struct mk_use *u)
{
	size_t me = (size_t)(x - p->s->instance);
	const struct mk_holding *h = mk_ledger_holder(&p->free, u);

	if (h && h->instance == me)
		return mk_fail_at(p->err, MK_NO, at->at, "%s and %s in one list [MK602]",
				  h->use.text, u->text);
	if (h && h->use.part == u->part)
		return mk_fail_at(p->err, MK_NO, at->at, "%s has %s already [MK602]",
				  p->s->instance[h->instance].name, h->use.text);
	if (h && h->use.part == MK_WHOLE)
		return mk_fail_at(p->err, MK_NO, at->at, "%s has the whole of %s [MK606]",
				  p->s->instance[h->instance].name, h->use.text);
	if (h)
		return mk_fail_at(p->err, MK_NO, at->at,
				  "%s is not free as a whole: %s has %s [MK606]", u->text,
				  p->s->instance[h->instance].name, h->use.text);
	mk_ledger_take_device(&p->free, me, u);
	return MK_OK;
}

static void device_hint(struct placer *p, const char *name)
{
	const char *best = mk_device_nearest(p->s, name);

	if (best)
		mk_hint(p->err, "did you mean %s?", best);
	else if (p->s->n_devices)
		mk_hint(p->err, "it has %s%s", p->s->device[0].name,
			p->s->n_devices > 1 ? " and others: mk-show lists them" : "");
}

static int devices(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = key(p, "devices");
	const char **names;
	size_t n, cap = 0;
	int rc;

	if (!at || !p->fixed)
		return MK_OK;
	if (mk_key_names(p->s->arena, at, &names, &n, p->err))
		return MK_BAD;
	mk_ledger_give_devices(&p->free, (size_t)(x - p->s->instance)); /* for its next list */
	x->devices = (struct mk_uses){0};
	for (size_t i = 0; i < n; i++) {
		struct mk_use u = {.text = names[i], .device = MK_NO_DEVICE, .where = x->where};

		if (!mk_use_resolve(p->s, &u)) {
			mk_fail_at(p->err, MK_NO, at->at, "the machine has no device '%s' [MK601]",
				   names[i]);
			device_hint(p, names[i]);
			return MK_NO;
		}
		rc = take_device(p, at, x, &u);
		if (rc)
			return rc;
		x->devices.u = mk_arena_more(p->s->arena, x->devices.u, x->devices.n, &cap,
					     sizeof(*x->devices.u));
		x->devices.u[x->devices.n++] = u;
	}
	x->devices.cap = cap;
	return MK_OK;
}

/* ------------------------------------------------------------ the rest of an instance */

static int not_placed(struct placer *p, const struct mk_pair *at, const char *word,
		      const char *later, const char *later_too, const char *instead)
{
	bool known = !strcmp(word, later) || !strcmp(word, later_too);

	mk_fail_at(p->err, MK_BAD, at->at,
		   known ? "%s=%s: mk-alloc does not place so yet" : "%s=%s is not known", at->key,
		   word);
	mk_hint(p->err, "%s", instead);
	return MK_BAD;
}

static int wishes(struct placer *p, struct mk_instance *x)
{
	struct mk_arena *a = p->s->arena;
	const struct mk_pair *nodes = key(p, "numa-nodes"), *affinity = key(p, "cpu-affinity");
	const struct mk_pair *policy = key(p, "memory-policy");

	if (nodes && mk_key_ids(a, nodes, &x->numa_nodes, p->err))
		return MK_BAD;
	for (size_t i = 0; nodes && i < x->numa_nodes.n; i++)
		if (!node_known(p, x->numa_nodes.id[i]))
			return node_unknown(p, nodes, x->numa_nodes.id[i]);
	if (affinity)
		x->affinity = mk_record_text(a, affinity);
	if (policy)
		x->policy = mk_record_text(a, policy);
	if (affinity && strcmp(x->affinity, "compact") != 0)
		return not_placed(p, affinity, x->affinity, "spread", "local",
				  "say which CPUs by cpus=, or use compact");
	if (policy && strcmp(x->policy, "local") != 0)
		return not_placed(p, policy, x->policy, "interleave", "bind",
				  "name sizes by node, memory=SIZE@0,SIZE@1, or use local");
	return MK_OK;
}

/* options { } and uring { } of a new instance, as nodes of a tree of their own. */
static int options(struct placer *p, struct mk_instance *x)
{
	static const char *const uring[] = {"uring-sq-entries", "uring-cq-entries",
					    "uring-shim-data-pages"};
	const struct mk_pair *kcore = key(p, "enable-host-kcore");
	struct mk_tree *t = mk_arena_alloc(p->s->arena, sizeof(*t));
	struct mk_node *n;
	bool yes = false;

	mk_tree_init(t, p->s->arena);
	mk_add_node(t, NULL, "");
	if (kcore && mk_key_flag(p->s->arena, kcore, &yes, p->err))
		return MK_BAD;
	if (yes) {
		n = mk_add_node(t, t->root, "options");
		mk_add_empty(t, n, "enable-host-kcore");
		x->options = n;
	}
	for (size_t i = 0; i < sizeof(uring) / sizeof(uring[0]); i++) {
		const struct mk_pair *at = key(p, uring[i]);
		uint32_t v;

		if (!at)
			continue;
		if (mk_key_u32(p->s->arena, at, &v, p->err))
			return MK_BAD;
		n = mk_child(t, t->root, "uring");
		if (!n)
			n = mk_add_node(t, t->root, "uring");
		mk_add_u32(t, n, uring[i] + strlen("uring-"), v);
		x->uring = n;
	}
	return MK_OK;
}

static void all_ids(struct placer *p)
{
	p->by_id = mk_arena_array(p->s->arena, MK_ID_MAX + 1, sizeof(*p->by_id));
	for (size_t i = p->s->n_instances; i--;) {
		const struct mk_instance *x = &p->s->instance[i];

		if (x->has_id && x->id <= MK_ID_MAX)
			p->by_id[x->id] = i + 1;
	}
}

static int instance_id(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = key(p, "id");
	size_t holder;

	if (!at)
		return MK_OK;
	if (mk_key_u32(p->s->arena, at, &x->id, p->err))
		return MK_BAD;
	if (!p->by_id)
		all_ids(p);
	holder = p->by_id[x->id];
	if (holder) {
		uint32_t free = MK_ID_MIN;

		mk_fail_at(p->err, MK_NO, at->at, "id %u belongs to %s [MK304]", x->id,
			   p->s->instance[holder - 1].name);
		while (free <= MK_ID_MAX && p->by_id[free])
			free++;
		if (free <= MK_ID_MAX)
			mk_hint(p->err, "id %u is free; without id= the kernel chooses", free);
		return MK_NO;
	}
	p->by_id[x->id] = (size_t)(x - p->s->instance) + 1;
	x->has_id = true;
	return MK_OK;
}

/* ------------------------------------------------------------ verbs */

/* A new instance that has nothing yet. */
static int announce(struct placer *p)
{
	const struct mk_record *rec = &p->r->rec;
	struct mk_instance *x = mk_instance_find(p->s, rec->subject);

	if (x) {
		mk_fail_at(p->err, MK_NO, rec->subject_at,
			   "there is an instance '%s' already [MK302]", x->name);
		mk_hint(p->err, "change it with update, or choose another name");
		return MK_NO;
	}
	mk_instance_add(p->s, rec->subject);
	return MK_OK;
}

static int create(struct placer *p)
{
	struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);
	int rc = MK_OK;

	if (p->fixed)
		rc = instance_id(p, x);
	if (!rc && p->fixed)
		rc = wishes(p, x);
	if (!rc && p->fixed)
		rc = options(p, x);
	if (!rc)
		rc = cpus(p, x);
	if (!rc)
		rc = memory(p, x);
	return rc ? rc : devices(p, x);
}

static int no_instance(struct placer *p)
{
	const struct mk_record *rec = &p->r->rec;
	const char *best = mk_instance_nearest(p->s, rec->subject);

	mk_fail_at(p->err, MK_NO, rec->subject_at, "there is no instance '%s'", rec->subject);
	if (best)
		mk_hint(p->err, "did you mean %s?", best);
	return MK_NO;
}

static int update(struct placer *p)
{
	struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);
	int rc;

	if (!x)
		return no_instance(p);
	rc = cpus(p, x);
	if (!rc)
		rc = memory(p, x);
	return rc ? rc : devices(p, x);
}

static int delete (struct placer *p)
{
	const struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);

	if (!x)
		return no_instance(p);
	if (x->status && (!strcmp(x->status, "active") || !strcmp(x->status, "loaded"))) {
		mk_fail_at(p->err, MK_NO, p->r->rec.subject_at,
			   "%s is %s: the kernel deletes what is ready", x->name, x->status);
		mk_hint(p->err, "halt and unload it first");
		return MK_NO;
	}
	p->gone[x - p->s->instance] = true;
	return MK_OK;
}

/* Those that are gone, all at once. */
static void drop_deleted(struct placer *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->s->n_instances; i++)
		if (!p->gone[i])
			p->s->instance[kept++] = p->s->instance[i];
	p->s->n_instances = kept;
	p->gone = NULL;
	mk_state_index(p->s);
}

/* ------------------------------------------------------------ giving back */

/* The CPUs that an update does not keep. */
static int give_back_cpus(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *list = key(p, "cpus"), *count = key(p, "cpu-count");
	struct mk_ranges keep;
	struct mk_ids ids;
	size_t kept = 0;
	uint32_t n;

	if (count) {
		if (mk_key_u32(p->s->arena, count, &n, p->err))
			return MK_BAD;
		if (n && n < x->cpus.ids.n)
			x->cpus.ids.n =
				n; /* the first ones stay: the boot CPU is the first of all */
	}
	if (!list)
		return MK_OK;
	if (mk_key_ids(p->s->arena, list, &ids, p->err))
		return MK_BAD;
	keep = mk_ranges_of(p->s->arena, &ids);
	for (size_t i = 0; i < x->cpus.ids.n; i++)
		if (mk_ranges_has(&keep, x->cpus.ids.id[i], x->cpus.ids.id[i]))
			x->cpus.ids.id[kept++] = x->cpus.ids.id[i];
	x->cpus.ids.n = kept;
	return MK_OK;
}

static int give_back_memory(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = key(p, "memory");
	struct regions wanted;
	struct mk_mems want;
	size_t kept = 0;
	uint64_t sum;

	if (!at)
		return MK_OK;
	if (mk_key_memory(p->s->arena, at, &want, p->err))
		return MK_BAD;
	sum = mk_mems_bytes(&want);
	if (want.n && want.m[0].placed) {
		wanted = regions_of(p->s->arena, &want);
		for (size_t i = 0; i < x->mem.n; i++)
			if (x->mem.m[i].placed && find_region(&wanted, &x->mem.m[i]))
				x->mem.m[kept++] = x->mem.m[i];
		x->mem.n = kept;
	} else if (sum && want.n == 1 && want.m[0].node == MK_NODE_ANY &&
		   sum < mk_mems_bytes(&x->mem)) {
		return shrink_memory(p, at, x, sum);
	}
	return MK_OK;
}

static int give_back_devices(struct placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = key(p, "devices");
	struct mk_names keep = {.arena = p->s->arena};
	const char **names;
	size_t n, kept = 0;

	if (!at)
		return MK_OK;
	if (mk_key_names(p->s->arena, at, &names, &n, p->err))
		return MK_BAD;
	for (size_t i = 0; i < n; i++) {
		struct mk_use u = {.text = names[i], .device = MK_NO_DEVICE};

		mk_use_resolve(p->s, &u);
		mk_intern(&keep, u.text, strlen(u.text));
	}
	for (size_t i = 0; i < x->devices.n; i++)
		if (mk_name_known(&keep, x->devices.u[i].text, strlen(x->devices.u[i].text)))
			x->devices.u[kept++] = x->devices.u[i];
	x->devices.n = kept;
	return MK_OK;
}

/* What an update makes smaller, before anything is made larger: so things can be exchanged. */
static int give_back(struct placer *p)
{
	struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);
	int rc;

	if (!x)
		return no_instance(p);
	if (key(p, "cpus") || key(p, "cpu-count")) /* a CPU that is listed twice is one */
		x->cpus.ids = mk_ids_unique(p->s->arena, &x->cpus.ids);
	rc = give_back_cpus(p, x);
	if (!rc)
		rc = give_back_memory(p, x);
	return rc ? rc : give_back_devices(p, x);
}

static int twice(struct placer *p, const struct mk_batch *batch)
{
	struct mk_names seen = {.arena = p->s->arena};

	for (const struct mk_request *r = batch->first; r; r = r->next) {
		uint32_t *mark =
			mk_name_mark(mk_intern(&seen, r->rec.subject, strlen(r->rec.subject)));

		if (*mark) {
			mk_fail_at(p->err, MK_BAD, r->rec.at,
				   "a second request about '%s' in one batch", r->rec.subject);
			mk_hint(p->err, "a batch is a set: say in one request what shall be");
			return MK_BAD;
		}
		*mark = 1;
	}
	return MK_OK;
}

/*
 * The order in which a batch is placed is its own, not that in which it was
 * written: what is given back first, then what takes most.
 */
enum phase { PHASE_DELETE, PHASE_UPDATE, PHASE_CREATE };

struct turn {
	const struct mk_request *r;
	enum phase phase;
	uint64_t bytes;
};

static int by_name(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;

	return strcmp(a->r->rec.subject, b->r->rec.subject);
}

static int by_turn(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;

	if (a->phase != b->phase)
		return a->phase < b->phase ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return by_name(x, y);
}

static struct turn turn_of(const struct placer *p, const struct mk_request *r)
{
	const struct mk_pair *bytes = mk_record_get(&r->rec, "memory");
	struct turn t = {.r = r};
	struct mk_err ignored;
	struct mk_mems want;

	t.phase = !strcmp(r->rec.verb, "delete")   ? PHASE_DELETE
		  : !strcmp(r->rec.verb, "create") ? PHASE_CREATE
						   : PHASE_UPDATE;
	if (bytes && !mk_key_memory(p->s->arena, bytes, &want, &ignored))
		t.bytes = mk_mems_bytes(&want);
	return t;
}

/* New instances stand in the state by name, all of them behind the old ones. */
static int announce_all(struct placer *p, struct turn *turn, size_t n)
{
	int rc = MK_OK;

	qsort(turn, n, sizeof(*turn), by_name);
	for (size_t i = 0; !rc && i < n; i++) {
		p->r = turn[i].r;
		if (turn[i].phase == PHASE_CREATE)
			rc = announce(p);
	}
	mk_state_index(p->s);
	qsort(turn, n, sizeof(*turn), by_turn);
	return rc;
}

/* What all requests of a phase do, one after the other. */
static int each_turn(struct placer *p, const struct turn *turn, size_t n, enum phase phase,
		     int (*act)(struct placer *p))
{
	int rc = MK_OK;

	for (size_t i = 0; !rc && i < n; i++) {
		p->r = turn[i].r;
		if (turn[i].phase == phase)
			rc = act(p);
	}
	return rc;
}

int mk_place(struct mk_state *s, const struct mk_batch *batch, struct mk_err *err)
{
	struct placer p = {.s = s, .err = err};
	struct turn *turn = mk_arena_array(s->arena, batch->n + 1, sizeof(*turn));
	int rc = twice(&p, batch);
	size_t n = 0;

	mk_ledger_init(&p.free, s);
	p.gone = mk_arena_array(s->arena, s->n_instances, sizeof(*p.gone));

	for (const struct mk_request *r = batch->first; r; r = r->next)
		turn[n++] = turn_of(&p, r);
	qsort(turn, n, sizeof(*turn), by_turn);
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_DELETE, delete);
	if (!rc) {
		drop_deleted(&p);
		rc = announce_all(&p, turn, n);
	}
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_UPDATE, give_back);
	for (int pass = 0; pass < 2; pass++) {
		p.fixed = !pass;
		if (!rc)
			rc = each_turn(&p, turn, n, PHASE_UPDATE, update);
		if (!rc)
			rc = each_turn(&p, turn, n, PHASE_CREATE, create);
	}
	s->has_instances = true; /* from now on the state says what there is */
	return rc;
}
