#include "cli/testing.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/apply.h"
#include "engine/engine.h"
#include "engine/mock.h"
#include "lang/testfile.h"
#include "providers/all.h"
#include "state/store.h"

enum { MAX_ROUNDS = 20, MAX_FILES = 10000 };

/* What the runs that test one folder made. */
struct state { const char *module; char *path; struct store *store; };
/* One file: its world and its states. */
struct session {
	struct testfile *t;
	struct mock *mock;
	size_t own_rules;            /* of the file; those behind them are the run's */
	VEC(struct state) states;
	char dir[64];
	struct test_setting own;
	const struct lang_input *in; size_t n_in;      /* of the command line */
};

/* One run. */
struct running {
	struct session *s;
	size_t run;
	struct diags *d;
	struct engine *e;
	struct store *store;
	struct loop *loop;
	json_t *summary;
	bool ask;                    /* the assertions are to be looked at in this plan */
	struct err err;
};

const char *test_status_word(enum test_status s)
{
	static const char *const words[] = { "pass", "fail", "error", "skip" };
	return words[s];
}

/* --- the world ---------------------------------------------------------------------------------------------------------- */

static bool set_facts(struct session *s, struct diags *d, const struct test_setting *set)
{
	bool ok = true;
	for (size_t i = 0; i < set->n; i++) {
		const struct test_fact *f = &set->facts[i];
		struct err err = { 0 };
		int rc = strcmp(f->where, "override") == 0 ? mock_of_address(s->mock, f->name, f->attrs, &err)
			 : strcmp(f->where, "world") == 0 ? mock_put(s->mock, f->name, f->attrs, &err)
			 : mock_of_type(s->mock, strcmp(f->where, "data") == 0, f->name, f->attrs, &err);
		if (rc)
			diag_add(d, "E0193", f->at, "%s", err.msg);
		ok = ok && !rc;
	}
	return ok;
}

static int open_session(struct session *s, struct err *err)
{
	const char *base = getenv("TMPDIR");
	snprintf(s->dir, sizeof(s->dir), "%.40s/aipc-test-XXXXXX", base && *base && strlen(base) <= 40 ? base : "/tmp");
	if (!mkdtemp(s->dir)) {
		s->dir[0] = '\0';
		return err_errno(err, "cannot make a folder for the state of tests in '%.40s'", base ? base : "/tmp");
	}
	s->mock = mock_new(providers_all);
	return 0;
}

/* The state of the folder that RUN tests. */
static int state_of(struct session *s, const struct test_run *run, struct store **out, struct err *err)
{
	for (size_t i = 0; i < s->states.len; i++) {
		if (strcmp(s->states.at[i].module, run->module) != 0)
			continue;
		*out = s->states.at[i].store;
		return 0;
	}
	autofree char *name = xasprintf("state%zu.db", s->states.len);
	struct state made = { run->module, file_join(s->dir, name), NULL };
	int rc = store_open(made.path, false, &made.store, err);
	vec_push(&s->states, made);
	if (!rc)
		rc = store_lock(made.store, "test", err);
	*out = made.store;
	return rc;
}

static void close_session(struct session *s)
{
	static const char *const behind[] = { "", "-wal", "-shm", ".lock", "-journal" };
	for (size_t i = 0; i < s->states.len; i++) {
		store_close(s->states.at[i].store);
		for (size_t k = 0; k < ARRAY_LEN(behind); k++) {
			autofree char *path = xasprintf("%s%s", s->states.at[i].path, behind[k]);
			unlink(path);
		}
		free(s->states.at[i].path);
	}
	vec_free(&s->states);
	mock_free(s->mock);
	testfile_free(s->t);
	if (s->dir[0])
		rmdir(s->dir);
}

/* --- one run -------------------------------------------------------------------------------------------------------------- */

static void on_planned(void *ctx, struct lang *l, const json_t *summary)
{
	struct running *r = ctx;
	if (!r->summary)
		r->summary = json_deep_copy(summary);
	if (!r->ask)
		return;
	testfile_assert(r->s->t, r->run, l, r->summary);
	testfile_keep(r->s->t, r->run, l);
}

static struct plan_options options_of(struct running *r)
{
	const struct test_run *run = testfile_run(r->s->t, r->run);
	return (struct plan_options){ .refresh = true, .targets = run->targets, .n_targets = run->n_targets, .foretold = mock_foretold, .foretold_ctx = r->s->mock, .planned = on_planned, .planned_ctx = r };
}

static void on_note(void *ctx, const struct apply_note *n)
{
	struct running *r = ctx;
	if (n->event == EV_FAILED || n->event == EV_OPEN)
		diag_about(diag_add(r->d, "E0194", testfile_run(r->s->t, r->run)->at, "%s could not be applied: %s", n->address, n->text ? n->text : ""), "%s", n->address);
}

