/* SPDX-License-Identifier: Apache-2.0 */
/* rules_instance: MK3xx to MK5xx, instances with their CPUs and memory. */
#include "rules_int.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "memmap.h"
#include "num.h"
#include "sort.h"

/* ------------------------------------------------------------ MK3xx: instances */

static void one_id_zero(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	if (x->has_id && !x->id)
		mk_rule_find(c, x->name, x->id_at, "instance %s has id 0, which is the host's",
			     x->name)
			->hint = mk_rule_free_id(c);
}

void mk_rule_id_zero(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_id_zero);
}

struct id_of {
	uint32_t id;
	size_t instance;
};

static int by_instance_id(const void *x, const void *y)
{
	const struct id_of *a = x, *b = y;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->instance < b->instance ? -1 : a->instance > b->instance;
}

void mk_rule_id_twice(struct mk_rule_ctx *c)
{
	struct id_of *x = mk_arena_array(c->a, c->s->n_instances, sizeof(*x));
	size_t n = 0, end;

	for (size_t i = 0; i < c->s->n_instances; i++)
		if (c->s->instance[i].has_id)
			x[n++] = (struct id_of){c->s->instance[i].id, i};
	mk_sort(x, n, sizeof(*x), by_instance_id);
	for (size_t i = 0; i < n; i = end) {
		struct mk_names_list l = {.n = 0};
		struct mk_diag *d;

		for (end = i; end < n && x[end].id == x[i].id; end++)
			mk_rule_names_add(&l, c->s->instance[x[end].instance].name);
		if (end - i < 2)
			continue;
		d = mk_rule_find(c, c->s->instance[x[i + 1].instance].name,
				 c->s->instance[x[i + 1].instance].id_at, "id %u is used by %s",
				 x[i].id, mk_rule_names_text(c, &l));
		mk_rule_other(c, d, c->s->instance[x[i].instance].id_at, "used first here");
		d->hint = mk_rule_free_id(c);
		for (size_t k = i; k < end; k++) {
			mk_rule_party(c, d, c->s->instance[x[k].instance].name);
			mk_rule_item(c, d, "%u %s", x[i].id, c->s->instance[x[k].instance].name);
		}
	}
}

static void one_id_above(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	uint32_t max = c->opts->max_id ? c->opts->max_id : MK_ID_MAX;
	struct mk_diag *d;

	if (!x->has_id || x->id <= max)
		return;
	d = mk_rule_find(c, x->name, x->id_at,
			 "instance %s has id %u: the kernel cannot load ids above %u", x->name,
			 x->id, max);
	d->hint = mk_rule_free_id(c);
	mk_rule_item(c, d, "%u %s", x->id, x->name);
}

void mk_rule_id_above(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_id_above);
}

static void one_no_cpu(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	if (!x->cpus.ids.n)
		mk_rule_find(c, x->name, x->cpus.where.node ? x->cpus.where : x->where,
			     "instance %s has no CPU", x->name)
			->hint = mk_rule_free_cpus(c);
}

void mk_rule_no_cpu(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_no_cpu);
}

static void one_no_memory(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	if (!x->mem.n)
		mk_rule_find(c, x->name, x->where, "instance %s has no memory", x->name)->hint =
			mk_rule_free_memory(c);
}

void mk_rule_no_memory(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_no_memory);
}

/* ------------------------------------------------------------ MK4xx: CPUs */

static void one_cpu_unknown(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ids bad = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < x->cpus.ids.n; i++)
		if (x->cpus.ids.id[i] >= c->s->cpu_total)
			mk_ids_add(c->a, &bad, x->cpus.ids.id[i]);
	if (!bad.n)
		return;
	d = mk_rule_find(c, x->name, x->cpus.where,
			 "instance %s: the machine has no %s (ids end at %llu)", x->name,
			 mk_rule_cpus(c, &bad, "", ""), (unsigned long long)c->s->cpu_total - 1);
	d->hint = mk_rule_free_cpus(c);
	mk_rule_item_ids(c, d, x->name, &bad);
}

void mk_rule_cpu_unknown(struct mk_rule_ctx *c)
{
	if (c->s->cpu_total)
		mk_rule_each_instance(c, one_cpu_unknown);
}

