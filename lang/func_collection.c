/* Functions on lists, maps and their kin. Rows that take marked arguments keep marks on members where they are. */
#include "lang/func_util.h"

#include <stdlib.h>
#include <string.h>

static int want_seq(struct func_call *c, size_t arg, const char *what, struct err *err)
{
	return func_fail(c, arg, err, "%s is required, have %s", what, func_type_name(c, c->args[arg]));
}

/* --- looking at -------------------------------------------------------------------------------------------------- */
int fn_length(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *v = c->args[0];
	size_t n = 0;
	if (v->state == VAL_UNKNOWN || val_open_set(v)) {
		*out = func_marked(c, val_unknown(c->arena, &type_number));
		return 0;
	}
	if (val_kind(v) == T_STRING) {
		for (size_t i = 0; i < v->str.len; i += func_grapheme(v->str.s + i, v->str.len - i))
			n++;
	} else if (func_is_seq(v) || func_is_map(v)) {
		n = val_len(v);
	} else {
		return want_seq(c, 0, "a string, list, set or map", err);
	}
	*out = func_marked(c, val_int(c->arena, (int64_t)n));
	return 0;
}

int fn_keys(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *m = c->args[0];
	if (!func_is_map(m))
		return want_seq(c, 0, "a map or object", err);
	const struct val **at = arena_array(c->arena, m->map.len, sizeof(*at));
	for (size_t i = 0; i < m->map.len; i++)
		at[i] = val_string_nfc(c->arena, m->map.at[i].key, strlen(m->map.at[i].key));
	*out = func_marked(c, val_kind(m) == T_MAP ? func_strings(c, at, m->map.len) : val_tuple(c->arena, at, m->map.len));
	return 0;
}

int fn_values(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *m = c->args[0];
	if (!func_is_map(m))
		return want_seq(c, 0, "a map or object", err);
	const struct val **at = arena_array(c->arena, m->map.len, sizeof(*at));
	for (size_t i = 0; i < m->map.len; i++)
		at[i] = m->map.at[i].val;
	*out = func_marked(c, val_kind(m) == T_MAP ? val_list(c->arena, m->type->elem, at, m->map.len) : val_tuple(c->arena, at, m->map.len));
	return 0;
}

int fn_lookup(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *m = c->args[0], *v;
	if (!func_is_map(m))
		return want_seq(c, 0, "a map or object", err);
	v = strlen(c->args[1]->str.s) == c->args[1]->str.len ? val_get(m, c->args[1]->str.s) : NULL;
	if (!v && c->n < 3)
		return c->args[1]->marks ? func_fail(c, 1, err, "the map has no such key") :
			func_fail(c, 1, err, "the map has no key \"%.200s\", and there is no default", c->args[1]->str.s);
	const struct val *other = c->n < 3 ? NULL : c->args[2];
	if (other && val_kind(m) == T_MAP && val_convert(c->arena, other, m->type->elem, &other, err)) {
		c->bad_arg = 2;
		return err_wrap(err, "the default must be of the type of the map's elements");
	}
	v = v ? v : other;
	unsigned marked = m->marks | c->args[1]->marks;
	*out = val_mark(c->arena, v, v->marks | marked);
	return 0;
}

int fn_element(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	int64_t i, n = (int64_t)val_len(list);
	if (!func_is_seq(list) || val_kind(list) == T_SET)
		return want_seq(c, 0, "a list or tuple", err);
	if (!val_to_int64(c->args[1], &i))
		return func_fail(c, 1, err, "a whole number is required");
	if (!n)
		return func_fail(c, 0, err, "an empty list has no element");
	const struct val *v = list->seq.at[(i % n + n) % n];
	*out = val_mark(c->arena, v, v->marks | list->marks | c->args[1]->marks);
	return 0;
}

int fn_index(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	if (!func_is_seq(list) || val_kind(list) == T_SET)
		return want_seq(c, 0, "a list or tuple", err);
	for (size_t i = 0; i < list->seq.len; i++) {
		const struct val *same = val_equal(c->arena, list->seq.at[i], c->args[1]);
		if (!val_known(same) || same->b) {
			*out = val_known(same) ? val_int(c->arena, (int64_t)i) : val_unknown(c->arena, &type_number);
			return 0;
		}
	}
	return func_fail(c, 1, err, "the list does not hold this value");
}

