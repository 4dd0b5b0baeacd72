/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: the state of the simulated multikernel kernel: who owns which CPU,
 * memory and device, the instances, the transactions, the images. One struct,
 * one lock. What the kernel does with it is in the files beside this one;
 * what it promises is read off multikernel/linux (kernel/multikernel).
 *
 * Errors are negative errnos, as the kernel has them. Times are nanoseconds of
 * the simulation's own clock, which --speed makes run faster.
 */
#ifndef SIM_KERNEL_H
#define SIM_KERNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "machine.h"

#define SIM_MAGIC 0x6d6b6673 /* MULTIKERNEL_MAGIC: "mkfs" */
#define SIM_MS 1000000LL
#define SIM_SECOND (1000 * SIM_MS)
#define SIM_ANY_NODE (-1) /* NUMA_NO_NODE */

enum {
	SIM_BLOB_MAX = 1 << 20,	   /* atomic_write_len of device_tree; limit of overlays/new */
	SIM_PARK_BYTES = 0x14000,  /* the park area: page table, park page, wake slot */
	SIM_MANIFEST_BYTES = 4096, /* what the boot tree must fit into */
	SIM_HOST_TREE_MAX = 8192,  /* of chosen/multikernel,host-tree */
	SIM_ID_LOADABLE = 2047,	   /* KEXEC_MK_ID_MASK */
	SIM_ALIAS_MAX = 32,
	SIM_PLATFORM_MAX = 32,
	SIM_HID_MAX = 16, /* with the NUL */
};

/* CPU ids in the order in which they came; each at most once. */
struct sim_ids {
	uint64_t *id;
	size_t n, cap;
};

/* A PCI function as the kernel notes it. */
struct sim_pci {
	uint16_t domain, vendor, device;
	uint8_t bus, slot, func;
	char alias[SIM_ALIAS_MAX]; /* ABI 1: the name of its node */
};

struct sim_pcis {
	struct sim_pci *d;
	size_t n, cap;
};

struct sim_plat {
	char name[SIM_PLATFORM_MAX], hid[SIM_HID_MAX];
};

struct sim_plats {
	struct sim_plat *d;
	size_t n, cap;
};

/* Memory that is taken: bytes of a chunk, by rising base. */
struct sim_piece {
	uint64_t base, size;
};

/* A chunk of the pool: contiguous memory that the host has given up. */
struct sim_chunk {
	uint64_t base, size;
	uint32_t node; /* NUMA id */
	struct sim_piece *taken;
	size_t n_taken, cap;
};

/* A region of an instance, as /proc/iomem names it. */
struct sim_region {
	uint64_t base, size;
	unsigned number; /* mk-instance-ID-NAME-region-NUMBER */
	bool added;	 /* by memory-add, not at creation */
};

/* Memory by /dev/lazy_cma, or an image of daxfs's: named memory that is no instance's. */
struct sim_buffer {
	uint64_t base, size;
	uint32_t node;
	char name[64];
	bool in_pool; /* a piece of a chunk; else the host's own memory */
};

enum sim_state { SIM_EMPTY, SIM_READY, SIM_LOADED, SIM_ACTIVE, SIM_FAILED };

/* What kexec_file_load has left. */
struct sim_image {
	uint64_t start, kernel_bytes, initrd_bytes;
	uint64_t entry; /* of the ELF header; 0 of an arm64 Image */
	unsigned segments;
	char *cmdline;
	int initrd; /* a memfd that holds it, -1 without one */
};

/* What the instance's own CPUs do, whatever the kernel believes. */
enum sim_life {
	SIM_PARKED,   /* nothing runs */
	SIM_RUNNING,  /* its kernel runs (from up_at on it answers) */
	SIM_HUNG,     /* its kernel runs, and answers nothing */
	SIM_PANICKED, /* the same, after a panic without panic= */
};

struct sim_instance {
	uint64_t serial; /* identity: never used twice */
	int id;
	char *name;
	enum sim_state state;
	struct sim_ids cpus;
	struct sim_region *region;
	size_t n_regions, regions_cap;
	unsigned region_count; /* numbers the next region */
	struct sim_pcis pci;
	struct sim_plats platform;
	struct sim_image *image;
	char *host_tree; /* chosen/multikernel,host-tree as a blob, or NULL */
	enum sim_life life;
	int64_t up_at; /* when its kernel answers, after a boot */
	unsigned boots;
};

enum sim_tx_status { SIM_TX_PENDING, SIM_TX_APPLIED, SIM_TX_FAILED, SIM_TX_REMOVED };

struct sim_tx {
	int id;
	enum sim_tx_status status;
	bool applied; /* all of it, once */
	int error;    /* what it failed with, or a rmdir of it; the kernel only logs that */
	char target[128], resources[256];
	char *dtbo; /* as the kernel kept it: at most a page, bytes */
	size_t bytes;
	char *fdt; /* the same with room for what its header claims, zeros behind */
};

