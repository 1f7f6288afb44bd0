#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/opts.h"
#include "base/str.h"

struct all { const char *dir, *level; bool help; };
struct own { bool fast; const char *file, *mode; unsigned count; struct opt_list names, inputs; };

static const char *const levels[] = { "low", "mid", "high", NULL };
static const struct opt everywhere[] = {
	{ 'C', "chdir", "DIR", "work in DIR", OPT_TEXT, offsetof(struct all, dir), NULL },
	{ 'h', "help", NULL, "show help", OPT_FLAG, offsetof(struct all, help), NULL },
	{ 0, "mode", "WORD", "how much, where a command has no mode of its own", OPT_TEXT, offsetof(struct all, level), levels },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};
static const struct opt own_opts[] = {
	{ 0, "count", "N", "how many", OPT_COUNT, offsetof(struct own, count), NULL },
	{ 0, "fast", NULL, "do not wait", OPT_FLAG, offsetof(struct own, fast), NULL },
	{ 'f', "file", "FILE", "read FILE", OPT_TEXT, offsetof(struct own, file), NULL },
	{ 0, "from", "X", "one kind of input", OPT_NAMED, offsetof(struct own, inputs), NULL },
	{ 0, "mode", "WORD", "how much", OPT_TEXT, offsetof(struct own, mode), NULL },
	{ 'n', "name", "NAME", "a name", OPT_LIST, offsetof(struct own, names), NULL },
	{ 0, "to", "Y", "another kind of input", OPT_NAMED, offsetof(struct own, inputs), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static bool find(const char *name, struct opt_command *out)
{
	static const struct opt_command both[] = { { "walk", own_opts, sizeof(struct own) }, { "rest", NULL, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		if (strcmp(both[i].name, name) == 0)
			return *out = both[i], true;
	return false;
}

static void list(struct str *s, const char *name, const struct opt_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		str_addf(s, "%s%s", i ? "," : name, l->at[i]);
}

/* What a line means: "walk fast file=x ... | arguments", or the message. */
static char *parse(const char *line)
{
	static const char *const names[] = { "rest", "walk", NULL };
	autofree char *copy = xstrdup(line);
	char *argv[32] = { copy }, *rest = copy;
	int argc = 0;
	for (char *w; (w = strsep(&rest, " ")) != NULL;)
		argv[argc++] = w;
	struct all all = { .help = false };
	struct opts o = { .program = "prog", .everywhere = everywhere, .everywhere_at = &all, .names = names, .find = find };
	struct err err = { 0 };
	struct str s;
	str_init(&s, STR_OURS);
	if (opts_parse(&o, argc, argv, &err)) {
		str_add(&s, err.msg);
	} else {
		const struct own none = { .fast = false }, *own = o.command.opts ? o.at : &none;
		str_addf(&s, "%s%s", o.command.name ? o.command.name : "-", all.help ? " help" : "");
		str_addf(&s, "%s%s%s%s", all.dir ? " dir=" : "", all.dir ? all.dir : "", all.level ? " level=" : "", all.level ? all.level : "");
		str_addf(&s, "%s%s%s%s%s", own->fast ? " fast" : "", own->file ? " file=" : "", own->file ? own->file : "",
			 own->mode ? " mode=" : "", own->mode ? own->mode : "");
		if (own->count)
			str_addf(&s, " count=%u", own->count);
		list(&s, " names=", &own->names);
		list(&s, " inputs=", &own->inputs);
		for (size_t i = 0; i < o.args.len; i++)
			str_addf(&s, "%s%s", i ? " " : " | ", o.args.at[i]);
	}
	opts_free(&o);
	return str_take(&s);
}

static void lines(void **unused)
{
	static const char *const rows[][2] = {
		{ "prog", "-" },
		{ "prog -h", "- help" },
		{ "prog -C /tmp walk", "walk dir=/tmp" },
		{ "prog -C/tmp walk", "walk dir=/tmp" },
		{ "prog -C=/tmp walk", "walk dir=/tmp" },
		{ "prog walk -chdir=/tmp", "walk dir=/tmp" },
		{ "prog walk --chdir /a --chdir /b", "walk dir=/b" },
		{ "prog walk --file=a=b x", "walk file=a=b | x" },
		{ "prog walk -file x -fast", "walk fast file=x" },
		{ "prog walk -fx", "walk file=x" },
		{ "prog walk --file= x", "walk file= | x" },
		{ "prog walk -n a -nb --name c", "walk names=a,b,c" },
		{ "prog walk --from 1 --to 2 --from 3", "walk inputs=from,1,to,2,from,3" },
		{ "prog --mode high walk --mode any", "walk level=high mode=any" },
		{ "prog rest --mode low", "rest level=low" },
		{ "prog walk - -- --fast -x", "walk | - --fast -x" },
		{ "prog walk --count 100000", "walk count=100000" },
		{ "prog walk --count 100001", "--count wants a number from 1 to 100000, not \"100001\"" },
		{ "prog walk --count 1x", "--count wants a number from 1 to 100000, not \"1x\"" },
		{ "prog walk --count=", "--count wants a number from 1 to 100000, not \"\"" },
		{ "prog walk --fast=1", "--fast takes no value" },
		{ "prog walk --file", "--file wants FILE" },
		{ "prog rest --mode loud", "--mode does not take \"loud\"; it takes low, mid or high" },
		{ "prog rest --file x", "there is no option --file; see  prog help rest" },
		{ "prog walk --flie x", "there is no option --flie; did you mean --file?" },
		{ "prog walk --f x", "walk file=x" },
		{ "prog -x", "there is no option -x; see  prog help" },
		{ "prog walk ---fast", "there is no option ---fast; did you mean --fast?" },
		{ "prog wlak", "there is no command \"wlak\"; did you mean \"walk\"?" },
		{ "prog fly", "there is no command \"fly\"; prog help lists them" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *got = parse(rows[i][0]);
		if (strcmp(got, rows[i][1]) != 0)
			fail_msg("%s\n  gives  %s\n  wanted %s", rows[i][0], got, rows[i][1]);
	}
}

static void help_is_wrapped(void **unused)
{
	static const struct opt o[] = {
		{ 0, "long", "WORD", "a text that is longer than what is left of a line of eighty columns, so it goes on", OPT_TEXT, 0, NULL },
		{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
	};
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	(void)unused;
	opts_print(to, o);
	fclose(to);
	assert_string_equal(text, "      --long WORD          a text that is longer than what is left of a line of\n"
				  "                           eighty columns, so it goes on\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(help_is_wrapped) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
