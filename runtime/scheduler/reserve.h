/* reserve - the room that is kept for who waits longest, and until when others may use it (EASY backfill).
 *
 * A pod's end is known from its annotation aipc.dev/expected-runtime ("90m", "1h30m", seconds) and spec.activeDeadlineSeconds, the sooner,
 * counted from status.startTime; of a pod that has outlived its estimate, and of one that is being deleted, it is now. A reservation is found by
 * taking pods away in the order of their ends until the waiter fits: where that is, and when the last of those that stand there ends. Ends that nobody knows
 * come last; of equal ones those in the domains (of the level that it requires, else nodes) with the fewest pods come first, so that what drains is one
 * domain. Nobody who runs is disturbed, and pods of its own group stay.
 *
 * Cost: O(P log P) for the P pods that run, and O(log P) placements.
 */
#ifndef RUNTIME_SCHEDULER_RESERVE_H
#define RUNTIME_SCHEDULER_RESERVE_H

#include "runtime/scheduler/place_internal.h"

/* At most so many units have room kept for them at a time; so many are searched for in a run, or in a second. */
enum { RESERVE_MOST = 4, RESERVE_LOOKS = 8 };

struct held { struct pod *pod; struct node *node; };
struct reservation {
	VEC(struct held) held;
	int64_t ready_ms;                    /* when all of it is free, since 1970; INT64_MAX: nobody knows */
};

/* When P has ended if it runs, or starts at NOW_MS; INT64_MAX: nobody knows. */
int64_t pod_end(const struct pod *p, int64_t now_ms);
/* The same of the last of all waiting pods of exactly one of P and G. */
int64_t waiter_end(const struct pod *p, const struct group *g, int64_t now_ms);
/* May who ends at END_MS have room that is kept until READY_MS? Where nobody knows the one or the other, no. */
static inline bool reserve_allows(int64_t ready_ms, int64_t end_ms) { return end_ms < INT64_MAX && ready_ms < INT64_MAX && end_ms <= ready_ms; }
/* Exactly one of P and G, which does not fit now. False: it would not fit if everybody had gone. The model is as before. */
bool reserve_find(struct engine *e, struct pod *p, struct group *g, struct reservation *out);
/* Sets ready_ms anew. False: what is held can no longer be had, whoever ends. */
bool reserve_ready(struct engine *e, struct reservation *r);
void reservation_release(struct reservation *r);
/* "free by 2026-11-26T14:05Z", "free soon", "but nobody knows when those who have it end". */
void reserve_when(int64_t ready_ms, int64_t now_ms, char *out, size_t size);
/* "leaf l0" where all of it is in one domain below the whole, else "12 nodes". */
void reserve_where(const struct engine *e, const struct reservation *r, char *out, size_t size);

#endif
