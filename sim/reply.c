#include "sim/call.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

/* The messages we use, from the Base registry 1.22. */
static const struct { const char *id, *text, *severity, *resolution; } base_messages[] = {
	{ "Success", "The request completed successfully.", "OK", "None." },
	{ "Created", "The resource was created successfully.", "OK", "None." },
	{ "GeneralError", "A general error has occurred.  See Resolution for information on how to resolve the error, or "
	  "@Message.ExtendedInfo if Resolution is not provided.", "Critical", "None." },
	{ "NoValidSession", "There is no valid session established with the implementation.", "Critical", "Log in first." },
	{ "ResourceAtUriUnauthorized", "While accessing the resource at '%1', the service received an authorization error '%2'.",
	  "Critical", "Check the credentials." },
	{ "InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current "
	  "session to perform the requested operation.", "Critical", "Use an account that may." },
	{ "MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service.",
	  "Critical", "Send a JSON object." },
	{ "EmptyJSON", "The request body submitted contained an empty JSON object and the service is unable to process it.",
	  "Warning", "Add properties." },
	{ "UnrecognizedRequestBody", "The service detected a malformed request body that it was unable to interpret.", "Warning",
	  "Send a JSON object." },
	{ "NoOperation", "The request body submitted contain no data to act upon and no changes to the resource took place.",
	  "Warning", "Add properties." },
	{ "InvalidURI", "The URI %1 was not found.", "Critical", "Correct the URI." },
	{ "ResourceMissingAtURI", "The resource at the URI '%1' was not found.", "Critical", "Name a resource that is there." },
	{ "ResourceNotFound", "The requested resource of type %1 named '%2' was not found.", "Critical",
	  "Name a resource that is there." },
	{ "OperationNotAllowed", "The HTTP method is not allowed on this resource.", "Critical", "See the Allow header." },
	{ "ActionNotSupported", "The action %1 is not supported by the resource.", "Critical", "See the resource's Actions." },
	{ "ActionParameterMissing", "The action %1 requires the parameter %2 to be present in the request body.", "Critical",
	  "Add the parameter." },
	{ "ActionParameterUnknown", "The action %1 was submitted with the invalid parameter %2.", "Warning", "Remove it." },
	{ "ActionParameterValueNotInList",
	  "The value '%1' for the parameter %2 in the action %3 is not in the list of acceptable values.", "Warning",
	  "See the allowable values." },
	{ "ActionParameterValueTypeError",
	  "The value '%1' for the parameter %2 in the action %3 is not a type that the parameter can accept.", "Warning",
	  "Correct the value." },
	{ "ActionParameterValueFormatError",
	  "The value '%1' for the parameter %2 in the action %3 is not a format that the parameter can accept.", "Warning",
	  "Correct the value." },
	{ "CreateFailedMissingReqProperties",
	  "The create operation failed because the required property %1 was missing from the request.", "Critical",
	  "Add the property." },
	{ "PropertyMissing", "The property %1 is a required property and must be included in the request.", "Warning",
	  "Add the property." },
	{ "PropertyNotWritable", "The property %1 is a read-only property and cannot be assigned a value.", "Warning",
	  "Remove the property." },
	{ "PropertyUnknown", "The property %1 is not in the list of valid properties for the resource.", "Warning",
	  "Remove the property." },
	{ "PropertyValueNotInList", "The value '%1' for the property %2 is not in the list of acceptable values.", "Warning",
	  "Choose a value from the list." },
	{ "PropertyValueOutOfRange", "The value '%1' for the property %2 is not in the supported range of acceptable values.",
	  "Warning", "Correct the value." },
	{ "PropertyValueTypeError", "The value '%1' for the property %2 is not a type that the property can accept.", "Warning",
	  "Correct the value." },
	{ "PropertyValueFormatError", "The value '%1' for the property %2 is not a format that the property can accept.", "Warning",
	  "Correct the value." },
	{ "StringValueTooLong", "The string '%1' exceeds the length limit %2.", "Warning", "Shorten it." },
	{ "StringValueTooShort", "The string '%1' was under the minimum required length %2.", "Warning", "Lengthen it." },
	{ "PreconditionFailed", "The ETag supplied did not match the ETag required to change this resource.", "Critical",
	  "Read the resource again." },
	{ "PreconditionRequired", "A precondition header or annotation is required to change this resource.", "Critical",
	  "Send If-Match." },
	{ "HeaderInvalid", "Header '%1' is invalid.", "Critical", "Correct the header." },
	{ "QueryNotSupported", "Querying is not supported by the implementation.", "Warning", "Remove the query." },
	{ "QueryNotSupportedOnResource", "Querying is not supported on the requested resource.", "Warning", "Remove the query." },
	{ "QueryParameterOutOfRange", "The value '%1' for the query parameter %2 is out of range %3.", "Warning",
	  "Correct the value." },
	{ "QueryParameterValueTypeError", "The value '%1' for the query parameter %2 is not a type that the parameter can accept.",
	  "Warning", "Correct the value." },
	{ "ResourceAlreadyExists", "The requested resource of type %1 with the property %2 with the value '%3' already exists.",
	  "Critical", "Choose another value." },
	{ "ResourceCannotBeDeleted", "The delete request failed because the resource requested cannot be deleted.", "Critical",
	  "Leave it." },
	{ "ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition.",
	  "Warning", "Try again later." },
	{ "CreateLimitReachedForResource",
	  "The create operation failed because the resource has reached the limit of possible resources.", "Critical",
	  "Delete one." },
	{ "SessionLimitExceeded", "The session establishment failed due to the number of simultaneous sessions exceeding the limit "
	  "of the implementation.", "Critical", "Close other sessions." },
	{ "EventSubscriptionLimitExceeded", "The event subscription failed due to the number of simultaneous subscriptions "
	  "exceeding the limit of the implementation.", "Critical", "Delete other subscriptions." },
	{ "ServiceTemporarilyUnavailable", "The service is temporarily unavailable.  Retry in %1 seconds.", "Critical",
	  "Wait, then try again." },
	{ "InternalError", "The request failed due to an internal service error.  The service is still operational.", "Critical",
	  "Try again." },
	{ "ChassisPowerStateOffRequired", "The chassis with Id '%1' is required to be powered off to perform this request.",
	  "Warning", "Power the chassis off first." },
	{ "PayloadTooLarge", "The supplied payload exceeds the maximum size supported by the service.", "Critical",
	  "See MaxImageSizeBytes." },
	{ "MissingOrMalformedPart", "The multipart request contains malformed parts or is missing required parts.", "Critical",
	  "Send UpdateParameters, then UpdateFile." },
	{ "PasswordChangeRequired", "The password provided for this account must be changed before access is granted.  PATCH the "
	  "Password property for this account located at the target URI '%1' to complete this process.", "Critical",
	  "Change the password." },
};

