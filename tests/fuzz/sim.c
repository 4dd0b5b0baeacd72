/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the simulated kernel: baselines, overlays and removed transactions, one
 * after the other, by both ABIs. Whatever is written, nothing is given twice,
 * and the trees that it reads back as can be read.
 *
 * Input: a byte for the ABI, then steps: a byte that says what, and a blob as
 * long as its header claims (or, to remove a transaction, its number).
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "fdt.h"
#include "kernel.h"
#include "num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CPUS = 8, FUNCTIONS = 3 };

static void require_at(bool what, int line)
{
	if (what)
		return;
	fprintf(stderr, "tests/fuzz/sim.c:%d: not so\n", line);
	abort();
}
#define require(what) require_at(what, __LINE__)

/* Eight CPUs, two nodes of 4 GiB, three functions of one bus. */
static void make_machine(struct sim_machine *m)
{
	static struct sim_cpu cpu[CPUS];
	static uint32_t by_id[CPUS];
	static struct sim_node node[2] = {{.id = 0, .base = 0, .size = 4ULL << 30},
					  {.id = 1, .base = 4ULL << 30, .size = 4ULL << 30}};
	static struct sim_function function[FUNCTIONS];
	uint32_t i;

	for (i = 0; i < CPUS; i++) {
		cpu[i] = (struct sim_cpu){.id = i, .node = i / 4, .present = true, .online = true};
		by_id[i] = i;
	}
	for (i = 0; i < FUNCTIONS; i++)
		function[i] = (struct sim_function){.bus = 9,
						    .slot = (uint8_t)i,
						    .vendor = 0x8086,
						    .device = 0x1572,
						    .driver = "i40e",
						    .pf = SIZE_MAX};
	*m = (struct sim_machine){.cpu = cpu,
				  .n_cpus = CPUS,
				  .by_id = by_id,
				  .node = node,
				  .n_nodes = 2,
				  .function = function,
				  .n_functions = FUNCTIONS,
				  .host_bytes = 1 << 30,
				  .block_bytes = 128 << 20};
}

/* Every CPU has one owner, unless ABI 1 was told to forget them by a second baseline. */
static void check_cpus(const struct sim_kernel *k, bool again)
{
	unsigned owners[CPUS] = {0};
	size_t i, c;

	for (i = 0; i < k->pool.n; i++)
		owners[k->pool.id[i]]++;
	for (i = 0; i < k->n_instances; i++)
		for (c = 0; c < k->instance[i]->cpus.n; c++)
			owners[k->instance[i]->cpus.id[c]]++;
	for (i = 0; i < CPUS; i++)
		require(again || owners[i] + k->m.cpu[i].online <= 1);
}

static void check_memory(const struct sim_kernel *k)
{
	size_t i, p;

	for (i = 0; i < k->n_chunks; i++) {
		const struct sim_chunk *c = k->chunk[i];
		uint64_t from = c->base;

		for (p = 0; p < c->n_taken; p++) {
			require(c->taken[p].base >= from);
			from = c->taken[p].base + c->taken[p].size;
		}
		require(from <= c->base + c->size);
	}
}

static void check_tree(char *tree, size_t bytes)
{
	struct mk_arena a;
	struct mk_err err;
	const void *blob;
	size_t size;

	if (!tree)
		return; /* too large, as the kernel has it */
	mk_arena_init(&a, NULL);
	require(!mk_fdt_vet(&a, tree, bytes, "tree", 0, &blob, &size, &err) && size == bytes);
	mk_arena_free(&a);
	free(tree);
}

static void check(struct sim_kernel *k, bool again)
{
	struct sim_resource *r;
	size_t bytes = 0, i;
	char *tree;

	check_cpus(k, again);
	check_memory(k);
	tree = sim_tree_root(k, &bytes);
	check_tree(tree, bytes);
	for (i = 0; i < k->n_instances; i++) {
		tree = sim_tree_instance(k, k->instance[i], &bytes);
		check_tree(tree, bytes);
	}
	require(sim_resources(k, &r) > 0);
	free(r);
}

static void destroy(struct sim_kernel *k)
{
	size_t i;

	while (k->n_instances) {
		k->instance[0]->state = SIM_READY;
		require(!sim_instance_destroy(k, k->instance[0]));
	}
	for (i = 0; i < k->n_chunks; i++) {
		free(k->chunk[i]->taken);
		free(k->chunk[i]);
	}
	for (i = 0; i < k->tx_cap; i++)
		if (k->tx[i]) {
			free(k->tx[i]->dtbo);
			free(k->tx[i]->fdt);
			free(k->tx[i]);
		}
	for (i = 0; k->violation && i < k->violations && i < 64; i++)
		free(k->violation[i]);
	free(k->violation);
	free(k->instance);
	free(k->chunk);
	free(k->tx);
	free(k->pool.id);
	free(k->pci.d);
	free(k->platform.d);
	free(k->listed.d);
	free(k->buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	unsigned baselines = 0;
	struct sim_kernel k;
	size_t n;

	sim_kernel_init(&k);
	make_machine(&k.m);
	if (size)
		k.abi = 1 + *data++ % 2;
	while (data < end) {
		unsigned what = *data++ % 3;

		if (what == 2) {
			if (data < end)
				sim_overlay_rmdir(&k, *data++ % 16);
		} else {
			n = end - data >= 8 ? mk_be32(data + 4) : 0;
			if (!n || n > (size_t)(end - data))
				n = (size_t)(end - data);
			/* a copy: what is read beyond it is found */
			char *blob = malloc(n ? n : 1);

			memcpy(blob, data, n);
			if (what == 0)
				baselines += !sim_baseline_write(&k, blob, n);
			else
				sim_overlay_write(&k, blob, n, 0);
			free(blob);
			data += n;
		}
		check(&k, k.abi == 1 && baselines > 1);
	}
	destroy(&k);
	return 0;
}
