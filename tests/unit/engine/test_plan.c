#include "tests/unit/engine/plan_world.h"

/* --- what a plan says ---------------------------------------------------------------------------------------------------------- */

#define KEPT(keep, more) BOX("\"lifecycle\": {\"prevent_destroy\": " keep "}" AFTER(more))
#define MOVED(from, to, boxes) "resource: {box: {" boxes "}}\nmoved: [{from: " from ", to: " to "}]\n"
#define AFTER(more) ", \"from\": null, " more
#define LIFT "set lifecycle.prevent_destroy to false in its block and apply that first"
#define TWO(size, ref) "{\"resource\": {\"box\": {\"a\": {\"lifecycle\": {\"replace_triggered_by\": [\"" ref "\"]}}, \"b\": {\"size\": " size "}}}}"

static const struct { const char *before, *world, *after, *lines; } steps[] = {
	{ NULL, NULL, BOX(""), "create box.a spec size:>1\n" },
	{ BOX(""), NULL, BOX(""), "" },
	{ BOX("\"size\": 2"), NULL, BOX("\"size\": 3"), "update box.a spec size:2>3\n" },
	{ BOX("\"image\": \"x\""), NULL, BOX("\"image\": \"y\""), "" },
	{ BOX("\"size\": 2"), "{\"size\":5}", BOX("\"size\": 2"), "update box.a drift size:5>2\n" },
	{ BOX("\"size\": 2"), "{\"size\":5}", BOX("\"size\": 3"), "update box.a spec drift size:5>3\n" },
	{ BOX("\"size\": 2"), "{\"size\":3}", BOX("\"size\": 3"), "" },
	{ BOX("\"size\": 2"), "null", BOX("\"size\": 2"), "create box.a drift size:>2\n" },
	{ BOX("\"size\": 2"), "null", BOX("\"size\": 3"), "create box.a spec drift size:>3\n" },
	{ BOX("\"color\": \"red\""), NULL, BOX("\"color\": \"blue\", \"size\": 9"),
	  "replace box.a spec size:1>9 color:\"red\">\"blue\"\n" },
	{ BOX("\"tags\": {\"x\": 1, \"y\": 2}"), NULL, BOX("\"tags\": {\"y\": 2, \"z\": 3}"),
	  "update box.a spec tags.x:\"1\"> tags.z:>\"3\"\n" },
	{ BOX("\"from\": {\"k\": [1]}"), NULL, BOX(""), "update box.a spec from:{\"k\":[1]}>\n" },
	{ BOX(""), NULL, "{\"resource\": {}}", "delete box.a spec\n" },
	{ BOX(""), "null", "{\"resource\": {}}", "forget box.a drift (it is gone already)\n" },
	{ NULL, "{\"size\":1}", BOX(""), "" },
	{ NULL, "{\"size\":2}", BOX(""), "update box.a spec size:2>1\n" },
	{ NULL, "{\"size\":1,\"color\":\"red\"}", BOX("\"color\": \"blue\""),
	  "skip box.a (it exists, aipc did not make it, and changing it would mean to remove it first)\n" },
	/* lifecycle */
	{ KEPT("true", ""), NULL, KEPT("true", "\"color\": \"red\""), "block box.a (it would be replaced, and it is protected (prevent_destroy); " LIFT ")\n" },
	{ KEPT("true", ""), NULL, KEPT("true", "\"size\": 4"), "update box.a spec size:1>4\n" },
	{ KEPT("true", ""), NULL, BOX("\"color\": \"red\""), "block box.a (it would be replaced, and it is protected (prevent_destroy); " LIFT ")\n" },
	{ KEPT("true", ""), NULL, BOX(""), "" },
	{ KEPT("true", ""), NULL, "{\"resource\": {}}", "block box.a (it would be removed, and it is protected (prevent_destroy); " LIFT ")\n" },
	{ KEPT("true", ""), "null", "{\"resource\": {}}", "forget box.a drift (it is gone already)\n" },
	{ KEPT("true", ""), NULL, KEPT("false", ""), "record box.a spec (no longer protected)\n" },
	{ KEPT("true", ""), NULL, KEPT("\"${1 > 2}\"", "\"color\": \"red\""), "record box.a (unprotect first; plan again after it)\n" },
	{ BOX(""), NULL, KEPT("\"${1 < 2}\"", ""), "record box.a spec (protected from now on)\n" },
	{ BOX(""), NULL, KEPT("null", ""), "" },
	{ BOX(""), NULL, BOX("\"size\": 4, \"lifecycle\": {\"ignore_changes\": [\"size\"]}"), "" },
	{ BOX(""), NULL, BOX("\"size\": 4, \"color\": \"red\", \"lifecycle\": {\"ignore_changes\": \"all\"}"), "" },
	{ BOX("\"size\": 2"), "{\"size\":5}", BOX("\"size\": 2, \"lifecycle\": {\"ignore_changes\": [\"size\"]}"), "" },
	{ BOX("\"tags\": {\"x\": 1, \"y\": 2}"), NULL, BOX("\"tags\": {\"x\": 3, \"y\": 4}, \"lifecycle\": {\"ignore_changes\": [\"tags[\\\"x\\\"]\"]}"),
	  "update box.a spec tags.y:\"2\">\"4\"\n" },
	{ NULL, NULL, BOX("\"size\": 4, \"lifecycle\": {\"ignore_changes\": [\"size\"]}"), "create box.a spec size:>4\n" },
	{ BOX(""), NULL, BOX("\"color\": \"red\", \"lifecycle\": {\"create_before_destroy\": true}"),
	  "block box.a (create_before_destroy asks for a second object beside it, but objects of type box have their address as identity: there cannot be two)\n" },
	{ TWO("1", "box.b"), NULL, TWO("2", "box.b"), "replace box.a spec (box.b changes)\nupdate box.b spec size:1>2\n" },
	{ TWO("1", "box.b.size"), NULL, TWO("2", "box.b.size"), "replace box.a spec (box.b changes)\nupdate box.b spec size:1>2\n" },
	{ TWO("1", "box.b.color"), NULL, TWO("2", "box.b.color"), "update box.b spec size:1>2\n" },
	{ TWO("1", "box.b.size"), NULL, TWO("1", "box.b.size"), "" },
	/* moved, removed, import */
	{ BOX(""), NULL, MOVED("box.a", "box.b", "b: {}"), "move box.a > box.b of box.b\n" },
	{ BOX(""), NULL, MOVED("box.a", "box.b", ""), "move box.a > box.b of box.b\ndelete box.b spec\n" },
	{ BOX("count: 2"), NULL, MOVED("box.a", "box.b", "b: {count: 2}"), "move box.a[0] > box.b[0] of box.b\nmove box.a[1] > box.b[1] of box.b\n" },
	{ BOX("count: 2"), NULL, MOVED("'box.a[1]'", "'box.a[\"x\"]'", "a: {for_each: {x: 1}}"),
	  "move box.a[1] > box.a[\"x\"] of box.a\ndelete box.a[0] spec\n" },
	{ BOX("count: 2"), NULL, BOX(""), "move box.a[0] > box.a of box.a\ndelete box.a[1] spec\n" },
	{ BOX(""), NULL, BOX("count: 2"), "move box.a > box.a[0] of box.a\ncreate box.a[1] spec size:>1\n" },
	{ BOX(""), NULL, MOVED("box.a", "'box.a[\"k\"]'", "a: {for_each: {k: 1}}"), "move box.a > box.a[\"k\"] of box.a\n" },
	{ "resource: {box: {a: {}, b: {}}}", NULL, MOVED("box.a", "box.b", "b: {}"), "delete box.a spec\n" },
	{ "resource: {box: {a: {size: 1}, b: {size: 2}}}", NULL, "resource: {box: {c: {size: 1}}}\n"
	  "moved: [{from: box.a, to: box.b}, {from: box.b, to: box.c}]\n", "move box.a > box.c of box.c\ndelete box.b spec\n" },
	{ "resource: {pool: {p: {nodes: [n1]}}}", NULL, "resource: {pool: {q: {nodes: [n1]}}}\nmoved: [{from: pool.p, to: pool.q}]\n",
	  "move pool.p.bios[\"n1\"] > pool.q.bios[\"n1\"] of pool.q\nmove pool.p.firmware[\"n1\"] > pool.q.firmware[\"n1\"] of pool.q\n" },
	{ "resource: {pool: {p: {nodes: [n1]}}}", NULL, "resource: {pool: {q: {for_each: {k: 1}, nodes: [n1]}}}\nmoved: [{from: pool.p, to: 'pool.q[\"k\"]'}]\n",
	  "move pool.p.bios[\"n1\"] > pool.q[\"k\"].bios[\"n1\"] of pool.q[\"k\"]\nmove pool.p.firmware[\"n1\"] > pool.q[\"k\"].firmware[\"n1\"] of pool.q[\"k\"]\n" },
	{ BOX(""), NULL, "resource: {}\nremoved: {from: box.a, lifecycle: {destroy: false}}\n", "forget box.a spec (removed from the spec; the world stays)\n" },
	{ BOX(""), NULL, "resource: {}\nremoved: {from: box.a}\n", "delete box.a spec\n" },
	{ NULL, "{\"size\":1}", "resource: {box: {a: {}}}\nimport: {to: box.a}\n", "record box.a spec (adopt: it is as the spec wants)\n" },
	{ NULL, "{\"size\":2}", "resource: {box: {a: {}}}\nimport: {to: box.a}\n", "update box.a spec size:2>1\n" },
	{ BOX(""), NULL, "resource: {box: {a: {}}}\nimport: {to: box.a}\n", "" },
};

