/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction: a write to overlays/new and a rmdir of what it has left. The
 * write succeeds also when the overlay fails (T1); rmdir runs the inverse of every
 * operation, whether that ever happened or not (T3, T4).
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "props.h"

const char *sim_tx_word(enum sim_tx_status s)
{
	static const char *const word[] = {"pending", "applied", "failed", "removed"};

	return word[s];
}

struct sim_tx *sim_tx_find(const struct sim_kernel *k, int id)
{
	return id >= 0 && (size_t)id < k->tx_cap ? k->tx[id] : NULL;
}

static void show_string(const void *fdt, int node, const char *name, char *out, size_t room)
{
	int len;
	const char *s = fdt_getprop(fdt, node, name, &len);

	if (s && len > 0)
		snprintf(out, room, "%.*s", len, s);
}

static void describe(const struct sim_kernel *k, struct sim_tx *tx)
{
	int node;

	strcpy(tx->target, "unknown");
	strcpy(tx->resources, "unknown");
	show_string(tx->fdt, 0, "mk,resources", tx->resources, sizeof tx->resources);
	if (k->abi == 1) {
		/* "fragment-0" is what that kernel looks for, and no overlay has one */
		show_string(tx->fdt, 0, "mk,instance", tx->target, 64);
		node = fdt_path_offset(tx->fdt, "/fragment-0/__overlay__");
		if (node >= 0)
			show_string(tx->fdt, node, "mk,instance", tx->target, 64);
		return;
	}
	node = sim_overlay_first(tx->fdt);
	if (node >= 0)
		show_string(tx->fdt, node, "target-path", tx->target, sizeof tx->target);
}

static struct sim_tx *new_tx(struct sim_kernel *k, const void *data, size_t bytes)
{
	struct sim_tx *tx = sim_new(sizeof *tx);
	size_t claimed = fdt_totalsize(data);

	/*
	 * The kernel keeps a page and lets libfdt walk beyond it, where anything
	 * may be. Here are zeros, and never more than a whole tree may have.
	 */
	if (claimed > SIM_BLOB_MAX)
		claimed = SIM_BLOB_MAX;
	tx->dtbo = sim_new(bytes);
	memcpy(tx->dtbo, data, bytes);
	tx->bytes = bytes;
	tx->fdt = sim_new(claimed > bytes ? claimed : bytes);
	memcpy(tx->fdt, data, bytes);
	if (fdt_totalsize(data) > SIM_BLOB_MAX)
		fdt_set_totalsize(tx->fdt, SIM_BLOB_MAX);
	sim_blob_guard(tx->fdt);
	tx->id = ++k->last_tx_id;
	k->n_tx++;
	return tx;
}

static void link_tx(struct sim_kernel *k, struct sim_tx *tx)
{
	size_t cap = k->tx_cap;

	while (k->tx_cap <= (size_t)tx->id) {
		k->tx = sim_more(k->tx, k->tx_cap, &k->tx_cap, sizeof *k->tx);
		memset(k->tx + cap, 0, (k->tx_cap - cap) * sizeof *k->tx);
		cap = k->tx_cap;
	}
	k->tx[tx->id] = tx;
	sim_changed(k);
}

static void apply(struct sim_kernel *k, struct sim_tx *tx)
{
	describe(k, tx);
	tx->error = sim_overlay_walk(k, tx, false);
	tx->applied = !tx->error;
	tx->status = tx->applied ? SIM_TX_APPLIED : SIM_TX_FAILED;
	link_tx(k, tx);
}

/* T6: somebody else's transaction, the moment ours is there: it changes nothing. */
static void intrude(struct sim_kernel *k)
{
	static const char note[] = "another writer's", path[] = "/instances";
	char fdt[256] = {0};

	if (!sim_trap(&k->faults, 6))
		return;
	if (fdt_create(fdt, sizeof fdt) || fdt_finish_reservemap(fdt) || fdt_begin_node(fdt, "") ||
	    fdt_property(fdt, "mk,resources", note, sizeof note) ||
	    fdt_begin_node(fdt, "fragment@0") ||
	    fdt_property(fdt, "target-path", path, sizeof path) ||
	    fdt_begin_node(fdt, "__overlay__") || fdt_end_node(fdt) || fdt_end_node(fdt) ||
	    fdt_end_node(fdt) || fdt_finish(fdt))
		abort();
	apply(k, new_tx(k, fdt, fdt_totalsize(fdt)));
}

long sim_overlay_write(struct sim_kernel *k, const void *data, size_t bytes, int64_t offset)
{
	struct sim_tx *tx;

	if (offset)
		return -EINVAL;
	if (!bytes)
		return -EINVAL;
	if (bytes > SIM_PAGE_BYTES)
		bytes = SIM_PAGE_BYTES; /* T5: kernfs hands over a page a write */
	if (bytes < sizeof(struct fdt_header) || fdt_check_header(data))
		return -EINVAL;
	sim_lock(k);
	tx = new_tx(k, data, bytes); /* the id is taken before the turn comes */
	sim_unlock(k);
	pthread_mutex_lock(&k->overlay);
	sim_lock(k);
	apply(k, tx);
	intrude(k);
	sim_unlock(k);
	pthread_mutex_unlock(&k->overlay);
	return (long)bytes;
}

static void unlink_tx(struct sim_kernel *k, struct sim_tx *tx)
{
	k->tx[tx->id] = NULL;
	free(tx->dtbo);
	free(tx->fdt);
	free(tx);
}

int sim_overlay_rmdir(struct sim_kernel *k, int id)
{
	struct sim_tx *tx;
	int error = -ENOENT;

	pthread_mutex_lock(&k->overlay);
	sim_lock(k);
	tx = sim_tx_find(k, id);
	if (tx) {
		if (!tx->applied)
			sim_violation(k, "tx_%d, which had failed, was rolled back by rmdir", id);
		error = sim_overlay_walk(k, tx, true);
		tx->error = error;
		if (error)
			tx->status = SIM_TX_FAILED;
		else
			unlink_tx(k, tx);
	}
	sim_changed(k);
	sim_unlock(k);
	pthread_mutex_unlock(&k->overlay);
	return error;
}
