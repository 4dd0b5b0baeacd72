/* SPDX-License-Identifier: Apache-2.0 */
/* load: grouping the trees of a stream into states. */
#include "load.h"

#include <string.h>

#include "arena.h"
#include "fdt.h"
#include "overlay.h"

void mk_loader_init(struct mk_loader *l, struct mk_stream *s,
		    const struct mk_decode_options *decode)
{
	*l = (struct mk_loader){.stream = s};
	if (decode)
		l->decode = *decode;
}

/* The next item, or NULL at the end. */
static int read_ahead(struct mk_loader *l, struct mk_arena *a, struct mk_err *err)
{
	struct mk_item *item;
	bool got;
	int rc;

	if (l->ahead || l->ended)
		return MK_OK;
	item = mk_arena_alloc(a, sizeof(*item));
	rc = mk_stream_next(l->stream, a, item, &got, err);
	if (rc)
		return rc;
	l->ended = !got;
	l->ahead = got ? item : NULL;
	return MK_OK;
}

static int pass_on(struct mk_loaded *out, struct mk_item *item, bool rewritten, struct mk_err *err)
{
	if (!item->blob || rewritten)
		return mk_fdt_write(&out->blobs, &item->tree, 0, err);
	mk_buf_add(&out->blobs, item->blob, item->blob_bytes);
	return MK_OK;
}

static int fold_one(struct mk_loaded *out, struct mk_fold *fold, struct mk_item *item,
		    struct mk_arena *a, struct mk_err *err)
{
	struct mk_delta d;
	int rc;

	mk_delta_init(&d, a);
	d.overlay = (uint32_t)out->overlays + 1;
	rc = mk_overlay_read(&d, &item->tree, &out->state, err);
	if (!rc)
		rc = mk_fold_apply(fold, &d, err);
	if (rc) { /* say which overlay, in front of what is wrong with it */
		const char *text = mk_arena_fmt(a, "overlay %zu: %s", out->overlays + 1, err->text);
		size_t len = strlen(text);

		len = len < sizeof(err->text) ? len : sizeof(err->text) - 1;
		memcpy(err->text, text, len);
		err->text[len] = '\0';
		return rc;
	}
	out->overlays++;
	return pass_on(out, item, false, err);
}

int mk_load_next(struct mk_loader *l, struct mk_arena *a, struct mk_loaded *out, bool *got,
		 struct mk_err *err)
{
	struct mk_fold fold;
	int rc = read_ahead(l, a, err);

	*got = false;
	if (rc || !l->ahead)
		return rc;
	memset(out, 0, sizeof(*out));
	mk_diags_init(&out->diags, a);
	mk_buf_init(&out->blobs, a);
	if (mk_is_overlay(&l->ahead->tree)) {
		mk_fail_at(err, MK_BAD, l->ahead->tree.root->at,
			   "this is an overlay, and no tree came before it");
		mk_hint(err, "the state that it changes comes first, in one stream: cat STATE "
			     "OVERLAY | ...; mk-overlay -p prints it");
		return MK_BAD;
	}
	mk_decode(&out->state, &l->ahead->tree, &l->decode, &out->diags);
	rc = pass_on(out, l->ahead, out->state.rewritten, err);
	mk_fold_init(&fold, &out->state);
	for (l->ahead = NULL; !rc; l->ahead = NULL) {
		rc = read_ahead(l, a, err);
		if (rc || !l->ahead || !mk_is_overlay(&l->ahead->tree))
			break;
		rc = fold_one(out, &fold, l->ahead, a, err);
	}
	mk_fold_end(&fold);
	l->index++;
	*got = !rc;
	return rc;
}

int mk_load_one(struct mk_stream *s, struct mk_arena *a, const struct mk_decode_options *decode,
		struct mk_loaded *out, struct mk_err *err)
{
	struct mk_loader l;
	bool got;
	int rc;

	mk_loader_init(&l, s, decode);
	rc = mk_load_next(&l, a, out, &got, err);
	if (rc)
		return rc;
	if (!l.ahead)
		return MK_OK;
	mk_fail_at(err, MK_BAD, l.ahead->tree.root->at,
		   "one state is wanted here, and the input has more");
	return MK_BAD;
}
