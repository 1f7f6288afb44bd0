#include "lang/value.h"

#include <stdlib.h>
#include <string.h>

const struct type type_dynamic = { .kind = T_DYNAMIC }, type_bool = { .kind = T_BOOL }, type_number = { .kind = T_NUMBER },
		  type_string = { .kind = T_STRING };

/* --- making -------------------------------------------------------------------------------------------------- */
static const struct type *collection(struct arena *a, enum type_kind kind, const struct type *elem)
{
	static const struct type shared[3][4] = {
		{ { .kind = T_LIST, .elem = &type_dynamic }, { .kind = T_LIST, .elem = &type_bool },
		  { .kind = T_LIST, .elem = &type_number }, { .kind = T_LIST, .elem = &type_string } },
		{ { .kind = T_SET, .elem = &type_dynamic }, { .kind = T_SET, .elem = &type_bool },
		  { .kind = T_SET, .elem = &type_number }, { .kind = T_SET, .elem = &type_string } },
		{ { .kind = T_MAP, .elem = &type_dynamic }, { .kind = T_MAP, .elem = &type_bool },
		  { .kind = T_MAP, .elem = &type_number }, { .kind = T_MAP, .elem = &type_string } },
	};
	if (elem->kind <= T_STRING)
		return &shared[kind - T_LIST][elem->kind];
	struct type *t = arena_alloc(a, sizeof(*t));
	t->kind = kind;
	t->elem = elem;
	return t;
}

const struct type *type_list(struct arena *a, const struct type *elem)
{
	return collection(a, T_LIST, elem);
}

const struct type *type_set(struct arena *a, const struct type *elem)
{
	return collection(a, T_SET, elem);
}

const struct type *type_map(struct arena *a, const struct type *elem)
{
	return collection(a, T_MAP, elem);
}

const struct type *type_tuple(struct arena *a, const struct type *const *items, size_t n)
{
	const struct type **copy = arena_array(a, n, sizeof(*copy));
	struct type *t = arena_alloc(a, sizeof(*t));
	if (n)
		memcpy(copy, items, n * sizeof(*copy));
	*t = (struct type){ .kind = T_TUPLE, .items = copy, .n = (uint32_t)n };
	return t;
}

/* Adjacent fields of one name are ordered by position, so that the last one given wins. */
static int by_name(const void *x, const void *y)
{
	const struct type_field *const *f = x, *const *g = y;
	int c = strcmp((*f)->name, (*g)->name);
	return c ? c : *f < *g ? -1 : *f > *g;
}

const struct type *type_object(struct arena *a, const struct type_field *fields, size_t n)
{
	struct type_field *copy = arena_array(a, n, sizeof(*copy));
	const struct type_field **order = arena_array(a, n, sizeof(*order));
	struct type *t = arena_alloc(a, sizeof(*t));
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		order[i] = &fields[i];
	if (n > 1)
		qsort(order, n, sizeof(*order), by_name);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || strcmp(order[i]->name, order[i + 1]->name) != 0)
			copy[len++] = *order[i];
	*t = (struct type){ .kind = T_OBJECT, .fields = copy, .n = (uint32_t)len };
	return t;
}

/* --- asking -------------------------------------------------------------------------------------------------- */
bool type_is_dynamic(const struct type *t)
{
	switch (t->kind) {
	case T_DYNAMIC:
		return true;
	case T_LIST: case T_SET: case T_MAP:
		return type_is_dynamic(t->elem);
	case T_TUPLE:
		for (size_t i = 0; i < t->n; i++)
			if (type_is_dynamic(type_item(t, i)))
				return true;
		return false;
	case T_OBJECT:
		for (size_t i = 0; i < t->n; i++)
			if (type_is_dynamic(type_item(t, i)))
				return true;
		return false;
	default:
		return false;
	}
}

bool type_same(const struct type *x, const struct type *y)
{
	if (x == y)
		return true;
	if (x->kind != y->kind)
		return false;
	switch (x->kind) {
	case T_LIST: case T_SET: case T_MAP:
		return type_same(x->elem, y->elem);
	case T_TUPLE:
		for (size_t i = 0; i < x->n; i++)
			if (i >= y->n || !type_same(type_item(x, i), type_item(y, i)))
				return false;
		return x->n == y->n;
	case T_OBJECT:
		if (x->n != y->n)
			return false;
		for (size_t i = 0; i < x->n; i++)
			if (strcmp(type_field(x, i).name, type_field(y, i).name) != 0 || type_field(x, i).optional != type_field(y, i).optional ||
			    !type_same(type_item(x, i), type_item(y, i)))
				return false;
		return true;
	default:
		return true;
	}
}

static const char *kind_name(enum type_kind k)
{
	static const char *const names[] = { "any", "bool", "number", "string", "list", "set", "map", "tuple", "object" };
	return names[k];
}

