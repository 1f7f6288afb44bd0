#include "base/json.h"
#include "engine/spec.h"

static json_t *with_nulls(const struct attr *attrs, const json_t *config);

/* A value as expressions see it: every attribute the schema knows is there, null where it was not given. */
static json_t *seen(const struct attr *a, enum attr_type type, const json_t *v)
{
	const char *key;
	const json_t *member;
	if (v == lang_unknown() || !a->fields || json_is_null(v))
		return json_ref(v);
	if (type == ATTR_OBJECT)
		return with_nulls(a->fields, v);
	if (a->elem != ATTR_OBJECT)
		return json_ref(v);
	json_t *out = type == ATTR_LIST ? json_array() : json_object();
	if (type == ATTR_LIST) {
		for (size_t i = 0; i < json_array_size(v); i++)
			json_array_append_new(out, seen(a, ATTR_OBJECT, json_array_get(v, i)));
	} else {
		json_object_foreach((json_t *)v, key, member) {
			json_object_set_new(out, key, seen(a, ATTR_OBJECT, member));
		}
	}
	return out;
}

static json_t *with_nulls(const struct attr *attrs, const json_t *config)
{
	json_t *out = json_object();
	for (const struct attr *a = attrs; a && a->name; a++) {
		const json_t *v = json_object_get(config, a->name);
		json_object_set_new_nocheck(out, a->name, v ? seen(a, a->type, v) : json_null());
	}
	return out;
}

bool type_computes(const struct resource_type *type)
{
	for (const struct attr *a = type->attrs; a && a->name; a++)
		if (a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED))
			return true;
	return false;
}

/* What came from the provider, when that is known. */
static const json_t *computed_of(const struct spec *s, const struct instance *in)
{
	if (in->asking)
		return in->asking->value;
	return s->computed && in->item ? s->computed(s->computed_ctx, in->item) : NULL;
}

/* Does something that IN is made of not come to be as the spec has it? */
static bool is_missing(const struct spec *s, const struct instance *in)
{
	const struct unit *u = in->unit;
	if (!s->missing)
		return false;
	if (in->item)
		return s->missing(s->computed_ctx, in->item);
	for (size_t i = 0; u && i < u->n; i++)
		if (s->missing(s->computed_ctx, s->items.at[u->first + i]))
			return true;
	return false;
}

static void add_computed(struct spec *s, struct resource *r, const struct instance *in, json_t *out)
{
	const json_t *known = computed_of(s, in);
	bool hidden = known && in->asking && in->asking->sensitive;
	const struct plan_options *o = s->options;
	const json_t *foretold = !known && in->item && o && o->foretold ? o->foretold(o->foretold_ctx, r->row->type, in->address) : NULL;
	for (const struct attr *a = r->row->type->attrs; a && a->name; a++) {
		if (!(a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED)))
			continue;
		if ((a->flags & ATTR_OPTIONAL_COMPUTED) && json_object_get(in->config, a->name))
			continue;
		const json_t *v = json_at(known ? known : foretold, a->name);
		r->value_unknown = r->value_unknown || (!known && !v);
		json_t *shown = v ? json_ref(v) : known ? json_null() : json_ref(lang_unknown());
		json_object_set_new_nocheck(out, a->name, hidden ? lang_sensitive(shown) : shown);
	}
}

json_t *type_value(const struct resource_type *type, const json_t *config, const json_t *known)
{
	json_t *out = with_nulls(type->attrs, config);
	for (const struct attr *a = type->attrs; a && a->name; a++) {
		if (!(a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED)) || ((a->flags & ATTR_OPTIONAL_COMPUTED) && json_object_get(config, a->name)))
			continue;
		const json_t *v = json_at(known, a->name);
		json_object_set_new_nocheck(out, a->name, v ? json_ref(v) : json_null());
	}
	return out;
}

json_t *spec_instance_value(struct spec *s, struct resource *r, const struct instance *in)
{
	const char *key;
	json_t *v;
	if (in->failed || (in->unknown && r->row->type->expand) || is_missing(s, in)) {
		r->value_unknown = true;
		return json_ref(lang_unknown());
	}
	json_t *out = with_nulls(r->row->type->attrs, in->config);
	r->value_unknown = r->value_unknown || in->unknown;
	if (!r->row->type->expand)
		add_computed(s, r, in, out);
	json_object_foreach(in->extra, key, v) {
		json_object_set(out, key, v);
	}
	return out;
}

static json_t *block_value(struct spec *s, struct resource *r, const struct block *b)
{
	if (b->lb->kind == LANG_SINGLE && b->n == 1)
		return spec_instance_value(s, r, &b->instances[0]);
	json_t *all = b->lb->kind == LANG_INDEX ? json_array() : json_object();
	for (size_t i = 0; i < b->n; i++) {
		json_t *v = spec_instance_value(s, r, &b->instances[i]);
		if (b->lb->kind == LANG_INDEX)
			json_array_append_new(all, v);
		else
			json_object_set_new(all, b->instances[i].key, v);
	}
	return all;
}

const json_t *spec_value(void *ctx, const struct lang_resource *lr, size_t block)
{
	struct spec *s = ctx;
	struct resource *r = &s->res[lr->index];
	struct block *b = r->expanded && block < r->n_blocks ? &r->blocks[block] : NULL;
	r->asked = true;
	if (!b || b->lb->deferred) {
		r->value_unknown = true;
		return NULL;
	}
	if (!b->value)
		b->value = block_value(s, r, b);
	return b->value == lang_unknown() ? NULL : b->value;
}
