/* module_refs - every reference checked before anything is evaluated. */
#include <stdlib.h>
#include <string.h>

#include "lang/func.h"
#include "lang/module.h"

/* Where an expression stands decides what it may refer to. */
struct place {
	struct module *m;
	struct deps *deps;           /* collected here */
	bool each, count, no_resources, constant, self;
	bool test;                   /* an assertion: it sees output, plan and run too */
	bool whole;                  /* depends_on: a module is all that is in it */
	const char *what;            /* "a variable's rule", for messages */
	const struct expr *consumed; /* the X_REF at the bottom of a reference that has been looked at */
	const struct expr *module;   /* the `module.NAME` of which one output is referred to */
	const struct ynode *check;   /* the check it stands in: its own data is for it alone */
};

static void add_dep(struct place *p, struct thing *to, struct thing *call, const struct expr *at)
{
	struct deps *d = p->deps;
	for (size_t i = d->len; i > 0 && d->len - i < 64; i--)
		if (d->at[i - 1].to == to && d->at[i - 1].call == call)
			return;
	vec_push(d, (struct dep){ to, call, at });
}

/* "did you mean" among what can be referred to; a budget, for specs with many mistakes and many names. */
static void suggest(struct module *m, struct diag *g, const char *root, const char *name)
{
	enum { MANY = 5000 };
	VEC(const char *) ids = { 0 };
	char id[300];
	if (m->order.len > MANY || diags_errors(m->l->d) > 50)
		return;
	snprintf(id, sizeof(id), "%.140s.%.140s", root, name);
	for (size_t i = 0; i < m->order.len; i++)
		if (m->order.at[i]->kind != THING_OUTPUT)
			vec_push(&ids, m->order.at[i]->id);
	vec_push(&ids, NULL);
	diag_suggest(g, id, ids.at);
	vec_free(&ids);
}

