/* Constraints on versions: one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lang/module.h"

static const struct { const char *version, *constraints; int want; } rows[] = {
	{ "1.2.3", "1.2.3", 1 }, { "1.2.3", "= 1.2.3", 1 }, { "1.2.3", "==1.2.3", 1 }, { "1.2.3", "= 1.2", 0 }, { "1.2.0", "1.2", 1 },
	{ "1.2.3", "!= 1.2.3", 0 }, { "1.2.3", "> 1.2.2", 1 }, { "1.2.3", "> 1.2.3", 0 }, { "1.2.3", ">= 1.2.3", 1 }, { "1.2.3", "< 1.10", 1 },
	{ "1.2.3", "<= 1.2.3", 1 }, { "1.2.3", "<1.2.3", 0 }, { "1.2.3", ">= 1.0, < 2.0", 1 }, { "2.0.0", ">= 1.0, < 2.0", 0 },
	{ "1.9.9", "~> 1.2", 1 }, { "2.0.0", "~> 1.2", 0 }, { "1.1.9", "~> 1.2", 0 }, { "1.2.9", "~> 1.2.3", 1 }, { "1.3.0", "~> 1.2.3", 0 },
	{ "1.2.2", "~> 1.2.3", 0 }, { "1.5.0", "~> 1", 1 }, { "2.0.0", "~> 1", 0 }, { "1.0.0", "v1.0.0", 1 },
	{ "1.0.0-rc1", "< 1.0.0", 1 }, { "1.0.0", "> 1.0.0-rc1", 1 }, { "1.0.0-rc2", "> 1.0.0-rc1", 1 }, { "1.0.0-rc10", "> 1.0.0-rc9", 1 },
	{ "1.0.0+build", "= 1.0.0", 1 }, { "1.0.0", "", -1 }, { "1.0.0", ">", -1 }, { "1.0.0", "one", -1 }, { "1.0.0", "1.0.0.0", -1 },
	{ "1.0.0", ">= 1.0,", -1 }, { "1.0.0", ">= 1.0 < 2", -1 }, { "1.0.0", "=> 1.0", -1 }, { "1.0.0", "1.x", -1 }, { "1.0.0", "1.0.0-", -1 },
	{ "1.0.0", "99999999999", -1 },
};

static void versions_satisfy_constraints(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (version_satisfies(rows[i].version, rows[i].constraints) != rows[i].want)
			fail_msg("%s, %s: not %d", rows[i].version, rows[i].constraints, rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(versions_satisfy_constraints) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
