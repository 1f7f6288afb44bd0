#include "runtime/scheduler/shape.h"

#include <stdbool.h>

#include "base/json.h"

/* MAP: of strings. LIST: of objects. STRINGS: a list of them. COUNT: a whole number from 1. NEED_: must be there. */
enum type { OBJECT, LIST, STRING, STRINGS, MAP, WHOLE, COUNT, FLAG, NEED_STRING, NEED_COUNT };

/* IN: the fields of the object, or of each object of the list; NULL: any. A table ends with a row without a name. */
struct field { const char *name; enum type type; const struct field *in; };

static const struct field resources[] = { { "requests", OBJECT, NULL }, { "limits", OBJECT, NULL }, { 0 } };
static const struct field port[] = {
	{ "hostPort", WHOLE, NULL }, { "containerPort", WHOLE, NULL }, { "hostIP", STRING, NULL }, { "protocol", STRING, NULL }, { 0 },
};
static const struct field rule[] = { { "action", STRING, NULL }, { 0 } };
static const struct field container[] = {
	{ "name", STRING, NULL }, { "resources", OBJECT, resources }, { "ports", LIST, port }, { "restartPolicy", STRING, NULL }, { "restartPolicyRules", LIST, rule }, { 0 },
};
static const struct field toleration[] = {
	{ "key", STRING, NULL }, { "operator", STRING, NULL }, { "value", STRING, NULL }, { "effect", STRING, NULL }, { 0 },
};
static const struct field expression[] = { { "key", STRING, NULL }, { "operator", STRING, NULL }, { "values", STRINGS, NULL }, { 0 } };
static const struct field selector[] = { { "matchLabels", MAP, NULL }, { "matchExpressions", LIST, expression }, { 0 } };
static const struct field node_term[] = { { "matchExpressions", LIST, expression }, { "matchFields", LIST, expression }, { 0 } };
static const struct field node_terms[] = { { "nodeSelectorTerms", LIST, node_term }, { 0 } };
static const struct field node_affinity[] = { { "requiredDuringSchedulingIgnoredDuringExecution", OBJECT, node_terms }, { 0 } };
static const struct field pod_term[] = {
	{ "topologyKey", STRING, NULL }, { "labelSelector", OBJECT, selector }, { "namespaces", STRINGS, NULL }, { "namespaceSelector", OBJECT, selector },
	{ "matchLabelKeys", STRINGS, NULL }, { "mismatchLabelKeys", STRINGS, NULL }, { 0 },
};
static const struct field pod_affinity[] = { { "requiredDuringSchedulingIgnoredDuringExecution", LIST, pod_term }, { 0 } };
static const struct field affinity[] = {
	{ "nodeAffinity", OBJECT, node_affinity }, { "podAffinity", OBJECT, pod_affinity }, { "podAntiAffinity", OBJECT, pod_affinity }, { 0 },
};
static const struct field spread[] = {
	{ "maxSkew", WHOLE, NULL }, { "minDomains", WHOLE, NULL }, { "topologyKey", STRING, NULL }, { "whenUnsatisfiable", STRING, NULL },
	{ "labelSelector", OBJECT, selector }, { "matchLabelKeys", STRINGS, NULL }, { "nodeAffinityPolicy", STRING, NULL }, { "nodeTaintsPolicy", STRING, NULL }, { 0 },
};
static const struct field named[] = { { "name", STRING, NULL }, { 0 } };
static const struct field claim[] = { { "claimName", STRING, NULL }, { 0 } };
static const struct field gce[] = { { "pdName", STRING, NULL }, { "readOnly", FLAG, NULL }, { 0 } };
static const struct field aws[] = { { "volumeID", STRING, NULL }, { 0 } };
static const struct field iscsi[] = { { "iqn", STRING, NULL }, { "readOnly", FLAG, NULL }, { 0 } };
static const struct field rbd[] = { { "monitors", STRINGS, NULL }, { "pool", STRING, NULL }, { "image", STRING, NULL }, { "readOnly", FLAG, NULL }, { 0 } };
static const struct field volume[] = {
	{ "name", STRING, NULL }, { "persistentVolumeClaim", OBJECT, claim }, { "ephemeral", OBJECT, NULL }, { "gcePersistentDisk", OBJECT, gce },
	{ "awsElasticBlockStore", OBJECT, aws }, { "iscsi", OBJECT, iscsi }, { "rbd", OBJECT, rbd }, { 0 },
};
static const struct field group[] = { { "podGroupName", STRING, NULL }, { 0 } };
static const struct field pod_spec[] = {
	{ "nodeName", STRING, NULL }, { "nodeSelector", MAP, NULL }, { "schedulerName", STRING, NULL }, { "priority", WHOLE, NULL }, { "priorityClassName", STRING, NULL },
	{ "preemptionPolicy", STRING, NULL }, { "hostNetwork", FLAG, NULL }, { "hostUsers", FLAG, NULL }, { "overhead", OBJECT, NULL }, { "resources", OBJECT, resources },
	{ "containers", LIST, container }, { "initContainers", LIST, container }, { "tolerations", LIST, toleration }, { "affinity", OBJECT, affinity },
	{ "topologySpreadConstraints", LIST, spread }, { "schedulingGates", LIST, named }, { "volumes", LIST, volume }, { "resourceClaims", LIST, NULL },
	{ "schedulingGroup", OBJECT, group }, { "activeDeadlineSeconds", WHOLE, NULL }, { 0 },
};
static const struct field pod_meta[] = {
	{ "namespace", STRING, NULL }, { "labels", MAP, NULL }, { "annotations", MAP, NULL }, { "uid", STRING, NULL }, { "creationTimestamp", STRING, NULL },
	{ "deletionTimestamp", STRING, NULL }, { 0 },
};
static const struct field pod_status[] = { { "phase", STRING, NULL }, { "nominatedNodeName", STRING, NULL }, { 0 } };
static const struct field pod[] = { { "metadata", OBJECT, pod_meta }, { "spec", OBJECT, pod_spec }, { "status", OBJECT, pod_status }, { 0 } };

