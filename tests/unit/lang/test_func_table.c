/* Every function: its example, and at least five rows of what it gives for values, null, unknown, sensitive and wrong arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/eval_text.h"
#include "lang/func.h"

/* RESULT: "TYPE VALUE" as JSON texts, "sensitive TYPE VALUE", "unknown TYPE", or the code of the mistake. */
struct row { const char *name, *expression, *result; };
static const struct row rows[] = {
#include "tests/unit/lang/func_table_rows.inc"
};

static struct lang *lang;
static struct eval_text *text;
static struct diags *load_diags;

static int open_spec(void **unused)
{
	char dir[] = "/tmp/aipc-func-XXXXXX";
	struct err err;
	(void)unused;
	assert_non_null(mkdtemp(dir));
	autofree char *path = xasprintf("%s/main.aipc.yaml", dir);
	static const char spec[] = "resource:\n  t:\n    r: {}\n";
	assert_int_equal(file_write(path, spec, sizeof(spec) - 1, 0600, &err), 0);
	load_diags = diags_new();
	assert_int_equal(lang_load(dir, NULL, 0, load_diags, &lang, &err), 0);
	text = eval_text_new(lang);
	unlink(path);
	rmdir(dir);
	return 0;
}

static int close_spec(void **unused)
{
	(void)unused;
	eval_text_free(text);
	lang_free(lang);
	diags_free(load_diags);
	return 0;
}

static void describe(const struct val *v, struct diags *d, struct str *out)
{
	struct err err;
	if (!v) {
		autojson json_t *all = diags_json(d);
		str_add(out, json_string_value(json_object_get(json_array_get(all, 0), "code")));
		return;
	}
	bool known = val_known_deep(v);
	str_add(out, val_sensitive_deep(v) ? "sensitive " : "");
	str_add(out, known ? "" : "unknown ");
	type_write_json(v->type, out);
	str_add(out, known ? " " : "");
	if (known && val_write_json(v, 0, false, true, out, &err))
		fail_msg("%s", err.msg);
}

static bool check(const char *expression, const char *want, bool value_only)
{
	autostr struct str got = { 0 };
	struct diags *d = diags_new();
	struct err err;
	str_init(&got, STR_OURS);
	const struct val *v = eval_text_run(text, expression, strlen(expression), "expression", d);
	if (value_only && v && val_write_json(v, 0, false, true, &got, &err))
		fail_msg("%s", err.msg);
	if (!value_only)
		describe(v, d, &got);
	diags_free(d);
	if (strcmp(got.at, want) == 0)
		return true;
	print_error("%s\n  gives %s\n  wants %s\n", expression, got.at, want);
	return false;
}

static void examples_give_what_they_say(void **unused)
{
	size_t n, bad = 0;
	const struct func *all = func_table(&n);
	(void)unused;
	for (size_t i = 0; i < n; i++) {
		const struct func_example *x = func_example(all[i].name);
		if (!x)
			fail_msg("%s() has no example", all[i].name);
		bad += !check(x->expression, x->value, true);
	}
	assert_int_equal(bad, 0);
}

static void rows_give_what_they_say(void **unused)
{
	size_t bad = 0;
	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bad += !check(rows[i].expression, rows[i].result, false);
	assert_int_equal(bad, 0);
}

static void every_function_has_five_rows(void **unused)
{
	size_t n;
	const struct func *all = func_table(&n);
	(void)unused;
	for (size_t i = 0; i < n; i++) {
		size_t count = 0;
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			count += strcmp(rows[k].name, all[i].name) == 0;
		if (count < 5)
			fail_msg("%s() has %zu rows, and needs five", all[i].name, count);
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_give_what_they_say), cmocka_unit_test(rows_give_what_they_say), cmocka_unit_test(every_function_has_five_rows),
	};
	return cmocka_run_group_tests(tests, open_spec, close_spec);
}
