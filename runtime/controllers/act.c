/* From decisions to writes, and to what is told of them. */
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "kube/events.h"
#include "runtime/controllers/act.h"
#include "runtime/controllers/decide.h"

/* --- metrics -------------------------------------------------------------------------------------------------------------- */

static const struct metric
	m_decisions = { "aipc_controller_decisions", NULL, "Decisions that were carried out, or that stand and are new.", METRIC_COUNTER, { "controller", "do", "reason" }, NULL, 0, 0 },
	m_standing = { "aipc_controller_standing", NULL, "Decisions of the last round that no write ends, such as nodes held back.", METRIC_GAUGE,
		       { "controller", "do", "reason" }, NULL, 0, 0 },
	m_spares = { "aipc_spares", NULL, "Nodes of a SparePool by state.", METRIC_GAUGE, { "pool", "state" }, NULL, 0, 0 },
	m_fenced = { "aipc_policy_nodes", NULL, "Nodes of a NodeHealthPolicy: ruled, fenced, held.", METRIC_GAUGE, { "policy", "state" }, NULL, 0, 0 };

void ctl_metrics(struct ctl *l)
{
	static const struct metric *const all[] = { &m_decisions, &m_standing, &m_spares, &m_fenced };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		metrics_register(l->run->metrics, all[i]);
}

/* --- telling -------------------------------------------------------------------------------------------------------------- */

const struct decision_kind decision_kinds[DECISION_KINDS] = {
	{ "fence", "Fencing", "fenced: ", true, false },
	{ "would-fence", "Fencing", "dry run, would be fenced: ", true, true },
	{ "hold", "Fencing", "", true, true },
	{ "watch", "Watching", "", true, true },
	{ "note", "Watching", "", false, false },
	{ "lift", "Lifting", "fence lifted: ", false, false },
	{ "suspect", "Guarding", "not what was declared: ", true, false },
	{ "guard", "Guarding", "kept out of use: ", true, false },
	{ "would-guard", "Guarding", "dry run, would be kept out of use: ", true, true },
	{ "unguard", "Guarding", "", false, false },
	{ "unsuspect", "Guarding", "", false, false },
	{ "mark", "Marking", "", false, false },
	{ "replace", "Repairing", "", true, false },
	{ "restart", "Repairing", "", true, false },
	{ "short", "Repairing", "", true, true },
	{ "done", "Repairing", "", false, false },
	{ "status", "Counting", "", false, false },
	{ "hold-end", "Holding", "", false, false },
	{ "release", "Releasing", "", false, false },
};

const struct decision_kind *decision_kind(const json_t *decision)
{
	const char *what = word(decision, "do");
	for (size_t i = 0; i < DECISION_KINDS; i++)
		if (strcmp(decision_kinds[i].what, what) == 0)
			return &decision_kinds[i];
	BUG("a decision \"%s\" that no kind tells of", what);
}

static void count(struct ctl *l, const struct metric *m, const struct told *d)
{
	const char *const by[] = { d->controller, word(d->decision, "do"), word(d->decision, "reason") };
	metrics_add(l->run->metrics, m, 1, by);
}

void told_now(struct ctl *l, enum ctl_kind kind, const char *ns, const char *name, const char *uid, const struct told *d)
{
	const struct kube_type *type = &ctl_types[kind];
	const struct decision_kind *how = decision_kind(d->decision);
	char version[64];
	count(l, &m_decisions, d);
	if (d->silent)
		return;
	snprintf(version, sizeof(version), "%s%s%s", type->group, type->group[0] ? "/" : "", type->version);
	kube_tell(l->run->events, &(struct kube_about){ version, type->kind, ns, name, uid }, how->warning || d->warning, word(d->decision, "reason"), how->action, "%s%s",
		  how->prefix, word(d->decision, "message"));
	log_info("%s %s%s%s: %s: %s%s", type->kind, ns && *ns ? ns : "", ns && *ns ? "/" : "", name, word(d->decision, "reason"), how->prefix, word(d->decision, "message"));
}

