#include "providers/redfish/image.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "providers/redfish/follow.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/session.h"

enum {
	SENDS_MAX = 3,               /* times one image is sent, each proven not to have arrived */
	SLOWEST_BYTES_S = 10 * 1000, /* an upload may be as slow as that */
	BUSY_SENDS_MAX = 60,         /* refusals of a busy BMC */
	ARRIVAL_LOOKS = 3,
	QUIET_CAP_MS = 40 * 60 * 1000,
};
#define BUSY_KEY "HttpPushUriTargetsBusy"

struct sending {
	struct task *t;
	struct fw *f;
	struct op *op;
	const struct fw_image *img;
	json_t *note, *slot;         /* the operation's note; this image's part of it */
	char *file, sha[65];
	unsigned long long size;
	const char *name;            /* of the file, for people */
	int64_t give_up;             /* refusals that may pass are waited out until then */
};

/* How a BMC can be told to fetch: the URL's scheme, and the TransferProtocol of the standard. */
static const struct { const char *scheme, *protocol; } protocols[] = {
	{ "http", "HTTP" }, { "https", "HTTPS" }, { "ftp", "FTP" }, { "sftp", "SFTP" }, { "tftp", "TFTP" }, { "scp", "SCP" }, { "nfs", "NFS" }, { "cifs", "CIFS" },
	{ "smb", "CIFS" },
};

static const char *protocol_of(const char *source)
{
	size_t n = strcspn(source, ":");

	for (size_t i = 0; strncmp(source + n, "://", 3) == 0 && i < ARRAY_LEN(protocols); i++)
		if (strlen(protocols[i].scheme) == n && strncasecmp(source, protocols[i].scheme, n) == 0)
			return protocols[i].protocol;
	return NULL;
}

bool fw_is_url(const char *source)
{
	return protocol_of(source) != NULL;
}

bool fw_url_has_user(const char *source)
{
	const char *host = fw_is_url(source) ? strstr(source, "://") + 3 : "";

	return memchr(host, '@', strcspn(host, "/?#")) != NULL;
}

int fw_journal(struct task *t, struct op *op, json_t *note, const char *step, struct err *err)
{
	json_put_str(note, "step", step);
	return op_journal(t, op, true, step, note, err);
}

/* --- how ---------------------------------------------------------------------------------------------------------------- */

enum fw_way fw_way(const json_t *service, bool url)
{
	autofree char *multipart = rf_path(json_str(service, "MultipartHttpPushUri"));
	autofree char *push = rf_path(json_str(service, "HttpPushUri"));
	autofree char *simple = rf_path(json_path(service, "Actions", "#UpdateService.SimpleUpdate", NULL) ?
		json_str(json_path(service, "Actions", "#UpdateService.SimpleUpdate", NULL), "target") : NULL);

	if (url)
		return simple ? WAY_SIMPLE : WAY_NONE;
	return multipart ? WAY_MULTIPART : push ? WAY_PUSH : WAY_NONE;
}

/* The apply time to ask for: waiting for our own activation where that is offered, else at once, else nothing. */
static const char *apply_time(const json_t *values)
{
	static const char *const wishes[] = { "OnReset", "Immediate" };

	for (size_t w = 0; w < ARRAY_LEN(wishes); w++)
		for (size_t i = 0; i < json_array_size(values); i++) {
			const char *v = json_string_value(json_array_get(values, i));
			if (v && strcasecmp(v, wishes[w]) == 0)
				return v;    /* as this machine writes it */
		}
	return NULL;
}

static const json_t *apply_values(const json_t *service, enum fw_way way)
{
	const json_t *v = way == WAY_SIMPLE ?
		json_path(service, "Actions", "#UpdateService.SimpleUpdate", "@Redfish.OperationApplyTimeSupport", "SupportedValues", NULL) :
		json_path(service, "MultipartHttpPushUri@Redfish.OperationApplyTimeSupport", "SupportedValues", NULL);

	return v ? v : json_path(service, "@Redfish.OperationApplyTimeSupport", "SupportedValues", NULL);
}

