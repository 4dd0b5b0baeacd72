/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: CPUs. Those that a request names, and those that it leaves open:
 * whole cores before all, then as few NUMA nodes as possible, near each other
 * and near what the instance has.
 */
#include <string.h>

#include "arena.h"
#include "keys.h"
#include "place_int.h"
#include "sort.h"

/* ------------------------------------------------------------ giving back */

static int boot_cpu(struct mk_placer *p, uint64_t *id, bool *given)
{
	const struct mk_pair *at = mk_place_key(p, "boot-cpu");
	struct mk_ids ids;

	*given = at != NULL;
	if (!at)
		return MK_OK;
	if (mk_key_ids(p->s->arena, at, &ids, p->err))
		return MK_BAD;
	*id = ids.id[0]; /* that it is one was checked with the request */
	return MK_OK;
}

static bool move_to_front(struct mk_ids *ids, uint64_t id)
{
	size_t i = 0;

	while (i < ids->n && ids->id[i] != id)
		i++;
	if (i == ids->n)
		return false;
	memmove(ids->id + 1, ids->id, i * sizeof(*ids->id));
	ids->id[0] = id;
	return true;
}

static size_t core_of(const struct mk_placer *p, uint64_t cpu)
{
	size_t at = mk_cpumap_find(&p->cpus, cpu);

	return at == SIZE_MAX ? SIZE_MAX : p->cpus.slot[at].first;
}

/*
 * Keeps n CPUs, in their order: the first one, which boots, and the cores that
 * stand first in the list, whole ones as far as that goes.
 */
static void keep_cores(struct mk_placer *p, struct mk_instance *x, size_t n)
{
	struct mk_ids *ids = &x->cpus.ids, kept = {0};
	size_t keys = p->cpus.n + ids->n, left = n;
	size_t *key = mk_arena_array(p->s->arena, ids->n, sizeof(*key));
	size_t *has = mk_arena_array(p->s->arena, keys, sizeof(*has));
	size_t *stay = mk_arena_array(p->s->arena, keys, sizeof(*stay));
	bool *seen = mk_arena_array(p->s->arena, keys, sizeof(*seen));

	for (size_t i = 0; i < ids->n; i++) { /* a CPU that is not known is a core of its own */
		size_t core = core_of(p, ids->id[i]);

		key[i] = core == SIZE_MAX ? p->cpus.n + i : core;
		has[key[i]]++;
	}
	for (int torn = 0; torn < 2; torn++)
		for (size_t i = 0; i < ids->n && left; i++) {
			size_t k = key[i], take = has[k] < left ? has[k] : left;

			if (seen[k] || (take < has[k] && i && !torn))
				continue;
			seen[k] = true;
			stay[k] = take;
			left -= take;
		}
	for (size_t i = 0; i < ids->n; i++)
		if (stay[key[i]]) {
			stay[key[i]]--;
			mk_ids_add(p->s->arena, &kept, ids->id[i]);
		}
	*ids = kept;
}

/* The CPUs that an update does not keep. */
int mk_place_give_back_cpus(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *list = mk_place_key(p, "cpus"),
			     *count = mk_place_key(p, "cpu-count");
	struct mk_ranges keep;
	struct mk_ids ids;
	uint64_t boot;
	size_t kept = 0;
	bool given;
	uint32_t n;

	if (list || count || mk_place_key(p, "boot-cpu")) /* one that is listed twice is one */
		x->cpus.ids = mk_ids_unique(p->s->arena, &x->cpus.ids);
	if (boot_cpu(p, &boot, &given))
		return MK_BAD;
	if (given && !list && !move_to_front(&x->cpus.ids, boot))
		kept = 1; /* room for one that comes */
	if (count) {
		if (mk_key_u32(p->s->arena, count, &n, p->err))
			return MK_BAD;
		if (n >= kept && n - kept < x->cpus.ids.n)
			keep_cores(p, x, n - kept);
	}
	if (!list)
		return MK_OK;
	if (mk_key_ids(p->s->arena, list, &ids, p->err))
		return MK_BAD;
	keep = mk_ranges_of(p->s->arena, &ids);
	kept = 0;
	for (size_t i = 0; i < x->cpus.ids.n; i++)
		if (mk_ranges_has(&keep, x->cpus.ids.id[i], x->cpus.ids.id[i]))
			x->cpus.ids.id[kept++] = x->cpus.ids.id[i];
	x->cpus.ids.n = kept;
	return MK_OK;
}

/* ------------------------------------------------------------ named CPUs */

/* Free CPUs that an instance may have, for a message. */
static struct mk_ids free_cpus(const struct mk_placer *p, const struct mk_instance *x, bool wanted)
{
	struct mk_ids ids = {0};

	for (size_t i = 0; i < p->cpus.free.n; i++)
		for (size_t k = (size_t)p->cpus.free.r[i].first; k <= p->cpus.free.r[i].last; k++)
			if (!wanted || mk_place_group_ok(p, x, p->cpus.slot[k].group))
				mk_ids_add(p->s->arena, &ids, p->cpus.slot[k].cpu);
	return mk_ids_sorted(p->s->arena, &ids);
}

