/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: the table and its functions. What is compared between instances is
 * sorted first: no rule looks at pairs of them.
 */
#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"

/* A CPU in the hands of an instance. */
struct held {
	uint64_t cpu;
	size_t instance;
};

/* A piece of memory and who has it: an instance, or what the kernel reports in use. */
struct piece {
	const struct mk_mem *m;
	size_t instance; /* MK_NO_DEVICE for a region in use */
};

struct ctx {
	const struct mk_state *s;
	const struct mk_rules_options *opts;
	struct mk_diags *diags;
	struct mk_arena *a;
	const struct mk_rule *rule; /* the one that runs */
	struct mk_ranges pool, host, chunks, numa_memory;
	struct held *held;
	size_t n_held;
	struct piece *piece;
	size_t n_pieces;
	/* hints that are the same for all findings, made when the first one needs them */
	const char *free_cpus, *free_memory;
	unsigned nearest; /* device names looked for: a search a finding would be quadratic */
};

__attribute__((format(printf, 4, 5)))
static struct mk_diag *find(struct ctx *c, const char *subject, struct mk_where w, const char *fmt,
			    ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = mk_arena_alloc(c->a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return mk_finding(c->diags, c->rule->severity, c->rule->id, subject, w, "%s", text);
}

static void set_other(struct ctx *c, struct mk_diag *d, struct mk_where w, const char *text)
{
	d->other = mk_where_span(w);
	d->other_text = text;
	if (!d->other.line)
		d->other_text = mk_arena_fmt(c->a, "%s (%s)", text, mk_where_path(c->a, w));
}

/* ------------------------------------------------------------ what is free */

static void add_ids(struct mk_ranges *r, const struct mk_ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		mk_ranges_add(r, ids->id[i], ids->id[i]);
}

struct mk_ids mk_free_cpus(const struct mk_state *s)
{
	struct mk_ranges used;
	struct mk_ids out = {0};

	mk_ranges_init(&used, s->arena);
	for (size_t i = 0; i < s->n_instances; i++)
		add_ids(&used, &s->instance[i].cpus.ids);
	add_ids(&used, &s->host_cpus.ids);
	mk_ranges_join(&used);
	for (size_t i = 0; i < s->pool.ids.n; i++)
		if (!mk_ranges_has(&used, s->pool.ids.id[i], s->pool.ids.id[i]))
			mk_ids_add(s->arena, &out, s->pool.ids.id[i]);
	return out;
}

void mk_free_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out)
{
	struct mk_ranges all, used;

	mk_ranges_init(&all, s->arena);
	mk_ranges_init(&used, s->arena);
	mk_ranges_init(out, s->arena);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (s->chunks.m[i].placed && (node == MK_NODE_ANY || s->chunks.m[i].node == node))
			mk_ranges_add_size(&all, s->chunks.m[i].base, s->chunks.m[i].size);
	for (size_t i = 0; i < s->in_use.n; i++)
		mk_ranges_add_size(&used, s->in_use.m[i].base, s->in_use.m[i].size);
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++)
			if (s->instance[i].mem.m[k].placed)
				mk_ranges_add_size(&used, s->instance[i].mem.m[k].base,
						   s->instance[i].mem.m[k].size);
	mk_ranges_join(&all);
	mk_ranges_join(&used);
	mk_ranges_minus(out, &all, &used);
}

uint64_t mk_free_bytes(const struct mk_state *s, uint32_t node)
{
	struct mk_ranges r;
	uint64_t bytes, taken = 0;

	mk_free_memory(s, node, &r);
	bytes = mk_ranges_count(&r);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (!s->chunks.m[i].placed && (node == MK_NODE_ANY || s->chunks.m[i].node == node) &&
		    !mk_num_add(bytes, s->chunks.m[i].size, &bytes))
			bytes = UINT64_MAX;
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++) {
			const struct mk_mem *m = &s->instance[i].mem.m[k];

			if (!m->placed && (node == MK_NODE_ANY || m->node == node) &&
			    !mk_num_add(taken, m->size, &taken))
				taken = UINT64_MAX;
		}
	return bytes > taken ? bytes - taken : 0;
}

static const char *free_cpus_hint(struct ctx *c)
{
	struct mk_ids ids;

	if (c->free_cpus)
		return c->free_cpus;
	ids = mk_free_cpus(c->s);
	c->free_cpus = ids.n ? mk_arena_fmt(c->a, "free CPUs: %s", mk_ids_brief(c->a, &ids, 8))
			     : "no CPU of the pool is free";
	return c->free_cpus;
}

static const char *free_memory_hint(struct ctx *c)
{
	struct mk_ranges r;
	struct mk_range big;

	if (c->free_memory)
		return c->free_memory;
	mk_free_memory(c->s, MK_NODE_ANY, &r);
	big = mk_ranges_largest(&r);
	if (big.first > big.last)
		c->free_memory = "no memory of the pool is free";
	else
		c->free_memory = mk_arena_fmt(c->a, "the largest free block is %s at 0x%llx",
					      mk_num_size_text(c->a, big.last - big.first + 1),
					      (unsigned long long)big.first);
	return c->free_memory;
}

/* ------------------------------------------------------------ lists with an id twice */

/* The ids that a list holds more than once. */
static struct mk_ids repeated(struct ctx *c, const struct mk_ids *list)
{
	struct mk_ids sorted = mk_ids_sorted(c->a, list), out = {0};

	for (size_t i = 1; i < sorted.n; i++)
		if (sorted.id[i] == sorted.id[i - 1] && (!out.n || out.id[out.n - 1] != sorted.id[i]))
			mk_ids_add(c->a, &out, sorted.id[i]);
	return out;
}

static void list_twice(struct ctx *c, const char *subject, const struct mk_cpus *list,
		       const char *what, const char *owner)
{
	struct mk_ids twice = repeated(c, &list->ids);

	if (twice.n)
		find(c, subject, list->where, "%s %s %s listed twice%s%s", what,
		     mk_ids_brief(c->a, &twice, 8), twice.n > 1 ? "are" : "is", owner[0] ? " in " : "",
		     owner)
			->hint = "list each once";
}

/* ------------------------------------------------------------ MK1xx: the machine */

static void resources_there(void *p)
{
	struct ctx *c = p;

	if (!c->s->has_machine && c->s->dialect != MK_DIALECT_VIEW)
		find(c, "@pool", (struct mk_where){c->s->tree ? c->s->tree->root : NULL, NULL},
		     "there is no /resources: nothing says what the machine has")
			->hint = "add resources { cpus = /bits/ 64 <...>; memory-base = <...>; memory-bytes = <...>; };";
}

static void some_cpu(void *p)
{
	struct ctx *c = p;

	if (c->s->has_machine && !c->s->pool.ids.n)
		find(c, "@pool", c->s->pool.where, "the pool has no CPU")->hint =
			"list the CPUs that instances may have, for instance cpus = /bits/ 64 <4 5 6 7>;";
}

static void pool_and_host(void *p)
{
	struct ctx *c = p;
	struct mk_ids both = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < c->s->pool.ids.n; i++)
		if (mk_ranges_has(&c->host, c->s->pool.ids.id[i], c->s->pool.ids.id[i]))
			mk_ids_add(c->a, &both, c->s->pool.ids.id[i]);
	if (!both.n)
		return;
	d = find(c, "@pool", c->s->pool.where, "CPU %s belongs to the host and to the pool",
		 mk_ids_brief(c->a, &both, 8));
	set_other(c, d, c->s->host_cpus.where, "reserved for the host here");
	d->hint = "take it out of one of the two lists";
}

