/* SPDX-License-Identifier: Apache-2.0 */
/* base: tables and random checks of floor 0: num, ranges, record. */
#include <string.h>

#include "arena.h"
#include "json.h"
#include "num.h"
#include "ranges.h"
#include "record.h"
#include "rules.h"
#include "tap.h"
#include "utf8.h"

static struct mk_arena a;

static void numbers(void)
{
	static const struct {
		const char *text;
		bool ok;
		unsigned long long v;
	} t[] = {{"0", true, 0},
		 {"42", true, 42},
		 {"0x2a", true, 42},
		 {"0XFF", true, 255},
		 {"18446744073709551615", true, UINT64_MAX},
		 {"18446744073709551616", false, 0},
		 {"0xffffffffffffffff", true, UINT64_MAX},
		 {"0x10000000000000000", false, 0},
		 {"", false, 0},
		 {"0x", false, 0},
		 {"-1", false, 0},
		 {"+1", false, 0},
		 {" 1", false, 0},
		 {"1 ", false, 0},
		 {"12a", false, 0},
		 {"0b1", false, 0},
		 {"1e3", false, 0}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 7;
		bool ok = mk_num_u64(t[i].text, strlen(t[i].text), &v);

		tap(ok == t[i].ok && (!ok || v == t[i].v), "number '%s'", t[i].text);
	}
}

static void sizes(void)
{
	static const struct {
		const char *text;
		bool ok;
		unsigned long long v;
	} t[] = {{"2G", true, 2ULL << 30},
		 {"2GB", true, 2ULL << 30},
		 {"2GiB", true, 2ULL << 30},
		 {"2gb", true, 2ULL << 30},
		 {"512M", true, 512ULL << 20},
		 {"0x80000000", true, 0x80000000},
		 {"4096", true, 4096},
		 {"4096B", true, 4096},
		 {"0x1B", true, 0x1b},
		 {"1K", true, 1024},
		 {"3T", true, 3ULL << 40},
		 {"1P", true, 1ULL << 50},
		 {"16777216P", false, 0},
		 {"G", false, 0},
		 {"2GG", false, 0},
		 {"2iB", false, 0},
		 {"B", false, 0},
		 {"2 G", false, 0},
		 {"2.5G", false, 0},
		 {"0x2G", true, 2ULL << 30}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 7;
		bool ok = mk_num_size(t[i].text, strlen(t[i].text), &v);

		tap(ok == t[i].ok && (!ok || v == t[i].v), "size '%s'", t[i].text);
	}
	tap(!strcmp(mk_num_size_text(&a, 14ULL << 30), "14GB"), "14GB is printed as such");
	tap(!strcmp(mk_num_size_text(&a, 1536ULL << 20), "1536MB"), "1.5GB is printed exactly");
	tap(!strcmp(mk_num_size_text(&a, 1000), "1000 bytes"), "odd sizes are printed in bytes");
	tap(!strcmp(mk_num_size_text(&a, 0), "0 bytes"), "0 is 0 bytes");
}

