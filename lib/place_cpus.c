/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: CPUs that a demand leaves open: whole cores before all, then as few
 * NUMA nodes as possible, near each other and near what the instance has.
 */
#include "arena.h"
#include "place_int.h"
#include "sort.h"

/* ------------------------------------------------------------ which nodes */

bool mk_place_group_ok(const struct mk_placer *p, const struct mk_instance *x, size_t group)
{
	uint32_t node = p->cpus.group[group].node;

	return !x->numa_nodes.n || (node != MK_NODE_ANY && mk_ids_has(&x->numa_nodes, node));
}

struct mk_ids mk_place_free_cpus(const struct mk_placer *p, const struct mk_instance *x, bool wanted)
{
	struct mk_ids ids = {0};

	for (size_t i = 0; i < p->cpus.free.n; i++)
		for (size_t k = (size_t)p->cpus.free.r[i].first; k <= p->cpus.free.r[i].last; k++)
			if (!wanted || mk_place_group_ok(p, x, p->cpus.slot[k].group))
				mk_ids_add(p->s->arena, &ids, p->cpus.slot[k].cpu);
	return mk_ids_sorted(p->s->arena, &ids);
}

static int no_cpus(struct mk_placer *p, const struct mk_demand *d)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	const char *where = x->numa_nodes.n ? " on the nodes it wants" : "";
	struct mk_ids free = mk_place_free_cpus(p, x, true);
	size_t have = x->cpus.ids.n, want = have + d->cpus;

	if (have)
		mk_fail_at(p->err, MK_NO, d->cpus_at->at,
			   "%s wants %zu CPUs; it has %zu, and %zu of the pool %s free%s", x->name,
			   want, have, free.n, free.n == 1 ? "is" : "are", where);
	else
		mk_fail_at(p->err, MK_NO, d->cpus_at->at,
			   "%s wants %zu CPUs, and %zu of the pool %s free%s", x->name, want,
			   free.n, free.n == 1 ? "is" : "are", where);
	if (free.n)
		mk_hint(p->err,
			"free CPUs: %s; ask for at most %zu%s", mk_ids_brief(p->s->arena, &free, 8),
			have + free.n,
			p->s->n_instances > 1 ? ", or take some from another instance" : "");
	else
		mk_hint(p->err, "take some from another instance, or add CPUs to the pool");
	return MK_NO;
}

/* Why a group is liked: the less the better. */
enum pull { PULL_CPUS, PULL_MEMORY, PULL_DEVICES, PULL_NONE };

static const char *const pull_text[] = {"it has CPUs there", "its memory is there",
					"its devices are there", NULL};

/* A group that CPUs may come from. */
struct site {
	size_t group;
	enum pull pull;
	size_t rank;	/* in the order of numa-nodes= */
	uint64_t avail; /* CPUs that can be taken as things stand */
	bool holds;	/* has room for the memory, too */
};

static void pull_to(struct mk_placer *p, struct site *by_group, uint32_t node, enum pull pull)
{
	size_t g = mk_cpumap_group(&p->cpus, node);

	if (g != SIZE_MAX && by_group[g].pull > pull)
		by_group[g].pull = pull;
}

/* The groups that the wishes of a demand allow. */
static struct site *sites_of(struct mk_placer *p, const struct mk_demand *d, size_t *n)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	struct site *site = mk_arena_array(&p->scratch, p->cpus.n_groups + 1, sizeof(*site));

	for (size_t i = 0; i < p->cpus.n_groups; i++)
		site[i] = (struct site){.group = i, .pull = PULL_NONE};
	for (size_t i = 0; i < x->cpus.ids.n; i++) {
		size_t at = mk_cpumap_find(&p->cpus, x->cpus.ids.id[i]);

		if (at != SIZE_MAX)
			site[p->cpus.slot[at].group].pull = PULL_CPUS;
	}
	for (size_t i = 0; i < x->mem.n; i++)
		pull_to(p, site,
			x->mem.m[i].node != MK_NODE_ANY || !x->mem.m[i].placed
				? x->mem.m[i].node
				: mk_memmap_node_at(&p->mem, x->mem.m[i].base, x->mem.m[i].size),
			PULL_MEMORY);
	for (size_t i = 0; i < d->n_mem; i++)
		pull_to(p, site, d->mem[i].node, PULL_MEMORY);
	for (size_t i = 0; i < x->devices.n; i++)
		if (x->devices.u[i].device != MK_NO_DEVICE)
			pull_to(p, site, p->s->device[x->devices.u[i].device].node, PULL_DEVICES);
	*n = 0;
	for (size_t i = 0; i < p->cpus.n_groups; i++) {
		const struct mk_cpu_group *g = &p->cpus.group[i];

		if (!g->free || !mk_place_group_ok(p, x, i))
			continue;
		site[i].holds = mk_place_node_holds(p, d, g->node);
		for (size_t k = 0; k < x->numa_nodes.n && x->numa_nodes.id[k] != g->node; k++)
			site[i].rank++;
		site[(*n)++] = site[i];
	}
	return site;
}

