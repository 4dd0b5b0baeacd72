/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: all demands at once. CPUs are a question of flow, which is answered
 * exactly. Memory that must lie in one piece is a packing of blocks: a search
 * in depth, the largest piece first, that counts the blocks it looks at. Its
 * end without a solution is a proof, unless something was left out of it.
 */
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "flow.h"
#include "num.h"
#include "place_int.h"
#include "sort.h"

/* A block of free memory; with a kernel that places memory itself, all that a node has. */
struct bin {
	uint64_t low, left;
	size_t node; /* index into p->mem.node[]; SIZE_MAX: it may lie on several */
};

/* A piece of a demand, and where it is put. */
struct item {
	const struct mk_want *w;
	const struct mk_demand *d;
	const bool *ok; /* by memory node; NULL for any */
	bool local;	/* the node must have CPUs of it */
	size_t bin;	/* SIZE_MAX: none is tried yet */
	uint64_t low, left; /* of the bin before */
};

struct search {
	struct mk_placer *p;
	struct item *item;
	size_t n;
	struct bin *bin;
	size_t bins;
	uint64_t steps;	   /* that are left */
	uint64_t smallest; /* of the items */
	uint64_t wanted;   /* bytes that are not placed yet */
	uint64_t usable;   /* bytes of bins that can still hold the smallest */
	size_t last_local;  /* item */
	uint64_t *reserved; /* CPUs that local memory wants, by group, at least */
	bool out_of_steps;
	bool whole; /* local memory wants all open CPUs of its instance on its node, not only one */
	bool spread_over; /* more bytes are wanted than all nodes together have */
	struct mk_arena scratch; /* for flows that are asked for again and again */
};

/* ------------------------------------------------------------ CPUs as a flow */

/* A demand, or all those that CPUs of any node suit; and local memory that wants one of a node. */
struct cpu_flow {
	struct mk_flow f;
	size_t any;	    /* the demand for all that go anywhere, the last one */
	size_t *local;	    /* group by demand, SIZE_MAX for none */
	bool overcommitted; /* local memory wants more CPUs than a demand has */
};

/* The nodes on which local memory was put that has no CPU there yet. */
static void local_groups(struct search *s, struct cpu_flow *c)
{
	const struct mk_placer *p = s->p;

	c->local = mk_arena_array(&s->scratch, p->n_demands + 1, sizeof(*c->local));
	for (size_t i = 0; i < p->n_demands; i++)
		c->local[i] = SIZE_MAX;
	for (size_t i = 0; i < s->n; i++) {
		const struct item *x = &s->item[i];
		size_t d = (size_t)(x->d - p->demand), group;
		const struct mk_ids *own = &p->s->instance[x->d->me].cpus.ids;
		bool there = false;

		if (!x->local || x->bin == SIZE_MAX)
			continue;
		group = mk_cpumap_group(&p->cpus, p->mem.node[s->bin[x->bin].node].node);
		for (size_t k = 0; k < x->d->had_cpus; k++) {
			size_t at = mk_cpumap_find(&p->cpus, own->id[k]);

			there = there || (at != SIZE_MAX && p->cpus.slot[at].group == group);
		}
		if (there)
			continue;
		/* pieces on two nodes want a CPU of each: one is asked for here, see below */
		if (group == SIZE_MAX || (c->local[d] != SIZE_MAX && c->local[d] != group))
			c->overcommitted = true;
		c->local[d] = group;
	}
}

