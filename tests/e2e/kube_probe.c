/* kube_probe - drives kube/ against the API server of $KUBECONFIG, for kube-client.sh.
 *   kube_probe verbs        every verb once, checked; prints a line for each
 *   kube_probe watch NS     caches the ConfigMaps of NS; a line for each change and sync, until something comes in on its standard input
 *   kube_probe load N       N ConfigMaps created and deleted, 100 at once
 *   kube_probe lease NAME   a candidate for the Lease default/e2e (6, 4 and 1 s): "NAME held" and "NAME lost" with the time in ms, until
 *                           something comes in on its standard input
 *   kube_probe tell N       N different events about the pod default/p, three times each, and the recorder's numbers
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/cache.h"
#include "kube/client.h"
#include "kube/events.h"
#include "kube/lease.h"
#include "tests/e2e/kube_tool.h"

#define MUST(call) do { if ((call) != 0) { printf("FAILED line %d: %s\n", __LINE__, err->msg); return E_INTERNAL; } } while (0)
#define WANT(code, call) do { int got_ = (call); if (got_ != (code)) { printf("FAILED line %d: %d, not %d: %s\n", __LINE__, got_, (code), err->msg); return E_INTERNAL; } } while (0)
#define CHECK(cond) do { if (!(cond)) { printf("FAILED line %d: %s\n", __LINE__, #cond); return E_INTERNAL; } } while (0)

static json_t *map(const char *name, const char *key, const char *value)
{
	return json_pack("{s:s,s:s,s:{s:s},s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name, "data", key, value);
}

static const char *data(const json_t *j, const char *key) { return json_str(json_at(j, "data"), key); }

static int one_object(struct task *t, struct err *err)
{
	struct kube_ref r = { &kube_configmaps, "default", "probe", NULL };
	autojson json_t *a = map("probe", "k", "1"), *made = NULL, *read = NULL, *put = NULL, *merged = NULL, *patched = NULL;
	struct kube_fail why;
	MUST(kube_create(t, k, &r, a, &(struct kube_write){ .dry_run = true }, &made, NULL, err));
	WANT(E_NOTFOUND, kube_get(t, k, &r, &read, &why, err));
	CHECK(why.status == 404 && strcmp(why.reason, "NotFound") == 0);
	printf("dry run stored nothing: %s\n", err->msg);
	json_decref(made);
	MUST(kube_create(t, k, &r, a, NULL, &made, NULL, err));
	WANT(E_CONFLICT, kube_create(t, k, &r, a, NULL, NULL, &why, err));
	CHECK(strcmp(why.reason, "AlreadyExists") == 0);
	MUST(kube_get(t, k, &r, &read, NULL, err));
	json_object_set_new(json_object_get(read, "data"), "k", json_string("2"));
	MUST(kube_update(t, k, &r, read, NULL, &put, NULL, err));
	CHECK(strcmp(data(put, "k"), "2") == 0);
	WANT(E_CONFLICT, kube_update(t, k, &r, read, NULL, NULL, &why, err));
	printf("an old version is refused: %s\n", err->msg);
	autojson json_t *merge = json_pack("{s:{s:s}}", "data", "m", "3"), *steps = json_pack("[{s:s,s:s,s:s}]", "op", "replace", "path", "/data/m", "value", "4");
	MUST(kube_patch(t, k, &r, KUBE_MERGE, merge, NULL, &merged, NULL, err));
	CHECK(strcmp(data(merged, "m"), "3") == 0 && strcmp(data(merged, "k"), "2") == 0);
	MUST(kube_patch(t, k, &r, KUBE_JSON, steps, NULL, &patched, NULL, err));
	CHECK(strcmp(data(patched, "m"), "4") == 0);
	MUST(kube_patch(t, k, &r, KUBE_STRATEGIC, merge, NULL, NULL, NULL, err));
	WANT(E_CONFLICT, kube_delete(t, k, &r, &(struct kube_delete){ .uid = "not-this-one" }, &why, err));
	printf("another uid is not deleted: %s\n", err->msg);
	MUST(kube_delete(t, k, &r, &(struct kube_delete){ .uid = json_str(json_at(read, "metadata"), "uid"), .propagation = "Background" }, NULL, err));
	WANT(E_NOTFOUND, kube_delete(t, k, &r, NULL, NULL, err));
	return 0;
}

static int applies(struct task *t, struct err *err)
{
	struct kube_ref r = { &kube_configmaps, "default", "applied", NULL };
	autojson json_t *a = map("applied", "k", "1"), *b = map("applied", "k", "2"), *got = NULL;
	struct kube_fail why;
	char manager[128];
	MUST(kube_apply(t, k, &r, a, NULL, NULL, NULL, err));
	WANT(E_CONFLICT, kube_apply(t, k, &r, b, &(struct kube_write){ .manager = "other" }, NULL, &why, err));
	CHECK(why.n_causes == 1);
	kube_fail_manager(&why.causes[0], manager);
	printf("conflict: field %s of manager %s\n", why.causes[0].field, manager);
	MUST(kube_apply(t, k, &r, b, &(struct kube_write){ .manager = "other", .force = true }, &got, NULL, err));
	CHECK(strcmp(data(got, "k"), "2") == 0);
	autojson json_t *typo = json_pack("{s:s,s:s,s:{s:s},s:{}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", "applied", "dta");
	WANT(E_INPUT, kube_apply(t, k, &r, typo, &(struct kube_write){ .strict = true }, NULL, &why, err));
	printf("strict: %s\n", err->msg);
	MUST(kube_delete(t, k, &r, NULL, NULL, err));
	return 0;
}

static int pods(struct task *t, struct err *err)
{
	struct kube_ref node = { &kube_nodes, NULL, "n1", NULL }, pod = { &kube_pods, "default", "p1", NULL }, status = { &kube_pods, "default", "p1", "status" };
	autojson json_t *n = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "Node", "metadata", "name", "n1"), *bound = NULL, *made = NULL;
	autojson json_t *p = json_pack("{s:s,s:s,s:{s:s},s:{s:[{s:s,s:s}]}}", "apiVersion", "v1", "kind", "Pod", "metadata", "name", "p1", "spec",
				       "containers", "name", "c", "image", "i");
	autojson json_t *rank = json_pack("{s:s}", "aipc.dev/rank", "3");
	autojson json_t *cond = json_pack("{s:{s:[{s:s,s:s,s:s}]}}", "status", "conditions", "type", "Ready", "status", "False", "reason", "Probe");
	MUST(kube_create(t, k, &node, n, NULL, NULL, NULL, err));
	MUST(kube_create(t, k, &pod, p, NULL, &made, NULL, err));
	WANT(E_CONFLICT, kube_bind(t, k, "default", "p1", "not-this-one", "n1", rank, NULL, err));
	MUST(kube_bind(t, k, "default", "p1", json_str(json_at(made, "metadata"), "uid"), "n1", rank, NULL, err));
	WANT(E_CONFLICT, kube_bind(t, k, "default", "p1", NULL, "n1", NULL, NULL, err));
	printf("bound once: %s\n", err->msg);
	MUST(kube_patch(t, k, &status, KUBE_STRATEGIC, cond, NULL, NULL, NULL, err));
	MUST(kube_get(t, k, &pod, &bound, NULL, err));
	CHECK(strcmp(json_str(json_at(bound, "spec"), "nodeName"), "n1") == 0);
	CHECK(strcmp(json_str(json_at(json_at(bound, "metadata"), "annotations"), "aipc.dev/rank"), "3") == 0);
	autojson json_t *budget = json_pack("{s:s,s:s,s:{s:s},s:{s:i,s:{}}}", "apiVersion", "policy/v1", "kind", "PodDisruptionBudget", "metadata", "name",
					    "all", "spec", "minAvailable", 1, "selector");
	MUST(kube_create(t, k, &(struct kube_ref){ &kube_pdbs, "default", "all", NULL }, budget, NULL, NULL, NULL, err));
	autojson json_t *ready = json_pack("{s:{s:s,s:[{s:s,s:s}]}}", "status", "phase", "Running", "conditions", "type", "Ready", "status", "True");
	MUST(kube_patch(t, k, &status, KUBE_STRATEGIC, ready, NULL, NULL, NULL, err));
	WANT(E_BUSY, kube_evict(t, k, "default", "p1", NULL, -1, NULL, err));
	printf("a budget forbids eviction: %s\n", err->msg);
	MUST(kube_delete(t, k, &(struct kube_ref){ &kube_pdbs, "default", "all", NULL }, NULL, NULL, err));
	MUST(kube_evict(t, k, "default", "p1", NULL, -1, NULL, err));
	WANT(E_NOTFOUND, kube_get(t, k, &pod, NULL, NULL, err));
	MUST(kube_delete(t, k, &node, NULL, NULL, err));
	return 0;
}

static int lists(struct task *t, struct err *err)
{
	autojson json_t *all = NULL, *some = NULL, *version = NULL;
	const struct kube_type *type = NULL;
	bool served = true;
	for (int i = 0; i < 7; i++) {
		char name[16];
		snprintf(name, sizeof(name), "page-%d", i);
		autojson json_t *m = map(name, "k", "v");
		json_put_new(json_object_get(m, "metadata"), "labels", json_pack("{s:s}", "probe", i % 2 ? "odd" : "even"));
		MUST(kube_create(t, k, &(struct kube_ref){ &kube_configmaps, "default", name, NULL }, m, NULL, NULL, NULL, err));
	}
	MUST(kube_list(t, k, &kube_configmaps, &(struct kube_select){ .ns = "default", .limit = 2, .labels = "probe" }, &all, NULL, err));
	CHECK(json_array_size(all) == 7 && json_str(json_array_get(all, 0), "kind"));
	MUST(kube_list(t, k, &kube_configmaps, &(struct kube_select){ .ns = "default", .labels = "probe=odd" }, &some, NULL, err));
	CHECK(json_array_size(some) == 3);
	MUST(kube_type_find(t, k, "apps/v1", "Deployment", &type, err));
	CHECK(strcmp(type->plural, "deployments") == 0 && type->namespaced && (type->verbs & KUBE_HAS_STATUS) && (type->verbs & KUBE_CAN_PATCH));
	WANT(E_NOTFOUND, kube_type_find(t, k, "nowhere.dev/v1", "Thing", &type, err));
	printf("%s\n", err->msg);
	MUST(kube_served(t, k, "scheduling.k8s.io", "v1alpha2", "podgroups", &served, err));
	CHECK(served);
	MUST(kube_version(t, k, &version, err));
	printf("server %s\n", json_str(version, "gitVersion"));
	return 0;
}

static int verbs(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	MUST(one_object(t, err));
	MUST(applies(t, err));
	MUST(pods(t, err));
	MUST(lists(t, err));
	printf("all verbs work\n");
	return 0;
}

/* --- watch --------------------------------------------------------------------------------------------------------------------- */

