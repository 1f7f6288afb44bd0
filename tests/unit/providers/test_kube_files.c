#include "tests/unit/providers/expanding.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/task.h"
#include "lang/lang.h"
#include "providers/all.h"
#include "providers/kube/cluster.h"
#include "providers/kube/files.h"
#include "providers/kube/yaml.h"

#define HEAD "# Written by aipc; a change made here is shown as drift and undone.\n"

static json_t *parsed(const char *text)
{
	json_t *j;
	struct err err;
	if (json_parse(text, strlen(text), "the test", &j, &err))
		fail_msg("%s in %s", err.msg, text);
	return j;
}

/* What a YAML reader makes of our text is what was written. */
static void yaml_reads_back(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{\"a\":[1,-2.5,true,null,{},[],{\"x\":1,\"y\":[\"z\",[[1]]]},[\"q\"]],\"b\":{\"c\":{}}}",
		"{\"no\":\"Yes\",\"e\":\"\",\"t\":\"a b\",\"c\":\"a: b\",\"n\":\"1e3\",\"o\":\"0x10\",\"tilde\":\"~\",\"1\":\"null\",\"-\":\"- x\",\"?\":\"#\"}",
		"{\"a\":\"one\\ntwo\\n\",\"b\":\"one\\n\\n  two\",\"c\":\" lead\\nx\",\"d\":\"end\\n\\n\",\"q\":\"tab\\there\\n\",\"r\":\"\\r\\n\",\"s\":\"\\n\",\"v\":\"x\\n \\ny\"}",
		"{\"a\":\"\\u00e4\\u2028\\ud83d\\ude00\\\"\\\\\\u0001\\u007f\\u0085\"}",
		"[[1,[2]],{\"a\":[{\"b\":\"x\\ny\\n\",\"c\":1}]},\"text\"]", "[]", "{}", "\"yes\"", "12345678901",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *j = parsed(rows[i]), *back = NULL;
		struct err err = { 0 };
		autostr struct str s;
		str_init(&s, STR_OURS);
		yaml_write(j, &s);
		if (lang_yaml_to_json(s.at, s.len, "text", false, &back, &err))
			fail_msg("%s in:\n%s", err.msg, s.at);
		if (!json_same(j, back))
			fail_msg("row %zu reads back differently:\n%s", i, s.at);
		json_decref(j);
		json_decref(back);
	}
}

#define NODE "apiVersion: v1\nkind: Node\nmetadata:\n  name: gpu-1\n  labels:\n    a/b: x\n"
#define NONE ",\"taints\":[],\"taken_by\":{}}"
#define EMPTY "{\"annotations\":{},\"labels\":{},\"node\":\"\",\"other_content\":true,\"path\":\"p\"" NONE
#define SAYS(node, labels, annotations, other) "{\"annotations\":" annotations ",\"labels\":" labels ",\"node\":\"" node "\",\"other_content\":" other \
	",\"path\":\"p\"" NONE

static void node_files_of_others(void **state)
{
	(void)state;
	static const struct { const char *yaml, *actual; } rows[] = {
		{ HEAD NODE, SAYS("gpu-1", "{\"a/b\":\"x\"}", "{}", "false") },
		{ NODE "    c/d: \"y\"\n", SAYS("gpu-1", "{\"a/b\":\"x\",\"c/d\":\"y\"}", "{}", "false") },
		{ NODE "    n: 8\n", SAYS("gpu-1", "{\"a/b\":\"x\",\"n\":8}", "{}", "false") },
		{ NODE "  annotations: {q: z}\n", SAYS("gpu-1", "{\"a/b\":\"x\"}", "{\"q\":\"z\"}", "false") },
		{ NODE "  annotations: 7\n", SAYS("gpu-1", "{\"a/b\":\"x\"}", "{}", "true") },
		{ NODE "  uid: 1\n", SAYS("gpu-1", "{\"a/b\":\"x\"}", "{}", "true") },
		{ NODE "spec: {taints: [{key: k, value: v, effect: NoSchedule}]}\n", "{\"annotations\":{},\"labels\":{\"a/b\":\"x\"},\"node\":\"gpu-1\",\"other_content\":false,"
		  "\"path\":\"p\",\"taints\":[{\"effect\":\"NoSchedule\",\"key\":\"k\",\"value\":\"v\"}],\"taken_by\":{}}" },
		{ NODE "spec: {unschedulable: true}\n", SAYS("gpu-1", "{\"a/b\":\"x\"}", "{}", "true") },
		{ NODE "spec: {taints: []}\n", SAYS("gpu-1", "{\"a/b\":\"x\"}", "{}", "true") },
		{ "kind: Pod\n", EMPTY }, { "", EMPTY }, { "[1]", EMPTY }, { "{{{", EMPTY }, { "a: 1\na: 2\n", EMPTY }, { "\xff\xfe\x01", EMPTY },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *actual = node_actual("p", rows[i].yaml, strlen(rows[i].yaml));
		autofree char *text = json_text(actual);
		assert_string_equal(text, rows[i].actual);
		json_decref(actual);
	}
}

/* --- the operations, on files ------------------------------------------------------------------------------------------------- */

static const struct resource_type *type_of(const struct provider *p, const char *name)
{
	for (size_t i = 0; p->types[i]; i++)
		if (strcmp(p->types[i]->name, name) == 0)
			return p->types[i];
	fail_msg("no type %s", name);
	return NULL;
}

struct life { const struct provider *provider; const char *type, *before, *after, *foreign, *path, *dir; };

