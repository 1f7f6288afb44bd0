/* Any bytes as a file of tests: read, its settings evaluated, its assertions looked at and judged in a small spec, as `aipc test` does for
 * each run, without providers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/testfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char spec[] =
	"variable:\n  size: { type: number, default: 1 }\n  names: { type: list(string), default: [a] }\n"
	"local: { twice: '${var.size * 2}' }\n"
	"file:\n  one: { for_each: '${toset(var.names)}', path: '/x/${each.key}', content: '${local.twice}' }\n"
	"output:\n  size: { value: '${var.size}' }\n  hidden: { value: '${var.names}', sensitive: true }\n";
static const char plan[] = "{\"actions\": {\"file.one[\\\"a\\\"]\": \"create\"}, \"data\": {}, \"counts\": {\"create\": 1}, \"complete\": true}";

static char dir[] = "/tmp/aipc-fuzzXXXXXX";
static char *path, *tests;
static json_t *summary;
static FILE *null;

static void leave(void)
{
	unlink(path);
	unlink(tests);
	rmdir(dir);
	free(path);
	free(tests);
	json_decref(summary);
	fclose(null);
}

static void start(void)
{
	struct err err;
	json_setup();
	null = fopen("/dev/null", "w");
	if (!null || !mkdtemp(dir))
		abort();
	path = file_join(dir, "main.aipc.yaml");
	tests = file_join(dir, "x.aipctest.yaml");
	if (file_write(path, spec, sizeof(spec) - 1, 0600, &err) || json_parse(plan, sizeof(plan) - 1, "plan", &summary, &err))
		abort();
	atexit(leave);
}

static void judge(struct testfile *t, size_t run, const struct test_setting *own, const struct test_setting *set, struct diags *d)
{
	struct lang *l = NULL;
	struct err err = { 0 };
	struct lang_input in[2];
	size_t n = 0;
	if (own->any)
		in[n++] = own->variables;
	if (set->any)
		in[n++] = set->variables;
	if (lang_load(dir, in, n, d, &l, &err) == 0) {
		testfile_assert(t, run, l, NULL);
		testfile_assert(t, run, l, summary);
		testfile_keep(t, run, l);
	}
	lang_free(l);
}

static void run_all(struct testfile *t, struct diags *d)
{
	enum { MOST = 6 };
	struct test_setting own, set;
	(void)testfile_module(t);
	if (!testfile_setting(t, SIZE_MAX, d, &own)) {
		if (diags_errors(d) == 0)
			abort();
		return;
	}
	for (size_t i = 0; i < testfile_runs(t) && i < MOST; i++) {
		struct diags *told = diags_new();
		bool ok = testfile_setting(t, i, told, &set);
		if (!ok && diags_errors(told) == 0)
			abort();
		for (size_t k = 0; k < set.n; k++)
			if (!set.facts[k].name || !set.facts[k].where || !json_is_object(set.facts[k].attrs))
				abort();
		if (ok)
			judge(t, i, &own, &set, told);
		diags_print(told, null, true);
		diags_free(told);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct testfile *t = NULL;
	if (!null)
		start();
	FILE *f = size <= 20000 ? fopen(tests, "w") : NULL;
	if (!f)
		return 0;
	fwrite(data, 1, size, f);
	fclose(f);
	struct diags *d = diags_new();
	int rc = testfile_read(tests, d, &t, &err);
	if (rc && !err.msg[0] && diags_errors(d) == 0)
		abort();
	if (rc == 0)
		run_all(t, d);
	diags_print(d, null, true);
	testfile_free(t);
	diags_free(d);
	return 0;
}
