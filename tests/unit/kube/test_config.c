/* Kubeconfigs, service accounts and exec plugins, against a TLS server that looks at the Authorization header. */
#include "tests/unit/kube/server.h"

#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "kube/config_internal.h"
#include "tests/unit/base/certs.h"

static struct authority ca, other_ca;
static struct identity id;           /* of 127.0.0.1's certificate: it says kube.example */
static char dir[] = "/tmp/test_config.XXXXXX";
static char *ca_b64, *other_b64;

struct gatekeeper {
	struct httpd *h, *plain;     /* with TLS; without, for simulated clocks */
	char want[200];              /* the Authorization header that is let in; "": none must be there */
	unsigned asked, let_in;
};

static int cert(void *ctx, struct in_addr local, const char **cert_pem, const char **key_pem)
{
	(void)ctx;
	(void)local;
	*cert_pem = id.cert_pem;
	*key_pem = id.key_pem;
	return 0;
}

static int serve(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	struct gatekeeper *g = ctx;
	const char *got = r->header(r, "Authorization");
	(void)t;
	(void)err;
	g->asked++;
	if (strcmp(got ? got : "", g->want) != 0) {
		reply_status(p, 401, "Unauthorized", "Unauthorized");
		return 0;
	}
	g->let_in++;
	httpd_reply_text(p, 200, "application/json", "{\"kind\":\"Pod\"}");
	return 0;
}

struct run { struct gatekeeper g; int (*body)(struct task *t, struct gatekeeper *g, struct err *err); };

static int run_main(struct task *t, void *arg, struct err *err)
{
	struct run *r = arg;
	struct scope *s = scope_open(t, 0);
	struct httpd_options o = { .addr.s_addr = htonl(INADDR_LOOPBACK), .handler = serve, .ctx = &r->g, .tls = true, .cert = cert };
	assert_int_equal(httpd_start(t, s, &o, &r->g.h, err), 0);
	o.tls = false;
	assert_int_equal(httpd_start(t, s, &o, &r->g.plain, err), 0);
	int rc = r->body(t, &r->g, err);
	httpd_stop(t, r->g.h, 0);
	httpd_stop(t, r->g.plain, 0);
	scope_cancel(s);
	(void)scope_join(t, s, NULL);
	return rc;
}

static void run(int (*body)(struct task *t, struct gatekeeper *g, struct err *err), bool simulated)
{
	struct run r = { .body = body };
	struct err err = { 0 };
	if (simulated)
		clock_simulate(3, INT64_C(1790000000000));
	struct loop *l = loop_new();
	int rc = loop_run(l, run_main, &r, &err);
	loop_free(l);
	clock_real();
	if (rc)
		fail_msg("%s", err.msg);
}

#define BODY(what) static int test_##what(struct task *t, struct gatekeeper *g, struct err *err __attribute__((unused)))
#define TEST(what, simulated) static void what(void **unused) { (void)unused; run(test_##what, simulated); }

static char *path(const char *name) { return file_join(dir, name); }

