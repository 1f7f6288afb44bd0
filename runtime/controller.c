/* aipc-runtime controller: fences failing nodes, guards declared ones, replaces failed nodes of gangs, keeps counts. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/controllers/ctl.h"
#include "runtime/dump.h"

struct controller_opts { struct role_opts common; const char *dump; };

static const struct opt controller_table[] = {
	DUMP_OPT(struct controller_opts, dump, "review"),
	ROLE_OPTS(struct controller_opts, common),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static const struct metric
	m_rounds = { "aipc_controller_rounds", NULL, "Rounds of deciding.", METRIC_COUNTER, { NULL }, NULL, 0, 0 },
	m_deciding = { "aipc_controller_round_seconds", "seconds", "Time of a round, its writes included.", METRIC_HISTOGRAM, { NULL }, NULL, 0, 0 },
	m_building = { "aipc_controller_fleet_seconds", "seconds", "Time to put the caches' objects into a fleet.", METRIC_HISTOGRAM, { NULL }, NULL, 0, 0 },
	m_failed = { "aipc_controller_failed_writes", NULL, "Writes of rounds that failed and are tried again.", METRIC_COUNTER, { NULL }, NULL, 0, 0 };

static void dump(void *arg, FILE *to)
{
	ctl_dump(arg, to);
}

static int start(struct task *t, struct role_run *r, struct err *err)
{
	const struct controller_opts *o = r->opts;
	static const struct metric *const own[] = { &m_rounds, &m_deciding, &m_building, &m_failed };
	struct ctl *l = xcalloc(1, sizeof(*l));
	(void)err;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		metrics_register(r->metrics, own[i]);
	r->state = l;
	l->run = r;
	ctl_metrics(l);
	ctl_feed(l);
	l->dump = dump_start(t, o->dump, dump, l);
	return 0;
}

static void stop(struct task *t, struct role_run *r)
{
	struct ctl *l = r->state;
	dump_stop(t, l->dump);
	ctl_unfeed(l);
	ctl_forget(l);
	free(l);
}

static void unlead(struct role_run *r)
{
	struct ctl *l = r->state;
	if (l->waiting)
		task_wake(l->waiting);
}

/* What is to be waited for before the next round, by the clock: what changed is gathered, what failed is not tried at once, and a model that
 * takes long to decide on is not decided on all the time. */
struct when { int64_t after_ms, due_ms; };

static int64_t next_round(const struct ctl *l, const struct when *w)
{
	int64_t at = w->due_ms;
	if (l->dirty_ms && l->dirty_ms + CTL_GATHER_MS < at)
		at = l->dirty_ms + CTL_GATHER_MS;
	return at > w->after_ms ? at : w->after_ms;
}

static double seconds_since(int64_t began)
{
	return (double)(clock_now_ms() - began) / 1000;
}

/* When the world changes by time alone. The wall clock may jump, so it is looked at once a minute at least. */
static int64_t due_by_clock(const struct fleet *f)
{
	int64_t in = *f->due_ms == INT64_MAX ? CTL_IDLE_MS : *f->due_ms - clock_wall_ms();
	return clock_now_ms() + (in < 0 ? 0 : in > CTL_IDLE_MS ? CTL_IDLE_MS : in);
}

static void one_round(struct task *t, struct ctl *l, struct when *w)
{
	struct metrics *m = l->run->metrics;
	struct err err = { 0 };
	struct fleet *f = NULL;
	int64_t began = clock_now_ms();
	l->dirty_ms = 0;
	if (ctl_fleet(l, clock_wall_ms(), &f, &err) != 0) {
		log_warn("%s: nothing is decided until they are", err.msg);
		w->due_ms = w->after_ms = began + CTL_AGAIN_MS;
		return;
	}
	metrics_observe(m, &m_building, seconds_since(began), NULL);
	l->thought_ms = clock_now_ms() - began;
	size_t failed = ctl_act(t, l, f);
	int64_t took = clock_now_ms() - began;
	metrics_add(m, &m_rounds, 1, NULL);
	metrics_add(m, &m_failed, (double)failed, NULL);
	metrics_observe(m, &m_deciding, seconds_since(began), NULL);
	w->due_ms = due_by_clock(f);
	if (l->soon_ms < w->due_ms)
		w->due_ms = l->soon_ms;
	w->after_ms = clock_now_ms() + (2 * l->thought_ms > CTL_GATHER_MS ? 2 * l->thought_ms : CTL_GATHER_MS);
	l->again_ms = !failed ? 0 : !l->again_ms ? CTL_AGAIN_MS : 2 * l->again_ms > CTL_AGAIN_MAX_MS ? CTL_AGAIN_MAX_MS : 2 * l->again_ms;
	if (failed && clock_now_ms() + l->again_ms < w->due_ms)
		w->due_ms = clock_now_ms() + l->again_ms;
	log_debug("round %llu: %zu nodes, %lld ms, %zu writes failed", (unsigned long long)l->round, f->nodes.len, (long long)took, failed);
	fleet_free(f);
}

static int lead(struct task *t, struct role_run *r, struct err *err)
{
	struct ctl *l = r->state;
	struct when w = { 0 };
	l->waiting = t;
	l->again_ms = 0;
	while (!role_ending(r) && role_leads(r)) {
		int64_t at = next_round(l, &w), now = clock_now_ms();
		if (at <= now) {
			one_round(t, l, &w);
			continue;
		}
		int64_t old = task_deadline_in(t, at - now);
		int rc = task_park(t, err);
		task_deadline_restore(t, old);
		if (rc == E_CANCELED)
			break;
	}
	l->waiting = NULL;
	return 0;
}

static const struct role controller = { .name = "controller", .start = start, .lead = lead, .unlead = unlead, .stop = stop };

static int controller_run(struct rt *rt)
{
	const struct controller_opts *o = rt->opts;
	return role_main(rt, &controller, &o->common);
}

extern const struct command cmd_controller;
const struct command cmd_controller = {
	.name = "controller", .args = "", .brief = "run the controllers in the cluster",
	.about = "Watches nodes, gangs, spares and policies and acts on them: fences failing\n"
		 "nodes within the limits of their policy, keeps nodes that are not what was\n"
		 "declared out of use, replaces failed nodes of gangs by spares, keeps the status\n"
		 "of SparePools, NodeHealthPolicies and FabricTopologies. `aipc-runtime review`\n"
		 "shows beforehand what it would do; with --dump FILE, kill -USR1 writes what it\n"
		 "knows, which review -f FILE reads. Several may run: one leads, by a lease.\n"
		 "SIGTERM ends it within 14 s; docs/runtime.md has metrics and behaviour.",
	.examples = { { "aipc-runtime controller", "in a pod, by its service account" },
		      { "aipc-runtime controller --context lab --no-leader-elect --listen :0", "from a shell, alone" } },
	.opts = controller_table, .opts_size = sizeof(struct controller_opts), .log = "info", .run = controller_run,
};
