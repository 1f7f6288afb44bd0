#include "tests/unit/sim/bench_client.h"

#include "sim/fault.h"
#include "sim/power.h"

#define R "/redfish/v1"
#define RESET R "/Systems/DGX/Actions/ComputerSystem.Reset"
#define AUX R "/Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset"
#define INVENTORY R "/UpdateService/FirmwareInventory/"

static int setup(void **state)
{
	static struct client c;

	client_open(&c);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	client_close(*state);
	return 0;
}

static const char *field(struct client *c, const char *path, const char *name)
{
	assert_int_equal(ask(c, "GET", path, NULL), 200);
	return text_at(c, name);
}

static const char *power(struct client *c) { return field(c, R "/Systems/DGX", "PowerState"); }

static int reset(struct client *c, const char *type)
{
	char body[64];

	snprintf(body, sizeof body, "{\"ResetType\":\"%s\"}", type);
	return ask(c, "POST", RESET, body);
}

/* After RESET from START, the state seen after so many seconds. */
static void power_follows_its_table(void **state)
{
	static const struct { const char *start, *reset; int status; struct { int after; const char *power; } seen[5]; } rows[] = {
		{ "On", "On", 409, { { 0, "On" } } },
		{ "On", "ForceOff", 204, { { 0, "PoweringOff" }, { 2, "Off" }, { 1000, "Off" } } },
		{ "On", "GracefulShutdown", 204, { { 0, "PoweringOff" }, { 29, "PoweringOff" }, { 30, "Off" } } },
		{ "On", "PowerCycle", 204, { { 0, "PoweringOff" }, { 2, "Off" }, { 7, "PoweringOn" }, { 12, "On" } } },
		{ "On", "ForceRestart", 204, { { 0, "On" }, { 100, "On" } } },
		{ "On", "GracefulRestart", 204, { { 0, "On" }, { 100, "On" } } },
		{ "Off", "On", 204, { { 0, "PoweringOn" }, { 5, "On" } } },
		{ "Off", "ForceOn", 204, { { 0, "PoweringOn" }, { 5, "On" } } },
		{ "Off", "ForceOff", 409, { { 0, "Off" } } },
		{ "Off", "GracefulShutdown", 409, { { 0, "Off" } } },
		{ "Off", "ForceRestart", 409, { { 0, "Off" } } },
		{ "Off", "PowerCycle", 409, { { 0, "Off" } } },
	};
	struct client *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int passed = 0;

		power_force(c->bmc, strcmp(rows[i].start, "On") == 0);
		assert_int_equal(reset(c, rows[i].reset), rows[i].status);
		for (size_t k = 0; k < 5 && rows[i].seen[k].power; k++) {
			seconds_pass(rows[i].seen[k].after - passed);
			passed = rows[i].seen[k].after;
			if (strcmp(power(c), rows[i].seen[k].power) != 0)
				fail_msg("%s of a machine that is %s: %s after %d s", rows[i].reset, rows[i].start, power(c), passed);
		}
		login(c);
		c->bmc->sessions.at[0] = c->bmc->sessions.at[c->bmc->sessions.len - 1];
		c->bmc->sessions.len = 1;
	}
}

static void a_change_of_power_under_way_refuses_another(void **state)
{
	struct client *c = *state;

	assert_int_equal(reset(c, "GracefulShutdown"), 204);
	assert_int_equal(reset(c, "On"), 409);
	assert_int_equal(reset(c, "GracefulShutdown"), 409);
	assert_int_equal(reset(c, "ForceOff"), 204);
	seconds_pass(2);
	assert_string_equal(power(c), "Off");
}

static void boot_progress_goes_through_post(void **state)
{
	static const struct { int after; const char *word; } rows[] = {
		{ 0, "PrimaryProcessorInitializationStarted" }, { 40, "MemoryInitializationStarted" }, { 120, "PCIResourceConfigStarted" },
		{ 170, "SystemHardwareInitializationComplete" }, { 180, "OSBootStarted" }, { 220, "OSRunning" },
	};
	struct client *c = *state;
	int passed = 0;

	assert_int_equal(reset(c, "ForceRestart"), 204);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		seconds_pass(rows[i].after - passed);
		passed = rows[i].after;
		assert_string_equal(field(c, R "/Systems/DGX", "BootProgress/LastState"), rows[i].word);
	}
	power_force(c->bmc, false);
	assert_string_equal(field(c, R "/Systems/DGX", "BootProgress/LastState"), "None");
}

