#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/functions.h"
#include "lang/func.h"

static const char *const groups[] = { "string", "number", "collection", "conversion", "encoding", "hash", "time", "network", "filesystem" };

/* --- the document ------------------------------------------------------------------------------------------------------------- */

static const char head[] =
	"# Functions\n\n"
	"Printed by `aipc docs functions` from the table of functions. Names, arguments and results are those that Terraform's users know;\n"
	"`core::NAME` works too. Every example is run by the tests. `aipc functions NAME` prints one, `aipc eval -- 'EXPRESSION'` tries one.\n"
	"`?` behind a parameter: may be left out. `...`: any number of them; a list can be spread over them as `f(list...)`.\n\n"
	"An unknown argument gives an unknown result of the right type, a sensitive one a sensitive result. null is refused where it has no\n"
	"meaning.\n\n";

static const char tail[] =
	"## Only here\n\n"
	"`base64gunzip`, `cidrcontains` and `urldecode` (as OpenTofu has them), `cidrhosts`, `deepmerge`, `nodeset` and `versioncmp`.\n"
	"deepmerge merges maps and objects at every depth; a list replaces a list, it is never joined with one.\n\n"
	"## Not here\n\n"
	"- Functions of providers (`provider::NAME::FUNCTION`): providers of aipc have none.\n"
	"- `type()` is no function: it is answered by `aipc console` and `aipc eval`.\n\n"
	"## Kinder than Terraform\n\n"
	"- `x / 0` and `x % 0` are errors with a place; in Terraform infinity, which fails where it is printed.\n"
	"- `a && b` and `a || b` leave the right side alone when the left decides.\n"
	"- `range()` gives up to 10,000,000 numbers, not 1,024.\n"
	"- `element(list, -1)` is the last element; `signum()` takes numbers of any size.\n"
	"- `cidr*()` take prefixes such as `::ffff:10.0.0.0/104` as the IPv4 ones they are; `cidrsubnets()` divides `0.0.0.0/0` too;\n"
	"  `cidrsubnet()` refuses negative numbers.\n"
	"- `toset([0, -0])` has one element. `templatestring()` takes any string. `fileset()` takes a `/` inside `{a,b}`.\n"
	"- `{ a = 1 }[sensitive(\"a\")]` is sensitive. `cidrsubnets()` takes more than 32 bits for IPv6. `yamldecode()` takes lists of merged maps, any `%YAML`\n"
	"  version and hexadecimal numbers of any size; `textencodebase64()` every character set of the system.\n"
	"- A text with a NUL character is no key, path, prefix, time or name of a column; `\"Inf\"` and `\"1p3\"` are no numbers.\n"
	"- `timeadd()` fails behind the year 9999, where Terraform gives a time that no function reads.\n\n"
	"## Limits\n\n"
	"No expression takes unbounded time or memory. What is beyond a limit is an error with its place.\n\n"
	"| what | limit |\n|---|---|\n"
	"| steps and elements of one expression (nodes evaluated, members handled, each 8 bytes of text made; 16 for a number with a fraction) | 10,000,000 |\n"
	"| text made by an expression, or read from a file | 64 MiB |\n"
	"| elements of a result (`range`, `setproduct`, `chunklist`, ...) | 10,000,000 |\n"
	"| nesting of expressions; of values; of `jsondecode` and `yamldecode` | 500; 600; 500 |\n"
	"| digits of a number; precision of arithmetic | 100,000; 512 bits |\n"
	"| `pow`, `log` | doubles |\n"
	"| regular expressions | RE2's syntax, repetition up to 1,000, backtracking bounded (\"takes too long\"); what is gone over counts as steps |\n"
	"| `bcrypt` | cost 4 to 14, 72 bytes; 38 hashes of cost 10 in one expression |\n"
	"| `cidrhosts`, `nodeset` | 1,048,576 addresses, 1,000,000 names |\n"
	"| `fileset` | 1,000,000 entries, 64 folders deep |\n"
	"| templates | 600 variables; a template calls no template |\n"
	"| `indent`; width and precision in `format` | 10,000; 1,000,000 |\n";

