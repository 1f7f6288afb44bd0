#include "tests/unit/providers/expanding.h"

#include "base/mem.h"
#include "providers/fabric/topo.h"

/* "{rails.., hosts: N}" of a fat tree: N hosts called gpu-0001... are put in at the "@". */
static char *with_hosts(const char *config, unsigned n)
{
	struct str s;
	str_init(&s, STR_OURS);
	const char *at = strchr(config, '@');
	if (!at)
		return xstrdup(config);
	str_addn(&s, config, (size_t)(at - config));
	str_addc(&s, '[');
	for (unsigned i = 1; i <= n; i++)
		str_addf(&s, "%s{\"name\":\"gpu-%04u\"}", i > 1 ? "," : "", i);
	str_addf(&s, "]%s", at + 1);
	return str_take(&s);
}

struct built { struct expanding e; json_t *files, *value; int rc; };

static void build(struct built *b, const char *config, unsigned hosts)
{
	autofree char *text = with_hosts(config, hosts);
	expanding_init(&b->e, "compute", text, "{}");
	b->files = b->value = NULL;
	b->rc = fab_build(&b->e.x, &b->files, &b->value);
}

static void built_release(struct built *b)
{
	json_decref(b->files);
	json_decref(b->value);
	expanding_release(&b->e);
}

#define TREE(more) "{\"fat_tree\":{\"hosts\":@," more "}}"

static void shapes(void **state)
{
	(void)state;
	static const struct { const char *config; unsigned hosts, levels, groups, leaf, spine, core; long links; } rows[] = {
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"spines\":4"), 8, 2, 1, 8, 4, 0, 64 + 64 },
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"spines\":4"), 32, 2, 1, 8, 4, 0, 256 + 256 },
		{ TREE("\"rails\":8,\"leaf_radix\":64"), 32, 2, 1, 8, 4, 0, 512 },
		{ TREE("\"rails\":8,\"leaf_radix\":64"), 33, 2, 1, 16, 8, 0, 33 * 8 + 512 },
		{ TREE("\"rails\":8,\"leaf_radix\":64"), 256, 2, 1, 64, 32, 0, 2048 + 2048 },          /* k^2/2 ports */
		{ TREE("\"rails\":8,\"leaf_radix\":64"), 257, 3, 3, 72, 96, 64, 257 * 8 + 72 * 32 + 96 * 32 },
		{ TREE("\"rails\":8,\"leaf_radix\":64"), 1250, 3, 10, 320, 320, 256, 10000 + 320 * 32 * 2 },  /* 10,000 GPUs */
		{ TREE("\"rails\":1,\"leaf_radix\":4"), 8, 2, 1, 4, 2, 0, 8 + 8 },
		{ TREE("\"rails\":1,\"leaf_radix\":4"), 9, 3, 3, 5, 6, 4, 9 + 10 + 12 },
		{ TREE("\"rails\":1,\"leaf_radix\":4"), 16, 3, 4, 8, 8, 4, 48 },                        /* k^3/4 */
		{ TREE("\"rails\":1,\"leaf_radix\":4,\"levels\":3"), 4, 3, 1, 2, 2, 1, 4 + 4 + 4 },
		{ TREE("\"rails\":2,\"leaf_radix\":48,\"oversubscription\":2"), 32, 2, 1, 2, 1, 0, 64 + 32 },
		{ TREE("\"rails\":2,\"leaf_radix\":48,\"oversubscription\":3,\"scalable_unit\":36"), 20, 2, 1, 2, 1, 0, 40 + 24 },
		{ TREE("\"rails\":4,\"leaf_radix\":64,\"scalable_unit\":16,\"uplinks\":16,\"spines\":8"), 40, 2, 1, 12, 8, 0, 160 + 192 },
		{ TREE("\"rails\":8,\"leaf_radix\":64"), 1, 2, 1, 8, 1, 0, 8 + 8 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		build(&b, rows[i].config, rows[i].hosts);
		const json_t *v = b.value;
		if (!str_has_prefix(b.e.reports.at, "W0702") || strchr(b.e.reports.at, '\n')[1])
			fail_msg("row %zu: %s", i, b.e.reports.at);
		long got[] = { (long)json_int(v, "level_count", 0), (long)json_int(v, "spine_groups", 0), (long)json_int(v, "leaf_count", 0),
			       (long)json_int(v, "spine_count", 0), (long)json_int(v, "core_count", 0), (long)json_int(v, "link_count", 0) };
		long want[] = { rows[i].levels, rows[i].groups, rows[i].leaf, rows[i].spine, rows[i].core, rows[i].links };
		for (size_t k = 0; k < ARRAY_LEN(want); k++)
			if (got[k] != want[k])
				fail_msg("row %zu, figure %zu: %ld instead of %ld", i, k, got[k], want[k]);
		built_release(&b);
	}
}

