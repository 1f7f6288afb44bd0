#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/client_internal.h"

enum { REPLY_MAX = 64 << 20, PAUSE_MS = 250, PAUSE_MAX_MS = 30000, STREAMS = 200, REQUEST_MS = 60000, CUT_TRIES = 3 };

struct kube *kube_new(struct loop *l, struct kube_config *config, const struct kube_options *o)
{
	struct kube *k = xcalloc(1, sizeof(*k));
	k->config = config;
	k->patience_ms = o ? o->patience_ms : 0;
	k->request_ms = o && o->request_ms ? o->request_ms : REQUEST_MS;
	k->http = http_new(l, &(struct http_options){ .per_host = o && o->streams ? o->streams : STREAMS, .http2 = true,
						      .user_agent = o ? o->user_agent : NULL });
	return k;
}

void kube_free(struct kube *k)
{
	if (!k)
		return;
	http_free(k->http);
	kube_types_free(k->types);
	kube_config_free(k->config);
	free(k);
}

const struct kube_config *kube_config_of(const struct kube *k) { return k->config; }

/* --- what a Status says ------------------------------------------------------------------------------------------------- */

static void copy(char *to, size_t size, const char *from)
{
	size_t n = from ? strnlen(from, size - 1) : 0;
	while (from && n && n == size - 1 && ((unsigned char)from[n] & 0xC0) == 0x80)
		n--;
	if (n)
		memcpy(to, from, n);
	to[n] = '\0';
}

static void read_causes(const json_t *details, struct kube_fail *f)
{
	const json_t *causes = json_at(details, "causes");
	for (size_t i = 0; i < json_array_size(causes); i++) {
		const json_t *c = json_array_get(causes, i);
		f->causes_in_all++;
		if (f->n_causes >= KUBE_CAUSES)
			continue;
		struct kube_cause *to = &f->causes[f->n_causes++];
		copy(to->reason, sizeof(to->reason), json_str(c, "reason"));
		copy(to->field, sizeof(to->field), json_str(c, "field"));
		copy(to->message, sizeof(to->message), json_str(c, "message"));
	}
}

static void read_status(const struct http_response *r, struct kube_fail *f)
{
	autojson json_t *j = NULL;
	f->status = r->status;
	f->retry_after_ms = r->retry_after_ms;
	if (!r->body || json_parse(r->body, r->len, "status", &j, NULL) != 0)
		return;
	const char *kind = json_str(j, "kind");
	if (!kind || strcmp(kind, "Status") != 0)
		return;
	copy(f->reason, sizeof(f->reason), json_str(j, "reason"));
	copy(f->message, sizeof(f->message), json_str(j, "message"));
	const json_t *details = json_at(j, "details");
	int64_t after = json_int(details, "retryAfterSeconds", -1);
	if (f->retry_after_ms < 0 && after >= 0)
		f->retry_after_ms = (after > 86400 ? 86400 : after) * 1000;
	read_causes(details, f);
}

void kube_fail_manager(const struct kube_cause *c, char out[128])
{
	const char *from = strcmp(c->reason, "FieldManagerConflict") == 0 ? strchr(c->message, '"') : NULL;
	const char *to = from ? strchr(from + 1, '"') : NULL;
	size_t n = to ? (size_t)(to - from - 1) : 0;
	n = n > 127 ? 127 : n;
	if (n)
		memcpy(out, from + 1, n);
	out[n] = '\0';
}

static int code_of(int status)
{
	static const struct { int status, code; } codes[] = {
		{ 400, E_INPUT }, { 401, E_AUTH }, { 403, E_DENIED }, { 404, E_NOTFOUND }, { 405, E_UNSUPPORTED }, { 406, E_UNSUPPORTED },
		{ 409, E_CONFLICT }, { 410, E_CONFLICT }, { 413, E_INPUT }, { 415, E_UNSUPPORTED }, { 422, E_INPUT }, { 429, E_BUSY },
		{ 503, E_BUSY }, { 504, E_TIMEOUT },
	};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return E_INTERNAL;
}

