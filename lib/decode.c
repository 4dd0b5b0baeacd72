/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: dialects A to D and our own form, property by property. Says what is
 * of a wrong shape; whether the machine makes sense is the business of rules.
 */
#include "decode_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"

/* ------------------------------------------------------------ the machine */

static const char *const resource_names[] = {
	"cpus",		"cpus-available",   "host-cpus",	  "cpu-total",
	"memory-base",	"memory-bytes",	    "memory-total-bytes", "memory-host-bytes",
	"llc-way-mask", "memory-pool-base", "memory-pool-bytes",  NULL};

/* cores { core@N { cpus; socket-id; }; } */
static void cores(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"core-id", "socket-id", "cpus", NULL};
	struct mk_node *list = mk_child(d->t, n, "cores");
	struct mk_state *s = d->s;

	for (struct mk_node *c = list ? mk_first(list) : NULL; c; c = mk_next(c)) {
		struct mk_core x = {.where = mk_at(c, NULL)};
		const char *unit = mk_unit(c->name);

		mk_decode_check_names(d, c, known, false);
		if (!mk_decode_u32(d, c, "core-id", &x.id) &&
		    (!unit || !mk_num_u32(unit, strlen(unit), &x.id))) {
			ERR(d, "MK801", mk_at(c, NULL), "a core has no core-id")->hint =
				"call it core@0, or add core-id = <0>;";
			continue;
		}
		x.has_socket = mk_decode_u32(d, c, "socket-id", &x.socket);
		mk_decode_cpus(d, c, "cpus", &x.cpus);
		s->core = mk_arena_more(s->arena, s->core, s->n_cores, &s->cores_cap,
					sizeof(*s->core));
		s->core[s->n_cores++] = x;
	}
}

static void nested_cpus(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"total", "host-reserved", "available", NULL};
	static const char *const nodes[] = {"cores", NULL};

	mk_decode_check_names(d, n, known, true);
	mk_decode_check_nodes(d, n, nodes, true);
	if (!mk_decode_u64(d, n, "total", &d->s->cpu_total, &d->s->cpu_total_at))
		d->s->cpu_total_at = (struct mk_where){.node = NULL}; /* it says nothing */
	mk_decode_cpus(d, n, "host-reserved", &d->s->host_cpus);
	mk_decode_cpus(d, n, "available", &d->s->pool);
	if (!d->s->pool.where.node)
		d->s->pool.where = mk_at(n, NULL);
	cores(d, n);
}

static void nested_memory(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"total-bytes", "host-reserved-bytes",
					    "memory-pool-base", "memory-pool-bytes", NULL};

	static const char *const none[] = {NULL};
	bool good = mk_decode_check_names(d, n, known, true);

	mk_decode_check_nodes(d, n, none, true);
	d->s->has_memory_total =
		mk_decode_u64(d, n, "total-bytes", &d->s->memory_total, &d->s->memory_total_at);
	mk_decode_u64(d, n, "host-reserved-bytes", &d->s->memory_host, NULL);
	mk_decode_base_and_bytes(d, n, "memory-pool-base", "memory-pool-bytes", &d->s->chunks,
				 good);
}

static void numa_node(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"node-id",	   "memory-base", "memory-size",
					    "memory-type", "cpus",	  "distance-matrix",
					    NULL};
	struct mk_state *s = d->s;
	struct mk_numa x = {.where = mk_at(n, NULL)};
	struct mk_cpus distance = {.known = false};
	const char *unit = mk_unit(n->name);
	bool base, size;

	mk_decode_check_names(d, n, known, false);
	if (!mk_decode_u32(d, n, "node-id", &x.id) &&
	    (!unit || !mk_num_u32(unit, strlen(unit), &x.id))) {
		ERR(d, "MK801", mk_at(n, NULL), "a NUMA node has no node-id")->hint =
			"add node-id = <0>;";
		return;
	}
	base = mk_decode_u64(d, n, "memory-base", &x.base, NULL);
	size = mk_decode_u64(d, n, "memory-size", &x.size, NULL);
	x.has_memory = base && size;
	if (base != size)
		ERR(d, "MK801", mk_at(n, NULL), "NUMA node %u has a %s and no %s", x.id,
		    base ? "memory-base" : "memory-size", base ? "memory-size" : "memory-base")
			->hint = "give both, or none";
	x.type = mk_decode_string(d, n, "memory-type");
	mk_decode_cpus(d, n, "cpus", &x.cpus);
	if (mk_decode_numbers(d, n, "distance-matrix", &distance))
		x.distance = distance.ids;
	s->numa = mk_arena_more(s->arena, s->numa, s->n_numa, &s->numa_cap, sizeof(*s->numa));
	s->numa[s->n_numa++] = x;
}

