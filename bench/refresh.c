/* bench/refresh - our client against bare libcurl: the same GETs over TLS to many hosts with connections kept, in one run.
 *
 * Server, our client and the bare loop are processes of their own, so that memory is that of one of them. Arguments: hosts
 * (1000), requests per host (20), hosts at once (128). */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/httpd.h"
#include "base/mem.h"
#include "tests/unit/base/certs.h"

static struct {
	int hosts, rounds, window;
	struct identity *ids;
	char ca_file[64];
	unsigned short port;
} conf = { 1000, 20, 128, NULL, "/tmp/bench_http.XXXXXX", 0 };

struct result { double cold, warm, kib; };       /* requests a second, memory a host */

static uint32_t host_address(int i)
{
	return 0x7f010001u + ((uint32_t)(i / 250) << 8) + (uint32_t)(i % 250);
}

static char *host_url(int i)
{
	uint32_t a = host_address(i);
	return xasprintf("https://%u.%u.%u.%u:%u/redfish/v1/Systems/1", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, conf.port);
}

static double resident_kib(void)
{
	long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2)
		BUG("no /proc/self/statm");
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static double rate(int n, int64_t since)
{
	int64_t ms = clock_now_ms() - since;
	return 1000.0 * n / (double)(ms ? ms : 1);
}

/* --- the server ------------------------------------------------------------------------------------------------------- */

static int answer(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	static char text[2000];
	(void)t;
	(void)ctx;
	(void)r;
	(void)err;
	if (!text[0])
		memset(text, 'x', sizeof(text) - 1);
	httpd_reply_text(p, 200, "application/json", text);
	return 0;
}

static int cert(void *ctx, struct in_addr local, const char **cert_pem, const char **key_pem)
{
	uint32_t n = ntohl(local.s_addr) - 0x7f010001u;
	int i = (int)(n >> 8) * 250 + (int)(n & 255);
	(void)ctx;
	if (i < 0 || i >= conf.hosts)
		return -1;
	*cert_pem = conf.ids[i].cert_pem;
	*key_pem = conf.ids[i].key_pem;
	return 0;
}

static int serve(struct task *t, void *arg, struct err *err)
{
	struct httpd_options o = { .addr.s_addr = htonl(INADDR_ANY), .max_connections = (unsigned)conf.hosts * 2 + 100,
				   .handler = answer, .tls = true, .cert = cert };
	struct httpd *h;
	struct scope *s = scope_open(t, 0);
	struct event never = { 0 };
	int rc = httpd_start(t, s, &o, &h, err);
	if (rc)
		BUG("%s", err->msg);
	unsigned short port = httpd_port(h);
	if (write(*(int *)arg, &port, sizeof(port)) != sizeof(port))
		BUG("pipe");
	return event_wait(t, &never, err);       /* until killed */
}

static pid_t start_server(void)
{
	int fd[2];
	if (pipe(fd) != 0)
		BUG("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		close(fd[0]);
		_exit(loop_run(loop_new(), serve, &fd[1], &err) != 0);
	}
	close(fd[1]);
	if (read(fd[0], &conf.port, sizeof(conf.port)) != sizeof(conf.port))
		BUG("the server did not start");
	close(fd[0]);
	return pid;
}

/* --- our client ---------------------------------------------------------------------------------------------------------- */

struct job { struct http *h; int host, n; };

static int get_n(struct task *t, void *arg, struct err *err)
{
	struct job *j = arg;
	struct http_trust trust = { .ca_file = conf.ca_file };
	autofree char *url = host_url(j->host);
	struct http_request q = { .method = "GET", .url = url, .trust = &trust };
	for (int i = 0; i < j->n; i++) {
		struct http_response r;
		int rc = http_do(t, j->h, &q, &r, err);
		if (rc)
			return rc;
		http_response_release(&r);
	}
	return 0;
}

static void sweep(struct task *t, struct http *h, struct job *jobs, int n)
{
	struct err err = { 0 };
	struct scope *s = scope_open(t, (unsigned)conf.window);
	for (int i = 0; i < conf.hosts; i++) {
		jobs[i] = (struct job){ h, i, n };
		if (scope_spawn(t, s, "get", get_n, &jobs[i], &err))
			break;
	}
	if (scope_join(t, s, &err))
		BUG("%s", err.msg);
}

