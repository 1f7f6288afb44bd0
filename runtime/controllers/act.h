/* act - one round of writes, as plan.c fills it and act.c sends it. */
#ifndef RUNTIME_CONTROLLERS_ACT_H
#define RUNTIME_CONTROLLERS_ACT_H

#include "base/json.h"
#include "runtime/controllers/ctl.h"

#define CTL_MANAGER "aipc-controller"           /* field manager of status and taints */
#define CTL_FINALIZER "aipc.dev/fences"         /* on NodeHealthPolicies: their fences are lifted before they go */

/* How each word that a decision can "do" is told: every one is an event (ACTION, PREFIX before the message, WARNING its type) and a metric.
 * STANDING: no write ends it. */
struct decision_kind { const char *what, *action, *prefix; bool warning, standing; };
enum { DECISION_KINDS = 19 };
extern const struct decision_kind decision_kinds[DECISION_KINDS];
const struct decision_kind *decision_kind(const json_t *decision);      /* never NULL: another word is a BUG */

/* A decision to be told of when its write is made. SILENT: counted, no event (numbers of a status). All borrowed. */
struct told { const char *controller; const json_t *decision; bool warning, silent; };

/* WRITE_PATCH: merge patch of the object; WRITE_NODE_STATUS: strategic merge patch of a node's status; WRITE_STATUS: server-side apply of the status. */
enum write_how { WRITE_PATCH, WRITE_NODE_STATUS, WRITE_STATUS };

struct write {
	struct round *r;
	enum ctl_kind kind;
	enum write_how how;
	const char *ns, *name, *uid;
	json_t *body;                /* NULL: nothing to write, only pods to delete */
	const json_t *deletes;       /* pods {namespace, name, uid}, after BODY was stored; NULL: none */
	VEC(struct told) told;
};

struct node_plan;
struct round {
	struct ctl *l;
	const struct fleet *f;
	VEC(struct write *) writes;  /* in the fleet's arena */
	struct node_plan *nodes;     /* nodes with a write, by name */
	size_t failed;
};

/* A new write about OBJECT; its body holds uid and version. */
struct write *write_new(struct round *r, enum ctl_kind kind, enum write_how how, const json_t *object);
void write_tells(struct write *w, const char *controller, const json_t *decision, bool warning, bool silent);
/* The decision stands and needs no write: told once. */
void round_stands(struct round *r, enum ctl_kind kind, const json_t *object, const char *controller, const json_t *decision);
bool decision_stands(const json_t *decision);
/* Has WHAT (about the object UID) been the same for CTL_SETTLE_MS? Otherwise a round comes when it will have been. */
bool act_settled(struct ctl *l, const char *uid, const json_t *what);
void told_now(struct ctl *l, enum ctl_kind kind, const char *ns, const char *name, const char *uid, const struct told *d);

/* --- plan.c: what each decision writes ---------------------------------------------------------------------------- */
void plan_node(struct round *r, const char *controller, const json_t *d);        /* taints and annotations */
void plan_health(struct round *r, const char *controller, const json_t *d);      /* the same, or the status of a policy */
void plan_mark(struct round *r, const char *controller, const json_t *d);        /* a condition of a node */
void plan_gang(struct round *r, const char *controller, const json_t *d);
void plan_status(struct round *r, const char *controller, const json_t *d);      /* of pools, topologies, policies */
void plan_policy(struct round *r, const char *controller, const json_t *d);      /* finalizers; nodes of a policy that goes */
void round_free(struct round *r);

#endif