static void topology(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const known[] = {"numa-nodes", "cores", NULL};
	struct mk_node *nodes = mk_child(d->t, n, "numa-nodes");

	mk_decode_check_nodes(d, n, known, false);
	for (struct mk_node *c = nodes ? mk_first(nodes) : NULL; c; c = mk_next(c))
		numa_node(d, c);
	cores(d, n);
}

static void in_use(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const names[] = {"reg", "owner", NULL};

	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_mem m = {.node = MK_NODE_ANY, .placed = true, .where = mk_at(c, NULL)};

		mk_decode_check_names(d, c, names, false);
		if (!mk_decode_reg(d, c, &m.base, &m.size)) {
			if (!mk_decode_prop(d, c, "reg"))
				ERR(d, "MK801", mk_at(c, NULL), "a region in use has no reg")->hint =
					"reg = <0x0 0x80000000 0x0 0x40000000>; is its base and size";
			continue;
		}
		m.owner = mk_decode_string(d, c, "owner");
		mk_mem_add(d->s->arena, &d->s->in_use, m);
	}
}

/* cpus-available says again what follows from the instances: it must at least be part of the pool.
 */
static void derived_cpus(struct mk_decoder *d, struct mk_node *n)
{
	struct mk_cpus *available = &d->s->available;
	struct mk_ranges pool;

	if (!mk_decode_cpus(d, n, "cpus-available", available) || !d->s->pool.known)
		return;
	pool = mk_ranges_of(d->s->arena, &d->s->pool.ids);
	for (size_t i = 0; i < available->ids.n; i++)
		if (!mk_ranges_has(&pool, available->ids.id[i], available->ids.id[i])) {
			mk_decode_item(d,
				       ERR(d, "MK403", available->where,
					   "CPU %llu is called available and is not in the pool",
					   (unsigned long long)available->ids.id[i]),
				       "available %llu", (unsigned long long)available->ids.id[i]);
			return;
		}
}

/* What the two forms call differently is not to be said in both. */
static void twice_said(struct mk_decoder *d, struct mk_node *r, const char *const *names,
		       const char *node)
{
	for (; *names; names++) {
		struct mk_prop *p = mk_decode_prop(d, r, *names);

		if (p)
			ERR(d, "MK801", mk_at(r, p), "'%s' says again what %s says", *names, node)
				->hint = "keep one of the two";
	}
}

/* Properties of cpus { } and memory { } say nothing where they stand beside them. */
static void in_their_nodes(struct mk_decoder *d, struct mk_node *r)
{
	static const char *const names[] = {"total",	   "host-reserved",	  "available",
					    "total-bytes", "host-reserved-bytes", "memory-pool-base",
					    "memory-pool-bytes"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mk_prop *p = mk_decode_prop(d, r, names[i]);

		if (p)
			ERR(d, "MK804", mk_at(r, p), "'%s' stands in %s { }, not beside it", names[i],
			    i < 3 ? "cpus" : "memory")
				->hint = "move it there: here it says nothing";
	}
}

