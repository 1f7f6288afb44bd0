/* Functions on text. Positions and lengths count grapheme clusters. */
#include "lang/func_util.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

/* --- small ones -------------------------------------------------------------------------------------------------- */
static const struct val *sub(struct func_call *c, const char *s, size_t len)
{
	return val_string_nfc(c->arena, s, len);
}

int fn_chomp(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *v = c->args[0];
	size_t n = v->str.len;
	(void)err;
	while (n && (v->str.s[n - 1] == '\n' || v->str.s[n - 1] == '\r'))
		n--;
	*out = sub(c, v->str.s, n);
	return 0;
}

static bool starts(const struct val *s, const struct val *p)
{
	return p->str.len <= s->str.len && !memcmp(s->str.s, p->str.s, p->str.len);
}

static bool ends(const struct val *s, const struct val *p)
{
	return p->str.len <= s->str.len && !memcmp(s->str.s + s->str.len - p->str.len, p->str.s, p->str.len);
}

int fn_startswith(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = val_bool(starts(c->args[0], c->args[1]));
	return 0;
}

int fn_endswith(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = val_bool(ends(c->args[0], c->args[1]));
	return 0;
}

int fn_strcontains(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0], *p = c->args[1];
	(void)err;
	*out = val_bool(!p->str.len || memmem(s->str.s, s->str.len, p->str.s, p->str.len));
	return 0;
}

int fn_trimprefix(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0], *p = c->args[1];
	(void)err;
	*out = starts(s, p) ? val_stringn(c->arena, s->str.s + p->str.len, s->str.len - p->str.len) : s;
	return 0;
}

int fn_trimsuffix(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0], *p = c->args[1];
	(void)err;
	*out = ends(s, p) ? sub(c, s->str.s, s->str.len - p->str.len) : s;
	return 0;
}

/* --- code points --------------------------------------------------------------------------------------------------- */
static size_t next_char(const char *s, size_t len, utf8proc_int32_t *ch)
{
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, ch);
	return n > 0 ? (size_t)n : 1;
}

/* The start of the code point that ends before S[LEN]. */
static size_t last_char(const char *s, size_t len, utf8proc_int32_t *ch)
{
	size_t at = len - 1;
	while (at && ((unsigned char)s[at] & 0xc0) == 0x80)
		at--;
	next_char(s + at, len - at, ch);
	return at;
}

static bool is_space(utf8proc_int32_t ch)
{
	return (ch >= 9 && ch <= 13) || ch == ' ' || ch == 0x85 || ch == 0xa0 || ch == 0x1680 || (ch >= 0x2000 && ch <= 0x200a) ||
	       ch == 0x2028 || ch == 0x2029 || ch == 0x202f || ch == 0x205f || ch == 0x3000;
}

static bool in_cutset(const struct val *set, utf8proc_int32_t ch)
{
	utf8proc_int32_t m;
	if (!set)
		return is_space(ch);
	for (size_t i = 0; i < set->str.len;) {
		i += next_char(set->str.s + i, set->str.len - i, &m);
		if (m == ch)
			return true;
	}
	return false;
}

static int trim(struct func_call *c, const struct val *set, const struct val **out)
{
	const char *s = c->args[0]->str.s;
	size_t from = 0, to = c->args[0]->str.len;
	utf8proc_int32_t ch;
	while (from < to) {
		size_t n = next_char(s + from, to - from, &ch);
		if (!in_cutset(set, ch))
			break;
		from += n;
	}
	while (to > from) {
		size_t at = last_char(s, to, &ch);
		if (!in_cutset(set, ch))
			break;
		to = at;
	}
	*out = val_stringn(c->arena, s + from, to - from);
	return 0;
}

int fn_trim(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	return trim(c, c->args[1], out);
}

int fn_trimspace(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	return trim(c, NULL, out);
}

static void add_char(struct str *s, utf8proc_int32_t ch)
{
	utf8proc_uint8_t buf[4];
	str_addn(s, (char *)buf, (size_t)utf8proc_encode_char(ch, buf));
}

static utf8proc_int32_t upper(utf8proc_int32_t ch)
{
	return ch == 0xdf ? ch : utf8proc_toupper(ch);
}

enum letter_case { UPPER, LOWER, TITLE };