static void above_total(struct ctx *c, const char *subject, const struct mk_cpus *list)
{
	struct mk_ids above = {0};

	for (size_t i = 0; i < list->ids.n; i++)
		if (list->ids.id[i] >= c->s->cpu_total)
			mk_ids_add(c->a, &above, list->ids.id[i]);
	if (above.n)
		find(c, subject, list->where, "CPU %s is not below total, which is %llu",
		     mk_ids_brief(c->a, &above, 8), (unsigned long long)c->s->cpu_total)
			->hint = mk_arena_fmt(c->a, "ids go from 0 to %llu; total is an upper bound of ids, no count",
					      (unsigned long long)c->s->cpu_total - 1);
}

static void below_total(void *p)
{
	struct ctx *c = p;

	if (!c->s->cpu_total_at.prop)
		return;
	if (!c->s->cpu_total) {
		find(c, "@pool", c->s->cpu_total_at, "total is 0")->hint =
			"total is the highest CPU id plus one";
		return;
	}
	above_total(c, "@pool", &c->s->pool);
	above_total(c, "@host", &c->s->host_cpus);
}

static void pool_twice(void *p)
{
	struct ctx *c = p;

	list_twice(c, "@pool", &c->s->pool, "CPU", "the pool");
	list_twice(c, "@host", &c->s->host_cpus, "CPU", "the host's share");
}

static void pool_memory(void *p)
{
	struct ctx *c = p;
	struct mk_diag *d;

	if (!c->s->has_machine || c->s->chunks.n)
		return;
	d = find(c, "@pool", c->s->resources, "the pool has no memory");
	d->hint = c->s->dialect == MK_DIALECT_NESTED
			  ? "add memory-pool-base = <0x80000000>; and memory-pool-bytes = <0x0 0x40000000>; to memory { }"
			  : "add memory-base = <0x0 0x80000000>; and memory-bytes = <0x0 0x40000000>;";
}

static void chunk_empty(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->chunks.n; i++)
		if (!c->s->chunks.m[i].size)
			find(c, "@pool", c->s->chunks.m[i].where, "a memory chunk of the pool has 0 bytes");
}

static bool page_aligned(const struct mk_mem *m)
{
	return (!m->placed || m->base % MK_PAGE_BYTES == 0) && m->size % MK_PAGE_BYTES == 0;
}

static struct mk_where misaligned_at(const struct mk_mem *m)
{
	return m->size_at.node && !(m->placed && m->base % MK_PAGE_BYTES) ? m->size_at : m->where;
}

static const char *aligned_hint(struct ctx *c, const struct mk_mem *m)
{
	uint64_t up = m->size + MK_PAGE_BYTES - 1;

	if (m->placed && m->base % MK_PAGE_BYTES)
		return mk_arena_fmt(c->a, "the nearest page below begins at 0x%llx",
				    (unsigned long long)(m->base / MK_PAGE_BYTES * MK_PAGE_BYTES));
	return mk_arena_fmt(c->a, "the next multiple of a page is 0x%llx",
			    (unsigned long long)(up / MK_PAGE_BYTES * MK_PAGE_BYTES));
}

static void chunk_aligned(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];

		if (!page_aligned(m))
			find(c, "@pool", misaligned_at(m), "memory chunk %s is not aligned to pages of 4096 bytes",
			     mk_mem_text(c->a, m))->hint = aligned_hint(c, m);
	}
}

static bool wraps(const struct mk_mem *m)
{
	return m->placed && m->size && m->size - 1 > UINT64_MAX - m->base;
}

static void chunk_wraps(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->chunks.n; i++) {
		const struct mk_mem *m = &c->s->chunks.m[i];

		if (wraps(m))
			find(c, "@pool", m->where,
			     "a memory chunk at 0x%llx of 0x%llx bytes goes beyond the last address",
			     (unsigned long long)m->base, (unsigned long long)m->size);
	}
}

static void chunk_in_machine(void *p)
{
	struct ctx *c = p;
	const struct mk_state *s = c->s;
	uint64_t pool = mk_mems_bytes(&s->chunks), sum;
	struct mk_diag *d;

	if (s->has_memory_total && (!mk_num_add(pool, s->memory_host, &sum) || sum > s->memory_total) &&
	    s->chunks.n) {
		d = find(c, "@pool", s->chunks.m[0].where,
			 "the pool (%s) and the host's share (%s) are more than the machine has (%s)",
			 mk_num_size_text(c->a, pool), mk_num_size_text(c->a, s->memory_host),
			 mk_num_size_text(c->a, s->memory_total));
		set_other(c, d, s->memory_total_at, "the machine's memory is stated here");
		if (s->memory_total > s->memory_host)
			d->hint = mk_arena_fmt(c->a, "the pool can have up to 0x%llx bytes",
					       (unsigned long long)(s->memory_total - s->memory_host));
	}
	for (size_t i = 0; c->numa_memory.n && i < s->chunks.n; i++) {
		const struct mk_mem *m = &s->chunks.m[i];

		if (m->placed && m->size && !mk_ranges_has(&c->numa_memory, m->base, m->base + (m->size - 1)))
			find(c, "@pool", m->where, "memory chunk %s is not in the memory of the NUMA nodes",
			     mk_mem_text(c->a, m));
	}
}

static int by_base(const void *x, const void *y)
{
	const struct mk_mem *a = *(struct mk_mem *const *)x, *b = *(struct mk_mem *const *)y;

	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void chunks_apart(void *p)
{
	struct ctx *c = p;
	const struct mk_mem **m = mk_arena_array(c->a, c->s->chunks.n, sizeof(struct mk_mem *));
	const struct mk_mem *reach = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->s->chunks.n; i++)
		if (c->s->chunks.m[i].placed && c->s->chunks.m[i].size)
			m[n++] = &c->s->chunks.m[i];
	if (n)
		qsort(m, n, sizeof(*m), by_base);
	for (size_t i = 0; i < n; i++) {
		if (reach && m[i]->base - reach->base < reach->size) {
			struct mk_diag *d = find(c, "@pool", m[i]->where, "memory chunk %s overlaps %s",
						 mk_mem_text(c->a, m[i]), mk_mem_text(c->a, reach));

			set_other(c, d, reach->where, "the other chunk");
		}
		if (!reach || m[i]->base + (m[i]->size - 1) > reach->base + (reach->size - 1))
			reach = m[i];
	}
}

/* ------------------------------------------------------------ NUMA */

static int by_numa_id(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->id < b->id ? -1 : a->id > b->id;
}

static void numa_twice(void *p)
{
	struct ctx *c = p;
	const struct mk_numa **n = mk_arena_array(c->a, c->s->n_numa, sizeof(struct mk_numa *));

	for (size_t i = 0; i < c->s->n_numa; i++)
		n[i] = &c->s->numa[i];
	if (c->s->n_numa)
		qsort(n, c->s->n_numa, sizeof(*n), by_numa_id);
	for (size_t i = 1; i < c->s->n_numa; i++)
		if (n[i]->id == n[i - 1]->id)
			set_other(c, find(c, "@host", n[i]->where, "NUMA node %u is described twice", n[i]->id),
				  n[i - 1]->where, "the other description");
}

static int by_numa_base(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->base < b->base ? -1 : a->base > b->base;
}

