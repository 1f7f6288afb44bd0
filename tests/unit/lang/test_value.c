#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/lang/val_help.h"

__attribute__((weak)) const json_t *lang_unknown(void)
{
	static json_t *marker;
	if (!marker)
		marker = json_object();
	return marker;
}

/* Text, and what a template prints for it; NULL: not a number. */
static const struct { const char *text, *want; } number_rows[] = {
	{ "0", "0" }, { "-0", "-0" }, { "+1", "1" }, { ".5", "0.5" }, { "5.", "5" }, { "010", "10" }, { "-7", "-7" },
	{ "1e5", "100000" }, { "1.5e3", "1500" }, { "1e-3", "0.001" }, { "0.1", "0.1" }, { "-.5e-3", "-0.0005" },
	{ "9223372036854775807", "9223372036854775807" }, { "-9223372036854775808", "-9223372036854775808" },
	{ "9223372036854775808", "9223372036854775808" }, { "123456789012345678901234567890", "123456789012345678901234567890" },
	{ "1e40", "10000000000000000000000000000000000000000" }, { "3.0", "3" },
	{ "3.14159265358979323846264338327950288", "3.14159265358979323846264338327950288" },
	{ "1e-50", "0.00000000000000000000000000000000000000000000000001" },
	{ " 1", NULL }, { "1 ", NULL }, { "", NULL }, { ".", NULL }, { "+", NULL }, { "1_000", NULL }, { "0x10", NULL }, { "inf", NULL },
	{ "nan", NULL }, { "1e", NULL }, { "1e+", NULL }, { "1e99999999999999999999", NULL }, { "--1", NULL }, { "1.2.3", NULL },
};

static void numbers_print_as_read(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(number_rows); i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str out;
		str_init(&out, 1000);
		const struct val *v = val_number_text(a, number_rows[i].text, strlen(number_rows[i].text));
		if (v)
			val_number_write(v, &out);
		if (!v != !number_rows[i].want || (v && strcmp(out.at, number_rows[i].want)))
			fail_msg("%s: got %s", number_rows[i].text, v ? out.at : "none");
	}
}

static void numbers_have_512_bits(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	autostr struct str out;
	str_init(&out, 1000);
	mpfr_t x, y;
	mpfr_init2(x, 512);
	mpfr_init2(y, 512);
	mpfr_set_si(x, 1, MPFR_RNDN);
	mpfr_div_ui(x, x, 3, MPFR_RNDN);
	val_number_write(val_big(a, x), &out);
	char third[158] = "0.";
	memset(third + 2, '3', 154);
	third[156] = '5';
	assert_string_equal(out.at, third);
	mpfr_mul_ui(x, x, 3, MPFR_RNDN);
	assert_int_equal(val_big(a, x)->form, NUM_INT);
	val_to_mpfr(val_number_text(a, "0.1", 3), x);
	val_to_mpfr(val_number_text(a, "0.2", 3), y);
	mpfr_add(x, x, y, MPFR_RNDN);
	assert_int_equal(val_cmp(val_big(a, x), val_number_text(a, "0.3", 3)), 0);
	int64_t n;
	assert_true(val_to_int64(val_number_text(a, "1e18", 4), &n));
	assert_true(n == 1000000000000000000);
	assert_false(val_to_int64(val_number_text(a, "1e19", 4), &n));
	assert_false(val_to_int64(val_number_text(a, "1.5", 3), &n));
	assert_true(val_to_int64(val_number_text(a, "-0", 2), &n) && n == 0);
	str_clear(&out);
	val_number_write(val_double(a, 1.4142135623730951), &out);
	assert_string_equal(out.at, "1.4142135623730951");
	mpfr_clear(x);
	mpfr_clear(y);
}

