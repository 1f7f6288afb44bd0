#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/lang.h"

static char dir[] = "/tmp/test_lang.XXXXXX";

static int unlink_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st; (void)kind; (void)w;
	return remove(path);
}

static void clean(void)
{
	nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(rmdir(dir) == 0 || access(dir, F_OK) != 0, 1);
	struct err err;
	assert_int_equal(file_mkdirs(dir, &err), 0);
}

static void put(const char *name, const char *text)
{
	struct err err;
	autofree char *path = file_join(dir, name);
	assert_int_equal(file_write(path, text, strlen(text), 0644, &err), 0);
}

struct spec { struct lang *l; struct diags *d; int rc; struct err err; };

static struct spec load_with(const char *text, const struct lang_input *in, size_t n)
{
	struct spec s = { .d = diags_new() };
	clean();
	put("main.aipc.yaml", text);
	s.rc = lang_load(dir, in, n, s.d, &s.l, &s.err);
	return s;
}

static struct spec load(const char *text)
{
	return load_with(text, NULL, 0);
}

static void done(struct spec *s)
{
	lang_free(s->l);
	diags_free(s->d);
}

/* "LINE:COL CODE summary | hint", one a line. */
static char *told(const struct diags *d)
{
	autojson json_t *all = diags_json(d);
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *g = json_array_get(all, i);
		str_addf(&s, "%lld:%lld %s %s", (long long)json_int(g, "line", 0), (long long)json_int(g, "column", 0), json_str(g, "code"), json_str(g, "summary"));
		if (json_str(g, "hint"))
			str_addf(&s, " | %s", json_str(g, "hint"));
		str_addc(&s, '\n');
	}
	return str_take(&s);
}