static void put(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(const char *name, const char *fmt, ...)
{
	autofree char *at = path(name);
	autostr struct str s;
	va_list ap;
	str_init(&s, 1 << 20);
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	assert_int_equal(file_write(at, s.at, s.len, 0700, NULL), 0);
}

static struct kube_config *load(const char *name, const char *context, struct err *err)
{
	struct kube_config *c = NULL;
	autofree char *at = path(name);
	int rc = kube_config_load(at, context, &c, err);
	assert_true((rc == 0) == (c != NULL));
	return c;
}

/* One GET as C says. Takes C. */
static int get(struct task *t, struct kube_config *c, struct err *err)
{
	struct kube *k = kube_new(task_loop(t), c, NULL);
	int rc = kube_get(t, k, &(struct kube_ref){ &kube_pods, "d", "p", NULL }, NULL, NULL, err);
	kube_free(k);
	return rc;
}

/* --- files ------------------------------------------------------------------------------------------------------------------ */

#define HEAD "apiVersion: v1\nkind: Config\n"

static void several_files_and_contexts(void **unused)
{
	static const struct { const char *paths, *context, *server, *ns; } rows[] = {
		{ "a", NULL, "https://a:1", "default" }, { "a", "second", "https://a:2/base", "team" },
		{ "a:b", NULL, "https://a:1", "default" }, { "b:a", NULL, "https://b:1", "default" },
		{ "missing:b:", "second", "https://a:2/base", "team" }, { ":a:b", "only-b", "https://b:1", "default" },
	};
	(void)unused;
	put("a", HEAD "current-context: first\nclusters: [{ name: one, cluster: { server: \"https://a:1/\" } }, { name: two, cluster: { server: https://a:2/base// } }]\n"
	    "contexts:\n- { name: first, context: { cluster: one } }\n- name: second\n  context: { cluster: two, namespace: team, user: u }\nusers: [{ name: u, user: { token: t } }]\n");
	put("b", HEAD "current-context: first\nclusters: [{ name: one, cluster: { server: \"https://b:1\" } }]\n"
	    "contexts: [{ name: first, context: { cluster: one } }, { name: only-b, context: { cluster: one } }]\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kube_config *c = NULL;
		struct err err = { 0 };
		autostr struct str paths;
		str_init(&paths, 4096);
		for (const char *p = rows[i].paths; *p; p++)
			if (*p == ':' || (p != rows[i].paths && p[-1] != ':'))
				str_addc(&paths, *p);
			else
				str_addf(&paths, "%s/%c", dir, *p);
		bool with_a = i == 4;    /* the row needs a as well */
		if (with_a)
			str_addf(&paths, ":%s/a", dir);
		if (kube_config_load(paths.at, rows[i].context, &c, &err) != 0)
			fail_msg("row %zu: %s", i, err.msg);
		/* b's own cluster "one" wins where b comes first. */
		assert_string_equal(kube_config_server(c), rows[i].server[8] == 'b' && strncmp(rows[i].paths, "b", 1) != 0 ? "https://a:1" : rows[i].server);
		assert_string_equal(kube_config_namespace(c), rows[i].ns);
		kube_config_free(c);
	}
}

#define CLUSTER(more) HEAD "current-context: c\ncontexts: [{ name: c, context: { cluster: k, user: u } }]\n" \
	"clusters: [{ name: k, cluster: { server: \"https://h\"" more " } }]\n"
#define USER(fields) CLUSTER("") "users: [{ name: u, user: { " fields " } }]\n"

static void what_is_wrong_is_told(void **unused)
{
	static const struct { const char *text; int rc; const char *says; } rows[] = {
		{ "", E_INPUT, "no current-context" },
		{ "a: [", E_INPUT, "bad" },
		{ "- a", E_INPUT, "must be a map" },
		{ "a: &x 1\nb: *x\n", E_INPUT, "" },
		{ HEAD "current-context: x\n", E_INPUT, "no context 'x'" },
		{ HEAD "current-context: c\ncontexts: [{ name: c, context: { cluster: k } }]\n", E_INPUT, "cluster 'k'" },
		{ CLUSTER(""), E_INPUT, "user 'u'" },
		{ HEAD "current-context: c\ncontexts: [{ name: c, context: { cluster: k } }]\nclusters: [{ name: k, cluster: { server: \"ftp://h\" } }]\n", E_INPUT, "http or https" },
		{ CLUSTER(", proxy-url: \"http://p\"") "users: [{ name: u, user: {} }]\n", E_UNSUPPORTED, "proxy-url" },
		{ CLUSTER(", certificate-authority: x, insecure-skip-tls-verify: true") "users: [{ name: u, user: {} }]\n", E_INPUT, "exclude each other" },
		{ CLUSTER(", certificate-authority-data: \"***\"") "users: [{ name: u, user: {} }]\n", E_INPUT, "not base64" },
		{ CLUSTER(", certificate-authority-data: \"AAAA\"") "users: [{ name: u, user: {} }]\n", E_INPUT, "not base64" },
		{ USER("client-key-data: \"a\""), E_INPUT, "client-key-data" },
		{ USER("auth-provider: { name: gcp }"), E_UNSUPPORTED, "auth-provider" },
		{ USER("as: root"), E_UNSUPPORTED, "as is not supported" },
		{ USER("exec: { command: x }"), E_UNSUPPORTED, "no version it names" },
		{ USER("exec: { command: x, apiVersion: client.authentication.k8s.io/v1alpha1 }"), E_UNSUPPORTED, "v1alpha1" },
		{ USER("exec: { apiVersion: client.authentication.k8s.io/v1 }"), E_INPUT, "no command" },
		{ USER("exec: { command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always }"), E_UNSUPPORTED, "terminal" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kube_config *c = NULL;
		struct err err = { 0 };
		autofree char *at = path("bad");
		put("bad", "%s", rows[i].text);
		int rc = kube_config_load(at, NULL, &c, &err);
		if (rc != rows[i].rc || !strstr(err.msg, rows[i].says))
			fail_msg("row %zu: %d %s", i, rc, err.msg);
	}
	struct err err = { 0 };
	struct kube_config *c = NULL;
	assert_int_equal(kube_config_load("/nonexistent/config", NULL, &c, &err), E_NOTFOUND);
	assert_int_equal(kube_config_load(NULL, NULL, &c, &err), E_NOTFOUND);
	assert_non_null(strstr(err.msg, "no Kubernetes cluster is configured"));
}

/* --- trust -------------------------------------------------------------------------------------------------------------------- */

BODY(trust)
{
	const struct { const char *ca, *name; bool insecure; int rc; } rows[] = {
		{ ca_b64, "kube.example", false, 0 },
		{ "file", "kube.example", false, 0 },
		{ other_b64, "kube.example", false, E_DENIED },
		{ NULL, "kube.example", false, E_DENIED },
		{ ca_b64, NULL, false, E_DENIED },
		{ ca_b64, "other.example", false, E_DENIED },
		{ NULL, NULL, true, 0 },
		{ "gone", "kube.example", false, E_IO },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		autostr struct str s;
		str_init(&s, 1 << 16);
		str_addf(&s, HEAD "current-context: c\ncontexts: [{ name: c, context: { cluster: k } }]\nclusters:\n- name: k\n  cluster:\n    server: https://127.0.0.1:%u\n",
			 httpd_port(g->h));
		if (rows[i].ca && strlen(rows[i].ca) < 10)
			str_addf(&s, "    certificate-authority: %s.pem\n", rows[i].ca);
		else if (rows[i].ca)
			str_addf(&s, "    certificate-authority-data: %s\n", rows[i].ca);
		if (rows[i].name)
			str_addf(&s, "    tls-server-name: %s\n", rows[i].name);
		if (rows[i].insecure)
			str_add(&s, "    insecure-skip-tls-verify: true\n");
		put("trust", "%s", s.at);
		struct kube_config *c = load("trust", NULL, &e);
		assert_non_null(c);
		int rc = get(t, c, &e);
		if (rc != rows[i].rc)
			fail_msg("row %zu: %d %s", i, rc, e.msg);
	}
	return 0;
}
TEST(trust, false)

/* --- tokens ------------------------------------------------------------------------------------------------------------------------ */

static void user_config(struct gatekeeper *g, const char *user)
{
	put("user", HEAD "current-context: c\ncontexts: [{ name: c, context: { cluster: k, user: u } }]\nclusters: [{ name: k, cluster: { server: \"http://127.0.0.1:%u\" } }]\nusers: [{ name: u, user: { %s } }]\n", httpd_port(g->plain), user);
}

static struct kube *client(struct task *t, struct err *err)
{
	struct kube_config *c = load("user", NULL, err);
	return c ? kube_new(task_loop(t), c, NULL) : NULL;
}

static int knock(struct task *t, struct kube *k, struct err *err)
{
	return kube_get(t, k, &(struct kube_ref){ &kube_pods, "d", "p", NULL }, NULL, NULL, err);
}

static void want(struct gatekeeper *g, const char *text)
{
	snprintf(g->want, sizeof(g->want), "%s", text);
	g->asked = g->let_in = 0;
}

BODY(tokens)
{
	static const struct { const char *user, *want; } rows[] = {
		{ "", "" }, { "token: abc", "Bearer abc" }, { "username: u, password: \"p:w\"", "Basic dTpwOnc=" }, { "username: u", "Basic dTo=" },
		{ "token: abc, tokenFile: token", "Bearer from-file" }, { "token: abc, username: u", "Bearer abc" },
	};
	put("token", "from-file \r\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		want(g, rows[i].want);
		user_config(g, rows[i].user);
		struct kube *k = client(t, err);
		assert_int_equal(knock(t, k, err), 0);
		assert_int_equal(g->asked, 1);
		kube_free(k);
	}
	/* A wrong one: nothing to make anew, one more try, and no word of it in the message. */
	want(g, "Bearer right");
	user_config(g, "token: wrong-secret");
	struct kube *k = client(t, err);
	struct err e = { 0 };
	assert_int_equal(knock(t, k, &e), E_AUTH);
	assert_null(strstr(e.msg, "secret"));
	assert_in_range(g->asked, 1, 2);
	kube_free(k);
	return 0;
}
TEST(tokens, true)

BODY(token_files_rotate)
{
	static const char token[] = "token";
	autofree char *file = path("token");
	struct err e = { 0 };
	user_config(g, "tokenFile: token");
	put(token, "one\n");
	want(g, "Bearer one");
	struct kube *k = client(t, err);
	assert_int_equal(knock(t, k, err), 0);
	/* A token that the server refuses is read again at once. */
	want(g, "Bearer two");
	put(token, "two\n");
	assert_int_equal(knock(t, k, err), 0);
	assert_int_equal(g->asked, 2);
	/* Within a minute also without being refused: the old one may go on being let in for a while. */
	put(token, "three\n");
	assert_int_equal(task_sleep(t, 61000, NULL), 0);
	want(g, "Bearer three");
	assert_int_equal(knock(t, k, err), 0);
	assert_int_equal(g->asked, 1);
	/* Gone or empty for a moment, as while it is replaced: the last one is used. */
	put(token, "\n");
	assert_int_equal(task_sleep(t, 61000, NULL), 0);
	assert_int_equal(knock(t, k, err), 0);
	assert_int_equal(file_remove(file, err), 0);
	assert_int_equal(task_sleep(t, 61000, NULL), 0);
	assert_int_equal(knock(t, k, err), 0);
	kube_free(k);
	/* Never there at all. */
	k = client(t, err);
	assert_int_equal(knock(t, k, &e), E_AUTH);
	assert_non_null(strstr(e.msg, "token cannot be read"));
	kube_free(k);
	return 0;
}
TEST(token_files_rotate, true)

BODY(in_a_pod)
{
	struct kube_config *c = NULL;
	char port[16];
	autofree char *file = path("account/token");
	snprintf(port, sizeof(port), "%u", httpd_port(g->h));
	setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", port, 1);
	autofree char *folder = path("account");
	assert_int_equal(file_mkdirs(folder, err), 0);
	kube_account_folder = folder;
	put("account/token", "one");
	put("account/namespace", "aipc-system\n");
	autofree char *pem = path("file.pem"), *text = NULL;
	size_t len;
	assert_int_equal(file_read(pem, 1 << 16, &text, &len, err), 0);
	put("account/ca.crt", "%s", text);
	assert_int_equal(kube_config_load(NULL, NULL, &c, err), 0);
	assert_string_equal(kube_config_namespace(c), "aipc-system");
	assert_string_equal(kube_config_context(c), "in-cluster");
	c->server_name = xstrdup("kube.example");
	want(g, "Bearer one");
	struct kube *k = kube_new(task_loop(t), c, NULL);
	assert_int_equal(knock(t, k, err), 0);
	want(g, "Bearer two");
	put("account/token", "two\n");
	assert_int_equal(knock(t, k, err), 0);
	kube_free(k);
	assert_int_equal(file_remove(file, err), 0);
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	assert_int_equal(kube_config_load(NULL, NULL, &c, err), 0);
	autofree char *server = xasprintf("https://[fd00::1]:%s", port);
	assert_string_equal(kube_config_server(c), server);
	kube_config_free(c);
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	return 0;
}
TEST(in_a_pod, false)

/* --- exec plugins ------------------------------------------------------------------------------------------------------------------- */

#define EXEC(version, more) "exec: { apiVersion: client.authentication.k8s.io/" version ", command: ./plugin" more " }"
#define CREDENTIAL(version, status) "{\"apiVersion\":\"client.authentication.k8s.io/" version "\",\"kind\":\"ExecCredential\",\"status\":" status "}"

static unsigned runs(void)
{
	autofree char *at = path("runs"), *text = NULL;
	size_t len = 0;
	return file_read(at, 1 << 16, &text, &len, NULL) == 0 ? (unsigned)len : 0;
}

static void plugin(const char *script)
{
	autofree char *at = path("runs");
	(void)!unlink(at);
	put("plugin", "#!/bin/sh\nprintf x >>%s\n%s\n", at, script);
}

BODY(plugins)
{
	static const struct { const char *user, *script; int rc; const char *says; } rows[] = {
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "{\"token\":\"good\"}") "'", 0, "" },
		{ EXEC("v1beta1", ", interactiveMode: IfAvailable"), "echo '" CREDENTIAL("v1beta1", "{\"token\":\"good\"}") "'", 0, "" },
		{ EXEC("v1", ", args: [a, \"b c\"], env: [{ name: WHO, value: good }]"),
		  "[ \"$1-$2-$#\" = 'a-b c-2' ] && printf '" CREDENTIAL("v1", "{\"token\":\"%s\"}") "' $WHO", 0, "" },
		{ EXEC("v1", ""), "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) echo '" CREDENTIAL("v1", "{\"token\":\"good\"}") "';; esac", 0, "" },
		{ EXEC("v1", ", provideClusterInfo: true"),
		  "case $KUBERNETES_EXEC_INFO in *'\"server\":\"http://127.0.0.1:'*) echo '" CREDENTIAL("v1", "{\"token\":\"good\"}") "';; esac", 0, "" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "{\"token\":\"bad\"}") "'", E_AUTH, "Unauthorized" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1beta1", "{\"token\":\"good\"}") "'", E_AUTH, "another version" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "{}") "'", E_AUTH, "neither a token nor" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "{\"clientCertificateData\":\"x\"}") "'", E_AUTH, "neither a token nor" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "{\"token\":\"good\",\"expirationTimestamp\":\"tomorrow\"}") "'", E_AUTH, "no time" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "\"x\"") "'", E_AUTH, "neither" },
		{ EXEC("v1", ""), "echo secret-garbage", E_AUTH, "did not answer in JSON" },
		{ EXEC("v1", ""), "", E_AUTH, "did not answer in JSON" },
		{ EXEC("v1", ""), "head -c 3000000 /dev/zero", E_AUTH, "did not answer in JSON" },
		{ EXEC("v1", ""), "echo '" CREDENTIAL("v1", "{\"token\":\"good\"}") "'; exit 3", E_AUTH, "status 3" },
		{ EXEC("v1", ""), "kill -9 $$", E_AUTH, "status 137" },
		{ "exec: { apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin-anywhere, installHint: \"get it\" }", "", E_AUTH, "get it" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		plugin(rows[i].script);
		user_config(g, rows[i].user);
		want(g, "Bearer good");
		struct kube *k = client(t, err);
		int rc = knock(t, k, &e);
		if (rc != rows[i].rc || !strstr(e.msg, rows[i].says) || strstr(e.msg, "secret"))
			fail_msg("row %zu: %d %s", i, rc, e.msg);
		kube_free(k);
	}
	return 0;
}
TEST(plugins, false)

