/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostfs_cpu: /sys/devices/system/cpu and node, and sets of CPUs. A set is found
 * by a look at each CPU when it is read: nothing has to be kept up to date.
 */
#include "hostfs_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"

/* ------------------------------------------------------------ sets */

static bool within(const struct sim_machine *m, size_t i, enum sim_scope scope, size_t of)
{
	const struct sim_cpu *c = &m->cpu[i], *like = &m->cpu[of < m->n_cpus ? of : 0];
	bool runs = c->present && c->online;

	switch (scope) {
	case SIM_POSSIBLE: return true;
	case SIM_PRESENT: return c->present;
	case SIM_ONLINE: return runs;
	case SIM_OFFLINE: return !runs;
	case SIM_ON_NODE: return runs && c->node == of;
	case SIM_IN_PACKAGE: return runs && c->socket == like->socket;
	default: return runs && c->socket == like->socket && c->core == like->core;
	}
}

/* A list of rising numbers on its way into a buffer. */
struct list {
	struct mk_buf *b;
	size_t first, last;
	bool any, comma;
};

static void list_flush(struct list *l)
{
	if (l->any)
		mk_buf_fmt(l->b, "%s%zu", l->comma ? "," : "", l->first);
	if (l->any && l->first != l->last)
		mk_buf_fmt(l->b, "-%zu", l->last);
	l->comma = l->comma || l->any;
	l->any = false;
}

static void list_add(struct list *l, size_t v)
{
	if (l->any && l->last + 1 == v) {
		l->last = v;
		return;
	}
	list_flush(l);
	l->first = l->last = v;
	l->any = true;
}

void sim_cpulist(struct mk_buf *b, const struct sim_machine *m, enum sim_scope scope, size_t of)
{
	struct list l = {.b = b};

	for (size_t i = 0; i < m->n_cpus; i++)
		if (within(m, i, scope, of))
			list_add(&l, i);
	list_flush(&l);
}

/* As %*pb prints it: a bit for each possible CPU, in groups of 32, the highest first. */
void sim_cpumask(struct mk_buf *b, const struct sim_machine *m, enum sim_scope scope, size_t of)
{
	size_t words = (m->n_cpus + 31) / 32, rest = m->n_cpus % 32;
	uint32_t *word = mk_arena_array(b->arena, words, sizeof(*word));

	for (size_t i = 0; i < m->n_cpus; i++)
		if (within(m, i, scope, of))
			word[i / 32] |= 1U << i % 32;
	for (size_t i = words; i-- > 0;)
		if (i + 1 == words)
			mk_buf_fmt(b, "%0*x", (int)((rest ? rest : 32) + 3) / 4, word[i]);
		else
			mk_buf_fmt(b, ",%08x", word[i]);
}

/* ------------------------------------------------------------ cpu */

static const struct {
	unsigned level;
	const char *type;
	unsigned kilobytes;
	enum sim_scope shared;
} caches[] = {
	{1, "Data", 32, SIM_IN_CORE},
	{1, "Instruction", 32, SIM_IN_CORE},
	{2, "Unified", 1024, SIM_IN_CORE},
	{3, "Unified", 32768, SIM_IN_PACKAGE},
};
enum { CACHES = sizeof(caches) / sizeof(caches[0]), LINE_BYTES = 64 };

static void show_cache(const struct sim_machine *m, const struct sim_file *f, struct mk_buf *b)
{
	unsigned i = sim_part(f);

	switch (sim_what(f)) {
	case SIM_W_CACHE_LEVEL: mk_buf_fmt(b, "%u", caches[i].level); break;
	case SIM_W_CACHE_TYPE: mk_buf_str(b, caches[i].type); break;
	case SIM_W_CACHE_SIZE: mk_buf_fmt(b, "%uK", caches[i].kilobytes); break;
	case SIM_W_CACHE_LINE: mk_buf_fmt(b, "%d", LINE_BYTES); break;
	case SIM_W_CACHE_SHARED: sim_cpulist(b, m, caches[i].shared, f->index); break;
	default: sim_cpumask(b, m, caches[i].shared, f->index); break;
	}
}

/* NR_CPUS of Debian's kernels, less one. */
static size_t kernel_max(const struct sim_machine *m)
{
	size_t most = m->arch == SIM_ARM64 ? 512 : 8192;

	return (m->n_cpus > most ? m->n_cpus : most) - 1;
}

static void show_cpu(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		     int privileged)
{
	const struct sim_machine *m = &k->m;
	const struct sim_cpu *c = &m->cpu[f->index];
	enum sim_scope scope = (enum sim_scope)sim_part(f);

	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_CPU_NODE:
		mk_buf_fmt(b, "../../node/node%u", m->node[c->node].id);
		return; /* a link */
	case SIM_W_CPUS:
	case SIM_W_SIBLINGS: sim_cpulist(b, m, scope, f->index); break;
	case SIM_W_SIBLINGS_MASK: sim_cpumask(b, m, scope, f->index); break;
	case SIM_W_KERNEL_MAX: mk_buf_u64(b, kernel_max(m)); break;
	case SIM_W_CPU_ONLINE: mk_buf_u64(b, c->present && c->online); break;
	case SIM_W_PACKAGE_ID: mk_buf_u64(b, c->socket); break;
	case SIM_W_CORE_ID: mk_buf_u64(b, c->core); break;
	default: show_cache(m, f, b); break;
	}
	mk_buf_char(b, '\n');
}

