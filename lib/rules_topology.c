/* SPDX-License-Identifier: Apache-2.0 */
/* rules_topology: MK7xx, where in the machine instances have their CPUs and memory. */
#include "rules_int.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"
#include "sort.h"

/* ------------------------------------------------------------ which node, which core */

/* A CPU and the place, in its list, of the NUMA node or core that has it. */
struct mk_cpu_in {
	uint64_t cpu;
	size_t in;
};

static int by_cpu(const void *x, const void *y)
{
	const struct mk_cpu_in *a = x, *b = y;

	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a->in < b->in ? -1 : a->in > b->in;
}

/* What is known of CPUs and memory by NUMA node, sorted once. */
static void index_nodes(struct mk_rule_ctx *c)
{
	const struct mk_state *s = c->s;
	size_t n = 0;

	if (c->node_of_cpu)
		return;
	for (size_t i = 0; i < s->n_numa; i++)
		n += s->numa[i].cpus.ids.n;
	c->node_of_cpu = mk_arena_array(c->a, n + 1, sizeof(*c->node_of_cpu));
	for (size_t i = 0; i < s->n_numa; i++)
		for (size_t k = 0; k < s->numa[i].cpus.ids.n; k++)
			c->node_of_cpu[c->n_node_of_cpu++] =
				(struct mk_cpu_in){s->numa[i].cpus.ids.id[k], i};
	mk_sort(c->node_of_cpu, n, sizeof(*c->node_of_cpu), by_cpu);
	c->numa_by_base = mk_arena_array(c->a, s->n_numa, sizeof(struct mk_numa *));
	for (size_t i = 0; i < s->n_numa; i++)
		if (s->numa[i].has_memory && s->numa[i].size)
			c->numa_by_base[c->n_numa_by_base++] = &s->numa[i];
	mk_sort(c->numa_by_base, c->n_numa_by_base, sizeof(struct mk_numa *),
		      mk_rule_by_numa_base);
}

/* The NUMA node of a CPU, MK_NODE_ANY when none is known to have it. */
static uint32_t node_of_cpu(struct mk_rule_ctx *c, uint64_t cpu)
{
	size_t low = 0, high = c->n_node_of_cpu;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->node_of_cpu[mid].cpu < cpu)
			low = mid + 1;
		else
			high = mid;
	}
	return low < c->n_node_of_cpu && c->node_of_cpu[low].cpu == cpu
		       ? c->s->numa[c->node_of_cpu[low].in].id
		       : MK_NODE_ANY;
}

/* The node in whose memory a region begins. */
static uint32_t node_of_memory(struct mk_rule_ctx *c, const struct mk_mem *m)
{
	size_t low = 0, high = c->n_numa_by_base;
	const struct mk_numa *n;

	if (m->node != MK_NODE_ANY || !m->placed)
		return m->node;
	while (low < high) { /* the first that begins behind it */
		size_t mid = low + (high - low) / 2;

		if (c->numa_by_base[mid]->base <= m->base)
			low = mid + 1;
		else
			high = mid;
	}
	n = low ? c->numa_by_base[low - 1] : NULL;
	return n && m->base - n->base < n->size ? n->id : MK_NODE_ANY;
}

/*
 * Bytes of a region that lie on nodes that are not of these, and the first such
 * node. Memory of which no node is known is on none.
 */
static uint64_t bytes_elsewhere(struct mk_rule_ctx *c, const struct mk_mem *m,
				const struct mk_ranges *nodes, uint32_t *node)
{
	uint64_t sum = 0, last = m->base + (m->size - 1);
	size_t i = 0, high = c->n_numa_by_base;

	*node = m->node;
	if (m->node != MK_NODE_ANY || !m->placed || !m->size || mk_rule_wraps(m))
		return m->node != MK_NODE_ANY && !mk_ranges_has(nodes, *node, *node) ? m->size : 0;
	while (i < high) { /* the first that begins behind its first byte */
		size_t mid = i + (high - i) / 2;

		if (c->numa_by_base[mid]->base <= m->base)
			i = mid + 1;
		else
			high = mid;
	}
	for (i = i ? i - 1 : 0; i < c->n_numa_by_base && c->numa_by_base[i]->base <= last; i++) {
		const struct mk_numa *n = c->numa_by_base[i];
		uint64_t from = n->base > m->base ? n->base : m->base;
		uint64_t end = n->size - 1 > UINT64_MAX - n->base ? UINT64_MAX
								  : n->base + (n->size - 1);

		end = end < last ? end : last;
		if (end < from || mk_ranges_has(nodes, n->id, n->id))
			continue;
		*node = sum ? *node : n->id;
		sum += end - from + 1;
	}
	return sum;
}

