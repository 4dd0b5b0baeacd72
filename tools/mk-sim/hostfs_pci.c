/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostfs_pci: PCI functions in /sys/devices/pciDDDD:BB, each bus a root bus of
 * its own, /sys/bus/pci/devices and /sys/class/net, which lead there.
 */
#include "hostfs_int.h"

#include <stdlib.h>

#include "buf.h"

#define ADDRESS "%04x:%02x:%02x.%x"
#define ADDRESS_OF(x) (x)->domain, (x)->bus, (x)->slot, (x)->func
/* below /sys/devices */
#define PLACE "pci%04x:%02x/" ADDRESS
#define PLACE_OF(x) (x)->domain, (x)->bus, ADDRESS_OF(x)

enum { IFINDEX_FIRST = 100 }; /* behind all that the host has itself */

/* Of a namespace, in sectors of 512 bytes: what is sold as 500 GB. */
#define NAMESPACE_SECTORS 976773168ULL

/* ------------------------------------------------------------ functions */

/* Subsystem ids repeat the function's own. */
static void modalias(struct mk_buf *b, const struct sim_function *x)
{
	mk_buf_fmt(b, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", x->vendor, x->device,
		   x->vendor, x->device, x->class >> 16 & 0xff, x->class >> 8 & 0xff,
		   x->class & 0xff);
}

static void uevent(struct mk_buf *b, const struct sim_function *x)
{
	if (x->bound)
		mk_buf_fmt(b, "DRIVER=%s\n", x->driver);
	mk_buf_fmt(b, "PCI_CLASS=%04X\n", x->class);
	mk_buf_fmt(b, "PCI_ID=%04X:%04X\n", x->vendor, x->device);
	mk_buf_fmt(b, "PCI_SUBSYS_ID=%04X:%04X\n", x->vendor, x->device);
	mk_buf_fmt(b, "PCI_SLOT_NAME=" ADDRESS "\n", ADDRESS_OF(x));
	mk_buf_str(b, "MODALIAS=");
	modalias(b, x);
}

/* How many VFs of a function there are. */
static unsigned vfs_of(const struct sim_machine *m, size_t pf)
{
	unsigned n = 0;

	for (size_t i = 0; i < m->n_functions; i++)
		n += m->function[i].pf == pf && !m->function[i].gone;
	return n;
}

/* VFs have no interrupt line. */
static unsigned irq_of(const struct sim_file *f, const struct sim_function *x)
{
	return x->pf == SIZE_MAX ? 16 + (unsigned)f->index % 8 : 0;
}

static void show_function(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
			  int privileged)
{
	const struct sim_machine *m = &k->m;
	const struct sim_function *x = &m->function[f->index];

	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_VENDOR: mk_buf_fmt(b, "0x%04x\n", x->vendor); break;
	case SIM_W_DEVICE: mk_buf_fmt(b, "0x%04x\n", x->device); break;
	case SIM_W_CLASS: mk_buf_fmt(b, "0x%06x\n", x->class); break;
	case SIM_W_REVISION: mk_buf_str(b, "0x01\n"); break;
	case SIM_W_NUMA_NODE: mk_buf_fmt(b, "%u\n", m->node[x->node].id); break;
	case SIM_W_IRQ: mk_buf_fmt(b, "%u\n", irq_of(f, x)); break;
	case SIM_W_ENABLE: mk_buf_fmt(b, "%d\n", x->bound); break;
	case SIM_W_MODALIAS: modalias(b, x); break;
	case SIM_W_UEVENT: uevent(b, x); break;
	case SIM_W_LOCAL_CPULIST:
		sim_cpulist(b, m, SIM_ON_NODE, x->node);
		mk_buf_char(b, '\n');
		break;
	case SIM_W_LOCAL_CPUS:
		sim_cpumask(b, m, SIM_ON_NODE, x->node);
		mk_buf_char(b, '\n');
		break;
	case SIM_W_TOTALVFS: mk_buf_fmt(b, "%u\n", x->total_vfs); break;
	case SIM_W_NUMVFS: mk_buf_fmt(b, "%u\n", vfs_of(m, f->index)); break;
	/* links */
	case SIM_W_DRIVER: mk_buf_fmt(b, "../../../bus/pci/drivers/%s", x->driver); break;
	case SIM_W_SUBSYSTEM: mk_buf_str(b, "../../../bus/pci"); break;
	case SIM_W_PHYSFN: mk_buf_fmt(b, "../../" PLACE, PLACE_OF(&m->function[x->pf])); break;
	case SIM_W_BUS_LINK: mk_buf_fmt(b, "../../../devices/" PLACE, PLACE_OF(x)); break;
	default: mk_buf_fmt(b, "../../" PLACE, PLACE_OF(x)); break;
	}
}

/* ------------------------------------------------------------ what drivers make */

