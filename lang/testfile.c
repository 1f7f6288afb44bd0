#include "lang/testfile.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "lang/module.h"

enum { MAX_TEXT = 16 << 20 };

/* What a file and its runs have in common. */
struct part {
	const struct ynode *variables, *mock, *override, *world, *asserts;
	const struct val *vars;              /* the evaluated variables; NULL: not yet, or none */
	VEC(struct test_fact) facts;
};
struct run { struct test_run pub; struct part part; const struct val *outputs; };

struct testfile {
	struct arena *arena;
	struct stack *stack;
	struct eval *e;
	struct diags *d;                     /* for the time of a call */
	const struct yaml_file *f;
	char *text; size_t len;
	const char *path, *module;
	struct part own;
	VEC(struct run *) runs;
	size_t now;                          /* the run at hand */
	const struct val *plan;              /* its summary, while assertions are evaluated */
};

/* --- reading -------------------------------------------------------------------------------------------------------------- */

static struct mark at(const struct testfile *t, const struct ynode *n)
{
	return yaml_mark(t->f, n);
}

static bool is_map(struct testfile *t, const struct ynode *n, const char *what)
{
	if (n->is->kind != Y_MAP && n->is->kind != Y_NULL)
		diag_add(t->d, "E0115", at(t, n), "%s is a map, this is %s", what, yaml_kind_name(n));
	return n->is->kind == Y_MAP;
}

static void check_keys(struct testfile *t, const struct ynode *map, const char *what, const char *const *names)
{
	for (uint32_t i = 0; i < map->is->n; i++) {
		const struct ynode *key = &yaml_kids(map)[2 * i];
		const char *const *n = names;
		while (*n && strcmp(*n, key->is->s) != 0)
			n++;
		if (!*n)
			diag_suggest(diag_add(t->d, "E0102", at(t, key), "%s has no key \"%.60s\"", what, key->is->s), key->is->s, names);
	}
}

static void read_part(struct testfile *t, const struct ynode *n, struct part *p)
{
	p->variables = yaml_get(n, "variables", NULL);
	p->mock = yaml_get(n, "mock", NULL);
	p->override = yaml_get(n, "override", NULL);
	p->world = yaml_get(n, "world", NULL);
	p->asserts = yaml_get(n, "assert", NULL);
	if (p->variables && !is_map(t, p->variables, "variables"))
		p->variables = NULL;
}

static const char *text_of(struct testfile *t, const struct ynode *map, const char *key)
{
	const struct ynode *n = yaml_get(map, key, NULL);
	if (n && (n->is->kind != Y_STRING || n->is->live))
		diag_add(t->d, "E0115", at(t, n), "%s is a plain text", key);
	return n && n->is->kind == Y_STRING && !n->is->live ? n->is->s : NULL;
}

static void read_expected(struct testfile *t, const struct ynode *list, struct test_run *r)
{
	if (!list || list->is->kind == Y_NULL)
		return;
	if (list->is->kind != Y_SEQ) {
		diag_add(t->d, "E0115", at(t, list), "expect_failures is a list of addresses (var.NAME, check.NAME, TYPE.NAME) and codes (E0303), this is %s",
			 yaml_kind_name(list));
		return;
	}
	r->expected = arena_array(t->arena, list->is->n + 1, sizeof(*r->expected));
	for (uint32_t i = 0; i < list->is->n; i++) {
		const struct ynode *n = &yaml_kids(list)[i];
		if (n->is->kind != Y_STRING || n->is->live)
			diag_add(t->d, "E0115", at(t, n), "this is not the address of something that can fail: var.NAME, check.NAME, output.NAME, TYPE.NAME, or a code such as E0303");
		else
			r->expected[r->n_expected++] = (struct test_expected){ .text = n->is->s, .at = at(t, n) };
	}
}

static void read_targets(struct testfile *t, const struct ynode *list, struct test_run *r)
{
	if (!list || list->is->kind == Y_NULL)
		return;
	if (list->is->kind != Y_SEQ) {
		diag_add(t->d, "E0115", at(t, list), "targets is a list of addresses, this is %s", yaml_kind_name(list));
		return;
	}
	const char **all = arena_array(t->arena, list->is->n + 1, sizeof(*all));
	for (uint32_t i = 0; i < list->is->n; i++) {
		if (yaml_kids(list)[i].is->kind == Y_STRING && !yaml_kids(list)[i].is->live)
			all[r->n_targets++] = yaml_kids(list)[i].is->s;
		else
			diag_add(t->d, "E0115", at(t, &yaml_kids(list)[i]), "this is not the address of a resource, such as TYPE.NAME");
	}
	r->targets = all;
}

