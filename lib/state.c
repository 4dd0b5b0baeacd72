/* SPDX-License-Identifier: Apache-2.0 */
/* state: names to devices and instances, and small questions about a machine. */
#include "state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dialect.h"
#include "num.h"

void mk_state_init(struct mk_state *s, struct mk_arena *a)
{
	*s = (struct mk_state){.arena = a, .names = {.arena = a}};
}

struct mk_mem *mk_mem_add(struct mk_arena *a, struct mk_mems *list, struct mk_mem m)
{
	list->m = mk_arena_more(a, list->m, list->n, &list->cap, sizeof(*list->m));
	list->m[list->n] = m;
	return &list->m[list->n++];
}

struct mk_instance *mk_instance_add(struct mk_state *s, const char *name)
{
	struct mk_instance *i;

	s->instance = mk_arena_more(s->arena, s->instance, s->n_instances, &s->instances_cap,
				    sizeof(*s->instance));
	i = &s->instance[s->n_instances++];
	*i = (struct mk_instance){.name = name};
	return i;
}

uint64_t mk_mems_bytes(const struct mk_mems *list)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < list->n; i++)
		sum = mk_num_plus(sum, list->m[i].size);
	return sum;
}

/* ------------------------------------------------------------ names */

/*
 * Names are interned with a letter before them for what they name; the mark of
 * a name is an index + 1. d: a device's name, or another it answers to; b: one
 * without unit address, if only one has it; p: its PCI id; v: the PCI id of one
 * of its VFs; i: an instance.
 */
static const char *tagged(struct mk_names *names, char tag, const char *s, size_t len, bool add)
{
	char small[128], *key = small;

	if (len + 1 > sizeof(small))
		key = mk_arena_alloc(names->arena, len + 1);
	key[0] = tag;
	memcpy(key + 1, s, len);
	return add ? mk_intern(names, key, len + 1) : mk_name_known(names, key, len + 1);
}

static void bind(struct mk_names *names, char tag, const char *s, size_t len, size_t index)
{
	uint32_t *mark;

	if (!s || !len)
		return;
	mark = mk_name_mark(tagged(names, tag, s, len, true));
	if (!*mark)
		*mark = (uint32_t)index + 1;
	else if (tag == 'b' && *mark != index + 1)
		*mark = UINT32_MAX; /* several have it: nobody answers to it */
}

static size_t bound(const struct mk_state *s, char tag, const char *name, size_t len)
{
	struct mk_names names = s->names; /* looking up allocates at most a key */
	const char *known = tagged(&names, tag, name, len, false);
	uint32_t mark = known ? *mk_name_mark(known) : 0;

	return mark && mark != UINT32_MAX ? mark - 1 : MK_NO_DEVICE;
}

static void bind_device(struct mk_names *names, const char *name, size_t index)
{
	bind(names, 'd', name, strlen(name), index);
	if (mk_unit(name))
		bind(names, 'b', name, mk_base_len(name), index);
}

void mk_state_name_device(struct mk_state *s, size_t device)
{
	const struct mk_device *d = &s->device[device];

	bind_device(&s->names, d->name, device);
	for (size_t k = 0; k < d->n_other; k++)
		bind_device(&s->names, d->other[k], device);
	if (d->pci_id)
		bind(&s->names, 'p', d->pci_id, strlen(d->pci_id), device);
	for (size_t k = 0; k < d->n_vf_info; k++) {
		const char *id = d->vf_info[k].pci_id;

		if (!id)
			continue;
		s->vf_at = mk_arena_more(s->arena, s->vf_at, s->n_vf_at, &s->vf_at_cap,
					 sizeof(*s->vf_at));
		s->vf_at[s->n_vf_at++] = (struct mk_vf_at){device, k};
		bind(&s->names, 'v', id, strlen(id), s->n_vf_at - 1);
	}
}

/* Nobody answers to it any more, if index did. */
static void unbind(struct mk_state *s, char tag, const char *name, size_t len, size_t index)
{
	uint32_t *mark = mk_name_mark(tagged(&s->names, tag, name, len, true));

	if (*mark == index + 1)
		*mark = 0;
}

static void unbind_device(struct mk_state *s, const char *name, size_t index)
{
	unbind(s, 'd', name, strlen(name), index);
	if (mk_unit(name))
		unbind(s, 'b', name, mk_base_len(name), index);
}

void mk_state_forget_device(struct mk_state *s, size_t device)
{
	const struct mk_device *d = &s->device[device];

	unbind_device(s, d->name, device);
	for (size_t k = 0; k < d->n_other; k++)
		unbind_device(s, d->other[k], device);
	if (d->pci_id)
		unbind(s, 'p', d->pci_id, strlen(d->pci_id), device);
	for (size_t i = 0; i < d->n_vf_info; i++)
		if (d->vf_info[i].pci_id) {
			const char *id = d->vf_info[i].pci_id;

			*mk_name_mark(tagged(&s->names, 'v', id, strlen(id), true)) = 0;
		}
}

