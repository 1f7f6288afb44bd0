/* The port of a role over real HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void ask(struct task *t, struct http *h, unsigned short port, const struct ask *a)
{
	struct err err = { 0 };
	struct http_response r = { 0 };
	char url[128];
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, a->path);
	assert_int_equal(http_do(t, h, &(struct http_request){ .method = a->method, .url = url }, &r, &err), 0);
	assert_int_equal(r.status, a->status);
	if (strcmp(a->method, "HEAD") != 0)
		assert_string_equal(r.body, a->body);
	if (a->status == 200 && strcmp(a->path, "/metrics") == 0)
		assert_string_equal(http_header(&r, "content-type"), METRICS_TYPE);
	http_response_release(&r);
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
	static const char *const bad[] = { "9090", "", ":", ":x", ":70000", "localhost:1", "1.2.3.4.5:1", "111.111.111.111.111.111:1", ":1 " };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(probes_start(t, s, &(struct probes_options){ .addr = bad[i], .metrics = m }, &q, &why), E_INPUT);
	probes_stop(t, p);
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
