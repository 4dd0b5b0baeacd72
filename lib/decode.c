/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: dialects A to D and our own form, property by property. Says what is
 * of a wrong shape; whether the machine makes sense is the business of rules.
 */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"

struct decoder {
	struct mk_state *s;
	struct mk_tree *t;
	const struct mk_decode_options *opts;
	struct mk_diags *diags;
	const char *subject; /* the instance that is being read, or NULL */
	bool wide;	     /* lists of CPUs have 64-bit cells without a doubt */
	/* phandle to node, sorted, made when first needed */
	struct handle {
		uint32_t phandle;
		struct mk_node *node;
	} * handle;
	size_t n_handles, handles_cap;
	bool have_handles;
};

#define ERR(d, rule, w, ...) mk_finding((d)->diags, MK_ERROR, rule, (d)->subject, w, __VA_ARGS__)
#define WARN(d, rule, w, ...) mk_finding((d)->diags, MK_WARNING, rule, (d)->subject, w, __VA_ARGS__)

static struct mk_where at(const struct mk_node *n, const struct mk_prop *p)
{
	return (struct mk_where){.node = n, .prop = p};
}

static char *fmt_hint(struct decoder *d, const char *before, const char *name, const char *after)
{
	return mk_arena_fmt(d->s->arena, "%s%s%s", before, name, after);
}

/* ------------------------------------------------------------ names */

const char *mk_nearest(const char *name, const char *const *known)
{
	const char *best = NULL;
	/* two edits in a long name, one in a short one */
	unsigned limit = strlen(name) > 5 ? 2 : 1, edits = limit + 1;

	for (; *known; known++) {
		unsigned e = mk_num_edits(name, *known, limit);

		if (e < edits && e > 0) {
			edits = e;
			best = *known;
		}
	}
	return best;
}

/* Properties that any node may have. */
static bool is_common(const char *name)
{
	static const char *const common[] = {
		"phandle", "linux,phandle", "#address-cells", "#size-cells",
		"status",  "label",	    "compatible",     NULL};

	for (size_t i = 0; common[i]; i++)
		if (!strcmp(name, common[i]))
			return true;
	return false;
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

/*
 * Names that are not known: an error in a closed node, elsewhere a warning
 * when one is nearly a known name (it will have been meant). False for errors.
 */
static bool check_names(struct decoder *d, const struct mk_node *n, const char *const *known,
			bool closed)
{
	bool good = true;

	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		const char *near;
		struct mk_diag *x;

		if (is_common(p->name) || is_one_of(p->name, known))
			continue;
		near = mk_nearest(p->name, known);
		if (closed) {
			good = false;
			x = ERR(d, "MK804", at(n, p), "'%s' is no property of %s", p->name,
				mk_node_path(d->s->arena, n));
			x->at = p->at;
			if (near) {
				x->hint = fmt_hint(d, "did you mean '", near, "'?");
			} else {
				struct mk_buf b;

				mk_buf_init(&b, d->s->arena);
				mk_buf_str(&b, "known here:");
				for (size_t i = 0; known[i]; i++)
					mk_buf_fmt(&b, "%s %s", i ? "," : "", known[i]);
				x->hint = mk_buf_cstr(&b);
			}
		} else if (near) {
			x = WARN(d, "MK804", at(n, p), "'%s' is not known and kept as it is",
				 p->name);
			x->at = p->at;
			x->hint = fmt_hint(d, "did you mean '", near, "'?");
		}
	}
	return good;
}

/* ------------------------------------------------------------ values */

static struct mk_prop *prop(struct decoder *d, struct mk_node *n, const char *name)
{
	return mk_prop(d->t, n, name);
}

static void wrong_type(struct decoder *d, const struct mk_node *n, const struct mk_prop *p,
		       const char *wanted, const char *example)
{
	ERR(d, "MK801", at(n, p), "'%s' must be %s, not %u bytes%s", p->name, wanted, p->len,
	    mk_value_kind("", p->data, p->len) == MK_VALUE_STRINGS ? " of text" : "")
		->hint = fmt_hint(d, "write it as ", example, "");
}

