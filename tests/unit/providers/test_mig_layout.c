#include "tests/unit/providers/expanding.h"

#include "providers/mig/layout.h"

#define H100(devices) "{\"gpu\":\"H100-SXM5-80GB\",\"devices\":[" devices "]}"

static void good_layouts(void **state)
{
	(void)state;
	static const struct { const char *config, *key, *value; } rows[] = {
		{ H100("{\"gpus\":\"0-3\",\"profiles\":{\"1g.10gb\":7}},{\"gpus\":\"4-7\",\"profiles\":{\"3g.39gb\":\"2\"}}"), "config",
		  "[{\"devices\":[0,1,2,3],\"mig-devices\":{\"1g.10gb\":7},\"mig-enabled\":true},"
		  "{\"devices\":[4,5,6,7],\"mig-devices\":{\"3g.40gb\":2},\"mig-enabled\":true}]" },
		{ H100("{\"gpus\":\"0-3\",\"profiles\":{\"1g.10gb\":7}},{\"gpus\":\"4-7\",\"profiles\":{\"3g.40gb\":2}}"), "resources",
		  "{\"nvidia.com/mig-1g.10gb\":28,\"nvidia.com/mig-3g.40gb\":8}" },
		{ H100("{\"gpus\":[0,\"1-2\"],\"profiles\":{\"1g.10gb+me\":1}},{\"gpus\":3,\"profiles\":{}}"), "resources",
		  "{\"nvidia.com/gpu\":1,\"nvidia.com/mig-1g.10gb.me\":3}" },
		{ H100("{\"gpus\":\"all\",\"profiles\":{\"7g.80gb\":0}}"), "config", "[{\"devices\":\"all\",\"mig-enabled\":false}]" },
		{ H100("{\"gpus\":\"all\",\"profiles\":{\"7g.80gb\":1}}"), "resources", "{}" },
		{ "{\"gpu\":\"A30\",\"gpu_count\":2,\"devices\":[{\"gpus\":\"all\",\"profiles\":{\"2g.12gb\":2}}]}", "resources",
		  "{\"nvidia.com/mig-2g.12gb\":4}" },
		{ H100("{\"gpus\":0,\"placements\":[{\"profile\":\"3g.40gb\",\"start\":4}],\"profiles\":{\"3g.40gb\":1,\"1g.10gb\":2}}"), "layouts",
		  "[{\"gpus\":[0],\"placements\":[{\"profile\":\"1g.10gb\",\"size\":1,\"start\":0},{\"profile\":\"1g.10gb\",\"size\":1,\"start\":1},"
		  "{\"profile\":\"3g.40gb\",\"size\":4,\"start\":4}],\"profiles\":{\"1g.10gb\":2,\"3g.40gb\":1}}]" },
		{ H100("{\"gpus\":0,\"placements\":[{\"profile\":\"2g.20gb\",\"start\":4}]}"), "config",
		  "[{\"devices\":[0],\"mig-devices\":{\"2g.20gb\":1},\"mig-enabled\":true}]" },
		{ "{\"gpu\":\"nvidia h200\",\"devices\":[{\"gpus\":\"all\",\"profiles\":{}}]}", "product", "\"H200-SXM5-141GB\"" },
		{ H100("{\"gpus\":\"all\",\"profiles\":{}}"), "name", "\"inference\"" },
		{ "{\"gpu\":\"A30\",\"devices\":[]}", "config", "[]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct expanding e;
		expanding_init(&e, "inference", rows[i].config, "{}");
		int rc = mig_layout_expand(&e.x);
		assert_string_equal(e.reports.at, "");
		assert_int_equal(rc, 0);
		char *text = json_text(json_at(e.x.value, rows[i].key));
		assert_string_equal(text, rows[i].value);
		free(text);
		expanding_release(&e);
	}
}

static void mistakes(void **state)
{
	(void)state;
	static const struct { const char *config, *says; } rows[] = {
		{ "{\"gpu\":\"H100-SXM-80G\",\"devices\":[]}",
		  "E0601 gpu: the MIG table of 2026-11-21 has no GPU \"H100-SXM-80G\" (did you mean H100-SXM-80GB)\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1g.1gb\":7}}"),
		  "E0602 devices.0.profiles.1g.1gb!: H100-SXM5-80GB has no MIG profile \"1g.1gb\"; it has 1g.10gb, 1g.10gb+me, 1g.20gb, 2g.20gb, "
		  "3g.40gb, 4g.40gb, 7g.80gb (did you mean 1g.10gb)\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1c.3g.40gb\":1}}"),
		  "E0602 devices.0.profiles.1c.3g.40gb!: \"1c.3g.40gb\" is a compute instance inside a GPU instance; a layout lists GPU "
		  "instances: \"3g.40gb\"\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"3g.39gb\":1,\"3g.40gb\":1}}"),
		  "E0603 devices.0.profiles.3g.40gb!: \"3g.39gb\" and \"3g.40gb\" are the same profile\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"3g.40gb\":-1}}"),
		  "E0604 devices.0.profiles.3g.40gb: the number of instances of 3g.40gb must be a whole number from 0 to 2\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"3g.40gb\":1.5}}"),
		  "E0604 devices.0.profiles.3g.40gb: the number of instances of 3g.40gb must be a whole number from 0 to 2\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1g.10gb+me\":2}}"),
		  "E0605 devices.0.profiles.1g.10gb+me: 2 x 1g.10gb+me: only one instance of an H100-SXM5-80GB can have the media engines; nearest "
		  "that fit: 1 x 1g.10gb + 1 x 1g.10gb+me, or 1 x 1g.10gb+me + 1 x 1g.20gb, or 1 x 1g.10gb+me\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1g.10gb\":100000}}"),
		  "E0605 devices.0.profiles.1g.10gb: 100000 x 1g.10gb: an H100-SXM5-80GB takes at most 7; nearest that fit: 7 x 1g.10gb\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1g.10gb\":7,\"3g.39gb\":1}}"),
		  "E0606 devices.0.profiles: 7 x 1g.10gb + 1 x 3g.40gb needs 10 compute slices, an H100-SXM5-80GB has 7; nearest that fit: "
		  "7 x 1g.10gb, or 4 x 1g.10gb + 1 x 3g.40gb\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"3g.40gb\":2,\"1g.10gb\":1}}"),
		  "E0607 devices.0.profiles: 1 x 1g.10gb + 2 x 3g.40gb needs 9 memory slices, an H100-SXM5-80GB has 8; nearest that fit: "
		  "2 x 3g.40gb, or 1 x 1g.10gb + 1 x 2g.20gb + 1 x 3g.40gb, or 1 x 1g.10gb + 1 x 1g.20gb + 1 x 3g.40gb\n" },
		{ H100("{\"gpus\":0,\"placements\":[{\"profile\":\"3g.40gb\",\"start\":2}]}"),
		  "E0608 devices.0.placements.0.start: 3g.40gb cannot begin at memory slice 2; it can at 0, 4\n" },
		{ H100("{\"gpus\":0,\"placements\":[{\"profile\":\"3g.40gb\",\"start\":0},{\"profile\":\"1g.10gb\",\"start\":3}]}"),
		  "E0609 devices.0.placements.1.start: 1g.10gb at slice 3 overlaps 3g.40gb at slice 0\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1g.10gb\":2,\"4g.40gb\":1},\"placements\":[{\"profile\":\"1g.10gb\",\"start\":0}]}"),
		  "E0609 devices.0.placements: these placements leave no room for 1 x 1g.10gb + 1 x 4g.40gb\n" },
		{ H100("{\"gpus\":0,\"profiles\":{\"1g.10gb\":1},\"placements\":[{\"profile\":\"3g.40gb\",\"start\":0}]}"),
		  "E0610 devices.0.placements: 1 placements of 3g.40gb, but the entry has 0 of it\n" },
		{ H100("{\"gpus\":\"0-\",\"profiles\":{}}"),
		  "E0611 devices.0.gpus: \"0-\" is no list of GPUs; write all, or such as \"0-3\" or \"0,2,5-7\"\n" },
		{ H100("{\"gpus\":\"3-0\",\"profiles\":{}}"), "E0611 devices.0.gpus: the range 3-0 runs backwards\n" },
		{ H100("{\"gpus\":\"0,0\",\"profiles\":{}}"), "E0611 devices.0.gpus: GPU 0 is listed twice\n" },
		{ H100("{\"gpus\":64,\"profiles\":{}}"), "E0611 devices.0.gpus: GPU numbers are whole numbers from 0 to 63\n" },
		{ H100("{\"gpus\":\"0-99999999999\",\"profiles\":{}}"),
		  "E0611 devices.0.gpus: \"0-99999999999\" is no list of GPUs; write all, or such as \"0-3\" or \"0,2,5-7\"\n" },
		{ H100("{\"gpus\":[],\"profiles\":{}}"), "E0611 devices.0.gpus: an entry needs at least one GPU\n" },
		{ H100("{\"gpus\":{},\"profiles\":{}}"), "E0611 devices.0.gpus: GPU numbers are whole numbers from 0 to 63\n" },
		{ H100("{\"gpus\":\"0-3\",\"profiles\":{}},{\"gpus\":\"2-4\",\"profiles\":{}}"),
		  "E0612 devices.1.gpus: GPU 2-3 is in an earlier entry too\n" },
		{ H100("{\"gpus\":\"0\",\"profiles\":{}},{\"gpus\":\"all\",\"profiles\":{}}"),
		  "E0612 devices.1.gpus: \"all\" and another entry name the same GPUs\n" },
		{ H100("{\"gpus\":\"0,3\",\"profiles\":{}}"),
		  "E0613 devices!: GPU 1-2 is in no entry; an entry with profiles: {} leaves MIG off\n" },
		{ "{\"gpu\":\"A30\",\"gpu_count\":4,\"devices\":[{\"gpus\":\"0-4\",\"profiles\":{}}]}",
		  "E0614 devices.0.gpus: there is no GPU 4: gpu_count is 4, numbers begin at 0\n" },
		{ "{\"gpu\":\"A30\",\"devices\":[{\"gpus\":0,\"profiles\":{\"1g.6gb+me\":1,\"2g.12gb+me\":1}}]}",
		  "E0605 devices.0.profiles: 1 x 1g.6gb+me + 1 x 2g.12gb+me: only one instance of an A30 can have the media engines; nearest that "
		  "fit: 1 x 1g.6gb+me + 1 x 2g.12gb, or 1 x 1g.6gb + 1 x 2g.12gb+me, or 1 x 2g.12gb+me\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct expanding e;
		expanding_init(&e, "inference", rows[i].config, "{}");
		int rc = mig_layout_expand(&e.x);
		assert_string_equal(e.reports.at, rows[i].says);
		assert_int_equal(rc, E_INPUT);
		assert_null(e.x.value);
		expanding_release(&e);
	}
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good_layouts), cmocka_unit_test(mistakes) };
	return cmocka_run_group_tests(tests, setup, NULL);
}
