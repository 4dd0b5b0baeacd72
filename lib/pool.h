/* SPDX-License-Identifier: Apache-2.0 */
/* pool: what of a machine's pool nobody has. */
#ifndef MK_POOL_H
#define MK_POOL_H

#include "state.h"

/*
 * CPUs of the pool that no instance has, in pool order, each once; those that
 * the tree calls free when it says nothing of instances.
 */
struct mk_ids mk_free_cpus(const struct mk_state *s);

/*
 * Placed chunks of the pool on a node (MK_NODE_ANY for all). A chunk that names
 * no node is where the memory of the NUMA nodes says.
 */
void mk_pool_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out);

/*
 * Memory with an address that instances have, or the kernel: a range each, as
 * they stand in the state, so not yet joined.
 */
void mk_used_memory(const struct mk_state *s, struct mk_ranges *out);

/*
 * Memory of the pool that nobody has, of placed chunks on a node (MK_NODE_ANY
 * for all). What is unplaced has no address and is not subtracted: see
 * mk_free_bytes.
 */
void mk_free_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out);

/* Bytes of the pool that nobody has, unplaced memory counted. */
uint64_t mk_free_bytes(const struct mk_state *s, uint32_t node);

/* Who uses what of a device. */
struct mk_holding {
	size_t instance; /* its index in the state */
	struct mk_use use;
	struct mk_holding *next, *prev; /* of the same device */
};

/*
 * A ledger of devices, for who gives away much: made from a state once, and told
 * what changes. It knows only what it is told.
 */
struct mk_ledger {
	const struct mk_state *s;
	struct mk_holding **device; /* by the device's index */
	size_t devices;
	struct mk_names parts;	  /* "0/1/7": VF 7 of device 0 */
	struct mk_holding **part; /* by the mark of a part, less one */
	size_t n_parts, parts_cap;
};

void mk_ledger_init(struct mk_ledger *l, const struct mk_state *s);

/* A use that leaves no room for u, which is resolved; or NULL. */
const struct mk_holding *mk_ledger_holder(struct mk_ledger *l, const struct mk_use *u);

/* An instance takes a part of a device, gives it back, or all that s says it uses. */
void mk_ledger_take_device(struct mk_ledger *l, size_t instance, const struct mk_use *u);
void mk_ledger_give_device(struct mk_ledger *l, size_t instance, const struct mk_use *u);
void mk_ledger_give_devices(struct mk_ledger *l, size_t instance);

#endif