static void one_cpu_reserved(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ids bad = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < x->cpus.ids.n; i++)
		if (mk_ranges_has(&c->host, x->cpus.ids.id[i], x->cpus.ids.id[i]))
			mk_ids_add(c->a, &bad, x->cpus.ids.id[i]);
	if (!bad.n)
		return;
	d = mk_rule_find(c, x->name, x->cpus.where, "instance %s: %s reserved for the host",
			 x->name, mk_rule_cpus(c, &bad, " is", " are"));
	mk_rule_other(c, d, c->s->host_cpus.where, "reserved here");
	d->hint = mk_rule_free_cpus(c);
	mk_rule_item_ids(c, d, x->name, &bad);
}

void mk_rule_cpu_reserved(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_cpu_reserved);
}

static void one_cpu_outside(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ids bad = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < x->cpus.ids.n; i++) {
		uint64_t id = x->cpus.ids.id[i];

		/* other rules speak of those */
		if (!mk_ranges_has(&c->pool, id, id) && !mk_ranges_has(&c->host, id, id) &&
		    (!c->s->cpu_total || id < c->s->cpu_total))
			mk_ids_add(c->a, &bad, id);
	}
	if (!bad.n)
		return;
	d = mk_rule_find(c, x->name, x->cpus.where, "instance %s: %s not in the pool",
			 x->name, mk_rule_cpus(c, &bad, " is", " are"));
	d->hint = mk_rule_free_cpus(c);
	mk_rule_item_ids(c, d, x->name, &bad);
}

void mk_rule_cpu_outside(struct mk_rule_ctx *c)
{
	if (c->s->has_machine && c->pool.n) /* without a pool that is what is wrong */
		mk_rule_each_instance(c, one_cpu_outside);
}

/*
 * CPUs that several instances have: those with the same owners make one
 * finding. Owner sets are told apart by a hash over the sorted owners.
 */
struct shared {
	uint64_t owners; /* hash */
	size_t first, n; /* owners stand in held[first..first + n) */
	uint64_t cpu;
};

static int by_owners(const void *x, const void *y)
{
	const struct shared *a = x, *b = y;

	if (a->owners != b->owners)
		return a->owners < b->owners ? -1 : 1;
	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

/* All CPUs of an instance in words, made once. */
static const char *cpus_of(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	size_t i = (size_t)(x - c->s->instance);

	if (!c->cpus_text)
		c->cpus_text = mk_arena_array(c->a, c->s->n_instances, sizeof(char *));
	if (!c->cpus_text[i])
		c->cpus_text[i] = mk_rule_cpus(c, &x->cpus.ids, "", "");
	return c->cpus_text[i];
}

static void report_shared(struct mk_rule_ctx *c, const struct shared *x, size_t n)
{
	const struct mk_instance *a = &c->s->instance[c->held[x->first].instance];
	const struct mk_instance *b = &c->s->instance[c->held[x->first + 1].instance];
	struct mk_names_list l = {.n = 0};
	struct mk_ids cpus = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < n; i++)
		mk_ids_add(c->a, &cpus, x[i].cpu);
	for (size_t i = 0; i < x->n; i++)
		mk_rule_names_add(&l, c->s->instance[c->held[x->first + i].instance].name);
	if (x->n == 2)
		d = mk_rule_find(c, b->name, b->cpus.where,
				 "%s given to %s (%s) and to %s (%s)",
				 mk_rule_cpus(c, &cpus, " is", " are"), a->name, cpus_of(c, a),
				 b->name, cpus_of(c, b));
	else
		d = mk_rule_find(c, b->name, b->cpus.where, "%s given to %zu instances: %s",
				 mk_rule_cpus(c, &cpus, " is", " are"), x->n, mk_rule_names_text(c, &l));
	mk_rule_other(c, d, a->cpus.where, mk_arena_fmt(c->a, "%s has it here", a->name));
	d->hint = mk_rule_free_cpus(c);
	for (size_t i = 0; i < x->n; i++) {
		const char *owner = c->s->instance[c->held[x->first + i].instance].name;

		mk_rule_party(c, d, owner);
		mk_rule_item_ids(c, d, owner, &cpus);
	}
}

