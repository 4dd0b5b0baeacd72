/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_resolve: what is done to a tree once all of its source is read: names
 * are checked, references become phandles and paths, unused nodes go,
 * __symbols__ and the fixups of a plugin are written. In dtc's order, because
 * the order decides which node gets which phandle.
 */
#include "dts_int.h"

#include <string.h>

#include "arena.h"
#include "num.h"

struct resolver {
	struct mk_tree *t;
	const struct mk_dts_options *opts;
	bool dialect, symbols;
	struct mk_err *err;
	/* phandles in use: open addressing, 0 is an empty slot */
	struct {
		uint32_t phandle;
		struct mk_node *node;
	} * used;
	size_t used_cap, n_used;
	uint32_t next_phandle;
	uint32_t stamp; /* a name that carries it was seen in this node */
	struct mk_dts_found devices;
};

/* A walk over all live nodes, parents first. fn returns 0 to go on. */
static int each_node(struct resolver *r, struct mk_node *n,
		     int (*fn)(struct resolver *r, struct mk_node *n))
{
	int rc = fn(r, n);

	for (struct mk_node *c = mk_first(n); !rc && c; c = mk_next(c))
		rc = each_node(r, c, fn);
	return rc;
}

static const char *path_of(const struct resolver *r, const struct mk_node *n)
{
	return mk_node_path(r->t->arena, n);
}

/* ------------------------------------------------------------ finding */

static bool live_label(const struct mk_label *l)
{
	return !l->deleted && l->node && !l->node->deleted;
}

/* The first in the order of the tree, where several nodes bear a label (an error, told later). */
static struct mk_node *first_with_label(struct mk_node *n, const char *interned)
{
	for (struct mk_label *l = n->labels; l; l = l->next)
		if (!l->deleted && l->name == interned)
			return n;
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		struct mk_node *found = first_with_label(c, interned);

		if (found)
			return found;
	}
	return NULL;
}

static struct mk_node *find_label(struct mk_tree *t, const char *name, size_t len)
{
	const char *interned = mk_name_known(&t->names, name, len);
	struct mk_node *found = NULL;

	if (!interned)
		return NULL;
	for (struct mk_label *l = *mk_name_labels(interned); l; l = l->same_name) {
		if (!live_label(l))
			continue;
		if (found && found != l->node)
			return first_with_label(t->root, interned);
		found = l->node;
	}
	return found;
}

struct mk_node *mk_dts_find(struct mk_tree *t, const char *ref)
{
	size_t len = strlen(ref);

	if (ref[0] == '/' && len > 1 && ref[len - 1] == '/' && ref[len - 2] == '/')
		return NULL; /* to dtc, a last name that is empty */
	if (ref[0] == '/')
		return mk_node_at(t, t->root, ref, len);
	return find_label(t, ref, len);
}

/* The label of a node that is at most two edits away from name, or NULL. */
static const char *nearest_label(struct mk_tree *t, const char *name)
{
	const char *best = NULL;
	unsigned edits = 3;

	for (size_t i = 0; i < t->names.cap; i++) {
		const char *label = mk_names_slot(&t->names, i);
		unsigned e;

		if (!label || !find_label(t, label, strlen(label)))
			continue;
		e = mk_num_edits(name, label, 2);
		if (e < edits || (e == edits && best && strcmp(label, best) < 0)) {
			edits = e;
			best = label;
		}
	}
	return best;
}

int mk_dts_no_such(struct mk_tree *t, const char *ref, struct mk_span at, struct mk_err *err)
{
	const char *best;

	if (ref[0] == '/') {
		size_t len = strlen(ref);

		mk_fail_at(err, MK_BAD, at, "there is no node %s", ref);
		while (len > 1 && !(t->root && mk_node_at(t, t->root, ref, len)))
			while (--len > 1 && ref[len] != '/')
				;
		if (len > 1 && ref[len])
			mk_hint(err, "%.*s is there, but holds no '%.*s'", (int)len, ref,
				(int)strcspn(ref + len + 1, "/"), ref + len + 1);
		return MK_BAD;
	}
	mk_fail_at(err, MK_BAD, at, "nothing is labelled '%s'", ref);
	best = nearest_label(t, ref);
	if (best)
		mk_hint(err, "did you mean &%s?", best);
	else
		mk_hint(err, "label the node that is meant: \"%s: name { ... };\"", ref);
	return MK_BAD;
}

