#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/say.h"
#include "cli/show.h"
#include "cli/work.h"
#include "lang/codes.h"

struct explain_opts { struct input_opts in; bool list; };

static const struct opt explain_options[] = {
	INPUT_OPTIONS(struct explain_opts),
	{ 0, "list", NULL, "list all codes of messages, each with its title", OPT_FLAG, offsetof(struct explain_opts, list), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

/* --- codes ------------------------------------------------------------------------------------------------------------ */

static bool is_code(const char *text)
{
	return strlen(text) == 5 && strchr("EWew", text[0]) && strspn(text + 1, "0123456789") == 4;
}

static void print_example(FILE *out, const char *what, const char *by, const char *text)
{
	fprintf(out, "\n%s%s:\n\n", what, by);
	for (size_t n; *text; text += n + 1) {
		n = strcspn(text, "\n");
		fprintf(out, "    %.*s\n", (int)n, text);
	}
}

static int explain_code(struct cli *c, const char *text)
{
	struct err err;
	char code[6];
	snprintf(code, sizeof(code), "%c%.4s", toupper((unsigned char)text[0]), text + 1);
	const struct diag_code *d = diag_code_find(code);
	if (!d) {
		err_set(&err, E_NOTFOUND, "no message has the code %s; aipc explain --list prints all", code);
		return cli_fail(c, &err);
	}
	const struct diag_example *x = diag_example(code);
	if (c->json) {
		autojson json_t *j = json_pack("{s:s, s:s, s:s}", "code", d->code, "title", d->title, "text", d->text);
		if (x)
			json_put_new(j, "example", json_pack("{s:s, s:s?, s:s}", "wrong", x->wrong, "right", x->right, "by", diag_example_by(x)));
		autofree char *out = json_text(j);
		fprintf(c->out, "%s\n", out);
		return EXIT_OK;
	}
	fprintf(c->out, "%s: %s\n\n", d->code, d->title);
	say_wrap(c->out, d->text, 0, 0, 80);
	if (!x)
		return EXIT_OK;
	autofree char *by = x->by ? xasprintf(" by aipc %s", x->by) : xstrdup("");
	print_example(c->out, code[0] == 'W' ? "Warned of" : "Refused", by, x->wrong);
	if (x->right)
		print_example(c->out, "Fine", "", x->right);
	return EXIT_OK;
}

static int list_codes(struct cli *c)
{
	size_t n;
	const struct diag_code *all = diag_codes(&n);
	if (!c->json) {
		for (size_t i = 0; i < n; i++)
			fprintf(c->out, "%s  %s\n", all[i].code, all[i].title);
		return EXIT_OK;
	}
	autojson json_t *j = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, json_pack("{s:s, s:s}", "code", all[i].code, "title", all[i].title));
	autofree char *text = json_text(j);
	fprintf(c->out, "%s\n", text);
	return EXIT_OK;
}

/* --- origins ------------------------------------------------------------------------------------------------------------ */

static void add_place(const json_t *j, struct str *s)
{
	if (!json_str(j, "file") || json_str(j, "origin"))   /* which names it */
		return;
	str_addf(s, "  %s", json_str(j, "file"));
	if (json_at(j, "line"))
		str_addf(s, ":%lld:%lld", (long long)json_int(j, "line", 0), (long long)json_int(j, "column", 0));
}

static void add_how(const json_t *j, struct str *s)
{
	static const struct { const char *how, *text; } words[] = {
		{ "default", "  (default)" }, { "argument", "  (given by the call)" }, { "type default", "  (default of the type)" }, { "not set", "  (not set)" },
		{ "computed", "  (the provider knows it)" }, { "resource", "  (a resource)" },
	};
	const char *how = json_str(j, "how");
	const json_t *lost = json_at(j, "instead_of");
	if (json_str(j, "origin"))
		str_addf(s, "  from %s", json_str(j, "origin"));
	if (how && strcmp(how, "made") == 0)
		str_addf(s, "  (made by %s)", json_str(j, "by"));
	for (size_t i = 0; how && i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].how, how) == 0)
			str_add(s, words[i].text);
	for (size_t i = 0; i < json_array_size(lost); i++)
		str_addf(s, "%s%s", i ? ", " : ", not ", json_string_value(json_array_get(lost, i)));
}

static void print_node(struct cli *c, const json_t *j, int depth)
{
	const json_t *from = json_at(j, "from");
	autostr struct str s;
	str_init(&s, STR_OURS);
	if (json_at(j, "more")) {
		str_addf(&s, "and %lld more instances of %s", (long long)json_int(j, "more", 0), json_str(j, "what"));
	} else {
		str_add(&s, json_str(j, "what") ? json_str(j, "what") : json_str(j, "path"));
		const json_t *v = json_at(j, "value");
		if (depth > 1 && json_is_string(v)) {
			str_addf(&s, " = %s", json_string_value(v));
		} else if (v) {
			str_add(&s, " = ");
			show_value(v, 60, &s);
		}
		add_how(j, &s);
		add_place(j, &s);
	}
	fprintf(c->out, "%*s", 2 * depth - 1, "");
	say_wrap(c->out, s.at, 2 * (size_t)depth + 4, 2 * (size_t)depth - 1, (size_t)c->width);
	if (json_str(j, "expression"))
		fprintf(c->out, "%*s%s\n", 2 * depth + 4, "", json_str(j, "expression"));
	for (size_t i = 0; i < json_array_size(from); i++)
		print_node(c, json_array_get(from, i), depth + 1);
}

static int explain_body(struct task *t, struct work *w, struct err *err)
{
	autojson json_t *j = NULL;
	(void)t;
	int rc = engine_explain(w->engine, w->arg, &j, err);
	if (rc)
		return rc;
	if (w->cli->json) {
		autofree char *text = json_text(j);
		fprintf(w->cli->out, "%s\n", text);
		return 0;
	}
	const json_t *list = json_at(j, "attributes");
	fprintf(w->cli->out, "%s\n", json_str(j, "address"));
	for (size_t i = 0; i < json_array_size(list); i++)
		print_node(w->cli, json_array_get(list, i), 1);
	return 0;
}

static int explain_run(struct cli *c)
{
	const struct explain_opts *o = c->opts;
	if (o->list != (c->n_args == 0))
		return cli_usage(c, o->list ? "--list takes no address or code" : "explain takes an address or a code, or --list");
	if (o->list)
		return list_codes(c);
	if (is_code(c->args[0]))
		return explain_code(c, c->args[0]);
	return work_run(c, &o->in, WORK_NO_STATE, "explain", explain_body, (void *)c->args[0]);
}

const struct command cmd_explain = {
	.name = "explain", .args = "ADDRESS[.ATTRIBUTE] | CODE | --list", .brief = "say where a value came from, or what a message means",
	.about = "For an address: the place of each attribute in the spec, and everything its value came from - locals, variables and where their values were "
		 "given, the calls of modules on the way - with the values. For a code such as E0213: what the message means and what to do.",
	.examples = { { "aipc explain 'gpu_node_pool.train.gpu'", "one attribute" }, { "aipc explain module.site.firmware.pin", "all attributes" },
		      { "aipc explain E0213", "a message, with examples" }, { "aipc explain --list", "all messages" } },
	.opts = explain_options, .opts_size = sizeof(struct explain_opts),
	.max = 1, .group = GROUP_READ, .json = true, .run = explain_run,
};
