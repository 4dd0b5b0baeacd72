/* SPDX-License-Identifier: Apache-2.0 */
/* mk-validate: lets valid states through, and says what is wrong with the others. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dialect.h"
#include "report.h"
#include "utf8.h"

static const char usage[] =
	"mk-validate [-bqVvh] [-r text|json|yaml] [-o FILE] [--since STATE] [--max-id N]\n"
	"                   [--cpu-cells 1|2] [-W RULE] [-E RULE] [FILE...]\n"
	"       mk-validate --rules\n"
	"  -b               a baseline: instances are not allowed\n"
	"  -r FORM          write a report: text, json or yaml\n"
	"  --since STATE    refuse only what STATE does not suffer from already\n"
	"  --max-id N       the highest instance id that the kernel can load (2047)\n"
	"  --cpu-cells N    cells that a CPU id has in a blob of unknown origin\n"
	"  -W RULE          do not warn of RULE\n"
	"  -E RULE          a warning or note of RULE is an error\n"
	"  --rules          print all rules\n"
	"  -o FILE          write to FILE\n"
	"  -q               no warnings\n"
	"  -v               say why a pipe that was empty is an error\n"
	"  -h, -V           this help, the version\n"
	"Source goes in, blobs come out; blobs pass unchanged. FILE is standard input\n"
	"when it is missing or \"-\".\n";

enum { OPT_SINCE = 1000, OPT_MAX_ID, OPT_CPU_CELLS, OPT_RULES };

enum form { STREAM, TEXT, JSON, YAML };

struct validate {
	struct cli cli;
	struct mk_rules_options rules;
	struct mk_decode_options decode;
	struct mk_dts_options dts;
	struct mk_diags source;	 /* warnings of reading source */
	struct mk_loaded before; /* --since, if that was given */
	struct mk_known since;	 /* findings that are not new */
	struct mk_names quiet, loud;
	enum form form;
	size_t states, number; /* in all, and of the one in its stream */
	struct mk_arena one[2];
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
			   mk_severity_word(r->severity), r->text, r->cure);
	return cli_finish(c, &b, CLI_YES);
}

static bool in(const struct mk_names *names, const char *s)
{
	return s && mk_name_known(names, s, strlen(s));
}

