/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mk-sim: runs a command on a simulated multikernel host. Three processes: this
 * one, which waits; the first of a pid namespace, which is the host's kernel;
 * and the command. Whichever of the first two dies takes the rest along.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "calls.h"
#include "cli.h"
#include "ctl.h"
#include "dialect.h"
#include "filter.h"
#include "fs.h"
#include "kernel.h"
#include "mounts.h"
#include "num.h"

static const char usage[] =
	"mk-sim [-MVh] [-m MACHINE] [--abi 1|2] [--speed N] [--trap Tn] [--fault SPEC]\n"
	"              -- COMMAND...\n"
	"       mk-sim ctl [-j] REQUEST...\n"
	"  -m MACHINE    the machine, in any form of mk-dts(5) (default: 32 CPUs, 64 GiB)\n"
	"  -M, --mount   mount /sys/fs/multikernel before COMMAND starts\n"
	"  --abi N       which kernel: 1 (mk,instance, lazy_cma) or 2 (target-path, default)\n"
	"  --speed N     the simulation's own waits are N times as short\n"
	"  --trap Tn     arm a trap of the kernel's: T6 T7 T9 T12 T13 T15 T16 T17 T22\n"
	"  --fault SPEC  OP:PATH:N:ERRNO, like write:overlays/new:3:EIO\n"
	"  -h, -V        this help, the version\n"
	"Requests of ctl: state; crash, hang, exit, park, replace NAME; take cpu ID;\n"
	"take device PCI; fill [SIZE]; trap Tn; fault SPEC.\n";

enum { EXIT_NO_COMMAND = 127, EXIT_NO_EXEC = 126 };
enum { SPEED_MAX = 10000 }; /* 63 bits of nanoseconds are ten days then */

struct options {
	const char *machine;
	bool mount, terminal; /* the command is to have the terminal */
	char **command;
	sigset_t mask; /* what we were given, for the command */
	void (*at_child)(int);
};

/* From who waits to the kernel, beside numbers of signals; and back. */
enum { TAKE_TERMINAL = 0xff, STOPPED = 1 };

/* ---------------------------------------------------------------- between processes */

static void send_fd(int socket, int fd)
{
	char c = 0, room[CMSG_SPACE(sizeof fd)] = {0};
	struct iovec v = {&c, 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	if (sendmsg(socket, &m, MSG_NOSIGNAL) != 1)
		_exit(EXIT_NO_EXEC);
}

/* A descriptor, or a negative errno that was sent in its place. */
static int receive_fd(int socket)
{
	char room[CMSG_SPACE(sizeof(int))];
	int error = 0, fd;
	struct iovec v = {&error, sizeof error};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) <= 0)
		return -EPIPE;
	if (!CMSG_FIRSTHDR(&m))
		return error ? error : -EPIPE;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

/* ---------------------------------------------------------------- the terminal */

/*
 * A shell that looks for its process group finds none whose leader is outside of
 * its pid namespace. At a terminal the command gets a group of its own, as a job
 * of ours: we stop when it does, and hand the terminal back to it afterwards.
 */
static bool terminal_is_ours(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void give_terminal(pid_t group)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGTTOU); /* also from the background */
	sigprocmask(SIG_BLOCK, &set, &old);
	tcsetpgrp(STDIN_FILENO, group);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* ---------------------------------------------------------------- the command */

/* Waits for the world to be there, goes behind the filter, and becomes the command. */
static _Noreturn void be_command(int socket, const struct options *o)
{
	char go;
	int fd;

	if (read(socket, &go, 1) != 1)
		_exit(EXIT_NO_EXEC);
	fd = sim_filter_install();
	if (fd < 0) {
		if (write(socket, &fd, sizeof fd) != sizeof fd)
			_exit(EXIT_NO_EXEC);
		_exit(EXIT_NO_EXEC);
	}
	send_fd(socket, fd);
	close(fd);
	if (read(socket, &go, 1) != 1)
		_exit(EXIT_NO_EXEC);
	close(socket);
	if (o->terminal && !setpgid(0, 0))
		give_terminal(getpid());
	signal(SIGCHLD, o->at_child);
	sigprocmask(SIG_SETMASK, &o->mask, NULL);
	execvp(o->command[0], o->command);
	fprintf(stderr, "mk-sim: cannot run %s: %s\n", o->command[0], strerror(errno));
	_exit(errno == ENOENT ? EXIT_NO_COMMAND : EXIT_NO_EXEC);
}

/* ---------------------------------------------------------------- the host's kernel */

static _Noreturn void give_up(struct cli *c, const struct mk_err *err)
{
	cli_error(c, err);
	_exit(CLI_TROUBLE);
}

