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
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	CONNECT_MS = 8000, TIMEOUT_MS = 60000, STALL_MS = 60000,
	BODY_MAX = 16 << 20,
	HEADERS_MAX = 256 * 1024,    /* bytes of all headers of one reply */
	HEADER_COUNT_MAX = 512,
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

/* One request under way. Lives on its task's stack; the callbacks of curl fill it. */
struct transfer {
	struct task *t;
	const struct http_request *q;
	struct shard *shard;
	CURL *easy;
	char *host;                  /* for messages */
	int port, local_port;
	struct str body;
	VEC(struct http_header) headers;
	size_t header_bytes;
	FILE *file;
	curl_off_t file_size;
	struct curl_slist *list;
	curl_mime *mime;
	int64_t moved_at;            /* when a byte last went either way */
	curl_off_t moved, uploaded;
	unsigned attempts;           /* how often curl was about to send the request */
	unsigned allowed;            /* how often it may be */
	struct curl_slist *connect_to;
	bool sinking, asked;         /* the body goes to the sink; whether sink_wanted was asked */
	bool done, too_large, headers_too_large, ended, refused_replay, file_failed;
	CURLcode code;
	char text[CURL_ERROR_SIZE];
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

/* --- what curl asks and tells during a transfer -------------------------------------------------------------------------- */

/* Called when the connection stands and the request is about to go out. On a reused connection that dies curl starts over by
 * itself, whatever the method: that must not repeat what may already have had an effect. */
static int on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct transfer *x = arg;
	(void)ip;
	(void)local_ip;
	(void)port;
	x->local_port = local_port;
	if (x->attempts >= x->allowed) {
		x->refused_replay = true;
		return CURL_PREREQFUNC_ABORT;
	}
	x->attempts++;
	x->moved_at = clock_now_ms();
	return CURL_PREREQFUNC_OK;
}

static void drop_headers(struct transfer *x)
{
	for (size_t i = 0; i < x->headers.len; i++) {
		free((char *)x->headers.at[i].name);
		free((char *)x->headers.at[i].value);
	}
	vec_free(&x->headers);
	x->header_bytes = 0;
}

/* Where the body goes. A reply that has nothing to say for long is asked about as well. */
static void ask_sink(struct transfer *x)
{
	long status = 0;
	if (!x->q->sink || x->asked)
		return;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return;
	x->sinking = !x->q->sink_wanted || x->q->sink_wanted(x->q->sink_arg, (int)status);
	x->asked = true;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct transfer *x = arg;
	size_t end = len * one, name = 0;
	if (end >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		drop_headers(x);
		return end;
	}
	x->header_bytes += end;
	if (x->header_bytes > HEADERS_MAX || x->headers.len >= HEADER_COUNT_MAX) {
		x->headers_too_large = true;
		return 0;
	}
	while (end && strchr("\r\n \t", line[end - 1]) && line[end - 1])
		end--;
	if (!end)
		ask_sink(x);
	while (name < end && line[name] != ':')
		name++;
	if (name == end)
		return len * one;
	size_t value = name + 1;
	while (value < end && (line[value] == ' ' || line[value] == '\t'))
		value++;
	vec_push(&x->headers, (struct http_header){ xstrndup(line, name), xstrndup(line + value, end - value) });
	return len * one;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct transfer *x = arg;
	len *= one;
	ask_sink(x);
	if (x->sinking) {
		x->ended = x->q->sink(x->q->sink_arg, data, len) != 0;
		return x->ended ? CURL_WRITEFUNC_ERROR : len;
	}
	str_addn(&x->body, data, len);
	x->too_large = str_full(&x->body);
	return x->too_large ? CURL_WRITEFUNC_ERROR : len;
}

static size_t on_read(char *to, size_t one, size_t n, void *arg)
{
	struct transfer *x = arg;
	size_t got = fread(to, 1, one * n, x->file);
	if (got == 0 && ferror(x->file)) {
		x->file_failed = true;
		return CURL_READFUNC_ABORT;
	}
	return got;
}

