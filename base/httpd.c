#include "base/httpd.h"

#include <errno.h>
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/httpd_cert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	BODY_MAX = 1 << 20,
	CONNECTIONS = 1000,
	POOL_BYTES = 16 * 1024,      /* memory for one connection: bounds the headers of a request */
	STREAM_BYTES = 32 * 1024,    /* written ahead of a slow reader */
	REFUSED_MAX = 256 << 20,     /* of a body that is too large we read so much to be able to say so */
	BATCH = 64,
};

struct conn {
	struct in_addr local, peer;
	int fd;
	bool unwanted;               /* options.accept said no */
};

struct httpd_stream {
	struct call *call;
	char *at; size_t len;        /* written, not yet taken by MHD */
	bool ended, failed;
};

/* One request, from its first line until both MHD and its task are done with it. */
struct call {
	struct httpd *h;
	struct MHD_Connection *c;    /* NULL once MHD is done with it */
	struct conn *conn;
	struct task *task;           /* NULL before it starts and when it has ended */
	struct httpd_request req;
	struct httpd_reply reply;
	struct httpd_stream stream;
	struct str body;
	char *method, *path, *query;
	unsigned long long discarded;    /* of a refused body */
	bool begun;                  /* the headers are there */
	bool refused;                /* the body is too large */
	bool answered;               /* reply is final */
	bool suspended, watched;
	struct call *prev, *next;
};

struct httpd {
	struct httpd_options o;
	struct scope *scope;
	struct MHD_Daemon *daemon;
	struct cert_cache *certs;
	unsigned short port;
	struct call *calls;
	unsigned tasks;
	bool stopping;
	struct task *stopper;        /* waits until no task is left */
	int epoll;                   /* MHD's */
	int watch;                   /* sockets of suspended connections, to learn that the peer has gone */
	unsigned open_handles;
	uv_poll_t poll, watch_poll;
	uv_timer_t timer;
};

static void drive(struct httpd *h);

static void on_timer(uv_timer_t *timer)
{
	drive(timer->data);
}

/* --- replies -------------------------------------------------------------------------------------------------------- */

void httpd_reply_header(struct httpd_reply *r, const char *name, const char *value)
{
	if (r->n_headers == ARRAY_LEN(r->headers))
		BUG("more than %zu headers in a reply", ARRAY_LEN(r->headers));
	r->headers[r->n_headers].name = xstrdup(name);
	r->headers[r->n_headers++].value = xstrdup(value);
}

void httpd_reply_text(struct httpd_reply *r, int status, const char *type, const char *text)
{
	r->status = status;
	free(r->body);
	r->len = strlen(text);
	r->body = xstrndup(text, r->len);
	if (type)
		httpd_reply_header(r, "Content-Type", type);
}

