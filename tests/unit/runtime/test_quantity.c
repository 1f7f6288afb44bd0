/* Quantities: every suffix, exactness, rounding, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/err.h"
#include "runtime/scheduler/quantity.h"

static void values(void **unused)
{
	(void)unused;
	static const struct { const char *text; int64_t whole, milli; } rows[] = {
		{ "0", 0, 0 }, { "1", 1, 1000 }, { "100m", 1, 100 }, { "1500m", 2, 1500 }, { "0.5", 1, 500 }, { ".5", 1, 500 }, { "5.", 5, 5000 },
		{ "1n", 1, 1 }, { "1u", 1, 1 }, { "1000001n", 1, 2 }, { "0.0000000001", 1, 1 }, { "+1", 1, 1000 }, { "1k", 1000, 1000000 },
		{ "1M", 1000000, 1000000000 }, { "1G", 1000000000, 1000000000000 }, { "1T", 1000000000000, 1000000000000000 },
		{ "1Ki", 1024, 1024000 }, { "1.5Gi", 1610612736, 1610612736000 }, { "0.1Ki", 103, 102400 }, { "1Ti", 1099511627776, 1099511627776000 },
		{ "1e3", 1000, 1000000 }, { "1E3", 1000, 1000000 }, { "1e-3", 1, 1 }, { "12e+1", 120, 120000 }, { "1E", 1000000000000000000, INT64_MAX },
		{ "7Ei", 8070450532247928832, INT64_MAX }, { "9223372036854775807", INT64_MAX, INT64_MAX }, { "-1500m", -1, -1500 },
		{ "000000000000000000000000000001", 1, 1000 }, { "1.00000000000000000000000001", 2, 1001 }, { "1e-2147483647", 1, 1 }, { "0e99999", 0, 0 },
		{ "0.00000000000000000000000000000000000000000000000001Ei", 1, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		nano_t n;
		if (quantity_parse(rows[i].text, &n) != QUANTITY_OK)
			fail_msg("%s is not read", rows[i].text);
		if (quantity_units(n, NANO) != rows[i].whole || quantity_units(n, NANO / 1000) != rows[i].milli)
			fail_msg("%s gives %lld and %lld", rows[i].text, (long long)quantity_units(n, NANO), (long long)quantity_units(n, NANO / 1000));
	}
}

static void refused(void **unused)
{
	(void)unused;
	static const char *const rows[] = { "", "Gi", "+", ".", "-", "1 ", " 1", "1ki", "1K", "1Mib", "1e", "1e+", "1.2.3", "0x10", "1e3Ki", "nan", "1m1", "--1", "1,5" };
	nano_t n;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (quantity_parse(rows[i], &n) != QUANTITY_BAD)
			fail_msg("'%s' is read", rows[i]);
}

static void beyond_63_bits(void **unused)
{
	(void)unused;
	static const char *const rows[] = { "9223372036854775808", "8Ei", "10E", "1e19", "1e2147483647", "99999999999999999999999999999999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		nano_t n;
		assert_int_equal(quantity_parse(rows[i], &n), QUANTITY_SATURATED);
		assert_true(quantity_units(n, NANO) == INT64_MAX);
	}
}

static void json_forms(void **unused)
{
	(void)unused;
	nano_t n;
	json_t *i = json_integer(3), *r = json_real(1.5), *tenth = json_real(0.1), *b = json_true();
	assert_int_equal(quantity_json(i, &n), QUANTITY_OK);
	assert_true(n == 3 * NANO);
	assert_int_equal(quantity_json(r, &n), QUANTITY_OK);
	assert_true(n == 3 * NANO / 2);
	assert_int_equal(quantity_json(tenth, &n), QUANTITY_OK);
	assert_true(n == NANO / 10);
	assert_int_equal(quantity_json(b, &n), QUANTITY_BAD);
	assert_int_equal(quantity_json(NULL, &n), QUANTITY_BAD);
	json_decref(i);
	json_decref(r);
	json_decref(tenth);
	json_decref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(refused), cmocka_unit_test(beyond_63_bits), cmocka_unit_test(json_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
