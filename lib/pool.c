/* SPDX-License-Identifier: Apache-2.0 */
/* pool: what of a machine's pool nobody has. */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "num.h"
#include "sort.h"

struct mk_ids mk_free_cpus(const struct mk_state *s)
{
	struct mk_ranges used;
	struct mk_ids out = {0};
	bool rising = true;

	if (!s->has_instances && s->available.known)
		return mk_ids_unique(s->arena, &s->available.ids);
	mk_ranges_init(&used, s->arena);
	for (size_t i = 0; i < s->n_instances; i++)
		mk_ranges_add_ids(&used, &s->instance[i].cpus.ids);
	mk_ranges_add_ids(&used, &s->host_cpus.ids);
	mk_ranges_join(&used);
	for (size_t i = 0; i < s->pool.ids.n; i++) {
		uint64_t cpu = s->pool.ids.id[i];

		if (mk_ranges_has(&used, cpu, cpu))
			continue;
		rising = rising && (!out.n || out.id[out.n - 1] < cpu);
		mk_ids_add(s->arena, &out, cpu);
	}
	return rising ? out : mk_ids_unique(s->arena, &out);
}

void mk_pool_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out)
{
	struct mk_ranges on, somewhere, elsewhere, here;

	mk_ranges_init(out, s->arena);
	mk_ranges_init(&on, s->arena);
	mk_ranges_init(&somewhere, s->arena);
	mk_ranges_init(&elsewhere, s->arena);
	mk_ranges_init(&here, s->arena);
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *m = &s->chunks.m[i];

		if (m->placed && (node == MK_NODE_ANY || m->node == node))
			mk_ranges_add_size(out, m->base, m->size);
		else if (m->placed && m->node == MK_NODE_ANY)
			mk_ranges_add_size(&somewhere, m->base, m->size);
	}
	if (somewhere.n) {
		for (size_t i = 0; i < s->n_numa; i++)
			if (s->numa[i].id == node && s->numa[i].has_memory)
				mk_ranges_add_size(&on, s->numa[i].base, s->numa[i].size);
		mk_ranges_join(&somewhere);
		mk_ranges_join(&on);
		mk_ranges_minus(&elsewhere, &somewhere, &on);
		mk_ranges_minus(&here, &somewhere, &elsewhere);
		for (size_t i = 0; i < here.n; i++)
			mk_ranges_add(out, here.r[i].first, here.r[i].last);
	}
	mk_ranges_join(out);
}

void mk_used_memory(const struct mk_state *s, struct mk_ranges *out)
{
	mk_ranges_init(out, s->arena);
	for (size_t i = 0; i < s->in_use.n; i++)
		mk_ranges_add_size(out, s->in_use.m[i].base, s->in_use.m[i].size);
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++)
			if (s->instance[i].mem.m[k].placed)
				mk_ranges_add_size(out, s->instance[i].mem.m[k].base,
						   s->instance[i].mem.m[k].size);
}

void mk_free_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out)
{
	struct mk_ranges all, used;

	mk_ranges_init(out, s->arena);
	mk_pool_memory(s, node, &all);
	mk_used_memory(s, &used);
	mk_ranges_join(&used);
	mk_ranges_minus(out, &all, &used);
}

uint64_t mk_free_bytes(const struct mk_state *s, uint32_t node)
{
	struct mk_ranges r;
	uint64_t bytes, taken = 0;

	mk_free_memory(s, node, &r);
	bytes = mk_ranges_count(&r);
	for (size_t i = 0; i < s->chunks.n; i++)
		if (!s->chunks.m[i].placed &&
		    (node == MK_NODE_ANY || s->chunks.m[i].node == node))
			bytes = mk_num_plus(bytes, s->chunks.m[i].size);
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++) {
			const struct mk_mem *m = &s->instance[i].mem.m[k];

			if (!m->placed && (node == MK_NODE_ANY || m->node == node))
				taken = mk_num_plus(taken, m->size);
		}
	return bytes > taken ? bytes - taken : 0;
}

/* ------------------------------------------------------------ ledger */

