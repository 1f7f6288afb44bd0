#include "tests/unit/lang/func_help.h"

static const struct func_row small_rows[] = {
	{ "upper", "'stra\xc3\x9f" "e i'", "'STRA\xc3\x9f" "E I'" }, { "upper", "null", "E must not be null" },
	{ "upper", "{'~unknown':'string'}", "?string" }, { "upper", "{'~sensitive':'a'}", "!'A'" }, { "upper", "[1]", "E a string is required" },
	{ "upper", "5", "'5'" }, { "upper", "", "E too few" },
	{ "lower", "'\xc3\x80\xc3\x89 \xc4\xb0'", "'\xc3\xa0\xc3\xa9 i'" }, { "lower", "'ABC'", "'abc'" }, { "lower", "''", "''" }, { "lower", "null", "E null" },
	{ "lower", "{'~unknown':'any'}", "?string" }, { "lower", "{}", "E a string is required" },
	{ "title", "'it\xe2\x80\x99s a-b_c d1e \xc3\xa9t\xc3\xa9'", "'It\xe2\x80\x99s A-B_c D1e \xc3\x89t\xc3\xa9'" }, { "title", "'a.b c'", "'A.B C'" },
	{ "title", "''", "''" }, { "title", "null", "E null" }, { "title", "{'~sensitive':'x y'}", "!'X Y'" },
	{ "trim", "'?!hello?!','!?'", "'hello'" }, { "trim", "' x ',' '", "'x'" }, { "trim", "'x',''", "'x'" }, { "trim", "'xx','x'", "''" },
	{ "trim", "'\xc3\xa9" "a\xc3\xa9','\xc3\xa9'", "'a'" }, { "trim", "null,'x'", "E null" },
	{ "trimspace", "'\\n x \\t'", "'x'" }, { "trimspace", "'\\u00a0x\\u2003'", "'x'" }, { "trimspace", "' '", "''" }, { "trimspace", "null", "E null" },
	{ "trimspace", "{'~unknown':'string'}", "?string" },
	{ "trimprefix", "'aab','a'", "'ab'" }, { "trimprefix", "'ab','x'", "'ab'" }, { "trimprefix", "'ab','ab'", "''" }, { "trimprefix", "'ab',null", "E null" },
	{ "trimprefix", "'a','abc'", "'a'" },
	{ "trimsuffix", "'bab','ab'", "'b'" }, { "trimsuffix", "'bab','x'", "'bab'" }, { "trimsuffix", "'',''", "''" }, { "trimsuffix", "'b','ab'", "'b'" },
	{ "trimsuffix", "{'~sensitive':'ab'},'b'", "!'a'" },
	{ "chomp", "'a\\r\\n\\n'", "'a'" }, { "chomp", "'a\\n\\r\\n'", "'a'" }, { "chomp", "'a\\r'", "'a'" }, { "chomp", "'a'", "'a'" }, { "chomp", "null", "E null" },
	{ "indent", "2,'a\\nb\\n\\nc'", "'a\\n  b\\n  \\n  c'" }, { "indent", "0,'a\\nb'", "'a\\nb'" }, { "indent", "-1,'a'", "E must be between 0" },
	{ "indent", "1.5,'a'", "E a whole number" }, { "indent", "'2','\\n'", "'\\n  '" },
	{ "strrev", "'hello'", "'olleh'" }, { "strrev", "'noe\\u0308l'", "'l\xc3\xabon'" }, { "strrev", "'a\\r\\n'", "'\\r\\na'" }, { "strrev", "''", "''" },
	{ "strrev", "null", "E null" },
	{ "startswith", "'ab','a'", "true" }, { "startswith", "'ab','b'", "false" }, { "startswith", "'ab',''", "true" }, { "startswith", "'a','ab'", "false" },
	{ "startswith", "{'~unknown':'string'},'a'", "?bool" },
	{ "endswith", "'ab','b'", "true" }, { "endswith", "'ab','a'", "false" }, { "endswith", "'',''", "true" }, { "endswith", "null,''", "E null" },
	{ "endswith", "12,2", "true" },
	{ "strcontains", "'abc','bc'", "true" }, { "strcontains", "'abc','x'", "false" }, { "strcontains", "'abc',''", "true" }, { "strcontains", "'',''", "true" },
	{ "strcontains", "'a',{'~sensitive':'a'}", "!true" },
	{ "substr", "'hello',1,3", "'ell'" }, { "substr", "'hello',-3,2", "'ll'" }, { "substr", "'hello',-3,-1", "'llo'" }, { "substr", "'hello',10,2", "''" },
	{ "substr", "'hello',0,0", "''" }, { "substr", "'hello',-10,2", "'he'" }, { "substr", "'e\\u0301x',1,1", "'x'" }, { "substr", "'a',0.5,1", "E whole" },
	{ "substr", "'a\\r\\nb',1,1", "'\\r\\n'" },
	{ "join", "',',['a','b'],['c']", "'a,b,c'" }, { "join", "',',[1,2]", "'1,2'" }, { "join", "',',['a',null]", "E element 1 is null" },
	{ "join", "','", "E at least one list" }, { "join", "',',[]", "''" }, { "join", "',',['a',{'~unknown':'string'}]", "?string" },
	{ "join", "',',{'~set(string)':['b','a']}", "'a,b'" }, { "join", "',',['a',{'~sensitive':'b'}]", "!'a,b'" }, { "join", "',','a'", "E a list of string is required" },
	{ "split", "',','a,,b'", "['a','','b']" }, { "split", "'','a\\u00e9b'", "['a','\xc3\xa9','b']" }, { "split", "',',''", "['']" }, { "split", "'',''", "[]" },
	{ "split", "', ','a, b'", "['a','b']" }, { "split", "null,'a'", "E null" }, { "split", "',',{'~unknown':'string'}", "?list(string)" },
	{ "versioncmp", "'1.2.3','1.2.10'", "-1" }, { "versioncmp", "'24.09.17','24.9.17'", "0" }, { "versioncmp", "'v1.0.0','1.0.0-rc.1'", "1" },
	{ "versioncmp", "'1.0.0-rc.2','1.0.0-rc.10'", "-1" }, { "versioncmp", "'1.2','1.2.0'", "0" }, { "versioncmp", "'1.0.0+a','1.0.0+b'", "0" },
	{ "versioncmp", "'x','1'", "E starts with a digit" }, { "versioncmp", "'535.129.03','550.54'", "-1" }, { "versioncmp", "'1.0.0-alpha','1.0.0-1'", "-1" },
	{ "versioncmp", "'1.0.0-a.b','1.0.0-a'", "1" }, { "versioncmp", "'','1'", "E starts with a digit" },
};

