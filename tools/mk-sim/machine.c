/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: CPUs, NUMA nodes and memory of a simulated host, read off a state.
 * A description says what can be given away, seldom all that is there: what it
 * leaves open becomes the plainest machine that it is true of. Devices are in
 * machine_device.c.
 */
#include "machine_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "err.h"
#include "kernel.h"
#include "num.h"
#include "sort.h"
#include "state.h"

#define GIB (1ULL << 30)

/* ------------------------------------------------------------ CPUs */

/* Where a CPU is, until it has a logical number. */
struct place {
	uint64_t id;
	size_t said;	     /* index of its core in the state; of its own one behind all these */
	uint64_t core_first; /* lowest id of its core */
	uint32_t socket, core, thread;
	bool boot;
	uint32_t logical;
};

static int by_id(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	return a->id < b->id ? -1 : a->id > b->id;
}

static int by_core(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if (a->socket != b->socket)
		return a->socket < b->socket ? -1 : 1;
	if (a->core_first != b->core_first)
		return a->core_first < b->core_first ? -1 : 1;
	return by_id(a, b);
}

/* As Linux numbers them: the boot CPU, then the first threads of all cores, then the second ones.
 */
static int by_number(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if (a->boot != b->boot)
		return a->boot ? -1 : 1;
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	if (a->socket != b->socket)
		return a->socket < b->socket ? -1 : 1;
	return a->core < b->core ? -1 : a->core > b->core;
}

static struct place *place_of(struct place *p, size_t n, uint64_t id)
{
	struct place key = {.id = id};

	return bsearch(&key, p, n, sizeof(*p), by_id);
}

/* All ids, each once and rising. The host has at least one, whether the state knows it or not. */
static struct place *places(struct mk_state *s, size_t *n)
{
	struct mk_ids ids = mk_ids_sorted(s->arena, &s->pool.ids), host = s->host_cpus.ids,
		      one = {0};
	struct place *p;
	uint64_t boot = 0;

	if (!s->host_cpus.known || !host.n) {
		for (size_t i = 0; i < ids.n; i++)
			boot += ids.id[i] == boot;
		mk_ids_add(s->arena, &one, boot);
		host = one;
	}
	boot = host.id[0];
	for (size_t i = 0; i < host.n; i++) {
		mk_ids_add(s->arena, &ids, host.id[i]);
		boot = host.id[i] < boot ? host.id[i] : boot;
	}
	ids = mk_ids_sorted(s->arena, &ids);
	p = mk_arena_array(s->arena, ids.n, sizeof(*p));
	*n = 0;
	for (size_t i = 0; i < ids.n; i++)
		if (!i || ids.id[i] != ids.id[i - 1]) {
			p[*n] = (struct place){.id = ids.id[i],
					       .said = s->n_cores + i,
					       .core_first = ids.id[i],
					       .boot = ids.id[i] == boot};
			++*n;
		}
	return p;
}

/* Who says it first is believed. */
static void say_cores(struct place *p, size_t n, const struct mk_state *s)
{
	for (size_t i = 0; i < s->n_cores; i++) {
		const struct mk_core *c = &s->core[i];
		uint64_t first = UINT64_MAX;

		for (size_t k = 0; k < c->cpus.ids.n; k++) {
			struct place *x = place_of(p, n, c->cpus.ids.id[k]);

			if (!x || x->said < s->n_cores)
				continue;
			x->said = i;
			x->socket = c->has_socket ? c->socket : 0;
			first = x->id < first ? x->id : first;
		}
		for (size_t k = 0; k < c->cpus.ids.n; k++) {
			struct place *x = place_of(p, n, c->cpus.ids.id[k]);

			if (x && x->said == i)
				x->core_first = first;
		}
	}
}

/* Numbers cores in their sockets and threads in their cores; the order becomes that of cores. */
static void number_cores(struct place *p, size_t n)
{
	mk_sort(p, n, sizeof(*p), by_core);
	for (size_t i = 1; i < n; i++) {
		const struct place *before = &p[i - 1];

		if (p[i].socket != before->socket)
			continue;
		p[i].core = before->core + (p[i].said != before->said);
		p[i].thread = p[i].said == before->said ? before->thread + 1 : 0;
	}
}

