/* eval_ops - operators and conditions. */
#include <string.h>

#include "lang/eval.h"
#include "lang/num.h"

static const char *const names[] = { "||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "-", "!" };

/* What OP works on, for the diagnostic G; NULL: not evaluated. */
static void tell_both(struct diag *g, const struct expr *op, const struct val *l, const struct val *r)
{
	eval_operand(g, op->bin.l, l);
	eval_operand(g, op->bin.r, r);
}

/* One side of OP, V, as an operand of type T: NULL after a report. L and R are what is told. */
static const struct val *operand(struct eval *e, const struct expr *op, const struct expr *x, const struct val *v, const struct type *t,
				 const struct val *l, const struct val *r)
{
	struct err err;
	const struct val *out;
	const char *want = t->kind == T_BOOL ? "a bool" : "a number";
	if (val_is_null(v)) {
		tell_both(eval_fail(e, x, "E0216", "\"%s\" works on %ss, this is null", names[op->op], want + 2), op, l, r);
		return NULL;
	}
	if (val_convert(e->arena, v, t, &out, &err) == 0)
		return out;
	struct diag *g = eval_fail(e, x, "E0216", "\"%s\" works on %ss", names[op->op], want + 2);
	eval_note_value(g, "this", v);
	tell_both(g, op, l, r);
	if (g && op->op == OP_ADD && val_kind(v) == T_STRING)
		diag_hint(g, "texts are joined as in \"${a}${b}\"");
	else if (g && op->op == OP_ADD && (val_kind(v) == T_LIST || val_kind(v) == T_TUPLE))
		diag_hint(g, "lists are joined by concat()");
	else if (g && op->op == OP_ADD && (val_kind(v) == T_MAP || val_kind(v) == T_OBJECT))
		diag_hint(g, "maps are joined by merge()");
	return NULL;
}

/* --- arithmetic ---------------------------------------------------------------------------------------------------- */

static bool small_result(enum expr_op op, int64_t a, int64_t b, int64_t *out)
{
	switch (op) {
	case OP_ADD: return !__builtin_add_overflow(a, b, out);
	case OP_SUB: return !__builtin_sub_overflow(a, b, out);
	case OP_MUL: return (a != 0 && b != 0) ? !__builtin_mul_overflow(a, b, out) : (a >= 0 && b >= 0 ? (*out = 0, true) : false);
	case OP_DIV: return b != 0 && b != -1 && a != 0 && a % b == 0 ? (*out = a / b, true) : false;
	case OP_MOD: return b > 0 && a > 0 ? (*out = a % b, true) : false;
	default: return false;
	}
}

/* a - b * trunc(a / b), as Terraform computes it; a when b is zero. */
static void modulo(mpfr_ptr out, mpfr_srcptr a, mpfr_srcptr b)
{
	struct num_temp q;
	mpfr_ptr t = num_temp(&q);
	if (mpfr_zero_p(b)) {
		mpfr_set(out, a, MPFR_RNDN);
		return;
	}
	mpfr_div(t, a, b, MPFR_RNDN);
	mpfr_trunc(t, t);
	mpfr_mul(t, t, b, MPFR_RNDN);
	mpfr_sub(out, a, t, MPFR_RNDN);
}

static const struct val *arithmetic(struct eval *e, const struct expr *x, const struct val *l, const struct val *r)
{
	int64_t small;
	if (l->form == NUM_INT && r->form == NUM_INT && small_result(x->op, l->i, r->i, &small))
		return val_int(e->arena, small);
	struct num_temp ta, tb, tc;
	mpfr_ptr a = num_temp_of(&ta, l), b = num_temp_of(&tb, r), c = num_temp(&tc);
	if (x->op == OP_DIV && mpfr_zero_p(b)) {
		struct diag *g = eval_fail(e, x->bin.r, "E0225", "this divides by zero");
		eval_note_value(g, "the left side", l);
		tell_both(g, x, l, r);
		return NULL;
	}
	switch ((enum expr_op)x->op) {
	case OP_ADD: mpfr_add(c, a, b, MPFR_RNDN); break;
	case OP_SUB: mpfr_sub(c, a, b, MPFR_RNDN); break;
	case OP_MUL: mpfr_mul(c, a, b, MPFR_RNDN); break;
	case OP_DIV: mpfr_div(c, a, b, MPFR_RNDN); break;
	default: modulo(c, a, b); break;
	}
	const struct val *out;
	struct err err;
	if (num_result(e->arena, c, &out, &err)) {
		struct diag *g = eval_fail(e, x, "E0225", "the result is too large a number");
		tell_both(g, x, l, r);
		return NULL;
	}
	return out;
}

static const struct val *compare(enum expr_op op, const struct val *l, const struct val *r)
{
	int c = num_cmp(l, r);
	return val_bool(op == OP_LT ? c < 0 : op == OP_LE ? c <= 0 : op == OP_GT ? c > 0 : c >= 0);
}

/* --- logic ------------------------------------------------------------------------------------------------------- */

/* && and ||: the right side is looked at only when the left one does not decide. */
static const struct val *logic(struct eval *e, struct expr *x, const struct val *left)
{
	bool decides = x->op == OP_OR;
	unsigned marked = left->marks;
	const struct val *l = operand(e, x, x->bin.l, left, &type_bool, left, NULL), *r;
	if (!l)
		return NULL;
	if (val_known(l) && l->b == decides)
		return val_mark(e->arena, val_bool(decides), marked);
	r = eval(e, x->bin.r);
	if (r)
		r = operand(e, x, x->bin.r, r, &type_bool, left, r);
	if (!r)
		return NULL;
	marked |= r->marks;
	if (val_known(r) && (r->b == decides || val_known(l)))
		return val_mark(e->arena, val_bool(r->b), marked);
	return val_mark(e->arena, val_unknown(e->arena, &type_bool), marked);
}

static const struct val *equality(struct eval *e, struct expr *x, const struct val *l, const struct val *r)
{
	unsigned marked = eval_sensitive(e, l) | eval_sensitive(e, r);
	const struct val *v = val_equal(e->arena, l, r);
	if (x->op == OP_NE && val_known(v))
		v = val_bool(!v->b);
	return val_mark(e->arena, v, marked);
}

static const struct val *apply(struct eval *e, struct expr *x, const struct val *l)
{
	if (x->op == OP_OR || x->op == OP_AND)
		return logic(e, x, l);
	const struct val *r = eval(e, x->bin.r);
	if (!r)
		return NULL;
	if (x->op == OP_EQ || x->op == OP_NE)
		return equality(e, x, l, r);
	bool order = x->op >= OP_LT && x->op <= OP_GE;
	unsigned marked = l->marks | r->marks;
	const struct val *a = operand(e, x, x->bin.l, l, &type_number, l, r), *b = operand(e, x, x->bin.r, r, &type_number, l, r);
	if (!a || !b)
		return NULL;
	if (!val_known(a) || !val_known(b))
		return val_mark(e->arena, val_unknown(e->arena, order ? &type_bool : &type_number), marked);
	const struct val *v = order ? compare(x->op, a, b) : arithmetic(e, x, a, b);
	return v ? val_mark(e->arena, v, marked) : NULL;
}

const struct val *eval_operator(struct eval *e, struct expr *x)
{
	const struct val *l = eval(e, x->bin.l);
	return l ? apply(e, x, l) : NULL;
}

const struct val *eval_unary(struct eval *e, struct expr *x)
{
	const struct val *v = eval(e, x->bin.l), *n;
	const struct type *t = x->op == OP_NOT ? &type_bool : &type_number;
	if (!v || !(n = operand(e, x, x->bin.l, v, t, v, NULL)))
		return NULL;
	unsigned marked = v->marks;
	if (!val_known(n))
		return val_mark(e->arena, val_unknown(e->arena, t), marked);
	if (x->op == OP_NOT)
		return val_mark(e->arena, val_bool(!n->b), marked);
	if (n->form == NUM_INT && n->i != 0 && n->i != INT64_MIN)
		return val_mark(e->arena, val_int(e->arena, -n->i), marked);
	struct num_temp temp;
	mpfr_ptr m = num_temp_of(&temp, n);
	mpfr_neg(m, m, MPFR_RNDN);
	return val_mark(e->arena, val_big(e->arena, m), marked);
}

/* --- conditions ---------------------------------------------------------------------------------------------------- */

bool eval_test(struct eval *e, struct expr *x, const char *what, const struct val **out, unsigned *marked)
{
	struct err err;
	const struct val *v = eval(e, x), *b;
	*out = NULL;
	if (!v)
		return false;
	*marked |= v->marks;
	if (val_is_null(v)) {
		eval_operand(eval_fail(e, x, "E0217", "%s is true or false, not null", what), x, v);
		return false;
	}
	if (val_convert(e->arena, v, &type_bool, &b, &err)) {
		eval_tell(eval_fail(e, x, "E0217", "%s is true or false", what), x, "this", v);
		return false;
	}
	if (val_known(b))
		*out = b;
	return true;
}

static const struct type *form_type(struct eval *e, struct expr *x);

/* The type that X has, or where it fails, would have as far as its form tells. */
static const struct type *likely_type(struct eval *e, struct expr *x)
{
	const struct val *v = eval(e, x);
	return v ? v->type : form_type(e, x);
}

static const struct type *tuple_form(struct eval *e, struct expr *x)
{
	const struct type **items = arena_array(e->arena, x->list.n, sizeof(*items));
	struct expr_constant room;
	for (uint32_t i = 0; i < x->list.n; i++)
		items[i] = likely_type(e, expr_item(x, i, &room));
	return type_tuple(e->arena, items, x->list.n);
}

static const struct type *object_form(struct eval *e, struct expr *x)
{
	struct type_field *fields = arena_array(e->arena, x->object.n, sizeof(*fields));
	struct expr_constant room;
	for (uint32_t i = 0; i < x->object.n; i++) {
		const struct val *key = eval(e, expr_item_key(x, i, &room));
		if (!key || !val_known(key) || val_kind(key) != T_STRING)
			return &type_dynamic;
		fields[i] = (struct type_field){ .name = key->str.s, .type = likely_type(e, expr_item_val(x, i, &room)) };
	}
	return type_object(e->arena, fields, x->object.n);
}

/* What a failed X would have been, quietly. */
static const struct type *form_type(struct eval *e, struct expr *x)
{
	if (x->kind == X_TUPLE)
		return tuple_form(e, x);
	if (x->kind == X_OBJECT)
		return object_form(e, x);
	if (x->kind == X_TEMPLATE || x->kind == X_JOIN)
		return &type_string;
	if (x->kind != X_BINARY && x->kind != X_UNARY)
		return &type_dynamic;
	return (x->op >= OP_ADD && x->op <= OP_NEG) ? &type_number : &type_bool;
}

/* Do the members of a tuple or an object have a type in common? *NULLS: one is a null of no type. */
static bool members_agree(struct eval *e, const struct type *t, bool *nulls)
{
	const struct type **all = arena_array(e->arena, t->n, sizeof(*all));
	for (size_t i = 0; i < t->n; i++) {
		all[i] = type_item(t, i);
		*nulls |= all[i]->kind == T_DYNAMIC;
	}
	return type_unify(e->arena, all, t->n) != NULL;
}

static bool same_shape(const struct type *x, const struct type *y)
{
	bool same = x->n == y->n;
	for (size_t i = 0; same && x->kind == T_OBJECT && i < x->n; i++)
		same = strcmp(type_field(x, i).name, type_field(y, i).name) == 0;
	return same;
}

/* With a null of no type among them, tuples and objects of different shape are lists and maps, each of what its own members are. */
static const struct type *loose_type(struct eval *e, const struct type *yes, const struct type *no)
{
	bool nulls = false, alike = yes->kind == no->kind && (yes->kind == T_OBJECT || yes->kind == T_TUPLE);
	if (!alike || same_shape(yes, no) || !members_agree(e, yes, &nulls) || !members_agree(e, no, &nulls) || !nulls)
		return NULL;
	return yes->kind == T_OBJECT ? type_map(e->arena, &type_dynamic) : type_list(e->arena, &type_dynamic);
}

/* The type both results take, YES_IS and NO_IS where they could be evaluated; NULL after a report. A plain null takes any. */
static const struct type *common_type(struct eval *e, struct expr *x, const struct type *yes, const struct type *no,
				      const struct val *yes_is, const struct val *no_is)
{
	if (yes->kind == T_DYNAMIC || type_same(yes, no))
		return no;
	if (no->kind == T_DYNAMIC)
		return yes;
	const struct type *t = type_unify(e->arena, (const struct type *const[]){ yes, no }, 2);
	bool loses = t && t->kind == T_OBJECT && ((yes->kind == T_OBJECT && yes->n != t->n) || (no->kind == T_OBJECT && no->n != t->n));
	if (t && !loses)                     /* no attribute is ever dropped to make the two alike */
		return t;
	if ((t = loose_type(e, yes, no)) != NULL)
		return t;
	struct diag *g = eval_fail(e, x, "E0217", "the two results of a condition must be of one type");
	if (g) {
		autostr struct str s;
		str_init(&s, 4096);
		type_describe(yes, &s);
		str_add(&s, ", the second ");
		type_describe(no, &s);
		diag_note(g, (struct mark){ 0 }, "the first is %s", s.at);
		eval_operand(g, x->cond.yes, yes_is);
		eval_operand(g, x->cond.no, no_is);
	}
	return NULL;
}

/* The type of a result, or where it failed, what its form tells; dynamic where nothing is known. */
static const struct type *result_type(struct eval *e, struct expr *x, const struct val *v)
{
	if (v)
		return v->type;
	e->quiet++;
	const struct type *t = form_type(e, x);
	e->quiet--;
	return t;
}

/* A branch that is not taken matters for its type only; it may fail. */
static const struct val *not_taken(struct eval *e, struct expr *x)
{
	e->quiet++;
	const struct val *v = eval(e, x);
	e->quiet--;
	return v;
}

const struct val *eval_cond(struct eval *e, struct expr *x)
{
	const struct val *test, *yes, *no, *out;
	const struct type *t;
	unsigned marked = 0;
	struct err err;
	if (!eval_test(e, x->cond.test, "a condition", &test, &marked))
		return NULL;
	yes = test && !test->b ? not_taken(e, x->cond.yes) : eval(e, x->cond.yes);
	no = test && test->b ? not_taken(e, x->cond.no) : eval(e, x->cond.no);
	if (test ? !(test->b ? yes : no) : !yes || !no)
		return NULL;
	t = common_type(e, x, result_type(e, x->cond.yes, yes), result_type(e, x->cond.no, no), yes, no);
	if (!t)
		return NULL;
	if (!test)
		return val_mark(e->arena, val_unknown(e->arena, t), marked | eval_sensitive(e, yes) | eval_sensitive(e, no));
	struct expr *taken = test->b ? x->cond.yes : x->cond.no;
	const struct val *v = test->b ? yes : no;
	if (t != v->type && val_convert(e->arena, v, t, &out, &err)) {
		eval_fail(e, taken, "E0217", "this cannot take the type of the other result: %s", err.msg);
		return NULL;
	}
	/* Which one was taken may tell as much as the other one's value. */
	marked |= (yes ? yes->marks : 0u) | (no ? no->marks : 0u);
	return val_mark(e->arena, t == v->type ? v : out, marked);
}
