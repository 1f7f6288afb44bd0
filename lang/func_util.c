#include "lang/func_util.h"

#include <stdarg.h>
#include <stdio.h>
#include <utf8proc.h>

void func_blame(struct func_call *c, size_t arg, struct err *err, const char *fmt, ...)
{
	va_list ap;
	c->bad_arg = arg;
	va_start(ap, fmt);
	err_vset(err, E_INPUT, fmt, ap);
	va_end(ap);
}

bool func_unknown(struct func_call *c, const struct type *t, const struct val **out)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!val_known_deep(c->args[i])) {
			*out = val_unknown(c->arena, t);
			return true;
		}
	}
	return false;
}

int func_text(struct func_call *c, const struct str *s, const struct val **out, struct err *err)
{
	if (str_full(s))
		return func_fail(c, SIZE_MAX, err, "the result is longer than %zu bytes", s->max);
	*out = val_stringn(c->arena, s->at, s->len);
	return 0;
}

int func_int(struct func_call *c, size_t arg, int64_t lo, int64_t hi, int64_t *out, struct err *err)
{
	int64_t n;
	if (!val_to_int64(c->args[arg], &n))
		return func_fail(c, arg, err, "a whole number is required");
	if (n < lo || n > hi) {
		if (hi == INT64_MAX)
			return func_fail(c, arg, err, "must be at least %lld", (long long)lo);
		return func_fail(c, arg, err, "must be between %lld and %lld", (long long)lo, (long long)hi);
	}
	*out = n;
	return 0;
}

const struct val *func_marked(struct func_call *c, const struct val *v)
{
	unsigned marks = v->marks;
	for (size_t i = 0; i < c->n; i++)
		marks |= c->args[i]->marks;
	return val_mark(c->arena, v, marks);
}

const char *func_type_name(struct func_call *c, const struct val *v)
{
	autostr struct str s = { 0 };
	str_init(&s, 200);
	type_describe(v->type, &s);
	return arena_strdup(c->arena, s.at);
}

int func_unify(struct func_call *c, size_t arg, const struct val **at, size_t n, const struct type **elem, struct err *err)
{
	const struct type **types = arena_array(c->arena, n, sizeof(*types));
	for (size_t i = 0; i < n; i++)
		types[i] = at[i]->type;
	*elem = type_unify(c->arena, types, n);
	if (!*elem)
		return func_fail(c, arg, err, "all elements must have the same type");
	for (size_t i = 0; i < n; i++) {
		if (val_convert(c->arena, at[i], *elem, &at[i], err)) {
			c->bad_arg = arg;
			return err_wrap(err, "element %zu", i);
		}
	}
	return 0;
}

const struct val *func_strings(struct func_call *c, const struct val *const *at, size_t n)
{
	return val_list(c->arena, &type_string, at, n);
}

size_t func_grapheme(const char *s, size_t len)
{
	utf8proc_int32_t c, next, state = 0;
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)s;
	utf8proc_ssize_t n = utf8proc_iterate(p, (utf8proc_ssize_t)len, &c);
	size_t at = n > 0 ? (size_t)n : 1;
	if (n <= 0)
		return 1;
	while (at < len) {
		if ((p[at] >= 0x20 && p[at] < 0x7f && c >= 0x20 && c < 0x7f))
			break;
		n = utf8proc_iterate(p + at, (utf8proc_ssize_t)(len - at), &next);
		if (n <= 0 || utf8proc_grapheme_break_stateful(c, next, &state))
			break;
		at += (size_t)n;
		c = next;
	}
	return at;
}

bool func_is_utf8(const char *s, size_t len)
{
	utf8proc_int32_t c;
	for (size_t i = 0; i < len;) {
		utf8proc_ssize_t n = (unsigned char)s[i] < 0x80 ? 1 :
			utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(len - i), &c);
		if (n <= 0)
			return false;
		i += (size_t)n;
	}
	return true;
}
