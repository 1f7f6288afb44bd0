/* fleet - what the controllers know: nodes, gangs with their pods, pools, policies, levels. The plain model between feed and act.
 *
 * Objects come in as JSON, as the API server stores them, in any order. Decisions are pure functions of the model and its
 * time: the same model gives the same decisions, in the same order. What a decision must remember is on the objects themselves
 * (annotations of nodes, status of gangs), so a controller can stop at any instant.
 *
 * Hostile content costs nothing but itself: a field of the wrong type counts as absent, an object without a name is skipped and noted.
 */
#ifndef RUNTIME_CONTROLLERS_FLEET_H
#define RUNTIME_CONTROLLERS_FLEET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

enum { FLEET_LEVELS = 12 };

/* Keys that are ours on nodes and pods. */
#define KEY_UNHEALTHY "aipc.dev/unhealthy"       /* taint: fenced for its health */
#define KEY_GUARD "aipc.dev/guard"               /* taint: is not what was declared */
#define KEY_FENCE "aipc.dev/fence"               /* annotation: what the fence is about, JSON {reason, since, policy, until, boot, clear} */
#define KEY_GUARD_NOTE "aipc.dev/guard-note"     /* annotation: what the guard found, JSON {reason, since} */
#define KEY_XID "aipc.dev/xid"                   /* annotation, by an agent: CODE or CODE@TIME, separated by commas */
#define KEY_REPAIRED "aipc.dev/repaired"         /* annotation, by a person or a workflow: time of the repair */
#define KEY_GANG "aipc.dev/gang"
#define KEY_GROUP "aipc.dev/group"
#define KEY_RANK "aipc.dev/rank"

struct fleet_node;
struct fleet_pod {
	struct fleet_node *at;       /* where it is; NULL: unbound, ended, or that node is gone */
	const char *ns, *name, *uid, *node, *gang, *group;   /* node: "" while unbound */
	int64_t rank;                /* -1: nothing says it */
	bool ended, terminating;
	const json_t *json;
};

struct fleet_node {
	const char *name, *uid, *version, *boot;
	const json_t *json, *labels, *notes, *taints, *conditions, *allocatable;
	bool cordoned;
	const json_t *policy;                /* that rules it; NULL: none */
	VEC(struct fleet_pod *) pods;        /* of gangs, not ended */
	VEC(const json_t *) events;          /* about this node */
};

struct level { const char *name, *alias, *key; };
struct levels { struct level at[FLEET_LEVELS]; int n; };

struct fleet {
	struct arena *a;
	int64_t now_ms;                      /* wall clock that all ages are taken from */
	VEC(struct fleet_node *) nodes;      /* sorted as people sort, once settled */
	VEC(struct fleet_pod *) pods;
	VEC(const json_t *) gangs, pools, policies, topologies, events;
	VEC(const json_t *) promising;       /* gangs with open replacements that are not being deleted */
	VEC(const char *) notes;             /* what could not be read */
	int64_t *due_ms;                     /* the next time at which a decision may come out otherwise with nothing changed; INT64_MAX: none */
	json_t *keep;                        /* references */
};

struct fleet *fleet_new(int64_t now_ms);
void fleet_free(struct fleet *f);            /* NULL is fine */
/* One object or a List. Kinds that do not matter are passed over. E_INPUT: no Kubernetes object. */
int fleet_add(struct fleet *f, const json_t *object, struct err *err) MUST_CHECK;
/* After all are in: sorts, puts pods and events on their nodes, and nodes under the policy that rules them: the matching one with the highest
 * priority, then the first name, that is not being deleted. */
void fleet_settle(struct fleet *f);
/* Decisions say here when time alone will change them. What is not later than now says nothing. */
void fleet_due(const struct fleet *f, int64_t at_ms);

struct fleet_node *fleet_node(const struct fleet *f, const char *name);   /* NULL: no such node */
/* The pods of a gang: N of them. */
struct fleet_pod *const *fleet_gang_pods(const struct fleet *f, const char *ns, const char *gang, size_t *n);
/* The levels of the FabricTopology NAME, widest first; none when there is no such object, but those of the preset aipc for "default". */
void fleet_levels(const struct fleet *f, const char *name, struct levels *out);
/* Index of the level called WORD (name, alias or label key); -1: "cluster"; -2: no such level. */
int levels_find(const struct levels *l, const char *word);
/* "fab/sg-1/leaf-3", the domain of N down to LEVEL (-1: "cluster"); NULL when N lacks a label on the way. In the fleet's arena. */
const char *fleet_domain(const struct fleet *f, const struct levels *l, const struct fleet_node *n, int level);
/* How many levels from the top the two nodes share. */
int fleet_shared(const struct levels *l, const struct fleet_node *a, const struct fleet_node *b);

const json_t *node_taint(const struct fleet_node *n, const char *key);
const char *node_label(const struct fleet_node *n, const char *key);      /* NULL: absent */
/* The JSON object in the annotation KEY; NULL when absent or no JSON object. A new reference. */
json_t *node_note(const struct fleet_node *n, const char *key);
/* Ready is True and neither cordoned nor fenced nor guarded. */
bool node_usable(const struct fleet_node *n);
/* Do all labels of SELECTOR (an object of strings) stand on LABELS? An empty one matches. */
bool labels_match(const json_t *selector, const json_t *labels);
/* The text OBJ[KEY], "" when absent. */
static inline const char *word(const json_t *obj, const char *key)
{
	const char *s = json_str(obj, key);
	return s ? s : "";
}
/* RFC 3339 to milliseconds; -1 when it is none. */
int64_t time_parse(const char *text);

#endif
