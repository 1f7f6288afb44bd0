#include "runtime/scheduler/act.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/events.h"

enum { PAUSE_MS = 200, PAUSE_MAX_MS = 5000 };

static const struct metric
	m_bound = { "aipc_scheduler_bindings", NULL, "Decided bindings by how they ended: bound, failed, gone.", METRIC_COUNTER, { "result" }, NULL, 0, 0 },
	m_bind = { "aipc_scheduler_bind_seconds", "seconds", "From a decision to the API server's answer.", METRIC_HISTOGRAM, { NULL }, NULL, 0, 0 },
	m_told = { "aipc_scheduler_reasons", NULL, "Reasons written to waiting pods by how that went.", METRIC_COUNTER, { "result" }, NULL, 0, 0 },
	m_victims = { "aipc_scheduler_victims", NULL, "Pods displaced for others: deleted, evicted, spared.", METRIC_COUNTER, { "result" }, NULL, 0, 0 },
	m_moves = { "aipc_scheduler_moves", NULL, "Pods moved to open a domain for a group: evicted, spared.", METRIC_COUNTER, { "result" }, NULL, 0, 0 },
	m_status = { "aipc_scheduler_statuses", NULL, "Statuses of groups written by how that went.", METRIC_COUNTER, { "result" }, NULL, 0, 0 },
	m_rolled = { "aipc_scheduler_rolled_back", NULL, "Bound pods deleted because their group stayed half there.", METRIC_COUNTER, { NULL }, NULL, 0, 0 };

void act_register(struct metrics *m)
{
	const struct metric *const all[] = { &m_bound, &m_bind, &m_told, &m_victims, &m_moves, &m_status, &m_rolled };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		metrics_register(m, all[i]);
}

static void count(struct act *a, const struct metric *m, const char *result)
{
	metrics_add(a->r->metrics, m, 1, (const char *const[]){ result });
}

static struct kube_about about_pod(const char *ns, const char *name, const char *uid)
{
	return (struct kube_about){ .api_version = "v1", .kind = "Pod", .ns = ns, .name = name, .uid = uid };
}

/* What is decided, and why pods wait, is written before events that tell of it: under load those would take the half of what the server can do. */
static void give_way(struct act *a)
{
	kube_recorder_hold(a->r->events, a->busy || live_has_work(a->live));
}

/* Waits for work; false: it is time to end. */
static bool wait_for_work(struct task *t, struct act *a)
{
	struct err err;
	if (a->stop || task_cancelled(t))
		return false;
	a->work.set = false;
	return event_wait(t, &a->work, &err) == 0;
}

/* --- bindings ------------------------------------------------------------------------------------------------------------- */

/* What has become of the pod: LIVE_BOUND when it is where we want it, LIVE_GONE when nothing can be done, LIVE_FAILED when it still waits. */
static int look(struct task *t, struct act *a, const struct live_bind *b, enum live_result *out, struct err *err)
{
	autojson json_t *pod = NULL;
	const struct kube_ref ref = { &kube_pods, b->ns, b->name, NULL };
	int rc = kube_get(t, a->r->kube, &ref, &pod, NULL, err);
	if (rc == E_NOTFOUND) {
		*out = LIVE_GONE;
		return 0;
	}
	if (rc)
		return rc;
	const char *uid = json_str(json_at(pod, "metadata"), "uid"), *node = json_str(json_at(pod, "spec"), "nodeName");
	bool same = uid && strcmp(uid, b->uid) == 0 && !json_str(json_at(pod, "metadata"), "deletionTimestamp");
	*out = !same ? LIVE_GONE : !node || !*node ? LIVE_FAILED : strcmp(node, b->node) == 0 ? LIVE_BOUND : LIVE_GONE;
	return 0;
}

