/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_parse: tokens to a tree. Each top-level definition becomes a tree of its
 * own and is merged into what there is, in dtc's way: what is deleted keeps
 * its place, so that a later definition revives it there.
 */
#include "dts_int.h"

#include <string.h>

#include "arena.h"
#include "num.h"

struct parser {
	struct mk_lex lex;
	struct mk_tree *t;
	const struct mk_dts_options *opts;
	struct mk_err *err;
	bool dialect; /* the source is in opts->dialect */
	bool plugin;
	unsigned fragments; /* made for &label { } in a plugin */
	const char *root_name;
	struct mk_span root_at;
};

static bool at_punct(const struct parser *p, char c)
{
	return p->lex.tok.kind == T_PUNCT && p->lex.tok.number == (uint64_t)c;
}

static int next(struct parser *p)
{
	return mk_lex_next(&p->lex);
}

static int unexpected(struct parser *p, const char *wanted)
{
	struct mk_span at = p->lex.tok.at, before = p->lex.before;

	if (!strcmp(wanted, "';'") && before.line && before.line < at.line) {
		/* the mistake is where the ';' should be, not at the next word */
		uint32_t begun = before.line;

		for (; before.len > 1; before.off++, before.len--)
			before.line += before.file->text[before.off] == '\n';
		mk_fail_at(p->err, MK_BAD, before, "expected ';' behind this, found %s on line %u",
			   mk_tok_text(&p->lex), at.line);
		if (begun < before.line) /* only a string can go over lines */
			mk_hint(p->err,
				"this ends a string that began on line %u: is its '\"' missing "
				"there?",
				begun);
		else
			mk_hint(p->err, "add a ';'");
		return MK_BAD;
	}
	return mk_fail_at(p->err, MK_BAD, at, "expected %s, found %s", wanted,
			  mk_tok_text(&p->lex));
}

static int expect(struct parser *p, char c)
{
	char wanted[] = {'\'', c, '\'', '\0'};

	return at_punct(p, c) ? next(p) : unexpected(p, wanted);
}

/* ------------------------------------------------------------ expressions */

/* Binary operators by rising strength; those of one row are of equal strength. */
enum { N_LEVELS = 10 };

static int level_of(const struct parser *p)
{
	switch (p->lex.tok.kind) {
	case T_OR: return 0;
	case T_AND: return 1;
	case T_EQ:
	case T_NE: return 5;
	case T_LE:
	case T_GE: return 6;
	case T_LSHIFT:
	case T_RSHIFT: return 7;
	case T_PUNCT: break;
	default: return -1;
	}
	switch ((char)p->lex.tok.number) {
	case '|': return 2;
	case '^': return 3;
	case '&': return 4;
	case '<':
	case '>': return 6;
	case '+':
	case '-': return 8;
	case '*':
	case '/':
	case '%': return 9;
	default: return -1;
	}
}

static int compute(struct parser *p, const struct mk_token *op, uint64_t a, uint64_t b,
		   uint64_t *out)
{
	switch (op->kind) {
	case T_OR: *out = a || b; return MK_OK;
	case T_AND: *out = a && b; return MK_OK;
	case T_EQ: *out = a == b; return MK_OK;
	case T_NE: *out = a != b; return MK_OK;
	case T_LE: *out = a <= b; return MK_OK;
	case T_GE: *out = a >= b; return MK_OK;
	case T_LSHIFT: *out = b < 64 ? a << b : 0; return MK_OK;
	case T_RSHIFT: *out = b < 64 ? a >> b : 0; return MK_OK;
	default: break;
	}
	switch ((char)op->number) {
	case '|': *out = a | b; return MK_OK;
	case '^': *out = a ^ b; return MK_OK;
	case '&': *out = a & b; return MK_OK;
	case '<': *out = a < b; return MK_OK;
	case '>': *out = a > b; return MK_OK;
	case '+': *out = a + b; return MK_OK;
	case '-': *out = a - b; return MK_OK;
	case '*': *out = a * b; return MK_OK;
	default: break;
	}
	if (!b)
		return mk_fail_at(p->err, MK_BAD, op->at, "division by zero");
	*out = (char)op->number == '/' ? a / b : a % b;
	return MK_OK;
}

enum { EXPRESSION_DEPTH_MAX = 256 };

static int expression(struct parser *p, uint64_t *out, unsigned depth);

/* A number, a character, or an expression in parentheses. */
static int primary(struct parser *p, uint64_t *out, unsigned depth)
{
	int rc;

	if (p->lex.tok.kind == T_NUMBER || p->lex.tok.kind == T_CHAR) {
		*out = p->lex.tok.number;
		return next(p);
	}
	if (!at_punct(p, '('))
		return unexpected(p, "a number, a character or '('");
	rc = next(p);
	if (!rc)
		rc = expression(p, out, depth + 1);
	return rc ? rc : expect(p, ')');
}

