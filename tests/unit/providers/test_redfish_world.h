/* A scripted BMC behind the transport seam, on simulated time: for the tests of the redfish provider. */
#ifndef TEST_REDFISH_WORLD_H
#define TEST_REDFISH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/task.h"
#include "providers/all.h"
#include "providers/redfish/follow.h"
#include "providers/redfish/image.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/session.h"
#include "providers/redfish/types.h"

enum { COMPONENTS = 4, TASKS_MAX = 64 };
enum fault_kind { F_NONE, F_STATUS, F_DROP_BEFORE, F_DROP_AFTER, F_REFUSED, F_BODY, F_CANCEL_BEFORE, F_CANCEL_AFTER };
struct fault { enum fault_kind kind; const char *method, *glob; int skip, count, status; int64_t retry_after_ms; const char *body; };

struct world {
	/* behaviour */
	struct fault faults[8];
	unsigned n_faults;
	bool etag_required, etag_never_matches, etag_weak_only;      /* PATCH of settings */
	bool no_sessions, sessions_full, wrong_password, no_boot_progress, ignores_graceful, loses_task, rejects_image;
	bool lists_no_tasks, task_never_ends, monitors_only, update_busy_400;
	enum { JOB_NONE, JOB_GOOD, JOB_REFUSED, JOB_FAILS } bios_job;        /* what a PATCH of the settings becomes */
	int64_t bios_late, updating;         /* ms after the boot until new values show; ms after an installation that it says Updating */
	enum { AC_AUX, AC_DELL, AC_BIOS } mains;
	int cancel_at;               /* transport call number to break at; 0: none */
	bool cancel_after;           /* the request acts, only its reply is lost with us */
	/* state */
	int calls, logins, logouts, uploads, resets, bmc_resets, ac_cycles, patches, gets, open;
	int64_t last_login;
	unsigned token;              /* valid one; 0: none */
	bool on, booting;
	int64_t boot_end, off_at, away_until;
	int64_t install_end, updating_until, job_at, bios_at;
	bool cycle_on_off;           /* PowerCycleRequest: all goes off with the host */
	int refused_busy;
	char installing[256];        /* image text */
	unsigned n_tasks;
	struct { int64_t end; bool failed; } tasks[TASKS_MAX];
	char version[COMPONENTS][32], staged[COMPONENTS][32];
	int64_t copy_end;
	json_t *bios, *pending;
	char requests[65536];        /* "GET /path\n" of all requests, newest last */
};

static const struct { const char *id; char act; } components[COMPONENTS] = {
	{ "HostBMC_0", 'b' }, { "HGX_FW_GPU_SXM_1", 'a' }, { "HGX_FW_GPU_SXM_2", 'a' }, { "CX7_0", 'r' },
};

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < COMPONENTS; i++)
		strcpy(w->version[i], "1.0");
	w->on = true;
	w->bios = json_pack("{s:s, s:i, s:b}", "SecureBoot", "Disabled", "NumaPerSocket", 1, "Quiet", 0);
}

static inline void world_release(struct world *w)
{
	json_decref(w->bios);
	json_decref(w->pending);
}

static void run_staged(struct world *w, char act)
{
	for (size_t i = 0; i < COMPONENTS; i++)
		if (w->staged[i][0] && components[i].act == act) {
			strcpy(w->version[i], w->staged[i]);
			w->staged[i][0] = '\0';
		}
}

static void lose_mains(struct world *w)
{
	assert_true(clock_now_ms() >= w->copy_end);
	assert_true(clock_now_ms() >= w->updating_until);
	w->ac_cycles++;
	w->token = 0;
	w->away_until = clock_now_ms() + 120 * 1000;
	run_staged(w, 'a');
	run_staged(w, 'b');
}

static void boot(struct world *w, int64_t now)
{
	w->on = true;
	w->booting = true;
	w->boot_end = now + 180 * 1000;
}