/* "memory 0x.. (2GB)", or "1GB of memory 0x.. (2GB)" */
static const char *part_text(struct mk_rule_ctx *c, const struct mk_mem *m, uint64_t bytes)
{
	return mk_arena_fmt(c->a, "%s%smemory %s",
			    bytes < m->size ? mk_num_size_text(c->a, bytes) : "",
			    bytes < m->size ? " of " : "", mk_mem_text(c->a, m));
}

/* The NUMA nodes on which an instance has CPUs. */
static struct mk_ranges cpu_nodes(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ids nodes = {0};

	for (size_t i = 0; i < x->cpus.ids.n; i++) {
		uint32_t node = node_of_cpu(c, x->cpus.ids.id[i]);

		if (node != MK_NODE_ANY)
			mk_ids_add(c->a, &nodes, node);
	}
	return mk_ranges_of(c->a, &nodes);
}

static const char *nodes_text(struct mk_rule_ctx *c, const struct mk_ranges *nodes)
{
	struct mk_ids ids = {0};

	for (size_t i = 0; i < nodes->n; i++)
		for (uint64_t n = nodes->r[i].first; n <= nodes->r[i].last; n++)
			mk_ids_add(c->a, &ids, n);
	return mk_arena_fmt(c->a, "NUMA node%s %s", ids.n == 1 ? "" : "s",
			    mk_ids_brief(c->a, &ids, 8));
}

static bool word_is(const char *word, const char *wanted)
{
	return word && !strcmp(word, wanted);
}

/* ------------------------------------------------------------ what is wished for */

static struct mk_diag *nodes_unknown(struct mk_rule_ctx *c, const struct mk_instance *x,
				     const struct mk_ids *nodes)
{
	struct mk_diag *d = mk_rule_find(c, x->name, mk_rule_wish_at(x, "numa-nodes"),
					 "instance %s wants NUMA node %s, which is not described",
					 x->name, mk_ids_brief(c->a, nodes, 8));

	d->hint = mk_rule_nodes(c);
	return d;
}

void mk_rule_wish_nodes(struct mk_rule_ctx *c)
{
	struct mk_ranges r;

	mk_rule_numa_ids(c, &r);
	for (size_t i = 0; r.n && i < c->s->n_instances; i++) {
		const struct mk_instance *x = &c->s->instance[i];
		struct mk_ids bad = {0};

		for (size_t k = 0; k < x->numa_nodes.n; k++)
			if (!mk_ranges_has(&r, x->numa_nodes.id[k], x->numa_nodes.id[k]))
				mk_ids_add(c->a, &bad, x->numa_nodes.id[k]);
		if (bad.n)
			mk_rule_item_ids(
				c,
				nodes_unknown(c, x, &bad), x->name, &bad);
	}
}

static void one_bind(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	if (x->policy && !strcmp(x->policy, "bind") && !x->numa_nodes.n)
		mk_rule_find(c, x->name, mk_rule_wish_at(x, "memory-policy"),
			     "instance %s binds its memory to no NUMA node",
			     x->name)
			->hint = "add numa-nodes = <0>; or drop memory-policy";
}

void mk_rule_bind_without_nodes(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_bind);
}

static void one_word(struct mk_rule_ctx *c, const struct mk_instance *x, const char *property,
		     const char *word, const char *const *known, const char *hint)
{
	struct mk_diag *d;

	if (!word)
		return;
	for (; *known; known++)
		if (!strcmp(word, *known))
			return;
	d = mk_rule_find(c, x->name, mk_rule_wish_at(x, property), "instance %s: %s '%s' is not known",
			 x->name, property, word);
	d->hint = hint;
	mk_rule_item(c, d, "%s %s %s", property, word, x->name);
}