static void show_net(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		     int privileged)
{
	const struct sim_function *x = &k->m.function[f->index];

	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_NET_ADDRESS: /* one of those that nobody sells */
		mk_buf_fmt(b, "02:%02x:%02x:%02x:%02x:%02x\n", x->domain >> 8, x->domain & 0xff,
			   x->bus, x->slot, x->func);
		break;
	case SIM_W_NET_OPERSTATE: mk_buf_str(b, x->pf == SIZE_MAX ? "up\n" : "down\n"); break;
	case SIM_W_NET_MTU: mk_buf_str(b, "1500\n"); break;
	case SIM_W_NET_IFINDEX: mk_buf_fmt(b, "%zu\n", IFINDEX_FIRST + f->index); break;
	case SIM_W_NET_TYPE: mk_buf_str(b, "1\n"); break; /* ARPHRD_ETHER */
	case SIM_W_NET_LINK:
		mk_buf_fmt(b, "../../devices/" PLACE "/net/%s", PLACE_OF(x), x->net);
		break;
	case SIM_W_SUBSYSTEM: mk_buf_str(b, "../../../../../class/net"); break;
	case SIM_W_CLASS_UEVENT:
		mk_buf_fmt(b, "INTERFACE=%s\nIFINDEX=%zu\n", x->net, IFINDEX_FIRST + f->index);
		break;
	default: mk_buf_fmt(b, "../../../" ADDRESS, ADDRESS_OF(x)); break;
	}
}

/* A driver's own directory: net/NAME, nvme/NAME. */
static struct sim_dir driver_dir(struct sim_dir *function, const char *class, const char *name,
				 sim_show *show)
{
	struct sim_dir d = sim_add_dir(function, class, SIM_W_BOUND), own;

	d.show = show;
	own = sim_add_dir(&d, name, SIM_W_DIR);
	sim_add_link(&own, "device", SIM_W_DEVICE_LINK);
	sim_add_link(&own, "subsystem", SIM_W_SUBSYSTEM);
	return own;
}

static void fill_netdev(struct sim_dir *function, const struct sim_function *x)
{
	static const struct sim_entry files[] = {
		{"address", SIM_W_NET_ADDRESS, 0444, 0},
		{"operstate", SIM_W_NET_OPERSTATE, 0444, 0},
		{"mtu", SIM_W_NET_MTU, 0644, 0},
		{"ifindex", SIM_W_NET_IFINDEX, 0444, 0},
		{"type", SIM_W_NET_TYPE, 0444, 0},
		{"uevent", SIM_W_CLASS_UEVENT, 0644, 0},
	};
	struct sim_dir d = driver_dir(function, "net", x->net, show_net);

	SIM_ADD_FILES(&d, files);
}

/* Strings of a controller are padded with blanks, as it gives them. */
static void show_nvme(struct sim_kernel *k, const struct sim_file *f, struct mk_buf *b,
		      int privileged)
{
	const struct sim_function *x = &k->m.function[f->index];

	(void)privileged;
	switch (sim_what(f)) {
	case SIM_W_NVME_MODEL: mk_buf_fmt(b, "%-40s\n", "mk-sim NVMe"); break;
	case SIM_W_NVME_SERIAL: mk_buf_fmt(b, "MKSIM%04x%02x%02x%x      \n", ADDRESS_OF(x)); break;
	case SIM_W_NVME_FIRMWARE: mk_buf_fmt(b, "%-8s\n", "1.0"); break;
	case SIM_W_NVME_STATE: mk_buf_str(b, "live\n"); break;
	case SIM_W_NVME_TRANSPORT: mk_buf_str(b, "pcie\n"); break;
	case SIM_W_NVME_ADDRESS: mk_buf_fmt(b, ADDRESS "\n", ADDRESS_OF(x)); break;
	case SIM_W_NUMA_NODE: mk_buf_fmt(b, "%u\n", k->m.node[x->node].id); break;
	case SIM_W_SUBSYSTEM: mk_buf_str(b, "../../../../../class/nvme"); break;
	case SIM_W_CLASS_UEVENT: mk_buf_str(b, "NVME_TRTYPE=pcie\n"); break;
	case SIM_W_NS_NSID: mk_buf_fmt(b, "%u\n", sim_part(f)); break;
	case SIM_W_NS_SIZE: mk_buf_fmt(b, "%llu\n", NAMESPACE_SECTORS); break;
	default: mk_buf_fmt(b, "../../../" ADDRESS, ADDRESS_OF(x)); break;
	}
}

