/* Keeping: what a condition refers to becomes values, objects that are to come, and expressions that need them. */
#include "lang/carry.h"

#include <string.h>

#include <uthash.h>

#include "base/json.h"
#include "lang/carried_source.h"
#include "lang/module.h"

enum { MAX_VALUE = 1 << 20, MAX_LINES = 2000, MAX_NESTED = 200 };

struct kept { const void *key[2]; size_t index; UT_hash_handle hh; };
struct carry {
	struct lang *l;
	lang_instances_fn *fn; void *ctx;
	json_t *rules, *cells, *tell, *self;
	struct kept *known;          /* cells by scope and thing; rules by rule */
	unsigned depth;
	const char *why;             /* the first thing that cannot be kept */
};

static long refuse(struct carry *c, const char *why)
{
	if (!c->why)
		c->why = why;
	return -1;
}

static struct kept *find(struct carry *c, const void *a, const void *b)
{
	const void *key[2] = { a, b };
	struct kept *k = NULL;
	HASH_FIND(hh, c->known, key, sizeof(key), k);
	return k;
}

static void keep(struct carry *c, const void *a, const void *b, size_t index)
{
	struct kept *k = xcalloc(1, sizeof(*k));
	k->key[0] = a;
	k->key[1] = b;
	k->index = index;
	HASH_ADD(hh, c->known, key, sizeof(k->key), k);
}

static long add_cell(struct carry *c, json_t *cell)
{
	json_array_append_new(c->cells, cell);
	return (long)json_array_size(c->cells) - 1;
}

/* --- sources ------------------------------------------------------------------------------------------------------------------ */

static const char *line_start(const struct yaml_file *f, uint32_t line)
{
	return f->src.text + f->lines[line - 1];
}

static size_t line_len(const struct yaml_file *f, uint32_t line)
{
	const char *p = line_start(f, line), *end = f->src.text + f->src.len, *nl = memchr(p, '\n', (size_t)(end - p));
	return (size_t)((nl ? nl : end) - p);
}

/* Where N ends: its line, and the column behind it; 0: it takes the rest of that line. */
static void end_of(const struct yaml_file *f, const struct ynode *n, uint32_t *line, uint32_t *col)
{
	bool many = n->is->kind == Y_SEQ || n->is->kind == Y_MAP, block = n->is->style == YS_LITERAL || n->is->style == YS_FOLDED;
	const struct mark from = yaml_place(f, n->off), to = yaml_place(f, n->end);
	char first = f->src.text[n->off];
	/* A block scalar ends where the next line begins. */
	*line = to.line - (block && to.line > from.line && to.col == 1);
	*col = block ? 0 : to.col + (n->end == n->off);
	if (!many || first == '{' || first == '[')
		return;
	size_t kids = n->is->kind == Y_MAP ? 2 * (size_t)n->is->n : n->is->n;
	for (size_t i = 0; i < kids; i++) {
		uint32_t last, ignored;
		end_of(f, &yaml_kids(n)[i], &last, &ignored);
		*line = last > *line ? last : *line;
	}
	*col = 0;
}

/* Whole lines are taken: does one of them hold a part of a sensitive variable, such as its default, or a text that sensitive() hides? */
static bool beside_secret(const struct module *m, const struct yaml_file *f, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < m->order.len; i++) {
		const struct thing *t = m->order.at[i];
		uint32_t end, ignored;
		if (t->kind != THING_VAR || !(t->sensitive || t->ephemeral) || t->file != f || !t->body)
			continue;
		end_of(f, t->body, &end, &ignored);
		if (yaml_place(f, t->body->off).line <= last && end >= first)
			return true;
	}
	for (uint32_t i = first; i <= last; i++)
		if (memmem(line_start(f, i), line_len(f, i), "sensitive", strlen("sensitive")))
			return true;
	return false;
}

