/* SPDX-License-Identifier: Apache-2.0 */
/* encode: the canonical tree. Order is fixed; nothing depends on how the state was written before.
 */
#include "encode.h"

#include <string.h>

#include "arena.h"
#include "fdt.h"

void mk_add_ids(struct mk_tree *t, struct mk_node *n, const char *name, const struct mk_ids *ids)
{
	struct mk_buf b;

	mk_buf_init(&b, t->arena);
	for (size_t i = 0; i < ids->n; i++)
		mk_buf_be64(&b, ids->id[i]);
	mk_add_prop(t, n, name, b.data, b.len);
}

void mk_add_cells(struct mk_tree *t, struct mk_node *n, const char *name, const struct mk_ids *ids)
{
	struct mk_buf b;

	mk_buf_init(&b, t->arena);
	for (size_t i = 0; i < ids->n; i++)
		mk_buf_be32(&b, (uint32_t)ids->id[i]);
	mk_add_prop(t, n, name, b.data, b.len);
}

void mk_add_reg(struct mk_tree *t, struct mk_node *n, uint64_t base, uint64_t size)
{
	struct mk_buf b;

	mk_buf_init(&b, t->arena);
	mk_buf_be64(&b, base);
	mk_buf_be64(&b, size);
	mk_add_prop(t, n, "reg", b.data, b.len);
}

void mk_add_uses(struct mk_tree *t, struct mk_node *n, const char *name, const struct mk_uses *uses)
{
	struct mk_buf b;

	mk_buf_init(&b, t->arena);
	for (size_t i = 0; i < uses->n; i++)
		mk_buf_add(&b, uses->u[i].text, strlen(uses->u[i].text) + 1);
	mk_add_prop(t, n, name, b.data, b.len);
}

static bool listed(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

/* What a dialect says beyond what the state holds. phandles have no meaning in the new tree. */
static void carry_props(struct mk_tree *t, struct mk_node *to, const struct mk_node *from,
			const char *const *known)
{
	if (!from)
		return;
	for (const struct mk_prop *p = mk_prop_first(from); p; p = mk_prop_next(p))
		if (strcmp(p->name, "phandle") != 0 && strcmp(p->name, "linux,phandle") != 0 &&
		    !listed(p->name, known) && !mk_prop(t, to, p->name))
			mk_copy_prop(t, to, p);
}

static void carry_nodes(struct mk_tree *t, struct mk_node *to, const struct mk_node *from,
			const char *const *known)
{
	if (!from)
		return;
	for (const struct mk_node *c = mk_first(from); c; c = mk_next(c)) {
		char *base = mk_arena_strn(t->arena, c->name, mk_base_len(c->name));

		if (!listed(base, known) && !mk_child(t, to, c->name))
			mk_copy_node(t, to, c);
	}
}

static const struct mk_node *old_root(const struct mk_state *s)
{
	return s->tree ? s->tree->root : NULL;
}

/* NAME@UNIT, or NAME@UNIT,K where it was used K times before. */
static const char *numbered(struct mk_names *used, const char *name, uint64_t unit)
{
	const char *s = mk_arena_fmt(used->arena, "%s@%llx", name, (unsigned long long)unit);
	uint32_t *times = mk_name_mark(mk_intern(used, s, strlen(s)));

	return (*times)++ ? mk_arena_fmt(used->arena, "%s,%u", s, *times - 1) : s;
}

/* memory@BASE for what is placed, unplaced@I for the rest; base alone is no name when two share it.
 */
static void memories(struct mk_tree *t, struct mk_node *n, const struct mk_mems *list,
		     const char *placed)
{
	struct mk_names used = {.arena = t->arena};
	unsigned unplaced = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct mk_mem *m = &list->m[i];
		struct mk_node *c;
		const char *name = m->placed ? numbered(&used, placed, m->base)
					     : mk_arena_fmt(t->arena, "unplaced@%u", unplaced++);

		c = mk_add_node(t, n, name);
		if (m->placed)
			mk_add_reg(t, c, m->base, m->size);
		else
			mk_add_u64(t, c, "size", m->size);
		if (m->node != MK_NODE_ANY)
			mk_add_u32(t, c, "numa-node-id", m->node);
		if (m->owner)
			mk_add_str(t, c, "owner", m->owner);
	}
}

