/* What the objects of groups say of them: phase, counts and conditions of a Gang, the condition of an upstream PodGroup, phase and counts of a
 * coscheduling PodGroup.
 *
 * A status is put together from the group as it is, compared with the one that is stored, and handed out where they differ, when the group has been
 * the same for SETTLE_MS, or LONGEST_MS after its first change: a gang that is bound is one write, not one for each pod. A message whose
 * numbers alone changed is no difference. Only groups with pods of this scheduler are told of, and Gangs that have none yet.
 *
 * Whose fields: replacements and the condition Repairing of a Gang are the controller's; phase, wanted, bound, plan, domain, observedGeneration and
 * the conditions Placed and Accepted are ours. The condition of an upstream PodGroup, its reasons, and that True is never taken back are those
 * of kube-scheduler 1.36 (api/scheduling/v1alpha2/types.go; v1beta1 calls it PodGroupInitiallyScheduled); the phases of a coscheduling PodGroup
 * are those of scheduler-plugins' PodGroup controller, so that where it runs too, both say the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/scheduler/live_internal.h"

enum { SETTLE_MS = 1000, LONGEST_MS = 5000, AGAIN_MS = 5000, AGAIN_MAX = 6, AT_ONCE = 64, MESSAGE_MAX = 1000 };

/* --- when ------------------------------------------------------------------------------------------------------------- */

static void put_off(struct live *l, struct team *t, int64_t due)
{
	if (!t->report.at) {
		vec_push(&l->reports, t);
		t->report.at = l->reports.len;
		t->report.since_ms = clock_now_ms();
	}
	t->report.due_ms = due;
	l->report_due = due < l->report_due ? due : l->report_due;
}

void team_report(struct live *l, struct team *t)
{
	if (!t->object)
		return;
	int64_t now = clock_now_ms(), since = t->report.at ? t->report.since_ms : now;
	put_off(l, t, now + SETTLE_MS < since + LONGEST_MS ? now + SETTLE_MS : since + LONGEST_MS);
}

static void no_report(struct live *l, struct team *t)
{
	if (!t->report.at)
		return;
	struct team *last = l->reports.at[--l->reports.len];
	l->reports.at[t->report.at - 1] = last;
	last->report.at = t->report.at;
	t->report.at = 0;
}

void team_forget_report(struct live *l, struct team *t)
{
	no_report(l, t);
	json_decref(t->report.written);
	t->report.written = NULL;
}

/* --- pods that have ended ------------------------------------------------------------------------------------------------ */

static void forget_ended(struct live *l, struct ended *e)
{
	struct team *t = e->team;
	HASH_DEL(l->ended, e);   /* NOLINT(clang-analyzer-unix.Malloc): HASH_ITER has its next one already */
	t->succeeded -= !e->failed;
	t->failed -= e->failed;
	free(e->key);
	free(e);
	team_report(l, t);
}

void live_put_ended(struct live *l, const json_t *j)
{
	struct pod *p = model_put_pod(l->m, j);
	const char *phase = json_str(json_at(j, "status"), "phase");
	autofree char *key = NULL;
	enum group_dialect d;
	if (!p)
		return;
	live_drop_ended(l, intern_text(l->m->names, p->ns), p->name);
	if (phase && live_ours(p, l) && group_of_pod(l->m, p, &d, &key) && d != GROUP_KUEUE) {
		struct ended *e = xcalloc(1, sizeof(*e));
		*e = (struct ended){ .key = xstrdup(p->key), .team = team_get(l, d, key, true), .failed = strcmp(phase, "Failed") == 0 };
		e->team->succeeded += !e->failed;
		e->team->failed += e->failed;
		HASH_ADD_KEYPTR(hh, l->ended, e->key, strlen(e->key), e);
		team_report(l, e->team);
	}
	model_drop_pod(l->m, p);
}