/* ------------------------------------------------------------ names and labels */

static int check_names(struct resolver *r, struct mk_node *n)
{
	/* the lexer takes more characters than either kind of name may have */
	const char *bad = strpbrk(n->name, "*#?");

	if (bad)
		return mk_fail_at(r->err, MK_BAD, n->at,
				  "'%c' is not allowed in the name of a node", *bad);
	if (mk_unit(n->name) && strchr(mk_unit(n->name), '@'))
		return mk_fail_at(r->err, MK_BAD, n->at, "more than one '@' in the name of a node");
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		if (strchr(p->name, '@'))
			return mk_fail_at(r->err, MK_BAD, p->at,
					  "'@' is not allowed in the name of a property");
	return MK_OK;
}

/*
 * "a { }; /delete-node/ a;" in one and the same { }: what is deleted is what
 * an earlier definition made, so that the node would stay.
 */
static int check_deletions(struct resolver *r, struct mk_node *n)
{
	r->stamp++;
	for (const struct mk_node *c = n->child; c; c = c->next) {
		uint32_t *mark = mk_name_mark(c->name);

		if (!c->deleted) {
			*mark = r->stamp;
		} else if (*mark == r->stamp) {
			mk_fail_at(r->err, MK_BAD, c->at,
				   "'%s' is deleted where it is defined, and would stay", c->name);
			mk_hint(r->err,
				"leave both out, or delete it in a definition of its parent "
				"that comes later");
			return MK_BAD;
		}
	}
	return MK_OK;
}

/* A property "name" says again what the node is called; IEEE 1275 had it, a blob has not. */
static int check_name_prop(struct resolver *r, struct mk_node *n)
{
	struct mk_prop *p = mk_prop(r->t, n, "name"), *before;
	size_t base = mk_base_len(n->name);

	if (!p)
		return MK_OK;
	if (p->len != base + 1 || memcmp(p->data, n->name, base) || p->data[base]) {
		mk_fail_at(r->err, MK_BAD, p->at,
			   "property 'name' of %s differs from the node's name", path_of(r, n));
		mk_hint(r->err, "remove the property: the name of a node is its name");
		return MK_BAD;
	}
	if (n->prop == p) {
		n->prop = p->next;
		before = NULL;
	} else {
		for (before = n->prop; before->next != p; before = before->next)
			;
		before->next = p->next;
	}
	if (n->last_prop == p)
		n->last_prop = before;
	n->props--;
	n->index = NULL;
	return MK_OK;
}

static int see_label(struct resolver *r, const char *name, struct mk_span at)
{
	uint32_t *mark = mk_name_mark(name);

	if (*mark) {
		mk_fail_at(r->err, MK_BAD, at, "label '%s' is defined twice", name);
		mk_hint(r->err, "the first one is on line %u; rename one of them", *mark);
		return MK_BAD;
	}
	*mark = at.line ? at.line : 1;
	return MK_OK;
}

static int check_labels(struct resolver *r, struct mk_node *n)
{
	for (struct mk_label *l = n->labels; l; l = l->next)
		if (!l->deleted && see_label(r, l->name, n->at))
			return MK_BAD;
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		for (struct mk_label *l = p->labels; l; l = l->next)
			if (!l->deleted && see_label(r, l->name, p->at))
				return MK_BAD;
		for (struct mk_mark *m = p->marks; m; m = m->next)
			if (m->kind == MK_MARK_LABEL && see_label(r, m->name, m->at))
				return MK_BAD;
	}
	return MK_OK;
}

/* ------------------------------------------------------------ phandles */

static size_t phandle_slot(const struct resolver *r, uint32_t phandle)
{
	size_t i = (size_t)(phandle * 2654435761U) & (r->used_cap - 1);

	while (r->used[i].phandle && r->used[i].phandle != phandle)
		i = (i + 1) & (r->used_cap - 1);
	return i;
}

