#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/engine.h"
#include "tests/unit/scratch.h"

/* Shops in several places, each with a configuration of its own; an item lies in the place its provider was opened with. */
static char dir[64];
static json_t *world;                        /* {"PLACE ADDRESS": value} */
static unsigned opened;

static char *place_of(const struct op *op)
{
	return xasprintf("%s %s", (const char *)op->self, op->address);
}

static int item_read(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	autofree char *key = place_of(op);
	const json_t *v = json_at(world, key);
	op->actual = v ? json_pack("{s:O}", "value", v) : NULL;
	return 0;
}

static int item_set(struct task *t, struct op *op, struct err *err)
{
	autofree char *key = place_of(op);
	json_object_set(world, key, json_object_get(op->config, "value"));
	return item_read(t, op, err);
}

static int item_remove(struct task *t, struct op *op, struct err *err)
{
	(void)t;
	autofree char *key = place_of(op);
	return json_object_del(world, key) == 0 ? 0 : err_set(err, E_NOTFOUND, "%s is not there", key);
}

static int box_expand(struct expand *x)
{
	expand_add(x, "item", "part", "p", NULL, json_pack("{s:s}", "value", json_str(x->config, "value")));
	return 0;
}

static int shop_open(const struct provider_env *env, void **self, struct err *err)
{
	(void)err;
	*self = xstrdup(json_str(env->config, "where"));
	opened++;
	return 0;
}

static void shop_close(struct task *t, void *self)
{
	(void)t;
	free(self);
}

static const struct attr item_attrs[] = { { .name = "value", .type = ATTR_STRING, .flags = ATTR_REQUIRED }, { 0 } };
static const struct attr shop_attrs[] = { { .name = "where", .type = ATTR_STRING, .flags = ATTR_REQUIRED }, { 0 } };
static const struct resource_type item = {
	.name = "item", .version = 1, .attrs = item_attrs, .read = item_read, .create = item_set, .update = item_set, .destroy = item_remove,
};
static const struct resource_type box = { .name = "box", .version = 1, .attrs = item_attrs, .expand = box_expand };
static const struct resource_type *const shop_types[] = { &item, NULL }, *const maker_types[] = { &box, NULL };
static const struct provider shop = { .abi = PROVIDER_ABI, .name = "shop", .config = shop_attrs, .types = shop_types, .open = shop_open, .close = shop_close };
static const struct provider maker = { .abi = PROVIDER_ABI, .name = "maker", .types = maker_types };
static const struct provider *const providers[] = { &maker, &shop, NULL };

/* --- running ------------------------------------------------------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	struct err err;
	autofree char *path = file_join(dir, name);
	*strrchr(path, '/') = '\0';
	assert_int_equal(file_mkdirs(path, &err), 0);
	path[strlen(path)] = '/';
	assert_int_equal(file_write(path, text, strlen(text), 0644, &err), 0);
}

/* "FILE:LINE:COL summary | hint" a line. */
static char *told(const struct diags *d)
{
	autojson json_t *all = diags_json(d);
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *g = json_array_get(all, i);
		str_addf(&s, "%s:%lld:%lld %s%s%s\n", json_str(g, "file"), (long long)json_int(g, "line", 0), (long long)json_int(g, "column", 0),
			 json_str(g, "summary"), json_str(g, "hint") ? " | " : "", json_str(g, "hint") ? json_str(g, "hint") : "");
	}
	return str_take(&s);
}

struct doit { struct loop *loop; struct store *s; json_t *plan; struct diags *d; bool destroy; };

static int plan_it(struct task *t, void *arg, struct err *err)
{
	struct doit *r = arg;
	struct engine_options o = { .dir = dir, .providers = providers, .loop = r->loop };
	struct plan_options po = { .refresh = true, .destroy = r->destroy };
	struct engine *e;
	struct plan *p = NULL;
	int rc = engine_open(&o, r->d, &e, err);
	if (rc)
		return rc;
	engine_use_store(e, r->s);
	rc = plan_make(t, e, r->s, &po, r->d, &p, err);
	if (!rc)
		r->plan = plan_to_json(p);
	plan_free(p);
	engine_close(t, e);
	return rc;
}

/* As `apply FILE` does: the spec is not read. */
static int apply_it(struct task *t, void *arg, struct err *err)
{
	struct doit *r = arg;
	struct engine_options o = { .dir = dir, .providers = providers, .loop = r->loop };
	struct apply_options ao = { 0 };
	struct apply_result out;
	struct engine *e;
	struct plan *p;
	assert_int_equal(plan_from_json(r->plan, &p, err), 0);
	assert_int_equal(engine_open_bare(&o, p->providers, &e, err), 0);
	int rc = apply_run(t, e, r->s, p, &ao, &out, err);
	assert_int_equal(out.failed + out.kept_back + out.still_open, 0);
	plan_free(p);
	engine_close(t, e);
	return rc;
}

