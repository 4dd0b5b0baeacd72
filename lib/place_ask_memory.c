/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: memory that a request asks for. What an instance keeps of its regions
 * stays what it is, regions that are named are taken, and sizes become pieces
 * of a demand. Where those go is not decided here.
 */
#include "arena.h"
#include "keys.h"
#include "num.h"
#include "place_int.h"
#include "sort.h"

/* ------------------------------------------------------------ what is asked for */

static int no_pages(struct mk_placer *p, const struct mk_pair *at, uint64_t bytes)
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

/* memory= of the request in hand; *at is NULL when it has none. */
static int wanted(struct mk_placer *p, const struct mk_instance *x, const struct mk_pair **at,
		  struct mk_mems *want)
{
	size_t placed = 0;

	*want = (struct mk_mems){0};
	*at = mk_place_key(p, "memory");
	if (!*at)
		return MK_OK;
	if (mk_key_memory(p->s->arena, *at, want, p->err))
		return MK_BAD;
	if (!mk_mems_bytes(want))
		return mk_fail_at(p->err, MK_NO, (*at)->at, "%s would have no memory [MK307]",
				  x->name);
	for (size_t i = 0; i < want->n; i++) {
		int rc = mk_place_node_known(p, *at, want->m[i].node);

		placed += want->m[i].placed;
		if (rc)
			return rc;
		if (!want->m[i].size || want->m[i].size % MK_PAGE_BYTES)
			return no_pages(p, *at, want->m[i].size);
	}
	if (placed && placed != want->n)
		return mk_fail_at(p->err, MK_BAD, (*at)->at,
				  "give addresses to all of the memory, or to none");
	return MK_OK;
}

static bool runs(const struct mk_instance *x)
{
	return mk_place_says(x->status, "active");
}

/* What runs gets whole blocks of its memory: the sizes in all that would do are the hint. */
static int whole_blocks(struct mk_placer *p, const struct mk_pair *at, const struct mk_instance *x,
			uint64_t have, uint64_t more)
{
	uint64_t block = p->s->block_bytes, down;

	if (!runs(x) || !block || more % block == 0)
		return MK_OK;
	down = more - more % block;
	mk_fail_at(p->err, MK_NO, at->at,
		   "%s runs, and gets whole blocks of %s: %s more are none [MK508]", x->name,
		   mk_num_size_text(p->s->arena, block), mk_num_size_text(p->s->arena, more));
	mk_hint(p->err, "%s in all would do%s, or halt it first",
		mk_num_size_text(p->s->arena, have + down + block),
		down ? mk_arena_fmt(p->s->arena, ", or %s",
				    mk_num_size_text(p->s->arena, have + down))
		     : "");
	return MK_NO;
}

/* What a size must be a multiple of. */
static uint64_t unit_of(const struct mk_placer *p, const struct mk_instance *x)
{
	return runs(x) && p->s->block_bytes ? p->s->block_bytes : MK_PAGE_BYTES;
}

/* Where a region is; an address alone says it, too. */
static uint32_t node_of(const struct mk_placer *p, const struct mk_mem *m)
{
	if (m->node != MK_NODE_ANY || !m->placed)
		return m->node;
	for (size_t i = 0; i < p->s->chunks.n; i++) {
		const struct mk_mem *c = &p->s->chunks.m[i];

		if (c->placed && c->node != MK_NODE_ANY && m->base >= c->base &&
		    m->base - c->base < c->size)
			return c->node;
	}
	for (size_t i = 0; i < p->s->n_numa; i++) {
		const struct mk_numa *n = &p->s->numa[i];

		if (n->has_memory && m->base >= n->base && m->base - n->base < n->size)
			return n->id;
	}
	return MK_NODE_ANY;
}

/* ------------------------------------------------------------ giving back */

static int by_u64(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

static bool is_on(const struct mk_placer *p, const struct mk_mem *m, uint32_t node)
{
	return node == MK_NODE_ANY || node_of(p, m) == node;
}

static uint64_t bytes_on(const struct mk_placer *p, const struct mk_instance *x, uint32_t node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < x->mem.n; i++)
		if (is_on(p, &x->mem.m[i], node))
			sum = mk_num_plus(sum, x->mem.m[i].size);
	return sum;
}