static int unary(struct parser *p, uint64_t *out, unsigned depth)
{
	char op = p->lex.tok.kind == T_PUNCT ? (char)p->lex.tok.number : '\0';
	int rc;

	if (depth > EXPRESSION_DEPTH_MAX)
		return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
				  "this expression is nested more than %d deep",
				  EXPRESSION_DEPTH_MAX);
	if (op != '-' && op != '~' && op != '!')
		return primary(p, out, depth);
	rc = next(p);
	if (!rc)
		rc = unary(p, out, depth + 1);
	if (rc)
		return rc;
	*out = op == '-' ? -*out : op == '~' ? ~*out : !*out;
	return MK_OK;
}

static int binary(struct parser *p, int level, uint64_t *out, unsigned depth)
{
	int rc = level == N_LEVELS ? unary(p, out, depth) : binary(p, level + 1, out, depth);

	while (!rc && level < N_LEVELS && level_of(p) == level) {
		struct mk_token op = p->lex.tok;
		uint64_t right = 0;

		rc = next(p);
		if (!rc)
			rc = binary(p, level + 1, &right, depth);
		if (!rc)
			rc = compute(p, &op, *out, right, out);
	}
	return rc;
}

static int expression(struct parser *p, uint64_t *out, unsigned depth)
{
	uint64_t yes = 0, no = 0;
	int rc;

	if (depth > EXPRESSION_DEPTH_MAX)
		return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
				  "this expression is nested more than %d deep",
				  EXPRESSION_DEPTH_MAX);
	rc = binary(p, 0, out, depth);
	if (rc || !at_punct(p, '?'))
		return rc;
	rc = next(p);
	if (!rc)
		rc = expression(p, &yes, depth + 1);
	if (!rc)
		rc = expect(p, ':');
	if (!rc)
		rc = expression(p, &no, depth + 1);
	if (!rc)
		*out = *out ? yes : no;
	return rc;
}

/* ------------------------------------------------------------ values */

struct value {
	struct mk_mark *first, *last;
};

static void add_mark(struct parser *p, struct value *v, enum mk_mark_kind kind, const char *name)
{
	struct mk_mark *m = mk_arena_alloc(p->t->arena, sizeof(*m));

	m->kind = kind;
	m->off = (uint32_t)p->lex.value.len;
	m->name = name;
	m->at = p->lex.tok.at;
	if (v->last)
		v->last->next = m;
	else
		v->first = m;
	v->last = m;
}

static void add_integer(struct parser *p, uint64_t n, unsigned bits)
{
	char *to = mk_buf_room(&p->lex.value, 8);

	for (unsigned i = 0; i < bits / 8; i++)
		to[i] = (char)(n >> (bits - 8 - 8 * i) & 0xff);
	p->lex.value.len += bits / 8;
}

/* What a cell list without /bits/ holds in the dialect: see struct mk_dts_dialect. */
struct cells {
	unsigned bits;
	bool id_list;
	bool may_widen;
	size_t n; /* integers so far */
	uint64_t first;
	size_t start; /* where the list begins in the value */
	bool wide;    /* an integer above 32 bits was seen */
	size_t wide_index;
	uint64_t wide_value;
	struct mk_span wide_at;
};

static bool in_range(uint64_t n, unsigned bits)
{
	uint64_t mask;

	if (bits == 64)
		return true;
	mask = (1ULL << bits) - 1;
	return n <= mask || (n | mask) == UINT64_MAX; /* a negative number has all ones above */
}

static int cell_integer(struct parser *p, struct cells *c)
{
	struct mk_span at = p->lex.tok.at;
	bool literal = p->lex.tok.kind == T_NUMBER;
	uint64_t n = 0;
	int rc = primary(p, &n, 0);

	if (rc)
		return rc;
	/* the whole of an expression, not only its '(' */
	if (p->lex.before.file == at.file && p->lex.before.off > at.off)
		at.len = p->lex.before.off + p->lex.before.len - at.off;
	if (c->may_widen && n > UINT32_MAX && (literal || !in_range(n, 32))) {
		if (c->wide) {
			mk_fail_at(p->err, MK_BAD, at, "a second value above 32 bits in one list");
			mk_hint(p->err,
				"write each 64-bit value as <0xHIGH 0xLOW>, or use /bits/ 64");
			return MK_BAD;
		}
		c->wide = true;
		c->wide_index = c->n;
		c->wide_value = n;
		c->wide_at = at;
	} else if (!in_range(n, c->bits)) {
		mk_fail_at(p->err, MK_BAD, at, "0x%llx does not fit in a cell of %u bits",
			   (unsigned long long)n, c->bits);
		if (c->bits == 32)
			mk_hint(p->err, "write <0x%llx 0x%llx>, or /bits/ 64 <0x%llx>",
				(unsigned long long)(n >> 32), (unsigned long long)(n & UINT32_MAX),
				(unsigned long long)n);
		return MK_BAD;
	}
	if (!c->n)
		c->first = n;
	c->n++;
	add_integer(p, n, c->bits);
	return MK_OK;
}

