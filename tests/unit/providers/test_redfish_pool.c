/* gpu_node_pool and firmware_pin: what they expand to, and mistakes at their place. */
#include "test_redfish_world.h"

struct added { char type[32], key[64]; json_t *config; };
static struct added got[64];
static unsigned n_got, edges[64][2], n_edges, canary, at_once, soak;
static char reports[4096];

unsigned expand_add(struct expand *x, const char *type, const char *label, const char *key, const char *node, json_t *config)
{
	(void)x, (void)label;
	assert_string_equal(key, node);
	assert_true(n_got < 64);
	snprintf(got[n_got].type, sizeof(got[0].type), "%s", type);
	snprintf(got[n_got].key, sizeof(got[0].key), "%s", key);
	got[n_got].config = config;
	return n_got++;
}

void expand_after(struct expand *x, unsigned later, unsigned earlier)
{
	(void)x;
	edges[n_edges][0] = later;
	edges[n_edges++][1] = earlier;
}

void expand_rollout(struct expand *x, unsigned c, unsigned m, unsigned s)
{
	(void)x;
	canary = c;
	at_once = m;
	soak = s;
}

static void report(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
			const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void report(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word, const char *fmt, ...)
{
	size_t n = strlen(reports);
	va_list ap;

	(void)ctx, (void)key, (void)near, (void)word;
	n += (size_t)snprintf(reports + n, sizeof(reports) - n, "%s ", code);
	for (; *path; path++)
		n += (size_t)snprintf(reports + n, sizeof(reports) - n, "/%s", *path);
	n += (size_t)snprintf(reports + n, sizeof(reports) - n, ": ");
	va_start(ap, fmt);
	n += (size_t)vsnprintf(reports + n, sizeof(reports) - n, fmt, ap);
	va_end(ap);
	snprintf(reports + n, sizeof(reports) - n, "\n");
}

static json_t *value;

static int expand(const struct resource_type *type, const char *config)
{
	autojson json_t *c = json_loads(config, 0, NULL);
	struct expand x = { .name = "train", .address = "gpu_node_pool.train", .dir = "/nonexistent", .config = c, .report = report };

	assert_non_null(c);
	for (unsigned i = 0; i < n_got; i++)
		json_decref(got[i].config);
	n_got = n_edges = canary = at_once = soak = 0;
	reports[0] = '\0';
	int rc = type->expand(&x);
	json_decref(value);
	value = x.value;
	return rc;
}

#define NODES "\"nodes\":[{\"name\":\"a\",\"bmc\":\"10.0.0.1\",\"rack\":\"r1\"},{\"name\":\"b\",\"bmc\":\"10.0.0.2\",\"bmc_pin\":\"sha256//x\",\"bmc_port\":\"8443\"}]"

static void a_pool_becomes_primitives_in_order(void **state)
{
	(void)state;
	int rc = expand(&rf_type_gpu_node_pool, "{" NODES ",\"gpu\":{\"product\":\"H100\",\"count\":8},\"bios\":{\"SecureBoot\":\"Enabled\"},\"power\":\"On\","
		"\"firmware\":{\"name\":\"hgx\",\"components\":{\"BMC\":{\"version\":\"1\"}}},\"mig\":{\"name\":\"inference\"},"
		"\"rollout\":{\"canary\":1,\"max_unavailable\":\"50%\",\"soak\":\"10m\"}}");
	assert_int_equal(rc, 0);
	assert_int_equal(n_got, 6);
	assert_string_equal(got[0].type, "firmware");
	assert_string_equal(got[3].key, "b");
	/* power on, then firmware, then BIOS */
	assert_int_equal(n_edges, 4);
	assert_string_equal(got[edges[0][0]].type, "firmware");
	assert_string_equal(got[edges[0][1]].type, "power");
	assert_string_equal(got[edges[1][0]].type, "bios");
	assert_string_equal(got[edges[1][1]].type, "firmware");
	assert_string_equal(json_str(json_at(got[3].config, "access"), "pin"), "sha256//x");
	assert_int_equal(json_int(json_at(got[3].config, "access"), "port", 0), 8443);
	assert_int_equal(canary, 1);
	assert_int_equal(at_once, 1);
	assert_int_equal(soak, 600);
	const json_t *first = json_array_get(json_at(value, "nodes"), 0);
	autofree char *text = json_text(first);
	assert_string_equal(text, "{\"bmc\":\"10.0.0.1\",\"firmware_baseline\":\"hgx\",\"gpu\":{\"count\":8,\"product\":\"H100\"},\"gpu_count\":8,"
		"\"gpu_product\":\"H100\",\"mig_layout\":\"inference\",\"name\":\"a\",\"pool\":\"train\",\"rack\":\"r1\"}");
	assert_null(strstr(json_str(json_array_get(json_at(value, "nodes"), 1), "name"), "pin"));
	assert_null(json_at(json_array_get(json_at(value, "nodes"), 1), "bmc_pin"));
	assert_string_equal(reports, "");
}

static void power_off_comes_last(void **state)
{
	(void)state;
	assert_int_equal(expand(&rf_type_gpu_node_pool, "{" NODES ",\"bios\":{\"x\":1},\"power\":\"Off\"}"), 0);
	assert_int_equal(n_got, 4);
	assert_string_equal(got[edges[0][0]].type, "power");
	assert_string_equal(got[edges[0][1]].type, "bios");
}

static void mistakes_are_told_at_their_place(void **state)
{
	static const struct { const char *config, *says; } cases[] = {
		{ "{\"nodes\":[{\"name\":\"a\",\"bmc\":\"1\"},{\"name\":\"a\",\"bmc\":\"2\"}]}", "E0111 /nodes/1/name: name \"a\" is also that of node 1" },
		{ "{\"nodes\":[{\"name\":\"a\",\"bmc\":\"1\"},{\"name\":\"b\",\"bmc\":\"1\"}]}", "E0111 /nodes/1/bmc: bmc \"1\" is also that of node 1" },
		{ "{\"nodes\":[{\"bmc\":\"1\"}]}", "E0109 /nodes/0: node 1 has no name" }, { "{\"nodes\":[{\"name\":\"a\"}]}", "E0109 /nodes/0: node 1 has no bmc" },
		{ "{\"nodes\":[{\"name\":3,\"bmc\":\"1\"}]}", "E0110 /nodes/0/name: name must be a string" }, { "{\"nodes\":[7]}", "E0110 /nodes/0: a node is an object" },
		{ "{\"nodes\":[{\"name\":\"a\",\"bmc\":\"1\",\"x\":{}}]}", "E0110 /nodes/0/x" },
		{ "{\"nodes\":[{\"name\":\"a\",\"bmc\":\"1\",\"bmc_password\":\"hunter2\"}]}", "E0111 /nodes/0/bmc_password: a password is given as a reference" },
		{ "{\"nodes\":[{\"name\":\"a\",\"bmc\":\"1\",\"bmc_port\":\"99999\"}]}", "E0110 /nodes/0/bmc_port" },
		{ "{\"nodes\":[],\"rollout\":{\"max_unavailable\":\"0\"}}", "E0111 /rollout/max_unavailable" },
		{ "{\"nodes\":[],\"rollout\":{\"max_unavailable\":\"5%%\"}}", "E0111 /rollout/max_unavailable" },
		{ "{\"nodes\":[],\"rollout\":{\"soak\":\"ten\"}}", "E0111 /rollout/soak" },
		{ "{\"nodes\":[],\"firmware\":\"hgx\"}", "E0110 /firmware" },
		{ "{\"nodes\":[],\"firmware\":{\"components\":{\"BMC\":{\"version\":\"\"}}}}", "E0111 /firmware/components/BMC/version" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(expand(&rf_type_gpu_node_pool, cases[i].config), E_INPUT);
		if (!strstr(reports, cases[i].says))
			fail_msg("case %zu: %s", i, reports);
		assert_null(strstr(reports, "hunter2"));
	}
}

static void several_hosts_behind_one_bmc_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(expand(&rf_type_gpu_node_pool, "{\"nodes\":[{\"name\":\"a\",\"bmc\":\"1\",\"system\":\"Node0\"},{\"name\":\"b\",\"bmc\":\"1\","
		"\"system\":\"Node1\"}],\"power\":\"On\"}"), 0);
	assert_string_equal(json_str(got[1].config, "system"), "Node1");
}

static void pins_are_checked(void **state)
{
	(void)state;
	assert_int_equal(expand(&rf_type_firmware_pin, "{\"components\":{\"BMC\":{\"version\":\"1\",\"image\":\"no/such.fwpkg\"}}}"), 0);
	assert_non_null(strstr(reports, "W0303 /components/BMC/image"));
	assert_string_equal(json_str(value, "name"), "train");
	assert_int_equal(expand(&rf_type_firmware_pin, "{\"components\":{\"BMC\":{\"version\":\"1\",\"sha256\":\"abc\"}}}"), E_INPUT);
	assert_non_null(strstr(reports, "E0111 /components/BMC/sha256"));
}

static void costs_are_described(void **state)
{
	static const struct { const char *path; enum effect_class is; int minutes; bool irreversible; } cases[] = {
		{ "components.HostBMC_0.version", EFFECT_BMC_RESET, 5, false }, { "components.HostBIOS_0.version", EFFECT_REBOOT, 10, false },
		{ "components.CPLDMB_0.version", EFFECT_AC_CYCLE, 20, false }, { "components.HGX_FW_GPU_*.version", EFFECT_AC_CYCLE, 41, false },
		{ "components.HGX_FW_*.version", EFFECT_AC_CYCLE, 41, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct effect e = { 0 };
		struct difference d = { .path = cases[i].path };
		rf_type_firmware.describe(NULL, NULL, &d, 1, &e);
		assert_int_equal(e.disruption, cases[i].is);
		assert_int_equal(e.minutes, cases[i].minutes);
		assert_int_equal(e.irreversible[0] != '\0', cases[i].irreversible);
		assert_int_equal(e.bmc_reset, cases[i].is == EFFECT_BMC_RESET);
	}
	/* Both happen to the machine, so both are told. */
	struct effect both = { 0 };
	struct difference d[] = { { .path = cases[0].path }, { .path = cases[3].path } };
	rf_type_firmware.describe(NULL, NULL, d, 2, &both);
	assert_int_equal(both.disruption, EFFECT_AC_CYCLE);
	assert_true(both.bmc_reset);
	assert_int_equal(both.minutes, 46);
}

static int pool_teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < n_got; i++)
		json_decref(got[i].config);
	json_decref(value);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_becomes_primitives_in_order),
		cmocka_unit_test(power_off_comes_last),
		cmocka_unit_test(mistakes_are_told_at_their_place),
		cmocka_unit_test(several_hosts_behind_one_bmc_are_told_apart),
		cmocka_unit_test(pins_are_checked),
		cmocka_unit_test(costs_are_described),
	};

	return cmocka_run_group_tests(tests, world_setup, pool_teardown);
}
