/* SPDX-License-Identifier: Apache-2.0 */
/* fold: operations executed on a state. See overlay.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "fold_int.h"
#include "num.h"

int mk_fold_refuse(struct mk_fold *e, const struct mk_op *op, const char *fmt, ...)
{
	size_t fragment = op->path && !op->at.line ? strcspn(op->path + 1, "/") + 1 : 0;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mk_arena_vfmt(e->s->arena, fmt, ap);
	va_end(ap);
	/* a blob has no lines: the fragment says where that is */
	return mk_fail_at(e->err, MK_NO, op->at, "%.*s%s%s %s: %s [MK902]", (int)fragment,
			  fragment ? op->path : "", fragment ? ": " : "", mk_op_name(op->kind),
			  op->subject ? op->subject : "@pool", text);
}

static int no_instance(struct mk_fold *e, const struct mk_op *op)
{
	mk_fold_refuse(e, op, "there is no such instance (the kernel says ENOENT)");
	mk_hint(e->err, "the overlay was made for another state");
	return MK_NO;
}

/* ------------------------------------------------------------ what must be free */

void mk_fold_map(const struct mk_fold *e, struct mk_memmap *map)
{
	struct mk_state there = *e->s; /* without those that are gone */

	there.instance = mk_arena_array(e->s->arena, e->s->n_instances, sizeof(*there.instance));
	there.n_instances = 0;
	for (size_t i = 0; i < e->s->n_instances; i++)
		if (!mk_fold_is_gone(e, i))
			there.instance[there.n_instances++] = e->s->instance[i];
	mk_memmap_init(map, &there);
	map->s = e->s;
}

static struct mk_memmap *map_of(struct mk_fold *e)
{
	if (!e->map_known)
		mk_fold_map(e, &e->map);
	e->map_known = true;
	return &e->map;
}

/* Bytes that the kernel could place on a node; anywhere where the pool's nodes are not known. */
static uint64_t bytes_for(const struct mk_memmap *map, uint32_t node)
{
	const struct mk_mem_node *n = mk_memmap_node(map, node);
	const struct mk_mem_node *any = mk_memmap_node(map, MK_NODE_ANY);

	return mk_memmap_bytes(map, (n && n->pool) || !any->pool ? node : MK_NODE_ANY);
}

/* Regions as they would be added: takes them, or says that they are not free. */
static int take_memory(struct mk_fold *e, const struct mk_op *op, const struct mk_mems *mem,
		       bool placed)
{
	bool known = e->strict && e->s->has_machine && e->s->chunks.n;
	struct mk_memmap *map = known ? map_of(e) : NULL;

	for (size_t i = 0; map && i < mem->n; i++) {
		struct mk_mem m = mem->m[i];

		m.placed = m.placed && placed;
		if (m.placed ? !m.size || m.size - 1 > UINT64_MAX - m.base ||
				       !mk_memmap_has(map, MK_NODE_ANY, m.base, m.size)
			     : bytes_for(map, m.node) < m.size)
			return mk_fold_refuse(e, op,
					      "%s is not free memory of the pool (the kernel says "
					      "ENOMEM)",
					      mk_mem_text(e->s->arena, &m));
		mk_memmap_take(map, &m);
	}
	return MK_OK;
}

static void give_memory(struct mk_fold *e, const struct mk_mem *m)
{
	if (e->map_known && e->map.shared)
		e->map_known = false; /* another one may have it, too */
	else if (e->map_known)
		mk_memmap_give(&e->map, m);
}

/* The CPUs and devices of a create. The kernel leaves out what somebody has, and says applied. */
static int all_free(struct mk_fold *e, const struct mk_op *op)
{
	const struct mk_instance *x = &op->inst;
	struct mk_ids taken = {0};

	for (size_t i = 0; i < x->cpus.ids.n; i++) {
		struct mk_fold_cpu *cpu = mk_fold_cpu(e, x->cpus.ids.id[i]);

		if (cpu->held || !cpu->pool)
			mk_ids_add(e->s->arena, &taken, x->cpus.ids.id[i]);
	}
	if (taken.n)
		return mk_fold_refuse(e, op,
				      "CPU%s %s %s not free in the pool (the kernel would leave %s out)",
				      taken.n == 1 ? "" : "s",
				      mk_ids_brief(e->s->arena, &taken, 8),
				      taken.n == 1 ? "is" : "are", taken.n == 1 ? "it" : "them");
	for (size_t i = 0; i < x->devices.n; i++) {
		struct mk_use u = mk_fold_use(e, &x->devices.u[i]);
		const struct mk_holding *h =
			u.device != MK_NO_DEVICE ? mk_ledger_holder(&e->ledger, &u) : NULL;

		if (h)
			return mk_fold_refuse(e, op,
					      "%s is not free, %s has %s (the kernel would leave it out)",
					      u.text, e->s->instance[h->instance].name, h->use.text);
	}
	return MK_OK;
}

