/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: where a UTF-8 character ends. */
#ifndef MK_UTF8_H
#define MK_UTF8_H

#include <stddef.h>

/*
 * Bytes of the character that s begins with (1 to 4), 0 when it is not valid
 * UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
size_t mk_utf8_len(const char *s, size_t left);

#endif