void live_drop_ended(struct live *l, const char *ns, const char *name)
{
	autofree char *key = xasprintf("%s/%s", ns && *ns ? ns : "default", name);
	struct ended *e;
	HASH_FIND_STR(l->ended, key, e);
	if (!e)
		return;
	struct team *t = e->team;
	forget_ended(l, e);
	team_maybe_free(l, t);
}

void ended_forget_all(struct live *l)
{
	struct ended *e, *next;
	HASH_ITER(hh, l->ended, e, next)
		forget_ended(l, e);
}

/* --- what there is ---------------------------------------------------------------------------------------------------------- */

static bool has_node(const struct pod *p) { return p->node_name != 0; }
static bool runs(const struct pod *p) { return p->node_name && p->running; }

/* Do as many of G's pods as must start together pass FN? */
static bool enough(const struct group *g, bool (*fn)(const struct pod *p))
{
	int64_t n = 0, all = g->children.len ? (int64_t)g->children.len : (int64_t)(g->bound.len + g->waiting.len) + g->held_back;
	for (size_t i = 0; i < g->children.len; i++)
		n += enough(g->children.at[i], fn);
	for (size_t i = 0; i < g->bound.len; i++)
		n += fn(g->bound.at[i]);
	return all && n >= (g->min ? g->min : all);
}

static int64_t count(const struct team *t, bool (*fn)(const struct pod *p))
{
	int64_t n = 0;
	for (size_t i = 0; i < t->members.len; i++)
		n += t->members.at[i]->pod && fn(t->members.at[i]->pod);
	return n;
}

/* A vertex above all nodes of the group, by level; and the plan that most of its pods have (Boyer and Moore's vote). */
struct place { const struct tree *t; uint32_t over[TREE_LEVELS]; bool any, apart[TREE_LEVELS]; const char *plan; int64_t votes; };

static void look_at(struct place *w, const struct group *g)
{
	for (size_t i = 0; i < g->children.len; i++)
		look_at(w, g->children.at[i]);
	for (size_t i = 0; i < g->bound.len; i++) {
		const struct pod *p = g->bound.at[i];
		if (!p->node_name || !p->node)
			continue;
		for (int level = 1; level <= w->t->n_levels; level++) {
			uint32_t v = tree_up(w->t, w->t->leaf_of[p->node->index], level);
			w->apart[level] = w->apart[level] || (w->any && v != w->over[level]);
			w->over[level] = v;
		}
		w->any = true;
		if (p->plan && w->votes == 0)
			w->plan = p->plan;
		w->votes += p->plan ? strcmp(p->plan, w->plan) == 0 ? 1 : -1 : 0;
	}
}

static char *domain_of(const struct live *l, const struct place *w)
{
	struct str s;
	str_init(&s, STR_OURS);
	for (int level = 1; w->any && level <= w->t->n_levels && !w->apart[level]; level++) {
		const struct vertex *v = &w->t->v[w->over[level]];
		if (v->domain)
			str_addf(&s, "%s%s=%s", s.len ? "/" : "", w->t->level[level].name, intern_text(l->m->names, v->value));
	}
	char *path = xstrdup(s.at ? s.at : "");
	str_release(&s);
	return path;
}

/* What its waiting pods were told, without the reason; NULL: nothing yet. */
static const char *told(const struct team *t, const char **reason)
{
	static const char *const words[] = { "SchedulerError", "Unschedulable" };
	for (size_t i = 0; i < t->members.len; i++) {
		const struct item *m = t->members.at[i];
		for (size_t k = 0; m->ours && m->pod && !m->pod->node_name && !m->to && m->told && k < ARRAY_LEN(words); k++) {
			size_t n = strlen(words[k]);
			if (strncmp(m->told, words[k], n) == 0 && m->told[n] == ' ') {
				*reason = words[k];
				return m->told + n + 1;
			}
		}
	}
	return NULL;
}

