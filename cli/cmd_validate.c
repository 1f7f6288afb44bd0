#include "base/json.h"
#include "cli/work.h"

struct validate_opts { struct input_opts in; };

static const struct opt validate_options[] = {
	INPUT_OPTIONS(struct validate_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static int validate_body(struct task *t, struct work *w, struct err *err)
{
	(void)t;
	(void)err;
	size_t n;
	work_print_diags(w->cli, w->diags, NULL);
	(void)lang_resources(engine_lang(w->engine), &n);
	if (w->cli->json)
		fprintf(w->cli->out, "{\"resources\":%zu,\"valid\":true}\n", n);
	else
		fprintf(w->cli->out, "Valid: %zu resource block%s.\n", n, PLURAL(n));
	return 0;
}

static int validate_run(struct cli *c)
{
	const struct validate_opts *o = c->opts;
	return work_run(c, &o->in, WORK_NO_STATE, "validate", validate_body, NULL);
}

const struct command cmd_validate = {
	.name = "validate", .args = "", .brief = "check the spec without touching anything",
	.about = "Loads all *.aipc.yaml files of the folder, evaluates them and checks every block against its schema, "
		 "offline: no machine and no state is read. All mistakes of one run are reported together.",
	.examples = { { "aipc validate", "check the folder you are in" }, { "aipc -C pools validate --json", "for an editor or CI" } },
	.opts = validate_options, .opts_size = sizeof(struct validate_opts),
	.group = GROUP_DAILY, .json = true, .run = validate_run,
};
