/* SPDX-License-Identifier: Apache-2.0 */
/* lines: the tree as one fact a line, printed and read back; the tree as JSON. */
#include "lines.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "dts.h"
#include "json.h"
#include "num.h"

/* ------------------------------------------------------------ printing */

static bool is_plain(unsigned char c)
{
	return c >= 0x21 && c <= 0x7e && !strchr("%:=/", c);
}

static void print_name(struct mk_buf *b, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (is_plain(c))
			mk_buf_char(b, (char)c);
		else
			mk_buf_fmt(b, "%%%02X", c);
	}
}

/* path holds the node's own path, escaped: "" for the root. */
static void print_node(struct mk_buf *b, struct mk_buf *path, const struct mk_node *n)
{
	size_t len = path->len;

	mk_buf_add(b, path->data, path->len);
	mk_buf_str(b, path->len ? "\n" : "/\n");
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		mk_buf_add(b, path->data, path->len);
		mk_buf_str(b, path->len ? ":" : "/:");
		print_name(b, p->name);
		if (p->len)
			mk_buf_char(b, '=');
		mk_dts_print_value(b, p->name, p->data, p->len);
		mk_buf_char(b, '\n');
	}
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		mk_buf_char(path, '/');
		print_name(path, c->name);
		print_node(b, path, c);
		path->len = len;
	}
}

void mk_lines_print(struct mk_buf *b, struct mk_tree *t)
{
	struct mk_buf path;

	mk_buf_init(&path, t->arena);
	for (const struct mk_reserve *r = t->reserve; r; r = r->next) {
		mk_buf_str(b, "/memreserve/ ");
		mk_buf_hex(b, r->address);
		mk_buf_char(b, ' ');
		mk_buf_hex(b, r->size);
		mk_buf_char(b, '\n');
	}
	mk_buf_str(b, "/boot-cpuid/ ");
	mk_buf_u64(b, t->boot_cpuid);
	mk_buf_char(b, '\n');
	print_node(b, &path, t->root);
}

/* ------------------------------------------------------------ reading */

struct reader {
	struct mk_tree *t;
	const struct mk_file *src;
	struct mk_err *err;
	uint32_t line;
	struct mk_node *last; /* the node of the line before, and how its path was written */
	const char *last_path;
	size_t last_len;
};

static struct mk_span span_at(const struct reader *r, const char *s, size_t len)
{
	return (struct mk_span){.file = r->src,
				.line = r->line,
				.off = (uint32_t)(s - r->src->text),
				.len = (uint32_t)len};
}

/* A name as it was before it was escaped, interned; NULL with err filled. */
static const char *read_name(struct reader *r, const char *s, size_t len)
{
	char *out = mk_arena_alloc(r->t->arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int hi, lo;

		if (s[i] != '%') {
			if (!is_plain((unsigned char)s[i])) {
				mk_fail_at(r->err, MK_BAD, span_at(r, s + i, 1),
					   "this byte must be written as %%%02X in a name",
					   (unsigned char)s[i]);
				return NULL;
			}
			out[n++] = s[i];
			continue;
		}
		hi = i + 1 < len ? mk_hex_digit((unsigned char)s[i + 1]) : -1;
		lo = i + 2 < len ? mk_hex_digit((unsigned char)s[i + 2]) : -1;
		if (hi < 0 || lo < 0 || hi * 16 + lo == 0 || hi * 16 + lo == '/') {
			mk_fail_at(
				r->err, MK_BAD, span_at(r, s + i, 1),
				"'%%' must be followed by two hexadecimal digits of a byte that is "
				"neither 0 nor '/'");
			return NULL;
		}
		out[n++] = (char)(hi * 16 + lo);
		i += 2;
	}
	if (!n)
		mk_fail_at(r->err, MK_BAD, span_at(r, s, len), "a name is missing here");
	return n ? mk_intern(&r->t->names, out, n) : NULL;
}

/* The node of an escaped path that earlier lines defined; NULL with err filled. */
static struct mk_node *find_node(struct reader *r, const char *s, size_t len)
{
	struct mk_node *n = r->t->root;