static bool any_ours(const struct team *t)
{
	for (size_t i = 0; i < t->members.len; i++)
		if (t->members.at[i]->ours)
			return true;
	return t->succeeded + t->failed > 0;
}

/* --- conditions --------------------------------------------------------------------------------------------------------------- */

static const json_t *condition_of(const json_t *status, const char *type)
{
	size_t i;
	json_t *c;
	json_array_foreach(json_at(status, "conditions"), i, c) {
		const char *is = json_str(c, "type");
		if (is && strcmp(is, type) == 0)
			return c;
	}
	return NULL;
}

/* The condition as it was written last, else as it is stored. */
static const json_t *last_condition(const struct team *t, const char *type)
{
	const json_t *c = condition_of(t->report.written, type);
	return c ? c : condition_of(json_at(t->object, "status"), type);
}

static bool is_true(const struct team *t, const char *type)
{
	const char *status = json_str(last_condition(t, type), "status");
	return status && strcmp(status, "True") == 0;
}

/* TYPE as it should be; the time of the last one where it said the same, and its message where only numbers differ. */
static json_t *condition(const struct team *t, const char *type, bool is, const char *reason, const char *message)
{
	const json_t *old = last_condition(t, type);
	const char *status = is ? "True" : "False", *before = json_str(old, "message"), *time = json_str(old, "lastTransitionTime");
	bool same = old && json_str(old, "status") && strcmp(json_str(old, "status"), status) == 0 && time;
	char now[32];
	clock_stamp(clock_wall_ms(), now);
	json_t *c = json_object();
	json_put_str(c, "type", type);
	json_put_str(c, "status", status);
	json_put_str(c, "reason", reason);
	json_put_str(c, "message", before && words_alike(before, message) ? before : message);
	json_put_int(c, "observedGeneration", json_int(json_at(t->object, "metadata"), "generation", 0));
	json_put_str(c, "lastTransitionTime", same ? time : now);
	return c;
}

/* --- the three kinds ------------------------------------------------------------------------------------------------------------ */

static const char *phase_of(const struct team *t, const struct group *g, bool placed)
{
	const char *stored = json_str(json_at(t->object, "status"), "phase");
	bool ended = stored && (strcmp(stored, "Finished") == 0 || strcmp(stored, "Failed") == 0);
	if (!t->members.len && t->succeeded && (int64_t)t->succeeded >= (g->children.len ? 1 : g->min))
		return "Finished";
	if (!t->members.len)
		return t->failed ? "Failed" : ended ? stored : "Pending";
	if (json_array_size(json_path(t->object, "status", "replacements", NULL)))
		return "Repairing";
	return placed && (enough(g, runs) || (t->succeeded && count(t, runs))) ? "Running" : placed ? "Placed" : "Pending";
}

static json_t *placed_condition(const struct team *t, const struct group *g, bool placed)
{
	const char *reason = "Unschedulable", *said = told(t, &reason);
	char text[200] = "";
	bool few = !g->children.len && (int64_t)(g->bound.len + g->waiting.len) < g->min;
	if (placed)
		return condition(t, "Placed", true, "Placed", "as many pods as must start together have a node");
	if (g->refused)
		return condition(t, "Placed", false, "Refused", g->refused);
	if (few && !said)
		snprintf(text, sizeof(text), "%zu of at least %lld pods are there", t->members.len, (long long)g->min);
	return condition(t, "Placed", false, few ? "WaitingForPods" : "Unschedulable", said ? said : text);
}