/* One string, or NULL with a finding when the property is there and something else. */
static const char *string(struct decoder *d, struct mk_node *n, const char *name)
{
	struct mk_prop *p = prop(d, n, name);

	if (!p)
		return NULL;
	if (mk_prop_is_string(p))
		return p->data;
	wrong_type(d, n, p, "one string", "\"text\"");
	return NULL;
}

static bool u32(struct decoder *d, struct mk_node *n, const char *name, uint32_t *v)
{
	struct mk_prop *p = prop(d, n, name);

	if (!p)
		return false;
	if (mk_prop_u32(p, v))
		return true;
	wrong_type(d, n, p, "one cell", "<1>");
	return false;
}

static bool u64(struct decoder *d, struct mk_node *n, const char *name, uint64_t *v,
		struct mk_where *w)
{
	struct mk_prop *p = prop(d, n, name);

	if (!p)
		return false;
	if (w)
		*w = at(n, p);
	if (mk_prop_u64(p, v))
		return true;
	wrong_type(d, n, p, "one number of 32 or 64 bits", "<0x0 0x40000000>");
	return false;
}

bool mk_decode_cells(struct mk_arena *a, const struct mk_prop *p, unsigned cells,
		     struct mk_ids *out)
{
	uint32_t step = cells * 4;

	*out = (struct mk_ids){0};
	if (p->len % step)
		return false;
	for (uint32_t i = 0; i < p->len; i += step)
		mk_ids_add(a, out, cells == 2 ? mk_be64(p->data + i) : mk_be32(p->data + i));
	return true;
}

/* 32-bit numbers: VFs, namespaces, distances, NUMA nodes. */
static bool numbers(struct decoder *d, struct mk_node *n, const char *name, struct mk_cpus *out)
{
	struct mk_prop *p = prop(d, n, name);

	if (!p)
		return false;
	out->where = at(n, p);
	out->known = mk_decode_cells(d->s->arena, p, 1, &out->ids);
	if (!out->known)
		wrong_type(d, n, p, "a list of cells", "<1 2 3>");
	return out->known;
}

static bool all_high_zero(const struct mk_prop *p)
{
	for (uint32_t i = 0; i < p->len; i += 8)
		if (mk_be32(p->data + i))
			return false;
	return true;
}

static bool ascending32(const struct mk_prop *p)
{
	for (uint32_t i = 4; i < p->len; i += 4)
		if (mk_be32(p->data + i) <= mk_be32(p->data + i - 4))
			return false;
	return true;
}

/*
 * A list of CPU ids. How wide its cells are is not written anywhere: dialects
 * that leave no doubt are 64-bit, for the rest the rule of mk-dts(5) decides.
 */
static bool cpus(struct decoder *d, struct mk_node *n, const char *name, struct mk_cpus *out)
{
	struct mk_prop *p = prop(d, n, name);
	unsigned cells = d->wide ? 2 : d->opts->cpu_cells;

	if (!p)
		return false;
	out->where = at(n, p);
	if (p->len % 4 ||
	    (mk_prop_is_strings(p) && mk_value_kind("", p->data, p->len) == MK_VALUE_STRINGS)) {
		ERR(d, "MK801", out->where, "'%s' is not a list of CPU ids", name)->hint =
			"write every id: <4 5 6 7>";
		return false;
	}
	if (!cells)
		cells = p->len % 8 || !all_high_zero(p) ? 1 : 2;
	if (!d->wide && !d->opts->cpu_cells && cells == 1 && p->len % 8 == 0) {
		if (!ascending32(p)) {
			ERR(d, "MK801", out->where, "'%s' can be read as ids of 32 or of 64 bits",
			    name)
				->hint = "say which with --cpu-cells 1 (32 bits) or --cpu-cells 2 "
					 "(64 bits), or "
					 "write /bits/ 64 <...>";
			return false;
		}
		WARN(d, "MK805", out->where, "'%s' is read as ids of 32 bits", name)->hint =
			"write /bits/ 64 <...>, or settle it with --cpu-cells 1|2";
	}
	out->known = mk_decode_cells(d->s->arena, p, cells, &out->ids);
	if (!out->known)
		wrong_type(d, n, p, "a list of 64-bit ids", "/bits/ 64 <4 5 6 7>");
	return out->known;
}

