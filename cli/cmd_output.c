#include <string.h>

#include "base/json.h"
#include "cli/work.h"

struct output_opts { bool raw; };

static const struct opt output_options[] = {
	{ 0, "raw", NULL, "one string without quotes (needs NAME)", OPT_FLAG, offsetof(struct output_opts, raw), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

struct printing {
	struct cli *c;
	const char *name;            /* NULL: all */
	bool raw;
	size_t n;
	int status;
};

static int print_raw(struct printing *p, const struct stored_output *o)
{
	autojson json_t *j = NULL;
	struct err err = { 0 };
	if (json_parse(o->text, strlen(o->text), o->name, &j, &err))
		return cli_fail(p->c, &err);
	if (json_is_object(j) || json_is_array(j))
		return cli_usage(p->c, "output %.60s is no single value: use --json", o->name);
	fprintf(p->c->out, "%s\n", json_is_string(j) ? json_string_value(j) : o->text);
	return EXIT_OK;
}

static int print_one(void *ctx, const struct stored_output *o)
{
	struct printing *p = ctx;
	if (p->name && strcmp(p->name, o->name) != 0)
		return 0;
	const char *text = o->text;
	bool all = !p->name, first = p->n++ == 0;
	if (!text && !all) {
		p->status = cli_usage(p->c, "output %.60s is sensitive: its value is never stored", o->name);
	} else if (p->raw) {
		p->status = print_raw(p, o);
	} else if (p->c->json && all) {
		autojson json_t *key = json_string_safe(o->name, strlen(o->name));
		autofree char *quoted = json_text(key);
		fprintf(p->c->out, "%s%s:{\"sensitive\":%s,\"value\":%s}", first ? "{" : ",", quoted, o->sensitive ? "true" : "false",
			text ? text : "null");
	} else if (all) {
		fprintf(p->c->out, "%s = %s\n", o->name, text ? text : "(sensitive)");
	} else {
		fprintf(p->c->out, "%s\n", text);
	}
	return 0;
}

static int output_run(struct cli *c)
{
	const struct output_opts *o = c->opts;
	struct printing p = { .c = c, .name = c->n_args ? c->args[0] : NULL, .raw = o->raw };
	struct store *s = NULL;
	struct err err = { 0 };
	if (o->raw && !p.name)
		return cli_usage(c, "--raw wants the NAME of one output");
	int rc = work_open_state(c, &s, &err);
	if (!rc)
		rc = store_outputs(s, print_one, &p, &err);
	store_close(s);
	if (rc)
		return cli_fail(c, &err);
	if (p.name && !p.n) {
		fprintf(c->err, "aipc: the last apply left no output \"%.60s\".\n", p.name);
		return EXIT_ERROR;
	}
	if (!p.n && !c->json)
		fputs("The last apply left no outputs.\n", c->err);
	if (c->json && !p.name)
		fputs(p.n ? "}\n" : "{}\n", c->out);
	return p.status;
}

const struct command cmd_output = {
	.name = "output", .args = "[NAME]", .brief = "print the outputs of the last apply",
	.about = "Prints the values of the spec's output blocks as the last complete apply left them. Sensitive ones are named, never stored.",
	.examples = { { "aipc output", "all of them" }, { "aipc output --raw endpoint", "one string, for a script" } },
	.opts = output_options, .opts_size = sizeof(struct output_opts), .max = 1,
	.group = GROUP_READ, .json = true, .run = output_run,
};
