/* SPDX-License-Identifier: Apache-2.0 */
/* ranges: interval sets and cpulists. */
#include "ranges.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"
#include "sort.h"

void mk_ranges_init(struct mk_ranges *s, struct mk_arena *a)
{
	*s = (struct mk_ranges){.arena = a};
}

void mk_ranges_add(struct mk_ranges *s, uint64_t first, uint64_t last)
{
	if (first > last)
		return;
	s->r = mk_arena_more(s->arena, s->r, s->n, &s->cap, sizeof(*s->r));
	s->r[s->n++] = (struct mk_range){first, last};
}

void mk_ranges_add_size(struct mk_ranges *s, uint64_t base, uint64_t size)
{
	if (size)
		mk_ranges_add(s, base,
			      size - 1 > UINT64_MAX - base ? UINT64_MAX : base + (size - 1));
}

static int by_first(const void *x, const void *y)
{
	const struct mk_range *a = x, *b = y;

	return a->first < b->first ? -1 : a->first > b->first;
}

void mk_ranges_join(struct mk_ranges *s)
{
	size_t n = 0;

	mk_sort(s->r, s->n, sizeof(*s->r), by_first);
	for (size_t i = 0; i < s->n; i++) {
		struct mk_range x = s->r[i];

		if (n && (s->r[n - 1].last == UINT64_MAX || x.first <= s->r[n - 1].last + 1)) {
			if (x.last > s->r[n - 1].last)
				s->r[n - 1].last = x.last;
		} else {
			s->r[n++] = x;
		}
	}
	s->n = n;
}

/* Index of the last interval that begins at or before x; n when there is none. */
static size_t find(const struct mk_ranges *s, uint64_t x)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->r[mid].first <= x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : s->n;
}

bool mk_ranges_has(const struct mk_ranges *s, uint64_t first, uint64_t last)
{
	size_t i = find(s, first);

	return i < s->n && s->r[i].last >= last;
}

bool mk_ranges_meets(const struct mk_ranges *s, uint64_t first, uint64_t last)
{
	size_t i = find(s, last);

	return i < s->n && s->r[i].last >= first;
}

uint64_t mk_ranges_count(const struct mk_ranges *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t n = s->r[i].last - s->r[i].first;

		if (n == UINT64_MAX || !mk_num_add(sum, n + 1, &sum))
			return UINT64_MAX;
	}
	return sum;
}

void mk_ranges_remove(struct mk_ranges *s, uint64_t first, uint64_t last)
{
	size_t from = find(s, first), to, keep = 0;
	struct mk_range rest[2];

	if (first > last)
		return;
	if (from == s->n || s->r[from].last < first)
		from = from == s->n ? 0 : from + 1;
	for (to = from; to < s->n && s->r[to].first <= last; to++)
		;
	if (to == from)
		return;
	if (s->r[from].first < first)
		rest[keep++] = (struct mk_range){s->r[from].first, first - 1};
	if (s->r[to - 1].last > last)
		rest[keep++] = (struct mk_range){last + 1, s->r[to - 1].last};
	if (keep > to - from) /* one interval becomes two: room for one more */
		s->r = mk_arena_more(s->arena, s->r, s->n, &s->cap, sizeof(*s->r));
	memmove(s->r + from + keep, s->r + to, (s->n - to) * sizeof(*s->r));
	memcpy(s->r + from, rest, keep * sizeof(*rest));
	s->n = s->n - (to - from) + keep;
}

void mk_ranges_minus(struct mk_ranges *out, const struct mk_ranges *a, const struct mk_ranges *b)
{
	size_t j = 0;

	for (size_t i = 0; i < a->n; i++) {
		uint64_t from = a->r[i].first, last = a->r[i].last;
		bool left = true;

		while (j < b->n && b->r[j].last < from)
			j++;
		for (size_t k = j; left && k < b->n && b->r[k].first <= last; k++) {
			if (b->r[k].first > from)
				mk_ranges_add(out, from, b->r[k].first - 1);
			if (b->r[k].last >= last)
				left = false;
			else
				from = b->r[k].last + 1;
		}
		if (left)
			mk_ranges_add(out, from, last);
	}
}

struct mk_range mk_ranges_largest(const struct mk_ranges *s)
{
	struct mk_range best = {1, 0};

	for (size_t i = 0; i < s->n; i++)
		if (best.first > best.last || s->r[i].last - s->r[i].first > best.last - best.first)
			best = s->r[i];
	return best;
}

void mk_ids_add(struct mk_arena *a, struct mk_ids *ids, uint64_t id)
{
	ids->id = mk_arena_more(a, ids->id, ids->n, &ids->cap, sizeof(*ids->id));
	ids->id[ids->n++] = id;
}

