/* SPDX-License-Identifier: Apache-2.0 */
/* decode_value: names and values of properties, and what is said when they are of a wrong shape. */
#include "decode_int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"
#include "sort.h"

struct mk_where mk_at(const struct mk_node *n, const struct mk_prop *p)
{
	return (struct mk_where){.node = n, .prop = p};
}

char *mk_decode_hint(struct mk_decoder *d, const char *before, const char *name, const char *after)
{
	return mk_arena_fmt(d->s->arena, "%s%s%s", before, name, after);
}

void mk_decode_item(struct mk_decoder *d, struct mk_diag *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	x->item = mk_arena_more(d->s->arena, x->item, x->n_items, &x->items_cap, sizeof(*x->item));
	x->item[x->n_items++] = mk_arena_vfmt(d->s->arena, fmt, ap);
	va_end(ap);
}

/* ------------------------------------------------------------ names */

/* The known name that is longer: "mem" is the beginning of "memory", from which others go on. */
static const char *begins_as(const char *name, const char *const *known)
{
	const char *found = NULL;
	size_t len = strlen(name);

	for (; len > 2 && *known; known++) {
		if (strncmp(*known, name, len) != 0)
			continue;
		if (!found || !strncmp(*known, found, strlen(*known)))
			found = *known;
		else if (strncmp(*known, found, strlen(found)) != 0)
			return NULL; /* it could be either */
	}
	return found;
}

/* By edits: two in a long name, one in a short one. */
static const char *nearly(const char *name, const char *const *known)
{
	const char *best = NULL;
	unsigned limit = strlen(name) > 5 ? 2 : 1, edits = limit + 1;

	for (; *known; known++) {
		unsigned e = mk_num_edits(name, *known, limit);

		if (e < edits && e > 0) {
			edits = e;
			best = *known;
		}
	}
	return best;
}

const char *mk_nearest(const char *name, const char *const *known)
{
	const char *best = nearly(name, known);

	return best ? best : begins_as(name, known);
}

/* Properties that any node may have. */
bool mk_decode_is_common(const char *name)
{
	static const char *const common[] = {
		"phandle", "linux,phandle", "#address-cells", "#size-cells",
		"status",  "label",	    "compatible",     NULL};

	for (size_t i = 0; common[i]; i++)
		if (!strcmp(name, common[i]))
			return true;
	return false;
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

/*
 * Names that are not known: an error in a closed node, elsewhere a warning
 * when one is nearly a known name (it will have been meant). False for errors.
 */
bool mk_decode_check_names(struct mk_decoder *d, const struct mk_node *n, const char *const *known,
			   bool closed)
{
	bool good = true;

	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		const char *near;
		struct mk_diag *x;

		if (mk_decode_is_common(p->name) || is_one_of(p->name, known))
			continue;
		near = mk_nearest(p->name, known);
		if (closed) {
			good = false;
			x = ERR(d, "MK804", mk_at(n, p), "'%s' is no property of %s", p->name,
				mk_node_path(d->s->arena, n));
			x->at = p->at;
			if (near) {
				x->hint = mk_decode_hint(d, "did you mean '", near, "'?");
			} else {
				struct mk_buf b;

				mk_buf_init(&b, d->s->arena);
				mk_buf_str(&b, "known here:");
				for (size_t i = 0; known[i]; i++)
					mk_buf_fmt(&b, "%s %s", i ? "," : "", known[i]);
				x->hint = mk_buf_cstr(&b);
			}
		} else if (near) {
			x = WARN(d, "MK804", mk_at(n, p), "'%s' is not known and kept as it is",
				 p->name);
			x->at = p->at;
			x->hint = mk_decode_hint(d, "did you mean '", near, "'?");
		}
	}
	return good;
}

void mk_decode_check_nodes(struct mk_decoder *d, const struct mk_node *n, const char *const *known,
			   bool closed)
{
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		char *base = mk_arena_strn(d->s->arena, c->name, mk_base_len(c->name));
		const char *near;
		struct mk_diag *x;

		if (is_one_of(base, known))
			continue;
		near = nearly(base, known);
		if (!near && !closed)
			continue;
		x = ERR(d, "MK804", mk_at(c, NULL), "a node '%s' is not known in %s", c->name,
			mk_node_path(d->s->arena, n));
		if (near)
			x->hint = mk_decode_hint(d, "did you mean '", near, "'?");
		else if (!strcmp(base, "memory"))
			x->hint = "memory@... stands beside memory { }, not in it";
		else
			x->hint = "take it out: nothing in it would be read";
	}
}

/* ------------------------------------------------------------ values */

/* In a source it can be seen that a number was written as text; in a blob both are bytes. */
static bool is_text(const struct mk_prop *p)
{
	return p->value.line && p->value.file && p->value.file->text &&
	       p->value.off < p->value.file->len && p->value.file->text[p->value.off] == '"';
}

struct mk_prop *mk_decode_prop(struct mk_decoder *d, struct mk_node *n, const char *name)
{
	return mk_prop(d->t, n, name);
}

