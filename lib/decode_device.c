/* SPDX-License-Identifier: Apache-2.0 */
/* decode_device: devices of the machine, their names, and what instances say they use. */
#include "decode_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"
#include "sort.h"

/* ------------------------------------------------------------ devices */

static const char *const device_names[] = {
	"device-type", "device-name",	   "acpi-hid",	   "pci-id",	       "vendor-id",
	"device-id",   "numa-node-id",	   "sriov-vfs",	   "host-reserved-vf", "available-vfs",
	"namespaces",  "host-reserved-ns", "available-ns", "mk,names",	       NULL};

static void answers_to(struct mk_state *s, struct mk_device *x, const char *name)
{
	if (!strcmp(x->name, name))
		return;
	x->other = mk_arena_more(s->arena, x->other, x->n_other, &x->other_cap, sizeof(*x->other));
	x->other[x->n_other++] = name;
}

/* In our own form the node is called as the device is, and lists its other names. */
static void own_names(struct mk_decoder *d, struct mk_device *x, struct mk_node *n)
{
	struct mk_prop *p = mk_decode_prop(d, n, "mk,names");

	x->name = n->name;
	if (p && !mk_prop_is_strings(p)) {
		mk_decode_wrong_type(d, n, p, "a list of strings", "\"ethernet@0\"");
		p = NULL;
	}
	for (uint32_t i = 0; p && i < p->len; i += (uint32_t)strlen(p->data + i) + 1)
		if (p->data[i])
			answers_to(d->s, x, p->data + i);
}

/* Anything else has labels, of which the first is the name, and a node's name. */
static void first_names(struct mk_decoder *d, struct mk_device *x, struct mk_node *n,
			const char *const *label, size_t labels)
{
	x->name = labels ? label[0] : n->name;
	for (size_t i = 1; i < labels; i++)
		answers_to(d->s, x, label[i]);
	answers_to(d->s, x, n->name);
}

static int by_number(const void *x, const void *y)
{
	const struct mk_vf *a = x, *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return strcmp(a->pci_id ? a->pci_id : "", b->pci_id ? b->pci_id : "");
}

static void device(struct mk_decoder *d, struct mk_node *n, const char *const *label, size_t labels)
{
	struct mk_state *s = d->s;
	struct mk_device x = {.node = MK_NODE_ANY, .where = mk_at(n, NULL)};
	static const char *const vfs[] = {"vf", NULL};

	mk_decode_check_names(d, n, device_names, false);
	if (s->dialect == MK_DIALECT_STATE)
		own_names(d, &x, n);
	else
		first_names(d, &x, n, label, labels);
	x.pci_id = mk_decode_string(d, n, "pci-id");
	x.type = mk_decode_string(d, n, "device-type");
	x.has_vfs = mk_decode_u64(d, n, "sriov-vfs", &x.vfs, NULL);
	x.has_ns = mk_decode_u64(d, n, "namespaces", &x.ns, NULL);
	mk_decode_numbers(d, n, "host-reserved-vf", &x.host_vf);
	mk_decode_numbers(d, n, "available-vfs", &x.vf);
	mk_decode_numbers(d, n, "host-reserved-ns", &x.host_ns);
	mk_decode_numbers(d, n, "available-ns", &x.free_ns);
	mk_decode_u32(d, n, "numa-node-id", &x.node);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		static const char *const vf_names[] = {"pci-id", "vendor-id", "device-id", NULL};
		uint32_t number;

		if (strncmp(c->name, "vf@", 3) != 0)
			continue;
		if (!mk_num_u32(c->name + 3, strlen(c->name + 3), &number)) {
			ERR(d, "MK801", mk_at(c, NULL), "'%s': a VF has a decimal number", c->name)
				->hint = "vf@0 is the first one";
			continue;
		}
		mk_decode_check_names(d, c, vf_names, false);
		x.vf_info = mk_arena_more(s->arena, x.vf_info, x.n_vf_info, &x.vf_info_cap,
					  sizeof(*x.vf_info));
		x.vf_info[x.n_vf_info++] = (struct mk_vf){number, mk_decode_string(d, c, "pci-id")};
	}
	mk_decode_check_nodes(d, n, vfs, false);
	mk_sort(x.vf_info, x.n_vf_info, sizeof(*x.vf_info), by_number);
	for (size_t i = 1; i < x.n_vf_info; i++)
		if (x.vf_info[i].number == x.vf_info[i - 1].number)
			ERR(d, "MK803", mk_at(n, NULL), "VF %u of %s is described twice",
			    x.vf_info[i].number, n->name)
				->hint = "remove or renumber one";
	s->device = mk_arena_more(s->arena, s->device, s->n_devices, &s->devices_cap,
				  sizeof(*s->device));
	s->device[s->n_devices++] = x;
}