static struct kube_cache *cache;

static void changed(void *arg, enum kube_change what, const struct kube_object *old, struct kube_object *now)
{
	static const char *const names[] = { "added", "updated", "deleted" };
	const struct kube_object *o = now ? now : old;
	(void)arg;
	const char *value = doc_str(doc_path(kube_object_at(o), "data", "k", NULL));
	printf("%s %s %s\n", names[what], o->name, value ? value : "-");
	fflush(stdout);
}

static void synced(void *arg, bool again)
{
	(void)arg;
	printf("%s %zu\n", again ? "again" : "synced", kube_cache_count(cache));
	fflush(stdout);
}

static int watch(struct task *t, void *arg, struct err *err)
{
	static const char *const keep[] = { "data.k", NULL };
	cache = kube_cache_new(k, &(struct kube_cache_options){ .type = &kube_configmaps, .select.ns = arg, .keep = keep, .changed = changed, .synced = synced });
	struct scope *s = scope_open(t, 0);
	kube_cache_start(cache, s);
	stop_on_input(t, s);
	int rc = scope_join(t, s, err);
	struct kube_cache_stats n = kube_cache_stats(cache);
	printf("lists %" PRIu64 " watches %" PRIu64 " expired %" PRIu64 " errors %" PRIu64 " objects %zu streaming %d %s\n", n.lists, n.watches, n.expired,
	       n.errors, n.objects, n.streaming, n.last_error);
	kube_cache_free(cache);
	return rc;
}

