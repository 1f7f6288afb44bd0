/* aipc import: takes over one object, and prints the block that declares it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/work.h"

struct import_opts { struct input_opts in; };

static const struct opt import_options[] = {
	INPUT_OPTIONS(struct import_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

/* --- the block -------------------------------------------------------------------------------------------------------------------- */

/* V as one line of a spec: JSON is YAML, and what looks like a template is not one. */
static void add_flow(const json_t *v, struct str *out)
{
	autofree char *text = json_text(v);
	for (const char *p = text; *p; p++) {
		if ((*p == '$' || *p == '%') && p[1] == '{')
			str_addc(out, *p);
		str_addc(out, *p);
	}
}

static void add_key(const char *key, struct str *out)
{
	size_t n = strlen(key);
	bool plain = n && isalpha((unsigned char)key[0]) && strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == n;
	static const char *const words[] = { "null", "true", "false" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		plain = plain && strcasecmp(key, words[i]) != 0;
	autojson json_t *text = json_string_safe(key, n);
	if (plain)
		str_add(out, key);
	else
		add_flow(text, out);
}

enum { DEEP = 12 };

static void add_block(const json_t *map, unsigned depth, struct str *out)
{
	size_t n;
	autofree const char **keys = json_keys(map, &n);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_at(map, keys[i]);
		str_addf(out, "%*s", (int)(2 * depth), "");
		add_key(keys[i], out);
		str_addc(out, ':');
		if (json_is_object(v) && json_object_size(v) && depth < DEEP) {
			str_addc(out, '\n');
			add_block(v, depth + 1, out);
			continue;
		}
		str_addc(out, ' ');
		add_flow(v, out);
		str_addc(out, '\n');
	}
}

/* What a spec may say of the object. */
static json_t *sayable(const struct imported *im)
{
	json_t *out = json_object();
	for (const struct attr *a = im->type->attrs; a && a->name; a++) {
		const json_t *v = json_at(im->attrs, a->name);
		bool own = !(a->flags & (ATTR_COMPUTED | ATTR_STATUS)) || (a->flags & ATTR_REQUIRED);
		if (own && v && !json_is_null(v))
			json_object_set(out, a->name, (json_t *)(uintptr_t)v);
	}
	return out;
}

/* The number of ADDRESS, when it ends in [NUMBER]; else -1. */
static long index_of(const char *address)
{
	const char *key = strchr(address, '[');
	char *end = NULL;
	long n = key && key[1] >= '0' && key[1] <= '9' ? strtol(key + 1, &end, 10) : -1;
	return n >= 0 && strcmp(end, "]") == 0 ? n : -1;
}

/* What makes an instance with the key of ADDRESS, if it has one. */
static void add_repetition(const char *address, struct str *out)
{
	const char *key = strchr(address, '[');
	struct err err;
	autojson json_t *list = NULL;
	if (!key)
		return;
	if (index_of(address) >= 0) {
		str_addf(out, "      count: %ld\n", index_of(address) + 1);
		return;
	}
	if (json_parse(key, strlen(key), "the key", &list, &err) || json_array_size(list) != 1)
		return;
	str_add(out, "      for_each: { ");
	add_flow(json_array_get(list, 0), out);
	str_add(out, ": {} }\n");
}

static char *block_of(const struct imported *im, const char *address)
{
	struct str out;
	str_init(&out, STR_OURS);
	autojson json_t *attrs = sayable(im);
	const char *name = address + strlen(im->type->name) + 1;
	autofree char *plain = xstrndup(name, strcspn(name, "["));
	str_addf(&out, "resource:\n  %s:\n    ", im->type->name);
	add_key(plain, &out);
	str_add(&out, ":\n");
	add_repetition(address, &out);
	add_block(attrs, 3, &out);
	return str_take(&out);
}

/* --- the command ------------------------------------------------------------------------------------------------------------------ */

static int import_body(struct task *t, struct work *w, struct err *err)
{
	struct cli *c = w->cli;
	const char *address = c->args[0], *id = c->n_args > 1 ? c->args[1] : NULL;
	struct imported im;
	int rc = engine_import(t, w->engine, w->store, address, id, &im, err);
	if (rc)
		return rc;
	autofree char *block = im.declared ? NULL : block_of(&im, address);
	autojson json_t *attrs = im.attrs;
	if (c->json) {
		autojson json_t *j = json_object();
		json_put_str(j, "address", address);
		json_put_str(j, "type", im.type->name);
		json_put_new(j, "attributes", json_ref(attrs));
		json_put_new(j, "block", block ? json_string(block) : json_null());
		autofree char *text = json_text(j);
		fprintf(c->out, "%s\n", text);
		return 0;
	}
	fprintf(c->err, "Imported %s.\n%s\n", address, block ? "The spec does not declare it yet; this block does, so that a plan keeps it:" :
		"aipc plan shows what differs from the spec.");
	fprintf(c->out, "%s", block ? block : "");
	if (block && index_of(address) > 0)
		fprintf(c->err, "With count the block has the objects before it too: import them as well.\n");
	return 0;
}

static int import_run(struct cli *c)
{
	const struct import_opts *o = c->opts;
	return work_run(c, &o->in, WORK_LOCK_STATE, "import", import_body, NULL);
}

const struct command cmd_import = {
	.name = "import", .args = "ADDRESS [ID]", .brief = "take over an object that is there already",
	.about = "Reads the object that ID names from the world and writes it into the state as ADDRESS; nothing in the world is changed. What ID is "
		 "depends on the type: the address of the BMC for machines. Where the spec declares ADDRESS, its configuration says which object is meant "
		 "and ID may be left out. Where it does not, the block that declares the object as it is now is printed. An import block in the spec does "
		 "the same as part of a plan.",
	.examples = { { "aipc import power.gpu-0001 10.2.0.17 >> main.aipc.yaml", "and keep the block" },
		      { "aipc import 'gpu_node_pool.train.bios[\"gpu-0001\"]'", "one that is declared" } },
	.opts = import_options, .opts_size = sizeof(struct import_opts), .min = 1, .max = 2,
	.group = GROUP_OTHER, .json = true, .run = import_run,
};
