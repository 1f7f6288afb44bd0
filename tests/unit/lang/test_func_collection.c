#include "tests/unit/lang/func_help.h"

/* As observed on the tool whose users we want to feel at home; where we are kinder or exact, the row says ours. */
static const struct func_row rows[] = {
	{ "alltrue", "[true,null]", "false" },
	{ "alltrue", "[]", "true" },
	{ "alltrue", "['true',1]", "E element 1: a bool is required, have number" },
	{ "anytrue", "[false,'true']", "true" },
	{ "anytrue", "[]", "false" },
	{ "chunklist", "['a','b','c'],2", "[['a','b'],['c']]" },
	{ "chunklist", "['a'],0", "[['a']]" },
	{ "chunklist", "[],2", "[]" },
	{ "chunklist", "['a'],-1", "E must be at least 0" },
	{ "chunklist", "[1,2,3,4],2", "[[1,2],[3,4]]" },
	{ "coalesce", "null,1,'a'", "'1'" },
	{ "coalesce", "'',null", "E every argument is null or an empty string" },
	{ "coalesce", "'','b'", "'b'" },
	{ "coalesce", "true,1", "E all arguments must have the same type" },
	{ "coalesce", "1", "1" },
	{ "coalesce", "[],['a']", "[]" },
	{ "coalesce", "'a',null", "'a'" },
	{ "coalesce", "0,1", "0" },
	{ "coalesce", "false,true", "false" },
	{ "coalescelist", "[],['a']", "['a']" },
	{ "coalescelist", "[],[]", "E every argument is null or empty" },
	{ "coalescelist", "null,['a']", "E a list or tuple is required" },
	{ "compact", "['a','',null]", "['a']" },
	{ "compact", "[1,'']", "['1']" },
	{ "concat", "['a'],[1]", "['a',1]" },
	{ "concat", "{'~set(any)':['a']},[1]", "E a list or tuple is required, have set of string" },
	{ "concat", "", "E at least one argument is required" },
	{ "concat", "{'~list(any)':['a']},{'~list(any)':[1]}", "['a','1']" },
	{ "concat", "[1],['a'],[true]", "[1,'a',true]" },
	{ "concat", "{'~list(any)':[1]},[true]", "[1,true]" },
	{ "concat", "{'~list(any)':[1]},{'~list(any)':[true]}", "[1,true]" },
	{ "contains", "[1],'1'", "false" },
	{ "contains", "{'~set(any)':['a']},'a'", "true" },
	{ "contains", "{'a':1},1", "E a list, set or tuple is required, have object with attribute" },
	{ "contains", "'abc','a'", "E a list, set or tuple is required, have string" },
	{ "contains", "[[1]],[1]", "true" },
	{ "contains", "[null],null", "E must not be null" },
	{ "contains", "[{'a':1}],{'a':1}", "true" },
	{ "contains", "[],1", "false" },
	{ "distinct", "[1,'1',1]", "['1']" },
	{ "distinct", "[[1],[1]]", "[[1]]" },
	{ "distinct", "[]", "[]" },
	{ "distinct", "[null,null,1]", "[null,1]" },
	{ "distinct", "[{'a':1},{'a':1},{'a':2}]", "[{'a':1},{'a':2}]" },
	{ "element", "['a','b'],-1", "'b'" },
	{ "element", "['a','b'],5", "'b'" },
	{ "element", "{'~set(any)':['a']},0", "E a list or tuple is required, have set of string" },
	{ "element", "[],0", "E an empty list has no element" },
	{ "element", "['a','b','c'],1.0", "'b'" },
	{ "element", "[1,2,3],3", "1" },
	{ "flatten", "[[1,[2]],{'~set(any)':[3]},4]", "[1,2,3,4]" },
	{ "flatten", "[null,[null]]", "[null,null]" },
	{ "flatten", "'a'", "E a list, set or tuple is required, have string" },
	{ "flatten", "{'a':1}", "E a list, set or tuple is required, have object with attribute" },
	{ "flatten", "[]", "[]" },
	{ "flatten", "[{'a':[1]}]", "[{'a':[1]}]" },
	{ "flatten", "[['a',[]],[]]", "['a']" },
	{ "index", "['a','b'],'b'", "1" },
	{ "index", "['a'],'z'", "E the list does not hold this value" },
	{ "index", "[1],'1'", "E the list does not hold this value" },
	{ "index", "[[1],[2]],[2]", "1" },
	{ "keys", "{'b':1,'a':2}", "['a','b']" },
	{ "keys", "{}", "[]" },
	{ "length", "'\xc3\xa9\\r\\n'", "2" },
	{ "length", "null", "E must not be null" },
	{ "length", "5", "E a string, list, set or map is required, have number" },
	{ "length", "[]", "0" },
	{ "length", "{}", "0" },
	{ "length", "{'a':1}", "1" },
	{ "length", "''", "0" },
	{ "length", "'\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7'", "1" },
	{ "lookup", "{'a':1},'b','x'", "'x'" },
	{ "lookup", "{'~map(any)':{'a':'x'}},'b',1", "'1'" },
	{ "lookup", "{'a':null},'a',1", "null" },
	{ "lookup", "{'a':1},'b'", "E the map has no key \"b\", and there is no default" },
	{ "lookup", "{'a':1},'b',null", "null" },
	{ "lookup", "{'~map(any)':{'a':1}},'b',null", "null" },
	{ "matchkeys", "['a','b'],['x','y'],['y']", "['b']" },
	{ "matchkeys", "['a'],['x','y'],['y']", "E the number of keys (2) and of values (1) differ" },
	{ "matchkeys", "['a','b'],[1,2],['2']", "['b']" },
	{ "matchkeys", "[],[],[]", "[]" },
	{ "merge", "{'a':1},{'b':'x'}", "{'a':1,'b':'x'}" },
	{ "merge", "{'a':1},null", "{'a':1}" },
	{ "merge", "", "{}" },
	{ "merge", "null", "{}" },
	{ "merge", "[1]", "E a map or object is required, have tuple with 1 element" },
	{ "merge", "{'~map(any)':{'a':1}},{'~map(any)':{'b':'x'}}", "{'a':1,'b':'x'}" },
	{ "merge", "{'a':1},{'a':{'b':2}}", "{'a':{'b':2}}" },
	{ "merge", "{'a':{'b':1}},{'a':{'c':2}}", "{'a':{'c':2}}" },
	{ "merge", "{'~map(any)':{'a':1}},{'b':'x'}", "{'a':1,'b':'x'}" },
	{ "one", "[]", "null" },
	{ "one", "[1]", "1" },
	{ "one", "[1,2]", "E a list of none or one element is required, have 2" },
	{ "one", "null", "E must not be null" },
	{ "range", "3", "[0,1,2]" },
	{ "range", "-3", "[0,-1,-2]" },
	{ "range", "1,4", "[1,2,3]" },
	{ "range", "4,1", "[4,3,2]" },
	{ "range", "0,1,0.25", "[0,0.25,0.5,0.75]" },
	{ "range", "1,4,-1", "E the step must be above zero when the end is above the start" },
	{ "range", "4,1,1", "E the step must be below zero when the end is below the start" },
	{ "range", "1,1", "[]" },
	{ "range", "0,10,0", "E the step must not be zero" },
	{ "range", "'3'", "[0,1,2]" },
	{ "range", "0", "[]" },
	{ "range", "5,0,-2", "[5,3,1]" },
	{ "range", "0.5,3", "[0.5,1.5,2.5]" },
	{ "reverse", "['a',1]", "[1,'a']" },
	{ "reverse", "{'~set(any)':[2,1]}", "[2,1]" },
	{ "reverse", "[]", "[]" },
	{ "setintersection", "[1,2],[2,3]", "[2]" },
	{ "setintersection", "['1'],[1]", "['1']" },
	{ "setintersection", "[1],[]", "[]" },
	{ "setproduct", "['a']", "E at least two arguments are required" },
	{ "setproduct", "['a'],[1,2]", "[['a',1],['a',2]]" },
	{ "setproduct", "[1,'x'],[true]", "[['1',true],['x',true]]" },
	{ "setproduct", "[],['a']", "[]" },
	{ "setproduct", "{'~set(any)':['b','a']},{'~set(any)':[1]}", "[['a',1],['b',1]]" },
	{ "setproduct", "{'~set(any)':['b','a']},[1]", "[['a',1],['b',1]]" },
	{ "setproduct", "['a','b'],['x'],[1,2]", "[['a','x',1],['a','x',2],['b','x',1],['b','x',2]]" },
	{ "setsubtract", "['a','b'],['b']", "['a']" },
	{ "setsubtract", "[],[1]", "[]" },
	{ "setsubtract", "[1,2],['2']", "['1']" },
	{ "setunion", "['a']", "['a']" },
	{ "setunion", "", "E too few arguments" },
	{ "setunion", "[],[1]", "[1]" },
	{ "setunion", "[1,2],[2,3],['x']", "['1','2','3','x']" },
	{ "slice", "['a','b','c'],1,2", "['b']" },
	{ "slice", "['a'],0,2", "E must be between 0 and 1" },
	{ "slice", "['a'],1,0", "E the start must not be above the end" },
	{ "slice", "['a'],-1,1", "E must be between 0 and 1" },
	{ "slice", "{'~set(any)':['a']},0,1", "E a list or tuple is required, have set of string" },
	{ "slice", "['a','b'],0.5,1", "E a whole number is required" },
	{ "slice", "[],0,0", "[]" },
	{ "sort", "['b',1,'A']", "['1','A','b']" },
	{ "sort", "['b',null]", "E element 1 is null and cannot be sorted" },
	{ "sort", "[]", "[]" },
	{ "sort", "['\xc3\xa9','z','a']", "['a','z','\xc3\xa9']" },
	{ "transpose", "{'a':['x','y'],'b':['y']}", "{'x':['a'],'y':['a','b']}" },
	{ "transpose", "{}", "{}" },
	{ "transpose", "{'a':[]}", "{}" },
	{ "values", "{'b':1,'a':'x'}", "['x',1]" },
	{ "values", "{}", "[]" },
	{ "zipmap", "['a','b'],[1,'x']", "{'a':1,'b':'x'}" },
	{ "zipmap", "['a'],[1,2]", "E the number of keys (1) and of values (2) differ" },
	{ "zipmap", "['a','a'],[1,2]", "{'a':2}" },
	{ "zipmap", "{'~list(any)':['a']},{'~list(any)':[1]}", "{'a':1}" },
	{ "zipmap", "[],[]", "{}" },
	{ "zipmap", "['a'],['x']", "{'a':'x'}" },
};

