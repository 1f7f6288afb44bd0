/* The surface: options, help, typing mistakes, and the text of plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/show.h"

struct outcome { char *out, *err; size_t out_len, err_len; int status; };

static struct outcome run(int argc, const char *const *argv)
{
	struct outcome r = { 0 };
	FILE *out = open_memstream(&r.out, &r.out_len), *err = open_memstream(&r.err, &r.err_len);
	r.status = cli_main(argc, (char **)argv, out, err);
	fclose(out);
	fclose(err);
	return r;
}
#define RUN(...) run((int)ARRAY_LEN(((const char *[]){ "aipc", __VA_ARGS__ })), (const char *[]){ "aipc", __VA_ARGS__ })

static void run_release(struct outcome *r)
{
	free(r->out);
	free(r->err);
}

static void mistakes_are_named(void **unused)
{
	(void)unused;
	static const struct { const char *args[4]; const char *text; } rows[] = {
		{ { "paln" }, "aipc: there is no command \"paln\"; did you mean \"plan\"?\n" },
		{ { "zebra" }, "aipc help lists them" },
		{ { "plan", "--detailed-exitcod" }, "did you mean --detailed-exitcode" },
		{ { "plan", "--parallelism", "x" }, "wants a number" },
		{ { "plan", "--parallelism", "0" }, "wants a number" },
		{ { "plan", "--parallelism=-3" }, "wants a number" },
		{ { "plan", "-o" }, "--out wants FILE" },
		{ { "plan", "--destroy=yes" }, "takes no value" },
		{ { "apply", "--on-error", "panic" }, "does not take \"panic\"" },
		{ { "state" }, "state takes" },
		{ { "state", "lst" }, "not \"lst\"" },
		{ { "state", "show" }, "wants the ADDRESS" },
		{ { "version", "x" }, "takes no arguments" },
		{ { "graph", "--json" }, "has no --json" },
		{ { "--log", "loud", "version" }, "does not take \"loud\"" },
		{ { "output", "--raw" }, "NAME of one output" },
		{ { "help", "nothing" }, "no command \"nothing\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *argv[6] = { "aipc" };
		int argc = 1;
		for (; argc < 5 && rows[i].args[argc - 1]; argc++)
			argv[argc] = rows[i].args[argc - 1];
		struct outcome r = run(argc, argv);
		if (r.status != EXIT_USAGE || !strstr(r.err, rows[i].text) || r.out_len)
			fail_msg("row %zu: status %d, %s%s", i, r.status, r.err, r.out);
		run_release(&r);
	}
}

static void help_fits_the_screen(void **unused)
{
	(void)unused;
	struct outcome all = RUN("help");
	assert_int_equal(all.status, EXIT_OK);
	assert_null(strstr(all.out, " docs "));
	run_release(&all);
	for (const struct command *const *c = commands; *c; c++) {
		if (c[1])
			assert_true(strcmp(c[0]->name, c[1]->name) < 0);
		struct outcome r = RUN("help", (*c)->name);
		size_t lines = 0;
		for (char *s = r.out, *end; (end = strchr(s, '\n')); s = end + 1, lines++)
			if (end - s > 80)
				fail_msg("%s: %.*s", (*c)->name, (int)(end - s), s);
		assert_true(lines <= 50);
		assert_string_equal(r.err, "");
		run_release(&r);
		struct outcome same = RUN((*c)->name, "--help");
		assert_int_equal(same.status, EXIT_OK);
		run_release(&same);
	}
}

static void version_is_the_same_both_ways(void **unused)
{
	(void)unused;
	struct outcome text = RUN("version"), json = RUN("version", "--json");
	assert_string_equal(text.out, "aipc " AIPC_VERSION "\n");
	assert_string_equal(json.out, "{\"version\":\"" AIPC_VERSION "\"}\n");
	struct outcome option = RUN("--version"), behind = RUN("plan", "--version", "a", "b");
	assert_string_equal(option.out, text.out);
	assert_string_equal(behind.out, text.out);
	run_release(&option);
	run_release(&behind);
	run_release(&text);
	run_release(&json);
}

static void durations_are_those_people_use(void **unused)
{
	(void)unused;
	static const struct { long minutes; const char *text; } rows[] = {
		{ 0, "0 min" }, { 36, "36 min" }, { 60, "1 h" }, { 220, "3 h 40 min" }, { 2880, "2 days" }, { 5000, "3 days" },
	};
	char t[32];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		text_minutes(rows[i].minutes, t);
		assert_string_equal(t, rows[i].text);
	}
	text_seconds(99, t);
	assert_string_equal(t, "99 s");
	text_seconds(600, t);
	assert_string_equal(t, "10 min");
}

/* --- plan text --------------------------------------------------------------------------------------------------------- */

static char node_names[40][16], addresses[40][80];

