/* SPDX-License-Identifier: Apache-2.0 */
/* fdt: one pass over a vetted blob to read it, one pass over the tree to write it. */
#include "fdt.h"

#include <libfdt.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "num.h"

bool mk_fdt_is(const void *data, size_t len)
{
	return len >= 4 && mk_be32(data) == MK_FDT_MAGIC;
}

static int not_vetted(const char *name, size_t at, const char *why, struct mk_err *err)
{
	if (at)
		mk_fail(err, MK_BAD, "the blob at byte %zu: %s", at, why);
	else
		mk_fail(err, MK_BAD, "not a usable device tree blob: %s", why);
	memcpy(err->file, name, strnlen(name, sizeof(err->file) - 1));
	return MK_BAD;
}

static const char *structure_error(int code)
{
	switch (-code) {
	case FDT_ERR_TRUNCATED: return "a block of it lies outside of the blob, or it is cut short";
	case FDT_ERR_BADSTRUCTURE: return "its structure block is damaged";
	case FDT_ERR_BADMAGIC: return "it does not begin with the magic number";
	case FDT_ERR_BADVERSION: return "it is of a version that libfdt does not read";
	case FDT_ERR_BADSTATE: return "it is an unfinished blob";
	case FDT_ERR_BADLAYOUT: return "its blocks are in no order that libfdt reads";
	default: return "libfdt finds it damaged";
	}
}

/* The structure block, of a blob whose header was checked. */
struct block {
	const char *data;
	size_t size, at;
};

static struct block structure_of(const char *blob)
{
	return (struct block){.data = blob + mk_be32(blob + 8), .size = mk_be32(blob + 36)};
}

/* The next n bytes, and the padding behind them skipped; NULL when they are not there. */
static const char *take(struct block *b, size_t n)
{
	const char *p = b->data + b->at;

	if (n > b->size - b->at)
		return NULL;
	n = (n + 3) & ~(size_t)3;
	b->at = n < b->size - b->at ? b->at + n : b->size;
	return p;
}

static const char *take_name(struct block *b, size_t *len)
{
	const char *p = b->data + b->at, *nul = memchr(p, '\0', b->size - b->at);

	if (!nul)
		return NULL;
	*len = (size_t)(nul - p);
	return take(b, *len + 1);
}

/*
 * Whether the structure block ends where it says, tag by tag: the length of a
 * property near 2^32 makes fdt_check_full() of libfdt 1.6.1 stand still, or
 * step over what comes next.
 */
static bool lengths_fit(const char *blob)
{
	struct block b = structure_of(blob);
	const char *tag, *head;
	size_t len;

	while ((tag = take(&b, 4)) != NULL)
		switch (mk_be32(tag)) {
		case FDT_BEGIN_NODE:
			if (!take_name(&b, &len))
				return false;
			break;
		case FDT_PROP:
			head = take(&b, 8);
			if (!head || !take(&b, mk_be32(head)))
				return false;
			break;
		case FDT_END: return true;
		default: /* fdt_check_full() knows the rest */ break;
		}
	return false;
}

/*
 * Kernels of ABI 1 give the root of an instance's tree the instance's name,
 * libfdt wants none there: it is hidden while libfdt looks. blob has passed
 * lengths_fit().
 */
static int check_full(struct mk_arena *a, char *blob, size_t total)
{
	static const char nop[4] = {0, 0, 0, FDT_NOP};
	struct block b = structure_of(blob);
	const char *tag, *found = NULL;
	char *name, *kept;
	size_t len = 0, room;
	int rc;

	while ((tag = take(&b, 4)) && mk_be32(tag) == FDT_NOP)
		;
	if (tag && mk_be32(tag) == FDT_BEGIN_NODE)
		found = take_name(&b, &len);
	if (!found || !len)
		return fdt_check_full(blob, total);
	name = blob + (found - blob);
	room = (len + 4) & ~(size_t)3; /* with its NUL and what follows it to the next tag */
	kept = mk_arena_alloc(a, room);
	memcpy(kept, name, room);
	memset(name, 0, 4);
	for (size_t i = 4; i < room; i += 4)
		memcpy(name + i, nop, sizeof(nop));
	rc = fdt_check_full(blob, total);
	memcpy(name, kept, room);
	return rc;
}

