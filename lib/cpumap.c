/* SPDX-License-Identifier: Apache-2.0 */
/* cpumap: places of CPUs, and runs of free ones. */
#include "cpumap.h"

#include <string.h>

#include "arena.h"
#include "sort.h"

/* ------------------------------------------------------------ building */

/* What is said of a CPU, before it has a place. */
struct said {
	uint64_t cpu;
	size_t group, socket, core; /* SIZE_MAX where nothing is said */
	uint64_t core_first;	    /* lowest id of its core */
	size_t holder;
};

static int by_place(const void *x, const void *y)
{
	const struct said *a = x, *b = y;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->socket != b->socket)
		return a->socket < b->socket ? -1 : 1;
	if (a->core_first != b->core_first)
		return a->core_first < b->core_first ? -1 : 1;
	if (a->core != b->core)
		return a->core < b->core ? -1 : 1;
	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

struct known {
	struct said *cpu;
	size_t n;
};

static struct known all_cpus(struct mk_arena *a, const struct mk_state *s)
{
	struct mk_ranges r;
	struct known k = {0};

	mk_ranges_init(&r, a);
	mk_ranges_add_ids(&r, &s->pool.ids);
	mk_ranges_add_ids(&r, &s->host_cpus.ids);
	for (size_t i = 0; i < s->n_numa; i++)
		mk_ranges_add_ids(&r, &s->numa[i].cpus.ids);
	for (size_t i = 0; i < s->n_cores; i++)
		mk_ranges_add_ids(&r, &s->core[i].cpus.ids);
	for (size_t i = 0; i < s->n_instances; i++)
		mk_ranges_add_ids(&r, &s->instance[i].cpus.ids);
	mk_ranges_join(&r);
	k.cpu = mk_arena_array(a, mk_ranges_count(&r), sizeof(*k.cpu));
	for (size_t i = 0; i < r.n; i++)
		for (uint64_t id = r.r[i].first;; id++) {
			k.cpu[k.n++] = (struct said){.cpu = id,
						     .group = SIZE_MAX,
						     .socket = SIZE_MAX,
						     .core = SIZE_MAX,
						     .core_first = id,
						     .holder = MK_CPU_NOBODY};
			if (id == r.r[i].last)
				break;
		}
	return k;
}

/* It is one of all_cpus. */
static struct said *of(const struct known *k, uint64_t cpu)
{
	size_t low = 0, high = k->n;

	while (low + 1 < high) {
		size_t mid = low + (high - low) / 2;

		if (k->cpu[mid].cpu <= cpu)
			low = mid;
		else
			high = mid;
	}
	return &k->cpu[low];
}

/* Who says it first is believed; two who say it are a finding of the rules. */
static void say_cores(const struct known *k, const struct mk_state *s)
{
	for (size_t i = 0; i < s->n_cores; i++) {
		const struct mk_core *c = &s->core[i];
		uint64_t first = UINT64_MAX;

		for (size_t j = 0; j < c->cpus.ids.n; j++)
			if (c->cpus.ids.id[j] < first)
				first = c->cpus.ids.id[j];
		for (size_t j = 0; j < c->cpus.ids.n; j++) {
			struct said *x = of(k, c->cpus.ids.id[j]);

			if (x->core != SIZE_MAX)
				continue;
			x->core = i;
			x->core_first = first;
			if (c->has_socket)
				x->socket = c->socket;
		}
	}
}

static void hold(const struct known *k, const struct mk_ids *ids, size_t holder)
{
	for (size_t i = 0; i < ids->n; i++) {
		struct said *x = of(k, ids->id[i]);

		if (x->holder == MK_CPU_NOBODY || x->holder == MK_CPU_FREE)
			x->holder = holder;
	}
}

