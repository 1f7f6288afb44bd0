/* httpd - HTTP(S) server on the task loop: libmicrohttpd in external epoll mode, never a thread of its own.
 *
 * Every request runs in a task of its own once its body is there; the connection is suspended while the task waits, so a
 * slow handler costs nothing. A peer that goes away (half-closing counts) cancels the task. Used by the simulator, later by the runtime's probes, webhooks and gateway.
 */
#ifndef BASE_HTTPD_H
#define BASE_HTTPD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/task.h"

struct httpd;
struct httpd_stream;

struct httpd_request {
	const char *method;
	const char *path;            /* percent-decoded, without query */
	const char *query;           /* raw, behind '?', or "" */
	const char *body; size_t len;         /* collected body; empty when it went to the body sink */
	void *body_ctx;              /* what body_open returned for this request, or NULL */
	struct in_addr local;        /* address the peer connected to: tells simulated BMCs apart; 0 over IPv6 */
	struct in_addr peer;
	const char *(*header)(const struct httpd_request *r, const char *name);   /* any case; NULL when absent */
	void *priv;
};

struct httpd_reply {
	int status;                  /* 0: send nothing and drop the connection */
	char *body; size_t len;      /* owned by the server from here; NULL: empty */
	struct { char *name, *value; } headers[16]; unsigned n_headers;   /* by httpd_reply_header */
	bool close;                  /* close the connection behind this reply */
	/* Streaming (server-sent events, watch): when set, called in the request's task to write pieces; status and headers
	 * are sent first. httpd_write waits while the peer reads slowly. */
	int (*stream)(struct task *t, struct httpd_stream *s, void *arg, struct err *err); void *stream_arg;
};
void httpd_reply_header(struct httpd_reply *r, const char *name, const char *value);   /* copies */
void httpd_reply_text(struct httpd_reply *r, int status, const char *type, const char *text);   /* copies */
int httpd_write(struct task *t, struct httpd_stream *s, const void *data, size_t len, struct err *err) MUST_CHECK;

/* Answers one request, in a task. A failure gives 500 and a debug log line. */
typedef int httpd_fn(struct task *t, void *ctx, const struct httpd_request *req, struct httpd_reply *reply, struct err *err);

struct httpd_options {
	struct in_addr addr;         /* address to listen on */
	const struct in6_addr *addr6;        /* not NULL: the address instead; :: takes IPv4 as well. Borrowed until httpd_start returns */
	unsigned short port;         /* 0: any free one */
	size_t max_body;             /* collected body; beyond it 413; 0: 1 MiB */
	unsigned max_connections;    /* 0: 1000 */
	int idle_s;                  /* idle connections are closed after so long; 0: never */
	httpd_fn *handler; void *ctx;
	/* TLS when tls is set. For each new connection `cert` is asked for the PEM chain and key to show on that local
	 * address; the strings are borrowed for the life of the server (the result is cached per address). */
	bool tls;
	int (*cert)(void *ctx, struct in_addr local, const char **cert_pem, const char **key_pem);
	/* Request bodies too large to collect: return non-NULL from body_open to have the pieces passed to body_data
	 * (return non-zero to refuse with 413) and, when the request is over for whatever reason, body_close. May be NULL. */
	void *(*body_open)(void *ctx, const struct httpd_request *req);
	int (*body_data)(void *body_ctx, const char *data, size_t len);
	void (*body_close)(void *body_ctx);
	/* Asked when a connection is accepted: false drops it at once. May be NULL. */
	bool (*accept)(void *ctx, struct in_addr local, struct in_addr peer);
};

/* The options are copied. Handlers run in tasks of the scope S, which must outlive the server. */
int httpd_start(struct task *t, struct scope *s, const struct httpd_options *o, struct httpd **out, struct err *err) MUST_CHECK;
unsigned short httpd_port(const struct httpd *h);
/* Stops listening, lets running handlers end (at most GRACE_MS), closes the rest, frees. */
void httpd_stop(struct task *t, struct httpd *h, int64_t grace_ms);

#endif