/* Only CPUs on cores that nobody else is on, or all that are free. */
static uint64_t count_avail(struct mk_placer *p, const struct mk_demand *d, struct site *site,
			    size_t n, bool apart)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		site[i].avail = apart ? mk_cpumap_apart(&p->cpus, site[i].group, d->me)
				      : p->cpus.group[site[i].group].free;
		sum += site[i].avail;
	}
	return sum;
}

/* Whether a is the better one of two that both have enough. */
static bool better(const struct site *a, const struct site *b)
{
	if (a->holds != b->holds)
		return a->holds;
	if (a->pull != b->pull)
		return a->pull < b->pull;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->avail != b->avail)
		return a->avail < b->avail;
	return a->group < b->group;
}

/* ------------------------------------------------------------ taking */

void mk_place_take_cpus(struct mk_placer *p, const struct mk_demand *d, size_t group, size_t n)
{
	mk_cpumap_take(&p->cpus, group, n, d->me, &p->s->instance[d->me].cpus.ids);
}

static void explain(struct mk_placer *p, const struct mk_demand *d, size_t had,
		    const struct site *one, const char *how)
{
	struct mk_instance *x = &p->s->instance[d->me];
	struct mk_ids got = {.id = x->cpus.ids.id + had, .n = x->cpus.ids.n - had}, nodes = {0};
	const char *where = "", *cores = "";
	size_t shared_cores = 0;
	struct mk_ranges set;

	if (!p->opts->why)
		return;
	for (size_t i = 0; i < got.n; i++) {
		size_t at = mk_cpumap_find(&p->cpus, got.id[i]);
		uint32_t node = p->cpus.group[p->cpus.slot[at].group].node;

		if (node != MK_NODE_ANY)
			mk_ids_add(p->s->arena, &nodes, node);
		for (size_t k = p->cpus.slot[at].first; k <= p->cpus.slot[at].last; k++) {
			size_t h = p->cpus.slot[k].holder;

			if (h == MK_CPU_HOST || (h < p->s->n_instances && h != d->me))
				shared_cores++;
		}
	}
	if (shared_cores)
		cores = "; on cores with others, since no more whole ones were left";
	set = mk_ranges_of(p->s->arena, &nodes);
	nodes = (struct mk_ids){0};
	for (size_t i = 0; i < set.n; i++)
		for (uint64_t k = set.r[i].first; k <= set.r[i].last; k++)
			mk_ids_add(p->s->arena, &nodes, k);
	if (nodes.n)
		where = mk_arena_fmt(p->s->arena, " of %s", mk_place_nodes_text(p, &nodes));
	if (one && !how)
		how = pull_text[one->pull]      ? pull_text[one->pull]
		      : x->numa_nodes.n		? "the first that it wants and that has room"
		      : p->cpus.n_groups == 1 ? "neighbours that are free"
					      : "the fewest free CPUs that suffice";
	mk_place_why(p, x, "CPU%s %s%s: %s%s", got.n == 1 ? "" : "s",
		     mk_ids_brief(p->s->arena, &got, 16), where, how, cores);
}

/* All from one group, if one has as many. */
static bool one_site(struct mk_placer *p, const struct mk_demand *d, const struct site *site,
		     size_t n)
{
	size_t had = p->s->instance[d->me].cpus.ids.n;
	const struct site *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (site[i].avail >= d->cpus && (!best || better(&site[i], best)))
			best = &site[i];
	if (!best)
		return false;
	mk_place_take_cpus(p, d, best->group, d->cpus);
	explain(p, d, had, best, NULL);
	return true;
}

static bool has_distances(const struct mk_state *s)
{
	for (size_t i = 0; i < s->n_numa; i++)
		if (s->numa[i].distance.n)
			return true;
	return false;
}

static int fullest_last(const void *x, const void *y)
{
	const struct site *a = x, *b = y;

	if (a->pull != b->pull)
		return a->pull < b->pull ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->avail != b->avail)
		return a->avail > b->avail ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

