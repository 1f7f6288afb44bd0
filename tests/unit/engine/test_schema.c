#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/diff.h"
#include "lang/lang.h"

static const char *const sizes[] = { "small", "medium", "large", NULL };
static const struct attr part[] = {
	{ .name = "version", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_ELIDE, .help = "Which one." },
	{ .name = "image", .type = ATTR_STRING, .flags = ATTR_META },
	{ .name = "seen", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ 0 },
};
static const struct attr table[] = {
	{ .name = "name", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "What it is called." },
	{ .name = "count", .type = ATTR_INT, .min = 1, .max = 10, .deflt = "2" },
	{ .name = "ratio", .type = ATTR_NUMBER },
	{ .name = "on", .type = ATTR_BOOL },
	{ .name = "size", .type = ATTR_STRING, .values = sizes },
	{ .name = "tags", .type = ATTR_LIST, .elem = ATTR_STRING },
	{ .name = "labels", .type = ATTR_MAP, .elem = ATTR_STRING },
	{ .name = "parts", .type = ATTR_MAP, .elem = ATTR_OBJECT, .fields = part, .flags = ATTR_ELIDE | ATTR_GLOB_KEYS },
	{ .name = "main", .type = ATTR_OBJECT, .fields = part },
	{ .name = "extra", .type = ATTR_ANY, .deflt = "null" },
	{ .name = "kind", .type = ATTR_STRING, .flags = ATTR_REPLACE },
	{ .name = "password", .type = ATTR_STRING, .flags = ATTR_SECRET },
	{ .name = "serial", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ .name = "zone", .type = ATTR_STRING, .flags = ATTR_OPTIONAL_COMPUTED | ATTR_COMPUTED },
	{ .name = "health", .type = ATTR_STRING, .flags = ATTR_STATUS },
	{ 0 },
};

struct heard { struct str text; size_t n; };

