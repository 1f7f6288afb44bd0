/* condition - conditions with a text for people: preconditions, postconditions, assertions of checks. */
#include <string.h>

#include "lang/module.h"

enum { MAX_OPERANDS = 8 };

void condition_read(struct module *m, const struct yaml_file *f, const struct ynode *list, const char *what, struct rules *out)
{
	static const char *const names[] = { "condition", "error", "error_message", NULL };
	struct lang *l = m->l;
	bool one = list->is->kind == Y_MAP;
	if (!one && list->is->kind != Y_SEQ) {
		diag_add(l->d, "E0115", AT(f, list), "%s is a list of { condition, error_message }, this is %s", what, yaml_kind_name(list));
		return;
	}
	for (uint32_t i = 0; i < (one ? 1 : list->is->n); i++) {
		const struct ynode *n = one ? list : &yaml_kids(list)[i];
		if (n->is->kind != Y_MAP) {
			diag_add(l->d, "E0115", AT(f, n), "%s is a map with condition and error_message, this is %s", what, yaml_kind_name(n));
			continue;
		}
		module_check_keys(m, f, n, what, names);
		const struct ynode *cond = yaml_get(n, "condition", NULL), *text = yaml_get(n, "error_message", NULL);
		if (!text)
			text = yaml_get(n, "error", NULL);
		if (!cond || !text) {
			diag_add(l->d, "E0101", AT(f, n), "%s needs a condition and an error_message", what);
			continue;
		}
		struct rule r = { expr_from_yaml(l->arena, f, cond, l->d), expr_from_yaml(l->arena, f, text, l->d) };
		if (r.condition && r.error)
			vec_push(out, r);
	}
}

/* --- what the operands were ------------------------------------------------------------------------------------------ */

struct operands {
	struct lang *l;
	struct diag *g;
	const struct origin *o;
	uint32_t end;                /* what stands before it in the text was named */
	size_t n;
	char last[80];               /* what was named last: once is enough */
	const char *skip;            /* what was named before */
};

static const struct expr *source_of(const struct expr *x)
{
	return x->kind == X_ATTR ? x->attr.src : x->kind == X_INDEX ? x->index.src : NULL;
}

/* Is X a reference with perhaps more steps behind it? */
static bool is_chain(const struct expr *x)
{
	const char *root, *name;
	for (; x; x = source_of(x))
		if (expr_reference(x, &root, &name))
			return true;
	return false;
}

static void look_for_slot(void *ctx, const struct expr *x, bool certain)
{
	(void)certain;
	*(bool *)ctx = *(bool *)ctx || x->kind == X_SLOT;
}

static void note_operand(void *ctx, const struct expr *x, bool certain)
{
	struct operands *op = ctx;
	struct eval *e = op->l->e;
	bool slot = false;
	(void)certain;
	if (op->n == MAX_OPERANDS || !is_chain(x) || (x->o == op->o && x->off < op->end))
		return;
	op->o = x->o;
	op->end = x->off + x->len;
	expr_visit(x, look_for_slot, &slot);
	if (slot)
		return;
	e->quiet++;
	const struct val *v = eval(e, (struct expr *)x);
	e->quiet--;
	if (!v)
		return;
	char text[80];
	snprintf(text, sizeof(text), "%.*s", x->len < 60 ? (int)x->len : 60, x->o->text + x->off);
	if (strcmp(text, op->last) == 0 || (op->skip && strcmp(text, op->skip) == 0))
		return;
	memcpy(op->last, text, sizeof(text));
	eval_tell(op->g, x, text, v);
	op->n++;
}

struct marked { struct lang *l; unsigned mark; struct str names; const struct origin *o; uint32_t end; struct mark *at; };

static void name_marked(void *ctx, const struct expr *x, bool certain)
{
	struct marked *m = ctx;
	struct eval *e = m->l->e;
	bool slot = false;
	(void)certain;
	if (!is_chain(x) || (x->o == m->o && x->off < m->end))
		return;
	expr_visit(x, look_for_slot, &slot);
	if (slot)
		return;
	m->o = x->o;
	m->end = x->off + x->len;
	e->quiet++;
	const struct val *v = eval(e, (struct expr *)x);
	e->quiet--;
	if (!v || !(eval_sensitive(e, v) & m->mark))
		return;
	if (!m->names.len)
		*m->at = expr_mark(x);
	str_addf(&m->names, "%s%.*s", m->names.len ? ", " : "", (int)(x->len < 100 ? x->len : 100), x->o->text + x->off);
}

