/* SPDX-License-Identifier: Apache-2.0 */
/* dialect: id lists, and references to parts of devices. */
#include "dialect.h"

#include <string.h>

#include "arena.h"
#include "num.h"

static bool is_id_list(const char *prop)
{
	return !strcmp(prop, "cpus") || !strcmp(prop, "available") ||
	       !strcmp(prop, "host-reserved");
}

/* In a blob such a list could be one of 32-bit ids: see mk-dts(5). */
static void wide_ids(struct mk_tree *t)
{
	if (!mk_prop(t, t->root, "mk,cpu-cells"))
		mk_add_u32(t, t->root, "mk,cpu-cells", 2);
}

bool mk_split_part(const char *name, size_t *device_len, char *kind, uint32_t *number)
{
	size_t len = strlen(name), digits = len;

	while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
		digits--;
	if (digits == len || digits < 4 || (len - digits > 1 && name[digits] == '0'))
		return false;
	if (memcmp(name + digits - 3, "_vf", 3) && memcmp(name + digits - 3, "_ns", 3))
		return false;
	*device_len = digits - 3;
	*kind = name[digits - 2];
	return mk_num_u32(name + digits, len - digits, number);
}

static bool split_reference(const char *label, struct mk_dts_part *part)
{
	char kind;

	if (!mk_split_part(label, &part->device_len, &kind, &part->number))
		return false;
	part->prop = kind == 'v' ? "vf-id" : "namespace-id";
	return true;
}

/* Names of devices without unit address; NULL for those that several have. */
static void index_bases(struct mk_node *devices, struct mk_dts_found *found)
{
	for (struct mk_node *d = devices ? mk_first(devices) : NULL; d; d = mk_next(d)) {
		uint32_t *mark =
			mk_name_mark(mk_intern(&found->names, d->name, mk_base_len(d->name)));

		if (*mark) {
			found->node[*mark - 1] = NULL;
			continue;
		}
		found->node = mk_arena_more(found->names.arena, found->node, found->n, &found->cap,
					    sizeof(struct mk_node *));
		found->node[found->n++] = d;
		*mark = (uint32_t)found->n;
	}
	found->ready = true;
}

/*
 * A device answers to its node's name, to its alias, and to its node's name
 * without the unit address, if no other device has that.
 */
static struct mk_node *find_device(struct mk_tree *t, struct mk_dts_found *found, const char *name,
				   size_t len)
{
	struct mk_node *resources = mk_child(t, t->root, "resources");
	struct mk_node *devices = resources ? mk_child(t, resources, "devices") : NULL;
	struct mk_node *aliases = mk_child(t, t->root, "aliases"), *d;
	const char *z = mk_arena_strn(t->arena, name, len), *base;
	struct mk_prop *p;

	d = devices ? mk_child(t, devices, z) : NULL;
	if (d)
		return d;
	p = aliases ? mk_prop(t, aliases, z) : NULL;
	if (p && mk_prop_is_string(p))
		return mk_node_at(t, t->root, p->data, p->len - 1);
	if (!found->ready)
		index_bases(devices, found);
	base = mk_name_known(&found->names, z, len);
	return base ? found->node[*mk_name_mark(base) - 1] : NULL;
}

const struct mk_dts_dialect mk_dialect = {
	.tag = "/multikernel-v1/",
	.is_id_list = is_id_list,
	.wide_ids = wide_ids,
	.split_reference = split_reference,
	.find_device = find_device,
};