/* Unknown, null and sensitive arguments: what is inside survives where it is, what is on the whole marks the result. */
static const struct func_row mark_rows[] = {
	{ "length", "[{'~unknown':'string'},1]", "2" }, { "length", "{'~unknown':'list(string)'}", "?number" }, { "length", "[{'~sensitive':1}]", "1" },
	{ "length", "{'~sensitive':[1,2]}", "!2" }, { "length", "{'~set(number)':[1,{'~unknown':'number'}]}", "?number" },
	{ "keys", "{'a':{'~sensitive':1}}", "['a']" }, { "keys", "{'~sensitive':{'a':1}}", "!['a']" }, { "keys", "{'~unknown':'map(string)'}", "?any" }, { "keys", "null", "E null" },
	{ "keys", "[1]", "E a map or object is required" },
	{ "values", "{'a':{'~sensitive':1},'b':{'~unknown':'string'}}", "[!1,?string]" }, { "values", "{'~sensitive':{'a':1}}", "![1]" }, { "values", "null", "E null" },
	{ "values", "5", "E a map or object is required" },
	{ "lookup", "{'a':{'~sensitive':1}},'a'", "!1" }, { "lookup", "{'~sensitive':{'a':1}},'a'", "!1" }, { "lookup", "{'a':1},{'~sensitive':'a'}", "!1" },
	{ "lookup", "{'~map(number)':{'a':1}},'b','x'", "E the default must be of the type" }, { "lookup", "null,'a'", "E null" }, { "lookup", "{'a':{'~unknown':'string'}},'a'", "?string" },
	{ "lookup", "{'~unknown':'map(string)'},'a'", "?any" },
	{ "element", "['a',{'~sensitive':'b'}],1", "!'b'" }, { "element", "['a','b'],-1", "'b'" }, { "element", "{'~unknown':'list(string)'},0", "?any" }, { "element", "null,0", "E null" },
	{ "element", "['a'],0.5", "E whole number" },
	{ "merge", "{'a':{'~sensitive':1}},{'b':2}", "{'a':!1,'b':2}" }, { "merge", "{'~sensitive':{'a':1}},{'b':2}", "!{'a':1,'b':2}" },
	{ "merge", "{'~unknown':'map(string)'}", "?any" }, { "merge", "{'~map(string)':{'a':'x'}},{'~map(string)':{'a':'y'}}", "{'a':'y'}" },
	{ "concat", "['a'],[{'~unknown':'string'}]", "['a',?string]" }, { "concat", "['a'],{'~sensitive':['b']}", "!['a','b']" }, { "concat", "{'~unknown':'list(string)'}", "?any" },
	{ "concat", "null", "E null" }, { "concat", "'a'", "E a list or tuple is required" },
	{ "flatten", "[[{'~sensitive':1}],2]", "[!1,2]" }, { "flatten", "[{'~sensitive':[1]},2]", "![1,2]" }, { "flatten", "[1,{'~unknown':'list(string)'}]", "?any" },
	{ "flatten", "[1,{'~unknown':'string'}]", "[1,?string]" }, { "flatten", "null", "E null" },
	{ "contains", "[1,{'~unknown':'number'}],1", "true" }, { "contains", "[1,{'~unknown':'number'}],2", "?bool" }, { "contains", "[{'~sensitive':1}],1", "!true" },
	{ "contains", "null,1", "E null" },
	{ "index", "[{'~unknown':'number'}],1", "?number" }, { "index", "['a',null],null", "E must not be null" }, { "index", "null,1", "E null" },
	{ "coalesce", "{'~unknown':'string'},'a'", "?string" }, { "coalesce", "'a',{'~unknown':'string'}", "'a'" }, { "coalesce", "null,{'~sensitive':'a'}", "!'a'" },
	{ "coalesce", "", "E at least one" }, { "coalescelist", "[],{'~unknown':'list(string)'},['a']", "?any" }, { "coalescelist", "'a'", "E a list or tuple" },
	{ "alltrue", "[true,{'~unknown':'bool'}]", "?bool" }, { "alltrue", "[false,{'~unknown':'bool'}]", "false" }, { "alltrue", "{'~sensitive':[true]}", "!true" },
	{ "alltrue", "null", "E null" }, { "anytrue", "[true,{'~unknown':'bool'}]", "true" }, { "anytrue", "[false,{'~unknown':'bool'}]", "?bool" }, { "anytrue", "[null]", "false" },
	{ "one", "[{'~sensitive':1}]", "!1" }, { "one", "{'~sensitive':[]}", "!null" }, { "one", "5", "E a list, set or tuple" }, { "one", "{'~unknown':'list(string)'}", "?any" },
	{ "reverse", "[1,{'~sensitive':2}]", "[!2,1]" }, { "reverse", "null", "E null" }, { "reverse", "'ab'", "E a list, set or tuple" },
	{ "slice", "[1,{'~sensitive':2}],1,2", "[!2]" }, { "slice", "{'~unknown':'list(string)'},0,1", "?any" }, { "slice", "null,0,1", "E null" },
	{ "chunklist", "[{'~sensitive':'a'},'b'],1", "[[!'a'],['b']]" }, { "chunklist", "null,1", "E null" },
	{ "compact", "['a',{'~unknown':'string'}]", "?list(string)" }, { "compact", "['a',{'~sensitive':''}]", "!['a']" }, { "compact", "null", "E null" },
	{ "distinct", "[1,{'~unknown':'number'}]", "?list(number)" }, { "distinct", "[1,{'~sensitive':1}]", "![1]" }, { "distinct", "null", "E null" },
	{ "sort", "['b',{'~unknown':'string'}]", "[?string,?string]" }, { "sort", "['b',{'~sensitive':'a'}]", "!['a','b']" },
	{ "sum", "[1,{'~unknown':'number'}]", "?number" }, { "sum", "[1,{'~sensitive':2}]", "!3" }, { "sum", "null", "E null" }, { "sum", "'a'", "E a list or set of numbers" },
	{ "setunion", "[1],[{'~unknown':'number'}]", "?set(number)" }, { "setunion", "[1],[{'~sensitive':2}]", "![1,2]" }, { "setunion", "[1],null", "E null" },
	{ "setintersection", "[1],[{'~unknown':'number'}]", "?set(number)" }, { "setsubtract", "[[1]],[2]", "E same type" }, { "setsubtract", "null,[1]", "E null" },
	{ "setproduct", "['a'],[{'~unknown':'number'}]", "[['a',?number]]" }, { "setproduct", "['a'],'b'", "E a list, set or tuple" },
	{ "matchkeys", "['a'],[{'~unknown':'string'}],['x']", "?list(string)" }, { "matchkeys", "['a'],[[1]],['x']", "E same type" },
	{ "transpose", "{'a':[{'~unknown':'string'}]}", "?map(list(string))" }, { "transpose", "{'a':[null]}", "E null cannot become a key" },
	{ "zipmap", "[{'~unknown':'string'}],[1]", "?any" }, { "zipmap", "['a'],[{'~sensitive':1}]", "{'a':!1}" }, { "zipmap", "[{'~sensitive':'a'}],[1]", "!{'a':1}" },
	{ "zipmap", "[null],[1]", "E cannot be null" },
	{ "range", "{'~unknown':'number'}", "?list(number)" }, { "range", "1,2,3,4", "E one, two or three" }, { "range", "20000000", "E at most 10000000" }, { "range", "1025,1024", "[1025]" },
	{ "deepmerge", "{'a':{'b':1,'c':2}},{'a':{'c':3,'d':4}}", "{'a':{'b':1,'c':3,'d':4}}" }, { "deepmerge", "{'a':1},null,{'a':{'b':2}}", "{'a':{'b':2}}" },
	{ "deepmerge", "{'a':{'~sensitive':{'x':1}}},{'a':{'y':2}}", "{'a':!{'x':1,'y':2}}" }, { "deepmerge", "", "{}" }, { "deepmerge", "[1]", "E a map or object" },
	{ "deepmerge", "{'a':[1]},{'a':[2]}", "{'a':[2]}" }, { "deepmerge", "{'a':{'b':1}},{'a':null}", "{'a':null}" },
};

