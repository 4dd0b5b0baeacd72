/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_lex: source text to tokens, with exact places. Which tokens are possible
 * follows dtc's lexer: a name can stand only where a node or property is
 * defined, a number only in a value, a byte only in [ ].
 */
#include "dts_int.h"

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "num.h"

/* What a byte can be part of. A lookup is made for every byte of a source, often twice. */
enum {
	C_SPACE = 1,
	C_DIGIT = 2,
	C_LETTER = 4, /* or '_': a label can begin with it */
	C_NAME = 8,   /* one of ,.+*#?@- */
};

/* clang-format off */
#define S C_SPACE
#define D C_DIGIT
#define L C_LETTER
#define N C_NAME
static const unsigned char class_of[256] = { /* by ASCII code; the rest is nothing */
	0, 0, 0, 0, 0, 0, 0, 0, 0, S, S, S, S, S, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	S, 0, 0, N, 0, 0, 0, 0, 0, 0, N, N, N, N, N, 0,
	D, D, D, D, D, D, D, D, D, D, 0, 0, 0, 0, 0, N,
	N, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, 0, L,
	0, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, 0, 0,
};
#undef S
#undef D
#undef L
#undef N
/* clang-format on */

enum { C_IN_LABEL = C_LETTER | C_DIGIT, C_IN_NAME = C_LETTER | C_DIGIT | C_NAME };

static bool is(int c, unsigned classes)
{
	return c >= 0 && class_of[c] & classes;
}

/* The byte at an offset from the current position, -1 behind the end. */
static int peek(const struct mk_lex *l, size_t ahead)
{
	const struct mk_lex_file *f = l->top;

	return f->pos + ahead < f->file->len ? (unsigned char)f->file->text[f->pos + ahead] : -1;
}

static struct mk_span span_here(const struct mk_lex *l, size_t len)
{
	const struct mk_lex_file *f = l->top;

	return (struct mk_span){
		.file = f->file, .line = f->line, .off = (uint32_t)f->pos, .len = (uint32_t)len};
}

static void advance(struct mk_lex *l, size_t n)
{
	struct mk_lex_file *f = l->top;

	while (n--)
		if (f->file->text[f->pos++] == '\n')
			f->line++;
}

static int bad(struct mk_lex *l, size_t len, const char *text, const char *hint)
{
	mk_fail_at(l->err, MK_BAD, span_here(l, len), "%s", text);
	if (hint)
		mk_hint(l->err, "%s", hint);
	return MK_BAD;
}

/* ------------------------------------------------------------ files */

static const char *dir_of(struct mk_arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mk_arena_strn(a, path, (size_t)(slash - path) + 1) : "";
}

static int push_text(struct mk_lex *l, const char *name, const char *text, size_t len,
		     const char *dir)
{
	struct mk_lex_file *f = mk_arena_alloc(l->tree->arena, sizeof(*f));

	f->file = mk_arena_alloc(l->tree->arena, sizeof(*f->file));
	*f->file = (struct mk_file){.name = name, .text = text, .len = len};
	f->file->memo = mk_arena_alloc(l->tree->arena, sizeof(*f->file->memo));
	f->dir = dir;
	f->line = 1;
	f->up = l->top;
	l->top = f;
	l->depth++;
	return MK_OK;
}

int mk_lex_start(struct mk_lex *l, const struct mk_file *src)
{
	l->mode = LEX_INITIAL;
	if (src->len > MK_TREE_BYTES_MAX)
		return mk_fail(l->err, MK_BAD, "%s is larger than %d bytes", src->name,
			       MK_TREE_BYTES_MAX);
	return push_text(l, src->name, src->text, src->len, dir_of(l->tree->arena, src->name));
}

static void note_opened(struct mk_lex *l, const char *path)
{
	struct mk_dts_input *in = l->input;

	in->opened = mk_arena_more(l->tree->arena, (void *)in->opened, in->n_opened,
				   &in->opened_cap, sizeof(*in->opened));
	in->opened[in->n_opened++] = path;
}

int mk_lex_open(struct mk_lex *l, const char *name, struct mk_span at, struct mk_lex_part part,
		struct mk_buf *out, const char **path)
{
	struct mk_arena *a = l->tree->arena;
	struct mk_err why;
	size_t i = 0;
	const char *p;