static int most_first(const void *x, const void *y)
{
	const struct site *a = *(struct site *const *)x, *b = *(struct site *const *)y;

	if (a->avail != b->avail)
		return a->avail > b->avail ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

/* What k sites that are not taken yet have together, at most. */
static uint64_t most_of(const struct site **by_avail, size_t n, size_t k, const bool *taken,
			const struct site *but)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n && k; i++)
		if (!taken[by_avail[i]->group] && by_avail[i] != but) {
			sum += by_avail[i]->avail;
			k--;
		}
	return sum;
}

/* Sites in the order in which they are taken, and how good that is. */
struct route {
	const struct site **at;
	size_t n, rank;
	uint64_t far;
	enum pull pull;
};

/* From one site to the nearest others, as long as so many nodes in all suffice. */
static void route_from(struct mk_placer *p, const struct mk_demand *d, const struct site *start,
		       const struct site *const *of, const struct site **by_avail, size_t n,
		       size_t nodes, struct route *r)
{
	const size_t *order = mk_cpumap_by_distance(&p->cpus, &p->scratch, start->group);
	bool *taken = mk_arena_array(&p->scratch, p->cpus.n_groups, sizeof(*taken));
	uint64_t left = d->cpus;

	*r = (struct route){.pull = start->pull,
			    .at = mk_arena_array(&p->scratch, nodes, sizeof(*r->at))};
	for (size_t i = 0; i < p->cpus.n_groups && left && r->n < nodes; i++) {
		const struct site *x = of[order[i]];
		uint64_t here = x && x->avail < left ? x->avail : left;

		if (!x || !x->avail ||
		    here + most_of(by_avail, n, nodes - r->n - 1, taken, x) < left)
			continue;
		taken[x->group] = true;
		r->at[r->n++] = x;
		r->rank += x->rank;
		r->far += here * mk_cpumap_distance(&p->cpus, start->group, order[i]);
		left -= here;
	}
	if (left)
		r->n = SIZE_MAX; /* not from here */
}

static bool shorter(const struct route *a, const struct route *b)
{
	if (a->pull != b->pull)
		return a->pull < b->pull;
	if (a->n != b->n)
		return a->n < b->n;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->far < b->far;
}

enum { STARTS_MAX = 256 }; /* nodes that are tried as the first: each is a look at all others */

/* As few groups as will do; of those around the one from which the others are nearest. */
static struct route nearest_groups(struct mk_placer *p, const struct mk_demand *d,
				   struct site *site, size_t n)
{
	const struct site **of = mk_arena_array(&p->scratch, p->cpus.n_groups, sizeof(*of));
	const struct site **by_avail = mk_arena_array(&p->scratch, n, sizeof(*by_avail));
	struct route best = {.n = SIZE_MAX}, r;
	size_t nodes = 0, starts = 0;
	uint64_t left = d->cpus;

	for (size_t i = 0; i < n; i++) {
		of[site[i].group] = &site[i];
		by_avail[i] = &site[i];
	}
	mk_sort(by_avail, n, sizeof(*by_avail), most_first);
	for (; left; nodes++)
		left -= by_avail[nodes]->avail < left ? by_avail[nodes]->avail : left;
	for (size_t i = 0; i < n && starts < STARTS_MAX; i++) {
		if (!by_avail[i]->avail)
			break;
		starts++;
		route_from(p, d, by_avail[i], of, by_avail, n, nodes, &r);
		if (r.n != SIZE_MAX && (best.n == SIZE_MAX || shorter(&r, &best)))
			best = r;
	}
	return best;
}

static void several_sites(struct mk_placer *p, const struct mk_demand *d, struct site *site,
			  size_t n)
{
	size_t had = p->s->instance[d->me].cpus.ids.n, left = d->cpus;
	struct route r = {.at = NULL};

	if (has_distances(p->s))
		r = nearest_groups(p, d, site, n);
	if (!r.at)
		mk_sort(site, n, sizeof(*site), fullest_last);
	for (size_t i = 0; left && i < (r.at ? r.n : n); i++) {
		const struct site *x = r.at ? r.at[i] : &site[i];
		size_t here = x->avail < left ? (size_t)x->avail : left;

		if (!here)
			continue;
		mk_place_take_cpus(p, d, x->group, here);
		left -= here;
	}
	explain(p, d, had, NULL,
		r.at ? "no node alone has as many; those that are nearest to each other"
		       : "no node alone has as many; as few nodes as possible");
}

