#include "lang/lang.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lang/carry.h"
#include "lang/module.h"
#include "lang/source.h"

const json_t *lang_unknown(void)
{
	static json_t marker = { .type = JSON_NULL, .refcount = (size_t)-1 };
	return &marker;
}

static json_t *secrecy(void)
{
	static json_t marker = { .type = JSON_NULL, .refcount = (size_t)-1 };
	return &marker;
}

json_t *lang_sensitive(json_t *v)
{
	return json_pack("{s:o, s:o}", "mark", secrecy(), "value", v);
}

const json_t *lang_sensitive_in(const json_t *j)
{
	return json_is_object(j) && json_object_get(j, "mark") == secrecy() ? json_object_get(j, "value") : NULL;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct lang_resource *x = a, *y = b;
	int c = strcmp(x->module, y->module);
	if (!c)
		c = (int)x->data - (int)y->data;
	if (!c)
		c = strcmp(x->type, y->type);
	return c ? c : strcmp(x->name, y->name);
}

static void list_resources(struct lang *l)
{
	for (size_t i = 0; i < l->order.len; i++)
		l->n_res += l->order.at[i]->kind == THING_RESOURCE;
	l->res = arena_array(l->arena, l->n_res ? l->n_res : 1, sizeof(*l->res));
	size_t n = 0;
	for (size_t i = 0; i < l->order.len; i++) {
		struct thing *t = l->order.at[i];
		if (t->kind != THING_RESOURCE)
			continue;
		l->res[n++] = (struct lang_resource){ .module = t->module->path, .type = t->res->type, .name = t->name,
						      .data = t->res->data, .check = t->res->check ? t->res->check->is->s : NULL,
						      .kind = t->res->count ? LANG_INDEX : t->res->for_each ? LANG_EACH : LANG_SINGLE,
						      .type_mark = AT(t->file, t->res->type_key), .name_mark = AT(t->file, t->key), .body = t->res };
	}
	qsort(l->res, n, sizeof(*l->res), by_id);
	for (size_t i = 0; i < n; i++) {
		l->res[i].index = (unsigned)i;
		l->res[i].body->pub = &l->res[i];
	}
}

struct load { struct lang *l; const char *dir; const struct lang_input *in; size_t n; struct err err; size_t before; bool bare; };

static bool find_folder(struct lang *l, const char *dir, struct err *err)
{
	autofree char *real = realpath(dir, NULL);
	if (!real) {
		err_errno(err, "cannot read the folder '%s'", dir);
		return false;
	}
	l->root = module_new(l, NULL, NULL, ".");
	l->root->real = arena_strdup(l->arena, real);
	l->root->listed = true;
	return true;
}

static void load(void *arg)
{
	struct load *o = arg;
	struct lang *l = o->l;
	if (!find_folder(l, o->dir, &o->err))
		return;
	if (!o->bare)
		module_read(l->root, &o->err);
	if (o->err.code)
		return;
	l->top = scope_new(l, l->root, NULL, "");
	vec_push(&l->root->scopes, l->top);
	list_resources(l);
	module_take_defaults(l);
	module_take_inputs(l, o->in, o->n);
	module_check_references(l);
	module_walk(l);
	module_link(l);
	module_enter(l, l->top);
	if (diags_errors(l->d) == o->before)
		module_check_rules(l, l->top, false);
	moved_check(l);
	if (diags_errors(l->d) == o->before)
		imports_evaluate(l);
	if (l->settings.x && diags_errors(l->d) == o->before) {
		const struct val *v = eval_run(l->e, l->settings.x);
		unsigned marks = 0;
		if (v && eval_check_size(l->e, l->settings.x, v))
			l->settings.json = val_to_json(v, NULL, &marks);
		if (marks & MARK_EPHEMERAL)
			diag_add(l->d, "E0231", expr_mark(l->settings.x), "settings take no ephemeral value: a plan stores where the state is");
	}
}

static struct lang *lang_new(const char *dir, struct diags *d)
{
	struct lang *l = xcalloc(1, sizeof(*l));
	l->arena = arena_new();
	l->stack = stack_new();
	l->d = d;
	l->dir = xstrdup(dir);
	l->used = json_object();
	l->e = xcalloc(1, sizeof(*l->e));
	l->e->arena = l->arena;
	l->e->d = d;
	l->e->dir = l->dir;
	l->e->resolve = module_resolve;
	l->e->ctx = l;
	return l;
}

static int load_all(struct load *o, struct diags *d, struct lang **out, struct err *err)
{
	o->l = lang_new(o->dir, d);
	o->before = diags_errors(d);
	stack_run(o->l->stack, load, o);
	if (o->err.code) {
		lang_free(o->l);
		return err_set(err, o->err.code, "%s", o->err.msg);
	}
	*out = o->l;
	return diags_errors(d) == o->before ? 0 : err_set(err, E_INPUT, "%s", "");
}

int lang_load(const char *dir, const struct lang_input *in, size_t n, struct diags *d, struct lang **out, struct err *err)
{
	struct load o = { .dir = dir, .in = in, .n = n };
	return load_all(&o, d, out, err);
}

