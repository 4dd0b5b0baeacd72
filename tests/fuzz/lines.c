/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the lines form: what is read is printed so that it reads back and prints the same. */
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

static bool read_lines(struct mk_tree *t, struct mk_arena *a, const char *text, size_t len)
{
	struct mk_file *file = mk_arena_alloc(a, sizeof(*file));
	struct mk_err err;

	*file = (struct mk_file){.name = "fuzz", .text = text, .len = len};
	mk_tree_init(t, a);
	return mk_lines_parse(t, file, &err) == MK_OK;
}

static void one(struct mk_arena *a, const char *data, size_t len)
{
	struct mk_buf first, second, blob, json;
	struct mk_tree t, again;
	struct mk_err err;

	if (!read_lines(&t, a, data, len))
		return;
	mk_buf_init(&first, a);
	mk_lines_print(&first, &t);
	require(read_lines(&again, a, first.data, first.len));
	mk_buf_init(&second, a);
	mk_lines_print(&second, &again);
	require(first.len == second.len && !memcmp(first.data, second.data, first.len));

	mk_buf_init(&blob, a);
	require(mk_fdt_write(&blob, &again, 0, &err) == MK_OK);
	mk_buf_init(&json, a);
	mk_tree_json(&json, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mk_arena arena;

	mk_arena_init(&arena, NULL);
	one(&arena, (const char *)data, size);
	mk_arena_free(&arena);
	return 0;
}