static void bios_settings_take_effect_after_post(void **state)
{
	struct client *c = *state;

	c->if_match = "*";
	assert_int_equal(ask(c, "PATCH", R "/Systems/DGX/Bios/Settings",
		"{\"Attributes\":{\"SecureBoot\":\"Enabled\",\"NumaPerSocket\":4,\"NumLock\":false}}"), 200);
	assert_string_equal(field(c, R "/Systems/DGX/Bios", "Attributes/SecureBoot"), "Disabled");
	assert_true(json_is_false(at(c, "Attributes/NumLock")));     /* needs no reset */
	assert_string_equal(field(c, R "/Systems/DGX/Bios/Settings", "Attributes/SecureBoot"), "Enabled");
	assert_int_equal(reset(c, "ForceRestart"), 204);
	seconds_pass(179);
	assert_string_equal(field(c, R "/Systems/DGX/Bios", "Attributes/SecureBoot"), "Disabled");
	seconds_pass(1);
	assert_string_equal(field(c, R "/Systems/DGX/Bios", "Attributes/SecureBoot"), "Enabled");
	assert_int_equal(json_integer_value(at(c, "Attributes/NumaPerSocket")), 4);
	assert_string_equal(field(c, R "/Systems/DGX/Bios/Settings", "Attributes/SecureBoot"), "(none)");
	assert_int_equal(c->bmc->bios_applied, 1);
}

static void one_wrong_bios_attribute_refuses_all(void **state)
{
	static const struct { const char *attributes, *code; } rows[] = {
		{ "\"SecureBoot\":\"Enabled\",\"Nix\":1", "PropertyUnknown" },
		{ "\"SecureBoot\":\"Enabled\",\"SystemSku\":\"x\"", "PropertyNotWritable" },
		{ "\"SecureBoot\":\"enabled\"", "PropertyValueNotInList" },
		{ "\"SecureBoot\":true", "PropertyValueTypeError" },
		{ "\"NumaPerSocket\":5", "PropertyValueOutOfRange" },
		{ "\"NumaPerSocket\":\"4\"", "PropertyValueTypeError" },
		{ "\"NumaPerSocket\":1.5", "PropertyValueTypeError" },
		{ "\"QuietBoot\":\"true\"", "PropertyValueTypeError" },
		{ "", "NoOperation" },
	};
	struct client *c = *state;

	c->if_match = "*";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *body = xasprintf("{\"Attributes\":{%s}}", rows[i].attributes);
		autofree char *code = xasprintf("Base.1.22.%s", rows[i].code);

		assert_int_equal(ask(c, "PATCH", R "/Systems/DGX/Bios/Settings", body), 400);
		assert_string_equal(text_at(c, "error/code"), code);
		assert_null(c->bmc->bios_pending);
	}
}

/* --- updates ------------------------------------------------------------------------------------------------- */

static int push(struct client *c, const char *params, const char *image)
{
	autofree char *body = xasprintf("--XX\r\nContent-Disposition: form-data; name=\"UpdateParameters\"\r\n"
		"Content-Type: application/json\r\n\r\n%s\r\n--XX\r\nContent-Disposition: form-data; name=\"UpdateFile\"; "
		"filename=\"a.fwpkg\"\r\nContent-Type: application/octet-stream\r\n\r\n%s\r\n--XX--\r\n", params, image);

	c->content_type = "multipart/form-data; boundary=XX";
	ask(c, "POST", R "/UpdateService/upload", body);
	c->content_type = NULL;
	return c->status;
}

#define IMAGE(component, version) "aipc-sim-firmware: {\"component\": \"" component "\", \"version\": \"" version "\"}\nballast\n"
#define AT(id) INVENTORY id

