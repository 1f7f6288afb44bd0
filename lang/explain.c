/* explain - where a value came from: the expression, what it refers to, and so on down to inputs, defaults and constants. */
#include <string.h>

#include "base/json.h"
#include "lang/module.h"

enum { MAX_DEPTH = 64, MAX_NODES = 2000, MAX_KIDS = 3 };

struct explaining {
	struct lang *l;
	const struct lang_resource *r;
	const char *key;             /* of the instance; NULL: single */
	struct expr *count, *for_each;       /* what each and count stand for where we are */
	const char *const *path;
	json_t *out;
	unsigned nodes;
	int depth;
	bool done;
};

static void trace(struct explaining *x, struct scope *s, const struct expr *e, json_t *into);

/* --- nodes -------------------------------------------------------------------------------------------------------------------- */

static void put_place(json_t *j, struct mark at)
{
	if (!at.src)
		return;
	json_put_str(j, "file", at.src->path);
	if (at.line) {
		json_put_int(j, "line", at.line);
		json_put_int(j, "column", at.col);
	}
}

static void put_value(json_t *j, const struct val *v)
{
	autostr struct str s;
	str_init(&s, 4096);
	if (!v)
		return;
	val_describe(v, &s);
	json_put_str(j, "value", s.at);
}

/* The line of the spec that E is on, without what stands around it; for constants nothing more need be said. */
static void put_text(json_t *j, const struct expr *e)
{
	enum { LONGEST = 200 };
	if (!e || !e->o || !e->o->text || e->kind == X_YAML || e->kind == X_VALUE || e->kind == X_OBJECT || e->kind == X_TUPLE)
		return;
	autostr struct str s;
	str_init(&s, LONGEST + 8);
	str_addn(&s, e->o->text, e->o->len < LONGEST ? e->o->len : LONGEST);
	if (e->o->len > LONGEST)
		str_add(&s, "...");
	json_put_new(j, "expression", json_string_safe(s.at, s.len));
}

/* A node for WHAT in INTO; NULL when there is one. */
static json_t *add(struct explaining *x, json_t *into, const char *what, const char *how)
{
	json_t *list = json_object_get(into, "from"), *node;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_str(json_array_get(list, i), "what"), what) == 0)
			return NULL;
	node = json_object();
	if (!list) {
		list = json_array();
		json_put_new(into, "from", list);
	}
	json_put_str(node, "what", what);
	json_put_str(node, "how", how);
	json_array_append_new(list, node);
	x->nodes++;
	return node;
}

static const char *named(const struct lang *l, const struct scope *s, const char *id)
{
	return arena_printf(l->arena, "%s%s%s", s->address, s->parent ? "." : "", id);
}

/* --- what is referred to --------------------------------------------------------------------------------------------------- */

static void trace_var(struct explaining *x, struct scope *s, struct thing *t, json_t *into)
{
	struct lang *l = x->l;
	bool root = !s->parent, given = root ? t->given != NULL : t->arg != NULL;
	json_t *node = add(x, into, named(l, s, t->id), given ? root ? "input" : "argument" : "default");
	if (!node)
		return;
	put_value(node, s->cells[t->slot].val);
	if (root && given)
		json_put_str(node, "origin", t->given);
	if (!root || !given || t->arg_at.line)       /* a flag has no place */
		put_place(node, given ? t->arg_at : t->x ? expr_mark(t->x) : AT(t->file, t->key));
	if (t->passed_over.len) {
		json_t *list = json_array();
		for (size_t i = 0; i < t->passed_over.len; i++)
			json_array_append_new(list, json_string(t->passed_over.at[i]));
		json_put_new(node, "instead_of", list);
	}
	if (root || !given)
		return;
	put_text(node, t->arg);
	json_put_str(node, "call", s->address);
	/* The argument's each and count are those of the call that made S. */
	const struct val *key = l->each_key, *value = l->each_value, *index = l->count_index;
	l->each_key = s->each_key;
	l->each_value = s->each_value;
	l->count_index = s->count_index;
	struct explaining up = *x;
	up.count = t->module->call->call->count;
	up.for_each = t->module->call->call->for_each;
	trace(&up, s->parent, t->arg, node);
	x->nodes = up.nodes;
	l->each_key = key;
	l->each_value = value;
	l->count_index = index;
}

