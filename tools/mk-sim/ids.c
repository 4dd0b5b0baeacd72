/* SPDX-License-Identifier: Apache-2.0 */
/* ids: small lists that keep the order in which things came, as the kernel's do. */
#include <string.h>

#include "kernel.h"

bool sim_ids_has(const struct sim_ids *s, uint64_t id)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->id[i] == id)
			return true;
	return false;
}

void sim_ids_add(struct sim_ids *s, uint64_t id)
{
	if (sim_ids_has(s, id))
		return;
	s->id = sim_more(s->id, s->n, &s->cap, sizeof *s->id);
	s->id[s->n++] = id;
}

bool sim_ids_del(struct sim_ids *s, uint64_t id)
{
	size_t i;

	for (i = 0; i < s->n && s->id[i] != id; i++)
		;
	if (i == s->n)
		return false;
	memmove(s->id + i, s->id + i + 1, (--s->n - i) * sizeof *s->id);
	return true;
}

void sim_ids_clear(struct sim_ids *s)
{
	s->n = 0;
}

struct sim_pci *sim_pci_find(struct sim_pcis *s, const struct sim_pci *like)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->d[i].domain == like->domain && s->d[i].bus == like->bus &&
		    s->d[i].slot == like->slot && s->d[i].func == like->func)
			return &s->d[i];
	return NULL;
}

struct sim_pci *sim_pci_add(struct sim_pcis *s, struct sim_pci p)
{
	s->d = sim_more(s->d, s->n, &s->cap, sizeof *s->d);
	s->d[s->n] = p;
	return &s->d[s->n++];
}

void sim_pci_del(struct sim_pcis *s, struct sim_pci *p)
{
	size_t i = (size_t)(p - s->d);

	memmove(p, p + 1, (--s->n - i) * sizeof *p);
}

struct sim_plat *sim_plat_find(struct sim_plats *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->d[i].name, name))
			return &s->d[i];
	return NULL;
}

void sim_plat_add(struct sim_plats *s, struct sim_plat p)
{
	s->d = sim_more(s->d, s->n, &s->cap, sizeof *s->d);
	s->d[s->n++] = p;
}

void sim_plat_del(struct sim_plats *s, struct sim_plat *p)
{
	size_t i = (size_t)(p - s->d);

	memmove(p, p + 1, (--s->n - i) * sizeof *p);
}
