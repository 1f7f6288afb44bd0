/* aipc lint: what is legal in a spec and looks wrong. */
#include <string.h>

#include "base/json.h"
#include "cli/testing.h"
#include "cli/work.h"
#include "lang/codes.h"
#include "lang/lint.h"

struct lint_opts { struct input_opts in; bool strict; const char *format; };

static const char *const formats[] = { "text", "json", "sarif", NULL };

static const struct opt lint_options[] = {
	INPUT_OPTIONS(struct lint_opts),
	{ 0, "strict", NULL, "exit with 1 when there is any finding", OPT_FLAG, offsetof(struct lint_opts, strict), NULL },
	{ 0, "format", "FORMAT", "text (default), json, or sarif (SARIF 2.1.0, for code hosts)", OPT_TEXT, offsetof(struct lint_opts, format), formats },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

/* --- SARIF 2.1.0 (OASIS), sections 3.14 run, 3.27 result, 3.49 reportingDescriptor ---------------------------------------- */

static json_t *rules(void)
{
	size_t n;
	const struct diag_code *c = diag_codes(&n);
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		if (c[i].code[0] == 'W')
			json_array_append_new(list, json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", c[i].code, "shortDescription", "text", c[i].title,
							      "fullDescription", "text", c[i].text));
	return list;
}

static json_t *result(const json_t *d)
{
	const char *hint = json_str(d, "hint"), *file = json_str(d, "file");
	autofree char *text = hint ? xasprintf("%s: %s", json_str(d, "summary"), hint) : xstrdup(json_str(d, "summary"));
	json_t *r = json_pack("{s:s, s:s, s:{s:s}}", "ruleId", json_str(d, "code"), "level", json_str(d, "severity"), "message", "text", text);
	json_int_t line = json_integer_value(json_at(d, "line")), col = json_integer_value(json_at(d, "column"));
	if (file && line)
		json_put_new(r, "locations", json_pack("[{s:{s:{s:s}, s:{s:I, s:I, s:I, s:I}}}]", "physicalLocation", "artifactLocation", "uri", file, "region",
						       "startLine", line, "startColumn", col, "endLine", json_integer_value(json_at(d, "end_line")), "endColumn",
						       json_integer_value(json_at(d, "end_column"))));
	return r;
}

static json_t *sarif(const struct diags *d)
{
	autojson json_t *found = diags_json(d);
	json_t *results = json_array();
	for (size_t i = 0; i < json_array_size(found); i++)
		json_array_append_new(results, result(json_array_get(found, i)));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "$schema", "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
			 "runs", "tool", "driver", "name", "aipc", "version", AIPC_VERSION, "rules", rules(), "columnKind", "unicodeCodePoints",
			 "results", results);
}

/* --- the command ------------------------------------------------------------------------------------------------------------ */

static void print(struct work *w, const char *format)
{
	struct cli *c = w->cli;
	if (strcmp(format, "text") == 0) {
		diags_print(w->diags, c->out, c->color_out);
		if (diags_warnings(w->diags) + diags_errors(w->diags) == 0)
			fputs("Nothing to remark.\n", c->out);
		return;
	}
	autojson json_t *j = strcmp(format, "sarif") == 0 ? sarif(w->diags) : json_pack("{s:o}", "diagnostics", diags_json(w->diags));
	struct str text;
	str_init(&text, STR_OURS);
	json_write(j, strcmp(format, "sarif") == 0 ? 2 : 0, &text);
	fprintf(c->out, "%s\n", text.at);
	str_release(&text);
}

static int lint_body(struct task *t, struct work *w, struct err *err)
{
	const struct lint_opts *o = w->cli->opts;
	(void)t;
	(void)err;
	lang_lint(engine_lang(w->engine));
	testing_lint(engine_lang(w->engine), w->diags);
	print(w, o->format ? o->format : w->cli->json ? "json" : "text");
	w->status = diags_errors(w->diags) || (o->strict && diags_warnings(w->diags)) ? EXIT_ERROR : EXIT_OK;
	return 0;
}

static int lint_run(struct cli *c)
{
	const struct lint_opts *o = c->opts;
	return work_run(c, &o->in, WORK_NO_STATE, "lint", lint_body, NULL);
}

const struct command cmd_lint = {
	.name = "lint", .args = "", .brief = "remark on what is legal and looks wrong",
	.about = "Checks the spec as validate does, then remarks on what nothing uses, comparisons that are always false, names that hide others, "
		 "counts over lists, secrets that are written down; files of tests (aipc test) are checked too. Each finding has a code; a comment  # aipc-lint: ignore W0901 reason  on its "
		 "line, or on the line above, silences it.",
	.examples = { { "aipc lint --strict", "in CI: fail when there is any finding" }, { "aipc lint --format sarif > lint.sarif", "for a code host" } },
	.opts = lint_options, .opts_size = sizeof(struct lint_opts),
	.group = GROUP_READ, .json = true, .run = lint_run,
};