/* NIC i of every host of a unit is on the unit's leaf of rail i; any number of hosts and rails gives a fabric that passes
 * every check (fab_build runs them on what was generated). */
static void rails_and_checks_hold(void **state)
{
	(void)state;
	for (unsigned rails = 1; rails <= 8; rails += 3)
		for (unsigned radix = 4; radix <= 16; radix += 4)
			for (unsigned hosts = 1; hosts <= 20; hosts++) {
				char config[200];
				struct built b;
				snprintf(config, sizeof(config), TREE("\"rails\":%u,\"leaf_radix\":%u,\"scalable_unit\":2,\"spine_radix\":64"), rails, radix);
				build(&b, config, hosts);
				if (b.rc)
					fail_msg("%u rails, radix %u, %u hosts: %s", rails, radix, hosts, b.e.reports.at);
				for (unsigned h = 0; h < hosts; h++)
					for (unsigned r = 0; r < rails; r++) {
						char host[20], want[20];
						snprintf(host, sizeof(host), "gpu-%04u", h + 1);
						snprintf(want, sizeof(want), rails * ((hosts + 1) / 2) >= 100 ? "leaf-%03u" : "leaf-%02u", h / 2 * rails + r + 1);
						const json_t *leafs = json_path(b.value, "nodes", host, "leafs", NULL);
						assert_string_equal(json_string_value(json_array_get(leafs, r)), want);
					}
				built_release(&b);
			}
}

