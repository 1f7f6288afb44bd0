/* provider - what a provider is to the engine.
 *
 * A provider is const data plus plain functions. The engine owns order, differences, deadlines, retries of whole operations,
 * the journal and progress; a provider function does one thing to one object and says what it then read back. All functions
 * that take a struct task run in a task of their own, many at once.
 *
 * Composite types expand one block of the spec into primitive instances (pure, offline, deterministic). Primitive types are
 * read, created, updated, destroyed. Data types are only read: what they tell is used by expressions and kept nowhere.
 */
#ifndef ENGINE_PROVIDER_H
#define ENGINE_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/task.h"
#include "engine/schema.h"

enum { PROVIDER_ABI = 3 };

struct store;

/* --- what a change costs the machine -------------------------------------------------------------------------- */
enum effect_class { EFFECT_NONE, EFFECT_BMC_RESET, EFFECT_REBOOT, EFFECT_AC_CYCLE };   /* the heaviest of an operation */
struct effect {
	enum effect_class disruption;
	int minutes;                 /* expected, whole operation on one machine; 0: seconds */
	bool interrupts_jobs;
	bool bmc_reset;              /* the BMC is reset too, on the way to something heavier */
	char irreversible[128];      /* why it cannot be undone ("anti-rollback"), or "" */
};

/* --- one operation on one primitive object ---------------------------------------------------------------------- */
struct op {
	const char *address;         /* for messages */
	const struct resource_type *type;    /* whose function this is */
	void *self;                  /* what provider.open returned */
	const json_t *config;        /* desired, completed by the schema; NULL when the object is to go (read, destroy) */
	const json_t *prior;         /* attributes in state, NULL when not there */
	const json_t *note;          /* what op_journal last recorded, on resume after a crash; else NULL */
	json_t *actual;              /* out: what the world holds, shaped like config; NULL: it is not there. A new reference. */
	char incomplete[160];        /* out of read: what could not be known ("inventory lists 50 of 66"), "" when all is */
	bool sensitive;              /* out of a data type's read: what it read is not to be shown */
	/* read for a plan (not for drift, nor of what is to go): the peer may be asked whether it would take `config`, without changing anything. */
	bool planning;
	char refused[600];           /* out of such a read: why it would not. A mistake of the spec: there is no plan then */
	char remark[300];            /* out of such a read: what a person should know of the change, one clause; stays in the plan as its reason */
	bool elsewhere;              /* out of such a read: `actual` is what the state knows, and the spec now names another thing: it is replaced */
	json_t *by;                  /* out of read: who in the world set what is not as wanted: path of the attribute to a name. A new object, or NULL */
	const void *spec;            /* the engine's own, as the next */
	void *engine;
};
/* In read: the address of the object of the spec, under the same configuration of the provider, that gives KEY (resource_type.ties);
 * NULL: none does. */
const char *op_given(const struct op *op, const char *key);
/* Records STEP and NOTE (an object; borrowed) durably before the next thing is sent; SENT tells that the peer may have acted.
 * A function that fails after that leaves the operation open only when its err is E_CANCELED, E_TIMEOUT or E_UNREACHABLE:
 * the next apply calls it again with op->note. Every update function must therefore first look at op->note and at
 * the world, and never send a second time what may have been done. */
