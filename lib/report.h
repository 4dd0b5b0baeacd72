/* SPDX-License-Identifier: Apache-2.0 */
/* report: a state as tables for a person, or as records. */
#ifndef MK_REPORT_H
#define MK_REPORT_H

#include "buf.h"
#include "state.h"

/* The machine, its pool, its devices, its instances. Names are escaped as in records. */
void mk_report_state(struct mk_buf *b, const struct mk_state *s);

/* CPUs and memory as a map, a letter an instance; with ANSI colours for a terminal. */
void mk_report_map(struct mk_buf *b, const struct mk_state *s, bool colour);

/* One instance in full. */
void mk_report_instance(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *x);

/* One line an instance. */
void mk_report_brief(struct mk_buf *b, const struct mk_state *s);

/* The same facts as records: machine, pool, device, instance. only may be NULL for all. */
void mk_report_records(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *only);

/* A state that was judged. */
struct mk_verdict {
	const struct mk_state *s;
	const struct mk_diags *d;
	size_t number; /* of the state in its stream, from 1 */
	bool baseline; /* it was judged as one */
	bool ascii;    /* for text: no signs beyond it */
};

/* The validation report as a person reads it. */
void mk_report_text(struct mk_buf *b, const struct mk_verdict *v);

/*
 * The same facts as one JSON or YAML document; its shape is that of
 * contrib/report.schema.json.
 */
void mk_report_document(struct mk_buf *b, const struct mk_verdict *v, bool yaml);

#endif
