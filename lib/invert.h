/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invert: what undoes overlays. Not their mirror image: the difference between
 * what there is now and what was before, as far as the overlays have changed it.
 */
#ifndef MK_INVERT_H
#define MK_INVERT_H

#include "delta.h"

/*
 * out: the operations that undo done[0..n), which were applied to before and
 * have led to after. after may be NULL: then it is what folding them gives,
 * and memory that a kernel has placed has no address. What others have changed
 * since stays. *want is the state that the operations lead to, for the rules.
 *
 * MK_NO when the overlays do not fit before, when what they changed is not as
 * they left it, or when no operation leads back.
 */
int mk_invert(struct mk_delta *out, const struct mk_state *before, struct mk_delta *const *done,
	      size_t n, const struct mk_state *after, struct mk_state *want, struct mk_err *err);

#endif
