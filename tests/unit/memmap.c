/* SPDX-License-Identifier: Apache-2.0 */
/* memmap: random pools, what is taken and given back, against a picture of every page. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "memmap.h"
#include "tap.h"

enum { CASES = 3000, STEPS = 30, PAGES = 48, NODES = 3 };

#define PAGE   4096ULL
#define BOTTOM (16 * PAGE)

static struct mk_arena a;
static unsigned long long seed;

static unsigned below(unsigned n)
{
	return (unsigned)(tap_random(&seed) % n);
}

/* What there is, page by page: the node, or -1; and whether it is free. */
struct picture {
	int node[PAGES];
	bool free[PAGES];
};

static void draw(struct picture *x, struct mk_state *s)
{
	mk_state_init(s, &a);
	s->has_machine = true;
	for (unsigned i = 0; i < PAGES; i++)
		x->node[i] = -1;
	for (unsigned at = below(4); at < PAGES; at += below(3)) {
		unsigned n = 1 + below(10), node = below(NODES), end = at + n < PAGES ? at + n : PAGES;

		mk_mem_add(&a, &s->chunks,
			   (struct mk_mem){.base = BOTTOM + at * PAGE,
					   .size = (end - at) * PAGE,
					   .placed = true,
					   .node = node});
		for (; at < end; at++) {
			x->node[at] = (int)node;
			x->free[at] = true;
		}
	}
	for (unsigned k = below(3); k; k--) { /* in use, within the pool or not */
		unsigned at = below(PAGES), n = 1 + below(4);

		mk_mem_add(&a, &s->in_use,
			   (struct mk_mem){.base = BOTTOM + at * PAGE,
					   .size = n * PAGE,
					   .placed = true,
					   .node = MK_NODE_ANY});
		for (; n && at < PAGES; n--, at++)
			x->free[at] = false;
	}
}

/* Whether [at, at + n) is free, and of one node unless any will do. */
static bool is_free(const struct picture *x, unsigned at, unsigned n, int node)
{
	for (unsigned i = at; i < at + n; i++)
		if (i >= PAGES || x->node[i] < 0 || !x->free[i] || (node >= 0 && x->node[i] != node))
			return false;
	return true;
}

/* The smallest block of a node (-1: of any) with room for n pages at a multiple, the lowest of equals. */
static bool best(const struct picture *x, int node, unsigned n, unsigned align, unsigned *at)
{
	unsigned smallest = PAGES + 1;

	for (unsigned i = 0; i < PAGES;) {
		unsigned end = i, from;

		while (is_free(x, i, end + 1 - i, node))
			end++;
		for (from = i; (BOTTOM / PAGE + from) % align; from++)
			;
		if (from + n <= end && end - i < smallest) {
			smallest = end - i;
			*at = from;
		}
		i = end + 1;
	}
	return smallest <= PAGES;
}

static bool agree(const struct mk_memmap *m, const struct picture *x)
{
	uint64_t all = 0;

	for (int node = -1; node < NODES; node++) {
		uint32_t id = node < 0 ? MK_NODE_ANY : (uint32_t)node;
		unsigned n = 1 + below(6), align = 1u << below(3), at = 0, from = below(PAGES);
		uint64_t bytes = 0, base;
		bool fits = best(x, node, n, align, &at);

		for (unsigned i = 0; i < PAGES; i++)
			bytes += x->node[i] >= 0 && x->free[i] && (node < 0 || x->node[i] == node)
					 ? PAGE
					 : 0;
		all += node < 0 ? 0 : bytes;
		if (mk_memmap_bytes(m, id) != bytes ||
		    mk_memmap_fit(m, id, n * PAGE, align * PAGE, &base) != fits ||
		    (fits && base != BOTTOM + at * PAGE) ||
		    mk_memmap_has(m, id, BOTTOM + from * PAGE, n * PAGE) != is_free(x, from, n, node))
			return false;
	}
	return mk_memmap_bytes(m, MK_NODE_ANY) == all;
}

int main(void)
{
	unsigned wrong_new = 0, wrong_taken = 0, wrong_given = 0, taken = 0, given = 0;

	mk_arena_init(&a, NULL);
	seed = 41;
	for (unsigned i = 0; i < CASES; i++) {
		struct mk_mem held[STEPS];
		struct picture x = {{0}, {false}};
		struct mk_memmap m;
		struct mk_state s;
		size_t n = 0;

		draw(&x, &s);
		mk_memmap_init(&m, &s);
		wrong_new += !agree(&m, &x);
		for (unsigned k = 0; k < STEPS; k++) {
			unsigned at = below(PAGES), pages = 1 + below(5);

			if (below(2) && n) {
				struct mk_mem r = held[below((unsigned)n)];
				unsigned first = (unsigned)((r.base - BOTTOM) / PAGE);

				for (size_t j = 0; j < n; j++)
					if (held[j].base == r.base)
						held[j] = held[--n];
				for (unsigned j = first; j < first + r.size / PAGE; j++)
					x.free[j] = true;
				mk_memmap_give(&m, &r);
				given++;
				wrong_given += !agree(&m, &x);
			} else if (is_free(&x, at, pages, -1)) {
				held[n++] = (struct mk_mem){.base = BOTTOM + at * PAGE,
							    .size = pages * PAGE,
							    .placed = true,
							    .node = MK_NODE_ANY};
				for (unsigned j = at; j < at + pages; j++)
					x.free[j] = false;
				mk_memmap_take(&m, &held[n - 1]);
				taken++;
				wrong_taken += !agree(&m, &x);
			}
		}
		mk_arena_reset(&a);
	}
	tap(!wrong_new, "%d random pools (%u are wrong)", CASES, wrong_new);
	tap(taken > CASES && !wrong_taken, "%u regions taken (%u are wrong)", taken, wrong_taken);
	tap(given > CASES && !wrong_given, "%u regions given back (%u are wrong)", given, wrong_given);
	mk_arena_free(&a);
	return tap_end();
}