/* reg: one base and one size, 64 bits each. */
static bool reg(struct decoder *d, struct mk_node *n, uint64_t *base, uint64_t *size)
{
	struct mk_prop *p = prop(d, n, "reg");

	if (!p)
		return false;
	if (p->len == 16) {
		*base = mk_be64(p->data);
		*size = mk_be64(p->data + 8);
		return true;
	}
	wrong_type(d, n, p, "a base and a size of 64 bits", "<0x0 0x80000000 0x0 0x40000000>");
	return false;
}

/* ------------------------------------------------------------ phandles */

static void collect_handles(struct decoder *d, struct mk_node *n)
{
	uint32_t v;

	if (mk_prop_u32(prop(d, n, "phandle"), &v) ||
	    mk_prop_u32(prop(d, n, "linux,phandle"), &v)) {
		d->handle = mk_arena_more(d->s->arena, d->handle, d->n_handles, &d->handles_cap,
					  sizeof(*d->handle));
		d->handle[d->n_handles++] = (struct handle){v, n};
	}
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c))
		collect_handles(d, c);
}

static int by_handle(const void *x, const void *y)
{
	const struct handle *a = x, *b = y;

	return a->phandle < b->phandle ? -1 : a->phandle > b->phandle;
}

static struct mk_node *by_phandle(struct decoder *d, uint32_t phandle)
{
	struct handle key = {phandle, NULL}, *found;

	if (!d->have_handles) {
		collect_handles(d, d->t->root);
		if (d->n_handles)
			qsort(d->handle, d->n_handles, sizeof(*d->handle), by_handle);
		d->have_handles = true;
	}
	if (!d->n_handles)
		return NULL;
	found = bsearch(&key, d->handle, d->n_handles, sizeof(*d->handle), by_handle);
	return found ? found->node : NULL;
}

/* ------------------------------------------------------------ devices */

static const char *const device_names[] = {"device-type",   "device-name", "acpi-hid",
					   "pci-id",	    "vendor-id",   "device-id",
					   "numa-node-id",  "sriov-vfs",   "host-reserved-vf",
					   "available-vfs", "namespaces",  "host-reserved-ns",
					   "available-ns",  NULL};

static void device(struct decoder *d, struct mk_node *n, const char *label)
{
	struct mk_state *s = d->s;
	struct mk_device x = {.node = MK_NODE_ANY, .where = at(n, NULL)};

	check_names(d, n, device_names, false);
	x.node_name = n->name;
	x.label = label;
	x.name = x.label ? x.label : n->name;
	x.pci_id = string(d, n, "pci-id");
	x.type = string(d, n, "device-type");
	x.has_vfs = u64(d, n, "sriov-vfs", &x.vfs, NULL);
	x.has_ns = u64(d, n, "namespaces", &x.ns, NULL);
	numbers(d, n, "host-reserved-vf", &x.host_vf);
	numbers(d, n, "available-vfs", &x.vf);
	numbers(d, n, "host-reserved-ns", &x.host_ns);
	numbers(d, n, "available-ns", &x.free_ns);
	u32(d, n, "numa-node-id", &x.node);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		uint32_t number;

		if (strncmp(c->name, "vf@", 3) ||
		    !mk_num_u32(c->name + 3, strlen(c->name + 3), &number))
			continue;
		x.vf_info = mk_arena_more(s->arena, x.vf_info, x.n_vf_info, &x.vf_info_cap,
					  sizeof(*x.vf_info));
		x.vf_info[x.n_vf_info++] = (struct mk_vf){number, string(d, c, "pci-id")};
	}
	s->device = mk_arena_more(s->arena, s->device, s->n_devices, &s->devices_cap,
				  sizeof(*s->device));
	s->device[s->n_devices++] = x;
}

void mk_decode_device(struct mk_state *s, struct mk_tree *t, struct mk_node *n,
		      struct mk_diags *diags)
{
	const struct mk_decode_options opts = {0};
	struct decoder d = {.s = s, .t = t, .opts = &opts, .diags = diags};

