/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line: random machines and requests through the whole line. What is placed is
 * valid; what is different becomes overlays that fit; folding them gives what
 * was wanted; a batch is a set. For both ABIs.
 */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "batch.h"
#include "decode.h"
#include "encode.h"
#include "fdt.h"
#include "invert.h"
#include "memmap.h"
#include "overlay.h"
#include "place.h"
#include "rules.h"
#include "tap.h"

enum { CASES = 6000 };

static struct mk_arena a;
static unsigned long long seed;

static unsigned long long below(unsigned long long n)
{
	return tap_random(&seed) % n;
}

/* NUMA nodes with every other CPU, and cores of two where ids follow each other. */
static void add_topology(struct mk_state *s)
{
	struct mk_ids sorted = mk_ids_sorted(&a, &s->pool.ids);

	for (unsigned n = 0; n < 2; n++) {
		struct mk_numa *x;

		s->numa = mk_arena_more(&a, s->numa, s->n_numa, &s->numa_cap, sizeof(*s->numa));
		x = &s->numa[s->n_numa++];
		*x = (struct mk_numa){.id = n, .cpus = {.known = true}};
		mk_ids_add(&a, &x->distance, n ? 21 : 10);
		mk_ids_add(&a, &x->distance, n ? 10 : 21);
		for (size_t i = 0; i < sorted.n; i++)
			if (i / 4 % 2 == n)
				mk_ids_add(&a, &x->cpus.ids, sorted.id[i]);
	}
	for (size_t i = 0; i + 1 < sorted.n; i += 2) {
		struct mk_core *x;

		s->core = mk_arena_more(&a, s->core, s->n_cores, &s->cores_cap, sizeof(*s->core));
		x = &s->core[s->n_cores++];
		*x = (struct mk_core){.id = (uint32_t)i / 2, .cpus = {.known = true}};
		mk_ids_add(&a, &x->cpus.ids, sorted.id[i]);
		mk_ids_add(&a, &x->cpus.ids, sorted.id[i + 1]);
	}
	for (size_t i = 0; i < s->chunks.n; i++)
		s->chunks.m[i].node = (uint32_t)i % 2;
}

/* A machine in our own form: sparse CPU ids in no order, chunks, devices. */
static void machine(struct mk_state *s, unsigned abi)
{
	struct mk_tree *t = mk_arena_alloc(&a, sizeof(*t));
	const struct mk_decode_options opts = {0};
	struct mk_diags d;
	struct mk_node *r, *n;
	struct mk_ids cpus = {0};
	uint64_t base = 0x40000000, id = 1;

	mk_tree_init(t, &a);
	mk_add_node(t, NULL, "");
	mk_add_str(t, t->root, "compatible", "linux,multikernel-state");
	mk_add_u32(t, t->root, "mk,abi", abi);
	r = mk_add_node(t, t->root, "resources");
	for (unsigned long long k = 8 + below(24); k; k--, id += 1 + below(3) / 2)
		mk_ids_add(&a, &cpus, id);
	for (size_t i = cpus.n; i-- > 1;) { /* a pool has an order of its own */
		size_t k = (size_t)below(i + 1);
		uint64_t x = cpus.id[i];

		cpus.id[i] = cpus.id[k];
		cpus.id[k] = x;
	}
	mk_add_ids(t, r, "cpus", &cpus);
	for (unsigned long long k = 1 + below(3); k; k--) {
		uint64_t size = (1 + below(64)) << 20;

		n = mk_add_node(t, r, mk_arena_fmt(&a, "memory@%llx", (unsigned long long)base));
		mk_add_reg(t, n, base, size);
		base += size + (below(2) << 21);
	}
	n = mk_add_node(t, r, "devices");
	for (unsigned i = 0; i < 3; i++) {
		struct mk_node *dev = mk_add_node(t, n, mk_arena_fmt(&a, "dev%u", i));

		mk_add_str(t, dev, "pci-id", mk_arena_fmt(&a, "0000:0%u:00.0", i));
	}
	mk_add_node(t, t->root, "instances");
	mk_diags_init(&d, &a);
	mk_decode(s, t, &opts, &d);
	if (d.errors)
		abort();
	if (below(2))
		add_topology(s);
}

