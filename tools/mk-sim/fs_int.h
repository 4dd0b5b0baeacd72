/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs_int: the parts of fs to each other: what a file is (fs_names.c), what it
 * holds and what writing to it does (fs_data.c). FUSE itself is in fs.c alone.
 */
#ifndef SIM_FS_INT_H
#define SIM_FS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs.h"
#include "kernel.h"

/* An inode number: what kind of thing, which one, which of its files. */
enum kind { TOP, MK, INSTANCE, TX, HOST, LAZY };
enum mk_file { MK_ROOT, MK_DEVICE_TREE, MK_INSTANCES, MK_OVERLAYS, MK_NEW };
enum instance_file { IN_DIR, IN_ID, IN_STATUS, IN_DEVICE_TREE, IN_FILES };
enum tx_file { TX_DIR, TX_ID, TX_STATUS, TX_INSTANCE, TX_RESOURCES, TX_DTBO, TX_FILES };
enum { ROOT_INODE = 1 }; /* FUSE_ROOT_ID */

extern const char *const sim_instance_files[IN_FILES], *const sim_tx_files[TX_FILES];

struct fuse_session;

struct sim_fs {
	struct sim_kernel *k;
	struct fuse_session *session;
	struct sim_file *area[SIM_AREAS];
	struct sim_file **host;	   /* by number */
	struct sim_file **by_name; /* by parent and name, one less than n_host */
	size_t n_host;
	int apart; /* the threads that serve: 1 they have descriptors of their own, -1 they cannot
		    */
};

/* An open file or directory. */
struct handle {
	char *data; /* as of the last read from the beginning */
	size_t bytes;
	bool privileged;
};

static inline uint64_t ino_of(enum kind kind, uint64_t which, unsigned file)
{
	return kind == TOP ? ROOT_INODE : (uint64_t)kind << 56 | which << 8 | file;
}

static inline enum kind kind_of(uint64_t ino)
{
	return ino == ROOT_INODE ? TOP : (enum kind)(ino >> 56);
}

static inline uint64_t which_of(uint64_t ino)
{
	return (ino & 0x00ffffffffffffffULL) >> 8;
}

static inline unsigned file_of(uint64_t ino)
{
	return ino & 0xff;
}

static inline const struct sim_file *host_file(const struct sim_fs *fs, uint64_t ino)
{
	return which_of(ino) < fs->n_host ? fs->host[which_of(ino)] : NULL;
}

/* All of the following with the kernel's lock held. Errors are negative errnos. */

/* fs_names.c */
void sim_fs_collect(struct sim_fs *fs); /* makes the files of all areas findable */
int sim_fs_attr(struct sim_fs *fs, uint64_t ino, struct stat *st);
uint64_t sim_fs_find(const struct sim_fs *fs, uint64_t dir, const char *name); /* 0: none */
void sim_fs_list(struct sim_fs *fs, uint64_t dir,
		 void (*each)(void *arg, const char *name, const struct stat *st), void *arg);

/* fs_data.c */
int sim_fs_fault(struct sim_kernel *k, const char *op, uint64_t ino);
/* Files that kernfs reads itself: a page a call, made anew each time. The others are sequences. */
bool sim_fs_paged(uint64_t ino);
int sim_fs_fill(struct sim_fs *fs, uint64_t ino, struct handle *h);

/* Without the lock: it may take long. Bytes written, or an error. */
long sim_fs_write(struct sim_fs *fs, uint64_t ino, const char *data, size_t n, int64_t off);

#endif
