/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: the table, and what runs it. The functions stand in rules_machine.c,
 * rules_device.c and rules_instance.c; what they share is here.
 */
#include "rules_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"
#include "pool.h"
#include "sort.h"

enum { RULE_ID_LEN = 5 };

/* ------------------------------------------------------------ what rules share */

/* What the decoder says of the machine has no subject. */
static const char *subject_of(const char *subject)
{
	return subject ? subject : mk_pool_subject;
}

static bool has_fired(struct mk_rule_ctx *c, const char *id, const char *subject)
{
	char *key = subject ? mk_arena_fmt(c->a, "%.*s %s", RULE_ID_LEN, id, subject_of(subject))
			    : mk_arena_fmt(c->a, "%.*s", RULE_ID_LEN, id);

	return mk_name_known(&c->fired, key, strlen(key)) != NULL;
}

/* Whether something has been said that explains a finding of the rule that runs. */
static bool explained(struct mk_rule_ctx *c, const char *subject)
{
	const char *p = c->rule->needs;

	if (!c->fired.n)
		return false;
	subject = mk_subject(c->a, subject);
	if (has_fired(c, c->rule->id,
		      subject)) /* by the decoder: findings of this run come later */
		return true;
	while (p && *p) {
		bool anything = p[RULE_ID_LEN] == '*';

		if (anything ? has_fired(c, p, NULL)
			     : has_fired(c, p, subject) || has_fired(c, p, mk_pool_subject) ||
				       has_fired(c, p, mk_host_subject))
			return true;
		p += RULE_ID_LEN + anything;
		p += *p == ' ';
	}
	return false;
}

bool mk_rule_has_fired(struct mk_rule_ctx *c, const char *id)
{
	return c->fired.n && has_fired(c, id, NULL);
}

struct mk_diag *mk_rule_find(struct mk_rule_ctx *c, const char *subject, struct mk_where w,
			     const char *fmt, ...)
{
	struct mk_diag *d;
	va_list ap;
	char *text;

	if (explained(c, subject)) {
		c->dropped = (struct mk_diag){.text = ""};
		return &c->dropped;
	}
	va_start(ap, fmt);
	text = mk_arena_vfmt(c->a, fmt, ap);
	va_end(ap);
	d = mk_finding(c->diags, c->rule->severity, c->rule->id, subject, w, "%s", text);
	d->hint = c->rule->cure; /* until the rule has a better one */
	return d;
}

void mk_rule_party(struct mk_rule_ctx *c, struct mk_diag *d, const char *name)
{
	if (d == &c->dropped)
		return;
	d->party = mk_arena_more(c->a, d->party, d->n_parties, &d->parties_cap, sizeof(*d->party));
	d->party[d->n_parties++] = name;
}

static void add_item(struct mk_rule_ctx *c, struct mk_diag *d, const char *item)
{
	char *key = mk_arena_fmt(c->a, "%s %s", c->rule->id, item);
	uint32_t *times;

	/* the second of the same is another one */
	c->items.arena = c->a;
	times = mk_name_mark(mk_intern(&c->items, key, strlen(key)));
	if (++*times > 1)
		item = mk_arena_fmt(c->a, "%s #%u", item, *times);
	d->item = mk_arena_more(c->a, d->item, d->n_items, &d->items_cap, sizeof(*d->item));
	d->item[d->n_items++] = item;
}

void mk_rule_item(struct mk_rule_ctx *c, struct mk_diag *d, const char *fmt, ...)
{
	va_list ap;

	if (!c->opts->known || d == &c->dropped)
		return;
	va_start(ap, fmt);
	add_item(c, d, mk_arena_vfmt(c->a, fmt, ap));
	va_end(ap);
}

void mk_rule_item_ids(struct mk_rule_ctx *c, struct mk_diag *d, const char *owner,
		      const struct mk_ids *ids)
{
	struct mk_ids once;

	if (!c->opts->known || d == &c->dropped)
		return;
	once = mk_ids_unique(c->a, ids);
	for (size_t i = 0; i < once.n; i++)
		mk_rule_item(c, d, "%llu %s", (unsigned long long)once.id[i], owner);
}

void mk_rule_item_mem(struct mk_rule_ctx *c, struct mk_diag *d, const char *owner,
		      const struct mk_mem *m)
{
	mk_rule_item(c, d, "0x%llx+0x%llx %s", (unsigned long long)m->base,
		     (unsigned long long)m->size, owner);
}

