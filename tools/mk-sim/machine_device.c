/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_device: PCI functions and platform devices of a simulated host. What
 * a description does not say of a function (ids, class, driver) is that of the
 * commonest one of its kind.
 */
#include "machine_int.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "err.h"
#include "kernel.h"
#include "num.h"
#include "sort.h"
#include "state.h"

enum {
	CLASS_NETWORK = 0x020000,
	CLASS_NVME = 0x010802,
	CLASS_GPU = 0x030000,
	CLASS_OTHER = 0xff0000,
	NET_MAX = 15,	       /* IFNAMSIZ without the NUL */
	VFS_MAX = 65535,       /* TotalVFs has 16 bits */
	NAMESPACES_MAX = 1024, /* NN of a controller that one can buy */
};

/* What devices of a kind are. */
struct kind {
	const char *compatible;
	uint16_t vendor, device, vf_device; /* vf_device 0: as device */
	uint32_t class;
	const char *driver, *vf_driver;
};

enum { I40E, MLX5, NVME, AMDGPU, NAMED_KINDS, VIRTIO_NET = NAMED_KINDS, OTHER };

static const struct kind kinds[] = {
	[I40E] = {"intel,i40e", 0x8086, 0x1572, 0x154c, CLASS_NETWORK, "i40e", "iavf"},
	[MLX5] = {"mellanox,mlx5", 0x15b3, 0x1017, 0x1018, CLASS_NETWORK, "mlx5_core", "mlx5_core"},
	[NVME] = {"nvme", 0x144d, 0xa808, 0, CLASS_NVME, "nvme", "nvme"},
	[AMDGPU] = {"amd,amdgpu", 0x1002, 0x744c, 0, CLASS_GPU, "amdgpu", "amdgpu"},
	[VIRTIO_NET] = {NULL, 0x1af4, 0x1041, 0, CLASS_NETWORK, "virtio-pci", "virtio-pci"},
	[OTHER] = {NULL, 0x1af4, 0x1041, 0, CLASS_OTHER, "virtio-pci", "virtio-pci"},
};

/* ------------------------------------------------------------ reading */

/* Of whatever tree the node is: a device may have come by an overlay. */
static const struct mk_prop *property(const struct mk_node *n, const char *name)
{
	const struct mk_prop *p = n ? mk_prop_first(n) : NULL;

	while (p && strcmp(p->name, name) != 0)
		p = mk_prop_next(p);
	return p;
}

static const char *string(const struct mk_node *n, const char *name)
{
	const struct mk_prop *p = property(n, name);

	return p && mk_prop_is_string(p) ? p->data : NULL;
}

/* A cell that holds 16 bits; otherwise what is given. */
static uint16_t cell16(const struct mk_node *n, const char *name, uint16_t otherwise)
{
	const struct mk_prop *p = property(n, name);
	uint32_t v;

	return p && mk_prop_u32(p, &v) && v <= 0xffff ? (uint16_t)v : otherwise;
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* "nvme0": what the kernel's driver calls a controller. */
static bool is_nvme_name(const char *s)
{
	return begins(s, "nvme") && s[4] && strspn(s + 4, "0123456789") == strlen(s + 4);
}

/* By compatible; by the ids; by what else it is called and has. */
static const struct kind *kind_of(const struct mk_device *d)
{
	const struct mk_node *n = d->where.node;
	const struct mk_prop *p = property(n, "compatible");
	uint16_t vendor = cell16(n, "vendor-id", 0), device = cell16(n, "device-id", 0);

	for (uint32_t at = 0; p && mk_prop_is_strings(p) && at < p->len;
	     at += (uint32_t)strlen(p->data + at) + 1)
		for (size_t i = 0; i < NAMED_KINDS; i++)
			if (!strcmp(p->data + at, kinds[i].compatible))
				return &kinds[i];
	for (size_t i = 0; i < NAMED_KINDS; i++)
		if (vendor == kinds[i].vendor && device == kinds[i].device)
			return &kinds[i];
	if (d->has_ns || is_nvme_name(d->name))
		return &kinds[NVME];
	return &kinds[(n && begins(n->name, "ethernet")) || d->has_vfs ? VIRTIO_NET : OTHER];
}

/* "DDDD:BB:SS.F", nothing else. */
static bool address(const char *text, struct sim_function *f)
{
	static const char shape[] = "xxxx:xx:xx.x";
	unsigned v[4] = {0}, part = 0;

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		int digit = mk_hex_digit((unsigned char)text[i]);

		if (shape[i] == 'x' ? digit < 0 : text[i] != shape[i])
			return false;
		if (shape[i] == 'x')
			v[part] = v[part] * 16 + (unsigned)digit;
		else
			part++;
	}
	f->domain = (uint16_t)v[0];
	f->bus = (uint8_t)v[1];
	f->slot = (uint8_t)v[2];
	f->func = (uint8_t)v[3];
	return v[2] < 32 && v[3] < 8;
}

/* ------------------------------------------------------------ functions */

/* A function on its way to its place. */
struct draft {
	struct sim_function f;
	const struct mk_device *from;
	uint32_t pf; /* key of its physical function */
	bool is_vf;
};

