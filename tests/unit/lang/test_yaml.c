#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/eval.h"
#include "lang/lang.h"
#include "lang/yaml.h"

static const struct { const char *yaml, *json; } value_rows[] = {
	{ "", "null" }, { "# only a comment\n", "null" }, { "~", "null" }, { "null", "null" }, { "Null", "null" }, { "nULL", "\"nULL\"" },
	{ "true", "true" }, { "False", "false" }, { "TRUE", "true" }, { "no", "\"no\"" }, { "on", "\"on\"" }, { "y", "\"y\"" }, { "yes", "\"yes\"" },
	{ "1", "1" }, { "-1", "-1" }, { "+12", "12" }, { "010", "10" }, { "0o17", "15" }, { "0x1F", "31" }, { "0b1", "\"0b1\"" }, { "-0x1", "\"-0x1\"" },
	{ "1e3", "1000" }, { "1.5", "1.5" }, { ".5", "0.5" }, { "5.", "5" }, { "1_000", "\"1_000\"" }, { "1:30", "\"1:30\"" },
	{ "1.2.3", "\"1.2.3\"" }, { "2026-01-01", "\"2026-01-01\"" }, { "1g.10gb", "\"1g.10gb\"" }, { "9223372036854775807", "9223372036854775807" },
	{ "'1'", "\"1\"" }, { "\"true\"", "\"true\"" }, { "'it''s'", "\"it's\"" }, { "\"a\\tb\\u00e9\"", "\"a\\tb\xc3\xa9\"" },
	{ "|\n  1\n  2\n", "\"1\\n2\\n\"" }, { ">\n  a\n  b\n\n  c\n", "\"a b\\nc\\n\"" }, { "!!str 1", "\"1\"" }, { "!!int 1", "1" }, { "! 1", "\"1\"" },
	{ "a: 1\nb: [x, {c: ~}]\n", "{\"a\":1,\"b\":[\"x\",{\"c\":null}]}" }, { "1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}" },
	{ "'<<': a", "{\"<<\":\"a\"}" }, { "a: &x [1]\nb: *x\n", "{\"a\":[1],\"b\":[1]}" }, { "a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}" },
	{ "\xef\xbb\xbf" "a: 1\n", "{\"a\":1}" }, { "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}" }, { "%YAML 1.1\n---\na: 1\n", "{\"a\":1}" },
	{ "a: \"\xf0\x9f\x98\x80\"", "{\"a\":\"\xf0\x9f\x98\x80\"}" }, { "--- 1\n", "1" }, { "a:\n", "{\"a\":null}" },
	{ "{a: 1, b: 2,}", "{\"a\":1,\"b\":2}" }, { "123456789012345678901234567890", "1.2345678901234568e+29" },
};

static void scalars_resolve_by_the_core_schema(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(value_rows); i++) {
		autojson json_t *j = NULL;
		struct err err = { 0 };
		if (lang_yaml_to_json(value_rows[i].yaml, strlen(value_rows[i].yaml), "f", false, &j, &err))
			fail_msg("%s: %s", value_rows[i].yaml, err.msg);
		autofree char *got = json_text(j);
		if (strcmp(got, value_rows[i].json) != 0)
			fail_msg("%s gives %s, wants %s", value_rows[i].yaml, got, value_rows[i].json);
	}
}