void mk_rule_other(struct mk_rule_ctx *c, struct mk_diag *d, struct mk_where w, const char *text)
{
	d->other = mk_where_span(w);
	d->other_text = text;
	if (!d->other.line)
		d->other_text = mk_arena_fmt(c->a, "%s (%s)", text, mk_where_path(c->a, w));
}

const char *mk_rule_cpus(struct mk_rule_ctx *c, const struct mk_ids *ids, const char *one,
			 const char *several)
{
	struct mk_ids once = mk_ids_unique(c->a, ids);

	return mk_arena_fmt(c->a, "CPU%s %s%s", once.n == 1 ? "" : "s",
			    mk_ids_brief(c->a, &once, 8), once.n == 1 ? one : several);
}

const char *mk_rule_free_cpus(struct mk_rule_ctx *c)
{
	struct mk_ids ids;

	if (c->free_cpus || !c->s->has_machine)
		return c->free_cpus;
	ids = mk_free_cpus(c->s);
	c->free_cpus = ids.n ? mk_arena_fmt(c->a, "free CPUs: %s", mk_ids_brief(c->a, &ids, 8))
			     : "no CPU of the pool is free";
	return c->free_cpus;
}

static const char *largest_text(struct mk_rule_ctx *c, const struct mk_ranges *free)
{
	struct mk_range big = mk_ranges_largest(free);

	if (big.first > big.last)
		return "no memory of the pool is free";
	return mk_arena_fmt(c->a, "the largest free block is %s at 0x%llx",
			    mk_num_size_text(c->a, big.last - big.first + 1),
			    (unsigned long long)big.first);
}

const char *mk_rule_free_memory(struct mk_rule_ctx *c)
{
	struct mk_ranges r;

	if (c->free_memory || !c->s->has_machine)
		return c->free_memory;
	mk_free_memory(c->s, MK_NODE_ANY, &r);
	return c->free_memory = largest_text(c, &r);
}

const char *mk_rule_free_inside(struct mk_rule_ctx *c)
{
	struct mk_ranges used, free;

	if (c->free_inside)
		return c->free_inside;
	mk_ranges_init(&used, c->a);
	mk_ranges_init(&free, c->a);
	for (size_t i = 0; i < c->n_pieces; i++) {
		const struct mk_mem *m = c->piece[i].m;

		if (c->piece[i].instance == MK_NO_DEVICE ||
		    mk_ranges_has(&c->chunks, m->base, m->base + (m->size - 1)))
			mk_ranges_add_size(&used, m->base, m->size);
	}
	mk_ranges_join(&used);
	mk_ranges_minus(&free, &c->chunks, &used);
	return c->free_inside = largest_text(c, &free);
}

const char *mk_rule_free_id(struct mk_rule_ctx *c)
{
	struct mk_ranges used;
	uint32_t id = MK_ID_MIN, max = c->opts->max_id ? c->opts->max_id : MK_ID_MAX;

	if (c->free_id)
		return c->free_id;
	mk_ranges_init(&used, c->a);
	for (size_t i = 0; i < c->s->n_instances; i++)
		if (c->s->instance[i].has_id)
			mk_ranges_add(&used, c->s->instance[i].id, c->s->instance[i].id);
	mk_ranges_join(&used);
	for (size_t i = 0; i < used.n && used.r[i].first <= id; i++)
		id = used.r[i].last >= id ? (uint32_t)used.r[i].last + 1 : id;
	return c->free_id = id <= max ? mk_arena_fmt(c->a, "id %u is free; without one the kernel "
							   "chooses",
						     id)
				      : "without an id the kernel chooses one";
}

const char *mk_rule_nodes(struct mk_rule_ctx *c)
{
	struct mk_ids ids = {0};

	for (size_t i = 0; i < c->s->n_numa; i++)
		mk_ids_add(c->a, &ids, c->s->numa[i].id);
	return mk_arena_fmt(c->a, "the machine describes NUMA node%s %s", ids.n == 1 ? "" : "s",
			    mk_ids_brief(c->a, &ids, 8));
}

struct mk_where mk_rule_at(struct mk_where w, const char *property)
{
	for (const struct mk_prop *p = w.node ? mk_prop_first(w.node) : NULL; p;
	     p = mk_prop_next(p))
		if (!strcmp(p->name, property))
			return (struct mk_where){w.node, p, w.overlay};
	return w;
}

