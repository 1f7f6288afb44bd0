#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/provider.h"
#include "engine/record.h"
#include "tests/unit/scratch.h"

static char dir[64];

static void spill(const char *name, const char *data, size_t len)
{
	struct err err;
	autofree char *path = file_join(dir, name);
	assert_int_equal(file_write(path, data, len, 0600, &err), 0);
}

static void references_are_resolved_or_named(void **unused)
{
	(void)unused;
	assert_true(scratch(dir));
	autofree char *big = xmalloc(70000), *absolute = xasprintf("file:%s/line", dir);
	memset(big, 'x', 70000);
	spill("line", "hunter2\n", 8);
	spill("dos", "hunter2\r\n", 9);
	spill("bare", "hunter2", 7);
	spill("two", "hunter2\n\n", 9);
	spill("empty", "\n", 1);
	spill("nul", "hun\0ter2", 8);
	spill("big", big, 70000);
	setenv("AIPC_TEST_PW", "hunter2", 1);
	setenv("AIPC_TEST_EMPTY", "", 1);
	unsetenv("AIPC_TEST_NONE");
	const struct { const char *ref, *want, *says; int code; } cases[] = {
		{ "env:AIPC_TEST_PW", "hunter2", NULL, 0 },
		{ "file:line", "hunter2", NULL, 0 },
		{ "file:dos", "hunter2", NULL, 0 },
		{ "file:bare", "hunter2", NULL, 0 },
		{ "file:two", "hunter2\n", NULL, 0 },
		{ absolute, "hunter2", NULL, 0 },
		{ "env:AIPC_TEST_NONE", NULL, "AIPC_TEST_NONE is not set", E_INPUT },
		{ "env:AIPC_TEST_EMPTY", NULL, "AIPC_TEST_EMPTY is empty", E_INPUT },
		{ "env:", NULL, "is missing", E_INPUT },
		{ "file:", NULL, "is missing", E_INPUT },
		{ "file:none", NULL, "secret \"file:none\"", E_NOTFOUND },
		{ "file:.", NULL, "secret \"file:.\"", E_INPUT },
		{ "file:empty", NULL, "is empty", E_INPUT },
		{ "file:nul", NULL, "NUL", E_INPUT },
		{ "file:big", NULL, "secret \"file:big\"", E_INPUT },
		{ "hunter2", NULL, "given as a reference", E_INPUT },
		{ "ENV:AIPC_TEST_PW", NULL, "given as a reference", E_INPUT },
		{ "", NULL, "given as a reference", E_INPUT },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		char *out = NULL;
		int rc = secret_resolve(dir, cases[i].ref, &out, &err);
		if (rc != cases[i].code || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("%s: %d %s", cases[i].ref, rc, err.msg);
		assert_null(strstr(err.msg, "hunter2"));
		if (!rc)
			assert_string_equal(out, cases[i].want);
		free(out);
	}
	autofree char *line = xasprintf("rm -r %s", dir);
	assert_int_equal(system(line), 0);
}

/* --- record: what is kept of an operation ---------------------------------------------------------------------------------- */
static const struct attr part_attrs[] = {
	{ .name = "version", .type = ATTR_STRING },
	{ .name = "image", .type = ATTR_STRING, .flags = ATTR_META },
	{ 0 },
};
static const struct attr attrs[] = {
	{ .name = "bmc", .type = ATTR_STRING, .flags = ATTR_META },
	{ .name = "password", .type = ATTR_STRING, .flags = ATTR_SECRET },
	{ .name = "size", .type = ATTR_INT },
	{ .name = "parts", .type = ATTR_MAP, .elem = ATTR_OBJECT, .fields = part_attrs, .flags = ATTR_ELIDE | ATTR_GLOB_KEYS },
	{ .name = "rows", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = part_attrs },
	{ .name = "one", .type = ATTR_OBJECT, .fields = part_attrs },
	{ .name = "health", .type = ATTR_STRING, .flags = ATTR_STATUS },
	{ 0 },
};

static bool same_case(const char *path, const json_t *want, const json_t *have)
{
	return strcmp(path, "one.version") == 0 && strcasecmp(json_string_value(want), json_string_value(have)) == 0;
}

static const struct resource_type type = { .name = "thing", .version = 1, .attrs = attrs, .same = same_case };

static const struct { const char *config, *actual, *kept, *why; } records[] = {
	{ "{\"size\":1,\"bmc\":\"10.0.0.1\",\"password\":\"env:X\"}", "{\"size\":1.0,\"health\":\"OK\",\"password\":\"****\",\"bmc\":\"old\"}",
	  "{\"bmc\":\"10.0.0.1\",\"health\":\"OK\",\"password\":\"env:X\",\"size\":1.0}", NULL },
	{ "{\"parts\":{\"BMC\":{\"version\":\"2\",\"image\":\"b\"}}}", "{\"parts\":{\"BMC\":{\"version\":\"2\"},\"HGX\":{\"version\":\"9\"}}}",
	  "{\"parts\":{\"BMC\":{\"image\":\"b\",\"version\":\"2\"},\"HGX\":{\"version\":\"9\"}}}", NULL },
	{ "{\"rows\":[{\"version\":\"1\",\"image\":\"x\"}],\"one\":{\"version\":\"a\",\"image\":\"y\"}}",
	  "{\"rows\":[{\"version\":\"1\"}],\"one\":{\"version\":\"A\"}}",
	  "{\"one\":{\"image\":\"y\",\"version\":\"A\"},\"rows\":[{\"image\":\"x\",\"version\":\"1\"}]}", NULL },
	{ "{\"parts\":{\"BMC\":{\"version\":\"2\",\"image\":\"b\"}}}", "{\"parts\":{\"BMC\":{\"version\":\"1\"}}}",
	  "{\"parts\":{\"BMC\":{\"image\":\"b\",\"version\":\"1\"}}}", "thing BMC.version still reads 1, not 2" },
	{ "{\"size\":1,\"health\":\"OK\"}", "{\"health\":\"Bad\"}", "{\"health\":\"Bad\"}", "thing size still reads nothing, not 1" },
	{ NULL, "{\"size\":1}", "{\"size\":1}", NULL },
	{ "{\"size\":1,\"one\":{\"image\":\"x\"}}", "{\"size\":1,\"one\":null}", "{\"one\":null,\"size\":1}", "" },
};

static void what_is_kept_and_whether_it_conforms(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct err err;
		autojson json_t *config = NULL, *actual = NULL;
		autostr struct str why;
		str_init(&why, STR_OURS);
		if (records[i].config)
			assert_int_equal(json_parse(records[i].config, strlen(records[i].config), "test", &config, &err), 0);
		assert_int_equal(json_parse(records[i].actual, strlen(records[i].actual), "test", &actual, &err), 0);
		autofree char *before = json_text(actual);
		autojson json_t *kept = record_attrs(&type, config, actual);
		autofree char *text = json_text(kept), *after = json_text(actual);
		assert_string_equal(text, records[i].kept);
		assert_string_equal(after, before);
		if (!config || (records[i].why && !*records[i].why))
			continue;
		bool good = record_conforms(&type, config, actual, &why);
		assert_int_equal(good, records[i].why == NULL);
		assert_string_equal(why.at, records[i].why ? records[i].why : "");
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_resolved_or_named), cmocka_unit_test(what_is_kept_and_whether_it_conforms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