static void says_what_changes_and_why(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		begin(state);
		if (steps[i].before)
			settle_spec(steps[i].before);
		if (steps[i].world && strcmp(steps[i].world, "null") == 0)
			json_object_del(w.objects, "box.a");
		else if (steps[i].world)
			json_object_set_new(w.objects, "box.a", json_loads(steps[i].world, 0, NULL));
		/* This world knows its objects by address, so it cannot tell what moved from what is not there. */
		bool moves = strncmp(steps[i].lines, "move ", 5) == 0 || strstr(steps[i].after, "moved: ");
		if (moves) {
			if (open_spec(steps[i].after)) {
				diags_print(w.d, stderr, false);
				fail_msg("row %zu has mistakes", i);
			}
			expect(plan(&(struct plan_options){ .refresh = false }), steps[i].lines);
			end(state);
			continue;
		}
		expect(plan_of(steps[i].after), steps[i].lines);
		struct plan *p = plan(NULL);
		settle(p);
		plan_free(p);
		if (!strstr(steps[i].lines, "skip") && !strstr(steps[i].lines, "block") && !strstr(steps[i].lines, "first;"))
			expect(plan_of(steps[i].after), "");
		end(state);
	}
}

/* Machines of a pool as they come: firmware 1, booting the old way. */
static void rack(const char *const *nodes)
{
	for (; *nodes; nodes++) {
		autofree char *f = xasprintf("pool.p.firmware[\"%s\"]", *nodes), *b = xasprintf("pool.p.bios[\"%s\"]", *nodes);
		json_object_set_new(w.objects, f, json_pack("{s:s, s:s}", "node", *nodes, "version", "1"));
		json_object_set_new(w.objects, b, json_pack("{s:s, s:{s:s}}", "node", *nodes, "settings", "Boot", "Legacy"));
	}
}

