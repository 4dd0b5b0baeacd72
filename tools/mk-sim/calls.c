/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls: system calls of the command. Those that the machine's own kernel must
 * never see (kexec_file_load, reboot, mount) are answered here in any case;
 * those that only look at files are let pass unless it is one of ours.
 */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caller.h"
#include "calls_int.h"
#include "fs.h"
#include "kernel.h"
#include "mounts.h"

/* reboot(2), and what multikernel adds: include/uapi/linux/reboot.h of multikernel/linux */
#define MAGIC1 0xfee1deadU
static const uint32_t magic2[] = {672274793, 85072278, 369367448, 537993216};
enum { CMD_BOOT = 0x4d4b4c49, CMD_HALT = 0x4d4b4c48, CMD_FORCE = 0x4d4b4c46 };

enum { CMDLINE_READ_MAX = 1 << 20 };

/* A call on its way through a thread of its own. */
struct call {
	const struct sim_calls *c;
	struct seccomp_notif q;
};

void sim_answer(const struct sim_calls *c, uint64_t id, int error)
{
	struct seccomp_notif_resp r = {.id = id, .error = error};

	/* who was killed meanwhile wants no answer */
	ioctl(c->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void let_pass(const struct sim_calls *c, uint64_t id)
{
	struct seccomp_notif_resp r = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	ioctl(c->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

bool sim_call_is_there(const struct sim_calls *c, uint64_t id)
{
	return !ioctl(c->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

/* ---------------------------------------------------------------- mount */

/* A string argument that may be NULL. */
static int argument(pid_t pid, uint64_t address, char *to, size_t room, const char **out)
{
	long n;

	*out = NULL;
	if (!address)
		return 0;
	n = sim_caller_string(pid, address, to, room);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	*out = to;
	return 0;
}

/* Over itself no filesystem is mounted. */
static bool is_there(const struct sim_calls *c, const struct sim_mount *m)
{
	int fd = sim_caller_path(m->pid, AT_FDCWD, m->target, true);
	struct stat own, st;
	bool same;

	if (fd < 0)
		return false;
	same = !fstatat(c->base, SIM_FS_MULTIKERNEL, &own, 0) && !fstat(fd, &st) &&
	       st.st_dev == own.st_dev && st.st_ino == own.st_ino;
	close(fd);
	return same;
}

/* What is laid there is a copy of ours, which can be written: "ro" makes it another. */
static int mount_ours(const struct sim_calls *c, const struct sim_mount *m)
{
	const unsigned long kept = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct sim_mount again = {.pid = m->pid, .target = m->target};
	int error;

	if (!sim_caller_can(m->pid, CAP_SYS_ADMIN))
		return -EPERM;
	if (c->k->stock)
		return -ENODEV;
	if (m->data && *m->data)
		return -EINVAL; /* it has no options */
	if (is_there(c, m))
		return -EBUSY;
	error = sim_mount_for(c->base, m);
	if (error || !(m->flags & MS_RDONLY))
		return error;
	again.flags = MS_REMOUNT | MS_BIND | (m->flags & kept);
	return sim_mount_for(c->base, &again);
}

static int mount_call(const struct sim_calls *c, const struct seccomp_notif *q)
{
	const unsigned long other =
		MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	const __u64 *arg = q->data.args;
	char source[4096], target[4096], type[256], data[4096];
	struct sim_mount m = {.pid = (pid_t)q->pid, .flags = (unsigned long)arg[3]};
	int error;

	error = argument(m.pid, arg[0], source, sizeof source, &m.source);
	if (!error)
		error = argument(m.pid, arg[1], target, sizeof target, &m.target);
	if (!error)
		error = argument(m.pid, arg[2], type, sizeof type, &m.type);
	if (!error)
		error = argument(m.pid, arg[4], data, sizeof data, &m.data);
	if (!error && !m.target)
		error = -EFAULT;
	if (error)
		return error;
	sim_lock(c->k);
	error = sim_fault(&c->k->faults, "mount", m.type ? m.type : "");
	sim_unlock(c->k);
	if (error)
		return error;
	m.ours = m.type && !strcmp(m.type, "multikernel") && !(m.flags & other);
	return m.ours ? mount_ours(c, &m) : sim_mount_for(c->base, &m);
}

/* ---------------------------------------------------------------- kexec_file_load */

/* A descriptor to read from, or why there is none. */
static int file_of_caller(pid_t pid, int fd, int *error)
{
	int own = sim_caller_fd(pid, fd), flags;

	*error = -EBADF;
	if (own < 0)
		return -1;
	flags = fcntl(own, F_GETFL);
	if (flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY)
		return own;
	close(own);
	return -1;
}

static int kexec_call(const struct sim_calls *c, const struct seccomp_notif *q)
{
	const __u64 *arg = q->data.args;
	struct sim_load l = {.kernel = -1, .initrd = -1, .cmdline_bytes = arg[2], .flags = arg[4]};
	bool unload = arg[4] & 1;
	pid_t pid = (pid_t)q->pid;
	char *cmdline = NULL;
	int error;

	if (!sim_caller_can(pid, CAP_SYS_BOOT))
		return -EPERM;
	sim_lock(c->k);
	error = sim_fault(&c->k->faults, "kexec_file_load", unload ? "unload" : "load");
	sim_unlock(c->k);
	if (error)
		return error;
	if (!unload) {
		l.kernel = file_of_caller(pid, (int)arg[0], &l.kernel_error);
		l.initrd = file_of_caller(pid, (int)arg[1], &l.initrd_error);
		if (l.cmdline_bytes && l.cmdline_bytes <= CMDLINE_READ_MAX) {
			cmdline = sim_new(l.cmdline_bytes + 1);
			l.cmdline_fault = !sim_caller_read(pid, arg[3], cmdline, l.cmdline_bytes);
		} else if (l.cmdline_bytes) {
			l.cmdline_fault = true;
		}
		l.cmdline = cmdline;
	}
	sim_lock(c->k);
	error = sim_kexec_load(c->k, &l);
	sim_unlock(c->k);
	if (l.kernel >= 0)
		close(l.kernel);
	if (l.initrd >= 0)
		close(l.initrd);
	free(cmdline);
	return error;
}

/* ---------------------------------------------------------------- reboot */

static bool magic_ok(const __u64 *arg)
{
	size_t i;

	if ((uint32_t)arg[0] != MAGIC1)
		return false;
	for (i = 0; i < sizeof magic2 / sizeof *magic2; i++)
		if ((uint32_t)arg[1] == magic2[i])
			return true;
	return false;
}

static int reboot_command(struct sim_kernel *k, uint32_t command, int id)
{
	switch (command) {
	case CMD_BOOT: return sim_boot(k, id);
	case CMD_HALT: return sim_halt(k, id);
	default: return sim_force_halt(k, id);
	}
}

/*
 * All commands take one mutex, and a graceful halt may hold it for half a minute
 * (T13). The argument is read before that: who is killed while waiting has no
 * memory any more, and has passed no bad pointer. What it asked for is done all
 * the same: the kernel does not let go of who waits for a mutex.
 */
static int under_mutex(const struct sim_calls *c, const struct seccomp_notif *q, uint32_t command)
{
	struct sim_kernel *k = c->k;
	int id, error;
	bool there = sim_caller_read((pid_t)q->pid, q->data.args[3], &id, sizeof id);

	if (!there && !sim_call_is_there(c, q->id))
		return SIM_WAITS;
	while (k->reboot_busy && !k->reboot_wedged)
		sim_wait(k, sim_now(k) + SIM_SECOND);
	if (k->reboot_wedged)
		return SIM_WAITS;
	if (!there) {
		k->reboot_wedged = true; /* T10: it is never given back */
		sim_violation(k, "reboot was called with a bad pointer");
		return -EFAULT;
	}
	k->reboot_busy = true;
	error = reboot_command(k, command, id);
	k->reboot_busy = false;
	sim_changed(k);
	return error;
}

/* The right is that of the pid namespace's owner: a container's own root gets past this. */
static bool may_reboot(pid_t pid)
{
	return sim_caller_can(pid, CAP_SYS_BOOT) ||
	       (!sim_caller_same(pid, "pid") && sim_caller_has(pid, CAP_SYS_BOOT));
}

static int reboot_call(const struct sim_calls *c, const struct seccomp_notif *q)
{
	const __u64 *arg = q->data.args;
	uint32_t command = (uint32_t)arg[2];
	bool ours = command == CMD_BOOT || command == CMD_HALT || command == CMD_FORCE;
	int error;

	if (!may_reboot((pid_t)q->pid))
		return -EPERM;
	if (!magic_ok(arg))
		return -EINVAL;
	if (!ours)
		return -EPERM; /* nobody restarts this machine from in here */
	if (c->k->stock || !sim_caller_same((pid_t)q->pid, "pid"))
		return -EINVAL;
	sim_lock(c->k);
	error = sim_fault(&c->k->faults, "reboot",
			  command == CMD_BOOT	? "boot"
			  : command == CMD_HALT ? "halt"
						: "kill");
	if (!error)
		error = under_mutex(c, q, command);
	sim_unlock(c->k);
	return error;
}

/* ---------------------------------------------------------------- the loop */

static void *one_call(void *arg)
{
	struct call *call = arg;
	const struct sim_calls *c = call->c;
	int error;

	switch (call->q.data.nr) {
	case SYS_mount: error = mount_call(c, &call->q); break;
	case SYS_kexec_file_load: error = kexec_call(c, &call->q); break;
	case SYS_reboot: error = reboot_call(c, &call->q); break;
	case SYS_statfs:
	case SYS_fstatfs: error = sim_statfs_call(c, &call->q); break;
	default: error = sim_kimage_call(c, &call->q);
	}
	if (error == SIM_PASSES)
		let_pass(c, call->q.id);
	else if (error != SIM_WAITS)
		sim_answer(c, call->q.id, error);
	free(call);
	return NULL;
}

/* In a thread: nobody else must wait for a path that leads to a slow filesystem. Without one, it
 * fails. */
static void start_call(const struct sim_calls *c, const struct seccomp_notif *q)
{
	struct call *call = sim_new(sizeof *call);
	pthread_t thread;

	call->c = c;
	call->q = *q;
	if (pthread_create(&thread, NULL, one_call, call)) {
		free(call);
		sim_answer(c, q->id, -EAGAIN);
		return;
	}
	pthread_detach(thread);
}

static void dispatch(const struct sim_calls *c, const struct seccomp_notif *q)
{
	switch (q->data.nr) {
	case SYS_mount:
	case SYS_reboot:
	case SYS_kexec_file_load:
	case SYS_statfs:
	case SYS_fstatfs: start_call(c, q); return;
	default:
		if (!c->k->stock && sim_may_be_kimage(q))
			start_call(c, q);
		else
			let_pass(c, q->id);
	}
}

static void *listen_to_calls(void *arg)
{
	const struct sim_calls *c = arg;
	struct seccomp_notif_sizes sizes;
	struct seccomp_notif *q;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return NULL;
	q = sim_new(sizes.seccomp_notif > sizeof *q ? sizes.seccomp_notif : sizeof *q);
	for (;;) {
		memset(q, 0, sizes.seccomp_notif);
		if (ioctl(c->listener, SECCOMP_IOCTL_NOTIF_RECV, q)) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return NULL;
		}
		dispatch(c, q);
	}
}

int sim_calls_start(struct sim_calls *c)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, listen_to_calls, c))
		return -EAGAIN;
	pthread_detach(thread);
	return 0;
}