/* Specs that do not load, and all that is told. */
static const struct { const char *text, *want; } bad_rows[] = {
	{ "[1]\n", "1:1 E0101 a spec is a map of blocks, this is a list\n" },
	{ "resorce: {}\n", "1:1 E0101 \"resorce\" is not a block | did you mean \"resource\"?\n" },
	{ "module: {}\ndata: []\n", "2:7 E0115 data is a map, this is a list\n" },
	{ "data: {t: {a: {x: \"${data.t.b.x}\", y: \"${data.t}\", z: \"${data}\"}}}\n", "1:22 E0210 there is no data block \"data.t.b\" | did you mean \"data.t.a\"?\n"
	  "1:42 E0211 \"data.t\" is not the name of a value | data is referred to as data.TYPE.NAME\n1:58 E0211 \"data\" is not the name of a value | data is referred to as data.TYPE.NAME\n" },
	{ "data: {t: {a: {}}}\nprovider: {p: {x: \"${data.t.a.x}\"}}\n", "2:22 E0210 the configuration of a provider cannot refer to data | only to variables and locals\n" },
	{ "data: {t: {a: {lifecycle: {ignore_changes: all}}}}\n", "1:28 E0102 lifecycle of data, which is only read, has no key \"ignore_changes\"\n" },
	{ "check: {c: {data: {t: {a: {}, b: {x: \"${data.t.a.x}\"}}}, assert: [{condition: \"${data.t.a.x}\", error: e}]}}\nlocals: {l: \"${data.t.a}\"}\n",
	  "2:16 E0210 data.t.a belongs to the check \"c\", and only that may refer to it\n" },
	{ "variable: {a: {typ: string}}\n", "1:12 E0301 variable \"a\" has no value | give -var a=VALUE, set AIPC_VAR_a, or write a default\n1:16 E0102 a variable has no key \"typ\" | did you mean \"type\"?\n" },
	{ "variable: {a: {type: strin, default: x}}\n", "1:22 E0305 \"strin\" is not a type | did you mean \"string\"?\n" },
	{ "variable: {a: {type: \"object({b = nmber})\", default: x}}\n", "1:35 E0305 \"nmber\" is not a type | did you mean \"number\"?\n" },
	{ "variable: {a: {type: number, default: many}}\n", "1:39 E0302 the value of variable \"a\" does not fit its type: a number is required, have string that is not one\n" },
	{ "variable: {a: {default: \"${var.b}\"}, b: {default: 1}}\n", "1:28 E0210 \"var.b\" cannot be referred to here; a default or input is a constant\n" },
	{ "variable: {a: {default: null, nullable: false}}\n", "1:25 E0302 the value of variable \"a\" cannot be null\n" },
	{ "variable: {a: {default: 0, validation: [{condition: \"${var.a > 0}\", error: \"one, not ${var.a}\"}]}}\n", "1:25 E0303 the value of variable \"a\" is refused: one, not 0\n" },
	{ "variable: {\"a b\": {default: 1}}\n", "1:12 E0104 this cannot be the name of a variable | letters, digits, _ and -\n" },
	{ "locals: {a: \"${local.b}\", b: \"${local.c}\", c: \"${local.a}\"}\n", "1:50 E0113 locals need each other in a circle: local.a -> local.b -> local.c -> local.a\n" },
	{ "variable: {a: {default: 2, validation: [{condition: \"${var.a > var.b}\", error: \"not over ${var.b}\"}, {condition: \"${var.a > local.c}\", error: \"c\"}]},"
	  " b: {default: 2}}\nlocals: {c: 2}\n",
	  "1:25 E0303 the value of variable \"a\" is refused: c\n1:25 E0303 the value of variable \"a\" is refused: not over 2\n" },
	{ "variable: {a: {default: 2, validation: {condition: \"${local.c > 0}\", error: \"c\"}}}\nlocals: {c: \"${var.a}\"}\n",
	  "2:16 E0113 values need each other in a circle: var.a -> local.c -> var.a\n" },
	{ "output: {a: {value: 1, precondition: {condition: true}}}\n", "1:38 E0101 a precondition needs a condition and an error_message\n" },
	{ "locals: {a: \"${local.a}\"}\n", "1:16 E0113 locals need each other in a circle: local.a -> local.a\n" },
	{ "locals: {a: \"${true ? 1 : var.x}\"}\n", "1:27 E0210 no variable is called \"x\"\n" },
	{ "locals: {abc: 1, b: \"${local.abd}\"}\n", "1:24 E0210 no local is called \"abd\" | did you mean \"local.abc\"?\n" },
	{ "locals: {a: \"${foo}\", b: \"${1 +}\"}\n", "1:16 E0211 \"foo\" is not the name of a value | a reference is var.NAME, local.NAME, TYPE.NAME or data.TYPE.NAME; text stands in quotes\n1:32 E0201 \"}\" cannot stand here; a value is wanted\n" },
	{ "locals: {a: \"${uper(1)}\", b: \"${true ? 1 : uper(1)}\"}\n", "1:16 E0213 no function is called \"uper\" | did you mean \"upper\"?\n" },
	{ "locals: {a: \"${each.key}\", b: \"${self.x}\", c: \"${path.mod}\"}\n", "1:16 E0212 \"each.key\" is known only in a resource with for_each | there is none here\n1:34 E0210 \"self\" means nothing here\n1:50 E0210 there is no \"path.mod\" | there are path.module, path.root, path.cwd\n" },
	{ "output: {a: 1, b: {}, c: {value: 1, sensitive: maybe}}\n", "1:13 E0115 an output is a map, this is a number | { value: ... }\n1:16 E0101 the output \"b\" has no value\n1:48 E0115 sensitive is true or false, this is a string\n" },
	{ "resource:\n  t:\n    a: {count: 1, for_each: {}}\n", "3:19 E0112 a resource has count or for_each, not both\n" },
	{ "resource:\n  t:\n    a: {x: \"${count.index}\", y: \"${t.b.c}\", depends_on: [t.c, 1, \"${t.a}\"]}\n",
	  "3:15 E0212 \"count.index\" is known only in a resource with count | there is none here\n3:36 E0210 there is no resource \"t.b\" | did you mean \"t.a\"?\n"
	  "3:58 E0210 there is no resource \"t.c\" | did you mean \"t.a\"?\n3:63 E0115 depends_on holds addresses such as \"TYPE.NAME\"\n"
	  "3:66 E0115 depends_on holds addresses such as \"TYPE.NAME\" | without ${}\n" },
	{ "resource: {var: {a: {}}, t: {b: {lifecycle: [1]}}}\n", "1:12 E0104 \"var\" cannot be a resource type\n1:45 E0115 lifecycle is a map, this is a list\n" },
	{ "resource: {t: {a: {}}}\nprovider: {p: {x: \"${t.a}\", y: \"${local.z}\"}}\nlocals: {z: \"${t.a}\"}\n",
	  "2:22 E0210 the configuration of a provider cannot refer to resources | only to variables and locals\n2:35 E0210 the configuration of a provider cannot depend on resources\n" },
	{ "aipc: {state: {path: \"${local.a}\"}, stat: {}}\nlocals: {a: 1}\n", "1:25 E0210 the aipc block cannot refer to locals | only to variables\n1:37 E0102 the aipc block has no key \"stat\" | did you mean \"state\"?\n" },
};