static bool cpus_flow(struct search *s, struct cpu_flow *c)
{
	const struct mk_placer *p = s->p;
	size_t n = p->n_demands, groups = p->cpus.n_groups;
	uint64_t any = 0;

	*c = (struct cpu_flow){.any = 2 * n};
	mk_arena_reset(&s->scratch);
	local_groups(s, c);
	mk_flow_init(&c->f, &s->scratch, 2 * n + 1, groups);
	for (size_t i = 0; i < n; i++) {
		const struct mk_demand *d = &p->demand[i];
		const struct mk_instance *x = &p->s->instance[d->me];
		size_t want = d->cpus;

		if (c->local[i] != SIZE_MAX) {
			size_t there = s->whole ? want : want > 0;

			c->overcommitted = c->overcommitted || !want ||
					   !mk_place_group_ok(p, x, c->local[i]);
			want -= there;
			mk_flow_demand(&c->f, n + i, there ? there : 1);
			mk_flow_allow(&c->f, n + i, c->local[i]);
		}
		if (!x->numa_nodes.n) {
			any += want;
			continue;
		}
		mk_flow_demand(&c->f, i, want);
		for (size_t g = 0; g < groups; g++)
			if (mk_place_group_ok(p, x, g))
				mk_flow_allow(&c->f, i, g);
	}
	mk_flow_demand(&c->f, c->any, any);
	for (size_t g = 0; g < groups; g++) {
		mk_flow_source(&c->f, g, p->cpus.group[g].free);
		mk_flow_allow(&c->f, c->any, g);
	}
	return mk_flow_run(&c->f) && !c->overcommitted;
}

/* "a, b and 3 more": names of demands, each once if its own follow each other. */
enum { NAMES_SHOWN = 6 };

struct names {
	struct mk_buf text;
	const struct mk_demand *last;
	size_t n;
};

static void name(const struct mk_placer *p, struct names *l, const struct mk_demand *d)
{
	if (!l->text.arena)
		mk_buf_init(&l->text, p->s->arena);
	if (d == l->last)
		return;
	l->last = d;
	if (l->n++ < NAMES_SHOWN)
		mk_buf_fmt(&l->text, "%s%s", l->n > 1 ? ", " : "", p->s->instance[d->me].name);
}

static const char *names_text(struct names *l)
{
	if (l->n > NAMES_SHOWN)
		mk_buf_fmt(&l->text, " and %zu more", l->n - NAMES_SHOWN);
	return mk_buf_cstr(&l->text);
}

static const char *want_text(const struct names *l)
{
	return l->n == 1 ? "wants" : "together want";
}

static int no_cpus_for_all(struct mk_placer *p, const struct cpu_flow *c)
{
	struct mk_ids nodes = {0};
	uint64_t want = 0, have = 0;
	bool nodeless = false, all = true;
	struct names who = {.n = 0};
	const char *where = "";

	for (size_t i = 0; i < p->n_demands; i++) {
		const struct mk_instance *x = &p->s->instance[p->demand[i].me];

		if (!p->demand[i].cpus ||
		    !mk_flow_short_demand(&c->f, x->numa_nodes.n ? i : c->any))
			continue;
		want += p->demand[i].cpus;
		name(p, &who, &p->demand[i]);
	}
	for (size_t g = 0; g < p->cpus.n_groups; g++) {
		if (!mk_flow_short_source(&c->f, g)) {
			all = all && !p->cpus.group[g].free;
			continue;
		}
		have += p->cpus.group[g].free;
		nodeless = nodeless || p->cpus.group[g].node == MK_NODE_ANY;
		if (p->cpus.group[g].node != MK_NODE_ANY)
			mk_ids_add(p->s->arena, &nodes, p->cpus.group[g].node);
	}
	if (!all && !nodeless)
		where = mk_arena_fmt(p->s->arena, " of %s", mk_place_nodes_text(p, &nodes));
	mk_fail_at(p->err, MK_NO, p->r->rec.at,
		   "%s %s %llu CPUs%s, and %llu are free", names_text(&who), want_text(&who),
		   (unsigned long long)want, where, (unsigned long long)have);
	mk_hint(p->err, "%llu CPU%s short: ask for fewer%s", (unsigned long long)(want - have),
		want - have == 1 ? "" : "s", who.n == 1 ? "" : ", or let some go elsewhere");
	return MK_NO;
}

/* ------------------------------------------------------------ memory, bytes alone */

static bool *nodes_ok(const struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w)
{
	bool *ok = mk_arena_array(p->s->arena, p->mem.n + 1, sizeof(*ok));

	for (size_t i = 0; i < p->mem.n; i++)
		ok[i] = mk_place_node_ok(p, d, w, p->mem.node[i].node);
	return ok;
}

static bool goes_anywhere(const struct mk_placer *p, const struct mk_demand *d,
			  const struct mk_want *w)
{
	return w->node == MK_NODE_ANY && !p->s->instance[d->me].numa_nodes.n;
}

