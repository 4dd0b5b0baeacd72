/* SPDX-License-Identifier: Apache-2.0 */
/* ctl: see ctl.h. */
#include "ctl.h"

#include <errno.h>
#include <libfdt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "arena.h"
#include "err.h"
#include "kernel.h"
#include "mounts.h"
#include "num.h"

enum { NO = 1, TROUBLE = 2, REQUEST_MAX = 64 << 10 };

static int say(struct mk_buf *b, int status, const char *what, const char *about)
{
	mk_buf_fmt(b, "%s: %s", what, about);
	return status;
}

/* ---------------------------------------------------------------- what instances do */

static int crash(struct sim_kernel *k, struct sim_instance *x, struct mk_buf *b)
{
	if (x->life == SIM_PARKED)
		return say(b, NO, "nothing runs there", x->name);
	sim_panic(k, x);
	return 0;
}

static int hang(struct sim_kernel *k, struct sim_instance *x, struct mk_buf *b)
{
	if (x->life == SIM_PARKED)
		return say(b, NO, "nothing runs there", x->name);
	x->life = SIM_HUNG;
	sim_changed(k);
	return 0;
}

static int quit(struct sim_kernel *k, struct sim_instance *x, struct mk_buf *b)
{
	if (x->life != SIM_RUNNING)
		return say(b, NO, "no kernel runs there that could", x->name);
	sim_exit(k, x);
	return 0;
}

/* Its CPUs park, and no message says so: the kernel goes on believing it active. */
static int park(struct sim_kernel *k, struct sim_instance *x, struct mk_buf *b)
{
	if (x->life == SIM_PARKED)
		return say(b, NO, "nothing runs there", x->name);
	x->life = SIM_PARKED;
	sim_changed(k);
	return 0;
}

/* Another one of that name: what it had goes to the new one, whose id is new (T4). */
static int replace(struct sim_kernel *k, struct sim_instance *x, struct mk_buf *b)
{
	int id;

	(void)b;
	sim_image_free(x);
	x->life = SIM_PARKED;
	x->state = SIM_READY;
	x->serial = ++k->next_serial;
	for (id = 1; sim_instance_of(k, id); id++)
		;
	x->id = id;
	x->boots = 0;
	sim_changed(k);
	return 0;
}

static const struct {
	const char *name;
	int (*act)(struct sim_kernel *k, struct sim_instance *x, struct mk_buf *b);
} acts[] = {{"crash", crash}, {"hang", hang},	    {"exit", quit},
	    {"park", park},   {"replace", replace}, {NULL, NULL}};

static int act(struct sim_kernel *k, char **word, size_t n, struct mk_buf *b)
{
	struct sim_instance *x;
	size_t i;

	for (i = 0; acts[i].name && strcmp(acts[i].name, word[0]); i++)
		;
	if (!acts[i].name)
		return say(
			b, TROUBLE,
			"there is no such request (state, crash, hang, exit, park, replace, take, "
			"fill, trap, fault)",
			word[0]);
	if (n != 2)
		return say(b, TROUBLE, "one instance is wanted", word[0]);
	x = sim_instance_named(k, word[1]);
	if (!x)
		return say(b, NO, "there is no such instance", word[1]);
	return acts[i].act(k, x, b);
}

/* ---------------------------------------------------------------- taking things away */

static int take_cpu(struct sim_kernel *k, const char *text, struct mk_buf *b)
{
	uint64_t id;
	size_t i;
	int cpu;

	if (!mk_num_u64(text, strlen(text), &id))
		return say(b, TROUBLE, "that is no number of a CPU", text);
	cpu = sim_cpu_find(&k->m, id);
	if (cpu <= 0)
		return say(b, NO, "that CPU cannot be taken away", text);
	k->m.cpu[cpu].present = k->m.cpu[cpu].online = false;
	sim_ids_del(&k->pool, id);
	for (i = 0; i < k->n_instances; i++)
		sim_ids_del(&k->instance[i]->cpus, id);
	sim_changed(k);
	return 0;
}

