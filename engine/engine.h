/* engine - from a folder to a plan.
 *
 *   struct engine *e;  engine_open(...)  -> spec loaded, types known, graph checked      (diagnostics)
 *   plan_make(t, e, ...)                 -> refresh of the world, differences, plan
 *   engine_close(t, e)
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/plan.h"
#include "lang/diag.h"
#include "lang/lang.h"
#include "state/store.h"

struct engine;

/* The engine borrows all of it until engine_close(). */
struct engine_options {
	const char *dir;
	const struct lang_input *inputs; size_t n_inputs;
	const struct provider *const *providers;     /* NULL-terminated registry (providers/all.h) */
	struct loop *loop;
	const json_t *ephemeral;     /* engine_open_bare(): plan.ephemeral; NULL: none */
};
/* Loads and checks everything that needs no world and no state: language, types, schemas, composite expansion as far as values are
 * known, references, cycles. All mistakes are in D; E_INPUT when there is any error. This is `aipc validate`. */
int engine_open(const struct engine_options *o, struct diags *d, struct engine **out, struct err *err) MUST_CHECK;
/* Logs providers out. Needs the task; shields itself from cancellation, at most 10 s. NULL is fine. */
void engine_close(struct task *t, struct engine *e);
struct lang *engine_lang(struct engine *e);
/* Path of the state file: the spec's aipc.state.path, else DIR/.aipc/state.db. Yours to free. */
char *engine_state_path(const struct engine *e);
/* For apply of a saved plan and for showing state without a spec: types and providers only. */
int engine_open_bare(const struct engine_options *o, const json_t *providers, struct engine **out, struct err *err) MUST_CHECK;

/* Reads the object that ID (may be NULL) names and writes it into the locked state as ADDRESS. E_CONFLICT: the state has it; E_NOTFOUND: the world
 * has not; E_CONFLICT also where an operation on ADDRESS began and did not end. OUT->attrs is a new reference; DECLARED: the spec has ADDRESS. */
struct imported { const struct resource_type *type; json_t *attrs; bool declared; };
int engine_import(struct task *t, struct engine *e, struct store *s, const char *address, const char *id, struct imported *out,
		  struct err *err) MUST_CHECK;
/* The configurations of P's providers, completed by what is ephemeral in them: from the spec in O->dir with O->inputs, which must configure them
 * as it did when P was made (else E_CONFLICT). Only for a plan that has such. A new reference. */
int engine_ephemeral(const struct engine_options *o, const struct plan *p, struct diags *d, json_t **out, struct err *err) MUST_CHECK;

const struct resource_type *engine_type(const struct engine *e, const char *name);      /* NULL when unknown */
/* The opened provider of a type, as configuration ID ("redfish.eu"; NULL: the default) has it; opens it at first use with the store of
 * engine_use_store(). */
int engine_provider(struct engine *e, const struct resource_type *type, const char *id, void **self, struct err *err) MUST_CHECK;
void engine_use_store(struct engine *e, struct store *s);                               /* borrowed; may be NULL */

struct plan_options {
	bool destroy;                /* everything goes */
	bool refresh;                /* read the world; false: trust the state */
	bool drift_only;             /* for `drift`: compare state with the world, ignore what the spec changed */
	const char *const *targets; size_t n_targets;   /* globs on addresses or owners; 0: all */
	unsigned parallel;           /* reads at once; 0: 256 */
	void (*progress)(void *ctx, size_t done, size_t total, size_t silent); void *ctx;       /* may be NULL */
	/* For tests. What of ADDRESS's computed attributes is taken as known before it is made; borrowed; NULL: none of them. */
	const json_t *(*foretold)(void *ctx, const struct resource_type *type, const char *address); void *foretold_ctx;
	/* Called when all was planned, while expressions of L have the planned values; not on the loop's thread, which waits. SUMMARY: {"actions":
	 * {address: action, "none" for what needs nothing}, "data": {address: state}, "counts": {...}, "complete"}; borrowed. */
	void (*planned)(void *ctx, struct lang *l, const json_t *summary); void *planned_ctx;
};
/* Refreshes, compares, orders. What the spec wants is expanded once, by engine_open(), with everything that providers compute
 * (ATTR_COMPUTED) unknown. Only when something refers to such an attribute does plan_make() expand the spec again, object by
 * object behind the reads it needs: a computed attribute is known while its object needs no change, else what refers to it is
 * ACT_DEFER until the next plan. What the world already holds as wanted is no change, also when the state does not know it: then
 * it is not aipc's to remove later. S may be NULL: an empty state. E_INPUT with an empty message: the mistakes are in D. A target
 * that matches nothing is E_INPUT; what is not targeted is not read, and dependencies of targets are not pulled in. */
int plan_make(struct task *t, struct engine *e, struct store *s, const struct plan_options *o, struct diags *d,
	      struct plan **out, struct err *err) MUST_CHECK;

/* Makes P, which was loaded, ready to tell its conditions when it is applied; E is open bare. E_INPUT: what the file says of them is damaged. */
int plan_ready(struct engine *e, struct plan *p, struct err *err) MUST_CHECK;

/* Where ADDRESS.ATTRIBUTE came from, or each attribute of ADDRESS: {"address", "type", "attributes": [{"path", "value", ...}]} with what
 * lang_explain() tells, and "how" where that is not an expression of the block: "type default", "not set", "computed" (by the provider), "made"
 * (by the composite "by", at its place). E_NOTFOUND names the nearest address. */
int engine_explain(struct engine *e, const char *address, json_t **out, struct err *err) MUST_CHECK;

/* The graph of resources (and with OPS of planned operations) as DOT text, sorted. */
int engine_graph(struct engine *e, struct str *out, struct err *err) MUST_CHECK;

#endif
