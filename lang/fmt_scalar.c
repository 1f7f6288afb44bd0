/* fmt_scalar - scalars written again: quotes, lines, indentation, expressions. */
#include <string.h>

#include "lang/fmt_internal.h"

/* --- plain and quoted -------------------------------------------------------------------------------------------- */

/* The end of [FROM, TO) without white space there; a space that a backslash escapes stays. */
static const char *trimmed(const char *from, const char *to, bool escapes)
{
	const char *p = to, *q;
	while (p > from && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	for (q = p; q > from && q[-1] == '\\'; q--)
		;
	return escapes && (p - q) % 2 && p < to ? p + 1 : p;
}

/* Several lines: white space at both ends of a line means nothing where it is folded. */
static void put_lines(const char *raw, size_t len, bool escapes, unsigned indent, struct str *out)
{
	const char *p = raw, *end = raw + len;
	for (bool first = true; p <= end; first = false) {
		const char *stop = p;
		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		const char *next = stop + 1 + (stop + 1 < end && stop[0] == '\r' && stop[1] == '\n');
		while (!first && p < stop && (*p == ' ' || *p == '\t'))
			p++;
		const char *to = stop < end ? trimmed(p, stop, escapes) : stop;
		if (!first)
			str_addc(out, '\n');
		if (!first && to > p)
			str_pad(out, out->len + indent, ' ');
		str_addn(out, p, (size_t)(to - p));
		p = next;
	}
}

static size_t decoded(const char *p, size_t *raw)
{
	static const char wide[] = "xuU";
	static const unsigned char digits[] = { 2, 4, 8 };
	const char *w;
	*raw = 1;
	if (*p != '\\')
		return 1;
	*raw = 2;
	if (p[1] == 'N' || p[1] == '_')
		return 2;
	if (p[1] == 'L' || p[1] == 'P')
		return 3;
	if (!p[1] || !(w = strchr(wide, p[1])))
		return 1;
	unsigned long cp = 0;
	for (unsigned i = 0; i < digits[w - wide]; i++) {
		char c = p[2 + i];
		cp = cp * 16 + (unsigned long)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	*raw = 2U + digits[w - wide];
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

/* The inside of "...", with EDITS, which are of the value, done in the file's spelling. */
static void put_double(const char *raw, size_t len, const struct fmt_edits *edits, struct str *out)
{
	size_t at = 0, step, e = 0;
	for (size_t i = 0; i < len; i += step) {
		size_t bytes = decoded(raw + i, &step);
		while (e < edits->len && edits->at[e].at + edits->at[e].del <= at && edits->at[e].del)
			e++;
		if (e < edits->len && at == edits->at[e].at) {
			str_pad(out, out->len + edits->at[e].ins, ' ');
			if (!edits->at[e].del)
				e++;
		}
		bool gone = e < edits->len && at >= edits->at[e].at && at < edits->at[e].at + edits->at[e].del;
		if (!gone)
			str_addn(out, raw + i, step);
		at += bytes;
	}
}

static bool only_quotes_escaped(const char *raw, size_t len)
{
	bool any = false;
	for (size_t i = 0; i < len; i++) {
		if (raw[i] != '\\')
			continue;
		if (i + 1 >= len || raw[i + 1] != '"')
			return false;
		any = true;
		i++;
	}
	return any;
}

/* Nothing that another kind of quotes would spell otherwise. */
static bool clean(const char *s, size_t n, const char *without)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] == 0x7f || strchr(without, s[i]))
			return false;
	return true;
}

static bool gains(const char *before, size_t n, const struct str *after, const char *what)
{
	return memmem(after->at, after->len, what, 2) && !memmem(before, n, what, 2);
}

static void put_single(const char *s, size_t n, struct str *out)
{
	str_addc(out, '\'');
	for (size_t i = 0; i < n; i++)
		str_addn(out, s[i] == '\'' ? "''" : s + i, s[i] == '\'' ? 2 : 1);
	str_addc(out, '\'');
}

