/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs: files to FUSE. Modes, errors and sizes are those of kernfs; what a file
 * holds and what a write does is the business of others.
 */
#define FUSE_USE_VERSION 312
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"
#include "caller.h"
#include "fs.h"
#include "kernel.h"
#include "lazy_cma.h"
#include "num.h"

/* An inode number: what kind of thing, which one, which of its files. */
enum kind { TOP, MK, INSTANCE, TX, HOST, LAZY };
enum mk_file { MK_ROOT, MK_DEVICE_TREE, MK_INSTANCES, MK_OVERLAYS, MK_NEW };
enum instance_file { IN_DIR, IN_ID, IN_STATUS, IN_DEVICE_TREE, IN_FILES };
enum tx_file { TX_DIR, TX_ID, TX_STATUS, TX_INSTANCE, TX_RESOURCES, TX_DTBO, TX_FILES };

static const char *const instance_files[IN_FILES] = {".", "id", "status", "device_tree"};
static const char *const tx_files[TX_FILES] = {".",	   "id",	"status",
					       "instance", "resources", "dtbo"};

const char *const sim_fs_area[SIM_AREAS] = {"proc",   "cpu",	  "node", "pci",       "bus",
					    "memory", "platform", "net",  "devicetree"};

enum { PROC_MAGIC = 0x9fa0, SYSFS_MAGIC = 0x62656572, TMPFS_MAGIC = 0x01021994 };

struct sim_fs {
	struct sim_kernel *k;
	struct fuse_session *session;
	struct sim_file *area[SIM_AREAS];
	struct sim_file **host;	   /* by number */
	struct sim_file **by_name; /* by parent and name, n_host of them */
	size_t n_host;
	int apart; /* the threads that serve: 1 they have descriptors of their own, -1 they cannot */
};

struct handle {
	char *data; /* as of the last read from the beginning */
	size_t bytes;
	bool privileged;
};

static fuse_ino_t ino_of(enum kind kind, uint64_t which, unsigned file)
{
	return kind == TOP ? FUSE_ROOT_ID : (fuse_ino_t)kind << 56 | which << 8 | file;
}

static enum kind kind_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? TOP : (enum kind)(ino >> 56);
}

static uint64_t which_of(fuse_ino_t ino)
{
	return (ino & 0x00ffffffffffffffULL) >> 8;
}

static unsigned file_of(fuse_ino_t ino)
{
	return ino & 0xff;
}

static struct sim_fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static const struct sim_file *host_file(const struct sim_fs *fs, fuse_ino_t ino)
{
	return which_of(ino) < fs->n_host ? fs->host[which_of(ino)] : NULL;
}

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
	if (f->kind == SIM_FILE && !file_of((fuse_ino_t)st->st_ino))
		st->st_size = SIM_PAGE_BYTES; /* as sysfs shows them */
	return 0;
}

/* With the lock held. */
static int attr(struct sim_fs *fs, fuse_ino_t ino, struct stat *st)
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
		if (!sim_instance_serial(fs->k, which_of(ino)))
			return -ENOENT;
		st->st_mode = file == IN_DIR ? S_IFDIR | 0755 : S_IFREG | 0444;
		return 0;
	case TX:
		if (!sim_tx_find(fs->k, (int)which_of(ino)))
			return -ENOENT;
		st->st_mode = file == TX_DIR ? S_IFDIR | 0755 : S_IFREG | 0444;
		return 0;
	case HOST: return host_attr(fs, host_file(fs, ino), st);
	case LAZY: st->st_mode = S_IFREG | 0600; return 0;
	}
	return -ENOENT;
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sim_fs *fs = fs_of(req);
	struct stat st;
	int error;

	(void)fi;
	sim_lock(fs->k);
	error = attr(fs, ino, &st);
	sim_unlock(fs->k);
	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_attr(req, &st, 0);
}

/* O_TRUNC changes nothing; nor may anything else be changed. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
		       struct fuse_file_info *fi)
{
	(void)st;
	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else
		op_getattr(req, ino, fi);
}

/* ---------------------------------------------------------------- names */

static int by_name(const void *a, const void *b)
{
	const struct sim_file *x = *(struct sim_file *const *)a, *y = *(struct sim_file *const *)b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->name, y->name);
}