/* A value above 32 bits is a 64-bit one alone, or behind one 0; nowhere else. */
static int widen(struct parser *p, const struct cells *c)
{
	if (!c->wide)
		return MK_OK;
	if (c->n == 1 || (c->n == 2 && c->wide_index == 1 && !c->first)) {
		p->lex.value.len = c->start;
		add_integer(p, c->wide_value, 64);
		return MK_OK;
	}
	mk_fail_at(p->err, MK_BAD, c->wide_at, "0x%llx does not fit in a cell of 32 bits",
		   (unsigned long long)c->wide_value);
	mk_hint(p->err,
		"a value above 32 bits may stand alone, <0x%llx>, or behind one 0; "
		"here write 0x%llx 0x%llx",
		(unsigned long long)c->wide_value, (unsigned long long)(c->wide_value >> 32),
		(unsigned long long)(c->wide_value & UINT32_MAX));
	return MK_BAD;
}

static int array_bits(struct parser *p, unsigned *bits)
{
	int rc = next(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind != T_NUMBER)
		return unexpected(p, "8, 16, 32 or 64 behind /bits/");
	if (p->lex.tok.number != 8 && p->lex.tok.number != 16 && p->lex.tok.number != 32 &&
	    p->lex.tok.number != 64)
		return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
				  "array elements have 8, 16, 32 or 64 bits");
	*bits = (unsigned)p->lex.tok.number;
	rc = next(p);
	if (!rc && !at_punct(p, '<'))
		rc = unexpected(p, "'<'");
	return rc;
}

/* What was meant by something in < > that has no place there. */
static void cells_hint(struct parser *p)
{
	struct mk_span at = p->lex.tok.at, before = p->lex.before;

	if (p->lex.tok.kind != T_PUNCT)
		return;
	if (at_punct(p, ','))
		mk_hint(p->err, "cells are separated by blanks");
	else if (at_punct(p, ';') || at_punct(p, '}'))
		mk_hint(p->err, "close the list of cells with '>'");
	else if (strchr("+-*/%|^~!", (int)p->lex.tok.number))
		mk_hint(p->err, "an expression stands in parentheses: <(1 + 2)>");
	else if (strchr("KkMmGgTt", (int)p->lex.tok.number) && before.off + before.len == at.off)
		mk_hint(p->err, "cells have no units: write the number of bytes");
}

static int array(struct parser *p, const char *prop, struct value *v)
{
	struct cells c = {.bits = 32, .start = p->lex.value.len};
	int rc;

	if (p->lex.tok.kind == T_BITS) {
		rc = array_bits(p, &c.bits);
		if (rc)
			return rc;
	} else if (p->dialect) {
		c.id_list = p->opts->dialect->is_id_list(prop);
		c.may_widen = !c.id_list;
		if (c.id_list)
			c.bits = 64;
	}
	rc = next(p);
	while (!rc && !at_punct(p, '>')) {
		if (p->lex.tok.kind == T_LABEL) {
			add_mark(p, v, MK_MARK_LABEL, p->lex.tok.text);
			rc = next(p);
		} else if (p->lex.tok.kind == T_REF || p->lex.tok.kind == T_PATH_REF) {
			if (c.bits != 32) {
				mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
					   c.id_list ? "'%s' is a list of ids: a reference has no "
						       "place in it"
						     : "a reference needs cells of 32 bits",
					   prop);
				return MK_BAD;
			}
			add_mark(p, v, MK_MARK_PHANDLE, p->lex.tok.text);
			add_integer(p, MK_PHANDLE_UNRESOLVED, 32);
			c.n++;
			rc = next(p);
		} else if (p->lex.tok.kind == T_NUMBER || p->lex.tok.kind == T_CHAR ||
			   at_punct(p, '(')) {
			rc = cell_integer(p, &c);
		} else {
			rc = unexpected(p, "a number, a reference or '>'");
			cells_hint(p);
		}
	}
	if (!rc)
		rc = widen(p, &c);
	return rc ? rc : next(p);
}

