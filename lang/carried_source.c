#include "lang/carried_source.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum { MAX_LINE = 5000000, MAX_LINES = 20000000, MAX_PIECE = 16 << 20 };

/* A file of which some lines are known; the others are empty. */
struct shown {
	const char *path;
	uint32_t n;                  /* the last line that is known */
	const json_t **known;        /* by line - 1; NULL: empty */
	struct source src;
	uint32_t *lines;
	UT_hash_handle hh;
};
struct carried_files { struct arena *a; struct shown *all; VEC(const json_t *) pieces; };

struct carried_files *carried_files_new(struct arena *a)
{
	struct carried_files *f = xcalloc(1, sizeof(*f));
	f->a = a;
	return f;
}

void carried_files_free(struct carried_files *f)
{
	if (!f)
		return;
	struct shown *s = f->all, *next;
	HASH_CLEAR(hh, f->all);
	for (; s; s = next) {
		next = s->hh.next;
		free(s->known);
		free(s);
	}
	vec_free(&f->pieces);
	free(f);
}

static bool is_line(const json_t *j)
{
	const char *s = json_is_string(j) ? json_string_value(j) : NULL;
	return s && !memchr(s, '\0', json_string_length(j)) && !memchr(s, '\n', json_string_length(j));
}

/* Does J say where it stands, and in which lines? */
static bool is_source(const json_t *j)
{
	const json_t *lines = json_at(j, "lines"), *one;
	json_int_t line = json_int(j, "line", 0), col = json_int(j, "column", 0), end = json_int(j, "end", -1);
	size_t i, n = json_array_size(lines);
	bool good = json_str(j, "file") && line >= 1 && line <= MAX_LINE && col >= 1 && col <= MAX_LINE && end >= 0 && end <= MAX_LINE && n >= 1 && n <= MAX_LINE;
	json_array_foreach(lines, i, one) {
		good = good && is_line(one);
	}
	return good;
}

static struct shown *find(const struct carried_files *f, const json_t *j)
{
	struct shown *s = NULL;
	const char *path = json_str(j, "file");
	HASH_FIND_STR(f->all, path, s);
	return s;
}

void carried_files_add(struct carried_files *f, const json_t *j)
{
	if (!is_source(j))
		return;
	struct shown *s = find(f, j);
	uint32_t last = (uint32_t)(json_int(j, "line", 1) + (json_int_t)json_array_size(json_at(j, "lines")) - 1);
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->path = arena_strdup(f->a, json_str(j, "file"));
		HASH_ADD_KEYPTR(hh, f->all, s->path, strlen(s->path), s);
	}
	s->n = last > s->n ? last : s->n;
	vec_push(&f->pieces, j);
}

static void make_text(struct carried_files *f, struct shown *s)
{
	autostr struct str text;
	str_init(&text, STR_OURS);
	s->lines = arena_array(f->a, (size_t)s->n + 1, sizeof(*s->lines));
	for (uint32_t i = 0; i < s->n; i++) {
		s->lines[i] = (uint32_t)text.len;
		if (s->known[i])
			str_addn(&text, json_string_value(s->known[i]), json_string_length(s->known[i]));
		str_addc(&text, '\n');
	}
	s->src = (struct source){ s->path, arena_strndup(f->a, text.at, text.len), text.len };
}

bool carried_files_lay_out(struct carried_files *f)
{
	size_t total = 0;
	for (struct shown *s = f->all; s; s = s->hh.next)
		total += s->n;
	if (total > MAX_LINES)
		return false;
	for (struct shown *s = f->all; s; s = s->hh.next)
		s->known = xcalloc((size_t)s->n + 1, sizeof(*s->known));
	for (size_t i = 0; i < f->pieces.len; i++) {
		const json_t *lines = json_at(f->pieces.at[i], "lines");
		struct shown *s = find(f, f->pieces.at[i]);
		for (size_t k = 0; k < json_array_size(lines); k++) {
			const json_t *one = json_array_get(lines, k), **known = &s->known[(size_t)json_int(f->pieces.at[i], "line", 1) - 1 + k];
			if (*known && !json_equal((json_t *)*known, (json_t *)one))
				return false;
			*known = one;
		}
	}
	for (struct shown *s = f->all; s; s = s->hh.next)
		make_text(f, s);
	return true;
}