static void topology(struct mk_tree *t, struct mk_node *r, const struct mk_state *s)
{
	static const char *const node_known[] = {"node-id",	"memory-base", "memory-size",
						 "memory-type", "cpus",	       "distance-matrix",
						 NULL};
	static const char *const core_known[] = {"core-id", "socket-id", "cpus", NULL};
	static const char *const known[] = {"numa-nodes", "cores", NULL};
	struct mk_names used = {.arena = t->arena};
	const struct mk_node *old = NULL;
	struct mk_node *n, *nodes;

	if (s->resources.node)
		for (old = mk_first(s->resources.node); old && strcmp(old->name, "topology") != 0;)
			old = mk_next(old);
	if (!old && !s->n_numa && !s->n_cores)
		return;
	n = mk_add_node(t, r, "topology");
	nodes = s->n_numa ? mk_add_node(t, n, "numa-nodes") : NULL;
	for (size_t i = 0; i < s->n_numa; i++) {
		const struct mk_numa *x = &s->numa[i];
		struct mk_node *c = mk_add_node(t, nodes, numbered(&used, "node", x->id));

		mk_add_u32(t, c, "node-id", x->id);
		if (x->has_memory) {
			mk_add_u64(t, c, "memory-base", x->base);
			mk_add_u64(t, c, "memory-size", x->size);
		}
		if (x->type)
			mk_add_str(t, c, "memory-type", x->type);
		if (x->cpus.known)
			mk_add_ids(t, c, "cpus", &x->cpus.ids);
		if (x->distance.n)
			mk_add_cells(t, c, "distance-matrix", &x->distance);
		carry_props(t, c, x->where.node, node_known);
	}
	nodes = s->n_cores ? mk_add_node(t, n, "cores") : NULL;
	for (size_t i = 0; i < s->n_cores; i++) {
		const struct mk_core *x = &s->core[i];
		struct mk_node *c = mk_add_node(t, nodes, numbered(&used, "core", x->id));

		mk_add_u32(t, c, "core-id", x->id);
		if (x->has_socket)
			mk_add_u32(t, c, "socket-id", x->socket);
		if (x->cpus.known)
			mk_add_ids(t, c, "cpus", &x->cpus.ids);
		carry_props(t, c, x->where.node, core_known);
	}
	carry_props(t, n, old, known);
	carry_nodes(t, n, old, known);
}

/* What a device answers to besides its name and the aliases, which have a node of their own. */
static void other_names(struct mk_tree *t, struct mk_node *n, const struct mk_device *d,
			const struct mk_names *aliases)
{
	struct mk_names here = {.arena = t->arena};
	struct mk_buf b;

	mk_buf_init(&b, t->arena);
	for (size_t i = 0; i < d->n_other; i++) {
		size_t len = strlen(d->other[i]);

		if (mk_name_known(aliases, d->other[i], len) ||
		    mk_name_known(&here, d->other[i], len))
			continue;
		mk_intern(&here, d->other[i], len);
		mk_buf_add(&b, d->other[i], len + 1);
	}
	if (b.len)
		mk_add_prop(t, n, "mk,names", b.data, b.len);
}

static void devices(struct mk_tree *t, struct mk_node *r, const struct mk_state *s)
{
	static const char *const none[] = {NULL}, *const known[] = {"mk,names", NULL};
	struct mk_names alias = {.arena = t->arena};
	struct mk_node *list;

	if (!s->n_devices)
		return;
	for (size_t i = 0; i < s->n_aliases; i++)
		mk_intern(&alias, s->alias[i].name, strlen(s->alias[i].name));
	list = mk_add_node(t, r, "devices");
	for (size_t i = 0; i < s->n_devices; i++) {
		const struct mk_device *d = &s->device[i];
		struct mk_node *c;

		if (mk_child(t, list, d->name))
			continue; /* the second of a name: who writes a state has refused it */
		c = mk_add_node(t, list, d->name);
		/* all that the device says of itself holds in our form, too */
		carry_props(t, c, d->where.node, known);
		other_names(t, c, d, &alias);
		if (d->pci_id && !mk_prop(t, c, "pci-id"))
			mk_add_str(t, c, "pci-id", d->pci_id);
		if (d->type && !mk_prop(t, c, "device-type"))
			mk_add_str(t, c, "device-type", d->type);
		carry_nodes(t, c, d->where.node, none);
	}
}

