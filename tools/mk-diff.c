/* SPDX-License-Identifier: Apache-2.0 */
/* mk-diff: says what changes from one state to another. */
#include <string.h>

#include "cli.h"
#include "delta.h"

static const char usage[] =
	"mk-diff [-jqVvh] [-o FILE] OLD NEW\n"
	"  -j       JSON Lines instead of records\n"
	"  -q       write nothing; status 0 when both are the same, 1 when not\n"
	"  -o FILE  write to FILE\n"
	"  -v       say why a pipe that was empty is an error\n"
	"  -h, -V   this help, the version\n"
	"One of OLD and NEW may be \"-\", standard input.\n";

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"verbose", no_argument, NULL, 'v'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"json", no_argument, NULL, 'j'},
					      {"out", required_argument, NULL, 'o'},
					      {0}};
	struct mk_loaded old, new;
	struct mk_delta d;
	struct mk_err err;
	struct mk_buf out;
	const char *machine;
	bool json = false;
	struct cli c;
	int o;

	cli_init(&c, "mk-diff", usage);
	while ((o = cli_getopt(&c, argc, argv, ":jqo:vhV", longs)) != -1)
		switch (o) {
		case 'j': json = true; break;
		case 'q': c.quiet = true; break;
		}
	if (argc - optind != 2)
		cli_usage(&c, "two states are compared: mk-diff OLD NEW");
	if (!strcmp(argv[optind], "-") && !strcmp(argv[optind + 1], "-"))
		cli_usage(&c, "only one of the two can be standard input");
	cli_load(&c, argv[optind], &old);
	cli_load(&c, argv[optind + 1], &new);
	mk_delta_init(&d, &c.arena);
	if (mk_delta_compute(&d, &old.state, &new.state, &err))
		cli_die(&c, &err);
	if (d.skipped_instances && (old.state.n_instances || new.state.n_instances))
		cli_warn(&c,
			 "%s says nothing about instances (it has no /instances): they are not "
			 "compared; mk-alloc -f "
			 "/dev/null makes a state that says there are none",
			 argv[old.state.has_instances ? optind + 1 : optind]);
	machine = mk_delta_machine(&c.arena, &old.state, &new.state);
	if (machine)
		cli_warn(&c, "these are not the same machine, and no operation makes them so: %s",
			 machine);
	mk_buf_init(&out, &c.arena);
	if (c.quiet && d.skipped_instances && (old.state.n_instances || new.state.n_instances)) {
		mk_fail(&err, MK_BAD,
			"%s says nothing about instances: whether the two are the same is not "
			"known",
			argv[old.state.has_instances ? optind + 1 : optind]);
		mk_hint(&err, "mk-alloc -f /dev/null makes a state that says there are none");
		cli_die(&c, &err);
	}
	if (c.quiet)
		return cli_finish_nothing(&c, d.n ? CLI_NO : CLI_YES);
	mk_delta_print(&out, &d);
	return cli_finish_records(&c, &out, json);
}