static int take_device(struct sim_kernel *k, const char *text, struct mk_buf *b)
{
	struct sim_pci p = {0}, *held;
	size_t f, i;

	if (sim_pci_address(text, &p))
		return say(b, TROUBLE, "that is no PCI address", text);
	f = sim_function_find(&k->m, p.domain, p.bus, p.slot, p.func);
	if (f == SIZE_MAX || k->m.function[f].gone)
		return say(b, NO, "there is no such device", text);
	k->m.function[f].gone = true;
	held = sim_pci_find(&k->pci, &p);
	if (held)
		sim_pci_del(&k->pci, held);
	for (i = 0; i < k->n_instances; i++) {
		held = sim_pci_find(&k->instance[i]->pci, &p);
		if (held)
			sim_pci_del(&k->instance[i]->pci, held);
	}
	sim_changed(k);
	return 0;
}

static int take(struct sim_kernel *k, char **word, size_t n, struct mk_buf *b)
{
	if (n == 3 && !strcmp(word[1], "cpu"))
		return take_cpu(k, word[2], b);
	if (n == 3 && !strcmp(word[1], "device"))
		return take_device(k, word[2], b);
	return say(b, TROUBLE, "what is to be taken", "take cpu ID, or take device DDDD:BB:SS.F");
}

/* Takes memory of the pool, as an image of daxfs's would: that much, or all that can be had. */
static int fill(struct sim_kernel *k, char **word, size_t n, struct mk_buf *b)
{
	struct sim_buffer x = {.name = "daxfs", .in_pool = true};
	uint64_t left = sim_pool_avail(k), size;

	if (n > 2)
		return say(b, TROUBLE, "one size at most is wanted", word[0]);
	if (n == 2 && !mk_num_size(word[1], strlen(word[1]), &left))
		return say(b, TROUBLE, "that is no size", word[1]);
	if (left > sim_pool_avail(k))
		return say(b, NO, "the pool has not as much left", n > 1 ? word[1] : "");
	while (left >= SIM_PAGE_BYTES) {
		size = left;
		while (!(x.base = sim_pool_alloc(k, size, SIM_ANY_NODE)) && size > SIM_PAGE_BYTES)
			size = size / 2 / SIM_PAGE_BYTES * SIM_PAGE_BYTES;
		if (!x.base)
			break;
		x.size = size;
		k->buffer = sim_more(k->buffer, k->n_buffers, &k->buffers_cap, sizeof *k->buffer);
		k->buffer[k->n_buffers++] = x;
		left -= size;
	}
	sim_changed(k);
	return 0;
}

/* ---------------------------------------------------------------- requests */

/* What a kernel is from its start cannot be armed any more. */
static int arm(struct sim_kernel *k, const char *spec, struct mk_buf *b)
{
	static const unsigned at_start[] = {9, 17};
	const unsigned was[2] = {k->faults.armed[9], k->faults.armed[17]};
	struct mk_err err;
	size_t i;

	if (sim_trap_arm(&k->faults, spec, &err))
		return say(b, TROUBLE, err.text, err.hint);
	for (i = 0; i < 2; i++)
		if (k->faults.armed[at_start[i]] != was[i]) {
			k->faults.armed[at_start[i]] = was[i];
			return say(b, TROUBLE, "that trap is armed at the start alone, by --trap",
				   spec);
		}
	return 0;
}

static int add_fault(struct sim_kernel *k, const char *spec, struct mk_buf *b)
{
	struct mk_err err;

	if (!sim_fault_add(&k->faults, spec, &err))
		return 0;
	return say(b, TROUBLE, err.text, err.hint);
}

int sim_ctl_do(struct sim_kernel *k, struct mk_arena *a, char **word, size_t n, struct mk_buf *b)
{
	if (!n)
		return say(b, TROUBLE, "nothing was asked", "see mk-sim(1)");
	if (!strcmp(word[0], "state")) {
		if (n > 1)
			return say(b, TROUBLE, "nothing may follow", word[0]);
		sim_state_records(k, a, b);
		return 0;
	}
	if (!strcmp(word[0], "take"))
		return take(k, word, n, b);
	if (!strcmp(word[0], "fill"))
		return fill(k, word, n, b);
	if (!strcmp(word[0], "trap"))
		return n == 2 ? arm(k, word[1], b) : say(b, TROUBLE, "one trap is wanted", word[0]);
	if (!strcmp(word[0], "fault"))
		return n == 2 ? add_fault(k, word[1], b)
			      : say(b, TROUBLE, "one fault is wanted", word[0]);
	return act(k, word, n, b);
}

