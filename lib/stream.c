/* SPDX-License-Identifier: Apache-2.0 */
/* stream: framing blobs, telling formats apart. */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "fdt.h"
#include "lines.h"
#include "num.h"

void mk_stream_init(struct mk_stream *s, int fd, const char *name, const struct mk_dts_options *dts)
{
	*s = (struct mk_stream){.fd = fd, .name = name, .dts = dts};
}

void mk_stream_free(struct mk_stream *s)
{
	free(s->data);
	s->data = NULL;
	s->len = s->cap = 0;
}

/* Reads until want bytes are there, or the end. */
static int fill(struct mk_stream *s, size_t want, struct mk_err *err)
{
	while (s->len < want && !s->ended) {
		ssize_t n;

		if (s->len == s->cap) {
			size_t cap = s->cap ? s->cap * 2 : 65536;
			char *data = realloc(s->data, cap);

			if (!data)
				return mk_fail(err, MK_SYS, "out of memory while reading %s",
					       s->name);
			s->data = data;
			s->cap = cap;
		}
		n = read(s->fd, s->data + s->len, s->cap - s->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mk_fail(err, MK_SYS, "cannot read %s: %s", s->name, strerror(errno));
		if (n == 0)
			s->ended = true;
		s->len += (size_t)n;
		if (s->len > MK_TREE_BYTES_MAX && want > MK_TREE_BYTES_MAX)
			return mk_fail(err, MK_BAD, "%s is larger than 1 GiB", s->name);
	}
	return MK_OK;
}

static void consume(struct mk_stream *s, size_t n)
{
	s->len -= n;
	s->at += n;
	memmove(s->data, s->data + n, s->len);
}

/* The lines form begins with one of three things that no source begins with. */
static bool looks_like_lines(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && (s[i] == '\n' || s[i] == '#')) {
		/* "# 1 "x.dts"" is a line marker of cpp: that is source */
		if (s[i] == '#' && i + 2 < len && s[i + 1] == ' ' && s[i + 2] >= '0' &&
		    s[i + 2] <= '9')
			return false;
		while (i < len && s[i] != '\n')
			i++;
		i += i < len;
	}
	s += i;
	len -= i;
	return (len >= 2 && !memcmp(s, "/\n", 2)) ||
	       (len >= 13 && !memcmp(s, "/boot-cpuid/ ", 13)) ||
	       (len >= 13 && !memcmp(s, "/memreserve/ ", 13));
}

static int next_blob(struct mk_stream *s, struct mk_arena *a, struct mk_item *item,
		     struct mk_err *err)
{
	int rc = fill(s, MK_FDT_HEADER_BYTES, err);

	if (!rc && s->at && !mk_fdt_is(s->data, s->len)) {
		mk_fail(err, MK_BAD,
			"%zu%s bytes behind the blob that ends at byte %zu are no blob", s->len,
			s->ended ? "" : " or more", s->at);
		memcpy(err->file, s->name, strnlen(s->name, sizeof(err->file) - 1));
		return MK_BAD;
	}
	if (!rc && mk_fdt_is(s->data, s->len) && s->len >= 8) {
		size_t total = mk_be32(s->data + 4);

		if (total <= MK_TREE_BYTES_MAX)
			rc = fill(s, total, err);
	}
	if (!rc)
		rc = mk_fdt_vet(a, s->data, s->len, s->name, s->at, &item->blob, &item->blob_bytes,
				err);
	if (rc)
		return rc;
	consume(s, item->blob_bytes);
	return mk_fdt_read(&item->tree, item->blob, &item->file, err);
}

static int whole_text(struct mk_stream *s, struct mk_arena *a, struct mk_item *item,
		      struct mk_err *err)
{
	int rc = fill(s, (size_t)MK_TREE_BYTES_MAX + 1, err);

	if (rc)
		return rc;
	if (mk_fdt_is(s->data, s->len)) {
		mk_fail(err, MK_BAD, "%s is a blob, no text", s->name);
		mk_hint(err, "leave the format to be found out, or ask for dtb");
		return MK_BAD;
	}
	item->file.text = mk_arena_strn(a, s->data, s->len);
	item->file.len = s->len;
	consume(s, s->len);
	if (s->format == MK_FORMAT_LINES)
		return mk_lines_parse(&item->tree, &item->file, err);
	return mk_dts_parse(&item->tree, &item->file, s->dts, &s->input, err);
}

int mk_stream_next(struct mk_stream *s, struct mk_arena *a, struct mk_item *item, bool *got,
		   struct mk_err *err)
{
	int rc = fill(s, MK_FDT_HEADER_BYTES, err);

	*got = false;
	if (rc)
		return rc;
	if (!s->len) {
		s->empty = !s->at;
		return s->at ? MK_OK : mk_fail(err, MK_BAD, "%s is empty", s->name);
	}
	*item = (struct mk_item){.file = {.name = s->name}};
	mk_tree_init(&item->tree, a);
	if (s->format == MK_FORMAT_ANY) {
		if (mk_fdt_is(s->data, s->len)) {
			s->format = MK_FORMAT_DTB;
		} else {
			rc = fill(s, 4096, err);
			if (rc)
				return rc;
			if (s->len >= 4 && !memcmp(s->data, "#mk ", 4)) {
				mk_fail(err, MK_BAD, "%s: records, and a tree is wanted here",
					s->name);
				mk_hint(err, "deltas go to mk-overlay, requests to mk-alloc -f");
				return MK_BAD;
			}
			s->format =
				looks_like_lines(s->data, s->len) ? MK_FORMAT_LINES : MK_FORMAT_DTS;
		}
	}
	rc = s->format == MK_FORMAT_DTB ? next_blob(s, a, item, err) : whole_text(s, a, item, err);
	*got = !rc;
	return rc;
}
