/* SPDX-License-Identifier: Apache-2.0 */
/* report: names, lists and shares as people read them. */
#include "report_int.h"

#include <string.h>

#include "arena.h"
#include "keys.h"
#include "num.h"
#include "utf8.h"

/* A name that came from a kernel may hold anything: it is shown as records show it. */
const char *mk_report_safe(struct mk_arena *a, const char *s)
{
	struct mk_record_writer w;
	struct mk_buf b;

	mk_buf_init(&b, a);
	w = (struct mk_record_writer){.b = &b};
	mk_record_add(&w, s);
	return mk_buf_cstr(&b);
}

const char *mk_report_ids(struct mk_arena *a, const struct mk_ids *x)
{
	struct mk_ids once = mk_ids_unique(a, x), sorted = mk_ids_sorted(a, &once);

	return x->n ? mk_ids_text(a, &sorted) : "-";
}

struct mk_cpu_counts mk_report_cpus(const struct mk_state *s)
{
	struct mk_ranges host = mk_ranges_of(s->arena, &s->host_cpus.ids);
	struct mk_ranges pool = mk_ranges_of(s->arena, &s->pool.ids), all;

	mk_ranges_init(&all, s->arena);
	mk_ranges_add_ids(&all, &s->host_cpus.ids);
	mk_ranges_add_ids(&all, &s->pool.ids);
	mk_ranges_join(&all);
	return (struct mk_cpu_counts){(size_t)mk_ranges_count(&host),
				      (size_t)mk_ranges_count(&pool),
				      (size_t)mk_ranges_count(&all)};
}

struct mk_free_memory mk_report_free(const struct mk_memmap *m, uint32_t node)
{
	const struct mk_mem_node *n = mk_memmap_node(m, node);
	struct mk_space big = mk_memmap_largest(m, node);
	struct mk_free_memory f = {
		.bytes = mk_memmap_bytes(m, node), .block = big.size, .base = big.base};
	uint64_t taken = node == MK_NODE_ANY || !n ? m->taken : n->taken;

	f.sure = big.size && !taken;
	if (f.block > f.bytes)
		f.block = f.bytes;
	return f;
}

const char *mk_report_block(struct mk_arena *a, const struct mk_free_memory *f, const char *front)
{
	if (!f->block)
		return "";
	if (!f->sure)
		return mk_arena_fmt(a, "%s at most %s", front, mk_num_size_text(a, f->block));
	return mk_arena_fmt(a, "%s %s at 0x%llx", front, mk_num_size_text(a, f->block),
			    (unsigned long long)f->base);
}

const char *mk_report_uses(struct mk_arena *a, const struct mk_uses *u)
{
	struct mk_buf b;

	mk_buf_init(&b, a);
	for (size_t i = 0; i < u->n; i++)
		mk_buf_fmt(&b, "%s%s", i ? "," : "", mk_report_safe(a, u->u[i].text));
	return u->n ? mk_buf_cstr(&b) : "-";
}

/* "8GB" and where: the regions, or their sum when there are many. */
const char *mk_report_memory(struct mk_arena *a, const struct mk_mems *m)
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
const char *mk_report_percent(struct mk_arena *a, uint64_t part, uint64_t whole)
{
	long double exact = whole ? (long double)part * 100 / (long double)whole : 0;
	unsigned p = exact < 100 ? (unsigned)exact : 100;
	long double rest = exact - p;

	if (rest > 0.5L || (rest == 0.5L && p % 2))
		p++;
	return mk_arena_fmt(a, "%u%%", p < 100 ? p : 100);
}

void mk_report_visible(struct mk_buf *b, const char *text)
{
	size_t len = strlen(text);
	char shown[16];

	for (size_t i = 0; i < len;) {
		i += mk_utf8_visible(text + i, len - i, shown);
		mk_buf_str(b, shown);
	}
}

/* Each finding once, however often it names the instance: last is the last one that did. */
static void count_error(const struct mk_state *s, size_t *n, size_t *last, size_t which,
			const char *name)
{
	const struct mk_instance *x = name ? mk_instance_find(s, name) : NULL;

	if (!x || last[x - s->instance] == which)
		return;
	last[x - s->instance] = which;
	n[x - s->instance]++;
}

size_t *mk_report_errors_by_instance(const struct mk_verdict *v)
{
	size_t *n = mk_arena_array(v->s->arena, v->s->n_instances, sizeof(*n)), which = 0;
	size_t *last = mk_arena_array(v->s->arena, v->s->n_instances, sizeof(*last));

	for (const struct mk_diag *d = v->d->first; d; d = d->next) {
		/* a device may be called like an instance */
		if (d->severity != MK_ERROR || (d->rule && !strncmp(d->rule, "MK2", 3)))
			continue;
		which++;
		for (size_t i = 0; i < d->n_parties; i++)
			count_error(v->s, n, last, which, d->party[i]);
		if (!d->n_parties)
			count_error(v->s, n, last, which, d->subject);
	}
	return n;
}

const char *mk_report_compatible(const struct mk_device *d)
{
	const struct mk_prop *p = d->where.node ? mk_prop_first(d->where.node) : NULL;

	while (p && strcmp(p->name, "compatible") != 0)
		p = mk_prop_next(p);
	return p && mk_prop_is_strings(p) ? p->data : NULL;
}

static bool speaks_of(const char *s, const char *const *words)
{
	for (; s && *words; words++)
		if (strstr(s, *words))
			return true;
	return false;
}

enum mk_device_kind mk_report_kind(const struct mk_state *s, const struct mk_device *d)
{
	static const char *const network[] = {"ethernet", "net", "eth",	  "nic",  "i40e",
					      "ixgbe",	  "mlx", "e1000", "wlan", NULL},
				 *const storage[] = {"nvme", "storage", "ahci", "sata",
						     "scsi", "disk",	NULL},
				 *const gpu[] = {"gpu", "vga", "display", "nvidia", "amdgpu", NULL};
	const char *names[3] = {mk_report_compatible(d), d->name,
				d->where.node ? d->where.node->name : NULL};

	(void)s;
	if (d->has_ns)
		return MK_KIND_STORAGE;
	for (size_t i = 0; i < 3; i++) {
		if (speaks_of(names[i], storage))
			return MK_KIND_STORAGE;
		if (speaks_of(names[i], gpu))
			return MK_KIND_GPU;
		if (speaks_of(names[i], network))
			return MK_KIND_NETWORK;
	}
	return d->has_vfs ? MK_KIND_NETWORK : MK_KIND_OTHER;
}