static void print_one(FILE *to, const struct func *f)
{
	const struct func_example *x = func_example(f->name);
	autostr struct str s = { 0 };
	str_init(&s, STR_OURS);
	func_signature(f, &s);
	fprintf(to, "### %s\n\n`%s`\n\n%s.\n\n", f->name, s.at, f->help);
	if (x)
		fprintf(to, "```\n%s\n= %s\n```\n\n", x->expression, x->value);
}

void functions_markdown(FILE *to)
{
	size_t n;
	const struct func *all = func_table(&n);
	fputs(head, to);
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		fprintf(to, "## %c%s\n\n", groups[g][0] - 'a' + 'A', groups[g] + 1);
		for (size_t i = 0; i < n; i++)
			if (strcmp(all[i].group, groups[g]) == 0)
				print_one(to, &all[i]);
	}
	fputs(tail, to);
}

/* --- the command ---------------------------------------------------------------------------------------------------------------- */

static json_t *to_json(const struct func *f)
{
	const struct func_example *x = func_example(f->name);
	json_t *j = json_object(), *params = json_array();
	json_put_str(j, "name", f->name);
	json_put_str(j, "group", f->group);
	json_put_str(j, "help", f->help);
	for (const struct func_param *p = f->params; p->name; p++) {
		json_t *one = json_object();
		autostr struct str type = { 0 };
		str_init(&type, STR_OURS);
		type_write(p->type, &type);
		json_put_str(one, "name", p->name);
		json_put_str(one, "type", type.at);
		json_put_new(one, "optional", json_boolean(p->flags & PARAM_OPTIONAL));
		json_put_new(one, "repeated", json_boolean(p->flags & PARAM_REST));
		json_put_new(one, "nullable", json_boolean(p->flags & PARAM_NULL));
		json_array_append_new(params, one);
	}
	json_put_new(j, "parameters", params);
	json_put_str(j, "example", x ? x->expression : NULL);
	json_put_str(j, "value", x ? x->value : NULL);
	return j;
}

static void show(struct cli *c, const struct func *f)
{
	const struct func_example *x = func_example(f->name);
	autostr struct str s = { 0 };
	str_init(&s, STR_OURS);
	func_signature(f, &s);
	fprintf(c->out, "%s%s%s\n  %s.\n", paint(c->color_out, P_BOLD), s.at, paint(c->color_out, P_RESET), f->help);
	if (x)
		fprintf(c->out, "  %s\n  = %s\n", x->expression, x->value);
}

static int unknown(struct cli *c, const char *name)
{
	const char *near = str_nearest(name, func_names());
	if (near)
		return cli_usage(c, "no function is called \"%.60s\"; did you mean \"%s\"?", name, near);
	return cli_usage(c, "no function is called \"%.60s\"; aipc functions lists them", name);
}

static void list(struct cli *c)
{
	size_t n;
	const struct func *all = func_table(&n);
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		fprintf(c->out, "%s%s:\n", g ? "\n" : "", groups[g]);
		for (size_t i = 0; i < n; i++)
			if (strcmp(all[i].group, groups[g]) == 0)
				fprintf(c->out, "  %-18s %s\n", all[i].name, all[i].help);
	}
}

static int functions_run(struct cli *c)
{
	size_t n;
	const struct func *all = func_table(&n), *one = c->n_args ? func_find(c->args[0]) : NULL;
	if (c->n_args && !one)
		return unknown(c, c->args[0]);
	if (c->json) {
		autojson json_t *j = one ? to_json(one) : json_array();
		for (size_t i = 0; !one && i < n; i++)
			json_array_append_new(j, to_json(&all[i]));
		autofree char *text = json_text(j);
		fprintf(c->out, "%s\n", text);
	} else if (one) {
		show(c, one);
	} else {
		list(c);
	}
	return EXIT_OK;
}

const struct command cmd_functions = {
	.name = "functions", .args = "[NAME]", .brief = "list the functions of the language, or explain one",
	.about = "Prints the functions that expressions can call, by group, or one with its parameters and an example.",
	.examples = { { "aipc functions", "all of them" }, { "aipc functions cidrsubnet", "one, with an example" } },
	.max = 1, .group = GROUP_READ, .json = true, .run = functions_run,
};
