/* module_link - cycles among values, and which resources each thing needs. */
#include <stdlib.h>
#include <string.h>

#include "lang/module.h"

/* --- cycles ------------------------------------------------------------------------------------------------------------ */

/* "local.a", "module.net.var.b", "module.net.c" for an output. */
static const char *full_name(struct lang *l, const struct thing *t)
{
	const char *dot = *t->module->path ? "." : "";
	if (t->kind == THING_OUTPUT)
		return arena_printf(l->arena, "%s%s%s", *t->module->path ? t->module->path : "output", ".", t->name);
	return arena_printf(l->arena, "%s%s%s", t->module->path, dot, t->id);
}

static void report_cycle(struct lang *l, struct thing *const *path, size_t n, const struct dep *back)
{
	size_t from = 0;
	bool locals = true;
	while (path[from] != back->to)
		from++;
	autostr struct str s;
	str_init(&s, 2000);
	for (size_t i = from; i < n; i++) {
		locals = locals && path[i]->kind == THING_LOCAL;
		str_addf(&s, "%s -> ", full_name(l, path[i]));
	}
	str_add(&s, full_name(l, back->to));
	struct diag *g = diag_add(l->d, "E0113", expr_mark(back->at), "%s need each other in a circle: %s", locals ? "locals" : "values", s.at);
	for (size_t i = from; i < n; i++) {
		const struct dep *d = i + 1 < n ? thing_need(path[i], path[i]->next_dep - 1) : back;
		diag_note(g, expr_mark(d->at), "%s needs %s", full_name(l, path[i]), full_name(l, d->to));
	}
}

const struct dep *thing_need(const struct thing *t, size_t i)
{
	const struct deps *parts[] = { &t->deps, &t->rule_deps, &t->waits };
	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		if (i < parts[k]->len)
			return &parts[k]->at[i];
		i -= parts[k]->len;
	}
	return NULL;
}

/* --- what a thing needs -------------------------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
	const struct dep *x = a, *y = b;
	return (x->to > y->to) - (x->to < y->to);
}

static void unite(struct deps *all)
{
	if (all->len == 0)
		return;
	qsort(all->at, all->len, sizeof(*all->at), by_address);
	size_t n = 1;
	for (size_t i = 1; i < all->len; i++)
		if (all->at[i].to != all->at[n - 1].to)
			all->at[n++] = all->at[i];
	all->len = n;
}

/* Resources that DEPS need, through what knows its own already. */
static void gather(struct deps *out, const struct deps *deps)
{
	for (size_t i = 0; i < deps->len; i++) {
		const struct dep *d = &deps->at[i];
		if (d->to->kind == THING_RESOURCE)
			vec_push(out, *d);
		for (size_t k = 0; d->to->kind != THING_RESOURCE && &d->to->reach != out && k < d->to->reach.len; k++)
			vec_push(out, d->to->reach.at[k]);
	}
	unite(out);
}

static void gather_late(struct deps *out, const struct deps *deps)
{
	for (size_t i = 0; i < deps->len; i++) {
		const struct dep *d = &deps->at[i];
		if (d->to->kind == THING_RESOURCE || &d->to->late == out)
			continue;
		if (d->to->late_rules)
			vec_push(out, *d);
		for (size_t k = 0; k < d->to->late.len; k++)
			vec_push(out, d->to->late.at[k]);
	}
	unite(out);
}

/* All resources in M and what it calls; modules are at most MAX_MODULE_DEPTH deep. */
static void add_all(struct deps *out, const struct module *m, const struct expr *at)
{
	for (size_t i = 0; i < m->order.len; i++) {
		struct thing *t = m->order.at[i];
		if (t->kind == THING_RESOURCE)
			vec_push(out, (struct dep){ t, NULL, at });
		else if (t->kind == THING_MODULE && t->call->to)
			add_all(out, t->call->to, at);
	}
}

static void gather_waits(struct deps *out, const struct deps *waits)
{
	for (size_t i = 0; i < waits->len; i++) {
		const struct dep *d = &waits->at[i];
		if (d->to->kind == THING_RESOURCE)
			vec_push(out, *d);
		else if (d->to->kind == THING_MODULE && d->to->call->to)
			add_all(out, d->to->call->to, d->at);
		else
			for (size_t k = 0; k < d->to->reach.len; k++)
				vec_push(out, d->to->reach.at[k]);
	}
}