static int knock_in_task(struct task *t, void *k, struct err *err) { return knock(t, k, err); }

/* COUNT requests at once. */
static int knocks(struct task *t, struct kube *k, int count, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(scope_spawn(t, s, "knock", knock_in_task, k, err), 0);
	return scope_join(t, s, err);
}

BODY(how_often_a_plugin_runs)
{
	/* N: tokens numbered by run. Life in seconds from now; 0: without an end. */
	static const struct { const char *life; unsigned after_three; } rows[] = {
		{ "", 1 }, { "+1 hour", 1 }, { "+20 seconds", 1 }, { "-1 hour", 3 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *script = xasprintf("end='%s'; [ -z \"$end\" ] || end=',\"expirationTimestamp\":\"'$(date -u -d \"$end\" +%%Y-%%m-%%dT%%H:%%M:%%SZ)'\"'\n"
			"printf '" CREDENTIAL("v1", "{\"token\":\"good\"%%s}") "' \"$end\"", rows[i].life);
		plugin(script);
		user_config(g, EXEC("v1", ""));
		want(g, "Bearer good");
		struct kube *k = client(t, err);
		for (int n = 0; n < 3; n++)
			assert_int_equal(knock(t, k, err), 0);
		if (runs() != rows[i].after_three)
			fail_msg("row %zu: %u runs", i, runs());
		kube_free(k);
	}
	/* Times of other zones, with fractions. */
	plugin("printf '" CREDENTIAL("v1", "{\"token\":\"good\",\"expirationTimestamp\":\"%s\"}") "' $(date -u -d '+70 minutes' +%Y-%m-%dT%H:%M:%S.123+01:00)");
	struct kube *k = client(t, err);
	assert_int_equal(knock(t, k, err) | knock(t, k, err), 0);
	assert_int_equal(runs(), 1);
	kube_free(k);
	plugin("printf '" CREDENTIAL("v1", "{\"token\":\"good\",\"expirationTimestamp\":\"%s\"}") "' $(date -u -d '+50 minutes' +%Y-%m-%dT%H:%M:%S+01:00)");
	k = client(t, err);
	assert_int_equal(knock(t, k, err) | knock(t, k, err), 0);
	assert_int_equal(runs(), 2);
	kube_free(k);
	/* Many at once run it once; refused, once more for all. */
	plugin("n=$(wc -c <$(dirname $0)/runs); printf '" CREDENTIAL("v1", "{\"token\":\"good-%s\"}") "' $n");
	k = client(t, err);
	want(g, "Bearer good-1");
	assert_int_equal(knocks(t, k, 50, err), 0);
	assert_int_equal(runs(), 1);
	want(g, "Bearer good-2");
	assert_int_equal(knocks(t, k, 50, err), 0);
	assert_in_range(runs(), 2, 2);
	kube_free(k);
	return 0;
}
TEST(how_often_a_plugin_runs, false)

static bool gone_soon(struct task *t, pid_t pid)
{
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		assert_int_equal(task_sleep(t, 20, NULL), 0);
	return kill(pid, 0) == -1;
}

BODY(a_plugin_that_hangs_is_ended)
{
	struct err e = { 0 };
	autofree char *at = path("pid"), *text = NULL;
	size_t len;
	plugin("echo $$ >$(dirname $0)/pid.new; mv $(dirname $0)/pid.new $(dirname $0)/pid; exec sleep 1000");
	user_config(g, EXEC("v1", ""));
	struct kube *k = client(t, err);
	int64_t old = task_deadline_in(t, 1000);
	assert_int_equal(knock(t, k, &e), E_TIMEOUT);
	task_deadline_restore(t, old);
	assert_non_null(strstr(e.msg, "plugin"));
	assert_int_equal(file_read(at, 64, &text, &len, err), 0);
	pid_t pid = (pid_t)atoi(text);
	assert_true(pid > 1);
	/* It has its minute, whoever gave up waiting for it, but not longer than there is a use for it. */
	assert_int_equal(kill(pid, 0), 0);
	kube_free(k);
	assert_true(gone_soon(t, pid));
	return 0;
}
TEST(a_plugin_that_hangs_is_ended, false)

BODY(a_plugin_outlives_who_waited_for_it)
{
	struct err e = { 0 };
	plugin("sleep 1; echo '" CREDENTIAL("v1", "{\"token\":\"good\"}") "'");
	user_config(g, EXEC("v1", ""));
	want(g, "Bearer good");
	struct kube *k = client(t, err);
	int rc = E_TIMEOUT, tries = 0;
	for (; rc == E_TIMEOUT && tries < 100; tries++) {
		int64_t old = task_deadline_in(t, 200);
		rc = knock(t, k, &e);
		task_deadline_restore(t, old);
	}
	assert_int_equal(rc, 0);
	assert_in_range(tries, 3, 99);
	assert_int_equal(runs(), 1);
	kube_free(k);
	return 0;
}
TEST(a_plugin_outlives_who_waited_for_it, false)

/* Gives good-N of run N; each run but the first waits for the file "go", and fails when that is empty. */
static void slow_plugin(void)
{
	const char *script = "cd $(dirname $0); n=$(wc -c <runs); while [ $n -gt 1 -a ! -e go ]; do sleep 0.05; done\n"
		"[ $n = 1 ] || [ -s go ] || exit 7\n"
		"printf '" CREDENTIAL("v1", "{\"token\":\"good-%s\",\"expirationTimestamp\":\"%s\"}") "' $n $(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)";
	autofree char *go = path("go");
	(void)!unlink(go);
	plugin(script);
}

static int runs_become(struct task *t, unsigned n)
{
	for (int i = 0; i < 250 && runs() < n; i++)
		assert_int_equal(task_sleep(t, 20, NULL), 0);
	return (int)runs();
}

static struct kube_config *config_of(struct kube *k) { return (struct kube_config *)kube_config_of(k); }

BODY(a_plugin_is_run_ahead_of_need)
{
	slow_plugin();
	user_config(g, EXEC("v1", ""));
	want(g, "Bearer good-1");
	struct kube *k = client(t, err);
	assert_int_equal(knock(t, k, err), 0);
	config_of(k)->exec_until_ms = clock_wall_ms();
	for (int i = 0; i < 3; i++)
		assert_int_equal(knock(t, k, err), 0);       /* none waits for the plugin, which does not end */
	assert_int_equal(runs_become(t, 2), 2);
	put("go", "yes");
	assert_int_equal(task_sleep(t, 500, err), 0);
	want(g, "Bearer good-2");
	assert_int_equal(knock(t, k, err), 0);
	assert_int_equal(runs(), 2);
	kube_free(k);
	return 0;
}
TEST(a_plugin_is_run_ahead_of_need, false)

BODY(a_plugin_that_fails_ahead_of_need_harms_nobody)
{
	struct err e = { 0 };
	slow_plugin();
	user_config(g, EXEC("v1", ""));
	want(g, "Bearer good-1");
	struct kube *k = client(t, err);
	assert_int_equal(knock(t, k, err), 0);
	config_of(k)->exec_until_ms = clock_wall_ms();
	put("go", "%s", "");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(knock(t, k, err), 0);
		assert_int_equal(task_sleep(t, 100, err), 0);
	}
	assert_int_equal(runs(), 2);                         /* and is not run again at once */
	config_of(k)->exec_end_ms = clock_wall_ms();
	assert_int_equal(knock(t, k, &e), E_AUTH);
	assert_non_null(strstr(e.msg, "status 7"));
	kube_free(k);
	return 0;
}
TEST(a_plugin_that_fails_ahead_of_need_harms_nobody, false)

