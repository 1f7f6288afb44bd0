/* The port of a role over real HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/http.h"
#include "base/json.h"
#include "runtime/probes.h"

static const struct metric up = { "t_up", NULL, "Up.", METRIC_GAUGE, { NULL }, NULL, 0, 0 };

struct world { bool ready; int refreshed; };

static bool ready(void *arg, struct str *why)
{
	if (!((struct world *)arg)->ready)
		str_add(why, "caches are not synced: nodes");
	return ((struct world *)arg)->ready;
}

static void refresh(void *arg, struct metrics *m)
{
	metrics_set(m, &up, ++((struct world *)arg)->refreshed, NULL);
}

struct ask { const char *method, *path; int status; const char *body; };

static void ask_at(struct task *t, struct http *h, const char *host, unsigned short port, const struct ask *a)
{
	struct err err = { 0 };
	struct http_response r = { 0 };
	char url[128];
	snprintf(url, sizeof(url), "http://%s:%u%s", host, port, a->path);
	assert_int_equal(http_do(t, h, &(struct http_request){ .method = a->method, .url = url }, &r, &err), 0);
	assert_int_equal(r.status, a->status);
	if (strcmp(a->method, "HEAD") != 0)
		assert_string_equal(r.body, a->body);
	if (a->status == 200 && strcmp(a->path, "/metrics") == 0)
		assert_string_equal(http_header(&r, "content-type"), METRICS_TYPE);
	http_response_release(&r);
}

static void ask(struct task *t, struct http *h, unsigned short port, const struct ask *a)
{
	ask_at(t, h, "127.0.0.1", port, a);
}

/* Which kinds of addresses answer. */
static void serve_on(struct task *t, struct scope *s, struct http *h, struct metrics *m, const char *addr, const char *const *hosts)
{
	static const struct ask fine = { "GET", "/healthz", 200, "ok" };
	struct probes *p = NULL;
	struct err err = { 0 };
	assert_int_equal(probes_start(t, s, &(struct probes_options){ .addr = addr, .metrics = m }, &p, &err), 0);
	for (; *hosts; hosts++)
		ask_at(t, h, *hosts, probes_port(p), &fine);
	probes_stop(t, p);
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static int serve(struct task *t, void *arg, struct err *err)
{
	static const struct ask asks[] = {
		{ "GET", "/healthz", 200, "ok" },
		{ "GET", "/readyz", 503, "caches are not synced: nodes" },
		{ "GET", "/metrics", 200, "# TYPE t_up gauge\n# HELP t_up Up.\nt_up 1\n# EOF\n" },
		{ "GET", "/metrics", 200, "# TYPE t_up gauge\n# HELP t_up Up.\nt_up 2\n# EOF\n" },
		{ "HEAD", "/healthz", 200, "" },
		{ "POST", "/metrics", 405, "only GET and HEAD" },
		{ "GET", "/", 404, "there are /metrics, /healthz and /readyz" },
	};
	struct world w = { 0 };
	struct metrics *m = metrics_new();
	struct scope *s = scope_open(t, 0);
	struct http *h = http_new(task_loop(t), &(struct http_options){ .per_host = 2 });
	struct probes *p = NULL, *q = NULL;
	struct err why = { 0 };
	char taken[32];
	(void)arg;
	metrics_register(m, &up);
	assert_int_equal(probes_start(t, s, &(struct probes_options){ "127.0.0.1:0", m, refresh, ready, &w }, &p, err), 0);
	for (size_t i = 0; i < ARRAY_LEN(asks); i++)
		ask(t, h, probes_port(p), &asks[i]);
	w.ready = true;
	ask(t, h, probes_port(p), &(struct ask){ "GET", "/readyz", 200, "ok" });
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", probes_port(p));
	assert_int_not_equal(probes_start(t, s, &(struct probes_options){ .addr = taken, .metrics = m }, &q, &why), 0);
	assert_non_null(strstr(why.msg, "port for metrics and probes"));
	static const char *const bad[] = { "9090", "", ":", ":x", ":70000", "localhost:1", "1.2.3.4.5:1", "::1:1", "[::1:1", "[]:1", "[::x]:1", "[::1]", "[127.0.0.1]:1", "111.111.111.111.111.111:1", ":1 " };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(probes_start(t, s, &(struct probes_options){ .addr = bad[i], .metrics = m }, &q, &why), E_INPUT);
	probes_stop(t, p);
	serve_on(t, s, h, m, ":0", (const char *const[]){ "127.0.0.1", has_ipv6() ? "[::1]" : NULL, NULL });
	if (has_ipv6())
		serve_on(t, s, h, m, "[::1]:0", (const char *const[]){ "[::1]", NULL });
	else
		print_message("no IPv6 here: not served on it\n");
	probes_stop(t, NULL);
	http_free(h);
	int rc = scope_join(t, s, err);
	metrics_free(m);
	return rc;
}

static void probes(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct loop *l = loop_new();
	assert_int_equal(loop_run(l, serve, NULL, &err), 0);
	loop_free(l);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = { cmocka_unit_test(probes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
