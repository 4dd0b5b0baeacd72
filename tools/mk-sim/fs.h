/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs: the one FUSE filesystem of a simulated host. Its directories are laid
 * over the host's: what /sys/fs/multikernel is, files of /proc and /sys, and
 * /dev/lazy_cma.
 */
#ifndef SIM_FS_H
#define SIM_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "hostfs.h"

struct sim_kernel;
struct sim_fs;

/* Names at the root of the filesystem. */
#define SIM_FS_MULTIKERNEL "multikernel"
#define SIM_FS_LAZY_CMA "lazy_cma"
extern const char *const sim_fs_area[SIM_AREAS];

/*
 * Serves what was mounted by fd (an open /dev/fuse), which it takes over, in
 * threads of its own. NULL when libfuse refuses.
 */
struct sim_fs *sim_fs_start(struct sim_kernel *k, int fd);

/* Of a file by its inode number: the magic that statfs shows for it, 0 for one that is not ours. */
uint32_t sim_fs_magic(uint64_t inode);

/* The files of an area. */
const struct sim_file *sim_fs_files(const struct sim_fs *fs, enum sim_area area);

#endif