static fuse_ino_t host_ino(const struct sim_fs *fs, const struct sim_file *f)
{
	const struct sim_file *top = f;

	while (top->parent)
		top = top->parent;
	return ino_of(HOST, f->number, top == fs->area[SIM_AREA_PROC]);
}

static fuse_ino_t find_host(const struct sim_fs *fs, const struct sim_file *dir, const char *name)
{
	struct sim_file key = {.parent = (struct sim_file *)(uintptr_t)dir,
			       .name = (char *)(uintptr_t)name};
	struct sim_file *like = &key, **found;

	found = bsearch(&like, fs->by_name, fs->n_host - 1, sizeof *fs->by_name, by_name);
	return found ? host_ino(fs, *found) : 0;
}

static fuse_ino_t find_in(const char *const *names, unsigned n, const char *name, enum kind kind,
			  uint64_t which)
{
	unsigned i;

	for (i = 1; i < n; i++)
		if (!strcmp(names[i], name))
			return ino_of(kind, which, i);
	return 0;
}

static fuse_ino_t find_top(const struct sim_fs *fs, const char *name)
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

static fuse_ino_t find_mk(const struct sim_fs *fs, unsigned file, const char *name)
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

static fuse_ino_t find(const struct sim_fs *fs, fuse_ino_t dir, const char *name)
{
	switch (kind_of(dir)) {
	case TOP: return find_top(fs, name);
	case MK: return find_mk(fs, file_of(dir), name);
	case INSTANCE: return find_in(instance_files, IN_FILES, name, INSTANCE, which_of(dir));
	case TX: return find_in(tx_files, TX_FILES, name, TX, which_of(dir));
	case HOST: return find_host(fs, host_file(fs, dir), name);
	case LAZY: break;
	}
	return 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct fuse_entry_param e = {0};
	struct sim_fs *fs = fs_of(req);
	int error = -ENOENT;

	sim_lock(fs->k);
	e.ino = find(fs, dir, name);
	if (e.ino)
		error = attr(fs, e.ino, &e.attr);
	sim_unlock(fs->k);
	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_entry(req, &e);
}

/* ---------------------------------------------------------------- directories */

struct listing {
	fuse_req_t req;
	char *data;
	size_t bytes, cap;
};

static void list(struct sim_fs *fs, struct listing *l, fuse_ino_t ino, const char *name)
{
	struct stat st;
	size_t n = fuse_add_direntry(l->req, NULL, 0, name, NULL, 0);

	if (attr(fs, ino, &st))
		return;
	while (l->bytes + n > l->cap)
		l->data = sim_more(l->data, l->cap, &l->cap, 1);
	fuse_add_direntry(l->req, l->data + l->bytes, l->cap - l->bytes, name, &st,
			  (off_t)(l->bytes + n));
	l->bytes += n;
}

static void list_mk(struct sim_fs *fs, struct listing *l, unsigned file)
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

static void list_host(struct sim_fs *fs, struct listing *l, const struct sim_file *dir)
{
	const struct sim_file *f;

	for (f = dir->child; f; f = f->next)
		if (sim_file_there(fs->k, f))
			list(fs, l, host_ino(fs, f), f->name);
}

static void list_dir(struct sim_fs *fs, struct listing *l, fuse_ino_t ino)
{
	unsigned i;

	list(fs, l, ino, ".");
	list(fs, l, ino, "..");
	switch (kind_of(ino)) {
	case TOP: list(fs, l, ino_of(MK, 0, MK_ROOT), SIM_FS_MULTIKERNEL); break;
	case MK: list_mk(fs, l, file_of(ino)); break;
	case INSTANCE:
		for (i = 1; i < IN_FILES; i++)
			list(fs, l, ino_of(INSTANCE, which_of(ino), i), instance_files[i]);
		break;
	case TX:
		for (i = 1; i < TX_FILES; i++)
			list(fs, l, ino_of(TX, which_of(ino), i), tx_files[i]);
		break;
	case HOST: list_host(fs, l, host_file(fs, ino)); break;
	case LAZY: break;
	}
}

