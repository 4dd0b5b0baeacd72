/* SPDX-License-Identifier: Apache-2.0 */
/* instance: making and destroying instances. */
#include <errno.h>
#include <libfdt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "num.h"

const char *sim_state_word(enum sim_state s)
{
	static const char *const word[] = {"empty", "ready", "loaded", "active", "failed"};

	return word[s];
}

struct sim_instance *sim_instance_named(const struct sim_kernel *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n_instances; i++)
		if (!strcmp(k->instance[i]->name, name))
			return k->instance[i];
	return NULL;
}

struct sim_instance *sim_instance_of(const struct sim_kernel *k, int id)
{
	size_t i;

	for (i = 0; i < k->n_instances; i++)
		if (k->instance[i]->id == id)
			return k->instance[i];
	return NULL;
}

struct sim_instance *sim_instance_serial(const struct sim_kernel *k, uint64_t serial)
{
	size_t i;

	for (i = 0; i < k->n_instances; i++)
		if (k->instance[i]->serial == serial)
			return k->instance[i];
	return NULL;
}

/* What resources { } of a create asks for. */
struct wanted {
	uint64_t memory;
	int node;
	struct sim_ids cpus;
	struct sim_pcis pci;
	struct sim_plats platform;
};

static void wanted_free(struct wanted *w)
{
	free(w->cpus.id);
	free(w->pci.d);
	free(w->platform.d);
}

static int wanted_memory(const void *fdt, int resources, struct wanted *w)
{
	const void *p;
	int len;

	p = fdt_getprop(fdt, resources, "memory-bytes", &len);
	if (!p)
		return 0;
	if (len != 8)
		return -EINVAL;
	w->memory = mk_be64(p);
	return !w->memory || w->memory % SIM_PAGE_BYTES ? -EINVAL : 0;
}

static int wanted_cpus(const void *fdt, int resources, struct wanted *w)
{
	const char *p;
	int len, i;

	p = fdt_getprop(fdt, resources, "cpus", &len);
	if (!p)
		return 0;
	if (len % 8 || !len)
		return -EINVAL;
	for (i = 0; i < len; i += 8)
		sim_ids_add(&w->cpus, mk_be64(p + i));
	return 0;
}

/* Of the nodes listed the kernel reads the first alone. ABI 1 does not know the property. */
static int wanted_node(const struct sim_kernel *k, const void *fdt, int resources, struct wanted *w)
{
	const void *p;
	uint32_t node;
	int len;

	w->node = SIM_ANY_NODE;
	p = fdt_getprop(fdt, resources, "numa-nodes", &len);
	if (!p || k->abi == 1)
		return 0;
	if (len < 4 || len % 4)
		return -EINVAL;
	node = mk_be32(p);
	if (node >= SIM_MAX_NODES)
		return -EINVAL;
	w->node = (int)node;
	return 0;
}

static int wanted_parse(struct sim_kernel *k, const void *fdt, int resources, struct wanted *w)
{
	int error;

	error = wanted_memory(fdt, resources, w);
	if (!error)
		error = wanted_cpus(fdt, resources, w);
	if (!error)
		error = wanted_node(k, fdt, resources, w);
	if (!error)
		error = sim_devices_parse(k, fdt, resources, false, &w->pci, &w->platform);
	return error;
}

/* A chosen { } of a create may hold multikernel,host-tree and nothing else. */
static int parse_chosen(const void *fdt, int chosen, struct sim_instance *x)
{
	int node, len;

	if (chosen < 0)
		return 0;
	if (fdt_first_property_offset(fdt, chosen) >= 0)
		return -EINVAL;
	fdt_for_each_subnode(node, fdt, chosen)
	{
		const char *name = fdt_get_name(fdt, node, &len);

		if (!name || strcmp(name, "multikernel,host-tree"))
			return -EINVAL;
		free(x->host_tree);
		x->host_tree = sim_tree_copy(fdt, node, SIM_HOST_TREE_MAX);
		if (!x->host_tree)
			return -EINVAL;
	}
	return 0;
}

static void add_region(struct sim_instance *x, size_t at, uint64_t base, uint64_t size, bool added)
{
	x->region = sim_more(x->region, x->n_regions, &x->regions_cap, sizeof *x->region);
	memmove(x->region + at + 1, x->region + at, (x->n_regions - at) * sizeof *x->region);
	x->region[at] = (struct sim_region){.base = base, .size = size, .added = added};
	x->n_regions++;
}

static void free_memory(struct sim_kernel *k, struct sim_instance *x)
{
	size_t i;

	for (i = 0; i < x->n_regions; i++) {
		if (x->region[i].added && sim_trap_set(&k->faults, 22))
			continue; /* what memory-add has brought does not go back */
		sim_pool_free(k, x->region[i].base, x->region[i].size);
	}
	x->n_regions = 0;
}

/*
 * Memory comes in one piece where the pool has it, in several where it is
 * fragmented. The list that they end up in has the newest at its head.
 */
