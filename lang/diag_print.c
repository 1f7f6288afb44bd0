#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/json.h"
#include "lang/diag_internal.h"

enum { COLUMNS = 80 };

struct paint { const char *error, *warning, *bold, *dim, *caret, *off; };
static const struct paint plain = { "", "", "", "", "", "" };
static const struct paint colors = { "\033[1;31m", "\033[1;33m", "\033[1m", "\033[36m", "\033[1;31m", "\033[0m" };

static size_t width_of(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* TEXT from column COL on, wrapped between words; further lines are indented by INDENT. Control characters become '?',
 * but for line breaks, which stay. */
static void put_wrapped(FILE *out, const char *text, size_t col, size_t indent)
{
	bool fresh = true;
	while (*text) {
		size_t n = strcspn(text, " \n");
		autofree char *word = xstrndup(text, n);
		for (char *p = word; *p; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				*p = '?';
		size_t w = width_of(word);
		if (!fresh && col + 1 + w > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			col = indent;
			fresh = true;
		}
		fprintf(out, "%s%s", fresh ? "" : " ", word);
		col += w + !fresh;
		fresh = false;
		text += n;
		if (*text == '\n') {
			fprintf(out, "\n%*s", (int)indent, "");
			col = indent;
			fresh = true;
		}
		if (*text)
			text++;
	}
}

static void put_note(FILE *out, const struct paint *c, int gutter, const char *text, const struct mark *at)
{
	autostr struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, text);
	if (at && at->src && at->line)
		str_addf(&s, " (%s:%u:%u)", at->src->path, at->line, at->col);
	else if (at && at->src)
		str_addf(&s, " (%s)", at->src->path);
	fprintf(out, "%*s %s=%s ", gutter, "", c->dim, c->off);
	put_wrapped(out, s.at, (size_t)gutter + 3, (size_t)gutter + 3);
	fputc('\n', out);
}

static void put_excerpt(FILE *out, const struct paint *c, int gutter, const struct diag *g)
{
	struct excerpt x = { 0 };
	str_init(&x.text, STR_OURS);
	diag_excerpt(g, COLUMNS - (unsigned)gutter - 3, &x);
	bool hint_below = g->hint != NULL;
	if (x.present) {
		hint_below = g->hint && (size_t)gutter + 3 + x.caret_col + x.caret_len + 1 + width_of(g->hint) > COLUMNS;
		fprintf(out, "%*s %s|%s\n", gutter, "", c->dim, c->off);
		fprintf(out, "%s%*u |%s%s%s\n", c->dim, gutter, g->at.line, c->off, x.text.len ? " " : "", x.text.at);
		fprintf(out, "%*s %s|%s %*s%s", gutter, "", c->dim, c->off, (int)x.caret_col, "", c->caret);
		for (unsigned i = 0; i < x.caret_len; i++)
			fputc('^', out);
		if (g->hint && !hint_below)
			fprintf(out, " %s", g->hint);
		fprintf(out, "%s\n", c->off);
	}
	if (hint_below)
		put_note(out, c, gutter, g->hint, NULL);
	str_release(&x.text);
}

static void put_diag(FILE *out, const struct paint *c, int gutter, const struct diag *g)
{
	bool warning = g->code[0] == 'W';
	const char *word = warning ? "warning" : "error";
	fprintf(out, "%s%s[%s]%s: %s", warning ? c->warning : c->error, word, g->code, c->off, c->bold);
	put_wrapped(out, g->summary, strlen(word) + strlen(g->code) + 4, 2);
	fprintf(out, "%s\n", c->off);
	if (g->at.src && g->at.line)
		fprintf(out, "%*s%s-->%s %s:%u:%u\n", gutter, "", c->dim, c->off, g->at.src->path, g->at.line, g->at.col);
	else if (g->at.src)
		fprintf(out, "%*s%s-->%s %s\n", gutter, "", c->dim, c->off, g->at.src->path);
	put_excerpt(out, c, gutter, g);
	for (size_t i = 0; i < g->notes.len; i++)
		put_note(out, c, gutter, g->notes.at[i].text, &g->notes.at[i].at);
	for (size_t i = 0; i < g->calls.len; i++)
		put_note(out, c, gutter, g->calls.at[i].text, &g->calls.at[i].at);
	fputc('\n', out);
}

static int digits(uint32_t n)
{
	int d = 1;
	for (; n >= 10; n /= 10)
		d++;
	return d;
}

void diags_print(const struct diags *d, FILE *out, bool color)
{
	struct diags_view v;
	const struct paint *c = color ? &colors : &plain;
	int gutter = 2;
	diags_sorted(d, &v);
	for (size_t i = 0; i < v.n; i++)
		if (digits(v.at[i]->at.line) > gutter)
			gutter = digits(v.at[i]->at.line);
	for (size_t i = 0; i < v.n; i++)
		put_diag(out, c, gutter, v.at[i]);
	if (v.errors + v.warnings > v.n)
		fprintf(out, "(%zu more are not shown)\n", v.errors + v.warnings - v.n);
	if (v.errors)
		fprintf(out, "%zu error%s", v.errors, v.errors == 1 ? "" : "s");
	if (v.warnings)
		fprintf(out, "%s%zu warning%s", v.errors ? ", " : "", v.warnings, v.warnings == 1 ? "" : "s");
	if (v.errors || v.warnings)
		fputs(".\n", out);
	free(v.at);
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static void put_place(json_t *o, const struct mark *at)
{
	if (!at->src)
		return;
	json_put_str(o, "file", at->src->path);
	if (!at->line)
		return;
	json_put_int(o, "line", at->line);
	json_put_int(o, "column", at->col);
	uint32_t len = at->len ? at->len : 1;
	json_put_int(o, "length", len);
	json_put_int(o, "end_line", at->end_line ? at->end_line : at->line);
	json_put_int(o, "end_column", at->end_line ? at->end_col : at->col + len);
}

static void put_notes(json_t *list, const struct note *notes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *note = json_object();
		json_put_str(note, "text", notes[i].text);
		put_place(note, &notes[i].at);
		json_array_append_new(list, note);
	}
}

json_t *diags_json(const struct diags *d)
{
	struct diags_view v;
	json_t *all = json_array();
	diags_sorted(d, &v);
	for (size_t i = 0; i < v.n; i++) {
		const struct diag *g = v.at[i];
		json_t *o = json_object(), *notes = json_array();
		json_put_str(o, "severity", g->code[0] == 'W' ? "warning" : "error");
		json_put_str(o, "code", g->code);
		json_put_str(o, "summary", g->summary);
		if (g->about)
			json_put_str(o, "address", g->about);
		if (g->hint)
			json_put_str(o, "hint", g->hint);
		put_place(o, &g->at);
		struct excerpt x = { 0 };
		str_init(&x.text, STR_OURS);
		diag_excerpt(g, 10000, &x);
		if (x.present)
			json_put_new(o, "excerpt", json_string_safe(x.text.at, x.text.len));
		str_release(&x.text);
		put_notes(notes, g->notes.at, g->notes.len);
		put_notes(notes, g->calls.at, g->calls.len);
		json_put_new(o, "notes", notes);
		json_t *values = json_array();
		for (size_t k = 0; k < g->values.len; k++)
			json_array_append(values, g->values.at[k]);
		json_put_new(o, "values", values);
		json_array_append_new(all, o);
	}
	free(v.at);
	return all;
}
