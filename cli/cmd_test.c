/* aipc test: what a spec says in worlds that are made up. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/testing.h"
#include "cli/work.h"

struct test_opts { struct input_opts in; const char *filter, *junit; bool verbose; };

static const struct opt test_options[] = {
	INPUT_OPTIONS(struct test_opts),
	{ 0, "filter", "GLOB", "only files or runs whose path, name, or PATH/NAME matches", OPT_TEXT, offsetof(struct test_opts, filter), NULL },
	{ 0, "junit", "FILE", "also write a report in JUnit's XML", OPT_TEXT, offsetof(struct test_opts, junit), NULL },
	{ 0, "junit-xml", "FILE", "the same as --junit", OPT_TEXT, offsetof(struct test_opts, junit), NULL },
	{ 'v', "verbose", NULL, "show what each run plans", OPT_FLAG, offsetof(struct test_opts, verbose), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files named, those of the folders named, or those of the working folder and its tests/. */
static void find_files(struct cli *c, struct test_paths *out)
{
	for (size_t i = 0; i < c->n_args; i++) {
		struct stat st;
		if (stat(c->args[i], &st) == 0 && S_ISDIR(st.st_mode))
			testing_find(c->args[i], out);
		else
			vec_push(out, xstrdup(c->args[i]));
	}
	if (!c->n_args) {
		testing_find(".", out);
		testing_find("tests", out);
	}
	if (out->len)
		qsort(out->at, out->len, sizeof(*out->at), by_path);
}

static void print_end(struct cli *c, const struct test_suite *s, size_t n)
{
	struct test_counts k = testing_count(s, n);
	size_t failed = k.failed + k.errors;
	if (!n) {
		fputs("There are no *.aipctest.yaml files here or in tests/.\n", c->out);
		return;
	}
	fprintf(c->out, "%zu passed", k.passed);
	if (failed)
		fprintf(c->out, ", %zu failed", failed);
	if (k.skipped)
		fprintf(c->out, ", %zu skipped because a run before them could not be applied", k.skipped);
	fputs(".\n", c->out);
}

static int test_run_command(struct cli *c)
{
	const struct test_opts *o = c->opts;
	struct test_paths files = { 0 };
	struct err err = { 0 };
	struct work_given given;
	if (work_given(&o->in, &given, &err)) {
		work_given_release(&given);
		return cli_fail(c, &err);
	}
	find_files(c, &files);
	size_t n = files.len;
	struct test_suite *s = xcalloc(n + 1, sizeof(*s));
	for (size_t i = 0; i < n; i++) {
		testing_run(files.at[i], o->filter, given.at, given.n, &s[i]);
		if (!c->json && (s[i].runs.len || s[i].failure || diags_errors(s[i].d)))
			test_report_text(c, &s[i], o->verbose);
		fflush(c->out);
	}
	struct test_counts counts = testing_count(s, n);
	int rc = o->junit ? test_report_junit(o->junit, s, n, &err) : 0;
	if (c->json)
		test_report_json(c, s, n);
	else
		print_end(c, s, n);
	for (size_t i = 0; i < n; i++) {
		testing_release(&s[i]);
		free(files.at[i]);
	}
	free(s);
	vec_free(&files);
	work_given_release(&given);
	if (!rc && n && o->filter && !counts.tests)
		rc = err_set(&err, E_NOTFOUND, "no file and no run of tests is called \"%.100s\"", o->filter);
	if (rc)
		return cli_fail(c, &err);
	return counts.failed + counts.errors + counts.skipped ? EXIT_ERROR : EXIT_OK;
}

const struct command cmd_test = {
	.name = "test", .args = "[FILE|FOLDER]...", .brief = "run the tests of a spec in a made-up world",
	.about = "Runs *.aipctest.yaml files (of the folder and its tests/): each plans, or applies, the spec with variables of its own against a world that is "
		 "made up, and says what must hold of variables, locals, planned objects, actions and outputs, or what must fail. No machine is asked "
		 "and no state is touched. --var and --var-file give values of variables where the files give none. Exit status 1 when something does not hold. docs/testing.md tells what a file can say.",
	.examples = { { "aipc test", "all tests of this folder" }, { "aipc test --filter '*fleet*' --verbose", "some, with what they plan" },
		      { "aipc test --junit report.xml", "for continuous integration" } },
	.opts = test_options, .opts_size = sizeof(struct test_opts), .max = 1000,
	.group = GROUP_OTHER, .json = true, .run = test_run_command,
};
