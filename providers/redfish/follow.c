#include "providers/redfish/follow.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "providers/redfish/machine.h"

enum {
	WAITS_MS = 120 * 1000,       /* a Pending task that says nothing more is taken for staged */
	REDIRECTS_MAX = 5,
	POLL_CAP_MS = 30 * 1000,     /* the longest pause a Retry-After can ask for */
	GONE_LOOKS = 3,              /* 404 so often in a row is gone */
};

enum task_class task_classify(const char *state, const char *status)
{
	static const struct { const char *state; enum task_class is; } table[] = {
		{ "New", TASK_LIVE }, { "Starting", TASK_LIVE }, { "Running", TASK_LIVE }, { "Suspended", TASK_LIVE },
		{ "Interrupted", TASK_LIVE }, { "Pending", TASK_WAITS }, { "Stopping", TASK_LIVE }, { "Completed", TASK_GOOD },
		{ "Killed", TASK_BAD }, { "Exception", TASK_BAD }, { "Service", TASK_LIVE }, { "Cancelling", TASK_LIVE },
		{ "Cancelled", TASK_BAD },
		/* Jobs: the standard's, and iDRAC's own words */
		{ "UserIntervention", TASK_LIVE }, { "Continue", TASK_LIVE }, { "Scheduled", TASK_WAITS }, { "CompletedWithErrors", TASK_BAD },
		{ "Failed", TASK_BAD }, { "RebootFailed", TASK_BAD },
	};

	for (size_t i = 0; state && i < ARRAY_LEN(table); i++) {
		if (strcasecmp(state, table[i].state) != 0)
			continue;
		bool critical = status && strcasecmp(status, "Critical") == 0;
		return table[i].is == TASK_GOOD && critical ? TASK_BAD : table[i].is;
	}
	return TASK_LIVE;
}

static const char *state_of(const json_t *j)
{
	const char *state = json_str(j, "TaskState");

	return state ? state : json_str(j, "JobState");
}

/* A task's class, and that of the job it stands for where it carries one (Dell's, under Oem): a task may be Completed whose job failed. */
static enum task_class class_of(const json_t *j)
{
	enum task_class is = task_classify(state_of(j), json_str(j, "TaskStatus"));
	const char *job = json_str(json_path(j, "Oem", "Dell", NULL), "JobState");

	return is == TASK_GOOD && job && task_classify(job, NULL) == TASK_BAD ? TASK_BAD : is;
}

static bool is_task(const json_t *j)
{
	const char *type = json_str(j, "@odata.type");

	return json_str(j, "TaskState") || json_str(j, "JobState") || (type && str_has_prefix(type, "#Task."));
}

/* A message's word for the task it announces (AMI: "A new task /redfish/v1/TaskService/Tasks/3 was started"). */
static void announced(void *ctx, const json_t *m)
{
	char **path = ctx;
	const json_t *args = json_at(m, "MessageArgs");
	const char *text = json_str(m, "Message"), *at = text ? strstr(text, "/redfish/v1/TaskService/Tasks/") : NULL;

	for (size_t i = 0; !at && i < json_array_size(args); i++) {
		const char *arg = json_string_value(json_array_get(args, i));
		at = arg ? strstr(arg, "/redfish/v1/TaskService/Tasks/") : NULL;
	}
	if (!at || *path)
		return;
	autofree char *one = xstrndup(at, strcspn(at, " \"',;"));
	*path = rf_path(one);
}