static void place_all(struct mk_cpumap *m, struct known *k)
{
	const struct mk_state *s = m->s;
	size_t last = SIZE_MAX;

	mk_sort(k->cpu, k->n, sizeof(*k->cpu), by_place);
	m->n = k->n;
	m->slot = mk_arena_array(m->a, k->n, sizeof(*m->slot));
	m->group = mk_arena_array(m->a, s->n_numa + k->n + 1, sizeof(*m->group));
	mk_ranges_init(&m->free, m->a);
	for (size_t i = 0; i < k->n; i++) {
		const struct said *x = &k->cpu[i], *before = i ? x - 1 : NULL;
		struct mk_cpu_slot *slot = &m->slot[i];
		struct mk_cpu_group *g;

		if (!before || x->group != last) {
			bool numa = s->n_numa && x->group != SIZE_MAX;

			m->group[m->n_groups++] = (struct mk_cpu_group){
				.node = numa ? s->numa[x->group].id : MK_NODE_ANY,
				.row = numa ? x->group : SIZE_MAX,
				.first = i};
			last = x->group;
			before = NULL;
		}
		g = &m->group[m->n_groups - 1];
		g->n++;
		*slot = (struct mk_cpu_slot){.cpu = x->cpu,
					     .group = m->n_groups - 1,
					     .first = i,
					     .last = i,
					     .holder = x->holder};
		if (before && x->core != SIZE_MAX && x->core == before->core) {
			slot->first = slot[-1].first;
			m->cores = true;
		}
		if (x->holder == MK_CPU_FREE) {
			g->free++;
			mk_ranges_add(&m->free, i, i);
		}
	}
	mk_ranges_join(&m->free);
	for (size_t i = k->n; i-- > 1;) /* a core ends where the next one begins */
		if (m->slot[i - 1].first == m->slot[i].first)
			m->slot[i - 1].last = m->slot[i].last;
}

/*
 * Ids of cores rise by a step within a cluster, and leap to the next one: where
 * nothing else says so, that is what tells clusters apart.
 */
static void find_gaps(struct mk_cpumap *m)
{
	m->gap = mk_arena_array(m->a, m->n, sizeof(*m->gap));
	for (size_t g = 0; g < m->n_groups; g++) {
		size_t first = m->group[g].first, end = first + m->group[g].n;
		uint64_t step = UINT64_MAX;

		for (size_t pass = 0; pass < 2; pass++)
			for (size_t i = m->slot[first].last + 1, before = first; i < end;
			     before = i, i = m->slot[i].last + 1) {
				uint64_t leap = m->slot[i].cpu > m->slot[before].cpu
							? m->slot[i].cpu - m->slot[before].cpu
							: UINT64_MAX;

				if (!pass && leap < step)
					step = leap;
				if (pass && leap > step)
					m->gap[m->n_gaps++] = i;
			}
	}
}

static int by_slot_cpu(const void *x, const void *y)
{
	const struct mk_cpu_slot *a = *(struct mk_cpu_slot *const *)x,
				 *b = *(struct mk_cpu_slot *const *)y;

	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

static void index_ids(struct mk_cpumap *m)
{
	const struct mk_cpu_slot **p = mk_arena_array(m->a, m->n, sizeof(struct mk_cpu_slot *));

	for (size_t i = 0; i < m->n; i++)
		p[i] = &m->slot[i];
	mk_sort(p, m->n, sizeof(*p), by_slot_cpu);
	m->by_id = mk_arena_array(m->a, m->n, sizeof(*m->by_id));
	for (size_t i = 0; i < m->n; i++)
		m->by_id[i] = (size_t)(p[i] - m->slot);
}

void mk_cpumap_init(struct mk_cpumap *m, const struct mk_state *s)
{
	struct known k;

	*m = (struct mk_cpumap){.s = s, .a = s->arena};
	k = all_cpus(m->a, s);
	say_cores(&k, s);
	for (size_t i = 0; i < s->n_numa; i++)
		for (size_t j = 0; j < s->numa[i].cpus.ids.n; j++) {
			struct said *x = of(&k, s->numa[i].cpus.ids.id[j]);

			x->group = x->group == SIZE_MAX ? i : x->group;
		}
	for (size_t i = 0; !s->n_numa && i < k.n; i++)
		k.cpu[i].group = k.cpu[i].socket;
	hold(&k, &s->pool.ids, MK_CPU_FREE);
	hold(&k, &s->host_cpus.ids, MK_CPU_HOST);
	for (size_t i = 0; i < s->n_instances; i++)
		hold(&k, &s->instance[i].cpus.ids, i);
	place_all(m, &k);
	find_gaps(m);
	index_ids(m);
}

/* ------------------------------------------------------------ asking */

size_t mk_cpumap_find(const struct mk_cpumap *m, uint64_t cpu)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->slot[m->by_id[mid]].cpu < cpu)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && m->slot[m->by_id[low]].cpu == cpu ? m->by_id[low] : SIZE_MAX;
}

