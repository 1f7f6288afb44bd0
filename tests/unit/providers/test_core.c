#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "providers/all.h"

static const struct resource_type *data(void)
{
	return provider_core.types[0];
}

static void is_one_type_with_a_schema(void **unused)
{
	(void)unused;
	assert_int_equal(provider_core.abi, PROVIDER_ABI);
	assert_string_equal(data()->name, "aipc_data");
	assert_null(provider_core.types[1]);
	assert_true(attr_find(data()->attrs, "triggers")->flags & ATTR_REPLACE);
	assert_true(attr_find(data()->attrs, "output")->flags & ATTR_COMPUTED);
}

static void is_what_the_state_says(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct op op = { .address = "aipc_data.a" };
	assert_int_equal(data()->read(NULL, &op, &err), 0);
	assert_null(op.actual);
	autojson json_t *prior = json_pack("{s:i}", "input", 5);
	op.prior = prior;
	assert_int_equal(data()->read(NULL, &op, &err), 0);
	assert_true(json_same(op.actual, prior));
	json_decref(op.actual);
}

static void output_is_the_input_once_applied(void **unused)
{
	(void)unused;
	op_fn *const writes[] = { data()->create, data()->update };
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		struct err err = { 0 };
		autojson json_t *config = json_pack("{s:[i,s], s:n}", "input", 1, "x", "triggers");
		struct op op = { .address = "aipc_data.a", .config = config };
		assert_int_equal(writes[i](NULL, &op, &err), 0);
		autofree char *text = json_text(op.actual);
		assert_string_equal(text, "{\"input\":[1,\"x\"],\"output\":[1,\"x\"],\"triggers\":null}");
		assert_null(json_at(config, "output"));
		json_decref(op.actual);
	}
}

static void leaves_nothing_behind(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	autojson json_t *prior = json_object();
	struct op op = { .address = "aipc_data.a", .prior = prior };
	assert_int_equal(data()->destroy(NULL, &op, &err), 0);
	assert_null(op.actual);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_one_type_with_a_schema),
		cmocka_unit_test(is_what_the_state_says),
		cmocka_unit_test(output_is_the_input_once_applied),
		cmocka_unit_test(leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
