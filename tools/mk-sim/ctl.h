/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl: what somebody inside tells the simulation: one request a connection of
 * a Unix socket: words, each with its NUL, and the end of writing. The answer
 * is a status digit, then text: records, or what was wrong.
 */
#ifndef SIM_CTL_H
#define SIM_CTL_H

#include "buf.h"

struct sim_kernel;

/* Serves the socket in a thread of its own. MK_SYS. */
int sim_ctl_start(struct sim_kernel *k, struct mk_err *err);

/* Does what the words say. The exit status; b receives text. */
int sim_ctl_do(struct sim_kernel *k, struct mk_arena *a, char **word, size_t n, struct mk_buf *b);

/* The other side: sends words, receives the answer. The exit status, or MK_SYS. */
int sim_ctl_ask(char **word, size_t n, struct mk_buf *answer, struct mk_err *err);

/* state.c: all there is, as records. */
void sim_state_records(struct sim_kernel *k, struct mk_arena *a, struct mk_buf *b);

#endif
