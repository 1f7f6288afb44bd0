/* What only an apply can tell: objects come one by one, and each time what was waiting for them is told. */
#include "engine/after.h"
#include "tests/unit/engine/plan_world.h"

/* SPEC: of it COMES come, in order, as "ADDRESS=ID ..."; an address that begins with "!" does not meet a postcondition when it comes, and +N says
 * that N others do not. Then FORBIDDEN cannot be made, and the end tells UNMET mistakes and WARNED assertions; WAITS: not all. A plan in a file tells the same, unless LIVE:
 * the condition could be told when it was made. */
enum { WAITS = 1, LIVE = 2 };
struct scene { const char *name, *before, *spec, *comes, *forbidden; size_t unmet, warned; unsigned how; };

#define POST(c) "lifecycle: { postcondition: { condition: '${" c "}', error_message: e } }"

static const struct scene scenes[] = {
	{ "its own", NULL, "resource: { box: { a: { " POST("self.id == \"good\"") " }, b: { depends_on: [box.a] }, c: {} } }\n",
	  "!box.a=bad box.c=x", "box.b", 0, 0, 0 },
	{ "its own, met", NULL, "resource: { box: { a: { " POST("self.id == \"good\"") " }, b: { depends_on: [box.a] } } }\n",
	  "box.a=good box.b=x", "", 0, 0, 0 },
	{ "through others", NULL, "resource: { box: { a: { " POST("self.id == \"good\"") " }, b: { depends_on: [box.a] }, c: { depends_on: [box.b] } } }\n",
	  "!box.a=bad", "box.b box.c", 0, 0, 0 },
	{ "a local is evaluated again", NULL, "locals: { l: '${upper(box.a.id)}' }\n"
	  "resource: { box: { a: {}, b: { " POST("local.l == \"GOOD\"") " } } }\n", "box.a=good box.b=x", "", 0, 0, 0 },
	{ "a local that does not fit", NULL, "locals: { l: '${upper(box.a.id)}' }\n"
	  "resource: { box: { a: {}, b: { " POST("local.l == \"GOOD\"") " } } }\n", "box.a=bad !box.b=x", "", 0, 0, 0 },
	{ "an object that needs nothing itself", "resource: { box: { still: {} } }\n",
	  "resource: { box: { still: { " POST("box.a.id == \"good\"") " }, a: {}, b: { depends_on: [box.still] } } }\n", "box.a=bad+1", "box.b", 0, 0, 0 },
	{ "instances of what it refers to", "resource: { box: { still: {} } }\n",
	  "resource: { box: { still: { " POST("box.a[1].id == \"good\"") " }, a: { count: 2 } } }\n", "box.a[1]=bad box.a[0]=x+1", "", 0, 0, 0 },
	{ "a composite", NULL, "resource: { box: { a: {} }, pool: { p: { nodes: [n], " POST("box.a.id == \"good\" && self.machines == 1") " } } }\n",
	  "box.a=bad pool.p.firmware[\"n\"]= pool.p.bios[\"n\"]=+1", "", 0, 0, 0 },
	{ "checks", NULL, "resource: { box: { a: {}, b: {} } }\ncheck: { c: { assert: [{ condition: '${box.a.id == \"good\"}', error: e }, "
	  "{ condition: '${box.b.id == \"x\"}', error: e }] } }\n", "box.a=bad box.b=x", "", 0, 1, 0 },
	{ "a check of what did not come", NULL, "resource: { box: { a: {}, b: {} } }\ncheck: { c: { assert: [{ condition: '${box.a.id == \"q\"}', error: e }, "
	  "{ condition: '${box.b.id == \"y\"}', error: e }] } }\n", "box.b=x", "", 0, 1, WAITS },
	{ "a check of a composite that did not come", NULL,
	  "resource: { pool: { p: { nodes: [n] } } }\ncheck: { c: { assert: { condition: '${pool.p.machines == 2}', error: e } } }\n", "", "", 0, 0, WAITS | LIVE },
	{ "outputs", NULL, "resource: { box: { a: {} } }\n"
	  "output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n", "box.a=bad", "", 1, 0, 0 },
	{ "an output that is met", NULL, "resource: { box: { a: {} } }\n"
	  "output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n", "box.a=good", "", 0, 0, 0 },
	{ "an output does not keep checks from being told", NULL, "resource: { box: { a: {} } }\n"
	  "output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n"
	  "check: { c: { assert: { condition: '${box.a.id == \"good\"}', error: e } } }\n", "box.a=bad", "", 1, 1, 0 },
	{ "a mistake that only the value shows", NULL, "resource: { box: { a: { " POST("tonumber(self.id) > 1") " } } }\n", "!box.a=bad", "", 0, 0, 0 },
	/* --- how it may be written */
	{ "a block of text", NULL, "resource:\n  box:\n    a:\n      lifecycle:\n        postcondition:\n          - condition: |\n              ${self.id ==\n                \"good\"}\n"
	  "            error_message: >\n              It is ${self.id},\n              which is bad.\n", "!box.a=bad", "", 0, 0, 0 },
	{ "quotes, escapes, lines", NULL, "resource:\n  box:\n    a: { lifecycle: { postcondition: { error: 'it''s ${self.id}', condition: \"${self.id\n"
	  "         == \\\"g\\u00f6\\\"}\" } } }\n", "!box.a=bad", "", 0, 0, 0 },
	{ "behind letters of two bytes", NULL, "resource: { box: { a: { tags: { \xc3\xb6: \xc3\xb6\xc3\xb6 }, lifecycle: { postcondition: { condition: '${self.id == \"\xc3\xb6\"}', error: \xc3\xa4 } } } } }\n",
	  "!box.a=bad", "", 0, 0, 0 },
	{ "plain", NULL, "resource:\n  box:\n    a:\n      lifecycle:\n        postcondition:\n          condition: ${self.id == \"good\"}\n          error: plain ${self.id}\n", "!box.a=bad", "", 0, 0, 0 },
	{ "a local that is a map", NULL, "locals:\n  l:\n    a: '${box.a.id}'\n    # between\n    list:\n      - 1\n      - '${box.a.id}'\n  other: 1\n"
	  "check: { c: { assert: { condition: '${local.l.list[1] == local.l.a && local.l.a == \"x\" && local.other == 1}', error: '${local.l.a}' } } }\n"
	  "resource: { box: { a: {} } }\n", "box.a=y", "", 0, 1, 0 },
	{ "a local of a local in lines", NULL, "locals: { l: { a: '${box.a.id}',\n    b: [1,\n 2] }, m: '${local.l.b[1] == 2 ? local.l : null}' }\n"
	  "check: { c: { assert: { condition: '${local.m.a == \"x\"}', error: '${local.m.a}' } } }\nresource: { box: { a: {} } }\n", "box.a=y", "", 0, 1, 0 },
	/* --- what it may refer to */
	{ "values of all types", NULL, "locals: { set: '${toset([\"x\", \"y\"])}', map: '${tomap({ a = 1.5, b = 2 })}', n: 12345678901234567890.5, list: '${tolist([])}', s: \"a\\n$${b}\\\"\", null: null }\n"
	  "resource: { box: { a: { " POST("contains(local.set, self.id) && local.set == toset([\"y\", \"x\"]) && local.map[\"a\"] == 1.5 && local.n > 1 && length(local.list) == 0 && local.s != self.id && local.null == null") " } } }\n",
	  "!box.a=bad", "", 0, 0, 0 },
	{ "each", NULL, "resource: { box: { a: { for_each: { k: good, l: fine }, " POST("self.id == each.value && each.key != \"m\"") " } } }\n", "box.a[\"k\"]=good !box.a[\"l\"]=bad", "", 0, 0, 0 },
	{ "count", NULL, "resource: { box: { a: { count: 2, " POST("self.id == \"n${count.index}\"") " } } }\n", "box.a[0]=n0 !box.a[1]=n0", "", 0, 0, 0 },
	{ "all instances", NULL, "resource: { box: { a: { for_each: { k: 1, l: 2 } } } }\n"
	  "check: { c: { assert: { condition: '${alltrue([for k, b in box.a : b.id == k])}', error: '${join(\",\", values(box.a)[*].id)}' } } }\n",
	  "box.a[\"k\"]=k box.a[\"l\"]=x", "", 0, 1, 0 },
	{ "beside one that stays", "resource: { box: { a: {} } }\n", "resource: { box: { a: {}, b: {} } }\n"
	  "check: { c: { assert: { condition: '${box.a.id == box.b.id}', error: '${box.a.id} ${box.b.id}' } } }\n", "box.b=x", "", 0, 1, 0 },
	{ "several of one object", NULL, "resource: { box: { a: { lifecycle: { postcondition: [{ condition: '${self.id != \"bad\"}', error: one }, "
	  "{ condition: '${self.size == 1}', error: two }, { condition: '${self.health == null}', error: three }] } } } }\n", "!box.a=bad", "", 0, 0, 0 },
};