static void hear(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
			const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void hear(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
		 const char *fmt, ...)
{
	struct heard *h = ctx;
	va_list ap;
	str_addf(&h->text, "%s%s ", h->n++ ? "; " : "", code);
	for (; *path; path++)
		str_addf(&h->text, "/%s", *path);
	str_addf(&h->text, "%s ", key ? "!" : "");
	va_start(ap, fmt);
	str_vaddf(&h->text, fmt, ap);
	va_end(ap);
	const char *nearest = near && word ? str_nearest(word, near) : NULL;
	if (nearest)
		str_addf(&h->text, " (%s?)", nearest);
}

static json_t *parse(const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	return j;
}

/* Input, then the completed configuration, or what is said about it. */
static const struct { const char *in, *out; } cases[] = {
	{ "{\"name\":\"a\"}", "{\"count\":2,\"extra\":null,\"name\":\"a\"}" },
	{ "{\"name\":5,\"count\":\"7\",\"on\":\"true\",\"ratio\":\"-0.5\"}",
	  "{\"count\":7,\"extra\":null,\"name\":\"5\",\"on\":true,\"ratio\":-0.5}" },
	{ "{\"name\":true,\"count\":3.0,\"tags\":[1,\"b\"]}",
	  "{\"count\":3,\"extra\":null,\"name\":\"true\",\"tags\":[\"1\",\"b\"]}" },
	{ "{\"name\":\"a\",\"on\":null,\"labels\":{\"x\":null,\"y\":1}}",
	  "{\"count\":2,\"extra\":null,\"labels\":{\"y\":\"1\"},\"name\":\"a\"}" },
	{ "{\"name\":\"a\",\"extra\":{\"deep\":[1,null,{\"z\":2}]}}", "{\"count\":2,\"extra\":{\"deep\":[1,null,{\"z\":2}]},\"name\":\"a\"}" },
	{ "{\"name\":\"a\",\"parts\":{\"B*\":{\"version\":1.5,\"image\":null}}}",
	  "{\"count\":2,\"extra\":null,\"name\":\"a\",\"parts\":{\"B*\":{\"version\":\"1.5\"}}}" },
	{ "{\"name\":\"a\",\"password\":\"env:PW\",\"zone\":\"z\"}", "{\"count\":2,\"extra\":null,\"name\":\"a\",\"password\":\"env:PW\",\"zone\":\"z\"}" },
	{ "{}", "E0109  \"name\" is missing here: What it is called." },
	{ "{\"name\":\"a\",\"lables\":{}}", "E0108 /lables! no attribute is called \"lables\" here (labels?)" },
	{ "{\"name\":\"a\",\"serial\":\"x\"}", "E0108 /serial! \"serial\" is set by aipc and cannot be given" },
	{ "{\"name\":\"a\",\"count\":\"many\"}", "E0110 /count a whole number is needed here, not the string \"many\"" },
	{ "{\"name\":\"a\",\"count\":2.5}", "E0110 /count a whole number is needed here, not a number" },
	{ "{\"name\":\"a\",\"count\":\"0x5\"}", "E0110 /count a whole number is needed here, not the string \"0x5\"" },
	{ "{\"name\":\"a\",\"count\":11}", "E0111 /count 11 is out of range: from 1 to 10 is allowed" },
	{ "{\"name\":\"a\",\"ratio\":\"inf\"}", "E0110 /ratio a number is needed here, not the string \"inf\"" },
	{ "{\"name\":\"a\",\"size\":\"mediun\"}", "E0111 /size \"mediun\" is not allowed here: use small, medium or large (medium?)" },
	{ "{\"name\":\"a\",\"tags\":\"b\"}", "E0110 /tags a list is needed here, not the string \"b\"" },
	{ "{\"name\":\"a\",\"tags\":[\"b\",null]}", "E0110 /tags/1 a string is needed here, not null" },
	{ "{\"name\":[],\"on\":1,\"main\":{\"version\":{}}}",
	  "E0110 /name a string is needed here, not a list; E0110 /on true or false is needed here, not a number; "
	  "E0110 /main/version a string is needed here, not a map" },
	{ "{\"name\":\"a\",\"parts\":{\"B\":{\"versoin\":\"1\"}}}",
	  "E0108 /parts/B/versoin! no attribute is called \"versoin\" here (version?); E0109 /parts/B \"version\" is missing here: Which one." },
	{ "{\"name\":\"a\",\"password\":\"hunter2\"}", "E0111 /password a secret is never written here: give a reference, \"env:NAME\" or \"file:PATH\"" },
	{ "{\"name\":\"a\",\"password\":[\"hunter2\"]}", "E0110 /password a string is needed here, not a list" },
	{ "[]", "E0110  a map of attributes is needed here" },
};

static void completes_or_says_why(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct heard h = { 0 };
		str_init(&h.text, STR_OURS);
		autojson json_t *in = parse(cases[i].in);
		autojson json_t *out = schema_complete(table, in, hear, &h);
		autofree char *text = out ? json_text(out) : NULL;
		assert_string_equal(out ? text : h.text.at, cases[i].out);
		assert_int_equal(out == NULL, h.n > 0);
		str_release(&h.text);
	}
}

static void unknown_goes_through_by_identity(void **unused)
{
	(void)unused;
	struct heard h = { 0 };
	str_init(&h.text, STR_OURS);
	autojson json_t *in = parse("{\"tags\":[\"a\"],\"parts\":{\"B\":{}}}");
	json_object_set(in, "name", (json_t *)lang_unknown());
	json_array_append(json_object_get(in, "tags"), (json_t *)lang_unknown());
	json_object_set(json_object_get(json_object_get(in, "parts"), "B"), "version", (json_t *)lang_unknown());
	autojson json_t *out = schema_complete(table, in, hear, &h);
	assert_string_equal(h.text.at, "");
	assert_ptr_equal(json_object_get(out, "name"), lang_unknown());
	assert_ptr_equal(json_array_get(json_object_get(out, "tags"), 1), lang_unknown());
	assert_ptr_equal(json_path(out, "parts", "B", "version", NULL), lang_unknown());
	str_release(&h.text);
}

