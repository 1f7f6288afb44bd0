/* room - how many pods of one class fit, below every vertex of a tree, and the best node for a single one.
 *
 * A class is all pods that want the same of a node (pod->class_key). Its room is counted once over all nodes; after that each pod bound or
 * unbound costs one node's division and a walk to the root: O(depth + log of the children on the way), nothing is copied. Changes are
 * taken from model->changes when the class is next asked, so classes nobody asks for cost nothing.
 *
 * The best node for one pod: never open an empty NVLink domain while a used one fits; a pod without devices leaves machines with
 * free devices alone; then the node with the least room, then the one with the fewest free device slices (MIG profiles by their
 * slices), then the fullest domain from the narrowest to the widest, then the order of names.
 */
#ifndef RUNTIME_SCHEDULER_ROOM_H
#define RUNTIME_SCHEDULER_ROOM_H

#include "runtime/scheduler/filter.h"
#include "runtime/scheduler/tree.h"

struct room;

/* P stands for its class, and is referenced. Spare nodes have no room. */
struct room *room_new(const struct model *m, struct tree *t, struct pod *p);
void room_free(struct room *r);
/* Up to date with the model; call before the two below. Counts node divisions for benches: see room_steps. */
void room_refresh(struct room *r);
int64_t room_below(const struct room *r, uint32_t v);
/* No domain of LEVEL has more room than this (one may have less by now). */
int64_t room_most(const struct room *r, int level);
/* The leaf for one pod below V; false when there is none. */
bool room_best(const struct room *r, uint32_t v, uint32_t *leaf);
/* Is leaf A a better place for one pod than B? */
bool room_better(const struct room *r, uint32_t a, uint32_t b);
/* Slices of one device of this resource; 0: it is none. */
int64_t device_weight(const char *resource);
size_t room_bytes(const struct room *r);                   /* about */
const struct pod *room_pod(const struct room *r);
/* Comparisons and divisions done so far. */
uint64_t room_steps(const struct room *r);

#endif