/* Takes away its regions from the index on, of one node. */
static void drop_regions(const struct mk_placer *p, struct mk_instance *x, size_t from,
			 uint32_t node)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->mem.n; i++)
		if (i < from || !is_on(p, &x->mem.m[i], node))
			x->mem.m[kept++] = x->mem.m[i];
	x->mem.n = kept;
}

/*
 * Gives memory back: whole regions, the newest first, because the kernel takes
 * back only what it once gave. False when no number of them leaves so much;
 * would are the sums that can be left.
 */
static bool shrink(struct mk_placer *p, struct mk_instance *x, uint32_t node, uint64_t want,
		   uint64_t *would, size_t *n)
{
	uint64_t left = bytes_on(p, x, node);

	*n = 0;
	for (size_t i = x->mem.n; i && left > want; i--) {
		if (!is_on(p, &x->mem.m[i - 1], node))
			continue;
		left -= x->mem.m[i - 1].size;
		would[(*n)++] = left;
		if (left == want) {
			drop_regions(p, x, i - 1, node);
			return true;
		}
	}
	return left == want;
}

/* Whether regions may be exchanged for others: only where nothing runs in them. */
static int may_move(struct mk_placer *p, const struct mk_instance *x, bool *yes)
{
	const struct mk_pair *at = mk_place_key(p, "allow-move");

	*yes = false;
	if (at && mk_key_flag(p->s->arena, at, yes, p->err))
		return MK_BAD;
	if (*yes && (runs(x) || mk_place_says(x->status, "loaded"))) {
		mk_fail_at(p->err, MK_NO, at->at, "%s is %s: its memory cannot be moved", x->name,
			   x->status);
		mk_hint(p->err, "halt and unload it first");
		return MK_NO;
	}
	return MK_OK;
}

static int cannot_shrink(struct mk_placer *p, const struct mk_pair *at, struct mk_instance *x,
			 uint64_t want, uint64_t *would, size_t n)
{
	struct mk_mems all;
	uint64_t total = mk_key_memory(p->s->arena, at, &all, p->err) ? 0 : mk_mems_bytes(&all);
	uint64_t have = mk_mems_bytes(&x->mem);
	struct mk_buf b;

	mk_fail_at(p->err, MK_NO, at->at,
		   "%s has %s in %zu region%s, and only whole regions can be taken away: %s cannot "
		   "be kept",
		   x->name, mk_num_size_text(p->s->arena, have), x->mem.n, x->mem.n == 1 ? "" : "s",
		   mk_num_size_text(p->s->arena, want));
	mk_sort(would, n, sizeof(*would), by_u64);
	mk_buf_init(&b, p->s->arena);
	for (size_t i = 0; i < n; i++)
		if (would[i])
			mk_buf_fmt(&b, "%s%s", b.len ? ", " : "",
				   mk_num_size_text(p->s->arena, would[i]));
	if (b.len)
		mk_hint(p->err, "sizes that would do: %s%s", mk_buf_cstr(&b),
			runs(x) ? "" : "; allow-move=yes exchanges regions");
	else if (p->s->abi != 2 && x->mem.n == 1 && x->mem.m[0].placed && want == total)
		mk_hint(p->err, "say which part it keeps: memory=0x%llx+%llu",
			(unsigned long long)x->mem.m[0].base, (unsigned long long)want);
	else if (!runs(x) && !mk_place_says(x->status, "loaded"))
		mk_hint(p->err, "allow-move=yes gives it another region; nothing in it is kept");
	else
		mk_hint(p->err, "it can keep all of it, or be deleted");
	return MK_NO;
}

