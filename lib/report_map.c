/* SPDX-License-Identifier: Apache-2.0 */
/* report: the machine as a map, a letter an instance: CPUs by node, socket and core; memory to
 * scale. */
#include <limits.h>
#include <string.h>

#include "arena.h"
#include "num.h"
#include "report_int.h"
#include "sort.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

#define NOWHERE UINT32_MAX /* a node, socket or core that is not known */

enum {
	LETTERS = sizeof(letters) - 1,
	ROW_CPUS = 64,
	ROW_CELLS = 64, /* of the largest chunk */
	ROW_RANGES = 16,
};

/* What stands for a CPU or a cell of memory. */
enum { FREE = '.', HOST = '-', OTHERS = '+', SEVERAL = '!', IN_USE = '#', OUTSIDE = ' ' };

struct spot {
	uint64_t cpu;
	uint32_t node, socket, core; /* NOWHERE when not known */
	char is;
	size_t who; /* the instance, where a letter stands for one */
};

struct map {
	struct mk_buf *b;
	struct mk_arena *a;
	const struct mk_state *s;
	bool colour;
	struct spot *spot;
	size_t n, cap;
};

static char letter_of(size_t instance)
{
	return instance < LETTERS ? letters[instance] : OTHERS;
}

/* Colours go round, so that neighbours differ. */
static void put(struct map *m, char c)
{
	const char *at = memchr(letters, c, LETTERS);

	if (m->colour && at)
		mk_buf_fmt(m->b, "\033[1;%dm%c\033[0m", 31 + (int)((at - letters) % 6), c);
	else if (m->colour && c == SEVERAL)
		mk_buf_str(m->b, "\033[1;7;31m!\033[0m");
	else
		mk_buf_char(m->b, c);
}

/* ------------------------------------------------------------ CPUs */

static void add_spots(struct map *m, const struct mk_ids *ids, char is, size_t who)
{
	for (size_t i = 0; i < ids->n; i++) {
		m->spot = mk_arena_more(m->a, m->spot, m->n, &m->cap, sizeof(*m->spot));
		m->spot[m->n++] = (struct spot){ids->id[i], NOWHERE, NOWHERE, NOWHERE, is, who};
	}
}

static int by_cpu(const void *x, const void *y)
{
	const struct spot *a = x, *b = y;

	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return (a->is > b->is) - (a->is < b->is);
}

static int by_place(const void *x, const void *y)
{
	const struct spot *a = x, *b = y;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->socket != b->socket)
		return a->socket < b->socket ? -1 : 1;
	if (a->core != b->core)
		return a->core < b->core ? -1 : 1;
	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

static bool has_it(char c)
{
	return c == OTHERS || c == HOST || memchr(letters, c, LETTERS);
}

/* Each CPU once: who has it beats where it could be taken from. */
static void join_spots(struct map *m)
{
	size_t n = 0;

	mk_sort(m->spot, m->n, sizeof(*m->spot), by_cpu);
	for (size_t i = 0; i < m->n; i++) {
		struct spot *last = n ? &m->spot[n - 1] : NULL;
		char is = m->spot[i].is;

		if (!last || last->cpu != m->spot[i].cpu) {
			m->spot[n++] = m->spot[i];
			continue;
		}
		if (has_it(is) && has_it(last->is))
			last->is = is == last->is && m->spot[i].who == last->who ? is : SEVERAL;
		else if (last->is != SEVERAL && (has_it(is) || last->is == OUTSIDE)) {
			last->is = is;
			last->who = m->spot[i].who;
		}
	}
	m->n = n;
}

static struct spot *spot_of(struct map *m, uint64_t cpu)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->spot[mid].cpu < cpu)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && m->spot[low].cpu == cpu ? &m->spot[low] : NULL;
}

static void place_spots(struct map *m)
{
	const struct mk_state *s = m->s;

	for (size_t i = 0; i < s->n_numa; i++)
		for (size_t k = 0; k < s->numa[i].cpus.ids.n; k++) {
			struct spot *x = spot_of(m, s->numa[i].cpus.ids.id[k]);

			if (x && x->node == NOWHERE)
				x->node = s->numa[i].id;
		}
	for (size_t i = 0; i < s->n_cores; i++)
		for (size_t k = 0; k < s->core[i].cpus.ids.n; k++) {
			struct spot *x = spot_of(m, s->core[i].cpus.ids.id[k]);

			if (!x || x->core != NOWHERE)
				continue;
			x->core = s->core[i].id;
			x->socket = s->core[i].has_socket ? s->core[i].socket : NOWHERE;
		}
	mk_sort(m->spot, m->n, sizeof(*m->spot), by_place);
}

