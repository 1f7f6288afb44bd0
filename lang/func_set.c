/* Functions that sort or compare members: sets, distinct, sort, matchkeys, transpose, setproduct. */
#include "lang/func_util.h"

#include <stdlib.h>
#include <string.h>

struct member { const struct val *v; size_t at; };

static int by_value(const void *x, const void *y)
{
	const struct member *p = x, *q = y;
	int c = val_cmp(p->v, q->v);
	return c ? c : p->at < q->at ? -1 : p->at > q->at;
}

static int by_place(const void *x, const void *y)
{
	const struct member *p = x, *q = y;
	return p->at < q->at ? -1 : p->at > q->at;
}

static void sort_members(struct member *m, size_t n, int (*cmp)(const void *, const void *))
{
	if (n > 1)
		qsort(m, n, sizeof(*m), cmp);
}

static struct member *members(struct func_call *c, const struct val *list)
{
	struct member *m = arena_array(c->arena, list->seq.len, sizeof(*m));
	for (size_t i = 0; i < list->seq.len; i++)
		m[i] = (struct member){ list->seq.at[i], i };
	return m;
}

int fn_distinct(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	size_t n = 0;
	(void)err;
	if (func_unknown(c, list->type, out))
		return 0;
	struct member *m = members(c, list);
	sort_members(m, list->seq.len, by_value);
	for (size_t i = 0; i < list->seq.len; i++)
		if (!n || val_cmp(m[n - 1].v, m[i].v))
			m[n++] = m[i];
	sort_members(m, n, by_place);
	const struct val **at = arena_array(c->arena, n, sizeof(*at));
	for (size_t i = 0; i < n; i++)
		at[i] = m[i].v;
	*out = val_list(c->arena, list->type->elem, at, n);
	return 0;
}

int fn_sort(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0];
	bool known = val_known_deep(list);
	struct member *m = members(c, list);
	const struct val **at = arena_array(c->arena, list->seq.len, sizeof(*at));
	for (size_t i = 0; known && i < list->seq.len; i++)
		if (val_is_null(m[i].v))
			return func_fail(c, 0, err, "element %zu is null and cannot be sorted", i);
	if (known)
		sort_members(m, list->seq.len, by_value);
	for (size_t i = 0; i < list->seq.len; i++)
		at[i] = known ? m[i].v : val_unknown(c->arena, &type_string);        /* how many there are is known still */
	*out = func_strings(c, at, list->seq.len);
	return 0;
}

