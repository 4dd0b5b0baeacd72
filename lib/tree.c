/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: names kept once, so that looking for a name is comparing pointers;
 * an index where a node has many children or properties, so that nothing is
 * quadratic in them.
 */
#include "tree.h"

#include <string.h>

#include "arena.h"
#include "num.h"
#include "sort.h"

/* ------------------------------------------------------------ names */

struct mk_name {
	uint32_t hash;
	uint32_t len;
	uint32_t mark;
	struct mk_label *label; /* the newest node label of that name */
	char s[];
};

static uint32_t hash_bytes(const char *s, size_t len)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619U;
	return h ^ h >> 15;
}

static size_t find_slot(const struct mk_names *names, const char *s, size_t len, uint32_t hash)
{
	size_t i = hash & (names->cap - 1);

	while (names->slot[i]) {
		const struct mk_name *n = names->slot[i];

		if (n->hash == hash && n->len == len && !memcmp(n->s, s, len))
			return i;
		i = (i + 1) & (names->cap - 1);
	}
	return i;
}

static void more_slots(struct mk_names *names)
{
	struct mk_name **old = names->slot;
	size_t old_cap = names->cap;

	names->cap = old_cap ? old_cap * 4 : 256;
	names->slot = mk_arena_array(names->arena, names->cap, sizeof(struct mk_name *));
	for (size_t i = 0; i < old_cap; i++) {
		size_t j;

		if (!old[i])
			continue;
		j = old[i]->hash & (names->cap - 1);
		while (names->slot[j])
			j = (j + 1) & (names->cap - 1);
		names->slot[j] = old[i];
	}
}

const char *mk_name_known(const struct mk_names *names, const char *s, size_t len)
{
	const struct mk_name *n;

	if (!names->cap)
		return NULL;
	n = names->slot[find_slot(names, s, len, hash_bytes(s, len))];
	return n ? n->s : NULL;
}

const char *mk_intern(struct mk_names *names, const char *s, size_t len)
{
	uint32_t hash = hash_bytes(s, len);
	struct mk_name *n;
	size_t i;

	if (names->n * 2 >= names->cap)
		more_slots(names);
	i = find_slot(names, s, len, hash);
	if (names->slot[i])
		return names->slot[i]->s;
	n = mk_arena_alloc(names->arena, sizeof(*n) + len + 1);
	n->hash = hash;
	n->len = (uint32_t)len;
	if (len)
		memcpy(n->s, s, len);
	names->slot[i] = n;
	names->n++;
	return n->s;
}

/* The header stands right before the bytes that were handed out. */
static struct mk_name *name_of(const char *interned)
{
	return (struct mk_name *)((uintptr_t)interned - offsetof(struct mk_name, s));
}

uint32_t *mk_name_mark(const char *interned)
{
	return &name_of(interned)->mark;
}

struct mk_label **mk_name_labels(const char *interned)
{
	return &name_of(interned)->label;
}

const char *mk_names_slot(const struct mk_names *names, size_t i)
{
	return names->slot[i] ? names->slot[i]->s : NULL;
}

void mk_names_unmark(struct mk_names *names)
{
	for (size_t i = 0; i < names->cap; i++)
		if (names->slot[i])
			names->slot[i]->mark = 0;
}

/* ------------------------------------------------------------ index */

enum { INDEX_FROM = 16 }; /* fewer are searched one by one */

/* Open addressing from an interned name to its first bearer. Children and properties share it. */
struct mk_index {
	void **slot; /* struct mk_node * or struct mk_prop *, told apart by kind */
	const char **key;
	unsigned char *kind;
	size_t cap, n;
};

enum { KIND_NODE = 1, KIND_PROP = 2 };

static size_t index_find(const struct mk_index *x, const char *key, unsigned char kind)
{
	uintptr_t h = (uintptr_t)key;
	size_t i = (size_t)((h >> 4) ^ (h >> 13) ^ kind) & (x->cap - 1);

	while (x->key[i] && (x->key[i] != key || x->kind[i] != kind))
		i = (i + 1) & (x->cap - 1);
	return i;
}