static bool is_twice(struct testfile *t, const char *name, struct mark where)
{
	for (size_t i = 0; i < t->runs.len; i++) {
		if (strcmp(t->runs.at[i]->pub.name, name) != 0)
			continue;
		diag_note(diag_add(t->d, "E0103", where, "the run \"%.60s\" is there twice", name), t->runs.at[i]->pub.at, "the first one is here");
		return true;
	}
	return false;
}

static void read_run(struct testfile *t, const char *name, struct mark where, const struct ynode *n)
{
	static const char *const names[] = { "assert", "command", "expect_failures", "mock", "module", "name", "override", "targets", "variables", NULL };
	if (n->is->kind != Y_MAP && n->is->kind != Y_NULL) {
		diag_add(t->d, "E0115", at(t, n), "a run is a map with assert, variables and so on, this is %s", yaml_kind_name(n));
		return;
	}
	if (!name || !*name) {
		diag_hint(diag_add(t->d, "E0101", at(t, n), "this run has no name"), "name: TEXT");
		return;
	}
	if (is_twice(t, name, where))
		return;
	struct run *r = arena_alloc(t->arena, sizeof(*r));
	r->pub = (struct test_run){ .name = name, .at = where, .module = t->module };
	vec_push(&t->runs, r);
	if (n->is->kind == Y_NULL)
		return;
	check_keys(t, n, "a run", names);
	const struct ynode *command = yaml_get(n, "command", NULL);
	const char *word = text_of(t, n, "command");
	r->pub.apply = word && strcmp(word, "apply") == 0;
	if (word && !r->pub.apply && strcmp(word, "plan") != 0)
		diag_hint(diag_add(t->d, "E0111", at(t, command), "\"%.60s\" is not what a run can do", word), "plan or apply");
	read_part(t, n, &r->part);
	const char *module = text_of(t, n, "module");
	if (module && *module)
		r->pub.module = module;
	read_expected(t, yaml_get(n, "expect_failures", NULL), &r->pub);
	read_targets(t, yaml_get(n, "targets", NULL), &r->pub);
	const struct ynode *list = r->part.asserts;
	r->pub.n_asserts = !list ? 0 : list->is->kind == Y_SEQ ? list->is->n : 1;
}

static void read_runs(struct testfile *t, const struct ynode *runs)
{
	if (runs->is->kind == Y_MAP) {
		for (uint32_t i = 0; i < runs->is->n && t->runs.len < TESTFILE_RUNS; i++)
			read_run(t, yaml_kids(runs)[2 * i].is->s, at(t, &yaml_kids(runs)[2 * i]), &yaml_kids(runs)[2 * i + 1]);
	} else if (runs->is->kind == Y_SEQ) {
		for (uint32_t i = 0; i < runs->is->n && t->runs.len < TESTFILE_RUNS; i++) {
			const struct ynode *n = &yaml_kids(runs)[i], *name = yaml_get(n, "name", NULL);
			read_run(t, text_of(t, n, "name"), at(t, name ? name : n), n);
		}
	} else {
		diag_add(t->d, "E0115", at(t, runs), "run is a list of runs, or a map of them by name, this is %s", yaml_kind_name(runs));
	}
	if (runs->is->n > TESTFILE_RUNS)
		diag_add(t->d, "E0115", at(t, runs), "a file has at most %d runs", TESTFILE_RUNS);
}

