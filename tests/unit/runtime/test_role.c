/* Roles as processes: how they begin, lead, fail and end; and the controller before servers that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/httpd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "runtime/role.h"

enum { PATIENCE_MS = 60000 };

/* A file that the parent reads what a child said from. */
static char folder[] = "/tmp/aipc-role.XXXXXX";

static char *in_folder(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static char *slurp(const char *path)
{
	char *text = xcalloc(1, 65536);
	FILE *f = fopen(path, "r");
	if (f) {
		text[fread(text, 1, 65535, f)] = '\0';
		fclose(f);
	}
	return text;
}

static void spit(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void kubeconfig(const char *path, unsigned port)
{
	autofree char *text = xasprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{ name: c, context: { cluster: c, user: u } }]\n"
					"clusters: [{ name: c, cluster: { server: \"http://127.0.0.1:%u\" } }]\nusers: [{ name: u, user: {} }]\n", port);
	spit(path, text);
}

/* Runs FN in a child whose stderr goes to LOG. */
static pid_t child(const char *log, int (*fn)(void *arg), void *arg)
{
	fflush(NULL);
	remove(log);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (!freopen(log, "w", stderr))
		_exit(99);
	setvbuf(stderr, NULL, _IOLBF, 0);
	int status = fn(arg);
	fflush(NULL);
	_exit(status);
}

static int ended(pid_t pid)
{
	int status = 0;
	for (int64_t began = clock_now_ms(); waitpid(pid, &status, WNOHANG) == 0; usleep(10000)) {
		if (clock_now_ms() - began > PATIENCE_MS) {
			kill(pid, SIGKILL);
			fail_msg("a role did not end");
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* The log has TEXT, in time. */
static void said(const char *log, const char *text)
{
	for (int64_t began = clock_now_ms();; usleep(10000)) {
		autofree char *all = slurp(log);
		if (strstr(all, text))
			return;
		if (clock_now_ms() - began > PATIENCE_MS)
			fail_msg("the log does not say \"%s\":\n%s", text, all);
	}
}

static unsigned probes_port(const char *log)
{
	static const char before[] = "probes on port ";
	said(log, before);
	autofree char *text = slurp(log);
	return (unsigned)strtoul(strstr(text, before) + strlen(before), NULL, 10);
}

/* --- a role of the test ---------------------------------------------------------------------------------------------------- */

struct play { const char *what; struct task *t; bool over; };
static const char *const *play_args;

static int play_start(struct task *t, struct role_run *r, struct err *err)
{
	struct play *p = xcalloc(1, sizeof(*p));
	(void)t;
	r->state = p;
	p->what = play_args[0];
	if (strcmp(p->what, "watches") == 0)
		role_cache(r, &(struct kube_cache_options){ .type = &kube_nodes });
	return strcmp(p->what, "no start") == 0 ? err_set(err, E_INPUT, "cannot begin") : 0;
}

static int play_lead(struct task *t, struct role_run *r, struct err *err)
{
	struct play *p = r->state;
	p->t = t;
	p->over = false;
	assert_true(role_leads(r) && !role_ending(r));
	fprintf(stderr, "PLAY leads\n");
	if (strcmp(p->what, "fails") == 0)
		return err_set(err, E_INTERNAL, "the play is over");
	while (!p->over && task_park(t, err) == 0)
		;
	/* What is half done is finished, still as the leader. */
	if (strcmp(p->what, "finishes") == 0 && task_sleep(t, 300, err) == 0 && role_leads(r) && role_ending(r))
		fprintf(stderr, "PLAY finished\n");
	if (strcmp(p->what, "hangs") == 0 && task_sleep(t, 1000000, err) == E_CANCELED)
		fprintf(stderr, "PLAY cancelled\n");
	return 0;
}

static void play_unlead(struct role_run *r)
{
	struct play *p = r->state;
	p->over = true;
	task_wake(p->t);
}

static void play_stop(struct task *t, struct role_run *r)
{
	(void)t;
	fprintf(stderr, "PLAY stopped\n");
	free(r->state);
}

static const struct role play = { .name = "play", .start = play_start, .lead = play_lead, .unlead = play_unlead, .stop = play_stop };

static int play_run(void *arg)
{
	autofree char *config = in_folder("config");
	struct rt rt = { .out = stdout, .err = stderr };
	play_args = arg;
	log_init(LOG_INFO, false);
	return role_main(&rt, &play, &(struct role_opts){ .kubeconfig = config, .listen = play_args[1], .alone = true });
}

static void life(void **unused)
{
	static const struct { const char *args[2]; int signals, status; const char *says[3]; } rows[] = {
		{ { "waits", "127.0.0.1:0" }, 1, 0, { "PLAY stopped" } },
		{ { "finishes", "127.0.0.1:0" }, 1, 0, { "PLAY finished", "PLAY stopped" } },
		{ { "hangs", "127.0.0.1:0" }, 2, 130, { "told to end" } },
		{ { "hangs", "127.0.0.1:0" }, 1, 0, { "not all work was finished in 10 s", "PLAY cancelled", "PLAY stopped" } },
		{ { "fails", "127.0.0.1:0" }, 0, 1, { "aipc-runtime: the play is over.", "PLAY stopped" } },
		{ { "no start", "127.0.0.1:0" }, 0, 1, { "aipc-runtime: cannot begin.", "PLAY stopped" } },
		{ { "waits", "nowhere" }, 0, 1, { "it takes HOST:PORT", "PLAY stopped" } },
	};
	autofree char *config = in_folder("config"), *log = in_folder("log");
	(void)unused;
	kubeconfig(config, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pid_t pid = child(log, play_run, (void *)rows[i].args);
		if (rows[i].signals)
			said(log, "PLAY leads");
		if (rows[i].signals)
			kill(pid, i % 2 ? SIGTERM : SIGINT);
		if (rows[i].signals > 1) {
			said(log, "told to end");
			kill(pid, SIGTERM);
		}
		assert_int_equal(ended(pid), rows[i].status);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].says) && rows[i].says[k]; k++)
			said(log, rows[i].says[k]);
	}
}

