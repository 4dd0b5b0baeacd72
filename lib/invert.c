/* SPDX-License-Identifier: Apache-2.0 */
/* invert: subjects that overlays have touched become what they were. */
#include "invert.h"

#include <string.h>

#include "arena.h"
#include "overlay.h"

struct inverter {
	const struct mk_state *before, *after;
	struct mk_state *want;
	struct mk_err *err;
	struct mk_arena *a;
	struct mk_names touched; /* instances */
	bool pool;
	bool known; /* after is no guess */
};

static bool is_touched(const struct inverter *v, const char *name)
{
	return mk_name_known(&v->touched, name, strlen(name)) != NULL;
}

static void note_touched(struct inverter *v, const struct mk_delta *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->op[i].subject)
			mk_intern(&v->touched, d->op[i].subject, strlen(d->op[i].subject));
		else
			v->pool = true;
}

/* ------------------------------------------------------------ as the overlays left it */

/* An operation that would lead from what was left to what is there: somebody else was there. */
static int changed_since(struct inverter *v, const struct mk_state *left)
{
	struct mk_delta d;

	mk_delta_init(&d, v->a);
	if (mk_delta_compute(&d, left, v->after, v->err))
		return MK_BAD;
	for (size_t i = 0; i < d.n; i++) {
		const struct mk_op *op = &d.op[i];

		if (!op->subject || !is_touched(v, op->subject))
			continue;
		mk_fail(v->err, MK_NO, "%s is not as the overlay left it: %s", op->subject,
			op->kind == MK_OP_UNSUPPORTED ? op->what : mk_op_name(op->kind));
		mk_hint(v->err, "undo what came later first; mk-diff says what that is");
		return MK_NO;
	}
	return MK_OK;
}

static int pool_changed(struct inverter *v, const char *what, const char *which)
{
	mk_fail(v->err, MK_NO, "the pool is not as the overlay left it: %s %s", which, what);
	mk_hint(v->err, "undo what came later first; mk-diff says what that is");
	return MK_NO;
}

/* ------------------------------------------------------------ the pool */

static int pool_cpus(struct inverter *v, const struct mk_state *left)
{
	struct mk_ranges before = mk_ranges_of(v->a, &v->before->pool.ids);
	struct mk_ranges then = mk_ranges_of(v->a, &left->pool.ids);
	struct mk_ranges now = mk_ranges_of(v->a, &v->after->pool.ids);
	struct mk_ranges come, gone;
	struct mk_ids *pool = &v->want->pool.ids, *host = &v->want->host_cpus.ids;
	size_t n = 0;

	mk_ranges_init(&come, v->a);
	mk_ranges_init(&gone, v->a);
	mk_ranges_minus(&come, &then, &before);
	mk_ranges_minus(&gone, &before, &then);
	for (size_t i = 0; i < come.n; i++)
		if (!mk_ranges_has(&now, come.r[i].first, come.r[i].last))
			return pool_changed(v, "are not in it", "CPUs that came");
	for (size_t i = 0; i < gone.n; i++)
		if (mk_ranges_meets(&now, gone.r[i].first, gone.r[i].last))
			return pool_changed(v, "are in it again", "CPUs that went");
	for (size_t i = 0; i < pool->n; i++)
		if (!mk_ranges_has(&come, pool->id[i], pool->id[i]))
			pool->id[n++] = pool->id[i];
		else if (v->want->host_cpus.known)
			mk_ids_add(v->a, host, pool->id[i]);
	pool->n = n;
	for (size_t i = 0; i < gone.n; i++)
		for (uint64_t id = gone.r[i].first;; id++) {
			mk_ids_add(v->a, pool, id);
			if (id == gone.r[i].last)
				break;
		}
	for (size_t i = n = 0; i < host->n; i++)
		if (!mk_ranges_has(&gone, host->id[i], host->id[i]))
			host->id[n++] = host->id[i];
	host->n = n;
	return MK_OK;
}

static bool same_chunk(const struct mk_mem *x, const struct mk_mem *y)
{
	return x->placed == y->placed && x->base == y->base && x->size == y->size;
}