/* What the kernel of ABI 2 does behind an overlay: memory gets its addresses. */
static bool settle(struct mk_state *s)
{
	static uint64_t top = 0x10000000000;
	struct mk_memmap map;

	for (size_t i = 0; i < s->chunks.n; i++)
		if (!s->chunks.m[i].placed) {
			s->chunks.m[i].placed = true;
			s->chunks.m[i].base = top;
			top += s->chunks.m[i].size + (1 << 20);
		}
	mk_memmap_init(&map, s);
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++) {
			struct mk_mem *m = &s->instance[i].mem.m[k];

			if (m->placed)
				continue;
			if (!mk_memmap_fit(&map, m->node, m->size, 4096, &m->base))
				return false; /* it would come in pieces */
			m->placed = true;
			m->node = mk_memmap_node_at(&map, m->base, m->size);
			mk_memmap_take(&map, m);
		}
	return true;
}

static const char *wishes(const struct mk_state *s)
{
	static const char *const some[] = {" numa-nodes=0",
					   " numa-nodes=1 memory-policy=bind",
					   " numa-nodes=1,0 memory-policy=bind",
					   " memory-policy=interleave",
					   " memory-policy=local",
					   " cpu-affinity=spread",
					   " numa-nodes=0,1 cpu-affinity=spread memory-policy=interleave"};

	return !s->n_numa || below(2) ? "" : some[below(sizeof(some) / sizeof(some[0]))];
}

static char *pool_request(const struct mk_state *s)
{
	uint64_t some = s->pool.ids.n ? s->pool.ids.id[below(s->pool.ids.n)] : 1;

	switch (below(5)) {
	case 0:
		return mk_arena_fmt(&a, "pool-add @pool memory=%lluM%s\n", 1 + below(8),
				    s->n_numa ? "@1" : "");
	case 1: return mk_arena_fmt(&a, "pool-add @pool cpus=%llu\n", 500 + below(100));
	case 2: return mk_arena_fmt(&a, "pool-remove @pool devices=dev%llu\n", below(3));
	case 3:
		return s->chunks.n ? mk_arena_fmt(&a, "pool-remove @pool memory=0x%llx+%llu\n",
						  (unsigned long long)s->chunks.m[0].base,
						  (unsigned long long)s->chunks.m[0].size)
				   : "";
	default:
		return mk_arena_fmt(&a, "pool-remove @pool cpus=%llu\n", (unsigned long long)some);
	}
}

static char *requests(const struct mk_state *s, char **shuffled)
{
	struct mk_buf b, c;
	char *line[16];
	size_t n = 0, used = 0;

	mk_buf_init(&b, &a);
	mk_buf_init(&c, &a);
	for (unsigned i = 0; i < 8; i++) {
		const char *name = mk_arena_fmt(&a, "i%u", i);
		const struct mk_instance *x = mk_instance_find(s, name);
		const char *devices =
			below(4) ? "" : mk_arena_fmt(&a, " devices=dev%llu", below(3));

		if (below(2))
			continue;
		if (!x)
			line[n++] = mk_arena_fmt(&a, "create %s %s=%llu memory=%lluM%s%s\n", name,
						 below(4) ? "cpu-count" : "cpus", 1 + below(5),
						 1 + below(24), devices, wishes(s));
		else if (!below(3))
			line[n++] = mk_arena_fmt(&a, "delete %s\n", name);
		else if (below(2))
			line[n++] =
				mk_arena_fmt(&a, "update %s cpu-count=%llu\n", name, 1 + below(6));
		else if (!below(4))
			line[n++] = mk_arena_fmt(&a, "update %s memory=%lluM allow-move=yes\n",
						 name, 1 + below(16));
		else
			line[n++] =
				mk_arena_fmt(&a, "update %s memory=%lluK%s\n", name,
					     (unsigned long long)(mk_mems_bytes(&x->mem) >> 10) +
						     4 * below(4096),
					     devices);
	}
	if (s->abi == 2 && !below(3))
		line[n++] = pool_request(s);
	for (size_t i = 0; i < n; i++)
		mk_buf_str(&b, line[i]);
	for (used = n; used;) {
		size_t k = (size_t)below(used);

		mk_buf_str(&c, line[k]);
		line[k] = line[--used];
	}
	*shuffled = mk_buf_cstr(&c);
	return mk_buf_cstr(&b);
}

static int place(struct mk_state *s, const char *text, struct mk_err *err)
{
	const struct mk_place_options opts = {.steps = MK_PLACE_STEPS};
	struct mk_batch batch;

	if (batch_of(&a, text, &batch, err))
		return MK_BAD;
	return mk_place(s, &batch, &opts, err);
}

/* A pool may lose all that it has: mk-alloc refuses that when all is placed. */
static bool emptied(const char *rule)
{
	return !strcmp(rule, "MK102") || !strcmp(rule, "MK106");
}

