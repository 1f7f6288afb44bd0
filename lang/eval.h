/* eval - the value of an expression.
 *
 * Unknown and sensitive values go through every operation; a failure is reported once, with the caret under the smallest wrong
 * part. One evaluation may take EVAL_STEPS steps (nodes evaluated, members handled, each 8 bytes of text made), so that no
 * expression takes unbounded time or memory; values may be nested EVAL_NESTING deep.
 */
#ifndef LANG_EVAL_H
#define LANG_EVAL_H

#include "lang/expr.h"

enum { EVAL_STEPS = 10000000, EVAL_NESTING = 600, EVAL_TEXT = 64 << 20 };

struct eval;
/* What ROOT.NAME stands for (X is the whole reference); NULL after eval_fail(). */
typedef const struct val *eval_resolve_fn(struct eval *e, const struct expr *x, const char *root, const char *name);

struct eval_seen { const struct val *val; uint32_t weight; uint16_t depth; uint8_t marks; };
struct eval_converted { const struct val *from, *to; const struct type *type; };
struct eval_shared;
struct eval_memo { const char *name; const struct val *val; };

struct eval {
	struct arena *arena;
	struct diags *d;
	const char *dir;             /* for functions that read files */
	eval_resolve_fn *resolve;
	void *ctx;
	uint64_t steps;              /* reset by eval_run() */
	int quiet;                   /* > 0: failures are only remembered in WHY */
	char why[200];
	bool in_template;            /* of templatefile() or templatestring(), which do not nest */
	bool met_unknown;            /* a reference or a loop gave something that is not known */
	const struct val *slots[EXPR_SLOTS];
	struct eval_seen seen[1024]; /* what eval_scan() found, by address */
	struct eval_converted converted[256];
	struct eval_memo memo[8];    /* of functions that answer once a run */
	struct eval_shared *shared;  /* of eval_yaml() */
};

/* X from the start, with a fresh budget. NULL: failed and reported. */
const struct val *eval_run(struct eval *e, struct expr *x);
/* Checks V's size and nesting; reports at X. False when it is too large. */
bool eval_check_size(struct eval *e, const struct expr *x, const struct val *v);

/* --- for the parts of eval ------------------------------------------------------------------------------------ */
const struct val *eval(struct eval *e, struct expr *x);
/* The diagnostic to add to, or NULL when failures are quiet. */
struct diag *eval_fail(struct eval *e, const struct expr *x, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* "WHAT is V" as a note; G may be NULL. */
void eval_note_value(struct diag *g, const char *what, const struct val *v);
/* eval_operand.c: X, a part of what failed, was V: for the values of G in JSON. G and V may be NULL, then it is nothing; X NULL: no text. */
void eval_operand(struct diag *g, const struct expr *x, const struct val *v);
void eval_operand_named(struct diag *g, const char *text, size_t len, const struct val *v);
void eval_tell(struct diag *g, const struct expr *x, const char *what, const struct val *v);         /* both */
/* V (may be NULL) is what a reference or the variable of a loop stands for: try() and can() ask whether something in it is not known. */
void eval_meet(struct eval *e, const struct val *v);
bool eval_step(struct eval *e, const struct expr *x, uint64_t n);
bool eval_scan(struct eval *e, const struct expr *x, const struct val *v, struct eval_seen *out);
unsigned eval_sensitive(struct eval *e, const struct val *v);         /* as val_sensitive_deep() */

const struct val *eval_operator(struct eval *e, struct expr *x);
const struct val *eval_unary(struct eval *e, struct expr *x);
const struct val *eval_cond(struct eval *e, struct expr *x);
const struct val *eval_call(struct eval *e, struct expr *x);
const struct val *eval_for(struct eval *e, struct expr *x);
const struct val *eval_join(struct eval *e, struct expr *x);
const struct val *eval_splat(struct eval *e, struct expr *x);
const struct val *eval_index(struct eval *e, struct expr *x);
const struct val *eval_attr(struct eval *e, struct expr *x);
/* A condition, as a bool: *OUT NULL when unknown. MARKED is or-ed. False: failed. */
bool eval_test(struct eval *e, struct expr *x, const char *what, const struct val **out, unsigned *marked);
/* `ROOT.NAME` or `ROOT["NAME"]` at the bottom of a reference. */
bool expr_reference(const struct expr *x, const char **root, const char **name);
/* N without templates, in E's arena; texts and parts that occur again are shared. STAYS: N's file lives as long as the arena, so that its
 * texts need no copy. */
const struct val *eval_yaml(struct eval *e, const struct ynode *n, bool stays);
const char *eval_yaml_key(struct eval *e, const struct ynode *n, bool stays);          /* the text alone */

#endif