static const struct field taint[] = { { "key", STRING, NULL }, { "value", STRING, NULL }, { "effect", STRING, NULL }, { 0 } };
static const struct field node_meta[] = { { "labels", MAP, NULL }, { 0 } };
static const struct field node_spec[] = { { "unschedulable", FLAG, NULL }, { "taints", LIST, taint }, { 0 } };
static const struct field node_status[] = { { "allocatable", OBJECT, NULL }, { "capacity", OBJECT, NULL }, { "declaredFeatures", STRINGS, NULL }, { 0 } };
static const struct field node[] = { { "metadata", OBJECT, node_meta }, { "spec", OBJECT, node_spec }, { "status", OBJECT, node_status }, { 0 } };

static const struct field slice[] = { { "level", NEED_STRING, NULL }, { "size", NEED_COUNT, NULL }, { 0 } };
static const struct field share[] = { { "level", NEED_STRING, NULL }, { "maxPercent", NEED_COUNT, NULL }, { 0 } };
static const struct field part[] = {
	{ "name", STRING, NULL }, { "parent", STRING, NULL }, { "min", COUNT, NULL }, { "max", COUNT, NULL }, { "required", STRING, NULL }, { "preferred", STRING, NULL },
	{ "patienceSeconds", WHOLE, NULL }, { "slices", LIST, slice }, { "spread", LIST, share }, { 0 },
};
static const struct field preemption[] = { { "policy", STRING, NULL }, { "unit", STRING, NULL }, { 0 } };
static const struct field gang_spec[] = {
	{ "topology", STRING, NULL }, { "min", COUNT, NULL }, { "required", STRING, NULL }, { "preferred", STRING, NULL }, { "patienceSeconds", WHOLE, NULL },
	{ "slices", LIST, slice }, { "spread", LIST, share }, { "groups", LIST, part }, { "priorityClassName", STRING, NULL }, { "preemption", OBJECT, preemption }, { 0 },
};
static const struct field gang[] = { { "spec", OBJECT, gang_spec }, { 0 } };
static const struct field count[] = { { "minCount", COUNT, NULL }, { 0 } };
static const struct field policy[] = { { "gang", OBJECT, count }, { 0 } };
static const struct field topology_key[] = { { "key", STRING, NULL }, { 0 } };
static const struct field constraints[] = { { "topology", LIST, topology_key }, { 0 } };
/* minMember is coscheduling's. */
static const struct field pod_group_spec[] = {
	{ "schedulingPolicy", OBJECT, policy }, { "schedulingConstraints", OBJECT, constraints }, { "minMember", WHOLE, NULL }, { 0 },
};
static const struct field pod_group[] = { { "spec", OBJECT, pod_group_spec }, { 0 } };

