/* What place.c, fit.c and why.c share: an engine and its transaction. */
#ifndef RUNTIME_SCHEDULER_PLACE_INTERNAL_H
#define RUNTIME_SCHEDULER_PLACE_INTERNAL_H

#include "runtime/scheduler/place.h"
#include "runtime/scheduler/room.h"
#include "runtime/scheduler/tree.h"

/* Bytes of rooms beyond which the longest unused are forgotten, where nobody holds one. */
enum { ENGINE_ROOMS = 256 << 20 };

struct kept_room { struct room *room; uint64_t key, used; };

struct engine {
	struct model *m;
	struct groups groups;
	bool (*ours)(const struct pod *p, void *arg);
	void *arg;
	VEC(struct tree *) trees;            /* [0] the fabric; others of one key */
	struct map *rooms;                   /* class and tree -> room */
	VEC(struct kept_room) all_rooms;
	size_t room_bytes;
	uint64_t turn;                       /* counts engine_room calls: which rooms were used last */
	VEC(struct pod *) done;              /* placed, in order: the undo log */
	VEC(struct pending) pending;
	struct map *blamed;                  /* class -> reasons found at this version of the model */
	uint64_t blamed_at;
	struct arena *words;                 /* of reasons */
	bool terse;                          /* reasons without what changes all the time */
	int tries;                           /* left to the group that is being placed */
	const struct group *spread_of;       /* the group that is being placed, where it or one it is a part of limits what a domain may hold; else NULL */
	int steps;                           /* left to it for looking at every way to put pods that differ */
	bool tired;                          /* a failure proves nothing: they ran out, or not every way was looked at */
	struct engine_rules rules;
	int64_t now_ms;                      /* since 1970; 0: the newest time that the model has seen */
};

/* place.c */
void engine_assume(struct engine *e, struct pod *p, struct node *n);
void engine_rollback(struct engine *e, size_t mark);
/* P is assumed on the node of its status.nominatedNodeName, *N; *N is NULL, and all is well, where there is none. False: it does not fit there. */
bool engine_nominated(struct engine *e, struct pod *p, struct node **n);
struct room *engine_room(struct engine *e, struct tree *t, struct pod *p);   /* refreshed */
struct tree *engine_tree(struct engine *e, const char *word);                       /* one that has the level */
/* All of G below WITHIN of T (0: anywhere) in one transaction: false and nothing done, or true and all of it assumed. */
bool engine_place_group(struct engine *e, struct group *g, struct tree *t, uint32_t within);
/* The best node for P below V, other pods' constraints included. */
bool engine_best(struct engine *e, struct tree *t, uint32_t v, struct pod *p, uint32_t *leaf);
/* The same outside of V, which is not the whole. */
bool engine_best_beside(struct engine *e, struct tree *t, uint32_t v, struct pod *p, uint32_t *leaf);

/* All rooms and trees anew, for the nodes as they are now (model_reshape where the model is stale). */
void engine_reshape(struct engine *e);
/* Forgets the rooms that were not used for the longest time, half of them, when all take more than MAX_BYTES. */
void engine_trim(struct engine *e, size_t max_bytes);
/* Forgets the rooms of classes with volume claims. */
void engine_forget_claims(struct engine *e);
/* Reasons given so far are freed. */
void engine_forget_reasons(struct engine *e);
/* now_ms, or the newest time that the model has seen. */
int64_t engine_now(const struct engine *e);
/* Has exactly one of P and G waited so long, all of it being there, that room may be kept for it? */
bool engine_mature(const struct engine *e, const struct pod *p, const struct group *g, const struct turn *t);
/* Exactly one of P and G, with fresh tries. What it placed is in e->done from where that ended before. */
bool engine_place(struct engine *e, struct pod *p, struct group *g);
/* Reasons for P, which waits; row is e->pending's last. */
const struct pending *engine_blame(struct engine *e, const struct pod *p);

/* fit.c: places PODS (by rank) below V, slices of G from number K on; false and nothing done when they do not fit. */
bool fit_pods(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, struct pod **pods, size_t n);
/* How many units of slice K fit below V, for pods like P; K == g->n_slices: pods. */
int64_t fit_units(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, const struct room *r);
/* Whether PODS could fit below V: exact for pods that are alike, else necessary only. */
bool fit_possible(struct engine *e, struct tree *t, uint32_t v, const struct group *g, struct pod **pods, size_t n);
/* The harder a pod is to fit, the more. */
int64_t fit_hardness(const struct model *m, const struct pod *p);
/* Are they of one class, with nothing that depends on pods elsewhere? */
bool fit_alike(struct engine *e, struct pod **pods, size_t n);

/* spread.c: limits on the share of a group's pods in one domain. */
/* Has G limits, of its own or of a group it is a part of? */
bool spread_limits(const struct group *g);
/* A level of them that T does not have; NULL: none. */
const char *spread_unknown(const struct tree *t, const struct group *g);
/* How many more pods of e->spread_of V may get; INT64_MAX: V is wider than every limit. */
int64_t spread_left(const struct engine *e, const struct tree *t, uint32_t v);
/* How many pods of R's class fit below V within the limits. */
int64_t spread_room(const struct engine *e, const struct tree *t, uint32_t v, const struct room *r);
/* Is no domain over its limit as things are? */
bool spread_holds(const struct engine *e, const struct tree *t);

/* How long G still waits for its preferred level; 0: no longer, or it prefers none. */
int64_t engine_patience(const struct engine *e, const struct group *g);
/* The level that all of G must be in one domain of at present, in the tree *T; 0: anywhere. TREE_NONE: *T does not have it. */
int engine_level(struct engine *e, const struct group *g, struct tree **t);

/* why.c */
void why_pod(struct engine *e, const struct pod *p, struct pending *out);
void why_group(struct engine *e, const struct group *g, struct pending *out);

#endif
