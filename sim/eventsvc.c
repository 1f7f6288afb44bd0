/* EventService: subscriptions by POST, and server-sent events. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/call.h"
#include "sim/event.h"
#include "sim/types.h"

#define SERVICE ROOT "/EventService"

static json_t *get_service(struct call *c)
{
	json_t *r = resource(c, TYPE_EVENT_SERVICE, "EventService", "Event Service");

	json_object_update_new(r, json_pack("{s:b, s:i, s:i, s:o, s:s, s:o, s:o, s:{s:{s:s}}}", "ServiceEnabled", 1,
		"DeliveryRetryAttempts", 3, "DeliveryRetryIntervalSeconds", 30, "EventFormatTypes", words("Event"), "ServerSentEventUri", SERVICE "/SSE", "Status", status_ok(),
		"Subscriptions", ref(SERVICE "/Subscriptions"), "Actions", "#EventService.SubmitTestEvent", "target",
		SERVICE "/Actions/EventService.SubmitTestEvent"));
	return r;
}

static json_t *get_subscriptions(struct call *c)
{
	json_t *r = collection(c, "EventDestinationCollection", "Event Subscriptions Collection");
	const char *key;
	json_t *value;

	json_object_foreach(c->b->subs, key, value)
		member(r, SERVICE "/Subscriptions/%s", key);
	return r;
}

static json_t *get_subscription(struct call *c)
{
	const json_t *own = json_at(c->b->subs, c->id[0]);
	json_t *r;

	if (!own)
		return NULL;
	r = resource(c, TYPE_EVENT_DESTINATION, c->id[0], "Event Subscription");
	json_object_update(r, (json_t *)(uintptr_t)own);
	return r;
}

static bool array_of_text(const json_t *v)
{
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return json_is_array(v) && json_array_size(v) <= 100;
}

/* One property of a subscription that is created. */
static void check_property(struct call *c, const char *key, const json_t *value, json_t *made)
{
	static const char lists[] = "RegistryPrefixes|ResourceTypes|MessageIds|EventTypes";

	if (word_in(lists, key)) {
		if (array_of_text(value))
			json_object_set_new(made, key, json_ref(value));
		else
			complain(c, "PropertyValueTypeError", key, "", key);
	} else if (word_in("Destination|Context|Protocol|SubscriptionType|EventFormatType|DeliveryRetryPolicy", key)) {
		if (json_is_string(value) && json_string_length(value) <= 1024)
			json_object_set_new(made, key, json_ref(value));
		else
			complain(c, "PropertyValueTypeError", key, "", key);
	} else if (!word_in("HttpHeaders|Name|Description|Oem", key)) {
		complain(c, "PropertyUnknown", key, key);
	}
}

static void check_words(struct call *c, json_t *made)
{
	static const struct { const char *name, *values, *deflt; } rows[] = {
		{ "Protocol", "Redfish", "Redfish" }, { "SubscriptionType", "RedfishEvent", "RedfishEvent" },
		{ "EventFormatType", "Event", "Event" },
		{ "DeliveryRetryPolicy", "TerminateAfterRetries|SuspendRetries|RetryForever", "TerminateAfterRetries" },
	};
	const char *to = json_str(made, "Destination");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *word = json_str(made, rows[i].name);

		if (!word)
			json_object_set_new(made, rows[i].name, json_string(rows[i].deflt));
		else if (!word_in(rows[i].values, word))
			complain(c, "PropertyValueNotInList", rows[i].name, word, rows[i].name);
	}
	if (!json_object_get(made, "Context"))
		json_object_set_new(made, "Context", json_string(""));
	if (!json_object_get(c->in, "Destination"))
		complain(c, "CreateFailedMissingReqProperties", "Destination", "Destination");
	else if (to && !str_has_prefix(to, "http://") && !str_has_prefix(to, "https://"))
		complain(c, "PropertyValueFormatError", "Destination", to, "Destination");
}