BODY(a_plugin_has_a_minute)
{
	struct err e = { 0 };
	plugin("exec sleep 1000");
	user_config(g, EXEC("v1", ""));
	struct kube *k = client(t, err);
	int64_t began = clock_now_ms();
	assert_int_equal(knock(t, k, &e), E_AUTH);
	/* And two seconds at most until the kernel has let it go. */
	assert_in_range(clock_now_ms() - began, KUBE_EXEC_MS, KUBE_EXEC_MS + 2000);
	assert_non_null(strstr(e.msg, "did not answer in 60 s"));
	kube_free(k);
	return 0;
}
TEST(a_plugin_has_a_minute, true)

BODY(a_plugin_may_give_a_certificate)
{
	char *out = NULL;
	unsigned given = 0;
	struct err e = { 0 };
	plugin("echo '" CREDENTIAL("v1", "{\"clientCertificateData\":\"CERT\",\"clientKeyData\":\"KEY\"}") "'");
	user_config(g, EXEC("v1", ""));
	struct kube_config *c = load("user", NULL, &e);
	if (kube_config_auth(t, c, &given, &out, err) != 0)
		fail_msg("%s", err->msg);
	assert_null(out);
	const struct http_trust *trust = kube_config_trust(c);
	assert_string_equal(trust->cert_pem, "CERT");
	assert_string_equal(trust->key_pem, "KEY");
	kube_config_free(c);
	return 0;
}
TEST(a_plugin_may_give_a_certificate, false)

