/* SPDX-License-Identifier: Apache-2.0 */
/* decode_int: what the files of decode share. For lib/decode*.c alone. */
#ifndef MK_DECODE_INT_H
#define MK_DECODE_INT_H

#include "decode.h"

struct mk_decoder {
	struct mk_state *s;
	struct mk_tree *t;
	const struct mk_decode_options *opts;
	struct mk_diags *diags;
	const char *subject;	    /* the instance that is being read, or NULL */
	struct mk_device **by_node; /* all devices of s, once they have names */
	bool wide;		    /* lists of CPUs have 64-bit cells without a doubt */
	/* phandle to node, sorted, made when first needed */
	struct mk_handle {
		uint32_t phandle;
		struct mk_node *node;
	} * handle;
	size_t n_handles, handles_cap;
	bool have_handles;
};

#define ERR(d, rule, w, ...) mk_finding((d)->diags, MK_ERROR, rule, (d)->subject, w, __VA_ARGS__)
#define WARN(d, rule, w, ...) mk_finding((d)->diags, MK_WARNING, rule, (d)->subject, w, __VA_ARGS__)

/* decode_value.c */
/* What exactly a finding is about, for comparing with an older state: see mk_known. */
void mk_decode_item(struct mk_decoder *d, struct mk_diag *x, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Names that are not known: an error in a closed node, elsewhere a warning when
 * one is nearly a known name. False for errors.
 */
bool mk_decode_check_names(struct mk_decoder *d, const struct mk_node *n, const char *const *known,
			   bool closed);
bool mk_decode_is_common(const char *name);

/*
 * The same for nodes, by their names without unit address. One that is nearly
 * a known name is an error everywhere: all that stands in it would be lost.
 */
void mk_decode_check_nodes(struct mk_decoder *d, const struct mk_node *n, const char *const *known,
			   bool closed);

/* The property, or NULL. */
struct mk_prop *mk_decode_prop(struct mk_decoder *d, struct mk_node *n, const char *name);

/* MK801: a property is not what is wanted; example shows how to write it. */
void mk_decode_wrong_type(struct mk_decoder *d, const struct mk_node *n, const struct mk_prop *p,
			  const char *wanted, const char *example);

/*
 * Values. False or NULL when the property is missing, and, with a finding, when
 * it has another shape. w receives the place of the property, whatever its shape.
 */
const char *mk_decode_string(struct mk_decoder *d, struct mk_node *n, const char *name);
bool mk_decode_u32(struct mk_decoder *d, struct mk_node *n, const char *name, uint32_t *v);
bool mk_decode_u64(struct mk_decoder *d, struct mk_node *n, const char *name, uint64_t *v,
		   struct mk_where *w);
bool mk_decode_numbers(struct mk_decoder *d, struct mk_node *n, const char *name,
		       struct mk_cpus *out);
bool mk_decode_cpus(struct mk_decoder *d, struct mk_node *n, const char *name, struct mk_cpus *out);
bool mk_decode_reg(struct mk_decoder *d, struct mk_node *n, uint64_t *base, uint64_t *size);

/* The node of a phandle, or NULL. */
struct mk_node *mk_decode_by_phandle(struct mk_decoder *d, uint32_t phandle);
char *mk_decode_hint(struct mk_decoder *d, const char *before, const char *name, const char *after);
struct mk_where mk_at(const struct mk_node *n, const struct mk_prop *p);

/* decode_device.c */
/* All devices of a node devices { }; those below a PCI host bridge of the kernel's. */
void mk_decode_devices(struct mk_decoder *d, struct mk_node *list);
void mk_decode_bridge(struct mk_decoder *d, struct mk_node *n);

/* /aliases; and then what each device is called. */
void mk_decode_aliases(struct mk_decoder *d);
void mk_decode_name_devices(struct mk_decoder *d);

/* What an instance uses: references, or nodes in the kernel's form. */
void mk_decode_phandle_uses(struct mk_decoder *d, struct mk_instance *x, struct mk_node *n,
			    struct mk_prop *p);
void mk_decode_node_uses(struct mk_decoder *d, struct mk_instance *x, struct mk_node *list);

/* decode_instance.c */
/* memory@X { } and unplaced@I { }. */
void mk_decode_memory_nodes(struct mk_decoder *d, struct mk_node *list, struct mk_mems *out);
bool mk_decode_base_and_bytes(struct mk_decoder *d, struct mk_node *n, const char *base_name,
			      const char *bytes_name, struct mk_mems *out, bool complete);
void mk_decode_instance(struct mk_decoder *d, struct mk_node *n, const char *name, bool closed);

#endif
