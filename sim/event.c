#include "sim/event.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "sim/types.h"

static const struct { const char *registry, *key, *before, *after, *severity; } kinds[] = {
	[EVENT_TASK_STARTED] = { "TaskEvent.1.0", "TaskStarted", "The task with Id '", "' has started.", "OK" },
	[EVENT_TASK_COMPLETED] = { "TaskEvent.1.0", "TaskCompletedOK", "The task with Id '", "' has completed.", "OK" },
	[EVENT_TASK_ABORTED] = { "TaskEvent.1.0", "TaskAborted", "The task with Id '", "' has completed with errors.", "Critical" },
	[EVENT_POWERED_ON] = { "ResourceEvent.1.4", "ResourcePoweredOn", "The resource '", "' has powered on.", "OK" },
	[EVENT_POWERED_OFF] = { "ResourceEvent.1.4", "ResourcePoweredOff", "The resource '", "' has powered off.", "OK" },
	[EVENT_TEST] = { "ResourceEvent.1.4", "TestMessage", "Test message.", "", "OK" },
};

/* Is WORD in the array, or the array empty? */
static bool taken(const json_t *list, const char *word)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
			return true;
	return json_array_size(list) == 0;
}

static bool wants(const json_t *sub, enum event_kind kind)
{
	autofree char *prefix = xstrndup(kinds[kind].registry, strcspn(kinds[kind].registry, "."));
	autofree char *full = xasprintf("%s.%s", kinds[kind].registry, kinds[kind].key);
	autofree char *shorter = xasprintf("%s.%s", prefix, kinds[kind].key);
	const json_t *ids = json_at(sub, "MessageIds");

	return taken(json_at(sub, "RegistryPrefixes"), prefix) && (taken(ids, full) || taken(ids, shorter));
}

static json_t *payload(struct bmc *b, const json_t *sub, enum event_kind kind, const char *arg, const char *origin)
{
	unsigned number = b->next_event++;
	char id[16], stamp[32];
	json_t *record;

	snprintf(id, sizeof id, "%u", number);
	clock_stamp(fleet_wall(b->fleet, fleet_now(b->fleet)), stamp);
	record = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:{s:s}}", "EventType", "Other", "EventId", id, "MemberId", "0",
		"EventTimestamp", stamp, "MessageId", json_sprintf("%s.%s", kinds[kind].registry, kinds[kind].key), "Message",
		json_sprintf("%s%s%s", kinds[kind].before, kinds[kind].after[0] ? arg : "", kinds[kind].after), "Severity",
		kinds[kind].severity, "MessageSeverity", kinds[kind].severity, "OriginOfCondition", "@odata.id", origin);
	json_object_set_new(record, "MessageArgs", kinds[kind].after[0] ? json_pack("[s]", arg) : json_array());
	return json_pack("{s:s, s:s, s:s, s:O, s:[o]}", "@odata.type", "#" TYPE_EVENT, "Id", id, "Name", "Event Array", "Context",
		json_object_get(sub, "Context"), "Events", record);
}

void event_emit(struct bmc *b, enum event_kind kind, const char *arg, const char *origin)
{
	const char *key;
	json_t *sub;

	if (!b->subs || !b->fleet->on_event)
		return;
	json_object_foreach(b->subs, key, sub) {
		autojson json_t *event = NULL;

		if (!wants(sub, kind))
			continue;
		event = payload(b, sub, kind, arg, origin);
		b->fleet->on_event(b->fleet->on_event_arg, b, key, event);
	}
}
