/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a device tree in memory: nodes and properties with the places they
 * were written at. Knows what a device tree is (Devicetree Specification 0.4,
 * chapters 2 and 5), and nothing of multikernel.
 *
 * Everything belongs to the arena of the tree. A tree that a reader (dts, fdt,
 * lines) has handed out has no two live siblings and no two live properties of
 * a node with the same name.
 */
#ifndef MK_TREE_H
#define MK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct mk_arena;
struct mk_node;
struct mk_index;

enum {
	MK_DEPTH_MAX = 64,	     /* levels below the root */
	MK_TREE_BYTES_MAX = 1 << 30, /* of a blob, a source text, a property */
	MK_PHANDLE_NONE = 0,	     /* no phandle */
};
#define MK_PHANDLE_UNRESOLVED 0xffffffffU /* what a plugin holds until its target is known */

enum mk_mark_kind {
	MK_MARK_LABEL,	 /* name is the label */
	MK_MARK_PHANDLE, /* a cell that refers to name (a label, or a path that begins with '/') */
	MK_MARK_PATH,	 /* the path of name goes here */
};

/* Something that stands inside a value. */
struct mk_mark {
	enum mk_mark_kind kind;
	uint32_t off; /* bytes into the value */
	const char *name;
	struct mk_span at;
	struct mk_mark *next;
};

struct mk_label {
	const char *name;
	struct mk_node *node; /* NULL for a property's label */
	bool deleted;
	struct mk_label *next;	    /* of the same node or property, newest first */
	struct mk_label *same_name; /* other nodes' labels of that name */
};

struct mk_prop {
	const char *name; /* interned: equal names of one tree are equal pointers */
	const char *data; /* len bytes; NULL when len is 0 */
	uint32_t len;
	bool deleted;
	struct mk_label *labels;
	struct mk_mark *marks; /* by rising offset */
	struct mk_span at;     /* the name */
	struct mk_span value;  /* from the value's first byte to its last; line 0 for none */
	struct mk_prop *next;
};

struct mk_node {
	const char *name; /* with unit address; "" for the root; interned */
	struct mk_node *parent, *next;
	struct mk_node *child, *last_child;
	struct mk_prop *prop, *last_prop;
	struct mk_label *labels;
	struct mk_index *index; /* names of children and properties, where there are many */
	struct mk_span at;	/* the name */
	uint32_t phandle;
	uint32_t children, props; /* counts, deleted ones included */
	bool deleted;
	bool omit_if_no_ref, referenced;
};

struct mk_reserve {
	uint64_t address, size; /* bytes */
	struct mk_reserve *next;
};

/* Names, each kept once. */
struct mk_names {
	struct mk_arena *arena;
	struct mk_name **slot;
	size_t cap, n;
};

struct mk_tree {
	struct mk_arena *arena;
	struct mk_names names;
	struct mk_node *root;
	struct mk_reserve *reserve, *last_reserve;
	uint32_t boot_cpuid;
	bool plugin; /* compiled from a /plugin/ source */
};

void mk_tree_init(struct mk_tree *t, struct mk_arena *a);

/* The one copy of s[0..len); an unknown one is added. Never NULL. */
const char *mk_intern(struct mk_names *names, const char *s, size_t len);

/* The one copy, or NULL when the tree has no such name. */
const char *mk_name_known(const struct mk_names *names, const char *s, size_t len);

/*
 * A number that belongs to an interned name, 0 at first: a reader's or
 * writer's own use, as long as it lasts (duplicates, string offsets).
 */
uint32_t *mk_name_mark(const char *interned);
void mk_names_unmark(struct mk_names *names); /* all back to 0 */

/* The name in slot i (below cap), or NULL: for looking at all of them, in no useful order. */
const char *mk_names_slot(const struct mk_names *names, size_t i);

/* Head of the chain of node labels that have an interned name: the dts reader's own. */
struct mk_label **mk_name_labels(const char *interned);

struct mk_node *mk_node_new(struct mk_tree *t, const char *interned, struct mk_span at);

/* Appends a child; it must have no parent. */
void mk_node_append(struct mk_tree *t, struct mk_node *parent, struct mk_node *child);

struct mk_prop *mk_prop_new(struct mk_tree *t, const char *interned, struct mk_span at);
void mk_prop_append(struct mk_tree *t, struct mk_node *node, struct mk_prop *p);

/* The first child or property of that (interned) name, deleted ones included; or NULL. */
struct mk_node *mk_child_any(struct mk_tree *t, struct mk_node *parent, const char *interned);
struct mk_prop *mk_prop_any(struct mk_tree *t, struct mk_node *node, const char *interned);

/* The first live child or property of that name, or NULL. */
struct mk_node *mk_child(struct mk_tree *t, struct mk_node *parent, const char *name);
struct mk_prop *mk_prop(struct mk_tree *t, struct mk_node *node, const char *name);

/* The live node at an absolute path below start, or NULL. "" and "/" are start itself. */
struct mk_node *mk_node_at(struct mk_tree *t, struct mk_node *start, const char *path, size_t len);

/* First and next live child or property, NULL at the end: for (n = mk_first(x); n; n = mk_next(n)).
 */
struct mk_node *mk_first(const struct mk_node *parent);
struct mk_node *mk_next(const struct mk_node *n);
struct mk_prop *mk_prop_first(const struct mk_node *node);
struct mk_prop *mk_prop_next(const struct mk_prop *p);

/* "/", "/resources/devices/eth0". In arena a. */
char *mk_node_path(struct mk_arena *a, const struct mk_node *n);

/* Length of the name before '@'; the unit address behind it, or NULL. */
size_t mk_base_len(const char *node_name);
const char *mk_unit(const char *node_name);

/* Building trees, for those who know what they want: names and data are copied. */
struct mk_node *mk_add_node(struct mk_tree *t, struct mk_node *parent, const char *name);
struct mk_prop *mk_add_prop(struct mk_tree *t, struct mk_node *node, const char *name,
			    const void *data, size_t len);
void mk_add_empty(struct mk_tree *t, struct mk_node *node, const char *name);
void mk_add_str(struct mk_tree *t, struct mk_node *node, const char *name, const char *s);
void mk_add_u32(struct mk_tree *t, struct mk_node *node, const char *name, uint32_t v);
void mk_add_u64(struct mk_tree *t, struct mk_node *node, const char *name, uint64_t v);

/* A deep copy of a live subtree (of any tree) as a new child of parent; labels are not copied. */
struct mk_node *mk_copy_node(struct mk_tree *t, struct mk_node *parent, const struct mk_node *from);
void mk_copy_prop(struct mk_tree *t, struct mk_node *node, const struct mk_prop *from);

void mk_add_reserve(struct mk_tree *t, uint64_t address, uint64_t size);

/* Sorts reservations, properties and nodes by name, as dtc -s does. */
void mk_tree_sort(struct mk_tree *t);

/*
 * The invariant of a finished tree: no duplicates, depth within bounds. MK_BAD
 * with the second one's place.
 */
int mk_tree_check(struct mk_tree *t, struct mk_err *err);

/* Values. Each says whether the property has that shape. */
bool mk_prop_u32(const struct mk_prop *p, uint32_t *v);
bool mk_prop_u64(const struct mk_prop *p, uint64_t *v); /* one or two cells */
bool mk_prop_is_string(const struct mk_prop *p);	/* one string, its NUL at the end */
bool mk_prop_is_strings(const struct mk_prop *p);	/* one or more */

#endif