static int bytes(struct parser *p, struct value *v)
{
	int rc = next(p);

	while (!rc && !at_punct(p, ']')) {
		if (p->lex.tok.kind == T_LABEL)
			add_mark(p, v, MK_MARK_LABEL, p->lex.tok.text);
		else if (p->lex.tok.kind == T_BYTE)
			mk_buf_char(&p->lex.value, (char)p->lex.tok.number);
		else {
			rc = unexpected(p, "two hexadecimal digits or ']'");
			mk_hint(p->err, "bytes are 00 to ff, two hexadecimal digits each");
			return rc;
		}
		rc = next(p);
	}
	return rc ? rc : next(p);
}

/* /incbin/("file") or /incbin/("file", offset, bytes) */
static int binary_file(struct parser *p)
{
	uint64_t off = 0, len = UINT64_MAX;
	struct mk_span at, name_at;
	struct mk_buf file;
	const char *name, *path = "";
	int rc;

	rc = next(p);
	if (!rc)
		rc = expect(p, '(');
	if (rc)
		return rc;
	if (p->lex.tok.kind != T_STRING)
		return unexpected(p, "a file name in quotes");
	name_at = at = p->lex.tok.at;
	name = mk_arena_strn(p->t->arena, p->lex.tok.text, p->lex.tok.len);
	rc = next(p);
	if (!rc && at_punct(p, ',')) {
		rc = next(p);
		if (!rc)
			rc = primary(p, &off, 0);
		if (!rc && at_punct(p, ')')) {
			rc = unexpected(p, "','");
			mk_hint(p->err, "behind the offset stands the number of bytes to take");
		}
		if (!rc)
			rc = expect(p, ',');
		if (!rc)
			rc = primary(p, &len, 0);
	}
	if (!rc && !at_punct(p, ')'))
		rc = unexpected(p, "')'");
	if (rc)
		return rc;
	mk_buf_init(&file, p->t->arena);
	rc = mk_lex_open(&p->lex, name, name_at, &file, &path);
	if (rc)
		return rc;
	if (off > file.len || (len != UINT64_MAX && len > file.len - off)) {
		if (p->opts->warnings)
			mk_diag_add(p->opts->warnings, MK_WARNING, NULL, at,
				    "%s has %zu bytes: the value is shorter than asked for", path,
				    file.len);
		off = off > file.len ? file.len : off;
		len = file.len - off;
	}
	if (len == UINT64_MAX)
		len = file.len - off;
	mk_buf_add(&p->lex.value, file.data + (len ? off : 0), (size_t)len);
	return next(p);
}

static int labels_in_value(struct parser *p, struct value *v)
{
	int rc = MK_OK;

	while (!rc && p->lex.tok.kind == T_LABEL) {
		add_mark(p, v, MK_MARK_LABEL, p->lex.tok.text);
		rc = next(p);
	}
	return rc;
}

/* One value between commas. */
static int value_part(struct parser *p, const char *prop, struct value *v)
{
	int rc;

	switch (p->lex.tok.kind) {
	case T_STRING:
		mk_buf_add(&p->lex.value, p->lex.tok.text, p->lex.tok.len);
		mk_buf_char(&p->lex.value, '\0');
		return next(p);
	case T_BITS: return array(p, prop, v);
	case T_REF:
	case T_PATH_REF: add_mark(p, v, MK_MARK_PATH, p->lex.tok.text); return next(p);
	case T_INCBIN: return binary_file(p);
	default: break;
	}
	if (at_punct(p, '<'))
		return array(p, prop, v);
	if (at_punct(p, '['))
		return bytes(p, v);
	rc = unexpected(p, "a value");
	if (p->lex.tok.kind == T_NUMBER)
		mk_hint(p->err, "write a number as <%llu>", (unsigned long long)p->lex.tok.number);
	else
		mk_hint(p->err, "a value is a \"string\", <cells>%s",
			p->lex.no_files ? " or [bytes]"
					: ", [bytes], &reference or /incbin/(\"file\")");
	return rc;
}

static int value(struct parser *p, const char *prop, struct value *v)
{
	int rc;

	p->lex.value.len = 0;
	for (;;) {
		rc = labels_in_value(p, v);
		if (!rc)
			rc = value_part(p, prop, v);
		if (!rc)
			rc = labels_in_value(p, v);
		if (rc || !at_punct(p, ','))
			break;
		rc = next(p);
		if (rc)
			break;
	}
	if (!rc && p->lex.value.len > MK_TREE_BYTES_MAX)
		rc = mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "this value is larger than %d bytes",
				MK_TREE_BYTES_MAX);
	return rc;
}

/* ------------------------------------------------------------ nodes */