static char *b64_of(const struct authority *a, const char *name)
{
	autofree char *at = path(name), *text = NULL;
	size_t len;
	certs_authority_write(a, at);
	assert_int_equal(file_read(at, 1 << 16, &text, &len, NULL), 0);
	char *b64 = xmalloc(4 * (len / 3 + 2));
	EVP_EncodeBlock((unsigned char *)b64, (unsigned char *)text, (int)len);
	return b64;
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	ca = certs_authority("ca");
	other_ca = certs_authority("other");
	id = certs_identity(&ca, "kube", "DNS:kube.example");
	ca_b64 = b64_of(&ca, "file.pem");
	other_b64 = b64_of(&other_ca, "other.pem");
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("HOME", dir, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	autofree char *rm = xasprintf("rm -r %s", dir);
	certs_authority_release(&ca);
	certs_authority_release(&other_ca);
	certs_identity_release(&id);
	free(ca_b64);
	free(other_b64);
	return system(rm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_files_and_contexts), cmocka_unit_test(what_is_wrong_is_told), cmocka_unit_test(trust), cmocka_unit_test(tokens),
		cmocka_unit_test(token_files_rotate), cmocka_unit_test(in_a_pod), cmocka_unit_test(plugins), cmocka_unit_test(how_often_a_plugin_runs),
		cmocka_unit_test(a_plugin_outlives_who_waited_for_it), cmocka_unit_test(a_plugin_is_run_ahead_of_need),
		cmocka_unit_test(a_plugin_that_fails_ahead_of_need_harms_nobody),
		cmocka_unit_test(a_plugin_that_hangs_is_ended), cmocka_unit_test(a_plugin_has_a_minute), cmocka_unit_test(a_plugin_may_give_a_certificate),
	};
	json_setup();
	log_init(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
