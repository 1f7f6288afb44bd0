#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/client_internal.h"

enum { LIST_MAX = 100000, PAGE = 500, EMPTY_PAGES = 100 };

/* "apply pods default/a" */
static char *what_of(const char *verb, const struct kube_ref *r)
{
	bool ns = r->type->namespaced && r->ns && r->ns[0];
	return xasprintf("%s %s%s%s %s%s%s", verb, r->type->plural, r->sub ? "/" : "", r->sub ? r->sub : "", ns ? r->ns : "", ns ? "/" : "",
			 r->name ? r->name : "");
}

/* A name with a slash, or "..", would be another path. */
static int check_ref(const struct kube_ref *r, bool named, struct err *err)
{
	const char *const parts[] = { r->ns, r->name };
	if (named && (!r->name || !r->name[0]))
		return err_set(err, E_INPUT, "an object of %s without a name", r->type->plural);
	if (r->type->namespaced && named && (!r->ns || !r->ns[0]))
		return err_set(err, E_INPUT, "%s '%s' needs a namespace", r->type->kind, r->name);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i] && (strchr(parts[i], '/') || strcmp(parts[i], ".") == 0 || strcmp(parts[i], "..") == 0))
			return err_set(err, E_INPUT, "'%.100s' is no name of an object", parts[i]);
	return 0;
}

static void write_query(struct str *path, const struct kube_write *w, bool apply)
{
	kube_query(path, "fieldManager", w && w->manager ? w->manager : KUBE_MANAGER);
	if (apply)
		kube_query(path, "force", w && w->force ? "true" : "false");
	if (w && w->dry_run)
		kube_query(path, "dryRun", "All");
	kube_query(path, "fieldValidation", w && w->strict ? "Strict" : "Warn");
}

/* Sends BODY and reads an object back. */
static int exchange(struct task *t, struct kube *k, struct kube_call *c, const json_t *body, json_t **out, struct kube_fail *why, struct err *err)
{
	struct http_response r = { 0 };
	autofree char *text = body ? json_text(body) : NULL;
	json_t *j = NULL;
	c->body = text;
	c->len = text ? strlen(text) : 0;
	int rc = kube_do(t, k, c, &r, why, err);
	if (rc)
		return rc;
	rc = kube_object_of(&r, c->what, &j, err);
	http_response_release(&r);
	if (rc == 0 && out)
		*out = json_incref(j);
	json_decref(j);
	return rc;
}

struct verb { const char *method, *word, *type; bool named, apply; };

static int write_object(struct task *t, struct kube *k, const struct verb *v, const struct kube_ref *r, const json_t *body,
			const struct kube_write *w, json_t **out, struct kube_fail *why, struct err *err)
{
	struct kube_fail own;
	autofree char *what = what_of(v->word, r), *base = NULL;
	autostr struct str path;
	struct kube_ref collection = *r;
	str_init(&path, STR_OURS);
	if (why)
		*why = (struct kube_fail){ .retry_after_ms = -1 };
	int rc = check_ref(r, v->named, err);
	if (rc)
		return rc;
	if (!v->named && !r->sub)
		collection.name = NULL;
	base = kube_path(&collection);
	str_add(&path, base);
	write_query(&path, w, v->apply);
	struct kube_call c = { .method = v->method, .path = path.at, .content_type = v->type, .what = what, .repeatable = v->apply };
	return exchange(t, k, &c, body, out, why ? why : &own, err);
}

int kube_get(struct task *t, struct kube *k, const struct kube_ref *r, json_t **out, struct kube_fail *why, struct err *err)
{
	autofree char *what = what_of("get", r), *path = NULL;
	json_t *j = NULL;
	int rc = check_ref(r, true, err);
	if (rc)
		return rc;
	path = kube_path(r);
	rc = kube_get_json(t, k, path, what, r->sub ? NULL : r->type->kind, &j, why, err);
	if (rc == 0 && out)
		*out = json_incref(j);
	json_decref(j);
	return rc;
}