static void settle(struct world *w)
{
	int64_t now = clock_now_ms();

	if (w->install_end && now >= w->install_end) {
		for (size_t i = 0; i < COMPONENTS; i++) {
			char want[64];
			snprintf(want, sizeof(want), "%s=", components[i].id);
			const char *at = strstr(w->installing, want);
			if (at)
				sscanf(at + strlen(want), "%31s", w->staged[i]);
			if (at && components[i].act == 'a')
				w->copy_end = now + 300 * 1000;
		}
		w->updating_until = w->install_end + w->updating;
		w->install_end = 0;
	}
	if (w->off_at && now >= w->off_at) {
		w->on = false;
		w->off_at = 0;
		if (w->cycle_on_off) {
			w->cycle_on_off = false;
			lose_mains(w);
			json_object_set_new(w->bios, "PowerCycleRequest", json_string("None"));
			boot(w, now);
		}
	}
	if (w->booting && now >= w->boot_end) {
		w->booting = false;
		run_staged(w, 'r');
		w->bios_at = now + w->bios_late;
	}
	if (w->pending && w->bios_at && now >= w->bios_at) {
		w->bios_at = 0;
		/* a restart before its job was scheduled passed the settings by */
		if (w->bios_job == JOB_FAILS || (w->bios_job && w->boot_end - 180 * 1000 < w->job_at + 20 * 1000))
			return;
		const char *key;
		json_t *value;
		json_object_foreach(w->pending, key, value)
			json_object_set(w->bios, key, value);
		json_decref(w->pending);
		w->pending = NULL;
		w->cycle_on_off = json_str(w->bios, "PowerCycleRequest") && strcmp(json_str(w->bios, "PowerCycleRequest"), "FullPowerCycle") == 0;
	}
}

struct reply { int status; json_t *json; char *location; char *token; char *etag; int64_t retry; };

static json_t *ref(const char *path)
{
	return json_pack("{s:s}", "@odata.id", path);
}

static json_t *fail_with(const char *id, const char *text)
{
	return json_pack("{s:{s:s, s:s, s:[{s:s, s:s, s:s}]}}", "error", "code", id, "message", "see", "@Message.ExtendedInfo", "MessageId", id, "Message",
			 text, "MessageSeverity", "Critical");
}

static void get_job(const struct world *w, struct reply *r)
{
	bool scheduled = clock_now_ms() >= w->job_at + 20 * 1000, booted = w->boot_end > w->job_at && clock_now_ms() >= w->boot_end;
	const char *state = !scheduled ? "New" : w->bios_job == JOB_REFUSED ? "Failed" : !booted ? "Scheduled" : w->bios_job == JOB_FAILS ?
		"CompletedWithErrors" : "Completed";

	r->json = json_pack("{s:s, s:s, s:s, s:s}", "@odata.id", "/redfish/v1/Managers/BMC/Jobs/JID_1", "JobState", state, "MessageId", !scheduled ? "JCP000" :
			    "JCP001", "Message", w->bios_job == JOB_REFUSED ? "Lifecycle is locked." : w->bios_job == JOB_FAILS ? "Not applied in POST." : "New.");
}

static void get_task(struct world *w, unsigned i, struct reply *r)
{
	int64_t now = clock_now_ms();
	char path[64];

	if (w->monitors_only) {      /* says nothing, for ever */
		r->status = 202;
		return;
	}
	if (i >= w->n_tasks || (w->loses_task && now + 60000 >= w->tasks[i].end)) {
		r->status = 404;
		r->json = fail_with("Base.1.0.ResourceMissingAtURI", "gone");
		return;
	}
	snprintf(path, sizeof(path), "/redfish/v1/TaskService/Tasks/%u", i);
	bool done = now >= w->tasks[i].end && !w->task_never_ends;
	int percent = now >= w->tasks[i].end ? 100 : (int)(100 - (w->tasks[i].end - now) / 3000);
	r->json = json_pack("{s:s, s:s, s:s, s:s, s:i}", "@odata.id", path, "@odata.type", "#Task.v1_7_0.Task", "TaskState", !done ? "Running" :
		w->tasks[i].failed ? "Exception" : "Completed", "TaskStatus", done && w->tasks[i].failed ? "Critical" : "OK", "PercentComplete", percent);
	if (done && w->tasks[i].failed)
		json_object_set_new(r->json, "Messages", json_pack("[{s:s, s:s, s:s}]", "MessageId", "Update.1.0.VerificationFailed", "Message",
				    "Image signature is invalid.", "Severity", "Critical"));
}