static void numa_memory_apart(void *p)
{
	struct ctx *c = p;
	const struct mk_numa **n = mk_arena_array(c->a, c->s->n_numa, sizeof(struct mk_numa *));
	size_t k = 0;

	for (size_t i = 0; i < c->s->n_numa; i++)
		if (c->s->numa[i].has_memory && c->s->numa[i].size)
			n[k++] = &c->s->numa[i];
	if (k)
		qsort(n, k, sizeof(*n), by_numa_base);
	for (size_t i = 1; i < k; i++)
		if (n[i]->base - n[i - 1]->base < n[i - 1]->size)
			set_other(c,
				  find(c, "@host", n[i]->where, "the memory of NUMA node %u overlaps that of node %u",
				       n[i]->id, n[i - 1]->id),
				  n[i - 1]->where, "the other node");
}

static int by_held(const void *x, const void *y)
{
	const struct held *a = x, *b = y;

	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a->instance < b->instance ? -1 : a->instance > b->instance;
}

static void numa_cpus_apart(void *p)
{
	struct ctx *c = p;
	struct held *h;
	size_t n = 0;

	for (size_t i = 0; i < c->s->n_numa; i++)
		n += c->s->numa[i].cpus.ids.n;
	h = mk_arena_array(c->a, n, sizeof(*h));
	n = 0;
	for (size_t i = 0; i < c->s->n_numa; i++)
		for (size_t k = 0; k < c->s->numa[i].cpus.ids.n; k++)
			h[n++] = (struct held){c->s->numa[i].cpus.ids.id[k], i};
	if (n)
		qsort(h, n, sizeof(*h), by_held);
	for (size_t i = 1; i < n; i++)
		if (h[i].cpu == h[i - 1].cpu) {
			const struct mk_numa *a = &c->s->numa[h[i - 1].instance];
			const struct mk_numa *b = &c->s->numa[h[i].instance];

			set_other(c,
				  find(c, "@host", b->cpus.where, "CPU %llu is in NUMA node %u and in node %u",
				       (unsigned long long)h[i].cpu, a->id, b->id),
				  a->cpus.where, "the other node");
			return;
		}
}

static void numa_cpus_known(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; c->s->cpu_total && i < c->s->n_numa; i++)
		above_total(c, "@host", &c->s->numa[i].cpus);
}

/* One row of the matrix a node, or all of it in each. */
static void numa_distances(void *p)
{
	struct ctx *c = p;
	size_t n = c->s->n_numa;

	for (size_t i = 0; i < n; i++) {
		const struct mk_numa *x = &c->s->numa[i];

		if (!x->distance.n)
			continue;
		if (x->distance.n != n && x->distance.n != n * n) {
			find(c, "@host", x->where,
			     "the distances of NUMA node %u are %zu numbers; with %zu nodes there are %zu a node",
			     x->id, x->distance.n, n, n);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			uint64_t here = x->distance.n == n ? x->distance.id[i] : x->distance.id[k * n + k];

			if (here == 10) /* ACPI: the distance of a node to itself */
				continue;
			find(c, "@host", x->where, "the distance of NUMA node %u to itself is %llu, not 10",
			     c->s->numa[x->distance.n == n ? i : k].id, (unsigned long long)here);
			break;
		}
	}
}

static void baseline_only(void *p)
{
	struct ctx *c = p;
	struct mk_diag *d;

	if (!c->opts->baseline || !c->s->n_instances)
		return;
	d = find(c, "@pool", c->s->instance[0].where,
		 "a baseline must not contain instances: this one has %zu, the first is '%s'",
		 c->s->n_instances, c->s->instance[0].name);
	d->hint = "remove instances { }; create them with mk-alloc, which hands overlays to the kernel";
}

/* ------------------------------------------------------------ MK2xx: devices */

static bool pci_id_ok(const char *s)
{
	static const char shape[] = "xxxx:xx:xx.7";
	unsigned device;

	if (strlen(s) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		int d = mk_hex_digit((unsigned char)s[i]);

		if (shape[i] == 'x' ? d < 0 : shape[i] == '7' ? d < 0 || d > 7 : s[i] != shape[i])
			return false;
	}
	device = (unsigned)mk_hex_digit((unsigned char)s[8]) * 16 + (unsigned)mk_hex_digit((unsigned char)s[9]);
	return device < 32;
}

static void pci_shape(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (d->pci_id && !pci_id_ok(d->pci_id))
			find(c, d->name, d->where, "device %s: '%s' is no PCI id", d->name, d->pci_id)->hint =
				"a PCI id is domain:bus:device.function, all hexadecimal: 0000:01:00.0";
		for (size_t k = 0; k < d->n_vf_info; k++)
			if (d->vf_info[k].pci_id && !pci_id_ok(d->vf_info[k].pci_id))
				find(c, d->name, d->where, "VF %u of device %s: '%s' is no PCI id",
				     d->vf_info[k].number, d->name, d->vf_info[k].pci_id);
	}
}

struct named {
	const char *name;
	const struct mk_device *device;
};

static int by_name(const void *x, const void *y)
{
	const struct named *a = x, *b = y;
	int d = strcmp(a->name, b->name);

	return d ? d : a->device < b->device ? -1 : a->device > b->device;
}

static void pci_twice(void *p)
{
	struct ctx *c = p;
	size_t n = 0;
	struct named *x;

	for (size_t i = 0; i < c->s->n_devices; i++)
		n += 1 + c->s->device[i].n_vf_info;
	x = mk_arena_array(c->a, n, sizeof(*x));
	n = 0;
	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (d->pci_id)
			x[n++] = (struct named){d->pci_id, d};
		for (size_t k = 0; k < d->n_vf_info; k++)
			if (d->vf_info[k].pci_id)
				x[n++] = (struct named){d->vf_info[k].pci_id, d};
	}
	if (n)
		qsort(x, n, sizeof(*x), by_name);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(x[i].name, x[i - 1].name))
			set_other(c,
				  find(c, x[i].device->name, x[i].device->where, "PCI id %s is used by %s and by %s",
				       x[i].name, x[i - 1].device->name, x[i].device->name),
				  x[i - 1].device->where, "the other device");
}

/* VFs are numbered 0 to vfs - 1, namespaces 1 to ns. */
static void numbers_above(struct ctx *c, const struct mk_device *d, const struct mk_cpus *list,
			  uint64_t first, uint64_t count, const char *what, const char *prop)
{
	struct mk_ids bad = {0};
	struct mk_diag *x;

	for (size_t i = 0; i < list->ids.n; i++)
		if (list->ids.id[i] < first || list->ids.id[i] - first >= count)
			mk_ids_add(c->a, &bad, list->ids.id[i]);
	if (!bad.n)
		return;
	x = find(c, d->name, list->where, "device %s has no %s %s: %s is %llu", d->name, what,
		 mk_ids_brief(c->a, &bad, 8), prop, (unsigned long long)count);
	x->hint = count ? mk_arena_fmt(c->a, "they are numbered %llu to %llu", (unsigned long long)first,
				       (unsigned long long)(first + count - 1))
			: "remove the list";
}

static void vf_above(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (!d->has_vfs)
			continue;
		numbers_above(c, d, &d->vf, 0, d->vfs, "VF", "sriov-vfs");
		numbers_above(c, d, &d->host_vf, 0, d->vfs, "VF", "sriov-vfs");
	}
}

static void ns_above(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (!d->has_ns)
			continue;
		numbers_above(c, d, &d->free_ns, 1, d->ns, "namespace", "namespaces");
		numbers_above(c, d, &d->host_ns, 1, d->ns, "namespace", "namespaces");
	}
}

