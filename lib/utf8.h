/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: where a UTF-8 character ends. */
#ifndef MK_UTF8_H
#define MK_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes of the character that s begins with (1 to 4), 0 when it is not valid
 * UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
size_t mk_utf8_len(const char *s, size_t left);

/*
 * The next character of text that may hold anything, as it can be shown: what
 * would steer a terminal, begin a line or turn the direction of writing becomes
 * \xNN, as do bytes that are no UTF-8. Writes at most 16 bytes with the NUL to
 * out, returns how many bytes of s (at least one of them is left) that was.
 */
size_t mk_utf8_visible(const char *s, size_t left, char out[16]);

/*
 * Whether a valid character of n bytes cannot be seen or turns what stands
 * around it: controls, marks of direction, separators of lines, no characters.
 */
bool mk_utf8_unseen(const char *s, size_t n);

#endif
