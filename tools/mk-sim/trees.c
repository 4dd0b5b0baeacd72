/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trees: the device trees that the kernel makes of what it knows, each time
 * that one is read. ABI 2: dts.c of the kernel's newer branches; ABI 1: the
 * flat form with memory-base, an instance's name at the root.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

enum { FIRST_BYTES = 4096, LAST_BYTES = 64 << 10 };

static int put_string(void *fdt, const char *name, const char *s)
{
	return fdt_property(fdt, name, s, (int)strlen(s) + 1);
}

static int put_ids(void *fdt, const char *name, const struct sim_ids *ids)
{
	fdt64_t *cell;
	size_t i;
	int error;

	if (!ids->n)
		return 0;
	cell = sim_new(ids->n * sizeof *cell);
	for (i = 0; i < ids->n; i++)
		cell[i] = cpu_to_fdt64(ids->id[i]);
	error = fdt_property(fdt, name, cell, (int)(ids->n * sizeof *cell));
	free(cell);
	return error;
}

/* The pool has what is free and what instances hold. */
static int put_members(struct sim_kernel *k, void *fdt)
{
	struct sim_ids all = {0};
	size_t i, c;
	int error;

	for (i = 0; i < k->pool.n; i++)
		sim_ids_add(&all, k->pool.id[i]);
	for (i = 0; i < k->n_instances; i++)
		for (c = 0; c < k->instance[i]->cpus.n; c++)
			sim_ids_add(&all, k->instance[i]->cpus.id[c]);
	error = put_ids(fdt, "cpus", &all);
	free(all.id);
	return error;
}

static int put_chunk(void *fdt, const struct sim_chunk *c)
{
	fdt64_t reg[2] = {cpu_to_fdt64(c->base), cpu_to_fdt64(c->size)};
	char name[40];
	int error;

	snprintf(name, sizeof name, "memory@%llx", (unsigned long long)c->base);
	error = fdt_begin_node(fdt, name);
	if (!error)
		error = put_string(fdt, "device_type", "memory");
	if (!error)
		error = fdt_property(fdt, "reg", reg, sizeof reg);
	if (!error)
		error = fdt_property_u32(fdt, "numa-node-id", c->node);
	return error ? error : fdt_end_node(fdt);
}

static int put_span(void *fdt, uint64_t base, uint64_t bytes)
{
	int error;

	if (!bytes)
		return 0;
	error = fdt_property_u64(fdt, "memory-base", base);
	return error ? error : fdt_property_u64(fdt, "memory-bytes", bytes);
}

static int put_memory(void *fdt, const struct sim_instance *x)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < x->n_regions; i++)
		bytes += x->region[i].size;
	return put_span(fdt, x->n_regions ? x->region[0].base : 0, bytes);
}

static int put_platform(void *fdt, const struct sim_plat *p)
{
	int error;

	error = fdt_begin_node(fdt, p->name);
	if (!error)
		error = put_string(fdt, "device-type", "platform");
	if (!error && p->name[0])
		error = put_string(fdt, "device-name", p->name);
	if (!error && p->hid[0])
		error = put_string(fdt, "acpi-hid", p->hid);
	return error ? error : fdt_end_node(fdt);
}

static int put_old_pci(void *fdt, const struct sim_pci *p)
{
	char id[24], name[48];
	int error;

	snprintf(id, sizeof id, "%04x:%02x:%02x.%x", p->domain, p->bus, p->slot, p->func);
	snprintf(name, sizeof name, "%s", p->alias[0] ? p->alias : id);
	error = fdt_begin_node(fdt, name);
	if (!error)
		error = put_string(fdt, "device-type", "pci");
	if (!error)
		error = put_string(fdt, "pci-id", id);
	if (!error)
		error = fdt_property_u32(fdt, "vendor-id", p->vendor);
	if (!error)
		error = fdt_property_u32(fdt, "device-id", p->device);
	return error ? error : fdt_end_node(fdt);
}

/* resources/devices: platform devices; by ABI 1 the PCI devices as well. */
static int put_devices(const struct sim_kernel *k, void *fdt, const struct sim_pcis *pci,
		       const struct sim_plats *platform)
{
	size_t i, n_pci = k->abi == 1 ? pci->n : 0;
	int error = 0;

	if (!platform->n && !n_pci)
		return 0;
	error = fdt_begin_node(fdt, "devices");
	for (i = 0; i < n_pci && !error; i++)
		error = put_old_pci(fdt, &pci->d[i]);
	for (i = 0; i < platform->n && !error; i++)
		error = put_platform(fdt, &platform->d[i]);
	return error ? error : fdt_end_node(fdt);
}

/* ---------------------------------------------------------------- PCI, ABI 2 */

