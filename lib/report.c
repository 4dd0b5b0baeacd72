/* SPDX-License-Identifier: Apache-2.0 */
/* report: tables whose columns are as wide as what stands in them. */
#include "report.h"

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

static void print_table(struct mk_buf *b, const struct table *t)
{
	size_t w[COLUMNS_MAX] = {0};

	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < t->columns; i++)
			if (width(t->row[r][i]) > w[i])
				w[i] = width(t->row[r][i]);
	for (size_t r = 0; r < t->n; r++) {
		for (size_t i = 0; i < t->columns; i++) {
			size_t pad = w[i] - width(t->row[r][i]);
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

/* A name that came from a kernel may hold anything: it is shown as records show it. */
static const char *safe(struct mk_arena *a, const char *s)
{
	struct mk_record_writer w;
	struct mk_buf b;

	mk_buf_init(&b, a);
	w = (struct mk_record_writer){.b = &b};
	mk_record_add(&w, s);
	return mk_buf_cstr(&b);
}

static const char *ids(struct mk_arena *a, const struct mk_ids *x)
{
	struct mk_ids sorted = mk_ids_sorted(a, x);

	return x->n ? mk_ids_text(a, &sorted) : "-";
}

static const char *node(struct mk_arena *a, uint32_t n)
{
	return n == MK_NODE_ANY ? "-" : mk_arena_fmt(a, "%u", n);
}

static const char *use_names(struct mk_arena *a, const struct mk_uses *u)
{
	struct mk_buf b;

	mk_buf_init(&b, a);
	for (size_t i = 0; i < u->n; i++)
		mk_buf_fmt(&b, "%s%s", i ? "," : "", safe(a, u->u[i].text));
	return u->n ? mk_buf_cstr(&b) : "-";
}

/* "8GB" and where: the regions, or their sum when there are many. */
static const char *memory_text(struct mk_arena *a, const struct mk_mems *m)
{
	if (m->n == 1)
		return m->m[0].placed ? mk_mem_text(a, &m->m[0])
				      : mk_arena_fmt(a, "%s, placed by the kernel",
						     mk_num_size_text(a, m->m[0].size));
	if (!m->n)
		return "-";
	return mk_arena_fmt(a, "%s in %zu regions", mk_num_size_text(a, mk_mems_bytes(m)), m->n);
}

/* Of two shares that make up the whole, 12.5 and 87.5 become 12% and 88%: halves go to even. */
static const char *percent(struct mk_arena *a, uint64_t part, uint64_t whole)
{
	long double exact = whole ? (long double)part * 100 / (long double)whole : 0;
	unsigned p = exact < 100 ? (unsigned)exact : 100;
	long double rest = exact - p;

	if (rest > 0.5L || (rest == 0.5L && p % 2))
		p++;
	return mk_arena_fmt(a, "%u%%", p < 100 ? p : 100);
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
	size_t all = s->pool.ids.n + s->host_cpus.ids.n;
	struct table t = {.a = s->arena, .columns = 4, .right = {[2] = true, [3] = true}};

	if (s->host_cpus.known) {
		mk_buf_fmt(b, "CPUs: %zu\n", all);
		add_row(&t, (const char *[]){"host", ids(s->arena, &s->host_cpus.ids),
					     mk_arena_fmt(s->arena, "%zu", s->host_cpus.ids.n),
					     percent(s->arena, s->host_cpus.ids.n, all)});
	} else {
		mk_buf_fmt(b, "CPUs: %zu in the pool, the host's are not known\n", s->pool.ids.n);
	}
	add_row(&t,
		(const char *[]){"pool", ids(s->arena, &s->pool.ids),
				 mk_arena_fmt(s->arena, "%zu", s->pool.ids.n),
				 s->host_cpus.known ? percent(s->arena, s->pool.ids.n, all) : ""});
	add_row(&t, (const char *[]){"free", ids(s->arena, &free),
				     mk_arena_fmt(s->arena, "%zu", free.n),
				     s->host_cpus.known ? percent(s->arena, free.n, all) : ""});
	print_table(b, &t);
}

static void print_memory(struct mk_buf *b, const struct mk_state *s)
{
	struct mk_arena *a = s->arena;
	uint64_t pool = mk_mems_bytes(&s->chunks), free = mk_free_bytes(s, MK_NODE_ANY);
	uint64_t all = s->has_memory_total ? s->memory_total : 0;
	struct table t = {.a = a, .columns = 4, .right = {[1] = true, [2] = true}};
	struct mk_ranges r;
	struct mk_range big;

	mk_free_memory(s, MK_NODE_ANY, &r);
	big = mk_ranges_largest(&r);
	if (all)
		mk_buf_fmt(b, "Memory: %s\n", mk_num_size_text(a, all));
	else
		mk_buf_fmt(b, "Memory: %s in the pool, the machine's is not known\n",
			   mk_num_size_text(a, pool));
	if (all)
		add_row(&t, (const char *[]){"host", mk_num_size_text(a, s->memory_host),
					     percent(a, s->memory_host, all), ""});
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *m = &s->chunks.m[i];
		const char *on =
			m->node == MK_NODE_ANY ? "" : mk_arena_fmt(a, ", node %u", m->node);

		add_row(&t, (const char *[]){
				    i ? "" : "pool", mk_num_size_text(a, m->size),
				    all ? percent(a, m->size, all) : "",
				    m->placed ? mk_arena_fmt(a, "at 0x%llx%s",
							     (unsigned long long)m->base, on)
					      : mk_arena_fmt(a, "placed by the kernel%s", on)});
	}
	add_row(&t, (const char *[]){
			    "free", mk_num_size_text(a, free), all ? percent(a, free, all) : "",
			    big.first <= big.last
				    ? mk_arena_fmt(a, "largest block %s at 0x%llx",
						   mk_num_size_text(a, big.last - big.first + 1),
						   (unsigned long long)big.first)
				    : ""});
	for (size_t i = 0; i < s->in_use.n; i++)
		add_row(&t, (const char *[]){"in use", mk_num_size_text(a, s->in_use.m[i].size), "",
					     mk_arena_fmt(a, "at 0x%llx by %s",
							  (unsigned long long)s->in_use.m[i].base,
							  s->in_use.m[i].owner
								  ? safe(a, s->in_use.m[i].owner)
								  : "the kernel")});
	print_table(b, &t);
}

static void print_numa(struct mk_buf *b, const struct mk_state *s)
{
	struct mk_arena *a = s->arena;
	struct table t = {.a = a, .columns = 4, .right = {[0] = true}};

	if (!s->n_numa)
		return;
	mk_buf_str(b, "\nNUMA nodes\n");
	add_row(&t, (const char *[]){"NODE", "CPUS", "MEMORY", "TYPE"});
	for (size_t i = 0; i < s->n_numa; i++) {
		const struct mk_numa *n = &s->numa[i];
		struct mk_mem m = {.base = n->base, .size = n->size, .placed = true};

		add_row(&t, (const char *[]){mk_arena_fmt(a, "%u", n->id), ids(a, &n->cpus.ids),
					     n->has_memory ? mk_mem_text(a, &m) : "-",
					     n->type ? safe(a, n->type) : "-"});
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
				   safe(s->arena, s->instance[i].name));
			if (u->part != MK_WHOLE)
				mk_buf_fmt(to, " (%s %u)", u->part == MK_VF ? "VF" : "namespace",
					   u->number);
		}
	for (size_t i = 0; i < s->n_devices; i++)
		out[i] = b[i].len ? mk_buf_cstr(&b[i]) : "-";
	return out;
}

