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
#include "memmap.h"
#include "pool.h"
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
	bool lost_addresses; /* regions had one, and the kernel will place them itself */
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
 * stays 0 for an overlay without fragments), d->digest that of the state it was
 * made for, if it says so. s, which may be NULL, gives names
 * to PCI ids. MK_BAD for what the kernel would refuse, ignore or skip, with
 * the rule (MK9xx).
 */
int mk_overlay_read(struct mk_delta *d, struct mk_tree *t, const struct mk_state *s,
		    struct mk_err *err);

/*
 * Executes operations on a state, delta after delta. MK_NO when one cannot be,
 * with what the kernel says to it. Deleted instances are no longer found, and
 * are taken out of the list by mk_fold_end: only then is s a state again.
 */
struct mk_fold {
	struct mk_state *s;
	struct mk_err *err;
	uint32_t abi;
	/*
	 * What a create or memory-add asks for must be free. Without that they are
	 * executed, for the rules to say who else has it.
	 */
	bool strict;
	struct mk_memmap map; /* free memory, for that */
	bool map_known;
	bool *gone, *device_gone; /* by instance and by device: no longer there */
	size_t gone_cap, device_gone_cap;
	struct mk_ledger ledger; /* of devices */
	/* every CPU that was heard of: where it is */
	struct mk_names cpu_names;
	struct mk_fold_cpu {
		bool pool;
		uint32_t held; /* by so many instances */
	} * cpu;
	size_t n_cpus, cpus_cap;
	/* memory that instances hold; counted anew when one has changed */
	struct mk_ranges memory;
	uint64_t bytes;
	bool counted;
};

void mk_fold_init(struct mk_fold *f, struct mk_state *s);
int mk_fold_apply(struct mk_fold *f, const struct mk_delta *d, struct mk_err *err);
void mk_fold_end(struct mk_fold *f);

#endif