static json_t *gang_status(const struct live *l, const struct team *t, const struct group *g)
{
	struct place w = { .t = l->e->trees.at[0] };
	bool placed = t->members.len && (enough(g, has_node) || (t->succeeded && is_true(t, "Placed")));
	json_t *s = json_object(), *conditions = json_array();
	look_at(&w, g);
	autofree char *domain = domain_of(l, &w);
	json_put_int(s, "observedGeneration", json_int(json_at(t->object, "metadata"), "generation", 0));
	json_put_str(s, "phase", phase_of(t, g, placed));
	json_put_int(s, "wanted", (int64_t)t->members.len);
	json_put_int(s, "bound", count(t, has_node));
	if (w.plan)
		json_put_str(s, "plan", w.plan);
	if (*domain && strlen(domain) <= 1024)
		json_put_str(s, "domain", domain);
	/* Of a gang that has ended it stays what it was. */
	const json_t *last = t->members.len ? NULL : last_condition(t, "Placed");
	json_array_append_new(conditions, last ? json_deep_copy(last) : placed_condition(t, g, placed));
	json_array_append_new(conditions, condition(t, "Accepted", !g->refused, g->refused ? "Refused" : "Accepted", g->refused ? g->refused : "the spec is followed"));
	json_put_new(s, "conditions", conditions);
	return s;
}

/* A group that goes as a whole is told so itself, and that it may stay after all. */
static void add_target(json_t *conditions, const struct team *t, const struct group *g)
{
	const struct unit *by = NULL;
	for (size_t i = 0; !by && !g->singly && i < t->members.len; i++)
		by = t->members.at[i]->displaced_by;
	if (!by && !is_true(t, "DisruptionTarget"))
		return;
	autofree char *why = !by ? xstrdup("aipc: it may stay") : by->item ? xasprintf("aipc: displaced for pod %s", by->item->key) :
			     xasprintf("aipc: displaced for %s %s", unit_group(by)->kind, unit_group(by)->key);
	json_array_append_new(conditions, condition(t, "DisruptionTarget", by != NULL, "PreemptionByScheduler", why));
}

static json_t *upstream_status(const struct team *t, const struct group *g)
{
	const char *version = json_str(t->object, "apiVersion"), *type = strcmp(version, "scheduling.k8s.io/v1alpha2") == 0 ? "PodGroupScheduled" : "PodGroupInitiallyScheduled";
	const char *reason = "Unschedulable", *said = told(t, &reason);
	bool placed = enough(g, has_node);
	autojson json_t *conditions = json_array();
	if (placed && !is_true(t, type))
		json_array_append_new(conditions, condition(t, type, true, "Scheduled", ""));
	else if (!is_true(t, type) && (said || g->refused))
		json_array_append_new(conditions, condition(t, type, false, g->refused ? "SchedulerError" : reason, said ? said : g->refused));
	add_target(conditions, t, g);
	return json_array_size(conditions) ? json_pack("{s:O}", "conditions", conditions) : NULL;
}

static json_t *coscheduling_status(const struct team *t, const struct group *g)
{
	int64_t running = count(t, runs), good = (int64_t)t->succeeded, bad = (int64_t)t->failed, all = (int64_t)t->members.len + good + bad;
	const char *began = json_str(t->report.written, "scheduleStartTime"), *stored = json_str(json_at(t->object, "status"), "scheduleStartTime");
	const char *phase = all < g->min ? "Pending" : good >= g->min ? "Finished" : bad && bad + running + good >= g->min ? "Failed" :
			    good + running >= g->min ? "Running" : "Scheduling";
	json_t *s = json_pack("{s:s}", "phase", phase);
	json_put_int(s, "running", running);
	json_put_int(s, "succeeded", good);
	json_put_int(s, "failed", bad);
	if (strcmp(phase, "Scheduling") == 0 && !stored) {
		char now[32];
		clock_stamp(clock_wall_ms(), now);
		json_put_str(s, "scheduleStartTime", began ? began : now);
	}
	return s;
}

/* --- differences ----------------------------------------------------------------------------------------------------------------- */

