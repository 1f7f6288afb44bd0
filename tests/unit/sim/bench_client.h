/* A client of one simulated BMC without a network, for the tests here. */
#ifndef TESTS_UNIT_SIM_BENCH_CLIENT_H
#define TESTS_UNIT_SIM_BENCH_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "sim/redfish.h"
#include "sim/update.h"

#define PASSWORD "Correct-horse-9"

struct client {
	struct fleet *fleet;
	struct bmc *bmc;
	char token[64];
	const char *if_match, *content_type;
	char location[256];
	int status;
	json_t *body;
	struct redfish_reply reply;
};

static inline const char *client_header(const void *arg, const char *name)
{
	const struct client *c = arg;

	if (strcasecmp(name, "X-Auth-Token") == 0)
		return c->token[0] ? c->token : NULL;
	if (strcasecmp(name, "If-Match") == 0)
		return c->if_match;
	if (strcasecmp(name, "Content-Type") == 0)
		return c->content_type;
	return NULL;
}

/* Sends a request; the reply is in c->status, c->body (or NULL), c->location, c->reply. */
static inline int ask(struct client *c, const char *method, const char *target, const char *body)
{
	char path[600];
	const char *q = strchr(target, '?');
	struct redfish_request rq = { .method = method, .path = path, .query = q ? q + 1 : "", .body = body,
		.len = body ? strlen(body) : 0, .header = client_header, .header_arg = c };
	const char *location;

	snprintf(path, sizeof path, "%.*s", q ? (int)(q - target) : (int)strlen(target), target);
	json_decref(c->body);
	c->body = NULL;
	redfish_reply_release(&c->reply);
	redfish_handle(c->bmc, &rq, &c->reply);
	location = redfish_reply_header(&c->reply, "Location");
	snprintf(c->location, sizeof c->location, "%s", location ? location : "");
	if (c->reply.body && c->reply.body[0] == '{')
		c->body = json_loadb(c->reply.body, c->reply.len, 0, NULL);
	return c->status = c->reply.status;
}

static inline void login(struct client *c)
{
	c->token[0] = '\0';
	assert_int_equal(ask(c, "POST", "/redfish/v1/SessionService/Sessions",
		"{\"UserName\":\"admin\",\"Password\":\"" PASSWORD "\"}"), 201);
	snprintf(c->token, sizeof c->token, "%s", redfish_reply_header(&c->reply, "X-Auth-Token"));
}

/* A fleet of two on a simulated clock, logged in on the first. */
static inline void client_open(struct client *c)
{
	memset(c, 0, sizeof *c);
	clock_simulate(7, INT64_C(1790000000000));
	json_setup();
	c->fleet = fleet_new(2, 0x7f100000, 1, 1, PASSWORD);
	c->bmc = &c->fleet->bmcs[0];
	login(c);
}

static inline void client_close(struct client *c)
{
	json_decref(c->body);
	redfish_reply_release(&c->reply);
	fleet_free(c->fleet);
	clock_real();
}

/* The value at "A/B/0/C" of the last reply; NULL. */
static inline const json_t *at(const struct client *c, const char *path)
{
	const json_t *j = c->body;
	char step[128];

	while (j && *path) {
		size_t n = strcspn(path, "/");

		snprintf(step, sizeof step, "%.*s", (int)n, path);
		j = json_is_array(j) ? json_array_get(j, (size_t)atoi(step)) : json_at(j, step);
		path += n + (path[n] == '/');
	}
	return j;
}

static inline const char *text_at(const struct client *c, const char *path)
{
	const json_t *j = at(c, path);

	return json_is_string(j) ? json_string_value(j) : "(none)";
}

static inline void seconds_pass(int64_t s)
{
	clock_advance(s * 1000);
}

#endif
