/* SPDX-License-Identifier: Apache-2.0 */
/* memmap: pieces of free memory by address, and the same as holes by size. */
#include "memmap.h"

#include <string.h>

#include "arena.h"
#include "num.h"
#include "pool.h"
#include "sort.h"

/* ------------------------------------------------------------ lists */

static int by_base(const void *x, const void *y)
{
	const struct mk_space *a = x, *b = y;

	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return a->size < b->size ? -1 : a->size > b->size;
}

static int by_size(const void *x, const void *y)
{
	const struct mk_space *a = x, *b = y;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->base < b->base ? -1 : a->base > b->base;
}

/* The first that does not stand before x. */
static size_t lower(const struct mk_spaces *l, struct mk_space x,
		    int (*order)(const void *, const void *))
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (order(&l->at[mid], &x) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void insert(struct mk_arena *a, struct mk_spaces *l, size_t i, struct mk_space x)
{
	l->at = mk_arena_more(a, l->at, l->n, &l->cap, sizeof(*l->at));
	memmove(l->at + i + 1, l->at + i, (l->n - i) * sizeof(*l->at));
	l->at[i] = x;
	l->n++;
}

static void drop(struct mk_spaces *l, size_t i)
{
	l->n--;
	memmove(l->at + i, l->at + i + 1, (l->n - i) * sizeof(*l->at));
}

static void append(struct mk_arena *a, struct mk_spaces *l, struct mk_space x)
{
	l->at = mk_arena_more(a, l->at, l->n, &l->cap, sizeof(*l->at));
	l->at[l->n++] = x;
}

static uint64_t last_of(const struct mk_space *x)
{
	return x->base + (x->size - 1);
}

/* ------------------------------------------------------------ building */

static int by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* All nodes that anything is said of, and one for what is of none. */
static void list_nodes(struct mk_memmap *m)
{
	const struct mk_state *s = m->s;
	uint32_t *id = mk_arena_array(m->a, s->n_numa + s->chunks.n + 1, sizeof(*id));
	size_t n = 0;

	for (size_t i = 0; i < s->n_numa; i++)
		id[n++] = s->numa[i].id;
	for (size_t i = 0; i < s->chunks.n; i++)
		id[n++] = s->chunks.m[i].node;
	id[n++] = MK_NODE_ANY;
	mk_sort(id, n, sizeof(*id), by_number);
	m->node = mk_arena_array(m->a, n, sizeof(*m->node));
	for (size_t i = 0; i < n; i++)
		if (!i || id[i] != id[i - 1])
			m->node[m->n++].node = id[i];
}

static size_t index_of(const struct mk_memmap *m, uint32_t node)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->node[mid].node < node)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && m->node[low].node == node ? low : SIZE_MAX;
}

/* The memory of the nodes, by base; what two claim is the first one's. */
static struct mk_spaces numa_memory(const struct mk_memmap *m)
{
	struct mk_spaces l = {0};
	uint64_t next = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->s->n_numa; i++) {
		const struct mk_numa *x = &m->s->numa[i];
		uint64_t room = UINT64_MAX - x->base; /* behind its first byte */

		if (x->has_memory && x->size)
			append(m->a, &l,
			       (struct mk_space){x->base, x->size - 1 > room ? room + 1 : x->size,
						 index_of(m, x->id)});
	}
	mk_sort(l.at, l.n, sizeof(*l.at), by_base);
	for (size_t i = 0; i < l.n; i++) {
		struct mk_space x = l.at[i];
		uint64_t last = last_of(&x);

		if (n && x.base < next) {
			if (last < next)
				continue;
			x = (struct mk_space){next, last - next + 1, x.node};
		}
		l.at[n++] = x;
		next = last + 1;
		if (!next)
			break;
	}
	l.n = n;
	return l;
}

/* The pool, cut where a node ends; what two chunks have alike stands once. */
static struct mk_spaces pool_pieces(const struct mk_memmap *m)
{
	struct mk_spaces numa = numa_memory(m), cut = {0}, out = {0};
	size_t none = index_of(m, MK_NODE_ANY);
	uint64_t next = 0;

