/* Telling: what carry.c kept, from a plan file that anybody may have written. */
#include "lang/carry.h"

#include <string.h>

#include "base/json.h"
#include "lang/carried_source.h"
#include "lang/module.h"

enum { MAX_CARRIED = 4000000, MAX_LINE = 5000000, MAX_TEXT = 1 << 20, MAX_NESTED = 1000 };

enum cell_form { FORM_VALUE, FORM_EXPR, FORM_OBJECTS, FORM_MODULES };
struct piece {                       /* a cell */
	enum cell_form form;
	enum lang_key kind;
	struct expr *x;
	const struct type *as;       /* NULL: as it is */
	const json_t *j;             /* borrowed from the plan's */
	const struct val *val; size_t at;    /* as of the AT-th telling */
	unsigned depth;              /* of the cells that it needs, and they in turn */
};
struct saying {
	const char *code, *what, *address, *why;
	const struct rule *rule;
	const json_t *env, *self;    /* borrowed */
	struct diag_trail *trail;
};
struct lang_carried {
	json_t *j;
	struct lang *l;
	lang_object_fn *fn; void *ctx;
	struct piece *cells; size_t n_cells;
	struct rule *rules; size_t n_rules;
	struct saying *all; size_t n;
	size_t at;                   /* tellings so far; what is wholly known has 0 */
	struct carried_files *files; /* the sources of all, while they are loaded */
	const json_t *env;
	const struct val *self;
	const char *wrong;
};

static void wrong(struct lang_carried *c, const char *what)
{
	if (!c->wrong)
		c->wrong = what;
}

/* --- loading ------------------------------------------------------------------------------------------------------------------------ */

static struct expr *source_expr(struct lang_carried *c, const json_t *j)
{
	struct expr *x = carried_source(c->files, j);
	if (!x)
		wrong(c, "source");
	return x;
}

/* Does ENV name cells before N only? *DEPTH becomes more than theirs. */
static bool is_env(const struct lang_carried *c, const json_t *env, size_t n, unsigned *depth)
{
	const char *key;
	json_t *v;
	bool good = json_is_object(env);
	json_object_foreach((json_t *)env, key, v) {
		good = good && json_is_integer(v) && json_integer_value(v) >= 0 && (size_t)json_integer_value(v) < n;
		if (good && *depth <= c->cells[json_integer_value(v)].depth)
			*depth = c->cells[json_integer_value(v)].depth + 1;
	}
	return good && *depth < MAX_NESTED;
}

static bool is_instance(const json_t *j, enum lang_key kind)
{
	const json_t *needs = json_at(j, "needs"), *address = json_at(j, "address"), *v;
	size_t i;
	bool good = json_is_object(j) && (kind != LANG_EACH || json_str(j, "key")) && (!address || json_is_string(address)) && (!needs || json_is_array(needs));
	json_array_foreach(needs, i, v) {
		good = good && json_is_string(v);
	}
	return good;
}

static bool kind_of(const json_t *j, enum lang_key *out)
{
	static const char *const names[] = { [LANG_SINGLE] = "single", [LANG_INDEX] = "index", [LANG_EACH] = "each" };
	const char *s = json_str(j, "kind");
	for (size_t i = 0; s && i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], s) == 0) {
			*out = (enum lang_key)i;
			return true;
		}
	return false;
}

static void load_value(struct lang_carried *c, struct piece *p, const json_t *text)
{
	struct lang *l = c->l;
	struct diags *none = diags_new(), *before = lang_tell_to(l, none);
	eval_resolve_fn *resolve = l->e->resolve;
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .src = arena_alloc(l->arena, sizeof(struct source)), .text = json_string_value(text), .len = (uint32_t)json_string_length(text) };
	l->e->resolve = module_constant;
	struct expr *x = json_string_length(text) < MAX_TEXT ? expr_parse(l->arena, o, none) : NULL;
	p->val = x ? eval_run(l->e, x) : NULL;
	l->e->resolve = resolve;
	lang_tell_to(l, before);
	diags_free(none);
	if (!p->val)
		wrong(c, "value");
}

static void load_list(struct lang_carried *c, struct piece *p, const json_t *list, size_t n)
{
	const json_t *v;
	size_t i;
	if (!json_is_array(list) || !kind_of(p->j, &p->kind) || (p->kind == LANG_SINGLE && json_array_size(list) != 1))
		wrong(c, "cells");
	json_array_foreach(list, i, v) {
		if (p->form == FORM_OBJECTS ? !is_instance(v, p->kind) : !is_env(c, json_at(v, "outputs"), n, &p->depth) || (p->kind == LANG_EACH && !json_str(v, "key")))
			wrong(c, "instances");
	}
}