/* "text/html", for a message. */
static const char *type_of(const struct http_response *r, char *buf, size_t size)
{
	const char *type = http_header(r, "Content-Type");
	copy(buf, size, type ? type : "nothing it names");
	buf[strcspn(buf, ";")] = '\0';
	return buf;
}

static int refused(const struct http_response *r, const char *what, struct kube_fail *f, struct err *err)
{
	char type[64];
	read_status(r, f);
	/* kube-apiserver 1.36 says 500 for a field that server-side apply does not know. */
	if (r->status == 500 && strstr(f->message, "failed to create typed patch object"))
		return err_set(err, E_INPUT, "%s: %s", what, f->message);
	if (f->message[0])
		return err_set(err, code_of(r->status), "%s: %s", what, f->message);
	if (!r->len)
		return err_set(err, code_of(r->status), "%s: the server answered %d without a word", what, r->status);
	return err_set(err, code_of(r->status), "%s: the server answered %d with %s", what, r->status, type_of(r, type, sizeof(type)));
}

int kube_object_of(const struct http_response *r, const char *what, json_t **out, struct err *err)
{
	char type[64];
	json_t *j = NULL;
	if (json_parse(r->body, r->len, "the answer", &j, NULL) != 0 || !json_is_object(j)) {
		json_decref(j);
		return err_set(err, E_INTERNAL, "%s: the server answered %d with %s that is no Kubernetes object; is it an API server?", what, r->status,
			       type_of(r, type, sizeof(type)));
	}
	*out = j;
	return 0;
}

/* --- one request, and trying again ------------------------------------------------------------------------------------------ */

static int send_once(struct task *t, struct kube *k, const struct kube_call *c, unsigned *credential, struct http_response *out, struct err *err)
{
	autofree char *auth = NULL, *url = xasprintf("%s%s", k->config ? kube_config_server(k->config) : "", c->path);
	struct http_header headers[3] = { { "Accept", "application/json" } };
	size_t n = 1;
	int rc = kube_config_auth(t, k->config, credential, &auth, err);
	if (rc)
		return rc;
	if (auth)
		headers[n++] = (struct http_header){ "Authorization", auth };
	if (c->content_type)
		headers[n++] = (struct http_header){ "Content-Type", c->content_type };
	return http_do(t, k->http, &(struct http_request){
		.method = c->method, .url = url, .headers = headers, .n_headers = n, .trust = kube_config_trust(k->config),
		.body = c->body, .body_len = c->len, .max_body = REPLY_MAX,
		.timeout_ms = c->streaming ? TASK_FOREVER / 4 : k->request_ms, .stall_ms = c->stall_ms,
		.sink = c->sink, .sink_arg = c->sink_arg, .sink_wanted = c->sink_wanted,
	}, out, err);
}

/* How one call goes on. CREDENTIAL: the one that was refused; 0: none. FRESH: one was, and that is enough. */
struct attempt { struct task *t; struct kube *k; const struct kube_call *c; unsigned tries, cut, credential; bool fresh; int64_t began; };

static bool pause_for(struct attempt *a, int64_t after_ms)
{
	int64_t jitter = clock_backoff_ms(a->tries, PAUSE_MS, 5000);
	int64_t ms = after_ms >= 0 ? after_ms + jitter / 4 : jitter;
	ms = ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
	return task_sleep(a->t, ms, NULL) == 0;
}

/* May a request that got no answer be sent again? */
static bool unreachable_again(struct attempt *a, int rc, bool sent)
{
	bool safe = !sent || a->c->repeatable || (strcmp(a->c->method, "GET") == 0 && !a->c->sink);
	if ((rc != E_UNREACHABLE && rc != E_TIMEOUT) || !safe)
		return false;
	/* A server that sends its clients elsewhere now and then (--goaway-chance) looks at nothing that was on the way meanwhile: no matter of patience. */
	if (rc == E_UNREACHABLE && sent && a->cut++ < CUT_TRIES)
		return true;
	if (clock_now_ms() - a->began >= a->k->patience_ms)
		return false;
	a->tries++;
	a->credential = 0;
	return pause_for(a, -1);
}

