/* Values as people read them in a console: quoted strings, one member a line, the kind of collection where it is no literal. */
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "lang/value.h"

struct show { struct str *out; int indent; };

static void show_value(struct show *s, const struct val *v);
static void show_type_at(const struct type *t, int indent, struct str *out);

static void blanks(struct show *s)
{
	str_pad(s->out, s->out->len + (size_t)s->indent, ' ');
}

/* --- strings ------------------------------------------------------------------------------------------------------------ */

static bool printable(int c)
{
	utf8proc_category_t k = utf8proc_category(c);
	return c == ' ' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_SO);
}

static void quote_char(const char *s, int c, size_t n, struct str *out)
{
	static const char names[] = "\a\b\f\n\r\t\v\"\\", codes[] = "abfnrtv\"\\";
	const char *named = c > 0 && c < 128 ? strchr(names, c) : NULL;
	if (named)
		str_addf(out, "\\%c", codes[named - names]);
	else if (c < ' ' || c == 0x7f)
		str_addf(out, "\\x%02x", (unsigned)c);
	else if (printable(c))
		str_addn(out, s, n);
	else
		str_addf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
}

static void quote(const char *s, size_t len, struct str *out)
{
	str_addc(out, '"');
	for (size_t i = 0; i < len;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(len - i), &c);
		if (n <= 0)
			break;
		quote_char(s + i, c, (size_t)n, out);
		i += (size_t)n;
	}
	str_addc(out, '"');
}

/* Is WORD a line of S, whatever blanks stand before it? */
static bool has_line(const char *s, size_t len, const char *word, size_t n)
{
	for (const char *p = s, *end = s + len; p <= end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end, *from = p;
		while (from < stop && (*from == ' ' || *from == '\t'))
			from++;
		if ((size_t)(stop - from) == n && memcmp(from, word, n) == 0)
			return true;
		p = stop + 1;
	}
	return false;
}

/* Text of several lines as a heredoc, as long as it says the same there. */
static bool show_heredoc(struct show *s, const char *text, size_t len)
{
	char word[40] = "EOT";
	if (!memchr(text, '\n', len) || memchr(text, '\0', len))
		return false;
	for (size_t n = 3; has_line(text, len, word, n); n++) {
		if (n + 2 > sizeof(word))
			return false;
		word[n] = '_';
		word[n + 1] = '\0';
	}
	str_addf(s->out, s->indent ? "<<-%s\n" : "<<%s\n", word);
	for (const char *p = text, *end = text + len; p <= end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		if (stop > p)
			blanks(s);
		str_addn(s->out, p, (size_t)(stop - p));
		str_addc(s->out, '\n');
		p = stop + 1;
	}
	blanks(s);
	str_add(s->out, word);
	return true;
}

static void show_string(struct show *s, const char *text, size_t len)
{
	if (!show_heredoc(s, text, len))
		quote(text, len, s->out);
}

/* --- collections ---------------------------------------------------------------------------------------------------------- */

static void show_seq(struct show *s, const struct val *v)
{
	str_addc(s->out, '[');
	s->indent += 2;
	for (size_t i = 0; i < v->seq.len; i++) {
		str_addc(s->out, '\n');
		blanks(s);
		show_value(s, v->seq.at[i]);
		str_addc(s->out, ',');
	}
	s->indent -= 2;
	if (v->seq.len) {
		str_addc(s->out, '\n');
		blanks(s);
	}
	str_addc(s->out, ']');
}

static void show_map(struct show *s, const struct val *v)
{
	str_addc(s->out, '{');
	s->indent += 2;
	for (size_t i = 0; i < v->map.len; i++) {
		str_addc(s->out, '\n');
		blanks(s);
		show_string(s, v->map.at[i].key, strlen(v->map.at[i].key));
		str_add(s->out, " = ");
		show_value(s, v->map.at[i].val);
	}
	s->indent -= 2;
	if (v->map.len) {
		str_addc(s->out, '\n');
		blanks(s);
	}
	str_addc(s->out, '}');
}

static void show_null(const struct type *t, struct str *out)
{
	static const char *const by_kind[] = {
		[T_DYNAMIC] = "null", [T_BOOL] = "tobool(null)", [T_NUMBER] = "tonumber(null)", [T_STRING] = "tostring(null)", [T_LIST] = "tolist(null)",
		[T_SET] = "toset(null)", [T_MAP] = "tomap(null)", [T_TUPLE] = "null /* tuple */", [T_OBJECT] = "null /* object */",
	};
	str_add(out, by_kind[t->kind]);
	if (t->kind == T_LIST || t->kind == T_SET || t->kind == T_MAP) {
		str_add(out, " /* of ");
		type_describe(t->elem, out);
		str_add(out, " */");
	}
}

static void show_value(struct show *s, const struct val *v)
{
	static const char *const calls[] = { [T_LIST] = "tolist(", [T_SET] = "toset(", [T_MAP] = "tomap(", [T_OBJECT] = NULL };
	enum type_kind kind = val_kind(v);
	if (v->marks) {
		str_add(s->out, v->marks & MARK_SENSITIVE ? "(sensitive value)" : "(ephemeral value)");
	} else if (v->state == VAL_UNKNOWN) {
		str_add(s->out, "(known after apply)");
	} else if (val_is_null(v)) {
		show_null(v->type, s->out);
	} else if (kind == T_BOOL) {
		str_add(s->out, v->b ? "true" : "false");
	} else if (kind == T_NUMBER) {
		val_number_write(v, s->out);
	} else if (kind == T_STRING) {
		show_string(s, v->str.s, v->str.len);
	} else {
		str_add(s->out, calls[kind] ? calls[kind] : "");
		if (kind == T_MAP || kind == T_OBJECT)
			show_map(s, v);
		else
			show_seq(s, v);
		str_add(s->out, calls[kind] ? ")" : "");
	}
}

void val_show(const struct val *v, struct str *out)
{
	show_value(&(struct show){ out, 0 }, v);
}

/* --- types ------------------------------------------------------------------------------------------------------------------ */

static void show_parts(const struct type *t, int indent, struct str *out)
{
	for (size_t i = 0; i < t->n; i++) {
		str_pad(out, out->len + (size_t)indent + 4, ' ');
		if (t->kind == T_OBJECT)
			str_addf(out, "%s: ", type_field(t, i).name);
		show_type_at(type_item(t, i), indent + 4, out);
		str_add(out, ",\n");
	}
	if (t->n)
		str_pad(out, out->len + (size_t)indent, ' ');
}

static void show_type_at(const struct type *t, int indent, struct str *out)
{
	static const char *const names[] = {
		[T_DYNAMIC] = "dynamic", [T_BOOL] = "bool", [T_NUMBER] = "number", [T_STRING] = "string", [T_LIST] = "list(", [T_SET] = "set(",
		[T_MAP] = "map(", [T_TUPLE] = "tuple([", [T_OBJECT] = "object({",
	};
	str_add(out, names[t->kind]);
	if (t->kind == T_TUPLE || t->kind == T_OBJECT) {
		str_add(out, t->n ? "\n" : "");
		show_parts(t, indent, out);
		str_add(out, t->kind == T_TUPLE ? "])" : "})");
	} else if (t->kind >= T_LIST) {
		show_type_at(t->elem, indent, out);
		str_addc(out, ')');
	}
}

void type_show(const struct type *t, struct str *out)
{
	show_type_at(t, 0, out);
}