static const struct func_row regex_rows[] = {
	{ "regex", "'[a-z]+','534aaabbb2'", "'aaabbb'" }, { "regex", "'(\\\\d\\\\d\\\\d\\\\d)-(\\\\d\\\\d)','2019-02-01'", "['2019','02']" },
	{ "regex", "'^(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?','https://a.io/docs/'", "{'authority':'a.io','scheme':'https'}" },
	{ "regex", "'(a)|(b)','b'", "[null,'b']" }, { "regex", "'z','abc'", "E does not match" }, { "regex", "'(?=a)','abc'", "E look-around" },
	{ "regex", "'(?<!a)b','abc'", "E look-around" }, { "regex", "'a{1001}','abc'", "E above 1000" }, { "regex", "'a{1,1001}','abc'", "E above 1000" },
	{ "regex", "'a{1000}','abc'", "E does not match" }, { "regex", "'(a)(?P<n>b)','ab'", "E either all groups" }, { "regex", "'(?i)HEL','hello'", "'hel'" },
	{ "regex", "'\\\\pL+','\xc3\xa9t\xc3\xa9!'", "'\xc3\xa9t\xc3\xa9'" }, { "regex", "'\\\\w+','\xc3\xa9t\xc3\xa9!'", "'t'" }, { "regex", "'.','\xc3\xa9'", "'\xc3\xa9'" },
	{ "regex", "'\\\\C','\xc3\xa9'", "E unknown escape" }, { "regex", "'[[:alpha:]]+','abc1'", "'abc'" }, { "regex", "'a++','aaa'", "E repetition of a repetition" },
	{ "regex", "'a**','aaa'", "E repetition of a repetition" }, { "regex", "'\\\\Qa.b\\\\E','a.b'", "'a.b'" }, { "regex", "'(?s).+','a\\nb'", "'a\\nb'" },
	{ "regex", "'a$','a\\n'", "E does not match" }, { "regex", "'\\\\z','a'", "''" }, { "regex", "'\\\\Z','a'", "E unknown escape" }, { "regex", "'\\\\h','a'", "E unknown escape" },
	{ "regex", "'\\\\x{e9}','\xc3\xa9'", "'\xc3\xa9'" }, { "regex", "'(?<n>a)','a'", "{'n':'a'}" }, { "regex", "'(?>a)','a'", "E not supported" },
	{ "regex", "'a\\\\1','a'", "E back references" }, { "regex", "'[','a'", "E is not closed" }, { "regex", "'(','a'", "E not a regular expression" },
	{ "regex", "'a|ab','ab'", "'a'" }, { "regex", "'(?U)a+','aaa'", "'a'" }, { "regex", "'(?m)^b$','a\\nb'", "'b'" }, { "regex", "'(?#c)a','a'", "E not supported" },
	{ "regex", "'(?x)a','a'", "E not supported" }, { "regex", "'[\\\\d\\\\-x]+','-x1'", "'-x1'" }, { "regex", "'\\\\s','\\u000b'", "E does not match" },
	{ "regex", "'\\\\v','\\u000b'", "'\\u000b'" }, { "regex", "'[^\\\\s]+',' ab '", "'ab'" }, { "regex", "'[]a]+','a]b'", "'a]'" }, { "regex", "'a{,2}','a{,2}'", "'a{,2}'" },
	{ "regex", "'\\\\061','1'", "'1'" }, { "regex", "'(*UTF)a','a'", "E nothing stands before" }, { "regex", "'(a*)*b','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac'", "E does not match" },
	{ "regex", "'(a|a)*(a|a)*(a|a)*c','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'", "E does not match" },
	{ "regex", "'^(a|a|ab)*$','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac'", "E takes too long" },
	{ "regex", "'(?P<\xc3\xa9>x)','x'", "E group name" }, { "regex", "'(?P<a>x)|(?P<b>y)','y'", "{'a':null,'b':'y'}" }, { "regex", "'(a|ab)(c|bcd)(d*)','abcd'", "['a','bcd','']" },
	{ "regex", "null,'a'", "E null" }, { "regex", "'a',{'~unknown':'string'}", "?any" }, { "regex", "'a',{'~sensitive':'a'}", "!'a'" },
	{ "regexall", "'a*','baac'", "['','aa','']" }, { "regexall", "'[a-z]','1'", "[]" }, { "regexall", "'(a)(b)?','abac'", "[['a','b'],['a',null]]" },
	{ "regexall", "'','\xc3\xa9'", "['','']" }, { "regexall", "'(?P<k>[a-z])=(?P<v>[0-9])','a=1,b=2'", "[{'k':'a','v':'1'},{'k':'b','v':'2'}]" },
	{ "regexall", "'(','a'", "E not a regular" },
	{ "replace", "'hello','l','L'", "'heLLo'" }, { "replace", "'hello','/l+/','<$0>'", "'he\\u003cll\\u003eo'" }, { "replace", "'hello','/(l)(l)/','$2-$1'", "'hel-lo'" },
	{ "replace", "'hello','/(?P<x>l)/','${x}!$$'", "'hel!$l!$o'" }, { "replace", "'hello','/l/','$1x'", "'heo'" }, { "replace", "'abc','','-'", "'-a-b-c-'" },
	{ "replace", "'abc','/x*/','-'", "'-a-b-c-'" }, { "replace", "'a/b','/','-'", "'a-b'" }, { "replace", "'abc','/[/','-'", "E not a regular" },
	{ "replace", "'abc','b',null", "E null" }, { "replace", "'a','/a/','$'", "'$'" }, { "replace", "'a.b','.','-'", "'a-b'" },
};

