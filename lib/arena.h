/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory that is given back all at once. A tool lives for
 * milliseconds and frees nothing one by one; a long-lived tool resets its
 * arena once a record. Not a general allocator.
 */
#ifndef MK_ARENA_H
#define MK_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct mk_arena_chunk;

struct mk_arena {
	struct mk_arena_chunk *chunk; /* the newest; allocation happens here */
	struct mk_arena_chunk *large; /* blocks with a chunk of their own */
	/*
	 * Called when memory is exhausted; must not return. NULL means
	 * abort(). The owner decides what dying looks like, the library
	 * never does.
	 */
	void (*oom)(void);
};

void mk_arena_init(struct mk_arena *a, void (*oom)(void));

/* Gives everything back to the system. The arena may be used again. */
void mk_arena_free(struct mk_arena *a);

/* Forgets everything allocated but keeps one chunk for the next round. */
void mk_arena_reset(struct mk_arena *a);

/* Zeroed memory, aligned for any type. Never NULL. */
void *mk_arena_alloc(struct mk_arena *a, size_t bytes);

/* n * size zeroed bytes; a product that does not fit is out of memory. */
void *mk_arena_array(struct mk_arena *a, size_t n, size_t size);

/*
 * A block of new_bytes that begins with the first old_bytes of old (the rest
 * is not zeroed). old must come from this arena and is not valid afterwards.
 */
void *mk_arena_grow(struct mk_arena *a, void *old, size_t old_bytes, size_t new_bytes);

/*
 * Room for one more element in an array of n elements with *cap places:
 * returns items or its larger successor, with *cap updated.
 */
void *mk_arena_more(struct mk_arena *a, void *items, size_t n, size_t *cap, size_t size);

/* A copy of s[0..len) with a NUL behind it. */
char *mk_arena_strn(struct mk_arena *a, const char *s, size_t len);
char *mk_arena_str(struct mk_arena *a, const char *s);

/* printf into the arena. */
char *mk_arena_fmt(struct mk_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *mk_arena_vfmt(struct mk_arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#endif
