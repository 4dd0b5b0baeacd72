/* SPDX-License-Identifier: Apache-2.0 */
/* mk-parse: compiles device tree source, and converts trees between source, blob, lines and JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dialect.h"
#include "fdt.h"
#include "lines.h"

static const char usage[] =
	"mk-parse [-@hjqsVv] [-I FORMAT] [-O FORMAT] [-o FILE] [-i DIR] [-d FILE]\n"
	"                [-p BYTES] [--view] [FILE]\n"
	"  -I dts|dtb|lines       what FILE is (default: found out from its content)\n"
	"  -O dtb|dts|lines|json  what to write (default: dtb)\n"
	"  -j        the same as -O json\n"
	"  -o FILE   write to FILE\n"
	"  -i DIR    look for included files in DIR, too (may be repeated)\n"
	"  -d FILE   write a make rule of all files read to FILE\n"
	"  -@        write the node __symbols__\n"
	"  -s        sort nodes and properties by name\n"
	"  -p BYTES  append BYTES of padding to a blob\n"
	"  --view    print the root of a dts by its model, as \"/NAME { }\"\n"
	"  -q        no warnings\n"
	"  -v        say why a pipe that was empty is an error\n"
	"  -h, -V    this help, the version\n"
	"FILE is standard input when it is missing or \"-\".\n";

enum output { OUT_DTB, OUT_DTS, OUT_LINES, OUT_JSON };

struct parse {
	struct cli cli;
	enum output output;
	const char *depfile;
	bool sort;
	size_t pad;
	struct mk_dts_print print;
	struct mk_dts_options dts;
	struct mk_diags warnings;
};

static size_t one_of(const struct cli *c, char opt, const char *arg, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(arg, words[i]))
			return i;
	cli_usage(c, "-%c does not know '%s': it takes %s", opt, arg,
		  opt == 'O' ? "dtb, dts, lines or json" : "dts, dtb or lines");
}

static void print_tree(struct parse *p, struct mk_buf *out, struct mk_tree *t, size_t index)
{
	struct mk_err err;
	int rc = MK_OK;

	if (p->sort)
		mk_tree_sort(t);
	switch (p->output) {
	case OUT_DTB: rc = mk_fdt_write(out, t, p->pad, &err); break;
	case OUT_DTS:
		if (index)
			mk_buf_fmt(out, "\n/* tree %zu of the stream */\n", index + 1);
		if (t->boot_cpuid != mk_boot_cpuid(t, true))
			cli_warn(&p->cli,
				 "boot_cpuid 0x%x is not that of /cpus: source cannot hold it, "
				 "lines can",
				 t->boot_cpuid);
		rc = mk_dts_print(out, t, &p->print, &err);
		break;
	case OUT_LINES:
		if (index) {
			mk_fail(&err, MK_BAD, "the lines form holds one tree, the input more");
			mk_hint(&err, "-O dts and -O json write all trees of a stream");
			cli_die(&p->cli, &err);
		}
		mk_lines_print(out, t);
		break;
	case OUT_JSON: mk_tree_json(out, t); break;
	}
	if (rc)
		cli_die(&p->cli, &err);
}

/* "out: a b": blanks and what make would expand are escaped. */
static void write_depfile(struct parse *p, const char *in, const struct mk_dts_input *input)
{
	struct cli c = p->cli;
	struct mk_buf b;

	mk_buf_init(&b, &c.arena);
	for (size_t i = 0; i < input->n_opened + 2; i++) {
		const char *s = i == 0	 ? c.out && strcmp(c.out, "-") != 0 ? c.out : "-"
				: i == 1 ? in
					 : input->opened[i - 2];

		if (i)
			mk_buf_char(&b, ' ');
		for (; *s; s++) {
			if (*s == ' ' || *s == '#')
				mk_buf_char(&b, '\\');
			else if (*s == '$')
				mk_buf_char(&b, '$');
			mk_buf_char(&b, *s);
		}
		if (!i)
			mk_buf_char(&b, ':');
	}
	mk_buf_char(&b, '\n');
	c.out = p->depfile;
	if (strcmp(p->depfile, "-") == 0)
		cli_usage(&c, "-d wants a file, standard output is taken by the tree");
	if (cli_write_file(&c, &b))
		exit(CLI_TROUBLE);
}