static const char *version(struct client *c, const char *id)
{
	autofree char *path = xasprintf(INVENTORY "%s", id);

	return field(c, path, "Version");
}

static bool has_message(struct client *c, const char *id)
{
	const json_t *all = at(c, "Messages");

	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(json_str(json_array_get(all, i), "MessageId"), id) == 0)
			return true;
	return false;
}

static void bmc_firmware_runs_after_a_bmc_reset(void **state)
{
	struct client *c = *state;
	char monitor[256];

	assert_int_equal(push(c, "{\"Targets\":[\"" AT("HostBMC_0") "\"]}", IMAGE("HostBMC_0", "24.09.17")), 202);
	assert_string_equal(text_at(c, "TaskState"), "Running");
	snprintf(monitor, sizeof monitor, "%s", c->location);
	assert_int_equal(ask(c, "GET", monitor, NULL), 202);
	assert_int_equal(push(c, "{}", IMAGE("HostBMC_0", "24.09.18")), 503);
	assert_non_null(redfish_reply_header(&c->reply, "Retry-After"));
	seconds_pass(130);
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "Running");
	assert_in_range(json_integer_value(at(c, "PercentComplete")), 40, 70);
	seconds_pass(120);
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "Completed");
	assert_true(has_message(c, "Update.1.3.UpdateSuccessful"));
	assert_true(has_message(c, "Update.1.3.AwaitToActivate"));
	assert_int_equal(ask(c, "GET", monitor, NULL), 200);
	assert_string_equal(version(c, "HostBMC_0"), "24.05.1");
	assert_int_equal(ask(c, "POST", R "/Managers/BMC/Actions/Manager.Reset", "{\"ResetType\":\"GracefulRestart\"}"), 204);
	seconds_pass(1);
	bmc_settle(c->bmc);
	assert_true(bmc_away(c->bmc));
	seconds_pass(T_BMC_RESET);
	bmc_settle(c->bmc);
	assert_false(bmc_away(c->bmc));
	assert_int_equal(ask(c, "GET", R "/Systems", NULL), 401);
	login(c);
	assert_string_equal(version(c, "HostBMC_0"), "24.09.17");
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "Completed");
	assert_int_equal(c->bmc->bmc_resets, 1);
}

static void immediate_lets_the_bmc_reset_itself(void **state)
{
	struct client *c = *state;

	assert_int_equal(push(c, "{\"@Redfish.OperationApplyTime\":\"Immediate\"}", IMAGE("HostBMC_0", "24.09.17")), 202);
	seconds_pass(T_VERIFY + 240 + T_BMC_RESET_DELAY);
	bmc_settle(c->bmc);
	assert_true(bmc_away(c->bmc));
	seconds_pass(T_BMC_RESET);
	login(c);
	assert_string_equal(version(c, "HostBMC_0"), "24.09.17");
}

static void hgx_firmware_runs_after_copy_and_ac_cycle(void **state)
{
	struct client *c = *state;

	assert_int_equal(push(c, "{\"Targets\":[\"" AT("HGX_0") "\"]}", IMAGE("HGX_FW_*", "1.6.0")), 202);
	seconds_pass(T_VERIFY + 240);
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "Completed");
	assert_string_equal(field(c, R "/Chassis/HGX_ERoT_GPU_SXM_3", "Oem/Nvidia/BackgroundCopyStatus"), "InProgress");
	assert_string_equal(field(c, R "/Chassis/ERoT_BIOS_0", "Oem/Nvidia/BackgroundCopyStatus"), "Completed");
	assert_int_equal(ask(c, "POST", AUX, "{\"ResetType\":\"AuxPowerCycle\"}"), 400);
	seconds_pass(T_BACKGROUND_COPY);
	assert_string_equal(field(c, R "/Chassis/HGX_ERoT_GPU_SXM_3", "Oem/Nvidia/BackgroundCopyStatus"), "Completed");
	assert_int_equal(reset(c, "GracefulShutdown"), 204);
	seconds_pass(T_SHUTDOWN);
	assert_string_equal(version(c, "HGX_FW_GPU_SXM_3"), "1.5.0");
	assert_int_equal(ask(c, "POST", AUX, "{\"ResetType\":\"AuxPowerCycle\"}"), 204);
	seconds_pass(1 + T_AC_CYCLE);
	login(c);
	assert_string_equal(power(c), "Off");
	assert_string_equal(version(c, "HGX_FW_GPU_SXM_3"), "1.6.0");
	assert_string_equal(version(c, "HGX_FW_ERoT_NVSwitch_3"), "1.6.0");
	assert_string_equal(version(c, "HGX_InfoROM_GPU_SXM_1"), "G520.0200.00.05");
	assert_string_equal(version(c, "HostBMC_0"), "24.05.1");
	assert_int_equal(c->bmc->ac_cycles, 1);
}