static const struct func_row nodeset_rows[] = {
	{ "nodeset", "'gpu-[001-003,070]'", "['gpu-001','gpu-002','gpu-003','gpu-070']" }, { "nodeset", "'a,b[1-2]c'", "['a','b1c','b2c']" }, { "nodeset", "'r[1-2]n[1-2]'", "['r1n1','r1n2','r2n1','r2n2']" },
	{ "nodeset", "'n[9-11]'", "['n9','n10','n11']" }, { "nodeset", "''", "[]" }, { "nodeset", "'a[3-1]'", "E the smaller first" }, { "nodeset", "'a[1'", "E is not closed" }, { "nodeset", "'a]'", "E without its [" },
	{ "nodeset", "'a[]'", "E empty brackets" }, { "nodeset", "'a[1,]'", "E a range" }, { "nodeset", "'a,,b'", "E an empty name" }, { "nodeset", "'a,'", "E an empty name" }, { "nodeset", "'a[01-100]'", "E one width" },
	{ "nodeset", "'a[0-999999]b[0-9]'", "E more than 1,000,000" }, { "nodeset", "['gpu-001','gpu-002','gpu-003','gpu-070']", "'gpu-[001-003,070]'" }, { "nodeset", "['b','a']", "'a,b'" },
	{ "nodeset", "['n10','n9','n11','n9']", "'n[9-11]'" }, { "nodeset", "['a1x','a2x','a2']", "'a2,a[1-2]x'" }, { "nodeset", "[]", "''" }, { "nodeset", "['a b']", "E is not a name" }, { "nodeset", "[[1]]", "E a list of names is required" },
	{ "nodeset", "{'~unknown':'string'}", "?any" }, { "nodeset", "{'~sensitive':'a'}", "!['a']" }, { "nodeset", "null", "E null" }, { "nodeset", "['n09','n10']", "'n[09-10]'" }, { "nodeset", "['n9','n010']", "'n[9,010]'" },
};

