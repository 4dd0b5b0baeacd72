/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_merge: one definition laid over what there is, in dtc's way: what is
 * deleted keeps its place, so that a later definition revives it there.
 */
#include "arena.h"
#include "dts_int.h"

void mk_label_node(struct mk_tree *t, struct mk_node *n, const char *interned)
{
	struct mk_label *l;

	for (l = n->labels; l; l = l->next)
		if (l->name == interned) {
			l->deleted = false;
			return;
		}
	l = mk_arena_alloc(t->arena, sizeof(*l));
	l->name = interned;
	l->node = n;
	l->next = n->labels;
	n->labels = l;
}

void mk_label_prop(struct mk_tree *t, struct mk_prop *prop, const char *interned)
{
	struct mk_label *l;

	for (l = prop->labels; l; l = l->next)
		if (l->name == interned) {
			l->deleted = false;
			return;
		}
	l = mk_arena_alloc(t->arena, sizeof(*l));
	l->name = interned;
	l->next = prop->labels;
	prop->labels = l;
}

void mk_label_register(struct mk_tree *t, struct mk_label *l)
{
	struct mk_label **head = mk_name_labels(l->name);

	(void)t;
	l->same_name = *head;
	*head = l;
}

void mk_labels_register(struct mk_tree *t, struct mk_node *n)
{
	for (struct mk_label *l = n->labels; l; l = l->next)
		mk_label_register(t, l);
	for (struct mk_node *c = n->child; c; c = c->next)
		mk_labels_register(t, c);
}

static void delete_prop(struct mk_prop *p)
{
	p->deleted = true;
	for (struct mk_label *l = p->labels; l; l = l->next)
		l->deleted = true;
}

void mk_delete_node(struct mk_node *n)
{
	n->deleted = true;
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c))
		mk_delete_node(c);
	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		delete_prop(p);
	for (struct mk_label *l = n->labels; l; l = l->next)
		l->deleted = true;
}

/* Adds a label to a node of the tree proper: a new one must become findable. */
void mk_label_merged(struct mk_tree *t, struct mk_node *n, const char *name)
{
	struct mk_label *newest = n->labels;

	mk_label_node(t, n, name);
	if (n->labels != newest)
		mk_label_register(t, n->labels);
}

static void merge_prop(struct mk_tree *t, struct mk_node *into, struct mk_prop *p)
{
	struct mk_prop *old = mk_prop_any(t, into, p->name);

	if (p->deleted) {
		if (old)
			delete_prop(old);
		return;
	}
	if (!old) {
		mk_prop_append(t, into, p);
		return;
	}
	for (struct mk_label *l = p->labels; l; l = l->next)
		mk_label_prop(t, old, l->name);
	old->data = p->data;
	old->len = p->len;
	old->marks = p->marks;
	old->at = p->at;
	old->value = p->value;
	old->deleted = false;
}

void mk_merge(struct mk_tree *t, struct mk_node *into, struct mk_node *from)
{
	struct mk_prop *p, *next_prop;
	struct mk_node *c, *next_child;

	into->deleted = false;
	for (struct mk_label *l = from->labels; l; l = l->next)
		mk_label_merged(t, into, l->name);
	for (p = from->prop; p; p = next_prop) {
		next_prop = p->next;
		merge_prop(t, into, p);
	}
	for (c = from->child; c; c = next_child) {
		struct mk_node *old = mk_child_any(t, into, c->name);

		next_child = c->next;
		if (c->deleted) {
			if (old)
				mk_delete_node(old);
		} else if (old) {
			mk_merge(t, old, c);
		} else {
			mk_node_append(t, into, c);
			mk_labels_register(t, c);
		}
	}
}