static size_t errors(const struct mk_state *s)
{
	const struct mk_rules_options opts = {0};
	struct mk_diags d;

	mk_diags_init(&d, &a);
	mk_rules_run(s, &opts, &d);
	for (const struct mk_diag *x = d.first; x; x = x->next)
		if (x->severity == MK_ERROR && emptied(x->rule))
			d.errors--;
		else if (x->severity == MK_ERROR)
			tap_note("%s [%s]", x->text, x->rule);
	return d.errors;
}

/* The state as its canonical bytes, decoded again: what another tool would see. */
static bool through_blob(const struct mk_state *from, struct mk_state *to)
{
	struct mk_tree *t = mk_arena_alloc(&a, sizeof(*t));
	struct mk_file *f = mk_arena_alloc(&a, sizeof(*f));
	const struct mk_decode_options opts = {0};
	const void *blob;
	struct mk_diags d;
	struct mk_err err;
	struct mk_buf b, again;
	size_t size;

	f->name = "blob";
	mk_buf_init(&b, &a);
	mk_buf_init(&again, &a);
	mk_tree_init(t, &a);
	mk_diags_init(&d, &a);
	if (mk_encode_blob(&b, from, &err) ||
	    mk_fdt_vet(&a, b.data, b.len, "b", 0, &blob, &size, &err) ||
	    mk_fdt_read(t, blob, f, &err))
		return false;
	mk_decode(to, t, &opts, &d);
	if (d.errors || mk_encode_blob(&again, to, &err))
		return false;
	return b.len == again.len && !memcmp(b.data, again.data, b.len);
}

struct totals {
	unsigned placed, refused, invalid, unstable, unequal, oversized, unordered, unfolded,
		unread, undone, wrong_way, unlike;
};

/* The same delta for a kernel of ABI 2 leads to the same state, but for where memory is. */
static void other_abi(struct totals *n, const struct mk_state *now, const struct mk_delta *d,
		      const struct mk_state *folded)
{
	struct mk_state first = mk_state_copy(folded), second = mk_state_copy(now);
	struct mk_overlays overlays = {0};
	struct mk_delta again;
	struct mk_err err = {0};
	struct mk_fold f;

	if (mk_overlays_make(&overlays, d, 2, 4096, &err)) {
		tap_note("for ABI 2: %s", err.text);
		n->unlike++;
		return;
	}
	second.abi_known = false;
	mk_fold_init(&f, &second);
	f.strict = true;
	for (size_t i = 0; i < overlays.n; i++) {
		mk_delta_init(&again, &a);
		if (mk_overlay_read(&again, overlays.tree[i], &second, &err) ||
		    mk_fold_apply(&f, &again, &err)) {
			/* ABI 1 alone takes back a part of a region */
			if (strstr(err.text, "is not one of its regions"))
				return;
			tap_note("for ABI 2: %s", err.text);
			n->unlike++;
			return;
		}
	}
	mk_fold_end(&f);
	first.abi = second.abi = 2;
	mk_delta_init(&again, &a);
	if (mk_delta_compute(&again, &first, &second, &err) || again.n) {
		struct mk_buf b;

		mk_buf_init(&b, &a);
		mk_delta_print(&b, &again);
		tap_note("by ABI 2: %s", strtok(mk_buf_cstr(&b), "#"));
		n->unlike++;
	}
}

/* What undoes the overlays leads back. */
static void undo(struct totals *n, const struct mk_state *before, struct mk_delta *const *done,
		 size_t n_done, const struct mk_state *after, unsigned abi)
{
	struct mk_overlays overlays = {0};
	struct mk_state want, folded = mk_state_copy(after);
	struct mk_delta d, again;
	struct mk_err err = {0};
	struct mk_fold f;

	mk_delta_init(&d, &a);
	if (mk_invert(&d, before, done, n_done, after, &want, &err) ||
	    mk_overlays_make(&overlays, &d, abi, 4096, &err)) {
		n->wrong_way++;
		tap_note("no way back: %s", err.text);
		return;
	}
	mk_fold_init(&f, &folded);
	f.strict = true;
	for (size_t i = 0; i < overlays.n; i++) {
		mk_delta_init(&again, &a);
		if (mk_overlay_read(&again, overlays.tree[i], &folded, &err) ||
		    mk_fold_apply(&f, &again, &err)) {
			tap_note("undoing: %s", err.text);
			n->wrong_way++;
			return;
		}
	}
	mk_fold_end(&f);
	mk_delta_init(&again, &a);
	if (mk_delta_compute(&again, before, &folded, &err) || again.n) {
		struct mk_buf b;

		mk_buf_init(&b, &a);
		mk_delta_print(&b, &again);
		tap_note("not undone: %s", strtok(mk_buf_cstr(&b), "#"));
		n->wrong_way++;
	}
	n->undone++;
}

