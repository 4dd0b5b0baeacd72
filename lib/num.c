/* SPDX-License-Identifier: Apache-2.0 */
/* num: strict numbers, sizes, big-endian reads. */
#include "num.h"

#include <string.h>

#include "arena.h"

int mk_hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mk_num_u64(const char *s, size_t len, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
		len -= 2;
	}
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int d = mk_hex_digit((unsigned char)s[i]);

		if (d < 0 || (unsigned)d >= base)
			return false;
		if (v > (UINT64_MAX - (unsigned)d) / base)
			return false;
		v = v * base + (unsigned)d;
	}
	*out = v;
	return true;
}

bool mk_num_u32(const char *s, size_t len, uint32_t *out)
{
	uint64_t v;

	if (!mk_num_u64(s, len, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static const char units[] = "KMGTP";

bool mk_num_size(const char *s, size_t len, uint64_t *bytes)
{
	size_t n = len;
	unsigned shift = 0;
	const char *u;
	bool hex = len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

	/* in 0x1B the B is a digit: a unit needs the K, M, ... before it */
	if (n > 1 && (s[n - 1] == 'B' || s[n - 1] == 'b')) {
		size_t k = n - 1;

		if (k > 1 && (s[k - 1] == 'i' || s[k - 1] == 'I'))
			k--;
		u = k ? memchr(units, s[k - 1] & ~0x20, sizeof(units) - 1) : NULL;
		if (u)
			n = k;
		else if (!hex && k == n - 1)
			return mk_num_u64(s, k, bytes);
	}
	u = n > 1 ? memchr(units, s[n - 1] & ~0x20, sizeof(units) - 1) : NULL;
	if (u) {
		shift = 10 * (unsigned)(u - units + 1);
		n--;
	}
	if (!mk_num_u64(s, n, bytes))
		return false;
	if (shift && *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

char *mk_num_size_text(struct mk_arena *a, uint64_t bytes)
{
	for (unsigned i = sizeof(units) - 1; i-- > 0;) {
		unsigned shift = 10 * (i + 1);

		if (bytes && !(bytes & ((1ULL << shift) - 1)))
			return mk_arena_fmt(a, "%llu%cB", (unsigned long long)(bytes >> shift),
					    units[i]);
	}
	return mk_arena_fmt(a, "%llu byte%s", (unsigned long long)bytes, bytes == 1 ? "" : "s");
}

bool mk_num_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	*sum = a + b;
	return *sum >= a;
}

uint64_t mk_num_plus(uint64_t a, uint64_t b)
{
	return mk_num_add(a, b, &a) ? a : UINT64_MAX;
}

unsigned mk_num_edits(const char *a, const char *b, unsigned limit)
{
	enum { MAX = 64 };
	unsigned row[MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > MAX || lb > MAX)
		return limit + 1;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb] > limit ? limit + 1 : row[lb];
}

uint32_t mk_be32(const void *p)
{
	const unsigned char *b = p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t mk_be64(const void *p)
{
	const unsigned char *b = p;

	return (uint64_t)mk_be32(b) << 32 | mk_be32(b + 4);
}
