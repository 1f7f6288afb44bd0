#include "lang/fmt_internal.h"

#include <string.h>

#include "lang/stack.h"

/* --- libyaml's tokens with places in bytes -------------------------------------------------------------------------- */

struct walk {
	const char *text, *end;
	yaml_parser_t parser;
	size_t index, byte;          /* a character's number and its offset */
};
struct token { yaml_token_t t; const char *from, *to; };

static const char *byte_at(struct walk *w, size_t index)
{
	const char *p = w->text + w->byte;
	for (; w->index < index && p < w->end; w->index++)
		for (p++; p < w->end && ((unsigned char)*p & 0xc0) == 0x80; p++)
			;
	w->byte = (size_t)(p - w->text);
	return p;
}

static void walk_start(struct walk *w, const char *text, size_t len)
{
	*w = (struct walk){ .text = text, .end = text + len };
	if (!yaml_parser_initialize(&w->parser))
		abort();
	yaml_parser_set_encoding(&w->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&w->parser, (const unsigned char *)text, len);
}

/* False: the text is over, or no YAML. */
static bool walk_next(struct walk *w, struct token *t)
{
	if (!yaml_parser_scan(&w->parser, &t->t) || t->t.type == YAML_NO_TOKEN)
		return false;
	t->from = byte_at(w, t->t.start_mark.index);
	t->to = t->t.end_mark.index > t->t.start_mark.index ? byte_at(w, t->t.end_mark.index) : t->from;
	return true;
}

static bool is_block(const struct token *t)
{
	return t->t.type == YAML_SCALAR_TOKEN && (t->t.data.scalar.style == YAML_LITERAL_SCALAR_STYLE || t->t.data.scalar.style == YAML_FOLDED_SCALAR_STYLE);
}