static void offered_and_reserved(struct ctx *c, const struct mk_device *d, const struct mk_cpus *offered,
				 const struct mk_cpus *reserved, const char *what)
{
	struct mk_ranges r;

	mk_ranges_init(&r, c->a);
	add_ids(&r, &reserved->ids);
	mk_ranges_join(&r);
	for (size_t i = 0; i < offered->ids.n; i++)
		if (mk_ranges_has(&r, offered->ids.id[i], offered->ids.id[i])) {
			set_other(c,
				  find(c, d->name, offered->where, "%s %llu of device %s is offered and reserved for the host",
				       what, (unsigned long long)offered->ids.id[i], d->name),
				  reserved->where, "reserved here");
			return;
		}
}

static void vf_reserved(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++)
		offered_and_reserved(c, &c->s->device[i], &c->s->device[i].vf, &c->s->device[i].host_vf, "VF");
}

static void ns_reserved(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++)
		offered_and_reserved(c, &c->s->device[i], &c->s->device[i].free_ns,
				     &c->s->device[i].host_ns, "namespace");
}

static void vf_twice(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++)
		list_twice(c, c->s->device[i].name, &c->s->device[i].vf, "VF", c->s->device[i].name);
}

static void ns_twice(void *p)
{
	struct ctx *c = p;

	for (size_t i = 0; i < c->s->n_devices; i++)
		list_twice(c, c->s->device[i].name, &c->s->device[i].free_ns, "namespace",
			   c->s->device[i].name);
}

/* The NUMA nodes that the tree describes, as a set. */
static void numa_ids(struct ctx *c, struct mk_ranges *r)
{
	mk_ranges_init(r, c->a);
	for (size_t i = 0; i < c->s->n_numa; i++)
		mk_ranges_add(r, c->s->numa[i].id, c->s->numa[i].id);
	mk_ranges_join(r);
}

static void device_node(void *p)
{
	struct ctx *c = p;
	struct mk_ranges r;

	numa_ids(c, &r);
	for (size_t i = 0; r.n && i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (d->node != MK_NODE_ANY && !mk_ranges_has(&r, d->node, d->node))
			find(c, d->name, d->where, "device %s is on NUMA node %u, which is not described", d->name,
			     d->node);
	}
}

static void device_names_apart(void *p)
{
	struct ctx *c = p;
	struct named *x = mk_arena_array(c->a, c->s->n_devices * 4, sizeof(*x));
	size_t n = 0;

	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		x[n++] = (struct named){d->node_name, d};
		if (strcmp(d->name, d->node_name) != 0)
			x[n++] = (struct named){d->name, d};
		if (d->label && strcmp(d->label, d->name) != 0 && strcmp(d->label, d->node_name) != 0)
			x[n++] = (struct named){d->label, d};
		if (d->alias && strcmp(d->alias, d->name) != 0 && strcmp(d->alias, d->node_name) != 0)
			x[n++] = (struct named){d->alias, d};
	}
	if (n)
		qsort(x, n, sizeof(*x), by_name);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(x[i].name, x[i - 1].name) && x[i].device != x[i - 1].device)
			set_other(c,
				  find(c, x[i].name, x[i].device->where, "two devices answer to the name '%s'",
				       x[i].name),
				  x[i - 1].device->where, "the other device");
}

static void alias_targets(void *p)
{
	struct ctx *c = p;
	struct mk_tree *t = (struct mk_tree *)(uintptr_t)c->s->tree;

	for (size_t i = 0; i < c->s->n_aliases; i++) {
		const struct mk_alias *x = &c->s->alias[i];

		if (strlen(x->name) > 31) /* the kernel's limit: kernel-abi, baseline */
			find(c, x->name, x->where, "alias '%s' is longer than 31 characters", x->name);
		if (!mk_node_at(t, t->root, x->path, strlen(x->path)))
			find(c, x->name, x->where, "alias '%s' names %s, which is not there", x->name, x->path);
	}
}

/* ------------------------------------------------------------ MK3xx: instances */

static void each_instance(struct ctx *c, void (*fn)(struct ctx *, const struct mk_instance *))
{
	for (size_t i = 0; i < c->s->n_instances; i++)
		fn(c, &c->s->instance[i]);
}

static void one_id_zero(struct ctx *c, const struct mk_instance *x)
{
	if (x->has_id && !x->id)
		find(c, x->name, x->id_at, "instance %s has id 0, which is the host's", x->name)->hint =
			"leave the id out, or choose one from 1";
}

static void id_zero(void *p)
{
	each_instance(p, one_id_zero);
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

/* "web, db and 3 more": names of instances, cut. */
enum { NAMES_SHOWN = 6 };

struct names_list {
	const char *name[NAMES_SHOWN];
	size_t n;
};

static void names_add(struct names_list *l, const char *name)
{
	if (l->n < NAMES_SHOWN)
		l->name[l->n] = name;
	l->n++;
}

static const char *names_text(struct ctx *c, const struct names_list *l)
{
	size_t shown = l->n < NAMES_SHOWN ? l->n : NAMES_SHOWN;
	struct mk_buf b;

	mk_buf_init(&b, c->a);
	for (size_t i = 0; i < shown; i++)
		mk_buf_fmt(&b, "%s%s", !i ? "" : i + 1 == l->n ? " and " : ", ", l->name[i]);
	if (l->n > shown)
		mk_buf_fmt(&b, " and %zu more", l->n - shown);
	return mk_buf_cstr(&b);
}

static void id_twice(void *p)
{
	struct ctx *c = p;
	struct id_of *x = mk_arena_array(c->a, c->s->n_instances, sizeof(*x));
	size_t n = 0, end;

	for (size_t i = 0; i < c->s->n_instances; i++)
		if (c->s->instance[i].has_id)
			x[n++] = (struct id_of){c->s->instance[i].id, i};
	if (n)
		qsort(x, n, sizeof(*x), by_instance_id);
	for (size_t i = 0; i < n; i = end) {
		struct names_list l = {.n = 0};
		struct mk_diag *d;

		for (end = i; end < n && x[end].id == x[i].id; end++)
			names_add(&l, c->s->instance[x[end].instance].name);
		if (end - i < 2)
			continue;
		d = find(c, c->s->instance[x[i + 1].instance].name, c->s->instance[x[i + 1].instance].id_at,
			 "id %u is used by %s", x[i].id, names_text(c, &l));
		set_other(c, d, c->s->instance[x[i].instance].id_at, "used first here");
		d->hint = "leave ids out, and free ones are chosen";
	}
}

static void one_id_above(struct ctx *c, const struct mk_instance *x)
{
	uint32_t max = c->opts->max_id ? c->opts->max_id : MK_ID_MAX;

	if (x->has_id && x->id > max)
		find(c, x->name, x->id_at, "instance %s has id %u: the kernel cannot load ids above %u",
		     x->name, x->id, max);
}

static void id_above(void *p)
{
	each_instance(p, one_id_above);
}

static void one_no_cpu(struct ctx *c, const struct mk_instance *x)
{
	if (!x->cpus.ids.n)
		find(c, x->name, x->cpus.where.node ? x->cpus.where : x->where, "instance %s has no CPU",
		     x->name)->hint = free_cpus_hint(c);
}

static void no_cpu(void *p)
{
	each_instance(p, one_no_cpu);
}

static void one_no_memory(struct ctx *c, const struct mk_instance *x)
{
	if (!x->mem.n)
		find(c, x->name, x->where, "instance %s has no memory", x->name)->hint = free_memory_hint(c);
}

static void no_memory(void *p)
{
	each_instance(p, one_no_memory);
}

/* ------------------------------------------------------------ MK4xx: CPUs */

static void one_cpu_unknown(struct ctx *c, const struct mk_instance *x)
{
	struct mk_ids bad = {0};

	for (size_t i = 0; i < x->cpus.ids.n; i++)
		if (x->cpus.ids.id[i] >= c->s->cpu_total)
			mk_ids_add(c->a, &bad, x->cpus.ids.id[i]);
	if (bad.n)
		find(c, x->name, x->cpus.where, "instance %s: the machine has no CPU %s (ids end at %llu)",
		     x->name, mk_ids_brief(c->a, &bad, 8), (unsigned long long)c->s->cpu_total - 1)
			->hint = free_cpus_hint(c);
}

static void cpu_unknown(void *p)
{
	struct ctx *c = p;

	if (c->s->cpu_total)
		each_instance(c, one_cpu_unknown);
}

static void one_cpu_reserved(struct ctx *c, const struct mk_instance *x)
{
	struct mk_ids bad = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < x->cpus.ids.n; i++)
		if (mk_ranges_has(&c->host, x->cpus.ids.id[i], x->cpus.ids.id[i]))
			mk_ids_add(c->a, &bad, x->cpus.ids.id[i]);
	if (!bad.n)
		return;
	d = find(c, x->name, x->cpus.where, "instance %s: CPU %s is reserved for the host", x->name,
		 mk_ids_brief(c->a, &bad, 8));
	set_other(c, d, c->s->host_cpus.where, "reserved here");
	d->hint = free_cpus_hint(c);
}

