/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exact: small machines and batches, placed by mk_place and by trying every
 * placement there is. What is called impossible must be so, what is possible
 * must be found, and the order of the batch must not matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "batch.h"
#include "encode.h"
#include "place.h"
#include "rules.h"
#include "tap.h"

enum { CASES = 30000, NODES = 3, UNITS = 12, REQUESTS = 4 };

#define UNIT	1048576ULL
#define BOTTOM	0x40000000ULL

static struct mk_arena a;
static unsigned long long seed;

static unsigned below(unsigned n)
{
	return (unsigned)(tap_random(&seed) % n);
}

/* A machine, small enough to be looked at as a whole. */
struct small {
	unsigned abi, nodes;
	unsigned cpus[NODES];	/* in the pool, by node */
	int node_of[UNITS + 1]; /* of a unit of memory; -1: not in the pool */
};

struct wish {
	unsigned cpus, units;
	unsigned nodes; /* a bit a node; 0: any */
	int at;		/* memory=SIZE@NODE, or -1 */
	bool local;
};

static void draw(struct small *m)
{
	unsigned unit = 0;

	*m = (struct small){.abi = 1 + below(2), .nodes = 1 + below(NODES)};
	for (unsigned i = 0; i <= UNITS; i++)
		m->node_of[i] = -1;
	for (unsigned n = 0; n < m->nodes; n++) {
		m->cpus[n] = below(6);
		for (unsigned k = 1 + below(2); k; k--) { /* chunks */
			for (unsigned size = 1 + below(4); size && unit < UNITS; size--)
				m->node_of[unit++] = (int)n;
			unit += below(3) > 0;
		}
	}
}

static void build(const struct small *m, struct mk_state *s)
{
	uint64_t cpu = 1;

	mk_state_init(s, &a);
	s->abi = m->abi;
	s->abi_known = s->has_machine = s->has_instances = s->pool.known = true;
	s->dialect = MK_DIALECT_STATE;
	for (unsigned n = 0; n < m->nodes; n++) {
		struct mk_numa *x;

		s->numa = mk_arena_more(&a, s->numa, s->n_numa, &s->numa_cap, sizeof(*s->numa));
		x = &s->numa[s->n_numa++];
		*x = (struct mk_numa){.id = n};
		for (unsigned k = 0; k < m->nodes; k++)
			mk_ids_add(&a, &x->distance, k == n ? 10 : 20 + (k > n ? k - n : n - k));
		for (unsigned k = 0; k < m->cpus[n]; k++, cpu++) {
			mk_ids_add(&a, &x->cpus.ids, cpu);
			mk_ids_add(&a, &s->pool.ids, cpu);
		}
		x->cpus.known = true;
	}
	for (unsigned i = 0; i < UNITS; i++) {
		unsigned from = i;

		if (m->node_of[i] < 0)
			continue;
		while (i + 1 < UNITS && m->node_of[i + 1] == m->node_of[from])
			i++;
		mk_mem_add(&a, &s->chunks,
			   (struct mk_mem){.base = BOTTOM + from * UNIT,
					   .size = (i - from + 1) * UNIT,
					   .placed = true,
					   .node = (uint32_t)m->node_of[from]});
	}
	mk_state_index(s);
}

static const char *draw_requests(const struct small *m, struct wish *w, unsigned *n, char **shuffled)
{
	char *line[REQUESTS];
	struct mk_buf b, c;

	*n = 2 + below(REQUESTS - 1);
	for (unsigned i = 0; i < *n; i++) {
		const char *nodes = "", *policy = "", *at = "";

		w[i] = (struct wish){.cpus = 1 + below(3), .units = 1 + below(3), .at = -1};
		if (!below(3))
			w[i].nodes = 1 + below((1u << m->nodes) - 1);
		w[i].local = !below(4);
		if (!w[i].local && !below(4))
			w[i].at = (int)below(m->nodes);
		if (w[i].nodes) {
			struct mk_ids ids = {0};

			for (unsigned k = 0; k < m->nodes; k++)
				if (w[i].nodes >> k & 1)
					mk_ids_add(&a, &ids, k);
			nodes = mk_arena_fmt(&a, " numa-nodes=%s", mk_ids_text(&a, &ids));
		}
		if (w[i].local)
			policy = " memory-policy=local";
		if (w[i].at >= 0)
			at = mk_arena_fmt(&a, "@%d", w[i].at);
		line[i] = mk_arena_fmt(&a, "create i%u cpu-count=%u memory=%uM%s%s%s\n", i, w[i].cpus,
				       w[i].units, at, nodes, policy);
	}
	mk_buf_init(&b, &a);
	mk_buf_init(&c, &a);
	for (unsigned i = 0; i < *n; i++) {
		mk_buf_str(&b, line[i]);
		mk_buf_str(&c, line[*n - 1 - i]);
	}
	*shuffled = mk_buf_cstr(&c);
	return mk_buf_cstr(&b);
}

/* ------------------------------------------------------------ trying all */

struct left {
	const struct small *m;
	const struct wish *w;
	unsigned n;
	unsigned cpus[NODES];
	bool used[UNITS];	/* ABI 1 */
	unsigned bytes[NODES];	/* ABI 2 */
};

static bool try_request(struct left *l, unsigned i);

static bool node_ok(const struct wish *w, int node)
{
	return w->at >= 0 ? node == w->at : !w->nodes || (node >= 0 && w->nodes >> node & 1);
}