	device(&d, n, NULL);
}

static int by_label_path(const void *x, const void *y)
{
	return strcmp((*(struct mk_prop *const *)x)->data, (*(struct mk_prop *const *)y)->data);
}

/*
 * Devices with their labels. __symbols__ is sorted by path once: a machine with
 * thousands of labelled devices stays n log n.
 */
static void devices(struct decoder *d, struct mk_node *list)
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
static void bridge(struct decoder *d, struct mk_node *n)
{
	uint32_t domain = 0;

	u32(d, n, "linux,pci-domain", &domain);
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_prop *r = prop(d, c, "reg");
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

static void aliases(struct decoder *d)
{
	struct mk_node *n = mk_child(d->t, d->t->root, "aliases");
	struct mk_state *s = d->s;

	for (struct mk_prop *p = n ? mk_prop_first(n) : NULL; p; p = mk_prop_next(p)) {
		struct mk_alias *x;

		if (is_common(p->name))
			continue;
		if (!mk_prop_is_string(p)) {
			wrong_type(d, n, p, "the path of a node", "\"/resources/devices/eth0\"");
			continue;
		}
		s->alias = mk_arena_more(s->arena, s->alias, s->n_aliases, &s->aliases_cap,
					 sizeof(*s->alias));
		x = &s->alias[s->n_aliases++];
		*x = (struct mk_alias){.name = p->name, .path = p->data, .where = at(n, p)};
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
static void name_devices(struct decoder *d)
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
						   at(n, p)));
			else
				break;
		}
		i += (uint32_t)len + 1;
	}
}