/* --- servers that are none ------------------------------------------------------------------------------------------------ */

static const struct answer { const char *type, *body; int status; } answers[] = {
	{ "text/html", "<html><body>Sign in to the wireless network</body></html>", 200 },
	{ "application/json", "{\"kind\":\"List\",\"items\":3}", 200 },
	{ "application/json", "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Node\",\"metadata\":[]}}", 200 },
	{ "application/json", "[[[[[[[[[[[[[[[[", 200 },
	{ "text/html", "<html>busy</html>", 503 },
	{ "application/json", "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":\"many\",\"message\":7}", 500 },
	{ NULL, NULL, 0 },
};

struct server { const struct answer *answer; const char *port_file, *denied_file; };

/* An API server of no nodes, whose watches last 2.5 s; it denies them as long as there is a file. */
static const struct answer *nodes(struct task *t, const char *denied_file, const char *query)
{
	static const struct answer
		denied = { "application/json", "{\"kind\":\"Status\",\"code\":403,\"reason\":\"Forbidden\",\"message\":\"nodes is forbidden\"}", 403 },
		list = { "application/json", "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\","
			 "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n", 200 },
		nothing = { "application/json", "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n", 200 };
	struct err err = { 0 };
	if (access(denied_file, R_OK) == 0)
		return &denied;
	if (strstr(query, "sendInitialEvents"))
		return &list;
	return task_sleep(t, 2500, &err) == 0 ? &nothing : &denied;
}

static int answer(struct task *t, void *ctx, const struct httpd_request *req, struct httpd_reply *reply, struct err *err)
{
	const struct server *s = ctx;
	const struct answer *a = s->answer ? s->answer : nodes(t, s->denied_file, req->query);
	(void)err;
	if (a->status)
		httpd_reply_text(reply, a->status, a->type, a->body);
	return 0;
}

static int serve(struct task *t, void *arg, struct err *err)
{
	struct server *s = arg;
	struct httpd *h = NULL;
	struct scope *scope = scope_open(t, 0);
	char text[16];
	if (httpd_start(t, scope, &(struct httpd_options){ .addr.s_addr = htonl(INADDR_LOOPBACK), .handler = answer, .ctx = s }, &h, err) != 0)
		return err->code;
	snprintf(text, sizeof(text), "%u", httpd_port(h));
	spit(s->port_file, text);
	return task_sleep(t, 10 * PATIENCE_MS, err);
}

static int server_run(void *arg)
{
	struct err err = { 0 };
	struct loop *l = loop_new();
	return loop_run(l, serve, arg, &err) ? 1 : 0;
}

static int controller_run(void *arg)
{
	const char *argv[] = { "aipc-runtime", "controller", "--kubeconfig", arg, "--listen", "127.0.0.1:0", NULL };
	return runtime_main(6, (char **)argv, stdout, stderr);
}