char *rf_task_of(const struct rf_reply *r)
{
	char *path = is_task(r->json) ? rf_path(json_str(r->json, "@odata.id")) : NULL;

	if (!path && r->location)
		path = xstrdup(r->location);
	if (!path && is_task(r->json))
		path = rf_path(json_str(r->json, "TaskMonitor"));
	if (!path && r->status == 202)
		path = rf_path(json_str(r->json, "@odata.id"));
	if (!path)
		rf_messages(r->json, announced, &path);
	return path;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int rf_tasks(struct task *t, struct rf_bmc *b, json_t **out, struct err *err)
{
	autojson json_t *service = NULL;
	autolinks struct rf_links links = { 0 };
	autofree char *path = NULL;
	int rc = rf_connect(t, b, err);

	if (rc == 0)
		rc = rf_get(t, b, b->tasks_uri, 0, &service, NULL, err);
	if (rc == 0) {
		path = rf_path(json_str(json_at(service, "Tasks"), "@odata.id"));
		if (!path)
			path = xstrdup("/redfish/v1/TaskService/Tasks");
		rc = rf_members(t, b, path, RF_SLOW, &links, err);
	}
	if (rc == E_NOTFOUND || rc == E_UNSUPPORTED || (rc == 0 && links.incomplete)) {
		*out = json_null();
		return 0;
	}
	if (rc)
		return rc;
	if (links.at.len)
		qsort(links.at.at, links.at.len, sizeof(*links.at.at), by_bytes);
	*out = json_array();
	for (size_t i = 0; i < links.at.len; i++)
		json_array_append_new(*out, json_string_safe(links.at.at[i], strlen(links.at.at[i])));
	return 0;
}

struct notes { struct follow *f; bool waits; };

static void note_message(void *ctx, const json_t *m)
{
	struct notes *n = ctx;
	const char *id = rf_message_id(m), *text = json_str(m, "Message");

	n->f->skipped_low |= quirk_id_is(id, "UpdateSkippedVersionTooLow");
	n->f->skipped_same |= quirk_id_is(id, "UpdateSkippedSameVersion") || quirk_id_is(id, "ComponentUpdateSkipped");
	n->f->updated |= quirk_id_is(id, "UpdateSuccessful") || quirk_id_is(id, "AwaitToActivate") || quirk_id_is(id, "InstallingOnComponent");
	n->waits |= quirk_id_is(id, "AwaitToActivate") || quirk_id_is(id, "AwaitToUpdate") || quirk_id_is(id, "JCP001") ||
		(text && strcasestr(text, "successfully scheduled"));
}

/* The word of the task for people: number and percent. */
static void show(struct op *op, const char *uri, const json_t *j)
{
	char id[64];
	int percent = (int)json_int(j, "PercentComplete", -1);

	rf_last_segment(uri, id, sizeof(id));
	if (op)
		op_progress(op, percent >= 0 && percent <= 100 ? percent : -1, "task %s", id);
}

struct watch {
	const char *uri;
	int64_t moved;               /* when it last showed progress */
	int64_t waits_since;         /* Pending since; 0: not */
	int64_t away_since;          /* BMC silent since; 0: not */
	unsigned gone, n, redirects;
	char *moved_to;              /* a monitor that is done may send us to the task (3xx); owned */
	char *monitor;               /* where we came from to look at the task beside it; owned */
	json_t *last;                /* state, percent, message count of the last look */
	bool beside;                 /* the task beside this monitor was looked for */
	int64_t staged_by;           /* a job that is to wait for a restart: until then; 0: another */
};

static void look_for_progress(struct watch *w, const json_t *j)
{
	json_t *now = json_pack("[s?, I, I]", state_of(j), (json_int_t)json_int(j, "PercentComplete", -1),
				(json_int_t)json_array_size(json_at(j, "Messages")));

	if (!w->last || !json_same(w->last, now))
		w->moved = clock_now_ms();
	json_decref(w->last);
	w->last = now;
}

static void say_in(char *said, size_t size, const json_t *j)
{
	autostr struct str words = { 0 };

	str_init(&words, size - 1);
	rf_say(j, &words);
	snprintf(said, size, "%s", words.at);
}

static void end(struct follow *out, enum followed how, const json_t *j)
{
	say_in(out->said, sizeof(out->said), j);
	out->how = how;
}

static bool stalled(const struct watch *w, const struct rf_bmc *b, const json_t *j, struct follow *out)
{
	if (w->staged_by ? clock_now_ms() < w->staged_by : clock_now_ms() - w->moved < b->rf->limits.stall)
		return false;
	end(out, FOLLOWED_STALLED, j);
	return true;
}

/* A monitor shows nothing of its task while that runs, and on some machines never learns that it ended: the task is named as it is. */
static void look_beside(struct watch *w)
{
	const char *at = w->beside ? NULL : strstr(w->uri, "/TaskMonitors/");

	w->beside = true;
	if (!at)
		return;
	char *task = xasprintf("%.*s/Tasks/%s", (int)(at - w->uri), w->uri, at + strlen("/TaskMonitors/"));
	w->monitor = xstrdup(w->uri);
	free(w->moved_to);
	w->uri = w->moved_to = task;
}

/* There is no such task: back to the monitor. */
static bool back_to_monitor(struct watch *w)
{
	if (!w->monitor)
		return false;
	free(w->moved_to);
	w->uri = w->moved_to = w->monitor;
	w->monitor = NULL;
	return true;
}

/* Looks at one good or bad reply. True: it is over, OUT says how. */
static bool judge(struct watch *w, const struct rf_bmc *b, const struct rf_reply *r, struct op *op, struct follow *out)
{
	struct notes notes = { .f = out };
	int64_t now = clock_now_ms();

	if (r->status == 404 || r->status == 410) {
		if (back_to_monitor(w) || ++w->gone < GONE_LOOKS)
			return false;
		end(out, FOLLOWED_GONE, NULL);
		return true;
	}
	w->gone = 0;
	if (r->status / 100 == 3 && r->location && w->redirects++ < REDIRECTS_MAX) {
		free(w->moved_to);
		w->uri = w->moved_to = xstrdup(r->location);
		return false;
	}
	if (!rf_good(r) && !is_task(r->json)) {
		if (r->status >= 500 || r->status == 401 || r->status == 429)
			return stalled(w, b, r->json, out);
		end(out, FOLLOWED_FAILED, r->json);
		return true;
	}
	if (!is_task(r->json)) {
		if (r->status == 202) {
			look_beside(w);
			return stalled(w, b, r->json, out);
		}
		end(out, rf_severity(r->json) >= 2 ? FOLLOWED_FAILED : FOLLOWED_OK, r->json);
		return true;
	}
	look_for_progress(w, r->json);
	show(op, w->uri, r->json);
	rf_messages(r->json, note_message, &notes);
	autofree char *own = w->monitor ? rf_path(json_str(r->json, "TaskMonitor")) : NULL;
	if (own && strcmp(own, w->monitor) != 0 && back_to_monitor(w))
		return false;        /* that of another task */
	free(w->monitor);            /* it is there: the monitor is not asked again */
	w->monitor = NULL;
	out->full = json_int(r->json, "PercentComplete", 0) == 100;
	out->warned = json_str(r->json, "TaskStatus") && strcasecmp(json_str(r->json, "TaskStatus"), "Warning") == 0;
	enum task_class c = class_of(r->json);
	if (c == TASK_GOOD || c == TASK_BAD) {
		end(out, c == TASK_GOOD ? FOLLOWED_OK : FOLLOWED_FAILED, r->json);
		return true;
	}
	w->waits_since = c != TASK_WAITS ? 0 : w->waits_since ? w->waits_since : now;
	if (c == TASK_WAITS && (notes.waits || w->staged_by || now - w->waits_since >= WAITS_MS)) {
		end(out, FOLLOWED_STAGED, r->json);
		return true;
	}
	return stalled(w, b, r->json, out);
}

/* One look: a silent BMC is waited for. */
static int look(struct task *t, struct rf_bmc *b, struct watch *w, struct op *op, struct follow *out, bool *over, struct err *err)
{
	struct rf_request rq = { .method = "GET", .path = w->uri, .flags = RF_ONCE };
	autoreply struct rf_reply r = { 0 };
	struct err one;
	int64_t now, pause = -1;
	int rc = rf_send(t, b, &rq, &r, &one);

	now = clock_now_ms();
	if (rc == 0) {
		w->away_since = 0;
		*over = judge(w, b, &r, op, out);
		if (*over)
			return 0;
		pause = r.retry_after_ms > POLL_CAP_MS ? POLL_CAP_MS : r.retry_after_ms;
	} else if (rc == E_CANCELED || rc == E_AUTH || rc == E_DENIED || now >= task_deadline(t)) {
		*err = one;
		return rc;
	} else {
		out->bmc_was_away = true;
		w->away_since = w->away_since ? w->away_since : now;
		w->moved = now;
		if (now - w->away_since >= b->rf->limits.boot)
			return err_set(err, E_UNREACHABLE, "%s stopped answering during its update: %.700s", b->addr, one.msg);
		if (op)
			op_progress(op, -1, "BMC silent, waiting");
		if (w->n > 6)
			w->n = 6;
	}
	return pause > 0 ? task_sleep(t, pause, err) : rf_pause(t, &w->n, err);
}

static int follow(struct task *t, struct rf_bmc *b, struct watch *w, struct op *op, struct follow *out, struct err *err)
{
	bool over = false;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	rf_expect(b, 1);
	while (rc == 0 && !over)
		rc = look(t, b, w, op, out, &over, err);
	rf_expect(b, -1);
	json_decref(w->last);
	free(w->moved_to);
	free(w->monitor);
	return rc;
}

int rf_follow_task(struct task *t, struct rf_bmc *b, const char *uri, struct op *op, struct follow *out, struct err *err)
{
	return follow(t, b, &(struct watch){ .uri = uri, .moved = clock_now_ms() }, op, out, err);
}

int rf_follow_staged(struct task *t, struct rf_bmc *b, const char *uri, int64_t limit_ms, struct op *op, struct follow *out, struct err *err)
{
	int64_t now = clock_now_ms();

	return follow(t, b, &(struct watch){ .uri = uri, .moved = now, .staged_by = now + limit_ms }, op, out, err);
}

int rf_task_look(struct task *t, struct rf_bmc *b, const char *uri, enum task_class *is, char *said, size_t size, struct err *err)
{
	struct rf_request rq = { .method = "GET", .path = uri, .flags = RF_ONCE };
	autoreply struct rf_reply r = { 0 };
	int rc = rf_send(t, b, &rq, &r, err);

	if (said)
		*said = '\0';
	if (rc)
		return rc;
	*is = is_task(r.json) ? class_of(r.json) : r.status == 202 || r.status >= 500 || r.status == 401 || r.status == 429 ? TASK_LIVE : TASK_GOOD;
	if (said && is_task(r.json))
		say_in(said, size, r.json);
	return 0;
}
