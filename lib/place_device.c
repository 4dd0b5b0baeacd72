/* SPDX-License-Identifier: Apache-2.0 */
/* place: devices, whole or in parts. */
#include <string.h>

#include "arena.h"
#include "keys.h"
#include "place_int.h"

int mk_place_give_back_devices(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = mk_place_key(p, "devices");
	struct mk_names keep = {.arena = p->s->arena};
	const char **names;
	size_t n, kept = 0;

	if (!at)
		return MK_OK;
	if (mk_key_names(p->s->arena, at, &names, &n, p->err))
		return MK_BAD;
	for (size_t i = 0; i < n; i++) {
		struct mk_use u = {.text = names[i], .device = MK_NO_DEVICE};

		mk_use_resolve(p->s, &u);
		mk_intern(&keep, u.text, strlen(u.text));
	}
	for (size_t i = 0; i < x->devices.n; i++)
		if (mk_name_known(&keep, x->devices.u[i].text, strlen(x->devices.u[i].text)))
			x->devices.u[kept++] = x->devices.u[i];
	x->devices.n = kept;
	return MK_OK;
}

/* Whether the device offers such a part is judged by the rules, when all is placed. */
static int take_device(struct mk_placer *p, const struct mk_pair *at, const struct mk_instance *x,
		       const struct mk_use *u)
{
	size_t me = (size_t)(x - p->s->instance);
	const struct mk_holding *h = mk_ledger_holder(&p->devices, u);

	if (h && h->instance == me)
		return mk_fail_at(p->err, MK_NO, at->at, "%s and %s in one list [MK602]",
				  h->use.text, u->text);
	if (h && h->use.part == u->part)
		return mk_fail_at(p->err, MK_NO, at->at, "%s has %s already [MK602]",
				  p->s->instance[h->instance].name, h->use.text);
	if (h && h->use.part == MK_WHOLE)
		return mk_fail_at(p->err, MK_NO, at->at, "%s has the whole of %s [MK606]",
				  p->s->instance[h->instance].name, h->use.text);
	if (h)
		return mk_fail_at(p->err, MK_NO, at->at,
				  "%s is not free as a whole: %s has %s [MK606]", u->text,
				  p->s->instance[h->instance].name, h->use.text);
	mk_ledger_take_device(&p->devices, me, u);
	return MK_OK;
}

static void device_hint(struct mk_placer *p, const char *name)
{
	const char *best = mk_device_nearest(p->s, name);

	if (best)
		mk_hint(p->err, "did you mean %s?", best);
	else if (p->s->n_devices)
		mk_hint(p->err, "it has %s%s", p->s->device[0].name,
			p->s->n_devices > 1 ? " and others: mk-show lists them" : "");
}

int mk_place_devices(struct mk_placer *p, struct mk_instance *x)
{
	const struct mk_pair *at = mk_place_key(p, "devices");
	const char **names;
	size_t n, cap = 0;
	int rc;

	if (!at)
		return MK_OK;
	if (mk_key_names(p->s->arena, at, &names, &n, p->err))
		return MK_BAD;
	mk_ledger_give_devices(&p->devices, (size_t)(x - p->s->instance)); /* for its next list */
	x->devices = (struct mk_uses){0};
	for (size_t i = 0; i < n; i++) {
		struct mk_use u = {.text = names[i], .device = MK_NO_DEVICE, .where = x->where};

		if (!mk_use_resolve(p->s, &u)) {
			mk_fail_at(p->err, MK_NO, at->at, "the machine has no device '%s' [MK601]",
				   names[i]);
			device_hint(p, names[i]);
			return MK_NO;
		}
		rc = take_device(p, at, x, &u);
		if (rc)
			return rc;
		x->devices.u = mk_arena_more(p->s->arena, x->devices.u, x->devices.n, &cap,
					     sizeof(*x->devices.u));
		x->devices.u[x->devices.n++] = u;
	}
	x->devices.cap = cap;
	return MK_OK;
}
