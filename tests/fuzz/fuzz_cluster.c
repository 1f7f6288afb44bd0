/* What a cluster may hold. The input is a list of edits to the small cluster below: any value anywhere becomes another, goes, comes twice or
 * takes the place of one from elsewhere. Scheduler and controllers then decide on it. They must end, twice with the same words; no
 * placed pod may want more than its node has, and a group is placed with its minimum or not at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runtime/controllers/decide.h"
#include "runtime/scheduler/filter.h"
#include "runtime/scheduler/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EDITS = 48, STEPS = 12, VALUES_MAX = 20000 };

/* Every kind and most fields that the roles read; ' stands for ", ` for \". */
static const char cluster[] =
#include "tests/fuzz/cluster.inc"
;

static const char *const texts[] = {
	"", "a", "0", "1", "-1", "8", "100m", "1.5", "1e3", "1Ei", "64Gi", "9223372036854775807", "9223372036854775808", "1n", "x", "*",
	"n1", "n2", "n3", "n4", "n9", "leaf", "rack", "host", "spine-group", "cluster", "no-such-level", "default", "team", "job", "gang", "workers",
	"nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "cpu", "memory", "pods", "kubernetes.io/hostname", "aipc.dev/leaf", "aipc.dev/rank",
	"NoSchedule", "NoExecute", "PreferNoSchedule", "Exists", "Equal", "In", "NotIn", "DoesNotExist", "Gt", "Lt", "True", "False", "Unknown",
	"Running", "Pending", "Succeeded", "Never", "DoNotSchedule", "ScheduleAnyway", "Ignore", "Honor", "Always", "TCP", "::", "0.0.0.0",
	"2026-11-25T10:00:00Z", "2026-11-25T09:00:00+02:00", "1969-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "79", "79@2026-11-25T10:00:00Z", "63,94,999999",
	"v1", "Node", "Pod", "PodGroup", "Gang", "SparePool", "NodeHealthPolicy", "FabricTopology", "List", "PersistentVolume", "Infeasible",
	"{\"reason\":\"x\",\"since\":\"2026-11-25T09:00:00Z\"}", "[]", "\xc3\xa9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};
static const char *const keys[] = {
	"metadata", "name", "namespace", "uid", "labels", "annotations", "deletionTimestamp", "creationTimestamp", "finalizers", "ownerReferences", "spec", "status",
	"nodeName", "nodeSelector", "affinity", "tolerations", "containers", "initContainers", "restartPolicy", "resources", "requests", "limits", "overhead", "ports",
	"hostNetwork", "schedulingGates", "priority", "priorityClassName", "preemptionPolicy", "topologySpreadConstraints", "volumes", "schedulingGroup",
	"resourceClaims", "min", "required", "preferred", "slices", "groups", "spread", "parent", "level", "size", "replacements", "taints", "unschedulable",
	"allocatable", "capacity", "conditions", "type", "phase", "items", "kind", "apiVersion", "aipc.dev/gang", "aipc.dev/group", "aipc.dev/rank", "aipc.dev/spare", "aipc.dev/movable", "controller",
	"aipc.dev/xid", "aipc.dev/fence", "aipc.dev/guard-note", "aipc.dev/repaired", "aipc.dev/unhealthy", "aipc.dev/plan", "scheduling.x-k8s.io/pod-group",
	"kueue.x-k8s.io/pod-group-name", "kueue.x-k8s.io/pod-group-total-count", "kueue.x-k8s.io/podset-required-topology", "kueue.x-k8s.io/podset-slice-size",
};

struct bytes { const uint8_t *at; size_t len; };

static unsigned take(struct bytes *b)
{
	if (!b->len)
		return 0;
	b->len--;
	return *b->at++;
}

static json_t *any_value(struct bytes *b)
{
	static const double reals[] = { 0.5, -1.5, 1e300, 9.3e18 };
	static const json_int_t whole[] = { 0, 1, -1, 2, 3, 8, 100, 1000000, INT32_MAX, INT64_MAX, INT64_MIN };
	unsigned v = take(b);
	switch (v % 8) {
	case 0: return json_integer(whole[v / 8 % ARRAY_LEN(whole)]);
	case 1: return json_real(reals[v / 8 % ARRAY_LEN(reals)]);
	case 2: return json_boolean(v / 8 % 2);
	case 3: return v / 8 % 3 == 0 ? json_null() : v / 8 % 3 == 1 ? json_array() : json_object();
	default: return json_string(texts[(v / 8 + take(b)) % ARRAY_LEN(texts)]);
	}
}

/* Walks down as the bytes say; *PARENT holds what it ends at, under *KEY or at *INDEX. */
static json_t *walk(struct bytes *b, json_t *root, json_t **parent, const char **key, size_t *index)
{
	json_t *at = root;
	*parent = NULL;
	for (unsigned steps = 1 + take(b) % STEPS; steps; steps--) {
		size_t n = json_is_array(at) ? json_array_size(at) : json_object_size(at), pick;
		if (!n)
			break;
		pick = take(b) % n;
		*parent = at;
		if (json_is_array(at)) {
			*index = pick;
			at = json_array_get(at, pick);
			continue;
		}
		void *it = json_object_iter(at);
		while (pick--)
			it = json_object_iter_next(at, it);
		*key = json_object_iter_key(it);
		at = json_object_iter_value(it);
	}
	return at;
}

static void put(json_t *parent, const char *key, size_t index, json_t *value)
{
	if (json_is_array(parent))
		json_array_set_new(parent, index, value);
	else
		json_object_set_new(parent, key, value);
}

static void edit(struct bytes *b, json_t *root)
{
	json_t *parent;
	const char *key = "";
	size_t index = 0;
	unsigned what = take(b);
	json_t *at = walk(b, root, &parent, &key, &index), *other;
	if (!parent)
		return;
	switch (what % 6) {
	case 0:
	case 1:
		put(parent, key, index, any_value(b));
		break;
	case 2:
		if (json_is_array(parent))
			json_array_remove(parent, index);
		else
			json_object_del(parent, key);
		break;
	case 3:
		if (json_is_array(parent))
			json_array_append_new(parent, json_deep_copy(at));
		else
			json_object_set_new(parent, keys[take(b) % ARRAY_LEN(keys)], any_value(b));
		break;
	case 4:
		if (json_is_object(at))
			json_object_set_new(at, keys[take(b) % ARRAY_LEN(keys)], any_value(b));
		else if (json_is_array(at))
			json_array_append_new(at, any_value(b));
		break;
	default:
		other = walk(b, root, &(json_t *){ NULL }, &(const char *){ NULL }, &(size_t){ 0 });
		put(parent, key, index, json_deep_copy(other));
	}
}

static size_t values(const json_t *j)
{
	size_t n = 1, i;
	const char *key;
	json_t *v;
	if (json_is_array(j))
		json_array_foreach(j, i, v)
			n += values(v);
	else
		json_object_foreach((json_t *)j, key, v)
			n += values(v);
	return n;
}

static bool all(const struct pod *p, void *arg)
{
	(void)p;
	(void)arg;
	return true;
}

static int64_t amount_of(const struct amounts *a, sym res)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->at[i].res == res)
			return a->at[i].n;
	return 0;
}

