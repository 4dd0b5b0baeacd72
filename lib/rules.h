/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: what makes a state a valid one. One table; a rule sees the whole
 * state, sorted once, and reports each defect once with both parties.
 */
#ifndef MK_RULES_H
#define MK_RULES_H

#include "state.h"

struct mk_rules_options {
	bool baseline;	 /* -b: instances are not allowed */
	uint32_t max_id; /* 0 for MK_ID_MAX */
};

struct mk_rule_ctx;

/* One line of the table. Rules of the decoder stand in it without a function. */
struct mk_rule {
	const char *id; /* "MK401" */
	enum mk_severity severity;
	const char *text;  /* what is wrong when it fires */
	const char *cure;  /* what to do about it */
	const char *needs; /* rules that must not have fired, "MK102 MK105"; or NULL */
	void (*fn)(struct mk_rule_ctx *c);
};

/* The table, in the order in which rules run; ends with an id of NULL. */
extern const struct mk_rule mk_rules[];

/* Runs all rules; findings are added to those that decoding has left in diags. */
void mk_rules_run(const struct mk_state *s, const struct mk_rules_options *opts,
		  struct mk_diags *diags);

#endif