void type_describe(const struct type *t, struct str *out)
{
	switch (t->kind) {
	case T_DYNAMIC:
		str_add(out, "any type");
		return;
	case T_LIST: case T_SET: case T_MAP:
		str_addf(out, "%s of ", kind_name(t->kind));
		type_describe(t->elem, out);
		return;
	case T_TUPLE:
		str_addf(out, "tuple with %u element%s", t->n, t->n == 1 ? "" : "s");
		return;
	case T_OBJECT:
		str_add(out, t->n ? t->n == 1 ? "object with attribute " : "object with attributes " : "object without attributes");
		for (size_t i = 0; i < t->n && i < 8; i++)
			str_addf(out, "%s\"%s\"", !i ? "" : i + 1 == t->n ? " and " : ", ", type_field(t, i).name);
		if (t->n > 8)
			str_addf(out, " and %u more", t->n - 8);
		return;
	default:
		str_add(out, kind_name(t->kind));
	}
}

static bool plain_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return n && !s[n] && !strchr("0123456789-", s[0]);
}

static void write_fields(const struct type *t, struct str *out)
{
	str_add(out, "object({");
	for (size_t i = 0; i < t->n; i++) {
		const struct type_field one = type_field(t, i), *f = &one;
		const char *quote = plain_name(f->name) ? "" : "\"";
		str_addf(out, "%s%s%s%s=%s", i ? "," : "", quote, f->name, quote, f->optional ? "optional(" : "");
		type_write(f->type, out);
		if (f->optional)
			str_addc(out, ')');
	}
	str_add(out, "})");
}

void type_write(const struct type *t, struct str *out)
{
	switch (t->kind) {
	case T_LIST: case T_SET: case T_MAP:
		str_addf(out, "%s(", kind_name(t->kind));
		type_write(t->elem, out);
		str_addc(out, ')');
		return;
	case T_TUPLE:
		str_add(out, "tuple([");
		for (size_t i = 0; i < t->n; i++) {
			str_add(out, i ? "," : "");
			type_write(type_item(t, i), out);
		}
		str_add(out, "])");
		return;
	case T_OBJECT:
		write_fields(t, out);
		return;
	default:
		str_add(out, kind_name(t->kind));
	}
}

/* --- unification --------------------------------------------------------------------------------------------- */
bool type_converts(const struct type *from, const struct type *to)
{
	if (from->kind == T_DYNAMIC || to->kind == T_DYNAMIC || type_same(from, to))
		return true;
	bool seq = from->kind == T_LIST || from->kind == T_SET;
	switch (to->kind) {
	case T_STRING:
		return from->kind == T_BOOL || from->kind == T_NUMBER;
	case T_BOOL: case T_NUMBER:
		return from->kind == T_STRING;
	case T_LIST: case T_SET:
		for (size_t i = 0; from->kind == T_TUPLE && i < from->n; i++)
			if (!type_converts(type_item(from, i), to->elem))
				return false;
		return from->kind == T_TUPLE || (seq && type_converts(from->elem, to->elem));
	case T_MAP:
		for (size_t i = 0; from->kind == T_OBJECT && i < from->n; i++)
			if (!type_converts(type_item(from, i), to->elem))
				return false;
		return from->kind == T_OBJECT || (from->kind == T_MAP && type_converts(from->elem, to->elem));
	case T_TUPLE:
		for (size_t i = 0; from->kind == T_TUPLE && from->n == to->n && i < from->n; i++)
			if (!type_converts(type_item(from, i), type_item(to, i)))
				return false;
		return from->kind == T_TUPLE && from->n == to->n;
	case T_OBJECT:
		for (size_t i = 0, j = 0; from->kind == T_OBJECT && i < to->n; i++) {
			while (j < from->n && strcmp(type_field(from, j).name, type_field(to, i).name) < 0)
				j++;
			if (j < from->n && !strcmp(type_field(from, j).name, type_field(to, i).name)) {
				if (!type_converts(type_item(from, j), type_item(to, i)))
					return false;
			} else if (!type_field(to, i).optional) {
				return false;
			}
		}
		return from->kind == T_OBJECT || (from->kind == T_MAP && to->n);
	default:
		return false;
	}
}

/* Lower is the better common type: everything reads as text, nothing is lost from set to list to tuple. */
static int rank(enum type_kind k)
{
	switch (k) {
	case T_STRING: case T_LIST: case T_MAP: return 0;
	case T_NUMBER: case T_BOOL: case T_SET: return 1;
	case T_TUPLE: case T_OBJECT: return 2;
	default: return 3;
	}
}

/* The first type, best rank first, that all others convert to. Many types of few shapes are the usual case, so equal
 * neighbours are looked at once. */
