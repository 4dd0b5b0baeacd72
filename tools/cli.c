/* SPDX-License-Identifier: Apache-2.0 */
/* cli: printing and exiting, once for all tools. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dialect.h"
#include "fdt.h"
#include "keys.h"
#include "num.h"
#include "utf8.h"

#ifndef MK_VERSION
#define MK_VERSION "unknown"
#endif

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "mktools: out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	_exit(CLI_TROUBLE);
}

static char message[4096];

void cli_init(struct cli *c, const char *name, const char *usage)
{
	*c = (struct cli){.name = name, .usage = usage};
	setvbuf(stderr, message, _IOLBF, sizeof(message)); /* a line at once, not a word */
	mk_arena_init(&c->arena, out_of_memory);
}

/* ------------------------------------------------------------ what users see */

/* Text that may hold anything: nothing of it may steer the terminal or look like a second line. */
static void put_text(const char *s)
{
	size_t len = strlen(s);
	char shown[16];

	for (size_t i = 0; i < len;) {
		i += mk_utf8_visible(s + i, len - i, shown);
		fputs(shown, stderr);
	}
}

/* The same with every libc, whether it knows locales or not. */
bool cli_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *s = getenv(names[i]);

		if (s && *s)
			return strstr(s, "UTF-8") || strstr(s, "utf8") || strstr(s, "UTF8") ||
			       strstr(s, "utf-8");
	}
	return false;
}

/* ------------------------------------------------------------ options */

void cli_usage(const struct cli *c, const char *fmt, ...)
{
	static char text[8192]; /* a path has at most 4096 bytes */
	va_list ap;

	fprintf(stderr, "%s: error: ", c->name);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_text(text);
	fprintf(stderr, "\nhint: %s -h shows the options, man %s explains them\n", c->name,
		c->name);
	exit(CLI_TROUBLE);
}

static _Noreturn void print_and_exit(struct cli *c, const char *prefix, const char *text)
{
	struct mk_buf b;

	mk_buf_init(&b, &c->arena);
	mk_buf_str(&b, prefix);
	mk_buf_str(&b, text);
	exit(cli_finish(c, &b, CLI_YES));
}