struct look { unsigned port; char body[4096]; int status; };

static int look_task(struct task *t, void *arg, struct err *err)
{
	struct look *l = arg;
	struct http *h = http_new(task_loop(t), &(struct http_options){ .per_host = 1 });
	struct http_response r = { 0 };
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/readyz", l->port);
	int rc = http_do(t, h, &(struct http_request){ .method = "GET", .url = url }, &r, err);
	l->status = rc ? 0 : r.status;
	if (rc == 0)
		snprintf(l->body, sizeof(l->body), "%s", r.body);
	http_response_release(&r);
	http_free(h);
	return rc;
}

static void look(struct look *l)
{
	struct err err = { 0 };
	struct loop *loop = loop_new();
	if (loop_run(loop, look_task, l, &err) != 0)
		fail_msg("port %u: %s", l->port, err.msg);
	loop_free(loop);
}

/* Starts S in a child and writes the kubeconfig that leads there. */
static pid_t serve_at(struct server *s, const char *config)
{
	autofree char *log = in_folder("server");
	remove(s->port_file);
	pid_t server = child(log, server_run, s);
	for (int64_t began = clock_now_ms(); access(s->port_file, R_OK) != 0 && clock_now_ms() - began < PATIENCE_MS; usleep(10000))
		;
	usleep(50000);
	autofree char *port = slurp(s->port_file);
	kubeconfig(config, (unsigned)strtoul(port, NULL, 10));
	return server;
}

static void strange_servers(void **unused)
{
	autofree char *config = in_folder("config"), *log = in_folder("log"), *port_file = in_folder("port");
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct server s = { &answers[i], port_file, NULL };
		pid_t server = serve_at(&s, config);
		pid_t pid = child(log, controller_run, config);
		said(log, "warning: cache of nodes: ");
		struct look l = { .port = probes_port(log) };
		autofree char *text = slurp(log);
		look(&l);
		assert_int_equal(l.status, 503);
		assert_non_null(strstr(l.body, "caches are not synced: nodes: "));
		assert_null(strstr(text, "leading"));
		kill(pid, SIGTERM);
		assert_int_equal(ended(pid), 0);
		kill(server, SIGKILL);
		(void)ended(server);
	}
}

static unsigned times(const char *log, const char *text)
{
	autofree char *all = slurp(log);
	unsigned n = 0;
	for (const char *p = all; (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* A right that is taken away: what was seen before is no ground for decisions for ever. */
static void a_kind_that_is_denied_later(void **unused)
{
	static const char *const args[] = { "watches", "127.0.0.1:0" };
	autofree char *config = in_folder("config"), *log = in_folder("log"), *port_file = in_folder("port"), *denied = in_folder("denied");
	struct server s = { NULL, port_file, denied };
	(void)unused;
	pid_t server = serve_at(&s, config), pid = child(log, play_run, (void *)args);
	said(log, "PLAY leads");
	struct look l = { .port = probes_port(log) };
	look(&l);
	assert_int_equal(l.status, 200);
	spit(denied, "");
	said(log, "warning: cache of nodes: ");
	look(&l);
	assert_int_equal(l.status, 200);
	int64_t began = clock_now_ms();
	said(log, "nothing is decided until it goes on: watch nodes: nodes is forbidden");
	assert_in_range(clock_now_ms() - began, ROLE_DENIED_MS - 3000, ROLE_DENIED_MS + 3000);
	said(log, "no longer leading");
	look(&l);
	assert_int_equal(l.status, 503);
	assert_non_null(strstr(l.body, "caches are out of date: nodes: watch nodes: nodes is forbidden"));
	assert_int_equal(times(log, "PLAY leads"), 1);
	remove(denied);
	for (began = clock_now_ms(); times(log, "PLAY leads") < 2 && clock_now_ms() - began < PATIENCE_MS; usleep(100000))
		;
	assert_int_equal(times(log, "PLAY leads"), 2);
	look(&l);
	assert_int_equal(l.status, 200);
	kill(pid, SIGTERM);
	assert_int_equal(ended(pid), 0);
	kill(server, SIGKILL);
	(void)ended(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_kind_that_is_denied_later), cmocka_unit_test(life), cmocka_unit_test(strange_servers) };
	signal(SIGPIPE, SIG_IGN);
	json_setup();
	if (!mkdtemp(folder))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	autofree char *remove_it = xasprintf("rm -rf %s", folder);
	return system(remove_it) || rc;
}
