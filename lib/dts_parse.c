/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dts_parse: tokens to a tree. Each top-level definition becomes a tree of its
 * own and is merged into what there is, in dtc's way: what is deleted keeps
 * its place, so that a later definition revives it there.
 */
#include "dts_int.h"

#include <string.h>

#include "arena.h"
#include "num.h"

bool mk_at_punct(const struct mk_parser *p, char c)
{
	return p->lex.tok.kind == T_PUNCT && p->lex.tok.number == (uint64_t)c;
}

int mk_next_token(struct mk_parser *p)
{
	return mk_lex_next(&p->lex);
}

int mk_unexpected(struct mk_parser *p, const char *wanted)
{
	struct mk_span at = p->lex.tok.at, before = p->lex.before;

	if (!strcmp(wanted, "';'") && before.line && before.line < at.line) {
		/* the mistake is where the ';' should be, not at the next word */
		uint32_t begun = before.line;

		for (; before.len > 1; before.off++, before.len--)
			before.line += before.file->text[before.off] == '\n';
		mk_fail_at(p->err, MK_BAD, before, "expected ';' behind this, found %s on line %u",
			   mk_tok_text(&p->lex), at.line);
		if (begun < before.line) /* only a string can go over lines */
			mk_hint(p->err,
				"this ends a string that began on line %u: is its '\"' missing "
				"there?",
				begun);
		else
			mk_hint(p->err, "add a ';'");
		return MK_BAD;
	}
	return mk_fail_at(p->err, MK_BAD, at, "expected %s, found %s", wanted,
			  mk_tok_text(&p->lex));
}

int mk_expect(struct mk_parser *p, char c)
{
	char wanted[] = {'\'', c, '\'', '\0'};

	return mk_at_punct(p, c) ? mk_next_token(p) : mk_unexpected(p, wanted);
}

/* ------------------------------------------------------------ nodes */

/* Labels in front of something, in the order they were written. */
struct labels {
	const char **name;
	size_t n, cap;
};

static int prefix_labels(struct mk_parser *p, struct labels *labels)
{
	int rc = MK_OK;

	while (!rc && p->lex.tok.kind == T_LABEL) {
		labels->name = mk_arena_more(p->t->arena, labels->name, labels->n, &labels->cap,
					     sizeof(*labels->name));
		labels->name[labels->n++] = p->lex.tok.text;
		rc = mk_next_token(p);
	}
	return rc;
}

static int property(struct mk_parser *p, struct mk_node *node, const char *name, struct mk_span at,
		    const struct labels *labels)
{
	struct mk_prop *prop = mk_prop_new(p->t, name, at);
	struct mk_value_marks v = {0};
	int rc;

	if (mk_at_punct(p, '=')) {
		rc = mk_next_token(p);
		if (rc)
			return rc;
		prop->value = p->lex.tok.at;
		rc = mk_parse_value(p, name, &v);
		if (rc)
			return rc;
		if (p->lex.before.file == prop->value.file)
			prop->value.len = p->lex.before.off + p->lex.before.len - prop->value.off;
		prop->len = (uint32_t)p->lex.value.len;
		if (prop->len)
			prop->data = mk_arena_strn(p->t->arena, p->lex.value.data, prop->len);
		prop->marks = v.first;
	}
	if (!mk_at_punct(p, ';'))
		return mk_unexpected(p, "';'");
	for (size_t i = labels->n; i-- > 0;)
		mk_label_prop(p->t, prop, labels->name[i]);
	mk_prop_append(p->t, node, prop);
	return mk_next_token(p);
}

static int node_body(struct mk_parser *p, struct mk_node *node, unsigned depth);

