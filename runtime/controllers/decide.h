/* decide - what the controllers would do now: pure functions of the fleet and its time.
 *
 * Each returns an array of decisions, objects in a fixed order, ready to be printed, turned into patches, events and metrics:
 *
 *   {"do": WORD, "node" or "gang" or "pool" or "topology": NAME, "reason": Word, "message": sentence, ...}
 *
 * health_decide, one policy ruling each node (NodeHealthPolicy):
 *   fence    taint KEY_UNHEALTHY with "effect", and the annotation "note" that lifting needs later
 *   would-fence  the same under dryRun        hold  a limit of the blast radius is reached ("level", "domain")
 *   watch    worth an event, no more          note  only the annotation changes (clear since ..., dirty again)
 *   lift     taint away, "note" says since when what came before no longer counts
 *   policies: status numbers of each policy, as "do": "status"
 * guard_decide:   suspect (annotation first), guard (taint after the grace), unguard, unsuspect
 * swap_decide:    replace (status "replacements" of the gang, whole; "delete": pods to delete once that is stored), done (fewer
 *                 replacements are open), short (no spares: nothing is touched), none
 * pools_decide, topologies_decide: "status" for each object
 * undo_decide:    hold-end, release (the finalizer of a policy); lift, unguard, unsuspect on nodes of a policy that is being deleted and that no
 *                 other policy rules (reason PolicyDeleted)
 * marks_decide:   mark: "conditions" of the node (AipcFenced, AipcGuarded) that should say what its taints and annotations say
 *
 * A taint that is there without our annotation was not set by us: it is never lifted. Everything a decision acts on comes with
 * "uid" and, for nodes, "version", so that acting can refuse when the world has moved on.
 */
#ifndef RUNTIME_CONTROLLERS_DECIDE_H
#define RUNTIME_CONTROLLERS_DECIDE_H

#include "runtime/controllers/fleet.h"

json_t *health_decide(const struct fleet *f);
json_t *guard_decide(const struct fleet *f);
json_t *swap_decide(const struct fleet *f);
json_t *pools_decide(const struct fleet *f);
json_t *topologies_decide(const struct fleet *f);

json_t *undo_decide(const struct fleet *f);
json_t *marks_decide(const struct fleet *f);

/* The policy that rules the node; NULL: none. */
const json_t *policy_of(const struct fleet *f, const struct fleet_node *n);

/* OBJ[key] as seconds, at least 0 and at most ten years. */
int64_t seconds_at(const json_t *obj, const char *key, int64_t deflt);
/* A new decision about a node, appended to OUT. The message is printf'd. */
json_t *decide_node(json_t *out, const char *what, const struct fleet_node *n, const char *reason, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
