/* parse_template - strings with ${...} and %{...}: first a flat row of parts, then white space is trimmed, then the tree. */
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "lang/parse.h"

enum part_kind { P_TEXT, P_VALUE, P_IF, P_ELSE, P_ENDIF, P_FOR, P_ENDFOR };
struct part {
	uint8_t kind;
	bool trim_before, trim_after;      /* `~` at the opening, at the closing */
	uint32_t off, len;
	struct expr *x;                    /* P_VALUE; P_IF: the condition; P_FOR: an X_JOIN with list and slots */
	char *text; size_t n;              /* P_TEXT */
};
struct open { uint8_t kind; bool has_else; uint32_t off, len; uint16_t bound; };
struct row {
	struct parser *p;
	VEC(struct part) parts;
	VEC(struct open) open;
	enum template_end end;
	const char *marker; uint32_t marker_len;
	struct str text;                   /* the piece being read */
	uint32_t text_off;
};

/* --- text -------------------------------------------------------------------------------------------------------- */

static char at(const struct parser *p, uint32_t i)
{
	return i < p->len ? p->s[i] : '\0';
}

static void flush_text(struct row *r)
{
	if (r->text.len == 0)
		return;
	char *copy = arena_alloc(r->p->arena, r->text.len + 1);         /* "\u0000" is text too */
	memcpy(copy, r->text.at, r->text.len + 1);
	vec_push(&r->parts, (struct part){ .kind = P_TEXT, .off = r->text_off, .len = r->p->pos - r->text_off, .text = copy, .n = r->text.len });
	str_clear(&r->text);
}

static void add_text(struct row *r, const char *s, size_t n)
{
	if (r->text.len == 0)
		r->text_off = r->p->pos;
	str_addn(&r->text, s, n);
}

