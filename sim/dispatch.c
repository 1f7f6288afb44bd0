#include "sim/redfish.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/call.h"

enum { MAX_QUERY = 4096 };

static const struct route *const rooms[] = { routes_root, routes_system, routes_manager, routes_chassis, routes_update,
	routes_task, routes_session, routes_account, routes_event };

/* Matches TEXT against PATTERN whose "*" takes one segment. */
static bool path_matches(const char *pattern, const char *path, char id[4][128])
{
	unsigned taken = 0;

	for (;;) {
		if (*pattern == '*') {
			size_t n = strcspn(path, "/");

			if (n == 0 || n >= sizeof id[0] || taken == 4)
				return false;
			memcpy(id[taken], path, n);
			id[taken++][n] = '\0';
			path += n;
			pattern++;
		} else if (*pattern != *path) {
			return false;
		} else if (!*pattern) {
			return true;
		} else {
			pattern++;
			path++;
		}
	}
}

const struct route *route_find(const char *path, char id[4][128])
{
	if (strcmp(path, "/redfish") == 0)
		path = "/redfish/v1/.versions";
	if (!str_has_prefix(path, ROOT) || (path[sizeof ROOT - 1] != '/' && path[sizeof ROOT - 1] != '\0'))
		return NULL;
	path += sizeof ROOT - 1;
	path += *path == '/';
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
		for (const struct route *r = rooms[i]; r->path; r++)
			if (path_matches(r->path, path, id))
				return r;
	return NULL;
}

static void allow(struct call *c)
{
	const struct route *r = c->route;

	reply_header(c->rp, "Allow", "%s%s%s%s", r->get ? "GET, HEAD" : "", r->post ? r->get ? ", POST" : "POST" : "",
		r->patch ? ", PATCH" : "", r->del ? ", DELETE" : "");
}

/* --- query ------------------------------------------------------------------------------------------------- */

static bool query_number(struct call *c, const char *name, const char *value, int64_t min, int64_t *out)
{
	char *end;
	long long n;

	n = strtoll(value, &end, 10);
	if (*value == '\0' || *end || end - value > 12) {
		fail(c, 400, "QueryParameterValueTypeError", NULL, value, name);
		return false;
	}
	if (n < min) {
		fail(c, 400, "QueryParameterOutOfRange", NULL, value, name, min ? "1 or more" : "0 or more");
		return false;
	}
	*out = n;
	return true;
}

/* One "name=value" of the query; unknown ones are ignored unless they begin with '$' (DSP0266 7.3). */
static bool query_one(struct call *c, const char *name, const char *value)
{
	bool listing = c->route->get && c->rp->status == 0;

	if (strncmp(name, "%24", 3) == 0) {
		char plain[64];

		snprintf(plain, sizeof plain, "$%s", name + 3);
		return query_one(c, plain, value);
	}
	if (name[0] != '$')
		return true;
	if (listing && strcmp(name, "$top") == 0)
		return query_number(c, name, value, 0, &c->top);
	if (listing && strcmp(name, "$skip") == 0)
		return query_number(c, name, value, 0, &c->skip);
	fail(c, 501, "QueryNotSupported", NULL);
	return false;
}

static bool read_query(struct call *c)
{
	autofree char *copy = xstrndup(c->rq->query ? c->rq->query : "", MAX_QUERY);
	char *save = NULL;

	c->top = -1;
	for (char *part = strtok_r(copy, "&", &save); part; part = strtok_r(NULL, "&", &save)) {
		char *eq = strchr(part, '=');

		if (eq)
			*eq = '\0';
		if (!query_one(c, part, eq ? eq + 1 : ""))
			return false;
	}
	return true;
}

/* Cuts a collection to the page asked for. */
static bool page(struct call *c, json_t *body)
{
	json_t *all = json_object_get(body, "Members"), *cut;
	int64_t n = (int64_t)json_array_size(all), end, top;

	if (!all) {
		if (c->top < 0 && c->skip == 0)
			return true;
		fail(c, 400, "QueryNotSupportedOnResource", NULL);
		return false;
	}
	json_object_set_new(body, "Members@odata.count", json_integer(n));
	top = c->top >= 0 && c->top < SIM_PAGE ? c->top : SIM_PAGE;
	end = c->skip > n ? n : c->skip + top < n ? c->skip + top : n;
	cut = json_array();
	for (int64_t i = c->skip; i < end; i++)
		json_array_append(cut, json_array_get(all, (size_t)i));
	json_object_set_new(body, "Members", cut);
	if (end < n && (c->top < 0 || c->top > SIM_PAGE)) {
		char next[64] = "";

		if (c->top > SIM_PAGE)
			snprintf(next, sizeof next, "&$top=%lld", (long long)(c->top - SIM_PAGE));
		json_object_set_new(body, "Members@odata.nextLink", text("%s?$skip=%lld%s", c->path, (long long)end, next));
	}
	return true;
}

