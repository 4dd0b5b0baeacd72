/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the verdict over a state, for programs. The names under "hardware"
 * and "instances" and the three lists of strings are those of kerf's reports.
 */
#include <string.h>

#include "arena.h"
#include "doc.h"
#include "num.h"
#include "pool.h"
#include "report_int.h"
#include "utf8.h"

static void u64(struct mk_doc *d, const char *key, uint64_t v)
{
	mk_doc_key(d, key);
	mk_doc_u64(d, v);
}

static void str(struct mk_doc *d, const char *key, const char *s)
{
	mk_doc_key(d, key);
	mk_doc_str(d, s);
}

static void map(struct mk_doc *d, const char *key)
{
	mk_doc_key(d, key);
	mk_doc_map(d);
}

static void list(struct mk_doc *d, const char *key)
{
	mk_doc_key(d, key);
	mk_doc_list(d);
}

static void ids(struct mk_doc *d, const char *key, const struct mk_ids *x)
{
	list(d, key);
	for (size_t i = 0; i < x->n; i++)
		mk_doc_u64(d, x->id[i]);
	mk_doc_end(d);
}

/* ------------------------------------------------------------ findings */

/* All texts of one kind, with the rule behind them: kerf's errors, warnings, suggestions. */
static void texts(struct mk_doc *d, const struct mk_verdict *v, const char *key,
		  enum mk_severity severity)
{
	list(d, key);
	for (const struct mk_diag *x = v->d->first; x; x = x->next)
		if (x->severity == severity)
			mk_doc_str(d,
				   x->rule ? mk_arena_fmt(v->s->arena, "%s [%s]", x->text, x->rule)
					   : x->text);
	mk_doc_end(d);
}

static void suggestions(struct mk_doc *d, const struct mk_verdict *v)
{
	list(d, "suggestions");
	for (const struct mk_diag *x = v->d->first; x; x = x->next)
		if (x->hint)
			mk_doc_str(d, x->hint);
	mk_doc_end(d);
}

static void place(struct mk_doc *d, struct mk_span at)
{
	if (!at.line || !at.file)
		return;
	str(d, "file", at.file->name);
	u64(d, "line", at.line);
	if (mk_span_col(at))
		u64(d, "column", mk_span_col(at));
}

static void findings(struct mk_doc *d, const struct mk_verdict *v)
{
	list(d, "findings");
	for (const struct mk_diag *x = v->d->first; x; x = x->next) {
		mk_doc_map(d);
		str(d, "severity", mk_severity_word(x->severity));
		if (x->rule)
			str(d, "rule", x->rule);
		str(d, "subject", x->subject ? x->subject : "@pool");
		if (x->n_parties) {
			list(d, "parties");
			for (size_t i = 0; i < x->n_parties; i++)
				mk_doc_str(d, x->party[i]);
			mk_doc_end(d);
		}
		str(d, "message", x->text);
		place(d, x->at);
		if (x->path)
			str(d, "path", x->path);
		if (x->other_text) {
			map(d, "other");
			str(d, "message", x->other_text);
			place(d, x->other);
			mk_doc_end(d);
		}
		if (x->hint)
			str(d, "hint", x->hint);
		mk_doc_end(d);
	}
	mk_doc_end(d);
}

/* ------------------------------------------------------------ the machine */

static void regions(struct mk_doc *d, const char *key, const struct mk_mems *m)
{
	list(d, key);
	for (size_t i = 0; i < m->n; i++) {
		mk_doc_map(d);
		if (m->m[i].placed)
			u64(d, "base", m->m[i].base);
		u64(d, "bytes", m->m[i].size);
		if (m->m[i].node != MK_NODE_ANY)
			u64(d, "numa_node", m->m[i].node);
		mk_doc_end(d);
	}
	mk_doc_end(d);
}

static void cpus(struct mk_doc *d, const struct mk_state *s)
{
	struct mk_ids free = mk_free_cpus(s);

	map(d, "cpus");
	if (s->host_cpus.known) {
		u64(d, "total", mk_report_cpus(s).all);
		ids(d, "host_reserved", &s->host_cpus.ids);
	}
	ids(d, "available", &s->pool.ids);
	ids(d, "free", &free);
	mk_doc_end(d);
}

static void memory(struct mk_doc *d, const struct mk_state *s)
{
	struct mk_free_memory free;
	struct mk_memmap m;

	mk_memmap_init(&m, s);
	free = mk_report_free(&m, MK_NODE_ANY);
	map(d, "memory");
	if (s->has_memory_total) {
		u64(d, "total_bytes", s->memory_total);
		if (s->memory_host)
			u64(d, "host_reserved_bytes", s->memory_host);
	}
	if (s->chunks.n && s->chunks.m[0].placed)
		u64(d, "memory_pool_base", s->chunks.m[0].base);
	u64(d, "memory_pool_bytes", mk_mems_bytes(&s->chunks));
	regions(d, "pool", &s->chunks);
	regions(d, "in_use", &s->in_use);
	u64(d, "free_bytes", free.bytes);
	u64(d, "largest_free_block_bytes", free.block);
	mk_doc_end(d);
}

