/* Ties between objects, what a peer says beforehand, and who set what differs: as a plan has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "tests/unit/scratch.h"

static struct { char dir[64]; json_t *objects; struct loop *loop; struct store *store; struct diags *d; struct engine *e; } w;

/* A thing is, gives and needs what it says; what it says of itself the world says of it. */
static void thing_ties(const json_t *config, const json_t *provider, tie_fn *say, void *ctx)
{
	static const char *const names[] = { [TIE_IS] = "is", [TIE_GIVES] = "gives", [TIE_NEEDS] = "needs" };
	(void)provider;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_str(config, names[i]))
			say(ctx, (enum tie)i, json_str(config, names[i]));
}

static int thing_read(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	const json_t *have = json_at(w.objects, op->address);
	const char *needs = json_str(op->config, "needs"), *bad = json_str(op->config, "bad"), *from = needs ? op_given(op, needs) : NULL;
	if (op->planning && from)
		snprintf(op->remark, sizeof(op->remark), "needs %s of %s", needs, from);
	if (op->planning && bad)
		snprintf(op->refused, sizeof(op->refused), "%s is not allowed", bad);
	op->elsewhere = op->planning && op->prior && json_str(op->config, "is") && json_str(op->prior, "is") &&
			strcmp(json_str(op->config, "is"), json_str(op->prior, "is")) != 0;
	if (op->elsewhere)
		snprintf(op->remark, sizeof(op->remark), "it was %s", json_str(op->prior, "is"));
	if (have)
		op->by = json_pack("{s:s}", "size", "someone");
	op->actual = have ? json_ref(have) : NULL;
	return 0;
}

static int thing_write(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)op;
	return err_set(err, E_UNSUPPORTED, "the plan only");
}

static const struct attr thing_attrs[] = {
	{ .name = "is", .type = ATTR_STRING }, { .name = "gives", .type = ATTR_STRING }, { .name = "needs", .type = ATTR_STRING },
	{ .name = "bad", .type = ATTR_STRING }, { .name = "size", .type = ATTR_INT, .deflt = "1" }, { .name = "from", .type = ATTR_ANY }, { 0 }
};
static const struct resource_type thing = {
	.name = "thing", .version = 1, .attrs = thing_attrs, .read = thing_read, .create = thing_write, .update = thing_write,
	.destroy = thing_write, .ties = thing_ties,
};
static const struct attr bag_attrs[] = { { .name = "things", .type = ATTR_LIST, .elem = ATTR_ANY }, { 0 } };
static int bag_expand(struct expand *x)
{
	const json_t *list = json_at(x->config, "things");
	for (size_t i = 0; i < json_array_size(list); i++) {
		char key[24];
		snprintf(key, sizeof(key), "%zu", i);
		expand_add(x, "thing", "thing", key, NULL, json_ref(json_array_get(list, i)));
	}
	return 0;
}
static const struct resource_type bag = { .name = "bag", .version = 1, .attrs = bag_attrs, .expand = bag_expand };
static const struct resource_type *const types[] = { &bag, &thing, NULL };
static const struct attr config[] = { { .name = "region", .type = ATTR_STRING, .deflt = "\"here\"" }, { 0 } };
static const struct provider fake = { .abi = PROVIDER_ABI, .name = "fake", .config = config, .types = types };
static const struct provider *const providers[] = { &fake, NULL };

static int begin(void **unused)
{
	struct err err;
	(void)unused;
	assert_true(scratch(w.dir));
	w.objects = json_object();
	w.loop = loop_new();
	w.d = diags_new();
	w.e = NULL;
	autofree char *path = file_join(w.dir, "state.db");
	assert_int_equal(store_open(path, false, &w.store, &err), 0);
	assert_int_equal(store_lock(w.store, "test", &err), 0);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	engine_close(NULL, w.e);
	store_close(w.store);
	diags_free(w.d);
	loop_free(w.loop);
	json_decref(w.objects);
	autofree char *command = xasprintf("rm -rf %s", w.dir);
	return system(command);
}

static int open_spec(const char *text)
{
	struct err err = { 0 };
	struct engine_options o = { .dir = w.dir, .providers = providers, .loop = w.loop };
	autofree char *path = file_join(w.dir, "main.aipc.yaml");
	engine_close(NULL, w.e);
	w.e = NULL;
	diags_free(w.d);
	w.d = diags_new();
	assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
	return engine_open(&o, w.d, &w.e, &err);
}

