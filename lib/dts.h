/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts: device tree source, read and printed. The language is dtc's (Devicetree
 * Specification 0.4, chapter 6; dtc's manual for what the specification leaves
 * out), the trees that come out are dtc's. A dialect may add to the language;
 * what a dialect means is not known here.
 */
#ifndef MK_DTS_H
#define MK_DTS_H

#include <stdbool.h>
#include <stddef.h>

#include "tree.h"

struct mk_buf;

/* How a reference like <&eth0_vf1> is made up: of a device's name and a number. */
struct mk_dts_part {
	size_t device_len; /* bytes of the reference that name the device */
	const char *prop;  /* the property that holds the number: "vf-id" */
	uint32_t number;
};

/* Nodes by a name: node[i], where i + 1 is the mark of the name. */
struct mk_dts_found {
	struct mk_names names;
	struct mk_node **node;
	size_t n, cap;
	bool ready;
};

/* What a version tag other than /dts-v1/ switches on. */
struct mk_dts_dialect {
	const char *tag; /* "/multikernel-v1/" */

	/*
	 * Whether a property is a list of ids: every literal of <...> becomes
	 * a 64-bit cell. Other cell lists may hold one literal above 32 bits,
	 * alone or behind a 0.
	 */
	bool (*is_id_list)(const char *prop);

	/* A list had an id above 32 bits: whatever a reader must know of that goes into the tree.
	 */
	void (*wide_ids)(struct mk_tree *t);

	/*
	 * Splits a label that nothing defines; false when it is no reference
	 * to a part of a device. If the device exists, a node for the
	 * reference is made below the root.
	 */
	bool (*split_reference)(const char *label, struct mk_dts_part *part);

	/*
	 * The device that answers to a name which is no label, or NULL. found is the
	 * dialect's own, for one tree: zeroed but for names.arena.
	 */
	struct mk_node *(*find_device)(struct mk_tree *t, struct mk_dts_found *found,
				       const char *name, size_t len);
};

struct mk_dts_options {
	const char *const *include_dirs; /* searched behind the including file's own folder */
	size_t n_include_dirs;
	bool symbols;			      /* dtc -@: write __symbols__ */
	bool no_files;			      /* /include/ and /incbin/ are errors */
	const struct mk_dts_dialect *dialect; /* allowed beside /dts-v1/, or NULL */
	struct mk_diags *warnings;	      /* or NULL */
};

/* What was read beside the tree. Files are in the order they were opened. */
struct mk_dts_input {
	const char **opened;
	size_t n_opened, opened_cap;
	bool dialect; /* the source began with the dialect's tag */
};

/*
 * Compiles one source text into t (which mk_tree_init made). The text must
 * live as long as the tree. MK_BAD with file, line and column of what is
 * wrong; MK_SYS when an included file cannot be read.
 *
 * A root node with a name ("/web-server { };") becomes the root's property
 * model.
 */
int mk_dts_parse(struct mk_tree *t, const struct mk_file *src, const struct mk_dts_options *opts,
		 struct mk_dts_input *input, struct mk_err *err);

/*
 * Parses one value in DTS syntax ("a", "b" or <1 2> or [00 ff], also mixed)
 * into b, for the lines form. References are not allowed. src->text is the
 * whole file, at is the span of the value in it.
 */
int mk_dts_value(struct mk_tree *t, struct mk_span at, struct mk_buf *b, struct mk_err *err);

/* How a value is best shown. */
enum mk_value_kind { MK_VALUE_EMPTY, MK_VALUE_STRINGS, MK_VALUE_CELLS, MK_VALUE_BYTES };
enum mk_value_kind mk_value_kind(const char *prop_name, const char *data, size_t len);

/* Appends a value in DTS syntax; nothing for an empty one. */
void mk_dts_print_value(struct mk_buf *b, const char *prop_name, const char *data, size_t len);

struct mk_dts_print {
	bool view; /* a root with the property model is printed as /MODEL { }, without it */
};

/*
 * Appends the whole tree as source. MK_BAD when a name cannot be written in
 * the language (it can be in the lines form).
 */
int mk_dts_print(struct mk_buf *b, struct mk_tree *t, const struct mk_dts_print *how,
		 struct mk_err *err);

/*
 * The boot_cpuid that dtc finds in a tree: reg of the first node in /cpus, one
 * cell; else 0. A deleted node is the first one, too, but not when the tree
 * was printed and is read back.
 */
uint32_t mk_boot_cpuid(struct mk_tree *t, bool printed);

#endif