/* Targets of all pins served: paths as given, bare names below FirmwareInventory. NULL: none says so, the image decides (an empty list is
 * said, some bundles want that). */
static json_t *targets_of(const struct sending *s)
{
	json_t *out = NULL;

	for (size_t i = 0; i < s->img->pins.len; i++) {
		const json_t *list = json_at(s->img->pins.at[i]->want, "targets");
		if (json_is_array(list) && !out)
			out = json_array();
		for (size_t k = 0; k < json_array_size(list); k++) {
			const char *one = json_string_value(json_array_get(list, k));
			if (!one)
				continue;
			json_array_append_new(out, one[0] == '/' ? json_string(one) :
				json_sprintf("%s/FirmwareInventory/%s", s->f->b->update_uri, one));
		}
	}
	return out;
}

static json_t *parameters(const struct sending *s, const json_t *service, enum fw_way way)
{
	json_t *p = json_object(), *targets = targets_of(s);
	const char *when = apply_time(apply_values(service, way));

	if (targets)
		json_object_set_new(p, "Targets", targets);
	for (size_t i = 0; i < s->img->pins.len; i++)
		if (json_flag(s->img->pins.at[i]->want, "force", false))
			json_object_set_new(p, "ForceUpdate", json_true());
	if (when)
		json_put_str(p, "@Redfish.OperationApplyTime", when);
	if (way == WAY_MULTIPART && s->f->b->quirk.multipart_oem)
		json_object_set_new(p, "Oem", json_object());
	return p;
}

static void show_upload(void *arg, uint64_t sent, uint64_t total)
{
	struct sending *s = arg;

	if (total)
		op_progress(s->op, (int)(sent * 100 / total), "sending %s", s->name);
}

static int64_t upload_ms(const struct sending *s)
{
	return s->f->b->rf->limits.read + (int64_t)(s->size / SLOWEST_BYTES_S) * 1000;
}

/* What the pins say in oem_parameters, as one text; NULL: nothing. Yours. */
static char *oem_text(const struct sending *s)
{
	autojson json_t *all = json_object();
	const char *key;
	json_t *value;

	for (size_t i = 0; i < s->img->pins.len; i++)
		json_object_foreach(json_object_get((json_t *)(uintptr_t)s->img->pins.at[i]->want, "oem_parameters"), key, value)
			json_object_set(all, key, value);
	return json_object_size(all) ? json_text(all) : NULL;
}

static int send_multipart(struct sending *s, const json_t *service, struct rf_reply *r, struct err *err)
{
	autojson json_t *p = parameters(s, service, WAY_MULTIPART);
	autofree char *params = json_text(p);
	autofree char *path = rf_path(json_str(service, "MultipartHttpPushUri"));
	autofree char *oem = oem_text(s);
	struct http_part parts[3] = { { .name = "UpdateParameters", .type = "application/json", .data = params, .len = strlen(params) } };
	size_t n = 1;
	if (oem)
		parts[n++] = (struct http_part){ .name = "OemParameters", .type = "application/json", .data = oem, .len = strlen(oem) };
	parts[n++] = (struct http_part){ .name = "UpdateFile", .filename = s->name, .type = "application/octet-stream", .file = s->file };
	struct rf_request rq = { .method = "POST", .path = path, .parts = parts, .n_parts = n, .flags = RF_ONCE,
		.timeout_ms = upload_ms(s), .progress = show_upload, .progress_arg = s };

	return rf_send(s->t, s->f->b, &rq, r, err);
}