struct mk_where mk_rule_wish_at(const struct mk_instance *x, const char *property)
{
	struct mk_where w = mk_rule_at(x->where, property);

	if (!w.prop)
		w = mk_rule_at(x->resources, property);
	return w.prop ? w : x->where;
}

/* The ids that a list holds more than once. */
static struct mk_ids repeated(struct mk_rule_ctx *c, const struct mk_ids *list)
{
	struct mk_ids sorted = mk_ids_sorted(c->a, list), out = {0};

	for (size_t i = 1; i < sorted.n; i++)
		if (sorted.id[i] == sorted.id[i - 1] &&
		    (!out.n || out.id[out.n - 1] != sorted.id[i]))
			mk_ids_add(c->a, &out, sorted.id[i]);
	return out;
}

void mk_rule_list_twice(struct mk_rule_ctx *c, const char *subject, const struct mk_cpus *list,
			const char *what, const char *owner)
{
	struct mk_ids twice = repeated(c, &list->ids);
	struct mk_diag *d;

	if (!twice.n)
		return;
	d = mk_rule_find(c, subject, list->where, "%s%s %s %s listed twice%s%s", what,
			 twice.n > 1 ? "s" : "", mk_ids_brief(c->a, &twice, 8),
			 twice.n > 1 ? "are" : "is",
			 owner[0] ? " in " : "", owner);
	d->hint = "list each once";
	mk_rule_item_ids(c, d, subject, &twice);
}

bool mk_rule_page_aligned(const struct mk_mem *m)
{
	return (!m->placed || m->base % MK_PAGE_BYTES == 0) && m->size % MK_PAGE_BYTES == 0;
}

struct mk_where mk_rule_misaligned_at(const struct mk_mem *m)
{
	return m->size_at.node && !(m->placed && m->base % MK_PAGE_BYTES) ? m->size_at : m->where;
}

const char *mk_rule_aligned_hint(struct mk_rule_ctx *c, const struct mk_mem *m)
{
	uint64_t up = m->size + MK_PAGE_BYTES - 1;

	if (m->placed && m->base % MK_PAGE_BYTES)
		return mk_arena_fmt(c->a, "the nearest page below begins at 0x%llx",
				    (unsigned long long)(m->base / MK_PAGE_BYTES * MK_PAGE_BYTES));
	return mk_arena_fmt(c->a, "the next multiple of a page is 0x%llx",
			    (unsigned long long)(up / MK_PAGE_BYTES * MK_PAGE_BYTES));
}

bool mk_rule_wraps(const struct mk_mem *m)
{
	return m->placed && m->size && m->size - 1 > UINT64_MAX - m->base;
}

void mk_rule_pool_wraps(struct mk_rule_ctx *c, const struct mk_mems *list, const char *what)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct mk_mem *m = &list->m[i];

		if (mk_rule_wraps(m))
			mk_rule_item_mem(c,
					 mk_rule_find(c, mk_pool_subject, m->where,
						      "%s at 0x%llx of 0x%llx bytes goes beyond the "
						      "last address",
						      what, (unsigned long long)m->base,
						      (unsigned long long)m->size),
					 mk_pool_subject, m);
	}
}

void mk_rule_each_instance(struct mk_rule_ctx *c,
			   void (*fn)(struct mk_rule_ctx *, const struct mk_instance *))
{
	for (size_t i = 0; i < c->s->n_instances; i++)
		fn(c, &c->s->instance[i]);
}

void mk_rule_names_add(struct mk_names_list *l, const char *name)
{
	if (l->n < MK_NAMES_SHOWN)
		l->name[l->n] = name;
	l->n++;
}

const char *mk_rule_names_text(struct mk_rule_ctx *c, const struct mk_names_list *l)
{
	size_t shown = l->n < MK_NAMES_SHOWN ? l->n : MK_NAMES_SHOWN;
	struct mk_buf b;

	mk_buf_init(&b, c->a);
	for (size_t i = 0; i < shown; i++)
		mk_buf_fmt(&b, "%s%s", !i ? "" : i + 1 == l->n ? " and " : ", ", l->name[i]);
	if (l->n > shown)
		mk_buf_fmt(&b, " and %zu more", l->n - shown);
	return mk_buf_cstr(&b);
}

