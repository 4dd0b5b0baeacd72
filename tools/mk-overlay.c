/* SPDX-License-Identifier: Apache-2.0 */
/* mk-overlay: turns a delta into overlays for the kernel; folds and prints overlays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dialect.h"
#include "encode.h"
#include "fdt.h"
#include "invert.h"
#include "overlay.h"
#include "rules.h"

static const char usage[] =
	"mk-overlay [-qVvh] [-o FILE] [--abi 1|2] [--max-bytes N] [DELTA]\n"
	"       mk-overlay -a [-o FILE] BASE OVERLAY...\n"
	"       mk-overlay -r [-o FILE] BEFORE OVERLAY [AFTER]\n"
	"       mk-overlay -p [-j] [-o FILE] [OVERLAY...]\n"
	"  -a             fold: the state that BASE becomes by the overlays\n"
	"  -r             invert: overlays that undo OVERLAY, which was applied to BEFORE\n"
	"  -p             print overlays as records\n"
	"  -j             with -p: JSON Lines instead of records\n"
	"  --abi N        write for a kernel of ABI N (default: as the delta says)\n"
	"  --max-bytes N  the largest overlay that the kernel takes at once (4096)\n"
	"  -o FILE        write to FILE\n"
	"  -q             no warnings\n"
	"  -v             say why a pipe that was empty is an error\n"
	"  -h, -V         this help, the version\n"
	"DELTA and OVERLAY are standard input when they are missing or \"-\"; so is AFTER for \"-\".\n";

enum { OPT_ABI = 1000, OPT_MAX_BYTES };

static const struct mk_dts_options dts = {.dialect = &mk_dialect};

/* DELTA to overlays. */
static int make(struct cli *c, const char *path, uint32_t abi, size_t max_bytes)
{
	struct mk_file *src = mk_arena_alloc(&c->arena, sizeof(*src));
	struct mk_overlays overlays = {0};
	struct mk_delta d;
	struct mk_err err;
	struct mk_buf out;
	int rc;

	*src = cli_text(c, path);
	if (mk_fdt_is(src->text, src->len))
		cli_usage(c, "%s is a blob, not a delta: -p prints overlays, -a folds them",
			  src->name);
	mk_delta_init(&d, &c->arena);
	rc = mk_delta_read(&d, src, &err);
	if (!rc && !abi && !d.abi && d.n) {
		rc = mk_fail(&err, MK_BAD, "nothing says which kernel this is for");
		mk_hint(&err, "give --abi 1 or --abi 2; mk-diff writes it into the delta");
	}
	if (!rc)
		rc = mk_overlays_make(&overlays, &d, abi ? abi : d.abi, max_bytes, &err);
	if (!rc && overlays.lost_addresses)
		cli_warn(c, "the delta has addresses of memory: a kernel of ABI 2 takes the sizes "
			    "alone, "
			    "and places memory itself");
	mk_buf_init(&out, &c->arena);
	for (size_t i = 0; !rc && i < overlays.n; i++)
		rc = mk_fdt_write(&out, overlays.tree[i], 0, &err);
	if (rc)
		cli_die(c, &err);
	return cli_finish(c, &out, CLI_YES);
}

/* All overlays of a file, in order. */
static void each_overlay(struct cli *c, const char *path, const struct mk_state *s,
			 void (*fn)(struct cli *c, const struct mk_delta *d, void *arg), void *arg)
{
	struct mk_stream stream;
	struct mk_item *item;
	struct mk_err err;
	bool got;

	cli_stream(c, &stream, path, &dts);
	for (;;) {
		struct mk_delta d;

		item = mk_arena_alloc(&c->arena, sizeof(*item));
		if (mk_stream_next(&stream, &c->arena, item, &got, &err))
			cli_stream_die(c, &stream, &err);
		if (!got)
			break;
		if (!mk_is_overlay(&item->tree)) {
			mk_fail_at(&err, MK_BAD, item->tree.root->at, "this tree is no overlay");
			mk_hint(&err, "the state comes first, overlays follow; mk-diff says what "
				      "makes one state of another");
			cli_die(c, &err);
		}
		mk_delta_init(&d, &c->arena);
		if (mk_overlay_read(&d, &item->tree, s, &err))
			cli_die(c, &err);
		fn(c, &d, arg);
	}
	mk_stream_free(&stream);
}

