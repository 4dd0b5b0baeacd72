/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_print: a tree as source. A value has no type in a tree: what reads as
 * text is written as strings, the rest as cells or bytes, and every byte of it
 * comes back when the source is compiled.
 */
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "num.h"

/* Properties that are numbers even where their bytes could be text. */
static bool is_numeric_name(const char *name)
{
	static const char *const exact[] = {"reg",	  "phandle",	"linux,phandle", "ranges",
					    "dma-ranges", "interrupts", "cpus",		 "id",
					    "size",	  "available",	"host-reserved", "total"};
	static const char *const endings[] = {"-cells", "-bytes", "-base", "-size", "-id"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		if (!strcmp(name, exact[i]))
			return true;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && !strcmp(name + len - n, endings[i]))
			return strcmp(name, "pci-id") != 0;
	}
	return false;
}

static bool is_text(unsigned char c)
{
	return (c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\n' || c == '\r';
}

/* Strings, none of them empty; empty ones are believed only where it cannot be cells. */
static bool looks_like_strings(const char *data, size_t len)
{
	size_t nuls = 0, empty = 0;

	if (data[len - 1] != '\0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\0') {
			nuls++;
			empty += i == 0 || data[i - 1] == '\0';
		} else if (!is_text((unsigned char)data[i])) {
			return false;
		}
	}
	if (!empty)
		return true;
	return len % 4 && (nuls <= len - nuls || len == 1);
}

enum mk_value_kind mk_value_kind(const char *prop_name, const char *data, size_t len)
{
	if (!len)
		return MK_VALUE_EMPTY;
	if (len % 4 == 0 && is_numeric_name(prop_name))
		return MK_VALUE_CELLS;
	if (looks_like_strings(data, len))
		return MK_VALUE_STRINGS;
	return len % 4 ? MK_VALUE_BYTES : MK_VALUE_CELLS;
}

static void print_string(struct mk_buf *b, const char *s, size_t len)
{
	mk_buf_char(b, '"');
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '"' || c == '\\') {
			mk_buf_char(b, '\\');
			mk_buf_char(b, c);
		} else if (c == '\t' || c == '\n' || c == '\r') {
			mk_buf_str(b, c == '\t' ? "\\t" : c == '\n' ? "\\n" : "\\r");
		} else {
			mk_buf_char(b, c);
		}
	}
	mk_buf_char(b, '"');
}

void mk_dts_print_value(struct mk_buf *b, const char *prop_name, const char *data, size_t len)
{
	size_t n;

	switch (mk_value_kind(prop_name, data, len)) {
	case MK_VALUE_EMPTY: break;
	case MK_VALUE_STRINGS:
		for (size_t i = 0; i < len; i += n + 1) {
			if (i)
				mk_buf_str(b, ", ");
			n = strlen(data + i);
			print_string(b, data + i, n);
		}
		break;
	case MK_VALUE_CELLS:
		mk_buf_room(b, len / 4 * 11 + 2);
		for (size_t i = 0; i < len; i += 4) {
			mk_buf_char(b, i ? ' ' : '<');
			mk_buf_hex(b, mk_be32(data + i));
		}
		mk_buf_char(b, '>');
		break;
	case MK_VALUE_BYTES:
		mk_buf_room(b, len * 3 + 2);
		for (size_t i = 0; i < len; i++) {
			unsigned char c = (unsigned char)data[i];

			mk_buf_char(b, i ? ' ' : '[');
			mk_buf_char(b, "0123456789abcdef"[c >> 4]);
			mk_buf_char(b, "0123456789abcdef"[c & 15]);
		}
		mk_buf_char(b, ']');
		break;
	}
}

struct printer {
	struct mk_buf *b;
	struct mk_tree *t;
	const struct mk_dts_print *how;
	struct mk_err *err;
};

static void indent(struct mk_buf *b, unsigned depth)
{
	while (depth--)
		mk_buf_char(b, '\t');
}

/* A name that the language has: its characters, and not empty. */
static int check_name(struct printer *p, const char *name, bool of_node, const struct mk_node *n)
{
	static const char chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-";
	size_t good = 0;

	while (name[good] &&
	       (strchr(chars, name[good]) || strchr(of_node ? "@" : "*#?", name[good])))
		good++;
	if (name[0] && !name[good] &&
	    (!of_node || !strchr(name, '@') || !strchr(strchr(name, '@') + 1, '@')))
		return MK_OK;
	mk_fail(p->err, MK_BAD, "in %s: source cannot hold a %s of the name '%s'",
		mk_node_path(p->t->arena, n), of_node ? "node" : "property", name);
	mk_hint(p->err, "-O lines can write it");
	return MK_BAD;
}

static void print_labels(struct printer *p, const struct mk_label *l)
{
	for (; l; l = l->next)
		if (!l->deleted) {
			mk_buf_str(p->b, l->name);
			mk_buf_str(p->b, ": ");
		}
}

static int print_node(struct printer *p, const struct mk_node *n, unsigned depth,
		      const struct mk_prop *skip)
{
	int rc;

	mk_buf_str(p->b, " {\n");
	for (const struct mk_prop *q = mk_prop_first(n); q; q = mk_prop_next(q)) {
		if (q == skip)
			continue;
		rc = check_name(p, q->name, false, n);
		if (rc)
			return rc;
		indent(p->b, depth + 1);
		print_labels(p, q->labels);
		mk_buf_str(p->b, q->name);
		if (q->len)
			mk_buf_str(p->b, " = ");
		mk_dts_print_value(p->b, q->name, q->data, q->len);
		mk_buf_str(p->b, ";\n");
	}
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		rc = check_name(p, c->name, true, n);
		if (rc)
			return rc;
		if (c != mk_first(n) || mk_prop_first(n))
			mk_buf_char(p->b, '\n');
		indent(p->b, depth + 1);
		print_labels(p, c->labels);
		mk_buf_str(p->b, c->name);
		rc = print_node(p, c, depth + 1, NULL);
		if (rc)
			return rc;
	}
	indent(p->b, depth);
	mk_buf_str(p->b, "};\n");
	return MK_OK;
}

int mk_dts_print(struct mk_buf *b, struct mk_tree *t, const struct mk_dts_print *how,
		 struct mk_err *err)
{
	struct printer p = {.b = b, .t = t, .how = how, .err = err};
	const struct mk_prop *model = how->view ? mk_prop(t, t->root, "model") : NULL;

	if (how->view && !mk_prop_is_string(model)) {
		mk_fail(err, MK_BAD, "the root has no property 'model' to name it by");
		mk_hint(err,
			"a view is the tree of one instance; print other trees without --view");
		return MK_BAD;
	}
	if (model || t->root->name[0]) {
		int rc = check_name(&p, model ? model->data : t->root->name, true, t->root);

		if (rc)
			return rc;
	}
	mk_buf_str(b, "/dts-v1/;\n");
	if (t->reserve)
		mk_buf_char(b, '\n');
	for (const struct mk_reserve *r = t->reserve; r; r = r->next) {
		mk_buf_str(b, "/memreserve/ ");
		mk_buf_hex(b, r->address);
		mk_buf_char(b, ' ');
		mk_buf_hex(b, r->size);
		mk_buf_str(b, ";\n");
	}
	mk_buf_str(b, "\n/");
	if (model)
		mk_buf_str(b, model->data);
	else
		mk_buf_str(b, t->root->name);
	return print_node(&p, t->root, 0, model);
}