static int reserve_memory(struct sim_kernel *k, struct sim_instance *x, const struct wanted *w)
{
	uint64_t left = w->memory, size, base;
	size_t i;

	if (!left)
		return 0;
	if (left > sim_pool_avail(k))
		return -ENOMEM;
	while (left) {
		size = left;
		base = sim_pool_alloc(k, size, w->node);
		while (!base && size > SIM_PAGE_BYTES) {
			size = size / 2 / SIM_PAGE_BYTES * SIM_PAGE_BYTES;
			base = sim_pool_alloc(k, size, w->node);
		}
		if (!base) {
			free_memory(k, x);
			return -ENOMEM;
		}
		add_region(x, 0, base, size, false);
		left -= size;
	}
	for (i = 0; i < x->n_regions; i++)
		x->region[i].number = (unsigned)i;
	x->region_count = (unsigned)x->n_regions;
	return 0;
}

int sim_region_add(struct sim_kernel *k, struct sim_instance *x, uint64_t size, int node)
{
	uint64_t base = sim_pool_alloc(k, size, node);

	if (!base)
		return -ENOMEM;
	add_region(x, x->n_regions, base, size, true);
	x->region[x->n_regions - 1].number = x->region_count++;
	return 0;
}

/* All or none, and none is only a warning: the instance is made all the same (T7). */
static void reserve_devices(struct sim_kernel *k, struct sim_instance *x, struct wanted *w)
{
	struct sim_pci *p;
	size_t i;

	for (i = 0; i < w->pci.n; i++) {
		p = sim_pci_find(&k->pci, &w->pci.d[i]);
		if (!p || p->vendor != w->pci.d[i].vendor || p->device != w->pci.d[i].device)
			break;
	}
	if (i == w->pci.n)
		for (i = 0; i < w->pci.n; i++) {
			p = sim_pci_find(&k->pci, &w->pci.d[i]);
			if (!p)
				continue; /* the same one twice in a request */
			sim_pci_add(&x->pci, *p);
			sim_pci_del(&k->pci, p);
		}
	for (i = 0; i < w->platform.n; i++)
		if (!sim_plat_find(&k->platform, w->platform.d[i].name))
			return;
	for (i = 0; i < w->platform.n; i++) {
		struct sim_plat *q = sim_plat_find(&k->platform, w->platform.d[i].name);

		if (!q)
			continue;
		sim_plat_add(&x->platform, *q);
		sim_plat_del(&k->platform, q);
	}
}

/* The smallest that is free: among one more than there are instances there is one. */
static int next_id(const struct sim_kernel *k)
{
	bool *used = sim_new(k->n_instances + 2);
	size_t i, id;

	for (i = 0; i < k->n_instances; i++)
		if ((size_t)k->instance[i]->id <= k->n_instances)
			used[k->instance[i]->id] = true;
	for (id = 1; used[id]; id++)
		;
	free(used);
	return (int)id;
}

/* Of one without an image: what has one cannot be destroyed. */
static void instance_free(struct sim_instance *x)
{
	free(x->name);
	free(x->cpus.id);
	free(x->region);
	free(x->pci.d);
	free(x->platform.d);
	free(x->host_tree);
	free(x);
}

int sim_instance_create(struct sim_kernel *k, const char *name, int id, const void *fdt,
			int resources, int chosen)
{
	struct wanted w = {0};
	struct sim_instance *x = sim_new(sizeof *x);
	int error;

	x->name = sim_str(name);
	x->state = SIM_READY;
	error = wanted_parse(k, fdt, resources, &w);
	if (!error && k->abi == 2)
		error = parse_chosen(fdt, chosen, x);
	if (!error && strlen(name) > NAME_MAX)
		error = -ENAMETOOLONG;
	if (!error && id == 0)
		error = -ENOMEM; /* sic: T8 */
	if (!error) {
		x->id = id < 0 ? next_id(k) : id;
		error = reserve_memory(k, x, &w);
	}
	if (error) {
		wanted_free(&w);
		instance_free(x);
		return error;
	}
	if (w.cpus.n && !sim_trap(&k->faults, 7))
		sim_cpus_give(k, x, &w.cpus); /* a refusal is only a warning: T7 */
	reserve_devices(k, x, &w);
	wanted_free(&w);
	x->serial = ++k->next_serial;
	k->instance = sim_more(k->instance, k->n_instances, &k->instances_cap, sizeof *k->instance);
	k->instance[k->n_instances++] = x;
	return 0;
}

int sim_instance_destroy(struct sim_kernel *k, struct sim_instance *x)
{
	size_t i;

	if (x->state == SIM_ACTIVE || x->state == SIM_LOADED)
		return -EBUSY;
	if (x->life != SIM_PARKED)
		sim_violation(k, "instance %s was removed while its kernel runs", x->name);
	sim_cpus_return(k, x);
	for (i = 0; i < x->pci.n; i++)
		sim_pci_add(&k->pci, x->pci.d[i]);
	for (i = 0; i < x->platform.n; i++)
		sim_plat_add(&k->platform, x->platform.d[i]);
	free_memory(k, x);
	for (i = 0; k->instance[i] != x; i++)
		;
	memmove(k->instance + i, k->instance + i + 1, (--k->n_instances - i) * sizeof *k->instance);
	instance_free(x);
	sim_changed(k);
	return 0;
}
