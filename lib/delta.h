/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta: what changes from one state to another, as operations that a kernel
 * has. Computed from two states, written as records, read back from them.
 */
#ifndef MK_DELTA_H
#define MK_DELTA_H

#include "record.h"
#include "state.h"

enum mk_op_kind {
	MK_OP_DELETE,
	MK_OP_MEMORY_REMOVE,
	MK_OP_CPU_REMOVE,
	MK_OP_DEVICE_REMOVE,
	MK_OP_CREATE,
	MK_OP_MEMORY_ADD,
	MK_OP_CPU_ADD,
	MK_OP_DEVICE_ADD,
	MK_OP_UNSUPPORTED, /* no kernel operation expresses this difference */
};

struct mk_op {
	enum mk_op_kind kind;
	const char *subject;	 /* an instance's name; NULL for the pool */
	struct mk_instance inst; /* create: all of it; the others: cpus, mem or devices */
	uint32_t node;		 /* cpu-add: NUMA node of the CPUs, or MK_NODE_ANY */
	bool rest;		 /* of a create that takes several operations */
	const char *what;	 /* unsupported */
	struct mk_span at;	 /* the record or node it was read from */
	const char *path;	 /* of the node, or NULL */
};

struct mk_delta {
	struct mk_arena *arena;
	uint32_t abi;	 /* 1 or 2; 0 when nothing tells */
	char digest[17]; /* of the old state; "" when there is none */
	struct mk_op *op;
	size_t n, cap;
	uint32_t overlay;	/* its number in the stream it was read from; 0 when none is told */
	size_t ids;		/* that were read */
	bool skipped_instances; /* one of the states says nothing about instances */
};

void mk_delta_init(struct mk_delta *d, struct mk_arena *a);
struct mk_op *mk_delta_add(struct mk_delta *d, enum mk_op_kind kind, const char *subject);

/*
 * The difference, removals before additions. Only operations that some kernel
 * has; what none has becomes MK_OP_UNSUPPORTED. When one of the states has no
 * /instances, instances are not compared and skipped_instances is set.
 */
int mk_delta_compute(struct mk_delta *d, const struct mk_state *old, const struct mk_state *new,
		     struct mk_err *err);

/*
 * What the two say differently of the machine itself, for a warning: no
 * operation changes it. NULL when they agree as far as both say anything.
 */
const char *mk_delta_machine(struct mk_arena *a, const struct mk_state *old,
			     const struct mk_state *new);

/* Records: "basis", then one an operation. */
void mk_delta_print(struct mk_buf *b, const struct mk_delta *d);
int mk_delta_read(struct mk_delta *d, const struct mk_file *src, struct mk_err *err);

/* Whether the record of a create says all that these nodes hold; NULL holds nothing. */
bool mk_op_says_options(const struct mk_node *options);
bool mk_op_says_uring(const struct mk_node *uring);

/* "cpu-add" and so on: verbs of records, and names of operations in overlays. */
const char *mk_op_name(enum mk_op_kind kind);

#endif
