/* SPDX-License-Identifier: Apache-2.0 */
/* rules_int: what rules look at, and how they speak. For lib/rules*.c alone. */
#ifndef MK_RULES_INT_H
#define MK_RULES_INT_H

#include "rules.h"

/* A CPU in the hands of an instance. */
struct mk_held {
	uint64_t cpu;
	size_t instance;
};

/* A piece of memory and who has it: an instance, or what the kernel reports in use. */
struct mk_piece {
	const struct mk_mem *m;
	size_t instance; /* MK_NO_DEVICE for a region in use */
};

struct mk_rule_ctx {
	const struct mk_state *s;
	const struct mk_rules_options *opts;
	struct mk_diags *diags;
	struct mk_arena *a;
	const struct mk_rule *rule; /* the one that runs */
	struct mk_diag dropped;	    /* stands in for a finding that a rule before has explained */
	struct mk_names items;	    /* of findings, with how often they came */
	struct mk_names fired;	    /* "MK401 web", "MK401": errors so far that are not known */
	struct mk_ranges pool, host, chunks, numa_memory;
	struct mk_held *held;
	size_t n_held;
	struct mk_piece *piece;
	size_t n_pieces;
	/* hints that are the same for all findings, made when the first one needs them */
	const char *free_cpus, *free_memory, *free_inside, *free_id;
	const char **cpus_text; /* by instance */
	struct mk_user *uses; /* of devices, by device; for rules_device.c, when first needed */
	size_t n_uses;
	struct mk_offer *offer; /* two a device, for mk_rule_use_unavailable */
	/* for rules_topology.c: made when first needed */
	struct mk_cpu_in *node_of_cpu;
	size_t n_node_of_cpu, n_numa_by_base;
	const struct mk_numa **numa_by_base;
	uint64_t largest_node_bytes; /* of the pool */
	unsigned nearest; /* searches for a hint: one a finding would be quadratic */
};

/* Order by CPU, then by holder: for qsort. */
int mk_rule_by_held(const void *x, const void *y);

/* Order of struct mk_numa pointers by the base of their memory: for qsort. */
int mk_rule_by_numa_base(const void *x, const void *y);

/* "web, db and 3 more": names of instances, cut. */
enum { MK_NAMES_SHOWN = 6 };

struct mk_names_list {
	const char *name[MK_NAMES_SHOWN];
	size_t n;
};

void mk_rule_names_add(struct mk_names_list *l, const char *name);
const char *mk_rule_names_text(struct mk_rule_ctx *c, const struct mk_names_list *l);

