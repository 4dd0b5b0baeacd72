/* SPDX-License-Identifier: Apache-2.0 */
/* props: see props.h. */
#include "props.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "num.h"

const char *sim_prop_string(const void *fdt, int node, const char *name)
{
	int len;
	const char *s = fdt_getprop(fdt, node, name, &len);

	return s && len > 0 && s[len - 1] == '\0' ? s : NULL;
}

const char *sim_prop_text(const void *fdt, int node, const char *name)
{
	int len;
	const char *s = fdt_getprop(fdt, node, name, &len);

	return s && len > 0 && memchr(s, 0, (size_t)len) ? s : NULL;
}

int sim_prop_cell(const void *fdt, int node, const char *name, uint32_t *v)
{
	int len;
	const void *p = fdt_getprop(fdt, node, name, &len);

	if (!p)
		return 0;
	if (len != 4)
		return -EINVAL;
	*v = mk_be32(p);
	return 1;
}

void sim_blob_guard(void *fdt)
{
	uint64_t at = fdt_off_dt_struct(fdt), end = fdt_totalsize(fdt), len;
	char *blob = fdt;
	const char *nul;

	/* version 16 does not say how long the structure is */
	if (fdt_version(fdt) >= 17 && at + fdt_size_dt_struct(fdt) < end)
		end = at + fdt_size_dt_struct(fdt);
	while (at + 4 <= end) {
		char *tag = blob + at;

		at += 4;
		len = 0;
		switch (mk_be32(tag)) {
		case FDT_NOP:
		case FDT_END_NODE: continue;
		case FDT_BEGIN_NODE:
			nul = memchr(blob + at, 0, end - at);
			if (nul)
				len = (uint64_t)(nul - (blob + at)) + 1;
			break;
		case FDT_PROP:
			if (end - at >= 8 && mk_be32(blob + at) <= end - at - 8)
				len = (uint64_t)mk_be32(blob + at) + 8;
			break;
		default: return;
		}
		if (len)
			len = (len + 3) & ~(uint64_t)3;
		if (!len || len > end - at) {
			memset(tag, 0, 4); /* no tag at all */
			return;
		}
		at += len;
	}
}