/* --- load ---------------------------------------------------------------------------------------------------------------------- */

static int make_one(struct task *t, void *arg, struct err *err)
{
	struct kube_ref r = { &kube_configmaps, "default", arg, NULL };
	autojson json_t *m = map(arg, "k", "v");
	MUST(kube_create(t, k, &r, m, NULL, NULL, NULL, err));
	MUST(kube_delete(t, k, &r, NULL, NULL, err));
	return 0;
}

static int load(struct task *t, void *arg, struct err *err)
{
	int n = atoi(arg);
	char (*names)[24] = xcalloc((size_t)n, sizeof(*names));
	struct scope *s = scope_open(t, 100);
	int64_t began = clock_now_ms();
	int rc = 0;
	for (int i = 0; i < n && rc == 0; i++) {
		snprintf(names[i], sizeof(names[i]), "load-%d", i);
		rc = scope_spawn(t, s, "load", make_one, names[i], err);
	}
	int joined = scope_join(t, s, err);
	int64_t ms = clock_now_ms() - began;
	printf("%d requests in %" PRId64 " ms\n", 2 * n, ms);
	free(names);
	return rc ? rc : joined;
}

/* --- lease, events -------------------------------------------------------------------------------------------------------------- */

static void elected(void *arg, bool held)
{
	printf("%s %s %" PRId64 "\n", (const char *)arg, held ? "held" : "lost", clock_wall_ms());
	fflush(stdout);
}

