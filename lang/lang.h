/* lang - a folder of *.aipc.yaml, and the modules it calls: loaded, checked, evaluated on demand.
 *
 * The engine loads a spec, asks for its resources and what each refers to, orders them, and expands them one by one into
 * instances with evaluated configuration. Values of resources come back through a callback, only when referred to.
 *
 * A module is a folder too; a `module` block calls it with inputs, perhaps many times by count or for_each, and it may call others.
 * Static: one lang_resource for each (chain of calls, type, name); what they refer to goes through inputs and outputs, each
 * reference needing no more than what stands behind it. Dynamic: each instance of a module has its own variables, locals and
 * resources; a lang_block holds the instances of a resource in one instance of its module.
 * All mistakes go to the diags given to lang_load(); a function that met one returns E_INPUT with an empty message.
 * Everything returned lives until lang_free().
 *
 * Limits: 10,000 files, 64 MiB of text, 5,000,000 YAML nodes a file and 1,000,000 more by aliases, depth 200 in YAML,
 * 500 in expressions, 10,000,000 elements in one value, 1,000,000 instances of one resource or one call in one module instance,
 * modules 32 deep, 20,000 calls of modules, 2,000,000 instances of modules. Files of modules count like those of the spec.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "lang/diag.h"

struct lang;
struct lang_resource;

/* Values for the spec's variables; of two for one variable the later wins. TEXT of a flag or of the environment is the string itself for
 * a variable whose type is string, number, bool or not said, else JSON or an expression of constants. A file has no NAME: TEXT is all
 * of it, YAML or JSON, a map of names to values, which keep all digits and their places; strings in it are no templates. */
enum lang_input_from { LANG_FLAG, LANG_ENVIRONMENT, LANG_FILE };
struct lang_input {
	enum lang_input_from from;
	const char *name, *text; size_t len;
	const char *origin;                  /* "--var nodes", "AIPC_VAR_nodes", the file's path: for diagnostics */
};

/* Loads DIR. Unknown blocks, bad YAML, unparsable expressions, undeclared references are all reported here, for all files.
 * With E_INPUT *OUT is set as well where the folder could be read: what can be evaluated may be, to find more mistakes in the same
 * run (repeats are dropped); free it then too. Other failures leave *OUT alone. */
int lang_load(const char *dir, const struct lang_input *in, size_t n, struct diags *d, struct lang **out, struct err *err) MUST_CHECK;
/* A spec without any file, as expressions alone need it: functions read files below DIR. */
int lang_bare(const char *dir, struct diags *d, struct lang **out, struct err *err) MUST_CHECK;
void lang_free(struct lang *l);

/* The `aipc` block: settings, evaluated without references ({} when absent). Keys: required_version, experiments, state {path}. */
const json_t *lang_settings(struct lang *l);
/* The configurations in `provider` blocks, evaluated (variables and locals only), sorted by id. FAILED: after a report. */
struct lang_ephemeral { const char *name; struct mark at; };     /* an attribute with an ephemeral value in it */
struct lang_provider {
	const char *id;              /* `redfish`, `redfish.eu`, `redfish.by["eu"]` */
	const char *name, *alias, *key;      /* alias, key: NULL where there is none */
	json_t *config;
	const struct lang_ephemeral *ephemeral;      /* ends with a NULL name; NULL: none */
	struct mark at;              /* of the block */
	bool failed;
};
void lang_providers(struct lang *l, const struct lang_provider **out, size_t *n);

/* --- resources ------------------------------------------------------------------------------------------------ */
enum lang_key { LANG_SINGLE, LANG_INDEX, LANG_EACH };
struct lang_ref {                            /* one resource that another one needs */
	const struct lang_resource *to;
	struct mark at;                      /* where it is written (in a local: the place in that local) */
};
struct lang_resource {
	const char *module;                  /* the calls that lead to it: "", or "module.a.module.b" */
	const char *type, *name;
	bool data;                           /* of a `data` block: it is read, never made */
	const char *check;                   /* the check it stands in: that it cannot be read is no mistake; NULL: none */
	enum lang_key kind;                  /* of its instances: does it have count or for_each? */
	struct mark type_mark, name_mark;
	/* Direct, through locals, inputs and outputs, by count and for_each of the modules it is in, and by depends_on; sorted, no repeats. */
	const struct lang_ref *refs; size_t n_refs;
	unsigned index;                               /* position in lang_resources() */
	struct lang_body *body;                       /* lang's own */
};
/* All resources and data blocks, sorted by module, resources before data, type, name. The types' names are not checked here: that is the engine's. */
const struct lang_resource *lang_resources(struct lang *l, size_t *n);