static void reply_release(struct httpd_reply *r)
{
	for (unsigned i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	free(r->body);
	*r = (struct httpd_reply){ 0 };
}

/* --- the life of a call ------------------------------------------------------------------------------------------------ */

static const char *call_header(const struct httpd_request *r, const char *name)
{
	const struct call *k = r->priv;
	return k->c ? MHD_lookup_connection_value(k->c, MHD_HEADER_KIND, name) : NULL;
}

/* MHD asks at the first line of a request, the only place that shows the query as it was sent. */
static void *call_new(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct call *k = xcalloc(1, sizeof(*k));
	const char *query = strchr(uri, '?');
	k->h = arg;
	k->c = c;
	k->conn = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	k->query = xstrdup(query ? query + 1 : "");
	str_init(&k->body, k->h->o.max_body);
	DL_APPEND(k->h->calls, k);
	return k;
}

static void call_release(struct call *k)
{
	if (k->task || k->c)
		return;
	if (k->req.body_ctx && k->h->o.body_close)
		k->h->o.body_close(k->req.body_ctx);
	DL_DELETE(k->h->calls, k);
	reply_release(&k->reply);
	str_release(&k->body);
	free(k->stream.at);
	free(k->method);
	free(k->path);
	free(k->query);
	free(k);
}

static void watch(struct call *k, bool on)
{
	struct epoll_event ev = { .events = EPOLLRDHUP, .data.ptr = k };
	if (on == k->watched)
		return;
	k->watched = on;
	epoll_ctl(k->h->watch, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, k->conn->fd, &ev);
}

static void suspend(struct call *k)
{
	k->suspended = true;
	MHD_suspend_connection(k->c);
	watch(k, true);
}

static void resume(struct call *k)
{
	if (!k->suspended)
		return;
	k->suspended = false;
	watch(k, false);
	MHD_resume_connection(k->c);
	/* Without a thread of its own MHD is not woken by this: it looks when it is run next. */
	uv_timer_start(&k->h->timer, on_timer, 0, 0);
}

/* MHD does not look at suspended connections; a peer that goes away ends the work done for it. */
static void on_gone(uv_poll_t *poll, int status, int events)
{
	struct httpd *h = poll->data;
	struct epoll_event ev[BATCH];
	int n = epoll_wait(h->watch, ev, BATCH, 0);
	(void)status;
	(void)events;
	for (int i = 0; i < n; i++) {
		struct call *k = ev[i].data.ptr;
		watch(k, false);
		if (k->task)
			task_cancel(k->task);
	}
}

static void on_completed(void *arg, struct MHD_Connection *c, void **ctx, enum MHD_RequestTerminationCode why)
{
	struct call *k = *ctx;
	(void)arg;
	(void)c;
	(void)why;
	if (!k)
		return;
	*ctx = NULL;
	watch(k, false);
	k->suspended = false;
	k->c = NULL;
	if (k->task)
		task_cancel(k->task);
	call_release(k);
}

/* The IPv4 address of an end of a connection; 0 when it has none. */
static struct in_addr ipv4_of(int fd, int (*name)(int fd, struct sockaddr *a, socklen_t *len))
{
	union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_in6 in6; } a = { 0 };
	socklen_t len = sizeof(a);
	struct in_addr out = { 0 };
	if (name(fd, &a.any, &len) == 0 && a.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr))
		memcpy(&out, &a.in6.sin6_addr.s6_addr[12], sizeof(out));
	else if (a.any.sa_family == AF_INET)
		out = a.in.sin_addr;
	return out;
}

static void on_connection(void *arg, struct MHD_Connection *c, void **ctx, enum MHD_ConnectionNotificationCode what)
{
	struct httpd *h = arg;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		free(*ctx);
		*ctx = NULL;
		return;
	}
	struct conn *n = xcalloc(1, sizeof(*n));
	n->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	n->local = ipv4_of(n->fd, getsockname);
	n->peer = ipv4_of(n->fd, getpeername);
	/* The accept policy of MHD is not told the local address; a socket shut down here never gets to a request. */
	n->unwanted = h->o.accept && !h->o.accept(h->o.ctx, n->local, n->peer);
	if (n->unwanted)
		shutdown(n->fd, SHUT_RDWR);
	*ctx = n;
}

/* --- the task of a call --------------------------------------------------------------------------------------------------- */

static bool has_no_body(const struct call *k)
{
	return strcmp(k->method, "HEAD") == 0 || k->reply.status == 204 || k->reply.status == 304;
}

static void run_stream(struct task *t, struct call *k)
{
	struct err err = { 0 };
	k->stream.call = k;
	k->stream.at = xmalloc(STREAM_BYTES);
	k->answered = true;
	resume(k);
	int rc = k->reply.stream(t, &k->stream, k->reply.stream_arg, &err);
	if (rc)
		log_debug("%s %s: the stream ended: %s", k->method, k->path, err.msg);
	k->stream.ended = true;
	k->stream.failed = rc != 0;
}

