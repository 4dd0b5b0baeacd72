/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move: one CPU, one piece of memory or one device from one owner to another,
 * as the kernel's hotplug.c does it. To a running kernel a move is a message
 * that it must answer within ten seconds; each holds the kexec lock meanwhile.
 */
#include <errno.h>
#include <stddef.h>

#include "kernel.h"

#define ANSWER_NS (5 * SIM_MS)
#define LIMIT_NS (10 * SIM_SECOND)

/* ---------------------------------------------------------------- CPUs */

int sim_cpu_to_pool(struct sim_kernel *k, uint64_t id)
{
	int cpu = sim_cpu_find(&k->m, id);

	if (cpu < 0 || !k->m.cpu[cpu].online)
		return -EINVAL;
	if (cpu == 0)
		return -EINVAL;
	if (sim_trap(&k->faults, 16))
		return -EBUSY; /* it cannot be taken offline */
	k->m.cpu[cpu].online = false;
	k->m.cpu[cpu].present = false;
	sim_ids_add(&k->pool, id);
	return 0;
}

int sim_cpu_to_host(struct sim_kernel *k, uint64_t id)
{
	int cpu = sim_cpu_find(&k->m, id);

	if (!sim_ids_has(&k->pool, id))
		return -EBUSY;
	if (cpu < 0)
		return -ENODEV;
	k->m.cpu[cpu].present = true;
	k->m.cpu[cpu].online = true;
	sim_ids_del(&k->pool, id);
	return 0;
}

/* All or none. */
int sim_cpus_give(struct sim_kernel *k, struct sim_instance *x, const struct sim_ids *ids)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		if (!sim_ids_has(&k->pool, ids->id[i]) || sim_cpu_find(&k->m, ids->id[i]) < 0)
			return -EBUSY;
	for (i = 0; i < ids->n; i++) {
		sim_ids_del(&k->pool, ids->id[i]);
		sim_ids_add(&x->cpus, ids->id[i]);
	}
	return 0;
}

/* At the end of an instance: the last CPU goes first. */
void sim_cpus_return(struct sim_kernel *k, struct sim_instance *x)
{
	while (x->cpus.n)
		sim_ids_add(&k->pool, x->cpus.id[--x->cpus.n]);
}

/* The instance again after a wait, while somebody may have taken it away. */
static int ask(struct sim_kernel *k, struct sim_instance **x)
{
	uint64_t serial = (*x)->serial;
	int error = sim_message(k, serial, ANSWER_NS, LIMIT_NS);

	*x = sim_instance_serial(k, serial);
	return !*x && !error ? -ENODEV : error;
}

static int cpu_give(struct sim_kernel *k, struct sim_instance *x, uint64_t id)
{
	struct sim_ids one = {.id = &id, .n = 1, .cap = 1};
	int error;

	if (x->state != SIM_ACTIVE)
		return sim_cpus_give(k, x, &one);
	if (!sim_ids_has(&k->pool, id))
		return -EBUSY;
	error = ask(k, &x);
	if (error)
		return error;
	sim_ids_add(&x->cpus, id);
	sim_ids_del(&k->pool, id);
	return 0;
}

static int cpu_take(struct sim_kernel *k, struct sim_instance *x, uint64_t id)
{
	int error;

	if (x->state == SIM_ACTIVE) {
		error = ask(k, &x);
		if (error)
			return error;
		/* a CPU that it does not have, or its boot CPU, is its own to refuse */
		if (!sim_ids_has(&x->cpus, id))
			return -ENODEV;
		if (x->cpus.id[0] == id)
			return -EINVAL;
	} else if (!sim_ids_has(&x->cpus, id)) {
		return -EINVAL;
	}
	sim_ids_del(&x->cpus, id);
	sim_ids_add(&k->pool, id);
	return 0;
}

/* ---------------------------------------------------------------- memory */

/* A running kernel takes and gives whole memory blocks: its answer, one that hangs gives none. */
static int ask_memory(struct sim_kernel *k, struct sim_instance **x, uint64_t base, uint64_t size)
{
	int error;

	if ((*x)->state != SIM_ACTIVE)
		return 0;
	error = ask(k, x);
	if (error)
		return error;
	return base % k->m.block_bytes || size % k->m.block_bytes ? -EINVAL : 0;
}

/* The base is for the running kernel's eyes alone: the pool takes what it finds first. */
static int memory_give(struct sim_kernel *k, struct sim_instance *x, uint64_t base, uint64_t size,
		       int node)
{
	int error = ask_memory(k, &x, base, size);

	return error ? error : sim_region_add(k, x, size, node);
}

/* Does it hold a part of the loaded image? The segments are at the region's beginning. */
static bool backs_image(const struct sim_instance *x, uint64_t base, uint64_t size)
{
	uint64_t bytes;

	if (!x->image)
		return false;
	bytes = x->image->kernel_bytes + x->image->initrd_bytes;
	return x->image->start < base + size && base < x->image->start + bytes;
}

