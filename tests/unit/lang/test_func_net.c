#include "tests/unit/lang/func_help.h"

/* As observed on the tool whose users we want to feel at home; where we are kinder or exact, the row says ours. */
static const struct func_row rows[] = {
	{ "cidrhost", "'10.12.112.0/20',16", "'10.12.112.16'" },
	{ "cidrhost", "'10.12.112.0/20',-1", "'10.12.127.255'" },
	{ "cidrhost", "'fd00:fd12:3456:7890:00a2::/72',34", "'fd00:fd12:3456:7890::22'" },
	{ "cidrhost", "'10.0.0.0/30',4", "E the number does not fit in the 2 bits that are there for it" },
	{ "cidrhost", "'010.0.0.0/8',1", "'10.0.0.1'" },
	{ "cidrhost", "'10.1.2.3/8',1", "'10.0.0.1'" },
	{ "cidrhost", "'10.0.0.0/8',0.5", "E a whole number is required" },
	{ "cidrhost", "'::ffff:1.2.3.0/120',1", "'1.2.3.1'" },
	{ "cidrhost", "'10.0.0.0',1", "E not a prefix such as \"10.0.0.0/8\" or \"fd00::/64\"" },
	{ "cidrhost", "'10.0.0.0/33',1", "E not a prefix such as \"10.0.0.0/8\" or \"fd00::/64\"" },
	{ "cidrhost", "'10.0.0.0/08',1", "'10.0.0.1'" },
	{ "cidrhost", "'10.0.0.0/+8',1", "E not a prefix such as \"10.0.0.0/8\" or \"fd00::/64\"" },
	{ "cidrhost", "'1.2.3/8',1", "E not a prefix such as \"10.0.0.0/8\" or \"fd00::/64\"" },
	{ "cidrhost", "'fe80::1%eth0/64',1", "E not a prefix such as \"10.0.0.0/8\" or \"fd00::/64\"" },
	{ "cidrhost", "'2001:db8::/64',-1", "'2001:db8::ffff:ffff:ffff:ffff'" },
	{ "cidrhost", "'10.0.0.0/32',0", "'10.0.0.0'" },
	{ "cidrhost", "'10.0.0.0/31',1", "'10.0.0.1'" },
	{ "cidrnetmask", "'172.16.0.0/12'", "'255.240.0.0'" },
	{ "cidrnetmask", "'fd00::/8'", "E only IPv4 prefixes have a netmask" },
	{ "cidrnetmask", "'::ffff:1.2.3.0/120'", "'255.255.255.0'" },
	{ "cidrnetmask", "'0.0.0.0/0'", "'0.0.0.0'" },
	{ "cidrnetmask", "'10.0.0.0/32'", "'255.255.255.255'" },
	{ "cidrsubnet", "'172.16.0.0/12',4,2", "'172.18.0.0/16'" },
	{ "cidrsubnet", "'10.1.2.0/24',4,15", "'10.1.2.240/28'" },
	{ "cidrsubnet", "'10.1.2.0/24',4,16", "E the number does not fit in the 4 bits that are there for it" },
	{ "cidrsubnet", "'10.1.2.0/24',4,-1", "E numbers from 0 on" },
	{ "cidrsubnet", "'fd00:fd12:3456:7890::/56',16,162", "'fd00:fd12:3456:7800:a200::/72'" },
	{ "cidrsubnet", "'10.0.0.0/8',25,0", "E a prefix of 8 bits cannot be made 25 bits longer: an address" },
	{ "cidrsubnet", "'10.0.0.0/8',0,0", "'10.0.0.0/8'" },
	{ "cidrsubnet", "'::ffff:1.2.3.0/120',4,1", "'1.2.3.16/28'" },
	{ "cidrsubnet", "'10.0.0.0/16',8,255", "'10.0.255.0/24'" },
	{ "cidrsubnet", "'10.0.0.0/16',8,256", "E the number does not fit in the 8 bits that are there for it" },
	{ "cidrsubnet", "'2001:db8::/32',32,4294967295", "'2001:db8:ffff:ffff::/64'" },
	{ "cidrsubnets", "'10.1.0.0/16',4,4,8,4", "['10.1.0.0/20','10.1.16.0/20','10.1.32.0/24','10.1.48.0/20']" },
	{ "cidrsubnets", "'10.1.0.0/16',1,1,1", "E the prefix has no room left for a subnet of 1 more bits" },
	{ "cidrsubnets", "'fd00::/48',16,16,32", "['fd00::/64','fd00:0:0:1::/64','fd00:0:0:2::/80']" },
	{ "cidrsubnets", "'10.0.0.0/8'", "[]" },
	{ "cidrsubnets", "'10.0.0.0/8',0", "E must be between 1 and 128" },
	{ "cidrsubnets", "'::ffff:1.2.3.0/120',4,1", "['1.2.3.0/28','1.2.3.128/25']" },
	{ "cidrsubnets", "'10.0.0.0/24',1,2,3", "['10.0.0.0/25','10.0.0.128/26','10.0.0.192/27']" },
	{ "cidrsubnets", "'10.0.0.0/24',3,1", "['10.0.0.0/27','10.0.0.128/25']" },
	{ "cidrsubnets", "'10.0.0.0/30',2,2,2,2,2", "E the prefix has no room left for a subnet of 2 more bits" },
};