size_t mk_cpumap_group(const struct mk_cpumap *m, uint32_t node)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->group[i].node == node && node != MK_NODE_ANY)
			return i;
	return SIZE_MAX;
}

void mk_cpumap_hold(struct mk_cpumap *m, size_t place, size_t me)
{
	mk_ranges_remove(&m->free, place, place);
	m->group[m->slot[place].group].free--;
	m->slot[place].holder = me;
}

uint64_t mk_cpumap_distance(const struct mk_cpumap *m, size_t from, size_t to)
{
	size_t i = m->group[from].row, k = m->group[to].row;

	if (from == to)
		return 10;
	return i == SIZE_MAX || k == SIZE_MAX ? 20 : mk_numa_distance(m->s, i, k);
}

struct far {
	uint64_t distance;
	size_t group;
};

static int by_far(const void *x, const void *y)
{
	const struct far *a = x, *b = y;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

const size_t *mk_cpumap_by_distance(const struct mk_cpumap *m, struct mk_arena *a, size_t group)
{
	struct far *far = mk_arena_array(a, m->n_groups, sizeof(*far));
	size_t *out = mk_arena_array(a, m->n_groups, sizeof(*out));

	for (size_t i = 0; i < m->n_groups; i++)
		far[i] = (struct far){i == group ? 0 : mk_cpumap_distance(m, group, i), i};
	mk_sort(far, m->n_groups, sizeof(*far), by_far);
	for (size_t i = 0; i < m->n_groups; i++)
		out[i] = far[i].group;
	return out;
}

/* ------------------------------------------------------------ taking */

/* Whether another kernel than that of me is on the core of this CPU. */
static bool shared(const struct mk_cpumap *m, size_t place, size_t me)
{
	for (size_t i = m->slot[place].first; i <= m->slot[place].last; i++) {
		size_t h = m->slot[i].holder;

		if (h != MK_CPU_FREE && h != MK_CPU_NOBODY && h != me)
			return true;
	}
	return false;
}

/* Free places [first, last]. */
struct run {
	size_t first, last;
};

static size_t length(const struct run *r)
{
	return r->last - r->first + 1;
}

/* The first interval of free places that is not wholly before a place. */
static size_t interval_from(const struct mk_cpumap *m, size_t place)
{
	size_t low = 0, high = m->free.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->free.r[mid].last < place)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The last place behind one, and not behind another, before the ids leap. */
static size_t before_gap(const struct mk_cpumap *m, size_t first, size_t last)
{
	size_t low = 0, high = m->n_gaps;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->gap[mid] <= first)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_gaps && m->gap[low] <= last ? m->gap[low] - 1 : last;
}

/* What runs of places are made of. */
enum kind {
	RUN_CLUSTER, /* on no shared core, without a gap */
	RUN_APART,   /* on no shared core */
	RUN_ANY,
};

/*
 * Runs of free places of a group. Inside of a run a core is free as a whole, so
 * that it can be shared at the ends alone.
 */
static struct run *runs_of(const struct mk_cpumap *m, size_t group, size_t me, enum kind kind,
			   size_t *n)
{
	const struct mk_cpu_group *g = &m->group[group];
	size_t end = g->first + g->n, from = interval_from(m, g->first), to = from, cap = 0;
	struct run *out = NULL;

	*n = 0;
	for (; to < m->free.n && m->free.r[to].first < end; to++) {
		struct run r = {(size_t)m->free.r[to].first, (size_t)m->free.r[to].last};

		r.first = r.first < g->first ? g->first : r.first;
		r.last = r.last >= end ? end - 1 : r.last;
		if (kind != RUN_ANY && m->cores) {
			while (r.first <= r.last && shared(m, r.first, me))
				r.first = m->slot[r.first].last + 1;
			while (r.first <= r.last && shared(m, r.last, me))
				if (m->slot[r.last].first <= r.first)
					r.first = r.last + 1;
				else
					r.last = m->slot[r.last].first - 1;
		}
		while (r.first <= r.last) {
			struct run part = r;

			if (kind == RUN_CLUSTER)
				part.last = before_gap(m, r.first, r.last);
			out = mk_arena_more(m->a, out, *n, &cap, sizeof(*out));
			out[(*n)++] = part;
			r.first = part.last + 1;
		}
	}
	return out;
}

