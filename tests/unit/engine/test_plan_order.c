/* Plans: instances, what they need of each other, and plans of a part. */
#include "tests/unit/engine/plan_world.h"

/* --- instances and what they need of each other ------------------------------------------------------------------------------------- */

static void instances_have_addresses(void **unused)
{
	(void)unused;
	struct plan *p = plan_of("{\"resource\": {\"box\": {"
		"\"each\": {\"for_each\": {\"b\": 2, \"a\\\"q\": 1}, \"size\": \"${each.value}\"},"
		"\"many\": {\"count\": 2},"
		"\"none\": {\"count\": 0}},"
		"\"pool\": {\"p\": {\"for_each\": {\"x\": \"n1\"}, \"nodes\": [\"${each.value}\"]}}}}");
	autofree char *groups = render_groups(p);
	assert_string_equal(groups, "box.each box.many pool.p[\"x\"]");
	assert_int_equal(p->counts.objects, 6);
	expect(p,
	       "create box.each[\"a\\\"q\"] spec size:>1\n"
	       "create box.each[\"b\"] spec size:>2\n"
	       "create box.many[0] spec size:>1\n"
	       "create box.many[1] spec size:>1\n"
	       "update pool.p[\"x\"].bios[\"n1\"] spec node:>\"n1\" <pool.p[\"x\"].firmware[\"n1\"]\n"
	       "update pool.p[\"x\"].firmware[\"n1\"] spec node:>\"n1\"\n");
}

static void no_instances_are_an_empty_list_or_map(void **unused)
{
	(void)unused;
	expect(plan_of("{\"resource\": {\"box\": {\"l\": {\"count\": 0}, \"m\": {\"for_each\": {}},"
		       "\"a\": {\"from\": [\"${box.l[*].size}\", \"${keys(box.m)}\"]}}}}"),
	       "create box.a spec size:>1 from:>[[],[]]\n");
}

static void groups_follow_references(void **unused)
{
	(void)unused;
	struct plan *p = plan_of(CHAIN);
	autofree char *groups = render_groups(p);
	assert_string_equal(groups, "box.a box.b<box.a box.c<box.b");
	settle(p);
	plan_free(p);
	/* b needs nothing: c still comes after a. */
	json_object_del(w.objects, "box.a");
	json_object_del(w.objects, "box.c");
	p = plan_of(CHAIN);
	autofree char *through = render_groups(p);
	assert_string_equal(through, "box.a box.c<box.a");
	assert_string_equal(p->groups[1].deps[0], "box.b");
	plan_free(p);
}

static void destroy_goes_backwards(void **unused)
{
	(void)unused;
	static const struct plan_options destroy = { .refresh = true, .destroy = true };
	settle_spec(CHAIN);
	assert_int_equal(open_spec(CHAIN), 0);
	struct plan *p = plan(&destroy);
	autofree char *groups = render_groups(p);
	assert_string_equal(groups, "-box.a<-box.b -box.b<-box.c -box.c");
	assert_true(p->destroy);
	expect(p, "delete box.a spec\ndelete box.b spec\ndelete box.c spec\n");
}

static void what_goes_goes_after_its_users_changed(void **unused)
{
	(void)unused;
	settle_spec(CHAIN);
	struct plan *p = plan_of("{\"resource\": {\"box\": {\"b\": {\"size\": 7}}}}");
	autofree char *groups = render_groups(p);
	assert_string_equal(groups, "-box.a<box.b,-box.c box.b -box.c");
	expect(p, "delete box.a spec\nupdate box.b spec size:1>7\ndelete box.c spec\n");
}

static void what_is_still_used_stays(void **unused)
{
	(void)unused;
	static const struct plan_options destroy = { .refresh = true, .destroy = true };
	settle_spec(CHAIN);
	assert_int_equal(open_spec(CHAIN), 0);
	json_object_set_new(w.refuses, "box.b", json_true());
	expect(plan(&destroy),
	       "skip box.a (box.b still needs it and is left out)\n"
	       "skip box.b (password refused)\n"
	       "delete box.c spec\n");
}

