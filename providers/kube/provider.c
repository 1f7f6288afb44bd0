#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "providers/all.h"
#include "providers/kube/cluster.h"
#include "providers/kube/data.h"
#include "providers/kube/files.h"
#include "providers/kube/live.h"
#include "providers/kube/target.h"
#include "providers/textfile.h"

/* An object with a path is a file, one without is in a cluster. Where the state remembers it is where it is read and removed. */
static bool is_file(const json_t *object)
{
	return json_str(object, "path") != NULL;
}

static bool is_file_now(const struct op *op)
{
	return is_file(op->prior ? op->prior : op->config);
}

static int check_path(struct expand *x, int (*live_check)(struct expand *x))
{
	static const char *const path[] = { "path", NULL };
	const char *file = json_str(x->config, "path");
	if (file && textfile_path_ok(file))
		return 0;
	if (file)
		x->report(x->report_ctx, "E0810", false, path, NULL, NULL, "\"%.200s\" is no path of a file that may be written (no \"..\" in it)", file);
	else if (!target_is_live(x->provider))
		x->report(x->report_ctx, "E0109", false, (const char *const[]){ NULL }, NULL, NULL,
			  "path is missing: provider kube writes files here; mode: apply would write to a cluster");
	else
		return live_check ? live_check(x) : 0;
	return E_INPUT;
}

/* --- node_labels ------------------------------------------------------------------------------------------------------------ */

static int node_read(struct task *t, struct op *op, struct err *err)
{
	return is_file_now(op) ? file_node_read(t, op, err) : live_node_read(t, op, err);
}

static int node_write(struct task *t, struct op *op, struct err *err)
{
	return is_file(op->config) ? file_node_write(t, op, err) : live_node_write(t, op, err);
}

static int node_remove(struct task *t, struct op *op, struct err *err)
{
	return is_file(op->prior) ? file_node_remove(t, op, err) : live_node_remove(t, op, err);
}

static int node_check(struct expand *x)
{
	return check_path(x, NULL);
}

static void node_ties(const json_t *config, const json_t *provider, tie_fn *say, void *ctx)
{
	(void)provider;
	autofree char *self = is_file(config) ? NULL : xasprintf("Node %s", json_str(config, "node"));
	if (self)
		say(ctx, TIE_IS, self);
}

#define PATH_ATTR { .name = "path", .type = ATTR_STRING, .flags = ATTR_REPLACE | ATTR_IDENTITY, .deflt = "null", \
	.help = "Path of the manifest, relative to the folder of the spec. Without it the object is applied to the cluster (mode apply)." }
#define LIVE_ATTRS \
	{ .name = "force", .type = ATTR_BOOL, .flags = ATTR_META, .help = "Take fields that another manager owns, whatever the provider says." }, \
	{ .name = "taken_by", .type = ATTR_MAP, .elem = ATTR_STRING, .deflt = "{}", \
	  .help = "Fields that read as wanted but that another manager took over, by name; they are then applied anew." }, \
	{ .name = "uid", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "The object's uid in the cluster." }, \
	{ .name = "cluster", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "The cluster: uid of its namespace kube-system." }

const struct attr taint_attrs[] = {
	{ .name = "key", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Key of the taint." },
	{ .name = "value", .type = ATTR_STRING, .deflt = "\"\"", .help = "Its value." },
	{ .name = "effect", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .values = (const char *const[]){ "NoSchedule", "PreferNoSchedule", "NoExecute", NULL },
	  .help = "What it does." },
	{ 0 }
};
static const struct attr node_attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Name of the node." },
	PATH_ATTR,
	{ .name = "labels", .type = ATTR_MAP, .flags = ATTR_REQUIRED | ATTR_ELIDE, .elem = ATTR_ANY, .help = "Labels by key." },
	{ .name = "annotations", .type = ATTR_MAP, .elem = ATTR_ANY, .deflt = "{}", .help = "Annotations by key." },
	{ .name = "taints", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = taint_attrs, .deflt = "[]",
	  .help = "Taints by key and effect; those of others stay in a cluster, but not where a file is applied by another tool." },
	{ .name = "other_content", .type = ATTR_BOOL, .deflt = "false", .help = "Whether the file holds what aipc did not write; it is then written anew." },
	LIVE_ATTRS,
	{ 0 }
};
static const struct resource_type node_labels = {
	.name = "node_labels",
	.help = "Labels, annotations and taints of one node: applied to the node of a live cluster, or a manifest for GitOps. A node that is not in the cluster is "
		"left out of the plan until it has joined: none is ever made. Made by cluster.",
	.version = 1,
	.attrs = node_attrs,
	.read = node_read,
	.create = node_write,
	.update = node_write,
	.destroy = node_remove,
	.check = node_check,
	.ties = node_ties,
	.import_id = live_node_import,
};