uint64_t mk_cpumap_apart(const struct mk_cpumap *m, size_t group, size_t me)
{
	uint64_t sum = 0;
	struct run *r;
	size_t n;

	if (!m->cores)
		return m->group[group].free;
	r = runs_of(m, group, me, RUN_APART, &n);
	for (size_t i = 0; i < n; i++)
		sum += length(&r[i]);
	return sum;
}

static int longest_first(const void *x, const void *y)
{
	const struct run *a = x, *b = y;

	if (length(a) != length(b))
		return length(a) > length(b) ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* At most n of these places. */
static size_t take_run(struct mk_cpumap *m, size_t first, size_t n, size_t me, struct mk_ids *out)
{
	for (size_t i = 0; i < n; i++) {
		mk_ids_add(m->a, out, m->slot[first + i].cpu);
		m->slot[first + i].holder = me;
	}
	mk_ranges_remove(&m->free, first, first + n - 1);
	m->group[m->slot[first].group].free -= n;
	return n;
}

/* What is left of the cores that it has CPUs of. */
static size_t take_own(struct mk_cpumap *m, size_t group, size_t n, size_t me, struct mk_ids *out)
{
	const struct mk_ids *own = &m->s->instance[me].cpus.ids;
	size_t got = 0;

	for (size_t i = 0; m->cores && i < own->n && got < n; i++) {
		size_t at = mk_cpumap_find(m, own->id[i]);

		if (at == SIZE_MAX || m->slot[at].group != group || shared(m, at, me))
			continue;
		for (size_t k = m->slot[at].first; k <= m->slot[at].last && got < n; k++)
			if (m->slot[k].holder == MK_CPU_FREE)
				got += take_run(m, k, 1, me, out);
	}
	return got;
}

/* All of one run, or nothing: beside CPUs that it has, if there is one that is long enough. */
static size_t take_cluster(struct mk_cpumap *m, size_t group, size_t n, size_t me,
			   struct mk_ids *out)
{
	size_t count, best = SIZE_MAX;
	bool beside = false;
	struct run *r = runs_of(m, group, me, RUN_CLUSTER, &count);

	for (size_t i = 0; i < count; i++) {
		bool near = (r[i].first && m->slot[r[i].first - 1].holder == me) ||
			    (r[i].last + 1 < m->n && m->slot[r[i].last + 1].holder == me);

		if (length(&r[i]) < n || (beside && !near))
			continue;
		if (best == SIZE_MAX || (near && !beside) || length(&r[i]) < length(&r[best]))
			best = i;
		beside = beside || near;
	}
	return best == SIZE_MAX ? 0 : take_run(m, r[best].first, n, me, out);
}

static size_t take_runs(struct mk_cpumap *m, size_t group, size_t n, size_t me, enum kind kind,
			struct mk_ids *out)
{
	size_t count, got = 0, best;
	struct run *r = runs_of(m, group, me, kind, &count);

	mk_sort(r, count, sizeof(*r), longest_first);
	for (size_t i = 0; i < count && got < n; i++) {
		best = i; /* the shortest that holds all that is left, the lowest of equals */
		if (length(&r[i]) >= n - got) {
			size_t low = i, high = count;

			while (low < high) { /* the first that is too short */
				size_t mid = low + (high - low) / 2;

				if (length(&r[mid]) >= n - got)
					low = mid + 1;
				else
					high = mid;
			}
			for (best = low - 1; best > i && length(&r[best - 1]) == length(&r[best]);)
				best--;
		}
		got += take_run(m, r[best].first,
				length(&r[best]) < n - got ? length(&r[best]) : n - got, me, out);
	}
	return got;
}

static int by_id(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

void mk_cpumap_take(struct mk_cpumap *m, size_t group, size_t n, size_t me, struct mk_ids *out)
{
	size_t had = out->n, got = take_own(m, group, n, me, out);

	if (got < n)
		got += take_cluster(m, group, n - got, me, out);
	if (got < n)
		got += take_runs(m, group, n - got, me, RUN_APART, out);
	if (got < n)
		got += take_runs(m, group, n - got, me, RUN_ANY, out);
	mk_sort(out->id + had, got, sizeof(*out->id), by_id);
}
