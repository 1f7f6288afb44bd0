/* deliver - brings events to subscribers: by POST to their Destination, and as server-sent events.
 *
 * A delivery is tried three times; then it is dropped, and the subscription too where its policy says so. At most
 * DELIVER_QUEUE events wait in all and DELIVER_STREAM on one stream; beyond that the newest are dropped.
 */
#ifndef SIM_DELIVER_H
#define SIM_DELIVER_H

#include "base/http.h"
#include "base/httpd.h"
#include "base/task.h"
#include "sim/model.h"

enum { DELIVER_QUEUE = 10000, DELIVER_STREAM = 1000 };

struct deliver;

/* Takes over fleet.on_event. Its tasks run in S until that is cancelled. */
int deliver_start(struct task *t, struct scope *s, struct fleet *f, struct http *http, struct deliver **out, struct err *err) MUST_CHECK;
void deliver_free(struct deliver *d);        /* after the scope ended; NULL is fine */
/* Makes REPLY the stream of subscription SUB (copied) of B. */
void deliver_stream(struct deliver *d, struct bmc *b, const char *sub, struct httpd_reply *reply);

#endif
