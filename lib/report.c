/* SPDX-License-Identifier: Apache-2.0 */
/* report: tables whose columns are as wide as what stands in them. */
#include "report_int.h"

#include <string.h>

#include "arena.h"
#include "keys.h"
#include "num.h"
#include "pool.h"

/* ------------------------------------------------------------ tables */

enum { COLUMNS_MAX = 8 };

struct table {
	struct mk_arena *a;
	size_t columns;
	const char *(*row)[COLUMNS_MAX];
	size_t n, cap;
	bool right[COLUMNS_MAX]; /* numbers stand to the right */
};

static void add_row(struct table *t, const char *const *cell)
{
	size_t cap = t->cap;

	t->row = mk_arena_more(t->a, t->row, t->n, &cap, sizeof(*t->row));
	t->cap = cap;
	for (size_t i = 0; i < t->columns; i++)
		t->row[t->n][i] = cell[i];
	t->n++;
}

static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80; /* UTF-8: leading bytes alone */
	return n;
}

/* A wider cell pushes its own row alone: all rows together would be as long as the longest. */
enum { WIDE = 60 };

static void print_table(struct mk_buf *b, const struct table *t)
{
	size_t w[COLUMNS_MAX] = {0};

	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < t->columns; i++)
			if (width(t->row[r][i]) > w[i])
				w[i] = width(t->row[r][i]) < WIDE ? width(t->row[r][i]) : WIDE;
	for (size_t r = 0; r < t->n; r++) {
		for (size_t i = 0; i < t->columns; i++) {
			size_t own = width(t->row[r][i]), pad = own < w[i] ? w[i] - own : 0;
			bool last = i + 1 == t->columns;

			mk_buf_str(b, "  ");
			for (size_t k = 0; t->right[i] && k < pad; k++)
				mk_buf_char(b, ' ');
			mk_buf_str(b, t->row[r][i]);
			for (size_t k = 0; !t->right[i] && !last && k < pad; k++)
				mk_buf_char(b, ' ');
		}
		while (b->data[b->len - 1] == ' ')
			b->len--;
		mk_buf_char(b, '\n');
	}
}

/* ------------------------------------------------------------ words */

static const char *node(struct mk_arena *a, uint32_t n)
{
	return n == MK_NODE_ANY ? "-" : mk_arena_fmt(a, "%u", n);
}

static const char *title(const struct mk_state *s)
{
	switch (s->dialect) {
	case MK_DIALECT_NESTED:
	case MK_DIALECT_FLAT: return "as its description says";
	case MK_DIALECT_KERNEL: return "as the kernel writes it";
	case MK_DIALECT_VIEW: return "seen by one instance";
	case MK_DIALECT_STATE: break;
	}
	return "state";
}

/* ------------------------------------------------------------ the machine */

static void print_cpus(struct mk_buf *b, const struct mk_state *s)
{
	struct mk_ids free = mk_free_cpus(s);
	struct mk_cpu_counts n = mk_report_cpus(s);
	struct table t = {.a = s->arena, .columns = 4, .right = {[2] = true, [3] = true}};

	if (s->host_cpus.known) {
		mk_buf_fmt(b, "CPUs: %zu\n", n.all);
		add_row(&t, (const char *[]){"host", mk_report_ids(s->arena, &s->host_cpus.ids),
					     mk_arena_fmt(s->arena, "%zu", n.host),
					     mk_report_percent(s->arena, n.host, n.all)});
	} else {
		mk_buf_fmt(b, "CPUs: %zu in the pool, the host's are not known\n", n.pool);
	}
	add_row(&t, (const char *[]){"pool", mk_report_ids(s->arena, &s->pool.ids),
				     mk_arena_fmt(s->arena, "%zu", n.pool),
				     s->host_cpus.known
					     ? mk_report_percent(s->arena, n.pool, n.all)
					     : ""});
	add_row(&t, (const char *[]){"free", mk_report_ids(s->arena, &free),
				     mk_arena_fmt(s->arena, "%zu", free.n),
				     s->host_cpus.known ? mk_report_percent(s->arena, free.n, n.all)
							: ""});
	print_table(b, &t);
}

