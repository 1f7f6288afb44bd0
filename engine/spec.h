/* spec - internal to engine/: a loaded spec as resources, instances, units and items.
 *
 * A resource is one block of the spec; its instances are what count and for_each make of it. A unit is what is planned together
 * and shown as one: a composite instance, or all instances of a primitive block. An item is one primitive object.
 * A spec is expanded once per engine_open(); plan_make() makes a second one only when something in the spec refers to what a
 * provider computes, because only then the state and the world can change what the spec says.
 */
#ifndef ENGINE_SPEC_H
#define ENGINE_SPEC_H

#include "base/arena.h"
#include "base/mem.h"
#include "engine/dag.h"
#include "engine/engine.h"

enum { MAX_ITEMS = 2000000 };

/* One configuration of a provider. */
struct provider_slot {
	const struct provider *p;
	const char *id;              /* "redfish" for the default one, "redfish.eu" (lang_provider.id) */
	struct provider_slot *next;  /* further ones of this provider */
	struct mark at;              /* of its block; zeroed: none */
	json_t *config;              /* completed; NULL when it has mistakes, or when something required is missing and there is no block */
	json_t *ephemeral;           /* names of its attributes that are not to be stored; NULL: none */
	bool block, used;
	bool opened;
	void *self;
};
struct type_row {
	const struct resource_type *type;
	struct provider_slot *slot;  /* of the default configuration */
};

struct unit {
	size_t index;                /* in spec.units, and behind them those only the state knows */
	const char *owner;           /* address shown and stored */
	struct resource *res;
	size_t first, n;             /* of spec.items */
	VEC(struct dag_edge) edges;  /* among them, from 0 */
	VEC(const struct unit *) earlier;    /* other units that give what this one needs (ties.c) */
	unsigned canary, max_unavailable, soak_s;
	bool deferred;               /* a composite that waits for values: it has no items */
	const char *reason;
};
struct item {
	size_t index;                /* in spec.items */
	const char *address, *node;
	const char *label;           /* in its composite: "firmware"; NULL: a block of its own */
	const struct lang_life *life;        /* NULL: none */
	const struct type_row *row;
	struct provider_slot *slot;  /* NULL: the state names a configuration that there is none of any more */
	struct unit *unit;
	json_t *config;              /* completed; NULL when deferred */
	const char *reason;          /* deferred: why */
};
/* An instance of a data block. */
enum asking_state { READ_WAITS, READ_DONE, READ_DEFERRED, READ_FAILED };
struct asking {
	struct resource *res;
	struct instance *in;
	size_t block;                /* of RES, that IN is in */
	struct provider_slot *slot;  /* NULL after a mistake */
	enum asking_state state;
	const char *why;             /* deferred, failed: one clause */
	json_t *value;               /* done: what the provider told */
	bool sensitive;              /* VALUE is not to be shown */
	int rc;                      /* failed: why, for the diagnostic */
};
struct instance {
	const struct lang_instance *li;
	const char *key;
	const char *address;
	json_t *config;              /* completed, may hold unknowns; NULL after mistakes */
	json_t *extra;               /* what a composite adds to its value */
	struct item *item;           /* of a primitive; NULL after mistakes */
	struct unit *unit;           /* of a composite */
	struct asking *asking;     /* of data; NULL after mistakes */
	bool unknown;                /* config is not wholly known */
	bool failed;
};
struct block {                       /* the instances of a resource in one instance of its module */
	const struct lang_block *lb;
	struct instance *instances; size_t n;
	json_t *value;               /* NULL: not made yet */
};
struct resource {
	const struct lang_resource *lr;
	const struct type_row *row;  /* NULL: no such type */
	const char *address;         /* without keys: "gpu_node_pool.train", "module.a.gpu_node_pool.train" */
	struct instance *instances; size_t n;
	struct block *blocks; size_t n_blocks;
	size_t first_unit, n_units;  /* of spec.units */
	bool expanded;               /* instances are there */
	bool asked;                  /* an expression wanted its value */
	bool create_first;           /* create_before_destroy, its own or that of what needs it */
	const struct resource *create_first_for;     /* NULL: its own */
	bool waits;                  /* something in it was unknown */
	bool deferred;               /* count or for_each is unknown in one of the blocks: it has no instances */
	const char *reason;
	bool value_unknown;          /* a value given out was not wholly known */
	bool unread;                 /* data of which something could not be read, or what waits for such: no apply will help */
};

