/* jsonencode and jsondecode. The reader is our own because jansson turns numbers into int64 and double, and numbers here keep
 * all their digits: it reads RFC 8259 straight into values, at most JSON_DEPTH deep, and takes the last of a key given twice.
 */
#include "lang/func_util.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { JSON_DEPTH = 500 };

struct reader { struct arena *a; const char *start, *p, *end; size_t members; const char *bad; };

static const struct val *read_value(struct reader *r, int depth);

static const struct val *refuse(struct reader *r, const char *why)
{
	if (!r->bad)
		r->bad = why;
	return NULL;
}

static char peek(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
	return r->p < r->end ? *r->p : '\0';
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->p++;
	return true;
}

/* --- strings ------------------------------------------------------------------------------------------------------------ */
static bool hex4(struct reader *r, unsigned *code)
{
	*code = 0;
	if (r->end - r->p < 4)
		return false;
	for (int i = 0; i < 4; i++, r->p++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = *r->p ? strchr(digits, *r->p | 0x20) : NULL;
		if (!d || (*r->p < '0'))
			return false;
		*code = *code << 4 | (unsigned)(d - digits);
	}
	return true;
}

static void add_code(struct str *s, unsigned c)
{
	if (c < 0x80) {
		str_addc(s, (char)c);
	} else if (c < 0x800) {
		str_addc(s, (char)(0xc0 | c >> 6));
		str_addc(s, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		str_addc(s, (char)(0xe0 | c >> 12));
		str_addc(s, (char)(0x80 | (c >> 6 & 63)));
		str_addc(s, (char)(0x80 | (c & 63)));
	} else {
		str_addc(s, (char)(0xf0 | c >> 18));
		str_addc(s, (char)(0x80 | (c >> 12 & 63)));
		str_addc(s, (char)(0x80 | (c >> 6 & 63)));
		str_addc(s, (char)(0x80 | (c & 63)));
	}
}

/* Behind "\u": one code point, from a surrogate pair where there is one; a lone half becomes U+FFFD. */
static bool unicode(struct reader *r, struct str *s)
{
	unsigned c, low;
	if (!hex4(r, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
		const char *back = r->p;
		r->p += 2;
		if (!hex4(r, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000)
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		else
			r->p = back;
	}
	add_code(s, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return true;
}

/* Behind the opening quote, up to and with the closing one. */
static bool read_text(struct reader *r, struct str *s)
{
	static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
	while (r->p < r->end && *r->p != '"') {
		const char *from = r->p;
		while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= ' ')
			r->p++;
		str_addn(s, from, (size_t)(r->p - from));
		if (r->p >= r->end || *r->p == '"')
			break;
		if (*r->p != '\\' || ++r->p >= r->end)
			return refuse(r, "a control character in a string"), false;
		char c = *r->p++;
		const char *named = c ? strchr(names, c) : NULL;
		if (named)
			str_addc(s, codes[named - names]);
		else if (c != 'u' || !unicode(r, s))
			return refuse(r, "an unknown escape in a string"), false;
	}
	if (r->p >= r->end)
		return refuse(r, "a string is not closed"), false;
	r->p++;
	return true;
}

static const struct val *read_string(struct reader *r)
{
	autostr struct str s = { 0 };
	str_init(&s, FUNC_TEXT);
	r->p++;
	return read_text(r, &s) ? val_stringn(r->a, s.at, s.len) : NULL;
}

/* --- the rest ------------------------------------------------------------------------------------------------------------- */
static const struct val *read_number(struct reader *r)
{
	const char *start = r->p, *digits = start + (*start == '-');
	while (r->p < r->end && strchr("+-.eE0123456789", *r->p) && *r->p)
		r->p++;
	size_t len = (size_t)(r->p - digits), whole = strspn(digits, "0123456789");
	const char *dot = memchr(digits, '.', len);
	bool fine = whole && whole <= len && !(digits[0] == '0' && whole > 1) && (!dot || strspn(dot + 1, "0123456789") > 0);
	const struct val *v = fine ? val_number_text(r->a, start, (size_t)(r->p - start)) : NULL;
	return v ? v : refuse(r, "not a number, or one beyond the limits");
}

static const struct val *read_array(struct reader *r, int depth)
{
	VEC(const struct val *) at = { 0 };
	const struct val *v = NULL;
	r->p++;
	if (!take(r, ']')) {
		do {
			v = read_value(r, depth + 1);
			if (v)
				vec_push(&at, v);
		} while (v && take(r, ','));
		if (v && !take(r, ']'))
			refuse(r, "a comma or ] is missing");
	}
	v = r->bad ? NULL : val_tuple(r->a, at.at, at.len);
	vec_free(&at);
	return v;
}

static bool read_member(struct reader *r, struct val_entry *e, int depth)
{
	if (peek(r) != '"')
		return refuse(r, "a key in quotes is missing"), false;
	const struct val *key = read_string(r);
	if (!key)
		return false;
	if (strlen(key->str.s) != key->str.len)
		return refuse(r, "a key holds a zero byte"), false;
	if (!take(r, ':'))
		return refuse(r, "a colon is missing"), false;
	e->key = key->str.s;
	e->val = read_value(r, depth + 1);
	return e->val != NULL;
}

static const struct val *read_object(struct reader *r, int depth)
{
	VEC(struct val_entry) at = { 0 };
	const struct val *v;
	r->p++;
	if (!take(r, '}')) {
		struct val_entry e;
		bool ok;
		do {
			ok = read_member(r, &e, depth);
			if (ok)
				vec_push(&at, e);
		} while (ok && take(r, ','));
		if (ok && !take(r, '}'))
			refuse(r, "a comma or } is missing");
	}
	v = r->bad ? NULL : val_object(r->a, at.at, at.len);
	vec_free(&at);
	return v;
}

static const struct val *read_value(struct reader *r, int depth)
{
	static const struct { const char *word; const struct val *v; } words[] = {
		{ "true", &val_true }, { "false", &val_false }, { "null", &val_null_dynamic },
	};
	char c = peek(r);
	if (depth > JSON_DEPTH || ++r->members > FUNC_ELEMS)
		return refuse(r, depth > JSON_DEPTH ? "nested too deep (500)" : "too many values");
	if (c == '{')
		return read_object(r, depth);
	if (c == '[')
		return read_array(r, depth);
	if (c == '"')
		return read_string(r);
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(r);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_has_prefix(r->p, words[i].word)) {
			r->p += strlen(words[i].word);
			return words[i].v;
		}
	}
	return refuse(r, r->p < r->end ? "a value is missing" : "the text ends too early");
}

static const struct val *read_all(struct reader *r)
{
	const struct val *v = read_value(r, 0);
	return v && (peek(r) || r->p < r->end) ? refuse(r, "more text behind the value") : v;
}

const struct val *func_json_value(struct arena *a, const char *text, size_t len)
{
	struct reader r = { .a = a, .start = text, .p = text, .end = text + len };
	return read_all(&r);
}

int fn_jsondecode(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0];
	struct reader r = { .a = c->arena, .start = s->str.s, .p = s->str.s, .end = s->str.s + s->str.len };
	const struct val *v = read_all(&r);
	if (!v) {
		size_t line = 1, column = 1;
		for (const char *p = r.start; p < r.p; p++) {
			column = *p == '\n' ? 1 : column + 1;
			line += *p == '\n';
		}
		return func_fail(c, 0, err, "not JSON: %s (line %zu, column %zu)", r.bad, line, column);
	}
	*out = v;
	return 0;
}

int fn_jsonencode(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	str_init(&s, FUNC_TEXT);
	if (func_unknown(c, &type_string, out))
		return 0;
	if (val_write_json(c->args[0], 0, true, true, &s, err))
		return c->bad_arg = 0, E_INPUT;
	return func_text(c, &s, out, err);
}
