/* SPDX-License-Identifier: Apache-2.0 */
/* lazy_cma: see lazy_cma.h. Numbers and layouts: lazy_cma.c of multikernel/lazy_cma. */
#include "lazy_cma.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kernel.h"

struct alloc_data {
	uint64_t len, phys_addr;
	int32_t node; /* -1: any */
	uint32_t pad;
	char name[64];
};

struct resize_data {
	uint64_t phys_addr, len;
};

enum { NR_ALLOC, NR_RESIZE, NR_FREE };

static int alloc(struct sim_kernel *k, void *data)
{
	struct alloc_data a;
	int error;

	memcpy(&a, data, sizeof a);
	if (!a.len)
		return -EINVAL;
	a.name[sizeof a.name - 1] = '\0';
	error = sim_buffer_alloc(k, a.len, a.node, a.name[0] ? a.name : "lazy_cma", &a.phys_addr);
	memcpy(data, &a, sizeof a);
	return error;
}

int sim_lazy_cma(struct sim_kernel *k, unsigned cmd, void *data, size_t bytes)
{
	struct resize_data r;
	uint64_t base;
	int error;

	/* the numbers of the two others are looked at before the type is */
	if (_IOC_NR(cmd) == NR_RESIZE && bytes >= sizeof r) {
		memcpy(&r, data, sizeof r);
		error = sim_buffer_resize(k, &r.phys_addr, &r.len);
		memcpy(data, &r, sizeof r);
		return error;
	}
	if (_IOC_NR(cmd) == NR_FREE && bytes >= sizeof base) {
		memcpy(&base, data, sizeof base);
		return sim_buffer_free(k, base);
	}
	if (_IOC_NR(cmd) != NR_ALLOC || _IOC_TYPE(cmd) != 'H')
		return -ENOTTY;
	return alloc(k, data);
}
