#include "runtime/scheduler/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/doc.h"
#include "runtime/dump.h"

#define TYPE(g, v, k, p, ns) { .group = g, .version = v, .kind = k, .plural = p, .namespaced = ns }

static const struct kube_type type_pod_groups_beta = TYPE("scheduling.k8s.io", "v1beta1", "PodGroup", "podgroups", true),
	type_pod_groups_alpha = TYPE("scheduling.k8s.io", "v1alpha2", "PodGroup", "podgroups", true),
	type_workloads_old = TYPE("scheduling.k8s.io", "v1alpha1", "Workload", "workloads", true),
	type_coscheduling = TYPE("scheduling.x-k8s.io", "v1alpha1", "PodGroup", "podgroups", true),
	type_gangs = TYPE("aipc.dev", "v1alpha1", "Gang", "gangs", true),
	type_topologies = TYPE("aipc.dev", "v1alpha1", "FabricTopology", "fabrictopologies", false),
	type_attachments = TYPE("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", false),
	type_pools = TYPE("aipc.dev", "v1alpha1", "SparePool", "sparepools", false);

static const char *const keep_pod[] = {
	"metadata.labels", "metadata.creationTimestamp", "metadata.ownerReferences.kind", "metadata.ownerReferences.controller",
	"metadata.annotations[kubernetes.io/config.mirror]", "metadata.annotations[aipc.dev/*]", "metadata.annotations[kueue.x-k8s.io/*]",
	"metadata.annotations[batch.kubernetes.io/job-completion-index]", "metadata.annotations[apps.kubernetes.io/pod-index]",
	"metadata.annotations[leaderworkerset.sigs.k8s.io/worker-index]", "metadata.annotations[training.kubeflow.org/replica-index]",
	"spec.nodeName", "spec.nodeSelector", "spec.affinity", "spec.tolerations", "spec.schedulerName", "spec.priority", "spec.priorityClassName",
	"spec.preemptionPolicy", "spec.schedulingGates", "spec.schedulingGroup", "spec.workloadRef", "spec.resourceClaims", "spec.hostNetwork", "spec.overhead",
	"spec.resources", "spec.topologySpreadConstraints", "spec.activeDeadlineSeconds",
	"spec.containers.name", "spec.containers.resources", "spec.containers.ports", "spec.initContainers.name", "spec.initContainers.resources",
	"spec.initContainers.ports", "spec.initContainers.restartPolicy",
	"spec.hostUsers", "spec.containers.restartPolicyRules.action", "spec.initContainers.restartPolicyRules.action",
	"spec.volumes.name", "spec.volumes.persistentVolumeClaim", "spec.volumes.ephemeral.volumeClaimTemplate.metadata", "spec.volumes.gcePersistentDisk",
	"spec.volumes.awsElasticBlockStore", "spec.volumes.iscsi", "spec.volumes.rbd",
	"status.phase", "status.startTime", "status.nominatedNodeName", "status.resources", "status.allocatedResources",
	"status.conditions.type", "status.conditions.status", "status.conditions.reason", "status.conditions.message",
	"status.containerStatuses.name", "status.containerStatuses.resources", "status.containerStatuses.allocatedResources",
	"status.initContainerStatuses.name", "status.initContainerStatuses.resources", "status.initContainerStatuses.allocatedResources", NULL,
};
static const char *const keep_node[] = { "metadata.labels", "spec.unschedulable", "spec.taints", "status.allocatable", "status.capacity", "status.declaredFeatures", NULL };
static const char *const keep_labels[] = { "metadata.labels", NULL };
static const char *const keep_claim[] = {
	"metadata.annotations[pv.kubernetes.io/bind-completed]", "metadata.annotations[volume.beta.kubernetes.io/storage-class]", "metadata.ownerReferences.controller",
	"metadata.ownerReferences.uid", "spec.volumeName", "spec.accessModes", "spec.storageClassName", "status.phase", NULL,
};
static const char *const keep_volume[] = { "metadata.labels", "spec.nodeAffinity", "spec.csi.driver", "spec.csi.volumeHandle", NULL };
static const char *const keep_provisioner[] = { "provisioner", NULL };
static const char *const keep_drivers[] = { "spec.drivers.name", "spec.drivers.allocatable", NULL };
static const char *const keep_attached[] = { "spec.attacher", "spec.nodeName", "spec.source.persistentVolumeName", NULL };
static const char *const keep_budget[] = { "spec.selector", "status.disruptionsAllowed", NULL };
static const char *const keep_class[] = { "value", "globalDefault", "preemptionPolicy", NULL };
static const char *const keep_devices[] = { "spec.extendedResourceName", NULL };
static const char *const keep_spec[] = { "spec", NULL };
static const char *const keep_gang[] = {
	"metadata.annotations", "metadata.generation", "spec", "status.observedGeneration", "status.phase", "status.wanted", "status.bound", "status.plan", "status.domain",
	"status.replacements", "status.conditions", NULL,
};
static const char *const keep_group[] = {
	"metadata.generation", "spec", "status.conditions", "status.phase", "status.running", "status.succeeded", "status.failed", "status.scheduleStartTime", NULL,
};
static const char *const keep_ended[] = {
	"metadata.labels[aipc.dev/*]", "metadata.annotations[aipc.dev/*]", "metadata.labels[scheduling.x-k8s.io/pod-group]", "spec.schedulerName",
	"spec.schedulingGroup", "status.phase", NULL,
};
static const char *const keep_name[] = { "metadata.uid", NULL };

