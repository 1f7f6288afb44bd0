#include "engine/schema.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/lang.h"

enum { MAX_DEPTH = 128, MAX_INDEX_TEXT = 24 };

static const char *const type_words[] = {
	[ATTR_ANY] = "any value", [ATTR_BOOL] = "true or false", [ATTR_INT] = "a whole number", [ATTR_NUMBER] = "a number",
	[ATTR_STRING] = "a string", [ATTR_LIST] = "a list", [ATTR_MAP] = "a map", [ATTR_OBJECT] = "a map",
};

/* One walk over a configuration: where it is, and whether anything was wrong. */
struct walk {
	schema_report_fn *report;
	void *ctx;
	const char *path[MAX_DEPTH + 2];
	int depth;
	bool failed;
};

static json_t *complete_object(struct walk *w, const struct attr *attrs, const json_t *config);
static json_t *complete_value(struct walk *w, const struct attr *a, enum attr_type type, const json_t *v);

const struct attr *attr_find(const struct attr *attrs, const char *name)
{
	for (; attrs && attrs->name; attrs++)
		if (strcmp(attrs->name, name) == 0)
			return attrs;
	return NULL;
}

enum attr_type schema_type_at(const struct attr *attrs, const char *const *path)
{
	while (*path) {
		const struct attr *a = attr_find(attrs, *path++);
		if (!a)
			return ATTR_ANY;
		bool many = a->type == ATTR_LIST || a->type == ATTR_MAP;
		if (!*path)
			return a->type;
		if (many && !*++path)
			return a->elem;
		attrs = a->fields;
	}
	return ATTR_OBJECT;
}

/* Unknown may look like a null of JSON; it is told apart by identity. */
static bool is_null(const json_t *v)
{
	return v != lang_unknown() && json_is_null(v);
}

static bool settable(const struct attr *a)
{
	return !(a->flags & ATTR_COMPUTED) || (a->flags & ATTR_OPTIONAL_COMPUTED);
}

/* Goes one step down; false (reported) when that is too deep. */
static bool enter(struct walk *w, const char *step)
{
	if (w->depth >= MAX_DEPTH) {
		w->failed = true;
		w->report(w->ctx, "E0110", false, w->path, NULL, NULL, "values may be nested at most %d levels deep", MAX_DEPTH);
		return false;
	}
	w->path[w->depth++] = step;
	w->path[w->depth] = NULL;
	return true;
}

static void leave(struct walk *w)
{
	w->path[--w->depth] = NULL;
}

#define MISTAKE(w, code, key, near, word, ...) \
	((w)->failed = true, (w)->report((w)->ctx, code, key, (w)->path, near, word, __VA_ARGS__))

/* --- scalars ------------------------------------------------------------------------------------------------------- */

/* The number a string spells out in full, as JSON does but with leading zeros allowed; NULL when it spells none. */
static json_t *number_of_text(const char *s)
{
	size_t n = strspn(s, "-0123456789.eE+");
	char *end;
	if (!n || s[n] || !strpbrk(s, "0123456789") || s[0] == '+' || s[0] == '.' || n > 400)
		return NULL;
	errno = 0;
	long long i = strtoll(s, &end, 10);
	if (!*end && !errno)
		return json_integer(i);
	double d = strtod(s, &end);
	return *end || !isfinite(d) ? NULL : json_real(d);
}

static json_t *whole(json_t *n)
{
	double d = json_is_real(n) ? json_real_value(n) : 0.5;
	if (d != floor(d) || fabs(d) > 9007199254740992.0)
		return n;
	json_decref(n);
	return json_integer((json_int_t)d);
}

/* V as TYPE; a new reference, or NULL when it cannot be. */
static json_t *convert_scalar(enum attr_type type, const json_t *v)
{
	const char *s = json_string_value(v);
	switch (type) {
	case ATTR_BOOL:
		if (s && (strcmp(s, "true") == 0 || strcmp(s, "false") == 0))
			return json_boolean(s[0] == 't');
		return json_is_boolean(v) ? json_ref(v) : NULL;
	case ATTR_INT: case ATTR_NUMBER: {
		json_t *n = s ? number_of_text(s) : json_is_number(v) ? json_ref(v) : NULL;
		if (n && type == ATTR_INT && !json_is_integer(n = whole(n))) {
			json_decref(n);
			n = NULL;
		}
		return n;
	}
	default:
		if (s)
			return json_ref(v);
		if (!json_is_number(v) && !json_is_boolean(v))
			return NULL;
		autofree char *text = json_text(v);
		return json_string(text);
	}
}