static void fill_topology(struct sim_dir *cpu)
{
	static const struct sim_entry files[] = {
		{"physical_package_id", SIM_W_PACKAGE_ID, 0444, 0},
		{"core_id", SIM_W_CORE_ID, 0444, 0},
		{"thread_siblings", SIM_W_SIBLINGS_MASK, 0444, SIM_IN_CORE},
		{"thread_siblings_list", SIM_W_SIBLINGS, 0444, SIM_IN_CORE},
		{"core_cpus", SIM_W_SIBLINGS_MASK, 0444, SIM_IN_CORE},
		{"core_cpus_list", SIM_W_SIBLINGS, 0444, SIM_IN_CORE},
		{"core_siblings", SIM_W_SIBLINGS_MASK, 0444, SIM_IN_PACKAGE},
		{"core_siblings_list", SIM_W_SIBLINGS, 0444, SIM_IN_PACKAGE},
		{"package_cpus", SIM_W_SIBLINGS_MASK, 0444, SIM_IN_PACKAGE},
		{"package_cpus_list", SIM_W_SIBLINGS, 0444, SIM_IN_PACKAGE},
	};
	struct sim_dir d = sim_add_dir(cpu, "topology", SIM_W_CPU_RUNS);

	SIM_ADD_FILES(&d, files);
}

static void fill_caches(struct sim_dir *cpu)
{
	static const char *const names[CACHES] = {"index0", "index1", "index2", "index3"};
	struct sim_dir d = sim_add_dir(cpu, "cache", SIM_W_CPU_RUNS);

	for (unsigned i = 0; i < CACHES; i++) {
		const struct sim_entry files[] = {
			{"level", SIM_W_CACHE_LEVEL, 0444, i},
			{"type", SIM_W_CACHE_TYPE, 0444, i},
			{"size", SIM_W_CACHE_SIZE, 0444, i},
			{"coherency_line_size", SIM_W_CACHE_LINE, 0444, i},
			{"shared_cpu_list", SIM_W_CACHE_SHARED, 0444, i},
			{"shared_cpu_map", SIM_W_CACHE_SHARED_MASK, 0444, i},
		};
		struct sim_dir index = sim_add_dir(&d, names[i], SIM_W_DIR);

		SIM_ADD_FILES(&index, files);
	}
}

void sim_fill_cpu(struct sim_kernel *k, struct sim_dir *root)
{
	static const struct sim_entry files[] = {
		{"online", SIM_W_CPUS, 0444, SIM_ONLINE},
		{"offline", SIM_W_CPUS, 0444, SIM_OFFLINE},
		{"possible", SIM_W_CPUS, 0444, SIM_POSSIBLE},
		{"present", SIM_W_CPUS, 0444, SIM_PRESENT},
		{"kernel_max", SIM_W_KERNEL_MAX, 0444, 0},
	};
	static const struct sim_entry online[] = {{"online", SIM_W_CPU_ONLINE, 0644, 0}};

	root->show = show_cpu;
	SIM_ADD_FILES(root, files);
	for (root->index = 0; root->index < k->m.n_cpus; root->index++) {
		struct sim_dir d = sim_add_dir(root, sim_name("cpu%zu", root->index), SIM_W_CPU);
		uint32_t node = k->m.node[k->m.cpu[root->index].node].id;

		if (root->index) /* the boot CPU stays */
			SIM_ADD_FILES(&d, online);
		fill_topology(&d);
		fill_caches(&d);
		sim_add_link(&d, sim_name("node%u", node), SIM_W_CPU_NODE);
	}
}

/* ------------------------------------------------------------ node */

/* The part of [base, base + size) that is memory of a node. */
static uint64_t overlap(const struct sim_node *x, uint64_t base, uint64_t size)
{
	uint64_t from = base > x->base ? base : x->base;
	uint64_t to = base + size < x->base + x->size ? base + size : x->base + x->size;

	return from < to ? to - from : 0;
}

/* What the host's kernel still has of a node. */
static uint64_t node_bytes(const struct sim_kernel *k, size_t node)
{
	const struct sim_node *x = &k->m.node[node];
	uint64_t bytes = x->size;

	for (size_t i = 0; i < k->n_chunks; i++)
		bytes -= overlap(x, k->chunk[i]->base, k->chunk[i]->size);
	for (size_t i = 0; i < k->n_buffers; i++)
		if (!k->buffer[i].in_pool)
			bytes -= overlap(x, k->buffer[i].base, k->buffer[i].size);
	return bytes;
}