/* Comes WORD: "ADDRESS=ID+N". */
static void come(const struct scene *x, struct plan *p, struct diags *d, char *word)
{
	bool bad = *word == '!';
	char *id = strchr(word += bad, '='), *more = strchr(id, '+');
	size_t others, want = more ? (size_t)atoi(more + 1) : 0, errors = diags_errors(d);
	*id++ = '\0';
	if (more)
		*more = '\0';
	autojson json_t *attrs = json_pack("{s:i, s:s}", "size", 1, "id", id);
	bool met = after_came(p->after, word, attrs, d, &others);
	if (met == bad || others != want || diags_errors(d) - errors != (size_t)bad + want)
		fail_msg("%s: %s: met %d, %zu others, %zu errors", x->name, word, met, others, diags_errors(d) - errors);
}

/* Tells all of P, which has what it needs; gives what people see. A plan from a file knows only what refers to a thing directly. */
static char *tell(const struct scene *x, struct plan *p, bool direct)
{
	struct diags *d = diags_new();
	autofree char *comes = xstrdup(x->comes);
	size_t warned, unmet, len;
	bool waits;
	char *rest, *text = NULL;
	for (char *word = strtok_r(comes, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		come(x, p, d, word);
	for (size_t i = 0; i < p->n; i++) {
		const char *address = p->changes[i].address, *named = strstr(x->forbidden, address);
		bool is = after_forbids(p->after, address) != NULL, want = named && !(direct && named > x->forbidden);
		if (is != want)
			fail_msg("%s: %s is%s forbidden", x->name, address, is ? "" : " not");
	}
	unmet = after_end(p->after, d, &warned, &waits);
	if (unmet != x->unmet || warned != x->warned || waits != ((x->how & WAITS) != 0)) {
		diags_print(d, stderr, false);
		fail_msg("%s: %zu unmet, %zu warned, waits %d", x->name, unmet, warned, waits);
	}
	FILE *f = open_memstream(&text, &len);
	diags_print(d, f, false);
	fclose(f);
	diags_free(d);
	return text;
}

/* The plan as it is in a file, ready to be told where there is no spec. */
static struct plan *from_file(const struct plan *p, struct engine **e)
{
	static const struct engine_options o = { .dir = "/", .providers = providers };
	struct plan *again = NULL;
	struct err err = { 0 };
	autojson json_t *j = plan_to_json(p);
	autofree char *text = json_text(j);
	autojson json_t *read = NULL;
	assert_int_equal(json_parse(text, strlen(text), "plan", &read, &err), 0);
	if (plan_from_json(read, &again, &err) || engine_open_bare(&o, again->providers, e, &err) || plan_ready(*e, again, &err))
		fail_msg("%s", err.msg);
	return again;
}

static void play(const struct scene *x)
{
	if (x->before)
		settle_spec(x->before);
	struct plan *p = plan_of(x->spec);
	if (!p->after || !p->conditions != ((x->how & LIVE) != 0))
		fail_msg("%s: nothing is open", x->name);
	struct engine *bare = NULL;
	struct plan *saved = x->how & LIVE ? NULL : from_file(p, &bare);
	autofree char *live = tell(x, p, false);
	plan_free(p);
	if (x->how & LIVE)
		return;
	autofree char *later = tell(x, saved, true);
	if (strcmp(live, later) != 0)
		fail_msg("%s: with the spec:\n%s\nfrom a file:\n%s", x->name, live, later);
	plan_free(saved);
	engine_close(NULL, bare);
}

static void all_scenes(void **unused)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		if (i) {
			end(unused);
			begin(unused);
		}
		play(&scenes[i]);
	}
}