static size_t find_chunk(const struct mk_mems *list, const struct mk_mem *m)
{
	size_t i = 0;

	while (i < list->n && !same_chunk(&list->m[i], m))
		i++;
	return i;
}

/* The chunk that the kernel has made of a size: one that was not there before, and no other is like it. */
static int made_of(struct inverter *v, const struct mk_mem *m, size_t *at)
{
	size_t found = 0;

	for (size_t i = 0; i < v->want->chunks.n; i++) {
		const struct mk_mem *x = &v->want->chunks.m[i];

		if (x->size != m->size || (m->node != MK_NODE_ANY && x->node != m->node) ||
		    find_chunk(&v->before->chunks, x) < v->before->chunks.n)
			continue;
		*at = i;
		found++;
	}
	if (!found)
		return pool_changed(v, "is not in it", "memory that came");
	if (found > 1) {
		mk_fail(v->err, MK_NO,
			"which memory chunk came is not known: %zu of that size were not there "
			"before",
			found);
		mk_hint(v->err, "mk-alloc pool-remove @pool memory=0xBASE+SIZE takes one away");
		return MK_NO;
	}
	return MK_OK;
}

static int pool_memory(struct inverter *v, const struct mk_state *left)
{
	for (size_t i = 0; i < left->chunks.n; i++) { /* what came goes */
		const struct mk_mem *m = &left->chunks.m[i];
		struct mk_mems *chunks = &v->want->chunks;
		size_t at;
		int rc;

		if (find_chunk(&v->before->chunks, m) < v->before->chunks.n)
			continue;
		at = find_chunk(chunks, m);
		rc = at < chunks->n ? MK_OK : made_of(v, m, &at);
		if (rc)
			return rc;
		chunks->n--;
		memmove(chunks->m + at, chunks->m + at + 1, (chunks->n - at) * sizeof(*chunks->m));
	}
	for (size_t i = 0; i < v->before->chunks.n; i++) { /* what went comes back, somewhere */
		struct mk_mem m = v->before->chunks.m[i];

		if (find_chunk(&left->chunks, &m) < left->chunks.n)
			continue;
		if (find_chunk(&v->after->chunks, &m) < v->after->chunks.n)
			return pool_changed(v, "is in it again", "memory that went");
		m.placed = false;
		m.base = 0;
		mk_mem_add(v->a, &v->want->chunks, m);
	}
	return MK_OK;
}

static bool has_device(const struct mk_state *s, const struct mk_device *d)
{
	struct mk_use by_pci = {.pci_id = d->pci_id, .device = MK_NO_DEVICE};

	return mk_device_find(s, d->name, strlen(d->name)) != MK_NO_DEVICE ||
	       (d->pci_id && mk_use_by_pci(s, &by_pci));
}

static int pool_devices(struct inverter *v, const struct mk_state *left)
{
	struct mk_state *w = v->want;
	size_t n = 0;

	for (size_t i = 0; i < v->before->n_devices; i++) {
		const struct mk_device *d = &v->before->device[i];

		if (has_device(left, d))
			continue;
		if (has_device(v->after, d))
			return pool_changed(v, "is in it again", d->name);
		w->device = mk_arena_more(v->a, w->device, w->n_devices, &w->devices_cap,
					  sizeof(*w->device));
		w->device[w->n_devices++] = *d;
	}
	for (size_t i = 0; i < left->n_devices; i++)
		if (!has_device(v->before, &left->device[i]) && !has_device(v->after, &left->device[i]))
			return pool_changed(v, "is not in it", left->device[i].name);
	for (size_t i = 0; i < w->n_devices; i++)
		if (has_device(v->before, &w->device[i]) || !has_device(left, &w->device[i]))
			w->device[n++] = w->device[i];
	w->n_devices = n;
	return MK_OK;
}

/* ------------------------------------------------------------ instances */