static int on_seek(void *arg, curl_off_t offset, int whence)
{
	struct transfer *x = arg;
	return fseeko(x->file, offset, whence) == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct transfer *x = arg;
	(void)down_total;
	if (down + up != x->moved) {
		x->moved = down + up;
		x->moved_at = clock_now_ms();
	}
	if (up != x->uploaded && x->q->progress)
		x->q->progress(x->q->progress_arg, (uint64_t)up, (uint64_t)(up_total > 0 ? up_total : 0));
	x->uploaded = up;
	return 0;
}

/* --- setting a transfer up --------------------------------------------------------------------------------------------------- */

static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 127 || strchr("()<>@,;:\\\"/[]?={}", *s))
			return false;
	return true;
}

static bool is_clean(const char *s)
{
	for (; *s; s++)
		if (*s == '\r' || *s == '\n')
			return false;
	return true;
}

static void add_line(struct transfer *x, const char *line)
{
	struct curl_slist *list = curl_slist_append(x->list, line);
	if (!list)
		abort();
	x->list = list;
}

static int set_headers(struct transfer *x, struct err *err)
{
	bool typed = false;
	for (size_t i = 0; i < x->q->n_headers; i++) {
		const struct http_header *f = &x->q->headers[i];
		if (!is_token(f->name) || !is_clean(f->value))
			return err_set(err, E_INPUT, "%s: the header '%.100s' cannot be sent: it breaks the line", x->host, f->name);
		autofree char *line = f->value[0] ? xasprintf("%s: %s", f->name, f->value) : xasprintf("%s;", f->name);
		add_line(x, line);
		typed = typed || strcasecmp(f->name, "Content-Type") == 0;
	}
	add_line(x, "Expect:");
	if (!typed && !x->q->n_parts)
		add_line(x, "Content-Type:");
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->list);
	return 0;
}

static int set_parts(struct transfer *x, struct err *err)
{
	x->mime = curl_mime_init(x->easy);
	for (size_t i = 0; i < x->q->n_parts; i++) {
		const struct http_part *p = &x->q->parts[i];
		curl_mimepart *part = curl_mime_addpart(x->mime);
		curl_mime_name(part, p->name);
		if (p->file && curl_mime_filedata(part, p->file) != CURLE_OK)
			return err_errno(err, "cannot read %s", p->file);
		if (!p->file)
			curl_mime_data(part, p->data ? p->data : "", p->len);
		if (p->filename)
			curl_mime_filename(part, p->filename);
		if (p->type)
			curl_mime_type(part, p->type);
	}
	curl_easy_setopt(x->easy, CURLOPT_MIMEPOST, x->mime);
	return 0;
}

static int set_file(struct transfer *x, struct err *err)
{
	x->file = fopen(x->q->body_file, "rbe");
	if (!x->file)
		return err_errno(err, "cannot open %s", x->q->body_file);
	if (fseeko(x->file, 0, SEEK_END) != 0 || (x->file_size = ftello(x->file)) < 0 || fseeko(x->file, 0, SEEK_SET) != 0)
		return err_errno(err, "cannot read %s", x->q->body_file);
	curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, x->file_size);
	curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
	return 0;
}

static int set_body(struct transfer *x, struct err *err)
{
	static const char *const always_with_length[] = { "POST", "PUT", "PATCH" };
	const struct http_request *q = x->q;
	bool empty = false;
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(always_with_length); i++)
		empty = empty || strcmp(q->method, always_with_length[i]) == 0;
	if (q->n_parts) {
		rc = set_parts(x, err);
	} else if (q->body_file) {
		rc = set_file(x, err);
	} else if (q->body || empty) {
		curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, q->body ? q->body : "");
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(q->body ? q->body_len : 0));
	} else if (strcmp(q->method, "HEAD") == 0) {
		curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
		return 0;
	}
	if (rc == 0)
		curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, q->method);
	return rc;
}