static void all_mistakes_of_a_spec_are_told(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		struct spec s = load(bad_rows[i].text);
		autofree char *got = told(s.d);
		if (s.rc != E_INPUT || s.err.msg[0] || strcmp(got, bad_rows[i].want) != 0)
			fail_msg("%s\ngives %d %s\n%s\nwants\n%s", bad_rows[i].text, s.rc, s.err.msg, got, bad_rows[i].want);
		done(&s);
	}
}

static void files_are_one_spec(void **unused)
{
	(void)unused;
	clean();
	put("a.aipc.yaml", "locals: {x: 1}\nresource: {t: {a: {}}}\n");
	put("b.aipc.yaml", "locals: {y: \"${local.x}\"}\nresource: {t: {a: {}}}\n");
	put("other.yaml", "not: [looked\n");
	struct err err = { 0 };
	struct diags *d = diags_new();
	struct lang *l = NULL;
	assert_int_equal(lang_load(dir, NULL, 0, d, &l, &err), E_INPUT);
	autofree char *got = told(d);
	assert_string_equal(got, "2:16 E0103 t.a is there twice\n");
	lang_free(l);
	l = NULL;
	diags_free(d);
	clean();
	d = diags_new();
	assert_int_equal(lang_load(dir, NULL, 0, d, &l, &err), E_NOTFOUND);
	assert_non_null(strstr(err.msg, "there is no *.aipc.yaml file"));
	autofree char *folder = file_join(dir, "x.aipc.yaml");
	assert_int_equal(file_mkdirs(folder, &err), 0);
	err = (struct err){ 0 };
	assert_int_equal(lang_load(dir, NULL, 0, d, &l, &err), E_INPUT);
	assert_int_equal(diags_errors(d), 1);
	lang_free(l);
	l = NULL;
	assert_int_equal(lang_load("/nonexistent/folder", NULL, 0, d, &l, &err), E_NOTFOUND);
	assert_null(l);
	diags_free(d);
}

static const char *const vars_text =
	"variable:\n"
	"  s: {type: string, default: x}\n"
	"  n: {type: number, default: \"5\"}\n"
	"  l: {type: list(string), default: [a, 1]}\n"
	"  o: {type: 'object({a = string, b = optional(number, 7), c = optional(bool)})', default: {a: 1}}\n"
	"  any: {default: {k: [1, x]}}\n"
	"  plain: {}\n"
	"  nn: {type: number, nullable: false, default: 3}\n"
	"  pw: {type: string, sensitive: true, default: secret}\n"
	"output:\n"
	"  all: {value: \"${[var.s, var.n, var.l, var.o, var.any, var.plain, var.nn]}\"}\n"
	"  pw: {value: \"${var.pw}\", sensitive: true}\n";

#define FLAG(name, text) { LANG_FLAG, name, text, sizeof(text) - 1, "--var " name }
#define ENV(name, text) { LANG_ENVIRONMENT, name, text, sizeof(text) - 1, "AIPC_VAR_" name }
#define VALUES(text) { LANG_FILE, NULL, text, sizeof(text) - 1, "vars.yaml" }