	for (size_t i = 0; i < m->s->chunks.n; i++) {
		const struct mk_mem *c = &m->s->chunks.m[i];
		uint64_t from = c->base, last;
		size_t k;

		if (!c->placed || !c->size)
			continue;
		last = c->size - 1 > UINT64_MAX - from ? UINT64_MAX : from + (c->size - 1);
		if (c->node != MK_NODE_ANY || !numa.n) {
			append(m->a, &cut,
			       (struct mk_space){from, last - from + 1, index_of(m, c->node)});
			continue;
		}
		k = lower(&numa, (struct mk_space){.base = from}, by_base);
		if (k && last_of(&numa.at[k - 1]) >= from)
			k--;
		for (;;) {
			const struct mk_space *x = k < numa.n ? &numa.at[k] : NULL;
			uint64_t end = last;
			size_t node = none;

			if (x && x->base <= from) {
				end = last_of(x) < last ? last_of(x) : last;
				node = x->node;
				k++;
			} else if (x && x->base <= last) {
				end = x->base - 1;
			}
			append(m->a, &cut, (struct mk_space){from, end - from + 1, node});
			if (end == last)
				break;
			from = end + 1;
		}
	}
	mk_sort(cut.at, cut.n, sizeof(*cut.at), by_base);
	for (size_t i = 0; i < cut.n; i++) {
		struct mk_space x = cut.at[i];
		uint64_t last = last_of(&x);

		if (out.n && x.base < next) {
			if (last < next)
				continue;
			x = (struct mk_space){next, last - next + 1, x.node};
		}
		append(m->a, &out, x);
		next = last + 1;
		if (!next)
			break;
	}
	return out;
}

static struct mk_ranges memory_in_use(const struct mk_state *s, bool *shared)
{
	uint64_t sum = 0;
	struct mk_ranges used;

	mk_used_memory(s, &used);
	for (size_t i = 0; i < used.n; i++)
		sum = mk_num_plus(sum, used.r[i].last - used.r[i].first + 1);
	mk_ranges_join(&used);
	*shared = sum != mk_ranges_count(&used);
	return used;
}

/* One begins where the other ends, and the two can be counted together. */
static bool touches(const struct mk_space *x, const struct mk_space *y)
{
	return last_of(x) + 1 == y->base && x->size <= UINT64_MAX - y->size;
}

static void free_piece(struct mk_memmap *m, uint64_t first, uint64_t last, size_t node)
{
	struct mk_space x = {first, last - first + 1, node};
	struct mk_space *before = m->whole.n ? &m->whole.at[m->whole.n - 1] : NULL;
	struct mk_space *same = m->piece.n ? &m->piece.at[m->piece.n - 1] : NULL;

	if (same && same->node == node && touches(same, &x))
		same->size += x.size; /* chunks of a node that touch */
	else
		append(m->a, &m->piece, x);
	if (before && touches(before, &x))
		before->size += x.size;
	else
		append(m->a, &m->whole, x);
}

static void free_pieces(struct mk_memmap *m)
{
	struct mk_spaces pool = m->pool = pool_pieces(m);
	struct mk_ranges used = memory_in_use(m->s, &m->shared);
	size_t k = 0;

	for (size_t i = 0; i < m->s->chunks.n; i++)
		if (!m->s->chunks.m[i].placed)
			m->node[index_of(m, m->s->chunks.m[i].node)].pool = true;
	for (size_t i = 0; i < pool.n; i++) {
		uint64_t from = pool.at[i].base, last = last_of(&pool.at[i]);
		bool left = true;

		m->node[pool.at[i].node].pool = true;
		while (k < used.n && used.r[k].last < from)
			k++;
		for (size_t j = k; left && j < used.n && used.r[j].first <= last; j++) {
			if (used.r[j].first > from)
				free_piece(m, from, used.r[j].first - 1, pool.at[i].node);
			left = used.r[j].last < last;
			from = left ? used.r[j].last + 1 : from;
		}
		if (left)
			free_piece(m, from, last, pool.at[i].node);
	}
}

static void count_unplaced(struct mk_memmap *m)
{
	const struct mk_state *s = m->s;

	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *c = &s->chunks.m[i];
		struct mk_mem_node *n = &m->node[index_of(m, c->node)];

		if (c->placed)
			continue;
		n->have = mk_num_plus(n->have, c->size);
		m->have = mk_num_plus(m->have, c->size);
	}
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++)
			if (!s->instance[i].mem.m[k].placed)
				mk_memmap_take(m, &s->instance[i].mem.m[k]);
}

