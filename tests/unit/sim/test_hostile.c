#include "tests/unit/sim/bench_client.h"

#include "sim/control.h"

static uint64_t below(uint64_t n) { return clock_random_below(n); }

#define PICK(list) (list)[below(ARRAY_LEN(list))]

static const char *const methods[] = { "GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "", "\xff" };
static const char *const steps[] = { "redfish", "v1", "Systems", "DGX", "HGX_Baseboard_0", "Bios", "Settings", "Actions",
	"ComputerSystem.Reset", "Managers", "BMC", "Manager.Reset", "Chassis", "BMC_0", "UpdateService", "FirmwareInventory", "HGX_0", "upload",
	"push", "UpdateService.SimpleUpdate", "TaskService", "Tasks", "TaskMonitors", "1", "2", "4294967297", "SessionService", "Sessions",
	"AccountService", "Accounts", "Roles", "EventService", "Subscriptions", "Members", "SSE", "Registries", "*", "..", "", "%00", "\xc3\x28",
	"$metadata", "odata", "EventService.SubmitTestEvent", "Oem", "NvidiaChassis.AuxPowerReset" };
static const char *const queries[] = { "", "", "$top=1", "$skip=60", "$top=-1", "$skip=999999999999", "$expand=*", "only", "&&==&", "$top",
	"%24top=3&$skip=1" };
static const char *const scraps[] = { "{", "}", "[", "]", ":", ",", "\"", "\"Attributes\"", "\"Targets\"", "\"ResetType\"", "\"On\"", "\"ForceOff\"",
	"\"UserName\"", "\"Password\"", "\"RoleId\"", "\"Boot\"", "\"ImageURI\"", "\"http://x\"", "null", "true", "-1", "1e400", "0",
	"\"\\u0000\"", "\"\xff\"", "\"@odata.id\"", "\"Destination\"", "aipc-sim-firmware: ", "\"component\"", "\"version\"" };
static const char *const whole[] = { "{\"ResetType\":\"ForceOff\"}", "{\"ResetType\":\"On\"}", "{\"ResetType\":\"AuxPowerCycle\"}",
	"{\"ResetType\":\"PowerCycle\"}", "{\"ImageURI\":\"http://h/i\"}", "{\"Destination\":\"http://h/\",\"MessageIds\":[]}",
	("{\"UserName\":\"admin\",\"Password\":\"" PASSWORD "\"}"), "{\"UserName\":\"u\",\"Password\":\"longenough\",\"RoleId\":\"Operator\"}",
	"{\"Attributes\":{\"SecureBoot\":\"Enabled\"}}", "{\"AssetTag\":\"x\",\"Boot\":{\"BootSourceOverrideTarget\":\"Pxe\"}}",
	"aipc-sim-firmware: {\"component\":\"*\",\"version\":\"99\"}" };

static void random_path(struct str *s)
{
	if (below(10))
		str_add(s, "/redfish/v1");
	for (uint64_t i = below(7); i > 0; i--)
		str_addf(s, "/%s", PICK(steps));
	str_addf(s, "?%s", PICK(queries));
}

static void random_body(struct str *s)
{
	if (below(2)) {
		str_add(s, PICK(whole));
		return;
	}
	for (uint64_t i = below(30); i > 0; i--)
		str_add(s, PICK(scraps));
}

/* Real paths of real resources, so that requests get deep. */
static const char *const good[] = { "/redfish/v1/Systems/DGX", "/redfish/v1/Systems/DGX/Bios/Settings",
	"/redfish/v1/Systems/DGX/Actions/ComputerSystem.Reset", "/redfish/v1/Managers/BMC/Actions/Manager.Reset",
	"/redfish/v1/Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset", "/redfish/v1/Chassis/DGX/Actions/Chassis.Reset",
	"/redfish/v1/UpdateService/push", "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate", "/redfish/v1/TaskService/Tasks/1",
	"/redfish/v1/TaskService/Tasks/2", "/redfish/v1/AccountService/Accounts", "/redfish/v1/AccountService/Accounts/2",
	"/redfish/v1/SessionService/Sessions", "/redfish/v1/EventService/Subscriptions", "/redfish/v1/EventService/Subscriptions/1" };

static void no_request_breaks_it(void **state)
{
	struct client c;
	unsigned answered[6] = { 0 };

	(void)state;
	client_open(&c);
	for (int i = 0; i < 20000; i++) {
		autostr struct str path, body;

		str_init(&path, 4096);
		str_init(&body, 65536);
		if (below(3))
			str_add(&path, PICK(good));
		else
			random_path(&path);
		random_body(&body);
		c.if_match = below(2) ? "*" : NULL;
		c.content_type = below(8) ? NULL : "multipart/form-data; boundary=x";
		ask(&c, PICK(methods), path.at, body.at);
		if (c.status < 200 || c.status > 599)
			fail_msg("%s: %d", path.at, c.status);
		if (c.status >= 400 && (!c.body || !json_str(json_at(c.body, "error"), "code")))
			fail_msg("%s: %d without an error body", path.at, c.status);
		answered[c.status / 100]++;
		if (c.status == 401) {
			c.content_type = NULL;
			c.bmc->sessions.len = 0;
			login(&c);
		}
		if (below(10) == 0)
			seconds_pass((int64_t)below(400));
	}
	assert_true(answered[2] > 1000 && answered[4] > 1000);
	client_close(&c);
}

static void no_command_breaks_the_control_port(void **state)
{
	static const char *const paths[] = { "/v1/bmcs", "/v1/bmcs/gpu-0001", "/v1/bmcs/gpu-0003", "/v1/bmcs/", "/v1/totals", "/v1/faults",
		"/v1/time", "/", "" };
	static const char *const bodies[] = { "", "{}", "[]", "{\"advance_s\":1}", "{\"advance_s\":-1}", "{\"advance_s\":1e300}",
		"{\"faults\":[{\"fault\":\"stall\"}]}", "{\"faults\":{}}", "{\"power\":\"Off\"}", "{\"power\":1}", "{\"firmware\":{\"CX7_0\":\"2\"}}",
		"{\"firmware\":{\"CX7_0\":2}}", "{\"firmware\":[]}", "{\"bios\":{\"SecureBoot\":7}}", "{\"bios\":{\"SecureBoot\":\"Enabled\"}}", "\xff" };
	struct client c;

	(void)state;
	client_open(&c);
	for (size_t m = 0; m < 2; m++) {
		for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
			for (size_t b = 0; b < ARRAY_LEN(bodies); b++) {
				autofree char *out = NULL;
				autojson json_t *j = NULL;
				bool stop = false;
				int status = control_handle(c.fleet, m ? "POST" : "GET", paths[p], bodies[b], strlen(bodies[b]), &out, &stop);

				assert_true(status == 200 || status == 400 || status == 404 || status == 405);
				j = json_loads(out, 0, NULL);
				assert_non_null(j);
				assert_int_equal(json_str(j, "error") == NULL, status == 200);
				assert_false(stop);
			}
		}
	}
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_request_breaks_it), cmocka_unit_test(no_command_breaks_the_control_port),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