static void cpus_of(struct sim_machine *m, struct mk_state *s)
{
	struct place *p = places(s, &m->n_cpus);
	size_t n = m->n_cpus;

	say_cores(p, n, s);
	number_cores(p, n);
	mk_sort(p, n, sizeof(*p), by_number);
	m->cpu = sim_new(n * sizeof(*m->cpu));
	for (size_t i = 0; i < n; i++) {
		p[i].logical = (uint32_t)i;
		m->cpu[i] = (struct sim_cpu){.id = p[i].id,
					     .socket = p[i].socket,
					     .core = p[i].core,
					     .thread = p[i].thread,
					     .present = true,
					     .online = true};
	}
	mk_sort(p, n, sizeof(*p), by_id);
	m->by_id = sim_new(n * sizeof(*m->by_id));
	for (size_t i = 0; i < n; i++)
		m->by_id[i] = p[i].logical;
}

/* Ids that are MPIDRs: few cores, in clusters that are 0x100 apart. */
static bool like_mpidr(const struct sim_machine *m)
{
	uint64_t first = m->cpu[m->by_id[0]].id, last = m->cpu[m->by_id[m->n_cpus - 1]].id;

	for (size_t i = 0; i < m->n_cpus; i++)
		if ((m->cpu[i].id & 0xff) >= 0x20 || m->cpu[i].thread)
			return false;
	return last >= 0x100 && first >> 8 != last >> 8;
}

static int arch_of(struct sim_machine *m, const struct mk_state *s, struct mk_err *err)
{
	const struct mk_prop *p = mk_prop_first(s->tree->root);

	while (p && strcmp(p->name, "mk,arch") != 0)
		p = mk_prop_next(p);
	if (!p)
		m->arch = like_mpidr(m) ? SIM_ARM64 : SIM_X86_64;
	else if (mk_prop_is_string(p) && !strcmp(p->data, "arm64"))
		m->arch = SIM_ARM64;
	else if (mk_prop_is_string(p) && !strcmp(p->data, "x86_64"))
		m->arch = SIM_X86_64;
	else {
		mk_fail_at(err, MK_BAD, p->at, "mk,arch is no architecture that can be simulated");
		mk_hint(err, "mk,arch = \"x86_64\"; or \"arm64\"");
		return MK_BAD;
	}
	return MK_OK;
}

/* ------------------------------------------------------------ memory */

static uint64_t end_of(const struct sim_node *x)
{
	return x->base + x->size;
}

/* Where memory ends, as far as the state tells. */
static uint64_t memory_end(const struct mk_state *s)
{
	uint64_t end = 0, unplaced = 0;

	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *c = &s->chunks.m[i];
		uint64_t last = mk_num_plus(c->base, c->size);

		if (!c->placed)
			unplaced = mk_num_plus(unplaced, c->size);
		else if (last > end)
			end = last;
	}
	if (s->memory_total) /* what is not placed is within */
		return end > s->memory_total ? end : s->memory_total;
	end = mk_num_plus(end, unplaced);
	return end > 4 * GIB || s->has_memory_total ? end : 4 * GIB;
}

/* Makes a node larger, so that it has [base, end), too. */
static void stretch(struct sim_node *x, uint64_t base, uint64_t end)
{
	if (!x->size) {
		x->base = base;
		x->size = end - base;
		return;
	}
	end = end > end_of(x) ? end : end_of(x);
	x->base = base < x->base ? base : x->base;
	x->size = end - x->base;
}

/* Nodes of which no memory is known have that of the chunks that name them. */
static void memory_of_chunks(struct sim_machine *m, const struct mk_state *s)
{
	struct sim_node *low = NULL, *high = NULL;

	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *c = &s->chunks.m[i];
		size_t at = c->placed ? sim_node_find(m, c->node) : SIZE_MAX;

		if (at != SIZE_MAX && c->size)
			stretch(&m->node[at], c->base, mk_num_plus(c->base, c->size));
	}
	for (struct sim_node *x = m->node; x < m->node + m->n_nodes; x++) {
		if (!x->size)
			continue;
		low = low && low->base < x->base ? low : x;
		high = high && high->base > x->base ? high : x;
	}
	if (!low) {
		m->node[0].size = memory_end(s);
		return;
	}
	stretch(high, high->base, memory_end(s));
	stretch(m->node[0].size ? low : &m->node[0], 0, low->base); /* the host's own */
}