static int deletion(struct mk_parser *p, struct mk_node *node, bool of_node)
{
	int rc = mk_next_token(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind != T_NAME)
		return mk_unexpected(p, of_node ? "the name of a node" : "the name of a property");
	if (of_node) {
		struct mk_node *n = mk_node_new(p->t, p->lex.tok.text, p->lex.tok.at);

		n->deleted = true;
		mk_node_append(p->t, node, n);
	} else {
		struct mk_prop *d = mk_prop_new(p->t, p->lex.tok.text, p->lex.tok.at);

		d->deleted = true;
		mk_prop_append(p->t, node, d);
	}
	rc = mk_next_token(p);
	return rc ? rc : mk_expect(p, ';');
}

static int property_too_late(struct mk_parser *p, struct mk_span at)
{
	mk_fail_at(p->err, MK_BAD, at, "properties must come before nodes");
	mk_hint(p->err, "move this property above the first node of the same { }");
	return MK_BAD;
}

/* One property, node or deletion of a node's body. */
static int member(struct mk_parser *p, struct mk_node *node, unsigned depth)
{
	struct labels labels = {0};
	bool omit = false;
	struct mk_span at;
	struct mk_node *n;
	const char *name;
	int rc;

	for (;;) {
		rc = prefix_labels(p, &labels);
		if (rc)
			return rc;
		if (p->lex.tok.kind != T_OMIT)
			break;
		omit = true;
		rc = mk_next_token(p);
		if (rc)
			return rc;
	}
	at = p->lex.tok.at;
	if (p->lex.tok.kind == T_DELETE_PROP && !omit)
		return node->child && !p->dialect ? property_too_late(p, at)
						  : deletion(p, node, false);
	if (p->lex.tok.kind == T_DELETE_NODE)
		return deletion(p, node, true);
	if (p->lex.tok.kind != T_NAME) {
		rc = mk_unexpected(p, "a property, a node or '}'");
		if (p->lex.tok.kind == T_VERSION)
			mk_hint(p->err,
				"a file that is included inside of a node has no version tag");
		if (p->lex.tok.kind == T_REF || p->lex.tok.kind == T_PATH_REF)
			mk_hint(p->err, "additions to a referenced node stand at the top level, "
					"outside of / { }");
		return rc;
	}
	name = p->lex.tok.text;
	rc = mk_next_token(p);
	if (rc)
		return rc;
	if (!mk_at_punct(p, '{')) {
		if (!mk_at_punct(p, '=') && !mk_at_punct(p, ';'))
			return mk_unexpected(p, "'=', ';' or '{'");
		/* the dialect is written by people who think of machines: order is theirs */
		if (node->child && !p->dialect)
			return property_too_late(p, at);
		if (omit)
			return mk_fail_at(p->err, MK_BAD, at,
					  "/omit-if-no-ref/ goes with a node, not with a property");
		return property(p, node, name, at, &labels);
	}
	n = mk_node_new(p->t, name, at);
	n->omit_if_no_ref = omit;
	for (size_t i = labels.n; i-- > 0;)
		mk_label_node(p->t, n, labels.name[i]);
	mk_node_append(p->t, node, n);
	return node_body(p, n, depth + 1);
}

/* "{ ... };" */
static int node_body(struct mk_parser *p, struct mk_node *node, unsigned depth)
{
	struct mk_span open = p->lex.tok.at;
	int rc;

	if (depth > MK_DEPTH_MAX)
		return mk_fail_at(p->err, MK_BAD, open, "nodes are nested more than %d deep",
				  MK_DEPTH_MAX);
	rc = mk_expect(p, '{');
	while (!rc && !mk_at_punct(p, '}')) {
		if (p->lex.tok.kind == T_END) {
			mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "the file ends inside of a node");
			mk_hint(p->err, "the '{' on line %u is never closed: add \"};\"",
				open.line);
			return MK_BAD;
		}
		rc = member(p, node, depth);
	}
	if (!rc)
		rc = mk_next_token(p);
	if (!rc && p->lex.tok.kind == T_END) {
		/* "}" at the very end: say what is missing there */
		mk_fail_at(p->err, MK_BAD, p->lex.before, "expected ';' behind this '}'");
		mk_hint(p->err, "a node ends with \"};\"");
		return MK_BAD;
	}
	return rc ? rc : mk_expect(p, ';');
}