/* A standing decision that was told: its key is "uid controller". */
struct said { uint64_t hash, round; UT_hash_handle hh; char key[]; };

/* Times in a message pass; they make no new decision of an old one. */
static uint64_t hash_of(const json_t *d)
{
	const char *const parts[] = { word(d, "do"), word(d, "reason"), word(d, "domain"), word(d, "message") };
	uint64_t h = 1469598103934665603ull;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		for (const char *p = parts[i]; *p; p++) {
			size_t n = strspn(p, "0123456789");
			if (n && strncmp(p + n, " s", 2) == 0)
				p += n;
			h = (h ^ (unsigned char)*p) * 1099511628211ull;
		}
		h *= 31;
	}
	return h;
}

static void stands(struct ctl *l, enum ctl_kind kind, const char *ns, const char *name, const char *uid, const struct told *d)
{
	autofree char *key = xasprintf("%s %s", uid, d->controller);
	uint64_t hash = hash_of(d->decision);
	struct said *s;
	count(l, &m_standing, d);
	HASH_FIND_STR(l->said, key, s);
	if (!s) {
		s = xcalloc(1, sizeof(*s) + strlen(key) + 1);
		memcpy(s->key, key, strlen(key));
		HASH_ADD_STR(l->said, key, s);
		s->hash = ~hash;
	}
	s->round = l->round;
	if (s->hash != hash)
		told_now(l, kind, ns, name, uid, d);
	s->hash = hash;
}

/* What no longer stands is forgotten: should it come again, it is told again. */
static void forget_before(struct ctl *l, uint64_t round)
{
	struct said *s, *next;
	HASH_ITER(hh, l->said, s, next) {
		if (s->round >= round)
			continue;
		HASH_DEL(l->said, s);   /* NOLINT(clang-analyzer-unix.Malloc): HASH_ITER has its next one already */
		free(s);
	}
}

struct settling { uint64_t round; int64_t since_ms; char what[65]; UT_hash_handle hh; char key[]; };

bool act_settled(struct ctl *l, const char *uid, const json_t *what)
{
	struct settling *s;
	char hash[65];
	int64_t now = clock_now_ms();
	json_hash(what, hash);
	HASH_FIND_STR(l->settling, uid, s);
	if (!s) {
		s = xcalloc(1, sizeof(*s) + strlen(uid) + 1);
		memcpy(s->key, uid, strlen(uid));
		HASH_ADD_STR(l->settling, key, s);
	}
	s->round = l->round;
	if (strcmp(s->what, hash) != 0) {
		memcpy(s->what, hash, sizeof(hash));
		s->since_ms = now;
	}
	if (now - s->since_ms >= CTL_SETTLE_MS)
		return true;
	if (s->since_ms + CTL_SETTLE_MS < l->soon_ms)
		l->soon_ms = s->since_ms + CTL_SETTLE_MS;
	return false;
}

static void settling_before(struct ctl *l, uint64_t round)
{
	struct settling *s, *next;
	HASH_ITER(hh, l->settling, s, next) {
		if (s->round >= round)
			continue;
		HASH_DEL(l->settling, s);   /* NOLINT(clang-analyzer-unix.Malloc): the same */
		free(s);
	}
}

void ctl_forget(struct ctl *l)
{
	forget_before(l, UINT64_MAX);
	settling_before(l, UINT64_MAX);
}

/* --- writes --------------------------------------------------------------------------------------------------------------- */

struct write *write_new(struct round *r, enum ctl_kind kind, enum write_how how, const json_t *object)
{
	const json_t *meta = json_at(object, "metadata");
	struct write *w = arena_alloc(r->f->a, sizeof(*w));
	*w = (struct write){ .r = r, .kind = kind, .how = how, .ns = json_str(meta, "namespace"), .name = word(meta, "name"), .uid = word(meta, "uid") };
	w->body = json_pack("{s:{s:s,s:s}}", "metadata", "uid", w->uid, "resourceVersion", word(meta, "resourceVersion"));
	vec_push(&r->writes, w);
	return w;
}