static void one_policy(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	static const char *const affinities[] = {"compact", "spread", "local", NULL},
				 *const policies[] = {"local", "interleave", "bind", NULL};

	one_word(c, x, "cpu-affinity", x->affinity, affinities, "it is compact, spread or local");
	one_word(c, x, "memory-policy", x->policy, policies, "it is local, interleave or bind");
}

void mk_rule_policy_known(struct mk_rule_ctx *c)
{
	mk_rule_each_instance(c, one_policy);
}

static void one_local(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	uint64_t bytes = mk_mems_bytes(&x->mem);
	struct mk_diag *d;

	if (!word_is(x->policy, "local") || bytes <= c->largest_node_bytes)
		return;
	d = mk_rule_find(c, x->name, mk_rule_wish_at(x, "memory-policy"),
			 "instance %s wants %s of local memory: no NUMA node has more than %s of "
			 "the pool",
			 x->name, mk_num_size_text(c->a, bytes),
			 mk_num_size_text(c->a, c->largest_node_bytes));
	d->hint = "take less, or write memory-policy = \"interleave\";";
	d->excess = bytes - c->largest_node_bytes;
}

/* Bytes of the pool by node; false when a chunk is on no node that is known. */
static bool node_bytes(struct mk_rule_ctx *c)
{
	const struct mk_state *s = c->s;
	struct mk_names nodes = {.arena = c->a};
	uint64_t *bytes = mk_arena_array(c->a, s->chunks.n + s->n_numa, sizeof(*bytes));
	size_t n = 0;

	for (size_t i = 0; i < s->chunks.n; i++) {
		uint32_t node = node_of_memory(c, &s->chunks.m[i]), *mark;
		char text[16];
		int len = snprintf(text, sizeof(text), "%u", node);

		if (node == MK_NODE_ANY || mk_rule_wraps(&s->chunks.m[i]))
			return false;
		mark = mk_name_mark(mk_intern(&nodes, text, (size_t)len));
		if (!*mark)
			*mark = (uint32_t)++n;
		if (!mk_num_add(bytes[*mark - 1], s->chunks.m[i].size, &bytes[*mark - 1]))
			return false;
		if (bytes[*mark - 1] > c->largest_node_bytes)
			c->largest_node_bytes = bytes[*mark - 1];
	}
	return n > 1;
}

/* A chunk may lie on several nodes: then what each of them has is not asked. */
static bool chunks_within_nodes(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];
		struct mk_mem last = *m;

		if (m->node != MK_NODE_ANY || !m->placed || !m->size)
			continue;
		last.base += m->size - 1;
		if (node_of_memory(c, m) != node_of_memory(c, &last))
			return false;
	}
	return true;
}

void mk_rule_local_fits(struct mk_rule_ctx *c)
{
	index_nodes(c);
	if (chunks_within_nodes(c) && node_bytes(c))
		mk_rule_each_instance(c, one_local);
}

/* ------------------------------------------------------------ what is far apart */

static void one_compact(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ranges nodes;
	struct mk_diag *d;

	if (!word_is(x->affinity, "compact") && !word_is(x->affinity, "local"))
		return;
	nodes = cpu_nodes(c, x);
	if (mk_ranges_count(&nodes) < 2)
		return;
	d = mk_rule_find(c, x->name, x->cpus.where, "instance %s: its CPUs shall be %s, and are on %s",
			 x->name, x->affinity, nodes_text(c, &nodes));
	d->hint = "mk-alloc places them anew where there is room: delete and create";
	for (size_t i = 0; i < nodes.n; i++)
		for (uint64_t n = nodes.r[i].first; n <= nodes.r[i].last; n++)
			mk_rule_item(c, d, "%llu %s", (unsigned long long)n, x->name);
}

void mk_rule_compact_on_one(struct mk_rule_ctx *c)
{
	index_nodes(c);
	mk_rule_each_instance(c, one_compact);
}