static void cpu_reserved(void *p)
{
	each_instance(p, one_cpu_reserved);
}

static void one_cpu_outside(struct ctx *c, const struct mk_instance *x)
{
	struct mk_ids bad = {0};

	for (size_t i = 0; i < x->cpus.ids.n; i++) {
		uint64_t id = x->cpus.ids.id[i];

		/* other rules speak of those */
		if (!mk_ranges_has(&c->pool, id, id) && !mk_ranges_has(&c->host, id, id) &&
		    (!c->s->cpu_total || id < c->s->cpu_total))
			mk_ids_add(c->a, &bad, id);
	}
	if (bad.n)
		find(c, x->name, x->cpus.where, "instance %s: CPU %s is not in the pool", x->name,
		     mk_ids_brief(c->a, &bad, 8))->hint = free_cpus_hint(c);
}

static void cpu_outside(void *p)
{
	struct ctx *c = p;

	if (c->s->has_machine)
		each_instance(c, one_cpu_outside);
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

static void report_shared(struct ctx *c, const struct shared *x, size_t n)
{
	const struct mk_instance *a = &c->s->instance[c->held[x->first].instance];
	const struct mk_instance *b = &c->s->instance[c->held[x->first + 1].instance];
	struct names_list l = {.n = 0};
	struct mk_ids cpus = {0};
	struct mk_diag *d;

	for (size_t i = 0; i < n; i++)
		mk_ids_add(c->a, &cpus, x[i].cpu);
	for (size_t i = 0; i < x->n; i++)
		names_add(&l, c->s->instance[c->held[x->first + i].instance].name);
	if (x->n == 2)
		d = find(c, b->name, b->cpus.where, "CPU %s is given to %s (CPUs %s) and to %s (CPUs %s)",
			 mk_ids_brief(c->a, &cpus, 8), a->name, mk_ids_brief(c->a, &a->cpus.ids, 8), b->name,
			 mk_ids_brief(c->a, &b->cpus.ids, 8));
	else
		d = find(c, b->name, b->cpus.where, "CPU %s is given to %zu instances: %s",
			 mk_ids_brief(c->a, &cpus, 8), x->n, names_text(c, &l));
	set_other(c, d, a->cpus.where, mk_arena_fmt(c->a, "%s has it here", a->name));
	d->hint = free_cpus_hint(c);
}

static void cpu_shared(void *p)
{
	struct ctx *c = p;
	struct shared *x = mk_arena_array(c->a, c->n_held, sizeof(*x));
	size_t n = 0, end;

	for (size_t i = 0; i < c->n_held; i = end) {
		uint64_t h = 14695981039346656037ULL;
		size_t owners = 0;

		for (end = i; end < c->n_held && c->held[end].cpu == c->held[i].cpu; end++) {
			if (end > i && c->held[end].instance == c->held[end - 1].instance)
				continue; /* listed twice by one: another rule */
			h = (h ^ c->held[end].instance) * 1099511628211ULL;
			owners++;
		}
		if (owners > 1 && owners == end - i)
			x[n++] = (struct shared){h, i, owners, c->held[i].cpu};
	}
	if (n)
		qsort(x, n, sizeof(*x), by_owners);
	for (size_t i = 0; i < n; i = end) {
		for (end = i; end < n && x[end].owners == x[i].owners; end++)
			;
		report_shared(c, x + i, end - i);
	}
}

static void one_cpu_twice(struct ctx *c, const struct mk_instance *x)
{
	list_twice(c, x->name, &x->cpus, "CPU", x->name);
}

static void cpu_twice(void *p)
{
	each_instance(p, one_cpu_twice);
}

/* ------------------------------------------------------------ MK5xx: memory */

static void each_region(struct ctx *c,
			void (*fn)(struct ctx *, const struct mk_instance *, const struct mk_mem *))
{
	for (size_t i = 0; i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].mem.n; k++)
			fn(c, &c->s->instance[i], &c->s->instance[i].mem.m[k]);
}

static void one_outside(struct ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	if (!m->placed || !m->size || wraps(m) ||
	    mk_ranges_has(&c->chunks, m->base, m->base + (m->size - 1)))
		return;
	find(c, x->name, m->where, "instance %s: memory %s is outside of the pool", x->name,
	     mk_mem_text(c->a, m))->hint = free_memory_hint(c);
}

static void mem_outside(void *p)
{
	struct ctx *c = p;

	if (c->s->has_machine && c->chunks.n)
		each_region(c, one_outside);
}

static const char *piece_text(struct ctx *c, const struct piece *x)
{
	const char *who = x->instance != MK_NO_DEVICE ? c->s->instance[x->instance].name
			  : x->m->owner               ? x->m->owner
						      : "the kernel";

	return mk_arena_fmt(c->a, "%s %s", who, mk_mem_text(c->a, x->m));
}

static void report_cluster(struct ctx *c, const struct piece *x, size_t n)
{
	struct names_list l = {.n = 0};
	const struct piece *who = x[1].instance != MK_NO_DEVICE ? &x[1] : &x[0];
	const char *subject =
		who->instance != MK_NO_DEVICE ? c->s->instance[who->instance].name : "@pool";
	const struct piece *other = who == &x[1] ? &x[0] : &x[1];
	struct mk_diag *d;

	for (size_t i = 0; i < n; i++)
		names_add(&l, piece_text(c, &x[i]));
	if (n == 2) {
		uint64_t last = x[0].m->base + (x[0].m->size - 1), end = x[1].m->base + (x[1].m->size - 1);
		struct mk_mem both = {.base = x[1].m->base, .placed = true,
				      .size = (last < end ? last : end) - x[1].m->base + 1};

		d = find(c, subject, who->m->where, "memory of %s and of %s overlaps: %s", piece_text(c, &x[0]),
			 piece_text(c, &x[1]), mk_mem_text(c->a, &both));
	} else {
		d = find(c, subject, who->m->where, "memory of %zu parties overlaps: %s", n, names_text(c, &l));
	}
	set_other(c, d, other->m->where, mk_arena_fmt(c->a, "%s is here", piece_text(c, other)));
	d->hint = free_memory_hint(c);
}

/* Pieces that overlap in a chain make one finding. fired tells whether a region in use takes part. */
static void overlaps(struct ctx *c, bool with_in_use)
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

static void mem_overlap(void *p)
{
	overlaps(p, false);
}

