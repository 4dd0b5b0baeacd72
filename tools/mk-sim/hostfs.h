/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostfs: what /proc and /sys say about the machine, as a tree of files whose
 * contents are made when they are read. It knows nothing of FUSE.
 */
#ifndef SIM_HOSTFS_H
#define SIM_HOSTFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sim_kernel;
struct mk_buf;

enum sim_area {
	SIM_AREA_PROC,	   /* iomem, cpuinfo, kimage */
	SIM_AREA_CPU,	   /* /sys/devices/system/cpu */
	SIM_AREA_NODE,	   /* /sys/devices/system/node */
	SIM_AREA_PCI,	   /* in /sys/devices: pciDDDD:BB, where the functions are */
	SIM_AREA_BUS,	   /* /sys/bus/pci/devices: links to them */
	SIM_AREA_MEMORY,   /* /sys/devices/system/memory: block_size_bytes */
	SIM_AREA_PLATFORM, /* /sys/devices/platform */
	SIM_AREA_NET,	   /* /sys/class/net: the functions' interfaces beside the host's own */
	SIM_AREA_DT,	   /* /sys/firmware/devicetree/base of an arm64 machine: cpus alone */
	SIM_AREAS
};

enum sim_file_kind { SIM_DIR, SIM_FILE, SIM_LINK };

struct sim_file {
	const char *name; /* within its directory */
	enum sim_file_kind kind;
	mode_t mode; /* as st_mode has it */
	/* of a file: appends its contents; of a link: its target. privileged is whether the
	 * reader may see physical addresses. Called with the kernel's lock held. */
	void (*show)(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		     int privileged);
	size_t index; /* which CPU, node or function it is about; show's own use */
	int what;     /* show's own use */
	struct sim_file *parent, *next, *child; /* children by their order of making */
	uint32_t number;			/* of all files, from 1: the inode */
};

/*
 * Makes the tree of an area. *count numbers the files. Files of functions that
 * are no longer there stay in the tree: sim_file_there says whether they show.
 */
struct sim_file *sim_area_make(struct sim_kernel *k, enum sim_area area, uint32_t *count);
int sim_file_there(const struct sim_kernel *k, const struct sim_file *f);

/* Where an area is laid over the host's files. */
extern const char *const sim_area_path[SIM_AREAS];

#endif
