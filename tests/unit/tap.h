/* SPDX-License-Identifier: Apache-2.0 */
/* tap: what the unit programs print. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_n, tap_failed;

/* One result; what follows a failure is said by the caller with tap_note. */
__attribute__((format(printf, 2, 3), unused)) static bool tap(bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", ok ? "" : "not ", ++tap_n);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	tap_failed += !ok;
	return ok;
}

__attribute__((format(printf, 1, 2), unused)) static void tap_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static int tap_end(void)
{
	printf("1..%d\n", tap_n);
	return tap_failed != 0;
}

/* A generator of numbers that is the same on every machine (xorshift64*). */
__attribute__((unused)) static unsigned long long tap_random(unsigned long long *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

#endif