/* Devices have other places in another state: uses find theirs again. */
static void resolve_uses(struct mk_state *s, struct mk_uses *uses, const struct mk_state *from)
{
	for (size_t i = 0; i < uses->n; i++) {
		struct mk_use *u = &uses->u[i];
		const char *pci = u->device != MK_NO_DEVICE ? mk_use_pci(from, u) : u->pci_id;

		u->pci_id = pci;
		u->device = MK_NO_DEVICE;
		if (!pci || !mk_use_by_pci(s, u))
			mk_use_resolve(s, u);
	}
}

static void restore_instances(struct inverter *v)
{
	struct mk_state old = mk_state_copy(v->before), *w = v->want;
	size_t kept = 0;

	for (size_t i = 0; i < w->n_instances; i++)
		if (!is_touched(v, w->instance[i].name))
			w->instance[kept++] = w->instance[i];
	w->n_instances = kept;
	for (size_t i = 0; i < w->n_instances; i++)
		resolve_uses(w, &w->instance[i].devices, v->after);
	for (size_t i = 0; i < old.n_instances; i++) {
		if (!is_touched(v, old.instance[i].name))
			continue;
		w->instance = mk_arena_more(v->a, w->instance, w->n_instances, &w->instances_cap,
					    sizeof(*w->instance));
		w->instance[w->n_instances] = old.instance[i];
		resolve_uses(w, &w->instance[w->n_instances++].devices, v->before);
	}
	mk_state_index(w);
}

/* ------------------------------------------------------------ all of it */

static int no_address(struct inverter *v, const char *whose)
{
	mk_fail(v->err, MK_NO, "%s: where its memory came to lie is not known", whose);
	mk_hint(v->err, v->known ? "AFTER does not say it, either: it is what the kernel knows"
				 : "the state behind the overlay says it: mk-overlay -r BEFORE OVERLAY "
				   "AFTER");
	return MK_NO;
}

static int no_way_back(struct inverter *v, const struct mk_delta *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct mk_op *op = &d->op[i];

		if (op->kind != MK_OP_UNSUPPORTED)
			continue;
		if (!strcmp(op->what, "memory-of-unknown-address"))
			return no_address(v, op->subject);
		mk_fail(v->err, MK_NO, "%s: no kernel operation brings back its %s",
			op->subject ? op->subject : "the pool", op->what);
		mk_hint(v->err, "delete the instance and create it anew");
		return MK_NO;
	}
	for (size_t i = 0; i < d->n; i++) {
		const struct mk_op *op = &d->op[i];
		bool takes = op->kind == MK_OP_MEMORY_REMOVE && !op->subject;

		for (size_t k = 0; takes && k < op->inst.mem.n; k++)
			if (!op->inst.mem.m[k].placed)
				return no_address(v, "the pool");
	}
	return MK_OK;
}

int mk_invert(struct mk_delta *out, const struct mk_state *before, struct mk_delta *const *done,
	      size_t n, const struct mk_state *after, struct mk_state *want, struct mk_err *err)
{
	struct mk_state left = mk_state_copy(before);
	struct inverter v = {
		.before = before, .after = after, .want = want, .err = err, .a = out->arena};
	struct mk_fold f;
	int rc = MK_OK;

	v.touched.arena = v.a;
	mk_fold_init(&f, &left);
	for (size_t i = 0; !rc && i < n; i++) {
		note_touched(&v, done[i]);
		rc = mk_fold_apply(&f, done[i], err);
	}
	mk_fold_end(&f);
	if (rc)
		return rc;
	v.after = after ? after : &left;
	v.known = after != NULL;
	if (!v.after->has_instances || !before->has_instances)
		return mk_fail(err, MK_BAD,
			       "a state says nothing about instances (it has no /instances)");
	if (after)
		rc = changed_since(&v, &left);
	if (rc)
		return rc;
	*want = mk_state_copy(v.after);
	if (v.pool) {
		rc = pool_cpus(&v, &left);
		if (!rc)
			rc = pool_memory(&v, &left);
		if (!rc)
			rc = pool_devices(&v, &left);
		if (rc)
			return rc;
		mk_state_index(want);
	}
	restore_instances(&v);
	rc = mk_delta_compute(out, v.after, want, err);
	return rc ? rc : no_way_back(&v, out);
}