static void an_ac_cycle_in_the_middle_of_the_copy_keeps_the_old_version(void **state)
{
	struct client *c = *state;

	assert_int_equal(push(c, "{}", IMAGE("HGX_FW_*", "1.6.0")), 202);
	seconds_pass(T_VERIFY + 240 + 10);
	assert_int_equal(ask(c, "POST", R "/Chassis/DGX/Actions/Chassis.Reset", "{\"ResetType\":\"PowerCycle\"}"), 204);
	seconds_pass(1 + T_AC_CYCLE);
	login(c);
	assert_string_equal(version(c, "HGX_FW_GPU_SXM_1"), "1.5.0");
	assert_string_equal(version(c, "HGX_FW_PCIeRetimer_0"), "1.6.0");     /* has no ERoT */
	assert_string_equal(power(c), "PoweringOn");                          /* LastState */
	seconds_pass(T_BACKGROUND_COPY);
	assert_int_equal(ask(c, "POST", R "/Chassis/DGX/Actions/Chassis.Reset", "{\"ResetType\":\"PowerCycle\"}"), 204);
	seconds_pass(1 + T_AC_CYCLE);
	login(c);
	assert_string_equal(version(c, "HGX_FW_GPU_SXM_1"), "1.6.0");
}

static void bios_firmware_runs_after_a_host_reset(void **state)
{
	struct client *c = *state;

	assert_int_equal(push(c, "{}", IMAGE("HostBIOS_0", "1.2.0")), 202);
	seconds_pass(T_VERIFY + 180);
	assert_string_equal(version(c, "HostBIOS_0"), "1.1.3");
	assert_int_equal(reset(c, "ForceRestart"), 204);
	seconds_pass(T_POST);
	assert_string_equal(version(c, "HostBIOS_0"), "1.2.0");
	assert_string_equal(field(c, R "/Systems/DGX", "BiosVersion"), "1.2.0");
}

static void same_and_lower_versions_are_skipped_unless_forced(void **state)
{
	struct client *c = *state;

	assert_int_equal(push(c, "{}", IMAGE("HostBMC_0", "24.05.1")), 202);
	seconds_pass(T_VERIFY);
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "Completed");
	assert_true(has_message(c, "Update.1.3.UpdateSkippedSameVersion"));
	assert_int_equal(push(c, "{}", IMAGE("HostBMC_0", "23.1")), 202);
	seconds_pass(T_VERIFY);
	assert_string_equal(field(c, R "/TaskService/Tasks/2", "TaskState"), "Completed");
	assert_true(has_message(c, "Update.1.3.UpdateSkippedVersionTooLow"));
	assert_int_equal(push(c, "{\"ForceUpdate\":true}", IMAGE("HostBMC_0", "23.1")), 202);
	seconds_pass(T_VERIFY + 240);
	bmc_settle(c->bmc);
	assert_string_equal(item_staged(c->bmc, (unsigned)firmware_find("HostBMC_0")), "23.1");
}

