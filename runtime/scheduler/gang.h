/* gang - groups of pods that start together, from every kind of object that says so, as one tree.
 *
 * What is read, the first that a pod names counts:
 *   our Gang (aipc.dev/v1alpha1): pod label (or annotation) aipc.dev/gang, and aipc.dev/group for one of its groups;
 *     spec {min, required, preferred, patienceSeconds, slices[{level, size}], groups[{name, parent, max, the same}], priorityClassName, preemption, checkpoint}
 *   upstream PodGroup (scheduling.k8s.io v1alpha2, v1beta1): spec.schedulingGroup.podGroupName;
 *     spec {schedulingPolicy {basic | gang {minCount}}, schedulingConstraints.topology[0].key}
 *   coscheduling PodGroup (scheduling.x-k8s.io/v1alpha1): label scheduling.x-k8s.io/pod-group; spec.minMember
 *   a plain pod group of Kueue: label kueue.x-k8s.io/pod-group-name, annotation kueue.x-k8s.io/pod-group-total-count
 * Where the group says nothing of topology, the annotations kueue.x-k8s.io/podset-{required,preferred}-topology,
 * podset-slice-{required-topology,size} and podset-slice-required-topology-constraints of its pods do.
 * A pod that names a group which is not there waits: it must not start alone.
 */
#ifndef RUNTIME_SCHEDULER_GANG_H
#define RUNTIME_SCHEDULER_GANG_H

#include "runtime/scheduler/model.h"

enum { GANG_SLICES = 3, GANG_SPREADS = 8, GANG_DEPTH = 8, GANG_RESTART_MS = 300000 };

struct slice { const char *level; int64_t size; };
struct share_limit { const char *level; int64_t percent; };      /* of the pods in one domain, rounded up */
struct group {
	const char *key, *kind;              /* "ns/name", "Gang" */
	const char *name;                    /* of a group inside a Gang */
	struct group *parent;
	VEC(struct group *) children;
	VEC(struct pod *) waiting;           /* by rank; without gated, deleted and foreign ones */
	VEC(struct pod *) bound;
	int64_t held_back;                   /* gated, being deleted, or refused */
	bool together;                       /* false: each pod for itself */
	int64_t min;                         /* pods, or children of an inner group; 0: all that are there */
	int64_t max;                         /* pods; more wait, the highest ranks; 0: no limit */
	const char *required, *preferred;    /* level words; NULL: none */
	struct slice slices[GANG_SLICES];
	int n_slices;
	struct share_limit spreads[GANG_SPREADS];
	int n_spreads;
	int64_t placing;                     /* pods it would have, while it is placed; 0: it is not */
	int64_t patience_ms;                 /* how long the preferred level is waited for, since the eldest pod was made */
	VEC(struct pin { int64_t rank; sym node; }) pins;   /* status.replacements: this rank on that node, be it a spare, and on no other */
	bool singly, never_preempts;         /* as a victim its pods (of ours those above the minimum) go one by one; it displaces nobody */
	bool ranked; int64_t priority;       /* of a root: all its pods have this priority */
	/* Of a root: the last checkpoint that its object names, the usual time between two, 0: unknown; what a restart takes. */
	int64_t checkpoint_ms, interval_ms, restart_ms;
	bool tired;                          /* a root: no place was found, but not every way was looked at */
	const char *refused;                 /* why it cannot be placed, whatever the nodes are */
};

struct groups { VEC(struct group *) at; };   /* the roots, by key */

/* After model_settle. OURS says which waiting pods are this scheduler's. Sets pod->group of every pod that has one. */
void groups_build(struct model *m, struct groups *out, bool (*ours)(const struct pod *p, void *arg), void *arg);
void groups_release(struct groups *g);
/* The object or the name that P belongs to; of Kueue's groups there is no object. False: P is for itself. KEY is "ns/name", yours to free. */
bool group_of_pod(const struct model *m, const struct pod *p, enum group_dialect *d, char **key);
/* What the object is, GROUP_NONE for no group (FabricTopology); KEY as above. */
enum group_dialect group_of_object(const json_t *object, char **key);
/* One group alone, from its object (NULL: it is not there, or Kueue has none) and all pods that belong to it, in the order of their keys.
 * Memory comes from A; M is as in groups_build. OUT gets one root or none (no object: its pods are then refused). */
void group_build(struct model *m, struct arena *a, const json_t *object, struct pod *const *pods, size_t n, struct groups *out,
		 bool (*ours)(const struct pod *p, void *arg), void *arg);
/* The hints of a Gang's object to what an interruption costs; of other kinds nothing is read. */
void group_read_checkpoint(struct model *m, struct group *root, const json_t *object);
const struct group *group_root(const struct group *g);
/* Is it a Gang of ours? */
bool group_is_ours(const struct group *g);
/* Are so many pods there that G could be placed if there were room? */
bool group_complete(const struct group *g);
/* Waiting pods of G and all below it. */
size_t group_waiting(const struct group *g);
/* Lowers *PRIORITY to the least of its waiting pods'; may none of it displace others? */
bool group_turn(const struct group *g, int64_t *priority);

#endif