int fn_contains(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	bool maybe = false;
	if (!func_is_seq(list))
		return want_seq(c, 0, "a list, set or tuple", err);
	for (size_t i = 0; i < list->seq.len; i++) {
		const struct val *same = val_equal(c->arena, list->seq.at[i], c->args[1]);
		maybe = maybe || !val_known(same);
		if (val_known(same) && same->b) {
			*out = &val_true;
			return 0;
		}
	}
	*out = maybe ? val_unknown(c->arena, &type_bool) : &val_false;
	return 0;
}

static int all_or_any(struct func_call *c, bool stop, const struct val **out)
{
	const struct val *list = c->args[0];
	bool maybe = false;
	for (size_t i = 0; i < list->seq.len; i++) {
		const struct val *v = list->seq.at[i];
		maybe = maybe || v->state == VAL_UNKNOWN;
		if (v->state == VAL_NULL ? !stop : val_known(v) && v->b == stop) {
			*out = val_bool(stop);
			return 0;
		}
	}
	*out = maybe ? val_unknown(c->arena, &type_bool) : val_bool(!stop);
	return 0;
}

int fn_alltrue(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	return all_or_any(c, false, out);
}

int fn_anytrue(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	return all_or_any(c, true, out);
}

int fn_one(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	if (!func_is_seq(list))
		return want_seq(c, 0, "a list, set or tuple", err);
	if (val_open_set(list)) {
		*out = val_unknown(c->arena, list->type->elem);
		return 0;
	}
	if (list->seq.len > 1)
		return func_fail(c, 0, err, "a list of none or one element is required, have %u", list->seq.len);
	*out = list->seq.len ? list->seq.at[0] : val_null(c->arena, val_kind(list) == T_TUPLE ? &type_dynamic : list->type->elem);
	return 0;
}

/* Beside a null of no type, arguments of no common type stay as they are, unless all are tuples and objects (as in Terraform). */
static bool may_differ(const struct func_call *c)
{
	bool null = false, other = false;
	for (size_t i = 0; i < c->n; i++) {
		enum type_kind k = val_kind(c->args[i]);
		null |= k == T_DYNAMIC;
		other |= k != T_DYNAMIC && k != T_TUPLE && k != T_OBJECT;
	}
	return null && other;
}

int fn_coalesce(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val **at = arena_array(c->arena, c->n, sizeof(*at));
	const struct type *t;
	if (!c->n)
		return func_fail(c, SIZE_MAX, err, "at least one argument is required");
	memcpy(at, c->args, c->n * sizeof(*at));
	if (func_unify(c, SIZE_MAX, at, c->n, &t, err)) {
		if (!may_differ(c))
			return func_fail(c, SIZE_MAX, err, "all arguments must have the same type");
		memcpy(at, c->args, c->n * sizeof(*at));
		t = &type_dynamic;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (val_is_null(at[i]) || (val_known(at[i]) && val_kind(at[i]) == T_STRING && !at[i]->str.len))
			continue;
		*out = val_known(at[i]) ? at[i] : val_mark(c->arena, val_unknown(c->arena, t), at[i]->marks);
		return 0;
	}
	return func_fail(c, SIZE_MAX, err, "every argument is null or an empty string");
}

int fn_coalescelist(struct func_call *c, const struct val **out, struct err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		enum type_kind kind = val_kind(c->args[i]);
		if (kind != T_LIST && kind != T_TUPLE && c->args[i]->state != VAL_UNKNOWN)
			return want_seq(c, i, "a list or tuple", err);
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct val *v = c->args[i];
		if (v->state == VAL_UNKNOWN) {
			*out = &val_unknown_dynamic;
			return 0;
		}
		if (val_is_null(v))
			continue;
		if (val_len(v)) {
			*out = v;
			return 0;
		}
	}
	return func_fail(c, SIZE_MAX, err, "every argument is null or empty");
}