/* A directory is read as it was when it was opened. */
static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct listing l = {.req = req};
	struct sim_fs *fs = fs_of(req);
	struct handle *h;
	struct stat st;
	int error;

	sim_lock(fs->k);
	error = attr(fs, ino, &st);
	if (!error)
		list_dir(fs, &l, ino);
	sim_unlock(fs->k);
	if (error) {
		fuse_reply_err(req, -error);
		return;
	}
	h = sim_new(sizeof *h);
	h->data = l.data;
	h->bytes = l.bytes;
	fi->fh = (uintptr_t)h;
	fuse_reply_open(req, fi);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	struct handle *h = (struct handle *)(uintptr_t)fi->fh;
	size_t left, n = 0, entry;
	char *copy;

	(void)ino;
	if (off < 0 || (size_t)off >= h->bytes) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	/* whole entries only: their ends are the offsets that they hold */
	left = h->bytes - (size_t)off;
	while (n < left) {
		uint64_t end;

		memcpy(&end, h->data + off + n + 8, 8); /* struct fuse_dirent: ino, off */
		entry = (size_t)end - (size_t)off - n;
		if (n + entry > size)
			break;
		n += entry;
	}
	/* of a copy: once it is answered the directory may be closed */
	copy = sim_new(n);
	memcpy(copy, h->data + off, n);
	fuse_reply_buf(req, copy, n);
	free(copy);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = (struct handle *)(uintptr_t)fi->fh;

	(void)ino;
	free(h->data);
	free(h);
	fuse_reply_err(req, 0);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct sim_fs *fs = fs_of(req);
	const struct sim_file *f = kind_of(ino) == HOST ? host_file(fs, ino) : NULL;
	struct mk_arena a;
	struct mk_buf b;

	if (!f || f->kind != SIM_LINK) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	mk_arena_init(&a, NULL);
	mk_buf_init(&b, &a);
	sim_lock(fs->k);
	f->show(fs->k, f, &b, 1);
	sim_unlock(fs->k);
	fuse_reply_readlink(req, mk_buf_cstr(&b));
	mk_arena_free(&a);
}

/* ---------------------------------------------------------------- faults */

/* The path by which --fault knows a file: as below /sys/fs/multikernel. */
static void fault_path(const struct sim_kernel *k, fuse_ino_t ino, char *out, size_t room)
{
	const struct sim_instance *x;

	switch (kind_of(ino)) {
	case MK:
		snprintf(out, room, "%s",
			 file_of(ino) == MK_DEVICE_TREE ? "device_tree"
			 : file_of(ino) == MK_NEW	? "overlays/new"
							: "");
		return;
	case INSTANCE:
		x = sim_instance_serial(k, which_of(ino));
		snprintf(out, room, "instances/%s/%s", x ? x->name : "",
			 instance_files[file_of(ino)]);
		return;
	case TX:
		snprintf(out, room, "overlays/tx_%d%s%s", (int)which_of(ino),
			 file_of(ino) ? "/" : "", file_of(ino) ? tx_files[file_of(ino)] : "");
		return;
	case LAZY: snprintf(out, room, "lazy_cma"); return;
	case TOP:
	case HOST: break;
	}
	snprintf(out, room, "host");
}

static int fault(struct sim_kernel *k, const char *op, fuse_ino_t ino)
{
	char path[512];

	if (!k->faults.n || kind_of(ino) == HOST || kind_of(ino) == TOP)
		return 0;
	fault_path(k, ino, path, sizeof path);
	return sim_fault(&k->faults, op, path);
}

/* ---------------------------------------------------------------- reading */

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sim_fs *fs = fs_of(req);
	struct handle *h;
	struct stat st;
	int error;

	sim_lock(fs->k);
	error = attr(fs, ino, &st);
	if (!error)
		error = fault(fs->k, "open", ino);
	sim_unlock(fs->k);
	if (error) {
		fuse_reply_err(req, -error);
		return;
	}
	h = sim_new(sizeof *h);
	h->privileged = fuse_req_ctx(req)->uid == 0;
	fi->fh = (uintptr_t)h;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

/* What a small file of one line holds; 0 when the file is none. */
static int show_line(struct sim_kernel *k, fuse_ino_t ino, char *out, size_t room)
{
	const struct sim_instance *x;
	const struct sim_tx *tx;

	if (kind_of(ino) == INSTANCE) {
		x = sim_instance_serial(k, which_of(ino));
		if (!x)
			return -ENODEV;
		return file_of(ino) == IN_ID
			       ? snprintf(out, room, "%d\n", x->id)
			       : snprintf(out, room, "%s\n", sim_state_word(x->state));
	}
	tx = sim_tx_find(k, (int)which_of(ino));
	if (!tx)
		return -ENODEV;
	switch (file_of(ino)) {
	case TX_ID: return snprintf(out, room, "%d\n", tx->id);
	case TX_STATUS: return snprintf(out, room, "%s\n", sim_tx_word(tx->status));
	case TX_INSTANCE: return snprintf(out, room, "%s\n", tx->target);
	default: return snprintf(out, room, "%s\n", tx->resources);
	}
}