static int give_back_total(struct mk_placer *p, const struct mk_pair *at, struct mk_instance *x,
			   uint32_t node, uint64_t want)
{
	uint64_t *would = mk_arena_array(p->s->arena, x->mem.n, sizeof(*would));
	bool move;
	size_t n;
	int rc = may_move(p, x, &move);

	if (rc || want >= bytes_on(p, x, node) || shrink(p, x, node, want, would, &n))
		return rc;
	if (!move)
		return cannot_shrink(p, at, x, want, would, n);
	drop_regions(p, x, 0, node);
	return MK_OK;
}

/* What the list wants of a node, all together. */
static uint64_t wanted_on(const struct mk_mems *want, uint32_t node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < want->n; i++)
		if (want->m[i].node == node)
			sum = mk_num_plus(sum, want->m[i].size);
	return sum;
}

/* Sizes by node: what other nodes have goes, and of each what is too much. */
static int give_back_by_node(struct mk_placer *p, const struct mk_pair *at, struct mk_instance *x,
			     const struct mk_mems *want)
{
	size_t had = x->mem.n, kept = 0;
	bool move, more = false;
	int rc = may_move(p, x, &move);

	for (size_t i = 0; i < want->n; i++)
		if (want->m[i].node == MK_NODE_ANY)
			return mk_fail_at(p->err, MK_BAD, at->at,
					  "an update states the memory in all: one size, sizes by "
					  "node, or regions with addresses");
	for (size_t i = 0; i < x->mem.n; i++)
		if (wanted_on(want, node_of(p, &x->mem.m[i])))
			x->mem.m[kept++] = x->mem.m[i];
	x->mem.n = kept;
	for (size_t i = 0; !rc && i < want->n; i++) {
		uint64_t sum = wanted_on(want, want->m[i].node);

		rc = give_back_total(p, at, x, want->m[i].node, sum);
		more = more || sum > bytes_on(p, x, want->m[i].node);
	}
	if (!rc && more && x->mem.n < had && !move) {
		mk_fail_at(p->err, MK_NO, at->at,
			   "%s would lose a region of memory and get another: what it holds is lost",
			   x->name);
		mk_hint(p->err, "allow-move=yes says that this may be");
		return MK_NO;
	}
	return rc;
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
	mk_sort(r.m, r.n, sizeof(*r.m), by_region);
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

int mk_place_give_back_memory(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *at;
	struct regions named;
	struct mk_mems want;
	size_t kept = 0;
	int rc = wanted(p, x, &at, &want);

	if (rc || !at)
		return rc;
	if (!want.m[0].placed) {
		if (want.n == 1 && want.m[0].node == MK_NODE_ANY)
			return give_back_total(p, at, x, MK_NODE_ANY, want.m[0].size);
		return give_back_by_node(p, at, x, &want);
	}
	if (p->s->abi == 2) /* it can name no other than those that it has */
		return MK_OK;
	named = regions_of(p->s->arena, &want);
	for (size_t i = 0; i < x->mem.n; i++)
		if (x->mem.m[i].placed && find_region(&named, &x->mem.m[i]))
			x->mem.m[kept++] = x->mem.m[i];
	x->mem.n = kept;
	return MK_OK;
}

/* ------------------------------------------------------------ named regions */

/* Who has some of a region, or that it is not of the pool. */
static const char *in_the_way(const struct mk_placer *p, const struct mk_mem *m)
{
	const struct mk_state *s = p->s;
	struct mk_ranges pool;

	for (size_t i = 0; i <= s->n_instances; i++) {
		const struct mk_mems *list = i < s->n_instances ? &s->instance[i].mem : &s->in_use;

		for (size_t k = 0; k < list->n; k++) {
			const struct mk_mem *x = &list->m[k];

			if (x->placed && x->size && x->base <= m->base + (m->size - 1) &&
			    m->base <= x->base + (x->size - 1))
				return mk_arena_fmt(s->arena, "%s has %s [%s]",
						    i < s->n_instances ? s->instance[i].name
						    : x->owner	       ? x->owner
								       : "the kernel",
						    mk_mem_text(s->arena, x),
						    i < s->n_instances ? "MK502" : "MK503");
		}
	}
	mk_pool_memory(s, m->node, &pool);
	return mk_ranges_has(&pool, m->base, m->base + (m->size - 1))
		       ? "not all of it is free memory of the pool [MK501]"
	       : m->node == MK_NODE_ANY
		       ? "it is not all in the pool [MK501]"
		       : mk_arena_fmt(s->arena, "it is not all memory of the pool on NUMA node %u [MK501]",
				      m->node);
}

static int one_fixed(struct mk_placer *p, const struct mk_pair *at, struct mk_instance *x,
		     const struct mk_mem *m)
{
	struct mk_arena *a = p->s->arena;
	struct mk_space big;

	if (m->base % MK_PAGE_BYTES)
		return mk_fail_at(p->err, MK_NO, at->at,
				  "0x%llx is not aligned to pages of 4096 bytes [MK504]",
				  (unsigned long long)m->base);
	if (m->size - 1 > UINT64_MAX - m->base)
		return mk_fail_at(p->err, MK_NO, at->at, "%s goes beyond the last address [MK506]",
				  mk_mem_text(a, m));
	if (!mk_memmap_has(&p->mem, m->node, m->base, m->size)) {
		big = mk_memmap_largest(&p->mem, m->node);
		mk_fail_at(p->err, MK_NO, at->at,
			   "%s cannot have %s: %s", x->name, mk_mem_text(a, m), in_the_way(p, m));
		if (big.size)
			mk_hint(p->err, "the largest free block is %s at 0x%llx",
				mk_num_size_text(a, big.size), (unsigned long long)big.base);
		return MK_NO;
	}
	mk_memmap_take(&p->mem, m);
	mk_mem_add(a, &x->mem, *m)->where = x->where;
	return MK_OK;
}

/* The regions in the order of the request. What it has of them it keeps; all others are free. */
int mk_place_fixed_memory(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *at;
	struct regions had;
	struct mk_mems want;
	int rc = wanted(p, x, &at, &want);

	if (rc || !at || !want.m[0].placed)
		return rc;
	if (p->s->abi == 2 && !same_regions(p->s->arena, &want, &x->mem)) {
		mk_fail_at(p->err, MK_NO, at->at,
			   "this kernel places memory itself: no address can be asked for");
		mk_hint(p->err, "give a size, 2G or 2G@0");
		return MK_NO;
	}
	had = regions_of(p->s->arena, &x->mem);
	x->mem = (struct mk_mems){0};
	for (size_t i = 0; !rc && i < want.n; i++)
		if (find_region(&had, &want.m[i]))
			mk_mem_add(p->s->arena, &x->mem, want.m[i])->where = x->where;
		else /* a second time it is not free */
			rc = one_fixed(p, at, x, &want.m[i]);
	return rc;
}

/* ------------------------------------------------------------ what is left open */

static void want_piece(struct mk_placer *p, struct mk_demand *d, uint64_t size, uint32_t node)
{
	d->mem = mk_arena_more(p->s->arena, d->mem, d->n_mem, &d->mem_cap, sizeof(*d->mem));
	d->mem[d->n_mem++] = (struct mk_want){
		.size = size, .node = node, .align = unit_of(p, &p->s->instance[d->me])};
	d->bytes = mk_num_plus(d->bytes, size);
	d->bound = d->bound || node != MK_NODE_ANY;
}

/* The nodes over which memory is interleaved: those that it wants, else all that have some. */
static struct mk_ids interleaved(const struct mk_placer *p, const struct mk_instance *x)
{
	struct mk_ids nodes = {0};

	if (x->numa_nodes.n)
		return mk_ids_unique(p->s->arena, &x->numa_nodes);
	for (size_t i = 0; i < p->mem.n; i++)
		if (p->mem.node[i].pool && p->mem.node[i].node != MK_NODE_ANY)
			mk_ids_add(p->s->arena, &nodes, p->mem.node[i].node);
	return nodes;
}

/* A size without a node: one piece, or one on each node. */
static void want_size(struct mk_placer *p, struct mk_demand *d, uint64_t size)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	uint64_t unit = unit_of(p, x), units = size / unit;
	struct mk_ids nodes;

	if (!mk_place_says(x->policy, "interleave") || size % unit) {
		want_piece(p, d, size, MK_NODE_ANY);
		return;
	}
	nodes = interleaved(p, x);
	if (nodes.n < 2)
		want_piece(p, d, size, nodes.n ? (uint32_t)nodes.id[0] : MK_NODE_ANY);
	if (nodes.n > 1)
		d->parts = nodes.n;
	for (size_t i = 0; nodes.n > 1 && i < nodes.n; i++) {
		uint64_t part = units / nodes.n + (i < units % nodes.n);

		if (part)
			want_piece(p, d, part * unit, (uint32_t)nodes.id[i]);
	}
}