static size_t bytes_of(const char *s, size_t len, size_t points)
{
	size_t i = 0;
	for (size_t n = 0; i < len; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80 && n++ == points)
			break;
	return i;
}

/* The node of J alone, as YAML in which it has its column, and begins on the first line. */
static bool cut_out(const json_t *j, struct str *out)
{
	const json_t *lines = json_at(j, "lines"), *one;
	size_t i, n = json_array_size(lines), col = (size_t)json_int(j, "column", 1), end = (size_t)json_int(j, "end", 0);
	str_pad(out, col - 1, ' ');
	json_array_foreach(lines, i, one) {
		const char *s = json_string_value(one);
		size_t len = json_string_length(one), from = i == 0 ? bytes_of(s, len, col - 1) : 0;
		size_t to = i + 1 == n && end ? bytes_of(s, len, end - 1) : len;
		if (from > to)
			return false;
		str_addn(out, s + from, to - from);
		str_addc(out, '\n');
	}
	return !str_full(out);
}

static size_t kids_of(const struct ynode *n)
{
	return n->is->kind == Y_MAP ? 2 * (size_t)n->is->n : n->is->kind == Y_SEQ ? n->is->n : 0;
}

/* N and what is in it stand BY bytes further on. */
static void move(struct ynode *n, uint32_t by)
{
	n->off += by;
	n->end += by;
	for (size_t i = 0; i < kids_of(n); i++)
		move(&yaml_kids(n)[i], by);
}

/* Do N and what is in it begin before the byte END? */
static bool fits(const struct ynode *n, uint32_t end)
{
	bool good = n->off < end;
	for (size_t i = 0; good && i < kids_of(n); i++)
		good = fits(&yaml_kids(n)[i], end);
	return good;
}

/* J's node alone, its lines counted from its first one; NULL: there is none. */
static struct yaml_file *read_alone(struct arena *a, const json_t *j, const char *path)
{
	struct yaml_file *y = NULL;
	autostr struct str text;
	str_init(&text, MAX_PIECE);
	if (!is_source(j) || !cut_out(j, &text))
		return NULL;
	struct source src = { path, arena_strndup(a, text.at, text.len), text.len };
	struct diags *none = diags_new();
	size_t lines = json_array_size(json_at(j, "lines"));
	bool good = yaml_parse(a, &src, false, none, &y) && y->n_docs == 1 && lines < y->n_lines && fits(&y->docs[0], y->lines[lines]);
	diags_free(none);
	return good ? y : NULL;
}

static bool same(const struct ynode *x, const struct ynode *y)
{
	bool many = x->is->kind == Y_MAP || x->is->kind == Y_SEQ, good = x->is->kind == y->is->kind && x->is->n == y->is->n && x->is->live == y->is->live && x->is->b == y->is->b;
	size_t kids = x->is->kind == Y_MAP ? 2 * (size_t)x->is->n : x->is->n;
	if (!good || !many)
		return good && (x->is->n == 0 || memcmp(x->is->s, y->is->s, x->is->n) == 0);
	for (size_t i = 0; good && i < kids; i++)
		good = same(&yaml_kids(x)[i], &yaml_kids(y)[i]);
	return good;
}

bool carried_source_gives(const json_t *j, const struct ynode *n)
{
	autoarena struct arena *a = arena_new();
	const struct yaml_file *y = read_alone(a, j, "");
	return y && same(&y->docs[0], n);
}

struct expr *carried_source(struct carried_files *f, const json_t *j)
{
	const struct shown *s = is_source(j) ? find(f, j) : NULL;
	struct yaml_file *y = s ? read_alone(f->a, j, s->path) : NULL;
	if (!y)
		return NULL;
	/* The first line has spaces there for what stands before the node. */
	const json_t *first = json_array_get(json_at(j, "lines"), 0);
	size_t spaces = (size_t)json_int(j, "column", 1) - 1;
	uint32_t by = s->lines[json_int(j, "line", 1) - 1] + (uint32_t)(bytes_of(json_string_value(first), json_string_length(first), spaces) - spaces);
	if (by + y->src.len > s->src.len)
		return NULL;
	struct diags *none = diags_new();
	move(&y->docs[0], by);
	*y->seen = (struct yaml_seen){ 0 };
	y->src = s->src;
	y->lines = s->lines;
	y->n_lines = s->n;
	struct expr *x = expr_from_yaml(f->a, y, &y->docs[0], none);
	diags_free(none);
	return x;
}
