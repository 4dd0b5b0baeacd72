/* SPDX-License-Identifier: Apache-2.0 */
/* decode: every way of writing a machine, read into one state. The only room that knows dialects.
 */
#ifndef MK_DECODE_H
#define MK_DECODE_H

#include "state.h"

struct mk_decode_options {
	/*
	 * 1 or 2: cells that an id of a cpus list has, where the form leaves it open; 0 to
	 * find out. What is said here is written into the tree, so that others need not know.
	 */
	unsigned cpu_cells;
};

/*
 * Reads a tree that is no overlay. What is of a wrong type or width, misspelt
 * or missing goes to diags (MK1xx, MK8xx) and is left out of the state, so
 * that the rest can still be judged. Never fails otherwise.
 */
void mk_decode(struct mk_state *s, struct mk_tree *t, const struct mk_decode_options *opts,
	       struct mk_diags *diags);

/* Whether a tree is an overlay: by its root's compatible or a child fragment@*. */
bool mk_is_overlay(struct mk_tree *t);

/* Known names nearest to one that is not: NULL when none is near. List ends with NULL. */
const char *mk_nearest(const char *name, const char *const *known);

/* The cells of an ABI 1 or ABI 2 reg or cpus property, 64 bits each or 32; false when neither. */
bool mk_decode_cells(struct mk_arena *a, const struct mk_prop *p, unsigned cells,
		     struct mk_ids *out);

/* Strings of a string-list property, appended to uses as they are. */
void mk_decode_names(struct mk_state *s, struct mk_uses *uses, const struct mk_node *n,
		     const struct mk_prop *p);

#endif
