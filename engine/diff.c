#include "engine/diff.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

enum { MAX_STEPS = 200, NOT_COMPARED = ATTR_META | ATTR_STATUS | ATTR_SECRET };

struct step { const char *name; bool elide; };
struct walk {
	const struct diff_input *in;
	struct arena *arena;
	struct diff_result *out;
	struct step path[MAX_STEPS];
	size_t depth;
	VEC(struct attr_change) found;
};

static bool compared(const struct attr *a)
{
	return !(a->flags & NOT_COMPARED) && (!(a->flags & ATTR_COMPUTED) || (a->flags & ATTR_OPTIONAL_COMPUTED));
}

static bool null_is_a_value(const struct attr *a)
{
	return a->deflt && strcmp(a->deflt, "null") == 0;
}

static const json_t *null_as_absent(const json_t *v)
{
	return json_is_null(v) ? NULL : v;
}

static const json_t *member(const json_t *v, const char *key)
{
	return null_as_absent(json_at(v, key));
}

/* --- equal? ---------------------------------------------------------------------------------------------------------- */

static bool same(const struct attr *a, enum attr_type type, const json_t *want, const json_t *have);

static bool same_fields(const struct attr *fields, const json_t *want, const json_t *have)
{
	for (const struct attr *f = fields; f->name; f++) {
		const json_t *w = member(want, f->name);
		if (compared(f) && (w || null_is_a_value(f)) && !same(f, f->type, w, member(have, f->name)))
			return false;
	}
	return true;
}

static bool same_map(const struct attr *a, const json_t *want, const json_t *have)
{
	const char *key;
	json_t *w;
	if (!(a->flags & ATTR_GLOB_KEYS) && json_object_size(want) != json_object_size(have))
		return false;
	json_object_foreach((json_t *)want, key, w) {
		const json_t *h = json_object_get(have, key);
		if (!h || !same(a, a->elem, w, h))
			return false;
	}
	return true;
}

static bool same_list(const struct attr *a, const json_t *want, const json_t *have)
{
	size_t n = json_array_size(want);
	if (n != json_array_size(have))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same(a, a->elem, json_array_get(want, i), json_array_get(have, i)))
			return false;
	return true;
}

static bool same(const struct attr *a, enum attr_type type, const json_t *want, const json_t *have)
{
	if (want == have)
		return true;
	if (type == ATTR_OBJECT && a->fields && json_is_object(want) && json_is_object(have))
		return same_fields(a->fields, want, have);
	if (type == ATTR_MAP && json_is_object(want) && json_is_object(have))
		return same_map(a, want, have);
	if (type == ATTR_LIST && json_is_array(want) && json_is_array(have))
		return same_list(a, want, have);
	return json_same(want, have);
}

/* --- where not? -------------------------------------------------------------------------------------------------------- */

static void write_path(const struct walk *w, bool elided, struct str *out)
{
	str_clear(out);
	for (size_t i = 0; i < w->depth; i++)
		if (!elided || !w->path[i].elide)
			str_addf(out, "%s%s", out->len ? "." : "", w->path[i].name);
	if (!out->len)
		str_add(out, w->path[w->depth - 1].name);
}

/* Are X and Y the same in meaning at PATH? */
static bool alike(const struct walk *w, const struct attr *a, enum attr_type type, const char *path, const json_t *x, const json_t *y)
{
	if (same(a, type, x, y))
		return true;
	return x && y && w->in->type->same && w->in->type->same(path, x, y);
}