/* Whether there are as many bytes as all demands want, on nodes that they may be on. */
static bool bytes_flow(struct search *s, struct mk_flow *f)
{
	const struct mk_placer *p = s->p;
	uint64_t any = 0, sum = 0; /* all that go anywhere are one demand, the last */

	mk_flow_init(f, p->s->arena, s->n + 1, p->mem.n);
	for (size_t i = 0; i < s->n; i++) {
		s->spread_over = s->spread_over || !mk_num_add(sum, s->item[i].w->size, &sum);
		if (!s->item[i].ok) {
			any += s->item[i].w->size;
			continue;
		}
		mk_flow_demand(f, i, s->item[i].w->size);
		for (size_t k = 0; k < p->mem.n; k++)
			if (s->item[i].ok[k])
				mk_flow_allow(f, i, k);
	}
	mk_flow_demand(f, s->n, any);
	/* memory that is given away without node or address may be of any node */
	s->spread_over = s->spread_over || sum > mk_memmap_bytes(&p->mem, MK_NODE_ANY);
	for (size_t k = 0; k < p->mem.n; k++) {
		const struct mk_mem_node *n = &p->mem.node[k];

		mk_flow_allow(f, s->n, k);
		mk_flow_source(f, k, n->have > n->taken ? n->have - n->taken : 0);
	}
	return !s->spread_over && mk_flow_run(f);
}

static int no_bytes_for_all(const struct search *s, const struct mk_flow *f)
{
	struct mk_placer *p = s->p;
	struct mk_ids nodes = {0};
	uint64_t want = 0, have = 0;
	struct names who = {.n = 0};
	bool all = true;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->spread_over && !mk_flow_short_demand(f, s->item[i].ok ? i : s->n))
			continue;
		want = mk_num_plus(want, s->item[i].w->size);
		name(p, &who, s->item[i].d);
	}
	for (size_t k = 0; k < p->mem.n; k++) {
		const struct mk_mem_node *x = &p->mem.node[k];
		uint64_t here = x->have > x->taken ? x->have - x->taken : 0;

		if (!s->spread_over && !mk_flow_short_source(f, k)) {
			all = all && !here;
			continue;
		}
		have += here;
		if (x->node != MK_NODE_ANY)
			mk_ids_add(p->s->arena, &nodes, x->node);
	}
	have = s->spread_over ? mk_memmap_bytes(&p->mem, MK_NODE_ANY) : have;
	mk_fail_at(p->err, MK_NO, p->r->rec.at,
		   "%s %s %s of memory%s%s, and %s are free [MK507]", names_text(&who),
		   want_text(&who),
		   mk_num_size_text(p->s->arena, want), all || !nodes.n ? "" : " on ",
		   all || !nodes.n ? "" : mk_place_nodes_text(p, &nodes),
		   mk_num_size_text(p->s->arena, have));
	mk_hint(p->err, "%s short: ask for less%s", mk_num_size_text(p->s->arena, want - have),
		who.n == 1 ? "" : ", or let some go elsewhere");
	return MK_NO;
}

/* ------------------------------------------------------------ memory, in pieces */

/* The one with the larger unit first, then the larger; equals as their demands stand. */
static int by_size(const void *x, const void *y)
{
	const struct item *a = x, *b = y;

	if (a->w->align != b->w->align)
		return a->w->align > b->w->align ? -1 : 1;
	if (a->w->size != b->w->size)
		return a->w->size > b->w->size ? -1 : 1;
	if (a->d != b->d)
		return a->d < b->d ? -1 : 1;
	return a->w < b->w ? -1 : a->w > b->w;
}

static void collect_items(struct search *s)
{
	struct mk_placer *p = s->p;
	size_t n = 0;

	for (size_t i = 0; i < p->n_demands; i++)
		n += p->demand[i].n_mem;
	s->item = mk_arena_array(p->s->arena, n, sizeof(*s->item));
	for (size_t i = 0; i < p->n_demands; i++) {
		const struct mk_demand *d = &p->demand[i];
		const bool *ok = NULL;

		for (size_t k = 0; k < d->n_mem; k++) {
			const struct mk_want *w = &d->mem[k];

			if (goes_anywhere(p, d, w))
				ok = NULL;
			else if (!ok || w->node != MK_NODE_ANY)
				ok = nodes_ok(p, d, w);
			s->item[s->n++] = (struct item){.w = w,
							.d = d,
							.ok = ok,
							.local = mk_place_is_local(p, d, w),
							.bin = SIZE_MAX};
		}
	}
	mk_sort(s->item, s->n, sizeof(*s->item), by_size);
}

