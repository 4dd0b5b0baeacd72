/* SPDX-License-Identifier: Apache-2.0 */
/* dts_int: what the lexer, the parser and the resolver share. For lib/dts_*.c alone. */
#ifndef MK_DTS_INT_H
#define MK_DTS_INT_H

#include "buf.h"
#include "dts.h"

enum mk_tok {
	T_END,	   /* of all input */
	T_VERSION, /* /dts-v1/ or the dialect's tag */
	T_PLUGIN,
	T_MEMRESERVE,
	T_BITS,
	T_DELETE_PROP,
	T_DELETE_NODE,
	T_OMIT,
	T_INCBIN,
	T_NAME,
	T_NUMBER,
	T_CHAR,
	T_BYTE,
	T_STRING,
	T_LABEL,
	T_REF,	    /* &label */
	T_PATH_REF, /* &{/path} */
	T_LSHIFT,
	T_RSHIFT,
	T_LE,
	T_GE,
	T_EQ,
	T_NE,
	T_AND,
	T_OR,
	T_PUNCT, /* one byte: tok.number */
};

/* The names that are possible depend on what came before, as in dtc's own lexer. */
enum mk_lex_mode { LEX_INITIAL, LEX_VALUE, LEX_NAME, LEX_BYTES };

struct mk_token {
	enum mk_tok kind;
	struct mk_span at;
	uint64_t number;  /* T_NUMBER, T_CHAR, T_BYTE, T_PUNCT; T_VERSION: 1 for the dialect */
	const char *text; /* T_NAME, T_LABEL, T_REF, T_PATH_REF: interned; T_STRING: unescaped */
	size_t len;	  /* of text */
};

struct mk_lex_file {
	struct mk_file *file; /* what messages say; a line marker makes a new one */
	const char *dir; /* where its includes are looked for first; "" for the working directory */
	size_t pos;
	uint32_t line;
	struct mk_lex_file *up; /* the including file */
};

enum { MK_INCLUDE_DEPTH_MAX = 200 };

/* Kinds of tokens that a source had: what it had none of need not be looked for. */
enum { MK_SEEN_LABEL = 1, MK_SEEN_REF = 2, MK_SEEN_OMIT = 4, MK_SEEN_DELETE = 8 };

struct mk_lex {
	struct mk_tree *tree;
	const struct mk_dts_options *opts;
	struct mk_dts_input *input;
	struct mk_err *err;
	struct mk_lex_file *top;
	unsigned depth;
	enum mk_lex_mode mode;
	unsigned seen;	       /* MK_SEEN_* */
	bool no_files;	       /* the text may not name files */
	struct mk_token tok;   /* the current one */
	struct mk_span before; /* the one before it */
	struct mk_buf value;   /* the value being built */
};

/* Reads the next token into l->tok. */
int mk_lex_next(struct mk_lex *l);

/* The part of a file that is wanted. */
struct mk_lex_part {
	uint64_t off, len;
	bool given; /* else all of it */
};

/* Reads name as an include or a binary would be: relative to the file in hand, then -i. */
int mk_lex_open(struct mk_lex *l, const char *name, struct mk_span at, struct mk_lex_part part,
		struct mk_buf *out, const char **path);

int mk_lex_start(struct mk_lex *l, const struct mk_file *src);

/* For messages: the token as a person would name it. */
const char *mk_tok_text(const struct mk_lex *l);

/* labels, phandles, paths, checks, __symbols__, __fixups__ */
int mk_dts_resolve(struct mk_tree *t, const struct mk_dts_options *opts, bool dialect,
		   unsigned seen, struct mk_err *err);

struct mk_parser {
	struct mk_lex lex;
	struct mk_tree *t;
	const struct mk_dts_options *opts;
	struct mk_err *err;
	bool dialect; /* the source is in opts->dialect */
	bool wide_ids;
	bool plugin;
	unsigned fragments; /* made for &label { } in a plugin */
	const char *root_name;
	struct mk_span root_at;
};

void mk_parser_init(struct mk_parser *p, struct mk_tree *t, const struct mk_dts_options *opts,
		    struct mk_dts_input *input, struct mk_err *err);

/* Whether the token in hand is this byte; to the next one; this byte, then the next one. */
bool mk_at_punct(const struct mk_parser *p, char c);
int mk_next_token(struct mk_parser *p);
int mk_expect(struct mk_parser *p, char c);

/* Fails: wanted was expected, what is in hand was found. */
int mk_unexpected(struct mk_parser *p, const char *wanted);

/* A number, a character, or an expression in parentheses; depth is 0. */
int mk_parse_primary(struct mk_parser *p, uint64_t *out, unsigned depth);

/* What was marked inside of a value. */
struct mk_value_marks {
	struct mk_mark *first, *last;
};

/* A whole value of a property into p->lex.value. */
int mk_parse_value(struct mk_parser *p, const char *prop, struct mk_value_marks *v);

/* Adds a label to a node or property, or revives it there. */
void mk_label_node(struct mk_tree *t, struct mk_node *n, const char *interned);
void mk_label_prop(struct mk_tree *t, struct mk_prop *prop, const char *interned);

/* The same for a node that stands in the tree: the label can be found from now on. */
void mk_label_merged(struct mk_tree *t, struct mk_node *n, const char *interned);

/* Makes labels findable: one, or all of a subtree that has joined the tree. */
void mk_label_register(struct mk_tree *t, struct mk_label *l);
void mk_labels_register(struct mk_tree *t, struct mk_node *n);

/* Marks a node and all below it as deleted, with their labels. */
void mk_delete_node(struct mk_node *n);

/* Lays the definition from over into; from is used up. */
void mk_merge(struct mk_tree *t, struct mk_node *into, struct mk_node *from);

/* The live node that a reference names: a label, or a path that begins with '/'. */
struct mk_node *mk_dts_find(struct mk_tree *t, const char *ref);

/* Fills err for a reference that finds nothing, with the nearest label as a hint. */
int mk_dts_no_such(struct mk_tree *t, const char *ref, struct mk_span at, struct mk_err *err);

#endif
