/* func_help - calls functions by name as the evaluator does, from tables of rows. */
#ifndef TESTS_LANG_FUNC_HELP_H
#define TESTS_LANG_FUNC_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lang/eval.h"
#include "lang/func.h"
#include "tests/unit/lang/val_help.h"

/* The loader may not be linked into this test; the marker is then ours. */
__attribute__((weak)) const json_t *lang_unknown(void)
{
	static json_t *marker;
	if (!marker)
		marker = json_object();
	return marker;
}

/* ARGS: the members of a JSON array as val_help.h reads it. WANT: the result as help_write() writes it, "E text" for an
 * error with that text in its message. DIR: for functions on files. */
struct func_row { const char *name, *args, *want; };
static const char *func_dir;

static inline const struct func_param *func_row_param(const struct func *f, size_t i)
{
	size_t k = 0;
	while (k < i && f->params[k].name && !(f->params[k].flags & PARAM_REST))
		k++;
	return f->params[k].name ? &f->params[k] : NULL;
}

/* What the evaluator does before a call: nulls refused, conversion, unknown answers unknown, marks collected. 1: done, *OUT. */
static inline int func_row_args(const struct func *f, struct func_call *c, const struct val **args, unsigned *marked, const struct val **out, struct err *err)
{
	bool unknown = false;
	for (size_t i = 0; i < c->n; i++) {
		const struct func_param *p = func_row_param(f, i);
		if (!p)
			return err_set(err, E_INPUT, "too many arguments");
		if (!(p->flags & PARAM_MARKED)) {
			*marked |= val_sensitive_deep(args[i]);
			args[i] = val_unmark_deep(c->arena, args[i]);
		}
		if (val_is_null(args[i]) && !(p->flags & PARAM_NULL))
			return err_set(err, E_INPUT, "must not be null");
		if (val_convert(c->arena, args[i], p->type, &args[i], err))
			return E_INPUT;
		unknown = unknown || (args[i]->state == VAL_UNKNOWN && !(p->flags & PARAM_UNKNOWN));
	}
	if (unknown)
		*out = val_unknown(c->arena, f->result ? f->result : &type_dynamic);
	return unknown;
}

static inline int func_row_call(struct arena *a, const char *name, const struct val *list, const struct val **out, struct err *err)
{
	const struct func *f = func_find(name);
	const struct val **args = arena_array(a, list->seq.len, sizeof(*args));
	struct func_call c = { .arena = a, .args = args, .n = list->seq.len, .dir = func_dir, .may_work = EVAL_STEPS };
	unsigned marked = 0;
	if (!f)
		return err_set(err, E_INPUT, "no such function");
	memcpy(args, list->seq.at, c.n * sizeof(*args));
	for (size_t i = c.n; i < 5 && f->params[i].name && !(f->params[i].flags & (PARAM_REST | PARAM_OPTIONAL)); i++)
		return err_set(err, E_INPUT, "too few arguments");
	int rc = func_row_args(f, &c, args, &marked, out, err);
	if (rc == 0)
		rc = f->fn(&c, out, err);
	if (rc >= 0)
		*out = val_mark(a, *out, (*out)->marks | marked);
	return rc < 0 ? rc : 0;
}

static inline void func_rows_run(const struct func_row *rows, size_t n)
{
	size_t bad = 0;
	for (size_t i = 0; i < n; i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str text, list;
		struct err err = { 0 };
		const struct val *out = NULL;
		str_init(&text, 100000);
		str_init(&list, 100000);
		str_addf(&list, "[%s]", rows[i].args);
		int rc = func_row_call(a, rows[i].name, help_parse(a, list.at), &out, &err);
		if (rc == 0)
			help_write(out, &text);
		bool error = str_has_prefix(rows[i].want, "E ");
		if (error ? rc && strstr(err.msg, rows[i].want + 2) && err.msg[0] : !rc && !strcmp(text.at, rows[i].want))
			continue;
		print_error("%s(%s)\n  want %s\n  got  %s\n", rows[i].name, rows[i].args, rows[i].want, rc ? err.msg : text.at);
		bad++;
	}
	assert_int_equal(bad, 0);
}
#define FUNC_ROWS(rows) func_rows_run(rows, ARRAY_LEN(rows))

#endif
