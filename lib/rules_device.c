/* SPDX-License-Identifier: Apache-2.0 */
/* rules_device: MK2xx, devices of the machine, and MK6xx, devices in use. */
#include "rules_int.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"
#include "sort.h"

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
	device = (unsigned)mk_hex_digit((unsigned char)s[8]) * 16 +
		 (unsigned)mk_hex_digit((unsigned char)s[9]);
	return device < 32;
}

static void bad_pci_id(struct mk_rule_ctx *c, const struct mk_device *d, const char *what,
		       const char *id)
{
	struct mk_diag *x = mk_rule_find(c, d->name, d->where, "%s: '%s' is no PCI id", what, id);

	x->hint = "a PCI id is domain:bus:device.function, all hexadecimal: 0000:01:00.0";
	mk_rule_item(c, x, "%s %s", what, id);
}

void mk_rule_pci_shape(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (d->pci_id && !pci_id_ok(d->pci_id))
			bad_pci_id(c, d, mk_arena_fmt(c->a, "device %s", d->name), d->pci_id);
		for (size_t k = 0; k < d->n_vf_info; k++)
			if (d->vf_info[k].pci_id && !pci_id_ok(d->vf_info[k].pci_id))
				bad_pci_id(c, d,
					   mk_arena_fmt(c->a, "VF %u of device %s",
							d->vf_info[k].number, d->name),
					   d->vf_info[k].pci_id);
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

void mk_rule_pci_twice(struct mk_rule_ctx *c)
{
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
	mk_sort(x, n, sizeof(*x), by_name);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(x[i].name, x[i - 1].name)) {
			struct mk_diag *d =
				mk_rule_find(c, x[i].device->name,
					     mk_rule_at(x[i].device->where, "pci-id"),
					     x[i].device == x[i - 1].device
						     ? "PCI id %s is used twice by %s and its VFs"
						     : "PCI id %s is used by %s and by %s",
					     x[i].name, x[i - 1].device->name, x[i].device->name);

			if (x[i].device != x[i - 1].device)
				mk_rule_other(c, d, mk_rule_at(x[i - 1].device->where, "pci-id"),
					      "the other device");
			d->hint = x[i].device == x[i - 1].device
					  ? "a VF has a PCI id of its own: lspci -D lists them"
					  : "correct one of the two: lspci -D lists the functions "
					    "of a "
					    "machine";
			mk_rule_item(c, d, "%s %s", x[i].name, x[i].device->name);
			mk_rule_item(c, d, "%s %s", x[i].name, x[i - 1].device->name);
		}
}

/* VFs are numbered 0 to vfs - 1, namespaces 1 to ns. */
static void numbers_above(struct mk_rule_ctx *c, const struct mk_device *d,
			  const struct mk_cpus *list, uint64_t first, uint64_t count,
			  const char *what, const char *prop)
{
	struct mk_ids bad = {0};
	struct mk_diag *x;

	for (size_t i = 0; i < list->ids.n; i++)
		if (list->ids.id[i] < first || list->ids.id[i] - first >= count)
			mk_ids_add(c->a, &bad, list->ids.id[i]);
	if (!bad.n)
		return;
	x = mk_rule_find(c, d->name, list->where, "device %s has no %s %s: %s is %llu", d->name,
			 what, mk_ids_brief(c->a, &bad, 8), prop, (unsigned long long)count);
	x->hint = count ? mk_arena_fmt(c->a, "they are numbered %llu to %llu",
				       (unsigned long long)first,
				       (unsigned long long)(first + count - 1))
			: "remove the list";
	mk_rule_item_ids(c, x, d->name, &bad);
}

void mk_rule_vf_above(struct mk_rule_ctx *c)
{
	struct mk_cpus described;

	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (!d->has_vfs)
			continue;
		numbers_above(c, d, &d->vf, 0, d->vfs, "VF", "sriov-vfs");
		numbers_above(c, d, &d->host_vf, 0, d->vfs, "VF", "sriov-vfs");
		described = (struct mk_cpus){.where = d->where};
		for (size_t k = 0; k < d->n_vf_info; k++)
			mk_ids_add(c->a, &described.ids, d->vf_info[k].number);
		numbers_above(c, d, &described, 0, d->vfs, "VF", "sriov-vfs");
	}
}