bool mk_ids_has(const struct mk_ids *ids, uint64_t id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (ids->id[i] == id)
			return true;
	return false;
}

void mk_ranges_add_ids(struct mk_ranges *r, const struct mk_ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		mk_ranges_add(r, ids->id[i], ids->id[i]);
}

struct mk_ranges mk_ranges_of(struct mk_arena *a, const struct mk_ids *ids)
{
	struct mk_ranges r = {.arena = a};

	mk_ranges_add_ids(&r, ids);
	mk_ranges_join(&r);
	return r;
}

static int by_id(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

struct mk_ids mk_ids_sorted(struct mk_arena *a, const struct mk_ids *ids)
{
	struct mk_ids out = {.n = ids->n, .cap = ids->n};

	out.id = mk_arena_array(a, ids->n, sizeof(*out.id));
	if (ids->n) {
		memcpy(out.id, ids->id, ids->n * sizeof(*out.id));
		mk_sort(out.id, out.n, sizeof(*out.id), by_id);
	}
	return out;
}

struct mk_ids mk_ids_unique(struct mk_arena *a, const struct mk_ids *ids)
{
	struct mk_ids sorted = mk_ids_sorted(a, ids), out = {0};
	bool *seen = mk_arena_array(a, ids->n, sizeof(*seen)); /* by place in sorted, the first */

	for (size_t i = 0; i < ids->n; i++) {
		size_t low = 0, high = sorted.n;

		while (low < high) {
			size_t mid = low + (high - low) / 2;

			if (sorted.id[mid] < ids->id[i])
				low = mid + 1;
			else
				high = mid;
		}
		if (!seen[low])
			mk_ids_add(a, &out, ids->id[i]);
		seen[low] = true;
	}
	return out;
}

/* One number up to any of the bytes in stop. */
static bool number(const char *s, size_t len, size_t *pos, const char *stop, uint64_t *v)
{
	size_t begin = *pos;

	while (*pos < len && !strchr(stop, s[*pos]))
		(*pos)++;
	return mk_num_u64(s + begin, *pos - begin, v);
}

bool mk_ids_parse(struct mk_arena *a, const char *s, size_t len, struct mk_ids *ids, size_t *bad_at)
{
	size_t pos = 0;

	*ids = (struct mk_ids){0};
	*bad_at = 0;
	if (!len)
		return true;
	for (;;) {
		uint64_t first, last, step = 1, group = 0;

		*bad_at = pos;
		if (!number(s, len, &pos, ",-", &first))
			return false;
		last = first;
		if (pos < len && s[pos] == '-') {
			pos++;
			if (!number(s, len, &pos, ",:", &last) || last < first)
				return false;
		}
		if (pos < len && s[pos] == ':') {
			pos++;
			if (!number(s, len, &pos, ",/", &step) || !step)
				return false;
		}
		if (pos < len && s[pos] == '/') { /* the kernel's first-last:used/group */
			pos++;
			if (!number(s, len, &pos, ",", &group) || group < step)
				return false;
		}
		for (uint64_t id = first;;) {
			if (ids->n >= MK_IDS_MAX)
				return false;
			mk_ids_add(a, ids, id);
			if (group) {
				uint64_t in = (id - first) % group + 1;
				uint64_t skip = in < step ? 1 : group - in + 1;

				if (last - id < skip)
					break;
				id += skip;
			} else {
				if (last - id < step)
					break;
				id += step;
			}
		}
		if (pos == len)
			return true;
		if (s[pos++] != ',')
			return false;
	}
}

void mk_ids_print(struct mk_buf *b, const struct mk_ids *ids)
{
	for (size_t i = 0; i < ids->n;) {
		size_t j = i;

		while (j + 1 < ids->n && ids->id[j] != UINT64_MAX &&
		       ids->id[j + 1] == ids->id[j] + 1)
			j++;
		if (i)
			mk_buf_char(b, ',');
		mk_buf_u64(b, ids->id[i]);
		if (j > i) {
			mk_buf_char(b, '-');
			mk_buf_u64(b, ids->id[j]);
		}
		i = j + 1;
	}
}

char *mk_ids_text(struct mk_arena *a, const struct mk_ids *ids)
{
	struct mk_buf b;

	mk_buf_init(&b, a);
	mk_ids_print(&b, ids);
	return mk_buf_cstr(&b);
}

char *mk_ids_brief(struct mk_arena *a, const struct mk_ids *ids, size_t max)
{
	struct mk_ids sorted = mk_ids_sorted(a, ids);
	char *text = mk_ids_text(a, &sorted);
	size_t commas = 0;

	for (char *p = text; *p; p++)
		if (*p == ',' && ++commas == max)
			return mk_arena_fmt(a, "%.*s,...", (int)(p - text), text);
	return text;
}
