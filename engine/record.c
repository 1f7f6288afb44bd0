#include "engine/record.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/diff.h"

enum { TOLD = 3, VALUE_CHARS = 60, DEEPEST = 100 };

static json_t *merged(const struct attr *attrs, const json_t *config, const json_t *actual, int depth);

/* One attribute that holds objects with fields of their own: an object, or a map or list of them. */
static json_t *merged_value(const struct attr *a, const json_t *config, const json_t *actual, int depth)
{
	const char *key;
	json_t *v;
	size_t i;
	if (a->type == ATTR_OBJECT && json_is_object(config) && json_is_object(actual))
		return merged(a->fields, config, actual, depth);
	bool map = a->type == ATTR_MAP && json_is_object(config) && json_is_object(actual);
	bool list = a->type == ATTR_LIST && json_is_array(config) && json_is_array(actual) &&
		    json_array_size(config) == json_array_size(actual);
	if (a->elem != ATTR_OBJECT || (!map && !list))
		return json_ref(actual);
	json_t *out = json_copy((json_t *)actual);
	if (list)
		json_array_foreach((json_t *)actual, i, v)
			json_array_set_new(out, i, merged(a->fields, json_array_get(config, i), v, depth));
	else
		json_object_foreach((json_t *)actual, key, v)
			json_object_set_new(out, key, merged(a->fields, json_object_get(config, key), v, depth));
	return out;
}

static json_t *merged(const struct attr *attrs, const json_t *config, const json_t *actual, int depth)
{
	if (!json_is_object(config) || !json_is_object(actual) || depth > DEEPEST)
		return json_ref(actual);
	json_t *out = json_copy((json_t *)actual);
	for (const struct attr *a = attrs; a && a->name; a++) {
		const json_t *want = json_at(config, a->name), *have = json_at(actual, a->name);
		if (!want)
			continue;
		if (a->flags & (ATTR_META | ATTR_SECRET))
			json_object_set_new(out, a->name, json_ref(want));
		else if (have && a->fields)
			json_object_set_new(out, a->name, merged_value(a, want, have, depth + 1));
	}
	return out;
}

json_t *record_attrs(const struct resource_type *type, const json_t *config, const json_t *actual)
{
	return merged(type->attrs, config, actual, 0);
}

static void add_value(struct str *out, const json_t *v)
{
	if (!v) {
		str_add(out, "nothing");
		return;
	}
	autofree char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);
	size_t n = strlen(text);
	if (n <= VALUE_CHARS) {
		str_add(out, text);
		return;
	}
	n = VALUE_CHARS;
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	str_addn(out, text, n);
	str_add(out, "...");
}

bool record_conforms(const struct resource_type *type, const json_t *config, const json_t *actual, struct str *why)
{
	autoarena struct arena *a = arena_new();
	struct diff_input in = { .type = type, .want = config, .have = actual, .prior = actual };
	struct diff_result d;
	diff_object(a, &in, &d);
	for (size_t i = 0; i < d.n; i++) {
		if (i < TOLD) {
			str_addf(why, "%s%s %s still reads ", i ? "; " : "", type->name, d.attrs[i].shown);
			add_value(why, d.attrs[i].before);
			str_add(why, ", not ");
			add_value(why, d.attrs[i].after);
		}
		attr_change_release(&d.attrs[i]);
	}
	if (d.n > TOLD)
		str_addf(why, "; and %zu more", d.n - TOLD);
	return d.n == 0;
}