/* Old findings become warnings; warnings and notes are dropped or promoted as asked for. */
static void judge(struct validate *v, struct mk_diags *d)
{
	struct mk_diag *x, **link = &d->first;

	d->errors = d->warnings = 0;
	d->last = NULL;
	while ((x = *link)) {
		if (x->severity != MK_ERROR && in(&v->loud, x->rule))
			x->severity = MK_ERROR;
		if (x->severity == MK_ERROR && v->rules.known && mk_known_has(&v->since, x))
			x->severity = MK_WARNING;
		if (x->severity != MK_ERROR && in(&v->quiet, x->rule)) {
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
	struct mk_err err;

	cli_stream(&v->cli, &s, path, &v->dts);
	if (mk_load_one(&s, &v->cli.arena, &v->decode, &v->before, &err))
		cli_stream_die(&v->cli, &s, &err);
	mk_known_of(&v->since, &v->before.state, &v->rules, &v->before.diags);
	v->rules.known = &v->since;
	v->rules.before = &v->before.state;
}

static void report(struct validate *v, const struct mk_loaded *x, struct mk_buf *out)
{
	const struct mk_verdict verdict = {.s = &x->state,
					   .d = &x->diags,
					   .number = v->number,
					   .baseline = v->rules.baseline,
					   .ascii = !cli_is_utf8()};

	if (v->form == TEXT)
		mk_report_text(out, &verdict);
	else
		mk_report_document(out, &verdict, v->form == YAML);
}

static enum form form_arg(const struct cli *c, const char *arg)
{
	static const char *const forms[] = {[TEXT] = "text", [JSON] = "json", [YAML] = "yaml"};

	for (enum form i = TEXT; i <= YAML; i++)
		if (!strcmp(arg, forms[i]))
			return i;
	cli_usage(c, "-r is text, json or yaml, not '%s'", arg);
}

/* Which of several states findings are about. */
static void announce(struct validate *v, const struct mk_loaded *x, bool more)
{
	const char *name = x->state.model;
	struct mk_buf shown;

	if (!(v->cli.quiet ? x->diags.errors : x->diags.errors + x->diags.warnings) ||
	    (!more && v->number == 1))
		return;
	mk_buf_init(&shown, x->state.arena);
	for (size_t i = 0, len = name ? strlen(name) : 0; i < len;) {
		char c[16];

		i += mk_utf8_visible(name + i, len - i, c);
		mk_buf_str(&shown, c);
	}
	if (shown.len)
		cli_note(&v->cli, "state %zu of the stream, %s:", v->number, mk_buf_cstr(&shown));
	else
		cli_note(&v->cli, "state %zu of the stream:", v->number);
}

/*
 * Memory for one state. What was read ahead of it, its tree, lies in the memory
 * of the one before: so there are two, which take turns.
 */
static struct mk_arena *next_arena(struct validate *v)
{
	struct mk_arena *a = &v->one[v->states % 2];

	mk_arena_reset(a);
	return a;
}

/* One file: all states of it. Returns how many are not valid. */
static size_t file(struct validate *v, const char *path, struct cli_result *out)
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
	v->number = 0;
	while (!(rc = mk_load_next(&l, next_arena(v), &x, &got, &err)) && got) {
		mk_rules_run(&x.state, &v->rules, &x.diags);
		judge(v, &x.diags);
		v->states++;
		v->number++;
		invalid += x.diags.errors != 0;
		if (v->form != STREAM) {
			report(v, &x, &out->b);
		} else {
			announce(v, &x, l.ahead != NULL);
			cli_diags(&v->cli, &x.diags);
			mk_buf_add(&out->b, x.blobs.data, x.blobs.len);
		}
		cli_result_grown(&v->cli, out);
	}
	cli_diags(&v->cli, &v->source);
	if (rc && v->number)
		cli_note(&v->cli, "state %zu of the stream:", v->number + 1);
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
					      {"report", required_argument, NULL, 'r'},
					      {"out", required_argument, NULL, 'o'},
					      {"since", required_argument, NULL, OPT_SINCE},
					      {"max-id", required_argument, NULL, OPT_MAX_ID},
					      {"cpu-cells", required_argument, NULL, OPT_CPU_CELLS},
					      {"rules", no_argument, NULL, OPT_RULES},
					      {0}};
	const char *name;
	int o;

	while ((o = cli_getopt(&v->cli, argc, argv, ":br:qo:W:E:vhV", longs)) != -1)
		switch (o) {
		case 'b': v->rules.baseline = true; break;
		case 'r': v->form = form_arg(&v->cli, optarg); break;
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
	struct cli_result out;
	size_t invalid = 0;
	bool rules = false;

	cli_init(&v.cli, "mk-validate", usage);
	v.quiet.arena = v.loud.arena = &v.cli.arena;
	options(&v, argc, argv, &since, &rules);
	if (rules && optind < argc)
		cli_usage(&v.cli, "--rules prints the rules: '%s' is too much", argv[optind]);
	if (rules)
		return print_rules(&v.cli);
	mk_diags_init(&v.source, &v.cli.arena);
	v.dts.warnings = &v.source;
	cli_result_init(&v.cli, &out);
	for (int i = 0; i < 2; i++)
		mk_arena_init(&v.one[i], v.cli.arena.oom);
	v.rules.notes = v.form != STREAM || v.loud.n;
	if (since && !strcmp(since, "-")) /* what is judged may come from there, too */
		for (int i = optind; i <= argc; i++)
			if (i == argc ? optind == argc : !strcmp(argv[i], "-"))
				cli_usage(&v.cli, "only one of the two states can be standard input");
	if (since)
		load_since(&v, since);
	if (optind == argc)
		invalid = file(&v, NULL, &out);
	for (int i = optind; i < argc; i++)
		invalid += file(&v, argv[i], &out);
	if (v.form != STREAM)
		return cli_finish_result(&v.cli, &out, invalid ? CLI_NO : CLI_YES);
	if (!invalid && !v.cli.out && isatty(STDOUT_FILENO)) {
		cli_note(&v.cli, "valid (a blob is not written to a terminal: -o FILE, or a pipe)");
		return CLI_YES;
	}
	if (!invalid)
		return cli_finish_result(&v.cli, &out, CLI_YES);
	return cli_finish_nothing(&v.cli, CLI_NO);
}
