/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: validation, one character at a time. */
#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t mk_utf8_len(const char *s, size_t left)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t v, least;
	size_t n;

	if (!left)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xf0 && u[0] < 0xf8) {
		n = 4;
		v = u[0] & 7;
		least = 0x10000;
	} else if (u[0] >= 0xe0 && u[0] < 0xf0) {
		n = 3;
		v = u[0] & 15;
		least = 0x800;
	} else if (u[0] >= 0xc0 && u[0] < 0xe0) {
		n = 2;
		v = u[0] & 31;
		least = 0x80;
	} else {
		return 0;
	}
	if (left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (u[i] & 63);
	}
	return v < least || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 : n;
}

/* Controls, C0 and C1, and the marks that turn text around or begin a line (UAX 9, UAX 14). */
static bool unseen(const unsigned char *u, size_t n)
{
	if (n == 1)
		return u[0] < 0x20 || u[0] == 0x7f;
	if (n == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (n == 3 && u[0] == 0xef) /* the byte order mark, and what is no character */
		return (u[1] == 0xbb && u[2] == 0xbf) || (u[1] == 0xbf && u[2] >= 0xbe);
	if (n != 3 || u[0] != 0xe2)
		return false;
	return (u[1] == 0x80 && (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xa8 && u[2] <= 0xae))) ||
	       (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
}

bool mk_utf8_unseen(const char *s, size_t n)
{
	return unseen((const unsigned char *)s, n);
}

size_t mk_utf8_visible(const char *s, size_t left, char out[16])
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = mk_utf8_len(s, left);

	if (n && !unseen(u, n)) {
		memcpy(out, s, n);
		out[n] = '\0';
		return n;
	}
	if (n == 2) /* a C1 control by its one-byte name */
		snprintf(out, 16, "\\x%02x", u[1]);
	else if (n == 3)
		snprintf(out, 16, "\\x%02x\\x%02x\\x%02x", u[0], u[1], u[2]);
	else
		snprintf(out, 16, "\\x%02x", u[0]);
	return n ? n : 1;
}