/* --- putting together ---------------------------------------------------------------------------------------------- */
int fn_concat(struct func_call *c, const struct val **out, struct err *err)
{
	bool lists = true;
	size_t n = 0, at_n = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (!func_is_seq(c->args[i]) || val_kind(c->args[i]) == T_SET)
			return want_seq(c, i, "a list or tuple", err);
		lists = lists && val_kind(c->args[i]) == T_LIST;
		n += c->args[i]->seq.len;
	}
	if (!c->n || n > FUNC_ELEMS)
		return func_fail(c, SIZE_MAX, err, c->n ? "the result has too many elements" : "at least one argument is required");
	const struct val **at = arena_array(c->arena, n, sizeof(*at));
	for (size_t i = 0; i < c->n; i++) {
		if (c->args[i]->seq.len)
			memcpy(at + at_n, c->args[i]->seq.at, c->args[i]->seq.len * sizeof(*at));
		at_n += c->args[i]->seq.len;
	}
	if (lists) {
		const struct type **types = arena_array(c->arena, c->n, sizeof(*types));
		for (size_t i = 0; i < c->n; i++)
			types[i] = c->args[i]->type->elem;
		const struct type *elem = type_unify(c->arena, types, c->n);
		if (elem) {
			for (size_t i = 0; i < n; i++)
				if (val_convert(c->arena, at[i], elem, &at[i], err))
					return err_wrap(err, "element %zu", i);
			*out = func_marked(c, val_list(c->arena, elem, at, n));
			return 0;
		}
	}
	*out = func_marked(c, val_tuple(c->arena, at, n));
	return 0;
}

/* Lists, sets and tuples opened at every depth, into OUT (or counted when OUT is NULL). false: an unknown whose members
 * cannot be counted. */
static bool flatten(const struct val *v, const struct val **out, size_t *n, unsigned *marked)
{
	*marked |= v->marks;
	if (val_open_set(v))
		return false;
	for (size_t i = 0; i < v->seq.len; i++) {
		const struct val *m = v->seq.at[i];
		enum type_kind k = val_kind(m);
		if (func_is_seq(m)) {
			if (!flatten(m, out, n, marked))
				return false;
			continue;
		}
		if (m->state == VAL_UNKNOWN && (k == T_DYNAMIC || k == T_LIST || k == T_SET || k == T_TUPLE))
			return false;
		if (out)
			out[*n] = m;
		++*n;
	}
	return true;
}

int fn_flatten(struct func_call *c, const struct val **out, struct err *err)
{
	size_t n = 0, room = 0;
	unsigned marked = 0;
	if (!func_is_seq(c->args[0]))
		return want_seq(c, 0, "a list, set or tuple", err);
	if (!flatten(c->args[0], NULL, &room, &marked)) {
		*out = val_mark(c->arena, &val_unknown_dynamic, marked);
		return 0;
	}
	if (room > FUNC_ELEMS)
		return func_fail(c, 0, err, "the result has too many elements");
	const struct val **at = arena_array(c->arena, room, sizeof(*at));
	flatten(c->args[0], at, &n, &marked);
	*out = val_mark(c->arena, val_tuple(c->arena, at, n), marked);
	return 0;
}

/* *ELEM: where all are maps of one type, which a null has too; else NULL, and an object is made. */
static int merge_size(struct func_call *c, size_t *n, const struct type **elem, struct err *err)
{
	*n = 0;
	*elem = c->n && val_kind(c->args[0]) == T_MAP ? c->args[0]->type->elem : NULL;
	for (size_t i = 0; i < c->n; i++) {
		const struct val *m = c->args[i];
		if (!type_same(m->type, c->args[0]->type))
			*elem = NULL;
		if (val_is_null(m) && (val_kind(m) == T_DYNAMIC || val_kind(m) == T_MAP || val_kind(m) == T_OBJECT))
			continue;
		if (!func_is_map(m))
			return want_seq(c, i, "a map or object", err);
		*n += m->map.len;
	}
	return *n > FUNC_ELEMS ? func_fail(c, SIZE_MAX, err, "the result has too many elements") : 0;
}

