/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_value: what stands behind a '=': strings, cells with their expressions,
 * bytes, references, files. And a value alone, for the lines form.
 */
#include "dts_int.h"

#include <string.h>

#include "arena.h"
#include "num.h"

/* ------------------------------------------------------------ expressions */

/* Binary operators by rising strength; those of one row are of equal strength. */
enum { N_LEVELS = 10 };

static int level_of(const struct mk_parser *p)
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

static int compute(struct mk_parser *p, const struct mk_token *op, uint64_t a, uint64_t b,
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

static int expression(struct mk_parser *p, uint64_t *out, unsigned depth);

/* A number, a character, or an expression in parentheses. */
int mk_parse_primary(struct mk_parser *p, uint64_t *out, unsigned depth)
{
	int rc;

	if (p->lex.tok.kind == T_NUMBER || p->lex.tok.kind == T_CHAR) {
		*out = p->lex.tok.number;
		return mk_next_token(p);
	}
	if (!mk_at_punct(p, '('))
		return mk_unexpected(p, "a number, a character or '('");
	rc = mk_next_token(p);
	if (!rc)
		rc = expression(p, out, depth + 1);
	return rc ? rc : mk_expect(p, ')');
}

static int unary(struct mk_parser *p, uint64_t *out, unsigned depth)
{
	char op = p->lex.tok.kind == T_PUNCT ? (char)p->lex.tok.number : '\0';
	int rc;

	if (depth > EXPRESSION_DEPTH_MAX)
		return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
				  "this expression is nested more than %d deep",
				  EXPRESSION_DEPTH_MAX);
	if (op != '-' && op != '~' && op != '!')
		return mk_parse_primary(p, out, depth);
	rc = mk_next_token(p);
	if (!rc)
		rc = unary(p, out, depth + 1);
	if (rc)
		return rc;
	*out = op == '-' ? -*out : op == '~' ? ~*out : !*out;
	return MK_OK;
}

static int binary(struct mk_parser *p, int level, uint64_t *out, unsigned depth)
{
	int rc = level == N_LEVELS ? unary(p, out, depth) : binary(p, level + 1, out, depth);

	while (!rc && level < N_LEVELS && level_of(p) == level) {
		struct mk_token op = p->lex.tok;
		uint64_t right = 0;

		rc = mk_next_token(p);
		if (!rc)
			rc = binary(p, level + 1, &right, depth);
		if (!rc)
			rc = compute(p, &op, *out, right, out);
	}
	return rc;
}

static int expression(struct mk_parser *p, uint64_t *out, unsigned depth)
{
	uint64_t yes = 0, no = 0;
	int rc;

	if (depth > EXPRESSION_DEPTH_MAX)
		return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
				  "this expression is nested more than %d deep",
				  EXPRESSION_DEPTH_MAX);
	rc = binary(p, 0, out, depth);
	if (rc || !mk_at_punct(p, '?'))
		return rc;
	rc = mk_next_token(p);
	if (!rc)
		rc = expression(p, &yes, depth + 1);
	if (!rc)
		rc = mk_expect(p, ':');
	if (!rc)
		rc = expression(p, &no, depth + 1);
	if (!rc)
		*out = *out ? yes : no;
	return rc;
}

/* ------------------------------------------------------------ values */

static void add_mark(struct mk_parser *p, struct mk_value_marks *v, enum mk_mark_kind kind,
		     const char *name)
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

static void add_integer(struct mk_parser *p, uint64_t n, unsigned bits)
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

static int cell_integer(struct mk_parser *p, struct cells *c)
{
	struct mk_span at = p->lex.tok.at;
	bool literal = p->lex.tok.kind == T_NUMBER;
	uint64_t n = 0;
	int rc = mk_parse_primary(p, &n, 0);

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
			mk_hint(p->err,
				"write <0x%llx 0x%llx>, or /bits/ 64 <0x%llx>; a source that "
				"begins with /multikernel-v1/; may have it as it is",
				(unsigned long long)(n >> 32), (unsigned long long)(n & UINT32_MAX),
				(unsigned long long)n);
		return MK_BAD;
	}
	p->wide_ids = p->wide_ids || (c->id_list && n > UINT32_MAX);
	if (!c->n)
		c->first = n;
	c->n++;
	add_integer(p, n, c->bits);
	return MK_OK;
}

