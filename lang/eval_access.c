/* eval_access - attributes, indexes, splats and references. */
#include <string.h>

#include "base/mem.h"
#include "lang/eval.h"

bool expr_reference(const struct expr *x, const char **root, const char **name)
{
	if (x->kind == X_ATTR && x->attr.src->kind == X_REF) {
		*root = x->attr.src->name;
		*name = x->attr.name;
		return true;
	}
	if (x->kind == X_INDEX && x->index.src->kind == X_REF && x->index.key->kind == X_VALUE
	    && val_known(x->index.key->val) && val_kind(x->index.key->val) == T_STRING) {
		*root = x->index.src->name;
		*name = x->index.key->val->str.s;
		return true;
	}
	return false;
}

void eval_meet(struct eval *e, const struct val *v)
{
	if (v && e->quiet && !e->met_unknown)
		e->met_unknown = !val_known_deep(v);
}

static const struct val *resolve(struct eval *e, struct expr *x, const char *root, const char *name)
{
	const struct val *v = e->resolve ? e->resolve(e, x, root, name) : NULL;
	if (!e->resolve)
		eval_fail(e, x, "E0210", "\"%s.%s\" cannot be referred to here", root, name);
	eval_meet(e, v);
	return v;
}

/* The source text of X, for messages: at most 40 bytes. */
static const char *spelled(struct eval *e, const struct expr *x)
{
	if (x->len == 0)
		return "an element";
	return x->len <= 40 && x->o->text ? arena_strndup(e->arena, x->o->text + x->off, x->len) : "this";
}

/* The part of X behind the value it is taken from: ".name" or "[...]". */
static struct expr last_step(const struct expr *x, const struct expr *src)
{
	struct expr part = *x;
	if (x->len && src->off + src->len < x->off + x->len) {
		part.off = src->off + src->len;
		part.len = x->off + x->len - part.off;
		const char *s = x->o->text + part.off;
		while (part.len > 1 && (*s == '.' || *s == ' '))
			s++, part.off++, part.len--;
	}
	return part;
}

static void suggest_attr(struct diag *g, const struct val *v, const char *name)
{
	enum { MANY = 200 };
	const char *names[MANY + 1];
	size_t n = val_len(v) < MANY ? val_len(v) : MANY;
	if (!g || v->marks)
		return;
	for (size_t i = 0; i < n; i++)
		names[i] = v->map.at[i].key;
	names[n] = NULL;
	diag_suggest(g, name, names);
	if (str_nearest(name, names) || n == 0)
		return;
	autostr struct str s;
	str_init(&s, 400);
	for (size_t i = 0; i < n && s.len < 200; i++)
		str_addf(&s, "%s%s", i ? ", " : "", names[i]);
	diag_note(g, (struct mark){ 0 }, "there are: %s", s.at);
}

static const struct val *get_attr(struct eval *e, struct expr *x, const struct val *v)
{
	struct expr part = last_step(x, x->attr.src);
	const char *name = x->attr.name;
	if (val_is_null(v)) {
		eval_operand(eval_fail(e, &part, "E0223", "%s is null and has no attributes", spelled(e, x->attr.src)), x->attr.src, v);
		return NULL;
	}
	enum type_kind kind = val_kind(v);
	if (kind == T_DYNAMIC)
		return val_mark(e->arena, &val_unknown_dynamic, v->marks);
	if (kind != T_MAP && kind != T_OBJECT) {
		struct diag *g = eval_fail(e, &part, "E0223", "%s has no attributes", spelled(e, x->attr.src));
		eval_tell(g, x->attr.src, spelled(e, x->attr.src), v);
		if (g && (kind == T_LIST || kind == T_TUPLE || kind == T_SET))
			diag_hint(g, kind == T_SET ? "of each element: [*].%s" : "of one element: [0].%s, of each: [*].%s", name, name);
		return NULL;
	}
	if (!val_known(v)) {
		const struct type *t = kind == T_MAP ? v->type->elem : &type_dynamic;
		for (size_t i = 0; kind == T_OBJECT && i < v->type->n; i++)
			if (strcmp(type_field(v->type, i).name, name) == 0)
				t = type_item(v->type, i);
		return val_mark(e->arena, val_unknown(e->arena, t), v->marks);
	}
	const struct val *got = val_get(v, val_string(e->arena, name)->str.s);
	if (!got) {
		struct diag *g = eval_fail(e, &part, "E0223", "%s has no attribute \"%s\"", spelled(e, x->attr.src), name);
		suggest_attr(g, v, name);
		eval_operand(g, x->attr.src, v);
		return NULL;
	}
	return val_mark(e->arena, got, got->marks | v->marks);
}

const struct val *eval_attr(struct eval *e, struct expr *x)
{
	const char *root, *name;
	if (expr_reference(x, &root, &name))
		return resolve(e, x, root, name);
	const struct val *v = eval(e, x->attr.src);
	return v ? get_attr(e, x, v) : NULL;
}

/* --- index ------------------------------------------------------------------------------------------------------- */

