#include "sim/update.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/event.h"
#include "sim/fault.h"
#include "sim/power.h"

bool task_live(const struct sim_task *t)
{
	return t->state == TASK_NEW || t->state == TASK_RUNNING || t->state == TASK_PENDING;
}

static struct sim_task *task_any(const struct bmc *b, unsigned id)
{
	for (size_t i = 0; i < b->tasks.len; i++)
		if (b->tasks.at[i].id == id)
			return &b->tasks.at[i];
	return NULL;
}

struct sim_task *task_find(const struct bmc *b, unsigned id)
{
	struct sim_task *t = task_any(b, id);

	return t && !t->vanished ? t : NULL;
}

static void note(struct bmc *b, unsigned task, unsigned msg, unsigned item)
{
	struct sim_task *t = task_any(b, task);

	if (t && t->notes.len < 1000)
		vec_push(&t->notes, (struct note){ (uint8_t)msg, (uint8_t)item });
}

static void task_release(struct sim_task *t)
{
	free(t->image);
	vec_free(&t->notes);
}

static void task_drop(struct bmc *b, size_t i)
{
	task_release(&b->tasks.at[i]);
	memmove(&b->tasks.at[i], &b->tasks.at[i + 1], (b->tasks.len - i - 1) * sizeof *b->tasks.at);
	b->tasks.len--;
}

void task_remove(struct bmc *b, unsigned id)
{
	struct sim_task *t = task_any(b, id);

	if (t && !task_live(t))
		task_drop(b, (size_t)(t - b->tasks.at));
}

static unsigned task_new(struct bmc *b, int64_t now)
{
	for (size_t i = 0; b->tasks.len >= SIM_MAX_TASKS && i < b->tasks.len; i++) {
		if (!task_live(&b->tasks.at[i])) {
			task_drop(b, i);
			break;
		}
	}
	vec_push(&b->tasks, (struct sim_task){ .id = b->next_task++, .state = TASK_NEW, .start = now, .image = xstrdup("image") });
	return b->next_task - 1;
}

static void tell(struct bmc *b, unsigned task, enum event_kind kind)
{
	char id[16], path[64];

	snprintf(id, sizeof id, "%u", task);
	snprintf(path, sizeof path, "/redfish/v1/TaskService/Tasks/%s", id);
	event_emit(b, kind, id, path);
}

static void update_end(struct bmc *b, enum task_state state, bool critical, int64_t now)
{
	struct update *u = b->update;
	struct sim_task *t = task_any(b, u->task);

	if (t) {
		t->state = state;
		t->critical = critical;
		t->end = now;
	}
	tell(b, u->task, state == TASK_COMPLETED ? EVENT_TASK_COMPLETED : EVENT_TASK_ABORTED);
	image_release(&u->image);
	vec_free(&u->items);
	free(u);
	b->update = NULL;
}

int update_begin(struct bmc *b, const struct update_request *rq, unsigned *task)
{
	int64_t now = fleet_now(b->fleet);
	struct update *u;

	if (b->update)
		return E_BUSY;
	u = xcalloc(1, sizeof *u);
	u->task = *task = task_new(b, now);
	u->begin = now;
	u->force = rq->force;
	u->immediate = rq->immediate;
	u->targeted = rq->wanted != NULL;
	if (rq->wanted)
		memcpy(u->wanted, rq->wanted, sizeof u->wanted);
	fault_update(b->fleet, b, u);
	b->update = u;
	note(b, u->task, NOTE_STARTED, NO_ITEM);
	tell(b, u->task, EVENT_TASK_STARTED);
	return 0;
}

static void set_label(struct bmc *b, const struct image *img)
{
	struct sim_task *t = task_any(b, b->update->task);
	const char *key, *first = NULL, *version = "";
	json_t *value;

	json_object_foreach(img->components, key, value) {
		if (!first || strcmp(key, first) < 0) {
			first = key;
			version = json_string_value(value);
		}
	}
	if (!t || !first)
		return;
	free(t->image);
	t->image = xasprintf("%.60s %s", first, version);
}

void update_image(struct bmc *b, unsigned task, const char *head, size_t len, const char sha256[65], uint64_t size,
	const char *path)
{
	struct update *u = b->update;
	struct sim_task *t;

	bmc_saw_image(b, sha256, size, path);
	if (!u || u->task != task || u->phase != UPDATE_RECEIVE)
		return;
	image_read(head, len < FIRMWARE_HEAD ? len : FIRMWARE_HEAD, &u->image);
	u->bad_image = !u->image.valid;
	u->phase = UPDATE_VERIFY;
	u->begin = fleet_now(b->fleet);
	u->due = u->begin + T_VERIFY * 1000;
	t = task_any(b, task);
	if (t)
		t->state = TASK_RUNNING;
	set_label(b, &u->image);
}

void update_no_image(struct bmc *b, unsigned task)
{
	if (!b->update || b->update->task != task || b->update->phase != UPDATE_RECEIVE)
		return;
	note(b, task, NOTE_TRANSFER_FAILED, NO_ITEM);
	note(b, task, NOTE_ABORTED, NO_ITEM);
	update_end(b, TASK_EXCEPTION, true, fleet_now(b->fleet));
}

int update_cancel(struct bmc *b, unsigned task)
{
	if (!b->update || b->update->task != task || b->update->phase == UPDATE_INSTALL)
		return E_CONFLICT;
	note(b, task, NOTE_CANCELLED, NO_ITEM);
	update_end(b, TASK_CANCELLED, false, fleet_now(b->fleet));
	return 0;
}

