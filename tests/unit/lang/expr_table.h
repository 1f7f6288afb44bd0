/* expr_table - evaluates one expression for the tests: its JSON text, "unknown", "(sensitive) JSON", or "COLUMN CODE". */
#ifndef TESTS_EXPR_TABLE_H
#define TESTS_EXPR_TABLE_H

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/eval.h"
#include "lang/stack.h"

struct expr_row { const char *text, *want; };

static const struct val *table_value(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	struct arena *a = e->arena;
	const struct val *s = val_mark(a, val_string(a, "s"), true);
	if (strcmp(root, "t") != 0)
		name = "";
	if (strcmp(name, "unknown") == 0)
		return &val_unknown_dynamic;
	if (strcmp(name, "number") == 0)
		return val_unknown(a, &type_number);
	if (strcmp(name, "list") == 0)
		return val_unknown(a, type_list(a, &type_string));
	if (strcmp(name, "secret") == 0)
		return s;
	if (strcmp(name, "secrets") == 0)
		return val_mark(a, val_tuple(a, (const struct val *const[]){ val_string(a, "x") }, 1), true);
	if (strcmp(name, "flag") == 0)
		return val_mark(a, val_bool(true), true);
	eval_fail(e, x, "E0210", "there is no %s.%s", root, name);
	return NULL;
}

struct table_call { const char *text; size_t len; char *result; };

static void table_show(struct eval *e, const struct val *v, struct str *out)
{
	struct err err;
	if (!v) {
		autojson json_t *all = diags_json(e->d);
		const json_t *first = json_array_get(all, 0);
		if (first)
			str_addf(out, "%lld %s", (long long)json_int(first, "column", 0), json_str(first, "code"));
		return;
	}
	if (val_sensitive_deep(v))
		str_add(out, v->marks ? "(sensitive) " : "(sensitive inside) ");
	if (!val_known(v) && !val_is_null(v))
		str_add(out, "unknown");
	else if (!val_known_deep(v))
		str_add(out, "unknown inside");
	else if (val_write_json(v, 0, false, true, out, &err))
		str_add(out, err.msg);
}

static void table_body(void *arg)
{
	struct table_call *c = arg;
	autoarena struct arena *a = arena_new();
	autofree struct eval *e = xcalloc(1, sizeof(*e));
	struct source src = { "expr", c->text, c->len };
	struct origin o = { .src = &src, .text = c->text, .len = (uint32_t)c->len };
	autostr struct str out;
	str_init(&out, STR_OURS);
	e->arena = a;
	e->d = diags_new();
	e->dir = ".";
	e->resolve = table_value;
	struct expr *x = expr_parse(a, &o, e->d);
	const struct val *v = x ? eval_run(e, x) : NULL;
	table_show(e, v && eval_check_size(e, x, v) ? v : NULL, &out);
	diags_free(e->d);
	c->result = str_take(&out);
}

static char *table_eval(const char *text, size_t len)
{
	static struct stack *stack;
	struct table_call c = { text, len, NULL };
	if (!stack)
		stack = stack_new();
	stack_run(stack, table_body, &c);
	return c.result;
}

#endif
