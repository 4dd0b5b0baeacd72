/* SPDX-License-Identifier: Apache-2.0 */
/* decode_instance: memory in all its forms, and instances. */
#include "decode_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"

/* ------------------------------------------------------------ memory */

/* memory@X { reg } or { size }, unplaced@I { size }. */
void mk_decode_memory_nodes(struct mk_decoder *d, struct mk_node *list, struct mk_mems *out)
{
	static const char *const names[] = {"reg", "size", "numa-node-id", "device_type", NULL};

	for (struct mk_node *c = mk_first(list); c; c = mk_next(c)) {
		struct mk_mem m = {.node = MK_NODE_ANY, .where = mk_at(c, NULL)};
		size_t base = mk_base_len(c->name);
		bool memory = base == 6 && !strncmp(c->name, "memory", 6);

		if (!memory && !(base == 8 && !strncmp(c->name, "unplaced", 8)))
			continue;
		if (!c->name[base]) { /* memory { } of a machine is another thing */
			if (!memory || out != &d->s->chunks)
				ERR(d, "MK804", mk_at(c, NULL), "'%s' needs a unit address", c->name)
					->hint = mk_decode_hint(d, "call it ", c->name, "@0");
			continue;
		}
		mk_decode_check_names(d, c, names, false);
		m.placed = mk_decode_reg(d, c, &m.base, &m.size);
		if (!m.placed && mk_decode_prop(d, c, "reg"))
			continue; /* a finding says why */
		if (m.placed && mk_decode_prop(d, c, "size"))
			ERR(d, "MK801", mk_at(c, mk_decode_prop(d, c, "size")),
			    "%s has reg and size", mk_node_path(d->s->arena, c))
				->hint = "keep one of the two: reg has a size of its own";
		if (!m.placed && !mk_decode_u64(d, c, "size", &m.size, NULL)) {
			if (!mk_decode_prop(d, c, "size"))
				ERR(d, "MK801", mk_at(c, NULL), "%s has neither reg nor size",
				    mk_node_path(d->s->arena, c))
					->hint =
					"write size = <0x0 0x40000000>; or reg = <base size>;";
			continue;
		}
		mk_decode_u32(d, c, "numa-node-id", &m.node);
		mk_mem_add(d->s->arena, out, m);
	}
}

/*
 * memory-base and memory-bytes, a pair; false when neither is there. Where a
 * misspelt name may be the other half, complete is false and nothing is said.
 */
bool mk_decode_base_and_bytes(struct mk_decoder *d, struct mk_node *n, const char *base_name,
			      const char *bytes_name, struct mk_mems *out, bool complete)
{
	struct mk_prop *base = mk_decode_prop(d, n, base_name),
		       *bytes = mk_decode_prop(d, n, bytes_name);
	struct mk_mem m = {.node = MK_NODE_ANY,
			   .where = mk_at(n, base ? base : bytes),
			   .size_at = mk_at(n, bytes ? bytes : base)};

	if (!base && !bytes)
		return false;
	if (bytes && !mk_decode_u64(d, n, bytes_name, &m.size, NULL))
		return true;
	if (base)
		m.placed = mk_decode_u64(d, n, base_name, &m.base, NULL);
	if (base && !m.placed)
		return true;
	if (!complete && (!bytes || !base))
		return true;
	if (!bytes) {
		ERR(d, "MK106", mk_at(n, base), "'%s' has no '%s' beside it", base_name, bytes_name)
			->hint = mk_decode_hint(d, "add ", bytes_name, " = <0x0 0x40000000>;");
		return true;
	}
	/* an instance may leave the place to the kernel, a pool that is written so may not */
	if (!base && out == &d->s->chunks) {
		ERR(d, "MK106", mk_at(n, bytes), "'%s' has no '%s' beside it", bytes_name,
		    base_name)
			->hint = mk_decode_hint(d, "add ", base_name, " = <0x0 0x80000000>;");
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
static void instance_wishes(struct mk_decoder *d, struct mk_instance *x, struct mk_node *n)
{
	struct mk_prop *p = mk_decode_prop(d, n, "devices");
	struct mk_node *list = mk_child(d->t, n, "devices");
	struct mk_cpus nodes = {.known = false};
	const char *s;

	if (p && (mk_value_kind("devices", p->data, p->len) == MK_VALUE_STRINGS ||
		  (d->s->dialect == MK_DIALECT_STATE && mk_prop_is_strings(p))))
		mk_decode_names(d->s, &x->devices, n, p);
	else if (p && p->len)
		mk_decode_phandle_uses(d, x, n, p);
	p = mk_decode_prop(d, n, "device-names");
	if (p && mk_prop_is_strings(p))
		mk_decode_names(d->s, &x->devices, n, p);
	else if (p)
		mk_decode_wrong_type(d, n, p, "names", "\"eth0\", \"nvme0\"");
	if (list)
		mk_decode_node_uses(d, x, list);
	if (mk_decode_numbers(d, n, "numa-nodes", &nodes))
		x->numa_nodes = nodes.ids;
	s = mk_decode_string(d, n, "cpu-affinity");
	x->affinity = s ? s : x->affinity;
	s = mk_decode_string(d, n, "memory-policy");
	x->policy = s ? s : x->policy;
}

static struct mk_where id_of(struct mk_decoder *d, struct mk_instance *x, struct mk_node *n)
{
	struct mk_prop *p = mk_decode_prop(d, n, "id");

	x->has_id = mk_decode_u32(d, n, "id", &x->id);
	return mk_at(n, p);
}

/* What resources { } must hold says nothing where it stands beside it. */
static void misplaced(struct mk_decoder *d, struct mk_node *n)
{
	static const char *const names[] = {"cpus", "memory-base", "memory-bytes"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mk_prop *p = mk_decode_prop(d, n, names[i]);

		if (p)
			ERR(d, "MK804", mk_at(n, p), "'%s' of an instance stands in its resources",
			    names[i])
				->hint = mk_decode_hint(d, "write resources { ", names[i],
							" = ...; }; around it");
	}
}

void mk_decode_instance(struct mk_decoder *d, struct mk_node *n, const char *name, bool closed)
{
	static const char *const nodes[] = {"resources", "options", "devices", "aliases", NULL};
	static const char *const resource_nodes[] = {"memory", "unplaced", "devices", "uring",
						     NULL};
	struct mk_instance *x = mk_instance_add(d->s, name);
	struct mk_node *r = mk_child(d->t, n, "resources");
	const char *status;

	d->subject = name;
	x->where = mk_at(n, NULL);
	x->id_at = id_of(d, x, n);
	misplaced(d, n);
	mk_decode_check_names(d, n, instance_names, false);
	mk_decode_check_nodes(d, n, nodes, false);
	status = mk_decode_string(d, n, "state");
	x->status = status;
	x->options = mk_child(d->t, n, "options");
	instance_wishes(d, x, n);
	if (r) {
		x->resources = mk_at(r, NULL);
		mk_decode_check_names(d, r, instance_resource_names, closed);
		mk_decode_check_nodes(d, r, resource_nodes, false);
		mk_decode_cpus(d, r, "cpus", &x->cpus);
		mk_decode_base_and_bytes(d, r, "memory-base", "memory-bytes", &x->mem, true);
		mk_decode_memory_nodes(d, r, &x->mem);
		instance_wishes(d, x, r);
		x->uring = mk_child(d->t, r, "uring");
	}
	d->subject = NULL;
}
