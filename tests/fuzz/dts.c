/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes device tree source: whatever is accepted gives a blob that reads back
 * as the same tree, and a printed source that compiles to it. Opens no files.
 */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dialect.h"
#include "dts.h"
#include "fdt.h"
#include "lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a source says in other words, or cannot say: see mk-dts(5). */
struct quirks {
	bool name;    /* a property "name" is dropped from a source, or is an error */
	bool phandle; /* one that a source may not have, made for __local_fixups__ */
	bool reserve; /* of 0 bytes: ends the list in a blob */
};

static void find_quirks(struct quirks *q, struct mk_tree *t, struct mk_node *n)
{
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		q->name |= !strcmp(p->name, "name");
		q->phandle |= !strcmp(p->name, "phandle") || !strcmp(p->name, "linux,phandle");
	}
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c))
		find_quirks(q, t, c);
}

static void require(bool what)
{
	if (!what)
		abort();
}

static bool compile(struct mk_tree *t, struct mk_arena *a, const char *text, size_t len,
		    bool symbols)
{
	static const struct mk_file none;
	const struct mk_dts_options opts = {
		.dialect = &mk_dialect, .symbols = symbols, .no_files = true};
	struct mk_file *file = mk_arena_alloc(a, sizeof(*file));
	struct mk_dts_input input = {0};
	struct mk_err err;

	*file = none;
	file->name = "fuzz";
	file->text = text;
	file->len = len;
	mk_tree_init(t, a);
	return mk_dts_parse(t, file, &opts, &input, &err) == MK_OK;
}

static void write_blob(struct mk_buf *b, struct mk_arena *a, struct mk_tree *t)
{
	struct mk_err err;

	mk_buf_init(b, a);
	require(mk_fdt_write(b, t, 0, &err) == MK_OK);
}

static void read_blob(struct mk_tree *t, struct mk_arena *a, const struct mk_buf *b)
{
	static const struct mk_file file = {.name = "blob"};
	const void *blob;
	struct mk_err err;
	size_t size;

	require(mk_fdt_vet(a, b->data, b->len, "blob", 0, &blob, &size, &err) == MK_OK);
	require(size == b->len);
	mk_tree_init(t, a);
	require(mk_fdt_read(t, blob, &file, &err) == MK_OK);
}

static bool same(const struct mk_buf *a, const struct mk_buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void one(struct mk_arena *a, const char *text, size_t len, bool symbols)
{
	struct mk_tree tree, again, printed, lines;
	struct mk_buf blob, blob_again, blob_printed, blob_lines, source, text_lines;
	struct quirks q = {0};
	struct mk_file file;
	struct mk_err err;

	if (!compile(&tree, a, text, len, symbols))
		return;
	write_blob(&blob, a, &tree);
	find_quirks(&q, &tree, tree.root);
	for (const struct mk_reserve *r = tree.reserve; r; r = r->next)
		q.reserve |= !r->size;

	read_blob(&again, a, &blob);
	write_blob(&blob_again, a, &again);
	require(q.reserve || same(&blob, &blob_again));

	mk_buf_init(&text_lines, a);
	mk_lines_print(&text_lines, &tree);
	file = (struct mk_file){.name = "lines", .text = text_lines.data, .len = text_lines.len};
	mk_tree_init(&lines, a);
	require(mk_lines_parse(&lines, &file, &err) == MK_OK);
	write_blob(&blob_lines, a, &lines);
	require(same(&blob, &blob_lines));

	mk_buf_init(&source, a);
	require(mk_dts_print(&source, &tree, &(struct mk_dts_print){.view = false}, &err) == MK_OK);
	if (!compile(&printed, a, source.data, source.len, false)) {
		require(q.name || q.phandle);
		return;
	}
	printed.boot_cpuid = tree.boot_cpuid; /* a source has none */
	write_blob(&blob_printed, a, &printed);
	require(q.name || same(&blob, &blob_printed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mk_arena arena;

	if (!size)
		return 0;
	mk_arena_init(&arena, NULL);
	one(&arena, (const char *)data, size, data[size - 1] & 1);
	mk_arena_free(&arena);
	return 0;
}