static void resources(struct mk_decoder *d, struct mk_node *r)
{
	static const char *const flat_cpus[] = {"host-cpus", "cpu-total", NULL},
				 *const flat_memory[] = {"memory-total-bytes", "memory-host-bytes",
							 NULL};
	static const char *const nodes[] = {"cpus",	"memory",  "unplaced", "in-use",
					    "topology", "devices", NULL};
	struct mk_state *s = d->s;
	struct mk_node *c;

	s->has_machine = true;
	s->resources = mk_at(r, NULL);
	mk_decode_check_names(d, r, resource_names, false);
	mk_decode_check_nodes(d, r, nodes, false);
	c = mk_child(d->t, r, "cpus");
	if (c && mk_decode_prop(d, r, "cpus"))
		ERR(d, "MK801", mk_at(r, mk_decode_prop(d, r, "cpus")),
		    "the pool's CPUs are listed in 'cpus' and in cpus { }")
			->hint = "keep one of the two";
	if (c) {
		twice_said(d, r, flat_cpus, "cpus { }");
		nested_cpus(d, c);
	} else if (!mk_decode_cpus(d, r, "cpus", &s->pool)) {
		s->pool.where = mk_at(r, mk_decode_prop(d, r, "cpus"));
	}
	mk_decode_cpus(d, r, "host-cpus", &s->host_cpus);
	derived_cpus(d, r);
	mk_decode_u64(d, r, "cpu-total", &s->cpu_total, &s->cpu_total_at);
	s->has_memory_total =
		mk_decode_u64(d, r, "memory-total-bytes", &s->memory_total, &s->memory_total_at);
	mk_decode_u64(d, r, "memory-host-bytes", &s->memory_host, NULL);
	c = mk_child(d->t, r, "memory");
	if (c) {
		twice_said(d, r, flat_memory, "memory { }");
		nested_memory(d, c);
	}
	in_their_nodes(d, r);
	mk_decode_base_and_bytes(d, r, "memory-base", "memory-bytes", &s->chunks, true);
	mk_decode_memory_nodes(d, r, &s->chunks);
	c = mk_child(d->t, r, "in-use");
	if (c)
		in_use(d, c);
	c = mk_child(d->t, r, "topology");
	if (c)
		topology(d, c);
	c = mk_child(d->t, r, "devices");
	if (c)
		mk_decode_devices(d, c);
	else if (mk_decode_prop(d, r, "devices"))
		ERR(d, "MK801", mk_at(r, mk_decode_prop(d, r, "devices")),
		    "'devices' must be a node")
			->hint = "write devices { eth0 { ... }; };";
}

/* ------------------------------------------------------------ the root */

enum root_kind { ROOT_NONE, ROOT_HOST, ROOT_V1, ROOT_STATE, ROOT_INSTANCE, ROOT_FOREIGN };

static enum root_kind root_kind(struct mk_decoder *d)
{
	static const struct {
		const char *text;
		enum root_kind kind;
	} known[] = {{"linux,multikernel-host", ROOT_HOST},
		     {"multikernel-v1", ROOT_V1},
		     {"linux,multikernel-state", ROOT_STATE},
		     {"linux,multikernel-instance", ROOT_INSTANCE}};
	struct mk_prop *p = mk_decode_prop(d, d->t->root, "compatible");

	if (!p) {
		WARN(d, "MK117", mk_at(d->t->root, NULL), "the root has no 'compatible'")->hint =
			"add compatible = \"linux,multikernel-host\";";
		return ROOT_NONE;
	}
	if (!mk_prop_is_strings(p)) {
		mk_decode_wrong_type(d, d->t->root, p, "a string", "\"linux,multikernel-host\"");
		return ROOT_NONE;
	}
	for (uint32_t i = 0; i < p->len; i += (uint32_t)strlen(p->data + i) + 1)
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (!strcmp(p->data + i, known[k].text))
				return known[k].kind;
	ERR(d, "MK117", mk_at(d->t->root, p),
	    "this tree is compatible with \"%s\", which is no multikernel machine", p->data)
		->hint = "a machine is compatible with \"linux,multikernel-host\"";
	return ROOT_FOREIGN;
}

/* A tree of one instance: it has a name or an id above 0, and no instances of its own. */
static bool is_view(struct mk_decoder *d, enum root_kind kind)
{
	uint32_t id = 0;

	if (kind == ROOT_INSTANCE)
		return true;
	if (kind == ROOT_HOST || kind == ROOT_STATE || mk_child(d->t, d->t->root, "instances"))
		return false;
	return mk_prop_u32(mk_decode_prop(d, d->t->root, "id"), &id) && id;
}

static enum mk_dialect_kind dialect_of(struct mk_decoder *d, enum root_kind kind, struct mk_node *r)
{
	if (kind == ROOT_STATE)
		return MK_DIALECT_STATE;
	if (mk_child(d->t, r, "cpus") || mk_child(d->t, r, "memory"))
		return MK_DIALECT_NESTED;
	for (const struct mk_node *c = mk_first(r); c; c = mk_next(c))
		if (!strncmp(c->name, "memory@", 7))
			return MK_DIALECT_KERNEL;
	return mk_decode_prop(d, r, "cpus-available") ? MK_DIALECT_KERNEL : MK_DIALECT_FLAT;
}