struct folding {
	struct mk_fold f;
	char digest[17]; /* of the state before */
	bool begun;
};

static void fold_into(struct cli *c, const struct mk_delta *d, void *arg)
{
	struct folding *x = arg;
	struct mk_err err;

	/* the basis of a later one may be what those before it have made */
	if (!x->begun && d->digest[0] && strcmp(d->digest, x->digest) != 0)
		cli_warn(
			c,
			"the overlay was made for another state: its digest is %s, this one has %s",
			d->digest, x->digest);
	x->begun = true;
	if (mk_fold_apply(&x->f, d, &err))
		cli_die(c, &err);
}

static int fold(struct cli *c, char **path, int n)
{
	struct mk_loaded base;
	struct folding x = {.begun = false};
	struct mk_err err;
	struct mk_buf out;

	if (n < 2)
		cli_usage(c, "-a wants a state and overlays: mk-overlay -a BASE OVERLAY...");
	cli_load_machine(c, path[0], &base);
	mk_fold_init(&x.f, &base.state);
	x.f.strict = true;
	if (mk_digest(x.digest, &base.state, &err))
		cli_die(c, &err);
	for (int i = 1; i < n; i++)
		each_overlay(c, path[i], &base.state, fold_into, &x);
	mk_fold_end(&x.f);
	mk_buf_init(&out, &c->arena);
	if (mk_encode_blob(&out, &base.state, &err))
		cli_die(c, &err);
	return cli_finish(c, &out, CLI_YES);
}

struct undoing {
	struct mk_delta **done;
	size_t n, cap;
};

static void note_done(struct cli *c, const struct mk_delta *d, void *arg)
{
	struct undoing *x = arg;
	struct mk_delta *kept = mk_arena_alloc(&c->arena, sizeof(*kept));

	*kept = *d;
	x->done = mk_arena_more(&c->arena, (void *)x->done, x->n, &x->cap,
				sizeof(struct mk_delta *));
	x->done[x->n++] = kept;
}

/* What was undone must not be in the way of what others have got since. */
static void check_undone(struct cli *c, const struct mk_state *now, const struct mk_state *want)
{
	struct mk_known known;
	const struct mk_rules_options opts = {.known = &known, .before = now};
	struct mk_diags before, after;
	bool bad = false;

	mk_diags_init(&before, &c->arena);
	mk_diags_init(&after, &c->arena);
	mk_known_of(&known, now, &(struct mk_rules_options){0}, &before);
	mk_rules_run(want, &opts, &after);
	for (struct mk_diag *d = after.first; d; d = d->next) {
		if (d->severity == MK_ERROR && !mk_known_has(&known, d))
			bad = true;
		else
			d->severity = MK_NOTE; /* not printed */
	}
	if (!bad)
		return;
	cli_diags(c, &after);
	exit(CLI_NO);
}

/* What undoes must be possible where it is to be applied. */
static void check_way_back(struct cli *c, const struct mk_state *after,
			   const struct mk_overlays *overlays)
{
	struct mk_state s;
	struct mk_fold f;
	struct mk_delta d;
	struct mk_err err;

	if (!after)
		return;
	s = mk_state_copy(after);
	mk_fold_init(&f, &s);
	f.strict = true;
	for (size_t i = 0; i < overlays->n; i++) {
		mk_delta_init(&d, &c->arena);
		if (mk_overlay_read(&d, overlays->tree[i], &s, &err) ||
		    mk_fold_apply(&f, &d, &err)) {
			char text[MK_ERR_TEXT];

			snprintf(text, sizeof(text), "%.900s", err.text);
			mk_fail(&err, MK_NO, "this cannot be undone: %s", text);
			cli_die(c, &err);
		}
	}
}