static json_t *system_json(const struct world *w)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:o, s:{s:{s:s, s:[s,s,s,s,s]}}}", "@odata.id", "/redfish/v1/Systems/Host", "Id", "Host", "PowerState",
		w->off_at ? "PoweringOff" : w->on ? "On" : "Off", "Bios", ref("/redfish/v1/Systems/Host/Bios"), "Actions", "#ComputerSystem.Reset", "target",
		"/redfish/v1/Systems/Host/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues", "On", "ForceOff", "GracefulShutdown",
		"GracefulRestart", "ForceRestart");
	if (!w->no_boot_progress)
		json_object_set_new(j, "BootProgress", json_pack("{s:s}", "LastState", !w->on ? "None" : w->booting ? "MemoryInitializationStarted" : "OSRunning"));
	return j;
}

static const char *const fixed[][2] = {
	{ "/redfish/v1/", "{\"@odata.id\":\"/redfish/v1/\",\"RedfishVersion\":\"1.15.0\",\"Vendor\":\"Contoso\",\"Systems\":{\"@odata.id\":\"/redfish/v1/Systems\"},"
	  "\"Managers\":{\"@odata.id\":\"/redfish/v1/Managers\"},\"Chassis\":{\"@odata.id\":\"/redfish/v1/Chassis\"},"
	  "\"UpdateService\":{\"@odata.id\":\"/redfish/v1/UpdateService\"},\"Registries\":{\"@odata.id\":\"/redfish/v1/Registries\"},"
	  "\"Tasks\":{\"@odata.id\":\"/redfish/v1/TaskService\"},\"Links\":{\"Sessions\":{\"@odata.id\":\"/redfish/v1/SessionService/Sessions\"}}}" },
	{ "/redfish/v1/Systems", "{\"Members\":[{\"@odata.id\":\"/redfish/v1/Systems/HGX_Baseboard_0\"},{\"@odata.id\":\"/redfish/v1/Systems/Host\"}]}" },
	{ "/redfish/v1/Systems/HGX_Baseboard_0", "{\"@odata.id\":\"/redfish/v1/Systems/HGX_Baseboard_0\",\"Id\":\"HGX_Baseboard_0\",\"PowerState\":\"On\"}" },
	{ "/redfish/v1/Managers", "{\"Members\":[{\"@odata.id\":\"/redfish/v1/Managers/BMC\"}]}" },
	{ "/redfish/v1/Managers/BMC", "{\"@odata.id\":\"/redfish/v1/Managers/BMC\",\"Id\":\"bmc\",\"ManagerType\":\"BMC\",\"Actions\":{\"#Manager.Reset\":"
	  "{\"target\":\"/redfish/v1/Managers/BMC/Actions/Manager.Reset\",\"ResetType@Redfish.AllowableValues\":[\"ForceRestart\"]}}}" },
	{ "/redfish/v1/Chassis", "{\"Members\":[{\"@odata.id\":\"/redfish/v1/Chassis/BMC_0\"},{\"@odata.id\":\"/redfish/v1/Chassis/HGX_ERoT_1\"}]}" },
	{ "/redfish/v1/Chassis/BMC_0", "{\"@odata.id\":\"/redfish/v1/Chassis/BMC_0\",\"Actions\":{\"Oem\":{\"#NvidiaChassis.AuxPowerReset\":{\"target\":"
	  "\"/redfish/v1/Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset\",\"@Redfish.ActionInfo\":\"/redfish/v1/Chassis/BMC_0/Aux\"}}}}" },
	{ "/redfish/v1/Chassis/BMC_0/Aux", "{\"Id\":\"Aux\",\"Parameters\":[{\"Name\":\"ResetType\",\"AllowableValues\":[\"AuxPowerCycle\"]}]}" },
	{ "/redfish/v1/UpdateService", "{\"@odata.id\":\"/redfish/v1/UpdateService\",\"MultipartHttpPushUri\":\"/redfish/v1/UpdateService/upload\","
	  "\"FirmwareInventory\":{\"@odata.id\":\"/redfish/v1/UpdateService/FirmwareInventory\"}}" },
	{ "/redfish/v1/TaskService", "{\"@odata.id\":\"/redfish/v1/TaskService\",\"Tasks\":{\"@odata.id\":\"/redfish/v1/TaskService/Tasks\"}}" },
	{ "/redfish/v1/Registries", "{\"Members\":[{\"@odata.id\":\"/redfish/v1/Registries/Base.1.0\"},{\"@odata.id\":\"/redfish/v1/Registries/BiosAttributeRegistry.1.0\"}]}" },
	{ "/redfish/v1/Registries/BiosAttributeRegistry.1.0", "{\"Id\":\"x\",\"Location\":[{\"Language\":\"en\",\"Uri\":\"/redfish/v1/reg.json\"}]}" },
	{ "/redfish/v1/reg.json", "{\"Id\":\"r\",\"RegistryEntries\":{\"Attributes\":["
	  "{\"AttributeName\":\"SecureBoot\",\"Type\":\"Enumeration\",\"Value\":[{\"ValueName\":\"Enabled\"},{\"ValueName\":\"Disabled\"}]},"
	  "{\"AttributeName\":\"NumaPerSocket\",\"Type\":\"Integer\",\"LowerBound\":1,\"UpperBound\":4},"
	  "{\"AttributeName\":\"Quiet\",\"Type\":\"Boolean\",\"ReadOnly\":true}]}}" },
};

