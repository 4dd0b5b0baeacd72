/* SPDX-License-Identifier: Apache-2.0 */
/* flow: Dinic's algorithm; the depth of a path is at most that of the graph of demands and sources. */
#include "flow.h"

#include <string.h>

#include "arena.h"

#define NOWHERE SIZE_MAX

enum { BEGIN, END, VERTICES };

static size_t vertices(const struct mk_flow *f)
{
	return VERTICES + f->demands + f->sources;
}

void mk_flow_init(struct mk_flow *f, struct mk_arena *a, size_t demands, size_t sources)
{
	size_t n = VERTICES + demands + sources;

	*f = (struct mk_flow){.a = a, .demands = demands, .sources = sources};
	f->first = mk_arena_array(a, n, sizeof(*f->first));
	f->at = mk_arena_array(a, n, sizeof(*f->at));
	f->level = mk_arena_array(a, n, sizeof(*f->level));
	f->queue = mk_arena_array(a, n, sizeof(*f->queue));
	for (size_t i = 0; i < n; i++)
		f->first[i] = NOWHERE;
}

static void half(struct mk_flow *f, size_t from, size_t to, uint64_t room, size_t back)
{
	f->edge = mk_arena_more(f->a, f->edge, f->n, &f->cap, sizeof(*f->edge));
	f->edge[f->n] = (struct mk_flow_edge){to, room, back, f->first[from]};
	f->first[from] = f->n++;
}

static void edge(struct mk_flow *f, size_t from, size_t to, uint64_t room)
{
	size_t i = f->n;

	half(f, from, to, room, i + 1);
	half(f, to, from, 0, i);
}

static size_t of_demand(const struct mk_flow *f, size_t demand)
{
	(void)f;
	return VERTICES + demand;
}

static size_t of_source(const struct mk_flow *f, size_t source)
{
	return VERTICES + f->demands + source;
}

void mk_flow_demand(struct mk_flow *f, size_t demand, uint64_t amount)
{
	edge(f, BEGIN, of_demand(f, demand), amount);
	f->wanted += amount;
}

void mk_flow_source(struct mk_flow *f, size_t source, uint64_t amount)
{
	edge(f, of_source(f, source), END, amount);
}

void mk_flow_allow(struct mk_flow *f, size_t demand, size_t source)
{
	edge(f, of_demand(f, demand), of_source(f, source), UINT64_MAX);
}

/* How far each vertex is from the beginning, over edges with room; whether the end is reached. */
static bool levels(struct mk_flow *f)
{
	size_t head = 0, tail = 0;

	for (size_t i = 0; i < vertices(f); i++)
		f->level[i] = NOWHERE;
	f->level[BEGIN] = 0;
	f->queue[tail++] = BEGIN;
	while (head < tail) {
		size_t v = f->queue[head++];

		for (size_t e = f->first[v]; e != NOWHERE; e = f->edge[e].next) {
			size_t to = f->edge[e].to;

			if (!f->edge[e].room || f->level[to] != NOWHERE)
				continue;
			f->level[to] = f->level[v] + 1;
			f->queue[tail++] = to;
		}
	}
	return f->level[END] != NOWHERE;
}

/* One path of the shortest; the edges of it are kept on queue. Without recursion: paths may be long. */
static uint64_t push(struct mk_flow *f)
{
	size_t depth = 0, v = BEGIN;
	uint64_t least = UINT64_MAX;

	while (v != END) {
		size_t e = f->at[v];

		while (e != NOWHERE &&
		       (!f->edge[e].room || f->level[f->edge[e].to] != f->level[v] + 1))
			e = f->edge[e].next;
		f->at[v] = e;
		if (e != NOWHERE) {
			f->queue[depth++] = e;
			v = f->edge[e].to;
		} else if (depth) { /* a dead end: back, and never here again */
			e = f->queue[--depth];
			v = f->edge[f->edge[e].back].to;
			f->at[v] = f->edge[e].next;
		} else {
			return 0;
		}
	}
	for (size_t i = 0; i < depth; i++)
		if (f->edge[f->queue[i]].room < least)
			least = f->edge[f->queue[i]].room;
	for (size_t i = 0; i < depth; i++) {
		struct mk_flow_edge *e = &f->edge[f->queue[i]], *back = &f->edge[e->back];

		e->room -= least;
		back->room = back->room <= UINT64_MAX - least ? back->room + least : UINT64_MAX;
	}
	return least;
}

bool mk_flow_run(struct mk_flow *f)
{
	while (levels(f)) {
		uint64_t more;

		memcpy(f->at, f->first, vertices(f) * sizeof(*f->at));
		while ((more = push(f)))
			f->flows += more;
	}
	return f->flows == f->wanted;
}

uint64_t mk_flow_between(const struct mk_flow *f, size_t demand, size_t source)
{
	size_t to = of_source(f, source);

	for (size_t e = f->first[of_demand(f, demand)]; e != NOWHERE; e = f->edge[e].next)
		if (f->edge[e].to == to)
			return f->edge[f->edge[e].back].room;
	return 0;
}

/* What can still be reached from the beginning is on the wrong side of the narrowest place. */
bool mk_flow_short_demand(const struct mk_flow *f, size_t demand)
{
	return f->level[of_demand(f, demand)] != NOWHERE;
}

bool mk_flow_short_source(const struct mk_flow *f, size_t source)
{
	return f->level[of_source(f, source)] != NOWHERE;
}
