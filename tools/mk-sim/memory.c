/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: the pool by chunks, with the kernel's own choices: contiguous memory
 * of the host is looked for from the top of a node downwards, at memory-block
 * and then at page-block boundaries (contig.c); the pool is a general-purpose
 * allocator a node, whose newest chunk is tried first and which takes the
 * lowest place that fits (gen_pool, first fit); memory of no given node comes
 * from the first node that has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

enum { PAGEBLOCK_BYTES = 2 << 20 }; /* pageblock_nr_pages of x86 */

static uint64_t page_up(uint64_t n)
{
	return (n + SIM_PAGE_BYTES - 1) & ~(uint64_t)(SIM_PAGE_BYTES - 1);
}

/* The highest thing in the way of [base, base + size), so that a search can go on below it; or
 * false. */
static bool in_the_way(const struct sim_kernel *k, uint64_t base, uint64_t size, uint64_t *lowest)
{
	bool found = false;
	size_t i;

	*lowest = UINT64_MAX;
	for (i = 0; i < k->n_chunks; i++)
		if (base < k->chunk[i]->base + k->chunk[i]->size &&
		    k->chunk[i]->base < base + size) {
			found = true;
			if (k->chunk[i]->base < *lowest)
				*lowest = k->chunk[i]->base;
		}
	for (i = 0; i < k->n_buffers; i++)
		if (!k->buffer[i].in_pool && base < k->buffer[i].base + k->buffer[i].size &&
		    k->buffer[i].base < base + size) {
			found = true;
			if (k->buffer[i].base < *lowest)
				*lowest = k->buffer[i].base;
		}
	return found;
}

static uint64_t search_node(const struct sim_kernel *k, const struct sim_node *n, uint64_t size,
			    uint64_t align, bool first)
{
	uint64_t bottom = n->base + (first ? k->m.host_bytes : 0), at, lowest;

	if (n->size < size)
		return 0;
	at = (n->base + n->size - size) / align * align;
	while (at >= bottom && at) {
		if (!in_the_way(k, at, size, &lowest))
			return at;
		if (lowest < size)
			break;
		at = (lowest - size) / align * align;
	}
	return 0;
}

uint64_t sim_host_alloc(const struct sim_kernel *k, uint64_t size, int node, uint64_t align,
			uint32_t *of_node)
{
	size_t i;

	for (i = 0; i < k->m.n_nodes; i++) {
		const struct sim_node *n = &k->m.node[i];
		uint64_t at;

		if (node != SIM_ANY_NODE && (uint32_t)node != n->id)
			continue;
		at = search_node(k, n, size, align, i == 0);
		if (at) {
			*of_node = n->id;
			return at;
		}
	}
	return 0;
}

static struct sim_chunk *add_chunk(struct sim_kernel *k, uint64_t base, uint64_t size,
				   uint32_t node)
{
	struct sim_chunk *c = sim_new(sizeof *c);

	c->base = base;
	c->size = size;
	c->node = node;
	k->chunk = sim_more(k->chunk, k->n_chunks, &k->chunks_cap, sizeof *k->chunk);
	k->chunk[k->n_chunks++] = c;
	return c;
}

static bool node_online(const struct sim_kernel *k, int node)
{
	return node >= 0 && sim_node_find(&k->m, (uint32_t)node) != SIZE_MAX;
}

int sim_pool_grow(struct sim_kernel *k, uint64_t size, int node)
{
	uint32_t of_node = 0;
	uint64_t at = 0;

	if (!size || size % SIM_PAGE_BYTES)
		return -EINVAL;
	if (node != SIM_ANY_NODE && !node_online(k, node))
		return -EINVAL;
	if (size >= k->m.block_bytes)
		at = sim_host_alloc(k, size, node, k->m.block_bytes, &of_node);
	if (!at)
		at = sim_host_alloc(k, size, node, PAGEBLOCK_BYTES, &of_node);
	if (!at)
		return -ENOMEM;
	add_chunk(k, at, size, of_node);
	return 0;
}

int sim_pool_adopt(struct sim_kernel *k, uint64_t base, uint64_t size)
{
	uint32_t node = k->m.node[0].id;
	size_t i;

	for (i = 0; i < k->m.n_nodes; i++)
		if (base >= k->m.node[i].base && base - k->m.node[i].base < k->m.node[i].size)
			node = k->m.node[i].id;
	add_chunk(k, base, size, node);
	return 0;
}

struct sim_chunk *sim_chunk_at(const struct sim_kernel *k, uint64_t address)
{
	size_t i;

