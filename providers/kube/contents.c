#include "providers/kube/contents.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "providers/kube/owned.h"

struct found { size_t n; char first[400]; };

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* What every namespace has without anyone asking. */
static bool comes_by_itself(const char *kind, const char *name)
{
	static const struct { const char *kind, *name; } rows[] = {
		{ "ConfigMap", "kube-root-ca.crt" }, { "ServiceAccount", "default" }, { "Event", NULL }, { "Endpoints", NULL }, { "EndpointSlice", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (is(kind, rows[i].kind) && (!rows[i].name || is(name, rows[i].name)))
			return true;
	return false;
}

static void look_at(const struct kube_type *type, const json_t *list, struct found *f)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *object = json_array_get(list, i), *meta = json_at(object, "metadata");
		const char *name = json_str(meta, "name"), *ns = json_str(meta, "namespace");
		if (owned_tree(object, KUBE_MANAGER) || json_array_size(json_at(meta, "ownerReferences")) || comes_by_itself(type->kind, name))
			continue;
		if (!f->n++)
			snprintf(f->first, sizeof(f->first), "%s %s%s%s", type->kind, ns ? ns : "", ns ? "/" : "", name ? name : "");
	}
}

static int look_for(struct task *t, struct thing *x, const struct kube_type *type, const char *ns, struct found *f, struct err *err)
{
	autojson json_t *list = NULL;
	int rc = kube_list(t, x->g->client, type, &(struct kube_select){ .ns = ns }, &list, NULL, err);
	if (rc == E_NOTFOUND || rc == E_UNSUPPORTED)
		return 0;
	if (rc)
		return err_wrap(err, "whether %s %s holds anything that aipc did not make cannot be told", x->type->kind, x->name);
	look_at(type, list, f);
	return 0;
}

static int verdict(const struct thing *x, const struct found *f, struct err *err)
{
	if (!f->n)
		return 0;
	return err_set(err, E_CONFLICT, "%s %s is not deleted: %zu object%s that aipc did not make would go with it (%s%s); delete %s first, or let it go with "
		       "a removed block", x->type->kind, x->name, f->n, f->n == 1 ? "" : "s", f->n == 1 ? "" : "the first: ", f->first, f->n == 1 ? "it" : "them");
}

int contents_of_kind(struct task *t, struct thing *x, const json_t *crd, struct err *err)
{
	const json_t *spec = json_at(crd, "spec"), *names = json_at(spec, "names"), *versions = json_at(spec, "versions");
	struct kube_type type = { .group = json_str(spec, "group"), .kind = json_str(names, "kind"), .plural = json_str(names, "plural") };
	struct found f = { 0 };
	int rc = 0;
	for (size_t i = 0; !type.version && i < json_array_size(versions); i++)
		if (json_flag(json_array_get(versions, i), "served", false))
			type.version = json_str(json_array_get(versions, i), "name");
	type.namespaced = is(json_str(spec, "scope"), "Namespaced");
	if (type.group && type.kind && type.plural && type.version)
		rc = look_for(t, x, &type, NULL, &f, err);
	return rc ? rc : verdict(x, &f, err);
}

/* --- namespaces ---------------------------------------------------------------------------------------------------------------- */

static int get_list(struct task *t, struct thing *x, const char *path, json_t **out, struct err *err)
{
	struct http_response r = { 0 };
	autofree char *what = xasprintf("discover %s", path);
	int rc = kube_do(t, x->g->client, &(struct kube_call){ .method = "GET", .path = path, .what = what }, &r, NULL, err);
	if (rc)
		return rc;
	rc = json_parse(r.body, r.len, what, out, err);
	http_response_release(&r);
	return rc;
}

static bool has_verb(const json_t *resource, const char *verb)
{
	const json_t *verbs = json_at(resource, "verbs");
	for (size_t i = 0; i < json_array_size(verbs); i++)
		if (is(json_string_value(json_array_get(verbs, i)), verb))
			return true;
	return false;
}

/* All that PATH serves and that is in namespaces. A group that does not answer (an aggregated API that is down) is unknown. */
static int look_in_group(struct task *t, struct thing *x, const char *group, const char *version, struct found *f, struct err *err)
{
	autofree char *path = group[0] ? xasprintf("/apis/%s/%s", group, version) : xasprintf("/api/%s", version);
	autojson json_t *list = NULL;
	int rc = get_list(t, x, path, &list, err);
	if (rc == E_NOTFOUND)
		return 0;                    /* listed still, but gone: its last kind was just removed */
	const json_t *all = json_at(list, "resources");
	for (size_t i = 0; rc == 0 && i < json_array_size(all); i++) {
		const json_t *r = json_array_get(all, i);
		struct kube_type type = { .group = group, .version = version, .kind = json_str(r, "kind"), .plural = json_str(r, "name"), .namespaced = true };
		if (type.kind && type.plural && json_flag(r, "namespaced", false) && has_verb(r, "list") && has_verb(r, "delete") && !comes_by_itself(type.kind, NULL))
			rc = look_for(t, x, &type, x->name, f, err);
	}
	return rc;
}

int contents_of_namespace(struct task *t, struct thing *x, struct err *err)
{
	autojson json_t *groups = NULL;
	struct found f = { 0 };
	int rc = look_in_group(t, x, "", "v1", &f, err);
	if (!rc)
		rc = get_list(t, x, "/apis", &groups, err);
	const json_t *all = json_at(groups, "groups");
	for (size_t i = 0; rc == 0 && i < json_array_size(all); i++) {
		const json_t *g = json_array_get(all, i);
		const char *name = json_str(g, "name"), *version = json_str(json_at(g, "preferredVersion"), "version");
		if (name && version)
			rc = look_in_group(t, x, name, version, &f, err);
	}
	return rc ? rc : verdict(x, &f, err);
}
