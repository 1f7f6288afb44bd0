/* HTTP: bodies and many requests at once. */
#include "tests/unit/base/http_world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_streamed_both_ways),
		cmocka_unit_test(parts_are_sent_as_named),
		cmocka_unit_test(the_server_caps_what_it_collects),
		cmocka_unit_test(streams_flow_and_end),
		cmocka_unit_test(a_cancelled_request_ends_at_both_ends),
		cmocka_unit_test(one_connection_serves_in_order),
		cmocka_unit_test(three_hundred_at_once_all_get_through),
		cmocka_unit_test(a_server_stops_under_load),
		cmocka_unit_test(a_port_in_use_is_an_error),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
