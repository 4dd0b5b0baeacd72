/* SPDX-License-Identifier: Apache-2.0 */
/* place: requests about the pool. What leaves it must be free, what comes is the host's. */
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "keys.h"
#include "num.h"
#include "place_int.h"

static int refuse_abi(struct mk_placer *p)
{
	if (p->s->abi == 2)
		return MK_OK;
	mk_fail_at(p->err, MK_NO, p->r->rec.at, "a kernel of ABI 1 cannot change its pool by an overlay");
	mk_hint(p->err, p->s->abi_known
				? "its pool is what it was given: describe it anew"
				: "mk,abi = <2>; in the description of the machine says that its kernel "
				  "can");
	return MK_NO;
}

/* ------------------------------------------------------------ CPUs */

static int named_cpus(struct mk_placer *p, const struct mk_pair **at, struct mk_ids *ids)
{
	struct mk_ids sorted;

	*ids = (struct mk_ids){0};
	*at = mk_place_key(p, "cpus");
	if (!*at)
		return MK_OK;
	if (mk_key_ids(p->s->arena, *at, ids, p->err))
		return MK_BAD;
	sorted = mk_ids_sorted(p->s->arena, ids);
	for (size_t i = 1; i < sorted.n; i++)
		if (sorted.id[i] == sorted.id[i - 1])
			return mk_fail_at(p->err, MK_NO, (*at)->at,
					  "CPU %llu is listed twice [MK105]",
					  (unsigned long long)sorted.id[i]);
	return MK_OK;
}

/* Takes the second list out of the first, which keeps its order. */
static void take_out(struct mk_ids *from, const struct mk_ranges *what)
{
	size_t kept = 0;

	for (size_t i = 0; i < from->n; i++)
		if (!mk_ranges_has(what, from->id[i], from->id[i]))
			from->id[kept++] = from->id[i];
	from->n = kept;
}

static int add_cpus(struct mk_placer *p)
{
	struct mk_state *s = p->s;
	struct mk_ranges host = mk_ranges_of(s->arena, &s->host_cpus.ids);
	struct mk_ranges pool = mk_ranges_of(s->arena, &s->pool.ids), come;
	const struct mk_pair *at;
	struct mk_ids ids;
	int rc = named_cpus(p, &at, &ids);

	for (size_t i = 0; !rc && i < ids.n; i++) {
		unsigned long long id = ids.id[i];

		if (mk_ranges_has(&pool, id, id))
			return mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is in the pool already",
					  id);
		if (s->host_cpus.known && !mk_ranges_has(&host, id, id)) {
			mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is not the host's to give", id);
			mk_hint(p->err, "the host has CPUs %s",
				mk_ids_brief(s->arena, &s->host_cpus.ids, 8));
			return MK_NO;
		}
		mk_ids_add(s->arena, &s->pool.ids, id);
	}
	if (rc || !ids.n)
		return rc;
	come = mk_ranges_of(s->arena, &ids);
	take_out(&s->host_cpus.ids, &come);
	if (s->host_cpus.known && !s->host_cpus.ids.n)
		return mk_fail_at(p->err, MK_NO, at->at, "the host would have no CPU left");
	s->pool.known = true;
	return MK_OK;
}

static int remove_cpus(struct mk_placer *p)
{
	struct mk_state *s = p->s;
	struct mk_ranges pool = mk_ranges_of(s->arena, &s->pool.ids), gone;
	const struct mk_pair *at;
	struct mk_ids ids;
	int rc = named_cpus(p, &at, &ids);

	if (rc || !ids.n)
		return rc;
	gone = mk_ranges_of(s->arena, &ids);
	for (size_t i = 0; i < ids.n; i++)
		if (!mk_ranges_has(&pool, ids.id[i], ids.id[i]))
			return mk_fail_at(p->err, MK_NO, at->at, "CPU %llu is not in the pool [MK403]",
					  (unsigned long long)ids.id[i]);
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].cpus.ids.n; k++) {
			uint64_t id = s->instance[i].cpus.ids.id[k];

			if (!mk_ranges_has(&gone, id, id))
				continue;
			mk_fail_at(p->err, MK_NO, at->at, "CPU %llu belongs to %s",
				   (unsigned long long)id, s->instance[i].name);
			mk_hint(p->err, "update %s in the same batch so that it gives it back",
				s->instance[i].name);
			return MK_NO;
		}
	take_out(&s->pool.ids, &gone);
	if (!s->pool.ids.n)
		return mk_fail_at(p->err, MK_NO, at->at, "the pool would have no CPU left [MK102]");
	for (size_t i = 0; s->host_cpus.known && i < ids.n; i++)
		mk_ids_add(s->arena, &s->host_cpus.ids, ids.id[i]);
	return MK_OK;
}

/* ------------------------------------------------------------ memory */