int op_journal(struct task *t, struct op *op, bool sent, const char *step, const json_t *note, struct err *err) MUST_CHECK;
/* Progress for people: PERCENT -1 when not known; TEXT is short ("task 17, 8 min left"). */
void op_progress(struct op *op, int percent, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

typedef int op_fn(struct task *t, struct op *op, struct err *err);

/* --- expansion of a composite ------------------------------------------------------------------------------------ */
struct expansion;                /* the engine's collector */
struct expand {
	const char *name;            /* of the block: "train" */
	const char *address;         /* "gpu_node_pool.train" (with ["key"] under for_each) */
	const char *dir;             /* folder of the spec, for relative paths */
	const json_t *config;        /* completed, wholly known */
	const json_t *provider;      /* completed configuration of the type's provider */
	json_t *value;               /* out: attributes added to what ${type.name} gives, besides config. A new object, or NULL */
	struct expansion *into;
	/* Reports a mistake at a place in the block, as schema_report_fn. Warnings have a code W... */
	schema_report_fn *report; void *report_ctx;
};
/* Adds instance LABEL["KEY"] of primitive TYPE with CONFIG (stolen). NODE names the machine it is on (for grouping in plans,
 * waves, left-out machines), or NULL. Returns its number, for expand_after. CONFIG is checked against TYPE's schema. */
unsigned expand_add(struct expand *x, const char *type, const char *label, const char *key, const char *node, json_t *config);
void expand_after(struct expand *x, unsigned later, unsigned earlier);      /* LATER only after EARLIER is done */
/* Disruptive changes of this block go in waves: first CANARY machines, then at most MAX_UNAVAILABLE at once; SOAK_S seconds
 * between waves. 0: no bound. */
void expand_rollout(struct expand *x, unsigned canary, unsigned max_unavailable, unsigned soak_s);

/* --- types and providers ------------------------------------------------------------------------------------------- */
struct difference {              /* one attribute that is to change (see plan.h) */
	const char *path;            /* "components.HGX_FW_*.version" */
	const json_t *before, *after;
};
/* What an object is in the world, what it brings there for others, and what of others it needs. Keys mean something to the provider
 * only. Two objects that are the same (TIE_IS) are a mistake; one that needs a key comes after the one that gives it, and goes
 * before it. What gives must need nothing, so that there are no circles. */
enum tie { TIE_IS, TIE_GIVES, TIE_NEEDS };
typedef void tie_fn(void *ctx, enum tie tie, const char *key);
struct resource_type {
	const char *name;            /* "firmware" */
	const char *help;            /* one paragraph */
	int version;                 /* of the schema, from 1 */
	const struct attr *attrs;

	/* Composite: this one only. Mistakes through x->report; returns 0 or E_INPUT after a report. */
	int (*expand)(struct expand *x);

	/* Primitive. read: required; not there = 0 with op->actual NULL; cannot know = an error, and the object is left out.
	 * create NULL: the object exists by nature (a machine's BIOS): update is called instead. update NULL: any change
	 * replaces. destroy NULL: the object is forgotten, the world stays as it is (the plan says so). */
	op_fn *read, *create, *update, *destroy;

	/* Optional. check: offline checks beyond the schema, also of unknown-free primitive blocks written directly. */
	int (*check)(struct expand *x);
	/* Are these two values of the attribute at PATH the same in meaning? NULL: json_same. Called when they differ. */
	bool (*same)(const char *path, const json_t *want, const json_t *have);
	/* What changing these N attributes costs. ACTUAL may be NULL (create). NULL: no effect on a machine. */
	void (*describe)(const json_t *config, const json_t *actual, const struct difference *d, size_t n, struct effect *out);
	/* Import: what the state would hold of the object that ID names ("": none was given), for read to find it by; *PRIOR is a new object. CONFIG
	 * is NULL where the spec does not declare it: read then tells all there is to say of the object.
	 * NULL: the configuration alone says which object it is. */
	int (*import_id)(const char *id, const json_t *config, json_t **prior, struct err *err);
	/* The ties of an object with CONFIG under PROVIDER's configuration, one SAY each. NULL: none but ATTR_IDENTITY. */
	void (*ties)(const json_t *config, const json_t *provider, tie_fn *say, void *ctx);
	/* Raw state of schema version V to V+1, in place. NULL: there never was another version. */
	int (*upgrade)(int from, json_t *attrs, struct err *err);
};

struct provider_env {            /* what open is given; borrowed, lives as long as the provider is open */
	struct loop *loop;
	const struct provider *provider;     /* whose open this is */
	const char *dir;             /* folder of the spec */
	const json_t *config;        /* completed by provider.config */
	struct store *store;         /* for store_note_put/store_notes only; may be NULL */
};
struct provider {
	unsigned abi;                /* PROVIDER_ABI */
	const char *name;
	const char *help;
	bool local;                  /* asks and changes nothing outside of this machine and the state: tests use it as it is */
	const struct attr *config;   /* of the `provider` block; NULL: none */
	const struct resource_type *const *types;   /* NULL-terminated, sorted by name */
	/* Data types, the same; NULL: none. Of the type only name, help, attrs, read and (if it wants) check are used. What read
	 * gives are the ATTR_COMPUTED attributes; not there, or not readable, is an error: E_INPUT and E_NOTFOUND say that the block asks
	 * for what cannot be, and fail the plan; after others it goes on without what depends on it. op->config is wholly known,
	 * op->prior and op->note are NULL. Must not change anything. */
	const struct resource_type *const *data;
	/* All may be NULL. open must not wait nor talk to anyone; close may (log out). */
	int (*open)(const struct provider_env *env, void **self, struct err *err);
	void (*close)(struct task *t, void *self);  /* accepts NULL and half-opened */
};

/* Resolves a secret reference (env:NAME, file:PATH relative to DIR). The value's final newline is cut. *OUT is yours;
 * wipe it with OPENSSL_cleanse before free. The error names the reference, never the value. */
int secret_resolve(const char *dir, const char *ref, char **out, struct err *err) MUST_CHECK;

#endif