/* The YAML that X was made of; NULL when it was not made of any. */
static json_t *source_json(struct carry *c, const struct expr *x)
{
	const struct yaml_file *f = x->o->file;
	const struct ynode *n = x->o->node;
	uint32_t last, col;
	if (!f || !n)
		return refuse(c, "refers to what is not written in the spec"), NULL;
	const struct mark from = yaml_place(f, n->off);
	end_of(f, n, &last, &col);
	if (last > f->n_lines || last - from.line > MAX_LINES)
		return refuse(c, "refers to an expression of too many lines"), NULL;
	if (beside_secret(c->l->scope->m, f, from.line, last))
		return refuse(c, "refers to an expression on one line with a sensitive value, which is not stored"), NULL;
	json_t *lines = json_array(), *j = json_object();
	for (uint32_t i = from.line; i <= last; i++)
		json_array_append_new(lines, json_string_safe(line_start(f, i), line_len(f, i)));
	json_put_str(j, "file", f->src.path);
	json_put_int(j, "line", from.line);
	json_put_int(j, "column", from.col);
	json_put_int(j, "end", col);
	json_put_new(j, "lines", lines);
	if (carried_source_gives(j, n))
		return j;
	json_decref(j);
	return refuse(c, "refers to an expression that needs the rest of its file"), NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------------------- */

static void write_text(const char *s, size_t len, struct str *out)
{
	str_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];
		if (ch < ' ' || ch == '"' || ch == '\\')
			str_addf(out, "\\u%04x", ch);
		else if ((ch == '$' || ch == '%') && i + 1 < len && s[i + 1] == '{')
			str_addf(out, "%c%c", ch, ch);
		else
			str_addc(out, (char)ch);
	}
	str_addc(out, '"');
}

/* V as an expression. A type that it does not show is not kept. */
static void write_value(const struct val *v, struct str *out)
{
	static const char *const calls[] = { [T_LIST] = "tolist(", [T_SET] = "toset(", [T_MAP] = "tomap(", [T_STRING] = "tostring(", [T_NUMBER] = "tonumber(",
					     [T_BOOL] = "tobool(", [T_OBJECT] = NULL };
	enum type_kind kind = val_kind(v);
	bool map = kind == T_MAP || kind == T_OBJECT, many = map || kind == T_LIST || kind == T_SET || kind == T_TUPLE;
	const char *call = (many || val_is_null(v)) ? calls[kind] : NULL;
	str_add(out, call ? call : "");
	if (val_is_null(v))
		str_add(out, "null");
	else if (kind == T_BOOL)
		str_add(out, v->b ? "true" : "false");
	else if (kind == T_NUMBER)
		val_number_write(v, out);
	else if (kind == T_STRING)
		write_text(v->str.s, v->str.len, out);
	str_add(out, val_is_null(v) || !many ? "" : map ? "{" : "[");
	for (size_t i = 0; i < val_len(v) && many; i++) {
		if (i)
			str_add(out, ", ");
		if (map) {
			write_text(v->map.at[i].key, strlen(v->map.at[i].key), out);
			str_add(out, " = ");
		}
		write_value(map ? v->map.at[i].val : v->seq.at[i], out);
	}
	str_add(out, val_is_null(v) || !many ? "" : map ? "}" : "]");
	str_add(out, call ? ")" : "");
}