	for (i = 0; i < k->n_chunks; i++)
		if (address >= k->chunk[i]->base && address - k->chunk[i]->base < k->chunk[i]->size)
			return k->chunk[i];
	return NULL;
}

int sim_pool_shrink(struct sim_kernel *k, uint64_t base, uint64_t size)
{
	size_t i;

	for (i = 0; i < k->n_chunks && k->chunk[i]->base != base; i++)
		;
	if (i == k->n_chunks || k->chunk[i]->size != size)
		return -ENOENT;
	if (k->chunk[i]->n_taken)
		return -EBUSY;
	free(k->chunk[i]->taken);
	free(k->chunk[i]);
	memmove(k->chunk + i, k->chunk + i + 1, (--k->n_chunks - i) * sizeof *k->chunk);
	return 0;
}

/* The lowest free place in a chunk; SIZE_MAX places for none. *at is where it goes in the list. */
static bool first_fit(const struct sim_chunk *c, uint64_t size, uint64_t *base, size_t *at)
{
	uint64_t from = c->base;
	size_t i;

	for (i = 0; i < c->n_taken; i++) {
		if (c->taken[i].base - from >= size)
			break;
		from = c->taken[i].base + c->taken[i].size;
	}
	*base = from;
	*at = i;
	return i < c->n_taken || c->base + c->size - from >= size;
}

static void take(struct sim_chunk *c, size_t at, uint64_t base, uint64_t size)
{
	c->taken = sim_more(c->taken, c->n_taken, &c->cap, sizeof *c->taken);
	memmove(c->taken + at + 1, c->taken + at, (c->n_taken++ - at) * sizeof *c->taken);
	c->taken[at] = (struct sim_piece){base, size};
}

static uint64_t alloc_on(struct sim_kernel *k, uint64_t size, uint32_t node)
{
	size_t i, at;
	uint64_t base;

	for (i = k->n_chunks; i-- > 0;)
		if (k->chunk[i]->node == node && first_fit(k->chunk[i], size, &base, &at)) {
			take(k->chunk[i], at, base, size);
			return base;
		}
	return 0;
}

uint64_t sim_pool_alloc(struct sim_kernel *k, uint64_t size, int node)
{
	uint64_t base = 0;
	size_t i;

	size = page_up(size);
	if (!size)
		return 0;
	if (k->abi == 1) /* one pool, of one node as far as it knows */
		node = SIM_ANY_NODE;
	if (node != SIM_ANY_NODE)
		return alloc_on(k, size, (uint32_t)node);
	for (i = 0; i < k->m.n_nodes && !base; i++)
		base = alloc_on(k, size, k->m.node[i].id);
	return base;
}

void sim_pool_free(struct sim_kernel *k, uint64_t base, uint64_t size)
{
	struct sim_chunk *c = sim_chunk_at(k, base);
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n_taken; i++)
		if (c->taken[i].base == base && c->taken[i].size == page_up(size)) {
			memmove(c->taken + i, c->taken + i + 1,
				(--c->n_taken - i) * sizeof *c->taken);
			return;
		}
}

uint64_t sim_pool_avail(const struct sim_kernel *k)
{
	uint64_t free = 0;
	size_t i, t;

	for (i = 0; i < k->n_chunks; i++) {
		free += k->chunk[i]->size;
		for (t = 0; t < k->chunk[i]->n_taken; t++)
			free -= k->chunk[i]->taken[t].size;
	}
	return free;
}

/*
 * The park area, on which CPUs of the pool wait, is itself memory of the pool:
 * the first that is taken of it.
 */
int sim_park_setup(struct sim_kernel *k)
{
	if (k->parked)
		return 0;
	if (!k->n_chunks)
		return -ENODEV;
	k->park_base = sim_pool_alloc(k, SIM_PARK_BYTES, SIM_ANY_NODE);
	if (!k->park_base)
		return -ENOMEM;
	k->parked = true;
	return 0;
}

bool sim_park_uses(const struct sim_kernel *k, uint64_t base, uint64_t size)
{
	return k->parked && k->park_base >= base && k->park_base - base < size;
}

/* Only once every CPU of the pool is home: one of an instance is still of the pool. */
int sim_park_teardown(struct sim_kernel *k)
{
	size_t i;

	if (k->pool.n)
		return -EBUSY;
	for (i = 0; i < k->n_instances; i++)
		if (k->instance[i]->cpus.n)
			return -EBUSY;
	sim_pool_free(k, k->park_base, SIM_PARK_BYTES);
	k->parked = false;
	return 0;
}

/* ---------------------------------------------------------------- /dev/lazy_cma */

