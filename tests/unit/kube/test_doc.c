#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/doc.h"

struct seen { struct str text; struct doc_reader *r; };

static int note(void *arg, struct doc *d, struct err *err)
{
	struct seen *s = arg;
	(void)err;
	autojson json_t *j = doc_to_json(doc_root(d));
	autofree char *text = json_text(j);
	str_addf(&s->text, "%s%s\n", doc_reader_is_item(s->r) ? "item " : "", text);
	doc_free(d);
	return 0;
}

/* Reads IN in pieces of STEP bytes; what came out, or the error. */
static char *read_in(const char *in, size_t step, const char *const *keep, const char *split)
{
	struct doc_filter *f = doc_filter_new(keep);
	struct seen s = { 0 };
	struct err err = { 0 };
	size_t len = strlen(in);
	int rc = 0;
	str_init(&s.text, STR_OURS);
	s.r = doc_reader_new(f, split, note, &s);
	for (size_t i = 0; i < len && rc == 0; i += step)
		rc = doc_reader_feed(s.r, in + i, i + step > len ? len - i : step, &err);
	if (rc == 0)
		rc = doc_reader_end(s.r, &err);
	if (rc) {
		assert_int_equal(rc, E_INPUT);
		str_addf(&s.text, "! %s\n", strstr(err.msg, "byte ") ? strstr(err.msg, ": ") + 2 : err.msg);   /* where depends on the pieces */
	}
	doc_reader_free(s.r);
	doc_filter_free(f);
	return str_take(&s.text);
}

struct row { const char *in; const char *keep[6]; const char *split, *out; };

static void a_stream_in_any_pieces_gives_what_was_named(void **unused)
{
	static const struct row rows[] = {
		{ "{\"a\":1}", { NULL }, NULL, "{\"a\":1}\n" },
		{ "  7 true null \"x\" [1, 2]{} ", { NULL }, NULL, "7\ntrue\nnull\n\"x\"\n[1,2]\n{}\n" },
		{ "12", { NULL }, NULL, "12\n" },
		{ "{\"a\":{\"b\":1,\"c\":[{\"d\":\"x\\\"}\"}]},\"e\":\"y\"}", { "a.b", "e" }, NULL, "{\"a\":{\"b\":1},\"e\":\"y\"}\n" },
		{ "{\"s\":{\"c\":[{\"n\":\"a\",\"r\":{\"x\":1}},{\"n\":\"b\"},5]}}", { "s.c.r" }, NULL, "{\"s\":{\"c\":[{\"r\":{\"x\":1}},{}]}}\n" },
		{ "{\"m\":{\"an\":{\"k.io/a\":\"1\",\"k.io/b\":\"2\",\"z\":\"3\"}}}", { "m.an[k.io/*]" }, NULL, "{\"m\":{\"an\":{\"k.io/a\":\"1\",\"k.io/b\":\"2\"}}}\n" },
		{ "{\"m\":{\"an\":{\"k.io/a\":\"1\",\"k.io/b\":\"2\"}}}", { "m.an[k.io/b]" }, NULL, "{\"m\":{\"an\":{\"k.io/b\":\"2\"}}}\n" },
		{ "{\"a\":5,\"b\":{\"c\":null}}", { "a.x", "b.c" }, NULL, "{\"b\":{\"c\":null}}\n" },
		{ "{\"kind\":\"L\",\"items\":[{\"a\":1,\"b\":2},{\"a\":3}],\"metadata\":{\"continue\":\"\"}}", { "a" }, "items",
		  "item {\"a\":1}\nitem {\"a\":3}\n{\"kind\":\"L\",\"metadata\":{\"continue\":\"\"}}\n" },
		{ "{\"items\":[],\"k\":1}", { NULL }, "items", "{\"k\":1}\n" },
		{ "{\"items\":null,\"k\":{\"items\":[1]}}", { NULL }, "items", "{\"k\":{\"items\":[1]}}\n" },
		{ "{\"s\":\"\\u00e4\\ud83d\\ude00 \\ud800x \\udc00\\n\\t\\/\"}", { NULL }, NULL, "{\"s\":\"\303\244\360\237\230\200 \357\277\275x \357\277\275\\n\\t/\"}\n" },
		{ "{\"s\":\"a\377b\"}", { NULL }, NULL, "{\"s\":\"a\357\277\275b\"}\n" },
		{ "{\"a\":1,\"a\":2}", { NULL }, NULL, "{\"a\":1}\n" },
		{ "[-1.5e3,9223372036854775807,123456789012345678,1e400]", { NULL }, NULL, NULL },
		{ "<html>", { NULL }, NULL, "! a value is missing\n" },
		{ "{\"a\":1", { NULL }, NULL, "! it ends in the middle\n" },
		{ "{\"a\":tru}", { NULL }, NULL, "! an unknown word\n" },
		{ "{\"a\":1]", { NULL }, NULL, "! a bracket that closes nothing\n" },
		{ "{\"a\" 1}", { NULL }, NULL, "! a colon is missing\n" },
		{ "{\"a\":1 \"b\":2}", { NULL }, NULL, "! a comma is missing\n" },
		{ "{\"a\":\"\\x\"}", { NULL }, NULL, NULL },
		{ "]", { NULL }, NULL, NULL },
		{ "{,}", { NULL }, NULL, NULL },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const *keep = rows[i].keep[0] ? rows[i].keep : NULL;
		autofree char *whole = read_in(rows[i].in, strlen(rows[i].in), keep, rows[i].split);
		if (rows[i].out)
			assert_string_equal(whole, rows[i].out);
		for (size_t step = 1; step < 9; step++) {
			autofree char *pieces = read_in(rows[i].in, step, keep, rows[i].split);
			assert_string_equal(pieces, whole);
		}
	}
}