static struct mk_node *phandle_node(const struct resolver *r, uint32_t phandle)
{
	return r->used_cap ? r->used[phandle_slot(r, phandle)].node : NULL;
}

static void use_phandle(struct resolver *r, uint32_t phandle, struct mk_node *n)
{
	size_t i;

	if (r->n_used * 2 >= r->used_cap) {
		size_t old_cap = r->used_cap;
		struct mk_node *node;

		void *old = r->used;
		r->used_cap = old_cap ? old_cap * 4 : 64;
		r->used = mk_arena_array(r->t->arena, r->used_cap, sizeof(*r->used));
		for (size_t j = 0; j < old_cap; j++) {
			node = ((__typeof__(r->used))old)[j].node;
			if (!node)
				continue;
			i = phandle_slot(r, node->phandle);
			r->used[i].phandle = node->phandle;
			r->used[i].node = node;
		}
	}
	i = phandle_slot(r, phandle);
	r->used[i].phandle = phandle;
	r->used[i].node = n;
	r->n_used++;
	n->phandle = phandle;
}

static bool refers(const struct mk_prop *p)
{
	for (const struct mk_mark *m = p->marks; m; m = m->next)
		if (m->kind == MK_MARK_PHANDLE)
			return true;
	return false;
}

/* The value of phandle or linux,phandle; 0 where there is none (yet). */
static int explicit_phandle(struct resolver *r, struct mk_node *n, const char *name, uint32_t *v)
{
	struct mk_prop *p = mk_prop(r->t, n, name);

	*v = MK_PHANDLE_NONE;
	if (!p)
		return MK_OK;
	if (p->len != 4)
		return mk_fail_at(r->err, MK_BAD, p->at, "%s of %s must be one cell, not %u bytes",
				  name, path_of(r, n), p->len);
	if (refers(p)) {
		/* <&itself> asks for any free phandle; another node's makes no sense */
		for (struct mk_mark *m = p->marks; m; m = m->next)
			if (m->kind == MK_MARK_PHANDLE && mk_dts_find(r->t, m->name) != n)
				return mk_fail_at(r->err, MK_BAD, m->at,
						  "%s of %s refers to another node", name,
						  path_of(r, n));
		return MK_OK;
	}
	*v = mk_be32(p->data);
	if (*v == MK_PHANDLE_NONE || *v == MK_PHANDLE_UNRESOLVED) {
		mk_fail_at(r->err, MK_BAD, p->at, "0x%x is no phandle", *v);
		mk_hint(r->err,
			"phandles are 0x1 to 0xfffffffe; one is assigned where it is needed");
		return MK_BAD;
	}
	return MK_OK;
}

static int note_phandle(struct resolver *r, struct mk_node *n)
{
	struct mk_prop *p = mk_prop(r->t, n, "phandle");
	uint32_t v, old;
	int rc = explicit_phandle(r, n, "phandle", &v);

	if (!rc)
		rc = explicit_phandle(r, n, "linux,phandle", &old);
	if (rc)
		return rc;
	if (v && old && v != old)
		return mk_fail_at(r->err, MK_BAD, p->at, "phandle and linux,phandle of %s differ",
				  path_of(r, n));
	if (!v)
		v = old;
	if (!v)
		return MK_OK;
	if (phandle_node(r, v)) {
		mk_fail_at(r->err, MK_BAD, (p ? p : mk_prop(r->t, n, "linux,phandle"))->at,
			   "phandle 0x%x is given to %s and to %s", v,
			   path_of(r, phandle_node(r, v)), path_of(r, n));
		mk_hint(r->err, "remove the property: a phandle is assigned where it is needed");
		return MK_BAD;
	}
	use_phandle(r, v, n);
	return MK_OK;
}

static uint32_t phandle_of(struct resolver *r, struct mk_node *n)
{
	if (n->phandle)
		return n->phandle;
	/* what a node had that is omitted by now is free again */
	for (;; r->next_phandle++) {
		const struct mk_node *other = phandle_node(r, r->next_phandle);

		if (!other || other->deleted)
			break;
	}
	use_phandle(r, r->next_phandle, n);
	if (!mk_prop(r->t, n, "phandle"))
		mk_add_u32(r->t, n, "phandle", n->phandle);
	return n->phandle;
}

