#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "providers/all.h"
#include "providers/kube/cluster.h"
#include "providers/textfile.h"

struct kube { const char *dir; };

/* A primitive is one file; what differs is how a configuration is written as text and read back from it. */
typedef void text_fn(const json_t *config, struct str *out);
typedef json_t *actual_fn(const char *path, const char *text, size_t len);

static int read_file(struct task *t, struct op *op, actual_fn *actual, struct err *err)
{
	const struct kube *self = op->self;
	const char *path = json_str(op->config ? op->config : op->prior, "path");
	char *text = NULL;
	size_t len = 0;
	if (!path)
		return err_set(err, E_INPUT, "%s has no path", op->address);
	int rc = textfile_read(t, self->dir, path, &text, &len, err);
	if (rc == 0 && text)
		op->actual = actual(path, text, len);
	free(text);
	return rc;
}

static int write_file(struct task *t, struct op *op, text_fn *text, actual_fn *actual, struct err *err)
{
	const struct kube *self = op->self;
	autostr struct str s;
	str_init(&s, TEXTFILE_MAX);
	text(op->config, &s);
	if (str_full(&s))
		return err_set(err, E_INPUT, "%s is larger than the limit of %zu MiB", op->address, TEXTFILE_MAX >> 20);
	int rc = textfile_write(t, self->dir, json_str(op->config, "path"), s.at, s.len, err);
	return rc ? rc : read_file(t, op, actual, err);
}

/* A file that holds something else than what we wrote is someone's: it stays. */
static int remove_file(struct task *t, struct op *op, text_fn *text, struct err *err)
{
	const struct kube *self = op->self;
	const char *path = json_str(op->prior, "path");
	char *have = NULL;
	size_t len = 0;
	autostr struct str s;
	str_init(&s, STR_OURS);
	if (!path)
		return err_set(err, E_INPUT, "%s has no path", op->address);
	int rc = textfile_read(t, self->dir, path, &have, &len, err);
	if (rc || !have)
		return rc;
	text(op->prior, &s);
	bool ours = s.len == len && memcmp(s.at, have, len) == 0;
	free(have);
	if (ours)
		return textfile_remove(t, self->dir, path, err);
	op_progress(op, -1, "%s was changed by someone else: left as it is", path);
	return 0;
}

static int check_path(struct expand *x)
{
	const char *path = json_str(x->config, "path");
	if (!path || textfile_path_ok(path))
		return 0;
	x->report(x->report_ctx, "E0810", false, (const char *const[]){ "path", NULL }, NULL, NULL,
		  "\"%.200s\" is no path of a file that may be written (no \"..\" in it)", path);
	return E_INPUT;
}

/* --- node_labels ------------------------------------------------------------------------------------------------------------ */

static int node_read(struct task *t, struct op *op, struct err *err)
{
	return read_file(t, op, node_actual, err);
}

static int node_write(struct task *t, struct op *op, struct err *err)
{
	return write_file(t, op, node_text, node_actual, err);
}

static int node_remove(struct task *t, struct op *op, struct err *err)
{
	return remove_file(t, op, node_text, err);
}

static const struct attr node_attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Name of the node." },
	{ .name = "path", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_REPLACE | ATTR_IDENTITY, .help = "Path of the manifest, relative to the folder of the spec." },
	{ .name = "labels", .type = ATTR_MAP, .flags = ATTR_REQUIRED | ATTR_ELIDE, .elem = ATTR_ANY, .help = "Labels by key." },
	{ .name = "annotations", .type = ATTR_MAP, .elem = ATTR_ANY, .deflt = "{}", .help = "Annotations by key." },
	{ .name = "other_content", .type = ATTR_BOOL, .deflt = "false", .help = "Whether the file holds what aipc did not write; it is then written anew." },
	{ 0 }
};
static const struct resource_type node_labels = {
	.name = "node_labels",
	.help = "The labels of one node, as a manifest for GitOps. Made by cluster.",
	.version = 1,
	.attrs = node_attrs,
	.read = node_read,
	.create = node_write,
	.update = node_write,
	.destroy = node_remove,
	.check = check_path,
};

/* --- manifest --------------------------------------------------------------------------------------------------------------- */

static int manifest_read(struct task *t, struct op *op, struct err *err)
{
	return read_file(t, op, manifest_actual, err);
}

static int manifest_write(struct task *t, struct op *op, struct err *err)
{
	return write_file(t, op, manifest_text, manifest_actual, err);
}

static int manifest_remove(struct task *t, struct op *op, struct err *err)
{
	return remove_file(t, op, manifest_text, err);
}

static const struct attr manifest_attrs[] = {
	{ .name = "path", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_REPLACE | ATTR_IDENTITY, .help = "Path of the manifest, relative to the folder of the spec." },
	{ .name = "object", .type = ATTR_ANY, .flags = ATTR_REQUIRED, .help = "The Kubernetes object." },
	{ 0 }
};
static const struct resource_type manifest = {
	.name = "manifest",
	.help = "One Kubernetes object written as a YAML file.",
	.version = 1,
	.attrs = manifest_attrs,
	.read = manifest_read,
	.create = manifest_write,
	.update = manifest_write,
	.destroy = manifest_remove,
	.check = check_path,
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
	.help = "A Kubernetes cluster of node pools: labels that tell schedulers where each node is and what it has, and the MIG configuration, written to a "
		"folder with a kustomization.",
	.version = 1,
	.attrs = cluster_attrs,
	.expand = expand_cluster,
};
static const struct resource_type *const types[] = { &cluster, &manifest, &node_labels, NULL };

static const struct attr provider_attrs[] = {
	{ .name = "manifests", .type = ATTR_STRING, .deflt = "\"manifests\"", .help = "Folder for the manifests." },
	{ 0 }
};

static int kube_open(const struct provider_env *env, void **self, struct err *err)
{
	(void)err;
	struct kube *k = xcalloc(1, sizeof(*k));
	k->dir = env->dir;
	*self = k;
	return 0;
}

static void kube_close(struct task *t, void *self)
{
	(void)t;
	free(self);
}

const struct provider provider_kube = {
	.abi = PROVIDER_ABI,
	.name = "kube",
	.help = "Kubernetes manifests: node labels and the MIG configuration.",
	.config = provider_attrs,
	.types = types,
	.open = kube_open,
	.close = kube_close,
};