static const char *offered(struct mk_arena *a, const struct mk_device *d)
{
	if (d->has_vfs || d->vf.known)
		return mk_arena_fmt(a, "VFs %s", ids(a, &d->vf.ids));
	if (d->has_ns || d->free_ns.known)
		return mk_arena_fmt(a, "namespaces %s", ids(a, &d->free_ns.ids));
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
			(const char *[]){safe(s->arena, d->name),
					 d->pci_id ? safe(s->arena, d->pci_id) : "-",
					 node(s->arena, d->node), offered(s->arena, d), users[i]});
	}
	print_table(b, &t);
}

static const char *const heads[] = {"NAME", "ID", "STATE", "CPUS", "MEMORY", "DEVICES"};

static void instance_row(struct table *t, const struct mk_instance *x)
{
	struct mk_arena *a = t->a;

	add_row(t,
		(const char *[]){safe(a, x->name), x->has_id ? mk_arena_fmt(a, "%u", x->id) : "-",
				 x->status ? safe(a, x->status) : "-",
				 x->cpus.ids.n ? mk_ids_text(a, &x->cpus.ids) : "-",
				 memory_text(a, &x->mem), use_names(a, &x->devices)});
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
	if (s->has_machine) {
		mk_buf_fmt(b, "Machine (%s, kernel ABI %u)\n", title(s), s->abi);
		print_cpus(b, s);
		print_memory(b, s);
		print_numa(b, s);
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

void mk_report_instance(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *x)
{
	struct mk_arena *a = s->arena;
	struct table t = {.a = a, .columns = 2};

	mk_buf_fmt(b, "Instance %s\n", safe(a, x->name));
	add_row(&t, (const char *[]){"id", x->has_id ? mk_arena_fmt(a, "%u", x->id)
						     : "chosen by the kernel"});
	add_row(&t, (const char *[]){"state", x->status ? safe(a, x->status) : "not known"});
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
		const char *name = safe(a, x->devices.u[i].text);

		add_row(&t, (const char *[]){i ? "" : "devices",
					     pci ? mk_arena_fmt(a, "%s (%s)", name, safe(a, pci))
						 : name});
	}
	if (x->numa_nodes.n)
		add_row(&t, (const char *[]){"NUMA nodes", mk_ids_text(a, &x->numa_nodes)});
	if (x->affinity)
		add_row(&t, (const char *[]){"CPU affinity", safe(a, x->affinity)});
	if (x->policy)
		add_row(&t, (const char *[]){"memory policy", safe(a, x->policy)});
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
	if (x->numa_nodes.n)
		mk_put_ids(w, "numa-nodes", &x->numa_nodes);
	if (x->affinity)
		mk_record_str(w, "cpu-affinity", x->affinity);
	if (x->policy)
		mk_record_str(w, "memory-policy", x->policy);
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
