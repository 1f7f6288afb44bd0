#include "sim/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/http.h"
#include "base/httpd.h"
#include "base/log.h"
#include "sim/control.h"
#include "sim/deliver.h"
#include "sim/fault.h"
#include "sim/redfish.h"
#include "sim/update.h"
#include "sim/upload.h"

enum { FILES_KEPT = 100, MAX_CONTROL_BODY = 4 << 20, BLACK_HOLE_MS = 24 * 3600 * 1000, FETCH_MS = 3600 * 1000 };

struct bmc_cert { char *cert, *key; };

struct server {
	struct fleet *fleet;
	const struct ca *ca;
	struct bmc_cert *certs;
	struct scope *scope;
	struct httpd *redfish, *control;
	struct http *http;                   /* of the BMCs, to fetch images */
	struct deliver *deliver;
	struct event stopped;
};

/* --- certificates and connections ---------------------------------------------------------------------------- */

static int give_cert(void *ctx, struct in_addr local, const char **cert, const char **key)
{
	struct server *s = ctx;
	struct bmc *b = fleet_at(s->fleet, local);
	struct bmc_cert *c;
	struct err err;

	if (!b)
		return -1;
	c = &s->certs[b->index];
	if (!c->cert && ca_issue(s->ca, local, &c->cert, &c->key, &err)) {
		log_error("%s", err.msg);
		return -1;
	}
	*cert = c->cert;
	*key = c->key;
	return 0;
}

static bool loopback(struct in_addr a)
{
	return ntohl(a.s_addr) >> 24 == 127;
}

static bool take_connection(void *ctx, struct in_addr local, struct in_addr peer)
{
	struct server *s = ctx;
	struct bmc *b = fleet_at(s->fleet, local);

	if (!b || !loopback(peer))
		return false;
	bmc_settle(b);
	return !bmc_away(b) && fault_accepts(s->fleet, b);
}

/* --- bodies -------------------------------------------------------------------------------------------------- */

static void *open_body(void *ctx, const struct httpd_request *req)
{
	bool push = strcmp(req->path, "/redfish/v1/UpdateService/push") == 0;

	(void)ctx;
	if (strcmp(req->method, "POST") != 0 && strcmp(req->method, "PUT") != 0)
		return NULL;
	if (!push && strcmp(req->path, "/redfish/v1/UpdateService/upload") != 0)
		return NULL;
	return upload_new(push ? NULL : req->header(req, "Content-Type"));
}

static int take_body(void *body, const char *data, size_t len)
{
	return upload_data(body, data, len) ? 0 : -1;
}

static void close_body(void *body)
{
	upload_free(body);
}

/* --- images by SimpleUpdate ---------------------------------------------------------------------------------- */

struct fetch {
	struct server *server;
	struct bmc *bmc;
	unsigned task;
	char *uri;
	bool verify;
};

static int fetch_piece(void *arg, const char *data, size_t len)
{
	return upload_data(arg, data, len) ? 0 : -1;
}

static int fetch_image(struct task *t, void *arg, struct err *err)
{
	struct fetch *f = arg;
	struct upload *u = upload_new(NULL);
	struct http_trust trust = { .insecure = !f->verify };
	struct http_request rq = { .method = "GET", .url = f->uri, .trust = &trust, .timeout_ms = FETCH_MS, .sink = fetch_piece,
		.sink_arg = u };
	struct http_response rp = { 0 };
	struct err why = { 0 };
	int rc = http_do(t, f->server->http, &rq, &rp, &why);

	(void)err;
	upload_finish(u);
	if (rc == 0 && rp.status == 200) {
		update_image(f->bmc, f->task, u->head, u->head_len, u->sha256, u->size, f->uri);
	} else {
		log_info("image not fetched: %s", rc ? why.msg : "status is not 200");
		update_no_image(f->bmc, f->task);
	}
	http_response_release(&rp);
	upload_free(u);
	free(f->uri);
	free(f);
	return 0;
}