void mk_rule_ns_above(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (!d->has_ns)
			continue;
		numbers_above(c, d, &d->free_ns, 1, d->ns, "namespace", "namespaces");
		numbers_above(c, d, &d->host_ns, 1, d->ns, "namespace", "namespaces");
	}
}

static void offered_and_reserved(struct mk_rule_ctx *c, const struct mk_device *d,
				 const struct mk_cpus *offered, const struct mk_cpus *reserved,
				 const char *what)
{
	struct mk_ranges r = mk_ranges_of(c->a, &reserved->ids);
	struct mk_ids both = {0};
	struct mk_diag *x;

	for (size_t i = 0; i < offered->ids.n; i++)
		if (mk_ranges_has(&r, offered->ids.id[i], offered->ids.id[i]))
			mk_ids_add(c->a, &both, offered->ids.id[i]);
	if (!both.n)
		return;
	x = mk_rule_find(c, d->name, offered->where,
			 "%s %s of device %s is offered and reserved for the host", what,
			 mk_ids_brief(c->a, &both, 8), d->name);
	mk_rule_other(c, x, reserved->where, "reserved here");
	mk_rule_item_ids(c, x, d->name, &both);
}

void mk_rule_vf_reserved(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->n_devices; i++)
		offered_and_reserved(c, &c->s->device[i], &c->s->device[i].vf,
				     &c->s->device[i].host_vf, "VF");
}

void mk_rule_ns_reserved(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->n_devices; i++)
		offered_and_reserved(c, &c->s->device[i], &c->s->device[i].free_ns,
				     &c->s->device[i].host_ns, "namespace");
}

void mk_rule_vf_twice(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->n_devices; i++)
		mk_rule_list_twice(c, c->s->device[i].name, &c->s->device[i].vf, "VF",
				   c->s->device[i].name);
}

void mk_rule_ns_twice(struct mk_rule_ctx *c)
{
	for (size_t i = 0; i < c->s->n_devices; i++)
		mk_rule_list_twice(c, c->s->device[i].name, &c->s->device[i].free_ns, "namespace",
				   c->s->device[i].name);
}

static void node_unknown(struct mk_rule_ctx *c, const struct mk_device *d)
{
	struct mk_diag *x = mk_rule_find(c, d->name, mk_rule_at(d->where, "numa-node-id"),
					 "device %s is on NUMA node %u, which is not described",
					 d->name, d->node);

	x->hint = mk_rule_nodes(c);
	mk_rule_item(c, x, "%s %u", d->name, d->node);
}

void mk_rule_device_node(struct mk_rule_ctx *c)
{
	struct mk_ranges r;

	mk_rule_numa_ids(c, &r);
	for (size_t i = 0; r.n && i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		if (d->node != MK_NODE_ANY && !mk_ranges_has(&r, d->node, d->node))
			node_unknown(c, d);
	}
}

void mk_rule_device_names_apart(struct mk_rule_ctx *c)
{
	struct named *x;
	size_t n = 0;

	for (size_t i = 0; i < c->s->n_devices; i++)
		n += 1 + c->s->device[i].n_other;
	x = mk_arena_array(c->a, n, sizeof(*x));
	n = 0;

	for (size_t i = 0; i < c->s->n_devices; i++) {
		const struct mk_device *d = &c->s->device[i];

		x[n++] = (struct named){d->name, d};
		for (size_t k = 0; k < d->n_other; k++)
			x[n++] = (struct named){d->other[k], d};
	}
	mk_sort(x, n, sizeof(*x), by_name);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(x[i].name, x[i - 1].name) && x[i].device != x[i - 1].device) {
			struct mk_diag *d =
				mk_rule_find(c, x[i].name, x[i].device->where,
					     "two devices answer to the name '%s'", x[i].name);

			mk_rule_other(c, d, x[i - 1].device->where, "the other device");
			mk_rule_item(c, d, "%s %s", x[i].name, x[i].device->name);
			mk_rule_item(c, d, "%s %s", x[i].name, x[i - 1].device->name);
		}
}