static json_t *annotations_of(const struct live_bind *b)
{
	json_t *notes = json_object();
	json_put_str(notes, "aipc.dev/plan", b->plan);
	json_put_str(notes, "aipc.dev/domain", b->domain);
	if (b->rank >= 0) {
		char text[24];
		snprintf(text, sizeof(text), "%lld", (long long)b->rank);
		json_put_str(notes, "aipc.dev/rank", text);
	}
	return notes;
}

/* One try. 0: *OUT is the end of it; else try again. WAITS: nobody refused it; the server is away, busy, or something else answers in its place. */
static int bind_once(struct task *t, struct act *a, const struct live_bind *b, enum live_result *out, bool *waits, struct err *err)
{
	autojson json_t *notes = annotations_of(b);
	struct kube_fail why = { 0 };
	int rc = kube_bind(t, a->r->kube, b->ns, b->name, b->uid, b->node, notes, &why, err);
	role_wrote(a->r, "bind", &kube_pods, rc, err);
	*waits = rc == E_UNREACHABLE || rc == E_TIMEOUT || rc == E_BUSY || !why.reason[0];
	*out = rc == 0 ? LIVE_BOUND : LIVE_GONE;
	if (rc == 0 || rc == E_NOTFOUND)
		return 0;
	if (rc != E_CONFLICT && !why.sent)
		return rc;
	/* A conflict, or nobody knows: the pod itself does. */
	struct err e = { 0 };
	if (look(t, a, b, out, &e))
		return rc;
	return *out == LIVE_FAILED ? rc : 0;
}

static enum live_result bind_pod(struct task *t, struct act *a, const struct live_bind *b)
{
	enum live_result out = LIVE_FAILED;
	for (unsigned k = 0;; k++) {
		struct err err = { 0 };
		if (!role_leads(a->r))
			return LIVE_GONE;
		bool waits = false;
		int rc = bind_once(t, a, b, &out, &waits, &err);
		if (rc == 0)
			return out;
		log_debug("%s", err.msg);
		if (task_cancelled(t) || rc == E_CANCELED)
			return LIVE_GONE;
		/* A server that is away is waited for: what was decided is still right, and its room is taken. */
		if (!waits && k + 1 >= ACT_TRIES) {
			struct kube_about about = about_pod(b->ns, b->name, b->uid);
			kube_tell(a->r->events, &about, true, "FailedBinding", "Binding", "%s", err.msg);
			return LIVE_FAILED;
		}
		if (task_sleep(t, clock_backoff_ms(k < 6 ? k : 6, PAUSE_MS, PAUSE_MAX_MS), &err))
			return LIVE_GONE;
	}
}

static void bound(struct act *a, struct live_bind *b, enum live_result r, int64_t since)
{
	static const char *const words[] = { [LIVE_BOUND] = "bound", [LIVE_FAILED] = "failed", [LIVE_GONE] = "gone" };
	count(a, &m_bound, words[r]);
	if (r == LIVE_BOUND) {
		struct kube_about about = about_pod(b->ns, b->name, b->uid);
		metrics_observe(a->r->metrics, &m_bind, (double)(clock_now_ms() - since) / 1000, NULL);
		kube_tell(a->r->events, &about, false, "Scheduled", "Binding", "Successfully assigned %s/%s to %s%s%s", b->ns, b->name, b->node,
			  *b->domain ? " in " : "", b->domain);
	}
	live_bound(a->live, b, r);
	event_set(&a->changed);
}

static int binder(struct task *t, void *arg, struct err *err)
{
	struct act *a = arg;
	(void)err;
	for (;;) {
		struct live_bind *b = task_cancelled(t) ? NULL : live_next_bind(a->live);
		if (!b) {
			if (!wait_for_work(t, a))
				return 0;
			continue;
		}
		int64_t since = clock_now_ms();
		a->busy++;
		if (++a->binding == ACT_BINDERS && !a->full_ms)
			a->full_ms = since;
		give_way(a);
		bound(a, b, bind_pod(t, a, b), since);
		a->busy--;
		if (--a->binding < ACT_BINDERS / 2)
			a->full_ms = 0;
		give_way(a);
	}
}