static void print_memory(struct mk_buf *b, const struct mk_state *s, const struct mk_memmap *map)
{
	struct mk_arena *a = s->arena;
	uint64_t pool = mk_mems_bytes(&s->chunks);
	uint64_t all = s->has_memory_total ? s->memory_total : 0;
	struct table t = {.a = a, .columns = 4, .right = {[1] = true, [2] = true}};
	struct mk_free_memory free = mk_report_free(map, MK_NODE_ANY);

	if (all)
		mk_buf_fmt(b, "Memory: %s\n", mk_num_size_text(a, all));
	else
		mk_buf_fmt(b, "Memory: %s in the pool, the machine's is not known\n",
			   mk_num_size_text(a, pool));
	if (all && s->memory_host)
		add_row(&t, (const char *[]){"host", mk_num_size_text(a, s->memory_host),
					     mk_report_percent(a, s->memory_host, all), ""});
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *m = &s->chunks.m[i];
		const char *on =
			m->node == MK_NODE_ANY ? "" : mk_arena_fmt(a, ", node %u", m->node);

		add_row(&t, (const char *[]){
				    i ? "" : "pool", mk_num_size_text(a, m->size),
				    all ? mk_report_percent(a, m->size, all) : "",
				    m->placed ? mk_arena_fmt(a, "at 0x%llx%s",
							     (unsigned long long)m->base, on)
					      : mk_arena_fmt(a, "placed by the kernel%s", on)});
	}
	add_row(&t, (const char *[]){
			    "free", mk_num_size_text(a, free.bytes),
			    all ? mk_report_percent(a, free.bytes, all) : "",
			    mk_report_block(a, &free, "largest block")});
	for (size_t i = 0; i < s->in_use.n; i++)
		add_row(&t, (const char *[]){
				    "in use", mk_num_size_text(a, s->in_use.m[i].size), "",
				    mk_arena_fmt(a, "at 0x%llx by %s",
						 (unsigned long long)s->in_use.m[i].base,
						 s->in_use.m[i].owner
							 ? mk_report_safe(a, s->in_use.m[i].owner)
							 : "the kernel")});
	print_table(b, &t);
}

/* CPUs of a node that are free. */
static const char *free_on(struct mk_arena *a, const struct mk_numa *n,
			   const struct mk_ranges *free)
{
	struct mk_ids here = {0};

	for (size_t i = 0; i < n->cpus.ids.n; i++)
		if (mk_ranges_has(free, n->cpus.ids.id[i], n->cpus.ids.id[i]))
			mk_ids_add(a, &here, n->cpus.ids.id[i]);
	return mk_report_ids(a, &here);
}

/* Distances are no set: "10,21,22" */
static const char *distances(struct mk_arena *a, const struct mk_ids *d)
{
	struct mk_buf b;

	mk_buf_init(&b, a);
	for (size_t i = 0; i < d->n; i++)
		mk_buf_fmt(&b, "%s%llu", i ? "," : "", (unsigned long long)d->id[i]);
	return d->n ? mk_buf_cstr(&b) : "-";
}

static void print_numa(struct mk_buf *b, const struct mk_state *s, const struct mk_memmap *map)
{
	struct mk_arena *a = s->arena;
	struct table t = {.a = a, .columns = 8, .right = {[0] = true, [4] = true, [5] = true}};
	struct mk_ids ids = mk_free_cpus(s);
	struct mk_ranges free = mk_ranges_of(a, &ids);

	if (!s->n_numa)
		return;
	mk_buf_str(b, "\nNUMA nodes\n");
	add_row(&t, (const char *[]){"NODE", "CPUS", "FREE", "MEMORY", "FREE", "LARGEST",
				     "DISTANCES", "TYPE"});
	for (size_t i = 0; i < s->n_numa; i++) {
		const struct mk_numa *n = &s->numa[i];
		struct mk_mem m = {.base = n->base, .size = n->size, .placed = true};
		struct mk_free_memory here = mk_report_free(map, n->id);
		bool known = n->has_memory || mk_memmap_node(map, n->id)->have;

		add_row(&t, (const char *[]){mk_arena_fmt(a, "%u", n->id),
					     mk_report_ids(a, &n->cpus.ids), free_on(a, n, &free),
					     n->has_memory ? mk_mem_text(a, &m) : "-",
					     known ? mk_num_size_text(a, here.bytes) : "-",
					     here.block ? mk_arena_fmt(a, here.sure ? "%s" : "<= %s",
								       mk_num_size_text(a, here.block))
							: "-",
					     distances(a, &n->distance),
					     n->type ? mk_report_safe(a, n->type) : "-"});
	}
	print_table(b, &t);
}

/* Who has a device or parts of it: one pass over all uses, a list a device. */
static const char **users_of_devices(const struct mk_state *s)
{
	struct mk_buf *b = mk_arena_array(s->arena, s->n_devices, sizeof(*b));
	const char **out = mk_arena_array(s->arena, s->n_devices, sizeof(char *));

	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].devices.n; k++) {
			const struct mk_use *u = &s->instance[i].devices.u[k];
			struct mk_buf *to = u->device == MK_NO_DEVICE ? NULL : &b[u->device];

			if (!to)
				continue;
			if (!to->arena)
				mk_buf_init(to, s->arena);
			mk_buf_fmt(to, "%s%s", to->len ? ", " : "",
				   mk_report_safe(s->arena, s->instance[i].name));
			if (u->part != MK_WHOLE)
				mk_buf_fmt(to, " (%s %u)", u->part == MK_VF ? "VF" : "namespace",
					   u->number);
		}
	for (size_t i = 0; b && i < s->n_devices; i++)
		out[i] = b[i].len ? mk_buf_cstr(&b[i]) : "-";
	return out;
}

