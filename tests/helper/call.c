/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: one system call with exactly these arguments, for tests in a simulated
 * host: prints what it returned, or the name of its errno. Never run outside of
 * mk-sim: it refuses where /sys/fs/mk-sim/ctl is not.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"call open PATH r|w|rw|rc       open(2), rc: O_RDWR|O_CREAT\n"
	"call write PATH FILE [OFFSET]  one write(2) of all of FILE\n"
	"call pieces PATH FILE N        write(2) by N bytes until the first error\n"
	"call reads PATH SIZE           the size of each read(2) of SIZE until 0\n"
	"call stat PATH                 mode, size, links\n"
	"call statfs PATH | fstatfs PATH\n"
	"call mkdir|rmdir|unlink PATH | rename PATH PATH | symlink PATH PATH\n"
	"call mount SOURCE TARGET TYPE FLAGS DATA   (- is NULL)\n"
	"call load ID KERNEL INITRD|- CMDLINE|- [FLAGS]\n"
	"call unload ID\n"
	"call kexec KFD IFD LEN CMDLINE FLAGS   raw numbers; CMDLINE - is NULL\n"
	"call boot|halt|kill ID\n"
	"call reboot MAGIC1 MAGIC2 CMD ID|bad\n"
	"call kexec_load\n"
	"call old NR | x32 NR           a call by int 0x80, by an x32 number\n"
	"call lazy alloc LEN NODE NAME | resize BASE LEN | free BASE | other CMD\n"
	"call storm PATH N FILE FILE    N open, write, close, of the one and the other by turns\n"
	"call elf FILE BYTES | image FILE BYTES   makes a kernel to be loaded\n";

/* the multikernel ABI: "The kernel's interface" of mk-sim(1) */
#define BOOT 0x4d4b4c49U
#define HALT 0x4d4b4c48U
#define KILL 0x4d4b4c46U
#define MULTIKERNEL 0x10UL
#define NO_INITRAMFS 0x4UL
#define UNLOAD 0x1UL

static int say(long rc)
{
	if (rc >= 0)
		printf("%ld\n", rc);
	else
		printf("%s\n", strerrorname_np(errno));
	return 0;
}

static uint64_t number(const char *s)
{
	char *end;
	uint64_t v = strtoull(s, &end, 0);

	if (end == s || *end) {
		fprintf(stderr, "call: '%s' is no number\n", s);
		exit(2);
	}
	return v;
}

