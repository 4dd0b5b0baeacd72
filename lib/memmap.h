/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memmap: free memory of the pool by NUMA node, and where a region would fit
 * best. Made once from a state, then told what is taken.
 */
#ifndef MK_MEMMAP_H
#define MK_MEMMAP_H

#include "state.h"

/* Free memory without a gap, bytes; where it lies by address, or by size in a list of holes. */
struct mk_space {
	uint64_t base, size;
	size_t node; /* index into node[] */
};

struct mk_spaces {
	struct mk_space *at;
	size_t n, cap;
};

struct mk_mem_node {
	uint32_t node;	       /* MK_NODE_ANY: memory of which no node is known */
	uint64_t have, taken;  /* bytes: free by address or given without one; given away without one */
	struct mk_spaces hole; /* by rising size, then base */
	bool pool;	       /* the pool has memory there, free or not */
};

struct mk_memmap {
	const struct mk_state *s;
	struct mk_arena *a;
	struct mk_mem_node *node; /* by rising id */
	size_t n;
	uint64_t have, taken;	 /* of all nodes, and what is of no node */
	struct mk_spaces piece;	 /* by base; none lies on two nodes */
	struct mk_spaces whole;	 /* by base; joined across nodes */
	struct mk_spaces hole;	 /* those by size */
	struct mk_spaces pool;	 /* all that the pool has, by base, cut by node */
	bool shared;		 /* some memory was given to two: nothing can be given back */
};

void mk_memmap_init(struct mk_memmap *m, const struct mk_state *s);

/* NULL for a node of which there is no memory. */
const struct mk_mem_node *mk_memmap_node(const struct mk_memmap *m, uint32_t node);

/* Bytes that are free on a node, MK_NODE_ANY for all; memory without an address counts. */
uint64_t mk_memmap_bytes(const struct mk_memmap *m, uint32_t node);

/*
 * A node on which more memory was given away without an address than it has,
 * MK_NODE_ANY for none. *over: by how many bytes. Says nothing where memory of
 * the pool is on no node that is known.
 */
uint32_t mk_memmap_overdrawn(const struct mk_memmap *m, uint64_t *over);

/* The largest free block; size 0 when there is none. */
struct mk_space mk_memmap_largest(const struct mk_memmap *m, uint32_t node);

/*
 * Where size bytes at a multiple of align fit best: the smallest block, the
 * lowest of equals. MK_NODE_ANY: anywhere, on two nodes if need be.
 */
bool mk_memmap_fit(const struct mk_memmap *m, uint32_t node, uint64_t size, uint64_t align,
		   uint64_t *base);

/* The same among the holes of one node. */
bool mk_memmap_fit_in(const struct mk_spaces *hole, uint64_t size, uint64_t align, uint64_t *base);

/* Whether all of that is free, and on that node. */
bool mk_memmap_has(const struct mk_memmap *m, uint32_t node, uint64_t base, uint64_t size);

/* The node that has all of it, MK_NODE_ANY for none or several. */
uint32_t mk_memmap_node_at(const struct mk_memmap *m, uint64_t base, uint64_t size);

/* A region is given away, or given back by the only one who has it. */
void mk_memmap_take(struct mk_memmap *m, const struct mk_mem *r);
void mk_memmap_give(struct mk_memmap *m, const struct mk_mem *r);

#endif
