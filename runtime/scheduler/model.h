/* model - what the scheduler knows of the cluster, small and plain: the part of a role between feed and decide.
 *
 * Objects come in as JSON, in any order, as the API server stores them; the API server's defaults (limits that are requests too, host
 * ports of host-network pods, an allocatable that is the capacity) are applied where they are missing, so files written by hand mean
 * the same. What an object says that cannot be understood never stops the rest: a pod is then refused with the reason, a node
 * keeps what could be read, and the model's notes say it.
 *
 * A model is filled once and settled (model_add, model_settle), or it follows a cluster (the functions of update.c): then every pod
 * and node owns its memory, a change of a pod costs what the pod itself costs, and a new set of nodes or of their places in the fabric
 * is taken in by model_reshape(), O(nodes + pods), however many changes came before it. Texts are never dropped from
 * model->names, and small objects (claims, volumes, namespaces) leave what they were in model->arena: see model_garbage.
 *
 * Nothing here reads a clock or talks to anyone. Pointers into the model stay valid until model_free(), except that a removed
 * pod's or node's are gone with it.
 */
#ifndef RUNTIME_SCHEDULER_MODEL_H
#define RUNTIME_SCHEDULER_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "runtime/scheduler/intern.h"
#include "runtime/scheduler/selector.h"

/* Of one resource: cpu in thousandths, everything else in whole units (bytes, devices). Zero amounts are not listed. */
struct amount { sym res; int64_t n; };
struct amounts { const struct amount *at; uint32_t n; };    /* sorted by res */

struct taint { sym key, value; enum taint_effect { TAINT_NO_SCHEDULE, TAINT_PREFER, TAINT_NO_EXECUTE, TAINT_OTHER } effect; };
struct toleration { sym key, value; bool any_key, any_value, any_effect, never; enum taint_effect effect; };
struct port { sym ip, protocol; int64_t number; };
/* A volume that two pods on one node may not both use, unless both only read; RO_NEVER_SHARED ones not even then. */
struct disk { sym id; bool read_only, never_shared; };
struct pod_term {
	sym topology;
	struct selector pods, namespaces;
	const sym *ns; uint32_t n_ns;
};
struct spread {
	sym topology;
	int64_t max_skew, min_domains;
	bool honor_affinity, honor_taints;
	struct selector pods;
};

/* What the kubelet must be able to do for some pods, and says of itself in status.declaredFeatures (KEP-5328): those of upstream's
 * component-helpers/nodedeclaredfeatures that matter to a scheduler. */
enum node_feature { FEATURE_RESTART_ALL = 1 << 0, FEATURE_HOST_NETWORK_USERNS = 1 << 1 };

struct class;
struct group;

struct node {
	sym name;
	const char *text;                    /* its name */
	uint32_t index;                      /* in model->nodes, which is sorted by name when placement starts */
	struct labels labels;
	const struct taint *taints; uint32_t n_taints;
	bool cordoned, spare;
	unsigned features;                   /* enum node_feature: it has */
	bool gone;                           /* removed; forgotten by the next model_reshape */
	uint32_t stamp;                      /* another one when anything but its pods changed */
	struct arena *arena;                 /* its own; NULL: the model's */
	struct amounts has;                  /* allocatable */
	int64_t max_pods;
	__int128 *used;                      /* beside has.at, of the pods below */
	VEC(struct pod *) pods;
};