/* <&eth0 &eth0_vf1>: devices, or nodes with parent and vf-id or namespace-id. */
static void phandle_uses(struct decoder *d, struct mk_instance *x, struct mk_node *n,
			 struct mk_prop *p)
{
	if (p->len % 4) {
		wrong_type(d, n, p, "references or names", "<&eth0> or \"eth0\"");
		return;
	}
	for (uint32_t i = 0; i < p->len; i += 4) {
		uint32_t v = mk_be32(p->data + i), number;
		struct mk_node *to = by_phandle(d, v), *parent;
		struct mk_prop *of;
		const char *name;
		bool ns;

		if (!to) {
			ERR(d, "MK607", at(n, p), "%s uses phandle 0x%x, which no node has",
			    x->name, v);
			continue;
		}
		of = prop(d, to, "parent");
		ns = prop(d, to, "namespace-id") != NULL;
		if (of && mk_prop_u32(prop(d, to, ns ? "namespace-id" : "vf-id"), &number)) {
			uint32_t up = 0;

			mk_prop_u32(of, &up);
			parent = mk_prop_is_string(of) && of->data[0] ? NULL : by_phandle(d, up);
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
		mk_use_resolve(d->s, add_use(d->s, &x->devices, name, at(n, p)));
	}
}

/* devices { X { pci-id = ...; }; }: the kernel's own form. */
static void node_uses(struct decoder *d, struct mk_instance *x, struct mk_node *list)
{
	for (struct mk_node *c = mk_first(list); c; c = mk_next(c)) {
		struct mk_use *u = add_use(d->s, &x->devices, c->name, at(c, NULL));

		u->pci_id = string(d, c, "pci-id");
		if (!u->pci_id || !mk_use_by_pci(d->s, u))
			mk_use_resolve(d->s, u);
	}
}

/* ------------------------------------------------------------ memory */

/* memory@X { reg } or { size }, unplaced@I { size }. */
static void memory_nodes(struct decoder *d, struct mk_node *list, struct mk_mems *out)
{
	for (struct mk_node *c = mk_first(list); c; c = mk_next(c)) {
		struct mk_mem m = {.node = MK_NODE_ANY, .where = at(c, NULL)};
		size_t base = mk_base_len(c->name);
		bool memory = base == 6 && !strncmp(c->name, "memory", 6);

		if (!c->name[base] || (!memory && !(base == 8 && !strncmp(c->name, "unplaced", 8))))
			continue;
		m.placed = reg(d, c, &m.base, &m.size);
		if (!m.placed && prop(d, c, "reg"))
			continue; /* a finding says why */
		if (!m.placed && !u64(d, c, "size", &m.size, NULL)) {
			if (!prop(d, c, "size"))
				ERR(d, "MK801", at(c, NULL), "%s has neither reg nor size",
				    mk_node_path(d->s->arena, c))
					->hint =
					"write size = <0x0 0x40000000>; or reg = <base size>;";
			continue;
		}
		u32(d, c, "numa-node-id", &m.node);
		mk_mem_add(d->s->arena, out, m);
	}
}

/*
 * memory-base and memory-bytes, a pair; false when neither is there. Where a
 * misspelt name may be the other half, complete is false and nothing is said.
 */
static bool base_and_bytes(struct decoder *d, struct mk_node *n, const char *base_name,
			   const char *bytes_name, struct mk_mems *out, bool complete)
{
	struct mk_prop *base = prop(d, n, base_name), *bytes = prop(d, n, bytes_name);
	struct mk_mem m = {.node = MK_NODE_ANY,
			   .where = at(n, base ? base : bytes),
			   .size_at = at(n, bytes ? bytes : base)};

	if (!base && !bytes)
		return false;
	if (bytes && !u64(d, n, bytes_name, &m.size, NULL))
		return true;
	if (base)
		m.placed = u64(d, n, base_name, &m.base, NULL);
	if (base && !m.placed)
		return true;
	if (!complete && (!bytes || !base))
		return true;
	if (!bytes) {
		ERR(d, "MK106", at(n, base), "'%s' has no '%s' beside it", base_name, bytes_name)
			->hint = fmt_hint(d, "add ", bytes_name, " = <0x0 0x40000000>;");
		return true;
	}
	/* an instance may leave the place to the kernel, a pool that is written so may not */
	if (!base && out == &d->s->chunks) {
		ERR(d, "MK106", at(n, bytes), "'%s' has no '%s' beside it", bytes_name, base_name)
			->hint = fmt_hint(d, "add ", base_name, " = <0x0 0x80000000>;");
		return true;
	}
	mk_mem_add(d->s->arena, out, m);
	return true;
}

/* ------------------------------------------------------------ instances */

static const char *const instance_resource_names[] = {
	"cpus",	      "memory-base",  "memory-bytes",  "devices",      "device-names",
	"numa-nodes", "cpu-affinity", "memory-policy", "llc-way-mask", NULL};

static const char *const instance_names[] = {
	"id",		"state",	 "status", "devices", "numa-nodes",
	"cpu-affinity", "memory-policy", "model",  NULL};

/* Devices, NUMA nodes and policies stand beside resources in our form, inside of it elsewhere. */
static void instance_wishes(struct decoder *d, struct mk_instance *x, struct mk_node *n)
{
	struct mk_prop *p = prop(d, n, "devices");
	struct mk_node *list = mk_child(d->t, n, "devices");
	struct mk_cpus nodes = {.known = false};
	const char *s;

	if (p && mk_value_kind("devices", p->data, p->len) == MK_VALUE_STRINGS)
		mk_decode_names(d->s, &x->devices, n, p);
	else if (p && p->len)
		phandle_uses(d, x, n, p);
	p = prop(d, n, "device-names");
	if (p && mk_prop_is_strings(p))
		mk_decode_names(d->s, &x->devices, n, p);
	else if (p)
		wrong_type(d, n, p, "names", "\"eth0\", \"nvme0\"");
	if (list)
		node_uses(d, x, list);
	if (numbers(d, n, "numa-nodes", &nodes))
		x->numa_nodes = nodes.ids;
	s = string(d, n, "cpu-affinity");
	x->affinity = s ? s : x->affinity;
	s = string(d, n, "memory-policy");
	x->policy = s ? s : x->policy;
}

static struct mk_where id_of(struct decoder *d, struct mk_instance *x, struct mk_node *n)
{
	struct mk_prop *p = prop(d, n, "id");

