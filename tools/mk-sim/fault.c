/* SPDX-License-Identifier: Apache-2.0 */
/* fault: what goes wrong because somebody asked for it. */
#include <errno.h>
#include <string.h>

#include "err.h"
#include "kernel.h"
#include "num.h"

static const struct {
	const char *name;
	int error;
} errors[] = {
	{"EPERM", EPERM},
	{"ENOENT", ENOENT},
	{"EINTR", EINTR},
	{"EIO", EIO},
	{"ENXIO", ENXIO},
	{"E2BIG", E2BIG},
	{"ENOEXEC", ENOEXEC},
	{"EBADF", EBADF},
	{"EAGAIN", EAGAIN},
	{"ENOMEM", ENOMEM},
	{"EACCES", EACCES},
	{"EFAULT", EFAULT},
	{"EBUSY", EBUSY},
	{"EEXIST", EEXIST},
	{"ENODEV", ENODEV},
	{"EINVAL", EINVAL},
	{"ENFILE", ENFILE},
	{"EMFILE", EMFILE},
	{"EFBIG", EFBIG},
	{"ENOSPC", ENOSPC},
	{"EROFS", EROFS},
	{"ERANGE", ERANGE},
	{"ENOSYS", ENOSYS},
	{"ENOTEMPTY", ENOTEMPTY},
	{"ENAMETOOLONG", ENAMETOOLONG},
	{"EOPNOTSUPP", EOPNOTSUPP},
	{"ETIMEDOUT", ETIMEDOUT},
	{"EKEYREJECTED", EKEYREJECTED},
	{"ENOTDIR", ENOTDIR},
	{"EISDIR", EISDIR},
	{"ENOTTY", ENOTTY},
	{"ESRCH", ESRCH},
};
enum { N_ERRORS = sizeof errors / sizeof *errors };

int sim_errno_named(const char *name)
{
	size_t i;

	for (i = 0; i < N_ERRORS; i++)
		if (!strcmp(errors[i].name, name))
			return -errors[i].error;
	return 0;
}

const char *sim_errno_name(int error)
{
	size_t i;

	for (i = 0; i < N_ERRORS; i++)
		if (errors[i].error == (error < 0 ? -error : error))
			return errors[i].name;
	return "EUNKNOWN";
}

/* What can be made to fail, and where its path comes from. */
static const char *const ops[] = {"open",
				  "read",
				  "write",
				  "rmdir",
				  "ioctl",
				  "mount",
				  "kexec_file_load",
				  "reboot",
				  "instance-create",
				  "instance-remove",
				  "memory-add",
				  "memory-remove",
				  "cpu-add",
				  "cpu-remove",
				  "device-add",
				  "device-remove",
				  NULL};

/* Whether something of that path can ever be met. */
static bool known_path(const char *op, const char *path)
{
	static const char *const loads[] = {"load", "unload", NULL}, *const commands[] = {
									     "boot", "halt", "kill",
									     NULL};
	const char *const *p = NULL;

	if (!*path)
		return true;
	if (strchr(op, '-'))
		return false; /* an item of an overlay has none */
	if (!strcmp(op, "kexec_file_load"))
		p = loads;
	else if (!strcmp(op, "reboot"))
		p = commands;
	else
		return path[0] != '/';
	while (*p && strcmp(*p, path))
		p++;
	return *p;
}

static bool known_op(const char *op)
{
	size_t i;

	for (i = 0; ops[i]; i++)
		if (!strcmp(ops[i], op))
			return true;
	return false;
}

static int bad(struct mk_err *err, const char *spec, const char *why)
{
	mk_fail(err, MK_BAD, "fault '%s': %s", spec, why);
	mk_hint(err, "OP:PATH:N:ERRNO, like write:overlays/new:3:EIO or reboot:boot:1:EBUSY; N is "
		     "which of them, * each");
	return MK_BAD;
}

int sim_fault_add(struct sim_faults *f, const char *spec, struct mk_err *err)
{
	char *copy = sim_str(spec), *part[4], *s = copy;
	struct sim_fault add = {0};
	int i;

	/* from both ends: a path may hold a colon */
	part[0] = s;
	s = strchr(s, ':');
	if (!s)
		return bad(err, spec, "there are not four parts");
	*s++ = '\0';
	for (i = 3; i >= 2; i--) {
		char *colon = strrchr(s, ':');

		if (!colon)
			return bad(err, spec, "there are not four parts");
		part[i] = colon + 1;
		*colon = '\0';
	}
	part[1] = s;
	add.op = part[0];
	add.path = part[1];
	if (!known_op(add.op))
		return bad(err, spec, "no such operation can be made to fail");
	if (!known_path(add.op, add.path))
		return bad(err, spec, "that operation never has such a path");
	if (strcmp(part[2], "*") && (!mk_num_u64(part[2], strlen(part[2]), &add.nth) || !add.nth))
		return bad(err, spec, "which one is a number from 1, or *");
	add.error = -sim_errno_named(part[3]);
	if (!add.error)
		return bad(err, spec, "no error of that name");
	f->f = sim_more(f->f, f->n, &f->cap, sizeof *f->f);
	f->f[f->n++] = add;
	return 0;
}

int sim_fault(struct sim_faults *f, const char *op, const char *path)
{
	int error = 0;
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct sim_fault *x = &f->f[i];

		if (strcmp(x->op, op) || (*x->path && strcmp(x->path, path)))
			continue;
		x->seen++;
		if (!error && (!x->nth || x->nth == x->seen))
			error = -x->error;
	}
	return error;
}

/* Traps that need provoking: whether they snap once or last. */
static const struct {
	unsigned number;
	bool lasts;
} traps[] = {{6, true},	  {7, false},  {9, true},  {12, false}, {13, false},
	     {15, false}, {16, false}, {17, true}, {22, true}};

int sim_trap_arm(struct sim_faults *f, const char *spec, struct mk_err *err)
{
	const char *colon = strchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : strlen(spec), i;
	uint32_t number = 0, times = 1;

	if (spec[0] != 'T' || !mk_num_u32(spec + 1, len - 1, &number) ||
	    (colon && (!mk_num_u32(colon + 1, strlen(colon + 1), &times) || !times))) {
		mk_fail(err, MK_BAD, "'%s' is no trap", spec);
		mk_hint(err, "a trap is T and its number, like T7, or T7:3 for three times");
		return MK_BAD;
	}
	for (i = 0; i < sizeof traps / sizeof *traps; i++)
		if (traps[i].number == number) {
			f->armed[number] += traps[i].lasts ? 1 : times;
			return 0;
		}
	mk_fail(err, MK_BAD, "trap T%u needs no arming, or is none of this kernel's", number);
	mk_hint(err, "T6, T7, T9, T12, T13, T15, T16, T17 and T22 are armed; the others are there "
		     "always");
	return MK_BAD;
}

bool sim_trap_set(const struct sim_faults *f, unsigned number)
{
	return f->armed[number] > 0;
}

bool sim_trap(struct sim_faults *f, unsigned number)
{
	size_t i;

	if (!f->armed[number])
		return false;
	for (i = 0; i < sizeof traps / sizeof *traps; i++)
		if (traps[i].number == number && !traps[i].lasts)
			f->armed[number]--;
	return true;
}
