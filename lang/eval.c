#include "lang/eval.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"

/* --- failures and limits ----------------------------------------------------------------------------------------- */

struct diag *eval_fail(struct eval *e, const struct expr *x, const char *code, const char *fmt, ...)
{
	autostr struct str s;
	va_list ap;
	str_init(&s, 8192);
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (e->quiet == 0)
		return diag_add(e->d, code, expr_mark(x), "%s", s.at);
	size_t n = s.len < sizeof(e->why) - 1 ? s.len : sizeof(e->why) - 1;
	memcpy(e->why, s.at, n);
	e->why[n] = '\0';
	return NULL;
}

void eval_note_value(struct diag *g, const char *what, const struct val *v)
{
	if (!g)
		return;
	autostr struct str s;
	str_init(&s, 4096);
	val_describe(v, &s);
	diag_note(g, (struct mark){ 0 }, "%s is %s", what, s.at);
}

bool eval_step(struct eval *e, const struct expr *x, uint64_t n)
{
	if (e->steps > EVAL_STEPS)
		return false;
	e->steps += n;
	if (e->steps <= EVAL_STEPS)
		return true;
	int quiet = e->quiet;
	e->quiet = 0;                        /* nothing can rescue this, so it is always told */
	eval_fail(e, x, "E0220", "this expression takes too much: more than %d steps and elements", EVAL_STEPS);
	e->quiet = quiet;
	return false;
}

static bool has_members(const struct val *v)
{
	return val_known(v) && val_kind(v) >= T_LIST && val_len(v) > 0;
}

static bool scan(struct eval *e, const struct expr *x, const struct val *v, int level, struct eval_seen *out)
{
	enum { FRACTION = 16 };              /* steps for a number that is no small whole one: to sort or write it takes that much longer */
	*out = (struct eval_seen){ .val = v, .weight = 1, .depth = 1, .marks = v->marks };
	if (!has_members(v))
		return !val_known(v) || val_is_null(v) || val_kind(v) != T_NUMBER || v->form == NUM_INT || eval_step(e, x, FRACTION);
	struct eval_seen *slot = &e->seen[((uintptr_t)v >> 3) % ARRAY_LEN(e->seen)];
	if (slot->val == v) {
		*out = *slot;
		return true;
	}
	size_t n = val_len(v);
	bool map = val_kind(v) == T_MAP || val_kind(v) == T_OBJECT;
	if (level > EVAL_NESTING || !eval_step(e, x, n))
		return level <= EVAL_NESTING ? false : (eval_fail(e, x, "E0220", "this value is nested more than %d levels deep", EVAL_NESTING), false);
	for (size_t i = 0; i < n; i++) {
		struct eval_seen in;
		if (!scan(e, x, map ? v->map.at[i].val : v->seq.at[i], level + 1, &in))
			return false;
		uint64_t weight = (uint64_t)out->weight + in.weight;
		out->weight = weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight;
		out->marks |= in.marks;
		if (in.depth >= out->depth)
			out->depth = (uint16_t)(in.depth + 1);
	}
	if (out->weight > EVAL_STEPS || out->depth > EVAL_NESTING) {
		eval_fail(e, x, "E0220", out->depth > EVAL_NESTING ? "this value is nested more than %d levels deep"
			  : "this value has more than %d elements", out->depth > EVAL_NESTING ? EVAL_NESTING : EVAL_STEPS);
		return false;
	}
	*slot = *out;
	return true;
}

bool eval_scan(struct eval *e, const struct expr *x, const struct val *v, struct eval_seen *out)
{
	return scan(e, x, v, 0, out);
}

bool eval_check_size(struct eval *e, const struct expr *x, const struct val *v)
{
	struct eval_seen seen;
	return eval_scan(e, x, v, &seen);
}

unsigned eval_sensitive(struct eval *e, const struct val *v)
{
	struct eval_seen *slot = &e->seen[((uintptr_t)v >> 3) % ARRAY_LEN(e->seen)];
	if (!has_members(v))
		return v->marks;
	return slot->val == v ? slot->marks : val_sensitive_deep(v);
}

/* --- lists, objects, templates ------------------------------------------------------------------------------------- */

static const struct val *eval_tuple(struct eval *e, struct expr *x)
{
	const struct val **at = arena_packed(e->arena, x->list.n, sizeof(*at));
	struct expr_constant room;
	bool ok = true;
	for (uint32_t i = 0; i < x->list.n; i++) {
		at[i] = eval(e, expr_item(x, i, &room));
		ok &= at[i] != NULL;
	}
	return ok ? val_tuple_of(e->arena, NULL, at, x->list.n) : NULL;
}

