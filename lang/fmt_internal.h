/* fmt_internal - what the parts of fmt share. */
#ifndef LANG_FMT_INTERNAL_H
#define LANG_FMT_INTERNAL_H

#include <yaml.h>

#include "base/mem.h"
#include "lang/fmt.h"
#include "lang/yaml.h"

/* DEL bytes at AT become INS spaces. Sorted by AT, never overlapping. */
struct fmt_edit { uint32_t at, del, ins; };
struct fmt_edits { struct fmt_edit *at; size_t len, cap; };

/* fmt_expr.c: what has to change inside the sequences of a template. Adds nothing for a text that it cannot follow. */
void fmt_template(const char *s, size_t len, struct fmt_edits *out);
/* TEXT with EDITS done, appended. */
void fmt_apply(const char *text, size_t len, const struct fmt_edits *edits, struct str *out);

/* fmt_scalar.c */
/* A plain or quoted scalar; RAW is its text in the file. Lines behind the first are indented by INDENT. */
void fmt_flow_scalar(const char *raw, size_t len, const char *value, size_t n, enum ystyle style, unsigned indent, struct str *out);
struct fmt_block {                           /* a block scalar, as it stands in the file */
	const char *header; size_t header_len;       /* "|2-", without a comment behind it */
	const char *body, *end;              /* from the line below the header to the start of a line */
	unsigned parent;                     /* column of the block collection around it, 0 at the top */
	bool top;
};
/* Its lines, indented by INDENT, each with a line break; and the header that fits. Empty lines at the end are left out (but for "+"): true. */
bool fmt_block_scalar(const struct fmt_block *b, unsigned indent, struct str *header, struct str *out);

/* fmt_same.c: do both files hold the same values? Recurses; run it on a stack of its own. */
bool fmt_same(struct arena *a, const struct yaml_file *x, const struct yaml_file *y, struct diags *d);
/* All expressions of F are readable; else diagnostics. */
bool fmt_readable(struct arena *a, const struct yaml_file *f, struct diags *d);

#endif
