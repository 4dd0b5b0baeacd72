/* SPDX-License-Identifier: Apache-2.0 */
/* batch: requests of a text, for the unit programs that place. */
#ifndef BATCH_H
#define BATCH_H

#include <string.h>

#include "arena.h"
#include "place.h"

/* Lines of requests up to the first that cannot be read; MK_BAD for one that is none. */
static int batch_of(struct mk_arena *a, const char *text, struct mk_batch *batch,
		    struct mk_err *err)
{
	struct mk_file *f = mk_arena_alloc(a, sizeof(*f));
	struct mk_record_reader r;
	struct mk_record rec;
	bool got;

	*batch = (struct mk_batch){0};
	*f = (struct mk_file){.name = "requests", .text = text, .len = strlen(text)};
	mk_record_open(&r, f);
	while (!mk_record_next(&r, a, &rec, &got, err) && got)
		if (mk_batch_add(batch, a, &rec, err))
			return MK_BAD;
	return MK_OK;
}

#endif