static void start_filter(struct cli *c, int socket, struct sim_calls *calls)
{
	struct mk_err err;

	if (write(socket, "", 1) != 1)
		_exit(CLI_TROUBLE);
	calls->listener = receive_fd(socket);
	if (calls->listener >= 0 && !sim_calls_start(calls)) {
		if (write(socket, "", 1) != 1)
			_exit(CLI_TROUBLE);
		return;
	}
	if (calls->listener == -EBUSY) {
		mk_fail(&err, MK_SYS, "somebody answers system calls here already");
		mk_hint(&err, "mk-sim does not run inside of mk-sim, nor of another such program");
	} else {
		mk_fail(&err, MK_SYS, "seccomp's user notification is missing: %s",
			strerror(calls->listener < 0 ? -calls->listener : EAGAIN));
		mk_hint(&err, "Linux 5.14 or newer with CONFIG_SECCOMP_FILTER has it");
	}
	give_up(c, &err);
}

/* Orphans end up here; the command's end is everybody's. *stopped: it was. */
static int reap(pid_t command, bool *stopped)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != command)
			continue;
		if (WIFSTOPPED(status))
			*stopped = true;
		else
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return -1;
}

/* Until the command ends, or who waits for us. */
static _Noreturn void wait_for_end(pid_t command, bool terminal, int control, int signals)
{
	struct pollfd p[2] = {{.fd = control, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	const unsigned char told = STOPPED;
	struct signalfd_siginfo info;
	pid_t group = command;
	unsigned char word;
	bool stopped;
	int status;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents && read(signals, &info, sizeof info) > 0) {
			stopped = false;
			status = reap(command, &stopped);
			if (status >= 0) {
				kill(-1, SIGKILL); /* before they see us go */
				_exit(status);
			}
			if (terminal && stopped) {
				group = tcgetpgrp(STDIN_FILENO);
				if (write(control, &told, 1) != 1)
					_exit(CLI_TROUBLE);
			}
		}
		if (!p[0].revents)
			continue;
		if (read(control, &word, 1) != 1)
			_exit(CLI_TROUBLE);
		if (word == TAKE_TERMINAL)
			give_terminal(group > 0 ? group : command);
		else
			kill(terminal && word == SIGCONT ? -command : command, word);
	}
}

/* The kernel's own files are no matter of the command's limits. */
static void raise_limits(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static _Noreturn void be_kernel(struct cli *c, struct sim_kernel *k, const struct options *o,
				int control)
{
	static struct sim_calls calls;
	int pair[2], fuse, signals;
	struct sim_fs *fs;
	struct mk_err err;
	struct stat st;
	sigset_t child;
	pid_t command;
	char go;

	if (read(control, &go, 1) != 1) /* who we are is being settled */
		_exit(CLI_TROUBLE);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signals = signalfd(-1, &child, SFD_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) || signals < 0)
		_exit(CLI_TROUBLE);
	if (sim_mounts_begin(&fuse, &calls.base, &err))
		give_up(c, &err);
	if (sim_caller_begin()) {
		mk_fail(&err, MK_SYS, "/proc: %s", strerror(errno));
		give_up(c, &err);
	}
	command = fork();
	if (command == 0) {
		close(fuse);
		close(calls.base);
		close(control);
		close(pair[0]);
		be_command(pair[1], o);
	}
	close(pair[1]);
	raise_limits();
	fs = sim_fs_start(k, fuse);
	if (!fs) {
		mk_fail(&err, MK_SYS, "FUSE does not start");
		give_up(c, &err);
	}
	if (sim_mounts_lay(k, fs, calls.base, &err) || sim_ctl_start(k, &err) ||
	    sim_mounts_close(&err))
		give_up(c, &err);
	if (o->mount) {
		struct sim_mount m = {.pid = 1,
				      .source = "none",
				      .target = SIM_MOUNT_POINT,
				      .type = "multikernel",
				      .ours = true};

		if (sim_mount_for(calls.base, &m)) {
			mk_fail(&err, MK_SYS, "%s cannot be mounted", SIM_MOUNT_POINT);
			if (k->stock)
				mk_hint(&err,
					"trap T9 is a kernel without multikernel: leave -M away");
			give_up(c, &err);
		}
	}
	if (fstat(calls.base, &st)) {
		mk_fail(&err, MK_SYS, "FUSE does not answer: %s", strerror(errno));
		give_up(c, &err);
	}
	calls.dev = st.st_dev;
	calls.k = k;
	start_filter(c, pair[0], &calls);
	wait_for_end(command, o->terminal, control, signals);
}

/* ---------------------------------------------------------------- who waits */

static void write_file(struct cli *c, pid_t pid, const char *file, const char *text)
{
	struct mk_err err;
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text)) {
		close(fd);
		return;
	}
	mk_fail(&err, MK_SYS, "a user namespace: %s: %s", file, strerror(errno));
	kill(pid, SIGKILL);
	cli_die(c, &err);
}