static void one_remote(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ranges nodes = cpu_nodes(c, x);
	const char *text = NULL;

	if (!nodes.n || word_is(x->policy, "interleave") || word_is(x->policy, "bind"))
		return;
	for (size_t i = 0; i < x->mem.n; i++) {
		struct mk_diag *d;
		uint32_t node;
		uint64_t bytes = bytes_elsewhere(c, &x->mem.m[i], &nodes, &node);

		if (!bytes)
			continue;
		text = text ? text : nodes_text(c, &nodes);
		d = mk_rule_find(c, x->name, x->mem.m[i].where,
				 "instance %s: %s is on NUMA node %u, its CPUs are on %s", x->name,
				 part_text(c, &x->mem.m[i], bytes), node, text);
		d->hint = "remote memory is slow: memory=SIZE@NODE asks for that of a node";
		mk_rule_item_mem(c, d, x->name, &x->mem.m[i]);
	}
}

void mk_rule_memory_near(struct mk_rule_ctx *c)
{
	index_nodes(c);
	mk_rule_each_instance(c, one_remote);
}

static void one_off_node(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ranges wanted = mk_ranges_of(c->a, &x->numa_nodes);
	struct mk_ids off = {0};

	for (size_t i = 0; wanted.n && i < x->cpus.ids.n; i++) {
		uint32_t node = node_of_cpu(c, x->cpus.ids.id[i]);

		if (node != MK_NODE_ANY && !mk_ranges_has(&wanted, node, node))
			mk_ids_add(c->a, &off, x->cpus.ids.id[i]);
	}
	if (off.n)
		mk_rule_item_ids(c,
				 mk_rule_find(c, x->name, x->cpus.where,
					      "instance %s wants %s, and %s not there", x->name,
					      nodes_text(c, &wanted),
					      mk_rule_cpus(c, &off, " is", " are")),
				 x->name, &off);
}

void mk_rule_cpus_where_wanted(struct mk_rule_ctx *c)
{
	index_nodes(c);
	mk_rule_each_instance(c, one_off_node);
}

static void one_spread(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ranges nodes;

	struct mk_ids once = mk_ids_unique(c->a, &x->cpus.ids);

	if (!word_is(x->affinity, "spread") || once.n < 2)
		return;
	nodes = cpu_nodes(c, x);
	if (mk_ranges_count(&nodes) == 1)
		mk_rule_find(c, x->name, x->cpus.where,
			     "instance %s: its CPUs shall be spread, and all are on %s", x->name,
			     nodes_text(c, &nodes));
}

void mk_rule_spread_over_nodes(struct mk_rule_ctx *c)
{
	struct mk_ids pool = {0};
	struct mk_ranges nodes;

	index_nodes(c);
	for (size_t i = 0; i < c->s->pool.ids.n; i++) {
		uint32_t node = node_of_cpu(c, c->s->pool.ids.id[i]);

		if (node != MK_NODE_ANY)
			mk_ids_add(c->a, &pool, node);
	}
	nodes = mk_ranges_of(c->a, &pool);
	if (mk_ranges_count(&nodes) > 1)
		mk_rule_each_instance(c, one_spread);
}

static void one_bound(struct mk_rule_ctx *c, const struct mk_instance *x)
{
	struct mk_ranges wanted = mk_ranges_of(c->a, &x->numa_nodes);
	const char *text = NULL;

	if (!word_is(x->policy, "bind") || !wanted.n)
		return;
	for (size_t i = 0; i < x->mem.n; i++) {
		uint32_t node;
		uint64_t bytes = bytes_elsewhere(c, &x->mem.m[i], &wanted, &node);

		if (bytes && !text)
			text = nodes_text(c, &wanted);
		if (bytes)
			mk_rule_item_mem(
				c,
				mk_rule_find(c, x->name, x->mem.m[i].where,
					     "instance %s: %s is on NUMA node %u, and is bound to "
					     "%s",
					     x->name, part_text(c, &x->mem.m[i], bytes), node,
					     text),
				x->name, &x->mem.m[i]);
	}
}

void mk_rule_memory_bound(struct mk_rule_ctx *c)
{
	index_nodes(c);
	mk_rule_each_instance(c, one_bound);
}

/* ------------------------------------------------------------ cores between kernels */

