/* SPDX-License-Identifier: Apache-2.0 */
/* calls_int: the parts of calls to each other. */
#ifndef SIM_CALLS_INT_H
#define SIM_CALLS_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "calls.h"

struct seccomp_notif;

/* In place of an errno: */
enum {
	SIM_WAITS = 1, /* the answer was given, or will never come */
	SIM_PASSES,    /* it is none of ours: the system does it */
};

void sim_answer(const struct sim_calls *c, uint64_t id, int error);

/* calls_files.c: calls that look at files, when it is one of ours */
bool sim_may_be_kimage(const struct seccomp_notif *q); /* by the path's end alone */
int sim_kimage_call(const struct sim_calls *c, const struct seccomp_notif *q);
int sim_statfs_call(const struct sim_calls *c, const struct seccomp_notif *q);
bool sim_call_is_there(const struct sim_calls *c, uint64_t id); /* it still waits */

#endif
