/* Conversion of values to types, as constraints, unification and functions ask for it. */
#include "lang/value.h"

#include <string.h>

#include "lang/num.h"

static int convert(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err);

/* --- types ----------------------------------------------------------------------------------------------------- */
static bool has_optional(const struct type *t)
{
	if (type_has_elem(t))
		return has_optional(t->elem);
	for (size_t i = 0; i < t->n; i++)
		if ((t->kind == T_OBJECT && type_field(t, i).optional) || has_optional(type_item(t, i)))
			return true;
	return false;
}

/* T as the type of a value: without the optional flags of a constraint. */
static const struct type *concrete(struct arena *a, const struct type *t)
{
	if (!has_optional(t))
		return t;
	if (type_has_elem(t)) {
		const struct type *elem = concrete(a, t->elem);
		return t->kind == T_LIST ? type_list(a, elem) : t->kind == T_SET ? type_set(a, elem) : type_map(a, elem);
	}
	if (t->kind == T_TUPLE) {
		const struct type **items = arena_array(a, t->n, sizeof(*items));
		for (size_t i = 0; i < t->n; i++)
			items[i] = concrete(a, type_item(t, i));
		return type_tuple(a, items, t->n);
	}
	struct type_field *fields = arena_array(a, t->n, sizeof(*fields));
	for (size_t i = 0; i < t->n; i++)
		fields[i] = (struct type_field){ .name = type_field(t, i).name, .type = concrete(a, type_item(t, i)) };
	return type_object(a, fields, t->n);
}

/* --- failing ----------------------------------------------------------------------------------------------------- */
static bool has_field(const struct type *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(type_field(t, i).name, name))
			return true;
	return false;
}

static int mismatch(const struct type *have, const struct type *want, struct err *err)
{
	autostr struct str w = { 0 }, h = { 0 };
	str_init(&w, 400);
	str_init(&h, 400);
	for (size_t i = 0; have->kind == T_OBJECT && want->kind == T_OBJECT && i < want->n; i++)
		if (!type_field(want, i).optional && !has_field(have, type_field(want, i).name))
			return err_set(err, E_INPUT, "attribute \"%.200s\" is required", type_field(want, i).name);
	type_describe(want, &w);
	type_describe(have, &h);
	return err_set(err, E_INPUT, "%s %s is required, have %s", strchr("aeiou", w.at[0]) && w.len ? "an" : "a", w.at, h.at);
}

/* --- primitives ---------------------------------------------------------------------------------------------------- */
static int string_to_bool(const struct val *v, const struct val **out, struct err *err)
{
	const char *s = strlen(v->str.s) == v->str.len ? v->str.s : "";
	if (!strcmp(s, "true") || !strcmp(s, "1"))
		*out = &val_true;
	else if (!strcmp(s, "false") || !strcmp(s, "0"))
		*out = &val_false;
	else if (!strcasecmp(s, "true") || !strcasecmp(s, "false"))
		return err_set(err, E_INPUT, "a bool is required, have string; use lower-case \"true\" and \"false\"");
	else
		return err_set(err, E_INPUT, "a bool is required, have string (only \"true\" and \"false\" convert)");
	return 0;
}

static int to_primitive(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	enum type_kind from = val_kind(v), to = t->kind;
	if (to == T_STRING && from == T_BOOL) {
		*out = val_string_nfc(a, v->b ? "true" : "false", v->b ? 4 : 5);
	} else if (to == T_STRING && from == T_NUMBER) {
		autostr struct str text = { 0 };
		str_init(&text, 4u * NUM_MAX_EXP);
		val_number_write(v, &text);
		if (str_full(&text))
			return err_set(err, E_INPUT, "the number has too many digits");
		*out = val_string_nfc(a, text.at, text.len);
	} else if (to == T_NUMBER && from == T_STRING) {
		const struct val *n = val_number_text(a, v->str.s, v->str.len);
		if (!n)
			return err_set(err, E_INPUT, "a number is required, have string that is not one");
		*out = n;
	} else if (to == T_BOOL && from == T_STRING) {
		return string_to_bool(v, out, err);
	} else {
		return mismatch(v->type, t, err);
	}
	return 0;
}

/* --- collections --------------------------------------------------------------------------------------------------- */
/* AT[0..n) as the one type, *ELEM, that they have in common. */
static int settle_once(struct arena *a, const struct val **at, size_t n, const struct type **elem, struct err *err)
{
	const struct type **types = arena_array(a, n, sizeof(*types));
	for (size_t i = 0; i < n; i++)
		types[i] = at[i]->type;
	*elem = type_unify(a, types, n);
	if (!*elem)
		return err_set(err, E_INPUT, "all elements must have the same type");
	for (size_t i = 0; i < n; i++) {
		if (convert(a, at[i], *elem, &at[i], err))
			return err_wrap(err, "element %zu", i);
	}
	return 0;
}

/* AT[0..n) were converted to a type with dynamic parts: bring them to one type, *ELEM. Where that has such parts too, as of an empty set
 * beside a tuple, each was converted to a type of its own, and once more they are made the same. */
static int settle(struct arena *a, const struct val **at, size_t n, const struct type *want, const struct type **elem, struct err *err)
{
	*elem = concrete(a, want);
	if (!type_is_dynamic(want) || !n)
		return 0;
	int rc = settle_once(a, at, n, elem, err);
	return rc || !type_is_dynamic(*elem) ? rc : settle_once(a, at, n, elem, err);
}

