/* moves - which pods would have to run elsewhere so that a group has one domain to start in: decided on the model, done by nobody here.
 *
 * Looked for is a domain of the level that the group requires (of the one it prefers, while its patience lasts) that has no room for it, but would
 * have if at most MOVES_MOST pods that run there ran on nodes outside of it. Nobody loses a place: each of them must fit there as things are,
 * all filters asked, one after the other, with the group in its domain, and what is being deleted elsewhere still there; pods that differ in the
 * order from the hardest to fit to the easiest and the other way round, since nobody knows in which order they will come. Of several domains the one
 * whose moves have the least price (that of a victim, preempt.h), then the fewest pods.
 *
 * A pod is moved only if it says so (annotation aipc.dev/movable: "true"), names no group, has a controller that makes it again (no DaemonSet,
 * no mirror pod), has no volume that is made for it alone (the next pod's would be another), is bound, not being deleted, and of this
 * scheduler, has no higher priority than any waiting pod of the group, and is covered by one disruption budget at most, which has something to give
 * (the eviction API refuses a pod with two).
 *
 * Not more than engine_rules.moves are on the way at once. On the way is every movable pod that is being deleted, and every one that waits and was
 * made in the last MOVES_SETTLE_MS, whoever sent it there: so that is known from the objects alone, to the next leader too.
 *
 * Cost: O(P log P) for P pods that run, and at most MOVES_FITS placements of the group below one domain; of these MOVES_STEPS for one domain,
 * where the MOVES_LOOKED pods on the nodes that are cheapest to clear are looked at (PREEMPT_TRIES domains, PREEMPT_FOUND that would do). What is chosen in
 * a domain is of the least price unless that was too little to look at every way; a group that consists of groups or slices is looked at where it
 * requires one domain for all of it.
 */
#ifndef RUNTIME_SCHEDULER_MOVES_H
#define RUNTIME_SCHEDULER_MOVES_H

#include "runtime/scheduler/preempt.h"

enum { MOVES_MOST = 8, MOVES_LOOKED = 64, MOVES_STEPS = 256, MOVES_FITS = 2048, MOVES_SETTLE_MS = 60000 };

/* OUT gets pods, where each would go (to), and what the group gets then (held). False: there is nothing to move, or nothing has to be. The
 * model is as before. */
bool moves_find(struct engine *e, struct group *g, struct victims *out);
size_t moves_under_way(const struct engine *e);

#endif
