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
