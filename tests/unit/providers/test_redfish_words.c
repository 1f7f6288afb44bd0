/* What BMCs say and write: JSON, links, messages, versions, packages, tasks, BIOS values. No waiting. */
#include "test_redfish_world.h"

#include "providers/redfish/biosattr.h"
#include "providers/redfish/fwpkg.h"

static void takes_broken_json(void **state)
{
	static const struct { const char *text; bool good; } cases[] = {
		{ "{\"a\":1}", true }, { "\xef\xbb\xbf{\"a\":1}", true }, { "{\"a\":1,}", true }, { "{\"a\":[1,2,]}", true }, { "{\"a\":1,\"a\":2}", true },
		{ "{\"a\":\"x\ty\n\"}", true }, { "{\"a\":\"\xff\xfe\"}", true }, { "{\"a\":99999999999999999999999}", true }, { "{\"a\":1} trailing", true },
		{ "{\"a\":\"c:\\windows\"}", true }, { "{\"a\":\"\\u0000\"}", true },
		{ "", false }, { "<html>", false }, { "{\"a\":", false }, { "null", false }, { "   ", false }, { "{\"a\":{\"b\":1}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *j = rf_parse(cases[i].text, strlen(cases[i].text));
		if ((j != NULL) != cases[i].good)
			fail_msg("case %zu: %s", i, cases[i].text);
		json_decref(j);
	}
}

static void every_cut_of_json_is_survived(void **state)
{
	const char *text = "{\"@odata.id\":\"/redfish/v1/x\",\"n\":[1,2.5,true,null,{\"s\":\"\\u00e9\\\"\"}],}";

	(void)state;
	for (size_t n = 0; n <= strlen(text); n++)
		json_decref(rf_parse(text, n));
}

static void links_become_paths(void **state)
{
	static const struct { const char *link, *path; } cases[] = {
		{ "/redfish/v1/Systems/1", "/redfish/v1/Systems/1" }, { "https://10.1.1.1/redfish/v1/Tasks/3", "/redfish/v1/Tasks/3" },
		{ "https://[fe80::1]:8443/a", "/a" }, { "/redfish/v1/Chassis/1#/Power/0", "/redfish/v1/Chassis/1" },
		{ "/redfish/v1/Chassis/1%23/Power/0", "/redfish/v1/Chassis/1" }, { "redfish/v1/x", "/redfish/v1/x" }, { "/a b", "/a%20b" },
		{ "/a%20b", "/a%20b" }, { "/a\r\nX: y", "/a%0D%0AX:%20y" }, { "/\xc3\xa9", "/%C3%A9" }, { "/x?$skip=50", "/x?$skip=50" },
		{ "", NULL }, { "#/frag", NULL }, { "https://host", NULL }, { "//evil.example/x", NULL }, { "/", NULL }, { NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *p = rf_path(cases[i].link);
		if (!cases[i].path)
			assert_null(p);
		else
			assert_string_equal(p, cases[i].path);
	}
	char big[5000];
	memset(big, 'a', sizeof(big) - 1);
	big[0] = '/';
	big[sizeof(big) - 1] = '\0';
	assert_null(rf_path(big));
}

static void refusals_are_told_in_the_bmcs_words(void **state)
{
	static const struct { const char *body, *says; } cases[] = {
		{ "{\"error\":{\"code\":\"Base.1.0.GeneralError\",\"message\":\"m\",\"@Message.ExtendedInfo\":[{\"MessageId\":\"Base.1.8.PropertyUnknown\","
		  "\"Message\":\"The property X is unknown.\",\"Severity\":\"Warning\"}]}}", "PropertyUnknown: The property X is unknown" },
		{ "{\"error\":{\"@Message.ExtendedInfo\":{\"MessageId\":\"SYS518\",\"Message\":\"busy\"}}}", "SYS518: busy" },
		{ "{\"error\":{\"message\":\"only text\"}}", "only text" }, { "{\"error\":\"plain\"}", "plain" },
		{ "{\"@Message.ExtendedInfo\":[{\"MessageId\":\"Base.1.0.Success\",\"Message\":\"ok\"},{\"MessageId\":\"A.B.Bad\",\"Message\":\"bad\","
		  "\"MessageSeverity\":\"Critical\"}]}", "Bad: bad" },
		{ "{\"Attributes\":{\"Boot@Message.ExtendedInfo\":[{\"MessageId\":\"x.PropertyNotWritable\",\"Message\":\"no\"}]}}", "PropertyNotWritable: no" },
		{ "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"IDRAC.2.8.SYS426\",\"Message\":\"Busy.\",\"Resolution\":\"Wait, then retry.\"}]}}",
		  "SYS426: Busy; it advises: Wait, then retry" },
		{ "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"A.1.X\",\"Message\":\"m\",\"Resolution\":\"None.\"}]}}", "X: m" },
		{ "{\"Type\":\"ExtendedError.1.0.0\",\"Messages\":[{\"MessageID\":\"Base.0.10.PropertyUnknown\",\"MessageArgs\":[\"Foo\"]}]}",
		  "PropertyUnknown: Foo" },
		{ "{\"Id\":\"JID_1\",\"JobState\":\"Failed\",\"Message\":\"Unable to apply.\",\"MessageId\":\"PR21\"}", "PR21: Unable to apply" },
		{ "{\"TaskState\":\"Exception\",\"Messages\":[],\"Oem\":{\"Dell\":{\"Message\":\"No space.\",\"MessageId\":\"RED011\"}}}", "RED011: No space" },
		{ "{\"error\":{\"message\":\"\\u001b[31mred \\u009b31m\\u0007 end\"}}", "[31mred 31m end" },
		{ "{\"Accepted\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"SMC.1.0.Accepted\",\"Resolution\":\"No resolution was required.\"}]}}", "Accepted" },
		{ "{\"TaskState\":\"Scheduled\",\"Messages\":[{\"MessageId\":\"\",\"Message\":\"\",\"MessageArgs\":[\"\"],\"Severity\":\"\"}]}", NULL },
		{ "{\"error\":{\"message\":\"<html><body><h1>No &lt;way&gt;</h1></body></html>\"}}", "No <way>" },
		{ "{}", NULL }, { "[]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *j = rf_parse(cases[i].body, strlen(cases[i].body));
		autostr struct str s = { 0 };
		str_init(&s, 1000);
		assert_int_equal(rf_say(j, &s), cases[i].says != NULL);
		assert_string_equal(s.at, cases[i].says ? cases[i].says : "");
	}
}

static void pages_are_told_in_their_words(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "<!DOCTYPE html>\n<html><head><title>Error</title><style>h1 {color: red}</style></head><body><h1>Service\n Unavailable</h1>"
		  "<script>x()</script></body></html>", "Service Unavailable" },
		{ "<html><head><title>401 - Unauthorized</title></head><body></body></html>", "401 - Unauthorized" },
		{ "<H1>Bad &amp; worse</H1>", "Bad & worse" }, { "  plain\twords.\r\n", "plain words" }, { "a \x1b]0;title\x07 b", "a ]0;title b" },
		{ "caf\xc3\xa9 \xff!", "caf\xc3\xa9 ?!" }, { "<", "" }, { "<html", "" }, { "<html><head><title>open", "open" }, { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autostr struct str s = { 0 };
		str_init(&s, 1000);
		rf_add_text(&s, cases[i].text);
		assert_string_equal(s.at, cases[i].says);
	}
	autostr struct str s = { 0 };
	char big[4096];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	str_init(&s, 1000);
	rf_add_text(&s, big);
	assert_int_equal(s.len, 300);
}

static void versions_are_compared_in_meaning(void **state)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "1.1.3", "01.01.03", true }, { "DGX HostBIOS_0=01.01.03", "1.1.3", true }, { "GB200Nvl-24.12-8", "24.12-8", true },
		{ "bf-24.10-17", "BF-24.10-17", true }, { "bf-24.10-17", "24.10-17", true }, { "0x00 0x0b 0x03 0x04", "0.11.3.4", true },
		{ "BIOS Date: 08/04/2023 Ver 1.4", "1.4", true }, { "v2.14", "2.14", true }, { "24.09.17", "24.9.17", true },
		{ "U54 v1.30 (03/01/2023)", "U54 v1.30", true }, { "U54 v1.30 (03/01/2023)", "U54 v1.30 (03/02/2023)", false }, { "1.45 May 24 2023", "1.45", true },
		{ "1.45 May 24 2023", "1.46", false }, { "(1)", "", false },
		{ "00.04.0026.0000_n00", "00.04.0026.0000_n00", true }, { "42S-2.83", "42s-2.83", true },
		{ "1.10", "1.1", false }, { "1.5.0, 1.6.0", "1.6.0", false }, { "96.00.89.00.01", "96.00.A5.00.01", false }, { "100", "1", false },
		{ "HGX-22.10-1-rc57", "HGX-22.10-1-rc58", false }, { "1.0", "", false }, { "2.10.0", "2.1.00", false },
	};
	static const char *const none[] = { NULL, "", "Not Present", "N/A", "-*", "undefined", "Not Available" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (version_same(cases[i].a, cases[i].b) != cases[i].same || version_same(cases[i].b, cases[i].a) != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_true(version_none(none[i]));
	assert_false(version_none("1.0"));
}

static void families_tell_order_and_cost(void **state)
{
	static const struct { const char *id; int order; enum activation apply; } cases[] = {
		{ "HostBMC_0", 1, ACTIVATE_BMC_RESET }, { "BMC", 1, ACTIVATE_BMC_RESET }, { "HostBIOS_0", 2, ACTIVATE_REBOOT }, { "CPLDMB_0", 2, ACTIVATE_AC_CYCLE },
		{ "EROT_BMC_0", 2, ACTIVATE_AC_CYCLE }, { "HGX_FW_GPU_*", 3, ACTIVATE_AC_CYCLE }, { "HGX_FW_ERoT_GPU_SXM_3", 3, ACTIVATE_AC_CYCLE },
		{ "HGX_FW_BMC_0", 3, ACTIVATE_AC_CYCLE }, { "CX7_1", 4, ACTIVATE_REBOOT }, { "PSU_3", 2, ACTIVATE_NONE }, { "Whatever", 2, ACTIVATE_REBOOT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct family f = family_of(cases[i].id);
		if (f.order != cases[i].order || f.apply != cases[i].apply)
			fail_msg("%s: %d %d", cases[i].id, f.order, f.apply);
	}
	assert_non_null(family_irreversible("HGX_FW_*"));
	assert_non_null(family_irreversible("EROT_*"));
	assert_null(family_irreversible("HGX_FW_GPU_*"));
	assert_null(family_irreversible("HostBMC_0"));
}

static void quirks_match_platforms(void **state)
{
	(void)state;
	struct quirk q = quirk_for("AMI", NULL, "1.11.0");
	assert_string_equal(q.if_match, "*");
	assert_string_equal(q.settings, "SD");
	assert_null(quirk_for("AMI", NULL, "1.17.0").if_match);
	assert_int_equal(quirk_for("NVIDIA", "GB200 NVL", "1.17.0").update_delay_s, 30);
	assert_true(quirk_for("Lenovo", "ThinkSystem SR675 V3", "1.15.0").restart_by_off_on);
	assert_false(quirk_for("Lenovo", "ThinkSystem SR650", "1.15.0").restart_by_off_on);
	assert_true(quirk_for("dell inc.", NULL, NULL).multipart_oem);
	assert_null(quirk_for(NULL, NULL, NULL).name);
	int arg = 0;
	assert_true(quirk_not_ready("Base.1.22.1.ServiceTemporarilyUnavailable", &arg));
	assert_int_equal(arg, 1);
	assert_true(quirk_not_ready("IDRAC.2.8.SWC0700", NULL));
	assert_false(quirk_not_ready("Base.1.0.PropertyUnknown", NULL));
	assert_true(quirk_session_full("IDRAC.2.1.RAC0218"));
	assert_true(quirk_not_host("HGX_Baseboard_0"));
	assert_false(quirk_not_host("System.Embedded.1"));
}

static void task_states(void **state)
{
	static const struct { const char *state, *status; enum task_class is; } cases[] = {
		{ "New", "OK", TASK_LIVE }, { "Starting", NULL, TASK_LIVE }, { "Running", "OK", TASK_LIVE }, { "Suspended", NULL, TASK_LIVE },
		{ "Pending", NULL, TASK_WAITS }, { "Stopping", NULL, TASK_LIVE }, { "Service", NULL, TASK_LIVE }, { "Interrupted", NULL, TASK_LIVE },
		{ "Completed", "OK", TASK_GOOD }, { "Completed", NULL, TASK_GOOD }, { "Completed", "Warning", TASK_GOOD }, { "Completed", "Critical", TASK_BAD },
		{ "Killed", NULL, TASK_BAD }, { "Exception", "OK", TASK_BAD }, { "Scheduled", NULL, TASK_WAITS }, { "CompletedWithErrors", NULL, TASK_BAD }, { "RebootFailed", NULL, TASK_BAD }, { "Cancelling", NULL, TASK_LIVE }, { "Cancelled", NULL, TASK_BAD },
		{ "SomethingNew", NULL, TASK_LIVE }, { NULL, NULL, TASK_LIVE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(task_classify(cases[i].state, cases[i].status), cases[i].is);
}

static void a_task_is_found_wherever_it_is_named(void **state)
{
	static const struct { int status; const char *location, *body, *path; } cases[] = {
		{ 202, "/redfish/v1/TaskService/Tasks/1", "", "/redfish/v1/TaskService/Tasks/1" },
		{ 202, NULL, "{\"@odata.id\":\"/redfish/v1/TaskService/Tasks/2\",\"@odata.type\":\"#Task.v1_4_0.Task\"}", "/redfish/v1/TaskService/Tasks/2" },
		{ 202, "/m/9", "{\"@odata.id\":\"/redfish/v1/TaskService/Tasks/3\",\"TaskState\":\"New\"}", "/redfish/v1/TaskService/Tasks/3" },
		{ 200, NULL, "{\"@Message.ExtendedInfo\":[{\"MessageId\":\"Task.1.0.New\",\"Message\":\"A new task /redfish/v1/TaskService/Tasks/4 was started.\"}]}",
		  "/redfish/v1/TaskService/Tasks/4" },
		{ 202, NULL, "{\"Messages\":[{\"MessageId\":\"Task.1.0.New\",\"MessageArgs\":[\"https://h/redfish/v1/TaskService/Tasks/5\"]}]}",
		  "/redfish/v1/TaskService/Tasks/5" },
		{ 200, NULL, "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"Base.1.0.Success\"}]}}", NULL }, { 204, NULL, "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *body = rf_parse(cases[i].body, strlen(cases[i].body));
		struct rf_reply r = { .status = cases[i].status, .json = body, .location = (char *)(uintptr_t)cases[i].location };
		autofree char *path = rf_task_of(&r);
		assert_string_equal(path ? path : "", cases[i].path ? cases[i].path : "");
	}
}

/* --- packages ----------------------------------------------------------------------------------------------------- */

static size_t put(unsigned char *p, size_t at, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[at + i] = (unsigned char)(v >> (8 * i));
	return at + bytes;
}

static size_t put_text(unsigned char *p, size_t at, const char *s)
{
	at = put(p, at, 1, 1);
	at = put(p, at, (uint32_t)strlen(s), 1);
	memcpy(p + at, s, strlen(s));
	return at + strlen(s);
}

static size_t make_package(unsigned char *p)
{
	static const unsigned char uuid[] = { 0xf0, 0x18, 0x87, 0x8c, 0xcb, 0x7d, 0x49, 0x43, 0x98, 0x00, 0xa0, 0x2f, 0x05, 0x9a, 0xca, 0x02 };
	size_t at = 16;

	memcpy(p, uuid, 16);
	at = put(p, at, 1, 1);
	at = put(p, at, 0, 2);           /* size, filled in below */
	at += 13;
	at = put(p, at, 8, 2);
	at = put_text(p, at, "HGX-1.6.0");
	at = put(p, at, 1, 1);           /* one device record */
	at = put(p, at, 20, 2);
	at += 18;
	at = put(p, at, 2, 2);           /* two components */
	for (unsigned i = 0; i < 2; i++) {
		at = put(p, at, 10, 2);
		at = put(p, at, i + 1, 2);
		at += 4 + 2 + 2 + 4 + 4;
		at = put_text(p, at, i ? "1.6.0" : "00.02.0182");
	}
	at += 4;                         /* checksum */
	put(p, 17, (uint32_t)at, 2);
	return at;
}

static void packages_are_read(void **state)
{
	unsigned char p[512] = { 0 };
	size_t n = make_package(p);
	struct fwpkg *out = xcalloc(1, sizeof(*out));
	struct err err;

	(void)state;
	assert_int_equal(fwpkg_parse(p, n, out, &err), 0);
	assert_string_equal(out->version, "HGX-1.6.0");
	assert_int_equal(out->n, 2);
	assert_string_equal(out->at[0].version, "00.02.0182");
	assert_string_equal(out->at[1].version, "1.6.0");
	assert_int_equal(out->at[1].id, 2);
	assert_int_equal(fwpkg_parse("hello, not a package", 20, out, &err), E_UNSUPPORTED);
	for (size_t k = 16; k < n; k++)          /* every cut */
		assert_int_equal(fwpkg_parse(p, k, out, &err) == 0, false);
	for (size_t k = 16; k < n; k++)          /* every byte wrong */
		for (unsigned v = 0; v < 256; v += 51) {
			unsigned char was = p[k];
			p[k] = (unsigned char)v;
			int rc = fwpkg_parse(p, n, out, &err);
			assert_true(rc == 0 || rc == E_INPUT || rc == E_UNSUPPORTED);
			p[k] = was;
		}
	free(out);
}

/* --- BIOS values --------------------------------------------------------------------------------------------------- */

static void bios_values_take_the_registrys_type(void **state)
{
	static const struct { const char *entry, *want, *have, *out; } cases[] = {
		{ "{\"Type\":\"Integer\",\"LowerBound\":1,\"UpperBound\":4}", "\"2\"", "1", "2" },
		{ "{\"Type\":\"Integer\",\"LowerBound\":1,\"UpperBound\":4}", "9", "1", NULL },
		{ "{\"Type\":\"Integer\"}", "\"two\"", "1", NULL },
		{ "{\"Type\":\"Enumeration\",\"Value\":[{\"ValueName\":\"Enabled\"},{\"ValueName\":\"Disabled\"}]}", "\"enabled\"", "\"Disabled\"", "\"Enabled\"" },
		{ "{\"Type\":\"Enumeration\",\"Value\":[{\"ValueName\":\"Enabled\"}]}", "\"Enable\"", "\"Disabled\"", NULL },
		{ "{\"Type\":\"Enumeration\",\"Value\":[{\"ValueName\":\"2\"}]}", "2", "\"1\"", "\"2\"" },
		{ "{\"Type\":\"Boolean\"}", "\"True\"", "false", "true" }, { "{\"Type\":\"Boolean\"}", "\"On\"", "false", NULL },
		{ "{\"Type\":\"String\",\"MaxLength\":3}", "\"abcd\"", "\"\"", NULL }, { "{\"Type\":\"String\",\"MaxLength\":0}", "\"abcd\"", "\"\"", "\"abcd\"" },
		{ "{\"Type\":\"String\",\"ReadOnly\":true}", "\"a\"", "\"b\"", NULL },
		{ "null", "2", "\"1\"", "\"2\"" }, { "null", "\"2\"", "1", "2" }, { "null", "\"true\"", "false", "true" }, { "null", "\"x\"", "null", "\"x\"" },
		{ "null", "[1]", "1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *entry = json_loads(cases[i].entry, JSON_DECODE_ANY, NULL);
		autojson json_t *want = json_loads(cases[i].want, JSON_DECODE_ANY, NULL);
		autojson json_t *have = json_loads(cases[i].have, JSON_DECODE_ANY, NULL);
		json_t *out = NULL;
		struct err err;
		int rc = bios_coerce("X", entry, want, have, &out, &err);
		assert_int_equal(rc == 0, cases[i].out != NULL);
		if (rc == 0) {
			autofree char *text = json_text(out);
			assert_string_equal(text, cases[i].out);
		}
		json_decref(out);
	}
}

/* Count is read-only while SMT is disabled; what is decided by values that change together is judged by what they are to be. */
static void bios_dependencies_are_judged_by_what_is_to_be(void **state)
{
#define MAP(FROM, CONDITION, VALUE, MORE, TO, PROPERTY, IS) "{\"DependencyFor\":\"" TO "\",\"Type\":\"Map\",\"Dependency\":{\"MapFrom\":[{\"MapFromAttribute\":\"" \
	FROM "\",\"MapFromProperty\":\"CurrentValue\",\"MapFromCondition\":\"" CONDITION "\",\"MapFromValue\":" VALUE "}" MORE "],\"MapToAttribute\":\"" TO \
	"\",\"MapToProperty\":\"" PROPERTY "\",\"MapToValue\":" IS "}}"
#define AND(TERM, FROM, CONDITION, VALUE) ",{\"MapTerms\":\"" TERM "\",\"MapFromAttribute\":\"" FROM "\",\"MapFromProperty\":\"CurrentValue\",\"MapFromCondition\":\"" \
	CONDITION "\",\"MapFromValue\":" VALUE "}"
	static const struct { const char *deps, *readonly, *attrs, *want, *locked, *idle; } cases[] = {
		{ MAP("SMT", "EQU", "\"Disabled\"", "", "Count", "ReadOnly", "true"), "false", "{\"SMT\":\"Disabled\",\"Count\":1}", "{\"Count\":2}",
		  "SMT is \"Disabled\"", NULL },
		{ MAP("SMT", "EQU", "\"Disabled\"", "", "Count", "ReadOnly", "true"), "false", "{\"SMT\":\"Enabled\",\"Count\":1}", "{\"Count\":2}", NULL, NULL },
		{ MAP("SMT", "EQU", "\"Disabled\"", "", "Count", "ReadOnly", "true"), "false", "{\"SMT\":\"Enabled\",\"Count\":1}",
		  "{\"Count\":2,\"SMT\":\"Disabled\"}", "SMT is \"Disabled\"", NULL },
		{ MAP("SMT", "EQU", "\"Disabled\"", "", "Count", "ReadOnly", "true"), "true", "{\"SMT\":\"Disabled\",\"Count\":1}",
		  "{\"Count\":2,\"SMT\":\"Enabled\"}", NULL, NULL },
		{ MAP("SMT", "EQU", "\"Enabled\"", "", "Count", "ReadOnly", "false"), "true", "{\"SMT\":\"Enabled\",\"Count\":1}", "{\"Count\":2}", NULL, NULL },
		{ MAP("SMT", "NEQ", "\"Custom\"", "", "Count", "Readonly", "true"), "false", "{\"SMT\":\"x\",\"Count\":1}", "{\"Count\":2}", "SMT is not \"Custom\"", NULL },
		{ MAP("SMT", "EQU", "\"a\"", AND("AND", "N", "GTR", "4"), "Count", "ReadOnly", "true"), "false", "{\"SMT\":\"a\",\"N\":4,\"Count\":1}", "{\"Count\":2}", NULL, NULL },
		{ MAP("SMT", "EQU", "\"a\"", AND("AND", "N", "GEQ", "4"), "Count", "ReadOnly", "true"), "false", "{\"SMT\":\"a\",\"N\":\"4\",\"Count\":1}", "{\"Count\":2}",
		  "SMT is \"a\" and N is at least 4", NULL },
		{ MAP("SMT", "EQU", "\"b\"", AND("OR", "N", "LSS", "5"), "Count", "ReadOnly", "true"), "false", "{\"SMT\":\"a\",\"N\":4,\"Count\":1}", "{\"Count\":2}",
		  "SMT is \"b\" or N is below 5", NULL },
		{ MAP("Gone", "EQU", "1", "", "Count", "ReadOnly", "true"), "false", "{\"Count\":1}", "{\"Count\":2}", NULL, NULL },
		{ MAP("SMT", "EQU", "1", "", "Count", "GrayOut", "true"), "false", "{\"SMT\":1,\"Count\":1}", "{\"Count\":2}", NULL, "SMT is 1" },
		{ MAP("SMT", "EQU", "1", "", "Count", "Hidden", "true"), "false", "{\"SMT\":1,\"Count\":1}", "{\"Count\":2}", NULL, "SMT is 1" },
		{ MAP("SMT", "EQU", "1", "", "Count", "CurrentValue", "3"), "false", "{\"SMT\":1,\"Count\":1}", "{\"Count\":2}", NULL, "SMT is 1" },
		{ MAP("SMT", "EQU", "1", "", "Count", "CurrentValue", "2"), "false", "{\"SMT\":1,\"Count\":1}", "{\"Count\":2}", NULL, NULL },
		{ MAP("SMT#00F7", "EQU", "1", "", "Count#0C", "ReadOnly", "true"), "false", "{\"SMT#00F7\":1,\"Count\":1}", "{\"Count\":2}", "SMT#00F7 is 1", NULL },
		{ "{},{\"Dependency\":null},{\"Dependency\":{\"MapFrom\":{},\"MapToAttribute\":\"Count\",\"MapToProperty\":\"ReadOnly\"}},7", "false", "{\"Count\":1}",
		  "{\"Count\":2}", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *text = xasprintf("{\"RegistryEntries\":{\"Attributes\":[{\"AttributeName\":\"Count\",\"Type\":\"Integer\",\"ReadOnly\":%s}],"
						"\"Dependencies\":[%s]}}", cases[i].readonly, cases[i].deps);
		autojson json_t *registry = json_loads(text, 0, NULL);
		autojson json_t *attrs = json_loads(cases[i].attrs, 0, NULL);
		autojson json_t *want = json_loads(cases[i].want, 0, NULL);
		assert_non_null(registry);
		autojson json_t *entries = bios_entries(registry, attrs, want, want);
		const json_t *e = json_at(entries, "Count");
		const char *locked = json_str(e, BIOS_LOCKED), *idle = json_str(e, BIOS_IDLE);
		json_t *out = NULL;
		struct err err = { 0 };
		int rc = bios_coerce("Count", e, json_at(want, "Count"), json_at(attrs, "Count"), &out, &err);
		json_decref(out);
		if ((rc != 0) != (cases[i].locked != NULL))
			fail_msg("case %zu: %d %s", i, rc, err.msg);
		assert_string_equal(locked ? locked : "", cases[i].locked ? cases[i].locked : "");
		assert_string_equal(idle ? idle : "", cases[i].idle ? cases[i].idle : "");
		if (rc)
			assert_non_null(strstr(err.msg, cases[i].locked));
	}
}

static void images_are_fetched_by_what_a_bmc_may_speak(void **state)
{
	static const struct { const char *source; bool url, user; } cases[] = {
		{ "https://h/x.bin", true, false }, { "HTTP://h/x", true, false }, { "tftp://h/x", true, false }, { "nfs://h/x", true, false }, { "x/y.bin", false, false },
		{ "file:x", false, false }, { "git://h/x", false, false }, { "https://u:p@h/x", true, true }, { "https://h/a@b", true, false }, { "u@h", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(fw_is_url(cases[i].source), cases[i].url);
		assert_int_equal(fw_url_has_user(cases[i].source), cases[i].user);
	}
	assert_true(quirk_update_runs("GeneralError: A firmware update is in progress"));
	assert_false(quirk_update_runs("PropertyUnknown: The property Targets is unknown"));
}

static void bios_names_match_loosely_but_never_ambiguously(void **state)
{
	autojson json_t *a = json_pack("{s:s, s:s, s:s, s:s}", "QuietBoot#00F7", "x", "Boot Mode", "y", "AB", "1", "a_b", "2");

	(void)state;
	assert_string_equal(bios_name(a, "QuietBoot"), "QuietBoot#00F7");
	assert_string_equal(bios_name(a, "BootMode"), "Boot Mode");
	assert_string_equal(bios_name(a, "AB"), "AB");
	assert_null(bios_name(a, "ab"));
	assert_null(bios_name(a, "Nothing"));
	assert_int_equal(bios_registry_match("BiosAttributeRegistryP89.v1_0_0", "BiosAttributeRegistryP89.1.0.0"), 4);
	assert_true(bios_registry_match("BiosAttributeRegistryP89.v1_0_0", "BiosAttributeRegistryP89.v1_1_0") > 1);
	assert_int_equal(bios_registry_match("BiosAttributeRegistryP89", "Base.1.0"), 0);
	assert_int_equal(bios_registry_match(NULL, "BiosAttributeRegistry.1.0"), 1);
}

static void bios_values_are_compared_in_meaning(void **state)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "2", "\"2\"", true }, { "2", "2.0", true }, { "true", "\"True\"", true }, { "\"a\"", "\"A\"", false }, { "null", "\"\"", false },
		{ "\"01\"", "\"1\"", false }, { "1", "\"01\"", true }, { "true", "1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *a = json_loads(cases[i].a, JSON_DECODE_ANY, NULL);
		autojson json_t *b = json_loads(cases[i].b, JSON_DECODE_ANY, NULL);
		assert_int_equal(bios_same(a, b), cases[i].same);
	}
}

static void ways_of_taking_images(void **state)
{
	static const struct { const char *service; bool url; enum fw_way way; } cases[] = {
		{ "{\"MultipartHttpPushUri\":\"/u\",\"HttpPushUri\":\"/p\"}", false, WAY_MULTIPART }, { "{\"HttpPushUri\":\"/p\"}", false, WAY_PUSH },
		{ "{\"HttpPushUri\":\"/p\"}", true, WAY_NONE }, { "{\"Actions\":{\"#UpdateService.SimpleUpdate\":{\"target\":\"/s\"}}}", true, WAY_SIMPLE },
		{ "{\"Actions\":{\"#UpdateService.SimpleUpdate\":{\"target\":\"/s\"}}}", false, WAY_NONE }, { "{\"HttpPushUri\":\"\"}", false, WAY_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *j = json_loads(cases[i].service, 0, NULL);
		assert_int_equal(fw_way(j, cases[i].url), cases[i].way);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_broken_json),
		cmocka_unit_test(every_cut_of_json_is_survived),
		cmocka_unit_test(links_become_paths),
		cmocka_unit_test(refusals_are_told_in_the_bmcs_words),
		cmocka_unit_test(pages_are_told_in_their_words),
		cmocka_unit_test(bios_dependencies_are_judged_by_what_is_to_be),
		cmocka_unit_test(images_are_fetched_by_what_a_bmc_may_speak),
		cmocka_unit_test(versions_are_compared_in_meaning),
		cmocka_unit_test(families_tell_order_and_cost),
		cmocka_unit_test(quirks_match_platforms),
		cmocka_unit_test(task_states),
		cmocka_unit_test(a_task_is_found_wherever_it_is_named),
		cmocka_unit_test(packages_are_read),
		cmocka_unit_test(bios_values_take_the_registrys_type),
		cmocka_unit_test(bios_names_match_loosely_but_never_ambiguously),
		cmocka_unit_test(bios_values_are_compared_in_meaning),
		cmocka_unit_test(ways_of_taking_images),
	};

	return cmocka_run_group_tests(tests, world_setup, NULL);
}
