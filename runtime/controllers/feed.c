/* From the caches to a fleet. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/controllers/ctl.h"
#include "runtime/controllers/xid.h"
#include "runtime/dump.h"

enum { BELIEVED_MS = 60000 };

#define OURS(var_kind, kind_, plural_, namespaced_) [var_kind] = { "aipc.dev", "v1alpha1", kind_, plural_, namespaced_, 0 }
const struct kube_type ctl_types[CTL_KINDS] = {
	[CTL_NODE] = { "", "v1", "Node", "nodes", false, 0 },
	[CTL_POD] = { "", "v1", "Pod", "pods", true, 0 },
	/* Through the old group: its field selector is by the object that an event is about. */
	[CTL_EVENT] = { "", "v1", "Event", "events", true, 0 },
	OURS(CTL_GANG, "Gang", "gangs", true),
	OURS(CTL_POOL, "SparePool", "sparepools", false),
	OURS(CTL_POLICY, "NodeHealthPolicy", "nodehealthpolicies", false),
	OURS(CTL_TOPOLOGY, "FabricTopology", "fabrictopologies", false),
};

static const char *const node_keep[] = {
	"metadata.labels", "metadata.annotations[aipc.dev/*]", "spec.unschedulable", "spec.taints", "status.allocatable", "status.nodeInfo.bootID",
	"status.conditions.type", "status.conditions.status", "status.conditions.reason", "status.conditions.message", "status.conditions.lastTransitionTime", NULL,
};
static const char *const pod_keep[] = {
	"metadata.labels[aipc.dev/*]", "metadata.labels[batch.kubernetes.io/job-completion-index]", "metadata.labels[apps.kubernetes.io/pod-index]",
	"metadata.annotations[aipc.dev/*]", "metadata.annotations[batch.kubernetes.io/job-completion-index]", "spec.nodeName", "spec.containers.resources",
	"status.phase", NULL,
};
static const char *const event_keep[] = {
	"involvedObject.kind", "involvedObject.name", "message", "source.component", "reportingComponent", "lastTimestamp", "eventTime", "series.lastObservedTime",
	"metadata.creationTimestamp", NULL,
};
static const char *const own_keep[] = { "metadata.labels", "metadata.generation", "metadata.finalizers", "spec", "status", NULL };

static const struct feed { const char *const *keep, *labels, *fields; bool optional; } feeds[CTL_KINDS] = {
	[CTL_NODE] = { node_keep, NULL, NULL, false },
	[CTL_POD] = { pod_keep, KEY_GANG, "status.phase!=Succeeded,status.phase!=Failed", false },
	[CTL_EVENT] = { event_keep, NULL, "involvedObject.kind=Node", false },
	[CTL_GANG] = { own_keep, NULL, NULL, true },
	[CTL_POOL] = { own_keep, NULL, NULL, true },
	[CTL_POLICY] = { own_keep, NULL, NULL, true },
	[CTL_TOPOLOGY] = { own_keep, NULL, NULL, true },
};

void ctl_mark(struct ctl *l)
{
	if (!l->dirty_ms)
		l->dirty_ms = clock_now_ms();
	if (l->waiting)
		task_wake(l->waiting);
}

/* --- one object ----------------------------------------------------------------------------------------------------------- */

/* Events about nodes are many and of them only kernel lines matter; what we said ourselves is no news either. */
static bool event_matters(const struct kube_object *o)
{
	doc_val root = kube_object_at(o);
	const char *text = doc_str_at(root, "message"), *from = doc_str_at(root, "reportingComponent");
	int code;
	return text && xid_scan(&text, &code) && !(from && str_has_prefix(from, "aipc"));
}

static json_t *to_json(enum ctl_kind kind, const struct kube_object *o, bool deleted)
{
	const struct kube_type *type = &ctl_types[kind];
	json_t *j = doc_to_json(kube_object_at(o));
	autofree char *version = type->group[0] ? xasprintf("%s/%s", type->group, type->version) : xstrdup(type->version);
	json_put_str(j, "apiVersion", version);
	json_put_str(j, "kind", type->kind);
	if (deleted && !o->deleting)
		json_put_str(json_object_get(j, "metadata"), "deletionTimestamp", "1970-01-01T00:00:00Z");
	return j;
}

/* Is anything else than the version another? Kubelets write their nodes every five minutes all the same. */
static bool differs(const struct kube_object *a, const struct kube_object *b)
{
	static const char *const parts[] = { "spec", "status" }, *const meta[] = { "labels", "annotations", "finalizers", "generation" };
	doc_val p = kube_object_at(a), q = kube_object_at(b);
	bool same = a->deleting == b->deleting;
	for (size_t i = 0; same && i < ARRAY_LEN(parts); i++)
		same = doc_same(doc_at(p, parts[i]), doc_at(q, parts[i]));
	for (size_t i = 0; same && i < ARRAY_LEN(meta); i++)
		same = doc_same(doc_path(p, "metadata", meta[i], NULL), doc_path(q, "metadata", meta[i], NULL));
	return !same;
}

static void held_free(struct held *h)
{
	if (h)
		json_decref(h->json);
	free(h);
}

static void changed(struct ctl *l, enum ctl_kind kind, enum kube_change what, const struct kube_object *old, struct kube_object *now)
{
	struct held *h = what == KUBE_ADDED ? NULL : what == KUBE_UPDATED ? now->user : old->user;
	if (what == KUBE_DELETED) {
		if (h)
			ctl_mark(l);
		held_free(h);
		return;
	}
	if (kind == CTL_EVENT && !event_matters(now)) {
		now->user = NULL;
		held_free(h);
		return;
	}
	if (!h)
		now->user = h = xcalloc(1, sizeof(*h));
	json_decref(h->json);
	h->json = to_json(kind, now, h->deleted);
	if (kind == CTL_EVENT || !old || differs(old, now))
		ctl_mark(l);
}

