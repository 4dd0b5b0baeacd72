/* SPDX-License-Identifier: Apache-2.0 */
/* props: values of properties in the blobs that are written to the kernel. */
#ifndef SIM_PROPS_H
#define SIM_PROPS_H

#include <stdint.h>

/* A string whose NUL is the last byte, or NULL. */
const char *sim_prop_string(const void *fdt, int node, const char *name);

/* A string with a NUL somewhere: what readers take who do not look for the end; or NULL. */
const char *sim_prop_text(const void *fdt, int node, const char *name);

/* One cell: 1 and *v, 0 when there is none of that name, -EINVAL for another length. */
int sim_prop_cell(const void *fdt, int node, const char *name, uint32_t *v);

/*
 * Makes a copy of a blob, of at least its totalsize, safe to walk: libfdt 1.6.1
 * stands still at a property whose length is near 2^32, where newer ones say
 * that the structure is bad. They go no further than that place either.
 */
void sim_blob_guard(void *fdt);

#endif