static bool try_memory(struct left *l, unsigned i, const unsigned *took)
{
	const struct wish *w = &l->w[i];

	if (l->m->abi == 2) {
		for (unsigned n = 0; n < l->m->nodes; n++) {
			bool done;

			if (!node_ok(w, (int)n) || l->bytes[n] < w->units || (w->local && !took[n]))
				continue;
			l->bytes[n] -= w->units;
			done = try_request(l, i + 1);
			l->bytes[n] += w->units;
			if (done)
				return true;
		}
		return false;
	}
	for (unsigned from = 0; from + w->units <= UNITS; from++) {
		bool fits = true, done;

		for (unsigned k = from; k < from + w->units; k++) {
			int node = l->m->node_of[k];

			fits = fits && node >= 0 && !l->used[k] && node_ok(w, node) &&
			       (!w->local || took[node]);
			/* only what has no wish may lie on two nodes */
			if (w->local || w->nodes)
				fits = fits && node == l->m->node_of[from];
		}
		if (!fits)
			continue;
		for (unsigned k = from; k < from + w->units; k++)
			l->used[k] = true;
		done = try_request(l, i + 1);
		for (unsigned k = from; k < from + w->units; k++)
			l->used[k] = false;
		if (done)
			return true;
	}
	return false;
}

static bool try_cpus(struct left *l, unsigned i, unsigned node, unsigned want, unsigned *took)
{
	unsigned most;

	if (node == l->m->nodes)
		return !want && try_memory(l, i, took);
	most = l->w[i].nodes && !(l->w[i].nodes >> node & 1) ? 0 : l->cpus[node];
	for (unsigned k = 0; k <= most && k <= want; k++) {
		bool done;

		l->cpus[node] -= k;
		took[node] = k;
		done = try_cpus(l, i, node + 1, want - k, took);
		l->cpus[node] += k;
		took[node] = 0;
		if (done)
			return true;
	}
	return false;
}

static bool try_request(struct left *l, unsigned i)
{
	unsigned took[NODES] = {0};

	return i == l->n || try_cpus(l, i, 0, l->w[i].cpus, took);
}

static bool possible(const struct small *m, const struct wish *w, unsigned n)
{
	struct left l = {.m = m, .w = w, .n = n};

	memcpy(l.cpus, m->cpus, sizeof(l.cpus));
	for (unsigned i = 0; i < UNITS; i++)
		if (m->node_of[i] >= 0)
			l.bytes[m->node_of[i]]++;
	return try_request(&l, 0);
}

/* ------------------------------------------------------------ both */

static int place(struct mk_state *s, const char *text, struct mk_err *err)
{
	const struct mk_place_options opts = {.steps = MK_PLACE_STEPS};
	struct mk_batch batch;

	if (batch_of(&a, text, &batch, err))
		abort();
	return mk_place(s, &batch, &opts, err);
}

static size_t errors(const struct mk_state *s)
{
	const struct mk_rules_options opts = {0};
	struct mk_diags d;

	mk_diags_init(&d, &a);
	mk_rules_run(s, &opts, &d);
	for (const struct mk_diag *x = d.first; x; x = x->next)
		if (x->severity == MK_ERROR && strcmp(x->rule, "MK102") && strcmp(x->rule, "MK106"))
			return 1;
	return 0;
}

static void show(const struct small *m, const char *text, const char *what)
{
	static unsigned shown;
	struct mk_buf b;

	if (shown++ > 4)
		return;
	mk_buf_init(&b, &a);
	for (unsigned i = 0; i < UNITS; i++)
		mk_buf_char(&b, m->node_of[i] < 0 ? '-' : (char)('0' + m->node_of[i]));
	tap_note("%s: ABI %u, CPUs %u %u %u, memory %s, requests %s", what, m->abi, m->cpus[0],
		 m->cpus[1], m->cpus[2], mk_buf_cstr(&b), text);
}

int main(void)
{
	unsigned placed = 0, refused = 0, open = 0, wrong_yes = 0, wrong_no = 0, invalid = 0,
		 unordered = 0;

	mk_arena_init(&a, NULL);
	seed = 20261121;
	for (unsigned i = 0; i < CASES; i++) {
		struct wish w[REQUESTS];
		struct small m;
		struct mk_state s, t;
		struct mk_err err = {0}, other = {0};
		char *shuffled, digest[2][17];
		const char *text;
		unsigned n;
		bool can;
		int rc;

		draw(&m);
		build(&m, &s);
		build(&m, &t);
		text = draw_requests(&m, w, &n, &shuffled);
		can = possible(&m, w, n);
		rc = place(&s, text, &err);
		placed += rc == MK_OK;
		refused += rc == MK_NO;
		open += rc == MK_BAD;
		if (rc == MK_OK && !can) {
			wrong_yes++;
			show(&m, text, "placed, and impossible");
		}
		if (rc == MK_NO && can) {
			wrong_no++;
			show(&m, text, err.text);
		}
		if (rc == MK_OK && errors(&s)) {
			invalid++;
			show(&m, text, "not valid");
		}
		if (place(&t, shuffled, &other) != rc || strcmp(err.hint, other.hint) != 0 ||
		    (rc == MK_OK &&
		     (mk_digest(digest[0], &s, &err) || mk_digest(digest[1], &t, &err) ||
		      strcmp(digest[0], digest[1]) != 0))) {
			unordered++;
			show(&m, text, "another order");
		}
		mk_arena_reset(&a);
	}
	tap(placed > CASES / 10 && refused > CASES / 10, "%u batches placed, %u refused", placed,
	    refused);
	tap(!wrong_yes, "what is placed is possible (%u are not)", wrong_yes);
	tap(!wrong_no, "what is called impossible is so (%u are not)", wrong_no);
	tap(!invalid, "what is placed is valid (%u are not)", invalid);
	tap(!unordered, "the order of a batch does not matter (%u times it did)", unordered);
	tap(open < CASES / 50, "few batches stay open (%u do)", open);
	mk_arena_free(&a);
	return tap_end();
}