static int fill_line(struct sim_kernel *k, fuse_ino_t ino, struct handle *h)
{
	char line[512];
	int n = show_line(k, ino, line, sizeof line);

	if (n < 0)
		return n;
	h->data = sim_str(line);
	h->bytes = (size_t)n;
	return 0;
}

static int fill_host(struct sim_fs *fs, const struct sim_file *f, struct handle *h)
{
	struct mk_arena a;
	struct mk_buf b;

	if (!f || !sim_file_there(fs->k, f))
		return -ENODEV;
	mk_arena_init(&a, NULL);
	mk_buf_init(&b, &a);
	f->show(fs->k, f, &b, h->privileged);
	h->data = sim_new(b.len);
	h->bytes = b.len;
	if (b.len)
		memcpy(h->data, b.data, b.len);
	mk_arena_free(&a);
	return 0;
}

/* The instance's tree as of this very read: T15. */
static int fill_instance_tree(struct sim_kernel *k, fuse_ino_t ino, struct handle *h)
{
	struct sim_instance *x = sim_instance_serial(k, which_of(ino));
	bool less;

	if (!x)
		return -ENODEV;
	less = x->cpus.n && sim_trap(&k->faults, 15);
	if (less)
		x->cpus.n--; /* as if one had just moved */
	h->data = sim_tree_instance(k, x, &h->bytes);
	if (less)
		x->cpus.n++;
	return h->data ? 0 : -ENOMEM;
}

static int fill_dtbo(struct sim_kernel *k, fuse_ino_t ino, struct handle *h)
{
	const struct sim_tx *tx = sim_tx_find(k, (int)which_of(ino));

	if (!tx)
		return -ENODEV;
	h->data = sim_new(tx->bytes);
	memcpy(h->data, tx->dtbo, tx->bytes);
	h->bytes = tx->bytes;
	return 0;
}

/* Files that kernfs reads itself: a page a call, made anew each time. The others are sequences. */
static bool paged(fuse_ino_t ino)
{
	return (kind_of(ino) == INSTANCE && file_of(ino) == IN_DEVICE_TREE) ||
	       (kind_of(ino) == TX && file_of(ino) == TX_DTBO);
}

static int fill(struct sim_fs *fs, fuse_ino_t ino, struct handle *h)
{
	free(h->data);
	h->data = NULL;
	h->bytes = 0;
	switch (kind_of(ino)) {
	case MK:
		if (file_of(ino) != MK_DEVICE_TREE)
			return -EINVAL;
		h->data = sim_tree_root(fs->k, &h->bytes);
		return h->data ? 0 : -ENOMEM;
	case INSTANCE:
		return file_of(ino) == IN_DEVICE_TREE ? fill_instance_tree(fs->k, ino, h)
						      : fill_line(fs->k, ino, h);
	case TX:
		return file_of(ino) == TX_DTBO ? fill_dtbo(fs->k, ino, h)
					       : fill_line(fs->k, ino, h);
	case HOST: return fill_host(fs, host_file(fs, ino), h);
	case TOP:
	case LAZY: break;
	}
	return -EINVAL;
}

/* The part of a file that a read asks for; *bytes becomes how much there is. With the lock held. */
static char *slice(fuse_ino_t ino, const struct handle *h, size_t *bytes, off_t off)
{
	char *part;

	if (paged(ino) && *bytes > SIM_PAGE_BYTES)
		*bytes = SIM_PAGE_BYTES;
	if ((size_t)off >= h->bytes)
		*bytes = 0;
	else if (*bytes > h->bytes - (size_t)off)
		*bytes = h->bytes - (size_t)off;
	part = sim_new(*bytes);
	if (*bytes)
		memcpy(part, h->data + off, *bytes);
	return part;
}