/* A key as a string: *OUT NULL when unknown. */
static bool key_text(struct eval *e, struct expr *x, const char **out, unsigned *marked)
{
	struct err err;
	const struct val *v = eval(e, x), *s;
	*out = NULL;
	if (!v)
		return false;
	if (val_is_null(v))
		return eval_fail(e, x, "E0219", "a key cannot be null"), false;
	*marked |= v->marks;
	if (!val_known(v))
		return true;
	if (val_convert(e->arena, v, &type_string, &s, &err)) {
		eval_tell(eval_fail(e, x, "E0219", "a key must be a string"), x, "this", v);
		return false;
	}
	if (strlen(s->str.s) != s->str.len)
		return eval_fail(e, x, "E0219", "a key cannot hold a NUL character"), false;
	*out = s->str.s;
	return true;
}

/* The Ith key of X; most are constant texts, which need no value. */
static bool object_key(struct eval *e, struct expr *x, uint32_t i, const char **out, unsigned *marked)
{
	struct expr_constant room;
	struct expr *key = expr_item_key(x, i, &room);
	const struct ynode *n = key == &room.x ? key->yaml.node : NULL;
	if (!n || strlen(n->is->s) != n->is->n)
		return key_text(e, key, out, marked);
	*out = eval_yaml_key(e, n, x->o->file->arena == e->arena);
	return eval_step(e, x, 1);
}

static const struct val *eval_object(struct eval *e, struct expr *x)
{
	struct val_entry *at = arena_packed(e->arena, x->object.n, sizeof(*at));
	struct expr_constant room;
	bool ok = true, unknown = false;
	unsigned marked = 0;
	for (uint32_t i = 0; i < x->object.n; i++) {
		if (!object_key(e, x, i, &at[i].key, &marked))
			ok = false;
		else if (!at[i].key)
			unknown = true;
		at[i].val = eval(e, expr_item_val(x, i, &room));
		ok &= at[i].val != NULL;
	}
	if (!ok)
		return NULL;
	return val_mark(e->arena, unknown ? &val_unknown_dynamic : val_object_of(e->arena, NULL, at, x->object.n), marked);
}

/* V as text appended to OUT. */
static bool add_piece(struct eval *e, const struct expr *x, const struct val *v, struct str *out, unsigned *marked, bool *unknown)
{
	struct err err;
	const struct val *s = v;
	if (val_is_null(v)) {
		struct diag *g = eval_fail(e, x, "E0218", "null cannot stand in a text");
		if (g)
			diag_hint(g, "coalesce() can put something in its place");
		return false;
	}
	if (val_convert(e->arena, v, &type_string, &s, &err)) {
		struct diag *g = eval_fail(e, x, "E0218", "only strings, numbers and bools can stand in a text");
		eval_tell(g, x, "this", v);
		if (g && val_kind(v) >= T_LIST)
			diag_hint(g, "join() or jsonencode() makes text of it");
		return false;
	}
	*marked |= eval_sensitive(e, v);
	if (!val_known(s)) {
		*unknown = true;
		return true;
	}
	str_addn(out, s->str.s, s->str.len);
	return eval_step(e, x, s->str.len / 8);
}

static const struct val *finish_text(struct eval *e, const struct expr *x, struct str *s, unsigned marked, bool unknown)
{
	if (str_full(s)) {
		eval_fail(e, x, "E0220", "this text is longer than %d MiB", EVAL_TEXT >> 20);
		return NULL;
	}
	const struct val *v = unknown ? val_unknown(e->arena, &type_string) : val_stringn(e->arena, s->at, s->len);
	return val_mark(e->arena, v, marked);
}

static const struct val *eval_template(struct eval *e, struct expr *x)
{
	autostr struct str s;
	bool unknown = false, ok = true;
	unsigned marked = 0;
	str_init(&s, EVAL_TEXT);
	for (uint32_t i = 0; i < x->list.n; i++) {
		const struct val *v = eval(e, x->list.at[i]);
		ok &= v && add_piece(e, x->list.at[i], v, &s, &marked, &unknown);
	}
	return ok ? finish_text(e, x, &s, marked, unknown) : NULL;
}

/* --- loops ------------------------------------------------------------------------------------------------------- */

struct iter { const struct val *coll; size_t n; bool map, set; };

