#include "runtime/scheduler/resources.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/scheduler/quantity.h"

enum { MAX_RESOURCES = 64 };

/* Exact amounts while they are summed. */
struct sums {
	struct { sym res; nano_t n; } at[MAX_RESOURCES];
	uint32_t n;
};
struct count { struct model *m; const char *problem; bool limits_only; };

static nano_t *slot(struct count *c, struct sums *s, sym res)
{
	static nano_t overflow;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->at[i].res == res)
			return &s->at[i].n;
	if (s->n == MAX_RESOURCES) {
		c->problem = "it names more than 64 kinds of resources";
		return &overflow;
	}
	s->at[s->n].res = res;
	s->at[s->n].n = 0;
	return &s->at[s->n++].n;
}

static bool has(const struct sums *s, sym res)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->at[i].res == res)
			return true;
	return false;
}

static void add(struct count *c, struct sums *to, const struct sums *from)
{
	for (uint32_t i = 0; i < from->n; i++) {
		nano_t *n = slot(c, to, from->at[i].res);
		*n = *n + from->at[i].n > NANO_MAX ? NANO_MAX : *n + from->at[i].n;
	}
}

static void raise_to(struct count *c, struct sums *to, const struct sums *from)
{
	for (uint32_t i = 0; i < from->n; i++) {
		nano_t *n = slot(c, to, from->at[i].res);
		if (*n < from->at[i].n)
			*n = from->at[i].n;
	}
}

/* What an API server makes of a quantity: no finer than thousandths, rounded up. */
static nano_t as_stored(nano_t n)
{
	const nano_t milli = NANO / 1000;
	nano_t up = n / milli * milli + (n % milli > 0 ? milli : 0);
	return up > NANO_MAX ? NANO_MAX : up;
}

/* Reads a resource list; ONLY_NEW keeps what is there. */
static void read_list(struct count *c, struct sums *to, const json_t *list, bool only_new)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)list, name, value) {
		nano_t n = 0;
		sym res = intern(c->m->names, name);
		enum quantity_result r = quantity_json(value, &n);
		if (r != QUANTITY_OK || n < 0) {
			autofree char *text = json_dumps(value, JSON_ENCODE_ANY);
			c->problem = arena_printf(c->m->arena, "its %.80s quantity %.60s %s", name, text ? text : "?",
						  r == QUANTITY_BAD ? "cannot be read" : n < 0 ? "is negative" : "is beyond 63 bits");
			n = n < 0 ? 0 : n;
		}
		if (!only_new || !has(to, res))
			*slot(c, to, res) = as_stored(n);
	}
}

static const json_t *status_of(const json_t *pod, const char *name)
{
	static const char *const lists[] = { "containerStatuses", "initContainerStatuses" };
	const json_t *found = NULL;
	for (size_t l = 0; l < ARRAY_LEN(lists) && name; l++) {
		size_t i;
		json_t *s;
		json_array_foreach(json_path(pod, "status", lists[l], NULL), i, s)
			if (json_str(s, "name") && strcmp(json_str(s, "name"), name) == 0)
				found = s;
	}
	return found;
}

static bool resize_infeasible(const json_t *pod)
{
	size_t i;
	json_t *cond;
	json_array_foreach(json_path(pod, "status", "conditions", NULL), i, cond) {
		const char *type = json_str(cond, "type"), *reason = json_str(cond, "reason");
		if (type && reason && strcmp(type, "PodResizePending") == 0 && strcmp(reason, "Infeasible") == 0)
			return true;
	}
	return false;
}

/* What counts of SPEC where the kubelet has said what it runs with. */
static void effective(struct count *c, const json_t *pod, struct sums *spec, const json_t *actual, const json_t *allocated)
{
	struct sums a = { 0 }, b = { 0 };
	read_list(c, &a, actual, false);
	read_list(c, &b, allocated, false);
	raise_to(c, &a, &b);
	if (!resize_infeasible(pod))
		raise_to(c, &a, spec);
	*spec = a;
}

static void read_container(struct count *c, const json_t *pod, const json_t *container, bool with_status, struct sums *out)
{
	*out = (struct sums){ 0 };
	if (!c->limits_only)
		read_list(c, out, json_path(container, "resources", "requests", NULL), false);
	read_list(c, out, json_path(container, "resources", "limits", NULL), true);
	const json_t *status = with_status ? status_of(pod, json_str(container, "name")) : NULL;
	if (json_is_object(json_at(status, "resources")))
		effective(c, pod, out, json_path(status, "resources", "requests", NULL), json_at(status, "allocatedResources"));
}

static bool is_sidecar(const json_t *container)
{
	const char *policy = json_str(container, "restartPolicy");
	return policy && strcmp(policy, "Always") == 0;
}

static void sum_containers(struct count *c, const json_t *pod, bool running, struct sums *out)
{
	struct sums one, sidecars = { 0 }, init = { 0 };
	size_t i;
	json_t *j;
	json_array_foreach(json_path(pod, "spec", "containers", NULL), i, j) {
		read_container(c, pod, j, running, &one);
		add(c, out, &one);
	}
	json_array_foreach(json_path(pod, "spec", "initContainers", NULL), i, j) {
		bool sidecar = is_sidecar(j);
		read_container(c, pod, j, running && sidecar, &one);
		if (sidecar) {
			add(c, out, &one);
			add(c, &sidecars, &one);
			one = sidecars;
		} else {
			add(c, &one, &sidecars);
		}
		raise_to(c, &init, &one);
	}
	raise_to(c, out, &init);
}