/* --- reasons ----------------------------------------------------------------------------------------------------------------- */

static json_t *condition_patch(const struct live_word *w, const char *version)
{
	json_t *condition = json_object(), *conditions = json_array(), *meta = json_object(), *status = json_object(), *patch = json_object();
	json_put_str(condition, "type", "PodScheduled");
	json_put_str(condition, "status", "False");
	json_put_str(condition, "reason", w->reason);
	json_put_str(condition, "message", w->message);
	if (w->first) {
		char now[32];
		clock_stamp(clock_wall_ms(), now);
		json_put_str(condition, "lastTransitionTime", now);
	}
	json_array_append_new(conditions, condition);
	json_put_new(status, "conditions", conditions);
	json_put_str(status, "nominatedNodeName", w->nominated);     /* null takes it off */
	json_put_str(meta, "uid", w->uid);
	json_put_str(meta, "resourceVersion", version);
	json_put_new(patch, "metadata", meta);
	json_put_new(patch, "status", status);
	return patch;
}

/* The version is a precondition: a pod that was bound meanwhile must not be called unscheduled. */
static void tell(struct task *t, struct act *a, const struct live_word *w)
{
	struct err err = { 0 };
	const char *version = watch_pod_version(a->watch, w->ns, w->name, w->uid);
	const struct kube_ref ref = { &kube_pods, w->ns, w->name, "status" };
	if (!version || !live_still_waits(a->live, w) || !role_leads(a->r))
		return;
	autojson json_t *patch = condition_patch(w, version);
	int rc = kube_patch(t, a->r->kube, &ref, KUBE_STRATEGIC, patch, NULL, NULL, NULL, &err);
	role_wrote(a->r, "patch", &kube_pods, rc == E_CONFLICT || rc == E_NOTFOUND ? 0 : rc, &err);
	count(a, &m_told, rc == 0 ? "ok" : err_name(rc));
	if (rc && rc != E_NOTFOUND)
		live_untold(a->live, w);
	if (rc == 0 && w->event && strcmp(w->reason, "SchedulingGated") != 0) {
		struct kube_about about = about_pod(w->ns, w->name, w->uid);
		kube_tell(a->r->events, &about, true, "FailedScheduling", "Scheduling", "%s", w->message);
	}
	/* What failed for other reasons than a newer version is said again, but not at once. */
	if (rc && rc != E_NOTFOUND && rc != E_CONFLICT && task_sleep(t, PAUSE_MS, &err))
		return;
	if (rc)
		event_set(&a->changed);
}

static int teller(struct task *t, void *arg, struct err *err)
{
	struct act *a = arg;
	(void)err;
	for (;;) {
		struct live_word *w = a->stop || task_cancelled(t) ? NULL : live_next_word(a->live);
		if (!w) {
			if (!wait_for_work(t, a))
				return 0;
			continue;
		}
		a->busy++;
		give_way(a);
		tell(t, a, w);
		live_word_free(w);
		a->busy--;
		give_way(a);
	}
}

/* --- victims --------------------------------------------------------------------------------------------------------------------- */

static int mark_target(struct task *t, struct act *a, const struct live_victim *v, struct err *err)
{
	char now[32];
	const struct kube_ref ref = { &kube_pods, v->ns, v->name, "status" };
	clock_stamp(clock_wall_ms(), now);
	autofree char *message = xasprintf("aipc: displaced for %s", v->by);
	autojson json_t *patch = json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s, s:s, s:s}]}}", "metadata", "uid", v->uid, "status", "conditions", "type",
					   "DisruptionTarget", "status", "True", "reason", "PreemptionByScheduler", "message", message,
					   "lastTransitionTime", now);
	int rc = kube_patch(t, a->r->kube, &ref, KUBE_STRATEGIC, patch, NULL, NULL, NULL, err);
	role_wrote(a->r, "patch", &kube_pods, rc == E_NOTFOUND ? 0 : rc, err);
	return rc;
}

