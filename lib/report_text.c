/* SPDX-License-Identifier: Apache-2.0 */
/* report: the verdict over a state, for a person. */
#include <string.h>

#include "arena.h"
#include "num.h"
#include "pool.h"
#include "report_int.h"

struct writer {
	struct mk_buf *b;
	struct mk_arena *a;
	const struct mk_verdict *v;
	const struct mk_state *s;
	const char *yes, *no, *mind;
};

/* A share in words: "0-3 (4 CPUs, 12%)". */
static void cpu_share(struct writer *w, const char *name, const struct mk_ids *ids, size_t n,
		      size_t all)
{
	mk_buf_fmt(w->b, "    %s: %s (%zu CPU%s", name, n ? mk_report_ids(w->a, ids) : "none", n,
		   n == 1 ? "" : "s");
	if (all)
		mk_buf_fmt(w->b, ", %s", mk_report_percent(w->a, n, all));
	mk_buf_str(w->b, ")\n");
}

static void hardware_cpus(struct writer *w)
{
	const struct mk_state *s = w->s;
	struct mk_cpu_counts n = mk_report_cpus(s);
	size_t all = s->host_cpus.known ? n.all : 0;

	if (all)
		mk_buf_fmt(w->b, "  CPUs: %zu total\n", all);
	else
		mk_buf_fmt(w->b, "  CPUs: %zu in the pool, the host's are not stated\n", n.pool);
	if (all)
		cpu_share(w, "Host reserved", &s->host_cpus.ids, n.host, all);
	cpu_share(w, "Pool", &s->pool.ids, n.pool, all);
}

static void hardware_memory(struct writer *w)
{
	const struct mk_state *s = w->s;
	uint64_t pool = mk_mems_bytes(&s->chunks), all = s->has_memory_total ? s->memory_total : 0;

	if (all)
		mk_buf_fmt(w->b, "  Memory: %s total\n", mk_num_size_text(w->a, all));
	else
		mk_buf_fmt(w->b, "  Memory: %s in the pool, the machine's is not stated\n",
			   mk_num_size_text(w->a, pool));
	if (all && s->memory_host)
		mk_buf_fmt(w->b, "    Host reserved: %s (%s)\n",
			   mk_num_size_text(w->a, s->memory_host),
			   mk_report_percent(w->a, s->memory_host, all));
	for (size_t i = 0; i < s->chunks.n; i++) {
		const struct mk_mem *m = &s->chunks.m[i];

		mk_buf_fmt(w->b, "    Memory pool: %s", mk_num_size_text(w->a, m->size));
		if (m->placed)
			mk_buf_fmt(w->b, " at 0x%llx", (unsigned long long)m->base);
		if (m->node != MK_NODE_ANY)
			mk_buf_fmt(w->b, " on NUMA node %u", m->node);
		if (all)
			mk_buf_fmt(w->b, " (%s)", mk_report_percent(w->a, m->size, all));
		mk_buf_char(w->b, '\n');
	}
}

static void hardware_devices(struct writer *w)
{
	static const char *const words[] = {[MK_KIND_NETWORK] = "network",
					    [MK_KIND_STORAGE] = "storage",
					    [MK_KIND_GPU] = "GPU",
					    [MK_KIND_OTHER] = "other"};
	size_t n[MK_KINDS] = {0};
	bool any = false;

	for (size_t i = 0; i < w->s->n_devices; i++)
		n[mk_report_kind(w->s, &w->s->device[i])]++;
	mk_buf_str(w->b, "  Devices:");
	for (size_t i = 0; i < MK_KINDS; i++)
		if (n[i]) {
			mk_buf_fmt(w->b, "%s %zu %s", any ? "," : "", n[i], words[i]);
			any = true;
		}
	mk_buf_str(w->b, any ? "\n" : " none\n");
}

static void hardware(struct writer *w)
{
	if (!w->s->has_machine)
		return;
	mk_buf_str(w->b, "\nHardware Inventory:\n");
	hardware_cpus(w);
	hardware_memory(w);
	for (size_t i = 0; i < w->s->n_numa; i++) {
		const struct mk_numa *n = &w->s->numa[i];

		mk_buf_fmt(w->b, "  NUMA node %u: CPUs %s", n->id,
			   mk_report_ids(w->a, &n->cpus.ids));
		if (n->has_memory)
			mk_buf_fmt(w->b, ", %s at 0x%llx", mk_num_size_text(w->a, n->size),
				   (unsigned long long)n->base);
		mk_buf_char(w->b, '\n');
	}
	hardware_devices(w);
}