/* What a loop runs over. *UNKNOWN: not known yet. */
static bool iter_init(struct eval *e, struct expr *x, struct iter *it, unsigned *marked, bool *unknown)
{
	const struct val *v = eval(e, x);
	if (!v)
		return false;
	*marked = v->marks;
	*unknown = !val_known(v) && !val_is_null(v);
	if (*unknown && val_kind(v) == T_DYNAMIC)
		return true;
	if (val_is_null(v))
		return eval_fail(e, x, "E0221", "a loop cannot run over null"), false;
	if (val_kind(v) < T_LIST) {
		struct diag *g = eval_fail(e, x, "E0221", "a loop runs over a list, a set or a map");
		eval_tell(g, x, "this", v);
		return false;
	}
	*it = (struct iter){ v, val_len(v), val_kind(v) == T_MAP || val_kind(v) == T_OBJECT, val_kind(v) == T_SET };
	return true;
}

static void iter_bind(struct eval *e, const struct iter *it, const struct expr *x, size_t i)
{
	const struct val *v = it->map ? it->coll->map.at[i].val : it->coll->seq.at[i];
	e->slots[x->val_slot] = v;
	if (x->key_slot == UINT16_MAX)
		return;
	if (it->map)
		e->slots[x->key_slot] = val_string_nfc(e->arena, it->coll->map.at[i].key, strlen(it->coll->map.at[i].key));
	else
		e->slots[x->key_slot] = it->set ? v : val_int(e->arena, (int64_t)i);
}

/* Keys of a new object, to find repeats in constant time. */
struct keyset { uint32_t *slots; size_t cap, n; VEC(struct val_entry) all; };

static uint64_t hash_text(const char *s)
{
	uint64_t h = 1469598103934665603ull;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ull;
	return h ^ h >> 29;
}

/* The position of KEY; *FOUND tells whether it was there already. */
static size_t keyset_add(struct keyset *k, const char *key, bool *found)
{
	if ((k->all.len + 1) * 2 > k->cap) {
		free(k->slots);
		k->cap = k->cap ? k->cap * 2 : 16;
		k->slots = xcalloc(k->cap, sizeof(*k->slots));
		for (size_t i = 0; i < k->all.len; i++) {
			size_t h = hash_text(k->all.at[i].key) & (k->cap - 1);
			while (k->slots[h])
				h = (h + 1) & (k->cap - 1);
			k->slots[h] = (uint32_t)i + 1;
		}
	}
	size_t h = hash_text(key) & (k->cap - 1);
	for (; k->slots[h]; h = (h + 1) & (k->cap - 1)) {
		if (strcmp(k->all.at[k->slots[h] - 1].key, key) == 0) {
			*found = true;
			return k->slots[h] - 1;
		}
	}
	*found = false;
	k->slots[h] = (uint32_t)k->all.len + 1;
	vec_push(&k->all, (struct val_entry){ key, NULL });
	return k->all.len - 1;
}

struct loop {
	struct keyset keys;
	VEC(const struct val *) vals;
	VEC(uint32_t) group;           /* with `...`: which key each value belongs to */
	unsigned marked;
	bool unknown;
};

static bool loop_pair(struct eval *e, struct expr *x, struct loop *l)
{
	const char *key;
	bool found;
	if (!key_text(e, x->loop.key, &key, &l->marked))
		return false;
	const struct val *v = eval(e, x->loop.val);
	if (!v)
		return false;
	if (!key) {
		l->unknown = true;
		return true;
	}
	size_t i = keyset_add(&l->keys, key, &found);
	if (x->group) {
		vec_push(&l->vals, v);
		vec_push(&l->group, (uint32_t)i);
		return true;
	}
	if (found) {
		struct diag *g = eval_fail(e, x->loop.key, "E0222", "two elements give the key \"%.60s\"", l->marked ? "(sensitive)" : key);
		if (g)
			diag_hint(g, "\"...\" behind the value collects the values of one key");
		return false;
	}
	l->keys.all.at[i].val = v;
	return true;
}

static const struct val *loop_grouped(struct eval *e, struct loop *l)
{
	size_t n = l->keys.all.len, *start = xcalloc(n + 1, sizeof(*start));
	const struct val **sorted = xcalloc(l->vals.len ? l->vals.len : 1, sizeof(*sorted));
	for (size_t i = 0; i < l->vals.len; i++)
		start[l->group.at[i] + 1]++;
	for (size_t i = 0; i < n; i++)
		start[i + 1] += start[i];
	for (size_t i = 0; i < l->vals.len; i++)
		sorted[start[l->group.at[i]]++] = l->vals.at[i];
	for (size_t i = n; i > 0; i--)
		l->keys.all.at[i - 1].val = val_tuple(e->arena, sorted + (i > 1 ? start[i - 2] : 0), start[i - 1] - (i > 1 ? start[i - 2] : 0));
	free(start);
	free(sorted);
	return val_object(e->arena, l->keys.all.at, n);
}

