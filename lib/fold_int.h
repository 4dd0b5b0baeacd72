/* SPDX-License-Identifier: Apache-2.0 */
/* fold_int: what the files of fold share. For lib/fold*.c alone. */
#ifndef MK_FOLD_INT_H
#define MK_FOLD_INT_H

#include "overlay.h"

/* MK_NO: the kernel would not do this. */
int mk_fold_refuse(struct mk_fold *e, const struct mk_op *op, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Free memory, as things stand. */
void mk_fold_map(const struct mk_fold *e, struct mk_memmap *map);

bool mk_fold_is_gone(const struct mk_fold *e, size_t instance);

/* It is out of the pool, and nobody answers to its names. */
void mk_fold_device_gone(struct mk_fold *e, size_t device);

/* What is known of a CPU; valid until the next question. */
struct mk_fold_cpu *mk_fold_cpu(struct mk_fold *e, uint64_t id);

/* An instance has these CPUs (by 1), or no longer (by -1). */
void mk_fold_hold_cpus(struct mk_fold *e, const struct mk_ids *ids, int by);

int mk_fold_remove_cpus(struct mk_fold *e, const struct mk_op *op, struct mk_ids *from);
int mk_fold_remove_memory(struct mk_fold *e, const struct mk_op *op, struct mk_mems *from,
			  const struct mk_mem *m);
void mk_fold_add_memory(struct mk_fold *e, struct mk_mems *to, const struct mk_mem *m,
			bool running);

/* A use as this state knows it. */
struct mk_use mk_fold_use(const struct mk_fold *e, const struct mk_use *u);

/* fold_pool.c: an operation on /resources. */
int mk_fold_on_pool(struct mk_fold *e, const struct mk_op *op);

#endif