/* Bytes from there to the next multiple. */
static uint64_t to_unit(uint64_t low, uint64_t align)
{
	uint64_t over = low % align;

	return over ? align - over : 0;
}

static void add_bin(struct search *s, uint64_t base, uint64_t size, size_t node, bool bytes)
{
	uint64_t skip = to_unit(base, MK_PAGE_BYTES);

	if (!bytes && size <= skip)
		return;
	if (!bytes) {
		base += skip;
		size = (size - skip) / MK_PAGE_BYTES * MK_PAGE_BYTES;
	}
	if (size)
		s->bin[s->bins++] = (struct bin){base, size, node};
}

/* The blocks of each node; or, where pieces may lie anywhere, those across nodes. */
static void collect_bins(struct search *s, bool whole)
{
	const struct mk_memmap *m = &s->p->mem;
	const struct mk_spaces *l = whole ? &m->whole : &m->piece;

	s->bins = 0;
	s->bin = mk_arena_array(s->p->s->arena, l->n + m->n, sizeof(*s->bin));
	if (s->p->s->abi != 2) {
		for (size_t i = 0; i < l->n; i++)
			add_bin(s, l->at[i].base, l->at[i].size, whole ? SIZE_MAX : l->at[i].node,
				false);
		return;
	}
	for (size_t i = 0; i < m->n; i++)
		add_bin(s, 0, m->node[i].have > m->node[i].taken ? m->node[i].have - m->node[i].taken : 0,
			i, true);
}

static bool fits(const struct search *s, const struct item *x, const struct bin *b, uint64_t *skip)
{
	*skip = s->p->s->abi == 2 ? 0 : to_unit(b->low, x->w->align);
	return b->left >= x->w->size && b->left - x->w->size >= *skip &&
	       (!x->ok || b->node == SIZE_MAX || x->ok[b->node]);
}

static uint64_t usable(const struct search *s, uint64_t left)
{
	return left >= s->smallest ? left : 0;
}

/* Whether a piece can be exchanged for the one before it. */
static bool alike(const struct item *x, const struct item *y)
{
	return x->w->size == y->w->size && x->w->align == y->w->align && !x->local && !y->local &&
	       (x->ok == y->ok);
}

/*
 * The next bin for a piece: the fullest first, which is the best fit. Bins of a
 * node that are as full as the one that was tried are no other choice; nor is
 * one before that of a piece that is alike.
 */
static size_t next_bin(struct search *s, size_t at)
{
	const struct item *x = &s->item[at];
	size_t best = SIZE_MAX, from = 0;
	uint64_t skip;

	if (at && alike(x, &s->item[at - 1]))
		from = s->item[at - 1].bin;
	if (s->steps < s->bins) {
		s->out_of_steps = true;
		return SIZE_MAX;
	}
	s->steps -= s->bins;
	for (size_t i = from; i < s->bins; i++) {
		const struct bin *b = &s->bin[i];

		if (!fits(s, x, b, &skip))
			continue;
		if (x->bin != SIZE_MAX &&
		    (b->left < x->left ||
		     (b->left == x->left && b->node <= s->bin[x->bin].node)))
			continue;
		if (best == SIZE_MAX || b->left < s->bin[best].left ||
		    (b->left == s->bin[best].left && b->node < s->bin[best].node))
			best = i;
	}
	return best;
}

/* Local memory in one piece of an instance that has no CPU yet takes them along. */
static void reserve(struct search *s, const struct item *x, bool back)
{
	uint64_t n = s->whole ? x->d->cpus : 1;
	size_t g;

	if (!x->local || x->d->n_mem > 1 || x->d->had_cpus)
		return;
	g = mk_cpumap_group(&s->p->cpus, s->p->mem.node[s->bin[x->bin].node].node);
	if (g != SIZE_MAX)
		s->reserved[g] += back ? -n : n;
}

