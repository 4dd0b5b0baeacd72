/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: which system calls of the command come to us, and which are refused.
 * What is refused or comes to us never reaches the machine's own kernel: when
 * nobody listens any more, the calls go on failing.
 */
#ifndef SIM_FILTER_H
#define SIM_FILTER_H

/*
 * Puts the calling process and what it will start behind the filter. The
 * listener's descriptor, or a negative errno (-EBUSY: somebody listens already).
 */
int sim_filter_install(void);

#endif
