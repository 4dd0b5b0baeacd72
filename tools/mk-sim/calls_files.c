/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_files: /proc/kimage, which is no file of the machine's own /proc, so
 * that every way of looking at it is answered here; and what statfs says of
 * files that are ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "caller.h"
#include "calls_int.h"
#include "fs.h"
#include "kernel.h"

/* ---------------------------------------------------------------- /proc/kimage */

/* Whether the path ends in kimage; it is then in path, and where its last slash is. */
static bool ends_in_kimage(pid_t pid, uint64_t address, char *path, size_t room, char **slash)
{
	if (sim_caller_string(pid, address, path, room) < 0)
		return false;
	*slash = strrchr(path, '/');
	return !strcmp(*slash ? *slash + 1 : path, "kimage");
}

/* And its directory is /proc. */
static bool is_kimage(pid_t pid, int dirfd, uint64_t address)
{
	char path[256], *slash;
	struct statfs fs;
	struct stat st;
	bool yes;
	int dir;

	if (!ends_in_kimage(pid, address, path, sizeof path, &slash))
		return false;
	if (!strcmp(path, "/proc/kimage"))
		return true;
	if (slash)
		slash[slash == path] = '\0';
	dir = sim_caller_path(pid, dirfd, slash ? path : ".", true);
	if (dir < 0)
		return false;
	yes = !fstatfs(dir, &fs) && fs.f_type == 0x9fa0 && !fstat(dir, &st) && st.st_ino == 1;
	close(dir);
	return yes;
}

static int open_kimage(const struct sim_calls *c, const struct seccomp_notif *q, int flags)
{
	struct seccomp_notif_addfd add = {.id = q->id, .flags = SECCOMP_ADDFD_FLAG_SEND};
	int fd;

	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_ACCMODE) != O_RDONLY && !sim_caller_can((pid_t)q->pid, CAP_DAC_OVERRIDE))
		return -EACCES;
	fd = openat(c->base, "proc/kimage",
		    (flags & (O_ACCMODE | O_PATH | O_NONBLOCK)) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	add.srcfd = (uint32_t)fd;
	add.newfd_flags = (uint32_t)flags & O_CLOEXEC;
	if (ioctl(c->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno != ENOENT)
		sim_answer(c, q->id, -errno);
	close(fd);
	return SIM_WAITS;
}

static int stat_kimage(const struct sim_calls *c, pid_t pid, uint64_t address)
{
	struct stat st;

	if (fstatat(c->base, "proc/kimage", &st, 0))
		return -errno;
	st.st_size = 0;
	return sim_caller_write(pid, address, &st, sizeof st) ? 0 : -EFAULT;
}

static int statx_kimage(const struct sim_calls *c, pid_t pid, const uint64_t *arg)
{
	struct statx st;

	if (statx(c->base, "proc/kimage", (int)arg[2] & ~AT_EMPTY_PATH, (unsigned)arg[3], &st))
		return -errno;
	st.stx_size = 0;
	return sim_caller_write(pid, arg[4], &st, sizeof st) ? 0 : -EFAULT;
}

static int access_kimage(pid_t pid, uint64_t mode)
{
	if (mode & X_OK)
		return -EACCES;
	return mode & W_OK && !sim_caller_can(pid, CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

/* Where a call has the directory and the path of its file. */
static uint64_t path_of(const struct seccomp_notif *q, int *dirfd)
{
	const __u64 *arg = q->data.args;

	switch (q->data.nr) {
#ifdef SYS_open
	case SYS_open:
	case SYS_stat:
	case SYS_lstat:
	case SYS_access:
	case SYS_readlink:
#endif
	case SYS_getxattr:
	case SYS_lgetxattr:
	case SYS_listxattr:
	case SYS_llistxattr: *dirfd = AT_FDCWD; return arg[0];
	default: *dirfd = (int)arg[0]; return arg[1];
	}
}

bool sim_may_be_kimage(const struct seccomp_notif *q)
{
	char path[256], *slash;
	int dirfd;

	return ends_in_kimage((pid_t)q->pid, path_of(q, &dirfd), path, sizeof path, &slash);
}

int sim_kimage_call(const struct sim_calls *c, const struct seccomp_notif *q)
{
	const uint64_t arg[] = {q->data.args[0], q->data.args[1], q->data.args[2], q->data.args[3],
				q->data.args[4]};
	struct open_how how = {0};
	pid_t pid = (pid_t)q->pid;
	uint64_t path;
	int dirfd;

	path = path_of(q, &dirfd);
	if (!is_kimage(pid, dirfd, path) || !sim_call_is_there(c, q->id))
		return SIM_PASSES;

	switch (q->data.nr) {
#ifdef SYS_open
	case SYS_open: return open_kimage(c, q, (int)arg[1]);
	case SYS_stat:
	case SYS_lstat: return stat_kimage(c, pid, arg[1]);
	case SYS_access: return access_kimage(pid, arg[1]);
	case SYS_readlink:
#endif
	case SYS_readlinkat: return -EINVAL; /* it is no link */
	case SYS_getxattr:
	case SYS_lgetxattr: return -EOPNOTSUPP;
	case SYS_listxattr:
	case SYS_llistxattr: return 0; /* of none */
	case SYS_openat: return open_kimage(c, q, (int)arg[2]);
	case SYS_openat2:
		if (!sim_caller_read(pid, arg[2], &how, sizeof how))
			return -EFAULT;
		return open_kimage(c, q, (int)how.flags);
	case SYS_newfstatat: return stat_kimage(c, pid, arg[2]);
	case SYS_statx: return statx_kimage(c, pid, arg);
	default: return access_kimage(pid, arg[2]);
	}
}

/* ---------------------------------------------------------------- statfs */

/* Of a file of ours, or of the directory in which we are mounted; 0 for any other. */
static uint32_t magic_of(const struct sim_calls *c, int fd)
{
	struct stat st, around;

	if (fstat(fd, &st))
		return 0;
	if (st.st_dev == c->dev)
		return sim_fs_magic(st.st_ino);
	return !stat("/sys/fs", &around) && st.st_dev == around.st_dev ? SYSFS_MAGIC : 0;
}

/* As simple_statfs has it for kernfs; false for a file that is not ours. */
static bool own_statfs(uint32_t magic, struct statfs *out)
{
	if (!magic)
		return false;
	memset(out, 0, sizeof *out);
	out->f_type = magic;
	out->f_bsize = out->f_frsize = SIM_PAGE_BYTES;
	out->f_namelen = 255;
	return true;
}

int sim_statfs_call(const struct sim_calls *c, const struct seccomp_notif *q)
{
	pid_t pid = (pid_t)q->pid;
	struct statfs out;
	char path[4096];
	uint32_t magic;
	int fd;

	if (q->data.nr == SYS_fstatfs) {
		fd = sim_caller_path(pid, (int)q->data.args[0], "", true);
	} else {
		if (sim_caller_string(pid, q->data.args[0], path, sizeof path) <= 0)
			return SIM_PASSES;
		fd = !c->k->stock && is_kimage(pid, AT_FDCWD, q->data.args[0])
			     ? openat(c->base, "proc/kimage", O_PATH | O_CLOEXEC)
			     : sim_caller_path(pid, AT_FDCWD, path, true);
	}
	if (fd < 0)
		return SIM_PASSES;
	magic = magic_of(c, fd);
	close(fd);
	if (!own_statfs(magic, &out))
		return SIM_PASSES;
	return sim_caller_write(pid, q->data.args[1], &out, sizeof out) ? 0 : -EFAULT;
}
