/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what every tool does alike: options, usage, diagnostics, output that is
 * checked, the exit status. For tools/ alone; the only place that prints and exits.
 */
#ifndef MK_CLI_H
#define MK_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "buf.h"
#include "err.h"
#include "load.h"
#include "stream.h"

/* Exit status. */
enum { CLI_YES = 0, CLI_NO = 1, CLI_TROUBLE = 2 };

struct cli {
	const char *name;  /* "mk-parse" */
	const char *usage; /* the lines behind "usage: " */
	struct mk_arena arena;
	bool verbose, quiet;
	const char *out; /* -o FILE, or NULL for standard output */
};

void cli_init(struct cli *c, const char *name, const char *usage);

/*
 * getopt_long with the options that all tools have: -h, -V and -v are dealt
 * with here, -o sets out. Returns as getopt_long does; an unknown option or a
 * missing argument ends the program with status 2.
 */
int cli_getopt(struct cli *c, int argc, char **argv, const char *shorts,
	       const struct option *longs);

/* Prints "tool: text", a hint to the usage, and exits with status 2. */
_Noreturn void cli_usage(const struct cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Strict number of an option. Exits with status 2 on anything else. */
uint64_t cli_number(const struct cli *c, char opt, const char *arg, uint64_t min, uint64_t max);

uint64_t cli_long_number(const struct cli *c, const char *opt, const char *arg, uint64_t min,
			 uint64_t max);

/* Whether the result goes to a terminal that wants colours. */
bool cli_colour(const struct cli *c);

/* Whether what people read may hold more than ASCII: by LC_ALL, LC_CTYPE or LANG. */
bool cli_is_utf8(void);

void cli_error(const struct cli *c, const struct mk_err *err);
void cli_warn(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_note(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_diags(const struct cli *c, const struct mk_diags *d);

/* The exit status that an error of lib/ deserves. */
int cli_status(int code);

/* Prints the error and ends the program with its status. */
_Noreturn void cli_die(struct cli *c, const struct mk_err *err);

/*
 * Opens a stream on path: NULL and "-" are standard input. Failure ends the
 * program.
 */
void cli_stream(struct cli *c, struct mk_stream *s, const char *path,
		const struct mk_dts_options *dts);

/*
 * Ends the program with status 2 for a stream error; says nothing when a pipe
 * was empty, because the tool before has said why (-v says it all the same).
 */
_Noreturn void cli_stream_die(struct cli *c, const struct mk_stream *s, const struct mk_err *err);

/*
 * Loads the one state at path (NULL or "-" for standard input), prints its
 * warnings, and ends the program when it cannot be read or its tree is of a
 * wrong shape (errors of decoding).
 */
void cli_load(struct cli *c, const char *path, struct mk_loaded *out);

/* The same of what can be changed: the tree of a machine, not of one instance. */
void cli_load_machine(struct cli *c, const char *path, struct mk_loaded *out);

/* A whole text: a file, or standard input. Failure ends the program. */
struct mk_file cli_text(struct cli *c, const char *path);

/* A record stream as it is, or as JSON Lines, to standard output or -o. Returns the exit status. */
int cli_finish_records(struct cli *c, const struct mk_buf *records, bool json);

/*
 * Writes all of the result, to out (by a temporary file and rename where it is
 * a regular file or absent) or standard output, checks that it arrived, and
 * returns status; CLI_TROUBLE when it did not.
 */
/*
 * A result that may become large: what is beyond a megabyte goes to a temporary
 * file each time that the tool says it has grown, so that memory does not. The
 * tool adds to b.
 */
struct cli_result {
	struct mk_buf b;
	FILE *spilled; /* or NULL */
};

void cli_result_init(struct cli *c, struct cli_result *r);
void cli_result_grown(struct cli *c, struct cli_result *r);
int cli_finish_result(struct cli *c, const struct cli_result *r, int status);

int cli_finish(struct cli *c, const struct mk_buf *result, int status);

/* The end of a tool that has no result: standard output is checked all the same. */
int cli_finish_nothing(struct cli *c, int status);

/* Writes to the file c->out as cli_finish does. 0, or the exit status after saying why. */
int cli_write_file(struct cli *c, const struct mk_buf *b);

#endif
