/* SPDX-License-Identifier: Apache-2.0 */
/* fs_data: what a file holds when it is read, and what a write to it does. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "fs_int.h"

/* ---------------------------------------------------------------- faults */

/* The path by which --fault knows a file: as below /sys/fs/multikernel. */
static void fault_path(const struct sim_kernel *k, uint64_t ino, char *out, size_t room)
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
			 sim_instance_files[file_of(ino)]);
		return;
	case TX:
		snprintf(out, room, "overlays/tx_%d%s%s", (int)which_of(ino),
			 file_of(ino) ? "/" : "", file_of(ino) ? sim_tx_files[file_of(ino)] : "");
		return;
	case LAZY: snprintf(out, room, "lazy_cma"); return;
	case TOP:
	case HOST: break;
	}
	snprintf(out, room, "host");
}

int sim_fs_fault(struct sim_kernel *k, const char *op, uint64_t ino)
{
	char path[512];

	if (!k->faults.n || kind_of(ino) == HOST || kind_of(ino) == TOP)
		return 0;
	fault_path(k, ino, path, sizeof path);
	return sim_fault(&k->faults, op, path);
}

/* ---------------------------------------------------------------- reading */

/* What a small file of one line holds; 0 when the file is none. */
static int show_line(struct sim_kernel *k, uint64_t ino, char *out, size_t room)
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

static int fill_line(struct sim_kernel *k, uint64_t ino, struct handle *h)
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
static int fill_instance_tree(struct sim_kernel *k, uint64_t ino, struct handle *h)
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

static int fill_dtbo(struct sim_kernel *k, uint64_t ino, struct handle *h)
{
	const struct sim_tx *tx = sim_tx_find(k, (int)which_of(ino));

	if (!tx)
		return -ENODEV;
	h->data = sim_new(tx->bytes);
	memcpy(h->data, tx->dtbo, tx->bytes);
	h->bytes = tx->bytes;
	return 0;
}

bool sim_fs_paged(uint64_t ino)
{
	return (kind_of(ino) == INSTANCE && file_of(ino) == IN_DEVICE_TREE) ||
	       (kind_of(ino) == TX && file_of(ino) == TX_DTBO);
}

int sim_fs_fill(struct sim_fs *fs, uint64_t ino, struct handle *h)
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

long sim_fs_write(struct sim_fs *fs, uint64_t ino, const char *data, size_t n, int64_t off)
{
	int error;

	sim_lock(fs->k);
	error = sim_fs_fault(fs->k, "write", ino);
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