/* Is a letter after CH at the start of a word? */
static bool separates(utf8proc_int32_t ch)
{
	if (ch < 0x80)
		return !(ch == '_' || (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'));
	return is_space(ch);
}

static int change_case(struct func_call *c, enum letter_case to, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	utf8proc_int32_t ch, before = ' ';
	const struct val *v = c->args[0];
	str_init(&s, FUNC_TEXT);
	for (size_t i = 0; i < v->str.len; before = ch) {
		i += next_char(v->str.s + i, v->str.len - i, &ch);
		utf8proc_int32_t put = to == UPPER ? upper(ch) : to == LOWER ? utf8proc_tolower(ch) : separates(before) ? utf8proc_totitle(ch) : ch;
		add_char(&s, to == TITLE && ch == 0xdf ? ch : put);
	}
	return func_text(c, &s, out, err);
}

int fn_upper(struct func_call *c, const struct val **out, struct err *err)
{
	return change_case(c, UPPER, out, err);
}

int fn_lower(struct func_call *c, const struct val **out, struct err *err)
{
	return change_case(c, LOWER, out, err);
}

int fn_title(struct func_call *c, const struct val **out, struct err *err)
{
	return change_case(c, TITLE, out, err);
}

/* --- grapheme clusters ------------------------------------------------------------------------------------------------ */
static size_t clusters(const struct val *v)
{
	size_t n = 0;
	for (size_t i = 0; i < v->str.len; i += func_grapheme(v->str.s + i, v->str.len - i))
		n++;
	return n;
}

int fn_substr(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *v = c->args[0];
	int64_t offset, len;
	if (func_int(c, 1, INT64_MIN, INT64_MAX, &offset, err) || func_int(c, 2, INT64_MIN, INT64_MAX, &len, err))
		return E_INPUT;
	if (offset < 0) {
		int64_t total = (int64_t)clusters(v);
		offset = offset < -total ? 0 : offset + total;
		len = len == 0 ? -1 : len;           /* as Terraform does, odd as it is */
	}
	size_t from = 0;
	for (; offset > 0 && from < v->str.len; offset--)
		from += func_grapheme(v->str.s + from, v->str.len - from);
	size_t to = from;
	for (; len != 0 && to < v->str.len; len -= len > 0)
		to += func_grapheme(v->str.s + to, v->str.len - to);
	*out = sub(c, v->str.s + from, to - from);
	return 0;
}

int fn_strrev(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *v = c->args[0];
	char *rev = arena_alloc(c->arena, v->str.len + 1);
	size_t at = v->str.len;
	(void)err;
	for (size_t i = 0; i < v->str.len;) {
		size_t n = func_grapheme(v->str.s + i, v->str.len - i);
		at -= n;
		memcpy(rev + at, v->str.s + i, n);
		i += n;
	}
	*out = val_stringn(c->arena, rev, v->str.len);
	return 0;
}

/* --- lines and parts ---------------------------------------------------------------------------------------------------- */
int fn_indent(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *v = c->args[1];
	autostr struct str s = { 0 };
	int64_t spaces;
	if (func_int(c, 0, 0, 10000, &spaces, err))
		return E_INPUT;
	str_init(&s, FUNC_TEXT);
	for (size_t i = 0; i < v->str.len; i++) {
		str_addc(&s, v->str.s[i]);
		if (v->str.s[i] == '\n')
			for (int64_t k = 0; k < spaces; k++)
				str_addc(&s, ' ');
	}
	return func_text(c, &s, out, err);
}

int fn_join(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	bool first = true;
	if (c->n < 2)
		return func_fail(c, SIZE_MAX, err, "at least one list is required");
	if (func_unknown(c, &type_string, out))
		return 0;
	str_init(&s, FUNC_TEXT);
	for (size_t i = 1; i < c->n; i++) {
		for (size_t k = 0; k < c->args[i]->seq.len; k++) {
			const struct val *v = c->args[i]->seq.at[k];
			if (val_is_null(v))
				return func_fail(c, i, err, "element %zu is null; a list that is joined holds strings only", k);
			if (!first)
				str_addn(&s, c->args[0]->str.s, c->args[0]->str.len);
			str_addn(&s, v->str.s, v->str.len);
			first = false;
		}
	}
	return func_text(c, &s, out, err);
}

int fn_split(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *sep = c->args[0], *v = c->args[1];
	VEC(const struct val *) parts = { 0 };
	const char *s = v->str.s, *end = s + v->str.len, *hit;
	utf8proc_int32_t ch;
	int rc = 0;
	while (!sep->str.len && s < end) {
		size_t n = next_char(s, (size_t)(end - s), &ch);
		vec_push(&parts, sub(c, s, n));
		s += n;
	}
	if (sep->str.len) {
		for (; (hit = memmem(s, (size_t)(end - s), sep->str.s, sep->str.len)); s = hit + sep->str.len)
			vec_push(&parts, val_stringn(c->arena, s, (size_t)(hit - s)));
		vec_push(&parts, val_stringn(c->arena, s, (size_t)(end - s)));
	}
	if (parts.len > FUNC_ELEMS)
		rc = func_fail(c, SIZE_MAX, err, "the result has more than %d elements", FUNC_ELEMS);
	else
		*out = func_strings(c, parts.at, parts.len);
	vec_free(&parts);
	return rc;
}

static void replace_plain(const struct val *v, const struct val *old, const struct val *new, struct str *s)
{
	const char *p = v->str.s, *end = p + v->str.len, *hit;
	utf8proc_int32_t ch;
	if (!old->str.len) {
		str_addn(s, new->str.s, new->str.len);
		while (p < end) {
			size_t n = next_char(p, (size_t)(end - p), &ch);
			str_addn(s, p, n);
			str_addn(s, new->str.s, new->str.len);
			p += n;
		}
		return;
	}
	for (; (hit = memmem(p, (size_t)(end - p), old->str.s, old->str.len)); p = hit + old->str.len) {
		str_addn(s, p, (size_t)(hit - p));
		str_addn(s, new->str.s, new->str.len);
	}
	str_addn(s, p, (size_t)(end - p));
}

int fn_replace(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *old = c->args[1];
	autostr struct str s = { 0 };
	if (old->str.len > 1 && old->str.s[0] == '/' && old->str.s[old->str.len - 1] == '/')
		return func_regex_replace(c, c->args[0], old->str.s + 1, old->str.len - 2, c->args[2], out, err);
	str_init(&s, FUNC_TEXT);
	replace_plain(c->args[0], old, c->args[2], &s);
	return func_text(c, &s, out, err);
}

/* --- versions ------------------------------------------------------------------------------------------------------------- */
/* One part of a version: digits by value, words by bytes; a number is above a word. */
static int part_cmp(const char *x, size_t nx, const char *y, size_t ny)
{
	bool dx = strspn(x, "0123456789") >= nx, dy = strspn(y, "0123456789") >= ny;
	if (dx != dy)
		return dx ? 1 : -1;
	for (; dx && nx && *x == '0'; nx--)
		x++;
	for (; dy && ny && *y == '0'; ny--)
		y++;
	if (dx && nx != ny)
		return nx < ny ? -1 : 1;
	int c = memcmp(x, y, nx < ny ? nx : ny);
	return c ? c : nx < ny ? -1 : nx > ny;
}

/* Dotted parts one by one; a missing part is zero in the release and below anything in the pre-release. */
static int parts_cmp(const char *x, size_t nx, const char *y, size_t ny, bool pre)
{
	while (nx || ny) {
		size_t kx = strcspn(x, "."), ky = strcspn(y, ".");
		kx = kx < nx ? kx : nx;
		ky = ky < ny ? ky : ny;
		if (pre && (!nx || !ny))
			return nx ? 1 : -1;
		int c = part_cmp(kx ? x : "0", kx ? kx : 1, ky ? y : "0", ky ? ky : 1);
		if (c)
			return c;
		x += kx + (kx < nx);
		nx -= kx + (kx < nx);
		y += ky + (ky < ny);
		ny -= ky + (ky < ny);
	}
	return 0;
}

/* "v1.2.3-rc.1+build": what stands before '-', then (a release is above its pre-releases) what stands behind it. */
int fn_versioncmp(struct func_call *c, const struct val **out, struct err *err)
{
	const char *s[2];
	size_t total[2], release[2];
	for (size_t i = 0; i < 2; i++) {
		s[i] = c->args[i]->str.s + (c->args[i]->str.s[0] == 'v' || c->args[i]->str.s[0] == 'V');
		total[i] = strcspn(s[i], "+");
		release[i] = strcspn(s[i], "+-");
		if (!strchr("0123456789", s[i][0]) || !s[i][0])
			return func_fail(c, i, err, "a version starts with a digit, as in \"1.4.2\"");
	}
	int cmp = parts_cmp(s[0], release[0], s[1], release[1], false);
	bool pre0 = release[0] < total[0], pre1 = release[1] < total[1];
	if (!cmp && pre0 != pre1)
		cmp = pre0 ? -1 : 1;
	else if (!cmp && pre0)
		cmp = parts_cmp(s[0] + release[0] + 1, total[0] - release[0] - 1, s[1] + release[1] + 1, total[1] - release[1] - 1, true);
	*out = val_int(c->arena, cmp < 0 ? -1 : cmp > 0);
	return 0;
}