static void check_special(struct place *p, const struct expr *x, const char *root, const char *name)
{
	struct diags *d = p->m->l->d;
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

/* All outputs of what T calls. */
static void add_outputs(struct place *p, struct thing *t, const struct expr *x)
{
	struct module *to = t->call->to;
	for (size_t i = 0; to && i < to->order.len; i++)
		if (to->order.at[i]->kind == THING_OUTPUT)
			add_dep(p, to->order.at[i], t, x);
}

/* What only assertions of tests see. */
static bool check_of_test(struct place *p, const struct expr *x, const char *root, const char *name)
{
	static const char *const roots[] = { "output", "plan", "run", NULL }, *const plans[] = { "actions", "complete", "counts", "data", NULL };
	struct diags *d = p->m->l->d;
	if (!p->test || !is_one_of(root, roots))
		return false;
	struct thing *t = strcmp(root, "output") == 0 ? module_find(p->m, "output:", name) : NULL;
	if (t)
		add_dep(p, t, NULL, x);
	else if (strcmp(root, "output") == 0)
		diag_add(d, "E0210", expr_mark(x), "no output is called \"%.60s\"", name);
	else if (strcmp(root, "plan") == 0 && !is_one_of(name, plans))
		diag_hint(diag_add(d, "E0210", expr_mark(x), "there is no \"plan.%.60s\"", name), "there are plan.actions, plan.complete, plan.counts, plan.data");
	return true;
}

static void check_reference(struct place *p, const struct expr *x, const char *root, const char *name)
{
	static const char *const instance[] = { "each", "count", NULL }, *const paths[] = { "module", "root", "cwd", NULL };
	struct diags *d = p->m->l->d;
	if (check_of_test(p, x, root, name))
		return;
	if (is_one_of(root, instance)) {
		check_special(p, x, root, name);
		return;
	}
	if (strcmp(root, "path") == 0) {
		if (!is_one_of(name, paths))
			diag_hint(diag_add(d, "E0210", expr_mark(x), "there is no \"path.%.60s\"", name), "there are path.module, path.root, path.cwd");
		return;
	}
	if (strcmp(root, "self") == 0 && p->self)
		return;
	if (strcmp(root, "self") == 0 || strcmp(root, "terraform") == 0) {
		diag_add(d, "E0210", expr_mark(x), "\"%s\" means nothing here", root);
		return;
	}
	struct thing *t = module_find(p->m, root, name);
	if (!t) {
		static const struct { const char *root, *kind; } kinds[] = { { "var", "variable" }, { "local", "local" }, { "module", "module" } };
		const char *kind = NULL;
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			if (strcmp(root, kinds[i].root) == 0)
				kind = kinds[i].kind;
		struct diag *g = kind ? diag_add(d, "E0210", expr_mark(x), "no %s is called \"%.60s\"", kind, name)
				      : diag_add(d, "E0210", expr_mark(x), "there is no %s \"%.60s.%.60s\"",
						 str_has_prefix(root, "data.") ? "data block" : "resource", root, name);
		suggest(p->m, g, root, name);
		return;
	}
	if (t->res && t->res->check && t->res->check != p->check) {
		struct diag *g = diag_add(d, "E0210", expr_mark(x), "%s belongs to the check \"%.60s\", and only that may refer to it", t->id, t->res->check->is->s);
		diag_note(g, AT(t->file, t->res->check), "the check is here");
		return;
	}
	bool far = t->kind == THING_RESOURCE || t->kind == THING_MODULE;
	if ((p->no_resources && far) || (p->constant && t->kind != THING_VAR)) {
		diag_hint(diag_add(d, "E0210", expr_mark(x), "%s cannot refer to %s", p->what, t->kind == THING_MODULE ? "modules" : t->res && t->res->data ? "data" : far ? "resources" : "locals"),
			  p->constant ? "only to variables" : "only to variables and locals");
		return;
	}
	add_dep(p, t, NULL, x);
	if (t->kind == THING_MODULE && p->module != x && !p->whole)
		add_outputs(p, t, x);
}

/* --- outputs of modules ---------------------------------------------------------------------------------------------- */

/* The step from which on each element of a splat is looked at: `[*].NAME`. */
static const char *name_of_each(const struct expr *splat)
{
	const struct expr *x = splat->splat.each, *from = NULL;
	while (x->kind == X_ATTR || x->kind == X_INDEX || x->kind == X_SPLAT) {
		from = x;
		x = x->kind == X_ATTR ? x->attr.src : x->kind == X_INDEX ? x->index.src : x->splat.src;
	}
	bool own = x->kind == X_SLOT && x->val_slot == splat->val_slot;
	return own && from && from->kind == X_ATTR ? from->attr.name : NULL;
}

static const char *step_name(const struct expr *x)
{
	if (x->kind == X_ATTR)
		return x->attr.name;
	bool text = x->kind == X_INDEX && x->index.key->kind == X_VALUE && val_known(x->index.key->val) && val_kind(x->index.key->val) == T_STRING;
	return text ? x->index.key->val->str.s : NULL;
}

static const struct expr *step_source(const struct expr *x)
{
	return x->kind == X_ATTR ? x->attr.src : x->kind == X_INDEX ? x->index.src : x->kind == X_SPLAT ? x->splat.src : NULL;
}

/* The place of X's last step alone: "NAME" of "module.a.NAME". */
static struct mark step_mark(const struct expr *x)
{
	const struct expr *src = step_source(x);
	struct expr part = *x;
	if (src && src->off + src->len < x->off + x->len) {
		part.off = src->off + src->len;
		part.len = x->off + x->len - part.off;
		for (const char *s = x->o->text + part.off; part.len > 1 && (*s == '.' || *s == ' '); s++)
			part.off++, part.len--;
	}
	return expr_mark(&part);
}

static struct thing *call_of(const struct place *p, const struct expr *x)
{
	const char *root, *name;
	return x && expr_reference(x, &root, &name) && strcmp(root, "module") == 0 ? module_find(p->m, root, name) : NULL;
}

static void check_output(struct place *p, const struct expr *x, struct thing *call, const char *name)
{
	struct module *to = call->call->to;
	struct thing *t = to ? module_find(to, "output:", name) : NULL;
	VEC(const char *) names = { 0 };
	if (!to)
		return;
	add_dep(p, call, NULL, x);
	if (t) {
		add_dep(p, t, call, x);
		return;
	}
	for (size_t i = 0; i < to->order.len; i++)
		if (to->order.at[i]->kind == THING_OUTPUT)
			vec_push(&names, to->order.at[i]->name);
	vec_push(&names, NULL);
	vec_push(&to->missed, name);
	if (to->folder->broken)
		return;
	struct diag *g = diag_add(p->m->l->d, "E0137", step_mark(x), "the module \"%s\" has no output \"%.60s\"", call->name, name);
	diag_suggest(g, name, names.at);
	diag_note(g, AT(call->file, call->key), "it is called here, and its files are in %s", to->dir);
	vec_free(&names);
}

/* Is X one output of a module: `module.a.NAME`, `module.a["k"].NAME`, `module.a[*].NAME`? */
static void look_for_output(struct place *p, const struct expr *x)
{
	const struct expr *src = step_source(x);
	struct thing *call = call_of(p, src);
	if (!src || p->no_resources || p->constant)
		return;
	if (call && x->kind == X_SPLAT) {
		const char *name = name_of_each(x);
		if (name) {
			p->module = src;
			check_output(p, x, call, name);
		}
		return;
	}
	bool repeated = call && (call->call->count || call->call->for_each);
	if (!repeated && !call && (call = call_of(p, step_source(src))) != NULL) {
		src = step_source(src);
		repeated = call->call->count || call->call->for_each;
		if (!repeated || step_source(x)->kind == X_SPLAT)
			return;
	} else if (repeated) {
		return;                      /* the instance; what is behind it was looked at before */
	}
	const char *name = call ? step_name(x) : NULL;
	if (!name)
		return;
	p->module = src;
	check_output(p, x, call, name);
}

static void look(void *ctx, const struct expr *x, bool certain)
{
	struct place *p = ctx;
	const char *root, *name;
	look_for_output(p, x);
	if (expr_reference(x, &root, &name)) {
		p->consumed = x->kind == X_ATTR ? x->attr.src : x->index.src;
		check_reference(p, x, root, name);
	} else if (x->kind == X_REF && x != p->consumed) {
		struct diag *g = diag_add(p->m->l->d, "E0211", expr_mark(x), "\"%s\" is not the name of a value", x->name);
		diag_hint(g, strcmp(x->name, "data") == 0 || str_has_prefix(x->name, "data.") ? "data is referred to as data.TYPE.NAME"
			  : "a reference is var.NAME, local.NAME, TYPE.NAME or data.TYPE.NAME; text stands in quotes");
	} else if (x->kind == X_CALL && certain && !func_find(x->call.name)) {
		struct expr at = *x;
		at.len = (uint32_t)strlen(x->call.name);
		struct diag *g = diag_add(p->m->l->d, "E0213", expr_mark(&at), "no function is called \"%.60s\"", x->call.name);
		diag_suggest(g, x->call.name, func_names());
	}
}

void module_deps_of(struct module *m, const struct expr *e, struct deps *out)
{
	struct place p = { .m = m, .deps = out, .each = true, .count = true };
	expr_visit(e, look, &p);
}

/* --- where expressions stand -------------------------------------------------------------------------------------------- */

static void check_rules_of(struct place *p, const struct rules *rules)
{
	for (size_t i = 0; i < rules->len; i++) {
		expr_visit(rules->at[i].condition, look, p);
		expr_visit(rules->at[i].error, look, p);
	}
}

static void check_output_of(struct thing *t, struct place *p, struct place *waits)
{
	struct place rules = { .m = t->module, .deps = &t->rule_deps };
	expr_visit(t->x, look, p);
	check_rules_of(&rules, &t->rules);
	if (t->depends_on)
		expr_visit(t->depends_on, look, waits);
}

static void check_var(struct thing *t)
{
	struct module *up = t->module->parent;
	struct place p = { .m = t->module, .deps = &t->rule_deps };
	check_rules_of(&p, &t->rules);
	if (!up || !t->arg)
		return;
	const struct call *c = t->module->call->call;
	const struct diag_trail *before = diags_trail(up->l->d, up->parent ? &up->trail : NULL);
	struct place out = { .m = up, .deps = &t->deps, .each = c->for_each != NULL, .count = c->count != NULL };
	expr_visit(t->arg, look, &out);
	diags_trail(up->l->d, before);
}

/* Inputs that no variable takes may still hold mistakes of their own. */
static void check_lost_inputs(struct thing *t)
{
	struct deps none = { 0 };
	struct place p = { .m = t->module, .deps = &none, .each = t->call->for_each != NULL, .count = t->call->count != NULL };
	for (size_t i = 0; i < t->call->inputs.len; i++)
		if (!t->call->inputs.at[i].used)
			expr_visit(t->call->inputs.at[i].x, look, &p);
	vec_free(&none);
}

static void check_lifecycle(struct place *p, const struct lifecycle *life)
{
	expr_visit(life->prevent, look, p);
	expr_visit(life->create_first, look, p);
	expr_visit(life->ignore, look, p);
	for (size_t i = 0; i < life->triggers.len; i++)
		expr_visit(life->triggers.at[i], look, p);
	check_rules_of(p, &life->pre);
	p->self = true;
	check_rules_of(p, &life->post);
	p->self = false;
}

static void check_thing(struct thing *t)
{
	const struct ynode *check = t->res ? t->res->check : NULL;
	struct place p = { .m = t->module, .deps = &t->deps, .check = check }, waits = { .m = t->module, .deps = &t->waits, .whole = true, .check = check };
	switch (t->kind) {
	case THING_VAR:
		check_var(t);
		break;
	case THING_LOCAL:
		expr_visit(t->x, look, &p);
		break;
	case THING_OUTPUT:
		check_output_of(t, &p, &waits);
		break;
	case THING_MODULE:
		expr_visit(t->call->count, look, &p);
		expr_visit(t->call->for_each, look, &p);
		expr_visit(t->call->depends_on, look, &waits);
		p.each = t->call->for_each != NULL;
		p.count = t->call->count != NULL;
		for (size_t i = 0; i < t->call->passes.len; i++)
			expr_visit(t->call->passes.at[i].to.key, look, &p);
		check_lost_inputs(t);
		break;
	case THING_RESOURCE:
		expr_visit(t->res->count, look, &p);
		expr_visit(t->res->for_each, look, &p);
		expr_visit(t->res->depends_on, look, &waits);
		p.each = t->res->for_each != NULL;
		p.count = t->res->count != NULL;
		for (size_t i = 0; i < t->res->attrs.len; i++)
			expr_visit(t->res->attrs.at[i].x, look, &p);
		for (size_t i = 0; i < t->res->providers.len; i++)
			expr_visit(t->res->providers.at[i].key, look, &p);
		if (t->res->life)
			check_lifecycle(&p, t->res->life);
		break;
	}
}

void module_check_references(struct lang *l)
{
	for (size_t i = 0; i < l->order.len; i++) {
		struct thing *t = l->order.at[i];
		const struct diag_trail *before = diags_trail(l->d, t->module->parent ? &t->module->trail : NULL);
		check_thing(t);
		diags_trail(l->d, before);
	}
	for (size_t i = 0; i < l->providers.len; i++) {
		struct provider_block *b = l->providers.at[i];
		struct place p = { .m = l->root, .deps = &b->deps, .no_resources = true, .what = "the configuration of a provider" };
		expr_visit(b->for_each, look, &p);
		p.each = b->for_each != NULL;
		for (size_t k = 0; k < b->attrs.len; k++)
			expr_visit(b->attrs.at[k].x, look, &p);
	}
	for (size_t i = 0; i < l->checks.len; i++) {
		struct check_block *c = &l->checks.at[i];
		struct place p = { .m = c->m, .deps = &c->deps, .check = c->key };
		const struct diag_trail *before = diags_trail(l->d, c->m->parent ? &c->m->trail : NULL);
		check_rules_of(&p, &c->rules);
		diags_trail(l->d, before);
	}
	for (size_t i = 0; i < l->import_blocks.len; i++) {
		struct import_block *b = &l->import_blocks.at[i];
		struct place p = { .m = l->root, .deps = &b->deps, .no_resources = true, .what = "an import" };
		expr_visit(b->for_each, look, &p);
		p.each = b->for_each != NULL;
		expr_visit(b->id, look, &p);
		/* Of its address only the keys are expressions. */
		for (const struct expr *x = b->to; x && x->kind != X_REF; x = x->kind == X_INDEX ? x->index.src : x->kind == X_ATTR ? x->attr.src : NULL)
			if (x->kind == X_INDEX)
				expr_visit(x->index.key, look, &p);
	}
	if (l->settings.x) {
		struct deps deps = { 0 };
		struct place p = { .m = l->root, .deps = &deps, .no_resources = true, .constant = true, .what = "the aipc block" };
		expr_visit(l->settings.x, look, &p);
		vec_free(&deps);
	}
}

void module_check_expr(struct module *m, const struct expr *x, struct deps *deps)
{
	struct place p = { .m = m, .deps = deps };
	expr_visit(x, look, &p);
}

void module_check_assertions(struct module *m, const struct rules *rules, struct deps *deps)
{
	struct place p = { .m = m, .deps = deps, .test = true };
	check_rules_of(&p, rules);
}