void write_tells(struct write *w, const char *controller, const json_t *decision, bool warning, bool silent)
{
	vec_push(&w->told, (struct told){ controller, decision, warning, silent });
}

/* Nobody knows whether it arrived: the object tells. Waits as long as nobody answers. */
static void look_again(struct task *t, struct ctl *l, enum ctl_kind kind, const char *ns, const char *name, const char *uid)
{
	const struct kube_ref ref = { &ctl_types[kind], ns, name, NULL };
	struct err err = { 0 };
	for (unsigned n = 0; role_leads(l->run); n++) {
		json_t *object = NULL;
		int rc = kube_get(t, l->run->kube, &ref, &object, NULL, &err);
		if (rc == 0 && kind == CTL_POD && json_str(json_at(object, "metadata"), "deletionTimestamp"))
			ctl_pod_deleted(l, ns, name, uid);
		if (rc == 0)
			ctl_learn(l, kind, object);
		if (rc == 0 || rc == E_NOTFOUND || rc == E_DENIED || rc == E_AUTH)
			return;
		if (task_sleep(t, clock_backoff_ms(n < 6 ? n : 6, CTL_AGAIN_MS / 4, 5000), &err) != 0)
			return;
	}
}

static bool unsure(int rc)
{
	return rc == E_TIMEOUT || rc == E_UNREACHABLE || rc == E_INTERNAL || rc == E_CANCELED;
}

static int send_one(struct task *t, struct write *w, json_t **out, struct err *err)
{
	static const struct { const char *verb, *sub; } hows[] = {
		[WRITE_PATCH] = { "patch", NULL }, [WRITE_NODE_STATUS] = { "patch", "status" }, [WRITE_STATUS] = { "apply", "status" },
	};
	struct ctl *l = w->r->l;
	const struct kube_type *type = &ctl_types[w->kind];
	const struct kube_ref ref = { type, w->ns, w->name, hows[w->how].sub };
	const struct kube_write as = { .manager = CTL_MANAGER, .force = w->how == WRITE_STATUS };
	int rc;
	if (w->how == WRITE_STATUS)
		rc = kube_apply(t, l->run->kube, &ref, w->body, &as, out, NULL, err);
	else
		rc = kube_patch(t, l->run->kube, &ref, w->how == WRITE_PATCH ? KUBE_MERGE : KUBE_STRATEGIC, w->body, &as, out, NULL, err);
	role_wrote(l->run, hows[w->how].verb, type, rc, err);
	return rc;
}

static int delete_pod(struct task *t, struct write *w, const json_t *pod, struct err *err)
{
	struct ctl *l = w->r->l;
	const char *ns = word(pod, "namespace"), *name = word(pod, "name"), *uid = word(pod, "uid");
	if (!role_leads(l->run))
		return E_CANCELED;
	int rc = kube_delete(t, l->run->kube, &(struct kube_ref){ &ctl_types[CTL_POD], ns, name, NULL }, &(struct kube_delete){ .uid = uid }, NULL, err);
	role_wrote(l->run, "delete", &ctl_types[CTL_POD], rc, err);
	if (rc == 0 || rc == E_NOTFOUND || rc == E_CONFLICT) {       /* conflict: another uid bears the name, ours is gone */
		ctl_pod_deleted(l, ns, name, uid);
		return 0;
	}
	if (unsure(rc))
		look_again(t, l, CTL_POD, ns, name, uid);
	return rc;
}

static void delete_pods(struct task *t, struct write *w)
{
	size_t i;
	json_t *pod;
	json_array_foreach(w->deletes, i, pod) {
		struct err err = { 0 };
		if (delete_pod(t, w, pod, &err) != 0)
			w->r->failed++;
	}
}