static void mistakes(void **state)
{
	(void)state;
#define LINKS(switches, links, more) "{\"hosts\":[{\"name\":\"h1\"},{\"name\":\"h2\"}],\"switches\":[" switches "],\"links\":[" links "]" more "}"
#define SW(name) "{\"name\":\"" name "\",\"ports\":4}"
#define LN(a, b) "{\"a\":\"" a "\",\"b\":\"" b "\"}"
	static const struct { const char *config; unsigned hosts; const char *says; } rows[] = {
		{ "{}", 0, "E0701 !: an ib_fabric has either fat_tree (generated) or links (written out); this one has neither\n" },
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"scalable_unit\":40"), 40, "E0702 fat_tree.scalable_unit: a leaf needs 40 ports down and 40 up, it "
		  "has 64; at this ratio a scalable unit can have 32 hosts\n" },
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"spines\":4"), 64, "E0703 fat_tree.spines: 16 leaves with 8 cables to each of 4 spines need 128 "
		  "ports on a spine, it has 64; 8 spines would do\n" },
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"levels\":2"), 257, "E0718 fat_tree.levels: 72 leaves do not fit two levels: a spine has 64 ports; "
		  "leave levels out or set it to 3\n" },
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"uplinks\":30,\"spines\":4,\"scalable_unit\":30"), 30, "E0710 fat_tree.uplinks: 30 uplinks cannot be "
		  "spread evenly over 4 spines; 28 or 32 can\n" },
		{ TREE("\"rails\":8,\"leaf_radix\":64,\"uplinks\":16,\"spines\":4"), 32, "E0705 fat_tree.uplinks: a leaf has 32 ports down and 16 up, 2 to 1; "
		  "oversubscription is declared 1 to 1: it needs 32 uplinks\n" },
		{ TREE("\"rails\":1,\"leaf_radix\":4"), 40, "E0718 fat_tree: 40 hosts need 10 pods of 4 hosts, and a core has only 4 ports: this does not fit "
		  "three levels\n" },
		{ TREE("\"rails\":1,\"leaf_radix\":4,\"cores\":3"), 16, "E0710 fat_tree.cores: 4 uplinks of a spine group cannot be spread evenly over 3 "
		  "cores; 4 cores would do\n" },
		{ TREE("\"rails\":1,\"leaf_radix\":4,\"cores\":2"), 16, "E0703 fat_tree.cores: 4 spine groups with 2 cables to each core need 8 ports on a "
		  "core, it has 4; 4 cores would do\n" },
		{ TREE("\"rails\":1,\"leaf_radix\":2,\"oversubscription\":0.1"), 1, "E0702 fat_tree.leaf_radix: with 0.1 ports down for each up, a leaf of 2 "
		  "ports has room for no host\n" },
		{ TREE("\"rails\":1"), 0, "E0718 fat_tree.hosts: a fabric needs at least one host\n" },
		{ "{\"fat_tree\":{\"rails\":2,\"leaf_radix\":8,\"hosts\":[{\"name\":\"a\",\"guids\":[\"0x1\"]},{\"name\":\"b\",\"guids\":\"0x2 zz\"},"
		  "{\"name\":\"../x\"},{}]}}", 0,
		  "E0704 fat_tree.hosts.0: a has 1 GUIDs in guids, the fabric has 2 rails: one NIC, one GUID for each\n"
		  "E0713 fat_tree.hosts.1: b: \"zz\" in guids is no GUID of 16 hex digits\n"
		  "E0719 fat_tree.hosts.2: \"../x\" cannot name a host: letters, digits, \".\", \"_\" and \"-\", at most 60\n"
		  "E0719 fat_tree.hosts.3: host 4 has no \"name\"\n" },
		{ "{\"fat_tree\":{\"rails\":1,\"leaf_radix\":8,\"hosts\":[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"leaf-01\"}]}}", 0,
		  "E0708 fat_tree.hosts.1: \"a\" is there twice\nE0708 fat_tree.hosts.2: \"leaf-01\" is there twice: a switch has this name\n" },
		{ "{\"fat_tree\":{\"rails\":1,\"leaf_radix\":8,\"hosts\":[{\"name\":\"a\",\"ib_guids\":\"0x5\"},{\"name\":\"b\",\"guids\":[\"0:0:0:5\"]}]}}", 0,
		  "E0709 fat_tree.hosts: a/1 and b/1 have the same GUID 0x0000000000000005\n" },
		{ "{\"fat_tree\":{\"rails\":1,\"leaf_radix\":8,\"hosts\":[{\"name\":\"a\"}]},\"switch_guids\":{\"spine-1\":\"0x5\",\"leaf-01\":\"x\"},"
		  "\"guid_base\":\"q\"}", 0,
		  "E0713 switch_guids.leaf-01: \"x\" is no GUID of 16 hex digits\n"
		  "E0711 switch_guids.spine-1!: there is no switch \"spine-1\" (did you mean spine-01)\n"
		  "E0713 guid_base: \"q\" is no GUID of 16 hex digits\n" },
		{ LINKS(SW("s1"), LN("h1/1", "s1/1") "," LN("h2/1", "s1/1"), ""), 0, "E0706 links.1: port s1/1 has a link already (link 1)\n" },
		{ LINKS(SW("s1"), LN("h1/1", "s2/1") "," LN("h1", "s1/1") "," LN("h1/2", "s1/5"), ""), 0,
		  "E0711 links.0.b: there is no host or switch \"s2\" (did you mean h2)\n"
		  "E0712 links.1.a: \"h1\" is no end of a link; write NAME/PORT, such as leaf-01/3\n"
		  "E0704 links.2.a: h1 has NICs 1 to 1, one for each rail; there is no NIC 2\n"
		  "E0712 links.2.b: s1 has ports 1 to 4; there is no port 5\n" },
		{ LINKS(SW("s1"), LN("s1/1", "s1/2") "," LN("h1/1", "h2/1"), ""), 0, "E0707 links.0: s1 is linked with itself\n"
		  "E0707 links.1: h1 and h2 are both hosts: one end must be a switch\n" },
		{ LINKS(SW("s1") "," SW("s1") "," SW("a b"), "", ""), 0,
		  "E0719 switches.2.name: \"a b\" cannot name a switch: letters, digits, \".\", \"_\" and \"-\", at most 60\n"
		  "E0708 switches.1: \"s1\" is there twice\n" },
		{ LINKS(SW("l1") "," SW("p1") "," SW("p2"),
			LN("h1/1", "l1/1") "," LN("l1/2", "p1/1") "," LN("p1/2", "l1/3") "," LN("l1/4", "p2/1"), ""), 0,
		  "E0710 links.0: l1 has 2 links to p1 but 1 to p2: uplinks must be even\n" },
		{ LINKS(SW("l1") "," SW("p1"), LN("h1/1", "l1/1") "," LN("h2/1", "l1/2") "," LN("l1/3", "p1/1"), ",\"oversubscription\":1"), 0,
		  "E0705 oversubscription: l1 has 2 ports down and 1 up; oversubscription is declared 1 to 1\n" },
		{ LINKS(SW("l1"), LN("h1/1", "l1/1") "," LN("h2/2", "l1/2"), ",\"rails\":2"), 0,
		  "E0721 links.1: l1 is the leaf of rail 0, but this is NIC 2 of h2 (rail 1)\n" },
		{ LINKS(SW("l1") "," SW("x"), LN("h1/1", "l1/1"), ""), 0, "E0722 switches.1: no host can reach switch x\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		build(&b, rows[i].config, rows[i].hosts);
		assert_string_equal(b.e.reports.at, rows[i].says);
		assert_int_equal(b.rc, E_INPUT);
		assert_null(b.files);
		built_release(&b);
	}
}

