/* lease - one leader among many candidates: a coordination.k8s.io/v1 Lease, fenced by our own monotonic clock.
 *
 * lease_held() turns false `renew_ms` after the start of the last request that renewed the lease successfully, whatever the
 * network does, and others may take it only `lease_ms` after they last saw it change: the difference is the time a leader has to stop. It also turns false
 * at once when a reply shows another holder. Others' times are never compared with our wall clock: a candidate measures with its
 * own monotonic clock how long it has seen the lease unchanged, so clocks may jump and differ. (A monotonic clock stands still while a
 * machine sleeps: after a sleep the wall clock shows it, and the lease counts as lost.)
 *
 * Ask lease_held() right before every write that only the leader may do; a write already sent when it turns false has at most
 * lease_ms - renew_ms to arrive.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/task.h"
#include "kube/client.h"

struct lease;

struct lease_options {
	const char *ns, *name;
	const char *identity;        /* unique to this process; NULL: HOSTNAME_RANDOM */
	int64_t lease_ms, renew_ms, retry_ms;   /* 0: 15000, 10000, 2000; lease > renew > retry */
	void (*changed)(void *arg, bool held); void *arg;   /* on each change, from the loop: must not wait. May be NULL */
};
/* All strings are copied. */
struct lease *lease_new(struct kube *k, const struct lease_options *o);
/* Starts the task in S: becomes leader when it can, stays it as long as it can, tries again when it lost. When S is cancelled and the
 * lease is held, it is given back (holderIdentity ""), in at most 2 s. */
void lease_start(struct lease *l, struct scope *s);
void lease_free(struct lease *l);            /* after S is joined; NULL is fine */
bool lease_held(const struct lease *l);      /* right now, by the clock */
int64_t lease_left_ms(const struct lease *l);    /* until it must be renewed; 0 when not held */
const char *lease_identity(const struct lease *l);
const char *lease_holder(const struct lease *l);     /* last seen; "" when nobody or not known */
int lease_wait(struct task *t, struct lease *l, struct err *err) MUST_CHECK;     /* until it is held */

#endif