static void a_composite_goes_in_waves(void **unused)
{
	(void)unused;
	rack((const char *const[]){ "n1", "n2", "n3", "n10", NULL });
	struct plan *p = plan_of(POOL("\"n10\", \"n2\", \"n1\", \"n3\"", "2", ", \"canary\": 1, \"at_once\": 2"));
	assert_int_equal(p->n_groups, 1);
	assert_int_equal(p->groups[0].waves, 3);
	assert_int_equal(p->groups[0].objects, 8);
	assert_int_equal(p->groups[0].nodes, 4);
	assert_int_equal(p->groups[0].soak_s, 30);
	assert_int_equal(p->changes[0].effect.minutes, 5);
	assert_int_equal(p->changes[4].effect.disruption, EFFECT_AC_CYCLE);
	assert_string_equal(p->changes[4].effect.irreversible, "anti-rollback");
	expect(p,
	       "update pool.p.bios[\"n1\"] spec settings.Boot:\"Legacy\">\"Uefi\" w1 <pool.p.firmware[\"n1\"]\n"
	       "update pool.p.bios[\"n2\"] spec settings.Boot:\"Legacy\">\"Uefi\" w2 <pool.p.firmware[\"n2\"]\n"
	       "update pool.p.bios[\"n3\"] spec settings.Boot:\"Legacy\">\"Uefi\" w2 <pool.p.firmware[\"n3\"]\n"
	       "update pool.p.bios[\"n10\"] spec settings.Boot:\"Legacy\">\"Uefi\" w3 <pool.p.firmware[\"n10\"]\n"
	       "update pool.p.firmware[\"n1\"] spec version:\"1\">\"2\" w1\n"
	       "update pool.p.firmware[\"n2\"] spec version:\"1\">\"2\" w2\n"
	       "update pool.p.firmware[\"n3\"] spec version:\"1\">\"2\" w2\n"
	       "update pool.p.firmware[\"n10\"] spec version:\"1\">\"2\" w3\n");
}

