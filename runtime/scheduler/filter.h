/* filter - may this pod run on that node: kube-scheduler's verdict, with one reason.
 *
 * The filters and their order are those of kube-scheduler 1.36's default profile. What needs all running pods (affinity between pods,
 * topology spread) is counted once, when first asked for, and is right until something is bound or unbound. Filters that upstream has and this
 * scheduler cannot serve (unbound WaitForFirstConsumer claims, DRA) refuse the pod by name; the only verdicts that differ from
 * upstream's are those refusals.
 */
#ifndef RUNTIME_SCHEDULER_FILTER_H
#define RUNTIME_SCHEDULER_FILTER_H

#include "runtime/scheduler/model.h"

struct filter;

struct filter *filter_open(const struct model *m, const struct pod *p);
void filter_close(struct filter *f);
/* Why no node can be right, or NULL. Borrowed from F or the pod. */
const char *filter_pod_reason(const struct filter *f);
/* Is it one that all pods of its class share (its volume claims)? */
bool filter_class_refused(const struct filter *f);
/* NULL: the pod may run there. Else the first reason, valid until the next call. */
const char *filter_node(struct filter *f, const struct node *n);
/* The same verdict, but what comes and goes with the node's state (a cordon, the taints of Kubernetes and of this project for conditions) is
 * the reason only when nothing else stands in the way: so a cordon of a node that is full anyway is no news for thousands of pods,
 * and who reads "node is cordoned" knows that an uncordon helps. */
const char *filter_node_lasting(struct filter *f, const struct node *n);

/* The parts, for placement: what only the node's own objects decide (not its pods), and what its pods and devices decide. */
const char *filter_node_static(struct filter *f, const struct node *n);
/* How many more pods with P's wants fit beside what runs on N (resources, host ports, disks; at most 1 with ports or disks); 0 and *WHY. */
int64_t filter_room(struct filter *f, const struct node *n, const char **why);
/* Must P be judged node by node, because pods elsewhere matter? */
bool filter_is_dynamic(struct filter *f);
const char *filter_node_between(struct filter *f, const struct node *n);

#endif
