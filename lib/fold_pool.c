/* SPDX-License-Identifier: Apache-2.0 */
/* fold: operations on the pool. What instances have it keeps. */
#include <string.h>

#include "arena.h"
#include "fold_int.h"
#include "memmap.h"
#include "num.h"

/* ------------------------------------------------------------ devices */

static int devices_remove(struct mk_fold *e, const struct mk_op *op)
{
	for (size_t i = 0; i < op->inst.devices.n; i++) {
		struct mk_use x = mk_fold_use(e, &op->inst.devices.u[i]);
		const struct mk_holding *holder;

		if (x.device == MK_NO_DEVICE || x.part != MK_WHOLE)
			return mk_fold_refuse(e, op,
					      "the pool does not have %s (the kernel says ENOENT)",
					      op->inst.devices.u[i].text);
		holder = mk_ledger_holder(&e->ledger, &x);
		if (holder)
			return mk_fold_refuse(e, op,
					      "%s is in the hands of %s (the kernel says EBUSY)",
					      x.text, e->s->instance[holder->instance].name);
		mk_fold_device_gone(e, x.device);
	}
	return MK_OK;
}

static int devices_add(struct mk_fold *e, const struct mk_op *op)
{
	for (size_t i = 0; i < op->inst.devices.n; i++) {
		const struct mk_use *u = &op->inst.devices.u[i];
		struct mk_use x = mk_fold_use(e, u);

		if (x.device != MK_NO_DEVICE)
			return mk_fold_refuse(
				e, op, "the pool has %s already (the kernel says EEXIST)", x.text);
		e->s->device = mk_arena_more(e->s->arena, e->s->device, e->s->n_devices,
					     &e->s->devices_cap, sizeof(*e->s->device));
		e->s->device[e->s->n_devices++] = (struct mk_device){
			.name = u->pci_id && !strcmp(u->pci_id, u->text)
					? mk_device_name_of(e->s->arena, u->pci_id)
					: u->text,
			.pci_id = u->pci_id, .type = "pci", .node = MK_NODE_ANY};
		mk_state_name_device(e->s, e->s->n_devices - 1);
	}
	return MK_OK;
}

/* ------------------------------------------------------------ CPUs */

static int cpus_remove(struct mk_fold *e, const struct mk_op *op)
{
	const struct mk_ids *ids = &op->inst.cpus.ids;
	struct mk_ids lent = {0};
	int rc;

	for (size_t i = 0; i < ids->n; i++)
		if (mk_fold_cpu(e, ids->id[i])->held)
			mk_ids_add(e->s->arena, &lent, ids->id[i]);
	if (lent.n)
		return mk_fold_refuse(e, op, "instances have CPU %s (the kernel says EBUSY)",
				      mk_ids_brief(e->s->arena, &lent, 8));
	rc = mk_fold_remove_cpus(e, op, &e->s->pool.ids);
	for (size_t i = 0; !rc && i < ids->n; i++) {
		mk_fold_cpu(e, ids->id[i])->pool = false;
		if (e->s->host_cpus.known) /* they are the host's again */
			mk_ids_add(e->s->arena, &e->s->host_cpus.ids, ids->id[i]);
	}
	return rc;
}

/* The host gives them. */
static int cpus_add(struct mk_fold *e, const struct mk_op *op)
{
	const struct mk_ids *ids = &op->inst.cpus.ids;
	struct mk_ranges come = mk_ranges_of(e->s->arena, ids);
	struct mk_ids *host = &e->s->host_cpus.ids, there = {0};
	size_t n = 0;

	for (size_t i = 0; i < ids->n; i++) {
		struct mk_fold_cpu *cpu = mk_fold_cpu(e, ids->id[i]);

		if (cpu->pool)
			mk_ids_add(e->s->arena, &there, ids->id[i]);
		cpu->pool = true;
	}
	if (there.n)
		return mk_fold_refuse(e, op,
				      "CPU %s is in the pool already (the kernel says EINVAL)",
				      mk_ids_brief(e->s->arena, &there, 8));
	for (size_t i = 0; i < ids->n; i++)
		mk_ids_add(e->s->arena, &e->s->pool.ids, ids->id[i]);
	for (size_t i = 0; i < host->n; i++)
		if (!mk_ranges_has(&come, host->id[i], host->id[i]))
			host->id[n++] = host->id[i];
	host->n = n;
	return MK_OK;
}

