/* TaskService: tasks and their monitors. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/call.h"
#include "sim/types.h"
#include "sim/update.h"

#define SERVICE ROOT "/TaskService"

static const char *const states[] = { "New", "Running", "Pending", "Completed", "Exception", "Cancelled" };

/* How a note of a task reads; %1 and %2 are the task, the component or the image. */
static const struct { const char *id, *text, *severity, *args; } notes[NOTE_COUNT] = {
	[NOTE_STARTED] = { "TaskEvent.1.0.TaskStarted", "The task with Id '%1' has started.", "OK", "t" },
	[NOTE_TARGET] = { "Update.1.3.TargetDetermined", "The target device '%1' will be updated with image '%2'.", "OK", "ci" },
	[NOTE_TRANSFER] = { "Update.1.3.TransferringToComponent", "Image '%1' is being transferred to '%2'.", "OK", "ic" },
	[NOTE_VERIFY] = { "Update.1.3.VerifyingAtComponent", "Image '%1' is being verified at '%2'.", "OK", "ic" },
	[NOTE_INSTALL] = { "Update.1.3.InstallingOnComponent", "Image '%1' is being installed on '%2'.", "OK", "ic" },
	[NOTE_SUCCESS] = { "Update.1.3.UpdateSuccessful", "Device '%1' successfully updated with image '%2'.", "OK", "ci" },
	[NOTE_AWAIT] = { "Update.1.3.AwaitToActivate", "Awaiting for an action to proceed with activating image '%1' on '%2'.", "OK", "ic" },
	[NOTE_SAME] = { "Update.1.3.UpdateSkippedSameVersion",
	  "Device '%1' skipped the update with image '%2' because the same version is already installed.", "OK", "ci" },
	[NOTE_LOW] = { "Update.1.3.UpdateSkippedVersionTooLow",
	  "Device '%1' skipped the update with image '%2' due to the minimum version requirement.", "OK", "ci" },
	[NOTE_NONE] = { "Update.1.3.NoTargetsDetermined", "No target device will be updated with image '%1'.", "OK", "i" },
	[NOTE_TRANSFER_FAILED] = { "Update.1.3.TransferFailed", "Transfer of image '%1' to '%2' failed.", "Critical", "ic" },
	[NOTE_VERIFY_FAILED] = { "Update.1.3.VerificationFailed", "Verification of image '%1' at '%2' failed.", "Critical", "ic" },
	[NOTE_APPLY_FAILED] = { "Update.1.3.ApplyFailed", "Installation of image '%1' to '%2' failed.", "Critical", "ic" },
	[NOTE_ABORTED] = { "TaskEvent.1.0.TaskAborted", "The task with Id '%1' has completed with errors.", "Critical", "t" },
	[NOTE_COMPLETED] = { "TaskEvent.1.0.TaskCompletedOK", "The task with Id '%1' has completed.", "OK", "t" },
	[NOTE_CANCELLED] = { "TaskEvent.1.0.TaskCancelled",
	  "Work on the task with Id '%1' was halted prior to completion due to an explicit request.", "Warning", "t" },
};

static json_t *get_service(struct call *c)
{
	json_t *r = resource(c, TYPE_TASK_SERVICE, "TaskService", "Task Service");

	json_object_update_new(r, json_pack("{s:b, s:s, s:b, s:o, s:o}", "ServiceEnabled", 1, "CompletedTaskOverWritePolicy", "Oldest",
		"LifeCycleEventOnTaskStateChange", 0, "Status", status_ok(), "Tasks", ref(SERVICE "/Tasks")));
	put_date(c, r, "DateTime", c->now);
	return r;
}

static json_t *get_tasks(struct call *c)
{
	json_t *r = collection(c, "TaskCollection", "Task Collection");

	for (size_t i = 0; i < c->b->tasks.len; i++)
		if (!c->b->tasks.at[i].vanished)
			member(r, SERVICE "/Tasks/%u", c->b->tasks.at[i].id);
	return r;
}