void update_interrupt(struct bmc *b, int64_t now)
{
	struct update *u = b->update;

	if (!u)
		return;
	for (size_t i = 0; i < u->items.len; i++)
		note(b, u->task, NOTE_APPLY_FAILED, u->items.at[i].item);
	note(b, u->task, NOTE_ABORTED, NO_ITEM);
	update_end(b, TASK_EXCEPTION, true, now);
}

/* Chooses the components: what the image is for, within the targets, that moves forward. */
static unsigned choose_items(struct bmc *b, struct update *u)
{
	unsigned longest = 0;

	for (unsigned i = 0; i < firmware_count(); i++) {
		const char *version = image_version(&u->image, i);
		const char *has = item_staged(b, i) ? item_staged(b, i) : item_version(b, i);
		struct update_item it = { .item = (uint8_t)i };

		if (!version || (u->targeted && !u->wanted[i]))
			continue;
		if (!u->force && strcmp(version, has) == 0) {
			note(b, u->task, NOTE_SAME, i);
			continue;
		}
		if (!u->force && str_natural_cmp(version, has) < 0) {
			note(b, u->task, NOTE_LOW, i);
			continue;
		}
		snprintf(it.version, sizeof it.version, "%s", version);
		vec_push(&u->items, it);
		if (firmware_at(i)->seconds > longest)
			longest = firmware_at(i)->seconds;
		note(b, u->task, NOTE_TARGET, i);
		note(b, u->task, NOTE_TRANSFER, i);
	}
	return longest;
}

static void verified(struct bmc *b, int64_t now)
{
	struct update *u = b->update;
	struct sim_task *t = task_any(b, u->task);
	size_t before = t ? t->notes.len : 0;
	unsigned seconds;

	if (u->bad_image) {
		note(b, u->task, NOTE_VERIFY_FAILED, NO_ITEM);
		note(b, u->task, NOTE_ABORTED, NO_ITEM);
		update_end(b, TASK_EXCEPTION, true, now);
		return;
	}
	seconds = choose_items(b, u);
	if (u->items.len == 0) {
		bool fits = t && t->notes.len > before;   /* it was for us, but skipped */

		if (!fits)
			note(b, u->task, NOTE_NONE, NO_ITEM);
		note(b, u->task, fits ? NOTE_COMPLETED : NOTE_ABORTED, NO_ITEM);
		update_end(b, fits ? TASK_COMPLETED : TASK_EXCEPTION, !fits, now);
		return;
	}
	if (u->lose_task && t)
		t->vanished = true;
	if (u->reset)
		power_bmc_reset(b, now + seconds * 500 - fleet_now(b->fleet));
	u->phase = UPDATE_INSTALL;
	u->begin = now;
	u->due = now + seconds * 1000;
}

static void installed(struct bmc *b, int64_t now)
{
	struct update *u = b->update;
	bool reset = false, waits = false;

	for (size_t k = 0; k < u->items.len; k++) {
		unsigned i = u->items.at[k].item;
		enum activation act = firmware_at(i)->act;

		item_stage(b, i, u->items.at[k].version, now);
		note(b, u->task, NOTE_VERIFY, i);
		note(b, u->task, NOTE_INSTALL, i);
		note(b, u->task, NOTE_SUCCESS, i);
		if (act != ACT_NOW)
			note(b, u->task, NOTE_AWAIT, i);
		waits |= act != ACT_NOW;
		reset |= act == ACT_BMC_RESET && u->immediate;
	}
	note(b, u->task, NOTE_COMPLETED, NO_ITEM);
	(void)waits;
	update_end(b, TASK_COMPLETED, false, now);
	items_activate(b, ACT_NOW, now);
	if (reset)
		power_bmc_reset(b, now + T_BMC_RESET_DELAY * 1000 - fleet_now(b->fleet));
}

int64_t update_due(const struct bmc *b)
{
	const struct update *u = b->update;

	return u && u->due && !u->stalled ? u->due : INT64_MAX;
}

void update_play(struct bmc *b, int64_t now)
{
	if (b->update->phase == UPDATE_VERIFY)
		verified(b, now);
	else
		installed(b, now);
}

int64_t update_left(const struct bmc *b, int64_t now)
{
	const struct update *u = b->update;

	if (!u)
		return 0;
	if (u->phase == UPDATE_INSTALL)
		return u->due > now ? u->due - now : 0;
	return 240 * 1000;
}

unsigned task_percent(const struct bmc *b, const struct sim_task *t, int64_t now)
{
	const struct update *u = b->update;
	int64_t span;

	if (t->state == TASK_COMPLETED)
		return 100;
	if (!u || u->task != t->id || u->phase == UPDATE_RECEIVE)
		return 0;
	if (u->phase == UPDATE_VERIFY)
		return 5;
	span = u->due - u->begin;
	if (u->stalled)
		return 23;
	return 10 + (unsigned)((now - u->begin) * 89 / (span > 0 ? span : 1));
}

void update_release(struct bmc *b)
{
	if (b->update)
		update_end(b, TASK_CANCELLED, false, 0);
	for (size_t i = 0; i < b->tasks.len; i++)
		task_release(&b->tasks.at[i]);
	vec_free(&b->tasks);
}
