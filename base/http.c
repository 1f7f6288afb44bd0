#include "base/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/http_silent.h"
#include "base/http_transfer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	TIMEOUT_MS = 60000, STALL_MS = 60000,
	BODY_MAX = 16 << 20,
	EASY_KEPT = 32,              /* idle easy handles; about 5 KiB each */
	BATCH = 64,                  /* sockets served in one go */
};

/* One curl multi and the hosts given to it. Its sockets are in an epoll set of their own, watched as one by the loop:
 * curl adds and removes a socket on every transfer, and this makes that one system call instead of five. */
struct shard {
	struct http *h;
	CURLM *multi;
	int epoll;
	unsigned hosts;
	unsigned busy;               /* transfers; the loop is held open by them only */
	unsigned closing;            /* handles not yet closed, once the shard is being freed */
	uv_poll_t poll;
	uv_timer_t timer;
	struct http_sockets shared;  /* with HTTP/2: what requests share and wait on */
};

struct host {
	struct shard *shard;
	struct slots slots;
	UT_hash_handle hh;
	char key[];                  /* "https://name:443" */
};

struct http {
	struct loop *l;
	unsigned per_host;
	bool http2;
	char *user_agent;
	struct host *hosts;
	VEC(struct shard *) shards;
	VEC(CURL *) idle;
	unsigned busy;
};

/* --- curl on the loop ------------------------------------------------------------------------------------------------ */

static void collect_done(struct shard *s)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &left));) {
		struct transfer *x = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		x->done = true;
		x->code = m->data.result;
		task_wake(x->t);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct shard *s = timer->data;
	int running;
	curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_done(s);
}

static void on_sockets(uv_poll_t *poll, int status, int events)
{
	struct shard *s = poll->data;
	struct epoll_event ev[BATCH];
	int running, n = epoll_wait(s->epoll, ev, BATCH, 0);
	(void)status;
	(void)events;
	for (int i = 0; i < n; i++) {
		int mask = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(s->multi, ev[i].data.fd, mask, &running);
	}
	collect_done(s);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct shard *s = arg;
	(void)multi;
	if (ms < 0) {
		uv_timer_stop(&s->timer);
		return 0;
	}
	uv_update_time(loop_uv(s->h->l));
	uv_timer_start(&s->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct shard *s = arg;
	struct epoll_event ev = { .data.fd = fd };
	(void)easy;
	if (s->h->http2)
		http_sockets_note(&s->shared, fd, what != CURL_POLL_REMOVE);
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	/* What curl remembers and what the kernel knows differ where a socket was closed and its number taken again. */
	int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, second = known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (epoll_ctl(s->epoll, first, fd, &ev) != 0 && epoll_ctl(s->epoll, second, fd, &ev) != 0)
		BUG("socket %d cannot be watched: %s", (int)fd, strerror(errno));
	curl_multi_assign(s->multi, fd, s);
	return 0;
}

static struct shard *shard_new(struct http *h)
{
	struct shard *s = xcalloc(1, sizeof(*s));
	uv_loop_t *uv = loop_uv(h->l);
	s->h = h;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->multi = curl_multi_init();
	if (s->epoll < 0 || !s->multi || uv_poll_init(uv, &s->poll, s->epoll) != 0)
		BUG("no HTTP client: out of file descriptors?");
	uv_timer_init(uv, &s->timer);
	s->timer.data = s->poll.data = s;
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_HOSTS_PER_MULTI * h->per_host + 8);
	/* Our own slots keep the limit; curl's would queue inside the request's time. */
	curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
	curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, (long)(h->http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
	curl_multi_setopt(s->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)h->per_host);
	uv_poll_start(&s->poll, UV_READABLE, on_sockets);
	uv_unref((uv_handle_t *)&s->poll);
	uv_unref((uv_handle_t *)&s->timer);
	return s;
}

static void shard_closed(uv_handle_t *handle)
{
	struct shard *s = handle->data;
	if (--s->closing == 0)
		free(s);
}

static void shard_free(struct shard *s)
{
	curl_multi_cleanup(s->multi);
	uv_timer_stop(&s->timer);
	uv_poll_stop(&s->poll);
	close(s->epoll);
	vec_free(&s->shared.fd);
	s->closing = 2;
	uv_close((uv_handle_t *)&s->poll, shard_closed);
	uv_close((uv_handle_t *)&s->timer, shard_closed);
}

static void shard_begin(struct shard *s)
{
	s->h->busy++;
	if (s->busy++ == 0) {
		uv_ref((uv_handle_t *)&s->poll);
		uv_ref((uv_handle_t *)&s->timer);
	}
}

