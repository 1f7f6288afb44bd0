#include "base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <utf8proc.h>

#include "base/file.h"
#include "base/mem.h"

void json_setup(void)
{
	json_set_alloc_funcs(xmalloc, free);
}

int json_parse(const char *text, size_t len, const char *what, json_t **out, struct err *err)
{
	json_error_t e;
	json_t *j = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
	if (!j)
		return err_set(err, E_INPUT, "%s is not valid JSON (line %d column %d: %s)", what, e.line, e.column, e.text);
	*out = j;
	return 0;
}

int json_read(const char *path, size_t max, json_t **out, struct err *err)
{
	autofree char *text = NULL;
	size_t len;
	int rc = file_read(path, max, &text, &len, err);
	return rc ? rc : json_parse(text, len, path, out, err);
}

int json_read_input(const char *path, size_t max, json_t **out, struct err *err)
{
	autostr struct str s;
	char buf[65536];
	ssize_t n;
	str_init(&s, max);
	if (strcmp(path, "-") != 0)
		return json_read(path, max, out, err);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		str_addn(&s, buf, (size_t)n);
	if (n < 0)
		return err_errno(err, "standard input");
	if (str_full(&s))
		return err_set(err, E_INPUT, "standard input holds more than %zu bytes", max);
	return json_parse(s.at, s.len, "standard input", out, err);
}

static void write_real(double d, struct str *out)
{
	char buf[40];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, d);
		if (strtod(buf, NULL) == d)
			break;
	}
	str_add(out, buf);
	if (!strpbrk(buf, ".eE"))
		str_add(out, ".0");
}

static void write_string(const char *s, size_t len, struct str *out)
{
	static const char *const named[] = { ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r" };
	str_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\')
			str_addc(out, '\\'), str_addc(out, (char)c);
		else if (c < ARRAY_LEN(named) && named[c])
			str_add(out, named[c]);
		else if (c < 0x20)
			str_addf(out, "\\u%04x", c);
		else
			str_addc(out, (char)c);
	}
	str_addc(out, '"');
}

static void newline(int indent, int depth, struct str *out)
{
	if (indent) {
		str_addc(out, '\n');
		str_pad(out, out->len + (size_t)(indent * depth), ' ');
	}
}

static void write_value(const json_t *j, int indent, int depth, struct str *out);

static void write_object(const json_t *j, int indent, int depth, struct str *out)
{
	size_t n;
	autofree const char **keys = json_keys(j, &n);
	str_addc(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_addc(out, ',');
		newline(indent, depth + 1, out);
		write_string(keys[i], strlen(keys[i]), out);
		str_add(out, indent ? ": " : ":");
		write_value(json_object_get(j, keys[i]), indent, depth + 1, out);
	}
	if (n)
		newline(indent, depth, out);
	str_addc(out, '}');
}

static void write_array(const json_t *j, int indent, int depth, struct str *out)
{
	size_t n = json_array_size(j);
	str_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_addc(out, ',');
		newline(indent, depth + 1, out);
		write_value(json_array_get(j, i), indent, depth + 1, out);
	}
	if (n)
		newline(indent, depth, out);
	str_addc(out, ']');
}

/* Depth is bounded by the parser that made the value (2048 levels). */
static void write_value(const json_t *j, int indent, int depth, struct str *out)
{
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_OBJECT: write_object(j, indent, depth, out); break;
	case JSON_ARRAY: write_array(j, indent, depth, out); break;
	case JSON_STRING: write_string(json_string_value(j), json_string_length(j), out); break;
	case JSON_INTEGER: str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j)); break;
	case JSON_REAL: write_real(json_real_value(j), out); break;
	case JSON_TRUE: str_add(out, "true"); break;
	case JSON_FALSE: str_add(out, "false"); break;
	case JSON_NULL: str_add(out, "null"); break;
	}
}