struct symbol {
	const char *path, *label;
	size_t order; /* in __symbols__ */
};

static int by_path(const void *x, const void *y)
{
	const struct symbol *a = x, *b = y;
	int d = strcmp(a->path, b->path);

	return d ? d : a->order < b->order ? -1 : a->order > b->order;
}

/* __symbols__ by path: a machine with thousands of labelled devices stays n log n. */
static struct symbol *sorted_symbols(struct mk_decoder *d, size_t *n)
{
	struct mk_node *symbols = mk_child(d->t, d->t->root, "__symbols__");
	struct symbol *out =
		mk_arena_array(d->s->arena, symbols ? symbols->props : 0, sizeof(*out));

	*n = 0;
	for (struct mk_prop *p = symbols ? mk_prop_first(symbols) : NULL; p; p = mk_prop_next(p))
		if (mk_prop_is_string(p)) {
			out[*n] = (struct symbol){p->data, p->name, *n};
			++*n;
		}
	mk_sort(out, *n, sizeof(*out), by_path);
	return out;
}

/* The symbols of a node, in their order: out[0..*found). */
static const struct symbol *symbols_of(struct mk_decoder *d, const struct symbol *sym, size_t n,
				       const struct mk_node *c, size_t *found)
{
	const char *path = n ? mk_node_path(d->s->arena, c) : "";
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(sym[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (high = low; high < n && !strcmp(sym[high].path, path); high++)
		;
	*found = high - low;
	return sym + low;
}

/* Devices with their labels, which source and blob have in the same order. */
void mk_decode_devices(struct mk_decoder *d, struct mk_node *list)
{
	size_t n, found;
	const struct symbol *sym = sorted_symbols(d, &n);

	for (struct mk_node *c = mk_first(list); c; c = mk_next(c)) {
		const struct symbol *own = symbols_of(d, sym, n, c, &found);
		const char **label = NULL;
		size_t labels = 0, cap = 0;

		for (const struct mk_label *l = c->labels; l; l = l->next)
			if (!l->deleted) {
				label = mk_arena_more(d->s->arena, label, labels, &cap,
						      sizeof(*label));
				label[labels++] = l->name;
			}
		for (size_t i = 0; !c->labels && i < found; i++) {
			label = mk_arena_more(d->s->arena, label, labels, &cap, sizeof(*label));
			label[labels++] = own[i].label;
		}
		device(d, c, label, labels);
	}
}

/*
 * The kernel's read-back has PCI devices below host bridges: pci@N { compatible
 * "multikernel,pci-host-bridge"; linux,pci-domain; children with reg, whose
 * first cell is the bus, device and function (IEEE 1275 PCI binding) }.
 */
void mk_decode_bridge(struct mk_decoder *d, struct mk_node *n)
{
	uint32_t domain = 0;

	mk_decode_u32(d, n, "linux,pci-domain", &domain);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_prop *r = mk_decode_prop(d, c, "reg");
		uint32_t where;
		struct mk_device *x;

		if (!r || r->len < 4)
			continue;
		where = mk_be32(r->data);
		device(d, c, NULL, 0);
		x = &d->s->device[d->s->n_devices - 1];
		x->type = "pci";
		if (!x->pci_id)
			x->pci_id = mk_arena_fmt(d->s->arena, "%04x:%02x:%02x.%x", domain,
						 where >> 16 & 0xff, where >> 11 & 0x1f,
						 where >> 8 & 7);
	}
}

void mk_decode_aliases(struct mk_decoder *d)
{
	struct mk_node *n = mk_child(d->t, d->t->root, "aliases");
	struct mk_state *s = d->s;

	for (struct mk_prop *p = n ? mk_prop_first(n) : NULL; p; p = mk_prop_next(p)) {
		struct mk_alias *x;

		if (mk_decode_is_common(p->name))
			continue;
		if (!mk_prop_is_string(p)) {
			mk_decode_wrong_type(d, n, p, "the path of a node",
					     "\"/resources/devices/eth0\"");
			continue;
		}
		s->alias = mk_arena_more(s->arena, s->alias, s->n_aliases, &s->aliases_cap,
					 sizeof(*s->alias));
		x = &s->alias[s->n_aliases++];
		*x = (struct mk_alias){.name = p->name,
				       .path = p->data,
				       .device = MK_NO_DEVICE,
				       .where = mk_at(n, p)};
	}
}

static int by_node(const void *x, const void *y)
{
	const struct mk_device *a = *(struct mk_device *const *)x;
	const struct mk_device *b = *(struct mk_device *const *)y;

	return a->where.node < b->where.node ? -1 : a->where.node > b->where.node;
}

/* Whether a device is still called by its node's name: it has no label. */
static bool nameless(const struct mk_state *s, const struct mk_device *x)
{
	return s->dialect != MK_DIALECT_STATE && x->name == x->where.node->name;
}

static void rename_device(struct mk_state *s, struct mk_device *x, const char *name)
{
	const char *old = x->name;

	x->name = name;
	answers_to(s, x, old);
}

/*
 * A device is called by its label, else by its alias, else by its node's name,
 * and answers to all of them. In our own form the node has been named so already.
 */
void mk_decode_name_devices(struct mk_decoder *d)
{
	struct mk_state *s = d->s;
	struct mk_device **sorted =
		mk_arena_array(s->arena, s->n_devices, sizeof(struct mk_device *));

	d->by_node = sorted;
	for (size_t i = 0; i < s->n_devices; i++)
		sorted[i] = &s->device[i];
	mk_sort(sorted, s->n_devices, sizeof(*sorted), by_node);
	for (size_t i = 0; s->n_devices && i < s->n_aliases; i++) {
		struct mk_device key = {.where.node = mk_node_at(d->t, d->t->root, s->alias[i].path,
								 strlen(s->alias[i].path))};
		struct mk_device *k = &key, **found;

		found = bsearch(&k, sorted, s->n_devices, sizeof(*sorted), by_node);
		if (!found)
			continue;
		s->alias[i].device = (size_t)(*found - s->device);
		if (nameless(s, *found))
			rename_device(s, *found, s->alias[i].name);
		else
			answers_to(s, *found, s->alias[i].name);
	}
	mk_state_index(s);
	/* without label and alias the unit address goes, if the rest is nobody else's name */
	for (size_t i = 0; i < s->n_devices; i++) {
		struct mk_device *x = &s->device[i];
		size_t base = mk_base_len(x->name);

		if (nameless(s, x) && base && mk_unit(x->name) &&
		    mk_device_find(s, x->name, base) == i)
			rename_device(s, x, mk_arena_strn(s->arena, x->name, base));
	}
	mk_state_index(s);
}

/* ------------------------------------------------------------ what an instance uses */

static struct mk_use *add_use(struct mk_state *s, struct mk_uses *uses, const char *text,
			      struct mk_where w)
{
	struct mk_use *u;

	uses->u = mk_arena_more(s->arena, uses->u, uses->n, &uses->cap, sizeof(*uses->u));
	u = &uses->u[uses->n++];
	*u = (struct mk_use){.text = text, .device = MK_NO_DEVICE, .where = w};
	return u;
}

void mk_decode_names(struct mk_state *s, struct mk_uses *uses, const struct mk_node *n,
		     const struct mk_prop *p)
{
	for (uint32_t i = 0; i < p->len;) {
		size_t len = strlen(p->data + i), word;

		/* kerf writes several names into one string, with blanks between them */
		for (size_t k = 0; k < len; k += word) {
			k += strspn(p->data + i + k, " ");
			word = strcspn(p->data + i + k, " ");
			if (word)
				mk_use_resolve(
					s, add_use(s, uses,
						   mk_arena_strn(s->arena, p->data + i + k, word),
						   mk_at(n, p)));
			else
				break;
		}
		i += (uint32_t)len + 1;
	}
}

/* What the device of that node is called; its path, when it is none. */
static const char *device_name(struct mk_decoder *d, const struct mk_node *n)
{
	struct mk_device key = {.where.node = n}, *k = &key, **found = NULL;

	if (d->s->n_devices)
		found = bsearch(&k, d->by_node, d->s->n_devices, sizeof(*d->by_node), by_node);
	return found ? (*found)->name : mk_node_path(d->s->arena, n);
}

/* The device that a node for a part of it names: by a phandle, or by a name. */
static const char *parent_name(struct mk_decoder *d, const struct mk_node *part,
			       const struct mk_prop *of)
{
	uint32_t up = 0;
	struct mk_node *parent;

	if (mk_prop_is_string(of) && of->data[0])
		return of->data;
	parent = mk_prop_u32(of, &up) ? mk_decode_by_phandle(d, up) : NULL;
	return parent ? device_name(d, parent) : part->name;
}

/* <&eth0 &eth0_vf1>: devices, or nodes with parent and vf-id or namespace-id. */
void mk_decode_phandle_uses(struct mk_decoder *d, struct mk_instance *x, struct mk_node *n,
			    struct mk_prop *p)
{
	if (p->len % 4) {
		mk_decode_wrong_type(d, n, p, "references or names", "<&eth0> or \"eth0\"");
		return;
	}
	for (uint32_t i = 0; i < p->len; i += 4) {
		uint32_t v = mk_be32(p->data + i), number;
		struct mk_node *to = mk_decode_by_phandle(d, v);
		struct mk_prop *of;
		struct mk_use *u;
		const char *name;
		bool ns;

		if (!to) {
			mk_decode_item(d,
				       ERR(d, "MK607", mk_at(n, p),
					   "%s uses phandle 0x%x, which no node has", x->name, v),
				       "0x%x %s", v, x->name);
			continue;
		}
		of = mk_decode_prop(d, to, "parent");
		ns = mk_decode_prop(d, to, "namespace-id") != NULL;
		if (of &&
		    mk_prop_u32(mk_decode_prop(d, to, ns ? "namespace-id" : "vf-id"), &number))
			name = mk_arena_fmt(d->s->arena, "%s_%s%u", parent_name(d, to, of),
					    ns ? "ns" : "vf", number);
		else
			name = device_name(d, to);
		u = add_use(d->s, &x->devices, name, mk_at(n, p));
		if (name[0] != '/') /* a path: it is no device */
			mk_use_resolve(d->s, u);
	}
}

/* devices { X { pci-id = ...; }; }: the kernel's own form. */
void mk_decode_node_uses(struct mk_decoder *d, struct mk_instance *x, struct mk_node *list)
{
	for (struct mk_node *c = mk_first(list); c; c = mk_next(c)) {
		struct mk_use *u = add_use(d->s, &x->devices, c->name, mk_at(c, NULL));

		u->pci_id = mk_decode_string(d, c, "pci-id");
		if (!u->pci_id || !mk_use_by_pci(d->s, u))
			mk_use_resolve(d->s, u);
	}
}