void mk_rule_alias_targets(struct mk_rule_ctx *c)
{
	struct mk_tree *t = (struct mk_tree *)(uintptr_t)c->s->tree;

	for (size_t i = 0; i < c->s->n_aliases; i++) {
		const struct mk_alias *x = &c->s->alias[i];

		if (strlen(x->name) > 31) /* the kernel's limit: kernel-abi, baseline */
			mk_rule_item(c,
				     mk_rule_find(c, x->name, x->where,
						  "alias '%s' is longer than 31 characters",
						  x->name),
				     "long %s", x->name);
		if (!mk_node_at(t, t->root, x->path, strlen(x->path)))
			mk_rule_item(c,
				     mk_rule_find(c, x->name, x->where,
						  "alias '%s' names %s, which is not there",
						  x->name, x->path),
				     "dangling %s", x->name);
	}
}

/* ------------------------------------------------------------ MK6xx: use of devices */

static void each_use(struct mk_rule_ctx *c,
		     void (*fn)(struct mk_rule_ctx *, const struct mk_instance *,
				const struct mk_use *))
{
	for (size_t i = 0; i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].devices.n; k++)
			fn(c, &c->s->instance[i], &c->s->instance[i].devices.u[k]);
}

static void use_item(struct mk_rule_ctx *c, struct mk_diag *d, const struct mk_instance *x,
		     const struct mk_use *u)
{
	/* names can change with those beside them, and VFs get PCI ids: the device's own stays */
	const char *pci = u->device != MK_NO_DEVICE ? c->s->device[u->device].pci_id : NULL;

	if (pci)
		mk_rule_item(c, d, "%s %d %u %s", pci, (int)u->part,
			     u->part == MK_WHOLE ? 0 : u->number, x->name);
	else
		mk_rule_item(c, d, "%s %s", u->text, x->name);
}

enum { NEAREST_MAX = 16 };

static const char *device_hint(struct mk_rule_ctx *c, const char *name)
{
	struct mk_names_list l = {.n = 0};
	const char *best;

	if (c->nearest++ >= NEAREST_MAX)
		return NULL;
	best = mk_device_nearest(c->s, name);
	if (best)
		return mk_arena_fmt(c->a, "did you mean %s?", best);
	for (size_t i = 0; i < c->s->n_devices; i++)
		mk_rule_names_add(&l, c->s->device[i].name);
	return l.n ? mk_arena_fmt(c->a, "the machine has %s", mk_rule_names_text(c, &l))
		   : "the machine describes no devices";
}

static void one_unknown(struct mk_rule_ctx *c, const struct mk_instance *x, const struct mk_use *u)
{
	struct mk_diag *d;

	if (u->device != MK_NO_DEVICE)
		return;
	d = mk_rule_find(c, x->name, u->where,
			 "instance %s uses device '%s', which the machine does not have", x->name,
			 u->text);
	d->hint = device_hint(c, u->text);
	use_item(c, d, x, u);
}

void mk_rule_use_unknown(struct mk_rule_ctx *c)
{
	/* devices that could not be read at all are another finding */
	if (c->s->has_machine && (c->s->n_devices || !mk_rule_has_fired(c, "MK804")))
		each_use(c, one_unknown);
}

struct mk_user {
	const struct mk_use *u;
	const struct mk_instance *x;
};

static int by_use(const void *x, const void *y)
{
	const struct mk_user *a = x, *b = y;

	if (a->u->device != b->u->device)
		return a->u->device < b->u->device ? -1 : 1;
	if (a->u->part != b->u->part)
		return a->u->part < b->u->part ? -1 : 1;
	if (a->u->number != b->u->number)
		return a->u->number < b->u->number ? -1 : 1;
	if (a->x != b->x) /* by their places in the state */
		return a->x < b->x ? -1 : 1;
	return a->u < b->u ? -1 : a->u > b->u; /* of one list */
}

static bool same_thing(const struct mk_user *a, const struct mk_user *b)
{
	return a->u->device == b->u->device && a->u->part == b->u->part &&
	       a->u->number == b->u->number;
}

/* All uses of known devices, sorted so that conflicts stand together: the whole first. */
static struct mk_user *sorted_uses(struct mk_rule_ctx *c, size_t *n)
{
	struct mk_user *out;

	*n = 0;
	for (size_t i = 0; i < c->s->n_instances; i++)
		*n += c->s->instance[i].devices.n;
	out = mk_arena_array(c->a, *n, sizeof(*out));
	*n = 0;
	for (size_t i = 0; i < c->s->n_instances; i++)
		for (size_t k = 0; k < c->s->instance[i].devices.n; k++)
			if (c->s->instance[i].devices.u[k].device != MK_NO_DEVICE)
				out[(*n)++] = (struct mk_user){&c->s->instance[i].devices.u[k],
							    &c->s->instance[i]};
	mk_sort(out, *n, sizeof(*out), by_use);
	return out;
}

