#include "lang/diag.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/diag_internal.h"

enum { MAX_KEPT = 1000, MAX_TEXT = 64 * 1024, MAX_LINE = 1000 };

static void keep_line(struct diags *d, struct diag *g);
static struct mark keep_mark(struct diags *d, struct mark at);

struct diags *diags_new(void)
{
	struct diags *d = xcalloc(1, sizeof(*d));
	d->arena = arena_new();
	return d;
}

/* What of G is not in the arena. */
static void let_go(struct diag *g)
{
	for (size_t k = 0; k < g->values.len; k++)
		json_decref(g->values.at[k]);
	vec_free(&g->values);
	vec_free(&g->notes);
	vec_free(&g->calls);
}

void diags_free(struct diags *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->all.len; i++)
		let_go(d->all.at[i]);
	vec_free(&d->dropped.notes);
	vec_free(&d->all);
	vec_free(&d->sources);
	arena_free(d->arena);
	free(d);
}

/* Formatted text in the arena of D; too long an one is cut at a character. */
static const char *vtext(struct diags *d, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static const char *vtext(struct diags *d, const char *fmt, va_list ap)
{
	struct str s;
	str_init(&s, MAX_TEXT);
	str_vaddf(&s, fmt, ap);
	const char *p = str_full(&s) ? "(a message too long to show)" : arena_strndup(d->arena, s.at, s.len);
	str_release(&s);
	return p;
}

struct diag *diag_add(struct diags *d, const char *code, struct mark at, const char *fmt, ...)
{
	bool warning = code[0] == 'W';
	*(warning ? &d->warnings : &d->errors) += 1;
	if (d->all.len >= MAX_KEPT) {
		d->dropped.owner = d;
		d->dropped.notes.len = 0;
		return &d->dropped;
	}
	struct diag *g = arena_alloc(d->arena, sizeof(*g));
	g->owner = d;
	g->order = d->all.len;
	memcpy(g->code, code, strnlen(code, sizeof(g->code) - 1));
	g->at = at;
	keep_line(d, g);
	g->at = keep_mark(d, at);
	va_list ap;
	va_start(ap, fmt);
	g->summary = vtext(d, fmt, ap);
	va_end(ap);
	for (const struct diag_trail *t = d->trail; t; t = t->up)
		vec_push(&g->calls, (struct note){ keep_mark(d, t->at), arena_strdup(d->arena, t->text) });
	vec_push(&d->all, g);
	return g;
}

void diag_hint(struct diag *g, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (g != &g->owner->dropped)
		g->hint = vtext(g->owner, fmt, ap);
	va_end(ap);
}

void diag_about(struct diag *g, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (g != &g->owner->dropped)
		g->about = vtext(g->owner, fmt, ap);
	va_end(ap);
}

void diags_keep(struct diags *d, bool (*keep)(void *ctx, const char *code, const char *about), void *ctx)
{
	size_t n = 0;
	for (size_t i = 0; i < d->all.len; i++) {
		struct diag *g = d->all.at[i];
		if (keep(ctx, g->code, g->about)) {
			d->all.at[n++] = g;
			continue;
		}
		*(g->code[0] == 'W' ? &d->warnings : &d->errors) -= 1;
		let_go(g);
	}
	d->all.len = n;
}

void diag_note(struct diag *g, struct mark at, const char *fmt, ...)
{
	enum { MAX_NOTES = 100 };
	if (g == &g->owner->dropped || g->notes.len >= MAX_NOTES)
		return;
	va_list ap;
	va_start(ap, fmt);
	vec_push(&g->notes, (struct note){ keep_mark(g->owner, at), vtext(g->owner, fmt, ap) });
	va_end(ap);
}

void diag_value(struct diag *g, json_t *j)
{
	enum { MAX_VALUES = 20 };
	const char *text = json_str(j, "expression");
	bool keep = g != &g->owner->dropped && g->values.len < MAX_VALUES;
	for (size_t i = 0; keep && text && i < g->values.len; i++) {
		const char *other = json_str(g->values.at[i], "expression");
		keep = !other || strcmp(other, text) != 0;
	}
	if (keep)
		vec_push(&g->values, j);
	else
		json_decref(j);
}

void diag_suggest(struct diag *g, const char *word, const char *const *names)
{
	const char *near = names ? str_nearest(word, names) : NULL;
	if (near)
		diag_hint(g, "did you mean \"%s\"?", near);
}

const struct diag_trail *diags_trail(struct diags *d, const struct diag_trail *t)
{
	const struct diag_trail *before = d->trail;
	d->trail = t;
	return before;
}

size_t diags_errors(const struct diags *d)
{
	return d->errors;
}

size_t diags_warnings(const struct diags *d)
{
	return d->warnings;
}

/* --- order ----------------------------------------------------------------------------------------------------- */

static const char *path_of(const struct diag *g)
{
	return g->at.src ? g->at.src->path : "";
}

static int cmp_place(const void *pa, const void *pb)
{
	const struct diag *a = *(struct diag *const *)pa, *b = *(struct diag *const *)pb;
	int c = strcmp(path_of(a), path_of(b));
	if (!c)
		c = (a->at.line > b->at.line) - (a->at.line < b->at.line);
	if (!c)
		c = (a->at.col > b->at.col) - (a->at.col < b->at.col);
	if (!c)
		c = strcmp(a->code, b->code);
	if (!c)
		c = strcmp(a->summary, b->summary);
	return c;
}

static int cmp_diag(const void *pa, const void *pb)
{
	const struct diag *a = *(struct diag *const *)pa, *b = *(struct diag *const *)pb;
	int c = cmp_place(pa, pb);
	return c ? c : (a->order > b->order) - (a->order < b->order);
}

void diags_sorted(const struct diags *d, struct diags_view *out)
{
	size_t n = 0;
	struct diag **v = xcalloc(d->all.len ? d->all.len : 1, sizeof(*v));
	if (d->all.len)
		memcpy(v, d->all.at, d->all.len * sizeof(*v));
	qsort(v, d->all.len, sizeof(*v), cmp_diag);
	*out = (struct diags_view){ .errors = d->errors, .warnings = d->warnings };
	for (size_t i = 0; i < d->all.len; i++) {
		if (n && cmp_place(&v[n - 1], &v[i]) == 0)
			*(v[i]->code[0] == 'W' ? &out->warnings : &out->errors) -= 1;
		else
			v[n++] = v[i];
	}
	out->at = v;
	out->n = n;
}

/* --- the excerpt ----------------------------------------------------------------------------------------------- */

static struct mark keep_mark(struct diags *d, struct mark at)
{
	if (!at.src)
		return at;
	const struct source *src = at.src;
	for (size_t i = d->sources.len; i > 0; i--) {
		if (strcmp(d->sources.at[i - 1]->path, src->path) == 0) {
			at.src = d->sources.at[i - 1];
			return at;
		}
	}
	struct source *copy = arena_alloc(d->arena, sizeof(*copy));
	copy->path = arena_strdup(d->arena, src->path);
	vec_push(&d->sources, copy);
	at.src = copy;
	return at;
}

/* Line LINE of SRC, without its line break. False when there is none. */
static bool source_line(struct diags *d, const struct source *src, uint32_t line, const char **at, size_t *len)
{
	if (!src || !src->text || line == 0)
		return false;
	const char *p = src->text, *end = p + src->len;
	uint32_t n = 1;
	if (d->last.text == src->text && d->last.line <= line && d->last.at <= src->len) {
		p += d->last.at;
		n = d->last.line;
	}
	for (; n < line; n++) {
		while (p < end && *p != '\n' && *p != '\r')
			p++;
		if (p >= end)
			return false;
		p += p[0] == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
	}
	d->last.text = src->text;
	d->last.line = line;
	d->last.at = (size_t)(p - src->text);
	const char *stop = p;
	while (stop < end && *stop != '\n' && *stop != '\r')
		stop++;
	*at = p;
	*len = (size_t)(stop - p);
	return true;
}

static const char *skip_chars(const char *p, const char *end, uint32_t n)
{
	for (; n && p < end; n--)
		for (p++; p < end && ((unsigned char)*p & 0xc0) == 0x80; p++)
			;
	return p;
}

static void keep_line(struct diags *d, struct diag *g)
{
	const char *line;
	size_t len;
	if (!source_line(d, g->at.src, g->at.line, &line, &len))
		return;
	const char *end = line + len, *from = line;
	if (g->at.col > MAX_LINE / 2) {
		g->shift = g->at.col - MAX_LINE / 2;
		from = skip_chars(line, end, g->shift);
	}
	const char *to = skip_chars(from, end, MAX_LINE);
	/* Not a string: a line that is refused for a NUL byte is shown as well. */
	g->line_len = (size_t)(to - from);
	char *copy = arena_alloc(d->arena, g->line_len + 1);
	memcpy(copy, from, g->line_len);
	g->line = copy;
}

/* The next code point of [P, END) into *CP; what is not UTF-8 is one byte, U+FFFD. Returns its bytes. */
static size_t next_char(const char *p, const char *end, int32_t *cp)
{
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p, end - p, cp);
	if (n <= 0) {
		*cp = 0xfffd;
		return 1;
	}
	return (size_t)n;
}

