/* SPDX-License-Identifier: Apache-2.0 */
/* mk-show: shows a state to a person, as tables. */
#include <string.h>

#include "cli.h"
#include "report.h"

static const char usage[] = "mk-show [-bjqVvh] [-i STATE] [-o FILE] [NAME]\n"
			    "  -i STATE  the state to show (default: standard input)\n"
			    "  -b        brief: one line an instance\n"
			    "  -j        JSON Lines\n"
			    "  -o FILE   write to FILE\n"
			    "  -q        no warnings\n"
			    "  -v        say why a pipe that was empty is an error\n"
			    "  -h, -V    this help, the version\n"
			    "With NAME, that instance alone is shown.\n";

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"verbose", no_argument, NULL, 'v'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"brief", no_argument, NULL, 'b'},
					      {"json", no_argument, NULL, 'j'},
					      {"in", required_argument, NULL, 'i'},
					      {"out", required_argument, NULL, 'o'},
					      {0}};
	const struct mk_instance *only = NULL;
	bool brief = false, json = false;
	const char *in = NULL;
	struct mk_loaded l;
	struct mk_buf out;
	struct mk_err err;
	struct cli c;
	int o;

	cli_init(&c, "mk-show", usage);
	while ((o = cli_getopt(&c, argc, argv, "+:bji:o:qvhV", longs)) != -1)
		switch (o) {
		case 'b': brief = true; break;
		case 'j': json = true; break;
		case 'i': in = optarg; break;
		case 'q': c.quiet = true; break;
		}
	if (argc - optind > 1)
		cli_usage(&c, "one instance at a time: '%s' is too much", argv[optind + 1]);
	cli_load(&c, in, &l);
	if (argv[optind]) {
		only = mk_instance_find(&l.state, argv[optind]);
		if (!only) {
			mk_fail(&err, MK_NO, "there is no instance '%s'", argv[optind]);
			mk_hint(&err, "mk-show -b lists them");
			cli_die(&c, &err);
		}
	}
	mk_buf_init(&out, &c.arena);
	if (json) {
		mk_report_records(&out, &l.state, only);
		return cli_finish_records(&c, &out, true);
	}
	if (only)
		mk_report_instance(&out, &l.state, only);
	else if (brief)
		mk_report_brief(&out, &l.state);
	else
		mk_report_state(&out, &l.state);
	return cli_finish(&c, &out, CLI_YES);
}
