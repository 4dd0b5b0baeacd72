/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs_proc: /proc/iomem, /proc/cpuinfo and /proc/kimage. */
#include "hostfs_int.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "err.h"
#include "sort.h"

/* ------------------------------------------------------------ iomem */

/* Who holds others comes before them. */
static int by_range(const void *x, const void *y)
{
	const struct sim_resource *a = x, *b = y;

	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return a->order > b->order ? -1 : a->order < b->order;
}

static void show_iomem(struct sim_kernel *k, struct mk_buf *b, int privileged)
{
	struct sim_resource *r;
	size_t n = sim_resources(k, &r), depth = 0;
	uint64_t *end = sim_new(n * sizeof(*end)); /* last bytes of those that we are inside of */

	mk_sort(r, n, sizeof(*r), by_range);
	for (size_t i = 0; i < n; i++) {
		uint64_t last = r[i].base + r[i].size - 1;

		if (!r[i].size)
			continue;
		while (depth && end[depth - 1] < last)
			depth--;
		mk_buf_fmt(b, "%*s%08llx-%08llx : %s\n", (int)depth * 2, "",
			   privileged ? (unsigned long long)r[i].base : 0,
			   privileged ? (unsigned long long)last : 0, r[i].name);
		end[depth++] = last;
	}
	free(end);
	free(r);
}

/* ------------------------------------------------------------ cpuinfo */

/* A CPU that is online, and how many share its package. */
struct shared {
	size_t cpu;
	uint32_t socket, core;
	size_t siblings, cores;
};