/* Adds a finding of the rule that runs. What is returned is never NULL. */
struct mk_diag *mk_rule_find(struct mk_rule_ctx *c, const char *subject, struct mk_where w,
			     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * What exactly a finding is about, for comparing with an older state: one item a
 * CPU with its owner, a region, a part of a device. A finding without items is
 * about its subject.
 */
void mk_rule_item(struct mk_rule_ctx *c, struct mk_diag *d, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void mk_rule_item_ids(struct mk_rule_ctx *c, struct mk_diag *d, const char *owner,
		      const struct mk_ids *ids);
void mk_rule_item_mem(struct mk_rule_ctx *c, struct mk_diag *d, const char *owner,
		      const struct mk_mem *m);

/* Whether a rule has found an error anywhere that is not an old one. */
bool mk_rule_has_fired(struct mk_rule_ctx *c, const char *id);

/* One of several instances that a finding is about. */
void mk_rule_party(struct mk_rule_ctx *c, struct mk_diag *d, const char *name);

/* Names the other party of a finding. */
void mk_rule_other(struct mk_rule_ctx *c, struct mk_diag *d, struct mk_where w, const char *text);

/* "CPU 5 is", "CPUs 4-5 are": each once. */
const char *mk_rule_cpus(struct mk_rule_ctx *c, const struct mk_ids *ids, const char *one,
			 const char *several);

/* Hints with what is free. */
const char *mk_rule_free_cpus(struct mk_rule_ctx *c);
const char *mk_rule_free_memory(struct mk_rule_ctx *c);

/* The same as if regions that are not wholly inside of the pool had nothing of it. */
const char *mk_rule_free_inside(struct mk_rule_ctx *c);

/* "id 3 is free; ...", "the machine describes NUMA nodes 0-1" */
const char *mk_rule_free_id(struct mk_rule_ctx *c);
const char *mk_rule_nodes(struct mk_rule_ctx *c);

/* The place of a property, or of its node where that has none of the name. */
struct mk_where mk_rule_at(struct mk_where w, const char *property);
struct mk_where mk_rule_wish_at(const struct mk_instance *x, const char *property);

/* Finds ids that a list holds more than once. */
void mk_rule_list_twice(struct mk_rule_ctx *c, const char *subject, const struct mk_cpus *list,
			const char *what, const char *owner);

bool mk_rule_page_aligned(const struct mk_mem *m);
bool mk_rule_wraps(const struct mk_mem *m);

/* Finds memory of the pool that does; what is "a memory chunk" or the like. */
void mk_rule_pool_wraps(struct mk_rule_ctx *c, const struct mk_mems *list, const char *what);

/* Where the number stands that is not aligned, and what to write instead. */
struct mk_where mk_rule_misaligned_at(const struct mk_mem *m);
const char *mk_rule_aligned_hint(struct mk_rule_ctx *c, const struct mk_mem *m);

/* The NUMA nodes that the tree describes, as a set. */
void mk_rule_numa_ids(struct mk_rule_ctx *c, struct mk_ranges *r);

void mk_rule_each_instance(struct mk_rule_ctx *c,
			   void (*fn)(struct mk_rule_ctx *, const struct mk_instance *));

/* The rules, in the order of their table. */
void mk_rule_resources_there(struct mk_rule_ctx *c);
void mk_rule_some_cpu(struct mk_rule_ctx *c);
void mk_rule_pool_and_host(struct mk_rule_ctx *c);
void mk_rule_below_total(struct mk_rule_ctx *c);
void mk_rule_pool_twice(struct mk_rule_ctx *c);
void mk_rule_pool_memory(struct mk_rule_ctx *c);
void mk_rule_chunk_empty(struct mk_rule_ctx *c);
void mk_rule_chunk_aligned(struct mk_rule_ctx *c);
void mk_rule_chunk_wraps(struct mk_rule_ctx *c);
void mk_rule_chunk_in_machine(struct mk_rule_ctx *c);
void mk_rule_chunks_apart(struct mk_rule_ctx *c);
void mk_rule_numa_twice(struct mk_rule_ctx *c);
void mk_rule_numa_memory_apart(struct mk_rule_ctx *c);
void mk_rule_numa_cpus_apart(struct mk_rule_ctx *c);
void mk_rule_numa_cpus_known(struct mk_rule_ctx *c);
void mk_rule_numa_distances(struct mk_rule_ctx *c);
void mk_rule_baseline_only(struct mk_rule_ctx *c);
void mk_rule_core_cpus_apart(struct mk_rule_ctx *c);
void mk_rule_core_cpus_known(struct mk_rule_ctx *c);
void mk_rule_numa_memory_sum(struct mk_rule_ctx *c);
void mk_rule_chunk_behind_host(struct mk_rule_ctx *c);
void mk_rule_all_given(struct mk_rule_ctx *c);
void mk_rule_chunk_node(struct mk_rule_ctx *c);
void mk_rule_pci_shape(struct mk_rule_ctx *c);
void mk_rule_pci_twice(struct mk_rule_ctx *c);
void mk_rule_vf_above(struct mk_rule_ctx *c);
void mk_rule_ns_above(struct mk_rule_ctx *c);
void mk_rule_vf_reserved(struct mk_rule_ctx *c);
void mk_rule_ns_reserved(struct mk_rule_ctx *c);
void mk_rule_vf_twice(struct mk_rule_ctx *c);
void mk_rule_ns_twice(struct mk_rule_ctx *c);
void mk_rule_device_node(struct mk_rule_ctx *c);
void mk_rule_device_names_apart(struct mk_rule_ctx *c);
void mk_rule_alias_targets(struct mk_rule_ctx *c);
void mk_rule_id_zero(struct mk_rule_ctx *c);
void mk_rule_id_twice(struct mk_rule_ctx *c);
void mk_rule_id_above(struct mk_rule_ctx *c);
void mk_rule_no_cpu(struct mk_rule_ctx *c);
void mk_rule_no_memory(struct mk_rule_ctx *c);
void mk_rule_cpu_unknown(struct mk_rule_ctx *c);
void mk_rule_cpu_reserved(struct mk_rule_ctx *c);
void mk_rule_cpu_outside(struct mk_rule_ctx *c);
void mk_rule_cpu_shared(struct mk_rule_ctx *c);
void mk_rule_cpu_twice(struct mk_rule_ctx *c);
void mk_rule_mem_outside(struct mk_rule_ctx *c);
void mk_rule_mem_overlap(struct mk_rule_ctx *c);
void mk_rule_mem_in_use(struct mk_rule_ctx *c);
void mk_rule_mem_unaligned(struct mk_rule_ctx *c);
void mk_rule_mem_empty(struct mk_rule_ctx *c);
void mk_rule_mem_wraps(struct mk_rule_ctx *c);
void mk_rule_mem_sum(struct mk_rule_ctx *c);
void mk_rule_whole_blocks(struct mk_rule_ctx *c);
void mk_rule_use_unknown(struct mk_rule_ctx *c);
void mk_rule_use_twice(struct mk_rule_ctx *c);
void mk_rule_use_whole_and_part(struct mk_rule_ctx *c);
void mk_rule_use_unavailable(struct mk_rule_ctx *c);
void mk_rule_use_planned(struct mk_rule_ctx *c);
void mk_rule_wish_nodes(struct mk_rule_ctx *c);
void mk_rule_bind_without_nodes(struct mk_rule_ctx *c);
void mk_rule_policy_known(struct mk_rule_ctx *c);
void mk_rule_local_fits(struct mk_rule_ctx *c);
void mk_rule_compact_on_one(struct mk_rule_ctx *c);
void mk_rule_memory_near(struct mk_rule_ctx *c);
void mk_rule_cores_apart(struct mk_rule_ctx *c);
void mk_rule_cpus_where_wanted(struct mk_rule_ctx *c);
void mk_rule_spread_over_nodes(struct mk_rule_ctx *c);
void mk_rule_memory_bound(struct mk_rule_ctx *c);

#endif
