/* Data types: objects of a live cluster as they are, without making any of them aipc's. */
#include "providers/kube/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "providers/kube/target.h"

#define KIND_ATTRS \
	{ .name = "api_version", .type = ATTR_STRING, .deflt = "\"v1\"", .help = "The apiVersion of the kind, such as apps/v1." }, \
	{ .name = "kind", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "The kind, such as Deployment." }

static const struct attr object_attrs[] = {
	KIND_ATTRS,
	{ .name = "name", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Name of the object." },
	{ .name = "namespace", .type = ATTR_STRING, .help = "Its namespace, where its kind has one; that of the context by default." },
	{ .name = "object", .type = ATTR_ANY, .flags = ATTR_COMPUTED, .help = "The object as the API server has it, without managedFields." },
	{ 0 },
};
static const struct attr objects_attrs[] = {
	KIND_ATTRS,
	{ .name = "namespace", .type = ATTR_STRING, .help = "Only of this namespace; all by default." },
	{ .name = "labels", .type = ATTR_MAP, .elem = ATTR_STRING, .help = "Only with these labels." },
	{ .name = "label_selector", .type = ATTR_STRING, .help = "Only what this selector takes, as kubectl -l has it; with labels, both." },
	{ .name = "field_selector", .type = ATTR_STRING, .help = "Only what this selector takes, as kubectl --field-selector has it." },
	{ .name = "objects", .type = ATTR_LIST, .elem = ATTR_ANY, .flags = ATTR_COMPUTED, .help = "The objects by namespace and name, without managedFields." },
	{ 0 },
};

/* A cluster must be there to be asked, and the kind must be served. */
static int begin(struct task *t, struct op *op, struct thing *x, struct err *err)
{
	*x = (struct thing){ .g = op->self, .op = op };
	if (!x->g->live && !target_has_cluster(x->g))
		return err_set(err, E_INPUT, "provider kube writes files and knows no cluster; kubeconfig or context would say which, or mode: apply");
	int rc = target_client(x->g, err);
	return rc ? rc : thing_type(t, x, json_str(op->config, "api_version"), json_str(op->config, "kind"), err);
}

static bool is_secret(const struct thing *x)
{
	return !*x->type->group && strcmp(x->type->kind, "Secret") == 0;
}

static void strip(json_t *object)
{
	json_object_del(json_object_get(object, "metadata"), "managedFields");
}

static int read_object(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	json_t *live = NULL;
	int rc = begin(t, op, &x, err);
	if (rc)
		return rc;
	const char *ns = json_str(op->config, "namespace");
	x.name = json_str(op->config, "name");
	x.ns = x.type->namespaced ? ns ? ns : target_namespace(x.g) : NULL;
	if (ns && !x.type->namespaced)
		return err_set(err, E_INPUT, "objects of kind %s have no namespace", x.type->kind);
	rc = thing_get(t, &x, &live, err);
	if (rc)
		return rc;
	if (!live)
		return err_set(err, E_NOTFOUND, "%s has no %s %s%s%s", target_server(x.g), x.type->kind, x.ns ? x.ns : "", x.ns ? "/" : "", x.name);
	strip(live);
	op->sensitive = is_secret(&x);
	op->actual = json_pack("{s:o}", "object", live);
	return 0;
}

static int by_name(const void *x, const void *y)
{
	const json_t *a = json_at(*(json_t *const *)x, "metadata"), *b = json_at(*(json_t *const *)y, "metadata");
	const char *keys[] = { "namespace", "name" };
	int c = 0;
	for (size_t i = 0; !c && i < ARRAY_LEN(keys); i++) {
		const char *p = json_str(a, keys[i]), *q = json_str(b, keys[i]);
		c = strcmp(p ? p : "", q ? q : "");
	}
	return c;
}

static json_t *sorted(const json_t *list)
{
	size_t n = json_array_size(list);
	autofree json_t **at = xcalloc(n + 1, sizeof(*at));
	json_t *out = json_array();
	for (size_t i = 0; i < n; i++)
		at[i] = json_array_get(list, i);
	qsort(at, n, sizeof(*at), by_name);
	for (size_t i = 0; i < n; i++) {
		strip(at[i]);
		json_array_append(out, at[i]);
	}
	return out;
}

static void add_labels(struct str *out, const json_t *labels)
{
	size_t n = 0;
	autofree const char **keys = json_is_object(labels) ? json_keys(labels, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s=%s", out->len ? "," : "", keys[i], json_str(labels, keys[i]));
}

static int read_objects(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *list = NULL;
	autostr struct str labels;
	const char *selector = json_str(op->config, "label_selector");
	str_init(&labels, STR_OURS);
	int rc = begin(t, op, &x, err);
	if (rc)
		return rc;
	if (json_str(op->config, "namespace") && !x.type->namespaced)
		return err_set(err, E_INPUT, "objects of kind %s have no namespace", x.type->kind);
	add_labels(&labels, json_at(op->config, "labels"));
	if (selector && *selector)
		str_addf(&labels, "%s%s", labels.len ? "," : "", selector);
	struct kube_select select = { .ns = json_str(op->config, "namespace"), .labels = labels.len ? labels.at : NULL,
				      .fields = json_str(op->config, "field_selector") };
	rc = thing_list(t, &x, &select, &list, err);
	if (rc)
		return rc;
	op->sensitive = is_secret(&x);
	op->actual = json_pack("{s:o}", "objects", sorted(list));
	return 0;
}

const struct resource_type kube_data_object = {
	.name = "kube_object",
	.help = "One object of a live cluster. What a Secret holds is sensitive.",
	.version = 1, .attrs = object_attrs, .read = read_object,
};
const struct resource_type kube_data_objects = {
	.name = "kube_objects",
	.help = "Objects of a live cluster, all of a kind or chosen by labels and fields; at most 100,000. What Secrets hold is sensitive.",
	.version = 1, .attrs = objects_attrs, .read = read_objects,
};
