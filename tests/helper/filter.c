/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: the seccomp filter of mk-sim, without mk-sim: in a user namespace of
 * its own, where the calls could do nothing anyway.
 *
 *   filter gone            makes the calls after the listener has gone; prints their errnos
 *   filter hold COMMAND... runs COMMAND behind a filter with a listener that nobody reads
 *   filter none COMMAND... runs COMMAND where seccomp(2) is not there
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../tools/mk-sim/filter.c"

static void say(const char *what, long rc)
{
	printf("%s %s\n", what, rc < 0 ? strerrorname_np(errno) : "SUCCEEDED");
}

/* Nobody is left who answers: the calls must not reach the machine's kernel. */
static int gone(void)
{
	static int id = 1;
	int fd = sim_filter_install();

	if (fd < 0) {
		fprintf(stderr, "filter: %s\n", strerror(-fd));
		return 2;
	}
	close(fd);
	say("reboot", syscall(SYS_reboot, 0xfee1deadU, 672274793U, 0x4d4b4c49U, &id));
	say("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, 0x31UL));
	say("mount", syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0UL, NULL));
#ifdef SYS_kexec_load
	say("kexec_load", syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
#endif
	say("fsopen", syscall(SYS_fsopen, "tmpfs", 0U));
#ifdef __x86_64__
	say("x32", syscall(0x40000000L | SYS_reboot, 0, 0, 0, 0));
	{
		long rc;

		__asm__ volatile("int $0x80"
				 : "=a"(rc)
				 : "a"(88L), "b"(0), "c"(0), "d"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		errno = (int)-rc;
		say("i386", rc < 0 ? -1 : rc);
	}
#endif
	return 0;
}

static int hold(char **command)
{
	struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {1, all};
	int fd;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			  &program);
	if (fd < 0 || fcntl(fd, F_SETFD, 0)) /* the listener lives on in COMMAND */
		return 2;
	execvp(command[0], command);
	return 2;
}

static int none(char **command)
{
	struct sock_filter no[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {sizeof no / sizeof *no, no};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
		return 2;
	execvp(command[0], command);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "hold"))
		return hold(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "none"))
		return none(argv + 2);
	if (argc != 2 || strcmp(argv[1], "gone") || unshare(CLONE_NEWUSER))
		return 2;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return gone();
}
