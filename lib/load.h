/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: states from a tree stream: a tree, and the overlays behind it folded
 * over it. The next tree begins the next state.
 */
#ifndef MK_LOAD_H
#define MK_LOAD_H

#include "decode.h"
#include "rules.h"
#include "stream.h"

struct mk_loader {
	struct mk_stream *stream;
	struct mk_decode_options decode;
	struct mk_item *ahead; /* read already, belongs to the next state; NULL for none */
	bool ended;
	size_t index; /* of the next state, from 0 */
};

struct mk_loaded {
	struct mk_state state;
	struct mk_diags diags; /* what decoding has found */
	struct mk_buf
		blobs; /* the tree and its overlays as blobs, unchanged where they were blobs */
	size_t overlays;
};

void mk_loader_init(struct mk_loader *l, struct mk_stream *s,
		    const struct mk_decode_options *decode);

/*
 * The next state, *got false at the end. MK_BAD for malformed input and for an
 * overlay without a tree before it, MK_NO for an overlay that the state cannot
 * take. Warnings of reading source go to source_warnings of the stream.
 */
int mk_load_next(struct mk_loader *l, struct mk_arena *a, struct mk_loaded *out, bool *got,
		 struct mk_err *err);

/* The one state that a stream must hold; MK_BAD when it holds more. */
int mk_load_one(struct mk_stream *s, struct mk_arena *a, const struct mk_decode_options *decode,
		struct mk_loaded *out, struct mk_err *err);

#endif