/* "; free are 3-4", or "" when it is not known or none is. */
static const char *free_parts(struct mk_rule_ctx *c, const struct mk_device *d, bool vf)
{
	size_t me = (size_t)(d - c->s->device), low = 0, high;
	const struct mk_cpus *list = vf ? &d->vf : &d->free_ns;
	struct mk_ranges used;
	struct mk_ids free = {0};

	if (!c->uses)
		c->uses = sorted_uses(c, &c->n_uses);
	high = c->n_uses;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->uses[mid].u->device < me)
			low = mid + 1;
		else
			high = mid;
	}
	mk_ranges_init(&used, c->a);
	mk_ranges_add_ids(&used, vf ? &d->host_vf.ids : &d->host_ns.ids);
	for (; low < c->n_uses && c->uses[low].u->device == me; low++) {
		if (c->uses[low].u->part == MK_WHOLE)
			return "";
		if ((c->uses[low].u->part == MK_VF) == vf)
			mk_ranges_add(&used, c->uses[low].u->number, c->uses[low].u->number);
	}
	mk_ranges_join(&used);
	for (size_t i = 0; i < list->ids.n; i++)
		if (!mk_ranges_has(&used, list->ids.id[i], list->ids.id[i]))
			mk_ids_add(c->a, &free, list->ids.id[i]);
	return free.n ? mk_arena_fmt(c->a, "; free: %s", mk_ids_brief(c->a, &free, 8)) : "";
}

void mk_rule_use_twice(struct mk_rule_ctx *c)
{
	size_t n, end;
	struct mk_user *u = sorted_uses(c, &n);

	for (size_t i = 0; i < n; i = end) {
		struct mk_names_list l = {.n = 0};
		struct mk_diag *d;

		for (end = i; end < n && same_thing(&u[i], &u[end]); end++)
			mk_rule_names_add(&l, u[end].x->name);
		if (end - i < 2)
			continue;
		d = mk_rule_find(c, u[i + 1].x->name, u[i + 1].u->where, "device %s is given to %s",
				 u[i].u->text,
				 end - i == 2 && u[i].x == u[i + 1].x
					 ? mk_arena_fmt(c->a, "%s twice", u[i].x->name)
					 : mk_rule_names_text(c, &l));
		mk_rule_other(c, d, u[i].u->where,
			      mk_arena_fmt(c->a, "%s has it here", u[i].x->name));
		if (u[i].u->part != MK_WHOLE && c->nearest++ < NEAREST_MAX)
			d->hint = mk_arena_fmt(c->a, "%s belongs to one instance%s", u[i].u->text,
					       free_parts(c, &c->s->device[u[i].u->device],
							  u[i].u->part == MK_VF));
		for (size_t k = i; k < end; k++) {
			mk_rule_party(c, d, u[k].x->name);
			use_item(c, d, u[k].x, u[k].u);
		}
	}
}

/* Parts of a device that somebody has whole: one finding a device. */
void mk_rule_use_whole_and_part(struct mk_rule_ctx *c)
{
	size_t n, end, part;
	struct mk_user *u = sorted_uses(c, &n);

	for (size_t i = 0; i < n; i = end) {
		struct mk_names_list l = {.n = 0};
		struct mk_diag *d;

		for (part = i; part < n && same_thing(&u[i], &u[part]); part++)
			;
		for (end = part; end < n && u[end].u->device == u[i].u->device; end++)
			if (u[i].u->part == MK_WHOLE)
				mk_rule_names_add(&l, mk_arena_fmt(c->a, "%s has %s",
								   u[end].x->name, u[end].u->text));
		if (!l.n)
			continue;
		d = mk_rule_find(c, u[part].x->name, u[part].u->where,
				 "%s has the whole of %s, and %s, %s of it", u[i].x->name,
				 u[i].u->text, mk_rule_names_text(c, &l),
				 l.n > 1 ? "parts" : "a part");
		mk_rule_other(c, d, u[i].u->where, "the whole device is given here");
		for (size_t k = i; k < end; k++) {
			mk_rule_party(c, d, u[k].x->name);
			use_item(c, d, u[k].x, u[k].u);
		}
	}
}

