/* Encodings of text and bytes: base64, URL, character sets, CSV. */
#include "lang/func_util.h"

#include <ctype.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- base64 ---------------------------------------------------------------------------------------------------------- */
static const char base64_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void func_base64(const void *data, size_t len, struct str *out)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i += 3) {
		unsigned long n = (unsigned long)p[i] << 16 | (i + 1 < len ? (unsigned long)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);
		char q[4] = { base64_chars[n >> 18], base64_chars[n >> 12 & 63], i + 1 < len ? base64_chars[n >> 6 & 63] : '=',
			      i + 2 < len ? base64_chars[n & 63] : '=' };
		str_addn(out, q, 4);
	}
}

bool func_base64_bytes(const char *s, size_t len, struct str *out)
{
	unsigned long bits = 0;
	unsigned chars = 0, pads = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n' || s[i] == '\r')
			continue;
		const char *p = s[i] && s[i] != '=' ? strchr(base64_chars, s[i]) : NULL;
		if ((!p && s[i] != '=') || (p && pads) || (!p && chars % 4 < 2))
			return false;
		pads += !p;
		bits = bits << 6 | (p ? (unsigned long)(p - base64_chars) : 0);
		if (++chars % 4)
			continue;
		char b[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };
		str_addn(out, b, 3 - pads);
		bits = 0;
	}
	return chars % 4 == 0;
}

int fn_base64encode(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	str_init(&s, FUNC_TEXT);
	func_base64(c->args[0]->str.s, c->args[0]->str.len, &s);
	return func_text(c, &s, out, err);
}

int fn_base64decode(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	str_init(&s, FUNC_TEXT);
	if (!func_base64_bytes(c->args[0]->str.s, c->args[0]->str.len, &s))
		return func_fail(c, 0, err, "not base64 (with padding)");
	if (!func_is_utf8(s.at, s.len))
		return func_fail(c, 0, err, "the decoded bytes are not UTF-8 text");
	return func_text(c, &s, out, err);
}

/* --- character sets ------------------------------------------------------------------------------------------------------ */
/* TEXT from character set FROM to TO; one of them is UTF-8, the other argument 1. */
static int convert(struct func_call *c, const char *from, const char *to, const char *text, size_t len, struct str *out, struct err *err)
{
	char buf[4096], *p = (char *)(uintptr_t)text;    /* iconv never writes through it */
	const char *name = c->args[1]->str.s;
	size_t plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+()");    /* of others iconv_open() makes what it likes */
	iconv_t cd = *name && plain < 64 && !name[plain] ? iconv_open(to, from) : (iconv_t)-1;
	if (cd == (iconv_t)-1)
		return func_fail(c, 1, err, "not a known character set");
	bool bad = false;
	for (bool last = false; !last && !bad;) {
		char *q = buf;
		size_t room = sizeof(buf), before = len;
		last = !len;                             /* then what ends a shifted text, as in ISO-2022-JP */
		size_t rc = iconv(cd, last ? NULL : &p, last ? NULL : &len, &q, &room);
		str_addn(out, buf, sizeof(buf) - room);
		bad = !last && rc == (size_t)-1 && room == sizeof(buf) && len == before;
	}
	iconv_close(cd);
	return bad ? func_fail(c, 0, err, "the text holds what the character set does not have") : 0;
}

/* Plain "UTF-16" is big-endian with a byte order mark when written, and when read without one. */
static const char *charset(struct func_call *c, const char *bytes, size_t len)
{
	const char *name = c->args[1]->str.s;
	bool mark = len >= 2 && ((unsigned char)bytes[0] ^ (unsigned char)bytes[1]) == 1 && (unsigned char)bytes[0] >= 0xfe;
	return !strcasecmp(name, "utf-16") && !mark ? "UTF-16BE" : name;
}

int fn_textencodebase64(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str bytes = { 0 }, s = { 0 };
	str_init(&bytes, FUNC_TEXT);
	str_init(&s, FUNC_TEXT);
	if (!strcasecmp(c->args[1]->str.s, "utf-16"))
		str_add(&bytes, "\xfe\xff");
	if (convert(c, "UTF-8", charset(c, "", 0), c->args[0]->str.s, c->args[0]->str.len, &bytes, err))
		return E_INPUT;
	func_base64(bytes.at, bytes.len, &s);
	return func_text(c, &s, out, err);
}