static int invert(struct cli *c, char **path, int n, size_t max_bytes)
{
	struct mk_overlays overlays = {0};
	struct mk_loaded before, after;
	struct undoing x = {.n = 0};
	struct mk_state want;
	struct mk_delta d;
	struct mk_err err;
	struct mk_buf out;
	int rc;

	if (n < 2 || n > 3)
		cli_usage(c, "-r wants two states and what lies between them: mk-overlay -r BEFORE "
			     "OVERLAY [AFTER]");
	if (n == 3 && !strcmp(path[1], "-") && !strcmp(path[2], "-"))
		cli_usage(c, "only one of the two can be standard input");
	cli_load_machine(c, path[0], &before);
	each_overlay(c, path[1], &before.state, note_done, &x);
	if (n == 3)
		cli_load_machine(c, path[2], &after);
	mk_delta_init(&d, &c->arena);
	rc = mk_invert(&d, &before.state, x.done, x.n, n == 3 ? &after.state : NULL, &want, &err);
	if (!rc && n == 3)
		check_undone(c, &after.state, &want);
	if (!rc)
		rc = mk_overlays_make(&overlays, &d, d.abi, max_bytes, &err);
	if (rc)
		cli_die(c, &err);
	check_way_back(c, n == 3 ? &after.state : NULL, &overlays);
	if (overlays.lost_addresses)
		cli_warn(c, "memory that comes back is at another address: the kernel places it");
	mk_buf_init(&out, &c->arena);
	for (size_t i = 0; !rc && i < overlays.n; i++)
		rc = mk_fdt_write(&out, overlays.tree[i], 0, &err);
	if (rc)
		cli_die(c, &err);
	return cli_finish(c, &out, CLI_YES);
}

static void collect(struct cli *c, const struct mk_delta *d, void *arg)
{
	struct mk_delta *all = arg;

	if (d->abi && all->abi && d->abi != all->abi) {
		struct mk_err err;

		mk_fail(&err, MK_BAD, "overlays of both ABIs in one stream [MK905]");
		cli_die(c, &err);
	}
	all->abi = d->abi ? d->abi : all->abi;
	/* overlays of one delta say the same; of several, no state is the basis of all */
	if (!all->n || !strcmp(all->digest, d->digest))
		memcpy(all->digest, d->digest, sizeof(all->digest));
	else
		all->digest[0] = '\0';
	for (size_t i = 0; i < d->n; i++)
		*mk_delta_add(all, d->op[i].kind, d->op[i].subject) = d->op[i];
}

static int print(struct cli *c, char **path, int n, bool json)
{
	struct mk_delta all;
	struct mk_buf out;

	mk_delta_init(&all, &c->arena);
	if (!n)
		each_overlay(c, NULL, NULL, collect, &all);
	for (int i = 0; i < n; i++)
		each_overlay(c, path[i], NULL, collect, &all);
	mk_buf_init(&out, &c->arena);
	mk_delta_print(&out, &all);
	return cli_finish_records(c, &out, json);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"verbose", no_argument, NULL, 'v'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"apply", no_argument, NULL, 'a'},
					      {"print", no_argument, NULL, 'p'},
					      {"reverse", no_argument, NULL, 'r'},
					      {"json", no_argument, NULL, 'j'},
					      {"out", required_argument, NULL, 'o'},
					      {"abi", required_argument, NULL, OPT_ABI},
					      {"max-bytes", required_argument, NULL, OPT_MAX_BYTES},
					      {0}};
	size_t max_bytes = MK_OVERLAY_BYTES;
	bool folds = false, prints = false, inverts = false, json = false;
	uint32_t abi = 0;
	struct cli c;
	int o;

	cli_init(&c, "mk-overlay", usage);
	while ((o = cli_getopt(&c, argc, argv, ":aprjqo:vhV", longs)) != -1)
		switch (o) {
		case 'a': folds = true; break;
		case 'p': prints = true; break;
		case 'r': inverts = true; break;
		case 'j': json = true; break;
		case 'q': c.quiet = true; break;
		case OPT_ABI: abi = (uint32_t)cli_long_number(&c, "--abi", optarg, 1, 2); break;
		case OPT_MAX_BYTES:
			max_bytes = (size_t)cli_long_number(&c, "--max-bytes", optarg, 256,
							    MK_TREE_BYTES_MAX);
			break;
		}
	if (folds + prints + inverts > 1)
		cli_usage(&c, "-a, -p and -r do not go together");
	if (json && !prints)
		cli_usage(&c, "-j goes with -p: overlays are blobs");
	if (inverts)
		return invert(&c, argv + optind, argc - optind, max_bytes);
	if (folds)
		return fold(&c, argv + optind, argc - optind);
	if (prints)
		return print(&c, argv + optind, argc - optind, json);
	if (argc - optind > 1)
		cli_usage(&c, "one delta at a time: '%s' is too much", argv[optind + 1]);
	return make(&c, argv[optind], abi, max_bytes);
}
