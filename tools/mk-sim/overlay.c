/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay: the operations of an overlay of ABI 2, and their inverses (those of
 * ABI 1 are in overlay_old.c). What was done before an error stays done (T2).
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "num.h"
#include "props.h"

enum target_kind { TO_POOL, TO_INSTANCE, TO_INSTANCES };

struct target {
	enum target_kind kind;
	uint64_t serial; /* of the instance: it may go while an operation waits */
};

enum op {
	CREATE,
	MEMORY_REMOVE,
	MEMORY_ADD,
	CPU_REMOVE,
	CPU_ADD,
	DEVICE_REMOVE,
	DEVICE_ADD,
	REMOVE,
	OPS
};

static const char *const op_name[OPS] = {"instance-create", "memory-remove",  "memory-add",
					 "cpu-remove",	    "cpu-add",	      "device-remove",
					 "device-add",	    "instance-remove"};

/* What gives comes before what takes; the pool's memory leaves after the CPUs that wait on it. */
static const enum op order[OPS] = {CREATE,  MEMORY_REMOVE, MEMORY_ADD, CPU_REMOVE,
				   CPU_ADD, DEVICE_REMOVE, DEVICE_ADD, REMOVE};
static const enum op pool_order[OPS] = {CREATE,	    CPU_REMOVE, DEVICE_REMOVE, MEMORY_REMOVE,
					MEMORY_ADD, CPU_ADD,	DEVICE_ADD,    REMOVE};

/* ---------------------------------------------------------------- items */

static int get_reg(const void *fdt, int item, uint64_t *base, uint64_t *size)
{
	int len;
	const char *p = fdt_getprop(fdt, item, "reg", &len);

	if (!p || len != 16)
		return -EINVAL;
	*base = mk_be64(p);
	*size = mk_be64(p + 8);
	return 0;
}

static int get_size(const void *fdt, int item, uint64_t *size)
{
	int len;
	const char *p = fdt_getprop(fdt, item, "size", &len);

	if (!p || len != 8)
		return -EINVAL;
	*size = mk_be64(p);
	return !*size || *size % SIM_PAGE_BYTES ? -EINVAL : 0;
}

static int get_node(const void *fdt, int item, int *node)
{
	uint32_t id;
	int given = sim_prop_cell(fdt, item, "numa-node-id", &id);

	*node = SIM_ANY_NODE;
	if (given <= 0)
		return given;
	if (id >= SIM_MAX_NODES)
		return -EINVAL;
	*node = (int)id;
	return 0;
}

/* One 64-bit cell, or one of 32 bits. */
static int get_cpu(const void *fdt, int item, uint64_t *id)
{
	int len;
	const char *p = fdt_getprop(fdt, item, "reg", &len);

	if (!p || (len != 4 && len != 8))
		return -EINVAL;
	*id = len == 8 ? mk_be64(p) : mk_be32(p);
	return 0;
}

/* ---------------------------------------------------------------- operations on items */

static struct sim_instance *holder(const struct sim_kernel *k, const struct target *t)
{
	return sim_instance_serial(k, t->serial);
}

static int pool_memory_add(struct sim_kernel *k, const void *fdt, int item, int node, bool undo)
{
	uint64_t size;
	int len, error;

	if (fdt_getprop(fdt, item, "reg", &len))
		return -EINVAL;
	error = get_size(fdt, item, &size);
	if (error || undo) /* nobody has noted where the chunk was put: it stays */
		return error;
	error = sim_pool_grow(k, size, node);
	return error ? error : sim_park_setup(k);
}

/* The chunk with the park area goes once every CPU is home; what is left must hold a new one. */
static int pool_memory_remove(struct sim_kernel *k, uint64_t base, uint64_t size)
{
	int error = sim_pool_shrink(k, base, size);

	if (error != -EBUSY || !sim_park_uses(k, base, size))
		return error;
	error = sim_park_teardown(k);
	if (error)
		return error;
	error = sim_pool_shrink(k, base, size);
	if (error) {
		sim_park_setup(k);
		return error;
	}
	error = sim_park_setup(k);
	return error == -ENODEV ? 0 : error;
}