int fn_textdecodebase64(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str bytes = { 0 }, s = { 0 };
	str_init(&bytes, FUNC_TEXT);
	str_init(&s, FUNC_TEXT);
	if (!func_base64_bytes(c->args[0]->str.s, c->args[0]->str.len, &bytes))
		return func_fail(c, 0, err, "not base64 (with padding)");
	if (convert(c, charset(c, bytes.at, bytes.len), "UTF-8", bytes.at, bytes.len, &s, err))
		return E_INPUT;
	return func_text(c, &s, out, err);
}

/* --- URL --------------------------------------------------------------------------------------------------------------- */
int fn_urlencode(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	str_init(&s, FUNC_TEXT);
	for (size_t i = 0; i < c->args[0]->str.len; i++) {
		unsigned char ch = (unsigned char)c->args[0]->str.s[i];
		if (ch < 0x80 && (isalnum(ch) || (ch && strchr("-_.~", ch))))
			str_addc(&s, (char)ch);
		else if (ch == ' ')
			str_addc(&s, '+');
		else
			str_addf(&s, "%%%02X", ch);
	}
	return func_text(c, &s, out, err);
}

int fn_urldecode(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str s = { 0 };
	const char *p = c->args[0]->str.s;
	str_init(&s, FUNC_TEXT);
	for (size_t i = 0; i < c->args[0]->str.len; i++) {
		if (p[i] == '%') {
			char hex[3] = { p[i + 1], p[i + 1] ? p[i + 2] : '\0', '\0' };
			if (!isxdigit((unsigned char)hex[0]) || !isxdigit((unsigned char)hex[1]))
				return func_fail(c, 0, err, "a %% is not followed by two hex digits");
			str_addc(&s, (char)strtoul(hex, NULL, 16));
			i += 2;
		} else {
			str_addc(&s, p[i] == '+' ? ' ' : p[i]);
		}
	}
	if (!func_is_utf8(s.at, s.len))
		return func_fail(c, 0, err, "the decoded bytes are not UTF-8 text");
	return func_text(c, &s, out, err);
}

/* --- CSV (RFC 4180) ------------------------------------------------------------------------------------------------------ */
struct csv { struct func_call *c; const char *p, *end; size_t line; struct str field; struct err *err; };

static bool at_newline(const struct csv *r)
{
	return r->p < r->end && (*r->p == '\n' || (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n'));
}

static void skip_newline(struct csv *r)
{
	if (at_newline(r)) {
		r->p += *r->p == '\r' ? 2 : 1;
		r->line++;
	}
}

static int csv_quoted(struct csv *r)
{
	size_t line = r->line;
	for (r->p++; r->p < r->end; r->p++) {
		if (*r->p == '"' && r->p + 1 < r->end && r->p[1] == '"') {
			r->p++;
		} else if (*r->p == '"') {
			r->p++;
			if (r->p < r->end && *r->p != ',' && !at_newline(r) && !(*r->p == '\r' && r->p + 1 == r->end))
				return func_fail(r->c, 0, r->err, "CSV line %zu: a quote inside a quoted field must be written twice", r->line);
			r->p += r->p < r->end && *r->p == '\r' && r->p + 1 == r->end;
			return 0;
		} else if (*r->p == '\r' && at_newline(r)) {
			continue;
		}
		r->line += *r->p == '\n';
		str_addc(&r->field, *r->p);
	}
	return func_fail(r->c, 0, r->err, "CSV line %zu: a quoted field is not closed", line);
}

static int csv_plain(struct csv *r)
{
	const char *start = r->p;
	while (r->p < r->end && *r->p != ',' && !at_newline(r)) {
		if (*r->p == '"')
			return func_fail(r->c, 0, r->err, "CSV line %zu: a quote in a field that is not quoted", r->line);
		r->p++;
	}
	size_t len = (size_t)(r->p - start);
	if (r->p == r->end && len && start[len - 1] == '\r')
		len--;
	str_addn(&r->field, start, len);
	return 0;
}

/* One record into ROW (at most MAX fields); *N fields. Empty lines are skipped; at the end *N is 0. */
static int csv_record(struct csv *r, const struct val **row, size_t max, size_t *n)
{
	*n = 0;
	while (at_newline(r))
		skip_newline(r);
	if (r->p >= r->end || (r->p + 1 == r->end && *r->p == '\r'))
		return 0;
	for (;;) {
		str_clear(&r->field);
		int rc = r->p < r->end && *r->p == '"' ? csv_quoted(r) : csv_plain(r);
		if (rc)
			return rc;
		if (*n < max)
			row[*n] = val_stringn(r->c->arena, r->field.at, r->field.len);
		++*n;
		if (r->p >= r->end || *r->p != ',')
			break;
		r->p++;
	}
	skip_newline(r);
	return 0;
}

struct column { const char *name; size_t at; };

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct column *)x)->name, ((const struct column *)y)->name);
}