static bool refused_again(struct attempt *a, const struct http_response *r, const struct kube_fail *f)
{
	bool busy = r->status == 429 || (r->status == 503 && f->retry_after_ms >= 0);
	bool again = (r->status == 503 || r->status == 504) && strcmp(a->c->method, "POST") != 0;
	if (r->status == 401 && !a->fresh) {
		a->fresh = true;
		return true;
	}
	if (a->c->once || !(busy || again) || ++a->tries >= KUBE_TRIES)
		return false;
	a->credential = 0;
	return pause_for(a, f->retry_after_ms);
}

int kube_do(struct task *t, struct kube *k, const struct kube_call *c, struct http_response *out, struct kube_fail *why, struct err *err)
{
	struct attempt a = { .t = t, .k = k, .c = c, .began = clock_now_ms() };
	struct kube_fail own = { 0 }, *f = why ? why : &own;
	for (;;) {
		*f = (struct kube_fail){ .retry_after_ms = -1 };
		int rc = send_once(t, k, c, &a.credential, out, err);
		if (rc) {
			f->sent = out->sent;
			if (unreachable_again(&a, rc, out->sent))
				continue;
			return err ? err_wrap(err, "%s", c->what) : rc;
		}
		if (out->status >= 200 && out->status < 300)
			return 0;
		f->sent = true;
		rc = refused(out, c->what, f, err);
		bool again = refused_again(&a, out, f);
		http_response_release(out);
		if (!again)
			return rc;
	}
}

int kube_get_json(struct task *t, struct kube *k, const char *path, const char *what, const char *kind, json_t **out, struct kube_fail *why,
		  struct err *err)
{
	struct http_response r = { 0 };
	json_t *j = NULL;
	int rc = kube_do(t, k, &(struct kube_call){ .method = "GET", .path = path, .what = what }, &r, why, err);
	if (rc)
		return rc;
	rc = kube_object_of(&r, what, &j, err);
	http_response_release(&r);
	const char *have = json_str(j, "kind");
	if (rc == 0 && kind && (!have || strcmp(have, kind) != 0)) {
		err_set(err, E_INTERNAL, "%s: the server answered with '%.60s' instead of %s", what, have ? have : "something", kind);
		json_decref(j);
		return E_INTERNAL;
	}
	if (rc == 0)
		*out = j;
	return rc;
}

void kube_stamp(int64_t wall_ms, char out[KUBE_STAMP])
{
	char seconds[32];
	clock_stamp(wall_ms, seconds);
	snprintf(out, KUBE_STAMP, "%.*s.%03d000Z", (int)strcspn(seconds, "Z"), seconds, (int)(((wall_ms % 1000) + 1000) % 1000));
}

/* --- paths --------------------------------------------------------------------------------------------------------------------- */

static void escape(struct str *s, const char *text)
{
	for (; *text; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') || strchr("-._~", *text))
			str_addc(s, *text);
		else
			str_addf(s, "%%%02X", (unsigned char)*text);
}

void kube_query(struct str *s, const char *key, const char *value)
{
	str_addc(s, strchr(s->at, '?') ? '&' : '?');
	str_add(s, key);
	str_addc(s, '=');
	escape(s, value);
}

char *kube_path(const struct kube_ref *r)
{
	const struct kube_type *type = r->type;
	struct str s;
	str_init(&s, STR_OURS);
	if (type->group[0])
		str_addf(&s, "/apis/%s/%s", type->group, type->version);
	else
		str_addf(&s, "/api/%s", type->version);
	if (type->namespaced && r->ns && r->ns[0]) {
		str_add(&s, "/namespaces/");
		escape(&s, r->ns);
	}
	str_addf(&s, "/%s", type->plural);
	if (r->name) {
		str_addc(&s, '/');
		escape(&s, r->name);
	}
	if (r->name && r->sub) {
		str_addc(&s, '/');
		escape(&s, r->sub);
	}
	return str_take(&s);
}
