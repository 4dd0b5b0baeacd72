/* SPDX-License-Identifier: Apache-2.0 */
/* record: lines in, lines out; nothing that is written can become a second line or a second key. */
#include "record.h"

#include <string.h>

#include "arena.h"
#include "num.h"
#include "utf8.h"

void mk_record_open(struct mk_record_reader *r, const struct mk_file *src)
{
	*r = (struct mk_record_reader){.src = src};
}

static struct mk_span span_of(const struct mk_record_reader *r, const char *s, size_t len)
{
	return (struct mk_span){.file = r->src,
				.line = r->line,
				.off = (uint32_t)(s - r->src->text),
				.len = (uint32_t)len};
}

static char *unescape(struct mk_arena *a, const char *s, size_t len)
{
	char *out = mk_arena_alloc(a, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int hi, lo;

		if (s[i] != '%') {
			out[n++] = s[i];
			continue;
		}
		hi = i + 1 < len ? mk_hex_digit((unsigned char)s[i + 1]) : -1;
		lo = i + 2 < len ? mk_hex_digit((unsigned char)s[i + 2]) : -1;
		if (hi < 0 || lo < 0 || hi + lo == 0)
			return NULL;
		out[n++] = (char)(hi * 16 + lo);
		i += 2;
	}
	return out;
}

char *mk_record_text(struct mk_arena *a, const struct mk_pair *p)
{
	return unescape(a, p->raw, p->len);
}

static bool is_key(const char *s, size_t len)
{
	if (!len || s[0] < 'a' || s[0] > 'z')
		return false;
	for (size_t i = 1; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return true;
}

static int read_pair(const struct mk_record_reader *r, struct mk_arena *a, const char *s,
		     size_t len, struct mk_record *rec, struct mk_err *err)
{
	const char *eq = memchr(s, '=', len);
	size_t key = eq ? (size_t)(eq - s) : len;
	struct mk_pair *p;

	if (!eq || !is_key(s, key)) {
		mk_fail_at(err, MK_BAD, span_of(r, s, len), "expected key=value");
		mk_hint(err, "a record is: verb subject key=value ...");
		return MK_BAD;
	}
	for (size_t i = 0; i < rec->n; i++)
		if (strlen(rec->pair[i].key) == key && !memcmp(rec->pair[i].key, s, key))
			return mk_fail_at(err, MK_BAD, span_of(r, s, len),
					  "key '%s' is given twice", rec->pair[i].key);
	if (rec->n == MK_RECORD_KEYS_MAX)
		return mk_fail_at(err, MK_BAD, span_of(r, s, len), "a record has at most %d keys",
				  MK_RECORD_KEYS_MAX);
	rec->pair = mk_arena_more(a, rec->pair, rec->n, &rec->cap, sizeof(*rec->pair));
	p = &rec->pair[rec->n++];
	p->key = mk_arena_strn(a, s, key);
	p->raw = eq + 1;
	p->len = len - key - 1;
	p->at = span_of(r, s, len);
	if (!unescape(a, p->raw, p->len))
		return mk_fail_at(err, MK_BAD, p->at,
				  "'%%' must be followed by two hexadecimal digits");
	return MK_OK;
}

static int read_words(const struct mk_record_reader *r, struct mk_arena *a, const char *s,
		      size_t len, struct mk_record *rec, struct mk_err *err)
{
	size_t words = 0;

	*rec = (struct mk_record){.at = span_of(r, s, len)};
	for (size_t i = 0; i < len;) {
		size_t begin;

		while (i < len && (s[i] == ' ' || s[i] == '\t'))
			i++;
		begin = i;
		while (i < len && s[i] != ' ' && s[i] != '\t')
			i++;
		if (i == begin)
			break;
		if (words == 0) {
			if (!is_key(s + begin, i - begin)) {
				mk_fail_at(err, MK_BAD, span_of(r, s + begin, i - begin),
					   "a record begins with a verb");
				mk_hint(err, "a record is: verb subject key=value ...");
				return MK_BAD;
			}
			rec->verb = mk_arena_strn(a, s + begin, i - begin);
		} else if (words == 1) {
			rec->subject_at = span_of(r, s + begin, i - begin);
			rec->special = s[begin] == '@' || (i - begin == 1 && s[begin] == '-') ||
				       (i - begin > 3 && !memcmp(s + begin, "tx_", 3));
			rec->subject = unescape(a, s + begin, i - begin);
			if (!rec->subject)
				return mk_fail_at(
					err, MK_BAD, rec->subject_at,
					"'%%' must be followed by two hexadecimal digits");
		} else if (read_pair(r, a, s + begin, i - begin, rec, err)) {
			return MK_BAD;
		}
		words++;
	}
	if (words >= 2)
		return MK_OK;
	mk_fail_at(err, MK_BAD, rec->at, "this record has no subject");
	mk_hint(err, "a record is: verb subject key=value ...");
	return MK_BAD;
}

static bool begins(const char *s, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(s, with, n) && (len == n || s[n] == ' ' || s[n] == '\r');
}

int mk_record_next(struct mk_record_reader *r, struct mk_arena *a, struct mk_record *rec, bool *got,
		   struct mk_err *err)
{
	*got = false;
	while (r->pos < r->src->len) {
		const char *s = r->src->text + r->pos;
		const char *end = memchr(s, '\n', r->src->len - r->pos);
		size_t len = end ? (size_t)(end - s) : r->src->len - r->pos;
		size_t blank = 0;
		int rc;

		r->line++;
		r->pos += len + (end != NULL);
		if (len && s[len - 1] == '\r')
			len--;
		while (blank < len && (s[blank] == ' ' || s[blank] == '\t'))
			blank++;
		if (blank == len)
			continue;
		if (begins(s, len, "#mk")) {
			if (!begins(s, len, "#mk 1"))
				return mk_fail_at(
					err, MK_BAD, span_of(r, s, len),
					"this stream is of a version that is not known here");
			r->began++;
		} else if (begins(s, len, "#end")) {
			r->ended++;
		}
		if (s[blank] == '#')
			continue;
		if (memchr(s, '\0', len))
			return mk_fail_at(err, MK_BAD, span_of(r, s, len),
					  "a record holds a NUL byte");
		rc = read_words(r, a, s, len, rec, err);
		*got = !rc;
		return rc;
	}
	if (r->began > r->ended) {
		mk_fail_at(err, MK_BAD, (struct mk_span){.file = r->src},
			   "the stream is cut short: it has no #end");
		mk_hint(err, "the program before this one failed; nothing was done");
		return MK_BAD;
	}
	return MK_OK;
}

int mk_record_words(struct mk_arena *a, char *const *word, size_t n, struct mk_file *text,
		    struct mk_record *rec, struct mk_err *err)
{
	struct mk_record_reader r;
	struct mk_buf b;

	mk_buf_init(&b, a);
	for (size_t i = 0; i < n; i++) {
		if (!word[i][0] || strpbrk(word[i], " \t\n\r")) {
			mk_fail(err, MK_BAD, "argument %zu ('%s') is empty or holds white space",
				i + 1, word[i]);
			mk_hint(err,
				i == 1 ? "a new name has none; in one that is there a blank is "
					 "written %%20"
				       : "KEY=VALUE is one argument; the items of a list have "
					 "commas between them");
			return MK_BAD;
		}
		if (i)
			mk_buf_char(&b, ' ');
		mk_buf_str(&b, word[i]);
	}
	*text = (struct mk_file){.name = "<arguments>", .text = mk_buf_cstr(&b), .len = b.len};
	mk_record_open(&r, text);
	r.line = 1;
	return read_words(&r, a, text->text, text->len, rec, err);
}

const struct mk_pair *mk_record_get(const struct mk_record *rec, const char *key)
{
	for (size_t i = 0; i < rec->n; i++)
		if (!strcmp(rec->pair[i].key, key))
			return &rec->pair[i];
	return NULL;
}

/* ------------------------------------------------------------ writing */

static void add_escaped(struct mk_buf *b, const char *s, bool first)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)s[i];
		size_t n = mk_utf8_len(s + i, len - i);
		bool control = c == ' ' || (n && mk_utf8_unseen(s + i, n));

		if (!n || control || c == '%' || c == ',' || (first && i == 0)) {
			for (size_t k = 0; k < (n ? n : 1); k++)
				mk_buf_fmt(b, "%%%02X", (unsigned char)s[i + k]);
		} else {
			mk_buf_add(b, s + i, n);
		}
		i += n ? n : 1;
	}
}