void mk_rule_cpu_shared(struct mk_rule_ctx *c)
{
	struct shared *x = mk_arena_array(c->a, c->n_held, sizeof(*x));
	size_t n = 0, end;

	for (size_t i = 0; i < c->n_held; i = end) {
		uint64_t h = 14695981039346656037ULL;

		for (end = i; end < c->n_held && c->held[end].cpu == c->held[i].cpu; end++)
			h = (h ^ c->held[end].instance) * 1099511628211ULL;
		if (end - i > 1)
			x[n++] = (struct shared){h, i, end - i, c->held[i].cpu};
	}
	mk_sort(x, n, sizeof(*x), by_owners);
	for (size_t i = 0; i < n; i = end) {
		for (end = i; end < n && x[end].owners == x[i].owners; end++)
			;
		report_shared(c, x + i, end - i);
	}
}

static void one_cpu_twice(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	mk_rule_list_twice(c, x->name, &x->cpus, "CPU", x->name);
}

void mk_rule_cpu_twice(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_cpu_twice);
}

/* ------------------------------------------------------------ MK5xx: memory */

static void each_region(struct mk_rule_ctx *c,
			void (*fn)(struct mk_rule_ctx *, const struct mk_instance *,
				   const struct mk_mem *))
{
	for (size_t i = 0; i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].mem.n; k++)
			fn(c, &c->s->instance[i], &c->s->instance[i].mem.m[k]);
}

static void one_outside(struct mk_rule_ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	struct mk_diag *d;

	if (!m->placed || !m->size || mk_rule_wraps(m) ||
	    mk_ranges_has(&c->chunks, m->base, m->base + (m->size - 1)))
		return;
	d = mk_rule_find(c, x->name, m->where, "instance %s: memory %s is outside of the pool",
			 x->name, mk_mem_text(c->a, m));
	if (c->s->chunks.n == 1)
		mk_rule_other(c, d, c->s->chunks.m[0].where,
			      mk_arena_fmt(c->a, "the pool is %s",
					   mk_mem_text(c->a, &c->s->chunks.m[0])));
	d->hint = mk_rule_free_inside(c);
	mk_rule_item_mem(c, d, x->name, m);
}

void mk_rule_mem_outside(struct mk_rule_ctx *c)
{
	if (c->s->has_machine && c->chunks.n)
		each_region(c, one_outside);
}

static const char *piece_text(struct mk_rule_ctx *c, const struct mk_piece *x)
{
	const char *who = x->instance != MK_NO_DEVICE ? c->s->instance[x->instance].name
			  : x->m->owner		      ? x->m->owner
						      : "the kernel";

	return mk_arena_fmt(c->a, "%s %s", who, mk_mem_text(c->a, x->m));
}

static void report_cluster(struct mk_rule_ctx *c, const struct mk_piece *x, size_t n)
{
	struct mk_names_list l = {.n = 0};
	const struct mk_piece *who = x[1].instance != MK_NO_DEVICE ? &x[1] : &x[0];
	const char *subject =
		who->instance != MK_NO_DEVICE ? c->s->instance[who->instance].name : mk_pool_subject;
	const struct mk_piece *other = who == &x[1] ? &x[0] : &x[1];
	struct mk_diag *d;

	for (size_t i = 0; i < n; i++)
		mk_rule_names_add(&l, piece_text(c, &x[i]));
	if (n == 2) {
		uint64_t last = x[0].m->base + (x[0].m->size - 1),
			 end = x[1].m->base + (x[1].m->size - 1);
		struct mk_mem both = {.base = x[1].m->base,
				      .placed = true,
				      .size = (last < end ? last : end) - x[1].m->base + 1};

		d = mk_rule_find(c, subject, who->m->where, "memory of %s and of %s overlaps: %s",
				 piece_text(c, &x[0]), piece_text(c, &x[1]),
				 mk_mem_text(c->a, &both));
	} else {
		d = mk_rule_find(c, subject, who->m->where, "memory of %zu parties overlaps: %s", n,
				 mk_rule_names_text(c, &l));
	}
	mk_rule_other(c, d, other->m->where,
		      mk_arena_fmt(c->a, "%s is here", piece_text(c, other)));
	d->hint = n == 2 && x[0].instance == x[1].instance && x[0].instance != MK_NO_DEVICE
			  ? "both are of one instance: remove one, or correct base and size"
			  : mk_rule_free_memory(c);
	for (size_t i = 0; i < n; i++) {
		const char *owner = x[i].instance != MK_NO_DEVICE
					    ? c->s->instance[x[i].instance].name
					    : mk_pool_subject;

		mk_rule_party(c, d, owner);
		mk_rule_item_mem(c, d, owner, x[i].m);
	}
}