static json_t *inventory(void)
{
	json_t *j = json_pack("{s:i, s:[]}", "Members@odata.count", COMPONENTS, "Members");

	for (size_t i = 0; i < COMPONENTS; i++) {
		autofree char *path = xasprintf("/redfish/v1/UpdateService/FirmwareInventory/%s", components[i].id);
		json_array_append_new(json_object_get(j, "Members"), ref(path));
	}
	return j;
}

static void get(struct world *w, const char *path, struct reply *r)
{
	unsigned n;

	r->status = 200;
	if (w->mains != AC_AUX && strcmp(path, "/redfish/v1/Chassis/BMC_0") == 0) {
		r->json = json_pack("{s:s, s:{}}", "Id", "BMC_0", "Actions");
		if (w->mains == AC_DELL)
			json_object_set_new(json_object_get(r->json, "Actions"), "Oem", json_pack("{s:{s:s, s:[s]}}", "#DellOemChassis.ExtendedReset", "target",
				"/redfish/v1/Chassis/BMC_0/Actions/Oem/DellOemChassis.ExtendedReset", "ResetType@Redfish.AllowableValues", "PowerCycle"));
		return;
	}
	if (strstr(path, "/Jobs/JID_1") && w->bios_job) {
		get_job(w, r);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (strcmp(path, fixed[i][0]) == 0) {
			r->json = rf_parse(fixed[i][1], strlen(fixed[i][1]));
			assert_non_null(r->json);
			return;
		}
	for (size_t i = 0; i < COMPONENTS; i++)
		if (str_has_prefix(path, "/redfish/v1/UpdateService/FirmwareInventory/") && str_has_suffix(path, components[i].id)) {
			r->json = json_pack("{s:s, s:s, s:s, s:{s:s}}", "@odata.id", path, "Id", components[i].id, "Version", w->version[i], "Status", "State",
					    clock_now_ms() < w->updating_until ? "Updating" : "Enabled");
			return;
		}
	if (strcmp(path, "/redfish/v1/Systems/Host") == 0)
		r->json = system_json(w);
	else if (strcmp(path, "/redfish/v1/UpdateService/FirmwareInventory") == 0)
		r->json = inventory();
	else if (strcmp(path, "/redfish/v1/Chassis/HGX_ERoT_1") == 0)
		r->json = json_pack("{s:s, s:{s:{s:s}}}", "Id", "HGX_ERoT_1", "Oem", "Nvidia", "BackgroundCopyStatus", clock_now_ms() < w->copy_end ?
				    "InProgress" : "Completed");
	else if (strcmp(path, "/redfish/v1/Systems/Host/Bios") == 0)
		r->json = json_pack("{s:s, s:s, s:O, s:{s:o, s:[s]}}", "@odata.id", path, "AttributeRegistry", "BiosAttributeRegistryX.v1_0_0", "Attributes",
				    w->bios, "@Redfish.Settings", "SettingsObject", ref("/redfish/v1/Systems/Host/Bios/Settings"), "SupportedApplyTimes", "OnReset");
	else if (strcmp(path, "/redfish/v1/Systems/Host/Bios/Settings") == 0) {
		r->json = json_pack("{s:s, s:o}", "@odata.id", path, "Attributes", w->pending ? json_ref(w->pending) : json_object());
		r->etag = xstrdup(w->etag_weak_only ? "W/\"7\"" : "\"7\"");
	} else if (strcmp(path, "/redfish/v1/TaskService/Tasks") == 0 && !w->lists_no_tasks) {
		r->json = json_pack("{s:[]}", "Members");
		for (unsigned i = 0; i < w->n_tasks; i++) {
			autofree char *at = xasprintf("/redfish/v1/TaskService/Tasks/%u", i);
			json_array_append_new(json_object_get(r->json, "Members"), ref(at));
		}
	} else if (sscanf(path, "/redfish/v1/TaskService/Tasks/%u", &n) == 1 || sscanf(path, "/redfish/v1/TaskService/TaskMonitors/%u", &n) == 1)
		get_task(w, n, r);
	else {
		r->status = 404;
		r->json = fail_with("Base.1.0.ResourceMissingAtURI", "no such resource");
	}
}

static void upload(struct world *w, const struct http_request *rq, struct reply *r)
{
	autofree char *text = NULL;
	size_t len;
	struct err err;

	assert_int_equal(rq->n_parts, 2);
	assert_string_equal(rq->parts[0].name, "UpdateParameters");
	assert_string_equal(rq->parts[1].name, "UpdateFile");
	if (w->install_end) {
		r->status = 503;
		r->retry = 30 * 1000;
		return;
	}
	if (w->update_busy_400 && w->refused_busy++ < 3) {
		r->status = 400;
		r->json = fail_with("Vendor.1.0.GeneralFault", "Another firmware update is in progress.");
		return;
	}
	w->uploads++;
	assert_int_equal(file_read(rq->parts[1].file, 1 << 20, &text, &len, &err), 0);
	snprintf(w->installing, sizeof(w->installing), "%s", text);
	assert_true(w->n_tasks < TASKS_MAX);
	int64_t end = clock_now_ms() + 240 * 1000;
	w->tasks[w->n_tasks].end = end;
	w->tasks[w->n_tasks].failed = w->rejects_image;
	w->install_end = end;
	if (w->rejects_image)
		w->installing[0] = '\0';
	r->status = 202;
	r->location = xasprintf("https://10.9.9.9/redfish/v1/TaskService/%s/%u", w->monitors_only ? "TaskMonitors" : "Tasks", w->n_tasks);
	w->n_tasks++;
}

static void host_reset(struct world *w, const char *kind, struct reply *r)
{
	int64_t now = clock_now_ms();

	r->status = 204;
	if (strcmp(kind, "On") == 0) {
		if (w->on)
			r->status = 409;
		else
			boot(w, now);
	} else if (strcmp(kind, "ForceOff") == 0) {
		w->off_at = now + 2000;
	} else if (!w->on) {
		r->status = 409;
	} else if (strcmp(kind, "GracefulShutdown") == 0) {
		if (!w->ignores_graceful)
			w->off_at = now + 30000;
	} else if (strcmp(kind, "ForceRestart") == 0 || !w->ignores_graceful) {
		w->resets++;
		boot(w, now);
	}
}

static void post(struct world *w, const struct http_request *rq, const char *path, const json_t *in, struct reply *r)
{
	const char *kind = json_str(in, "ResetType");

	r->status = 404;
	if (strcmp(path, "/redfish/v1/UpdateService/upload") == 0)
		upload(w, rq, r);
	else if (strcmp(path, "/redfish/v1/Systems/Host/Actions/ComputerSystem.Reset") == 0)
		host_reset(w, kind, r);
	else if (strcmp(path, "/redfish/v1/Managers/BMC/Actions/Manager.Reset") == 0) {
		r->status = 204;
		w->bmc_resets++;
		w->token = 0;
		w->away_until = clock_now_ms() + 90 * 1000;
		run_staged(w, 'b');
	} else if (strstr(path, "AuxPowerReset")) {
		assert_string_equal(kind, "AuxPowerCycle");
		if (w->on) {
			r->status = 400;
			r->json = fail_with("Base.1.18.ChassisPowerStateOffRequired", "off first");
			return;
		}
		r->status = 204;
		lose_mains(w);
	} else if (strstr(path, "ExtendedReset")) {
		assert_int_equal(w->mains, AC_DELL);
		assert_string_equal(kind, "PowerCycle");
		assert_false(w->on);
		r->status = 204;
		lose_mains(w);
	}
}

static const char *header_of(const struct http_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->n_headers; i++)
		if (strcasecmp(rq->headers[i].name, name) == 0)
			return rq->headers[i].value;
	return NULL;
}