static int go(int (*fn)(struct task *t, void *arg, struct err *err), struct doit *r, struct err *err)
{
	autofree char *path = file_join(dir, "state.db");
	*err = (struct err){ 0 };
	assert_int_equal(store_open(path, false, &r->s, err), 0);
	assert_int_equal(store_lock(r->s, "test", err), 0);
	r->loop = loop_new();
	int rc = loop_run(r->loop, fn, r, err);
	loop_free(r->loop);
	store_close(r->s);
	return rc;
}

/* "ACTION ADDRESS PROVIDER: REASON" a line. */
static char *changes_of(const json_t *plan)
{
	struct str s;
	const json_t *list = json_at(plan, "changes");
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		str_addf(&s, "%s %s %s%s%s\n", json_str(c, "action"), json_str(c, "address"), json_str(c, "provider") ? json_str(c, "provider") : "-",
			 json_str(c, "reason") ? ": " : "", json_str(c, "reason") ? json_str(c, "reason") : "");
	}
	return str_take(&s);
}

static char *plan_text(bool destroy, json_t **plan)
{
	struct doit r = { .d = diags_new(), .destroy = destroy };
	struct err err;
	int rc = go(plan_it, &r, &err);
	autofree char *said = told(r.d);
	if (rc)
		fail_msg("%s %s", err.msg, said);
	char *text = changes_of(r.plan);
	*plan = r.plan;
	diags_free(r.d);
	return text;
}

static void apply_plan(json_t *plan)
{
	struct doit r = { .plan = plan };
	struct err err;
	if (go(apply_it, &r, &err))
		fail_msg("%s", err.msg);
}

#define BLOCKS \
	"provider:\n  shop:\n    - {where: home}\n    - {alias: eu, where: eu}\n    - {alias: by, for_each: {a: A, b: B}, where: '${each.value}'}\n"
static const char module_text[] =
	"resource:\n  item:\n    g: {value: x}\n    h: {value: x, provider: shop.x}\n";

static void each_object_is_made_and_removed_where_it_belongs(void **unused)
{
	(void)unused;
	json_t *plan;
	put("m/m.aipc.yaml", module_text);
	put("n/n.aipc.yaml", "resource:\n  item:\n    g: {value: x}\nmodule:\n  deep: {source: ../m, providers: {shop.x: shop}}\n");
	put("main.aipc.yaml", BLOCKS
	    "resource:\n  item:\n    d: {value: x}\n    e: {value: x, provider: shop.eu}\n    f: {for_each: {a: 1, b: 2}, value: x, provider: '${shop.by[each.key]}'}\n"
	    "  box:\n    c: {value: x, provider: [shop.eu]}\n    b: {value: x}\n"
	    "module:\n  m: {source: ./m, for_each: {b: 1}, providers: {shop: shop.eu, shop.x: 'shop.by[each.key]'}}\n  n: {source: ./n, providers: {shop: 'shop.by[\"a\"]'}}\n");
	autofree char *first = plan_text(false, &plan);
	assert_string_equal(first,
			    "create box.b.part[\"p\"] -\ncreate box.c.part[\"p\"] shop.eu\ncreate item.d -\ncreate item.e shop.eu\ncreate item.f[\"a\"] shop.by[\"a\"]\ncreate item.f[\"b\"] shop.by[\"b\"]\n"
			    "create module.m[\"b\"].item.g shop.eu\ncreate module.m[\"b\"].item.h shop.by[\"b\"]\n"
			    "create module.n.item.g shop.by[\"a\"]\ncreate module.n.module.deep.item.g shop.by[\"a\"]\ncreate module.n.module.deep.item.h shop.by[\"a\"]\n");
	apply_plan(plan);
	json_decref(plan);
	autofree char *made = json_text(world);
	assert_string_equal(made,
			    "{\"A item.f[\\\"a\\\"]\":\"x\",\"A module.n.item.g\":\"x\",\"A module.n.module.deep.item.g\":\"x\",\"A module.n.module.deep.item.h\":\"x\","
			    "\"B item.f[\\\"b\\\"]\":\"x\",\"B module.m[\\\"b\\\"].item.h\":\"x\",\"eu box.c.part[\\\"p\\\"]\":\"x\",\"eu item.e\":\"x\",\"eu module.m[\\\"b\\\"].item.g\":\"x\","
			    "\"home box.b.part[\\\"p\\\"]\":\"x\",\"home item.d\":\"x\"}");
	autofree char *again = plan_text(false, &plan);
	assert_string_equal(again, "");
	json_decref(plan);

	/* One configuration is gone: what was made with it cannot be removed, and nothing else is touched in its place. */
	put("main.aipc.yaml", "provider: {shop: [{where: home}, {alias: by, for_each: {a: A, b: B}, where: '${each.value}'}]}\n");
	autofree char *held = plan_text(false, &plan);
	assert_non_null(strstr(held, "skip item.e shop.eu: provider \"shop.eu\" is not configured\n"));
	assert_non_null(strstr(held, "delete item.f[\"a\"] shop.by[\"a\"]\n"));
	assert_non_null(strstr(held, "delete item.d -\n"));
	json_decref(plan);

	/* All configurations are there, and nothing else: the state knows which one each object needs. */
	put("main.aipc.yaml", BLOCKS);
	opened = 0;
	autofree char *gone = plan_text(false, &plan);
	assert_non_null(strstr(gone, "delete module.m[\"b\"].item.h shop.by[\"b\"]\n"));
	assert_int_equal(opened, 4);
	apply_plan(plan);
	json_decref(plan);
	assert_int_equal(json_object_size(world), 0);
}