/* ------------------------------------------------------------ the top level */

static struct mk_node *empty_root(struct mk_parser *p)
{
	return mk_node_new(p->t, mk_intern(&p->t->names, "", 0), p->lex.tok.at);
}

/* &label { } in a plugin whose target is elsewhere: a fragment. */
static void orphan(struct mk_parser *p, struct mk_node *body, const char *ref, struct mk_span at)
{
	char name[32];
	struct mk_node *f;
	struct mk_prop *target;
	size_t n = 0;

	/* fragment@N, N decimal */
	memcpy(name, "fragment@", 9);
	for (unsigned v = p->fragments++, div = 1000000000; div; div /= 10)
		if (v / div || n || div == 1)
			name[9 + n++] = (char)('0' + v / div % 10);
	name[9 + n] = '\0';
	if (!p->t->root)
		p->t->root = empty_root(p);
	f = mk_node_new(p->t, mk_intern(&p->t->names, name, 9 + n), at);
	if (ref[0] == '/') {
		target = mk_add_prop(p->t, f, "target-path", ref, strlen(ref) + 1);
	} else {
		target = mk_add_prop(p->t, f, "target", "\xff\xff\xff\xff", 4);
		target->marks = mk_arena_alloc(p->t->arena, sizeof(*target->marks));
		*target->marks = (struct mk_mark){.kind = MK_MARK_PHANDLE, .name = ref, .at = at};
	}
	target->at = at;
	body->name = mk_intern(&p->t->names, "__overlay__", 11);
	mk_node_append(p->t, f, body);
	mk_node_append(p->t, p->t->root, f);
	mk_labels_register(p->t, f);
}

/* [label:] &ref { }; */
static int addition(struct mk_parser *p, const struct labels *labels)
{
	const char *ref = p->lex.tok.text;
	struct mk_span at = p->lex.tok.at;
	struct mk_node *body, *target;
	int rc;

	if (!p->t->root && !p->plugin)
		return mk_dts_no_such(p->t, ref, at, p->err);
	rc = mk_next_token(p);
	if (rc)
		return rc;
	body = empty_root(p);
	body->at = at;
	rc = node_body(p, body, 0);
	if (rc)
		return rc;
	/* in a plugin, &{/path} is always a fragment: the path is the target's */
	target = p->t->root && !(p->plugin && ref[0] == '/' && !labels->n) ? mk_dts_find(p->t, ref)
									   : NULL;
	if (target) {
		for (size_t i = labels->n; i-- > 0;)
			mk_label_merged(p->t, target, labels->name[i]);
		mk_merge(p->t, target, body);
		return MK_OK;
	}
	if (!p->plugin || labels->n)
		return mk_dts_no_such(p->t, ref, at, p->err);
	orphan(p, body, ref, at);
	return MK_OK;
}

/* /delete-node/ &ref; and /omit-if-no-ref/ &ref; */
static int mark_node(struct mk_parser *p, bool deletes)
{
	struct mk_node *target;
	int rc = mk_next_token(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind != T_REF && p->lex.tok.kind != T_PATH_REF)
		return mk_unexpected(p, "a reference");
	target = mk_dts_find(p->t, p->lex.tok.text);
	if (!target)
		return mk_dts_no_such(p->t, p->lex.tok.text, p->lex.tok.at, p->err);
	if (deletes && target == p->t->root) {
		mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "the root cannot be deleted");
		mk_hint(p->err, "a tree without a root is no tree; delete the nodes below it");
		return MK_BAD;
	}
	if (deletes)
		mk_delete_node(target);
	else
		target->omit_if_no_ref = true;
	rc = mk_next_token(p);
	return rc ? rc : mk_expect(p, ';');
}

