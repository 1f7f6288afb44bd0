/* between - what running pods elsewhere forbid or demand of a waiting one: required (anti-)affinity between pods, topology spread.
 *
 * Follows kube-scheduler 1.36's InterPodAffinity and PodTopologySpread: anti-affinity of running pods binds newcomers; affinity counts
 * a running pod only when it matches all terms, and the first pod of a series (it matches its own terms, and nothing counts yet) may go
 * anywhere that has the keys; terminating pods count for affinity, not for spread; a node without one of the spread's keys leaves every
 * constraint's count; nodeTaintsPolicy looks at taints, not at a bare cordon.
 */
#ifndef RUNTIME_SCHEDULER_BETWEEN_H
#define RUNTIME_SCHEDULER_BETWEEN_H

#include "runtime/scheduler/model.h"

struct between;

/* NULL when no other pod matters to P. */
struct between *between_open(const struct model *m, const struct pod *p);
void between_close(struct between *b);                      /* NULL is fine */
const char *between_judge(const struct between *b, const struct node *n);   /* NULL or a constant reason */

/* filter.c, shared with spread's node policies. */
bool pod_tolerates(const struct pod *p, const struct taint *t);
const struct taint *pod_repelled(const struct pod *p, const struct node *n);
bool pod_wants_node(const struct model *m, const struct pod *p, const struct node *n);

#endif