struct drafts {
	struct mk_arena *a;
	struct draft *d;
	size_t n, cap;
};

static uint32_t key_of(const struct sim_function *f)
{
	return (uint32_t)f->domain << 16 | (uint32_t)f->bus << 8 | (uint32_t)f->slot << 3 | f->func;
}

static int by_address(const void *x, const void *y)
{
	uint32_t a = key_of(&((const struct draft *)x)->f),
		 b = key_of(&((const struct draft *)y)->f);

	return a < b ? -1 : a > b;
}

static void add(struct drafts *all, struct draft d)
{
	all->d = mk_arena_more(all->a, all->d, all->n, &all->cap, sizeof(*all->d));
	all->d[all->n++] = d;
}

static int bad_address(const struct mk_device *d, const char *what, const char *text,
		       struct mk_err *err)
{
	mk_fail_at(err, MK_BAD, mk_where_span(d->where), "%s%s: '%s' is no PCI address", what,
		   d->name, text);
	mk_hint(err, "domain:bus:device.function, all hexadecimal: 0000:01:00.0");
	return MK_BAD;
}

static int too_many(const struct mk_device *d, uint64_t n, const char *what, int most,
		    struct mk_err *err)
{
	mk_fail_at(err, MK_BAD, mk_where_span(d->where), "device %s has %llu %s, more than %d",
		   d->name, (unsigned long long)n, what, most);
	mk_hint(err, "no such device can be bought");
	return MK_BAD;
}

static int physical(struct draft *x, const struct sim_machine *m, const struct mk_device *d,
		    const struct kind *k, struct mk_err *err)
{
	const struct mk_node *n = d->where.node;
	size_t node = sim_node_find(m, d->node);
	uint64_t vfs = d->vfs;

	*x = (struct draft){.from = d};
	if (!address(d->pci_id, &x->f))
		return bad_address(d, "device ", d->pci_id, err);
	for (size_t i = 0; i < d->n_vf_info; i++)
		vfs = d->vf_info[i].number < vfs ? vfs : (uint64_t)d->vf_info[i].number + 1;
	if (vfs > VFS_MAX)
		return too_many(d, vfs, "VFs", VFS_MAX, err);
	if (d->ns > NAMESPACES_MAX)
		return too_many(d, d->ns, "namespaces", NAMESPACES_MAX, err);
	x->f.vendor = cell16(n, "vendor-id", k->vendor);
	x->f.device = cell16(n, "device-id", k->device);
	x->f.class = k->class;
	x->f.node = node == SIZE_MAX ? 0 : (uint32_t)node;
	x->f.driver = k->driver;
	x->f.bound = *k->driver != '\0';
	x->f.total_vfs = (unsigned)vfs;
	x->f.pf = SIZE_MAX;
	if (k->class == CLASS_NETWORK) {
		char name[NET_MAX + 1];

		snprintf(name, sizeof(name), "%.*s", NET_MAX, d->name);
		x->f.net = sim_str(name);
	}
	if (k->class == CLASS_NVME)
		x->f.namespaces = d->ns ? (unsigned)d->ns : 1;
	return MK_OK;
}

/* The vf@N { } of a device, or NULL. */
static const struct mk_node *vf_node(const struct mk_node *n, uint32_t number)
{
	for (const struct mk_node *c = n ? mk_first(n) : NULL; c; c = mk_next(c)) {
		uint32_t v;

		if (begins(c->name, "vf@") && mk_num_u32(c->name + 3, strlen(c->name + 3), &v) &&
		    v == number)
			return c;
	}
	return NULL;
}

/* "enp9s0v3", as udev calls it. */
static char *vf_net(const char *pf, uint32_t number)
{
	char end[NET_MAX], name[NET_MAX + 1];
	size_t len = (size_t)snprintf(end, sizeof(end), "v%u", number);
	size_t before = strnlen(pf, NET_MAX - len);

	memcpy(name, pf, before);
	memcpy(name + before, end, len + 1);
	return sim_str(name);
}

static int virtual(struct draft *x, const struct draft *pf, const struct kind *k,
		   const struct mk_vf *vf, struct mk_err *err)
{
	const struct mk_node *n = vf_node(pf->from->where.node, vf->number);
	bool usual = k->vf_device && pf->f.device == k->device;

	*x = *pf;
	if (!address(vf->pci_id, &x->f))
		return bad_address(pf->from, "a VF of device ", vf->pci_id, err);
	x->is_vf = true;
	x->pf = key_of(&pf->f);
	x->f.vendor = cell16(n, "vendor-id", pf->f.vendor);
	x->f.device = cell16(n, "device-id", usual ? k->vf_device : pf->f.device);
	x->f.driver = k->vf_driver;
	x->f.vf = vf->number;
	x->f.total_vfs = 0;
	if (pf->f.net)
		x->f.net = vf_net(pf->f.net, vf->number);
	return MK_OK;
}

static int draft_device(struct drafts *all, const struct sim_machine *m, const struct mk_device *d,
			struct mk_err *err)
{
	const struct kind *k = kind_of(d);
	struct draft pf, vf;