/* All rows share one type, and each keeps its members in the order of that type. */
static const struct val *csv_object(struct arena *a, const struct type *t, const struct column *cols, const struct val *const *row)
{
	struct val *o = arena_alloc(a, sizeof(*o));
	struct val_entry *e = arena_array(a, t->n, sizeof(*e));
	for (size_t i = 0; i < t->n; i++)
		e[i] = (struct val_entry){ cols[i].name, row[cols[i].at] };
	o->type = t;
	o->map.at = e;
	o->map.len = t->n;
	return o;
}

static int csv_rows(struct csv *r, const struct column *cols, size_t width, const struct val **out)
{
	VEC(const struct val *) rows = { 0 };
	struct arena *a = r->c->arena;
	const struct val **row = arena_array(a, width, sizeof(*row));
	struct type_field *f = arena_array(a, width, sizeof(*f));
	for (size_t i = 0; i < width; i++)
		f[i] = (struct type_field){ .name = cols[i].name, .type = &type_string };
	const struct type *shared = type_object(a, f, width);
	size_t n, line = r->line;
	int rc;
	while (!(rc = csv_record(r, row, width, &n)) && n) {
		if (n != width)
			rc = func_fail(r->c, 0, r->err, "CSV line %zu: %zu fields, but the header has %zu", line, n, width);
		else if (rows.len * width > FUNC_ELEMS)
			rc = func_fail(r->c, 0, r->err, "CSV line %zu: more than %d fields in all", line, FUNC_ELEMS);
		if (rc)
			break;
		vec_push(&rows, csv_object(a, shared, cols, row));
		line = r->line;
	}
	if (!rc)
		*out = val_list(a, shared, rows.at, rows.len);
	vec_free(&rows);
	return rc;
}

int fn_csvdecode(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0];
	struct csv r = { .c = c, .p = s->str.s, .end = s->str.s + s->str.len, .line = 1, .err = err };
	size_t width = 0;
	str_init(&r.field, FUNC_TEXT);
	int rc = csv_record(&r, NULL, 0, &width);
	if (!rc && !width)
		rc = func_fail(c, 0, err, "the CSV text has no header line");
	if (!rc) {
		const struct val **names = arena_array(c->arena, width, sizeof(*names));
		struct column *cols = arena_array(c->arena, width, sizeof(*cols));
		r.p = s->str.s;
		r.line = 1;
		rc = csv_record(&r, names, width, &width);
		for (size_t i = 0; !rc && i < width; i++) {
			cols[i] = (struct column){ names[i]->str.s, i };
			if (strlen(names[i]->str.s) != names[i]->str.len)
				rc = func_fail(c, 0, err, "the name of column %zu of the CSV header has a NUL character", i + 1);
		}
		if (rc)
			goto done;
		qsort(cols, width, sizeof(*cols), by_name);
		for (size_t i = 1; !rc && i < width; i++)
			if (!strcmp(cols[i - 1].name, cols[i].name))
				rc = func_fail(c, 0, err, "the columns %zu and %zu of the CSV header have the same name", cols[i - 1].at + 1, cols[i].at + 1);
		if (!rc)
			rc = csv_rows(&r, cols, width, out);
	}
done:
	str_release(&r.field);
	return rc;
}
