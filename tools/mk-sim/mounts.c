/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: see mounts.h. */
#include "mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"
#include "caller.h"
#include "err.h"
#include "fs.h"
#include "kernel.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

static int fail(struct mk_err *err, const char *what)
{
	return mk_fail(err, MK_SYS, "%s: %s", what, strerror(errno));
}

/* The machine's own multikernel interface, where it has one. */
static bool hidden(const char *path)
{
	return !strcmp(path, SIM_MOUNT_POINT) || !strcmp(path, "/dev/lazy_cma") ||
	       !strcmp(path, "/dev/dma_heap");
}

/* The entry of a directory again, in the tmpfs that covers it. */
static int again(int from, const char *dir, const struct dirent *e)
{
	char path[PATH_MAX], source[PATH_MAX], to[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
	snprintf(source, sizeof source, "/proc/self/fd/%d/%s", from, e->d_name);
	if (hidden(path) || fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(from, e->d_name, to, sizeof to - 1);
		if (n < 0)
			return 0;
		to[n] = '\0';
		return symlink(to, path);
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(path, 0755))
			return -1;
	} else {
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return mount(source, path, "none", MS_BIND | MS_REC, NULL);
}

static const char cover_source[] = "mk-sim";

/* Covers a directory with a tmpfs that has the same in it, so that things can be added. */
static int cover(const char *dir, int from, struct mk_err *err)
{
	struct dirent *e;
	DIR *d;
	int fd;

	if (mount(cover_source, dir, "tmpfs", 0, "mode=0755"))
		return fail(err, dir);
	fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return fail(err, dir);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			again(from, dir, e); /* what cannot be shown again is not there */
	closedir(d);
	return 0;
}

static int cover_path(const char *dir, struct mk_err *err)
{
	int from = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), rc;

	if (from < 0)
		return fail(err, dir);
	rc = cover(dir, from, err);
	close(from);
	return rc;
}

/* Makes a directory, where need be by covering what is above it. */
static int make_dir(const char *path, struct mk_err *err)
{
	char parent[PATH_MAX];
	struct stat st;

	if (!stat(path, &st))
		return 0;
	snprintf(parent, sizeof parent, "%s", path);
	*strrchr(parent, '/') = '\0';
	if (!*parent)
		return mk_fail(err, MK_SYS, "there is no %s", path);
	if (make_dir(parent, err))
		return err->code;
	if (!mkdir(path, 0755))
		return 0;
	if (cover_path(parent, err))
		return err->code;
	return mkdir(path, 0755) ? fail(err, path) : 0;
}

static int lay(int base, const char *what, const char *path, struct mk_err *err)
{
	char source[PATH_MAX];

	snprintf(source, sizeof source, "/proc/self/fd/%d/%s", base, what);
	return mount(source, path, "none", MS_BIND, NULL) ? fail(err, path) : 0;
}

