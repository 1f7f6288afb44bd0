/* module_eval - values: what the cells of scopes hold, and instances of modules. */
#include <stdlib.h>
#include <string.h>

#include "lang/module.h"

/* --- scopes ---------------------------------------------------------------------------------------------------------- */

struct scope *scope_new(struct lang *l, struct module *m, struct scope *parent, const char *address)
{
	struct scope *s = arena_alloc(l->arena, sizeof(*s));
	s->m = m;
	s->parent = parent;
	s->address = address;
	s->cells = arena_array(l->arena, m->order.len ? m->order.len : 1, sizeof(*s->cells));
	if (parent)
		s->trail = (struct diag_trail){ parent->parent ? &parent->trail : NULL, arena_printf(l->arena, "called as %s", address), m->trail.at };
	l->n_scopes++;
	return s;
}

struct scope *module_enter(struct lang *l, struct scope *s)
{
	struct scope *before = l->scope;
	l->scope = s;
	diags_trail(l->d, s && s->parent ? &s->trail : NULL);
	return before;
}

struct kids_making { struct lang *l; struct scope *s; struct thing *t; VEC(struct scope *) kids; };

static bool add_kid(void *ctx, enum lang_key kind, const char *key)
{
	struct kids_making *k = ctx;
	struct lang *l = k->l;
	autostr struct str a;
	str_init(&a, STR_OURS);
	if (l->n_scopes >= MAX_SCOPES) {
		diag_add(l->d, "E0134", AT(k->t->file, k->t->key), "modules have more than %d instances", MAX_SCOPES);
		return false;
	}
	str_addf(&a, "%s%s%s", k->s->address, k->s->parent ? "." : "", k->t->id);
	lang_add_key(&a, kind, key);
	struct scope *kid = scope_new(l, k->t->call->to, k->s, arena_strndup(l->arena, a.at, a.len));
	kid->each_key = l->each_key;
	kid->each_value = l->each_value;
	kid->count_index = l->count_index;
	if (!module_choose_passed(l, k->t->call, &kid->passed))
		return false;
	vec_push(&k->kids, kid);
	return true;
}

/* The instances of call T in S. */
static bool make_kids(struct lang *l, struct scope *s, struct thing *t, struct cell *c)
{
	struct kids_making k = { .l = l, .s = s, .t = t };
	struct repeat r = { .count = t->call->count, .for_each = t->call->for_each };
	bool ok = module_repeat(l, &r, add_kid, &k);
	c->kids = arena_alloc(l->arena, sizeof(*c->kids));
	*c->kids = (struct kids){ .kind = r.kind, .deferred = r.deferred, .deferred_at = r.deferred_at };
	if (ok && !r.deferred && k.kids.len) {
		c->kids->n = k.kids.len;
		c->kids->at = arena_array(l->arena, k.kids.len, sizeof(*c->kids->at));
		memcpy(c->kids->at, k.kids.at, k.kids.len * sizeof(*c->kids->at));
	}
	c->kids->ready = arena_alloc(l->arena, t->call->to->order.len + 1);
	vec_free(&k.kids);
	return ok;
}

void module_list(struct lang *l, struct module *m)
{
	if (m->listed)
		return;
	m->listed = true;            /* parents first; modules are at most MAX_MODULE_DEPTH deep */
	module_list(l, m->parent);
	for (size_t i = 0; i < m->parent->scopes.len; i++) {
		struct scope *s = m->parent->scopes.at[i];
		struct dep need = { .to = m->call };
		module_prepare(l, s, &(struct deps){ &need, 1, 1 });
		const struct kids *kids = s->cells[m->call->slot].kids;
		for (size_t k = 0; kids && k < kids->n; k++) {
			kids->at[k]->block = m->scopes.len;
			vec_push(&m->scopes, kids->at[k]);
		}
		if (kids && kids->deferred)
			vec_push(&m->waiting, (struct lang_block){ .module = arena_printf(l->arena, "%s%s%s", s->address, s->parent ? "." : "", m->call->id),
								   .deferred = &kids->deferred_at, .module_deferred = true });
	}
	for (size_t i = 0; i < m->parent->waiting.len; i++) {
		struct lang_block b = m->parent->waiting.at[i];
		vec_push(&m->waiting, b);
	}
}