/* The answer is a copy: another read by the same descriptor may make the file anew meanwhile. */
static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct handle *h = (struct handle *)(uintptr_t)fi->fh;
	struct sim_fs *fs = fs_of(req);
	char *part = NULL;
	int error = 0;

	sim_lock(fs->k);
	if (off == 0)
		error = fault(fs->k, "read", ino);
	if (!error && (off == 0 || !h->data || paged(ino)))
		error = fill(fs, ino, h);
	if (!error)
		part = slice(ino, h, &size, off);
	sim_unlock(fs->k);
	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_buf(req, part, size);
	free(part);
}

/* ---------------------------------------------------------------- writing */

/* cpuN/online: an operator takes a CPU of the host's off or on. */
static int write_online(struct sim_kernel *k, const struct sim_file *f, const char *data, size_t n)
{
	struct sim_cpu *c;

	if (!f || !(f->mode & 0200) || strcmp(f->name, "online") || f->index >= k->m.n_cpus)
		return -EIO;
	c = &k->m.cpu[f->index];
	if (n < 1 || (data[0] != '0' && data[0] != '1'))
		return -EINVAL;
	if (!c->present)
		return -EINVAL;
	c->online = data[0] == '1';
	return 0;
}

/*
 * A write of more than 1 MiB comes in pieces of what FUSE takes at once, which is
 * up to a page less, by where it is in its pages. Is this the first of them?
 */
static bool is_first_piece(const char *data, size_t n)
{
	static const unsigned char magic[] = {0xd0, 0x0d, 0xfe, 0xed};
	uint32_t total;

	if (n <= SIM_BLOB_MAX - SIM_PAGE_BYTES)
		return false;
	memcpy(&total, data + sizeof magic, sizeof total);
	return memcmp(data, magic, sizeof magic) != 0 || ntohl(total) > SIM_BLOB_MAX;
}

static long write_file(struct sim_fs *fs, fuse_ino_t ino, const char *data, size_t n, off_t off)
{
	int error;

	sim_lock(fs->k);
	error = fault(fs->k, "write", ino);
	if (!error && kind_of(ino) == HOST)
		error = write_online(fs->k, host_file(fs, ino), data, n);
	sim_unlock(fs->k);
	if (error)
		return error;
	if (kind_of(ino) == HOST)
		return (long)n;
	if (kind_of(ino) == MK && file_of(ino) == MK_NEW)
		return sim_overlay_write(fs->k, data, n, off);
	if (kind_of(ino) != MK || file_of(ino) != MK_DEVICE_TREE)
		return -EINVAL;
	if (is_first_piece(data, n))
		return -E2BIG;
	error = sim_baseline_write(fs->k, data, n);
	return error ? error : (long)n;
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t n, off_t off,
		     struct fuse_file_info *fi)
{
	long done;

	(void)fi;
	done = write_file(fs_of(req), ino, data, n, off);
	if (done < 0)
		fuse_reply_err(req, (int)-done);
	else
		fuse_reply_write(req, (size_t)done);
}

/* ---------------------------------------------------------------- what kernfs refuses */

static void op_mkdir(fuse_req_t req, fuse_ino_t dir, const char *name, mode_t mode)
{
	(void)dir;
	(void)name;
	(void)mode;
	fuse_reply_err(req, EPERM);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct sim_fs *fs = fs_of(req);
	fuse_ino_t ino;
	int error;

	sim_lock(fs->k);
	ino = find(fs, dir, name);
	error = !ino					       ? -ENOENT
		: kind_of(ino) != TX || file_of(ino) != TX_DIR ? -EPERM
							       : fault(fs->k, "rmdir", ino);
	sim_unlock(fs->k);
	if (!error)
		error = sim_overlay_rmdir(fs->k, (int)which_of(ino));
	fuse_reply_err(req, -error);
}

static void op_unlink(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	(void)dir;
	(void)name;
	fuse_reply_err(req, EPERM);
}

static void op_symlink(fuse_req_t req, const char *to, fuse_ino_t dir, const char *name)
{
	(void)to;
	op_unlink(req, dir, name);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t dir, const char *name)
{
	(void)ino;
	op_unlink(req, dir, name);
}

static void op_rename(fuse_req_t req, fuse_ino_t from, const char *name, fuse_ino_t to,
		      const char *other, unsigned flags)
{
	(void)to;
	(void)other;
	(void)flags;
	op_unlink(req, from, name);
}

