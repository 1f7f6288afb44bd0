#include "cli/applying.h"

#include <string.h>

#include "base/json.h"
#include "base/say.h"
#include "base/str.h"
#include "cli/progress.h"
#include "cli/show.h"

enum { MAX_ROUNDS = 20 };

static const char *const on_error_values[] = { "stop", "continue", NULL };

const struct opt apply_options[] = {
	{ 'y', "yes", NULL, "do not ask", OPT_FLAG, offsetof(struct apply_opts, yes), NULL },
	{ 0, "auto-approve", NULL, "the same as --yes", OPT_FLAG, offsetof(struct apply_opts, yes), NULL },
	{ 0, "no-refresh", NULL, "trust the state instead of reading the world", OPT_FLAG, offsetof(struct apply_opts, no_refresh), NULL },
	{ 0, "on-error", "WHAT", "stop: start nothing new (default); continue: only keep back what needs the failed one", OPT_TEXT,
	  offsetof(struct apply_opts, on_error), on_error_values },
	{ 0, "parallelism", "N", "operations at once (default 64)", OPT_COUNT, offsetof(struct apply_opts, parallel), NULL },
	{ 't', "target", "GLOB", "only objects whose address matches (again for more)", OPT_LIST, offsetof(struct apply_opts, targets), NULL },
	{ 'v', "verbose", NULL, "show every object with its attributes", OPT_FLAG, offsetof(struct apply_opts, verbose), NULL },
	INPUT_OPTIONS(struct apply_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static void on_drain(struct work *w)
{
	const struct applying *a = w->arg;
	unsigned n = a->progress ? progress_running(a->progress) : 0;
	if (a->progress)
		progress_line(a->progress, "Finishing %u running step%s; press again to stop watching %s.", n, PLURAL(n), n == 1 ? "it" : "them");
}

static struct apply_options run_options(struct work *w, struct applying *a)
{
	bool go_on = a->opts->on_error && strcmp(a->opts->on_error, "continue") == 0;
	return (struct apply_options){ .parallel = a->opts->parallel, .on_error = go_on ? ON_ERROR_CONTINUE : ON_ERROR_STOP,
				       .note = progress_note, .ctx = a->progress, .drain = &w->drain };
}

/* N operations were in flight; of how they ended only what there is. */
static void tell_resumed(struct cli *c, const struct apply_result *r, size_t n)
{
	const struct { size_t n; const char *what; } ends[] = { { r->done, "reached the goal" }, { r->failed, "failed" }, { r->still_open, "still open" } };
	autostr struct str s;
	str_init(&s, STR_OURS);
	str_addf(&s, "Resumed an earlier run: %zu operation%s in flight", n, n == 1 ? " was" : "s were");
	for (size_t i = 0, told = 0; i < ARRAY_LEN(ends); i++)
		if (ends[i].n)
			str_addf(&s, "%s %zu %s", told++ ? "," : ";", ends[i].n, ends[i].what);
	say_sentence(c->err, "", 0, s.at);
}

static int resume(struct task *t, struct work *w, struct applying *a, struct apply_result *r, struct err *err)
{
	a->progress = progress_new(w->cli, 0);
	w->can_drain = true;
	w->on_drain = on_drain;
	struct apply_options o = run_options(w, a);
	int rc = apply_resume(t, w->engine, w->store, &o, r, err);
	progress_free(a->progress);
	a->progress = NULL;
	w->can_drain = false;
	size_t n = r->done + r->failed + r->still_open;
	if (!rc && n && !w->cli->json)
		tell_resumed(w->cli, r, n);
	return rc;
}

static size_t count_work(const struct plan *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += p->changes[i].action >= ACT_CREATE && p->changes[i].action <= ACT_FORGET;
	return n;
}

static void add_warned(struct str *s, const struct apply_result *r)
{
	if (r->warned)
		str_addf(s, " %zu assertion%s of checks %s not hold.", r->warned, PLURAL(r->warned), r->warned == 1 ? "does" : "do");
}

static void result_json(FILE *to, const struct plan *p, const struct apply_result *r)
{
	autojson json_t *j = json_object();
	json_put_str(j, "event", "end");
	json_put_int(j, "done", (json_int_t)r->done);
	json_put_int(j, "failed", (json_int_t)r->failed);
	json_put_int(j, "not_started", (json_int_t)r->kept_back);
	json_put_int(j, "left_out", (json_int_t)(p->counts.skip + p->counts.defer + p->counts.block));
	json_put_int(j, "still_open", (json_int_t)r->still_open);
	json_put_int(j, "unmet", (json_int_t)r->unmet);
	json_put_int(j, "checks_failed", (json_int_t)r->warned);
	json_put_new(j, "conditions_wait", json_boolean(r->waits));
	json_put_int(j, "run", r->run);
	json_put_new(j, "interrupted", json_boolean(r->interrupted));
	autofree char *text = json_text(j);
	fprintf(to, "%s\n", text);
}

static int print_result(struct work *w, const struct plan *p, bool saved, const struct apply_result *r)
{
	struct cli *c = w->cli;
	size_t left = r->kept_back + p->counts.skip + p->counts.defer + p->counts.block;
	autostr struct str s;
	str_init(&s, STR_OURS);
	if (c->json) {
		result_json(c->out, p, r);
	} else if (!r->failed && left == p->counts.defer && !r->still_open && !r->interrupted && !r->unmet) {
		str_addf(&s, "Done: %zu operation%s, all read back.", r->done, PLURAL(r->done));
		if (left)
			str_addf(&s, " %zu waited for %s.", left, r->done == 1 ? "it" : "them");
		add_warned(&s, r);
		/* With the spec at hand only data that could not be read keeps them, and that was told. */
		str_add(&s, saved && r->waits ? " Not all conditions could be told: aipc plan does." : "");
	} else {
		str_addf(&s, "Done %zu, failed %zu, not started %zu, left out %zu.", r->done, r->failed, r->kept_back,
			 p->counts.skip + p->counts.defer + p->counts.block);
		if (r->still_open)
			str_addf(&s, " %zu still run%s on %s; the journal knows.", r->still_open, r->still_open == 1 ? "s" : "",
				 r->still_open == 1 ? "its machine" : "their machines");
		if (r->unmet)
			str_addf(&s, " %zu condition%s not met.", r->unmet, r->unmet == 1 ? " is" : "s are");
		add_warned(&s, r);
		str_add(&s, "\nContinue: aipc apply");
	}
	if (s.len)
		say_wrap(c->out, s.at, 0, 0, 80);
	if (r->interrupted)
		return EXIT_INTERRUPTED;
	return r->failed || left || r->still_open || r->unmet ? EXIT_PARTLY : EXIT_OK;
}

/* Is there anything that only another plan can tell: an object, an output or a check that needs what this one makes? */
static bool waits(const struct plan *p)
{
	bool any = p->counts.defer > 0;
	size_t i;
	const json_t *row;
	for (i = 0; i < p->n_outputs; i++)
		any = any || (!p->destroy && !p->outputs[i].sensitive && !p->outputs[i].after);
	json_array_foreach(p->data, i, row) {
		const char *state = json_str(row, "state");
		any = any || (p->after && state && strcmp(state, "deferred") == 0);
	}
	return any;
}

/* *AGAIN, where it is not NULL: all was done, and something waits for it. Then the next plan tells what conditions there are left. */
static int run_plan(struct task *t, struct work *w, struct applying *a, const struct plan *p, bool *again, struct err *err)
{
	struct apply_result r = { 0 };
	struct diags *found = diags_new();
	a->progress = progress_new(w->cli, count_work(p));
	w->can_drain = true;
	w->on_drain = on_drain;
	struct apply_options o = run_options(w, a);
	o.diags = found;
	int rc = apply_run(t, w->engine, w->store, p, &o, &r, err);
	w->changed = w->changed || r.done;
	progress_free(a->progress);
	a->progress = NULL;
	bool whole = !rc && r.done && !r.failed && !r.kept_back && !r.still_open && !r.interrupted && !r.unmet, more = again && whole && waits(p);
	if (!rc)
		rc = apply_tell(t, p, found, &r, err);
	if (!rc && more && !r.unmet) {       /* warnings are the next plan's to tell */
		diags_free(found);
		found = diags_new();
		r.warned = 0;
	}
	more = more && !r.unmet;
	if (!rc) {
		fflush(w->cli->out);
		work_print_diags(w->cli, found, NULL);
		w->status = print_result(w, p, a->saved, &r);
	}
	if (again)
		*again = more && !rc;
	diags_free(found);
	return rc;
}

static int ask(struct work *w, const struct applying *a, const struct plan *p)
{
	char question[160];
	if (a->opts->yes || a->saved)
		return EXIT_OK;
	snprintf(question, sizeof(question), "%s %zu operation%s on real machines now?", a->destroy ? "Destroy: run" : "Run", count_work(p),
		 PLURAL(count_work(p)));
	return cli_confirm(w->cli, question);
}

/* One plan, shown, asked for and run. *AGAIN: it was done, and something waits for what it made. */
static int one_round(struct task *t, struct work *w, struct applying *a, bool *again, struct err *err)
{
	struct plan *p = NULL;
	int rc = planning_make(t, w, &a->planning, &p, err);
	if (rc)
		return rc;
	if (!w->cli->json) {
		struct show_plan how = { .engine = w->engine, .verbose = a->opts->verbose };
		show_plan_text(w->cli, p, &how);
		fflush(w->cli->out);
	}
	*again = false;
	if (!plan_has_work(p)) {
		w->status = p->counts.skip + p->counts.defer + p->counts.block ? EXIT_PARTLY : EXIT_OK;
	} else if ((w->status = ask(w, a, p)) == EXIT_OK) {
		rc = run_plan(t, w, a, p, again, err);
	}
	plan_free(p);
	return rc;
}

/* What waits for what only an apply can tell is planned, shown and asked for again, until nothing waits. */
static int plan_and_run(struct task *t, struct work *w, struct applying *a, struct err *err)
{
	bool again = true;
	int rc = 0;
	for (int round = 0; again && !rc && round < MAX_ROUNDS; round++)
		rc = one_round(t, w, a, &again, err);
	return rc;
}

int applying_body(struct task *t, struct work *w, struct err *err)
{
	struct applying *a = w->arg;
	struct apply_result resumed = { 0 };
	int rc = resume(t, w, a, &resumed, err);
	if (rc)
		return rc;
	if (w->drain || resumed.interrupted) {
		w->status = EXIT_INTERRUPTED;
		return 0;
	}
	if (a->saved && (rc = plan_ready(w->engine, a->saved, err)) != 0)
		return rc;
	rc = a->saved ? run_plan(t, w, a, a->saved, NULL, err) : plan_and_run(t, w, a, err);
	if (!rc && resumed.still_open && w->status == EXIT_OK)
		w->status = EXIT_PARTLY;
	return rc;
}
