/* yaml_text - from places in a scalar back to places in the file, and the check of the raw text. */
#include <string.h>

#include "base/mem.h"
#include "lang/yaml_internal.h"

/* --- raw text -------------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at P, 0 when it is none. */
static size_t utf8_len(const unsigned char *p, const unsigned char *end)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	if (n == 0 || n > (size_t)(end - p))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* What is wrong with the valid character of N bytes at P, or NULL. */
static const char *bad_char(const unsigned char *p, size_t n)
{
	if (n == 1 && p[0] < 0x20 && p[0] != '\t' && p[0] != '\n' && p[0] != '\r')
		return p[0] == 0 ? "a NUL byte cannot stand in a spec" : "a control character cannot stand in a spec";
	if (n == 1 && p[0] == 0x7f)
		return "a control character cannot stand in a spec";
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return "a control character cannot stand in a spec";
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return "the Unicode line separators cannot stand in a spec as they are";
	if (n == 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return "a byte order mark can only stand at the start of a file";
	if (n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
		return "this is not a Unicode character";
	return NULL;
}

bool yaml_scan_text(struct arena *a, struct yaml_file *f, struct diags *d)
{
	const unsigned char *p = (const unsigned char *)f->src.text, *start = p, *end = p + f->src.len, *line = p;
	VEC(uint32_t) lines = { 0 };
	const char *problem = NULL;
	vec_push(&lines, 0);
	while (p < end && !problem) {
		if (*p == '\n' || *p == '\r') {
			p += p[0] == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
			vec_push(&lines, (uint32_t)(p - start));
			line = p;
			continue;
		}
		if (*p >= 0x20 && *p < 0x7f) {
			p++;
			continue;
		}
		size_t n = utf8_len(p, end);
		problem = n ? bad_char(p, n) : "this is not UTF-8 text";
		if (!problem)
			p += n;
	}
	uint32_t *copy = arena_array(a, lines.len, sizeof(*copy));
	memcpy(copy, lines.at, lines.len * sizeof(*copy));
	f->lines = copy;
	f->n_lines = (uint32_t)lines.len;
	vec_free(&lines);
	if (!problem)
		return true;
	uint32_t col = 1;
	for (const unsigned char *q = line; q < p; q++)
		col += (*q & 0xc0) != 0x80;
	struct diag *g = diag_add(d, "E0405", (struct mark){ .src = &f->src, .line = f->n_lines, .col = col, .len = 1 }, "%s", problem);
	if (*p < 0x80 || strstr(problem, "separators"))
		diag_hint(g, "in double quotes, an escape such as \\u%04x can", *p < 0x80 ? *p : 0x2028);
	else if (strstr(problem, "UTF-8"))
		diag_hint(g, "byte 0x%02x: save the file as UTF-8", *p);
	return false;
}

/* --- places ---------------------------------------------------------------------------------------------------- */

/* The number of the line that OFF is in, from 1. */
static uint32_t line_of(const struct yaml_file *f, uint32_t off)
{
	uint32_t lo = 0, hi = f->n_lines;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (f->lines[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo + 1;
}

static const char *line_at(const struct yaml_file *f, uint32_t line)
{
	return f->src.text + (line - 1 < f->n_lines ? f->lines[line - 1] : f->src.len);
}

/* The end of LINE without its line break. */
static const char *line_stop(const struct yaml_file *f, uint32_t line)
{
	const char *p = line_at(f, line), *end = line < f->n_lines ? line_at(f, line + 1) : f->src.text + f->src.len;
	while (end > p && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	return end;
}

static uint32_t points(const char *from, const char *to)
{
	uint32_t n = 0;
	for (; from < to; from++)
		n += ((unsigned char)*from & 0xc0) != 0x80;
	return n;
}

static const char *advance(const char *p, const char *end)
{
	if (p < end)
		for (p++; p < end && ((unsigned char)*p & 0xc0) == 0x80; p++)
			;
	return p;
}

struct mark yaml_place(const struct yaml_file *f, uint32_t off)
{
	struct yaml_seen *s = f->seen;
	uint32_t line = line_of(f, off), start = f->lines[line - 1];
	bool near = s->line == line && (off >= s->off || s->off - off < off - start);
	uint32_t from = near ? s->off : start, col = near ? s->col : 1;
	if (off >= from)
		col += points(f->src.text + from, f->src.text + off);
	else
		col -= points(f->src.text + off, f->src.text + from);
	*s = (struct yaml_seen){ off, line, col };
	return (struct mark){ .src = &f->src, .line = line, .col = col, .len = 1 };
}

/* A reading head in the file while a scalar is decoded again, and how many bytes of its text lie behind it. */
struct head { const struct yaml_file *f; uint32_t line; const char *p; uint32_t done; };

/* Steps over white space and line breaks at H when there is a line break in it; the text has one space or the breaks but one. */
static bool step_fold(struct head *h)
{
	const char *stop = line_stop(h->f, h->line), *q = h->p;
	while (q < stop && (*q == ' ' || *q == '\t'))
		q++;
	if (q < stop || h->line >= h->f->n_lines)
		return false;
	uint32_t breaks = 0;
	while (q >= stop && h->line < h->f->n_lines) {
		h->line++;
		breaks++;
		q = line_at(h->f, h->line);
		stop = line_stop(h->f, h->line);
		while (q < stop && (*q == ' ' || *q == '\t'))
			q++;
	}
	h->p = q;
	h->done += breaks == 1 ? 1 : breaks - 1;
	return true;
}

static uint32_t utf8_size(uint32_t cp)
{
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

/* Steps over one escape of a double-quoted scalar. */
static void step_escape(struct head *h)
{
	const char *stop = line_stop(h->f, h->line);
	if (h->p + 1 >= stop) {                    /* a line break that is not there */
		h->p = stop;
		uint32_t keep = h->done;
		if (!step_fold(h))
			h->p++;
		h->done = keep;
		return;
	}
	char c = h->p[1];
	unsigned digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	uint32_t cp = c == 'N' || c == '_' ? 0x80 : c == 'L' || c == 'P' ? 0x2028 : 'a';
	if (digits) {
		cp = 0;
		for (unsigned i = 0; i < digits && h->p + 2 + i < stop; i++) {
			char x = h->p[2 + i];
			cp = cp * 16 + (uint32_t)(x <= '9' ? x - '0' : (x | 32) - 'a' + 10);
		}
	}
	h->p += 2 + digits;
	h->done += utf8_size(cp);
}

static void seek_flow(struct head *h, enum ystyle style, uint32_t off)
{
	const char *end = h->f->src.text + h->f->src.len;
	if (style != YS_PLAIN)
		h->p++;
	while (h->done < off && h->p < end) {
		char c = *h->p;
		if ((c == ' ' || c == '\t' || c == '\n' || c == '\r') && step_fold(h))
			continue;
		if (style == YS_DOUBLE && c == '\\') {
			step_escape(h);
			continue;
		}
		if (style == YS_SINGLE && c == '\'')
			h->p++;
		h->p++;
		h->done++;
	}
	while (style == YS_DOUBLE && h->p + 1 < end && h->p[0] == '\\' && (h->p[1] == '\n' || h->p[1] == '\r'))
		step_escape(h);
	/* A place behind a space at the end of a line is the start of the next one. */
	if (h->p < end && (*h->p == '\n' || *h->p == '\r') && style != YS_PLAIN)
		step_fold(h);
}

/* Block scalars: the text of each line is the end of the line in the file. */
static void seek_block(struct head *h, const struct ynode *n, uint32_t off)
{
	const char *text = n->is->s, *end = text + n->is->n;
	const char *want = text + off;
	h->line++;
	while (h->line <= h->f->n_lines && text < end) {
		const char *src = line_at(h->f, h->line), *stop = line_stop(h->f, h->line);
		const char *body = text;
		while (body < end && *body != '\n')
			body++;
		size_t have = (size_t)(stop - src), len = (size_t)(body - text);
		if (n->is->style == YS_FOLDED) {
			/* The line without its indentation is where the text goes on; folding changed only the break behind it. */
			while (src < stop && *src == ' ' && !(text < end && *text == ' '))
				src++;
			have = (size_t)(stop - src);
			len = have < (size_t)(end - text) ? have : (size_t)(end - text);
		} else if (have > len) {
			src = stop - len;
		}
		if (want <= text + len) {
			h->p = src + (want - text) < stop ? src + (want - text) : stop;
			return;
		}
		text += len;
		if (n->is->style == YS_FOLDED && text < end && *text == ' ') {
			text++;
			h->line++;
			continue;
		}
		if (n->is->style == YS_LITERAL) {
			text++;
			h->line++;
			continue;
		}
		while (text < end && *text == '\n')
			text++;
		for (h->line++; h->line <= h->f->n_lines; h->line++) {
			const char *q = line_at(h->f, h->line), *e = line_stop(h->f, h->line);
			while (q < e && *q == ' ')
				q++;
			if (q < e)
				break;
		}
	}
	if (h->line > h->f->n_lines) {
		h->line = h->f->n_lines;
		h->p = line_stop(h->f, h->line);
	} else {
		h->p = line_at(h->f, h->line);
	}
}

static void seek(struct head *h, const struct ynode *n, uint32_t off)
{
	if (n->is->style == YS_LITERAL || n->is->style == YS_FOLDED)
		seek_block(h, n, off);
	else
		seek_flow(h, n->is->style, off);
}

/* To the place behind the character that ends before byte END of the text. */
static void seek_behind(struct head *h, const struct ynode *n, uint32_t end)
{
	uint32_t last = end - 1;
	while (last && ((unsigned char)n->is->s[last] & 0xc0) == 0x80)
		last--;
	seek(h, n, last);
	const char *stop = line_stop(h->f, h->line);
	if (n->is->style == YS_DOUBLE && h->p < stop && *h->p == '\\')
		step_escape(h);
	else if (n->is->style == YS_SINGLE && h->p + 1 < stop && h->p[0] == '\'' && h->p[1] == '\'')
		h->p += 2;
	else
		h->p = advance(h->p, stop);
}

/* Behind the last text of a block scalar. */
static void end_block(const struct yaml_file *f, const struct ynode *n, struct mark *m)
{
	uint32_t end = n->is->n;
	while (end && (n->is->s[end - 1] == '\n' || n->is->s[end - 1] == ' '))
		end--;
	m->end_line = m->end_col = 0;
	if (!end)
		return;
	uint32_t line = line_of(f, n->off);
	struct head h = { f, line, line_at(f, line), 0 };
	seek_behind(&h, n, end);
	m->end_line = h.line;
	m->end_col = 1 + points(line_at(f, h.line), h.p);
}

struct mark yaml_mark(const struct yaml_file *f, const struct ynode *n)
{
	struct mark m = yaml_place(f, n->off);
	const char *at = f->src.text + n->off, *stop = line_stop(f, m.line);
	if (line_of(f, n->end) == m.line) {
		m.len = points(at, f->src.text + n->end);
	} else {
		struct mark end = yaml_place(f, n->end);
		while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		m.len = points(at, stop);
		m.end_line = end.line;
		m.end_col = end.col;
		if (n->is->style == YS_LITERAL || n->is->style == YS_FOLDED)
			end_block(f, n, &m);
	}
	if (m.len == 0)
		m.len = 1;
	return m;
}

struct mark yaml_mark_in(const struct yaml_file *f, const struct ynode *n, uint32_t off, uint32_t len)
{
	if (n->is->kind == Y_SEQ || n->is->kind == Y_MAP)
		return yaml_mark(f, n);
	if (off > n->is->n)
		off = n->is->n;
	if (len > n->is->n - off)
		len = n->is->n - off;
	struct head from = { f, line_of(f, n->off), f->src.text + n->off, 0 }, to = from;
	seek(&from, n, off);
	if (len)
		seek_behind(&to, n, off + len);
	else
		to = from;
	const char *end = f->src.text + f->src.len, *base = line_at(f, from.line), *stop = line_stop(f, from.line);
	if (from.p > end)
		from.p = end;
	uint32_t width = points(from.p, to.line == from.line && to.p < stop ? to.p : stop);
	struct mark m = { .src = &f->src, .line = from.line, .col = 1 + points(base, from.p), .len = width ? width : 1 };
	if (to.line > from.line) {
		m.end_line = to.line;
		m.end_col = 1 + points(line_at(f, to.line), to.p);
	}
	return m;
}
