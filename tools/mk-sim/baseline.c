/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline: a write to device_tree: what the host gives into the pool. Nothing
 * is undone when a part of it fails (T16).
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "num.h"
#include "props.h"

struct request {
	uint64_t size;
	int node;
};

struct baseline {
	struct sim_ids cpus;
	struct request *memory;
	size_t n, cap;
	struct sim_pcis pci;
	struct sim_plats platform;
};

static int parse_cpus(const void *fdt, int resources, struct sim_ids *cpus)
{
	const char *p;
	int len, i;

	p = fdt_getprop(fdt, resources, "cpus", &len);
	if (!p || len % 8 || !len)
		return -EINVAL;
	for (i = 0; i < len; i += 8)
		sim_ids_add(cpus, mk_be64(p + i));
	return 0;
}

static int parse_request(const void *fdt, int node, struct request *r)
{
	const void *p;
	uint32_t id;
	int len, given;

	p = fdt_getprop(fdt, node, "size", &len);
	if (!p || len != 8)
		return -EINVAL;
	r->size = mk_be64(p);
	if (!r->size || r->size % SIM_PAGE_BYTES)
		return -EINVAL;
	r->node = SIM_ANY_NODE;
	given = sim_prop_cell(fdt, node, "numa-node-id", &id);
	if (given <= 0)
		return given;
	if (id == UINT32_MAX) /* reads as "no node" */
		return 0;
	if (id >= SIM_MAX_NODES)
		return -EINVAL;
	r->node = (int)id;
	return 0;
}

static int parse_memory(const void *fdt, int resources, struct baseline *b)
{
	int node, len, error;

	fdt_for_each_subnode(node, fdt, resources)
	{
		const char *name = fdt_get_name(fdt, node, &len);

		if (!name || strncmp(name, "memory@", 7))
			continue;
		if (b->n == SIM_MAX_NODES)
			return -E2BIG;
		b->memory = sim_more(b->memory, b->n, &b->cap, sizeof *b->memory);
		error = parse_request(fdt, node, &b->memory[b->n]);
		if (error)
			return error;
		b->n++;
	}
	return b->n ? 0 : -EINVAL;
}

static int check_cpus(const struct sim_kernel *k, const struct sim_ids *cpus)
{
	size_t i;

	for (i = 0; i < cpus->n; i++) {
		int cpu = sim_cpu_find(&k->m, cpus->id[i]);

		if (cpu < 0 || !k->m.cpu[cpu].present)
			return -ENODEV;
	}
	return 0;
}

/* Each that can goes; one that cannot makes all of it fail, afterwards. */
static int move_cpus(struct sim_kernel *k, const struct sim_ids *cpus)
{
	size_t i, failed = 0;

	for (i = 0; i < cpus->n; i++)
		if (sim_cpu_to_pool(k, cpus->id[i]))
			failed++;
	return failed ? -EBUSY : 0;
}

static void move_devices(struct sim_kernel *k, const struct baseline *b)
{
	size_t i;

	for (i = 0; i < b->pci.n; i++)
		sim_device_to_pool(k, &b->pci.d[i]); /* what cannot is only logged */
}

/* Platform devices are the pool's as soon as they are read, whatever fails after that. */
static int parse_devices(struct sim_kernel *k, const void *fdt, int resources, struct baseline *b)
{
	int error = sim_devices_parse(k, fdt, resources, true, &b->pci, &b->platform);
	size_t i;

	for (i = 0; i < b->platform.n; i++)
		sim_plat_add(&k->platform, b->platform.d[i]);
	return error;
}

/* ABI 2: the kernel finds the memory. */
static int apply(struct sim_kernel *k, const void *fdt, int resources, struct baseline *b)
{
	size_t i;
	int error;

	k->platform.n = 0;
	error = parse_cpus(fdt, resources, &b->cpus);
	if (!error)
		error = parse_memory(fdt, resources, b);
	if (!error)
		error = parse_devices(k, fdt, resources, b);
	if (!error)
		error = check_cpus(k, &b->cpus);
	if (error)
		return error;
	k->baseline = true;
	for (i = 0; i < b->n && !error; i++)
		error = sim_pool_grow(k, b->memory[i].size, b->memory[i].node);
	if (!error)
		error = sim_park_setup(k);
	if (!error)
		error = move_cpus(k, &b->cpus);
	if (!error)
		move_devices(k, b);
	return error;
}

/* ---------------------------------------------------------------- ABI 1 */