static int run_call(struct task *t, void *arg, struct err *unused)
{
	struct call *k = arg;
	struct httpd *h = k->h;
	struct err err = { 0 };
	(void)unused;
	int rc = h->o.handler(t, h->o.ctx, &k->req, &k->reply, &err);
	if (rc) {
		log_debug("%s %s: %s", k->method, k->path, err.msg);
		reply_release(&k->reply);
		httpd_reply_text(&k->reply, 500, "text/plain", "the request failed\n");
	}
	if (k->reply.stream && k->reply.status && !has_no_body(k))
		run_stream(t, k);
	k->answered = true;
	k->task = NULL;
	resume(k);
	call_release(k);
	if (--h->tasks == 0 && h->stopper)
		task_wake(h->stopper);
	return 0;
}

int httpd_write(struct task *t, struct httpd_stream *s, const void *data, size_t len, struct err *err)
{
	const char *from = data;
	while (len) {
		size_t room = STREAM_BYTES - s->len, n = len < room ? len : room;
		int rc = room ? 0 : task_park(t, err);
		if (!s->call->c)
			return err_set(err, E_UNREACHABLE, "the reader has gone");
		if (rc)
			return rc;
		memcpy(s->at + s->len, from, n);
		s->len += n;
		from += n;
		len -= n;
		resume(s->call);
	}
	return task_cancelled(t) ? err_set(err, E_CANCELED, "cancelled") : 0;
}

static ssize_t read_stream(void *arg, uint64_t pos, char *to, size_t max)
{
	struct call *k = arg;
	struct httpd_stream *s = &k->stream;
	(void)pos;
	if (s->len) {
		size_t n = s->len < max ? s->len : max;
		memcpy(to, s->at, n);
		memmove(s->at, s->at + n, s->len - n);
		s->len -= n;
		if (k->task)
			task_wake(k->task);
		return (ssize_t)n;
	}
	if (s->ended)
		return s->failed ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
	suspend(k);
	return 0;
}

/* --- what MHD asks ------------------------------------------------------------------------------------------------------------- */

