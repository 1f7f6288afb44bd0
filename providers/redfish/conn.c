#include "providers/redfish/conn.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "providers/redfish/session.h"

enum {
	BODY_MAX = 16 * 1024 * 1024,
	RAW_KEPT = 4096,
	BREAKER_MS = 120 * 1000,
	GET_TRIES = 3,
	QUICK_MS = 2000,             /* a connection refused faster than this is worth another try */
	BUSY_BASE_MS = 1000, BUSY_CAP_MS = 15 * 1000,
	RETRY_AFTER_CAP_MS = 300 * 1000,
};

void rf_reply_release(struct rf_reply *r)
{
	json_decref(r->json);
	free(r->etag);
	free(r->location);
	free(r->text);
	memset(r, 0, sizeof(*r));
}

void rf_expect(struct rf_bmc *b, int by)
{
	b->expecting += (unsigned)by;
	if (by > 0)
		b->waited = 0;
}

static void trip(struct rf_bmc *b, const struct err *err)
{
	bool silent = err->code == E_UNREACHABLE || err->code == E_TIMEOUT || err->code == E_DENIED;

	if (b->expecting || !silent)
		return;
	b->down = *err;
	b->down_until = clock_now_ms() + BREAKER_MS;
}

/* --- one exchange ------------------------------------------------------------------------------------------------ */

static void take_reply(const struct http_response *rs, struct rf_reply *out)
{
	const char *etag = http_header(rs, "ETag"), *location = http_header(rs, "Location");

	*out = (struct rf_reply){ .status = rs->status, .retry_after_ms = rs->retry_after_ms, .sent = true };
	out->json = rf_parse(rs->body ? rs->body : "", rs->len);
	if (!etag)
		etag = json_str(out->json, "@odata.etag");
	if (etag && *etag && strcmp(etag, "\"\"") != 0)
		out->etag = xstrdup(etag);
	out->location = rf_path(location);
	if (!out->json && rs->len)
		out->text = xstrndup(rs->body, rs->len < RAW_KEPT ? rs->len : RAW_KEPT);
}

