/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen-dts: random device tree sources that use all of the language, a part of
 * them with one mistake; the same seed gives the same source on every machine.
 *
 *     gen-dts SEED                     one source on standard output
 *     gen-dts -n COUNT -s SEED DIR     DIR/SEED.dts, DIR/SEED+1.dts, ... and
 *                                      the files in DIR/inc that they include
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	NODES_MAX = 160,
	LABELS_MAX = 6,	 /* of one node */
	WANTED_MAX = 64, /* references that must find something in the end */
	NAMES_MAX = 24,	 /* properties of one body */
	NAME_BYTES = 80,
	PATH_BYTES = 1024,
	DEPTH_MAX = 9,
	MISTAKE_PERCENT = 25,
};

struct text {
	char *s;
	size_t len, cap;
};

struct node {
	char name[NAME_BYTES];
	int parent; /* -1 for the root */
	bool live;
	bool leaf; /* gets no children, even when it is deleted and made again */
	char label[LABELS_MAX][NAME_BYTES];
	int n_labels;
};

/* Where a mistake fits. */
enum site { AT_START, AT_TOP, AT_PROP, AT_NODE, AT_VALUE, AT_CELL, AT_END };

struct gen {
	uint64_t random;
	struct text out;
	struct node node[NODES_MAX];
	int n_nodes;
	int budget; /* nodes still to be made */
	bool files, plugin;
	unsigned included; /* bit per file: each is used once, its labels are unique */
	unsigned labels, phandles, fragments;
	char wanted[WANTED_MAX][PATH_BYTES];
	int n_wanted;
	const struct mistake *mistake; /* still to be made */
	int patience;		       /* places to let pass before it */
	bool mutate, settle;
};

/* ------------------------------------------------------------ chance and text */

static uint64_t next_random(struct gen *g)
{
	uint64_t z = g->random += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static int below(struct gen *g, int n)
{
	return (int)(next_random(g) % (uint64_t)n);
}

static bool chance(struct gen *g, int percent)
{
	return below(g, 100) < percent;
}

#define ONE_OF(g, list) ((list)[below(g, (int)(sizeof(list) / sizeof((list)[0])))])

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(",._+*#?@-", c));
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void room(struct text *t, size_t n)
{
	if (t->len + n < t->cap)
		return;
	t->cap = (t->len + n) * 2 + 4096;
	t->s = realloc(t->s, t->cap);
	if (!t->s) {
		fputs("gen-dts: out of memory\n", stderr);
		exit(2);
	}
}

static void put(struct gen *g, const char *s)
{
	size_t n = strlen(s);

	room(&g->out, n + 1);
	memcpy(g->out.s + g->out.len, s, n + 1);
	g->out.len += n;
}