/* Where a budget covers it, or it is moved, the eviction API decides, which writes the condition DisruptionTarget itself if the pod goes; else it is
 * deleted, which keeps the reason of the condition. */
static int send_away(struct task *t, struct act *a, const struct live_victim *v, struct err *err)
{
	const struct kube_ref ref = { &kube_pods, v->ns, v->name, NULL };
	const struct kube_delete how = { .uid = v->uid };
	if (!role_leads(a->r))
		return err_set(err, E_CANCELED, "the lead is lost");
	bool evict = v->budget || v->moves;
	int rc = v->moves ? 0 : mark_target(t, a, v, err);
	if (rc || !role_leads(a->r))
		return rc;
	if (evict)
		rc = kube_evict(t, a->r->kube, v->ns, v->name, v->uid, 0, NULL, err);
	else
		rc = kube_delete(t, a->r->kube, &ref, &how, NULL, err);
	role_wrote(a->r, evict ? "evict" : "delete", &kube_pods, rc == E_NOTFOUND ? 0 : rc, err);
	return rc;
}

static void displace(struct task *t, struct act *a, const struct live_victim *v)
{
	struct err err = { 0 };
	if (!live_still_goes(a->live, v))
		return;
	int rc = send_away(t, a, v, &err);
	struct kube_about about = about_pod(v->ns, v->name, v->uid);
	if (rc == 0) {
		kube_tell(a->r->events, &about, false, v->moves ? "Moved" : "Preempted", v->moves ? "Moving" : "Preempting", "%s", v->why);
	} else if (rc != E_NOTFOUND && rc != E_CONFLICT) {
		kube_tell(a->r->events, &about, true, v->moves ? "MoveFailed" : "PreemptionFailed", v->moves ? "Moving" : "Preempting", "%s", err.msg);
		live_spared(a->live, v);
	}
	count(a, v->moves ? &m_moves : &m_victims, rc == 0 ? v->budget || v->moves ? "evicted" : "deleted" : "spared");
	event_set(&a->changed);
}

static int evictor(struct task *t, void *arg, struct err *err)
{
	struct act *a = arg;
	(void)err;
	for (;;) {
		struct live_victim *v = a->stop || task_cancelled(t) ? NULL : live_next_victim(a->live);
		if (!v) {
			if (!wait_for_work(t, a))
				return 0;
			continue;
		}
		displace(t, a, v);
		live_victim_free(v);
	}
}

/* --- the status of groups ------------------------------------------------------------------------------------------------------------ */

/* Of our own kind each field has one owner, so it is applied; of the others what changed is patched. The uid is a precondition. */
static int write_status(struct task *t, struct act *a, const struct live_status *s, struct err *err)
{
	const struct kube_type *type = watch_group_type(s->version, s->dialect);
	const struct kube_ref ref = { type, s->ns, s->name, "status" };
	autojson json_t *body = json_pack("{s:{s:s},s:O}", "metadata", "uid", s->uid, "status", s->status);
	int rc;
	if (s->dialect == GROUP_OURS) {
		json_put_str(body, "apiVersion", s->version);
		json_put_str(body, "kind", type->kind);
		json_put_str(json_object_get(body, "metadata"), "namespace", s->ns);
		json_put_str(json_object_get(body, "metadata"), "name", s->name);
		rc = kube_apply(t, a->r->kube, &ref, body, &(struct kube_write){ .manager = ACT_MANAGER, .force = true }, NULL, NULL, err);
	} else {
		rc = kube_patch(t, a->r->kube, &ref, s->dialect == GROUP_UPSTREAM ? KUBE_STRATEGIC : KUBE_MERGE, body, &(struct kube_write){ .manager = ACT_MANAGER }, NULL, NULL, err);
	}
	rc = rc == E_NOTFOUND ? 0 : rc;
	role_wrote(a->r, s->dialect == GROUP_OURS ? "apply" : "patch", type, rc, err);
	return rc;
}