/* ------------------------------------------------------------ references of a dialect */

/* <&eth0_vf1> that nothing defines: makes "eth0_vf1: eth0_vf1 { parent = <&eth0>; vf-id = <1>; }"
 */
static void make_reference(struct resolver *r, const struct mk_mark *m)
{
	struct mk_dts_part part;
	struct mk_node *device, *n;
	struct mk_prop *parent;
	struct mk_mark *to;

	if (!r->opts->dialect->split_reference(m->name, &part))
		return;
	device = find_label(r->t, m->name, part.device_len);
	if (!device)
		device = r->opts->dialect->find_device(r->t, &r->devices, m->name, part.device_len);
	if (!device || mk_child(r->t, r->t->root, m->name))
		return;
	n = mk_add_node(r->t, r->t->root, m->name);
	n->at = m->at;
	mk_label_node(r->t, n, m->name);
	mk_label_register(r->t, n->labels);
	parent = mk_add_prop(r->t, n, "parent", "\xff\xff\xff\xff", 4);
	to = mk_arena_alloc(r->t->arena, sizeof(*to));
	*to = (struct mk_mark){.kind = MK_MARK_PHANDLE, .name = path_of(r, device), .at = m->at};
	parent->marks = to;
	mk_add_u32(r->t, n, part.prop, part.number);
}

static int make_references(struct resolver *r, struct mk_node *n)
{
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		for (struct mk_mark *m = p->marks; m; m = m->next)
			if (m->kind != MK_MARK_LABEL && !mk_dts_find(r->t, m->name))
				make_reference(r, m);
	return MK_OK;
}

/* ------------------------------------------------------------ references */

/* An error; if it is like "eth1_vf1", the hint is about the device that has no such name. */
static int no_such(struct resolver *r, const struct mk_mark *m)
{
	struct mk_dts_part part;
	const char *device, *best;

	mk_dts_no_such(r->t, m->name, m->at, r->err);
	if (m->name[0] == '/' || !r->opts->dialect ||
	    !r->opts->dialect->split_reference(m->name, &part))
		return MK_BAD;
	device = mk_arena_strn(r->t->arena, m->name, part.device_len);
	best = r->dialect ? nearest_label(r->t, device) : NULL;
	if (!r->dialect && find_label(r->t, device, part.device_len))
		mk_hint(r->err, "under %s instead of /dts-v1/ it would be made from '%s'",
			r->opts->dialect->tag, device);
	else if (best)
		mk_hint(r->err, "no device answers to '%s'; did you mean &%s%s?", device, best,
			m->name + part.device_len);
	return MK_BAD;
}

static int resolve_phandles(struct resolver *r, struct mk_node *n)
{
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		char *data = NULL;

		for (struct mk_mark *m = p->marks; m; m = m->next) {
			struct mk_node *to;
			uint32_t v = MK_PHANDLE_UNRESOLVED;

			if (m->kind != MK_MARK_PHANDLE)
				continue;
			to = mk_dts_find(r->t, m->name);
			if (!to && !r->t->plugin)
				return no_such(r, m);
			if (to) {
				v = phandle_of(r, to);
				to->referenced = true;
			}
			if (!data) {
				data = mk_arena_strn(r->t->arena, p->data, p->len);
				p->data = data;
			}
			for (int i = 3; i >= 0; i--, v >>= 8)
				data[m->off + (uint32_t)i] = (char)(v & 0xff);
		}
	}
	return MK_OK;
}

/* Puts the paths of &references into a value; what follows moves up. */
static int resolve_prop_paths(struct resolver *r, struct mk_prop *p)
{
	struct mk_buf b;
	uint32_t done = 0;

	mk_buf_init(&b, r->t->arena);
	for (struct mk_mark *m = p->marks; m; m = m->next) {
		struct mk_node *to;

		if (m->off > done)
			mk_buf_add(&b, p->data + done, m->off - done);
		done = m->off;
		m->off = (uint32_t)b.len;
		if (m->kind != MK_MARK_PATH)
			continue;
		to = mk_dts_find(r->t, m->name);
		if (!to) {
			mk_dts_no_such(r->t, m->name, m->at, r->err);
			if (r->t->plugin)
				mk_hint(r->err,
					"a plugin cannot hold the path of a node that it does not "
					"define");
			return MK_BAD;
		}
		to->referenced = true;
		mk_buf_str(&b, path_of(r, to));
		mk_buf_char(&b, '\0');
	}
	if (p->len > done)
		mk_buf_add(&b, p->data + done, p->len - done);
	p->data = b.data;
	p->len = (uint32_t)b.len;
	return MK_OK;
}

