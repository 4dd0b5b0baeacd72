/* SPDX-License-Identifier: Apache-2.0 */
/* kernel: the lock, the clock, and memory that is never short. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel.h"

enum { VIOLATIONS_KEPT = 64 };

void *sim_new(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	if (!p)
		abort();
	return p;
}

void *sim_more(void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 8;
	items = realloc(items, *cap * size);
	if (!items)
		abort();
	return items;
}

char *sim_str(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		abort();
	return copy;
}

static int64_t real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SIM_SECOND + t.tv_nsec;
}

void sim_kernel_init(struct sim_kernel *k)
{
	pthread_condattr_t attr;

	memset(k, 0, sizeof *k);
	k->abi = 2;
	k->speed = 1;
	k->boot_ns = 20 * SIM_MS;
	k->up_ns = 174 * SIM_MS;
	k->last_tx_id = 1;
	k->started = real_now();
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->overlay, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attr);
	pthread_condattr_destroy(&attr);
}

int64_t sim_now(const struct sim_kernel *k)
{
	return (int64_t)((double)(real_now() - k->started) * k->speed);
}

void sim_lock(struct sim_kernel *k)
{
	pthread_mutex_lock(&k->lock);
}

void sim_unlock(struct sim_kernel *k)
{
	pthread_mutex_unlock(&k->lock);
}

bool sim_wait(struct sim_kernel *k, int64_t until)
{
	int64_t left = until - sim_now(k), real;
	struct timespec t;

	if (left <= 0)
		return true;
	real = real_now() + (int64_t)((double)left / k->speed) + 1;
	t.tv_sec = real / SIM_SECOND;
	t.tv_nsec = real % SIM_SECOND;
	pthread_cond_timedwait(&k->changed, &k->lock, &t);
	return sim_now(k) >= until;
}

void sim_sleep(struct sim_kernel *k, int64_t ns)
{
	int64_t until = sim_now(k) + ns;

	while (!sim_wait(k, until))
		;
}

void sim_changed(struct sim_kernel *k)
{
	pthread_cond_broadcast(&k->changed);
}

void sim_violation(struct sim_kernel *k, const char *fmt, ...)
{
	va_list ap;
	char *text;

	k->violations++;
	if (k->violations > VIOLATIONS_KEPT)
		return;
	if (!k->violation)
		k->violation = sim_new(VIOLATIONS_KEPT * sizeof *k->violation);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	k->violation[k->violations - 1] = text;
}
