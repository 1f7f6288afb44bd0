/* expr - expressions and templates: HCL's native expression syntax, parsed into a tree whose every node has a place.
 *
 * A string of a spec is a template; so is what stands between quotes and in a heredoc inside an expression. A template that is
 * one `${...}` gives the value itself, any other a string; the last line break of a block scalar (`|`, `>`, not `|+`) does not count.
 * Nothing is evaluated while parsing; names of loops are bound to slots.
 * Grammar: the public HCL native syntax specification (expressions and templates). Limits: nesting EXPR_DEPTH, height of the tree
 * EXPR_HEIGHT, EXPR_SLOTS loop variables in one another.
 */
#ifndef LANG_EXPR_H
#define LANG_EXPR_H

#include "lang/func.h"
#include "lang/yaml.h"

enum { EXPR_DEPTH = 500, EXPR_HEIGHT = 4000, EXPR_SLOTS = 1200 };

/* Where text stands: in a scalar of a YAML file, or as a SOURCE of its own. */
struct origin {
	const struct yaml_file *file;
	const struct ynode *node;
	const struct source *src;
	const char *text;
	uint32_t len;
};
struct mark origin_mark(const struct origin *o, uint32_t off, uint32_t len);

enum expr_kind {
	X_VALUE, X_YAML, X_TEMPLATE, X_JOIN, X_REF, X_SLOT, X_ATTR, X_INDEX, X_SPLAT, X_CALL, X_COND, X_UNARY, X_BINARY, X_FOR,
	X_TUPLE, X_OBJECT,
};
enum expr_op { OP_OR, OP_AND, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_NEG, OP_NOT };

struct expr_item { struct expr *key, *val; };
struct expr {
	uint8_t kind, op;
	bool group;                  /* X_FOR: `...` behind the value; X_CALL: behind the last argument */
	bool varies;                 /* looks at each or count: has another value in each instance */
	uint16_t shadows;            /* X_FOR, X_JOIN: how far behind OFF a loop variable is that hides another one, or a name such as var; 0: none */
	uint16_t height;
	uint16_t key_slot, val_slot; /* X_FOR; X_SPLAT and X_SLOT: val_slot */
	uint32_t off, len;
	const struct origin *o;
	union {
		const struct val *val;
		struct { const struct ynode *node; const struct val *val; } yaml;        /* no template inside; val: once computed */
		struct { struct expr **at; uint32_t n; } list;                           /* X_TEMPLATE; X_TUPLE: expr_item() */
		struct { const char *name; struct expr **args; uint32_t n; } call;
		const char *name;                                                        /* X_REF */
		struct { struct expr *src; const char *name; } attr;
		struct { struct expr *src, *key; } index;
		struct { struct expr *src, *each; } splat;
		struct { struct expr *test, *yes, *no; } cond;
		struct { struct expr *l, *r; } bin;                                      /* X_UNARY: l */
		struct { struct expr *coll, *key, *val, *test; } loop;                   /* X_FOR: key set: an object; X_JOIN: val */
		struct { struct expr_item *at; uint32_t n; } object;                     /* expr_item_key(), expr_item_val() */
	};
};
struct mark expr_mark(const struct expr *x);

/* The Ith member of an X_TUPLE; key or value of the Ith pair of an X_OBJECT. A constant scalar in YAML is no expression of its own where a
 * template stands beside it (NULL in AT): there may be millions. *ROOM becomes one then, and must last as long as what is returned. */
struct expr_constant { struct expr x; struct origin o; };
struct expr *expr_item(const struct expr *x, uint32_t i, struct expr_constant *room);
struct expr *expr_item_key(const struct expr *x, uint32_t i, struct expr_constant *room);
struct expr *expr_item_val(const struct expr *x, uint32_t i, struct expr_constant *room);

/* NULL after a diagnostic. The whole text of O is one expression; one template. Everything lives in A, text is borrowed. */
struct expr *expr_parse(struct arena *a, const struct origin *o, struct diags *d);
struct expr *expr_parse_template(struct arena *a, const struct origin *o, struct diags *d);
/* The same where bare NAMES[I] (at most EXPR_TEMPLATE_NAMES) mean slot I. */
enum { EXPR_TEMPLATE_NAMES = 600 };
struct expr *expr_parse_template_of(struct arena *a, const struct origin *o, const struct val_entry *names, size_t n, struct diags *d);
/* A YAML node as an expression: strings and keys that hold `${` or `%{` are templates, maps objects, lists tuples. All mistakes
 * in it are reported; NULL when there was one. */
struct expr *expr_from_yaml(struct arena *a, const struct yaml_file *f, const struct ynode *n, struct diags *d);

/* Calls FN for X and all under it, parents first; CERTAIN is false in what need not be evaluated (branches, arguments of try). */
typedef void expr_visit_fn(void *ctx, const struct expr *x, bool certain);
void expr_visit(const struct expr *x, expr_visit_fn *fn, void *ctx);

#endif