static const char *offered(struct mk_arena *a, const struct mk_device *d)
{
	if (d->vf.known)
		return mk_arena_fmt(a, "VFs %s", mk_report_ids(a, &d->vf.ids));
	if (d->has_vfs && d->vfs)
		return mk_arena_fmt(a, "VFs 0-%llu", (unsigned long long)d->vfs - 1);
	if (d->free_ns.known)
		return mk_arena_fmt(a, "namespaces %s", mk_report_ids(a, &d->free_ns.ids));
	if (d->has_ns && d->ns)
		return mk_arena_fmt(a, "namespaces 1-%llu", (unsigned long long)d->ns);
	return "whole";
}

static void print_devices(struct mk_buf *b, const struct mk_state *s)
{
	struct table t = {.a = s->arena, .columns = 5};
	const char **users;

	if (!s->n_devices)
		return;
	users = users_of_devices(s);
	mk_buf_str(b, "\nDevices\n");
	add_row(&t, (const char *[]){"NAME", "PCI ID", "NODE", "OFFERED", "USED BY"});
	for (size_t i = 0; i < s->n_devices; i++) {
		const struct mk_device *d = &s->device[i];

		add_row(&t,
			(const char *[]){mk_report_safe(s->arena, d->name),
					 d->pci_id ? mk_report_safe(s->arena, d->pci_id) : "-",
					 node(s->arena, d->node), offered(s->arena, d), users[i]});
	}
	print_table(b, &t);
}

static const char *const heads[] = {"NAME", "ID", "STATE", "CPUS", "MEMORY", "DEVICES"};

static void instance_row(struct table *t, const struct mk_instance *x)
{
	struct mk_arena *a = t->a;

	add_row(t, (const char *[]){mk_report_safe(a, x->name),
				    x->has_id ? mk_arena_fmt(a, "%u", x->id) : "-",
				    x->status ? mk_report_safe(a, x->status) : "-",
				    x->cpus.ids.n ? mk_ids_text(a, &x->cpus.ids) : "-",
				    mk_report_memory(a, &x->mem), mk_report_uses(a, &x->devices)});
}

static void print_instances(struct mk_buf *b, const struct mk_state *s)
{
	struct table t = {.a = s->arena, .columns = 6, .right = {[1] = true}};

	if (!s->has_instances) {
		mk_buf_str(b, "\nInstances: nothing is said about them\n");
		return;
	}
	if (!s->n_instances) {
		mk_buf_str(b, "\nInstances: none\n");
		return;
	}
	mk_buf_fmt(b, "\nInstances\n");
	add_row(&t, heads);
	for (size_t i = 0; i < s->n_instances; i++)
		instance_row(&t, &s->instance[i]);
	print_table(b, &t);
}

void mk_report_state(struct mk_buf *b, const struct mk_state *s)
{
	struct mk_memmap map;
	if (s->has_machine) {
		mk_buf_fmt(b, "Machine (%s, kernel ABI %u%s)\n", title(s), s->abi,
			   s->abi_known ? "" : " assumed");
		print_cpus(b, s);
		mk_memmap_init(&map, s);
		print_memory(b, s, &map);
		print_numa(b, s, &map);
		print_devices(b, s);
	} else {
		mk_buf_fmt(b, "Machine: not known (%s)\n", title(s));
	}
	print_instances(b, s);
}

void mk_report_brief(struct mk_buf *b, const struct mk_state *s)
{
	struct table t = {.a = s->arena, .columns = 6, .right = {[1] = true}};

	for (size_t i = 0; i < s->n_instances; i++)
		instance_row(&t, &s->instance[i]);
	if (t.n)
		print_table(b, &t);
}

/* Properties of options { } and uring { }: flags by their name, cells with their value. */
static void add_settings(struct table *t, const char *what, const struct mk_node *n)
{
	const struct mk_prop *p = n ? mk_prop_first(n) : NULL;

	for (; p; p = mk_prop_next(p)) {
		const char *name = mk_report_safe(t->a, p->name);
		uint32_t v;

		if (mk_prop_u32(p, &v))
			name = mk_arena_fmt(t->a, "%s %u", name, v);
		add_row(t, (const char *[]){what, name});
		what = "";
	}
}