static void trace_thing(struct explaining *x, struct scope *s, struct thing *t, json_t *into)
{
	struct lang *l = x->l;
	json_t *node;
	switch (t->kind) {
	case THING_VAR:
		trace_var(x, s, t, into);
		return;
	case THING_LOCAL:
	case THING_OUTPUT:
		node = add(x, into, t->kind == THING_LOCAL ? named(l, s, t->id) : named(l, s, t->name), t->kind == THING_LOCAL ? "local" : "output");
		if (!node)
			return;
		put_value(node, s->cells[t->slot].val);
		put_place(node, expr_mark(t->x));
		put_text(node, t->x);
		trace(x, s, t->x, node);
		return;
	case THING_RESOURCE:
		node = add(x, into, named(l, s, t->id), "resource");
		if (node)
			put_place(node, AT(t->file, t->key));
		return;
	case THING_MODULE:
		return;                      /* its outputs are deps of their own */
	}
}

/* The instance that E, `module.NAME[KEY].OUTPUT`, names; NULL: not just one. */
static struct scope *named_kid(struct lang *l, struct scope *s, const struct kids *kids, const struct expr *e)
{
	struct err err;
	const struct val *key, *text;
	const struct expr *step = e->kind == X_ATTR ? e->attr.src : e->kind == X_INDEX ? e->index.src : NULL;
	if (kids->kind == LANG_SINGLE || !step || step->kind != X_INDEX)
		return kids->kind == LANG_SINGLE && kids->n ? kids->at[0] : NULL;
	struct scope *before = module_enter(l, s);
	key = eval_run(l->e, step->index.key);
	module_enter(l, before);
	if (!key || !val_known(key) || val_is_null(key) || val_convert(l->arena, key, &type_string, &text, &err))
		return NULL;
	for (size_t i = 0; i < kids->n; i++) {
		const struct val *own = kids->kind == LANG_EACH ? kids->at[i]->each_key : kids->at[i]->count_index, *own_text;
		if (val_convert(l->arena, own, &type_string, &own_text, &err) == 0 && strcmp(own_text->str.s, text->str.s) == 0)
			return kids->at[i];
	}
	return NULL;
}

/* `module.NAME[...].OUTPUT`: that output, of the instance that is named or of the first few. */
static void trace_outputs(struct explaining *x, struct scope *s, const struct dep *d, json_t *into)
{
	const struct kids *kids = s->cells[d->call->slot].kids;
	struct scope *kid = kids ? named_kid(x->l, s, kids, d->at) : NULL;
	if (kid) {
		trace_thing(x, kid, d->to, into);
		return;
	}
	for (size_t i = 0; kids && i < kids->n && i < MAX_KIDS; i++)
		trace_thing(x, kids->at[i], d->to, into);
	json_t *more = kids && kids->n > MAX_KIDS ? add(x, into, named(x->l, s, d->call->id), "more") : NULL;
	if (more)
		json_put_int(more, "more", (int64_t)(kids->n - MAX_KIDS));
}

static void trace_repetition(struct explaining *x, struct scope *s, const char *root, const char *name, json_t *into)
{
	struct lang *l = x->l;
	bool each = strcmp(root, "each") == 0;
	const struct val *v = !each ? l->count_index : strcmp(name, "key") == 0 ? l->each_key : l->each_value;
	struct expr *e = each ? x->for_each : x->count;
	json_t *node = add(x, into, arena_printf(l->arena, "%s.%s", root, name), each ? "for_each" : "count");
	if (!node)
		return;
	put_value(node, v);
	if (!e)
		return;
	put_place(node, expr_mark(e));
	put_text(node, e);
	trace(x, s, e, node);
}

/* --- expressions -------------------------------------------------------------------------------------------------------------- */

struct found { struct explaining *x; struct scope *s; json_t *into; const struct deps *deps; };