static void deep_values_are_refused(void **unused)
{
	(void)unused;
	struct heard h = { 0 };
	str_init(&h.text, STR_OURS);
	json_t *deep = json_array();
	for (int i = 0; i < 1000; i++)
		deep = json_pack("[o]", deep);
	autojson json_t *in = json_pack("{s:s, s:o}", "name", "a", "extra", deep);
	assert_null(schema_complete(table, in, hear, &h));
	assert_int_equal(h.n, 1);
	assert_non_null(strstr(h.text.at, "nested at most"));
	str_release(&h.text);
}

static void what_did_not_change_is_shared(void **unused)
{
	(void)unused;
	struct heard h = { 0 };
	str_init(&h.text, STR_OURS);
	autojson json_t *in = parse("{\"name\":\"a\",\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"},\"extra\":{\"a\":1}}");
	autojson json_t *out = schema_complete(table, in, hear, &h);
	assert_ptr_equal(json_object_get(out, "tags"), json_object_get(in, "tags"));
	assert_ptr_equal(json_object_get(out, "labels"), json_object_get(in, "labels"));
	assert_ptr_equal(json_object_get(out, "extra"), json_object_get(in, "extra"));
	str_release(&h.text);
}

static void becomes_json_schema(void **unused)
{
	(void)unused;
	autojson json_t *j = schema_to_json(part);
	autofree char *text = json_text(j);
	assert_string_equal(text,
		"{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"additionalProperties\":false,\"properties\":{"
		"\"image\":{\"type\":[\"string\",\"number\",\"boolean\"]},"
		"\"seen\":{\"readOnly\":true,\"type\":[\"string\",\"number\",\"boolean\"]},"
		"\"version\":{\"description\":\"Which one.\",\"type\":[\"string\",\"number\",\"boolean\"]}},"
		"\"required\":[\"version\"],\"type\":\"object\"}");
	autojson json_t *all = schema_to_json(table);
	assert_int_equal(json_int(json_path(all, "properties", "count", "anyOf", "0", NULL), "maximum", 0), 10);
	assert_int_equal(json_array_size(json_path(all, "properties", "size", "anyOf", "0", "enum", NULL)), 3);
	assert_int_equal(json_int(json_path(all, "properties", "count", NULL), "default", 0), 2);
}

/* --- differences ------------------------------------------------------------------------------------------------------------ */

static bool same_case(const char *path, const json_t *want, const json_t *have)
{
	const char *w = json_string_value(want), *h = json_string_value(have);
	return strcmp(path, "name") == 0 && w && h && strcasecmp(w, h) == 0;
}

static const struct resource_type thing = { .name = "thing", .attrs = table, .same = same_case };

/* Each difference as PATH[SHOWN] BEFORE>AFTER CAUSE(WAS); "!" when something must be replaced, "?" when something is lacking. */
static void describe(const struct diff_result *r, struct str *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct attr_change *c = &r->attrs[i];
		autofree char *before = c->before ? json_text(c->before) : xstrdup("-");
		autofree char *after = c->after ? json_text(c->after) : xstrdup("-");
		autofree char *was = c->was ? json_text(c->was) : xstrdup("");
		str_addf(out, "%s%s[%s] %s>%s %s%s%s%s", i ? "; " : "", c->path, c->shown, before, after,
			 c->cause & CAUSE_SPEC ? "spec" : "", c->cause & CAUSE_DRIFT ? "drift" : "", c->was ? " was " : "", was);
	}
	str_addf(out, "%s%s", r->replace ? " !" : "", r->lacking ? " ?" : "");
}