/* A pod is let in by what it wants; what it says to use already, while it runs nowhere, is nobody's fault but its own. */
static void check_room(const struct pod *p)
{
	const struct node *n = p->node;
	if ((int64_t)n->pods.len > n->max_pods)
		abort();
	for (uint32_t i = 0; i < p->wants.n; i++) {
		sym res = p->wants.at[i].res;
		__int128 sum = 0;
		for (size_t k = 0; k < n->pods.len; k++)
			sum += amount_of(n->pods.at[k]->assumed ? &n->pods.at[k]->wants : &n->pods.at[k]->uses, res);
		if (sum > amount_of(&n->has, res))
			abort();
	}
}

static void check_group(const struct group *g)
{
	size_t placed = 0;
	for (size_t i = 0; i < g->waiting.len; i++)
		placed += g->waiting.at[i]->assumed;
	if (!placed || !g->together || g->children.len)
		return;
	if (g->min ? (int64_t)(placed + g->bound.len) < g->min : placed < g->waiting.len)
		abort();
}

static void say(struct str *s, const struct model *m, const struct engine *e)
{
	size_t n;
	const struct pending *rows = engine_pending(e, &n);
	for (size_t i = 0; i < m->pods.len; i++) {
		const struct pod *p = m->pods.at[i];
		if (!p->assumed)
			continue;
		check_room(p);
		if (p->group)
			check_group(p->group);
		str_addf(s, "%s on %s rank %lld\n", p->key, p->node->text, (long long)p->rank);
	}
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].reasons.len)
			abort();
		str_addf(s, "%s: %s\n", rows[i].pod->key, rows[i].reasons.at[0]);
	}
}

static void schedule(const json_t *list, struct str *s)
{
	struct err err;
	struct model *m = model_new();
	if (model_add(m, list, &err) == 0) {
		model_settle(m);
		for (size_t i = 0; i < m->pods.len; i++) {
			if (m->pods.at[i]->node_name)
				continue;
			struct filter *f = filter_open(m, m->pods.at[i]);
			for (size_t k = 0; k < m->nodes.len; k++)
				(void)filter_node(f, m->nodes.at[k]);
			filter_close(f);
		}
		struct engine *e = engine_new(m, all, NULL);
		struct engine_rules rules = engine_default_rules;
		rules.moves = 8;
		engine_set_rules(e, &rules);
		engine_run(e);
		say(s, m, e);
		engine_free(e);
	}
	model_free(m);
}

static void control(const json_t *list, struct str *s)
{
	static json_t *(*const decide[])(const struct fleet *) = { health_decide, guard_decide, swap_decide, pools_decide, topologies_decide, undo_decide, marks_decide };
	struct err err;
	int64_t due = INT64_MAX;
	struct fleet *f = fleet_new(time_parse("2026-11-25T10:05:00Z"));
	f->due_ms = &due;
	if (fleet_add(f, list, &err) == 0) {
		fleet_settle(f);
		for (size_t i = 0; i < ARRAY_LEN(decide); i++) {
			autojson json_t *j = decide[i](f);
			json_write(j, 0, s);
		}
		if (due <= f->now_ms)
			abort();
	}
	fleet_free(f);
}

static json_t *base_cluster(void)
{
	struct err err;
	struct str text;
	json_t *j = NULL;
	str_init(&text, STR_OURS);
	for (const char *c = cluster; *c; c++)
		str_add(&text, *c == '\'' ? "\"" : *c == '`' ? "\\\"" : (char[]){ *c, 0 });
	if (json_parse(text.at, text.len, "cluster", &j, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	str_release(&text);
	return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *base;
	if (!base) {
		json_setup();
		base = base_cluster();
	}
	autojson json_t *list = json_deep_copy(base);
	struct bytes b = { data, size };
	for (int i = 0; i < EDITS && b.len; i++)
		edit(&b, list);
	if (values(list) > VALUES_MAX)
		return 0;
	struct str once, again;
	str_init(&once, STR_OURS);
	str_init(&again, STR_OURS);
	schedule(list, &once);
	control(list, &once);
	schedule(list, &again);
	control(list, &again);
	if (once.len != again.len || memcmp(once.at, again.at, once.len) != 0)
		abort();
	str_release(&once);
	str_release(&again);
	return 0;
}
