/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: numbers as people write them, parsed strictly: no sign, no blank, no
 * trailing text, overflow is an error.
 */
#ifndef MK_NUM_H
#define MK_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_arena;

enum { MK_PAGE_BYTES = 4096 };

/* Decimal or 0x hexadecimal. False when s[0..len) is anything else. */
bool mk_num_u64(const char *s, size_t len, uint64_t *out);
bool mk_num_u32(const char *s, size_t len, uint32_t *out);

/*
 * A size in bytes: a number, or a number with K, M, G, T or P, optionally
 * followed by B or iB (all are powers of 1024, case does not matter: 2G, 2GB
 * and 2GiB are the same).
 */
bool mk_num_size(const char *s, size_t len, uint64_t *bytes);

/* "2GB", "14GB", "512MB", "4KB", "1000 bytes": exact, in the largest unit that divides it. */
char *mk_num_size_text(struct mk_arena *a, uint64_t bytes);

/* a + b, false when the sum does not fit. */
bool mk_num_add(uint64_t a, uint64_t b, uint64_t *sum);

/* a + b, UINT64_MAX when the sum does not fit. */
uint64_t mk_num_plus(uint64_t a, uint64_t b);

/* Distance between two names (edits), for "did you mean"; at most limit + 1. */
unsigned mk_num_edits(const char *a, const char *b, unsigned limit);

/* The value of a hexadecimal digit, -1 for any other byte. */
int mk_hex_digit(int c);

uint32_t mk_be32(const void *p);
uint64_t mk_be64(const void *p);

#endif
