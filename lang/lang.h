/* lang - a folder of *.aipc.yaml as one module: loaded, checked, evaluated on demand.
 *
 * The engine loads a spec, asks for its resources and what each refers to, orders them, and expands them one by one into
 * instances with evaluated configuration. Values of resources come back through a callback, only when referred to.
 * All mistakes go to the diags given to lang_load(); a function that met one returns E_INPUT with an empty message.
 * Everything returned lives until lang_free().
 *
 * Limits: 10,000 files, 64 MiB of text, 5,000,000 YAML nodes a file and 1,000,000 more by aliases, depth 200 in YAML,
 * 500 in expressions, 10,000,000 elements in one value, 1,000,000 instances of one resource.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "lang/diag.h"

struct lang;
struct lang_resource;

/* One input for a `variable`: TEXT is an expression's plain string for a string, else parsed as the variable's type wants. */
struct lang_input { const char *name, *text; const char *origin; /* "-var nodes", "AIPC_VAR_nodes", "FILE": for diagnostics */ };

/* Loads DIR. Unknown blocks, bad YAML, unparsable expressions, undeclared references are all reported here, for all files.
 * With E_INPUT *OUT is set as well where the folder could be read: what can be evaluated may be, to find more mistakes in the same
 * run (repeats are dropped); free it then too. Other failures leave *OUT alone. */
int lang_load(const char *dir, const struct lang_input *in, size_t n, struct diags *d, struct lang **out, struct err *err) MUST_CHECK;
void lang_free(struct lang *l);

/* The `aipc` block: settings, evaluated without references ({} when absent). Keys: required_version, state {path}. */
const json_t *lang_settings(struct lang *l);
/* The configuration of provider NAME, evaluated (variables and locals only); {} when the spec has no such block. *AT is
 * the place of the block. */
int lang_provider(struct lang *l, const char *name, const json_t **out, struct mark *at) MUST_CHECK;
/* Names in `provider` blocks, sorted, NULL-terminated. */
const char *const *lang_provider_names(struct lang *l);

/* --- resources ------------------------------------------------------------------------------------------------ */
struct lang_ref {                            /* one resource that another one needs */
	const struct lang_resource *to;
	struct mark at;                      /* where it is written (in a local: the place in that local) */
};
struct lang_resource {
	const char *type, *name;
	struct mark type_mark, name_mark;
	const struct lang_ref *refs; size_t n_refs;   /* direct and through locals, and depends_on; sorted, no repeats */
	unsigned index;                               /* position in lang_resources() */
	struct lang_body *body;                       /* lang's own */
};
/* All resources, sorted by type, then name. The types' names are not checked here: that is the engine's. */
const struct lang_resource *lang_resources(struct lang *l, size_t *n);

/* Asked at most once per resource, when an expression refers to it: the value of its instances as JSON - one object without
 * count/for_each, an array for count, an object by key for for_each. NULL: not known yet (the expression becomes unknown).
 * lang_unknown() may stand anywhere inside. */
typedef const json_t *lang_value_fn(void *ctx, const struct lang_resource *r);
void lang_on_value(struct lang *l, lang_value_fn *fn, void *ctx);
const json_t *lang_unknown(void);            /* the one marker object, compared by identity */

enum lang_key { LANG_SINGLE, LANG_INDEX, LANG_EACH };
struct lang_instance {
	enum lang_key kind;
	const char *key;                     /* the for_each key, or the count index as digits; NULL for LANG_SINGLE */
	json_t *config;                      /* attributes without meta-arguments; lang_unknown() where not known; borrowed */
	bool unknown;                        /* some of config is unknown */
};
/* Evaluates count/for_each and the attributes of all instances, in order (index; key by bytes). *DEFERRED is set to the place
 * when count or for_each itself is unknown (then there are no instances). A sensitive value in an attribute is an error unless
 * SENSITIVE_OK says that this attribute takes one (by top-level name). Each instance costs O(its own size). */
int lang_expand(struct lang *l, const struct lang_resource *r, bool (*sensitive_ok)(void *ctx, const char *attr), void *ctx,
		const struct lang_instance **out, size_t *n, const struct mark **deferred) MUST_CHECK;
/* The place of what PATH names in the resource's body, as deep as the YAML goes: steps as in json_path, ended by NULL.
 * KEY true: the key of the last step instead of its value. */
struct mark lang_mark(const struct lang_resource *r, bool key, const char *const *path);

/* --- outputs ---------------------------------------------------------------------------------------------------- */
struct lang_output { const char *name, *description; bool sensitive, unknown; char *json; /* exact JSON text; NULL when unknown or sensitive */ };
int lang_outputs(struct lang *l, const struct lang_output **out, size_t *n) MUST_CHECK;

/* YAML text to JSON by the YAML 1.2 core rules and the same limits, without expressions; for files that other programs also
 * write (manifests). Several documents become an array when MULTI. */
int lang_yaml_to_json(const char *text, size_t len, const char *what, bool multi, json_t **out, struct err *err) MUST_CHECK;

#endif
