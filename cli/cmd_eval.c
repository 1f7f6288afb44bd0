#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/work.h"
#include "lang/eval_text.h"

enum { MAX_LINE = 16 << 20 };

struct eval_opts { struct input_opts in; bool batch, show_sensitive, typed; };

static const struct opt eval_options[] = {
	INPUT_OPTIONS(struct eval_opts),
	{ 0, "batch", NULL, "read one expression a line from stdin, print one JSON text a line", OPT_FLAG, offsetof(struct eval_opts, batch), NULL },
	{ 0, "show-sensitive", NULL, "print sensitive values too", OPT_FLAG, offsetof(struct eval_opts, show_sensitive), NULL },
	{ 0, "typed", NULL, "print {\"sensitive\", \"type\", \"value\"} instead of the JSON alone", OPT_FLAG, offsetof(struct eval_opts, typed), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

struct evaluating {
	struct cli *c;
	struct eval_text *t;
	bool show, typed;
	struct str out;              /* of the latest value */
};

/* The JSON of the expression S, in E->OUT; false when D says why not. */
static bool to_json(struct evaluating *e, const char *s, size_t len, const char *where, struct diags *d)
{
	struct err err;
	const struct val *v = eval_text_run(e->t, s, len, where, d);
	str_clear(&e->out);
	if (!v)
		return false;
	if (!val_known_deep(v)) {
		diag_add(d, "E0229", (struct mark){ 0 }, "the value is not known before the spec is applied");
		return false;
	}
	if (!e->show && val_sensitive_deep(v)) {
		diag_hint(diag_add(d, "E0229", (struct mark){ 0 }, "the value is %s", val_sensitive_deep(v) & MARK_SENSITIVE ? "sensitive" : "ephemeral"),
			  "--show-sensitive prints it");
		return false;
	}
	if (e->typed) {
		str_addf(&e->out, "{\"sensitive\":%s,\"type\":", v->marks & MARK_SENSITIVE ? "true" : "false");
		type_write_json(v->type, &e->out);
		str_add(&e->out, ",\"value\":");
	}
	if (val_write_json(v, 0, false, true, &e->out, &err)) {
		diag_add(d, "E0229", (struct mark){ 0 }, "the value has no JSON: %s", err.msg);
		return false;
	}
	str_add(&e->out, e->typed ? "}" : "");
	return true;
}

/* --- one a line ------------------------------------------------------------------------------------------------------------- */

/* No value has a key with a zero byte in it, so this cannot be mistaken for one. */
static void print_error(struct evaluating *e, unsigned long line, const struct diags *d)
{
	autojson json_t *j = json_object(), *all = diags_json(d);
	const json_t *first = json_array_get(all, 0);
	json_put_str(j, "error", json_str(first, "summary"));
	json_put_str(j, "code", json_str(first, "code"));
	json_put_int(j, "line", (long long)line);
	json_put_new(j, "diagnostics", json_incref(all));
	autofree char *text = json_text(j);
	fprintf(e->c->out, "{\"\\u0000error\":true,%s\n", text + 1);
}

static void batch_line(struct evaluating *e, unsigned long line, const char *s, size_t len)
{
	struct diags *d = diags_new();
	char where[40];
	snprintf(where, sizeof(where), "line %lu", line);
	if (to_json(e, s, len, where, d))
		fprintf(e->c->out, "%s\n", e->out.at);
	else
		print_error(e, line, d);
	diags_free(d);
}

static int batch(struct evaluating *e)
{
	autofree char *text = NULL;
	size_t cap = 0;
	ssize_t n;
	for (unsigned long line = 1; (n = getline(&text, &cap, stdin)) >= 0; line++) {
		size_t len = (size_t)n - (n && text[n - 1] == '\n');
		if (len > MAX_LINE)
			return fprintf(e->c->err, "aipc: line %lu is longer than %d MiB.\n", line, MAX_LINE >> 20), EXIT_ERROR;
		batch_line(e, line, text, len);
		fflush(e->c->out);
	}
	return EXIT_OK;
}

/* --- one ---------------------------------------------------------------------------------------------------------------------- */

static int show(struct evaluating *e, const char *s, struct diags *d)
{
	const struct type *type;
	const struct val *v = eval_text_ask(e->t, s, strlen(s), "expression", d, &type);
	str_clear(&e->out);
	if (v && type)
		type_show(type, &e->out);
	else if (v)
		val_show(e->show ? val_unmark_deep(eval_text_arena(e->t), v) : v, &e->out);
	if (v)
		fprintf(e->c->out, "%s\n", e->out.at);
	return v ? EXIT_OK : EXIT_ERROR;
}

static int one(struct evaluating *e, const char *s)
{
	struct diags *d = diags_new();
	int status;
	if (e->c->json || e->typed) {
		status = to_json(e, s, strlen(s), "expression", d) ? EXIT_OK : EXIT_ERROR;
		if (status == EXIT_OK)
			fprintf(e->c->out, "%s\n", e->out.at);
	} else {
		status = show(e, s, d);
	}
	work_print_diags(e->c, d, NULL);
	diags_free(d);
	return status;
}

static int eval_run_command(struct cli *c)
{
	const struct eval_opts *o = c->opts;
	struct diags *d = diags_new();
	struct lang *l = NULL;
	struct err err = { 0 };
	if (o->batch ? c->n_args != 0 : c->n_args != 1)
		return diags_free(d), cli_usage(c, o->batch ? "with --batch the expressions come from stdin" : "eval takes one expression, in quotes, behind --");
	int status = EXIT_ERROR, rc = work_load_spec(&o->in, true, d, &l, &err);
	work_print_diags(c, d, NULL);
	if (!rc) {
		struct evaluating e = { .c = c, .t = eval_text_new(l), .show = o->show_sensitive, .typed = o->typed };
		str_init(&e.out, STR_OURS);
		status = o->batch ? batch(&e) : one(&e, c->args[0]);
		str_release(&e.out);
		eval_text_free(e.t);
	} else if (err.msg[0]) {
		status = cli_fail(c, &err);
	}
	lang_free(l);
	diags_free(d);
	return status;
}

const struct command cmd_eval = {
	.name = "eval", .args = "[--] EXPRESSION", .brief = "print the value of an expression",
	.about = "Evaluates an expression with the variables, locals and modules of the spec in the folder, or without any where there is no spec. "
		 "Nothing is read from machines or state: what resources hold is not known. --json prints JSON with all digits of numbers. "
		 "With --batch every line of stdin is an expression and gives one line of JSON, in order; a line that fails gives an object with the key "
		 "\"\\u0000error\", which no value can have, besides \"error\", \"code\", \"line\" and \"diagnostics\", and the next line goes on. "
		 "Sensitive values are refused unless --show-sensitive is given.",
	.examples = { { "aipc eval --json -- '{a = 1 / 3}'", "as JSON, with all digits" },
		      { "aipc eval --var-file=prod.yaml -- var.nodes", "what a variable comes to" },
		      { "aipc eval --batch <expressions", "many, one JSON text a line" } },
	.opts = eval_options, .opts_size = sizeof(struct eval_opts), .max = 1,
	.group = GROUP_READ, .json = true, .run = eval_run_command,
};