/* V as an expression that gives the same value again; NULL: there is none. */
static json_t *value_json(struct carry *c, const struct val *v)
{
	struct lang *l = c->l;
	autostr struct str text;
	struct diags *none = diags_new();
	str_init(&text, MAX_VALUE);
	write_value(v, &text);
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .src = arena_alloc(l->arena, sizeof(struct source)), .text = arena_strndup(l->arena, text.at, text.len), .len = (uint32_t)text.len };
	struct diags *before = lang_tell_to(l, none);
	eval_resolve_fn *resolve = l->e->resolve;
	l->e->resolve = module_constant;
	struct expr *x = str_full(&text) ? NULL : expr_parse(l->arena, o, none);
	const struct val *again = x ? eval_run(l->e, x) : NULL, *same = again ? val_equal(l->arena, again, v) : NULL;
	l->e->resolve = resolve;
	lang_tell_to(l, before);
	diags_free(none);
	bool empty = again && val_kind(again) == val_kind(v) && val_known(v) && val_known(again) && val_len(v) == 0 && val_kind(v) >= T_LIST;
	bool good = empty || (again && val_is_null(again) && val_is_null(v)) || (same && val_known(same) && same->b && type_same(again->type, v->type));
	if (!good)
		return refuse(c, "refers to a value that cannot be written down as it is"), NULL;
	json_t *j = json_object();
	json_put_new(j, "value", json_stringn(text.at, text.len));
	return j;
}

static long value_cell(struct carry *c, const struct val *v)
{
	json_t *j = v ? value_json(c, v) : NULL;
	return j ? add_cell(c, j) : refuse(c, "refers to what has no value");
}

/* --- what is referred to ---------------------------------------------------------------------------------------------------------- */

static json_t *env_of(struct carry *c, const struct expr *const *x, size_t n);

static const char *kind_name(enum lang_key kind)
{
	static const char *const names[] = { [LANG_SINGLE] = "single", [LANG_INDEX] = "index", [LANG_EACH] = "each" };
	return names[kind];
}

static long objects_cell(struct carry *c, const struct scope *s, const struct thing *t)
{
	const struct lang_resource *r = t->res->pub;
	if (r->data)
		return refuse(c, "refers to data that is read after an apply");
	json_t *instances = c->fn(c->ctx, r, s->block), *j;
	if (!instances)
		return refuse(c, "refers to objects that are not known yet");
	j = json_object();
	json_put_str(j, "kind", kind_name(r->kind));
	json_put_new(j, "instances", instances);
	return add_cell(c, j);
}

/* X as it is evaluated in the scope at hand. */
static long expr_cell(struct carry *c, const struct expr *x, const char *as)
{
	json_t *env = env_of(c, &x, 1), *source = env ? source_json(c, x) : NULL;
	if (!source) {
		json_decref(env);
		return -1;
	}
	json_t *j = json_object();
	json_put_new(j, "source", source);
	json_put_new(j, "env", env);
	if (as)
		json_put_str(j, "as", as);
	return add_cell(c, j);
}

static long argument_cell(struct carry *c, const struct scope *s, const struct thing *t)
{
	static const char *const names[] = { [T_BOOL] = "bool", [T_NUMBER] = "number", [T_STRING] = "string" };
	struct lang *l = c->l;
	enum type_kind kind = t->type ? t->type->kind : T_DYNAMIC;
	const char *as = kind == T_BOOL || kind == T_NUMBER || kind == T_STRING ? names[kind] : NULL;
	if (!t->arg || (!as && kind != T_DYNAMIC))
		return refuse(c, "refers to a variable whose value is made to fit its type");
	const struct val *key = l->each_key, *value = l->each_value, *index = l->count_index;
	struct scope *before = module_enter(l, s->parent);
	l->each_key = s->each_key;
	l->each_value = s->each_value;
	l->count_index = s->count_index;
	long cell = expr_cell(c, t->arg, as);
	l->each_key = key;
	l->each_value = value;
	l->count_index = index;
	module_enter(l, before);
	return cell;
}

static long inner_cell(struct carry *c, struct scope *s, struct thing *t);

