#include "lang/eval_text.h"

#include <string.h>

#include "lang/module.h"

struct eval_text {
	struct lang *l;
	struct arena *arena;         /* of the latest expression */
	struct eval *e;
	const char **names;
};

struct eval_text *eval_text_new(struct lang *l)
{
	struct eval_text *t = xcalloc(1, sizeof(*t));
	t->l = l;
	t->e = xcalloc(1, sizeof(*t->e));
	return t;
}

void eval_text_free(struct eval_text *t)
{
	if (!t)
		return;
	arena_free(t->arena);
	free(t->e);
	free(t->names);
	free(t);
}

/* --- one expression --------------------------------------------------------------------------------------------------- */

/* What functions answer once a run outlives the expression that asked first. */
static void keep_memo(struct eval *to, const struct eval *from)
{
	for (size_t i = 0; i < ARRAY_LEN(from->memo) && from->memo[i].name; i++) {
		const struct val *v = from->memo[i].val;
		if (!to->memo[i].name && val_known(v) && val_kind(v) == T_STRING)
			to->memo[i] = (struct eval_memo){ from->memo[i].name, val_string_nfc(to->arena, v->str.s, v->str.len) };
	}
}

static void begin(struct eval_text *t, struct diags *d)
{
	struct lang *l = t->l;
	arena_free(t->arena);
	t->arena = arena_new();
	memset(t->e, 0, sizeof(*t->e));
	t->e->arena = t->arena;
	t->e->d = d;
	t->e->dir = l->dir;
	t->e->resolve = module_resolve;
	t->e->ctx = l;
	memcpy(t->e->memo, l->e->memo, sizeof(t->e->memo));
}

struct asked { struct eval_text *t; const char *s, *where; size_t len; struct diags *d; const struct val *val; const struct type **type; };

static const struct val *evaluate(struct asked *a, const struct origin *o)
{
	struct eval_text *t = a->t;
	struct lang *l = t->l;
	struct deps deps = { 0 };
	const struct val *v = NULL;
	size_t errors = diags_errors(a->d);
	struct expr *x = expr_parse(t->arena, o, a->d);
	if (!x)
		return NULL;
	if (a->type && x->kind == X_CALL && x->call.n == 1 && strcmp(x->call.name, "type") == 0)
		x = x->call.args[0];
	else
		a->type = NULL;
	module_check_expr(l->root, x, &deps);
	if (diags_errors(a->d) == errors) {
		module_prepare(l, l->top, &deps);
		v = diags_errors(a->d) == errors ? eval_run(t->e, x) : NULL;
	}
	vec_free(&deps);
	return v && eval_check_size(t->e, x, v) ? v : NULL;
}

static void ask(void *arg)
{
	struct asked *a = arg;
	struct lang *l = a->t->l;
	struct diags *before = l->d, *before_e = l->e->d;
	char *text = arena_strndup(a->t->arena, a->s, a->len);
	struct source *src = arena_alloc(a->t->arena, sizeof(*src));
	struct origin *o = arena_alloc(a->t->arena, sizeof(*o));
	*src = (struct source){ a->where, text, a->len };
	*o = (struct origin){ .src = src, .text = text, .len = (uint32_t)a->len };
	l->d = l->e->d = a->d;
	module_enter(l, l->top);
	a->val = evaluate(a, o);
	l->d = before;
	l->e->d = before_e;
	keep_memo(l->e, a->t->e);
	if (a->val && a->type)
		*a->type = a->val->type;
}

const struct val *eval_text_ask(struct eval_text *t, const char *s, size_t len, const char *where, struct diags *d, const struct type **type)
{
	struct asked a = { t, s, where, len, d, NULL, type };
	if (type)
		*type = NULL;
	begin(t, d);
	if (len > UINT32_MAX / 2) {
		diag_add(d, "E0203", (struct mark){ 0 }, "the expression is too long");
		return NULL;
	}
	stack_run(t->l->stack, ask, &a);
	return a.val;
}

const struct val *eval_text_run(struct eval_text *t, const char *s, size_t len, const char *where, struct diags *d)
{
	return eval_text_ask(t, s, len, where, d, NULL);
}

struct arena *eval_text_arena(struct eval_text *t)
{
	return t->arena;
}

/* --- names --------------------------------------------------------------------------------------------------------------- */

const char *const *eval_text_names(struct eval_text *t)
{
	static const char *const paths[] = { "path.cwd", "path.module", "path.root" };
	struct module *m = t->l->root;
	if (t->names)
		return t->names;
	size_t n = 0;
	t->names = xcalloc(m->order.len + ARRAY_LEN(paths) + 1, sizeof(*t->names));
	for (size_t i = 0; i < m->order.len; i++)
		if (m->order.at[i]->kind != THING_OUTPUT)
			t->names[n++] = m->order.at[i]->id;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		t->names[n++] = paths[i];
	return t->names;
}