static void load_expr(struct lang_carried *c, struct piece *p, size_t n)
{
	const char *as = json_str(p->j, "as");
	if (!is_env(c, json_at(p->j, "env"), n, &p->depth))
		wrong(c, "env");
	p->x = source_expr(c, json_at(p->j, "source"));
	p->as = !as ? NULL : strcmp(as, "bool") == 0 ? &type_bool : strcmp(as, "number") == 0 ? &type_number : &type_string;
}

static void load_cell(struct lang_carried *c, size_t i, const json_t *j)
{
	struct piece *p = &c->cells[i];
	const json_t *value = json_at(j, "value");
	*p = (struct piece){ .j = j };
	if (json_is_string(value)) {
		p->form = FORM_VALUE;
		load_value(c, p, value);
	} else if (json_at(j, "source")) {
		p->form = FORM_EXPR;
		load_expr(c, p, i);
	} else {
		p->form = json_at(j, "instances") ? FORM_OBJECTS : FORM_MODULES;
		load_list(c, p, p->form == FORM_OBJECTS ? json_at(j, "instances") : json_at(j, "modules"), i);
	}
}

static struct diag_trail *load_trail(struct lang_carried *c, const json_t *list)
{
	struct arena *a = c->l->arena;
	struct diag_trail *first = NULL;
	for (size_t i = json_array_size(list); i-- > 0; ) {
		const json_t *j = json_array_get(list, i);
		const char *text = json_str(j, "text"), *file = json_str(j, "file");
		json_int_t line = json_int(j, "line", 0), col = json_int(j, "column", 0);
		struct diag_trail *t = arena_alloc(a, sizeof(*t));
		struct source *src = arena_alloc(a, sizeof(*src));
		if (!text || !file || line < 1 || line > MAX_LINE || col < 1 || col > MAX_LINE) {
			wrong(c, "trail");
			return NULL;
		}
		src->path = arena_strdup(a, file);
		*t = (struct diag_trail){ first, arena_strdup(a, text), { .src = src, .line = (uint32_t)line, .col = (uint32_t)col, .len = 1 } };
		first = t;
	}
	return first;
}

static void load_saying(struct lang_carried *c, struct saying *s, const json_t *j)
{
	static const char *const codes[] = { "E0154", "E0155", "W0180" };
	const char *code = json_str(j, "code");
	json_int_t rule = json_int(j, "rule", -1);
	unsigned depth = 0;
	s->address = json_str(j, "address");
	s->why = json_str(j, "why");
	s->what = json_str(j, "what");
	s->env = json_at(j, "env");
	s->self = json_at(j, "self");
	for (size_t i = 0; code && i < ARRAY_LEN(codes); i++)
		if (strcmp(codes[i], code) == 0)
			s->code = codes[i];
	if (!s->address || !s->code)
		wrong(c, "tell");
	if (s->why)
		return;
	if (!s->what || rule < 0 || (size_t)rule >= c->n_rules || !is_env(c, s->env, c->n_cells, &depth) || (s->self && !is_instance(s->self, LANG_SINGLE))) {
		wrong(c, "tell");
		return;
	}
	s->rule = &c->rules[rule];
	s->trail = load_trail(c, json_at(j, "trail"));
}

static void load(void *arg)
{
	struct lang_carried *c = arg;
	const json_t *cells = json_at(c->j, "cells"), *rules = json_at(c->j, "rules"), *tell = json_at(c->j, "tell"), *v;
	size_t i;
	c->n_cells = json_array_size(cells);
	c->n_rules = json_array_size(rules);
	c->n = json_array_size(tell);
	if (c->n_cells > MAX_CARRIED || c->n_rules > MAX_CARRIED || c->n > MAX_CARRIED) {
		wrong(c, "tell");
		return;
	}
	c->files = carried_files_new(c->l->arena);
	json_array_foreach(cells, i, v) {
		carried_files_add(c->files, json_at(v, "source"));
	}
	json_array_foreach(rules, i, v) {
		carried_files_add(c->files, json_at(v, "condition"));
		carried_files_add(c->files, json_at(v, "error"));
	}
	if (!carried_files_lay_out(c->files)) {
		wrong(c, "lines");
		return;
	}
	c->cells = xcalloc(c->n_cells + 1, sizeof(*c->cells));
	c->rules = xcalloc(c->n_rules + 1, sizeof(*c->rules));
	c->all = xcalloc(c->n + 1, sizeof(*c->all));
	json_array_foreach(cells, i, v) {
		load_cell(c, i, v);
	}
	json_array_foreach(rules, i, v) {
		c->rules[i] = (struct rule){ source_expr(c, json_at(v, "condition")), source_expr(c, json_at(v, "error")) };
	}
	json_array_foreach(tell, i, v) {
		load_saying(c, &c->all[i], v);
	}
}

