#include "base/http_transfer.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

enum {
	HEADERS_MAX = 256 * 1024,    /* bytes of all headers of one reply */
	HEADER_COUNT_MAX = 512,
};

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

int transfer_status(const struct transfer *x)
{
	long status = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* Where the body goes. A reply that has nothing to say for long is asked about as well. */
static void ask_sink(struct transfer *x)
{
	if (!x->q->sink || x->asked || transfer_status(x) < 200)
		return;
	x->sinking = !x->q->sink_wanted || x->q->sink_wanted(x->q->sink_arg, transfer_status(x));
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
	if (!end) {
		x->headed = transfer_status(x) >= 200;
		ask_sink(x);
	}
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
	curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, x->http2 ? 1L : 0L);
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
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, x->http2 ? 65536L : 8192L);
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)(x->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	/* A further request waits to learn whether the connection just being made can be shared. */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, x->http2 ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(x->q->connect_ms ? x->q->connect_ms : HTTP_CONNECT_MS));
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

int transfer_set_up(struct transfer *x, struct err *err)
{
	if (!is_token(x->q->method))
		return err_set(err, E_INPUT, "%s: '%.40s' is no HTTP method", x->host, x->q->method);
	set_plumbing(x);
	set_trust(x);
	if (curl_easy_setopt(x->easy, CURLOPT_URL, x->q->url) != CURLE_OK)
		return err_set(err, E_INPUT, "%s: the address is too long", x->host);
	int rc = set_server_name(x, err);
	if (rc == 0)
		rc = set_headers(x, err);
	return rc ? rc : set_body(x, err);
}

void transfer_release(struct transfer *x)
{
	drop_headers(x);
	str_release(&x->body);
	curl_slist_free_all(x->list);
	curl_slist_free_all(x->connect_to);
	curl_mime_free(x->mime);
	if (x->file)
		fclose(x->file);
	free(x->host);
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

int transfer_failure(const struct transfer *x, struct err *err)
{
	const struct http_trust *trust = x->q->trust;
	int64_t connect_ms = x->q->connect_ms ? x->q->connect_ms : HTTP_CONNECT_MS;
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

/* The connection, or its stream of HTTP/2, ended early: one behind the last that a server which goes away will answer is such an error too. */
bool transfer_broke(const struct transfer *x)
{
	return x->code == CURLE_GOT_NOTHING || x->code == CURLE_RECV_ERROR || x->code == CURLE_SEND_ERROR || x->code == CURLE_PARTIAL_FILE ||
	       x->code == CURLE_HTTP2 || x->code == CURLE_HTTP2_STREAM;
}

/* Who refuses may hang up before all of its words are out: a Kubernetes API server gives up the HTTP/2 connection at once behind its 401.
 * The status is the answer, half of the words are none. */
bool transfer_refused(struct transfer *x)
{
	if (!x->headed || x->sinking || transfer_status(x) < 400 || !transfer_broke(x))
		return false;
	str_clear(&x->body);
	return true;
}