/* The NUMA nodes that the tree describes, as a set. */
void mk_rule_numa_ids(struct mk_rule_ctx *c, struct mk_ranges *r)
{
	mk_ranges_init(r, c->a);
	for (size_t i = 0; i < c->s->n_numa; i++)
		mk_ranges_add(r, c->s->numa[i].id, c->s->numa[i].id);
	mk_ranges_join(r);
}

/* ------------------------------------------------------------ the table */

#define E MK_ERROR
#define W MK_WARNING
#define N MK_NOTE

const struct mk_rule mk_rules[] = {
	{"MK101", E, "resources missing", "describe the machine in /resources", "MK804",
	 mk_rule_resources_there},
	{"MK102", E, "no CPU available", "list the CPUs that instances may have",
	 "MK101 MK801 MK804", mk_rule_some_cpu},
	{"MK103", E, "host and pool share a CPU", "take it out of one list", NULL,
	 mk_rule_pool_and_host},
	{"MK104", E, "CPU id not below total", "correct the id, or total (highest id plus one)",
	 NULL, mk_rule_below_total},
	{"MK105", E, "CPU listed twice in the pool or the host's share", "list each id once", NULL,
	 mk_rule_pool_twice},
	{"MK106", E, "memory pool missing", "state base and size of the pool", "MK101 MK801 MK804",
	 mk_rule_pool_memory},
	{"MK107", E, "memory pool empty", "give it a size", NULL, mk_rule_chunk_empty},
	{"MK108", E, "memory pool not page-aligned", "use multiples of 4096", NULL,
	 mk_rule_chunk_aligned},
	{"MK109", E, "memory of the pool or of a NUMA node wraps past 2^64",
	 "correct base or size", NULL,
	 mk_rule_chunk_wraps},
	{"MK110", E, "memory pool outside the machine's memory", "make it fit", "MK108 MK109",
	 mk_rule_chunk_in_machine},
	{"MK111", E, "pool chunks overlap", "keep them apart", "MK109", mk_rule_chunks_apart},
	{"MK112", E, "NUMA node described twice", "describe each once", NULL, mk_rule_numa_twice},
	{"MK113", E, "memory of NUMA nodes overlaps", "keep it apart", "MK112",
	 mk_rule_numa_memory_apart},
	{"MK114", E, "CPU in two NUMA nodes", "list each CPU in one node", "MK112",
	 mk_rule_numa_cpus_apart},
	{"MK115", E, "CPU of a NUMA node not in the machine", "correct the id, or total", "MK104",
	 mk_rule_numa_cpus_known},
	{"MK116", E, "distance matrix not square, or its diagonal is not 10",
	 "one distance a node, 10 to itself", "MK112", mk_rule_numa_distances},
	{"MK117", E, "compatible is foreign (a missing one is a warning)",
	 "use linux,multikernel-host", NULL, NULL},
	{"MK118", E, "a baseline holds instances",
	 "remove /instances; create instances by overlays", NULL, mk_rule_baseline_only},
	{"MK119", E, "CPU in two cores", "list each CPU in one core", NULL,
	 mk_rule_core_cpus_apart},
	{"MK120", E, "CPU of a core not in the machine", "correct the id, or total", "MK104",
	 mk_rule_core_cpus_known},
	{"MK121", E, "NUMA nodes have more memory than the machine", "correct one of the two",
	 "MK110 MK112 MK113", mk_rule_numa_memory_sum},
	{"MK122", W, "memory pool begins within the host's share", "let it begin behind that",
	 "MK110", mk_rule_chunk_behind_host},
	{"MK123", N, "a part of the pool is not allocated", "give it to an instance",
	 "MK102 MK106 MK118 MK404* MK502*", mk_rule_all_given},
	{"MK124", E, "memory chunk on an unknown NUMA node",
	 "describe the node, or correct numa-node-id", NULL, mk_rule_chunk_node},

	{"MK201", E, "PCI id malformed", "write domain:bus:device.function", NULL,
	 mk_rule_pci_shape},
	{"MK202", E, "PCI id used twice", "each function is one device", "MK201",
	 mk_rule_pci_twice},
	{"MK203", E, "VF above sriov-vfs", "VFs are numbered from 0", NULL, mk_rule_vf_above},
	{"MK204", E, "VF offered and reserved for the host", "take it out of one list", NULL,
	 mk_rule_vf_reserved},
	{"MK205", E, "VF listed twice", "list each once", NULL, mk_rule_vf_twice},
	{"MK206", E, "namespace above namespaces", "namespaces are numbered from 1", NULL,
	 mk_rule_ns_above},
	{"MK207", E, "namespace offered and reserved for the host", "take it out of one list", NULL,
	 mk_rule_ns_reserved},
	{"MK208", E, "namespace listed twice", "list each once", NULL, mk_rule_ns_twice},
	{"MK209", E, "device on an unknown NUMA node", "describe the node, or correct numa-node-id",
	 NULL, mk_rule_device_node},
	{"MK210", E, "two devices answer to one name", "rename a label, node or alias", NULL,
	 mk_rule_device_names_apart},
	{"MK211", E, "alias dangling or over 31 characters", "correct its path or name", NULL,
	 mk_rule_alias_targets},

	{"MK301", E, "name malformed", "letters, digits, '.', '_', '-'; at most 63", NULL, NULL},
	{"MK302", E, "name used twice", "choose another", NULL, NULL},
	{"MK303", E, "instance id 0", "ids begin at 1", NULL, mk_rule_id_zero},
	{"MK304", E, "instance id used twice", "give each its own, or none", "MK303",
	 mk_rule_id_twice},
	{"MK305", E, "instance id above what the kernel can load", "use 1 to 2047", NULL,
	 mk_rule_id_above},
	{"MK306", E, "instance without CPU", "give it one", "MK801 MK804", mk_rule_no_cpu},
	{"MK307", E, "instance without memory", "give it some", "MK801 MK804", mk_rule_no_memory},

	{"MK401", E, "CPU not in the machine", "use CPUs of the pool", "MK104",
	 mk_rule_cpu_unknown},
	{"MK402", E, "CPU reserved for the host", "use CPUs of the pool", "MK103",
	 mk_rule_cpu_reserved},
	{"MK403", E, "CPU not in the pool", "use CPUs of the pool", "MK102", mk_rule_cpu_outside},
	{"MK404", E, "CPU given to several instances", "give it to one", NULL, mk_rule_cpu_shared},
	{"MK405", E, "CPU listed twice by an instance", "list it once", NULL, mk_rule_cpu_twice},

	{"MK501", E, "memory outside of the pool", "use memory of the pool", "MK106 MK108 MK109",
	 mk_rule_mem_outside},
	{"MK502", E, "memory of instances overlaps", "keep it apart", NULL, mk_rule_mem_overlap},
	{"MK503", E, "memory overlaps a region in use", "keep away from it", NULL,
	 mk_rule_mem_in_use},
	{"MK504", E, "memory not page-aligned", "use multiples of 4096", NULL,
	 mk_rule_mem_unaligned},
	{"MK505", E, "memory region of 0 bytes", "give it a size, or remove it", NULL,
	 mk_rule_mem_empty},
	{"MK506", E, "memory wraps past 2^64", "correct base or size", NULL, mk_rule_mem_wraps},
	{"MK507", E, "instances have more memory than the pool", "take some away",
	 "MK501* MK502* MK503* MK506* MK106 MK107", mk_rule_mem_sum},
	{"MK508", E, "change of a running instance that is no multiple of its memory block",
	 "use whole blocks", NULL, mk_rule_whole_blocks},

	{"MK601", E, "unknown device", "use one of the machine's devices", NULL,
	 mk_rule_use_unknown},
	{"MK602", E, "device given twice", "a device belongs to one instance", NULL,
	 mk_rule_use_twice},
	{"MK603", E, "VF or namespace not available, reserved, or above what the device has",
	 "use one that is offered", NULL, mk_rule_use_unavailable},
	{"MK606", E, "whole device given while a part is in use", "give parts, or the whole", NULL,
	 mk_rule_use_whole_and_part},
	{"MK607", E, "reference to nothing", "refer to a device that exists", NULL, NULL},
	{"MK608", E, "planned only: the kernel cannot hand out this part",
	 "give it a PCI id, or the whole device", "MK603", mk_rule_use_planned},

	{"MK701", E, "unknown NUMA node wanted", "use a node of the machine", NULL,
	 mk_rule_wish_nodes},
	{"MK702", E, "policy bind without nodes", "name the nodes", NULL,
	 mk_rule_bind_without_nodes},
	{"MK703", E, "local memory wanted, and no NUMA node can hold it",
	 "take less, or let it be on several nodes", "MK106 MK107 MK109", mk_rule_local_fits},
	{"MK704", E, "unknown affinity or policy", "use one that is known", NULL,
	 mk_rule_policy_known},
	{"MK705", W, "CPUs that shall be near each other are on several NUMA nodes",
	 "use CPUs of one node", "MK114 MK401 MK402 MK403 MK404", mk_rule_compact_on_one},
	{"MK706", W, "memory is on another NUMA node than the CPUs", "use memory of their node",
	 "MK113 MK114 MK401 MK402 MK403 MK404 MK501 MK502 MK503 MK506", mk_rule_memory_near},
	{"MK707", W, "a core is shared by two kernels", "give all CPUs of a core to one kernel",
	 "MK119 MK401 MK402 MK403 MK404", mk_rule_cores_apart},
	{"MK708", W, "CPU is not on a NUMA node that is wanted", "use CPUs of those nodes",
	 "MK114 MK401 MK402 MK403 MK404 MK701", mk_rule_cpus_where_wanted},
	{"MK709", W, "CPUs that shall be spread are on one NUMA node", "use CPUs of several nodes",
	 "MK114 MK401 MK402 MK403 MK404", mk_rule_spread_over_nodes},
	{"MK710", W, "memory is not on a NUMA node that it is bound to",
	 "use memory of those nodes", "MK113 MK501 MK502 MK503 MK506 MK701 MK702", mk_rule_memory_bound},

	{"MK801", E, "property of a wrong type or width", "write it as the hint shows", NULL, NULL},
	{"MK802", E, "property defined twice", "remove one", NULL, NULL},
	{"MK803", E, "node defined twice", "remove or rename one", NULL, NULL},
	{"MK804", E, "unknown property in a closed node (elsewhere a near miss is a warning)",
	 "correct its name", NULL, NULL},
	{"MK805", W, "width of CPU ids not certain",
	 "write /bits/ 64 <...>, or let mk-validate --cpu-cells settle it", NULL, NULL},

	{"MK901", E, "overlay with an unknown target or operation", "correct it", NULL, NULL},
	{"MK902", E, "overlay with an operation that the state cannot take",
	 "apply it to the state it was made for", NULL, NULL},
	{"MK903", E, "overlay with an item that the kernel would skip",
	 "name it memory@, cpu@ or pci@", NULL, NULL},
	{"MK904", E, "foreign overlay", "only multikernel overlays are applied here", NULL, NULL},
	{"MK905", E, "overlay with fragments of both ABIs",
	 "use target-path in all fragments, or in none", NULL, NULL},
	{NULL, E, NULL, NULL, NULL, NULL},
};

