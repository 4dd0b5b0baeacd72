/* SPDX-License-Identifier: Apache-2.0 */
/* fs_names: which files there are, and their attributes: kernfs's modes and sizes. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs_int.h"
#include "num.h"

const char *const sim_instance_files[IN_FILES] = {".", "id", "status", "device_tree"};
const char *const sim_tx_files[TX_FILES] = {".", "id", "status", "instance", "resources", "dtbo"};

const char *const sim_fs_area[SIM_AREAS] = {"proc",   "cpu",	  "node", "pci",       "bus",
					    "memory", "platform", "net",  "devicetree"};

enum { PROC_MAGIC = 0x9fa0, SYSFS_MAGIC = 0x62656572, TMPFS_MAGIC = 0x01021994 };

uint32_t sim_fs_magic(uint64_t inode)
{
	switch (kind_of(inode)) {
	case MK:
	case INSTANCE:
	case TX: return SIM_MAGIC;
	case LAZY: return TMPFS_MAGIC;
	case HOST: return file_of(inode) ? PROC_MAGIC : SYSFS_MAGIC;
	case TOP: break;
	}
	return 0;
}

/* ---------------------------------------------------------------- attributes */

static int mk_attr(unsigned file, struct stat *st)
{
	static const mode_t mode[] = {[MK_ROOT] = S_IFDIR | 0755,
				      [MK_DEVICE_TREE] = S_IFREG | 0644,
				      [MK_INSTANCES] = S_IFDIR | 0755,
				      [MK_OVERLAYS] = S_IFDIR | 0755,
				      [MK_NEW] = S_IFREG | 0200};

	st->st_mode = mode[file];
	if (file == MK_DEVICE_TREE)
		st->st_size = SIM_BLOB_MAX; /* what the kernel has it made with */
	return 0;
}

static int host_attr(const struct sim_fs *fs, const struct sim_file *f, struct stat *st)
{
	static const mode_t type[] = {
		[SIM_DIR] = S_IFDIR, [SIM_FILE] = S_IFREG, [SIM_LINK] = S_IFLNK};

	if (!f || !sim_file_there(fs->k, f))
		return -ENOENT;
	st->st_mode = type[f->kind] | (f->kind == SIM_LINK ? 0777 : f->mode);
	if (f->kind == SIM_FILE && !file_of((uint64_t)st->st_ino))
		st->st_size = SIM_PAGE_BYTES; /* as sysfs shows them */
	return 0;
}

int sim_fs_attr(struct sim_fs *fs, uint64_t ino, struct stat *st)
{
	unsigned file = file_of(ino);

	memset(st, 0, sizeof *st);
	st->st_ino = ino;
	st->st_nlink = 1;
	st->st_blksize = SIM_PAGE_BYTES;
	switch (kind_of(ino)) {
	case TOP: st->st_mode = S_IFDIR | 0755; return 0;
	case MK: return mk_attr(file, st);
	case INSTANCE:
		st->st_mode = file == IN_DIR ? S_IFDIR | 0755 : S_IFREG | 0444;
		return sim_instance_serial(fs->k, which_of(ino)) ? 0 : -ENOENT;
	case TX:
		st->st_mode = file == TX_DIR ? S_IFDIR | 0755 : S_IFREG | 0444;
		return sim_tx_find(fs->k, (int)which_of(ino)) ? 0 : -ENOENT;
	case HOST: return host_attr(fs, host_file(fs, ino), st);
	case LAZY: st->st_mode = S_IFREG | 0600; return 0;
	}
	return -ENOENT;
}

/* ---------------------------------------------------------------- names */

static int by_name(const void *a, const void *b)
{
	const struct sim_file *x = *(struct sim_file *const *)a, *y = *(struct sim_file *const *)b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->name, y->name);
}

static uint64_t host_ino(const struct sim_fs *fs, const struct sim_file *f)
{
	const struct sim_file *top = f;

	while (top->parent)
		top = top->parent;
	return ino_of(HOST, f->number, top == fs->area[SIM_AREA_PROC]);
}

static uint64_t find_host(const struct sim_fs *fs, const struct sim_file *dir, const char *name)
{
	struct sim_file key = {.parent = (struct sim_file *)(uintptr_t)dir,
			       .name = (char *)(uintptr_t)name};
	struct sim_file *like = &key, **found;

	found = bsearch(&like, fs->by_name, fs->n_host - 1, sizeof *fs->by_name, by_name);
	return found ? host_ino(fs, *found) : 0;
}

static uint64_t find_in(const char *const *names, unsigned n, const char *name, enum kind kind,
			uint64_t which)
{
	unsigned i;

	for (i = 1; i < n; i++)
		if (!strcmp(names[i], name))
			return ino_of(kind, which, i);
	return 0;
}

static uint64_t find_top(const struct sim_fs *fs, const char *name)
{
	size_t i;

	if (!strcmp(name, SIM_FS_MULTIKERNEL))
		return ino_of(MK, 0, MK_ROOT);
	if (!strcmp(name, SIM_FS_LAZY_CMA))
		return ino_of(LAZY, 0, 0);
	for (i = 0; i < SIM_AREAS; i++)
		if (!strcmp(name, sim_fs_area[i]))
			return host_ino(fs, fs->area[i]);
	return 0;
}

/* "tx_" and a number as the kernel writes it. */
static struct sim_tx *find_tx(const struct sim_kernel *k, const char *name)
{
	uint32_t id;

