/* The surface of aipc-runtime: what is printed where, and the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "runtime/command.h"
#include "tests/unit/scratch.h"

struct run { int status; char *out, *err; };

static struct run run(const char *const *args)
{
	struct run r = { 0 };
	size_t out_len, err_len;
	char *argv[16] = { (char *)"aipc-runtime" };
	int argc = 1;
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	FILE *out = open_memstream(&r.out, &out_len), *err = open_memstream(&r.err, &err_len);
	r.status = runtime_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return r;
}

static void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

static void table_is_sorted(void **unused)
{
	(void)unused;
	for (size_t i = 1; commands[i]; i++)
		assert_true(strcmp(commands[i - 1]->name, commands[i]->name) < 0);
}

static void words(void **unused)
{
	(void)unused;
	static const struct { const char *args[6]; int status; const char *out, *err; } rows[] = {
		{ { NULL }, EXIT_OK, "Usage: aipc-runtime COMMAND", "" },
		{ { "version", NULL }, EXIT_OK, "aipc-runtime " AIPC_VERSION "\n", "" },
		{ { "--version", NULL }, EXIT_OK, "aipc-runtime " AIPC_VERSION "\n", "" },
		{ { "help", "version", NULL }, EXIT_OK, "aipc-runtime version: the version", "" },
		{ { "version", "-h", NULL }, EXIT_OK, "Usage: aipc-runtime version", "" },
		{ { "versoin", NULL }, EXIT_USAGE, "", "aipc-runtime: there is no command \"versoin\"; did you mean \"version\"?\n" },
		{ { "help", "nothing-near", NULL }, EXIT_USAGE, "", "aipc-runtime help lists them" },
		{ { "version", "--hlep", NULL }, EXIT_USAGE, "", "did you mean --help" },
		{ { "version", "--log", NULL }, EXIT_USAGE, "", "--log wants LEVEL" },
		{ { "version", "--log=loud", NULL }, EXIT_USAGE, "", "--log does not take \"loud\"" },
		{ { "version", "--help=yes", NULL }, EXIT_USAGE, "", "--help takes no value" },
		{ { "crds", NULL }, EXIT_OK, "\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: gangs.aipc.dev", "" },
		{ { "topology", NULL }, EXIT_OK, "topograph-1.0  ", "" },
		{ { "topology", "aipc", NULL }, EXIT_OK, "    - { name: nvlink-domain, alias: nvlink, nodeLabel: aipc.dev/nvlink-domain, scaleUp: true }\n", "" },
		{ { "topology", "topograph", NULL }, EXIT_USAGE, "", "there is no preset \"topograph\"" },
		{ { "topology", "kueu", NULL }, EXIT_USAGE, "", "did you mean \"kueue\"" },
		{ { "xid", "79", NULL }, EXIT_OK, "Xid 79: GPU has fallen off the bus\n  calls for   reboot the node (reboot_node)\n", "" },
		{ { "xid", "74", "GB200", NULL }, EXIT_OK, "the catalogue does not say", "" },
		{ { "xid", "79a", NULL }, EXIT_USAGE, "", "an Xid is a number" },
		{ { "review", NULL }, EXIT_USAGE, "", "review wants -f FILE" },
		{ { "review", "-f", "/nonexistent", NULL }, EXIT_ERROR, "", "/nonexistent" },
		{ { "review", "-f", "README.md", NULL }, EXIT_ERROR, "", "kubectl" },
		{ { "simulate", "-f", "README.md", NULL }, EXIT_ERROR, "", "is not valid JSON" },
		{ { "simulate", "-f", "README.md", NULL }, EXIT_ERROR, "", "kubectl" },
		{ { "explain", "pod", "p", "-f", "README.md", NULL }, EXIT_ERROR, "", "kubectl" },
		{ { "simulate", "-f", "docs", NULL }, EXIT_ERROR, "", "pipe" },
		{ { "review", "-f", "x", "--at", "noon", NULL }, EXIT_USAGE, "", "not \"noon\"" },
		{ { "version", "--", "-h", NULL }, EXIT_USAGE, "", "version takes no arguments" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run r = run(rows[i].args);
		assert_int_equal(r.status, rows[i].status);
		assert_non_null(strstr(r.out, rows[i].out));
		assert_non_null(strstr(r.err, rows[i].err));
		assert_true(rows[i].err[0] || !r.err[0]);
		run_free(&r);
	}
}

static void what_simulate_says_of_odd_files(void **unused)
{
	(void)unused;
	static const struct { const char *text; int status; const char *err; } rows[] = {
		{ "{\"kind\":\"List\",\"items\":[]}", EXIT_OK, "note: no Node is there" },
		{ "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"message\":\"Unauthorized\"}", EXIT_OK, "note: no Node is there" },
		{ "{\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"}}", EXIT_OK, "" },
		{ "{\"kind\":\"List\",\"items\":[{\"kind\":\"Node\"},7]}", EXIT_ERROR, "items[1]:" },
		{ "", EXIT_ERROR, "JSON" },
	};
	char dir[64], file[80];
	assert_true(scratch(dir));
	snprintf(file, sizeof(file), "%s/odd.json", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		FILE *f = fopen(file, "w");
		assert_non_null(f);
		fputs(rows[i].text, f);
		fclose(f);
		struct run r = run((const char *const[]){ "simulate", "-f", file, NULL });
		assert_int_equal(r.status, rows[i].status);
		assert_non_null(strstr(r.err, rows[i].err));
		assert_true(rows[i].err[0] || !r.err[0]);
		run_free(&r);
	}
	unlink(file);
	rmdir(dir);
}

static void every_command_has_help(void **unused)
{
	(void)unused;
	for (size_t i = 0; commands[i]; i++) {
		const char *const args[] = { "help", commands[i]->name, NULL };
		struct run r = run(args);
		assert_int_equal(r.status, EXIT_OK);
		for (const char *line = r.out; *line; line += strcspn(line, "\n"), line += *line == '\n')
			assert_true(strcspn(line, "\n") <= 80);
		run_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sorted), cmocka_unit_test(words), cmocka_unit_test(what_simulate_says_of_odd_files), cmocka_unit_test(every_command_has_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