/* One function for each kind, as a cache's handler has one argument. */
#define HANDLER(name, kind) \
	static void name(void *arg, enum kube_change what, const struct kube_object *old, struct kube_object *now) { changed(arg, kind, what, old, now); }
HANDLER(node_changed, CTL_NODE)
HANDLER(pod_changed, CTL_POD)
HANDLER(gang_changed, CTL_GANG)
HANDLER(pool_changed, CTL_POOL)
HANDLER(policy_changed, CTL_POLICY)
HANDLER(topology_changed, CTL_TOPOLOGY)
HANDLER(event_changed, CTL_EVENT)

static kube_changed_fn *const handlers[CTL_KINDS] = {
	[CTL_NODE] = node_changed, [CTL_POD] = pod_changed, [CTL_GANG] = gang_changed, [CTL_POOL] = pool_changed, [CTL_POLICY] = policy_changed,
	[CTL_TOPOLOGY] = topology_changed, [CTL_EVENT] = event_changed,
};

void ctl_feed(struct ctl *l)
{
	for (int k = 0; k < CTL_KINDS; k++)
		l->caches[k] = role_cache(l->run, &(struct kube_cache_options){ .type = &ctl_types[k], .keep = feeds[k].keep, .changed = handlers[k], .arg = l,
			.select = { .labels = feeds[k].labels, .fields = feeds[k].fields }, .optional = feeds[k].optional });
}

void ctl_unfeed(struct ctl *l)
{
	for (int k = 0; k < CTL_KINDS; k++) {
		for (struct kube_object *o = l->caches[k] ? kube_cache_next(l->caches[k], NULL) : NULL; o; o = kube_cache_next(l->caches[k], o)) {
			held_free(o->user);
			o->user = NULL;
		}
	}
}

/* --- what we did ourselves ------------------------------------------------------------------------------------------------ */

void ctl_learn(struct ctl *l, enum ctl_kind kind, json_t *object)
{
	const json_t *meta = json_at(object, "metadata");
	const char *ns = json_str(meta, "namespace"), *name = json_str(meta, "name"), *uid = json_str(meta, "uid");
	struct kube_object *o = name ? kube_cache_get(l->caches[kind], ns, name) : NULL;
	struct held *h = o ? o->user : NULL;
	if (!h || !uid || strcmp(uid, o->uid) != 0) {
		json_decref(object);
		return;
	}
	json_object_del(json_object_get(object, "metadata"), "managedFields");
	json_decref(h->json);
	h->json = object;
}

void ctl_pod_deleted(struct ctl *l, const char *ns, const char *name, const char *uid)
{
	struct kube_object *o = kube_cache_get(l->caches[CTL_POD], ns, name);
	struct held *h = o && strcmp(o->uid, uid) == 0 ? o->user : NULL;
	if (!h)
		return;
	h->deleted = true;
	if (!json_str(json_at(h->json, "metadata"), "deletionTimestamp"))
		json_put_str(json_object_get(h->json, "metadata"), "deletionTimestamp", "1970-01-01T00:00:00Z");
}

/* --- all of it ------------------------------------------------------------------------------------------------------------ */

/* A kind that is suddenly not served says nothing about its objects: an API server that starts answers 404 for a moment. */
static int believe(struct ctl *l, enum ctl_kind kind, struct err *err)
{
	bool served = kube_cache_served(l->caches[kind]);
	int64_t now = clock_now_ms();
	if (served) {
		l->was_served[kind] = true;
		l->unserved_ms[kind] = 0;
		return 0;
	}
	if (!l->was_served[kind])
		return 0;
	if (!l->unserved_ms[kind])
		l->unserved_ms[kind] = now;
	if (now - l->unserved_ms[kind] < BELIEVED_MS)
		return err_set(err, E_BUSY, "%s of aipc.dev are not served just now", ctl_types[kind].plural);
	l->was_served[kind] = false;
	log_warn("%s of aipc.dev are no longer served", ctl_types[kind].plural);
	return 0;
}

int ctl_fleet(struct ctl *l, int64_t wall_ms, struct fleet **out, struct err *err)
{
	for (int k = 0; k < CTL_KINDS; k++)
		if (believe(l, (enum ctl_kind)k, err))
			return err->code;
	struct fleet *f = fleet_new(wall_ms);
	for (int k = 0; k < CTL_KINDS; k++) {
		for (struct kube_object *o = kube_cache_next(l->caches[k], NULL); o; o = kube_cache_next(l->caches[k], o)) {
			const struct held *h = o->user;
			struct err bad = { 0 };
			if (h && fleet_add(f, h->json, &bad) != 0)
				log_debug("%s %s: %s", ctl_types[k].plural, o->name, bad.msg);
		}
	}
	fleet_settle(f);
	*out = f;
	return 0;
}

void ctl_dump(const struct ctl *l, FILE *to)
{
	size_t n = 0;
	dump_open(to);
	for (int k = 0; k < CTL_KINDS; k++) {
		for (struct kube_object *o = kube_cache_next(l->caches[k], NULL); o; o = kube_cache_next(l->caches[k], o)) {
			const struct held *h = o->user;
			if (h)
				dump_item(to, &n, h->json);
		}
	}
	dump_close(to);
}