	if (physical(&pf, m, d, k, err))
		return MK_BAD;
	add(all, pf);
	for (size_t i = 0; i < d->n_vf_info; i++) {
		if (!d->vf_info[i].pci_id)
			continue;
		if (virtual(&vf, &pf, k, &d->vf_info[i], err))
			return MK_BAD;
		add(all, vf);
	}
	return MK_OK;
}

static int twice(const struct draft *x, const struct draft *y, struct mk_err *err)
{
	mk_fail_at(err, MK_BAD, mk_where_span(y->from->where),
		   "%04x:%02x:%02x.%x is %s%s and %s%s at once", x->f.domain, x->f.bus, x->f.slot,
		   x->f.func, x->is_vf ? "a VF of " : "", x->from->name, y->is_vf ? "a VF of " : "",
		   y->from->name);
	mk_hint(err, "correct one of the two: lspci -D lists the functions");
	return MK_BAD;
}

static bool nvme_taken(const struct sim_machine *m, const char *name)
{
	for (size_t i = 0; i < m->n_functions; i++)
		if (m->function[i].nvme && !strcmp(m->function[i].nvme, name))
			return true;
	return false;
}

/* Controllers have the names that the state has for them, if those are such names. */
static void name_nvmes(struct sim_machine *m, const struct drafts *all)
{
	unsigned number = 0;
	char name[16];

	for (size_t i = 0; i < m->n_functions; i++) {
		const char *called = all->d[i].from->name;

		if (m->function[i].class == CLASS_NVME && !all->d[i].is_vf &&
		    is_nvme_name(called) && !nvme_taken(m, called))
			m->function[i].nvme = sim_str(called);
	}
	for (size_t i = 0; i < m->n_functions; i++) {
		if (m->function[i].class != CLASS_NVME || m->function[i].nvme)
			continue;
		do
			snprintf(name, sizeof(name), "nvme%u", number++);
		while (nvme_taken(m, name));
		m->function[i].nvme = sim_str(name);
	}
}

int sim_machine_functions(struct sim_machine *m, const struct mk_state *s, struct mk_err *err)
{
	struct drafts all = {.a = s->arena};

	for (size_t i = 0; i < s->n_devices; i++) {
		const struct mk_device *d = &s->device[i];

		if (!d->pci_id || (d->type && !strcmp(d->type, "platform")))
			continue;
		if (draft_device(&all, m, d, err))
			return MK_BAD;
	}
	mk_sort(all.d, all.n, sizeof(*all.d), by_address);
	for (size_t i = 1; i < all.n; i++)
		if (!by_address(&all.d[i - 1], &all.d[i]))
			return twice(&all.d[i - 1], &all.d[i], err);
	m->n_functions = all.n;
	m->function = sim_new((all.n ? all.n : 1) * sizeof(*m->function));
	for (size_t i = 0; i < all.n; i++)
		m->function[i] = all.d[i].f;
	for (size_t i = 0; i < all.n; i++) {
		uint32_t pf = all.d[i].pf;

		if (all.d[i].is_vf)
			m->function[i].pf =
				sim_function_find(m, (uint16_t)(pf >> 16), (uint8_t)(pf >> 8),
						  (uint8_t)(pf >> 3 & 31), pf & 7);
	}
	name_nvmes(m, &all);
	return MK_OK;
}

size_t sim_function_find(const struct sim_machine *m, uint16_t domain, uint8_t bus, uint8_t slot,
			 uint8_t func)
{
	struct sim_function like = {.domain = domain, .bus = bus, .slot = slot, .func = func};
	size_t low = 0, high = m->n_functions;

	if (slot > 31 || func > 7)
		return SIZE_MAX;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (key_of(&m->function[mid]) < key_of(&like))
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_functions && key_of(&m->function[low]) == key_of(&like) ? low : SIZE_MAX;
}

/* ------------------------------------------------------------ platform devices */

static void add_platform(struct sim_machine *m, size_t *cap, const char *name, const char *hid)
{
	for (size_t i = 0; i < m->n_platforms; i++)
		if (!strcmp(m->platform[i].name, name))
			return;
	m->platform = sim_more(m->platform, m->n_platforms, cap, sizeof(*m->platform));
	m->platform[m->n_platforms++] =
		(struct sim_platform){sim_str(name), hid ? sim_str(hid) : NULL};
}

void sim_machine_platforms(struct sim_machine *m, const struct mk_state *s)
{
	size_t cap = 0;

	for (size_t i = 0; i < s->n_devices; i++) {
		const struct mk_node *n = s->device[i].where.node;
		const char *name = string(n, "device-name");

		if (!s->device[i].type || strcmp(s->device[i].type, "platform") != 0)
			continue;
		if (!name || !*name || *name == '.' || strchr(name, '/')) /* no name of a file */
			name = n ? n->name : s->device[i].name;
		add_platform(m, &cap, name, string(n, "acpi-hid"));
	}
	if (m->arch == SIM_X86_64) /* what any PC has */
		add_platform(m, &cap, "serial8250", NULL);
}
