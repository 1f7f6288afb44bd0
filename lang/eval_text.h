/* eval_text - expressions that stand in no file: of `aipc eval`, `aipc console` and the tests.
 *
 * They are evaluated in the root module of a spec: its variables, locals, modules and functions; path.module is its folder. What
 * resources hold is not known unless somebody answers lang_on_value(). Each expression has a budget of its own (lang/eval.h) and
 * memory of its own, so any number of them may come one after another; timestamp() and uuid() give the same for all of them.
 */
#ifndef LANG_EVAL_TEXT_H
#define LANG_EVAL_TEXT_H

#include "lang/lang.h"
#include "lang/value.h"

struct eval_text;
struct eval_text *eval_text_new(struct lang *l);     /* borrows L, which is to outlive it */
void eval_text_free(struct eval_text *t);            /* NULL is fine */
/* The value of the expression S[0..LEN), which lives until the next call. NULL: all its mistakes are in D, whose marks name WHERE
 * ("expression", "line 3"). D may be freed before or after. */
const struct val *eval_text_run(struct eval_text *t, const char *s, size_t len, const char *where, struct diags *d);
/* The same for `type(EXPR)`, which is no function but a question of the console: *TYPE is set instead when S is of that form. */
const struct val *eval_text_ask(struct eval_text *t, const char *s, size_t len, const char *where, struct diags *d, const struct type **type);
/* Memory that lives until the next call. */
struct arena *eval_text_arena(struct eval_text *t);
/* Names that can stand at the start of an expression, "var.x", "local.y", "TYPE.NAME", NULL-terminated; for completion. */
const char *const *eval_text_names(struct eval_text *t);

#endif
