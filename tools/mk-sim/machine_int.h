/* SPDX-License-Identifier: Apache-2.0 */
/* machine_int: the two halves of sim_machine_of to each other. */
#ifndef SIM_MACHINE_INT_H
#define SIM_MACHINE_INT_H

#include "machine.h"

/* The nodes of m are there by then. MK_BAD for an address that is none, or two's. */
int sim_machine_functions(struct sim_machine *m, const struct mk_state *s, struct mk_err *err);
void sim_machine_platforms(struct sim_machine *m, const struct mk_state *s);

#endif