int mk_fdt_vet(struct mk_arena *a, const char *data, size_t len, const char *name, size_t at,
	       const void **blob, size_t *size, struct mk_err *err)
{
	size_t total;
	void *copy;
	int rc;

	if (!mk_fdt_is(data, len))
		return not_vetted(name, at, "it does not begin with the magic number 0xd00dfeed",
				  err);
	if (len < MK_FDT_HEADER_BYTES)
		return not_vetted(name, at, "it is shorter than its header of 40 bytes", err);
	total = mk_be32(data + 4);
	if (total < MK_FDT_HEADER_BYTES)
		return not_vetted(name, at, "its total size is below the size of its header", err);
	if (total > len) {
		not_vetted(name, at, "it is cut short", err);
		mk_hint(err, "its header says %zu bytes, there are %zu", total, len);
		return MK_BAD;
	}
	if (mk_be32(data + 20) < MK_FDT_VERSION || mk_be32(data + 24) > MK_FDT_VERSION) {
		not_vetted(name, at, "its format version is not 17 or compatible with it", err);
		mk_hint(err,
			"it is of version %u, compatible down to %u; recompile it with a current "
			"dtc",
			mk_be32(data + 20), mk_be32(data + 24));
		return MK_BAD;
	}
	if (total > MK_TREE_BYTES_MAX)
		return not_vetted(name, at, "it is larger than 1 GiB", err);
	/*
	 * fdt_check_full() of libfdt 1.6.1 looks beyond a structure block whose
	 * offset is not a multiple of 4, and wants the whole aligned to 8.
	 */
	if (mk_be32(data + 8) % 4)
		return not_vetted(name, at, "its structure block is not aligned", err);
	copy = mk_arena_alloc(a, total);
	memcpy(copy, data, total);
	rc = fdt_check_header(copy);
	if (!rc)
		rc = lengths_fit(copy) ? check_full(a, copy, total) : -FDT_ERR_BADSTRUCTURE;
	if (rc)
		return not_vetted(name, at, structure_error(rc), err);
	*blob = copy;
	*size = total;
	return MK_OK;
}

/* ------------------------------------------------------------ reading */

/* Property names by their offset in the strings block: most are used again and again. */
struct names_seen {
	const char *strings;
	const char **at;
	size_t n;
};

static const char *prop_name(struct mk_tree *t, struct names_seen *seen, uint32_t off)
{
	const char *s = seen->strings + off, *nul;

	if (off >= seen->n)
		return NULL;
	if (!seen->at[off]) {
		nul = memchr(s, '\0', seen->n - off);
		if (!nul)
			return NULL;
		seen->at[off] = mk_intern(&t->names, s, (size_t)(nul - s));
	}
	return seen->at[off];
}

/* Paths and the lines form could not tell other names from several, or from none. */
static bool good_name(const char *name)
{
	return name[0] && !strchr(name, '/');
}

struct structure {
	struct mk_tree *t;
	struct block block;
	struct names_seen seen;
	struct mk_span nowhere;
	struct mk_node *node; /* the one that is open */
	unsigned depth;
	struct mk_err *err;
};

static int cut_short(const struct structure *x)
{
	return mk_fail_at(x->err, MK_BAD, x->nowhere,
			  "the structure block is damaged or cut short");
}

static int read_begin(struct structure *x)
{
	struct mk_node *n;
	size_t len;
	const char *name = take_name(&x->block, &len);

	if (!name)
		return cut_short(x);
	if (!x->node && x->t->root)
		return mk_fail_at(x->err, MK_BAD, x->nowhere, "there is more than one root");
	if (x->depth++ > MK_DEPTH_MAX)
		return mk_fail_at(x->err, MK_BAD, x->nowhere, "nodes are nested more than %d deep",
				  MK_DEPTH_MAX);
	if (x->node && !good_name(name))
		return mk_fail_at(x->err, MK_BAD, x->nowhere, "a node below %s has %s",
				  mk_node_path(x->t->arena, x->node),
				  len ? "a '/' in its name" : "no name");
	n = mk_node_new(x->t, mk_intern(&x->t->names, name, len), x->nowhere);
	if (x->node)
		mk_node_append(x->t, x->node, n);
	else
		x->t->root = n;
	x->node = n;
	return MK_OK;
}

static int read_prop(struct structure *x)
{
	const char *head = take(&x->block, 8), *data, *name;
	uint32_t len = head ? mk_be32(head) : 0;
	struct mk_prop *prop;

	data = head ? take(&x->block, len) : NULL;
	if (!data)
		return cut_short(x);
	name = prop_name(x->t, &x->seen, mk_be32(head + 4));
	if (!name || !x->node)
		return mk_fail_at(x->err, MK_BAD, x->nowhere, "a property has no %s",
				  name ? "node" : "name");
	if (!good_name(name))
		return mk_fail_at(x->err, MK_BAD, x->nowhere, "a property of %s has %s",
				  mk_node_path(x->t->arena, x->node),
				  name[0] ? "a '/' in its name" : "no name");
	prop = mk_prop_new(x->t, name, x->nowhere);
	prop->len = len;
	prop->data = len ? data : NULL;
	mk_prop_append(x->t, x->node, prop);
	return MK_OK;
}