struct sim_kernel {
	struct sim_machine m;
	unsigned abi; /* 1 or 2 */
	bool stock;   /* an ordinary kernel of 6.17 or newer: no multikernel at all (T9) */
	double speed;
	int64_t started;	/* real nanoseconds */
	int64_t boot_ns, up_ns; /* a boot call's own time; until the new kernel answers */

	pthread_mutex_t lock;	 /* over all that follows */
	pthread_cond_t changed;	 /* something that somebody waits for may have changed */
	pthread_mutex_t overlay; /* mk_overlay_mutex: taken before lock */
	bool kexec_busy;	 /* the kexec lock */
	bool reboot_busy;	 /* system_transition_mutex */
	bool reboot_wedged;	 /* and nobody will ever give it back (T10) */

	bool baseline;		  /* mk_pool exists */
	struct sim_ids pool;	  /* free CPUs of it */
	struct sim_chunk **chunk; /* in the order of growing */
	size_t n_chunks, chunks_cap;
	bool parked; /* the park area stands at park_base */
	uint64_t park_base;
	struct sim_pcis pci;		/* free ones */
	struct sim_plats platform;	/* free ones */
	struct sim_pcis listed;		/* ABI 1: all devices of the baseline, by node name */
	uint64_t pool_base, pool_bytes; /* ABI 1: what the baseline calls the pool */
	struct sim_buffer *buffer;
	size_t n_buffers, buffers_cap;

	struct sim_instance **instance; /* in the order of making */
	size_t n_instances, instances_cap;
	uint64_t next_serial;
	struct sim_tx **tx; /* by id; NULL for one that is gone or not there yet */
	size_t tx_cap;
	int last_tx_id; /* 1 at first */
	uint64_t n_tx;	/* made in all */

	char *filesystems; /* /proc/filesystems of the host */
	char *host_image;  /* T9: the host's own staged kernel, its command line; or NULL */
	struct sim_faults faults;
	uint64_t violations; /* wrongs that the kernel let happen: see sim_violation */
	char **violation;
};

void sim_kernel_init(struct sim_kernel *k);

/* The lock; taking it first lets happen what is due. */
void sim_lock(struct sim_kernel *k);
void sim_unlock(struct sim_kernel *k);

int64_t sim_now(const struct sim_kernel *k);

/* Gives the lock up until that time, or until something changed. True when the time has come. */
bool sim_wait(struct sim_kernel *k, int64_t until);
void sim_sleep(struct sim_kernel *k, int64_t ns); /* the whole time, lock given up */
void sim_changed(struct sim_kernel *k);

