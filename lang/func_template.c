/* Templates in files and strings, with variables of their own. */
#include "lang/func_util.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/eval.h"

static const struct val *no_references(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	eval_fail(e, x, "E0211", "\"%s.%s\" is not known in a template: it sees only the variables that are given to it", root, name);
	return NULL;
}

static bool is_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-");
	return *s && !s[n] && strchr(letters, s[0]);
}

static int check_vars(struct func_call *c, const struct val *vars, struct err *err)
{
	if (!func_is_map(vars))
		return func_fail(c, 1, err, "the variables are a map or an object, not %s", func_type_name(c, vars));
	if (vars->map.len > EXPR_TEMPLATE_NAMES)
		return func_fail(c, 1, err, "a template takes at most %d variables", EXPR_TEMPLATE_NAMES);
	for (size_t i = 0; i < vars->map.len; i++)
		if (!is_name(vars->map.at[i].key))
			return func_fail(c, 1, err, "\"%.100s\" is not the name of a variable: letters, digits, _ and -, and a letter first", vars->map.at[i].key);
	return 0;
}

/* The first mistake in D as the reason of the call's failure. */
static int mistake(struct func_call *c, size_t arg, const char *where, const struct diags *d, struct err *err)
{
	autojson json_t *all = diags_json(d);
	const json_t *first = json_array_get(all, 0);
	return func_fail(c, arg, err, "%s, line %lld, column %lld: %s", where, (long long)json_integer_value(json_object_get(first, "line")),
			 (long long)json_integer_value(json_object_get(first, "column")), json_string_value(json_object_get(first, "summary")));
}

/* As TEXT is evaluated on behalf of the caller: its budget, its memory, but no names and no slots of its own. */
static const struct val *evaluate(struct eval *outer, struct expr *x, const struct val *vars, struct diags *d)
{
	struct eval *e = xcalloc(1, sizeof(*e));
	e->arena = outer->arena;
	e->d = d;
	e->dir = outer->dir;
	e->resolve = no_references;
	e->steps = outer->steps;
	e->in_template = true;
	memcpy(e->memo, outer->memo, sizeof(e->memo));
	for (size_t i = 0; i < vars->map.len; i++)
		e->slots[i] = vars->map.at[i].val;
	const struct val *v = eval(e, x);
	v = v && eval_check_size(e, x, v) ? v : NULL;
	outer->steps = e->steps;
	memcpy(outer->memo, e->memo, sizeof(e->memo));
	free(e);
	return v;
}

static int render(struct func_call *c, const char *where, const char *text, size_t len, const struct val **out, struct err *err)
{
	const struct val *vars = c->args[1];
	if (!c->eval || c->eval->in_template)
		return func_fail(c, SIZE_MAX, err, "a template cannot call templatefile() or templatestring()");
	if (check_vars(c, vars, err))
		return E_INPUT;
	struct diags *d = diags_new();
	struct source *src = arena_alloc(c->arena, sizeof(*src));
	struct origin *o = arena_alloc(c->arena, sizeof(*o));
	*src = (struct source){ where, text, len };
	*o = (struct origin){ .src = src, .text = text, .len = (uint32_t)len };
	struct expr *x = expr_parse_template_of(c->arena, o, vars->map.at, vars->map.len, d);
	*out = x ? evaluate(c->eval, x, vars, d) : NULL;
	int rc = *out ? 0 : mistake(c, 0, where, d, err);
	diags_free(d);
	return rc;
}

int fn_templatefile(struct func_call *c, const struct val **out, struct err *err)
{
	autofree char *text = NULL;
	size_t len;
	int rc = func_read_file(c, 0, &text, &len, err);
	if (rc)
		return rc;
	if (!func_is_utf8(text, len))
		return func_fail(c, 0, err, "the file is not UTF-8 text");
	return render(c, c->args[0]->str.s, arena_strndup(c->arena, text, len), len, out, err);
}

int fn_templatestring(struct func_call *c, const struct val **out, struct err *err)
{
	return render(c, "the template", c->args[0]->str.s, c->args[0]->str.len, out, err);
}