struct pod {
	const char *key;                     /* "namespace/name" */
	sym ns, scheduler;
	const char *name, *uid;
	struct arena *arena;                 /* its own; NULL: the model's */
	uint32_t refs;                       /* by the model and by whoever judges by it */
	uint32_t at;                         /* in model->pods of a model that follows a cluster */
	void *owner;                         /* its user's */
	struct labels labels;
	struct node *node;                   /* where it runs or will; NULL: nowhere known */
	sym node_name;                       /* spec.nodeName, also of nodes that are not there */
	uint32_t slot;                       /* in node->pods */
	bool assumed;                        /* put there by a decision, not by the cluster */
	bool promised;                       /* not there: the room is only kept for it (model_promise) */
	bool terminating, never_preempts;
	bool deleted;                        /* has a deletionTimestamp; terminating may also be a decision */
	bool extra;                          /* bound, and its group has its minimum without it; of groups whose pods may be displaced one by one */
	int64_t checkpoint_ms;               /* annotation aipc.dev/last-checkpoint; 0: none */
	bool movable;                        /* it says that it may be moved, is for itself, and its controller makes another one: moves.h */
	const char *hint;                    /* who would have to go; for its reasons */
	int64_t priority, created_ms, rank;  /* rank: INT64_MAX where nothing says it */
	int64_t own_priority;                /* the same, without what its group says */
	const char *const *gates; uint32_t n_gates;
	struct amounts wants;                /* what a node must have free for it */
	struct amounts uses;                 /* what it takes where it runs: a resize in flight counts with its larger side */
	struct labels node_labels;           /* spec.nodeSelector */
	bool has_node_terms;
	struct node_terms node_terms;
	const struct toleration *tolerations; uint32_t n_tolerations;
	const struct port *ports; uint32_t n_ports;
	const struct disk *disks; uint32_t n_disks;
	const sym *claims; uint32_t n_claims;      /* "namespace/name" of persistent volume claims */
	uint32_t n_own;                      /* the last ones of them: of ephemeral volumes, so they must be the pod's own */
	unsigned features;                   /* enum node_feature: it needs */
	const struct pod_term *near; uint32_t n_near;     /* required pod affinity */
	const struct pod_term *apart; uint32_t n_apart;   /* required pod anti-affinity */
	const struct spread *spreads; uint32_t n_spreads;
	const char *refused;                 /* why no node can be right, whatever the nodes are */
	const char *own_refused;             /* the same, without what its group says */
	const char *said_reason, *said_message;    /* of its condition PodScheduled=False; NULL: it has none */
	bool started, running;               /* a container of it runs or ran; its phase is Running */
	const char *nominated;               /* status.nominatedNodeName; NULL: none */
	int64_t deadline_ms;                 /* spec.activeDeadlineSeconds, in milliseconds; 0: none */
	int64_t runtime_ms;                  /* annotation aipc.dev/expected-runtime; 0: none */
	int64_t since_ms;                    /* status.startTime; 0: not started */
	struct group *group;
	sym group_name;                      /* of the pod group it names, 0: none */
	enum group_dialect { GROUP_NONE, GROUP_UPSTREAM, GROUP_COSCHEDULING, GROUP_OURS, GROUP_KUEUE } dialect;
	const json_t *wishes;                /* topology annotations of Kueue; NULL: none */
	const char *plan;                    /* annotation of the binding that a scheduler of ours made */
	struct class *class;
	sym class_key;                       /* pods with equal keys want the same of a node; 0: not movable, and came with a node */
	uint32_t apart_slot;                 /* in model->apart */
};

/* own_handle: names its volume while it has none; controller: uid of the object that controls it, 0: none. */
struct volume_claim { sym key, volume, storage_class, own_handle, controller; bool bound, lost, terminating, single_pod; };
/* Of a CSI volume: its driver, and "driver/handle"; else 0. */
struct volume { sym name, driver, handle; bool has_terms; struct node_terms terms; struct labels labels; };
/* A disruption budget and what it still allows. */
struct budget { sym ns; struct selector pods; int64_t allowed; };
struct priority_class { sym name; int64_t value; bool never_preempts, is_default; };

struct model {
	struct interns *names;
	struct arena *arena;
	VEC(struct node *) nodes;
	VEC(struct pod *) pods;
	VEC(struct pod *) apart;             /* running pods with required anti-affinity */
	VEC(char *) notes;                   /* what could not be read, for people */
	VEC(sym) device_resources;           /* extended resources that a DeviceClass owns */
	VEC(struct priority_class) priorities;
	VEC(struct budget) budgets;
	int64_t newest_ms;                   /* of all times read: the present, where only ages are compared */
	VEC(const json_t *) groups;          /* group objects, topologies, spare pools: read by gang.c and tree.c; referenced */
	struct map *node_of, *namespaces, *claims, *volumes;
	struct attach *attach;               /* attach.h */
	uint64_t version;                    /* grows with every change of what runs where */
	VEC(uint32_t) changes;               /* indexes of nodes, in order of change */
	uint64_t changes_before;             /* that are no longer listed */
	bool stale;                          /* nodes came, went or moved: indexes mean nothing until model_reshape */
	/* Called when P came to (1) or left (-1) a node; not while stale. May be NULL. */
	void (*moved)(void *arg, const struct pod *p, uint32_t node_index, int sign); void *moved_arg;
	size_t promised;                     /* pods that are */
	VEC(sym) levels;                     /* labels that make the trees: a node whose value of one changes moves */
	struct arena *budget_arena;
	size_t n_gone;
	struct well_known { sym cpu, memory, storage, pods, unschedulable, any_ip, tcp; } k;
};

