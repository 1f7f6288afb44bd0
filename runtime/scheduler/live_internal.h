/* What feed.c, desk.c and words.c share. */
#ifndef RUNTIME_SCHEDULER_LIVE_INTERNAL_H
#define RUNTIME_SCHEDULER_LIVE_INTERNAL_H

#include <uthash.h>

#include "runtime/scheduler/live.h"
#include "runtime/scheduler/place_internal.h"

struct item;
struct team;

struct claimed { struct item *item; char *node; };

/* What is tried as a whole. Lives in its item or team. */
struct unit {
	struct item *item; struct team *team;        /* one of them */
	size_t waiting_at, awake_at;                 /* place in the list plus one; 0: not in it */
	bool social;                                 /* pods elsewhere matter to it */
	bool tired;                                  /* its last search was cut short */
	int64_t not_before;                          /* not tried before this time; 0: at any */
	int64_t again_ms;                            /* worth a try then, by time alone; 0: never */
	uint64_t told_at;                            /* live->world at its reasons; 0: never */
	int64_t quiet_until;                         /* clock: more of its pods are expected, nothing is told before; 0: not so */
	VEC(struct claimed) claims;   /* the room it is promised: victims leave it */
	VEC(struct item *) leaving;                  /* victims that were chosen for it and are still there */
	bool put;                                    /* its claims are in the model now */
	bool moves;                                  /* leaving run elsewhere afterwards, where is the domain that they open; claims hold against the older, too */
	int64_t no_moves_before;                     /* clock; nobody is moved for it earlier */
	bool reserved; int64_t ready_ms;             /* its claims are room that is kept until all of it is free, by then; nobody leaves for it */
	char *where;                                 /* that room, or domain, for people */
	int64_t look_ms;                             /* room is not looked for (again) before */
	int64_t searched_ms;                         /* when victims were last looked for; 0: never */
	struct turn turn;
};

struct item {
	char *key, *uid;
	struct pod *pod;
	bool ours;
	struct team *team; size_t team_at;
	struct unit unit;                            /* when it is for itself */
	char *to;                                    /* assumed to be on this node; NULL: not */
	bool under_way;                              /* the caller has its bind */
	bool refused;                                /* its last binding failed */
	struct live_word *word;                      /* that nobody has taken yet; NULL: none */
	char *told, *told_node;                      /* "Reason message" handed out last, and the node that was kept for it then */
	int64_t expires_ms;                          /* of the assumption; 0: the API server did it */
	struct unit *displaced_by;
	UT_hash_handle hh;
};

/* A group's object and the pods that name it, whichever came first. */
struct team {
	char *id;                                    /* dialect and key */
	enum group_dialect dialect;
	const json_t *object;                        /* a reference; NULL: none */
	VEC(struct item *) members;
	struct arena *arena;
	struct groups groups;                        /* one root, or none */
	struct unit unit;                            /* when it starts together */
	bool dirty;
	int64_t half_since;                          /* clock when it was first seen half there; 0: it is not */
	size_t succeeded, failed;                    /* pods that have ended and are still there */
	struct {
		size_t at;                           /* place in live->reports plus one; 0: its status is as it should be, for all we know */
		int64_t since_ms, due_ms;
		bool under_way;                      /* the caller has it */
		int failures;
		json_t *written;                     /* last, while the object has not come back with another status */
	} report;
	UT_hash_handle hh;
};

struct ended { char *key; struct team *team; bool failed; UT_hash_handle hh; };

