#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/lang/expr_rows.h"

static void rows_give_what_they_say(void **unused)
{
	int bad = 0;
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(expr_rows); i++) {
		autofree char *got = table_eval(expr_rows[i].text, strlen(expr_rows[i].text));
		if (strcmp(got, expr_rows[i].want) != 0) {
			print_error("%s\n  gives %s\n  wants %s\n", expr_rows[i].text, got, expr_rows[i].want);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* BEFORE, MIDDLE repeated N times, AFTER. */
static char *repeated(const char *before, const char *middle, size_t n, const char *after)
{
	struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, before);
	while (n--)
		str_add(&s, middle);
	str_add(&s, after);
	return str_take(&s);
}

static void hostile_text_is_an_error_with_a_place(void **unused)
{
	static const struct { const char *before, *middle; size_t n; const char *after, *want; } rows[] = {
		{ "", "(", 100000, "1", "E0203" },
		{ "", "[", 100000, "1", "E0203" },
		{ "", "{a=", 100000, "1", "E0203" },
		{ "", "-", 100000, "1", "E0203" },
		{ "", "!", 100000, "true", "E0203" },
		{ "", "\"${", 100000, "1", "E0203" },
		{ "", "upper(", 100000, "1", "E0203" },
		{ "", "[for x in ", 100000, "1", "E0203" },
		{ "1", " + 1", 100000, "", "E0203" },
		{ "[]", "[0]", 100000, "", "E0203" },
		{ "[]", "[*]", 100000, "", "E0203" },
		{ "[]", ".a", 100000, "", "E0203" },
		{ "true", " ? 1 : true", 100000, " ? 1 : 1", "E0203" },
		{ "\"", "%{if true}", 100000, "\"", "E0203" },
		{ "1", " + 1", 3000, "", "3001" },
		{ "", "(", 400, "", "E0201" },
		{ "\"", "x", 1000000, "", "E0202" },
		{ "/*", "x", 1000000, "", "E0201" },
		{ "", "1", 1000000, "", "E0204" },
		{ "1e", "9", 1000, "", "E0204" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *text = repeated(rows[i].before, rows[i].middle, rows[i].n, rows[i].after);
		autofree char *got = table_eval(text, strlen(text));
		if (!strstr(got, rows[i].want))
			fail_msg("%s%s...: %s", rows[i].before, rows[i].middle, got);
	}
}

static void a_nul_byte_is_a_mistake(void **unused)
{
	(void)unused;
	autofree char *got = table_eval("1 + \0 2", 8);
	assert_string_equal(got, "5 E0201");
}

static void growing_values_end(void **unused)
{
	/* Each doubles: text, and a value that shares its parts. */
	static const char *const rows[] = {
		"[for a in [[for i in range(1000) : i]] : [for b in range(1000) : [for c in range(1000) : a]]]",
		"join(\"\", [for i in range(1000000) : \"${join(\"\", [for j in range(1000) : \"ten chars.\"])}\"])",
		"length([for i in range(9000000) : i]) + length([for i in range(9000000) : i])",
		/* Work that makes little: text that is gone over again and again, hashes, numbers with fractions that are sorted. */
		"length(regexall(\"a*[bc]\", join(\"\", [for i in range(400000) : \"a\"])))",
		"[for i in range(1000) : can(regex(\"^(a|a|ab)*$\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\"))]",
		"[for i in range(1000) : bcrypt(\"x\", 8)]",
		"length(distinct([for i in range(600000) : [i + 0.5]]))",
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *got = table_eval(rows[i], strlen(rows[i]));
		if (!strstr(got, "E0220"))
			fail_msg("%s: %.100s", rows[i], got);
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_give_what_they_say),
		cmocka_unit_test(hostile_text_is_an_error_with_a_place),
		cmocka_unit_test(a_nul_byte_is_a_mistake),
		cmocka_unit_test(growing_values_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
