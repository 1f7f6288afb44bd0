/* Where diagnostics point: first and last character, in every style of YAML and with characters of several bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/lang.h"
#include "lang/lint.h"

static char dir[] = "/tmp/test_places.XXXXXX";

/* The text of main.aipc.yaml, where [[ and ]] stand around what is to be marked (they are taken out). */
static const struct { const char *text, *code; } rows[] = {
	/* --- styles of scalars */
	{ "locals:\n  a: ${[[uper]](1)}\n", "E0213" },
	{ "locals:\n  a: \"${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: '${[[uper]](1)}'\n", "E0213" },
	{ "locals:\n  a: 'it''s ${[[uper]](1)}'\n", "E0213" },
	{ "locals:\n  a: 'it''s ${upper([['']]a'')}'\n", "E0201" },
	{ "locals:\n  a: \"x \\\" \\u00e9 ${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: \"${1 + [[\\\"x\\\"]]}\"\n", "E0216" },
	{ "locals:\n  a: '${1 + [[\"x\"]]}'\n", "E0216" },
	{ "locals:\n  a: |\n    text\n    ${[[uper]](1)}\n", "E0213" },
	{ "locals:\n  a: |-\n      text\n\n      ${[[uper]](1)} end\n", "E0213" },
	{ "locals:\n  a: |2\n      deeper ${[[uper]](1)}\n    less\n", "E0213" },
	{ "locals:\n  a: >\n    folded\n    text ${[[uper]](1)}\n", "E0213" },
	{ "locals:\n  a: >-\n\n    folded\n\n    ${[[uper]](1)}\n\n", "E0213" },
	{ "locals:\n  a: \"folded\n    text ${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: 'folded\n\n    text ${[[uper]](1)}'\n", "E0213" },
	{ "locals:\n  a: plain\n    text ${[[uper]](1)}\n", "E0213" },
	{ "locals:\n  a: \"joined \\\n    text ${[[uper]](1)}\"\n", "E0213" },
	/* --- over several lines */
	{ "locals:\n  a: |\n    ${1 + [[[\n      2,\n    ]]]}\n", "E0216" },
	{ "locals:\n  a: \"${1 + [[[\n    2]]]}\"\n", "E0216" },
	{ "locals:\n  a: \"${1 + [[upper(\n    \\\"x\\\")]]}\"\n", "E0216" },
	{ "locals:\n  a: '${1 + [[\"é\n    x\"]]}'\n", "E0216" },
	{ "variable:\n  v: { type: number, default: [[[1,\n    2]]] }\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default: [[{ a: 1,\n      b: 2 }]]\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default: [[|\n      several\n      lines]]\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default: [[\"several\n      lines\"]]\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default: [[several\n      lines]]\n", "E0302" },
	/* --- flow and block collections */
	{ "locals: { a: \"x\", b: '${[[uper]](1)}' }\n", "E0213" },
	{ "locals: { a: [1, \"${[[uper]](1)}\"] }\n", "E0213" },
	{ "variable: { v: { type: number, default: [[[1, 2]]] } }\n", "E0302" },
	{ "variable: { v: { type: number, default: [[{ a: 1 }]] } }\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default:\n      [[a]]: 1\n      b: 2\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default:\n      [[-]] 1\n      - 2\n", "E0302" },
	{ "variable:\n  v: { type: number, default: [[\"many\"]] }\n", "E0302" },
	{ "variable:\n  v: { type: number, default: [['it''s']] }\n", "E0302" },
	/* --- anchors, tags, comments */
	{ "locals:\n  a: &a ${[[uper]](1)}\n", "E0213" },
	{ "locals:\n  a: &anchor   \"${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: !!str ${[[uper]](1)}\n", "E0213" },
	{ "locals:\n  a: &é !!str '${[[uper]](1)}'\n", NULL },        /* no name of an anchor: told as such */
	{ "locals:\n  a: !!str &b # note\n    '${[[uper]](1)}'\n", "E0213" },
	{ "variable:\n  v: { type: number, default: &list [[[1, 2]]] }\n", "E0302" },
	{ "variable:\n  v:\n    type: number\n    default: &map\n      [[abc]]: 1\n", "E0302" },
	{ "locals:\n  a: ${1} # ${uper(1)}\n  b: ${[[uper]](1)}\n", "E0213" },
	/* --- characters */
	{ "locals:\n  a: \"äöü ${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: \"\xf0\x9f\x98\x80 ${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: '日本 ${1 + [[\"日本\"]]}'\n", "E0216" },
	{ "locals:\n  a:\t\"${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: \"\t\tx\t${[[uper]](1)}\"\n", "E0213" },
	{ "locals:\n  a: |\n    x\t${[[uper]](1)}\n", "E0213" },
	{ "\xef\xbb\xbflocals:\n  a: ${[[uper]](1)}\n", "E0213" },
	{ "locals:\r\n  a: ${1}\r\n  b: '${[[uper]](1)}'\r\n", "E0213" },
	{ "locals:\r\n  a: |\r\n    x\r\n    ${[[uper]](1)}\r\n", "E0213" },
	/* --- keys */
	{ "[[localls]]:\n  a: 1\n", "E0101" },
	{ "variable:\n  v: { [[typ]]: string }\n", "E0102" },
	{ "variable:\n  v: { [[\"typ\"]]: string }\n", "E0102" },
	{ "locals:\n  a: 1\n  [[a]]: 2\n", "E0402" },
	{ "locals:\n  ä: 1\n  [['ä']]: 2\n", "E0402" },
	{ "locals: { a: 1, [[a]]: 2 }\n", "E0402" },
	{ "locals:\n  [[a b]]: 1\n", "E0104" },
	{ "locals:\n  a:\n    [[<<]]: {x: 1}\n", "E0406" },
	{ "locals:\n  a: {? [[[1]]] : 2}\n", "E0408" },
	{ "locals:\n  a: { \"${[[uper]](1)}\": 2 }\n", "E0213" },
	{ "variable:\n  a: {}\nlocals:\n  x: 1\n---\n", NULL },
	/* --- values */
	{ "locals:\n  a: [[*nope]]\n", "E0403" },
	{ "locals:\n  a: [[.inf]]\n", "E0410" },
	{ "variable:\n  v: { sensitive: [[1]] }\n", "E0115" },
	{ "variable:\n  v: { type: [[[string]]] }\n", "E0305" },
	{ "variable:\n  v: { type: \"list([[strin]])\" }\n", "E0305" },
	{ "variable:\n  v: { type: \"object({a = [[1]]})\" }\n", "E0305" },
	{ "variable:\n  v: { type: \"object({a = optional(number, [[\\\"x\\\"]])})\", default: {} }\n", "E0302" },
	{ "variable:\n  [[v]]: { type: string }\n", "E0301" },
	{ "variable:\n  v: { default: [[1]], validation: { condition: \"${var.v > 1}\", error: big } }\n", "E0303" },
	/* --- the smallest wrong part of an expression */
	{ "locals:\n  a: ${[[local.b]]}\n", "E0210" },
	{ "locals:\n  a: ${1 + 2 * [[local.bcd]] + 3}\n", "E0210" },
	{ "locals:\n  a: ${[[abc]]}\n", "E0211" },
	{ "locals:\n  a: ${[[each.key]]}\n", "E0212" },
	{ "locals:\n  a: ${[[upper()]]}\n", "E0214" },
	{ "locals:\n  a: ${max(1, [[\"x\"]])}\n", "E0215" },
	{ "locals:\n  a: ${element([[[]]], 0)}\n", "E0215" },
	{ "locals:\n  a: ${![[(\"x\")]]}\n", "E0216" },
	{ "locals:\n  a: ${true && [[5]]}\n", "E0216" },
	{ "locals:\n  a: ${1 < [[null]]}\n", "E0216" },
	{ "locals:\n  a: '${[[5]] ? 1 : 2}'\n", "E0217" },
	{ "locals:\n  a: '${[[true ? [1] : {a = 1}]]}'\n", "E0217" },
	{ "locals:\n  a: x ${[[[1]]]} y\n", "E0218" },
	{ "locals:\n  a: x ${[[null]]} y\n", "E0218" },
	{ "locals:\n  a: '${{[[([1])]] = 1}}'\n", "E0219" },
	{ "locals:\n  a: '${[for x in [[5]] : x]}'\n", "E0221" },
	{ "locals:\n  a: '${{for x in [1, 1] : [[\"k\"]] => x}}'\n", "E0222" },
	{ "locals:\n  a: '${{b = 1}.[[c]]}'\n", "E0223" },
	{ "locals:\n  b: { c: 1 }\n  a: '${local.b.[[cc]].d}'\n", "E0223" },
	{ "locals:\n  a: '${[1][ [[1]] ]}'\n", "E0224" },
	{ "locals:\n  a: '${[1][ [[\"é\"]] ]}'\n", "E0224" },
	{ "locals:\n  a: '${[[5]][0]}'\n", "E0224" },
	{ "locals:\n  a: ${1 / [[0]]}\n", "E0225" },
	{ "locals:\n  a: ${1 + [[)]]}\n", "E0201" },
	{ "locals:\n  a: '${1 [[1]]}'\n", "E0202" },
	{ "locals:\n  a: 'x %{ if true } y [[%{]] wend }'\n", NULL },
	/* --- resources */
	{ "resource:\n  t:\n    r:\n      count: [[-1]]\n", "E0228" },
	{ "resource:\n  t:\n    r:\n      for_each: [[[a]]]\n", "E0228" },
	{ "resource:\n  t:\n    r:\n      for_each: ${[[[\"a\"]]]}\n", "E0228" },
	{ "resource:\n  t:\n    r:\n      count: 1\n      [[for_each]]: {}\n", "E0112" },
	{ "resource:\n  [[t t]]:\n    r: {}\n", "E0104" },
	{ "resource:\n  t:\n    r: [[5]]\n", "E0115" },
	{ "output:\n  [[o]]: {}\n", "E0101" },
	{ "variable:\n  p: { sensitive: true, default: x }\noutput:\n  o: { value: \"${[[var.p]]}\" }\n", "E0226" },
	/* --- lint */
	{ "variable:\n  [[unused]]: { default: 1 }\n", "W0901" },
	{ "locals:\n  [[a]]: 1\n", "W0902" },
	{ "output:\n  o: { value: '${[[true]] ? 1 : 2}' }\n", "W0904" },
	{ "output:\n  o: { value: '${[[1 == \"1\"]]}' }\n", "W0905" },
	{ "variable:\n  v: { default: ['ä', b, [['ä']] ] }\n", "W0908" },
	{ "output:\n  o: { value: '${[for [[var]] in [1] : 1]}' }\n", "W0909" },
	{ "output:\n  o: { value: '${{ for k, [[each]] in {} : k => 1 }}' }\n", "W0909" },
	{ "output:\n  o: { value: '%{ for [[local]] in [1] }x%{ endfor }' }\n", "W0909" },
};