static bool one_change(struct totals *n, struct mk_state *now, unsigned abi)
{
	struct mk_state want = mk_state_copy(now), other = mk_state_copy(now), seen, folded;
	char *shuffled, *text = requests(now, &shuffled);
	struct mk_overlays overlays = {0};
	struct mk_fold f;
	struct mk_delta d, again, **done;
	struct mk_state before;
	struct mk_err err = {0};
	char digest[2][17];

	if (place(&want, text, &err)) {
		n->refused++;
		if (err.code == MK_BAD && strncmp(err.text, "no placement was found", 22) != 0) {
			tap_note("malformed? %s", err.text);
			n->unread++;
		}
		return true;
	}
	n->placed++;
	n->invalid += errors(&want) != 0;
	n->unstable += !through_blob(&want, &seen);
	mk_delta_init(&d, &a);
	if (mk_delta_compute(&d, now, &seen, &err) ||
	    mk_overlays_make(&overlays, &d, abi, 4096, &err)) {
		tap_note("%s", err.text);
		n->unfolded++;
		return true;
	}
	folded = mk_state_copy(now);
	done = mk_arena_array(&a, overlays.n, sizeof(struct mk_delta *));
	mk_fold_init(&f, &folded);
	f.strict = true;
	for (size_t i = 0; i < overlays.n; i++) {
		struct mk_buf b;

		mk_buf_init(&b, &a);
		if (mk_fdt_write(&b, overlays.tree[i], 0, &err) || b.len > 4096)
			n->oversized++;
		mk_delta_init(&again, &a);
		if (mk_overlay_read(&again, overlays.tree[i], &folded, &err) ||
		    mk_fold_apply(&f, &again, &err)) {
			tap_note("%s", err.text);
			n->unfolded++;
			return true;
		}
		done[i] = mk_arena_alloc(&a, sizeof(again));
		*done[i] = again;
	}
	mk_fold_end(&f);
	mk_delta_init(&again, &a);
	if (mk_delta_compute(&again, &folded, &seen, &err) || again.n) {
		struct mk_buf b;

		mk_buf_init(&b, &a);
		mk_delta_print(&b, &again);
		tap_note("left over: %s", strtok(mk_buf_cstr(&b), "#"));
		n->unequal++;
	}
	n->invalid += errors(&folded) != 0;
	/* a batch is a set: another order gives the same state */
	if (place(&other, shuffled, &err) || mk_digest(digest[0], &want, &err) ||
	    mk_digest(digest[1], &other, &err) || strcmp(digest[0], digest[1]) != 0) {
		tap_note("in another order: %s", err.text);
		n->unordered++;
	}
	if (abi == 1)
		other_abi(n, now, &d, &folded);
	before = mk_state_copy(now);
	*now = seen;
	if (abi == 2 && !settle(now))
		return false;
	undo(n, &before, done, overlays.n, now, abi);
	return true;
}

static void run(unsigned abi)
{
	struct totals n = {0};

	seed = 1234567 + abi;
	for (int i = 0; i < CASES; i++) {
		struct mk_state s;

		machine(&s, abi);
		for (int k = 0; k < 4 && one_change(&n, &s, abi); k++)
			;
		mk_arena_reset(&a);
	}
	tap(n.placed > CASES && n.refused > CASES / 10, "ABI %u: %u changes placed, %u refused",
	    abi, n.placed, n.refused);
	tap(!n.unread, "ABI %u: no refusal calls a good request malformed", abi);
	tap(!n.invalid, "ABI %u: what is placed or folded is valid (%u are not)", abi, n.invalid);
	tap(!n.unstable, "ABI %u: a state is the same after it was written and read (%u are not)",
	    abi, n.unstable);
	tap(!n.oversized, "ABI %u: no overlay is larger than a page (%u are)", abi, n.oversized);
	tap(!n.unfolded, "ABI %u: every overlay can be folded (%u cannot)", abi, n.unfolded);
	tap(!n.unordered, "ABI %u: the order of a batch does not matter (%u times it did)", abi,
	    n.unordered);
	tap(n.undone > n.placed / 2 && !n.wrong_way,
	    "ABI %u: what was done is undone (%u times, %u are not)", abi, n.undone, n.wrong_way);
	if (abi == 1)
		tap(!n.unlike, "both ABIs lead to the same state but for addresses (%u do not)",
		    n.unlike);
	tap(!n.unequal, "ABI %u: folding leads to the state that was wanted (%u do not)", abi,
	    n.unequal);
}

int main(void)
{
	mk_arena_init(&a, NULL);
	run(1);
	run(2);
	mk_arena_free(&a);
	return tap_end();
}
