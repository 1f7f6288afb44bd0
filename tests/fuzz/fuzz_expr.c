/* Any bytes as an expression and as a template: parsed, evaluated with known, unknown and sensitive values, printed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/eval.h"
#include "lang/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct val *resolve(struct eval *e, const struct expr *x, const char *root, const char *name)
{
	struct arena *a = e->arena;
	(void)root;
	switch (name[0]) {
	case 'u': return &val_unknown_dynamic;
	case 'n': return val_unknown(a, &type_number);
	case 'l': return val_list(a, &type_string, (const struct val *const[]){ val_string(a, "x"), val_string(a, "1") }, 2);
	case 's': return val_mark(a, val_string(a, "secret"), true);
	case 'm': return val_map(a, &type_number, (const struct val_entry[]){ { "k", val_int(a, 1) } }, 1);
	default:
		eval_fail(e, x, "E0210", "there is no %s", name);
		return NULL;
	}
}

struct input { const char *text; size_t len; bool template; };
static FILE *null;

static void body(void *arg)
{
	const struct input *in = arg;
	struct arena *a = arena_new();
	struct diags *d = diags_new();
	struct eval *e = xcalloc(1, sizeof(*e));
	struct source src = { "f", in->text, in->len };
	struct origin o = { .src = &src, .text = in->text, .len = (uint32_t)in->len };
	struct str out;
	struct err err;
	str_init(&out, 1 << 20);
	e->arena = a;
	e->d = d;
	e->dir = "/nonexistent";
	e->resolve = resolve;
	struct expr *x = in->template ? expr_parse_template(a, &o, d) : expr_parse(a, &o, d);
	if (!x && diags_errors(d) == 0)
		abort();
	const struct val *v = x ? eval_run(e, x) : NULL;
	if (x && !v && diags_errors(d) == 0)
		abort();
	if (v && eval_check_size(e, x, v)) {
		if (val_write_json(v, 0, true, false, &out, &err) == 0 && strstr(out.at, "secret") && !memmem(in->text, in->len, "sensitive", 9)
		    && !memmem(in->text, in->len, "secret", 6))
			abort();
		json_decref(val_to_json(v, NULL, NULL));
	}
	diags_print(d, null, true);
	str_release(&out);
	free(e);
	diags_free(d);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stack *stack;
	if (!stack) {
		json_setup();
		stack = stack_new();
		null = fopen("/dev/null", "w");
	}
	if (size > 20000)
		return 0;
	char *copy = xmalloc(size ? size : 1);
	memcpy(copy, data, size);
	stack_run(stack, body, &(struct input){ copy, size, false });
	stack_run(stack, body, &(struct input){ copy, size, true });
	free(copy);
	return 0;
}