/* The most that a node could give if nobody had any; all there is where nodes are not known. */
static uint64_t most_of_a_node(const struct mk_state *s)
{
	struct mk_state empty = *s;
	struct mk_memmap all;
	uint64_t most = 0;

	empty.n_instances = 0;
	mk_memmap_init(&all, &empty);
	for (size_t i = 0; i < all.n; i++) {
		uint64_t here = mk_memmap_bytes(&all, all.node[i].node);

		if (all.node[i].node == MK_NODE_ANY && all.node[i].pool)
			return UINT64_MAX;
		most = all.node[i].node != MK_NODE_ANY && here > most ? here : most;
	}
	return most;
}

/* Local memory in several pieces: no more in all than a node has. */
static int local_fits(struct mk_placer *p, const struct mk_pair *at, const struct mk_instance *x,
		      const struct mk_mems *want)
{
	uint64_t sum = mk_mems_bytes(want), most;

	if (!p->node_most)
		p->node_most = most_of_a_node(p->s);
	most = p->node_most;
	if (!p->s->n_numa || sum <= most)
		return MK_OK;
	mk_fail_at(p->err, MK_NO, at->at,
		   "%s wants %s of local memory, and no NUMA node has more than %s of the pool [MK703]",
		   x->name, mk_num_size_text(p->s->arena, sum),
		   mk_num_size_text(p->s->arena, most));
	mk_hint(p->err, "%s too much: ask for less, or for memory-policy=interleave",
		mk_num_size_text(p->s->arena, sum - most));
	return MK_NO;
}