static void mem_in_use(void *p)
{
	overlaps(p, true);
}

static void one_unaligned(struct ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	if (!page_aligned(m))
		find(c, x->name, misaligned_at(m), "instance %s: memory %s is not aligned to pages of 4096 bytes",
		     x->name, mk_mem_text(c->a, m))->hint = aligned_hint(c, m);
}

static void mem_unaligned(void *p)
{
	each_region(p, one_unaligned);
}

static void one_empty(struct ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	if (!m->size)
		find(c, x->name, m->where, "instance %s: a memory region of 0 bytes", x->name)->hint =
			free_memory_hint(c);
}

static void mem_empty(void *p)
{
	each_region(p, one_empty);
}

static void one_wraps(struct ctx *c, const struct mk_instance *x, const struct mk_mem *m)
{
	if (wraps(m))
		find(c, x->name, m->where,
		     "instance %s: memory at 0x%llx of 0x%llx bytes goes beyond the last address", x->name,
		     (unsigned long long)m->base, (unsigned long long)m->size);
}

static void mem_wraps(void *p)
{
	each_region(p, one_wraps);
}

static void mem_sum(void *p)
{
	struct ctx *c = p;
	uint64_t pool = mk_mems_bytes(&c->s->chunks), sum = 0;
	const struct mk_instance *big = NULL;

	if (!c->s->has_machine || !c->s->chunks.n)
		return;
	for (size_t i = 0; i < c->s->n_instances; i++) {
		const struct mk_instance *x = &c->s->instance[i];

		if (!mk_num_add(sum, mk_mems_bytes(&x->mem), &sum))
			sum = UINT64_MAX;
		if (!big || mk_mems_bytes(&x->mem) > mk_mems_bytes(&big->mem))
			big = x;
	}
	if (big && sum > pool)
		find(c, "@pool", big->mem.n ? big->mem.m[0].where : big->where,
		     "instances have %s of memory, the pool only %s", mk_num_size_text(c->a, sum),
		     mk_num_size_text(c->a, pool))
			->hint = mk_arena_fmt(c->a, "take %s away; %s has the most, %s",
					      mk_num_size_text(c->a, sum - pool), big->name,
					      mk_num_size_text(c->a, mk_mems_bytes(&big->mem)));
}

/* ------------------------------------------------------------ MK6xx: use of devices */

static void each_use(struct ctx *c,
		     void (*fn)(struct ctx *, const struct mk_instance *, const struct mk_use *))
{
	for (size_t i = 0; i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].devices.n; k++)
			fn(c, &c->s->instance[i], &c->s->instance[i].devices.u[k]);
}

enum { NEAREST_MAX = 16 };

static const char *device_hint(struct ctx *c, const char *name)
{
	const char *best = NULL;
	struct names_list l = {.n = 0};
	unsigned edits = 3;

	if (c->nearest++ >= NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < c->s->n_devices; i++) {
		unsigned e = mk_num_edits(name, c->s->device[i].name, 2);

		if (e < edits) {
			edits = e;
			best = c->s->device[i].name;
		}
		names_add(&l, c->s->device[i].name);
	}
	if (best)
		return mk_arena_fmt(c->a, "did you mean %s?", best);
	return l.n ? mk_arena_fmt(c->a, "the machine has %s", names_text(c, &l))
		   : "the machine describes no devices";
}

static void one_unknown(struct ctx *c, const struct mk_instance *x, const struct mk_use *u)
{
	if (u->device == MK_NO_DEVICE)
		find(c, x->name, u->where, "instance %s uses device '%s', which the machine does not have",
		     x->name, u->text)->hint = device_hint(c, u->text);
}

static void use_unknown(void *p)
{
	struct ctx *c = p;

	if (c->s->has_machine)
		each_use(c, one_unknown);
}

struct user {
	const struct mk_use *u;
	const struct mk_instance *x;
};

static int by_use(const void *x, const void *y)
{
	const struct user *a = x, *b = y;

	if (a->u->device != b->u->device)
		return a->u->device < b->u->device ? -1 : 1;
	if (a->u->part != b->u->part)
		return a->u->part < b->u->part ? -1 : 1;
	if (a->u->number != b->u->number)
		return a->u->number < b->u->number ? -1 : 1;
	return a->u < b->u ? -1 : a->u > b->u;
}

static bool same_thing(const struct user *a, const struct user *b)
{
	return a->u->device == b->u->device && a->u->part == b->u->part && a->u->number == b->u->number;
}

/* All uses of known devices, sorted so that conflicts stand together: the whole first. */
static struct user *sorted_uses(struct ctx *c, size_t *n)
{
	struct user *out;

	*n = 0;
	for (size_t i = 0; i < c->s->n_instances; i++)
		*n += c->s->instance[i].devices.n;
	out = mk_arena_array(c->a, *n, sizeof(*out));
	*n = 0;
	for (size_t i = 0; i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].devices.n; k++)
			if (c->s->instance[i].devices.u[k].device != MK_NO_DEVICE)
				out[(*n)++] = (struct user){&c->s->instance[i].devices.u[k],
							    &c->s->instance[i]};
	if (*n)
		qsort(out, *n, sizeof(*out), by_use);
	return out;
}

static void use_twice(void *p)
{
	struct ctx *c = p;
	size_t n, end;
	struct user *u = sorted_uses(c, &n);

	for (size_t i = 0; i < n; i = end) {
		struct names_list l = {.n = 0};
		struct mk_diag *d;

		for (end = i; end < n && same_thing(&u[i], &u[end]); end++)
			names_add(&l, u[end].x->name);
		if (end - i < 2)
			continue;
		d = find(c, u[i + 1].x->name, u[i + 1].u->where, "device %s is given to %s", u[i].u->text,
			 end - i == 2 && u[i].x == u[i + 1].x
				 ? mk_arena_fmt(c->a, "%s twice", u[i].x->name)
				 : names_text(c, &l));
		set_other(c, d, u[i].u->where, mk_arena_fmt(c->a, "%s has it here", u[i].x->name));
		d->hint = "a device belongs to one instance";
	}
}

static void use_whole_and_part(void *p)
{
	struct ctx *c = p;
	size_t n, k;
	struct user *u = sorted_uses(c, &n);

	for (size_t i = 0; i < n; i = k) {
		for (k = i + 1; k < n && u[k].u->device == u[i].u->device; k++)
			if (u[i].u->part == MK_WHOLE && u[k].u->part != MK_WHOLE) {
				struct mk_diag *d =
					find(c, u[k].x->name, u[k].u->where,
					     "%s has the whole of %s, and %s has %s, a part of it", u[i].x->name,
					     u[i].u->text, u[k].x->name, u[k].u->text);

				set_other(c, d, u[i].u->where, "the whole device is given here");
				break;
			}
		while (k < n && u[k].u->device == u[i].u->device)
			k++;
	}
}

static const char *offer_hint(struct ctx *c, const struct mk_device *d, const struct mk_cpus *list,
			      const char *what)
{
	if (!list->ids.n)
		return mk_arena_fmt(c->a, "%s offers no %s", d->name, what);
	return mk_arena_fmt(c->a, "%s offers %s %s", d->name, what, mk_ids_brief(c->a, &list->ids, 8));
}