static void view(struct mk_decoder *d)
{
	struct mk_state *s = d->s;
	const char *name = mk_decode_string(d, d->t->root, "model");

	s->dialect = MK_DIALECT_VIEW;
	if (!name)
		name = d->t->root->name[0] ? d->t->root->name : "instance";
	s->model = name;
	mk_decode_instance(d, d->t->root, name, false);
	if (mk_child(d->t, d->t->root, "instances"))
		ERR(d, "MK804", mk_at(mk_child(d->t, d->t->root, "instances"), NULL),
		    "the tree of one instance has no /instances")
			->hint = "a machine is compatible with \"linux,multikernel-host\"";
	s->has_instances = true;
	mk_state_index(s);
}

static void machine(struct mk_decoder *d, enum root_kind kind)
{
	static const char *const nodes[] = {"resources", "instances", "aliases",
					    "chosen",	 "pci",	      NULL};
	static const char *const names[] = {"mk,abi", "mk,block-bytes", "mk,cpu-cells",
					    "mk,resources", "model", "id", NULL};
	struct mk_state *s = d->s;
	uint32_t cells = 0;
	struct mk_node *root = d->t->root, *r = mk_child(d->t, root, "resources"), *list;

	s->dialect = kind == ROOT_STATE ? MK_DIALECT_STATE : MK_DIALECT_NESTED;
	mk_decode_check_nodes(d, root, nodes, false);
	mk_decode_check_names(d, root, names, false);
	for (size_t i = 1; i < 3; i++)
		if (mk_decode_prop(d, root, nodes[i]))
			ERR(d, "MK801", mk_at(root, mk_decode_prop(d, root, nodes[i])),
			    "'%s' must be a node", nodes[i])
				->hint = mk_decode_hint(d, "write ", nodes[i], " { ... };");
	if (r) {
		s->dialect = dialect_of(d, kind, r);
		d->wide = s->dialect == MK_DIALECT_STATE || s->dialect == MK_DIALECT_KERNEL ||
			  (mk_decode_u32(d, root, "mk,cpu-cells", &cells) && cells == 2);
		resources(d, r);
	} else if (mk_decode_prop(d, root, "resources")) {
		ERR(d, "MK101", mk_at(root, mk_decode_prop(d, root, "resources")),
		    "'resources' must be a node")
			->hint = "write resources { cpus = ...; };";
	}
	for (struct mk_node *c = mk_first(root); c; c = mk_next(c))
		if (!strncmp(c->name, "pci@", 4))
			mk_decode_bridge(d, c);
	s->abi = s->dialect == MK_DIALECT_KERNEL ? 2 : 1;
	s->abi_known = mk_decode_u32(d, root, "mk,abi", &s->abi) || s->abi == 2;
	mk_decode_u64(d, root, "mk,block-bytes", &s->block_bytes, NULL);
	if (s->abi != 1 && s->abi != 2) {
		ERR(d, "MK801", mk_at(root, mk_decode_prop(d, root, "mk,abi")),
		    "mk,abi is %u: there are 1 and 2", s->abi);
		s->abi = 2;
	}
	mk_decode_aliases(d);
	mk_decode_name_devices(d);
	list = mk_child(d->t, root, "instances");
	s->has_instances = list != NULL;
	s->instances = mk_at(list, NULL);
	for (struct mk_node *c = list ? mk_first(list) : NULL; c; c = mk_next(c))
		mk_decode_instance(d, c, c->name, kind != ROOT_STATE);
	mk_state_index(s);
}

void mk_decode(struct mk_state *s, struct mk_tree *t, const struct mk_decode_options *opts,
	       struct mk_diags *diags)
{
	struct mk_decoder d = {.s = s, .t = t, .opts = opts, .diags = diags};
	enum root_kind kind;

	mk_state_init(s, t->arena);
	s->tree = t;
	s->file = t->root->at.file ? t->root->at.file->name : NULL;
	kind = root_kind(&d);
	s->model = mk_prop_is_string(mk_decode_prop(&d, t->root, "model"))
			   ? mk_decode_prop(&d, t->root, "model")->data
			   : NULL;
	d.wide = kind == ROOT_INSTANCE;
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
		if (!strncmp(c->name, "fragment@", 9) || !strcmp(c->name, "fragment"))
			return true;
	return false;
}
