/* The made-up world of tests: what rules say, what is made up, and that no real provider is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/mock.h"

static int never(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)op, (void)err;
	fail_msg("a real provider was asked");
	return 0;
}

static int never_open(const struct provider_env *env, void **self, struct err *err)
{
	(void)env, (void)self, (void)err;
	fail_msg("a real provider was opened");
	return 0;
}

static int never_expand(struct expand *x)
{
	(void)x;
	return 0;
}

static const struct attr attrs[] = {
	{ .name = "size", .type = ATTR_INT },
	{ .name = "mode", .type = ATTR_STRING, .flags = ATTR_OPTIONAL_COMPUTED },
	{ .name = "id", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ .name = "n", .type = ATTR_NUMBER, .flags = ATTR_COMPUTED },
	{ .name = "on", .type = ATTR_BOOL, .flags = ATTR_COMPUTED },
	{ .name = "list", .type = ATTR_LIST, .flags = ATTR_COMPUTED },
	{ .name = "map", .type = ATTR_MAP, .flags = ATTR_COMPUTED },
	{ .name = "any", .type = ATTR_ANY, .flags = ATTR_COMPUTED },
	{ 0 },
};
static const struct resource_type box = { .name = "box", .version = 1, .attrs = attrs, .read = never, .create = never, .update = never, .destroy = never },
	nature = { .name = "nature", .version = 1, .attrs = attrs, .read = never, .update = never },
	pool = { .name = "pool", .version = 1, .attrs = attrs, .expand = never_expand },
	look = { .name = "look", .version = 1, .attrs = attrs, .read = never };
static const struct resource_type *const types[] = { &box, &nature, &pool, NULL }, *const data[] = { &look, NULL };
static const struct provider real = { .abi = PROVIDER_ABI, .name = "real", .types = types, .data = data, .open = never_open };
static const struct provider *const reals[] = { &real, NULL };

/* Does FN of type number I (DATA) on ADDRESS with CONFIG (JSON; NULL: none), and gives what came of it as text. */
static char *act(struct mock *m, bool of_data, size_t i, char verb, const char *address, const char *config, const char *prior)
{
	const struct provider *p = mock_providers(m)[0];
	const struct resource_type *t = of_data ? p->data[i] : p->types[i];
	struct provider_env env = { .provider = p };
	struct err err = { 0 };
	autojson json_t *c = config ? json_loads(config, 0, NULL) : NULL, *before = prior ? json_loads(prior, 0, NULL) : NULL;
	struct op op = { .address = address, .type = t, .config = c, .prior = before };
	assert_int_equal(p->open(&env, &op.self, &err), 0);
	op_fn *fn = verb == 'r' ? t->read : verb == 'c' ? t->create : verb == 'u' ? t->update : t->destroy;
	assert_int_equal(fn(NULL, &op, &err), 0);
	p->close(NULL, op.self);
	char *text = op.actual ? json_text(op.actual) : xstrdup("gone");
	json_decref(op.actual);
	return text;
}

static void expect(struct mock *m, bool of_data, size_t i, char verb, const char *address, const char *config, const char *want)
{
	autofree char *got = act(m, of_data, i, verb, address, config, NULL);
	if (strcmp(got, want) != 0)
		fail_msg("%c %s: %s, wanted %s", verb, address, got, want);
}

static void what_is_made_is_there(void **unused)
{
	struct mock *m = mock_new(reals);
	(void)unused;
	expect(m, false, 0, 'r', "box.a", "{}", "gone");
	autofree char *made = act(m, false, 0, 'c', "box.a", "{\"size\":1}", NULL), *read = act(m, false, 0, 'r', "box.a", "{}", NULL);
	assert_string_equal(made, read);
	assert_non_null(strstr(made, "\"any\":null,\"id\":\""));
	assert_non_null(strstr(made, "\"list\":[],\"map\":{},"));
	assert_non_null(strstr(made, "\"n\":0,\"on\":false,\"size\":1}"));
	autofree char *other = act(m, false, 0, 'c', "box.b", "{\"size\":1}", NULL);
	assert_string_not_equal(made, other);
	/* A change keeps what was computed. */
	autofree char *changed = act(m, false, 0, 'u', "box.a", "{\"size\":2,\"mode\":\"x\"}", made), *again = act(m, false, 0, 'r', "box.a", "{}", NULL);
	assert_string_equal(changed, again);
	assert_non_null(strstr(changed, "\"mode\":\"x\""));
	expect(m, false, 0, 'd', "box.a", NULL, "gone");
	expect(m, false, 0, 'r', "box.a", "{}", "gone");
	mock_free(m);
}

