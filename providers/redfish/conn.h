/* conn - one BMC as a peer: login, one request at a time, patience, and what it said.
 *
 * Sessions (X-Auth-Token) are used where they can be had; HTTP Basic is the way out when there is no session service or no
 * session left, never after credentials were refused (BMCs lock accounts after a few wrong tries). A session's URI is noted
 * in the store, so that one left by a crashed run is deleted at the next login.
 *
 * rf_send() holds the BMC's gate for the whole exchange with its retries:
 *   401            one new login, then GET, PATCH and DELETE are sent again; a POST comes back with status 401
 *   503, 429, or a message id that means "not ready": waits (Retry-After, the message's argument, else backoff) within
 *                  limits.budget, then E_BUSY, and for two minutes a tenth of it for whatever else is busy; RF_ONCE requests come
 *                  back at once with their status instead
 *   no connection  GETs are tried three times; then the breaker opens: for two minutes every request to this BMC fails at once
 *                  with the same message, unless rf_expect() says that the BMC is away on our behalf
 * Nothing here logs or stores a credential; error texts carry the address, the BMC's own words, never headers or bodies.
 */
#ifndef PROVIDERS_REDFISH_CONN_H
#define PROVIDERS_REDFISH_CONN_H

#include <uthash.h>

#include "base/http.h"
#include "base/json.h"
#include "base/task.h"
#include "engine/provider.h"
#include "providers/redfish/quirks.h"

struct rf_transport {                /* the seam: http_do() in life, a script in tests */
	int (*perform)(struct task *t, void *ctx, const struct http_request *rq, struct http_response *rs, struct err *err);
	void *ctx;
};

struct rf_limits {                   /* milliseconds */
	int64_t connect, read, inventory;    /* one request; `inventory` for the slow lists */
	int64_t budget;              /* how long a BMC may say "busy" */
	int64_t graceful;            /* patience with a graceful shutdown or restart before force */
	int64_t boot;                /* a BMC or host to come back */
	int64_t stall;               /* a task without progress */
	int64_t lost_task;           /* an update whose task is gone, to end before its activation */
	int64_t verify;              /* an activated version to show in the inventory */
	int64_t copy;                /* background copy of the ERoTs */
};

struct rf_bmc;
struct rf {                          /* what provider.open returns */
	struct loop *loop;
	char *dir;
	json_t *config;
	struct store *store;         /* may be NULL */
	struct http *http;
	struct rf_transport transport;
	struct rf_limits limits;
	struct rf_bmc *bmcs;         /* uthash by key */
	json_t *stale;               /* address -> [session URI]: left by dead processes; NULL until read */
};

struct rf_bmc {
	struct rf *rf;
	char *key, *addr;            /* addr: as the user wrote it, for messages */
	char *origin;                /* "https://10.0.0.1:443" */
	char *user, *password;       /* password: a reference (env:, file:) */
	char *ca_file, *pin;
	bool insecure;
	struct gate gate;
	char *token, *session;       /* open session and its URI (may be NULL with a token) */
	char *basic;                 /* "Basic ..." when that is how we log in */
	char *note_key;              /* of the store's note about the session */
	char *no_session;            /* why it opened none, in its words; NULL: it did, or was not asked */
	bool root_known, root_refused;       /* root_refused: it wanted credentials, and is read again with them */
	char *sessions_uri, *systems_uri, *managers_uri, *chassis_uri, *update_uri, *tasks_uri, *registries_uri;
	struct quirk quirk;
	char *system;                /* path of the host's ComputerSystem once found */
	unsigned expecting;          /* rf_expect() depth */
	int64_t down_until;          /* breaker: until then `down` is the answer */
	bool refused;                /* credentials refused: `down` for the whole run */
	struct err down;
	unsigned logins;             /* sessions opened: a new one behind our back tells that the BMC was reset */
	int64_t waited;              /* ms spent on "busy" since the last good answer */
	int64_t spent_until;         /* one resource stayed busy for the whole budget: until then others get little of it */
	UT_hash_handle hh;
};

/* The BMC at ADDR ("10.0.0.1", "host:8443", "[::1]", "https://...") with ACCESS (an object that overrides the provider's
 * username, password, ca_file, pin, insecure, port; may be NULL). Made at first use, freed with RF. */
