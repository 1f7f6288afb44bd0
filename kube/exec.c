#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/config_internal.h"

extern char **environ;

enum {
	OUTPUT_MAX = 1 << 20, EARLY_MS = 60000,
	LAST_MS = 2000,              /* for the kernel, to end what was killed */
	AGAIN_MS = 5000,             /* between failures while what we have is still good */
};

int kube_exec_check(const json_t *exec, struct err *err)
{
	const char *version = json_str(exec, "apiVersion"), *command = json_str(exec, "command"), *mode = json_str(exec, "interactiveMode");
	if (!version || (strcmp(version, "client.authentication.k8s.io/v1") != 0 && strcmp(version, "client.authentication.k8s.io/v1beta1") != 0))
		return err_set(err, E_UNSUPPORTED, "the exec plugin speaks %s; client.authentication.k8s.io/v1 and v1beta1 are supported",
			       version ? version : "no version it names");
	if (!command || !command[0])
		return err_set(err, E_INPUT, "its exec has no command");
	if (mode && strcmp(mode, "Always") == 0)
		return err_set(err, E_UNSUPPORTED, "the exec plugin %s wants a terminal (interactiveMode Always)", command);
	return 0;
}

/* --- one run of the plugin ------------------------------------------------------------------------------------------------ */

/* It belongs to the configuration, not to who asked first: a request that runs out of time leaves it running for the next one. Freed when
 * the configuration has let it go and all handles are closed. */
struct exec_run {
	struct kube_config *config;  /* NULL: let go, nobody reads its answer */
	uv_process_t process;
	uv_pipe_t out;
	uv_timer_t last;
	struct str text;
	char piece[4096];
	int64_t began_ms;
	unsigned open;               /* handles */
	bool exited, ended;
	int64_t status; int sig;
};

static void settle(struct exec_run *r);

static void closed(uv_handle_t *h)
{
	struct exec_run *r = h->data;
	if (--r->open)
		return;
	OPENSSL_cleanse(r->text.at, r->text.len);
	str_release(&r->text);
	free(r);
}

static void close_process(struct exec_run *r)
{
	if (uv_is_closing((uv_handle_t *)&r->process))
		return;
	uv_close((uv_handle_t *)&r->process, closed);
	uv_close((uv_handle_t *)&r->last, closed);
}

/* What the kernel does not let go (a file system that hangs) is left behind. */
static void on_last(uv_timer_t *h) { close_process(h->data); }

/* A plugin that still runs is killed, and waited for so that no zombie is left. */
static void let_go(struct exec_run *r)
{
	r->config = NULL;
	uv_close((uv_handle_t *)&r->out, closed);
	if (r->exited) {
		close_process(r);
		return;
	}
	uv_process_kill(&r->process, SIGKILL);
	uv_timer_start(&r->last, on_last, LAST_MS, 0);
}

static void on_exit_of(uv_process_t *p, int64_t status, int sig)
{
	struct exec_run *r = p->data;
	r->exited = true;
	r->status = status;
	r->sig = sig;
	if (r->config)
		settle(r);
	else
		close_process(r);
}

static void give_room(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
	struct exec_run *r = h->data;
	(void)want;
	*buf = uv_buf_init(r->piece, sizeof(r->piece));
}

static void on_output(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct exec_run *r = s->data;
	if (n > 0)
		str_addn(&r->text, buf->base, (size_t)n);
	if (n < 0) {
		r->ended = true;
		uv_read_stop(s);
		settle(r);
	}
}

static json_t *exec_info(const struct kube_config *c)
{
	json_t *j = json_pack("{s:s,s:s,s:{s:b}}", "apiVersion", json_str(c->exec, "apiVersion"), "kind", "ExecCredential", "spec", "interactive", 0);
	if (json_flag(c->exec, "provideClusterInfo", false)) {
		json_t *cluster = json_pack("{s:s}", "server", c->server);
		const char *ca = json_str(c->cluster, "certificate-authority-data");
		if (ca)
			json_put_str(cluster, "certificate-authority-data", ca);
		if (c->server_name)
			json_put_str(cluster, "tls-server-name", c->server_name);
		if (c->insecure)
			json_put_new(cluster, "insecure-skip-tls-verify", json_true());
		json_put_new(json_object_get(j, "spec"), "cluster", cluster);
	}
	return j;
}

