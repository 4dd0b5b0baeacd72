/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs: files to FUSE. Modes, errors and sizes are those of kernfs; what a file
 * holds and what a write does is the business of others.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
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
#include "fs_int.h"
#include "lazy_cma.h"

static struct sim_fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---------------------------------------------------------------- attributes and names */

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sim_fs *fs = fs_of(req);
	struct stat st;
	int error;

	sim_lock(fs->k);
	error = sim_fs_attr(fs, ino, &st);
	sim_unlock(fs->k);
	(void)fi;
	if (error == -ENOENT && st.st_mode) { /* somebody has it still; it has no name any more */
		st.st_nlink = 0;
		error = 0;
	}
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

static void op_lookup(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct fuse_entry_param e = {0};
	struct sim_fs *fs = fs_of(req);
	int error = -ENOENT;

	sim_lock(fs->k);
	e.ino = sim_fs_find(fs, dir, name);
	if (e.ino)
		error = sim_fs_attr(fs, e.ino, &e.attr);
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

static void add_entry(void *arg, const char *name, const struct stat *st)
{
	struct listing *l = arg;
	size_t n = fuse_add_direntry(l->req, NULL, 0, name, NULL, 0);

	while (l->bytes + n > l->cap)
		l->data = sim_more(l->data, l->cap, &l->cap, 1);
	fuse_add_direntry(l->req, l->data + l->bytes, l->cap - l->bytes, name, st,
			  (off_t)(l->bytes + n));
	l->bytes += n;
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sim_fs *fs = fs_of(req);
	struct stat st;
	int error;

	sim_lock(fs->k);
	error = sim_fs_attr(fs, ino, &st);
	sim_unlock(fs->k);
	if (error) {
		fuse_reply_err(req, -error);
		return;
	}
	fi->fh = (uintptr_t)sim_new(sizeof(struct handle));
	fuse_reply_open(req, fi);
}

static void list_again(fuse_req_t req, fuse_ino_t ino, struct handle *h)
{
	struct listing l = {.req = req};
	struct sim_fs *fs = fs_of(req);

	sim_lock(fs->k);
	sim_fs_list(fs, ino, add_entry, &l);
	sim_unlock(fs->k);
	free(h->data);
	h->data = l.data;
	h->bytes = l.bytes;
}

/* Where the entry behind that one begins. Its end is the offset that it holds. */
static size_t entry_end(const struct handle *h, size_t at)
{
	uint64_t end;

	memcpy(&end, h->data + at + 8, 8); /* struct fuse_dirent: ino, off */
	return (size_t)end;
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	struct handle *h = (struct handle *)(uintptr_t)fi->fh;
	size_t from = 0, to;
	char *copy;

	if (off == 0 || !h->data)
		list_again(req, ino, h);
	while (off > 0 && from < h->bytes && from < (size_t)off)
		from = entry_end(h, from); /* any offset can be sought */
	for (to = from; to < h->bytes && entry_end(h, to) - from <= size;)
		to = entry_end(h, to);
	/* of a copy: once it is answered the directory may be closed */
	copy = sim_new(to - from + 1);
	memcpy(copy, h->data + from, to - from);
	fuse_reply_buf(req, copy, to - from);
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

/* ---------------------------------------------------------------- files */

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct sim_fs *fs = fs_of(req);
	struct handle *h;
	struct stat st;
	int error;

	sim_lock(fs->k);
	error = sim_fs_attr(fs, ino, &st);
	if (!error)
		error = sim_fs_fault(fs->k, "open", ino);
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

/* The part of a file that a read asks for; *bytes becomes how much there is. With the lock held. */
static char *slice(fuse_ino_t ino, const struct handle *h, size_t *bytes, off_t off)
{
	char *part;

	if (sim_fs_paged(ino) && *bytes > SIM_PAGE_BYTES)
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
		error = sim_fs_fault(fs->k, "read", ino);
	if (!error && (off == 0 || !h->data || sim_fs_paged(ino)))
		error = sim_fs_fill(fs, ino, h);
	if (!error)
		part = slice(ino, h, &size, off);
	sim_unlock(fs->k);
	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_buf(req, part, size);
	free(part);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t n, off_t off,
		     struct fuse_file_info *fi)
{
	long done;

	(void)fi;
	done = sim_fs_write(fs_of(req), ino, data, n, off);
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
	ino = sim_fs_find(fs, dir, name);
	error = !ino					       ? -ENOENT
		: kind_of(ino) != TX || file_of(ino) != TX_DIR ? -EPERM
							       : sim_fs_fault(fs->k, "rmdir", ino);
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
	error = sim_fs_fault(fs->k, "ioctl", ino);
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

struct sim_fs *sim_fs_start(struct sim_kernel *k, int fd)
{
	char *argv[] = {(char *)(uintptr_t) "mk-sim", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct sim_fs *fs = sim_new(sizeof *fs);
	char path[32];
	pthread_t thread;

	fs->k = k;
	sim_fs_collect(fs);
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