static int add_memory(struct mk_placer *p)
{
	const struct mk_pair *at = mk_place_key(p, "memory");
	struct mk_mems want;

	if (!at)
		return MK_OK;
	if (mk_key_memory(p->s->arena, at, &want, p->err))
		return MK_BAD;
	for (size_t i = 0; i < want.n; i++) {
		int rc = mk_place_node_known(p, at, want.m[i].node);

		if (rc)
			return rc;
		if (want.m[i].placed) {
			mk_fail_at(p->err, MK_NO, at->at,
				   "the kernel finds memory for the pool itself: no address can be "
				   "asked for");
			mk_hint(p->err, "give a size, 2G or 2G@0");
			return MK_NO;
		}
		if (!want.m[i].size || want.m[i].size % MK_PAGE_BYTES)
			return mk_fail_at(p->err, MK_NO, at->at,
					  "%llu bytes are not a whole number of pages of 4096 bytes "
					  "[MK108]",
					  (unsigned long long)want.m[i].size);
		mk_mem_add(p->s->arena, &p->s->chunks, want.m[i])->where = p->s->resources;
	}
	return MK_OK;
}

/* Whether an instance, or what is no instance, has memory of a chunk. */
static const char *user_of(const struct mk_placer *p, const struct mk_mem *c)
{
	for (size_t i = 0; i <= p->s->n_instances; i++) {
		bool last = i == p->s->n_instances;
		const struct mk_mems *list = last ? &p->s->in_use : &p->s->instance[i].mem;

		for (size_t k = 0; k < list->n; k++) {
			const struct mk_mem *m = &list->m[k];

			if (m->placed && m->size && m->base <= c->base + (c->size - 1) &&
			    c->base <= m->base + (m->size - 1))
				return !last	  ? p->s->instance[i].name
				       : m->owner ? m->owner
						  : "the kernel";
		}
	}
	return NULL;
}

/* What the kernel has placed somewhere on a node is still there. */
static int still_enough(struct mk_placer *p, const struct mk_pair *at)
{
	struct mk_memmap map;
	uint64_t over;
	uint32_t node;

	mk_memmap_init(&map, p->s);
	node = map.taken ? mk_memmap_overdrawn(&map, &over) : MK_NODE_ANY;
	for (size_t i = 0; node != MK_NODE_ANY && i < p->s->n_instances; i++)
		for (size_t k = 0; k < p->s->instance[i].mem.n; k++) {
			const struct mk_mem *m = &p->s->instance[i].mem.m[k];

			if (m->placed || m->node != node)
				continue;
			mk_fail_at(p->err, MK_NO, at->at, "%s has %s on NUMA node %u, which would not be left",
				   p->s->instance[i].name, mk_num_size_text(p->s->arena, m->size), node);
			mk_hint(p->err, "%s too much: update %s in the same batch so that it gives it back",
				mk_num_size_text(p->s->arena, over), p->s->instance[i].name);
			return MK_NO;
		}
	if (mk_memmap_bytes(&map, MK_NODE_ANY) == 0 && map.taken > map.have)
		return mk_fail_at(p->err, MK_NO, at->at,
				  "instances have %s more than would be left in the pool [MK507]",
				  mk_num_size_text(p->s->arena, map.taken - map.have));
	return MK_OK;
}

static int remove_memory(struct mk_placer *p)
{
	const struct mk_pair *at = mk_place_key(p, "memory");
	struct mk_mems *chunks = &p->s->chunks;
	struct mk_mems want;

	if (!at)
		return MK_OK;
	if (mk_key_memory(p->s->arena, at, &want, p->err))
		return MK_BAD;
	for (size_t i = 0; i < want.n; i++) {
		const struct mk_mem *m = &want.m[i];
		const char *user;
		size_t k = 0;

		while (k < chunks->n && (!m->placed || !chunks->m[k].placed ||
					 chunks->m[k].base != m->base || chunks->m[k].size != m->size))
			k++;
		if (k == chunks->n) {
			mk_fail_at(p->err, MK_NO, at->at,
				   "the pool has no chunk %s: the kernel takes back what it gave, as "
				   "a whole",
				   m->placed ? mk_mem_text(p->s->arena, m) : "without an address");
			if (chunks->n && chunks->m[0].placed)
				mk_hint(p->err, "its first one is memory=0x%llx+%llu; mk-show lists them",
					(unsigned long long)chunks->m[0].base,
					(unsigned long long)chunks->m[0].size);
			return MK_NO;
		}
		user = user_of(p, &chunks->m[k]);
		if (user)
			return mk_fail_at(p->err, MK_NO, at->at, "%s has memory of %s", user,
					  mk_mem_text(p->s->arena, m));
		chunks->n--;
		memmove(chunks->m + k, chunks->m + k + 1, (chunks->n - k) * sizeof(*chunks->m));
	}
	if (!chunks->n)
		return mk_fail_at(p->err, MK_NO, at->at, "the pool would have no memory left [MK106]");
	return still_enough(p, at);
}