/* A status is written when bindings leave room for it (by then it says more, too), or one at a time when they have left none for long. */
static int let_bind(struct task *t, struct act *a, struct err *err)
{
	int rc = 0;
	while (rc == 0 && !a->stop && a->full_ms && (clock_now_ms() - a->full_ms < ACT_REPORT_HOLD_MS || a->reporting))
		rc = task_sleep(t, PAUSE_MS, err);
	return rc;
}

static int reporter(struct task *t, void *arg, struct err *err)
{
	struct act *a = arg;
	for (;;) {
		if (let_bind(t, a, err))
			return 0;
		struct live_status *s = a->stop || task_cancelled(t) ? NULL : live_next_status(a->live);
		if (!s) {
			if (!wait_for_work(t, a))
				return 0;
			continue;
		}
		struct err e = { 0 };
		a->reporting++;
		int rc = role_leads(a->r) ? write_status(t, a, s, &e) : E_CANCELED;
		a->reporting--;
		count(a, &m_status, rc == 0 ? "ok" : err_name(rc));
		live_reported(a->live, s, rc == 0);
		event_set(&a->changed);
	}
}

/* --- half-bound groups ----------------------------------------------------------------------------------------------------------- */

struct doomed { struct act *a; char *ns, *name, *uid, *group; };
struct doom { struct act *a; struct scope *s; };

static int delete_one(struct task *t, void *arg, struct err *err)
{
	struct doomed *d = arg;
	struct act *a = d->a;
	const struct kube_ref ref = { &kube_pods, d->ns, d->name, NULL };
	const struct kube_delete how = { .uid = d->uid };
	int rc = role_leads(a->r) ? kube_delete(t, a->r->kube, &ref, &how, NULL, err) : E_CANCELED;
	if (rc != E_CANCELED)
		role_wrote(a->r, "delete", &kube_pods, rc == E_NOTFOUND ? 0 : rc, err);
	if (rc == 0) {
		struct kube_about about = about_pod(d->ns, d->name, d->uid);
		kube_tell(a->r->events, &about, true, "RolledBack", "Binding", "group %s stayed incomplete for %d s; this pod had not started", d->group, ACT_ROLL_BACK_MS / 1000);
		metrics_add(a->r->metrics, &m_rolled, 1, NULL);
	}
	free(d->ns);
	free(d->name);
	free(d->uid);
	free(d->group);
	free(d);
	return 0;
}

static void doom(void *arg, const struct pod *p, const char *group)
{
	struct doom *d = arg;
	struct doomed *one = xcalloc(1, sizeof(*one));
	*one = (struct doomed){ d->a, xstrndup(p->key, strcspn(p->key, "/")), xstrdup(p->name), xstrdup(p->uid), xstrdup(group) };
	scope_start(d->s, "roll back", delete_one, one);
}

void act_roll_back(struct act *a, struct scope *s)
{
	live_roll_back(a->live, ACT_ROLL_BACK_MS, doom, &(struct doom){ a, s });
}

/* --- workers ------------------------------------------------------------------------------------------------------------------------ */

void act_start(struct act *a, struct scope *s)
{
	static const struct { const char *name; task_fn *fn; int n; } kinds[] = { { "bind", binder, ACT_BINDERS }, { "tell", teller, ACT_TELLERS },
			{ "evict", evictor, ACT_EVICTORS },
			{ "report", reporter, ACT_REPORTERS } };
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (int i = 0; i < kinds[k].n; i++)
			scope_start(s, kinds[k].name, kinds[k].fn, a);
}

void act_wake(struct act *a)
{
	if (live_has_work(a->live))
		event_set(&a->work);
}