/* Pieces that overlap in a chain make one finding. fired tells whether a region in use takes part.
 */
static void overlaps(struct mk_rule_ctx *c, bool with_in_use)
{
	size_t end;

	for (size_t i = 0; i < c->n_pieces; i = end) {
		uint64_t last = c->piece[i].m->base + (c->piece[i].m->size - 1);
		bool in_use = c->piece[i].instance == MK_NO_DEVICE;

		for (end = i + 1; end < c->n_pieces && c->piece[end].m->base <= last; end++) {
			uint64_t l = c->piece[end].m->base + (c->piece[end].m->size - 1);

			last = l > last ? l : last;
			in_use = in_use || c->piece[end].instance == MK_NO_DEVICE;
		}
		if (end - i > 1 && in_use == with_in_use)
			report_cluster(c, c->piece + i, end - i);
	}
}

void mk_rule_mem_overlap(struct mk_rule_ctx *c)
{
	overlaps(c, false);
}

void mk_rule_mem_in_use(struct mk_rule_ctx *c)
{
	overlaps(c, true);
}

static void one_unaligned(struct mk_rule_ctx *c, const struct mk_instance *x,
			  const struct mk_mem *m)
{
	struct mk_diag *d;

	if (mk_rule_page_aligned(m))
		return;
	d = mk_rule_find(c, x->name, mk_rule_misaligned_at(m),
			 "instance %s: memory %s is not aligned to pages of 4096 bytes", x->name,
			 mk_mem_text(c->a, m));
	d->hint = mk_rule_aligned_hint(c, m);
	mk_rule_item_mem(c, d, x->name, m);
}

void mk_rule_mem_unaligned(struct mk_rule_ctx *c)
{
	each_region(c, one_unaligned);
}

static void one_empty(struct mk_rule_ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	struct mk_diag *d;

	if (m->size)
		return;
	d = mk_rule_find(c, x->name, m->where, "instance %s: a memory region of 0 bytes", x->name);
	d->hint = mk_rule_free_memory(c);
	mk_rule_item(c, d, "%s", x->name);
}

void mk_rule_mem_empty(struct mk_rule_ctx *c)
{
	each_region(c, one_empty);
}

static void one_wraps(struct mk_rule_ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	if (mk_rule_wraps(m))
		mk_rule_item_mem(c,
				 mk_rule_find(c, x->name, m->where,
					      "instance %s: memory at 0x%llx of 0x%llx bytes goes "
					      "beyond the last address",
					      x->name, (unsigned long long)m->base,
					      (unsigned long long)m->size),
				 x->name, m);
}

void mk_rule_mem_wraps(struct mk_rule_ctx *c)
{
	each_region(c, one_wraps);
	mk_rule_pool_wraps(c, &c->s->in_use, "a region in use");
}

/* Bytes of the pool that what is no instance has. */
static uint64_t in_use_of_pool(struct mk_rule_ctx *c)
{
	struct mk_ranges used, left;

	mk_ranges_init(&used, c->a);
	mk_ranges_init(&left, c->a);
	for (size_t i = 0; i < c->s->in_use.n; i++)
		mk_ranges_add_size(&used, c->s->in_use.m[i].base, c->s->in_use.m[i].size);
	mk_ranges_join(&used);
	mk_ranges_minus(&left, &c->chunks, &used);
	return mk_ranges_count(&c->chunks) - mk_ranges_count(&left);
}

/* Memory that the kernel has placed on a node must be there. */
static void node_sums(struct mk_rule_ctx *c)
{
	const struct mk_instance *on = NULL;
	struct mk_memmap map;
	struct mk_diag *d;
	uint64_t over;
	uint32_t node;

	mk_memmap_init(&map, c->s);
	if (!map.taken)
		return;
	node = mk_memmap_overdrawn(&map, &over);
	for (size_t i = 0; node != MK_NODE_ANY && !on && i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].mem.n; k++)
			if (!c->s->instance[i].mem.m[k].placed &&
			    c->s->instance[i].mem.m[k].node == node)
				on = &c->s->instance[i];
	if (!on)
		return;
	d = mk_rule_find(c, mk_pool_subject, on->where,
			 "instances have %s more memory on NUMA node %u than the pool has there",
			 mk_num_size_text(c->a, over), node);
	d->hint = mk_arena_fmt(c->a, "%s has some: take it away, or add memory of that node",
			       on->name);
	d->excess = over;
	mk_rule_item(c, d, "node %u", node);
}