static const struct { struct lang_input in[3]; const char *want; } input_rows[] = {
	{ { FLAG("plain", "p") }, "[\"x\",5,[\"a\",\"1\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},\"p\",3]" },
	{ { FLAG("plain", "1"), ENV("plain", "[2]"), FLAG("s", "5") },
	  "[\"5\",5,[\"a\",\"1\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},\"[2]\",3]" },
	{ { VALUES("plain: {\"a\":[1]}\nnn: null\n"), FLAG("l", "[\"b\", true]") },
	  "[\"x\",5,[\"b\",\"true\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},{\"a\":[1]},3]" },
	{ { FLAG("plain", ""), FLAG("o", "{a = \"q\", b = 2}"), ENV("unknown", "1") },
	  "[\"x\",5,[\"a\",\"1\"],{\"a\":\"q\",\"b\":2,\"c\":null},{\"k\":[1,\"x\"]},\"\",3]" },
	{ { VALUES("{\"plain\": {\"a\":[1]}, \"n\": 1e2}"), FLAG("l", "[\"b\", true]") },
	  "[\"x\",100,[\"b\",\"true\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},{\"a\":[1]},3]" },
	/* the last one wins, whatever it is */
	{ { FLAG("plain", "p"), VALUES("plain: f\n"), ENV("s", "e") }, "[\"e\",5,[\"a\",\"1\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},\"f\",3]" },
	{ { VALUES("plain: f\n"), FLAG("plain", "p"), VALUES("s: g\n") }, "[\"g\",5,[\"a\",\"1\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},\"p\",3]" },
	/* all digits, in files and in JSON of a flag; strings are no templates and stay strings */
	{ { VALUES("plain: [123456789012345678901234567890.123456789, 9007199254740993]\nn: 12345678901234567890123\ns: 10.50\n"),
	    FLAG("o", "{\"a\": 9007199254740993, \"b\": 98765432109876543210.5}") },
	  "[\"10.5\",12345678901234567890123,[\"a\",\"1\"],{\"a\":\"9007199254740993\",\"b\":98765432109876543210.5,\"c\":null},{\"k\":[1,\"x\"]},"
	  "[123456789012345678901234567890.123456789,9007199254740993],3]" },
	{ { VALUES("s: '${var.n}'\nplain: '[1]'\n"), VALUES("# nothing\n") },
	  "[\"${var.n}\",5,[\"a\",\"1\"],{\"a\":\"1\",\"b\":7,\"c\":null},{\"k\":[1,\"x\"]},\"[1]\",3]" },
};

static void inputs_win_over_defaults(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(input_rows); i++) {
		size_t n = 0;
		while (n < 3 && input_rows[i].in[n].text)
			n++;
		struct spec s = load_with(vars_text, input_rows[i].in, n);
		autofree char *got = told(s.d);
		if (s.rc)
			fail_msg("row %zu: %s %s", i, s.err.msg, got);
		const struct lang_output *o;
		size_t m;
		assert_int_equal(lang_outputs(s.l, &o, &m), 0);
		assert_int_equal(m, 2);
		assert_string_equal(o[0].json, input_rows[i].want);
		assert_true(o[1].sensitive && !o[1].json);
		done(&s);
	}
}

static void wrong_inputs_name_their_origin(void **unused)
{
	(void)unused;
	const struct lang_input in[] = { FLAG("n", "many"), FLAG("l", "[1"), FLAG("nod", "1"), VALUES("x: 1\n"), FLAG("pw", "top") };
	struct spec s = load_with("variable:\n  n: {type: number}\n  l: {type: list(string)}\n  node: {default: 1}\n"
				  "  pw: {type: number, sensitive: true}\n", in, ARRAY_LEN(in));
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	diags_print(s.d, f, false);
	fclose(f);
	assert_non_null(strstr(text, "error[E0302]: the value of variable \"n\" does not fit its type: a number is\n  required"));
	assert_non_null(strstr(text, "  --> --var n\n"));
	assert_non_null(strstr(text, "  --> --var l:1:2\n   |\n 1 | [1\n   |  ^\n"));
	assert_non_null(strstr(text, "there is no variable \"nod\"\n  --> --var nod\n   = did you mean \"node\"?"));
	assert_non_null(strstr(text, "warning[W0304]: there is no variable \"x\"\n  --> vars.yaml:1:1"));
	assert_null(strstr(text, "top"));
	free(text);
	done(&s);
}

static const char *const placed_text =
	"variable:\n"
	"  n: {type: number, nullable: false}\n"
	"  o: {type: 'object({a = list(number)})', default: {a: []}}\n"
	"  odd: {default: 1, validation: {condition: '${var.odd % 2 == 1}', error: odd}}\n"
	"  pw: {type: number, sensitive: true, default: 1}\n";

