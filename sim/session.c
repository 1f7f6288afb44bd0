/* SessionService: who is logged in. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "sim/call.h"
#include "sim/types.h"

#define SERVICE ROOT "/SessionService"

static void drop(struct bmc *b, size_t i)
{
	OPENSSL_cleanse(&b->sessions.at[i], sizeof *b->sessions.at);
	b->sessions.at[i] = b->sessions.at[b->sessions.len - 1];
	b->sessions.len--;
}

static void expire(struct bmc *b)
{
	int64_t oldest = fleet_now_client(b->fleet);
	const json_t *own = bmc_delta(b, SERVICE, "SessionTimeout");

	oldest -= 1000 * (own ? json_integer_value(own) : (int64_t)b->fleet->session_timeout);
	for (size_t i = b->sessions.len; i-- > 0;)
		if (b->sessions.at[i].used_real <= oldest)
			drop(b, i);
}

void session_drop_user(struct bmc *b, const char *user, unsigned keep)
{
	for (size_t i = b->sessions.len; i-- > 0;)
		if (strcmp(b->sessions.at[i].user, user) == 0 && b->sessions.at[i].id != keep)
			drop(b, i);
}

static struct session *find(const struct bmc *b, unsigned id)
{
	for (size_t i = 0; i < b->sessions.len; i++)
		if (b->sessions.at[i].id == id)
			return &b->sessions.at[i];
	return NULL;
}

static void identify(struct call *c, const char *user, const char *role, unsigned session)
{
	snprintf(c->user, sizeof c->user, "%s", user);
	snprintf(c->role, sizeof c->role, "%s", role);
	c->session = session;
}

static bool by_token(struct call *c, const char *token)
{
	struct bmc *b = c->b;
	const char *role;

	for (size_t i = 0; strlen(token) == 32 && i < b->sessions.len; i++) {
		struct session *s = &b->sessions.at[i];

		if (CRYPTO_memcmp(s->token, token, 32) != 0 || !account_exists(b, s->user, &role))
			continue;
		s->used_real = fleet_now_client(b->fleet);
		identify(c, s->user, role, s->id);
		return true;
	}
	return false;
}

static int digit(char ch)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = ch ? strchr(letters, ch) : NULL;

	return at ? (int)(at - letters) : -1;
}

/* Base64 into OUT (terminated); false when it is none or too long. */
static bool decode(const char *in, char *out, size_t size)
{
	unsigned bits = 0, n = 0;
	size_t len = 0;

	for (; *in && *in != '='; in++) {
		int d = digit(*in);

		if (d < 0)
			return false;
		bits = bits << 6 | (unsigned)d;
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		if (len + 1 >= size)
			return false;
		out[len++] = (char)(bits >> n & 255);
	}
	out[len] = '\0';
	return strspn(in, "=") == strlen(in) && strlen(out) == len;
}

static bool by_basic(struct call *c, const char *credentials)
{
	char plain[256];
	const char *role;
	char *colon;
	bool ok = false;

	if (!decode(credentials + strspn(credentials, " "), plain, sizeof plain))
		return false;
	colon = strchr(plain, ':');
	if (colon) {
		*colon = '\0';
		ok = account_check(c->b, plain, colon + 1, &role);
	}
	if (ok)
		identify(c, plain, role, 0);
	OPENSSL_cleanse(plain, sizeof plain);
	return ok;
}

bool session_authenticate(struct call *c)
{
	const char *token = header(c, "X-Auth-Token"), *basic = header(c, "Authorization");

	expire(c->b);
	if (token)
		return by_token(c, token);
	return basic && strncasecmp(basic, "Basic ", 6) == 0 && by_basic(c, basic + 6);
}

/* --- resources ----------------------------------------------------------------------------------------------- */

static json_t *get_service(struct call *c)
{
	json_t *r = resource(c, TYPE_SESSION_SERVICE, "SessionService", "Session Service");

	json_object_update_new(r, json_pack("{s:b, s:o, s:o}", "ServiceEnabled", 1, "Status", status_ok(), "Sessions",
		ref(SERVICE "/Sessions")));
	put_delta(c, r, "SessionTimeout", json_integer(c->b->fleet->session_timeout));
	return r;
}

static void patch_service(struct call *c)
{
	static const struct writable rows[] = { { "SessionTimeout", 'i', 30, 86400, NULL, NULL } };

	patch_properties(c, rows, ARRAY_LEN(rows));
}

