/* lint_expr - expressions that cannot mean what they say. */
#include <string.h>

#include "lang/lint_internal.h"

struct look { struct module *m; };

/* The type of X as its form tells it; T_DYNAMIC when that tells nothing. */
static enum type_kind form(const struct look *k, const struct expr *x)
{
	const char *root, *name;
	while (x->kind == X_TEMPLATE && x->list.n == 1)
		x = x->list.at[0];
	switch ((enum expr_kind)x->kind) {
	case X_VALUE:
		return x->val->state == VAL_KNOWN ? x->val->type->kind : T_DYNAMIC;
	case X_TEMPLATE: case X_JOIN:
		return T_STRING;
	case X_TUPLE:
		return T_TUPLE;
	case X_OBJECT:
		return T_OBJECT;
	case X_UNARY:
		return x->op == OP_NOT ? T_BOOL : T_NUMBER;
	case X_BINARY:
		return x->op == OP_ADD || x->op == OP_SUB || x->op == OP_MUL || x->op == OP_DIV || x->op == OP_MOD ? T_NUMBER : T_BOOL;
	case X_CALL: {
		const struct func *f = func_find(x->call.name);
		return f && f->result ? f->result->kind : T_DYNAMIC;
	}
	case X_ATTR:
		if (expr_reference(x, &root, &name) && strcmp(root, "var") == 0) {
			const struct thing *t = module_find(k->m, "var", name);
			return t && t->typed && t->type ? t->type->kind : T_DYNAMIC;
		}
		return T_DYNAMIC;
	default:
		return T_DYNAMIC;
	}
}

static const char *word(enum type_kind t)
{
	static const char *const words[] = { "any", "a bool", "a number", "a string", "a list", "a set", "a map", "a list written here", "a map written here" };
	return words[t];
}

static bool constant(const struct expr *x)
{
	while (x->kind == X_TEMPLATE && x->list.n == 1)
		x = x->list.at[0];
	return x->kind == X_VALUE;
}

/* The loop variable of X that hides another name. */
static struct mark hiding_name(const struct expr *x)
{
	struct expr at = *x;
	if (x->shadows == UINT16_MAX)        /* too far behind to be known */
		return expr_mark(x);
	at.off += x->shadows;
	at.len = 0;
	for (const char *p = x->o->text + at.off; at.off + at.len < x->o->len; at.len++, p++)
		if (!strchr("_-", *p) && !((unsigned char)*p & 0x80) && !(*p >= '0' && *p <= '9') && !((*p | 32) >= 'a' && (*p | 32) <= 'z'))
			break;
	return expr_mark(&at);
}

static void comparison(struct look *k, const struct expr *x)
{
	enum type_kind l = form(k, x->bin.l), r = form(k, x->bin.r);
	const char *always = x->op == OP_EQ ? "false" : "true";
	if (l == T_DYNAMIC || r == T_DYNAMIC)
		return;
	if (l != r) {
		struct diag *g = lint_add(k->m->l, x->o->file, expr_mark(x), "W0905", "%s is never equal to %s: this is always %s", word(l), word(r), always);
		if (g && (l == T_TUPLE || r == T_TUPLE))
			diag_hint(g, "length(...) == 0 asks for an empty one, tolist() converts");
		else if (g)
			diag_hint(g, l == T_STRING || r == T_STRING ? "tostring() or tonumber() converts" : "convert one of them first");
	} else if (constant(x->bin.l) && constant(x->bin.r)) {
		lint_add(k->m->l, x->o->file, expr_mark(x), "W0904", "both sides are constants: this never changes");
	}
}

/* --- texts that look like expressions ------------------------------------------------------------------------------------ */

struct names { const struct look *k; bool found; };

static void declared(void *ctx, const struct expr *x, bool certain)
{
	struct names *n = ctx;
	const char *root, *name;
	(void)certain;
	if (x->kind == X_ATTR && expr_reference(x, &root, &name) && (strcmp(root, "var") == 0 || strcmp(root, "local") == 0))
		n->found = n->found || module_find(n->k->m, root, name);
}

/* Is the text an expression that reads something there is? Words with a dot in them are many; those that name a variable are not. */
static bool reads_something(const struct look *k, const struct yaml_file *f, const struct ynode *n)
{
	struct lang *l = k->m->l;
	struct names names = { .k = k };
	if (strncmp(n->is->s, "each.key", 8) == 0 || strncmp(n->is->s, "each.value", 10) == 0 || strcmp(n->is->s, "count.index") == 0)
		return true;
	if (!strstr(n->is->s, "var.") && !strstr(n->is->s, "local."))
		return false;
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->is->s, .len = n->is->n };
	struct diags *d = diags_new();
	const struct expr *x = expr_parse(l->arena, o, d);
	if (x)
		expr_visit(x, declared, &names);
	diags_free(d);
	return names.found;
}

static void plain_texts(const struct look *k, const struct yaml_file *f, const struct ynode *n)
{
	if (n->is->kind == Y_SEQ || n->is->kind == Y_MAP) {
		bool map = n->is->kind == Y_MAP;
		for (uint32_t i = 0; i < n->is->n; i++)
			plain_texts(k, f, map ? &yaml_kids(n)[2 * i + 1] : &yaml_kids(n)[i]);
	} else if (n->is->kind == Y_STRING && !n->is->live && reads_something(k, f, n)) {
		struct diag *g = lint_add(k->m->l, f, yaml_mark(f, n), "W0910", "this is text, although it looks like an expression");
		if (g)
			diag_hint(g, "an expression stands in ${...}");
	}
}

static void look(void *ctx, const struct expr *x, bool certain)
{
	struct look *k = ctx;
	(void)certain;
	if (!x->o || !x->o->file)
		return;
	switch ((enum expr_kind)x->kind) {
	case X_YAML:
		plain_texts(k, x->o->file, x->yaml.node);
		break;
	case X_BINARY:
		if (x->op == OP_EQ || x->op == OP_NE)
			comparison(k, x);
		break;
	case X_COND:
		if (constant(x->cond.test))
			lint_add(k->m->l, x->o->file, expr_mark(x->cond.test), "W0904", "the condition is a constant: one branch is never taken");
		break;
	case X_FOR: case X_JOIN:
		if (x->shadows)
			lint_add(k->m->l, x->o->file, hiding_name(x), "W0909", "a variable of this loop hides another name");
		break;
	default:
		break;
	}
}

void lint_expr(struct module *m, const struct expr *x)
{
	if (x)
		expr_visit(x, look, &(struct look){ m });
}
