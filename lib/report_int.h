/* SPDX-License-Identifier: Apache-2.0 */
/* report_int: what the files of report share. For lib/report*.c alone. */
#ifndef MK_REPORT_INT_H
#define MK_REPORT_INT_H

#include "memmap.h"
#include "report.h"

/* A name that came from a kernel may hold anything: it is shown as records show it. */
const char *mk_report_safe(struct mk_arena *a, const char *s);

/* CPUs of a machine, each counted once, whatever is wrong with the lists. */
struct mk_cpu_counts {
	size_t host, pool, all;
};
/*
 * What is free of the memory of a node, MK_NODE_ANY for all. Memory that is
 * given away without an address is somewhere in the free blocks: then none of
 * them is known to be free as a whole, and block is an upper bound.
 */
struct mk_free_memory {
	uint64_t bytes, block, base;
	bool sure; /* the block is free, and base is its address */
};
struct mk_free_memory mk_report_free(const struct mk_memmap *m, uint32_t node);

/* ", the largest block 5GB at 0xc0000000", with what stands in front; "" when there is none. */
const char *mk_report_block(struct mk_arena *a, const struct mk_free_memory *f, const char *front);

struct mk_cpu_counts mk_report_cpus(const struct mk_state *s);

/* A cpulist in rising order, each once; "-" for none. */
const char *mk_report_ids(struct mk_arena *a, const struct mk_ids *x);

/* Names of devices with commas, "-" for none. */
const char *mk_report_uses(struct mk_arena *a, const struct mk_uses *u);

/* "8GB" and where: the region, or the sum when there are many. */
const char *mk_report_memory(struct mk_arena *a, const struct mk_mems *m);

/* Of two shares that make up the whole, 12.5 and 87.5 become 12% and 88%: halves go to even. */
const char *mk_report_percent(struct mk_arena *a, uint64_t part, uint64_t whole);

/* Text that may hold anything, so that it can neither steer a terminal nor forge a line. */
void mk_report_visible(struct mk_buf *b, const char *text);

/* How many errors have been found in each instance, by its place. */
size_t *mk_report_errors_by_instance(const struct mk_verdict *v);

/* Kinds of devices, by their compatible: a word people use. */
enum mk_device_kind { MK_KIND_NETWORK, MK_KIND_STORAGE, MK_KIND_GPU, MK_KIND_OTHER, MK_KINDS };
enum mk_device_kind mk_report_kind(const struct mk_state *s, const struct mk_device *d);

/* The device's compatible, or NULL. */
const char *mk_report_compatible(const struct mk_device *d);

#endif
