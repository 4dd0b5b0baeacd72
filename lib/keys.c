/* SPDX-License-Identifier: Apache-2.0 */
/* keys: the table of record keys, and reading and writing values by type. */
#include "keys.h"

#include <string.h>

#include "arena.h"
#include "json.h"
#include "num.h"

const struct mk_key mk_keys[] = {
	{"abi", MK_KEY_NUMBER, "kernel interface, 1 or 2"},
	{"allow-move", MK_KEY_FLAG, "memory may be exchanged for other memory"},
	{"available-ns", MK_KEY_IDS, "namespaces that instances may have"},
	{"available-vfs", MK_KEY_IDS, "virtual functions that instances may have"},
	{"boot-cpu", MK_KEY_IDS, "the CPU that boots, the first of all"},
	{"boots", MK_KEY_NUMBER, "how often an instance was booted"},
	{"cmdline", MK_KEY_TEXT, "command line of a kernel"},
	{"cpu-affinity", MK_KEY_TEXT, "compact, spread or local"},
	{"cpu-count", MK_KEY_NUMBER, "how many CPUs"},
	{"cpus", MK_KEY_IDS, "physical CPU ids; the first one boots"},
	{"devices", MK_KEY_NAMES, "devices, VFs (eth0_vf1) and namespaces (nvme0_ns2)"},
	{"digest", MK_KEY_TEXT, "stands for the state that a delta was computed from"},
	{"enable-host-kcore", MK_KEY_FLAG, "an option of the instance"},
	{"error", MK_KEY_TEXT, "the errno that a transaction failed with"},
	{"free", MK_KEY_SIZE, "free bytes"},
	{"free-cpus", MK_KEY_IDS, "CPUs of the pool that no instance has"},
	{"host-cpus", MK_KEY_IDS, "CPUs that stay with the host"},
	{"id", MK_KEY_NUMBER, "instance id, 1 to 2047"},
	{"initrd-size", MK_KEY_SIZE, "bytes of an initial RAM disk"},
	{"kernel-size", MK_KEY_SIZE, "bytes of memory that a kernel takes"},
	{"life", MK_KEY_TEXT, "what the CPUs of an instance do"},
	{"memory", MK_KEY_MEMORY, "memory regions, or sizes for the kernel to place"},
	{"memory-policy", MK_KEY_TEXT, "local, interleave or bind"},
	{"name", MK_KEY_TEXT, "as /proc/iomem calls it"},
	{"numa-node", MK_KEY_NUMBER, "NUMA node of what is added"},
	{"numa-nodes", MK_KEY_IDS, "NUMA nodes, in order of preference"},
	{"pci-id", MK_KEY_TEXT, "PCI function"},
	{"pci-ids", MK_KEY_NAMES, "PCI functions of devices=, in the same order; - for none"},
	{"size", MK_KEY_SIZE, "bytes"},
	{"state", MK_KEY_TEXT, "ready, loaded or active"},
	{"status", MK_KEY_TEXT, "pending, applied or failed"},
	{"transactions", MK_KEY_NUMBER, "how many there were"},
	{"uring-cq-entries", MK_KEY_NUMBER, "an option of the instance"},
	{"uring-shim-data-pages", MK_KEY_NUMBER, "an option of the instance"},
	{"uring-sq-entries", MK_KEY_NUMBER, "an option of the instance"},
	{"violations", MK_KEY_NUMBER, "how often what must not happen did"},
	{"what", MK_KEY_TEXT, "what no kernel operation expresses, or what should not have been"},
	{NULL, MK_KEY_TEXT, NULL},
};

#define WISHES "[numa-nodes=] [cpu-affinity=] [memory-policy=]"
#define OPTIONS                                                                                    \
	"[enable-host-kcore=] [uring-sq-entries=] [uring-cq-entries=] [uring-shim-data-pages=]"