static const struct { const char *want, *have, *prior, *out; } differences[] = {
	{ "{\"name\":\"a\"}", "{\"name\":\"a\"}", "{\"name\":\"a\"}", "" },
	{ "{\"name\":\"b\"}", "{\"name\":\"a\"}", "{\"name\":\"a\"}", "name[name] \"a\">\"b\" spec" },
	{ "{\"name\":\"a\"}", "{\"name\":\"b\"}", "{\"name\":\"a\"}", "name[name] \"b\">\"a\" drift was \"a\"" },
	{ "{\"name\":\"c\"}", "{\"name\":\"b\"}", "{\"name\":\"a\"}", "name[name] \"b\">\"c\" specdrift was \"a\"" },
	{ "{\"name\":\"A\"}", "{\"name\":\"a\"}", "{\"name\":\"b\"}", "" },
	{ "{\"name\":\"b\"}", "{\"name\":\"a\"}", NULL, "name[name] \"a\">\"b\" spec" },
	{ "{\"name\":\"a\"}", NULL, NULL, "name[name] ->\"a\" spec ?" },
	{ "{\"name\":\"a\"}", NULL, "{\"name\":\"a\"}", "name[name] ->\"a\" drift was \"a\" ?" },
	{ "{\"count\":1}", "{\"count\":1.0}", NULL, "" },
	{ "{}", "{\"name\":\"x\",\"tags\":[\"y\"]}", NULL, "" },
	{ "{\"extra\":null}", "{\"extra\":5}", "{\"extra\":5}", "extra[extra] 5>- spec" },
	{ "{\"extra\":null}", "{}", "{\"extra\":null}", "" },
	{ "{\"extra\":{\"a\":1,\"b\":2}}", "{\"extra\":{\"a\":1,\"b\":3,\"c\":4}}", "{\"extra\":{\"a\":1,\"b\":3}}",
	  "extra.b[extra.b] 3>2 spec; extra.c[extra.c] 4>- drift" },
	{ "{\"kind\":\"x\"}", "{\"kind\":\"y\"}", "{\"kind\":\"y\"}", "kind[kind] \"y\">\"x\" spec !" },
	{ "{\"labels\":{\"a\":\"1\"}}", "{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}",
	  "labels.b[labels.b] \"2\">- spec" },
	{ "{\"labels\":{\"b\":\"1\",\"a\":\"1\"}}", "{}", "{}",
	  "labels.a[labels.a] ->\"1\" spec; labels.b[labels.b] ->\"1\" spec ?" },
	{ "{\"parts\":{\"B*\":{\"version\":\"2\",\"image\":\"i\"}}}", "{\"parts\":{\"B*\":{\"version\":\"1\"},\"C\":{\"version\":\"9\"}}}", NULL,
	  "parts.B*.version[B*] \"1\">\"2\" spec" },
	{ "{\"main\":{\"version\":\"2\",\"image\":\"new\"}}", "{\"main\":{\"version\":\"2\",\"image\":\"old\",\"seen\":\"x\"}}", NULL, "" },
	{ "{\"tags\":[\"a\",\"b\"]}", "{\"tags\":[\"b\",\"a\"]}", NULL, "tags[tags] [\"b\",\"a\"]>[\"a\",\"b\"] spec" },
	{ "{\"password\":\"env:A\",\"health\":\"x\",\"serial\":\"1\"}", "{\"password\":\"env:B\",\"health\":\"y\",\"serial\":\"2\"}", NULL, "" },
	{ "{\"zone\":\"a\"}", "{\"zone\":\"b\"}", NULL, "zone[zone] \"b\">\"a\" spec" },
};

static void tells_what_differs_and_why(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
		autoarena struct arena *a = arena_new();
		autojson json_t *want = parse(differences[i].want);
		autojson json_t *have = differences[i].have ? parse(differences[i].have) : NULL;
		autojson json_t *prior = differences[i].prior ? parse(differences[i].prior) : NULL;
		struct diff_result r;
		struct str out;
		str_init(&out, STR_OURS);
		diff_object(a, &(struct diff_input){ &thing, want, have, prior }, &r);
		describe(&r, &out);
		assert_string_equal(out.at, differences[i].out);
		for (size_t k = 0; k < r.n; k++)
			attr_change_release(&r.attrs[k]);
		str_release(&out);
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completes_or_says_why),
		cmocka_unit_test(unknown_goes_through_by_identity),
		cmocka_unit_test(deep_values_are_refused),
		cmocka_unit_test(what_did_not_change_is_shared),
		cmocka_unit_test(becomes_json_schema),
		cmocka_unit_test(tells_what_differs_and_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