/* Notes something that must not happen on a real machine, for mk-sim ctl state. */
void sim_violation(struct sim_kernel *k, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Memory that is never short: the program ends when it is. */
void *sim_new(size_t bytes);
void *sim_more(void *items, size_t n, size_t *cap, size_t size);
char *sim_str(const char *s);

/* ids.c */
bool sim_ids_has(const struct sim_ids *s, uint64_t id);
void sim_ids_add(struct sim_ids *s, uint64_t id); /* nothing when it is there */
bool sim_ids_del(struct sim_ids *s, uint64_t id); /* the order stays */
void sim_ids_clear(struct sim_ids *s);
struct sim_pci *sim_pci_find(struct sim_pcis *s, const struct sim_pci *like); /* by address */
struct sim_pci *sim_pci_add(struct sim_pcis *s, struct sim_pci p);
void sim_pci_del(struct sim_pcis *s, struct sim_pci *p);
struct sim_plat *sim_plat_find(struct sim_plats *s, const char *name);
void sim_plat_add(struct sim_plats *s, struct sim_plat p);
void sim_plat_del(struct sim_plats *s, struct sim_plat *p);

/* memory.c: the pool and the host's memory. Negative errno, or 0. */
int sim_pool_grow(struct sim_kernel *k, uint64_t size, int node);
int sim_pool_shrink(struct sim_kernel *k, uint64_t base, uint64_t size);
int sim_pool_adopt(struct sim_kernel *k, uint64_t base, uint64_t size); /* ABI 1 */
uint64_t sim_pool_alloc(struct sim_kernel *k, uint64_t size, int node); /* 0: none */
void sim_pool_free(struct sim_kernel *k, uint64_t base, uint64_t size);
uint64_t sim_pool_avail(const struct sim_kernel *k);
struct sim_chunk *sim_chunk_at(const struct sim_kernel *k, uint64_t address);
int sim_park_setup(struct sim_kernel *k);
int sim_park_teardown(struct sim_kernel *k);
bool sim_park_uses(const struct sim_kernel *k, uint64_t base, uint64_t size);
/* Contiguous memory of the host's, from the top, as the kernel looks for it; 0: none. */
uint64_t sim_host_alloc(const struct sim_kernel *k, uint64_t size, int node, uint64_t align,
			uint32_t *of_node);
int sim_buffer_alloc(struct sim_kernel *k, uint64_t size, int node, const char *name,
		     uint64_t *base);
int sim_buffer_resize(struct sim_kernel *k, uint64_t *base, uint64_t *size);
int sim_buffer_free(struct sim_kernel *k, uint64_t base);
/* A resource of /proc/iomem; calls back for each, nested by ranges. */
struct sim_resource {
	uint64_t base, size;
	char name[320];
	unsigned order; /* of making: of two of the same range the newer one holds the older */
};
size_t sim_resources(const struct sim_kernel *k, struct sim_resource **out); /* malloced */

/* instance.c */
struct sim_instance *sim_instance_named(const struct sim_kernel *k, const char *name);
struct sim_instance *sim_instance_of(const struct sim_kernel *k, int id);
struct sim_instance *sim_instance_serial(const struct sim_kernel *k, uint64_t serial);
int sim_instance_create(struct sim_kernel *k, const char *name, int id, const void *fdt,
			int resources, int chosen);
int sim_instance_destroy(struct sim_kernel *k, struct sim_instance *x);
const char *sim_state_word(enum sim_state s);

/* move.c: single moves of resources, as overlays ask for them */
int sim_cpu_to_pool(struct sim_kernel *k, uint64_t id);
int sim_cpu_to_host(struct sim_kernel *k, uint64_t id);
int sim_cpu_give(struct sim_kernel *k, struct sim_instance *x, uint64_t id);
int sim_cpu_take(struct sim_kernel *k, struct sim_instance *x, uint64_t id);
int sim_cpus_give(struct sim_kernel *k, struct sim_instance *x, const struct sim_ids *ids);
void sim_cpus_return(struct sim_kernel *k, struct sim_instance *x);
int sim_memory_give(struct sim_kernel *k, struct sim_instance *x, uint64_t base, uint64_t size,
		    int node);
int sim_memory_take(struct sim_kernel *k, struct sim_instance *x, uint64_t base, uint64_t size);
int sim_region_add(struct sim_kernel *k, struct sim_instance *x, uint64_t size, int node);
int sim_device_to_pool(struct sim_kernel *k, const struct sim_pci *p);
int sim_device_to_host(struct sim_kernel *k, const struct sim_pci *p);
int sim_device_give(struct sim_kernel *k, struct sim_instance *x, const struct sim_pci *p);
int sim_device_take(struct sim_kernel *k, struct sim_instance *x, const struct sim_pci *p);

/* baseline.c, transaction.c, overlay.c, overlay_old.c */
int sim_baseline_write(struct sim_kernel *k, const void *data, size_t bytes);
/* Bytes taken, or an error; waits as long as the kernel does. Called without the lock. */
long sim_overlay_write(struct sim_kernel *k, const void *data, size_t bytes, int64_t offset);
int sim_overlay_rmdir(struct sim_kernel *k, int id);
struct sim_tx *sim_tx_find(const struct sim_kernel *k, int id);
const char *sim_tx_word(enum sim_tx_status s);
/* An overlay's operations, or their inverses in reverse order. */
int sim_overlay_walk(struct sim_kernel *k, struct sim_tx *tx, bool undo);
int sim_old_walk(struct sim_kernel *k, struct sim_tx *tx, bool undo); /* ABI 1 */
int sim_overlay_first(const void *fdt); /* its first fragment by unit address, -1 for none */

/* devices.c: what a devices { } node of a baseline or of a create says */
int sim_pci_address(const char *text, struct sim_pci *p); /* as sscanf reads it; -EINVAL */
int sim_devices_parse(const struct sim_kernel *k, const void *fdt, int resources, bool baseline,
		      struct sim_pcis *pci, struct sim_plats *platform);

/* trees.c: malloced blobs */
char *sim_tree_root(struct sim_kernel *k, size_t *bytes);
char *sim_tree_instance(struct sim_kernel *k, const struct sim_instance *x, size_t *bytes);
/* A node as a tree of its own; NULL when that is larger than max. */
char *sim_tree_copy(const void *fdt, int node, size_t max);

/* boot.c */
struct sim_load {
	int kernel, initrd;		/* descriptors of ours, -1 for none */
	int kernel_error, initrd_error; /* why there is none: a negative errno */
	const char *cmdline;		/* NULL for none */
	uint64_t cmdline_bytes;
	bool cmdline_fault; /* the caller's pointer was bad */
	uint64_t flags;
};
int sim_kexec_load(struct sim_kernel *k, const struct sim_load *l);
int sim_boot(struct sim_kernel *k, int id);
int sim_halt(struct sim_kernel *k, int id);
int sim_force_halt(struct sim_kernel *k, int id);
void sim_image_free(struct sim_instance *x);
/* Asks a running instance for something and waits for the answer: 0, -ETIMEDOUT. */
int sim_message(struct sim_kernel *k, uint64_t serial, int64_t answer_ns, int64_t limit_ns);
/* What an instance does by itself. */
void sim_exit(struct sim_kernel *k, struct sim_instance *x);  /* halts, powers off */
void sim_panic(struct sim_kernel *k, struct sim_instance *x); /* as panic= has it */

#endif
