/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what reads machines: whatever source compiles or blob reads is decoded,
 * judged by all rules, and written as a state that reads back as itself.
 */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "decode.h"
#include "dialect.h"
#include "dts.h"
#include "encode.h"
#include "fdt.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

static bool read_blob(struct mk_tree *t, struct mk_arena *a, const void *data, size_t len)
{
	static const struct mk_file file = {.name = "blob"};
	const void *blob;
	struct mk_err err;
	size_t size;

	mk_tree_init(t, a);
	return mk_fdt_vet(a, data, len, "blob", 0, &blob, &size, &err) == MK_OK &&
	       mk_fdt_read(t, blob, &file, &err) == MK_OK;
}

static bool read_any(struct mk_tree *t, struct mk_arena *a, const char *data, size_t len)
{
	static const struct mk_dts_options opts = {.dialect = &mk_dialect, .no_files = true};
	struct mk_file *file = mk_arena_alloc(a, sizeof(*file));
	struct mk_dts_input input = {0};
	struct mk_err err;

	if (read_blob(t, a, data, len))
		return true;
	file->name = "fuzz";
	file->text = data;
	file->len = len;
	mk_tree_init(t, a);
	return mk_dts_parse(t, file, &opts, &input, &err) == MK_OK;
}

/* All that is wrong with a state was wrong with it before. */
static void nothing_new(const struct mk_state *s, const struct mk_diags *decoded,
			struct mk_rules_options opts)
{
	struct mk_diags before = *decoded, after;
	struct mk_known known;

	mk_known_of(&known, s, &opts, &before);
	mk_diags_init(&after, s->arena);
	opts.known = &known;
	mk_rules_run(s, &opts, &after);
	for (const struct mk_diag *d = after.first; d; d = d->next)
		require(d->severity != MK_ERROR || mk_known_has(&known, d));
}

static void one(struct mk_arena *a, const char *data, size_t len, unsigned cpu_cells)
{
	const struct mk_decode_options decode = {.cpu_cells = cpu_cells};
	const struct mk_rules_options opts = {.baseline = cpu_cells == 1};
	struct mk_tree tree, again_tree;
	struct mk_state state, again;
	struct mk_diags diags, again_diags, judged;
	struct mk_buf blob, second;
	struct mk_err err;

	if (!read_any(&tree, a, data, len) || mk_is_overlay(&tree))
		return;
	mk_diags_init(&diags, a);
	mk_decode(&state, &tree, &decode, &diags);
	judged = diags;
	mk_rules_run(&state, &opts, &judged);
	mk_diags_init(&diags, a);
	mk_decode(&state, &tree, &decode, &diags);
	nothing_new(&state, &diags, opts);
	if (diags.errors || state.dialect == MK_DIALECT_VIEW)
		return;
	mk_buf_init(&blob, a);
	if (mk_encode_blob(&blob, &state, &err))
		return;
	require(read_blob(&again_tree, a, blob.data, blob.len));
	mk_diags_init(&again_diags, a);
	mk_decode(&again, &again_tree, &(struct mk_decode_options){0}, &again_diags);
	require(!again_diags.errors);
	mk_buf_init(&second, a);
	require(mk_encode_blob(&second, &again, &err) == MK_OK);
	require(blob.len == second.len && !memcmp(blob.data, second.data, blob.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mk_arena arena;

	if (!size)
		return 0;
	mk_arena_init(&arena, NULL);
	one(&arena, (const char *)data, size, data[size - 1] % 3);
	mk_arena_free(&arena);
	return 0;
}
