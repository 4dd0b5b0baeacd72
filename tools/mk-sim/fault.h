/* SPDX-License-Identifier: Apache-2.0 */
/* fault: what goes wrong because somebody asked for it: --fault, --trap, and ctl. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_err;

struct sim_fault {
	char *op;      /* "write", "reboot", "cpu-add" */
	char *path;    /* a path of the filesystem, a command, or "" for any */
	uint64_t nth;  /* from 1; 0 for each */
	uint64_t seen; /* matching operations so far */
	int error;     /* positive errno */
};

enum { SIM_TRAP_LAST = 22 };

struct sim_faults {
	struct sim_fault *f;
	size_t n, cap;
	unsigned armed[SIM_TRAP_LAST + 1]; /* by number: how often it still snaps */
};

/* "OP:PATH:N:ERRNO". MK_BAD with a hint. */
int sim_fault_add(struct sim_faults *f, const char *spec, struct mk_err *err);

/* "Tn" or "Tn:TIMES". MK_BAD for a number that is no trap, or one that needs no arming. */
int sim_trap_arm(struct sim_faults *f, const char *spec, struct mk_err *err);

/* Counts the operation; the negative errno that it is to fail with, or 0. */
int sim_fault(struct sim_faults *f, const char *op, const char *path);

/* Whether the trap is armed; takes one off where it snaps a number of times. */
bool sim_trap(struct sim_faults *f, unsigned number);
bool sim_trap_set(const struct sim_faults *f,
		  unsigned number); /* the same, and takes nothing off */

/* A negative errno by name ("EIO"), 0 for an unknown one; and its name. */
int sim_errno_named(const char *name);
const char *sim_errno_name(int error);

#endif