static void what_matches_is_counted_but_not_listed(void **unused)
{
	(void)unused;
	rack((const char *const[]){ "n1", NULL });
	struct plan *p = plan_of(POOL("\"n1\"", "1", ""));
	assert_int_equal(p->counts.objects, 2);
	assert_int_equal(p->counts.update, 1);
	assert_true(p->complete);
	assert_true(plan_has_work(p));
	expect(p, "update pool.p.bios[\"n1\"] spec settings.Boot:\"Legacy\">\"Uefi\"\n");
}

static void a_silent_machine_holds_back_only_itself(void **unused)
{
	(void)unused;
	rack((const char *const[]){ "n1", "n2", NULL });
	json_object_set_new(w.silent, "n1", json_true());
	static const struct plan_options one = { .refresh = true, .parallel = 1 };
	assert_int_equal(open_spec(POOL("\"n1\", \"n2\"", "2", "")), 0);
	struct plan *p = plan(&one);
	assert_int_equal(w.reads, 3);
	assert_int_equal(p->counts.bmcs_silent, 1);
	assert_int_equal(p->counts.skip, 2);
	assert_true(p->changes[0].silent && p->changes[2].silent && !p->changes[1].silent);
	assert_false(p->complete);
	expect(p,
	       "skip pool.p.bios[\"n1\"] (n1: no answer in 10 s)\n"
	       "update pool.p.bios[\"n2\"] spec settings.Boot:\"Legacy\">\"Uefi\" <pool.p.firmware[\"n2\"]\n"
	       "skip pool.p.firmware[\"n1\"] (n1: no answer in 10 s)\n"
	       "update pool.p.firmware[\"n2\"] spec version:\"1\">\"2\"\n");
}

static void what_comes_after_an_unreadable_step_waits(void **unused)
{
	(void)unused;
	rack((const char *const[]){ "n1", "n2", NULL });
	json_object_set_new(w.refuses, "pool.p.firmware[\"n1\"]", json_true());
	json_object_set_new(w.partly, "pool.p.bios[\"n2\"]", json_true());
	json_object_clear(json_object_get(json_object_get(w.objects, "pool.p.bios[\"n2\"]"), "settings"));
	struct plan *p = plan_of(POOL("\"n1\", \"n2\"", "1", ""));
	assert_int_equal(p->counts.bmcs_silent, 0);
	assert_false(p->changes[0].silent || p->changes[1].silent || p->changes[2].silent);
	expect(p,
	       "skip pool.p.bios[\"n1\"] (pool.p.firmware[\"n1\"] comes first, and that is left out)\n"
	       "skip pool.p.bios[\"n2\"] (not all of it could be read: 50 of 66 entries)\n"
	       "skip pool.p.firmware[\"n1\"] (password refused)\n");
}

static void what_exists_by_nature_is_forgotten(void **unused)
{
	(void)unused;
	rack((const char *const[]){ "n1", "n2", NULL });
	settle_spec(POOL("\"n1\", \"n2\"", "2", ""));
	json_object_set_new(w.silent, "n1", json_true());    /* gone for good: that must not keep it in the state */
	expect(plan_of(POOL("\"n2\"", "2", "")),
	       "forget pool.p.bios[\"n1\"] spec (nothing is undone in the world)\n"
	       "forget pool.p.firmware[\"n1\"] spec (nothing is undone in the world)\n");
}

