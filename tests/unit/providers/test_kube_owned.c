#include "tests/unit/providers/expanding.h"

#include "base/mem.h"
#include "providers/kube/owned.h"

static json_t *parsed(const char *text)
{
	json_t *j;
	struct err err;
	if (!text)
		return NULL;
	if (json_parse(text, strlen(text), "the test", &j, &err))
		fail_msg("%s in %s", err.msg, text);
	return j;
}

/* An object with BODY's fields whose managers own the trees. */
#define ENTRY(manager, operation, tree) "{\"manager\":\"" manager "\",\"operation\":\"" operation "\",\"time\":\"2026-11-25T10:00:00Z\",\"fieldsV1\":" tree "}"
#define OBJECT(meta, rest, entries) "{\"metadata\":{" meta "\"managedFields\":[" entries "]}" rest "}"

/* What a configuration, an object and what the server would make of it give. */
static void shapes(void **state)
{
	(void)state;
	static const struct { const char *config, *live, *dry, *shape; } rows[] = {
		/* Only what is wanted is looked at. */
		{ "{\"data\":{\"a\":\"1\"}}", OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\"}", ""), NULL, "{\"data\":{\"a\":\"1\"}}" },
		{ "{\"data\":{\"a\":\"1\",\"c\":\"3\"}}", OBJECT("", ",\"data\":{\"a\":\"9\"}", ""), NULL, "{\"data\":{\"a\":\"9\"}}" },
		/* What is ours and not wanted any more is seen to go. */
		{ "{\"data\":{\"a\":\"1\"}}", OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}")), NULL,
		  "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}" },
		{ "{\"data\":{\"a\":\"1\"}}", OBJECT("\"labels\":{\"x\":\"1\",\"y\":\"2\"},", ",\"data\":{\"a\":\"1\"}", ENTRY("aipc", "Apply", "{\"f:metadata\":{\"f:labels\":{\"f:x\":{}}}}")), NULL,
		  "{\"data\":{\"a\":\"1\"},\"metadata\":{\"labels\":{\"x\":\"1\"}}}" },
		/* Not by Update, and not when it stays ours. */
		{ "{\"data\":{\"a\":\"1\"}}", OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\"}", ENTRY("aipc", "Update", "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}")), NULL,
		  "{\"data\":{\"a\":\"1\"}}" },
		{ "{\"data\":{\"a\":\"9\"}}", OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}")),
		  OBJECT("", ",\"data\":{\"a\":\"9\",\"b\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}")), "{\"data\":{\"a\":\"1\"}}" },
		{ "{\"data\":{\"a\":\"9\"}}", OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}")),
		  OBJECT("", ",\"data\":{\"a\":\"9\",\"b\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{}}}")), "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}" },
		/* What others own too stays, but is not ours any more. */
		{ "{\"data\":{\"a\":\"1\"}}", OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}")),
		  OBJECT("", ",\"data\":{\"a\":\"1\",\"b\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{\"f:a\":{}}}")), "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}" },
		/* Another spelling of the same, and what the server does not keep. */
		{ "{\"cpu\":\"1000m\",\"status\":{\"x\":1}}", OBJECT("", ",\"cpu\":\"1\"", ""), OBJECT("", ",\"cpu\":\"1\"", ""), "{\"cpu\":\"1000m\",\"status\":{\"x\":1}}" },
		{ "{\"cpu\":\"1000m\"}", OBJECT("", ",\"cpu\":\"2\"", ""), OBJECT("", ",\"cpu\":\"1\"", ""), "{\"cpu\":\"2\"}" },
		{ "{\"cpu\":\"1000m\"}", OBJECT("", ",\"cpu\":\"1\"", ""), NULL, "{\"cpu\":\"1\"}" },
		{ "{\"a\":{},\"b\":[],\"c\":null,\"d\":{\"e\":{}}}", OBJECT("", "", ""), NULL, "{\"a\":{},\"b\":[],\"c\":null}" },
		/* Items by their key fields, in the order wanted, without those of others and without defaults. */
		{ "{\"l\":[{\"name\":\"b\",\"v\":1},{\"name\":\"a\",\"v\":2}]}",
		  OBJECT("", ",\"l\":[{\"name\":\"a\",\"v\":2,\"d\":0},{\"name\":\"x\",\"v\":7},{\"name\":\"b\",\"v\":1}]",
			 ENTRY("aipc", "Apply", "{\"f:l\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:name\":{},\"f:v\":{}},\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{}}}}")), NULL,
		  "{\"l\":[{\"name\":\"b\",\"v\":1},{\"name\":\"a\",\"v\":2}]}" },
		{ "{\"l\":[{\"name\":\"a\",\"v\":2}]}",
		  OBJECT("", ",\"l\":[{\"name\":\"a\",\"v\":2},{\"name\":\"b\",\"v\":1},{\"name\":\"x\",\"v\":7}]",
			 ENTRY("aipc", "Apply", "{\"f:l\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{}},\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{},\"f:v\":{}}}}")), NULL,
		  "{\"l\":[{\"name\":\"a\",\"v\":2},{\"name\":\"b\",\"v\":1}]}" },
		{ "{\"p\":[{\"port\":80}]}", OBJECT("", ",\"p\":[{\"port\":80,\"protocol\":\"TCP\"}]",
			 ENTRY("aipc", "Apply", "{\"f:p\":{\"k:{\\\"port\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:port\":{}}}}")), NULL, "{\"p\":[{\"port\":80}]}" },
		/* Sets of values; lists that are one value. */
		{ "{\"s\":[\"b\",\"a\"]}", OBJECT("", ",\"s\":[\"a\",\"x\",\"b\",\"c\"]", ENTRY("aipc", "Apply", "{\"f:s\":{\"v:\\\"a\\\"\":{},\"v:\\\"b\\\"\":{},\"v:\\\"c\\\"\":{}}}")), NULL,
		  "{\"s\":[\"b\",\"a\",\"c\"]}" },
		{ "{\"s\":[\"a\"]}", OBJECT("", ",\"s\":[\"a\",\"b\"]", ENTRY("aipc", "Apply", "{\"f:s\":{}}")), NULL, "{\"s\":[\"a\",\"b\"]}" },
		{ "{\"s\":[{\"k\":1}]}", OBJECT("", ",\"s\":[{\"k\":1,\"d\":2}]", ENTRY("aipc", "Apply", "{\"f:s\":{}}")), NULL, "{\"s\":[{\"k\":1}]}" },
		/* Foreign shapes. */
		{ "{\"a\":{\"b\":1}}", OBJECT("", ",\"a\":7", ""), NULL, "{\"a\":7}" },
		{ "{\"a\":[1]}", OBJECT("", ",\"a\":{\"b\":1}", ENTRY("aipc", "Apply", "{\"f:a\":7}")), NULL, "{\"a\":{\"b\":1}}" },
		{ "{\"l\":[{\"n\":1}]}", OBJECT("", ",\"l\":[{\"n\":1}]", ENTRY("aipc", "Apply", "{\"f:l\":{\"k:broken\":{},\"k:[1]\":{}}}")), NULL, "{\"l\":[{\"n\":1}]}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *config = parsed(rows[i].config), *live = parsed(rows[i].live), *dry = parsed(rows[i].dry);
		json_t *shape = owned_shape(config, live, dry, "aipc");
		autofree char *text = json_text(shape);
		if (strcmp(text, rows[i].shape) != 0)
			fail_msg("row %zu: %s, wanted %s", i, text, rows[i].shape);
		json_decref(shape);
		json_decref(config);
		json_decref(live);
		json_decref(dry);
	}
}