static void index_size(struct mk_arena *a, struct mk_index *x, size_t cap)
{
	x->cap = cap;
	x->slot = mk_arena_array(a, cap, sizeof(void *));
	x->key = mk_arena_array(a, cap, sizeof(const char *));
	x->kind = mk_arena_array(a, cap, 1);
}

static void index_add(struct mk_arena *a, struct mk_index *x, const char *key, unsigned char kind,
		      void *item)
{
	size_t i;

	if (x->n * 2 >= x->cap) {
		struct mk_index old = *x;

		index_size(a, x, old.cap ? old.cap * 4 : 128);
		for (i = 0; i < old.cap; i++) {
			size_t j;

			if (!old.key[i])
				continue;
			j = index_find(x, old.key[i], old.kind[i]);
			x->key[j] = old.key[i];
			x->kind[j] = old.kind[i];
			x->slot[j] = old.slot[i];
		}
	}
	i = index_find(x, key, kind);
	if (x->key[i])
		return; /* the first bearer stays */
	x->key[i] = key;
	x->kind[i] = kind;
	x->slot[i] = item;
	x->n++;
}

static struct mk_index *index_of(struct mk_tree *t, struct mk_node *node)
{
	struct mk_index *x = node->index;

	if (x)
		return x;
	x = mk_arena_alloc(t->arena, sizeof(*x));
	for (struct mk_node *c = node->child; c; c = c->next)
		index_add(t->arena, x, c->name, KIND_NODE, c);
	for (struct mk_prop *p = node->prop; p; p = p->next)
		index_add(t->arena, x, p->name, KIND_PROP, p);
	node->index = x;
	return x;
}

static void *index_get(const struct mk_index *x, const char *key, unsigned char kind)
{
	size_t i;

	if (!x->cap)
		return NULL;
	i = index_find(x, key, kind);
	return x->key[i] ? x->slot[i] : NULL;
}

/* ------------------------------------------------------------ building */

void mk_tree_init(struct mk_tree *t, struct mk_arena *a)
{
	*t = (struct mk_tree){.arena = a, .names = {.arena = a}};
}

struct mk_node *mk_node_new(struct mk_tree *t, const char *interned, struct mk_span at)
{
	struct mk_node *n = mk_arena_alloc(t->arena, sizeof(*n));

	n->name = interned;
	n->at = at;
	return n;
}

void mk_node_append(struct mk_tree *t, struct mk_node *parent, struct mk_node *child)
{
	child->parent = parent;
	child->next = NULL;
	if (parent->last_child)
		parent->last_child->next = child;
	else
		parent->child = child;
	parent->last_child = child;
	parent->children++;
	if (parent->index)
		index_add(t->arena, parent->index, child->name, KIND_NODE, child);
}

struct mk_prop *mk_prop_new(struct mk_tree *t, const char *interned, struct mk_span at)
{
	struct mk_prop *p = mk_arena_alloc(t->arena, sizeof(*p));

	p->name = interned;
	p->at = at;
	return p;
}

void mk_prop_append(struct mk_tree *t, struct mk_node *node, struct mk_prop *p)
{
	p->next = NULL;
	if (node->last_prop)
		node->last_prop->next = p;
	else
		node->prop = p;
	node->last_prop = p;
	node->props++;
	if (node->index)
		index_add(t->arena, node->index, p->name, KIND_PROP, p);
}

struct mk_node *mk_child_any(struct mk_tree *t, struct mk_node *parent, const char *interned)
{
	if (parent->children >= INDEX_FROM)
		return index_get(index_of(t, parent), interned, KIND_NODE);
	for (struct mk_node *c = parent->child; c; c = c->next)
		if (c->name == interned)
			return c;
	return NULL;
}

struct mk_prop *mk_prop_any(struct mk_tree *t, struct mk_node *node, const char *interned)
{
	if (node->props >= INDEX_FROM)
		return index_get(index_of(t, node), interned, KIND_PROP);
	for (struct mk_prop *p = node->prop; p; p = p->next)
		if (p->name == interned)
			return p;
	return NULL;
}