/* A value above 32 bits is a 64-bit one alone, or behind one 0; nowhere else. */
static int widen(struct mk_parser *p, const struct cells *c)
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

static int array_bits(struct mk_parser *p, unsigned *bits)
{
	int rc = mk_next_token(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind != T_NUMBER)
		return mk_unexpected(p, "8, 16, 32 or 64 behind /bits/");
	if (p->lex.tok.number != 8 && p->lex.tok.number != 16 && p->lex.tok.number != 32 &&
	    p->lex.tok.number != 64)
		return mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
				  "array elements have 8, 16, 32 or 64 bits");
	*bits = (unsigned)p->lex.tok.number;
	rc = mk_next_token(p);
	if (!rc && !mk_at_punct(p, '<'))
		rc = mk_unexpected(p, "'<'");
	return rc;
}

/* What was meant by something in < > that has no place there. */
static void cells_hint(struct mk_parser *p, bool id_list)
{
	struct mk_span at = p->lex.tok.at, before = p->lex.before;

	if (p->lex.tok.kind != T_PUNCT)
		return;
	if (mk_at_punct(p, ','))
		mk_hint(p->err, "cells are separated by blanks");
	else if (mk_at_punct(p, ';') || mk_at_punct(p, '}'))
		mk_hint(p->err, "close the list of cells with '>'");
	else if (id_list && mk_at_punct(p, '-'))
		mk_hint(p->err, "a list has every id: <4 5 6 7>");
	else if (strchr("+-*/%|^~!", (int)p->lex.tok.number))
		mk_hint(p->err, "an expression stands in parentheses: <(1 + 2)>");
	else if (strchr("KkMmGgTt", (int)p->lex.tok.number) && before.off + before.len == at.off)
		mk_hint(p->err, "cells have no units: write the number of bytes");
}

static int array(struct mk_parser *p, const char *prop, struct mk_value_marks *v)
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
	rc = mk_next_token(p);
	while (!rc && !mk_at_punct(p, '>')) {
		if (p->lex.tok.kind == T_LABEL) {
			add_mark(p, v, MK_MARK_LABEL, p->lex.tok.text);
			rc = mk_next_token(p);
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
			rc = mk_next_token(p);
		} else if (p->lex.tok.kind == T_NUMBER || p->lex.tok.kind == T_CHAR ||
			   mk_at_punct(p, '(')) {
			rc = cell_integer(p, &c);
		} else {
			rc = mk_unexpected(p, "a number, a reference or '>'");
			cells_hint(p, c.id_list);
		}
	}
	if (!rc)
		rc = widen(p, &c);
	return rc ? rc : mk_next_token(p);
}

static int bytes(struct mk_parser *p, struct mk_value_marks *v)
{
	int rc = mk_next_token(p);

	while (!rc && !mk_at_punct(p, ']')) {
		if (p->lex.tok.kind == T_LABEL)
			add_mark(p, v, MK_MARK_LABEL, p->lex.tok.text);
		else if (p->lex.tok.kind == T_BYTE)
			mk_buf_char(&p->lex.value, (char)p->lex.tok.number);
		else {
			rc = mk_unexpected(p, "two hexadecimal digits or ']'");
			mk_hint(p->err, "bytes are 00 to ff, two hexadecimal digits each");
			return rc;
		}
		rc = mk_next_token(p);
	}
	return rc ? rc : mk_next_token(p);
}