void json_write(const json_t *j, int indent, struct str *out)
{
	write_value(j, indent, 0, out);
}

char *json_text(const json_t *j)
{
	struct str s;
	str_init(&s, STR_OURS);
	json_write(j, 0, &s);
	return str_take(&s);
}

void json_hash(const json_t *j, char out[65])
{
	autofree char *text = json_text(j);
	str_sha256(text, strlen(text), out);
}

static bool same_object(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach((json_t *)a, key, value) {
		const json_t *other = json_object_get(b, key);
		if (!other || !json_same(value, other))
			return false;
	}
	return true;
}

bool json_same(const json_t *a, const json_t *b)
{
	if (a == b)
		return true;
	if (!a || !b)
		return false;
	if (json_is_number(a) && json_is_number(b))
		return json_is_integer(a) && json_is_integer(b) ? json_integer_value(a) == json_integer_value(b)
								: json_number_value(a) == json_number_value(b);
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_object(a))
		return same_object(a, b);
	if (!json_is_array(a))
		return json_equal(a, b);
	size_t n = json_array_size(a);
	if (n != json_array_size(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!json_same(json_array_get(a, i), json_array_get(b, i)))
			return false;
	return true;
}

const json_t *json_at(const json_t *obj, const char *key)
{
	return obj ? json_object_get(obj, key) : NULL;
}

const char *json_str(const json_t *obj, const char *key)
{
	return json_string_value(json_at(obj, key));
}

int64_t json_int(const json_t *obj, const char *key, int64_t deflt)
{
	const json_t *v = json_at(obj, key);
	if (json_is_integer(v))
		return json_integer_value(v);
	double d = json_is_real(v) ? json_real_value(v) : 0.5;
	return d == floor(d) && fabs(d) < 9e15 ? (int64_t)d : deflt;
}

double json_num(const json_t *obj, const char *key, double deflt)
{
	const json_t *v = json_at(obj, key);
	return json_is_number(v) ? json_number_value(v) : deflt;
}

bool json_flag(const json_t *obj, const char *key, bool deflt)
{
	const json_t *v = json_at(obj, key);
	return json_is_boolean(v) ? json_is_true(v) : deflt;
}

const json_t *json_path(const json_t *j, ...)
{
	va_list ap;
	const char *step;
	va_start(ap, j);
	while (j && (step = va_arg(ap, const char *)))
		j = json_is_array(j) ? json_array_get(j, strtoul(step, NULL, 10)) : json_object_get(j, step);
	va_end(ap);
	return j;
}

json_t *json_ref(const json_t *j)
{
	return json_incref((json_t *)j);
}

json_t *json_string_safe(const char *text, size_t len)
{
	json_t *j = json_stringn(text, len);
	if (j)
		return j;
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < len;) {
		utf8proc_int32_t cp;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &cp);
		if (n > 0)
			str_addn(&s, text + i, (size_t)n);
		else
			str_add(&s, "\xef\xbf\xbd");
		i += n > 0 ? (size_t)n : 1;
	}
	j = json_stringn(s.at, s.len);
	str_release(&s);
	return j;
}

void json_put_str(json_t *obj, const char *key, const char *text)
{
	json_object_set_new(obj, key, text ? json_string_safe(text, strlen(text)) : json_null());
}

void json_put_int(json_t *obj, const char *key, int64_t n)
{
	json_object_set_new(obj, key, json_integer(n));
}

void json_put_new(json_t *obj, const char *key, json_t *value)
{
	json_object_set_new(obj, key, value ? value : json_null());
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **json_keys(const json_t *obj, size_t *n)
{
	size_t i = 0;
	const char *key;
	json_t *value;
	const char **keys = xcalloc(json_object_size(obj), sizeof(*keys));
	json_object_foreach((json_t *)obj, key, value)
		keys[i++] = key;
	qsort(keys, i, sizeof(*keys), by_bytes);
	*n = i;
	return keys;
}