static void depth_and_words_have_an_end(void **unused)
{
	struct str s;
	(void)unused;
	str_init(&s, STR_OURS);
	for (int i = 0; i < DOC_DEPTH_MAX + 1; i++)
		str_add(&s, "[");
	autofree char *deep = read_in(s.at, 1000, NULL, NULL);
	assert_non_null(strstr(deep, "deeper than the limit"));
	str_clear(&s);
	for (int i = 0; i < 5000; i++)
		str_add(&s, "1");
	autofree char *word = read_in(s.at, 10, NULL, NULL);
	assert_non_null(strstr(word, "a word without end"));
	str_clear(&s);
	str_add(&s, "{\"a\":\"");
	for (int i = 0; i < 9 << 20; i++)
		str_addc(&s, 'x');
	str_add(&s, "\"}");
	autofree char *large = read_in(s.at, 65536, NULL, NULL);
	assert_non_null(strstr(large, "larger than the limit"));
	/* What is not kept costs nothing. */
	autofree char *skipped = read_in(s.at, 65536, (const char *const[]){ "b", NULL }, NULL);
	assert_string_equal(skipped, "{}\n");
	str_release(&s);
}

static void values_are_read_without_surprises(void **unused)
{
	(void)unused;
	autojson json_t *j = json_pack("{s:i,s:f,s:s,s:b,s:[i,i],s:{s:s}}", "i", -7, "r", 2.5, "s", "text", "b", 1, "l", 1, 2, "m", "k", "v");
	struct doc *d = doc_from_json(j);
	doc_val v = doc_root(d);
	autojson json_t *back = doc_to_json(v);
	assert_true(json_same(j, back));
	assert_int_equal(doc_int(doc_at(v, "i"), 0), -7);
	assert_int_equal(doc_int(doc_at(v, "r"), 9), 9);
	assert_true(doc_num(doc_at(v, "r"), 0) == 2.5);
	assert_string_equal(doc_str_at(v, "s"), "text");
	assert_null(doc_str_at(v, "i"));
	assert_true(doc_flag(doc_at(v, "b"), false));
	assert_int_equal(doc_count(doc_at(v, "l")), 2);
	assert_string_equal(doc_str(doc_path(v, "m", "k", NULL)), "v");
	assert_null(doc_path(v, "m", "x", "y", NULL));
	assert_null(doc_at(NULL, "x"));
	struct doc *part = doc_copy(doc_at(v, "m"));
	assert_true(doc_same(doc_root(part), doc_at(v, "m")));
	doc_val first = doc_first(doc_root(part));
	assert_string_equal(doc_key(doc_root(part), first), "k");
	assert_null(doc_next(doc_root(part), first));
	doc_free(part);
	doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_in_any_pieces_gives_what_was_named),
		cmocka_unit_test(depth_and_words_have_an_end),
		cmocka_unit_test(values_are_read_without_surprises),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