/* Labels in front of something, in the order they were written. */
struct labels {
	const char *name[32];
	struct mk_span at[32];
	size_t n;
};

static int prefix_labels(struct parser *p, struct labels *labels)
{
	int rc = MK_OK;

	while (!rc && p->lex.tok.kind == T_LABEL) {
		if (labels->n == sizeof(labels->name) / sizeof(labels->name[0]))
			return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
					  "more than %zu labels on one thing", labels->n);
		labels->at[labels->n] = p->lex.tok.at;
		labels->name[labels->n++] = p->lex.tok.text;
		rc = next(p);
	}
	return rc;
}

static int property(struct parser *p, struct mk_node *node, const char *name, struct mk_span at,
		    const struct labels *labels)
{
	struct mk_prop *prop = mk_prop_new(p->t, name, at);
	struct value v = {0};
	int rc;

	if (at_punct(p, '=')) {
		rc = next(p);
		if (rc)
			return rc;
		prop->value = p->lex.tok.at;
		rc = value(p, name, &v);
		if (rc)
			return rc;
		if (p->lex.before.file == prop->value.file)
			prop->value.len = p->lex.before.off + p->lex.before.len - prop->value.off;
		prop->len = (uint32_t)p->lex.value.len;
		if (prop->len)
			prop->data = mk_arena_strn(p->t->arena, p->lex.value.data, prop->len);
		prop->marks = v.first;
	}
	if (!at_punct(p, ';'))
		return unexpected(p, "';'");
	for (size_t i = labels->n; i-- > 0;)
		mk_label_prop(p->t, prop, labels->name[i]);
	mk_prop_append(p->t, node, prop);
	return next(p);
}

static int node_body(struct parser *p, struct mk_node *node, unsigned depth);

static int deletion(struct parser *p, struct mk_node *node, bool of_node)
{
	int rc = next(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind != T_NAME)
		return unexpected(p, of_node ? "the name of a node" : "the name of a property");
	if (of_node) {
		struct mk_node *n = mk_node_new(p->t, p->lex.tok.text, p->lex.tok.at);

		n->deleted = true;
		mk_node_append(p->t, node, n);
	} else {
		struct mk_prop *d = mk_prop_new(p->t, p->lex.tok.text, p->lex.tok.at);

		d->deleted = true;
		mk_prop_append(p->t, node, d);
	}
	rc = next(p);
	return rc ? rc : expect(p, ';');
}

static int property_too_late(struct parser *p, struct mk_span at)
{
	mk_fail_at(p->err, MK_BAD, at, "properties must come before nodes");
	mk_hint(p->err, "move this property above the first node of the same { }");
	return MK_BAD;
}

/* One property, node or deletion of a node's body. */
static int member(struct parser *p, struct mk_node *node, unsigned depth)
{
	struct labels labels = {.n = 0};
	bool omit = false;
	struct mk_span at;
	struct mk_node *n;
	const char *name;
	int rc;

	for (;;) {
		rc = prefix_labels(p, &labels);
		if (rc)
			return rc;
		if (p->lex.tok.kind != T_OMIT)
			break;
		omit = true;
		rc = next(p);
		if (rc)
			return rc;
	}
	at = p->lex.tok.at;
	if (p->lex.tok.kind == T_DELETE_PROP && !omit)
		return node->child && !p->dialect ? property_too_late(p, at)
						  : deletion(p, node, false);
	if (p->lex.tok.kind == T_DELETE_NODE)
		return deletion(p, node, true);
	if (p->lex.tok.kind != T_NAME) {
		rc = unexpected(p, "a property, a node or '}'");
		if (p->lex.tok.kind == T_VERSION)
			mk_hint(p->err,
				"a file that is included inside of a node has no version tag");
		if (p->lex.tok.kind == T_REF || p->lex.tok.kind == T_PATH_REF)
			mk_hint(p->err, "additions to a referenced node stand at the top level, "
					"outside of / { }");
		return rc;
	}
	name = p->lex.tok.text;
	rc = next(p);
	if (rc)
		return rc;
	if (!at_punct(p, '{')) {
		if (!at_punct(p, '=') && !at_punct(p, ';'))
			return unexpected(p, "'=', ';' or '{'");
		/* the dialect is written by people who think of machines: order is theirs */
		if (node->child && !p->dialect)
			return property_too_late(p, at);
		if (omit)
			return mk_fail_at(p->err, MK_BAD, at,
					  "/omit-if-no-ref/ goes with a node, not with a property");
		return property(p, node, name, at, &labels);
	}
	n = mk_node_new(p->t, name, at);
	n->omit_if_no_ref = omit;
	for (size_t i = labels.n; i-- > 0;)
		mk_label_node(p->t, n, labels.name[i]);
	mk_node_append(p->t, node, n);
	return node_body(p, n, depth + 1);
}