static void options(struct parse *p, int argc, char **argv, enum mk_format *format)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"in-format", required_argument, NULL, 'I'},
					      {"out-format", required_argument, NULL, 'O'},
					      {"out", required_argument, NULL, 'o'},
					      {"include", required_argument, NULL, 'i'},
					      {"out-dependency", required_argument, NULL, 'd'},
					      {"symbols", no_argument, NULL, '@'},
					      {"sort", no_argument, NULL, 's'},
					      {"pad", required_argument, NULL, 'p'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"verbose", no_argument, NULL, 'v'},
					      {"json", no_argument, NULL, 'j'},
					      {"view", no_argument, NULL, 1000},
					      {0}};
	static const char *const in_words[] = {"", "dts", "dtb", "lines", NULL};
	static const char *const out_words[] = {"dtb", "dts", "lines", "json", NULL};
	const char **dirs = NULL;
	bool chosen = false;
	size_t cap = 0;
	int o;

	while ((o = cli_getopt(&p->cli, argc, argv, ":I:O:o:i:d:@sp:qjvhV", longs)) != -1)
		switch (o) {
		case 'I':
			*format = (enum mk_format)one_of(&p->cli, 'I', optarg, in_words);
			if (*format == MK_FORMAT_ANY)
				cli_usage(&p->cli, "-I wants dts, dtb or lines");
			break;
		case 'O':
			chosen = true;
			p->output = (enum output)one_of(&p->cli, 'O', optarg, out_words);
			break;
		case 'j':
			chosen = true;
			p->output = OUT_JSON;
			break;
		case 'i':
			dirs = mk_arena_more(&p->cli.arena, (void *)dirs, p->dts.n_include_dirs,
					     &cap, sizeof(*dirs));
			dirs[p->dts.n_include_dirs++] = optarg;
			p->dts.include_dirs = dirs;
			break;
		case 'd': p->depfile = optarg; break;
		case '@': p->dts.symbols = true; break;
		case 's': p->sort = true; break;
		case 'p':
			p->pad = (size_t)cli_number(&p->cli, 'p', optarg, 0, MK_TREE_BYTES_MAX);
			break;
		case 'q': p->cli.quiet = true; break;
		case 1000: p->print.view = true; break;
		}
	if (p->print.view && chosen && p->output != OUT_DTS)
		cli_usage(&p->cli, "--view goes with -O dts alone");
	if (p->print.view)
		p->output = OUT_DTS;
	if (argc - optind > 1)
		cli_usage(&p->cli, "one file at a time: '%s' is too much", argv[optind + 1]);
}

int main(int argc, char **argv)
{
	struct parse p = {.output = OUT_DTB, .dts = {.dialect = &mk_dialect}};
	enum mk_format format = MK_FORMAT_ANY;
	struct mk_stream stream;
	struct mk_item item;
	struct mk_buf out;
	struct mk_err err;
	bool got;

	cli_init(&p.cli, "mk-parse", usage);
	options(&p, argc, argv, &format);
	mk_diags_init(&p.warnings, &p.cli.arena);
	p.dts.warnings = &p.warnings;
	mk_buf_init(&out, &p.cli.arena);
	cli_stream(&p.cli, &stream, argv[optind], &p.dts);
	stream.format = format;
	for (size_t i = 0;; i++) {
		if (mk_stream_next(&stream, &p.cli.arena, &item, &got, &err)) {
			cli_diags(&p.cli, &p.warnings);
			cli_stream_die(&p.cli, &stream, &err);
		}
		if (!got)
			break;
		print_tree(&p, &out, &item.tree, i);
	}
	cli_diags(&p.cli, &p.warnings);
	if (p.depfile)
		write_depfile(&p, stream.name, &stream.input);
	return cli_finish(&p.cli, &out, CLI_YES);
}