/* Diagnostics of files: place, what else must be there, what must not. */
static const struct { const char *file, *want, *also, *never; } placed_rows[] = {
	{ "# note\nn: many\n", "vars.yaml:2:4\n   |\n 2 | n: many\n   |    ^^^^\n", "error[E0302]: the value of variable \"n\"", "E0301" },
	{ "n: 1\no:\n  a: [1, x]\n", "vars.yaml:3:3\n", "E0302", NULL },
	{ "n: null\n", "vars.yaml:1:4\n", "\"n\" cannot be null", NULL },
	{ "{\"n\": 1,\n  \"odd\": 4}", "vars.yaml:2:10\n   |\n 2 |   \"odd\": 4}\n   |          ^\n", "E0303", NULL },
	{ "n: 1\nodd: 3\n nod: 4\n", "vars.yaml:3:", "E0401", "nod" },
	{ "n: 1\nodf: hunter2\n", "vars.yaml:2:1\n   = did you mean \"odd\"?\n", "warning[W0304]", "hunter2" },
	{ "{n: many, pw: hunter2}\n", "vars.yaml:1:5\n", "E0302", "hunter2" },
	{ "n: 1\npw: hunter2\n", "vars.yaml:2:5\n", "(sensitive)", "hunter2" },
	{ "n: 1\npw: hunter2\npw: hunter3\n", "vars.yaml:3:1\n   = the first one is here (vars.yaml:2:1)", "E0402", "hunter" },
	{ "n: 1\npw: *hunter2\n", "vars.yaml:2:5\n", "error[E0403]", "hunter2" },
	{ "n: 1\npw: !hunter2 x\n", "vars.yaml:2:5\n", "error[E0407]", "hunter2" },
	{ "- n\n", "vars.yaml:1:1\n", "a file of values is a map of variables' names to values, this is a\n  list", "E0301" },
	{ "# empty\n", "main.aipc.yaml:2:3\n", "E0301", "vars.yaml" },
};

static void values_of_files_have_places(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(placed_rows); i++) {
		struct lang_input in = { LANG_FILE, NULL, placed_rows[i].file, strlen(placed_rows[i].file), "vars.yaml" };
		struct spec s = load_with(placed_text, &in, 1);
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);
		diags_print(s.d, f, false);
		fclose(f);
		if (!strstr(text, placed_rows[i].want) || !strstr(text, placed_rows[i].also) || (placed_rows[i].never && strstr(text, placed_rows[i].never)))
			fail_msg("row %zu:\n%s", i, text);
		free(text);
		done(&s);
	}
}

/* --- resources ------------------------------------------------------------------------------------------------------ */

static const struct lang_resource *find(struct lang *l, const char *name)
{
	size_t n;
	const struct lang_resource *r = lang_resources(l, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(r[i].name, name) == 0)
			return &r[i];
	fail_msg("no resource %s", name);
	return NULL;
}

/* "KEY=CONFIG;..." */
static char *expanded(struct spec *s, const char *name)
{
	const struct lang_block *b;
	size_t n;
	struct str out;
	str_init(&out, STR_OURS);
	if (lang_expand(s->l, find(s->l, name), NULL, NULL, &b, &n)) {
		str_add(&out, "failed");
		return str_take(&out);
	}
	assert_int_equal(n, 1);
	assert_string_equal(b->module, "");
	if (b->deferred)
		str_addf(&out, "deferred %u:%u", b->deferred->line, b->deferred->col);
	for (size_t i = 0; i < b->n; i++) {
		autofree char *config = json_text(b->at[i].config);
		str_addf(&out, "%s%s=%s%s", i ? ";" : "", b->at[i].key ? b->at[i].key : "", config, b->at[i].unknown ? "?" : "");
	}
	return str_take(&out);
}

struct answers { int asked; json_t *value; };

static const json_t *answer(void *ctx, const struct lang_resource *r, size_t block)
{
	struct answers *a = ctx;
	assert_int_equal(block, 0);
	a->asked++;
	return strcmp(r->name, "later") == 0 ? NULL : a->value;
}