static int by_base(const void *x, const void *y)
{
	const struct sim_node *a = *(struct sim_node *const *)x, *b = *(struct sim_node *const *)y;

	return a->base < b->base ? -1 : a->base > b->base;
}

/* A chunk is memory, whatever the nodes say: the node below it reaches so far. */
static void cover(struct sim_node **node, size_t n, uint64_t base, uint64_t end)
{
	if (base < node[0]->base)
		stretch(node[0], base, node[0]->base);
	for (size_t i = 0; i < n; i++) {
		uint64_t limit = i + 1 < n && node[i + 1]->base < end ? node[i + 1]->base : end;

		if (node[i]->base <= limit && (i + 1 == n || node[i + 1]->base > base))
			stretch(node[i], node[i]->base, limit);
	}
}

static int memory_of(struct sim_machine *m, const struct mk_state *s, struct mk_err *err)
{
	struct sim_node **node = mk_arena_array(s->arena, m->n_nodes, sizeof(*node));
	size_t n = 0;

	for (size_t i = 0; i < m->n_nodes; i++)
		n += m->node[i].size != 0;
	if (!n)
		memory_of_chunks(m, s);
	n = 0;
	for (size_t i = 0; i < m->n_nodes; i++)
		if (m->node[i].size)
			node[n++] = &m->node[i];
	if (!n) {
		mk_fail(err, MK_BAD, "no memory");
		mk_hint(err, "memory { total-bytes = <0x400000000>; }; says how much there is");
		return MK_BAD;
	}
	if (!m->node[0].size) {
		mk_fail(err, MK_BAD, "NUMA node %u, the first one, has no memory", m->node[0].id);
		mk_hint(err, "the host's kernel is there: give it a memory-base and memory-size");
		return MK_BAD;
	}
	mk_sort(node, n, sizeof(*node), by_base);
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *c = &s->chunks.m[i];

		if (c->placed && c->size)
			cover(node, n, c->base, mk_num_plus(c->base, c->size));
	}
	for (size_t i = 1; i < n; i++)
		if (end_of(node[i - 1]) > node[i]->base) {
			mk_fail(err, MK_BAD, "NUMA nodes %u and %u have the same memory",
				node[i - 1]->id, node[i]->id);
			mk_hint(err, "memory-base and memory-size of each say which is its own");
			return MK_BAD;
		}
	return MK_OK;
}

/* What the host's kernel keeps for good; where the pool is described, it ends below that. */
static uint64_t host_bytes(const struct sim_machine *m, const struct mk_state *s)
{
	const struct sim_node *x = &m->node[0];
	uint64_t bytes = s->memory_host;

	if (!bytes)
		bytes = x->size / 4 < GIB ? x->size / 4 : GIB;
	else if (bytes > x->size / 2)
		bytes = x->size / 2;
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *c = &s->chunks.m[i];

		if (c->placed && c->base > x->base && c->base - x->base < bytes)
			bytes = c->base - x->base;
	}
	return bytes / SIM_PAGE_BYTES * SIM_PAGE_BYTES;
}

/* ------------------------------------------------------------ nodes */