enum { CELLS_SHOWN = 64 };

/* A cpulist in words, "4-7": as the cells that were meant; else an example. */
static const char *as_cells(struct mk_decoder *d, const struct mk_prop *p, const char *example)
{
	struct mk_ids ids;
	struct mk_buf b;
	size_t at;

	if (!mk_prop_is_string(p) || !mk_ids_parse(d->s->arena, p->data, p->len - 1, &ids, &at) ||
	    !ids.n || ids.n > CELLS_SHOWN)
		return example;
	mk_buf_init(&b, d->s->arena);
	for (size_t i = 0; i < ids.n; i++)
		mk_buf_fmt(&b, "%s%llu", i ? " " : "<", (unsigned long long)ids.id[i]);
	mk_buf_char(&b, '>');
	return mk_buf_cstr(&b);
}

/* A size in words, "2G": as the number that was meant. */
static const char *as_number(struct mk_decoder *d, const struct mk_prop *p)
{
	uint64_t v;

	if (!mk_prop_is_string(p) || !mk_num_size(p->data, p->len - 1, &v))
		return NULL;
	return mk_arena_fmt(d->s->arena, "<0x%llx 0x%llx>", (unsigned long long)(v >> 32),
			    (unsigned long long)(v & UINT32_MAX));
}

void mk_decode_wrong_type(struct mk_decoder *d, const struct mk_node *n, const struct mk_prop *p,
			  const char *wanted, const char *example)
{
	ERR(d, "MK801", mk_at(n, p), "'%s' must be %s, not %u bytes%s", p->name, wanted, p->len,
	    mk_value_kind("", p->data, p->len) == MK_VALUE_STRINGS ? " of text" : "")
		->hint = mk_decode_hint(d, "write it as ", example, "");
}

/* One string, or NULL with a finding when the property is there and something else. */
const char *mk_decode_string(struct mk_decoder *d, struct mk_node *n, const char *name)
{
	struct mk_prop *p = mk_decode_prop(d, n, name);

	if (!p)
		return NULL;
	if (mk_prop_is_string(p))
		return p->data;
	mk_decode_wrong_type(d, n, p, "one string", "text in quotes");
	return NULL;
}

bool mk_decode_u32(struct mk_decoder *d, struct mk_node *n, const char *name, uint32_t *v)
{
	struct mk_prop *p = mk_decode_prop(d, n, name);

	if (!p)
		return false;
	if (!is_text(p) && mk_prop_u32(p, v))
		return true;
	mk_decode_wrong_type(d, n, p, "one cell", as_cells(d, p, "a number: <1>"));
	return false;
}

bool mk_decode_u64(struct mk_decoder *d, struct mk_node *n, const char *name, uint64_t *v,
		   struct mk_where *w)
{
	struct mk_prop *p = mk_decode_prop(d, n, name);
	const char *number;

	if (!p)
		return false;
	if (w)
		*w = mk_at(n, p);
	if (!is_text(p) && mk_prop_u64(p, v))
		return true;
	number = as_number(d, p);
	mk_decode_wrong_type(d, n, p, "one number of 32 or 64 bits",
			     number ? number : "<0x0 0x40000000>");
	return false;
}

bool mk_decode_cells(struct mk_arena *a, const struct mk_prop *p, unsigned cells,
		     struct mk_ids *out)
{
	uint32_t step = cells * 4;

	*out = (struct mk_ids){0};
	if (p->len % step)
		return false;
	for (uint32_t i = 0; i < p->len; i += step)
		mk_ids_add(a, out, cells == 2 ? mk_be64(p->data + i) : mk_be32(p->data + i));
	return true;
}

/* 32-bit numbers: VFs, namespaces, distances, NUMA nodes. */
bool mk_decode_numbers(struct mk_decoder *d, struct mk_node *n, const char *name,
		       struct mk_cpus *out)
{
	struct mk_prop *p = mk_decode_prop(d, n, name);

	if (!p)
		return false;
	out->where = mk_at(n, p);
	out->known = !is_text(p) && mk_decode_cells(d->s->arena, p, 1, &out->ids);
	if (!out->known)
		mk_decode_wrong_type(d, n, p, "a list of cells",
				     as_cells(d, p, "numbers: <1 2 3>"));
	return out->known;
}

static bool all_high_zero(const struct mk_prop *p)
{
	for (uint32_t i = 0; i < p->len; i += 8)
		if (mk_be32(p->data + i))
			return false;
	return true;
}

static bool ascending32(const struct mk_prop *p)
{
	for (uint32_t i = 4; i < p->len; i += 4)
		if (mk_be32(p->data + i) <= mk_be32(p->data + i - 4))
			return false;
	return true;
}

/*
 * The user has said how wide the cells are. What reads the tree next has not
 * heard it: a list that would be read otherwise gets cells of 64 bits, and
 * where these would be taken for pairs of 32 bits, the tree says so.
 */
