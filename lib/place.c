/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: the course of a batch. What is given back comes first, then what
 * requests name, then what they leave open: one demand after the other, and
 * all of them at once where that fails.
 */
#include "place_int.h"

#include <stdarg.h>
#include <string.h>

#include "arena.h"
#include "keys.h"
#include "num.h"
#include "sort.h"

const struct mk_pair *mk_place_key(const struct mk_placer *p, const char *name)
{
	return mk_record_get(&p->r->rec, name);
}

bool mk_place_says(const char *wish, const char *word)
{
	return wish && !strcmp(wish, word);
}

void mk_place_why(struct mk_placer *p, const struct mk_instance *x, const char *fmt, ...)
{
	va_list ap;

	if (!p->opts->why)
		return;
	va_start(ap, fmt);
	mk_diag_add(p->opts->why, MK_NOTE, NULL, p->r->rec.at, "%s: %s", x->name,
		    mk_arena_vfmt(p->s->arena, fmt, ap));
	va_end(ap);
}

const char *mk_place_nodes_text(struct mk_placer *p, const struct mk_ids *nodes)
{
	return mk_arena_fmt(p->s->arena, "NUMA node%s %s", nodes->n == 1 ? "" : "s",
			    mk_ids_brief(p->s->arena, nodes, 8));
}

int mk_place_node_known(struct mk_placer *p, const struct mk_pair *at, uint64_t node)
{
	if (node == MK_NODE_ANY)
		return MK_OK;
	for (size_t i = 0; i < p->s->n_numa; i++)
		if (p->s->numa[i].id == node)
			return MK_OK;
	for (size_t i = 0; i < p->s->chunks.n; i++)
		if (p->s->chunks.m[i].node == node)
			return MK_OK;
	mk_fail_at(p->err, MK_NO, at->at, "the machine does not describe a NUMA node %llu [MK701]",
		   (unsigned long long)node);
	mk_hint(p->err,
		p->s->n_numa ? "mk-show lists the nodes" : "it describes no NUMA nodes at all");
	return MK_NO;
}

/* ------------------------------------------------------------ wishes and options */

static int wishes(struct mk_placer *p, struct mk_instance *x)
{
	struct mk_arena *a = p->s->arena;
	const struct mk_pair *nodes = mk_place_key(p, "numa-nodes"),
			     *affinity = mk_place_key(p, "cpu-affinity"),
			     *policy = mk_place_key(p, "memory-policy");

	if (nodes && mk_key_ids(a, nodes, &x->numa_nodes, p->err))
		return MK_BAD;
	for (size_t i = 0; nodes && i < x->numa_nodes.n; i++)
		if (mk_place_node_known(p, nodes, x->numa_nodes.id[i]))
			return MK_NO;
	if (affinity)
		x->affinity = mk_record_text(a, affinity);
	if (policy)
		x->policy = mk_record_text(a, policy);
	if (policy && !strcmp(x->policy, "bind") && !x->numa_nodes.n) {
		mk_fail_at(p->err, MK_NO, policy->at, "%s binds its memory to no NUMA node [MK702]",
			   x->name);
		mk_hint(p->err, "numa-nodes= names them");
		return MK_NO;
	}
	return MK_OK;
}

/* options { } and uring { } of a new instance, as nodes of a tree of their own. */
static int options(struct mk_placer *p, struct mk_instance *x)
{
	static const char *const uring[] = {"uring-sq-entries", "uring-cq-entries",
					    "uring-shim-data-pages"};
	const struct mk_pair *kcore = mk_place_key(p, "enable-host-kcore");
	struct mk_tree *t = mk_arena_alloc(p->s->arena, sizeof(*t));
	struct mk_node *n;
	bool yes = false;

	mk_tree_init(t, p->s->arena);
	mk_add_node(t, NULL, "");
	if (kcore && mk_key_flag(p->s->arena, kcore, &yes, p->err))
		return MK_BAD;
	if (yes) {
		n = mk_add_node(t, t->root, "options");
		mk_add_empty(t, n, "enable-host-kcore");
		x->options = n;
	}
	for (size_t i = 0; i < sizeof(uring) / sizeof(uring[0]); i++) {
		const struct mk_pair *at = mk_place_key(p, uring[i]);
		uint32_t v;

		if (!at)
			continue;
		if (mk_key_u32(p->s->arena, at, &v, p->err))
			return MK_BAD;
		n = mk_child(t, t->root, "uring");
		if (!n)
			n = mk_add_node(t, t->root, "uring");
		mk_add_u32(t, n, uring[i] + strlen("uring-"), v);
		x->uring = n;
	}
	return MK_OK;
}

