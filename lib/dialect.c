/* SPDX-License-Identifier: Apache-2.0 */
/* dialect: id lists, and references to parts of devices. */
#include "dialect.h"

#include <string.h>

#include "num.h"

static bool is_id_list(const char *prop)
{
	return !strcmp(prop, "cpus") || !strcmp(prop, "available") ||
	       !strcmp(prop, "host-reserved");
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

/* A device answers to its node's name, with or without the unit address, and to its alias. */
static struct mk_node *find_device(struct mk_tree *t, const char *name, size_t len)
{
	struct mk_node *resources = mk_child(t, t->root, "resources");
	struct mk_node *devices = resources ? mk_child(t, resources, "devices") : NULL;
	struct mk_node *aliases = mk_child(t, t->root, "aliases");

	for (struct mk_node *d = devices ? mk_first(devices) : NULL; d; d = mk_next(d)) {
		if (strlen(d->name) == len && !memcmp(d->name, name, len))
			return d;
		if (mk_base_len(d->name) == len && !memcmp(d->name, name, len))
			return d;
	}
	for (struct mk_prop *p = aliases ? mk_prop_first(aliases) : NULL; p; p = mk_prop_next(p))
		if (strlen(p->name) == len && !memcmp(p->name, name, len) && mk_prop_is_string(p))
			return mk_node_at(t, t->root, p->data, p->len - 1);
	return NULL;
}

const struct mk_dts_dialect mk_dialect = {
	.tag = "/multikernel-v1/",
	.is_id_list = is_id_list,
	.split_reference = split_reference,
	.find_device = find_device,
};
