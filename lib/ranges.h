/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranges: sets of 64-bit numbers as intervals, and the questions one asks of
 * them; lists of ids in the kernel's cpulist syntax. Everything is
 * O(n log n) in the number of intervals.
 */
#ifndef MK_RANGES_H
#define MK_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_arena;
struct mk_buf;

/* Both ends belong to it, so that the last number of all can. */
struct mk_range {
	uint64_t first, last;
};

struct mk_ranges {
	struct mk_arena *arena;
	struct mk_range *r;
	size_t n, cap;
};

void mk_ranges_init(struct mk_ranges *s, struct mk_arena *a);
void mk_ranges_add(struct mk_ranges *s, uint64_t first, uint64_t last);

/* [base, base + size); nothing for size 0; cut at the end of the numbers. */
void mk_ranges_add_size(struct mk_ranges *s, uint64_t base, uint64_t size);

/* Sorts and joins what overlaps or touches. The questions below want this done. */
void mk_ranges_join(struct mk_ranges *s);

bool mk_ranges_has(const struct mk_ranges *s, uint64_t first, uint64_t last);	/* all of it */
bool mk_ranges_meets(const struct mk_ranges *s, uint64_t first, uint64_t last); /* any of it */
uint64_t mk_ranges_count(const struct mk_ranges *s);				/* saturates */

/* Takes those numbers out of a joined set; it stays joined. */
void mk_ranges_remove(struct mk_ranges *s, uint64_t first, uint64_t last);

/* out = a without b. */
void mk_ranges_minus(struct mk_ranges *out, const struct mk_ranges *a, const struct mk_ranges *b);

/* The largest interval; {1, 0} of an empty set. */
struct mk_range mk_ranges_largest(const struct mk_ranges *s);

/* Ids in an order that matters. */
struct mk_ids {
	uint64_t *id;
	size_t n, cap;
};

enum { MK_IDS_MAX = 1 << 20 }; /* a list that expands to more is refused */

void mk_ids_add(struct mk_arena *a, struct mk_ids *ids, uint64_t id);
bool mk_ids_has(const struct mk_ids *ids, uint64_t id); /* linear: for short lists */
struct mk_ids mk_ids_sorted(struct mk_arena *a, const struct mk_ids *ids);
struct mk_ids mk_ids_unique(struct mk_arena *a, const struct mk_ids *ids); /* each once, in order */

/* Each id as an interval of its own; to be joined. */
void mk_ranges_add_ids(struct mk_ranges *r, const struct mk_ids *ids);

/* The set of these ids, joined. */
struct mk_ranges mk_ranges_of(struct mk_arena *a, const struct mk_ids *ids);

/*
 * "4-7,10,12-20:2" to ids in the order written. False with *bad_at (offset)
 * when it is not that syntax or too long.
 */
bool mk_ids_parse(struct mk_arena *a, const char *s, size_t len, struct mk_ids *ids,
		  size_t *bad_at);

/* Ids as a cpulist: order is kept, rising neighbours are joined: "9,3,4-7". */
void mk_ids_print(struct mk_buf *b, const struct mk_ids *ids);
char *mk_ids_text(struct mk_arena *a, const struct mk_ids *ids);

/* The same for people: sorted, and cut with ", ..." after max ranges. */
char *mk_ids_brief(struct mk_arena *a, const struct mk_ids *ids, size_t max);

#endif