static const struct val *index_seq(struct eval *e, struct expr *x, const struct val *v, const struct val *key)
{
	struct expr part = *x->index.key;
	const struct val *num;
	struct err err;
	int64_t i;
	if (val_convert(e->arena, key, &type_number, &num, &err)) {
		eval_tell(eval_fail(e, &part, "E0224", "the index of a list is a number"), &part, "this", key);
		return NULL;
	}
	const struct type *t = val_kind(v) == T_LIST ? v->type->elem : &type_dynamic;
	if (!val_known(num) || !val_known(v))
		return val_unknown(e->arena, t);
	if (!val_to_int64(num, &i) || i < 0) {
		struct diag *g = eval_fail(e, &part, "E0224", "the index of a list is a whole number from 0 on");
		eval_tell(g, &part, "this", key);
		return NULL;
	}
	if ((uint64_t)i >= v->seq.len) {
		struct diag *g = eval_fail(e, &part, "E0224", "there is no element %lld", (long long)i);
		if (g)
			diag_note(g, (struct mark){ 0 }, "the list has %u element%s, counted from 0", v->seq.len, v->seq.len == 1 ? "" : "s");
		eval_operand(g, x->index.src, v);
		eval_operand(g, &part, key);
		return NULL;
	}
	return v->seq.at[i];
}

static const struct val *index_map(struct eval *e, struct expr *x, const struct val *v, const struct val *key)
{
	const struct val *s, *got;
	struct err err;
	if (val_convert(e->arena, key, &type_string, &s, &err)) {
		eval_tell(eval_fail(e, x->index.key, "E0224", "the key of a map is a string"), x->index.key, "this", key);
		return NULL;
	}
	if (!val_known(s) || !val_known(v))
		return val_unknown(e->arena, val_kind(v) == T_MAP ? v->type->elem : &type_dynamic);
	got = strlen(s->str.s) == s->str.len ? val_get(v, s->str.s) : NULL;
	if (!got) {
		struct diag *g = key->marks ? eval_fail(e, x->index.key, "E0224", "there is no element with this key")
						: eval_fail(e, x->index.key, "E0224", "there is no element \"%.100s\"", s->str.s);
		suggest_attr(g, v, s->str.s);
		eval_operand(g, x->index.src, v);
		eval_operand(g, x->index.key, key);
		return NULL;
	}
	return got;
}

const struct val *eval_index(struct eval *e, struct expr *x)
{
	const char *root, *name;
	if (expr_reference(x, &root, &name))
		return resolve(e, x, root, name);
	const struct val *v = eval(e, x->index.src), *key = v ? eval(e, x->index.key) : NULL, *got = NULL;
	if (!key)
		return NULL;
	enum type_kind kind = val_kind(v);
	if (val_is_null(v)) {
		eval_operand(eval_fail(e, x->index.src, "E0224", "%s is null and has no elements", spelled(e, x->index.src)), x->index.src, v);
		return NULL;
	}
	if (val_is_null(key)) {
		eval_operand(eval_fail(e, x->index.key, "E0224", "an index cannot be null"), x->index.key, key);
		return NULL;
	}
	if (kind == T_DYNAMIC)
		got = &val_unknown_dynamic;
	else if (kind == T_LIST || kind == T_TUPLE)
		got = index_seq(e, x, v, key);
	else if (kind == T_MAP || kind == T_OBJECT)
		got = index_map(e, x, v, key);
	else {
		struct diag *g = eval_fail(e, x->index.src, "E0224", "%s has no elements that an index could name", spelled(e, x->index.src));
		eval_tell(g, x->index.src, spelled(e, x->index.src), v);
		if (g && kind == T_SET)
			diag_hint(g, "a set has no order; tolist() gives it one");
	}
	return got ? val_mark(e->arena, got, got->marks | v->marks | key->marks) : NULL;
}

/* --- splat ------------------------------------------------------------------------------------------------------- */

static const struct val *splat_result(struct eval *e, const struct val *v, const struct val **at, size_t n)
{
	if (val_kind(v) != T_LIST && val_kind(v) != T_SET)
		return val_tuple(e->arena, at, n);
	const struct type *elem = n ? at[0]->type : &type_dynamic;
	for (size_t i = 1; i < n; i++)
		if (!type_same(at[i]->type, elem))
			return val_tuple(e->arena, at, n);
	return val_list(e->arena, elem, at, n);
}

const struct val *eval_splat(struct eval *e, struct expr *x)
{
	const struct val *v = eval(e, x->splat.src);
	if (!v)
		return NULL;
	bool seq = val_kind(v) == T_LIST || val_kind(v) == T_SET || val_kind(v) == T_TUPLE;
	if (val_is_null(v)) {
		if (!seq)
			return val_mark(e->arena, val_tuple(e->arena, NULL, 0), v->marks);
		eval_operand(eval_fail(e, x->splat.src, "E0224", "%s is null and has no elements", spelled(e, x->splat.src)), x->splat.src, v);
		return NULL;
	}
	if (!val_known(v))           /* what is no list may turn out to be null, which gives no element */
		return val_mark(e->arena, &val_unknown_dynamic, v->marks);
	size_t n = seq ? v->seq.len : 1;
	autofree const struct val **at = xcalloc(n ? n : 1, sizeof(*at));
	const struct val *outer = e->slots[x->val_slot];
	for (size_t i = 0; i < n; i++) {
		e->slots[x->val_slot] = seq ? v->seq.at[i] : v;
		at[i] = eval_step(e, x, 1) ? eval(e, x->splat.each) : NULL;
		if (!at[i])
			return NULL;
	}
	e->slots[x->val_slot] = outer;
	return val_mark(e->arena, splat_result(e, v, at, n), v->marks);
}
