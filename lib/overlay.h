/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay: deltas as the overlays that a kernel takes, and back; overlays
 * executed on a state. The only room beside encode that knows kernel ABIs:
 *
 * ABI 1: fragment@0 alone counts; each operation names its instance in
 *        mk,instance; memory has addresses, items are region@N.
 * ABI 2: any number of fragments with a target-path; the kernel places
 *        memory; devices are handed over by PCI id.
 */
#ifndef MK_OVERLAY_H
#define MK_OVERLAY_H

#include "delta.h"
#include "tree.h"

enum {
	/*
	 * What one write to overlays/new can hold: a page (kernel-traps T5). The
	 * option --max-bytes is for kernels that take more.
	 */
	MK_OVERLAY_BYTES = 4096,
};

struct mk_overlays {
	struct mk_tree **tree;
	size_t n, cap;
};

/*
 * Turns a delta into overlays of at most max_bytes. An empty delta gives one
 * overlay without fragments. MK_NO when the delta holds what no kernel
 * operation expresses, or one change that does not fit.
 */
int mk_overlays_make(struct mk_overlays *out, const struct mk_delta *d, uint32_t abi,
		     size_t max_bytes, struct mk_err *err);

/*
 * Reads one overlay into operations appended to d; d->abi becomes its ABI (0
 * stays 0 for an overlay without fragments). s, which may be NULL, gives names
 * to PCI ids. MK_BAD for what the kernel would refuse, ignore or skip, with
 * the rule (MK9xx).
 */
int mk_overlay_read(struct mk_delta *d, struct mk_tree *t, const struct mk_state *s,
		    struct mk_err *err);

/* Executes operations on a state. MK_NO when one cannot be, with what the kernel says to it. */
int mk_delta_apply(struct mk_state *s, const struct mk_delta *d, struct mk_err *err);

#endif