int mk_place_want_memory(struct mk_placer *p, struct mk_instance *x, struct mk_demand *d)
{
	const struct mk_pair *at;
	struct mk_mems want;
	int rc = wanted(p, x, &at, &want);
	uint64_t have;

	if (rc || !at || want.m[0].placed)
		return rc;
	d->mem_at = at;
	if (want.n == 1 && want.m[0].node == MK_NODE_ANY) {
		have = mk_mems_bytes(&x->mem);
		if (want.m[0].size <= have)
			return MK_OK;
		rc = whole_blocks(p, at, x, have, want.m[0].size - have);
		if (!rc)
			want_size(p, d, want.m[0].size - have);
		return rc;
	}
	if (!x->mem.n && mk_place_says(x->policy, "local"))
		rc = local_fits(p, at, x, &want);
	if (rc)
		return rc;
	if (!x->mem.n) {
		for (size_t i = 0; i < want.n; i++)
			if (want.m[i].node == MK_NODE_ANY)
				want_size(p, d, want.m[i].size);
			else
				want_piece(p, d, want.m[i].size, want.m[i].node);
		return MK_OK;
	}
	/* sizes by node; of those that name one node twice the first one speaks for both */
	for (size_t i = 0; i < want.n; i++) {
		uint64_t sum = wanted_on(&want, want.m[i].node);
		size_t k = 0;

		while (want.m[k].node != want.m[i].node)
			k++;
		have = bytes_on(p, x, want.m[i].node);
		if (k < i || sum <= have)
			continue;
		rc = whole_blocks(p, at, x, have, sum - have);
		if (rc)
			return rc;
		want_piece(p, d, sum - have, want.m[i].node);
	}
	return MK_OK;
}