static const struct { const char *yaml, *want; } error_rows[] = {
	{ "a: 1\na: 2\n", "f:2:1: the key \"a\" is given twice" },
	{ "x: {b: 1, c: 2, b: 3}\n", "f:1:17: the key \"b\"" },
	{ "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1, l: 1, m: 1, d: 2}", "f:1:80: the key \"d\"" },
	{ "a: 1\n\tb: 2\n", "f:2:1: a tab" },
	{ "a:\n\t- 1\n", "f:2:1: a tab" },
	{ "a: [1\nb: 2\n", "not YAML" },
	{ "a: 'x\n", "not YAML" },
	{ "a: ${x}\nb: }\n", "f:2:4: this is not YAML" },
	{ "a: @x\n", "f:1:4: this is not YAML" },
	{ "<<: {a: 1}\n", "f:1:1: merge keys" },
	{ "? [a]\n: 1\n", "f:1:3: a key must be a string" },
	{ "{a}: 1\n", "f:1:1: a key must be a string" },
	{ ": 1\n", "f:1:1: this is not YAML" },
	{ "?\n: 1\n", "a key is missing" },
	{ "a: !mine 1\n", "f:1:4: the tag" },
	{ "a: !!set {x}\n", "f:1:4: the tag" },
	{ "a: .inf\n", "f:1:4: infinity" },
	{ "- -.INF\n", "f:1:3: infinity" },
	{ "a: *x\n", "f:1:4: there is no anchor &x" },
	{ "a: &x [*x]\n", "f:1:8: the alias *x stands inside" },
	{ "a: 1\n---\nb: 2\n", "f:2:1: a file holds one document" },
	{ "a: \xff\n", "f:1:4: this is not UTF-8" },
	{ "a: \xc0\xaf\n", "f:1:4: this is not UTF-8" },
	{ "a: \xed\xa0\x80\n", "f:1:4: this is not UTF-8" },
	{ "\xff\xfe" "a\x01", "UTF-16" },
	{ "a: x\x01y\n", "f:1:5: a control character" },
	{ "a: \xe2\x80\xa8\n", "f:1:4: the Unicode line separators" },
	{ "\xc3\xa9: 1\n\xc3\xa9: 2\n", "f:2:1: the key" },
};

static void mistakes_have_a_place(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(error_rows); i++) {
		autojson json_t *j = NULL;
		struct err err = { 0 };
		int rc = lang_yaml_to_json(error_rows[i].yaml, strlen(error_rows[i].yaml), "f", false, &j, &err);
		if (rc != E_INPUT || !strstr(err.msg, error_rows[i].want))
			fail_msg("%s: %d %s, wants %s", error_rows[i].yaml, rc, err.msg, error_rows[i].want);
	}
	autojson json_t *j = NULL;
	struct err err = { 0 };
	assert_int_equal(lang_yaml_to_json("a: \0b", 5, "f", false, &j, &err), E_INPUT);
	assert_non_null(strstr(err.msg, "f:1:4: a NUL byte"));
}

/* Many documents. */
static void several_documents_become_an_array(void **unused)
{
	(void)unused;
	autojson json_t *j = NULL;
	struct err err = { 0 };
	static const char text[] = "a: &x 1\n---\n- 2\n...\n---\n~\n";
	assert_int_equal(lang_yaml_to_json(text, sizeof(text) - 1, "f", true, &j, &err), 0);
	autofree char *got = json_text(j);
	assert_string_equal(got, "[{\"a\":1},[2],null]");
	static const char other[] = "a: &x 1\n---\n- *x\n";
	autojson json_t *k = NULL;
	assert_int_equal(lang_yaml_to_json(other, sizeof(other) - 1, "f", true, &k, &err), E_INPUT);
}

