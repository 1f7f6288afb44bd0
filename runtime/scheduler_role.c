/* scheduler - the role that binds pods: watches feed the live core (scheduler/live.h), its decisions are carried out (scheduler/act.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/events.h"
#include "runtime/dump.h"
#include "runtime/role.h"
#include "runtime/scheduler/act.h"
#include "runtime/scheduler/live.h"
#include "runtime/scheduler/rules.h"
#include "runtime/scheduler/watch.h"

/* A slice of deciding, then others run; changes that come close together are taken in together. */
enum { SLICE_MS = 20, GATHER_MS = 3, IDLE_MS = 1000, ROLL_BACK_EVERY_MS = 2000 };

struct scheduler_opts { struct role_opts common; const char *name, *dump; struct rules_opts rules; };

struct scheduler {
	struct role_run *r;
	const struct scheduler_opts *o;
	struct watch *watch;
	struct act *act;                     /* while we lead */
	struct dump *dump;                   /* NULL: not asked for */
	struct engine_rules rules;
};

static const struct metric
	m_decide = { "aipc_scheduler_decide_seconds", "seconds", "One slice of deciding.", METRIC_HISTOGRAM, { NULL }, NULL, 0, 0 },
	m_pods = { "aipc_scheduler_pods", NULL, "Pods of this scheduler: waiting, or placed and not confirmed yet.", METRIC_GAUGE, { "state" }, NULL, 0, 0 },
	m_units = { "aipc_scheduler_units", NULL, "Groups and single pods: awake, nominated, half there.", METRIC_GAUGE, { "state" }, NULL, 0, 0 },
	m_nodes = { "aipc_scheduler_nodes", NULL, "Nodes that are known.", METRIC_GAUGE, { NULL }, NULL, 0, 0 },
	m_memory = { "aipc_scheduler_memory_bytes", "bytes", "Room tables, and texts that only a reset gives back.", METRIC_GAUGE, { "what" }, NULL, 0, 0 },
	m_did = { "aipc_scheduler_steps", NULL, "What the core did: placed, tried, woken, reshaped, reset; objects of a foreign shape.", METRIC_GAUGE, { "what" }, NULL, 0, 0 };

static const struct metric *const metrics_all[] = { &m_decide, &m_pods, &m_units, &m_nodes, &m_memory, &m_did };

static void set(struct metrics *m, const struct metric *f, const char *label, double n)
{
	metrics_set(m, f, n, (const char *const[]){ label });
}

static void refresh(struct role_run *r, struct metrics *m)
{
	const struct scheduler *s = r->state;
	if (!s->act)
		return;
	struct live_stats v = live_stats(s->act->live);
	set(m, &m_pods, "waiting", (double)v.waiting);
	set(m, &m_pods, "assumed", (double)v.assumed);
	set(m, &m_units, "awake", (double)v.awake);
	set(m, &m_units, "nominated", (double)v.nominated);
	set(m, &m_units, "half", (double)v.half);
	set(m, &m_units, "reserved", (double)v.reserved);
	metrics_set(m, &m_nodes, (double)v.nodes, NULL);
	set(m, &m_memory, "rooms", (double)v.room_bytes);
	set(m, &m_memory, "texts", (double)v.garbage);
	set(m, &m_did, "placed", (double)v.placed);
	set(m, &m_did, "tried", (double)v.tried);
	set(m, &m_did, "woken", (double)v.woken);
	set(m, &m_did, "looked", (double)v.looked);
	set(m, &m_did, "reshaped", (double)v.reshapes);
	set(m, &m_did, "reset", (double)v.resets);
	set(m, &m_did, "foreign", (double)v.foreign);
}

static void on_change(void *arg)
{
	struct scheduler *s = arg;
	if (s->act)
		event_set(&s->act->changed);
}

static bool on_foreign(void *arg, const char *ns, const char *name, const char *uid)
{
	struct scheduler *s = arg;
	struct kube_about about = { .api_version = "scheduling.k8s.io/v1alpha1", .kind = "Workload", .ns = ns, .name = name, .uid = uid };
	if (!role_leads(s->r))
		return false;
	kube_tell(s->r->events, &about, true, "UnsupportedVersion", "Scheduling",
		  "scheduling.k8s.io/v1alpha1 is not read; use a PodGroup of v1alpha2 or v1beta1, or a Gang of aipc.dev");
	return true;
}

/* --- the dump -------------------------------------------------------------------------------------------------------------- */

