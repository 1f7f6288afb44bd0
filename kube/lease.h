/* lease - one leader among many candidates: a coordination.k8s.io/v1 Lease, fenced by our own clock.
 *
 * lease_held() turns false renew_ms after the start of the last request that renewed the Lease with success, whatever the network
 * does; others may take it only lease_ms after they last saw it change. The difference is the time a leader has to stop. It also
 * turns false at once when an answer shows another holder. Ask it right before every write that only the leader may do; a write
 * sent while it was true has lease_ms - renew_ms to arrive.
 *
 * Nobody's clock is compared with another's: a candidate measures with its own monotonic clock how long it has seen the Lease
 * unchanged, and waits for the longer of its own lease_ms and the leaseDurationSeconds that the holder wrote (up to an hour of it). A
 * candidate that just started waits as long from its first look. A monotonic clock stands still while a machine sleeps, so the wall
 * clock is looked at too: when it says that renew_ms have passed, the lease counts as lost, and it is taken again if still ours. A
 * wall clock set back changes nothing.
 *
 * A Lease that was given back (holderIdentity "") is free at once. One that was deleted is made anew: by its leader at its
 * next renewal, by a candidate that saw another hold it only after the same wait as if it were there. A candidate that starts after the
 * deletion cannot know of the leader and takes it; the leader then learns it within retry_ms. What others keep in the object
 * (labels, annotations, further fields) stays.
 *
 * An answer that is no Lease (HTML, another kind) and a refusal count as no answer: nothing is gained by them.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/task.h"
#include "kube/client.h"

struct lease;

enum { LEASE_MS = 15000, LEASE_RENEW_MS = 10000, LEASE_RETRY_MS = 2000, LEASE_GIVE_BACK_MS = 2000 };

struct lease_options {
	const char *ns, *name;
	const char *identity;        /* unique to this process: whoever has the same is the same. NULL: HOSTNAME_RANDOM */
	int64_t lease_ms, renew_ms, retry_ms;   /* 0: the defaults above. lease > renew > retry, else it is a BUG */
	/* On each change, from the lease's task: it must not wait. May be NULL. A loss by the clock is told within retry_ms; lease_held()
	 * knows it at once. */
	void (*changed)(void *arg, bool held); void *arg;
};
/* All strings are copied. */
struct lease *lease_new(struct kube *k, const struct lease_options *o);
/* Starts the task in S: it becomes leader when it can, stays it as long as it can, tries again when it lost. When S is cancelled, `changed`
 * tells the loss first, then what was held is given back, in at most LEASE_GIVE_BACK_MS. Whoever acts as leader must have stopped
 * by then: cancel and join their scope before this one. */
void lease_start(struct lease *l, struct scope *s);
void lease_free(struct lease *l);                /* after S is joined; NULL is fine */
bool lease_held(const struct lease *l);          /* right now, by the clock */
int64_t lease_left_ms(const struct lease *l);    /* until lease_held() turns false if nothing comes; 0 when not held */
const char *lease_identity(const struct lease *l);
const char *lease_holder(const struct lease *l); /* last seen; "" when nobody or not known */
const char *lease_error(const struct lease *l);  /* why the last try failed; "" when it went well (to wait for another is well) */
/* Until it is held; fails only as every wait does. */
int lease_wait(struct task *t, struct lease *l, struct err *err) MUST_CHECK;

#endif