/* CPUs of a row stand in groups: by core where cores are known, else eight at a time. */
static void cpu_row(struct map *m, size_t from, size_t to)
{
	const struct spot *x = m->spot;
	struct mk_ids ids = {0};

	for (size_t i = from; i < to; i++)
		mk_ids_add(m->a, &ids, x[i].cpu);
	if (x[from].node != NOWHERE)
		mk_buf_fmt(m->b, "  node %-3u ", x[from].node);
	else
		mk_buf_str(m->b, "  ");
	for (size_t i = from; i < to; i++) {
		if (i > from && x[i].socket != x[i - 1].socket && x[i].socket != NOWHERE)
			mk_buf_str(m->b, " | ");
		else if (i > from && (x[i].core != x[i - 1].core ||
				      (x[i].core == NOWHERE && (i - from) % 8 == 0)))
			mk_buf_char(m->b, ' ');
		put(m, x[i].is);
	}
	mk_buf_fmt(m->b, "   %s\n", mk_ids_brief(m->a, &ids, ROW_RANGES));
}

static void cpus(struct map *m)
{
	const struct mk_state *s = m->s;
	size_t from = 0;

	for (size_t i = 0; i < s->n_numa; i++)
		add_spots(m, &s->numa[i].cpus.ids, OUTSIDE, 0);
	add_spots(m, &s->host_cpus.ids, HOST, 0);
	add_spots(m, &s->pool.ids, FREE, 0);
	for (size_t i = 0; i < s->n_instances; i++)
		add_spots(m, &s->instance[i].cpus.ids, letter_of(i), i);
	join_spots(m);
	place_spots(m);
	mk_buf_str(m->b, "CPUs\n");
	for (size_t i = 1; i <= m->n; i++)
		if (i == m->n || m->spot[i].node != m->spot[from].node || i - from == ROW_CPUS) {
			cpu_row(m, from, i);
			from = i;
		}
}

/* ------------------------------------------------------------ memory */

struct piece {
	uint64_t first, last;
	char is;
	size_t who;
};

static struct piece *pieces(struct map *m, size_t *n)
{
	const struct mk_state *s = m->s;
	struct piece *p = NULL;
	size_t cap = 0;

	*n = 0;
	for (size_t i = 0; i <= s->n_instances; i++) {
		const struct mk_mems *list = i < s->n_instances ? &s->instance[i].mem : &s->in_use;

		for (size_t k = 0; k < list->n; k++) {
			const struct mk_mem *x = &list->m[k];

			if (!x->placed || !x->size || x->size - 1 > UINT64_MAX - x->base)
				continue;
			p = mk_arena_more(m->a, p, *n, &cap, sizeof(*p));
			p[(*n)++] = (struct piece){x->base, x->base + (x->size - 1),
						   i < s->n_instances ? letter_of(i) : IN_USE, i};
		}
	}
	return p;
}

/* Where something begins or ends. */
struct edge {
	uint64_t at; /* the first byte that it concerns */
	size_t piece;
	bool ends;
};

static int by_edge(const void *x, const void *y)
{
	const struct edge *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->ends != b->ends)
		return a->ends ? -1 : 1;
	return a->piece < b->piece ? -1 : a->piece > b->piece;
}

/* The same pieces without overlaps: what two have is SEVERAL's. They rise. */
static struct piece *flat(struct map *m, const struct piece *p, size_t n, size_t *n_flat)
{
	struct edge *e = mk_arena_array(m->a, 2 * n, sizeof(*e));
	struct piece *out = NULL;
	size_t edges = 0, cap = 0, open = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		e[edges++] = (struct edge){p[i].first, i, false};
		if (p[i].last != UINT64_MAX)
			e[edges++] = (struct edge){p[i].last + 1, i, true};
	}
	mk_sort(e, edges, sizeof(*e), by_edge);
	*n_flat = 0;
	for (size_t i = 0; i < edges; i++) {
		uint64_t last = i + 1 < edges ? e[i + 1].at - 1 : UINT64_MAX;

		open += e[i].ends ? (size_t)-1 : 1;
		sum += e[i].ends ? -e[i].piece : e[i].piece; /* of one, it is that one */
		if (!open || (i + 1 < edges && e[i + 1].at == e[i].at))
			continue;
		out = mk_arena_more(m->a, out, *n_flat, &cap, sizeof(*out));
		out[*n_flat] = (struct piece){e[i].at, last, SEVERAL, 0};
		if (open == 1) {
			out[*n_flat].is = p[sum].is;
			out[*n_flat].who = p[sum].who;
		}
		++*n_flat;
	}
	return out;
}