static struct change firmware_change(int i, struct attr_change *attrs, size_t n)
{
	snprintf(node_names[i], sizeof(node_names[i]), "gpu-%04d", i);
	snprintf(addresses[i], sizeof(addresses[i]), "gpu_node_pool.train.firmware[\"gpu-%04d\"]", i);
	return (struct change){ .address = addresses[i], .type = "firmware", .owner = "gpu_node_pool.train", .node = node_names[i],
				.action = ACT_UPDATE, .cause = CAUSE_SPEC, .attrs = attrs, .n_attrs = n, .wave = i ? 2 : 1,
				.effect = { .disruption = EFFECT_AC_CYCLE, .minutes = 41, .interrupts_jobs = true, .bmc_reset = true, .irreversible = "anti-rollback" } };
}

static char *text_at(struct plan *p, bool verbose, int width, const char *saved)
{
	struct cli c = { .width = width };
	char *text;
	size_t len;
	struct show_plan how = { .verbose = verbose, .command = "apply", .saved = saved };
	c.out = open_memstream(&text, &len);
	show_plan_text(&c, p, &how);
	fclose(c.out);
	return text;
}

static char *text_of(struct plan *p, bool verbose)
{
	return text_at(p, verbose, 80, NULL);
}

/* Columns, not bytes; no character is cut in two. */
static void assert_fits_in(const char *text, size_t width)
{
	for (const char *s = text, *end; (end = strchr(s, '\n')); s = end + 1) {
		size_t n = 0;
		for (const char *c = s; c < end; c++)
			n += ((unsigned char)*c & 0xc0) != 0x80;
		if (n > width)
			fail_msg("%zu columns: %.*s", n, (int)(end - s), s);
	}
	json_t *whole = json_string(text);
	assert_non_null(whole);              /* it is UTF-8 */
	json_decref(whole);
}

static void assert_fits(const char *text)
{
	assert_fits_in(text, 80);
}

static void identical_changes_are_one_line(void **unused)
{
	(void)unused;
	autojson json_t *old = json_string("24.05.1"), *new = json_string("24.09.17"), *was = json_string("Uefi\n\033[31m");
	struct attr_change bmc = { .path = "components.BMC.version", .shown = "BMC", .before = old, .after = new, .cause = CAUSE_SPEC };
	struct attr_change both[] = { bmc, { .path = "x", .shown = "a very long name of an attribute indeed", .before = was, .after = new, .cause = CAUSE_DRIFT } };
	struct change changes[34];
	for (int i = 0; i < 31; i++)
		changes[i] = firmware_change(i, &bmc, 1);
	changes[31] = firmware_change(31, both, 2);
	changes[31].cause = CAUSE_SPEC | CAUSE_DRIFT;
	changes[32] = firmware_change(32, NULL, 0);
	changes[32].action = ACT_SKIP;
	changes[32].reason = "10.2.0.17: no answer in 10 s (TCP connect)";
	changes[33] = changes[32];
	struct group g = { .owner = "gpu_node_pool.train", .objects = 99, .nodes = 33, .canary = 1, .max_unavailable = 31, .waves = 2 };
	struct plan p = { .id = "7f3a9c012345", .changes = changes, .n = 34, .groups = &g, .n_groups = 1,
			  .counts = { .objects = 99, .update = 32, .skip = 2 } };
	autofree char *text = text_of(&p, false), *verbose = text_of(&p, true);
	assert_fits(text);
	assert_fits(verbose);
	assert_non_null(strstr(text, "32 of 33 nodes"));
	assert_non_null(strstr(text, "      firmware BMC         24.05.1 -> 24.09.17                 32  AC cycle\n"));
	assert_non_null(strstr(text, "  ! gpu_node_pool.train"));
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "  reboots 0   AC cycles 32   BMC resets 32   jobs"));
	assert_non_null(strstr(text, "about 1 h 22 min; longest step: firmware, 41 min a node"));
	assert_non_null(strstr(text, "cannot be undone: firmware (anti-rollback) on 32 nodes"));
	assert_non_null(strstr(text, "Plan 7f3a9c: 0 to add, 32 to change, 0 to replace, 0 to delete, 2 left out."));
	/* A silent machine is named once, however many of its objects were left out. */
	char *first = strstr(text, "no answer in 10 s");
	assert_non_null(first);
	assert_null(strstr(first + 1, "no answer in 10 s"));
}