/* 100,000 elements: quadratic code would run for minutes here. */
static void large_collections(void **unused)
{
	(void)unused;
	enum { N = 100000 };
	autoarena struct arena *a = arena_new();
	const struct val **num = arena_array(a, N, sizeof(*num)), **str = arena_array(a, N, sizeof(*str));
	struct err err;
	for (int i = 0; i < N; i++) {
		num[i] = val_int(a, (i * 7919) % N);
		str[i] = val_string(a, arena_printf(a, "k%d", (i * 7919) % N));
	}
	const struct val *n = val_tuple(a, num, N), *s = val_tuple(a, str, N), *out, *map;
	const struct val *zip[] = { s, n };
	assert_int_equal(func_row_call(a, "zipmap", val_tuple(a, zip, 2), &map, &err), 0);
	assert_int_equal(map->map.len, N);
	const struct val *two[] = { map, map }, *list[] = { s }, *nums[] = { n }, *chunk[] = { n, val_int(a, 3) }, *have[] = { n, val_int(a, -1) };
	const struct val *keys[] = { s, s, s }, *nested[] = { val_tuple(a, zip, 2) }, *sets[] = { s, s, s };
	struct { const char *name; const struct val *args; size_t len; } calls[] = {
		{ "merge", val_tuple(a, two, 2), N }, { "deepmerge", val_tuple(a, two, 2), N }, { "distinct", val_tuple(a, list, 1), N }, { "sort", val_tuple(a, list, 1), N },
		{ "toset", val_tuple(a, list, 1), N }, { "reverse", val_tuple(a, nums, 1), N }, { "chunklist", val_tuple(a, chunk, 2), N / 3 + 1 },
		{ "contains", val_tuple(a, have, 2), 0 }, { "matchkeys", val_tuple(a, keys, 3), N }, { "flatten", val_tuple(a, nested, 1), 2 * N },
		{ "setunion", val_tuple(a, sets, 3), N }, { "setintersection", val_tuple(a, sets, 3), N }, { "setsubtract", val_tuple(a, sets, 2), 0 },
		{ "keys", val_tuple(a, &map, 1), N }, { "values", val_tuple(a, &map, 1), N }, { "tolist", val_tuple(a, nums, 1), N },
	};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		assert_int_equal(func_row_call(a, calls[i].name, calls[i].args, &out, &err), 0);
		assert_int_equal(val_len(out), calls[i].len);
	}
}

