/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpumap: the CPUs of a machine in the order of its topology, who has them,
 * and which to take. CPUs stand by NUMA node (by socket where no node is
 * described), core and id; a run of places is a run of neighbours.
 */
#ifndef MK_CPUMAP_H
#define MK_CPUMAP_H

#include "state.h"

/* Who has a CPU, if it is no instance. */
#define MK_CPU_FREE   SIZE_MAX	     /* of the pool, and nobody has it */
#define MK_CPU_NOBODY (SIZE_MAX - 1) /* not in the pool, and not the host's */
#define MK_CPU_HOST   (SIZE_MAX - 2)

struct mk_cpu_slot {
	uint64_t cpu;
	size_t group;	    /* index into group[] */
	size_t first, last; /* places of the first and last CPU of its core */
	size_t holder;	    /* index of an instance, or one of the above */
};

/* A NUMA node; a socket where no nodes are described; the CPUs that belong to none. */
struct mk_cpu_group {
	uint32_t node;	  /* NUMA node, MK_NODE_ANY when there is none */
	size_t row;	  /* index into s->numa, SIZE_MAX when there is none */
	size_t first, n;  /* its places */
	uint64_t free;	  /* of them free */
};

struct mk_cpumap {
	const struct mk_state *s;
	struct mk_arena *a;
	struct mk_cpu_slot *slot;
	size_t n, *by_id; /* places by rising id */
	struct mk_cpu_group *group;
	size_t n_groups;
	size_t *gap, n_gaps;   /* places before which ids leap, more than they step in their group */
	bool cores;	       /* cores of several CPUs are described */
	struct mk_ranges free; /* places */
};

void mk_cpumap_init(struct mk_cpumap *m, const struct mk_state *s);

/* The place of a CPU, SIZE_MAX when nothing is known of it. */
size_t mk_cpumap_find(const struct mk_cpumap *m, uint64_t cpu);

/* The group of a NUMA node, SIZE_MAX when none has CPUs on it. */
size_t mk_cpumap_group(const struct mk_cpumap *m, uint32_t node);

/* The instance me takes a free CPU. */
void mk_cpumap_hold(struct mk_cpumap *m, size_t place, size_t me);

/* Groups by their distance from one, itself first; equals in their order. In the arena a. */
const size_t *mk_cpumap_by_distance(const struct mk_cpumap *m, struct mk_arena *a, size_t group);

/* The distance between groups as the machine's matrix says; 10 to itself, 20 when it does not. */
uint64_t mk_cpumap_distance(const struct mk_cpumap *m, size_t from, size_t to);

/* Free CPUs of a group on cores that no other kernel than that of instance me is on. */
uint64_t mk_cpumap_apart(const struct mk_cpumap *m, size_t group, size_t me);

/*
 * Takes n free CPUs of a group, which has as many, for the instance me and
 * appends them to out by rising id: the rest of its own cores first, then the
 * shortest run of whole cores that suffices, else the longest ones; cores that
 * another kernel is on only when nothing else is left.
 */
void mk_cpumap_take(struct mk_cpumap *m, size_t group, size_t n, size_t me, struct mk_ids *out);

#endif