static bool is_hugepages(const char *name)
{
	return str_has_prefix(name, "hugepages-");
}

static bool pod_level(const char *name)
{
	return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 || is_hugepages(name);
}

/* Keeps of LIST what may be asked for at the level of the pod. */
static void keep_pod_level(struct count *c, struct sums *list)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < list->n; i++)
		if (pod_level(intern_text(c->m->names, list->at[i].res)))
			list->at[n++] = list->at[i];
	list->n = n;
}

/* Where the pod has resources of its own, limits of containers on hugepages become the pod's (the API server's default). */
static void default_hugepage_limits(struct count *c, const json_t *pod, const struct sums *want, struct sums *limits)
{
	struct sums all = { 0 };
	if (!want->n && !limits->n)
		return;
	c->limits_only = true;
	sum_containers(c, pod, false, &all);
	c->limits_only = false;
	for (uint32_t i = 0; i < all.n; i++)
		if (is_hugepages(intern_text(c->m->names, all.at[i].res)) && !has(want, all.at[i].res) && !has(limits, all.at[i].res))
			*slot(c, limits, all.at[i].res) = all.at[i].n;
}

static void pod_level_requests(struct count *c, const json_t *pod, bool running, struct sums *total)
{
	const json_t *resources = json_path(pod, "spec", "resources", NULL), *status = json_path(pod, "status", "resources", NULL);
	struct sums want = { 0 }, limits = { 0 };
	if (!json_is_object(resources))
		return;
	read_list(c, &want, json_at(resources, "requests"), false);
	read_list(c, &limits, json_at(resources, "limits"), false);
	default_hugepage_limits(c, pod, &want, &limits);
	if (limits.n) {
		struct sums plain = { 0 };
		sum_containers(c, pod, false, &plain);
		for (uint32_t i = 0; i < plain.n; i++)
			if (!has(&want, plain.at[i].res) && !is_hugepages(intern_text(c->m->names, plain.at[i].res)))
				*slot(c, &want, plain.at[i].res) = plain.at[i].n;
		for (uint32_t i = 0; i < limits.n; i++)
			if (!has(&want, limits.at[i].res))
				*slot(c, &want, limits.at[i].res) = limits.at[i].n;
	}
	keep_pod_level(c, &want);
	struct sums names = want;
	if (running && want.n && json_is_object(status))
		effective(c, pod, &want, json_at(status, "requests"), json_path(pod, "status", "allocatedResources", NULL));
	for (uint32_t i = 0; i < names.n; i++)
		*slot(c, total, names.at[i].res) = *slot(c, &want, names.at[i].res);
}

/* Is NAME counted on nodes at all? (schedutil.IsScalarResourceName and the built-in ones) */
static bool counted(const char *name)
{
	if (strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 || strcmp(name, "ephemeral-storage") == 0)
		return true;
	if (strstr(name, "kubernetes.io/") || is_hugepages(name) || str_has_prefix(name, "attachable-volumes-"))
		return true;
	return strchr(name, '/') && !str_has_prefix(name, "requests.");
}

static int by_res(const void *a, const void *b)
{
	const struct amount *x = a, *y = b;
	return x->res < y->res ? -1 : x->res > y->res;
}

static struct amounts round_up(struct count *c, const struct sums *s, bool zeros)
{
	struct amount *at = arena_array(c->m->arena, s->n ? s->n : 1, sizeof(*at));
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		sym res = s->at[i].res;
		int64_t v = quantity_units(s->at[i].n, res == c->m->k.cpu ? NANO / 1000 : NANO);
		if (counted(intern_text(c->m->names, res)) && (v || zeros))
			at[n++] = (struct amount){ res, v };
	}
	if (n)
		qsort(at, n, sizeof(*at), by_res);
	return (struct amounts){ at, n };
}

const char *resources_of_pod(struct model *m, const json_t *pod, bool running, struct amounts *out)
{
	struct count c = { .m = m };
	struct sums total = { 0 }, overhead = { 0 };
	sum_containers(&c, pod, running, &total);
	pod_level_requests(&c, pod, running, &total);
	read_list(&c, &overhead, json_path(pod, "spec", "overhead", NULL), false);
	add(&c, &total, &overhead);
	*out = round_up(&c, &total, false);
	return c.problem;
}

struct amounts resources_of_node(struct model *m, const json_t *node, int64_t *max_pods)
{
	struct count c = { .m = m };
	struct sums has_all = { 0 };
	const json_t *list = json_path(node, "status", "allocatable", NULL);
	if (!json_is_object(list))
		list = json_path(node, "status", "capacity", NULL);
	read_list(&c, &has_all, list, false);
	*max_pods = quantity_units(*slot(&c, &has_all, m->k.pods), NANO);
	if (c.problem)
		model_note(m, "node %s: %s", json_str(json_at(node, "metadata"), "name"), c.problem);
	return round_up(&c, &has_all, true);
}
