/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts: what the command sees of the filesystem: the host's own files, and
 * ours laid over them. All of it is in a mount namespace that ends with us.
 */
#ifndef SIM_MOUNTS_H
#define SIM_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sim_fs;
struct sim_kernel;
struct mk_err;

/* Where things are in the world of the command. */
#define SIM_MOUNT_POINT "/sys/fs/multikernel"
#define SIM_CTL_DIR "/sys/fs/mk-sim"
#define SIM_CTL_SOCKET SIM_CTL_DIR "/ctl"

/*
 * Mounts our filesystem out of sight: *base is an O_PATH descriptor of its
 * root, *fuse the open /dev/fuse that is to be served. MK_SYS with what is
 * missing. Ends with /sys/fs being ours to add to.
 */
int sim_mounts_begin(int *fuse, int *base, struct mk_err *err);

/* Lays the files over the host's, once somebody serves them. */
int sim_mounts_lay(struct sim_kernel *k, const struct sim_fs *fs, int base, struct mk_err *err);

/* Nothing of /sys and of the knobs in /proc can be changed any more. Comes when all is laid. */
int sim_mounts_close(struct mk_err *err);

/* mount(2) as a caller has asked for it; data is never binary. */
struct sim_mount {
	pid_t pid;
	const char *source, *target, *type, *data; /* target alone is never NULL */
	unsigned long flags;
	bool ours; /* of the type multikernel */
};

/* Does it in the caller's place, with its root, directory and namespaces. A negative errno. */
int sim_mount_for(int base, const struct sim_mount *m);

#endif
