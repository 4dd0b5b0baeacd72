/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay_old: the operations of an overlay of ABI 1. fragment@0 alone is
 * looked at (T21); each operation names its instance by mk,instance; there is
 * nothing about the pool.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "kernel.h"
#include "num.h"
#include "props.h"

enum what { MEMORY, CPU, DEVICE };

static int memory_item(struct sim_kernel *k, const void *fdt, int item, struct sim_instance *x,
		       bool give)
{
	uint32_t node = 0;
	int len, node_len;
	const char *reg = fdt_getprop(fdt, item, "reg", &len);
	const void *p = fdt_getprop(fdt, item, "numa-node", &node_len);

	if (!reg || len < 16)
		return -EINVAL;
	if (p && node_len >= 4)
		node = mk_be32(p);
	return give ? sim_memory_give(k, x, mk_be64(reg), mk_be64(reg + 8), (int)node)
		    : sim_memory_take(k, x, mk_be64(reg), mk_be64(reg + 8));
}

static int cpu_item(struct sim_kernel *k, const void *fdt, int item, struct sim_instance *x,
		    bool give)
{
	uint64_t id;
	int len;
	const char *reg = fdt_getprop(fdt, item, "reg", &len);

	if (!reg || len < 4)
		return -EINVAL;
	/* one cell at first; two since ids are of 64 bits */
	id = len >= 8 ? mk_be64(reg) : mk_be32(reg);
	return give ? sim_cpu_give(k, x, id) : sim_cpu_take(k, x, id);
}

static int device_item(struct sim_kernel *k, const void *fdt, int item, struct sim_instance *x,
		       bool give)
{
	const char *text = sim_prop_text(fdt, item, "pci-id");
	struct sim_pci p = {0};

	if (!text || sim_pci_address(text, &p))
		return -EINVAL;
	return give ? sim_device_give(k, x, &p) : sim_device_take(k, x, &p);
}

static int items(struct sim_kernel *k, const void *fdt, int overlay, const char *op, enum what what,
		 bool give)
{
	static const char *const prefix[] = {"region@", "cpu@", "pci@"};
	int node = fdt_subnode_offset(fdt, overlay, op), item, len, error;
	struct sim_instance *x;
	const char *name;
	uint64_t serial;

	if (node < 0)
		return 0;
	name = sim_prop_text(fdt, node, "mk,instance");
	x = name ? sim_instance_named(k, name) : NULL;
	if (!x)
		return -EINVAL;
	serial = x->serial;
	fdt_for_each_subnode(item, fdt, node)
	{
		name = fdt_get_name(fdt, item, &len);
		if (!name || strncmp(name, prefix[what], strlen(prefix[what])))
			continue;
		error = sim_fault(&k->faults, op, "");
		x = sim_instance_serial(k, serial);
		if (!error && !x)
			error = -ENODEV;
		if (!error && what == MEMORY)
			error = memory_item(k, fdt, item, x, give);
		else if (!error && what == CPU)
			error = cpu_item(k, fdt, item, x, give);
		else if (!error)
			error = device_item(k, fdt, item, x, give);
		if (error)
			return error;
	}
	return 0;
}

static int create(struct sim_kernel *k, const void *fdt, int overlay)
{
	int node = fdt_subnode_offset(fdt, overlay, "instance-create"), resources, id = -1, len;
	const char *name;
	const void *p;

	if (node < 0)
		return 0;
	name = sim_prop_text(fdt, node, "instance-name");
	resources = fdt_subnode_offset(fdt, node, "resources");
	if (!name || !*name || strchr(name, '/') || resources < 0)
		return -EINVAL;
	p = fdt_getprop(fdt, node, "id", &len);
	if (p && len >= 4) {
		id = (int)mk_be32(p);
	}
	if (sim_instance_named(k, name) || (id >= 0 && sim_instance_of(k, id)))
		return -EEXIST;
	len = sim_fault(&k->faults, "instance-create", "");
	return len ? len : sim_instance_create(k, name, id, fdt, resources, -1);
}

static int destroy(struct sim_kernel *k, const void *fdt, int overlay, const char *op)
{
	int node = fdt_subnode_offset(fdt, overlay, op), error;
	bool undo = !strcmp(op, "instance-create");
	struct sim_instance *x;
	const char *name;

	if (node < 0)
		return 0;
	name = sim_prop_text(fdt, node, "instance-name");
	if (!name)
		return -EINVAL;
	x = sim_instance_named(k, name);
	if (!x)
		return undo ? 0 : -ENOENT;
	error = sim_fault(&k->faults, "instance-remove", "");
	return error ? error : sim_instance_destroy(k, x);
}

struct step {
	const char *op;
	enum what what;
	bool give;
};

static const struct step steps[] = {
	{"memory-remove", MEMORY, false}, {"memory-add", MEMORY, true},
	{"cpu-remove", CPU, false},	  {"cpu-add", CPU, true},
	{"device-remove", DEVICE, false}, {"device-add", DEVICE, true},
};

int sim_old_walk(struct sim_kernel *k, struct sim_tx *tx, bool undo)
{
	const int n = sizeof steps / sizeof *steps;
	int fragment, overlay, i, error = 0;

	fragment = fdt_subnode_offset(tx->fdt, 0, "fragment@0");
	if (fragment < 0)
		return -EINVAL;
	overlay = fdt_subnode_offset(tx->fdt, fragment, "__overlay__");
	if (overlay < 0)
		return -EINVAL;
	if (!undo)
		error = create(k, tx->fdt, overlay);
	for (i = 0; i < n && !error; i++) {
		const struct step *s = &steps[undo ? n - 1 - i : i];

		error = items(k, tx->fdt, overlay, s->op, s->what, s->give != undo);
	}
	if (error)
		return error;
	return destroy(k, tx->fdt, overlay, undo ? "instance-create" : "instance-remove");
}
