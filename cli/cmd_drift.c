#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/say.h"
#include "base/str.h"
#include "cli/planning.h"
#include "cli/show.h"

struct drift_opts {
	struct input_opts in;
	unsigned parallel;
	struct opt_list targets;
};

static const struct opt drift_options[] = {
	{ 't', "target", "GLOB", "only objects whose address matches (again for more)", OPT_LIST, offsetof(struct drift_opts, targets), NULL },
	{ 0, "parallelism", "N", "objects read at once (default 256)", OPT_COUNT, offsetof(struct drift_opts, parallel), NULL },
	INPUT_OPTIONS(struct drift_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static bool drifted(const struct change *ch)
{
	return ch->action != ACT_SKIP && ch->action != ACT_DEFER && (ch->cause & CAUSE_DRIFT);
}

static void print_row(struct cli *c, const char *type, const char *left, const char *text)
{
	autofree char *begin = xasprintf("  %-12s %-28s", type, left);
	fputs(begin, c->out);
	say_wrap(c->out, text, 17, str_columns(begin, strlen(begin)), (size_t)c->width);
}

/* "  firmware  gpu-0003 HostBMC_0        pinned 24.09.17, found 24.05.1" */
static void print_attr(struct cli *c, const struct change *ch, const struct attr_change *ac)
{
	struct str left, text;
	str_init(&left, STR_OURS);
	str_init(&text, STR_OURS);
	str_addf(&left, "%s %s", ch->node ? ch->node : ch->address, ac ? ac->shown : "");
	if (ac) {
		str_add(&text, "declared ");
		show_value(ac->after, 40, &text);
		str_add(&text, ", found ");
		show_value(ac->before, 40, &text);
		if (ac->by)
			str_addf(&text, " (set by %.60s)", ac->by);
	} else {
		str_add(&text, "declared, but it is gone");
	}
	print_row(c, ch->type, left.at, text.at);
	str_release(&left);
	str_release(&text);
}

static void print_change(struct cli *c, const struct change *ch)
{
	if (ch->n_attrs == 0 || ch->action == ACT_CREATE) {
		print_attr(c, ch, NULL);
		return;
	}
	for (size_t i = 0; i < ch->n_attrs; i++)
		if (ch->attrs[i].cause & CAUSE_DRIFT)
			print_attr(c, ch, &ch->attrs[i]);
}

static const char *name_of(const struct change *ch)
{
	return ch->node ? ch->node : ch->address;
}

/* By name; in the order of the plan where it is the same. */
static int by_name(const void *x, const void *y)
{
	const struct change *a = *(const struct change *const *)x, *b = *(const struct change *const *)y;
	int cmp = str_natural_cmp(name_of(a), name_of(b));
	return cmp ? cmp : a < b ? -1 : a > b;
}

/* A machine that could not be read is named once, with the first reason, however many of its objects are unknown. */
static void print_unknown(struct cli *c, const struct plan *p)
{
	VEC(const struct change *) all = { 0 };
	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].action == ACT_SKIP)
			vec_push(&all, &p->changes[i]);
	if (all.len)
		qsort(all.at, all.len, sizeof(*all.at), by_name);
	for (size_t i = 0; i < all.len; i++) {
		const char *name = name_of(all.at[i]), *why = all.at[i]->reason ? all.at[i]->reason : "", *rest = why + strlen(name);
		if (i == 0 || strcmp(name, name_of(all.at[i - 1])) != 0)
			print_row(c, "unknown", name, str_has_prefix(why, name) && str_has_prefix(rest, ": ") ? rest + 2 : why);
	}
	vec_free(&all);
}

static void print_text(struct cli *c, const struct plan *p, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (drifted(&p->changes[i]))
			print_change(c, &p->changes[i]);
	print_unknown(c, p);
	size_t known = p->counts.objects - p->counts.skip - n;
	fprintf(c->out, "%zu drifted, %zu unknown, %zu as declared.\n", n, p->counts.skip, known);
}

static int drift_body(struct task *t, struct work *w, struct err *err)
{
	const struct drift_opts *o = w->arg;
	struct planning p = { .options = { .refresh = true, .drift_only = true, .parallel = o->parallel }, .targets = o->targets };
	struct plan *plan = NULL;
	int rc = planning_make(t, w, &p, &plan, err);
	if (rc)
		return rc;
	size_t n = 0;
	for (size_t i = 0; i < plan->n; i++)
		n += drifted(&plan->changes[i]);
	if (w->cli->json) {
		autojson json_t *j = plan_to_json(plan);
		autofree char *text = json_text(j);
		fprintf(w->cli->out, "%s\n", text);
	} else {
		print_text(w->cli, plan, n);
	}
	w->status = n ? EXIT_CHANGES : EXIT_OK;
	plan_free(plan);
	return 0;
}

static int drift_run(struct cli *c)
{
	struct drift_opts o = *(const struct drift_opts *)c->opts;
	return work_run(c, &o.in, WORK_READ_STATE, "drift", drift_body, &o);
}

const struct command cmd_drift = {
	.name = "drift", .args = "", .brief = "tell what changed behind aipc's back, for cron",
	.about = "Reads the world and compares it with what the last apply left, whatever the spec says now. Only configuration drifts; counters, "
		 "temperatures and clocks never do. A silent machine is unknown: neither drift nor health. Exit status 2 when there is drift.",
	.examples = { { "aipc drift", "look" }, { "aipc drift --json", "for a report" } },
	.opts = drift_options, .opts_size = sizeof(struct drift_opts),
	.group = GROUP_DAILY, .json = true, .run = drift_run,
};