/* --- methods ------------------------------------------------------------------------------------------------ */

static bool etag_listed(const char *list, const char *etag)
{
	size_t n = strlen(etag);

	if (!list || !etag)
		return false;
	for (const char *at = list; *at; at++) {
		at += strspn(at, " ,\t");
		if (*at == '*' && (at[1] == '\0' || strchr(" ,", at[1])))
			return true;
		if (strncmp(at, "W/", 2) == 0)
			at += 2;
		if (strncmp(at, etag, n) == 0 && (at[n] == '\0' || strchr(" ,\t", at[n])))
			return true;
		at = strchr(at, ',');
		if (!at)
			return false;
	}
	return false;
}

static void not_found(struct call *c)
{
	fail(c, 404, "ResourceMissingAtURI", NULL, c->path);
}

static void do_get(struct call *c)
{
	json_t *body;
	const char *etag;

	if (!c->route->get) {
		allow(c);
		fail(c, 405, "OperationNotAllowed", NULL);
		return;
	}
	if (!read_query(c))
		return;
	if ((c->route->flags & ROUTE_STREAM) && strcmp(c->rq->method, "HEAD") == 0) {
		allow(c);
		reply_empty(c, 200);
		return;
	}
	body = c->route->get(c);
	if (c->rp->status) {                 /* it answered by itself: $metadata, a task monitor, events */
		json_decref(body);
		return;
	}
	if (!body) {
		not_found(c);
		return;
	}
	allow(c);
	if (!page(c, body)) {
		json_decref(body);
		return;
	}
	reply_header(c->rp, "Link", "<%s/$metadata>; rel=describedby", ROOT);
	reply_json(c, 200, body);
	etag = redfish_reply_header(c->rp, "ETag");
	if (etag && header(c, "If-None-Match") && etag_listed(header(c, "If-None-Match"), etag)) {
		free(c->rp->body);
		c->rp->body = NULL;
		c->rp->len = 0;
		c->rp->status = 304;
	}
}

/* The ETag GET would show now; false when there is no such resource. */
static bool present_etag(struct call *c, char etag[32])
{
	struct redfish_reply rp = { 0 };
	struct call again = *c;
	json_t *body;

	again.rp = &rp;
	again.infos = NULL;
	again.skip = 0;
	again.top = -1;
	etag[0] = '\0';
	body = c->route->get && !(c->route->flags & ROUTE_STREAM) ? c->route->get(&again) : NULL;
	if (!body && !rp.status && c->route->get && !(c->route->flags & ROUTE_STREAM)) {
		redfish_reply_release(&rp);
		json_decref(again.infos);
		return false;
	}
	if (body) {
		(void)page(&again, body);     /* cannot fail without a query */
		reply_json(&again, 200, body);
		snprintf(etag, 32, "%s", redfish_reply_header(&rp, "ETag") ? redfish_reply_header(&rp, "ETag") : "");
	}
	redfish_reply_release(&rp);
	json_decref(again.infos);
	return true;
}

static bool preconditions(struct call *c)
{
	const char *wanted = header(c, "If-Match");
	char etag[32];

	if (!present_etag(c, etag)) {
		not_found(c);
		return false;
	}
	if (wanted && *wanted && !etag_listed(wanted, etag)) {
		fail(c, 412, "PreconditionFailed", NULL);
		return false;
	}
	if ((!wanted || !*wanted) && (c->route->flags & ROUTE_ETAG_REQUIRED) && strcmp(c->rq->method, "PATCH") == 0) {
		fail(c, 428, "PreconditionRequired", NULL);
		return false;
	}
	return true;
}

static bool read_body(struct call *c)
{
	const char *type = header(c, "Content-Type");
	json_t *in = NULL;

	if (type && c->rq->len && strncasecmp(type, "application/json", 16) != 0) {
		fail(c, 415, "HeaderInvalid", NULL, "Content-Type");
		return false;
	}
	if (c->rq->len == 0 && (c->route->flags & ROUTE_OPTIONAL_BODY)) {
		c->in = json_object();
		return true;
	}
	if (c->rq->len == 0 || json_parse(c->rq->body, c->rq->len, "request", &in, NULL)) {
		fail(c, 400, "MalformedJSON", NULL);
		return false;
	}
	if (!json_is_object(in)) {
		json_decref(in);
		fail(c, 400, "UnrecognizedRequestBody", NULL);
		return false;
	}
	c->in = in;
	return true;
}