/* Says before an upload by HttpPushUri whom it is for, and takes the service's soft lock where it has one. */
static int claim(struct sending *s, const json_t *service, struct err *err)
{
	autojson json_t *targets = targets_of(s);
	autojson json_t *body = json_object();
	autoreply struct rf_reply patched = { 0 };

	if (json_at(service, "HttpPushUriTargets") && (targets || json_array_size(json_at(service, "HttpPushUriTargets"))))
		json_object_set_new(body, "HttpPushUriTargets", targets ? json_incref(targets) : json_array());
	if (json_is_boolean(json_at(service, BUSY_KEY)) && json_object_size(body))
		json_object_set_new(body, BUSY_KEY, json_true());
	if (!json_object_size(body))
		return 0;
	if (json_at(body, BUSY_KEY)) {
		json_object_set_new(s->slot, "claimed", json_true());
		int rc = fw_journal(s->t, s->op, s->note, "image", err);
		if (rc)
			return rc;
	}
	return rf_patch(s->t, s->f->b, s->f->b->update_uri, body, NULL, &patched, err);
}

static void release_claim(struct sending *s)
{
	autojson json_t *body = json_pack("{s:b}", BUSY_KEY, 0);
	autoreply struct rf_reply patched = { 0 };
	struct err ignored;

	if (json_object_get(s->slot, "claimed") && rf_patch(s->t, s->f->b, s->f->b->update_uri, body, NULL, &patched, &ignored) == 0)
		json_object_del(s->slot, "claimed");
}

static int send_push(struct sending *s, const json_t *service, struct rf_reply *r, struct err *err)
{
	autofree char *path = rf_path(json_str(service, "HttpPushUri"));
	struct rf_request rq = { .method = "POST", .path = path, .file = s->file, .flags = RF_ONCE, .timeout_ms = upload_ms(s),
		.progress = show_upload, .progress_arg = s };
	int rc = claim(s, service, err);

	if (rc == 0)
		rc = rf_send(s->t, s->f->b, &rq, r, err);
	release_claim(s);
	return rc;
}

/* The user that the BMC fetches the image as, where a pin says so. */
static int put_user(const struct sending *s, json_t *body, struct err *err)
{
	for (size_t i = 0; i < s->img->pins.len; i++) {
		const json_t *want = s->img->pins.at[i]->want;
		char *password = NULL;
		if (!json_str(want, "image_username"))
			continue;
		json_put_str(body, "Username", json_str(want, "image_username"));
		if (!json_str(want, "image_password"))
			return 0;
		int rc = secret_resolve(s->f->b->rf->dir, json_str(want, "image_password"), &password, err);
		if (rc)
			return err_wrap(err, "image_password of \"%s\"", s->img->pins.at[i]->glob);
		json_put_str(body, "Password", password);
		rf_wipe(&password);
		return 0;
	}
	return 0;
}

static int send_simple(struct sending *s, const json_t *service, struct rf_reply *r, struct err *err)
{
	autojson json_t *body = parameters(s, service, WAY_SIMPLE);
	const json_t *action = json_path(service, "Actions", "#UpdateService.SimpleUpdate", NULL);
	autofree char *path = rf_path(json_str(action, "target"));
	struct rf_request rq = { .method = "POST", .path = path, .body = body, .flags = RF_ONCE };

	json_put_str(body, "ImageURI", s->img->source);
	json_put_str(body, "TransferProtocol", protocol_of(s->img->source));
	int rc = put_user(s, body, err);
	return rc ? rc : rf_send(s->t, s->f->b, &rq, r, err);
}

static int check_size(const struct sending *s, const json_t *service, struct err *err)
{
	int64_t max = json_int(service, "MaxImageSizeBytes", 0);

	if (max > 0 && s->size > (unsigned long long)max)
		return err_set(err, E_INPUT, "%s takes images of at most %lld bytes, %s has %llu; use SimpleUpdate with an http(s) URL, or a smaller bundle",
			       s->f->b->addr, (long long)max, s->name, s->size);
	return 0;
}

/* Does the list of words in KEY of ACTION (absent: yes) hold WORD? */
static bool takes(const json_t *action, const char *key, const char *word)
{
	const json_t *list = json_at(action, key);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)) && strcasecmp(json_string_value(json_array_get(list, i)), word) == 0)
			return true;
	return !json_array_size(list);
}