/* `\uXXXX` or `\UXXXXXXXX` at POS. */
static bool unicode_escape(struct row *r, unsigned digits)
{
	struct parser *p = r->p;
	int32_t cp = 0;
	utf8proc_uint8_t buf[4];
	for (unsigned i = 0; i < digits; i++) {
		char c = at(p, p->pos + 2 + i);
		bool hex = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
		if (!hex || cp > 0x10ffff) {
			parse_fail(p, p->pos, 2 + i, "E0202", "behind \\%c stand %u hexadecimal digits of a character", digits == 4 ? 'u' : 'U', digits);
			return false;
		}
		cp = cp * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	if (!utf8proc_codepoint_valid(cp)) {
		parse_fail(p, p->pos, 2 + digits, "E0202", "there is no character U+%04X", (unsigned)cp);
		return false;
	}
	add_text(r, (const char *)buf, (size_t)utf8proc_encode_char(cp, buf));
	p->pos += 2 + digits;
	return true;
}

static bool escape(struct row *r)
{
	static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
	struct parser *p = r->p;
	char c = at(p, p->pos + 1);
	const char *found = c ? strchr(from, c) : NULL;
	if (c == 'u' || c == 'U')
		return unicode_escape(r, c == 'u' ? 4 : 8);
	if (!found) {
		parse_fail(p, p->pos, 2, "E0202", "there is no escape like this; there are \\n \\r \\t \\\" \\\\ \\uXXXX \\UXXXXXXXX");
		return false;
	}
	add_text(r, &to[found - from], 1);
	p->pos += 2;
	return true;
}

/* At the start of a line of a heredoc: is this its last one? Then POS goes behind the marker. */
static bool heredoc_ends(struct row *r)
{
	struct parser *p = r->p;
	uint32_t i = p->pos;
	while (at(p, i) == ' ' || at(p, i) == '\t')
		i++;
	if (p->len - i < r->marker_len || memcmp(p->s + i, r->marker, r->marker_len) != 0)
		return false;
	i += r->marker_len;
	uint32_t end = i;
	while (at(p, i) == ' ' || at(p, i) == '\t' || at(p, i) == '\r')
		i++;
	if (i < p->len && p->s[i] != '\n')
		return false;
	p->pos = end;
	return true;
}

/* Text up to a sequence, the end of a piece, or the end of the template. */
static bool read_text(struct row *r)
{
	struct parser *p = r->p;
	while (p->pos < p->len) {
		char c = p->s[p->pos], n = at(p, p->pos + 1);
		bool sign = c == '$' || c == '%';
		if (sign && n == '{')
			return true;
		if (sign && n == c && at(p, p->pos + 2) == '{') {
			add_text(r, (char[]){ c, '{' }, 2);
			p->pos += 3;
			continue;
		}
		if (r->end == END_QUOTE && c == '"')
			return true;
		if (r->end == END_QUOTE && c == '\\') {
			if (!escape(r))
				return false;
			continue;
		}
		if (r->end == END_QUOTE && (c == '\n' || c == '\r')) {
			parse_fail(p, p->pos, 1, "E0202", "a string in quotes ends on its line; write \\n for a new line");
			return false;
		}
		add_text(r, &c, 1);
		p->pos++;
		if (c == '\n' && r->end != END_QUOTE)
			return true;
	}
	return true;
}

/* --- sequences --------------------------------------------------------------------------------------------------- */

static bool close_sequence(struct row *r, struct part *part)
{
	struct parser *p = r->p;
	part->trim_after = parse_take(p, "~");
	if (parse_take(p, "}")) {
		part->len = p->pos - part->off;
		return true;
	}
	parse_skip(p);
	if (p->pos >= p->len)
		parse_fail(p, part->off, 2, "E0202", "this is never closed by \"}\"");
	else
		parse_fail(p, p->pos, 1, "E0202", "\"}\" is wanted here, to close the \"%c{\" before it", part->kind == P_VALUE ? '$' : '%');
	return false;
}

static bool read_value(struct row *r, struct part *part)
{
	part->x = parse_expr(r->p);
	return part->x && close_sequence(r, part);
}

static bool end_directive(struct row *r, struct part *part, uint8_t opener, const char *word)
{
	struct open *top = r->open.len ? &r->open.at[r->open.len - 1] : NULL;
	if (!top || top->kind != opener || (part->kind == P_ELSE && top->has_else)) {
		parse_fail(r->p, part->off, part->len, "E0202", "there is no open %%{ %s } that this could belong to", word);
		return false;
	}
	if (part->kind == P_ELSE) {
		top->has_else = true;
		return true;
	}
	r->p->n_bound = top->bound;
	r->p->depth--;
	r->open.len--;
	return true;
}

static bool read_directive(struct row *r, struct part *part)
{
	static const struct { const char *word; uint8_t kind; } words[] = {
		{ "if", P_IF }, { "else", P_ELSE }, { "endif", P_ENDIF }, { "for", P_FOR }, { "endfor", P_ENDFOR },
	};
	struct parser *p = r->p;
	size_t i = 0;
	parse_skip(p);
	while (i < ARRAY_LEN(words) && !parse_is_word(p, p->pos, words[i].word))
		i++;
	if (i == ARRAY_LEN(words)) {
		uint32_t n = parse_ident_len(p, p->pos);
		parse_fail(p, p->pos, n ? n : 1, "E0202", "behind %%{ stands if, else, endif, for or endfor; write %%%%{ for the characters");
		return false;
	}
	part->kind = words[i].kind;
	p->pos += (uint32_t)strlen(words[i].word);
	uint16_t bound = p->n_bound;
	if (part->kind == P_IF) {
		if (!(part->x = parse_expr(p)))
			return false;
	} else if (part->kind == P_FOR) {
		part->x = parse_node(p, X_JOIN, part->off);
		if (!parse_for_intro(p, part->x))
			return false;
	}
	if (!close_sequence(r, part))
		return false;
	if (part->kind == P_IF || part->kind == P_FOR) {
		vec_push(&r->open, (struct open){ .kind = part->kind, .off = part->off, .len = part->len, .bound = bound });
		return parse_deeper(p);
	}
	return end_directive(r, part, part->kind == P_ENDFOR ? P_FOR : P_IF, part->kind == P_ENDFOR ? "for" : "if");
}

static bool read_sequence(struct row *r)
{
	struct parser *p = r->p;
	struct part part = { .kind = P_VALUE, .off = p->pos };
	bool directive = p->s[p->pos] == '%', lines = p->lines;
	p->pos += 2;
	p->lines = false;
	if (at(p, p->pos) == '~') {
		part.trim_before = true;
		p->pos++;
	}
	bool ok = directive ? read_directive(r, &part) : read_value(r, &part);
	p->lines = lines;
	if (ok)
		vec_push(&r->parts, part);
	return ok;
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

static bool at_end(struct row *r, bool line_start)
{
	struct parser *p = r->p;
	if (r->end == END_QUOTE && at(p, p->pos) == '"') {
		p->pos++;
		return true;
	}
	if (r->end == END_HEREDOC && line_start)
		return heredoc_ends(r);
	return r->end == END_TEXT && p->pos >= p->len;
}

static bool read_row(struct row *r, uint32_t from)
{
	struct parser *p = r->p;
	bool line_start = true;
	while (!at_end(r, line_start)) {
		if (p->pos >= p->len) {
			parse_fail(p, from, r->end == END_QUOTE ? 1 : 2, "E0202", r->end == END_QUOTE ? "this string is never closed"
				   : "this heredoc is never closed: its word must stand alone on a line");
			return false;
		}
		uint32_t start = p->pos;
		bool ok = read_text(r);
		flush_text(r);
		line_start = ok && p->pos > start && p->s[p->pos - 1] == '\n';
		if (ok && !line_start && p->pos < p->len && (p->s[p->pos] == '$' || p->s[p->pos] == '%'))
			ok = read_sequence(r);
		else if (ok && line_start)
			continue;
		if (!ok)
			return false;
	}
	if (r->open.len) {
		const struct open *o = &r->open.at[r->open.len - 1];
		parse_fail(p, o->off, o->len, "E0202", "this is never closed by %%{ %s }", o->kind == P_IF ? "endif" : "endfor");
		return false;
	}
	return true;
}

static size_t space_at(const char *s, size_t n)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &cp);
	if (len <= 0)
		return 0;
	int kind = (int)utf8proc_category(cp);
	bool space = (cp >= 9 && cp <= 13) || cp == 0x85 || kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
	return space ? (size_t)len : 0;
}

