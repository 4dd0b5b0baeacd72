/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs_int: the parts of hostfs to each other: making files, and sets of CPUs. */
#ifndef SIM_HOSTFS_INT_H
#define SIM_HOSTFS_INT_H

#include "hostfs.h"
#include "kernel.h"

/*
 * What a file says, in the low byte of its "what"; above it is a number within
 * that: of a cache, a VF, a namespace. sim_file_there asks for it, too.
 */
enum sim_what {
	SIM_W_DIR, /* a directory that is always there */
	/* /proc */
	SIM_W_IOMEM,
	SIM_W_CPUINFO,
	SIM_W_KIMAGE,
	SIM_W_FILESYSTEMS,
	/* cpu: index is a logical number */
	SIM_W_CPUS, /* a list of all CPUs: the number is an enum sim_scope */
	SIM_W_KERNEL_MAX,
	SIM_W_CPU, /* the directory */
	SIM_W_CPU_ONLINE,
	SIM_W_CPU_NODE,
	SIM_W_CPU_RUNS, /* topology and cache: of what is online */
	SIM_W_PACKAGE_ID,
	SIM_W_CORE_ID,
	SIM_W_SIBLINGS,	     /* a list: the number is an enum sim_scope */
	SIM_W_SIBLINGS_MASK, /* the same as a mask */
	SIM_W_CACHE_LEVEL,
	SIM_W_CACHE_TYPE,
	SIM_W_CACHE_SIZE,
	SIM_W_CACHE_LINE,
	SIM_W_CACHE_SHARED,
	SIM_W_CACHE_SHARED_MASK,
	/* node: index is that of the node, of NODE_CPU a logical number */
	SIM_W_NODES,
	SIM_W_NODES_CPU,
	SIM_W_NODES_MEMORY,
	SIM_W_NODE_DISTANCE,
	SIM_W_NODE_MEMINFO,
	SIM_W_NODE_CPU,
	/* memory */
	SIM_W_BLOCK_BYTES,
	/* pci and net: index is that of the function */
	SIM_W_FUNCTION, /* the directory */
	SIM_W_VENDOR,
	SIM_W_DEVICE,
	SIM_W_CLASS,
	SIM_W_REVISION,
	SIM_W_NUMA_NODE,
	SIM_W_IRQ,
	SIM_W_ENABLE,
	SIM_W_MODALIAS,
	SIM_W_UEVENT,
	SIM_W_LOCAL_CPULIST,
	SIM_W_LOCAL_CPUS,
	SIM_W_TOTALVFS,
	SIM_W_NUMVFS,
	SIM_W_VIRTFN, /* index is that of the VF */
	SIM_W_PHYSFN,
	SIM_W_DRIVER,
	SIM_W_SUBSYSTEM, /* link to the bus or class */
	SIM_W_BUS_LINK,	 /* in /sys/bus/pci/devices */
	SIM_W_CLASS_UEVENT,
	SIM_W_BOUND,	   /* net, nvme: directories that the driver makes */
	SIM_W_DEVICE_LINK, /* from a driver's directory back to the function */
	SIM_W_NET_ADDRESS,
	SIM_W_NET_OPERSTATE,
	SIM_W_NET_MTU,
	SIM_W_NET_IFINDEX,
	SIM_W_NET_TYPE,
	SIM_W_NET_LINK, /* in /sys/class/net */
	SIM_W_NVME_MODEL,
	SIM_W_NVME_SERIAL,
	SIM_W_NVME_FIRMWARE,
	SIM_W_NVME_STATE,
	SIM_W_NVME_TRANSPORT,
	SIM_W_NVME_ADDRESS,
	SIM_W_NS_NSID,
	SIM_W_NS_SIZE,
	/* platform: index is that of the device */
	SIM_W_PLAT_UEVENT,
	SIM_W_PLAT_MODALIAS,
	SIM_W_PLAT_OVERRIDE,
	/* device tree: index is a logical number */
	SIM_W_DT_ADDRESS_CELLS,
	SIM_W_DT_SIZE_CELLS,
	SIM_W_DT_REG,
	SIM_W_DT_TYPE,
	SIM_W_DT_COMPATIBLE,
};

static inline enum sim_what sim_what(const struct sim_file *f)
{
	return (enum sim_what)(f->what & 0xff);
}

static inline unsigned sim_part(const struct sim_file *f)
{
	return (unsigned)f->what >> 8;
}

typedef void sim_show(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		      int privileged);

/* A directory that is being filled. Files are appended in O(1). */
struct sim_dir {
	struct sim_file *dir;
	struct sim_file **end; /* where the next child goes */
	uint32_t *count;
	sim_show *show; /* of all files in it */
	size_t index;	/* of all files in it, unless said otherwise */
};

/* Files that are alike in many directories. Their names are not copied. */
struct sim_entry {
	const char *name;
	enum sim_what what;
	mode_t mode;
	unsigned part;
};

void sim_add_files(struct sim_dir *d, const struct sim_entry *e, size_t n);
#define SIM_ADD_FILES(d, entries) sim_add_files(d, entries, sizeof(entries) / sizeof((entries)[0]))

/* name is kept: a constant, or one of sim_name's. */
void sim_add_link(struct sim_dir *d, const char *name, enum sim_what what);

/* A directory within d, about the same unless its index is changed. */
struct sim_dir sim_add_dir(struct sim_dir *d, const char *name, enum sim_what what);

/* A name that is made; it lives as long as the program. */
char *sim_name(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Areas fill their root. */
void sim_fill_proc(struct sim_kernel *k, struct sim_dir *root);
void sim_fill_cpu(struct sim_kernel *k, struct sim_dir *root);
void sim_fill_node(struct sim_kernel *k, struct sim_dir *root);
void sim_fill_pci(struct sim_kernel *k, struct sim_dir *root);
void sim_fill_bus(struct sim_kernel *k, struct sim_dir *root);
void sim_fill_net(struct sim_kernel *k, struct sim_dir *root);

/* Which CPUs. of is a logical number, of SIM_ON_NODE the index of a node. */
enum sim_scope {
	SIM_POSSIBLE,
	SIM_PRESENT,
	SIM_ONLINE,
	SIM_OFFLINE,
	SIM_ON_NODE, /* online, as all that follow */
	SIM_IN_PACKAGE,
	SIM_IN_CORE,
};

/* "0-3,8" and "0000010f"; O(number of CPUs). Without a newline. */
void sim_cpulist(struct mk_buf *b, const struct sim_machine *m, enum sim_scope scope, size_t of);
void sim_cpumask(struct mk_buf *b, const struct sim_machine *m, enum sim_scope scope, size_t of);

#endif