/* The VFs or namespaces of a device as sets, and the hint that lists them. */
struct mk_offer {
	struct mk_ranges offered, reserved;
	const char *hint;
};

static struct mk_offer offer_of(struct mk_rule_ctx *c, const struct mk_device *d, bool vf)
{
	const struct mk_cpus *list = vf ? &d->vf : &d->free_ns;
	const char *what = vf ? "VFs" : "namespaces";
	struct mk_offer o = {.offered = mk_ranges_of(c->a, &list->ids),
			     .reserved =
				     mk_ranges_of(c->a, vf ? &d->host_vf.ids : &d->host_ns.ids)};

	if (list->ids.n)
		o.hint = mk_arena_fmt(c->a, "%s offers %s %s%s", d->name, what,
				      mk_ids_brief(c->a, &list->ids, 8), free_parts(c, d, vf));
	else if (!list->known && vf && d->has_vfs && d->vfs)
		o.hint = mk_arena_fmt(c->a, "%s has VFs 0-%llu", d->name,
				      (unsigned long long)d->vfs - 1);
	else if (!list->known && !vf && d->has_ns && d->ns)
		o.hint = mk_arena_fmt(c->a, "%s has namespaces 1-%llu", d->name,
				      (unsigned long long)d->ns);
	else
		o.hint = mk_arena_fmt(c->a, "%s offers no %s", d->name, what);
	return o;
}

static void one_unavailable(struct mk_rule_ctx *c, const struct mk_instance *x,
			    const struct mk_use *u)
{
	const struct mk_offer *offer;
	const struct mk_device *d;
	const char *what, *why = NULL;
	struct mk_diag *diag;
	bool vf = u->part == MK_VF, known;

	if (u->device == MK_NO_DEVICE || u->part == MK_WHOLE)
		return;
	d = &c->s->device[u->device];
	offer = &c->offer[2 * u->device + vf];
	known = vf ? d->vf.known : d->free_ns.known;
	what = vf ? "VF" : "namespace";
	if (mk_ranges_has(&offer->reserved, u->number, u->number))
		why = "it is reserved for the host";
	else if (vf ? d->has_vfs && u->number >= d->vfs
		    : d->has_ns && (u->number > d->ns || !u->number))
		why = mk_arena_fmt(c->a, "the device has %llu",
				   (unsigned long long)(vf ? d->vfs : d->ns));
	else if (known && !mk_ranges_has(&offer->offered, u->number, u->number))
		why = "it is not offered";
	else if (vf ? !d->has_vfs && !known && !d->n_vf_info : !d->has_ns && !known)
		why = vf ? "the device has no VFs" : "the device has no namespaces";
	if (!why)
		return;
	diag = mk_rule_find(c, x->name, u->where, "instance %s cannot have %s: %s %u of %s: %s",
			    x->name, u->text, what, u->number, d->name, why);
	diag->hint = offer->hint;
	use_item(c, diag, x, u);
}

void mk_rule_use_unavailable(struct mk_rule_ctx *c)
{
	c->offer = mk_arena_array(c->a, c->s->n_devices * 2, sizeof(*c->offer));
	for (size_t i = 0; i < c->s->n_devices; i++)
		for (int vf = 0; vf < 2; vf++)
			c->offer[2 * i + (size_t)vf] = offer_of(c, &c->s->device[i], vf);
	each_use(c, one_unavailable);
}

static void one_planned(struct mk_rule_ctx *c, const struct mk_instance *x, const struct mk_use *u)
{
	struct mk_diag *d;

	if (u->device == MK_NO_DEVICE || u->part == MK_WHOLE || mk_use_pci(c->s, u))
		return;
	d = mk_rule_find(c, x->name, u->where, "planned only: this kernel cannot hand out %s to %s",
			 u->text, x->name);
	d->hint = u->part == MK_VF
			  ? mk_arena_fmt(c->a, "describe the VF with its own PCI id (lspci -D lists "
					       "them): vf@%u { pci-id = ...; };",
					 u->number)
			  : "the kernel hands out PCI functions, no namespaces; "
			    "give the whole device";
	use_item(c, d, x, u);
}

void mk_rule_use_planned(struct mk_rule_ctx *c)
{
	if (c->s->abi == 2 && c->s->has_machine)
		each_use(c, one_planned);
}