/* Back from TO to the start of its line when only spaces stand before it. */
static const char *line_of(const char *from, const char *to)
{
	const char *p = to;
	while (p > from && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p > from && p[-1] != '\n' && p[-1] != '\r' ? to : p;
}

/* --- the comments of a text, for the proof -------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p, const char *to)
{
	while (p < to && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static const char *comment_end(const char *p, const char *to, const char **next)
{
	while (p < to && *p != '\n' && *p != '\r')
		p++;
	*next = p;
	while (p[-1] == ' ' || p[-1] == '\t')
		p--;
	return p;
}

static void gap_comments(const char *p, const char *to, struct str *out)
{
	while ((p = skip_blanks(p, to)) < to && *p == '#') {
		const char *from = p, *stop = comment_end(p, to, &p);
		str_addn(out, from, (size_t)(stop - from));
		str_addc(out, '\n');
	}
}

static void comments_of(const char *text, size_t len, struct str *out)
{
	struct walk w;
	struct token t;
	const char *last = text;
	bool more = true;
	for (walk_start(&w, text, len); more && walk_next(&w, &t); yaml_token_delete(&t.t)) {
		more = t.t.type != YAML_STREAM_END_TOKEN;
		if (more && t.from == t.to)
			continue;
		gap_comments(last, more ? t.from : w.end, out);
		last = t.to;
		if (is_block(&t)) {
			const char *p = t.from, *stop = memchr(p, '\n', (size_t)(t.to - p));
			while (p < t.to && *p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')
				p++;
			gap_comments(p, stop ? stop : t.to, out);
			last = line_of(t.from, t.to);
		}
	}
	yaml_parser_delete(&w.parser);
}

/* --- the writer ------------------------------------------------------------------------------------------------------ */

enum level_kind { LV_MAP, LV_SEQ, LV_LOOSE };        /* LOOSE: a list under a key at the key's own column */
struct level { enum level_kind kind; unsigned was, now; };
struct flow { unsigned outside, inside; };           /* indentation of a line with its end, with its members */

struct writer {
	const char *text, *end;
	struct str *out;
	struct fmt_lines *lines;
	VEC(struct level) levels;
	size_t depth, before;        /* levels open now; at the last token that was written */
	VEC(struct flow) flows;
	yaml_token_type_t prev;      /* the last token that was written */
	const char *prev_end;
	bool open;                   /* the last line of OUT can go on */
	bool at_key;                 /* a key starts with the next token */
	bool broke, blank;           /* the gap at hand has a line break; an empty line */
	uint32_t line;               /* of the source, from 1: where the gap at hand ends */
};

static void note_line(struct writer *w, uint32_t line)
{
	if (w->lines)
		vec_push(w->lines, line);
}

static void end_line(struct writer *w)
{
	if (w->open)
		str_addc(w->out, '\n');
	w->open = false;
}

/* A new line of the result, made of LINE of the source. */
static void start_line(struct writer *w, unsigned indent, uint32_t line)
{
	end_line(w);
	if (w->blank && w->out->len) {
		note_line(w, line - 1);
		str_addc(w->out, '\n');
	}
	w->blank = false;
	note_line(w, line);
	str_pad(w->out, w->out->len + indent, ' ');
	w->open = true;
}

static const struct level *top(const struct writer *w)
{
	return w->depth ? &w->levels.at[w->depth - 1] : NULL;
}

static size_t points(const char *from, const char *to)
{
	size_t n = 0;
	for (; from < to; from++)
		n += ((unsigned char)*from & 0xc0) != 0x80;
	return n;
}

static const char *start_of_line(const char *text, const char *p)
{
	while (p > text && p[-1] != '\n' && p[-1] != '\r')
		p--;
	return p;
}

static size_t indent_of(const char *p, const char *end)
{
	const char *q = p;
	while (q < end && *q == ' ')
		q++;
	return (size_t)(q - p);
}

/* --- comments --------------------------------------------------------------------------------------------------------- */

/* Behind something: one space, or the column where the author put it. */
static void put_trailing(struct writer *w, const char *from, const char *to)
{
	const char *line = start_of_line(w->text, from), *out_end = w->out->at + w->out->len, *out_line = start_of_line(w->out->at, out_end);
	size_t have = 0, want = points(line, from) + indent_of(out_line, out_end), col = points(out_line, out_end);
	while (from - have > line && (from[-1 - (ptrdiff_t)have] == ' ' || from[-1 - (ptrdiff_t)have] == '\t'))
		have++;
	size_t shift = indent_of(line, from);
	want = want > shift ? want - shift : 0;
	if (have < 2 || want < col + 1 || memchr(from - have, '\t', have))
		want = col + 1;
	str_pad(w->out, w->out->len + (want - col), ' ');
	str_addn(w->out, from, (size_t)(to - from));
}

static bool value_awaited(const struct writer *w)
{
	return w->prev == YAML_VALUE_TOKEN || w->prev == YAML_BLOCK_ENTRY_TOKEN || w->prev == YAML_ANCHOR_TOKEN || w->prev == YAML_TAG_TOKEN;
}

/* The indentation of a comment that stood in column COL: that of the innermost block that starts there or left of it. */
static unsigned comment_indent(const struct writer *w, size_t col)
{
	if (w->flows.len)
		return w->flows.at[w->flows.len - 1].inside;
	size_t n = w->before > w->depth ? w->before : w->depth;
	const struct level *best = NULL, *next = top(w);
	for (size_t i = 0; i < n; i++)
		if (w->levels.at[i].was <= col)
			best = &w->levels.at[i];
	if (next && best && next->was == best->was)
		best = next;
	if (!best)
		return n ? w->levels.at[0].now : 0;
	bool inner = value_awaited(w) && best == &w->levels.at[w->before ? w->before - 1 : 0] && col > best->was;
	return best->now + (inner ? 2 : 0);
}

/* The text between two tokens. */
static void put_gap(struct writer *w, const char *p, const char *to)
{
	bool behind = w->open;
	w->broke = !w->open;
	for (;;) {
		while (p < to && (*p == ' ' || *p == '\t'))
			p++;
		if (p < to && *p == '#') {
			const char *from = p, *stop = comment_end(p, to, &p);
			if (!behind)
				start_line(w, comment_indent(w, points(start_of_line(w->text, from), from)), w->line);
			if (behind)
				put_trailing(w, from, stop);
			else
				str_addn(w->out, from, (size_t)(stop - from));
			w->broke = true;
			behind = true;
		} else if (p < to && (*p == '\n' || *p == '\r')) {
			w->blank |= !behind;
			w->broke = true;
			behind = false;
			p += p[0] == '\r' && p + 1 < to && p[1] == '\n' ? 2 : 1;
			w->line++;
		} else {
			return;
		}
	}
}

/* --- tokens ------------------------------------------------------------------------------------------------------------- */

static unsigned inner_indent(const struct writer *w)
{
	const struct level *t = top(w);
	const char *end = w->out->at + w->out->len;
	size_t line = indent_of(start_of_line(w->out->at, end), end), block = t ? t->now : 0;
	return (unsigned)(line > block ? line : block) + 2;
}

static bool is_indicator(yaml_token_type_t t)
{
	return t == YAML_BLOCK_ENTRY_TOKEN || t == YAML_KEY_TOKEN || t == YAML_VALUE_TOKEN;
}

static bool closes_flow(yaml_token_type_t t)
{
	return t == YAML_FLOW_SEQUENCE_END_TOKEN || t == YAML_FLOW_MAPPING_END_TOKEN;
}

static bool opens_flow(yaml_token_type_t t)
{
	return t == YAML_FLOW_SEQUENCE_START_TOKEN || t == YAML_FLOW_MAPPING_START_TOKEN;
}

static bool of_document(yaml_token_type_t t)
{
	return t == YAML_DOCUMENT_START_TOKEN || t == YAML_DOCUMENT_END_TOKEN || t == YAML_VERSION_DIRECTIVE_TOKEN || t == YAML_TAG_DIRECTIVE_TOKEN;
}

static unsigned line_indent(const struct writer *w, yaml_token_type_t t)
{
	if (of_document(t))
		return 0;
	if (w->flows.len) {
		const struct flow *f = &w->flows.at[w->flows.len - 1];
		return closes_flow(t) ? f->outside : f->inside;
	}
	if (!w->depth)
		return 0;
	return top(w)->now + (is_indicator(t) || w->at_key ? 0 : 2);
}

static unsigned spaces(const struct writer *w, yaml_token_type_t t)
{
	yaml_token_type_t prev = w->prev;
	if (prev == YAML_FLOW_SEQUENCE_START_TOKEN)
		return 0;
	if (prev == YAML_FLOW_MAPPING_START_TOKEN)
		return t != YAML_FLOW_MAPPING_END_TOKEN;
	if (t == YAML_FLOW_ENTRY_TOKEN || t == YAML_FLOW_SEQUENCE_END_TOKEN)
		return prev == YAML_VALUE_TOKEN || prev == YAML_TAG_TOKEN;
	if (t == YAML_VALUE_TOKEN)
		return prev != YAML_SCALAR_TOKEN && !closes_flow(prev);
	return 1;
}

static enum ystyle style_of(const yaml_token_t *t)
{
	switch (t->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE: return YS_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return YS_DOUBLE;
	default: return YS_PLAIN;
	}
}

static void note_lines(struct writer *w, size_t from, uint32_t line)
{
	for (const char *p = w->out->at + from, *end = w->out->at + w->out->len; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		note_line(w, ++line);
}

static void put_block(struct writer *w, struct token *t)
{
	const struct level *l = top(w);
	const char *body = t->from, *head_end;
	while (body < t->to && *body != '\n' && *body != '\r')
		body++;
	for (head_end = t->from; head_end < body && *head_end != ' ' && *head_end != '\t' && *head_end != '#'; head_end++)
		;
	const char *comment = skip_blanks(head_end, body), *next;
	if (body < t->to)
		body += body[0] == '\r' && body + 1 < t->to && body[1] == '\n' ? 2 : 1;
	if (t->to < w->end)
		t->to = line_of(body, t->to);
	struct fmt_block b = { t->from, (size_t)(head_end - t->from), body, t->to, l ? l->was : 0, l == NULL };
	/* The column that counts for a loose list is its key's, which is the same. */
	autostr struct str header, lines;
	str_init(&header, 16);
	str_init(&lines, FMT_MAX * (size_t)2);
	/* Empty lines at its end that are left out still part it from what follows. */
	w->blank = fmt_block_scalar(&b, (l ? l->now : 0) + 2, &header, &lines);
	str_add(w->out, header.at);
	if (comment < body && *comment == '#')
		put_trailing(w, comment, comment_end(comment, body, &next));
	str_addc(w->out, '\n');
	size_t from = w->out->len;
	str_addn(w->out, lines.at, lines.len);
	note_lines(w, from, w->line);
	w->open = false;
	for (const char *p = t->from; p < t->to; p++)
		w->line += *p == '\n' || (*p == '\r' && !(p + 1 < t->to && p[1] == '\n'));
}

static void put_token(struct writer *w, struct token *t)
{
	yaml_token_type_t type = t->t.type;
	put_gap(w, w->prev_end, t->from);
	if (w->broke)
		start_line(w, line_indent(w, type), w->line);
	else
		str_pad(w->out, w->out->len + spaces(w, type), ' ');
	if (closes_flow(type) && w->flows.len)
		w->flows.len--;
	if (opens_flow(type)) {
		unsigned inside = inner_indent(w);
		vec_push(&w->flows, (struct flow){ inside - 2, inside });
	}
	if (is_block(t)) {
		put_block(w, t);
	} else if (type == YAML_SCALAR_TOKEN) {
		const yaml_token_t *y = &t->t;
		size_t from = w->out->len;
		fmt_flow_scalar(t->from, (size_t)(t->to - t->from), (const char *)y->data.scalar.value, y->data.scalar.length, style_of(y),
				inner_indent(w), w->out);
		note_lines(w, from, w->line);
		for (const char *p = t->from; p < t->to; p++)
			w->line += *p == '\n' || (*p == '\r' && p[1] != '\n');
	} else {
		str_addn(w->out, t->from, (size_t)(t->to - t->from));
	}
	w->prev = type;
	w->prev_end = t->to;
	w->before = w->depth;
	w->at_key = false;
}

static void push_level(struct writer *w, enum level_kind kind, size_t col)
{
	struct level l = { kind, (unsigned)col, w->depth ? top(w)->now + 2 : 0 };
	w->levels.len = w->depth++;
	vec_push(&w->levels, l);
}

/* A loose list ends where its map goes on. */
static void end_loose(struct writer *w)
{
	if (!w->flows.len && w->depth && top(w)->kind == LV_LOOSE)
		w->depth--;
}

static void on_token(struct writer *w, struct token *t)
{
	size_t col = t->t.start_mark.column;
	switch (t->t.type) {
	case YAML_BLOCK_SEQUENCE_START_TOKEN:
		push_level(w, LV_SEQ, col);
		return;
	case YAML_BLOCK_MAPPING_START_TOKEN:
		push_level(w, LV_MAP, col);
		return;
	case YAML_BLOCK_END_TOKEN:
		end_loose(w);
		w->depth -= w->depth > 0;
		return;
	case YAML_KEY_TOKEN:
		end_loose(w);
		w->at_key = true;
		break;
	case YAML_VALUE_TOKEN:
		end_loose(w);
		break;
	case YAML_BLOCK_ENTRY_TOKEN:
		if (!w->flows.len && w->depth && top(w)->kind == LV_MAP)
			push_level(w, LV_LOOSE, col);
		break;
	default:
		break;
	}
	if (t->from < t->to)
		put_token(w, t);
}

static void write_all(struct writer *w)
{
	struct walk walk;
	struct token t;
	bool more = true;
	for (walk_start(&walk, w->text, (size_t)(w->end - w->text)); more && walk_next(&walk, &t); yaml_token_delete(&t.t)) {
		more = t.t.type != YAML_STREAM_END_TOKEN;
		if (more && t.t.type != YAML_STREAM_START_TOKEN)
			on_token(w, &t);
	}
	put_gap(w, w->prev_end, w->end);
	end_line(w);
	yaml_parser_delete(&walk.parser);
	vec_free(&w->levels);
	vec_free(&w->flows);
}

/* --- the proof ------------------------------------------------------------------------------------------------------------ */

struct job {
	const struct source *src;
	struct diags *d;
	struct str *out;
	struct fmt_lines *lines;
	struct arena *arena;
	int rc;
};

static bool proven(struct job *j, const struct yaml_file *f)
{
	struct source again = { j->src->path, j->out->at, j->out->len };
	struct diags *quiet = diags_new();
	struct yaml_file *g;
	autostr struct str x, y;
	str_init(&x, FMT_MAX * (size_t)2);
	str_init(&y, FMT_MAX * (size_t)2);
	bool ok = !str_full(j->out) && yaml_parse(j->arena, &again, false, quiet, &g) && fmt_same(j->arena, f, g, quiet);
	if (ok) {
		comments_of(f->src.text, f->src.len, &x);
		comments_of(j->out->at, j->out->len, &y);
		ok = x.len == y.len && memcmp(x.at, y.at, x.len) == 0;
	}
	diags_free(quiet);
	return ok;
}

static void run(void *arg)
{
	struct job *j = arg;
	struct yaml_file *f;
	j->rc = E_INPUT;
	if (!yaml_parse(j->arena, j->src, false, j->d, &f) || !fmt_readable(j->arena, f, j->d))
		return;
	struct writer w = { .text = f->src.text, .end = f->src.text + f->src.len, .out = j->out, .lines = j->lines, .prev_end = f->src.text, .line = 1 };
	write_all(&w);
	bool same = j->out->len == j->src->len && memcmp(j->out->at, j->src->text, j->src->len) == 0;
	j->rc = same || proven(j, f) ? 0 : E_INTERNAL;
}

int fmt_text(const struct source *src, struct diags *d, struct str *out, struct fmt_lines *lines, struct err *err)
{
	struct stack *s = stack_new();
	struct job j = { src, d, out, lines, arena_new(), 0 };
	stack_run(s, run, &j);
	arena_free(j.arena);
	stack_free(s);
	if (j.rc == E_INTERNAL)
		return err_set(err, E_INTERNAL, "%s is left as it is: the formatted text would not mean the same", src->path);
	return j.rc ? err_set(err, E_INPUT, "%s", "") : 0;
}
