/* testing - runs files of tests, each in a world and a state of its own that nothing outlives, and reports what came of it. */
#ifndef CLI_TESTING_H
#define CLI_TESTING_H

#include <jansson.h>

#include "cli/cli.h"
#include "lang/diag.h"

enum test_status { TEST_PASS, TEST_FAIL, TEST_ERROR, TEST_SKIP };        /* fail: something does not hold; error: it could not be run */
struct test_result {
	char *name;
	enum test_status status;
	unsigned line;
	double seconds;
	struct diags *d;             /* what was told and not expected */
	json_t *plan;                /* plan_options.planned's summary; NULL: there was none */
};
struct test_suite {
	const char *path;
	struct diags *d;             /* of the file itself */
	char *failure;               /* the file could not be read; else NULL */
	VEC(struct test_result) runs;
};
const char *test_status_word(enum test_status s);    /* "pass", "fail", "error", "skip" */

/* Runs the file OUT->path. FILTER (NULL: all): a glob over its path, names of runs, or PATH/NAME; runs that apply and come before one
 * that is chosen are run too. IN: values of variables that those of the file win over; borrowed. */
struct lang_input;
void testing_run(const char *path, const char *filter, const struct lang_input *in, size_t n, struct test_suite *out);
void testing_release(struct test_suite *s);
/* Paths of the *.aipctest.yaml files in DIR, added to OUT; each is yours to free. */
struct test_paths { char **at; size_t len, cap; };
void testing_find(const char *dir, struct test_paths *out);
/* Reads the files of the working folder and its tests/, and holds those that test it against L. Mistakes go to D, which is L's. */
struct lang;
void testing_lint(struct lang *l, struct diags *d);

struct test_counts { size_t passed, failed, errors, skipped, tests; double seconds; };
struct test_counts testing_count(const struct test_suite *s, size_t n);
/* test_report.c */
void test_report_text(struct cli *c, const struct test_suite *s, bool verbose);
void test_report_json(struct cli *c, const struct test_suite *s, size_t n);
/* JUnit's XML, as continuous integration reads it. */
int test_report_junit(const char *path, const struct test_suite *s, size_t n, struct err *err) MUST_CHECK;

#endif