void fmt_flow_scalar(const char *raw, size_t len, const char *value, size_t n, enum ystyle style, unsigned indent, struct str *out)
{
	if (memchr(raw, '\n', len) || memchr(raw, '\r', len)) {
		put_lines(raw, len, style == YS_DOUBLE, indent, out);
		return;
	}
	struct fmt_edits edits = { 0 };
	autostr struct str now;
	str_init(&now, FMT_MAX * (size_t)2);
	fmt_template(value, n, &edits);
	fmt_apply(value, n, &edits, &now);
	if (style == YS_PLAIN) {
		bool keep = gains(value, n, &now, ": ") || gains(value, n, &now, " #") || n != len;
		str_addn(out, keep ? raw : now.at, keep ? len : now.len);
	} else if (style == YS_SINGLE && clean(now.at, now.len, "\"\\")) {
		str_addc(out, '"');
		str_addn(out, now.at, now.len);
		str_addc(out, '"');
	} else if (style == YS_SINGLE || (only_quotes_escaped(raw + 1, len - 2) && clean(now.at, now.len, "'"))) {
		put_single(now.at, now.len, out);
	} else {
		str_addc(out, '"');
		put_double(raw + 1, len - 2, &edits, out);
		str_addc(out, '"');
	}
	vec_free(&edits);
}

/* --- block scalars ------------------------------------------------------------------------------------------------ */

static const char *line_end(const char *p, const char *end, const char **next)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	*next = p < end ? p + 1 + (p + 1 < end && p[0] == '\r' && p[1] == '\n') : end;
	return p;
}

/* Spaces that are indentation: told by the header, or those of the first line with text. */
static size_t indentation(const struct fmt_block *b, char digit)
{
	size_t n = 0, least = b->top ? 1 : b->parent + 1;
	if (digit)
		return (b->top ? 0 : b->parent) + (size_t)(digit - '0');
	for (const char *p = b->body, *next; p < b->end; p = next) {
		const char *stop = line_end(p, b->end, &next), *q = p;
		while (q < stop && *q == ' ')
			q++;
		if ((size_t)(q - p) > n)
			n = (size_t)(q - p);
		if (q < stop)
			break;
	}
	return n < least ? least : n;
}

/* The text without its indentation and with line feeds. */
static void dedent(const struct fmt_block *b, size_t n, struct str *out)
{
	for (const char *p = b->body, *next; p < b->end; p = next) {
		const char *stop = line_end(p, b->end, &next);
		size_t i = 0;
		while (i < n && p + i < stop && p[i] == ' ')
			i++;
		str_addn(out, p + i, (size_t)(stop - p) - i);
		if (stop < b->end)
			str_addc(out, '\n');
	}
}

bool fmt_block_scalar(const struct fmt_block *b, unsigned indent, struct str *header, struct str *out)
{
	char digit = 0, chomp = 0;
	bool cut = false;
	for (size_t i = 1; i < b->header_len; i++) {
		char c = b->header[i];
		*(c >= '1' && c <= '9' ? &digit : &chomp) = c;
	}
	struct fmt_edits edits = { 0 };
	autostr struct str text, now;
	str_init(&text, FMT_MAX * (size_t)2);
	str_init(&now, FMT_MAX * (size_t)2);
	dedent(b, indentation(b, digit), &text);
	fmt_template(text.at, text.len, &edits);
	fmt_apply(text.at, text.len, &edits, &now);
	vec_free(&edits);
	/* A last line without a break has none in the value either, unless it is left off by the header. */
	if (now.len && now.at[now.len - 1] != '\n')
		chomp = '-';
	while (chomp != '+' && now.len && now.at[now.len - 1] == '\n' && (now.len == 1 || now.at[now.len - 2] == '\n')) {
		now.at[--now.len] = '\0';
		cut = true;
	}
	str_addc(header, b->header[0]);
	if (digit)
		str_addc(header, '2');
	if (chomp)
		str_addc(header, chomp);
	for (const char *p = now.at, *end = now.at + now.len, *next; p < end; p = next) {
		const char *stop = line_end(p, end, &next);
		if (stop > p)
			str_pad(out, out->len + indent, ' ');
		str_addn(out, p, (size_t)(stop - p));
		str_addc(out, '\n');
	}
	return cut;
}
