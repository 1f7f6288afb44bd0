/* applying - the work of apply and destroy: resume, plan, ask, run, report. */
#ifndef CLI_APPLYING_H
#define CLI_APPLYING_H

#include "cli/planning.h"

struct apply_opts {
	struct input_opts in;
	bool yes, no_refresh, verbose;
	unsigned parallel;
	const char *on_error;
	struct opt_list targets;
};
extern const struct opt apply_options[];

struct applying {
	const struct apply_opts *opts;
	bool destroy;
	struct plan *saved;            /* apply FILE: runs exactly this; else NULL */
	struct planning planning;
	struct progress *progress;
};
work_fn applying_body;                       /* w->arg is a struct applying */

#endif