json_t *ref(const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	return json_pack("{s:s}", "@odata.id", path);
}

json_t *text(const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	return json_string_safe(buf, strlen(buf));
}

json_t *resource(const struct call *c, const char *type, const char *id, const char *name)
{
	return json_pack("{s:s, s:o, s:s, s:s}", "@odata.id", c->path, "@odata.type", text("#%s", type), "Id", id, "Name", name);
}

json_t *collection(const struct call *c, const char *type, const char *name)
{
	return json_pack("{s:s, s:o, s:s, s:[]}", "@odata.id", c->path, "@odata.type", text("#%s.%s", type, type), "Name", name,
		"Members");
}

void member(json_t *coll, const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	json_array_append_new(json_object_get(coll, "Members"), json_pack("{s:s}", "@odata.id", path));
}

json_t *status_ok(void)
{
	return json_pack("{s:s, s:s}", "Health", "OK", "State", "Enabled");
}

void put_date(const struct call *c, json_t *o, const char *key, int64_t sim_ms)
{
	char stamp[32];

	clock_stamp(fleet_wall(c->b->fleet, sim_ms), stamp);
	json_object_set_new(o, key, json_string(stamp));
}

void put_delta(const struct call *c, json_t *o, const char *prop, json_t *deflt)
{
	const char *slash = strrchr(prop, '/');
	const json_t *own = bmc_delta(c->b, c->path, prop);

	json_object_set_new(o, slash ? slash + 1 : prop, own ? json_ref(own) : json_incref(deflt));
	json_decref(deflt);
}

void reply_header(struct redfish_reply *rp, const char *name, const char *fmt, ...)
{
	va_list ap;
	char value[1024];

	va_start(ap, fmt);
	vsnprintf(value, sizeof value, fmt, ap);
	va_end(ap);
	if (rp->n_headers >= REDFISH_HEADERS)
		BUG("no room for header %s", name);
	rp->headers[rp->n_headers].name = xstrdup(name);
	rp->headers[rp->n_headers++].value = xstrdup(value);
}

const char *redfish_reply_header(const struct redfish_reply *rp, const char *name)
{
	for (unsigned i = 0; i < rp->n_headers; i++)
		if (strcasecmp(rp->headers[i].name, name) == 0)
			return rp->headers[i].value;
	return NULL;
}

void redfish_reply_release(struct redfish_reply *rp)
{
	for (unsigned i = 0; i < rp->n_headers; i++) {
		free(rp->headers[i].name);
		free(rp->headers[i].value);
	}
	free(rp->body);
	free(rp->fetch_uri);
	free(rp->sub);
	*rp = (struct redfish_reply){ 0 };
}

static uint64_t fnv(const char *s, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	return h;
}

