#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/show.h"
#include "cli/state_show.h"
#include "cli/work.h"
#include "providers/all.h"

struct show_opts { bool verbose; };

static const struct opt show_options[] = {
	{ 'v', "verbose", NULL, "of a plan: every object with its attributes", OPT_FLAG, offsetof(struct show_opts, verbose), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static int show_plan_file(struct cli *c, const char *path)
{
	const struct show_opts *o = c->opts;
	struct err err = { 0 };
	struct plan *p = NULL;
	struct engine *e = NULL;
	if (plan_load(path, &p, &err))
		return cli_fail(c, &err);
	if (c->json) {
		autojson json_t *j = plan_to_json(p);
		autofree char *text = json_text(j);
		fprintf(c->out, "%s\n", text);
	} else {
		struct engine_options eo = { .dir = ".", .providers = providers_all };
		if (engine_open_bare(&eo, p->providers, &e, &err))
			e = NULL;
		struct show_plan how = { .engine = e, .verbose = o->verbose, .saved = path };
		show_plan_text(c, p, &how);
		engine_close(NULL, e);
	}
	plan_free(p);
	return EXIT_OK;
}

struct counting { size_t objects, bad; };

static int count_object(void *ctx, const struct object *o)
{
	struct counting *n = ctx;
	n->objects++;
	n->bad += o->status != OBJ_OK;
	return 0;
}

static int count_op(void *ctx, const struct op_row *op)
{
	(void)op;
	++*(size_t *)ctx;
	return 0;
}

/* What the state holds, in a few lines. */
static int show_summary(struct cli *c, struct store *s, struct err *err)
{
	struct counting n = { 0 };
	struct run run = { 0 };
	size_t open = 0;
	int rc = store_objects(s, count_object, &n, err);
	if (!rc)
		rc = store_open_ops(s, count_op, &open, err);
	if (!rc)
		rc = run_last(s, &run, err);
	if (rc)
		return rc;
	if (c->json) {
		autojson json_t *j = json_object();
		json_put_int(j, "objects", (json_int_t)n.objects);
		json_put_int(j, "not_ok", (json_int_t)n.bad);
		json_put_int(j, "open_operations", (json_int_t)open);
		json_put_int(j, "last_run", run.id);
		autofree char *text = json_text(j);
		fprintf(c->out, "%s\n", text);
		return 0;
	}
	fprintf(c->out, "%zu object%s", n.objects, PLURAL(n.objects));
	if (n.bad)
		fprintf(c->out, ", %zu not as applied", n.bad);
	fputs(".\n", c->out);
	if (run.id)
		fprintf(c->out, "Last run %lld: %s, %s, started %s.\n", (long long)run.id, run.command, run.status, run.started);
	if (open)
		fprintf(c->out, "%zu operation%s still open: aipc apply takes %s up again.\n", open, PLURAL(open), open == 1 ? "it" : "them");
	return 0;
}

static int show_run(struct cli *c)
{
	struct store *s = NULL;
	struct err err = { 0 };
	if (c->n_args && file_exists(c->args[0]))
		return show_plan_file(c, c->args[0]);
	int rc = work_open_state(c, &s, &err);
	if (!rc)
		rc = c->n_args ? state_show_object(c, s, c->args[0], &err) : show_summary(c, s, &err);
	store_close(s);
	/* No address has one of these. */
	if (rc == E_NOTFOUND && (strchr(c->args[0], '/') || str_has_suffix(c->args[0], ".plan")))
		err_set(&err, rc, "there is no file %.200s", c->args[0]);
	return rc ? cli_fail(c, &err) : EXIT_OK;
}

const struct command cmd_show = {
	.name = "show", .args = "[FILE | ADDRESS]", .brief = "show a saved plan, one object, or a summary of the state",
	.about = "With FILE: the plan saved there, as plan printed it. With ADDRESS: that object of the state. With neither: how much the state "
		 "holds, the last run, and what is still open.",
	.examples = { { "aipc show train.plan", "a saved plan" }, { "aipc show", "the state in three lines" } },
	.opts = show_options, .opts_size = sizeof(struct show_opts), .max = 1,
	.group = GROUP_DAILY, .json = true, .run = show_run,
};