static const struct func_row mark_rows[] = {
	{ "cidrhost", "null,1", "E null" }, { "cidrhost", "{'~unknown':'string'},1", "?string" }, { "cidrhost", "{'~sensitive':'10.0.0.0/8'},1", "!'10.0.0.1'" },
	{ "cidrhost", "'10.0.0.0/8',{'~number':'1e60'}", "E does not fit" }, { "cidrnetmask", "null", "E null" }, { "cidrnetmask", "'x'", "E not a prefix" }, { "cidrnetmask", "{'~unknown':'string'}", "?string" },
	{ "cidrsubnet", "'10.0.0.0/8',null,1", "E null" }, { "cidrsubnet", "'10.0.0.0/8',8,{'~sensitive':1}", "!'10.1.0.0/16'" }, { "cidrsubnet", "'10.0.0.0/8',8,{'~unknown':'number'}", "?string" },
	{ "cidrsubnets", "'10.0.0.0/8',{'~unknown':'number'}", "?list(string)" }, { "cidrsubnets", "null", "E null" },
	{ "cidrcontains", "'10.0.0.0/8','10.1.2.3'", "true" }, { "cidrcontains", "'10.0.0.0/8','10.1.0.0/16'", "true" }, { "cidrcontains", "'10.0.0.0/16','10.0.0.0/8'", "false" },
	{ "cidrcontains", "'10.0.0.0/8','11.0.0.0'", "false" }, { "cidrcontains", "'10.0.0.0/8','fd00::1'", "E both must be" }, { "cidrcontains", "'10.0.0.0/8','x'", "E neither" },
	{ "cidrcontains", "'fd00::/8','fdff::1'", "true" }, { "cidrcontains", "null,'10.0.0.1'", "E null" }, { "cidrcontains", "'10.0.0.0/8',{'~unknown':'string'}", "?bool" },
	{ "cidrhosts", "'10.0.0.0/30'", "['10.0.0.1','10.0.0.2']" }, { "cidrhosts", "'10.0.0.0/31'", "['10.0.0.0','10.0.0.1']" }, { "cidrhosts", "'10.0.0.7/32'", "['10.0.0.7']" },
	{ "cidrhosts", "'fd00::/126'", "['fd00::1','fd00::2','fd00::3']" }, { "cidrhosts", "'10.0.0.0/8'", "E too large" }, { "cidrhosts", "null", "E null" }, { "cidrhosts", "{'~sensitive':'10.0.0.0/32'}", "!['10.0.0.0']" },
};

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

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),
		cmocka_unit_test(marks_and_unknowns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