static void written_links_give_the_same_as_generated(void **state)
{
	(void)state;
	struct built b;
	build(&b, LINKS(SW("l1") "," SW("l2") "," SW("p1"), LN("h1/1", "l1/1") "," LN("l2/1", "h1/2") "," LN("h2/1", "l1/2") "," LN("h2/2", "l2/2") ","
			LN("l1/3", "p1/1") "," LN("p1/2", "l2/3"), ",\"rails\":2,\"oversubscription\":2,\"guid_base\":\"0x0002c90300000000\""), 0);
	assert_string_equal(b.e.reports.at, "");
	char *text = json_text(json_at(b.value, "nodes"));
	assert_string_equal(text, "{\"h1\":{\"leaf\":\"l1\",\"leafs\":[\"l1\",\"l2\"],\"rails\":2,\"spine_group\":\"spine-group-01\"},"
				  "\"h2\":{\"leaf\":\"l1\",\"leafs\":[\"l1\",\"l2\"],\"rails\":2,\"spine_group\":\"spine-group-01\"}}");
	free(text);
	assert_int_equal(json_int(b.value, "level_count", 0), 2);
	assert_non_null(json_str(b.files, "root_guids.conf"));
	built_release(&b);
}

/* --- files -------------------------------------------------------------------------------------------------------------------- */

#define TWO "\"fat_tree\":{\"rails\":1,\"leaf_radix\":8,\"hosts\":[{\"name\":\"gpu-1\",\"guids\":\"0002:c903:0000:0001\"}," \
	"{\"name\":\"gpu-2\",\"guids\":[\"0x2\"]},{\"name\":\"gpu-3\"}]}"
#define HEAD "# Written by aipc; a change made here is shown as drift and undone.\n"