static void topology(struct mk_doc *d, const struct mk_state *s)
{
	list(d, "numa_nodes");
	for (size_t i = 0; i < s->n_numa; i++) {
		mk_doc_map(d);
		u64(d, "id", s->numa[i].id);
		ids(d, "cpus", &s->numa[i].cpus.ids);
		if (s->numa[i].has_memory) {
			u64(d, "memory_base", s->numa[i].base);
			u64(d, "memory_bytes", s->numa[i].size);
		}
		if (s->numa[i].type)
			str(d, "memory_type", s->numa[i].type);
		ids(d, "distances", &s->numa[i].distance);
		mk_doc_end(d);
	}
	mk_doc_end(d);
	list(d, "cores");
	for (size_t i = 0; i < s->n_cores; i++) {
		mk_doc_map(d);
		u64(d, "id", s->core[i].id);
		if (s->core[i].has_socket)
			u64(d, "socket", s->core[i].socket);
		ids(d, "cpus", &s->core[i].cpus.ids);
		mk_doc_end(d);
	}
	mk_doc_end(d);
}

/*
 * A name as a key. Bytes that are no UTF-8 would all become the same character:
 * such names, and those that could be taken for one, are escaped as in records.
 */
static const char *key_of(struct mk_arena *a, const char *name)
{
	size_t len = strlen(name), n;

	for (size_t i = 0; i < len; i += n) {
		n = mk_utf8_len(name + i, len - i);
		if (!n || name[i] == '%')
			return mk_report_safe(a, name);
	}
	return name;
}

static void devices(struct mk_doc *d, const struct mk_state *s)
{
	struct mk_names seen = {.arena = s->arena};

	map(d, "devices");
	for (size_t i = 0; i < s->n_devices; i++) {
		const struct mk_device *x = &s->device[i];
		const char *compatible = mk_report_compatible(x);

		/* an object has a key once: the second device of a name is an error (MK210) */
		if (mk_name_known(&seen, x->name, strlen(x->name)))
			continue;
		mk_intern(&seen, x->name, strlen(x->name));
		map(d, key_of(s->arena, x->name));
		if (compatible)
			str(d, "compatible", compatible);
		if (x->pci_id)
			str(d, "pci_id", x->pci_id);
		if (x->node != MK_NODE_ANY)
			u64(d, "numa_node", x->node);
		if (x->has_vfs)
			u64(d, "sriov_vfs", x->vfs);
		if (x->vf.known)
			ids(d, "available_vfs", &x->vf.ids);
		if (x->has_ns)
			u64(d, "namespaces", x->ns);
		if (x->free_ns.known)
			ids(d, "available_ns", &x->free_ns.ids);
		mk_doc_end(d);
	}
	mk_doc_end(d);
}

static void hardware(struct mk_doc *d, const struct mk_state *s)
{
	mk_doc_key(d, "hardware");
	if (!s->has_machine) {
		mk_doc_null(d);
		return;
	}
	mk_doc_map(d);
	cpus(d, s);
	memory(d, s);
	topology(d, s);
	devices(d, s);
	mk_doc_end(d);
}

/* ------------------------------------------------------------ instances */

static void resources(struct mk_doc *d, const struct mk_instance *x)
{
	map(d, "resources");
	ids(d, "cpus", &x->cpus.ids);
	if (x->mem.n && x->mem.m[0].placed)
		u64(d, "memory_base", x->mem.m[0].base);
	u64(d, "memory_bytes", mk_mems_bytes(&x->mem));
	regions(d, "memory", &x->mem);
	list(d, "devices");
	for (size_t i = 0; i < x->devices.n; i++)
		mk_doc_str(d, x->devices.u[i].text);
	mk_doc_end(d);
	if (x->numa_nodes.n)
		ids(d, "numa_nodes", &x->numa_nodes);
	if (x->affinity)
		str(d, "cpu_affinity", x->affinity);
	if (x->policy)
		str(d, "memory_policy", x->policy);
	mk_doc_end(d);
}

static void instances(struct mk_doc *d, const struct mk_verdict *v)
{
	size_t *errors = mk_report_errors_by_instance(v);

	map(d, "instances");
	for (size_t i = 0; i < v->s->n_instances; i++) {
		const struct mk_instance *x = &v->s->instance[i];

		map(d, key_of(v->s->arena, x->name));
		if (x->has_id)
			u64(d, "id", x->id);
		else
			str(d, "id", "auto-assigned");
		if (x->status)
			str(d, "state", x->status);
		u64(d, "errors", errors[i]);
		resources(d, x);
		mk_doc_end(d);
	}
	mk_doc_end(d);
}

void mk_report_document(struct mk_buf *b, const struct mk_verdict *v, bool yaml)
{
	struct mk_doc d;

	mk_doc_begin(&d, b, yaml);
	str(&d, "status", v->d->errors ? "invalid" : "valid");
	if (v->s->file)
		str(&d, "input", v->s->file);
	u64(&d, "number", v->number);
	mk_doc_key(&d, "baseline");
	mk_doc_bool(&d, v->baseline);
	texts(&d, v, "errors", MK_ERROR);
	texts(&d, v, "warnings", MK_WARNING);
	texts(&d, v, "notes", MK_NOTE);
	suggestions(&d, v);
	findings(&d, v);
	hardware(&d, v->s);
	instances(&d, v);
	mk_doc_finish(&d);
}
