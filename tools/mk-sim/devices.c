/* SPDX-License-Identifier: Apache-2.0 */
/* devices: what the devices { } node of a baseline or of an instance-create says. */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "props.h"

/* A hexadecimal number as the kernel's sscanf takes it; and what must stand behind it. */
static bool hex(const char **s, char behind, unsigned *v)
{
	char *end;

	*v = (unsigned)strtoul(*s, &end, 16);
	if (end == *s || (behind && *end != behind))
		return false;
	*s = end + (behind != '\0');
	return true;
}

int sim_pci_address(const char *text, struct sim_pci *p)
{
	unsigned domain, bus, slot, func;

	if (!hex(&text, ':', &domain) || !hex(&text, ':', &bus) || !hex(&text, '.', &slot) ||
	    !hex(&text, '\0', &func))
		return -EINVAL;
	p->domain = (uint16_t)domain;
	p->bus = (uint8_t)bus;
	p->slot = slot & 0x1f;
	p->func = func & 7;
	return 0;
}

static int get_u16(const void *fdt, int node, const char *name, uint16_t *v)
{
	uint32_t cell = 0;
	int given = sim_prop_cell(fdt, node, name, &cell);

	*v = (uint16_t)cell;
	return given > 0 ? 0 : -EINVAL;
}

/* The name that /aliases has for a node, or NULL. */
static const char *alias_of(const void *fdt, int node)
{
	int aliases = fdt_path_offset(fdt, "/aliases"), p, len;

	if (aliases < 0)
		return NULL;
	fdt_for_each_property_offset(p, fdt, aliases)
	{
		const char *name, *path = fdt_getprop_by_offset(fdt, p, &name, &len);

		if (path && len > 0 && path[0] == '/' && memchr(path, 0, (size_t)len) &&
		    fdt_path_offset(fdt, path) == node)
			return name;
	}
	return NULL;
}

static int parse_pci(const struct sim_kernel *k, const void *fdt, int node, struct sim_pcis *pci)
{
	const char *text = sim_prop_text(fdt, node, "pci-id"), *alias;
	struct sim_pci p = {0};
	int error, len;

	if (!text || sim_pci_address(text, &p))
		return -EINVAL;
	error = get_u16(fdt, node, "vendor-id", &p.vendor);
	if (!error)
		error = get_u16(fdt, node, "device-id", &p.device);
	if (error)
		return error;
	alias = k->abi == 1 ? fdt_get_name(fdt, node, &len) : alias_of(fdt, node);
	if (alias)
		snprintf(p.alias, sizeof p.alias, "%s", alias);
	sim_pci_add(pci, p);
	return 0;
}

/* A baseline takes the node's name where there is no device-name; a create wants one or a hid. */
static int parse_platform(const void *fdt, int node, bool baseline, struct sim_plats *platform)
{
	const char *name = sim_prop_text(fdt, node, "device-name");
	const char *hid = sim_prop_text(fdt, node, "acpi-hid");
	struct sim_plat p = {0};
	int len;

	if (!name && !hid && !baseline)
		return -EINVAL;
	if (!name && baseline)
		name = fdt_get_name(fdt, node, &len);
	if (name)
		snprintf(p.name, sizeof p.name, "%s", name);
	if (hid && !baseline)
		snprintf(p.hid, sizeof p.hid, "%s", hid);
	sim_plat_add(platform, p);
	return 0;
}

/* ABI 1: names of nodes of the baseline. */
static int parse_names(const struct sim_kernel *k, const char *names, int len, struct sim_pcis *pci)
{
	int i = 0;
	size_t d;

	while (i < len && names[i]) {
		size_t n = strnlen(names + i, (size_t)(len - i));

		for (d = 0; d < k->listed.n; d++)
			if (!strncmp(k->listed.d[d].alias, names + i, n) &&
			    k->listed.d[d].alias[n] == '\0')
				break;
		if (d == k->listed.n)
			return -ENOENT;
		sim_pci_add(pci, k->listed.d[d]);
		i += (int)n + 1;
	}
	return 0;
}

int sim_devices_parse(const struct sim_kernel *k, const void *fdt, int resources, bool baseline,
		      struct sim_pcis *pci, struct sim_plats *platform)
{
	int devices, node, len, error = 0;
	const char *names;

	names = baseline ? NULL : fdt_getprop(fdt, resources, "device-names", &len);
	if (names && k->abi == 2)
		return -EINVAL; /* devices are given by device-add */
	if (names)
		error = parse_names(k, names, len, pci);
	devices = fdt_subnode_offset(fdt, resources, "devices");
	if (error || devices < 0)
		return error;
	fdt_for_each_subnode(node, fdt, devices)
	{
		const char *type = sim_prop_text(fdt, node, "device-type");

		if (!type)
			continue;
		if (!strcmp(type, "pci"))
			error = parse_pci(k, fdt, node, pci);
		else if (!strcmp(type, "platform"))
			error = parse_platform(fdt, node, baseline, platform);
		if (error)
			return error;
	}
	return 0;
}
