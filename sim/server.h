/* server - the fleet on the network: one TLS listener for all BMCs, the control port, image downloads.
 *
 * BMCs are told apart by the address the peer connected to; only loopback peers are let in. A BMC that is away takes no
 * connection and drops the requests on those it has.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "base/task.h"
#include "sim/cert.h"
#include "sim/model.h"

struct server;

struct server_options {
	struct fleet *fleet;
	const struct ca *ca;
	unsigned short port;                 /* of all BMCs; 0: any */
	struct in_addr control_addr; unsigned short control_port;
};

/* Starts listening and sets fleet.port. The options' objects must outlive the server. */
int server_start(struct task *t, const struct server_options *o, struct server **out, struct err *err) MUST_CHECK;
unsigned short server_control_port(const struct server *s);
struct event *server_stopped(struct server *s);      /* set by POST /v1/stop; the caller may set it too */
int server_stop(struct task *t, struct server *s, struct err *err);

#endif
