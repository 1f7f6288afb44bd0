#include <stdlib.h>

#include "base/json.h"
#include "cli/planning.h"
#include "cli/show.h"

struct plan_opts {
	struct input_opts in;
	const char *out;
	bool destroy, no_refresh, detailed, verbose;
	unsigned parallel;
	struct opt_list targets;
};

static const struct opt plan_options[] = {
	{ 'o', "out", "FILE", "save the plan, for apply FILE", OPT_TEXT, offsetof(struct plan_opts, out), NULL },
	{ 0, "destroy", NULL, "plan the removal of everything", OPT_FLAG, offsetof(struct plan_opts, destroy), NULL },
	{ 0, "detailed-exitcode", NULL, "exit with 2 when there are changes", OPT_FLAG, offsetof(struct plan_opts, detailed), NULL },
	{ 0, "no-refresh", NULL, "trust the state instead of reading the world", OPT_FLAG, offsetof(struct plan_opts, no_refresh), NULL },
	{ 't', "target", "GLOB", "only objects whose address matches (again for more)", OPT_LIST, offsetof(struct plan_opts, targets), NULL },
	{ 0, "parallelism", "N", "objects read at once (default 256)", OPT_COUNT, offsetof(struct plan_opts, parallel), NULL },
	{ 'v', "verbose", NULL, "show every object with its attributes", OPT_FLAG, offsetof(struct plan_opts, verbose), NULL },
	INPUT_OPTIONS(struct plan_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static int plan_body(struct task *t, struct work *w, struct err *err)
{
	const struct plan_opts *o = w->arg;
	struct planning p = { .options = { .destroy = o->destroy, .refresh = !o->no_refresh, .parallel = o->parallel }, .targets = o->targets };
	struct plan *plan = NULL;
	int rc = planning_make(t, w, &p, &plan, err);
	if (rc)
		return rc;
	if (o->out)
		rc = plan_save(plan, o->out, err);
	if (rc) {
		plan_free(plan);
		return rc;
	}
	if (w->cli->json) {
		autojson json_t *j = plan_to_json(plan);
		autofree char *text = json_text(j);
		fprintf(w->cli->out, "%s\n", text);
	} else {
		struct show_plan how = { .engine = w->engine, .verbose = o->verbose, .saved = o->out,
					 .command = o->destroy ? "destroy" : "apply" };
		show_plan_text(w->cli, plan, &how);
	}
	w->status = o->detailed && plan_has_work(plan) ? EXIT_CHANGES : EXIT_OK;
	plan_free(plan);
	return 0;
}

static int plan_run(struct cli *c)
{
	struct plan_opts o = *(const struct plan_opts *)c->opts;
	VEC(const char *) targets = { 0 };
	for (size_t i = 0; i < o.targets.len; i++)
		vec_push(&targets, o.targets.at[i]);
	for (size_t i = 0; i < c->n_args; i++)
		vec_push(&targets, c->args[i]);
	o.targets = (struct opt_list){ targets.at, targets.len, targets.cap };
	int status = work_run(c, &o.in, WORK_READ_STATE, "plan", plan_body, &o);
	vec_free(&targets);
	return status;
}

const struct command cmd_plan = {
	.name = "plan", .args = "[GLOB]...", .brief = "show what apply would change, and what it costs the machines",
	.about = "Reads the spec, the state and the world, and prints the differences: identical changes on many nodes as one line, "
		 "reboots, AC cycles, expected minutes, what cannot be undone, what was left out. Nothing is changed. "
		 "GLOB limits it to objects whose address, or the address of their block, matches.",
	.examples = { { "aipc plan", "look" }, { "aipc plan -o train.plan", "save it, for apply train.plan" },
		      { "aipc plan --detailed-exitcode --json", "for CI: status 2 on changes" } },
	.opts = plan_options, .opts_size = sizeof(struct plan_opts), .max = 1000,
	.group = GROUP_DAILY, .json = true, .run = plan_run,
};