static void one_unavailable(struct ctx *c, const struct mk_instance *x, const struct mk_use *u)
{
	const struct mk_device *d;
	const struct mk_cpus *offered, *reserved;
	const char *what, *why = NULL;
	bool vf = u->part == MK_VF;

	if (u->device == MK_NO_DEVICE || u->part == MK_WHOLE)
		return;
	d = &c->s->device[u->device];
	offered = vf ? &d->vf : &d->free_ns;
	reserved = vf ? &d->host_vf : &d->host_ns;
	what = vf ? "VF" : "namespace";
	if (mk_ids_has(&reserved->ids, u->number))
		why = "it is reserved for the host";
	else if (vf ? d->has_vfs && u->number >= d->vfs : d->has_ns && (u->number > d->ns || !u->number))
		why = mk_arena_fmt(c->a, "the device has %llu", (unsigned long long)(vf ? d->vfs : d->ns));
	else if (offered->known && !mk_ids_has(&offered->ids, u->number))
		why = "it is not offered";
	else if (vf ? !d->has_vfs && !offered->known && !d->n_vf_info : !d->has_ns && !offered->known)
		why = vf ? "the device has no VFs" : "the device has no namespaces";
	if (why)
		find(c, x->name, u->where, "instance %s cannot have %s: %s %u of %s: %s", x->name, u->text, what,
		     u->number, d->name, why)->hint = offer_hint(c, d, offered, vf ? "VFs" : "namespaces");
}

static void use_unavailable(void *p)
{
	each_use(p, one_unavailable);
}

static void one_planned(struct ctx *c, const struct mk_instance *x, const struct mk_use *u)
{
	if (u->device == MK_NO_DEVICE || u->part == MK_WHOLE || mk_use_pci(c->s, u))
		return;
	find(c, x->name, u->where, "planned only: this kernel cannot hand out %s to %s", u->text, x->name)->hint =
		u->part == MK_VF
			? "describe the VF with its own PCI id: vf@N { pci-id = \"0000:01:10.0\"; };"
			: "the kernel hands out PCI functions, no namespaces; give the whole device";
}

static void use_planned(void *p)
{
	struct ctx *c = p;

	if (c->s->abi == 2 && c->s->has_machine)
		each_use(c, one_planned);
}

/* ------------------------------------------------------------ MK7xx: topology */

static void wish_nodes(void *p)
{
	struct ctx *c = p;
	struct mk_ranges r;

	numa_ids(c, &r);
	for (size_t i = 0; r.n && i < c->s->n_instances; i++) {
		const struct mk_instance *x = &c->s->instance[i];

		for (size_t k = 0; k < x->numa_nodes.n; k++)
			if (!mk_ranges_has(&r, x->numa_nodes.id[k], x->numa_nodes.id[k])) {
				find(c, x->name, x->where, "instance %s wants NUMA node %llu, which is not described",
				     x->name, (unsigned long long)x->numa_nodes.id[k]);
				break;
			}
	}
}

static void one_bind(struct ctx *c, const struct mk_instance *x)
{
	if (x->policy && !strcmp(x->policy, "bind") && !x->numa_nodes.n)
		find(c, x->name, x->where, "instance %s binds its memory to no NUMA node", x->name)->hint =
			"add numa-nodes = <0>; or drop memory-policy";
}

static void bind_without_nodes(void *p)
{
	each_instance(p, one_bind);
}

static void one_policy(struct ctx *c, const struct mk_instance *x)
{
	if (x->affinity && strcmp(x->affinity, "compact") != 0 && strcmp(x->affinity, "spread") != 0 &&
	    strcmp(x->affinity, "local") != 0)
		find(c, x->name, x->where, "instance %s: cpu-affinity '%s' is not known", x->name, x->affinity)
			->hint = "it is compact, spread or local";
	if (x->policy && strcmp(x->policy, "local") != 0 && strcmp(x->policy, "interleave") != 0 &&
	    strcmp(x->policy, "bind") != 0)
		find(c, x->name, x->where, "instance %s: memory-policy '%s' is not known", x->name, x->policy)
			->hint = "it is local, interleave or bind";
}

static void policy_known(void *p)
{
	each_instance(p, one_policy);
}

/* ------------------------------------------------------------ the table */

#define E MK_ERROR
#define W MK_WARNING

const struct mk_rule mk_rules[] = {
	{"MK101", E, "resources missing", "describe the machine in /resources", NULL, resources_there},
	{"MK102", E, "no CPU available", "list the CPUs that instances may have", "MK101 MK801 MK804", some_cpu},
	{"MK103", E, "host and pool share a CPU", "take it out of one list", NULL, pool_and_host},
	{"MK104", E, "CPU id not below total", "correct the id, or total (highest id plus one)", NULL, below_total},
	{"MK105", E, "CPU listed twice in the pool or the host's share", "list each id once", NULL, pool_twice},
	{"MK106", E, "memory pool missing", "state base and size of the pool", "MK101 MK801 MK804", pool_memory},
	{"MK107", E, "memory pool empty", "give it a size", NULL, chunk_empty},
	{"MK108", E, "memory pool not page-aligned", "use multiples of 4096", NULL, chunk_aligned},
	{"MK109", E, "memory pool wraps past 2^64", "correct base or size", NULL, chunk_wraps},
	{"MK110", E, "memory pool outside the machine's memory", "make it fit", "MK109", chunk_in_machine},
	{"MK111", E, "pool chunks overlap", "keep them apart", "MK109", chunks_apart},
	{"MK112", E, "NUMA node described twice", "describe each once", NULL, numa_twice},
	{"MK113", E, "memory of NUMA nodes overlaps", "keep it apart", "MK112", numa_memory_apart},
	{"MK114", E, "CPU in two NUMA nodes", "list each CPU in one node", "MK112", numa_cpus_apart},
	{"MK115", E, "CPU of a NUMA node not in the machine", "correct the id, or total", NULL, numa_cpus_known},
	{"MK116", E, "distance matrix not square, or its diagonal is not 10", "one distance a node, 10 to itself",
	 "MK112", numa_distances},
	{"MK117", E, "compatible is foreign (a missing one is a warning)", "use linux,multikernel-host", NULL, NULL},
	{"MK118", E, "a baseline holds instances", "remove /instances; create instances by overlays", NULL,
	 baseline_only},

	{"MK201", E, "PCI id malformed", "write domain:bus:device.function", NULL, pci_shape},
	{"MK202", E, "PCI id used twice", "each function is one device", "MK201", pci_twice},
	{"MK203", E, "VF above sriov-vfs", "VFs are numbered from 0", NULL, vf_above},
	{"MK204", E, "VF offered and reserved for the host", "take it out of one list", NULL, vf_reserved},
	{"MK205", E, "VF listed twice", "list each once", NULL, vf_twice},
	{"MK206", E, "namespace above namespaces", "namespaces are numbered from 1", NULL, ns_above},
	{"MK207", E, "namespace offered and reserved for the host", "take it out of one list", NULL, ns_reserved},
	{"MK208", E, "namespace listed twice", "list each once", NULL, ns_twice},
	{"MK209", E, "device on an unknown NUMA node", "describe the node, or correct numa-node-id", NULL,
	 device_node},
	{"MK210", E, "two devices answer to one name", "rename a label, node or alias", NULL, device_names_apart},
	{"MK211", E, "alias dangling or over 31 characters", "correct its path or name", NULL, alias_targets},

	{"MK301", E, "name malformed", "letters, digits, '.', '_', '-'; at most 63", NULL, NULL},
	{"MK302", E, "name used twice", "choose another", NULL, NULL},
	{"MK303", E, "instance id 0", "ids begin at 1", NULL, id_zero},
	{"MK304", E, "instance id used twice", "give each its own, or none", "MK303", id_twice},
	{"MK305", E, "instance id above what the kernel can load", "use 1 to 2047", NULL, id_above},
	{"MK306", E, "instance without CPU", "give it one", "MK801 MK804", no_cpu},
	{"MK307", E, "instance without memory", "give it some", "MK801 MK804", no_memory},

	{"MK401", E, "CPU not in the machine", "use CPUs of the pool", NULL, cpu_unknown},
	{"MK402", E, "CPU reserved for the host", "use CPUs of the pool", NULL, cpu_reserved},
	{"MK403", E, "CPU not in the pool", "use CPUs of the pool", "MK102", cpu_outside},
	{"MK404", E, "CPU given to several instances", "give it to one", NULL, cpu_shared},
	{"MK405", E, "CPU listed twice by an instance", "list it once", NULL, cpu_twice},

	{"MK501", E, "memory outside of the pool", "use memory of the pool", "MK106 MK109", mem_outside},
	{"MK502", E, "memory of instances overlaps", "keep it apart", "MK506", mem_overlap},
	{"MK503", E, "memory overlaps a region in use", "keep away from it", "MK506", mem_in_use},
	{"MK504", E, "memory not page-aligned", "use multiples of 4096", NULL, mem_unaligned},
	{"MK505", E, "memory region of 0 bytes", "give it a size, or remove it", NULL, mem_empty},
	{"MK506", E, "memory wraps past 2^64", "correct base or size", NULL, mem_wraps},
	{"MK507", E, "instances have more memory than the pool", "take some away",
	 "MK501 MK502 MK503 MK506 MK106 MK107", mem_sum},

	{"MK601", E, "unknown device", "use one of the machine's devices", NULL, use_unknown},
	{"MK602", E, "device given twice", "a device belongs to one instance", NULL, use_twice},
	{"MK603", E, "VF or namespace not available, reserved, or above what the device has",
	 "use one that is offered", NULL, use_unavailable},
	{"MK606", E, "whole device given while a part is in use", "give parts, or the whole", NULL,
	 use_whole_and_part},
	{"MK607", E, "reference to nothing", "refer to a device that exists", NULL, NULL},
	{"MK608", E, "planned only: the kernel cannot hand out this part", "give it a PCI id, or the whole device",
	 "MK603", use_planned},

	{"MK701", E, "unknown NUMA node wanted", "use a node of the machine", NULL, wish_nodes},
	{"MK702", E, "policy bind without nodes", "name the nodes", NULL, bind_without_nodes},
	{"MK704", E, "unknown affinity or policy", "use one that is known", NULL, policy_known},

	{"MK801", E, "property of a wrong type or width", "write it as the hint shows", NULL, NULL},
	{"MK802", E, "property defined twice", "remove one", NULL, NULL},
	{"MK803", E, "node defined twice", "remove or rename one", NULL, NULL},
	{"MK804", E, "unknown property in a closed node (elsewhere a near miss is a warning)", "correct its name", NULL,
	 NULL},
	{"MK805", W, "width of CPU ids not certain", "write /bits/ 64 <...>, or give --cpu-cells", NULL, NULL},

	{"MK901", E, "overlay with an unknown target or operation", "correct it", NULL, NULL},
	{"MK902", E, "overlay with an operation that the state cannot take", "apply it to the state it was made for",
	 NULL, NULL},
	{"MK903", E, "overlay with an item that the kernel would skip", "name it memory@, cpu@ or pci@", NULL, NULL},
	{"MK904", E, "foreign overlay", "only multikernel overlays are applied here", NULL, NULL},
	{"MK905", E, "overlay with fragments of both ABIs", "use target-path in all fragments, or in none", NULL,
	 NULL},
	{NULL, E, NULL, NULL, NULL, NULL},
};

