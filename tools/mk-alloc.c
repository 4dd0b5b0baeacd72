/* SPDX-License-Identifier: Apache-2.0 */
/* mk-alloc: applies requests to a state: who gets which CPUs, memory and devices. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "encode.h"
#include "place.h"

static const char usage[] =
	"mk-alloc [-eqVvh] [--steps N] [-i STATE] [-o FILE] [-f REQUESTS] [VERB NAME KEY=VALUE...]\n"
	"  -i STATE      the state to change (default: standard input)\n"
	"  -f REQUESTS   requests, one a line; \"-\" is standard input\n"
	"  -o FILE       write to FILE\n"
	"  -e            explain each choice on standard error\n"
	"  --steps N     how far to search when placing one by one fails (20000000)\n"
	"  -q            no warnings\n"
	"  -v            say why a pipe that was empty is an error\n"
	"  -h, -V        this help, the version\n"
	"Requests:\n"
	"  create NAME cpus=LIST|cpu-count=N memory=SIZE[@NODE],...|0xBASE+SIZE,...\n"
	"         [devices=LIST]\n"
	"         [id=N] [boot-cpu=N] [numa-nodes=LIST] [cpu-affinity=compact|spread|local]\n"
	"         [memory-policy=local|interleave|bind] [OPTION=VALUE...]\n"
	"  update NAME [cpus=LIST|cpu-count=N] [boot-cpu=N] [memory=SIZE[@NODE],...|0xBASE+SIZE,...]\n"
	"         [devices=LIST] [allow-move=yes]\n"
	"  delete NAME\n"
	"  pool-add @pool [cpus=LIST] [memory=SIZE[@NODE]] [devices=PCI-IDS]\n"
	"  pool-remove @pool [cpus=LIST] [memory=0xBASE+SIZE] [devices=LIST]\n";

enum { OPT_STEPS = 1000 };

static void read_requests(struct cli *c, const char *path, struct mk_batch *batch)
{
	struct mk_record_reader r;
	struct mk_file *src = mk_arena_alloc(&c->arena, sizeof(*src));
	struct mk_record rec;
	struct mk_err err;
	struct mk_buf b;
	bool got;
	int rc;

	/* unlike a stream from another tool, a file of no requests is one */
	mk_buf_init(&b, &c->arena);
	rc = strcmp(path, "-") ? mk_buf_read_file(&b, path, MK_TREE_BYTES_MAX, &err)
			       : mk_buf_read(&b, 0, "<stdin>", MK_TREE_BYTES_MAX, &err);
	if (rc)
		cli_die(c, &err);
	*src = (struct mk_file){
		.name = strcmp(path, "-") ? path : "<stdin>", .text = b.data, .len = b.len};
	mk_record_open(&r, src);
	while (!(rc = mk_record_next(&r, &c->arena, &rec, &got, &err)) && got)
		if ((rc = mk_batch_add(batch, &c->arena, &rec, &err)))
			break;
	if (rc)
		cli_die(c, &err);
}

static void request_of_arguments(struct cli *c, char **word, int n, struct mk_batch *batch)
{
	struct mk_file *text = mk_arena_alloc(&c->arena, sizeof(*text));
	struct mk_record rec;
	struct mk_err err;

	if (mk_record_words(&c->arena, word, (size_t)n, text, &rec, &err) ||
	    mk_batch_add(batch, &c->arena, &rec, &err))
		cli_die(c, &err);
}

/* The part of a request that a rule is about. */
static struct mk_span asked_by(const struct mk_record *rec, const char *rule)
{
	static const struct {
		const char *rules, *keys[3];
	} about[] = {{"MK3", {"id", NULL}},
		     {"MK4 MK705 MK707 MK708 MK709", {"cpus", "cpu-count", NULL}},
		     {"MK5 MK703 MK706 MK710", {"memory", NULL}},
		     {"MK6", {"devices", NULL}},
		     {"MK7", {"numa-nodes", "memory-policy", NULL}}};

	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
		const char *one = about[i].rules;
		bool is = false;

		for (size_t len; !is && *one; one += len + (one[len] == ' ')) {
			len = strcspn(one, " ");
			is = !strncmp(rule, one, len);
		}
		for (size_t k = 0; is && about[i].keys[k]; k++) {
			const struct mk_pair *p = mk_record_get(rec, about[i].keys[k]);

			if (p)
				return p->at;
		}
	}
	return rec->at;
}