static void a_narrow_terminal_gets_it_all(void **unused)
{
	(void)unused;
	autojson json_t *old = json_string("24.05.1"), *new = json_string("24.09.17");
	struct attr_change bmc = { .path = "components.BMC.version", .shown = "BMC", .before = old, .after = new, .cause = CAUSE_SPEC };
	struct change changes[2] = { firmware_change(0, &bmc, 1), firmware_change(1, &bmc, 1) };
	struct group g = { .owner = "gpu_node_pool.train", .objects = 2, .nodes = 2, .canary = 1, .max_unavailable = 1, .waves = 2, .soak_s = 600 };
	char umlauts[401] = "";
	for (size_t i = 0; i + 2 < sizeof(umlauts); i += 2)
		memcpy(umlauts + i, "\xc3\xbc", 3);
	struct output_change output = { .name = "town", .before = umlauts, .after = umlauts };
	struct plan p = { .id = "7f3a9c012345", .changes = changes, .n = 2, .groups = &g, .n_groups = 1, .outputs = &output, .n_outputs = 1,
			  .counts = { .objects = 2, .update = 2 } };
	static const int widths[] = { 40, 60, 71, 72, 80, 100 };
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		autofree char *text = text_at(&p, false, widths[i], NULL);
		const char *summary = strstr(text, "\nPlan 7f3a9c");
		assert_non_null(summary);
		assert_fits_in(strndupa(text, (size_t)(summary - text)), (size_t)widths[i]);
		/* Title, both values, the number and what it costs, however they are broken into lines. */
		for (char *c = text; *c; c++)
			if (*c == '\n')
				*c = ' ';
		static const char *const parts[] = { " firmware BMC", " 24.05.1 ", "-> ", " 24.09.17", " 2 ", " AC cycle", "2 waves of ", "between waves" };
		const char *at = text;
		for (size_t k = 0; k < ARRAY_LEN(parts); k++)
			if (!(at = strstr(at, parts[k])))
				fail_msg("%d columns, no %s: %s", widths[i], parts[k], text);
	}
	/* What to type next is one line where there is room. */
	autofree char *one = text_at(&p, false, 80, "first.plan"), *two = text_at(&p, false, 80, "plans/2026/november/first.plan");
	assert_fits(one);
	assert_fits(two);
	assert_non_null(strstr(one, "aipc apply first.plan   Details:  aipc show first.plan\n"));
	autofree char *three = text_at(&p, false, 80, "it's all.plan");
	assert_non_null(strstr(three, "aipc apply 'it'\\''s all.plan'\n"));
	assert_non_null(strstr(two, "aipc apply plans/2026/november/first.plan\nDetails:  aipc show plans/2026/november/first.plan\n"));
}

/* What does not fit is cut, and says so: nobody takes a part of a value for the value. */
static void values_that_are_cut_say_so(void **unused)
{
	(void)unused;
	static const struct { const char *old, *new, *row; } rows[] = {
		{ "3e0529f999136e8e7bdef5bbb8aa", "92260e4400aa88bb99cc77dd66ee",
		  "      firmware BMC 3e0529f999136e8e.. -> 92260e4400aa88bb9..    1  AC cycle\n" },
		{ "1.0", "a-version-of-more-than-28-columns-in-all", "      firmware BMC       1.0 -> a-version-of-more-than-28-..    1  AC cycle\n" },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
		  "x", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *old = json_string(rows[i].old), *new = json_string(rows[i].new);
		struct attr_change bmc = { .path = "components.BMC.version", .shown = "BMC", .before = old, .after = new, .cause = CAUSE_SPEC };
		struct change change = firmware_change(0, &bmc, 1);
		struct plan p = { .id = "7f3a9c012345", .changes = &change, .n = 1, .counts = { .objects = 1, .update = 1 } };
		autofree char *text = text_of(&p, false);
		assert_fits(text);
		if (rows[i].row && !strstr(text, rows[i].row))
			fail_msg("wanted %s, got %s", rows[i].row, text);
	}
}

static void many_different_values_are_one_line(void **unused)
{
	(void)unused;
	struct change changes[40];
	struct attr_change attrs[40];
	autojson json_t *values = json_array();
	for (int i = 0; i < 40; i++) {
		char v[16];
		snprintf(v, sizeof(v), "leaf-%02d", i / 4);
		json_array_append_new(values, json_string(v));
		attrs[i] = (struct attr_change){ .path = "labels.leaf", .shown = "leaf", .after = json_array_get(values, (size_t)i), .cause = CAUSE_SPEC };
		changes[i] = firmware_change(i, &attrs[i], 1);
		changes[i].type = "node_labels";
		changes[i].effect = (struct effect){ 0 };
	}
	struct group g = { .owner = "gpu_node_pool.train", .objects = 40, .nodes = 40 };
	struct plan p = { .id = "7f3a9c012345", .changes = changes, .n = 40, .groups = &g, .n_groups = 1, .counts = { .objects = 40, .update = 40 } };
	autofree char *text = text_of(&p, false);
	assert_fits(text);
	assert_non_null(strstr(text, "(10 different values)"));
	assert_null(strstr(text, "Effect on running machines"));
}

static void nothing_to_do_is_one_line(void **unused)
{
	(void)unused;
	struct plan p = { .id = "7f3a9c012345", .counts = { .objects = 512 } };
	autofree char *text = text_of(&p, false);
	assert_string_equal(text, "No changes. 512 objects match the spec.\n");
	p.counts.objects = 1;
	autofree char *one = text_of(&p, false);
	assert_string_equal(one, "No changes. 1 object matches the spec.\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(help_fits_the_screen),
		cmocka_unit_test(version_is_the_same_both_ways),
		cmocka_unit_test(durations_are_those_people_use),
		cmocka_unit_test(identical_changes_are_one_line),
		cmocka_unit_test(a_narrow_terminal_gets_it_all),
		cmocka_unit_test(values_that_are_cut_say_so),
		cmocka_unit_test(many_different_values_are_one_line),
		cmocka_unit_test(nothing_to_do_is_one_line),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
