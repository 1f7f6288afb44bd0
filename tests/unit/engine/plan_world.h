/* The world of tests of plans: a made-up provider, what is there, and plans written as lines. */
#ifndef TESTS_UNIT_ENGINE_PLAN_WORLD_H
#define TESTS_UNIT_ENGINE_PLAN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "tests/unit/scratch.h"

/* --- a made-up provider ----------------------------------------------------------------------------------------------------
 *
 * box is made and removed; firmware and bios exist by nature on a machine; pool is a composite of those two; note waits for
 * nothing and holds what others computed. */

static struct world {
	char dir[64];
	json_t *objects;             /* what is there, by address */
	json_t *silent;              /* machines that do not answer */
	json_t *refuses, *partly;    /* addresses that cannot be read, or not wholly */
	size_t reads, made;
	struct loop *loop;
	struct store *store;
	struct diags *d;
	struct engine *e;
} w;

static inline int thing_read(struct task *t, struct op *op, struct err *err)
{
	const json_t *have = json_at(w.objects, op->address);
	const char *node = json_str(op->config ? op->config : op->prior, "node");
	w.reads++;
	int rc = task_yield(t, err);
	if (rc)
		return rc;
	if (node && json_at(w.silent, node))
		return err_set(err, E_UNREACHABLE, "%s: no answer in 10 s", node);
	if (json_at(w.refuses, op->address))
		return err_set(err, E_AUTH, "password refused");
	if (json_at(w.partly, op->address))
		snprintf(op->incomplete, sizeof(op->incomplete), "50 of 66 entries");
	op->actual = have ? json_ref(have) : NULL;
	return 0;
}

static inline int thing_write(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)op;
	return err_set(err, E_UNSUPPORTED, "the plan only");
}

static const struct attr box_attrs[] = {
	{ .name = "size", .type = ATTR_INT, .deflt = "1", .min = 0, .max = 1000000 },
	{ .name = "color", .type = ATTR_STRING, .flags = ATTR_REPLACE },
	{ .name = "tags", .type = ATTR_MAP, .elem = ATTR_STRING },
	{ .name = "from", .type = ATTR_ANY, .deflt = "null" },
	{ .name = "image", .type = ATTR_STRING, .flags = ATTR_META },
	{ .name = "id", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ .name = "health", .type = ATTR_STRING, .flags = ATTR_STATUS | ATTR_COMPUTED },
	{ 0 },
};
static const struct resource_type box = {
	.name = "box", .version = 2, .attrs = box_attrs,
	.read = thing_read, .create = thing_write, .update = thing_write, .destroy = thing_write,
};

static const struct attr bios_attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_REQUIRED },
	{ .name = "settings", .type = ATTR_MAP, .elem = ATTR_STRING, .flags = ATTR_ELIDE },
	{ 0 },
};
static inline void bios_describe(const json_t *config, const json_t *actual, const struct difference *d, size_t n, struct effect *out)
{
	(void)config, (void)actual, (void)d;
	*out = (struct effect){ .disruption = EFFECT_REBOOT, .minutes = 5 * (int)n, .interrupts_jobs = true };
}
static const struct resource_type bios = {
	.name = "bios", .version = 1, .attrs = bios_attrs, .read = thing_read, .update = thing_write, .describe = bios_describe,
};

static const struct attr firmware_attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_REQUIRED },
	{ .name = "version", .type = ATTR_STRING },
	{ 0 },
};
static inline void firmware_describe(const json_t *config, const json_t *actual, const struct difference *d, size_t n, struct effect *out)
{
	(void)config, (void)actual, (void)d, (void)n;
	*out = (struct effect){ .disruption = EFFECT_AC_CYCLE, .minutes = 20, .interrupts_jobs = true, .irreversible = "anti-rollback" };
}
static const struct resource_type firmware = {
	.name = "firmware", .version = 1, .attrs = firmware_attrs, .read = thing_read, .update = thing_write,
	.describe = firmware_describe,
};

static const struct attr pool_attrs[] = {
	{ .name = "nodes", .type = ATTR_LIST, .elem = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "The machines." },
	{ .name = "version", .type = ATTR_STRING },
	{ .name = "settings", .type = ATTR_MAP, .elem = ATTR_STRING },
	{ .name = "canary", .type = ATTR_INT },
	{ .name = "at_once", .type = ATTR_INT },
	{ 0 },
};
static inline int pool_expand(struct expand *x)
{
	const json_t *node;
	size_t i;
	json_array_foreach(json_at(x->config, "nodes"), i, node) {
		const char *name = json_string_value(node);
		if (strcmp(name, "bad") == 0) {
			char index[24];
			snprintf(index, sizeof(index), "%zu", i);
			x->report(x->report_ctx, "E0900", false, (const char *const[]){ "nodes", index, NULL }, NULL, NULL, "a bad node");
			return E_INPUT;
		}
		unsigned first = expand_add(x, "firmware", "firmware", name, name,
			json_pack("{s:s, s:O?}", "node", name, "version", json_at(x->config, "version")));
		unsigned second = expand_add(x, "bios", "bios", name, name,
			json_pack("{s:s, s:O?}", "node", name, "settings", json_at(x->config, "settings")));
		expand_after(x, second, first);
	}
	expand_rollout(x, (unsigned)json_int(x->config, "canary", 0), (unsigned)json_int(x->config, "at_once", 0), 30);
	x->value = json_pack("{s:i}", "machines", (int)i);
	return 0;
}
static const struct resource_type pool = { .name = "pool", .version = 1, .attrs = pool_attrs, .expand = pool_expand };