static void leaf(struct walk *w, const struct attr *a, enum attr_type type, unsigned flags, const json_t *want,
		 const json_t *have, const json_t *prior)
{
	struct str text;
	str_init(&text, STR_OURS);
	write_path(w, false, &text);
	if (alike(w, a, type, text.at, want, have)) {
		str_release(&text);
		return;
	}
	unsigned cause = 0;
	struct attr_change c = { .before = have ? json_ref(have) : NULL, .after = want ? json_ref(want) : NULL };
	if (!w->in->prior || !alike(w, a, type, text.at, want, prior))
		cause |= CAUSE_SPEC;
	if (w->in->prior && (prior || !want) && !alike(w, a, type, text.at, prior, have))
		cause |= CAUSE_DRIFT;
	c.cause = cause ? cause : CAUSE_SPEC;
	c.was = (cause & CAUSE_DRIFT) && prior ? json_ref(prior) : NULL;
	c.path = arena_strndup(w->arena, text.at, text.len);
	write_path(w, true, &text);
	c.shown = arena_strndup(w->arena, text.at, text.len);
	vec_push(&w->found, c);
	w->out->cause |= c.cause;
	w->out->replace = w->out->replace || (flags & ATTR_REPLACE);
	w->out->lacking = w->out->lacking || (want && !have);
	str_release(&text);
}

static void walk(struct walk *w, const struct attr *a, enum attr_type type, unsigned flags, const json_t *want,
		 const json_t *have, const json_t *prior);

static void walk_step(struct walk *w, struct step step, const struct attr *a, enum attr_type type, unsigned flags,
		      const json_t *want, const json_t *have, const json_t *prior)
{
	if (w->depth == MAX_STEPS)
		return;
	w->path[w->depth++] = step;
	walk(w, a, type, flags, want, have, prior);
	w->depth--;
}

static void walk_fields(struct walk *w, const struct attr *fields, unsigned flags, const json_t *want, const json_t *have,
			const json_t *prior)
{
	for (const struct attr *f = fields; f && f->name; f++) {
		const json_t *v = member(want, f->name);
		if (compared(f) && (v || null_is_a_value(f)))
			walk_step(w, (struct step){ f->name, (f->flags & ATTR_ELIDE) != 0 }, f, f->type,
				  flags | (f->flags & ATTR_REPLACE), v, member(have, f->name), member(prior, f->name));
	}
}

static void walk_keys(struct walk *w, const struct attr *a, enum attr_type elem, unsigned flags, const json_t *want,
		      const json_t *have, const json_t *prior)
{
	size_t n;
	autojson json_t *both = json_object();
	json_object_update(both, (json_t *)want);
	if (json_is_object(have) && !(a->flags & ATTR_GLOB_KEYS))
		json_object_update_missing(both, (json_t *)have);
	autofree const char **keys = json_keys(both, &n);
	for (size_t i = 0; i < n; i++)
		walk_step(w, (struct step){ keys[i], false }, a, elem, flags, member(want, keys[i]), member(have, keys[i]),
			  member(prior, keys[i]));
}

static void walk(struct walk *w, const struct attr *a, enum attr_type type, unsigned flags, const json_t *want,
		 const json_t *have, const json_t *prior)
{
	bool into = json_is_object(want) && (!have || json_is_object(have));
	if (same(a, type, want, have))
		return;
	if (into && type == ATTR_OBJECT && a->fields)
		walk_fields(w, a->fields, flags, want, have, prior);
	else if (into && type == ATTR_MAP && json_object_size(want))
		walk_keys(w, a, a->elem, flags, want, have, prior);
	else if (into && have && (type == ATTR_ANY || type == ATTR_OBJECT))
		walk_keys(w, a, ATTR_ANY, flags & ~(unsigned)ATTR_GLOB_KEYS, want, have, prior);
	else
		leaf(w, a, type, flags, want, have, prior);
}

void diff_object(struct arena *a, const struct diff_input *in, struct diff_result *out)
{
	struct walk w = { .in = in, .arena = a, .out = out };
	*out = (struct diff_result){ 0 };
	walk_fields(&w, in->type->attrs, 0, in->want, in->have, in->prior);
	out->n = w.found.len;
	if (out->n) {
		out->attrs = arena_array(a, out->n, sizeof(*out->attrs));
		memcpy(out->attrs, w.found.at, out->n * sizeof(*out->attrs));
	}
	vec_free(&w.found);
}

void attr_change_release(struct attr_change *c)
{
	json_decref((json_t *)c->before);
	json_decref((json_t *)c->after);
	json_decref((json_t *)c->was);
}