static int check_service(const struct sending *s, const json_t *service, struct err *err)
{
	const json_t *action = json_path(service, "Actions", "#UpdateService.SimpleUpdate", NULL);
	const char *protocol = protocol_of(s->img->source);

	if (json_is_false(json_at(service, "ServiceEnabled")))
		return err_set(err, E_UNSUPPORTED, "%s has its UpdateService switched off (ServiceEnabled is false at %s): switch it on, then run again",
			       s->f->b->addr, s->f->b->update_uri);
	if (!s->file && action && !takes(action, "TransferProtocol@Redfish.AllowableValues", protocol))
		return err_set(err, E_UNSUPPORTED, "%s does not fetch images by %s: give %s by another protocol, or as a local file", s->f->b->addr, protocol,
			       s->name);
	return check_size(s, service, err);
}

static int send_once(struct sending *s, const json_t *service, struct rf_reply *r, struct err *err)
{
	switch (fw_way(service, s->file == NULL)) {
	case WAY_MULTIPART:
		return send_multipart(s, service, r, err);
	case WAY_PUSH:
		return send_push(s, service, r, err);
	case WAY_SIMPLE:
		return send_simple(s, service, r, err);
	case WAY_NONE:
		break;
	}
	return err_set(err, E_UNSUPPORTED, s->file ? "%s takes no uploaded images (no MultipartHttpPushUri, no HttpPushUri): put %s on a web server and "
		       "give its http(s) URL as image" : "%s cannot fetch images (no SimpleUpdate): give %s as a local file", s->f->b->addr, s->name);
}

/* --- did it arrive? ----------------------------------------------------------------------------------------------------- */

enum arrival { ARRIVED_NOT, ARRIVED_TASK, ARRIVED_INSTALLED, ARRIVED_UNKNOWN };

static bool listed(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	return false;
}

/* Of the new tasks the one that lives, else the last. */
static int pick_task(struct sending *s, const json_t *now, char **uri, struct err *err)
{
	const json_t *before = json_at(s->slot, "tasks_before");

	for (size_t i = 0; i < json_array_size(now); i++) {
		const char *one = json_string_value(json_array_get(now, i));
		autojson json_t *j = NULL;
		if (listed(before, one))
			continue;
		struct err ignored;
		int rc = rf_get(s->t, s->f->b, one, 0, &j, NULL, &ignored);
		if (rc == E_CANCELED || rc == E_UNREACHABLE) {
			*err = ignored;
			return rc;
		}
		bool live = j && task_classify(json_str(j, "TaskState"), json_str(j, "TaskStatus")) <= TASK_WAITS;
		if (!*uri || live) {
			free(*uri);
			*uri = xstrdup(one);
		}
		if (live)
			break;
	}
	return 0;
}

/* Did the inventory of what the image serves change since it was noted? */
static bool inventory_moved(const struct sending *s)
{
	const json_t *versions = json_at(s->slot, "versions");

	for (size_t i = 0; i < s->img->pins.len; i++) {
		const struct fw_pin *p = s->img->pins.at[i];
		for (size_t k = 0; k < p->entries.len; k++) {
			const struct fw_entry *e = &s->f->entries.at[p->entries.at[k]];
			const char *was = json_str(versions, e->path);
			bool known = json_object_get(versions, e->path) != NULL;     /* some machines put the version into the id */
			if (e->updating || (was && e->version && strcmp(was, e->version) != 0) || (!known && e->version && json_object_size(versions)))
				return true;
		}
	}
	return false;
}

static int arrival_of(struct sending *s, enum arrival *out, char **uri, struct err *err)
{
	int rc = rf_wait_ready(s->t, s->f->b, s->op, err);

	for (unsigned i = 0; rc == 0 && i < ARRIVAL_LOOKS; i++) {
		autojson json_t *now = NULL;
		rc = rf_tasks(s->t, s->f->b, &now, err);
		if (rc == 0)
			rc = fw_read(s->t, s->f, err);
		if (rc)
			return rc;
		if (json_is_array(now) && json_is_array(json_at(s->slot, "tasks_before")))
			rc = pick_task(s, now, uri, err);
		*out = *uri ? ARRIVED_TASK : inventory_moved(s) ? ARRIVED_INSTALLED :
			json_is_array(now) && json_is_array(json_at(s->slot, "tasks_before")) ? ARRIVED_NOT : ARRIVED_UNKNOWN;
		if (rc || *out != ARRIVED_NOT)
			return rc;
		if (i + 1 < ARRIVAL_LOOKS)
			rc = task_sleep(s->t, 1000, err);
	}
	return rc;
}

