/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostfs: the trees of files, which of them are there, and the small areas.
 * /proc is in hostfs_proc.c, CPUs and nodes in hostfs_cpu.c, PCI and network in
 * hostfs_pci.c.
 */
#include "hostfs_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"

const char *const sim_area_path[SIM_AREAS] = {
	[SIM_AREA_PROC] = "/proc",
	[SIM_AREA_CPU] = "/sys/devices/system/cpu",
	[SIM_AREA_NODE] = "/sys/devices/system/node",
	[SIM_AREA_PCI] = "/sys/devices",
	[SIM_AREA_BUS] = "/sys/bus/pci/devices",
	[SIM_AREA_MEMORY] = "/sys/devices/system/memory",
	[SIM_AREA_PLATFORM] = "/sys/devices/platform",
	[SIM_AREA_NET] = "/sys/class/net",
	[SIM_AREA_DT] = "/sys/firmware/devicetree/base",
};

/* ------------------------------------------------------------ making files */

char *sim_name(const char *fmt, ...)
{
	char name[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return sim_str(name);
}

static struct sim_file *add(struct sim_dir *d, const char *name, enum sim_file_kind kind,
			    mode_t mode, int what)
{
	struct sim_file *f = sim_new(sizeof(*f));

	*f = (struct sim_file){.name = name,
			       .kind = kind,
			       .mode = mode,
			       .show = kind == SIM_DIR ? NULL : d->show,
			       .index = d->index,
			       .what = what,
			       .parent = d->dir,
			       .number = ++*d->count};
	*d->end = f;
	d->end = &f->next;
	return f;
}

void sim_add_files(struct sim_dir *d, const struct sim_entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(d, e[i].name, SIM_FILE, S_IFREG | e[i].mode,
		    (int)((unsigned)e[i].what | e[i].part << 8));
}

void sim_add_link(struct sim_dir *d, const char *name, enum sim_what what)
{
	add(d, name, SIM_LINK, S_IFLNK | 0777, (int)what);
}

struct sim_dir sim_add_dir(struct sim_dir *d, const char *name, enum sim_what what)
{
	struct sim_dir sub = *d;

	sub.dir = add(d, name, SIM_DIR, S_IFDIR | 0755, (int)what);
	sub.end = &sub.dir->child;
	return sub;
}

/* ------------------------------------------------------------ memory, platform devices */

static void show_memory(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
			int privileged)
{
	(void)f, (void)privileged;
	mk_buf_fmt(b, "%llx\n", (unsigned long long)k->m.block_bytes);
}

static void fill_memory(struct sim_kernel *k, struct sim_dir *root)
{
	static const struct sim_entry files[] = {{"block_size_bytes", SIM_W_BLOCK_BYTES, 0444, 0}};

	(void)k;
	root->show = show_memory;
	SIM_ADD_FILES(root, files);
}

/* Devices that the firmware names go by its id, others by their own name. */
static void modalias(struct mk_buf *b, const struct sim_platform *p)
{
	if (p->hid)
		mk_buf_fmt(b, "acpi:%s:\n", p->hid);
	else
		mk_buf_fmt(b, "platform:%s\n", p->name);
}

static void show_platform(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
			  int privileged)
{
	const struct sim_platform *p = &k->m.platform[f->index];

	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_PLAT_UEVENT:
		if (!strcmp(p->name, "serial8250"))
			mk_buf_str(b, "DRIVER=serial8250\n");
		mk_buf_str(b, "MODALIAS=");
		modalias(b, p);
		break;
	case SIM_W_PLAT_MODALIAS: modalias(b, p); break;
	default: mk_buf_str(b, "(null)\n"); break; /* no override */
	}
}

static void fill_platform(struct sim_kernel *k, struct sim_dir *root)
{
	static const struct sim_entry files[] = {
		{"uevent", SIM_W_PLAT_UEVENT, 0644, 0},
		{"modalias", SIM_W_PLAT_MODALIAS, 0444, 0},
		{"driver_override", SIM_W_PLAT_OVERRIDE, 0644, 0},
	};

	root->show = show_platform;
	for (root->index = 0; root->index < k->m.n_platforms; root->index++) {
		struct sim_dir d = sim_add_dir(root, k->m.platform[root->index].name, SIM_W_DIR);

		SIM_ADD_FILES(&d, files);
	}
}

/* ------------------------------------------------------------ the device tree of arm64 */