static const char *kind_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "a map";
	case JSON_ARRAY: return "a list";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: case JSON_REAL: return "a number";
	case JSON_TRUE: case JSON_FALSE: return "a bool";
	default: return "null";
	}
}

static void report_type(struct walk *w, const struct attr *a, enum attr_type type, const json_t *v)
{
	const char *s = json_string_value(v);
	if (s && !(a->flags & ATTR_SECRET))
		MISTAKE(w, "E0110", false, NULL, NULL, "%s is needed here, not the string \"%.40s\"", type_words[type], s);
	else
		MISTAKE(w, "E0110", false, NULL, NULL, "%s is needed here, not %s", type_words[type], kind_of(v));
}

static void check_range(struct walk *w, const struct attr *a, const json_t *v)
{
	double d = json_number_value(v);
	if (a->min < a->max && (d < a->min || d > a->max))
		MISTAKE(w, "E0111", false, NULL, NULL, "%.10g is out of range: from %.10g to %.10g is allowed", d, a->min, a->max);
}

static void check_string(struct walk *w, const struct attr *a, const char *s)
{
	if ((a->flags & ATTR_SECRET) && strncmp(s, "env:", 4) != 0 && strncmp(s, "file:", 5) != 0) {
		MISTAKE(w, "E0111", false, NULL, NULL,
			"a secret is never written here: give a reference, \"env:NAME\" or \"file:PATH\"");
		return;
	}
	if (!a->values)
		return;
	struct str list;
	str_init(&list, 512);
	for (const char *const *v = a->values; *v; v++) {
		if (strcmp(*v, s) == 0) {
			str_release(&list);
			return;
		}
		str_addf(&list, "%s%s", v == a->values ? "" : v[1] ? ", " : " or ", *v);
	}
	MISTAKE(w, "E0111", false, a->values, s, "\"%.60s\" is not allowed here: use %s", s, list.at);
	str_release(&list);
}

static json_t *complete_scalar(struct walk *w, const struct attr *a, enum attr_type type, const json_t *v)
{
	json_t *out = convert_scalar(type, v);
	if (!out)
		report_type(w, a, type, v);
	else if (json_is_number(out))
		check_range(w, a, out);
	else if (json_is_string(out))
		check_string(w, a, json_string_value(out));
	return out;
}

/* --- collections --------------------------------------------------------------------------------------------------- */

static void check_depth(struct walk *w, const json_t *v)
{
	const char *key;
	const json_t *member;
	size_t i;
	if (v == lang_unknown())
		return;
	if (json_is_object(v)) {
		json_object_foreach((json_t *)v, key, member) {
			if ((json_is_object(member) || json_is_array(member)) && enter(w, key))
				check_depth(w, member), leave(w);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, member) {
			if ((json_is_object(member) || json_is_array(member)) && enter(w, "0"))
				check_depth(w, member), leave(w);
		}
	}
}

/* Members that came out as they went in are shared with the configuration, not copied. */
static json_t *complete_list(struct walk *w, const struct attr *a, const json_t *v)
{
	size_t i;
	const json_t *member;
	bool same = true;
	json_t *out = json_array();
	json_array_foreach(v, i, member) {
		char index[MAX_INDEX_TEXT];
		snprintf(index, sizeof(index), "%zu", i);
		if (!enter(w, index))
			break;
		json_t *done = complete_value(w, a, a->elem, member);
		leave(w);
		same = same && done == member;
		json_array_append_new(out, done ? done : json_null());
	}
	if (!same)
		return out;
	json_decref(out);
	return json_ref(v);
}