static int our_client(struct task *t, void *arg, struct err *err)
{
	struct result *out = arg;
	struct http *h = http_new(task_loop(t), NULL);
	struct job *jobs = xcalloc((size_t)conf.hosts, sizeof(*jobs));
	(void)err;
	double before = resident_kib();
	int64_t start = clock_now_ms();
	sweep(t, h, jobs, 1);
	out->cold = rate(conf.hosts, start);
	start = clock_now_ms();
	sweep(t, h, jobs, conf.rounds);
	out->warm = rate(conf.hosts * conf.rounds, start);
	out->kib = (resident_kib() - before) / conf.hosts;
	http_free(h);
	free(jobs);
	return 0;
}

static void run_ours(struct result *out)
{
	struct loop *l = loop_new();
	struct err err;
	if (loop_run(l, our_client, out, &err))
		BUG("%s", err.msg);
	loop_free(l);
}

/* --- bare libcurl: one multi, socket_action on epoll, nothing else --------------------------------------------------------- */

struct slot { CURL *easy; int host, left; };
struct bare { CURLM *multi; int epoll, next, n, running; long timeout_ms; };

static size_t swallow(char *data, size_t one, size_t len, void *arg)
{
	(void)data;
	(void)arg;
	return one * len;
}

static int bare_timer(CURLM *m, long ms, void *arg)
{
	(void)m;
	((struct bare *)arg)->timeout_ms = ms;
	return 0;
}

static int bare_socket(CURL *e, curl_socket_t fd, int what, void *arg, void *known)
{
	struct bare *b = arg;
	struct epoll_event ev = { .data.fd = fd, .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u) };
	(void)e;
	epoll_ctl(b->epoll, what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
	curl_multi_assign(b->multi, fd, b);
	return 0;
}

static void bare_add(struct bare *b, struct slot *s)
{
	if (!s->left) {
		if (b->next == conf.hosts)
			return;
		s->host = b->next++;
		s->left = b->n;
		autofree char *url = host_url(s->host);
		curl_easy_setopt(s->easy, CURLOPT_URL, url);
	}
	s->left--;
	b->running++;
	curl_multi_add_handle(b->multi, s->easy);
}

static void bare_done(struct bare *b)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(b->multi, &left));) {
		struct slot *s = NULL;
		CURL *e = m->easy_handle;
		if (m->data.result != CURLE_OK)
			BUG("%s", curl_easy_strerror(m->data.result));
		curl_easy_getinfo(e, CURLINFO_PRIVATE, (char **)&s);
		curl_multi_remove_handle(b->multi, e);
		b->running--;
		bare_add(b, s);
	}
}

static void bare_sweep(struct bare *b, struct slot *slots, int n)
{
	int ignored;
	b->next = 0;
	b->n = n;
	for (int i = 0; i < conf.window; i++)
		bare_add(b, &slots[i]);
	while (b->running) {
		struct epoll_event ev[64];
		int got = epoll_wait(b->epoll, ev, 64, b->timeout_ms < 0 ? 1000 : (int)b->timeout_ms);
		if (got == 0 || b->timeout_ms == 0)
			curl_multi_socket_action(b->multi, CURL_SOCKET_TIMEOUT, 0, &ignored);
		for (int i = 0; i < got; i++)
			curl_multi_socket_action(b->multi, ev[i].data.fd, (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
						 (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0), &ignored);
		bare_done(b);
	}
}

static void run_bare(struct result *out)
{
	struct bare b = { .epoll = epoll_create1(0), .timeout_ms = -1 };
	struct slot *slots = xcalloc((size_t)conf.window, sizeof(*slots));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	double before = resident_kib();
	b.multi = curl_multi_init();
	curl_multi_setopt(b.multi, CURLMOPT_MAXCONNECTS, (long)conf.hosts + 8);
	curl_multi_setopt(b.multi, CURLMOPT_SOCKETFUNCTION, bare_socket);
	curl_multi_setopt(b.multi, CURLMOPT_SOCKETDATA, &b);
	curl_multi_setopt(b.multi, CURLMOPT_TIMERFUNCTION, bare_timer);
	curl_multi_setopt(b.multi, CURLMOPT_TIMERDATA, &b);
	for (int i = 0; i < conf.window; i++) {
		CURL *e = slots[i].easy = curl_easy_init();
		curl_easy_setopt(e, CURLOPT_PRIVATE, &slots[i]);
		curl_easy_setopt(e, CURLOPT_CAINFO, conf.ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, -1L);
		curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
		curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, swallow);
	}
	int64_t start = clock_now_ms();
	bare_sweep(&b, slots, 1);
	out->cold = rate(conf.hosts, start);
	start = clock_now_ms();
	bare_sweep(&b, slots, conf.rounds);
	out->warm = rate(conf.hosts * conf.rounds, start);
	out->kib = (resident_kib() - before) / conf.hosts;
}