/* --- the steps ------------------------------------------------------------------------------------------------------------ */

static int note_state(struct sending *s, const char *state, const char *task, struct err *err)
{
	json_put_str(s->slot, "state", state);
	if (task)
		json_put_str(s->slot, "task", task);
	return fw_journal(s->t, s->op, s->note, "image", err);
}

static int note_sending(struct sending *s, struct err *err)
{
	json_t *versions = json_object(), *tasks = NULL;
	int rc = rf_tasks(s->t, s->f->b, &tasks, err);

	for (size_t i = 0; i < s->img->pins.len; i++) {
		const struct fw_pin *p = s->img->pins.at[i];
		for (size_t k = 0; k < p->entries.len; k++) {
			const struct fw_entry *e = &s->f->entries.at[p->entries.at[k]];
			json_put_str(versions, e->path, e->version);
		}
	}
	json_object_set_new(s->slot, "versions", versions);
	if (rc)
		return rc;
	json_object_set_new(s->slot, "tasks_before", tasks);
	json_object_del(s->slot, "task");
	json_put_int(s->slot, "sends", json_int(s->slot, "sends", 0) + 1);
	return note_state(s, "sending", NULL, err);
}

static int cannot_tell(const struct sending *s, struct err *err)
{
	return err_set(err, E_INTERNAL, "cannot tell whether %s received %s (the reply was lost, and it lists no tasks); an image is never sent "
		       "twice by guess: look at the BMC, then run again", s->f->b->addr, s->name);
}

/* Takes up what an earlier try left: sets the slot's state to "task", "arrived" or "unsent". */
static int take_up(struct sending *s, struct err *err)
{
	enum arrival is = ARRIVED_UNKNOWN;
	char *uri = NULL;
	int rc = arrival_of(s, &is, &uri, err);

	if (rc == 0 && is == ARRIVED_UNKNOWN)
		rc = cannot_tell(s, err);
	if (rc == 0)
		rc = note_state(s, is == ARRIVED_NOT ? "unsent" : "task", is == ARRIVED_TASK ? uri : NULL, err);
	free(uri);
	return rc;
}

/* Does the refusal say that another update runs? By the texts that services have for it. */
static bool says_update_runs(const struct rf_reply *r)
{
	autostr struct str said = { 0 };

	str_init(&said, 1000);
	if (!rf_say(r->json, &said) && r->text)
		rf_add_text(&said, r->text);
	return quirk_update_runs(said.at);
}

static bool retryable(const struct rf_reply *r, int64_t *wait)
{
	*wait = -1;
	return r->status == 401 || rf_busy(r, wait) || r->status == 409 || (r->status >= 500 && r->status != 501 && r->status != 507) ||
		(r->status >= 400 && says_update_runs(r));
}

/* What a person can do about a refused image. */
static const char *advice_for(const struct sending *s, const struct rf_reply *r)
{
	static const struct { int status; const char *says; } table[] = {
		{ 400, "check that the image is for this machine, and the pin's targets (AMI's services want oem_parameters: { ImageType: ... } too)" },
		{ 403, "the user may lack the privilege for updates, or the machine the licence" },
		{ 413, "it is larger than the BMC takes: give an http(s) URL, so that the BMC fetches it, or a smaller bundle" },
		{ 415, "it takes no such file this way: check that the image is for this machine, or give an http(s) URL" },
		{ 507, "the BMC has no room for it: reset the BMC, then run again" },
	};

	if (says_update_runs(r) || r->status == 503 || r->status == 409)
		return "another update seems to run there: let it end, or reset the BMC, then run again";
	for (size_t i = 0; s->file && i < ARRAY_LEN(table); i++)
		if (table[i].status == r->status)
			return table[i].says;
	return r->status == 400 ? "check that the BMC reaches the URL, and the pin's targets" : NULL;
}

