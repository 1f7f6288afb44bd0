/* module_refs - every reference checked before anything is evaluated; locals in an order in which they can be. */
#include <stdlib.h>
#include <string.h>

#include "lang/func.h"
#include "lang/module.h"

/* Where an expression stands decides what it may refer to. */
struct place {
	struct lang *l;
	struct thing *owner;         /* whose dependencies are collected; or */
	struct dep **deps; size_t *n, *cap;
	bool each, count, no_resources, constant;
	const char *what;            /* "a variable's rule", for messages */
	const struct expr *consumed; /* the X_REF at the bottom of a reference that has been looked at */
};

static void add_dep(struct place *p, struct thing *to, const struct expr *at)
{
	for (size_t i = *p->n; i > 0 && *p->n - i < 64; i--)
		if ((*p->deps)[i - 1].to == to)
			return;
	vec_grow((void **)p->deps, p->cap, *p->n + 1, sizeof(**p->deps));
	(*p->deps)[(*p->n)++] = (struct dep){ to, at };
}

/* "did you mean" among what can be referred to; a budget, for specs with many mistakes and many names. */
static void suggest(struct lang *l, struct diag *g, const char *root, const char *name)
{
	enum { MANY = 5000 };
	VEC(const char *) ids = { 0 };
	char id[300];
	if (l->order.len > MANY || diags_errors(l->d) > 50)
		return;
	snprintf(id, sizeof(id), "%.140s.%.140s", root, name);
	for (size_t i = 0; i < l->order.len; i++)
		vec_push(&ids, l->order.at[i]->id);
	vec_push(&ids, NULL);
	diag_suggest(g, id, ids.at);
	vec_free(&ids);
}

static void check_special(struct place *p, const struct expr *x, const char *root, const char *name)
{
	struct diags *d = p->l->d;
	bool each = strcmp(root, "each") == 0, count = strcmp(root, "count") == 0;
	if (each && strcmp(name, "key") != 0 && strcmp(name, "value") != 0)
		diag_hint(diag_add(d, "E0210", expr_mark(x), "there is no \"each.%.60s\"", name), "there are each.key and each.value");
	else if (count && strcmp(name, "index") != 0)
		diag_hint(diag_add(d, "E0210", expr_mark(x), "there is no \"count.%.60s\"", name), "there is count.index");
	else if (each && !p->each)
		diag_hint(diag_add(d, "E0212", expr_mark(x), "\"each.%s\" is known only in a resource with for_each", name), "there is none here");
	else if (count && !p->count)
		diag_hint(diag_add(d, "E0212", expr_mark(x), "\"count.index\" is known only in a resource with count"), "there is none here");
}

static bool is_one_of(const char *s, const char *const *words)
{
	while (*words && strcmp(*words, s) != 0)
		words++;
	return *words != NULL;
}

static void check_reference(struct place *p, const struct expr *x, const char *root, const char *name)
{
	static const char *const instance[] = { "each", "count", NULL }, *const later[] = { "data", "module", NULL },
		*const paths[] = { "module", "root", "cwd", NULL };
	struct diags *d = p->l->d;
	if (is_one_of(root, instance)) {
		check_special(p, x, root, name);
		return;
	}
	if (strcmp(root, "path") == 0) {
		if (!is_one_of(name, paths))
			diag_hint(diag_add(d, "E0210", expr_mark(x), "there is no \"path.%.60s\"", name), "there are path.module, path.root, path.cwd");
		return;
	}
	if (strcmp(root, "self") == 0 || strcmp(root, "terraform") == 0) {
		diag_add(d, "E0210", expr_mark(x), "\"%s\" means nothing here", root);
		return;
	}
	struct thing *t = module_find(p->l, root, name);
	if (!t && is_one_of(root, later)) {
		diag_add(d, "E0114", expr_mark(x), "\"%s\" blocks are not supported by this version", root);
		return;
	}
	if (!t) {
		const char *kind = strcmp(root, "var") == 0 ? "variable" : strcmp(root, "local") == 0 ? "local" : NULL;
		struct diag *g = kind ? diag_add(d, "E0210", expr_mark(x), "no %s is called \"%.60s\"", kind, name)
				      : diag_add(d, "E0210", expr_mark(x), "there is no resource \"%.60s.%.60s\"", root, name);
		suggest(p->l, g, root, name);
		return;
	}
	if ((p->no_resources && t->kind == THING_RESOURCE) || (p->constant && t->kind != THING_VAR)) {
		diag_hint(diag_add(d, "E0210", expr_mark(x), "%s cannot refer to %s", p->what, t->kind == THING_RESOURCE ? "resources" : "locals"),
			  p->constant ? "only to variables" : "only to variables and locals");
		return;
	}
	add_dep(p, t, x);
}

