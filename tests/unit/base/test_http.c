#include "tests/unit/base/http_world.h"

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
		/* A refusal is one, though its words were cut. */
		{ "POST", { { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nno" } }, 1, 0, 1, true, "" },
		{ "POST", { { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 9" } }, 1, E_UNREACHABLE, 1, true, "in the middle of the reply" },
		{ "GET", { { "HTTP/1.1 200 OK\r\nX-Even: 1\r\n" } }, 1, E_UNREACHABLE, 1, true, "in the middle of the reply" },
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
			struct http_request q = { .method = rows[i].method, .url = url, .max_body = 32, .stall_ms = rows[i].rc == E_TIMEOUT ? 100 : 20000 };
			struct http_response r;
			rc = http_do(t, w->http, &q, &r, &e);
			assert_int_equal(r.sent, rows[i].sent);
			assert_true(n == rows[i].n - 1 || rc == 0);
			assert_null(http_header(&r, "X-Odd"));
			assert_true(rc || r.status == 200 || (r.status == 401 && r.len == 0 && r.body[0] == '\0'));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_come_back_over_plain_and_tls),
		cmocka_unit_test(retry_after_is_understood),
		cmocka_unit_test(trust_is_never_shared),
		cmocka_unit_test(broken_connections_are_told_apart),
		cmocka_unit_test(what_cannot_be_reached_says_why),
		cmocka_unit_test(limits_hold),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