/* ------------------------------------------------------------ walking and finding */

static struct mk_node *live_node(struct mk_node *n)
{
	while (n && n->deleted)
		n = n->next;
	return n;
}

static struct mk_prop *live_prop(struct mk_prop *p)
{
	while (p && p->deleted)
		p = p->next;
	return p;
}

struct mk_node *mk_first(const struct mk_node *parent)
{
	return live_node(parent->child);
}

struct mk_node *mk_next(const struct mk_node *n)
{
	return live_node(n->next);
}

struct mk_prop *mk_prop_first(const struct mk_node *node)
{
	return live_prop(node->prop);
}

struct mk_prop *mk_prop_next(const struct mk_prop *p)
{
	return live_prop(p->next);
}

static struct mk_node *childn(struct mk_tree *t, struct mk_node *parent, const char *name,
			      size_t len)
{
	/* among few, comparing the names is less work than hashing the one that is looked for */
	if (parent->children >= INDEX_FROM) {
		const char *interned = mk_name_known(&t->names, name, len);
		struct mk_node *c =
			interned ? index_get(index_of(t, parent), interned, KIND_NODE) : NULL;

		if (!c || !c->deleted)
			return c;
	}
	for (struct mk_node *c = mk_first(parent); c; c = mk_next(c))
		if (!strncmp(c->name, name, len) && !c->name[len])
			return c;
	return NULL;
}

struct mk_node *mk_child(struct mk_tree *t, struct mk_node *parent, const char *name)
{
	return childn(t, parent, name, strlen(name));
}

struct mk_prop *mk_prop(struct mk_tree *t, struct mk_node *node, const char *name)
{
	if (node->props >= INDEX_FROM) {
		const char *interned = mk_name_known(&t->names, name, strlen(name));
		struct mk_prop *p =
			interned ? index_get(index_of(t, node), interned, KIND_PROP) : NULL;

		if (!p || !p->deleted)
			return p;
	}
	for (struct mk_prop *p = mk_prop_first(node); p; p = mk_prop_next(p))
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

struct mk_node *mk_node_at(struct mk_tree *t, struct mk_node *start, const char *path, size_t len)
{
	size_t i = 0;

	while (start && i < len) {
		size_t begin;

		while (i < len && path[i] == '/')
			i++;
		begin = i;
		while (i < len && path[i] != '/')
			i++;
		if (i > begin)
			start = childn(t, start, path + begin, i - begin);
	}
	return start;
}

char *mk_node_path(struct mk_arena *a, const struct mk_node *n)
{
	size_t len = 0, at;
	char *path;

	if (!n->parent)
		return mk_arena_str(a, "/");
	for (const struct mk_node *x = n; x->parent; x = x->parent)
		len += 1 + strlen(x->name);
	path = mk_arena_alloc(a, len + 1);
	at = len;
	for (const struct mk_node *x = n; x->parent; x = x->parent) {
		size_t l = strlen(x->name);

		at -= l;
		memcpy(path + at, x->name, l);
		path[--at] = '/';
	}
	return path;
}

size_t mk_base_len(const char *node_name)
{
	return strcspn(node_name, "@");
}

const char *mk_unit(const char *node_name)
{
	const char *at = strchr(node_name, '@');

	return at ? at + 1 : NULL;
}

/* ------------------------------------------------------------ building by hand */

struct mk_node *mk_add_node(struct mk_tree *t, struct mk_node *parent, const char *name)
{
	struct mk_node *n =
		mk_node_new(t, mk_intern(&t->names, name, strlen(name)), (struct mk_span){0});

