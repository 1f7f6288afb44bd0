/* server - a scripted API server on the loop of the test, and a client of it. */
#ifndef TESTS_KUBE_SERVER_H
#define TESTS_KUBE_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/httpd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/client.h"

struct world {
	struct httpd *h;
	char *url;
	struct scope *servers;
	struct kube *k;
	void *ctx;                   /* the handler's */
	httpd_fn *handler;
	const struct kube_options *options;
	int (*body)(struct task *t, struct world *w, struct err *err);
};

/* A further client; its User-Agent is NAME. */
static inline struct kube *world_client(struct task *t, struct world *w, const char *name)
{
	return kube_new(task_loop(t), kube_config_plain(w->url, NULL, false), &(struct kube_options){ .user_agent = name });
}

static inline int world_main(struct task *t, void *arg, struct err *err)
{
	struct world *w = arg;
	struct httpd_options o = { .addr.s_addr = htonl(INADDR_LOOPBACK), .handler = w->handler, .ctx = w->ctx, .max_body = 8 << 20 };
	w->servers = scope_open(t, 0);
	assert_int_equal(httpd_start(t, w->servers, &o, &w->h, err), 0);
	w->url = xasprintf("http://127.0.0.1:%u", httpd_port(w->h));
	w->k = kube_new(task_loop(t), kube_config_plain(w->url, NULL, false), w->options);
	int rc = w->body(t, w, err);
	kube_free(w->k);
	httpd_stop(t, w->h, 0);
	scope_cancel(w->servers);
	(void)scope_join(t, w->servers, NULL);
	free(w->url);
	return rc;
}

/* Runs BODY against HANDLER(CTX) on a simulated clock. */
static inline void world_run(httpd_fn *handler, void *ctx, const struct kube_options *o, int (*body)(struct task *t, struct world *w, struct err *err))
{
	struct world w = { .handler = handler, .ctx = ctx, .body = body, .options = o };
	struct err err = { 0 };
	clock_simulate(7, INT64_C(1790000000000));
	struct loop *l = loop_new();
	int rc = loop_run(l, world_main, &w, &err);
	loop_free(l);
	clock_real();
	if (rc)
		fail_msg("%s", err.msg);
}

static inline void reply_json(struct httpd_reply *p, int status, const json_t *j)
{
	autofree char *text = json_text(j);
	httpd_reply_text(p, status, "application/json", text);
}

static inline void reply_status(struct httpd_reply *p, int status, const char *reason, const char *message)
{
	autojson json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "kind", "Status", "apiVersion", "v1", "status", "Failure", "reason", reason, "message",
				       message, "code", status);
	reply_json(p, status, j);
}

#endif
