#include <string.h>
#include <sys/stat.h>

#include "cli/applying.h"

static int apply_file(struct cli *c, const struct apply_opts *o, const char *path)
{
	struct err err = { 0 };
	struct plan *p = NULL;
	if (o->targets.len || o->no_refresh)
		return cli_usage(c, "a saved plan is run exactly as it is: it takes no --target or --no-refresh");
	if (plan_load(path, &p, &err))
		return cli_fail(c, &err);
	if (o->in.given.len && !p->ephemeral) {
		plan_free(p);
		return cli_usage(c, "a saved plan is run exactly as it is: it takes no --var or --var-file, unless it needs ephemeral values again");
	}
	struct applying a = { .opts = o, .saved = p, .destroy = p->destroy };
	int status = work_run_plan(c, &o->in, p, "apply", applying_body, &a);
	plan_free(p);
	return status;
}

static int apply_run_command(struct cli *c)
{
	const struct apply_opts *o = c->opts;
	if (c->n_args == 1)
		return apply_file(c, o, c->args[0]);
	struct applying a = { .opts = o, .planning = { .options = { .refresh = !o->no_refresh }, .targets = o->targets } };
	return work_run(c, &o->in, WORK_LOCK_STATE, "apply", applying_body, &a);
}

const struct command cmd_apply = {
	.name = "apply", .args = "[FILE]", .brief = "bring the world to the spec, or run a saved plan",
	.about = "First takes up what an earlier, killed apply left in flight. Then plans, shows the plan, asks, and runs it; with FILE it "
		 "runs exactly the plan that was saved there. Every operation is journalled before it is sent and read back after; "
		 "then its postconditions are told, and one that is not met keeps back what refers to the object. Checks are told when all is done. "
		 "The first Ctrl-C lets running steps end, the second stops watching them; nothing is lost either way.",
	.examples = { { "aipc apply", "plan, ask, run" }, { "aipc apply train.plan", "run exactly this plan" },
		      { "aipc apply --yes -t 'gpu_node_pool.train*'", "only one pool, without asking" } },
	.opts = apply_options, .opts_size = sizeof(struct apply_opts), .max = 1,
	.group = GROUP_DAILY, .json = true, .run = apply_run_command,
};