static void wrong_images_end_in_exception(void **state)
{
	static const struct { const char *image, *message; } rows[] = {
		{ "", "Update.1.3.VerificationFailed" },
		{ "MZ\x90 something", "Update.1.3.VerificationFailed" },
		{ "x aipc-sim-firmware: {\"component\":\"HostBMC_0\",\"version\":\"9\"}", "Update.1.3.VerificationFailed" },
		{ "aipc-sim-firmware: {\"component\":\"HostBMC_0\"}", "Update.1.3.VerificationFailed" },
		{ "aipc-sim-firmware: {\"component\":\"HostBMC_0\",\"version\":\"9\",\"signature\":\"invalid\"}", "Update.1.3.VerificationFailed" },
		{ "aipc-sim-firmware: {\"component\":\"HostBMC_0\",\"version\":\"0123456789012345678901234567890123456789\"}",
		  "Update.1.3.VerificationFailed" },
		{ IMAGE("Nothing_*", "1"), "Update.1.3.NoTargetsDetermined" },
	};
	struct client *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *task = xasprintf(R "/TaskService/Tasks/%zu", i + 1);
		autofree char *monitor = xasprintf(R "/TaskService/TaskMonitors/%zu", i + 1);

		assert_int_equal(push(c, "{}", rows[i].image), 202);
		seconds_pass(T_VERIFY);
		assert_string_equal(field(c, task, "TaskState"), "Exception");
		assert_string_equal(text_at(c, "TaskStatus"), "Critical");
		assert_true(has_message(c, rows[i].message));
		assert_int_equal(ask(c, "GET", monitor, NULL), 400);
	}
	assert_string_equal(version(c, "HostBMC_0"), "24.05.1");
}

static void a_bmc_reset_ends_an_update_under_way(void **state)
{
	struct client *c = *state;

	assert_int_equal(push(c, "{}", IMAGE("HostBMC_0", "24.09.17")), 202);
	seconds_pass(60);
	assert_int_equal(ask(c, "POST", R "/Managers/BMC/Actions/Manager.Reset", NULL), 204);
	seconds_pass(1 + T_BMC_RESET);
	login(c);
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "Exception");
	assert_true(has_message(c, "Update.1.3.ApplyFailed"));
	assert_null(item_staged(c->bmc, (unsigned)firmware_find("HostBMC_0")));
}

static void simple_update_waits_for_its_image(void **state)
{
	static const char image[] = IMAGE("PSU_*", "0203");
	struct client *c = *state;
	char sha[65];

	assert_int_equal(ask(c, "POST", R "/UpdateService/Actions/UpdateService.SimpleUpdate",
		"{\"ImageURI\":\"127.0.0.1:80/psu.bin\",\"TransferProtocol\":\"HTTP\"}"), 202);
	assert_string_equal(c->reply.fetch_uri, "http://127.0.0.1:80/psu.bin");
	assert_int_equal(c->reply.fetch_task, 1);
	seconds_pass(1000);
	assert_string_equal(field(c, R "/TaskService/Tasks/1", "TaskState"), "New");
	str_sha256(image, sizeof image - 1, sha);
	update_image(c->bmc, 1, image, sizeof image - 1, sha, sizeof image - 1, "http://x");
	seconds_pass(T_VERIFY + 90);
	assert_string_equal(version(c, "PSU_5"), "0203");
	assert_int_equal(c->bmc->images.len, 1);
	assert_string_equal(c->bmc->images.at[0].sha256, sha);
	assert_int_equal(ask(c, "POST", R "/UpdateService/Actions/UpdateService.SimpleUpdate", "{\"ImageURI\":\"https://h/x\"}"), 202);
	update_no_image(c->bmc, 2);
	assert_string_equal(field(c, R "/TaskService/Tasks/2", "TaskState"), "Exception");
	assert_true(has_message(c, "Update.1.3.TransferFailed"));
}

static void finished_tasks_make_room(void **state)
{
	struct client *c = *state;

	for (unsigned i = 0; i < SIM_MAX_TASKS + 5; i++) {
		assert_int_equal(push(c, "{}", "no image"), 202);
		seconds_pass(T_VERIFY);
	}
	assert_int_equal(ask(c, "GET", R "/TaskService/Tasks/5", NULL), 404);
	assert_int_equal(ask(c, "GET", R "/TaskService/Tasks/6", NULL), 200);
	assert_int_equal(ask(c, "GET", R "/TaskService/Tasks", NULL), 200);
	assert_int_equal(json_integer_value(at(c, "Members@odata.count")), SIM_MAX_TASKS);
}