/* After a refusal that may pass: waits as asked, then looks whether it arrived after all. */
static int refused_for_now(struct sending *s, const struct rf_reply *r, int64_t wait, struct err *err)
{
	struct err refusal = *err;
	int64_t sends = json_int(s->slot, "sends", 0);
	bool odd = r->status == 500 || r->status == 502 || r->status == 504;     /* it may even so have acted */
	int rc = 0;

	if (clock_now_ms() >= s->give_up || sends >= BUSY_SENDS_MAX) {
		const char *advice = advice_for(s, r);
		if (advice)
			err_set(err, refusal.code, "%.800s; %s", refusal.msg, advice);
		return refusal.code == E_AUTH ? (err->code = E_INTERNAL) : refusal.code;
	}
	if (r->status != 401)
		rc = task_sleep(s->t, wait > 0 ? (wait < 60000 ? wait : 60000) : 5000, err);
	if (rc == 0)
		rc = take_up(s, err);
	if (rc == 0 && odd && sends >= SENDS_MAX && strcmp(json_str(s->slot, "state"), "unsent") == 0) {
		*err = refusal;
		rc = refusal.code;
	}
	return rc;
}

/* Nothing was sent: once the BMC is back it is as before. */
static int not_sent(struct sending *s, struct err *err)
{
	struct err why = *err;

	if (why.code != E_UNREACHABLE && why.code != E_TIMEOUT)
		return why.code;
	if (clock_now_ms() >= s->give_up || json_int(s->slot, "sends", 0) >= BUSY_SENDS_MAX)
		return why.code;
	int rc = rf_wait_ready(s->t, s->f->b, s->op, err);
	return rc ? rc : note_state(s, "unsent", NULL, err);
}

static const char *way_path(const struct sending *s, const json_t *service)
{
	const json_t *simple = json_path(service, "Actions", "#UpdateService.SimpleUpdate", NULL);
	const char *at[] = { [WAY_NONE] = "", [WAY_MULTIPART] = json_str(service, "MultipartHttpPushUri"), [WAY_SIMPLE] = json_str(simple, "target"),
		[WAY_PUSH] = json_str(service, "HttpPushUri") };
	const char *path = at[fw_way(service, s->file == NULL)];

	return path ? path : "";
}

