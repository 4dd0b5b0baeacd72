/* SPDX-License-Identifier: Apache-2.0 */
/* caller: see caller.h. */
#include "caller.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* As it was before the command could mount something over it. */
static int proc = -1;

int sim_caller_begin(void)
{
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return proc < 0 ? -errno : 0;
}

bool sim_caller_read(pid_t pid, uint64_t address, void *to, size_t n)
{
	struct iovec local = {to, n}, remote = {(void *)(uintptr_t)address, n};

	return !n || process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

bool sim_caller_write(pid_t pid, uint64_t address, const void *from, size_t n)
{
	struct iovec local = {(void *)(uintptr_t)from, n}, remote = {(void *)(uintptr_t)address, n};

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

/* By pages: what is behind the string need not be there. */
long sim_caller_string(pid_t pid, uint64_t address, char *to, size_t room)
{
	size_t got = 0, n;
	char *end;

	while (got < room) {
		n = PAGE - (size_t)((address + got) % PAGE);
		if (n > room - got)
			n = room - got;
		if (!sim_caller_read(pid, address + got, to + got, n))
			return -EFAULT;
		end = memchr(to + got, 0, n);
		if (end)
			return end - to;
		got += n;
	}
	return -ENAMETOOLONG;
}

const char *sim_caller_own(pid_t pid, const char *path, char *room, size_t bytes)
{
	static const char *const self[] = {"/proc/self", "/proc/thread-self"};
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(self[i]);
		if (!strncmp(path, self[i], n) && (path[n] == '/' || !path[n])) {
			snprintf(room, bytes, "/proc/%d%s", (int)pid, path + n);
			return room;
		}
	}
	return path;
}

int sim_caller_link(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof path, "%d/%s", (int)pid, what);
	return openat(proc, path, O_PATH | O_CLOEXEC);
}

int sim_caller_path(pid_t pid, int dirfd, const char *path, bool follow)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)};
	char room[PAGE + 32], what[32];
	long fd;
	int dir;

	path = sim_caller_own(pid, path, room, sizeof room);
	if (path[0] == '/') {
		dir = sim_caller_link(pid, "root");
		how.resolve = RESOLVE_IN_ROOT;
	} else {
		snprintf(what, sizeof what, dirfd == AT_FDCWD ? "cwd" : "fd/%d", dirfd);
		dir = sim_caller_link(pid, what);
	}
	if (dir < 0)
		return -EBADF;
	if (!*path)
		return dir;
	fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
	if (fd < 0)
		fd = -errno;
	close(dir);
	return (int)fd;
}

/* The value of a line of /proc/PID/status, as text. */
static bool status_line(pid_t pid, const char *key, char *value, size_t room)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;
	int fd;

	snprintf(path, sizeof path, "%d/status", (int)pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof line, f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			snprintf(value, room, "%s", line + strlen(key) + 1);
			found = true;
		}
	fclose(f);
	return found;
}

/* The last of four: real, effective, saved, and by which files are looked at. */
uint32_t sim_caller_id(pid_t pid, const char *key)
{
	unsigned long id = 0;
	char value[128], *s;
	int i;

	if (!status_line(pid, key, value, sizeof value))
		return 0;
	for (i = 0, s = value; i < 4; i++)
		id = strtoul(s, &s, 10);
	return (uint32_t)id;
}

/* A thread has no pidfd, its process has. */
int sim_caller_pidfd(pid_t pid)
{
	char value[128];

	if (!status_line(pid, "Tgid", value, sizeof value))
		return -1;
	return (int)syscall(SYS_pidfd_open, (int)strtol(value, NULL, 10), 0);
}

int sim_caller_fd(pid_t pid, int fd)
{
	int handle = sim_caller_pidfd(pid);
	long got;

	if (handle < 0)
		return -EBADF;
	got = syscall(SYS_pidfd_getfd, handle, fd, 0);
	close(handle);
	return got < 0 ? -EBADF : (int)got;
}

bool sim_caller_has(pid_t pid, unsigned capability)
{
	char value[128];

	return status_line(pid, "CapEff", value, sizeof value) &&
	       (strtoull(value, NULL, 16) >> capability & 1);
}

bool sim_caller_can(pid_t pid, unsigned capability)
{
	return sim_caller_same(pid, "user") && sim_caller_has(pid, capability);
}

bool sim_caller_same(pid_t pid, const char *kind)
{
	char path[64], own[64];
	struct stat a, b;

	snprintf(path, sizeof path, "%d/ns/%s", (int)pid, kind);
	snprintf(own, sizeof own, "self/ns/%s", kind);
	return !fstatat(proc, path, &a, 0) && !fstatat(proc, own, &b, 0) && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}