/* In the order in which the core is filled: what pods refer to while they are read comes first. */
enum { ROW_PODS = 5, ROW_BUDGETS = 9, ROW_OLD = 14, ROW_ENDED = 15 };
static const char running[] = "status.phase!=Succeeded,status.phase!=Failed", ended[] = "status.phase!=Pending,status.phase!=Running,status.phase!=Unknown";
static const struct row { const struct kube_type *type; const char *const *keep; bool optional; const char *label, *fields; } rows[] = {
	{ &kube_priority_classes, keep_class, false, NULL, NULL }, { &kube_device_classes, keep_devices, true, NULL, NULL },
	{ &type_topologies, keep_spec, true, NULL, NULL }, { &type_pools, keep_spec, true, NULL, NULL }, { &kube_nodes, keep_node, false, NULL, NULL },
	{ &kube_pods, keep_pod, false, NULL, running }, { &kube_namespaces, keep_labels, false, NULL, NULL }, { &kube_pvcs, keep_claim, false, NULL, NULL },
	{ &kube_pvs, keep_volume, false, NULL, NULL }, { &kube_pdbs, keep_budget, false, NULL, NULL }, { &type_gangs, keep_gang, true, NULL, NULL },
	{ &type_pod_groups_beta, keep_group, true, NULL, NULL }, { &type_pod_groups_alpha, keep_group, true, "podgroups.v1alpha2", NULL },
	{ &type_coscheduling, keep_group, true, "podgroups.scheduling.x-k8s.io", NULL }, { &type_workloads_old, keep_name, true, NULL, NULL },
	{ &kube_pods, keep_ended, false, "pods.ended", ended }, { &kube_storage_classes, keep_provisioner, false, NULL, NULL },
	{ &kube_csinodes, keep_drivers, false, NULL, NULL }, { &type_attachments, keep_attached, false, NULL, NULL },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct source { struct watch *w; const struct row *row; struct kube_cache *cache; };
struct watch {
	struct watch_options o;
	struct source source[ROWS];
	struct live *live;
	bool budgets;                        /* changed */
};

static const char *version_of(const struct kube_type *t, char out[128])
{
	snprintf(out, 128, "%s%s%s", t->group, *t->group ? "/" : "", t->version);
	return out;
}

static json_t *object_of(const struct source *s, const struct kube_object *o)
{
	char version[128];
	json_t *j = doc_to_json(kube_object_at(o));
	json_put_str(j, "apiVersion", version_of(s->row->type, version));
	json_put_str(j, "kind", s->row->type->kind);
	return j;
}

/* What did not change for us is not told: of nodes most changes are heartbeats. */
static bool same_for_us(const struct kube_object *old, const struct kube_object *now)
{
	static const char *const parts[] = { "spec", "status", "value", "provisioner" }, *const of_meta[] = { "labels", "annotations", "ownerReferences" };
	doc_val a = kube_object_at(old), b = kube_object_at(now);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!doc_same(doc_at(a, parts[i]), doc_at(b, parts[i])))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(of_meta); i++)
		if (!doc_same(doc_path(a, "metadata", of_meta[i], NULL), doc_path(b, "metadata", of_meta[i], NULL)))
			return false;
	return old->deleting == now->deleting;
}

/* Once for each object: who does not lead yet tells nobody. */
static void tell_foreign(struct watch *w, struct kube_object *o)
{
	if (!o->user && w->o.foreign(w->o.arg, o->ns, o->name, o->uid))
		o->user = w;
}

static void on_ended(struct watch *w, const struct kube_object *old, struct kube_object *now, bool gone)
{
	if (!w->live)
		return;
	if (gone) {
		live_drop_ended(w->live, old->ns, old->name);
	} else {
		autojson json_t *j = object_of(&w->source[ROW_ENDED], now);
		live_put_ended(w->live, j);
	}
	w->o.changed(w->o.arg);
}