int sim_mounts_begin(int *fuse, int *base, struct mk_err *err)
{
	int under = -1;
	char options[96];

	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
		return fail(err, "a mount namespace");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return fail(err, "a /proc of its own");
	*fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (*fuse < 0) {
		fail(err, "FUSE is missing: /dev/fuse");
		mk_hint(err, errno == EACCES ? "run it as a user who may open /dev/fuse"
					     : "load the module: modprobe fuse");
		return err->code;
	}
	under = open("/sys/fs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (under < 0)
		return fail(err, "/sys/fs");
	snprintf(options, sizeof options,
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other",
		 *fuse);
	if (mount("none", "/sys/fs", "fuse.multikernel", MS_NOSUID | MS_NODEV | MS_NOEXEC, options))
		return fail(err, "FUSE cannot be mounted");
	*base = open("/sys/fs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*base < 0)
		return fail(err, "FUSE");
	if (cover("/sys/fs", under, err))
		return err->code;
	close(under);
	if (mkdir(SIM_CTL_DIR, 0755))
		return fail(err, SIM_CTL_DIR);
	return 0;
}

/* Interfaces: those of the host that are no device's stay, the functions' come in addition. */
static int lay_interfaces(struct sim_kernel *k, const struct sim_fs *fs, struct mk_err *err)
{
	const char *dir = sim_area_path[SIM_AREA_NET];
	const struct sim_file *f;
	char path[PATH_MAX], to[PATH_MAX];
	struct dirent *e;
	struct mk_arena a;
	struct mk_buf b;
	ssize_t n;
	DIR *d;

	if (make_dir(dir, err) || cover_path(dir, err))
		return err->code;
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		n = readlink(path, to, sizeof to - 1);
		if (n < 0)
			continue;
		to[n] = '\0';
		if (!strstr(to, "/virtual/"))
			unlink(path);
	}
	if (d)
		closedir(d);
	mk_arena_init(&a, NULL);
	for (f = sim_fs_files(fs, SIM_AREA_NET)->child; f; f = f->next) {
		mk_buf_init(&b, &a);
		f->show(k, f, &b, 1);
		snprintf(path, sizeof path, "%s/%s", dir, f->name);
		unlink(path);
		if (symlink(mk_buf_cstr(&b), path)) {
			mk_arena_free(&a);
			return fail(err, path);
		}
	}
	mk_arena_free(&a);
	return 0;
}

static int lay_proc(struct sim_kernel *k, const struct sim_fs *fs, int base, struct mk_err *err)
{
	const struct sim_file *f;
	char what[64], path[64];
	struct stat st;

	for (f = sim_fs_files(fs, SIM_AREA_PROC)->child; f; f = f->next) {
		snprintf(what, sizeof what, "proc/%s", f->name);
		snprintf(path, sizeof path, "/proc/%s", f->name);
		if (stat(path, &st) || !sim_file_there(k, f))
			continue; /* /proc/kimage: its opening is caught */
		if (lay(base, what, path, err))
			return err->code;
	}
	return 0;
}

/* Buses: those of the host go, the machine's come. Others of /sys/devices stay. */
static int lay_buses(const struct sim_fs *fs, int base, struct mk_err *err)
{
	const char *dir = sim_area_path[SIM_AREA_PCI];
	char what[64], path[PATH_MAX];
	const struct sim_file *f;
	struct dirent *e;
	DIR *d;

	if (cover_path(dir, err))
		return err->code;
	d = opendir(dir);
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "pci", 3)) {
			snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
			umount2(path, MNT_DETACH);
			rmdir(path);
		}
	if (d)
		closedir(d);
	for (f = sim_fs_files(fs, SIM_AREA_PCI)->child; f; f = f->next) {
		snprintf(what, sizeof what, "%s/%s", sim_fs_area[SIM_AREA_PCI], f->name);
		snprintf(path, sizeof path, "%s/%s", dir, f->name);
		if (mkdir(path, 0755))
			return fail(err, path);
		if (lay(base, what, path, err))
			return err->code;
	}
	return 0;
}

static int lay_devices(int base, unsigned abi, struct mk_err *err)
{
	const char *name = abi == 1 ? "/dev/lazy_cma" : "/dev/dma_heap/multikernel";
	int fd;

	if (cover_path("/dev", err))
		return err->code;
	if (abi == 2 && make_dir("/dev/dma_heap", err))
		return err->code;
	fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(err, name);
	close(fd);
	return abi == 1 ? lay(base, SIM_FS_LAZY_CMA, name, err) : 0;
}

int sim_mounts_lay(struct sim_kernel *k, const struct sim_fs *fs, int base, struct mk_err *err)
{
	enum sim_area a;

	if (lay_buses(fs, base, err) || lay_proc(k, fs, base, err) || lay_interfaces(k, fs, err))
		return err->code;
	for (a = SIM_AREA_CPU; a < SIM_AREAS; a++) {
		if (a == SIM_AREA_NET || a == SIM_AREA_PCI || !sim_fs_files(fs, a)->child)
			continue;
		if (make_dir(sim_area_path[a], err) ||
		    lay(base, sim_fs_area[a], sim_area_path[a], err))
			return err->code;
	}
	if (k->stock)
		return 0;
	if (mkdir(SIM_MOUNT_POINT, 0755) && errno != EEXIST)
		return fail(err, SIM_MOUNT_POINT);
	return lay_devices(base, k->abi, err);
}

/* From now on it can only be read; what is mounted below it is another matter. */
static int only_read(const char *path)
{
	const unsigned long kept = MS_NOSUID | MS_NODEV | MS_NOEXEC; /* ST_ has the same bits */
	struct statvfs st;

	if (statvfs(path, &st))
		return -1;
	return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | (st.f_flag & kept), NULL);
}

/*
 * Whoever is root inside may be root outside, and the knobs of the computer that
 * we run on do not ask in which namespaces somebody is.
 */