/* "{ ... };" */
static int node_body(struct parser *p, struct mk_node *node, unsigned depth)
{
	struct mk_span open = p->lex.tok.at;
	int rc;

	if (depth > MK_DEPTH_MAX)
		return mk_fail_at(p->err, MK_BAD, open, "nodes are nested more than %d deep",
				  MK_DEPTH_MAX);
	rc = expect(p, '{');
	while (!rc && !at_punct(p, '}')) {
		if (p->lex.tok.kind == T_END) {
			mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "the file ends inside of a node");
			mk_hint(p->err, "the '{' on line %u is never closed: add \"};\"",
				open.line);
			return MK_BAD;
		}
		rc = member(p, node, depth);
	}
	if (!rc)
		rc = next(p);
	if (!rc && p->lex.tok.kind == T_END) {
		/* "}" at the very end: say what is missing there */
		mk_fail_at(p->err, MK_BAD, p->lex.before, "expected ';' behind this '}'");
		mk_hint(p->err, "a node ends with \"};\"");
		return MK_BAD;
	}
	return rc ? rc : expect(p, ';');
}

/* ------------------------------------------------------------ the top level */

static struct mk_node *empty_root(struct parser *p)
{
	return mk_node_new(p->t, mk_intern(&p->t->names, "", 0), p->lex.tok.at);
}

/* &label { } in a plugin whose target is elsewhere: a fragment. */
static void orphan(struct parser *p, struct mk_node *body, const char *ref, struct mk_span at)
{
	char name[32];
	struct mk_node *f;
	struct mk_prop *target;
	size_t n = 0;

	/* fragment@N, N decimal */
	memcpy(name, "fragment@", 9);
	for (unsigned v = p->fragments++, div = 1000000000; div; div /= 10)
		if (v / div || n || div == 1)
			name[9 + n++] = (char)('0' + v / div % 10);
	name[9 + n] = '\0';
	if (!p->t->root)
		p->t->root = empty_root(p);
	f = mk_node_new(p->t, mk_intern(&p->t->names, name, 9 + n), at);
	if (ref[0] == '/') {
		target = mk_add_prop(p->t, f, "target-path", ref, strlen(ref) + 1);
	} else {
		target = mk_add_prop(p->t, f, "target", "\xff\xff\xff\xff", 4);
		target->marks = mk_arena_alloc(p->t->arena, sizeof(*target->marks));
		*target->marks = (struct mk_mark){.kind = MK_MARK_PHANDLE, .name = ref, .at = at};
	}
	target->at = at;
	body->name = mk_intern(&p->t->names, "__overlay__", 11);
	mk_node_append(p->t, f, body);
	mk_node_append(p->t, p->t->root, f);
	mk_labels_register(p->t, f);
}

/* [label:] &ref { }; */
static int addition(struct parser *p, const struct labels *labels)
{
	const char *ref = p->lex.tok.text;
	struct mk_span at = p->lex.tok.at;
	struct mk_node *body, *target;
	int rc;

	if (!p->t->root && !p->plugin)
		return mk_dts_no_such(p->t, ref, at, p->err);
	rc = next(p);
	if (rc)
		return rc;
	body = empty_root(p);
	body->at = at;
	rc = node_body(p, body, 0);
	if (rc)
		return rc;
	/* in a plugin, &{/path} is always a fragment: the path is the target's */
	target = p->t->root && !(p->plugin && ref[0] == '/' && !labels->n) ? mk_dts_find(p->t, ref)
									   : NULL;
	if (target) {
		for (size_t i = labels->n; i-- > 0;)
			mk_label_merged(p->t, target, labels->name[i]);
		mk_merge(p->t, target, body);
		return MK_OK;
	}
	if (!p->plugin || labels->n)
		return mk_dts_no_such(p->t, ref, at, p->err);
	orphan(p, body, ref, at);
	return MK_OK;
}

/* /delete-node/ &ref; and /omit-if-no-ref/ &ref; */
static int mark_node(struct parser *p, bool deletes)
{
	struct mk_node *target;
	int rc = next(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind != T_REF && p->lex.tok.kind != T_PATH_REF)
		return unexpected(p, "a reference");
	target = mk_dts_find(p->t, p->lex.tok.text);
	if (!target)
		return mk_dts_no_such(p->t, p->lex.tok.text, p->lex.tok.at, p->err);
	if (deletes && target == p->t->root) {
		mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "the root cannot be deleted");
		mk_hint(p->err, "a tree without a root is no tree; delete the nodes below it");
		return MK_BAD;
	}
	if (deletes)
		mk_delete_node(target);
	else
		target->omit_if_no_ref = true;
	rc = next(p);
	return rc ? rc : expect(p, ';');
}