static const struct func_row format_rows[] = {
	{ "format", "'%v',[1,null]", "'[1,null]'" }, { "format", "'%v',{'a':1}", "'{\\'a\\':1}'" }, { "format", "'%v',true", "'true'" }, { "format", "'%v','x'", "'x'" },
	{ "format", "'%s',null", "?string" }, { "format", "'%v',null", "?string" }, { "format", "'%s',{'~null':'string'}", "E needs a string, have null" },
	{ "format", "'%v',{'~null':'string'}", "'null'" }, { "format", "'%s',[1]", "E needs a string" }, { "format", "'%q',1", "'\\'1\\''" },
	{ "format", "'%t','true'", "'true'" }, { "format", "'%5t',true", "'true'" }, { "format", "'%d','12'", "'12'" }, { "format", "'%d',1.5", "E needs a whole number" },
	{ "format", "'%+d|%5d|%-5d|%05d',1,2,3,4", "'+1|    2|3    |00004'" }, { "format", "'% d',5", "' 5'" }, { "format", "'%b %o %x %X %#x',5,8,255,255,255", "'101 10 ff FF 0xff'" },
	{ "format", "'%x','ff'", "E needs a number" }, { "format", "'%c',65", "E not a verb" }, { "format", "'%F',1", "E not a verb" },
	{ "format", "'%5s|%-5s|%.2s|%05s','ab','ab','abc','ab'", "'   ab|ab   |ab|000ab'" },
	{ "format", "'%5.1f|%-8.3f|%+.2f|%08.2f',3.14159,3.14159,3.14159,-3.14159", "'  3.1|3.142   |+3.14|-0003.14'" },
	{ "format", "'%[2]s %[1]s','a','b'", "'b a'" }, { "format", "'%[3]s','a','b'", "E needs argument 3, but 2 follow" }, { "format", "'%*d',5,1", "E not a verb" },
	{ "format", "'%%'", "'%'" }, { "format", "'%'", "E not complete" }, { "format", "'a',1", "E uses 0 arguments, but 1 follows" }, { "format", "'%s'", "E needs argument 1" },
	{ "format", "'%.3g',1234567", "'1.23e+06'" }, { "format", "'%g',100000", "'100000'" }, { "format", "'%v',1000000", "'1e+06'" }, { "format", "'%s',1000000", "'1000000'" },
	{ "format", "'%g',0.00001", "'1e-05'" }, { "format", "'%.0f|%.0f',2.5,3.5", "'2|4'" }, { "format", "'%v',123456789.5", "'1.234567895e+08'" },
	{ "format", "'%5v|%-5v|%05v',1,2,1", "'    1|2    |00001'" }, { "format", "'%10v',[1]", "'       [1]'" }, { "format", "'%x',-255", "'-ff'" },
	{ "format", "'%5q','a'", "'  \\'a\\''" }, { "format", "'%.2v',1.234", "'1.234'" }, { "format", "'%-05d|',4", "'4    |'" }, { "format", "'%.3d',4", "'004'" },
	{ "format", "'%e %E %f',1.5,1.5,1.5", "'1.500000e+00 1.500000E+00 1.500000'" }, { "format", "'%#v','x'", "'\\'x\\''" }, { "format", "'%5s','e\\u0301'", "'    \xc3\xa9'" },
	{ "format", "'%s',{'~unknown':'string'}", "?string" }, { "format", "'%s',{'~sensitive':'x'}", "!'x'" }, { "format", "'%9999999d',1", "E at most 1000000" },
	{ "format", "'%s-%03d','gpu',7", "'gpu-007'" }, { "format", "'%#v',1000000", "'1000000'" }, { "format", "'%G',1e-10", "'1E-10'" },
	{ "format", "'%q','\xc3\xa9\\n\\u0001<'", "'\\'\xc3\xa9\\\\n\\\\u0001\\\\u003c\\''" }, { "format", "'%.s|%.f','abc',1.7", "'abc|2'" }, { "formatlist", "'%s',null", "?list(string)" },
	{ "formatlist", "'%s-%d',['a','b'],[1,2]", "['a-1','b-2']" }, { "formatlist", "'%s-%d',['a','b'],1", "['a-1','b-1']" },
	{ "formatlist", "'%s-%d',['a','b'],[1]", "E of one length" }, { "formatlist", "'%s',[]", "[]" }, { "formatlist", "'%s','a'", "['a']" },
	{ "formatlist", "'%v',[[1],[2]]", "['[1]','[2]']" }, { "formatlist", "'a'", "['a']" }, { "formatlist", "'%d',['x']", "E element 0" },
	{ "formatlist", "'%s',{'~unknown':'list(string)'}", "?list(string)" },
};

static void text_functions(void **unused)
{
	(void)unused;
	FUNC_ROWS(small_rows);
}

static void regular_expressions(void **unused)
{
	(void)unused;
	FUNC_ROWS(regex_rows);
}

static void formats(void **unused)
{
	(void)unused;
	FUNC_ROWS(format_rows);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = { cmocka_unit_test(text_functions), cmocka_unit_test(regular_expressions), cmocka_unit_test(formats) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
