/* SPDX-License-Identifier: Apache-2.0 */
/* filter: see filter.h. Written by hand, in BPF (Documentation/userspace-api/seccomp_filter.rst).
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000U /* numbers from here on are calls of the x32 kind */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "mk-sim knows x86_64 and aarch64"
#endif

#define RET(what) BPF_STMT(BPF_RET | BPF_K, what)
#define REFUSE(error) RET(SECCOMP_RET_ERRNO | (error))
/* if the call is nr, the next statement; else the one behind it */
#define CALL(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1)
#define TELL(nr) CALL(nr), RET(SECCOMP_RET_USER_NOTIF)

static struct sock_filter filter[] = {
	/* calls of another kind of program have other numbers: no door may stand open there */
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	REFUSE(ENOSYS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef X32_BIT
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
	REFUSE(ENOSYS),
#endif
	TELL(SYS_openat),
	TELL(SYS_newfstatat),
	TELL(SYS_statx),
#ifdef SYS_open
	TELL(SYS_open),
	TELL(SYS_stat),
	TELL(SYS_lstat),
	TELL(SYS_access),
#endif
	TELL(SYS_openat2),
	TELL(SYS_faccessat),
	TELL(SYS_faccessat2),
	/* ls -l asks for these of what it shows */
	TELL(SYS_getxattr),
	TELL(SYS_lgetxattr),
	TELL(SYS_listxattr),
	TELL(SYS_llistxattr),
#ifdef SYS_readlink
	TELL(SYS_readlink),
#endif
	TELL(SYS_readlinkat),
	TELL(SYS_statfs),
	TELL(SYS_fstatfs),
	TELL(SYS_mount),
	TELL(SYS_reboot),
	TELL(SYS_kexec_file_load),
#ifdef SYS_kexec_load
	CALL(SYS_kexec_load),
	REFUSE(EPERM),
#endif
	/* who has no fsopen takes mount */
	CALL(SYS_fsopen),
	REFUSE(ENOSYS),
	RET(SECCOMP_RET_ALLOW),
};

int sim_filter_install(void)
{
	struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
	long fd;

	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		     &program);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			     &program);
	return fd < 0 ? -errno : (int)fd;
}