void mk_ledger_init(struct mk_ledger *l, const struct mk_state *s)
{
	*l = (struct mk_ledger){.s = s};
}

/* A device may have come since the ledger was made. */
static void know_device(struct mk_ledger *l, size_t device)
{
	size_t more = l->s->devices_cap > device ? l->s->devices_cap : device + 1;

	if (device < l->devices)
		return;
	l->device = mk_arena_grow(l->s->arena, l->device, l->devices * sizeof(*l->device),
				  more * sizeof(*l->device));
	for (; l->devices < more; l->devices++)
		l->device[l->devices] = NULL;
}

/* Who has exactly this; NULL for nobody. */
static struct mk_holding **holder_of(struct mk_ledger *l, size_t device, enum mk_part part,
				     uint32_t number)
{
	char key[48];
	int len = snprintf(key, sizeof(key), "%zu/%d/%u", device, (int)part, number);
	uint32_t *mark = mk_name_mark(mk_intern(&l->parts, key, (size_t)len));

	if (!*mark) {
		l->part = mk_arena_more(l->s->arena, l->part, l->n_parts, &l->parts_cap,
					sizeof(struct mk_holding *));
		l->part[l->n_parts++] = NULL;
		*mark = (uint32_t)l->n_parts;
	}
	return &l->part[*mark - 1];
}

static struct mk_holding **holder_like(struct mk_ledger *l, const struct mk_use *u)
{
	return holder_of(l, u->device, u->part, u->part == MK_WHOLE ? 0 : u->number);
}

static void hold(struct mk_ledger *l, size_t instance, const struct mk_use *u)
{
	struct mk_holding *h, **exact;

	if (u->device == MK_NO_DEVICE)
		return;
	know_device(l, u->device);
	h = mk_arena_alloc(l->s->arena, sizeof(*h));
	*h = (struct mk_holding){.instance = instance, .use = *u, .next = l->device[u->device]};
	if (h->next)
		h->next->prev = h;
	l->device[u->device] = h;
	exact = holder_like(l, u);
	*exact = *exact ? *exact : h;
}

static void know_devices(struct mk_ledger *l)
{
	if (l->parts.arena)
		return;
	l->parts.arena = l->s->arena;
	for (size_t i = l->s->n_instances; i--;)
		for (size_t k = 0; k < l->s->instance[i].devices.n; k++)
			hold(l, i, &l->s->instance[i].devices.u[k]);
}

const struct mk_holding *mk_ledger_holder(struct mk_ledger *l, const struct mk_use *u)
{
	const struct mk_holding *h;

	know_devices(l);
	know_device(l, u->device);
	if (u->part == MK_WHOLE)
		return l->device[u->device];
	h = *holder_of(l, u->device, MK_WHOLE, 0);
	return h ? h : *holder_like(l, u);
}

void mk_ledger_take_device(struct mk_ledger *l, size_t instance, const struct mk_use *u)
{
	know_devices(l);
	hold(l, instance, u);
}

static void let_go(struct mk_ledger *l, struct mk_holding *h)
{
	struct mk_holding **exact = holder_like(l, &h->use);

	if (h->prev)
		h->prev->next = h->next;
	else
		l->device[h->use.device] = h->next;
	if (h->next)
		h->next->prev = h->prev;
	*exact = *exact == h ? NULL : *exact;
}

void mk_ledger_give_device(struct mk_ledger *l, size_t instance, const struct mk_use *u)
{
	struct mk_holding *h;

	know_devices(l);
	if (u->device == MK_NO_DEVICE)
		return;
	know_device(l, u->device);
	h = *holder_like(l, u);
	/* a state that gives it to several: the one that is meant is not at hand */
	for (; h && h->instance != instance; h = h->next)
		;
	for (h = h ? h : l->device[u->device]; h && h->instance != instance; h = h->next)
		;
	if (h)
		let_go(l, h);
}

void mk_ledger_give_devices(struct mk_ledger *l, size_t instance)
{
	const struct mk_uses *uses = &l->s->instance[instance].devices;

	for (size_t i = 0; i < uses->n; i++)
		mk_ledger_give_device(l, instance, &uses->u[i]);
}
