/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot: images and lives of instances: kexec_file_load, and what reboot(2) has
 * for instances. A boot's call ends when the CPU has started; the new kernel
 * answers later, if at all (T12).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

enum {
	FLAG_UNLOAD = 0x1,
	FLAG_ON_CRASH = 0x2,
	FLAG_NO_INITRAMFS = 0x4,
	FLAG_DEBUG = 0x8,
	FLAG_MULTIKERNEL = 0x10,
	FLAG_ID = 0xffe0,
	ID_SHIFT = 5,
	/* the same bits on an ordinary kernel of 6.17 or newer */
	STOCK_NO_CMA = 0x10,
	STOCK_FORCE_DTB = 0x20,
	CMDLINE_MAX = 2048,	 /* COMMAND_LINE_SIZE of x86 and arm64 */
	CONTROL_BYTES = 1 << 20, /* trampolines, boot tree, command line */
};
#define FILE_MAX_BYTES (4LL << 30)

#define HALT_LIMIT_NS (30 * SIM_SECOND)
#define HALT_NS (50 * SIM_MS)

void sim_image_free(struct sim_instance *x)
{
	if (!x->image)
		return;
	if (x->image->initrd >= 0)
		close(x->image->initrd);
	free(x->image->cmdline);
	free(x->image);
	x->image = NULL;
}

/* ---------------------------------------------------------------- images */

static bool read_at(int fd, void *to, size_t n, off_t at)
{
	return pread(fd, to, n, at) == (ssize_t)n;
}