static void __attribute__((format(printf, 2, 3))) putf(struct gen *g, const char *fmt, ...)
{
	char line[2 * PATH_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	put(g, line);
}

/* What may stand between two tokens. Where something must, it begins with a blank. */
static void gap(struct gen *g, bool needed)
{
	static const char *const blanks[] = {" ",  " ",	   " ",	    "\n", "\t",
					     "  ", "\n\t", " \r\n", "\v", "\f"};
	static const char *const comments[] = {"/* plain */",
					       "/**/",
					       "/***/",
					       "/* // */",
					       "/* \" */",
					       "/* it's */",
					       "/* two\nlines */",
					       "// to the end\n",
					       "//\n",
					       "// \" /* \n",
					       "/* / * ** /* **/",
					       "// /dts-v1/; \\\n",
					       "/* /include/ \"nothing\" */",
					       "/* */ // both\n",
					       "/*;*/",
					       "/*}*/"};
	static const char *const markers[] = {
		"\n# 12 \"some.h\"\n", "\n#line 5 \"a dir/y.dts\" 1 3\n", "\n# 1 \"<built-in>\"\n",
		"\n#\t3 \t\"t.h\" 2\n", "\n# 99999 \"back\\\\slash\\t.h\"\n"};

	if (needed)
		put(g, ONE_OF(g, blanks));
	else if (chance(g, 75))
		return;
	while (chance(g, 4)) {
		if (chance(g, 25))
			put(g, ONE_OF(g, markers));
		else
			put(g, ONE_OF(g, comments));
		if (chance(g, 50))
			put(g, ONE_OF(g, blanks));
	}
}

static void token(struct gen *g, const char *s)
{
	put(g, s);
	gap(g, false);
}

static void word(struct gen *g, const char *s)
{
	put(g, s);
	gap(g, true);
}

static void end_line(struct gen *g)
{
	put(g, ";");
	gap(g, chance(g, 90));
}

/* ------------------------------------------------------------ mistakes */

struct mistake {
	enum site site;
	const char *text;
};

static const struct mistake mistakes[] = {
	{AT_START, "/ { };"},
	{AT_START, "/plugin/;"},
	{AT_START, "/dts-v1/; /plugin/; /dts-v1/;"},
	{AT_START, "/dts-v1/ /dts-v1/;"},
	{AT_START, "/dts-v2/;"},
	{AT_START, "x: /dts-v1/;"},
	{AT_TOP, "/memreserve/ 0x1000 0x2000;"},
	{AT_TOP, "&no_such_label { };"},
	{AT_TOP, "again: &no_such_label { };"},
	{AT_TOP, "&{/no/such/path} { a; };"},
	{AT_TOP, "one: two: &{/} { };"},
	{AT_TOP, "one: / { };"},
	{AT_TOP, "/delete-node/ &no_such_label;"},
	{AT_TOP, "/delete-node/ &{/no-such-path};"},
	{AT_TOP, "/delete-node/ name;"},
	{AT_TOP, "/delete-property/ &{/};"},
	{AT_TOP, "/omit-if-no-ref/ &no_such_label;"},
	{AT_TOP, "/ { } / { };"},
	{AT_TOP, "/ { };;"},
	{AT_TOP, "/ { }"},
	{AT_TOP, "/ { a { };"},
	{AT_TOP, "stray;"},
	{AT_TOP, "/dts-v1/;"},
	{AT_TOP, "/* no end"},
	{AT_TOP, "/unknown-word/;"},
	{AT_TOP, "/ { new-node { twice; twice; }; };"},
	{AT_TOP, "/ { new-node { twice { }; twice { }; }; };"},
	{AT_TOP, "/ { one_l: new-node1 { }; one_l: new-node2 { }; };"},
	{AT_TOP, "/ { two_l: new-node { two_l: p; }; };"},
	{AT_TOP, "/ { three_l: new-node { p = three_l: <1>; }; };"},
	{AT_TOP, "/ { new-node { p = four_l: <1>; q = <1 four_l:>; }; };"},
	{AT_TOP, "/ { new-node { five_l: p; five_l: q; }; };"},
	{AT_TOP, "/ { new-node1 { phandle = <77777>; }; new-node2 { phandle = <77777>; }; };"},
	{AT_TOP,
	 "/ { new-node1 { phandle = <77777>; }; new-node2 { linux,phandle = <77777>; }; };"},
	{AT_TOP, "/ { new-node { phandle = <77777>; linux,phandle = <77778>; }; };"},
	{AT_TOP, "/ { other_l: new-node1 { }; new-node2 { phandle = <&other_l>; }; };"},
	{AT_TOP, "/ { new-node1 { name = \"new-node\"; }; };"},
	{AT_TOP, "/ { new-node { name = \"new-node\", \"x\"; }; };"},
	{AT_TOP, "/ { new-node { name = [6e 65 77 2d 6e 6f 64 65]; }; };"},
	{AT_TOP, "/ { new-node@1 { name = \"new-node@1\"; }; };"},
	{AT_TOP, "/ { new-node { name; }; };"},
	{AT_PROP, "phandle = <0>;"},
	{AT_PROP, "phandle = <0xffffffff>;"},
	{AT_PROP, "phandle = <(-1)>;"},
	{AT_PROP, "phandle = <70001 70002>;"},
	{AT_PROP, "phandle;"},
	{AT_PROP, "phandle = \"text\";"},
	{AT_PROP, "linux,phandle = [00 00 01];"},
	{AT_PROP, "phandle = <&no_such_label>;"},
	{AT_PROP, "bad@name = <1>;"},
	{AT_PROP, "bad%name = <1>;"},
	{AT_PROP, "bad$;"},
	{AT_PROP, "late-node { }; late-prop = <1>;"},
	{AT_PROP, "late-node { }; /delete-property/ late-prop;"},
	{AT_PROP, "/delete-node/ late-node; late-prop;"},
	{AT_PROP, "no-semicolon = <1> another = <2>;"},
	{AT_PROP, "no-semicolon another;"},
	{AT_PROP, "no-value = ;"},
	{AT_PROP, "two-equals = = <1>;"},
	{AT_PROP, "bare = 5;"},
	{AT_PROP, "bare = word;"},
	{AT_PROP, "bare = (1 + 2);"},
	{AT_PROP, "trailing = <1>, ;"},
	{AT_PROP, "leading = , <1>;"},
	{AT_PROP, "missing = \"a\" \"b\";"},
	{AT_PROP, "missing = <1> <2>;"},
	{AT_PROP, "/omit-if-no-ref/ omitted = <1>;"},
	{AT_PROP, "/bits/ 32 <1>;"},
	{AT_PROP, "/delete-property/;"},
	{AT_PROP, "/delete-property/ with = <1>;"},
	{AT_PROP, "/delete-property/ &{/};"},
	{AT_PROP, "open = \"no end"},
	{AT_PROP, "open = \"no \\\n end\";"},
	{AT_PROP, "open = <1 2 3;"},
	{AT_PROP, "open = [00 01;"},
	{AT_PROP, "open = <(1 + 2>;"},
	{AT_PROP, "open = 'a;"},
	{AT_PROP, "label: 5label: p;"},
	{AT_PROP, "la-bel: p;"},
	{AT_PROP, "label :p;"},
	{AT_PROP, "label:"},
	{AT_PROP, ";"},
	{AT_PROP, "{ };"},
	{AT_PROP, "&{/} { };"},
	{AT_PROP, "\xc3\xa4 = <1>;"},
	{AT_NODE, "\xc3\xa4 { };"},
	{AT_NODE, "bad#node { };"},
	{AT_NODE, "bad?node { };"},
	{AT_NODE, "bad*node { };"},
	{AT_NODE, "two@units@1 { };"},
	{AT_NODE, "two@@units { };"},
	{AT_NODE, "bad/name { };"},
	{AT_NODE, "bad!name { };"},
	{AT_NODE, "no-semicolon { } next { };"},
	{AT_NODE, "no-semicolon { }"},
	{AT_NODE, "no-brace };"},
	{AT_NODE, "no-brace { ;"},
	{AT_NODE, "/delete-node/ &{/};"},
	{AT_NODE, "/delete-node/;"},
	{AT_NODE, "/delete-node/ with { };"},
	{AT_NODE, "/omit-if-no-ref/;"},
	{AT_NODE, "/omit-if-no-ref/ &{/};"},
	{AT_NODE, "label: };"},
	{AT_NODE, "&{/} { };"},
	{AT_NODE, "no_l: &{/} { };"},
	{AT_NODE, "/ { };"},
	{AT_NODE, "/plugin/;"},
	{AT_NODE, "/memreserve/ 1 2;"},
	{AT_NODE, "/include/ \"no-such-file\""},
	{AT_NODE, "/include/ no-quotes"},
	{AT_VALUE, "&no_such_label"},
	{AT_VALUE, "&{/no/such/path}"},
	{AT_VALUE, "&{no/slash}"},
	{AT_VALUE, "&{//}"},
	{AT_VALUE, "& label"},
	{AT_VALUE, "&"},
	{AT_VALUE, "/bits/ 24 <1>"},
	{AT_VALUE, "/bits/ 0 <1>"},
	{AT_VALUE, "/bits/ (8) <1>"},
	{AT_VALUE, "/bits/ 8 [01]"},
	{AT_VALUE, "/bits/ 8 <256>"},
	{AT_VALUE, "/bits/ 8 <(-257)>"},
	{AT_VALUE, "/bits/ 16 <0x10000>"},
	{AT_VALUE, "/bits/ 16 <&{/}>"},
	{AT_VALUE, "/bits/ 64 <&{/}>"},
	{AT_VALUE, "/bits/ 64 <0x10000000000000000>"},
	{AT_VALUE, "<0x100000000>"},
	{AT_VALUE, "<(0xffffffff + 1)>"},
	{AT_VALUE, "<(-0x100000001)>"},
	{AT_VALUE, "<18446744073709551616>"},
	{AT_VALUE, "[0 1]"},
	{AT_VALUE, "[012]"},
	{AT_VALUE, "[0x12]"},
	{AT_VALUE, "[gg]"},
	{AT_VALUE, "[01, 02]"},
	{AT_VALUE, "[\"text\"]"},
	{AT_VALUE, "<1, 2>"},
	{AT_VALUE, "<[01]>"},
	{AT_VALUE, "\"\\x\""},
	{AT_VALUE, "\"\\xg\""},
	{AT_VALUE, "/incbin/(\"no-such-file\")"},
	{AT_VALUE, "/incbin/ \"no-parentheses\""},
	{AT_VALUE, "/incbin/(\"inc/data.bin\", 1)"},
	{AT_CELL, "(1 / 0)"},
	{AT_CELL, "(1 % 0)"},
	{AT_CELL, "(0 ? 1 / 0 : 2)"},
	{AT_CELL, "(1 || 2 / (3 - 3))"},
	{AT_CELL, "08"},
	{AT_CELL, "0779"},
	{AT_CELL, "0xg"},
	{AT_CELL, "0x"},
	{AT_CELL, "0b101"},
	{AT_CELL, "1UU"},
	{AT_CELL, "1LLL"},
	{AT_CELL, "1LU"},
	{AT_CELL, "1u"},
	{AT_CELL, "1.5"},
	{AT_CELL, "12ab"},
	{AT_CELL, "-1"},
	{AT_CELL, "~1"},
	{AT_CELL, "1 + 2"},
	{AT_CELL, "()"},
	{AT_CELL, "(1 +)"},
	{AT_CELL, "(+ 1)"},
	{AT_CELL, "(1 2)"},
	{AT_CELL, "(1 ? 2)"},
	{AT_CELL, "(1 ? : 2)"},
	{AT_CELL, "(1 : 2)"},
	{AT_CELL, "(1 = 1)"},
	{AT_CELL, "(1 < < 2)"},
	{AT_CELL, "(1 && & 2)"},
	{AT_CELL, "((1)"},
	{AT_CELL, "(1))"},
	{AT_CELL, "(&{/})"},
	{AT_CELL, "(\"1\")"},
	{AT_CELL, "''"},
	{AT_CELL, "'ab'"},
	{AT_CELL, "'\\x'"},
	{AT_CELL, "&no_such_label"},
	{AT_CELL, "&{/no/such/path}"},
	{AT_CELL, "&{/no/such path}"},
	{AT_CELL, "&{no-slash}"},
	{AT_CELL, "&5"},
	{AT_CELL, "name"},
	{AT_CELL, "\"text\""},
	{AT_CELL, "/bits/ 8 <1>"},
	{AT_END, "/"},
	{AT_END, "/ {"},
	{AT_END, "// no line end"},
	{AT_END, "/* no end"},
	{AT_END, "\""},
	{AT_END, "'"},
	{AT_END, "x"},
	{AT_END, "label:"},
	{AT_END, "&"},
	{AT_END, "\x01"},
	{AT_END, "/include/"},
	{AT_END, "/delete-node/"},
};

/* The mistake, if this is where it goes. */
static bool mistake(struct gen *g, enum site site)
{
	if (!g->mistake || g->mistake->site != site || g->patience-- > 0)
		return false;
	put(g, g->mistake->text);
	gap(g, true);
	g->mistake = NULL;
	return true;
}

/* ------------------------------------------------------------ the model of the tree */

static void path_of(const struct gen *g, int n, char *out)
{
	char rest[PATH_BYTES] = "", longer[PATH_BYTES];

	for (; n > 0; n = g->node[n].parent) {
		if (strlen(rest) + strlen(g->node[n].name) + 2 > sizeof(longer))
			break;
		strcpy(longer, "/");
		strcat(longer, g->node[n].name);
		strcat(longer, rest);
		strcpy(rest, longer);
	}
	strcpy(out, rest[0] ? rest : "/");
}

static int child_of(const struct gen *g, int parent, const char *name, bool live)
{
	for (int i = 1; i < g->n_nodes; i++)
		if (g->node[i].parent == parent && g->node[i].live == live &&
		    !strcmp(g->node[i].name, name))
			return i;
	return -1;
}

static int add_node(struct gen *g, int parent, const char *name)
{
	int n = g->n_nodes++, before = child_of(g, parent, name, false);

	g->node[n] = (struct node){.parent = parent, .live = true};
	g->node[n].leaf = before >= 0 && g->node[before].leaf;
	snprintf(g->node[n].name, NAME_BYTES, "%s", name);
	return n;
}

static void kill_node(struct gen *g, int n)
{
	g->node[n].live = false;
	g->node[n].n_labels = 0;
	for (int i = 1; i < g->n_nodes; i++)
		if (g->node[i].live && g->node[i].parent == n)
			kill_node(g, i);
}

static int with_label(const struct gen *g, const char *label)
{
	for (int i = 0; i < g->n_nodes; i++)
		for (int k = 0; g->node[i].live && k < g->node[i].n_labels; k++)
			if (!strcmp(g->node[i].label[k], label))
				return i;
	return -1;
}

/* The live node at a path, or -1. */
static int at_path(const struct gen *g, const char *path)
{
	int n = 0;

	while (*path == '/')
		path++;
	while (n >= 0 && *path) {
		char name[NAME_BYTES];
		size_t len = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		n = child_of(g, n, name, true);
		path += len;
		while (*path == '/')
			path++;
	}
	return n;
}

static void want(struct gen *g, const char *ref)
{
	if (g->n_wanted < WANTED_MAX)
		strcpy(g->wanted[g->n_wanted++], ref);
}

/* A live node other than the root, or -1. */
static int any_node(struct gen *g)
{
	for (int tries = 0; tries < 8 && g->n_nodes > 1; tries++) {
		int n = 1 + below(g, g->n_nodes - 1);

		if (g->node[n].live)
			return n;
	}
	return -1;
}

static void new_label(struct gen *g, char *out)
{
	static const char *const forms[] = {"l%u",
					    "_%u",
					    "Label_%u",
					    "fade%u",
					    "e%u",
					    "x_y%u",
					    "LONG_LABEL_with_all_0123456789_%u"};
	char plain[16];
	const char *f = ONE_OF(g, forms), *number;
	size_t head;

	snprintf(plain, sizeof(plain), "%u", ++g->labels);
	number = strchr(f, '%');
	head = (size_t)(number - f);
	memcpy(out, f, head);
	strcpy(out + head, plain);
}

/* ------------------------------------------------------------ values */

static void number(struct gen *g, uint64_t v)
{
	static const char *const suffixes[] = {"", "", "", "", "", "U", "L", "UL", "LL", "ULL"};

	switch (below(g, 5)) {
	case 0: putf(g, "%" PRIu64, v); break;
	case 1: putf(g, "0%" PRIo64, v); break;
	case 2: putf(g, "0X%" PRIX64, v); break;
	case 3: putf(g, "0x%" PRIx64, v); break;
	default: putf(g, "0x%016" PRIx64, v); break;
	}
	put(g, ONE_OF(g, suffixes));
}

/* Small, round, extreme or any. */
static uint64_t any_number(struct gen *g, int bits)
{
	uint64_t all = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

	switch (below(g, 6)) {
	case 0: return (uint64_t)below(g, 10);
	case 1: return all;
	case 2: return (uint64_t)1 << below(g, bits);
	case 3: return all - (uint64_t)below(g, 3);
	default: return next_random(g) & all;
	}
}

/* No backslash or quote that is itself escaped in sources that are mutated: see mutated(). */
static void character(struct gen *g)
{
	static const char *const plain[] = {"'a'",   "' '",	"'Z'",	   "'\"'",   "'\\n'",
					    "'\\0'", "'\\x41'", "'\\101'", "'\\x7'", "'/'",
					    "'\\r'", "'\\q'",	"'\\\"'",  "'\xe4'", "'\\377'",
					    "';'",   "'\n'"};

	put(g, !g->mutate && chance(g, 8) ? "'\\''" : ONE_OF(g, plain));
}

static void expression(struct gen *g, int depth);

static void operand(struct gen *g, int depth)
{
	static const char *const unary[] = {"-", "~", "!", "- ", "!~", "- -", "~ - "};

	if (chance(g, 20))
		put(g, ONE_OF(g, unary));
	if (depth > 0 && chance(g, 30)) {
		token(g, "(");
		expression(g, depth - 1);
		token(g, ")");
	} else if (chance(g, 8)) {
		character(g);
	} else {
		number(g, chance(g, 60) ? (uint64_t)below(g, 70) : any_number(g, 64));
	}
	gap(g, chance(g, 60));
}

/* Operands and operators in a row: what binds how is for the reader to know. */
static void expression(struct gen *g, int depth)
{
	static const char *const operators[] = {
		"+",  "-",  "*",  "/ ", "% ", "<<", ">>", "<",	">",
		"<=", ">=", "==", "!=", "&",  "^",  "|",  "&&", "||"};
	int n = below(g, 4);

	operand(g, depth);
	while (n-- > 0) {
		const char *op = ONE_OF(g, operators);

		put(g, op);
		gap(g, chance(g, 60));
		if (op[0] == '/' || op[0] == '%')
			number(g, 1 + any_number(g, 40)); /* never zero */
		else
			operand(g, depth);
		gap(g, chance(g, 60));
	}
	if (depth > 0 && chance(g, 12)) {
		token(g, "?");
		expression(g, depth - 1);
		token(g, ":");
		expression(g, depth - 1);
	}
}

/* A number that fits in bits. */
static void integer(struct gen *g, int bits)
{
	uint64_t v = any_number(g, bits);

	if (mistake(g, AT_CELL))
		return;
	switch (below(g, 10)) {
	case 0: character(g); break;
	case 1: putf(g, "(-%" PRIu64 ")", v >> 1); break;
	case 2:
	case 3:
		token(g, "(");
		token(g, "(");
		expression(g, 3);
		token(g, ")");
		putf(g, "& 0x%" PRIx64 ")", bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1);
		break;
	case 4:
		token(g, "(");
		number(g, v);
		put(g, ")");
		break;
	default: number(g, v); break;
	}
}

/* &label or &{/path} of something that is, will be, or (in a plugin) never is there. */
static void reference(struct gen *g, bool as_path)
{
	char path[PATH_BYTES], label[NAME_BYTES];
	int n = any_node(g);

	if (g->plugin && !as_path && (g->mutate || !g->settle || chance(g, 30))) {
		putf(g, "&ext_%d", below(g, 4));
	} else if (n >= 0 && g->node[n].n_labels && chance(g, 70)) {
		const char *l = g->node[n].label[below(g, g->node[n].n_labels)];

		putf(g, "&%s", l);
		want(g, l);
	} else if (n >= 0 && chance(g, 60)) {
		path_of(g, n, path);
		putf(g, "&{%s%s%s}", chance(g, 4) ? "/" : "", path,
		     !chance(g, 4) ? "" : !g->plugin && chance(g, 10) ? "//" : "/");
		want(g, path);
	} else if (chance(g, 30)) {
		put(g, "&{/}");
	} else if (g->n_wanted < WANTED_MAX) {
		new_label(g, label);
		putf(g, "&%s", label);
		want(g, label);
	} else {
		put(g, "&{/}");
	}
}

static void maybe_labels(struct gen *g, int percent)
{
	char label[NAME_BYTES];

	while (chance(g, percent)) {
		new_label(g, label);
		if (is_name_char(g->out.s[g->out.len - 1]))
			put(g, " ");
		putf(g, "%s:", label);
		gap(g, false);
	}
}

static void string(struct gen *g)
{
	static const char *const pieces[] = {"a",	    "text",
					     " ",	    "\\a\\b\\t\\n\\v\\f\\r",
					     "\\\"",	    "\\\\",
					     "\\x41",	    "\\x7",
					     "\\101",	    "\\0",
					     "\\7z",	    "\\x1g",
					     "\\q",	    "/* no comment */",
					     "// nor this", "'",
					     "\\e",	    "\n",
					     "\t",	    "\xc3\xa9",
					     "\xff",	    "/include/",
					     "<1 2>",	    ";",
					     "\\400",	    "\\x0",
					     "%s",	    "\\/",
					     "\\8"};

	put(g, "\"");
	for (int n = below(g, 5); n > 0; n--)
		put(g, ONE_OF(g, pieces));
	if (!g->mutate && chance(g, 5))
		put(g, "\\'");
	put(g, "\"");
}

static void array(struct gen *g)
{
	static const int widths[] = {8, 16, 32, 64};
	int bits = 32, n = below(g, 6);

	if (chance(g, 30)) {
		bits = ONE_OF(g, widths);
		word(g, "/bits/");
		putf(g, chance(g, 80) ? "%d" : "0x%x", (unsigned)bits);
		gap(g, false);
	}
	token(g, "<");
	while (n-- > 0) {
		maybe_labels(g, 4);
		if (bits == 32 && chance(g, 25))
			reference(g, false);
		else
			integer(g, bits);
		gap(g, true);
	}
	maybe_labels(g, 4);
	put(g, ">");
}

static void bytes(struct gen *g)
{
	token(g, "[");
	for (int n = below(g, 8); n > 0; n--) {
		maybe_labels(g, 4);
		putf(g, chance(g, 50) ? "%02x" : "%02X", (unsigned)below(g, 256));
		gap(g, chance(g, 40));
	}
	gap(g, true);
	maybe_labels(g, 4);
	put(g, "]");
}

static bool include(struct gen *g, unsigned bit, const char *name)
{
	if (!g->files || g->included & 1U << bit || !chance(g, 2))
		return false;
	g->included |= 1U << bit;
	putf(g, "/include/%s\"%s\"", chance(g, 80) ? " " : chance(g, 50) ? "" : "\n\t", name);
	gap(g, false);
	return true;
}

static void value_part(struct gen *g)
{
	static const char *const files[] = {"(\"inc/data.bin\")",
					    "( \"inc/data.bin\", 3, 5 )",
					    "(\"inc/data.bin\",(1 << 2),0x8)",
					    "(\"inc/data.bin\", 30, 100)",
					    "(\"inc/data.bin\", 0, 0)",
					    "(\"inc/data.bin\", 99, 1)",
					    "(\"inc/empty.bin\")"};

	if (mistake(g, AT_VALUE))
		return;
	if (g->files && chance(g, 2)) {
		put(g, "/incbin/");
		put(g, ONE_OF(g, files));
		return;
	}
	if (include(g, 0, "inc/value.dtsi"))
		return;
	switch (below(g, 8)) {
	case 0:
	case 1: string(g); break;
	case 2: bytes(g); break;
	case 3: reference(g, true); break;
	default: array(g); break;
	}
}

static void value(struct gen *g)
{
	do {
		maybe_labels(g, 3);
		value_part(g);
		gap(g, false);
		maybe_labels(g, 3);
	} while (chance(g, 25) && (token(g, ","), true));
}

/* ------------------------------------------------------------ bodies */

struct names {
	char name[NAMES_MAX][NAME_BYTES];
	int n;
};

static bool has_name(const struct names *names, const char *name)
{
	for (int i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

static void legal_name(struct gen *g, const char *more, char *out)
{
	static const char chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-";
	int n = 1 + below(g, chance(g, 90) ? 8 : 31), base = (int)sizeof(chars) - 1;

	for (int i = 0; i < n; i++) {
		int c = below(g, base + (int)strlen(more));

		out[i] = c < base ? chars[c] : more[c - base];
	}
	out[n] = '\0';
}

static void prop_name(struct gen *g, char *out)
{
	static const char *const usual[] = {"reg",
					    "compatible",
					    "status",
					    "#address-cells",
					    "#size-cells",
					    "ranges",
					    "model",
					    "a",
					    "b",
					    "cpus",
					    "x",
					    "vendor,prop",
					    "prop1",
					    "prop2",
					    "device_type",
					    "0x1",
					    "12",
					    "#",
					    "?",
					    "*",
					    "reserved-names",
					    "some-bytes",
					    "-",
					    "prop",
					    "op",
					    "-prop"};

	if (chance(g, 75))
		strcpy(out, ONE_OF(g, usual));
	else
		legal_name(g, "#?*", out);
}

static void node_name(struct gen *g, int parent, char *out)
{
	static const char *const usual[] = {"cpu", "memory", "node", "bus", "a", "b",
					    "dev", "soc",    "x.y",  "0",   "1a"};

	if (parent >= 0 && !strcmp(g->node[parent].name, "cpus")) {
		snprintf(out, NAME_BYTES, "cpu@%x", (unsigned)below(g, 12));
		return;
	}
	if (parent == 0 && chance(g, 15)) {
		strcpy(out, "cpus");
		return;
	}
	if (parent == 0 && g->plugin && chance(g, 5)) {
		snprintf(out, NAME_BYTES, "fragment@%d", below(g, 6));
		return;
	}
	if (chance(g, 60))
		strcpy(out, ONE_OF(g, usual));
	else
		legal_name(g, "", out);
	if (chance(g, 40)) {
		strcat(out, "@");
		legal_name(g, "", out + strlen(out));
		out[NAME_BYTES - 1] = '\0';
	}
}

/* phandle and linux,phandle: given, or asked for by a reference to itself. */
static void phandle_props(struct gen *g, int n)
{
	unsigned v = ++g->phandles * (chance(g, 80) ? 1U : 1000U) % 60000U;
	const char *which = chance(g, 70) ? "phandle" : "linux,phandle";
	char path[PATH_BYTES];

	/* in a plugin it leaves phandle = <0> in __local_fixups__, which no source can say */
	if (!g->plugin && chance(g, 25)) {
		path_of(g, n, path);
		if (g->node[n].n_labels && chance(g, 70))
			putf(g, "%s = <&%s>;\n", which, g->node[n].label[0]);
		else
			putf(g, "%s = <&{%s}>;\n", which, path);
		return;
	}
	v = v ? v : 61000U + g->phandles;
	if (chance(g, 15))
		putf(g, "phandle = <%u>; linux,phandle = <%u>;\n", v, v);
	else
		putf(g, "%s = <0x%x>;\n", which, v);
}

static void one_prop(struct gen *g, struct names *used, bool fresh)
{
	char name[NAME_BYTES];

	prop_name(g, name);
	if (used->n == NAMES_MAX || (has_name(used, name) && (fresh || chance(g, 90))))
		return;
	strcpy(used->name[used->n++], name);
	maybe_labels(g, 6);
	if (chance(g, 3))
		put(g, "\\");
	word(g, name);
	if (chance(g, 85)) {
		token(g, "=");
		value(g);
	}
	end_line(g);
}

static void props(struct gen *g, int n, bool fresh)
{
	struct names used = {.n = 0};
	char name[NAME_BYTES];
	size_t base;

	for (int k = below(g, 5); k > 0; k--) {
		if (mistake(g, AT_PROP) || include(g, 1, "inc/props.dtsi"))
			continue;
		if (chance(g, 8)) {
			maybe_labels(g, 10);
			word(g, "/delete-property/");
			prop_name(g, name);
			word(g, used.n && chance(g, 60) ? used.name[below(g, used.n)] : name);
			end_line(g);
		} else {
			one_prop(g, &used, fresh);
		}
	}
	if (chance(g, 7) && n >= 0 && fresh)
		phandle_props(g, n);
	if (chance(g, 5) && n >= 0) {
		base = strcspn(g->node[n].name, "@");
		putf(g, "name = \"%.*s\";\n", (int)base, g->node[n].name);
	}
	if (n > 0 && !strcmp(g->node[g->node[n].parent].name, "cpus") && !has_name(&used, "reg") &&
	    chance(g, 80))
		putf(g, "reg = <0x%x>;\n", (unsigned)below(g, 300));
}

static void body(struct gen *g, int n, bool fresh, int depth);

/* A label of its own, or one that a reference asked for. */
static void label_node(struct gen *g, int n)
{
	struct node *x = &g->node[n];
	char *l = x->label[x->n_labels];

	if (x->n_labels == LABELS_MAX)
		return;
	new_label(g, l);
	if (g->n_wanted && chance(g, 40)) {
		const char *w = g->wanted[below(g, g->n_wanted)];

		if (w[0] != '/' && with_label(g, w) < 0)
			strcpy(l, w);
	}
	x->n_labels++;
	putf(g, "%s:", l);
	gap(g, false);
	if (chance(g, 5)) {
		putf(g, "%s:", l); /* the same again */
		gap(g, false);
	}
}

static void new_node(struct gen *g, int parent, int depth)
{
	char name[NAME_BYTES];
	int n;

	if (g->budget <= 0 || g->n_nodes == NODES_MAX)
		return;
	node_name(g, parent, name);
	if (parent >= 0 && chance(g, 15)) { /* one that was deleted comes back */
		for (int i = 1; i < g->n_nodes; i++)
			if (g->node[i].parent == parent && !g->node[i].live)
				strcpy(name, g->node[i].name);
	}
	if (child_of(g, parent, name, true) >= 0)
		return;
	g->budget--;
	n = add_node(g, parent, name);
	while (chance(g, 30))
		label_node(g, n);
	if (chance(g, 8)) {
		word(g, "/omit-if-no-ref/");
		g->node[n].leaf |= g->plugin; /* a path below it may be gone, then */
		if (chance(g, 30))
			label_node(g, n);
	}
	if (chance(g, 3))
		put(g, "\\");
	word(g, name);
	body(g, n, true, depth);
}

/* What a later definition does to the nodes that are there. */
static void change_children(struct gen *g, int n, bool fresh, int depth)
{
	for (int i = 1; i < g->n_nodes; i++) {
		struct node *c = &g->node[i];

		if (!c->live || c->parent != n)
			continue;
		if (chance(g, fresh ? 1 : 15)) { /* where both are new, it is an error */
			maybe_labels(g, 5);
			if (chance(g, 5))
				word(g, "/omit-if-no-ref/");
			word(g, "/delete-node/");
			word(g, c->name);
			end_line(g);
			if (!fresh)
				kill_node(g, i);
		} else if (!fresh && chance(g, 30)) {
			if (chance(g, 15))
				label_node(g, i);
			if (c->n_labels && chance(g, 10)) {
				putf(g, "%s:", c->label[0]);
				gap(g, false);
			}
			word(g, c->name);
			body(g, i, false, depth);
		}
	}
}

static void body(struct gen *g, int n, bool fresh, int depth)
{
	int made = g->n_nodes;

	word(g, "{");
	props(g, n, fresh);
	if (!fresh && chance(g, 50))
		change_children(g, n, fresh, depth + 1);
	for (int k = depth < DEPTH_MAX && !g->node[n].leaf ? below(g, 4) : 0; k > 0; k--) {
		if (mistake(g, AT_NODE) || include(g, 2, "inc/node.dtsi"))
			continue;
		new_node(g, n, depth + 1);
	}
	if (g->n_nodes > made && chance(g, 20))
		change_children(g, n, fresh, depth + 1);
	gap(g, false);
	put(g, "}");
	gap(g, false);
	end_line(g);
	if (chance(g, 50))
		put(g, "\n");
}

/* ------------------------------------------------------------ the top level */

static void start(struct gen *g)
{
	gap(g, false);
	if (mistake(g, AT_START))
		return;
	if (!g->plugin && include(g, 3, "inc/header.dtsi") && chance(g, 50))
		return;
	do {
		token(g, "/dts-v1/");
		end_line(g);
		if (g->plugin) {
			token(g, "/plugin/");
			end_line(g);
		}
	} while (chance(g, 5));
	while (chance(g, 20)) {
		maybe_labels(g, 20);
		word(g, "/memreserve/");
		integer(g, 64);
		gap(g, true);
		number(g, 1 + any_number(g, 48));
		gap(g, false);
		end_line(g);
	}
}

/* &label or &{/path} of a node that is there by now; false when there is none. */
static bool present(struct gen *g, int *n, bool *by_path)
{
	char path[PATH_BYTES];

	*n = any_node(g);
	if (*n < 0)
		return false;
	*by_path = !g->node[*n].n_labels || chance(g, 25);
	if (!*by_path) {
		putf(g, "&%s", g->node[*n].label[below(g, g->node[*n].n_labels)]);
	} else {
		path_of(g, *n, path);
		putf(g, "&{%s}", path);
	}
	gap(g, false);
	return true;
}

static void overlay_body(struct gen *g)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "fragment@%u", g->fragments++);
	body(g, add_node(g, add_node(g, 0, name), "__overlay__"), true, 2);
}

/* In a plugin: what is added to a tree that is not here. */
static void fragment(struct gen *g)
{
	if (g->n_nodes + 2 >= NODES_MAX)
		return;
	if (chance(g, 75))
		putf(g, "&ext_%d", below(g, 4));
	else
		put(g, chance(g, 50) ? "&{/}" : "&{/some/where@1}");
	gap(g, false);
	overlay_body(g);
}

static void addition(struct gen *g)
{
	size_t before = g->out.len;
	char label[NAME_BYTES];
	bool labelled = chance(g, 20), by_path;
	int n;

	if (labelled) {
		new_label(g, label);
		putf(g, "%s:", label);
		gap(g, false);
	}
	if (chance(g, 8)) {
		put(g, "&{/}");
		gap(g, false);
		n = 0;
		by_path = true;
	} else if (!present(g, &n, &by_path)) {
		g->out.len = before;
		return;
	}
	if (labelled && g->node[n].n_labels < LABELS_MAX)
		strcpy(g->node[n].label[g->node[n].n_labels++], label);
	if (g->plugin && !labelled && by_path)
		overlay_body(g); /* whatever is at that path here */
	else
		body(g, n, false, 0);
}

static void top_block(struct gen *g)
{
	int n = -1, kind = below(g, 10);

	if (mistake(g, AT_TOP) || include(g, 4, "inc/top.dtsi") ||
	    include(g, 5, "inc/sub/deep.dtsi"))
		return;
	if (g->plugin && chance(g, 50)) {
		fragment(g);
	} else if (kind < 4) {
		token(g, "/ ");
		body(g, 0, false, 0);
	} else if (kind < 8 && g->n_nodes + 2 < NODES_MAX) {
		addition(g);
	} else {
		size_t before = g->out.len;
		bool by_path;

		if (g->plugin)
			kind = 8; /* what is omitted may have children that are referred to */
		word(g, kind == 8 ? "/delete-node/" : "/omit-if-no-ref/");
		if (!present(g, &n, &by_path)) {
			g->out.len = before;
			return;
		}
		end_line(g);
		if (kind == 8)
			kill_node(g, n);
	}
}

/* Whatever was referred to shall be there. */
static void settle(struct gen *g)
{
	for (int i = 0; i < g->n_wanted; i++) {
		char path[PATH_BYTES], *part, *rest;
		int depth = 0, n = 0;

		if (g->wanted[i][0] != '/') {
			if (with_label(g, g->wanted[i]) >= 0)
				continue;
			putf(g, "/ { %s: wanted-%d { }; };\n", g->wanted[i], i);
			if (g->n_nodes < NODES_MAX) {
				n = add_node(g, 0, "wanted");
				strcpy(g->node[n].label[g->node[n].n_labels++], g->wanted[i]);
			}
			continue;
		}
		if (at_path(g, g->wanted[i]) >= 0)
			continue;
		put(g, "/ {");
		strcpy(path, g->wanted[i]);
		for (part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
			int c = child_of(g, n, part, true);

			putf(g, " %s {", part);
			depth++;
			n = c >= 0 ? c : g->n_nodes < NODES_MAX ? add_node(g, n, part) : n;
		}
		while (depth-- >= 0)
			put(g, " };");
		put(g, "\n");
	}
}

/* ------------------------------------------------------------ damage */

/*
 * What mk-parse reads otherwise than dtc on purpose, and what dtc is known to
 * lex by accident: see tests/dtc-random.sh.
 */
static bool known_difference(const struct text *t)
{
	const char *s = t->s;

	if (!t->len) /* no line and no column to name */
		return true;
	for (size_t i = 0; i < t->len; i++) {
		size_t k = i + 1;

		if (s[i] == '\\' && s[k] == '\'')
			return true;
		if (s[i] == '\\' && s[k] == 'x' &&
		    !(s[k + 1] && strchr("0123456789abcdefABCDEF", s[k + 1])))
			return true;
		if (s[i] != '/' || (i && is_name_char(s[i - 1])))
			continue;
		while (is_blank(s[k]))
			k++;
		if (!is_name_char(s[k]))
			continue;
		while (is_name_char(s[k]))
			k++;
		while (is_blank(s[k]))
			k++;
		if (s[k] == '{' && !(i && s[i - 1] == '*'))
			return true;
	}
	return false;
}

/* One small change somewhere: most of the results are wrong, none is expected to be. */
static void mutate(struct gen *g)
{
	static const char punctuation[] = ";;{}<>[]()&=,:/\"*+-|^~!?%@#$'\\ \n.0a";
	struct text *t = &g->out;
	size_t at = (size_t)below(g, (int)t->len), n;
	char piece[64];

	switch (below(g, 7)) {
	case 0: /* one byte less */
		n = 1;
		memmove(t->s + at, t->s + at + n, t->len - at);
		t->len -= n;
		break;
	case 1: /* a piece less */
		n = 1 + (size_t)below(g, 30);
		n = n < t->len - at ? n : t->len - at;
		memmove(t->s + at, t->s + at + n, t->len - at - n + 1);
		t->len -= n;
		break;
	case 2: /* cut short */
		t->len = at ? at : 1;
		t->s[t->len] = '\0';
		break;
	case 3: /* another byte */
		t->s[at] = punctuation[below(g, (int)sizeof(punctuation) - 1)];
		break;
	case 4: /* one more byte */
		room(t, 2);
		memmove(t->s + at + 1, t->s + at, t->len - at + 1);
		t->s[at] = punctuation[below(g, (int)sizeof(punctuation) - 1)];
		t->len++;
		break;
	case 5: /* a piece twice, or elsewhere */
		n = 1 + (size_t)below(g, 40);
		n = n < t->len - at ? n : t->len - at;
		memcpy(piece, t->s + at, n);
		if (chance(g, 50))
			at = (size_t)below(g, (int)t->len);
		room(t, n + 1);
		memmove(t->s + at + n, t->s + at, t->len - at + 1);
		memcpy(t->s + at, piece, n);
		t->len += n;
		break;
	default: /* a ';' or a bracket less, where there is one */
		n = strcspn(t->s + at, ";{}<>[]()");
		at += n;
		if (at < t->len) {
			memmove(t->s + at, t->s + at + 1, t->len - at);
			t->len--;
		}
		break;
	}
}

static void mutated(struct gen *g)
{
	struct text was = {.s = NULL};

	for (int tries = 0; tries < 20; tries++) {
		room(&was, g->out.len + 1);
		memcpy(was.s, g->out.s, g->out.len + 1);
		was.len = g->out.len;
		mutate(g);
		if (!known_difference(&g->out))
			break;
		memcpy(g->out.s, was.s, was.len + 1);
		g->out.len = was.len;
	}
	free(was.s);
}

/* ------------------------------------------------------------ sources and files */

static void source(struct gen *g, uint64_t seed, bool files)
{
	struct text out = g->out;
	int blocks;

	memset(g, 0, sizeof(*g));
	g->out = out;
	g->out.len = 0;
	g->random = seed * 0x2545f4914f6cdd1dU + 1;
	g->files = files;
	g->settle = true;
	g->plugin = chance(g, 20);
	if (chance(g, MISTAKE_PERCENT)) {
		int kind = below(g, 20);

		if (kind < 11) {
			do
				g->mistake = &ONE_OF(g, mistakes);
			while (g->plugin && g->mistake->site == AT_CELL &&
			       strstr(g->mistake->text, "&{"));
			g->patience = below(g, 4);
			if (g->mistake->site == AT_START || g->mistake->site == AT_END)
				g->patience = 0;
		} else if (kind < 18) {
			g->mutate = true;
		} else {
			g->settle = false;
		}
	}
	g->budget = 2 + below(g, chance(g, 85) ? 14 : 60);
	add_node(g, -1, "");
	start(g);
	if (g->plugin && chance(g, 60))
		fragment(g);
	else {
		token(g, "/ ");
		body(g, 0, true, 0);
	}
	blocks = below(g, 6);
	/* a mistake that found no place yet gets some */
	for (int k = 0; k < blocks || (g->mistake && g->mistake->site != AT_END && k < 40); k++) {
		if (k > blocks && g->budget < 3)
			g->budget = 3;
		top_block(g);
	}
	if (g->settle)
		settle(g);
	put(g, "\n");
	mistake(g, AT_END);
	if (g->mutate)
		mutated(g);
}

static int write_file(const char *dir, const char *name, const char *s, size_t len)
{
	char path[4096];
	FILE *f;
	int bad;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	bad = !f || fwrite(s, 1, len, f) != len;
	if (f && fclose(f))
		bad = 1;
	if (bad)
		fprintf(stderr, "gen-dts: cannot write %s: %s\n", path, strerror(errno));
	return bad;
}

static int folder(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (mkdir(path, 0777) && errno != EEXIST) {
		fprintf(stderr, "gen-dts: cannot make %s: %s\n", path, strerror(errno));
		return 1;
	}
	return 0;
}

static int write_includes(const char *dir)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{"inc/header.dtsi", "/* a header */ /dts-v1/;\n"},
		{"inc/value.dtsi", "<1 2 inc_value: 3>, \"included\""},
		{"inc/props.dtsi",
		 "inc-a = <1>;\ninc_prop: inc-b = \"b\";\n/include/ \"sub/more.dtsi\""},
		{"inc/node.dtsi",
		 "inc_node: inc-node@1 {\n\treg = <1>;\n\t/include/ \"sub/more.dtsi\"\n};\n"},
		{"inc/top.dtsi",
		 "# 7 \"elsewhere.dtsi\"\n/ {\n\tinc_top: inc-top { back = <&inc_top>; };\n};"},
		{"inc/sub/deep.dtsi", "/ { inc-deep { data = /incbin/(\"../data.bin\", 4, 4);\n"
				      "\t/include/ \"more.dtsi\"\n}; };\n"},
		{"inc/sub/more.dtsi", "inc-more; // and no more\n"},
		{"inc/empty.bin", ""},
	};
	static const char data[] = "0123456789\0\1\2\3\377abcdef\n the rest";

	if (folder(dir, "") || folder(dir, "inc") || folder(dir, "inc/sub") ||
	    write_file(dir, "inc/data.bin", data, sizeof(data) - 1))
		return 1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (write_file(dir, files[i].name, files[i].text, strlen(files[i].text)))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct gen g;
	uint64_t count, seed;
	char name[64];

	if (argc == 2 && argv[1][0] != '-') {
		source(&g, strtoull(argv[1], NULL, 0), false);
		return fwrite(g.out.s, 1, g.out.len, stdout) != g.out.len || fflush(stdout) ? 2 : 0;
	}
	if (argc != 6 || strcmp(argv[1], "-n") != 0 || strcmp(argv[3], "-s") != 0) {
		fputs("usage: gen-dts SEED | gen-dts -n COUNT -s SEED DIR\n", stderr);
		return 2;
	}
	count = strtoull(argv[2], NULL, 0);
	seed = strtoull(argv[4], NULL, 0);
	if (write_includes(argv[5]))
		return 2;
	for (uint64_t i = 0; i < count; i++) {
		source(&g, seed + i, true);
		snprintf(name, sizeof(name), "%" PRIu64 ".dts", seed + i);
		if (write_file(argv[5], name, g.out.s, g.out.len))
			return 2;
	}
	free(g.out.s);
	return 0;
}
