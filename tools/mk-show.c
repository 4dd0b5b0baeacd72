/* SPDX-License-Identifier: Apache-2.0 */
/* mk-show: shows a state to a person, as tables. */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "encode.h"
#include "report.h"

static const char usage[] = "mk-show [-bjmqVvh] [-x NAME] [-i STATE] [-o FILE] [NAME]\n"
			    "  -i STATE  the state to show (default: standard input)\n"
			    "  -b        brief: one line an instance\n"
			    "  -j        JSON Lines\n"
			    "  -m        a map of CPUs and memory\n"
			    "  -x NAME   that instance's own tree, as a blob\n"
			    "  -o FILE   write to FILE\n"
			    "  -q        no warnings\n"
			    "  -v        say why a pipe that was empty is an error\n"
			    "  -h, -V    this help, the version\n"
			    "With NAME, that instance alone is shown.\n";

static _Noreturn void no_instance(struct cli *c, const struct mk_state *s, const char *name)
{
	const char *near = mk_instance_nearest(s, name);
	struct mk_err err;

	mk_fail_at(&err, MK_NO, s->tree->root->at, "there is no instance '%s'", name);
	err.line = 0;
	err.src[0] = '\0';
	if (near)
		mk_hint(&err, "did you mean %s?", near);
	else if (!strchr(name, '.') && !strchr(name, '/'))
		mk_hint(&err, "mk-show -b lists them");
	else
		mk_hint(&err, "a file is given by -i %s", name);
	cli_die(c, &err);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"verbose", no_argument, NULL, 'v'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"brief", no_argument, NULL, 'b'},
					      {"json", no_argument, NULL, 'j'},
					      {"map", no_argument, NULL, 'm'},
					      {"extract", required_argument, NULL, 'x'},
					      {"in", required_argument, NULL, 'i'},
					      {"out", required_argument, NULL, 'o'},
					      {0}};
	const struct mk_instance *only = NULL;
	bool brief = false, json = false, map = false;
	const char *in = NULL, *view = NULL, *name;
	struct mk_loaded l;
	struct mk_buf out;
	struct mk_err err;
	struct cli c;
	int o;

	cli_init(&c, "mk-show", usage);
	while ((o = cli_getopt(&c, argc, argv, ":bjmx:i:o:qvhV", longs)) != -1)
		switch (o) {
		case 'b': brief = true; break;
		case 'j': json = true; break;
		case 'm': map = true; break;
		case 'x': view = optarg; break;
		case 'i': in = optarg; break;
		case 'q': c.quiet = true; break;
		}
	if (argc - optind > 1)
		cli_usage(&c, "one instance at a time: '%s' is too much", argv[optind + 1]);
	if (!in && argv[optind] && access(argv[optind], R_OK) == 0 && isatty(STDIN_FILENO))
		cli_usage(&c, "a file is given by -i: mk-show -i %s", argv[optind]);
	if (view && argv[optind])
		cli_usage(&c, "-x names the instance: '%s' is too much", argv[optind]);
	if (map && argv[optind] && access(argv[optind], R_OK) == 0)
		cli_usage(&c, "a file is given by -i: mk-show -m -i %s", argv[optind]);
	if (map && argv[optind])
		cli_usage(&c, "-m draws the machine: '%s' is too much", argv[optind]);
	cli_load(&c, in, &l);
	name = view ? view : argv[optind];
	if (name) {
		only = mk_instance_find(&l.state, name);
		if (!only)
			no_instance(&c, &l.state, name);
	}
	mk_buf_init(&out, &c.arena);
	if (view) {
		if (mk_encode_view(&out, &l.state, only, &err))
			cli_die(&c, &err);
		return cli_finish(&c, &out, CLI_YES);
	}
	if (json) {
		mk_report_records(&out, &l.state, only);
		return cli_finish_records(&c, &out, true);
	}
	if (only)
		mk_report_instance(&out, &l.state, only);
	else if (brief)
		mk_report_brief(&out, &l.state);
	else if (map)
		mk_report_map(&out, &l.state, cli_colour(&c));
	else
		mk_report_state(&out, &l.state);
	return cli_finish(&c, &out, CLI_YES);
}
