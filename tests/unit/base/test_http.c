#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/http.h"
#include "base/httpd.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/base/certs.h"

/* --- the world of a test: a server, plain or with TLS, and a client -------------------------------------------------- */

static struct authority ca, other_ca;
static struct identity ids[3];       /* for 127.0.0.1, 127.0.0.2, and a wrong name */
static char dir[] = "/tmp/test_http.XXXXXX";
static char *ca_file, *other_ca_file, *upload_file;

struct world {
	struct httpd *plain, *tls;
	struct http *http;
	unsigned per_host;
	struct event gone;           /* a handler was cancelled */
	unsigned running, most, served;
	struct str order;
	int (*body)(struct task *t, struct world *w, struct err *err);
};

struct sink { struct str seen; int closed; };
static struct sink sink;

static int stream_pieces(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	char line[64];
	int rc = 0;
	(void)arg;
	for (int i = 0; i < 1000 && rc == 0; i++) {
		int n = snprintf(line, sizeof(line), "piece %d of a long story, told slowly\n", i);
		rc = httpd_write(t, s, line, (size_t)n, err);
		if (rc == 0 && i % 250 == 0)
			rc = task_sleep(t, 1, err);
	}
	return rc;
}

static int stream_then_fail(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	(void)arg;
	int rc = httpd_write(t, s, "half a", 6, err);
	return rc ? rc : err_set(err, E_IO, "the other half is lost");
}

static int stream_forever(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	struct world *w = arg;
	int rc;
	do
		rc = httpd_write(t, s, "tick\n", 5, err);
	while (rc == 0 && (rc = task_sleep(t, 2, err)) == 0);
	event_set(&w->gone);
	return rc;
}

static void echo(const struct httpd_request *r, struct httpd_reply *p)
{
	struct str s;
	const char *tag = r->header(r, "x-TAG"), *type = r->header(r, "Content-Type"), *coding = r->header(r, "Accept-Encoding");
	char local[INET_ADDRSTRLEN];
	str_init(&s, STR_OURS);
	inet_ntop(AF_INET, &r->local, local, sizeof(local));
	str_addf(&s, "%s %s?%s %s tag=%s type=%s coding=%s expect=%s %zu:", r->method, r->path, r->query, local, tag ? tag : "-",
		 type ? type : "-", coding ? coding : "-", r->header(r, "Expect") ? "yes" : "no", r->len);
	str_addn(&s, r->body, r->len);
	p->status = 200;
	p->len = s.len;
	p->body = str_take(&s);
}

static int handle(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	struct world *w = ctx;
	int rc = 0;
	w->served++;
	if (++w->running > w->most)
		w->most = w->running;
	if (str_has_prefix(r->path, "/echo")) {
		echo(r, p);
	} else if (str_has_prefix(r->path, "/slow")) {
		str_addf(&w->order, "%s ", r->query);
		rc = task_sleep(t, atoi(r->path + 5), err);
		if (rc == E_CANCELED)
			event_set(&w->gone);
		httpd_reply_text(p, 200, "text/plain", "slow");
	} else if (!strcmp(r->path, "/fail")) {
		rc = err_set(err, E_INTERNAL, "broken on purpose");
	} else if (!strcmp(r->path, "/drop")) {
		p->status = 0;
	} else if (!strcmp(r->path, "/big")) {
		p->status = 200;
		p->len = 1 << 20;
		p->body = xmalloc(p->len);
		memset(p->body, 'x', p->len);
	} else if (str_has_prefix(r->path, "/busy")) {
		httpd_reply_text(p, 503, "text/plain", "later");
		httpd_reply_header(p, "Retry-After", r->path[5] ? "Wed, 21 Oct 2099 07:28:00 GMT" : "17");
	} else if (!strcmp(r->path, "/close")) {
		httpd_reply_text(p, 200, NULL, "bye");
		p->close = true;
	} else if (!strcmp(r->path, "/upload")) {
		struct sink *s = r->body_ctx;
		char hash[65];
		assert_non_null(s);
		str_sha256(s->seen.at, s->seen.len, hash);
		httpd_reply_text(p, 201, "text/plain", hash);
	} else if (!strcmp(r->path, "/none")) {
		p->status = 204;
	} else {
		p->status = 200;
		p->stream = !strcmp(r->path, "/stream") ? stream_pieces : !strcmp(r->path, "/half") ? stream_then_fail : stream_forever;
		p->stream_arg = w;
	}
	w->running--;
	return rc;
}

static void *body_open(void *ctx, const struct httpd_request *r)
{
	(void)ctx;
	return !strcmp(r->path, "/upload") ? &sink : NULL;
}

static int body_data(void *ctx, const char *data, size_t len)
{
	struct sink *s = ctx;
	str_addn(&s->seen, data, len);
	return str_full(&s->seen);
}