/* Asked at most once per resource and block, when an expression refers to it: the value of its instances in that block as JSON -
 * one object without count/for_each, an array for count, an object by key for for_each. NULL: not known yet (the expression
 * becomes unknown), as it must be while the resource was not expanded. lang_unknown() may stand anywhere inside. */
typedef const json_t *lang_value_fn(void *ctx, const struct lang_resource *r, size_t block);
void lang_on_value(struct lang *l, lang_value_fn *fn, void *ctx);
const json_t *lang_unknown(void);            /* the one marker object, compared by identity */
/* V (stolen) as what lang_value_fn may give where V must not be shown: expressions see V with the sensitive mark. A new reference. */
json_t *lang_sensitive(json_t *v);
const json_t *lang_sensitive_in(const json_t *j);    /* the V of J; NULL: J was not made by it (no text that is parsed can look so) */

/* What `lifecycle` says about one instance. */
struct lang_trigger {                        /* a change of this replaces the instance */
	const char *address;                 /* of an instance; WHOLE: of a resource, any of its instances */
	const char *path;                    /* of an attribute; NULL: any */
	bool whole;
	struct mark at;
};
struct lang_life {
	signed char protect;                 /* prevent_destroy: 1 true, -1 false, 0 not said */
	bool create_first, ignore_all, postconditions;
	const char *const *ignore; size_t n_ignore;      /* paths, as "components.BMC.version" */
	const struct lang_trigger *triggers; size_t n_triggers;
	const struct val *each_key, *each_value, *count_index;   /* lang's own */
};
struct lang_instance {
	enum lang_key kind;
	const char *key;                     /* the for_each key, or the count index as digits; NULL for LANG_SINGLE */
	json_t *config;                      /* attributes without meta-arguments; lang_unknown() where not known; borrowed */
	bool unknown;                        /* some of config, of lifecycle, or a precondition is unknown */
	const struct lang_life *life;        /* NULL: there is no lifecycle */
	const char *const *provider_keys;    /* lang's own */
};
struct lang_block {
	const char *module;                  /* address of the module instance: "", or `module.a["x"].module.b[0]` */
	const struct lang_instance *at; size_t n;
	enum lang_key kind;                  /* of the instances, also where there are none */
	const struct mark *deferred;         /* where count or for_each is unknown: there are no instances then */
	bool module_deferred;                /* it is that of a module: MODULE is where its addresses begin, `module.a["x"].module.b` */
};
/* Evaluates count/for_each and the attributes of all instances, in order (modules as called; index; key by bytes). A sensitive
 * value in an attribute is an error unless SENSITIVE_OK says that this attribute takes one (by top-level name). Each instance
 * costs O(its own size). */
int lang_expand(struct lang *l, const struct lang_resource *r, bool (*sensitive_ok)(void *ctx, const char *attr), void *ctx,
		const struct lang_block **out, size_t *n) MUST_CHECK;
/* The configuration of provider NAME that instance IN of R in BLOCK uses: R's `provider` argument (one, or a list with one for each
 * provider that a composite needs) names it, else the default; in a module, names are those of its call's `providers`, and the default
 * is the caller's. *OUT is its index in lang_providers(), SIZE_MAX for a default that has no block. False after a report. */
bool lang_provider_for(struct lang *l, const struct lang_resource *r, const struct lang_block *block, const struct lang_instance *in,
		       const char *name, size_t *out);
/* Names of providers in R's `provider` argument, NULL-terminated; *AT is its place when there are any. */
const char *const *lang_provider_args(struct lang *l, const struct lang_resource *r, struct mark *at);
/* Checks the postconditions of IN, an instance of R in block number BLOCK, whose value is SELF (NULL: not known). E_INPUT after a report;
 * *UNKNOWN: one of them cannot be told yet. */
int lang_postconditions(struct lang *l, const struct lang_resource *r, size_t block, const struct lang_instance *in, const json_t *self,
			bool *unknown) MUST_CHECK;
/* What is reported from now on is about R in BLOCK (NULL: whatever its instance; R NULL: about none): diagnostics name the calls of
 * modules that lead there. */
void lang_about(struct lang *l, const struct lang_resource *r, const struct lang_block *block);
/* The place of what PATH names in the resource's body, as deep as the YAML goes: steps as in json_path, ended by NULL.
 * KEY true: the key of the last step instead of its value. */
struct mark lang_mark(const struct lang_resource *r, bool key, const char *const *path);
/* Calls EACH for every number in R's body that is written otherwise than the language writes it (1.10 is 1.1, 1e3 is 1000,
 * 0x10 is 16): where text is needed, such as a version, something else was meant. PATH as in lang_mark(); WRITTEN is the text
 * of the file, READ how it is read. */