/* What most of a cell is. */
static char cell(const struct piece *p, size_t n, uint64_t first, uint64_t last)
{
	uint64_t sum[UCHAR_MAX + 1] = {0}, most = 0, taken = 0;
	size_t low = 0, high = n;
	char is = FREE;

	while (low < high) { /* the first that does not end before it */
		size_t mid = low + (high - low) / 2;

		if (p[mid].last < first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < n && p[low].first <= last; low++) {
		uint64_t a = p[low].first > first ? p[low].first : first;
		uint64_t b = p[low].last < last ? p[low].last : last, *mine;

		if (p[low].is == SEVERAL)
			return SEVERAL;
		mine = &sum[(unsigned char)p[low].is];
		*mine += b - a + 1;
		taken += b - a + 1;
		if (*mine > most) {
			most = *mine;
			is = p[low].is;
		}
	}
	return taken < last - first + 1 && last - first + 1 - taken > most ? FREE : is;
}

static void memory(struct map *m)
{
	const struct mk_state *s = m->s;
	uint64_t largest = 0, unplaced = 0;
	struct piece *p;
	size_t n;

	for (size_t i = 0; i < s->chunks.n; i++)
		if (s->chunks.m[i].placed && s->chunks.m[i].size > largest)
			largest = s->chunks.m[i].size;
	if (!largest)
		return;
	p = pieces(m, &n);
	p = flat(m, p, n, &n);
	mk_buf_fmt(m->b, "\nMemory, %s a letter\n",
		   mk_num_size_text(m->a, largest / ROW_CELLS ? largest / ROW_CELLS : 1));
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *c = &s->chunks.m[i];
		uint64_t each = largest / ROW_CELLS ? largest / ROW_CELLS : 1;
		size_t cells = (size_t)(c->size / each);

		if (!c->placed || !c->size || c->size - 1 > UINT64_MAX - c->base)
			continue;
		cells = cells ? cells : 1;
		if (c->node != MK_NODE_ANY)
			mk_buf_fmt(m->b, "  node %-3u ", c->node);
		else
			mk_buf_str(m->b, "  ");
		for (size_t k = 0; k < cells; k++) {
			uint64_t first = c->base + k * each;
			uint64_t last =
				k + 1 == cells ? c->base + (c->size - 1) : first + (each - 1);

			put(m, cell(p, n, first, last));
		}
		mk_buf_fmt(m->b, "   %s\n", mk_mem_text(m->a, c));
	}
	for (size_t i = 0; i < s->n_instances; i++)
		for (size_t k = 0; k < s->instance[i].mem.n; k++)
			if (!s->instance[i].mem.m[k].placed)
				unplaced = mk_num_plus(unplaced, s->instance[i].mem.m[k].size);
	if (unplaced)
		mk_buf_fmt(m->b, "  and %s without an address, which the kernel places: not drawn\n",
			   mk_num_size_text(m->a, unplaced));
}

static void legend(struct map *m)
{
	const struct mk_state *s = m->s;
	size_t shown = s->n_instances < LETTERS ? s->n_instances : LETTERS;

	mk_buf_str(m->b, "\n  ");
	for (size_t i = 0; i < shown; i++) {
		put(m, letter_of(i));
		mk_buf_fmt(m->b, " %s%s", mk_report_safe(m->a, s->instance[i].name),
			   i + 1 < shown ? (i % 6 == 5 ? ",\n  " : ", ") : "\n");
	}
	if (shown < s->n_instances)
		mk_buf_fmt(m->b, "  %c %zu more instance%s\n", OTHERS, s->n_instances - shown,
			   s->n_instances - shown == 1 ? "" : "s");
	mk_buf_fmt(m->b, "%s%c free, %c the host's, %c several have it\n",
		   s->n_instances ? "  " : "", FREE, HOST, SEVERAL);
}

void mk_report_map(struct mk_buf *b, const struct mk_state *s, bool colour)
{
	struct map m = {.b = b, .a = s->arena, .s = s, .colour = colour};

	if (!s->has_machine) {
		mk_buf_str(b, "Machine: not known (seen by one instance)\n");
		return;
	}
	cpus(&m);
	memory(&m);
	legend(&m);
}