void mk_record_begin_stream(struct mk_record_writer *w, struct mk_buf *b)
{
	*w = (struct mk_record_writer){.b = b};
	mk_buf_str(b, "#mk 1\n");
}

void mk_record_end_stream(struct mk_record_writer *w)
{
	mk_buf_str(w->b, "#end ");
	mk_buf_u64(w->b, w->n);
	mk_buf_char(w->b, '\n');
}

/* A name must not pass for @pool, tx_1 or -. */
static bool looks_special(const char *name)
{
	return name[0] == '@' || !strncmp(name, "tx_", 3) || !strcmp(name, "-");
}

char *mk_record_subject(struct mk_arena *a, const char *name)
{
	if (!looks_special(name))
		return mk_arena_str(a, name);
	return mk_arena_fmt(a, "%%%02X%s", (unsigned char)name[0], name + 1);
}

void mk_record_begin(struct mk_record_writer *w, const char *verb, const char *subject,
		     bool special)
{
	mk_buf_str(w->b, verb);
	mk_buf_char(w->b, ' ');
	if (special)
		mk_buf_str(w->b, subject);
	else
		add_escaped(w->b, subject, looks_special(subject));
}

void mk_record_key(struct mk_record_writer *w, const char *key)
{
	mk_buf_char(w->b, ' ');
	mk_buf_str(w->b, key);
	mk_buf_char(w->b, '=');
}

void mk_record_add(struct mk_record_writer *w, const char *text)
{
	add_escaped(w->b, text, false);
}

void mk_record_str(struct mk_record_writer *w, const char *key, const char *text)
{
	mk_record_key(w, key);
	mk_record_add(w, text);
}

void mk_record_u64(struct mk_record_writer *w, const char *key, uint64_t v)
{
	mk_record_key(w, key);
	mk_buf_u64(w->b, v);
}

void mk_record_end(struct mk_record_writer *w)
{
	mk_buf_char(w->b, '\n');
	w->n++;
}