/* --- the file ---------------------------------------------------------------------------------------------------------------------------- */

static void the_same_world_gives_the_same_bytes(void **unused)
{
	(void)unused;
	rack((const char *const[]){ "n1", "n2", NULL });
	char *texts[2];
	for (int i = 0; i < 2; i++) {
		struct plan *p = plan_of(POOL("\"n1\", \"n2\"", "2", ", \"canary\": 1"));
		autojson json_t *j = plan_to_json(p);
		texts[i] = json_text(j);
		plan_free(p);
	}
	assert_string_equal(texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
}

static void a_plan_as_json(void **unused)
{
	(void)unused;
	struct plan *p = plan_of("{\"resource\": {\"box\": {\"a\": {\"size\": 3}}}, \"output\": {\"o\": {\"value\": \"x\"}}}");
	autojson json_t *j = plan_to_json(p);
	json_object_del(j, "state_path");
	json_object_del(j, "id");
	json_object_del(j, "spec_hash");
	autofree char *text = json_text(j);
	assert_string_equal(text,
		"{\"changes\":[{\"action\":\"create\",\"address\":\"box.a\",\"attrs\":[{\"after\":3,\"cause\":[\"spec\"],\"path\":\"size\","
		"\"shown\":\"size\"}],\"cause\":[\"spec\"],\"config\":{\"from\":null,\"size\":3},\"group\":0,\"owner\":\"box.a\",\"type\":\"box\"}],"
		"\"complete\":true,\"counts\":{\"block\":0,\"bmcs_silent\":0,\"create\":1,\"defer\":0,\"drift\":0,\"forget\":0,\"objects\":1,\"record\":0,\"remove\":0,"
		"\"replace\":0,\"skip\":0,\"update\":0},\"destroy\":false,\"format_version\":1,\"groups\":[{\"objects\":1,\"owner\":\"box.a\"}],"
		"\"output_values\":[{\"name\":\"o\",\"sensitive\":false,\"text\":\"\\\"x\\\"\"}],"
		"\"outputs\":[{\"after\":\"\\\"x\\\"\",\"name\":\"o\",\"sensitive\":false}],"
		"\"providers\":{\"fake\":{\"region\":\"here\"}},\"serial\":0}");
	plan_free(p);
}

/* --- mistakes ------------------------------------------------------------------------------------------------------------------------------ */

static const struct { const char *spec, *says; } mistakes[] = {
	{ "{\"resource\": {\"bxo\": {\"a\": {}}}}", "E0107 \"bxo\" is not a resource type [did you mean \"box\"?]" },
	{ "{\"resource\": {\"box\": {\"a\": {\"sise\": 1}}}}", "E0108 no attribute is called \"sise\" here [did you mean \"size\"?]" },
	{ "{\"resource\": {\"box\": {\"a\": {\"size\": \"x\"}, \"b\": {\"id\": \"1\"}}}}",
	  "E0110 a whole number is needed here, not the string \"x\" | E0108 \"id\" is set by aipc and cannot be given" },
	{ "{\"provider\": {\"fak\": {}}}", "E0105 there is no provider \"fak\" [did you mean \"fake\"?]" },
	{ "{\"provider\": {\"fake\": {\"zone\": 1}}}", "E0108 provider.fake.zone: no attribute is called \"zone\" here" },
	{ "{\"resource\": {\"disk\": {\"d\": {}}}}", "E0109 provider.strict: \"url\" is missing here: Where." },
	{ "{\"resource\": {\"pool\": {\"p\": {}}}}", "E0109 \"nodes\" is missing here: The machines." },
	{ "{\"resource\": {\"pool\": {\"p\": {\"nodes\": [\"a\", \"bad\"]}}}}", "E0900 a bad node" },
	{ "{\"resource\": {\"pool\": {\"p\": {\"nodes\": [\"a\", \"a\"]}}}}",
	  "E0121 pool.p.bios[\"a\"] is there twice | E0121 pool.p.firmware[\"a\"] is there twice" },
	{ "{\"resource\": {\"box\": {\"a\": {\"from\": \"${box.b.size}\"}, \"b\": {\"from\": \"${box.c.size}\"},"
	  "\"c\": {\"from\": \"${box.a.size}\"}, \"d\": {\"sise\": 1}}}}",
	  "E0120 these 3 resources wait for each other, so none can be first {box.a refers to box.b} {box.b refers to box.c} "
	  "{box.c refers to box.a} | E0108 no attribute is called \"sise\" here [did you mean \"size\"?]" },
	{ "{\"resource\": {\"box\": {\"a\": {\"for_each\": {\"x\": 1, \"y\": 2}, \"size\": \"z\"}}}}",
	  "E0110 a whole number is needed here, not the string \"z\" {in box.a[\"x\"]}" },
};

static char *said(void)
{
	struct str s;
	const json_t *g, *note;
	size_t i, k;
	autojson json_t *j = diags_json(w.d);
	str_init(&s, STR_OURS);
	json_array_foreach(j, i, g) {
		str_addf(&s, "%s%s %s", i ? " | " : "", json_str(g, "code"), json_str(g, "summary"));
		if (json_str(g, "hint"))
			str_addf(&s, " [%s]", json_str(g, "hint"));
		json_array_foreach(json_at(g, "notes"), k, note)
			str_addf(&s, " {%s}", json_str(note, "summary") ? json_str(note, "summary") : json_str(note, "text"));
	}
	return str_take(&s);
}

static void all_mistakes_are_told_at_once(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		begin(state);
		assert_int_equal(open_spec(mistakes[i].spec), E_INPUT);
		autofree char *text = said();
		assert_string_equal(text, mistakes[i].says);
		assert_null(w.e);
		end(state);
	}
}

