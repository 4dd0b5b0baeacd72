/* SPDX-License-Identifier: Apache-2.0 */
/* mk-validate: lets valid states through, and says what is wrong with the others. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dialect.h"

static const char usage[] =
	"mk-validate [-bqVvh] [-o FILE] [--since STATE] [--max-id N] [--cpu-cells 1|2]\n"
	"                   [-W RULE] [-E RULE] [FILE...]\n"
	"       mk-validate --rules\n"
	"  -b               a baseline: instances are not allowed\n"
	"  --since STATE    refuse only what STATE does not suffer from already\n"
	"  --max-id N       the highest instance id that the kernel can load (2047)\n"
	"  --cpu-cells N    cells that a CPU id has in a blob of unknown origin\n"
	"  -W RULE          do not warn of RULE\n"
	"  -E RULE          a warning of RULE is an error\n"
	"  --rules          print all rules\n"
	"  -o FILE          write to FILE\n"
	"  -q               no warnings\n"
	"  -v               say why a pipe that was empty is an error\n"
	"  -h, -V           this help, the version\n"
	"Source goes in, blobs come out; blobs pass unchanged. FILE is standard input\n"
	"when it is missing or \"-\".\n";

enum { OPT_SINCE = 1000, OPT_MAX_ID, OPT_CPU_CELLS, OPT_RULES };

struct validate {
	struct cli cli;
	struct mk_rules_options rules;
	struct mk_decode_options decode;
	struct mk_dts_options dts;
	struct mk_diags source; /* warnings of reading source */
	struct mk_names since;	/* "MK404 web": findings that are not new */
	struct mk_names quiet, loud;
	size_t states;
};

static const char *rule_arg(const struct cli *c, char opt, const char *arg)
{
	for (const struct mk_rule *r = mk_rules; r->id; r++)
		if (!strcmp(r->id, arg))
			return arg;
	cli_usage(c, "-%c: there is no rule '%s' (mk-validate --rules lists them)", opt, arg);
}

static int print_rules(struct cli *c)
{
	struct mk_buf b;

	mk_buf_init(&b, &c->arena);
	for (const struct mk_rule *r = mk_rules; r->id; r++)
		mk_buf_fmt(&b, "%s\t%s\t%s\t%s\n", r->id,
			   r->severity == MK_ERROR ? "error" : "warning", r->text, r->cure);
	return cli_finish(c, &b, CLI_YES);
}

static const char *finding_key(struct validate *v, const struct mk_diag *d)
{
	return mk_arena_fmt(&v->cli.arena, "%s %s", d->rule ? d->rule : "-",
			    d->subject ? d->subject : "-");
}

static bool in(const struct mk_names *names, const char *s)
{
	return s && mk_name_known(names, s, strlen(s));
}

/* Old findings become warnings, warnings are dropped or promoted as asked for. */
static void judge(struct validate *v, struct mk_diags *d)
{
	struct mk_diag *x, **link = &d->first;

	d->errors = d->warnings = 0;
	d->last = NULL;
	while ((x = *link)) {
		if (x->severity == MK_WARNING && in(&v->loud, x->rule))
			x->severity = MK_ERROR;
		if (x->severity == MK_ERROR && in(&v->since, finding_key(v, x)))
			x->severity = MK_WARNING;
		else if (x->severity == MK_WARNING && in(&v->quiet, x->rule)) {
			*link = x->next;
			continue;
		}
		d->errors += x->severity == MK_ERROR;
		d->warnings += x->severity == MK_WARNING;
		d->last = x;
		link = &x->next;
	}
}

static void load_since(struct validate *v, const char *path)
{
	struct mk_stream s;
	struct mk_loaded l;
	struct mk_err err;

	cli_stream(&v->cli, &s, path, &v->dts);
	if (mk_load_one(&s, &v->cli.arena, &v->decode, &l, &err))
		cli_stream_die(&v->cli, &s, &err);
	mk_rules_run(&l.state, &v->rules, &l.diags);
	for (const struct mk_diag *d = l.diags.first; d; d = d->next)
		if (d->severity == MK_ERROR) {
			const char *key = finding_key(v, d);

			mk_intern(&v->since, key, strlen(key));
		}
}