static const struct val *resolve(struct eval *e, const struct expr *x, const char *root, const char *name);

int lang_carried_load(const json_t *j, const char *dir, lang_object_fn *fn, void *ctx, struct lang_carried **out, struct err *err)
{
	struct diags *none = diags_new();
	struct lang_carried *c = xcalloc(1, sizeof(*c));
	int rc = lang_bare(dir, none, &c->l, err);
	c->j = json_ref(j);
	c->fn = fn;
	c->ctx = ctx;
	if (!rc) {
		lang_tell_to(c->l, none);
		stack_run(c->l->stack, load, c);
		c->l->e->resolve = resolve;
		c->l->e->ctx = c;
		lang_tell_to(c->l, NULL);
		rc = c->wrong ? err_set(err, E_INPUT, "the plan is damaged (at \"%s\" of its conditions): plan again", c->wrong) : 0;
	}
	carried_files_free(c->files);
	c->files = NULL;
	diags_free(none);
	if (rc)
		lang_carried_free(c);
	else
		*out = c;
	return rc;
}

void lang_carried_free(struct lang_carried *c)
{
	if (!c)
		return;
	if (c->l) {
		struct diags *none = diags_new();
		lang_tell_to(c->l, none);
		lang_free(c->l);
		diags_free(none);
	}
	json_decref(c->j);
	free(c->cells);
	free(c->rules);
	free(c->all);
	free(c);
}

size_t lang_carried_count(const struct lang_carried *c)
{
	return c->n;
}

struct lang_carried_one lang_carried_at(const struct lang_carried *c, size_t i)
{
	const struct saying *s = &c->all[i];
	return (struct lang_carried_one){ s->address, json_str(s->self, "address"), s->why, s->code[0] == 'W', strcmp(s->code, "E0155") == 0 };
}

/* --- what is needed ---------------------------------------------------------------------------------------------------------------------- */

struct needing { const struct lang_carried *c; bool *seen; void (*each)(void *ctx, const char *address); void *ctx; };

static void needs_of(const struct needing *n, const json_t *instance)
{
	const json_t *list = json_at(instance, "needs"), *v;
	const char *address = json_str(instance, "address");
	size_t i;
	if (address)
		n->each(n->ctx, address);
	json_array_foreach(list, i, v) {
		n->each(n->ctx, json_string_value(v));
	}
}

static void needs_in(const struct needing *n, const json_t *env);

static void needs_cell(const struct needing *n, size_t i)
{
	const struct piece *p = &n->c->cells[i];
	const json_t *list = json_at(p->j, p->form == FORM_MODULES ? "modules" : "instances"), *v;
	size_t k;
	if (n->seen[i])
		return;
	n->seen[i] = true;
	if (p->form == FORM_EXPR)
		needs_in(n, json_at(p->j, "env"));
	json_array_foreach(list, k, v) {
		if (p->form == FORM_MODULES)
			needs_in(n, json_at(v, "outputs"));
		else
			needs_of(n, v);
	}
}

static void needs_in(const struct needing *n, const json_t *env)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)env, key, v) {
		needs_cell(n, (size_t)json_integer_value(v));
	}
}

void lang_carried_needs(const struct lang_carried *c, size_t i, void (*each)(void *ctx, const char *address), void *ctx)
{
	autofree bool *seen = xcalloc(c->n_cells + 1, sizeof(*seen));
	struct needing n = { c, seen, each, ctx };
	needs_in(&n, c->all[i].env);
	if (c->all[i].self)
		needs_of(&n, c->all[i].self);
}

/* --- evaluating --------------------------------------------------------------------------------------------------------------------------- */

static const struct val *object_value(struct lang_carried *c, const json_t *j)
{
	const json_t *needs = json_at(j, "needs"), *v = json_at(j, "value"), *need;
	const char *address = json_str(j, "address");
	size_t i;
	autojson json_t *now = address ? c->fn(c->ctx, address) : v ? json_ref(v) : json_ref(lang_unknown());
	json_array_foreach(needs, i, need) {
		autojson json_t *there = c->fn(c->ctx, json_string_value(need));
		if (there == lang_unknown())
			return &val_unknown_dynamic;
	}
	return val_from_json(c->l->arena, now);
}

