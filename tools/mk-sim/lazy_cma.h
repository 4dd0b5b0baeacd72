/* SPDX-License-Identifier: Apache-2.0 */
/* lazy_cma: the ioctls of /dev/lazy_cma, out of which ABI 1 takes the memory of its pool. */
#ifndef SIM_LAZY_CMA_H
#define SIM_LAZY_CMA_H

#include <stddef.h>

struct sim_kernel;

/* data, of the size that cmd says, is read and written. A negative errno, or 0. */
int sim_lazy_cma(struct sim_kernel *k, unsigned cmd, void *data, size_t bytes);

#endif