static enum MHD_Result queue(struct call *k, int status, struct MHD_Response *r, bool last)
{
	if (!r)
		return MHD_NO;
	for (unsigned i = 0; i < k->reply.n_headers; i++)
		if (MHD_add_response_header(r, k->reply.headers[i].name, k->reply.headers[i].value) != MHD_YES)
			log_debug("%s %s: the header %s cannot be sent", k->method, k->path, k->reply.headers[i].name);
	if (last)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result rc = MHD_queue_response(k->c, (unsigned)status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result queue_reply(struct call *k)
{
	struct httpd_reply *p = &k->reply;
	struct MHD_Response *r;
	if (!p->status)
		return MHD_NO;
	if (k->stream.at) {
		r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, read_stream, k, NULL);
	} else if (p->status == 204 || p->status == 304 || !p->body) {
		r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	} else {
		r = MHD_create_response_from_buffer(p->len, p->body, MHD_RESPMEM_MUST_FREE);
		if (r)
			p->body = NULL;
	}
	return queue(k, p->status, r, p->close || k->h->stopping);
}

static enum MHD_Result queue_too_large(struct call *k)
{
	static char text[] = "the request is too large\n";
	return queue(k, 413, MHD_create_response_from_buffer(sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT), true);
}

/* The headers are there. */
static enum MHD_Result begin(struct call *k, const char *url, const char *method)
{
	struct httpd *h = k->h;
	k->begun = true;
	k->method = xstrdup(method);
	k->path = xstrdup(url);
	k->req = (struct httpd_request){
		.method = k->method, .path = k->path, .query = k->query, .body = "", .local = k->conn->local, .peer = k->conn->peer,
		.header = call_header, .priv = k,
	};
	if (h->o.body_open)
		k->req.body_ctx = h->o.body_open(h->o.ctx, &k->req);
	const char *length = call_header(&k->req, "Content-Length");
	/* Said before the body comes, where the client asks or is patient; else it learns from the broken connection. */
	if (!k->req.body_ctx && length && strtoull(length, NULL, 10) > h->o.max_body)
		return queue_too_large(k);
	return MHD_YES;
}

static enum MHD_Result take_body(struct call *k, const char *data, size_t len)
{
	if (k->refused) {
		k->discarded += len;
		return k->discarded > REFUSED_MAX ? MHD_NO : MHD_YES;
	}
	if (k->req.body_ctx) {
		k->refused = k->h->o.body_data && k->h->o.body_data(k->req.body_ctx, data, len) != 0;
	} else {
		str_addn(&k->body, data, len);
		k->refused = str_full(&k->body);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version,
				  const char *data, size_t *len, void **ctx)
{
	struct call *k = *ctx;
	struct httpd *h = arg;
	(void)c;
	(void)version;
	if (k->conn->unwanted)
		return MHD_NO;
	if (!k->begun)
		return begin(k, url, method);
	if (*len) {
		enum MHD_Result rc = take_body(k, data, *len);
		*len = 0;
		return rc;
	}
	if (k->answered)
		return queue_reply(k);
	if (k->refused)
		return queue_too_large(k);
	if (h->stopping)
		return MHD_NO;
	k->req.body = k->body.at;
	k->req.len = k->body.len;
	h->tasks++;
	k->task = scope_start(h->scope, "request", run_call, k);
	suspend(k);
	return MHD_YES;
}

/* --- the server on the loop -------------------------------------------------------------------------------------------------------- */

/* The server inside MHD_run: gnutls gives the callback below no word of whose session it is. */
static struct httpd *in_run;

static int on_cert(gnutls_session_t session, const gnutls_datum_t *cas, int n_cas, const gnutls_pk_algorithm_t *algos, int n_algos,
		   gnutls_pcert_st **chain, unsigned *len, gnutls_privkey_t *key)
{
	struct sockaddr_in a = { 0 };
	socklen_t size = sizeof(a);
	(void)cas;
	(void)n_cas;
	(void)algos;
	(void)n_algos;
	if (!in_run || getsockname(gnutls_transport_get_int(session), (struct sockaddr *)&a, &size) != 0)
		return -1;
	struct cert *cert = cert_for(in_run->certs, a.sin_addr);
	if (!cert)
		return -1;
	*chain = cert->chain;
	*len = cert->len;
	*key = cert->key;
	return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	drive(poll->data);
}

static void drive(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;
	enum MHD_Result timed = MHD_NO;
	/* A timeout of 0 asks for another round: for data that is there already, but all through a TLS handshake too, where it
	 * would spin. Hence a few rounds at once, and then one a millisecond. */
	for (int i = 0; i < 3; i++) {
		in_run = h;
		MHD_run(h->daemon);
		in_run = NULL;
		timed = MHD_get_timeout(h->daemon, &ms);
		if (timed != MHD_YES || ms)
			break;
	}
	if (timed == MHD_YES)
		uv_timer_start(&h->timer, on_timer, ms ? ms : 1, 0);
	else
		uv_timer_stop(&h->timer);
}

static int listen_on(const struct httpd_options *o, unsigned short *port, struct err *err)
{
	union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_in6 in6; } a = { .in = { .sin_family = AF_INET, .sin_addr = o->addr, .sin_port = htons(o->port) } };
	socklen_t len = o->addr6 ? sizeof(a.in6) : sizeof(a.in);
	char name[INET6_ADDRSTRLEN];
	int one = 1, none = 0, fd = socket(o->addr6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->addr6)
		a.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *o->addr6, .sin6_port = htons(o->port) };
	inet_ntop(a.any.sa_family, o->addr6 ? (const void *)o->addr6 : &o->addr, name, sizeof(name));
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && o->addr6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof(none));
	if (fd < 0 || bind(fd, &a.any, len) != 0 || listen(fd, 4096) != 0 || getsockname(fd, &a.any, &len) != 0) {
		int rc = err_errno(err, o->addr6 ? "cannot listen on [%s]:%u" : "cannot listen on %s:%u", name, o->port);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*port = ntohs(o->addr6 ? a.in6.sin6_port : a.in.sin_port);
	return fd;
}

