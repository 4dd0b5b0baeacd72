/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: what makes a state a valid one. One table; a rule sees the whole
 * state, sorted once, and reports each defect once with both parties.
 */
#ifndef MK_RULES_H
#define MK_RULES_H

#include "state.h"

/*
 * Findings of an older state, so that those of a newer one can be told apart
 * into old and new ones. A finding is known when all that it is about (the
 * CPUs with their owners, the regions, the device) was in findings of that
 * rule before, and no sum has grown: what is half mended stays known.
 */
struct mk_known {
	struct mk_names names;
	uint64_t *excess; /* by the mark of a name, less one */
	size_t n, cap;
	bool open; /* findings are being collected: none silences another */
};

struct mk_rules_options {
	bool baseline;	 /* -b: instances are not allowed */
	uint32_t max_id; /* 0 for MK_ID_MAX */
	bool notes;	 /* rules whose findings are notes run, too */
	/*
	 * Not NULL: findings are going to be compared. Errors that are known do not
	 * silence the rules that need theirs, so that nothing new hides behind them.
	 */
	const struct mk_known *known;
	const struct mk_state *before; /* the state that was changed into this one; or NULL */
};

/*
 * The errors of a state: those that decoding has left in diags, and those of all
 * rules with the given options, which are added to diags.
 */
void mk_known_of(struct mk_known *k, const struct mk_state *s, const struct mk_rules_options *opts,
		 struct mk_diags *diags);
bool mk_known_has(const struct mk_known *k, const struct mk_diag *d);

struct mk_rule_ctx;

/* One line of the table. Rules of the decoder stand in it without a function. */
struct mk_rule {
	const char *id; /* "MK401" */
	enum mk_severity severity;
	const char *text; /* what is wrong when it fires */
	const char *cure; /* what to do about it */
	/*
	 * Rules that come before, "MK102 MK105*": a finding is dropped when one of them
	 * has spoken of the same subject or of the machine; with '*', of anything.
	 */
	const char *needs;
	void (*fn)(struct mk_rule_ctx *c);
};

/* The table, in the order in which rules run, those of notes last; ends with an id of NULL. */
extern const struct mk_rule mk_rules[];

/* Runs all rules; findings are added to those that decoding has left in diags. */
void mk_rules_run(const struct mk_state *s, const struct mk_rules_options *opts,
		  struct mk_diags *diags);

#endif