static void look(void *ctx, const struct expr *x, bool certain)
{
	struct place *p = ctx;
	const char *root, *name;
	if (expr_reference(x, &root, &name)) {
		p->consumed = x->kind == X_ATTR ? x->attr.src : x->index.src;
		check_reference(p, x, root, name);
	} else if (x->kind == X_REF && x != p->consumed) {
		struct diag *g = diag_add(p->l->d, "E0211", expr_mark(x), "\"%s\" is not the name of a value", x->name);
		diag_hint(g, "a reference is var.NAME, local.NAME or TYPE.NAME; text stands in quotes");
	} else if (x->kind == X_CALL && certain && !func_find(x->call.name)) {
		struct expr at = *x;
		at.len = (uint32_t)strlen(x->call.name);
		struct diag *g = diag_add(p->l->d, "E0213", expr_mark(&at), "no function is called \"%.60s\"", x->call.name);
		diag_suggest(g, x->call.name, func_names());
	}
}

#define DEPS_OF(v) .deps = &(v)->deps.at, .n = &(v)->deps.len, .cap = &(v)->deps.cap

static void check_thing(struct lang *l, struct thing *t)
{
	struct place p = { .l = l, .owner = t, DEPS_OF(t) };
	if (t->kind == THING_VAR) {
		p.no_resources = true;
		p.what = "a rule";
		for (size_t i = 0; i < t->rules.len; i++) {
			expr_visit(t->rules.at[i].condition, look, &p);
			expr_visit(t->rules.at[i].error, look, &p);
		}
		return;
	}
	if (t->kind == THING_LOCAL) {
		expr_visit(t->x, look, &p);
		return;
	}
	struct lang_body *r = t->res;
	expr_visit(r->count, look, &p);
	expr_visit(r->for_each, look, &p);
	expr_visit(r->depends_on, look, &p);
	p.each = r->for_each != NULL;
	p.count = r->count != NULL;
	for (size_t i = 0; i < r->attrs.len; i++)
		expr_visit(r->attrs.at[i].x, look, &p);
}

/* --- cycles among locals ------------------------------------------------------------------------------------------- */

static void report_cycle(struct lang *l, struct thing *const *path, size_t n, const struct dep *back)
{
	size_t from = 0;
	while (path[from] != back->to)
		from++;
	autostr struct str s;
	str_init(&s, 2000);
	for (size_t i = from; i < n; i++)
		str_addf(&s, "%s -> ", path[i]->id);
	str_add(&s, back->to->id);
	struct diag *g = diag_add(l->d, "E0113", expr_mark(back->at), "locals need each other in a circle: %s", s.at);
	for (size_t i = from; i < n; i++) {
		const struct dep *d = i + 1 < n ? &path[i]->deps.at[path[i]->next_dep - 1] : back;
		diag_note(g, expr_mark(d->at), "%s needs %s", path[i]->id, d->to->id);
	}
}

static int by_address(const void *a, const void *b)
{
	const struct dep *x = a, *y = b;
	return (x->to > y->to) - (x->to < y->to);
}

/* Resources that T needs, through the locals it refers to (which know theirs already). */
static void gather(struct thing *t)
{
	for (size_t i = 0; i < t->deps.len; i++) {
		const struct dep *d = &t->deps.at[i];
		if (d->to->kind == THING_RESOURCE)
			vec_push(&t->reach, *d);
		for (size_t k = 0; d->to->kind == THING_LOCAL && k < d->to->reach.len; k++)
			vec_push(&t->reach, d->to->reach.at[k]);
	}
	if (t->reach.len == 0)
		return;
	qsort(t->reach.at, t->reach.len, sizeof(*t->reach.at), by_address);
	size_t n = 1;
	for (size_t i = 1; i < t->reach.len; i++)
		if (t->reach.at[i].to != t->reach.at[n - 1].to)
			t->reach.at[n++] = t->reach.at[i];
	t->reach.len = n;
}

/* Depth-first over locals from START without recursion. A local is OPEN on the path and, here, counted done by NEXT_DEP. */
static void walk(struct lang *l, struct thing *start, bool *on_path_of)
{
	VEC(struct thing *) path = { 0 };
	(void)on_path_of;
	start->state = THING_OPEN;
	vec_push(&path, start);
	while (path.len) {
		struct thing *t = path.at[path.len - 1];
		if (t->next_dep == t->deps.len) {
			gather(t);
			t->next_dep = UINT32_MAX;
			t->state = THING_NEW;
			path.len--;
			continue;
		}
		const struct dep *d = &t->deps.at[t->next_dep++];
		if (d->to->kind != THING_LOCAL || d->to->next_dep == UINT32_MAX)
			continue;
		if (d->to->state == THING_OPEN) {
			report_cycle(l, path.at, path.len, d);
			continue;
		}
		d->to->state = THING_OPEN;
		vec_push(&path, d->to);
	}
	vec_free(&path);
}

