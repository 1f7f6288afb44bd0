/* planning - a plan made with its progress shown, shared by plan, apply, destroy and drift. */
#ifndef CLI_PLANNING_H
#define CLI_PLANNING_H

#include "cli/work.h"

struct planning {
	struct plan_options options;
	struct opt_list targets;             /* globs, from options and arguments */
};

/* "Refreshing 512 objects ... 4.1 s, 1 BMC silent" on stderr (a live line on a terminal), then the plan. */
int planning_make(struct task *t, struct work *w, struct planning *p, struct plan **out, struct err *err) MUST_CHECK;

#endif