static void on_change(void *arg, enum kube_change what, const struct kube_object *old, struct kube_object *now)
{
	struct source *s = arg;
	struct watch *w = s->w;
	char version[128];
	if (s->row == &rows[ROW_OLD]) {
		if (what != KUBE_DELETED)
			tell_foreign(w, now);
		return;
	}
	if (s->row == &rows[ROW_ENDED]) {
		on_ended(w, old, now, what == KUBE_DELETED);
		return;
	}
	w->budgets = w->budgets || s->row == &rows[ROW_BUDGETS];
	if (what == KUBE_UPDATED && same_for_us(old, now))
		return;
	if (w->live && s->row != &rows[ROW_BUDGETS]) {
		if (what == KUBE_DELETED) {
			live_drop(w->live, version_of(s->row->type, version), s->row->type->kind, old->ns, old->name);
		} else {
			autojson json_t *j = object_of(s, now);
			live_put(w->live, j);
		}
	}
	w->o.changed(w->o.arg);
}

struct watch *watch_new(struct role_run *r, const struct watch_options *o)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	w->o = *o;
	for (size_t i = 0; i < ROWS; i++) {
		struct source *s = &w->source[i];
		*s = (struct source){ w, &rows[i], NULL };
		struct kube_cache_options c = { .type = rows[i].type, .keep = rows[i].keep, .changed = on_change, .arg = s, .optional = rows[i].optional };
		c.select.fields = rows[i].fields;
		s->cache = role_cache_as(r, &c, rows[i].label ? rows[i].label : rows[i].type->plural);
	}
	return w;
}

void watch_free(struct watch *w)
{
	free(w);
}

void watch_feed(struct watch *w, struct live *l)
{
	w->live = l;
	w->budgets = true;
	for (size_t i = 0; l && i < ROWS; i++) {
		if (i == ROW_BUDGETS)
			continue;
		for (struct kube_object *o = kube_cache_next(w->source[i].cache, NULL); o; o = kube_cache_next(w->source[i].cache, o)) {
			if (i == ROW_OLD) {
				tell_foreign(w, o);
				continue;
			}
			autojson json_t *j = object_of(&w->source[i], o);
			if (i == ROW_ENDED)
				live_put_ended(l, j);
			else
				live_put(l, j);
		}
	}
}

void watch_settle(struct watch *w)
{
	if (!w->budgets || !w->live)
		return;
	autojson json_t *all = json_array();
	const struct source *s = &w->source[ROW_BUDGETS];
	w->budgets = false;
	for (struct kube_object *o = kube_cache_next(s->cache, NULL); o; o = kube_cache_next(s->cache, o))
		json_array_append_new(all, object_of(s, o));
	live_budgets(w->live, all);
}

const struct kube_type *watch_group_type(const char *version, enum group_dialect d)
{
	const struct kube_type *t = d == GROUP_OURS ? &type_gangs : d == GROUP_COSCHEDULING ? &type_coscheduling : &type_pod_groups_beta;
	return d == GROUP_UPSTREAM && strcmp(version, "scheduling.k8s.io/v1alpha2") == 0 ? &type_pod_groups_alpha : t;
}

const char *watch_pod_version(const struct watch *w, const char *ns, const char *name, const char *uid)
{
	const struct kube_object *o = kube_cache_get(w->source[ROW_PODS].cache, ns, name);
	return o && strcmp(o->uid, uid) == 0 ? o->version : NULL;
}

void watch_dump(const struct watch *w, const struct live *l, FILE *to)
{
	size_t n = 0;
	dump_open(to);
	for (size_t i = 0; i < ROWS; i++) {
		const struct source *s = &w->source[i];
		for (struct kube_object *o = kube_cache_next(s->cache, NULL); o && i != ROW_OLD && i != ROW_ENDED; o = kube_cache_next(s->cache, o)) {
			autojson json_t *j = object_of(s, o);
			const char *node = i == ROW_PODS && l ? live_assumed(l, o->ns, o->name) : NULL;
			if (node)
				json_put_str(json_object_get(j, "spec"), "nodeName", node);
			dump_item(to, &n, j);
		}
	}
	dump_close(to);
}

int watch_read(struct task *t, struct kube *k, json_t **list, struct err *err)
{
	autojson json_t *items = json_array();
	for (size_t i = 0; i < ROWS; i++) {
		struct kube_fail why = { 0 };
		struct kube_select select = { .fields = rows[i].fields };
		autojson json_t *array = NULL;
		if (i == ROW_OLD || i == ROW_ENDED)
			continue;
		int rc = kube_list(t, k, rows[i].type, &select, &array, &why, err);
		if (rc == E_NOTFOUND && rows[i].optional)
			continue;
		if (rc)
			return rc;
		json_array_extend(items, array);
	}
	*list = json_object();
	json_put_str(*list, "apiVersion", "v1");
	json_put_str(*list, "kind", "List");
	json_put_new(*list, "items", json_incref(items));
	return 0;
}