static void resources(struct mk_tree *t, const struct mk_state *s)
{
	static const char *const props[] = {
		"cpus",	       "cpus-available", "host-cpus",	       "cpu-total",
		"memory-base", "memory-bytes",	 "memory-total-bytes", "memory-host-bytes",
		NULL};
	static const char *const nodes[] = {"cpus",	"memory",  "unplaced", "in-use",
					    "topology", "devices", NULL};
	struct mk_node *r, *n;

	if (!s->has_machine)
		return;
	r = mk_add_node(t, t->root, "resources");
	mk_add_ids(t, r, "cpus", &s->pool.ids);
	if (s->host_cpus.known)
		mk_add_ids(t, r, "host-cpus", &s->host_cpus.ids);
	if (s->cpu_total)
		mk_add_u64(t, r, "cpu-total", s->cpu_total);
	if (s->has_memory_total)
		mk_add_u64(t, r, "memory-total-bytes", s->memory_total);
	if (s->memory_host)
		mk_add_u64(t, r, "memory-host-bytes", s->memory_host);
	carry_props(t, r, s->resources.node, props);
	memories(t, r, &s->chunks, "memory");
	if (s->in_use.n) {
		n = mk_add_node(t, r, "in-use");
		memories(t, n, &s->in_use, "region");
	}
	topology(t, r, s);
	devices(t, r, s);
	carry_nodes(t, r, s->resources.node, nodes);
}

static void instance(struct mk_tree *t, struct mk_node *list, const struct mk_instance *x)
{
	static const char *const props[] = {
		"id",	      "state",		"devices",	 "device-names",
		"numa-nodes", "cpu-affinity",	"memory-policy", "model",
		"compatible", "#address-cells", "#size-cells",	 NULL};
	static const char *const nodes[] = {"resources", "options",	"devices", "aliases",
					    "pci",	 "__symbols__", NULL};
	static const char *const r_props[] = {"cpus",	      "memory-base",   "memory-bytes",
					      "devices",      "device-names",  "numa-nodes",
					      "cpu-affinity", "memory-policy", NULL};
	static const char *const r_nodes[] = {"memory", "unplaced", "devices", NULL};
	struct mk_node *n = mk_add_node(t, list, x->name), *r;

	if (x->has_id)
		mk_add_u32(t, n, "id", x->id);
	if (x->status)
		mk_add_str(t, n, "state", x->status);
	if (x->devices.n)
		mk_add_uses(t, n, "devices", &x->devices);
	if (x->numa_nodes.n)
		mk_add_cells(t, n, "numa-nodes", &x->numa_nodes);
	if (x->affinity)
		mk_add_str(t, n, "cpu-affinity", x->affinity);
	if (x->policy)
		mk_add_str(t, n, "memory-policy", x->policy);
	carry_props(t, n, x->where.node, props);
	r = mk_add_node(t, n, "resources");
	if (x->cpus.ids.n)
		mk_add_ids(t, r, "cpus", &x->cpus.ids);
	carry_props(t, r, x->resources.node, r_props);
	memories(t, r, &x->mem, "memory");
	if (x->uring && !x->resources.node)
		mk_copy_node(t, r, x->uring);
	carry_nodes(t, r, x->resources.node, r_nodes);
	if (x->options)
		mk_copy_node(t, n, x->options);
	carry_nodes(t, n, x->where.node, nodes);
}

static void aliases(struct mk_tree *t, const struct mk_state *s)
{
	struct mk_node *n = NULL;

	for (size_t i = 0; i < s->n_aliases; i++) {
		const struct mk_alias *x = &s->alias[i];
		const char *device = x->device != MK_NO_DEVICE ? s->device[x->device].name : NULL;

		if (device && !strcmp(x->name, device))
			continue; /* the node is called so */
		if (!n)
			n = mk_add_node(t, t->root, "aliases");
		mk_add_str(t, n, x->name,
			   device ? mk_arena_fmt(t->arena, "/resources/devices/%s", device)
				  : x->path);
	}
}

/* A node below the root that says what <&eth0_vf1> means: the state has the name instead. */
static bool is_reference(const struct mk_state *s, const struct mk_node *n)
{
	struct mk_tree *old = (struct mk_tree *)(uintptr_t)s->tree;
	struct mk_node *node = (struct mk_node *)(uintptr_t)n;

	return mk_prop(old, node, "parent") &&
	       (mk_prop(old, node, "vf-id") || mk_prop(old, node, "namespace-id"));
}