static void allocations(struct writer *w)
{
	size_t *errors = mk_report_errors_by_instance(w->v);

	if (!w->s->n_instances)
		return;
	mk_buf_str(w->b, "\nInstance Allocations:\n");
	for (size_t i = 0; i < w->s->n_instances; i++) {
		const struct mk_instance *x = &w->s->instance[i];

		mk_buf_fmt(w->b, "  %s (ID: ", mk_report_safe(w->a, x->name));
		mk_buf_fmt(w->b, x->has_id ? "%u" : "auto-assigned%.0u", x->id);
		mk_buf_fmt(w->b, "):\n    CPUs: %s (%zu)\n    Memory: %s\n",
			   x->cpus.ids.n ? mk_ids_text(w->a, &x->cpus.ids) : "none", x->cpus.ids.n,
			   mk_report_memory(w->a, &x->mem));
		if (x->devices.n)
			mk_buf_fmt(w->b, "    Devices: %s\n", mk_report_uses(w->a, &x->devices));
		if (errors[i])
			mk_buf_fmt(w->b, "    Status: %s %zu error%s\n", w->no, errors[i],
				   errors[i] == 1 ? "" : "s");
		else
			mk_buf_fmt(w->b, "    Status: %s Valid\n", w->yes);
	}
}

static void utilization(struct writer *w)
{
	const struct mk_state *s = w->s;
	struct mk_ids free = mk_free_cpus(s);
	size_t all = mk_report_cpus(s).pool;
	uint64_t pool = mk_mems_bytes(&s->chunks), at_first;
	struct mk_state before = *s;
	struct mk_free_memory left;
	struct mk_memmap map;

	if (!s->has_machine || !s->n_instances)
		return;
	/* what is in use by no instance is neither free nor allocated */
	before.n_instances = 0;
	mk_memmap_init(&map, &before);
	at_first = mk_memmap_bytes(&map, MK_NODE_ANY);
	mk_memmap_init(&map, s);
	left = mk_report_free(&map, MK_NODE_ANY);
	mk_buf_str(w->b, "\nResource Utilization:\n");
	mk_buf_fmt(w->b, "  CPUs: %zu of %zu in the pool allocated (%s)", all - free.n, all,
		   mk_report_percent(w->a, all - free.n, all));
	mk_buf_fmt(w->b, free.n ? ", free: %s\n" : "%.0s\n", mk_report_ids(w->a, &free));
	mk_buf_fmt(w->b, "  Memory: %s of %s in the pool allocated (%s), free: %s",
		   mk_num_size_text(w->a, at_first - left.bytes), mk_num_size_text(w->a, pool),
		   mk_report_percent(w->a, at_first - left.bytes, pool),
		   mk_num_size_text(w->a, left.bytes));
	mk_buf_fmt(w->b, "%s\n", mk_report_block(w->a, &left, ", the largest block"));
	if (at_first < pool)
		mk_buf_fmt(w->b, "    of the pool %s in use by what is no instance\n",
			   mk_num_size_text(w->a, pool - at_first));
}

/* ------------------------------------------------------------ findings */

static void place(struct writer *w, struct mk_span at, const char *path, const char *what)
{
	uint32_t caret, caret_len;
	char line[MK_ERR_LINE];
	const char *s = line;

	if (at.line && at.file) {
		mk_buf_fmt(w->b, "    In file ");
		mk_report_visible(w->b, at.file->name);
		mk_buf_fmt(w->b, ":%s%s\n", what ? " " : "", what ? what : "");
		mk_span_line(at, line, sizeof(line), &caret,
			     &caret_len); /* "" when there is none */
		s += strspn(s, " \t");
		mk_buf_fmt(w->b, "      Line %u: ", at.line);
		mk_report_visible(w->b, s);
		mk_buf_char(w->b, '\n');
	} else if (path) {
		mk_buf_str(w->b, "    At ");
		mk_report_visible(w->b, path);
		mk_buf_fmt(w->b, "%s%s\n", what ? ": " : "", what ? what : "");
	}
}