static void resources_expand(void **unused)
{
	(void)unused;
	struct spec s = load(
		"locals: {two: 2, names: \"${[\\\"b\\\", \\\"a\\\", \\\"c\\\"]}\", via: \"${t.src.id}\", far: \"${local.via}\"}\n"
		"resource:\n"
		"  t:\n"
		"    src: {x: 1}\n"
		"    later: {}\n"
		"    single: {a: \"${local.far}\", b: {c: [1, \"${t.src.list[1]}\"]}, big: 12345678901234567890}\n"
		"    counted: {count: \"${local.two}\", i: \"${count.index}\", k: static}\n"
		"    set: {for_each: \"${toset(local.names)}\", k: \"${each.key}-${each.value}\"}\n"
		"    map: {for_each: {y: 1, x: {z: 2}}, k: \"${each.value}\"}\n"
		"    none: {count: 0, x: \"${1 / 0}\"}\n"
		"    unknown: {a: \"${t.later.x}\", b: [\"${t.later.y}\", 1], c: 1}\n"
		"    deferred: {count: \"${t.later.n}\"}\n"
		"    dep: {depends_on: [t.single, 't.set[\"a\"]'], z: '${t.map[\"x\"].k}'}\n"
		"    empty:\n"
		"    \"1st\": {}\n"
		"    ref: {v: '${t[\"1st\"].id}'}\n");
	autofree char *problems = told(s.d);
	if (s.rc)
		fail_msg("%s %s", s.err.msg, problems);
	struct answers a = { 0, json_pack("{s:s, s:[i,i]}", "id", "ID", "list", 7, 8) };
	lang_on_value(s.l, answer, &a);
	static const struct { const char *name, *want; } rows[] = {
		{ "single", "={\"a\":\"ID\",\"b\":{\"c\":[1,8]},\"big\":1.2345678901234567e+19}" },
		{ "counted", "0={\"i\":0,\"k\":\"static\"};1={\"i\":1,\"k\":\"static\"}" },
		{ "set", "a={\"k\":\"a-a\"};b={\"k\":\"b-b\"};c={\"k\":\"c-c\"}" },
		{ "map", "x={\"k\":{\"z\":2}};y={\"k\":1}" },
		{ "none", "" },
		{ "unknown", "={\"a\":null,\"b\":[null,1],\"c\":1}?" },
		{ "deferred", "deferred 12:26" },
		{ "empty", "={}" },
		{ "ref", "={\"v\":\"ID\"}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int twice = 0; twice < 2; twice++) {
			autofree char *got = expanded(&s, rows[i].name);
			if (strcmp(got, rows[i].want) != 0) {
				autofree char *now = told(s.d);
				fail_msg("%s: %s, wants %s %s", rows[i].name, got, rows[i].want, now);
			}
		}
	}
	assert_int_equal(a.asked, 3);             /* src, later, 1st: once each */
	const struct lang_resource *r = find(s.l, "single");
	assert_int_equal(r->n_refs, 1);
	assert_string_equal(r->refs[0].to->name, "src");
	assert_int_equal(r->refs[0].at.line, 1);
	r = find(s.l, "dep");
	assert_int_equal(r->n_refs, 3);
	assert_string_equal(r->refs[0].to->name, "map");
	assert_string_equal(r->refs[1].to->name, "set");
	assert_string_equal(r->refs[2].to->name, "single");
	json_decref(a.value);
	done(&s);
}