static void dump(void *arg, FILE *to)
{
	const struct scheduler *s = arg;
	watch_dump(s->watch, s->act ? s->act->live : NULL, to);
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static int start(struct task *t, struct role_run *r, struct err *err)
{
	struct scheduler *s = r->state = xcalloc(1, sizeof(*s));
	s->r = r;
	s->o = r->opts;
	if (rules_read(&s->o->rules, &s->rules, err))
		return E_INPUT;
	for (size_t i = 0; i < ARRAY_LEN(metrics_all); i++)
		metrics_register(r->metrics, metrics_all[i]);
	act_register(r->metrics);
	s->watch = watch_new(r, &(struct watch_options){ on_change, on_foreign, s });
	s->dump = dump_start(t, s->o->dump, dump, s);
	return 0;
}

static void stop(struct task *t, struct role_run *r)
{
	struct scheduler *s = r->state;
	if (!s)
		return;
	dump_stop(t, s->dump);
	watch_free(s->watch);
	free(s);
	r->state = NULL;
}

static void refill(struct scheduler *s, struct live *l)
{
	watch_feed(s->watch, l);
	live_refilled(l);
}

static void unlead(struct role_run *r)
{
	struct scheduler *s = r->state;
	if (!s->act)
		return;
	s->act->stop = true;
	event_set(&s->act->work);
	event_set(&s->act->changed);
}

/* Until something changes, something is due, or it is time to look anyhow. */
static int wait_for_change(struct task *t, struct act *a)
{
	struct err err = { 0 };
	int64_t now = clock_now_ms(), due = live_due(a->live), wait = due - now < IDLE_MS ? due - now : IDLE_MS;
	if (!a->changed.set) {
		int64_t old = task_deadline_in(t, wait > 1 ? wait : 1);
		int rc = event_wait(t, &a->changed, &err);
		task_deadline_restore(t, old);
		if (rc == E_CANCELED)
			return rc;
	}
	a->changed.set = false;
	return a->stop ? 0 : task_sleep(t, GATHER_MS, &err);
}

static int decide(struct task *t, struct scheduler *s, struct scope *scope)
{
	struct act *a = s->act;
	struct err err = { 0 };
	int64_t swept = clock_now_ms();
	while (!a->stop && role_leads(s->r)) {
		if (live_wants_reset(a->live)) {
			live_reset(a->live);
			refill(s, a->live);
		}
		watch_settle(s->watch);
		int64_t before = clock_now_ms();
		bool more = live_decide(a->live, SLICE_MS);
		metrics_observe(s->r->metrics, &m_decide, (double)(clock_now_ms() - before) / 1000, NULL);
		act_wake(a);
		if (before - swept >= ROLL_BACK_EVERY_MS) {
			swept = before;
			act_roll_back(a, scope);
		}
		if ((more ? task_yield(t, &err) : wait_for_change(t, a)) == E_CANCELED)
			return E_CANCELED;
	}
	return 0;
}

static int lead(struct task *t, struct role_run *r, struct err *err)
{
	struct scheduler *s = r->state;
	struct act a = { .r = r, .live = live_new(s->o->name ? s->o->name : "aipc"), .watch = s->watch };
	struct scope *scope = scope_open(t, 0);
	live_set_rules(a.live, &s->rules);
	s->act = &a;
	refill(s, a.live);
	act_start(&a, scope);
	int rc = decide(t, s, scope);
	/* What was decided is bound; what was not is the next leader's. */
	a.stop = true;
	event_set(&a.work);
	if (rc || !role_leads(r))
		scope_cancel(scope);
	(void)scope_join(t, scope, err);
	kube_recorder_hold(r->events, false);
	watch_feed(s->watch, NULL);
	s->act = NULL;
	live_free(a.live);
	return 0;
}

static bool ready(struct role_run *r, struct str *why)
{
	(void)r;
	(void)why;
	return true;
}

static const struct role scheduler_role = {
	.name = "scheduler", .start = start, .lead = lead, .unlead = unlead, .stop = stop, .refresh = refresh, .ready = ready,
};

static int scheduler_run(struct rt *rt)
{
	const struct scheduler_opts *o = rt->opts;
	struct engine_rules rules;
	struct err err;
	if (o->name && !*o->name)
		return rt_usage(rt, "--name wants the schedulerName of the pods to place");
	if (rules_read(&o->rules, &rules, &err))
		return rt_usage(rt, "%s", err.msg);
	return role_main(rt, &scheduler_role, &o->common);
}

static const struct opt scheduler_options[] = {
	{ 0, "name", "NAME", "schedulerName of the pods it places (default aipc)", OPT_TEXT, offsetof(struct scheduler_opts, name), NULL },
	DUMP_OPT(struct scheduler_opts, dump, "simulate"),
	RULES_OPTS(struct scheduler_opts, rules),
	ROLE_OPTS(struct scheduler_opts, common),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

const struct command cmd_scheduler = {
	.name = "scheduler", .args = "", .brief = "places pods and gangs in the cluster",
	.about =
		"Watches the cluster, decides as simulate does, binds. A pod is placed when its\n"
		"spec.schedulerName is NAME. Groups start together or not at all; each binding\n"
		"carries the annotations aipc.dev/plan, aipc.dev/domain and aipc.dev/rank. Why a\n"
		"pod waits is in its condition PodScheduled, an event, and\n"
		"aipc-runtime explain pod NAMESPACE/NAME.\n"
		"One of several processes acts, the holder of a lease; the others keep their\n"
		"caches warm. It may be ended at any instant: all it needs is in the cluster.",
	.examples = {
		{ "aipc-runtime scheduler", "for pods with schedulerName: aipc" },
		{ "aipc-runtime scheduler --name gpu --dump /tmp/s.json", "another name; kill -USR1 writes a dump" },
	},
	.opts = scheduler_options, .opts_size = sizeof(struct scheduler_opts), .log = "info", .run = scheduler_run,
};
