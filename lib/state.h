/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what a multikernel machine is: the CPUs, memory and devices that can
 * be given to instances, and the instances that have them. One form for every
 * dialect; decode reads them, encode writes trees.
 *
 * CPU ids are physical (APIC id, MPIDR, hart id). Addresses and sizes are bytes.
 */
#ifndef MK_STATE_H
#define MK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ranges.h"
#include "tree.h"

#define MK_NODE_ANY UINT32_MAX /* no NUMA node was named */

/* Instance ids that the kernel can load: KEXEC_MK_ID_MASK has 11 bits, 0 is the host. */
enum { MK_ID_MIN = 1, MK_ID_MAX = 2047 };

/* Which way of writing a machine a tree used: see mk-dts(5). */
enum mk_dialect_kind {
	MK_DIALECT_NESTED, /* A: resources { cpus { }; memory { }; } */
	MK_DIALECT_FLAT,   /* B: resources { cpus = <>; memory-base = <>; } */
	MK_DIALECT_KERNEL, /* C: resources { cpus = <>; memory@N { }; } */
	MK_DIALECT_VIEW,   /* D: the tree of one instance */
	MK_DIALECT_STATE,  /* our own */
};

/* Where something was written: for messages. Either may be NULL. */
struct mk_where {
	const struct mk_node *node;
	const struct mk_prop *prop;
	uint32_t overlay; /* it is of this overlay of the stream, from 1; 0: of the tree */
};

/* A piece of memory: a chunk of the pool, a region of an instance. It has identity: never merged or
 * split. */
struct mk_mem {
	uint64_t base, size;
	bool placed;	   /* base is known; otherwise the kernel chooses it */
	uint32_t node;	   /* NUMA node, or MK_NODE_ANY */
	const char *owner; /* of a region in use by what is no instance; else NULL */
	struct mk_where where;
	struct mk_where size_at; /* of the size, where it was written apart; node NULL when not */
};

struct mk_mems {
	struct mk_mem *m;
	size_t n, cap;
};

/* A list of ids, and where it was written. */
struct mk_cpus {
	struct mk_ids ids;
	struct mk_where where;
	bool known; /* the tree says it at all */
};

struct mk_numa {
	uint32_t id;
	uint64_t base, size;
	bool has_memory;
	struct mk_cpus cpus;
	const char *type; /* "dram", or NULL */
	struct mk_ids distance;
	struct mk_where where;
};

/* A core: CPUs that share its units (SMT siblings). */
struct mk_core {
	uint32_t id, socket;
	bool has_socket;
	struct mk_cpus cpus;
	struct mk_where where;
};

/* A virtual function with a PCI id of its own. */
struct mk_vf {
	uint32_t number;
	const char *pci_id; /* or NULL */
};

struct mk_device {
	const char *name;   /* label, alias or node name: what requests call it */
	const char **other; /* what else it answers to: labels, its node's name, aliases */
	size_t n_other, other_cap;
	const char *pci_id;   /* "0000:01:00.0" as written, or NULL */
	const char *type;     /* device-type: "pci", "platform", or NULL */
	bool has_vfs, has_ns; /* sriov-vfs, namespaces are given */
	uint64_t vfs, ns;     /* how many there are; VFs count from 0, namespaces from 1 */
	struct mk_cpus host_vf, vf, host_ns, free_ns; /* numbers, not CPUs */
	struct mk_vf *vf_info;			      /* by rising number */
	size_t n_vf_info, vf_info_cap;
	uint32_t node; /* NUMA node, or MK_NODE_ANY */
	struct mk_where where;
};

enum mk_part { MK_WHOLE, MK_VF, MK_NS };

/* A device, or a part of one, in the hands of an instance. */
struct mk_use {
	const char
		*text; /* as written: "eth0_vf1"; a name that is canonical once device is known */
	const char *pci_id; /* where the tree gave one: the kernel's own form */
	size_t device;	    /* index, or MK_NO_DEVICE */
	enum mk_part part;
	uint32_t number;
	struct mk_where where;
};
#define MK_NO_DEVICE ((size_t)-1)

struct mk_uses {
	struct mk_use *u;
	size_t n, cap;
};

struct mk_instance {
	const char *name;
	uint32_t id;
	bool has_id;
	const char *status; /* "ready", "loaded", "active", or NULL */
	struct mk_cpus cpus;
	struct mk_mems mem;
	struct mk_uses devices;
	struct mk_ids numa_nodes;
	const char *affinity, *policy; /* or NULL */
	const struct mk_node *options; /* options { }, or NULL */
	const struct mk_node *uring;   /* resources/uring { }, or NULL */
	struct mk_where where;
	struct mk_where resources, id_at;
};

struct mk_alias {
	const char *name, *path;
	size_t device; /* whose name this is, or MK_NO_DEVICE */
	struct mk_where where;
};

