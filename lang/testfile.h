/* testfile - a *.aipctest.yaml: runs of a spec in a made-up world, and what must hold of each.
 *
 * Values in it may be expressions; they see run.NAME.OUTPUT of earlier runs and, in a run, var.NAME of the file's variables. Assertions see
 * what expressions of the spec's own module see (var, local, data, module, TYPE.NAME), and output.NAME, run.NAME.OUTPUT, plan.actions, plan.data,
 * plan.counts, plan.complete. Mistakes go to the diags. Everything returned lives until testfile_free().
 */
#ifndef LANG_TESTFILE_H
#define LANG_TESTFILE_H

#include "lang/lang.h"

enum { TESTFILE_RUNS = 10000 };

struct testfile;
/* Something of the world that a file or a run sets: WHERE is "resource", "data" (NAME: a type), "override" or "world" (NAME: an address). */
struct test_fact { const char *where, *name; json_t *attrs; struct mark at; };
struct test_expected { const char *text; struct mark at; bool met; };
struct test_run {
	const char *name;
	struct mark at;
	bool apply;                          /* command: apply; else plan */
	const char *module;                  /* the folder that it tests, with a state of its own */
	const char *const *targets; size_t n_targets;    /* as plan_options has them */
	struct test_expected *expected; size_t n_expected;
	size_t n_asserts;
};

/* Reads PATH (told as it is). With E_INPUT and an empty message the mistakes are in D, and *OUT may be set all the same: free it then too. */
int testfile_read(const char *path, struct diags *d, struct testfile **out, struct err *err) MUST_CHECK;
void testfile_free(struct testfile *t);                      /* NULL is fine */
const char *testfile_module(const struct testfile *t);       /* the folder that runs test which do not say; "." when the file does not */
size_t testfile_runs(const struct testfile *t);
struct test_run *testfile_run(struct testfile *t, size_t i);

/* What the file (RUN SIZE_MAX) or one run sets, evaluated now. The file's must be asked for first; its variables, then those of the run,
 * are to be given to lang_load(). False after a report in D. */
struct test_setting { struct lang_input variables; bool any; const struct test_fact *facts; size_t n; };
bool testfile_setting(struct testfile *t, size_t run, struct diags *d, struct test_setting *out);
/* Looks at the assertions of RUN in L: their references, and (SUMMARY not NULL: as plan_options.planned has it) whether they hold. Reports
 * go to L's diags: E0190 for one that does not hold, E0191 for one that cannot be told. */
void testfile_assert(struct testfile *t, size_t run, struct lang *l, const json_t *summary);
/* The outputs that L has now are those of RUN, for later runs. */
void testfile_keep(struct testfile *t, size_t run, struct lang *l);

#endif
