/* lint_internal - what lint.c (names and blocks) and lint_expr.c (expressions) share. */
#ifndef LANG_LINT_INTERNAL_H
#define LANG_LINT_INTERNAL_H

#include "lang/module.h"

/* Reports at AT in F; NULL when a comment silences CODE there. */
struct diag *lint_add(struct lang *l, const struct yaml_file *f, struct mark at, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Everything that X, an expression of module M, says. X may be NULL. */
void lint_expr(struct module *m, const struct expr *x);

#endif