static void shard_end(struct shard *s)
{
	s->h->busy--;
	if (--s->busy == 0) {
		uv_unref((uv_handle_t *)&s->poll);
		uv_unref((uv_handle_t *)&s->timer);
	}
}

struct http *http_new(struct loop *l, const struct http_options *o)
{
	static bool ready;
	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		BUG("libcurl does not start");
	ready = true;
	struct http *h = xcalloc(1, sizeof(*h));
	h->l = l;
	h->per_host = o && o->per_host ? o->per_host : 1;
	h->http2 = o && o->http2;
	h->user_agent = xstrdup(o && o->user_agent ? o->user_agent : "aipc/" AIPC_VERSION);
	return h;
}

void http_free(struct http *h)
{
	struct host *host, *next;
	if (!h)
		return;
	if (h->busy)
		BUG("http_free with %u requests under way", h->busy);
	HASH_ITER(hh, h->hosts, host, next) {
		HASH_DEL(h->hosts, host);   /* NOLINT(clang-analyzer-unix.Malloc): HASH_ITER has its next one already */
		free(host);
	}
	for (size_t i = 0; i < h->shards.len; i++)
		shard_free(h->shards.at[i]);
	for (size_t i = 0; i < h->idle.len; i++)
		curl_easy_cleanup(h->idle.at[i]);
	vec_free(&h->shards);
	vec_free(&h->idle);
	free(h->user_agent);
	free(h);
}

/* --- hosts ------------------------------------------------------------------------------------------------------------ */

static struct host *host_of(struct http *h, const char *key)
{
	struct host *host;
	size_t len = strlen(key);
	HASH_FIND_STR(h->hosts, key, host);
	if (host)
		return host;
	if (!h->shards.len || h->shards.at[h->shards.len - 1]->hosts >= HTTP_HOSTS_PER_MULTI)
		vec_push(&h->shards, shard_new(h));
	host = xcalloc(1, sizeof(*host) + len + 1);
	memcpy(host->key, key, len);
	host->shard = h->shards.at[h->shards.len - 1];
	host->shard->hosts++;
	host->slots.limit = h->per_host;
	HASH_ADD_STR(h->hosts, key, host);
	return host;
}

/* Splits the URL: fills X's host and port, finds who serves it. */
static int find_host(struct http *h, struct transfer *x, struct host **out, struct err *err)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *name = NULL, *port = NULL;
	int rc = 0;
	if (curl_url_set(u, CURLUPART_URL, x->q->url, 0) != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &name, 0) != CURLUE_OK || curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		rc = err_set(err, E_INPUT, "'%.200s' is no http or https address", x->q->url);
	} else {
		autofree char *key = xasprintf("%s://%s:%s", scheme, name, port);
		x->host = xstrdup(name);
		x->port = atoi(port);
		*out = host_of(h, key);
	}
	curl_free(scheme);
	curl_free(name);
	curl_free(port);
	curl_url_cleanup(u);
	return rc;
}

static void take_handle(struct http *h, struct transfer *x)
{
	x->easy = h->idle.len ? h->idle.at[--h->idle.len] : curl_easy_init();
	if (!x->easy)
		abort();
	curl_easy_setopt(x->easy, CURLOPT_USERAGENT, h->user_agent);
}

static void give_handle(struct http *h, struct transfer *x)
{
	if (!x->easy)
		return;
	curl_easy_reset(x->easy);
	if (h->idle.len < EASY_KEPT)
		vec_push(&h->idle, x->easy);
	else
		curl_easy_cleanup(x->easy);
}

/* --- one transfer -------------------------------------------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Waits until curl is done with X, or one of its clocks has run out. */
static int wait_done(struct transfer *x, int64_t end, struct err *err)
{
	int64_t stall = x->q->stall_ms ? x->q->stall_ms : STALL_MS, limit = x->q->timeout_ms ? x->q->timeout_ms : TIMEOUT_MS;
	while (!x->done) {
		int64_t now = clock_now_ms(), old = task_deadline(x->t);
		/* Until the connection stands, connect_ms is the clock. */
		int64_t stalled = x->attempts ? x->moved_at + stall : TASK_FOREVER;
		if (now >= end)
			return err_set(err, E_TIMEOUT, "%s: no complete answer in %g s", x->host, (double)limit / 1000);
		if (now >= stalled)
			return err_set(err, E_TIMEOUT, "%s: nothing sent or received for %g s", x->host, (double)stall / 1000);
		/* Connecting done, the stall clock starts: look again then. */
		int64_t next = sooner(end, x->attempts ? stalled : now + stall);
		task_deadline_in(x->t, next - now);
		int rc = task_park(x->t, NULL);
		task_deadline_restore(x->t, old);
		if (x->done)
			break;
		if (rc == E_CANCELED)
			return err_set(err, rc, "%s: cancelled", x->host);
		if (rc == E_TIMEOUT && clock_now_ms() >= old)
			return err_set(err, rc, "%s: the time allowed for it has passed", x->host);
	}
	return 0;
}

