/* SPDX-License-Identifier: Apache-2.0 */
/* report: a state as tables for a person, or as records. */
#ifndef MK_REPORT_H
#define MK_REPORT_H

#include "buf.h"
#include "state.h"

/* The machine, its pool, its devices, its instances. Names are escaped as in records. */
void mk_report_state(struct mk_buf *b, const struct mk_state *s);

/* One instance in full. */
void mk_report_instance(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *x);

/* One line an instance. */
void mk_report_brief(struct mk_buf *b, const struct mk_state *s);

/* The same facts as records: machine, pool, device, instance. only may be NULL for all. */
void mk_report_records(struct mk_buf *b, const struct mk_state *s, const struct mk_instance *only);

#endif