	x->has_id = u32(d, n, "id", &x->id);
	return at(n, p);
}

static void instance(struct decoder *d, struct mk_node *n, const char *name, bool closed)
{
	struct mk_instance *x = mk_instance_add(d->s, name);
	struct mk_node *r = mk_child(d->t, n, "resources");
	const char *status;

	d->subject = name;
	x->where = at(n, NULL);
	x->id_at = id_of(d, x, n);
	check_names(d, n, instance_names, false);
	status = string(d, n, "state");
	x->status = status;
	x->options = mk_child(d->t, n, "options");
	instance_wishes(d, x, n);
	if (r) {
		x->resources = at(r, NULL);
		check_names(d, r, instance_resource_names, closed);
		cpus(d, r, "cpus", &x->cpus);
		base_and_bytes(d, r, "memory-base", "memory-bytes", &x->mem, true);
		memory_nodes(d, r, &x->mem);
		instance_wishes(d, x, r);
		x->uring = mk_child(d->t, r, "uring");
	}
	d->subject = NULL;
}

/* ------------------------------------------------------------ the machine */

static const char *const resource_names[] = {
	"cpus",		"cpus-available",   "host-cpus",	  "cpu-total",
	"memory-base",	"memory-bytes",	    "memory-total-bytes", "memory-host-bytes",
	"llc-way-mask", "memory-pool-base", "memory-pool-bytes",  NULL};

static void nested_cpus(struct decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"total", "host-reserved", "available", NULL};

	check_names(d, n, known, true);
	u64(d, n, "total", &d->s->cpu_total, &d->s->cpu_total_at);
	cpus(d, n, "host-reserved", &d->s->host_cpus);
	cpus(d, n, "available", &d->s->pool);
	if (!d->s->pool.where.node)
		d->s->pool.where = at(n, NULL);
}

static void nested_memory(struct decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"total-bytes", "host-reserved-bytes",
					    "memory-pool-base", "memory-pool-bytes", NULL};

	bool good = check_names(d, n, known, true);

	d->s->has_memory_total =
		u64(d, n, "total-bytes", &d->s->memory_total, &d->s->memory_total_at);
	u64(d, n, "host-reserved-bytes", &d->s->memory_host, NULL);
	base_and_bytes(d, n, "memory-pool-base", "memory-pool-bytes", &d->s->chunks, good);
}

static void numa_node(struct decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"node-id",	   "memory-base", "memory-size",
					    "memory-type", "cpus",	  "distance-matrix",
					    NULL};
	struct mk_state *s = d->s;
	struct mk_numa x = {.where = at(n, NULL)};
	struct mk_cpus distance = {.known = false};
	const char *unit = mk_unit(n->name);
	bool base, size;

	check_names(d, n, known, false);
	if (!u32(d, n, "node-id", &x.id) && (!unit || !mk_num_u32(unit, strlen(unit), &x.id))) {
		ERR(d, "MK801", at(n, NULL), "a NUMA node has no node-id")->hint =
			"add node-id = <0>;";
		return;
	}
	base = u64(d, n, "memory-base", &x.base, NULL);
	size = u64(d, n, "memory-size", &x.size, NULL);
	x.has_memory = base && size;
	x.type = string(d, n, "memory-type");
	cpus(d, n, "cpus", &x.cpus);
	if (numbers(d, n, "distance-matrix", &distance))
		x.distance = distance.ids;
	s->numa = mk_arena_more(s->arena, s->numa, s->n_numa, &s->numa_cap, sizeof(*s->numa));
	s->numa[s->n_numa++] = x;
}

static void topology(struct decoder *d, struct mk_node *n)
{
	struct mk_node *nodes = mk_child(d->t, n, "numa-nodes");

	for (struct mk_node *c = nodes ? mk_first(nodes) : NULL; c; c = mk_next(c))
		numa_node(d, c);
}

static void in_use(struct decoder *d, struct mk_node *n)
{
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_mem m = {.node = MK_NODE_ANY, .placed = true, .where = at(c, NULL)};

		if (!reg(d, c, &m.base, &m.size))
			continue;
		m.owner = string(d, c, "owner");
		mk_mem_add(d->s->arena, &d->s->in_use, m);
	}
}

/* cpus-available says again what follows from the instances: it must at least be part of the pool.
 */