static void body_close(void *ctx)
{
	((struct sink *)ctx)->closed++;
}

static int cert(void *ctx, struct in_addr local, const char **cert_pem, const char **key_pem)
{
	uint32_t last = ntohl(local.s_addr) & 255;
	(void)ctx;
	if (last < 1 || last > 3)
		return -1;
	*cert_pem = ids[last - 1].cert_pem;
	*key_pem = ids[last - 1].key_pem;
	return 0;
}

static bool accept_peer(void *ctx, struct in_addr local, struct in_addr peer)
{
	(void)ctx;
	(void)peer;
	return (ntohl(local.s_addr) & 255) != 9;
}

static int world_main(struct task *t, void *arg, struct err *err)
{
	struct world *w = arg;
	struct httpd_options o = {
		.addr.s_addr = htonl(INADDR_ANY), .max_body = 200000, .handler = handle, .ctx = w, .cert = cert, .accept = accept_peer,
		.body_open = body_open, .body_data = body_data, .body_close = body_close,
	};
	struct scope *s = scope_open(t, 0);
	struct http_options ho = { .per_host = w->per_host };
	assert_int_equal(httpd_start(t, s, &o, &w->plain, err), 0);
	o.tls = true;
	assert_int_equal(httpd_start(t, s, &o, &w->tls, err), 0);
	w->http = http_new(task_loop(t), &ho);
	int rc = w->body(t, w, err);
	http_free(w->http);
	httpd_stop(t, w->plain, 1000);
	httpd_stop(t, w->tls, 1000);
	assert_int_equal(w->running, 0);
	assert_int_equal(scope_join(t, s, err), 0);
	return rc;
}

static void run(int (*body)(struct task *, struct world *, struct err *), unsigned per_host)
{
	struct world w = { .body = body, .per_host = per_host };
	struct err err = { 0 };
	struct loop *l = loop_new();
	str_init(&w.order, 1 << 20);
	sink = (struct sink){ 0 };
	str_init(&sink.seen, 1 << 20);
	int rc = loop_run(l, world_main, &w, &err);
	assert_string_equal(err.msg, "");
	assert_int_equal(rc, 0);
	loop_free(l);
	str_release(&w.order);
	str_release(&sink.seen);
}

static char *address(const char *scheme, const char *host, unsigned port, const char *path)
{
	return xasprintf("%s://%s:%u%s", scheme, host, port, path);
}

static char *at(struct world *w, bool tls, const char *path)
{
	return address(tls ? "https" : "http", "127.0.0.1", httpd_port(tls ? w->tls : w->plain), path);
}

/* --- replies ------------------------------------------------------------------------------------------------------------- */

static int requests(struct task *t, struct world *w, struct err *err)
{
	static const struct http_header tag[] = { { "X-Tag", "blue" }, { "Content-Type", "application/json" } };
	static const struct row {
		const char *method, *path, *body;
		size_t n_headers;
		int status;
		const char *want;
	} rows[] = {
		{ "GET", "/echo", NULL, 0, 200, "GET /echo? 127.0.0.1 tag=- type=- coding=identity expect=no 0:" },
		{ "GET", "/echo%20b?q=%41&r", NULL, 1, 200, "GET /echo b?q=%41&r 127.0.0.1 tag=blue type=- coding=identity expect=no 0:" },
		{ "POST", "/echo", "{\"a\":1}", 2, 200, "POST /echo? 127.0.0.1 tag=blue type=application/json coding=identity expect=no 7:{\"a\":1}" },
		{ "POST", "/echo", NULL, 0, 200, "POST /echo? 127.0.0.1 tag=- type=- coding=identity expect=no 0:" },
		{ "PATCH", "/echo", "x", 0, 200, "PATCH /echo? 127.0.0.1 tag=- type=- coding=identity expect=no 1:x" },
		{ "PUT", "/echo", "", 0, 200, "PUT /echo? 127.0.0.1 tag=- type=- coding=identity expect=no 0:" },
		{ "DELETE", "/echo", NULL, 0, 200, "DELETE /echo? 127.0.0.1 tag=- type=- coding=identity expect=no 0:" },
		{ "HEAD", "/echo", NULL, 0, 200, "" },
		{ "HEAD", "/stream", NULL, 0, 200, "" },
		{ "GET", "/none", NULL, 0, 204, "" },
		{ "GET", "/fail", NULL, 0, 500, "the request failed\n" },
		{ "GET", "/close", NULL, 0, 200, "bye" },
		{ "GET", "/slow5", NULL, 0, 200, "slow" },
	};
	struct http_trust trust = { .ca_file = ca_file };
	for (int tls = 0; tls < 2; tls++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			autofree char *url = at(w, tls, rows[i].path);
			struct http_request q = {
				.method = rows[i].method, .url = url, .headers = tag, .n_headers = rows[i].n_headers, .trust = &trust,
				.body = rows[i].body, .body_len = rows[i].body ? strlen(rows[i].body) : 0,
			};
			struct http_response r;
			int rc = http_do(t, w->http, &q, &r, err);
			if (rc)
				return rc;
			assert_int_equal(r.status, rows[i].status);
			assert_string_equal(r.body, rows[i].want);
			assert_int_equal(r.len, strlen(rows[i].want));
			assert_true(r.sent);
			assert_int_equal(r.retry_after_ms, -1);
			assert_non_null(http_header(&r, "dAtE"));
			http_response_release(&r);
		}
	}
	return 0;
}

