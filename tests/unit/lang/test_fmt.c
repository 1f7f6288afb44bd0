#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "lang/fmt.h"

/* A text that is refused must leave a diagnostic. */
static int format(const char *text, struct str *out, struct fmt_lines *lines)
{
	struct diags *d = diags_new();
	struct err err = { 0 };
	struct source src = { "f", text, strlen(text) };
	int rc = fmt_text(&src, d, out, lines, &err);
	if (rc == E_INPUT && diags_errors(d) == 0)
		fail_msg("%s is refused without a word", text);
	diags_free(d);
	return rc;
}

static const struct { const char *from, *to; } rows[] = {
	/* spaces, blank lines, ends */
	{ "", "" }, { "\n\n", "" }, { "a:   1", "a: 1\n" }, { "a : 1\n", "a: 1\n" }, { "a: 1   \n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n" },
	{ "\xef\xbb\xbf" "a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n" }, { "---\na: 1\n...\n", "---\na: 1\n...\n" },
	{ "a:\n", "a:\n" }, { "a:   \nb: ~\n", "a:\nb: ~\n" },
	/* indentation */
	{ "a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n" }, { "a:\n- 1\n-   2\n", "a:\n  - 1\n  - 2\n" }, { "-   a: 1\n    b: 2\n", "- a: 1\n  b: 2\n" },
	{ "- - 1\n  -   2\n", "- - 1\n  - 2\n" }, { "a:\n  1\n", "a:\n  1\n" }, { "? a\n:   b\n", "? a\n: b\n" },
	{ "a: &x\n   b: 1\nc:   *x\n", "a: &x\n  b: 1\nc: *x\n" }, { "&k a: 1\nb: *k\n", "&k a: 1\nb: *k\n" },
	{ "a: !!str   1\n", "a: !!str 1\n" },
	/* flow collections */
	{ "a: {b:  1,c: [ 1,2 ] }\n", "a: { b: 1, c: [1, 2] }\n" }, { "a: {  }\nb: [ ]\n", "a: {}\nb: []\n" }, { "a: {\"x\":1}\n", "a: { \"x\": 1 }\n" },
	{ "a: [\n1,\n   [2],\n]\n", "a: [\n  1,\n  [2],\n]\n" }, { "a: [{\nb: 1,\n}]\n", "a: [{\n  b: 1,\n}]\n" },
	{ "- a: [\n  1\n  ]\n", "- a: [\n    1\n  ]\n" }, { "a: {b: , c}\n", "a: { b: , c }\n" },
	/* comments */
	{ "#  top\t \na: 1 #x\n", "#  top\na: 1 #x\n" }, { "a: 1    # x\nbb: 22  # y\n", "a: 1    # x\nbb: 22  # y\n" }, { "a:      1 # x\n", "a: 1 # x\n" },
	{ "a:\n    b: 1\n    # of a\n# of the top\nc: 1\n", "a:\n  b: 1\n  # of a\n# of the top\nc: 1\n" }, { "a:\n    # nothing yet\nb: 1\n", "a:\n  # nothing yet\nb: 1\n" },
	{ "a: # here\n    b: 1\n", "a: # here\n  b: 1\n" }, { "a: [1, # one\n2] # two\n# three", "a: [1, # one\n  2] # two\n# three\n" }, { "# only", "# only\n" },
	{ "a: |  # head\n    x\n  # tail\nb: 1\n", "a: |  # head\n  x\n# tail\nb: 1\n" }, { "a: 1\t# x\n", "a: 1 # x\n" },
	/* quotes */
	{ "a: 'x'\n", "a: \"x\"\n" }, { "a: 'x\"y'\n", "a: 'x\"y'\n" }, { "a: \"x\\\"y\"\n", "a: 'x\"y'\n" }, { "a: \"it's \\\"y\\\"\"\n", "a: \"it's \\\"y\\\"\"\n" },
	{ "a: 'it''s'\n", "a: \"it's\"\n" }, { "a: 'c:\\d'\n", "a: 'c:\\d'\n" }, { "a: \"\\n\\\"\"\n", "a: \"\\n\\\"\"\n" }, { "'a': x\n", "\"a\": x\n" },
	{ "a: ''\n", "a: \"\"\n" }, { "a: 'no'\n", "a: \"no\"\n" },
	/* scalars of several lines */
	{ "a: \"one\n   two  \n\n     three\"\n", "a: \"one\n  two\n\n  three\"\n" }, { "a: one\n     two\n", "a: one\n  two\n" },
	{ "a: \"one\\\n      two\"\n", "a: \"one\\\n  two\"\n" }, { "a: \"x\\  \n  y\"\n", "a: \"x\\ \n  y\"\n" },
	{ "a: |\n      x\n        y\n\n\nb: 1\n", "a: |\n  x\n    y\n\nb: 1\n" }, { "a: |+\n   x\n\n\n", "a: |+\n  x\n\n\n" }, { "a: >-2\n    x\n", "a: >2-\n    x\n" },
	{ "- |1\n  x\n", "- |2\n   x\n" }, { "a: |\n  x", "a: |-\n  x\n" }, { "|\n x\n", "|\n  x\n" },
	/* expressions */
	{ "a: ${ var.x }\n", "a: ${var.x}\n" }, { "a: \"${1+2*3}\"\n", "a: \"${1 + 2 * 3}\"\n" }, { "a: '${f( \"x\",[ 1,2 ] )}'\n", "a: '${f(\"x\", [1, 2])}'\n" },
	{ "a: \"${f(\\\"x\\\" ,1)} \\n\"\n", "a: \"${f(\\\"x\\\", 1)} \\n\"\n" }, { "a: ${x.y?1:2}\n", "a: ${x.y?1:2}\n" }, { "a: \"${x.y?1:2}\"\n", "a: \"${x.y ? 1 : 2}\"\n" },
	{ "a: \"${ {a=1,b = 2} }\"\n", "a: \"${{ a = 1, b = 2 }}\"\n" }, { "a: \"${{a:1}}\"\n", "a: \"${{ a: 1 }}\"\n" },
	{ "a: \"${[ for k,v in x.y:k=>v ... if ! v ]}\"\n", NULL }, { "a: \"${{for k,v in x.y:k=>v ... if ! v }}\"\n", "a: \"${{ for k, v in x.y : k => v... if !v }}\"\n" },
	{ "a: \"${[for s in x.y:s if(s==1)]}\"\n", "a: \"${[for s in x.y : s if (s == 1)]}\"\n" }, { "a: \"${- 1 - -2}\"\n", "a: \"${-1 - -2}\"\n" },
	{ "a: \"${ x . y [ 0 ] . * . z }\"\n", "a: \"${x.y[0].*.z}\"\n" }, { "a: \"${x.y[ * ].z}\"\n", "a: \"${x.y[*].z}\"\n" }, { "a: \"${a-b.c}\"\n", "a: \"${a-b.c}\"\n" },
	{ "a: \"%{if x.y}${~1~}%{endif~}\"\n", "a: \"%{ if x.y }${~ 1 ~}%{ endif ~}\"\n" }, { "a: \"$${1+1} %%{x}\"\n", "a: \"$${1+1} %%{x}\"\n" },
	{ "a: '${f(\"a  ${ 1+1 }  b\")}'\n", "a: '${f(\"a  ${1 + 1}  b\")}'\n" }, { "a: |\n  ${f(\n     1+1,\n  )}\n", "a: |\n  ${f(\n     1 + 1,\n  )}\n" },
	{ "a: |\n  ${<<E\n  1+1\n  E\n  }\n", "a: |\n  ${<<E\n  1+1\n  E\n  }\n" }, { "a: |\n  ${1+1 /* x  y */ +2}\n", "a: |\n  ${1 + 1 /* x  y */ + 2}\n" },
	{ "a: \"${1e3+1.5e-3}\"\n", "a: \"${1e3 + 1.5e-3}\"\n" }, { "a: \"${(1+2)*3}\"\n", "a: \"${(1 + 2) * 3}\"\n" }, { "a: \"${core::upper( \\\"x\\\" )}\"\n", "a: '${core::upper(\"x\")}'\n" },
	/* refused */
	{ "a: 1\na: 2\n", NULL }, { "a: [\n", NULL }, { "a: \"${1 +}\"\n", NULL }, { "\ta: 1\n", NULL }, { "a: 1\n---\nb: 2\n", NULL }, { "<<: {}\n", NULL },
	{ "a: \"${x\"\n", NULL },
};

