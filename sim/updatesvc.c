/* UpdateService: the inventory, and the three ways an image comes in. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/call.h"
#include "sim/types.h"
#include "sim/update.h"
#include "sim/upload.h"

#define SERVICE ROOT "/UpdateService"
#define APPLY_TIMES "Immediate|OnReset"

static json_t *get_service(struct call *c)
{
	json_t *r = resource(c, TYPE_UPDATE_SERVICE, "UpdateService", "Update Service");

	json_object_update_new(r, json_pack("{s:b, s:s, s:s, s:s, s:I, s:o, s:o, s:{s:o}}", "ServiceEnabled", 1, "MultipartHttpPushUri",
		SERVICE "/upload", "HttpPushUri", SERVICE "/push", "Description", "Updates the firmware of this machine", "MaxImageSizeBytes",
		(json_int_t)UPLOAD_MAX_BYTES, "Status", status_ok(), "FirmwareInventory", ref(SERVICE "/FirmwareInventory"),
		"MultipartHttpPushUri@Redfish.OperationApplyTimeSupport", "SupportedValues", words(APPLY_TIMES)));
	json_object_set_new(json_object_get(r, "MultipartHttpPushUri@Redfish.OperationApplyTimeSupport"), "@odata.type",
		json_string("#Settings.v1_3_5.OperationApplyTimeSupport"));
	json_object_update_new(r, json_pack("{s:{s:{s:s, s:o, s:{s:s, s:o}}}}", "Actions", "#UpdateService.SimpleUpdate", "target",
		SERVICE "/Actions/UpdateService.SimpleUpdate", "TransferProtocol@Redfish.AllowableValues", words("HTTP|HTTPS"),
		"@Redfish.OperationApplyTimeSupport", "@odata.type", "#Settings.v1_3_5.OperationApplyTimeSupport", "SupportedValues",
		words(APPLY_TIMES)));
	put_delta(c, r, "VerifyRemoteServerCertificate", json_false());
	put_delta(c, r, "HttpPushUriTargets", json_array());
	return r;
}

/* The set of components a list of target URIs means. Complains about a URI that is no target. */
static bool read_targets(struct call *c, const json_t *targets, bool wanted[128])
{
	size_t k;
	json_t *value;

	json_array_foreach((json_t *)(uintptr_t)targets, k, value) {
		const char *uri = json_string_value(value), *id = "";
		bool found = false, hgx, host;

		if (str_has_prefix(uri, SERVICE "/FirmwareInventory/"))
			id = uri + strlen(SERVICE "/FirmwareInventory/");
		hgx = strcmp(id, "HGX_0") == 0 || strcmp(uri, ROOT "/Chassis/HGX_Chassis_0") == 0 ||
			strcmp(uri, ROOT "/Systems/HGX_Baseboard_0") == 0;
		host = strcmp(uri, ROOT "/Chassis/DGX") == 0 || strcmp(uri, ROOT "/Systems/DGX") == 0;
		for (unsigned i = 0; i < firmware_count(); i++) {
			const struct component *f = firmware_at(i);
			bool on_hgx = str_has_prefix(f->id, "HGX_");
			bool related = str_has_prefix(uri, ROOT "/") && strcmp(f->related, uri + sizeof ROOT) == 0;

			if (f->act == ACT_NEVER || !(strcmp(f->id, id) == 0 || (hgx && on_hgx) || (host && !on_hgx) || related))
				continue;
			wanted[i] = found = true;
		}
		if (!found)
			complain(c, "ResourceMissingAtURI", "Targets", uri);
	}
	return !c->infos;
}

/* Starts the update PARAMS asks for; false when it answered with an error. */
static bool begin(struct call *c, const json_t *params, unsigned *task)
{
	const json_t *targets = json_at(params, "Targets");
	const char *when = json_str(params, "@Redfish.OperationApplyTime");
	bool wanted[128] = { false };
	struct update_request rq = { .force = json_flag(params, "ForceUpdate", false),
		.immediate = when && strcmp(when, "Immediate") == 0 };

	if (!read_targets(c, targets, wanted)) {
		reply_complaints(c, 400);
		return false;
	}
	if (json_array_size(targets))
		rq.wanted = wanted;
	if (update_begin(c->b, &rq, task)) {
		fail_busy(c, update_left(c->b, c->now));
		return false;
	}
	return true;
}

static void post_simple(struct call *c)
{
	static const struct param params[] = {
		{ "ImageURI", 's', true, NULL }, { "TransferProtocol", 's', false, "HTTP|HTTPS" }, { "Targets", 'a', false, NULL },
		{ "ForceUpdate", 'b', false, NULL }, { "Username", 's', false, NULL }, { "Password", 's', false, NULL },
		{ "Stage", 'b', false, NULL }, { "@Redfish.OperationApplyTime", 's', false, APPLY_TIMES },
	};
	const char *uri, *protocol;
	unsigned task;

	if (!check_params(c, "UpdateService.SimpleUpdate", params, ARRAY_LEN(params)))
		return;
	uri = json_str(c->in, "ImageURI");
	protocol = json_str(c->in, "TransferProtocol");
	if (!str_has_prefix(uri, "http://") && !str_has_prefix(uri, "https://") && (strstr(uri, "://") || !protocol)) {
		fail(c, 400, "ActionParameterValueFormatError", NULL, uri, "ImageURI", "UpdateService.SimpleUpdate");
		return;
	}
	if (!begin(c, c->in, &task))
		return;
	c->rp->fetch_task = task;
	c->rp->fetch_uri = strstr(uri, "://") ? xstrdup(uri) :
		xasprintf("%s://%s", strcmp(protocol, "HTTPS") == 0 ? "https" : "http", uri);
	reply_task(c, task);
}