/* Where we are: a name in an object, or a place in a list (NULL). */
struct step { const struct step *up; const char *name; size_t i; };
struct look { struct arena *a; const char *problem; };

static const char *path(struct arena *a, const struct step *at)
{
	const char *before = at->up ? path(a, at->up) : "";
	return at->name ? arena_printf(a, "%s%s%.100s", before, at->up ? "." : "", at->name) : arena_printf(a, "%s[%zu]", before, at->i);
}

static bool is(struct look *l, const struct step *at, bool right, const char *otherwise)
{
	if (!right)
		l->problem = arena_printf(l->a, "%s is %s", path(l->a, at), otherwise);
	return right;
}

static bool fields(struct look *l, const struct step *at, const json_t *j, const struct field *in);

static bool strings(struct look *l, const struct step *at, const json_t *j)
{
	size_t i;
	json_t *v;
	const char *key;
	bool ok = true;
	json_array_foreach(j, i, v)
		ok = ok && is(l, &(struct step){ at, NULL, i }, json_is_string(v), "no string");
	json_object_foreach((json_t *)j, key, v)
		ok = ok && is(l, &(struct step){ at, key, 0 }, json_is_string(v), "no string");
	return ok;
}

static bool each(struct look *l, const struct step *at, const json_t *list, const struct field *in)
{
	size_t i;
	json_t *v;
	bool ok = true;
	json_array_foreach(list, i, v) {
		struct step item = { at, NULL, i };
		ok = ok && is(l, &item, json_is_object(v), "no object") && fields(l, &item, v, in);
	}
	return ok;
}

static bool right(struct look *l, const struct step *at, const json_t *j, const struct field *f)
{
	switch (f->type) {
	case OBJECT: return is(l, at, json_is_object(j), "no object") && fields(l, at, j, f->in);
	case LIST: return is(l, at, json_is_array(j), "no list") && each(l, at, j, f->in);
	case NEED_STRING:
	case STRING: return is(l, at, json_is_string(j), "no string");
	case STRINGS: return is(l, at, json_is_array(j), "no list") && strings(l, at, j);
	case MAP: return is(l, at, json_is_object(j), "no object") && strings(l, at, j);
	case WHOLE: return is(l, at, json_is_integer(j), "no whole number");
	case NEED_COUNT:
	case COUNT: return is(l, at, json_is_integer(j) && json_integer_value(j) >= 1, "no whole number from 1");
	case FLAG: return is(l, at, json_is_boolean(j), "neither true nor false");
	}
	return true;
}

static bool fields(struct look *l, const struct step *at, const json_t *j, const struct field *in)
{
	for (; in && in->name; in++) {
		const json_t *v = json_at(j, in->name);
		struct step field = { at, in->name, 0 };
		bool there = v && !json_is_null(v), needed = in->type == NEED_STRING || in->type == NEED_COUNT;
		if (there ? !right(l, &field, v, in) : needed && !is(l, &field, false, "missing"))
			return false;
	}
	return true;
}

static const char *first_problem(struct arena *a, const json_t *j, const struct field *in)
{
	struct look l = { a, NULL };
	fields(&l, NULL, j, in);
	return l.problem;
}

const char *shape_of_pod(struct arena *a, const json_t *j)
{
	return first_problem(a, j, pod);
}

const char *shape_of_node(struct arena *a, const json_t *j)
{
	return first_problem(a, j, node);
}

const char *shape_of_gang(struct arena *a, const json_t *j)
{
	return first_problem(a, j, gang);
}

const char *shape_of_pod_group(struct arena *a, const json_t *j)
{
	return first_problem(a, j, pod_group);
}