/* "/ { };" or "/name { };" */
static int root(struct mk_parser *p)
{
	struct mk_node *body;
	int rc = mk_next_token(p);

	if (rc)
		return rc;
	if (p->lex.tok.kind == T_NAME) {
		if (p->root_name && p->root_name != p->lex.tok.text) {
			mk_fail_at(p->err, MK_BAD, p->lex.tok.at, "the root is named '%s' already",
				   p->root_name);
			mk_hint(p->err,
				"a source describes one instance view; put the other one into a "
				"file of its own");
			return MK_BAD;
		}
		p->root_name = p->lex.tok.text;
		p->root_at = p->lex.tok.at;
		rc = mk_next_token(p);
		if (rc)
			return rc;
	}
	body = empty_root(p);
	rc = node_body(p, body, 0);
	if (rc)
		return rc;
	if (p->t->root) {
		mk_merge(p->t, p->t->root, body);
	} else {
		p->t->root = body;
		mk_labels_register(p->t, body);
	}
	return MK_OK;
}

static int top_level(struct mk_parser *p)
{
	int rc = MK_OK;

	while (!rc && p->lex.tok.kind != T_END) {
		struct labels labels = {0};

		rc = prefix_labels(p, &labels);
		if (rc)
			return rc;
		if ((p->lex.tok.kind == T_REF || p->lex.tok.kind == T_PATH_REF) && labels.n < 2 &&
		    (p->t->root || !labels.n))
			rc = addition(p, &labels);
		else if (labels.n)
			rc = mk_unexpected(p, "a reference behind one label");
		else if (mk_at_punct(p, '/'))
			rc = root(p);
		else if (p->t->root && p->lex.tok.kind == T_DELETE_NODE)
			rc = mark_node(p, true);
		else if (p->t->root && p->lex.tok.kind == T_OMIT)
			rc = mark_node(p, false);
		else if (p->lex.tok.kind == T_MEMRESERVE)
			rc = mk_fail_at(p->err, MK_BAD, p->lex.tok.at,
					"/memreserve/ must come before the root node");
		else {
			rc = mk_unexpected(p, "'/ {'");
			if (mk_at_punct(p, '}'))
				mk_hint(p->err,
					"this '}' closes nothing: there is one too many, or a '{' "
					"is missing above");
		}
	}
	return rc;
}

/* /dts-v1/; [/plugin/;], possibly repeated (by included files) */
static int headers(struct mk_parser *p)
{
	bool first = true;
	int rc = MK_OK;

	if (p->lex.tok.kind != T_VERSION) {
		const char *tag = p->opts->dialect ? p->opts->dialect->tag : NULL;

		rc = mk_unexpected(p, tag ? "a version tag" : "/dts-v1/");
		if (p->lex.tok.kind == T_PUNCT && p->lex.tok.number == 0xef)
			mk_hint(p->err, "save the file as UTF-8 without a byte order mark");
		else
			mk_hint(p->err, "a source begins with /dts-v1/;%s%s%s", tag ? " or " : "",
				tag ? tag : "", tag ? ";" : "");
		return rc;
	}
	while (!rc && p->lex.tok.kind == T_VERSION) {
		bool dialect = p->lex.tok.number, plugin = false;
		struct mk_span at = p->lex.tok.at;

		rc = mk_next_token(p);
		if (!rc)
			rc = mk_expect(p, ';');
		if (!rc && p->lex.tok.kind == T_PLUGIN) {
			plugin = true;
			rc = mk_next_token(p);
			if (!rc)
				rc = mk_expect(p, ';');
		}
		if (!rc && !first && (dialect != p->dialect || plugin != p->plugin))
			rc = mk_fail_at(p->err, MK_BAD, at,
					"this version tag differs from the first one");
		p->dialect = dialect;
		p->plugin = plugin;
		first = false;
	}
	return rc;
}

