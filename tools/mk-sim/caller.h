/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller: the process that has made a system call: its memory, its files, its
 * rights. It stands still meanwhile, but for a signal that kills it.
 */
#ifndef SIM_CALLER_H
#define SIM_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Once, before there is anybody. A negative errno. */
int sim_caller_begin(void);

/* Bytes of its memory; false when they are not there. */
bool sim_caller_read(pid_t pid, uint64_t address, void *to, size_t n);
bool sim_caller_write(pid_t pid, uint64_t address, const void *from, size_t n);

/*
 * A string of its memory with its NUL, in room bytes: its length, -EFAULT for a
 * bad address, -ENAMETOOLONG for one that does not end in time.
 */
long sim_caller_string(pid_t pid, uint64_t address, char *to, size_t room);

/* An O_PATH descriptor of what a path means to it; a negative errno. */
int sim_caller_path(pid_t pid, int dirfd, const char *path, bool follow);

/* A path of its own /proc entry by its number, where ours is another: in room, or path as it is. */
const char *sim_caller_own(pid_t pid, const char *path, char *room, size_t bytes);

/* An O_PATH descriptor of what its "cwd", "root" or "fd/N" is; -1. */
int sim_caller_link(pid_t pid, const char *what);

/* "Uid" or "Gid": by which the files that it makes are owned. */
uint32_t sim_caller_id(pid_t pid, const char *key);

/* Its descriptor as one of ours; -EBADF. */
int sim_caller_fd(pid_t pid, int fd);

/* A pidfd of the process that the thread belongs to; -1. */
int sim_caller_pidfd(pid_t pid);

bool sim_caller_has(pid_t pid, unsigned capability); /* in its own user namespace */
bool sim_caller_can(pid_t pid, unsigned capability); /* in our own user namespace */
bool sim_caller_same(pid_t pid, const char *kind);   /* of the namespace "pid", "mnt", "user" */

#endif