int sim_mounts_close(struct mk_err *err)
{
	static const char *const knobs[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq",
					    "/proc/bus", "/proc/mtrr"};
	struct mntent *m;
	struct statfs fs;
	size_t i;
	FILE *f;
	int rc = 0;

	for (i = 0; i < sizeof knobs / sizeof *knobs; i++)
		if (!access(knobs[i], F_OK) &&
		    (mount(knobs[i], knobs[i], NULL, MS_BIND, NULL) || only_read(knobs[i])))
			return fail(err, knobs[i]);
	f = setmntent("/proc/self/mounts", "re");
	if (!f)
		return fail(err, "/proc/self/mounts");
	while (!rc && (m = getmntent(f)))
		if ((!strcmp(m->mnt_dir, "/sys") || !strncmp(m->mnt_dir, "/sys/", 5)) &&
		    !statfs(m->mnt_dir, &fs) && fs.f_type != FUSE_SUPER_MAGIC &&
		    only_read(m->mnt_dir))
			rc = fail(err, m->mnt_dir);
	endmntent(f);
	return rc;
}

/* ---------------------------------------------------------------- mount(2) for a caller */

/* Where the caller stands, as far as a mount cares; by descriptors, -1 for what is ours too. */
struct place {
	int cwd, root, handle;
	bool user, mnt; /* the namespaces are ours */
	uint32_t uid, gid;
};

static void look_where(struct place *p, pid_t pid)
{
	p->cwd = sim_caller_link(pid, "cwd");
	p->root = sim_caller_link(pid, "root");
	p->uid = sim_caller_id(pid, "Uid");
	p->gid = sim_caller_id(pid, "Gid");
	p->user = sim_caller_same(pid, "user");
	p->mnt = sim_caller_same(pid, "mnt");
	p->handle = p->user && p->mnt ? -1 : sim_caller_pidfd(pid);
}

static void forget(const struct place *p)
{
	if (p->cwd >= 0)
		close(p->cwd);
	if (p->root >= 0)
		close(p->root);
	if (p->handle >= 0)
		close(p->handle);
}

static int stand_there(const struct place *p)
{
	syscall(SYS_setfsgid, p->gid); /* the root of a tmpfs is its maker's */
	syscall(SYS_setfsuid, p->uid);
	if (!p->user && setns(p->handle, CLONE_NEWUSER))
		return -errno;
	if (!p->mnt && setns(p->handle, CLONE_NEWNS))
		return -errno;
	if (fchdir(p->root) || chroot(".") || fchdir(p->cwd))
		return -errno;
	return 0;
}

/*
 * In the child of a process with threads: nothing here may take a lock, as
 * malloc and stdio do. tree is a detached copy of ours, which any namespace
 * takes; -1 where the system has none.
 */
static int mount_there(const struct place *p, int tree, const struct sim_mount *m)
{
	int error = stand_there(p);

	if (error)
		return error;
	if (tree >= 0)
		return syscall(SYS_move_mount, tree, "", AT_FDCWD, m->target,
			       MOVE_MOUNT_F_EMPTY_PATH)
			       ? -errno
			       : 0;
	return mount(m->source, m->target, m->type, m->flags, m->data) ? -errno : 0;
}

int sim_mount_for(int base, const struct sim_mount *asked)
{
	char source[PATH_MAX], target[PATH_MAX];
	struct sim_mount m = *asked;
	int tree = -1, status, error;
	struct place place;
	pid_t child;

	if (!sim_caller_has(m.pid, CAP_SYS_ADMIN))
		return -EPERM;
	look_where(&place, m.pid);
	if (place.mnt) {
		m.target = sim_caller_own(m.pid, m.target, target, sizeof target);
		if (m.source)
			m.source = sim_caller_own(m.pid, m.source, source, sizeof source);
	}
	if (m.ours) {
		tree = (int)syscall(SYS_open_tree, base, SIM_FS_MULTIKERNEL,
				    OPEN_TREE_CLONE | O_CLOEXEC);
		error = tree < 0 && errno != ENOSYS ? -errno : 0;
		if (error) {
			forget(&place);
			return error;
		}
		snprintf(source, sizeof source, "/proc/self/fd/%d/%s", base, SIM_FS_MULTIKERNEL);
		m.source = source;
		m.type = "none";
		m.flags = MS_BIND;
		m.data = NULL;
	}
	/* without a signal at its end: who reaps the command's orphans does not see it */
	child = (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);
	if (child == 0)
		_exit(-mount_there(&place, tree, &m) & 0xff);
	error = child < 0 ? -errno : 0;
	if (child > 0 && waitpid(child, &status, (int)__WCLONE) == child)
		error = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	if (tree >= 0)
		close(tree);
	forget(&place);
	return error;
}