static struct curl_blob blob(const char *pem)
{
	return (struct curl_blob){ .data = (char *)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY };
}

static void set_texts(CURL *e, const struct http_trust *trust)
{
	const struct { CURLoption option; const char *pem; } texts[] = {
		{ CURLOPT_CAINFO_BLOB, trust->pin || trust->insecure ? NULL : trust->ca_pem },
		{ CURLOPT_SSLCERT_BLOB, trust->cert_pem }, { CURLOPT_SSLKEY_BLOB, trust->key_pem },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].pem) {
			struct curl_blob b = blob(texts[i].pem);
			curl_easy_setopt(e, texts[i].option, &b);
		}
}

static void set_trust(struct transfer *x)
{
	static const struct http_trust system_cas;
	const struct http_trust *trust = x->q->trust ? x->q->trust : &system_cas;
	CURL *e = x->easy;
	bool verify = !trust->pin && !trust->insecure;
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (trust->pin)
		curl_easy_setopt(e, CURLOPT_PINNEDPUBLICKEY, trust->pin);
	/* A CA file replaces the system's CAs, the folder of them included. What is not verified needs none: loading them would
	 * cost more memory than the rest of the connection. */
	if (trust->ca_file || trust->ca_pem || !verify) {
		curl_easy_setopt(e, CURLOPT_CAINFO, verify && !trust->ca_pem ? trust->ca_file : NULL);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	set_texts(e, trust);
	if (trust->cert_file && !trust->cert_pem)
		curl_easy_setopt(e, CURLOPT_SSLCERT, trust->cert_file);
	if (trust->key_file && !trust->key_pem)
		curl_easy_setopt(e, CURLOPT_SSLKEY, trust->key_file);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, x->shard->h->http2 ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, -1L);
}

static void set_plumbing(struct transfer *x)
{
	CURL *e = x->easy;
	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->text);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "identity");     /* and what comes compressed even so is unpacked */
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	/* Curl 7.88 writes up to its default of 16384 bytes of an HTTP/2 stream into the buffer of a handle that is used again, whatever
	 * size that has: a smaller one is overrun as soon as two long replies share a connection. */
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, x->shard->h->http2 ? 65536L : 8192L);
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)(x->shard->h->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	/* A further request waits to learn whether the connection just being made can be shared. */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, x->shard->h->http2 ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(x->q->connect_ms ? x->q->connect_ms : CONNECT_MS));
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_send);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, x);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
}