static void all_ids(struct mk_placer *p)
{
	p->by_id = mk_arena_array(p->s->arena, MK_ID_MAX + 1, sizeof(*p->by_id));
	for (size_t i = p->s->n_instances; i--;) {
		const struct mk_instance *x = &p->s->instance[i];

		if (x->has_id && x->id <= MK_ID_MAX)
			p->by_id[x->id] = i + 1;
	}
}

static int instance_id(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = mk_place_key(p, "id");
	size_t holder;

	if (!at)
		return MK_OK;
	if (mk_key_u32(p->s->arena, at, &x->id, p->err))
		return MK_BAD;
	if (!p->by_id)
		all_ids(p);
	holder = p->by_id[x->id];
	if (holder) {
		uint32_t free = MK_ID_MIN;

		mk_fail_at(p->err, MK_NO, at->at, "id %u belongs to %s [MK304]", x->id,
			   p->s->instance[holder - 1].name);
		while (free <= MK_ID_MAX && p->by_id[free])
			free++;
		if (free <= MK_ID_MAX)
			mk_hint(p->err, "id %u is free; without id= the kernel chooses", free);
		return MK_NO;
	}
	p->by_id[x->id] = (size_t)(x - p->s->instance) + 1;
	x->has_id = true;
	return MK_OK;
}

/* ------------------------------------------------------------ verbs */

/* A new instance that has nothing yet. */
static int announce(struct mk_placer *p)
{
	const struct mk_record *rec = &p->r->rec;
	struct mk_instance *x = mk_instance_find(p->s, rec->subject);

	if (x) {
		mk_fail_at(p->err, MK_NO, rec->subject_at,
			   "there is an instance '%s' already [MK302]", x->name);
		mk_hint(p->err, "change it with update, or choose another name");
		return MK_NO;
	}
	mk_instance_add(p->s, rec->subject);
	return MK_OK;
}

static int no_instance(struct mk_placer *p)
{
	const struct mk_record *rec = &p->r->rec;
	const char *best = mk_instance_nearest(p->s, rec->subject);

	mk_fail_at(p->err, MK_NO, rec->subject_at, "there is no instance '%s'", rec->subject);
	if (best)
		mk_hint(p->err, "did you mean %s?", best);
	return MK_NO;
}

static int delete (struct mk_placer *p)
{
	const struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);

	if (!x)
		return no_instance(p);
	if (mk_place_says(x->status, "active") || mk_place_says(x->status, "loaded")) {
		mk_fail_at(p->err, MK_NO, p->r->rec.subject_at,
			   "%s is %s: the kernel deletes what is ready", x->name, x->status);
		mk_hint(p->err, "halt and unload it first");
		return MK_NO;
	}
	p->gone[x - p->s->instance] = true;
	return MK_OK;
}

/* Those that are gone, all at once. */
static void drop_deleted(struct mk_placer *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->s->n_instances; i++)
		if (!p->gone[i])
			p->s->instance[kept++] = p->s->instance[i];
	p->s->n_instances = kept;
	p->gone = NULL;
	mk_state_index(p->s);
}

/* What an update makes smaller, before anything is made larger: so things can be exchanged. */
static int give_back(struct mk_placer *p)
{
	struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);
	int rc;

	if (!x)
		return no_instance(p);
	rc = mk_place_give_back_cpus(p, x);
	if (!rc)
		rc = mk_place_give_back_memory(p, x);
	return rc ? rc : mk_place_give_back_devices(p, x);
}