/* /incbin/("file") or /incbin/("file", offset, bytes) */
static int binary_file(struct mk_parser *p)
{
	struct mk_lex_part part = {0};
	struct mk_span at;
	struct mk_buf file;
	const char *name, *path = "";
	int rc;

	rc = mk_next_token(p);
	if (!rc)
		rc = mk_expect(p, '(');
	if (rc)
		return rc;
	if (p->lex.tok.kind != T_STRING)
		return mk_unexpected(p, "a file name in quotes");
	at = p->lex.tok.at;
	name = mk_arena_strn(p->t->arena, p->lex.tok.text, p->lex.tok.len);
	rc = mk_next_token(p);
	if (!rc && mk_at_punct(p, ',')) {
		rc = mk_next_token(p);
		if (!rc)
			rc = mk_parse_primary(p, &part.off, 0);
		if (!rc && mk_at_punct(p, ')')) {
			rc = mk_unexpected(p, "','");
			mk_hint(p->err, "behind the offset stands the number of bytes to take");
		}
		if (!rc)
			rc = mk_expect(p, ',');
		if (!rc)
			rc = mk_parse_primary(p, &part.len, 0);
		part.given = true;
	}
	if (!rc && !mk_at_punct(p, ')'))
		rc = mk_unexpected(p, "')'");
	if (rc)
		return rc;
	mk_buf_init(&file, p->t->arena);
	rc = mk_lex_open(&p->lex, name, at, part, &file, &path);
	if (rc)
		return rc;
	if (part.given && file.len < part.len && p->opts->warnings)
		mk_diag_add(p->opts->warnings, MK_WARNING, NULL, at,
			    "%s has %zu bytes there: the value is shorter than asked for", path,
			    file.len);
	mk_buf_add(&p->lex.value, file.data, file.len);
	return mk_next_token(p);
}

static int labels_in_value(struct mk_parser *p, struct mk_value_marks *v)
{
	int rc = MK_OK;

	while (!rc && p->lex.tok.kind == T_LABEL) {
		add_mark(p, v, MK_MARK_LABEL, p->lex.tok.text);
		rc = mk_next_token(p);
	}
	return rc;
}

/* One value between commas. */
static int value_part(struct mk_parser *p, const char *prop, struct mk_value_marks *v)
{
	int rc;

	switch (p->lex.tok.kind) {
	case T_STRING:
		mk_buf_add(&p->lex.value, p->lex.tok.text, p->lex.tok.len);
		mk_buf_char(&p->lex.value, '\0');
		return mk_next_token(p);
	case T_BITS: return array(p, prop, v);
	case T_REF:
	case T_PATH_REF: add_mark(p, v, MK_MARK_PATH, p->lex.tok.text); return mk_next_token(p);
	case T_INCBIN: return binary_file(p);
	default: break;
	}
	if (mk_at_punct(p, '<'))
		return array(p, prop, v);
	if (mk_at_punct(p, '['))
		return bytes(p, v);
	rc = mk_unexpected(p, "a value");
	if (p->lex.tok.kind == T_NUMBER)
		mk_hint(p->err, "write a number as <%llu>", (unsigned long long)p->lex.tok.number);
	else
		mk_hint(p->err, "a value is a \"string\", <cells>%s",
			p->lex.no_files ? " or [bytes]"
					: ", [bytes], &reference or /incbin/(\"file\")");
	return rc;
}

int mk_parse_value(struct mk_parser *p, const char *prop, struct mk_value_marks *v)
{
	int rc;

	p->lex.value.len = 0;
	for (;;) {
		rc = labels_in_value(p, v);
		if (!rc)
			rc = value_part(p, prop, v);
		if (!rc)
			rc = labels_in_value(p, v);
		if (rc || !mk_at_punct(p, ','))
			break;
		rc = mk_next_token(p);
		if (rc)
			break;
	}
	if (!rc && p->lex.value.len > MK_TREE_BYTES_MAX)
		rc = mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "this value is larger than %d bytes",
				MK_TREE_BYTES_MAX);
	return rc;
}

/* ------------------------------------------------------------ a value alone */

int mk_dts_value(struct mk_tree *t, struct mk_span at, struct mk_buf *b, struct mk_err *err)
{
	const struct mk_dts_options opts = {0};
	struct mk_dts_input input = {0};
	struct mk_file whole = *at.file;
	struct mk_value_marks v = {0};
	struct mk_parser p;
	int rc;

	mk_parser_init(&p, t, &opts, &input, err);
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
	rc = mk_next_token(&p);
	while (!rc) {
		if (p.lex.tok.kind == T_REF || p.lex.tok.kind == T_PATH_REF)
			return mk_unexpected(&p, "a string, cells or bytes");
		rc = value_part(&p, "", &v);
		if (rc || p.lex.tok.kind == T_END)
			break;
		rc = mk_expect(&p, ',');
	}
	if (!rc && v.first)
		rc = mk_fail_at(err, MK_BAD, v.first->at,
				"labels and references have no place in the lines form");
	if (!rc)
		mk_buf_add(b, p.lex.value.data, p.lex.value.len);
	return rc;
}
