/* preempt - who would have to go so that a waiting pod or group can start: decided on the model, done by nobody here.
 *
 * Victims have a lower priority than who waits, are not protected by a disruption budget that has no more to give, nor by two of them (the eviction
 * API refuses such a pod), and go as units: all
 * running pods of a group that starts together, else single pods. The set is found by trying: units from the cheapest up until the
 * waiter fits in one domain; then those stay that have nothing where it would go, then, the dearest first, each without whose leaving it
 * still fits. Of several domains the one whose victims have the lowest priority, then the least price, wins. A unit's price is what its devices lose: slices times seconds
 * since their last checkpoint plus the restart. Pods that are being deleted count as gone: where their room is enough, nobody is chosen.
 */
#ifndef RUNTIME_SCHEDULER_PREEMPT_H
#define RUNTIME_SCHEDULER_PREEMPT_H

#include "runtime/scheduler/reserve.h"

/* Domains that are looked into, and that are compared once they would do; tries to spare units of one domain; placements that are
 * tried in all; so many units of one domain that every set of them is tried, in any case or where budgets are short. */
enum { PREEMPT_TRIES = 512, PREEMPT_FOUND = 64, PREEMPT_SPARED = 256, PREEMPT_FITS = 8192, PREEMPT_FEW = 6, PREEMPT_SOME = 10 };

struct victims {
	VEC(struct pod *) pods;              /* by key; empty: waiting for pods that are being deleted is enough */
	char where[300];                     /* "leaf leaf-02" */
	int64_t priority;                    /* the highest among them */
	double price;
	/* Of moves (moves.h): where each of the pods fits, and which node is for which pod of the waiter. */
	VEC(struct node *) to;
	VEC(struct held) held;
};

/* Exactly one of P and G. False: even all of them would not do. The model is as before. */
bool preempt_find(struct engine *e, struct pod *p, struct group *g, struct victims *out);
/* Is it enough to wait for pods that are being deleted? */
bool preempt_ending_suffices(struct engine *e, struct pod *p, struct group *g);
void victims_release(struct victims *v);

#endif