struct model *model_new(void);
void model_free(struct model *m);                           /* NULL is fine */
/* One object, or a List of them (any depth up to 8). E_INPUT when J is no Kubernetes object. */
int model_add(struct model *m, const json_t *j, struct err *err) MUST_CHECK;
/* After all are in: pods are put on their nodes, names that refer to others are looked up, nodes and pods are sorted by name. */
void model_settle(struct model *m);

struct node *model_node(const struct model *m, sym name);
/* Labels of a namespace; NULL when there is no such object. */
const struct labels *model_namespace(const struct model *m, sym ns);
const struct volume_claim *model_claim(const struct model *m, sym key);
const struct volume *model_volume(const struct model *m, sym name);

/* Puts P on N (P must be nowhere) and takes it off again. Both change sums only: O(resources of the pod). */
void model_bind(struct model *m, struct pod *p, struct node *n);
void model_unbind(struct model *m, struct pod *p);
/* The same for room that is only kept for P: it takes room and keeps others away, but is nobody's neighbour yet. */
void model_promise(struct model *m, struct pod *p, struct node *n);
/* The pods on nodes that are on their way out anyhow; yours (free). */
struct pod **model_ending(const struct model *m, size_t *n);
/* PODS off their nodes, which NODES tells afterwards (NULL: it was on none), and there again. */
void model_take_out(struct model *m, struct pod **pods, struct node **nodes, size_t n);
void model_put_back(struct model *m, struct pod **pods, struct node **nodes, size_t n);
/* What is free of RES on N; 0 where N has none. */
int64_t node_free(const struct node *n, sym res);
/* As above by position in n->has. */
int64_t node_free_at(const struct node *n, uint32_t i);

/* pod.c and node.c: from JSON, into the model's arena. NULL when J is of no use at all (no name). */
struct pod *pod_parse(struct model *m, const json_t *j);
struct node *node_parse(struct model *m, const json_t *j);
/* The name of the first feature of SET (not 0), as nodes declare it. */
const char *node_feature_name(unsigned set);
/* A reference of one's own, and the end of one. */
struct pod *pod_ref(struct pod *p);
void pod_unref(struct pod *p);                              /* NULL is fine */

/* --- a model that follows a cluster (update.c) --- */
/* A pod that is on no node yet; NULL without a name. The caller looks whether the name is there already. */
struct pod *model_put_pod(struct model *m, const json_t *j);
/* Takes it off its node and drops the model's reference. */
void model_drop_pod(struct model *m, struct pod *p);
/* A node, or what it has become. True when more than before may fit there, by all that is known; it may turn the model stale. */
bool model_put_node(struct model *m, const json_t *j, struct node **out);
/* Its pods leave it; the node itself is forgotten by the next model_reshape. */
void model_drop_node(struct model *m, struct node *n);
/* Sorts and numbers the nodes; spares are marked, and pods whose node has come are put on it. What was in `changes` is forgotten:
 * trees and rooms must be made anew. */
void model_reshape(struct model *m);
/* Namespaces, claims, volumes, and what attach.h reads; of the last the node that it is about (NULL: all, or one that is not there). */
struct node *model_put_other(struct model *m, const json_t *j);
struct node *model_drop_other(struct model *m, const char *kind, const char *ns, const char *name);
/* All budgets, an array of objects. */
void model_put_budgets(struct model *m, const json_t *array);
/* Topologies, pools and whatever else is kept as it is: J replaces what has its kind and name; model_drop_kept removes it. */
void model_put_kept(struct model *m, const json_t *j);
void model_drop_kept(struct model *m, const char *kind, const char *name);
/* Bytes that only a new model gives back, an upper bound: its own arena and its texts. */
size_t model_garbage(const struct model *m);
/* Keeps at most as many entries of `changes` as whoever is further behind would count anew anyway. */
void model_trim_changes(struct model *m);

void model_note(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* map - from a name to anything. */
struct map *map_new(void);
void map_free(struct map *m);
void *map_get(const struct map *m, uint64_t key);
void map_put(struct map *m, uint64_t key, void *value);     /* NULL forgets */

/* What its group said of P no longer counts. */
void pod_forget_group(struct pod *p);
/* RFC 3339 in UTC to milliseconds; 0 when it is none. */
int64_t time_ms(const char *text);
/* "90m", "1h30m", "2d", "5400" (seconds) to milliseconds; 0 when it is none, or beyond ten years. */
int64_t span_ms(const char *text);

#endif
