/* live - objects of a live cluster: what manifest and node_labels do when they have no path.
 *
 * Read: the object is fetched; what of it is compared is what the spec names and what aipc owns besides (owned.h). Where that is not as
 * wanted, the server is asked by a dry run what it would make of the spec: defaults and other spellings are then no difference, and what
 * it refuses is told before anything is changed. Written is by server-side apply as manager KUBE_MANAGER.
 *
 * What is recorded: uid, the cluster (target.h), and whether aipc made the object. Nothing is read from another cluster or done there. Removed is only the very object of that uid that aipc made and still owns
 * something of; of others, and of nodes, aipc only gives up its own fields. A kind goes only when no object of it is left that someone
 * else made, a namespace only when nothing of someone else is left in it.
 */
#ifndef PROVIDERS_KUBE_LIVE_H
#define PROVIDERS_KUBE_LIVE_H

#include "engine/provider.h"

int live_manifest_read(struct task *t, struct op *op, struct err *err);
int live_manifest_write(struct task *t, struct op *op, struct err *err);
int live_manifest_remove(struct task *t, struct op *op, struct err *err);
/* Checks an object that is to be applied: a kind and a name, nothing that a cluster writes itself, no secret. */
int live_manifest_check(struct expand *x);
void live_manifest_ties(const json_t *config, const json_t *provider, tie_fn *say, void *ctx);
/* ID: "", NAME or NAMESPACE/NAME, which must be those of the object. */
int live_manifest_import(const char *id, const json_t *config, json_t **prior, struct err *err);

int live_node_read(struct task *t, struct op *op, struct err *err);
int live_node_write(struct task *t, struct op *op, struct err *err);
int live_node_remove(struct task *t, struct op *op, struct err *err);
int live_node_import(const char *id, const json_t *config, json_t **prior, struct err *err);

/* For both. A read for a plan that ended with RC, E_INPUT: the mistake is one of the spec or of where it points, so there is no plan. */
int live_refused(struct op *op, int rc, struct err *err);
/* What the server would make of BODY, by a dry run: *DRY a new reference, or NULL where it could not be told; op.refused or op.remark
 * then say why. live_settle asks only when LIVE is not already as BODY wants it. */
struct thing;
int live_ask(struct task *t, struct thing *x, const json_t *body, json_t **dry, struct err *err) MUST_CHECK;
int live_settle(struct task *t, struct thing *x, const json_t *body, const json_t *live, json_t **dry, struct err *err) MUST_CHECK;
/* Who took what of BODY: of fields that are as wanted by SHAPE a new object {path: manager}, to be recorded as taken_by; the rest goes to op.by.
 * CUT is cut from the front of paths, PUT put there. */
json_t *live_taken(struct op *op, const json_t *body, const json_t *live, const json_t *shape, const char *cut, const char *put);

#endif
