/* SPDX-License-Identifier: Apache-2.0 */
/* calls: the system calls that the filter sends us. */
#ifndef SIM_CALLS_H
#define SIM_CALLS_H

#include <sys/types.h>

struct sim_kernel;

struct sim_calls {
	struct sim_kernel *k;
	int listener;
	int base;  /* the root of our filesystem, an O_PATH descriptor */
	dev_t dev; /* its device */
};

/* Answers calls in a thread of its own. False when there can be none. */
int sim_calls_start(struct sim_calls *c);

#endif