static int reservations(struct mk_parser *p)
{
	for (;;) {
		struct labels labels = {0};
		uint64_t address = 0, size = 0;
		struct mk_span at;
		int rc;

		/* labels on reservations are allowed, and lead nowhere */
		if (p->lex.tok.kind != T_MEMRESERVE && p->lex.tok.kind != T_LABEL)
			return MK_OK;
		rc = prefix_labels(p, &labels);
		if (rc)
			return rc;
		if (p->lex.tok.kind != T_MEMRESERVE)
			return mk_unexpected(p, "/memreserve/");
		at = p->lex.tok.at;
		rc = mk_next_token(p);
		if (!rc)
			rc = mk_parse_primary(p, &address, 0);
		if (!rc) {
			rc = mk_parse_primary(p, &size, 0);
			if (rc)
				mk_hint(p->err, "write /memreserve/ ADDRESS SIZE;");
		}
		if (!rc)
			rc = mk_expect(p, ';');
		if (rc)
			return rc;
		mk_add_reserve(p->t, address, size);
		if (!size && p->opts->warnings)
			mk_diag_add(p->opts->warnings, MK_WARNING, NULL, at,
				    "a reservation of 0 bytes ends the list for whoever reads the "
				    "blob");
	}
}

uint32_t mk_boot_cpuid(struct mk_tree *t, bool printed)
{
	struct mk_node *cpus = mk_child(t, t->root, "cpus");
	struct mk_node *first = !cpus ? NULL : printed ? mk_first(cpus) : cpus->child;
	uint32_t id = 0;

	if (first)
		mk_prop_u32(mk_prop(t, first, "reg"), &id);
	return id;
}

/* A named root: the name lives on as the property model, where newer kernels have it. */
static int name_root(struct mk_parser *p)
{
	struct mk_prop *model;
	struct mk_node *root_node = p->t->root;
	size_t len;

	if (!p->root_name)
		return MK_OK;
	len = strlen(p->root_name);
	model = mk_prop(p->t, root_node, "model");
	if (model && (model->len != len + 1 || memcmp(model->data, p->root_name, len + 1))) {
		mk_fail_at(p->err, MK_BAD, model->at,
			   "the root is named '%s', but its model is another", p->root_name);
		mk_hint(p->err, "drop the property: the name becomes the model");
		return MK_BAD;
	}
	if (model)
		return MK_OK;
	model = mk_add_prop(p->t, root_node, "model", p->root_name, len + 1);
	model->at = p->root_at;
	if (root_node->prop != model) { /* it comes first, as the kernel has it */
		struct mk_prop *last = root_node->prop;

		while (last->next != model)
			last = last->next;
		last->next = NULL;
		root_node->last_prop = last;
		model->next = root_node->prop;
		root_node->prop = model;
	}
	return MK_OK;
}

void mk_parser_init(struct mk_parser *p, struct mk_tree *t, const struct mk_dts_options *opts,
		    struct mk_dts_input *input, struct mk_err *err)
{
	*p = (struct mk_parser){.t = t, .opts = opts, .err = err};
	p->lex = (struct mk_lex){.tree = t, .opts = opts, .input = input, .err = err};
	mk_buf_init(&p->lex.value, t->arena);
}

int mk_dts_parse(struct mk_tree *t, const struct mk_file *src, const struct mk_dts_options *opts,
		 struct mk_dts_input *input, struct mk_err *err)
{
	struct mk_parser p;
	int rc;

	mk_parser_init(&p, t, opts, input, err);
	rc = mk_lex_start(&p.lex, src);
	if (!rc)
		rc = mk_next_token(&p);
	if (!rc)
		rc = headers(&p);
	if (!rc)
		rc = reservations(&p);
	if (!rc)
		rc = top_level(&p);
	if (!rc && !t->root) {
		rc = mk_fail_at(err, MK_BAD, p.lex.tok.at, "there is no root node");
		mk_hint(err, "describe the machine in / { };");
	}
	if (!rc)
		rc = name_root(&p);
	if (rc)
		return rc;
	t->plugin = p.plugin;
	input->dialect = p.dialect;
	t->boot_cpuid = mk_boot_cpuid(t, false);
	if (p.wide_ids && t->root && opts->dialect->wide_ids)
		opts->dialect->wide_ids(t);
	return mk_dts_resolve(t, opts, p.dialect, p.lex.seen, err);
}
