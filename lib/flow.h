/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow: demands that several sources can serve, all at once. The largest flow
 * from demands to sources, by Dinic's algorithm; where it does not fill all
 * demands, which of them together want more than there is for them.
 */
#ifndef MK_FLOW_H
#define MK_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_arena;

struct mk_flow_edge {
	size_t to;	/* vertex */
	uint64_t room;	/* what may still flow */
	size_t back;	/* the edge in the other direction */
	size_t next;	/* of the same vertex, SIZE_MAX at the end */
};

/* Vertices: 0 is where all begins, 1 where all ends, then demands, then sources. */
struct mk_flow {
	struct mk_arena *a;
	size_t demands, sources;
	struct mk_flow_edge *edge;
	size_t n, cap;
	size_t *first, *at, *level, *queue; /* by vertex */
	uint64_t wanted, flows;
};

void mk_flow_init(struct mk_flow *f, struct mk_arena *a, size_t demands, size_t sources);
void mk_flow_demand(struct mk_flow *f, size_t demand, uint64_t amount);
void mk_flow_source(struct mk_flow *f, size_t source, uint64_t amount);
void mk_flow_allow(struct mk_flow *f, size_t demand, size_t source);

/* Whether all demands can be filled. Amounts of all demands together must be below 2^64. */
bool mk_flow_run(struct mk_flow *f);

/* After it: what a demand gets of a source. */
uint64_t mk_flow_between(const struct mk_flow *f, size_t demand, size_t source);

/*
 * After it was not filled: whether a demand is one of those that together
 * want more than their sources have; whether a source is one of theirs.
 */
bool mk_flow_short_demand(const struct mk_flow *f, size_t demand);
bool mk_flow_short_source(const struct mk_flow *f, size_t source);

#endif