static int resolve_paths(struct resolver *r, struct mk_node *n)
{
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		for (struct mk_mark *m = p->marks; m; m = m->next)
			if (m->kind == MK_MARK_PATH) {
				if (resolve_prop_paths(r, p))
					return MK_BAD;
				break;
			}
	return MK_OK;
}

static int omit_unused(struct resolver *r, struct mk_node *n)
{
	if (n->omit_if_no_ref && !n->referenced && !(r->symbols && n->labels))
		mk_delete_node(n);
	return MK_OK;
}

/* ------------------------------------------------------------ __symbols__, __fixups__ */

static struct mk_node *root_child(struct resolver *r, const char *name)
{
	struct mk_node *n = mk_child(r->t, r->t->root, name);

	return n ? n : mk_add_node(r->t, r->t->root, name);
}

static int any_label(struct resolver *r, struct mk_node *n)
{
	(void)r;
	return n->labels != NULL;
}

static int write_symbols(struct resolver *r, struct mk_node *n)
{
	struct mk_node *symbols = mk_child(r->t, r->t->root, "__symbols__");

	if (!n->labels)
		return MK_OK;
	for (struct mk_label *l = n->labels; l; l = l->next)
		if (!l->deleted && !mk_prop(r->t, symbols, l->name))
			mk_add_str(r->t, symbols, l->name, path_of(r, n));
	phandle_of(r, n);
	return MK_OK;
}

/* A phandle reference that finds nothing here and is left to whoever applies the overlay. */
static bool is_external(struct resolver *r, const struct mk_mark *m)
{
	return m->kind == MK_MARK_PHANDLE && !mk_dts_find(r->t, m->name);
}

static bool is_local(struct resolver *r, const struct mk_mark *m)
{
	return m->kind == MK_MARK_PHANDLE && mk_dts_find(r->t, m->name);
}

static int any_external(struct resolver *r, struct mk_node *n)
{
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		for (struct mk_mark *m = p->marks; m; m = m->next)
			if (is_external(r, m))
				return 1;
	return 0;
}

static int any_local(struct resolver *r, struct mk_node *n)
{
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		for (struct mk_mark *m = p->marks; m; m = m->next)
			if (is_local(r, m))
				return 1;
	return 0;
}

static size_t grown_cap(size_t len)
{
	size_t cap = 64;

	while (cap < len)
		cap *= 2;
	return cap;
}

/* Appends to a generated property, whose room is grown_cap(): many uses of a label stay linear. */
static void append_value(struct mk_tree *t, struct mk_node *n, const char *name, const void *data,
			 size_t len)
{
	struct mk_prop *p = mk_prop(t, n, name);
	char *room;

	if (!p)
		p = mk_add_prop(t, n, name, NULL, 0);
	room = (char *)(uintptr_t)p->data;
	if (!p->len || p->at.line || grown_cap(p->len) < p->len + len) {
		room = mk_arena_alloc(t->arena, grown_cap(p->len + len));
		if (p->len)
			memcpy(room, p->data, p->len);
	}
	memcpy(room + p->len, data, len);
	p->data = room;
	p->len += (uint32_t)len;
}

static int write_fixups(struct resolver *r, struct mk_node *n)
{
	struct mk_node *fixups = mk_child(r->t, r->t->root, "__fixups__");
	const char *path = NULL;

	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		for (struct mk_mark *m = p->marks; m; m = m->next) {
			const char *entry;

			if (!is_external(r, m))
				continue;
			if (m->name[0] == '/') {
				mk_fail_at(r->err, MK_BAD, m->at,
					   "a plugin cannot refer to the path %s of another tree",
					   m->name);
				mk_hint(r->err, "refer to a label instead: <&label>");
				return MK_BAD;
			}
			if (!path)
				path = path_of(r, n);
			entry = mk_arena_fmt(r->t->arena, "%s:%s:%u", path, p->name, m->off);
			append_value(r->t, fixups, m->name, entry, strlen(entry) + 1);
		}
	return MK_OK;
}