/* "/ { };" or "/name { };" */
static int root(struct parser *p)
{
	struct mk_node *body;
	int rc = next(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind == T_NAME) {
		if (p->root_name && p->root_name != p->lex.tok.text) {
			mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "the root is named '%s' already",
				   p->root_name);
			mk_hint(p->err,
				"a source describes one instance view; put the other one into a "
				"file of its own");
			return MK_BAD;
		}
		p->root_name = p->lex.tok.text;
		p->root_at = p->lex.tok.at;
		rc = next(p);
		if (rc)
			return rc;
	}
	body = empty_root(p);
	rc = node_body(p, body, 0);
	if (rc)
		return rc;
	if (p->t->root) {
		mk_merge(p->t, p->t->root, body);
	} else {
		p->t->root = body;
		mk_labels_register(p->t, body);
	}
	return MK_OK;
}

static int top_level(struct parser *p)
{
	int rc = MK_OK;

	while (!rc && p->lex.tok.kind != T_END) {
		struct labels labels = {.n = 0};

		rc = prefix_labels(p, &labels);
		if (rc)
			return rc;
		if ((p->lex.tok.kind == T_REF || p->lex.tok.kind == T_PATH_REF) && labels.n < 2 &&
		    (p->t->root || !labels.n))
			rc = addition(p, &labels);
		else if (labels.n)
			rc = unexpected(p, "a reference behind one label");
		else if (at_punct(p, '/'))
			rc = root(p);
		else if (p->t->root && p->lex.tok.kind == T_DELETE_NODE)
			rc = mark_node(p, true);
		else if (p->t->root && p->lex.tok.kind == T_OMIT)
			rc = mark_node(p, false);
		else if (p->lex.tok.kind == T_MEMRESERVE)
			rc = mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
					"/memreserve/ must come before the root node");
		else {
			rc = unexpected(p, "'/ {'");
			if (at_punct(p, '}'))
				mk_hint(p->err,
					"this '}' closes nothing: there is one too many, or a '{' "
					"is missing above");
		}
	}
	return rc;
}

/* /dts-v1/; [/plugin/;], possibly repeated (by included files) */
static int headers(struct parser *p)
{
	bool first = true;
	int rc = MK_OK;

	if (p->lex.tok.kind != T_VERSION) {
		const char *tag = p->opts->dialect ? p->opts->dialect->tag : NULL;

		rc = unexpected(p, tag ? "a version tag" : "/dts-v1/");
		if (p->lex.tok.kind == T_PUNCT && p->lex.tok.number == 0xef)
			mk_hint(p->err, "save the file as UTF-8 without a byte order mark");
		else
			mk_hint(p->err, "a source begins with /dts-v1/;%s%s%s", tag ? " or " : "",
				tag ? tag : "", tag ? ";" : "");
		return rc;
	}
	while (!rc && p->lex.tok.kind == T_VERSION) {
		bool dialect = p->lex.tok.number, plugin = false;
		struct mk_span at = p->lex.tok.at;

		rc = next(p);
		if (!rc)
			rc = expect(p, ';');
		if (!rc && p->lex.tok.kind == T_PLUGIN) {
			plugin = true;
			rc = next(p);
			if (!rc)
				rc = expect(p, ';');
		}
		if (!rc && !first && (dialect != p->dialect || plugin != p->plugin))
			rc = mk_fail_at(p->err, MK_BAD, at,
					"this version tag differs from the first one");
		p->dialect = dialect;
		p->plugin = plugin;
		first = false;
	}
	return rc;
}

static int reservations(struct parser *p)
{
	for (;;) {
		struct labels labels = {.n = 0};
		uint64_t address = 0, size = 0;
		struct mk_span at;
		int rc;

		/* labels on reservations are allowed, and lead nowhere */
		if (p->lex.tok.kind != T_MEMRESERVE && p->lex.tok.kind != T_LABEL)
			return MK_OK;
		rc = prefix_labels(p, &labels);
		if (rc)
			return rc;
		if (p->lex.tok.kind != T_MEMRESERVE)
			return unexpected(p, "/memreserve/");
		at = p->lex.tok.at;
		rc = next(p);
		if (!rc)
			rc = primary(p, &address, 0);
		if (!rc) {
			rc = primary(p, &size, 0);
			if (rc)
				mk_hint(p->err, "write /memreserve/ ADDRESS SIZE;");
		}
		if (!rc)
			rc = expect(p, ';');
		if (rc)
			return rc;
		mk_add_reserve(p->t, address, size);
		if (!size && p->opts->warnings)
			mk_diag_add(p->opts->warnings, MK_WARNING, NULL, at,
				    "a reservation of 0 bytes ends the list for whoever reads the "
				    "blob");
	}
}

