/* watch - the caches of the scheduler, and how their objects reach the live core.
 *
 * One cache for each type that decisions hang on; of pods and nodes only the fields that they hang on are kept (about 1 kB a pod). The types
 * that a cluster may not have (PodGroup in both upstream versions, the coscheduling PodGroup, DeviceClass, the kinds of aipc.dev) are
 * optional. Pods that have ended are in a cache of their own, for the status of groups only. The caches also are the dump: a List of what was kept is enough for `simulate` to decide the same.
 */
#ifndef RUNTIME_SCHEDULER_WATCH_H
#define RUNTIME_SCHEDULER_WATCH_H

#include <stdio.h>

#include "runtime/role.h"
#include "runtime/scheduler/live.h"

struct watch;

struct watch_options {
	void (*changed)(void *arg);                          /* something reached the core, or would if there were one */
	/* A Workload of scheduling.k8s.io/v1alpha1 is there: nothing here reads those. True: it was told, once is enough. */
	bool (*foreign)(void *arg, const char *ns, const char *name, const char *uid);
	void *arg;
};
/* In a role's start(): makes the caches. */
struct watch *watch_new(struct role_run *r, const struct watch_options *o);
void watch_free(struct watch *w);                            /* the caches are the role's */
/* From now on L gets every change; first all that is there (live_reset is the caller's). NULL: nobody. */
void watch_feed(struct watch *w, struct live *l);
/* Budgets are told as a whole: call before deciding. */
void watch_settle(struct watch *w);
/* resourceVersion of a pod that is still UID; NULL: gone. */
const char *watch_pod_version(const struct watch *w, const char *ns, const char *name, const char *uid);
/* The type of a group's object; VERSION is its apiVersion. */
const struct kube_type *watch_group_type(const char *version, enum group_dialect d);
/* All that is cached as a List for `simulate`; pods that L assumes to be somewhere have that node. */
void watch_dump(const struct watch *w, const struct live *l, FILE *to);

/* The same types without watching: one List, read once. */
int watch_read(struct task *t, struct kube *k, json_t **list, struct err *err) MUST_CHECK;

#endif