/* --- manifest --------------------------------------------------------------------------------------------------------------- */

static int manifest_read(struct task *t, struct op *op, struct err *err)
{
	return is_file_now(op) ? file_manifest_read(t, op, err) : live_manifest_read(t, op, err);
}

static int manifest_write(struct task *t, struct op *op, struct err *err)
{
	return is_file(op->config) ? file_manifest_write(t, op, err) : live_manifest_write(t, op, err);
}

static int manifest_remove(struct task *t, struct op *op, struct err *err)
{
	return is_file(op->prior) ? file_manifest_remove(t, op, err) : live_manifest_remove(t, op, err);
}

static int manifest_check(struct expand *x)
{
	return check_path(x, live_manifest_check);
}

static const struct attr manifest_attrs[] = {
	PATH_ATTR,
	{ .name = "object", .type = ATTR_ANY, .flags = ATTR_REQUIRED, .help = "The Kubernetes object." },
	LIVE_ATTRS,
	{ .name = "namespace", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "Where it is in the cluster." },
	{ .name = "made", .type = ATTR_BOOL, .flags = ATTR_COMPUTED, .help = "Whether aipc made the object, so that removing it deletes it." },
	{ 0 }
};
static const struct resource_type manifest = {
	.name = "manifest",
	.help = "One Kubernetes object: applied to a live cluster (server-side apply, field manager aipc), or written as a YAML file. Kinds and namespaces of the "
		"spec come before what needs them.",
	.version = 1,
	.attrs = manifest_attrs,
	.read = manifest_read,
	.create = manifest_write,
	.update = manifest_write,
	.destroy = manifest_remove,
	.check = manifest_check,
	.ties = live_manifest_ties,
	.import_id = live_manifest_import,
};

/* --- cluster ---------------------------------------------------------------------------------------------------------------- */

static int expand_cluster(struct expand *x)
{
	autojson json_t *objects = NULL;
	json_t *value = NULL;
	int rc = cluster_build(x, &objects, &value);
	if (rc)
		return rc;
	for (size_t i = 0; i < json_array_size(objects); i++) {
		const json_t *o = json_array_get(objects, i);
		expand_add(x, json_str(o, "type"), json_str(o, "label"), json_str(o, "key"), json_str(o, "node"), json_ref(json_at(o, "config")));
	}
	x->value = value;
	return 0;
}

static const struct resource_type cluster = {
	.name = "cluster",
	.help = "A Kubernetes cluster of node pools: labels that tell schedulers where each node is and what it has, the MIG configuration, and the objects that "
		"aipc-runtime reads, applied to the cluster or written to a folder with a kustomization.",
	.version = 1,
	.attrs = cluster_attrs,
	.expand = expand_cluster,
};
static const struct resource_type *const types[] = { &cluster, &manifest, &node_labels, NULL },
	*const data[] = { &kube_data_object, &kube_data_objects, NULL };

const struct provider provider_kube = {
	.abi = PROVIDER_ABI,
	.name = "kube",
	.help = "Kubernetes: node labels and objects, applied to a live cluster or written as manifests.",
	.config = target_attrs,
	.types = types,
	.data = data,
	.open = target_open,
	.close = target_close,
};