static const struct resource_type *const fake_types[] = { &bios, &box, &firmware, &pool, NULL };
static const struct attr fake_config[] = { { .name = "region", .type = ATTR_STRING, .deflt = "\"here\"" }, { 0 } };
static const struct provider fake = { .abi = PROVIDER_ABI, .name = "fake", .config = fake_config, .types = fake_types };

/* strict must be told where to go. */
static unsigned opens, closes;
static inline int strict_open(const struct provider_env *env, void **self, struct err *err)
{
	opens++;
	*self = (void *)json_str(env->config, "url");
	return strcmp(*self, "broken") ? 0 : err_set(err, E_NOTFOUND, "password file is missing");
}
static inline void strict_close(struct task *t, void *self)
{
	(void)t, (void)self;
	closes++;
}
static const struct attr strict_config[] = { { .name = "url", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Where." }, { 0 } };
static const struct attr disk_attrs[] = {
	{ .name = "gb", .type = ATTR_INT, .flags = ATTR_OPTIONAL_COMPUTED },
	{ 0 },
};
static const struct resource_type disk = {
	.name = "disk", .version = 1, .attrs = disk_attrs, .read = thing_read, .create = thing_write, .update = thing_write,
	.destroy = thing_write,
};
static const struct resource_type *const strict_types[] = { &disk, NULL };
static const struct provider strict = { .abi = PROVIDER_ABI, .name = "strict", .config = strict_config, .types = strict_types,
					.open = strict_open, .close = strict_close };
static const struct provider *const providers[] = { &fake, &strict, NULL };

/* --- its world --------------------------------------------------------------------------------------------------------------- */

static inline void write_spec(const char *text)
{
	struct err err;
	autofree char *path = file_join(w.dir, "main.aipc.yaml");
	assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
}

static inline int begin(void **unused)
{
	struct err err;
	(void)unused;
	w = (struct world){ .silent = NULL };
	assert_true(scratch(w.dir));
	w.objects = json_object();
	w.silent = json_object();
	w.refuses = json_object();
	w.partly = json_object();
	w.loop = loop_new();
	w.d = diags_new();
	autofree char *path = file_join(w.dir, "state.db");
	assert_int_equal(store_open(path, false, &w.store, &err), 0);
	assert_int_equal(store_lock(w.store, "test", &err), 0);
	return 0;
}

static inline int end(void **unused)
{
	(void)unused;
	engine_close(NULL, w.e);
	store_close(w.store);
	diags_free(w.d);
	loop_free(w.loop);
	json_decref(w.objects);
	json_decref(w.silent);
	json_decref(w.refuses);
	json_decref(w.partly);
	autofree char *command = xasprintf("rm -rf %s", w.dir);
	return system(command);
}

static inline int open_spec(const char *text)
{
	struct err err = { 0 };
	struct engine_options o = { .dir = w.dir, .providers = providers, .loop = w.loop };
	engine_close(NULL, w.e);
	w.e = NULL;
	diags_free(w.d);
	w.d = diags_new();
	write_spec(text);
	int rc = engine_open(&o, w.d, &w.e, &err);
	if (rc && !diags_errors(w.d))
		fail_msg("%s", err.msg);
	return rc;
}

struct making_of { const struct plan_options *o; struct plan *p; };

static inline int make(struct task *t, void *arg, struct err *err)
{
	struct making_of *m = arg;
	return plan_make(t, w.e, w.store, m->o, w.d, &m->p, err);
}

static inline int try_plan(const struct plan_options *o, struct plan **out, struct err *err)
{
	static const struct plan_options usual = { .refresh = true };
	struct making_of m = { o ? o : &usual, NULL };
	int rc = loop_run(w.loop, make, &m, err);
	*out = m.p;
	return rc;
}

static inline struct plan *plan(const struct plan_options *o)
{
	struct plan *p;
	struct err err = { 0 };
	if (try_plan(o, &p, &err)) {
		diags_print(w.d, stderr, false);
		fail_msg("%s", err.msg);
	}
	return p;
}

static inline struct plan *plan_of(const char *spec)
{
	if (open_spec(spec)) {
		diags_print(w.d, stderr, false);
		fail_msg("the spec has mistakes");
	}
	return plan(NULL);
}

/* What an apply does to world and state. */
static inline void settle(const struct plan *p)
{
	struct err err;
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->changes[i];
		if (c->action == ACT_DELETE || c->action == ACT_FORGET) {
			json_object_del(w.objects, c->address);
			assert_int_equal(store_delete(w.store, c->address, &err), 0);
			continue;
		}
		if (c->action > ACT_RECORD)
			continue;
		autojson json_t *attrs = json_copy((json_t *)(c->action == ACT_RECORD && c->prior ? c->prior : c->config)), *deps = json_array();
		if (strcmp(c->type, "box") == 0 && c->action != ACT_RECORD)
			json_object_set_new(attrs, "id", json_sprintf("id-%zu", ++w.made));
		json_object_set(w.objects, c->address, attrs);
		const struct group *g = &p->groups[c->group];
		for (size_t k = 0; k < g->n_deps; k++)
			json_array_append_new(deps, json_string(g->deps[k]));
		struct object o = { .address = c->address, .type = c->type, .owner = c->owner, .attrs = attrs, .deps = deps,
				    .schema_version = engine_type(w.e, c->type)->version, .protected = c->protect };
		assert_int_equal(store_put(w.store, &o, NULL, &err), 0);
	}
	assert_int_equal(store_outputs_put(w.store, p->output_values, p->n_output_values, &err), 0);
}

static inline void settle_spec(const char *spec)
{
	struct plan *p = plan_of(spec);
	settle(p);
	plan_free(p);
}

/* One line a change: ACTION ADDRESS CAUSE PATH:BEFORE>AFTER ... wW <AFTER (REASON). */
static inline char *render(const struct plan *p)
{
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < p->n_moves; i++)
		str_addf(&s, "move %s > %s of %s\n", p->moves[i].from, p->moves[i].to, p->moves[i].owner);
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->changes[i];
		str_addf(&s, "%s %s%s%s", action_name(c->action), c->address, c->cause & CAUSE_SPEC ? " spec" : "",
			 c->cause & CAUSE_DRIFT ? " drift" : "");
		for (size_t k = 0; k < c->n_attrs; k++) {
			autofree char *before = c->attrs[k].before ? json_text(c->attrs[k].before) : xstrdup("");
			autofree char *after = c->attrs[k].after ? json_text(c->attrs[k].after) : xstrdup("");
			str_addf(&s, " %s:%s>%s", c->attrs[k].path, before, after);
		}
		if (c->wave)
			str_addf(&s, " w%u", c->wave);
		for (size_t k = 0; k < c->n_after; k++)
			str_addf(&s, " <%s", p->changes[c->after[k]].address);
		if (c->reason)
			str_addf(&s, " (%s)", c->reason);
		str_addc(&s, '\n');
	}
	return str_take(&s);
}