/* All ids that this process has are there inside, by the same numbers; of others' own alone. */
static void map_ids(struct cli *c, pid_t pid, const char *file, unsigned own)
{
	char path[64], line[128], map[4096];
	unsigned long long first, count;
	size_t n = 0;
	char *end;
	FILE *f = NULL;

	snprintf(path, sizeof path, "/proc/self/%s", file);
	if (geteuid() == 0)
		f = fopen(path, "re");
	while (f && n < sizeof map - 64 && fgets(line, sizeof line, f)) {
		first = strtoull(line, &end, 10);
		strtoull(end, &end, 10); /* what it is further out is no matter */
		count = strtoull(end, &end, 10);
		n += (size_t)snprintf(map + n, sizeof map - n, "%llu %llu %llu\n", first, first,
				      count);
	}
	if (f)
		fclose(f);
	if (!n)
		snprintf(map, sizeof map, "0 %u 1", own);
	write_file(c, pid, file, map);
}

static void map_users(struct cli *c, pid_t pid)
{
	map_ids(c, pid, "uid_map", geteuid());
	if (geteuid() != 0)
		write_file(c, pid, "setgroups", "deny");
	map_ids(c, pid, "gid_map", getegid());
}

/* What a terminal sends goes to the command as it is; what is sent to us is passed on. */
static int catch_signals(bool terminal)
{
	static const int caught[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGQUIT, SIGCHLD};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof caught / sizeof *caught; i++)
		sigaddset(&set, caught[i]);
	if (terminal)
		sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void tell(int control, int word)
{
	unsigned char byte = (unsigned char)word;

	if (write(control, &byte, 1) != 1)
		fprintf(stderr, "mk-sim: signal %d is lost\n", word);
}

/* *lent: the command has the terminal. */
static void pass_on(int control, const struct signalfd_siginfo *info, bool *lent)
{
	int sig = (int)info->ssi_signo;

	if (sig == SIGCHLD || ((sig == SIGINT || sig == SIGQUIT) && info->ssi_code == SI_KERNEL))
		return;
	if (sig == SIGCONT && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
		tell(control, TAKE_TERMINAL);
		*lent = true;
	}
	tell(control, sig);
}

/* The command was stopped: so are we, as who has started us expects. */
static void stop(int control, bool *lent)
{
	unsigned char word;

	if (read(control, &word, 1) != 1 || word != STOPPED)
		return;
	if (*lent)
		give_terminal(getpgrp());
	*lent = false;
	kill(0, SIGTSTP);
}

static int wait_for_kernel(pid_t pid, bool terminal, int control, int signals)
{
	struct pollfd p[2] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
	struct signalfd_siginfo info;
	bool lent = terminal;
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (poll(p, terminal ? 2 : 1, -1) < 0)
			continue;
		if (p[0].revents && read(signals, &info, sizeof info) == sizeof info)
			pass_on(control, &info, &lent);
		if (terminal && p[1].revents)
			stop(control, &lent);
	}
	if (lent)
		give_terminal(getpgrp());
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "mk-sim: the simulated kernel has died: %s\n", strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

static int run(struct cli *c, struct sim_kernel *k, struct options *o)
{
	const unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
	struct mk_err err;
	struct stat st;
	int pair[2], signals;
	pid_t pid;

	if (!stat(SIM_CTL_SOCKET, &st)) {
		mk_fail(&err, MK_SYS, "this is a simulated host already");
		mk_hint(&err, "mk-sim does not run inside of mk-sim");
		cli_die(c, &err);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		mk_fail(&err, MK_SYS, "a pair of sockets: %s", strerror(errno));
		cli_die(c, &err);
	}
	fflush(NULL);
	o->terminal = terminal_is_ours();
	o->at_child = signal(SIGCHLD, SIG_DFL); /* ignored, nobody would wait for anything */
	sigprocmask(SIG_SETMASK, NULL, &o->mask);
	signals = catch_signals(o->terminal);
	pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid < 0) {
		mk_fail(&err, MK_SYS, "user, mount and pid namespaces are missing: %s",
			strerror(errno));
		mk_hint(&err,
			"the kernel may forbid them: look at kernel.unprivileged_userns_clone "
			"and user.max_user_namespaces");
		cli_die(c, &err);
	}
	if (pid == 0) {
		close(pair[0]);
		be_kernel(c, k, o, pair[1]);
	}
	close(pair[1]);
	signal(SIGPIPE, SIG_IGN);
	map_users(c, pid);
	if (write(pair[0], "", 1) != 1)
		return CLI_TROUBLE;
	return wait_for_kernel(pid, o->terminal, pair[0], signals);
}

/* ---------------------------------------------------------------- options */