static struct MHD_Daemon *start_daemon(struct httpd *h, int fd)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)on_cert },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)"NORMAL:-VERS-TLS1.0:-VERS-TLS1.1" },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (h->o.tls ? MHD_USE_TLS : 0u);
	return MHD_start_daemon(flags, h->port, NULL, NULL, on_request, h,
				MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_CONNECTION_LIMIT, h->o.max_connections,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)h->o.idle_s,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				MHD_OPTION_URI_LOG_CALLBACK, call_new, h,
				MHD_OPTION_ARRAY, h->o.tls ? tls : tls + 2,
				MHD_OPTION_END);
}

static void attach(struct httpd *h, uv_loop_t *uv)
{
	h->epoll = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	h->watch = epoll_create1(EPOLL_CLOEXEC);
	if (h->watch < 0 || uv_poll_init(uv, &h->poll, h->epoll) != 0 || uv_poll_init(uv, &h->watch_poll, h->watch) != 0)
		BUG("no HTTP server: out of file descriptors?");
	uv_timer_init(uv, &h->timer);
	h->poll.data = h->watch_poll.data = h->timer.data = h;
	h->open_handles = 3;
	uv_poll_start(&h->poll, UV_READABLE, on_poll);
	uv_poll_start(&h->watch_poll, UV_READABLE, on_gone);
	drive(h);
}

int httpd_start(struct task *t, struct scope *s, const struct httpd_options *o, struct httpd **out, struct err *err)
{
	struct httpd *h = xcalloc(1, sizeof(*h));
	h->o = *o;
	h->scope = s;
	h->o.max_body = o->max_body ? o->max_body : BODY_MAX;
	h->o.max_connections = o->max_connections ? o->max_connections : CONNECTIONS;
	int fd = listen_on(o, &h->port, err);
	if (fd < 0) {
		free(h);
		return fd;
	}
	if (o->tls)
		h->certs = cert_cache_new(o->cert, o->ctx);
	h->daemon = start_daemon(h, fd);
	if (!h->daemon) {
		close(fd);
		cert_cache_free(h->certs);
		free(h);
		return err_set(err, E_IO, "the HTTP server on port %u does not start", o->port);
	}
	attach(h, loop_uv(task_loop(t)));
	*out = h;
	return 0;
}

unsigned short httpd_port(const struct httpd *h)
{
	return h->port;
}

static void handle_closed(uv_handle_t *handle)
{
	struct httpd *h = handle->data;
	if (--h->open_handles == 0)
		free(h);
}

/* Waits until no task is left, at most until the deadline or the cancellation of T. */
static void await_tasks(struct task *t, struct httpd *h)
{
	h->stopper = t;
	while (h->tasks && task_park(t, NULL) == 0)
		;
	h->stopper = NULL;
}

void httpd_stop(struct task *t, struct httpd *h, int64_t grace_ms)
{
	struct call *k;
	if (!h)
		return;
	h->stopping = true;
	int fd = MHD_quiesce_daemon(h->daemon);
	if (fd >= 0)
		close(fd);
	int64_t old = task_deadline_in(t, grace_ms);
	await_tasks(t, h);
	DL_FOREACH(h->calls, k) {
		if (k->task)
			task_cancel(k->task);
	}
	/* Tasks end soon once cancelled, and must before what they use goes. */
	task_shield(t, true);
	task_deadline_restore(t, TASK_FOREVER);
	await_tasks(t, h);
	task_deadline_restore(t, old);
	task_shield(t, false);
	drive(h);
	uv_timer_stop(&h->timer);
	uv_poll_stop(&h->poll);
	uv_poll_stop(&h->watch_poll);
	in_run = h;
	MHD_stop_daemon(h->daemon);
	in_run = NULL;
	close(h->watch);
	cert_cache_free(h->certs);
	uv_close((uv_handle_t *)&h->poll, handle_closed);
	uv_close((uv_handle_t *)&h->watch_poll, handle_closed);
	uv_close((uv_handle_t *)&h->timer, handle_closed);
}