struct spec {
	struct engine *e;
	struct lang *lang;
	struct arena *arena;
	struct diags *d;             /* for the time of an expansion */
	struct resource *res; size_t n;
	struct provider_slot **slots;        /* by index in lang_providers(); NULL after a mistake */
	struct dag graph;            /* of resources, by lang_resource.index */
	VEC(struct unit *) units;
	VEC(struct item *) items;
	VEC(struct asking *) asked;
	bool waits;                  /* a resource or an output waits for values that providers compute */
	struct gift *gifts;          /* what its objects give to others (ties.c) */
	/* The attributes that a provider computed for an item, when they will stay as they are; NULL: not known. */
	const json_t *(*computed)(void *ctx, const struct item *it); void *computed_ctx;
	/* After an apply: the item is not as the spec has it, so nothing of it is known. NULL: all are. */
	bool (*missing)(void *ctx, const struct item *it);
	const struct plan_options *options;  /* while a plan is made: what is foretold */
};

struct engine {
	const struct engine_options *o;
	struct engine_options own;   /* the caller's, copied shallowly: what it points to must outlive the engine */
	struct arena *arena;
	struct provider_slot *slots; size_t n_slots; /* one for each provider, its default configuration first in the list */
	struct type_row *rows; size_t n_rows;        /* by name */
	const char *const *type_names;
	struct type_row *data_rows; size_t n_data_rows;      /* the same of data types */
	const char *const *data_names;
	struct spec *spec;           /* NULL when opened bare */
	bool needs_world;            /* what the spec says depends on what providers computed */
	struct spec *old;            /* marks of diagnostics point into its sources */
	struct store *store;
};

/* engine.c */
const struct type_row *engine_row(const struct engine *e, const char *name);
const struct type_row *engine_data_row(const struct engine *e, const char *name);
/* The configuration ID of the provider that FIRST begins; NULL: there is none. ID NULL: the default. */
struct provider_slot *slot_find(struct provider_slot *first, const char *id);
/* The same, made when it is not there. */
struct provider_slot *slot_get(struct engine *e, struct provider_slot *first, const char *id);
/* What is stored of S: NULL for the default. */
const char *slot_name(const struct provider_slot *s);
/* The open provider of S. */
int slot_open(struct engine *e, struct provider_slot *s, void **self, struct err *err) MUST_CHECK;
/* spec.c: loading and checking what needs no evaluation of resources. E_INPUT: the mistakes are in D; *OUT may be there to go on. */
int spec_load(struct engine *e, struct diags *d, struct spec **out, struct err *err) MUST_CHECK;
void spec_free(struct spec *s);
/* ties.c: puts what needs something behind what gives it. To be called when all are expanded. */
void ties_link(struct spec *s);
void ties_free(struct spec *s);
struct giving { const struct spec *s; const struct item *it; };     /* what op.spec points to */
/* KEY as it is told from that of other configurations of providers, which stands in front of a TIE_MARK; yours to free. */
#define TIE_MARK '\x1f'
char *tie_key(const struct item *it, const char *key);
/* twins.c: reports objects that share their identity (ATTR_IDENTITY). */
void twins_check(struct spec *s);
/* expand.c: makes the instances, units and items of R; all that it refers to must have been expanded. Mistakes go to the diags. */
void spec_expand(struct spec *s, struct resource *r);
/* create_before_destroy holds for all that a resource needs too. To be called when all are expanded. */
void spec_create_first(struct spec *s);
/* imports.c: reports imports of nothing. */
void imports_check(struct spec *s);
/* moves.c: reports what is moved or removed and still there. */
void moves_check(struct spec *s);
bool removed_matches(const struct lang_removed *r, const char *address);
/* Does one of its attributes come from its provider? */
bool type_computes(const struct resource_type *type);
/* value.c: the value of a resource as expressions see it; a lang_value_fn. */
const json_t *spec_value(void *ctx, const struct lang_resource *lr, size_t block);
/* The value of one instance, a new reference; lang_unknown() when nothing is known of it. */
json_t *spec_instance_value(struct spec *s, struct resource *r, const struct instance *in);
/* The same of a primitive object, from its configuration and what its provider computed. */
json_t *type_value(const struct resource_type *type, const json_t *config, const json_t *known);
/* SHA-256 of all that the spec wants, in hex. */
void spec_hash(const struct spec *s, char out[65]);
/* ephemeral.c: as schema_complete(), where the attributes in NAMES (an array, or NULL) hold ephemeral values: a secret among them is the
 * secret itself, which becomes a reference that secret_resolve() knows and no spec can write. */
json_t *config_complete(const struct provider *p, const json_t *config, const json_t *names, schema_report_fn *report, void *ctx);
/* CONFIG without NAMES: what may be stored. A new reference. */
json_t *config_stored(const json_t *config, const json_t *names);
/* address.c */
/* The resource that ADDRESS or owner is of, without keys: "module.a.gpu_node_pool.train" of
 * `module.a["x"].gpu_node_pool.train.firmware["gpu-0001"]`; yours to free. */
char *address_base(const char *address);
/* MODULE.TYPE.NAME, or MODULE.data.TYPE.NAME; yours to free. */
char *address_in(const char *module, const struct lang_resource *lr);
/* Does ADDRESS begin with PREFIX, up to a "." or "["? */
bool address_within(const char *address, const char *prefix);

#endif