static void derived_cpus(struct decoder *d, struct mk_node *n)
{
	struct mk_cpus available = {.known = false};
	struct mk_ranges pool;

	if (!cpus(d, n, "cpus-available", &available) || !d->s->pool.known)
		return;
	mk_ranges_init(&pool, d->s->arena);
	for (size_t i = 0; i < d->s->pool.ids.n; i++)
		mk_ranges_add(&pool, d->s->pool.ids.id[i], d->s->pool.ids.id[i]);
	mk_ranges_join(&pool);
	for (size_t i = 0; i < available.ids.n; i++)
		if (!mk_ranges_has(&pool, available.ids.id[i], available.ids.id[i])) {
			ERR(d, "MK403", available.where,
			    "CPU %llu is called available and is not in the pool",
			    (unsigned long long)available.ids.id[i]);
			return;
		}
}

static void resources(struct decoder *d, struct mk_node *r)
{
	struct mk_state *s = d->s;
	struct mk_node *c;

	s->has_machine = true;
	s->resources = at(r, NULL);
	check_names(d, r, resource_names, false);
	c = mk_child(d->t, r, "cpus");
	if (c)
		nested_cpus(d, c);
	else if (!cpus(d, r, "cpus", &s->pool))
		s->pool.where = at(r, prop(d, r, "cpus"));
	cpus(d, r, "host-cpus", &s->host_cpus);
	derived_cpus(d, r);
	u64(d, r, "cpu-total", &s->cpu_total, &s->cpu_total_at);
	s->has_memory_total =
		u64(d, r, "memory-total-bytes", &s->memory_total, &s->memory_total_at);
	u64(d, r, "memory-host-bytes", &s->memory_host, NULL);
	c = mk_child(d->t, r, "memory");
	if (c)
		nested_memory(d, c);
	base_and_bytes(d, r, "memory-base", "memory-bytes", &s->chunks, true);
	memory_nodes(d, r, &s->chunks);
	c = mk_child(d->t, r, "in-use");
	if (c)
		in_use(d, c);
	c = mk_child(d->t, r, "topology");
	if (c)
		topology(d, c);
	c = mk_child(d->t, r, "devices");
	if (c)
		devices(d, c);
	else if (prop(d, r, "devices"))
		ERR(d, "MK801", at(r, prop(d, r, "devices")), "'devices' must be a node")->hint =
			"write devices { eth0 { ... }; };";
}

/* ------------------------------------------------------------ the root */

enum root_kind { ROOT_NONE, ROOT_HOST, ROOT_V1, ROOT_STATE, ROOT_INSTANCE, ROOT_FOREIGN };

static enum root_kind root_kind(struct decoder *d)
{
	static const struct {
		const char *text;
		enum root_kind kind;
	} known[] = {{"linux,multikernel-host", ROOT_HOST},
		     {"multikernel-v1", ROOT_V1},
		     {"linux,multikernel-state", ROOT_STATE},
		     {"linux,multikernel-instance", ROOT_INSTANCE}};
	struct mk_prop *p = prop(d, d->t->root, "compatible");

	if (!p) {
		WARN(d, "MK117", at(d->t->root, NULL), "the root has no 'compatible'")->hint =
			"add compatible = \"linux,multikernel-host\";";
		return ROOT_NONE;
	}
	if (!mk_prop_is_strings(p)) {
		wrong_type(d, d->t->root, p, "a string", "\"linux,multikernel-host\"");
		return ROOT_NONE;
	}
	for (uint32_t i = 0; i < p->len; i += (uint32_t)strlen(p->data + i) + 1)
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (!strcmp(p->data + i, known[k].text))
				return known[k].kind;
	ERR(d, "MK117", at(d->t->root, p),
	    "this tree is compatible with \"%s\", which is no multikernel machine", p->data)
		->hint = "a machine is compatible with \"linux,multikernel-host\"";
	return ROOT_FOREIGN;
}

/* A tree of one instance: it has a name or an id above 0, and no instances of its own. */
static bool is_view(struct decoder *d, enum root_kind kind)
{
	uint32_t id = 0;

	if (kind == ROOT_INSTANCE)
		return true;
	if (kind == ROOT_HOST || kind == ROOT_STATE || mk_child(d->t, d->t->root, "instances"))
		return false;
	return mk_prop_u32(prop(d, d->t->root, "id"), &id) && id;
}

