#include "cli/unified.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

enum { CONTEXT = 3 };

struct line { const char *at; size_t len; bool ended; };
struct lines { struct line *at; size_t len, cap; };

/* One line of the difference: ' ' of both, '-' of the old text, '+' of the new one. */
struct step { char sign; const struct line *line; size_t old, now; };
struct steps { struct step *at; size_t len, cap; };

static void split(const char *text, size_t len, struct lines *out)
{
	for (const char *p = text, *end = text + len; p < end; ) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		vec_push(out, (struct line){ p, (size_t)((stop ? stop : end) - p), stop != NULL });
		p = stop ? stop + 1 : end;
	}
}

static bool same(const struct line *a, const struct line *b)
{
	return a->len == b->len && a->ended == b->ended && memcmp(a->at, b->at, a->len) == 0;
}

/* A pair of lines that are the same parts the text; between two pairs, what is old stands before what is new. */
static void compare(const struct lines *old, const struct lines *now, const uint32_t *from, size_t n, struct steps *out)
{
	size_t i = 0, fresh = 0;
	for (size_t k = 0; k < now->len; k++) {
		size_t source = k < n && from[k] ? from[k] - 1 : old->len;
		if (source < i || source >= old->len || !same(&old->at[source], &now->at[k]))
			continue;
		for (; i < source; i++)
			vec_push(out, (struct step){ '-', &old->at[i], i, fresh });
		for (; fresh < k; fresh++)
			vec_push(out, (struct step){ '+', &now->at[fresh], i, fresh });
		vec_push(out, (struct step){ ' ', &old->at[i], i, fresh });
		i++;
		fresh++;
	}
	for (; i < old->len; i++)
		vec_push(out, (struct step){ '-', &old->at[i], i, fresh });
	for (; fresh < now->len; fresh++)
		vec_push(out, (struct step){ '+', &now->at[fresh], i, fresh });
}

static void print_hunk(FILE *to, const struct step *at, size_t n)
{
	size_t olds = 0, news = 0;
	for (size_t i = 0; i < n; i++) {
		olds += at[i].sign != '+';
		news += at[i].sign != '-';
	}
	fprintf(to, "@@ -%zu,%zu +%zu,%zu @@\n", at[0].old + (olds > 0), olds, at[0].now + (news > 0), news);
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%c%.*s\n", at[i].sign, (int)at[i].line->len, at[i].line->at);
		if (!at[i].line->ended)
			fputs("\\ No newline at end of file\n", to);
	}
}

static void print_steps(FILE *to, const struct steps *s)
{
	for (size_t i = 0; i < s->len; ) {
		if (s->at[i].sign == ' ') {
			i++;
			continue;
		}
		size_t start = i > CONTEXT ? i - CONTEXT : 0, end = i, quiet = 0;
		for (; end < s->len && quiet <= 2 * CONTEXT; end++)
			quiet = s->at[end].sign == ' ' ? quiet + 1 : 0;
		if (quiet > CONTEXT)
			end -= quiet - CONTEXT;
		print_hunk(to, &s->at[start], end - start);
		i = end;
	}
}

void unified_print(FILE *to, const char *path, const char *old, size_t old_len, const char *now, size_t now_len, const uint32_t *from, size_t n)
{
	struct lines x = { 0 }, y = { 0 };
	struct steps s = { 0 };
	split(old, old_len, &x);
	split(now, now_len, &y);
	compare(&x, &y, from, n, &s);
	fprintf(to, "--- %s\n+++ %s (formatted)\n", path, path);
	print_steps(to, &s);
	vec_free(&x);
	vec_free(&y);
	vec_free(&s);
}