/* ------------------------------------------------------------ memory */

static void count(struct mk_fold *e)
{
	const struct mk_state *s = e->s;

	if (e->counted)
		return;
	mk_ranges_init(&e->memory, s->arena);
	e->bytes = 0;
	for (size_t i = 0; i < s->n_instances; i++) {
		if (mk_fold_is_gone(e, i))
			continue;
		for (size_t k = 0; k < s->instance[i].mem.n; k++) {
			const struct mk_mem *m = &s->instance[i].mem.m[k];

			if (m->placed)
				mk_ranges_add_size(&e->memory, m->base, m->size);
		}
		e->bytes = mk_num_plus(e->bytes, mk_mems_bytes(&s->instance[i].mem));
	}
	mk_ranges_join(&e->memory);
	e->counted = true;
}

static int memory_remove(struct mk_fold *e, const struct mk_op *op)
{
	struct mk_memmap map;
	uint64_t over;
	uint32_t node;
	int rc = MK_OK;

	count(e);
	for (size_t i = 0; !rc && i < op->inst.mem.n; i++) {
		const struct mk_mem *m = &op->inst.mem.m[i];

		if (m->size && mk_ranges_meets(&e->memory, m->base, m->base + (m->size - 1)))
			return mk_fold_refuse(e, op,
					      "instances have memory of %s (the kernel says EBUSY)",
					      mk_mem_text(e->s->arena, m));
		for (size_t k = 0; k < e->s->in_use.n; k++) {
			const struct mk_mem *u = &e->s->in_use.m[k];

			if (m->size && u->size && u->base <= m->base + (m->size - 1) &&
			    m->base <= u->base + (u->size - 1))
				return mk_fold_refuse(e, op, "%s has memory of %s (the kernel says EBUSY)",
						      u->owner ? u->owner : "something",
						      mk_mem_text(e->s->arena, m));
		}
		rc = mk_fold_remove_memory(e, op, &e->s->chunks, m);
	}
	/* of memory without an address it is only known how much there is */
	if (!rc && mk_mems_bytes(&e->s->chunks) < e->bytes)
		return mk_fold_refuse(
			e, op, "instances have %s, and %s would be left (the kernel says EBUSY)",
			mk_num_size_text(e->s->arena, e->bytes),
			mk_num_size_text(e->s->arena, mk_mems_bytes(&e->s->chunks)));
	if (rc)
		return rc;
	mk_fold_map(e, &map);
	node = map.taken ? mk_memmap_overdrawn(&map, &over) : MK_NODE_ANY;
	if (node != MK_NODE_ANY)
		return mk_fold_refuse(e, op, "instances have %s on NUMA node %u that would not be left (the "
					     "kernel says EBUSY)",
				      mk_num_size_text(e->s->arena, over), node);
	return MK_OK;
}

int mk_fold_on_pool(struct mk_fold *e, const struct mk_op *op)
{
	if (e->abi == 1)
		return mk_fold_refuse(e, op,
				      "a kernel of ABI 1 cannot change its pool by an overlay");
	if (!e->s->has_machine)
		return mk_fold_refuse(e, op, "there is no pool (the kernel says EPERM)");
	switch (op->kind) {
	case MK_OP_CPU_REMOVE: return cpus_remove(e, op);
	case MK_OP_CPU_ADD: return cpus_add(e, op);
	case MK_OP_MEMORY_REMOVE: return memory_remove(e, op);
	case MK_OP_MEMORY_ADD:
		for (size_t i = 0; i < op->inst.mem.n; i++)
			mk_fold_add_memory(e, &e->s->chunks, &op->inst.mem.m[i], false);
		return MK_OK;
	case MK_OP_DEVICE_REMOVE: return devices_remove(e, op);
	case MK_OP_DEVICE_ADD: return devices_add(e, op);
	default: return MK_OK;
	}
}
