/* SPDX-License-Identifier: Apache-2.0 */
/* mk-alloc: applies requests to a state: who gets which CPUs, memory and devices. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "encode.h"
#include "place.h"

static const char usage[] =
	"mk-alloc [-qVvh] [-i STATE] [-o FILE] [-f REQUESTS] [VERB NAME KEY=VALUE...]\n"
	"  -i STATE      the state to change (default: standard input)\n"
	"  -f REQUESTS   requests, one a line; \"-\" is standard input\n"
	"  -o FILE       write to FILE\n"
	"  -q            no warnings\n"
	"  -v            say why a pipe that was empty is an error\n"
	"  -h, -V        this help, the version\n"
	"Requests:\n"
	"  create NAME cpus=LIST|cpu-count=N memory=SIZE[@NODE]|0xBASE+SIZE [devices=LIST]\n"
	"         [id=N] [numa-nodes=LIST] [OPTION=VALUE...]\n"
	"  update NAME [cpus=LIST|cpu-count=N] [memory=SIZE] [devices=LIST]\n"
	"  delete NAME\n";

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

/* A key that says the same defect in the old and the new state. */
static const char *key_of(struct mk_arena *a, const struct mk_diag *d)
{
	return mk_arena_fmt(a, "%s %s", d->rule, d->subject ? d->subject : "-");
}

/*
 * What was asked for must not make anything invalid: findings of the new state
 * that the old one did not have refuse the whole batch.
 */
static void check(struct cli *c, const struct mk_state *old, const struct mk_state *new)
{
	const struct mk_rules_options opts = {0};
	struct mk_names known = {.arena = &c->arena};
	struct mk_diags before, after, news;

	mk_diags_init(&before, &c->arena);
	mk_diags_init(&after, &c->arena);
	mk_diags_init(&news, &c->arena);
	mk_rules_run(old, &opts, &before);
	mk_rules_run(new, &opts, &after);
	for (const struct mk_diag *d = before.first; d; d = d->next) {
		const char *key = key_of(&c->arena, d);

		mk_intern(&known, key, strlen(key));
	}
	for (const struct mk_diag *d = after.first; d; d = d->next) {
		const char *key = key_of(&c->arena, d);
		struct mk_diag *x;

		if (d->severity != MK_ERROR || mk_name_known(&known, key, strlen(key)))
			continue;
		x = mk_diag_add(&news, MK_ERROR, d->rule, d->at, "%s", d->text);
		x->path = d->path;
		x->other = d->other;
		x->other_text = d->other_text;
		x->hint = d->hint;
	}
	cli_diags(c, &news);
	if (news.errors)
		exit(CLI_NO);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'},	{"version", no_argument, NULL, 'V'},
		{"verbose", no_argument, NULL, 'v'},	{"quiet", no_argument, NULL, 'q'},
		{"out", required_argument, NULL, 'o'},	{"in", required_argument, NULL, 'i'},
		{"file", required_argument, NULL, 'f'}, {0}};
	const char *in = NULL, *requests = NULL;
	struct mk_batch batch = {0};
	struct mk_loaded old;
	struct mk_state new;
	struct mk_buf out;
	struct mk_err err;
	struct cli c;
	int o;

	cli_init(&c, "mk-alloc", usage);
	while ((o = cli_getopt(&c, argc, argv, "+:i:f:o:qvhV", longs)) != -1)
		switch (o) {
		case 'i': in = optarg; break;
		case 'f': requests = optarg; break;
		case 'q': c.quiet = true; break;
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
	if (mk_place(&new, &batch, &err))
		cli_die(&c, &err);
	check(&c, &old.state, &new);
	mk_buf_init(&out, &c.arena);
	if (mk_encode_blob(&out, &new, &err))
		cli_die(&c, &err);
	return cli_finish(&c, &out, CLI_YES);
}
