#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/lang/val_help.h"

/* The loader may not be linked into this test; the marker is then ours. */
__attribute__((weak)) const json_t *lang_unknown(void)
{
	static json_t *marker;
	if (!marker)
		marker = json_object();
	return marker;
}

static const struct { const char *types[4], *want; } unify_rows[] = {
	{ { "number", "string" }, "string" },
	{ { "bool", "string", "number" }, "string" },
	{ { "bool", "number" }, NULL },
	{ { "any", "number" }, "number" },
	{ { "any" }, "any" },
	{ { "number", "number" }, "number" },
	{ { "tuple([number,number])", "tuple([string])" }, "list(string)" },
	{ { "tuple([number,bool])", "tuple([string,bool])" }, "tuple([string,bool])" },
	{ { "object({a=number})", "object({b=number})" }, "map(number)" },
	{ { "object({a=number})", "object({a=string})" }, "object({a=string})" },
	{ { "object({a=number})", "object({b=bool})" }, NULL },
	{ { "object({a=number})", "object({a=tuple([number])})" }, NULL },
	{ { "list(number)", "tuple([string,string])" }, "list(string)" },
	{ { "list(string)", "set(string)" }, "list(string)" },
	{ { "set(number)", "set(string)" }, "set(string)" },
	{ { "map(number)", "object({b=string})" }, "map(string)" },
	{ { "list(any)", "list(number)" }, "list(number)" },
	{ { "number", "tuple([number])" }, NULL },
	{ { "object({})", "tuple([])" }, NULL },
	{ { "list(list(number))", "list(list(string))" }, "list(list(string))" },
	{ { "object({a=number,b=string})", "any", "object({a=string,b=string})" }, "object({a=string,b=string})" },
};

static void types_unify(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(unify_rows); i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str text;
		const struct type *types[4];
		size_t n = 0;
		for (; n < 4 && unify_rows[i].types[n]; n++)
			types[n] = help_type_of(a, unify_rows[i].types[n]);
		str_init(&text, 1000);
		const struct type *t = type_unify(a, types, n);
		if (t)
			type_write(t, &text);
		if (!t != !unify_rows[i].want || (t && strcmp(text.at, unify_rows[i].want)))
			fail_msg("row %zu (%s): got %s", i, unify_rows[i].types[0], t ? text.at : "none");
	}
}

static const struct { const char *value, *type, *want, *got_type; } convert_rows[] = {
	{ "1", "string", "'1'", "string" },
	{ "true", "string", "'true'", "string" },
	{ "'12'", "number", "12", "number" },
	{ "'0.1'", "number", "0.1", "number" },
	{ "' 1'", "number", "E a number is required", NULL },
	{ "true", "number", "E a number is required, have bool", NULL },
	{ "'1'", "bool", "true", "bool" },
	{ "'false'", "bool", "false", "bool" },
	{ "'True'", "bool", "E use lower-case", NULL },
	{ "'yes'", "bool", "E a bool is required", NULL },
	{ "1", "bool", "E a bool is required", NULL },
	{ "[1]", "string", "E a string is required, have tuple with 1 element", NULL },
	{ "null", "string", "null", "string" },
	{ "{'~null':'string'}", "number", "null", "number" },
	{ "{'~unknown':'string'}", "number", "?number", "number" },
	{ "{'~unknown':'any'}", "list(string)", "?list(string)", "list(string)" },
	{ "{'~unknown':'bool'}", "number", "E a number is required", NULL },
	{ "{'~sensitive':1}", "string", "!'1'", "string" },
	{ "[1,'a',null]", "list(string)", "['1','a',null]", "list(string)" },
	{ "[1,'a']", "list(any)", "['1','a']", "list(string)" },
	{ "[[1],['a','b']]", "list(any)", "[['1'],['a','b']]", "list(list(string))" },
	{ "[1,[1]]", "list(any)", "E all elements must have the same type", NULL },
	{ "[]", "list(any)", "[]", "list(any)" },
	{ "[{'~sensitive':1},2]", "list(string)", "[!'1','2']", "list(string)" },
	{ "[3,1,3,10]", "set(any)", "[1,3,10]", "set(number)" },
	{ "['b','10','2']", "set(string)", "['10','2','b']", "set(string)" },
	{ "[true,null,false]", "set(any)", "[false,true,null]", "set(bool)" },
	{ "[1,{'~sensitive':2}]", "set(number)", "![1,2]", "set(number)" },
	{ "[{'~unknown':'number'},1]", "set(number)", "[1,?number]", "set(number)" },
	{ "{'~set(string)':['b','a']}", "list(string)", "['a','b']", "list(string)" },
	{ "{'a':1,'b':'x'}", "map(any)", "{'a':'1','b':'x'}", "map(string)" },
	{ "{'a':1,'b':[1]}", "map(any)", "E all elements must have the same type", NULL },
	{ "{'a':1}", "map(number)", "{'a':1}", "map(number)" },
	{ "[1]", "map(number)", "E a map of number is required, have tuple", NULL },
	{ "{'a':1,'z':2}", "object({a=string})", "{'a':'1'}", "object({a=string})" },
	{ "{}", "object({a=string})", "E attribute \"a\" is required", NULL },
	{ "{}", "object({a=optional(string)})", "{'a':null}", "object({a=string})" },
	{ "{'a':{'b':[1]}}", "object({a=object({b=list(bool)})})", "E attribute \"a\": attribute \"b\": element 0: a bool is required", NULL },
	{ "{'~map(string)':{'a':'1'}}", "object({a=number})", "{'a':1}", "object({a=number})" },
	{ "[1,'2']", "tuple([string,number])", "['1',2]", "tuple([string,number])" },
	{ "[1]", "tuple([string,number])", "E a tuple with 2 elements is required, have 1", NULL },
	{ "{'a':[1]}", "any", "{'a':[1]}", "object({a=tuple([number])})" },
	{ "{'a':[1]}", "object({a=any})", "{'a':[1]}", "object({a=tuple([number])})" },
};