static void patch(struct world *w, const struct http_request *rq, const char *path, const json_t *in, struct reply *r)
{
	const char *match = header_of(rq, "If-Match"), *key;
	json_t *value;

	w->patches++;
	assert_string_equal(path, "/redfish/v1/Systems/Host/Bios/Settings");
	r->status = w->etag_required && !match ? 428 : match && (w->etag_never_matches || (w->etag_weak_only && strcmp(match, "\"7\"") != 0)) ? 412 : 200;
	if (r->status != 200)
		return;
	if (!w->pending)
		w->pending = json_object();
	json_object_foreach(json_object_get((json_t *)(uintptr_t)in, "Attributes"), key, value)
		json_object_set(w->pending, key, value);
	if (w->bios_job) {
		r->status = 202;
		w->job_at = clock_now_ms();
		r->location = xstrdup("/redfish/v1/Managers/BMC/Jobs/JID_1");
	}
}

static void login(struct world *w, const json_t *in, struct reply *r)
{
	w->logins++;
	if (w->no_sessions) {
		r->status = 404;
	} else if (w->wrong_password || strcmp(json_str(in, "Password"), "secret") != 0) {
		r->status = 401;
		r->json = fail_with("Base.1.0.AccessUnauthorized", "wrong");
	} else if (w->sessions_full) {
		r->status = 503;
		r->json = fail_with("IDRAC.2.8.RAC0218", "maximum number of user sessions is reached");
	} else {
		w->open++;
		w->token = (unsigned)w->logins;
		r->status = 201;
		r->token = xasprintf("token-%u", w->token);
		r->location = xasprintf("/redfish/v1/SessionService/Sessions/%u", w->token);
	}
}