uint32_t mk_boot_cpuid(struct mk_tree *t, bool printed)
{
	struct mk_node *cpus = mk_child(t, t->root, "cpus");
	struct mk_node *first = !cpus ? NULL : printed ? mk_first(cpus) : cpus->child;
	uint32_t id = 0;

	if (first)
		mk_prop_u32(mk_prop(t, first, "reg"), &id);
	return id;
}

/* A named root: the name lives on as the property model, where newer kernels have it. */
static int name_root(struct parser *p)
{
	struct mk_prop *model;
	struct mk_node *root_node = p->t->root;
	size_t len;

	if (!p->root_name)
		return MK_OK;
	len = strlen(p->root_name);
	model = mk_prop(p->t, root_node, "model");
	if (model && (model->len != len + 1 || memcmp(model->data, p->root_name, len + 1))) {
		mk_fail_at(p->err, MK_BAD, model->at,
			   "the root is named '%s', but its model is another", p->root_name);
		mk_hint(p->err, "drop the property: the name becomes the model");
		return MK_BAD;
	}
	if (model)
		return MK_OK;
	model = mk_add_prop(p->t, root_node, "model", p->root_name, len + 1);
	model->at = p->root_at;
	if (root_node->prop != model) { /* it comes first, as the kernel has it */
		struct mk_prop *last = root_node->prop;

		while (last->next != model)
			last = last->next;
		last->next = NULL;
		root_node->last_prop = last;
		model->next = root_node->prop;
		root_node->prop = model;
	}
	return MK_OK;
}

static void parser_init(struct parser *p, struct mk_tree *t, const struct mk_dts_options *opts,
			struct mk_dts_input *input, struct mk_err *err)
{
	*p = (struct parser){.t = t, .opts = opts, .err = err};
	p->lex = (struct mk_lex){.tree = t, .opts = opts, .input = input, .err = err};
	mk_buf_init(&p->lex.value, t->arena);
}

int mk_dts_parse(struct mk_tree *t, const struct mk_file *src, const struct mk_dts_options *opts,
		 struct mk_dts_input *input, struct mk_err *err)
{
	struct parser p;
	int rc;

	parser_init(&p, t, opts, input, err);
	rc = mk_lex_start(&p.lex, src);
	if (!rc)
		rc = next(&p);
	if (!rc)
		rc = headers(&p);
	if (!rc)
		rc = reservations(&p);
	if (!rc)
		rc = top_level(&p);
	if (!rc && !t->root) {
		rc = mk_fail_at(err, MK_BAD, p.lex.tok.at, "there is no root node");
		mk_hint(err, "describe the machine in / { };");
	}
	if (!rc)
		rc = name_root(&p);
	if (rc)
		return rc;
	t->plugin = p.plugin;
	input->dialect = p.dialect;
	t->boot_cpuid = mk_boot_cpuid(t, false);
	return mk_dts_resolve(t, opts, p.dialect, err);
}

int mk_dts_value(struct mk_tree *t, struct mk_span at, struct mk_buf *b, struct mk_err *err)
{
	const struct mk_dts_options opts = {0};
	struct mk_dts_input input = {0};
	struct mk_file whole = *at.file;
	struct value v = {0};
	struct parser p;
	int rc;

	parser_init(&p, t, &opts, &input, err);
	p.lex.no_files = true;
	whole.len = (size_t)at.off + at.len;
	rc = mk_lex_start(&p.lex, &whole);
	if (rc)
		return rc;
	if (!at.len) {
		mk_fail_at(err, MK_BAD, at, "a value is missing behind '='");
		mk_hint(err, "a property without a value has no '='");
		return MK_BAD;
	}
	p.lex.mode = LEX_VALUE;
	p.lex.top->pos = at.off;
	p.lex.top->line = at.line;
	rc = next(&p);
	while (!rc) {
		if (p.lex.tok.kind == T_REF || p.lex.tok.kind == T_PATH_REF)
			return unexpected(&p, "a string, cells or bytes");
		rc = value_part(&p, "", &v);
		if (rc || p.lex.tok.kind == T_END)
			break;
		rc = expect(&p, ',');
	}
	if (!rc && v.first)
		rc = mk_fail_at(err, MK_BAD, v.first->at,
				"labels and references have no place in the lines form");
	if (!rc)
		mk_buf_add(b, p.lex.value.data, p.lex.value.len);
	return rc;
}