static int execute_create(struct mk_fold *e, const struct mk_op *op)
{
	struct mk_instance *x;

	if (mk_instance_find(e->s, op->subject)) {
		mk_fold_refuse(e, op, "there is an instance of that name (the kernel says EEXIST)");
		mk_hint(e->err, "the overlay has been applied already, or was made for another "
				"state");
		return MK_NO;
	}
	if (op->inst.has_id && !op->inst.id)
		return mk_fold_refuse(e, op, "id 0 is the host's (the kernel says ENOMEM)");
	if ((e->strict && e->s->has_machine && all_free(e, op)) || take_memory(e, op, &op->inst.mem, e->abi != 2))
		return MK_NO;
	x = mk_instance_add(e->s, op->subject);
	*x = op->inst;
	x->cpus.known = true;
	for (size_t i = 0; i < x->mem.n; i++)
		if (e->abi == 2)
			x->mem.m[i].placed = false;
	for (size_t i = 0; i < x->devices.n; i++)
		if (x->devices.u[i].pci_id && x->devices.u[i].device == MK_NO_DEVICE)
			mk_use_by_pci(e->s, &x->devices.u[i]);
		else if (x->devices.u[i].device == MK_NO_DEVICE)
			mk_use_resolve(e->s, &x->devices.u[i]);
	for (size_t i = 0; i < x->devices.n; i++)
		mk_ledger_take_device(&e->ledger, e->s->n_instances - 1, &x->devices.u[i]);
	mk_fold_hold_cpus(e, &x->cpus.ids, 1);
	mk_state_name(e->s, e->s->n_instances - 1);
	return MK_OK;
}

static void mark_gone(struct mk_arena *a, bool **gone, size_t *cap, size_t i, size_t more)
{
	if (i >= *cap) {
		*gone = mk_arena_grow(a, *gone, *cap, more);
		memset(*gone + *cap, 0, more - *cap);
		*cap = more;
	}
	(*gone)[i] = true;
}

void mk_fold_device_gone(struct mk_fold *e, size_t device)
{
	mark_gone(e->s->arena, &e->device_gone, &e->device_gone_cap, device, e->s->devices_cap);
	mk_state_forget_device(e->s, device);
}

bool mk_fold_is_gone(const struct mk_fold *e, size_t instance)
{
	return instance < e->gone_cap && e->gone[instance];
}

static int execute_delete(struct mk_fold *e, const struct mk_op *op, struct mk_instance *x)
{
	size_t i = (size_t)(x - e->s->instance);

	if (x->status && (!strcmp(x->status, "active") || !strcmp(x->status, "loaded")))
		return mk_fold_refuse(e, op, "the instance is %s (the kernel says EBUSY)",
				      x->status);
	mk_fold_hold_cpus(e, &x->cpus.ids, -1);
	mk_ledger_give_devices(&e->ledger, i);
	for (size_t k = 0; k < x->mem.n; k++)
		give_memory(e, &x->mem.m[k]);
	mark_gone(e->s->arena, &e->gone, &e->gone_cap, i, e->s->instances_cap);
	mk_state_forget(e->s, i);
	return MK_OK;
}

/* ------------------------------------------------------------ CPUs */

static struct mk_fold_cpu *cpu_of(struct mk_fold *e, uint64_t id)
{
	char key[24];
	int len = snprintf(key, sizeof(key), "%llx", (unsigned long long)id);
	uint32_t *mark = mk_name_mark(mk_intern(&e->cpu_names, key, (size_t)len));

