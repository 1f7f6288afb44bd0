/* http - HTTP(S) client for many hosts on one loop: libcurl multi, driven by curl_multi_socket_action.
 *
 * Hosts are spread over multi handles of at most HTTP_HOSTS_PER_MULTI (libcurl walks its pool per transfer). Connections
 * are kept and reused per host, at most `per_host` at once; further requests to that host wait in order.
 * Certificates are verified (chain and name) unless the request's trust says otherwise in so many words.
 * Redirects are not followed. Compression is not asked for (it weakens ETags); a body that
 * comes gzipped even so is unpacked, within max_body. No header value or body is ever logged.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/task.h"

enum { HTTP_HOSTS_PER_MULTI = 1000 };

struct http;

struct http_options {
	unsigned per_host;           /* requests to one host at once; 0: 1. Over HTTP/1.1 that many connections */
	/* HTTP/2 where a TLS server offers it (ALPN): the requests to a host share one connection, as many as the server allows,
	 * and a second one is opened for more. One on which nothing came while a request timed out is given up for all of them.
	 * Without: HTTP/1.1 only, the better tested half of management controllers. */
	bool http2;
	const char *user_agent;      /* NULL: "aipc/VERSION" */
};
struct http *http_new(struct loop *l, const struct http_options *o);
void http_free(struct http *h);  /* closes all connections; no request may be under way; NULL is fine */

/* Whom to trust. All borrowed for the time of the request. Exactly one way: CA file, pin, or insecure; with none of them
 * the system's CAs. */
struct http_trust {
	const char *ca_file;         /* PEM */
	const char *ca_pem;          /* the same as text; wins over ca_file */
	const char *pin;             /* "sha256//BASE64" of the SPKI: the chain and name are then not checked, the key is */
	bool insecure;               /* no verification at all */
	const char *cert_file, *key_file;   /* client certificate, PEM; NULL: none. Read for each new connection */
	const char *cert_pem, *key_pem;     /* the same as text; these win */
	const char *server_name;     /* the name to ask for (SNI) and to find in the certificate instead of the URL's host; NULL: that */
};

struct http_header { const char *name, *value; };

/* One part of a multipart/form-data body; exactly one of DATA and FILE. */
struct http_part {
	const char *name, *filename, *type;  /* filename and type may be NULL */
	const char *data; size_t len;
	const char *file;                    /* streamed from disk */
};

struct http_request {
	const char *method;                  /* "GET", ... */
	const char *url;                     /* absolute */
	const struct http_header *headers; size_t n_headers;
	const struct http_trust *trust;      /* NULL: system CAs */
	const char *body; size_t body_len;   /* or ... */
	const char *body_file;               /* streamed from disk, or ... */
	const struct http_part *parts; size_t n_parts;
	int64_t connect_ms;                  /* 0: 8 s */
	int64_t timeout_ms;                  /* whole request without waiting for a connection slot; 0: 60 s */
	int64_t stall_ms;                    /* no byte either way for so long ends it; 0: 60 s (uploads have no fixed length) */
	size_t max_body;                     /* of the reply; 0: 16 MiB; beyond it the request fails with E_INPUT */
	void (*progress)(void *arg, uint64_t sent, uint64_t total); void *progress_arg;   /* may be NULL */
	/* Streaming: each piece of the reply's body as it comes instead of collecting it, without a cap; return non-zero to end
	 * (http_do then returns 0). Called from the loop: it must not wait, nor start a request. May be NULL. */
	int (*sink)(void *arg, const char *data, size_t len); void *sink_arg;
	/* Asked once, with the reply's status (200 or more), when its headers are there: false collects the body as without a sink. NULL:
	 * every body goes to the sink. */
	bool (*sink_wanted)(void *arg, int status);
};

struct http_response {
	int status;                          /* 100..599 */
	char *body; size_t len;              /* terminated; "" when empty */
	struct http_header *headers; size_t n_headers;   /* owned; in order of arrival, of the final reply only */
	int64_t retry_after_ms;              /* of Retry-After (seconds or date), -1 when absent */
	bool sent;                           /* also on failure: a byte of the request may have reached the peer, so it may
	                                      * have acted on it; false means that it certainly has not */
};

/* Performs one request. Returns 0 for every complete reply, whatever its status, and for one of 400 or more whose body was
 * cut short by the end of the connection: its body is then empty. On failure OUT holds only `sent`:
 *   E_UNREACHABLE no connection, or it broke   E_TIMEOUT a deadline passed, connect_ms too
 *   E_DENIED certificate not trusted (says why) E_CANCELED
 *   E_INPUT reply too large or not HTTP; bad URL, method or header
 *   E_IO, E_NOTFOUND  body_file, a part's file, ca_file, cert_file
 * A GET or HEAD on a reused connection that the peer had closed is tried once more on a fresh one; nothing else is. */
int http_do(struct task *t, struct http *h, const struct http_request *req, struct http_response *out, struct err *err) MUST_CHECK;
void http_response_release(struct http_response *r);   /* zeroed is fine */
const char *http_header(const struct http_response *r, const char *name);   /* first of that name, any case; NULL */

#endif