void mk_report_instance(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *x)
{
	struct mk_arena *a = s->arena;
	struct table t = {.a = a, .columns = 2};

	mk_buf_fmt(b, "Instance %s\n", mk_report_safe(a, x->name));
	add_row(&t, (const char *[]){"id", x->has_id ? mk_arena_fmt(a, "%u", x->id)
						     : "chosen by the kernel"});
	add_row(&t,
		(const char *[]){"state", x->status ? mk_report_safe(a, x->status) : "not known"});
	add_row(&t,
		(const char *[]){"CPUs",
				 x->cpus.ids.n
					 ? mk_arena_fmt(a, "%s (%zu; %llu boots)",
							mk_ids_text(a, &x->cpus.ids), x->cpus.ids.n,
							(unsigned long long)x->cpus.ids.id[0])
					 : "none"});
	for (size_t i = 0; i < x->mem.n; i++) {
		const struct mk_mem *m = &x->mem.m[i];
		const char *text = m->placed ? mk_mem_text(a, m)
					     : mk_arena_fmt(a, "%s, placed by the kernel",
							    mk_num_size_text(a, m->size));

		add_row(&t, (const char *[]){i ? "" : "memory",
					     m->node == MK_NODE_ANY ? text
								    : mk_arena_fmt(a, "%s, node %u",
										   text, m->node)});
	}
	for (size_t i = 0; i < x->devices.n; i++) {
		const char *pci = mk_use_pci(s, &x->devices.u[i]);
		const char *name = mk_report_safe(a, x->devices.u[i].text);

		add_row(&t, (const char *[]){
				    i ? "" : "devices",
				    pci ? mk_arena_fmt(a, "%s (%s)", name, mk_report_safe(a, pci))
					: name});
	}
	if (x->numa_nodes.n)
		add_row(&t, (const char *[]){"NUMA nodes", mk_ids_text(a, &x->numa_nodes)});
	if (x->affinity)
		add_row(&t, (const char *[]){"CPU affinity", mk_report_safe(a, x->affinity)});
	if (x->policy)
		add_row(&t, (const char *[]){"memory policy", mk_report_safe(a, x->policy)});
	add_settings(&t, "option", x->options);
	add_settings(&t, "uring", x->uring);
	print_table(b, &t);
}

/* ------------------------------------------------------------ records */

static void put_instance(struct mk_record_writer *w, const struct mk_instance *x)
{
	mk_record_begin(w, "instance", x->name, false);
	if (x->has_id)
		mk_record_u64(w, "id", x->id);
	if (x->status)
		mk_record_str(w, "state", x->status);
	mk_put_ids(w, "cpus", &x->cpus.ids);
	mk_put_memory(w, "memory", &x->mem);
	mk_put_uses(w, "devices", &x->devices);
	mk_put_wishes(w, x);
	mk_record_end(w);
}

static void put_machine(struct mk_record_writer *w, const struct mk_state *s)
{
	struct mk_ids free = mk_free_cpus(s);

	mk_record_begin(w, "host", "@host", true);
	mk_record_u64(w, "abi", s->abi);
	if (s->host_cpus.known)
		mk_put_ids(w, "host-cpus", &s->host_cpus.ids);
	if (s->has_memory_total)
		mk_record_u64(w, "size", s->memory_total);
	mk_record_end(w);
	mk_record_begin(w, "pool", "@pool", true);
	mk_put_ids(w, "cpus", &s->pool.ids);
	mk_put_ids(w, "free-cpus", &free);
	mk_put_memory(w, "memory", &s->chunks);
	mk_record_u64(w, "free", mk_free_bytes(s, MK_NODE_ANY));
	mk_record_end(w);
	for (size_t i = 0; i < s->n_devices; i++) {
		const struct mk_device *d = &s->device[i];

		mk_record_begin(w, "device", d->name, false);
		if (d->pci_id)
			mk_record_str(w, "pci-id", d->pci_id);
		if (d->node != MK_NODE_ANY)
			mk_record_u64(w, "numa-node", d->node);
		if (d->vf.known)
			mk_put_ids(w, "available-vfs", &d->vf.ids);
		if (d->free_ns.known)
			mk_put_ids(w, "available-ns", &d->free_ns.ids);
		mk_record_end(w);
	}
}

void mk_report_records(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *only)
{
	struct mk_record_writer w;

	mk_record_begin_stream(&w, b);
	if (!only && s->has_machine)
		put_machine(&w, s);
	for (size_t i = 0; !only && i < s->n_instances; i++)
		put_instance(&w, &s->instance[i]);
	if (only)
		put_instance(&w, only);
	mk_record_end_stream(&w);
}