void mk_state_index(struct mk_state *s)
{
	s->names = (struct mk_names){.arena = s->arena};
	s->vf_at = NULL;
	s->n_vf_at = s->vf_at_cap = 0;
	for (size_t i = 0; i < s->n_devices; i++)
		mk_state_name_device(s, i);
	for (size_t i = 0; i < s->n_instances; i++)
		bind(&s->names, 'i', s->instance[i].name, strlen(s->instance[i].name), i);
}

void mk_state_name(struct mk_state *s, size_t instance)
{
	const char *name = s->instance[instance].name;

	bind(&s->names, 'i', name, strlen(name), instance);
}

void mk_state_forget(struct mk_state *s, size_t instance)
{
	const char *name = s->instance[instance].name;

	*mk_name_mark(tagged(&s->names, 'i', name, strlen(name), true)) = 0;
}

size_t mk_device_find(const struct mk_state *s, const char *name, size_t len)
{
	size_t i = bound(s, 'd', name, len);

	return i != MK_NO_DEVICE ? i : bound(s, 'b', name, len);
}

struct mk_instance *mk_instance_find(const struct mk_state *s, const char *name)
{
	size_t i = bound(s, 'i', name, strlen(name));

	return i == MK_NO_DEVICE ? NULL : &s->instance[i];
}

struct nearest {
	const char *wanted, *best;
	unsigned edits;
};

static void look_at(struct nearest *n, const char *name)
{
	unsigned e = mk_num_edits(n->wanted, name, 2);

	/* two edits make any short name of any other */
	if (e >= n->edits || e >= strlen(name))
		return;
	n->edits = e;
	n->best = name;
}

const char *mk_instance_nearest(const struct mk_state *s, const char *name)
{
	struct nearest n = {.wanted = name, .edits = 3};

	for (size_t i = 0; i < s->n_instances; i++)
		if (mk_instance_find(s, s->instance[i].name))
			look_at(&n, s->instance[i].name);
	return n.best;
}

const char *mk_device_nearest(const struct mk_state *s, const char *name)
{
	struct nearest n = {.wanted = name, .edits = 3};

	for (size_t i = 0; i < s->n_devices; i++) {
		look_at(&n, s->device[i].name);
		for (size_t k = 0; k < s->device[i].n_other; k++)
			look_at(&n, s->device[i].other[k]);
	}
	return n.best;
}

bool mk_use_resolve(const struct mk_state *s, struct mk_use *use)
{
	size_t device_len;
	uint32_t number;
	char kind;

	use->part = MK_WHOLE;
	use->device = mk_device_find(s, use->text, strlen(use->text));
	if (use->device != MK_NO_DEVICE) {
		use->text = s->device[use->device].name;
		return true;
	}
	if (!mk_split_part(use->text, &device_len, &kind, &number))
		return false;
	use->device = mk_device_find(s, use->text, device_len);
	if (use->device == MK_NO_DEVICE)
		return false;
	use->part = kind == 'v' ? MK_VF : MK_NS;
	use->number = number;
	use->text = mk_arena_fmt(s->arena, "%s_%s%u", s->device[use->device].name,
				 kind == 'v' ? "vf" : "ns", number);
	return true;
}

bool mk_use_by_pci(const struct mk_state *s, struct mk_use *use)
{
	const struct mk_device *d;
	size_t i = bound(s, 'p', use->pci_id, strlen(use->pci_id));

	use->part = MK_WHOLE;
	use->device = i;
	if (i != MK_NO_DEVICE) {
		use->text = s->device[i].name;
		return true;
	}
	i = bound(s, 'v', use->pci_id, strlen(use->pci_id));
	if (i == MK_NO_DEVICE)
		return false;
	use->device = s->vf_at[i].device;
	d = &s->device[use->device];
	use->part = MK_VF;
	use->number = d->vf_info[s->vf_at[i].vf].number;
	use->text = mk_arena_fmt(s->arena, "%s_vf%u", d->name, use->number);
	return true;
}

const char *mk_use_pci(const struct mk_state *s, const struct mk_use *use)
{
	const struct mk_device *d;
	size_t low = 0, high;

	if (use->device == MK_NO_DEVICE)
		return use->pci_id;
	d = &s->device[use->device];
	if (use->part == MK_WHOLE)
		return d->pci_id;
	if (use->part != MK_VF)
		return NULL;
	for (high = d->n_vf_info; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (d->vf_info[mid].number < use->number)
			low = mid + 1;
		else
			high = mid;
	}
	return low < d->n_vf_info && d->vf_info[low].number == use->number ? d->vf_info[low].pci_id
									   : NULL;
}

/* ------------------------------------------------------------ places */

struct mk_span mk_where_span(struct mk_where w)
{
	if (w.prop && w.prop->value.line)
		return w.prop->value;
	if (w.prop && w.prop->at.file)
		return w.prop->at;
	return w.node ? w.node->at : (struct mk_span){0};
}

