#include "tests/unit/sim/bench_client.h"

#define R "/redfish/v1"
#define BASE "Base.1.22."

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

/* One request, its status, and one field of the reply ("" for none). */
struct row { const char *method, *path, *body; int status; const char *field, *value; };

#define CODE "error/code"
static const struct row rows[] = {
	{ "GET", "/redfish", NULL, 200, "v1", "/redfish/v1/" },
	{ "GET", R, NULL, 200, "@odata.id", "/redfish/v1/" },
	{ "GET", R "/", NULL, 200, "RedfishVersion", "1.18.0" },
	{ "HEAD", R "/Systems", NULL, 200, "Name", "Computer System Collection" },
	{ "GET", R "/Systems/DGX", NULL, 200, "PowerState", "On" },
	{ "GET", R "/Systems/DGX/", NULL, 200, "Id", "DGX" },
	{ "GET", R "/Systems/dgx", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/Systems/DGX/..", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", "/redfish/v2", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "x", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/Systems/HGX_Baseboard_0/Processors/GPU_SXM_8", NULL, 200, "ProcessorType", "GPU" },
	{ "GET", R "/Systems/HGX_Baseboard_0/Processors/GPU_SXM_9", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/Systems/DGX/Processors/GPU_SXM_1", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/UpdateService/FirmwareInventory/HostBMC_0", NULL, 200, "Version", "24.05.1" },
	{ "GET", R "/UpdateService/FirmwareInventory/HostBMC_1", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/Chassis/HGX_ERoT_GPU_SXM_8", NULL, 200, "Oem/Nvidia/BackgroundCopyStatus", "Completed" },
	{ "GET", R "/TaskService/Tasks/1", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/TaskService/Tasks/01", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "GET", R "/Systems/DGX?$expand=*", NULL, 501, CODE, BASE "QueryNotSupported" },
	{ "GET", R "/Systems/DGX?only", NULL, 200, "Id", "DGX" },
	{ "GET", R "/Systems/DGX?$top=1", NULL, 400, CODE, BASE "QueryNotSupportedOnResource" },
	{ "GET", R "/Systems?$top=x", NULL, 400, CODE, BASE "QueryParameterValueTypeError" },
	{ "GET", R "/Systems?$skip=-1", NULL, 400, CODE, BASE "QueryParameterOutOfRange" },
	{ "GET", R "/Systems?$skip=99999999999999999999", NULL, 400, CODE, BASE "QueryParameterValueTypeError" },
	{ "GET", R "/Systems?$skip=1", NULL, 200, "Members/0/@odata.id", R "/Systems/HGX_Baseboard_0" },
	{ "GET", R "/Systems/DGX/Actions/ComputerSystem.Reset", NULL, 405, CODE, BASE "OperationNotAllowed" },
	{ "POST", R "/Systems/DGX", "{}", 405, CODE, BASE "OperationNotAllowed" },
	{ "DELETE", R "/Systems/DGX", NULL, 405, CODE, BASE "OperationNotAllowed" },
	{ "DELETE", R "/Systems/Nowhere", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "PUT", R "/Systems/DGX", "{}", 405, CODE, BASE "OperationNotAllowed" },
	{ "BREW", R "/Systems/DGX", NULL, 405, CODE, BASE "OperationNotAllowed" },
	{ "PATCH", R "/Systems/DGX", "{\"AssetTag\":", 400, CODE, BASE "MalformedJSON" },
	{ "PATCH", R "/Systems/DGX", NULL, 400, CODE, BASE "MalformedJSON" },
	{ "PATCH", R "/Systems/DGX", "[1]", 400, CODE, BASE "UnrecognizedRequestBody" },
	{ "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"a\",\"AssetTag\":\"b\"}", 400, CODE, BASE "MalformedJSON" },
	{ "PATCH", R "/Systems/DGX", "{}", 400, CODE, BASE "EmptyJSON" },
	{ "PATCH", R "/Systems/DGX", "{\"@odata.id\":\"x\"}", 400, CODE, BASE "NoOperation" },
	{ "PATCH", R "/Systems/DGX", "{\"Colour\":\"red\"}", 400, CODE, BASE "PropertyUnknown" },
	{ "PATCH", R "/Systems/DGX", "{\"PowerState\":\"Off\"}", 400, CODE, BASE "PropertyNotWritable" },
	{ "PATCH", R "/Systems/DGX", "{\"AssetTag\":7}", 400, CODE, BASE "PropertyValueTypeError" },
	{ "PATCH", R "/Systems/DGX", "{\"Boot\":{\"BootSourceOverrideTarget\":\"Moon\"}}", 400, CODE, BASE "PropertyValueNotInList" },
	{ "PATCH", R "/Systems/DGX", "{\"Boot\":{\"BootSourceOverrideTarget\":\"Pxe\"}}", 200, "Boot/BootSourceOverrideTarget", "Pxe" },
	{ "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"T-1\",\"Colour\":1}", 200, "AssetTag", "T-1" },
	{ "PATCH", R "/SessionService", "{\"SessionTimeout\":29}", 400, CODE, BASE "PropertyValueOutOfRange" },
	{ "POST", R "/Systems/DGX/Actions/ComputerSystem.Reset", "{}", 400, CODE, BASE "ActionParameterMissing" },
	{ "POST", R "/Systems/DGX/Actions/ComputerSystem.Reset", "{\"ResetType\":\"Boom\"}", 400, CODE, BASE "ActionParameterValueNotInList" },
	{ "POST", R "/Systems/DGX/Actions/ComputerSystem.Reset", "{\"ResetType\":1}", 400, CODE, BASE "ActionParameterValueTypeError" },
	{ "POST", R "/Systems/DGX/Actions/ComputerSystem.Reset", "{\"ResetType\":\"On\",\"Now\":1}", 400, CODE, BASE "ActionParameterUnknown" },
	{ "POST", R "/Systems/DGX/Actions/ComputerSystem.Reset", "{\"ResetType\":\"On\"}", 409, CODE, BASE "ResourceInUse" },
	{ "POST", R "/Systems/X/Actions/ComputerSystem.Reset", "{\"ResetType\":\"On\"}", 404, CODE, BASE "ResourceMissingAtURI" },
	{ "POST", R "/Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset", "{\"ResetType\":\"AuxPowerCycle\"}", 400, CODE,
	  BASE "ChassisPowerStateOffRequired" },
	{ "PATCH", R "/Systems/DGX/Bios/Settings", "{\"Attributes\":{\"BootMode\":\"LegacyBoot\"}}", 428, CODE, BASE "PreconditionRequired" },
	{ "POST", R "/SessionService/Sessions", "{\"UserName\":\"admin\"}", 400, CODE, BASE "CreateFailedMissingReqProperties" },
	{ "POST", R "/SessionService/Sessions", "{\"UserName\":\"admin\",\"Password\":\"wrong\"}", 401, CODE, BASE "ResourceAtUriUnauthorized" },
	{ "POST", R "/SessionService/Sessions", "{\"UserName\":\"root\",\"Password\":\"" PASSWORD "\"}", 401, CODE,
	  BASE "ResourceAtUriUnauthorized" },
	{ "POST", R "/AccountService/Accounts", "{\"UserName\":\"u\",\"Password\":\"short\",\"RoleId\":\"Operator\"}", 400, CODE,
	  BASE "PropertyValueFormatError" },
	{ "POST", R "/AccountService/Accounts", "{\"UserName\":\"admin\",\"Password\":\"longenough\",\"RoleId\":\"Operator\"}", 400, CODE,
	  BASE "ResourceAlreadyExists" },
	{ "DELETE", R "/AccountService/Accounts/1", NULL, 400, CODE, BASE "ResourceCannotBeDeleted" },
	{ "POST", R "/EventService/Subscriptions", "{\"Destination\":\"ftp://x\"}", 400, CODE, BASE "PropertyValueFormatError" },
	{ "POST", R "/EventService/Subscriptions", "{\"Destination\":\"https://127.0.0.1/e\"}", 201, "Context", "" },
	{ "DELETE", R "/EventService/Subscriptions/1", NULL, 204, "", NULL },
	{ "DELETE", R "/EventService/Subscriptions/1", NULL, 404, CODE, BASE "ResourceMissingAtURI" },
	{ "HEAD", R "/EventService/SSE", NULL, 200, "", NULL },
	{ "DELETE", R "/EventService/SSE", NULL, 405, CODE, BASE "OperationNotAllowed" },
	{ "GET", R "/EventService/Subscriptions", NULL, 200, "Members/0/@odata.id", "(none)" },
	{ "POST", R "/UpdateService/Actions/UpdateService.SimpleUpdate", "{}", 400, CODE, BASE "ActionParameterMissing" },
	{ "POST", R "/UpdateService/Actions/UpdateService.SimpleUpdate", "{\"ImageURI\":\"tftp://x/y\"}", 400, CODE,
	  BASE "ActionParameterValueFormatError" },
	{ "POST", R "/UpdateService/Actions/UpdateService.SimpleUpdate",
	  "{\"ImageURI\":\"http://x/y\",\"Targets\":[\"/redfish/v1/UpdateService/FirmwareInventory/Nix\"]}", 400, CODE,
	  BASE "ResourceMissingAtURI" },
	{ "POST", R "/UpdateService/upload", "x", 415, CODE, BASE "HeaderInvalid" },
};

static void requests_are_answered_as_the_standard_says(void **state)
{
	struct client *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		int status = ask(c, r->method, r->path, r->body);

		if (status != r->status || (*r->field && strcmp(text_at(c, r->field), r->value) != 0))
			fail_msg("%s %s %s: %d %s = %s; expected %d %s\n%s", r->method, r->path, r->body ? r->body : "", status, r->field,
				text_at(c, r->field), r->status, r->value ? r->value : "", c->reply.body ? c->reply.body : "");
	}
}

static void reading_needs_credentials_except_the_root(void **state)
{
	static const char *const open[] = { "/redfish", R, R "/odata", R "/$metadata" };
	static const char *const closed[] = { R "/Systems", R "/Nothing", R "/SessionService/Sessions", R "/Systems/DGX/Bios" };
	struct client *c = *state;

	c->token[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		assert_int_equal(ask(c, "GET", open[i], NULL), 200);
	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		assert_int_equal(ask(c, "GET", closed[i], NULL), 401);
		assert_non_null(redfish_reply_header(&c->reply, "WWW-Authenticate"));
	}
	strcpy(c->token, "00000000000000000000000000000000");
	assert_int_equal(ask(c, "GET", R "/Systems", NULL), 401);
}

static void sessions_end_by_delete_and_by_idling_and_are_limited(void **state)
{
	struct client *c = *state;
	char first[256];

	assert_int_equal(ask(c, "GET", R "/SessionService/Sessions", NULL), 200);
	snprintf(first, sizeof first, "%s", text_at(c, "Members/0/@odata.id"));
	for (int i = 1; i < SIM_MAX_SESSIONS; i++)
		login(c);
	assert_int_equal(ask(c, "POST", R "/SessionService/Sessions", "{\"UserName\":\"admin\",\"Password\":\"" PASSWORD "\"}"), 503);
	assert_string_equal(text_at(c, CODE), BASE "SessionLimitExceeded");
	assert_int_equal(ask(c, "DELETE", first, NULL), 204);
	assert_int_equal(ask(c, "DELETE", first, NULL), 404);
	login(c);
	assert_int_equal(ask(c, "PATCH", R "/SessionService", "{\"SessionTimeout\":60}"), 200);
	seconds_pass(59);
	assert_int_equal(ask(c, "GET", R "/Systems", NULL), 200);
	seconds_pass(59);
	assert_int_equal(ask(c, "GET", R "/Systems", NULL), 200);
	seconds_pass(61);
	assert_int_equal(ask(c, "GET", R "/Systems", NULL), 401);
	assert_int_equal(c->bmc->sessions.len, 0);
}

static void long_collections_come_in_pages(void **state)
{
	struct client *c = *state;
	char next[256];
	size_t got;

	assert_int_equal(ask(c, "GET", R "/UpdateService/FirmwareInventory", NULL), 200);
	got = json_array_size(at(c, "Members"));
	assert_int_equal(got, SIM_PAGE);
	assert_int_equal(json_integer_value(at(c, "Members@odata.count")), 66);
	snprintf(next, sizeof next, "%s", text_at(c, "Members@odata.nextLink"));
	assert_int_equal(ask(c, "GET", next, NULL), 200);
	assert_int_equal(got + json_array_size(at(c, "Members")), 66);
	assert_null(at(c, "Members@odata.nextLink"));
	assert_int_equal(ask(c, "GET", R "/UpdateService/FirmwareInventory?$top=2&$skip=65", NULL), 200);
	assert_int_equal(json_array_size(at(c, "Members")), 1);
	assert_int_equal(ask(c, "GET", R "/UpdateService/FirmwareInventory?$skip=1000", NULL), 200);
	assert_int_equal(json_array_size(at(c, "Members")), 0);
}

/* Every resource reached from the root answers, says its own @odata.id and has the ETag of its header. */
static void visit(struct client *c, const char *path, json_t *seen)
{
	json_t *body;
	char etag[64];

	if (json_object_get(seen, path))
		return;
	json_object_set_new(seen, path, json_true());
	if (ask(c, "GET", path, NULL) != 200)
		fail_msg("GET %s: %d", path, c->status);
	assert_string_equal(text_at(c, "@odata.id"), strchr(path, '?') ? R "/UpdateService/FirmwareInventory" : path);
	snprintf(etag, sizeof etag, "%s", redfish_reply_header(&c->reply, "ETag"));
	assert_string_equal(text_at(c, "@odata.etag"), etag);
	body = json_incref(c->body);
	json_t *stack = json_array();
	json_array_append(stack, body);
	while (json_array_size(stack)) {
		json_t *top = json_incref(json_array_get(stack, json_array_size(stack) - 1));
		const char *key;
		json_t *v;
		size_t i;

		json_array_remove(stack, json_array_size(stack) - 1);
		if (json_is_object(top) && json_object_size(top) == 1 && json_str(top, "@odata.id"))
			visit(c, json_str(top, "@odata.id"), seen);
		if (json_str(top, "Members@odata.nextLink"))
			visit(c, json_str(top, "Members@odata.nextLink"), seen);
		json_object_foreach(top, key, v)
			if (json_is_object(v) || json_is_array(v))
				json_array_append(stack, v);
		if (json_is_array(top))
			json_array_foreach(top, i, v)
				json_array_append(stack, v);
		json_decref(top);
	}
	json_decref(stack);
	json_decref(body);
}

static void no_link_dangles(void **state)
{
	json_t *seen = json_object();

	visit(*state, R "/", seen);
	assert_true(json_object_size(seen) > 120);
	assert_non_null(json_object_get(seen, R "/UpdateService/FirmwareInventory/HGX_FW_GPU_SXM_1"));
	json_decref(seen);
}

static void etags_guard_changes(void **state)
{
	struct client *c = *state;
	char etag[64];

	assert_int_equal(ask(c, "GET", R "/Systems/DGX", NULL), 200);
	snprintf(etag, sizeof etag, "%s", text_at(c, "@odata.etag"));
	c->if_match = etag;
	assert_int_equal(ask(c, "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"one\"}"), 200);
	assert_int_equal(ask(c, "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"two\"}"), 412);
	c->if_match = "*";
	assert_int_equal(ask(c, "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"two\"}"), 200);
	c->if_match = "W/\"0\", \"1\"";
	assert_int_equal(ask(c, "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"three\"}"), 412);
	c->if_match = NULL;
	assert_int_equal(ask(c, "GET", R "/Managers/BMC", NULL), 200);
	snprintf(etag, sizeof etag, "%s", text_at(c, "@odata.etag"));
	seconds_pass(5);
	assert_int_equal(ask(c, "GET", R "/Managers/BMC", NULL), 200);
	assert_string_equal(text_at(c, "@odata.etag"), etag);
}

static void roles_limit_what_an_account_may(void **state)
{
	struct client *c = *state;
	char user[256];

	assert_int_equal(ask(c, "POST", R "/AccountService/Accounts",
		"{\"UserName\":\"reader\",\"Password\":\"longenough\",\"RoleId\":\"ReadOnly\"}"), 201);
	snprintf(user, sizeof user, "%s", c->location);
	assert_int_equal(ask(c, "POST", R "/SessionService/Sessions", "{\"UserName\":\"reader\",\"Password\":\"longenough\"}"), 201);
	snprintf(c->token, sizeof c->token, "%s", redfish_reply_header(&c->reply, "X-Auth-Token"));
	assert_int_equal(ask(c, "GET", R "/Systems/DGX", NULL), 200);
	assert_int_equal(ask(c, "PATCH", R "/Systems/DGX", "{\"AssetTag\":\"x\"}"), 403);
	assert_int_equal(ask(c, "POST", R "/Managers/BMC/Actions/Manager.Reset", "{}"), 403);
	assert_int_equal(ask(c, "PATCH", R "/AccountService/Accounts/1", "{\"Password\":\"stolen-by-me\"}"), 403);
	assert_int_equal(ask(c, "PATCH", user, "{\"RoleId\":\"Administrator\"}"), 403);
	assert_int_equal(ask(c, "PATCH", user, "{\"Password\":\"another-one\"}"), 200);
	assert_null(strstr(c->reply.body, "another-one"));
	login(c);
	assert_int_equal(ask(c, "DELETE", user, NULL), 204);
	assert_int_equal(ask(c, "POST", R "/SessionService/Sessions", "{\"UserName\":\"reader\",\"Password\":\"another-one\"}"), 401);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(requests_are_answered_as_the_standard_says), T(reading_needs_credentials_except_the_root),
		T(sessions_end_by_delete_and_by_idling_and_are_limited), T(long_collections_come_in_pages), T(no_link_dangles),
		T(etags_guard_changes), T(roles_limit_what_an_account_may),
	};

	return cmocka_run_group_tests_name("redfish", tests, NULL, NULL);
}
