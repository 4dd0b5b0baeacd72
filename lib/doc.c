/* SPDX-License-Identifier: Apache-2.0 */
/* doc: a document as JSON or YAML. */
#include "doc.h"

#include <string.h>

#include "json.h"

/* YAML wants keys of more than 1024 characters to be marked; each byte may become six. */
enum { PLAIN_KEY = 128 };

static void indent(struct mk_doc *d, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		mk_buf_str(d->b, "  ");
}

/* What stands before an item of a list; a value behind its key needs nothing. */
static void before_item(struct mk_doc *d)
{
	bool *any = &d->at[d->depth].any;

	if (d->after_key) {
		if (!d->yaml)
			mk_buf_char(d->b, ' ');
		return;
	}
	if (!d->yaml) {
		mk_buf_str(d->b, *any ? ",\n" : "\n");
		indent(d, d->depth + 1);
	} else {
		if (d->after_dash) {
			mk_buf_char(d->b, ' ');
		} else {
			mk_buf_char(d->b, '\n');
			indent(d, d->depth);
		}
		mk_buf_char(d->b, '-');
	}
	*any = true;
	d->after_dash = false;
}

static void scalar(struct mk_doc *d)
{
	bool in_yaml = d->yaml;

	before_item(d);
	if (in_yaml)
		mk_buf_char(d->b, ' ');
	d->after_key = false;
}

static void enter(struct mk_doc *d, bool list)
{
	bool item = !d->after_key && d->depth;

	if (d->depth || d->after_key)
		before_item(d);
	d->after_key = false;
	d->depth++;
	d->at[d->depth].list = list;
	d->at[d->depth].any = false;
	d->after_dash = d->yaml && item;
	if (!d->yaml)
		mk_buf_char(d->b, list ? '[' : '{');
}

void mk_doc_begin(struct mk_doc *d, struct mk_buf *b, bool yaml)
{
	*d = (struct mk_doc){.b = b, .yaml = yaml};
	if (yaml)
		mk_buf_str(b, "---");
	else
		mk_buf_char(b, '{');
}

void mk_doc_finish(struct mk_doc *d)
{
	mk_buf_str(d->b, d->yaml ? "\n" : "\n}\n");
}

void mk_doc_key(struct mk_doc *d, const char *key)
{
	bool *any = &d->at[d->depth].any;

	if (!d->yaml) {
		mk_buf_str(d->b, *any ? ",\n" : "\n");
		indent(d, d->depth + 1);
	} else if (d->after_dash) {
		mk_buf_char(d->b, ' ');
	} else {
		mk_buf_char(d->b, '\n');
		indent(d, d->depth);
	}
	*any = true;
	d->after_dash = false;
	if (d->yaml && strlen(key) > PLAIN_KEY) {
		mk_buf_str(d->b, "? ");
		mk_json_string(d->b, key, strlen(key));
		mk_buf_char(d->b, '\n');
		indent(d, d->depth);
	} else {
		mk_json_string(d->b, key, strlen(key));
	}
	mk_buf_char(d->b, ':');
	d->after_key = true;
}

void mk_doc_map(struct mk_doc *d)
{
	enter(d, false);
}

void mk_doc_list(struct mk_doc *d)
{
	enter(d, true);
}

void mk_doc_end(struct mk_doc *d)
{
	bool list = d->at[d->depth].list, any = d->at[d->depth].any;

	if (d->yaml) {
		if (!any)
			mk_buf_str(d->b, list ? " []" : " {}");
	} else {
		if (any) {
			mk_buf_char(d->b, '\n');
			indent(d, d->depth);
		}
		mk_buf_char(d->b, list ? ']' : '}');
	}
	d->after_dash = false;
	d->depth--;
}

void mk_doc_str(struct mk_doc *d, const char *s)
{
	scalar(d);
	mk_json_string(d->b, s, strlen(s));
}

void mk_doc_u64(struct mk_doc *d, uint64_t v)
{
	scalar(d);
	mk_buf_u64(d->b, v);
}

void mk_doc_bool(struct mk_doc *d, bool v)
{
	scalar(d);
	mk_buf_str(d->b, v ? "true" : "false");
}

void mk_doc_null(struct mk_doc *d)
{
	scalar(d);
	mk_buf_str(d->b, "null");
}
