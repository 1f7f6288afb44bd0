/* Values from and to JSON. */
#include "lang/value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lang/lang.h"
#include "lang/num.h"

/* --- from jansson -------------------------------------------------------------------------------------------------- */
/* A double stands for the decimal text it was written as: the shortest one, read at full precision, so that 0.1 from a file
 * equals 0.1 in an expression. */
static const struct val *from_real(struct arena *a, double d)
{
	char text[40];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	const struct val *v = val_number_text(a, text, strlen(text));
	return v ? v : val_double(a, d);
}

static const struct val *from_array(struct arena *a, const json_t *j)
{
	size_t n = json_array_size(j);
	const struct val **at = arena_array(a, n, sizeof(*at));
	for (size_t i = 0; i < n; i++)
		at[i] = val_from_json(a, json_array_get(j, i));
	return val_tuple(a, at, n);
}

static const struct val *from_object(struct arena *a, const json_t *j)
{
	size_t n, len = 0;
	const char **keys = json_keys(j, &n);
	struct val_entry *e = arena_array(a, n, sizeof(*e));
	for (size_t i = 0; i < n; i++)
		e[len++] = (struct val_entry){ val_string(a, keys[i])->str.s, val_from_json(a, json_object_get(j, keys[i])) };
	free(keys);
	return val_object(a, e, len);
}

const struct val *val_from_json(struct arena *a, const json_t *j)
{
	if (j == lang_unknown())
		return &val_unknown_dynamic;
	const json_t *hidden = lang_sensitive_in(j);
	if (hidden)
		return val_mark(a, val_from_json(a, hidden), MARK_SENSITIVE);
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_OBJECT: return from_object(a, j);
	case JSON_ARRAY: return from_array(a, j);
	case JSON_STRING: return val_stringn(a, json_string_value(j), json_string_length(j));
	case JSON_INTEGER: return val_int(a, json_integer_value(j));
	case JSON_REAL: return from_real(a, json_real_value(j));
	case JSON_TRUE: return &val_true;
	case JSON_FALSE: return &val_false;
	default: return &val_null_dynamic;
	}
}

/* --- text -------------------------------------------------------------------------------------------------------- */
enum { WRITE_DEPTH = 1000 };

struct writer { struct str *out; int indent; bool html_safe, show; };

static int write_value(const struct writer *w, const struct val *v, int depth, struct err *err);

static void write_string(const struct writer *w, const char *s, size_t len)
{
	static const char names[] = "\b\f\n\r\t\"\\", codes[] = "bfnrt\"\\";
	str_addc(w->out, '"');
	for (size_t i = 0, from = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)s[i] : 0;
		const char *named = c ? strchr(names, c) : NULL;
		bool line = w->html_safe && c == 0xe2 && i + 2 < len && (unsigned char)s[i + 1] == 0x80 && ((unsigned char)s[i + 2] & 0xfe) == 0xa8;
		bool html = w->html_safe && (c == '<' || c == '>' || c == '&');
		if (i < len && !named && c >= ' ' && !html && !line)
			continue;
		str_addn(w->out, s + from, i - from);
		from = i + 1;
		if (i == len)
			break;
		if (named) {
			str_addf(w->out, "\\%c", codes[named - names]);
		} else if (line) {
			str_addf(w->out, "\\u%04x", (unsigned char)s[i + 2] == 0xa8 ? 0x2028u : 0x2029u);
			from = i + 3;
			i += 2;
		} else {
			str_addf(w->out, "\\u%04x", c);
		}
	}
	str_addc(w->out, '"');
}

static void newline(const struct writer *w, int depth)
{
	if (w->indent) {
		str_addc(w->out, '\n');
		for (int i = 0; i < depth * w->indent; i++)
			str_addc(w->out, ' ');
	}
}

static int write_seq(const struct writer *w, const struct val *v, int depth, struct err *err)
{
	str_addc(w->out, '[');
	for (size_t i = 0; i < v->seq.len; i++) {
		str_add(w->out, i ? "," : "");
		newline(w, depth + 1);
		int rc = write_value(w, v->seq.at[i], depth + 1, err);
		if (rc)
			return rc;
	}
	if (v->seq.len)
		newline(w, depth);
	str_addc(w->out, ']');
	return 0;
}

