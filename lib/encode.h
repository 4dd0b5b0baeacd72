/* SPDX-License-Identifier: Apache-2.0 */
/* encode: a state as the tree that our tools hand each other, and its digest. */
#ifndef MK_ENCODE_H
#define MK_ENCODE_H

#include "buf.h"
#include "state.h"

/*
 * The canonical tree ("linux,multikernel-state", see mk-state(5)) as a blob,
 * appended to b: the same state gives the same bytes, whichever dialect it came
 * in. Properties and nodes of the machine that are not known here are carried
 * on. MK_BAD for two devices of one name.
 */
int mk_encode_blob(struct mk_buf *b, const struct mk_state *s, struct mk_err *err);

/*
 * The tree of one instance (form D of mk-dts(5)) as a blob: its CPUs, memory
 * and devices, and nothing of anybody else.
 */
int mk_encode_view(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *x,
		   struct mk_err *err);

/* 16 hexadecimal digits that stand for the canonical bytes (64-bit FNV-1a, mixed). */
int mk_digest(char out[17], const struct mk_state *s, struct mk_err *err);

/* Adds a list of 64-bit cells. */
void mk_add_ids(struct mk_tree *t, struct mk_node *n, const char *name, const struct mk_ids *ids);

/* Adds a list of 32-bit cells. */
void mk_add_cells(struct mk_tree *t, struct mk_node *n, const char *name, const struct mk_ids *ids);

/* reg = <base size>, 64 bits each */
void mk_add_reg(struct mk_tree *t, struct mk_node *n, uint64_t base, uint64_t size);

/* The names of what an instance uses, as a string list. */
void mk_add_uses(struct mk_tree *t, struct mk_node *n, const char *name,
		 const struct mk_uses *uses);

#endif