static long modules_cell(struct carry *c, const struct scope *s, const struct thing *t)
{
	const struct kids *kids = s->cells[t->slot].kids;
	if (!kids || kids->deferred)
		return refuse(c, "refers to a module whose instances are not known yet");
	json_t *j = json_object(), *all = json_array();
	for (size_t i = 0; i < kids->n; i++) {
		struct scope *kid = kids->at[i];
		json_t *outputs = json_object(), *one = json_object();
		for (size_t k = 0; k < kid->m->order.len; k++) {
			struct thing *o = kid->m->order.at[k];
			long cell = o->kind == THING_OUTPUT && kid->cells[k].state == CELL_DONE ? inner_cell(c, kid, o) : -1;
			if (cell >= 0)
				json_put_int(outputs, o->name, cell);
		}
		if (kids->kind == LANG_EACH)
			json_put_str(one, "key", kid->each_key->str.s);
		json_put_new(one, "outputs", outputs);
		json_array_append_new(all, one);
	}
	json_put_str(j, "kind", kind_name(kids->kind));
	json_put_new(j, "modules", all);
	return add_cell(c, j);
}

static const struct val *value_of(const struct scope *s, const struct thing *t)
{
	if (t->kind == THING_MODULE)
		return NULL;
	return s->cells[t->slot].val ? s->cells[t->slot].val : t->kind == THING_RESOURCE ? &val_unknown_dynamic : NULL;
}

static long new_cell(struct carry *c, struct scope *s, struct thing *t)
{
	const struct val *v = value_of(s, t);
	if (v && val_sensitive_deep(v))
		return refuse(c, "refers to a sensitive value, which is not stored");
	if (v && val_known_deep(v))
		return value_cell(c, v);
	switch (t->kind) {
	case THING_RESOURCE: return objects_cell(c, s, t);
	case THING_MODULE: return modules_cell(c, s, t);
	case THING_VAR: return s->parent ? argument_cell(c, s, t) : refuse(c, "refers to a variable without a value");
	default: return t->x ? expr_cell(c, t->x, NULL) : refuse(c, "refers to what has no value");
	}
}

/* The cell of T in S; below 0: it cannot be kept. */
static long inner_cell(struct carry *c, struct scope *s, struct thing *t)
{
	struct kept *k = find(c, s, t);
	if (k)
		return (long)k->index;
	if (c->depth >= MAX_NESTED)
		return refuse(c, "refers to values that need each other too deeply");
	c->depth++;
	struct scope *before = module_enter(c->l, s);
	long cell = new_cell(c, s, t);
	module_enter(c->l, before);
	c->depth--;
	if (cell >= 0)
		keep(c, s, t, (size_t)cell);
	return cell;
}

struct gathering { struct carry *c; json_t *env; };

static void gather(void *ctx, const struct expr *x, bool certain)
{
	struct gathering *g = ctx;
	struct carry *c = g->c;
	struct lang *l = c->l;
	const char *root, *name;
	(void)certain;
	if (!expr_reference(x, &root, &name) || c->why || strcmp(root, "self") == 0)
		return;
	autofree char *key = xasprintf("%s.%s", root, name);
	if (json_object_get(g->env, key))
		return;
	bool local = strcmp(root, "each") == 0 || strcmp(root, "count") == 0 || strcmp(root, "path") == 0;
	struct thing *t = local ? NULL : module_find(l->scope->m, root, name);
	if (!local && !t)
		return;                      /* such as an attribute of a loop variable */
	l->e->quiet++;
	const struct val *v = local ? module_resolve(l->e, x, root, name) : NULL;
	l->e->quiet--;
	bool hidden = v && val_sensitive_deep(v);
	long cell = hidden ? refuse(c, "refers to a sensitive value, which is not stored") : !local ? inner_cell(c, l->scope, t)
		  : v && val_known_deep(v) ? value_cell(c, v) : refuse(c, "refers to a value of each that is not known yet");
	if (cell >= 0)
		json_put_int(g->env, key, cell);
}

static json_t *env_of(struct carry *c, const struct expr *const *x, size_t n)
{
	struct gathering g = { c, json_object() };
	for (size_t i = 0; i < n; i++)
		expr_visit(x[i], gather, &g);
	if (!c->why)
		return g.env;
	json_decref(g.env);
	return NULL;
}

/* --- conditions --------------------------------------------------------------------------------------------------------------------- */