static void show_meminfo(const struct sim_kernel *k, size_t node, struct mk_buf *b)
{
	static const char *const zero[] = {
		"SwapCached",	  "Active",	   "Inactive",	     "Active(anon)",
		"Inactive(anon)", "Active(file)",  "Inactive(file)", "Unevictable",
		"Mlocked",	  "Dirty",	   "Writeback",	     "FilePages",
		"Mapped",	  "AnonPages",	   "Shmem",	     "KernelStack",
		"PageTables",	  "SecPageTables", "NFS_Unstable",   "Bounce",
		"WritebackTmp",	  "KReclaimable",  "Slab",	     "SReclaimable",
		"SUnreclaim",	  "AnonHugePages", "ShmemHugePages", "ShmemPmdMapped",
		"FileHugePages",  "FilePmdMapped",
	};
	unsigned id = k->m.node[node].id;
	uint64_t total = node_bytes(k, node) / 1024;
	uint64_t used = total / 64 + (node ? 0 : k->m.host_bytes / 4 / 1024);

	used = used < total ? used : total;
	mk_buf_fmt(b, "Node %u MemTotal:       %8llu kB\n", id, (unsigned long long)total);
	mk_buf_fmt(b, "Node %u MemFree:        %8llu kB\n", id, (unsigned long long)(total - used));
	mk_buf_fmt(b, "Node %u MemUsed:        %8llu kB\n", id, (unsigned long long)used);
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		mk_buf_fmt(b, "Node %u %s:%*d kB\n", id, zero[i], 23 - (int)strlen(zero[i]), 0);
	mk_buf_fmt(b, "Node %u HugePages_Total: %5u\n", id, 0);
	mk_buf_fmt(b, "Node %u HugePages_Free:  %5u\n", id, 0);
	mk_buf_fmt(b, "Node %u HugePages_Surp:  %5u\n", id, 0);
}

/* Ids of all nodes, of those that have CPUs, or memory. */
static void show_nodes(const struct sim_machine *m, enum sim_what what, struct mk_buf *b)
{
	bool *cpu = mk_arena_array(b->arena, m->n_nodes, sizeof(*cpu));
	struct list l = {.b = b};

	for (size_t i = 0; i < m->n_cpus; i++)
		if (m->cpu[i].present && m->cpu[i].online)
			cpu[m->cpu[i].node] = true;
	for (size_t i = 0; i < m->n_nodes; i++)
		if (what == SIM_W_NODES ||
		    (what == SIM_W_NODES_CPU ? cpu[i] : m->node[i].size != 0))
			list_add(&l, m->node[i].id);
	list_flush(&l);
}

static void show_node(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		      int privileged)
{
	const struct sim_machine *m = &k->m;

	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_NODE_CPU: mk_buf_fmt(b, "../../cpu/cpu%zu", f->index); return; /* a link */
	case SIM_W_NODE_MEMINFO: show_meminfo(k, f->index, b); return;
	case SIM_W_SIBLINGS: sim_cpulist(b, m, SIM_ON_NODE, f->index); break;
	case SIM_W_SIBLINGS_MASK: sim_cpumask(b, m, SIM_ON_NODE, f->index); break;
	case SIM_W_NODE_DISTANCE:
		for (size_t i = 0; i < m->n_nodes; i++)
			mk_buf_fmt(b, "%s%u", i ? " " : "", m->node[f->index].distance[i]);
		break;
	default: show_nodes(m, sim_what(f), b); break;
	}
	mk_buf_char(b, '\n');
}

void sim_fill_node(struct sim_kernel *k, struct sim_dir *root)
{
	static const struct sim_entry lists[] = {
		{"online", SIM_W_NODES, 0444, 0},
		{"possible", SIM_W_NODES, 0444, 0},
		{"has_cpu", SIM_W_NODES_CPU, 0444, 0},
		{"has_memory", SIM_W_NODES_MEMORY, 0444, 0},
		{"has_normal_memory", SIM_W_NODES_MEMORY, 0444, 0},
	};
	static const struct sim_entry files[] = {
		{"cpulist", SIM_W_SIBLINGS, 0444, SIM_ON_NODE},
		{"cpumap", SIM_W_SIBLINGS_MASK, 0444, SIM_ON_NODE},
		{"distance", SIM_W_NODE_DISTANCE, 0444, 0},
		{"meminfo", SIM_W_NODE_MEMINFO, 0444, 0},
	};
	struct sim_dir *node = sim_new(k->m.n_nodes * sizeof(*node));

	root->show = show_node;
	SIM_ADD_FILES(root, lists);
	for (size_t i = 0; i < k->m.n_nodes; i++) {
		root->index = i;
		node[i] = sim_add_dir(root, sim_name("node%u", k->m.node[i].id), SIM_W_DIR);
		SIM_ADD_FILES(&node[i], files);
	}
	for (size_t i = 0; i < k->m.n_cpus; i++) {
		struct sim_dir *d = &node[k->m.cpu[i].node];

		d->index = i;
		sim_add_link(d, sim_name("cpu%zu", i), SIM_W_NODE_CPU);
	}
	free(node);
}
