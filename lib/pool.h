/* SPDX-License-Identifier: Apache-2.0 */
/* pool: what of a machine's pool nobody has. */
#ifndef MK_POOL_H
#define MK_POOL_H

#include "state.h"

/* CPUs of the pool that no instance has, in pool order. */
struct mk_ids mk_free_cpus(const struct mk_state *s);

/*
 * Memory of the pool that nobody has, of placed chunks on a node (MK_NODE_ANY
 * for all). What is unplaced has no address and is not subtracted: see
 * mk_free_bytes.
 */
void mk_free_memory(const struct mk_state *s, uint32_t node, struct mk_ranges *out);

/* Bytes of the pool that nobody has, unplaced memory counted. */
uint64_t mk_free_bytes(const struct mk_state *s, uint32_t node);

#endif