static void accept_image(struct call *c, const struct upload *u, const json_t *params, const char *path)
{
	unsigned task;

	if (!begin(c, params, &task))
		return;
	update_image(c->b, task, u->head, u->head_len, u->sha256, u->size, path);
	reply_task(c, task);
}

/* UpdateParameters of a multipart push; NULL after answering. */
static json_t *push_parameters(struct call *c, const struct upload *u)
{
	static const struct param params[] = {
		{ "Targets", 'a', false, NULL }, { "ForceUpdate", 'b', false, NULL }, { "Stage", 'b', false, NULL },
		{ "LocalImage", 'b', false, NULL }, { "ExcludeTargets", 'a', false, NULL }, { "Oem", 'o', false, NULL },
		{ "@Redfish.OperationApplyTime", 's', false, APPLY_TIMES },
	};
	json_t *in = NULL;

	if (u->malformed || !u->has_file || !u->parameters) {
		fail(c, 400, "MissingOrMalformedPart", NULL);
		return NULL;
	}
	if (json_parse(u->parameters, u->parameters_len, "UpdateParameters", &in, NULL) || !json_is_object(in)) {
		json_decref(in);
		fail(c, 400, "MalformedJSON", NULL);
		return NULL;
	}
	c->in = in;
	return check_params(c, "MultipartHttpPushUri", params, ARRAY_LEN(params)) ? in : NULL;
}

static void post_upload(struct call *c)
{
	const char *type = header(c, "Content-Type");
	struct upload *own = NULL, *u = c->rq->upload;
	bool multipart = type && strncasecmp(type, "multipart/form-data", 19) == 0;
	bool push = strcmp(c->path, SERVICE "/push") == 0;
	const json_t *params;

	if (!push && !multipart) {
		fail(c, 415, "HeaderInvalid", NULL, "Content-Type");
		return;
	}
	if (!u) {
		u = own = upload_new(push ? NULL : type);
		upload_data(u, c->rq->body ? c->rq->body : "", c->rq->len);
		upload_finish(u);
	}
	if (u->too_large) {
		fail(c, 413, "PayloadTooLarge", NULL);
	} else if (push) {
		autojson json_t *in = json_object();
		const json_t *targets = bmc_delta(c->b, SERVICE, "HttpPushUriTargets");

		if (targets)
			json_object_set_new(in, "Targets", json_ref(targets));
		accept_image(c, u, in, "push");
	} else {
		params = push_parameters(c, u);
		if (params)
			accept_image(c, u, params, "multipart");
	}
	upload_free(own);
}

/* --- inventory ----------------------------------------------------------------------------------------------- */

static json_t *get_inventory(struct call *c)
{
	json_t *r = collection(c, "SoftwareInventoryCollection", "Firmware Inventory Collection");

	for (unsigned i = 0; i < firmware_count(); i++)
		member(r, SERVICE "/FirmwareInventory/%s", firmware_at(i)->id);
	return r;
}

static json_t *get_software(struct call *c)
{
	int i = firmware_find(c->id[0]);
	const struct component *f;
	json_t *r;

	if (i < 0)
		return NULL;
	f = firmware_at((unsigned)i);
	r = resource(c, TYPE_SOFTWARE, f->id, "Software Inventory");
	json_object_update_new(r, json_pack("{s:s, s:b, s:s, s:[o], s:o, s:o}", "Version", item_version(c->b, (unsigned)i),
		"Updateable", f->act != ACT_NEVER, "Manufacturer", "NVIDIA", "RelatedItem", ref(ROOT "/%s", f->related), "SoftwareId",
		text("0x%04X", (unsigned)i + 0x10), "Status", status_ok()));
	return r;
}

/* --- what may be written ------------------------------------------------------------------------------------- */

static void set_targets(struct call *c)
{
	const json_t *list = json_object_get(c->in, "HttpPushUriTargets");
	bool wanted[128] = { false };

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			complain(c, "PropertyValueTypeError", "HttpPushUriTargets", "", "HttpPushUriTargets");
	if (!json_is_array(list) || json_array_size(list) > 200)
		complain(c, "PropertyValueTypeError", "HttpPushUriTargets", "", "HttpPushUriTargets");
	if (c->infos || !read_targets(c, list, wanted)) {
		reply_complaints(c, 400);
		return;
	}
	bmc_set_delta(c->b, SERVICE, "HttpPushUriTargets", list);
	if (json_object_size(c->in) == 1)
		reply_resource(c);
	else
		json_object_del(c->in, "HttpPushUriTargets");
}

static void patch_service(struct call *c)
{
	static const struct writable rows[] = { { "VerifyRemoteServerCertificate", 'b', 0, 0, NULL, NULL } };

	if (json_object_get(c->in, "HttpPushUriTargets"))
		set_targets(c);
	if (!c->rp->status)
		patch_properties(c, rows, ARRAY_LEN(rows));
}

const struct route routes_update[] = {
	{ .path = "UpdateService", .get = get_service, .patch = patch_service, .priv = PRIV_COMPONENTS },
	{ .path = "UpdateService/upload", .post = post_upload, .priv = PRIV_COMPONENTS, .flags = ROUTE_RAW },
	{ .path = "UpdateService/push", .post = post_upload, .priv = PRIV_COMPONENTS, .flags = ROUTE_RAW },
	{ .path = "UpdateService/Actions/UpdateService.SimpleUpdate", .post = post_simple, .priv = PRIV_COMPONENTS },
	{ .path = "UpdateService/FirmwareInventory", .get = get_inventory },
	{ .path = "UpdateService/FirmwareInventory/*", .get = get_software },
	{ 0 },
};