static void state_of_a_newer_version_is_refused(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct plan *p;
	autojson json_t *attrs = json_object(), *deps = json_array();
	struct object o = { .address = "box.a", .type = "box", .owner = "box.a", .schema_version = 3, .attrs = attrs, .deps = deps };
	assert_int_equal(store_put(w.store, &o, NULL, &err), 0);
	assert_int_equal(open_spec(BOX("")), 0);
	assert_int_equal(try_plan(NULL, &p, &err), E_UNSUPPORTED);
	assert_string_equal(err.msg, "box.a was written by a newer aipc (box version 3; this one knows 2)");
}

static void objects_of_unknown_types_are_left_out(void **unused)
{
	(void)unused;
	struct err err;
	autojson json_t *attrs = json_object(), *deps = json_array();
	struct object o = { .address = "moon.a", .type = "moon", .owner = "moon.a", .schema_version = 1, .attrs = attrs, .deps = deps };
	assert_int_equal(store_put(w.store, &o, NULL, &err), 0);
	expect(plan_of("{\"resource\": {}}"), "skip moon.a (this aipc knows no type \"moon\")\n");
	const struct plan_options drift = { .refresh = true, .drift_only = true };
	struct plan *p = plan(&drift);
	assert_int_equal(p->counts.objects, 1);
	assert_int_equal(p->counts.skip, 1);
	plan_free(p);
}

#define DISK(url, body) "{\"provider\": {\"strict\": {\"url\": \"" url "\"}}, \"resource\": {\"disk\": {\"d\": {" body "}}}}"

static void providers_are_opened_when_needed(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct plan *p;
	opens = closes = 0;
	settle_spec(DISK("here", ""));
	json_object_set_new(json_object_get(w.objects, "disk.d"), "gb", json_integer(5));
	expect(plan_of(DISK("here", "")), "");
	expect(plan_of(DISK("here", "\"gb\": 7")), "update disk.d spec gb:5>7\n");
	assert_int_equal(opens, 3);
	assert_int_equal(closes, 2);
	/* Without its block, what the state has of it cannot be read. */
	expect(plan_of("{\"resource\": {}}"), "skip disk.d (provider \"strict\" is not configured)\n");
	assert_int_equal(open_spec(DISK("broken", "")), 0);
	assert_int_equal(try_plan(NULL, &p, &err), E_NOTFOUND);
	assert_string_equal(err.msg, "provider \"strict\": password file is missing");
}