/* "-pool.a<box.b,box.c" : a minus for what goes. */
static inline char *render_groups(const struct plan *p)
{
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < p->n_groups; i++) {
		const struct group *g = &p->groups[i];
		str_addf(&s, "%s%s%s", i ? " " : "", g->removes ? "-" : "", g->owner);
		for (size_t k = 0; k < g->n_after; k++)
			str_addf(&s, "%c%s%s", k ? ',' : '<', p->groups[g->after[k]].removes ? "-" : "", p->groups[g->after[k]].owner);
	}
	return str_take(&s);
}

static inline void expect(struct plan *p, const char *lines)
{
	autofree char *text = render(p);
	assert_string_equal(text, lines);
	plan_free(p);
}

/* specs */
#define BOX(body) "{\"resource\": {\"box\": {\"a\": {" body "}}}}"

#define POOL(nodes, version, more) \
	"{\"resource\": {\"pool\": {\"p\": {\"nodes\": [" nodes "], \"version\": \"" version "\", \"settings\": {\"Boot\": \"Uefi\"}" more "}}}}"

#define CHAIN \
	"{\"resource\": {\"box\": {" \
	"\"a\": {\"size\": 1}," \
	"\"b\": {\"size\": \"${box.a.size}\"}," \
	"\"c\": {\"size\": 3, \"depends_on\": [\"box.b\"]}}}}"

#define COMPUTED(size) \
	"{\"resource\": {\"box\": {" \
	"\"a\": {\"size\": " #size "}," \
	"\"b\": {\"from\": \"${box.a.id}\"}," \
	"\"c\": {\"for_each\": {\"k\": 1}, \"size\": 2, \"depends_on\": [\"box.b\"]}}}," \
	"\"output\": {\"id\": {\"value\": \"${box.a.id}\"}}}"

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