int kube_create(struct task *t, struct kube *k, const struct kube_ref *r, const json_t *object, const struct kube_write *w, json_t **out,
		struct kube_fail *why, struct err *err)
{
	static const struct verb v = { "POST", "create", "application/json", false, false };
	return write_object(t, k, &v, r, object, w, out, why, err);
}

int kube_update(struct task *t, struct kube *k, const struct kube_ref *r, const json_t *object, const struct kube_write *w, json_t **out,
		struct kube_fail *why, struct err *err)
{
	static const struct verb v = { "PUT", "update", "application/json", true, false };
	return write_object(t, k, &v, r, object, w, out, why, err);
}

int kube_patch(struct task *t, struct kube *k, const struct kube_ref *r, enum kube_patch_type how, const json_t *patch,
	       const struct kube_write *w, json_t **out, struct kube_fail *why, struct err *err)
{
	static const struct verb v[] = {
		[KUBE_MERGE] = { "PATCH", "patch", "application/merge-patch+json", true, false },
		[KUBE_STRATEGIC] = { "PATCH", "patch", "application/strategic-merge-patch+json", true, false },
		[KUBE_JSON] = { "PATCH", "patch", "application/json-patch+json", true, false },
	};
	return write_object(t, k, &v[how], r, patch, w, out, why, err);
}

int kube_apply(struct task *t, struct kube *k, const struct kube_ref *r, const json_t *object, const struct kube_write *w, json_t **out,
	       struct kube_fail *why, struct err *err)
{
	/* JSON is YAML; the server has no other name for a JSON body of this kind in all its versions. */
	static const struct verb v = { "PATCH", "apply", "application/apply-patch+yaml", true, true };
	return write_object(t, k, &v, r, object, w, out, why, err);
}

static json_t *delete_options(const struct kube_delete *o)
{
	json_t *j = json_pack("{s:s,s:s}", "apiVersion", "v1", "kind", "DeleteOptions");
	json_t *conditions = json_object();
	if (o && o->uid)
		json_put_str(conditions, "uid", o->uid);
	if (o && o->resource_version)
		json_put_str(conditions, "resourceVersion", o->resource_version);
	if (json_object_size(conditions))
		json_object_set(j, "preconditions", conditions);
	json_decref(conditions);
	if (o && o->propagation)
		json_put_str(j, "propagationPolicy", o->propagation);
	if (o && o->grace_s)
		json_put_int(j, "gracePeriodSeconds", o->grace_s < 0 ? 0 : o->grace_s);
	if (o && o->dry_run)
		json_put_new(j, "dryRun", json_pack("[s]", "All"));
	return j;
}

int kube_delete(struct task *t, struct kube *k, const struct kube_ref *r, const struct kube_delete *o, struct kube_fail *why, struct err *err)
{
	autofree char *what = what_of("delete", r), *path = NULL;
	autojson json_t *body = delete_options(o);
	int rc = check_ref(r, true, err);
	if (rc)
		return rc;
	path = kube_path(r);
	struct kube_call c = { .method = "DELETE", .path = path, .content_type = "application/json", .what = what, .repeatable = o && o->uid };
	return exchange(t, k, &c, body, NULL, why, err);
}

int kube_evict(struct task *t, struct kube *k, const char *ns, const char *pod, const char *uid, int64_t grace_s, struct kube_fail *why,
	       struct err *err)
{
	struct kube_ref r = { &kube_pods, ns, pod, "eviction" };
	struct kube_delete o = { .uid = uid, .grace_s = grace_s };
	autofree char *what = what_of("evict", &r), *path = NULL;
	autojson json_t *body = json_pack("{s:s,s:s,s:{s:s,s:s},s:o}", "apiVersion", "policy/v1", "kind", "Eviction", "metadata", "name", pod,
					  "namespace", ns, "deleteOptions", delete_options(&o));
	int rc = check_ref(&r, true, err);
	if (rc)
		return rc;
	path = kube_path(&r);
	struct kube_call c = { .method = "POST", .path = path, .content_type = "application/json", .what = what, .once = true };
	return exchange(t, k, &c, body, NULL, why, err);
}