/* The line break at the end of a block scalar makes no text of the one expression in it. */
static void expressions_in_block_scalars(void **unused)
{
	static const struct { const char *scalar, *want; } rows[] = {
		{ "|\n        ${[1,\n          2]}\n", "={\"x\":[1,2]}" }, { "|-\n        ${[1, 2]}\n", "={\"x\":[1,2]}" }, { ">\n        ${1 + 1}\n", "={\"x\":2}" },
		{ "|+\n        ${\"a\"}\n\n", "={\"x\":\"a\\n\\n\"}" }, { "|\n        ${\"a\"}\n\n\n", "={\"x\":\"a\"}" }, { "|2+\n        ${\"a\"}\n", "={\"x\":\"a\\n\"}" },
		{ "|\n        ${\"a\"} b\n", "={\"x\":\"a b\\n\"}" }, { "|\n        ${\"a\"}${\"b\"}\n", "={\"x\":\"ab\\n\"}" }, { "\"${\\\"a\\\"}\\n\"\n", "={\"x\":\"a\\n\"}" },
		{ "|\n        %{ if true }a%{ endif }\n", "={\"x\":\"a\\n\"}" }, { "|\n        a\n", "={\"x\":\"a\\n\"}" }, { "|  # why\n        ${{ a = \"}\" }}\n", "={\"x\":{\"a\":\"}\"}}" },
		{ "&a |\n        ${[1]}\n", "={\"x\":[1]}" }, { "|\n        ${<<E\n        t\n        E\n        }\n", "={\"x\":\"t\\n\"}" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *text = xasprintf("resource:\n  t:\n    a:\n      x: %s", rows[i].scalar);
		struct spec s = load(text);
		autofree char *got = s.rc ? NULL : expanded(&s, "a");
		if (!got || strcmp(got, rows[i].want) != 0) {
			autofree char *said = told(s.d);
			fail_msg("%s: %s %s, wants %s", rows[i].scalar, got, said, rows[i].want);
		}
		done(&s);
	}
}

static void expansion_mistakes(void **unused)
{
	static const struct { const char *body, *want; } rows[] = {
		{ "count: -1", "E0228 count is a whole number from 0 to 1000000" }, { "count: 1.5", "E0228" }, { "count: null", "E0228 count cannot be null" },
		{ "count: x", "E0228" }, { "count: local.n", "E0228 count is a whole number from 0 to 1000000 | an expression stands in ${...}" }, { "count: 2000000", "E0228" }, { "for_each: [a]", "E0228 for_each takes a map or a set of strings | toset()" },
		{ "for_each: 5", "E0228" }, { "for_each: null", "E0228 for_each cannot be null" }, { "for_each: \"${toset([1])}\"", "E0228" },
		{ "for_each: \"${sensitive({a = 1})}\"", "E0228 for_each cannot be sensitive" }, { "x: \"${sensitive(1)}\"", "E0227 \"x\" takes no sensitive value" },
		{ "x: \"${1 / 0}\", y: \"${2 / 0}\"", "3:19 E0225 this divides by zero\n3:34 E0225" },
		{ "x: \"${[for i in range(5000) : [for j in range(5000) : j]]}\"", "E0220" },
		{ "x: \"${[for i in range(4000) : range(4000)]}\"", "E0220" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *text = xasprintf("resource:\n  t:\n    a: {%s}\n", rows[i].body);
		struct spec s = load(text);
		assert_int_equal(s.rc, 0);
		autofree char *got = expanded(&s, "a"), *said = told(s.d);
		if (strcmp(got, "failed") != 0 || !strstr(said, rows[i].want))
			fail_msg("%s: %s %s, wants %s", rows[i].body, got, said, rows[i].want);
		done(&s);
	}
}

static void places_in_a_body(void **unused)
{
	(void)unused;
	struct spec s = load("resource:\n  t:\n    a:\n      x: 1\n      list:\n        - {k: v, n: 2}\n      x.y: {z: 3}\n");
	assert_int_equal(s.rc, 0);
	static const struct { const char *path[4]; bool key; unsigned line, col; } rows[] = {
		{ { NULL }, false, 3, 5 }, { { "x" }, false, 4, 10 }, { { "x" }, true, 4, 7 }, { { "list", "0", "n" }, false, 6, 21 }, { { "list", "0", "n" }, true, 6, 18 },
		{ { "x.y", "z" }, false, 7, 16 }, { { "list", "5" }, false, 6, 9 }, { { "nope" }, false, 3, 5 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mark m = lang_mark(find(s.l, "a"), rows[i].key, rows[i].path);
		if (m.line != rows[i].line || m.col != rows[i].col)
			fail_msg("row %zu: %u:%u", i, m.line, m.col);
	}
	done(&s);
}

static void settings_and_providers(void **unused)
{
	(void)unused;
	struct spec s = load("aipc: {required_version: \">= 0.1\", state: {path: \"${var.p}.db\"}}\nvariable: {p: {default: st}}\nlocals: {u: admin}\n"
			     "provider: {b: {user: \"${local.u}\", n: 1}, a: }\n");
	assert_int_equal(s.rc, 0);
	autofree char *settings = json_text(lang_settings(s.l));
	assert_string_equal(settings, "{\"required_version\":\">= 0.1\",\"state\":{\"path\":\"st.db\"}}");
	const struct lang_provider *p;
	size_t n;
	lang_providers(s.l, &p, &n);
	assert_int_equal(n, 2);
	assert_string_equal(p[0].id, "a");
	assert_int_equal(json_object_size(p[0].config), 0);
	assert_string_equal(p[1].id, "b");
	assert_int_equal(p[1].at.line, 4);
	autofree char *b = json_text(p[1].config);
	assert_string_equal(b, "{\"n\":1,\"user\":\"admin\"}");
	done(&s);
}

static void outputs_are_exact(void **unused)
{
	(void)unused;
	struct spec s = load("locals: {third: \"${1 / 3}\"}\noutput:\n  n: {value: 12345678901234567890123, description: big}\n"
			     "  z: {value: \"${local.third * 3 == 1}\"}\n  lit: {value: 0.1}\n  text: {value: \"a\\n<b>\"}\n  key: {value: {'${upper(\"k\")}': 1}}\n");
	assert_int_equal(s.rc, 0);
	const struct lang_output *o;
	size_t n;
	assert_int_equal(lang_outputs(s.l, &o, &n), 0);
	static const char *const want[][2] = { { "key", "{\"K\":1}" }, { "lit", "0.1" }, { "n", "12345678901234567890123" }, { "text", "\"a\\n<b>\"" }, { "z", "true" } };
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(o[i].name, want[i][0]);
		assert_string_equal(o[i].json, want[i][1]);
	}
	done(&s);
	s = load("output: {a: {value: \"${sensitive(1)}\"}}\n");
	assert_int_equal(s.rc, 0);
	assert_int_equal(lang_outputs(s.l, &o, &n), E_INPUT);
	autofree char *got = told(s.d);
	assert_string_equal(got, "1:24 E0226 the output \"a\" would show a sensitive value | add sensitive: true, or nonsensitive()\n");
	done(&s);
	s = load("locals: {x: \"${sensitive(1)}\"}\noutput: {a: {value: \"${[local.x]}\"}, b: {value: \"${1 / 0}\", precondition: {condition: false, error: \"never\"}}}\n");
	assert_int_equal(lang_outputs(s.l, &o, &n), E_INPUT);
	autofree char *both = told(s.d);
	assert_string_equal(both, "2:25 E0226 the output \"a\" would show a sensitive value: local.x is sensitive | add sensitive: true, or nonsensitive()\n"
			    "2:87 E0155 a precondition of the output \"b\" is not met: never\n");
	done(&s);
}

/* Values that share parts double with each local: 2^60 leaves, none of them ever visited twice; and very long chains. */
static void growing_locals_end(void **unused)
{
	(void)unused;
	struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, "locals:\n  a0: [x, x]\n  s0: 0123456789\n  c0: 1\n");
	for (int i = 1; i <= 60; i++)
		str_addf(&s, "  a%d: \"${[local.a%d, local.a%d]}\"\n  s%d: \"${local.s%d}${local.s%d}\"\n", i, i - 1, i - 1, i, i - 1, i - 1);
	for (int i = 1; i <= 50000; i++)
		str_addf(&s, "  c%d: \"${local.c%d}\"\n", i, i - 1);
	for (int i = 1; i <= 2000; i++)
		str_addf(&s, "  d%d: \"${[local.%c%d]}\"\n", i, i == 1 ? 'c' : 'd', i - 1);
	str_add(&s, "output:\n  c: {value: \"${local.c50000}\"}\n  a: {value: \"${local.a60}\"}\n  s: {value: \"${local.s60}\"}\n  d: {value: \"${local.d2000}\"}\n");
	struct spec sp = load(s.at);
	str_release(&s);
	autofree char *first = told(sp.d);
	if (sp.rc)
		fail_msg("%.500s", first);
	const struct lang_output *o;
	size_t n;
	assert_int_equal(lang_outputs(sp.l, &o, &n), E_INPUT);
	autofree char *got = told(sp.d);
	assert_non_null(strstr(got, "E0220 this value has more than"));
	assert_non_null(strstr(got, "E0220 this text is longer than"));
	assert_non_null(strstr(got, "E0220 this value is nested more than"));
	assert_int_equal(diags_errors(sp.d), 3);
	done(&sp);
}

static int setup(void **unused)
{
	(void)unused;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	return nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_mistakes_of_a_spec_are_told),
		cmocka_unit_test(files_are_one_spec),
		cmocka_unit_test(inputs_win_over_defaults),
		cmocka_unit_test(wrong_inputs_name_their_origin),
		cmocka_unit_test(values_of_files_have_places),
		cmocka_unit_test(resources_expand),
		cmocka_unit_test(expressions_in_block_scalars), cmocka_unit_test(expansion_mistakes),
		cmocka_unit_test(places_in_a_body),
		cmocka_unit_test(settings_and_providers),
		cmocka_unit_test(outputs_are_exact),
		cmocka_unit_test(growing_locals_end),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