/* ------------------------------------------------------------ running */

int mk_rule_by_held(const void *x, const void *y)
{
	const struct mk_held *a = x, *b = y;

	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a->instance < b->instance ? -1 : a->instance > b->instance;
}

static int by_piece(const void *x, const void *y)
{
	const struct mk_piece *a = x, *b = y;

	if (a->m->base != b->m->base)
		return a->m->base < b->m->base ? -1 : 1;
	if (a->instance != b->instance)
		return a->instance < b->instance ? -1 : 1;
	return a->m < b->m ? -1 : a->m > b->m; /* of one list */
}

/* What several rules look at, sorted once. */
static void prepare(struct mk_rule_ctx *c)
{
	const struct mk_state *s = c->s;
	size_t n = 0, m = s->in_use.n;

	c->pool = mk_ranges_of(c->a, &s->pool.ids);
	c->host = mk_ranges_of(c->a, &s->host_cpus.ids);
	mk_ranges_init(&c->chunks, c->a);
	mk_ranges_init(&c->numa_memory, c->a);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (s->chunks.m[i].placed)
			mk_ranges_add_size(&c->chunks, s->chunks.m[i].base, s->chunks.m[i].size);
	for (size_t i = 0; i < s->n_numa; i++)
		if (s->numa[i].has_memory)
			mk_ranges_add_size(&c->numa_memory, s->numa[i].base, s->numa[i].size);
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
			c->held[c->n_held++] = (struct mk_held){x->cpus.ids.id[k], i};
		for (size_t k = 0; k < x->mem.n; k++)
			if (x->mem.m[k].placed && x->mem.m[k].size && !mk_rule_wraps(&x->mem.m[k]))
				c->piece[c->n_pieces++] = (struct mk_piece){&x->mem.m[k], i};
	}
	for (size_t i = 0; i < s->in_use.n; i++)
		if (s->in_use.m[i].size && !mk_rule_wraps(&s->in_use.m[i]))
			c->piece[c->n_pieces++] = (struct mk_piece){&s->in_use.m[i], MK_NO_DEVICE};
	mk_sort(c->held, c->n_held, sizeof(*c->held), mk_rule_by_held);
	n = 0; /* listed twice by one instance: it still is one holder */
	for (size_t i = 0; i < c->n_held; i++)
		if (!n || mk_rule_by_held(&c->held[i], &c->held[n - 1]) != 0)
			c->held[n++] = c->held[i];
	c->n_held = n;
	mk_sort(c->piece, c->n_pieces, sizeof(*c->piece), by_piece);
}