int kube_bind(struct task *t, struct kube *k, const char *ns, const char *pod, const char *uid, const char *node, const json_t *annotations,
	      struct kube_fail *why, struct err *err)
{
	struct kube_ref r = { &kube_pods, ns, pod, "binding" };
	autofree char *what = what_of("bind", &r), *path = NULL;
	autojson json_t *body = json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s,s:s,s:s}}", "apiVersion", "v1", "kind", "Binding", "metadata", "name", pod,
					  "namespace", ns, "target", "apiVersion", "v1", "kind", "Node", "name", node);
	int rc = check_ref(&r, true, err);
	if (rc)
		return rc;
	if (uid)
		json_put_str(json_object_get(body, "metadata"), "uid", uid);
	if (annotations)
		json_put_new(json_object_get(body, "metadata"), "annotations", json_ref(annotations));
	path = kube_path(&r);
	struct kube_call c = { .method = "POST", .path = path, .content_type = "application/json", .what = what };
	return exchange(t, k, &c, body, NULL, why, err);
}

/* --- lists ---------------------------------------------------------------------------------------------------------------- */

static int take_page(const struct kube_type *type, json_t *page, json_t *all, struct err *err)
{
	autofree char *api = xasprintf("%s%s%s", type->group, type->group[0] ? "/" : "", type->version);
	json_t *items = json_object_get(page, "items");
	size_t i;
	json_t *item;
	if (!json_is_array(items) && items && !json_is_null(items))
		return err_set(err, E_INTERNAL, "list %s: the answer has no items", type->plural);
	if (json_array_size(all) + json_array_size(items) > LIST_MAX)
		return err_set(err, E_INPUT, "list %s: more than %d objects", type->plural, LIST_MAX);
	json_array_foreach(items, i, item) {
		if (!json_is_object(item))
			return err_set(err, E_INTERNAL, "list %s: an item is no object", type->plural);
		json_put_str(item, "apiVersion", api);
		json_put_str(item, "kind", type->kind);
		json_array_append(all, item);
	}
	return 0;
}

static int list_pages(struct task *t, struct kube *k, const struct kube_type *type, const struct kube_select *s, json_t *all,
		      struct kube_fail *why, struct err *err)
{
	autofree char *base = kube_path(&(struct kube_ref){ type, s ? s->ns : NULL, NULL, NULL }), *kind = xasprintf("%sList", type->kind);
	autofree char *what = xasprintf("list %s", type->plural), *next = NULL;
	unsigned empty = 0;
	int rc;
	do {
		autojson json_t *page = NULL;
		autostr struct str path;
		size_t had = json_array_size(all);
		char limit[16];
		str_init(&path, STR_OURS);
		str_add(&path, base);
		snprintf(limit, sizeof(limit), "%u", s && s->limit ? s->limit : PAGE);
		kube_query(&path, "limit", limit);
		if (s && s->labels)
			kube_query(&path, "labelSelector", s->labels);
		if (s && s->fields)
			kube_query(&path, "fieldSelector", s->fields);
		if (next)
			kube_query(&path, "continue", next);
		rc = kube_get_json(t, k, path.at, what, kind, &page, why, err);
		if (rc == 0)
			rc = take_page(type, page, all, err);
		const char *more = json_str(json_at(page, "metadata"), "continue");
		empty = rc == 0 && json_array_size(all) == had ? empty + 1 : 0;
		if (empty > EMPTY_PAGES || (more && next && strcmp(more, next) == 0))
			rc = err_set(err, E_INTERNAL, "%s: its pages have no end", what);
		free(next);
		next = more && more[0] ? xstrdup(more) : NULL;
	} while (rc == 0 && next);
	return rc;
}

int kube_list(struct task *t, struct kube *k, const struct kube_type *type, const struct kube_select *s, json_t **out, struct kube_fail *why,
	      struct err *err)
{
	struct kube_fail own = { 0 }, *f = why ? why : &own;
	for (int tries = 0;; tries++) {
		json_t *all = json_array();
		*f = (struct kube_fail){ .retry_after_ms = -1 };
		int rc = list_pages(t, k, type, s, all, f, err);
		if (rc == 0) {
			*out = all;
			return 0;
		}
		json_decref(all);
		if (f->status != 410 || tries >= 2)
			return rc;
	}
}