/* ------------------------------------------------------------ running */

static int by_piece(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;

	if (a->m->base != b->m->base)
		return a->m->base < b->m->base ? -1 : 1;
	return a->m < b->m ? -1 : a->m > b->m;
}

/* What several rules look at, sorted once. */
static void prepare(struct ctx *c)
{
	const struct mk_state *s = c->s;
	size_t n = 0, m = s->in_use.n;

	mk_ranges_init(&c->pool, c->a);
	mk_ranges_init(&c->host, c->a);
	mk_ranges_init(&c->chunks, c->a);
	mk_ranges_init(&c->numa_memory, c->a);
	add_ids(&c->pool, &s->pool.ids);
	add_ids(&c->host, &s->host_cpus.ids);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (s->chunks.m[i].placed)
			mk_ranges_add_size(&c->chunks, s->chunks.m[i].base, s->chunks.m[i].size);
	for (size_t i = 0; i < s->n_numa; i++)
		if (s->numa[i].has_memory)
			mk_ranges_add_size(&c->numa_memory, s->numa[i].base, s->numa[i].size);
	mk_ranges_join(&c->pool);
	mk_ranges_join(&c->host);
	mk_ranges_join(&c->chunks);
	mk_ranges_join(&c->numa_memory);
	for (size_t i = 0; i < s->n_instances; i++) {
		n += s->instance[i].cpus.ids.n;
		m += s->instance[i].mem.n;
	}
	c->held = mk_arena_array(c->a, n, sizeof(*c->held));
	c->piece = mk_arena_array(c->a, m, sizeof(*c->piece));
	for (size_t i = 0; i < s->n_instances; i++) {
		const struct mk_instance *x = &s->instance[i];

		for (size_t k = 0; k < x->cpus.ids.n; k++)
			c->held[c->n_held++] = (struct held){x->cpus.ids.id[k], i};
		for (size_t k = 0; k < x->mem.n; k++)
			if (x->mem.m[k].placed && x->mem.m[k].size && !wraps(&x->mem.m[k]))
				c->piece[c->n_pieces++] = (struct piece){&x->mem.m[k], i};
	}
	for (size_t i = 0; i < s->in_use.n; i++)
		if (s->in_use.m[i].size && !wraps(&s->in_use.m[i]))
			c->piece[c->n_pieces++] = (struct piece){&s->in_use.m[i], MK_NO_DEVICE};
	if (c->n_held)
		qsort(c->held, c->n_held, sizeof(*c->held), by_held);
	if (c->n_pieces)
		qsort(c->piece, c->n_pieces, sizeof(*c->piece), by_piece);
}

enum { RULE_ID_LEN = 5 };

static size_t rule_index(const char *id)
{
	size_t i = 0;

	while (mk_rules[i].id && strncmp(mk_rules[i].id, id, RULE_ID_LEN) != 0)
		i++;
	return i;
}

static bool may_run(const struct mk_rule *r, const bool *fired)
{
	for (const char *p = r->needs; p && *p; p += p[RULE_ID_LEN] ? RULE_ID_LEN + 1 : RULE_ID_LEN)
		if (fired[rule_index(p)])
			return false;
	return true;
}

void mk_rules_run(const struct mk_state *s, const struct mk_rules_options *opts,
		  struct mk_diags *diags)
{
	struct ctx c = {.s = s, .opts = opts, .diags = diags, .a = s->arena};
	bool fired[sizeof(mk_rules) / sizeof(mk_rules[0])] = {false};

	for (const struct mk_diag *d = diags->first; d; d = d->next)
		if (d->severity == MK_ERROR && d->rule)
			fired[rule_index(d->rule)] = true;
	prepare(&c);
	for (size_t i = 0; mk_rules[i].id; i++) {
		size_t before = diags->errors;

		/* what decoding has said already is not said again */
		if (!mk_rules[i].fn || fired[i] || !may_run(&mk_rules[i], fired))
			continue;
		c.rule = &mk_rules[i];
		mk_rules[i].fn(&c);
		fired[i] = fired[i] || diags->errors != before;
	}
}