static void note_fired(struct mk_rule_ctx *c, const struct mk_diag *d)
{
	const struct mk_known *known = c->opts->known;

	for (; d && !(known && known->open); d = d->next) {
		char *key;

		if (d->severity != MK_ERROR || !d->rule || (known && mk_known_has(known, d)))
			continue;
		mk_intern(&c->fired, d->rule, strlen(d->rule));
		key = mk_arena_fmt(c->a, "%s %s", d->rule, subject_of(d->subject));
		mk_intern(&c->fired, key, strlen(key));
	}
}

/* Those that note something, or all others. */
static void run(struct mk_rule_ctx *c, bool notes)
{
	for (c->rule = mk_rules; c->rule->id; c->rule++) {
		const struct mk_diag *last = c->diags->last;

		if (!c->rule->fn || (c->rule->severity == MK_NOTE) != notes)
			continue;
		c->rule->fn(c);
		note_fired(c, last ? last->next : c->diags->first);
	}
}

void mk_rules_run(const struct mk_state *s, const struct mk_rules_options *opts,
		  struct mk_diags *diags)
{
	struct mk_rule_ctx c = {.s = s, .opts = opts, .diags = diags, .a = s->arena};

	c.fired.arena = c.a;
	note_fired(&c, diags->first);
	prepare(&c);
	run(&c, false);
	if (opts->notes)
		run(&c, true);
}