	if (!*mark) {
		e->cpu = mk_arena_more(e->s->arena, e->cpu, e->n_cpus, &e->cpus_cap,
				       sizeof(*e->cpu));
		e->cpu[e->n_cpus++] = (struct mk_fold_cpu){.pool = false};
		*mark = (uint32_t)e->n_cpus;
	}
	return &e->cpu[*mark - 1];
}

static void add_held(struct mk_fold *e, const struct mk_ids *ids, int by)
{
	for (size_t i = 0; i < ids->n; i++)
		cpu_of(e, ids->id[i])->held += (uint32_t)by;
}

static void know_cpus(struct mk_fold *e)
{
	const struct mk_state *s = e->s;

	if (e->cpu_names.arena)
		return;
	e->cpu_names.arena = s->arena;
	for (size_t i = 0; i < s->pool.ids.n; i++)
		cpu_of(e, s->pool.ids.id[i])->pool = true;
	for (size_t i = 0; i < s->n_instances; i++)
		if (!mk_fold_is_gone(e, i))
			add_held(e, &s->instance[i].cpus.ids, 1);
}

void mk_fold_hold_cpus(struct mk_fold *e, const struct mk_ids *ids, int by)
{
	if (e->cpu_names.arena) /* else they are counted when that is first asked for */
		add_held(e, ids, by);
}

struct mk_fold_cpu *mk_fold_cpu(struct mk_fold *e, uint64_t id)
{
	know_cpus(e);
	return cpu_of(e, id);
}

static int add_cpus(struct mk_fold *e, const struct mk_op *op, struct mk_instance *x)
{
	const struct mk_ids *ids = &op->inst.cpus.ids;
	struct mk_ids taken = {0};

	for (size_t i = 0; i < ids->n; i++) {
		struct mk_fold_cpu *cpu = mk_fold_cpu(e, ids->id[i]);

		if (cpu->held || (e->s->has_machine && !cpu->pool))
			mk_ids_add(e->s->arena, &taken, ids->id[i]);
		cpu->held++; /* of two that are the same the second is not free */
	}
	if (taken.n)
		return mk_fold_refuse(e, op,
				      "CPU %s is not free in the pool (the kernel says EBUSY)",
				      mk_ids_brief(e->s->arena, &taken, 8));
	for (size_t i = 0; i < ids->n; i++)
		mk_ids_add(e->s->arena, &x->cpus.ids, ids->id[i]);
	x->cpus.known = true;
	return MK_OK;
}

int mk_fold_remove_cpus(struct mk_fold *e, const struct mk_op *op, struct mk_ids *from)
{
	const struct mk_ids *ids = &op->inst.cpus.ids;
	struct mk_ranges gone = mk_ranges_of(e->s->arena, ids);
	struct mk_ids went = {0};
	struct mk_ranges all;
	size_t n = 0;

	for (size_t i = 0; i < from->n; i++)
		if (mk_ranges_has(&gone, from->id[i], from->id[i]))
			mk_ids_add(e->s->arena, &went, from->id[i]);
		else
			from->id[n++] = from->id[i];
	all = mk_ranges_of(e->s->arena, &went);
	if (mk_ranges_count(&all) != mk_ranges_count(&gone))
		return mk_fold_refuse(
			e, op, "not all of these CPUs are its own: %s (the kernel says EINVAL)",
			mk_ids_brief(e->s->arena, ids, 8));
	from->n = n;
	return MK_OK;
}

static int give_cpus(struct mk_fold *e, const struct mk_op *op, struct mk_instance *x)
{
	struct mk_ids had = x->cpus.ids;
	int rc;

	had.id = mk_arena_array(e->s->arena, had.n, sizeof(*had.id));
	if (had.n)
		memcpy(had.id, x->cpus.ids.id, had.n * sizeof(*had.id));
	rc = mk_fold_remove_cpus(e, op, &x->cpus.ids);
	if (!rc) {
		mk_fold_hold_cpus(e, &had, -1);
		mk_fold_hold_cpus(e, &x->cpus.ids, 1);
	}
	return rc;
}

/* ------------------------------------------------------------ memory */

/*
 * Regions are given back as they were taken. A kernel of ABI 1 also takes a
 * part of one, as kerf's updates show; what is left of it stays.
 */
