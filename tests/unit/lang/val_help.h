/* val_help - values of tables written as text: JSON, where an object of one key "~KIND" stands for what JSON cannot say:
 * {"~list(string)": ["a"]} converted to that type, {"~unknown": "string"}, {"~null": "number"}, {"~sensitive": VALUE}, {"~ephemeral": VALUE}.
 */
#ifndef TESTS_LANG_VAL_HELP_H
#define TESTS_LANG_VAL_HELP_H

#include <string.h>

#include "base/json.h"
#include "lang/lang.h"
#include "lang/value.h"

/* Reads the notation that type_write() writes, plus optional(T). */
static inline const struct type *help_type(struct arena *a, const char **s)
{
	static const struct { const char *name; const struct type *type; } plain[] = {
		{ "any", &type_dynamic }, { "bool", &type_bool }, { "number", &type_number }, { "string", &type_string },
	};
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (str_has_prefix(*s, plain[i].name)) {
			*s += strlen(plain[i].name);
			return plain[i].type;
		}
	}
	char kind = **s;
	*s = strchr(*s, '(') + 1;
	const struct type *t = NULL;
	if (kind == 'l' || kind == 's' || kind == 'm') {
		t = help_type(a, s);
		t = kind == 'l' ? type_list(a, t) : kind == 's' ? type_set(a, t) : type_map(a, t);
	} else if (kind == 't') {
		const struct type *items[8];
		size_t n = 0;
		for (++*s; **s != ']'; *s += **s == ',')
			items[n++] = help_type(a, s);
		++*s;
		t = type_tuple(a, items, n);
	} else {
		struct type_field f[8];
		size_t n = 0;
		for (++*s; **s != '}'; *s += **s == ',') {
			size_t len = strcspn(*s, "=");
			f[n] = (struct type_field){ .name = arena_strndup(a, *s, len) };
			*s += len + 1;
			f[n].optional = str_has_prefix(*s, "optional(");
			*s += f[n].optional ? 9 : 0;
			f[n].type = help_type(a, s);
			*s += f[n++].optional;
		}
		++*s;
		t = type_object(a, f, n);
	}
	++*s;
	return t;
}

static inline const struct type *help_type_of(struct arena *a, const char *s)
{
	return help_type(a, &s);
}

static inline const struct val *help_value(struct arena *a, const json_t *j)
{
	const char *key = json_is_object(j) && json_object_size(j) == 1 ? json_object_iter_key(json_object_iter((json_t *)(uintptr_t)j)) : "";
	if (key[0] == '~') {
		const json_t *in = json_at(j, key);
		if (!strcmp(key, "~unknown"))
			return val_unknown(a, help_type_of(a, json_string_value(in)));
		if (!strcmp(key, "~null"))
			return val_null(a, help_type_of(a, json_string_value(in)));
		if (!strcmp(key, "~sensitive"))
			return val_mark(a, help_value(a, in), MARK_SENSITIVE);
		if (!strcmp(key, "~ephemeral"))
			return val_mark(a, help_value(a, in), MARK_EPHEMERAL);
		const struct val *out;
		struct err err = { 0 };
		if (val_convert(a, help_value(a, in), help_type_of(a, key + 1), &out, &err))
			BUG("row: %s", err.msg);
		return out;
	}
	if (json_is_array(j)) {
		size_t n = json_array_size(j);
		const struct val **at = arena_array(a, n, sizeof(*at));
		for (size_t i = 0; i < n; i++)
			at[i] = help_value(a, json_array_get(j, i));
		return val_tuple(a, at, n);
	}
	if (json_is_object(j)) {
		size_t n;
		const char **keys = json_keys(j, &n);
		struct val_entry *e = arena_array(a, n, sizeof(*e));
		for (size_t i = 0; i < n; i++)
			e[i] = (struct val_entry){ arena_strdup(a, keys[i]), help_value(a, json_at(j, keys[i])) };
		free(keys);
		return val_object(a, e, n);
	}
	return val_from_json(a, j);
}

/* A row's value from its text, where ' stands for " so that rows stay readable. */
static inline const struct val *help_parse(struct arena *a, const char *text)
{
	autojson json_t *j = NULL;
	struct err err = { 0 };
	char *s = arena_strdup(a, text);
	for (char *c = s; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (json_parse(s, strlen(s), "row", &j, &err))
		BUG("row %s: %s", text, err.msg);
	return help_value(a, j);
}

static inline void help_write(const struct val *v, struct str *out);

static inline void help_members(const struct val *v, struct str *out)
{
	bool map = val_kind(v) == T_MAP || val_kind(v) == T_OBJECT;
	str_addc(out, map ? '{' : '[');
	for (size_t i = 0; i < val_len(v); i++) {
		str_add(out, i ? "," : "");
		if (map)
			str_addf(out, "'%s':", v->map.at[i].key);
		help_write(map ? v->map.at[i].val : v->seq.at[i], out);
	}
	str_addc(out, map ? '}' : ']');
}

/* The text of V as rows write it: JSON with ' for ", unknown as ?TYPE, sensitive as !VALUE. */
static inline void help_write(const struct val *v, struct str *out)
{
	struct err err = { 0 };
	str_add(out, v->marks & MARK_SENSITIVE ? "!" : "");
	str_add(out, v->marks & MARK_EPHEMERAL ? "@" : "");
	if (v->state == VAL_UNKNOWN) {
		str_addc(out, '?');
		type_write(v->type, out);
	} else if (v->state == VAL_KNOWN && val_kind(v) >= T_LIST) {
		help_members(v, out);
	} else {
		size_t from = out->len;
		if (val_write_json(v, 0, true, true, out, &err))
			BUG("%s", err.msg);
		for (size_t i = from; i < out->len; i++)
			out->at[i] = out->at[i] == '"' ? '\'' : out->at[i];
	}
}

#endif