static void a_saved_plan_needs_no_spec(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct plan *p = plan_of(DISK("here", ""));
	struct engine *bare;
	void *self;
	struct engine_options o = { .dir = w.dir, .providers = providers, .loop = w.loop };
	assert_int_equal(engine_open_bare(&o, p->providers, &bare, &err), 0);
	assert_int_equal(engine_provider(bare, engine_type(bare, "disk"), NULL, &self, &err), 0);
	assert_string_equal(self, "here");
	assert_null(engine_type(bare, "moon"));
	engine_close(NULL, bare);
	autojson json_t *none = json_object();
	assert_int_equal(engine_open_bare(&o, none, &bare, &err), 0);
	assert_int_equal(engine_provider(bare, engine_type(bare, "disk"), NULL, &self, &err), E_INPUT);
	engine_close(NULL, bare);
	autojson json_t *wrong = json_pack("{s:{s:[]}}", "strict", "url");
	assert_int_equal(engine_open_bare(&o, wrong, &bare, &err), E_INPUT);
	plan_free(p);
}

struct seen { size_t calls, last, total; };
static void watch(void *ctx, size_t done, size_t total, size_t silent)
{
	struct seen *s = ctx;
	(void)silent;
	assert_int_equal(done, s->last + 1);
	assert_true(done <= total);
	*s = (struct seen){ s->calls + 1, done, total };
}

static void progress_is_told(void **unused)
{
	(void)unused;
	struct seen s = { 0 };
	struct plan_options o = { .refresh = true, .progress = watch, .ctx = &s };
	assert_int_equal(open_spec("{\"resource\": {\"box\": {\"a\": {\"count\": 300}}}}"), 0);
	plan_free(plan(&o));
	assert_int_equal(s.calls, 300);
	assert_int_equal(s.total, 300);
}

static int cancelled(struct task *t, void *arg, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	int rc = scope_spawn(t, s, "plan", make, arg, err);
	assert_int_equal(rc, 0);
	rc = task_yield(t, err);
	assert_int_equal(rc, 0);
	scope_cancel(s);
	return scope_join(t, s, err);
}

static void a_cancelled_plan_leaves_nothing(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	static const struct plan_options usual = { .refresh = true };
	struct making_of m = { &usual, NULL };
	assert_int_equal(open_spec("{\"resource\": {\"box\": {\"a\": {\"count\": 3000}}}}"), 0);
	assert_int_equal(loop_run(w.loop, cancelled, &m, &err), E_CANCELED);
	assert_null(m.p);
	assert_true(w.reads < 3000);
}

static void the_graph_as_dot(void **unused)
{
	(void)unused;
	struct str s;
	struct err err;
	str_init(&s, STR_OURS);
	assert_int_equal(open_spec(CHAIN), 0);
	assert_int_equal(engine_graph(w.e, &s, &err), 0);
	assert_string_equal(s.at,
		"digraph aipc {\n\trankdir = LR;\n\tnode [shape = box, fontname = \"monospace\"];\n"
		"\t\"box.a\" [style = rounded];\n\t\"box.b\" [style = rounded];\n\t\"box.c\" [style = rounded];\n"
		"\t\"box.b\" -> \"box.a\";\n\t\"box.c\" -> \"box.b\";\n}\n");
	str_release(&s);
}

/* --- growth -------------------------------------------------------------------------------------------------------------------------------- */

static size_t n_allocs;

static void *counting_malloc(size_t n)
{
	n_allocs++;
	return xmalloc(n);
}

static size_t allocs_of(size_t n)
{
	struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, "{\"resource\": {\"box\": {\"a\": {\"tags\": {\"k\": \"${each.key}\"}, \"for_each\": {");
	for (size_t i = 0; i < n; i++)
		str_addf(&s, "%s\"node-%zu\": 1", i ? "," : "", i);
	str_add(&s, "}}}}}");
	settle_spec(s.at);
	w.reads = 0;
	json_set_alloc_funcs(counting_malloc, free);
	n_allocs = 0;
	struct plan *p = plan_of(s.at);
	size_t used = n_allocs;
	json_setup();
	assert_false(plan_has_work(p));
	assert_int_equal(w.reads, n);
	assert_int_equal(p->counts.objects, n);
	plan_free(p);
	str_release(&s);
	return used;
}