static bool loop_run(struct eval *e, struct expr *x, const struct iter *it, struct loop *l)
{
	for (size_t i = 0; i < it->n; i++) {
		const struct val *keep = NULL;
		iter_bind(e, it, x, i);
		if (!eval_step(e, x, 1))
			return false;
		if (x->loop.test) {
			if (!eval_test(e, x->loop.test, "the condition of a loop", &keep, &l->marked))
				return false;
			if (!keep)
				l->unknown = true;
			else if (!keep->b)
				continue;
		}
		if (x->loop.key) {
			if (!loop_pair(e, x, l))
				return false;
			continue;
		}
		const struct val *v = eval(e, x->loop.val);
		if (!v)
			return false;
		vec_push(&l->vals, v);
	}
	return true;
}

const struct val *eval_for(struct eval *e, struct expr *x)
{
	struct iter it = { 0 };
	struct loop l = { 0 };
	const struct val *v = NULL;
	if (!iter_init(e, x->loop.coll, &it, &l.marked, &l.unknown))
		return NULL;
	if (l.unknown) {
		v = &val_unknown_dynamic;
	} else if (loop_run(e, x, &it, &l)) {
		if (l.unknown)
			v = &val_unknown_dynamic;
		else if (!x->loop.key)
			v = val_tuple(e->arena, l.vals.at, l.vals.len);
		else
			v = x->group ? loop_grouped(e, &l) : val_object(e->arena, l.keys.all.at, l.keys.all.len);
	}
	unsigned marked = l.marked;
	free(l.keys.slots);
	vec_free(&l.keys.all);
	vec_free(&l.vals);
	vec_free(&l.group);
	return v ? val_mark(e->arena, v, marked) : NULL;
}

const struct val *eval_join(struct eval *e, struct expr *x)
{
	struct iter it = { 0 };
	autostr struct str s;
	bool unknown, ok = true;
	unsigned marked;
	str_init(&s, EVAL_TEXT);
	if (!iter_init(e, x->loop.coll, &it, &marked, &unknown))
		return NULL;
	for (size_t i = 0; ok && !unknown && i < it.n; i++) {
		iter_bind(e, &it, x, i);
		const struct val *v = eval_step(e, x, 1) ? eval(e, x->loop.val) : NULL;
		bool later = false;
		ok = v && add_piece(e, x->loop.val, v, &s, &marked, &later);
		unknown |= later;
	}
	return ok ? finish_text(e, x, &s, marked, unknown) : NULL;
}

/* --- the node ------------------------------------------------------------------------------------------------------ */

const struct val *eval(struct eval *e, struct expr *x)
{
	if (!eval_step(e, x, 1))
		return NULL;
	switch ((enum expr_kind)x->kind) {
	case X_VALUE: return x->val;
	case X_YAML:
		if (!x->yaml.val)
			x->yaml.val = eval_yaml(e, x->yaml.node, x->o->file->arena == e->arena);
		return x->yaml.val;
	case X_TEMPLATE: return eval_template(e, x);
	case X_JOIN: return eval_join(e, x);
	case X_SLOT:
		eval_meet(e, e->slots[x->val_slot]);
		return e->slots[x->val_slot];
	case X_REF: {
		struct diag *g = eval_fail(e, x, "E0211", "\"%s\" is not the name of a value", x->name);
		if (g)
			diag_hint(g, "a reference is var.NAME, local.NAME or TYPE.NAME; text stands in quotes");
		return NULL;
	}
	case X_ATTR: return eval_attr(e, x);
	case X_INDEX: return eval_index(e, x);
	case X_SPLAT: return eval_splat(e, x);
	case X_CALL: return eval_call(e, x);
	case X_COND: return eval_cond(e, x);
	case X_UNARY: return eval_unary(e, x);
	case X_BINARY: return eval_operator(e, x);
	case X_FOR: return eval_for(e, x);
	case X_TUPLE: return eval_tuple(e, x);
	case X_OBJECT: return eval_object(e, x);
	}
	BUG("expression of kind %d", x->kind);
}

const struct val *eval_run(struct eval *e, struct expr *x)
{
	e->steps = 0;
	e->quiet = 0;
	return eval(e, x);
}