static int by_node_id(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* A machine that says nothing of nodes has one. */
static void one_node(struct sim_machine *m, const struct mk_state *s)
{
	m->n_nodes = 1;
	m->node = sim_new(sizeof(*m->node));
	m->node[0] = (struct sim_node){.size = memory_end(s),
				       .distance = sim_new(sizeof(*m->node->distance))};
	m->node[0].distance[0] = 10;
}

static uint32_t *distances(const struct mk_state *s, struct mk_numa *const *numa, size_t i)
{
	uint32_t *out = sim_new(s->n_numa * sizeof(*out));

	for (size_t k = 0; k < s->n_numa; k++) {
		uint64_t d = mk_numa_distance(s, (size_t)(numa[i] - s->numa),
					      (size_t)(numa[k] - s->numa));

		out[k] = d < 255 ? (uint32_t)d : 255; /* ACPI has a byte for it */
	}
	return out;
}

static int check_nodes(struct mk_numa *const *numa, size_t n, struct mk_err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (i && numa[i]->id == numa[i - 1]->id) {
			mk_fail_at(err, MK_BAD, mk_where_span(numa[i]->where),
				   "NUMA node %u is described twice", numa[i]->id);
			mk_hint(err, "remove or renumber one");
			return MK_BAD;
		}
		if (numa[i]->id >= SIM_MAX_NODES) {
			mk_fail_at(err, MK_BAD, mk_where_span(numa[i]->where),
				   "NUMA node %u: a kernel knows nodes 0 to %d", numa[i]->id,
				   SIM_MAX_NODES - 1);
			mk_hint(err, "node-id = <0>; is the first one");
			return MK_BAD;
		}
	}
	return MK_OK;
}

static int nodes_of(struct sim_machine *m, const struct mk_state *s, struct mk_err *err)
{
	struct mk_numa **numa;
	size_t n = s->n_numa;

	if (!n) {
		one_node(m, s);
		return memory_of(m, s, err);
	}
	numa = mk_arena_array(s->arena, n, sizeof(*numa));
	for (size_t i = 0; i < n; i++)
		numa[i] = &s->numa[i];
	mk_sort(numa, n, sizeof(*numa), by_node_id);
	if (check_nodes(numa, n, err))
		return MK_BAD;
	m->n_nodes = n;
	m->node = sim_new(n * sizeof(*m->node));
	for (size_t i = n; i-- > 0;) { /* backwards: of two who claim a CPU the first has it */
		const struct mk_numa *x = numa[i];
		bool memory = x->has_memory && x->size;

		m->node[i] = (struct sim_node){.id = x->id, .distance = distances(s, numa, i)};
		if (memory)
			stretch(&m->node[i], x->base, mk_num_plus(x->base, x->size));
		for (size_t k = 0; k < x->cpus.ids.n; k++) {
			int cpu = sim_cpu_find(m, x->cpus.ids.id[k]);

			if (cpu >= 0)
				m->cpu[cpu].node = (uint32_t)i;
		}
	}
	return memory_of(m, s, err);
}

/* ------------------------------------------------------------ all of it */

static int no_machine(const struct mk_state *s, struct mk_err *err)
{
	if (!s->has_machine) {
		mk_fail(err, MK_BAD, "the tree of one instance is no machine");
		mk_hint(err, "a machine has /resources: mk-sim needs the host's own description");
		return MK_BAD;
	}
	if (!s->pool.ids.n && !s->host_cpus.ids.n) {
		mk_fail(err, MK_BAD, "no CPUs");
		mk_hint(err, "cpus { host-reserved = <0>; available = <1 2 3>; }; names them");
		return MK_BAD;
	}
	return MK_OK;
}

int sim_machine_of(struct sim_machine *m, struct mk_state *s, struct mk_err *err)
{
	int rc = no_machine(s, err);

	*m = (struct sim_machine){0};
	if (rc)
		return rc;
	cpus_of(m, s);
	rc = arch_of(m, s, err);
	if (!rc)
		rc = nodes_of(m, s, err);
	if (!rc)
		rc = sim_machine_functions(m, s, err);
	if (rc)
		return rc;
	sim_machine_platforms(m, s);
	m->host_bytes = host_bytes(m, s);
	m->block_bytes = s->block_bytes ? s->block_bytes : SIM_BLOCK_BYTES;
	return MK_OK;
}

int sim_cpu_find(const struct sim_machine *m, uint64_t id)
{
	size_t low = 0, high = m->n_cpus;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->cpu[m->by_id[mid]].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_cpus && m->cpu[m->by_id[low]].id == id ? (int)m->by_id[low] : -1;
}

size_t sim_node_find(const struct sim_machine *m, uint32_t id)
{
	size_t low = 0, high = m->n_nodes;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->node[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_nodes && m->node[low].id == id ? low : SIZE_MAX;
}