/* The node below __local_fixups__ that stands for n. */
static struct mk_node *mirror(struct resolver *r, struct mk_node *local, const struct mk_node *n)
{
	struct mk_node *up, *m;

	if (!n->parent)
		return local;
	up = mirror(r, local, n->parent);
	m = mk_child(r->t, up, n->name);
	return m ? m : mk_add_node(r->t, up, n->name);
}

static int write_local_fixups(struct resolver *r, struct mk_node *n)
{
	struct mk_node *local = mk_child(r->t, r->t->root, "__local_fixups__");
	struct mk_node *here = NULL;

	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		for (struct mk_mark *m = p->marks; m; m = m->next) {
			unsigned char off[4] = {
				(unsigned char)(m->off >> 24), (unsigned char)(m->off >> 16),
				(unsigned char)(m->off >> 8), (unsigned char)m->off};

			if (!is_local(r, m))
				continue;
			if (!here)
				here = mirror(r, local, n);
			append_value(r->t, here, p->name, off, sizeof(off));
		}
	return MK_OK;
}

static int write_generated(struct resolver *r)
{
	struct mk_node *root = r->t->root;
	int rc = MK_OK;

	if (r->symbols && each_node(r, root, any_label)) {
		root_child(r, "__symbols__");
		rc = each_node(r, root, write_symbols);
	}
	if (!rc && r->t->plugin && each_node(r, root, any_external)) {
		root_child(r, "__fixups__");
		rc = each_node(r, root, write_fixups);
	}
	if (!rc && r->t->plugin && each_node(r, root, any_local)) {
		root_child(r, "__local_fixups__");
		rc = each_node(r, root, write_local_fixups);
	}
	return rc;
}

static bool has_name(const struct mk_tree *t, const char *name)
{
	return mk_name_known(&t->names, name, strlen(name)) != NULL;
}

int mk_dts_resolve(struct mk_tree *t, const struct mk_dts_options *opts, bool dialect,
		   unsigned seen, struct mk_err *err)
{
	bool phandles = has_name(t, "phandle") || has_name(t, "linux,phandle");
	/* each is a walk over the whole tree: what the source has none of needs none */
	const struct step {
		int (*fn)(struct resolver *r, struct mk_node *n);
		bool needed;
	} steps[] = {
		{check_names, true},
		{check_name_prop, has_name(t, "name")},
		{check_labels, seen & MK_SEEN_LABEL},
		{note_phandle, phandles},
		{resolve_phandles, seen & MK_SEEN_REF},
		{resolve_paths, seen & MK_SEEN_REF},
		{omit_unused, seen & MK_SEEN_OMIT},
	};
	struct resolver r = {
		.t = t,
		.opts = opts,
		.dialect = dialect,
		.err = err,
		.devices = {.names = {.arena = t->arena}},
		.next_phandle = 1,
		/* in the dialect a device is known by its label: labels are part of the tree */
		.symbols = opts->symbols || dialect,
	};
	bool generates = (r.symbols && seen & MK_SEEN_LABEL) ||
			 (seen & MK_SEEN_REF && (dialect || t->plugin));
	int rc = mk_tree_check(t, err);

	mk_names_unmark(&t->names);
	if (!rc && seen & MK_SEEN_DELETE)
		rc = each_node(&r, t->root, check_deletions);
	if (!rc && dialect && seen & MK_SEEN_REF)
		rc = each_node(&r, t->root, make_references);
	mk_names_unmark(&t->names);
	for (size_t i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].needed)
			rc = each_node(&r, t->root, steps[i].fn);
	if (!rc && generates)
		rc = write_generated(&r);
	if (!rc && generates)
		rc = mk_tree_check(t, err); /* what was generated may clash with what was there */
	return rc;
}