/* --- cells ------------------------------------------------------------------------------------------------------------- */

static const struct val *evaluate(struct lang *l, struct scope *s, struct thing *t)
{
	if (t->kind == THING_VAR)
		return module_argument(l, s, t);
	if (t->kind == THING_OUTPUT && !module_check_output(l, t))
		return NULL;
	const struct val *v = t->x ? eval_run(l->e, t->x) : NULL;
	if (v && !eval_check_size(l->e, t->x, v))
		v = NULL;
	if (v && t->kind == THING_OUTPUT && !t->ephemeral && (eval_sensitive(l->e, v) & MARK_EPHEMERAL))
		return module_refuse_ephemeral(l, t->x, t, "the output");
	if (v && t->kind == THING_OUTPUT)
		v = val_mark(l->arena, v, v->marks | (t->sensitive ? MARK_SENSITIVE : 0u) | (t->ephemeral ? MARK_EPHEMERAL : 0u));
	return v;
}

static void fill_cell(struct lang *l, struct scope *s, struct thing *t)
{
	struct cell *c = &s->cells[t->slot];
	bool ok;
	module_enter(l, s);
	if (t->failed)
		ok = false;
	else if (t->kind == THING_MODULE)
		ok = make_kids(l, s, t, c);
	else
		ok = (c->val = evaluate(l, s, t)) != NULL;
	c->state = ok ? CELL_DONE : CELL_FAILED;
}

struct frame { struct scope *s; struct thing *t; size_t dep, kid; };
struct frames { struct frame *at; size_t len, cap; };

static bool lacks(const struct scope *s, const struct thing *t)
{
	return t->kind != THING_RESOURCE && s->cells[t->slot].state == CELL_NEW;
}

/* The I-th that F's cell or, where it is the first frame, DEPS need. Preconditions of an output stand before its value; the rules
 * of a variable behind it. */
static const struct dep *frame_need(const struct frame *f, const struct deps *deps)
{
	if (f->t && f->t->kind == THING_OUTPUT && f->dep >= f->t->deps.len)
		return f->dep - f->t->deps.len < f->t->rule_deps.len ? &f->t->rule_deps.at[f->dep - f->t->deps.len] : NULL;
	if (f->t)
		deps = &f->t->deps;
	return f->dep < deps->len ? &deps->at[f->dep] : NULL;
}

/* The next thing that frame F waits for; false: none is left. Deps on a call stand before those on its outputs. */
static bool next_need(struct frame *f, const struct deps *deps, struct scope **s, struct thing **t)
{
	/* What a module's variable needs stands in the module that calls it. */
	struct scope *where = f->t && f->t->kind == THING_VAR ? f->s->parent : f->s;
	const struct dep *d;
	for (; where && (d = frame_need(f, deps)) != NULL; f->dep++, f->kid = 0) {
		struct kids *kids = d->call ? where->cells[d->call->slot].kids : NULL;
		if (!d->call && lacks(where, d->to)) {
			*s = where;
			*t = d->to;
			return true;
		}
		if (!kids || kids->ready[d->to->slot])
			continue;
		while (f->kid < kids->n) {
			struct scope *kid = kids->at[f->kid++];
			if (!lacks(kid, d->to))
				continue;
			*s = kid;
			*t = d->to;
			return true;
		}
		kids->ready[d->to->slot] = true;
		kids->n_ready++;
	}
	return false;
}

void module_prepare(struct lang *l, struct scope *s, const struct deps *deps)
{
	VEC(struct frame) path = { 0 };
	struct scope *before = l->scope;
	const struct val *key = l->each_key, *value = l->each_value, *index = l->count_index;
	l->each_key = l->each_value = l->count_index = NULL;
	vec_push(&path, (struct frame){ .s = s });
	while (path.len) {
		struct frame *f = &path.at[path.len - 1];
		struct scope *in;
		struct thing *t;
		if (next_need(f, deps, &in, &t)) {
			in->cells[t->slot].state = CELL_OPEN;
			vec_push(&path, (struct frame){ .s = in, .t = t });
			continue;
		}
		if (f->t)
			fill_cell(l, f->s, f->t);
		path.len--;
	}
	vec_free(&path);
	l->each_key = key;
	l->each_value = value;
	l->count_index = index;
	module_enter(l, before);
}

