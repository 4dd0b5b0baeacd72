/* SPDX-License-Identifier: Apache-2.0 */
/* delta: what of two machines differs without any operation for it. */
#include <string.h>

#include "arena.h"
#include "delta.h"
#include "sort.h"

struct facts {
	struct mk_arena *a;
	struct mk_buf text;
	size_t devices; /* that differ */
};

static void differs(struct facts *f, const char *what)
{
	mk_buf_fmt(&f->text, "%s%s", f->text.len ? ", " : "", what);
}

/* What only one of the two says is no contradiction. */
static bool same_list(struct mk_arena *a, const struct mk_cpus *x, const struct mk_cpus *y)
{
	struct mk_ranges p = mk_ranges_of(a, &x->ids), q = mk_ranges_of(a, &y->ids);

	return !x->known || !y->known ||
	       (p.n == q.n && (!p.n || !memcmp(p.r, q.r, p.n * sizeof(*p.r))));
}

static bool same_number(bool x_known, uint64_t x, bool y_known, uint64_t y)
{
	return !x_known || !y_known || x == y;
}

static bool same_text(const char *x, const char *y)
{
	return !x || !y || !strcmp(x, y);
}

/* VFs that both describe have the same PCI ids; both lists rise. */
static bool same_vfs(const struct mk_device *x, const struct mk_device *y)
{
	size_t i = 0, k = 0;

	while (i < x->n_vf_info && k < y->n_vf_info) {
		const struct mk_vf *p = &x->vf_info[i], *q = &y->vf_info[k];

		if (p->number == q->number && !same_text(p->pci_id, q->pci_id))
			return false;
		i += p->number <= q->number;
		k += q->number <= p->number;
	}
	return true;
}

static bool same_device(struct mk_arena *a, const struct mk_device *x, const struct mk_device *y)
{
	return same_text(x->pci_id, y->pci_id) &&
	       same_number(x->has_vfs, x->vfs, y->has_vfs, y->vfs) &&
	       same_number(x->has_ns, x->ns, y->has_ns, y->ns) && same_list(a, &x->vf, &y->vf) &&
	       same_list(a, &x->host_vf, &y->host_vf) && same_list(a, &x->free_ns, &y->free_ns) &&
	       same_list(a, &x->host_ns, &y->host_ns) &&
	       same_number(x->node != MK_NODE_ANY, x->node, y->node != MK_NODE_ANY, y->node) &&
	       same_vfs(x, y);
}

enum { DEVICES_SHOWN = 4 };

static void devices(struct facts *f, const struct mk_state *old, const struct mk_state *new)
{
	for (size_t i = 0; i < old->n_devices; i++) {
		const struct mk_device *x = &old->device[i];
		size_t k = mk_device_find(new, x->name, strlen(x->name));

		if (k == MK_NO_DEVICE || same_device(f->a, x, &new->device[k]))
			continue;
		if (f->devices++ < DEVICES_SHOWN)
			differs(f, mk_arena_fmt(f->a, "device %s", x->name));
	}
	if (f->devices > DEVICES_SHOWN)
		differs(f, mk_arena_fmt(f->a, "%zu more devices", f->devices - DEVICES_SHOWN));
}

static int by_id(const void *x, const void *y)
{
	const struct mk_numa *a = *(struct mk_numa *const *)x, *b = *(struct mk_numa *const *)y;

	return a->id < b->id ? -1 : a->id > b->id;
}

static const struct mk_numa **nodes_of(struct mk_arena *a, const struct mk_state *s)
{
	const struct mk_numa **n = mk_arena_array(a, s->n_numa, sizeof(struct mk_numa *));

	for (size_t i = 0; i < s->n_numa; i++)
		n[i] = &s->numa[i];
	mk_sort(n, s->n_numa, sizeof(*n), by_id);
	return n;
}

static bool same_topology(struct mk_arena *a, const struct mk_state *old,
			  const struct mk_state *new)
{
	const struct mk_numa **x = nodes_of(a, old), **y = nodes_of(a, new);

	if (!old->n_numa || !new->n_numa)
		return true;
	for (size_t i = 0; i < old->n_numa && i < new->n_numa; i++)
		if (x[i]->id != y[i]->id || !same_list(a, &x[i]->cpus, &y[i]->cpus) ||
		    (x[i]->has_memory && y[i]->has_memory &&
		     (x[i]->base != y[i]->base || x[i]->size != y[i]->size)))
			return false;
	return old->n_numa == new->n_numa;
}

/* CPUs pass between host and pool by operations. */
static bool same_cpus(struct mk_arena *a, const struct mk_state *old, const struct mk_state *new)
{
	struct mk_ranges p, q;

	if (!old->host_cpus.known || !new->host_cpus.known)
		return true;
	mk_ranges_init(&p, a);
	mk_ranges_init(&q, a);
	mk_ranges_add_ids(&p, &old->host_cpus.ids);
	mk_ranges_add_ids(&p, &old->pool.ids);
	mk_ranges_add_ids(&q, &new->host_cpus.ids);
	mk_ranges_add_ids(&q, &new->pool.ids);
	mk_ranges_join(&p);
	mk_ranges_join(&q);
	return p.n == q.n && (!p.n || !memcmp(p.r, q.r, p.n * sizeof(*p.r)));
}

const char *mk_delta_machine(struct mk_arena *a, const struct mk_state *old,
			     const struct mk_state *new)
{
	struct facts f = {.a = a};

	mk_buf_init(&f.text, a);
	if (!old->has_machine || !new->has_machine)
		return NULL;
	if (!same_cpus(a, old, new))
		differs(&f, "the CPUs of host and pool together");
	if (!same_number(old->cpu_total, old->cpu_total, new->cpu_total, new->cpu_total))
		differs(&f, "the bound of CPU ids");
	if (!same_number(old->has_memory_total, old->memory_total, new->has_memory_total,
			 new->memory_total) ||
	    !same_number(old->memory_host, old->memory_host, new->memory_host, new->memory_host))
		differs(&f, "total memory or the host's");
	if (!same_topology(a, old, new))
		differs(&f, "NUMA nodes");
	devices(&f, old, new);
	return f.text.len ? mk_buf_cstr(&f.text) : NULL;
}
