/* SPDX-License-Identifier: Apache-2.0 */
/* err: filling errors and diagnostics; finding the source line of a place. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"

__attribute__((format(printf, 3, 0))) static void reset(struct mk_err *err, int code,
							const char *fmt, va_list ap)
{
	memset(err, 0, sizeof(*err));
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int mk_fail(struct mk_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reset(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int mk_fail_at(struct mk_err *err, int code, struct mk_span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reset(err, code, fmt, ap);
	va_end(ap);
	if (at.file)
		snprintf(err->file, sizeof(err->file), "%s", at.file->name);
	if (at.line) {
		err->line = at.line;
		err->col = mk_span_col(at);
		mk_span_line(at, err->src, sizeof(err->src), &err->caret, &err->caret_len);
	}
	return code;
}

void mk_hint(struct mk_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

/*
 * Where the line of a span begins. Findings often follow each other in one line,
 * which may be long: what lies between the last place asked for and its line's
 * beginning is not searched again.
 */
static size_t line_start(struct mk_span s)
{
	struct mk_line_memo none = {0, 0}, *memo = s.file->memo ? s.file->memo : &none;
	size_t i = s.off;

	if (memo->start <= i && i <= memo->asked)
		return memo->start;
	while (i > 0 && s.file->text[i - 1] != '\n' && i != memo->asked)
		i--;
	if (i && i == memo->asked)
		i = memo->start;
	*memo = (struct mk_line_memo){s.off, i};
	return i;
}

uint32_t mk_span_col(struct mk_span s)
{
	if (!s.line || !s.file || !s.file->text || s.off > s.file->len)
		return 0;
	return (uint32_t)(s.off - line_start(s)) + 1;
}

enum { CUT = 3 }; /* dots */

size_t mk_span_line(struct mk_span s, char *out, size_t cap, uint32_t *caret, uint32_t *caret_len)
{
	size_t start, end, from, n = 0;

	out[0] = '\0';
	*caret = *caret_len = 0;
	if (!s.line || !s.file || !s.file->text || s.off > s.file->len || cap < 2)
		return 0;
	start = line_start(s);
	end = s.off; /* what is beyond cap is not shown */
	while (end < s.file->len && end - s.off <= cap && s.file->text[end] != '\n')
		end++;
	if (end > start && s.file->text[end - 1] == '\r')
		end--;
	/* a long line is cut so that the place stands in the middle of what is shown */
	from = s.off - start > cap / 2 ? s.off - cap / 2 : start;
	for (size_t i = from; i < end && n + 1 < cap; i++) {
		unsigned char c = (unsigned char)s.file->text[i];

		out[n++] = (c < 0x20 && c != '\t') || c == 0x7f ? '?' : (char)c;
	}
	out[n] = '\0';
	if (from > start) /* marked where it is cut */
		memset(out, '.', n < CUT ? n : CUT);
	if (n + 1 == cap && from + n < end)
		memset(out + n - CUT, '.', CUT);
	*caret = (uint32_t)(s.off - from);
	if (*caret > n)
		*caret = (uint32_t)n;
	*caret_len = s.len ? s.len : 1;
	if (*caret_len > n - *caret)
		*caret_len = n > *caret ? (uint32_t)(n - *caret) : 1;
	return n;
}

void mk_diags_init(struct mk_diags *d, struct mk_arena *a)
{
	*d = (struct mk_diags){.arena = a};
}

struct mk_diag *mk_diag_add(struct mk_diags *d, enum mk_severity severity, const char *rule,
			    struct mk_span at, const char *fmt, ...)
{
	struct mk_diag *x = mk_arena_alloc(d->arena, sizeof(*x));
	va_list ap;

	x->severity = severity;
	x->rule = rule;
	x->at = at;
	va_start(ap, fmt);
	x->text = mk_arena_vfmt(d->arena, fmt, ap);
	va_end(ap);
	if (d->last)
		d->last->next = x;
	else
		d->first = x;
	d->last = x;
	d->errors += severity == MK_ERROR;
	d->warnings += severity == MK_WARNING;
	return x;
}

const char *mk_severity_word(enum mk_severity s)
{
	static const char *const words[] = {
		[MK_ERROR] = "error", [MK_WARNING] = "warning", [MK_NOTE] = "note"};

	return words[s];
}