/* The word NEEDLE of the decoded text must be found at LINE:COL, LEN wide. */
static const struct { const char *yaml, *needle; unsigned line, col, len; } place_rows[] = {
	{ "a: one two\n", "two", 1, 8, 3 },
	{ "a: 'it''s two'\n", "two", 1, 11, 3 },
	{ "a: \"\\t\\u00e9\\x41\\\\ two\"\n", "two", 1, 20, 3 },
	{ "a: \"\xc3\xa9\xe6\x97\xa5 two\"\n", "two", 1, 8, 3 },
	{ "a: \"one\n   two\"\n", "two", 2, 4, 3 },
	{ "a: \"one\n\n\n   two x\"\n", "two", 4, 4, 3 },
	{ "a: \"one \\\n   two\"\n", "two", 2, 4, 3 },
	{ "a: one\n   and two\n", "two", 2, 8, 3 },
	{ "a: 'x\n\n  two'\n", "two", 3, 3, 3 },
	{ "a: |\n  one\n  two\n", "two", 3, 3, 3 },
	{ "a: |\n  one\n    two\n", "two", 3, 5, 3 },
	{ "a: |2\n    one\n   two\n", "two", 3, 4, 3 },
	{ "a: |-\n\n\n  one\n\n  two", "two", 6, 3, 3 },
	{ "a: >\n  one\n  two\n", "two", 3, 3, 3 },
	{ "a: >\n  one\n\n  x two\n", "two", 4, 5, 3 },
	{ "a: >\n  one\n\n    more\n\n  x two\n", "two", 6, 5, 3 },
	{ "a: >-\n  \xc3\xa9 one\n  and so on two\n", "two", 3, 13, 3 },
	{ "a: |\r\n  one\r\n  two\r\n", "two", 3, 3, 3 },
	{ "a: \"one\r\n  two\"\r\n", "two", 2, 3, 3 },
	{ "\xef\xbb\xbf" "a: \"x two\"\n", "two", 1, 7, 3 },
	{ "a: \"tw\\u006f two\"", "two", 1, 5, 8 },
};

static void places_inside_strings_are_found_again(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(place_rows); i++) {
		autoarena struct arena *a = arena_new();
		struct diags *d = diags_new();
		struct source src = { "f", place_rows[i].yaml, strlen(place_rows[i].yaml) };
		struct yaml_file *f;
		assert_true(yaml_parse(a, &src, false, d, &f));
		const struct ynode *n = yaml_get(&f->docs[0], "a", NULL);
		const char *at = strstr(n->is->s, place_rows[i].needle);
		struct mark m = yaml_mark_in(f, n, (uint32_t)(at - n->is->s), 3);
		if (m.line != place_rows[i].line || m.col != place_rows[i].col || m.len != place_rows[i].len)
			fail_msg("%s: %u:%u+%u, wants %u:%u", place_rows[i].yaml, m.line, m.col, m.len, place_rows[i].line, place_rows[i].col);
		diags_free(d);
	}
}

static char *repeat(const char *before, const char *middle, size_t n, const char *after)
{
	struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, before);
	while (n--)
		str_add(&s, middle);
	str_add(&s, after);
	return str_take(&s);
}