struct live {
	struct model *m;
	struct engine *e;
	char *name;
	struct item *items;
	struct team *teams;
	VEC(struct unit *) waiting;
	VEC(struct unit *) awake;
	VEC(struct team *) dirty;
	VEC(struct unit *) promised;                 /* units with claims */
	VEC(sym) freed;                              /* names of nodes that gained */
	bool wake_all, wake_social, hungry, reset_wanted;          /* hungry: who did not fit looks for victims */
	VEC(struct live_bind *) binds; size_t binds_at;
	VEC(struct live_word *) words; size_t words_at;      /* for pods that nothing was told yet */
	VEC(struct live_word *) rewords; size_t rewords_at;
	VEC(struct live_victim *) victims; size_t victims_at;
	VEC(struct live_status *) statuses; size_t statuses_at;
	VEC(struct team *) reports; int64_t report_due;      /* whose status is to be looked at, and when the first of them is due at the earliest */
	struct ended *ended;
	uint64_t world;                              /* grows with everything that reasons may hang on */
	size_t blame_at;                             /* in waiting: whose reasons are looked at next */
	size_t live_bytes;                           /* garbage right after the last reset */
	bool refilling;
	size_t expiring;
	int64_t hungry_due, no_moves_before;         /* clock: victims may be looked for again then; moves not before */
	struct engine_rules rules;
	/* Whom to keep room for is looked at when the world is another one than then, and when somebody has waited long enough, but not too often. */
	uint64_t kept_world; int64_t mature_due, keep_not_before;
	struct { int64_t since_ms, spent_ms; int n; } looks;     /* searches for room since then */
	struct live_stats stats;
};

/* feed.c */
struct pod *item_pod(struct item *i);
struct item *live_item(const struct live *l, const char *key);
void live_settle(struct live *l);                    /* dirty groups are built, woken units are awake */
void live_freed(struct live *l, const struct node *n);
void unit_wake(struct live *l, struct unit *u);
void unit_sleep(struct live *l, struct unit *u);
void unit_wait(struct live *l, struct unit *u, bool waits);
struct group *unit_group(const struct unit *u);      /* the root; NULL: a pod */
void team_dirty(struct live *l, struct team *t, bool wake);
/* I is assumed to be on N no more. */
void item_unassume(struct live *l, struct item *i);
bool live_ours(const struct pod *p, void *arg);
struct team *team_get(struct live *l, enum group_dialect d, const char *key, bool make);
void team_maybe_free(struct live *l, struct team *t);    /* nothing refers to it */

/* words.c */
void unit_blame(struct live *l, struct unit *u);
bool live_blame_some(struct live *l, int64_t until_ms);
bool words_alike(const char *a, const char *b);          /* the same but for numbers */

/* status.c */
void team_report(struct live *l, struct team *t);        /* something changed that its status may tell */
void team_forget_report(struct live *l, struct team *t);
void ended_forget_all(struct live *l);
bool live_report_some(struct live *l);                   /* true: more are due */

/* hunger.c: who has to go */
/* The claims of every unit whose turn is before U's, or that moves open where U does not outrank it, are put into the model, but room that is kept only where U will not
 * have ended by then. ALL: also what victims leave to others, whatever their turn. Lifted again by promises_lift. */
void promises_put(struct live *l, struct unit *u, bool all);
struct turn unit_turn(const struct live *l, const struct unit *u);
void units_sort(struct unit **at, size_t n);             /* whose turns are set, by these */
void promise_lift(struct live *l, struct unit *u);
void promises_lift(struct live *l);
void promise_drop(struct live *l, struct unit *u);
bool live_feed_hungry(struct live *l, int64_t until_ms);
/* After a refill: what the pods of waiting units were told is kept for them (status.nominatedNodeName) is claimed again, before anybody is placed there. */
void promises_restore(struct live *l);
void item_left(struct live *l, struct item *i);      /* it may have been a victim */

/* keep.c: room for who waits longest */
void live_keep_room(struct live *l);
int64_t live_keep_due(const struct live *l);             /* as clock_now_ms() */
/* Keeps room for U, which did not fit, where not too many have some. Its turn is set, the promises to others are in the model. */
void unit_may_keep_room(struct live *l, struct unit *u);
/* Who comes before U and has room kept that U may not have; NULL: nobody. */
const struct unit *unit_behind(const struct live *l, const struct unit *u);
const char *unit_name(const struct unit *u, char *out, size_t size);     /* "Gang ns/g", "pod ns/p" */

#endif
