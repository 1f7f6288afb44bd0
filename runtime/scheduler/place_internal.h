/* What place.c, fit.c and why.c share: an engine and its transaction. */
#ifndef RUNTIME_SCHEDULER_PLACE_INTERNAL_H
#define RUNTIME_SCHEDULER_PLACE_INTERNAL_H

#include "runtime/scheduler/place.h"
#include "runtime/scheduler/room.h"
#include "runtime/scheduler/tree.h"

struct engine {
	struct model *m;
	struct groups groups;
	bool (*ours)(const struct pod *p, void *arg);
	void *arg;
	VEC(struct tree *) trees;            /* [0] the fabric; others of one key */
	struct map *rooms;                   /* class and tree -> room */
	VEC(struct room *) all_rooms;
	VEC(struct pod *) done;              /* placed, in order: the undo log */
	VEC(struct pending) pending;
	struct map *blamed;                  /* class -> reasons found at this version of the model */
	uint64_t blamed_at;
	int tries;                           /* left to the group that is being placed */
	bool tired;                          /* they ran out */
};

/* place.c */
void engine_assume(struct engine *e, struct pod *p, struct node *n);
void engine_rollback(struct engine *e, size_t mark);
struct room *engine_room(struct engine *e, struct tree *t, const struct pod *p);   /* refreshed */
struct tree *engine_tree(struct engine *e, const char *word);                       /* one that has the level */
/* All of G below WITHIN of T (0: anywhere) in one transaction: false and nothing done, or true and all of it assumed. */
bool engine_place_group(struct engine *e, struct group *g, struct tree *t, uint32_t within);
/* The best node for P below V, other pods' constraints included. */
bool engine_best(struct engine *e, struct tree *t, uint32_t v, const struct pod *p, uint32_t *leaf);

/* fit.c: places PODS (by rank) below V, slices of G from number K on; false and nothing done when they do not fit. */
bool fit_pods(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, struct pod **pods, size_t n);
/* How many units of slice K fit below V, for pods like P; K == g->n_slices: pods. */
int64_t fit_units(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, const struct room *r);
/* Whether PODS could fit below V: exact for pods that are alike, else necessary only. */
bool fit_possible(struct engine *e, struct tree *t, uint32_t v, const struct group *g, struct pod **pods, size_t n);
/* Are they of one class, with nothing that depends on pods elsewhere? */
bool fit_alike(struct engine *e, struct pod **pods, size_t n);

/* why.c */
void why_pod(struct engine *e, const struct pod *p, struct pending *out);
void why_group(struct engine *e, const struct group *g, struct pending *out);

#endif
