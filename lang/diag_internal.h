/* diag_internal - what diag.c (collecting, order, excerpts) and diag_print.c (text and JSON) share. */
#ifndef LANG_DIAG_INTERNAL_H
#define LANG_DIAG_INTERNAL_H

#include "base/arena.h"
#include "base/mem.h"
#include "base/str.h"
#include "lang/diag.h"

struct note { struct mark at; const char *text; };

struct diag {
	struct diags *owner;
	size_t order;
	char code[8];
	struct mark at;              /* its source is one of OWNER's, without text */
	const char *line; size_t line_len;   /* the line, or at most MAX_LINE characters around the place; NULL: none */
	uint32_t shift;              /* characters of the line left of LINE */
	const char *summary, *hint, *about;
	VEC(struct note) notes, calls;         /* calls: the trail */
	VEC(json_t *) values;
};

struct diags {
	struct arena *arena;
	VEC(struct diag *) all;
	VEC(struct source *) sources;          /* by path: diagnostics outlive what they are about */
	size_t errors, warnings;
	struct { const char *text; uint32_t line; size_t at; } last;   /* where a line was found */
	const struct diag_trail *trail;
	struct diag dropped;         /* takes what comes after the last one that is kept */
};

/* Sorted, without repeats; AT is to be freed. The counts leave repeats out. */
struct diags_view { struct diag **at; size_t n, errors, warnings; };
void diags_sorted(const struct diags *d, struct diags_view *out);

/* The line of a mark as it is shown in at most ROOM columns, and where the caret stands in it (columns from 0). */
struct excerpt { bool present; struct str text; unsigned caret_col, caret_len; };
void diag_excerpt(const struct diag *g, unsigned room, struct excerpt *out);

#endif