	if (l->no_files || l->opts->no_files)
		return mk_fail_at(l->err, MK_BAD, at, "a file cannot be included here");
	p = name[0] == '/' ? name : mk_arena_fmt(a, "%s%s", l->top->dir, name);

	for (;;) {
		errno = 0;
		if (!(part.given ? mk_buf_read_part(out, p, part.off, part.len, MK_TREE_BYTES_MAX,
						    &why)
				 : mk_buf_read_file(out, p, MK_TREE_BYTES_MAX, &why)))
			break;
		if (errno != ENOENT || name[0] == '/' || i == l->opts->n_include_dirs) {
			bool lost = errno == ENOENT && name[0] != '/';

			mk_fail_at(l->err, why.code, at, lost ? "cannot find %s" : "%s",
				   lost ? name : why.text);
			if (lost)
				mk_hint(l->err,
					i ? "it is neither beside the file that names it nor in "
					    "a folder given with -i"
					  : "it is not beside the file that names it: give its "
					    "folder with -i");
			return why.code;
		}
		p = mk_arena_fmt(a, "%s/%s", l->opts->include_dirs[i++], name);
	}
	*path = p;
	note_opened(l, p);
	return MK_OK;
}

static int push_include(struct mk_lex *l, const char *name, struct mk_span at)
{
	struct mk_buf text;
	const char *path = "";
	int rc;

	if (l->depth >= MK_INCLUDE_DEPTH_MAX) {
		mk_fail_at(l->err, MK_BAD, at, "files include each other more than %d deep",
			   MK_INCLUDE_DEPTH_MAX);
		mk_hint(l->err,
			"a file that includes itself, on its own or by way of another, never "
			"ends");
		return MK_BAD;
	}
	mk_buf_init(&text, l->tree->arena);
	rc = mk_lex_open(l, name, at, (struct mk_lex_part){0}, &text, &path);
	if (rc)
		return rc;
	return push_text(l, path, text.data ? text.data : "", text.len,
			 dir_of(l->tree->arena, path));
}

/* ------------------------------------------------------------ strings */

/*
 * Length of the quoted text that begins here, quotes included; 0 when it does
 * not end.
 */
static size_t quoted_len(const struct mk_lex *l, size_t from, char quote)
{
	const struct mk_file *f = l->top->file;
	const char *s = f->text + l->top->pos;
	size_t left = f->len - l->top->pos;
	size_t i = from + 1;

	while (i < left && s[i] != quote) {
		if (s[i] == '\\') {
			if (i + 1 >= left || s[i + 1] == '\n')
				return 0;
			i++;
		}
		i++;
	}
	return i < left ? i + 1 - from : 0;
}

static int simple_escape(int c)
{
	static const char from[] = "abtnvfr", to[] = "\a\b\t\n\v\f\r";
	const char *p = c ? strchr(from, c) : NULL;

	return p ? to[p - from] : c;
}

/* Unescapes s[0..len) into out; returns its length, or -1 for \x without a digit. */
static ptrdiff_t unescape(const char *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		unsigned v = 0, digits = 0;
		int c = (unsigned char)s[i++];

		if (c != '\\' || i == len) {
			out[n++] = (char)c;
			continue;
		}
		c = (unsigned char)s[i++];
		if (c >= '0' && c <= '7') {
			for (i--; i < len && digits < 3 && s[i] >= '0' && s[i] <= '7'; digits++)
				v = v * 8 + (unsigned)(s[i++] - '0');
			out[n++] = (char)(v & 0xff);
		} else if (c == 'x') {
			for (; i < len && digits < 2 && mk_hex_digit((unsigned char)s[i]) >= 0;
			     digits++)
				v = v * 16 + (unsigned)mk_hex_digit((unsigned char)s[i++]);
			if (!digits)
				return -1;
			out[n++] = (char)(v & 0xff);
		} else {
			out[n++] = (char)simple_escape(c);
		}
	}
	return (ptrdiff_t)n;
}