int sim_buffer_alloc(struct sim_kernel *k, uint64_t size, int node, const char *name,
		     uint64_t *base)
{
	struct sim_buffer b = {.size = page_up(size)};

	if (node >= 0 && !node_online(k, node))
		return -EINVAL;
	b.base =
		sim_host_alloc(k, b.size, node < 0 ? SIM_ANY_NODE : node, PAGEBLOCK_BYTES, &b.node);
	if (!b.base)
		return -ENOMEM;
	snprintf(b.name, sizeof b.name, "%s", name);
	k->buffer = sim_more(k->buffer, k->n_buffers, &k->buffers_cap, sizeof *k->buffer);
	k->buffer[k->n_buffers++] = b;
	*base = b.base;
	return 0;
}

static struct sim_buffer *buffer_at(struct sim_kernel *k, uint64_t base)
{
	size_t i;

	for (i = 0; i < k->n_buffers; i++)
		if (k->buffer[i].base == base && !k->buffer[i].in_pool)
			return &k->buffer[i];
	return NULL;
}

/* Growing tries the memory behind first, then another place. */
int sim_buffer_resize(struct sim_kernel *k, uint64_t *base, uint64_t *size)
{
	struct sim_buffer *b = buffer_at(k, *base);
	uint64_t want = page_up(*size), lowest, end, at;
	size_t n;
	uint32_t node;

	if (!*size)
		return -EINVAL;
	if (!b)
		return -ENOENT;
	if (want > b->size) {
		n = sim_node_find(&k->m, b->node);
		end = k->m.node[n].base + k->m.node[n].size;
		if (b->base + want > end ||
		    in_the_way(k, b->base + b->size, want - b->size, &lowest)) {
			at = sim_host_alloc(k, want, (int)b->node, PAGEBLOCK_BYTES, &node);
			if (!at)
				return -ENOMEM;
			b->base = at;
		}
	}
	b->size = want;
	*base = b->base;
	*size = b->size;
	return 0;
}

int sim_buffer_free(struct sim_kernel *k, uint64_t base)
{
	struct sim_buffer *b = buffer_at(k, base);
	size_t i;

	if (!b)
		return -ENOENT;
	if (sim_chunk_at(k, b->base))
		sim_violation(k, "memory at 0x%llx was freed while the pool holds it",
			      (unsigned long long)b->base);
	i = (size_t)(b - k->buffer);
	memmove(b, b + 1, (--k->n_buffers - i) * sizeof *b);
	return 0;
}

/* ---------------------------------------------------------------- /proc/iomem */

struct list {
	struct sim_resource *r;
	size_t n, cap;
};

static void resource(struct list *l, uint64_t base, uint64_t size, const char *name)
{
	struct sim_resource *r;

	if (!size)
		return;
	l->r = sim_more(l->r, l->n, &l->cap, sizeof *l->r);
	r = &l->r[l->n];
	*r = (struct sim_resource){.base = base, .size = size, .order = (unsigned)l->n};
	snprintf(r->name, sizeof r->name, "%s", name);
	l->n++;
}

static void instance_resources(struct list *l, const struct sim_instance *x)
{
	char name[320];
	size_t i;

	for (i = 0; i < x->n_regions; i++) {
		snprintf(name, sizeof name, "mk-instance-%d-%s-region-%u", x->id, x->name,
			 x->region[i].number);
		resource(l, x->region[i].base, x->region[i].size, name);
	}
}

size_t sim_resources(const struct sim_kernel *k, struct sim_resource **out)
{
	struct list l = {0};
	size_t i;

	resource(&l, 0, SIM_PAGE_BYTES, "Reserved");
	for (i = 0; i < k->m.n_nodes; i++) {
		const struct sim_node *n = &k->m.node[i];
		uint64_t base = n->base ? n->base : SIM_PAGE_BYTES;

		resource(&l, base, n->base + n->size - base, "System RAM");
	}
	resource(&l, k->m.node[0].base + (16 << 20), 18 << 20, "Kernel code");
	resource(&l, k->m.node[0].base + (34 << 20), 10 << 20, "Kernel rodata");
	resource(&l, k->m.node[0].base + (44 << 20), 6 << 20, "Kernel data");
	for (i = 0; i < k->n_buffers; i++)
		resource(&l, k->buffer[i].base, k->buffer[i].size, k->buffer[i].name);
	for (i = 0; i < k->n_chunks; i++)
		resource(&l, k->chunk[i]->base, k->chunk[i]->size, "Multikernel Memory Pool");
	for (i = 0; i < k->n_instances; i++)
		instance_resources(&l, k->instance[i]);
	*out = l.r;
	return l.n;
}
