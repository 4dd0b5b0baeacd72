/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes blobs: what is vetted and read is written as a blob that reads back
 * as itself, byte for byte, and that the lines form can hold.
 */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "fdt.h"
#include "lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

static bool read_blob(struct mk_tree *t, struct mk_arena *a, const char *data, size_t len)
{
	static const struct mk_file file = {.name = "blob"};
	const void *blob;
	struct mk_err err;
	size_t size;

	if (mk_fdt_vet(a, data, len, "blob", 0, &blob, &size, &err))
		return false;
	require(size <= len);
	mk_tree_init(t, a);
	return mk_fdt_read(t, blob, &file, &err) == MK_OK;
}

static void one(struct mk_arena *a, const char *data, size_t len)
{
	struct mk_buf first, second, lines, json;
	struct mk_tree t, again, of_lines;
	struct mk_file file;
	struct mk_err err;

	if (!read_blob(&t, a, data, len))
		return;
	mk_buf_init(&first, a);
	require(mk_fdt_write(&first, &t, 0, &err) == MK_OK);
	require(read_blob(&again, a, first.data, first.len));
	mk_buf_init(&second, a);
	require(mk_fdt_write(&second, &again, 0, &err) == MK_OK);
	require(first.len == second.len && !memcmp(first.data, second.data, first.len));

	mk_buf_init(&json, a);
	mk_tree_json(&json, &t);
	require(!t.root->name[0]);
	mk_buf_init(&lines, a);
	mk_lines_print(&lines, &t);
	file = (struct mk_file){.name = "lines", .text = lines.data, .len = lines.len};
	mk_tree_init(&of_lines, a);
	require(mk_lines_parse(&of_lines, &file, &err) == MK_OK);
	mk_buf_init(&second, a);
	require(mk_fdt_write(&second, &of_lines, 0, &err) == MK_OK);
	require(first.len == second.len && !memcmp(first.data, second.data, first.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mk_arena arena;

	mk_arena_init(&arena, NULL);
	one(&arena, (const char *)data, size);
	mk_arena_free(&arena);
	return 0;
}
