/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdt: flattened device trees (Devicetree Specification 0.4, chapter 5) in and
 * out. Blobs are vetted by libfdt before anything else looks at them, and
 * written here, in one linear pass.
 */
#ifndef MK_FDT_H
#define MK_FDT_H

#include <stddef.h>

#include "tree.h"

struct mk_buf;

#define MK_FDT_MAGIC 0xd00dfeedU

enum {
	MK_FDT_HEADER_BYTES = 40, /* of a version 17 header */
	MK_FDT_VERSION = 17,
	MK_FDT_LAST_COMPATIBLE = 16,
};

/* Whether data begins like a blob: four bytes are enough to tell. */
bool mk_fdt_is(const void *data, size_t len);

/*
 * The blob at the beginning of data: *blob is an aligned copy in arena a that
 * was vetted (header, bounds, versions, structure), *size its totalsize. name
 * is for messages, at what offset of it data begins. MK_BAD when it is no
 * blob, or a truncated or damaged one.
 */
int mk_fdt_vet(struct mk_arena *a, const char *data, size_t len, const char *name, size_t at,
	       const void **blob, size_t *size, struct mk_err *err);

/*
 * Reads a vetted blob into t (which mk_tree_init made). Values point into the
 * blob, which must live as long. src gives nodes a place without a line. A root
 * with a name, as kernels of ABI 1 write it, gets the property model instead.
 * MK_BAD for duplicates, excessive depth, and a model that is another name.
 */
int mk_fdt_read(struct mk_tree *t, const void *blob, const struct mk_file *src, struct mk_err *err);

/*
 * Appends the tree as a blob, laid out as dtc does it: same tree, same bytes.
 * pad zero bytes are added and counted in totalsize.
 */
int mk_fdt_write(struct mk_buf *b, struct mk_tree *t, size_t pad, struct mk_err *err);

#endif
