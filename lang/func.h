/* func - the function table of the language.
 *
 * One row a function: name, parameters, help, code. The caller (expr.c) has checked the count, converted each argument to
 * its parameter's type, answered unknown for unknown arguments and collected the sensitive mark, unless the row's flags say
 * that the function wants to see such arguments itself. A function is pure but for FUNC_FILES and FUNC_IMPURE ones.
 */
#ifndef LANG_FUNC_H
#define LANG_FUNC_H

#include "lang/value.h"

enum func_flags {
	FUNC_FILES = 1 << 0,        /* reads files below the spec's folder: gets call->dir */
	FUNC_IMPURE = 1 << 1,       /* timestamp(), uuid(): fixed once per run by the caller's memo */
	FUNC_LAZY = 1 << 2,         /* try, can: handled by the evaluator, which passes no evaluated arguments */
};
enum param_flags {
	PARAM_NULL = 1 << 0,        /* null is allowed (else a null argument is an error) */
	PARAM_UNKNOWN = 1 << 1,     /* the function itself looks at an unknown argument; unknowns inside one it always gets */
	PARAM_MARKED = 1 << 2,      /* the function itself deals with marks (else they are taken off at every depth, and any marks the result) */
	PARAM_REST = 1 << 3,        /* last parameter, any number of times (also none) */
	PARAM_OPTIONAL = 1 << 4,    /* may be left out (trailing only) */
	PARAM_PLAIN = 1 << 5,       /* a name, path, time or the like: an argument with a NUL character in it is an error */
};
struct func_param { const char *name; const struct type *type; unsigned flags; };

struct eval;
struct func_call {
	struct arena *arena;
	struct eval *eval;           /* who calls, for templates; NULL: nobody */
	const struct val *const *args; size_t n;
	const char *dir;             /* the spec's folder, for FUNC_FILES */
	size_t bad_arg;              /* on failure: index of the argument to put the caret under; SIZE_MAX: the call */
	uint64_t work, may_work;     /* steps (lang/eval.h) that the function took beside those of its result, which it adds; how many it may */
};
typedef int func_fn(struct func_call *c, const struct val **out, struct err *err);

struct func {
	const char *name;
	const char *help;            /* one sentence */
	const char *group;           /* "string", "collection", ... */
	struct func_param params[5]; /* ends with a NULL name */
	unsigned flags;
	func_fn *fn;                 /* NULL for FUNC_LAZY */
	const struct type *result;   /* what an unknown answer is of; NULL: not known */
};

/* EXPRESSION gives VALUE (JSON). Every function has one. */
struct func_example { const char *name, *expression, *value; };
const struct func_example *func_example(const char *name);
/* "substr(str, offset, length)", as help prints it. */
void func_signature(const struct func *f, struct str *out);

/* All functions, sorted by name. */
const struct func *func_table(size_t *n);
const struct func *func_find(const char *name);     /* "core::upper" is upper; NULL when there is none */
const char *const *func_names(void);         /* NULL-terminated, for suggestions */

/* JSON text as jsondecode() reads it, numbers with all digits. NULL when TEXT is none. */
const struct val *func_json_value(struct arena *a, const char *text, size_t len);

#endif