static void hostile_files_are_refused(void **unused)
{
	(void)unused;
	static const char bomb[] =
		"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
		"g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
	const struct { char *text; const char *want; } rows[] = {
		{ xstrdup(bomb), "aliases of this file stand for more" },
		{ repeat("", "[", 100000, ""), "nested more than 200" },
		{ repeat("", "{a: ", 100000, ""), "nested more than 200" },
		{ repeat("", "- ", 100000, ""), "nested more than 200" },
		{ repeat("a: ", "&b ", 1000, "1"), "not YAML" },
		{ repeat("", "- &b 1\n", 1000, "- &c\n"), NULL },
		{ repeat("a: \"", "x", 10000000, "\"\n"), NULL },
		{ repeat("", "- a\n", 2500000, ""), NULL },
		{ repeat("[", "a,", 5500000, "]"), "more than 5000000 nodes" },
		{ repeat("x: ", "y", 1000, ": 1: 2"), "not YAML" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autoarena struct arena *a = arena_new();
		struct diags *d = diags_new();
		struct source src = { "f", rows[i].text, strlen(rows[i].text) };
		struct yaml_file *f;
		bool ok = yaml_parse(a, &src, false, d, &f);
		autojson json_t *j = diags_json(d);
		const char *said = ok ? NULL : json_str(json_array_get(j, 0), "summary");
		if (!said != !rows[i].want || (said && !strstr(said, rows[i].want)))
			fail_msg("%.40s: %s", rows[i].text, said ? said : "accepted");
		if (ok)
			assert_in_range(arena_size(a), 0, 20 * src.len + 100000);
		diags_free(d);
		free(rows[i].text);
	}
}

/* A file of N bytes of EVERY; each ? of it is a letter that makes it another one than those before. */
static size_t write_dense(struct str *s, const char *before, const char *every, const char *after, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	str_clear(s);
	str_add(s, before);
	for (size_t i = 0; s->len < n; i++) {
		size_t rest = i * 2654435761u % 7311616;
		for (const char *p = every; *p; p++, rest = p[-1] == '?' ? rest / 52 : rest)
			str_addc(s, *p == '?' ? letters[rest % 52] : *p);
	}
	str_add(s, after);
	return s->len;
}

/* Bytes of the tree and the values of S. */
static size_t size_with_values(const struct str *s)
{
	autoarena struct arena *a = arena_new();
	struct diags *d = diags_new();
	struct source src = { "f", s->at, s->len };
	struct yaml_file *f;
	struct eval *e = xcalloc(1, sizeof(*e));
	e->arena = a;
	e->d = d;
	assert_true(yaml_parse(a, &src, false, d, &f));
	struct expr *x = expr_from_yaml(a, f, &f->docs[0], d);
	const struct val *v = x ? eval_run(e, x) : NULL;
	assert_true(v && val_known_deep(v));
	assert_int_equal(val_len(v), f->docs[0].is->n);
	diags_free(d);
	free(e);
	return arena_size(a);
}

static const struct { const char *before, *every, *after; double most; } dense_rows[] = {
	{ "", "- {bmc: 10.0.0.1, gpus: 8, labels: {rack: r00, pool: train}, firmware: [bmc, hgx], name: n????}\n", "", 5 },
	{ "", "- 1\n", "", 8 }, { "[", "1,", "]", 13 }, { "[", "~,", "]", 13 }, { "[", "0xf,", "]", 7 }, { "[", ".5,", "]", 9 },
	{ "[", "[],", "]", 11 }, { "[", "{},", "]", 11 }, { "[", "[1],", "]", 12.5 }, { "", "- - - - - - - - - - - - 1\n", "", 12 },
	{ "[", "{a,b,c,d},", "]", 16.5 }, { "[", "a: ,", "]", 16.5 }, { "[", "{a: 1},", "]", 10 },
	/* a template among them makes an expression of the list, not of what else is in it */
	{ "[", "1,", "'${1}']", 16.5 }, { "{", "????: 1,", "x: '${1}'}", 11 },
	/* no real file: nothing is ever the same */
	{ "{", "????,", "}", 13 }, { "[", "????,", "]", 14 }, { "[", "{????: 1},", "]", 16 }, { "[", "{?,0?,1?,2?},", "]", 21.5 },
	{ "[", "[[[[[[[[[[[[[[[[[[[[????]]]]]]]]]]]]]]]]]]]],", "]", 28 },
};

/* By what a longer file takes more, so that the arena's free rest does not count. */
static void dense_files_take_little_memory(void **unused)
{
	(void)unused;
	enum { STEP = 1000000 };
	autostr struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < ARRAY_LEN(dense_rows); i++) {
		const char *every = dense_rows[i].every;
		size_t short_len = write_dense(&s, dense_rows[i].before, every, dense_rows[i].after, STEP), small = size_with_values(&s);
		size_t long_len = write_dense(&s, dense_rows[i].before, every, dense_rows[i].after, 3 * STEP), large = size_with_values(&s);
		double took = (double)(large - small) / (double)(long_len - short_len);
		if (took > dense_rows[i].most || took < 1)
			fail_msg("%s takes %.1f bytes for a byte", every, took);
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_resolve_by_the_core_schema),
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(several_documents_become_an_array),
		cmocka_unit_test(places_inside_strings_are_found_again),
		cmocka_unit_test(hostile_files_are_refused),
		cmocka_unit_test(dense_files_take_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