static int to_seq(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	const struct type *elem;
	enum type_kind k = val_kind(v);
	if (k != T_LIST && k != T_SET && k != T_TUPLE)
		return mismatch(v->type, t, err);
	if (!v->seq.len && !type_converts(v->type, t))           /* no element says it */
		return mismatch(v->type, t, err);
	if (t->kind == T_LIST && val_open_set(v)) {
		*out = val_unknown(a, concrete(a, t));
		return 0;
	}
	const struct val **at = arena_array(a, v->seq.len, sizeof(*at));
	for (size_t i = 0; i < v->seq.len; i++) {
		if (convert(a, v->seq.at[i], t->elem, &at[i], err))
			return err_wrap(err, "element %zu", i);
	}
	int rc = settle(a, at, v->seq.len, t->elem, &elem, err);
	if (!rc && k != T_TUPLE && !v->seq.len && elem->kind == T_DYNAMIC)
		elem = v->type->elem;
	if (!rc)
		*out = t->kind == T_LIST ? val_list(a, elem, at, v->seq.len) : val_set(a, elem, at, v->seq.len);
	return rc;
}

static int to_tuple(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	if (val_kind(v) != T_TUPLE)
		return mismatch(v->type, t, err);
	if (v->seq.len != t->n)
		return err_set(err, E_INPUT, "a tuple with %u elements is required, have %u", t->n, v->seq.len);
	const struct val **at = arena_array(a, t->n, sizeof(*at));
	for (size_t i = 0; i < t->n; i++) {
		if (convert(a, v->seq.at[i], type_item(t, i), &at[i], err))
			return err_wrap(err, "element %zu", i);
	}
	*out = val_tuple(a, at, t->n);
	return 0;
}

static int to_map(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	const struct type *elem;
	size_t n = v->map.len;
	if (val_kind(v) != T_MAP && val_kind(v) != T_OBJECT)
		return mismatch(v->type, t, err);
	if (!n && !type_converts(v->type, t))
		return mismatch(v->type, t, err);
	const struct val **at = arena_array(a, n, sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		if (convert(a, v->map.at[i].val, t->elem, &at[i], err))
			return err_wrap(err, "element \"%.100s\"", v->map.at[i].key);
	}
	int rc = settle(a, at, n, t->elem, &elem, err);
	if (rc)
		return rc;
	if (val_kind(v) == T_MAP && !n && elem->kind == T_DYNAMIC)
		elem = v->type->elem;
	struct val_entry *e = arena_array(a, n, sizeof(*e));
	for (size_t i = 0; i < n; i++)
		e[i] = (struct val_entry){ v->map.at[i].key, at[i] };
	*out = val_map(a, elem, e, n);
	return 0;
}

/* The value of field F when V gives HAVE (NULL: nothing). */
static int field_value(struct arena *a, const struct type_field *f, const struct val *have, const struct val **out, struct err *err)
{
	if (!have && !f->optional)
		return err_set(err, E_INPUT, "attribute \"%.200s\" is required", f->name);
	if (f->deflt && (!have || val_is_null(have)))
		have = f->deflt;
	if (!have) {
		*out = val_null(a, concrete(a, f->type));
		return 0;
	}
	if (convert(a, have, f->type, out, err))
		return err_wrap(err, "attribute \"%.100s\"", f->name);
	return 0;
}

static int to_object(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	if (val_kind(v) != T_MAP && val_kind(v) != T_OBJECT)
		return mismatch(v->type, t, err);
	struct val_entry *e = arena_array(a, t->n, sizeof(*e));
	for (size_t i = 0; i < t->n; i++) {
		struct type_field f = type_field(t, i);
		e[i].key = f.name;
		int rc = field_value(a, &f, val_get(v, f.name), &e[i].val, err);
		if (rc)
			return rc;
	}
	*out = val_object(a, e, t->n);
	return 0;
}

static int convert_known(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	switch (t->kind) {
	case T_LIST: case T_SET: return to_seq(a, v, t, out, err);
	case T_TUPLE: return to_tuple(a, v, t, out, err);
	case T_MAP: return to_map(a, v, t, out, err);
	case T_OBJECT: return to_object(a, v, t, out, err);
	default: return to_primitive(a, v, t, out, err);
	}
}

static int convert(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	const struct val *made = NULL;
	if (t->kind == T_DYNAMIC) {
		*out = v;
		return 0;
	}
	if (v->state == VAL_KNOWN && type_same(v->type, t) && !type_is_dynamic(t) && !has_optional(t)) {
		*out = v;
		return 0;
	}
	if (v->state == VAL_KNOWN) {
		int rc = convert_known(a, v, t, &made, err);
		if (rc)
			return rc;
		if (!made)
			BUG("a conversion without a result");
	} else if (!type_converts(v->type, t)) {
		return mismatch(v->type, t, err);
	} else {
		made = v->state == VAL_NULL ? val_null(a, concrete(a, t)) : val_unknown(a, concrete(a, t));
	}
	*out = val_mark(a, made, made->marks | v->marks);
	return 0;
}

int val_convert(struct arena *a, const struct val *v, const struct type *t, const struct val **out, struct err *err)
{
	return convert(a, v, t, out, err);
}