static int or_die(int fd, const char *path)
{
	if (fd < 0) {
		fprintf(stderr, "call: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return fd;
}

static char *slurp(const char *path, size_t *n)
{
	int fd = or_die(open(path, O_RDONLY | O_CLOEXEC), path);
	struct stat st;
	char *data;

	fstat(fd, &st);
	data = malloc((size_t)st.st_size + 1);
	*n = (size_t)st.st_size;
	if (!data || read(fd, data, *n) != (ssize_t)*n)
		or_die(-1, path);
	close(fd);
	return data;
}

static int do_open(char **a)
{
	int flags = !strcmp(a[1], "r")	 ? O_RDONLY
		    : !strcmp(a[1], "w") ? O_WRONLY
					 : O_RDWR | (a[1][1] == 'c' ? O_CREAT : 0);
	int fd = open(a[0], flags | O_CLOEXEC, 0644);

	return say(fd < 0 ? -1 : 0);
}

static int do_write(char **a)
{
	size_t n;
	char *data = slurp(a[1], &n);
	int fd = open(a[0], O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return say(-1);
	return say(a[2] ? pwrite(fd, data, n, (off_t)number(a[2])) : write(fd, data, n));
}

static int do_pieces(char **a)
{
	size_t n, at, piece = number(a[2]);
	char *data = slurp(a[1], &n);
	int fd = open(a[0], O_WRONLY | O_CLOEXEC);
	ssize_t got = 0;

	if (fd < 0)
		return say(-1);
	for (at = 0; at < n && got >= 0; at += (size_t)got) {
		got = write(fd, data + at, piece < n - at ? piece : n - at);
		say(got);
		if (got == 0)
			break;
	}
	return 0;
}

/* How long that takes, in microseconds a turn. */
static int do_storm(char **a)
{
	uint64_t n = number(a[1]), i;
	struct timespec from, to;
	size_t len[2];
	char *data[2] = {slurp(a[2], &len[0]), slurp(a[3], &len[1])};
	double us;
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < n; i++) {
		fd = or_die(open(a[0], O_WRONLY | O_CLOEXEC), a[0]);
		if (write(fd, data[i % 2], len[i % 2]) != (ssize_t)len[i % 2])
			or_die(-1, a[0]);
		close(fd);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	us = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
	printf("%.2f\n", us / (double)n);
	return 0;
}

static int do_reads(char **a)
{
	int fd = open(a[0], O_RDONLY | O_CLOEXEC);
	size_t size = number(a[1]);
	char *data = malloc(size + 1);
	ssize_t got = 1;

	if (fd < 0)
		return say(-1);
	while (got > 0) {
		got = read(fd, data, size);
		say(got);
	}
	return 0;
}

static int do_stat(char **a)
{
	struct stat st;

	if (lstat(a[0], &st))
		return say(-1);
	printf("%o %lld %u:%u\n", st.st_mode, (long long)st.st_size, st.st_uid, st.st_gid);
	return 0;
}

static int do_statfs(char **a, int by_fd)
{
	struct statfs s;
	int fd = by_fd ? open(a[0], O_RDONLY | O_CLOEXEC) : -1;

	if (by_fd ? fstatfs(fd, &s) : statfs(a[0], &s))
		return say(-1);
	printf("%lx\n", (unsigned long)s.f_type);
	return 0;
}

static const char *or_null(const char *s)
{
	return strcmp(s, "-") ? s : NULL;
}

static int do_load(char **a)
{
	const char *cmdline = or_null(a[3]);
	int kernel = open(a[1], O_RDONLY | O_CLOEXEC), initrd = -1;
	unsigned long flags = MULTIKERNEL | (number(a[0]) << 5 & 0xffe0);

	if (or_null(a[2]))
		initrd = open(a[2], O_RDONLY | O_CLOEXEC);
	else
		flags |= NO_INITRAMFS;
	if (a[4])
		flags |= number(a[4]);
	return say(syscall(SYS_kexec_file_load, kernel, initrd, cmdline ? strlen(cmdline) + 1 : 0,
			   cmdline, flags));
}

static int do_unload(char **a)
{
	return say(syscall(SYS_kexec_file_load, -1, -1, 0, NULL,
			   UNLOAD | MULTIKERNEL | (number(a[0]) << 5 & 0xffe0)));
}

static int do_kexec(char **a)
{
	return say(syscall(SYS_kexec_file_load, (int)number(a[0]), (int)number(a[1]), number(a[2]),
			   or_null(a[3]), number(a[4])));
}

static int command(uint32_t what, const char *id)
{
	static int argument;

	argument = (int)number(id);
	return say(syscall(SYS_reboot, 0xfee1deadU, 672274793U, what, &argument));
}

static int do_reboot(char **a)
{
	static int argument;
	void *pointer = &argument;

	if (!strcmp(a[3], "bad"))
		pointer = (void *)8;
	else
		argument = (int)number(a[3]);
	return say(syscall(SYS_reboot, (unsigned)number(a[0]), (unsigned)number(a[1]),
			   (unsigned)number(a[2]), pointer));
}

/* a call as a 32-bit program makes it */
static int do_old(char **a)
{
	long rc = -ENOSYS;
#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"((long)number(a[0])), "b"(0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
#else
	(void)a;
#endif
	errno = (int)-rc;
	return say(rc < 0 ? -1 : rc);
}

struct lazy {
	uint64_t len, phys;
	int32_t node;
	uint32_t pad;
	char name[64];
};

static int do_lazy(char **a)
{
	int fd = open("/dev/lazy_cma", O_RDWR | O_CLOEXEC);
	uint64_t pair[2];
	struct lazy l = {0};
	int rc;

	if (fd < 0)
		return say(-1);
	if (!strcmp(a[0], "alloc")) {
		l.len = number(a[1]);
		l.node = !strcmp(a[2], "-1") ? -1 : (int)number(a[2]);
		strncpy(l.name, a[3], sizeof l.name - 1);
		rc = ioctl(fd, _IOWR('H', 0, struct lazy), &l);
		if (!rc)
			return printf("0x%llx\n", (unsigned long long)l.phys) < 0;
	} else if (!strcmp(a[0], "resize")) {
		pair[0] = number(a[1]);
		pair[1] = number(a[2]);
		rc = ioctl(fd, _IOWR('H', 1, uint64_t[2]), pair);
		if (!rc)
			return printf("0x%llx 0x%llx\n", (unsigned long long)pair[0],
				      (unsigned long long)pair[1]) < 0;
	} else if (!strcmp(a[0], "free")) {
		pair[0] = number(a[1]);
		rc = ioctl(fd, _IOW('H', 2, uint64_t), pair);
	} else {
		rc = ioctl(fd, number(a[1]), pair);
	}
	return say(rc);
}

static int write_out(const char *path, const void *data, size_t n)
{
	int fd = or_die(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), path);

	return write(fd, data, n) == (ssize_t)n ? 0 : 2;
}

/* A vmlinux as far as a loader looks: BYTES of memory, of which the file has a page. */
static int do_elf(char **a)
{
	static struct {
		Elf64_Ehdr e;
		Elf64_Phdr p;
	} f;

	memcpy(f.e.e_ident, ELFMAG, SELFMAG);
	f.e.e_ident[EI_CLASS] = ELFCLASS64;
	f.e.e_ident[EI_DATA] = ELFDATA2LSB;
	f.e.e_ident[EI_VERSION] = EV_CURRENT;
	f.e.e_type = ET_EXEC;
	f.e.e_machine = EM_X86_64;
	f.e.e_version = EV_CURRENT;
	f.e.e_ehsize = sizeof f.e;
	f.e.e_phoff = sizeof f.e;
	f.e.e_phentsize = sizeof f.p;
	f.e.e_phnum = 1;
	f.e.e_entry = f.p.p_paddr = 0x1000000;
	f.p.p_type = PT_LOAD;
	f.p.p_filesz = sizeof f;
	f.p.p_memsz = number(a[1]);
	return write_out(a[0], &f, sizeof f);
}

static int do_image(char **a)
{
	unsigned char h[64] = {0};
	uint64_t n = number(a[1]);
	int i;

	for (i = 0; i < 8; i++)
		h[16 + i] = (unsigned char)(n >> 8 * i);
	memcpy(h + 56, "ARM\x64", 4);
	return write_out(a[0], h, sizeof h);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char **a = argv + 2;
	struct stat st;

	if (argc < 2 || !strcmp(what, "-h"))
		return fputs(usage, stdout) < 0;
	if (!strcmp(what, "elf"))
		return do_elf(a);
	if (!strcmp(what, "image"))
		return do_image(a);
	if (!strcmp(what, "storm"))
		return do_storm(a);
	if (stat("/sys/fs/mk-sim/ctl", &st)) {
		fputs("call: this is no simulated host\n", stderr);
		return 2;
	}
	if (!strcmp(what, "open"))
		return do_open(a);
	if (!strcmp(what, "write"))
		return do_write(a);
	if (!strcmp(what, "pieces"))
		return do_pieces(a);
	if (!strcmp(what, "reads"))
		return do_reads(a);
	if (!strcmp(what, "stat"))
		return do_stat(a);
	if (!strcmp(what, "statfs"))
		return do_statfs(a, 0);
	if (!strcmp(what, "fstatfs"))
		return do_statfs(a, 1);
	if (!strcmp(what, "mkdir"))
		return say(mkdir(a[0], 0755));
	if (!strcmp(what, "rmdir"))
		return say(rmdir(a[0]));
	if (!strcmp(what, "unlink"))
		return say(unlink(a[0]));
	if (!strcmp(what, "rename"))
		return say(rename(a[0], a[1]));
	if (!strcmp(what, "symlink"))
		return say(symlink(a[0], a[1]));
	if (!strcmp(what, "mount"))
		return say(mount(or_null(a[0]), or_null(a[1]), or_null(a[2]), number(a[3]),
				 or_null(a[4])));
	if (!strcmp(what, "load"))
		return do_load(a);
	if (!strcmp(what, "unload"))
		return do_unload(a);
	if (!strcmp(what, "kexec"))
		return do_kexec(a);
	if (!strcmp(what, "boot"))
		return command(BOOT, a[0]);
	if (!strcmp(what, "halt"))
		return command(HALT, a[0]);
	if (!strcmp(what, "kill"))
		return command(KILL, a[0]);
	if (!strcmp(what, "reboot"))
		return do_reboot(a);
	if (!strcmp(what, "kexec_load"))
		return say(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
	if (!strcmp(what, "old"))
		return do_old(a);
	if (!strcmp(what, "x32"))
		return say(syscall((long)(0x40000000U | number(a[0])), 0, 0, 0, 0));
	if (!strcmp(what, "lazy"))
		return do_lazy(a);
	fputs(usage, stderr);
	return 2;
}