/* Another client holds the service's soft lock (HttpPushUriTargetsBusy): waits for it, within the time for what may pass. */
static int await_lock(struct sending *s, json_t **service, struct err *err)
{
	unsigned n = 6;

	while (fw_way(*service, s->file == NULL) == WAY_PUSH && json_is_true(json_at(*service, BUSY_KEY)) && !json_object_get(s->slot, "claimed")) {
		if (clock_now_ms() >= s->give_up)
			return err_set(err, E_BUSY, "%s is held for another client's upload (" BUSY_KEY " is true at %s); nothing was sent: let it end, or set "
				       "that to false, then run again", s->f->b->addr, s->f->b->update_uri);
		op_progress(s->op, -1, "another client uploads, waiting");
		int rc = rf_pause(s->t, &n, err);
		if (rc)
			return rc;
		json_decref(*service);
		*service = NULL;
		rc = rf_get(s->t, s->f->b, s->f->b->update_uri, 0, service, NULL, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Sends once and notes what came of it: state "task", or "unsent" when another try is due. */
static int transmit(struct sending *s, struct err *err)
{
	autojson json_t *service = NULL;
	autoreply struct rf_reply r = { 0 };
	int64_t wait;
	int rc = rf_get(s->t, s->f->b, s->f->b->update_uri, 0, &service, NULL, err);

	if (rc == 0)
		rc = check_service(s, service, err);
	if (rc == 0)
		rc = await_lock(s, &service, err);
	if (rc == 0 && fw_way(service, s->file == NULL) == WAY_NONE)
		return send_once(s, service, &r, err);
	if (rc == 0)
		rc = note_sending(s, err);
	if (rc)
		return rc;
	op_progress(s->op, -1, s->file ? "sending %s" : "BMC fetches %s", s->name);
	rc = send_once(s, service, &r, err);
	if (rc == E_CANCELED)
		return rc;
	if (rc)
		return r.sent ? take_up(s, err) : not_sent(s, err);
	if (rf_good(&r)) {
		autofree char *uri = rf_task_of(&r);
		return note_state(s, "task", uri, err);
	}
	autofree char *what = xasprintf("the image %s at %s", s->name, way_path(s, service));
	rf_refused(s->f->b, &r, what, err);
	if (err->code == E_NOTFOUND || err->code == E_UNSUPPORTED) {     /* a read-only copy of a service answers so */
		struct err low = *err;
		return err_set(err, E_UNSUPPORTED, "%.900s; nothing was sent to its firmware", low.msg);
	}
	if (retryable(&r, &wait))
		return refused_for_now(s, &r, wait, err);
	struct err low = *err;
	const char *advice = advice_for(s, &r);
	return advice ? err_set(err, low.code, "%.800s; %s", low.msg, advice) : low.code;
}

/* Without a task to watch: until the inventory holds the versions, or nothing has moved for the time a lost task is given. */
static int await_quiet(struct sending *s, struct err *err)
{
	int64_t start = clock_now_ms(), quiet = start;
	unsigned n = 4;

	for (;;) {
		bool holds = true, updating = false;
		struct err one;
		int rc = fw_read(s->t, s->f, &one);
		if (rc && !rf_passing(rc)) {
			*err = one;
			return rc;
		}
		for (size_t i = 0; rc == 0 && i < s->img->pins.len; i++)
			holds &= fw_holds(s->f, s->img->pins.at[i]);
		for (size_t i = 0; i < s->f->entries.len; i++)
			updating |= s->f->entries.at[i].updating;
		if (rc == 0 && holds)
			return 0;
		if (rc || updating)
			quiet = clock_now_ms();
		if (clock_now_ms() - quiet >= s->f->b->rf->limits.lost_task || clock_now_ms() - start >= QUIET_CAP_MS)
			return 0;
		op_progress(s->op, -1, "no task to watch, watching the inventory");
		rc = rf_pause(s->t, &n, err);
		if (rc)
			return rc;
	}
}

static bool holds_all(const struct sending *s)
{
	for (size_t i = 0; i < s->img->pins.len; i++)
		if (!fw_holds(s->f, s->img->pins.at[i]))
			return false;
	return true;
}

/* What a task's end means: 0 arrived; 1 it may be sent again. */
static int judge_end(struct sending *s, const struct follow *w, struct err *err)
{
	const char *task = json_str(s->slot, "task");
	char id[64] = "";
	int64_t stall = s->f->b->rf->limits.stall;

	if (task)
		rf_last_segment(task, id, sizeof(id));
	switch (w->how) {
	case FOLLOWED_GONE:
		return await_quiet(s, err);
	case FOLLOWED_STALLED:
		if (fw_read(s->t, s->f, err) == 0 && holds_all(s))
			return 0;        /* only the task has not heard of it */
		/* Open, not failed: the next run takes up the task, and does not send the image once more. */
		return err_set(err, E_TIMEOUT, "%s: task %s for %s shows no progress for %lld %s%s; reset the BMC, then run again (%s)%s%s", s->f->b->addr, id,
			       s->name, (long long)(stall < 120000 ? stall / 1000 : stall / 60000), stall < 120000 ? "s" : "min", w->full ? " at 100 %" : "",
			       task ? task : "", w->said[0] ? "; it says: " : "", w->said);
	case FOLLOWED_FAILED:
		if (w->bmc_was_away && json_int(s->slot, "sends", 0) < SENDS_MAX)
			return 1;
		return err_set(err, E_INTERNAL, "%s could not install %s (task %s)%s%s; its firmware is as it was, check the image and its sha256",
			       s->f->b->addr, s->name, id, w->said[0] ? ": " : "", w->said);
	case FOLLOWED_OK:
	case FOLLOWED_STAGED:
		break;
	}
	if (w->warned && w->said[0])
		json_put_str(s->slot, "said", w->said);
	if (w->skipped_low && !w->updated)
		return err_set(err, E_INPUT, "%s skipped %s: it runs a newer version, and does not go back unless the component says force: true", s->f->b->addr,
			       s->name);
	return 0;
}

static int follow(struct sending *s, struct err *err)
{
	const char *uri = json_str(s->slot, "task");
	struct follow w;
	int rc;

	if (!uri) {
		rc = await_quiet(s, err);
	} else {
		autofree char *at = xstrdup(uri);
		rc = rf_follow_task(s->t, s->f->b, at, s->op, &w, err);
		if (rc == 0)
			rc = judge_end(s, &w, err);
	}
	if (rc == 1) {
		rc = rf_wait_ready(s->t, s->f->b, s->op, err);
		return rc ? rc : note_state(s, "unsent", NULL, err);
	}
	return rc ? rc : note_state(s, "arrived", NULL, err);
}

/* --- the file --------------------------------------------------------------------------------------------------------------- */

struct hashing { const char *file; char *sha; unsigned long long *size; };

static int hash_file(void *arg, struct err *err)
{
	struct hashing *h = arg;

	return file_sha256(h->file, h->sha, h->size, err);
}

static int open_image(struct sending *s, struct err *err)
{
	const char *slash = strrchr(s->img->source, '/');

	s->name = slash && slash[1] ? slash + 1 : s->img->source;
	if (fw_is_url(s->img->source)) {
		str_sha256(s->img->source, strlen(s->img->source), s->sha);
		return 0;
	}
	s->file = file_in(s->f->b->rf->dir, s->img->source);
	struct hashing h = { s->file, s->sha, &s->size };
	int rc = task_work(s->t, hash_file, &h, err);
	if (rc)
		return err_wrap(err, "image %s", s->img->source);
	for (size_t i = 0; i < s->img->pins.len; i++) {
		const char *want = json_str(s->img->pins.at[i]->want, "sha256");
		if (want && strcasecmp(want, s->sha) != 0)
			return err_set(err, E_INPUT, "image %s has the sha256 %s, \"%s\" pins %s: nothing was sent", s->img->source, s->sha,
				       s->img->pins.at[i]->glob, want);
	}
	return 0;
}

static json_t *slot_of(json_t *note, const char *key, const char *name)
{
	json_t *images = json_object_get(note, "images");

	if (!json_is_object(images)) {
		images = json_object();
		json_object_set_new(note, "images", images);
	}
	json_t *slot = json_object_get(images, key);
	if (!json_is_object(slot)) {
		slot = json_object();
		json_put_str(slot, "name", name);
		json_object_set_new(images, key, slot);
	}
	return slot;
}

static int steps(struct sending *s, struct err *err)
{
	const char *state = json_str(s->slot, "state");
	int rc = state && strcmp(state, "sending") == 0 ? take_up(s, err) : 0;

	while (rc == 0) {
		state = json_str(s->slot, "state");
		if (state && strcmp(state, "arrived") == 0)
			return 0;
		if (state && strcmp(state, "task") == 0)
			rc = follow(s, err);
		else
			rc = transmit(s, err);
	}
	return rc;
}

int fw_send(struct task *t, struct fw *f, struct op *op, const struct fw_image *img, json_t *note, struct err *err)
{
	struct sending s = { .t = t, .f = f, .op = op, .img = img, .note = note, .give_up = clock_now_ms() + f->b->rf->limits.boot };
	int rc = open_image(&s, err);

	if (rc == 0) {
		s.slot = slot_of(note, s.sha, s.name);
		rf_expect(f->b, 1);
		rc = steps(&s, err);
		rf_expect(f->b, -1);
	}
	free(s.file);
	return rc;
}
