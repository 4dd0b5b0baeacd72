/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: validation, one character at a time. */
#include "utf8.h"

#include <stdint.h>

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
