/* preempt - who would have to go so that a waiting pod or group can start: decided on the model, done by nobody here.
 *
 * Victims have a lower priority than who waits, are not protected by a disruption budget that has no more to give, and go as units: all
 * running pods of a group that starts together, else single pods. The set is found by trying: units from the cheapest up until the
 * waiter fits in one domain, then each is spared again, the dearest first, where it still fits without. Of several domains the one
 * whose victims have the lowest priority, then the least price, wins. A unit's price is what its devices lose: slices times seconds
 * since their last checkpoint plus the restart. Where pods that are being deleted already make room, nobody else is chosen.
 */
#ifndef RUNTIME_SCHEDULER_PREEMPT_H
#define RUNTIME_SCHEDULER_PREEMPT_H

#include "runtime/scheduler/place_internal.h"

/* Domains that are looked into, and that are compared once they would do; units that are spared again. */
enum { PREEMPT_TRIES = 512, PREEMPT_FOUND = 64, PREEMPT_SPARED = 64 };

struct victims {
	VEC(struct pod *) pods;              /* by key; empty: waiting for pods that are being deleted is enough */
	char where[300];                     /* "leaf leaf-02" */
	int64_t priority;                    /* the highest among them */
	double price;
};

/* Exactly one of P and G. False: even all of them would not do. The model is as before. */
bool preempt_find(struct engine *e, struct pod *p, struct group *g, struct victims *out);
void victims_release(struct victims *v);

#endif
