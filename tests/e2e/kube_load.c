/* kube_load - many requests against the API server of $KUBECONFIG, 64 at once over HTTP/2, for benches.
 *   kube_load create [bind]      the objects of the List on standard input. bind: pods are bound as soon as they are there
 *   kube_load bind SCHEDULER     all waiting pods with that schedulerName, and nothing else: what to bind where is known before the clock
 *                                starts, a Binding has nothing but the pod's uid and the node. No scheduler can be faster by this client
 *   kube_load tell TEXT          all waiting pods are told that TEXT is why, and nothing else: no scheduler can be faster at that either
 *   kube_load delete [LABELS]    pods and upstream PodGroups at once, finalizers or not
 *   kube_load watch              of each pod, until something comes in on its standard input or that ends: "TIME NAME NODE REASON MESSAGE" when its
 *                                node or condition PodScheduled changes; TIME is CLOCK_MONOTONIC in seconds, what is not there "-"
 * Each but watch prints what it did: "N requests in S s". Nodes are taken in turn, in the order of their names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/cache.h"
#include "kube/client.h"
#include "tests/e2e/kube_tool.h"

enum { AT_ONCE = 64, INPUT_MAX = 1 << 30 };

/* Objects that some tasks hand on and others take, in order. */
struct line { json_t *objects; size_t next; bool ended; struct event more; };
static struct line made, waiting;                /* to be created; to be bound, or deleted */
static json_t *nodes;
static size_t turn, requests;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *meta(const json_t *o, const char *key) { return json_str(json_at(o, "metadata"), key); }

/* NULL: there are no more. */
static const json_t *take(struct task *t, struct line *l)
{
	struct err err;
	while (l->next >= json_array_size(l->objects) && !l->ended) {
		l->more.set = false;
		if (event_wait(t, &l->more, &err))
			return NULL;
	}
	return l->next < json_array_size(l->objects) ? json_array_get(l->objects, l->next++) : NULL;
}

/* --- workers ------------------------------------------------------------------------------------------------------------------ */

static int create(struct task *t, void *arg, struct err *err)
{
	const json_t *o;
	while ((o = take(t, &made))) {
		const struct kube_type *type = NULL;
		json_t *out = NULL;
		int rc = kube_type_find(t, k, json_str(o, "apiVersion"), json_str(o, "kind"), &type, err);
		if (rc)
			return rc;
		const struct kube_ref ref = { type, type->namespaced ? meta(o, "namespace") : NULL, meta(o, "name"), NULL };
		rc = kube_create(t, k, &ref, o, NULL, arg && strcmp(type->kind, "Pod") == 0 ? &out : NULL, NULL, err);
		if (rc)
			return rc;
		requests++;
		if (out) {
			json_array_append_new(waiting.objects, out);
			event_set(&waiting.more);
		}
	}
	return 0;
}

static int bind_pods(struct task *t, void *arg, struct err *err)
{
	const json_t *o;
	(void)arg;
	while ((o = take(t, &waiting))) {
		const char *node = meta(json_array_get(nodes, turn++ % json_array_size(nodes)), "name");
		int rc = kube_bind(t, k, meta(o, "namespace"), meta(o, "name"), meta(o, "uid"), node, NULL, NULL, err);
		if (rc)
			return rc;
		requests++;
	}
	return 0;
}

static int tell(struct task *t, void *arg, struct err *err)
{
	const json_t *o;
	while ((o = take(t, &waiting))) {
		const struct kube_ref ref = { &kube_pods, meta(o, "namespace"), meta(o, "name"), "status" };
		autojson json_t *patch = json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s, s:s}]}}", "metadata", "uid", meta(o, "uid"), "status", "conditions",
						   "type", "PodScheduled", "status", "False", "reason", "Unschedulable", "message", (const char *)arg);
		int rc = kube_patch(t, k, &ref, KUBE_STRATEGIC, patch, NULL, NULL, NULL, err);
		if (rc)
			return rc;
		requests++;
	}
	return 0;
}

static int delete(struct task *t, void *arg, struct err *err)
{
	const struct kube_type *type = arg;
	const json_t *o;
	while ((o = take(t, &waiting))) {
		const struct kube_ref ref = { type, meta(o, "namespace"), meta(o, "name"), NULL };
		const struct kube_delete at_once = { .grace_s = -1 };
		int rc = kube_delete(t, k, &ref, &at_once, NULL, err);
		if (rc && rc != E_NOTFOUND)
			return rc;
		requests++;
		if (rc || !json_array_size(json_at(json_at(o, "metadata"), "finalizers")))
			continue;
		autojson json_t *free_it = json_pack("{s:{s:n}}", "metadata", "finalizers");
		rc = kube_patch(t, k, &ref, KUBE_MERGE, free_it, NULL, NULL, NULL, err);
		if (rc && rc != E_NOTFOUND)
			return rc;
		requests++;
	}
	return 0;
}

static int work(struct task *t, task_fn *fn, void *arg, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < AT_ONCE; i++)
		scope_start(s, "work", fn, arg);
	return scope_join(t, s, err);
}

/* --- commands ----------------------------------------------------------------------------------------------------------------- */