static int put_address(void *fdt, const struct sim_pci *p)
{
	fdt32_t reg[5] = {0};

	reg[0] = cpu_to_fdt32((uint32_t)p->bus << 16 | (uint32_t)(p->slot << 3 | p->func) << 8);
	return fdt_property(fdt, "reg", reg, sizeof reg);
}

/* Each bus of the machine is a root bus of its own: there are no bridges. */
static int put_aliases(void *fdt, const struct sim_pcis *pci)
{
	bool open = false;
	char path[64];
	size_t i;
	int error = 0;

	for (i = 0; i < pci->n && !error; i++) {
		const struct sim_pci *p = &pci->d[i];

		if (!p->alias[0])
			continue;
		if (!open)
			error = fdt_begin_node(fdt, "aliases");
		open = true;
		snprintf(path, sizeof path, "/pci@%x/pci@%x,%x", p->bus, p->slot, p->func);
		if (!error)
			error = put_string(fdt, p->alias, path);
	}
	return error || !open ? error : fdt_end_node(fdt);
}

static int put_function(void *fdt, const struct sim_pci *p)
{
	char name[24];
	int error;

	snprintf(name, sizeof name, "pci@%x,%x", p->slot, p->func);
	error = fdt_begin_node(fdt, name);
	if (!error)
		error = put_address(fdt, p);
	if (!error)
		error = fdt_property_u32(fdt, "vendor-id", p->vendor);
	if (!error)
		error = fdt_property_u32(fdt, "device-id", p->device);
	return error ? error : fdt_end_node(fdt);
}

static int begin_bridge(void *fdt, const struct sim_pci *p)
{
	fdt32_t range[2] = {cpu_to_fdt32(p->bus), cpu_to_fdt32(p->bus)};
	char name[24];
	int error;

	snprintf(name, sizeof name, "pci@%x", p->bus);
	error = fdt_begin_node(fdt, name);
	if (!error)
		error = put_string(fdt, "compatible", "multikernel,pci-host-bridge");
	if (!error)
		error = put_string(fdt, "device_type", "pci");
	if (!error)
		error = fdt_property_u32(fdt, "#address-cells", 3);
	if (!error)
		error = fdt_property_u32(fdt, "#size-cells", 2);
	if (!error)
		error = fdt_property_u32(fdt, "linux,pci-domain", p->domain);
	return error ? error : fdt_property(fdt, "bus-range", range, sizeof range);
}

static bool same_bus(const struct sim_pci *a, const struct sim_pci *b)
{
	return a->domain == b->domain && a->bus == b->bus;
}

static int put_bridges(void *fdt, const struct sim_pcis *pci)
{
	size_t i, j;
	int error = 0;

	for (i = 0; i < pci->n && !error; i++) {
		for (j = 0; j < i && !same_bus(&pci->d[j], &pci->d[i]); j++)
			;
		if (j < i)
			continue;
		error = begin_bridge(fdt, &pci->d[i]);
		for (j = i; j < pci->n && !error; j++)
			if (same_bus(&pci->d[j], &pci->d[i]))
				error = put_function(fdt, &pci->d[j]);
		if (!error)
			error = fdt_end_node(fdt);
	}
	return error;
}

/* ---------------------------------------------------------------- copies */

static int copy_node(const void *from, int node, void *fdt)
{
	int p, child, len, error = 0;

	fdt_for_each_property_offset(p, from, node)
	{
		const char *name;
		const void *data = fdt_getprop_by_offset(from, p, &name, &len);

		if (!data)
			return -FDT_ERR_BADSTRUCTURE;
		error = fdt_property(fdt, name, data, len);
		if (error)
			return error;
	}
	fdt_for_each_subnode(child, from, node)
	{
		const char *name = fdt_get_name(from, child, &len);

		if (!name)
			return -FDT_ERR_BADSTRUCTURE;
		error = fdt_begin_node(fdt, name);
		if (!error)
			error = copy_node(from, child, fdt);
		if (!error)
			error = fdt_end_node(fdt);
		if (error)
			return error;
	}
	return 0;
}

static int begin_tree(void *fdt, int bytes, const char *root)
{
	int error = fdt_create(fdt, bytes);

	if (!error)
		error = fdt_finish_reservemap(fdt);
	return error ? error : fdt_begin_node(fdt, root);
}

static int end_tree(void *fdt)
{
	int error = fdt_end_node(fdt);

	return error ? error : fdt_finish(fdt);
}

char *sim_tree_copy(const void *fdt, int node, size_t max)
{
	char *copy = sim_new(max);
	int error = begin_tree(copy, (int)max, "");

	if (!error)
		error = copy_node(fdt, node, copy);
	if (!error)
		error = end_tree(copy);
	if (!error)
		return copy;
	free(copy);
	return NULL;
}