static void encode(struct mk_tree *t, const struct mk_state *s)
{
	static const char *const props[] = {
		"compatible",	  "#address-cells", "#size-cells", "mk,abi",
		"mk,block-bytes", "mk,cpu-cells",   "id",	   NULL};
	static const char *const nodes[] = {"resources",   "instances", "aliases",
					    "__symbols__", "pci",	NULL};
	struct mk_node *list;

	mk_tree_init(t, s->arena);
	mk_add_node(t, NULL, "");
	mk_add_str(t, t->root, "compatible", "linux,multikernel-state");
	mk_add_u32(t, t->root, "#address-cells", 2);
	mk_add_u32(t, t->root, "#size-cells", 2);
	if (s->abi)
		mk_add_u32(t, t->root, "mk,abi", s->abi);
	if (s->block_bytes)
		mk_add_u64(t, t->root, "mk,block-bytes", s->block_bytes);
	if (s->dialect != MK_DIALECT_VIEW)
		carry_props(t, t->root, old_root(s), props);
	resources(t, s);
	if (s->has_instances) {
		list = mk_add_node(t, t->root, "instances");
		for (size_t i = 0; i < s->n_instances; i++)
			instance(t, list, &s->instance[i]);
	}
	aliases(t, s);
	if (s->dialect == MK_DIALECT_VIEW || !old_root(s))
		return;
	for (const struct mk_node *c = mk_first(old_root(s)); c; c = mk_next(c)) {
		char *base = mk_arena_strn(t->arena, c->name, mk_base_len(c->name));

		if (!listed(base, nodes) && !is_reference(s, c))
			mk_copy_node(t, t->root, c);
	}
}

int mk_encode_blob(struct mk_buf *b, const struct mk_state *s, struct mk_err *err)
{
	struct mk_names names = {.arena = s->arena};
	struct mk_tree t;

	for (size_t i = 0; i < s->n_devices; i++) {
		const char *name = s->device[i].name;
		uint32_t *mark = mk_name_mark(mk_intern(&names, name, strlen(name)));

		if (*mark) {
			mk_fail(err, MK_BAD, "two devices answer to the name '%s' [MK210]", name);
			mk_hint(err, "rename a label, node or alias: a state holds one of a name");
			return MK_BAD;
		}
		*mark = 1;
	}
	encode(&t, s);
	return mk_fdt_write(b, &t, 0, err);
}

/* A device as its user sees it: what it says of itself, but not of its other parts. */
static void view_device(struct mk_tree *t, struct mk_node *list, const struct mk_state *s,
			const struct mk_use *u)
{
	static const char *const apart[] = {"sriov-vfs",  "host-reserved-vf", "available-vfs",
					    "namespaces", "host-reserved-ns", "available-ns",
					    "pci-id",	  "device-type",      "mk,names",
					    NULL};
	const struct mk_device *d = u->device != MK_NO_DEVICE ? &s->device[u->device] : NULL;
	struct mk_node *n = mk_add_node(t, list, u->text);
	const char *pci = mk_use_pci(s, u);

	if (pci || (d && d->type))
		mk_add_str(t, n, "device-type", d && d->type ? d->type : "pci");
	if (pci)
		mk_add_str(t, n, "pci-id", pci);
	if (u->part != MK_WHOLE)
		mk_add_u32(t, n, u->part == MK_VF ? "vf-id" : "namespace-id", u->number);
	if (d)
		carry_props(t, n, d->where.node, apart);
}

int mk_encode_view(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *x,
		   struct mk_err *err)
{
	struct mk_node *r, *list;
	struct mk_tree t;

	mk_tree_init(&t, s->arena);
	mk_add_node(&t, NULL, "");
	mk_add_str(&t, t.root, "compatible", "linux,multikernel-instance");
	mk_add_str(&t, t.root, "model", x->name);
	mk_add_u32(&t, t.root, "#address-cells", 2);
	mk_add_u32(&t, t.root, "#size-cells", 2);
	if (x->has_id)
		mk_add_u32(&t, t.root, "id", x->id);
	r = mk_add_node(&t, t.root, "resources");
	mk_add_ids(&t, r, "cpus", &x->cpus.ids);
	if (x->mem.n == 1 && x->mem.m[0].placed && x->mem.m[0].node == MK_NODE_ANY) {
		mk_add_u64(&t, r, "memory-base", x->mem.m[0].base);
		mk_add_u64(&t, r, "memory-bytes", x->mem.m[0].size);
	} else {
		memories(&t, r, &x->mem, "memory");
	}
	list = x->devices.n ? mk_add_node(&t, r, "devices") : NULL;
	for (size_t i = 0; i < x->devices.n; i++)
		if (!mk_child(&t, list, x->devices.u[i].text))
			view_device(&t, list, s, &x->devices.u[i]);
	return mk_fdt_write(b, &t, 0, err);
}

int mk_digest(char out[17], const struct mk_state *s, struct mk_err *err)
{
	uint64_t h = 14695981039346656037ULL;
	struct mk_buf b;
	int rc;

	mk_buf_init(&b, s->arena);
	rc = mk_encode_blob(&b, s, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.data[i]) * 1099511628211ULL;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	for (int i = 15; i >= 0; i--, h >>= 4)
		out[i] = "0123456789abcdef"[h & 15];
	out[16] = '\0';
	return MK_OK;
}
