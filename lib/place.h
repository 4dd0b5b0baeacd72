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

/*
 * Applies a batch to s: first what is given back, then what is named, then
 * what is left open, the largest first: the result does not depend on the
 * order of the batch. MK_NO with the scarce resource when something does not
 * fit, MK_BAD when a request makes no sense for this state; s is then in no
 * useful condition.
 */
int mk_place(struct mk_state *s, const struct mk_batch *batch, struct mk_err *err);

#endif