static bool may_try_again(const struct transfer *x)
{
	long connects = 1;
	if (x->attempts >= x->allowed || x->headers.len || x->body.len || x->moved > 0)
		return false;
	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0 && transfer_broke(x);
}

static int run_once(struct transfer *x, int64_t end, struct err *err)
{
	x->done = x->headed = false;
	x->text[0] = '\0';
	shard_begin(x->shard);
	if (curl_multi_add_handle(x->shard->multi, x->easy) != CURLM_OK)
		BUG("curl_multi_add_handle failed");
	int rc = wait_done(x, end, err);
	if (rc == E_TIMEOUT && x->attempts && http_sockets_end_silent(&x->shard->shared, x->local_port, clock_now_ms() - x->moved_at))
		log_debug("%s:%d was silent: its connection is given up", x->host, x->port);
	curl_multi_remove_handle(x->shard->multi, x->easy);
	shard_end(x->shard);
	if (x->code == CURLE_OK && !x->headed)
		x->code = CURLE_PARTIAL_FILE;        /* for curl a connection that ends within the headers ends them */
	return rc;
}

static int64_t retry_after(const char *value)
{
	if (!value)
		return -1;
	size_t digits = strspn(value, "0123456789");
	if (digits && !value[digits])
		return digits > 9 ? INT64_C(999999999) * 1000 : strtoll(value, NULL, 10) * 1000;
	time_t when = curl_getdate(value, NULL);
	if (when == (time_t)-1)
		return -1;
	int64_t ms = (int64_t)when * 1000 - clock_wall_ms();
	return ms > 0 ? ms : 0;
}

static void fill(struct transfer *x, struct http_response *out)
{
	out->status = transfer_status(x);
	out->len = x->body.len;
	out->body = str_take(&x->body);
	out->headers = x->headers.at;
	out->n_headers = x->headers.len;
	x->headers.at = NULL;
	x->headers.len = x->headers.cap = 0;
	out->retry_after_ms = retry_after(http_header(out, "Retry-After"));
}

static int transfer(struct transfer *x, struct http_response *out, struct err *err)
{
	int64_t now = clock_now_ms(), limit = x->q->timeout_ms ? x->q->timeout_ms : TIMEOUT_MS;
	int64_t end = limit > TASK_FOREVER - now ? TASK_FOREVER : now + limit;
	bool safe = strcmp(x->q->method, "GET") == 0 || strcmp(x->q->method, "HEAD") == 0;
	x->allowed = safe ? 2 : 1;
	int rc = run_once(x, end, err);
	if (rc == 0 && may_try_again(x)) {
		curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L);
		rc = run_once(x, end, err);
	}
	out->sent = x->attempts > 0;
	if (rc)
		return rc;
	if (x->code != CURLE_OK && !x->ended && !transfer_refused(x))
		return transfer_failure(x, err);
	fill(x, out);
	log_debug("%s %s:%d gives %d", x->q->method, x->host, x->port, out->status);
	return 0;
}

int http_do(struct task *t, struct http *h, const struct http_request *req, struct http_response *out, struct err *err)
{
	struct transfer x = { .t = t, .q = req, .http2 = h->http2 };
	struct host *host = NULL;
	*out = (struct http_response){ .retry_after_ms = -1 };
	str_init(&x.body, req->max_body ? req->max_body : BODY_MAX);
	int rc = find_host(h, &x, &host, err);
	if (rc == 0)
		rc = slots_take(t, &host->slots, err);
	if (rc == 0) {
		x.shard = host->shard;
		take_handle(h, &x);
		rc = transfer_set_up(&x, err);
		if (rc == 0)
			rc = transfer(&x, out, err);
		slots_give(&host->slots);
	}
	give_handle(h, &x);
	transfer_release(&x);
	return rc;
}

void http_response_release(struct http_response *r)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		free((char *)r->headers[i].name);
		free((char *)r->headers[i].value);
	}
	free(r->headers);
	free(r->body);
	*r = (struct http_response){ 0 };
}

const char *http_header(const struct http_response *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}
