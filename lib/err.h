/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: what went wrong, and where. A fixed-size error for the one thing that
 * stopped a function, a list of diagnostics for all that was found wrong with
 * an input. Neither prints: cli does.
 */
#ifndef MK_ERR_H
#define MK_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_arena;

/* What a function of lib/ returns: 0, or one of these. */
enum mk_code {
	MK_OK = 0,
	MK_NO = -1,  /* a clean no: refused by a rule, does not fit (exit status 1) */
	MK_BAD = -2, /* malformed input or a wrong argument (exit status 2) */
	MK_SYS = -3, /* the system refused: errno is in the text (exit status 2) */
};

/* The last place in a file whose column was asked for, and the beginning of its line. */
struct mk_line_memo {
	size_t asked, start;
};

/* A source file as it was read. */
struct mk_file {
	const char *name; /* as the user named it, or as a cpp line marker says */
	const char *text; /* NULL where there is no text to show (a blob) */
	size_t len;
	struct mk_line_memo *memo; /* for columns, zeroed at first; or NULL */
};

/*
 * A place in a source file. The column is not stored: it follows from the
 * offset. line 0 means that the place is not known.
 */
struct mk_span {
	const struct mk_file *file;
	uint32_t line; /* from 1 */
	uint32_t off;  /* bytes into file->text, of the first byte */
	uint32_t len;  /* bytes */
};

enum { MK_ERR_TEXT = 1024, MK_ERR_FILE = 256, MK_ERR_LINE = 128 };

struct mk_err {
	int code;		   /* enum mk_code */
	uint32_t line, col;	   /* from 1; 0 where there is none */
	uint32_t caret, caret_len; /* bytes into src where the caret stands */
	char file[MK_ERR_FILE];	   /* "" where there is none */
	char src[MK_ERR_LINE];	   /* the source line, cut around the place; "" for none */
	char text[MK_ERR_TEXT];
	char hint[MK_ERR_TEXT]; /* what to do about it; "" for none */
};

/* Fills err and returns code, so that "return mk_fail(err, ...)" reads well. */
int mk_fail(struct mk_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int mk_fail_at(struct mk_err *err, int code, struct mk_span at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void mk_hint(struct mk_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Column (from 1) of a span's first byte; 0 when it has no text. */
uint32_t mk_span_col(struct mk_span s);

/*
 * Copies the line that holds the span into out (at most cap - 1 bytes, cut
 * around the span where it is longer, control bytes but tab made '?') and
 * says where the span begins in out. Returns the bytes written, 0 for no text.
 */
size_t mk_span_line(struct mk_span s, char *out, size_t cap, uint32_t *caret, uint32_t *caret_len);

enum mk_severity {
	MK_ERROR,
	MK_WARNING,
	MK_NOTE, /* nothing is wrong: told where somebody asked for it */
};

/* "error", "warning", "note" */
const char *mk_severity_word(enum mk_severity s);


/* One finding. Strings live in the arena of the list. */
struct mk_diag {
	enum mk_severity severity;
	const char *rule;    /* "MK401", or NULL */
	const char *subject; /* what it is about: an instance, @pool, @host; or NULL */
	const char *path;    /* where in the tree, shown when no span is known; or NULL */
	struct mk_span at;   /* where in the source; line 0 when unknown */
	const char *text;
	struct mk_span other; /* the other party's place; line 0 for none */
	const char *other_text;
	const char *hint; /* or NULL */
	/* where several are to blame, all of them, the subject among them */
	const char **party;
	size_t n_parties, parties_cap;
	/* which parts of the subject are affected, and by how much: see mk_known */
	const char **item;
	size_t n_items, items_cap;
	uint64_t excess;
	struct mk_diag *next;
};

struct mk_diags {
	struct mk_arena *arena;
	struct mk_diag *first, *last;
	size_t errors, warnings;
};

void mk_diags_init(struct mk_diags *d, struct mk_arena *a);

/* Appends a finding; the caller may fill the rest of what is returned. */
struct mk_diag *mk_diag_add(struct mk_diags *d, enum mk_severity severity, const char *rule,
			    struct mk_span at, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