static void put(struct search *s, struct item *x, size_t bin)
{
	struct bin *b = &s->bin[bin];
	uint64_t skip;

	fits(s, x, b, &skip);
	x->bin = bin;
	x->low = b->low;
	x->left = b->left;
	s->usable -= usable(s, b->left);
	b->low += skip + x->w->size;
	b->left -= skip + x->w->size;
	s->usable += usable(s, b->left);
	s->wanted -= x->w->size;
	reserve(s, x, false);
}

static void take_back(struct search *s, struct item *x)
{
	struct bin *b = &s->bin[x->bin];

	s->usable -= usable(s, b->left);
	b->low = x->low;
	b->left = x->left;
	s->usable += usable(s, b->left);
	s->wanted += x->w->size;
	reserve(s, x, true);
}

/* Whether CPUs can follow the local memory that was placed so far. */
static bool cpus_follow(struct search *s, const struct item *x)
{
	struct cpu_flow c;
	uint64_t cost = (uint64_t)(s->p->n_demands + 1) * (s->p->cpus.n_groups + 1);

	if (!x->local)
		return true;
	if (x != &s->item[s->last_local]) { /* all of it once, at the last one; before, a count */
		size_t g = mk_cpumap_group(&s->p->cpus,
					   s->p->mem.node[s->bin[x->bin].node].node);

		return g == SIZE_MAX ? x->d->had_cpus > 0
				     : s->reserved[g] <= s->p->cpus.group[g].free;
	}
	if (s->steps < cost) {
		s->out_of_steps = true;
		return false;
	}
	s->steps -= cost;
	return cpus_flow(s, &c);
}

static bool pack(struct search *s)
{
	size_t at = 0;

	s->wanted = s->usable = 0;
	s->smallest = UINT64_MAX;
	s->reserved = mk_arena_array(s->p->s->arena, s->p->cpus.n_groups, sizeof(*s->reserved));
	for (size_t i = 0; i < s->n; i++) {
		s->item[i].bin = SIZE_MAX;
		if (s->item[i].local)
			s->last_local = i;
		s->wanted = mk_num_plus(s->wanted, s->item[i].w->size);
		if (s->item[i].w->size < s->smallest)
			s->smallest = s->item[i].w->size;
	}
	for (size_t i = 0; i < s->bins; i++)
		s->usable += usable(s, s->bin[i].left);
	while (at < s->n) {
		struct item *x = &s->item[at];
		size_t bin = s->wanted <= s->usable ? next_bin(s, at) : SIZE_MAX;

		if (bin != SIZE_MAX) {
			put(s, x, bin);
			if (cpus_follow(s, x)) {
				at++;
				if (at < s->n)
					s->item[at].bin = SIZE_MAX;
				continue;
			}
			take_back(s, x); /* and the next bin */
			if (!s->out_of_steps)
				continue;
		}
		if (s->out_of_steps || !at)
			return false;
		x->bin = SIZE_MAX;
		take_back(s, &s->item[--at]);
	}
	return true;
}

/* ------------------------------------------------------------ what was left out */

/* Memory without wishes may lie across nodes: the search by node says nothing of that. */
static bool nodes_touch(const struct search *s)
{
	if (s->p->s->abi == 2 || s->p->mem.whole.n == s->p->mem.piece.n)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (!s->item[i].ok && !s->item[i].local)
			return true;
	return false;
}

static bool all_go_anywhere(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->item[i].ok || s->item[i].local)
			return false;
	return true;
}

/* Memory that is bound to several nodes may be split over them; the search keeps it in one piece. */
static bool may_split(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->item[i].w->node == MK_NODE_ANY &&
		    mk_place_says(s->p->s->instance[s->item[i].d->me].policy, "bind") &&
		    s->p->s->instance[s->item[i].d->me].numa_nodes.n > 1)
			return true;
	return false;
}