static int candidate(struct task *t, void *arg, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	struct lease *l = lease_new(k, &(struct lease_options){ .ns = "default", .name = "e2e", .identity = arg, .lease_ms = 6000, .renew_ms = 4000,
								.retry_ms = 1000, .changed = elected, .arg = arg });
	lease_start(l, s);
	stop_on_input(t, s);
	int rc = scope_join(t, s, err);
	lease_free(l);
	return rc;
}

static int tell(struct task *t, void *arg, struct err *err)
{
	struct kube_about pod = { "v1", "Pod", "default", "p", "uid-of-p" };
	struct kube_recorder *r = kube_recorder_new(k, "aipc.dev/probe", "probe-0");
	struct scope *s = scope_open(t, 0);
	int n = atoi(arg);
	for (int i = 0; i < 3 * n; i++)
		kube_tell(r, &pod, i % 2, "Probed", "Probing", "note %d", i / 3);
	kube_recorder_start(r, s);
	scope_cancel(s);
	int rc = scope_join(t, s, err);
	struct kube_recorder_stats st = kube_recorder_stats(r);
	printf("told %" PRIu64 " sent %" PRIu64 " merged %" PRIu64 " failed %" PRIu64 " dropped %" PRIu64 " waiting %zu\n", st.told, st.sent, st.merged,
	       st.failed, st.dropped, st.waiting);
	kube_recorder_free(r);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; task_fn *fn; } commands[] = { { "verbs", verbs }, { "watch", watch }, { "load", load },
								       { "lease", candidate }, { "tell", tell } };
	task_fn *fn = NULL;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
			fn = commands[i].fn;
	if (!fn || argc < 2)
		return 64;
	return tool_run(fn, argc > 2 ? argv[2] : NULL, getenv("PROBE_DEBUG") ? LOG_DEBUG : LOG_INFO);
}