static void op_mknod(fuse_req_t req, fuse_ino_t dir, const char *name, mode_t mode, dev_t dev)
{
	(void)mode;
	(void)dev;
	op_unlink(req, dir, name);
}

/* A directory without create: EACCES, as vfs has it. */
static void op_create(fuse_req_t req, fuse_ino_t dir, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	(void)dir;
	(void)name;
	(void)mode;
	(void)fi;
	fuse_reply_err(req, EACCES);
}

/* ---------------------------------------------------------------- /dev/lazy_cma */

static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
		     struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_bytes,
		     size_t out_bytes)
{
	struct sim_fs *fs = fs_of(req);
	char data[256];
	int error;

	(void)arg;
	(void)fi;
	(void)flags;
	if (kind_of(ino) != LAZY || in_bytes > sizeof data || out_bytes > sizeof data) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	memset(data, 0, sizeof data);
	memcpy(data, in, in_bytes);
	sim_lock(fs->k);
	error = fault(fs->k, "ioctl", ino);
	if (!error && !sim_caller_can(fuse_req_ctx(req)->pid, CAP_SYS_ADMIN))
		error = -EPERM;
	if (!error)
		error = sim_lazy_cma(fs->k, cmd, data, in_bytes);
	sim_unlock(fs->k);
	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_ioctl(req, 0, data, out_bytes);
}

/* ---------------------------------------------------------------- start */

static const struct fuse_lowlevel_ops ops = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_release,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.release = op_release,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.unlink = op_unlink,
	.symlink = op_symlink,
	.link = op_link,
	.rename = op_rename,
	.mknod = op_mknod,
	.create = op_create,
	.ioctl = op_ioctl,
};

static void collect(struct sim_fs *fs, struct sim_file *f)
{
	struct sim_file *c;

	fs->host[f->number] = f;
	fs->by_name[f->number - 1] = f;
	for (c = f->child; c; c = c->next)
		collect(fs, c);
}

/*
 * These threads have descriptors of their own, and /dev/fuse is among theirs
 * alone: when all are killed, it is closed although another thread still waits
 * for an answer by it. That thread could not end otherwise.
 */
static void *serve(void *arg)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct sim_fs *fs = arg;
	bool apart = !unshare(CLONE_FILES);

	sim_lock(fs->k);
	fs->apart = apart ? 1 : -1;
	sim_changed(fs->k);
	sim_unlock(fs->k);
	if (!apart)
		return NULL;
	/* writers may wait long for their turn: they must not keep readers out */
	fuse_loop_cfg_set_max_threads(config, 1000);
	fuse_loop_cfg_set_idle_threads(config, 4);
	fuse_session_loop_mt(fs->session, config);
	fuse_loop_cfg_destroy(config);
	return NULL;
}

const struct sim_file *sim_fs_files(const struct sim_fs *fs, enum sim_area area)
{
	return fs->area[area];
}

struct sim_fs *sim_fs_start(struct sim_kernel *k, int fd)
{
	char *argv[] = {(char *)(uintptr_t) "mk-sim", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct sim_fs *fs = sim_new(sizeof *fs);
	uint32_t count = 0;
	char path[32];
	pthread_t thread;
	size_t i;

	fs->k = k;
	for (i = 0; i < SIM_AREAS; i++)
		fs->area[i] = sim_area_make(k, (enum sim_area)i, &count);
	fs->n_host = count + 1;
	fs->host = sim_new(fs->n_host * sizeof(struct sim_file *));
	fs->by_name = sim_new(fs->n_host * sizeof(struct sim_file *));
	for (i = 0; i < SIM_AREAS; i++)
		collect(fs, fs->area[i]);
	qsort(fs->by_name, count, sizeof(struct sim_file *), by_name);
	fs->session = fuse_session_new(&args, &ops, sizeof ops, fs);
	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	if (!fs->session || fuse_session_mount(fs->session, path))
		return NULL;
	if (pthread_create(&thread, NULL, serve, fs))
		return NULL;
	pthread_detach(thread);
	sim_lock(k);
	while (!fs->apart)
		sim_wait(k, sim_now(k) + SIM_SECOND);
	sim_unlock(k);
	close(fd);
	return fs->apart > 0 ? fs : NULL;
}