struct making_of { struct plan_options o; struct plan *p; };
static int make(struct task *t, void *arg, struct err *err)
{
	struct making_of *m = arg;
	return plan_make(t, w.e, w.store, &m->o, w.d, &m->p, err);
}

static int plan_of(const char *spec, bool destroy, bool drift, struct plan **out)
{
	struct making_of m = { .o = { .refresh = true, .destroy = destroy, .drift_only = drift } };
	struct err err = { 0 };
	if (open_spec(spec))
		return E_INPUT;
	int rc = loop_run(w.loop, make, &m, &err);
	*out = m.p;
	return rc;
}

/* Everything that the plan makes is there, and known with what it depends on. */
static void settle(const struct plan *p)
{
	struct err err;
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->changes[i];
		const struct group *g = &p->groups[c->group];
		autojson json_t *deps = json_array();
		for (size_t k = 0; k < g->n_deps; k++)
			json_array_append_new(deps, json_string(g->deps[k]));
		json_object_set(w.objects, c->address, (json_t *)c->config);
		struct object o = { .address = c->address, .type = c->type, .owner = c->owner, .attrs = (json_t *)c->config, .deps = deps, .schema_version = 1 };
		assert_int_equal(store_put(w.store, &o, NULL, &err), 0);
	}
}

/* Who goes after whom: "thing.b<thing.a", of groups and, inside one, of changes. */
static char *order_of(const struct plan *p)
{
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < p->n_groups; i++)
		for (size_t k = 0; k < p->groups[i].n_after; k++)
			str_addf(&s, "%s<%s ", p->groups[i].owner, p->groups[p->groups[i].after[k]].owner);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->changes[i].n_after; k++)
			str_addf(&s, "%s<%s ", p->changes[i].address, p->changes[p->changes[i].after[k]].address);
	return str_take(&s);
}

#define SPEC(things) "{\"resource\": {\"thing\": {" things "}}}"
#define BAG(list) "{\"resource\": {\"bag\": {\"b\": {\"things\": [" list "]}}}}"

static void what_gives_comes_first(void **unused)
{
	(void)unused;
	static const struct { const char *spec, *order, *backwards; } rows[] = {
		{ SPEC("\"a\": {\"needs\": \"k\"}, \"b\": {\"gives\": \"k\"}"), "thing.a<thing.b ", "thing.b<thing.a " },
		{ SPEC("\"a\": {\"needs\": \"k\"}, \"b\": {\"gives\": \"other\"}"), "", "" },
		{ SPEC("\"a\": {\"needs\": \"k\", \"gives\": \"k\"}"), "", "" },
		/* Within one block. */
		{ BAG("{\"needs\": \"k\"}, {\"gives\": \"k\"}"), "bag.b.thing[\"0\"]<bag.b.thing[\"1\"] ", "bag.b.thing[\"1\"]<bag.b.thing[\"0\"] " },
		{ SPEC("\"l\": {\"for_each\": {\"x\": \"gives\", \"y\": \"needs\"}, \"gives\": \"${each.value == \\\"gives\\\" ? \\\"k\\\" : null}\", "
		       "\"needs\": \"${each.value == \\\"needs\\\" ? \\\"k\\\" : null}\"}"), "thing.l[\"y\"]<thing.l[\"x\"] ", "thing.l[\"x\"]<thing.l[\"y\"] " },
		/* The spec's own order has the last word. */
		{ SPEC("\"a\": {\"needs\": \"k\"}, \"b\": {\"gives\": \"k\", \"depends_on\": [\"thing.a\"]}"), "thing.b<thing.a ", "thing.a<thing.b " },
		{ SPEC("\"a\": {\"needs\": \"k\"}, \"m\": {\"depends_on\": [\"thing.a\"]}, \"b\": {\"gives\": \"k\", \"depends_on\": [\"thing.m\"]}"),
		  "thing.b<thing.m thing.m<thing.a ", "thing.a<thing.m thing.m<thing.b " },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plan *p = NULL;
		begin(NULL);
		assert_int_equal(plan_of(rows[i].spec, false, false, &p), 0);
		autofree char *order = order_of(p);
		assert_string_equal(order, rows[i].order);
		settle(p);
		plan_free(p);
		assert_int_equal(plan_of(rows[i].spec, true, false, &p), 0);
		autofree char *backwards = order_of(p);
		assert_string_equal(backwards, rows[i].backwards);
		plan_free(p);
		end(NULL);
	}
}

