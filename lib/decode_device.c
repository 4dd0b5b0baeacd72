/* SPDX-License-Identifier: Apache-2.0 */
/* decode_device: devices of the machine, their names, and what instances say they use. */
#include "decode_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"

/* ------------------------------------------------------------ devices */

static const char *const device_names[] = {"device-type",   "device-name", "acpi-hid",
					   "pci-id",	    "vendor-id",   "device-id",
					   "numa-node-id",  "sriov-vfs",   "host-reserved-vf",
					   "available-vfs", "namespaces",  "host-reserved-ns",
					   "available-ns",  NULL};

static void device(struct mk_decoder *d, struct mk_node *n, const char *label)
{
	struct mk_state *s = d->s;
	struct mk_device x = {.node = MK_NODE_ANY, .where = mk_at(n, NULL)};

	mk_decode_check_names(d, n, device_names, false);
	x.node_name = n->name;
	x.label = label;
	x.name = x.label ? x.label : n->name;
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
		uint32_t number;

		if (strncmp(c->name, "vf@", 3) ||
		    !mk_num_u32(c->name + 3, strlen(c->name + 3), &number))
			continue;
		x.vf_info = mk_arena_more(s->arena, x.vf_info, x.n_vf_info, &x.vf_info_cap,
					  sizeof(*x.vf_info));
		x.vf_info[x.n_vf_info++] = (struct mk_vf){number, mk_decode_string(d, c, "pci-id")};
	}
	s->device = mk_arena_more(s->arena, s->device, s->n_devices, &s->devices_cap,
				  sizeof(*s->device));
	s->device[s->n_devices++] = x;
}

static int by_label_path(const void *x, const void *y)
{
	return strcmp((*(struct mk_prop *const *)x)->data, (*(struct mk_prop *const *)y)->data);
}

/*
 * Devices with their labels. __symbols__ is sorted by path once: a machine with
 * thousands of labelled devices stays n log n.
 */
void mk_decode_devices(struct mk_decoder *d, struct mk_node *list)
{
	struct mk_node *symbols = mk_child(d->t, d->t->root, "__symbols__");
	struct mk_prop **by_path = NULL;
	size_t n = 0;

	if (symbols) {
		by_path = mk_arena_array(d->s->arena, symbols->props, sizeof(struct mk_prop *));
		for (struct mk_prop *p = mk_prop_first(symbols); p; p = mk_prop_next(p))
			if (mk_prop_is_string(p))
				by_path[n++] = p;
		qsort(by_path, n, sizeof(*by_path), by_label_path);
	}
	for (struct mk_node *c = mk_first(list); c; c = mk_next(c)) {
		const char *label = NULL;

		for (const struct mk_label *l = c->labels; l; l = l->next)
			if (!l->deleted)
				label = l->name; /* the oldest */
		if (!label && n) {
			struct mk_prop key = {.data = mk_node_path(d->s->arena, c)}, *k = &key;
			struct mk_prop **found =
				bsearch(&k, by_path, n, sizeof(*by_path), by_label_path);

			label = found ? (*found)->name : NULL;
		}
		device(d, c, label);
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
		device(d, c, NULL);
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
		*x = (struct mk_alias){.name = p->name, .path = p->data, .where = mk_at(n, p)};
	}
}

static int by_node(const void *x, const void *y)
{
	const struct mk_device *a = *(struct mk_device *const *)x;
	const struct mk_device *b = *(struct mk_device *const *)y;

	return a->where.node < b->where.node ? -1 : a->where.node > b->where.node;
}

/*
 * A device is called by its label, else by its alias, else by its node's name.
 * In our own form the node has been named so already.
 */
void mk_decode_name_devices(struct mk_decoder *d)
{
	struct mk_state *s = d->s;
	struct mk_device **sorted =
		mk_arena_array(s->arena, s->n_devices, sizeof(struct mk_device *));

	for (size_t i = 0; i < s->n_devices; i++)
		sorted[i] = &s->device[i];
	if (s->n_devices)
		qsort(sorted, s->n_devices, sizeof(*sorted), by_node);
	for (size_t i = 0; s->n_devices && i < s->n_aliases; i++) {
		struct mk_device key = {.where.node = mk_node_at(d->t, d->t->root, s->alias[i].path,
								 strlen(s->alias[i].path))};
		struct mk_device *k = &key, **found;

		found = bsearch(&k, sorted, s->n_devices, sizeof(*sorted), by_node);
		if (!found || (*found)->alias)
			continue;
		(*found)->alias = s->alias[i].name;
		if (!(*found)->label && s->dialect != MK_DIALECT_STATE)
			(*found)->name = s->alias[i].name;
	}
	mk_state_index(s);
	/* without label and alias the unit address goes, if the rest is nobody else's name */
	for (size_t i = 0; i < s->n_devices; i++) {
		struct mk_device *x = &s->device[i];
		size_t base = mk_base_len(x->node_name);

		if (!x->label && !x->alias && base && x->node_name[base] &&
		    mk_device_find(s, x->node_name, base) == i)
			x->name = mk_arena_strn(s->arena, x->node_name, base);
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
		struct mk_node *to = mk_decode_by_phandle(d, v), *parent;
		struct mk_prop *of;
		const char *name;
		bool ns;

		if (!to) {
			ERR(d, "MK607", mk_at(n, p), "%s uses phandle 0x%x, which no node has",
			    x->name, v);
			continue;
		}
		of = mk_decode_prop(d, to, "parent");
		ns = mk_decode_prop(d, to, "namespace-id") != NULL;
		if (of &&
		    mk_prop_u32(mk_decode_prop(d, to, ns ? "namespace-id" : "vf-id"), &number)) {
			uint32_t up = 0;

			mk_prop_u32(of, &up);
			parent = mk_prop_is_string(of) && of->data[0] ? NULL
								      : mk_decode_by_phandle(d, up);
			if (parent && mk_device_find(d->s, parent->name, strlen(parent->name)) ==
					      MK_NO_DEVICE)
				parent = NULL;
			name = parent ? d->s->device[mk_device_find(d->s, parent->name,
								    strlen(parent->name))]
						.name
			       : mk_prop_is_string(of) ? of->data
						       : to->name;
			name = mk_arena_fmt(d->s->arena, "%s_%s%u", name, ns ? "ns" : "vf", number);
		} else {
			name = to->name;
		}
		mk_use_resolve(d->s, add_use(d->s, &x->devices, name, mk_at(n, p)));
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
