#include "runtime/probes.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/httpd.h"
#include "base/mem.h"

struct probes {
	struct probes_options o;
	struct httpd *server;
};

static void answer_metrics(struct probes *p, struct httpd_reply *reply)
{
	struct str s;
	str_init(&s, STR_OURS);
	if (p->o.refresh)
		p->o.refresh(p->o.arg, p->o.metrics);
	metrics_write(p->o.metrics, &s);
	httpd_reply_text(reply, 200, METRICS_TYPE, s.at);
	str_release(&s);
}

static void answer_ready(struct probes *p, struct httpd_reply *reply)
{
	struct str why;
	str_init(&why, 4096);
	bool ready = !p->o.ready || p->o.ready(p->o.arg, &why);
	if (!ready && why.len == 0)
		str_add(&why, "not ready");
	httpd_reply_text(reply, ready ? 200 : 503, "text/plain", ready ? "ok" : why.at);
	str_release(&why);
}

static int answer(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *reply, struct err *err)
{
	(void)t;
	(void)err;
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
		httpd_reply_text(reply, 405, "text/plain", "only GET and HEAD");
		httpd_reply_header(reply, "Allow", "GET, HEAD");
	} else if (strcmp(r->path, "/metrics") == 0) {
		answer_metrics(ctx, reply);
	} else if (strcmp(r->path, "/readyz") == 0) {
		answer_ready(ctx, reply);
	} else if (strcmp(r->path, "/healthz") == 0) {
		httpd_reply_text(reply, 200, "text/plain", "ok");
	} else {
		httpd_reply_text(reply, 404, "text/plain", "there are /metrics, /healthz and /readyz");
	}
	return 0;
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* "HOST:PORT", "[IPV6]:PORT", ":PORT" (all addresses of both kinds). *SIX: it is ADDR6. */
static int parse_addr(const char *text, struct in_addr *addr, struct in6_addr *addr6, bool *six, unsigned short *port, struct err *err)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "", *end;
	size_t len = colon ? (size_t)(colon - text) : sizeof(host);
	unsigned long n = colon ? strtoul(colon + 1, &end, 10) : 0;
	if (len >= sizeof(host) || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1] || n > 65535)
		return err_set(err, E_INPUT, "address \"%.80s\": it takes HOST:PORT, [IPV6]:PORT or :PORT, such as 127.0.0.1:9090", text);
	memcpy(host, text, len);
	host[len] = '\0';
	*port = (unsigned short)n;
	*six = len ? host[0] == '[' : has_ipv6();
	if (!len) {
		*addr = (struct in_addr){ INADDR_ANY };
		*addr6 = in6addr_any;
		return 0;
	}
	if (*six && host[len - 1] == ']') {
		host[len - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, addr6) == 1)
			return 0;
	}
	if (*six)
		return err_set(err, E_INPUT, "address \"%.80s\": between the brackets is no IPv6 address", text);
	if (inet_pton(AF_INET, host, addr) == 1)
		return 0;
	return err_set(err, E_INPUT, strchr(host, ':') ? "address \"%.80s\": an IPv6 address stands in brackets, [%s]:%u" : "address \"%.80s\": \"%s\" is no IP address",
		       text, host, *port);
}

int probes_start(struct task *t, struct scope *s, const struct probes_options *o, struct probes **out, struct err *err)
{
	struct httpd_options h = { .max_body = 4096, .max_connections = 64, .idle_s = 60, .handler = answer };
	struct in6_addr addr6;
	bool six = false;
	int rc = parse_addr(o->addr ? o->addr : ":9090", &h.addr, &addr6, &six, &h.port, err);
	if (rc)
		return rc;
	h.addr6 = six ? &addr6 : NULL;
	struct probes *p = xcalloc(1, sizeof(*p));
	p->o = *o;
	h.ctx = p;
	rc = httpd_start(t, s, &h, &p->server, err);
	if (rc) {
		free(p);
		return err_wrap(err, "port for metrics and probes");
	}
	*out = p;
	return 0;
}

unsigned short probes_port(const struct probes *p)
{
	return httpd_port(p->server);
}

void probes_stop(struct task *t, struct probes *p)
{
	if (!p)
		return;
	httpd_stop(t, p->server, 1000);
	free(p);
}
