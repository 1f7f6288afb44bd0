/* Without arguments: unit tests. `test_fabric_netlist DIR CONFIG` writes what the block CONFIG (JSON) declares into DIR for
 * tests/e2e/opensm.sh: net (for ibsim), links (one "NAME/PORT NAME/PORT" a line, both ends sorted), and the files of opensm. */
#include "tests/unit/providers/expanding.h"

#include "base/file.h"
#include "base/mem.h"
#include "providers/fabric/topo.h"

static void netlist(void **state)
{
	(void)state;
	struct expanding e;
	autoarena struct arena *a = arena_new();
	autostr struct str net;
	str_init(&net, STR_OURS);
	expanding_init(&e, "compute", "{\"fat_tree\":{\"rails\":2,\"leaf_radix\":4,\"hosts\":[{\"name\":\"h1\",\"guids\":\"0x11 0x12\"}]},"
				      "\"switch_guids\":{\"leaf-01\":\"0xa1\",\"leaf-02\":\"0xa2\",\"spine-01\":\"0xb1\"}}", "{}");
	struct fab f = { .x = &e.x, .arena = a };
	fab_make(&f, e.config);
	assert_string_equal(e.reports.at, "");
	fab_netlist(&f, &net);
	assert_string_equal(net.at, "\ncaguid=0x10\nCa 1 \"h1/1\"\n[1] \"leaf-01\"[1]\n"
				    "\ncaguid=0x11\nCa 1 \"h1/2\"\n[1] \"leaf-02\"[1]\n"
				    "\nswitchguid=0xa1\nSwitch 4 \"leaf-01\"\n[1] \"h1/1\"[1]\n[2] \"spine-01\"[1]\n"
				    "\nswitchguid=0xa2\nSwitch 4 \"leaf-02\"\n[1] \"h1/2\"[1]\n[2] \"spine-01\"[2]\n"
				    "\nswitchguid=0xb1\nSwitch 4 \"spine-01\"\n[1] \"leaf-01\"[2]\n[2] \"leaf-02\"[2]\n");
	fab_release(&f);
	expanding_release(&e);
}

static const char *end_text(struct fab *f, unsigned node, unsigned port)
{
	return arena_printf(f->arena, "%s/%u", f->nodes.at[node].name, port);
}

static void put(const char *dir, const char *name, const char *text)
{
	autofree char *path = file_join(dir, name);
	struct err err;
	if (file_write(path, text, strlen(text), 0644, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
}

static int write_fabric(const char *dir, const char *config)
{
	struct expanding e;
	autoarena struct arena *a = arena_new();
	autostr struct str net, links;
	json_t *files = NULL, *value = NULL, *v;
	const char *name;
	str_init(&net, STR_OURS);
	str_init(&links, STR_OURS);
	expanding_init(&e, "compute", config, "{}");
	struct fab f = { .x = &e.x, .arena = a };
	fab_make(&f, e.config);
	if (f.mistakes || fab_build(&e.x, &files, &value)) {
		fprintf(stderr, "%s", e.reports.at);
		return 1;
	}
	fab_netlist(&f, &net);
	for (size_t i = 0; i < f.links.len; i++) {
		const char *x = end_text(&f, f.links.at[i].a, f.links.at[i].a_port), *y = end_text(&f, f.links.at[i].b, f.links.at[i].b_port);
		str_addf(&links, "%s %s\n", strcmp(x, y) < 0 ? x : y, strcmp(x, y) < 0 ? y : x);
	}
	put(dir, "net", net.at);
	put(dir, "links", links.at);
	json_object_foreach(files, name, v)
		put(dir, name, json_string_value(v));
	json_decref(files);
	json_decref(value);
	fab_release(&f);
	expanding_release(&e);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(netlist) };
	json_setup();
	return argc == 3 ? write_fabric(argv[1], argv[2]) : cmocka_run_group_tests(tests, NULL, NULL);
}