int rf_bmc_at(struct rf *rf, const char *addr, const json_t *access, struct rf_bmc **out, struct err *err) MUST_CHECK;
void rf_bmc_free(struct rf_bmc *b);
/* Ends the session, if one is open; failures do not matter. */
void rf_logout(struct task *t, struct rf_bmc *b);
/* The BMC is about to be away on our behalf (+1), or is back (-1): silence is then no reason to open the breaker. */
void rf_expect(struct rf_bmc *b, int by);

enum rf_flags {
	RF_ONCE = 1 << 0,            /* no waiting for "busy", no second try: the caller looks at the world first */
	RF_SLOW = 1 << 1,            /* limits.inventory instead of limits.read */
	RF_ANONYMOUS = 1 << 2,       /* without credentials (service root, login) */
};
struct rf_request {
	const char *method, *path;
	const json_t *body;          /* or ... */
	const char *file;            /* raw octets from disk, or ... */
	const struct http_part *parts; size_t n_parts;
	const char *if_match;        /* NULL: none */
	int64_t timeout_ms;          /* 0: by flags */
	unsigned flags;
	void (*progress)(void *arg, uint64_t sent, uint64_t total); void *progress_arg;
};
struct rf_reply {
	int status;
	json_t *json;                /* NULL when there was none or it was beyond repair */
	char *etag, *location;       /* location: a path on this BMC; either may be NULL */
	char *text;                  /* at most 4 KiB of a body that is no JSON */
	int64_t retry_after_ms;      /* -1: absent */
	bool sent;                   /* also on failure: the BMC may have acted */
};
/* 0 for a reply of whatever status that is left after the rules above. On failure OUT holds only `sent`. */
int rf_send(struct task *t, struct rf_bmc *b, const struct rf_request *rq, struct rf_reply *out, struct err *err) MUST_CHECK;
/* Logs in if need be, which reads the service root: b->root_known and the *_uri fields hold afterwards. */
int rf_connect(struct task *t, struct rf_bmc *b, struct err *err) MUST_CHECK;
void rf_reply_release(struct rf_reply *r);                   /* zeroed is fine */
#define autoreply __attribute__((cleanup(rf_reply_release)))
static inline bool rf_good(const struct rf_reply *r) { return r->status >= 200 && r->status < 300; }

/* Sets ERR from a refusal: "10.0.0.1 refused WHAT (HTTP 400); it says: PropertyUnknown: ...", with what to do where the BMC does not
 * say that itself. E_AUTH, E_DENIED, E_NOTFOUND,
 * E_CONFLICT, E_BUSY, E_UNSUPPORTED, E_INTERNAL by status. */
int rf_refused(const struct rf_bmc *b, const struct rf_reply *r, const char *what, struct err *err);

/* --- reading what BMCs send (pure) -------------------------------------------------------------------------------- */
/* JSON as lenient as can be without guessing: a BOM, duplicate members, invalid UTF-8, raw control characters, trailing
 * commas, numbers too large are taken. NULL when nothing helps. */
json_t *rf_parse(const char *text, size_t len);
/* Calls EACH for every message in an error or annotated body: error.@Message.ExtendedInfo (array or object), @Message.ExtendedInfo
 * at the top and on properties, Messages of a task, a job's own Message (also of the job that a task carries under Oem). At most 200. */
void rf_messages(const json_t *body, void (*each)(void *ctx, const json_t *message), void *ctx);
const char *rf_message_id(const json_t *message);            /* also of services before Redfish 1.0 ("MessageID"); NULL: none */
/* The most telling message as "PropertyUnknown: The property ...", with "; it advises: " and its Resolution where that says anything;
 * false when there is none. */
bool rf_say(const json_t *body, struct str *out);
/* Adds what TEXT says on one line, at most 300 bytes: of a web page the words without its markup; nothing that moves a terminal. */
void rf_add_text(struct str *out, const char *text);
bool rf_has_message(const json_t *body, const char *id);     /* by the id's last part */
/* How severe the worst message is: 0 OK, 1 warning, 2 critical. */
int rf_severity(const json_t *body);
/* A link as a path on this BMC: origin and fragment ("#/...", "%23/...") cut, unsafe bytes percent-encoded, at most 1,000 bytes.
 * NULL for "" and for what is no path. Yours. */
char *rf_path(const char *link);

#endif