static void do_change(struct call *c)
{
	const char *m = c->rq->method;
	bool post = strcmp(m, "POST") == 0, patch = strcmp(m, "PATCH") == 0;
	act_fn *act = post ? c->route->post : patch ? c->route->patch : strcmp(m, "DELETE") == 0 ? c->route->del : NULL;

	if (strcmp(m, "PUT") == 0 && (c->route->flags & ROUTE_RAW))
		act = c->route->post;
	if (!act) {
		char etag[32];

		if (!present_etag(c, etag)) {
			not_found(c);
			return;
		}
		allow(c);
		fail(c, 405, "OperationNotAllowed", NULL);
		return;
	}
	if (!(post && (c->route->flags & ROUTE_PUBLIC_POST)) && !call_may(c, c->route->priv)) {
		fail(c, 403, "InsufficientPrivilege", NULL);
		return;
	}
	if (c->rq->query && strchr(c->rq->query, '$') && !read_query(c))
		return;
	if (!post && !(c->route->flags & ROUTE_RAW) && !preconditions(c))
		return;
	if ((post || patch) && !(c->route->flags & ROUTE_RAW) && !read_body(c))
		return;
	act(c);
}

bool call_may(const struct call *c, enum privilege p)
{
	if (p <= PRIV_SELF)
		return c->user[0] != '\0';
	if (strcmp(c->role, "Administrator") == 0)
		return true;
	return strcmp(c->role, "Operator") == 0 && p == PRIV_COMPONENTS;
}

static bool acceptable(const char *accept)
{
	return !accept || !*accept || strstr(accept, "*/*") || strstr(accept, "application/json") || strstr(accept, "application/*") ||
		strstr(accept, "application/xml") || strstr(accept, "text/event-stream");
}

/* Who may go on. Authentication comes before any other look at the request (DSP0266 13.3.1). */
static bool admitted(struct call *c, bool reading)
{
	unsigned flags = c->route ? c->route->flags : 0;
	bool known = session_authenticate(c);
	bool open = ((flags & ROUTE_PUBLIC) && reading) || ((flags & ROUTE_PUBLIC_POST) && strcmp(c->rq->method, "POST") == 0);

	if (known || open)
		return true;
	reply_header(c->rp, "WWW-Authenticate", "Basic realm=\"Redfish\"");
	fail(c, 401, "NoValidSession", NULL);
	return false;
}

static void handle(struct call *c)
{
	const char *m = c->rq->method;
	bool reading = strcmp(m, "GET") == 0 || strcmp(m, "HEAD") == 0;
	static const char *const methods = "GET|HEAD|POST|PATCH|PUT|DELETE";
	const char *version;

	if (!admitted(c, reading))
		return;
	if (!word_in(methods, m)) {
		reply_header(c->rp, "Allow", "GET, HEAD, POST, PATCH, DELETE");
		fail(c, 405, "OperationNotAllowed", NULL);
		return;
	}
	if (!c->route) {
		not_found(c);
		return;
	}
	version = header(c, "OData-Version");
	if (version && strcmp(version, "4.0") != 0) {
		fail(c, 412, "HeaderInvalid", NULL, "OData-Version");
		return;
	}
	if (!acceptable(header(c, "Accept"))) {
		fail(c, 406, "HeaderInvalid", NULL, "Accept");
		return;
	}
	if (reading)
		do_get(c);
	else
		do_change(c);
}

void redfish_handle(struct bmc *b, const struct redfish_request *rq, struct redfish_reply *rp)
{
	struct call c = { .b = b, .rq = rq, .rp = rp };
	size_t n = strnlen(rq->path, sizeof c.path - 1);

	bmc_settle(b);
	c.now = fleet_now(b->fleet);
	c.top = -1;
	memcpy(c.path, rq->path, n);
	while (n > 1 && c.path[n - 1] == '/')
		c.path[--n] = '\0';
	if (strlen(rq->path) < sizeof c.path)
		c.route = route_find(c.path, c.id);
	if (c.route == routes_root)
		strcpy(c.path, ROOT "/");
	handle(&c);
	reply_header(rp, "OData-Version", "4.0");
	reply_header(rp, "Cache-Control", "no-cache");
	json_decref(c.in);
	json_decref(c.infos);
}
