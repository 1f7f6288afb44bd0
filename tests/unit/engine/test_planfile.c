#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/planning.h"
#include "tests/unit/scratch.h"

static char dir[64], *path;

static int begin(void **unused)
{
	(void)unused;
	assert_true(scratch(dir));
	path = file_join(dir, "a.plan");
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	unlink(path);
	free(path);
	return rmdir(dir);
}

/* A plan with every member in use. */
static struct plan *sample(void)
{
	struct plan *p = plan_new();
	struct arena *a = p->arena;
	strcpy(p->spec_hash, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	p->serial = 17;
	p->state_path = "/somewhere/state.db";
	p->complete = true;
	p->counts = (struct plan_counts){ .objects = 12, .update = 1, .remove = 1, .skip = 1, .drift = 1, .bmcs_silent = 1 };
	p->n_groups = 2;
	p->groups = arena_array(a, 2, sizeof(*p->groups));
	static const char *const deps[] = { "pin.x", "mig.y" };
	static const unsigned first[] = { 0 };
	p->groups[0] = (struct group){ .owner = "pool.a", .deps = deps, .n_deps = 2, .canary = 1, .max_unavailable = 3, .soak_s = 60,
				       .waves = 4, .objects = 9, .nodes = 3 };
	p->groups[1] = (struct group){ .owner = "pool.a", .removes = true, .after = first, .n_after = 1, .objects = 1 };
	p->n = 3;
	p->changes = arena_array(a, 3, sizeof(*p->changes));
	struct attr_change *attr = arena_array(a, 2, sizeof(*attr));
	attr[0] = (struct attr_change){ .path = "components.BMC.version", .shown = "BMC", .before = json_string("1"), .after = json_string("2"),
					.cause = CAUSE_SPEC | CAUSE_DRIFT, .was = json_string("0") };
	attr[1] = (struct attr_change){ .path = "labels.x", .shown = "labels.x", .before = json_null(), .cause = CAUSE_SPEC };
	p->changes[0] = (struct change){ .address = "pool.a.firmware[\"n\\\"1\"]", .type = "firmware", .owner = "pool.a", .node = "n1",
		.action = ACT_UPDATE, .cause = CAUSE_SPEC | CAUSE_DRIFT, .attrs = attr, .n_attrs = 2, .config = json_pack("{s:s}", "v", "2"),
		.actual = json_pack("{s:f}", "v", 1.5), .prior = json_pack("{s:n}", "v"), .version = 4,
		.effect = { EFFECT_AC_CYCLE, 21, true, true, "anti-rollback" }, .wave = 2 };
	p->changes[1] = (struct change){ .address = "pool.a.bios[\"n1\"]", .type = "bios", .owner = "pool.a", .action = ACT_SKIP,
		.reason = "10.0.0.1: no answer in 10 s" };
	p->changes[2] = (struct change){ .address = "pool.a.old", .type = "box", .owner = "pool.a", .action = ACT_DELETE, .group = 1,
		.cause = CAUSE_SPEC, .after = first, .n_after = 1, .prior = json_object() };
	static struct output_change outputs[] = { { "o", false, "1", "\"2\"" }, { "s", true, NULL, NULL } };
	static struct stored_output values[] = { { "o", "\"2\"", false }, { "s", NULL, true } };
	p->outputs = outputs;
	p->n_outputs = 2;
	p->output_values = values;
	p->n_output_values = 2;
	p->providers = json_pack("{s:{s:s}}", "redfish", "password", "env:PW");
	plan_seal(p);
	return p;
}

static void comes_back_as_it_was(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct stat st;
	struct plan *p = sample(), *q = NULL;
	assert_int_equal(plan_save(p, path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(plan_load(path, &q, &err), 0);
	autojson json_t *x = plan_to_json(p);
	autojson json_t *y = plan_to_json(q);
	autofree char *before = json_text(x), *after = json_text(y);
	assert_string_equal(before, after);
	assert_int_equal(strlen(q->id), 12);
	assert_string_equal(q->id, p->id);
	assert_true(plan_has_work(q));
	assert_true(json_is_null(q->changes[0].attrs[1].before));
	assert_null(q->changes[0].attrs[1].after);
	assert_null(q->changes[1].node);
	assert_true(q->changes[0].effect.bmc_reset);
	assert_string_equal(q->changes[0].effect.irreversible, "anti-rollback");
	assert_string_equal(q->groups[0].deps[1], "mig.y");
	assert_int_equal(q->groups[1].after[0], 0);
	plan_free(p);
	plan_free(q);
}

static void the_id_says_what_is_in_it(void **unused)
{
	(void)unused;
	struct plan *p = sample(), *q = sample();
	assert_string_equal(p->id, q->id);
	q->serial++;
	plan_seal(q);
	assert_string_not_equal(p->id, q->id);
	plan_free(p);
	plan_free(q);
}

/* What is done to the saved text (first match replaced), and what is then said. */
static const struct { const char *from, *to, *says; } damages[] = {
	{ "\"2\"", "\"3\"", "the plan was changed after it was made (its contents do not match its id): plan again" },
	{ "\"serial\":17", "\"serial\":18", "the plan was changed after it was made (its contents do not match its id): plan again" },
	{ "\"group\":1", "\"group\":2", "the plan is damaged (at \"group\"): plan again" },
	{ "\"after\":[0]", "\"after\":[7]", "the plan is damaged (at \"after\"): plan again" },
	{ "\"after\":[0]", "\"after\":[2]", "the plan is damaged (at \"after\"): plan again" },
	{ "\"after\":[0]", "\"after\":[-1]", "the plan is damaged (at \"after\"): plan again" },
	{ "\"action\":\"update\"", "\"action\":\"explode\"", "the plan is damaged (at \"action\"): plan again" },
	{ "\"action\":\"skip\"", "\"action\":\"none\"", "the plan is damaged (at \"action\"): plan again" },
	{ "\"config\":{\"v\":\"2\"}", "\"config\":[]", "the plan is damaged (at \"config\"): plan again" },
	{ "\"config\":{\"v\":\"2\"},", "", "the plan is damaged (at \"action\"): plan again" },
	{ "\"address\":", "\"adress\":", "the plan is damaged (at \"address\"): plan again" },
	{ "\"wave\":2", "\"wave\":-2", "the plan is damaged (at \"wave\"): plan again" },
	{ "\"wave\":2", "\"wave\":99999999999", "the plan is damaged (at \"wave\"): plan again" },
	{ "\"cause\":[\"spec\"", "\"cause\":[\"moon\"", "the plan is damaged (at \"cause\"): plan again" },
	{ "\"disruption\":\"ac_cycle\"", "\"disruption\":7", "the plan is damaged (at \"disruption\"): plan again" },
	{ "\"groups\":[", "\"groups\":[5,", "the plan is damaged (at \"owner\"): plan again" },
	{ "\"providers\":{", "\"providers\":3,\"x\":{", "the plan is damaged (at \"providers\"): plan again" },
	{ "\"complete\":true", "\"complete\":1", "the plan is damaged (at \"complete\"): plan again" },
	{ "\"format_version\":1", "\"format_version\":2", "the plan has format 2 and this aipc reads format 1: plan again" },
	{ "\"format_version\":1", "\"format\":1", "this is not a plan of aipc" },
	{ "{", "", "is not valid JSON" },
	{ "\"changes\":[", "\"changes\":", "is not valid JSON" },
};

static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void damage_is_told(void **unused)
{
	(void)unused;
	struct plan *p = sample();
	autojson json_t *j = plan_to_json(p);
	autofree char *text = json_text(j);
	plan_free(p);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct err err = { 0 };
		struct plan *q = NULL;
		autofree char *broken = replaced(text, damages[i].from, damages[i].to);
		assert_int_equal(file_write(path, broken, strlen(broken), 0600, &err), 0);
		assert_true(plan_load(path, &q, &err) < 0);
		assert_null(q);
		assert_non_null(strstr(err.msg, path));
		if (!strstr(err.msg, damages[i].says))
			fail_msg("%s became %s: %s", damages[i].from, damages[i].to, err.msg);
	}
}

static void strange_files_are_refused(void **unused)
{
	(void)unused;
	static const char *const texts[] = { "", "null", "[]", "{}", "\"plan\"", "resource:\n  a: 1\n", "{\"format_version\":\"1\"}",
					     "{\"format_version\":1}", "\x00\x01\x02" };
	struct err err = { 0 };
	struct plan *q = NULL;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(file_write(path, texts[i], strlen(texts[i]), 0600, &err), 0);
		assert_true(plan_load(path, &q, &err) < 0);
		assert_null(q);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(plan_load(path, &q, &err), E_NOTFOUND);
	assert_true(plan_load(dir, &q, &err) < 0);
}

static void deep_files_are_refused(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct plan *q = NULL;
	struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, "{\"format_version\":1,\"providers\":{\"a\":");
	for (int i = 0; i < 1500; i++)
		str_addc(&s, '[');
	for (int i = 0; i < 1500; i++)
		str_addc(&s, ']');
	str_add(&s, "}}");
	assert_int_equal(file_write(path, s.at, s.len, 0600, &err), 0);
	assert_int_equal(plan_load(path, &q, &err), E_INPUT);
	assert_non_null(strstr(err.msg, "nested deeper"));
	str_release(&s);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back_as_it_was, begin, end),
		cmocka_unit_test(the_id_says_what_is_in_it),
		cmocka_unit_test_setup_teardown(damage_is_told, begin, end),
		cmocka_unit_test_setup_teardown(strange_files_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(deep_files_are_refused, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