/* --- references --------------------------------------------------------------------------------------------------------- */

static const struct val *path_value(struct lang *l, const char *name)
{
	if (strcmp(name, "cwd") == 0) {
		autofree char *cwd = realpath(".", NULL);
		return val_string(l->arena, cwd ? cwd : ".");
	}
	return val_string(l->arena, strcmp(name, "root") == 0 ? "." : l->scope->m->dir);
}

/* The outputs of one instance: those that nothing asked for, that failed, or that do not exist (which was told) are not known. */
static const struct val *outputs_of(struct lang *l, const struct scope *s)
{
	const struct module *m = s->m;
	autofree struct val_entry *at = xcalloc(m->n_outputs + m->missed.len + 1, sizeof(*at));
	size_t n = 0;
	for (size_t i = 0; i < m->missed.len; i++)
		at[n++] = (struct val_entry){ m->missed.at[i], &val_unknown_dynamic };
	for (size_t i = 0; i < m->order.len; i++) {
		const struct thing *t = m->order.at[i];
		if (t->kind == THING_OUTPUT)
			at[n++] = (struct val_entry){ t->name, s->cells[i].state == CELL_DONE ? s->cells[i].val : &val_unknown_dynamic };
	}
	return val_object(l->arena, at, n);
}

static const struct val *module_value(struct lang *l, struct kids *k)
{
	if (k->deferred)
		return &val_unknown_dynamic;
	if (k->value && k->value_of == k->n_ready)
		return k->value;
	k->value_of = k->n_ready;
	if (k->kind == LANG_SINGLE)
		return k->value = k->n ? outputs_of(l, k->at[0]) : &val_unknown_dynamic;
	autofree const struct val **list = xcalloc(k->n + 1, sizeof(*list));
	autofree struct val_entry *map = xcalloc(k->n + 1, sizeof(*map));
	for (size_t i = 0; i < k->n; i++) {
		list[i] = outputs_of(l, k->at[i]);
		map[i] = (struct val_entry){ k->kind == LANG_EACH ? k->at[i]->each_key->str.s : NULL, list[i] };
	}
	return k->value = k->kind == LANG_INDEX ? val_tuple(l->arena, list, k->n) : val_object(l->arena, map, k->n);
}

static const struct val *resource_value(struct lang *l, struct thing *t, struct cell *c)
{
	if (!c->val) {
		const json_t *j = l->on_value ? l->on_value(l->on_value_ctx, t->res->pub, l->scope->block) : NULL;
		c->val = j ? val_from_json(l->arena, j) : &val_unknown_dynamic;
	}
	return c->val;
}

const struct val *module_self(struct eval *e, const struct expr *x, const struct val *self, const char *name)
{
	const struct val *v = val_known(self) ? val_get(self, name) : &val_unknown_dynamic;
	if (!v)
		eval_fail(e, x, "E0223", "the resource has no attribute \"%.60s\"", name);
	return v;
}

const struct val *module_resolve(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	struct lang *l = e->ctx;
	if (strcmp(root, "each") == 0 && l->each_key)
		return strcmp(name, "key") == 0 ? l->each_key : l->each_value;
	if (strcmp(root, "count") == 0 && l->count_index)
		return l->count_index;
	if (strcmp(root, "self") == 0 && l->self)
		return module_self(e, x, l->self, name);
	if (strcmp(root, "path") == 0)
		return path_value(l, name);
	if (l->more && (strcmp(root, "plan") == 0 || strcmp(root, "run") == 0))
		return l->more(e, x, root, name, l->more_ctx);
	if (l->more && strcmp(root, "output") == 0)
		root = "output:";
	struct thing *t = module_find(l->scope->m, root, name);
	struct cell *c = t ? &l->scope->cells[t->slot] : NULL;
	if (t && t->kind == THING_RESOURCE)
		return resource_value(l, t, c);
	if (t && c->state == CELL_DONE)
		return t->kind == THING_MODULE ? module_value(l, c->kids) : c->val;
	if (e->quiet == 0 && diags_errors(e->d) > 0)
		return NULL;                         /* told when it failed, or when the reference was checked */
	eval_fail(e, x, "E0210", "\"%s.%s\" has no value", root, name);
	return NULL;
}