void mk_memmap_init(struct mk_memmap *m, const struct mk_state *s)
{
	*m = (struct mk_memmap){.s = s, .a = s->arena};
	list_nodes(m);
	free_pieces(m);
	for (size_t i = 0; i < m->piece.n; i++) {
		struct mk_mem_node *n = &m->node[m->piece.at[i].node];

		append(m->a, &n->hole, m->piece.at[i]);
		n->have = mk_num_plus(n->have, m->piece.at[i].size);
		m->have = mk_num_plus(m->have, m->piece.at[i].size);
	}
	for (size_t i = 0; i < m->whole.n; i++)
		append(m->a, &m->hole, m->whole.at[i]);
	for (size_t i = 0; i <= m->n; i++) {
		struct mk_spaces *l = i < m->n ? &m->node[i].hole : &m->hole;

		mk_sort(l->at, l->n, sizeof(*l->at), by_size);
	}
	count_unplaced(m);
}

/* ------------------------------------------------------------ asking */

const struct mk_mem_node *mk_memmap_node(const struct mk_memmap *m, uint32_t node)
{
	size_t i = index_of(m, node);

	return i == SIZE_MAX ? NULL : &m->node[i];
}

uint64_t mk_memmap_bytes(const struct mk_memmap *m, uint32_t node)
{
	const struct mk_mem_node *n = mk_memmap_node(m, node);
	uint64_t have = node == MK_NODE_ANY ? m->have : n ? n->have : 0;
	uint64_t taken = node == MK_NODE_ANY ? m->taken : n ? n->taken : 0;

	return have > taken ? have - taken : 0;
}

uint32_t mk_memmap_overdrawn(const struct mk_memmap *m, uint64_t *over)
{
	bool numa = false;

	for (size_t i = 0; i < m->s->n_numa; i++)
		numa = numa || m->s->numa[i].has_memory;
	for (size_t i = 0; i < m->s->chunks.n; i++)
		if (m->s->chunks.m[i].node == MK_NODE_ANY && !(numa && m->s->chunks.m[i].placed))
			return MK_NODE_ANY;
	for (size_t i = 0; i < m->n; i++)
		if (m->node[i].node != MK_NODE_ANY && m->node[i].taken > m->node[i].have) {
			*over = m->node[i].taken - m->node[i].have;
			return m->node[i].node;
		}
	return MK_NODE_ANY;
}

static const struct mk_spaces *holes(const struct mk_memmap *m, uint32_t node)
{
	static const struct mk_spaces none = {0};
	const struct mk_mem_node *n = mk_memmap_node(m, node);

	return node == MK_NODE_ANY ? &m->hole : n ? &n->hole : &none;
}

struct mk_space mk_memmap_largest(const struct mk_memmap *m, uint32_t node)
{
	const struct mk_spaces *l = holes(m, node);
	size_t i = l->n;

	while (i > 1 && l->at[i - 2].size == l->at[l->n - 1].size)
		i--;
	return l->n ? l->at[i - 1] : (struct mk_space){0};
}

bool mk_memmap_fit_in(const struct mk_spaces *l, uint64_t size, uint64_t align, uint64_t *base)
{
	for (size_t i = lower(l, (struct mk_space){.size = size}, by_size); i < l->n; i++) {
		const struct mk_space *x = &l->at[i];
		uint64_t over = x->base % align, skip = over ? align - over : 0;

		if (skip > x->size || x->size - skip < size)
			continue;
		*base = x->base + skip;
		return true;
	}
	return false;
}

bool mk_memmap_fit(const struct mk_memmap *m, uint32_t node, uint64_t size, uint64_t align,
		   uint64_t *base)
{
	return mk_memmap_fit_in(holes(m, node), size, align, base);
}

/* The space that holds an address, or the first one behind it. */
static size_t space_at(const struct mk_spaces *l, uint64_t base)
{
	size_t i = lower(l, (struct mk_space){.base = base}, by_base);

	return i && last_of(&l->at[i - 1]) >= base ? i - 1 : i;
}

bool mk_memmap_has(const struct mk_memmap *m, uint32_t node, uint64_t base, uint64_t size)
{
	const struct mk_spaces *l = node == MK_NODE_ANY ? &m->whole : &m->piece;
	size_t i = space_at(l, base);

	return i < l->n && l->at[i].base <= base && last_of(&l->at[i]) - base >= size - 1 &&
	       (node == MK_NODE_ANY || m->node[l->at[i].node].node == node);
}

uint32_t mk_memmap_node_at(const struct mk_memmap *m, uint64_t base, uint64_t size)
{
	size_t i = space_at(&m->piece, base);

	return i < m->piece.n && m->piece.at[i].base <= base &&
			       last_of(&m->piece.at[i]) - base >= size - 1
		       ? m->node[m->piece.at[i].node].node
		       : MK_NODE_ANY;
}

/* ------------------------------------------------------------ taking */

