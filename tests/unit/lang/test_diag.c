#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/codes.h"
#include "lang/diag.h"

static __attribute__((noinline)) char *printed(const struct diags *d, bool color)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	diags_print(d, f, color);
	fclose(f);
	return text;
}

static void looks_as_designed(void **unused)
{
	(void)unused;
	static const char text[] = "a: 1\n\n  gpu_nod_pool:\n\n\n\n\n\n\n\n\n\n\n    name: \"node-${uper(var.site)}\"\n";
	struct diags *d = diags_new();
	struct source src = { "pools/train.aipc.yaml", text, sizeof(text) - 1 };
	struct source other = { "main.aipc.yaml", text, sizeof(text) - 1 };
	struct diag *g = diag_add(d, "E0213", (struct mark){ .src = &src, .line = 14, .col = 19, .len = 4 }, "no function is called \"%s\"", "uper");
	diag_suggest(g, "uper", (const char *const[]){ "lower", "upper", NULL });
	g = diag_add(d, "E0107", (struct mark){ .src = &other, .line = 3, .col = 3, .len = 12 }, "\"gpu_nod_pool\" is not a resource type");
	diag_hint(g, "did you mean \"%s\"?", "gpu_node_pool");
	diag_note(g, (struct mark){ .src = &src, .line = 1, .col = 1, .len = 1 }, "the first one is here");
	diag_note(g, (struct mark){ 0 }, "there are %d", 3);
	diag_add(d, "W0101", (struct mark){ 0 }, "nothing to see");
	autofree char *got = printed(d, false);
	assert_string_equal(got,
		"warning[W0101]: nothing to see\n"
		"\n"
		"error[E0107]: \"gpu_nod_pool\" is not a resource type\n"
		"  --> main.aipc.yaml:3:3\n"
		"   |\n"
		" 3 |   gpu_nod_pool:\n"
		"   |   ^^^^^^^^^^^^ did you mean \"gpu_node_pool\"?\n"
		"   = the first one is here (pools/train.aipc.yaml:1:1)\n"
		"   = there are 3\n"
		"\n"
		"error[E0213]: no function is called \"uper\"\n"
		"  --> pools/train.aipc.yaml:14:19\n"
		"   |\n"
		"14 |     name: \"node-${uper(var.site)}\"\n"
		"   |                   ^^^^ did you mean \"upper\"?\n"
		"\n"
		"2 errors, 1 warning.\n");
	assert_int_equal(diags_errors(d), 2);
	assert_int_equal(diags_warnings(d), 1);
	diags_free(d);
}

static void no_line_is_wider_than_a_terminal(void **unused)
{
	(void)unused;
	struct diags *d = diags_new();
	char line[3000];
	memset(line, 'x', sizeof(line));
	memcpy(line + 1500, "HERE", 4);
	line[sizeof(line) - 1] = '\0';
	struct source src = { "a.yaml", line, sizeof(line) - 1 };
	struct diag *g = diag_add(d, "E0201", (struct mark){ .src = &src, .line = 1, .col = 1501, .len = 4 }, "a long story about many things that does not fit on "
				  "one line of a terminal and so is continued on the next one");
	diag_hint(g, "a hint that is too long to stand behind the caret, so that it moves down to a line of its own");
	char *got = printed(d, false);
	assert_non_null(strstr(got, "HERE"));
	for (char *p = got, *end; (end = strchr(p, '\n')) != NULL; p = end + 1)
		assert_in_range(end - p, 0, 80);
	char *excerpt = strstr(got, " 1 | "), *caret = strchr(excerpt, '^');
	assert_non_null(caret);
	char *mark_line = caret;
	while (mark_line[-1] != '\n')
		mark_line--;
	assert_memory_equal(excerpt + (caret - mark_line), "HERE", 4);
	free(got);
	diags_free(d);
}

static void terminals_are_safe_and_wide_characters_count(void **unused)
{
	(void)unused;
	struct diags *d = diags_new();
	static const char text[] = "\xe6\x97\xa5\xe6\x9c\xac\t\x1b[31m: bad\r\nnext";
	struct source src = { "a", text, sizeof(text) - 1 };
	diag_add(d, "E0201", (struct mark){ .src = &src, .line = 1, .col = 10, .len = 3 }, "x\033[2Jy");
	autofree char *got = printed(d, false);
	assert_string_equal(got,
		"error[E0201]: x?[2Jy\n  --> a:1:10\n   |\n 1 | \xe6\x97\xa5\xe6\x9c\xac \xef\xbf\xbd[31m: bad\n   |            ^^^\n\n1 error.\n");
	diags_free(d);
}

static void repeats_are_dropped_and_floods_are_counted(void **unused)
{
	(void)unused;
	struct diags *d = diags_new();
	struct source src = { "a", "x\n", 2 };
	for (int i = 0; i < 3; i++)
		diag_add(d, "E0201", (struct mark){ .src = &src, .line = 1, .col = 1, .len = 1 }, "same");
	autofree char *got = printed(d, false);
	assert_non_null(strstr(got, "\n1 error.\n"));
	for (int i = 0; i < 5000; i++)
		diag_note(diag_add(d, "E0202", (struct mark){ .src = &src, .line = 1, .col = 1, .len = 1 }, "number %d", i), (struct mark){ 0 }, "note");
	autofree char *more = printed(d, true);
	assert_non_null(strstr(more, "(4003 more are not shown)"));
	assert_non_null(strstr(more, "\033[1;31merror[E0202]\033[0m"));
	assert_int_equal(diags_errors(d), 5003);
	diags_free(d);
}

static void outlives_its_source(void **unused)
{
	(void)unused;
	struct diags *d = diags_new();
	struct source *src = xcalloc(1, sizeof(*src));
	char *path = xstrdup("gone.yaml"), *text = xstrdup("abc def\n");
	*src = (struct source){ path, text, 8 };
	diag_hint(diag_add(d, "E0201", (struct mark){ .src = src, .line = 1, .col = 5, .len = 3 }, "bad"), "good");
	free(text);
	free(path);
	free(src);
	autojson json_t *j = diags_json(d);
	autofree char *got = json_text(j);
	assert_string_equal(got, "[{\"code\":\"E0201\",\"column\":5,\"end_column\":8,\"end_line\":1,\"excerpt\":\"abc def\",\"file\":\"gone.yaml\",\"hint\":\"good\",\"length\":3,"
			    "\"line\":1,\"notes\":[],\"severity\":\"error\",\"summary\":\"bad\",\"values\":[]}]");
	diags_free(d);
}

static void codes_are_sorted_and_explained(void **unused)
{
	(void)unused;
	size_t n;
	const struct diag_code *c = diag_codes(&n);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(c[i].text) > 20 && strlen(c[i].title) > 2);
		assert_true(i == 0 || strcmp(c[i - 1].code, c[i].code) < 0);
		assert_ptr_equal(diag_code_find(c[i].code), &c[i]);
	}
	assert_null(diag_code_find("E9999"));
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_as_designed),
		cmocka_unit_test(no_line_is_wider_than_a_terminal),
		cmocka_unit_test(terminals_are_safe_and_wide_characters_count),
		cmocka_unit_test(repeats_are_dropped_and_floods_are_counted),
		cmocka_unit_test(outlives_its_source),
		cmocka_unit_test(codes_are_sorted_and_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