static void load_machine(struct cli *c, struct sim_kernel *k, const char *path)
{
	static const struct mk_dts_options dts = {.dialect = &mk_dialect};
	static struct mk_loaded l;
	struct mk_stream s;
	struct mk_err err;
	int pipefd[2];
	size_t n = strlen(sim_default_machine);

	if (path) {
		cli_load(c, path, &l);
	} else {
		/* the text is shorter than what a pipe holds */
		if (pipe2(pipefd, O_CLOEXEC) ||
		    mk_write_all(pipefd[1], sim_default_machine, n, "<default machine>", &err)) {
			mk_fail(&err, MK_SYS, "a pipe: %s", strerror(errno));
			cli_die(c, &err);
		}
		close(pipefd[1]);
		mk_stream_init(&s, pipefd[0], "<default machine>", &dts);
		if (mk_load_one(&s, &c->arena, NULL, &l, &err))
			cli_die(c, &err);
		close(pipefd[0]);
	}
	if (sim_machine_of(&k->m, &l.state, &err))
		cli_die(c, &err);
}

static int ctl(struct cli *c, int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"json", no_argument, NULL, 'j'},
					      {0}};
	struct mk_buf answer;
	struct mk_err err;
	bool json = false;
	int status;

	while (cli_getopt(c, argc, argv, "+:jhV", longs) != -1)
		json = true; /* the only one that comes back */
	if (optind == argc)
		cli_usage(c, "a request is wanted, like: mk-sim ctl state");
	mk_buf_init(&answer, &c->arena);
	status = sim_ctl_ask(argv + optind, (size_t)(argc - optind), &answer, &err);
	if (status < 0)
		cli_die(c, &err);
	if (status) {
		mk_fail(&err, status == CLI_NO ? MK_NO : MK_BAD, "%.*s", (int)answer.len,
			answer.data);
		cli_die(c, &err);
	}
	return cli_finish_records(c, &answer, json);
}

static void arm(struct cli *c, struct sim_kernel *k, const char *spec, bool trap)
{
	struct mk_err err;

	if (trap ? sim_trap_arm(&k->faults, spec, &err) : sim_fault_add(&k->faults, spec, &err))
		cli_die(c, &err);
}

/* T17: somebody has made an instance whose name is no word. */
static void foreign_instance(struct sim_kernel *k)
{
	char fdt[256];

	if (fdt_create(fdt, sizeof fdt) || fdt_finish_reservemap(fdt) || fdt_begin_node(fdt, "") ||
	    fdt_end_node(fdt) || fdt_finish(fdt) ||
	    sim_instance_create(k, "..\n#end 0\t%41=tx_1", -1, fdt, 0, -1))
		abort();
}

static double speed_of(struct cli *c, const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || *end || !(v >= 0.001 && v <= SPEED_MAX))
		cli_usage(c, "--speed: a number from 0.001 to %d is wanted, not '%s'", SPEED_MAX,
			  arg);
	return v;
}

int main(int argc, char **argv)
{
	enum { ABI = 256, SPEED, TRAP, FAULT };
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {"machine", required_argument, NULL, 'm'},
					      {"mount", no_argument, NULL, 'M'},
					      {"abi", required_argument, NULL, ABI},
					      {"speed", required_argument, NULL, SPEED},
					      {"trap", required_argument, NULL, TRAP},
					      {"fault", required_argument, NULL, FAULT},
					      {"json", no_argument, NULL, 'j'},
					      {0}};
	struct options o = {0};
	static struct sim_kernel k;
	struct cli c;
	int opt;

	cli_init(&c, "mk-sim", usage);
	if (argc > 1 && !strcmp(argv[1], "ctl"))
		return ctl(&c, argc - 1, argv + 1);
	sim_kernel_init(&k);
	while ((opt = cli_getopt(&c, argc, argv, "+:m:MjhV", longs)) != -1)
		switch (opt) {
		case 'j': cli_usage(&c, "-j is an option of ctl: mk-sim ctl -j state");
		case 'm': o.machine = optarg; break;
		case 'M': o.mount = true; break;
		case ABI: k.abi = (unsigned)cli_long_number(&c, "abi", optarg, 1, 2); break;
		case SPEED: k.speed = speed_of(&c, optarg); break;
		case TRAP: arm(&c, &k, optarg, true); break;
		case FAULT: arm(&c, &k, optarg, false); break;
		}
	if (optind == argc)
		cli_usage(&c, "a command is wanted, like: mk-sim -- sh");
	o.command = argv + optind;
	k.stock = sim_trap_set(&k.faults, 9);
	load_machine(&c, &k, o.machine);
	if (sim_trap_set(&k.faults, 17))
		foreign_instance(&k);
	return run(&c, &k, &o);
}