static json_t *get_sessions(struct call *c)
{
	json_t *r = collection(c, "SessionCollection", "Session Collection");

	for (size_t i = 0; i < c->b->sessions.len; i++)
		member(r, SERVICE "/Sessions/%u", c->b->sessions.at[i].id);
	return r;
}

static json_t *get_session(struct call *c)
{
	const struct session *s = find(c->b, number_id(c->id[0]));
	json_t *r;

	if (!s)
		return NULL;
	r = resource(c, TYPE_SESSION, c->id[0], "User Session");
	json_object_update_new(r, json_pack("{s:s, s:s, s:n}", "UserName", s->user, "SessionType", "Redfish", "Password"));
	put_date(c, r, "CreatedTime", s->created);
	return r;
}

/* A required text property of a create; NULL after complaining. */
static const char *required(struct call *c, const char *name, size_t max)
{
	const json_t *v = json_object_get(c->in, name);

	if (!v)
		complain(c, "CreateFailedMissingReqProperties", name, name);
	else if (!json_is_string(v) || json_string_length(v) > max)
		complain(c, "PropertyValueTypeError", name, "", name);
	else
		return json_string_value(v);
	return NULL;
}

static void open_session(struct call *c, const char *user)
{
	struct session s = { .id = c->b->next_session++, .created = c->now, .used_real = fleet_now_client(c->b->fleet) };
	unsigned char bytes[16];
	char path[96];

	clock_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(s.token + 2 * i, 3, "%02x", bytes[i]);
	snprintf(s.user, sizeof s.user, "%s", user);
	vec_push(&c->b->sessions, s);
	c->b->sessions_created++;
	reply_header(c->rp, "X-Auth-Token", "%s", s.token);
	snprintf(path, sizeof path, SERVICE "/Sessions/%u", s.id);
	reply_created(c, path);
	OPENSSL_cleanse(&s, sizeof s);
}

static void post_session(struct call *c)
{
	const char *user = required(c, "UserName", 31), *password = required(c, "Password", 127), *role, *key;
	json_t *value;

	json_object_foreach(c->in, key, value)
		if (!word_in("UserName|Password|Token|SessionType|Context|OEMSessionType|Oem|Name|Description", key))
			complain(c, "PropertyUnknown", key, key);
	if (c->infos) {
		reply_complaints(c, 400);
		return;
	}
	if (!account_check(c->b, user, password, &role)) {
		reply_header(c->rp, "WWW-Authenticate", "Basic realm=\"Redfish\"");
		fail(c, 401, "ResourceAtUriUnauthorized", NULL, SERVICE "/Sessions", "Invalid user name or password");
		return;
	}
	if (c->b->sessions.len >= SIM_MAX_SESSIONS)
		fail(c, 503, "SessionLimitExceeded", NULL);
	else
		open_session(c, user);
}

static void delete_session(struct call *c)
{
	struct session *s = find(c->b, number_id(c->id[0]));

	if (s && strcmp(s->user, c->user) != 0 && !call_may(c, PRIV_MANAGER)) {
		fail(c, 403, "InsufficientPrivilege", NULL);
		return;
	}
	if (s)
		drop(c->b, (size_t)(s - c->b->sessions.at));
	reply_empty(c, 204);
}

void reply_created(struct call *c, const char *path)
{
	struct call made = *c;
	json_t *body;

	snprintf(made.path, sizeof made.path, "%s", path);
	made.route = route_find(path, made.id);
	body = made.route && made.route->get ? made.route->get(&made) : NULL;
	reply_header(c->rp, "Location", "%s", path);
	if (body)
		reply_json(c, 201, body);
	else
		reply_empty(c, 201);
}

const struct route routes_session[] = {
	{ .path = "SessionService", .get = get_service, .patch = patch_service, .priv = PRIV_MANAGER },
	{ .path = "SessionService/Sessions", .get = get_sessions, .post = post_session, .priv = PRIV_LOGIN, .flags = ROUTE_PUBLIC_POST },
	{ .path = "SessionService/Sessions/Members", .post = post_session, .priv = PRIV_LOGIN, .flags = ROUTE_PUBLIC_POST },
	{ .path = "SessionService/Sessions/*", .get = get_session, .del = delete_session, .priv = PRIV_SELF },
	{ 0 },
};