static void post_subscription(struct call *c)
{
	autojson json_t *made = json_object();
	const char *key;
	char id[16], path[96];
	json_t *value;

	json_object_foreach(c->in, key, value)
		check_property(c, key, value, made);
	check_words(c, made);
	if (c->infos) {
		reply_complaints(c, 400);
		return;
	}
	if (json_object_size(c->b->subs) >= SIM_MAX_SUBSCRIPTIONS) {
		fail(c, 503, "EventSubscriptionLimitExceeded", NULL);
		return;
	}
	if (!c->b->subs)
		c->b->subs = json_object();
	snprintf(id, sizeof id, "%u", c->b->next_sub++);
	json_object_set_new(made, "Status", status_ok());
	json_object_set(c->b->subs, id, made);
	snprintf(path, sizeof path, SERVICE "/Subscriptions/%s", id);
	reply_created(c, path);
}

static void set_context(struct call *c, const json_t *v)
{
	json_object_set_new(json_object_get(c->b->subs, c->id[0]), "Context", json_ref(v));
}

static void set_policy(struct call *c, const json_t *v)
{
	json_object_set_new(json_object_get(c->b->subs, c->id[0]), "DeliveryRetryPolicy", json_ref(v));
}

static void patch_subscription(struct call *c)
{
	static const struct writable rows[] = {
		{ "Context", 's', 0, 1024, NULL, set_context },
		{ "DeliveryRetryPolicy", 's', 0, 0, "TerminateAfterRetries|SuspendRetries|RetryForever", set_policy },
	};

	patch_properties(c, rows, ARRAY_LEN(rows));
}

static void delete_subscription(struct call *c)
{
	json_object_del(c->b->subs, c->id[0]);
	reply_empty(c, 204);
}

static void post_test_event(struct call *c)
{
	static const struct param params[] = {
		{ "EventId", 's', false, NULL }, { "EventType", 's', false, NULL }, { "EventTimestamp", 's', false, NULL },
		{ "Message", 's', false, NULL }, { "MessageArgs", 'a', false, NULL }, { "MessageId", 's', false, NULL },
		{ "MessageSeverity", 's', false, NULL }, { "OriginOfCondition", 's', false, NULL }, { "Severity", 's', false, NULL },
		{ "EventGroupId", 'i', false, NULL },
	};

	if (!check_params(c, "EventService.SubmitTestEvent", params, ARRAY_LEN(params)))
		return;
	event_emit(c->b, EVENT_TEST, "", SERVICE);
	reply_empty(c, 204);
}

/* Opens a stream of server-sent events, shown as a subscription of its own as long as it lasts (DSP0266 13.2.4). */
static json_t *get_stream(struct call *c)
{
	json_t *made;
	char id[16];

	if (json_object_size(c->b->subs) >= SIM_MAX_SUBSCRIPTIONS) {
		fail(c, 503, "EventSubscriptionLimitExceeded", NULL);
		return NULL;
	}
	if (!c->b->subs)
		c->b->subs = json_object();
	snprintf(id, sizeof id, "%u", c->b->next_sub++);
	made = json_pack("{s:s, s:s, s:s, s:n, s:o, s:o}", "Protocol", "Redfish", "SubscriptionType", "SSE", "EventFormatType", "Event",
		"Destination", "Context", text("sse-%016llx", (unsigned long long)bmc_hash(c->b, id)), "Status", status_ok());
	json_object_set_new(c->b->subs, id, made);
	reply_header(c->rp, "Content-Type", "text/event-stream");
	c->rp->status = 200;
	c->rp->stream = true;
	c->rp->sub = xstrdup(id);
	return NULL;
}

const struct route routes_event[] = {
	{ .path = "EventService/SSE", .get = get_stream, .flags = ROUTE_STREAM },
	{ .path = "EventService", .get = get_service },
	{ .path = "EventService/Subscriptions", .get = get_subscriptions, .post = post_subscription, .priv = PRIV_MANAGER },
	{ .path = "EventService/Subscriptions/Members", .post = post_subscription, .priv = PRIV_MANAGER },
	{ .path = "EventService/Subscriptions/*", .get = get_subscription, .patch = patch_subscription, .del = delete_subscription,
	  .priv = PRIV_MANAGER },
	{ .path = "EventService/Actions/EventService.SubmitTestEvent", .post = post_test_event, .priv = PRIV_MANAGER,
	  .flags = ROUTE_OPTIONAL_BODY },
	{ 0 },
};