struct want { uint32_t line, col, end_line, end_col; };

/* TEXT without [[ and ]], and where they stood: [[[1]]] is a list that is marked. */
static char *unmark(const char *text, struct want *w)
{
	char *out = xmalloc(strlen(text) + 1), *to = out;
	uint32_t line = 1, col = 1;
	*w = (struct want){ 0 };
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		for (int i = 0; i < 3; i++)
			*to++ = *text++;
	const char *last = NULL;
	for (const char *p = strstr(text, "]]"); p; p = strstr(p + 1, "]]"))
		last = p;
	for (const char *p = text; *p; p++) {
		if (!w->line && p[0] == '[' && p[1] == '[') {
			w->line = line;
			w->col = col;
			p++;
			continue;
		}
		if (w->line && !w->end_line && p == last) {
			w->end_line = line;
			w->end_col = col;
			p++;
			continue;
		}
		*to++ = *p;
		if (*p == '\n') {
			line++;
			col = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			col++;
		}
	}
	*to = '\0';
	return out;
}

static json_t *told(const char *text)
{
	struct diags *d = diags_new();
	struct lang *l = NULL;
	struct err err;
	autofree char *path = file_join(dir, "main.aipc.yaml");
	assert_int_equal(file_write(path, text, strlen(text), 0644, &err), 0);
	int rc = lang_load(dir, NULL, 0, d, &l, &err);
	if (l) {
		const struct lang_output *o;
		size_t n, n_blocks;
		const struct lang_block *blocks;
		const struct lang_resource *r = lang_resources(l, &n);
		for (size_t i = 0; i < n; i++)
			(void)!lang_expand(l, &r[i], NULL, NULL, &blocks, &n_blocks);
		(void)!lang_outputs(l, &o, &n);
		if (!rc)
			lang_lint(l);
	}
	json_t *j = diags_json(d);
	lang_free(l);
	diags_free(d);
	return j;
}

