/* resources - what a pod asks of a node, by kube-scheduler's arithmetic (component-helpers resource.PodRequests, 1.36).
 *
 * The larger of (containers + sidecars) and (each plain init container + the sidecars before it); a pod-level request replaces that sum
 * for cpu, memory and hugepages; overhead is added. Fractions are summed exactly and rounded up once, per pod. For a running pod each
 * container counts with the largest of spec, status and allocated, or without its spec when its resize was found infeasible.
 */
#ifndef RUNTIME_SCHEDULER_RESOURCES_H
#define RUNTIME_SCHEDULER_RESOURCES_H

#include "runtime/scheduler/model.h"

/* RUNNING: with status. NULL, or why the pod cannot be counted (an unreadable, negative or too large quantity, too many names); the
 * rest is then in *OUT all the same. */
const char *resources_of_pod(struct model *m, const json_t *pod, bool running, struct amounts *out);
/* A node's allocatable without "pods", which goes to *MAX_PODS. Problems are noted. */
struct amounts resources_of_node(struct model *m, const json_t *node, int64_t *max_pods);

#endif