int mk_fold_remove_memory(struct mk_fold *e, const struct mk_op *op, struct mk_mems *from,
			  const struct mk_mem *m)
{
	for (size_t i = 0; i < from->n; i++) {
		struct mk_mem *x = &from->m[i], old = *x;

		if (!x->placed || m->base < x->base || m->base - x->base >= x->size ||
		    x->size - (m->base - x->base) < m->size)
			continue;
		if (m->base == x->base && m->size == x->size) {
			memmove(x, x + 1, (from->n - i - 1) * sizeof(*x));
			from->n--;
			return MK_OK;
		}
		if (e->abi == 2)
			break;
		x->size = m->base - old.base;
		if (!x->size) {
			x->base = m->base + m->size;
			x->size = old.size - m->size;
		} else if (old.size - x->size > m->size) {
			struct mk_mem tail = old;

			tail.base = m->base + m->size;
			tail.size = old.size - x->size - m->size;
			mk_mem_add(e->s->arena, from, tail);
		}
		return MK_OK;
	}
	return mk_fold_refuse(e, op, "%s is not one of its regions (the kernel says ENOENT)",
			      mk_mem_text(e->s->arena, m));
}

void mk_fold_add_memory(struct mk_fold *e, struct mk_mems *to, const struct mk_mem *m, bool running)
{
	struct mk_mem x = *m;

	if (e->abi == 2 && !running)
		x.placed = false; /* the kernel takes the size and finds the place */
	mk_mem_add(e->s->arena, to, x);
}

static bool same_use(const struct mk_use *a, const struct mk_use *b)
{
	if (a->device != MK_NO_DEVICE && b->device != MK_NO_DEVICE)
		return a->device == b->device && a->part == b->part && a->number == b->number;
	return !strcmp(a->text, b->text) ||
	       (a->pci_id && b->pci_id && !strcmp(a->pci_id, b->pci_id));
}

struct mk_use mk_fold_use(const struct mk_fold *e, const struct mk_use *u)
{
	struct mk_use x = *u;

	if (!x.pci_id || !mk_use_by_pci(e->s, &x))
		mk_use_resolve(e->s, &x);
	return x;
}

static int remove_device(struct mk_fold *e, const struct mk_op *op, struct mk_instance *of,
			 const struct mk_use *u)
{
	struct mk_uses *from = &of->devices;
	struct mk_use x = mk_fold_use(e, u);

	for (size_t i = 0; i < from->n; i++)
		if (same_use(&from->u[i], &x)) {
			mk_ledger_give_device(&e->ledger, (size_t)(of - e->s->instance),
					      &from->u[i]);
			memmove(&from->u[i], &from->u[i + 1], (from->n - i - 1) * sizeof(*from->u));
			from->n--;
			return MK_OK;
		}
	return mk_fold_refuse(e, op, "it does not have %s (the kernel says ENOENT)", u->text);
}

static int add_device(struct mk_fold *e, const struct mk_op *op, struct mk_instance *to,
		      const struct mk_use *u)
{
	struct mk_uses *uses = &to->devices;
	struct mk_use x = mk_fold_use(e, u);
	const struct mk_holding *holder =
		x.device != MK_NO_DEVICE ? mk_ledger_holder(&e->ledger, &x) : NULL;

	for (size_t i = 0; i < uses->n; i++)
		if (same_use(&uses->u[i], &x))
			return mk_fold_refuse(e, op, "it has %s already (the kernel says EEXIST)",
					      u->text);
	if (holder)
		return mk_fold_refuse(e, op, "%s is not free, %s has %s (the kernel says EBUSY)",
				      x.text, e->s->instance[holder->instance].name,
				      holder->use.text);
	uses->u = mk_arena_more(e->s->arena, uses->u, uses->n, &uses->cap, sizeof(*uses->u));
	uses->u[uses->n++] = x;
	mk_ledger_take_device(&e->ledger, (size_t)(to - e->s->instance), &x);
	return MK_OK;
}

/* ------------------------------------------------------------ one after the other */

