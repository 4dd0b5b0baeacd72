/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: trees from a descriptor, one after the other. Blobs stand back to
 * back, totalsize frames them; source text is one tree and ends the stream.
 */
#ifndef MK_STREAM_H
#define MK_STREAM_H

#include "buf.h"
#include "dts.h"

enum mk_format { MK_FORMAT_ANY, MK_FORMAT_DTS, MK_FORMAT_DTB, MK_FORMAT_LINES };

struct mk_stream {
	int fd;
	const char *name;      /* for messages: a path, or "<stdin>" */
	enum mk_format format; /* MK_FORMAT_ANY: found out from the first bytes */
	const struct mk_dts_options *dts;
	char *data; /* bytes read and not yet used; malloced */
	size_t len, cap;
	size_t at;		   /* offset of data in the stream */
	bool ended;		   /* nothing more to read */
	bool empty;		   /* the stream had no bytes at all */
	struct mk_dts_input input; /* what a source text opened beside itself */
};

void mk_stream_init(struct mk_stream *s, int fd, const char *name,
		    const struct mk_dts_options *dts);

/* Gives the buffer back; the descriptor stays the caller's. */
void mk_stream_free(struct mk_stream *s);

/* One tree of a stream. */
struct mk_item {
	struct mk_tree tree;
	struct mk_file file; /* where its places point to */
	const void *blob;    /* as it was read, blob_bytes long; NULL for text */
	size_t blob_bytes;
};

/*
 * Reads the next tree into item, all in arena a (which may be reset between
 * two calls: memory does not grow with the stream). *got is false at the end.
 * MK_BAD for what is malformed, and for a stream without a byte (empty is
 * set); MK_SYS when it cannot be read.
 */
int mk_stream_next(struct mk_stream *s, struct mk_arena *a, struct mk_item *item, bool *got,
		   struct mk_err *err);

#endif