/* Our environment, the plugin's own over it, and what tells it who asks. A list of strings, ended by NULL; yours. */
static char **environment(const struct kube_config *c)
{
	VEC(char *) env = { 0 };
	const json_t *own = json_at(c->exec, "env");
	autojson json_t *info = exec_info(c);
	autofree char *text = json_text(info);
	for (size_t i = 0; i < json_array_size(own); i++) {
		const char *name = json_str(json_array_get(own, i), "name"), *value = json_str(json_array_get(own, i), "value");
		if (name && name[0])
			vec_push(&env, xasprintf("%s=%s", name, value ? value : ""));
	}
	vec_push(&env, xasprintf("KUBERNETES_EXEC_INFO=%s", text));
	size_t mine = env.len;
	for (char **e = environ; *e; e++) {
		size_t n = strcspn(*e, "=") + 1;
		bool over = false;
		for (size_t i = 0; i < mine; i++)
			over = over || strncmp(env.at[i], *e, n) == 0;
		if (!over)
			vec_push(&env, xstrdup(*e));
	}
	vec_push(&env, NULL);
	return env.at;
}

static char **arguments(const json_t *exec)
{
	VEC(char *) args = { 0 };
	const json_t *list = json_at(exec, "args");
	vec_push(&args, xstrdup(json_str(exec, "command")));
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)))
			vec_push(&args, xstrdup(json_string_value(json_array_get(list, i))));
	vec_push(&args, NULL);
	return args.at;
}

static void free_all(char **list)
{
	for (char **p = list; *p; p++)
		free(*p);
	free(list);
}

static int start(uv_loop_t *uv, struct kube_config *c, struct err *err)
{
	struct exec_run *r = xcalloc(1, sizeof(*r));
	char **args = arguments(c->exec), **env = environment(c);
	str_init(&r->text, OUTPUT_MAX);
	r->config = c;
	r->began_ms = clock_now_ms();
	r->process.data = r->out.data = r->last.data = r;
	uv_pipe_init(uv, &r->out, 0);
	uv_timer_init(uv, &r->last);
	uv_stdio_container_t io[3] = { { .flags = UV_IGNORE }, { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&r->out },
				       { .flags = UV_INHERIT_FD, .data.fd = 2 } };
	int rc = uv_spawn(uv, &r->process, &(uv_process_options_t){ .file = args[0], .args = args, .env = env, .stdio = io, .stdio_count = 3,
								    .exit_cb = on_exit_of });
	if (rc) {
		const char *hint = json_str(c->exec, "installHint");
		err_set(err, E_AUTH, "the exec plugin %s does not start: %s%s%s", args[0], uv_strerror(rc), hint ? "; " : "", hint ? hint : "");
	}
	free_all(args);
	free_all(env);
	r->open = 3;
	if (rc) {
		uv_close((uv_handle_t *)&r->out, closed);
		close_process(r);
		return E_AUTH;
	}
	uv_read_start((uv_stream_t *)&r->out, give_room, on_output);
	c->exec_now = r;
	c->exec_over.set = false;
	return 0;
}

/* RFC 3339; -1 when it is no time. */
static int64_t time_of(const char *stamp)
{
	struct tm tm = { 0 };
	const char *rest = strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes, n = 0;
	char sign;
	if (!rest)
		return -1;
	int64_t ms = (int64_t)timegm(&tm) * 1000;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") == 0 || strcmp(rest, "z") == 0)
		return ms;
	if (sscanf(rest, "%c%2d:%2d%n", &sign, &hours, &minutes, &n) != 3 || rest[n] || (sign != '+' && sign != '-') || hours < 0 || minutes < 0)
		return -1;
	return ms + (sign == '+' ? -1 : 1) * (hours * 60 + minutes) * INT64_C(60000);
}

/* When to ask again for what is good until END: a minute before, or a quarter of its life when that is short. */
static int64_t until(int64_t end)
{
	int64_t now = clock_wall_ms(), early = (end - now) / 4;
	return end <= now ? now : end - (early < EARLY_MS ? early : EARLY_MS);
}

static void replace(char **to, const char *with)
{
	if (*to)
		OPENSSL_cleanse(*to, strlen(*to));
	free(*to);
	*to = with && with[0] ? xstrdup(with) : NULL;
}