	if (parent)
		mk_node_append(t, parent, n);
	else
		t->root = n;
	return n;
}

struct mk_prop *mk_add_prop(struct mk_tree *t, struct mk_node *node, const char *name,
			    const void *data, size_t len)
{
	struct mk_prop *p =
		mk_prop_new(t, mk_intern(&t->names, name, strlen(name)), (struct mk_span){0});

	if (len)
		p->data = mk_arena_strn(t->arena, data, len);
	p->len = (uint32_t)len;
	mk_prop_append(t, node, p);
	return p;
}

void mk_add_empty(struct mk_tree *t, struct mk_node *node, const char *name)
{
	mk_add_prop(t, node, name, NULL, 0);
}

void mk_add_str(struct mk_tree *t, struct mk_node *node, const char *name, const char *s)
{
	mk_add_prop(t, node, name, s, strlen(s) + 1);
}

void mk_add_u32(struct mk_tree *t, struct mk_node *node, const char *name, uint32_t v)
{
	unsigned char b[4];

	for (int i = 3; i >= 0; i--, v >>= 8)
		b[i] = (unsigned char)(v & 0xff);
	mk_add_prop(t, node, name, b, sizeof(b));
}

void mk_add_u64(struct mk_tree *t, struct mk_node *node, const char *name, uint64_t v)
{
	unsigned char b[8];

	for (int i = 7; i >= 0; i--, v >>= 8)
		b[i] = (unsigned char)(v & 0xff);
	mk_add_prop(t, node, name, b, sizeof(b));
}

void mk_copy_prop(struct mk_tree *t, struct mk_node *node, const struct mk_prop *from)
{
	mk_add_prop(t, node, from->name, from->data, from->len)->at = from->at;
}

struct mk_node *mk_copy_node(struct mk_tree *t, struct mk_node *parent, const struct mk_node *from)
{
	struct mk_node *n = mk_add_node(t, parent, from->name);

	n->at = from->at;
	for (const struct mk_prop *p = mk_prop_first(from); p; p = mk_prop_next(p))
		mk_copy_prop(t, n, p);
	for (const struct mk_node *c = mk_first(from); c; c = mk_next(c))
		mk_copy_node(t, n, c);
	return n;
}

void mk_add_reserve(struct mk_tree *t, uint64_t address, uint64_t size)
{
	struct mk_reserve *r = mk_arena_alloc(t->arena, sizeof(*r));

	r->address = address;
	r->size = size;
	if (t->last_reserve)
		t->last_reserve->next = r;
	else
		t->reserve = r;
	t->last_reserve = r;
}

/* ------------------------------------------------------------ sorting */

static int by_reserve(const void *x, const void *y)
{
	const struct mk_reserve *a = *(struct mk_reserve *const *)x;
	const struct mk_reserve *b = *(struct mk_reserve *const *)y;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->size == b->size ? 0 : a->size < b->size ? -1 : 1;
}

static int by_prop_name(const void *x, const void *y)
{
	return strcmp((*(struct mk_prop *const *)x)->name, (*(struct mk_prop *const *)y)->name);
}

static int by_node_name(const void *x, const void *y)
{
	return strcmp((*(struct mk_node *const *)x)->name, (*(struct mk_node *const *)y)->name);
}

static void sort_node(struct mk_arena *a, struct mk_node *n)
{
	struct mk_prop **props = mk_arena_array(a, n->props, sizeof(struct mk_prop *));
	struct mk_node **nodes = mk_arena_array(a, n->children, sizeof(struct mk_node *));
	size_t np = 0, nn = 0;

	for (struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p))
		props[np++] = p;
	for (struct mk_node *c = mk_first(n); c; c = mk_next(c))
		nodes[nn++] = c;
	mk_sort(props, np, sizeof(*props), by_prop_name);
	mk_sort(nodes, nn, sizeof(*nodes), by_node_name);
	for (size_t i = 0; i < np; i++)
		props[i]->next = i + 1 < np ? props[i + 1] : NULL;
	for (size_t i = 0; i < nn; i++)
		nodes[i]->next = i + 1 < nn ? nodes[i + 1] : NULL;
	n->prop = np ? props[0] : NULL;
	n->last_prop = np ? props[np - 1] : NULL;
	n->child = nn ? nodes[0] : NULL;
	n->last_child = nn ? nodes[nn - 1] : NULL;
	n->props = (uint32_t)np;
	n->children = (uint32_t)nn;
	n->index = NULL; /* made anew when it is needed */
	for (struct mk_node *c = n->child; c; c = c->next)
		sort_node(a, c);
}