/* Bytes of white space at the start of S. */
static size_t leading_space(const char *s, size_t n)
{
	size_t i = 0, step;
	while (i < n && (step = space_at(s + i, n - i)) > 0)
		i += step;
	return i;
}

static void trim_end(struct part *t)
{
	while (t->n) {
		size_t i = t->n - 1;
		while (i > 0 && ((unsigned char)t->text[i] & 0xc0) == 0x80)
			i--;
		if (!space_at(t->text + i, t->n - i))
			return;
		t->n = i;
	}
}

static void trim(struct row *r)
{
	for (size_t i = 0; i < r->parts.len; i++) {
		struct part *t = &r->parts.at[i];
		if (t->kind == P_TEXT)
			continue;
		if (t->trim_before && i > 0 && t[-1].kind == P_TEXT)
			trim_end(&t[-1]);
		if (t->trim_after && i + 1 < r->parts.len && t[1].kind == P_TEXT) {
			size_t n = leading_space(t[1].text, t[1].n);
			t[1].text += n;
			t[1].n -= n;
		}
	}
}

/* Bytes of the first N grapheme clusters of white space (only CR LF is a cluster of two). */
static size_t clusters(const char *s, size_t bytes, size_t *n)
{
	size_t i = 0, count = 0;
	while (i < bytes && count < *n) {
		size_t step = s[i] == '\r' && i + 1 < bytes && s[i + 1] == '\n' ? 2 : space_at(s + i, bytes - i);
		i += step ? step : 1;
		count++;
	}
	*n = count;
	return i;
}

/* `<<-`: the smallest indentation of a line goes from all of them. */
static void unindent(struct row *r)
{
	size_t least = SIZE_MAX;
	bool fresh = true;
	VEC(struct part *) starts = { 0 };
	for (size_t i = 0; i < r->parts.len; i++) {
		struct part *t = &r->parts.at[i];
		bool text = t->kind == P_TEXT;
		if (fresh) {
			size_t space = text ? leading_space(t->text, t->n) : 0, n = SIZE_MAX;
			if (!text)
				n = 0;
			else if (!(space == t->n && t->n && t->text[t->n - 1] == '\n')) {
				clusters(t->text, space, &n);
				vec_push(&starts, t);
			}
			if (n < least)
				least = n;
		}
		fresh = text && t->n && t->text[t->n - 1] == '\n';
	}
	for (size_t i = 0; i < starts.len; i++) {
		size_t n = least, bytes = clusters(starts.at[i]->text, starts.at[i]->n, &n);
		starts.at[i]->text += bytes;
		starts.at[i]->n -= bytes;
	}
	vec_free(&starts);
}

/* --- the tree ---------------------------------------------------------------------------------------------------- */

static struct expr *text_node(struct row *r, const char *s, size_t n, uint32_t off, uint32_t len)
{
	struct expr *x = parse_node(r->p, X_VALUE, off);
	x->val = val_stringn(r->p->arena, s, n);
	x->len = len;
	return x;
}