static bool authorised(const struct world *w, const struct http_request *rq)
{
	const char *token = header_of(rq, "X-Auth-Token"), *basic = header_of(rq, "Authorization");
	unsigned n;

	if (basic)
		return !w->wrong_password && strcmp(basic, "Basic YWRtaW46c2VjcmV0") == 0;
	return token && w->token && sscanf(token, "token-%u", &n) == 1 && n == w->token;
}

static void serve(struct world *w, const struct http_request *rq, const char *path, struct reply *r)
{
	json_t *in = rq->body ? json_loadb(rq->body, rq->body_len, 0, NULL) : NULL;

	settle(w);
	if (strcmp(rq->method, "POST") == 0 && str_has_suffix(path, "/Sessions"))
		login(w, in, r);
	else if (strcmp(path, "/redfish/v1/") != 0 && !authorised(w, rq))
		r->status = 401;
	else if (strcmp(rq->method, "GET") == 0)
		get(w, path, r);
	else if (strcmp(rq->method, "POST") == 0)
		post(w, rq, path, in, r);
	else if (strcmp(rq->method, "PATCH") == 0)
		patch(w, rq, path, in, r);
	else if (strcmp(rq->method, "DELETE") == 0) {
		w->logouts++;
		w->open--;
		r->status = 204;
	}
	json_decref(in);
}

static struct fault *fault_for(struct world *w, const char *method, const char *path)
{
	for (unsigned i = 0; i < w->n_faults; i++) {
		struct fault *f = &w->faults[i];
		if ((f->method && strcmp(f->method, method) != 0) || !str_glob(f->glob, path) || !f->count)
			continue;
		if (f->skip) {
			f->skip--;
			continue;
		}
		f->count--;
		return f;
	}
	return NULL;
}

static void put_reply(struct reply *r, struct http_response *rs)
{
	struct { const char *name; char *value; } h[] = { { "Location", r->location }, { "X-Auth-Token", r->token }, { "ETag", r->etag } };

	rs->status = r->status;
	rs->retry_after_ms = r->retry ? r->retry : -1;
	rs->body = r->json ? json_text(r->json) : xstrdup("");
	rs->len = strlen(rs->body);
	rs->headers = xcalloc(3, sizeof(*rs->headers));
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		if (h[i].value)
			rs->headers[rs->n_headers++] = (struct http_header){ xstrdup(h[i].name), h[i].value };
	json_decref(r->json);
}