static const struct type *unify_by_preference(const struct type *const *types, size_t n)
{
	for (int r = 0; r < 4; r++) {
		size_t tried = 0;
		for (size_t i = 0; i < n && tried < 16; i++) {
			if (rank(types[i]->kind) != r || (i && type_same(types[i], types[i - 1])))
				continue;
			size_t j = 0;
			tried++;
			while (j < n && type_converts(types[j], types[i]))
				j++;
			if (j == n)
				return types[i];
		}
	}
	return NULL;
}

/* Members of all TYPES (elements of collections, items, fields) as one type; NULL when there is none. */
static const struct type *unify_members(struct arena *a, const struct type *const *types, size_t n)
{
	size_t total = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		total += type_has_elem(types[i]) ? 1 : types[i]->n;
	const struct type **all = arena_array(a, total, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		const struct type *t = types[i];
		if (type_has_elem(t))
			all[at++] = t->elem;
		for (size_t k = 0; !type_has_elem(t) && k < t->n; k++)
			all[at++] = type_item(t, k);
	}
	return type_unify(a, all, total);
}

/* Tuples of one length item by item, then also where there is no such type: they are not looked at as lists. */
static bool unify_tuples(struct arena *a, const struct type *const *types, size_t n, const struct type **out)
{
	size_t width = types[0]->n;
	*out = NULL;
	for (size_t i = 1; i < n; i++)
		if (types[i]->n != width)
			return false;
	const struct type **items = arena_array(a, width, sizeof(*items)), **column = arena_array(a, n, sizeof(*column));
	for (size_t k = 0; k < width; k++) {
		for (size_t i = 0; i < n; i++)
			column[i] = type_item(types[i], k);
		items[k] = type_unify(a, column, n);
		if (!items[k])
			return true;
	}
	*out = type_tuple(a, items, width);
	return true;
}

/* Objects of the same attribute names attribute by attribute, in the same way. */
static bool unify_objects(struct arena *a, const struct type *const *types, size_t n, const struct type **out)
{
	size_t width = types[0]->n;
	*out = NULL;
	for (size_t i = 1; i < n; i++) {
		if (types[i]->n != width)
			return false;
		for (size_t k = 0; types[i] != types[0] && k < width; k++)
			if (strcmp(type_field(types[i], k).name, type_field(types[0], k).name) != 0)
				return false;
	}
	struct type_field *fields = arena_array(a, width, sizeof(*fields));
	const struct type **column = arena_array(a, n, sizeof(*column));
	for (size_t k = 0; k < width; k++) {
		for (size_t i = 0; i < n; i++)
			column[i] = type_item(types[i], k);
		fields[k] = (struct type_field){ .name = type_field(types[0], k).name, .type = type_unify(a, column, n) };
		if (!fields[k].type)
			return true;
	}
	*out = type_object(a, fields, width);
	return true;
}

/* Maps of anything beside objects of one type: that type. Else NULL. */
static const struct type *object_beside_any(const struct type *const *types, size_t n)
{
	const struct type *object = NULL;
	for (size_t i = 0; i < n; i++) {
		bool map = type_has_elem(types[i]);
		if (map ? types[i]->elem->kind != T_DYNAMIC : object && !type_same(types[i], object))
			return NULL;
		object = map ? object : types[i];
	}
	return object;
}

const struct type *type_unify(struct arena *a, const struct type *const *types, size_t n)
{
	size_t count[T_OBJECT + 1] = { 0 }, known = 0;
	bool all_same = true;
	const struct type **some = NULL;
	for (size_t i = 0; i < n; i++) {
		count[types[i]->kind]++;
		all_same = all_same && (types[i] == types[0] || type_same(types[i], types[0]));
	}
	if (n == 0 || count[T_DYNAMIC] == n)
		return &type_dynamic;
	if (all_same)
		return types[0];
	if (count[T_DYNAMIC]) {
		some = arena_array(a, n, sizeof(*some));
		for (size_t i = 0; i < n; i++)
			if (types[i]->kind != T_DYNAMIC)
				some[known++] = types[i];
		return type_unify(a, some, known);
	}
	const struct type *elem, *t = NULL;
	bool maps = count[T_MAP] + count[T_OBJECT] == n, lists = count[T_LIST] + count[T_TUPLE] == n;
	if ((count[T_OBJECT] == n && unify_objects(a, types, n, &t)) || (count[T_TUPLE] == n && unify_tuples(a, types, n, &t)))
		return t;
	if (maps || lists || count[T_SET] == n) {
		elem = unify_members(a, types, n);
		if (!elem && (lists || maps))        /* no tuple is made of a list, no object of a map, but of one of anything */
			return maps ? object_beside_any(types, n) : NULL;
		if (elem)
			return maps ? type_map(a, elem) : lists ? type_list(a, elem) : type_set(a, elem);
	}
	/* Never by dropping attributes of objects or items of tuples. */
	if (count[T_OBJECT] == n || count[T_TUPLE] == n)
		return NULL;
	return unify_by_preference(types, n);
}
