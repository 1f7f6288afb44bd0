/* place - decide: from a settled model to a node for every pod that may have one, and reasons for the rest. Pure: no clock, no I/O.
 *
 * Groups that are half there (a scheduler ended while it bound them) come first: their room was taken for them. Then pods and groups
 * are taken by priority, then age, then name. A group is placed in one transaction, all of it or nothing: in the lowest
 * level of domains that holds it, not above its required level, there in the domain that needs the fewest domains below and leaves
 * the least over; ranks follow the order of the fabric. Groups whose pods are all alike are placed exactly; mixed ones by trying
 * classes from the hardest to fit, in at most PLACE_TRIES domains, then every way there is, in at most PLACE_STEPS steps. A mixed group that
 * was not placed though not every way was looked at says "heuristic".
 */
#ifndef RUNTIME_SCHEDULER_PLACE_H
#define RUNTIME_SCHEDULER_PLACE_H

#include "runtime/scheduler/gang.h"
#include "runtime/scheduler/model.h"

enum { PLACE_TRIES = 2000, PLACE_STEPS = 2000 };

struct engine;

/* How the queue is ordered, and how long who comes first has to wait until room is kept for it. */
struct engine_rules {
	int64_t reserve_after_ms;            /* -1: never */
	bool strict;                         /* nobody is placed while somebody waits who comes before and could be placed if room were free */
	int64_t aging;                       /* priority points that an hour of waiting counts for, 24 hours of it at most; for the order only */
	int64_t moves;                       /* most pods that may be on the way at once because a domain is opened for a group (moves.h); 0: none */
};
enum { ENGINE_RESERVE_AFTER_S = 300 };
extern const struct engine_rules engine_default_rules;

/* OURS as in groups_build. M must be settled and outlive the engine; placed pods are bound in it (pod->assumed). */
struct engine *engine_new(struct model *m, bool (*ours)(const struct pod *p, void *arg), void *arg);
void engine_free(struct engine *e);
void engine_set_rules(struct engine *e, const struct engine_rules *r);   /* default: engine_default_rules */
void engine_run(struct engine *e);
/* One pod that is in no group: its node, or NULL. */
struct node *engine_place_pod(struct engine *e, struct pod *p);
/* The best node for it now, if any, without placing. Counting is for benches. */
uint64_t engine_steps(const struct engine *e);

/* Whose turn is when. */
struct turn { bool half; int64_t priority, created; const char *key; };
struct turn turn_of(const struct pod *p, const struct group *g);     /* exactly one; KEY is borrowed */
int turn_compare(const struct turn *a, const struct turn *b);
/* The same with what waiting counts for. */
struct turn engine_turn(const struct engine *e, const struct pod *p, const struct group *g);

/* Every waiting pod that got no node, in the order of keys, with at least one reason. */
struct pending { const struct pod *pod; VEC(const char *) reasons; };
const struct pending *engine_pending(const struct engine *e, size_t *n);

#endif