/* A core between several holders: instances by their places, n_instances for the host. */
struct split {
	uint64_t owners; /* hash */
	size_t core;
	const size_t *holder;
	size_t n;
};

static int by_owners(const void *x, const void *y)
{
	const struct split *p = x, *q = y;

	if (p->owners != q->owners)
		return p->owners < q->owners ? -1 : 1;
	return p->core < q->core ? -1 : p->core > q->core;
}

static int by_holder(const void *x, const void *y)
{
	const size_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

/* Who has a CPU: the first of c->held; the host; or SIZE_MAX. */
static size_t holder_of(struct mk_rule_ctx *c, uint64_t cpu)
{
	size_t low = 0, high = c->n_held;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->held[mid].cpu < cpu)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < c->n_held && c->held[low].cpu == cpu)
		return c->held[low].instance;
	return mk_ranges_has(&c->host, cpu, cpu) ? c->s->n_instances : SIZE_MAX;
}

/* Who holds CPUs of a core; false when fewer than two do. */
static bool split_core(struct mk_rule_ctx *c, size_t core, struct split *out)
{
	const struct mk_ids *cpus = &c->s->core[core].cpus.ids;
	size_t *holder = mk_arena_array(c->a, cpus->n, sizeof(*holder)), n = 0, distinct = 0;

	for (size_t i = 0; i < cpus->n; i++) {
		size_t h = holder_of(c, cpus->id[i]);

		if (h != SIZE_MAX)
			holder[n++] = h;
	}
	mk_sort(holder, n, sizeof(*holder), by_holder);
	*out = (struct split){.owners = 14695981039346656037ULL, .core = core, .holder = holder};
	for (size_t i = 0; i < n; i++)
		if (!i || holder[i] != holder[distinct - 1]) {
			holder[distinct++] = holder[i];
			out->owners = (out->owners ^ holder[i]) * 1099511628211ULL;
		}
	out->n = distinct;
	return distinct > 1;
}

static const char *holder_name(struct mk_rule_ctx *c, size_t holder)
{
	return holder < c->s->n_instances ? c->s->instance[holder].name : "the host";
}

static void report_split(struct mk_rule_ctx *c, const struct split *x, size_t n)
{
	const struct mk_instance *a = &c->s->instance[x->holder[0]];
	size_t second = x->holder[1];
	struct mk_names_list l = {.n = 0};
	struct mk_ids cores = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < n; i++)
		mk_ids_add(c->a, &cores, c->s->core[x[i].core].id);
	for (size_t i = 0; i < x->n; i++)
		mk_rule_names_add(&l, holder_name(c, x->holder[i]));
	d = mk_rule_find(
		c, a->name, a->cpus.where, "%s share core%s %s: one can watch the other there",
		mk_rule_names_text(c, &l), cores.n == 1 ? "" : "s", mk_ids_brief(c->a, &cores, 8));
	mk_rule_other(c, d,
		      second < c->s->n_instances ? c->s->instance[second].cpus.where
						 : c->s->host_cpus.where,
		      mk_arena_fmt(c->a, "%s has CPUs of it here", holder_name(c, second)));
	d->hint = "give all CPUs of a core to one kernel";
	for (size_t i = 0; i < x->n; i++) {
		if (x->holder[i] < c->s->n_instances)
			mk_rule_party(c, d, holder_name(c, x->holder[i]));
		mk_rule_item_ids(c, d, holder_name(c, x->holder[i]), &cores);
	}
}

/*
 * What one kernel does on a CPU can be seen from its siblings. Cores that the
 * same ones share make one finding.
 */
void mk_rule_cores_apart(struct mk_rule_ctx *c)
{
	struct split *x = mk_arena_array(c->a, c->s->n_cores + 1, sizeof(*x));
	size_t n = 0, end;

	for (size_t i = 0; i < c->s->n_cores; i++)
		n += split_core(c, i, &x[n]);
	mk_sort(x, n, sizeof(*x), by_owners);
	for (size_t i = 0; i < n; i = end) {
		for (end = i; end < n && x[end].owners == x[i].owners; end++)
			;
		report_split(c, &x[i], end - i);
	}
}