static int memory_item(struct sim_kernel *k, const void *fdt, int item, const struct target *t,
		       bool add, bool undo)
{
	uint64_t base, size;
	int node, error;

	error = get_node(fdt, item, &node);
	if (!error && t->kind == TO_POOL && add)
		return pool_memory_add(k, fdt, item, node, undo);
	if (!error)
		error = get_reg(fdt, item, &base, &size);
	if (error)
		return error;
	if (t->kind == TO_POOL) {
		if (!undo)
			return pool_memory_remove(k, base, size);
		error = sim_pool_grow(k, size, node); /* as much, but elsewhere */
		return error ? error : sim_park_setup(k);
	}
	if (!holder(k, t))
		return -ENODEV;
	return add != undo ? sim_memory_give(k, holder(k, t), base, size, node)
			   : sim_memory_take(k, holder(k, t), base, size);
}

static int cpu_item(struct sim_kernel *k, const void *fdt, int item, const struct target *t,
		    bool give)
{
	uint64_t id;
	int node, error;

	error = get_cpu(fdt, item, &id);
	if (!error)
		error = get_node(fdt, item, &node);
	if (error)
		return error;
	if (t->kind == TO_POOL)
		return give ? sim_cpu_to_pool(k, id) : sim_cpu_to_host(k, id);
	if (!holder(k, t))
		return -ENODEV;
	return give ? sim_cpu_give(k, holder(k, t), id) : sim_cpu_take(k, holder(k, t), id);
}

static int device_item(struct sim_kernel *k, const void *fdt, int item, const struct target *t,
		       bool give)
{
	const char *text = sim_prop_string(fdt, item, "pci-id"),
		   *alias = sim_prop_string(fdt, item, "alias");
	struct sim_pci p = {0};

	if (!text || sim_pci_address(text, &p))
		return -EINVAL;
	if (alias)
		snprintf(p.alias, sizeof p.alias, "%s", alias);
	if (t->kind == TO_POOL)
		return give ? sim_device_to_pool(k, &p) : sim_device_to_host(k, &p);
	if (!holder(k, t))
		return -ENODEV;
	return give ? sim_device_give(k, holder(k, t), &p) : sim_device_take(k, holder(k, t), &p);
}

static const char *item_prefix(enum op op)
{
	if (op == CPU_ADD || op == CPU_REMOVE)
		return "cpu@";
	return op == DEVICE_ADD || op == DEVICE_REMOVE ? "pci@" : "memory@";
}

static int items(struct sim_kernel *k, const void *fdt, int node, const struct target *t,
		 enum op op, bool undo)
{
	bool add = op == MEMORY_ADD || op == CPU_ADD || op == DEVICE_ADD;
	const char *prefix = item_prefix(op);
	int item, len, error;

	if (t->kind == TO_INSTANCES)
		return -EINVAL;
	fdt_for_each_subnode(item, fdt, node)
	{
		const char *name = fdt_get_name(fdt, item, &len);

		if (!name || strncmp(name, prefix, strlen(prefix)))
			continue;
		error = sim_fault(&k->faults, op_name[op], "");
		if (error)
			return error;
		if (op == MEMORY_ADD || op == MEMORY_REMOVE)
			error = memory_item(k, fdt, item, t, add, undo);
		else if (op == CPU_ADD || op == CPU_REMOVE)
			error = cpu_item(k, fdt, item, t, add != undo);
		else
			error = device_item(k, fdt, item, t, add != undo);
		if (error)
			return error;
	}
	return 0;
}

/* ---------------------------------------------------------------- instances */

static const char *instance_name(const void *fdt, int node)
{
	const char *name = sim_prop_string(fdt, node, "instance-name");

	return !name || !*name || strchr(name, '/') ? NULL : name;
}

static int op_create(struct sim_kernel *k, const void *fdt, int node)
{
	const char *name = instance_name(fdt, node);
	int resources, id = -1;
	uint32_t cell;

	if (!name)
		return -EINVAL;
	if (sim_prop_cell(fdt, node, "id", &cell) > 0)
		id = (int)cell;
	resources = fdt_subnode_offset(fdt, node, "resources");
	if (resources < 0)
		return -EINVAL;
	if (sim_instance_named(k, name))
		return -EEXIST;
	if (id >= 0 && sim_instance_of(k, id))
		return -EEXIST;
	return sim_instance_create(k, name, id, fdt, resources,
				   fdt_subnode_offset(fdt, node, "chosen"));
}

/* By name, whoever bears it now. */
static int op_destroy(struct sim_kernel *k, const void *fdt, int node, bool undo)
{
	const char *name = instance_name(fdt, node);
	struct sim_instance *x;

	if (!name)
		return -EINVAL;
	x = sim_instance_named(k, name);
	if (!x)
		return undo ? 0 : -ENOENT;
	return sim_instance_destroy(k, x);
}