static int memory_take(struct sim_kernel *k, struct sim_instance *x, uint64_t base, uint64_t size)
{
	int error = ask_memory(k, &x, base, size);
	size_t i;

	if (error)
		return error;
	if (backs_image(x, base, size))
		return -EBUSY;
	for (i = 0; i < x->n_regions; i++)
		if (x->region[i].base == base && x->region[i].size == size)
			break;
	if (i == x->n_regions)
		return -ENOENT;
	sim_pool_free(k, base, size);
	for (x->n_regions--; i < x->n_regions; i++)
		x->region[i] = x->region[i + 1];
	x->region_count--;
	return 0;
}

/* ---------------------------------------------------------------- devices */

static struct sim_function *function_of(struct sim_kernel *k, const struct sim_pci *p)
{
	size_t i = sim_function_find(&k->m, p->domain, p->bus, p->slot, p->func);

	return i == SIZE_MAX || k->m.function[i].gone ? NULL : &k->m.function[i];
}

int sim_device_to_pool(struct sim_kernel *k, const struct sim_pci *p)
{
	struct sim_function *f = function_of(k, p);
	struct sim_pci own = *p;
	size_t i;

	if (!f)
		return -ENODEV;
	for (i = 0; i < k->n_instances; i++)
		if (sim_pci_find(&k->instance[i]->pci, p))
			return -ENODEV; /* it has left the host's bus long ago */
	f->bound = false;
	if (sim_pci_find(&k->pci, p))
		return 0;
	own.vendor = f->vendor;
	own.device = f->device;
	sim_pci_add(&k->pci, own);
	return 0;
}

int sim_device_to_host(struct sim_kernel *k, const struct sim_pci *p)
{
	struct sim_pci *own = sim_pci_find(&k->pci, p);
	struct sim_function *f = function_of(k, p);

	if (!own)
		return -EBUSY;
	if (!f)
		return -ENODEV;
	f->bound = f->driver[0] != '\0';
	sim_pci_del(&k->pci, own);
	return 0;
}

static int device_give(struct sim_kernel *k, struct sim_instance *x, const struct sim_pci *p)
{
	struct sim_pci *own;
	int error;

	if (x->state == SIM_ACTIVE) {
		error = ask(k, &x);
		if (error)
			return error;
	}
	own = sim_pci_find(&k->pci, p);
	if (!own) /* of a running kernel the kernel only notes that it lost track */
		return x->state == SIM_ACTIVE ? 0 : -ENOENT;
	sim_pci_add(&x->pci, *own);
	sim_pci_del(&k->pci, own);
	return 0;
}

static int device_take(struct sim_kernel *k, struct sim_instance *x, const struct sim_pci *p)
{
	struct sim_pci *own;
	int error;

	if (x->state == SIM_ACTIVE) {
		error = ask(k, &x);
		if (error)
			return error;
	}
	own = sim_pci_find(&x->pci, p);
	if (!own)
		return x->state == SIM_ACTIVE ? 0 : -ENOENT;
	sim_pci_add(&k->pci, *own);
	sim_pci_del(&x->pci, own);
	return 0;
}

/* ---------------------------------------------------------------- under the kexec lock */

static int begin(struct sim_kernel *k)
{
	if (k->kexec_busy)
		return -EBUSY;
	k->kexec_busy = true;
	return 0;
}

static int done(struct sim_kernel *k, int error)
{
	k->kexec_busy = false;
	return error;
}

int sim_cpu_give(struct sim_kernel *k, struct sim_instance *x, uint64_t id)
{
	int error = begin(k);

	return error ? error : done(k, cpu_give(k, x, id));
}

int sim_cpu_take(struct sim_kernel *k, struct sim_instance *x, uint64_t id)
{
	int error = begin(k);

	return error ? error : done(k, cpu_take(k, x, id));
}

/* Memory is told by numbers of pages: what is no whole one is cut off without a word. */
static uint64_t whole_pages(uint64_t bytes)
{
	return bytes / SIM_PAGE_BYTES * SIM_PAGE_BYTES;
}

int sim_memory_give(struct sim_kernel *k, struct sim_instance *x, uint64_t base, uint64_t size,
		    int node)
{
	int error = begin(k);

	base = whole_pages(base);
	size = whole_pages(size);
	return error ? error : done(k, memory_give(k, x, base, size, node));
}

int sim_memory_take(struct sim_kernel *k, struct sim_instance *x, uint64_t base, uint64_t size)
{
	int error = begin(k);

	base = whole_pages(base);
	size = whole_pages(size);
	return error ? error : done(k, memory_take(k, x, base, size));
}

int sim_device_give(struct sim_kernel *k, struct sim_instance *x, const struct sim_pci *p)
{
	int error = begin(k);

	return error ? error : done(k, device_give(k, x, p));
}

int sim_device_take(struct sim_kernel *k, struct sim_instance *x, const struct sim_pci *p)
{
	int error = begin(k);

	return error ? error : done(k, device_take(k, x, p));
}