static int plan_once(struct task *t, void *arg, struct err *err)
{
	struct running *r = arg;
	struct plan_options o = options_of(r);
	struct plan *p = NULL;
	int rc = plan_make(t, r->e, r->store, &o, r->d, &p, err);
	plan_free(p);
	return rc;
}

/* As `apply` does: what waits for what was made is planned again. */
static int plan_and_apply(struct task *t, void *arg, struct err *err)
{
	struct running *r = arg;
	struct plan_options o = options_of(r);
	struct apply_options how = { .note = on_note, .ctx = r, .diags = r->d };
	bool again = true;
	int rc = 0;
	for (int round = 0; !rc && again && round < MAX_ROUNDS; round++) {
		struct apply_result done = { 0 };
		struct plan *p = NULL;
		rc = plan_make(t, r->e, r->store, &o, r->d, &p, err);
		again = !rc && plan_has_work(p);
		for (size_t i = 0; again && i < p->n_groups; i++)
			p->groups[i].soak_s = 0;     /* there is nothing to watch between waves */
		if (again)
			rc = apply_run(t, r->e, r->store, p, &how, &done, err);
		again = again && !rc && p->counts.defer && done.done && !done.failed && !done.unmet;
		plan_free(p);
	}
	return rc;
}

static int in_engine(struct running *r, const struct lang_input *in, size_t n, int (*body)(struct task *t, void *arg, struct err *err))
{
	r->loop = loop_new();
	struct engine_options o = { .dir = testfile_run(r->s->t, r->run)->module, .inputs = in, .n_inputs = n, .providers = mock_providers(r->s->mock), .loop = r->loop };
	int rc = engine_open(&o, r->d, &r->e, &r->err);
	if (!rc) {
		engine_use_store(r->e, r->store);
		rc = loop_run(r->loop, body, r, &r->err);
		engine_close(NULL, r->e);
	}
	loop_free(r->loop);
	return rc;
}

static void carry_out(struct running *r)
{
	struct session *s = r->s;
	struct test_run *run = testfile_run(s->t, r->run);
	struct test_setting set;
	autofree struct lang_input *in = xcalloc(s->n_in + 2, sizeof(*in));
	size_t n = s->n_in;
	for (size_t i = 0; i < n; i++) {
		in[i] = s->in[i];
		if (in[i].from == LANG_FLAG && strcmp(run->module, testfile_module(s->t)) != 0)
			in[i].from = LANG_ENVIRONMENT;     /* a name that a helper does not have is meant for others */
	}
	mock_forget(s->mock, s->own_rules);
	bool ok = testfile_setting(s->t, r->run, r->d, &set);
	if (!set_facts(s, r->d, &set) || !ok)
		return;
	if (s->own.any)
		in[n++] = s->own.variables;
	if (set.any)
		in[n++] = set.variables;
	int rc = state_of(s, run, &r->store, &r->err);
	if (!rc && run->apply)
		rc = in_engine(r, in, n, plan_and_apply);
	r->ask = true;
	if (!rc && !diags_errors(r->d))
		rc = in_engine(r, in, n, plan_once);
	if (rc && (r->err.msg[0] || !diags_errors(r->d)))
		diag_add(r->d, "E0194", run->at, "the run \"%.60s\" cannot go on: %s", run->name, r->err.msg[0] ? r->err.msg : err_name(rc));
}

/* --- what was expected ---------------------------------------------------------------------------------------------------- */

struct judging { struct test_run *run; bool failed, error; };

static bool names(const char *expected, const char *code, const char *about)
{
	size_t n = strlen(expected);
	if (strcmp(expected, code) == 0)
		return true;
	return about && strncmp(about, expected, n) == 0 && (!about[n] || about[n] == '.' || about[n] == '[');
}

static bool unexpected(void *ctx, const char *code, const char *about)
{
	static const char *const assertions[] = { "E0190", "E0191", "E0192" };
	struct judging *j = ctx;
	bool assertion = false, met = false;
	for (size_t i = 0; i < ARRAY_LEN(assertions); i++)
		assertion = assertion || strcmp(assertions[i], code) == 0;
	for (size_t i = 0; !assertion && i < j->run->n_expected; i++)
		if (names(j->run->expected[i].text, code, about))
			j->run->expected[i].met = met = true;
	/* A check that does not hold only warns where a spec is used; a test wants it to hold. */
	bool fails = code[0] == 'E' || strcmp(code, "W0180") == 0 || strcmp(code, "W0181") == 0;
	j->failed = j->failed || (!met && fails);
	j->error = j->error || (!met && fails && !assertion && code[0] == 'E');
	return !met;
}