	if (r->last && len == r->last_len && !memcmp(s, r->last_path, len))
		return r->last;
	for (size_t i = 0; n && i < len;) {
		size_t begin = ++i; /* behind the '/' */
		const char *name;

		while (i < len && s[i] != '/')
			i++;
		if (len == 1)
			break;
		name = read_name(r, s + begin, i - begin);
		if (!name)
			return NULL;
		n = mk_child(r->t, n, name);
	}
	if (!n) {
		mk_fail_at(r->err, MK_BAD, span_at(r, s, len),
			   "no line before this one defines %.*s", (int)(len < 200 ? len : 200), s);
		mk_hint(r->err,
			"every node has a line of its own, above its properties and children");
		return NULL;
	}
	r->last = n;
	r->last_path = s;
	r->last_len = len;
	return n;
}

static int read_node(struct reader *r, const char *s, size_t len)
{
	size_t slash = len, depth = 0;
	struct mk_node *parent, *n;
	const char *name;

	if (len == 1) {
		if (r->t->root)
			return mk_fail_at(r->err, MK_BAD, span_at(r, s, 1), "a second root");
		r->t->root = mk_node_new(r->t, mk_intern(&r->t->names, "", 0), span_at(r, s, 1));
		return MK_OK;
	}
	for (size_t i = 0; i < len; i++)
		depth += s[i] == '/';
	if (depth > MK_DEPTH_MAX)
		return mk_fail_at(r->err, MK_BAD, span_at(r, s, len),
				  "nodes are nested more than %d deep", MK_DEPTH_MAX);
	while (s[slash - 1] != '/')
		slash--;
	/* the parent's path: without the last name and its '/', but "/" for the root */
	parent = find_node(r, s, slash > 1 ? slash - 1 : 1);
	name = parent ? read_name(r, s + slash, len - slash) : NULL;
	if (!name)
		return MK_BAD;
	if (mk_child(r->t, parent, name))
		return mk_fail_at(r->err, MK_BAD, span_at(r, s, len),
				  "this node has a line already [MK803]");
	n = mk_node_new(r->t, name, span_at(r, s, len));
	mk_node_append(r->t, parent, n);
	r->last = n;
	r->last_path = s;
	r->last_len = len;
	return MK_OK;
}

static int read_prop(struct reader *r, const char *s, size_t colon, size_t len)
{
	const char *eq = memchr(s + colon, '=', len - colon);
	size_t name_end = eq ? (size_t)(eq - s) : len;
	struct mk_node *n = find_node(r, s, colon);
	struct mk_prop *p;
	struct mk_buf value;
	const char *name;
	int rc;

	name = n ? read_name(r, s + colon + 1, name_end - colon - 1) : NULL;
	if (!name)
		return MK_BAD;
	if (mk_prop(r->t, n, name))
		return mk_fail_at(r->err, MK_BAD, span_at(r, s, name_end),
				  "this property has a line already [MK802]");
	p = mk_prop_new(r->t, name, span_at(r, s + colon + 1, name_end - colon - 1));
	if (eq) {
		mk_buf_init(&value, r->t->arena);
		p->value = span_at(r, eq + 1, len - name_end - 1);
		rc = mk_dts_value(r->t, p->value, &value, r->err);
		if (rc)
			return rc;
		p->data = value.len ? value.data : NULL;
		p->len = (uint32_t)value.len;
	}
	mk_prop_append(r->t, n, p);
	return MK_OK;
}

static int read_numbers(struct reader *r, const char *s, size_t len, size_t want, uint64_t *out)
{
	size_t i = 0;

	for (size_t k = 0; k < want; k++) {
		size_t begin;

		while (i < len && s[i] == ' ')
			i++;
		begin = i;
		while (i < len && s[i] != ' ')
			i++;
		if (!mk_num_u64(s + begin, i - begin, &out[k]))
			return mk_fail_at(r->err, MK_BAD, span_at(r, s + begin, i - begin),
					  "expected a number here");
	}
	return i == len ? MK_OK
			: mk_fail_at(r->err, MK_BAD, span_at(r, s + i, len - i),
				     "unexpected text behind the number");
}

static const char memreserve[] = "/memreserve/ ", boot_cpuid[] = "/boot-cpuid/ ";