static int take(struct kube_config *c, const struct exec_run *r, struct err *err)
{
	const char *name = json_str(c->exec, "command");
	autojson json_t *j = NULL;
	if (r->status || r->sig)
		return err_set(err, E_AUTH, "the exec plugin %s failed with status %d", name, r->sig ? 128 + r->sig : (int)r->status);
	if (json_parse(r->text.at, r->text.len, "its answer", &j, NULL) != 0)
		return err_set(err, E_AUTH, "the exec plugin %s did not answer in JSON", name);
	const json_t *status = json_at(j, "status");
	const char *version = json_str(j, "apiVersion"), *token = json_str(status, "token"), *stamp = json_str(status, "expirationTimestamp");
	const char *cert = json_str(status, "clientCertificateData"), *key = json_str(status, "clientKeyData");
	if (!version || strcmp(version, json_str(c->exec, "apiVersion")) != 0)
		return err_set(err, E_AUTH, "the exec plugin %s answered in another version than %s", name, json_str(c->exec, "apiVersion"));
	if (!token && !(cert && key))
		return err_set(err, E_AUTH, "the exec plugin %s gave neither a token nor a certificate with its key", name);
	int64_t end = stamp ? time_of(stamp) : TASK_FOREVER;
	if (end < 0)
		return err_set(err, E_AUTH, "the exec plugin %s gave an expirationTimestamp that is no time", name);
	replace(&c->exec_token, token);
	replace(&c->exec_cert, cert && key ? cert : NULL);
	replace(&c->exec_key, cert && key ? key : NULL);
	c->exec_until_ms = stamp ? until(end) : TASK_FOREVER;
	c->exec_end_ms = end;
	c->exec_runs++;
	(void)kube_config_trust(c);          /* requests that wait for their turn have it in hands: it must not name what was just wiped */
	return 0;
}

static bool still_good(const struct kube_config *c, unsigned refused)
{
	return c->exec_runs && refused != c->exec_runs && c->exec_end_ms > clock_wall_ms();
}

static void failed(struct kube_config *c, const struct err *err)
{
	c->exec_fails++;
	c->exec_failure = *err;
	c->exec_again_ms = clock_now_ms() + AGAIN_MS;
	if (still_good(c, 0))
		log_warn("%s: the credential at hand is used until it ends", err->msg);
}

/* The run is over, however it went: all who wait for it look. */
static void over(struct exec_run *r, int rc, const struct err *err)
{
	struct kube_config *c = r->config;
	c->exec_now = NULL;
	if (rc)
		failed(c, err);
	let_go(r);
	event_set(&c->exec_over);
}

static void settle(struct exec_run *r)
{
	struct err err = { 0 };
	if (r->exited && r->ended)
		over(r, take(r->config, r, &err), &err);
}

/* A run that had its time is ended. By who asks, as the tasks' clock is the one that counts. */
static void end_overdue(struct kube_config *c)
{
	struct err err = { 0 };
	if (!c->exec_now || clock_now_ms() - c->exec_now->began_ms < KUBE_EXEC_MS)
		return;
	int rc = err_set(&err, E_AUTH, "the exec plugin %s did not answer in %d s", json_str(c->exec, "command"), KUBE_EXEC_MS / 1000);
	over(c->exec_now, rc, &err);
}

static int await(struct task *t, struct kube_config *c, struct err *err)
{
	unsigned runs = c->exec_runs, fails = c->exec_fails;
	int rc = 0;
	while (rc == 0 && runs == c->exec_runs && fails == c->exec_fails) {
		int64_t old = task_deadline_in(t, c->exec_now->began_ms + KUBE_EXEC_MS - clock_now_ms());
		rc = event_wait(t, &c->exec_over, NULL);
		task_deadline_restore(t, old);
		end_overdue(c);
	}
	if (fails != c->exec_fails)
		return err_set(err, c->exec_failure.code, "%s", c->exec_failure.msg);
	if (runs != c->exec_runs)
		return 0;
	if (rc == E_TIMEOUT)
		return err_set(err, rc, "the time allowed has passed while the exec plugin %s runs", json_str(c->exec, "command"));
	return err_set(err, rc, "cancelled while the exec plugin runs");
}

int kube_exec_run(struct task *t, struct kube_config *c, unsigned refused, struct err *err)
{
	struct err unheard = { 0 };
	uv_loop_t *uv = loop_uv(task_loop(t));
	end_overdue(c);
	if (still_good(c, refused)) {
		if (!c->exec_now && c->exec_until_ms <= clock_wall_ms() && c->exec_again_ms <= clock_now_ms() && start(uv, c, &unheard) != 0)
			failed(c, &unheard);
		return 0;
	}
	int rc = c->exec_now ? 0 : start(uv, c, err);
	return rc ? rc : await(t, c, err);
}

void kube_exec_end(struct kube_config *c)
{
	if (c->exec_now)
		let_go(c->exec_now);
	c->exec_now = NULL;
}
