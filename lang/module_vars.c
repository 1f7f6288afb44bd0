/* module_vars - variables: type constraints, defaults, arguments, rules. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lang/module.h"

/* --- types ------------------------------------------------------------------------------------------------------- */

static const struct type *read_type(struct lang *l, struct expr *x);

static const struct type *bad_type(struct lang *l, const struct expr *x)
{
	static const char *const names[] = { "string", "number", "bool", "any", "list", "set", "map", "tuple", "object", NULL };
	const char *word = x->kind == X_REF ? x->name : x->kind == X_CALL ? x->call.name : NULL;
	struct diag *g;
	if (word) {
		struct expr at = *x;
		at.len = (uint32_t)strlen(word);
		g = diag_add(l->d, "E0305", expr_mark(&at), "\"%.60s\" is not a type", word);
		diag_suggest(g, word, names);
	} else {
		g = diag_add(l->d, "E0305", expr_mark(x), "this is not a type");
	}
	diag_note(g, (struct mark){ 0 }, "there are: string, number, bool, any, list(T), set(T), map(T), tuple([T, ...]), object({NAME = T})");
	return NULL;
}

/* `optional(T)` or `optional(T, DEFAULT)`, or a plain type. */
static bool read_field(struct lang *l, const struct expr_item *item, struct type_field *out)
{
	struct expr *t = item->val;
	if (item->key->kind != X_VALUE || val_kind(item->key->val) != T_STRING)
		return bad_type(l, item->key);
	*out = (struct type_field){ .name = item->key->val->str.s };
	if (t->kind != X_CALL || strcmp(t->call.name, "optional") != 0) {
		out->type = read_type(l, t);
		return out->type != NULL;
	}
	if (t->call.n < 1 || t->call.n > 2) {
		diag_add(l->d, "E0305", expr_mark(t), "optional() takes a type and perhaps a default");
		return false;
	}
	out->optional = true;
	out->type = read_type(l, t->call.args[0]);
	if (!out->type || t->call.n == 1)
		return out->type != NULL;
	struct err err;
	const struct val *v = eval_run(l->e, t->call.args[1]);
	if (v && val_convert(l->arena, v, out->type, &out->deflt, &err)) {
		diag_add(l->d, "E0302", expr_mark(t->call.args[1]), "the default does not fit its type: %s", err.msg);
		return false;
	}
	return v != NULL;
}

static const struct type *read_object(struct lang *l, struct expr *x)
{
	autofree struct type_field *fields = xcalloc(x->object.n ? x->object.n : 1, sizeof(*fields));
	bool ok = true;
	for (uint32_t i = 0; i < x->object.n; i++)
		ok &= read_field(l, &x->object.at[i], &fields[i]);
	return ok ? type_object(l->arena, fields, x->object.n) : NULL;
}

static const struct type *read_tuple(struct lang *l, struct expr *x)
{
	autofree const struct type **items = xcalloc(x->list.n ? x->list.n : 1, sizeof(*items));
	bool ok = true;
	for (uint32_t i = 0; i < x->list.n; i++)
		ok &= (items[i] = read_type(l, x->list.at[i])) != NULL;
	return ok ? type_tuple(l->arena, items, x->list.n) : NULL;
}

static const struct type *read_type(struct lang *l, struct expr *x)
{
	static const struct { const char *word; const struct type *type; } plain[] = {
		{ "string", &type_string }, { "number", &type_number }, { "bool", &type_bool }, { "any", &type_dynamic },
	};
	static const struct { const char *word; const struct type *(*make)(struct arena *, const struct type *); } of[] = {
		{ "list", type_list }, { "set", type_set }, { "map", type_map },
	};
	for (size_t i = 0; x->kind == X_REF && i < ARRAY_LEN(plain); i++)
		if (strcmp(x->name, plain[i].word) == 0)
			return plain[i].type;
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		if (x->kind == X_REF && strcmp(x->name, of[i].word) == 0)
			return of[i].make(l->arena, &type_dynamic);
		if (x->kind == X_CALL && strcmp(x->call.name, of[i].word) == 0 && x->call.n == 1) {
			const struct type *t = read_type(l, x->call.args[0]);
			return t ? of[i].make(l->arena, t) : NULL;
		}
	}
	if (x->kind == X_CALL && x->call.n == 1 && strcmp(x->call.name, "object") == 0 && x->call.args[0]->kind == X_OBJECT)
		return read_object(l, x->call.args[0]);
	if (x->kind == X_CALL && x->call.n == 1 && strcmp(x->call.name, "tuple") == 0 && x->call.args[0]->kind == X_TUPLE)
		return read_tuple(l, x->call.args[0]);
	return bad_type(l, x);
}