static void serve(struct sim_kernel *k, int fd)
{
	char *word[64], *s;
	struct mk_arena a;
	struct mk_err err;
	struct mk_buf in, out;
	size_t n = 0;
	int status;

	mk_arena_init(&a, NULL);
	mk_buf_init(&in, &a);
	mk_buf_init(&out, &a);
	mk_buf_char(&out, '0');
	if (mk_buf_read(&in, fd, "ctl", REQUEST_MAX, &err) ||
	    (in.len && in.data[in.len - 1] != '\0')) {
		status = say(&out, TROUBLE, "the request is too long, or cut", "ctl");
	} else {
		for (s = in.data; s && s < in.data + in.len && n < 64; s += strlen(s) + 1)
			word[n++] = s;
		sim_lock(k);
		status = sim_ctl_do(k, &a, word, n, &out);
		sim_unlock(k);
	}
	out.data[0] = (char)('0' + status);
	mk_write_all(fd, out.data, out.len, "ctl", &err);
	mk_arena_free(&a);
}

struct server {
	struct sim_kernel *k;
	int fd;
};

static void *serve_one(void *arg)
{
	struct server *s = arg;

	serve(s->k, s->fd);
	close(s->fd);
	free(s);
	return NULL;
}

/* Each in a thread: one that says nothing keeps nobody waiting. */
static void *listen_to_ctl(void *arg)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	const struct server *s = arg;
	struct server *one;
	pthread_t thread;
	int fd;

	for (;;) {
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) { /* too many, for now */
			nanosleep(&moment, NULL);
			continue;
		}
		one = sim_new(sizeof *one);
		*one = (struct server){.k = s->k, .fd = fd};
		if (pthread_create(&thread, NULL, serve_one, one)) {
			close(fd);
			free(one);
		} else {
			pthread_detach(thread);
		}
	}
	return NULL;
}

static int ctl_address(struct sockaddr_un *un)
{
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(un->sun_path, SIM_CTL_SOCKET);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int sim_ctl_start(struct sim_kernel *k, struct mk_err *err)
{
	struct server *s = sim_new(sizeof *s);
	struct sockaddr_un un;
	pthread_t thread;

	s->k = k;
	s->fd = ctl_address(&un);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&un, sizeof un) || listen(s->fd, 64) ||
	    chmod(SIM_CTL_SOCKET, 0666) || pthread_create(&thread, NULL, listen_to_ctl, s))
		return mk_fail(err, MK_SYS, "%s: %s", SIM_CTL_SOCKET, strerror(errno));
	pthread_detach(thread);
	return 0;
}

int sim_ctl_ask(char **word, size_t n, struct mk_buf *answer, struct mk_err *err)
{
	struct sockaddr_un un;
	int fd = ctl_address(&un), status;
	size_t i;

	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof un)) {
		mk_fail(err, MK_SYS, "%s: %s", SIM_CTL_SOCKET, strerror(errno));
		mk_hint(err, "ctl works inside of a simulated host: mk-sim -- sh");
		return MK_SYS;
	}
	for (i = 0; i < n; i++)
		if (mk_write_all(fd, word[i], strlen(word[i]) + 1, SIM_CTL_SOCKET, err))
			return MK_SYS;
	shutdown(fd, SHUT_WR);
	if (mk_buf_read(answer, fd, SIM_CTL_SOCKET, 1 << 30, err))
		return MK_SYS;
	close(fd);
	if (!answer->len)
		return mk_fail(err, MK_SYS, "%s: no answer", SIM_CTL_SOCKET);
	status = answer->data[0] - '0';
	answer->data++;
	answer->len--;
	return status;
}