static enum mk_dialect_kind dialect_of(struct decoder *d, enum root_kind kind, struct mk_node *r)
{
	if (kind == ROOT_STATE)
		return MK_DIALECT_STATE;
	if (mk_child(d->t, r, "cpus") || mk_child(d->t, r, "memory"))
		return MK_DIALECT_NESTED;
	for (const struct mk_node *c = mk_first(r); c; c = mk_next(c))
		if (!strncmp(c->name, "memory@", 7))
			return MK_DIALECT_KERNEL;
	return prop(d, r, "cpus-available") ? MK_DIALECT_KERNEL : MK_DIALECT_FLAT;
}

static void view(struct decoder *d)
{
	struct mk_state *s = d->s;
	const char *name = string(d, d->t->root, "model");

	s->dialect = MK_DIALECT_VIEW;
	if (!name)
		name = d->t->root->name[0] ? d->t->root->name : "instance";
	s->model = name;
	instance(d, d->t->root, name, false);
	s->has_instances = true;
	mk_state_index(s);
}

static void machine(struct decoder *d, enum root_kind kind)
{
	struct mk_state *s = d->s;
	struct mk_node *root = d->t->root, *r = mk_child(d->t, root, "resources"), *list;

	s->dialect = kind == ROOT_STATE ? MK_DIALECT_STATE : MK_DIALECT_NESTED;
	if (r) {
		s->dialect = dialect_of(d, kind, r);
		d->wide = s->dialect == MK_DIALECT_STATE || s->dialect == MK_DIALECT_KERNEL;
		resources(d, r);
	} else if (prop(d, root, "resources")) {
		ERR(d, "MK101", at(root, prop(d, root, "resources")), "'resources' must be a node")
			->hint = "write resources { cpus = ...; };";
	}
	for (struct mk_node *c = mk_first(root); c; c = mk_next(c))
		if (!strncmp(c->name, "pci@", 4))
			bridge(d, c);
	s->abi = s->dialect == MK_DIALECT_KERNEL ? 2 : 1;
	u32(d, root, "mk,abi", &s->abi);
	u64(d, root, "mk,block-bytes", &s->block_bytes, NULL);
	if (s->abi != 1 && s->abi != 2) {
		ERR(d, "MK801", at(root, prop(d, root, "mk,abi")),
		    "mk,abi is %u: there are 1 and 2", s->abi);
		s->abi = 2;
	}
	aliases(d);
	name_devices(d);
	list = mk_child(d->t, root, "instances");
	s->has_instances = list != NULL;
	s->instances = at(list, NULL);
	for (struct mk_node *c = list ? mk_first(list) : NULL; c; c = mk_next(c))
		instance(d, c, c->name, kind != ROOT_STATE);
	mk_state_index(s);
}

void mk_decode(struct mk_state *s, struct mk_tree *t, const struct mk_decode_options *opts,
	       struct mk_diags *diags)
{
	struct decoder d = {.s = s, .t = t, .opts = opts, .diags = diags};
	enum root_kind kind;

	mk_state_init(s, t->arena);
	s->tree = t;
	s->file = t->root->at.file ? t->root->at.file->name : NULL;
	kind = root_kind(&d);
	s->model = mk_prop_is_string(prop(&d, t->root, "model")) ? prop(&d, t->root, "model")->data
								 : NULL;
	if (is_view(&d, kind))
		view(&d);
	else
		machine(&d, kind);
}

bool mk_is_overlay(struct mk_tree *t)
{
	static const char overlay[] = "linux,multikernel-overlay";
	struct mk_prop *p = mk_prop(t, t->root, "compatible");

	if (mk_prop_is_strings(p))
		for (uint32_t i = 0; i < p->len; i += (uint32_t)strlen(p->data + i) + 1)
			if (!strcmp(p->data + i, overlay))
				return true;
	for (const struct mk_node *c = mk_first(t->root); c; c = mk_next(c))
		if (!strncmp(c->name, "fragment@", 9))
			return true;
	return false;
}
