/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: CPUs that a request asks for. What an instance keeps, what is named
 * and taken, and how many more it leaves open; which those are is not decided
 * here.
 */
#include <string.h>

#include "arena.h"
#include "keys.h"
#include "place_int.h"

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

static int cpu_refused(struct mk_placer *p, const struct mk_pair *at, uint64_t cpu,
		       const struct mk_instance *x)
{
	size_t place = mk_cpumap_find(&p->cpus, cpu);
	size_t holder = place == SIZE_MAX ? MK_CPU_NOBODY : p->cpus.slot[place].holder;
	unsigned long long id = cpu;
	struct mk_ids free = mk_place_free_cpus(p, x, false), can = {0};

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