static void owners(void **state)
{
	(void)state;
	static const struct { const char *config, *shape, *live, *kept, *changed; } rows[] = {
		{ "{\"data\":{\"a.b/c\":\"1\",\"d\":\"2\"}}", "{\"data\":{\"a.b/c\":\"9\",\"d\":\"2\"}}",
		  OBJECT("", ",\"data\":{\"a.b/c\":\"9\",\"d\":\"2\"}", ENTRY("aipc", "Apply", "{\"f:data\":{}}")), "{}", "{}" },
		{ "{\"data\":{\"a.b/c\":\"1\",\"d\":\"2\",\"e\":\"3\"}}", "{\"data\":{\"a.b/c\":\"9\",\"d\":\"2\",\"e\":\"3\"}}",
		  OBJECT("", ",\"data\":{\"a.b/c\":\"9\",\"d\":\"2\",\"e\":\"3\"}", ENTRY("kubectl-edit", "Update", "{\"f:data\":{\"f:a.b/c\":{},\"f:d\":{}}}") ","
			 ENTRY("aipc", "Apply", "{\"f:data\":{\"f:e\":{}}}")), "{\"data.d\":\"kubectl-edit\"}", "{\"data.a.b/c\":\"kubectl-edit\"}" },
		/* Gone, or of nobody: no one to name. */
		{ "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"data\":{\"b\":\"2\"}}", OBJECT("", ",\"data\":{\"b\":\"2\"}", ""), "{}", "{}" },
		/* In a list the list is named. */
		{ "{\"l\":[{\"name\":\"a\",\"v\":1},{\"name\":\"b\",\"v\":2}]}", "{\"l\":[{\"name\":\"a\",\"v\":1},{\"name\":\"b\",\"v\":3}]}",
		  OBJECT("", ",\"l\":[{\"name\":\"a\",\"v\":1},{\"name\":\"b\",\"v\":3}]",
			 ENTRY("aipc", "Apply", "{\"f:l\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:name\":{},\"f:v\":{}},\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{},\"f:name\":{}}}}") ","
			 ENTRY("hpa", "Update", "{\"f:l\":{\"k:{\\\"name\\\":\\\"b\\\"}\":{\"f:v\":{}}}}")), "{}", "{\"l\":\"hpa\"}" },
		{ "{\"l\":[1,2]}", "{\"l\":[1,2]}", OBJECT("", ",\"l\":[1,2]", ENTRY("x", "Apply", "{\"f:l\":{}}")), "{\"l\":\"x\"}", "{}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *config = parsed(rows[i].config), *shape = parsed(rows[i].shape), *live = parsed(rows[i].live), *kept = json_object(), *changed = json_object();
		owned_by_others(config, shape, live, "aipc", kept, changed);
		autofree char *k = json_text(kept), *c = json_text(changed);
		if (strcmp(k, rows[i].kept) != 0 || strcmp(c, rows[i].changed) != 0)
			fail_msg("row %zu: %s and %s, wanted %s and %s", i, k, c, rows[i].kept, rows[i].changed);
		json_t *all[] = { config, shape, live, kept, changed };
		for (size_t n = 0; n < ARRAY_LEN(all); n++)
			json_decref(all[n]);
	}
}

static void entries(void **state)
{
	(void)state;
	json_t *ours = parsed(OBJECT("", "", ENTRY("aipc", "Apply", "{\"f:metadata\":{\"f:labels\":{\"f:a\":{}}}}"))), *both, *status, *none = parsed("{\"metadata\":7}");
	both = parsed(OBJECT("", "", ENTRY("aipc", "Apply", "{}") "," ENTRY("x", "Update", "{}")));
	status = parsed(OBJECT("", "", ENTRY("aipc", "Apply", "{}") ",{\"manager\":\"x\",\"operation\":\"Update\",\"subresource\":\"status\",\"fieldsV1\":{}}"));
	assert_string_equal(owned_time(ours, "aipc"), "2026-11-25T10:00:00Z");
	assert_null(owned_tree(ours, "other"));
	assert_null(owned_tree(none, "aipc"));
	assert_true(owned_has(ours, "aipc", (const char *const[]){ "metadata", "labels", "a", NULL }));
	assert_false(owned_has(ours, "aipc", (const char *const[]){ "metadata", "labels", "b", NULL }));
	assert_false(owned_shared(ours, "aipc"));
	assert_true(owned_shared(both, "aipc"));
	assert_false(owned_shared(status, "aipc"));
	assert_true(owned_shared(ours, "x"));
	json_t *all[] = { ours, both, status, none };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		json_decref(all[i]);
}

/* However deep, it ends, on the stack of a task. */
static void deep(void **state)
{
	(void)state;
	json_t *live = json_object(), *at = live;
	for (int i = 0; i < 1500; i++) {
		json_t *next = json_object();
		json_object_set_new(at, "a", next);
		at = next;
	}
	json_object_set_new(live, "metadata", parsed("{\"managedFields\":[" ENTRY("aipc", "Apply", "{\"f:a\":{}}") "]}"));
	json_t *shape = owned_shape(live, live, NULL, "aipc"), *kept = json_object(), *changed = json_object();
	assert_true(json_same(json_at(shape, "a"), json_at(live, "a")));
	owned_by_others(live, shape, live, "nobody", kept, changed);
	assert_int_equal(json_object_size(changed), 0);
	json_decref(kept);
	json_decref(changed);
	json_decref(shape);
	json_decref(live);
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shapes), cmocka_unit_test(owners), cmocka_unit_test(entries), cmocka_unit_test(deep) };
	return cmocka_run_group_tests(tests, setup, NULL);
}