static json_t *read_back(struct task *t, const struct resource_type *type, struct op *op)
{
	struct err err = { 0 };
	op->actual = NULL;
	if (type->read(t, op, &err))
		fail_msg("%s", err.msg);
	return op->actual;
}

/* Not there, created, read, changed, edited by someone, left alone by destroy, written again, destroyed. */
static int live(struct task *t, void *arg, struct err *err)
{
	const struct life *l = arg;
	const struct resource_type *type = type_of(l->provider, l->type);
	autojson json_t *before = parsed(l->before), *after = parsed(l->after);
	autofree char *full = file_join(l->dir, l->path);
	struct provider_env env = { .dir = l->dir };
	struct op op = { .address = "test", .config = before };
	assert_int_equal(l->provider->open(&env, &op.self, err), 0);
	assert_null(read_back(t, type, &op));
	op_fn *writes[] = { type->create, type->update };
	json_t *configs[] = { before, after };
	for (size_t i = 0; i < 2; i++) {
		op.config = configs[i];
		op.actual = NULL;
		assert_int_equal(writes[i](t, &op, err), 0);
		assert_true(json_same(op.actual, configs[i]));
		json_decref(op.actual);
		json_t *seen = read_back(t, type, &op);
		assert_true(json_same(seen, configs[i]));
		json_decref(seen);
	}
	assert_int_equal(file_write(full, l->foreign, strlen(l->foreign), 0644, err), 0);
	json_t *foreign = read_back(t, type, &op);
	assert_false(json_same(foreign, after));
	json_decref(foreign);
	op.prior = after;
	op.config = NULL;
	op.actual = NULL;
	assert_int_equal(type->destroy(t, &op, err), 0);
	assert_true(file_exists(full));
	op.config = after;
	assert_int_equal(type->update(t, &op, err), 0);
	json_decref(op.actual);
	op.config = NULL;
	op.actual = NULL;
	assert_int_equal(type->destroy(t, &op, err), 0);
	assert_false(file_exists(full));
	assert_int_equal(type->destroy(t, &op, err), 0);
	l->provider->close(t, op.self);
	return 0;
}

static int refuse(struct task *t, void *arg, struct err *err)
{
	const struct life *l = arg;
	const struct resource_type *type = type_of(l->provider, l->type);
	autojson json_t *config = parsed(l->before);
	struct provider_env env = { .dir = l->dir };
	struct op op = { .address = "test", .config = config, .prior = config };
	assert_int_equal(l->provider->open(&env, &op.self, err), 0);
	assert_int_equal(type->read(t, &op, err), E_INPUT);
	assert_int_equal(type->create(t, &op, err), E_INPUT);
	assert_int_equal(type->destroy(t, &op, err), E_INPUT);
	assert_null(op.actual);
	l->provider->close(t, op.self);
	return 0;
}

static void operations(void **state)
{
	(void)state;
	char dir[] = "/tmp/aipc-test-XXXXXX";
	assert_non_null(mkdtemp(dir));
	struct life rows[] = {
		{ &provider_kube, "node_labels",
		  "{\"node\":\"n1\",\"path\":\"m/nodes/n1.yaml\",\"labels\":{\"a\":\"x\"},\"annotations\":{},\"other_content\":false" NONE,
		  "{\"node\":\"n1\",\"path\":\"m/nodes/n1.yaml\",\"labels\":{\"a\":\"y\",\"b\":\"8\"},\"annotations\":{\"q\":\"no\"},\"other_content\":false,"
		  "\"taints\":[{\"effect\":\"NoExecute\",\"key\":\"k\",\"value\":\"\"}],\"taken_by\":{}}",
		  "kind: Node\n", "m/nodes/n1.yaml", dir },
		{ &provider_kube, "manifest", "{\"path\":\"m/c.yaml\",\"object\":{\"kind\":\"X\",\"data\":{\"t\":\"a\\nb\\n\"}},\"taken_by\":{}}",
		  "{\"path\":\"m/c.yaml\",\"object\":{\"kind\":\"X\",\"list\":[1,2.5,null]},\"taken_by\":{}}", "{{", "m/c.yaml", dir },
		{ &provider_fabric, "opensm_file", "{\"path\":\"f/partitions.conf\",\"content\":\"one\\n\"}",
		  "{\"path\":\"f/partitions.conf\",\"content\":\"\"}", "two\n", "f/partitions.conf", dir },
	};
	struct life bad[] = {
		{ &provider_kube, "node_labels", "{\"node\":\"n\",\"path\":\"../x.yaml\",\"labels\":{}}", NULL, NULL, NULL, dir },
		{ &provider_kube, "manifest", "{\"path\":\"m/../../x.yaml\",\"object\":{}}", NULL, NULL, NULL, dir },
		{ &provider_fabric, "opensm_file", "{\"path\":\"f/..\",\"content\":\"\"}", NULL, NULL, NULL, dir },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows) + ARRAY_LEN(bad); i++) {
		struct err err = { 0 };
		struct loop *loop = loop_new();
		bool good = i < ARRAY_LEN(rows);
		if (loop_run(loop, good ? live : refuse, good ? &rows[i] : &bad[i - ARRAY_LEN(rows)], &err))
			fail_msg("%s", err.msg);
		loop_free(loop);
	}
	autofree char *clean = xasprintf("rm -rf %s", dir);
	assert_int_equal(system(clean), 0);
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_reads_back), cmocka_unit_test(node_files_of_others), cmocka_unit_test(operations),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