static int start_fetch(struct task *t, struct server *s, struct bmc *b, struct redfish_reply *rp, struct err *err)
{
	struct fetch *f = xcalloc(1, sizeof *f);

	f->server = s;
	f->bmc = b;
	f->task = rp->fetch_task;
	f->uri = rp->fetch_uri;
	f->verify = json_is_true(bmc_delta(b, "/redfish/v1/UpdateService", "VerifyRemoteServerCertificate"));
	rp->fetch_uri = NULL;
	return scope_spawn(t, s->scope, "fetch", fetch_image, f, err);
}

/* --- requests ------------------------------------------------------------------------------------------------ */

static const char *get_header(const void *arg, const char *name)
{
	const struct httpd_request *req = arg;

	return req->header(req, name);
}

/* Half of a body, then the connection breaks. */
struct torn { char *body; size_t len; };

static int send_torn(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	struct torn *torn = arg;
	int rc = httpd_write(t, s, torn->body, torn->len / 2, err);

	free(torn->body);
	free(torn);
	return rc ? rc : err_set(err, E_IO, "torn on purpose");
}

static void spoil(const struct fault_hit *hit, struct redfish_reply *rp)
{
	static const char garbage[] = "<html>\x01\x02\xff\xfe 0000 not what you asked for";

	if (hit->bad_json)
		rp->len /= 2;
	if (hit->garbage) {
		free(rp->body);
		rp->body = xmalloc(sizeof garbage);
		memcpy(rp->body, garbage, sizeof garbage);
		rp->len = sizeof garbage - 1;
	}
}

static void hand_over(struct server *s, struct bmc *b, const struct fault_hit *hit, struct redfish_reply *rp, struct httpd_reply *reply)
{
	struct torn *torn;

	reply->status = rp->status;
	for (unsigned i = 0; i < rp->n_headers; i++)
		httpd_reply_header(reply, rp->headers[i].name, rp->headers[i].value);
	if (rp->stream) {
		deliver_stream(s->deliver, b, rp->sub, reply);
	} else if (hit->drop == DROP_BODY && rp->body) {
		torn = xcalloc(1, sizeof *torn);
		torn->body = rp->body;
		torn->len = rp->len;
		reply->stream = send_torn;
		reply->stream_arg = torn;
		reply->close = true;
	} else {
		reply->body = rp->body;
		reply->len = rp->len;
	}
	rp->body = NULL;
}

/* What happens before the BMC acts. True: the request ends here. */
static bool before(struct task *t, const struct fault_hit *hit, const struct httpd_request *req, struct redfish_reply *rp, int *rc,
	struct err *err)
{
	*rc = 0;
	if (hit->latency_ms)
		*rc = task_sleep(t, hit->latency_ms, err);
	if (!*rc && hit->black_hole)
		*rc = task_sleep(t, BLACK_HOLE_MS, err);
	if (*rc || hit->black_hole || hit->drop == DROP_BEFORE)
		return true;
	if (hit->status)
		redfish_fail(rp, hit->status, hit->retry_after);
	else if (hit->wrong_etag && req->header(req, "If-Match"))
		redfish_fail(rp, 412, -1);
	return rp->status != 0;
}

static int serve(struct task *t, void *ctx, const struct httpd_request *req, struct httpd_reply *reply, struct err *err)
{
	struct server *s = ctx;
	struct bmc *b = fleet_at(s->fleet, req->local);
	struct redfish_request rq = { .method = req->method, .path = req->path, .query = req->query, .body = req->body,
		.len = req->len, .header = get_header, .header_arg = req, .upload = req->body_ctx };
	struct redfish_reply rp = { 0 };
	struct fault_hit hit;
	int rc = 0;

	reply->status = 0;
	if (!b)
		return 0;
	bmc_settle(b);
	if (bmc_away(b))
		return 0;
	bmc_count(b, req->method, req->path);
	if (rq.upload)
		upload_finish(rq.upload);
	fault_request(s->fleet, b, req->method, req->path, &hit);
	if (!before(t, &hit, req, &rp, &rc, err)) {
		bmc_settle(b);
		if (!bmc_away(b))
			redfish_handle(b, &rq, &rp);
		if (rp.fetch_uri)
			rc = start_fetch(t, s, b, &rp, err);
	}
	if (rc == 0 && rp.status && hit.drop != DROP_AFTER) {
		spoil(&hit, &rp);
		hand_over(s, b, &hit, &rp, reply);
	}
	redfish_reply_release(&rp);
	return hit.drop == DROP_AFTER || hit.black_hole ? 0 : rc;
}