void mk_rule_mem_sum(struct mk_rule_ctx *c)
{
	uint64_t pool = mk_mems_bytes(&c->s->chunks), sum = 0, used = in_use_of_pool(c);
	const struct mk_instance *big = NULL;
	struct mk_diag *d;

	pool -= used < pool ? used : pool;

	if (!c->s->has_machine || !c->s->chunks.n)
		return;
	for (size_t i = 0; i < c->s->n_instances; i++) {
		const struct mk_instance *x = &c->s->instance[i];

		sum = mk_num_plus(sum, mk_mems_bytes(&x->mem));
		if (!big || mk_mems_bytes(&x->mem) > mk_mems_bytes(&big->mem))
			big = x;
	}
	if (big && sum <= pool)
		node_sums(c);
	if (!big || sum <= pool)
		return;
	d = mk_rule_find(c, mk_pool_subject, big->mem.n ? big->mem.m[0].where : big->where,
			 "instances have %s of memory, the pool only %s%s",
			 mk_num_size_text(c->a, sum), mk_num_size_text(c->a, pool),
			 used ? " that is not in use otherwise" : "");
	d->hint = mk_arena_fmt(c->a, "take %s away; %s has the most, %s",
			       mk_num_size_text(c->a, sum - pool), big->name,
			       mk_num_size_text(c->a, mk_mems_bytes(&big->mem)));
	d->excess = sum - pool;
}

/* ------------------------------------------------------------ changes of what runs */

static struct mk_ranges bytes_of(struct mk_rule_ctx *c, const struct mk_mems *m)
{
	struct mk_ranges r;

	mk_ranges_init(&r, c->a);
	for (size_t i = 0; i < m->n; i++)
		if (m->m[i].placed)
			mk_ranges_add_size(&r, m->m[i].base, m->m[i].size);
	mk_ranges_join(&r);
	return r;
}

/* Memory of x that y does not have, of an instance that runs: blocks come and go as a whole. */
static void changed_blocks(struct mk_rule_ctx *c, const struct mk_instance *x,
			   const struct mk_mems *m, const struct mk_mems *other, const char *what)
{
	struct mk_ranges here = bytes_of(c, m), there = bytes_of(c, other), only;
	uint64_t block = c->s->block_bytes;

	mk_ranges_init(&only, c->a);
	mk_ranges_minus(&only, &here, &there);
	for (size_t i = 0; i < only.n; i++) {
		struct mk_mem r = {.base = only.r[i].first,
				   .size = only.r[i].last - only.r[i].first + 1,
				   .placed = true,
				   .where = x->where};
		struct mk_diag *d;

		if (r.base % block == 0 && r.size % block == 0)
			continue;
		d = mk_rule_find(
			c, x->name, m->n ? m->m[m->n - 1].where : x->where,
			"instance %s runs, and %s %s: not whole blocks of its memory, which are "
			"of %s",
			x->name, what, mk_mem_text(c->a, &r), mk_num_size_text(c->a, block));
		d->hint = mk_arena_fmt(c->a, "use multiples of 0x%llx, or halt it first",
				       (unsigned long long)block);
		mk_rule_item_mem(c, d, x->name, &r);
	}
}

void mk_rule_whole_blocks(struct mk_rule_ctx *c)
{
	const struct mk_state *before = c->opts->before;

	for (size_t i = 0; before && c->s->block_bytes && i < c->s->n_instances; i++) {
		const struct mk_instance *x = &c->s->instance[i];
		const struct mk_instance *old = mk_instance_find(before, x->name);

		if (!old || !old->status || strcmp(old->status, "active") != 0)
			continue;
		changed_blocks(c, x, &x->mem, &old->mem, "gets");
		changed_blocks(c, x, &old->mem, &x->mem, "loses");
	}
}
