/* eval_yaml - YAML without templates as values.
 *
 * A file may hold millions of small maps and lists, so what occurs again is found again: scalars by what stands there (the nodes of a file
 * share short texts, see yaml.h), small collections by their members, types by those of the members. The tables hold what came last, WAYS
 * for each hash; a miss costs memory, nothing else. Values never change, so that two places can share one.
 */
#include "lang/eval.h"

#include <string.h>

#include "base/mem.h"

enum { SMALL = 32, WAYS = 4, SETS = 512 };

struct known_scalar { const struct ybody *is; const struct val *val; };
struct eval_shared {
	struct known_scalar scalars[SETS][WAYS];
	const struct val *parts[SETS][WAYS];
	const struct type *types[SETS][WAYS];
};
struct maker { struct eval *e; struct arena *a; struct eval_shared *shared; bool stays; };

static const struct val *make(struct maker *m, const struct ynode *n);

static uint64_t mix(uint64_t h, const void *p)
{
	h = (h ^ (uint64_t)(uintptr_t)p) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static const struct val *new_scalar(struct maker *m, const struct ybody *is)
{
	const struct val *number = is->kind == Y_NUMBER ? val_number_text(m->a, is->s, is->n) : NULL;
	if (number)
		return number;
	return m->stays && val_is_ascii(is->s, is->n) ? val_string_of(m->a, is->s, is->n) : val_stringn(m->a, is->s, is->n);
}

static const struct val *scalar(struct maker *m, const struct ybody *is)
{
	if (!m->stays)                       /* another one may come to stand in its place */
		return new_scalar(m, is);
	struct known_scalar *set = m->shared->scalars[mix(0, is) % SETS];
	for (int i = 0; i < WAYS; i++)
		if (set[i].is == is)
			return set[i].val;
	memmove(set + 1, set, (WAYS - 1) * sizeof(*set));
	*set = (struct known_scalar){ is, new_scalar(m, is) };
	return set->val;
}

const char *eval_yaml_key(struct eval *e, const struct ynode *n, bool stays)
{
	return stays && val_is_ascii(n->is->s, n->is->n) ? n->is->s : val_stringn(e->arena, n->is->s, n->is->n)->str.s;
}

static bool has_types(const struct type *t, enum type_kind kind, const struct val_entry *at, uint32_t n)
{
	bool same = t && t->kind == kind && t->n == n;
	for (uint32_t i = 0; same && i < n; i++)
		same = type_item(t, i) == at[i].val->type && (kind == T_TUPLE || type_field(t, i).name == at[i].key);
	return same;
}

/* The type of the members AT when one of the last values had it, else NULL; *SET is where it belongs. */
static const struct type *find_type(struct maker *m, enum type_kind kind, const struct val_entry *at, uint32_t n, const struct type ***set)
{
	uint64_t h = mix(kind, NULL);
	for (uint32_t i = 0; i < n; i++)
		h = mix(mix(h, at[i].key), at[i].val->type);
	*set = m->shared->types[h % SETS];
	for (int i = 0; i < WAYS; i++)
		if (has_types((*set)[i], kind, at, n))
			return (*set)[i];
	return NULL;
}

static bool is_same(const struct val *v, enum type_kind kind, const struct val_entry *at, uint32_t n)
{
	if (!v || val_kind(v) != kind || val_len(v) != n)
		return false;
	if (kind == T_OBJECT)
		return n == 0 || memcmp(v->map.at, at, n * sizeof(*at)) == 0;
	for (uint32_t i = 0; i < n; i++)
		if (v->seq.at[i] != at[i].val)
			return false;
	return true;
}

/* The tuple or object of AT; the keys, NULL in a tuple, are in order. */
static const struct val *part(struct maker *m, enum type_kind kind, const struct val_entry *at, uint32_t n)
{
	uint64_t h = mix(kind, NULL);
	for (uint32_t i = 0; i < n; i++)
		h = mix(mix(h, at[i].key), at[i].val);
	const struct val **set = m->shared->parts[h % SETS], *v;
	for (int i = 0; i < WAYS; i++)
		if (is_same(set[i], kind, at, n))
			return set[i];
	const struct type **types, *t = find_type(m, kind, at, n, &types);
	if (kind == T_OBJECT) {
		struct val_entry *copy = arena_packed(m->a, n, sizeof(*copy));
		if (n)
			memcpy(copy, at, n * sizeof(*copy));
		v = val_object_of(m->a, t, copy, n);
	} else {
		const struct val **copy = arena_packed(m->a, n, sizeof(*copy));
		for (uint32_t i = 0; i < n; i++)
			copy[i] = at[i].val;
		v = val_tuple_of(m->a, t, copy, n);
	}
	memmove(set + 1, set, (WAYS - 1) * sizeof(*set));
	set[0] = v;
	if (!t) {
		memmove(types + 1, types, (WAYS - 1) * sizeof(*types));
		types[0] = v->type;
	}
	return v;
}

static const struct val *list(struct maker *m, const struct ynode *n)
{
	struct val_entry few[SMALL];
	if (n->is->n <= SMALL) {
		for (uint32_t i = 0; i < n->is->n; i++)
			few[i] = (struct val_entry){ NULL, make(m, &yaml_kids(n)[i]) };
		return part(m, T_TUPLE, few, n->is->n);
	}
	const struct val **at = arena_packed(m->a, n->is->n, sizeof(*at));
	for (uint32_t i = 0; i < n->is->n; i++)
		at[i] = make(m, &yaml_kids(n)[i]);
	return val_tuple_of(m->a, NULL, at, n->is->n);
}

static const struct val *map(struct maker *m, const struct ynode *n)
{
	struct val_entry few[SMALL], *at = n->is->n <= SMALL ? few : arena_packed(m->a, n->is->n, sizeof(*at));
	for (uint32_t i = 0; i < n->is->n; i++)
		at[i] = (struct val_entry){ eval_yaml_key(m->e, &yaml_kids(n)[2 * i], m->stays), make(m, &yaml_kids(n)[2 * i + 1]) };
	return at == few ? part(m, T_OBJECT, few, (uint32_t)val_sort_entries(few, n->is->n)) : val_object_of(m->a, NULL, at, n->is->n);
}

static const struct val *make(struct maker *m, const struct ynode *n)
{
	switch ((enum ykind)n->is->kind) {
	case Y_NULL: return &val_null_dynamic;
	case Y_BOOL: return val_bool(n->is->b);
	case Y_STRING:
	case Y_NUMBER: return scalar(m, n->is);
	case Y_SEQ: return list(m, n);
	case Y_MAP: return map(m, n);
	}
	BUG("YAML of kind %d", n->is->kind);
}

const struct val *eval_yaml(struct eval *e, const struct ynode *n, bool stays)
{
	if (!e->shared)
		e->shared = arena_alloc(e->arena, sizeof(*e->shared));
	return make(&(struct maker){ .e = e, .a = e->arena, .shared = e->shared, .stays = stays }, n);
}
