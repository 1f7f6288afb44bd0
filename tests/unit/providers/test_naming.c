#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "providers/naming.h"
#include "providers/textfile.h"

static void names_of_instances(void **state)
{
	(void)state;
	static const struct { const char *name, *address, *says; } rows[] = {
		{ "compute", "ib_fabric.compute", "compute" },
		{ "compute", "ib_fabric.compute[3]", "compute-3" },
		{ "compute", "ib_fabric.compute[\"east\"]", "compute-east" },
		{ "compute", "ib_fabric.compute[\"a/../b c\"]", "compute-a-..-b-c-9f3fd56c" },
		{ "compute", "ib_fabric.compute[\"\"]", "compute-e3b0c442" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct expand x = { .name = rows[i].name, .address = rows[i].address };
		autofree char *name = instance_name(&x);
		assert_string_equal(name, rows[i].says);
	}
}

static void paths_that_may_be_written(void **state)
{
	(void)state;
	static const struct { const char *path; bool ok; } rows[] = {
		{ "a", true }, { "a/b.yaml", true }, { "/srv/a", true }, { "a/..b", true }, { "a/b..", true }, { "a/...", true }, { "./a", true },
		{ "", false }, { "..", false }, { "../a", false }, { "a/..", false }, { "a/../b", false }, { "/..", false }, { "a/", false }, { "/", false },
		{ "a\nb", false }, { "a\x7f", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (textfile_path_ok(rows[i].path) != rows[i].ok)
			fail_msg("\"%s\"", rows[i].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_of_instances), cmocka_unit_test(paths_that_may_be_written) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