static enum test_status judge(struct running *r)
{
	struct judging j = { .run = testfile_run(r->s->t, r->run) };
	diags_keep(r->d, unexpected, &j);
	for (size_t i = 0; i < j.run->n_expected; i++) {
		const struct test_expected *e = &j.run->expected[i];
		if (e->met)
			continue;
		diag_add(r->d, "E0192", e->at, "\"%.100s\" was expected to fail, and did not", e->text);
		j.failed = true;
	}
	return j.error ? TEST_ERROR : j.failed ? TEST_FAIL : TEST_PASS;
}

/* --- a file ------------------------------------------------------------------------------------------------------------------ */

static bool chosen(const char *filter, const char *path, const char *name)
{
	if (!filter || str_glob(filter, path) || str_glob(filter, name))
		return true;
	autofree char *both = xasprintf("%s/%s", path, name);
	return str_glob(filter, both);
}

static bool chosen_after(const struct session *s, size_t i, const char *filter, const char *path)
{
	for (size_t k = i; k < testfile_runs(s->t); k++)
		if (chosen(filter, path, testfile_run(s->t, k)->name))
			return true;
	return false;
}

static void run_all(struct session *s, const char *filter, struct test_suite *out)
{
	bool stopped = false;
	for (size_t i = 0; i < testfile_runs(s->t); i++) {
		struct test_run *run = testfile_run(s->t, i);
		if (!chosen(filter, out->path, run->name) && !(run->apply && chosen_after(s, i, filter, out->path)))
			continue;
		struct running r = { .s = s, .run = i, .d = diags_new() };
		struct test_result result = { .name = xstrdup(run->name), .status = TEST_SKIP, .line = run->at.line, .d = r.d };
		int64_t from = clock_now_ms();
		if (!stopped) {
			carry_out(&r);
			result.status = judge(&r);
		}
		result.seconds = (double)(clock_now_ms() - from) / 1000;
		result.plan = r.summary;
		stopped = stopped || (run->apply && result.status == TEST_ERROR);
		vec_push(&out->runs, result);
	}
}

void testing_run(const char *path, const char *filter, const struct lang_input *in, size_t n, struct test_suite *out)
{
	struct session s = { .in = in, .n_in = n };
	struct err err = { 0 };
	*out = (struct test_suite){ .path = path, .d = diags_new() };
	int rc = testfile_read(path, out->d, &s.t, &err);
	if (!rc)
		rc = open_session(&s, &err);
	if (!rc && (!testfile_setting(s.t, SIZE_MAX, out->d, &s.own) || !set_facts(&s, out->d, &s.own)))
		rc = E_INPUT;
	else if (!rc)
		s.own_rules = mock_rules(s.mock);
	if (!rc)
		run_all(&s, filter, out);
	else if (err.msg[0])
		out->failure = xstrdup(err.msg);
	close_session(&s);
}

void testing_release(struct test_suite *s)
{
	for (size_t i = 0; i < s->runs.len; i++) {
		free(s->runs.at[i].name);
		diags_free(s->runs.at[i].d);
		json_decref(s->runs.at[i].plan);
	}
	vec_free(&s->runs);
	diags_free(s->d);
	free(s->failure);
}

/* --- files ------------------------------------------------------------------------------------------------------------------- */

void testing_find(const char *dir, struct test_paths *out)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)) != NULL; )
		if (e->d_name[0] != '.' && str_has_suffix(e->d_name, ".aipctest.yaml") && out->len < MAX_FILES)
			vec_push(out, strcmp(dir, ".") == 0 ? xstrdup(e->d_name) : file_join(dir, e->d_name));
	if (d)
		closedir(d);
}

static void lint_file(const char *path, struct lang *l, struct diags *d)
{
	struct testfile *t = NULL;
	struct mock *mock = mock_new(providers_all);
	struct session s = { .mock = mock };
	struct test_setting set;
	struct err err = { 0 };
	int rc = testfile_read(path, d, &t, &err);
	if (rc && err.msg[0])
		diag_add(d, "E0411", (struct mark){ .src = &(struct source){ .path = path } }, "%s", err.msg);
	if (!rc && testfile_setting(t, SIZE_MAX, d, &set))
		set_facts(&s, d, &set);
	/* What runs set may need what earlier runs gave: only what must hold of them is looked at. */
	for (size_t i = 0; !rc && i < testfile_runs(t); i++)
		if (strcmp(testfile_run(t, i)->module, ".") == 0)
			testfile_assert(t, i, l, NULL);
	testfile_free(t);
	mock_free(mock);
}

void testing_lint(struct lang *l, struct diags *d)
{
	struct test_paths files = { 0 };
	testing_find(".", &files);
	testing_find("tests", &files);
	for (size_t i = 0; i < files.len; i++) {
		lint_file(files.at[i], l, d);
		free(files.at[i]);
	}
	vec_free(&files);
}