/* One file: all states of it. Returns how many are not valid. */
static size_t file(struct validate *v, const char *path, struct mk_buf *out)
{
	struct mk_stream s;
	struct mk_loader l;
	struct mk_loaded x;
	struct mk_err err;
	size_t invalid = 0;
	bool got;
	int rc;

	cli_stream(&v->cli, &s, path, &v->dts);
	mk_loader_init(&l, &s, &v->decode);
	while (!(rc = mk_load_next(&l, &v->cli.arena, &x, &got, &err)) && got) {
		mk_rules_run(&x.state, &v->rules, &x.diags);
		judge(v, &x.diags);
		if (x.diags.first && (l.ahead || v->states))
			cli_note(&v->cli, "state %zu of the stream:", v->states + 1);
		cli_diags(&v->cli, &x.diags);
		invalid += x.diags.errors != 0;
		v->states++;
		mk_buf_add(out, x.blobs.data, x.blobs.len);
	}
	cli_diags(&v->cli, &v->source);
	if (rc)
		cli_stream_die(&v->cli, &s, &err);
	mk_stream_free(&s);
	return invalid;
}

static void options(struct validate *v, int argc, char **argv, const char **since, bool *rules)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"verbose", no_argument, NULL, 'v'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"baseline", no_argument, NULL, 'b'},
					      {"out", required_argument, NULL, 'o'},
					      {"since", required_argument, NULL, OPT_SINCE},
					      {"max-id", required_argument, NULL, OPT_MAX_ID},
					      {"cpu-cells", required_argument, NULL, OPT_CPU_CELLS},
					      {"rules", no_argument, NULL, OPT_RULES},
					      {0}};
	const char *name;
	int o;

	while ((o = cli_getopt(&v->cli, argc, argv, "+:bqo:W:E:vhV", longs)) != -1)
		switch (o) {
		case 'b': v->rules.baseline = true; break;
		case 'q': v->cli.quiet = true; break;
		case 'W':
		case 'E':
			name = rule_arg(&v->cli, (char)o, optarg);
			mk_intern(o == 'W' ? &v->quiet : &v->loud, name, strlen(name));
			break;
		case OPT_SINCE: *since = optarg; break;
		case OPT_MAX_ID:
			v->rules.max_id = (uint32_t)cli_long_number(&v->cli, "--max-id", optarg, 1,
								    INT32_MAX);
			break;
		case OPT_CPU_CELLS:
			v->decode.cpu_cells =
				(unsigned)cli_long_number(&v->cli, "--cpu-cells", optarg, 1, 2);
			break;
		case OPT_RULES: *rules = true; break;
		}
}

int main(int argc, char **argv)
{
	struct validate v = {.dts = {.dialect = &mk_dialect}};
	const char *since = NULL;
	struct mk_buf out;
	size_t invalid = 0;
	bool rules = false;

	cli_init(&v.cli, "mk-validate", usage);
	v.since.arena = v.quiet.arena = v.loud.arena = &v.cli.arena;
	options(&v, argc, argv, &since, &rules);
	if (rules && optind < argc)
		cli_usage(&v.cli, "--rules prints the rules: '%s' is too much", argv[optind]);
	if (rules)
		return print_rules(&v.cli);
	mk_diags_init(&v.source, &v.cli.arena);
	v.dts.warnings = &v.source;
	mk_buf_init(&out, &v.cli.arena);
	if (since)
		load_since(&v, since);
	if (optind == argc)
		invalid = file(&v, NULL, &out);
	for (int i = optind; i < argc; i++)
		invalid += file(&v, argv[i], &out);
	if (!invalid)
		return cli_finish(&v.cli, &out, CLI_YES);
	out.len = 0;
	return cli_finish_nothing(&v.cli, CLI_NO);
}
