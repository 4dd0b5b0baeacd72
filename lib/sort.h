/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort: qsort(3) that looks first. Most lists of a machine rise as they are
 * written, and to see that costs one look at each element.
 */
#ifndef MK_SORT_H
#define MK_SORT_H

#include <stddef.h>

/* As qsort; base may be NULL when n is 0. */
void mk_sort(void *base, size_t n, size_t size, int (*order)(const void *, const void *));

#endif
