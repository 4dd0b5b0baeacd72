/* SPDX-License-Identifier: Apache-2.0 */
/* arena: bump allocation in chunks; large blocks stand alone so that they can grow in place. */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	CHUNK_BYTES = 64 * 1024,
	CHUNK_BYTES_MAX = 32 * 1024 * 1024,
	HUGE_BYTES = 2 * 1024 * 1024, /* chunks of several of these ask for huge pages */
	LARGE_BYTES = 32 * 1024,      /* from here on a block has a chunk of its own */
};

struct mk_arena_chunk {
	struct mk_arena_chunk *prev;
	struct mk_arena_chunk *next; /* large list only: it is doubly linked */
	size_t bytes;		     /* capacity of data */
	size_t used;
	max_align_t data[];
};

static _Noreturn void out_of_memory(const struct mk_arena *a)
{
	if (a->oom)
		a->oom();
	abort();
}

void mk_arena_init(struct mk_arena *a, void (*oom)(void))
{
	*a = (struct mk_arena){.oom = oom};
}

static void free_list(struct mk_arena_chunk *c)
{
	while (c) {
		struct mk_arena_chunk *prev = c->prev;

		free(c);
		c = prev;
	}
}

void mk_arena_free(struct mk_arena *a)
{
	free_list(a->chunk);
	free_list(a->large);
	a->chunk = NULL;
	a->large = NULL;
}

void mk_arena_reset(struct mk_arena *a)
{
	free_list(a->large);
	a->large = NULL;
	if (!a->chunk)
		return;
	free_list(a->chunk->prev);
	a->chunk->prev = NULL;
	a->chunk->used = 0;
}

/*
 * A tree of a million nodes touches a hundred thousand pages: with huge ones
 * most of the faults are not taken. The kernel may ignore the wish.
 */
static struct mk_arena_chunk *large_memory(size_t bytes)
{
	void *p = NULL;

	if (bytes < 2 * (size_t)HUGE_BYTES)
		return malloc(bytes);
	if (posix_memalign(&p, HUGE_BYTES, bytes))
		return NULL;
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static struct mk_arena_chunk *new_chunk(const struct mk_arena *a, size_t bytes)
{
	struct mk_arena_chunk *c;

	if (bytes > SIZE_MAX / 2)
		out_of_memory(a);
	c = large_memory(sizeof(*c) + bytes);
	if (!c)
		out_of_memory(a);
	*c = (struct mk_arena_chunk){.bytes = bytes};
	return c;
}

static size_t rounded(size_t bytes)
{
	return (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
}

/* Uninitialized memory. */
static void *take(struct mk_arena *a, size_t bytes)
{
	struct mk_arena_chunk *c = a->chunk;
	size_t need, size;
	char *p;

	if (bytes > SIZE_MAX / 2)
		out_of_memory(a);
	need = rounded(bytes ? bytes : 1);
	if (need >= LARGE_BYTES) {
		c = new_chunk(a, need);
		c->used = need;
		c->prev = a->large;
		if (a->large)
			a->large->next = c;
		a->large = c;
		return c->data;
	}
	if (!c || c->bytes - c->used < need) {
		size = c ? c->bytes * 2 : CHUNK_BYTES;
		if (size > CHUNK_BYTES_MAX)
			size = CHUNK_BYTES_MAX;
		c = new_chunk(a, size);
		c->prev = a->chunk;
		a->chunk = c;
	}
	p = (char *)c->data + c->used;
	c->used += need;
	return p;
}

void *mk_arena_alloc(struct mk_arena *a, size_t bytes)
{
	return memset(take(a, bytes), 0, bytes);
}

void *mk_arena_array(struct mk_arena *a, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / 2 / size)
		out_of_memory(a);
	return mk_arena_alloc(a, n * size);
}

/* A large block grows by realloc: its neighbours in the list are told its new place. */
static void *grow_large(struct mk_arena *a, struct mk_arena_chunk *c, size_t bytes)
{
	struct mk_arena_chunk *moved;

	if (bytes > SIZE_MAX / 2)
		out_of_memory(a);
	bytes = rounded(bytes);
	moved = realloc(c, sizeof(*c) + bytes);
	if (!moved)
		out_of_memory(a);
	moved->bytes = bytes;
	moved->used = bytes;
	if (moved->next)
		moved->next->prev = moved;
	else
		a->large = moved;
	if (moved->prev)
		moved->prev->next = moved;
	return moved->data;
}

void *mk_arena_grow(struct mk_arena *a, void *old, size_t old_bytes, size_t new_bytes)
{
	struct mk_arena_chunk *c = a->chunk;
	size_t had = rounded(old_bytes ? old_bytes : 1);
	void *p;

	if (!old)
		return take(a, new_bytes);
	if (new_bytes <= old_bytes)
		return old;
	if (had >= LARGE_BYTES) {
		char *data = old;

		c = (struct mk_arena_chunk *)(void *)(data - offsetof(struct mk_arena_chunk, data));
		return grow_large(a, c, new_bytes);
	}
	/* the newest block of a chunk can simply become longer */
	if (c && (char *)old + had == (char *)c->data + c->used && new_bytes < LARGE_BYTES &&
	    c->bytes - c->used >= rounded(new_bytes) - had) {
		c->used += rounded(new_bytes) - had;
		return old;
	}
	p = take(a, new_bytes);
	memcpy(p, old, old_bytes);
	return p;
}

void *mk_arena_more(struct mk_arena *a, void *items, size_t n, size_t *cap, size_t size)
{
	size_t want;

	if (n < *cap)
		return items;
	want = *cap ? *cap * 2 : 8;
	if (want > SIZE_MAX / 2 / size)
		out_of_memory(a);
	items = mk_arena_grow(a, items, *cap * size, want * size);
	*cap = want;
	return items;
}

char *mk_arena_strn(struct mk_arena *a, const char *s, size_t len)
{
	char *p = take(a, len + 1);

	if (len)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *mk_arena_str(struct mk_arena *a, const char *s)
{
	return mk_arena_strn(a, s, strlen(s));
}

char *mk_arena_vfmt(struct mk_arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		n = 0;
	p = take(a, (size_t)n + 1);
	p[0] = '\0';
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

char *mk_arena_fmt(struct mk_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = mk_arena_vfmt(a, fmt, ap);
	va_end(ap);
	return p;
}