/* Writes the body with its ETag: a hash of all but DateTime, so that only a change changes it. */
void reply_json(struct call *c, int status, json_t *body)
{
	json_t *date = json_incref(json_object_get(body, "DateTime"));
	autostr struct str out;
	char *plain;
	char etag[24];

	json_object_del(body, "DateTime");
	plain = json_dumps(body, JSON_COMPACT);
	str_init(&out, STR_OURS);
	c->rp->status = status;
	if (json_object_get(body, "@odata.id") && plain[1] != '}') {
		snprintf(etag, sizeof etag, "\"%016llx\"", (unsigned long long)fnv(plain, strlen(plain)));
		str_addf(&out, "{\"@odata.etag\":\"\\\"%.16s\\\"\",", etag + 1);
		if (date)
			str_addf(&out, "\"DateTime\":\"%s\",", json_string_value(date));
		str_add(&out, plain + 1);
		reply_header(c->rp, "ETag", "%s", etag);
	} else {
		str_add(&out, plain);
	}
	free(plain);
	json_decref(date);
	json_decref(body);
	free(c->rp->body);
	c->rp->len = out.len;
	c->rp->body = str_take(&out);
	reply_header(c->rp, "Content-Type", "application/json;charset=utf-8");
}

void reply_empty(struct call *c, int status)
{
	c->rp->status = status;
}

static json_t *message_args(const char *id, const char *const *args, size_t n, const char *prop)
{
	size_t k = 0;
	autostr struct str s;
	json_t *list = json_array(), *m;

	while (k < ARRAY_LEN(base_messages) - 1 && strcmp(base_messages[k].id, id) != 0)
		k++;
	str_init(&s, 16384);
	for (const char *p = base_messages[k].text; *p; p++) {
		if (p[0] == '%' && p[1] >= '1' && p[1] <= '9' && (size_t)(p[1] - '1') < n)
			str_add(&s, args[*++p - '1']);
		else
			str_addc(&s, *p);
	}
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string_safe(args[i], strlen(args[i])));
	m = json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:s}", "@odata.type", "#Message.v1_1_2.Message", "MessageId",
		text(BASE_REGISTRY ".%s", base_messages[k].id), "Message", json_string_safe(s.at, s.len), "MessageArgs", list,
		"Severity", base_messages[k].severity, "MessageSeverity", base_messages[k].severity, "Resolution",
		base_messages[k].resolution);
	if (prop)
		json_object_set_new(m, "RelatedProperties", json_pack("[o]", text("#/%s", prop)));
	return m;
}

json_t *message(const char *id, const char *prop, ...)
{
	const char *args[4];
	size_t n = 0;
	va_list ap;

	va_start(ap, prop);
	for (const char *a; n < ARRAY_LEN(args) && (a = va_arg(ap, const char *)); n++)
		args[n] = a;
	va_end(ap);
	return message_args(id, args, n, prop);
}

void complain_with(struct call *c, json_t *m)
{
	if (!c->infos)
		c->infos = json_array();
	if (json_array_size(c->infos) < 100)
		json_array_append_new(c->infos, m);
	else
		json_decref(m);
}

void reply_complaints(struct call *c, int status)
{
	json_t *first = json_array_get(c->infos, 0);
	bool one = json_array_size(c->infos) == 1;
	json_t *code = one ? json_ref(json_at(first, "MessageId")) : text(BASE_REGISTRY ".GeneralError");
	json_t *what = one ? json_ref(json_at(first, "Message")) : text("%s", base_messages[2].text);

	reply_json(c, status, json_pack("{s:{s:o, s:o, s:O}}", "error", "code", code, "message", what, "@Message.ExtendedInfo",
		c->infos));
}

void fail_busy(struct call *c, int64_t sim_ms)
{
	char seconds[16];

	snprintf(seconds, sizeof seconds, "%u", fleet_client_seconds(c->b->fleet, sim_ms));
	reply_header(c->rp, "Retry-After", "%s", seconds);
	fail(c, 503, "ServiceTemporarilyUnavailable", NULL, seconds);
}

void redfish_fail(struct redfish_reply *rp, int status, int retry_after)
{
	char seconds[16];
	struct call c = { .rp = rp };

	snprintf(seconds, sizeof seconds, "%d", retry_after >= 0 ? retry_after : 30);
	if (retry_after >= 0)
		reply_header(rp, "Retry-After", "%s", seconds);
	if (status == 503)
		fail(&c, status, "ServiceTemporarilyUnavailable", NULL, seconds);
	else if (status == 412)
		fail(&c, status, "PreconditionFailed", NULL);
	else
		fail(&c, status, status >= 500 ? "InternalError" : "GeneralError", NULL);
	json_decref(c.infos);
}

const char *header(const struct call *c, const char *name)
{
	return c->rq->header ? c->rq->header(c->rq->header_arg, name) : NULL;
}

unsigned number_id(const char *id)
{
	unsigned n = 0;

	if (*id == '0')
		return 0;
	for (const char *p = id; *p; p++) {
		if (*p < '0' || *p > '9' || n > 100000000)
			return 0;
		n = n * 10 + (unsigned)(*p - '0');
	}
	return n;
}

bool word_in(const char *bars, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = bars; at && n; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
		if (strncmp(at, word, n) == 0 && (at[n] == '|' || at[n] == '\0'))
			return true;
	return false;
}

json_t *words(const char *bars)
{
	json_t *list = json_array();

	while (bars) {
		const char *bar = strchr(bars, '|');

		json_array_append_new(list, json_stringn(bars, bar ? (size_t)(bar - bars) : strlen(bars)));
		bars = bar ? bar + 1 : NULL;
	}
	return list;
}