	if (strncmp(name, "tx_", 3) || name[3] < '1' || name[3] > '9' ||
	    !mk_num_u32(name + 3, strlen(name + 3), &id) || id > INT_MAX)
		return NULL;
	return sim_tx_find(k, (int)id);
}

static uint64_t find_mk(const struct sim_fs *fs, unsigned file, const char *name)
{
	static const char *const root[] = {".", "device_tree", "instances", "overlays"};
	struct sim_instance *x;
	struct sim_tx *tx;

	if (file == MK_ROOT)
		return find_in(root, 4, name, MK, 0);
	if (file == MK_INSTANCES) {
		x = sim_instance_named(fs->k, name);
		return x ? ino_of(INSTANCE, x->serial, IN_DIR) : 0;
	}
	if (file != MK_OVERLAYS)
		return 0;
	if (!strcmp(name, "new"))
		return ino_of(MK, 0, MK_NEW);
	tx = find_tx(fs->k, name);
	return tx ? ino_of(TX, (uint64_t)tx->id, TX_DIR) : 0;
}

uint64_t sim_fs_find(const struct sim_fs *fs, uint64_t dir, const char *name)
{
	switch (kind_of(dir)) {
	case TOP: return find_top(fs, name);
	case MK: return find_mk(fs, file_of(dir), name);
	case INSTANCE: return find_in(sim_instance_files, IN_FILES, name, INSTANCE, which_of(dir));
	case TX: return find_in(sim_tx_files, TX_FILES, name, TX, which_of(dir));
	case HOST: return find_host(fs, host_file(fs, dir), name);
	case LAZY: break;
	}
	return 0;
}

static void collect(struct sim_fs *fs, struct sim_file *f)
{
	struct sim_file *c;

	fs->host[f->number] = f;
	fs->by_name[f->number - 1] = f;
	for (c = f->child; c; c = c->next)
		collect(fs, c);
}

void sim_fs_collect(struct sim_fs *fs)
{
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < SIM_AREAS; i++)
		fs->area[i] = sim_area_make(fs->k, (enum sim_area)i, &count);
	fs->n_host = count + 1;
	fs->host = sim_new(fs->n_host * sizeof(struct sim_file *));
	fs->by_name = sim_new(fs->n_host * sizeof(struct sim_file *));
	for (i = 0; i < SIM_AREAS; i++)
		collect(fs, fs->area[i]);
	qsort(fs->by_name, count, sizeof(struct sim_file *), by_name);
}

const struct sim_file *sim_fs_files(const struct sim_fs *fs, enum sim_area area)
{
	return fs->area[area];
}

/* ---------------------------------------------------------------- directories */

struct listing {
	void (*each)(void *arg, const char *name, const struct stat *st);
	void *arg;
};

static void list(struct sim_fs *fs, const struct listing *l, uint64_t ino, const char *name)
{
	struct stat st;

	if (!sim_fs_attr(fs, ino, &st))
		l->each(l->arg, name, &st);
}

static void list_mk(struct sim_fs *fs, const struct listing *l, unsigned file)
{
	struct sim_kernel *k = fs->k;
	char name[32];
	size_t i;

	if (file == MK_ROOT) {
		list(fs, l, ino_of(MK, 0, MK_DEVICE_TREE), "device_tree");
		list(fs, l, ino_of(MK, 0, MK_INSTANCES), "instances");
		list(fs, l, ino_of(MK, 0, MK_OVERLAYS), "overlays");
	}
	for (i = 0; file == MK_INSTANCES && i < k->n_instances; i++)
		list(fs, l, ino_of(INSTANCE, k->instance[i]->serial, IN_DIR), k->instance[i]->name);
	if (file != MK_OVERLAYS)
		return;
	list(fs, l, ino_of(MK, 0, MK_NEW), "new");
	for (i = 0; i < k->tx_cap; i++)
		if (k->tx[i]) {
			snprintf(name, sizeof name, "tx_%d", k->tx[i]->id);
			list(fs, l, ino_of(TX, i, TX_DIR), name);
		}
}

static void list_host(struct sim_fs *fs, const struct listing *l, const struct sim_file *dir)
{
	const struct sim_file *f;

	for (f = dir->child; f; f = f->next)
		if (sim_file_there(fs->k, f))
			list(fs, l, host_ino(fs, f), f->name);
}

void sim_fs_list(struct sim_fs *fs, uint64_t ino,
		 void (*each)(void *arg, const char *name, const struct stat *st), void *arg)
{
	const struct listing of_it = {each, arg}, *l = &of_it;
	unsigned i;

	list(fs, l, ino, ".");
	list(fs, l, ino, "..");
	switch (kind_of(ino)) {
	case TOP: list(fs, l, ino_of(MK, 0, MK_ROOT), SIM_FS_MULTIKERNEL); break;
	case MK: list_mk(fs, l, file_of(ino)); break;
	case INSTANCE:
		for (i = 1; i < IN_FILES; i++)
			list(fs, l, ino_of(INSTANCE, which_of(ino), i), sim_instance_files[i]);
		break;
	case TX:
		for (i = 1; i < TX_FILES; i++)
			list(fs, l, ino_of(TX, which_of(ino), i), sim_tx_files[i]);
		break;
	case HOST: list_host(fs, l, host_file(fs, ino)); break;
	case LAZY: break;
	}
}