/* --- faults -------------------------------------------------------------------------------------------------- */

static void plan(struct client *c, const char *text)
{
	autojson json_t *j = json_loads(text, 0, NULL);
	struct err err;

	fault_plan_free(c->fleet->faults);
	c->fleet->faults = NULL;
	assert_int_equal(fault_plan_read(j, c->fleet->n, &c->fleet->faults, &err), 0);
}

static void faults_are_matched_counted_and_skipped(void **state)
{
	struct client *c = *state;
	struct fault_hit hit;
	const int expected[] = { 0, 500, 500, 0, 0 };

	plan(c, "{\"faults\":[{\"fault\":\"status\",\"bmc\":\"gpu-0001\",\"method\":\"GET\",\"path\":\"*Systems*\",\"status\":500,"
		"\"skip\":1,\"count\":2},{\"fault\":\"latency\",\"ms\":7}]}");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		fault_request(c->fleet, c->bmc, "GET", R "/Systems/DGX", &hit);
		assert_int_equal(hit.status, expected[i]);
		assert_int_equal(hit.latency_ms, 7);
	}
	fault_request(c->fleet, &c->fleet->bmcs[1], "GET", R "/Systems/DGX", &hit);
	assert_int_equal(hit.status, 0);
	plan(c, "{\"faults\":[{\"fault\":\"drop\",\"when\":\"after\",\"probability\":0},{\"fault\":\"black_hole\",\"accept\":false,\"count\":1}]}");
	fault_request(c->fleet, c->bmc, "GET", R, &hit);
	assert_int_equal(hit.drop, DROP_NO);
	assert_false(hit.black_hole);
	assert_false(fault_accepts(c->fleet, c->bmc));
	assert_true(fault_accepts(c->fleet, c->bmc));
}