/*
 * Where it has CPUs, and too few are free: all of those, and the rest from
 * elsewhere, which makes no more nodes than all from there.
 */
static bool own_sites(struct mk_placer *p, const struct mk_demand *d, struct site *site, size_t n)
{
	struct mk_demand rest = *d;

	for (size_t i = 0; i < n; i++)
		if (site[i].pull == PULL_CPUS && site[i].avail >= d->cpus)
			return false; /* one of them alone */
	for (size_t i = 0; i < n && rest.cpus; i++) {
		size_t take = site[i].avail < rest.cpus ? (size_t)site[i].avail : rest.cpus;
		size_t had = p->s->instance[d->me].cpus.ids.n;

		if (site[i].pull != PULL_CPUS || !take)
			continue;
		mk_place_take_cpus(p, d, site[i].group, take);
		explain(p, d, had, &site[i], NULL);
		site[i].avail -= take;
		rest.cpus -= take;
	}
	if (rest.cpus == d->cpus)
		return false;
	if (rest.cpus && !one_site(p, &rest, site, n))
		several_sites(p, &rest, site, n);
	return true;
}

static int fewest_first(const void *x, const void *y)
{
	const struct site *a = x, *b = y;

	if (a->avail != b->avail)
		return a->avail < b->avail ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

/* So many CPUs stand together on a core. */
static size_t threads(const struct mk_placer *p)
{
	size_t most = 1;

	for (size_t i = 0; p->cpus.cores && i < p->cpus.n; i++)
		if (p->cpus.slot[i].last - p->cpus.slot[i].first + 1 > most)
			most = p->cpus.slot[i].last - p->cpus.slot[i].first + 1;
	return most;
}

/*
 * Evenly over all groups, by whole cores; the last one may be half. What does
 * not come out goes where most is left.
 */
static void spread(struct mk_placer *p, const struct mk_demand *d, struct site *site, size_t n)
{
	size_t had = p->s->instance[d->me].cpus.ids.n, unit = threads(p), left = d->cpus, units;
	size_t *take = mk_arena_array(p->s->arena, n, sizeof(*take));

	if (left <= unit) /* one core would be one node */
		unit = 1;
	units = (left + unit - 1) / unit;
	mk_sort(site, n, sizeof(*site), fewest_first);
	for (size_t i = 0; i < n; i++) {
		size_t share = units / (n - i), can = (size_t)site[i].avail / unit;

		share = share < can ? share : can;
		units -= share;
		take[i] = share * unit < left ? share * unit : left;
		left -= take[i];
	}
	while (left) {
		size_t most = 0, more;

		for (size_t i = 1; i < n; i++)
			if (site[i].avail - take[i] > site[most].avail - take[most])
				most = i;
		more = (size_t)site[most].avail - take[most];
		more = more > unit ? unit : more;
		more = more < left ? more : left;
		take[most] += more;
		left -= more;
	}
	for (size_t i = 0; i < n; i++)
		if (take[i])
			mk_place_take_cpus(p, d, site[i].group, take[i]);
	explain(p, d, had, NULL, "spread over the nodes");
}

static void from_sites(struct mk_placer *p, const struct mk_demand *d, struct site *site, size_t n)
{
	if (n > 1 && mk_place_says(p->s->instance[d->me].affinity, "spread"))
		spread(p, d, site, n);
	else if (!own_sites(p, d, site, n) && !one_site(p, d, site, n))
		several_sites(p, d, site, n);
}

int mk_place_open_cpus(struct mk_placer *p, const struct mk_demand *d)
{
	struct mk_demand part = *d;
	struct site *site;
	uint64_t all, apart;
	size_t n;

	if (!d->cpus)
		return MK_OK;
	mk_arena_reset(&p->scratch);
	site = sites_of(p, d, &n);
	all = count_avail(p, d, site, n, false);
	if (all < d->cpus)
		return no_cpus(p, d);
	apart = count_avail(p, d, site, n, true);
	if (apart >= d->cpus) {
		from_sites(p, d, site, n);
		return MK_OK;
	}
	/* all whole cores of all nodes, and as few of the others as will do */
	if (apart) {
		part.cpus = (size_t)apart;
		several_sites(p, &part, site, n);
		part.cpus = d->cpus - (size_t)apart;
		site = sites_of(p, &part, &n);
	}
	count_avail(p, &part, site, n, false);
	from_sites(p, &part, site, n);
	return MK_OK;
}