char *condition_marked(struct lang *l, const struct expr *x, unsigned mark, struct mark *at)
{
	struct marked m = { .l = l, .mark = mark, .at = at };
	str_init(&m.names, 400);
	l->e->steps = 0;
	expr_visit(x, name_marked, &m);
	const char *what = mark & MARK_EPHEMERAL ? "ephemeral" : "sensitive";
	char *names = m.names.len ? xasprintf("%s%s %s", m.names.at, strstr(m.names.at, ", ") ? " are" : " is", what) : NULL;
	str_release(&m.names);
	return names;
}

const struct val *module_refuse_ephemeral(struct lang *l, const struct expr *x, const struct thing *t, const char *what)
{
	struct mark at = expr_mark(x);
	struct scope *s = l->scope, *where = t->kind == THING_VAR ? s->parent : s;
	module_enter(l, where);
	autofree char *names = condition_marked(l, x, MARK_EPHEMERAL, &at);
	module_enter(l, s);
	struct diag *g = diag_add(l->d, "E0231", at, "%s \"%s\" takes no ephemeral value%s%s", what, t->name, names ? ": " : "", names ? names : "");
	diag_hint(g, "add ephemeral: true to it, or ephemeralasnull() here");
	if (t->kind == THING_VAR)
		diag_note(g, AT(t->file, t->key), "the variable is declared here");
	return NULL;
}

/* --- checking -------------------------------------------------------------------------------------------------------- */

void condition_explain(struct lang *l, struct diag *g, const struct rule *r, const char *skip)
{
	struct operands op = { .l = l, .g = g, .skip = skip };
	if (l->about)
		diag_about(g, "%s", l->about);
	expr_visit(r->condition, note_operand, &op);
}

const char *condition_text(struct lang *l, const struct rule *r, const char **why)
{
	const struct val *text = eval_run(l->e, r->error), *s;
	struct err err;
	*why = !text ? "cannot be evaluated" : (eval_sensitive(l->e, text) & MARK_SENSITIVE) ? "would show a sensitive value"
	     : eval_sensitive(l->e, text) ? "would show an ephemeral value"
	     : text->state == VAL_UNKNOWN ? "needs a value that is not known yet" : "is no text";
	if (!text || !val_known(text) || eval_sensitive(l->e, text))
		return NULL;
	if (val_convert(l->arena, text, &type_string, &s, &err) || !val_known(s))
		return NULL;
	/* The end of a file's last line is none of the sentence's. */
	size_t n = s->str.len;
	while (n && strchr(" \n", s->str.s[n - 1]))
		n--;
	return arena_strndup(l->arena, s->str.s, n);
}

static struct diag *report(struct lang *l, const struct rule *r, const char *code, const char *what)
{
	const char *why, *text = condition_text(l, r, &why);
	struct diag *g = text ? diag_add(l->d, code, expr_mark(r->condition), "%s: %s", what, text)
			      : diag_add(l->d, code, expr_mark(r->condition), "%s (its message %s)", what, why);
	condition_explain(l, g, r, NULL);
	return g;
}

enum verdict condition_check(struct lang *l, const struct rule *r, const char *code, const char *what)
{
	const struct val *ok;
	unsigned marked = 0;
	l->e->steps = 0;
	l->e->quiet = 0;
	if (!eval_test(l->e, r->condition, "a condition", &ok, &marked))
		return VERDICT_BROKEN;
	if (!ok) {
		if (l->carry)
			carry_rule(l, r, code, what);
		return VERDICT_UNKNOWN;
	}
	if (ok->b)
		return VERDICT_HOLDS;
	report(l, r, code, what);
	return VERDICT_FAILS;
}

enum verdict condition_warn(struct lang *l, const struct rule *r, const char *code, const char *what)
{
	const struct val *ok;
	unsigned marked = 0;
	l->e->steps = 0;
	l->e->quiet = 1;
	l->e->why[0] = '\0';
	bool evaluated = eval_test(l->e, r->condition, "a condition", &ok, &marked);
	l->e->quiet = 0;
	if (evaluated)
		return ok && ok->b ? VERDICT_HOLDS : condition_check(l, r, code, what);
	struct diag *g = diag_add(l->d, code, expr_mark(r->condition), "%s: it cannot be evaluated%s%s", what, l->e->why[0] ? ": " : "", l->e->why);
	condition_explain(l, g, r, NULL);
	return VERDICT_BROKEN;
}