static int by_package(const void *x, const void *y)
{
	const struct shared *a = x, *b = y;

	if (a->socket != b->socket)
		return a->socket < b->socket ? -1 : 1;
	if (a->core != b->core)
		return a->core < b->core ? -1 : 1;
	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

static int by_cpu(const void *x, const void *y)
{
	const struct shared *a = x, *b = y;

	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

static void count_package(struct shared *s, size_t n)
{
	size_t cores = 1;

	for (size_t i = 1; i < n; i++)
		cores += s[i].core != s[i - 1].core;
	for (size_t i = 0; i < n; i++) {
		s[i].siblings = n;
		s[i].cores = cores;
	}
}

/* All that are online, by logical number. */
static struct shared *online(const struct sim_machine *m, struct mk_arena *a, size_t *n)
{
	struct shared *s = mk_arena_array(a, m->n_cpus, sizeof(*s));

	*n = 0;
	for (size_t i = 0; i < m->n_cpus; i++)
		if (m->cpu[i].present && m->cpu[i].online)
			s[(*n)++] = (struct shared){
				.cpu = i, .socket = m->cpu[i].socket, .core = m->cpu[i].core};
	mk_sort(s, *n, sizeof(*s), by_package);
	for (size_t i = 0, end; i < *n; i = end) {
		for (end = i; end < *n && s[end].socket == s[i].socket;)
			end++;
		count_package(s + i, end - i);
	}
	mk_sort(s, *n, sizeof(*s), by_cpu);
	return s;
}

static void cpuinfo_x86(struct mk_buf *b, const struct sim_machine *m, const struct shared *s)
{
	unsigned long long id = m->cpu[s->cpu].id;

	mk_buf_fmt(b,
		   "processor\t: %zu\n"
		   "vendor_id\t: GenuineIntel\n"
		   "cpu family\t: 6\n"
		   "model\t\t: 143\n"
		   "model name\t: Intel(R) Xeon(R) Processor (mk-sim)\n"
		   "stepping\t: 8\n"
		   "microcode\t: 0x2b000590\n"
		   "cpu MHz\t\t: 2600.000\n"
		   "cache size\t: 32768 KB\n"
		   "physical id\t: %u\n"
		   "siblings\t: %zu\n"
		   "core id\t\t: %u\n"
		   "cpu cores\t: %zu\n"
		   "apicid\t\t: %llu\n"
		   "initial apicid\t: %llu\n",
		   s->cpu, s->socket, s->siblings, s->core, s->cores, id, id);
	mk_buf_str(
		b,
		"fpu\t\t: yes\n"
		"fpu_exception\t: yes\n"
		"cpuid level\t: 32\n"
		"wp\t\t: yes\n"
		"flags\t\t: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat "
		"pse36 clflush mmx fxsr sse sse2 ss ht syscall nx pdpe1gb rdtscp lm constant_tsc "
		"rep_good nopl xtopology nonstop_tsc cpuid pni pclmulqdq ssse3 fma cx16 sse4_1 "
		"sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand lahf_lm abm 3dnowprefetch "
		"fsgsbase bmi1 avx2 smep bmi2 erms rdseed adx smap clflushopt clwb sha_ni "
		"xsaveopt xsavec xgetbv1 arat umip rdpid\n"
		"bugs\t\t: spectre_v1 spectre_v2 spec_store_bypass swapgs\n"
		"bogomips\t: 5200.00\n"
		"clflush size\t: 64\n"
		"cache_alignment\t: 64\n"
		"address sizes\t: 52 bits physical, 57 bits virtual\n"
		"power management:\n\n");
}

/* There is nothing physical in it. */
static void cpuinfo_arm64(struct mk_buf *b, size_t cpu)
{
	mk_buf_fmt(b,
		   "processor\t: %zu\n"
		   "BogoMIPS\t: 50.00\n"
		   "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp "
		   "cpuid asimdrdm lrcpc dcpop asimddp ssbs\n"
		   "CPU implementer\t: 0x41\n"
		   "CPU architecture: 8\n"
		   "CPU variant\t: 0x3\n"
		   "CPU part\t: 0xd0c\n"
		   "CPU revision\t: 1\n\n",
		   cpu);
}

static void show_cpuinfo(struct sim_kernel *k, struct mk_buf *b)
{
	size_t n;
	struct shared *s = online(&k->m, b->arena, &n);

	for (size_t i = 0; i < n; i++)
		if (k->m.arch == SIM_ARM64)
			cpuinfo_arm64(b, s[i].cpu);
		else
			cpuinfo_x86(b, &k->m, &s[i]);
}

/* ------------------------------------------------------------ kimage */

static void show_kimage(struct sim_kernel *k, struct mk_buf *b)
{
	mk_buf_str(b, "MK_ID  Type        Start Address   Segments  Mode  Cmdline\n");
	for (int i = 0; i < 80; i++)
		mk_buf_char(b, '-');
	mk_buf_char(b, '\n');
	for (size_t i = 0; i < k->n_instances; i++) {
		const struct sim_instance *x = k->instance[i];
		const struct sim_image *image = x->image;

		if (image)
			mk_buf_fmt(b, "%5d  %-10s  0x%012llx  %8lu  %-4s  \"%s\"\n", x->id,
				   "multikernel", (unsigned long long)image->start,
				   (unsigned long)image->segments, "file",
				   image->cmdline ? image->cmdline : "");
	}
}

/* ------------------------------------------------------------ the area */

static void show_proc(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		      int privileged)
{
	switch (sim_what(f)) {
	case SIM_W_IOMEM: show_iomem(k, b, privileged); break;
	case SIM_W_CPUINFO: show_cpuinfo(k, b); break;
	case SIM_W_FILESYSTEMS:
		mk_buf_str(b, k->filesystems);
		mk_buf_str(b, "nodev\tmultikernel\n");
		break;
	default: show_kimage(k, b); break;
	}
}

/* What the host's kernel has, read before ours is laid over it. */
static char *host_filesystems(void)
{
	struct mk_arena a;
	struct mk_err err;
	struct mk_buf b;
	char *text;

	mk_arena_init(&a, NULL);
	mk_buf_init(&b, &a);
	text = sim_str(mk_buf_read_file(&b, "/proc/filesystems", 1 << 16, &err) ? ""
										: mk_buf_cstr(&b));
	mk_arena_free(&a);
	return text;
}

void sim_fill_proc(struct sim_kernel *k, struct sim_dir *root)
{
	static const struct sim_entry files[] = {
		{"iomem", SIM_W_IOMEM, 0444, 0},
		{"cpuinfo", SIM_W_CPUINFO, 0444, 0},
		{"kimage", SIM_W_KIMAGE, 0444, 0},
		{"filesystems", SIM_W_FILESYSTEMS, 0444, 0},
	};

	k->filesystems = host_filesystems();
	root->show = show_proc;
	SIM_ADD_FILES(root, files);
}