static json_t *note_json(const struct sim_task *t, const struct note *n)
{
	const char *component = n->item == NO_ITEM ? "BMC" : firmware_at(n->item)->id;
	json_t *args = json_array();
	autostr struct str s;
	char id[16];

	snprintf(id, sizeof id, "%u", t->id);
	for (const char *a = notes[n->msg].args; *a; a++)
		json_array_append_new(args, json_string(*a == 't' ? id : *a == 'c' ? component : t->image));
	str_init(&s, 1024);
	for (const char *p = notes[n->msg].text; *p; p++) {
		if (p[0] == '%')
			str_add(&s, json_string_value(json_array_get(args, (size_t)(*++p - '1'))));
		else
			str_addc(&s, *p);
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s}", "@odata.type", "#Message.v1_1_2.Message", "MessageId",
		notes[n->msg].id, "Message", s.at, "MessageArgs", args, "Severity", notes[n->msg].severity, "MessageSeverity",
		notes[n->msg].severity, "Resolution", "None.");
}

static json_t *task_json(struct call *c, const struct sim_task *t)
{
	json_t *r, *messages = json_array();
	char id[16];

	snprintf(id, sizeof id, "%u", t->id);
	r = json_pack("{s:o, s:s, s:s, s:o}", "@odata.id", text(SERVICE "/Tasks/%u", t->id), "@odata.type", "#" TYPE_TASK, "Id", id,
		"Name", text("Task %u", t->id));
	json_object_update_new(r, json_pack("{s:s, s:s, s:i, s:b, s:o}", "TaskState", states[t->state], "TaskStatus",
		t->critical ? "Critical" : "OK", "PercentComplete", (int)task_percent(c->b, t, c->now), "HidePayload", 1, "Messages",
		messages));
	if (task_live(t))
		json_object_set_new(r, "TaskMonitor", text(SERVICE "/TaskMonitors/%u", t->id));
	put_date(c, r, "StartTime", t->start);
	if (!task_live(t))
		put_date(c, r, "EndTime", t->end);
	for (size_t i = 0; i < t->notes.len; i++)
		json_array_append_new(messages, note_json(t, &t->notes.at[i]));
	return r;
}

static json_t *get_task(struct call *c)
{
	const struct sim_task *t = task_find(c->b, number_id(c->id[0]));

	return t ? task_json(c, t) : NULL;
}

void reply_task(struct call *c, unsigned task)
{
	const struct sim_task *t = task_find(c->b, task);

	reply_header(c->rp, "Location", SERVICE "/TaskMonitors/%u", task);
	reply_header(c->rp, "Retry-After", "%u", fleet_client_seconds(c->b->fleet, 5000));
	if (t)
		reply_json(c, 202, task_json(c, t));
	else
		reply_empty(c, 202);
}

/* A monitor answers 202 until the end, then what the operation would have answered (DSP0266 12.2). */
static json_t *get_monitor(struct call *c)
{
	const struct sim_task *t = task_find(c->b, number_id(c->id[0]));

	if (!t)
		return NULL;
	if (task_live(t)) {
		reply_task(c, t->id);
	} else if (t->state == TASK_COMPLETED && !t->critical) {
		json_t *m = message("Success", NULL, NULL);

		reply_json(c, 200, json_pack("{s:{s:O, s:O, s:[O]}}", "error", "code", json_object_get(m, "MessageId"), "message",
			json_object_get(m, "Message"), "@Message.ExtendedInfo", m));
		json_decref(m);
	} else {
		for (size_t i = 0; i < t->notes.len; i++)
			if (strcmp(notes[t->notes.at[i].msg].severity, "OK") != 0)
				complain_with(c, note_json(t, &t->notes.at[i]));
		reply_complaints(c, 400);
	}
	return NULL;
}

static void delete_task(struct call *c)
{
	const struct sim_task *t = task_find(c->b, number_id(c->id[0]));

	if (t && task_live(t) && update_cancel(c->b, t->id)) {
		fail(c, 409, "ResourceInUse", NULL);
		return;
	}
	if (t && !task_live(t))
		task_remove(c->b, t->id);
	reply_empty(c, 204);
}

const struct route routes_task[] = {
	{ .path = "TaskService", .get = get_service },
	{ .path = "TaskService/Tasks", .get = get_tasks },
	{ .path = "TaskService/Tasks/*", .get = get_task, .del = delete_task, .priv = PRIV_MANAGER },
	{ .path = "TaskService/TaskMonitors/*", .get = get_monitor, .del = delete_task, .priv = PRIV_MANAGER },
	{ 0 },
};