typedef void lang_odd_number_fn(void *ctx, const char *const *path, const char *written, const char *read);
void lang_odd_numbers(struct lang *l, const struct lang_resource *r, lang_odd_number_fn *each, void *ctx);

/* ["KEY"] or [INDEX] as addresses have it, with the escapes of JSON, so that an address is one line and unambiguous whatever the
 * key holds. Nothing for LANG_SINGLE. */
void lang_add_key(struct str *out, enum lang_key kind, const char *key);

/* --- objects that move, go, or are taken over ---------------------------------------------------------------------- */
/* Addresses are in the form of the state, relative to MODULE (without keys). */
struct lang_move {
	const char *module, *from, *to;
	struct mark from_at, to_at;
	bool single;                         /* FROM is the one object without a key, not all instances */
};
const struct lang_move *lang_moves(struct lang *l, size_t *n);
struct lang_removed { const char *module, *from; struct mark at; bool destroy; };
const struct lang_removed *lang_removed(struct lang *l, size_t *n);
struct lang_import { const char *to, *id; struct mark at; };         /* ID may be NULL */
const struct lang_import *lang_imports(struct lang *l, size_t *n);

/* --- outputs ---------------------------------------------------------------------------------------------------- */
struct lang_output { const char *name, *description; bool sensitive, unknown; char *json; /* exact JSON text; NULL when unknown or sensitive */ };
/* Of the spec itself, sorted. To be asked when all resources were expanded: checks what is left, such as rules of modules' variables. */
int lang_outputs(struct lang *l, const struct lang_output **out, size_t *n) MUST_CHECK;

/* The resources with CHANGED (by lang_resource.index) have other values now: what was evaluated from them is forgotten, lang_outputs() too, and
 * evaluated again when it is asked for. Resources and calls of modules keep their instances. */
void lang_again(struct lang *l, const bool *changed);
/* What is reported goes to D from now on; gives back where it went before. */
struct diags *lang_tell_to(struct lang *l, struct diags *d);

/* --- origins ------------------------------------------------------------------------------------------------------- */
/* Where the value at PATH (steps as in lang_mark()) in instance IN of R in block B came from: {"file", "line", "column", "expression",
 * "from": [...]} with one node for each reference, each with "what" ("module.a.var.x"), "value" (as diagnostics show it), and "how":
 * "input" (with "origin": "--var x" or "FILE:LINE:COLUMN", a place of a file, and "instead_of" where it was given more than once), "default", "argument" (of the call "call"),
 * "local", "output", "for_each", "count", "resource"; and so on in their "from". Without a place: R's block does not have the
 * attribute. To be asked when all resources were expanded; at most 2,000 nodes, 64 deep. A new reference. */
json_t *lang_explain(struct lang *l, const struct lang_resource *r, const struct lang_block *b, const struct lang_instance *in, const char *const *path);

/* --- modules from elsewhere --------------------------------------------------------------------------------------- */
enum lang_fetched_how { LANG_FETCHING /* it begins */, LANG_KEPT, LANG_NEW, LANG_RESTORED /* as pinned */, LANG_MOVED /* the pin */ };
struct lang_fetched { const char *source; const char *commit; enum lang_fetched_how how; };
struct lang_fetch {
	bool upgrade;                /* what is pinned already moves to what its ref is now */
	unsigned timeout_s;          /* for each repository */
	void (*note)(void *ctx, const struct lang_fetched *f); void *ctx;       /* may be NULL */
};
/* Reads the module blocks of the spec in DIR, fetches what they call from git repositories (and what that calls in turn) into
 * .aipc/modules, and writes aipc.lock.yaml (lang/source.h). Mistakes and failures are in D, with E_INPUT and an empty message; what
 * could be fetched is kept. Only to be called while the process has no other threads. */
int lang_fetch(const char *dir, const struct lang_fetch *o, struct diags *d, struct err *err) MUST_CHECK;

/* A check, or a rule of an output or a variable, needs values that are not known yet, so it was not told. To be asked after lang_outputs(),
 * which tells those that fail. */
bool lang_checks_wait(const struct lang *l);
/* Assertions of checks that lang_outputs() told, in all instances of their modules. */
size_t lang_checks_failed(const struct lang *l);
/* Is there any check? */
bool lang_has_checks(const struct lang *l);

/* YAML text to JSON by the YAML 1.2 core rules and the same limits, without expressions; for files that other programs also
 * write (manifests). Several documents become an array when MULTI. */
int lang_yaml_to_json(const char *text, size_t len, const char *what, bool multi, json_t **out, struct err *err) MUST_CHECK;

#endif