void module_check_references(struct lang *l)
{
	for (size_t i = 0; i < l->order.len; i++)
		check_thing(l, l->order.at[i]);
	for (size_t i = 0; i < l->outputs.len; i++) {
		struct output_block *o = &l->outputs.at[i];
		struct place p = { .l = l, DEPS_OF(o) };
		expr_visit(o->x, look, &p);
	}
	for (size_t i = 0; i < l->order.len; i++) {
		struct thing *t = l->order.at[i];
		if (t->kind == THING_LOCAL && t->next_dep != UINT32_MAX && t->x)
			walk(l, t, NULL);
	}
	for (size_t i = 0; i < l->providers.len; i++) {
		struct provider_block *b = &l->providers.at[i];
		struct place p = { .l = l, DEPS_OF(b), .no_resources = true, .what = "the configuration of a provider" };
		expr_visit(b->x, look, &p);
		for (size_t k = 0; k < b->deps.len; k++) {
			if (b->deps.at[k].to->kind != THING_LOCAL || b->deps.at[k].to->reach.len == 0)
				continue;
			struct diag *g = diag_add(l->d, "E0210", expr_mark(b->deps.at[k].at), "the configuration of a provider cannot depend on resources");
			diag_note(g, expr_mark(b->deps.at[k].to->reach.at[0].at), "%s refers to one", b->deps.at[k].to->id);
		}
	}
	if (l->settings.x) {
		struct dep *deps = NULL;
		size_t n = 0, cap = 0;
		struct place p = { .l = l, .deps = &deps, .n = &n, .cap = &cap, .no_resources = true, .constant = true, .what = "the aipc block" };
		expr_visit(l->settings.x, look, &p);
		free(deps);
	}
}

static int by_resource(const void *a, const void *b)
{
	const struct lang_ref *x = a, *y = b;
	return x->to->index < y->to->index ? -1 : x->to->index > y->to->index;
}

void module_link(struct lang *l)
{
	for (size_t i = 0; i < l->n_res; i++) {
		struct lang_resource *r = &l->res[i];
		struct thing *t = r->body->thing;
		gather(t);
		struct lang_ref *refs = arena_array(l->arena, t->reach.len ? t->reach.len : 1, sizeof(*refs));
		size_t n = 0;
		for (size_t k = 0; k < t->reach.len; k++)
			refs[n++] = (struct lang_ref){ t->reach.at[k].to->res->pub, expr_mark(t->reach.at[k].at) };
		qsort(refs, n, sizeof(*refs), by_resource);
		r->refs = refs;
		r->n_refs = n;
	}
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static void evaluate_local(struct lang *l, struct thing *t)
{
	t->val = t->x ? eval_run(l->e, t->x) : NULL;
	if (t->val && !eval_check_size(l->e, t->x, t->val))
		t->val = NULL;
	t->state = t->val ? THING_DONE : THING_FAILED;
}

void module_prepare(struct lang *l, const struct dep *deps, size_t n)
{
	VEC(struct thing *) path = { 0 };
	for (size_t i = 0; i < n; i++) {
		if (deps[i].to->kind != THING_LOCAL || deps[i].to->state != THING_NEW)
			continue;
		deps[i].to->next_dep = 0;
		vec_push(&path, deps[i].to);
		while (path.len) {
			struct thing *t = path.at[path.len - 1];
			if (t->state != THING_NEW || t->next_dep == t->deps.len) {
				if (t->state == THING_NEW)
					evaluate_local(l, t);
				path.len--;
				continue;
			}
			struct thing *to = t->deps.at[t->next_dep++].to;
			if (to->kind == THING_LOCAL && to->state == THING_NEW) {
				to->next_dep = 0;
				vec_push(&path, to);
			}
		}
	}
	vec_free(&path);
}

static const struct val *path_value(struct lang *l, const char *name)
{
	if (strcmp(name, "cwd") == 0) {
		autofree char *cwd = realpath(".", NULL);
		return val_string(l->arena, cwd ? cwd : ".");
	}
	return val_string(l->arena, l->dir);
}

static const struct val *resource_value(struct lang *l, struct eval *e, const struct expr *x, struct thing *t)
{
	if (!t->val) {
		const json_t *j = l->on_value ? l->on_value(l->on_value_ctx, t->res->pub) : NULL;
		t->val = j ? val_from_json(l->arena, j) : &val_unknown_dynamic;
	}
	(void)e;
	(void)x;
	return t->val;
}

const struct val *module_resolve(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	struct lang *l = e->ctx;
	if (strcmp(root, "each") == 0 && l->each_key)
		return strcmp(name, "key") == 0 ? l->each_key : l->each_value;
	if (strcmp(root, "count") == 0 && l->count_index)
		return l->count_index;
	if (strcmp(root, "path") == 0)
		return path_value(l, name);
	struct thing *t = module_find(l, root, name);
	if (t && t->kind == THING_RESOURCE)
		return resource_value(l, e, x, t);
	if (t && t->state == THING_DONE)
		return t->val;
	if (e->quiet == 0 && diags_errors(e->d) > 0)
		return NULL;                         /* told when it failed, or when the reference was checked */
	eval_fail(e, x, "E0210", "\"%s.%s\" has no value", root, name);
	return NULL;
}