/* What a request names; what it does not name becomes a demand. */
static int take_named(struct mk_placer *p)
{
	struct mk_instance *x = mk_instance_find(p->s, p->r->rec.subject);
	bool creates = !strcmp(p->r->rec.verb, "create");
	struct mk_demand d = {.r = p->r, .me = (size_t)(x - p->s->instance)};
	int rc = creates ? instance_id(p, x) : MK_OK;

	if (!rc && creates)
		rc = wishes(p, x);
	if (!rc && creates)
		rc = options(p, x);
	if (!rc)
		rc = mk_place_fixed_cpus(p, x);
	if (!rc)
		rc = mk_place_fixed_memory(p, x);
	if (!rc)
		rc = mk_place_devices(p, x);
	if (!rc)
		rc = mk_place_want_cpus(p, x, &d);
	if (!rc)
		rc = mk_place_want_memory(p, x, &d);
	if (rc || (!d.cpus && !d.n_mem))
		return rc;
	d.bound = d.bound || x->numa_nodes.n;
	d.had_cpus = x->cpus.ids.n;
	d.had_mem = x->mem.n;
	p->demand = mk_arena_more(p->s->arena, p->demand, p->n_demands, &p->demands_cap,
				  sizeof(*p->demand));
	p->demand[p->n_demands++] = d;
	return MK_OK;
}

/* ------------------------------------------------------------ a batch */

static int twice(struct mk_placer *p, const struct mk_batch *batch)
{
	struct mk_names seen = {.arena = p->s->arena};

	for (const struct mk_request *r = batch->first; r; r = r->next) {
		/* the pool may get and lose in one batch */
		const char *what = r->rec.special ? mk_arena_fmt(p->s->arena, "@ %s", r->rec.verb)
						  : r->rec.subject;
		uint32_t *mark = mk_name_mark(mk_intern(&seen, what, strlen(what)));

		if (*mark) {
			mk_fail_at(p->err, MK_BAD, r->rec.at,
				   "a second request about '%s' in one batch", r->rec.subject);
			mk_hint(p->err, "a batch is a set: say in one request what shall be");
			return MK_BAD;
		}
		*mark = 1;
	}
	return MK_OK;
}

/* The order in which a batch is gone through is its own, not that in which it was written. */
enum phase { PHASE_DELETE, PHASE_POOL_REMOVE, PHASE_POOL_ADD, PHASE_UPDATE, PHASE_CREATE };

struct turn {
	const struct mk_request *r;
	enum phase phase;
};

static int by_name(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;
	int d = strcmp(a->r->rec.subject, b->r->rec.subject);

	return d ? d : (a->phase > b->phase) - (a->phase < b->phase);
}

static struct turn turn_of(const struct mk_request *r)
{
	static const struct {
		const char *verb;
		enum phase phase;
	} phases[] = {{"delete", PHASE_DELETE},
		      {"pool-remove", PHASE_POOL_REMOVE},
		      {"pool-add", PHASE_POOL_ADD},
		      {"update", PHASE_UPDATE},
		      {"create", PHASE_CREATE}};
	size_t i = 0;

	while (strcmp(phases[i].verb, r->rec.verb) != 0)
		i++;
	return (struct turn){r, phases[i].phase};
}

/* What all requests of a phase do, by name. */
static int each_turn(struct mk_placer *p, const struct turn *turn, size_t n, enum phase phase,
		     int (*act)(struct mk_placer *p))
{
	int rc = MK_OK;

	for (size_t i = 0; !rc && i < n; i++) {
		p->r = turn[i].r;
		if (turn[i].phase == phase)
			rc = act(p);
	}
	return rc;
}

/*
 * Those with wishes before those that go anywhere; what exists before what is
 * new; then what takes most.
 */
static int by_need(const void *x, const void *y)
{
	const struct mk_demand *a = x, *b = y;
	bool new = !a->had_cpus && !a->had_mem, other_new = !b->had_cpus && !b->had_mem;

	if (a->bound != b->bound)
		return a->bound ? -1 : 1;
	if (new != other_new)
		return new ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->cpus != b->cpus)
		return a->cpus > b->cpus ? -1 : 1;
	return strcmp(a->r->rec.subject, b->r->rec.subject);
}

void mk_place_begin(struct mk_placer *p)
{
	for (size_t i = 0; i < p->n_demands; i++) {
		struct mk_instance *x = &p->s->instance[p->demand[i].me];

		x->cpus.ids.n = p->demand[i].had_cpus;
		x->mem.n = p->demand[i].had_mem;
	}
	if (p->opts->why) /* what was said of choices that were given up */
		mk_diags_init(p->opts->why, p->opts->why->arena);
	mk_cpumap_init(&p->cpus, p->s);
	mk_memmap_init(&p->mem, p->s);
}