static void layout(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autostr struct str out, again;
		str_init(&out, 1 << 20);
		str_init(&again, 1 << 20);
		int rc = format(rows[i].from, &out, NULL);
		if (!rows[i].to) {
			if (rc != E_INPUT)
				fail_msg("%s is not refused (%d)", rows[i].from, rc);
			continue;
		}
		if (rc || strcmp(out.at, rows[i].to) != 0)
			fail_msg("%s becomes (%d)\n%s\nwanted\n%s", rows[i].from, rc, out.at, rows[i].to);
		assert_int_equal(format(out.at, &again, NULL), 0);
		assert_string_equal(again.at, out.at);
	}
}

/* Every line of the result says where it comes from: that is what a diff is made of. */
static void lines_are_followed(void **unused)
{
	(void)unused;
	autostr struct str out;
	struct fmt_lines lines = { 0 };
	str_init(&out, 1 << 20);
	assert_int_equal(format("\n\na: 1\n\n\nb: |\n   x\n\n   y\n\n\n# c\nc: \"p\n   q\"\nd: 1", &out, &lines), 0);
	assert_string_equal(out.at, "a: 1\n\nb: |\n  x\n\n  y\n\n# c\nc: \"p\n  q\"\nd: 1\n");
	static const uint32_t want[] = { 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15 };
	assert_int_equal(lines.len, ARRAY_LEN(want));
	for (size_t i = 0; i < lines.len; i++)
		assert_int_equal(lines.at[i], want[i]);
	vec_free(&lines);
}