/* --- the run -------------------------------------------------------------------------------------------------------------------- */

static struct result measure(void (*run)(struct result *))
{
	struct result r = { 0 };
	int fd[2], status = 0;
	if (pipe(fd) != 0)
		BUG("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		run(&r);
		_exit(write(fd[1], &r, sizeof(r)) != sizeof(r));
	}
	close(fd[1]);
	if (read(fd[0], &r, sizeof(r)) != sizeof(r))
		BUG("a client failed");
	close(fd[0]);
	waitpid(pid, &status, 0);
	return r;
}

static void larger(struct result *best, struct result r)
{
	best->cold = r.cold > best->cold ? r.cold : best->cold;
	best->warm = r.warm > best->warm ? r.warm : best->warm;
	best->kib = r.kib > best->kib ? r.kib : best->kib;
}

static int bench(void)
{
	struct authority ca = certs_authority("Bench CA");
	int fd = mkstemp(conf.ca_file);
	if (fd < 0)
		BUG("mkstemp");
	close(fd);
	certs_authority_write(&ca, conf.ca_file);
	conf.ids = xcalloc((size_t)conf.hosts, sizeof(*conf.ids));
	for (int i = 0; i < conf.hosts; i++) {
		uint32_t a = host_address(i);
		autofree char *san = xasprintf("IP:%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
		conf.ids[i] = certs_identity(&ca, "bmc", san);
	}
	pid_t server = start_server();
	struct result ours = { 0 }, bare = { 0 };
	/* The best of three, taken in turns: the machine has other things to do as well. */
	for (int i = 0; i < 3; i++) {
		larger(&bare, measure(run_bare));
		larger(&ours, measure(run_ours));
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(conf.ca_file);
	printf("bench refresh_%d ours_cold %.0f req/s\nbench refresh_%d bare_cold %.0f req/s\n", conf.hosts, ours.cold, conf.hosts, bare.cold);
	printf("bench refresh_%d ours_warm %.0f req/s\nbench refresh_%d bare_warm %.0f req/s\n", conf.hosts, ours.warm, conf.hosts, bare.warm);
	printf("bench refresh_%d ratio_cold %.2f of_bare_curl\n", conf.hosts, ours.cold / bare.cold);
	printf("bench refresh_%d ratio_warm %.2f of_bare_curl\n", conf.hosts, ours.warm / bare.warm);
	printf("bench refresh_%d ours_memory %.1f KiB/host\nbench refresh_%d bare_memory %.1f KiB/host\n", conf.hosts, ours.kib, conf.hosts, bare.kib);
	return 0;
}

int main(int argc, char **argv)
{
	static const int sizes[] = { 1000, 4000 };
	conf.rounds = argc > 2 ? atoi(argv[2]) : conf.rounds;
	conf.window = argc > 3 ? atoi(argv[3]) : conf.window;
	if (argc > 1)
		conf.hosts = atoi(argv[1]);
	if (conf.hosts < 1 || conf.hosts > 20000 || conf.rounds < 1 || conf.window < 1) {
		fprintf(stderr, "usage: refresh [HOSTS [REQUESTS [WINDOW]]]\n");
		return 64;
	}
	if (argc > 1)
		return bench();
	/* Each size in a process of its own, so that its memory is its own. */
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			conf.hosts = sizes[i];
			exit(bench());
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			return 1;
	}
	return 0;
}
