/* eval_call - calls of functions, and the two that look at their arguments themselves. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lang/eval.h"

/* --- try, can ------------------------------------------------------------------------------------------------------ */

/* X without reports. *PENDING: what it gives depends on something that is not known yet. */
static const struct val *attempt(struct eval *e, struct expr *x, bool *pending)
{
	bool outer = e->met_unknown;
	e->met_unknown = false;
	e->quiet++;
	const struct val *v = eval(e, x);
	e->quiet--;
	*pending = e->met_unknown;
	e->met_unknown |= outer;
	return v;
}

static const struct val *call_can(struct eval *e, struct expr *x)
{
	bool pending;
	if (x->call.n != 1) {
		eval_fail(e, x, "E0214", "can() takes one argument");
		return NULL;
	}
	const struct val *v = attempt(e, x->call.args[0], &pending);
	if (e->steps > EVAL_STEPS)
		return NULL;
	return pending ? val_unknown(e->arena, &type_bool) : val_bool(v != NULL);
}

static const struct val *call_try(struct eval *e, struct expr *x)
{
	VEC(char *) why = { 0 };
	const struct val *v = NULL;
	bool pending = false;
	if (x->call.n == 0) {
		eval_fail(e, x, "E0214", "try() takes at least one argument");
		return NULL;
	}
	for (uint32_t i = 0; i < x->call.n && !v && !pending; i++) {
		v = attempt(e, x->call.args[i], &pending);
		if (!v && e->steps <= EVAL_STEPS)
			vec_push(&why, xstrdup(e->why));
	}
	if (pending)
		v = &val_unknown_dynamic;
	if (!v && e->steps <= EVAL_STEPS) {
		struct diag *g = eval_fail(e, x, "E0215", "no argument of try() could be evaluated");
		for (size_t i = 0; g && i < why.len; i++)
			diag_note(g, expr_mark(x->call.args[i]), "%s", why.at[i]);
	}
	for (size_t i = 0; i < why.len; i++)
		free(why.at[i]);
	vec_free(&why);
	return v;
}

/* --- arguments ----------------------------------------------------------------------------------------------------- */

struct args { VEC(const struct val *) vals; VEC(struct expr *) places; unsigned marked; bool unknown; };

static bool add_spread(struct eval *e, struct expr *x, const struct val *v, struct args *a)
{
	enum type_kind kind = val_kind(v);
	if (val_is_null(v) || (kind != T_DYNAMIC && kind != T_LIST && kind != T_SET && kind != T_TUPLE)) {
		eval_tell(eval_fail(e, x, "E0215", "in front of \"...\" stands a list"), x, "this", v);
		return false;
	}
	a->marked |= v->marks;
	if (!val_known(v)) {
		a->unknown = true;
		return true;
	}
	for (size_t i = 0; i < v->seq.len; i++) {
		vec_push(&a->vals, v->seq.at[i]);
		vec_push(&a->places, x);
	}
	return eval_step(e, x, v->seq.len);
}

static bool collect(struct eval *e, struct expr *x, struct args *a)
{
	bool ok = true;
	for (uint32_t i = 0; i < x->call.n; i++) {
		const struct val *v = eval(e, x->call.args[i]);
		if (!v) {
			ok = false;
		} else if (x->group && i + 1 == x->call.n) {
			ok &= add_spread(e, x->call.args[i], v, a);
		} else {
			vec_push(&a->vals, v);
			vec_push(&a->places, x->call.args[i]);
		}
	}
	return ok;
}

static void report_count(struct eval *e, struct expr *x, const struct func *f, size_t least, size_t most, size_t n)
{
	autostr struct str s;
	str_init(&s, 1000);
	for (size_t i = 0; f->params[i].name; i++)
		str_addf(&s, "%s%s%s", i ? ", " : "", f->params[i].name, f->params[i].flags & PARAM_REST ? "..." : f->params[i].flags & PARAM_OPTIONAL ? "?" : "");
	struct diag *g = eval_fail(e, x, "E0214", "%s() takes %s%zu argument%s, not %zu", f->name,
				   n < least && most > least ? "at least " : n > most && most > least ? "at most " : "",
				   n < least ? least : most, (n < least ? least : most) == 1 ? "" : "s", n);
	if (g)
		diag_note(g, (struct mark){ 0 }, "%s(%s)", f->name, s.at);
}

static bool count_fits(struct eval *e, struct expr *x, const struct func *f, size_t n)
{
	size_t least = 0, most = 0;
	for (size_t i = 0; f->params[i].name; i++) {
		if (f->params[i].flags & PARAM_REST)
			most = SIZE_MAX;
		else
			most++;
		if (!(f->params[i].flags & (PARAM_REST | PARAM_OPTIONAL)))
			least++;
	}
	if (n >= least && n <= most)
		return true;
	report_count(e, x, f, least, most, n);
	return false;
}

static const struct val *converted(struct eval *e, const struct val *v, const struct type *t, struct err *err)
{
	const struct val *out;
	if (t->kind == T_DYNAMIC || v->type == t)
		return v;
	struct eval_converted *c = &e->converted[(((uintptr_t)v >> 4) ^ ((uintptr_t)t >> 3)) % ARRAY_LEN(e->converted)];
	if (c->from == v && c->type == t)
		return c->to;
	if (val_convert(e->arena, v, t, &out, err))
		return NULL;
	*c = (struct eval_converted){ v, out, t };
	return out;
}