static bool same_field(const char *key, const json_t *now, const json_t *stored)
{
	size_t i;
	json_t *c;
	if (strcmp(key, "conditions") != 0) {
		const json_t *old = json_at(stored, key);
		/* Servers leave out what is 0 in some kinds. */
		return old ? json_same(now, old) : json_is_integer(now) && json_integer_value(now) == 0;
	}
	json_array_foreach(now, i, c) {
		if (!json_same(c, condition_of(stored, json_str(c, "type"))))
			return false;
	}
	return true;
}

/* Does the stored status of the object say all of NOW? Of ours also nothing that NOW leaves out. */
static bool same_status(const struct team *t, const json_t *now, bool whole)
{
	static const char *const optional[] = { "plan", "domain" };
	const json_t *stored = json_at(t->object, "status");
	const char *key;
	json_t *value;
	if (!stored)
		return false;
	json_object_foreach((json_t *)now, key, value)
		if (!same_field(key, value, stored))
			return false;
	for (size_t i = 0; whole && i < ARRAY_LEN(optional); i++)
		if (json_at(stored, optional[i]) && !json_at(now, optional[i]))
			return false;
	return true;
}

static void report(struct live *l, struct team *t)
{
	const struct group *g = t->groups.at.len ? t->groups.at.at[0] : NULL;
	const json_t *meta = json_at(t->object, "metadata");
	if (!t->object || !g || t->report.under_way || json_str(meta, "deletionTimestamp"))
		return;
	enum group_dialect d = t->dialect;
	if (!any_ours(t) && (d != GROUP_OURS || t->members.len))
		return;
	autojson json_t *status = d == GROUP_OURS ? gang_status(l, t, g) : d == GROUP_UPSTREAM ? upstream_status(t, g) : coscheduling_status(t, g);
	if (!status || same_status(t, status, d == GROUP_OURS) || json_same(status, t->report.written))
		return;
	struct live_status *s = xcalloc(1, sizeof(*s));
	*s = (struct live_status){ .team = xstrdup(t->id), .dialect = d, .version = xstrdup(json_str(t->object, "apiVersion")), .ns = xstrdup(json_str(meta, "namespace")),
				   .name = xstrdup(json_str(meta, "name")), .uid = xstrdup(json_str(meta, "uid")), .status = json_incref(status) };
	t->report.under_way = true;
	vec_push(&l->statuses, s);
}

bool live_report_some(struct live *l)
{
	int64_t now = clock_now_ms(), next = INT64_MAX;
	int done = 0;
	if (now < l->report_due)
		return false;
	for (size_t i = 0; i < l->reports.len;) {
		struct team *t = l->reports.at[i];
		if (t->report.due_ms <= now && done < AT_ONCE) {
			no_report(l, t);
			report(l, t);
			done++;
			continue;
		}
		next = t->report.due_ms < next ? t->report.due_ms : next;
		i++;
	}
	l->report_due = next;
	return next <= now;
}

void live_reported(struct live *l, struct live_status *s, bool ok)
{
	struct team *t;
	HASH_FIND_STR(l->teams, s->team, t);
	const char *uid = t ? json_str(json_at(t->object, "metadata"), "uid") : NULL;
	if (t)
		t->report.under_way = false;
	if (t && uid && strcmp(uid, s->uid) != 0) {
		/* It was made again under its name meanwhile: the new one has been told nothing. */
		put_off(l, t, clock_now_ms() + SETTLE_MS);
	} else if (t && uid) {
		json_decref(t->report.written);
		t->report.written = ok ? json_incref(s->status) : NULL;
		t->report.failures = ok ? 0 : t->report.failures < AGAIN_MAX ? t->report.failures + 1 : AGAIN_MAX;
		/* What changed while it was written is looked at again. */
		put_off(l, t, clock_now_ms() + (ok ? SETTLE_MS : (int64_t)AGAIN_MS << (t->report.failures - 1)));
	}
	live_status_free(s);
}

void live_status_free(struct live_status *s)
{
	free(s->team);
	free(s->version);
	free(s->ns);
	free(s->name);
	free(s->uid);
	json_decref(s->status);
	free(s);
}