/* What -b wants: shown with the error that it is about. */
static void baseline_list(struct writer *w)
{
	mk_buf_str(w->b, "    Baseline must contain:\n");
	mk_buf_fmt(w->b, "      %s /resources (hardware inventory)\n",
		   w->s->has_machine ? w->yes : w->no);
	mk_buf_fmt(w->b, "      %s /instances (must be empty or absent)\n",
		   w->s->n_instances ? w->no : w->yes);
}

static void finding(struct writer *w, const struct mk_diag *d)
{
	mk_buf_fmt(w->b, "  %s ",
		   d->severity == MK_ERROR	   ? w->no
		   : d->severity == MK_WARNING ? w->mind
					       : "-");
	mk_report_visible(w->b, d->text);
	if (d->rule)
		mk_buf_fmt(w->b, " [%s]", d->rule);
	mk_buf_char(w->b, '\n');
	if (d->rule && !strcmp(d->rule, "MK118"))
		baseline_list(w);
	if (d->hint) {
		mk_buf_str(w->b, "    Suggestion: ");
		mk_report_visible(w->b, d->hint);
		mk_buf_char(w->b, '\n');
	}
	place(w, d->at, d->path, NULL);
	if (d->other_text && d->other.line) {
		struct mk_buf text;

		mk_buf_init(&text, w->a);
		mk_report_visible(&text, d->other_text);
		place(w, d->other, NULL, mk_buf_cstr(&text));
	} else if (d->other_text) {
		mk_buf_str(w->b, "    And: ");
		mk_report_visible(w->b, d->other_text);
		mk_buf_char(w->b, '\n');
	}
}

static void findings(struct writer *w, enum mk_severity severity, const char *title)
{
	bool any = false;

	for (const struct mk_diag *d = w->v->d->first; d; d = d->next) {
		if (d->severity != severity)
			continue;
		if (!any)
			mk_buf_fmt(w->b, "\n%s:\n", title);
		any = true;
		finding(w, d);
	}
}

static void closing(struct writer *w)
{
	const struct mk_diags *d = w->v->d;

	mk_buf_char(w->b, '\n');
	if (!d->errors)
		mk_buf_fmt(w->b, "%s %s", w->yes,
			   w->v->baseline ? "Baseline validation passed"
					  : "All validations passed");
	else
		mk_buf_fmt(w->b, "%s Validation failed with %zu error%s", w->no, d->errors,
			   d->errors == 1 ? "" : "s");
	if (d->warnings)
		mk_buf_fmt(w->b, "%s %zu warning%s", d->errors ? " and" : " with", d->warnings, d->warnings == 1 ? "" : "s");
	mk_buf_char(w->b, '\n');
}

void mk_report_text(struct mk_buf *b, const struct mk_verdict *v)
{
	struct writer w = {.b = b,
			   .a = v->s->arena,
			   .v = v,
			   .s = v->s,
			   .yes = v->ascii ? "+" : "\xe2\x9c\x93",
			   .no = v->ascii ? "x" : "\xe2\x9c\x97",
			   .mind = v->ascii ? "!" : "\xe2\x9a\xa0"};

	if (v->number > 1)
		mk_buf_char(b, '\n');
	mk_buf_str(b, "Multikernel Device Tree Validation Report\n"
		      "==========================================\n");
	if (v->s->file) {
		mk_buf_str(b, "Input: ");
		mk_report_visible(b, v->s->file);
		if (v->number > 1)
			mk_buf_fmt(b, ", state %zu", v->number);
		mk_buf_char(b, '\n');
	}
	mk_buf_fmt(b, "Status: %s\n",
		   v->d->errors ? mk_arena_fmt(w.a, "%s INVALID", w.no)
				: mk_arena_fmt(w.a, "%s VALID", w.yes));
	hardware(&w);
	allocations(&w);
	utilization(&w);
	findings(&w, MK_ERROR, "Errors");
	findings(&w, MK_WARNING, "Warnings");
	findings(&w, MK_NOTE, "Notes");
	closing(&w);
}
