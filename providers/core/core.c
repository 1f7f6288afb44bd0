/* core - types that need no outside world. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "providers/all.h"
#include "providers/core/core.h"

/* aipc_data remembers a value in the state: to test a spec, to trigger others, to carry a value from one apply to the next. */
static const struct attr data_attrs[] = {
	{ .name = "input", .type = ATTR_ANY, .deflt = "null", .help = "Any value; output gives it back once it was applied." },
	{ .name = "output", .type = ATTR_ANY, .flags = ATTR_COMPUTED, .help = "The input of the last apply." },
	{ .name = "triggers", .type = ATTR_ANY, .flags = ATTR_REPLACE, .deflt = "null",
	  .help = "Any value; when it changes, the object is replaced." },
	{ 0 },
};

static int data_read(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	op->actual = op->prior ? json_ref(op->prior) : NULL;
	return 0;
}

static int data_write(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	op->actual = json_object();
	json_object_update(op->actual, (json_t *)op->config);
	json_object_set(op->actual, "output", json_object_get(op->config, "input"));
	return 0;
}

static int data_destroy(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	op->actual = NULL;
	return 0;
}

/* The id is the value itself, as JSON or as text. */
static int data_import(const char *id, const json_t *config, json_t **prior, struct err *err)
{
	struct err ignored;
	json_t *v = NULL;
	(void)config, (void)err;
	if (json_parse(id, strlen(id), "the id", &v, &ignored))
		v = json_string_safe(id, strlen(id));
	*prior = json_pack("{s:O,s:o}", "input", v, "output", v);
	return 0;
}

static const struct resource_type aipc_data = {
	.name = "aipc_data",
	.help = "A value kept in the state. It changes nothing in the world.",
	.version = 1,
	.attrs = data_attrs,
	.read = data_read,
	.create = data_write,
	.update = data_write,
	.destroy = data_destroy,
	.import_id = data_import,
};

static int core_open(const struct provider_env *env, void **self, struct err *err)
{
	(void)err;
	*self = xstrdup(env->dir);
	return 0;
}

static void core_close(struct task *t, void *self)
{
	(void)t;
	free(self);
}

static const struct resource_type *const types[] = { &aipc_data, NULL }, *const data[] = { &core_data_file, NULL };

const struct provider provider_core = {
	.abi = PROVIDER_ABI,
	.name = "core",
	.help = "Types that need no outside world.",
	.local = true,
	.types = types,
	.data = data,
	.open = core_open,
	.close = core_close,
};