static int give(struct mock *m, char kind, const char *name, const char *text, struct err *err)
{
	autojson json_t *j = json_loads(text, 0, NULL);
	return kind == 'a' ? mock_of_address(m, name, j, err) : kind == 'p' ? mock_put(m, name, j, err) : mock_of_type(m, kind == 'd', name, j, err);
}

static void later_rules_win(void **unused)
{
	static const char rest[] = ",\"list\":[],\"map\":{},\"mode\":\"m\",\"n\":0,\"on\":true}";
	struct mock *m = mock_new(reals);
	struct err err;
	(void)unused;
	assert_int_equal(give(m, 'd', "look", "{\"id\":\"type\",\"on\":true,\"mode\":\"m\"}", &err), 0);
	assert_int_equal(give(m, 'a', "data.look.a", "{\"id\":\"block\"}", &err), 0);
	size_t n = mock_rules(m);
	assert_int_equal(give(m, 'a', "data.look.a[1]", "{\"id\":\"one\"}", &err), 0);
	assert_int_equal(give(m, 'a', "*.look.*2]", "{\"id\":\"glob\"}", &err), 0);
	static const struct { const char *address, *id; } rows[] = {
		{ "data.look.b", "type" }, { "data.look.ab", "type" }, { "data.look.a", "block" }, { "data.look.a[0]", "block" }, { "data.look.a[1]", "one" },
		{ "module.m.data.look.a[2]", "glob" }, { "data.look.a[\"k\"]", "block" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *want = xasprintf("{\"any\":null,\"id\":\"%s\"%s", rows[i].id, rest);
		expect(m, true, 0, 'r', rows[i].address, "{}", want);
	}
	assert_null(mock_foretold(m, &box, "box.a"));
	mock_forget(m, n);
	autofree char *want = xasprintf("{\"any\":null,\"id\":\"block\"%s", rest);
	expect(m, true, 0, 'r', "data.look.a[1]", "{}", want);
	/* What exists by nature is not there before it is set; what was put there is. */
	assert_int_equal(give(m, 'r', "nature", "{\"id\":\"n\"}", &err), 0);
	expect(m, false, 1, 'r', "nature.a", "{}", "gone");
	assert_int_equal(give(m, 'p', "nature.b", "{\"size\":5}", &err), 0);
	expect(m, false, 1, 'r', "nature.b", "{}", "{\"size\":5}");
	assert_string_equal(json_str(mock_foretold(m, &nature, "nature.a"), "id"), "n");
	mock_free(m);
}

static void mistakes(void **unused)
{
	static const struct { char kind; const char *name, *attrs, *says; } rows[] = {
		{ 'r', "bix", "{}", "\"bix\" is not a resource type; did you mean \"box\"?" },
		{ 'd', "box", "{}", "\"box\" is not a data type" },
		{ 'r', "pool", "{}", "pool is expanded into other objects: say what those tell" },
		{ 'r', "box", "{\"idd\":1}", "box has no attribute \"idd\"; did you mean \"id\"?" },
		{ 'r', "box", "{\"size\":1}", "\"size\" of box comes from the spec, not from the world" },
		{ 'a', "module.m.box.a[0]", "{\"size\":1}", "\"size\" of box comes from the spec, not from the world" },
		{ 'a', "data.look.a", "{\"ids\":1}", "look has no attribute \"ids\"; did you mean \"id\"?" },
		{ 'p', "data.look.a", "{}", "data.look.a is data: say under override what it tells" },
		{ 'p', "box.a", "{\"sizes\":1}", "box has no attribute \"sizes\"; did you mean \"size\"?" },
	};
	struct mock *m = mock_new(reals);
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		assert_int_equal(give(m, rows[i].kind, rows[i].name, rows[i].attrs, &err), E_INPUT);
		assert_string_equal(err.msg, rows[i].says);
	}
	assert_int_equal(mock_rules(m), 0);
	mock_free(m);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_made_is_there), cmocka_unit_test(later_rules_win), cmocka_unit_test(mistakes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
