#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
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

static void a_file_is_read_whole(void **unused)
{
	static const struct { const char *name, *bytes; size_t len; int rc; const char *content, *base64, *sha1; } rows[] = {
		{ "a", "", 0, 0, "\"\"", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "b", "hi\n", 3, 0, "\"hi\\n\"", "aGkK", "55ca6286e3e4f4fba5d0448333fa99fc5a404a73" },
		{ "c", "\xff\xfe", 2, 0, "null", "//4=", "d62636d8caec13f04e28442a0a6fa1afeb024bbb" },
		{ "d", "a\0b", 3, 0, "\"a\\u0000b\"", "YQBi", "4a3dec2d1f8245280855c42db0ee4239f917fdb8" },
		{ "none", NULL, 0, E_NOTFOUND, NULL, NULL, NULL },
		{ ".", NULL, 0, E_INPUT, NULL, NULL, NULL },
	};
	char dir[] = "/tmp/aipc-file-XXXXXX";
	(void)unused;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		autofree char *path = file_join(dir, rows[i].name);
		if (rows[i].bytes)
			assert_int_equal(file_write(path, rows[i].bytes, rows[i].len, 0600, &err), 0);
		autojson json_t *config = json_pack("{s:s, s:b}", "filename", rows[i].name, "sensitive", i == 1);
		struct op op = { .address = "data.local_file.x", .config = config, .self = dir };
		assert_int_equal(provider_core.data[0]->read(NULL, &op, &err), rows[i].rc);
		if (rows[i].rc) {
			assert_null(op.actual);
			assert_non_null(strstr(err.msg, rows[i].name));
			continue;
		}
		autofree char *content = json_text(json_at(op.actual, "content"));
		assert_string_equal(content, rows[i].content);
		assert_string_equal(json_str(op.actual, "content_base64"), rows[i].base64);
		assert_string_equal(json_str(op.actual, "content_sha1"), rows[i].sha1);
		assert_int_equal(json_int(op.actual, "size", -1), rows[i].len);
		assert_true(op.sensitive == (i == 1));
		json_decref(op.actual);
	}
	autofree char *command = xasprintf("rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_one_type_with_a_schema),
		cmocka_unit_test(is_what_the_state_says),
		cmocka_unit_test(output_is_the_input_once_applied),
		cmocka_unit_test(leaves_nothing_behind),
		cmocka_unit_test(a_file_is_read_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