static void forget_hole(struct mk_spaces *l, struct mk_space x)
{
	size_t i = lower(l, x, by_size);

	if (i < l->n && !by_size(&l->at[i], &x))
		drop(l, i);
}

/* Takes [first, last] out of a list by base and out of the holes; what remains stays in both. */
static void cut_out(struct mk_memmap *m, struct mk_spaces *l, uint64_t first, uint64_t last)
{
	size_t i = space_at(l, first);

	while (i < l->n && l->at[i].base <= last) {
		struct mk_space x = l->at[i];
		struct mk_mem_node *n = &m->node[x.node];
		struct mk_spaces *hole = l == &m->piece ? &n->hole : &m->hole;
		uint64_t from = x.base > first ? x.base : first,
			 to = last_of(&x) < last ? last_of(&x) : last;

		forget_hole(hole, x);
		drop(l, i);
		if (l == &m->piece) {
			n->have -= to - from + 1;
			m->have -= to - from + 1;
		}
		if (x.base < from) {
			struct mk_space rest = {x.base, from - x.base, x.node};

			insert(m->a, l, i++, rest);
			insert(m->a, hole, lower(hole, rest, by_size), rest);
		}
		if (last_of(&x) > to) {
			struct mk_space rest = {to + 1, last_of(&x) - to, x.node};

			insert(m->a, l, i, rest);
			insert(m->a, hole, lower(hole, rest, by_size), rest);
			break;
		}
	}
}

void mk_memmap_take(struct mk_memmap *m, const struct mk_mem *r)
{
	size_t i = index_of(m, r->node);

	if (r->placed && r->size) {
		uint64_t last = r->size - 1 > UINT64_MAX - r->base ? UINT64_MAX
								    : r->base + (r->size - 1);

		cut_out(m, &m->piece, r->base, last);
		cut_out(m, &m->whole, r->base, last);
	} else if (!r->placed) {
		/* what names no node is of the memory of which none is known, if there is some */
		if (i != SIZE_MAX && (r->node != MK_NODE_ANY || m->node[i].have))
			m->node[i].taken = mk_num_plus(m->node[i].taken, r->size);
		m->taken = mk_num_plus(m->taken, r->size);
	}
}

/* ------------------------------------------------------------ giving back */

static struct mk_spaces *holes_of(struct mk_memmap *m, const struct mk_spaces *l, size_t node)
{
	return l == &m->piece ? &m->node[node].hole : &m->hole;
}

/* [first, last] is free again in a list by base, and joins what it touches. */
static void put_back(struct mk_memmap *m, struct mk_spaces *l, uint64_t first, uint64_t last,
		     size_t node)
{
	struct mk_space x = {first, last - first + 1, node};
	struct mk_spaces *hole = holes_of(m, l, node);
	size_t i = space_at(l, first);

	if (i < l->n && l->at[i].base <= last)
		return; /* some of it is free already: two had it */
	if (i && touches(&l->at[i - 1], &x) && (l == &m->whole || l->at[i - 1].node == node)) {
		x.base = l->at[i - 1].base;
		x.size += l->at[i - 1].size;
		forget_hole(hole, l->at[i - 1]);
		drop(l, --i);
	}
	if (i < l->n && touches(&x, &l->at[i]) && (l == &m->whole || l->at[i].node == node)) {
		x.size += l->at[i].size;
		forget_hole(hole, l->at[i]);
		drop(l, i);
	}
	insert(m->a, l, i, x);
	insert(m->a, hole, lower(hole, x, by_size), x);
}

void mk_memmap_give(struct mk_memmap *m, const struct mk_mem *r)
{
	size_t node = index_of(m, r->node);
	uint64_t last;

	if (!r->placed) {
		if (node != SIZE_MAX && m->node[node].taken >= r->size)
			m->node[node].taken -= r->size;
		m->taken -= r->size < m->taken ? r->size : m->taken;
		return;
	}
	if (!r->size)
		return;
	last = r->size - 1 > UINT64_MAX - r->base ? UINT64_MAX : r->base + (r->size - 1);
	for (size_t i = space_at(&m->pool, r->base); i < m->pool.n && m->pool.at[i].base <= last;
	     i++) {
		const struct mk_space *x = &m->pool.at[i];
		uint64_t from = x->base > r->base ? x->base : r->base;
		uint64_t to = last_of(x) < last ? last_of(x) : last;

		put_back(m, &m->piece, from, to, x->node);
		put_back(m, &m->whole, from, to, x->node);
		m->node[x->node].have += to - from + 1;
		m->have += to - from + 1;
	}
}