static int perform(struct task *t, void *ctx, const struct http_request *rq, struct http_response *rs, struct err *err)
{
	struct world *w = ctx;
	const char *path = strchr(rq->url + 8, '/');
	struct fault *f = fault_for(w, rq->method, path);
	enum fault_kind kind = f ? f->kind : F_NONE;
	size_t used = strlen(w->requests);

	if (++w->calls == w->cancel_at)
		kind = w->cancel_after ? F_CANCEL_AFTER : F_CANCEL_BEFORE;
	if (used + 200 < sizeof(w->requests))
		snprintf(w->requests + used, 200, "%s %.150s\n", rq->method, path);
	int rc = task_sleep(t, 50, err);
	if (rc)
		return rc;
	if (kind == F_CANCEL_BEFORE)
		return err_set(err, E_CANCELED, "killed");
	if (kind == F_REFUSED || clock_now_ms() < w->away_until)
		return err_set(err, E_UNREACHABLE, "connection refused");
	rs->sent = true;
	if (kind == F_DROP_BEFORE)
		return err_set(err, E_UNREACHABLE, "connection reset");
	struct reply r = { .status = 404 };
	if (kind == F_STATUS || kind == F_BODY) {
		r.status = f->status;
		r.retry = f->retry_after_ms;
		r.json = f->body ? rf_parse(f->body, strlen(f->body)) : NULL;
		if (kind == F_BODY && !r.json) {
			rs->status = f->status;
			rs->body = xstrdup(f->body);
			rs->len = strlen(f->body);
			rs->retry_after_ms = -1;
			return 0;
		}
	} else {
		serve(w, rq, path, &r);
	}
	if (kind == F_DROP_AFTER || kind == F_CANCEL_AFTER) {
		json_decref(r.json);
		free(r.location);
		free(r.token);
		free(r.etag);
		return err_set(err, kind == F_CANCEL_AFTER ? E_CANCELED : E_UNREACHABLE, "reply lost");
	}
	put_reply(&r, rs);
	return 0;
}

/* The production release when base/http.c is linked; this file frees what it made itself. */
static inline struct rf *rf_new(struct world *w)
{
	struct rf *rf = xcalloc(1, sizeof(*rf));

	rf->dir = xstrdup("/");
	rf->config = json_pack("{s:s, s:s, s:b}", "username", "admin", "password", "env:RF_TEST_PASSWORD", "insecure", 1);
	rf->limits = (struct rf_limits){ .connect = 8000, .read = 60000, .inventory = 300000, .budget = 180000, .graceful = 300000, .boot = 1200000,
		.stall = 1800000, .lost_task = 600000, .copy = 1800000, .verify = 600000 };
	rf->transport = (struct rf_transport){ perform, w };
	return rf;
}

static inline void rf_drop(struct rf *rf)
{
	struct rf_bmc *b, *next;

	HASH_ITER(hh, rf->bmcs, b, next) {
		HASH_DEL(rf->bmcs, b);
		rf_bmc_free(b);
	}
	json_decref(rf->config);
	json_decref(rf->stale);
	free(rf->dir);
	free(rf);
}

static inline struct rf_bmc *bmc_of(struct rf *rf)
{
	struct rf_bmc *b;
	struct err err;

	assert_int_equal(rf_bmc_at(rf, "10.0.0.1", NULL, &b, &err), 0);
	return b;
}

/* --- the engine's part ------------------------------------------------------------------------------------------ */

static json_t *journal;              /* last note */
static int journal_calls, journal_break_at;

int op_journal(struct task *t, struct op *op, bool sent, const char *step, const json_t *note, struct err *err)
{
	(void)t, (void)op, (void)sent, (void)step;
	json_decref(journal);
	journal = json_deep_copy(note);
	if (++journal_calls == journal_break_at)
		return err_set(err, E_CANCELED, "killed at the journal");
	return 0;
}

void op_progress(struct op *op, int percent, const char *fmt, ...)
{
	(void)op, (void)percent, (void)fmt;
}

static inline int run_in_loop(task_fn *fn, void *arg, struct err *err)
{
	struct loop *l = loop_new();
	int rc = loop_run(l, fn, arg, err);

	loop_free(l);
	return rc;
}

static int world_setup(void **state)
{
	(void)state;
	json_setup();
	clock_simulate(7, 1700000000000);
	setenv("RF_TEST_PASSWORD", "secret", 1);
	return 0;
}

#endif