static json_t *complete_map(struct walk *w, const struct attr *a, const json_t *v)
{
	const char *key;
	const json_t *member;
	bool same = true;
	json_t *out = json_object();
	json_object_foreach((json_t *)v, key, member) {
		if (is_null(member)) {
			same = false;
			continue;
		}
		if (!enter(w, key))
			break;
		json_t *done = complete_value(w, a, a->elem, member);
		leave(w);
		same = same && done == member;
		json_object_set_new(out, key, done ? done : json_null());
	}
	if (!same)
		return out;
	json_decref(out);
	return json_ref(v);
}

static json_t *complete_value(struct walk *w, const struct attr *a, enum attr_type type, const json_t *v)
{
	if (v == lang_unknown())
		return json_ref(v);
	switch (type) {
	case ATTR_ANY:
		check_depth(w, v);
		return json_ref(v);
	case ATTR_LIST:
		if (json_is_array(v))
			return complete_list(w, a, v);
		break;
	case ATTR_MAP:
		if (json_is_object(v))
			return complete_map(w, a, v);
		break;
	case ATTR_OBJECT:
		if (json_is_object(v))
			return complete_object(w, a->fields, v);
		break;
	default:
		return complete_scalar(w, a, type, v);
	}
	report_type(w, a, type, v);
	return NULL;
}

/* --- objects ------------------------------------------------------------------------------------------------------- */

static void report_unknown_name(struct walk *w, const struct attr *attrs, const char *name)
{
	size_t n = 0;
	for (const struct attr *a = attrs; a && a->name; a++)
		n++;
	autofree const char **names = xcalloc(n + 1, sizeof(*names));
	n = 0;
	for (const struct attr *a = attrs; a && a->name; a++)
		if (settable(a))
			names[n++] = a->name;
	if (!enter(w, name))
		return;
	if (attr_find(attrs, name))
		MISTAKE(w, "E0108", true, NULL, NULL, "\"%.60s\" is set by aipc and cannot be given", name);
	else
		MISTAKE(w, "E0108", true, names, name, "no attribute is called \"%.60s\" here", name);
	leave(w);
}

static json_t *default_of(const struct attr *a)
{
	if (strcmp(a->deflt, "null") == 0)
		return json_null();
	json_t *j = json_loads(a->deflt, JSON_DECODE_ANY, NULL);
	if (!j)
		BUG("the default of attribute \"%s\" is not JSON: %s", a->name, a->deflt);
	return j;
}

static void complete_member(struct walk *w, const struct attr *a, const json_t *config, json_t *out)
{
	const json_t *v = settable(a) ? json_object_get(config, a->name) : NULL;
	if (!v || is_null(v)) {
		if (a->flags & ATTR_REQUIRED)
			MISTAKE(w, "E0109", false, NULL, NULL, "\"%s\" is missing here: %s", a->name, a->help ? a->help : "it is required");
		else if (a->deflt)
			json_object_set_new_nocheck(out, a->name, default_of(a));
		return;
	}
	if (!enter(w, a->name))
		return;
	json_t *done = complete_value(w, a, a->type, v);
	leave(w);
	if (done)
		json_object_set_new_nocheck(out, a->name, done);
}

static json_t *complete_object(struct walk *w, const struct attr *attrs, const json_t *config)
{
	const char *key;
	const json_t *member;
	json_t *out = json_object();
	if (!attrs) {
		check_depth(w, config);
		json_object_update(out, (json_t *)config);
		return out;
	}
	json_object_foreach((json_t *)config, key, member) {
		const struct attr *a = attr_find(attrs, key);
		if (!a || (!settable(a) && !is_null(member)))
			report_unknown_name(w, attrs, key);
	}
	for (const struct attr *a = attrs; a->name; a++)
		complete_member(w, a, config, out);
	return out;
}

json_t *schema_complete(const struct attr *attrs, const json_t *config, schema_report_fn *report, void *ctx)
{
	struct walk w = { .report = report, .ctx = ctx };
	static const struct attr none[1];
	if (config == lang_unknown())
		return json_ref(config);
	if (!json_is_object(config)) {
		report(ctx, "E0110", false, w.path, NULL, NULL, "a map of attributes is needed here");
		return NULL;
	}
	json_t *out = complete_object(&w, attrs ? attrs : none, config);
	if (w.failed) {
		json_decref(out);
		return NULL;
	}
	return out;
}