static int run_op(struct sim_kernel *k, const void *fdt, int overlay, const struct target *t,
		  enum op op, bool undo)
{
	int node = fdt_subnode_offset(fdt, overlay, op_name[op]), error;

	if (node < 0)
		return 0;
	if (op != CREATE && op != REMOVE)
		return items(k, fdt, node, t, op, undo);
	if (t->kind != TO_INSTANCES)
		return -EINVAL;
	error = sim_fault(&k->faults, op_name[op], "");
	if (error)
		return error;
	if (op == CREATE)
		return undo ? op_destroy(k, fdt, node, true) : op_create(k, fdt, node);
	if (undo) /* it cannot be brought back, and that is no error */
		return instance_name(fdt, node) ? 0 : -EINVAL;
	return op_destroy(k, fdt, node, false);
}

/* ---------------------------------------------------------------- fragments */

static int resolve(const struct sim_kernel *k, const void *fdt, int fragment, struct target *t)
{
	const char *path = sim_prop_string(fdt, fragment, "target-path"), *name;
	struct sim_instance *x;

	*t = (struct target){.kind = TO_INSTANCES};
	if (!path)
		return -EINVAL;
	if (!strcmp(path, "/resources")) {
		t->kind = TO_POOL;
		return k->baseline ? 0 : -EPERM;
	}
	if (!strcmp(path, "/instances"))
		return 0;
	if (strncmp(path, "/instances/", 11))
		return -EINVAL;
	name = path + 11;
	if (!*name || strchr(name, '/'))
		return -EINVAL;
	x = sim_instance_named(k, name);
	if (!x)
		return -ENOENT;
	t->kind = TO_INSTANCE;
	t->serial = x->serial;
	return 0;
}

static int walk_fragment(struct sim_kernel *k, const void *fdt, int fragment, bool undo)
{
	struct target t;
	const enum op *ops;
	int overlay, i, error;

	error = resolve(k, fdt, fragment, &t);
	if (error)
		return error;
	overlay = fdt_subnode_offset(fdt, fragment, "__overlay__");
	if (overlay < 0)
		return -EINVAL;
	ops = t.kind == TO_POOL ? pool_order : order;
	for (i = 0; i < OPS && !error; i++)
		error = run_op(k, fdt, overlay, &t, ops[undo ? OPS - 1 - i : i], undo);
	return error;
}

struct fragment {
	uint32_t unit;
	int node, at; /* at: so that equal units keep their order */
};

static int by_unit(const void *a, const void *b)
{
	const struct fragment *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->at - y->at;
}

/* kstrtou32(.., 16): an optional 0x, digits, nothing behind but one newline. */
static int get_unit(const char *s, uint32_t *unit)
{
	unsigned long long v = 0;
	const char *from;

	if (*s == '+')
		s++;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	for (from = s; *s && strchr("0123456789abcdefABCDEF", *s); s++) {
		v = v * 16 + (unsigned long long)(*s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10);
		if (v > UINT32_MAX)
			return -EINVAL;
	}
	if (s == from || (*s && strcmp(s, "\n")))
		return -EINVAL;
	*unit = (uint32_t)v;
	return 0;
}

static int collect(const void *fdt, struct fragment **out, size_t *n)
{
	size_t cap = 0;
	int node, len;

	*out = NULL;
	*n = 0;
	fdt_for_each_subnode(node, fdt, 0)
	{
		const char *name = fdt_get_name(fdt, node, &len);

		if (!name || strncmp(name, "fragment@", 9))
			continue;
		*out = sim_more(*out, *n, &cap, sizeof **out);
		(*out)[*n] = (struct fragment){.node = node, .at = (int)*n};
		if (get_unit(name + 9, &(*out)[*n].unit)) {
			free(*out);
			return -EINVAL;
		}
		++*n;
	}
	if (!*n)
		return -EINVAL;
	qsort(*out, *n, sizeof **out, by_unit);
	return 0;
}

int sim_overlay_walk(struct sim_kernel *k, struct sim_tx *tx, bool undo)
{
	struct fragment *f;
	size_t n, i;
	int error;

	if (k->abi == 1)
		return sim_old_walk(k, tx, undo);
	error = collect(tx->fdt, &f, &n);
	if (error)
		return error;
	for (i = 0; i < n && !error; i++)
		error = walk_fragment(k, tx->fdt, f[undo ? n - 1 - i : i].node, undo);
	free(f);
	return error;
}

int sim_overlay_first(const void *fdt)
{
	struct fragment *f;
	size_t n;
	int node;

	if (collect(fdt, &f, &n))
		return -1;
	node = f[0].node;
	free(f);
	return node;
}