static struct expr *build(struct row *r, size_t *i);

/* A part that opens something, with all up to its end. */
static struct expr *build_block(struct row *r, size_t *i)
{
	struct part *t = &r->parts.at[(*i)++];
	struct expr *x = t->x, *no = NULL, *yes = build(r, i);
	if (!yes)
		return NULL;
	if (t->kind == P_IF) {
		x = parse_node(r->p, X_COND, t->off);
		if (r->parts.at[*i].kind == P_ELSE) {
			++*i;
			no = build(r, i);
		} else {
			no = text_node(r, "", 0, t->off, t->len);
		}
		x->cond.test = t->x;
		x->cond.yes = yes;
		x->cond.no = no;
		if (!no || !parse_done(r->p, x, t->x, NULL))
			return NULL;
	} else {
		x->loop.val = yes;
		if (!parse_done(r->p, x, x->loop.coll, NULL))
			return NULL;
	}
	++*i;
	if (!parse_done(r->p, x, yes, no))
		return NULL;
	x->len = t->len;
	return x;
}

/* The parts from *I to the end or the directive that ends this block, as one template. */
static struct expr *build(struct row *r, size_t *i)
{
	struct expr *x = parse_node(r->p, X_TEMPLATE, *i < r->parts.len ? r->parts.at[*i].off : r->p->pos);
	VEC(struct expr *) list = { 0 };
	bool ok = true;
	while (ok && *i < r->parts.len) {
		struct part *t = &r->parts.at[*i];
		struct expr *y = t->x;
		if (t->kind == P_ELSE || t->kind == P_ENDIF || t->kind == P_ENDFOR)
			break;
		if (t->kind == P_IF || t->kind == P_FOR)
			y = build_block(r, i);
		else if (++*i, t->kind == P_TEXT)
			y = t->n ? text_node(r, t->text, t->n, t->off, t->len) : NULL;
		if (y)
			vec_push(&list, y);
		else
			ok = t->kind == P_TEXT;
		ok = ok && (!y || parse_done(r->p, x, y, NULL));
	}
	x->list.at = arena_array(r->p->arena, list.len ? list.len : 1, sizeof(*x->list.at));
	if (list.len)
		memcpy(x->list.at, list.at, list.len * sizeof(*list.at));
	x->list.n = (uint32_t)list.len;
	vec_free(&list);
	return ok ? x : NULL;
}

struct expr *parse_template(struct parser *p, enum template_end end, const char *marker, uint32_t marker_len, bool flush, uint32_t from)
{
	struct row r = { .p = p, .end = end, .marker = marker, .marker_len = marker_len };
	struct expr *x = NULL;
	size_t i = 0;
	str_init(&r.text, UINT32_MAX);
	if (parse_deeper(p) && read_row(&r, from)) {
		p->depth--;
		trim(&r);
		if (flush)
			unindent(&r);
		bool alone = r.parts.len == 1;
		if (alone && r.parts.at[0].kind == P_VALUE)
			x = r.parts.at[0].x;
		else if (alone && r.parts.at[0].kind == P_TEXT)
			x = text_node(&r, r.parts.at[0].text, r.parts.at[0].n, from, p->pos - from);
		else if (r.parts.len == 0)
			x = text_node(&r, "", 0, from, p->pos - from);
		else if ((x = build(&r, &i)) != NULL)
			x->off = from, x->len = p->pos - from;
	}
	vec_free(&r.parts);
	vec_free(&r.open);
	str_release(&r.text);
	return x;
}

struct expr *expr_parse_template_of(struct arena *a, const struct origin *o, const struct val_entry *names, size_t n, struct diags *d)
{
	struct parser p = { .arena = a, .o = o, .d = d, .s = o->text, .len = o->len };
	for (size_t i = 0; i < n; i++) {
		vec_grow((void **)&p.bound, &p.bound_cap, i + 1, sizeof(*p.bound));
		p.bound[p.n_bound++] = (struct bound){ names[i].key, (uint32_t)strlen(names[i].key) };
	}
	struct expr *x = parse_template(&p, END_TEXT, NULL, 0, false, 0);
	free(p.bound);
	return x;
}

struct expr *expr_parse_template(struct arena *a, const struct origin *o, struct diags *d)
{
	return expr_parse_template_of(a, o, NULL, 0, d);
}