static void add_shown(struct str *s, int32_t cp)
{
	utf8proc_uint8_t buf[4];
	int kind = cp == '\t' ? UTF8PROC_CATEGORY_ZS : (int)utf8proc_category(cp);
	if (cp == '\t')
		cp = ' ';
	else if (kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_ZL
		 || kind == UTF8PROC_CATEGORY_ZP || kind == UTF8PROC_CATEGORY_CS)
		cp = 0xfffd;
	str_addn(s, (const char *)buf, (size_t)utf8proc_encode_char(cp, buf));
}

static unsigned columns_of(int32_t cp)
{
	if (cp == '\t')
		return 1;
	int w = utf8proc_charwidth(cp);
	int kind = (int)utf8proc_category(cp);
	if (kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF)
		return 1;
	return w < 0 ? 1 : (unsigned)w;
}

/* Which code points [FROM, TO) of a line are shown so that it fits ROOM columns around the caret. */
static void window(uint32_t total, uint32_t caret, uint32_t room, uint32_t *from, uint32_t *to)
{
	*from = 0;
	*to = total;
	if (total <= room)
		return;
	uint32_t before = room / 3;
	*from = caret > before ? caret - before : 0;
	if (*from + room > total)
		*from = total - room;
	*to = *from + room;
}

void diag_excerpt(const struct diag *g, unsigned room, struct excerpt *out)
{
	enum { DOTS = 4 };          /* "... " on a side that is cut */
	const struct mark *at = &g->at;
	const char *line = g->line;
	uint32_t total = 0;
	int32_t cp;
	out->present = line != NULL;
	if (!out->present)
		return;
	const char *end = line + g->line_len;
	for (const char *p = line; p < end; p += next_char(p, end, &cp))
		total++;
	uint32_t caret = at->col ? at->col - 1 - g->shift : 0, from, to, i = 0;
	if (caret > total)
		caret = total;
	window(total, caret, total > room ? room - 2 * DOTS : room, &from, &to);
	if (from > 0 || g->shift)
		str_add(&out->text, "... "), out->caret_col += DOTS;
	out->caret_len = 0;
	for (const char *p = line; p < end && i < to; i++) {
		p += next_char(p, end, &cp);
		if (i < from)
			continue;
		add_shown(&out->text, cp);
		if (i < caret)
			out->caret_col += columns_of(cp);
		else if (i - caret < at->len)
			out->caret_len += columns_of(cp);
	}
	if (to < total)
		str_add(&out->text, " ...");
	while (out->text.len && out->text.at[out->text.len - 1] == ' ')
		out->text.at[--out->text.len] = '\0';
	if (out->caret_len == 0)
		out->caret_len = 1;
}