static void read_all(void *arg)
{
	static const char *const names[] = { "mock", "module", "override", "run", "variables", "world", NULL };
	struct testfile *t = arg;
	struct source *src = arena_alloc(t->arena, sizeof(*src));
	*src = (struct source){ .path = t->path, .text = t->text, .len = t->len };
	struct yaml_file *f;
	if (strlen(t->text) != t->len) {
		src->text = NULL;
		diag_add(t->d, "E0401", (struct mark){ .src = src }, "the file holds a byte 0");
		return;
	}
	if (!yaml_parse(t->arena, src, false, t->d, &f))
		return;
	t->f = f;
	const struct ynode *root = f->n_docs ? &f->docs[0] : NULL, *runs = root ? yaml_get(root, "run", NULL) : NULL;
	if (!root || root->is->kind != Y_MAP || !runs) {
		struct mark where = root ? at(t, root) : (struct mark){ .src = src };
		diag_hint(diag_add(t->d, "E0101", where, "this file tests nothing"), "run: [{ name: ..., assert: [{ condition, error }] }]");
		return;
	}
	check_keys(t, root, "a file of tests", names);
	const char *module = text_of(t, root, "module");
	t->module = module && *module ? module : ".";
	read_part(t, root, &t->own);
	read_runs(t, runs);
}

/* `run.NAME` and `var.NAME` in values; `plan.NAME` and `run.NAME` in assertions. */
static const struct val *value_of(struct testfile *t, struct eval *e, const struct expr *x, const char *root, const char *name)
{
	bool run = strcmp(root, "run") == 0;
	for (size_t i = 0; run && i < t->now && i < t->runs.len; i++)
		if (strcmp(t->runs.at[i]->pub.name, name) == 0 && t->runs.at[i]->outputs)
			return t->runs.at[i]->outputs;
	const struct val *from = run ? NULL : strcmp(root, "plan") == 0 ? t->plan : strcmp(root, "var") == 0 ? t->own.vars : NULL;
	const struct val *v = from ? val_get(from, name) : NULL;
	if (v)
		return v;
	struct diag *g = run ? eval_fail(e, x, "E0210", "no run \"%.60s\" was done before this one", name)
			     : eval_fail(e, x, "E0210", "\"%.60s.%.60s\" has no value here", root, name);
	if (g && run)
		diag_hint(g, "run.NAME.OUTPUT of an earlier run");
	return NULL;
}

static const struct val *resolve(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	return value_of(e->ctx, e, x, root, name);
}

int testfile_read(const char *path, struct diags *d, struct testfile **out, struct err *err)
{
	char *text = NULL;
	size_t len, errors = diags_errors(d);
	int rc = file_read(path, MAX_TEXT, &text, &len, err);
	if (rc)
		return rc;
	struct testfile *t = xcalloc(1, sizeof(*t));
	t->arena = arena_new();
	t->stack = stack_new();
	t->text = text;
	t->len = len;
	t->path = arena_strdup(t->arena, path);
	t->module = ".";
	t->d = d;
	t->e = xcalloc(1, sizeof(*t->e));
	t->e->arena = t->arena;
	t->e->dir = ".";
	t->e->resolve = resolve;
	t->e->ctx = t;
	stack_run(t->stack, read_all, t);
	*out = t;
	return diags_errors(d) == errors ? 0 : err_set(err, E_INPUT, "%s", "");
}

static void free_part(struct part *p)
{
	for (size_t i = 0; i < p->facts.len; i++)
		json_decref(p->facts.at[i].attrs);
	vec_free(&p->facts);
}

void testfile_free(struct testfile *t)
{
	if (!t)
		return;
	free_part(&t->own);
	for (size_t i = 0; i < t->runs.len; i++)
		free_part(&t->runs.at[i]->part);
	vec_free(&t->runs);
	stack_free(t->stack);
	arena_free(t->arena);
	free(t->text);
	free(t->e);
	free(t);
}

const char *testfile_module(const struct testfile *t)
{
	return t->module;
}

size_t testfile_runs(const struct testfile *t)
{
	return t->runs.len;
}

struct test_run *testfile_run(struct testfile *t, size_t i)
{
	return &t->runs.at[i]->pub;
}

/* --- what is set ------------------------------------------------------------------------------------------------------------ */

static const struct val *evaluate(struct testfile *t, const struct ynode *n)
{
	struct expr *x = expr_from_yaml(t->arena, t->f, n, t->d);
	const struct val *v = x ? eval_run(t->e, x) : NULL;
	return v && eval_check_size(t->e, x, v) ? v : NULL;
}

/* Moves on to the place of N in a text that is being written, as far as it is not beyond. */
struct writer { struct str text; uint32_t line, col; };