static void files(void **state)
{
	(void)state;
	static const struct { const char *config, *file, *text; } rows[] = {
		{ "{" TWO "}", "partitions.conf", HEAD "Default=0x7fff, ipoib, defmember=full : ALL=full, SELF=full ;\n" },
		{ "{" TWO ",\"default_membership\":\"limited\",\"default_ipoib\":false}", "partitions.conf",
		  HEAD "Default=0x7fff, defmember=limited : ALL=limited, SELF=full ;\n" },
		{ "{" TWO ",\"partitions\":{\"b\":{\"pkey\":\"0x20\",\"members\":[\"gpu-2/1\",\"0xfe\"],\"membership\":\"limited\",\"mtu\":4,\"index0\":true},"
		  "\"a\":{\"pkey\":16,\"members\":[\"gpu-[12]\"],\"ipoib\":true}}}", "partitions.conf",
		  HEAD "Default=0x7fff, ipoib, defmember=limited : ALL=limited, SELF=full ;\n"
		  "\na=0x0010, ipoib, defmember=full :\n\t0x0002c90300000001,\n\t0x0000000000000002 ;\n"
		  "\nb=0x0020, indx0, mtu=4, defmember=limited :\n\t0x0000000000000002,\n\t0x00000000000000fe ;\n" },
		{ "{" TWO ",\"switch_guids\":{\"spine-01\":\"0xa\",\"leaf-01\":\"0xb\"}}", "node-name-map",
		  HEAD "0x000000000000000b \"leaf-01\"\n0x000000000000000a \"spine-01\"\n0x0002c90300000001 \"gpu-1/1\"\n0x0000000000000002 \"gpu-2/1\"\n" },
		{ "{" TWO ",\"switch_guids\":{\"spine-01\":\"0xa\"}}", "root_guids.conf", HEAD "0x000000000000000a\n" },
		{ "{" TWO "}", "root_guids.conf", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		build(&b, rows[i].config, 0);
		assert_int_equal(b.rc, 0);
		if (rows[i].text)
			assert_string_equal(json_str(b.files, rows[i].file), rows[i].text);
		else
			assert_null(json_at(b.files, rows[i].file));
		built_release(&b);
	}
}

static void partition_mistakes(void **state)
{
	(void)state;
	static const struct { const char *partitions, *says; } rows[] = {
		{ "{\"a\":{\"pkey\":0,\"members\":[]}}", "E0714 partitions.a.pkey: a P_Key is from 0x1 to 0x7ffe (15 bits; 0x7fff is the default partition)\n" },
		{ "{\"a\":{\"pkey\":32784,\"members\":[]}}", "E0714 partitions.a.pkey: a P_Key is from 0x1 to 0x7ffe (15 bits; 0x7fff is the default "
		  "partition); write it without the membership bit 0x8000\n" },
		{ "{\"a\":{\"pkey\":\"10x\",\"members\":[]}}", "E0714 partitions.a.pkey: a P_Key is from 0x1 to 0x7ffe (15 bits; 0x7fff is the default "
		  "partition)\n" },
		{ "{\"a\":{\"pkey\":1,\"members\":[]},\"b\":{\"pkey\":\"0x1\",\"members\":[]}}",
		  "E0715 partitions.b.pkey: P_Key 0x1 is that of a: opensm would make them one partition\n" },
		{ "{\"a\":{\"pkey\":1,\"members\":[\"gpu-1\",\"gpu1\"]}}",
		  "E0716 partitions.a.members.1: \"gpu1\" matches none of the 3 hosts (did you mean gpu-1)\n" },
		{ "{\"a\":{\"pkey\":1,\"members\":[\"gpu-1/2\",\"0xnothex\"]}}",
		  "E0716 partitions.a.members.0: \"gpu-1/2\" matches none of the 3 hosts (did you mean gpu-1)\n"
		  "E0716 partitions.a.members.1: \"0xnothex\" matches none of the 3 hosts\n" },
		{ "{\"a\":{\"pkey\":1,\"members\":[\"*\"]}}",
		  "E0717 partitions.a.members: gpu-3 has no GUIDs: give each node `guids`, 1 of them (a column of the inventory, separated by spaces), or set "
		  "guid_base where GUIDs are assigned\n" },
		{ "{\"a;b\":{\"pkey\":1,\"members\":[]},\"Default\":{\"pkey\":2,\"members\":[]}}",
		  "E0720 partitions.Default!: the partition Default is always written; default_membership says how hosts are in it\n"
		  "E0720 partitions.a;b!: a partition's name has letters, digits, \".\", \"_\" and \"-\", at most 60 of them\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		autofree char *config = xasprintf("{" TWO ",\"partitions\":%s}", rows[i].partitions);
		build(&b, config, 0);
		assert_string_equal(b.e.reports.at, rows[i].says);
		assert_int_equal(b.rc, E_INPUT);
		built_release(&b);
	}
}

static void hosts_outside_partitions_are_told(void **state)
{
	(void)state;
	struct built b;
	build(&b, "{" TWO ",\"switch_guids\":{\"spine-01\":\"0xa\"},\"partitions\":{\"a\":{\"pkey\":1,\"members\":[\"gpu-1\"]}}}", 0);
	assert_string_equal(b.e.reports.at, "W0701 partitions: 2 hosts are in no partition (gpu-2 to gpu-3): they cannot talk to one another, as the default "
					    "partition is limited; default_membership: full lets them\n");
	assert_int_equal(b.rc, 0);
	built_release(&b);
}

static void assigned_guids_are_stable(void **state)
{
	(void)state;
	struct built few, many;
	build(&few, "{\"guid_base\":\"0x0002c90300000000\",\"fat_tree\":{\"rails\":2,\"hosts\":@}}", 2);
	build(&many, "{\"guid_base\":\"0x0002c90300000000\",\"fat_tree\":{\"rails\":2,\"hosts\":@}}", 3);
	const char *line = strstr(json_str(few.files, "node-name-map"), "\"gpu-0002/2\"");
	assert_non_null(line);
	autofree char *entry = xstrndup(line - 19, 19 + strlen("\"gpu-0002/2\""));
	assert_true(str_has_prefix(entry, "0x0002c9"));
	assert_non_null(strstr(json_str(many.files, "node-name-map"), entry));
	built_release(&few);
	built_release(&many);
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(rails_and_checks_hold),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(written_links_give_the_same_as_generated),
		cmocka_unit_test(files),
		cmocka_unit_test(partition_mistakes),
		cmocka_unit_test(hosts_outside_partitions_are_told),
		cmocka_unit_test(assigned_guids_are_stable),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