static void settle(struct mk_decoder *d, struct mk_prop *p, const struct mk_cpus *list,
		   unsigned cells)
{
	struct mk_buf b;

	if (cells == 2 && !all_high_zero(p) && !mk_prop(d->t, d->t->root, "mk,cpu-cells")) {
		mk_add_u32(d->t, d->t->root, "mk,cpu-cells", 2);
		d->s->rewritten = true;
	}
	if (cells == 2 || p->len % 8)
		return;
	mk_buf_init(&b, d->s->arena);
	for (size_t i = 0; i < list->ids.n; i++)
		mk_buf_be64(&b, list->ids.id[i]);
	p->data = b.data;
	p->len = (uint32_t)b.len;
	p->marks = NULL;
	d->s->rewritten = true;
}

/*
 * A list of CPU ids. How wide its cells are is not written anywhere: dialects
 * that leave no doubt are 64-bit, for the rest the rule of mk-dts(5) decides.
 */
bool mk_decode_cpus(struct mk_decoder *d, struct mk_node *n, const char *name, struct mk_cpus *out)
{
	struct mk_prop *p = mk_decode_prop(d, n, name);
	unsigned cells = d->wide ? 2 : d->opts->cpu_cells;

	if (!p)
		return false;
	out->where = mk_at(n, p);
	if (p->len % 4 || is_text(p) ||
	    (mk_prop_is_strings(p) && mk_value_kind("", p->data, p->len) == MK_VALUE_STRINGS)) {
		ERR(d, "MK801", out->where, "'%s' is not a list of CPU ids", name)->hint =
			mk_decode_hint(d, "write every id: ", as_cells(d, p, "<4 5 6 7>"), "");
		return false;
	}
	if (!cells)
		cells = p->len % 8 || !all_high_zero(p) ? 1 : 2;
	if (!d->wide && !d->opts->cpu_cells && cells == 1 && p->len % 8 == 0) {
		if (!ascending32(p)) {
			ERR(d, "MK801", out->where, "'%s' can be read as ids of 32 or of 64 bits",
			    name)
				->hint = "write /bits/ 64 <...>, or let mk-validate --cpu-cells 1 "
					 "(32 bits) or 2 (64 bits) settle it";
			return false;
		}
		WARN(d, "MK805", out->where, "'%s' is read as ids of 32 bits", name)->hint =
			"write /bits/ 64 <...>, or let mk-validate --cpu-cells 1|2 settle it";
	}
	out->known = mk_decode_cells(d->s->arena, p, cells, &out->ids);
	if (!out->known)
		mk_decode_wrong_type(d, n, p,
				     d->wide ? "a list of 64-bit ids, as this form has it"
					     : "a list of 64-bit ids",
				     "/bits/ 64 <4 5 6 7>");
	else if (d->s->dialect == MK_DIALECT_KERNEL && out->ids.n && !all_high_zero(p) &&
		 ascending32(p))
		WARN(d, "MK805", out->where, "'%s' is read as ids of 64 bits, the first is 0x%llx",
		     name, (unsigned long long)out->ids.id[0])
			->hint = "this form has no others: write /bits/ 64 <4 5>";
	else if (!d->wide && d->opts->cpu_cells)
		settle(d, p, out, cells);
	return out->known;
}

/* reg: one base and one size, 64 bits each. */
bool mk_decode_reg(struct mk_decoder *d, struct mk_node *n, uint64_t *base, uint64_t *size)
{
	struct mk_prop *p = mk_decode_prop(d, n, "reg");

	if (!p)
		return false;
	if (p->len == 16) {
		*base = mk_be64(p->data);
		*size = mk_be64(p->data + 8);
		return true;
	}
	mk_decode_wrong_type(d, n, p, "a base and a size of 64 bits",
			     "<0x0 0x80000000 0x0 0x40000000>");
	return false;
}

/* ------------------------------------------------------------ phandles */

static void collect_handles(struct mk_decoder *d, struct mk_node *n)
{
	uint32_t v;

	if (mk_prop_u32(mk_decode_prop(d, n, "phandle"), &v) ||
	    mk_prop_u32(mk_decode_prop(d, n, "linux,phandle"), &v)) {
		d->handle = mk_arena_more(d->s->arena, d->handle, d->n_handles, &d->handles_cap,
					  sizeof(*d->handle));
		d->handle[d->n_handles++] = (struct mk_handle){v, n};
	}
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c))
		collect_handles(d, c);
}

static int by_handle(const void *x, const void *y)
{
	const struct mk_handle *a = x, *b = y;

	return a->phandle < b->phandle ? -1 : a->phandle > b->phandle;
}

struct mk_node *mk_decode_by_phandle(struct mk_decoder *d, uint32_t phandle)
{
	struct mk_handle key = {phandle, NULL}, *found;

	if (!d->have_handles) {
		collect_handles(d, d->t->root);
		mk_sort(d->handle, d->n_handles, sizeof(*d->handle), by_handle);
		d->have_handles = true;
	}
	if (!d->n_handles)
		return NULL;
	found = bsearch(&key, d->handle, d->n_handles, sizeof(*d->handle), by_handle);
	return found ? found->node : NULL;
}