static int take_quoted(struct mk_lex *l, char quote)
{
	size_t len = quoted_len(l, 0, quote);
	ptrdiff_t n;
	char *out;

	if (!len)
		return bad(l, 1,
			   quote == '"' ? "this string does not end"
					: "this character literal does not end",
			   quote == '"' ? "add the closing '\"'" : "add the closing \"'\"");
	out = mk_arena_alloc(l->tree->arena, len);
	n = unescape(l->top->file->text + l->top->pos + 1, len - 2, out);
	if (n < 0)
		return bad(l, len, "\\x is not followed by a hexadecimal digit",
			   "write a backslash as \\\\");
	l->tok.at = span_here(l, len);
	l->tok.text = out;
	l->tok.len = (size_t)n;
	if (quote == '\'') {
		if (n != 1)
			return bad(l, len, "a character literal holds exactly one character",
				   "use a string for more than one");
		l->tok.kind = T_CHAR;
		l->tok.number = (unsigned char)out[0];
	} else {
		l->tok.kind = T_STRING;
	}
	advance(l, len);
	return MK_OK;
}

/* ------------------------------------------------------------ line markers */

/*
 * "# 12 "file.h" 1" as cpp writes it: what follows stands in line 12 of
 * file.h. Returns the length of the marker at the current position, or 0.
 */
static size_t line_marker(struct mk_lex *l)
{
	const struct mk_lex_file *f = l->top;
	uint64_t line = 0;
	size_t i = 1, q, qlen, digits, rest = 0;
	struct mk_file *named;
	ptrdiff_t n;
	char *name;

	if (f->pos && f->file->text[f->pos - 1] != '\n')
		return 0;
	if (!strncmp(f->file->text + f->pos, "#line", f->file->len - f->pos < 5 ? 1 : 5))
		i = 5;
	if (peek(l, i) != ' ' && peek(l, i) != '\t')
		return 0;
	while (peek(l, i) == ' ' || peek(l, i) == '\t')
		i++;
	for (digits = 0; is(peek(l, i), C_DIGIT); i++, digits++)
		line = line < UINT32_MAX ? line * 10 + (unsigned)(peek(l, i) - '0') : line;
	if (!digits || (peek(l, i) != ' ' && peek(l, i) != '\t'))
		return 0;
	while (peek(l, i) == ' ' || peek(l, i) == '\t')
		i++;
	q = i;
	qlen = peek(l, q) == '"' ? quoted_len(l, q, '"') : 0;
	if (!qlen)
		return 0;
	name = mk_arena_alloc(l->tree->arena, qlen);
	n = unescape(f->file->text + f->pos + q + 1, qlen - 2, name);
	if (n < 0 || memchr(name, '\0', (size_t)n))
		return 0;
	i = q + qlen;
	for (;;) { /* cpp's flags */
		size_t j = i;

		while (peek(l, j) == ' ' || peek(l, j) == '\t')
			j++;
		if (j == i || !is(peek(l, j), C_DIGIT))
			break;
		while (is(peek(l, j), C_DIGIT))
			j++;
		i = j;
	}
	named = mk_arena_alloc(l->tree->arena, sizeof(*named));
	*named = *f->file;
	if (n)
		named->name = name;
	l->top->file = named;
	l->top->pos += i;
	/* the line end behind the marker is still to come; 0 is no line for what comes before it */
	l->top->line = line > 0 && line <= UINT32_MAX ? (uint32_t)line - 1 : 0;
	while (peek(l, rest) == ' ' || peek(l, rest) == '\t' || peek(l, rest) == '\r')
		rest++;
	if (!l->top->line && peek(l, rest) != '\n')
		l->top->line = 1;
	return i;
}

/* ------------------------------------------------------------ blanks */

static int skip_comment(struct mk_lex *l)
{
	const struct mk_file *f = l->top->file;
	const char *s = f->text + l->top->pos;
	size_t left = f->len - l->top->pos, i = 2;

	if (s[1] == '/') {
		while (i < left && s[i] != '\n')
			i++;
		if (i == left)
			return bad(l, i, "the file ends in a comment without a line end",
				   "end the last line with a newline; dtc refuses the file, too");
		advance(l, i + 1);
		return MK_OK;
	}
	for (; i + 1 < left; i++)
		if (s[i] == '*' && s[i + 1] == '/') {
			advance(l, i + 2);
			return MK_OK;
		}
	return bad(l, 2, "this comment does not end", "add the closing '*/'");
}