static void work_grows_with_the_number_of_objects(void **state)
{
	size_t small = allocs_of(100);
	end(state);
	begin(state);
	size_t large = allocs_of(1000);
	assert_true(large < small * 21 / 2);
}

static int import_box(struct task *t, void *arg, struct err *err)
{
	return engine_import(t, w.e, w.store, "box.a", NULL, arg, err);
}

/* What an apply began and did not end may be what import would find: apply says first what came of it. */
static void import_waits_for_what_began(void **unused)
{
	struct imported im = { 0 };
	struct err err = { 0 };
	int64_t run, op, other;
	(void)unused;
	assert_int_equal(open_spec("provider: {fake: {}}\nresource: {box: {a: {size: 3}}}\n"), 0);
	json_object_set_new(w.objects, "box.a", json_pack("{s:i}", "size", 3));
	struct op_row row = { .address = "box.a", .type = "box", .owner = "box.a", .action = "create", .deps = "[]" };
	assert_int_equal(run_begin(w.store, "apply", NULL, NULL, 0, &run, &err), 0);
	row.run = run;
	assert_int_equal(op_begin(w.store, &row, &op, &err), 0);
	assert_int_equal(loop_run(w.loop, import_box, &im, &err), E_CONFLICT);
	assert_string_equal(err.msg, "run 1 began to create box.a and did not end; aipc apply looks first at what came of it");
	assert_int_equal(op_failed(w.store, op, "gone", NULL, &err), 0);
	row.address = "box.b";
	assert_int_equal(op_begin(w.store, &row, &other, &err), 0);        /* what began elsewhere is no matter */
	assert_int_equal(loop_run(w.loop, import_box, &im, &err), 0);
	assert_true(im.declared);
	json_decref(im.attrs);
}

/* One mistake for each block, with its place; a target that leaves the object out is fine. */
static void what_is_protected_is_not_destroyed(void **unused)
{
	static const char spec[] = "resource:\n  box:\n    many: { count: 3, lifecycle: { prevent_destroy: true } }\n    one: {}\n    two:\n      lifecycle:\n        prevent_destroy: true\n";
	static const char *const target = "box.one";
	const struct plan_options all = { .refresh = true, .destroy = true }, one = { .refresh = true, .destroy = true, .targets = &target, .n_targets = 1 };
	struct plan *p = NULL;
	struct err err = { 0 };
	(void)unused;
	settle_spec(spec);
	assert_int_equal(open_spec(spec), 0);
	assert_int_equal(try_plan(&all, &p, &err), E_INPUT);
	autojson json_t *told = diags_json(w.d);
	assert_int_equal(json_array_size(told), 2);
	assert_string_equal(json_str(json_array_get(told, 0), "summary"), "box.many[0] would be removed, and it is protected (prevent_destroy)");
	assert_int_equal(json_int(json_array_get(told, 0), "line", 0), 3);
	assert_string_equal(json_str(json_array_get(json_at(json_array_get(told, 0), "notes"), 0), "text"), "so are 2 more of box.many");
	assert_int_equal(json_int(json_array_get(told, 1), "line", 0), 7);
	assert_int_equal(open_spec(spec), 0);
	p = plan(&one);
	assert_int_equal(p->counts.remove, 1);
	plan_free(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_changes_and_why),
		TEST(a_composite_goes_in_waves),
		TEST(what_matches_is_counted_but_not_listed),
		TEST(a_silent_machine_holds_back_only_itself),
		TEST(what_comes_after_an_unreadable_step_waits),
		TEST(what_exists_by_nature_is_forgotten),
		TEST(the_same_world_gives_the_same_bytes),
		TEST(a_plan_as_json),
		TEST(import_waits_for_what_began),
		cmocka_unit_test(all_mistakes_are_told_at_once),
		TEST(state_of_a_newer_version_is_refused),
		TEST(objects_of_unknown_types_are_left_out),
		TEST(providers_are_opened_when_needed),
		TEST(a_saved_plan_needs_no_spec),
		TEST(progress_is_told),
		TEST(a_cancelled_plan_leaves_nothing),
		TEST(the_graph_as_dot),
		TEST(what_is_protected_is_not_destroyed),
		TEST(work_grows_with_the_number_of_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