/* As deep and as wide as YAML and expressions may be: no crash, and linear. */
static void hostile(void **unused)
{
	(void)unused;
	static const struct { const char *open, *mid, *close; size_t n; int rc; } deep[] = {
		{ "[", "", "]", 150, 0 }, { "[", "", "]", 5000, E_INPUT }, { "- ", "a", "", 150, 0 }, { "- ", "a", "", 5000, E_INPUT },
	};
	for (size_t i = 0; i < ARRAY_LEN(deep); i++) {
		autostr struct str in, out;
		str_init(&in, 1 << 20);
		str_init(&out, 1 << 20);
		for (size_t k = 0; k < deep[i].n; k++)
			str_add(&in, deep[i].open);
		str_add(&in, deep[i].mid);
		for (size_t k = 0; k < deep[i].n; k++)
			str_add(&in, deep[i].close);
		assert_int_equal(format(in.at, &out, NULL), deep[i].rc);
	}
	for (size_t n = 400; n <= 20000; n *= 50) {
		autostr struct str in, out;
		str_init(&in, 1 << 20);
		str_init(&out, 1 << 20);
		str_add(&in, "a: \"${");
		str_pad(&in, in.len + n, '(');
		str_addc(&in, '1');
		str_pad(&in, in.len + n, ')');
		str_add(&in, "}\"\n");
		assert_int_equal(format(in.at, &out, NULL), n > 500 ? E_INPUT : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(layout), cmocka_unit_test(lines_are_followed), cmocka_unit_test(hostile) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