static void prepare(struct lang_carried *c, const json_t *env);

static const struct val *outputs_value(struct lang_carried *c, const json_t *outputs)
{
	const char *name;
	json_t *v;
	size_t n = 0;
	autofree struct val_entry *at = xcalloc(json_object_size(outputs) + 1, sizeof(*at));
	prepare(c, outputs);
	json_object_foreach((json_t *)outputs, name, v) {
		const struct val *one = c->cells[json_integer_value(v)].val;
		at[n++] = (struct val_entry){ arena_strdup(c->l->arena, name), one ? one : &val_unknown_dynamic };
	}
	return val_object(c->l->arena, at, n);
}

static const struct val *list_value(struct lang_carried *c, const struct piece *p)
{
	const json_t *list = json_at(p->j, p->form == FORM_MODULES ? "modules" : "instances"), *v;
	size_t i, n = json_array_size(list);
	autofree const struct val **seq = xcalloc(n + 1, sizeof(*seq));
	autofree struct val_entry *map = xcalloc(n + 1, sizeof(*map));
	json_array_foreach(list, i, v) {
		seq[i] = p->form == FORM_MODULES ? outputs_value(c, json_at(v, "outputs")) : object_value(c, v);
		map[i] = (struct val_entry){ p->kind == LANG_EACH ? arena_strdup(c->l->arena, json_str(v, "key")) : NULL, seq[i] };
	}
	return p->kind == LANG_SINGLE ? seq[0] : p->kind == LANG_INDEX ? val_tuple(c->l->arena, seq, n) : val_object(c->l->arena, map, n);
}

static const struct val *expr_value(struct lang_carried *c, const struct piece *p)
{
	const json_t *before = c->env, *env = json_at(p->j, "env");
	const struct val *v, *as;
	struct err err;
	prepare(c, env);
	c->env = env;
	v = eval_run(c->l->e, p->x);
	c->env = before;
	if (v && p->as)
		v = val_convert(c->l->arena, v, p->as, &as, &err) == 0 ? as : NULL;
	return v;
}

static void prepare_cell(struct lang_carried *c, size_t i)
{
	struct piece *p = &c->cells[i];
	if (p->form == FORM_VALUE || p->at == c->at)
		return;
	p->at = c->at;
	p->val = p->form == FORM_EXPR ? expr_value(c, p) : list_value(c, p);
}

/* What ENV names is evaluated before what needs it, so that no evaluation stands inside another. */
static void prepare(struct lang_carried *c, const json_t *env)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)env, key, v) {
		prepare_cell(c, (size_t)json_integer_value(v));
	}
}

static const struct val *resolve(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	struct lang_carried *c = e->ctx;
	if (strcmp(root, "self") == 0 && c->self)
		return module_self(e, x, c->self, name);
	autofree char *key = xasprintf("%s.%s", root, name);
	const json_t *i = json_at(c->env, key);
	const struct val *v = json_is_integer(i) ? c->cells[json_integer_value(i)].val : NULL;
	if (!v)
		eval_fail(e, x, "E0210", "\"%s.%s\" has no value", root, name);
	return v;
}

struct telling { struct lang_carried *c; const struct saying *s; enum verdict verdict; };

static void tell(void *arg)
{
	struct telling *t = arg;
	struct lang_carried *c = t->c;
	const struct saying *s = t->s;
	c->at++;
	c->self = s->self ? object_value(c, s->self) : NULL;
	prepare(c, s->env);
	c->env = s->env;
	c->l->about = s->address;
	diags_trail(c->l->d, s->trail);
	t->verdict = s->code[0] == 'W' ? condition_warn(c->l, s->rule, s->code, s->what) : condition_check(c->l, s->rule, s->code, s->what);
	diags_trail(c->l->d, NULL);
	c->l->about = NULL;
	c->env = NULL;
	c->self = NULL;
}

enum lang_told lang_carried_tell(struct lang_carried *c, size_t i, struct diags *d)
{
	struct telling t = { c, &c->all[i], VERDICT_UNKNOWN };
	if (t.s->why)
		return TOLD_UNKNOWN;
	lang_tell_to(c->l, d);
	stack_run(c->l->stack, tell, &t);
	lang_tell_to(c->l, NULL);
	return t.verdict == VERDICT_HOLDS ? TOLD_HOLDS : t.verdict == VERDICT_UNKNOWN ? TOLD_UNKNOWN : TOLD_FAILS;
}
