#include "cli/applying.h"

static int destroy_run(struct cli *c)
{
	const struct apply_opts *o = c->opts;
	struct applying a = { .opts = o, .destroy = true,
			      .planning = { .options = { .destroy = true, .refresh = !o->no_refresh }, .targets = o->targets } };
	return work_run(c, &o->in, WORK_LOCK_STATE, "destroy", applying_body, &a);
}

const struct command cmd_destroy = {
	.name = "destroy", .args = "", .brief = "remove what apply made, forget what cannot be removed",
	.about = "Plans the removal of everything in the state, shows it, asks, and runs it. Files and manifests are deleted when their content "
		 "is ours. Nothing is removed while lifecycle.prevent_destroy protects some of it. Firmware, BIOS settings and power of machines stay as they are and are only forgotten.",
	.examples = { { "aipc plan --destroy", "look first" }, { "aipc destroy", "plan, ask, run" } },
	.opts = apply_options, .opts_size = sizeof(struct apply_opts),
	.group = GROUP_OTHER, .json = true, .run = destroy_run,
};
