/* What only an apply can tell: objects come one by one, and each time what was waiting for them is told. */
#include "engine/after.h"
#include "tests/unit/engine/plan_world.h"

/* SPEC: of it COMES come, in order, as "ADDRESS=ID ..."; an address that begins with "!" does not meet a postcondition when it comes, and +N says
 * that N others do not. Then FORBIDDEN cannot be made, and the end tells UNMET mistakes and WARNED assertions; WAITS: not all. */
struct scene { const char *name, *before, *spec, *comes, *forbidden; size_t unmet, warned; bool waits; };

#define POST(c) "lifecycle: { postcondition: { condition: '${" c "}', error_message: e } }"

static const struct scene scenes[] = {
	{ "its own", NULL, "resource: { box: { a: { " POST("self.id == \"good\"") " }, b: { depends_on: [box.a] }, c: {} } }\n",
	  "!box.a=bad box.c=x", "box.b", 0, 0, false },
	{ "its own, met", NULL, "resource: { box: { a: { " POST("self.id == \"good\"") " }, b: { depends_on: [box.a] } } }\n",
	  "box.a=good box.b=x", "", 0, 0, false },
	{ "through others", NULL, "resource: { box: { a: { " POST("self.id == \"good\"") " }, b: { depends_on: [box.a] }, c: { depends_on: [box.b] } } }\n",
	  "!box.a=bad", "box.b box.c", 0, 0, false },
	{ "a local is evaluated again", NULL, "locals: { l: '${upper(box.a.id)}' }\n"
	  "resource: { box: { a: {}, b: { " POST("local.l == \"GOOD\"") " } } }\n", "box.a=good box.b=x", "", 0, 0, false },
	{ "a local that does not fit", NULL, "locals: { l: '${upper(box.a.id)}' }\n"
	  "resource: { box: { a: {}, b: { " POST("local.l == \"GOOD\"") " } } }\n", "box.a=bad !box.b=x", "", 0, 0, false },
	{ "an object that needs nothing itself", "resource: { box: { still: {} } }\n",
	  "resource: { box: { still: { " POST("box.a.id == \"good\"") " }, a: {}, b: { depends_on: [box.still] } } }\n", "box.a=bad+1", "box.b", 0, 0, false },
	{ "instances of what it refers to", "resource: { box: { still: {} } }\n",
	  "resource: { box: { still: { " POST("box.a[1].id == \"good\"") " }, a: { count: 2 } } }\n", "box.a[1]=bad box.a[0]=x+1", "", 0, 0, false },
	{ "a composite", NULL, "resource: { box: { a: {} }, pool: { p: { nodes: [n], " POST("box.a.id == \"good\" && self.machines == 1") " } } }\n",
	  "box.a=bad pool.p.firmware[\"n\"]= pool.p.bios[\"n\"]=+1", "", 0, 0, false },
	{ "checks", NULL, "resource: { box: { a: {}, b: {} } }\ncheck: { c: { assert: [{ condition: '${box.a.id == \"good\"}', error: e }, "
	  "{ condition: '${box.b.id == \"x\"}', error: e }] } }\n", "box.a=bad box.b=x", "", 0, 1, false },
	{ "a check of what did not come", NULL, "resource: { box: { a: {}, b: {} } }\ncheck: { c: { assert: [{ condition: '${box.a.size == 2}', error: e }, "
	  "{ condition: '${box.b.id == \"y\"}', error: e }] } }\n", "box.b=x", "", 0, 1, true },
	{ "a check of a composite that did not come", NULL,
	  "resource: { pool: { p: { nodes: [n] } } }\ncheck: { c: { assert: { condition: '${pool.p.machines == 2}', error: e } } }\n", "", "", 0, 0, true },
	{ "outputs", NULL, "resource: { box: { a: {} } }\n"
	  "output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n", "box.a=bad", "", 1, 0, false },
	{ "an output that is met", NULL, "resource: { box: { a: {} } }\n"
	  "output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n", "box.a=good", "", 0, 0, false },
	{ "an output does not keep checks from being told", NULL, "resource: { box: { a: {} } }\n"
	  "output: { o: { value: '${box.a.id}', precondition: { condition: '${box.a.id == \"good\"}', error_message: e } } }\n"
	  "check: { c: { assert: { condition: '${box.a.id == \"good\"}', error: e } } }\n", "box.a=bad", "", 1, 1, false },
	{ "a mistake that only the value shows", NULL, "resource: { box: { a: { " POST("tonumber(self.id) > 1") " } } }\n", "!box.a=bad", "", 0, 0, false },
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

static void play(const struct scene *x)
{
	if (x->before)
		settle_spec(x->before);
	struct plan *p = plan_of(x->spec);
	struct diags *d = diags_new();
	autofree char *comes = xstrdup(x->comes), *forbidden = xstrdup(x->forbidden);
	size_t warned, unmet;
	bool waits;
	char *rest;
	if (!p->after)
		fail_msg("%s: nothing is open", x->name);
	for (char *word = strtok_r(comes, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		come(x, p, d, word);
	for (size_t i = 0; i < p->n; i++) {
		bool is = after_forbids(p->after, p->changes[i].address) != NULL, want = false;
		for (const char *f = strstr(forbidden, p->changes[i].address); f; f = NULL)
			want = true;
		if (is != want)
			fail_msg("%s: %s is%s forbidden", x->name, p->changes[i].address, is ? "" : " not");
	}
	unmet = after_end(p->after, d, &warned, &waits);
	if (unmet != x->unmet || warned != x->warned || waits != x->waits) {
		diags_print(d, stderr, false);
		fail_msg("%s: %zu unmet, %zu warned, waits %d", x->name, unmet, warned, waits);
	}
	diags_free(d);
	plan_free(p);
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
	const struct CMUnitTest tests[] = { TEST(all_scenes), TEST(nothing_is_open), TEST(an_object_that_is_as_it_was) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