/* All that T needs knows its own already. */
static void know(struct thing *t)
{
	gather(&t->reach, &t->deps);
	gather(&t->reach, &t->rule_deps);
	t->late_rules = t->rules.len && t->reach.len;
	if (t->waits.len && t->kind == THING_OUTPUT) {
		gather_waits(&t->reach, &t->waits);
		unite(&t->reach);
	}
	gather_late(&t->late, &t->deps);
	gather_late(&t->late, &t->rule_deps);
}

/* Depth-first from START without recursion, through all but resources. */
static void walk(struct lang *l, struct thing *start)
{
	VEC(struct thing *) path = { 0 };
	start->open = true;
	vec_push(&path, start);
	while (path.len) {
		struct thing *t = path.at[path.len - 1];
		const struct dep *d = thing_need(t, t->next_dep);
		if (!d) {
			know(t);
			t->next_dep = UINT32_MAX;
			t->open = false;
			path.len--;
			continue;
		}
		t->next_dep++;
		/* A rule looks at its own variable. */
		if (d->to->kind == THING_RESOURCE || d->to->next_dep == UINT32_MAX || (d->to == t && t->kind == THING_VAR && !d->call))
			continue;
		if (d->to->open) {
			report_cycle(l, path.at, path.len, d);
			continue;
		}
		d->to->open = true;
		vec_push(&path, d->to);
	}
	vec_free(&path);
}

static void check_provider(struct lang *l, const struct provider_block *b)
{
	for (size_t k = 0; k < b->deps.len; k++) {
		const struct dep *d = &b->deps.at[k];
		if (d->to->kind == THING_RESOURCE || d->to->reach.len == 0)
			continue;
		struct diag *g = diag_add(l->d, "E0210", expr_mark(d->at), "the configuration of a provider cannot depend on resources");
		diag_note(g, expr_mark(d->to->reach.at[0].at), "%s refers to one", d->to->id);
	}
}

void module_walk(struct lang *l)
{
	for (size_t i = 0; i < l->order.len; i++)
		if (l->order.at[i]->kind != THING_RESOURCE && l->order.at[i]->next_dep != UINT32_MAX)
			walk(l, l->order.at[i]);
	for (size_t i = 0; i < l->providers.len; i++)
		check_provider(l, l->providers.at[i]);
}

/* --- between resources ------------------------------------------------------------------------------------------------------ */

static void add_base(struct deps *out, const struct deps *base)
{
	for (size_t i = 0; i < base->len; i++)
		vec_push(out, base->at[i]);
}

/* What all in M waits for: its call, and what its caller waits for. Callers stand before what they call. */
static void find_base(struct module *m)
{
	if (!m->parent)
		return;
	add_base(&m->base, &m->parent->base);
	add_base(&m->base, &m->call->reach);
	add_base(&m->base_late, &m->parent->base_late);
	add_base(&m->base_late, &m->call->late);
	gather_waits(&m->base, &m->call->waits);
	unite(&m->base);
	unite(&m->base_late);
}

static int by_resource(const void *a, const void *b)
{
	const struct lang_ref *x = a, *y = b;
	return x->to->index < y->to->index ? -1 : x->to->index > y->to->index;
}

void module_link(struct lang *l)
{
	for (size_t i = 0; i < l->modules.len; i++)
		find_base(l->modules.at[i]);
	for (size_t i = 0; i < l->n_res; i++) {
		struct lang_resource *r = &l->res[i];
		struct thing *t = r->body->thing;
		gather_waits(&t->reach, &t->waits);
		add_base(&t->reach, &t->module->base);
		gather(&t->reach, &t->deps);
		add_base(&t->late, &t->module->base_late);
		gather_late(&t->late, &t->deps);
		struct lang_ref *refs = arena_array(l->arena, t->reach.len ? t->reach.len : 1, sizeof(*refs));
		for (size_t k = 0; k < t->reach.len; k++)
			refs[k] = (struct lang_ref){ t->reach.at[k].to->res->pub, expr_mark(t->reach.at[k].at) };
		qsort(refs, t->reach.len, sizeof(*refs), by_resource);
		r->refs = refs;
		r->n_refs = t->reach.len;
	}
}