static void wrong_plans_are_refused_by_name(void **state)
{
	static const struct { const char *plan, *says; } rows[] = {
		{ "[]", "a fault plan is {\"faults\": [...]}" },
		{ "{\"faults\":[1]}", "fault 1 is not an object" },
		{ "{\"faults\":[{}]}", "fault 1 has no \"fault\"" },
		{ "{\"faults\":[{\"fault\":\"stal\"}]}", "fault 1: no fault is called \"stal\"; did you mean \"stall\"?" },
		{ "{\"faults\":[{\"fault\":\"stall\",\"cuont\":1}]}", "fault 1: \"cuont\" is not a member of a fault" },
		{ "{\"faults\":[{\"fault\":\"stall\"},{\"fault\":\"status\",\"status\":200}]}",
		  "fault 2: \"status\" is a whole number from 400 to 599" },
		{ "{\"faults\":[{\"fault\":\"drop\",\"when\":\"later\"}]}", "fault 1: \"when\" is \"before\", \"after\" or \"body\"" },
		{ "{\"faults\":[{\"fault\":\"stall\",\"probability\":2}]}", "fault 1: \"probability\" is from 0 to 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *j = json_loads(rows[i].plan, 0, NULL);
		struct fault_plan *p = NULL;
		struct err err;

		assert_int_equal(fault_plan_read(j, 2, &p, &err), E_INPUT);
		assert_string_equal(err.msg, rows[i].says);
		assert_null(p);
	}
}

static void faults_of_updates(void **state)
{
	struct client *c = *state;

	plan(c, "{\"faults\":[{\"fault\":\"lost_task\",\"count\":1}]}");
	assert_int_equal(push(c, "{}", IMAGE("PSU_*", "0203")), 202);
	assert_int_equal(ask(c, "GET", R "/TaskService/Tasks/1", NULL), 200);
	seconds_pass(T_VERIFY + 1);
	assert_int_equal(ask(c, "GET", R "/TaskService/Tasks/1", NULL), 404);
	seconds_pass(90);
	assert_string_equal(version(c, "PSU_0"), "0203");

	plan(c, "{\"faults\":[{\"fault\":\"stall\",\"count\":1}]}");
	assert_int_equal(push(c, "{}", IMAGE("PSU_*", "0204")), 202);
	seconds_pass(1700);
	assert_string_equal(field(c, R "/TaskService/Tasks/2", "TaskState"), "Running");
	assert_int_equal(ask(c, "POST", R "/Managers/BMC/Actions/Manager.Reset", NULL), 204);
	seconds_pass(1 + T_BMC_RESET);
	login(c);
	assert_string_equal(field(c, R "/TaskService/Tasks/2", "TaskState"), "Exception");

	plan(c, "{\"faults\":[{\"fault\":\"reset_mid_update\",\"count\":1}]}");
	assert_int_equal(push(c, "{}", IMAGE("PSU_*", "0205")), 202);
	seconds_pass(T_VERIFY + 46);
	bmc_settle(c->bmc);
	assert_true(bmc_away(c->bmc));
	seconds_pass(T_BMC_RESET);
	login(c);
	assert_string_equal(field(c, R "/TaskService/Tasks/3", "TaskState"), "Exception");
	assert_string_equal(version(c, "PSU_0"), "0203");
	assert_int_equal(push(c, "{}", IMAGE("PSU_*", "0205")), 202);
}

/* --- events -------------------------------------------------------------------------------------------------- */

static char heard[1024];

static void hear(void *arg, struct bmc *b, const char *sub, const json_t *event)
{
	const json_t *record = json_array_get(json_at(event, "Events"), 0);
	size_t n = strlen(heard);

	(void)arg;
	(void)b;
	snprintf(heard + n, sizeof heard - n, "%s %s %s;", sub, json_str(event, "Context"), json_str(record, "MessageId"));
}

static void events_reach_the_subscriptions_that_take_them(void **state)
{
	struct client *c = *state;

	heard[0] = '\0';
	c->fleet->on_event = hear;
	assert_int_equal(ask(c, "POST", R "/EventService/Subscriptions",
		"{\"Destination\":\"http://h/\",\"Context\":\"all\"}"), 201);
	assert_int_equal(ask(c, "POST", R "/EventService/Subscriptions/Members",
		"{\"Destination\":\"http://h/\",\"Context\":\"tasks\",\"RegistryPrefixes\":[\"TaskEvent\"]}"), 201);
	assert_int_equal(ask(c, "POST", R "/EventService/Actions/EventService.SubmitTestEvent", "{}"), 204);
	assert_string_equal(heard, "1 all ResourceEvent.1.4.TestMessage;");
	heard[0] = '\0';
	assert_int_equal(push(c, "{}", IMAGE("PSU_*", "0203")), 202);
	assert_string_equal(heard, "1 all TaskEvent.1.0.TaskStarted;2 tasks TaskEvent.1.0.TaskStarted;");
	heard[0] = '\0';
	assert_int_equal(ask(c, "DELETE", R "/EventService/Subscriptions/1", NULL), 204);
	seconds_pass(T_VERIFY + 90);
	bmc_settle(c->bmc);
	assert_string_equal(heard, "2 tasks TaskEvent.1.0.TaskCompletedOK;");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(power_follows_its_table), T(a_change_of_power_under_way_refuses_another), T(boot_progress_goes_through_post),
		T(bios_settings_take_effect_after_post), T(one_wrong_bios_attribute_refuses_all), T(bmc_firmware_runs_after_a_bmc_reset),
		T(immediate_lets_the_bmc_reset_itself), T(hgx_firmware_runs_after_copy_and_ac_cycle),
		T(an_ac_cycle_in_the_middle_of_the_copy_keeps_the_old_version), T(bios_firmware_runs_after_a_host_reset),
		T(same_and_lower_versions_are_skipped_unless_forced), T(wrong_images_end_in_exception),
		T(a_bmc_reset_ends_an_update_under_way), T(simple_update_waits_for_its_image), T(finished_tasks_make_room),
		T(faults_are_matched_counted_and_skipped), T(wrong_plans_are_refused_by_name), T(faults_of_updates), T(events_reach_the_subscriptions_that_take_them),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