static int write_task(struct task *t, void *arg, struct err *err)
{
	struct write *w = arg;
	struct ctl *l = w->r->l;
	json_t *answer = NULL;
	if (role_ending(l->run) || !role_leads(l->run))
		return 0;
	int rc = w->body ? send_one(t, w, &answer, err) : 0;
	if (rc == 0) {
		if (answer)
			ctl_learn(l, w->kind, answer);
		for (size_t i = 0; i < w->told.len; i++)
			told_now(l, w->kind, w->ns, w->name, w->uid, &w->told.at[i]);
		delete_pods(t, w);
		return 0;
	}
	if (unsure(rc))
		look_again(t, l, w->kind, w->ns, w->name, w->uid);
	w->r->failed += rc != E_NOTFOUND;
	log_debug("%s", err->msg);
	return 0;
}

static void send_all(struct task *t, struct round *r)
{
	struct err err = { 0 };
	struct scope *s = scope_open(t, CTL_WRITES);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->writes.len; i++)
		rc = scope_spawn(t, s, "write", write_task, r->writes.at[i], &err);
	scope_join(t, s, &err);
}

/* --- a round -------------------------------------------------------------------------------------------------------------- */

void round_stands(struct round *r, enum ctl_kind kind, const json_t *object, const char *controller, const json_t *decision)
{
	const json_t *meta = json_at(object, "metadata");
	stands(r->l, kind, json_str(meta, "namespace"), word(meta, "name"), word(meta, "uid"), &(struct told){ controller, decision, false, false });
}

bool decision_stands(const json_t *decision)
{
	return decision_kind(decision)->standing;
}

static void gauge_pools(struct ctl *l, const json_t *decisions, bool counts)
{
	static const char *const states[] = { "nodes", "free", "reserved", "inUse", "unhealthy" }, *const nodes[] = { "nodes", "fenced", "held" };
	size_t i;
	json_t *d;
	if (counts)
		metrics_clear(l->run->metrics, &m_spares);
	metrics_clear(l->run->metrics, &m_fenced);
	json_array_foreach(decisions, i, d) {
		for (size_t k = 0; json_str(d, "pool") && k < ARRAY_LEN(states); k++)
			metrics_set(l->run->metrics, &m_spares, json_num(d, states[k], 0), (const char *const[]){ json_str(d, "pool"), states[k] });
		for (size_t k = 0; json_str(d, "policy") && k < ARRAY_LEN(nodes); k++)
			metrics_set(l->run->metrics, &m_fenced, json_num(d, nodes[k], 0), (const char *const[]){ json_str(d, "policy"), nodes[k] });
	}
}

size_t ctl_act(struct task *t, struct ctl *l, const struct fleet *f)
{
	static const struct { const char *controller; json_t *(*decide)(const struct fleet *f); void (*plan)(struct round *r, const char *controller, const json_t *d); bool count; } parts[] = {
		{ "policies", undo_decide, plan_policy, false }, { "health", health_decide, plan_health, false }, { "guard", guard_decide, plan_node, false },
		{ "marks", marks_decide, plan_mark, false }, { "swap", swap_decide, plan_gang, false }, { "pools", pools_decide, plan_status, true },
		{ "topologies", topologies_decide, plan_status, true },
	};
	struct round r = { .l = l, .f = f };
	autojson json_t *all = json_array();
	int64_t began = clock_now_ms();
	l->round++;
	l->soon_ms = INT64_MAX;
	metrics_clear(l->run->metrics, &m_standing);
	bool counts = began - l->counted_ms >= CTL_COUNT_MS;
	if (counts)
		l->counted_ms = began;
	else
		l->soon_ms = l->counted_ms + CTL_COUNT_MS;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].count && !counts)
			continue;
		json_t *list = parts[i].decide(f), *d;
		size_t k;
		json_array_foreach(list, k, d) {
			parts[i].plan(&r, parts[i].controller, d);
		}
		json_array_extend(all, list);        /* what is told refers to them */
		json_decref(list);
	}
	gauge_pools(l, all, counts);
	forget_before(l, l->round);
	settling_before(l, l->round);
	l->thought_ms += clock_now_ms() - began;
	send_all(t, &r);
	for (size_t i = 0; i < r.writes.len; i++) {
		json_decref(r.writes.at[i]->body);
		vec_free(&r.writes.at[i]->told);
	}
	vec_free(&r.writes);
	round_free(&r);
	return r.failed;
}