int fn_merge(struct func_call *c, const struct val **out, struct err *err)
{
	size_t n, at = 0;
	const struct type *elem;
	int rc = merge_size(c, &n, &elem, err);
	if (rc)
		return rc;
	struct val_entry *e = arena_array(c->arena, n, sizeof(*e));
	for (size_t i = 0; i < c->n; i++) {
		if (val_is_null(c->args[i]))
			continue;
		if (c->args[i]->map.len)
			memcpy(e + at, c->args[i]->map.at, c->args[i]->map.len * sizeof(*e));
		at += c->args[i]->map.len;
	}
	*out = func_marked(c, elem ? val_map(c->arena, elem, e, n) : val_object(c->arena, e, n));
	return 0;
}

/* Members of both, at every depth where both are maps or objects; else Y's. Two sorted arrays, merged. */
static const struct val *deep_merge(struct arena *a, const struct val *x, const struct val *y)
{
	if (!func_is_map(x) || !func_is_map(y))
		return y;
	struct val_entry *e = arena_array(a, x->map.len + y->map.len, sizeof(*e));
	size_t i = 0, k = 0, n = 0;
	while (i < x->map.len || k < y->map.len) {
		int cmp = i == x->map.len ? 1 : k == y->map.len ? -1 : strcmp(x->map.at[i].key, y->map.at[k].key);
		if (cmp < 0) {
			e[n++] = x->map.at[i++];
		} else if (cmp > 0) {
			e[n++] = y->map.at[k++];
		} else {
			e[n++] = (struct val_entry){ x->map.at[i].key, deep_merge(a, x->map.at[i].val, y->map.at[k].val) };
			i++;
			k++;
		}
	}
	return val_mark(a, val_object(a, e, n), x->marks | y->marks);
}

int fn_deepmerge(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *all = val_object(c->arena, NULL, 0);
	for (size_t i = 0; i < c->n; i++) {
		if (val_is_null(c->args[i]))
			continue;
		if (!func_is_map(c->args[i]))
			return want_seq(c, i, "a map or object", err);
		all = deep_merge(c->arena, all, c->args[i]);
	}
	*out = func_marked(c, all);
	return 0;
}

int fn_zipmap(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *k = c->args[0], *v = c->args[1];
	if (!func_is_seq(v) || val_kind(v) == T_SET)
		return want_seq(c, 1, "a list or tuple", err);
	if (k->seq.len != v->seq.len)
		return func_fail(c, 1, err, "the number of keys (%u) and of values (%u) differ", k->seq.len, v->seq.len);
	struct val_entry *e = arena_array(c->arena, k->seq.len, sizeof(*e));
	unsigned marked = 0;
	for (size_t i = 0; i < k->seq.len; i++) {
		if (k->seq.at[i]->state == VAL_UNKNOWN) {
			*out = func_marked(c, &val_unknown_dynamic);
			return 0;
		}
		if (val_is_null(k->seq.at[i]))
			return func_fail(c, 0, err, "a key cannot be null (element %zu)", i);
		if (strlen(k->seq.at[i]->str.s) != k->seq.at[i]->str.len)
			return func_fail(c, 0, err, "a key cannot hold a NUL character (element %zu)", i);
		marked |= k->seq.at[i]->marks;
		e[i] = (struct val_entry){ k->seq.at[i]->str.s, v->seq.at[i] };
	}
	*out = val_kind(v) == T_LIST ? val_map(c->arena, v->type->elem, e, k->seq.len) : val_object(c->arena, e, k->seq.len);
	*out = func_marked(c, val_mark(c->arena, *out, marked));
	return 0;
}

/* --- cutting and turning --------------------------------------------------------------------------------------------- */
static const struct val *like(struct func_call *c, const struct val *list, const struct val *const *at, size_t n)
{
	return func_marked(c, val_kind(list) == T_TUPLE ? val_tuple(c->arena, at, n) : val_list(c->arena, list->type->elem, at, n));
}