static int execute(struct mk_fold *e, const struct mk_op *op)
{
	struct mk_instance *x;
	bool running;
	int rc = MK_OK;

	if (op->kind == MK_OP_UNSUPPORTED)
		return mk_fold_refuse(e, op, "no kernel operation changes its %s",
				      op->what ? op->what : "settings");
	if (!op->subject) {
		e->map_known = false; /* another pool, another map */
		return mk_fold_on_pool(e, op);
	}
	e->counted = false;
	if (op->kind == MK_OP_CREATE)
		return execute_create(e, op);
	x = mk_instance_find(e->s, op->subject);
	if (!x)
		return no_instance(e, op);
	running = x->status && !strcmp(x->status, "active");
	switch (op->kind) {
	case MK_OP_DELETE: return execute_delete(e, op, x);
	case MK_OP_CPU_REMOVE: return give_cpus(e, op, x);
	case MK_OP_CPU_ADD: return add_cpus(e, op, x);
	case MK_OP_MEMORY_REMOVE:
		for (size_t i = 0; !rc && i < op->inst.mem.n; i++)
		{
			rc = mk_fold_remove_memory(e, op, &x->mem, &op->inst.mem.m[i]);
			if (!rc)
				give_memory(e, &op->inst.mem.m[i]);
		}
		return rc;
	case MK_OP_MEMORY_ADD:
		rc = take_memory(e, op, &op->inst.mem, e->abi != 2 || running);
		for (size_t i = 0; !rc && i < op->inst.mem.n; i++)
			mk_fold_add_memory(e, &x->mem, &op->inst.mem.m[i], running);
		return rc;
	case MK_OP_DEVICE_REMOVE:
		for (size_t i = 0; !rc && i < op->inst.devices.n; i++)
			rc = remove_device(e, op, x, &op->inst.devices.u[i]);
		return rc;
	case MK_OP_DEVICE_ADD:
		for (size_t i = 0; !rc && i < op->inst.devices.n; i++)
			rc = add_device(e, op, x, &op->inst.devices.u[i]);
		return rc;
	default: return MK_OK;
	}
}

void mk_fold_init(struct mk_fold *f, struct mk_state *s)
{
	*f = (struct mk_fold){.s = s};
	mk_ledger_init(&f->ledger, s);
}

int mk_fold_apply(struct mk_fold *f, const struct mk_delta *d, struct mk_err *err)
{
	struct mk_state *s = f->s;

	f->err = err;
	f->abi = d->abi ? d->abi : s->abi;
	if (d->abi && s->abi_known && d->abi != s->abi) {
		mk_fail_at(err, MK_NO, d->n ? d->op[0].at : (struct mk_span){0},
			   "an overlay for a kernel of ABI %u, and the state is of ABI %u [MK902]",
			   d->abi, s->abi);
		mk_hint(err,
			"mk,abi = <%u>; in the description of the machine says what kernel "
			"it runs",
			d->abi);
		return MK_NO;
	}
	for (size_t i = 0; i < d->n; i++) {
		int rc = execute(f, &d->op[i]);

		if (rc)
			return rc;
	}
	s->has_instances = true;
	if (d->abi) {
		s->abi = d->abi;
		s->abi_known = true;
	}
	return MK_OK;
}

/* Takes devices out of the list, and makes what refers to those behind them follow. */
static void sweep_devices(struct mk_fold *f)
{
	struct mk_state *s = f->s;
	size_t *now = mk_arena_array(s->arena, s->n_devices, sizeof(*now)), n = 0, m = 0;

	for (size_t i = 0; i < s->n_devices; i++) {
		bool gone = i < f->device_gone_cap && f->device_gone[i];

		now[i] = gone ? MK_NO_DEVICE : n;
		if (!gone)
			s->device[n++] = s->device[i];
	}
	s->n_devices = n;
	for (size_t i = 0; i < s->n_aliases; i++) {
		struct mk_alias *x = &s->alias[i];
		bool of_device = x->device != MK_NO_DEVICE;

		if (of_device)
			x->device = now[x->device];
		if (!of_device || x->device != MK_NO_DEVICE)
			s->alias[m++] = *x;
	}
	s->n_aliases = m;
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].devices.n; k++)
			if (s->instance[i].devices.u[k].device != MK_NO_DEVICE)
				s->instance[i].devices.u[k].device =
					now[s->instance[i].devices.u[k].device];
}

void mk_fold_end(struct mk_fold *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->s->n_instances; i++)
		if (!mk_fold_is_gone(f, i))
			f->s->instance[n++] = f->s->instance[i];
	f->s->n_instances = n;
	if (f->device_gone)
		sweep_devices(f);
	if (f->gone || f->device_gone)
		mk_state_index(f->s);
}
