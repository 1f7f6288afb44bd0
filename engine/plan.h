/* plan - what apply would do: typed operations on objects, with the edges between them and what they cost.
 *
 * A plan is made by plan_make() (engine.h), saved and loaded as JSON, shown by cli/, and run by apply_run(). It owns one
 * arena: everything reached through it lives until plan_free(). Two plans of the same spec, state and world have the same
 * bytes. Its id is the beginning of the SHA-256 of its contents.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/provider.h"
#include "state/store.h"

enum action {
	ACT_NONE,      /* matches; not kept in a saved plan but counted */
	ACT_CREATE,
	ACT_UPDATE,
	ACT_REPLACE,   /* delete, then create */
	ACT_RECORD,    /* only what the state says of it changes: adopted, protected, no longer protected */
	ACT_DELETE,
	ACT_FORGET,    /* out of the state; the world stays */
	ACT_DEFER,     /* depends on what only an apply can tell; plan again afterwards */
	ACT_SKIP,      /* could not be read, or its machine is silent: left out */
	ACT_BLOCK,     /* lifecycle forbids it: nothing is done to it */
};

enum cause { CAUSE_SPEC = 1, CAUSE_DRIFT = 2 };   /* the spec moved; the world moved (bits: both may be) */

struct attr_change {
	const char *path;            /* full: "components.BMC.version" */
	const char *shown;           /* elided parts left out: "BMC" */
	const json_t *before, *after;        /* before NULL: not there yet; after NULL: goes */
	enum cause cause;
	const json_t *was;           /* drift: what state held; else NULL */
	const char *by;              /* who set what is there now, when the provider knows; else NULL */
};

struct change {
	const char *address;
	const char *type;            /* primitive type */
	const char *owner;           /* the spec's resource: "gpu_node_pool.train"; own address for a primitive block */
	const char *node;            /* machine, or NULL */
	enum action action;
	unsigned cause;              /* enum cause bits */
	const struct attr_change *attrs; size_t n_attrs;
	const char *provider;        /* the configuration of its provider ("redfish.eu"); NULL: the default */
	const json_t *config;        /* what to establish; NULL for delete, forget, skip */
	const json_t *actual;        /* what was read; NULL: not there */
	const json_t *prior;         /* what state holds; NULL: not there */
	int64_t version;             /* of the object in state when planned; 0: not there */
	bool silent;                 /* skip: its machine did not answer, and may when it is back */
	bool protect;                /* the object is to be protected from removal and replacement, as the state will say */
	struct effect effect;
	const char *reason;          /* skip, defer, forget, block, record, a triggered replacement: why, one sentence without a full stop; create, update:
	                              * what the provider has to say of it */
	unsigned group;              /* index into plan.groups */
	unsigned wave;               /* 0: no wave; else from 1, within its group */
	const unsigned *after; size_t n_after;   /* indices of changes that must be done first (only real operations) */
};

/* One resource of the spec (or, for what is no longer in the spec, of the state); only groups that have changes are listed.
 * What goes is in a group of its own (removes), because it goes after what used it was changed: so an owner may have two. */
struct group {
	const char *owner;
	bool removes;
	const unsigned *after; size_t n_after;   /* groups whose operations must all be done first; transitive ones are not implied
	                                          * by groups without operations: those were resolved */
	const char *const *deps; size_t n_deps;  /* resources it refers to ("gpu_node_pool.train"), to be stored as object.deps */
	unsigned canary, max_unavailable, soak_s, waves;
	size_t objects, nodes;       /* in all, for "31 of 32 nodes" */
};

struct output_change { const char *name; bool sensitive; const char *before, *after; /* JSON text; NULL: absent, unknown or sensitive */ };

/* An object that gets another address; apply moves all of them together, when the run begins. */
struct move { const char *from, *to, *owner; int64_t version; };

/* OBJECTS counts all that was looked at, and rows that stand for what cannot be (deferred blocks, unknown types), so that what needs nothing is OBJECTS
 * without the rows; a plan for `drift` leaves out what neither the state nor the world has. */
struct plan_counts { size_t objects, create, update, replace, record, remove, forget, defer, skip, block, drift; size_t bmcs_silent; };

struct plan {
	struct arena *arena;
	char id[13];                 /* 12 hex digits */
	char spec_hash[65];
	int64_t serial;              /* store_serial() when planned */
	const char *state_path;      /* of the state it was made from; apply of a saved plan goes there */
	bool destroy;
	bool complete;               /* nothing targeted away, skipped or deferred */
	struct change *changes; size_t n;    /* all but ACT_NONE, sorted by owner, type, address in natural order */
	struct group *groups; size_t n_groups;
	const struct move *moves; size_t n_moves;    /* sorted by TO, in natural order */
	struct output_change *outputs; size_t n_outputs;   /* those that change */
	struct stored_output *output_values; size_t n_output_values;   /* all, to be stored by apply (state/store.h) */
	struct plan_counts counts;
	const json_t *providers;     /* completed configurations by name, for apply; secrets are references */
	const json_t *ephemeral;     /* what is left out there: arrays of attributes by name; NULL: nothing */
	/* What was asked of data blocks, sorted by address: [{"address", "type", "state": "read", "deferred" or "unread", "reason" (of the latter two),
	 * "values" (read; left out with "sensitive": true), "check" (that it belongs to), "provider" (where not the default)}]. For people and programs to see; apply does not look at it. NULL: none. */
	const json_t *data;
	/* Conditions that could not be told, for an apply that has no spec (lang/carry.h); NULL: none. */
	const json_t *conditions;
	struct after *after;         /* what its apply is to tell (after.h); NULL: nothing, or the plan was loaded and not made ready */
};

void plan_free(struct plan *p);                                          /* NULL is fine */
bool plan_has_work(const struct plan *p);                                /* any create, update, replace, delete, forget or output change */
json_t *plan_to_json(const struct plan *p);                              /* format_version 1; what -o saves and --json prints */
int plan_from_json(const json_t *j, struct plan **out, struct err *err) MUST_CHECK;   /* checks the id against the contents */
int plan_save(const struct plan *p, const char *path, struct err *err) MUST_CHECK;
int plan_load(const char *path, struct plan **out, struct err *err) MUST_CHECK;
const char *action_name(enum action a);                                  /* "create", ... */

#endif
