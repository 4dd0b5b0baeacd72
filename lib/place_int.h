/* SPDX-License-Identifier: Apache-2.0 */
/* place_int: what the files of place share. For lib/place*.c alone. */
#ifndef MK_PLACE_INT_H
#define MK_PLACE_INT_H

#include "arena.h"
#include "cpumap.h"
#include "memmap.h"
#include "place.h"
#include "pool.h"

/* Memory that is wanted in one piece. */
struct mk_want {
	uint64_t size, align;
	uint32_t node; /* MK_NODE_ANY: as the instance's wishes say */
};

/* What one request leaves open. */
struct mk_demand {
	const struct mk_request *r;
	size_t me; /* the instance's index */
	const struct mk_pair *cpus_at, *mem_at;
	size_t cpus; /* so many more */
	struct mk_want *mem;
	size_t n_mem, mem_cap;
	uint64_t bytes;
	size_t parts;		 /* of a size that is interleaved; 0 for none */
	bool bound;		 /* it has wishes that not every node fulfils */
	size_t had_cpus, had_mem; /* before anything was placed */
};

struct mk_placer {
	struct mk_state *s;
	struct mk_err *err;
	const struct mk_place_options *opts;
	const struct mk_request *r; /* the one in hand */
	struct mk_ledger devices;
	struct mk_cpumap cpus; /* these two from when all is given back */
	struct mk_memmap mem;
	struct mk_demand *demand;
	size_t n_demands, demands_cap;
	struct mk_arena scratch; /* for what lasts as long as one demand */
	uint64_t node_most; /* bytes that a node has of the pool, at most; 0 until wanted */
	size_t *by_id; /* index of the instance + 1 by its id; NULL until wanted */
	bool *gone;    /* the instances that are deleted, by index, until they are dropped */
};

/* The value that the request in hand gives to a key, or NULL. */
const struct mk_pair *mk_place_key(const struct mk_placer *p, const char *name);

/* A line about a choice for x, if somebody wants to read it. */
void mk_place_why(struct mk_placer *p, const struct mk_instance *x, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "NUMA node 1", "NUMA nodes 0-1" */
const char *mk_place_nodes_text(struct mk_placer *p, const struct mk_ids *nodes);

bool mk_place_says(const char *wish, const char *word);

/* place_ask_cpus.c */
int mk_place_give_back_cpus(struct mk_placer *p, struct mk_instance *x);
int mk_place_fixed_cpus(struct mk_placer *p, struct mk_instance *x);
int mk_place_want_cpus(struct mk_placer *p, struct mk_instance *x, struct mk_demand *d);

/* place_cpus.c */

/* CPUs for a demand, from what is free now. MK_NO with the reason. */
int mk_place_open_cpus(struct mk_placer *p, const struct mk_demand *d);

/* The same from one group; it has as many. */
void mk_place_take_cpus(struct mk_placer *p, const struct mk_demand *d, size_t group, size_t n);

/* Free CPUs, or those of them that the wishes of an instance allow, for a message. */
struct mk_ids mk_place_free_cpus(const struct mk_placer *p, const struct mk_instance *x,
				 bool wanted);

/* Whether the wishes of an instance allow CPUs of a group. */
bool mk_place_group_ok(const struct mk_placer *p, const struct mk_instance *x, size_t group);

/* place_ask_memory.c */
int mk_place_give_back_memory(struct mk_placer *p, struct mk_instance *x);
int mk_place_fixed_memory(struct mk_placer *p, struct mk_instance *x);
int mk_place_want_memory(struct mk_placer *p, struct mk_instance *x, struct mk_demand *d);

/* place_memory.c */

/* Memory for a demand whose CPUs are placed, from what is free now. MK_NO with the reason. */
int mk_place_open_memory(struct mk_placer *p, const struct mk_demand *d);

/* Whether the memory that a demand leaves open would fit on one node. */
bool mk_place_node_holds(const struct mk_placer *p, const struct mk_demand *d, uint32_t node);

/*
 * Whether a node will do for a piece of a demand, as far as wishes say. That
 * local memory is where the CPUs are is not looked at.
 */
bool mk_place_node_ok(const struct mk_placer *p, const struct mk_demand *d, const struct mk_want *w,
		      uint32_t node);

/* Whether its memory must be on a node that it has CPUs on. */
bool mk_place_is_local(const struct mk_placer *p, const struct mk_demand *d,
		       const struct mk_want *w);

/* "memory 0x80000000-0xbfffffff (1GB) on NUMA node 0", "1GB of memory on NUMA node 0" */
const char *mk_place_memory_text(struct mk_placer *p, const struct mk_mem *m);

/* Region of a demand at a place that is known to be free. */
void mk_place_take_memory(struct mk_placer *p, const struct mk_demand *d, struct mk_mem m);

/* place_exact.c: all demands, after one by one has failed with p->err. */
int mk_place_exactly(struct mk_placer *p);

/* Nothing of what was left open is placed. */
void mk_place_begin(struct mk_placer *p);

/* place_pool.c */
int mk_place_pool_add(struct mk_placer *p);
int mk_place_pool_remove(struct mk_placer *p);

/* place_device.c */
int mk_place_give_back_devices(struct mk_placer *p, struct mk_instance *x);
int mk_place_devices(struct mk_placer *p, struct mk_instance *x);

/* Whether the machine says anything of a NUMA node; and MK_NO, with a hint, if it does not. */
int mk_place_node_known(struct mk_placer *p, const struct mk_pair *at, uint64_t node);

#endif