/* Another name for TLS: the URL is written with it, and the connection is made to where the real one says. */
static int set_server_name(struct transfer *x, struct err *err)
{
	const char *name = x->q->trust ? x->q->trust->server_name : NULL;
	char *port = NULL, *url = NULL;
	if (!name)
		return 0;
	CURLU *u = curl_url();
	bool ok = curl_url_set(u, CURLUPART_URL, x->q->url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		  curl_url_set(u, CURLUPART_HOST, name, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK;
	if (ok) {
		autofree char *to = xasprintf("%s:%s:%s:%d", name, port, x->host, x->port);
		autofree char *host = xasprintf("Host: %s:%d", x->host, x->port);
		x->connect_to = curl_slist_append(NULL, to);
		if (!x->connect_to)
			abort();
		add_line(x, host);
		curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect_to);
		curl_easy_setopt(x->easy, CURLOPT_URL, url);
	}
	curl_free(port);
	curl_free(url);
	curl_url_cleanup(u);
	return ok ? 0 : err_set(err, E_INPUT, "%s: '%.100s' is no server name", x->host, name);
}

static int set_up(struct http *h, struct transfer *x, struct err *err)
{
	if (!is_token(x->q->method))
		return err_set(err, E_INPUT, "%s: '%.40s' is no HTTP method", x->host, x->q->method);
	x->easy = h->idle.len ? h->idle.at[--h->idle.len] : curl_easy_init();
	if (!x->easy)
		abort();
	set_plumbing(x);
	set_trust(x);
	curl_easy_setopt(x->easy, CURLOPT_USERAGENT, h->user_agent);
	if (curl_easy_setopt(x->easy, CURLOPT_URL, x->q->url) != CURLE_OK)
		return err_set(err, E_INPUT, "%s: the address is too long", x->host);
	int rc = set_server_name(x, err);
	if (rc == 0)
		rc = set_headers(x, err);
	return rc ? rc : set_body(x, err);
}

static void tear_down(struct http *h, struct transfer *x)
{
	drop_headers(x);
	str_release(&x->body);
	curl_slist_free_all(x->list);
	curl_slist_free_all(x->connect_to);
	curl_mime_free(x->mime);
	if (x->file)
		fclose(x->file);
	free(x->host);
	if (!x->easy)
		return;
	curl_easy_reset(x->easy);
	if (h->idle.len < EASY_KEPT)
		vec_push(&h->idle, x->easy);
	else
		curl_easy_cleanup(x->easy);
}

/* --- what a failure means -------------------------------------------------------------------------------------------------------- */

static const char *phase(CURL *e)
{
	curl_off_t looked_up = 0;
	long connected = 0;
	curl_easy_getinfo(e, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
	/* Curl asks for it once TCP stands; its CONNECT_TIME comes only behind TLS. */
	curl_easy_getinfo(e, CURLINFO_LOCAL_PORT, &connected);
	return !looked_up ? "name lookup" : !connected ? "TCP connect" : "TLS handshake";
}

/* Curl's text without the phrases that only its authors need. */
static const char *detail(const struct transfer *x)
{
	static const char *const prefixes[] = { "SSL certificate problem: ", "SSL: " };
	const char *s = x->text[0] ? x->text : curl_easy_strerror(x->code);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_has_prefix(s, prefixes[i]))
			return s + strlen(prefixes[i]);
	return s;
}

static int untrusted(const struct transfer *x, struct err *err)
{
	if (x->code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
		return err_set(err, E_DENIED, "%s: the key of its certificate is not the pinned one", x->host);
	if (strstr(x->text, "does not match") || strstr(x->text, "no alternative certificate subject name"))
		return err_set(err, E_DENIED, "%s: certificate is for another host name", x->host);
	return err_set(err, E_DENIED, "%s: certificate is not trusted: %s", x->host, detail(x));
}

static int refused(const struct transfer *x, struct err *err)
{
	long os = 0;
	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &os);
	return err_set(err, E_UNREACHABLE, "%s: cannot connect to port %d: %s", x->host, x->port, os ? strerror((int)os) : detail(x));
}

static int stopped_by_us(const struct transfer *x, struct err *err)
{
	if (x->too_large)
		return err_set(err, E_INPUT, "%s: the reply is larger than the limit of %zu bytes", x->host, x->body.max);
	if (x->headers_too_large)
		return err_set(err, E_INPUT, "%s: the headers of the reply are larger than the limit of %d KiB", x->host, HEADERS_MAX / 1024);
	if (x->file_failed)
		return err_set(err, E_IO, "%s: cannot read %s", x->host, x->q->body_file);
	if (x->refused_replay)
		return err_set(err, E_UNREACHABLE, "%s: closed the connection without an answer", x->host);
	return err_set(err, E_UNREACHABLE, "%s: %s", x->host, detail(x));
}

static int failure(const struct transfer *x, struct err *err)
{
	const struct http_trust *trust = x->q->trust;
	int64_t connect_ms = x->q->connect_ms ? x->q->connect_ms : CONNECT_MS;
	switch (x->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, E_UNREACHABLE, "%s: no address is known for this name", x->host);
	case CURLE_COULDNT_CONNECT:
		return refused(x, err);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(err, E_TIMEOUT, "%s: no answer in %g s (%s)", x->host, (double)connect_ms / 1000, phase(x->easy));
	case CURLE_PEER_FAILED_VERIFICATION: case CURLE_SSL_PINNEDPUBKEYNOTMATCH: case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return untrusted(x, err);
	case CURLE_SSL_CACERT_BADFILE: case CURLE_SSL_CRL_BADFILE:
		return err_set(err, E_IO, "%s: the CA file %s cannot be used", x->host, trust && trust->ca_file ? trust->ca_file : "of the system");
	case CURLE_SSL_CERTPROBLEM:
		return err_set(err, E_IO, "%s: the client certificate cannot be used: %s", x->host, detail(x));
	case CURLE_SSL_CONNECT_ERROR: case CURLE_SSL_CIPHER:
		return err_set(err, E_UNREACHABLE, "%s: TLS handshake failed: %s", x->host, detail(x));
	case CURLE_GOT_NOTHING: case CURLE_SEND_FAIL_REWIND:
		return err_set(err, E_UNREACHABLE, "%s: closed the connection without an answer", x->host);
	case CURLE_SEND_ERROR: case CURLE_RECV_ERROR:
		return err_set(err, E_UNREACHABLE, "%s: the connection broke: %s", x->host, detail(x));
	case CURLE_PARTIAL_FILE:
		return err_set(err, E_UNREACHABLE, "%s: the connection closed in the middle of the reply", x->host);
	case CURLE_UNSUPPORTED_PROTOCOL: case CURLE_WEIRD_SERVER_REPLY: case CURLE_BAD_CONTENT_ENCODING:
		return err_set(err, E_INPUT, "%s: the reply is not HTTP", x->host);
	case CURLE_URL_MALFORMAT: case CURLE_LOGIN_DENIED:
		return err_set(err, E_INPUT, "'%.200s' is no http or https address", x->q->url);
	case CURLE_READ_ERROR:
		return err_set(err, E_IO, "%s: cannot read what was to be sent", x->host);
	default:
		return stopped_by_us(x, err);
	}
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
	return connects == 0 && (x->code == CURLE_GOT_NOTHING || x->code == CURLE_RECV_ERROR || x->code == CURLE_SEND_ERROR);
}