static long rule_index(struct carry *c, const struct rule *r)
{
	struct kept *k = find(c, r, NULL);
	if (k)
		return (long)k->index;
	json_t *condition = source_json(c, r->condition), *error = condition ? source_json(c, r->error) : NULL;
	if (!error) {
		json_decref(condition);
		return -1;
	}
	json_t *j = json_object();
	json_put_new(j, "condition", condition);
	json_put_new(j, "error", error);
	json_array_append_new(c->rules, j);
	keep(c, r, NULL, json_array_size(c->rules) - 1);
	return (long)json_array_size(c->rules) - 1;
}

static void put_trail(json_t *j, const struct diag_trail *t)
{
	json_t *list = json_array();
	for (; t; t = t->up) {
		json_t *step = json_object();
		json_put_str(step, "text", t->text);
		json_put_str(step, "file", t->at.src ? t->at.src->path : "");
		json_put_int(step, "line", t->at.line);
		json_put_int(step, "column", t->at.col);
		json_array_append_new(list, step);
	}
	json_put_new(j, "trail", list);
}

static void looks_at_self(void *ctx, const struct expr *x, bool certain)
{
	const char *root, *name;
	(void)certain;
	if (expr_reference(x, &root, &name) && strcmp(root, "self") == 0)
		*(bool *)ctx = true;
}

void carry_rule(struct lang *l, const struct rule *r, const char *code, const char *what)
{
	struct carry *c = l->carry;
	bool self = false;
	if (strcmp(code, "E0153") == 0)
		return;
	c->why = NULL;
	const struct expr *both[] = { r->condition, r->error };
	expr_visit(r->condition, looks_at_self, &self);
	expr_visit(r->error, looks_at_self, &self);
	/* What is evaluated on the way is none of the condition's business. */
	bool met = l->e->met_unknown;
	int quiet = l->e->quiet;
	json_t *j = json_object(), *env = self && !c->self ? (refuse(c, "refers to an object that is not known yet"), NULL) : env_of(c, both, 2);
	long rule = env ? rule_index(c, r) : -1;
	l->e->met_unknown = met;
	l->e->quiet = quiet;
	json_put_str(j, "address", l->about ? l->about : "");
	json_put_str(j, "code", code);
	if (rule < 0) {
		json_put_str(j, "why", c->why ? c->why : "cannot be kept");
		json_decref(env);
	} else {
		const struct diag_trail *t = l->scope && l->scope->parent ? &l->scope->trail : NULL;
		json_put_str(j, "what", what);
		json_put_int(j, "rule", rule);
		json_put_new(j, "env", env);
		if (c->self)
			json_object_set(j, "self", c->self);
		if (t)
			put_trail(j, t);
	}
	json_array_append_new(c->tell, j);
}

void lang_carry_begin(struct lang *l, lang_instances_fn *fn, void *ctx)
{
	if (!l->carry) {
		l->carry = xcalloc(1, sizeof(*l->carry));
		*l->carry = (struct carry){ .l = l, .rules = json_array(), .cells = json_array(), .tell = json_array() };
	}
	l->carry->fn = fn;
	l->carry->ctx = ctx;
}

void lang_carry_self(struct lang *l, json_t *instance)
{
	l->carry->self = instance;
}

json_t *lang_carry_end(struct lang *l)
{
	struct carry *c = l->carry;
	struct kept *k, *next;
	if (!c)
		return NULL;
	l->carry = NULL;
	k = c->known;
	HASH_CLEAR(hh, c->known);
	for (; k; k = next) {
		next = k->hh.next;
		free(k);
	}
	json_t *out = json_array_size(c->tell) ? json_pack("{s:O, s:O, s:O}", "rules", c->rules, "cells", c->cells, "tell", c->tell) : NULL;
	json_decref(c->rules);
	json_decref(c->cells);
	json_decref(c->tell);
	free(c);
	return out;
}