static void fill_nvme(struct sim_dir *function, const struct sim_function *x)
{
	static const struct sim_entry files[] = {
		{"model", SIM_W_NVME_MODEL, 0444, 0},
		{"serial", SIM_W_NVME_SERIAL, 0444, 0},
		{"firmware_rev", SIM_W_NVME_FIRMWARE, 0444, 0},
		{"state", SIM_W_NVME_STATE, 0444, 0},
		{"transport", SIM_W_NVME_TRANSPORT, 0444, 0},
		{"address", SIM_W_NVME_ADDRESS, 0444, 0},
		{"numa_node", SIM_W_NUMA_NODE, 0444, 0},
		{"uevent", SIM_W_CLASS_UEVENT, 0644, 0},
	};
	struct sim_dir d = driver_dir(function, "nvme", x->nvme, show_nvme);

	SIM_ADD_FILES(&d, files);
	for (unsigned i = 1; i <= x->namespaces; i++) {
		const struct sim_entry own[] = {
			{"nsid", SIM_W_NS_NSID, 0444, i},
			{"size", SIM_W_NS_SIZE, 0444, i},
		};
		struct sim_dir ns = sim_add_dir(&d, sim_name("%sn%u", x->nvme, i), SIM_W_DIR);

		SIM_ADD_FILES(&ns, own);
	}
}

/* ------------------------------------------------------------ the areas */

static void fill_function(struct sim_dir *d, const struct sim_function *x)
{
	static const struct sim_entry files[] = {
		{"vendor", SIM_W_VENDOR, 0444, 0},
		{"device", SIM_W_DEVICE, 0444, 0},
		{"subsystem_vendor", SIM_W_VENDOR, 0444, 0},
		{"subsystem_device", SIM_W_DEVICE, 0444, 0},
		{"class", SIM_W_CLASS, 0444, 0},
		{"revision", SIM_W_REVISION, 0444, 0},
		{"numa_node", SIM_W_NUMA_NODE, 0644, 0},
		{"irq", SIM_W_IRQ, 0444, 0},
		{"enable", SIM_W_ENABLE, 0644, 0},
		{"modalias", SIM_W_MODALIAS, 0444, 0},
		{"uevent", SIM_W_UEVENT, 0644, 0},
		{"local_cpulist", SIM_W_LOCAL_CPULIST, 0444, 0},
		{"local_cpus", SIM_W_LOCAL_CPUS, 0444, 0},
	};
	static const struct sim_entry sriov[] = {
		{"sriov_totalvfs", SIM_W_TOTALVFS, 0444, 0},
		{"sriov_numvfs", SIM_W_NUMVFS, 0644, 0},
	};

	SIM_ADD_FILES(d, files);
	sim_add_link(d, "driver", SIM_W_DRIVER);
	sim_add_link(d, "subsystem", SIM_W_SUBSYSTEM);
	if (x->total_vfs)
		SIM_ADD_FILES(d, sriov);
	if (x->pf != SIZE_MAX)
		sim_add_link(d, "physfn", SIM_W_PHYSFN);
	if (x->net)
		fill_netdev(d, x);
	if (x->nvme)
		fill_nvme(d, x);
}

void sim_fill_pci(struct sim_kernel *k, struct sim_dir *root)
{
	const struct sim_machine *m = &k->m;
	struct sim_dir *d = sim_new(m->n_functions * sizeof(*d)), bus = *root;

	root->show = show_function;
	for (size_t i = 0; i < m->n_functions; i++) {
		const struct sim_function *x = &m->function[i];

		/* they are sorted: those of a bus stand together */
		if (!i || x[-1].domain != x->domain || x[-1].bus != x->bus)
			bus = sim_add_dir(root, sim_name("pci%04x:%02x", x->domain, x->bus),
					  SIM_W_DIR);
		bus.index = i;
		d[i] = sim_add_dir(&bus, sim_name(ADDRESS, ADDRESS_OF(x)), SIM_W_FUNCTION);
		fill_function(&d[i], x);
	}
	for (size_t i = 0; i < m->n_functions; i++) {
		const struct sim_function *x = &m->function[i];
		struct sim_dir *pf = x->pf == SIZE_MAX ? NULL : &d[x->pf];

		if (!pf)
			continue;
		pf->index = i;
		sim_add_link(pf, sim_name("virtfn%u", x->vf), SIM_W_VIRTFN);
	}
	free(d);
}

void sim_fill_bus(struct sim_kernel *k, struct sim_dir *root)
{
	root->show = show_function;
	for (size_t i = 0; i < k->m.n_functions; i++) {
		root->index = i;
		sim_add_link(root, sim_name(ADDRESS, ADDRESS_OF(&k->m.function[i])),
			     SIM_W_BUS_LINK);
	}
}

void sim_fill_net(struct sim_kernel *k, struct sim_dir *root)
{
	root->show = show_net;
	for (size_t i = 0; i < k->m.n_functions; i++) {
		root->index = i;
		if (k->m.function[i].net)
			sim_add_link(root, k->m.function[i].net, SIM_W_NET_LINK);
	}
}