/* What cannot go into a file is told by the next plan. */
static void not_in_a_file(void **unused)
{
	static const struct { const char *spec, *why; } all[] = {
		{ "variable: { v: { default: x, sensitive: true } }\nresource: { box: { a: { " POST("self.id == var.v") " } } }\n", "refers to a sensitive value, which is not stored" },
		{ "variable: { v: { default: x, ephemeral: true } }\nresource: { box: { a: { " POST("self.id == var.v") " } } }\n", "refers to a sensitive value, which is not stored" },
		{ "locals: { l: '${sensitive(box.b.id)}' }\nresource: { box: { b: {}, a: { " POST("self.id == nonsensitive(local.l)") " } } }\n", "refers to a sensitive value, which is not stored" },
		{ "resource: { box: { b: {}, c: { count: '${length(box.b.id)}' }, a: {} } }\n"
		  "check: { c: { assert: { condition: '${box.a.id == box.c[0].id}', error: e } } }\n", "refers to objects that are not known yet" },
		{ "locals: { l: &x '${box.b.id}', m: [*x] }\nresource: { box: { b: {}, a: { " POST("self.id == local.m[0]") " } } }\n", "refers to an expression that needs the rest of its file" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct plan *p = plan_of(all[i].spec);
		const char *why = json_str(json_array_get(json_at(p->conditions, "tell"), 0), "why");
		if (!why || strcmp(why, all[i].why) != 0)
			fail_msg("%s: %s", all[i].spec, why ? why : "it is kept");
		struct engine *bare = NULL;
		struct plan *saved = from_file(p, &bare);
		struct diags *d = diags_new();
		size_t warned;
		bool waits;
		assert_int_equal(after_end(saved->after, d, &warned, &waits), 0);
		assert_int_equal(warned, 0);
		assert_true(waits);
		diags_free(d);
		plan_free(saved);
		engine_close(NULL, bare);
		plan_free(p);
	}
}

/* Anybody may have written the file: each part of it in turn is something else, and either that is told or nothing breaks. */
struct trial { struct plan *p; struct engine *e; json_t *root; size_t tried, taken; };

static void try_it(struct trial *t)
{
	struct err err = { 0 };
	struct diags *d = diags_new();
	size_t others, warned;
	bool waits;
	autofree char *text = json_text(t->root);
	autojson json_t *read = NULL;
	assert_int_equal(json_parse(text, strlen(text), "plan", &read, &err), 0);
	after_free(t->p->after);
	t->p->after = NULL;
	json_decref((json_t *)t->p->conditions);
	t->p->conditions = json_ref(read);
	int rc = plan_ready(t->e, t->p, &err);
	t->tried++;
	t->taken += rc == 0;
	if (rc)
		assert_int_equal(rc, E_INPUT);
	for (size_t i = 0; !rc && i < t->p->n; i++) {
		autojson json_t *attrs = json_pack("{s:i, s:s}", "size", 1, "id", "bad");
		after_came(t->p->after, t->p->changes[i].address, attrs, d, &others);
		after_forbids(t->p->after, t->p->changes[i].address);
	}
	if (!rc) {
		after_end(t->p->after, d, &warned, &waits);
		autojson json_t *told = diags_json(d);
		assert_non_null(told);
	}
	diags_free(d);
}

static void try_all(struct trial *t, json_t *in)
{
	static const char *const others[] = { "null", "-1", "0", "1", "99999999999", "\"x\"", "\"\"", "[]", "{}", "[1]", "{\"a\":1}", "true" };
	size_t n = json_is_object(in) ? json_object_size(in) : json_array_size(in);
	size_t len = 0;
	autofree const char **keys = json_is_object(in) ? json_keys(in, &len) : NULL;
	for (size_t i = 0; i < n; i++) {
		json_t *was = json_incref(keys ? json_object_get(in, keys[i]) : json_array_get(in, i));
		autofree char *key = xstrdup(keys ? keys[i] : NULL);
		for (size_t k = 0; k < ARRAY_LEN(others); k++) {
			json_t *v = json_loads(others[k], JSON_DECODE_ANY, NULL);
			key ? json_object_set_new(in, key, v) : json_array_set_new(in, i, v);
			try_it(t);
		}
		key ? json_object_set(in, key, was) : json_array_set(in, i, was);
		if (key && json_object_del(in, key) == 0) {
			try_it(t);
			json_object_set(in, key, was);
		}
		try_all(t, was);
		json_decref(was);
	}
}

static void whatever_a_file_says(void **unused)
{
	static const char *const specs[] = {
		"locals: { l: '${box.b[\"k\"].id}' }\nresource: { box: { b: { for_each: { k: 1 } }, a: { " POST("self.id == local.l") " } } }\n",
		"resource:\n  box:\n    a:\n      lifecycle:\n        postcondition:\n          - condition: |\n              ${self.id ==\n                \"good\"}\n            error: e\n",
		"resource: { box: { a: {} }, pool: { p: { nodes: [n], " POST("box.a.id == \"good\" && self.machines == 1") " } } }\n"
		"output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n",
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct plan *p = plan_of(specs[i]);
		struct trial t = { .root = json_deep_copy(p->conditions) };
		t.p = from_file(p, &t.e);
		try_all(&t, t.root);
		if (t.tried < 200 || t.taken < 10 || t.taken == t.tried)
			fail_msg("%zu tried, %zu taken", t.tried, t.taken);
		json_decref(t.root);
		plan_free(t.p);
		engine_close(NULL, t.e);
		plan_free(p);
	}
}

/* A plan that leaves nothing to tell costs nothing. */
static void nothing_is_open(void **unused)
{
	static const char *const specs[] = {
		"resource: { box: { a: {} } }\n",
		"resource: { box: { a: { " POST("self.size == 1") " } } }\n",
		"resource: { box: { a: {} } }\noutput: { o: { value: 1, precondition: { condition: true, error_message: e } } }\n",
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct plan *p = plan_of(specs[i]);
		assert_null(p->after);
		plan_free(p);
	}
}

/* What was read of an object that needs nothing is there for its postcondition. */
static void an_object_that_is_as_it_was(void **unused)
{
	struct plan *p;
	struct err err = { 0 };
	(void)unused;
	settle_spec("resource: { box: { a: {} } }\n");
	assert_int_equal(open_spec("resource: { box: { a: { " POST("self.id == \"other\"") " } } }\n"), 0);
	assert_int_equal(try_plan(NULL, &p, &err), E_INPUT);
	assert_int_equal(diags_errors(w.d), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = { TEST(all_scenes), TEST(not_in_a_file), TEST(whatever_a_file_says), TEST(nothing_is_open), TEST(an_object_that_is_as_it_was) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