static int serve_control(struct task *t, void *ctx, const struct httpd_request *req, struct httpd_reply *reply, struct err *err)
{
	struct server *s = ctx;
	bool stop = false;
	char *out = NULL;
	int status = control_handle(s->fleet, req->method, req->path, req->body, req->len, &out, &stop);

	(void)t;
	(void)err;
	httpd_reply_text(reply, status, "application/json", out);
	free(out);
	if (stop) {
		reply->close = true;
		event_set(&s->stopped);
	}
	return 0;
}

/* --- life ---------------------------------------------------------------------------------------------------- */

/* As many connections as files allow. */
static unsigned connection_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 1000;
	if (r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max > 1000000 ? 1000000 : r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r))
			getrlimit(RLIMIT_NOFILE, &r);
	}
	return r.rlim_cur > 2 * FILES_KEPT ? (unsigned)(r.rlim_cur > 100000 ? 100000 : r.rlim_cur) - FILES_KEPT : FILES_KEPT;
}

static int listen_all(struct task *t, struct server *s, const struct server_options *o, struct err *err)
{
	struct httpd_options redfish = { .addr.s_addr = htonl(INADDR_ANY), .port = o->port, .max_connections = connection_limit(),
		.idle_s = 3600, .handler = serve, .ctx = s, .tls = true, .cert = give_cert, .body_open = open_body, .body_data = take_body,
		.body_close = close_body, .accept = take_connection };
	struct httpd_options control = { .addr = o->control_addr, .port = o->control_port, .max_body = MAX_CONTROL_BODY,
		.max_connections = 50, .idle_s = 600, .handler = serve_control, .ctx = s };
	int rc = httpd_start(t, s->scope, &redfish, &s->redfish, err);

	if (rc)
		return err_wrap(err, "Redfish port");
	s->fleet->port = httpd_port(s->redfish);
	rc = httpd_start(t, s->scope, &control, &s->control, err);
	return rc ? err_wrap(err, "control port") : 0;
}

int server_start(struct task *t, const struct server_options *o, struct server **out, struct err *err)
{
	struct server *s = xcalloc(1, sizeof *s);
	int rc;

	s->fleet = o->fleet;
	s->ca = o->ca;
	s->certs = xcalloc(o->fleet->n ? o->fleet->n : 1, sizeof *s->certs);
	s->http = http_new(task_loop(t), &(struct http_options){ .per_host = 64, .user_agent = "aipc-sim-bmc" });
	s->scope = scope_open(t, 0);
	rc = deliver_start(t, s->scope, o->fleet, s->http, &s->deliver, err);
	if (!rc)
		rc = listen_all(t, s, o, err);
	if (rc) {
		struct err ignored;

		(void)server_stop(t, s, &ignored);
		return rc;
	}
	*out = s;
	return 0;
}

unsigned short server_control_port(const struct server *s)
{
	return httpd_port(s->control);
}

struct event *server_stopped(struct server *s)
{
	return &s->stopped;
}

int server_stop(struct task *t, struct server *s, struct err *err)
{
	int rc;

	scope_cancel(s->scope);
	if (s->control)
		httpd_stop(t, s->control, 500);
	if (s->redfish)
		httpd_stop(t, s->redfish, 200);
	rc = scope_join(t, s->scope, err);
	deliver_free(s->deliver);
	http_free(s->http);
	for (unsigned i = 0; i < s->fleet->n; i++) {
		free(s->certs[i].cert);
		free(s->certs[i].key);
	}
	free(s->certs);
	free(s);
	return rc == E_CANCELED ? 0 : rc;
}