static void replies_come_back_over_plain_and_tls(void **unused)
{
	(void)unused;
	run(requests, 1);
}

static int get(struct task *t, struct world *w, const char *url, struct http_response *r, struct err *err)
{
	struct http_trust trust = { .ca_file = ca_file };
	struct http_request q = { .method = "GET", .url = url, .trust = &trust };
	return http_do(t, w->http, &q, r, err);
}

static int retry_after(struct task *t, struct world *w, struct err *err)
{
	struct http_response r;
	autofree char *secs = at(w, false, "/busy"), *date = at(w, false, "/busy-date");
	assert_int_equal(get(t, w, secs, &r, err), 0);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.retry_after_ms, 17000);
	http_response_release(&r);
	assert_int_equal(get(t, w, date, &r, err), 0);
	int64_t want = INT64_C(4096250880000) - clock_wall_ms();
	assert_in_range(r.retry_after_ms, want - 5000, want + 5000);
	http_response_release(&r);
	return 0;
}

static void retry_after_is_understood(void **unused)
{
	(void)unused;
	run(retry_after, 1);
}

/* --- trust ------------------------------------------------------------------------------------------------------------------ */

static int trust(struct task *t, struct world *w, struct err *err)
{
	const struct row {
		const char *host;
		struct http_trust trust;
		int rc;
		const char *says;
	} rows[] = {
		{ "127.0.0.1", { .ca_file = ca_file }, 0, "" },
		/* The connection that the row above leaves open must not serve those who do not trust it. */
		{ "127.0.0.1", { .ca_file = other_ca_file }, E_DENIED, "127.0.0.1: certificate is not trusted: " },
		{ "127.0.0.1", { 0 }, E_DENIED, "127.0.0.1: certificate is not trusted: " },
		{ "127.0.0.1", { .pin = ids[1].pin }, E_DENIED, "127.0.0.1: the key of its certificate is not the pinned one" },
		{ "127.0.0.1", { .pin = ids[0].pin }, 0, "" },
		{ "127.0.0.1", { .pin = ids[1].pin }, E_DENIED, "127.0.0.1: the key of its certificate is not the pinned one" },
		{ "127.0.0.1", { .insecure = true }, 0, "" },
		{ "127.0.0.1", { .ca_file = other_ca_file }, E_DENIED, "127.0.0.1: certificate is not trusted: " },
		{ "127.0.0.2", { .ca_file = ca_file }, 0, "" },
		{ "127.0.0.3", { .ca_file = ca_file }, E_DENIED, "127.0.0.3: certificate is for another host name" },
		{ "127.0.0.3", { .insecure = true }, 0, "" },
		{ "127.0.0.3", { .ca_file = ca_file }, E_DENIED, "127.0.0.3: certificate is for another host name" },
		{ "127.0.0.4", { .ca_file = ca_file }, E_UNREACHABLE, "127.0.0.4: TLS handshake failed: " },
		{ "127.0.0.1", { .ca_file = "/nonexistent.pem" }, E_IO, "127.0.0.1: the CA file /nonexistent.pem cannot be used" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *url = address("https", rows[i].host, httpd_port(w->tls), "/echo");
		struct http_request q = { .method = "POST", .url = url, .trust = &rows[i].trust };
		struct http_response r;
		struct err e = { 0 };
		unsigned before = w->served;
		assert_int_equal(http_do(t, w->http, &q, &r, &e), rows[i].rc);
		assert_true(str_has_prefix(e.msg, rows[i].says));
		assert_int_equal(r.sent, rows[i].rc == 0);
		assert_int_equal(w->served - before, rows[i].rc == 0);
		http_response_release(&r);
	}
	(void)err;
	return 0;
}

static void trust_is_never_shared(void **unused)
{
	(void)unused;
	run(trust, 2);
}

/* --- failures: a server that does what its script says ------------------------------------------------------------------------- */

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* For each connection the replies to its requests; "" closes it there, "-" is silent, NULL ends. */
struct script {
	const char *replies[4][4];
	int fd, requests, connections;
	unsigned short port;
	pthread_t thread;
};

static bool read_request(int fd)
{
	char buf[4096];
	size_t n = 0;
	while (n < sizeof(buf) - 1) {
		ssize_t got = read(fd, buf + n, sizeof(buf) - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		buf[n] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			return true;
	}
	return true;
}

static void *play(void *arg)
{
	struct script *s = arg;
	for (int c = 0; c < 4 && s->replies[c][0]; c++) {
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		s->connections++;
		for (int i = 0; i < 4 && s->replies[c][i]; i++) {
			const char *reply = s->replies[c][i];
			if (strcmp(reply, "!") == 0 || !read_request(fd))
				break;
			s->requests++;
			if (strcmp(reply, "-") == 0)
				(void)!read_request(fd);
			if (!*reply)
				break;
			if (write(fd, reply, strlen(reply)) < 0)
				break;
		}
		close(fd);
	}
	return NULL;
}

static int listener(int backlog, unsigned short *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*port = ntohs(a.sin_port);
	return fd;
}

static int broken(struct task *t, struct world *w, struct err *err)
{
	static const struct row {
		const char *method;
		const char *replies[4][4];
		int n;                       /* requests we make; the last one's outcome counts */
		int rc, requests;
		bool sent;
		const char *says;
	} rows[] = {
		{ "GET", { { OK_REPLY, OK_REPLY } }, 2, 0, 2, true, "" },
		/* Closed by the peer just as it is used again: a GET is repeated, once, and nothing else ever is. */
		{ "GET", { { OK_REPLY, "" }, { OK_REPLY } }, 2, 0, 3, true, "" },
		{ "HEAD", { { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "" }, { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" } }, 2, 0, 3, true, "" },
		{ "GET", { { OK_REPLY, "" }, { "" }, { OK_REPLY } }, 2, E_UNREACHABLE, 3, true, "closed the connection without an answer" },
		{ "POST", { { OK_REPLY, "" }, { OK_REPLY } }, 2, E_UNREACHABLE, 2, true, "closed the connection without an answer" },
		{ "PATCH", { { OK_REPLY, "" }, { OK_REPLY } }, 2, E_UNREACHABLE, 2, true, "closed the connection without an answer" },
		{ "DELETE", { { OK_REPLY, "" }, { OK_REPLY } }, 2, E_UNREACHABLE, 2, true, "closed the connection without an answer" },
		{ "GET", { { "" }, { OK_REPLY } }, 1, E_UNREACHABLE, 1, true, "closed the connection without an answer" },
		{ "GET", { { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok" } }, 1, E_UNREACHABLE, 1, true, "the connection closed in the middle of the reply" },
		{ "GET", { { "SSH-2.0-OpenSSH_9\r\n" } }, 1, E_INPUT, 1, true, "the reply is not HTTP" },
		{ "GET", { { "-" } }, 1, E_TIMEOUT, 1, true, "nothing sent or received for 0.1 s" },
		{ "GET", { { "HTTP/1.1 100 Continue\r\nX-Odd: 1\r\n\r\n" OK_REPLY } }, 1, 0, 1, true, "" },
		{ "GET", { { "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n0123456789012345678901234567890123456789" } }, 1, E_INPUT, 1, true,
		  "the reply is larger than the limit of 32 bytes" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct script s = { 0 };
		struct err e = { 0 };
		memcpy(s.replies, rows[i].replies, sizeof(s.replies));
		s.fd = listener(16, &s.port);
		assert_int_equal(pthread_create(&s.thread, NULL, play, &s), 0);
		autofree char *url = address("http", "127.0.0.1", s.port, "/");
		int rc = 0;
		for (int n = 0; n < rows[i].n; n++) {
			struct http_request q = { .method = rows[i].method, .url = url, .max_body = 32, .stall_ms = 100 };
			struct http_response r;
			rc = http_do(t, w->http, &q, &r, &e);
			assert_int_equal(r.sent, rows[i].sent);
			assert_true(n == rows[i].n - 1 || rc == 0);
			assert_null(http_header(&r, "X-Odd"));
			http_response_release(&r);
		}
		shutdown(s.fd, SHUT_RDWR);
		pthread_join(s.thread, NULL);
		close(s.fd);
		assert_int_equal(rc, rows[i].rc);
		assert_int_equal(s.requests, rows[i].requests);
		if (!strstr(e.msg, rows[i].says))
			fail_msg("'%s' does not say '%s'", e.msg, rows[i].says);
	}
	(void)err;
	return 0;
}

static void broken_connections_are_told_apart(void **unused)
{
	(void)unused;
	run(broken, 1);
}

static int unreachable(struct task *t, struct world *w, struct err *err)
{
	unsigned short port[3];
	int fd[3], fill[4];
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	for (int i = 0; i < 3; i++)
		fd[i] = listener(i == 2 ? 0 : 16, &port[i]);
	close(fd[0]);
	/* A full backlog: the kernel drops what comes after. */
	a.sin_port = htons(port[2]);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fill[i], (struct sockaddr *)&a, sizeof(a));
	}
	const struct row { const char *scheme, *host; unsigned port; int rc; bool sent; const char *says; } rows[] = {
		{ "http", "127.0.0.1", port[0], E_UNREACHABLE, false, "Connection refused" },
		{ "http", "127.0.0.1", port[1], E_TIMEOUT, true, "no complete answer in 0.3 s" },
		{ "https", "127.0.0.1", port[1], E_TIMEOUT, false, "no answer in 0.2 s (TLS handshake)" },
		{ "http", "127.0.0.1", port[2], E_TIMEOUT, false, "no answer in 0.2 s (TCP connect)" },
		{ "http", "no.such.name.invalid", 80, E_UNREACHABLE, false, "no address is known for this name" },
		{ "http", "127.0.0.9", httpd_port(w->plain), E_UNREACHABLE, true, "127.0.0.9: " },
		{ "ftp", "127.0.0.1", 21, E_INPUT, false, "is no http or https address" },
		{ "http", "", 80, E_INPUT, false, "is no http or https address" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *url = address(rows[i].scheme, rows[i].host, rows[i].port, "/echo");
		struct http_request q = { .method = "GET", .url = url, .connect_ms = 200, .timeout_ms = i == 4 ? 20000 : 300 };
		struct http_response r;
		struct err e = { 0 };
		if (i == 4)
			q.connect_ms = 20000;
		int rc = http_do(t, w->http, &q, &r, &e);
		if (!strstr(e.msg, rows[i].says))
			fail_msg("'%s' does not say '%s'", e.msg, rows[i].says);
		assert_int_equal(rc, rows[i].rc);
		assert_int_equal(r.sent, rows[i].sent);
		http_response_release(&r);
	}
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd[1]);
	close(fd[2]);
	(void)err;
	return 0;
}

static void what_cannot_be_reached_says_why(void **unused)
{
	(void)unused;
	run(unreachable, 1);
}

static int limits(struct task *t, struct world *w, struct err *err)
{
	static const struct http_header split = { "X-A", "b\r\nHost: evil" }, bad_name = { "X A", "b" };
	const struct row { const char *method, *path; size_t max; const struct http_header *h; int rc, status; bool sent; const char *says; } rows[] = {
		{ "GET", "/big", 0, NULL, 0, 200, true, "" },
		{ "GET", "/big", 1 << 20, NULL, 0, 200, true, "" },
		{ "GET", "/big", (1 << 20) - 1, NULL, E_INPUT, 0, true, "larger than the limit of 1048575 bytes" },
		{ "GET", "/stream", 1000, NULL, E_INPUT, 0, true, "larger than the limit of 1000 bytes" },
		{ "GET", "/half", 0, NULL, E_UNREACHABLE, 0, true, "" },
		{ "GET", "/drop", 0, NULL, E_UNREACHABLE, 0, true, "closed the connection without an answer" },
		{ "GET", "/echo", 0, &split, E_INPUT, 0, false, "cannot be sent" },
		{ "GET", "/echo", 0, &bad_name, E_INPUT, 0, false, "cannot be sent" },
		{ "GE T", "/echo", 0, NULL, E_INPUT, 0, false, "is no HTTP method" },
	};
	struct http_trust ca_trust = { .ca_file = ca_file };
	for (int tls = 0; tls < 2; tls++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			autofree char *url = at(w, tls, rows[i].path);
			struct http_request q = { .method = rows[i].method, .url = url, .max_body = rows[i].max, .headers = rows[i].h,
						  .n_headers = rows[i].h ? 1 : 0, .trust = &ca_trust };
			struct http_response r;
			struct err e = { 0 };
			int rc = http_do(t, w->http, &q, &r, &e);
			if (!strstr(e.msg, rows[i].says))
				fail_msg("'%s' does not say '%s'", e.msg, rows[i].says);
			assert_int_equal(rc, rows[i].rc);
			assert_int_equal(r.status, rows[i].status);
			assert_int_equal(r.sent, rows[i].sent);
			if (rc)
				assert_null(r.body);
			http_response_release(&r);
		}
	}
	(void)err;
	return 0;
}

static void limits_hold(void **unused)
{
	(void)unused;
	run(limits, 1);
}

/* --- bodies ---------------------------------------------------------------------------------------------------------------------- */

struct progress { uint64_t sent, total; };

static void note_progress(void *arg, uint64_t sent, uint64_t total)
{
	struct progress *p = arg;
	assert_true(sent >= p->sent);
	*p = (struct progress){ sent, total };
}

static int uploads(struct task *t, struct world *w, struct err *err)
{
	struct http_trust ca_trust = { .ca_file = ca_file };
	unsigned long long size;
	char want[65];
	assert_int_equal(file_sha256(upload_file, want, &size, err), 0);
	const struct row { size_t cap; const char *file; bool chunked; int rc, status; } rows[] = {
		{ 1 << 20, upload_file, false, 0, 201 }, { 1 << 20, upload_file, true, 0, 201 }, { 100000, upload_file, false, 0, 413 },
		{ 100000, upload_file, true, 0, 413 }, { 1 << 20, "/nonexistent", false, E_NOTFOUND, 0 },
	};
	static const struct http_header chunked = { "Transfer-Encoding", "chunked" };
	for (int tls = 0; tls < 2; tls++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct progress p = { 0 };
			struct http_response r;
			autofree char *url = at(w, tls, "/upload");
			struct http_request q = { .method = "POST", .url = url, .trust = &ca_trust, .body_file = rows[i].file, .progress = note_progress,
						  .progress_arg = &p, .headers = &chunked, .n_headers = rows[i].chunked };
			int closed = sink.closed;
			str_release(&sink.seen);
			str_init(&sink.seen, rows[i].cap);
			int rc = http_do(t, w->http, &q, &r, err);
			/* A server that refuses a body while it is being sent may be heard as a broken connection. */
			if (rows[i].status != 413 || rc != E_UNREACHABLE) {
				assert_int_equal(rc, rows[i].rc);
				assert_int_equal(r.status, rows[i].status);
			}
			if (r.status == 201) {
				assert_string_equal(r.body, want);
				assert_true(p.sent >= size);
			}
			assert_int_equal(r.sent, rows[i].rc == 0);
			http_response_release(&r);
			assert_int_equal(task_sleep(t, 1, err), 0);
			assert_int_equal(sink.closed - closed, rows[i].rc == 0);
		}
	}
	err->msg[0] = '\0';
	return 0;
}

static void files_are_streamed_both_ways(void **unused)
{
	(void)unused;
	run(uploads, 1);
}

static int multipart(struct task *t, struct world *w, struct err *err)
{
	autofree char *url = at(w, false, "/echo"), *small = file_join(dir, "small.bin");
	assert_int_equal(file_write(small, "\x01" "fw", 3, 0600, err), 0);
	struct http_part parts[] = {
		{ .name = "UpdateParameters", .type = "application/json", .data = "{\"Targets\":[]}", .len = 14 },
		{ .name = "UpdateFile", .filename = "x.fwpkg", .type = "application/octet-stream", .file = small },
		{ .name = "Plain", .file = small },
	};
	struct http_request q = { .method = "POST", .url = url, .parts = parts, .n_parts = 3 };
	struct http_response r;
	assert_int_equal(http_do(t, w->http, &q, &r, err), 0);
	static const char *const want[] = {
		"type=multipart/form-data; boundary=", "expect=no",
		"Content-Disposition: form-data; name=\"UpdateParameters\"\r\nContent-Type: application/json\r\n\r\n{\"Targets\":[]}\r\n",
		"Content-Disposition: form-data; name=\"UpdateFile\"; filename=\"x.fwpkg\"\r\nContent-Type: application/octet-stream\r\n\r\n\001fw\r\n",
		"Content-Disposition: form-data; name=\"Plain\"; filename=\"small.bin\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		if (!strstr(r.body, want[i]))
			fail_msg("no '%s' in '%s'", want[i], r.body);
	http_response_release(&r);
	parts[1].file = "/nonexistent";
	assert_int_equal(http_do(t, w->http, &q, &r, err), E_NOTFOUND);
	assert_string_equal(err->msg, "cannot read /nonexistent: No such file or directory");
	assert_false(r.sent);
	err->msg[0] = '\0';
	return 0;
}

static void parts_are_sent_as_named(void **unused)
{
	(void)unused;
	run(multipart, 1);
}

static int server_caps(struct task *t, struct world *w, struct err *err)
{
	static const struct http_header chunked = { "Transfer-Encoding", "chunked" };
	autofree char *body = xcalloc(1, 300001), *url = at(w, false, "/echo");
	memset(body, 'b', 300000);
	const struct row { size_t len; bool chunked; int status; } rows[] = {
		{ 200000, false, 200 }, { 200000, true, 200 }, { 200001, true, 413 }, { 300000, true, 413 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_request q = { .method = "POST", .url = url, .body = body, .body_len = rows[i].len, .headers = &chunked,
					  .n_headers = rows[i].chunked };
		struct http_response r;
		assert_int_equal(http_do(t, w->http, &q, &r, err), 0);
		assert_int_equal(r.status, rows[i].status);
		http_response_release(&r);
	}
	return 0;
}

static void the_server_caps_what_it_collects(void **unused)
{
	(void)unused;
	run(server_caps, 1);
}

struct gather { struct str seen; size_t stop_at; };

static int gather(void *arg, const char *data, size_t len)
{
	struct gather *g = arg;
	str_addn(&g->seen, data, len);
	return g->stop_at && g->seen.len >= g->stop_at;
}

static int streams(struct task *t, struct world *w, struct err *err)
{
	struct http_trust ca_trust = { .ca_file = ca_file };
	for (int tls = 0; tls < 2; tls++) {
		struct gather g = { 0 };
		struct http_response r;
		autofree char *url = at(w, tls, "/stream"), *endless = at(w, tls, "/endless");
		struct http_request q = { .method = "GET", .url = url, .trust = &ca_trust, .sink = gather, .sink_arg = &g, .max_body = 10 };
		str_init(&g.seen, STR_OURS);
		assert_int_equal(http_do(t, w->http, &q, &r, err), 0);
		assert_true(str_has_suffix(g.seen.at, "piece 999 of a long story, told slowly\n"));
		assert_true(g.seen.len > 38000);
		assert_int_equal(r.len, 0);
		http_response_release(&r);
		/* The reader ends an endless stream; the writer is told. */
		str_clear(&g.seen);
		g.stop_at = 100;
		q.url = endless;
		w->gone = (struct event){ 0 };
		assert_int_equal(http_do(t, w->http, &q, &r, err), 0);
		assert_int_equal(r.status, 200);
		http_response_release(&r);
		int64_t old = task_deadline_in(t, 5000);
		assert_int_equal(event_wait(t, &w->gone, err), 0);
		task_deadline_restore(t, old);
		str_release(&g.seen);
	}
	return 0;
}

static void streams_flow_and_end(void **unused)
{
	(void)unused;
	run(streams, 1);
}

/* --- many at once ------------------------------------------------------------------------------------------------------------------ */

struct job { struct world *w; char *url; int rc; int64_t deadline; bool sent; };

static int one_get(struct task *t, void *arg, struct err *err)
{
	struct job *j = arg;
	struct http_response r;
	if (j->deadline)
		task_deadline_in(t, j->deadline);
	j->rc = get(t, j->w, j->url, &r, err);
	j->sent = r.sent;
	http_response_release(&r);
	return j->rc;
}

static int cancel(struct task *t, struct world *w, struct err *err)
{
	for (int tls = 0; tls < 2; tls++) {
		for (int late = 0; late < 2; late++) {
			struct job j = { .w = w, .url = at(w, tls, "/slow100000"), .deadline = late ? 60 : 0 };
			w->gone = (struct event){ 0 };
			struct scope *s = scope_open(t, 0);
			assert_int_equal(scope_spawn(t, s, "get", one_get, &j, err), 0);
			assert_int_equal(task_sleep(t, 60, err), 0);
			if (!late)
				scope_cancel(s);
			struct err e = { 0 };
			assert_int_equal(scope_join(t, s, &e), late ? E_TIMEOUT : E_CANCELED);
			assert_true(j.sent);
			/* The server hears of it, though it waits for nothing from the peer. */
			int64_t old = task_deadline_in(t, 5000);
			assert_int_equal(event_wait(t, &w->gone, err), 0);
			task_deadline_restore(t, old);
			free(j.url);
		}
	}
	return 0;
}

static void a_cancelled_request_ends_at_both_ends(void **unused)
{
	(void)unused;
	run(cancel, 1);
}

static int in_order(struct task *t, struct world *w, struct err *err)
{
	struct job jobs[6] = { 0 };
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < 6; i++) {
		autofree char *path = xasprintf("/slow5?%d", i);
		jobs[i] = (struct job){ .w = w, .url = at(w, false, path) };
		assert_int_equal(scope_spawn(t, s, "get", one_get, &jobs[i], err), 0);
	}
	int rc = scope_join(t, s, err);
	assert_string_equal(w->order.at, "0 1 2 3 4 5 ");
	assert_int_equal(w->most, 1);
	for (int i = 0; i < 6; i++)
		free(jobs[i].url);
	return rc;
}

static void one_connection_serves_in_order(void **unused)
{
	(void)unused;
	run(in_order, 1);
}

static int crowd(struct task *t, struct world *w, struct err *err)
{
	struct job *jobs = xcalloc(300, sizeof(*jobs));
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < 300; i++) {
		jobs[i] = (struct job){ .w = w, .url = at(w, i % 2, "/slow1?x") };
		assert_int_equal(scope_spawn(t, s, "get", one_get, &jobs[i], err), 0);
	}
	int rc = scope_join(t, s, err);
	assert_int_equal(w->served, 300);
	assert_true(w->most > 1);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(jobs[i].rc, 0);
		free(jobs[i].url);
	}
	free(jobs);
	return rc;
}

static void three_hundred_at_once_all_get_through(void **unused)
{
	(void)unused;
	run(crowd, 150);
}

static int stop_while_busy(struct task *t, struct world *w, struct err *err)
{
	struct job j[2] = { { .w = w, .url = at(w, false, "/slow100000") }, { .w = w, .url = at(w, true, "/endless") } };
	struct httpd_options o = { .addr.s_addr = htonl(INADDR_LOOPBACK), .handler = handle, .ctx = w };
	struct httpd *h;
	struct scope *s = scope_open(t, 0), *serving = scope_open(t, 0);
	assert_int_equal(httpd_start(t, serving, &o, &h, err), 0);
	free(j[0].url);
	j[0].url = address("http", "127.0.0.1", httpd_port(h), "/slow100000");
	for (int i = 0; i < 2; i++)
		assert_int_equal(scope_spawn(t, s, "get", one_get, &j[i], err), 0);
	assert_int_equal(task_sleep(t, 50, err), 0);
	httpd_stop(t, h, 20);
	assert_int_equal(scope_join(t, serving, err), 0);
	scope_cancel(s);
	scope_join(t, s, NULL);
	assert_true(j[0].rc == E_UNREACHABLE || j[0].rc == E_CANCELED || j[0].rc == 0);
	free(j[0].url);
	free(j[1].url);
	return 0;
}

static void a_server_stops_under_load(void **unused)
{
	(void)unused;
	run(stop_while_busy, 2);
}

static int port_taken(struct task *t, struct world *w, struct err *err)
{
	struct httpd_options o = { .addr.s_addr = htonl(INADDR_ANY), .port = httpd_port(w->plain), .handler = handle, .ctx = w };
	struct httpd *h = NULL;
	struct scope *s = scope_open(t, 0);
	assert_int_equal(httpd_start(t, s, &o, &h, err), E_IO);
	assert_true(str_has_prefix(err->msg, "cannot listen on 0.0.0.0:"));
	err->msg[0] = '\0';
	return scope_join(t, s, err);
}

static void a_port_in_use_is_an_error(void **unused)
{
	(void)unused;
	run(port_taken, 1);
}

static int make_files(void **unused)
{
	struct err err;
	char *data = xmalloc(500000);
	(void)unused;
	assert_non_null(mkdtemp(dir));
	ca = certs_authority("Test CA");
	other_ca = certs_authority("Other CA");
	ids[0] = certs_identity(&ca, "one", "IP:127.0.0.1");
	ids[1] = certs_identity(&ca, "two", "IP:127.0.0.2");
	ids[2] = certs_identity(&ca, "three", "DNS:elsewhere.example");
	ca_file = file_join(dir, "ca.pem");
	other_ca_file = file_join(dir, "other.pem");
	upload_file = file_join(dir, "upload.bin");
	certs_authority_write(&ca, ca_file);
	certs_authority_write(&other_ca, other_ca_file);
	for (int i = 0; i < 500000; i++)
		data[i] = (char)(i * 7 + i / 1000);
	assert_int_equal(file_write(upload_file, data, 500000, 0600, &err), 0);
	free(data);
	return 0;
}

static int remove_files(void **unused)
{
	autofree char *small = file_join(dir, "small.bin");
	(void)unused;
	unlink(ca_file);
	unlink(other_ca_file);
	unlink(upload_file);
	unlink(small);
	rmdir(dir);
	free(ca_file);
	free(other_ca_file);
	free(upload_file);
	for (int i = 0; i < 3; i++)
		certs_identity_release(&ids[i]);
	certs_authority_release(&ca);
	certs_authority_release(&other_ca);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_come_back_over_plain_and_tls), cmocka_unit_test(retry_after_is_understood),
		cmocka_unit_test(trust_is_never_shared), cmocka_unit_test(broken_connections_are_told_apart),
		cmocka_unit_test(what_cannot_be_reached_says_why), cmocka_unit_test(limits_hold), cmocka_unit_test(files_are_streamed_both_ways),
		cmocka_unit_test(parts_are_sent_as_named), cmocka_unit_test(the_server_caps_what_it_collects),
		cmocka_unit_test(streams_flow_and_end), cmocka_unit_test(a_cancelled_request_ends_at_both_ends),
		cmocka_unit_test(one_connection_serves_in_order), cmocka_unit_test(three_hundred_at_once_all_get_through),
		cmocka_unit_test(a_server_stops_under_load), cmocka_unit_test(a_port_in_use_is_an_error),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