/* Skips white space, comments and line markers, and leaves files that have ended. */
static int skip_blanks(struct mk_lex *l)
{
	for (;;) {
		struct mk_lex_file *f = l->top;
		const unsigned char *text = (const unsigned char *)f->file->text;
		int c, rc;

		while (f->pos < f->file->len && class_of[text[f->pos]] == C_SPACE)
			f->line += text[f->pos++] == '\n';
		c = peek(l, 0);
		if (c < 0) {
			if (!l->top->up)
				return MK_OK;
			l->top = l->top->up;
			l->depth--;
		} else if (c == '/' && (peek(l, 1) == '/' || peek(l, 1) == '*')) {
			rc = skip_comment(l);
			if (rc)
				return rc;
		} else if (c != '#' || !line_marker(l)) {
			return MK_OK;
		}
	}
}

/* ------------------------------------------------------------ keywords */

static const struct keyword {
	const char *text;
	enum mk_tok kind;
	enum mk_lex_mode mode; /* afterwards */
	bool keeps_mode;
} keywords[] = {
	{"/dts-v1/", T_VERSION, LEX_VALUE, false},
	{"/plugin/", T_PLUGIN, LEX_INITIAL, true},
	{"/memreserve/", T_MEMRESERVE, LEX_VALUE, false},
	{"/bits/", T_BITS, LEX_VALUE, false},
	{"/delete-property/", T_DELETE_PROP, LEX_NAME, false},
	{"/delete-node/", T_DELETE_NODE, LEX_NAME, false},
	{"/omit-if-no-ref/", T_OMIT, LEX_NAME, false},
	{"/incbin/", T_INCBIN, LEX_VALUE, true},
	{"/include/", T_END, LEX_INITIAL, true},
};

enum { N_KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static bool here(const struct mk_lex *l, const char *text)
{
	const struct mk_lex_file *f = l->top;
	size_t n = strlen(text);