static void what_only_an_apply_can_tell_is_deferred(void **unused)
{
	(void)unused;
	struct plan *p = plan_of(COMPUTED(1));
	assert_false(p->complete);
	assert_int_equal(p->counts.defer, 2);
	settle(p);
	expect(p,
	       "create box.a spec size:>1\n"
	       "defer box.b (needs what only an apply of box.a can tell)\n"
	       "defer box.c[\"k\"] (box.b comes first, and that cannot be planned yet)\n");
	p = plan_of(COMPUTED(1));
	assert_int_equal(p->n_outputs, 1);
	assert_string_equal(p->outputs[0].after, "\"id-1\"");
	assert_null(p->outputs[0].before);
	settle(p);
	expect(p, "create box.b spec size:>1 from:>\"id-1\"\ncreate box.c[\"k\"] spec size:>2\n");
	p = plan_of(COMPUTED(1));
	assert_false(plan_has_work(p));
	expect(p, "");
	expect(plan(NULL), "");
	/* The computed attribute may change with its object. */
	expect(plan_of(COMPUTED(2)), "update box.a spec size:1>2\ndefer box.b (needs what only an apply of box.a can tell)\n");
}

static void deferred_resources_keep_what_they_have(void **unused)
{
	(void)unused;
	static const char *const spec = "{\"resource\": {\"box\": {\"a\": {\"from\": {\"x\": 1}},"
		"\"b\": {\"for_each\": {\"k\": 1}}}}}";
	settle_spec(spec);
	struct plan *p = plan_of("{\"resource\": {\"box\": {\"a\": {\"from\": {\"x\": 2}}, \"b\": {\"for_each\": \"${box.a.id}\"}}}}");
	expect(p, "update box.a spec from.x:1>2\ndefer box.b (needs what only an apply of box.a can tell)\n");
}

/* --- which part, and against what ------------------------------------------------------------------------------------------------------ */

static void targets_narrow_the_plan(void **unused)
{
	(void)unused;
	const char *only[] = { "box.c" };
	struct plan_options o = { .refresh = true, .targets = only, .n_targets = 1 };
	struct err err = { 0 };
	assert_int_equal(open_spec(CHAIN), 0);
	struct plan *p = plan(&o);
	assert_int_equal(w.reads, 1);
	assert_false(p->complete);
	expect(p, "create box.c spec size:>3\n");
	only[0] = "box.x*";
	assert_int_equal(try_plan(&o, &p, &err), E_INPUT);
	assert_string_equal(err.msg, "nothing in the spec or the state is called \"box.x*\"");
}

static void without_refresh_the_state_is_trusted(void **unused)
{
	(void)unused;
	static const struct plan_options trusting = { 0 };
	settle_spec(BOX("\"size\": 2"));
	json_object_clear(w.objects);
	w.reads = 0;
	assert_int_equal(open_spec(BOX("\"size\": 2")), 0);
	expect(plan(&trusting), "");
	assert_int_equal(w.reads, 0);
	assert_int_equal(open_spec(BOX("\"size\": 4")), 0);
	expect(plan(&trusting), "update box.a spec size:2>4\n");
}

static void drift_holds_the_world_against_the_state(void **unused)
{
	(void)unused;
	static const struct plan_options drift = { .refresh = true, .drift_only = true };
	settle_spec(BOX("\"size\": 2"));
	assert_int_equal(open_spec("{\"resource\": {\"box\": {\"a\": {\"size\": 9}, \"new\": {}}}}"), 0);
	struct plan *none = plan(&drift);
	assert_int_equal(none->counts.objects, 1);           /* there is no "new" that could be as declared */
	expect(none, "");
	json_object_set_new(json_object_get(w.objects, "box.a"), "size", json_integer(5));
	json_object_set_new(json_object_get(w.objects, "box.a"), "health", json_string("poor"));
	struct plan *p = plan(&drift);
	assert_int_equal(p->counts.drift, 1);
	assert_int_equal(json_integer_value(p->changes[0].attrs[0].was), 2);
	expect(p, "update box.a drift size:5>2\n");
	json_object_clear(w.objects);
	expect(plan(&drift), "create box.a drift size:>2\n");
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		TEST(instances_have_addresses),
		TEST(no_instances_are_an_empty_list_or_map),
		TEST(groups_follow_references),
		TEST(destroy_goes_backwards),
		TEST(what_goes_goes_after_its_users_changed),
		TEST(what_is_still_used_stays),
		TEST(what_only_an_apply_can_tell_is_deferred),
		TEST(deferred_resources_keep_what_they_have),
		TEST(targets_narrow_the_plan),
		TEST(without_refresh_the_state_is_trusted),
		TEST(drift_holds_the_world_against_the_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