static void values_convert(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(convert_rows); i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str text, type;
		const struct val *v = NULL;
		const char *want = convert_rows[i].want;
		struct err err = { 0 };
		str_init(&text, 1000);
		str_init(&type, 1000);
		int rc = val_convert(a, help_parse(a, convert_rows[i].value), help_type_of(a, convert_rows[i].type), &v, &err);
		if (rc == 0) {
			help_write(v, &text);
			type_write(v->type, &type);
		}
		bool ok = str_has_prefix(want, "E ") ? rc == E_INPUT && strstr(err.msg, want + 2) :
			  rc == 0 && !strcmp(text.at, want) && !strcmp(type.at, convert_rows[i].got_type);
		if (!ok)
			fail_msg("row %zu (%s as %s): got %s %s", i, convert_rows[i].value, convert_rows[i].type, rc ? err.msg : text.at, type.at);
	}
}

static void optional_fields_take_their_defaults(void **unused)
{
	(void)unused;
	autoarena struct arena *a = arena_new();
	struct type_field f[] = { { "b", &type_string, true, val_int(a, 5) }, { "a", &type_number, false, NULL } };
	const struct type *t = type_object(a, f, 2);
	const char *rows[][2] = { { "{'a':1}", "{'a':1,'b':'5'}" }, { "{'a':'2','b':null}", "{'a':2,'b':'5'}" },
				  { "{'a':1,'b':'x'}", "{'a':1,'b':'x'}" } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autostr struct str text;
		const struct val *v;
		struct err err;
		str_init(&text, 1000);
		assert_int_equal(val_convert(a, help_parse(a, rows[i][0]), t, &v, &err), 0);
		help_write(v, &text);
		assert_string_equal(text.at, rows[i][1]);
	}
}

static void types_describe_themselves(void **unused)
{
	(void)unused;
	const char *rows[][2] = {
		{ "list(string)", "list of string" }, { "set(list(number))", "set of list of number" }, { "any", "any type" },
		{ "tuple([string])", "tuple with 1 element" }, { "object({a=any,b=any})", "object with attributes \"a\" and \"b\"" },
		{ "object({a=any})", "object with attribute \"a\"" }, { "object({})", "object without attributes" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autoarena struct arena *a = arena_new();
		autostr struct str text;
		str_init(&text, 1000);
		type_describe(help_type_of(a, rows[i][0]), &text);
		assert_string_equal(text.at, rows[i][1]);
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_unify),
		cmocka_unit_test(values_convert),
		cmocka_unit_test(optional_fields_take_their_defaults),
		cmocka_unit_test(types_describe_themselves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