int cli_getopt(struct cli *c, int argc, char **argv, const char *shorts, const struct option *longs)
{
	int o;

	opterr = 0;
	for (;;) {
		o = getopt_long(argc, argv, shorts, longs, NULL);
		c->out = o == 'o' ? optarg : c->out;
		if (o == 'o' && !*optarg)
			cli_usage(c, "-o wants the name of a file");
		switch (o) {
		case 'h': c->out = NULL; print_and_exit(c, "usage: ", c->usage);
		case 'V': c->out = NULL; print_and_exit(c, c->name, " " MK_VERSION "\n");
		case 'v': c->verbose = true; continue;
		case 'o': continue;
		case ':': cli_usage(c, "option %s needs an argument", argv[optind - 1]);
		case '?':
			/* optopt is set for -x, and for --long=x where no argument belongs */
			if (!strncmp(argv[optind - 1], "--", 2) && optopt)
				cli_usage(c, "option %.*s takes no argument",
					  (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
			if (optopt)
				cli_usage(c, "unknown option -%c", optopt);
			cli_usage(c, "unknown option %s", argv[optind - 1]);
		default: return o;
		}
	}
}

uint64_t cli_long_number(const struct cli *c, const char *opt, const char *arg, uint64_t min,
			 uint64_t max)
{
	uint64_t v;

	if (!mk_num_u64(arg, strlen(arg), &v) || v < min || v > max)
		cli_usage(c, "%s wants a number from %llu to %llu, not '%s'", opt,
			  (unsigned long long)min, (unsigned long long)max, arg);
	return v;
}

uint64_t cli_number(const struct cli *c, char opt, const char *arg, uint64_t min, uint64_t max)
{
	const char name[] = {'-', opt, '\0'};

	return cli_long_number(c, name, arg, min, max);
}

/* ------------------------------------------------------------ diagnostics */

/* Colours for a terminal that wants them. */
struct paint {
	const char *bold, *error, *warning, *hint, *off;
};

static bool colours_on(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (!no || !*no) && isatty(fd) && (!term || strcmp(term, "dumb") != 0);
}

bool cli_colour(const struct cli *c)
{
	return (!c->out || !strcmp(c->out, "-")) && colours_on(STDOUT_FILENO);
}

static struct paint palette(void)
{
	if (!colours_on(STDERR_FILENO))
		return (struct paint){"", "", "", "", ""};
	return (struct paint){"\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;32m", "\033[0m"};
}

/*
 * A source line as it stands, one character for what cannot be shown; or as
 * many blanks as its first bytes take up.
 */
static void put_line(const char *s, uint32_t bytes, bool blank)
{
	size_t len = strnlen(s, bytes);

	for (size_t i = 0, n; i < len; i += n) {
		bool shown;

		n = mk_utf8_len(s + i, len - i);
		shown = s[i] == '\t' || (n && !mk_utf8_unseen(s + i, n));
		n = n ? n : 1;
		if (blank || !shown)
			fputc(!shown && !blank ? '?' : s[i] == '\t' ? '\t' : ' ', stderr);
		else
			fwrite(s + i, 1, n, stderr);
	}
}

static void put_source(uint32_t line, const char *src, uint32_t caret, uint32_t caret_len,
		       const struct paint *p)
{
	if (!src[0])
		return;
	fprintf(stderr, "%5u | ", line);
	put_line(src, UINT32_MAX, false);
	fprintf(stderr, "\n      | ");
	put_line(src, caret, true);
	fprintf(stderr, "%s^", p->hint);
	for (uint32_t i = 1; i < caret_len; i++)
		fputc('~', stderr);
	fprintf(stderr, "%s\n", p->off);
}

static void put_hint(const char *hint, const struct paint *p)
{
	if (!hint || !hint[0])
		return;
	fprintf(stderr, "%shint:%s ", p->hint, p->off);
	put_text(hint);
	fputc('\n', stderr);
}

void cli_error(const struct cli *c, const struct mk_err *err)
{
	struct paint p = palette();

	fprintf(stderr, "%s%s: ", p.bold, c->name);
	if (err->file[0]) {
		put_text(err->file);
		fputc(':', stderr);
		if (err->line)
			fprintf(stderr, "%u:%u:", err->line, err->col);
		fputc(' ', stderr);
	}
	fprintf(stderr, "%serror:%s ", p.error, p.off);
	put_text(err->text);
	fputc('\n', stderr);
	put_source(err->line, err->src, err->caret, err->caret_len, &p);
	put_hint(err->hint, &p);
}

void cli_warn(const struct cli *c, const char *fmt, ...)
{
	struct paint p = palette();
	char text[MK_ERR_TEXT];
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s: %swarning:%s ", p.bold, c->name, p.warning, p.off);
	put_text(text);
	fputc('\n', stderr);
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
	char text[MK_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: ", c->name);
	put_text(text);
	fputc('\n', stderr);
}

static void put_place(struct mk_span at, const char *path)
{
	if (at.file) {
		put_text(at.file->name);
		if (at.line)
			fprintf(stderr, ":%u:%u", at.line, mk_span_col(at));
		fputs(": ", stderr);
	}
	if (path && !at.line) {
		put_text(path);
		fputs(": ", stderr);
	}
}

static void put_span(struct mk_span at, const struct paint *p)
{
	char src[MK_ERR_LINE];
	uint32_t caret, caret_len;

	if (mk_span_line(at, src, sizeof(src), &caret, &caret_len))
		put_source(at.line, src, caret, caret_len, p);
}

void cli_diags(const struct cli *c, const struct mk_diags *d)
{
	struct paint p = palette();

	for (const struct mk_diag *x = d->first; x; x = x->next) {
		if (x->severity == MK_NOTE || (c->quiet && x->severity == MK_WARNING))
			continue;
		fprintf(stderr, "%s%s: ", p.bold, c->name);
		put_place(x->at, x->path);
		fprintf(stderr, "%s%s:%s ", x->severity == MK_ERROR ? p.error : p.warning,
			mk_severity_word(x->severity), p.off);
		put_text(x->text);
		if (x->rule)
			fprintf(stderr, " [%s]", x->rule);
		fputc('\n', stderr);
		put_span(x->at, &p);
		if (x->other_text) {
			fprintf(stderr, "%s: ", c->name);
			put_place(x->other, NULL);
			fputs("note: ", stderr);
			put_text(x->other_text);
			fputc('\n', stderr);
			put_span(x->other, &p);
		}
		put_hint(x->hint, &p);
	}
}

int cli_status(int code)
{
	return code == MK_OK ? CLI_YES : code == MK_NO ? CLI_NO : CLI_TROUBLE;
}

void cli_die(struct cli *c, const struct mk_err *err)
{
	cli_error(c, err);
	exit(cli_status(err->code));
}

/* ------------------------------------------------------------ input */

void cli_stream(struct cli *c, struct mk_stream *s, const char *path,
		const struct mk_dts_options *dts)
{
	struct mk_err err;
	int fd;

	if (!path || !strcmp(path, "-")) {
		if (isatty(STDIN_FILENO))
			cli_usage(
				c,
				"standard input is a terminal, and a tree is wanted: name a file");
		mk_stream_init(s, STDIN_FILENO, "<stdin>", dts);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		mk_fail(&err, MK_SYS, "cannot open %s: %s", path, strerror(errno));
		cli_die(c, &err);
	}
	mk_stream_init(s, fd, path, dts);
}

void cli_stream_die(struct cli *c, const struct mk_stream *s, const struct mk_err *err)
{
	struct stat st;

	if (s->empty && !c->verbose && s->fd == STDIN_FILENO && fstat(s->fd, &st) == 0 &&
	    S_ISFIFO(st.st_mode))
		exit(CLI_TROUBLE);
	cli_die(c, err);
}

void cli_load(struct cli *c, const char *path, struct mk_loaded *out)
{
	static const struct mk_dts_options dts = {.dialect = &mk_dialect};
	struct mk_stream s;
	struct mk_err err;

	cli_stream(c, &s, path, &dts);
	if (mk_load_one(&s, &c->arena, NULL, out, &err))
		cli_stream_die(c, &s, &err);
	cli_diags(c, &out->diags);
	if (out->diags.errors)
		exit(CLI_NO);
}

void cli_load_machine(struct cli *c, const char *path, struct mk_loaded *out)
{
	struct mk_err err;

	cli_load(c, path, out);
	if (out->state.dialect != MK_DIALECT_VIEW)
		return;
	mk_fail_at(&err, MK_BAD, out->state.tree->root->at,
		   "this is the tree of one instance: nothing says what the machine has");
	err.line = 0;
	err.src[0] = '\0';
	cli_die(c, &err);
}

struct mk_file cli_text(struct cli *c, const char *path)
{
	bool in = !path || !strcmp(path, "-");
	struct mk_file f = {.name = in ? "<stdin>" : path};
	struct mk_stream s = {.fd = STDIN_FILENO, .empty = true};
	struct mk_err err;
	struct mk_buf b;

	mk_buf_init(&b, &c->arena);
	if (in ? mk_buf_read(&b, STDIN_FILENO, f.name, MK_TREE_BYTES_MAX, &err)
	       : mk_buf_read_file(&b, path, MK_TREE_BYTES_MAX, &err))
		cli_die(c, &err);
	if (!b.len) {
		mk_fail(&err, MK_BAD, "%s is empty", f.name);
		if (in)
			cli_stream_die(c, &s, &err);
		cli_die(c, &err);
	}
	f.text = b.data;
	f.len = b.len;
	return f;
}

/* ------------------------------------------------------------ output */

/* Standard output must take everything, and say so when it is closed. */
static int close_stdout(struct mk_err *err)
{
	if (close(STDOUT_FILENO) && errno != EBADF)
		return mk_fail(err, MK_SYS, "cannot write standard output: %s", strerror(errno));
	return MK_OK;
}

enum { SPILL_BYTES = 1 << 20 };

/* What was spilled, then what is in memory. */
static int write_result(int fd, const struct cli_result *r, const char *name, struct mk_err *err)
{
	static char block[65536];
	int from = r->spilled ? fileno(r->spilled) : -1;
	ssize_t got = 0;

	if (from >= 0 && lseek(from, 0, SEEK_SET) < 0)
		return mk_fail(err, MK_SYS, "cannot read a temporary file: %s", strerror(errno));
	while (from >= 0 && (got = read(from, block, sizeof(block))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mk_fail(err, MK_SYS, "cannot read a temporary file: %s",
				       strerror(errno));
		if (mk_write_all(fd, block, (size_t)got, name, err))
			return err->code;
	}
	return mk_write_all(fd, r->b.data, r->b.len, name, err);
}

/* mode: that of the file which is replaced, or what umask leaves of rw for all. */
static int write_renamed(struct cli *c, const struct cli_result *r, mode_t mode, struct mk_err *err)
{
	char *tmp = mk_arena_fmt(&c->arena, "%s.XXXXXX", c->out);
	int fd = mkstemp(tmp), rc;

	if (fd < 0)
		return mk_fail(err, MK_SYS, "cannot create %s: %s", c->out, strerror(errno));
	rc = write_result(fd, r, c->out, err);
	if (!rc && fchmod(fd, mode))
		rc = mk_fail(err, MK_SYS, "cannot set the mode of %s: %s", c->out, strerror(errno));
	if (close(fd) && !rc)
		rc = mk_fail(err, MK_SYS, "cannot write %s: %s", c->out, strerror(errno));
	if (!rc && rename(tmp, c->out))
		rc = mk_fail(err, MK_SYS, "cannot replace %s: %s", c->out, strerror(errno));
	if (rc)
		unlink(tmp);
	return rc;
}

static int write_through(const struct cli *c, const struct cli_result *r, struct mk_err *err)
{
	int fd = open(c->out, O_WRONLY | O_CLOEXEC | O_NOCTTY), rc;

	if (fd < 0)
		return mk_fail(err, MK_SYS, "cannot open %s: %s", c->out, strerror(errno));
	rc = write_result(fd, r, c->out, err);
	if (close(fd) && !rc)
		rc = mk_fail(err, MK_SYS, "cannot write %s: %s", c->out, strerror(errno));
	return rc;
}

static int write_file(struct cli *c, const struct cli_result *r)
{
	struct mk_err err;
	struct stat st;
	bool absent = lstat(c->out, &st) != 0;
	mode_t mask = umask(0);

	umask(mask);
	if (!(absent || S_ISREG(st.st_mode)
		      ? write_renamed(c, r, absent ? 0666 & ~mask : st.st_mode & 07777, &err)
		      : write_through(c, r, &err)))
		return CLI_YES;
	cli_error(c, &err);
	return CLI_TROUBLE;
}

int cli_write_file(struct cli *c, const struct mk_buf *b)
{
	const struct cli_result r = {.b = *b, .spilled = NULL};

	return write_file(c, &r);
}

static bool is_blob(const struct cli_result *r)
{
	char magic[4];

	if (!r->spilled)
		return mk_fdt_is(r->b.data, r->b.len);
	return pread(fileno(r->spilled), magic, sizeof(magic), 0) == sizeof(magic) &&
	       mk_fdt_is(magic, sizeof(magic));
}

int cli_finish_result(struct cli *c, const struct cli_result *r, int status)
{
	struct mk_err err;

	if (c->out && strcmp(c->out, "-") != 0)
		return write_file(c, r) ? CLI_TROUBLE : status;
	if (is_blob(r) && isatty(STDOUT_FILENO)) {
		mk_fail(&err, MK_BAD, "the result is a blob, and standard output a terminal");
		mk_hint(&err, "give -o FILE or a pipe; mk-parse -O dts makes it readable");
		cli_error(c, &err);
		return CLI_TROUBLE;
	}
	if (!write_result(STDOUT_FILENO, r, "standard output", &err) && !close_stdout(&err))
		return status;
	cli_error(c, &err);
	return CLI_TROUBLE;
}

int cli_finish(struct cli *c, const struct mk_buf *result, int status)
{
	const struct cli_result r = {.b = *result, .spilled = NULL};

	return cli_finish_result(c, &r, status);
}

void cli_result_init(struct cli *c, struct cli_result *r)
{
	*r = (struct cli_result){.spilled = NULL};
	mk_buf_init(&r->b, &c->arena);
}

void cli_result_grown(struct cli *c, struct cli_result *r)
{
	struct mk_err err;

	if (r->b.len < SPILL_BYTES)
		return;
	if (!r->spilled)
		r->spilled = tmpfile();
	if (!r->spilled) /* without a place for it the result stays in memory */
		return;
	if (mk_write_all(fileno(r->spilled), r->b.data, r->b.len, "a temporary file", &err))
		cli_die(c, &err);
	r->b.len = 0;
}

int cli_finish_records(struct cli *c, const struct mk_buf *records, bool json)
{
	struct mk_err err;
	struct mk_buf b;

	if (!json)
		return cli_finish(c, records, CLI_YES);
	mk_buf_init(&b, &c->arena);
	if (mk_records_json(&b, records->data, records->len, &err))
		cli_die(c, &err);
	return cli_finish(c, &b, CLI_YES);
}

int cli_finish_nothing(struct cli *c, int status)
{
	struct mk_err err;

	if (!close_stdout(&err))
		return status;
	cli_error(c, &err);
	return CLI_TROUBLE;
}