/* What is found anew about an instance is due to its request. */
static void locate(struct cli *c, const struct mk_batch *batch, struct mk_diags *d)
{
	const struct mk_record **by_mark = mk_arena_array(&c->arena, batch->n, sizeof(*by_mark));
	struct mk_names names = {.arena = &c->arena};
	size_t n = 0;

	for (const struct mk_request *r = batch->first; r; r = r->next) {
		const char *subject = r->rec.subject;

		by_mark[n++] = &r->rec;
		*mk_name_mark(mk_intern(&names, subject, strlen(subject))) = (uint32_t)n;
	}
	for (struct mk_diag *x = d->first; x; x = x->next) {
		const char *name =
			x->subject ? mk_name_known(&names, x->subject, strlen(x->subject)) : NULL;

		if (name)
			x->at = asked_by(by_mark[*mk_name_mark(name) - 1], x->rule);
	}
}

/*
 * What was asked for must not make anything invalid: errors of the new state
 * that the old one did not have refuse the whole batch; warnings are told.
 */
static void check(struct cli *c, const struct mk_batch *batch, const struct mk_state *old,
		  const struct mk_state *new)
{
	struct mk_known known;
	const struct mk_rules_options opts = {.known = &known, .before = old};
	struct mk_diags before, after;
	struct mk_diag **link = &after.first;
	bool bad = false;

	mk_diags_init(&before, &c->arena);
	mk_diags_init(&after, &c->arena);
	mk_known_of(&known, old, &(struct mk_rules_options){0}, &before);
	mk_rules_run(new, &opts, &after);
	for (struct mk_diag *d = after.first; d; d = d->next) {
		if (mk_known_has(&known, d))
			continue;
		bad = bad || d->severity == MK_ERROR;
		*link = d;
		link = &d->next;
	}
	*link = NULL;
	locate(c, batch, &after);
	cli_diags(c, &after);
	if (bad)
		exit(CLI_NO);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'},	{"version", no_argument, NULL, 'V'},
		{"verbose", no_argument, NULL, 'v'},	{"quiet", no_argument, NULL, 'q'},
		{"out", required_argument, NULL, 'o'},	{"in", required_argument, NULL, 'i'},
		{"file", required_argument, NULL, 'f'}, {"explain", no_argument, NULL, 'e'},
		{"steps", required_argument, NULL, OPT_STEPS}, {0}};
	struct mk_place_options opts = {.steps = MK_PLACE_STEPS};
	const char *in = NULL, *requests = NULL;
	struct mk_batch batch = {0};
	struct mk_loaded old;
	struct mk_state new;
	struct mk_diags why;
	struct mk_buf out;
	bool explain = false;
	struct mk_err err;
	struct cli c;
	int o;

	cli_init(&c, "mk-alloc", usage);
	while ((o = cli_getopt(&c, argc, argv, ":ei:f:o:qvhV", longs)) != -1)
		switch (o) {
		case 'i': in = optarg; break;
		case 'f': requests = optarg; break;
		case 'q': c.quiet = true; break;
		case 'e': explain = true; break;
		case OPT_STEPS:
			opts.steps = (uint64_t)cli_long_number(&c, "--steps", optarg, 0, INT64_MAX);
			break;
		}
	if (!requests && optind == argc)
		cli_usage(&c, "no request: give one as arguments, or many by -f");
	if (requests && !strcmp(requests, "-") && (!in || !strcmp(in, "-")))
		cli_usage(&c, "state and requests cannot both come from standard input");
	if (optind < argc)
		request_of_arguments(&c, argv + optind, argc - optind, &batch);
	if (requests)
		read_requests(&c, requests, &batch);
	cli_load_machine(&c, in, &old);
	new = mk_state_copy(&old.state);
	mk_diags_init(&why, &c.arena);
	opts.why = explain ? &why : NULL;
	if (mk_place(&new, &batch, &opts, &err))
		cli_die(&c, &err);
	check(&c, &batch, &old.state, &new);
	for (const struct mk_diag *d = why.first; d; d = d->next)
		cli_note(&c, "%s", d->text);
	mk_buf_init(&out, &c.arena);
	if (mk_encode_blob(&out, &new, &err))
		cli_die(&c, &err);
	return cli_finish(&c, &out, CLI_YES);
}
