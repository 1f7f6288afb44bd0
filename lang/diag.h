/* diag - mistakes in a spec: collected, all reported in one run, each at its place.
 *
 * A diagnostic has a stable code (E0213 error, W0101 warning), one sentence, the mark of the smallest wrong thing, and
 * optionally what stands behind the caret ("did you mean ..."), notes (one line each: operand values, other places, the
 * chain of module calls). Everything is copied. Printing sorts by file, line, column, then code, and drops exact repeats.
 */
#ifndef LANG_DIAG_H
#define LANG_DIAG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* One text that marks point into: a file, or something given on the command line ("-var nodes"). */
struct source {
	const char *path;        /* as the user would write it, relative to the folder of the spec */
	const char *text;        /* whole text, terminated; NULL when there is none to excerpt */
	size_t len;
};

/* A place: COL counts Unicode code points from 1, LEN code points on that line (at least 1). Zeroed: no place. What ends on a later
 * line has its end there, behind the last code point; else END_LINE is 0, and the end is LEN behind COL. */
struct mark {
	const struct source *src;
	uint32_t line, col, len, end_line, end_col;
};

struct diag;
struct diags;

struct diags *diags_new(void);
void diags_free(struct diags *d);            /* NULL is fine */

/* CODE is a string literal such as "E0213"; 'W...' is a warning. At most 1,000 are kept; the rest is counted. */
struct diag *diag_add(struct diags *d, const char *code, struct mark at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Text behind the caret. */
void diag_hint(struct diag *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line of its own under the excerpt; AT may be zeroed, else its place is named. */
void diag_note(struct diag *g, struct mark at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What a part of the failing expression was, for JSON alone: {"expression", "type", "shown", and "value", "unknown" or "sensitive"};
 * of two for one expression the first stays, and 20 of a diagnostic. Takes over J. */
void diag_value(struct diag *g, json_t *j);
/* The address of what is wrong ("var.nodes", "check.power", "gpu_node_pool.train"): for programs, and to tell failures apart. */
void diag_about(struct diag *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "did you mean "X"" as the hint when NAMES (NULL-terminated) has something near WORD. */
void diag_suggest(struct diag *g, const char *word, const char *const *names);

/* The calls of modules that lead to what is reported, innermost first: each diagnostic added while a trail is set gets a note for
 * every step, behind its own notes. Borrowed until the next call; NULL: none. */
struct diag_trail { const struct diag_trail *up; const char *text; struct mark at; };
const struct diag_trail *diags_trail(struct diags *d, const struct diag_trail *t);      /* gives back the one before */

/* Drops those that KEEP refuses (ABOUT: of diag_about, or NULL); the counts follow. */
void diags_keep(struct diags *d, bool (*keep)(void *ctx, const char *code, const char *about), void *ctx);
size_t diags_errors(const struct diags *d);
size_t diags_warnings(const struct diags *d);
/* The transcript of ux.md, 80 columns, long excerpts cut around the caret, tabs shown as one space. Ends with a line that
 * counts ("2 errors, 1 warning."), without a further sentence. */
void diags_print(const struct diags *d, FILE *out, bool color);
/* [{"severity","code","summary","hint","address","file","line","column","end_line","end_column","length","excerpt","values":[{...}],"notes":[{...}]}];
 * columns are code points from 1, ends lie behind the last one; LENGTH counts what of it is on the first line. */
json_t *diags_json(const struct diags *d);

#endif