/* References are looked up as they are written; outputs of modules by what was found when they were checked. */
static void on_expr(void *ctx, const struct expr *e, bool certain)
{
	struct found *f = ctx;
	const char *root, *name;
	(void)certain;
	if (f->x->nodes >= MAX_NODES || !expr_reference(e, &root, &name))
		return;
	if (strcmp(root, "each") == 0 || strcmp(root, "count") == 0) {
		trace_repetition(f->x, f->s, root, name, f->into);
		return;
	}
	struct thing *t = module_find(f->s->m, root, name);
	if (!t)
		return;
	if (t->kind != THING_MODULE) {
		trace_thing(f->x, f->s, t, f->into);
		return;
	}
	for (size_t i = 0; f->deps && i < f->deps->len; i++) {
		const struct dep *d = &f->deps->at[i];
		bool here = d->call == t && d->at->o == e->o && d->at->off <= e->off && d->at->off + d->at->len >= e->off + e->len;
		if (here)
			trace_outputs(f->x, f->s, d, f->into);
	}
}

static void trace(struct explaining *x, struct scope *s, const struct expr *e, json_t *into)
{
	struct deps deps = { 0 };
	struct found f = { x, s, into, &deps };
	if (!e || x->depth >= MAX_DEPTH)
		return;
	x->depth++;
	module_deps_of(s->m, e, &deps);
	expr_visit(e, on_expr, &f);
	vec_free(&deps);
	x->depth--;
}

static const char *constant_key(const struct expr *k)
{
	if (k->kind == X_YAML)
		return k->yaml.node->is->kind == Y_STRING ? k->yaml.node->is->s : NULL;
	return k->kind == X_VALUE && val_known(k->val) && val_kind(k->val) == T_STRING ? k->val->str.s : NULL;
}

/* As deep into literal maps and lists as PATH and the expression go. ROOM is for a constant (expr_item()). */
static const struct expr *step_into(const struct expr *e, const char *const *path, struct expr_constant *room)
{
	for (; *path; path++) {
		const struct expr *next = NULL;
		for (uint32_t i = 0; e->kind == X_OBJECT && i < e->object.n; i++) {
			struct expr_constant of_key;
			const char *key = constant_key(expr_item_key(e, i, &of_key));
			if (key && strcmp(key, *path) == 0)
				next = expr_item_val(e, i, room);
		}
		char *end;
		unsigned long n = strtoul(*path, &end, 10);
		if (e->kind == X_TUPLE && **path && !*end && n < e->list.n)
			next = expr_item(e, (uint32_t)n, room);
		if (!next)
			return e;
		e = next;
	}
	return e;
}

static bool explain_instance(void *ctx, enum lang_key kind, const char *key)
{
	struct explaining *x = ctx;
	(void)kind;
	if (x->done || (x->key && strcmp(x->key, key) != 0))
		return true;
	x->done = true;
	struct lang_body *body = x->r->body;
	for (size_t i = 0; i < body->attrs.len; i++) {
		if (strcmp(body->attrs.at[i].name, x->path[0]) != 0 || !body->attrs.at[i].x)
			continue;
		struct expr_constant room;
		const struct expr *e = step_into(body->attrs.at[i].x, x->path + 1, &room);
		put_place(x->out, e->len || e->kind == X_YAML ? expr_mark(e) : lang_mark(x->r, false, x->path));
		put_text(x->out, e);
		trace(x, x->l->scope, e, x->out);
	}
	return true;
}

struct asked { struct explaining x; size_t block; };

static void run(void *arg)
{
	struct asked *a = arg;
	struct lang *l = a->x.l;
	struct lang_body *body = a->x.r->body;
	struct repeat r = { .count = body->count, .for_each = body->for_each };
	struct scope *before = module_enter(l, body->thing->module->scopes.at[a->block]);
	if (!module_repeat(l, &r, explain_instance, &a->x))
		a->x.done = false;
	module_enter(l, before);
}

json_t *lang_explain(struct lang *l, const struct lang_resource *r, const struct lang_block *b, const struct lang_instance *in, const char *const *path)
{
	struct asked a = { .x = { .l = l, .r = r, .key = in->key, .path = path, .out = json_object(),
				    .count = r->body->count, .for_each = r->body->for_each } };
	a.block = (size_t)(b - r->body->blocks.at);
	stack_run(l->stack, run, &a);
	return a.x.out;
}