/* What to do about a connection that did not come about, by the transport's words for it. */
static const char *connection_hint(int code, const char *text)
{
	static const struct { const char *words, *hint; } table[] = {
		{ "another host name", "write bmc as a name that it was issued for, or give its key as pin" },
		{ "has expired", "renew it, if the clocks of the BMC and of this machine are right, or give its key as pin" },
		{ "not yet valid", "set the clocks of the BMC and of this machine right, or give its key as pin" },
		{ "alert protocol version", "it speaks no TLS of 1.2 or later, and older ones are not spoken: update its firmware" },
		{ "unsupported protocol", "it speaks no TLS of 1.2 or later, and older ones are not spoken: update its firmware" },
		{ "alert handshake failure", "it shares no cipher with this machine: update its firmware, or allow newer ciphers there" },
		{ "wrong version number", "no TLS is spoken on that port: check the port (http:// addresses need insecure: true)" },
		{ "reply is not HTTP", "is that the port of a Redfish service" },
		{ "the reply is larger than", "no resource of a Redfish service is that large: if it stays so, reset the BMC" },
		{ "dh key too small", "its key exchange is too weak: update its firmware" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strstr(text, table[i].words))
			return table[i].hint;
	return code == E_DENIED ? "give its CA as ca_file, or its key as pin" : NULL;
}

/* The transport names the host as the URL has it; people know the BMC as they wrote it. */
static int transport_error(const struct rf_bmc *b, const struct http_request *rq, bool sent, int code, struct err *err)
{
	struct err low = *err;
	const char *rest = strstr(low.msg, ": "), *path = strchr(rq->url + 8, '/');
	const char *host = strstr(b->origin, "://") + 3 + (strstr(b->origin, "://")[3] == '[');
	bool named = rest && strncmp(low.msg, host, (size_t)(rest - low.msg)) == 0;

	rest = named ? rest + 2 : low.msg;
	if (code == E_INPUT && sent)         /* not HTTP, or too large: the BMC's breach, no mistake of a spec */
		code = E_INTERNAL;
	const char *hint = connection_hint(code, rest);
	if (sent)
		return err_set(err, code, "%s: %.500s (%s %.200s)%s%s", b->addr, rest, rq->method, path ? path : "/", hint ? "; " : "", hint ? hint : "");
	return err_set(err, code, "%s: %.700s%s%s", b->addr, rest, hint ? "; " : "", hint ? hint : "");
}

enum { HEADERS_MAX = 6 };

static size_t headers_for(const struct rf_bmc *b, const struct rf_request *rq, struct http_header h[HEADERS_MAX])
{
	size_t n = 0;

	h[n++] = (struct http_header){ "Accept", "application/json" };
	h[n++] = (struct http_header){ "OData-Version", "4.0" };
	if (rq->body)
		h[n++] = (struct http_header){ "Content-Type", "application/json" };
	else if (rq->file)
		h[n++] = (struct http_header){ "Content-Type", "application/octet-stream" };
	if (rq->if_match)
		h[n++] = (struct http_header){ "If-Match", rq->if_match };
	if (!(rq->flags & RF_ANONYMOUS) && b->token)
		h[n++] = (struct http_header){ "X-Auth-Token", b->token };
	else if (!(rq->flags & RF_ANONYMOUS) && b->basic)
		h[n++] = (struct http_header){ "Authorization", b->basic };
	return n;
}

int rf_exchange(struct task *t, struct rf_bmc *b, const struct rf_request *rq, struct rf_reply *out, char **token, struct err *err)
{
	struct http_trust trust = { .ca_file = b->ca_file, .pin = b->pin, .insecure = b->insecure };
	struct http_header headers[HEADERS_MAX];
	autofree char *url = xasprintf("%s%s", b->origin, rq->path);
	autofree char *body = rq->body ? json_text(rq->body) : NULL;
	struct http_request h = {
		.method = rq->method, .url = url, .headers = headers, .n_headers = headers_for(b, rq, headers), .trust = &trust,
		.body = body, .body_len = body ? strlen(body) : 0, .body_file = rq->file, .parts = rq->parts, .n_parts = rq->n_parts,
		.connect_ms = b->rf->limits.connect, .max_body = BODY_MAX, .progress = rq->progress, .progress_arg = rq->progress_arg,
		.timeout_ms = rq->timeout_ms ? rq->timeout_ms : rq->flags & RF_SLOW ? b->rf->limits.inventory : b->rf->limits.read,
	};
	h.stall_ms = h.timeout_ms;
	struct http_response rs = { 0 };
	int rc = b->rf->transport.perform(t, b->rf->transport.ctx, &h, &rs, err);

	if (rc) {
		*out = (struct rf_reply){ .sent = rs.sent, .retry_after_ms = -1 };
		rc = transport_error(b, &h, rs.sent, rc, err);
	} else {
		take_reply(&rs, out);
		if (token)
			*token = xstrdup(http_header(&rs, "X-Auth-Token"));
		log_debug("redfish %s: %s %s -> %d", b->addr, rq->method, rq->path, out->status);
	}
	http_response_release(&rs);
	return rc;
}

/* --- patience ------------------------------------------------------------------------------------------------------ */

struct readiness { bool not_ready; const char *unavailable; int64_t wait_ms; };

static int64_t seconds_in(const json_t *m, int arg)
{
	const json_t *a = json_array_get(json_at(m, "MessageArgs"), (size_t)(arg - 1));
	const char *text = json_string_value(a);
	int64_t s = json_is_integer(a) ? json_integer_value(a) : text ? strtol(text, NULL, 10) : 0;

	for (text = s > 0 ? NULL : json_str(m, "Message"); text && *text; text++)
		if (isdigit((unsigned char)*text)) {
			s = strtol(text, NULL, 10);
			break;
		}
	return s > 0 && s < 3600 ? s : 0;
}

static void readiness_of(void *ctx, const json_t *m)
{
	struct readiness *r = ctx;
	const char *id = rf_message_id(m);
	int arg = 0;

	if (!r->unavailable)
		r->unavailable = quirk_unavailable(id);
	if (!quirk_not_ready(id, &arg))
		return;
	r->not_ready = true;
	if (arg && seconds_in(m, arg))
		r->wait_ms = seconds_in(m, arg) * 1000;
}

/* Is this reply "not now"? *WAIT_MS: what it asks for, or -1. */
bool rf_busy(const struct rf_reply *r, int64_t *wait_ms)
{
	struct readiness ready = { .wait_ms = -1 };

	if (rf_good(r) || r->status == 401 || r->status == 404)
		return false;
	rf_messages(r->json, readiness_of, &ready);
	if (ready.unavailable)
		return false;
	*wait_ms = r->retry_after_ms >= 0 ? r->retry_after_ms : ready.wait_ms;
	return r->status == 503 || r->status == 429 || ready.not_ready;
}

static const char *unavailable_hint(const struct rf_reply *r)
{
	struct readiness ready = { 0 };

	if (!rf_good(r))
		rf_messages(r->json, readiness_of, &ready);
	return ready.unavailable;
}

/* Sleeps as the busy BMC asks; E_BUSY when its budget is spent. */
static int wait_busy(struct task *t, struct rf_bmc *b, const struct rf_request *rq, const struct rf_reply *r, int64_t wait,
		     unsigned attempt, struct err *err)
{
	if (wait < 0)
		wait = clock_backoff_ms(attempt, BUSY_BASE_MS, BUSY_CAP_MS);
	if (wait > RETRY_AFTER_CAP_MS)
		wait = RETRY_AFTER_CAP_MS;
	int64_t budget = clock_now_ms() < b->spent_until ? b->rf->limits.budget / 10 : b->rf->limits.budget;
	if (b->waited + wait > budget) {
		autofree char *what = xasprintf("%s %s", rq->method, rq->path);
		rf_refused(b, r, what, err);
		struct err low = *err;
		err_set(err, E_BUSY, "%.900s; waited %lld s for it, run again later", low.msg, (long long)b->waited / 1000);
		b->spent_until = clock_now_ms() + BREAKER_MS;
		b->waited = 0;
		return E_BUSY;
	}
	b->waited += wait;
	return task_sleep(t, wait > 0 ? wait : 1, err);
}

static bool idempotent(const char *method)
{
	return strcmp(method, "POST") != 0;
}

/* After a transport failure: is another try safe and worth it? What is not HTTP may be left over from the reply before, a body that had no
 * place there (204): on a new connection it is gone. */
static bool try_again(const struct rf_request *rq, const struct err *why, bool sent, unsigned attempt, int64_t took_ms)
{
	bool garbage = why->code == E_INTERNAL && strstr(why->msg, "is not HTTP");
	int code = why->code;

	if ((rq->flags & RF_ONCE) || attempt + 1 >= GET_TRIES || (code != E_UNREACHABLE && !garbage && !(code == E_TIMEOUT && sent)))
		return false;
	if (sent)
		return strcmp(rq->method, "GET") == 0 && (code == E_UNREACHABLE || garbage);
	return took_ms < QUICK_MS;
}

static int send_held(struct task *t, struct rf_bmc *b, const struct rf_request *rq, struct rf_reply *out, struct err *err)
{
	bool logged_in_again = false;
	unsigned busy = 0, broken = 0;

	for (;;) {
		int64_t start = clock_now_ms(), wait;
		bool refused = false;
		int rc = rq->flags & RF_ANONYMOUS ? 0 : rf_login(t, b, &refused, err);
		if (rc) {
			*out = (struct rf_reply){ .retry_after_ms = -1 };
			return rc;
		}
		rc = rf_exchange(t, b, rq, out, NULL, err);
		if (rc) {
			if (!try_again(rq, err, out->sent, broken, clock_now_ms() - start)) {
				if (!out->sent || strcmp(rq->method, "GET") == 0)
					trip(b, err);
				return rc;
			}
			rc = task_sleep(t, clock_backoff_ms(broken++, 300, 2000), err);
			if (rc)
				return rc;
			continue;
		}
		b->down_until = 0;
		if (out->status == 401 && !(rq->flags & RF_ANONYMOUS)) {
			bool had_session = b->token != NULL;
			if (had_session)
				rf_session_lost(b);
			if (had_session && !logged_in_again && idempotent(rq->method)) {
				logged_in_again = true;
				rf_reply_release(out);
				continue;
			}
			return 0;
		}
		if ((rq->flags & RF_ONCE) || !rf_busy(out, &wait)) {
			if (out->status < 500)
				b->waited = 0;
			return 0;
		}
		rc = wait_busy(t, b, rq, out, wait, busy++, err);
		rf_reply_release(out);
		if (rc)
			return rc;
	}
}

int rf_send(struct task *t, struct rf_bmc *b, const struct rf_request *rq, struct rf_reply *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	out->retry_after_ms = -1;
	int rc = gate_enter(t, &b->gate, err);
	if (rc)
		return rc;
	if (b->refused || (!b->expecting && clock_now_ms() < b->down_until)) {
		*err = b->down;
		rc = b->down.code;
	} else {
		rc = send_held(t, b, rq, out, err);
		if (rc == 0 && out->status == 401 && b->basic)
			rc = rf_credentials_refused(b, out, err);
	}
	const char *hint = rc == 0 ? unavailable_hint(out) : NULL;
	if (hint) {
		autofree char *what = xasprintf("%s %s", rq->method, rq->path);
		rf_refused(b, out, what, err);
		struct err low = *err;
		rc = err_set(err, E_BUSY, "%.800s; %s", low.msg, hint);
		rf_reply_release(out);
	}
	gate_leave(&b->gate);
	return rc;
}

int rf_connect(struct task *t, struct rf_bmc *b, struct err *err)
{
	bool refused;
	int rc = gate_enter(t, &b->gate, err);

	if (rc)
		return rc;
	if (b->refused || (!b->expecting && clock_now_ms() < b->down_until)) {
		*err = b->down;
		rc = b->down.code;
	} else {
		rc = rf_login(t, b, &refused, err);
	}
	gate_leave(&b->gate);
	return rc;
}

/* --- the table of BMCs --------------------------------------------------------------------------------------------- */

/* "host", "host:8443", "[::1]:443", "fe80::1", "https://host" to an origin; NULL when ADDR is none. */
static char *origin_of(const char *addr, int64_t port, bool insecure)
{
	const char *scheme = "https", *at = strstr(addr, "://");
	autofree char *host = NULL;
	size_t n;

	if (at) {
		if (strncasecmp(addr, "http://", 7) == 0 && insecure)
			scheme = "http";
		else if (strncasecmp(addr, "https://", 8) != 0)
			return NULL;
		addr = at + 3;
	}
	host = xstrdup(addr);
	for (n = strlen(host); n && host[n - 1] == '/'; n--)
		host[n - 1] = '\0';
	if (!n || n > 300 || strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%") != n)
		return NULL;
	const char *colon = strchr(host, ':');
	bool bare6 = host[0] != '[' && colon && strchr(colon + 1, ':');
	const char *close = strchr(host, ']');
	bool has_port = !bare6 && (close ? close[1] == ':' : colon != NULL);
	if (bare6)
		return xasprintf("%s://[%s]:%lld", scheme, host, (long long)(port ? port : 443));
	if (has_port)
		return xasprintf("%s://%s", scheme, host);
	if (strcmp(scheme, "http") == 0)
		return xasprintf("http://%s:%lld", host, (long long)(port && port != 443 ? port : 80));
	return xasprintf("%s://%s:%lld", scheme, host, (long long)(port ? port : 443));
}

static const char *setting(const struct rf *rf, const json_t *access, const char *key)
{
	const char *v = json_str(access, key);

	return v ? v : json_str(rf->config, key);
}

static int bmc_new(struct rf *rf, const char *addr, const json_t *access, char *key, struct rf_bmc **out, struct err *err)
{
	struct rf_bmc *b = xcalloc(1, sizeof(*b));
	const char *ca = setting(rf, access, "ca_file"), *pin = setting(rf, access, "pin");
	int64_t port = json_int(access, "port", json_int(rf->config, "port", 443));

	if (json_str(access, "pin"))
		ca = json_str(access, "ca_file");
	b->rf = rf;
	b->key = key;
	b->insecure = json_flag(access, "insecure", json_flag(rf->config, "insecure", false));
	b->addr = xstrdup(addr);
	b->user = xstrdup(setting(rf, access, "username"));
	b->password = xstrdup(setting(rf, access, "password"));
	b->pin = xstrdup(pin);
	b->ca_file = ca && !pin ? file_in(rf->dir, ca) : NULL;
	if (b->pin || b->ca_file)
		b->insecure = false;
	b->origin = origin_of(addr, port, json_flag(access, "insecure", json_flag(rf->config, "insecure", false)));
	if (!b->origin) {
		rf_bmc_free(b);
		return err_set(err, E_INPUT, "\"%s\" is no address of a BMC; write a name or an address, with :PORT if it is not 443 "
			       "(http:// needs insecure: true)", addr);
	}
	HASH_ADD_KEYPTR(hh, rf->bmcs, b->key, strlen(b->key), b);
	*out = b;
	return 0;
}

int rf_bmc_at(struct rf *rf, const char *addr, const json_t *access, struct rf_bmc **out, struct err *err)
{
	autofree char *over = access && json_object_size(access) ? json_text(access) : NULL;
	char *key = xasprintf("%s %s", addr, over ? over : "");
	struct rf_bmc *b;

	HASH_FIND_STR(rf->bmcs, key, b);
	if (!b)
		return bmc_new(rf, addr, access, key, out, err);
	free(key);
	*out = b;
	return 0;
}