static int run_once(struct transfer *x, int64_t end, struct err *err)
{
	x->done = false;
	x->text[0] = '\0';
	shard_begin(x->shard);
	if (curl_multi_add_handle(x->shard->multi, x->easy) != CURLM_OK)
		BUG("curl_multi_add_handle failed");
	int rc = wait_done(x, end, err);
	if (rc == E_TIMEOUT && x->attempts && http_sockets_end_silent(&x->shard->shared, x->local_port, clock_now_ms() - x->moved_at))
		log_debug("%s:%d was silent: its connection is given up", x->host, x->port);
	curl_multi_remove_handle(x->shard->multi, x->easy);
	shard_end(x->shard);
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
	long status = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
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
	if (x->code != CURLE_OK && !x->ended)
		return failure(x, err);
	fill(x, out);
	log_debug("%s %s:%d gives %d", x->q->method, x->host, x->port, out->status);
	return 0;
}

int http_do(struct task *t, struct http *h, const struct http_request *req, struct http_response *out, struct err *err)
{
	struct transfer x = { .t = t, .q = req };
	struct host *host = NULL;
	*out = (struct http_response){ .retry_after_ms = -1 };
	str_init(&x.body, req->max_body ? req->max_body : BODY_MAX);
	int rc = find_host(h, &x, &host, err);
	if (rc == 0)
		rc = slots_take(t, &host->slots, err);
	if (rc == 0) {
		x.shard = host->shard;
		rc = set_up(h, &x, err);
		if (rc == 0)
			rc = transfer(&x, out, err);
		slots_give(&host->slots);
	}
	tear_down(h, &x);
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
