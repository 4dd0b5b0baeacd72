/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: gives CPUs, memory and devices to instances. A request states what
 * shall be; a batch is a set of requests, all or nothing.
 */
#ifndef MK_PLACE_H
#define MK_PLACE_H

#include "record.h"
#include "state.h"

struct mk_request {
	struct mk_record rec;
	struct mk_request *next;
};

struct mk_batch {
	struct mk_request *first, *last;
	size_t n, ids;
};

/* Adds a request after checking its verb, subject, keys and values. MK_BAD with the place. */
int mk_batch_add(struct mk_batch *b, struct mk_arena *a, const struct mk_record *rec,
		 struct mk_err *err);

enum {
	/* Free blocks that the exact search looks at before it gives up; some tenths of a second. */
	MK_PLACE_STEPS = 20 * 1000 * 1000,
};

struct mk_place_options {
	uint64_t steps;
	struct mk_diags *why; /* receives a note for each choice; or NULL */
};

/*
 * Applies a batch to s: first what is given back, then what is named, then
 * what is left open. The result is a function of the set: the order of the
 * batch does not matter. What is left open is placed one after the other;
 * where that fails, all placements are searched.
 *
 * MK_NO with the scarce resource when a batch cannot be fulfilled, MK_BAD when
 * a request makes no sense for this state, or when the search found nothing
 * within opts->steps and proved nothing either. s is in no useful condition
 * after an error.
 */
int mk_place(struct mk_state *s, const struct mk_batch *batch, const struct mk_place_options *opts,
	     struct mk_err *err);

#endif