/* Out of the spec, the state remembers which goes first. */
static void the_state_remembers(void **unused)
{
	(void)unused;
	struct plan *p = NULL;
	assert_int_equal(plan_of(SPEC("\"a\": {\"needs\": \"k\"}, \"b\": {\"gives\": \"k\"}"), false, false, &p), 0);
	settle(p);
	plan_free(p);
	assert_int_equal(plan_of("{\"locals\": {\"x\": 1}}", false, false, &p), 0);
	autofree char *order = order_of(p);
	assert_string_equal(order, "thing.b<thing.a ");
	plan_free(p);
}

static void one_thing_is_one_object(void **unused)
{
	(void)unused;
	struct plan *p = NULL;
	assert_int_equal(plan_of(SPEC("\"a\": {\"is\": \"x\"}, \"b\": {\"is\": \"x\"}"), false, false, &p), E_INPUT);
	autojson json_t *told = diags_json(w.d);
	assert_string_equal(json_str(json_array_get(told, 0), "code"), "E0125");
	assert_string_equal(json_str(json_array_get(told, 0), "summary"), "thing.a and thing.b would both write x");
	/* Under two configurations of the provider they are two things. */
	assert_int_equal(plan_of("{\"provider\": {\"fake\": [{\"region\": \"a\"}, {\"alias\": \"b\", \"region\": \"b\"}]}, \"resource\": {\"thing\": {\"a\": {\"is\": \"x\", \"gives\": \"k\"}, "
				 "\"b\": {\"is\": \"x\", \"needs\": \"k\", \"provider\": \"fake.b\"}}}}", false, false, &p), 0);
	autofree char *order = order_of(p);
	assert_string_equal(order, "");
	plan_free(p);
}

static void what_is_refused_is_a_mistake(void **unused)
{
	(void)unused;
	struct plan *p = NULL;
	assert_int_equal(plan_of(BAG("{\"bad\": \"a\"}, {}, {\"bad\": \"b\"}, {\"bad\": \"c\"}, {\"bad\": \"d\"}, {\"bad\": \"e\"}"), false, false, &p), E_INPUT);
	autojson json_t *told = diags_json(w.d);
	assert_int_equal(json_array_size(told), 3);
	const json_t *first = json_array_get(told, 0), *last = json_array_get(told, 2);
	assert_string_equal(json_str(first, "code"), "E0126");
	assert_string_equal(json_str(first, "summary"), "bag.b.thing[\"0\"]: a is not allowed");
	assert_string_equal(json_str(json_array_get(json_at(last, "notes"), 0), "text"), "and 2 more objects of bag.b");
	assert_true(json_int(first, "line", 0) == 1);
}

static void remarks_and_who_did_it(void **unused)
{
	(void)unused;
	struct plan *p = NULL, *again = NULL;
	struct err err;
	assert_int_equal(plan_of(SPEC("\"a\": {\"needs\": \"k\"}, \"b\": {\"gives\": \"k\"}"), false, false, &p), 0);
	assert_string_equal(p->changes[0].reason, "needs k of thing.b");
	assert_null(p->changes[1].reason);
	settle(p);
	plan_free(p);
	json_object_set_new(w.objects, "thing.b", json_pack("{s:i,s:s}", "size", 9, "gives", "k"));
	assert_int_equal(plan_of(SPEC("\"a\": {\"needs\": \"k\", \"bad\": \"x\"}, \"b\": {\"gives\": \"k\"}"), false, true, &p), 0);
	assert_int_equal(p->n, 1);
	assert_string_equal(p->changes[0].attrs[0].by, "someone");
	autojson json_t *j = plan_to_json(p);
	assert_int_equal(plan_from_json(j, &again, &err), 0);
	assert_string_equal(again->changes[0].attrs[0].by, "someone");
	plan_free(again);
	plan_free(p);
}

static void what_is_elsewhere_is_replaced(void **unused)
{
	(void)unused;
	struct plan *p = NULL;
	assert_int_equal(plan_of(SPEC("\"a\": {\"is\": \"x\"}"), false, false, &p), 0);
	settle(p);
	plan_free(p);
	assert_int_equal(plan_of(SPEC("\"a\": {\"is\": \"y\"}"), false, false, &p), 0);
	assert_int_equal(p->changes[0].action, ACT_REPLACE);
	assert_int_equal(p->changes[0].cause, CAUSE_SPEC);
	assert_string_equal(p->changes[0].reason, "it was x");
	plan_free(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_gives_comes_first), TEST(the_state_remembers), TEST(one_thing_is_one_object), TEST(what_is_refused_is_a_mistake),
		TEST(remarks_and_who_did_it), TEST(what_is_elsewhere_is_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