int fn_slice(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	int64_t from, to;
	if (!func_is_seq(list) || val_kind(list) == T_SET)
		return want_seq(c, 0, "a list or tuple", err);
	if (func_int(c, 1, 0, (int64_t)list->seq.len, &from, err) || func_int(c, 2, 0, (int64_t)list->seq.len, &to, err))
		return E_INPUT;
	if (from > to)
		return func_fail(c, 1, err, "the start must not be above the end");
	*out = like(c, list, list->seq.at + from, (size_t)(to - from));
	return 0;
}

int fn_reverse(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	if (!func_is_seq(list))
		return want_seq(c, 0, "a list, set or tuple", err);
	size_t n = list->seq.len;
	const struct val **at = arena_array(c->arena, n, sizeof(*at));
	for (size_t i = 0; i < n; i++)
		at[n - 1 - i] = list->seq.at[i];
	*out = like(c, list, at, n);
	return 0;
}

int fn_chunklist(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	int64_t size;
	if (func_int(c, 1, 0, INT64_MAX, &size, err))
		return E_INPUT;
	size_t n = list->seq.len, step = size && (uint64_t)size < n ? (size_t)size : n, count = 0;
	const struct val **at = arena_array(c->arena, n ? (n + step - 1) / step : 0, sizeof(*at));
	for (size_t i = 0; i < n; i += step)
		at[count++] = val_list(c->arena, list->type->elem, list->seq.at + i, n - i < step ? n - i : step);
	*out = func_marked(c, val_list(c->arena, list->type, at, count));
	return 0;
}

int fn_compact(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	size_t n = 0;
	(void)err;
	if (func_unknown(c, type_list(c->arena, &type_string), out))
		return 0;
	const struct val **at = arena_array(c->arena, list->seq.len, sizeof(*at));
	for (size_t i = 0; i < list->seq.len; i++)
		if (!val_is_null(list->seq.at[i]) && list->seq.at[i]->str.len)
			at[n++] = list->seq.at[i];
	*out = func_strings(c, at, n);
	return 0;
}

/* How many steps from START by STEP until END is reached or passed. */
static int range_count(struct func_call *c, mpfr_srcptr start, mpfr_srcptr end, mpfr_srcptr step, size_t *n, struct err *err)
{
	struct num_temp t;
	int dir = mpfr_cmp(end, start), sign = mpfr_sgn(step);
	num_temp(&t);
	*n = 0;
	if (!dir)
		return 0;
	if (!sign)
		return func_fail(c, c->n - 1, err, "the step must not be zero");
	if ((dir > 0) != (sign > 0))
		return func_fail(c, c->n - 1, err, dir > 0 ? "the step must be above zero when the end is above the start" :
							     "the step must be below zero when the end is below the start");
	mpfr_sub(t.n, end, start, MPFR_RNDN);
	mpfr_div(t.n, t.n, step, MPFR_RNDN);
	mpfr_ceil(t.n, t.n);
	if (mpfr_cmp_ui(t.n, FUNC_ELEMS) > 0)
		return func_fail(c, SIZE_MAX, err, "a range has at most %d elements", FUNC_ELEMS);
	*n = mpfr_get_ui(t.n, MPFR_RNDN);
	return 0;
}

int fn_range(struct func_call *c, const struct val **out, struct err *err)
{
	struct num_temp start, end, step, at;
	size_t n = 0;
	if (c->n > 3)
		return func_fail(c, 3, err, "one, two or three numbers are required");
	num_temp(&start);
	num_temp_of(&end, c->args[c->n > 1]);
	if (c->n > 1)
		num_temp_of(&start, c->args[0]);
	num_temp(&step);
	if (c->n > 2)
		num_temp_of(&step, c->args[2]);
	else
		mpfr_set_si(step.n, mpfr_cmp(end.n, start.n) < 0 ? -1 : 1, MPFR_RNDN);
	int rc = range_count(c, start.n, end.n, step.n, &n, err);
	if (rc)
		return rc;
	const struct val **list = arena_array(c->arena, n, sizeof(*list));
	mpfr_set(num_temp(&at), start.n, MPFR_RNDN);
	for (size_t i = 0; i < n; i++) {
		list[i] = val_big(c->arena, at.n);
		mpfr_add(at.n, at.n, step.n, MPFR_RNDN);
	}
	*out = val_list(c->arena, &type_number, list, n);
	return 0;
}