static const struct { const char *x, *y, *want; } equal_rows[] = {
	{ "1", "1.0", "true" }, { "1", "'1'", "false" }, { "'a'", "'a'", "true" }, { "true", "false", "false" },
	{ "[1]", "[1]", "true" }, { "[1]", "{'~list(number)':[1]}", "false" }, { "[1]", "[1,2]", "false" },
	{ "{'a':1}", "{'a':1}", "true" }, { "{'a':1}", "{'b':1}", "false" }, { "{'a':1}", "{'~map(number)':{'a':1}}", "false" },
	{ "null", "null", "true" }, { "null", "1", "false" }, { "null", "{'~null':'string'}", "true" },
	{ "{'~unknown':'number'}", "1", "?bool" }, { "{'~unknown':'any'}", "null", "?bool" },
	{ "[1,{'~unknown':'number'}]", "[2,3]", "false" }, { "[1,{'~unknown':'number'}]", "[1,3]", "?bool" },
	{ "{'~unknown':'number'}", "'a'", "false" },
	{ "{'~set(number)':[2,1]}", "{'~set(number)':[1,2,2]}", "true" },
	{ "{'~list(string)':[]}", "{'~list(number)':[]}", "false" },
	{ "-0", "0", "true" }, { "0.1", "0.1", "true" }, { "1e30", "1e30", "true" }, { "1e30", "1e31", "false" },
	{ "[null]", "[{'~null':'string'}]", "false" },
};

static void equality_never_converts(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(equal_rows); i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str out;
		str_init(&out, 1000);
		help_write(val_equal(a, help_parse(a, equal_rows[i].x), help_parse(a, equal_rows[i].y)), &out);
		if (strcmp(out.at, equal_rows[i].want))
			fail_msg("row %zu: %s == %s: got %s", i, equal_rows[i].x, equal_rows[i].y, out.at);
	}
}

static const struct { const char *in, *want; } describe_rows[] = {
	{ "10", "10" }, { "'a'", "\"a\"" }, { "['a','b','c']", "tuple with 3 elements" }, { "{'a':1}", "object with 1 attribute" },
	{ "{'~list(string)':['a','b','c']}", "list of 3 strings" }, { "{'~set(number)':[1]}", "set of 1 number" },
	{ "{'~map(any)':{'a':[1]}}", "map of 1 element" }, { "{'~sensitive':'x'}", "(sensitive)" }, { "null", "null" },
	{ "{'~unknown':'string'}", "unknown" }, { "true", "true" }, { "'a\\nb'", "\"a\\nb\"" },
	{ "'0123456789012345678901234567890123456789012345678901234567890'", "\"012345678901234567890123456789012345678901234567...\"" },
};

static void values_describe_themselves(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(describe_rows); i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str out;
		str_init(&out, 61);
		val_describe(help_parse(a, describe_rows[i].in), &out);
		assert_string_equal(out.at, describe_rows[i].want);
	}
}

static const struct { const char *in, *want; } string_rows[] = {
	{ "e\xcc\x81", "\xc3\xa9" },                             /* composed */
	{ "\xe2\x84\xab", "\xc3\x85" },                          /* Angstrom sign */
	{ "a\xff" "b", "a\xef\xbf\xbd" "b" }, { "\xc3", "\xef\xbf\xbd" }, { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "", "" }, { "plain", "plain" }, { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
};

static void strings_are_nfc(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(string_rows); i++) {
		autoarena struct arena *a = arena_new();
		assert_string_equal(val_string(a, string_rows[i].in)->str.s, string_rows[i].want);
	}
	autoarena struct arena *a = arena_new();
	assert_int_equal(val_stringn(a, "a\0b", 3)->str.len, 3);
}

static void maps_are_sorted_and_the_last_of_a_key_wins(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	struct val_entry e[] = { { "b", val_int(a, 1) }, { "a", val_int(a, 2) }, { "b", val_int(a, 3) }, { "B", val_int(a, 4) } };
	const struct val *m = val_map(a, &type_number, e, 4), *o = val_object(a, e, 4);
	assert_int_equal(m->map.len, 3);
	assert_string_equal(m->map.at[0].key, "B");
	assert_int_equal(val_get(m, "b")->i, 3);
	assert_int_equal(val_get(o, "a")->i, 2);
	assert_null(val_get(o, "c"));
	assert_int_equal(o->type->n, 3);
	assert_int_equal(val_len(o), 3);
}

static void marks_are_found_and_removed(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	const struct val *v = help_parse(a, "{'a':[1,{'b':{'~sensitive':'x'}}],'c':2}");
	autostr struct str out;
	struct err err;
	str_init(&out, 1000);
	assert_int_equal(v->marks, 0);
	assert_true(val_sensitive_deep(v));
	assert_int_equal(val_write_json(v, 0, false, false, &out, &err), E_INPUT);
	assert_false(val_sensitive_deep(val_unmark_deep(a, v)));
	str_clear(&out);
	assert_int_equal(val_write_json(val_unmark_deep(a, v), 2, false, false, &out, &err), 0);
	assert_string_equal(out.at, "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\"\n    }\n  ],\n  \"c\": 2\n}");
	bool unknown = false;
	unsigned marks = 0;
	autojson json_t *j = val_to_json(v, &unknown, &marks);
	assert_true(marks == MARK_SENSITIVE && !unknown);
	const struct val *both = help_parse(a, "[{'~sensitive':'x'},{'~ephemeral':1}]");
	assert_int_equal(val_sensitive_deep(both), MARK_SENSITIVE | MARK_EPHEMERAL);
	assert_int_equal(val_set(a, &type_dynamic, both->seq.at, 2)->marks, MARK_SENSITIVE | MARK_EPHEMERAL);
	assert_int_equal(json_int(j, "c", 0), 2);
}

