/* act - carries out what the live core decided: bindings, conditions, evictions, events, the status of groups.
 *
 * Workers take decisions from the core's lists and write them, each asking role_leads() right before every write. A binding whose answer is lost is
 * looked up before it is tried again, so no pod is bound twice (the server refuses that too: the uid is a precondition, and a
 * second Binding is a conflict). A refusal is tried ACT_TRIES times; then the pod waits again and its group is placed anew, in the
 * domain of the pods that are bound; a group that stays half there for ACT_ROLL_BACK_MS loses those bound pods that have not started.
 */
#ifndef RUNTIME_SCHEDULER_ACT_H
#define RUNTIME_SCHEDULER_ACT_H

#include "runtime/role.h"
#include "runtime/scheduler/live.h"
#include "runtime/scheduler/watch.h"

#define ACT_MANAGER "aipc-scheduler"      /* field manager of the status of groups */
enum { ACT_TRIES = 4, ACT_BINDERS = 64, ACT_TELLERS = 24, ACT_EVICTORS = 8, ACT_REPORTERS = 4, ACT_ROLL_BACK_MS = 30000, ACT_REPORT_HOLD_MS = 5000 };

struct act {
	struct role_run *r;
	struct live *live;
	struct watch *watch;
	struct event work;                   /* something is in a list */
	struct event changed;                /* something for the core to look at */
	bool stop;                           /* bind what was decided, then end */
	int64_t placed_ms;
	size_t busy, binding;                /* decisions and reasons being written; bindings of them */
	size_t reporting;                    /* statuses being written */
	int64_t full_ms;                     /* since when all binders have work, or nearly; 0: they do not */
};

void act_register(struct metrics *m);
/* Starts the workers in S. They end when stop is set, or S is cancelled. */
void act_start(struct act *a, struct scope *s);
/* Wakes workers when there is work. */
void act_wake(struct act *a);
/* Deletes what is half there for too long; from the task that decides. */
void act_roll_back(struct act *a, struct scope *s);

#endif