static int cpu_refused(struct mk_placer *p, const struct mk_pair *at, uint64_t cpu,
		       const struct mk_instance *x)
{
	size_t place = mk_cpumap_find(&p->cpus, cpu);
	size_t holder = place == SIZE_MAX ? MK_CPU_NOBODY : p->cpus.slot[place].holder;
	unsigned long long id = cpu;
	struct mk_ids free = free_cpus(p, x, false), can = {0};

	for (size_t i = 0; i < x->cpus.ids.n; i++) /* and those that it has */
		mk_ids_add(p->s->arena, &can, x->cpus.ids.id[i]);
	for (size_t i = 0; i < free.n; i++)
		mk_ids_add(p->s->arena, &can, free.id[i]);
	if (holder == MK_CPU_HOST)
		mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is reserved for the host [MK402]", id);
	else if (holder < p->s->n_instances)
		mk_fail_at(p->err, MK_NO, at->at,
			   "CPU %llu belongs to %s, which has CPUs %s [MK404]", id,
			   p->s->instance[holder].name,
			   mk_ids_brief(p->s->arena, &p->s->instance[holder].cpus.ids, 8));
	else
		mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is not in the pool [MK403]", id);
	if (can.n)
		mk_hint(p->err, "CPUs that it can have: %s", mk_ids_brief(p->s->arena, &can, 8));
	return MK_NO;
}

/* A free CPU becomes one of x, if it is not already. */
static int take_named(struct mk_placer *p, const struct mk_pair *at, uint64_t id,
		      const struct mk_instance *x)
{
	size_t place = mk_cpumap_find(&p->cpus, id), me = (size_t)(x - p->s->instance);

	if (place != SIZE_MAX && p->cpus.slot[place].holder == me)
		return MK_OK;
	if (place == SIZE_MAX || p->cpus.slot[place].holder != MK_CPU_FREE)
		return cpu_refused(p, at, id, x);
	mk_cpumap_hold(&p->cpus, place, me);
	return MK_OK;
}

static int explicit_cpus(struct mk_placer *p, const struct mk_pair *at, struct mk_instance *x)
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
		int rc = mk_ranges_has(&own, ids.id[i], ids.id[i])
				 ? MK_OK
				 : take_named(p, at, ids.id[i], x);

		if (rc)
			return rc;
	}
	x->cpus = (struct mk_cpus){.ids = ids, .known = true, .where = x->cpus.where};
	return MK_OK;
}

/* boot-cpu= of one whose other CPUs are not named. */
static int explicit_boot(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = mk_place_key(p, "boot-cpu");
	uint64_t id;
	bool given;
	int rc = boot_cpu(p, &id, &given);

	if (rc || !given || move_to_front(&x->cpus.ids, id))
		return rc;
	if (!mk_place_key(p, "cpu-count")) {
		mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is none of %s's: it cannot boot there",
			   (unsigned long long)id, x->name);
		mk_hint(p->err, "it has CPUs %s", mk_ids_brief(p->s->arena, &x->cpus.ids, 8));
		return MK_NO;
	}
	rc = take_named(p, at, id, x);
	if (!rc) {
		mk_ids_add(p->s->arena, &x->cpus.ids, id);
		move_to_front(&x->cpus.ids, id);
		x->cpus.known = true;
	}
	return rc;
}

int mk_place_fixed_cpus(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *list = mk_place_key(p, "cpus"), *boot = mk_place_key(p, "boot-cpu");
	uint64_t id;
	bool given;
	int rc;

	if (!list)
		return explicit_boot(p, x);
	rc = explicit_cpus(p, list, x);
	if (!rc)
		rc = boot_cpu(p, &id, &given);
	if (!rc && given && !move_to_front(&x->cpus.ids, id))
		return mk_fail_at(p->err, MK_NO, boot->at,
				  "CPU %llu is not in the list: it cannot boot there",
				  (unsigned long long)id);
	return rc;
}

int mk_place_want_cpus(struct mk_placer *p, struct mk_instance *x, struct mk_demand *d)
{
	const struct mk_pair *count = mk_place_key(p, "cpu-count");
	uint32_t n;

	if (!count)
		return MK_OK;
	if (mk_key_u32(p->s->arena, count, &n, p->err))
		return MK_BAD;
	x->cpus.known = true;
	d->cpus_at = count;
	d->cpus = n > x->cpus.ids.n ? n - x->cpus.ids.n : 0;
	return MK_OK;
}

/* ------------------------------------------------------------ which nodes */

bool mk_place_group_ok(const struct mk_placer *p, const struct mk_instance *x, size_t group)
{
	uint32_t node = p->cpus.group[group].node;

	return !x->numa_nodes.n || (node != MK_NODE_ANY && mk_ids_has(&x->numa_nodes, node));
}

static int no_cpus(struct mk_placer *p, const struct mk_demand *d)
{
	const struct mk_instance *x = &p->s->instance[d->me];
	const char *where = x->numa_nodes.n ? " on the nodes it wants" : "";
	struct mk_ids free = free_cpus(p, x, true);
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