/* Brings one argument into the shape its parameter wants. */
static bool fit(struct eval *e, const struct func *f, const struct func_param *p, struct expr *place, const struct val **v, struct args *a)
{
	struct eval_seen seen;
	struct err err;
	if (!eval_scan(e, place, *v, &seen))
		return false;
	if (val_is_null(*v) && !(p->flags & PARAM_NULL)) {
		eval_fail(e, place, "E0215", "%s() cannot take null for its argument \"%s\"", f->name, p->name);
		return false;
	}
	const struct val *raw = *v;
	if (seen.marks && !(p->flags & PARAM_MARKED)) {
		*v = val_unmark_deep(e->arena, *v);
		a->marked |= seen.marks;
	}
	*v = converted(e, *v, p->type, &err);
	if (!*v) {
		struct diag *g = eval_fail(e, place, "E0215", "%s() cannot take this for its argument \"%s\": %s", f->name, p->name, err.msg);
		eval_tell(g, place, "this", raw);
		return false;
	}
	if (p->flags & PARAM_PLAIN && val_known(*v) && strlen((*v)->str.s) != (*v)->str.len) {
		eval_fail(e, place, "E0215", "%s() cannot take a NUL character in its argument \"%s\"", f->name, p->name);
		return false;
	}
	if (!val_known(*v) && !val_is_null(*v) && !(p->flags & PARAM_UNKNOWN)) {
		a->unknown = true;
		a->marked |= seen.marks;     /* nobody else looks at them then */
	}
	return true;
}

static const struct val *remembered(struct eval *e, const struct func *f, const struct val *v)
{
	for (size_t i = 0; i < ARRAY_LEN(e->memo); i++) {
		if (e->memo[i].name && strcmp(e->memo[i].name, f->name) == 0)
			return e->memo[i].val;
		if (!e->memo[i].name && v) {
			e->memo[i] = (struct eval_memo){ f->name, v };
			return v;
		}
	}
	return v;
}

static const struct val *run(struct eval *e, struct expr *x, const struct func *f, struct args *a)
{
	struct func_call c = { .arena = e->arena, .args = a->vals.at, .n = a->vals.len, .dir = e->dir, .eval = e, .bad_arg = SIZE_MAX,
			       .may_work = e->steps < EVAL_STEPS ? EVAL_STEPS - e->steps : 0 };
	const struct val *out = NULL;
	struct err err = { 0 };
	bool once = f->flags & FUNC_IMPURE && c.n == 0;
	if (once && (out = remembered(e, f, NULL)))
		return out;
	int rc = f->fn(&c, &out, &err);
	if (!eval_step(e, x, c.work))
		return NULL;
	if (rc) {
		struct expr *place = c.bad_arg < a->places.len ? a->places.at[c.bad_arg] : x;
		struct diag *g = eval_fail(e, place, "E0215", "%s(): %s", f->name, err.msg);
		if (c.bad_arg < a->vals.len && place->kind != X_VALUE)
			eval_note_value(g, "this", val_mark(e->arena, a->vals.at[c.bad_arg], a->vals.at[c.bad_arg]->marks | a->marked));
		for (size_t i = 0; i < a->vals.len; i++)
			eval_operand(g, a->places.at[i], val_mark(e->arena, a->vals.at[i], a->vals.at[i]->marks | a->marked));
		return NULL;
	}
	struct eval_seen seen;
	if (val_known(out) && val_kind(out) == T_STRING && !eval_step(e, x, out->str.len / 8))
		return NULL;
	if (!eval_scan(e, x, out, &seen))
		return NULL;
	return once ? remembered(e, f, out) : out;
}

static const struct val *call(struct eval *e, struct expr *x, const struct func *f, struct args *a)
{
	bool ok = collect(e, x, a);
	if (!ok)
		return NULL;
	const struct type *t = f->result ? f->result : &type_dynamic;
	if (a->unknown)                              /* how many arguments there are is not known */
		return val_mark(e->arena, val_unknown(e->arena, t), a->marked);
	if (!count_fits(e, x, f, a->vals.len))
		return NULL;
	const struct func_param *p = f->params;
	for (size_t i = 0; i < a->vals.len; i++) {
		ok &= fit(e, f, p, a->places.at[i], &a->vals.at[i], a);
		if (!(p->flags & PARAM_REST))
			p++;
	}
	if (!ok)
		return NULL;
	const struct val *v = a->unknown ? val_unknown(e->arena, t) : run(e, x, f, a);
	return v ? val_mark(e->arena, v, v->marks | a->marked) : NULL;
}

const struct val *eval_call(struct eval *e, struct expr *x)
{
	const struct func *f = func_find(x->call.name);
	struct args a = { 0 };
	if (!f) {
		struct expr name = *x;
		name.len = (uint32_t)strlen(x->call.name);
		struct diag *g = eval_fail(e, &name, "E0213", "no function is called \"%s\"", x->call.name);
		if (g)
			diag_suggest(g, x->call.name, func_names());
		return NULL;
	}
	if (f->flags & FUNC_LAZY)
		return strcmp(f->name, "can") == 0 ? call_can(e, x) : call_try(e, x);
	const struct val *v = call(e, x, f, &a);
	vec_free(&a.vals);
	vec_free(&a.places);
	return v;
}
