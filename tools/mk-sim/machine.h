/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: the hardware of a simulated host: CPUs, NUMA nodes, memory, PCI
 * functions and platform devices. It is what a description in one of the forms
 * of mk-dts(5) says, and does not change but for what is online and bound; who
 * owns what is the kernel's affair (kernel.h).
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_err;
struct mk_arena;
struct mk_state;

enum sim_arch { SIM_X86_64, SIM_ARM64 };

enum {
	SIM_PAGE_BYTES = 4096,
	SIM_BLOCK_BYTES = 128 << 20, /* memory_block_size_bytes() of x86 up to 64 GiB */
	SIM_MAX_NODES = 1024,	     /* MAX_NUMNODES of Debian's x86 kernels */
};

struct sim_cpu {
	uint64_t id;		     /* physical: APIC id, MPIDR */
	uint32_t node, socket, core; /* node is an index; core counts within its socket */
	uint32_t thread;	     /* which of its core's CPUs, from 0 */
	bool present, online;
};

struct sim_node {
	uint32_t id;
	uint64_t base, size; /* of its memory; size 0 for a node without memory */
	uint32_t *distance;  /* to each node, by index */
};

struct sim_function { /* a PCI function */
	uint16_t domain;
	uint8_t bus, slot, func;
	uint16_t vendor, device;
	uint32_t class;	    /* 0x020000 */
	uint32_t node;	    /* index */
	const char *driver; /* that the host's kernel would bind; "" for none */
	const char *net;    /* name of its network interface, or NULL */
	const char *nvme;   /* name of its controller ("nvme0"), or NULL */
	unsigned namespaces;
	unsigned total_vfs;
	size_t pf;   /* index of its physical function, SIZE_MAX for one itself */
	unsigned vf; /* number, where pf is given */
	bool bound;  /* the host's driver has it */
	bool gone;   /* taken away by mk-sim ctl */
};

struct sim_platform {
	const char *name;
	const char *hid; /* ACPI id, or NULL */
};

struct sim_machine {
	enum sim_arch arch;
	struct sim_cpu *cpu; /* by logical number; 0 is the boot CPU */
	size_t n_cpus;
	uint32_t *by_id; /* logical numbers by rising physical id */
	struct sim_node *node;
	size_t n_nodes;
	struct sim_function *function; /* by rising address */
	size_t n_functions;
	struct sim_platform *platform;
	size_t n_platforms;
	uint64_t host_bytes; /* from the bottom of the first node: the host's kernel is there, never
				free */
	uint64_t block_bytes;
};

/*
 * The machine that a state describes. Its own instances, if any, are no
 * matter. All of it is malloced and lives as long as the program. MK_BAD for
 * one that no kernel runs on (no CPU, no memory, ids that are twice there).
 */
int sim_machine_of(struct sim_machine *m, struct mk_state *s, struct mk_err *err);

/* The text of the machine that is taken where none is named. */
extern const char sim_default_machine[];

/* Logical number of a CPU, -1 when there is none of that id. O(log n). */
int sim_cpu_find(const struct sim_machine *m, uint64_t id);

/* Index, or SIZE_MAX. */
size_t sim_function_find(const struct sim_machine *m, uint16_t domain, uint8_t bus, uint8_t slot,
			 uint8_t func);
size_t sim_node_find(const struct sim_machine *m, uint32_t id);

#endif
