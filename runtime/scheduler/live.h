/* live - the scheduler that follows a cluster: objects in, decisions out. No I/O; time comes from base/clock.h.
 *
 * The caller tells it every change of an object (live_put, live_drop), asks for decisions (live_decide), carries them out and says how
 * that went (live_bound). What was decided counts at once: its room is taken in the model ("assumed") until the API server's own word
 * comes by live_put, or live_bound says that it failed.
 *
 * Waiting work is kept in units: a pod that is in no group, or a whole group that starts together. A unit is awake or asleep. An awake one is tried
 * in its turn and falls asleep where it does not fit; what can change that wakes it:
 *   its own pods, its group's object                 that unit
 *   room or permission gained on a node              units of whose class one pod passes all filters on one of those nodes (judged
 *                                                    once a class); groups, and units that pods elsewhere matter to, always
 *   a pod placed                                     groups (of mixed pods another choice may now be the first), and units that pods elsewhere matter to
 *   a running pod that gets other labels, is being
 *   deleted, or was bound by others; a changed node  units that pods elsewhere matter to
 *   claims, volumes, namespaces, topologies, pools, budgets, room that is no longer kept    everybody
 * So a change of a pod costs its own parsing, the classes that wait for its room, and O(log nodes) for each class that is then tried.
 * Another set of nodes, or a node that moves in the fabric, costs O(nodes + pods), once for all such changes before the next decision.
 *
 * Memory: objects own theirs. Texts and small objects are dropped by making the model anew from the caller's caches, which the caller does
 * (live_reset, then live_put for everything, live_refilled) when live_wants_reset() says that garbage outgrew twice what was
 * live plus 32 MiB; so garbage never exceeds that, and the cost of it is a constant for each change.
 */
#ifndef RUNTIME_SCHEDULER_LIVE_H
#define RUNTIME_SCHEDULER_LIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "runtime/scheduler/place.h"

struct live;

/* It begins as after live_reset: put what is there, then call live_refilled. */
struct live *live_new(const char *scheduler_name);
void live_set_rules(struct live *l, const struct engine_rules *r);       /* default: engine_default_rules */
void live_free(struct live *l);                      /* NULL is fine */

/* How long a unit whose binding failed waits, and an assumption of which nobody hears holds. */
enum { LIVE_RETRY_MS = 1000, LIVE_EXPIRE_MS = 30000 };

/* --- feed ----------------------------------------------------------------------------------------------------------- */
/* The object is there, and is now J (borrowed). PriorityClass and DeviceClass must come before pods; outside of a refill they ask for a reset.
 * What is no object of a known kind, or has no name, is counted and left out. */
void live_put(struct live *l, const json_t *j);
/* It is gone. VERSION is the apiVersion (only its group matters), NS is "" or NULL where it has none. */
void live_drop(struct live *l, const char *version, const char *kind, const char *ns, const char *name);
/* A pod that has ended, kept apart from the others: it only counts in the status of its group. */
void live_put_ended(struct live *l, const json_t *pod);
void live_drop_ended(struct live *l, const char *ns, const char *name);
/* All disruption budgets as they are now. */
void live_budgets(struct live *l, const json_t *array);
bool live_wants_reset(const struct live *l);
void live_reset(struct live *l);                     /* forgets all objects; what is assumed is kept until they are back */
void live_refilled(struct live *l);

/* --- decide ---------------------------------------------------------------------------------------------------------- */
/* One pod to one node. It belongs to the caller from live_plans() until live_bound(). Its texts are its own. */
struct live_bind {
	char *ns, *name, *uid, *node;
	char *domain;                /* "spine-group=s1/leaf=s1-l3" down to the node's narrowest domain; "" without a fabric */
	char *group;                 /* "Gang train/llama"; NULL: it is for itself */
	int64_t rank;                /* -1: none */
	char plan[17];               /* the same for all that was decided together */
	unsigned tries;              /* the caller's */
};
/* What to tell about a pod that waits. Yours to free by live_word_free. */
struct live_word {
	char *ns, *name, *uid, *reason, *message;
	char *nominated;             /* the node that is kept for it while victims leave; NULL: none */
	bool event, first;           /* EVENT: more than its numbers changed. FIRST: it has no such condition yet */
	void *of;                    /* live's own, while nobody has taken it */
};
/* What the status of a group's object should say: STATUS holds only fields that are this scheduler's (status.c says which). */
struct live_status { char *team, *version, *ns, *name, *uid; enum group_dialect dialect; json_t *status; };
/* A pod that has to go for another. BUDGET: some disruption budget covers it. MOVES: it can run elsewhere; WHY says where, for people. */
struct live_victim { char *ns, *name, *uid, *by, *why; bool budget, moves; };

/* Works for about BUDGET_MS. True: there is more to do. What came out waits in the lists below. */
bool live_decide(struct live *l, int64_t budget_ms);
/* When something is due by time alone, as clock_now_ms(); INT64_MAX: nothing. */
int64_t live_due(const struct live *l);
/* The oldest decision that nobody took yet; NULL: none. */
struct live_bind *live_next_bind(struct live *l);
struct live_word *live_next_word(struct live *l);   /* those that a pod is told first before what only changed; one for each pod, the newest */
struct live_victim *live_next_victim(struct live *l);
struct live_status *live_next_status(struct live *l);
enum live_result {
	LIVE_BOUND,                  /* the API server did it */
	LIVE_FAILED,                 /* it did not, and will not: the pod waits again, for a while */
	LIVE_GONE,                   /* the pod is not there any more, or is another, or has a node already: the feed will tell */
};
bool live_has_work(const struct live *l);            /* is anything in the lists? */
/* Does W still concern a pod that has no node, by decision or in fact? */
bool live_still_waits(const struct live *l, const struct live_word *w);
/* Where a decision has put it that the API server has not told of yet; NULL: nowhere. */
const char *live_assumed(const struct live *l, const char *ns, const char *name);
/* How it went with B, which is freed. */
void live_bound(struct live *l, struct live_bind *b, enum live_result r);
void live_bind_free(struct live_bind *b);
void live_word_free(struct live_word *w);
void live_victim_free(struct live_victim *v);
/* S was written, or was not and is tried again later. Freed. */
void live_reported(struct live *l, struct live_status *s, bool ok);
void live_status_free(struct live_status *s);
/* W could not be told: it is said again when it still holds. */
void live_untold(struct live *l, const struct live_word *w);
/* Is V still to go? Not when another one stays that was chosen with it. */
bool live_still_goes(const struct live *l, const struct live_victim *v);
/* The victim did not go: another may be chosen. */
void live_spared(struct live *l, const struct live_victim *v);

/* --- what it looks like ------------------------------------------------------------------------------------------------ */
struct live_stats {
	size_t nodes, pods, waiting, awake, groups, assumed, nominated, reserved, rooms, room_bytes, garbage;
	uint64_t placed, tried, woken, looked, reshapes, resets, foreign, rollbacks;
	size_t half;                 /* groups that are half there */
};
struct live_stats live_stats(const struct live *l);
const struct model *live_model(const struct live *l);
/* Half-bound groups whose rest has found no room for PATIENCE_MS: calls FN for each bound pod that has not started, which should be deleted. */
void live_roll_back(struct live *l, int64_t patience_ms, void (*fn)(void *arg, const struct pod *p, const char *group), void *arg);

#endif