static int read_structure(struct mk_tree *t, const char *blob, const struct mk_file *src,
			  struct mk_err *err)
{
	struct structure x = {
		.t = t,
		.err = err,
		.nowhere = {.file = src},
		.block = structure_of(blob),
		.seen = {.strings = blob + mk_be32(blob + 12), .n = mk_be32(blob + 32)},
	};
	int rc = MK_OK;

	x.seen.at = mk_arena_array(t->arena, x.seen.n, sizeof(*x.seen.at));
	while (!rc) {
		const char *tag = take(&x.block, 4);

		if (!tag)
			return cut_short(&x);
		switch (mk_be32(tag)) {
		case FDT_BEGIN_NODE: rc = read_begin(&x); break;
		case FDT_END_NODE:
			if (!x.node)
				return mk_fail_at(err, MK_BAD, x.nowhere,
						  "a node ends that never began");
			x.node = x.node->parent;
			x.depth--;
			break;
		case FDT_PROP: rc = read_prop(&x); break;
		case FDT_NOP: break;
		case FDT_END:
			if (!x.node && t->root)
				return MK_OK;
			return mk_fail_at(err, MK_BAD, x.nowhere,
					  "the structure block ends too early");
		default: return cut_short(&x);
		}
	}
	return rc;
}

/* A named root: the name lives on as the property model, as when a source has one. */
static int name_to_model(struct mk_tree *t, struct mk_span nowhere, struct mk_err *err)
{
	const char *name = t->root->name;
	struct mk_prop *model = mk_prop(t, t->root, "model");
	size_t len = strlen(name);

	if (!len)
		return MK_OK;
	if (model && (model->len != len + 1 || memcmp(model->data, name, len + 1)))
		return mk_fail_at(err, MK_BAD, nowhere,
				  "the root is named '%s', but its model is another", name);
	if (!model)
		mk_add_prop(t, t->root, "model", name, len + 1);
	t->root->name = mk_intern(&t->names, "", 0);
	return MK_OK;
}

int mk_fdt_read(struct mk_tree *t, const void *blob, const struct mk_file *src, struct mk_err *err)
{
	int n = fdt_num_mem_rsv(blob), rc;
	struct mk_span nowhere = {.file = src};

	if (n < 0)
		return mk_fail_at(err, MK_BAD, nowhere, "the list of reservations does not end");
	for (int i = 0; i < n; i++) {
		uint64_t address, size;

		if (fdt_get_mem_rsv(blob, i, &address, &size))
			return mk_fail_at(err, MK_BAD, nowhere, "a reservation is damaged");
		mk_add_reserve(t, address, size);
	}
	t->boot_cpuid = fdt_boot_cpuid_phys(blob);
	rc = read_structure(t, blob, src, err);
	if (!rc)
		rc = name_to_model(t, nowhere, err);
	return rc ? rc : mk_tree_check(t, err);
}

/* ------------------------------------------------------------ writing */

/*
 * The strings block as dtc fills it: a name that is the end of an earlier one
 * points into that. Every suffix of what was added is in a hash, the first
 * one wins.
 */
struct strings {
	struct mk_arena *arena;
	struct mk_buf bytes;
	struct suffix {
		uint32_t hash, off;
		bool used;
	} * slot;
	size_t cap, n;
};

static uint32_t suffix_step(uint32_t h, char c)
{
	return (h ^ (unsigned char)c) * 16777619U;
}

/* The slot that holds s, or the free one where it belongs. */
static size_t suffix_slot(const struct strings *x, uint32_t hash, const char *s)
{
	size_t i = (hash ^ hash >> 15) & (x->cap - 1);

	while (x->slot[i].used &&
	       (x->slot[i].hash != hash || (s && strcmp(x->bytes.data + x->slot[i].off, s))))
		i = (i + 1) & (x->cap - 1);
	return i;
}