static void lists(void)
{
	static const struct {
		const char *text, *again;
	} good[] = {{"4-7", "4-7"},
		    {"4-7,10,12-20:2", "4-7,10,12,14,16,18,20"},
		    {"9,3,7", "9,3,7"},
		    {"5,4", "5,4"},
		    {"1,2,3,7", "1-3,7"},
		    {"", ""},
		    {"0-7:2/4", "0-1,4-5"},
		    {"18446744073709551614-18446744073709551615",
		     "18446744073709551614-18446744073709551615"}};
	static const char *const bad[] = {
		"a",	   "4-", "-4",	  "7-4",   "4,,5",
		",4",	   "4,", "1-2-3", "1-9:0", "0-18446744073709551615",
		"1-4:3/2", "4 5"};
	struct mk_ids ids;
	size_t at;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bool ok = mk_ids_parse(&a, good[i].text, strlen(good[i].text), &ids, &at);

		tap(ok && !strcmp(mk_ids_text(&a, &ids), good[i].again), "list '%s'", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap(!mk_ids_parse(&a, bad[i], strlen(bad[i]), &ids, &at), "no list '%s'", bad[i]);
}

/* Sets of small numbers against a table of booleans. */
enum { SMALL = 64 };

static void random_set(unsigned long long *seed, struct mk_ranges *r, bool *table)
{
	memset(table, 0, SMALL);
	mk_ranges_init(r, &a);
	for (unsigned long long n = tap_random(seed) % 8; n; n--) {
		uint64_t first = tap_random(seed) % SMALL, last = first + tap_random(seed) % 12;

		last = last < SMALL ? last : SMALL - 1;
		mk_ranges_add(r, first, last);
		for (uint64_t i = first; i <= last; i++)
			table[i] = true;
	}
	mk_ranges_join(r);
}

static bool same(const struct mk_ranges *r, const bool *table)
{
	for (uint64_t i = 0; i < SMALL; i++)
		if (mk_ranges_has(r, i, i) != table[i])
			return false;
	for (size_t i = 1; i < r->n; i++)
		if (r->r[i].first <= r->r[i - 1].last + 1)
			return false; /* not joined */
	return true;
}

static void sets(void)
{
	unsigned long long seed = 42;
	size_t bad_join = 0, bad_minus = 0, bad_has = 0, bad_remove = 0;

	for (int round = 0; round < 20000; round++) {
		bool x[SMALL], y[SMALL], z[SMALL];
		struct mk_ranges p, q, r;
		uint64_t first = tap_random(&seed) % SMALL, last = first + tap_random(&seed) % 16;
		bool all = true, any = false;

		random_set(&seed, &p, x);
		random_set(&seed, &q, y);
		mk_ranges_init(&r, &a);
		mk_ranges_minus(&r, &p, &q);
		for (int i = 0; i < SMALL; i++)
			z[i] = x[i] && !y[i];
		bad_join += !same(&p, x);
		bad_minus += !same(&r, z);
		last = last < SMALL ? last : SMALL - 1;
		for (uint64_t i = first; i <= last; i++) {
			all = all && x[i];
			any = any || x[i];
		}
		bad_has += mk_ranges_has(&p, first, last) != all ||
			   mk_ranges_meets(&p, first, last) != any;
		mk_ranges_remove(&p, first, last);
		for (uint64_t i = first; i <= last; i++)
			x[i] = false;
		bad_remove += !same(&p, x);
		mk_arena_reset(&a);
	}
	tap(!bad_join, "20000 random sets are what was put into them");
	tap(!bad_minus, "20000 random differences");
	tap(!bad_has, "20000 random questions of containment");
	tap(!bad_remove, "20000 random removals");
}

static void ends(void)
{
	struct mk_ranges all, one, left;

	mk_ranges_init(&all, &a);
	mk_ranges_init(&one, &a);
	mk_ranges_init(&left, &a);
	mk_ranges_add(&all, 0, UINT64_MAX);
	mk_ranges_add(&all, 5, 6);
	mk_ranges_join(&all);
	mk_ranges_remove(&all, 0, 4095);
	mk_ranges_remove(&all, UINT64_MAX - 4095, UINT64_MAX);
	tap(all.n == 1 && all.r[0].first == 4096 && all.r[0].last == UINT64_MAX - 4096,
	    "both ends of all numbers can be taken away");
	mk_ranges_add(&all, 0, UINT64_MAX);
	mk_ranges_join(&all);
	mk_ranges_add_size(&one, UINT64_MAX - 4095, 4096);
	mk_ranges_join(&one);
	mk_ranges_minus(&left, &all, &one);
	tap(all.n == 1 && mk_ranges_count(&all) == UINT64_MAX, "all numbers: the count saturates");
	tap(one.n == 1 && one.r[0].last == UINT64_MAX, "a range can end at the last number");
	tap(left.n == 1 && left.r[0].last == UINT64_MAX - 4096, "a difference at the last number");
}

static int parse(const char *text, struct mk_record *rec, struct mk_err *err)
{
	struct mk_file f = {.name = "t", .text = text, .len = strlen(text)};
	struct mk_record_reader r;
	bool got;
	int rc;

	mk_record_open(&r, &f);
	rc = mk_record_next(&r, &a, rec, &got, err);
	if (!rc && !got)
		rc = 1;
	if (rc == 0) { /* the rest must be well-formed, too */
		struct mk_record more;

		while (!(rc = mk_record_next(&r, &a, &more, &got, err)) && got)
			;
	}
	return rc;
}

static void records(void)
{
	static const char *const bad[] = {"web\n",
					  "Create web\n",
					  "create web cpus\n",
					  "create web a=1 a=2\n",
					  "create web a=%zz\n",
					  "create web a=%0\n",
					  "create web a=%00\n",
					  "create %4 a=1\n",
					  "#mk 1\ncreate web a=1\n",
					  "#mk 2\n",
					  "create web =1\n",
					  "create web A=1\n"};
	static const char *const names[] = {"plain",
					    "with space",
					    "new\nline",
					    "@pool",
					    "tx_3",
					    "-",
					    "a,b",
					    "100%",
					    "\x1b[2J",
					    "caf\xc3\xa9",
					    "bad\xff\xfeutf8",
					    "\xc2\x85nel",
					    "\x7f"};
	struct mk_record rec;
	struct mk_err err;

	tap(!parse("create web cpus=4-7 memory=2G\n", &rec, &err) && !strcmp(rec.verb, "create") &&
		    !strcmp(rec.subject, "web") && rec.n == 2 && !rec.special,
	    "a record is read");
	tap(!parse("  cpu-add @pool cpus=4\r\n", &rec, &err) && rec.special, "@pool is special");
	tap(!parse("delete %40pool\n", &rec, &err) && !rec.special && !strcmp(rec.subject, "@pool"),
	    "an instance called @pool is not the pool");
	tap(parse("# nothing\n\n", &rec, &err) == 1, "comments and blank lines are no records");
	tap(!parse("#mk 1\ndelete a\n#end 1\n", &rec, &err), "a whole stream");
	tap(!parse("#mk 1\ndelete a\n#end 1\n#mk 1\n#end 0\n", &rec, &err),
	    "two streams, concatenated");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap(parse(bad[i], &rec, &err) == MK_BAD && err.text[0], "refused: %.20s",
		    strtok(mk_arena_str(&a, bad[i]), "\n"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mk_record_writer w;
		const struct mk_pair *p;
		struct mk_buf b;

		mk_buf_init(&b, &a);
		mk_record_begin_stream(&w, &b);
		mk_record_begin(&w, "delete", names[i], false);
		mk_record_str(&w, "what", names[i]);
		mk_record_end(&w);
		mk_record_end_stream(&w);
		if (!tap(!parse(mk_buf_cstr(&b), &rec, &err) && !strcmp(rec.subject, names[i]) &&
				 !rec.special && (p = mk_record_get(&rec, "what")) &&
				 !strcmp(mk_record_text(&a, p), names[i]),
			 "name %zu survives as subject and value", i))
			tap_note("%s", err.text);
	}
}

static void utf8(void)
{
	static const struct {
		const char *s;
		size_t n;
	} t[] = {{"a", 1},	  {"\xc3\xa9", 2},     {"\xe2\x82\xac", 3}, {"\xf0\x9f\x98\x80", 4},
		 {"\xc0\x80", 0}, {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0},
		 {"\xff", 0},	  {"\xc3", 0},	       {"\x80", 0}};
	struct mk_buf b;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		tap(mk_utf8_len(t[i].s, strlen(t[i].s)) == t[i].n, "UTF-8 %zu", i);
	mk_buf_init(&b, &a);
	mk_json_string(&b, "a\"\\\n\x01\x7f\xff\xc3\xa9", 9);
	tap(!strcmp(mk_buf_cstr(&b), "\"a\\\"\\\\\\u000a\\u0001\\u007f\\ufffd\xc3\xa9\""),
	    "a JSON string escapes");
}

/* What a rule needs must be known when it runs: it stands further up, and notes come last. */
static void rules(void)
{
	for (const struct mk_rule *r = mk_rules; r->id; r++)
		for (const char *p = r->needs; p && *p; p += strcspn(p, " "), p += *p == ' ') {
			const struct mk_rule *q = mk_rules;

			while (q->id && strncmp(q->id, p, strlen(q->id)) != 0)
				q++;
			/* those without a function are the decoder's, which comes first */
			tap(q->id && (q < r || !q->fn ||
				      (r->severity == MK_NOTE && q->severity != MK_NOTE)), "%.5s comes before %s", p, r->id);
		}
}

int main(void)
{
	mk_arena_init(&a, NULL);
	numbers();
	sizes();
	lists();
	sets();
	ends();
	records();
	utf8();
	rules();
	mk_arena_free(&a);
	return tap_end();
}