const struct mk_verb mk_verbs[] = {
	{"create", MK_REQUEST, "NAME",
	 "[cpus=] [cpu-count=] [boot-cpu=] memory= [id=] [devices=] " WISHES " " OPTIONS},
	{"update", MK_REQUEST, "NAME",
	 "[cpus=] [cpu-count=] [boot-cpu=] [memory=] [devices=] [allow-move=]"},
	{"delete", MK_REQUEST, "NAME", NULL},
	{"pool-add", MK_REQUEST, "@pool", "[cpus=] [memory=] [devices=]"},
	{"pool-remove", MK_REQUEST, "@pool", "[cpus=] [memory=] [devices=]"},

	{"basis", MK_DELTA, "-", "[digest=] [abi=]"},
	{"create", MK_DELTA, "NAME",
	 "cpus= memory= [id=] [devices=] [pci-ids=] " WISHES " " OPTIONS},
	{"delete", MK_DELTA, "NAME", NULL},
	{"cpu-add", MK_DELTA, "NAME|@pool", "cpus= [numa-node=]"},
	{"cpu-remove", MK_DELTA, "NAME|@pool", "cpus= [numa-node=]"},
	{"memory-add", MK_DELTA, "NAME|@pool", "memory="},
	{"memory-remove", MK_DELTA, "NAME|@pool", "memory="},
	{"device-add", MK_DELTA, "NAME|@pool", "devices= [pci-ids=]"},
	{"device-remove", MK_DELTA, "NAME|@pool", "devices= [pci-ids=]"},
	{"unsupported", MK_DELTA, "NAME|@pool", "[what=]"},

	{"host", MK_FACT, "@host", "abi= [host-cpus=] [size=]"},
	{"pool", MK_FACT, "@pool", "cpus= free-cpus= memory= free="},
	{"device", MK_FACT, "NAME", "[pci-id=] [numa-node=] [available-vfs=] [available-ns=]"},
	{"instance", MK_FACT, "NAME", "[id=] [state=] cpus= memory= devices= " WISHES},

	{"host", MK_SIM, "@host", "abi= host-cpus= transactions= [cmdline=] violations="},
	{"pool", MK_SIM, "@pool", "free-cpus= free= [devices=]"},
	{"chunk", MK_SIM, "@pool", "memory= numa-node="},
	{"buffer", MK_SIM, "@host|@pool", "name= memory="},
	{"instance", MK_SIM, "NAME", "id= state= life= boots= cpus= memory= [devices=]"},
	{"image", MK_SIM, "NAME", "kernel-size= initrd-size= cmdline="},
	{"transaction", MK_SIM, "tx_N", "status= [error=] size="},
	{"violation", MK_SIM, "-", "what="},
	{NULL, MK_SIM, NULL, NULL},
};

const struct mk_verb *mk_verb_find(enum mk_verb_kind kind, const char *name)
{
	for (const struct mk_verb *v = mk_verbs; v->name; v++)
		if (v->kind == kind && !strcmp(v->name, name))
			return v;
	return NULL;
}

/* The next key of the list, without its brackets; *p goes behind it. NULL at the end. */
static const char *next_key(const char **p, size_t *len)
{
	const char *key = *p ? *p + strspn(*p, " [") : "";

	*len = strcspn(key, "=");
	if (!*key)
		return NULL;
	*p = key + strcspn(key, " ");
	return key;
}

bool mk_verb_takes(const struct mk_verb *v, const char *key)
{
	const char *p = v->keys, *k;
	size_t len;

	while ((k = next_key(&p, &len)))
		if (strlen(key) == len && !memcmp(key, k, len))
			return true;
	return false;
}

const char *const *mk_verb_keys(struct mk_arena *a, const struct mk_verb *v)
{
	const char **out = NULL, *p = v->keys, *k;
	size_t n = 0, cap = 0, len;

	while ((k = next_key(&p, &len))) {
		out = mk_arena_more(a, (void *)out, n, &cap, sizeof(*out));
		out[n++] = mk_arena_strn(a, k, len);
	}
	out = mk_arena_more(a, (void *)out, n, &cap, sizeof(*out));
	out[n] = NULL;
	return out;
}

