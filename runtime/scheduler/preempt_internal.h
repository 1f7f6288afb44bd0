/* What preempt.c and moves.c share: the search for those whose leaving one domain lets a waiter in. */
#ifndef RUNTIME_SCHEDULER_PREEMPT_INTERNAL_H
#define RUNTIME_SCHEDULER_PREEMPT_INTERNAL_H

#include "runtime/scheduler/preempt.h"

/* N pods that the budget covers. */
struct hit { size_t budget; int64_t n; };

/* What goes together. */
struct unit {
	struct pod **pods; size_t n;         /* a part of the search's list */
	struct node **nodes;                 /* where they were, while they are out */
	size_t hit; size_t n_hits;           /* a part of the search's hits */
	int64_t priority;                    /* the highest of its pods; of all that are moved 0 */
	double price;
	bool out, doubtful;
};

/* One filter for each class that waits; MANY: too many to look. */
struct classes { struct filter *f[8]; struct pod *pod[8]; size_t n; bool many; };

/* Who is looked for: pods that are being deleted anyhow, those of lower priority, those that may run elsewhere. */
enum search_for { FOR_ENDING, FOR_VICTIMS, FOR_MOVES };

struct search {
	struct engine *e;
	struct pod *p;
	struct group *g;
	enum search_for what;
	int64_t priority;
	VEC(struct pod *) pods;              /* of all units, unit by unit */
	struct node **nodes;
	VEC(struct unit) units;              /* cheapest first */
	VEC(struct unit *) extras;           /* pods above the minimum of their group */
	VEC(struct hit) hits;
	int64_t *budget_used;
	bool *goes;                          /* by index of node: something of the waiter would go there */
	int fits_left;
	struct classes waiting;
	struct search *ending;               /* whose units are out all the time; NULL: this is it */
	size_t most;                         /* pods that may be moved */
	struct tree *tree; uint32_t domain;  /* of the best so far */
};

void search_take_out(struct search *s, struct unit *u);
void search_put_back(struct search *s, struct unit *u);
/* Could the waiter start below V now? Leaves no trace but, where GOES is not NULL, the nodes it would go to. False also when the search has
 * looked often enough. */
bool search_fits(struct search *s, struct tree *t, uint32_t v, bool *goes);
/* Takes what U costs from the budgets, where all have it. */
bool search_charge(struct search *s, const struct unit *u);
void search_refund(struct search *s, const struct unit *u);
void search_charge_nothing(struct search *s);
/* Does the node let some class of the waiter in by what the node is? Where it does not, nobody's going helps. */
bool search_lets_in(const struct search *s, const struct node *n);
/* Those that are being deleted are out while S is looked into: *ENOUGH when that is all it takes, else the best there is in OUT, or false. */
bool search_run(struct search *s, bool *enough, struct victims *out);

/* moves.c: the units of HERE whose moving opens V are out afterwards. False: none do, or none that are cheaper than SO_FAR (NULL: there is nothing). */
bool moves_choose(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n, const struct victims *so_far);
/* Where the pods of OUT and the group go. False: nowhere after all, which is an error of the search and no reason to end. */
bool moves_settle(struct search *s, struct victims *out);

#endif