/* The same, but that what takes most CPUs goes before what takes most memory. */
static int by_cpus(const void *x, const void *y)
{
	const struct mk_demand *a = x, *b = y;

	if (a->bound != b->bound)
		return a->bound ? -1 : 1;
	if (a->cpus != b->cpus)
		return a->cpus > b->cpus ? -1 : 1;
	return by_need(x, y);
}

static int one_by_one(struct mk_placer *p, int (*order)(const void *, const void *))
{
	int rc = MK_OK;

	mk_sort(p->demand, p->n_demands, sizeof(*p->demand), order);
	for (size_t i = 0; !rc && i < p->n_demands; i++) {
		p->r = p->demand[i].r;
		rc = mk_place_open_cpus(p, &p->demand[i]);
		if (!rc)
			rc = mk_place_open_memory(p, &p->demand[i]);
	}
	return rc;
}

/* How often an instance that was not to be spread has CPUs of one more node. */
static size_t torn(struct mk_placer *p)
{
	size_t *seen = mk_arena_array(p->s->arena, p->cpus.n_groups + 1, sizeof(*seen)), n = 0;

	for (size_t i = 0; i < p->n_demands; i++) {
		const struct mk_instance *x = &p->s->instance[p->demand[i].me];
		size_t groups = 0;

		for (size_t k = 0; k < x->cpus.ids.n; k++) {
			size_t at = mk_cpumap_find(&p->cpus, x->cpus.ids.id[k]);
			size_t group = at == SIZE_MAX ? p->cpus.n_groups : p->cpus.slot[at].group;

			groups += seen[group] != i + 1;
			seen[group] = i + 1;
		}
		if (groups > 1 && !mk_place_says(x->affinity, "spread"))
			n += groups - 1;
	}
	return n;
}

/* One by one; in another order if that fails or tears an instance; then all at once. */
static int place_open(struct mk_placer *p)
{
	int rc = one_by_one(p, by_need);
	struct mk_err first = *p->err;
	const struct mk_request *at = p->r;
	size_t n = rc ? SIZE_MAX : torn(p);

	if ((rc && rc != MK_NO) || !n || p->n_demands < 2)
		return rc == MK_NO ? mk_place_exactly(p) : rc;
	mk_place_begin(p);
	if (!one_by_one(p, by_cpus) && torn(p) < n)
		return MK_OK;
	mk_place_begin(p);
	if (!rc)
		return one_by_one(p, by_need);
	mk_sort(p->demand, p->n_demands, sizeof(*p->demand), by_need);
	*p->err = first;
	p->r = at;
	return mk_place_exactly(p);
}

int mk_place(struct mk_state *s, const struct mk_batch *batch, const struct mk_place_options *opts,
	     struct mk_err *err)
{
	struct mk_placer p = {.s = s, .err = err, .opts = opts};
	struct turn *turn = mk_arena_array(s->arena, batch->n + 1, sizeof(*turn));
	int rc = twice(&p, batch);
	size_t n = 0;

	mk_arena_init(&p.scratch, s->arena->oom);
	mk_ledger_init(&p.devices, s);
	mk_cpumap_init(&p.cpus, s); /* for its cores; who has which CPU is counted below */
	p.gone = mk_arena_array(s->arena, s->n_instances, sizeof(*p.gone));
	for (const struct mk_request *r = batch->first; r; r = r->next)
		turn[n++] = turn_of(r);
	mk_sort(turn, n, sizeof(*turn), by_name);
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_DELETE, delete);
	if (!rc) {
		drop_deleted(&p);
		rc = each_turn(&p, turn, n, PHASE_CREATE, announce);
		mk_state_index(s); /* new instances stand by name, all of them behind the old ones */
	}
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_UPDATE, give_back);
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_POOL_REMOVE, mk_place_pool_remove);
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_POOL_ADD, mk_place_pool_add);
	mk_place_begin(&p);
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_UPDATE, take_named);
	if (!rc)
		rc = each_turn(&p, turn, n, PHASE_CREATE, take_named);
	if (!rc)
		rc = place_open(&p);
	s->has_instances = true; /* from now on the state says what there is */
	mk_arena_free(&p.scratch);
	return rc;
}