const char *mk_where_path(struct mk_arena *a, struct mk_where w)
{
	const char *path;

	if (!w.node)
		return w.prop ? w.prop->name : NULL;
	path = mk_node_path(a, w.node);
	if (w.overlay)
		path = mk_arena_fmt(a, "overlay %u: %s", w.overlay, path);
	return w.prop ? mk_arena_fmt(a, "%s:%s", path, w.prop->name) : path;
}

const char mk_pool_subject[] = "@pool", mk_host_subject[] = "@host";

const char *mk_subject(struct mk_arena *a, const char *name)
{
	if (!name || name[0] != '@' || name == mk_pool_subject || name == mk_host_subject)
		return name;
	return mk_arena_fmt(a, "%%40%s", name + 1);
}

struct mk_diag *mk_finding(struct mk_diags *d, enum mk_severity severity, const char *rule,
			   const char *subject, struct mk_where w, const char *fmt, ...)
{
	struct mk_diag *x;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mk_arena_vfmt(d->arena, fmt, ap);
	va_end(ap);
	x = mk_diag_add(d, severity, rule, mk_where_span(w), "%s", text);
	x->subject = mk_subject(d->arena, subject);
	x->path = mk_where_path(d->arena, w);
	return x;
}

char *mk_mem_text(struct mk_arena *a, const struct mk_mem *m)
{
	const char *size = mk_num_size_text(a, m->size);

	if (!m->placed)
		return mk_arena_fmt(a, "%s", size);
	if (!m->size)
		return mk_arena_fmt(a, "0x%llx (%s)", (unsigned long long)m->base, size);
	if (m->size - 1 > UINT64_MAX - m->base)
		return mk_arena_fmt(a, "%s at 0x%llx, beyond the last address,", size,
				    (unsigned long long)m->base);
	return mk_arena_fmt(a, "0x%llx-0x%llx (%s)", (unsigned long long)m->base,
			    (unsigned long long)(m->base + (m->size - 1)), size);
}

/* ------------------------------------------------------------ copies */

static void *copied(struct mk_arena *a, const void *items, size_t n, size_t size)
{
	void *p = mk_arena_array(a, n, size);

	if (n)
		memcpy(p, items, n * size);
	return p;
}

char *mk_device_name_of(struct mk_arena *a, const char *pci_id)
{
	char *name = mk_arena_fmt(a, "pci-%s", pci_id);

	for (char *p = name; *p; p++) /* no name of a node may hold it */
		if (*p == ':')
			*p = '-';
	return name;
}

uint64_t mk_numa_distance(const struct mk_state *s, size_t i, size_t k)
{
	const struct mk_ids *d = &s->numa[i].distance;

	if (i == k)
		return 10;
	/* a row of the matrix in each node, or all of it */
	return d->n == s->n_numa		 ? d->id[k]
	       : d->n == s->n_numa * s->n_numa ? d->id[i * s->n_numa + k]
					       : 20;
}

struct mk_state mk_state_copy(const struct mk_state *s)
{
	struct mk_state c = *s;

	/* what can be changed by adding to it gets room of its own */
	c.pool.ids.id = copied(c.arena, s->pool.ids.id, s->pool.ids.n, sizeof(uint64_t));
	c.pool.ids.cap = c.pool.ids.n;
	c.chunks.m = copied(c.arena, s->chunks.m, s->chunks.n, sizeof(struct mk_mem));
	c.chunks.cap = c.chunks.n;
	c.device = copied(c.arena, s->device, s->n_devices, sizeof(*s->device));
	c.devices_cap = c.n_devices;
	c.host_cpus.ids.id =
		copied(c.arena, s->host_cpus.ids.id, s->host_cpus.ids.n, sizeof(uint64_t));
	c.host_cpus.ids.cap = c.host_cpus.ids.n;
	c.alias = copied(c.arena, s->alias, s->n_aliases, sizeof(*s->alias));
	c.aliases_cap = c.n_aliases;
	c.instance = copied(c.arena, s->instance, s->n_instances, sizeof(*s->instance));
	c.instances_cap = c.n_instances;
	for (size_t i = 0; i < c.n_instances; i++) {
		struct mk_instance *x = &c.instance[i];

		x->cpus.ids.id = copied(c.arena, x->cpus.ids.id, x->cpus.ids.n, sizeof(uint64_t));
		x->cpus.ids.cap = x->cpus.ids.n;
		x->mem.m = copied(c.arena, x->mem.m, x->mem.n, sizeof(struct mk_mem));
		x->mem.cap = x->mem.n;
		x->devices.u = copied(c.arena, x->devices.u, x->devices.n, sizeof(struct mk_use));
		x->devices.cap = x->devices.n;
	}
	mk_state_index(&c);
	return c;
}

bool mk_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > 63 || strchr("._-", name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       len;
}