static void read_constraint(struct lang *l, struct thing *t, const struct ynode *n)
{
	if (n->is->kind != Y_STRING) {
		struct diag *g = diag_add(l->d, "E0305", AT(t->file, n), "a type is a string such as \"list(string)\", this is %s", yaml_kind_name(n));
		if (n->is->kind == Y_MAP)
			diag_hint(g, "quote it");
		return;
	}
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .file = t->file, .node = n, .src = &t->file->src, .text = n->is->s, .len = n->is->n };
	struct expr *x = expr_parse(l->arena, o, l->d);
	const struct type *type = x ? read_type(l, x) : NULL;
	if (type) {
		t->type = type;
		t->typed = true;
		t->literal = type->kind == T_STRING || type->kind == T_NUMBER || type->kind == T_BOOL;
	}
}

/* --- the block --------------------------------------------------------------------------------------------------- */

static bool flag(struct lang *l, struct thing *t, const char *name, bool deflt)
{
	const struct ynode *n = yaml_get(t->body, name, NULL);
	if (!n || n->is->kind == Y_NULL)
		return deflt;
	if (n->is->kind != Y_BOOL)
		diag_add(l->d, "E0115", AT(t->file, n), "%s is true or false, this is %s", name, yaml_kind_name(n));
	return n->is->kind == Y_BOOL ? n->is->b : deflt;
}