static uint32_t num(const json_t *j, const char *key)
{
	return (uint32_t)json_int(j, key, 0);
}

static void marks_are_exact(void **unused)
{
	(void)unused;
	unsigned bad = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct want w;
		autofree char *text = unmark(rows[i].text, &w);
		autojson json_t *all = told(text);
		bool found = false;
		if (!rows[i].code)
			continue;            /* it must only not crash */
		for (size_t k = 0; k < json_array_size(all); k++) {
			const json_t *j = json_array_get(all, k);
			if (strcmp(json_str(j, "code"), rows[i].code) == 0)
				found |= num(j, "line") == w.line && num(j, "column") == w.col && num(j, "end_line") == w.end_line && num(j, "end_column") == w.end_col
					&& (w.line != w.end_line || num(j, "length") == w.end_col - w.col);
		}
		if (found)
			continue;
		autofree char *got = json_text(all);
		print_error("row %zu %s: want %u:%u-%u:%u in\n%s\ngot %s\n", i, rows[i].code, w.line, w.col, w.end_line, w.end_col, text, got);
		bad++;
	}
	assert_int_equal(bad, 0);
}

/* An expression, and the `values` of its diagnostic. */
static const struct { const char *x, *want; } value_rows[] = {
	{ "1 + \"x\"", "[{\"expression\":\"1\",\"shown\":\"1\",\"type\":\"number\",\"value\":1},{\"expression\":\"\\\"x\\\"\",\"shown\":\"\\\"x\\\"\",\"type\":\"string\",\"value\":\"x\"}]" },
	{ "var.n + var.pw", "[{\"expression\":\"var.n\",\"shown\":\"3\",\"type\":\"number\",\"value\":3},{\"expression\":\"var.pw\",\"sensitive\":true,\"shown\":\"(sensitive)\",\"type\":\"string\"}]" },
	{ "t.r.id + [1]", "[{\"expression\":\"t.r.id\",\"shown\":\"unknown\",\"type\":\"dynamic\",\"unknown\":true},{\"expression\":\"[1]\",\"shown\":\"tuple with 1 element\",\"type\":[\"tuple\",[\"number\"]],\"value\":[1]}]" },
	{ "var.n < null", "[{\"expression\":\"var.n\",\"shown\":\"3\",\"type\":\"number\",\"value\":3},{\"expression\":\"null\",\"shown\":\"null\",\"type\":\"dynamic\",\"value\":null}]" },
	{ "var.n / 0", "[{\"expression\":\"var.n\",\"shown\":\"3\",\"type\":\"number\",\"value\":3},{\"expression\":\"0\",\"shown\":\"0\",\"type\":\"number\",\"value\":0}]" },
	{ "var.l[var.n]", "[{\"expression\":\"var.l\",\"shown\":\"list of 2 strings\",\"type\":[\"list\",\"string\"],\"value\":[\"a\",\"b\"]},{\"expression\":\"var.n\",\"shown\":\"3\",\"type\":\"number\",\"value\":3}]" },
	{ "{a = 1}.b", "[{\"expression\":\"{a = 1}\",\"shown\":\"object with 1 attribute\",\"type\":[\"object\",{\"a\":\"number\"}],\"value\":{\"a\":1}}]" },
	{ "element([], var.n)", "[{\"expression\":\"[]\",\"shown\":\"tuple with 0 elements\",\"type\":[\"tuple\",[]],\"value\":[]},{\"expression\":\"var.n\",\"shown\":\"3\",\"type\":\"number\",\"value\":3}]" },
	{ "var.n ? 1 : 2", "[{\"expression\":\"var.n\",\"shown\":\"3\",\"type\":\"number\",\"value\":3}]" },
	{ "true ? [1] : {a = 1}", "[{\"expression\":\"[1]\",\"shown\":\"tuple with 1 element\",\"type\":[\"tuple\",[\"number\"]],\"value\":[1]},"
	  "{\"expression\":\"{a = 1}\",\"shown\":\"object with 1 attribute\",\"type\":[\"object\",{\"a\":\"number\"}],\"value\":{\"a\":1}}]" },
	{ "[for x in range(2000) : x] + 1", NULL },             /* too large to be told: its type is not cut, it is not there */
};

static void operands_are_told(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(value_rows); i++) {
		autofree char *text = xasprintf("variable:\n  n: { type: number, default: 3 }\n  l: { type: list(string), default: [a, b] }\n"
						"  pw: { type: string, sensitive: true, default: x }\nresource:\n  t:\n    r: {}\noutput:\n  o:\n    value: |\n      ${%s}\n",
						value_rows[i].x);
		autojson json_t *all = told(text);
		const json_t *values = NULL;
		for (size_t k = 0; k < json_array_size(all); k++)
			if (json_str(json_array_get(all, k), "code")[0] == 'E')
				values = json_at(json_array_get(all, k), "values");
		assert_non_null(values);
		autofree char *got = json_text(values);
		if (value_rows[i].want ? strcmp(got, value_rows[i].want) != 0 : strlen(got) > 1000 || json_array_size(values) != 2)
			fail_msg("%s\n%s", value_rows[i].x, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(marks_are_exact), cmocka_unit_test(operands_are_told) };
	json_setup();
	if (!mkdtemp(dir))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	autofree char *path = file_join(dir, "main.aipc.yaml");
	unlink(path);
	rmdir(dir);
	return failed;
}