	return f->file->len - f->pos >= n && !memcmp(f->file->text + f->pos, text, n);
}

static int take_include(struct mk_lex *l)
{
	size_t i = strlen("/include/"), len;
	struct mk_span at;
	const char *name;

	while (is(peek(l, i), C_SPACE))
		i++;
	len = peek(l, i) == '"' ? quoted_len(l, i, '"') : 0;
	if (!len)
		return bad(l, strlen("/include/"), "/include/ needs a file name in quotes",
			   "write /include/ \"name.dtsi\"");
	name = mk_arena_strn(l->tree->arena, l->top->file->text + l->top->pos + i + 1, len - 2);
	at = span_here(l, i + len);
	if (strlen(name) != len - 2)
		return bad(l, i + len, "this file name holds a NUL byte", NULL);
	advance(l, i + len);
	return push_include(l, name, at);
}

/* "/word/" that is no keyword: the nearest one is the hint. */
static int unknown_keyword(struct mk_lex *l, size_t len)
{
	char *word = mk_arena_strn(l->tree->arena, l->top->file->text + l->top->pos, len);
	const char *best = NULL;
	unsigned edits = 4;

	for (size_t i = 0; i < N_KEYWORDS; i++) {
		unsigned e = mk_num_edits(word, keywords[i].text, 3);

		if (e < edits) {
			edits = e;
			best = keywords[i].text;
		}
	}
	if (l->opts->dialect && mk_num_edits(word, l->opts->dialect->tag, 3) < edits)
		best = l->opts->dialect->tag;
	mk_fail_at(l->err, MK_BAD, span_here(l, len), "unknown directive %s", word);
	if (best)
		mk_hint(l->err, "did you mean %s?", best);
	else if (l->before.line)
		mk_hint(l->err,
			"these are known: /include/ /incbin/ /bits/ /memreserve/ /delete-node/ "
			"/delete-property/ /omit-if-no-ref/ /plugin/");
	else
		mk_hint(l->err, "a source begins with /dts-v1/;%s%s%s",
			l->opts->dialect ? " or " : "",
			l->opts->dialect ? l->opts->dialect->tag : "", l->opts->dialect ? ";" : "");
	return MK_BAD;
}

/* *done is false when no keyword stands here, or when one was dealt with entirely. */
static int take_keyword(struct mk_lex *l, bool *done, bool *again)
{
	size_t n = 1;

	*done = *again = false;
	if (l->opts->dialect && here(l, l->opts->dialect->tag)) {
		n = strlen(l->opts->dialect->tag);
		l->tok = (struct mk_token){.kind = T_VERSION, .at = span_here(l, n), .number = 1};
		advance(l, n);
		l->mode = LEX_VALUE;
		*done = true;
		return MK_OK;
	}
	for (size_t i = 0; i < N_KEYWORDS; i++) {
		const struct keyword *k = &keywords[i];

		if (!here(l, k->text))
			continue;
		if (k->kind == T_END) {
			*again = true;
			return take_include(l);
		}
		if (k->kind == T_INCBIN && l->mode != LEX_VALUE && l->mode != LEX_INITIAL)
			break;
		n = strlen(k->text);
		l->tok = (struct mk_token){.kind = k->kind, .at = span_here(l, n)};
		advance(l, n);
		l->seen |= k->kind == T_OMIT					  ? MK_SEEN_OMIT
			   : k->kind == T_DELETE_NODE || k->kind == T_DELETE_PROP ? MK_SEEN_DELETE
										  : 0;
		if (!k->keeps_mode)
			l->mode = k->mode;
		*done = true;
		return MK_OK;
	}
	if (is(peek(l, 1), C_LETTER)) {
		while (is(peek(l, n), C_IN_LABEL) || peek(l, n) == '-')
			n++;
		if (peek(l, n) == '/')
			return unknown_keyword(l, n + 1);
	}
	return MK_OK;
}

/* ------------------------------------------------------------ words and numbers */

static void take_text(struct mk_lex *l, enum mk_tok kind, size_t skip, size_t len, size_t all)
{
	l->tok.kind = kind;
	l->tok.at = span_here(l, all);
	l->tok.text = mk_intern(&l->tree->names, l->top->file->text + l->top->pos + skip, len);
	l->tok.len = len;
	l->top->pos += all;
}

/* Where a word of such bytes ends, as an offset from the current position. */
static size_t word_end(const struct mk_lex *l, size_t from, unsigned classes)
{
	const struct mk_lex_file *f = l->top;
	const unsigned char *text = (const unsigned char *)f->file->text;
	size_t i = f->pos + from;

	while (i < f->file->len && class_of[text[i]] & classes)
		i++;
	return i - f->pos;
}

/* A label definition "name:" here? Its length with the colon, or 0. */
static size_t label_len(const struct mk_lex *l)
{
	size_t n;

	if (!is(peek(l, 0), C_LETTER))
		return 0;
	n = word_end(l, 0, C_IN_LABEL);
	return peek(l, n) == ':' ? n + 1 : 0;
}

static int take_number(struct mk_lex *l)
{
	const char *s = l->top->file->text + l->top->pos;
	size_t n = 0, digits;
	uint64_t v = 0;
	unsigned base = 10;

	if (s[0] == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'X') &&
	    mk_hex_digit(peek(l, 2)) >= 0) {
		base = 16;
		n = 2;
		while (mk_hex_digit(peek(l, n)) >= 0)
			n++;
	} else {
		while (is(peek(l, n), C_DIGIT))
			n++;
		if (s[0] == '0' && n > 1)
			base = 8;
	}
	digits = n;
	if (peek(l, n) == 'U') /* U, L, UL, LL, ULL */
		n++;
	for (int i = 0; i < 2 && peek(l, n) == 'L'; i++)
		n++;
	for (size_t i = base == 16 ? 2 : 0; i < digits; i++) {
		unsigned d = (unsigned)mk_hex_digit((unsigned char)s[i]);

		if (d >= base)
			return bad(l, n, "a number that begins with 0 is octal and has no 8 or 9",
				   "drop the leading 0, or write 0x for hexadecimal");
		if (v > (UINT64_MAX - d) / base)
			return bad(l, n, "this number does not fit in 64 bits", NULL);
		v = v * base + d;
	}
	l->tok.kind = T_NUMBER;
	l->tok.at = span_here(l, n);
	l->tok.number = v;
	l->top->pos += n;
	return MK_OK;
}

static bool take_reference(struct mk_lex *l)
{
	size_t n = 1;

	if (is(peek(l, 1), C_LETTER)) {
		while (is(peek(l, n), C_IN_LABEL))
			n++;
		l->seen |= MK_SEEN_REF;
		take_text(l, T_REF, 1, n - 1, n);
		return true;
	}
	if (peek(l, 1) != '{' || peek(l, 2) != '/')
		return false;
	n = 2;
	while (is(peek(l, n), C_IN_NAME) || peek(l, n) == '/')
		n++;
	if (peek(l, n) != '}')
		return false;
	l->seen |= MK_SEEN_REF;
	take_text(l, T_PATH_REF, 2, n - 2, n + 1);
	return true;
}