int lang_bare(const char *dir, struct diags *d, struct lang **out, struct err *err)
{
	struct load o = { .dir = dir, .bare = true };
	return load_all(&o, d, out, err);
}

static void fetch(void *arg)
{
	struct load *o = arg;
	if (find_folder(o->l, o->dir, &o->err))
		module_read(o->l->root, &o->err);
}

/* Pins that nothing uses any more go, but not when there was a mistake: then not all that is used may have been seen. */
static int save_lock(struct lang *l, bool whole, struct err *err)
{
	autojson json_t *next = json_object();
	if (!l->lock)
		return 0;
	if (!whole)
		json_object_update(next, l->lock);
	json_object_update(next, l->used);
	return json_equal(next, l->lock) ? 0 : lock_write(l->dir, next, err);
}

int lang_fetch(const char *dir, const struct lang_fetch *o, struct diags *d, struct err *err)
{
	struct lang *l = lang_new(dir, d);
	struct load x = { .l = l, .dir = dir, .before = diags_errors(d) };
	l->fetch = o;
	stack_run(l->stack, fetch, &x);
	int rc = x.err.code;
	bool whole = !rc && diags_errors(d) == x.before;
	if (rc)
		*err = x.err;
	else if (!l->lock && !l->lock_bad)
		rc = lock_read(l->dir, &l->lock, err);      /* no module is from elsewhere (any more) */
	if (!rc)
		rc = save_lock(l, whole, err);
	if (!rc && !whole)
		rc = err_set(err, E_INPUT, "%s", "");
	lang_free(l);
	return rc;
}

static void free_body(struct lang_body *r)
{
	for (size_t i = 0; i < r->instances.len; i++)
		json_decref(r->instances.at[i].config);
	for (size_t i = 0; i < r->attrs.len; i++)
		json_decref(r->attrs.at[i].json);
	vec_free(&r->instances);
	vec_free(&r->attrs);
	vec_free(&r->blocks);
	vec_free(&r->providers);
	vec_free(&r->first);
	if (r->life)
		lifecycle_free(r->life);
}

static void free_call(struct call *c)
{
	vec_free(&c->inputs);
	vec_free(&c->passes);
}

static void free_thing(struct thing *t)
{
	vec_free(&t->deps);
	vec_free(&t->waits);
	vec_free(&t->reach);
	vec_free(&t->rule_deps);
	vec_free(&t->late);
	vec_free(&t->rules);
	vec_free(&t->passed_over);
	if (t->res)
		free_body(t->res);
	if (t->call)
		free_call(t->call);
}

static void free_module(struct module *m)
{
	HASH_CLEAR(hh, m->things);
	vec_free(&m->order);
	vec_free(&m->base);
	vec_free(&m->base_late);
	vec_free(&m->missed);
	vec_free(&m->scopes);
	vec_free(&m->waiting);
}

static void free_folders(struct lang *l)
{
	struct folder *f = l->folders;
	for (; f; f = f->hh.next)
		vec_free(&f->files);
	HASH_CLEAR(hh, l->folders);
}

void lang_free(struct lang *l)
{
	if (!l)
		return;
	json_decref(lang_carry_end(l));
	diags_trail(l->d, NULL);
	for (size_t i = 0; i < l->order.len; i++)
		free_thing(l->order.at[i]);
	for (size_t i = 0; i < l->modules.len; i++)
		free_module(l->modules.at[i]);
	for (size_t i = 0; i < l->providers.len; i++) {
		vec_free(&l->providers.at[i]->attrs);
		vec_free(&l->providers.at[i]->deps);
	}
	for (size_t i = 0; i < l->configs.len; i++)
		json_decref(l->configs.at[i].config);
	for (size_t i = 0; i < l->texts.len; i++)
		free(l->texts.at[i]);
	json_decref(l->settings.json);
	free_folders(l);
	module_free_git(l);
	vec_free(&l->texts);
	for (size_t i = 0; i < l->import_blocks.len; i++)
		vec_free(&l->import_blocks.at[i].deps);
	checks_free(l);
	vec_free(&l->moves);
	vec_free(&l->removed);
	vec_free(&l->import_blocks);
	vec_free(&l->imports);
	vec_free(&l->modules);
	vec_free(&l->order);
	vec_free(&l->providers);
	vec_free(&l->configs);
	vec_free(&l->out);
	arena_free(l->arena);
	stack_free(l->stack);
	free(l->dir);
	free(l->e);
	free(l);
}

/* --- settings ------------------------------------------------------------------------------------------ */

const json_t *lang_settings(struct lang *l)
{
	if (!l->settings.json)
		l->settings.json = json_object();
	return l->settings.json;
}

/* --- resources ----------------------------------------------------------------------------------------------------- */

const struct lang_resource *lang_resources(struct lang *l, size_t *n)
{
	*n = l->n_res;
	return l->res;
}

void lang_on_value(struct lang *l, lang_value_fn *fn, void *ctx)
{
	l->on_value = fn;
	l->on_value_ctx = ctx;
}

