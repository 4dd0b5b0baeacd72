/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what changes a machine: text is a batch of requests, which is placed,
 * compared, written as overlays, folded and undone; and it is a delta. The first
 * byte chooses the machine and the kernel interface.
 */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "decode.h"
#include "dialect.h"
#include "dts.h"
#include "invert.h"
#include "overlay.h"
#include "place.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char machine[] =
	"/multikernel-v1/;\n/ { compatible = \"linux,multikernel-state\"; mk,abi = <ABI>;\n"
	"mk,block-bytes = <0 0x200000>; resources { cpus = /bits/ 64 <1 2 3 4 5 6 7 8>; host-cpus = "
	"/bits/ 64 <0 9>;\nmemory@40000000 { reg = <0 0x40000000 0 0x1000000>; numa-node-id = <0>; };\n"
	"memory@80000000 { reg = <0 0x80000000 0 0x1800000>; numa-node-id = <1>; };\n"
	"in-use { region@80800000 { reg = <0 0x80800000 0 0x100000>; owner = \"daxfs\"; }; };\n"
	"topology { numa-nodes { node@0 { cpus = /bits/ 64 <0 1 2 3 4>; distance-matrix = <10 21>; };\n"
	"node@1 { cpus = /bits/ 64 <5 6 7 8 9>; distance-matrix = <21 10>; }; };\n"
	"cores { core@0 { cpus = /bits/ 64 <1 2>; }; core@1 { cpus = /bits/ 64 <5 6>; }; }; };\n"
	"devices { eth0 { pci-id = \"0000:01:00.0\"; sriov-vfs = <2>; vf@1 { pci-id = "
	"\"0000:01:10.1\"; }; };\nnvme0 { pci-id = \"0000:02:00.0\"; namespaces = <2>; }; }; };\n"
	"instances { web { id = <1>; devices = \"eth0_vf1\"; resources { cpus = /bits/ 64 <1 3>;\n"
	"memory@40000000 { reg = <0 0x40000000 0 0x400000>; numa-node-id = <0>; }; }; };\n"
	"db { state = \"active\"; resources { cpus = /bits/ 64 <5>; memory@80000000 { reg = <0 "
	"0x80000000 0 0x200000>; numa-node-id = <1>; }; }; }; }; };\n";

static void require(bool what)
{
	if (!what)
		abort();
}

static void build(struct mk_arena *a, struct mk_state *s, char abi)
{
	static const struct mk_dts_options opts = {.dialect = &mk_dialect, .no_files = true};
	struct mk_file *file = mk_arena_alloc(a, sizeof(*file));
	struct mk_tree *t = mk_arena_alloc(a, sizeof(*t));
	const struct mk_decode_options decode = {0};
	char *text = mk_arena_str(a, machine);
	struct mk_dts_input input = {0};
	struct mk_diags d;
	struct mk_err err;

	memcpy(strstr(text, "ABI"), (char[]){abi, ' ', ' '}, 3);
	*file = (struct mk_file){.name = "machine", .text = text, .len = strlen(text)};
	mk_tree_init(t, a);
	require(!mk_dts_parse(t, file, &opts, &input, &err));
	mk_diags_init(&d, a);
	mk_decode(s, t, &decode, &d);
	require(!d.errors);
}

static bool valid(const struct mk_state *s)
{
	const struct mk_rules_options opts = {0};
	struct mk_diags d;

	mk_diags_init(&d, s->arena);
	mk_rules_run(s, &opts, &d);
	return !d.errors;
}

/* Overlays of a delta, executed; what they did, for undoing it. */
static bool fold(struct mk_state *s, const struct mk_delta *d, uint32_t abi, struct mk_delta ***done,
		 size_t *n)
{
	struct mk_overlays overlays = {0};
	struct mk_fold f;
	struct mk_err err;

	if (mk_overlays_make(&overlays, d, abi, 4096, &err))
		return false;
	*done = mk_arena_array(s->arena, overlays.n, sizeof(struct mk_delta *));
	mk_fold_init(&f, s);
	f.strict = true;
	for (*n = 0; *n < overlays.n; ++*n) {
		struct mk_delta *one = mk_arena_alloc(s->arena, sizeof(*one));

		mk_delta_init(one, s->arena);
		if (mk_overlay_read(one, overlays.tree[*n], s, &err) ||
		    mk_fold_apply(&f, one, &err)) {
			mk_fold_end(&f);
			return false;
		}
		(*done)[*n] = one;
	}
	mk_fold_end(&f);
	return true;
}

static void requests(struct mk_arena *a, const struct mk_file *text, char abi)
{
	const struct mk_place_options opts = {.steps = 5000};
	struct mk_state old, new, folded, want;
	struct mk_batch batch = {0};
	struct mk_record_reader r;
	struct mk_delta d, back, **done;
	struct mk_record rec;
	struct mk_err err;
	size_t n;
	bool got;

	mk_record_open(&r, text);
	for (;;) {
		if (mk_record_next(&r, a, &rec, &got, &err))
			return;
		if (!got)
			break;
		if (mk_batch_add(&batch, a, &rec, &err))
			return;
	}
	build(a, &old, abi);
	new = mk_state_copy(&old);
	if (mk_place(&new, &batch, &opts, &err) || !valid(&new))
		return;
	mk_delta_init(&d, a);
	require(!mk_delta_compute(&d, &old, &new, &err));
	folded = mk_state_copy(&old);
	if (!fold(&folded, &d, (uint32_t)(abi - '0'), &done, &n))
		return;
	mk_delta_init(&back, a);
	require(!mk_delta_compute(&back, &folded, &new, &err) && !back.n);
	mk_delta_init(&back, a);
	mk_invert(&back, &old, done, n, NULL, &want, &err);
}

static void delta(struct mk_arena *a, const struct mk_file *text, char abi)
{
	struct mk_delta d, **done;
	struct mk_state s;
	struct mk_err err;
	size_t n;

	mk_delta_init(&d, a);
	if (mk_delta_read(&d, text, &err))
		return;
	build(a, &s, abi);
	if (fold(&s, &d, (uint32_t)(abi - '0'), &done, &n))
		valid(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mk_arena a;
	struct mk_file text = {.name = "fuzz"};

	if (!size)
		return 0;
	if (!a.chunk)
		mk_arena_init(&a, NULL);
	text.text = mk_arena_strn(&a, (const char *)data + 1, size - 1);
	text.len = size - 1;
	if (data[0] & 2)
		delta(&a, &text, data[0] & 1 ? '1' : '2');
	else
		requests(&a, &text, data[0] & 1 ? '1' : '2');
	mk_arena_reset(&a);
	return 0;
}