static bool take_operator(struct mk_lex *l)
{
	static const struct {
		char text[3];
		enum mk_tok kind;
	} ops[] = {{"<<", T_LSHIFT}, {">>", T_RSHIFT}, {"<=", T_LE},  {">=", T_GE},
		   {"==", T_EQ},     {"!=", T_NE},     {"&&", T_AND}, {"||", T_OR}};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (peek(l, 0) == ops[i].text[0] && peek(l, 1) == ops[i].text[1]) {
			l->tok.kind = ops[i].kind;
			l->tok.at = span_here(l, 2);
			l->top->pos += 2;
			return true;
		}
	return false;
}

static void take_byte_char(struct mk_lex *l, int c)
{
	l->tok.kind = T_PUNCT;
	l->tok.number = (uint64_t)c;
	l->tok.at = span_here(l, 1);
	advance(l, 1);
	if (c == '[')
		l->mode = LEX_BYTES;
	else if (c == '{' || c == ';')
		l->mode = LEX_NAME;
	else if (c == ']' && l->mode == LEX_BYTES)
		l->mode = LEX_VALUE;
}

/* A name where one may stand: a node's or property's, with '\' before a keyword-like one. */
static bool take_name(struct mk_lex *l, size_t label)
{
	size_t skip = peek(l, 0) == '\\', n = word_end(l, skip, C_IN_NAME);

	if (n == skip || n <= label)
		return false;
	take_text(l, T_NAME, skip, n - skip, n);
	l->mode = LEX_VALUE;
	return true;
}

int mk_lex_next(struct mk_lex *l)
{
	bool done, again;
	size_t label;
	int c, rc;

	l->before = l->tok.at;
	do {
		again = false;
		rc = skip_blanks(l);
		if (rc)
			return rc;
		c = peek(l, 0);
		l->tok = (struct mk_token){.kind = T_END, .at = span_here(l, 0)};
		if (c < 0)
			return MK_OK;
		if (c == '/') {
			rc = take_keyword(l, &done, &again);
			if (rc || done)
				return rc;
		}
	} while (again);

	if (c == '"' || c == '\'')
		return take_quoted(l, (char)c);
	label = label_len(l);
	if (l->mode == LEX_NAME && take_name(l, label))
		return MK_OK;
	if (label) {
		take_text(l, T_LABEL, 0, label - 1, label);
		l->seen |= MK_SEEN_LABEL;
		return MK_OK;
	}
	if (l->mode == LEX_VALUE && is(c, C_DIGIT))
		return take_number(l);
	if (l->mode == LEX_BYTES && mk_hex_digit(c) >= 0 && mk_hex_digit(peek(l, 1)) >= 0) {
		l->tok.kind = T_BYTE;
		l->tok.number = (uint64_t)mk_hex_digit(c) * 16 + (uint64_t)mk_hex_digit(peek(l, 1));
		l->tok.at = span_here(l, 2);
		l->top->pos += 2;
		return MK_OK;
	}
	if ((c == '&' && take_reference(l)) || (strchr("<>=!&|", c) && take_operator(l)))
		return MK_OK;
	take_byte_char(l, c);
	return MK_OK;
}

const char *mk_tok_text(const struct mk_lex *l)
{
	const struct mk_token *t = &l->tok;
	size_t len = t->at.len;

	if (t->kind == T_END)
		return l->no_files ? "the end of the line" : "the end of the file";
	if (t->kind == T_PUNCT && (t->number < 0x20 || t->number > 0x7e))
		return mk_arena_fmt(l->tree->arena, "the byte 0x%02x", (unsigned)t->number);
	if (t->kind == T_PUNCT && is((int)t->number, C_LETTER)) { /* a word that is no token */
		const struct mk_file *f = t->at.file;

		while (t->at.off + len < f->len &&
		       is((unsigned char)f->text[t->at.off + len], C_IN_NAME))
			len++;
	}
	if (len > 40)
		len = 40;
	return mk_arena_fmt(l->tree->arena, "'%.*s'", (int)len, t->at.file->text + t->at.off);
}