void module_read_variable(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const names[] = { "type", "default", "description", "ephemeral", "sensitive", "nullable", "validation", NULL };
	struct lang *l = m->l;
	struct thing *t = module_find(m, "var", key->is->s);
	t->type = &type_dynamic;
	t->required = true;
	t->nullable = true;
	t->literal = true;
	if (body->is->kind != Y_MAP)
		return;
	module_check_keys(m, f, body, "a variable", names);
	const struct ynode *type = yaml_get(body, "type", NULL), *deflt = yaml_get(body, "default", NULL), *rules = yaml_get(body, "validation", NULL);
	if (type)
		read_constraint(l, t, type);
	t->sensitive = flag(l, t, "sensitive", false);
	t->ephemeral = flag(l, t, "ephemeral", false);
	t->nullable = flag(l, t, "nullable", true);
	if (deflt) {
		t->required = false;
		t->x = expr_from_yaml(l->arena, f, deflt, l->d);
		t->failed = !t->x;
		t->arg_at = AT(f, deflt);
	}
	if (rules)
		condition_read(m, f, rules, "a rule", &t->rules);
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static void tell_variable(struct diag *g, const struct thing *t, const struct val *v)
{
	eval_operand_named(g, t->id, strlen(t->id), v);
}

const struct val *module_fit(struct lang *l, struct thing *t, const struct val *v, struct mark at)
{
	const struct val *out;
	struct err err;
	if (t->arg && !t->ephemeral && (eval_sensitive(l->e, v) & MARK_EPHEMERAL))
		return module_refuse_ephemeral(l, t->arg, t, "the variable");
	if (val_convert(l->arena, v, t->type, &out, &err) == 0 && (!val_is_null(out) || t->nullable))
		return val_mark(l->arena, out, out->marks | (t->sensitive ? MARK_SENSITIVE : 0u) | (t->ephemeral ? MARK_EPHEMERAL : 0u));
	bool null = val_is_null(v);
	struct diag *g = diag_add(l->d, "E0302", at, "the value of variable \"%s\" %s%s", t->name, null ? "cannot be null" : "does not fit its type: ",
				  null ? "" : err.msg);
	if (!null)
		eval_note_value(g, "it", t->sensitive ? val_mark(l->arena, v, true) : v);
	tell_variable(g, t, t->sensitive ? val_mark(l->arena, v, true) : v);
	diag_note(g, AT(t->file, t->key), "the variable is declared here");
	return NULL;
}

const struct val *module_constant(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	eval_fail(e, x, "E0210", "\"%s.%s\" cannot be referred to here; a default or input is a constant", root, name);
	return NULL;
}

void module_take_defaults(struct lang *l)
{
	eval_resolve_fn *resolve = l->e->resolve;
	l->e->resolve = module_constant;
	for (size_t i = 0; i < l->order.len; i++) {
		struct thing *t = l->order.at[i];
		if (t->kind != THING_VAR || t->failed || !t->x)
			continue;
		const struct diag_trail *before = diags_trail(l->d, t->module->parent ? &t->module->trail : NULL);
		const struct val *v = eval_run(l->e, t->x);
		t->deflt = v ? module_fit(l, t, v, expr_mark(t->x)) : NULL;
		t->failed = !t->deflt;
		diags_trail(l->d, before);
	}
	l->e->resolve = resolve;
}

const struct val *module_argument(struct lang *l, struct scope *s, struct thing *t)
{
	if (!t->arg)
		return t->deflt;
	/* Evaluated where the call stands, for this one instance of it; what is wrong with the value is told in the module. */
	module_enter(l, s->parent);
	l->each_key = s->each_key;
	l->each_value = s->each_value;
	l->count_index = s->count_index;
	const struct val *v = eval_run(l->e, t->arg);
	l->each_key = l->each_value = l->count_index = NULL;
	bool fits = v && eval_check_size(l->e, t->arg, v);
	module_enter(l, s);
	if (!fits)
		return NULL;
	return val_is_null(v) && !t->nullable && t->deflt ? t->deflt : module_fit(l, t, v, t->arg_at);
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static void check_rule(struct lang *l, struct thing *t, const struct val *value, struct rule *r)
{
	const struct val *ok;
	const char *why;
	unsigned marked = 0;
	l->e->steps = 0;
	l->e->quiet = 0;
	if (!eval_test(l->e, r->condition, "the condition of a rule", &ok, &marked))
		return;
	t->rules_wait = t->rules_wait || !ok;
	if (!ok || ok->b)
		return;
	const char *text = condition_text(l, r, &why);
	struct diag *g = diag_add(l->d, "E0303", t->arg_at, "the value of variable \"%s\" is refused%s%s", t->name, text ? ": " : "",
				  text ? text : "");
	eval_note_value(g, "it", value);
	tell_variable(g, t, value);
	diag_about(g, "%s%s%s", t->module->path, *t->module->path ? "." : "", t->id);
	condition_explain(l, g, r, t->id);
	diag_note(g, expr_mark(r->condition), "by this rule");
	if (!text)
		diag_note(g, expr_mark(r->error), "its message %s", why);
}

static void check_rules(struct lang *l, struct scope *s, struct thing *t)
{
	struct cell *c = &s->cells[t->slot];
	if (c->state != CELL_DONE || c->ruled)
		return;
	c->ruled = true;
	module_prepare(l, s, &t->rule_deps);
	struct scope *before = module_enter(l, s);
	size_t errors = diags_errors(l->d);
	for (size_t k = 0; k < t->rules.len; k++)
		check_rule(l, t, c->val, &t->rules.at[k]);
	/* What follows from a value that is refused need not be told. */
	if (diags_errors(l->d) > errors)
		c->val = val_unknown(l->arena, c->val->type);
	module_enter(l, before);
}

void module_check_rules(struct lang *l, struct scope *s, bool late)
{
	for (size_t i = 0; i < s->m->order.len; i++) {
		struct thing *t = s->m->order.at[i];
		if (t->kind == THING_VAR && t->rules.len && (late || !t->late_rules))
			check_rules(l, s, t);
	}
}

bool module_check_late(struct lang *l, const struct deps *late)
{
	bool told = true;
	for (size_t i = 0; i < late->len; i++) {
		struct thing *t = late->at[i].to;
		struct dep need = { .to = t };
		module_list(l, t->module);
		for (size_t k = 0; k < t->module->scopes.len; k++) {
			struct scope *s = t->module->scopes.at[k];
			module_prepare(l, s, &(struct deps){ &need, 1, 1 });
			if (t->kind == THING_VAR)
				check_rules(l, s, t);
		}
		told = told && !t->rules_wait;
	}
	return told;
}

bool module_check_output(struct lang *l, struct thing *t)
{
	char what[120];
	bool ok = true;
	const char *path = t->module->path;
	autofree char *about = xasprintf("%s%soutput.%s", path, *path ? "." : "", t->name);
	l->about = about;
	snprintf(what, sizeof(what), "a precondition of the output \"%.60s\" is not met", t->name);
	for (size_t i = 0; i < t->rules.len; i++) {
		enum verdict v = condition_check(l, &t->rules.at[i], "E0155", what);
		t->rules_wait = t->rules_wait || v == VERDICT_UNKNOWN;
		ok = ok && (v == VERDICT_HOLDS || v == VERDICT_UNKNOWN);
	}
	l->about = NULL;
	return ok;
}