static void the_table_is_sorted_and_complete(void **unused)
{
	(void)unused;
	size_t n;
	const struct func *t = func_table(&n);
	const char *const *names = func_names();
	for (size_t i = 0; i < n; i++) {
		if (i)
			assert_true(strcmp(t[i - 1].name, t[i].name) < 0);
		assert_true(t[i].help[0] && t[i].help[strlen(t[i].help) - 1] != '.');
		assert_true((t[i].fn == NULL) == ((t[i].flags & FUNC_LAZY) != 0));
		assert_ptr_equal(func_find(t[i].name), &t[i]);
		assert_string_equal(names[i], t[i].name);
		for (size_t k = 0; k < 4 && t[i].params[k].name; k++)
			assert_true(!(t[i].params[k].flags & PARAM_REST) || !t[i].params[k + 1].name);
	}
	assert_null(names[n]);
	assert_null(func_find("uper"));
	assert_null(func_find(""));
}

static void results(void **unused)
{
	(void)unused;
	FUNC_ROWS(rows);
}

static void marks_and_unknowns(void **unused)
{
	(void)unused;
	FUNC_ROWS(mark_rows);
}

static void node_sets(void **unused)
{
	(void)unused;
	FUNC_ROWS(nodeset_rows);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),
		cmocka_unit_test(marks_and_unknowns),
		cmocka_unit_test(node_sets),
		cmocka_unit_test(large_collections),
		cmocka_unit_test(the_table_is_sorted_and_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