static int old_memory(const struct sim_kernel *k, const void *fdt, int resources, uint64_t *base,
		      uint64_t *size)
{
	const struct sim_chunk *c = k->n_chunks ? k->chunk[0] : NULL;
	uint64_t pool = c ? c->base : 0, end = c ? c->base + c->size : 0;
	const void *p;
	int len;

	p = fdt_getprop(fdt, resources, "memory-base", &len);
	if (p && len != 8)
		return -EINVAL;
	if (!p && !c)
		return -ENODEV;
	*base = p ? mk_be64(p) : pool;
	p = fdt_getprop(fdt, resources, "memory-bytes", &len);
	if (p && len != 8)
		return -EINVAL;
	if (!p && (*base < pool || *base >= end))
		return -ENODEV;
	*size = p ? mk_be64(p) : end - *base;
	return !*size || *size % SIM_PAGE_BYTES || *base % SIM_PAGE_BYTES ? -EINVAL : 0;
}

/* The pool as of the first baseline stays; a later one must lie within it. */
static int old_pool(struct sim_kernel *k, uint64_t base, uint64_t size)
{
	const struct sim_chunk *c;
	int error;

	if (!k->n_chunks) {
		error = sim_pool_adopt(k, base, size);
		if (error)
			return error;
	}
	error = sim_park_setup(k);
	if (error)
		return error;
	c = k->chunk[0];
	if (base < c->base || base + size > c->base + c->size)
		return -EINVAL;
	k->pool_base = base;
	k->pool_bytes = size;
	return 0;
}

/*
 * A CPU that is offline already counts as given. They leave the machine once all
 * have gone: after a failure the next baseline may have the same ones.
 */
static int old_cpus(struct sim_kernel *k, const struct sim_ids *cpus)
{
	size_t i, failed = 0;

	sim_ids_clear(&k->pool);
	for (i = 0; i < cpus->n; i++) {
		int cpu = sim_cpu_find(&k->m, cpus->id[i]);

		if (!k->m.cpu[cpu].online)
			sim_ids_add(&k->pool, cpus->id[i]);
		else if (sim_cpu_to_pool(k, cpus->id[i]))
			failed++;
	}
	for (i = 0; i < k->pool.n; i++)
		k->m.cpu[sim_cpu_find(&k->m, k->pool.id[i])].present = failed != 0;
	return failed ? -EBUSY : 0;
}

static int old_apply(struct sim_kernel *k, const void *fdt, int resources, struct baseline *b)
{
	uint64_t base, size;
	size_t i;
	int error;

	k->pci.n = 0;
	k->platform.n = 0;
	error = parse_cpus(fdt, resources, &b->cpus);
	if (!error)
		error = old_memory(k, fdt, resources, &base, &size);
	if (!error)
		error = parse_devices(k, fdt, resources, b);
	if (!error)
		error = check_cpus(k, &b->cpus);
	if (!error)
		error = old_pool(k, base, size);
	if (!error)
		error = old_cpus(k, &b->cpus);
	if (error)
		return error;
	k->baseline = true;
	k->listed.n = 0;
	for (i = 0; i < b->pci.n; i++) {
		struct sim_pci *p = &b->pci.d[i];
		size_t f = sim_function_find(&k->m, p->domain, p->bus, p->slot, p->func);

		if (f != SIZE_MAX)
			k->m.function[f].bound = false;
		sim_pci_add(&k->pci, *p); /* there or not */
		sim_pci_add(&k->listed, *p);
	}
	return 0;
}

/* ---------------------------------------------------------------- */

static int write_tree(struct sim_kernel *k, void *fdt, size_t bytes)
{
	struct baseline b = {0};
	int node, error;

	if (bytes < sizeof(struct fdt_header) || fdt_check_header(fdt))
		return -EINVAL;
	if (fdt_totalsize(fdt) != bytes)
		return -EINVAL;
	sim_blob_guard(fdt);
	node = fdt_path_offset(fdt, "/instances");
	if (node >= 0 && fdt_first_subnode(fdt, node) >= 0)
		return -EINVAL;
	if (k->abi == 2 && (k->n_chunks || k->pool.n || k->pci.n))
		return -EBUSY;
	node = fdt_path_offset(fdt, "/resources");
	if (node < 0)
		return -EINVAL;
	error = k->abi == 1 ? old_apply(k, fdt, node, &b) : apply(k, fdt, node, &b);
	free(b.cpus.id);
	free(b.memory);
	free(b.pci.d);
	free(b.platform.d);
	return error;
}

int sim_baseline_write(struct sim_kernel *k, const void *data, size_t bytes)
{
	void *fdt;
	int error;

	if (bytes > SIM_BLOB_MAX)
		return -E2BIG;
	fdt = sim_new(bytes);
	memcpy(fdt, data, bytes);
	pthread_mutex_lock(&k->overlay);
	sim_lock(k);
	error = write_tree(k, fdt, bytes);
	sim_changed(k);
	sim_unlock(k);
	pthread_mutex_unlock(&k->overlay);
	free(fdt);
	return error;
}