/* ------------------------------------------------------------ devices */

static int add_devices(struct mk_placer *p)
{
	const struct mk_pair *at = mk_place_key(p, "devices");
	struct mk_state *s = p->s;
	struct mk_names come = {.arena = s->arena};
	const char **names;
	size_t n;

	if (!at)
		return MK_OK;
	if (mk_key_names(s->arena, at, &names, &n, p->err))
		return MK_BAD;
	for (size_t i = 0; i < n; i++) {
		struct mk_use by_name = {.text = names[i], .device = MK_NO_DEVICE},
			      by_pci = {.pci_id = names[i], .device = MK_NO_DEVICE};

		if (mk_use_resolve(s, &by_name) || mk_use_by_pci(s, &by_pci))
			return mk_fail_at(p->err, MK_NO, at->at, "the pool has %s already", names[i]);
		if (mk_name_known(&come, names[i], strlen(names[i])))
			return mk_fail_at(p->err, MK_NO, at->at, "%s is listed twice", names[i]);
		mk_intern(&come, names[i], strlen(names[i]));
		if (!strchr(names[i], ':')) {
			mk_fail_at(p->err, MK_BAD, at->at, "'%s' is no PCI id", names[i]);
			mk_hint(p->err, "a device that comes is named by its PCI id, 0000:01:00.0; "
					"lspci -D lists them");
			return MK_BAD;
		}
		s->device = mk_arena_more(s->arena, s->device, s->n_devices, &s->devices_cap,
					  sizeof(*s->device));
		s->device[s->n_devices++] = (struct mk_device){
			.name = mk_device_name_of(s->arena, names[i]),
			.pci_id = names[i],
			.type = "pci",
			.node = MK_NODE_ANY};
	}
	mk_state_index(s);
	return MK_OK;
}

/* Devices that are gone; uses of the others follow them to their new places. */
static void drop_devices(struct mk_state *s, const bool *gone)
{
	size_t *to = mk_arena_array(s->arena, s->n_devices, sizeof(*to)), kept = 0;

	for (size_t i = 0; i < s->n_devices; i++) {
		to[i] = gone[i] ? MK_NO_DEVICE : kept;
		if (!gone[i])
			s->device[kept++] = s->device[i];
	}
	s->n_devices = kept;
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].devices.n; k++) {
			struct mk_use *u = &s->instance[i].devices.u[k];

			if (u->device != MK_NO_DEVICE)
				u->device = to[u->device];
		}
	for (size_t i = kept = 0; i < s->n_aliases; i++) {
		struct mk_alias *x = &s->alias[i];

		if (x->device != MK_NO_DEVICE && to[x->device] == MK_NO_DEVICE)
			continue;
		x->device = x->device != MK_NO_DEVICE ? to[x->device] : MK_NO_DEVICE;
		s->alias[kept++] = *x;
	}
	s->n_aliases = kept;
	mk_state_index(s);
}

static int remove_devices(struct mk_placer *p)
{
	const struct mk_pair *at = mk_place_key(p, "devices");
	bool *gone = mk_arena_array(p->s->arena, p->s->n_devices, sizeof(*gone));
	const char **names;
	size_t n;

	if (!at)
		return MK_OK;
	if (mk_key_names(p->s->arena, at, &names, &n, p->err))
		return MK_BAD;
	for (size_t i = 0; i < n; i++) {
		struct mk_use u = {.text = names[i], .pci_id = names[i], .device = MK_NO_DEVICE};

		if ((!mk_use_resolve(p->s, &u) && !mk_use_by_pci(p->s, &u)) || u.part != MK_WHOLE) {
			const char *best = mk_device_nearest(p->s, names[i]);

			mk_fail_at(p->err, MK_NO, at->at, "the pool has no device '%s' [MK601]",
				   names[i]);
			if (best)
				mk_hint(p->err, "did you mean %s?", best);
			return MK_NO;
		}
		gone[u.device] = true;
	}
	for (size_t i = 0; i < p->s->n_instances; i++)
		for (size_t k = 0; k < p->s->instance[i].devices.n; k++) {
			const struct mk_use *u = &p->s->instance[i].devices.u[k];

			if (u->device != MK_NO_DEVICE && gone[u->device])
				return mk_fail_at(p->err, MK_NO, at->at, "%s has %s",
						  p->s->instance[i].name, u->text);
		}
	drop_devices(p->s, gone);
	return MK_OK;
}

int mk_place_pool_add(struct mk_placer *p)
{
	int rc = refuse_abi(p);

	if (!rc)
		rc = add_cpus(p);
	if (!rc)
		rc = add_memory(p);
	return rc ? rc : add_devices(p);
}

int mk_place_pool_remove(struct mk_placer *p)
{
	int rc = refuse_abi(p);

	if (!rc)
		rc = remove_cpus(p);
	if (!rc)
		rc = remove_memory(p);
	return rc ? rc : remove_devices(p);
}