static void go_to(struct writer *w, const struct yaml_file *f, const struct ynode *n)
{
	struct mark to = yaml_place(f, n->off);
	for (; w->line < to.line; w->line++, w->col = 1)
		str_addc(&w->text, '\n');
	for (; w->line == to.line && w->col < to.col; w->col++)
		str_addc(&w->text, ' ');
}

static void add(struct writer *w, const char *s, size_t n)
{
	str_addn(&w->text, s, n);
	w->col += (uint32_t)n;
}

/* The variables as a file of values, each at the place it has in the file of tests, so that mistakes are told there. */
static bool write_variables(struct testfile *t, struct part *p, struct lang_input *out)
{
	struct writer w = { .line = 1, .col = 1 };
	VEC(struct val_entry) all = { 0 };
	bool ok = true;
	str_init(&w.text, STR_OURS);
	add(&w, "{", 1);
	for (uint32_t i = 0; i < p->variables->is->n; i++) {
		const struct ynode *key = &yaml_kids(p->variables)[2 * i];
		const struct val *v = evaluate(t, key + 1);
		autostr struct str json;
		struct err err;
		str_init(&json, STR_OURS);
		if (v && !val_known_deep(v)) {
			diag_hint(diag_add(t->d, "E0193", at(t, key + 1), "the value of variable \"%.60s\" is not known", key->is->s), "let the run that it comes from apply");
			v = NULL;
		} else if (v && val_write_json(v, 0, false, true, &json, &err)) {
			diag_add(t->d, "E0115", at(t, key + 1), "this is no value for a variable: %s", err.msg);
			v = NULL;
		}
		ok = ok && v;
		if (!v)
			continue;
		vec_push(&all, (struct val_entry){ key->is->s, v });
		bool plain = key->is->n && strspn(key->is->s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == key->is->n && (key->is->s[0] < '0' || key->is->s[0] > '9');
		go_to(&w, t->f, key);
		if (plain)
			add(&w, key->is->s, key->is->n);
		else
			ok = val_write_json(val_string(t->arena, key->is->s), 0, false, true, &w.text, &err) == 0 && ok;
		add(&w, ": ", 2);
		go_to(&w, t->f, key + 1);
		add(&w, json.at, json.len);
		add(&w, ",", 1);
	}
	add(&w, "\n}", 2);
	p->vars = val_object(t->arena, all.at, all.len);
	*out = (struct lang_input){ .from = LANG_FILE, .text = arena_strndup(t->arena, w.text.at, w.text.len), .len = w.text.len, .origin = t->path };
	vec_free(&all);
	str_release(&w.text);
	return ok;
}

static void add_facts(struct testfile *t, struct part *p, const char *where, const struct ynode *map)
{
	if (!map || !is_map(t, map, where))
		return;
	for (uint32_t i = 0; i < map->is->n; i++) {
		const struct ynode *key = &yaml_kids(map)[2 * i];
		const struct val *v = evaluate(t, key + 1);
		if (v && val_kind(v) != T_OBJECT && val_kind(v) != T_MAP) {
			diag_add(t->d, "E0115", at(t, key + 1), "what %.60s tells is a map of attributes, this is %s", key->is->s, yaml_kind_name(key + 1));
			continue;
		}
		bool unknown = false;
		json_t *j = v ? val_to_json(v, &unknown, NULL) : NULL;
		if (unknown)
			diag_add(t->d, "E0193", at(t, key + 1), "what %.60s tells is not known", key->is->s);
		if (j && !unknown)
			vec_push(&p->facts, (struct test_fact){ where, key->is->s, j, at(t, key) });
		else
			json_decref(j);
	}
}

struct asking_for { struct testfile *t; struct part *p; struct test_setting *out; bool ok; };

static void set_all(void *arg)
{
	static const char *const kinds[] = { "data", "resource", NULL };
	struct asking_for *a = arg;
	struct part *p = a->p;
	*a->out = (struct test_setting){ 0 };
	free_part(p);
	p->facts.at = NULL;
	p->facts.len = p->facts.cap = 0;
	a->ok = true;
	if (p->variables) {
		a->ok = write_variables(a->t, p, &a->out->variables);
		a->out->any = true;
	}
	if (p->mock && is_map(a->t, p->mock, "mock")) {
		check_keys(a->t, p->mock, "mock", kinds);
		add_facts(a->t, p, "resource", yaml_get(p->mock, "resource", NULL));
		add_facts(a->t, p, "data", yaml_get(p->mock, "data", NULL));
	}
	add_facts(a->t, p, "override", p->override);
	add_facts(a->t, p, "world", p->world);
	a->out->facts = p->facts.at;
	a->out->n = p->facts.len;
}

bool testfile_setting(struct testfile *t, size_t run, struct diags *d, struct test_setting *out)
{
	struct asking_for a = { .t = t, .p = run == SIZE_MAX ? &t->own : &t->runs.at[run]->part, .out = out };
	size_t errors = diags_errors(d);
	t->now = run == SIZE_MAX ? 0 : run;
	t->d = t->e->d = d;
	stack_run(t->stack, set_all, &a);
	return a.ok && diags_errors(d) == errors;
}

/* --- what must hold ----------------------------------------------------------------------------------------------------------- */

struct asserting { struct testfile *t; size_t run; struct lang *l; const json_t *summary; };

static const struct val *more(struct eval *e, const struct expr *x, const char *root, const char *name, void *ctx)
{
	return value_of(ctx, e, x, root, name);
}

static void check_rules(struct asserting *a, const struct rules *rules, const char *what)
{
	struct lang *l = a->l;
	for (size_t i = 0; i < rules->len; i++)
		if (condition_check(l, &rules->at[i], "E0190", what) == VERDICT_UNKNOWN)
			diag_hint(diag_add(l->d, "E0191", expr_mark(rules->at[i].condition), "%s cannot be told: something in it is known only after an apply", what),
				  "command: apply, or say under mock or override what it is");
}

static void assert_all(void *arg)
{
	struct asserting *a = arg;
	struct lang *l = a->l;
	struct testfile *t = a->t;
	struct rules rules = { 0 };
	struct deps deps = { 0 };
	size_t errors = diags_errors(l->d);
	const struct ynode *list = t->runs.at[a->run]->part.asserts;
	char what[120];
	if (!list || list->is->kind == Y_NULL)
		return;
	snprintf(what, sizeof(what), "an assertion of run \"%.60s\"", t->runs.at[a->run]->pub.name);
	condition_read(l->root, t->f, list, "an assertion", &rules);
	module_check_assertions(l->root, &rules, &deps);
	if (a->summary && diags_errors(l->d) == errors) {
		t->plan = val_from_json(t->arena, a->summary);
		l->more = more;
		l->more_ctx = t;
		module_prepare(l, l->top, &deps);
		struct scope *before = module_enter(l, l->top);
		check_rules(a, &rules, what);
		module_enter(l, before);
		l->more = NULL;
		t->plan = NULL;
	}
	vec_free(&rules);
	vec_free(&deps);
}

void testfile_assert(struct testfile *t, size_t run, struct lang *l, const json_t *summary)
{
	struct asserting a = { t, run, l, summary };
	t->now = run;
	stack_run(l->stack, assert_all, &a);
}

static void keep(void *arg)
{
	struct asserting *a = arg;
	struct lang *l = a->l;
	VEC(struct val_entry) all = { 0 };
	for (size_t i = 0; i < l->root->order.len; i++) {
		struct thing *o = l->root->order.at[i];
		struct dep need = { .to = o };
		unsigned marks = 0;
		if (o->kind != THING_OUTPUT)
			continue;
		module_prepare(l, l->top, &(struct deps){ &need, 1, 1 });
		const struct val *v = l->top->cells[o->slot].val;
		autojson json_t *j = v ? val_to_json(v, NULL, &marks) : NULL;
		if (v)
			vec_push(&all, (struct val_entry){ arena_strdup(a->t->arena, o->name), val_mark(a->t->arena, val_from_json(a->t->arena, j), marks) });
	}
	a->t->runs.at[a->run]->outputs = val_object(a->t->arena, all.at, all.len);
	vec_free(&all);
}

void testfile_keep(struct testfile *t, size_t run, struct lang *l)
{
	struct asserting a = { t, run, l, NULL };
	stack_run(l->stack, keep, &a);
}
