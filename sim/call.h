/* call - one request on its way through the service: what resources and actions need to answer it. Internal to sim/. */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "sim/redfish.h"

#define ROOT "/redfish/v1"
#define BASE_REGISTRY "Base.1.22"

enum privilege { PRIV_NONE, PRIV_LOGIN, PRIV_SELF, PRIV_COMPONENTS, PRIV_MANAGER, PRIV_USERS };

struct call;

typedef json_t *get_fn(struct call *c);      /* the resource, new; NULL: there is none of that id */
typedef void act_fn(struct call *c);         /* answers; c->in is the body, an object */

struct route {
	const char *path;            /* below /redfish/v1, "*" takes one segment */
	get_fn *get;
	act_fn *patch, *post, *del;
	enum privilege priv;         /* to change; reading needs Login */
	unsigned flags;
};
enum { ROUTE_PUBLIC = 1, ROUTE_PUBLIC_POST = 2, ROUTE_RAW = 4, ROUTE_ETAG_REQUIRED = 8, ROUTE_OPTIONAL_BODY = 16,
	ROUTE_STREAM = 32 };

struct call {
	struct bmc *b;
	int64_t now;
	const struct redfish_request *rq;
	struct redfish_reply *rp;
	const struct route *route;
	char path[512];              /* canonical: no trailing slash */
	char id[4][128];             /* what "*" took */
	json_t *in;
	char user[32], role[16];     /* who asks; "" when nobody */
	unsigned session;            /* its id, or 0 */
	json_t *infos;               /* messages gathered for the reply, or NULL */
	int64_t skip, top;           /* query; top -1: absent */
};

/* --- resources --- */
/* {"@odata.id": ...} */
json_t *ref(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
json_t *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The head of a resource: @odata.id (the request's path), @odata.type "#TYPE", Id, Name. */
json_t *resource(const struct call *c, const char *type, const char *id, const char *name);
/* A collection of TYPE; add members with member(). */
json_t *collection(const struct call *c, const char *type, const char *name);
void member(json_t *collection, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* {"Health": "OK", "State": "Enabled"} */
json_t *status_ok(void);
void put_date(const struct call *c, json_t *o, const char *key, int64_t sim_ms);
/* The value a client wrote, or DEFLT (stolen). */
void put_delta(const struct call *c, json_t *o, const char *prop, json_t *deflt);

/* --- replies --- */
void reply_header(struct redfish_reply *rp, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void reply_json(struct call *c, int status, json_t *body);   /* steals */
void reply_empty(struct call *c, int status);
/* A Base message "PropertyUnknown" with its arguments, ended by NULL; PROP (or NULL) names the property by JSON pointer. */
json_t *message(const char *id, const char *prop, ...) __attribute__((sentinel));
/* Gathers a message for an error reply. */
#define complain(c, ...) complain_with(c, message(__VA_ARGS__, NULL))
void complain_with(struct call *c, json_t *message);
/* Answers STATUS with the gathered messages. */
void reply_complaints(struct call *c, int status);
#define fail(c, status, ...) (complain(c, __VA_ARGS__), reply_complaints(c, status))
void fail_busy(struct call *c, int64_t sim_ms);              /* 503 with Retry-After */
/* 202: the task, its monitor in Location. */
void reply_task(struct call *c, unsigned task);
/* 201 with Location and the resource as GET shows it. */
void reply_created(struct call *c, const char *path);
/* 200 with the resource as it is now; messages gathered are annotated. */
void reply_resource(struct call *c);

/* --- requests --- */
const char *header(const struct call *c, const char *name);
bool call_may(const struct call *c, enum privilege p);
/* The parameters an action takes. TYPE: 's' string, 'b' boolean, 'a' array of strings, 'o' object. Answers 400 and
 * returns false unless the body has all required ones, each of its type, and no other. */
struct param { const char *name; char type; bool required; const char *values; /* "On|ForceOff", or NULL */ };
bool check_params(struct call *c, const char *action, const struct param *params, size_t n);
bool word_in(const char *bars, const char *word);            /* "a|b|c" */
json_t *words(const char *bars);                             /* ["a", "b", "c"] */

/* Properties a PATCH may write. TYPE: 's' string, 'b' boolean, 'i' integer, 'n' string or null. */
struct writable {
	const char *path;            /* "Boot/BootSourceOverrideTarget" */
	char type;
	int64_t min, max;            /* of the value or the length */
	const char *values;          /* strings: "A|B", or NULL */
	void (*set)(struct call *c, const json_t *value);    /* NULL: kept as a delta of the resource */
};
/* The whole of PATCH: tells writable, read-only, unknown and wrong values apart, writes, answers. */
void patch_properties(struct call *c, const struct writable *rows, size_t n);

/* The table's row for a path, with c->id filled; NULL. */
const struct route *route_find(const char *path, char id[4][128]);
unsigned number_id(const char *id);                          /* "17" -> 17; 0 when it is no such number */

/* --- the rooms: each file's rows, ended by {0} --- */
extern const struct route routes_root[], routes_system[], routes_manager[], routes_chassis[], routes_update[], routes_task[],
	routes_session[], routes_account[], routes_event[];

/* Credentials: fills c->user, role, session; false when they are wrong or none were given. */
bool session_authenticate(struct call *c);
/* Account with that name and password; NULL. */
bool account_check(const struct bmc *b, const char *user, const char *password, const char **role);
bool account_exists(const struct bmc *b, const char *user, const char **role);
/* Drops every session of the user but KEEP. */
void session_drop_user(struct bmc *b, const char *user, unsigned keep);

#endif
