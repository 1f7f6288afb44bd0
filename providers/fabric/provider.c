#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "providers/all.h"
#include "providers/fabric/topo.h"
#include "providers/textfile.h"

/* --- opensm_file: one file of the subnet manager ------------------------------------------------------------------------- */

static const struct attr file_attrs[] = {
	{ .name = "path", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_REPLACE | ATTR_IDENTITY, .help = "Path of the file, relative to the folder of the spec." },
	{ .name = "content", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "The whole text of the file." },
	{ 0 }
};

struct fabric { const char *dir; };

static int read_at(struct task *t, struct op *op, const char *path, struct err *err)
{
	const struct fabric *self = op->self;
	char *text = NULL;
	size_t len = 0;
	if (!path)
		return err_set(err, E_INPUT, "%s has no path", op->address);
	int rc = textfile_read(t, self->dir, path, &text, &len, err);
	if (rc || !text)
		return rc;
	op->actual = json_object();
	json_put_str(op->actual, "path", path);
	json_put_new(op->actual, "content", json_string_safe(text, len));
	free(text);
	return 0;
}

/* Where the state remembers it, as long as it is there: it goes from there when the spec puts it elsewhere. */
static int file_op_read(struct task *t, struct op *op, struct err *err)
{
	const char *wanted = json_str(op->config, "path"), *known = json_str(op->prior, "path");
	int rc = known ? read_at(t, op, known, err) : 0;
	if (rc || op->actual || (known && (!wanted || strcmp(known, wanted) == 0)))
		return rc;
	return read_at(t, op, wanted, err);
}

static int file_op_write(struct task *t, struct op *op, struct err *err)
{
	const struct fabric *self = op->self;
	const json_t *content = json_at(op->config, "content");
	const char *path = json_str(op->config, "path");
	int rc = textfile_write(t, self->dir, path, json_string_value(content), json_string_length(content), err);
	return rc ? rc : read_at(t, op, path, err);
}

/* A file that holds something else than what we wrote is someone's: it stays. */
static int file_op_destroy(struct task *t, struct op *op, struct err *err)
{
	const struct fabric *self = op->self;
	struct op look = *op;
	look.config = NULL;
	look.actual = NULL;
	int rc = file_op_read(t, &look, err);
	if (rc || !look.actual)
		return rc;
	bool ours = json_same(json_at(look.actual, "content"), json_at(op->prior, "content"));
	json_decref(look.actual);
	if (!ours) {
		op_progress(op, -1, "%s was changed by someone else: left as it is", json_str(op->prior, "path"));
		return 0;
	}
	return textfile_remove(t, self->dir, json_str(op->prior, "path"), err);
}

static int file_check(struct expand *x)
{
	const char *path = json_str(x->config, "path");
	if (!path || textfile_path_ok(path))
		return 0;
	x->report(x->report_ctx, "E0723", false, (const char *const[]){ "path", NULL }, NULL, NULL,
		  "\"%.200s\" is no path of a file that may be written (no \"..\" in it)", path);
	return E_INPUT;
}

static const struct resource_type opensm_file = {
	.name = "opensm_file",
	.help = "One file that the subnet manager reads. Made by ib_fabric; replaced as a whole, removed only while its content is ours.",
	.version = 1,
	.attrs = file_attrs,
	.read = file_op_read,
	.create = file_op_write,
	.update = file_op_write,
	.destroy = file_op_destroy,
	.check = file_check,
};

/* --- ib_fabric ---------------------------------------------------------------------------------------------------------- */

static int expand_fabric(struct expand *x)
{
	autojson json_t *files = NULL;
	const char *base = json_str(x->provider, "files");
	json_t *value = NULL;
	int rc = fab_build(x, &files, &value);
	if (rc)
		return rc;
	json_t *paths = json_array();
	size_t n;
	autofree const char **names = json_keys(files, &n);
	for (size_t i = 0; i < n; i++) {
		autofree char *path = xasprintf("%s/%s/%s", base ? base : "fabric", json_str(value, "name"), names[i]);
		json_t *config = json_object();
		json_put_str(config, "path", path);
		json_object_set(config, "content", json_object_get(files, names[i]));
		json_array_append_new(paths, json_string(path));
		expand_add(x, "opensm_file", "file", names[i], NULL, config);
	}
	json_put_new(value, "files", paths);
	x->value = value;
	return 0;
}

static const struct resource_type ib_fabric = {
	.name = "ib_fabric",
	.help = "An InfiniBand fabric: a generated rail-optimised fat tree or written-out links, checked against the rules of such fabrics, and its "
		"partitions. Writes partitions.conf, root_guids.conf and node-name-map for opensm, and tells each node's leaf, spine group and rails.",
	.version = 1,
	.attrs = ib_fabric_attrs,
	.expand = expand_fabric,
};
static const struct resource_type *const types[] = { &ib_fabric, &opensm_file, NULL };

static const struct attr provider_attrs[] = {
	{ .name = "files", .type = ATTR_STRING, .deflt = "\"fabric\"", .help = "Folder for the files, with one folder for each ib_fabric in it." },
	{ 0 }
};

static int fabric_open(const struct provider_env *env, void **self, struct err *err)
{
	(void)err;
	struct fabric *f = xcalloc(1, sizeof(*f));
	f->dir = env->dir;
	*self = f;
	return 0;
}

static void fabric_close(struct task *t, void *self)
{
	(void)t;
	free(self);
}

const struct provider provider_fabric = {
	.abi = PROVIDER_ABI,
	.name = "fabric",
	.help = "InfiniBand fabrics and the files of their subnet manager.",
	.config = provider_attrs,
	.types = types,
	.open = fabric_open,
	.close = fabric_close,
};