/* An ELF vmlinux: as the kernel's ELF loader looks at one. */
static int probe_elf(int fd, off_t size, struct sim_image *image)
{
	uint64_t low = UINT64_MAX, high = 0;
	Elf64_Ehdr e;
	unsigned i;

	if (!read_at(fd, &e, sizeof e, 0) || memcmp(e.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB ||
	    e.e_machine != EM_X86_64 || (e.e_type != ET_EXEC && e.e_type != ET_DYN))
		return -ENOEXEC;
	if (e.e_phentsize != sizeof(Elf64_Phdr) || !e.e_phnum)
		return -ENOEXEC;
	for (i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p;

		if (!read_at(fd, &p, sizeof p, (off_t)(e.e_phoff + i * sizeof p)))
			return -ENOEXEC;
		if (p.p_type != PT_LOAD)
			continue;
		if (p.p_filesz > p.p_memsz || p.p_offset > (uint64_t)size ||
		    p.p_filesz > (uint64_t)size - p.p_offset)
			return -ENOEXEC;
		if (p.p_paddr < low)
			low = p.p_paddr;
		if (p.p_paddr + p.p_memsz > high)
			high = p.p_paddr + p.p_memsz;
	}
	if (high <= low)
		return -ENOEXEC;
	image->kernel_bytes = high - low;
	image->entry = e.e_entry;
	return 0;
}

/* arm64: Documentation/arch/arm64/booting.rst: image_size at 16, magic at 56. */
static int probe_arm64(int fd, off_t size, struct sim_image *image)
{
	unsigned char h[64];
	uint64_t bytes = 0;
	int i;

	if (!read_at(fd, h, sizeof h, 0) || memcmp(h + 56, "ARM\x64", 4))
		return -ENOEXEC;
	for (i = 7; i >= 0; i--)
		bytes = bytes << 8 | h[16 + i];
	image->kernel_bytes = bytes ? bytes : (uint64_t)size;
	return 0;
}

static int probe_kernel(const struct sim_kernel *k, const struct sim_load *l,
			struct sim_image *image)
{
	struct stat st;

	if (l->kernel < 0)
		return l->kernel_error;
	if (fstat(l->kernel, &st) || !S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size == 0)
		return -EINVAL;
	if (st.st_size > FILE_MAX_BYTES)
		return -EFBIG;
	return k->m.arch == SIM_ARM64 ? probe_arm64(l->kernel, st.st_size, image)
				      : probe_elf(l->kernel, st.st_size, image);
}

static int probe_initrd(const struct sim_load *l, struct sim_image *image)
{
	struct stat st;

	image->initrd = -1;
	if (l->flags & FLAG_NO_INITRAMFS)
		return 0;
	if (l->initrd < 0)
		return l->initrd_error;
	if (fstat(l->initrd, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
		return -EINVAL; /* as of the kernel: fs/kernel_read_file.c */
	if (st.st_size > FILE_MAX_BYTES)
		return -EFBIG;
	image->initrd_bytes = (uint64_t)st.st_size;
	return 0;
}

/* Kept for the instance that will run it. */
static int keep_initrd(const struct sim_load *l, struct sim_image *image)
{
	off_t at = 0, end = (off_t)image->initrd_bytes;
	ssize_t n;

	if (l->flags & FLAG_NO_INITRAMFS)
		return 0;
	image->initrd = memfd_create("initrd", MFD_CLOEXEC);
	if (image->initrd < 0)
		return -ENOMEM;
	while (at < end) {
		n = sendfile(image->initrd, l->initrd, &at, (size_t)(end - at));
		if (n <= 0) {
			close(image->initrd);
			image->initrd = -1;
			return n < 0 ? -errno : -EIO;
		}
	}
	return 0;
}

static int check_cmdline(const struct sim_load *l)
{
	if (!l->cmdline_bytes)
		return 0;
	if (l->cmdline_fault)
		return -EFAULT;
	if (l->cmdline[l->cmdline_bytes - 1] != '\0' || l->cmdline_bytes > CMDLINE_MAX)
		return -EINVAL;
	return 0;
}

static int probe(const struct sim_kernel *k, const struct sim_load *l, struct sim_image *image)
{
	int error = probe_kernel(k, l, image);

	if (!error)
		error = probe_initrd(l, image);
	return error ? error : check_cmdline(l);
}

/* It must fit into the instance's own memory, the kernel into one piece of it. */
static int place_image(const struct sim_load *l, const struct sim_instance *x,
		       struct sim_image *image)
{
	uint64_t total = 0, largest = 0;
	size_t i, at = 0;

	for (i = 0; i < x->n_regions; i++) {
		total += x->region[i].size;
		if (x->region[i].size > largest) {
			largest = x->region[i].size;
			at = i;
		}
	}
	if (image->kernel_bytes > largest ||
	    image->kernel_bytes + image->initrd_bytes + CONTROL_BYTES > total)
		return -ENOMEM;
	image->start = x->region[at].base;
	image->segments = l->flags & FLAG_NO_INITRAMFS ? 3 : 4;
	return 0;
}

/* As for any kexec: segments of more than half of the machine's memory are taken for a mistake. */
static bool is_absurd(const struct sim_kernel *k, const struct sim_image *image)
{
	uint64_t ram = 0;
	size_t i;

	for (i = 0; i < k->m.n_nodes; i++)
		ram += k->m.node[i].size;
	return image->kernel_bytes + image->initrd_bytes + CONTROL_BYTES > ram / 2;
}

static int unload(struct sim_instance *x, struct sim_kernel *k)
{
	if (!x || !x->image)
		return -ENOENT;
	if (x->life != SIM_PARKED) /* T11 */
		sim_violation(k, "instance %s was unloaded while its kernel runs", x->name);
	sim_image_free(x);
	x->state = SIM_READY;
	return 0;
}

/*
 * Files are read without the lock of the simulation, and under the kexec lock, as
 * a kernel reads them: who serves them may be ourselves, or slow.
 */
static int load(struct sim_kernel *k, int id, const struct sim_load *l)
{
	struct sim_instance *x = sim_instance_of(k, id);
	struct sim_image image = {.initrd = -1};
	int error;

	if (!x)
		return -ENOENT;
	if (x->image)
		return -EBUSY;
	k->kexec_busy = true;
	sim_unlock(k);
	error = probe(k, l, &image);
	sim_lock(k);
	x = sim_instance_of(k, id);
	if (!error)
		error = x ? place_image(l, x, &image) : -ENOENT;
	if (!error && is_absurd(k, &image))
		error = -EINVAL;
	if (!error) {
		sim_unlock(k);
		error = keep_initrd(l, &image);
		sim_lock(k);
		x = sim_instance_of(k, id);
	}
	k->kexec_busy = false;
	if (!error && !x)
		error = -ENOENT;
	if (error) {
		if (image.initrd >= 0)
			close(image.initrd);
		return error;
	}
	image.cmdline = sim_str(l->cmdline_bytes ? l->cmdline : "");
	x->image = sim_new(sizeof *x->image);
	*x->image = image;
	x->state = SIM_LOADED;
	return 0;
}

/* T9: those bits are an ordinary load here, which replaces what the host has staged. */
static int stock_load(struct sim_kernel *k, const struct sim_load *l)
{
	const uint64_t known = FLAG_UNLOAD | FLAG_ON_CRASH | FLAG_NO_INITRAMFS | FLAG_DEBUG |
			       STOCK_NO_CMA | STOCK_FORCE_DTB;
	struct stat st;
	bool regular;

	if (l->flags & ~known)
		return -EINVAL;
	if (!(l->flags & FLAG_UNLOAD)) {
		if (l->kernel < 0)
			return l->kernel_error;
		sim_unlock(k); /* as in load() */
		regular = !fstat(l->kernel, &st) && S_ISREG(st.st_mode);
		sim_lock(k);
		if (!regular)
			return -EINVAL;
		if (check_cmdline(l))
			return check_cmdline(l);
	}
	free(k->host_image);
	k->host_image = NULL;
	if (!(l->flags & FLAG_UNLOAD))
		k->host_image = sim_str(l->cmdline_bytes ? l->cmdline : "");
	if (l->flags & FLAG_MULTIKERNEL)
		sim_violation(k,
			      "the host's own staged kernel was %s by a call meant for an "
			      "instance",
			      l->flags & FLAG_UNLOAD ? "dropped" : "replaced");
	return 0;
}

int sim_kexec_load(struct sim_kernel *k, const struct sim_load *l)
{
	const uint64_t known = FLAG_UNLOAD | FLAG_ON_CRASH | FLAG_NO_INITRAMFS | FLAG_DEBUG |
			       FLAG_MULTIKERNEL | FLAG_ID;
	int id = (int)((l->flags & FLAG_ID) >> ID_SHIFT), error;

	if (k->stock)
		return stock_load(k, l);
	if (l->flags & ~known)
		return -EINVAL;
	if (!(l->flags & FLAG_MULTIKERNEL))
		return l->flags & FLAG_ID ? -EINVAL : -EPERM; /* the host's own kexec is not here */
	if (l->flags & FLAG_ON_CRASH)
		return -EPERM; /* nor its crash kernel, which that would be */
	if (!id)
		return -EINVAL;
	if (k->kexec_busy)
		return -EBUSY;
	error = l->flags & FLAG_UNLOAD ? unload(sim_instance_of(k, id), k) : load(k, id, l);
	sim_changed(k);
	return error;
}

/* ---------------------------------------------------------------- lives */

/* A word of the command line: "panic=5" for "panic", NULL when it is not there. */
static const char *parameter(const char *cmdline, const char *name)
{
	size_t n = strlen(name);
	const char *s, *found = NULL;

	for (s = cmdline; (s = strstr(s, name)); s += n)
		if ((s == cmdline || s[-1] == ' ') && s[n] == '=')
			found = s + n + 1;
	return found;
}

void sim_exit(struct sim_kernel *k, struct sim_instance *x)
{
	x->life = SIM_PARKED;
	x->state = SIM_LOADED; /* the message HALTED came */
	sim_changed(k);
}

void sim_panic(struct sim_kernel *k, struct sim_instance *x)
{
	const char *panic = x->image ? parameter(x->image->cmdline, "panic") : NULL;

	if (panic && strtol(panic, NULL, 10) != 0) {
		sim_exit(k, x);
		return;
	}
	x->life = SIM_PANICKED; /* T14: nobody is told */
	sim_changed(k);
}

int sim_message(struct sim_kernel *k, uint64_t serial, int64_t answer_ns, int64_t limit_ns)
{
	int64_t limit = sim_now(k) + limit_ns, ready = -1;
	struct sim_instance *x;

	for (;;) {
		x = sim_instance_serial(k, serial);
		if (!x || x->life != SIM_RUNNING)
			ready = -1; /* who waits is not told that nobody will answer */
		else if (ready < 0)
			ready = (x->up_at > sim_now(k) ? x->up_at : sim_now(k)) + answer_ns;
		if (ready >= 0 && ready <= sim_now(k))
			return 0;
		if (sim_now(k) >= limit)
			return -ETIMEDOUT;
		sim_wait(k, ready >= 0 && ready < limit ? ready : limit);
	}
}

/* The manifest takes a boot tree of a page at most. */
static bool manifest_fits(struct sim_kernel *k, const struct sim_instance *x)
{
	enum { CHOSEN_BYTES = 256 };
	size_t bytes;
	char *tree = sim_tree_instance(k, x, &bytes);

	free(tree);
	return tree && bytes + CHOSEN_BYTES <= SIM_MANIFEST_BYTES;
}

static int may_boot(struct sim_kernel *k, const struct sim_instance *x)
{
	if (!x || !x->image)
		return -EINVAL;
	if (x->life != SIM_PARKED) /* also when the kernel believes it loaded: it is not */
		return -EBUSY;
	if (x->state != SIM_LOADED && x->state != SIM_ACTIVE)
		return -EBUSY;
	if (!x->cpus.n || sim_cpu_find(&k->m, x->cpus.id[0]) < 0)
		return -EINVAL;
	return manifest_fits(k, x) ? 0 : -ENOSPC;
}

int sim_boot(struct sim_kernel *k, int id)
{
	struct sim_instance *x = sim_instance_of(k, id);
	uint64_t serial;
	int error;

	if (k->kexec_busy)
		return -EBUSY;
	error = may_boot(k, x);
	if (error)
		return error;
	serial = x->serial;
	k->kexec_busy = true;
	sim_sleep(k, k->boot_ns); /* the segments are copied afresh, the CPU starts */
	k->kexec_busy = false;
	x = sim_instance_serial(k, serial);
	if (!x || !x->image)
		return -EINVAL;
	x->state = SIM_ACTIVE;
	x->life = sim_trap(&k->faults, 12) ? SIM_HUNG : SIM_RUNNING;
	x->up_at = sim_now(k) + k->up_ns;
	x->boots++;
	sim_changed(k);
	return 0;
}

int sim_halt(struct sim_kernel *k, int id)
{
	struct sim_instance *x = sim_instance_of(k, id);
	uint64_t serial;
	int error;

	if (id == 0)
		return -EINVAL; /* the host itself: never active */
	if (!x)
		return -ENOENT;
	if (x->state != SIM_ACTIVE)
		return -EINVAL;
	serial = x->serial;
	if (sim_trap(&k->faults, 13))
		x->life = SIM_HUNG;
	error = sim_message(k, serial, HALT_NS, HALT_LIMIT_NS);
	x = sim_instance_serial(k, serial);
	if (error || !x)
		return error ? error : -ENOENT;
	x->life = SIM_PARKED;
	x->state = SIM_LOADED;
	sim_changed(k);
	return 0;
}

int sim_force_halt(struct sim_kernel *k, int id)
{
	struct sim_instance *x = sim_instance_of(k, id);

	if (id == 0)
		return -EINVAL;
	if (!x)
		return -ENOENT;
	if (x->state != SIM_ACTIVE && x->state != SIM_LOADED)
		return -EINVAL;
	if (!x->cpus.n)
		return -EINVAL;
	x->life = SIM_PARKED;
	x->state = SIM_LOADED;
	sim_changed(k);
	return 0;
}