static const struct ynode *step_into(const struct ynode *n, const char *step, const struct ynode **key)
{
	if (n->is->kind == Y_MAP)
		return yaml_get(n, step, key);
	char *end;
	unsigned long i = strtoul(step, &end, 10);
	if (n->is->kind != Y_SEQ || !*step || *end || i >= n->is->n)
		return NULL;
	*key = &yaml_kids(n)[i];
	return &yaml_kids(n)[i];
}

struct mark lang_mark(const struct lang_resource *r, bool key, const char *const *path)
{
	const struct thing *t = r->body->thing;
	const struct ynode *n = t->body, *k = t->key;
	bool all = true;
	for (; *path && all; path++) {
		const struct ynode *key_node = NULL, *next = step_into(n, *path, &key_node);
		all = next != NULL;
		if (next) {
			n = next;
			k = key_node;
		}
	}
	if (n == t->body && n->is->kind == Y_NULL)
		key = true;
	return AT(t->file, key || n == t->body ? k : n);
}

void lang_about(struct lang *l, const struct lang_resource *r, const struct lang_block *block)
{
	struct module *m = r ? r->body->thing->module : NULL;
	const struct diag_trail *t = m && m->parent ? &m->trail : NULL;
	size_t i = block ? (size_t)(block - r->body->blocks.at) : SIZE_MAX;
	if (t && i < m->scopes.len)
		t = &m->scopes.at[i]->trail;
	diags_trail(l->d, t);
}

/* --- outputs ------------------------------------------------------------------------------------------------------- */

static bool one_output(struct lang *l, struct thing *o, struct lang_output *out)
{
	struct err err;
	struct dep need = { .to = o };
	*out = (struct lang_output){ .name = o->name, .description = o->description, .sensitive = o->sensitive };
	module_prepare(l, l->top, &(struct deps){ &need, 1, 1 });
	const struct val *v = l->top->cells[o->slot].val;
	if (!v)
		return false;
	if (!o->sensitive && val_sensitive_deep(v)) {
		struct mark at = expr_mark(o->x);
		struct scope *before = module_enter(l, l->top);
		autofree char *what = condition_marked(l, o->x, MARK_SENSITIVE, &at);
		module_enter(l, before);
		struct diag *g = diag_add(l->d, "E0226", at, "the output \"%s\" would show a sensitive value%s%s", o->name, what ? ": " : "", what ? what : "");
		diag_hint(g, "add sensitive: true, or nonsensitive()");
		return false;
	}
	out->unknown = !val_known_deep(v) || o->rules_wait;
	if (out->unknown || out->sensitive)
		return true;
	autostr struct str s;
	str_init(&s, STR_OURS);
	if (val_write_json(v, 0, false, true, &s, &err)) {
		diag_add(l->d, "E0226", expr_mark(o->x), "the output \"%s\" cannot be written: %s", o->name, err.msg);
		return false;
	}
	out->json = arena_strndup(l->arena, s.at, s.len);
	return true;
}

static int by_output(const void *a, const void *b)
{
	return strcmp(((const struct lang_output *)a)->name, ((const struct lang_output *)b)->name);
}

/* Values of M that nothing asked for are still wrong when they are wrong. */
static void check_module(struct lang *l, struct module *m)
{
	struct deps vars = { 0 };
	for (size_t i = 0; i < m->order.len; i++)
		if (m->order.at[i]->kind != THING_RESOURCE)
			vec_push(&vars, (struct dep){ .to = m->order.at[i] });
	module_list(l, m);
	for (size_t i = 0; i < m->scopes.len; i++) {
		module_prepare(l, m->scopes.at[i], &vars);
		module_check_rules(l, m->scopes.at[i], true);
	}
	vec_free(&vars);
}

static void outputs(void *arg)
{
	struct lang *l = arg;
	size_t errors = diags_errors(l->d);
	for (size_t i = 0; i < l->root->order.len; i++) {
		struct thing *t = l->root->order.at[i];
		struct lang_output out;
		if (t->kind != THING_OUTPUT)
			continue;
		if (one_output(l, t, &out))
			vec_push(&l->out, out);
		else
			l->out_rc = E_INPUT;
	}
	if (l->out.len)
		qsort(l->out.at, l->out.len, sizeof(*l->out.at), by_output);
	for (size_t i = 0; i < l->modules.len; i++)
		check_module(l, l->modules.at[i]);
	for (size_t i = 0; i < l->order.len; i++)
		l->checks_wait = l->checks_wait || l->order.at[i]->rules_wait;
	/* After an apply, what is wrong with an output says nothing about a check. */
	if (diags_errors(l->d) == errors || l->again)
		checks_evaluate(l);
	if (diags_errors(l->d) > errors)
		l->out_rc = E_INPUT;
}

int lang_outputs(struct lang *l, const struct lang_output **out, size_t *n)
{
	if (!l->out_done)
		stack_run(l->stack, outputs, l);
	l->out_done = true;
	if (l->out_rc)
		return l->out_rc;
	*out = l->out.at;
	*n = l->out.len;
	return 0;
}