static int read_nodes(struct task *t, struct err *err)
{
	int rc = kube_list(t, k, &kube_nodes, NULL, &nodes, NULL, err);
	return rc ? rc : json_array_size(nodes) ? 0 : err_set(err, E_INPUT, "there are no nodes");
}

static void done(double since)
{
	printf("%zu requests in %.3f s\n", requests, now_s() - since);
}

static int creates(struct task *t, void *arg, struct err *err)
{
	autojson json_t *list = NULL;
	int rc = json_read_input("-", INPUT_MAX, &list, err);
	if (rc == 0 && arg)
		rc = read_nodes(t, err);
	if (rc)
		return rc;
	made = (struct line){ .objects = json_ref(json_at(list, "items")), .ended = true };
	waiting.objects = json_array();
	struct scope *s = scope_open(t, 0);
	double began = now_s();
	for (int i = 0; arg && i < AT_ONCE; i++)
		scope_start(s, "bind", bind_pods, NULL);
	rc = work(t, create, arg, err);
	waiting.ended = true;
	event_set(&waiting.more);
	int joined = scope_join(t, s, rc ? NULL : err);
	done(began);
	return rc ? rc : joined;
}

/* FN for all pods that wait and have these FIELDS. */
static int for_waiting(struct task *t, const char *fields, task_fn *fn, void *arg, struct err *err)
{
	int rc = kube_list(t, k, &kube_pods, &(struct kube_select){ .fields = fields }, &waiting.objects, NULL, err);
	if (rc)
		return rc;
	waiting.ended = true;
	double began = now_s();
	rc = work(t, fn, arg, err);
	done(began);
	return rc;
}

static int binds(struct task *t, void *arg, struct err *err)
{
	autofree char *fields = xasprintf("spec.schedulerName=%s,spec.nodeName=", (const char *)arg);
	int rc = read_nodes(t, err);
	return rc ? rc : for_waiting(t, fields, bind_pods, NULL, err);
}

static int tells(struct task *t, void *arg, struct err *err)
{
	return for_waiting(t, "spec.nodeName=", tell, arg, err);
}

static int deletes(struct task *t, void *arg, struct err *err)
{
	static const struct kube_type groups = { .group = "scheduling.k8s.io", .version = "v1alpha2", .kind = "PodGroup", .plural = "podgroups", .namespaced = true };
	const struct kube_type *const types[] = { &kube_pods, &groups };
	double began = now_s();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(types); i++) {
		waiting = (struct line){ .ended = true };
		rc = kube_list(t, k, types[i], &(struct kube_select){ .labels = arg }, &waiting.objects, NULL, err);
		rc = rc ? rc : work(t, delete, (void *)types[i], err);
		json_decref(waiting.objects);
	}
	waiting.objects = NULL;
	done(began);
	return rc;
}

/* --- watch -------------------------------------------------------------------------------------------------------------------- */

static doc_val scheduled(doc_val pod)
{
	doc_val all = doc_path(pod, "status", "conditions", NULL);
	for (doc_val c = doc_first(all); c; c = doc_next(all, c)) {
		const char *type = doc_str_at(c, "type");
		if (type && strcmp(type, "PodScheduled") == 0)
			return c;
	}
	return NULL;
}

static bool same(doc_val a, doc_val b) { return a && b ? doc_same(a, b) : a == b; }
static const char *or_none(const char *text) { return text && *text ? text : "-"; }

static void changed(void *arg, enum kube_change what, const struct kube_object *old, struct kube_object *now)
{
	(void)arg;
	if (what == KUBE_DELETED)
		return;
	doc_val pod = kube_object_at(now), was = old ? kube_object_at(old) : NULL, c = scheduled(pod), node = doc_path(pod, "spec", "nodeName", NULL);
	if (old && same(c, scheduled(was)) && same(node, doc_path(was, "spec", "nodeName", NULL)))
		return;
	printf("%.6f %s %s %s %s\n", now_s(), now->name, or_none(doc_str(node)), or_none(doc_str_at(c, "reason")), or_none(doc_str_at(c, "message")));
	fflush(stdout);
}

static int watch(struct task *t, void *arg, struct err *err)
{
	static const char *const keep[] = { "spec.nodeName", "status.conditions.type", "status.conditions.reason", "status.conditions.message", NULL };
	(void)arg;
	struct kube_cache *cache = kube_cache_new(k, &(struct kube_cache_options){ .type = &kube_pods, .keep = keep, .changed = changed });
	struct scope *s = scope_open(t, 0);
	kube_cache_start(cache, s);
	stop_on_input(t, s);
	int rc = scope_join(t, s, err);
	kube_cache_free(cache);
	return rc == E_CANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; task_fn *fn; } commands[] = { { "create", creates }, { "bind", binds }, { "tell", tells }, { "delete", deletes }, { "watch", watch } };
	task_fn *fn = NULL;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
			fn = commands[i].fn;
	if (!fn || ((fn == binds || fn == tells) && argc < 3))
		return 64;
	int status = tool_run(fn, argc > 2 ? argv[2] : NULL, LOG_WARN);
	json_decref(made.objects);
	json_decref(waiting.objects);
	json_decref(nodes);
	return status;
}
