/* probes - the own port of a role: GET /metrics (OpenMetrics text), /healthz, /readyz.
 *
 * /healthz answers "ok" as long as the loop turns (a role that hangs does not answer at all). /readyz answers 200 "ok", or 503 with
 * the reason in one line. Other paths are 404, other methods 405. No TLS, no credentials: bind it to a pod's address and keep
 * others out with a network policy. At most 64 connections; an idle one is closed after 60 s.
 */
#ifndef RUNTIME_PROBES_H
#define RUNTIME_PROBES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/metrics.h"
#include "base/task.h"

struct probes;

struct probes_options {
	const char *addr;            /* "127.0.0.1:9090", "[::1]:9090", ":9090" (all addresses, of IPv6 too where there is that); port 0: any free one. NULL: ":9090" */
	struct metrics *metrics;     /* borrowed */
	/* Called before metrics are written, to set gauges from the world. May be NULL. */
	void (*refresh)(void *arg, struct metrics *m);
	/* Is the role ready? Otherwise WHY says what is missing. NULL: always. */
	bool (*ready)(void *arg, struct str *why);
	void *arg;
};
/* Handlers run in tasks of S, which must outlive the probes. E_INPUT: a bad address; E_BUSY, E_IO, E_DENIED as httpd_start. */
int probes_start(struct task *t, struct scope *s, const struct probes_options *o, struct probes **out, struct err *err) MUST_CHECK;
unsigned short probes_port(const struct probes *p);
void probes_stop(struct task *t, struct probes *p);  /* NULL is fine */

#endif