static bool holds(const struct val *set, const struct val *v)
{
	for (size_t lo = 0, hi = set->seq.len; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = val_cmp(v, set->seq.at[mid]);
		if (!cmp)
			return true;
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

/* All arguments as sets of one type, in SETS. */
static int unify_sets(struct func_call *c, const struct val **sets, const struct type **elem, struct err *err)
{
	const struct type **types = arena_array(c->arena, c->n, sizeof(*types));
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (!c->args[i]->seq.len && c->args[i]->type->elem->kind == T_DYNAMIC)
			continue;
		types[n++] = c->args[i]->type->elem;
	}
	*elem = type_unify(c->arena, types, n);
	if (!*elem)
		return func_fail(c, SIZE_MAX, err, "the sets must have elements of the same type");
	for (size_t i = 0; i < c->n; i++) {
		if (val_convert(c->arena, c->args[i], type_set(c->arena, *elem), &sets[i], err)) {
			c->bad_arg = i;
			return E_INPUT;
		}
	}
	return 0;
}

enum set_op { UNION, INTERSECTION, SUBTRACT };

static int set_op(struct func_call *c, enum set_op op, const struct val **out, struct err *err)
{
	const struct val **sets = arena_array(c->arena, c->n, sizeof(*sets));
	const struct type *elem;
	size_t n = 0, total = 0;
	int rc = unify_sets(c, sets, &elem, err);
	if (rc || func_unknown(c, rc ? &type_dynamic : type_set(c->arena, elem), out))
		return rc;
	for (size_t i = 0; i < (op == UNION ? c->n : 1); i++)
		total += sets[i]->seq.len;
	if (total > FUNC_ELEMS)
		return func_fail(c, SIZE_MAX, err, "the result has too many elements");
	const struct val **at = arena_array(c->arena, total, sizeof(*at));
	for (size_t i = 0; i < (op == UNION ? c->n : 1); i++) {
		for (size_t k = 0; k < sets[i]->seq.len; k++) {
			bool keep = true;
			for (size_t j = 1; op != UNION && keep && j < c->n; j++)
				keep = holds(sets[j], sets[i]->seq.at[k]) == (op == INTERSECTION);
			if (keep)
				at[n++] = sets[i]->seq.at[k];
		}
	}
	*out = val_set(c->arena, elem, at, n);
	return 0;
}

int fn_setunion(struct func_call *c, const struct val **out, struct err *err)
{
	return set_op(c, UNION, out, err);
}

int fn_setintersection(struct func_call *c, const struct val **out, struct err *err)
{
	return set_op(c, INTERSECTION, out, err);
}

int fn_setsubtract(struct func_call *c, const struct val **out, struct err *err)
{
	return set_op(c, SUBTRACT, out, err);
}

/* Arguments of setproduct as lists of unified members; *SETS: one is a set; *TOTAL: the product of their lengths. */
static int product_args(struct func_call *c, const struct val **lists, bool *sets, size_t *total, struct err *err)
{
	*sets = false;
	*total = 1;
	if (c->n < 2)
		return func_fail(c, SIZE_MAX, err, "at least two arguments are required");
	for (size_t i = 0; i < c->n; i++) {
		if (!func_is_seq(c->args[i]))
			return func_fail(c, i, err, "a list, set or tuple is required, have %s", func_type_name(c, c->args[i]));
		*sets |= val_kind(c->args[i]) == T_SET;
		if (val_convert(c->arena, c->args[i], type_list(c->arena, &type_dynamic), &lists[i], err))
			return c->bad_arg = i, E_INPUT;
		if (*total && lists[i]->seq.len > FUNC_ELEMS / *total)
			return func_fail(c, SIZE_MAX, err, "the result has more than %d elements", FUNC_ELEMS);
		*total *= lists[i]->seq.len;
	}
	if (*total * c->n > FUNC_ELEMS)
		return func_fail(c, SIZE_MAX, err, "the result has more than %d elements", FUNC_ELEMS);
	return 0;
}

int fn_setproduct(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val **lists = arena_array(c->arena, c->n, sizeof(*lists));
	bool sets;
	size_t total;
	unsigned marks = 0, inside = 0;
	bool open = false;
	int rc = product_args(c, lists, &sets, &total, err);
	for (size_t i = 0; i < c->n && !rc; i++) {
		marks |= c->args[i]->marks;
		inside |= val_sensitive_deep(c->args[i]);
		open |= val_open_set(c->args[i]);
	}
	if (rc)
		return rc;
	if (open) {
		*out = val_mark(c->arena, &val_unknown_dynamic, inside);
		return 0;
	}
	const struct type **items = arena_array(c->arena, c->n, sizeof(*items));
	for (size_t i = 0; i < c->n; i++)
		items[i] = lists[i]->type->elem;
	const struct type *tuple = type_tuple(c->arena, items, c->n);
	const struct val **at = arena_array(c->arena, total, sizeof(*at)), **row = arena_array(c->arena, c->n, sizeof(*row));
	for (size_t i = 0; i < total; i++) {
		for (size_t k = c->n, rest = i; k-- > 0; rest /= lists[k]->seq.len)
			row[k] = lists[k]->seq.at[rest % lists[k]->seq.len];
		at[i] = val_tuple(c->arena, row, c->n);
	}
	/* Members of a set have no marks of their own: they are the set's. */
	for (size_t i = 0; sets && inside && i < total; i++)
		at[i] = val_unmark_deep(c->arena, at[i]);
	*out = val_mark(c->arena, sets ? val_set(c->arena, tuple, at, total) : val_list(c->arena, tuple, at, total), sets ? inside : marks);
	return 0;
}

int fn_matchkeys(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *values = c->args[0], *keys = c->args[1], *search = c->args[2];
	const struct type *types[2] = { keys->type->elem, search->type->elem }, *elem = type_unify(c->arena, types, 2);
	size_t n = 0;
	if (values->seq.len != keys->seq.len)
		return func_fail(c, 1, err, "the number of keys (%u) and of values (%u) differ", keys->seq.len, values->seq.len);
	if (!elem)
		return func_fail(c, 2, err, "the keys and what to search for must be of the same type");
	if (val_convert(c->arena, keys, type_list(c->arena, elem), &keys, err) ||
	    val_convert(c->arena, search, type_set(c->arena, elem), &search, err))
		return c->bad_arg = 2, E_INPUT;
	if (!val_known_deep(keys) || !val_known_deep(search)) {
		*out = val_unknown(c->arena, values->type);
		return 0;
	}
	const struct val **at = arena_array(c->arena, values->seq.len, sizeof(*at));
	for (size_t i = 0; i < values->seq.len; i++)
		if (holds(search, keys->seq.at[i]))
			at[n++] = values->seq.at[i];
	*out = val_list(c->arena, values->type->elem, at, n);
	return 0;
}

/* (member, key) pairs, sorted by member, then key, then gathered. */
struct pair { const char *member; const struct val *key; };

static int by_member(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;
	int c = strcmp(p->member, q->member);
	return c ? c : val_cmp(p->key, q->key);
}

int fn_transpose(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *m = c->args[0];
	const struct type *strings = type_list(c->arena, &type_string);
	size_t n = 0, at = 0, len = 0;
	if (func_unknown(c, type_map(c->arena, strings), out))
		return 0;
	for (size_t i = 0; i < m->map.len; i++)
		n += val_len(m->map.at[i].val);
	struct pair *p = arena_array(c->arena, n, sizeof(*p));
	for (size_t i = 0; i < m->map.len; i++) {
		const struct val *key = val_string_nfc(c->arena, m->map.at[i].key, strlen(m->map.at[i].key)), *list = m->map.at[i].val;
		if (val_is_null(list))
			return func_fail(c, 0, err, "the list \"%.200s\" is null", m->map.at[i].key);
		for (size_t k = 0; k < val_len(list); k++) {
			if (val_is_null(list->seq.at[k]))
				return func_fail(c, 0, err, "null cannot become a key");
			if (strlen(list->seq.at[k]->str.s) != list->seq.at[k]->str.len)
				return func_fail(c, 0, err, "a key cannot hold a NUL character");
			p[at++] = (struct pair){ list->seq.at[k]->str.s, key };
		}
	}
	if (n > 1)
		qsort(p, n, sizeof(*p), by_member);
	struct val_entry *e = arena_array(c->arena, n, sizeof(*e));
	const struct val **row = arena_array(c->arena, n, sizeof(*row));
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i; k < n && !strcmp(p[k].member, p[i].member); k++)
			row[k] = p[k].key;
		e[len++] = (struct val_entry){ p[i].member, func_strings(c, row + i, k - i) };
	}
	*out = val_map(c->arena, strings, e, len);
	return 0;
}