static void json_goes_both_ways(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	autostr struct str out;
	struct err err;
	bool unknown = false;
	str_init(&out, 1000);
	const struct val *v = val_stringn(a, "\b\f\n\r\t\x01<>&\"\\\x7f\xe2\x80\xa8", 15);
	assert_int_equal(val_write_json(v, 0, true, false, &out, &err), 0);
	assert_string_equal(out.at, "\"\\b\\f\\n\\r\\t\\u0001\\u003c\\u003e\\u0026\\\"\\\\\x7f\\u2028\"");
	str_clear(&out);
	assert_int_equal(val_write_json(help_parse(a, "{'~unknown':'string'}"), 0, true, false, &out, &err), E_INPUT);
	autojson json_t *j = val_to_json(help_parse(a, "[{'~unknown':'string'},1.5,null,'x']"), &unknown, NULL);
	assert_true(unknown);
	assert_ptr_equal(json_array_get(j, 0), lang_unknown());
	assert_true(json_real_value(json_array_get(j, 1)) == 1.5);
	const struct val *back = val_from_json(a, j);
	assert_int_equal(back->seq.at[0]->state, VAL_UNKNOWN);
	assert_true(val_equal(a, val_from_json(a, json_real_value(json_array_get(j, 1)) > 0 ? json_array_get(j, 1) : NULL),
			      val_number_text(a, "1.5", 3))->b);
	autojson json_t *tenth = json_real(0.1);
	assert_true(val_equal(a, val_from_json(a, tenth), val_number_text(a, "0.1", 3))->b);
}

static void big_collections_are_quick_to_make(void **unused)
{
	(void)unused;
	enum { N = 100000 };
	autoarena struct arena *a = arena_new();
	const struct val **at = arena_array(a, N, sizeof(*at));
	struct val_entry *e = arena_array(a, N, sizeof(*e));
	for (int i = 0; i < N; i++) {
		at[i] = val_int(a, i % 1000);
		e[i] = (struct val_entry){ arena_printf(a, "k%d", (i * 7919) % N), at[i] };
	}
	const struct val *list;
	struct err err;
	for (int i = 0; i < N; i++)                /* ninety-nine of a hundred are given again later */
		at[i] = val_int(a, i);
	struct val_entry *again = arena_array(a, N, sizeof(*again));
	for (int i = 0; i < N; i++)
		again[i] = (struct val_entry){ e[i % 1000].key, at[i] };
	const struct val *o = val_object(a, again, N);
	assert_int_equal(o->map.len, 1000);
	assert_int_equal(o->type->n, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(val_get(o, e[i].key)->i, N - 1000 + i);
		assert_true(i == 0 || strcmp(type_field(o->type, (size_t)i - 1).name, type_field(o->type, (size_t)i).name) < 0);
	}
	for (int i = 0; i < N; i++)
		at[i] = val_int(a, i % 1000);
	assert_int_equal(val_set(a, &type_number, at, N)->seq.len, 1000);
	assert_int_equal(val_map(a, &type_number, e, N)->map.len, N);
	assert_int_equal(val_convert(a, val_tuple(a, at, N), type_list(a, &type_dynamic), &list, &err), 0);
	assert_int_equal(list->type->elem->kind, T_NUMBER);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_print_as_read),
		cmocka_unit_test(numbers_have_512_bits),
		cmocka_unit_test(equality_never_converts),
		cmocka_unit_test(values_describe_themselves),
		cmocka_unit_test(strings_are_nfc),
		cmocka_unit_test(maps_are_sorted_and_the_last_of_a_key_wins),
		cmocka_unit_test(marks_are_found_and_removed),
		cmocka_unit_test(json_goes_both_ways),
		cmocka_unit_test(big_collections_are_quick_to_make),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