struct mk_state {
	struct mk_arena *arena;
	const struct mk_tree *tree; /* what it was decoded from */
	const char *file;	    /* for messages */
	enum mk_dialect_kind dialect;
	bool rewritten;	      /* decoding has changed the tree: see mk_decode_options */
	uint32_t abi;	      /* 1 or 2; 0 when the tree does not tell */
	bool abi_known;	      /* the tree says so, by mk,abi or its form; else 1 is assumed */
	uint64_t block_bytes; /* memory block of running kernels; 0 when unknown */
	const char *model;    /* or NULL */
	bool has_machine;     /* /resources was there (a view has none) */
	bool has_instances;   /* /instances was there, maybe empty */

	struct mk_cpus pool, host_cpus;
	struct mk_cpus available; /* free ones, as a tree says that has no /instances */
	uint64_t cpu_total; /* upper bound of ids, 0 when unknown */
	struct mk_where cpu_total_at;
	uint64_t memory_total, memory_host; /* of the machine, of the host; 0 when unknown */
	bool has_memory_total;
	struct mk_where memory_total_at;
	struct mk_mems chunks, in_use;
	struct mk_numa *numa;
	size_t n_numa, numa_cap;
	struct mk_core *core;
	size_t n_cores, cores_cap;
	struct mk_device *device;
	size_t n_devices, devices_cap;
	struct mk_alias *alias;
	size_t n_aliases, aliases_cap;
	struct mk_instance *instance;
	size_t n_instances, instances_cap;
	struct mk_where resources, instances;

	struct mk_names names; /* of devices and instances: see mk_state_index */
	struct mk_vf_at {
		size_t device, vf;
	} * vf_at; /* VFs that have a PCI id */
	size_t n_vf_at, vf_at_cap;
};

void mk_state_init(struct mk_state *s, struct mk_arena *a);

struct mk_mem *mk_mem_add(struct mk_arena *a, struct mk_mems *list, struct mk_mem m);
struct mk_instance *mk_instance_add(struct mk_state *s, const char *name);

/* Sum of sizes; saturates. */
uint64_t mk_mems_bytes(const struct mk_mems *list);

/* Makes names findable; to be called again after devices or instances were added or removed. */
void mk_state_index(struct mk_state *s);

/* The same for one, in O(1): one that has become the last, one that is going. */
void mk_state_name(struct mk_state *s, size_t instance);
void mk_state_forget(struct mk_state *s, size_t instance);
void mk_state_name_device(struct mk_state *s, size_t device);
void mk_state_forget_device(struct mk_state *s, size_t device);

/*
 * O(1), by any name a device answers to; by one with a unit address also without
 * it, if no other device has it. MK_NO_DEVICE when there is none.
 */
size_t mk_device_find(const struct mk_state *s, const char *name, size_t len);
struct mk_instance *mk_instance_find(const struct mk_state *s, const char *name);

/* What may have been meant by a name that is not known; NULL when nothing is like it. */
const char *mk_instance_nearest(const struct mk_state *s, const char *name);
const char *mk_device_nearest(const struct mk_state *s, const char *name);

/*
 * What "eth0", "eth0_vf1" or "nvme0_ns2" means on this machine: fills device,
 * part and number of use, and makes text canonical. False (device is
 * MK_NO_DEVICE) when no such device is known.
 */
bool mk_use_resolve(const struct mk_state *s, struct mk_use *use);

/* The same by use->pci_id: a device's own, or that of one of its VFs. */
bool mk_use_by_pci(const struct mk_state *s, struct mk_use *use);

/* The PCI id that hands this to a kernel: the device's, or the VF's own. NULL when there is none.
 */
const char *mk_use_pci(const struct mk_state *s, const struct mk_use *use);

/* Place and path of something, for a diagnostic. */
struct mk_span mk_where_span(struct mk_where w);
const char *mk_where_path(struct mk_arena *a, struct mk_where w);

/*
 * The machine as the subject of a finding. An instance of such a name, which
 * only a tree that we have not made can have, is another subject: "%40pool".
 */
extern const char mk_pool_subject[], mk_host_subject[];
const char *mk_subject(struct mk_arena *a, const char *name);

/* Adds a finding about w. */
struct mk_diag *mk_finding(struct mk_diags *d, enum mk_severity severity, const char *rule,
			   const char *subject, struct mk_where w, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* "0x80000000-0xbfffffff (1GB)" */
char *mk_mem_text(struct mk_arena *a, const struct mk_mem *m);

/*
 * The distance from s->numa[i] to s->numa[k], as the matrix of the machine says:
 * 10 to itself, and 20 where it says nothing (ACPI's figures).
 */
uint64_t mk_numa_distance(const struct mk_state *s, size_t i, size_t k);

/* A copy that can be changed without touching the old one; strings and nodes are shared. */
struct mk_state mk_state_copy(const struct mk_state *s);

/* What a device is called that is known by its PCI id alone: "pci-0000-01-00.0". */
char *mk_device_name_of(struct mk_arena *a, const char *pci_id);

/* A name that we may create: [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
bool mk_name_ok(const char *name);

#endif
