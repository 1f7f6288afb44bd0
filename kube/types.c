#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/client_internal.h"

enum { AGAIN_MS = 10000, TYPES_MAX = 20000 };

#define ALL_VERBS (KUBE_CAN_GET | KUBE_CAN_LIST | KUBE_CAN_WATCH | KUBE_CAN_CREATE | KUBE_CAN_UPDATE | KUBE_CAN_PATCH | KUBE_CAN_DELETE)
#define TYPE(var, group_, version_, kind_, plural_, ns) \
	const struct kube_type var = { .group = group_, .version = version_, .kind = kind_, .plural = plural_, .namespaced = ns, .verbs = ALL_VERBS }

TYPE(kube_pods, "", "v1", "Pod", "pods", true);
TYPE(kube_nodes, "", "v1", "Node", "nodes", false);
TYPE(kube_namespaces, "", "v1", "Namespace", "namespaces", false);
TYPE(kube_configmaps, "", "v1", "ConfigMap", "configmaps", true);
TYPE(kube_secrets, "", "v1", "Secret", "secrets", true);
TYPE(kube_services, "", "v1", "Service", "services", true);
TYPE(kube_leases, "coordination.k8s.io", "v1", "Lease", "leases", true);
TYPE(kube_events, "events.k8s.io", "v1", "Event", "events", true);
TYPE(kube_crds, "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false);
TYPE(kube_priority_classes, "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false);
TYPE(kube_pdbs, "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true);
TYPE(kube_pvcs, "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true);
TYPE(kube_pvs, "", "v1", "PersistentVolume", "persistentvolumes", false);
TYPE(kube_storage_classes, "storage.k8s.io", "v1", "StorageClass", "storageclasses", false);
TYPE(kube_csinodes, "storage.k8s.io", "v1", "CSINode", "csinodes", false);
TYPE(kube_resource_claims, "resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", true);
TYPE(kube_device_classes, "resource.k8s.io", "v1", "DeviceClass", "deviceclasses", false);

/* What one group and version serves, as it was asked. Types handed out live as long as the client: a list that is asked anew
 * goes in front of the old one. */
struct served {
	char *group, *version;
	bool there;                  /* false: 404 */
	int64_t asked_ms;
	VEC(struct kube_type *) types;
	struct served *next;
};
struct kube_types { struct served *first; int64_t forgotten_ms; size_t count; };

static struct kube_types *types_of(struct kube *k)
{
	if (!k->types) {
		k->types = xcalloc(1, sizeof(*k->types));
		k->types->forgotten_ms = -1;
	}
	return k->types;
}

void kube_types_free(struct kube_types *types)
{
	struct served *s = types ? types->first : NULL;
	for (struct served *next; s; s = next) {
		next = s->next;
		for (size_t i = 0; i < s->types.len; i++) {
			struct kube_type *type = s->types.at[i];
			free((char *)type->kind);
			free((char *)type->plural);
			free(type);
		}
		vec_free(&s->types);
		free(s->group);
		free(s->version);
		free(s);
	}
	free(types);
}

void kube_forget_types(struct kube *k)
{
	types_of(k)->forgotten_ms = clock_now_ms();
}

static unsigned verbs_of(const json_t *names)
{
	static const struct { const char *name; unsigned verb; } verbs[] = {
		{ "get", KUBE_CAN_GET }, { "list", KUBE_CAN_LIST }, { "watch", KUBE_CAN_WATCH }, { "create", KUBE_CAN_CREATE },
		{ "update", KUBE_CAN_UPDATE }, { "patch", KUBE_CAN_PATCH }, { "delete", KUBE_CAN_DELETE },
	};
	unsigned got = 0;
	for (size_t i = 0; i < json_array_size(names); i++)
		for (size_t n = 0; n < ARRAY_LEN(verbs); n++) {
			const char *name = json_string_value(json_array_get(names, i));
			if (name && strcmp(name, verbs[n].name) == 0)
				got |= verbs[n].verb;
		}
	return got;
}

static struct kube_type *type_of_plural(const struct served *s, const char *plural, size_t len)
{
	for (size_t i = 0; i < s->types.len; i++)
		if (strncmp(s->types.at[i]->plural, plural, len) == 0 && !s->types.at[i]->plural[len])
			return s->types.at[i];
	return NULL;
}

static void take_resources(struct kube_types *all, struct served *s, const json_t *list)
{
	const json_t *resources = json_at(list, "resources");
	for (size_t i = 0; i < json_array_size(resources) && all->count < TYPES_MAX; i++) {
		const json_t *r = json_array_get(resources, i);
		const char *name = json_str(r, "name"), *kind = json_str(r, "kind"), *slash = name ? strchr(name, '/') : NULL;
		struct kube_type *parent = slash && strcmp(slash, "/status") == 0 ? type_of_plural(s, name, (size_t)(slash - name)) : NULL;
		if (parent)
			parent->verbs |= KUBE_HAS_STATUS;
		if (!name || !kind || slash)
			continue;
		struct kube_type *type = xcalloc(1, sizeof(*type));
		*type = (struct kube_type){ .group = s->group, .version = s->version, .kind = xstrdup(kind), .plural = xstrdup(name),
					    .namespaced = json_flag(r, "namespaced", false), .verbs = verbs_of(json_at(r, "verbs")) };
		vec_push(&s->types, type);
		all->count++;
	}
}

static struct served *known(const struct kube_types *all, const char *group, const char *version)
{
	for (struct served *s = all->first; s; s = s->next)
		if (strcmp(s->group, group) == 0 && strcmp(s->version, version) == 0)
			return s->asked_ms > all->forgotten_ms ? s : NULL;
	return NULL;
}

/* What GROUP/VERSION serves. AGAIN: knowledge older than AGAIN_MS is asked for anew. */
static int ask(struct task *t, struct kube *k, const char *group, const char *version, bool again, struct served **out, struct err *err)
{
	struct kube_types *all = types_of(k);
	struct served *s = known(all, group, version);
	struct kube_fail why;
	autojson json_t *list = NULL;
	if (s && !(again && clock_now_ms() - s->asked_ms >= AGAIN_MS)) {
		*out = s;
		return 0;
	}
	if (strchr(group, '/') || strchr(version, '/') || !version[0] || strstr(group, "..") || strchr(group, '?') || strchr(version, '?'))
		return err_set(err, E_INPUT, "'%.80s%s%.80s' is no apiVersion", group, group[0] ? "/" : "", version);
	autofree char *path = group[0] ? xasprintf("/apis/%s/%s", group, version) : xasprintf("/api/%s", version);
	autofree char *what = xasprintf("discover %s", path);
	int rc = kube_get_json(t, k, path, what, "APIResourceList", &list, &why, err);
	if (rc && rc != E_NOTFOUND)
		return rc;
	s = xcalloc(1, sizeof(*s));
	s->group = xstrdup(group);
	s->version = xstrdup(version);
	s->there = rc == 0;
	s->asked_ms = clock_now_ms() > all->forgotten_ms ? clock_now_ms() : all->forgotten_ms + 1;
	take_resources(all, s, list);
	s->next = all->first;
	all->first = s;
	*out = s;
	return 0;
}

static const struct kube_type *of_kind(const struct served *s, const char *kind)
{
	for (size_t i = 0; i < s->types.len; i++)
		if (strcmp(s->types.at[i]->kind, kind) == 0)
			return s->types.at[i];
	return NULL;
}

int kube_type_find(struct task *t, struct kube *k, const char *api_version, const char *kind, const struct kube_type **out, struct err *err)
{
	const char *slash = strchr(api_version, '/');
	autofree char *group = slash ? xstrndup(api_version, (size_t)(slash - api_version)) : xstrdup("");
	const struct kube_type *type = NULL;
	for (int again = 0; !type && again < 2; again++) {
		struct served *s = NULL;
		int rc = ask(t, k, group, slash ? slash + 1 : api_version, again, &s, err);
		if (rc)
			return rc;
		type = of_kind(s, kind);
	}
	if (!type)
		return err_set(err, E_NOTFOUND, "the API server has no kind %s in %s", kind, api_version);
	*out = type;
	return 0;
}

int kube_served(struct task *t, struct kube *k, const char *group, const char *version, const char *plural, bool *out, struct err *err)
{
	struct served *s = NULL;
	int rc = ask(t, k, group, version, true, &s, err);
	if (rc == 0)
		*out = s->there && (!plural || type_of_plural(s, plural, strlen(plural)));
	return rc;
}

int kube_version(struct task *t, struct kube *k, json_t **out, struct err *err)
{
	return kube_get_json(t, k, "/version", "ask for the version", NULL, out, NULL, err);
}
