/* ctl - the controllers at work on a cluster: feed, decide, act, again and again. The command is runtime/controller.c.
 *
 * feed.c keeps caches of nodes, pods of gangs, Gangs, SparePools, NodeHealthPolicies, FabricTopologies and events about nodes. Each object that
 * changes is turned into JSON once; a round puts all of them into a fleet by reference. The decisions are the pure functions of decide.h; act.c turns
 * them into writes. A round begins CTL_GATHER_MS after the first change that matters (what belongs together is then decided together), at the
 * time that a decision named as the next that matters (fleet_due), or when a failed write is to be tried again; two rounds are at least
 * CTL_GATHER_MS, and twice the time that the last one took, apart.
 *
 * The counts of SparePools and FabricTopologies are looked at no more often than every CTL_COUNT_MS.
 *
 * Nodes that fail together do not fail in the same millisecond: a gang is repaired once the same nodes of it have been
 * failed for CTL_SETTLE_MS, so that all of them are replaced in one decision.
 *
 * What a write carries: uid and resourceVersion of the object that the decision was made on, always. So no write can meet an object that has moved
 * on; it is refused (conflict), and decided anew. What the server answers becomes the object's JSON at once: the next round
 * knows what this one did, however late the watch is, and limits such as the blast radius count it. A write of which nobody knows whether it
 * arrived is followed by a get of the object; no round begins before that is answered. A pod is deleted by uid, after the Gang that names its
 * successor's node was stored, and once: also where the watch has not shown that yet.
 *
 * Objects are told of a decision once: an Event and the metric when a write has been made, or when a standing decision (hold, watch, short, would-...)
 * is new or another; not with every round. A restarted controller tells standing ones once more.
 *
 * What it needs of RBAC:
 *   nodes                get list watch patch;  nodes/status patch
 *   pods                 get list watch delete
 *   events               get list watch ("" and about nodes);  events.k8s.io/events create patch
 *   gangs fabrictopologies sparepools nodehealthpolicies (aipc.dev)   get list watch, and /status patch
 *   nodehealthpolicies   patch (the finalizer);  nodehealthpolicies/finalizers update, where OwnerReferencesPermissionEnforcement is on
 *   leases (coordination.k8s.io), in its namespace   get create update
 */
#ifndef RUNTIME_CONTROLLERS_CTL_H
#define RUNTIME_CONTROLLERS_CTL_H

#include <stdio.h>

#include "runtime/controllers/fleet.h"
#include "runtime/role.h"

enum { CTL_GATHER_MS = 200, CTL_SETTLE_MS = 1000, CTL_COUNT_MS = 1000, CTL_WRITES = 32, CTL_AGAIN_MS = 1000, CTL_AGAIN_MAX_MS = 60000, CTL_IDLE_MS = 60000 };

enum ctl_kind { CTL_NODE, CTL_POD, CTL_GANG, CTL_POOL, CTL_POLICY, CTL_TOPOLOGY, CTL_EVENT, CTL_KINDS };

/* What hangs on each cached object (kube_object.user). */
struct held {
	json_t *json;                /* as the API server stores it, less what nobody reads; after a write, what the server answered */
	bool deleted;                /* a pod whose deletion the server has accepted */
};

struct ctl {
	struct role_run *run;
	struct dump *dump;           /* NULL: not asked for */
	struct kube_cache *caches[CTL_KINDS];
	struct task *waiting;        /* lead(), parked */
	int64_t dirty_ms;            /* clock of the first change since the last round began; 0: none */
	int64_t unserved_ms[CTL_KINDS];    /* since when a kind that was served is not; 0: it is */
	bool was_served[CTL_KINDS];
	uint64_t round;
	int64_t counted_ms;          /* when pools and topologies were last looked at */
	int64_t again_ms;            /* pause before failed writes are tried again; 0: none failed */
	int64_t soon_ms;             /* clock at which a gang will have settled; INT64_MAX: none waits */
	struct settling *settling;   /* gangs whose repair waits for further failures, by uid */
	struct said *said;           /* standing decisions that were told, by object and controller */
	int64_t thought_ms;          /* how long the last round built its fleet and decided: time of our own, not of the server */
};

extern const struct kube_type ctl_types[CTL_KINDS];

/* --- feed.c --- */
void ctl_feed(struct ctl *l);              /* makes the caches; within start() */
void ctl_unfeed(struct ctl *l);            /* frees what hangs on the objects */
void ctl_mark(struct ctl *l);              /* something changed that a decision may hang on */
/* All that is known, as a settled fleet. E_BUSY: a kind that was there is not served just now (the API server starts); its
 * absence is believed after a minute. */
int ctl_fleet(struct ctl *l, int64_t wall_ms, struct fleet **out, struct err *err) MUST_CHECK;
/* All that is known, as a Kubernetes List that `review` reads. */
void ctl_dump(const struct ctl *l, FILE *to);
/* OBJECT, as the server answered it, is what is known from now on. Takes it. Nothing when the cache holds another uid, or none. */
void ctl_learn(struct ctl *l, enum ctl_kind kind, json_t *object);
/* The server has accepted the deletion of the pod. */
void ctl_pod_deleted(struct ctl *l, const char *ns, const char *name, const char *uid);

/* --- act.c --- */
void ctl_metrics(struct ctl *l);           /* registers them */
/* One round: decides on F and writes. Returns the number of writes that failed and are to be tried again. */
size_t ctl_act(struct task *t, struct ctl *l, const struct fleet *f);
void ctl_forget(struct ctl *l);            /* frees what act.c remembers */

#endif