static int put_chosen(void *fdt, const struct sim_instance *x)
{
	int error;

	if (!x->host_tree)
		return 0;
	error = fdt_begin_node(fdt, "chosen");
	if (!error)
		error = fdt_begin_node(fdt, "multikernel,host-tree");
	if (!error)
		error = copy_node(x->host_tree, 0, fdt);
	if (!error)
		error = fdt_end_node(fdt);
	return error ? error : fdt_end_node(fdt);
}

/* ---------------------------------------------------------------- whole trees */

static int emit_instance(struct sim_kernel *k, const struct sim_instance *x, void *fdt, int bytes)
{
	int error = begin_tree(fdt, bytes, k->abi == 1 ? x->name : "");

	if (!error)
		error = put_string(fdt, "compatible", "multikernel-v1");
	if (k->abi == 2) {
		if (!error)
			error = put_string(fdt, "model", x->name);
		if (!error)
			error = fdt_property_u32(fdt, "#address-cells", 2);
		if (!error)
			error = fdt_property_u32(fdt, "#size-cells", 2);
	}
	if (!error)
		error = fdt_property_u32(fdt, "id", (uint32_t)x->id);
	if (!error)
		error = fdt_begin_node(fdt, "resources");
	if (!error)
		error = put_memory(fdt, x);
	if (!error)
		error = put_ids(fdt, "cpus", &x->cpus);
	if (!error)
		error = put_devices(k, fdt, &x->pci, &x->platform);
	if (!error)
		error = fdt_end_node(fdt);
	if (k->abi == 2) {
		if (!error)
			error = put_aliases(fdt, &x->pci);
		if (!error)
			error = put_bridges(fdt, &x->pci);
		if (!error)
			error = put_chosen(fdt, x);
	}
	return error ? error : end_tree(fdt);
}

/* Without a pool the root is the host: its CPUs. */
static int put_host_cpus(struct sim_kernel *k, void *fdt)
{
	struct sim_ids own = {0};
	size_t i;
	int error;

	for (i = 0; i < k->m.n_cpus; i++)
		if (k->m.cpu[i].online)
			sim_ids_add(&own, k->m.cpu[i].id);
	error = put_ids(fdt, "cpus", &own);
	free(own.id);
	return error;
}

static int put_pool(struct sim_kernel *k, void *fdt)
{
	size_t i;
	int error;

	if (!k->baseline)
		return put_host_cpus(k, fdt);
	if (k->abi == 1) {
		error = put_span(fdt, k->pool_base, k->pool_bytes);
		return error ? error : put_ids(fdt, "cpus", &k->pool);
	}
	error = put_members(k, fdt);
	if (!error)
		error = put_ids(fdt, "cpus-available", &k->pool);
	for (i = 0; i < k->n_chunks && !error; i++)
		error = put_chunk(fdt, k->chunk[i]);
	return error;
}

static int emit_root(struct sim_kernel *k, void *fdt, int bytes)
{
	int error = begin_tree(fdt, bytes, "");

	if (!error)
		error = put_string(fdt, "compatible", "multikernel-v1");
	if (k->abi == 2) {
		if (!error)
			error = fdt_property_u32(fdt, "#address-cells", 2);
		if (!error)
			error = fdt_property_u32(fdt, "#size-cells", 2);
	}
	if (!error)
		error = fdt_property_u32(fdt, "id", 0);
	if (!error)
		error = fdt_begin_node(fdt, "resources");
	if (!error)
		error = put_pool(k, fdt);
	if (!error)
		error = put_devices(k, fdt, &k->pci, &k->platform);
	if (!error)
		error = fdt_end_node(fdt);
	if (k->abi == 2) {
		if (!error)
			error = put_aliases(fdt, &k->pci);
		if (!error)
			error = put_bridges(fdt, &k->pci);
	}
	return error ? error : end_tree(fdt);
}

/* In buffers that double, up to a limit. NULL: the tree is too large. */
static char *generate(struct sim_kernel *k, const struct sim_instance *x, size_t *bytes)
{
	int room, error;
	void *fdt;

	for (room = FIRST_BYTES; room <= LAST_BYTES; room *= 2) {
		fdt = sim_new((size_t)room);
		error = x ? emit_instance(k, x, fdt, room) : emit_root(k, fdt, room);
		if (!error) {
			*bytes = fdt_totalsize(fdt);
			return fdt;
		}
		free(fdt);
		if (error != -FDT_ERR_NOSPACE)
			break;
	}
	return NULL;
}

char *sim_tree_root(struct sim_kernel *k, size_t *bytes)
{
	return generate(k, NULL, bytes);
}

char *sim_tree_instance(struct sim_kernel *k, const struct sim_instance *x, size_t *bytes)
{
	return generate(k, x, bytes);
}
