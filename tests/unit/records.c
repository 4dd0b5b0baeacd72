/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records: mk-records(5) against the tables of verbs and keys. Each verb has a
 * line with its subject and keys, each key its type; the page has no others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "keys.h"
#include "tap.h"

static const char page[] = "man/mk-records.5.scd";

static struct mk_arena a;
static struct mk_buf text;

/* The part of the page between two headings. */
static char *section(const char *from, const char *to)
{
	char *start = strstr(mk_buf_cstr(&text), from), *end = start ? strstr(start, to) : NULL;

	return end ? mk_arena_strn(&a, start, (size_t)(end - start)) : NULL;
}

static bool has_line(const char *s, const char *line)
{
	size_t len = strlen(line);

	for (const char *p = s; (p = strstr(p, line)); p++)
		if (p > s && p[-1] == '\n' && (p[len] == '\n' || p[len] == '+'))
			return true;
	return false;
}

/* "*cpu-add* _NAME_|*@pool* *cpus=* [*numa-node=*]" */
static const char *verb_line(const struct mk_verb *v)
{
	const char *subject = !strcmp(v->subject, "NAME")	  ? "_NAME_"
			      : !strcmp(v->subject, "NAME|@pool") ? "_NAME_|*@pool*"
								  : NULL;
	struct mk_buf b;

	mk_buf_init(&b, &a);
	if (subject)
		mk_buf_fmt(&b, "*%s* %s", v->name, subject);
	else if (!strcmp(v->subject, "tx_N"))
		mk_buf_fmt(&b, "*%s tx\\_N*", v->name);
	else
		mk_buf_fmt(&b, "*%s %s*", v->name, v->subject);
	for (const char *p = v->keys; p && *p;) {
		size_t len = strcspn(p, " ");

		if (*p == '[')
			mk_buf_fmt(&b, " [*%.*s*]", (int)len - 2, p + 1);
		else
			mk_buf_fmt(&b, " *%.*s*", (int)len, p);
		p += len;
		p += *p == ' ';
	}
	return mk_buf_cstr(&b);
}

static void verbs(void)
{
	static const char *const from[] = {[MK_REQUEST] = "## Requests",
					   [MK_DELTA] = "## Deltas",
					   [MK_FACT] = "## Facts",
					   [MK_SIM] = "## The simulation"};
	static const char *const to[] = {[MK_REQUEST] = "## Deltas",
					 [MK_DELTA] = "## Facts",
					 [MK_FACT] = "## The simulation",
					 [MK_SIM] = "# KEYS"};

	for (int kind = MK_REQUEST; kind <= MK_SIM; kind++) {
		char *s = section(from[kind], to[kind]);
		size_t lines = 0, known = 0;

		if (!tap(s != NULL, "%s has a section", from[kind] + 3))
			continue;
		for (const struct mk_verb *v = mk_verbs; v->name; v++) {
			const char *line = verb_line(v);

			if ((int)v->kind != kind)
				continue;
			known++;
			if (!tap(has_line(s, line), "%s %s stands there", from[kind] + 3, v->name))
				tap_note("the line would be: %s", line);
		}
		for (const char *p = s; (p = strstr(p, "\n*")); p++)
			lines++;
		tap(lines == known, "%s has no others (%zu lines, %zu verbs)", from[kind] + 3,
		    lines, known);
	}
}

static void keys(void)
{
	static const char *const types[] = {
		[MK_KEY_TEXT] = "text", [MK_KEY_NAMES] = "names", [MK_KEY_NUMBER] = "number",
		[MK_KEY_SIZE] = "size", [MK_KEY_IDS] = "ids",	  [MK_KEY_MEMORY] = "memory",
		[MK_KEY_FLAG] = "flag"};
	char *s = section("# KEYS", "# JSON");
	size_t shown = 0, known = 0;

	if (!tap(s != NULL, "there is a section of keys"))
		return;
	for (const struct mk_key *k = mk_keys; k->name; k++, known++) {
		const char *name = mk_arena_fmt(&a, "*%s*", k->name), *at = s;
		const char *type = mk_arena_fmt(&a, "(_%s_)", types[k->type]), *end;

		/* one of a line that begins with names and ends with their type */
		while ((at = strstr(at, name))) {
			const char *line = at;

			while (line > s && line[-1] != '\n')
				line--;
			end = strchr(at, '\n');
			if (*line == '*' && end && end - at > (long)strlen(type) &&
			    !strncmp(end - strlen(type), type, strlen(type)))
				break;
			at++;
		}
		tap(at != NULL, "key %s stands there with its type, %s", k->name, types[k->type]);
	}
	for (const char *p = s; (p = strstr(p, "\n*")); p++) {
		const char *end = strchr(p + 1, '\n');

		for (const char *q = p + 1; q < end; q++)
			shown += *q == '*';
	}
	tap(shown == 2 * known, "there are no other keys");
	for (const struct mk_verb *v = mk_verbs; v->name; v++)
		for (const char *const *k = mk_verb_keys(&a, v); *k; k++)
			if (!mk_key_find(*k))
				tap(false, "%s= of %s is a key", *k, v->name);
}

int main(void)
{
	struct mk_err err;

	mk_arena_init(&a, NULL);
	mk_buf_init(&text, &a);
	if (mk_buf_read_file(&text, page, 1 << 20, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	verbs();
	keys();
	mk_arena_free(&a);
	return tap_end();
}