/* Blocks that begin within a unit lose their beginning to those that want whole units. */
static bool is_uneven(const struct search *s)
{
	if (s->p->s->abi == 2)
		return false;
	for (size_t i = 0; i < s->n && s->item[i].w->align != MK_PAGE_BYTES; i++)
		for (size_t k = 0; k < s->bins; k++)
			if (s->bin[k].low % s->item[i].w->align)
				return true;
	return false;
}

/* Local memory of an instance in several pieces may be on several nodes. */
static bool local_in_pieces(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->item[i].local && s->item[i].d->n_mem > 1)
			return true;
	return false;
}

/* ------------------------------------------------------------ the outcome */

/* Whether an instance has a CPU on the node of a piece of its memory. */
static bool has_cpu_there(const struct search *s, const struct item *x)
{
	const struct mk_placer *p = s->p;
	const struct mk_ids *cpus = &p->s->instance[x->d->me].cpus.ids;

	for (size_t i = 0; i < cpus->n; i++) {
		size_t at = mk_cpumap_find(&p->cpus, cpus->id[i]);

		if (at != SIZE_MAX && p->cpus.group[p->cpus.slot[at].group].node ==
					      p->mem.node[s->bin[x->bin].node].node)
			return true;
	}
	return false;
}

/* CPUs as they are taken one by one, near the memory that has its place now. */
static bool take_near_cpus(struct search *s)
{
	struct mk_placer *p = s->p;

	for (size_t i = 0; i < p->n_demands; i++) {
		p->r = p->demand[i].r;
		if (mk_place_open_cpus(p, &p->demand[i]))
			return false;
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->item[i].local && !has_cpu_there(s, &s->item[i]))
			return false;
	return true;
}

/* CPUs as they flow: those that are bound first; the others then find enough, wherever. */
static void take_all_cpus(struct search *s, const struct cpu_flow *c)
{
	struct mk_placer *p = s->p;
	size_t n = p->n_demands, *got = mk_arena_array(p->s->arena, n + 1, sizeof(*got));

	for (size_t i = 0; i < n; i++)
		for (size_t g = 0; g < p->cpus.n_groups; g++) {
			const struct mk_instance *x = &p->s->instance[p->demand[i].me];
			size_t take = (size_t)mk_flow_between(&c->f, n + i, g);

			if (x->numa_nodes.n)
				take += (size_t)mk_flow_between(&c->f, i, g);
			if (take) {
				mk_place_take_cpus(p, &p->demand[i], g, take);
				mk_place_why(p, x, "%zu CPUs of NUMA node %u: all demands at once leave "
						   "it these",
					     take, p->cpus.group[g].node);
			}
			got[i] += take;
		}
	for (size_t i = 0; i < n; i++) {
		struct mk_demand rest = p->demand[i];

		rest.cpus -= got[i];
		mk_place_open_cpus(p, &rest);
	}
}

/* As they were asked for. */
static int by_demand(const void *x, const void *y)
{
	const struct item *a = *(struct item *const *)x, *b = *(struct item *const *)y;

	if (a->d != b->d)
		return a->d < b->d ? -1 : 1;
	return a->w < b->w ? -1 : a->w > b->w;
}

static void take_all_memory(struct search *s)
{
	struct mk_placer *p = s->p;
	const struct item **item = mk_arena_array(p->s->arena, s->n, sizeof(struct item *));

	for (size_t i = 0; i < s->n; i++)
		item[i] = &s->item[i];
	mk_sort(item, s->n, sizeof(*item), by_demand);
	for (size_t i = 0; i < s->n; i++) {
		const struct item *x = item[i];
		struct mk_mem m = {.size = x->w->size, .placed = p->s->abi != 2, .node = MK_NODE_ANY};

		if (m.placed)
			m.base = x->low + to_unit(x->low, x->w->align);
		m.node = s->bin[x->bin].node != SIZE_MAX
				 ? p->mem.node[s->bin[x->bin].node].node
				 : mk_memmap_node_at(&p->mem, m.base, m.size);
		mk_place_take_memory(p, x->d, m);
		mk_place_why(p, &p->s->instance[x->d->me], "%s: all demands at once leave it this place",
			     mk_place_memory_text(p, &m));
	}
}