void mk_tree_sort(struct mk_tree *t)
{
	struct mk_reserve **r;
	size_t n = 0, i = 0;

	for (struct mk_reserve *x = t->reserve; x; x = x->next)
		n++;
	r = mk_arena_array(t->arena, n, sizeof(struct mk_reserve *));
	for (struct mk_reserve *x = t->reserve; x; x = x->next)
		r[i++] = x;
	mk_sort(r, n, sizeof(*r), by_reserve);
	for (i = 0; i < n; i++)
		r[i]->next = i + 1 < n ? r[i + 1] : NULL;
	if (n) {
		t->reserve = r[0];
		t->last_reserve = r[n - 1];
	}
	sort_node(t->arena, t->root);
}

/* ------------------------------------------------------------ the invariant */

struct check {
	struct mk_tree *t;
	struct mk_err *err;
	uint32_t stamp; /* a name that carries it was seen in this node */
};

static void hint_first(const struct check *k, const char *what, struct mk_span at)
{
	if (at.line)
		mk_hint(k->err, "the first %s of that name is on line %u of %s; remove one of them",
			what, at.line, at.file->name);
	else
		mk_hint(k->err, "remove or rename one of them");
}

static int duplicate_prop(const struct check *k, const struct mk_node *n, const struct mk_prop *dup)
{
	const struct mk_prop *p = mk_prop_first(n);

	while (p != dup && p->name != dup->name)
		p = mk_prop_next(p);
	mk_fail_at(k->err, MK_BAD, dup->at, "%s has two properties '%s' [MK802]",
		   mk_node_path(k->t->arena, n), dup->name);
	hint_first(k, "property", p->at);
	return MK_BAD;
}

static int duplicate_node(const struct check *k, const struct mk_node *n, const struct mk_node *dup)
{
	const struct mk_node *c = mk_first(n);

	while (c != dup && c->name != dup->name)
		c = mk_next(c);
	mk_fail_at(k->err, MK_BAD, dup->at, "%s has two nodes '%s' [MK803]",
		   mk_node_path(k->t->arena, n), dup->name);
	hint_first(k, "node", c->at);
	return MK_BAD;
}

static int check_node(struct check *k, const struct mk_node *n, unsigned depth)
{
	if (depth > MK_DEPTH_MAX)
		return mk_fail_at(k->err, MK_BAD, n->at, "nodes are nested more than %d deep",
				  MK_DEPTH_MAX);
	k->stamp++;
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		uint32_t *mark = mk_name_mark(p->name);

		if (*mark == k->stamp)
			return duplicate_prop(k, n, p);
		*mark = k->stamp;
	}
	k->stamp++;
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		uint32_t *mark = mk_name_mark(c->name);

		if (*mark == k->stamp)
			return duplicate_node(k, n, c);
		*mark = k->stamp;
	}
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c)) {
		int rc = check_node(k, c, depth + 1);

		if (rc)
			return rc;
	}
	return MK_OK;
}

int mk_tree_check(struct mk_tree *t, struct mk_err *err)
{
	struct check k = {.t = t, .err = err};

	mk_names_unmark(&t->names);
	return check_node(&k, t->root, 0);
}

/* ------------------------------------------------------------ values */

bool mk_prop_u32(const struct mk_prop *p, uint32_t *v)
{
	if (!p || p->len != 4)
		return false;
	*v = mk_be32(p->data);
	return true;
}

bool mk_prop_u64(const struct mk_prop *p, uint64_t *v)
{
	if (!p || (p->len != 4 && p->len != 8))
		return false;
	*v = p->len == 4 ? mk_be32(p->data) : mk_be64(p->data);
	return true;
}

bool mk_prop_is_string(const struct mk_prop *p)
{
	return p && p->len && memchr(p->data, '\0', p->len) == p->data + p->len - 1;
}

bool mk_prop_is_strings(const struct mk_prop *p)
{
	return p && p->len && p->data[p->len - 1] == '\0';
}