const char *const *mk_verb_names(struct mk_arena *a, enum mk_verb_kind kind)
{
	const char **out = mk_arena_array(a, sizeof(mk_verbs) / sizeof(mk_verbs[0]), sizeof(*out));
	size_t n = 0;

	for (const struct mk_verb *v = mk_verbs; v->name; v++)
		if (v->kind == kind)
			out[n++] = v->name;
	return out;
}

const struct mk_key *mk_key_find(const char *name)
{
	for (const struct mk_key *k = mk_keys; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

static int bad(const struct mk_pair *p, struct mk_err *err, const char *wanted)
{
	return mk_fail_at(err, MK_BAD, p->at, "'%s' must be %s, not '%.*s'", p->key, wanted,
			  (int)(p->len < 80 ? p->len : 80), p->raw);
}

int mk_key_u32(struct mk_arena *a, const struct mk_pair *p, uint32_t *v, struct mk_err *err)
{
	(void)a;
	return mk_num_u32(p->raw, p->len, v) ? MK_OK : bad(p, err, "a number");
}

int mk_key_flag(struct mk_arena *a, const struct mk_pair *p, bool *v, struct mk_err *err)
{
	(void)a;
	*v = p->len == 3 && !memcmp(p->raw, "yes", 3);
	return *v || (p->len == 2 && !memcmp(p->raw, "no", 2)) ? MK_OK : bad(p, err, "yes or no");
}

int mk_key_ids(struct mk_arena *a, const struct mk_pair *p, struct mk_ids *ids, struct mk_err *err)
{
	size_t at;

	if (mk_ids_parse(a, p->raw, p->len, ids, &at))
		return MK_OK;
	if (ids->n >= MK_IDS_MAX)
		return mk_fail_at(err, MK_BAD, p->at, "'%s' lists more than %d ids", p->key,
				  MK_IDS_MAX);
	bad(p, err, "a list of ids");
	if (at < p->len)
		mk_hint(err, "write it like 4-7,10 or 12-20:2; '%.*s' is not that",
			(int)(p->len - at < 40 ? p->len - at : 40), p->raw + at);
	else
		mk_hint(err, "write it like 4-7,10 or 12-20:2; a number is missing at its end");
	return MK_BAD;
}

/* "0xBASE+SIZE", "SIZE@NODE", "SIZE" */
static bool one_memory(const char *s, size_t len, struct mk_mem *m)
{
	const char *plus = memchr(s, '+', len), *at = memchr(s, '@', len);

	*m = (struct mk_mem){.node = MK_NODE_ANY};
	if (at) {
		size_t n = (size_t)(at - s);

		if (!mk_num_u32(at + 1, len - n - 1, &m->node) || m->node == MK_NODE_ANY)
			return false;
		len = n;
		plus = plus && plus < at ? plus : NULL;
	}
	if (!plus)
		return mk_num_size(s, len, &m->size);
	m->placed = true;
	return len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') &&
	       mk_num_u64(s, (size_t)(plus - s), &m->base) &&
	       mk_num_size(plus + 1, len - (size_t)(plus - s) - 1, &m->size);
}

int mk_key_memory(struct mk_arena *a, const struct mk_pair *p, struct mk_mems *mem,
		  struct mk_err *err)
{
	*mem = (struct mk_mems){0};
	for (size_t i = 0; p->len && i <= p->len;) {
		const char *comma = memchr(p->raw + i, ',', p->len - i);
		size_t len = comma ? (size_t)(comma - p->raw) - i : p->len - i;
		struct mk_mem m;

		if (!one_memory(p->raw + i, len, &m)) {
			bad(p, err, "sizes or regions");
			mk_hint(err, "write 2G, 2G@0 (on NUMA node 0) or 0x80000000+2G, separated "
				     "by commas");
			return MK_BAD;
		}
		mk_mem_add(a, mem, m);
		i += len + 1;
	}
	return MK_OK;
}

int mk_key_names(struct mk_arena *a, const struct mk_pair *p, const char ***names, size_t *n,
		 struct mk_err *err)
{
	size_t cap = 0;

	*names = NULL;
	*n = 0;
	for (size_t i = 0; p->len && i <= p->len;) {
		const char *comma = memchr(p->raw + i, ',', p->len - i);
		struct mk_pair item = *p;

		item.raw = p->raw + i;
		item.len = comma ? (size_t)(comma - p->raw) - i : p->len - i;
		if (!item.len)
			return bad(p, err, "names, separated by commas");
		*names = mk_arena_more(a, (void *)*names, *n, &cap, sizeof(**names));
		(*names)[(*n)++] = mk_record_text(a, &item);
		i += item.len + 1;
	}
	return MK_OK;
}

static int check(struct mk_arena *a, const struct mk_pair *p, size_t *ids, struct mk_err *err)
{
	const struct mk_key *key = mk_key_find(p->key);
	struct mk_ids list = {0};
	struct mk_mems mem = {0};
	const char **names;
	uint32_t number;
	uint64_t size;
	size_t n;
	bool yes;

	switch (key ? key->type : MK_KEY_TEXT) {
	case MK_KEY_NUMBER: return mk_key_u32(a, p, &number, err);
	case MK_KEY_SIZE: return mk_num_size(p->raw, p->len, &size) ? MK_OK : bad(p, err, "a size");
	case MK_KEY_FLAG: return mk_key_flag(a, p, &yes, err);
	case MK_KEY_MEMORY: return mk_key_memory(a, p, &mem, err);
	case MK_KEY_NAMES: return mk_key_names(a, p, &names, &n, err);
	case MK_KEY_IDS: break;
	case MK_KEY_TEXT: return MK_OK;
	}
	if (mk_key_ids(a, p, &list, err))
		return MK_BAD;
	*ids += list.n;
	if (*ids > MK_IDS_MAX)
		return mk_fail_at(err, MK_BAD, p->at, "the stream lists more than %d ids",
				  MK_IDS_MAX);
	return MK_OK;
}

int mk_keys_check(struct mk_arena *a, const struct mk_record *rec, size_t *ids, struct mk_err *err)
{
	struct mk_arena scratch;
	int rc = MK_OK;

	mk_arena_init(&scratch, a->oom);
	for (size_t i = 0; !rc && i < rec->n; i++)
		rc = check(&scratch, &rec->pair[i], ids, err);
	mk_arena_free(&scratch);
	return rc;
}

/* ------------------------------------------------------------ writing */

void mk_put_ids(struct mk_record_writer *w, const char *key, const struct mk_ids *ids)
{
	mk_record_key(w, key);
	mk_ids_print(w->b, ids);
}

void mk_put_memory(struct mk_record_writer *w, const char *key, const struct mk_mems *mem)
{
	mk_record_key(w, key);
	for (size_t i = 0; i < mem->n; i++) {
		const struct mk_mem *m = &mem->m[i];

		if (i)
			mk_buf_char(w->b, ',');
		if (m->placed) {
			mk_buf_hex(w->b, m->base);
			mk_buf_char(w->b, '+');
		}
		mk_buf_u64(w->b, m->size);
		if (m->node != MK_NODE_ANY)
			mk_buf_fmt(w->b, "@%u", m->node);
	}
}

void mk_put_uses(struct mk_record_writer *w, const char *key, const struct mk_uses *uses)
{
	mk_record_key(w, key);
	for (size_t i = 0; i < uses->n; i++) {
		if (i)
			mk_buf_char(w->b, ',');
		mk_record_add(w, uses->u[i].text);
	}
}

void mk_put_wishes(struct mk_record_writer *w, const struct mk_instance *x)
{
	if (x->numa_nodes.n)
		mk_put_ids(w, "numa-nodes", &x->numa_nodes);
	if (x->affinity)
		mk_record_str(w, "cpu-affinity", x->affinity);
	if (x->policy)
		mk_record_str(w, "memory-policy", x->policy);
}

/* ------------------------------------------------------------ JSON */

static int json_value(struct mk_arena *a, struct mk_json *j, const struct mk_pair *p,
		      struct mk_err *err)
{
	const struct mk_key *key = mk_key_find(p->key);
	enum mk_key_type type = key ? key->type : MK_KEY_TEXT;
	const char **names;
	struct mk_mems mem;
	struct mk_ids ids;
	uint64_t v;
	size_t n;
	bool yes;

	switch (type) {
	case MK_KEY_NUMBER:
	case MK_KEY_SIZE:
		if (!mk_num_u64(p->raw, p->len, &v))
			return bad(p, err, "a number");
		mk_json_u64(j, v);
		return MK_OK;
	case MK_KEY_FLAG:
		if (mk_key_flag(a, p, &yes, err))
			return MK_BAD;
		mk_json_bool(j, yes);
		return MK_OK;
	case MK_KEY_IDS:
		if (mk_key_ids(a, p, &ids, err))
			return MK_BAD;
		mk_json_open(j, '[');
		for (size_t i = 0; i < ids.n; i++)
			mk_json_u64(j, ids.id[i]);
		mk_json_close(j, ']');
		return MK_OK;
	case MK_KEY_NAMES:
		if (mk_key_names(a, p, &names, &n, err))
			return MK_BAD;
		mk_json_open(j, '[');
		for (size_t i = 0; i < n; i++)
			mk_json_str(j, names[i]);
		mk_json_close(j, ']');
		return MK_OK;
	case MK_KEY_MEMORY:
		if (mk_key_memory(a, p, &mem, err))
			return MK_BAD;
		mk_json_open(j, '[');
		for (size_t i = 0; i < mem.n; i++) {
			mk_json_open(j, '{');
			if (mem.m[i].placed) {
				mk_json_key(j, "base");
				mk_json_hex(j, mem.m[i].base);
			}
			mk_json_key(j, "size");
			mk_json_u64(j, mem.m[i].size);
			if (mem.m[i].node != MK_NODE_ANY) {
				mk_json_key(j, "node");
				mk_json_u64(j, mem.m[i].node);
			}
			mk_json_close(j, '}');
		}
		mk_json_close(j, ']');
		return MK_OK;
	case MK_KEY_TEXT: break;
	}
	mk_json_str(j, mk_record_text(a, p));
	return MK_OK;
}

/* The next record as a line; *got false at the end. */
static int json_record(struct mk_buf *b, struct mk_arena *a, struct mk_record_reader *r, bool *got,
		       struct mk_err *err)
{
	struct mk_json j = {.b = b};
	struct mk_record rec;
	int rc = mk_record_next(r, a, &rec, got, err);

	if (rc || !*got)
		return rc;
	mk_json_open(&j, '{');
	mk_json_key(&j, "verb");
	mk_json_str(&j, rec.verb);
	mk_json_key(&j, "subject");
	/* a name that could pass for @pool, tx_1 or - keeps its escape */
	mk_json_str(&j, rec.special ? rec.subject : mk_record_subject(a, rec.subject));
	for (size_t i = 0; !rc && i < rec.n; i++) {
		mk_json_key(&j, rec.pair[i].key);
		rc = json_value(a, &j, &rec.pair[i], err);
	}
	mk_json_close(&j, '}');
	mk_buf_char(b, '\n');
	return rc;
}

int mk_records_json(struct mk_buf *b, const char *text, size_t len, struct mk_err *err)
{
	struct mk_file src = {.name = "<records>", .text = text, .len = len};
	struct mk_record_reader r;
	struct mk_arena one; /* a record's own: what its lists expand to is not kept */
	int rc = MK_OK;
	bool got = true;

	mk_arena_init(&one, b->arena->oom);
	mk_record_open(&r, &src);
	while (!rc && got) {
		rc = json_record(b, &one, &r, &got, err);
		mk_arena_reset(&one);
	}
	mk_arena_free(&one);
	return rc;
}
