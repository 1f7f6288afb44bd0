/* The world of a test of HTTP: a server, plain and with TLS, and a client. */
#ifndef TESTS_UNIT_BASE_HTTP_WORLD_H
#define TESTS_UNIT_BASE_HTTP_WORLD_H

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
#include "tests/unit/scratch.h"

static struct authority ca, other_ca;
static struct identity ids[3];       /* for 127.0.0.1, 127.0.0.2, and a wrong name */
static char dir[64];
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

static inline int stream_pieces(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
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

static inline int stream_then_fail(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	(void)arg;
	int rc = httpd_write(t, s, "half a", 6, err);
	return rc ? rc : err_set(err, E_IO, "the other half is lost");
}

static inline int stream_forever(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	struct world *w = arg;
	int rc;
	do
		rc = httpd_write(t, s, "tick\n", 5, err);
	while (rc == 0 && (rc = task_sleep(t, 2, err)) == 0);
	event_set(&w->gone);
	return rc;
}

static inline void echo(const struct httpd_request *r, struct httpd_reply *p)
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

static inline int handle(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
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

static inline void *body_open(void *ctx, const struct httpd_request *r)
{
	(void)ctx;
	return !strcmp(r->path, "/upload") ? &sink : NULL;
}

static inline int body_data(void *ctx, const char *data, size_t len)
{
	struct sink *s = ctx;
	str_addn(&s->seen, data, len);
	return str_full(&s->seen);
}

static inline void body_close(void *ctx)
{
	((struct sink *)ctx)->closed++;
}

static inline int cert(void *ctx, struct in_addr local, const char **cert_pem, const char **key_pem)
{
	uint32_t last = ntohl(local.s_addr) & 255;
	(void)ctx;
	if (last < 1 || last > 3)
		return -1;
	*cert_pem = ids[last - 1].cert_pem;
	*key_pem = ids[last - 1].key_pem;
	return 0;
}

static inline bool accept_peer(void *ctx, struct in_addr local, struct in_addr peer)
{
	(void)ctx;
	(void)peer;
	return (ntohl(local.s_addr) & 255) != 9;
}

static inline int world_main(struct task *t, void *arg, struct err *err)
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

static inline void run(int (*body)(struct task *, struct world *, struct err *), unsigned per_host)
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

static inline char *address(const char *scheme, const char *host, unsigned port, const char *path)
{
	return xasprintf("%s://%s:%u%s", scheme, host, port, path);
}

static inline char *at(struct world *w, bool tls, const char *path)
{
	return address(tls ? "https" : "http", "127.0.0.1", httpd_port(tls ? w->tls : w->plain), path);
}

static inline int get(struct task *t, struct world *w, const char *url, struct http_response *r, struct err *err)
{
	struct http_trust trust = { .ca_file = ca_file };
	struct http_request q = { .method = "GET", .url = url, .trust = &trust };
	return http_do(t, w->http, &q, r, err);
}

static inline int make_files(void **unused)
{
	struct err err;
	char *data = xmalloc(500000);
	(void)unused;
	assert_true(scratch(dir));
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

static inline int remove_files(void **unused)
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

#endif