static void suffix_room(struct strings *x, size_t more)
{
	struct suffix *old = x->slot;
	size_t old_cap = x->cap;

	if ((x->n + more) * 2 < old_cap)
		return;
	x->cap = old_cap ? old_cap : 1024;
	while ((x->n + more) * 2 >= x->cap)
		x->cap *= 2;
	x->slot = mk_arena_array(x->arena, x->cap, sizeof(*x->slot));
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].used)
			x->slot[suffix_slot(x, old[i].hash, x->bytes.data + old[i].off)] = old[i];
}

static uint32_t string_offset(struct strings *x, const char *s)
{
	size_t len = strlen(s), i;
	uint32_t h = 2166136261U, off;

	suffix_room(x, len + 1);
	for (i = len; i-- > 0;) /* hashed from the end, so that suffixes share the work */
		h = suffix_step(h, s[i]);
	i = suffix_slot(x, h, s);
	if (x->slot[i].used)
		return x->slot[i].off;
	off = (uint32_t)x->bytes.len;
	mk_buf_add(&x->bytes, s, len + 1);
	h = 2166136261U;
	for (size_t k = len + 1; k-- > 0;) {
		if (k < len)
			h = suffix_step(h, s[k]);
		i = suffix_slot(x, h, s + k);
		if (x->slot[i].used)
			continue;
		x->slot[i] = (struct suffix){.hash = h, .off = off + (uint32_t)k, .used = true};
		x->n++;
	}
	return off;
}

struct writer {
	struct mk_buf *b;
	struct strings strings;
};

static void align4(struct mk_buf *b, size_t start)
{
	while ((b->len - start) % 4)
		mk_buf_char(b, '\0');
}

static void write_node(struct writer *w, const struct mk_node *n, size_t start)
{
	mk_buf_be32(w->b, FDT_BEGIN_NODE);
	mk_buf_add(w->b, n->name, strlen(n->name) + 1);
	align4(w->b, start);
	for (const struct mk_prop *p = mk_prop_first(n); p; p = mk_prop_next(p)) {
		uint32_t *mark = mk_name_mark(p->name); /* offset + 1, once known */

		if (!*mark)
			*mark = string_offset(&w->strings, p->name) + 1;
		mk_buf_be32(w->b, FDT_PROP);
		mk_buf_be32(w->b, p->len);
		mk_buf_be32(w->b, *mark - 1);
		mk_buf_add(w->b, p->data, p->len);
		align4(w->b, start);
	}
	for (const struct mk_node *c = mk_first(n); c; c = mk_next(c))
		write_node(w, c, start);
	mk_buf_be32(w->b, FDT_END_NODE);
}

static void put_be32(char *p, size_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (char)(v & 0xff);
}

int mk_fdt_write(struct mk_buf *b, struct mk_tree *t, size_t pad, struct mk_err *err)
{
	struct writer w = {.b = b, .strings = {.arena = t->arena}};
	size_t start = b->len, structure, strings, total;
	char *h;

	mk_names_unmark(&t->names);
	mk_buf_init(&w.strings.bytes, t->arena);
	memset(mk_buf_room(b, MK_FDT_HEADER_BYTES), 0, MK_FDT_HEADER_BYTES);
	b->len += MK_FDT_HEADER_BYTES;
	for (const struct mk_reserve *r = t->reserve; r; r = r->next) {
		mk_buf_be64(b, r->address);
		mk_buf_be64(b, r->size);
	}
	mk_buf_be64(b, 0);
	mk_buf_be64(b, 0);
	structure = b->len - start;
	write_node(&w, t->root, start);
	mk_buf_be32(b, FDT_END);
	strings = b->len - start;
	mk_buf_add(b, w.strings.bytes.data, w.strings.bytes.len);
	if (pad > MK_TREE_BYTES_MAX)
		return mk_fail(err, MK_BAD, "a padding of %zu bytes is too large", pad);
	if (pad)
		memset(mk_buf_room(b, pad), 0, pad);
	b->len += pad;
	total = b->len - start;
	if (total > MK_TREE_BYTES_MAX)
		return mk_fail(err, MK_BAD, "the blob would be larger than 1 GiB");
	h = b->data + start;
	put_be32(h, MK_FDT_MAGIC);
	put_be32(h + 4, total);
	put_be32(h + 8, structure);
	put_be32(h + 12, strings);
	put_be32(h + 16, MK_FDT_HEADER_BYTES);
	put_be32(h + 20, MK_FDT_VERSION);
	put_be32(h + 24, MK_FDT_LAST_COMPATIBLE);
	put_be32(h + 28, t->boot_cpuid);
	put_be32(h + 32, w.strings.bytes.len);
	put_be32(h + 36, strings - structure);
	return MK_OK;
}