/* --- mistakes ---------------------------------------------------------------------------------------------------------------- */

#define MAIN(text) BLOCKS text
static const struct { const char *main, *module, *want; } bad[] = {
	{ MAIN("resource: {item: {i: {value: x, provider: shop.us}}}\n"), NULL, "main.aipc.yaml:6:43 there is no configuration shop.us | did you mean \"shop.eu\"?\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: shop.by}}}\n"), NULL, "main.aipc.yaml:6:43 shop.by are several configurations | name one: shop.by[KEY]\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: 'shop.by[\"c\"]'}}}\n"), NULL, "main.aipc.yaml:6:44 shop.by has no configuration \"c\"\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: 'shop.eu[\"c\"]'}}}\n"), NULL, "main.aipc.yaml:6:44 shop.eu is one configuration: it has no for_each, so no key\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: maker}}}\n"), NULL, "main.aipc.yaml:6:43 \"maker\" is not the provider of item | the provider of item is shop\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: shp.eu}}}\n"), NULL, "main.aipc.yaml:6:43 there is no provider \"shp\" | the provider of item is shop\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: 5}, j: {value: x, provider: '1 + 1'}}}\n"), NULL,
	  "main.aipc.yaml:6:43 this names no configuration of a provider | it looks like NAME, NAME.ALIAS or NAME.ALIAS[KEY]\n"
	  "main.aipc.yaml:6:71 this names no configuration of a provider | it looks like NAME, NAME.ALIAS or NAME.ALIAS[KEY]\n" },
	{ MAIN("resource: {item: {i: {value: x, provider: 'shop.by[each.key]'}}}\n"), NULL,
	  "main.aipc.yaml:6:52 \"each.key\" is known only in a resource with for_each | there is none here\n" },
	{ "provider: {shop: [{where: a}, {where: b}, {alias: x, where: c}, {alias: x, where: d}, {for_each: {}, where: e}, {alias: '${1}', where: f}]}\n", NULL,
	  "main.aipc.yaml:1:31 provider \"shop\" is there twice | further ones need an alias\n"
	  "main.aipc.yaml:1:65 provider \"shop.x\" is there twice\n"
	  "main.aipc.yaml:1:87 provider \"shop\" is there twice | further ones need an alias\n"
	  "main.aipc.yaml:1:88 for_each makes several configurations, and those need an alias | they are used as shop.ALIAS[KEY]\n"
	  "main.aipc.yaml:1:113 provider \"shop\" is there twice | further ones need an alias\n"
	  "main.aipc.yaml:1:121 an alias is a plain name\n" },
	{ MAIN("module: {m: {source: ./m}}\n"), module_text, "m/m.aipc.yaml:4:29 this module was given no configuration shop.x | providers: { shop.x: ... } in its call gives one\n" },
	{ MAIN("module: {m: {source: ./m, providers: {shop.x: shop.us}}}\n"), module_text, "main.aipc.yaml:6:47 there is no configuration shop.us | did you mean \"shop.eu\"?\n" },
	{ "provider: {shop: {alias: eu, wher: x}, shp: {}}\n", NULL,
	  "main.aipc.yaml:1:12 provider.shop.eu.wher: no attribute is called \"wher\" here | did you mean \"where\"?\n"
	  "main.aipc.yaml:1:12 provider.shop.eu: \"where\" is missing here: it is required\n"
	  "main.aipc.yaml:1:40 there is no provider \"shp\" | did you mean \"shop\"?\n" },
};

static void mistakes_are_told(void **unused)
{
	(void)unused;
	int wrong = 0;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct doit r = { .d = diags_new() };
		struct err err;
		put("main.aipc.yaml", bad[i].main);
		if (bad[i].module)
			put("m/m.aipc.yaml", bad[i].module);
		int rc = go(plan_it, &r, &err);
		autofree char *said = told(r.d);
		if (rc != E_INPUT || strcmp(said, bad[i].want) != 0) {
			fprintf(stderr, "%s\ngives %d %s\n%swants\n%s", bad[i].main, rc, err.msg, said, bad[i].want);
			wrong++;
		}
		json_decref(r.plan);
		diags_free(r.d);
	}
	assert_int_equal(wrong, 0);
}

static int setup(void **unused)
{
	(void)unused;
	json_setup();
	world = json_object();
	return scratch(dir) ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	autofree char *line = xasprintf("rm -rf %s", dir);
	json_decref(world);
	return system(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_object_is_made_and_removed_where_it_belongs, setup, teardown),
		cmocka_unit_test_setup_teardown(mistakes_are_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
