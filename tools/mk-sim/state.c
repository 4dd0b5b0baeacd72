/* SPDX-License-Identifier: Apache-2.0 */
/* state: all that the simulated kernel knows, as records, for assertions. */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "ctl.h"
#include "kernel.h"
#include "ranges.h"
#include "record.h"

static void put_ids(struct mk_record_writer *w, struct mk_arena *a, const char *key,
		    const struct sim_ids *ids)
{
	struct mk_ids list = {0};
	size_t i;

	for (i = 0; i < ids->n; i++)
		mk_ids_add(a, &list, ids->id[i]);
	mk_record_key(w, key);
	mk_ids_print(w->b, &list);
}

static void put_pcis(struct mk_record_writer *w, const char *key, const struct sim_pcis *pci,
		     const struct sim_plats *platform)
{
	char id[24];
	size_t i;

	if (!pci->n && !platform->n)
		return;
	mk_record_key(w, key);
	for (i = 0; i < pci->n; i++) {
		const struct sim_pci *p = &pci->d[i];

		snprintf(id, sizeof id, "%04x:%02x:%02x.%x", p->domain, p->bus, p->slot, p->func);
		if (i)
			mk_buf_char(w->b, ',');
		mk_record_add(w, id);
	}
	for (i = 0; i < platform->n; i++) {
		if (i || pci->n)
			mk_buf_char(w->b, ',');
		mk_record_add(w, platform->d[i].name);
	}
}

static void put_span(struct mk_record_writer *w, uint64_t base, uint64_t size)
{
	mk_buf_hex(w->b, base);
	mk_buf_char(w->b, '+');
	mk_buf_u64(w->b, size);
}

static void put_host(struct mk_record_writer *w, struct mk_arena *a, const struct sim_kernel *k)
{
	struct sim_ids online = {0};
	size_t i;

	for (i = 0; i < k->m.n_cpus; i++)
		if (k->m.cpu[i].online) {
			online.id = sim_more(online.id, online.n, &online.cap, sizeof *online.id);
			online.id[online.n++] = k->m.cpu[i].id;
		}
	mk_record_begin(w, "host", "@host", true);
	mk_record_u64(w, "abi", k->stock ? 0 : k->abi);
	put_ids(w, a, "host-cpus", &online);
	mk_record_u64(w, "transactions", k->n_tx);
	if (k->host_image)
		mk_record_str(w, "cmdline", k->host_image); /* T9: what it has staged */
	mk_record_u64(w, "violations", k->violations);
	mk_record_end(w);
}

static void put_pool(struct mk_record_writer *w, struct mk_arena *a, const struct sim_kernel *k)
{
	size_t i;

	if (!k->baseline)
		return;
	mk_record_begin(w, "pool", "@pool", true);
	put_ids(w, a, "free-cpus", &k->pool);
	mk_record_u64(w, "free", sim_pool_avail(k));
	put_pcis(w, "devices", &k->pci, &k->platform);
	mk_record_end(w);
	for (i = 0; i < k->n_chunks; i++) {
		mk_record_begin(w, "chunk", "@pool", true);
		mk_record_key(w, "memory");
		put_span(w, k->chunk[i]->base, k->chunk[i]->size);
		mk_record_u64(w, "numa-node", k->chunk[i]->node);
		mk_record_end(w);
	}
}

static const char *life(const struct sim_kernel *k, const struct sim_instance *x)
{
	static const char *const word[] = {"parked", "running", "hung", "panicked"};

	return x->life == SIM_RUNNING && x->up_at > sim_now(k) ? "booting" : word[x->life];
}

static void put_instance(struct mk_record_writer *w, struct mk_arena *a, const struct sim_kernel *k,
			 const struct sim_instance *x)
{
	size_t i;

	mk_record_begin(w, "instance", x->name, false);
	mk_record_u64(w, "id", (uint64_t)x->id);
	mk_record_str(w, "state", sim_state_word(x->state));
	mk_record_str(w, "life", life(k, x));
	mk_record_u64(w, "boots", x->boots);
	put_ids(w, a, "cpus", &x->cpus);
	mk_record_key(w, "memory");
	for (i = 0; i < x->n_regions; i++) {
		if (i)
			mk_buf_char(w->b, ',');
		put_span(w, x->region[i].base, x->region[i].size);
	}
	put_pcis(w, "devices", &x->pci, &x->platform);
	mk_record_end(w);
	if (!x->image)
		return;
	mk_record_begin(w, "image", x->name, false);
	mk_record_u64(w, "kernel-size", x->image->kernel_bytes);
	mk_record_u64(w, "initrd-size", x->image->initrd_bytes);
	mk_record_str(w, "cmdline", x->image->cmdline);
	mk_record_end(w);
}

void sim_state_records(struct sim_kernel *k, struct mk_arena *a, struct mk_buf *b)
{
	struct mk_record_writer w;
	char name[32];
	size_t i;

	mk_record_begin_stream(&w, b);
	put_host(&w, a, k);
	put_pool(&w, a, k);
	for (i = 0; i < k->n_buffers; i++) {
		mk_record_begin(&w, "buffer", k->buffer[i].in_pool ? "@pool" : "@host", true);
		mk_record_str(&w, "name", k->buffer[i].name);
		mk_record_key(&w, "memory");
		put_span(&w, k->buffer[i].base, k->buffer[i].size);
		mk_record_end(&w);
	}
	for (i = 0; i < k->n_instances; i++)
		put_instance(&w, a, k, k->instance[i]);
	for (i = 0; i < k->tx_cap; i++) {
		const struct sim_tx *tx = k->tx[i];

		if (!tx)
			continue;
		snprintf(name, sizeof name, "tx_%d", tx->id);
		mk_record_begin(&w, "transaction", name, true);
		mk_record_str(&w, "status", sim_tx_word(tx->status));
		if (tx->error)
			mk_record_str(&w, "error", sim_errno_name(tx->error));
		mk_record_u64(&w, "size", tx->bytes);
		mk_record_end(&w);
	}
	for (i = 0; i < k->violations && k->violation && k->violation[i]; i++) {
		mk_record_begin(&w, "violation", "-", true);
		mk_record_str(&w, "what", k->violation[i]);
		mk_record_end(&w);
		if (i == 63)
			break;
	}
	mk_record_end_stream(&w);
}