static int take_all(struct search *s)
{
	struct mk_placer *p = s->p;
	struct cpu_flow c;

	take_all_memory(s);
	if (take_near_cpus(s))
		return MK_OK;
	mk_place_begin(p);
	if (!cpus_flow(s, &c))
		return mk_fail(p->err, MK_BAD, "a placement was found and lost: this is a defect");
	take_all_memory(s);
	take_all_cpus(s, &c);
	return MK_OK;
}

/*
 * A demand that cannot be fulfilled even alone says best what is scarce. CPUs
 * are a matter of counting, and so is memory in one piece; several pieces, or
 * CPUs that follow their memory, might have been chosen otherwise.
 */
static int alone(struct mk_placer *p)
{
	const struct mk_demand *d = p->demand;
	bool anywhere = false;
	int rc;

	while (d->r != p->r)
		d++;
	mk_place_begin(p);
	rc = mk_place_open_cpus(p, d);
	if (!rc && (d->n_mem == 1 || d->n_mem == d->parts)) { /* parts: each on a node of its own */
		rc = mk_place_open_memory(p, d);
		mk_place_begin(p);
		if (!rc || !d->cpus || !mk_place_is_local(p, d, d->mem))
			return rc;
		for (size_t i = 0; i < p->mem.n; i++)
			anywhere = anywhere || mk_place_node_holds(p, d, p->mem.node[i].node);
		return anywhere ? MK_OK : rc;
	}
	mk_place_begin(p);
	return rc;
}

/* What one by one ran into, and that there is no way around it. */
static int nothing_fits(struct mk_placer *p)
{
	static const char more[] = "; and no other placement of all requests fits";
	size_t len = strlen(p->err->text);

	if (p->n_demands > 1 && len + sizeof(more) <= sizeof(p->err->text))
		memcpy(p->err->text + len, more, sizeof(more));
	return MK_NO;
}

static int not_known(struct mk_placer *p, bool out_of_steps)
{
	if (out_of_steps)
		mk_fail(p->err, MK_BAD,
			"no placement was found in %llu steps, and none was proved impossible",
			(unsigned long long)p->opts->steps);
	else
		mk_fail(p->err, MK_BAD,
			"no placement was found, and none was proved impossible: not all ways to "
			"split memory were tried");
	mk_hint(p->err, out_of_steps
				? "--steps N looks further; or name CPUs and memory of the largest ones"
				: "name the sizes by node, memory=SIZE@NODE,...");
	return MK_BAD;
}

/* First with all CPUs of an instance beside its local memory, for half of the steps. */
static bool pack_whole(struct search *s)
{
	uint64_t half = s->steps / 2;
	bool any = false, found;

	for (size_t i = 0; i < s->n; i++)
		any = any || s->item[i].local;
	if (!any)
		return false;
	s->whole = true;
	s->steps -= half;
	found = pack(s);
	s->whole = found;
	if (found)
		return true;
	s->out_of_steps = false;
	s->steps += half;
	collect_bins(s, false);
	return false;
}

static int search(struct search *s)
{
	struct mk_placer *p = s->p;
	struct cpu_flow c;
	struct mk_flow bytes;
	bool found;

	if (!cpus_flow(s, &c))
		return no_cpus_for_all(p, &c);
	collect_items(s);
	if (!bytes_flow(s, &bytes))
		return no_bytes_for_all(s, &bytes);
	collect_bins(s, false);
	found = pack_whole(s) || pack(s);
	if (!found && !s->out_of_steps && nodes_touch(s) && all_go_anywhere(s)) {
		collect_bins(s, true);
		found = pack(s);
	} else if (!found && !s->out_of_steps &&
		   (nodes_touch(s) || may_split(s) || local_in_pieces(s))) {
		return not_known(p, false);
	}
	if (found)
		return take_all(s);
	if (s->out_of_steps || is_uneven(s))
		return not_known(p, s->out_of_steps);
	return nothing_fits(p);
}

int mk_place_exactly(struct mk_placer *p)
{
	struct search s = {.p = p, .steps = p->opts->steps};
	struct mk_err first = *p->err;
	int rc = alone(p);

	if (rc)
		return rc;
	*p->err = first;
	mk_arena_init(&s.scratch, p->s->arena->oom);
	rc = search(&s);
	mk_arena_free(&s.scratch);
	return rc;
}