static int write_map(const struct writer *w, const struct val *v, int depth, struct err *err)
{
	str_addc(w->out, '{');
	for (size_t i = 0; i < v->map.len; i++) {
		str_add(w->out, i ? "," : "");
		newline(w, depth + 1);
		write_string(w, v->map.at[i].key, strlen(v->map.at[i].key));
		str_add(w->out, w->indent ? ": " : ":");
		int rc = write_value(w, v->map.at[i].val, depth + 1, err);
		if (rc)
			return rc;
	}
	if (v->map.len)
		newline(w, depth);
	str_addc(w->out, '}');
	return 0;
}

static int write_value(const struct writer *w, const struct val *v, int depth, struct err *err)
{
	if (depth > WRITE_DEPTH)
		return err_set(err, E_INPUT, "nested deeper than %d levels", WRITE_DEPTH);
	if (v->marks && !w->show)
		return err_set(err, E_INPUT, v->marks & MARK_SENSITIVE ? "a sensitive value is inside" : "an ephemeral value is inside");
	if (v->state == VAL_UNKNOWN)
		return err_set(err, E_INPUT, "a value that is not known yet is inside");
	if (v->state == VAL_NULL) {
		str_add(w->out, "null");
		return 0;
	}
	switch (val_kind(v)) {
	case T_BOOL:
		str_add(w->out, v->b ? "true" : "false");
		return 0;
	case T_NUMBER:
		val_number_write(v, w->out);
		return 0;
	case T_STRING:
		write_string(w, v->str.s, v->str.len);
		return 0;
	case T_LIST: case T_SET: case T_TUPLE:
		return write_seq(w, v, depth, err);
	default:
		return write_map(w, v, depth, err);
	}
}

int val_write_json(const struct val *v, int indent, bool html_safe, bool show_sensitive, struct str *out, struct err *err)
{
	struct writer w = { .out = out, .indent = indent, .html_safe = html_safe, .show = show_sensitive };
	int rc = write_value(&w, v, 0, err);
	if (!rc && str_full(out))
		rc = err_set(err, E_INPUT, "the JSON text is too long");
	return rc;
}

/* --- to jansson --------------------------------------------------------------------------------------------------- */
static json_t *number_to_json(const struct val *v)
{
	if (v->form == NUM_INT)
		return json_integer(v->i);
	double d = val_to_double(v);
	return json_real(isfinite(d) ? d : copysign(DBL_MAX, d));
}

json_t *val_to_json(const struct val *v, bool *unknown, unsigned *marks)
{
	json_t *j;
	if (marks)
		*marks |= v->marks;
	if (v->state == VAL_UNKNOWN) {
		if (unknown)
			*unknown = true;
		return json_ref(lang_unknown());
	}
	if (v->state == VAL_NULL)
		return json_null();
	switch (val_kind(v)) {
	case T_BOOL:
		return json_boolean(v->b);
	case T_NUMBER:
		return number_to_json(v);
	case T_STRING:
		return json_stringn(v->str.s, v->str.len);
	case T_LIST: case T_SET: case T_TUPLE:
		j = json_array();
		for (size_t i = 0; i < v->seq.len; i++)
			json_array_append_new(j, val_to_json(v->seq.at[i], unknown, marks));
		return j;
	default:
		j = json_object();
		for (size_t i = 0; i < v->map.len; i++)
			json_put_new(j, v->map.at[i].key, val_to_json(v->map.at[i].val, unknown, marks));
		return j;
	}
}

/* --- types ---------------------------------------------------------------------------------------------------------- */
void type_write_json(const struct type *t, struct str *out)
{
	static const char *const names[] = {
		[T_DYNAMIC] = "dynamic", [T_BOOL] = "bool", [T_NUMBER] = "number", [T_STRING] = "string", [T_LIST] = "list", [T_SET] = "set",
		[T_MAP] = "map", [T_TUPLE] = "tuple", [T_OBJECT] = "object",
	};
	const struct writer w = { .out = out };
	bool object = t->kind == T_OBJECT;
	str_addf(out, t->kind < T_LIST ? "\"%s\"" : "[\"%s\",", names[t->kind]);
	if (t->kind < T_LIST)
		return;
	if (t->kind == T_LIST || t->kind == T_SET || t->kind == T_MAP)
		type_write_json(t->elem, out);
	else
		str_addc(out, object ? '{' : '[');
	for (size_t i = 0; t->kind >= T_TUPLE && i < t->n; i++) {
		str_add(out, i ? "," : "");
		if (object) {
			write_string(&w, type_field(t, i).name, strlen(type_field(t, i).name));
			str_addc(out, ':');
		}
		type_write_json(type_item(t, i), out);
	}
	str_add(out, object ? "}]" : t->kind == T_TUPLE ? "]]" : "]");
}