static int read_line(struct reader *r, const char *s, size_t len)
{
	const char *colon;
	uint64_t v[2];
	size_t n;

	if (!len || s[0] == '#')
		return MK_OK;
	if (s[0] != '/')
		return mk_fail_at(r->err, MK_BAD, span_at(r, s, len),
				  "a line of a tree begins with '/'");
	n = sizeof(memreserve) - 1;
	if (len > n && !memcmp(s, memreserve, n)) {
		if (read_numbers(r, s + n, len - n, 2, v))
			return MK_BAD;
		mk_add_reserve(r->t, v[0], v[1]);
		return MK_OK;
	}
	n = sizeof(boot_cpuid) - 1;
	if (len > n && !memcmp(s, boot_cpuid, n)) {
		if (read_numbers(r, s + n, len - n, 1, v))
			return MK_BAD;
		if (v[0] > UINT32_MAX)
			return mk_fail_at(r->err, MK_BAD, span_at(r, s + n, len - n),
					  "boot-cpuid does not fit in 32 bits");
		r->t->boot_cpuid = (uint32_t)v[0];
		return MK_OK;
	}
	colon = memchr(s, ':', len);
	if (!r->t->root && (colon || len > 1))
		return mk_fail_at(r->err, MK_BAD, span_at(r, s, len),
				  "the line \"/\" must come before those of other nodes");
	return colon ? read_prop(r, s, (size_t)(colon - s), len) : read_node(r, s, len);
}

int mk_lines_parse(struct mk_tree *t, const struct mk_file *src, struct mk_err *err)
{
	struct reader r = {.t = t, .src = src, .err = err};
	size_t pos = 0;

	if (src->len > MK_TREE_BYTES_MAX)
		return mk_fail(err, MK_BAD, "%s is larger than 1 GiB", src->name);
	while (pos < src->len) {
		const char *s = src->text + pos;
		const char *end = memchr(s, '\n', src->len - pos);
		size_t len = end ? (size_t)(end - s) : src->len - pos;
		int rc;

		r.line++;
		rc = read_line(&r, s, len);
		if (rc)
			return rc;
		pos += len + 1;
	}
	if (!t->root)
		return mk_fail_at(err, MK_BAD, (struct mk_span){.file = src},
				  "there is no root node: no line is \"/\"");
	return mk_tree_check(t, err);
}

/* ------------------------------------------------------------ JSON */

static void json_value(struct mk_json *j, const struct mk_prop *p)
{
	switch (mk_value_kind(p->name, p->data, p->len)) {
	case MK_VALUE_EMPTY: mk_json_bool(j, true); break;
	case MK_VALUE_STRINGS:
		mk_json_open(j, '[');
		for (size_t i = 0; i < p->len; i += strlen(p->data + i) + 1)
			mk_json_str(j, p->data + i);
		mk_json_close(j, ']');
		break;
	case MK_VALUE_CELLS:
		mk_json_open(j, '[');
		for (size_t i = 0; i < p->len; i += 4)
			mk_json_u64(j, mk_be32(p->data + i));
		mk_json_close(j, ']');
		break;
	case MK_VALUE_BYTES:
		mk_json_open(j, '{');
		mk_json_key(j, "bytes");
		mk_buf_char(j->b, '"');
		for (size_t i = 0; i < p->len; i++)
			mk_buf_fmt(j->b, "%02x", (unsigned char)p->data[i]);
		mk_buf_char(j->b, '"');
		mk_json_close(j, '}');
		break;
	}
}

static void json_name(struct mk_json *j, struct mk_tree *t, const char *name, bool clash)
{
	struct mk_buf key;

	mk_buf_init(&key, t->arena);
	print_name(&key, name);
	if (clash)
		mk_buf_char(&key, '/');
	mk_json_key(j, mk_buf_cstr(&key));
}

static void json_node(struct mk_json *j, struct mk_tree *t, struct mk_node *n)
{
	mk_json_open(j, '{');
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		json_name(j, t, p->name, false);
		json_value(j, p);
	}
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		json_name(j, t, c->name, mk_prop(t, n, c->name) != NULL);
		json_node(j, t, c);
	}
	mk_json_close(j, '}');
}

void mk_tree_json(struct mk_buf *b, struct mk_tree *t)
{
	struct mk_json j = {.b = b};

	mk_json_open(&j, '{');
	mk_json_key(&j, "memreserve");
	mk_json_open(&j, '[');
	for (const struct mk_reserve *r = t->reserve; r; r = r->next) {
		mk_json_open(&j, '[');
		mk_json_hex(&j, r->address);
		mk_json_hex(&j, r->size);
		mk_json_close(&j, ']');
	}
	mk_json_close(&j, ']');
	mk_json_key(&j, "boot-cpuid");
	mk_json_u64(&j, t->boot_cpuid);
	mk_json_key(&j, "/");
	json_node(&j, t, t->root);
	mk_json_close(&j, '}');
	mk_buf_char(b, '\n');
}