static void show_dt(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		    int privileged)
{
	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_DT_ADDRESS_CELLS: mk_buf_be32(b, 2); break;
	case SIM_W_DT_SIZE_CELLS: mk_buf_be32(b, 0); break;
	case SIM_W_DT_REG: mk_buf_be64(b, k->m.cpu[f->index].id); break;
	case SIM_W_DT_TYPE: mk_buf_add(b, "cpu", sizeof("cpu")); break;
	default: mk_buf_add(b, "arm,armv8", sizeof("arm,armv8")); break;
	}
}

static void fill_dt(struct sim_kernel *k, struct sim_dir *root)
{
	static const struct sim_entry cells[] = {
		{"#address-cells", SIM_W_DT_ADDRESS_CELLS, 0444, 0},
		{"#size-cells", SIM_W_DT_SIZE_CELLS, 0444, 0},
	};
	static const struct sim_entry files[] = {
		{"reg", SIM_W_DT_REG, 0444, 0},
		{"device_type", SIM_W_DT_TYPE, 0444, 0},
		{"compatible", SIM_W_DT_COMPATIBLE, 0444, 0},
	};
	struct sim_dir cpus;

	if (k->m.arch != SIM_ARM64)
		return;
	root->show = show_dt;
	cpus = sim_add_dir(root, "cpus", SIM_W_DIR);
	SIM_ADD_FILES(&cpus, cells);
	for (size_t i = 0; i < k->m.n_cpus; i++) { /* firmware lists them by their ids */
		uint32_t cpu = k->m.by_id[i];
		struct sim_dir d;

		cpus.index = cpu;
		d = sim_add_dir(&cpus, sim_name("cpu@%llx", (unsigned long long)k->m.cpu[cpu].id),
				SIM_W_DIR);
		SIM_ADD_FILES(&d, files);
	}
}

/* ------------------------------------------------------------ areas */

struct sim_file *sim_area_make(struct sim_kernel *k, enum sim_area area, uint32_t *count)
{
	static void (*const fill[SIM_AREAS])(struct sim_kernel * k, struct sim_dir * root) = {
		[SIM_AREA_PROC] = sim_fill_proc,
		[SIM_AREA_CPU] = sim_fill_cpu,
		[SIM_AREA_NODE] = sim_fill_node,
		[SIM_AREA_PCI] = sim_fill_pci,
		[SIM_AREA_BUS] = sim_fill_bus,
		[SIM_AREA_MEMORY] = fill_memory,
		[SIM_AREA_PLATFORM] = fill_platform,
		[SIM_AREA_NET] = sim_fill_net,
		[SIM_AREA_DT] = fill_dt,
	};
	struct sim_file *top = NULL;
	struct sim_dir none = {.end = &top, .count = count}, root;

	root = sim_add_dir(&none, strrchr(sim_area_path[area], '/') + 1, SIM_W_DIR);
	if (area == SIM_AREA_PROC)
		root.dir->mode = S_IFDIR | 0555;
	fill[area](k, &root);
	return root.dir;
}

/* A CPU that was given away is no more present, but nobody has taken it off the bus. */
static bool has_directory(const struct sim_kernel *k, const struct sim_cpu *c)
{
	if (c->present || sim_ids_has(&k->pool, c->id))
		return true;
	for (size_t i = 0; i < k->n_instances; i++)
		if (sim_ids_has(&k->instance[i]->cpus, c->id))
			return true;
	return false;
}

static bool shows(const struct sim_kernel *k, const struct sim_file *f)
{
	const struct sim_machine *m = &k->m;

	switch (sim_what(f)) {
	case SIM_W_KIMAGE:
	case SIM_W_FILESYSTEMS: return !k->stock;
	case SIM_W_CPU:
	case SIM_W_NODE_CPU: return has_directory(k, &m->cpu[f->index]);
	case SIM_W_CPU_RUNS: return m->cpu[f->index].present && m->cpu[f->index].online;
	case SIM_W_FUNCTION:
	case SIM_W_BUS_LINK:
	case SIM_W_VIRTFN: return !m->function[f->index].gone;
	case SIM_W_PHYSFN: return !m->function[m->function[f->index].pf].gone;
	case SIM_W_DRIVER:
	case SIM_W_BOUND:
	case SIM_W_NET_LINK: return m->function[f->index].bound && !m->function[f->index].gone;
	default: return true;
	}
}

int sim_file_there(const struct sim_kernel *k, const struct sim_file *f)
{
	for (; f; f = f->parent)
		if (!shows(k, f))
			return 0;
	return 1;
}