/* ------------------------------------------------------------ old and new findings */

/* The rule with the item, or with its subject; what the decoder says is told apart by its place. */
static const char *known_key(struct mk_arena *a, const struct mk_diag *d, size_t item)
{
	const struct mk_rule *r = mk_rules;

	/* memory that overlaps is one thing, whoever takes part: it turns from MK503 into MK502 */
	const char *rule = strcmp(d->rule, "MK503") != 0 ? d->rule : "MK502";

	if (d->n_items)
		return mk_arena_fmt(a, "%s\n%s", rule, d->item[item]);
	while (r->id && strcmp(r->id, d->rule) != 0)
		r++;
	return mk_arena_fmt(a, "%s\n%s\n%s", d->rule, subject_of(d->subject),
			    !r->fn && d->path ? d->path : "");
}

void mk_known_of(struct mk_known *k, const struct mk_state *s, const struct mk_rules_options *opts,
		 struct mk_diags *diags)
{
	struct mk_rules_options all = *opts;
	struct mk_arena *a = s->arena;

	*k = (struct mk_known){.names = {.arena = a}, .open = true};
	all.known = k;
	mk_rules_run(s, &all, diags);
	k->open = false;
	for (const struct mk_diag *x = diags->first; x; x = x->next)
		for (size_t i = 0; x->rule && (!i || i < x->n_items); i++) {
			const char *key = known_key(a, x, i);
			uint32_t *mark = mk_name_mark(mk_intern(&k->names, key, strlen(key)));

			if (!*mark) {
				k->excess = mk_arena_more(a, k->excess, k->n, &k->cap,
							  sizeof(*k->excess));
				k->excess[k->n++] = x->excess;
				*mark = (uint32_t)k->n;
			} else if (k->excess[*mark - 1] < x->excess) {
				k->excess[*mark - 1] = x->excess;
			}
		}
}

bool mk_known_has(const struct mk_known *k, const struct mk_diag *d)
{
	for (size_t i = 0; d->rule && (!i || i < d->n_items); i++) {
		const char *key = known_key(k->names.arena, d, i);
		const char *name = mk_name_known(&k->names, key, strlen(key));

		if (!name || k->excess[*mk_name_mark(name) - 1] < d->excess)
			return false;
	}
	return d->rule != NULL;
}
