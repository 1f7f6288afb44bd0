/* module - what lang.c, the block readers, the checks of references and the inputs share. Internal to lang/.
 *
 * A folder holds parsed files, shared by all calls. A module is one static call path: the root, or what one `module` block of
 * another module calls. A scope is one instance of a module: there is one for the root, and as many for a call as count or for_each
 * say. Things (variables, locals, outputs, calls, resources) are static; their values live in the cells of a scope, computed
 * when something that needs them is prepared (module_eval.c), each once, without recursion.
 */
#ifndef LANG_MODULE_H
#define LANG_MODULE_H

#include <uthash.h>

#include "base/mem.h"
#include "lang/eval.h"
#include "lang/lang.h"
#include "lang/stack.h"

enum { MAX_INSTANCES = 1000000, MAX_MODULES = 20000, MAX_MODULE_DEPTH = 32, MAX_SCOPES = 2000000 };

enum thing_kind { THING_VAR, THING_LOCAL, THING_RESOURCE, THING_OUTPUT, THING_MODULE };
enum cell_state { CELL_NEW, CELL_OPEN, CELL_DONE, CELL_FAILED };

/* What an expression needs. CALL set: TO is an output of what CALL calls, wanted of all its instances. */
struct dep { struct thing *to, *call; const struct expr *at; };
struct deps { struct dep *at; size_t len, cap; };
struct rule { struct expr *condition, *error; };
/* `NAME`, `NAME.ALIAS`, `NAME.ALIAS[KEY]` */
struct provider_ref { const char *name, *alias; struct expr *key; const struct expr *x; const struct ynode *node; };
struct provider_refs { struct provider_ref *at; size_t len, cap; };
struct pass { const char *name, *alias; struct provider_ref to; const struct ynode *node; };  /* name, alias: in the called module */
struct rules { struct rule *at; size_t len, cap; };
struct input { const char *name; const struct ynode *key; struct expr *x; bool used; };

/* A `module` block. */
struct call {
	const struct ynode *source;
	struct module *to;           /* NULL: it could not be read */
	const char *package;         /* of a git source: the folder that nothing in it may leave; else as the caller's */
	struct expr *count, *for_each, *depends_on;
	VEC(struct input) inputs;
	VEC(struct pass) passes;     /* providers */
};

/* What an expression can refer to. */
struct thing {
	char *id;                    /* "var.x", "local.x", "TYPE.NAME", "data.TYPE.NAME", "module.NAME"; "output:.x" */
	const char *name;
	enum thing_kind kind;
	struct module *module;
	unsigned slot;               /* of its cell */
	const struct yaml_file *file;
	const struct ynode *key, *body;
	bool failed;                 /* could not be read: it has no value anywhere */
	struct expr *x;              /* local, output: the value; var: the default */
	struct deps deps;            /* what X needs, each once; of a module's variable: what its argument needs, in the calling module; of a
	                              * call: what count and for_each need; of a resource: all of it */
	struct deps waits;           /* depends_on, also of an output: resources, and calls for all that is in them */
	struct deps reach;           /* resources, through everything else */
	/* var: validation; output: preconditions. What uses its value comes after they were told, and waits while they cannot be. */
	struct rules rules;
	struct deps rule_deps;
	bool late_rules;             /* they need resources */
	bool rules_wait;             /* one of them could not be told yet */
	struct deps late;            /* things with such rules that it needs, through everything else */
	uint32_t next_dep;           /* of the walk that looks for cycles: an index for thing_need() */
	bool open;                   /* that walk is in it */
	/* var */
	const struct type *type;
	bool typed, literal, required, sensitive, ephemeral, nullable;
	const char *given;           /* of the spec itself: the input's origin; NULL: the default */
	VEC(const char *) passed_over;       /* origins of inputs that a later one replaced, and of the default */
	struct expr *arg;            /* of a called module: what the call gives; NULL: the default */
	struct mark arg_at;          /* where the value comes from, when it is an argument or an input */
	const struct val *deflt;     /* converted */
	/* output; var has SENSITIVE and EPHEMERAL too */
	const char *description;
	struct expr *depends_on;
	struct lang_body *res;       /* resource */
	struct call *call;           /* module */
	UT_hash_handle hh;
};

struct folder {
	const char *real;            /* resolved, the key */
	VEC(struct yaml_file *) files;
	bool broken;                 /* not all of it could be read: what seems to be missing may be there */
	UT_hash_handle hh;
};

struct module {
	struct lang *l;
	struct module *parent;       /* NULL: the root */
	struct thing *call;          /* in PARENT */
	const char *path;            /* "", "module.a.module.b" */
	const char *dir;             /* relative to the spec's folder: ".", "modules/x", "../x" */
	const char *real;            /* its folder, resolved */
	const struct folder *folder;
	const char *package;         /* the checked-out repository it is in; NULL: the user's own files */
	unsigned depth;
	struct thing *things;        /* hash by id */
	VEC(struct thing *) order;   /* as read; a thing's index is its slot */
	size_t n_outputs;
	VEC(const char *) missed;    /* outputs that were referred to and are not declared */
	struct deps base;            /* resources that everything in it waits for, because its calls do */
	struct deps base_late;       /* and things with rules that are to be told before */
	struct diag_trail trail;
	/* the instances; complete when LISTED */
	bool listed;
	VEC(struct scope *) scopes;
	VEC(struct lang_block) waiting;      /* of calls whose count or for_each is not known */
};

/* The instances of a call in one scope. */
struct kids {
	struct scope **at; size_t n;
	enum lang_key kind;
	bool deferred; struct mark deferred_at;
	bool *ready; size_t n_ready;         /* by output: all instances have it */
	const struct val *value; size_t value_of;    /* of module.NAME, when so many outputs were ready */
};
struct cell { uint8_t state; bool ruled; const struct val *val; struct kids *kids; };
/* An instance of a module. */
struct scope {
	struct module *m;
	struct scope *parent;
	const char *address;         /* "", `module.a["x"]` */
	size_t block;                /* index in m->scopes */
	const struct val *each_key, *each_value, *count_index;       /* of the call that made it */
	const char **passed;         /* keys of the configurations passed by it; by call.passes */
	struct cell *cells;
	struct diag_trail trail;
};

/* `lifecycle` of a resource. */
struct lifecycle {
	const struct ynode *key;
	struct expr *prevent, *create_first, *ignore;
	VEC(struct expr *) triggers;
	struct rules pre, post;
};
struct check_block { struct module *m; const struct yaml_file *file; const struct ynode *key; struct rules rules; struct deps deps; };
struct import_block { struct expr *to, *id, *for_each; struct deps deps; };
struct attribute { const char *name; const struct ynode *key; struct expr *x; json_t *json; };
struct lang_body {
	struct thing *thing;
	struct lang_resource *pub;
	const char *type;
	bool data;                   /* of a `data` block */
	const struct ynode *check;   /* the key of the check that it belongs to and that alone may refer to it; NULL: none */
	const struct ynode *type_key;
	struct expr *count, *for_each, *depends_on;
	struct lifecycle *life;      /* NULL: none */
	VEC(struct attribute) attrs;
	struct provider_refs providers;
	bool expanded;
	int rc;
	VEC(struct lang_instance) instances;
	VEC(struct lang_block) blocks;
	VEC(size_t) first;           /* of each block, in INSTANCES */
};
struct provider_block {
	const char *name, *alias;
	const struct yaml_file *file; const struct ynode *key;
	struct expr *for_each; const struct ynode *each_key;
	VEC(struct attribute) attrs;
	struct deps deps;
	bool failed;
};

struct lang {
	struct arena *arena;
	struct stack *stack;
	struct diags *d;
	char *dir;
	struct eval *e;
	struct module *root;
	struct scope *top;           /* the root's one instance */
	VEC(struct module *) modules;        /* all, the root first */
	struct folder *folders;
	size_t text_read;
	unsigned files_read;
	size_t n_scopes;
	VEC(char *) texts;
	VEC(struct thing *) order;   /* of all modules */
	VEC(struct provider_block *) providers;
	VEC(struct lang_provider) configs;
	bool configured;
	struct pinned *pinned;       /* module_git.c */
	json_t *lock, *used;         /* the lock file as read; what of it, and of what was fetched, the spec needs */
	bool lock_bad;
	const struct lang_fetch *fetch;      /* aipc init; NULL: nothing is fetched */
	struct { const struct yaml_file *file; const struct ynode *key; struct expr *x; json_t *json; } settings;
	VEC(struct check_block) checks;
	bool checks_wait; size_t checks_failed;
	VEC(struct lang_move) moves;
	VEC(struct lang_removed) removed;
	VEC(struct import_block) import_blocks;
	VEC(struct lang_import) imports;
	struct lang_resource *res; size_t n_res;
	VEC(struct lang_output) out;
	bool out_done; int out_rc;
	struct carry *carry;         /* conditions that cannot be told are kept here (carry.c); NULL: they are not */
	bool again;                  /* values are evaluated once more (again.c) */
	lang_value_fn *on_value; void *on_value_ctx;
	/* of tests: what plan.NAME and run.NAME are */
	const struct val *(*more)(struct eval *e, const struct expr *x, const char *root, const char *name, void *ctx); void *more_ctx;
	/* while something is evaluated */
	struct scope *scope;
	const char *about;           /* the address whose condition is checked, for diagnostics; NULL: none */
	const struct val *each_key, *each_value, *count_index, *self;
};

#define AT(file, node) yaml_mark(file, node)

/* module_read.c: the files of M's folder to things, and the modules they call. */
void module_read(struct module *m, struct err *err);
/* The blocks in BODY, by type and name: resources, or DATA; CHECK: the key of the check they stand in. */
void module_read_typed(struct module *m, const struct yaml_file *f, const struct ynode *body, bool data, const struct ynode *check);
struct thing *module_find(struct module *m, const char *root, const char *name);
bool module_check_keys(struct module *m, const struct yaml_file *f, const struct ynode *map, const char *what, const char *const *names);
/* module_block.c: pieces that blocks of several kinds are made of. */
struct thing *thing_new(struct module *m, enum thing_kind kind, const char *root, const struct yaml_file *f, const struct ynode *key,
			const struct ynode *body);
bool module_check_name(struct module *m, const struct yaml_file *f, const struct ynode *key, const char *what);
bool module_is_map(struct module *m, const struct yaml_file *f, const struct ynode *n, const char *what);
struct expr *module_read_depends_on(struct module *m, const struct yaml_file *f, const struct ynode *v);
/* condition.c: WHAT, of messages: "a precondition". */
void condition_read(struct module *m, const struct yaml_file *f, const struct ynode *list, const char *what, struct rules *out);
/* Adds to G what the operands of R's condition are, but for the one called SKIP (may be NULL). */
void condition_explain(struct lang *l, struct diag *g, const struct rule *r, const char *skip);
/* "var.a, local.b are sensitive": the references in X that have MARK, and the place of the first; NULL when none has. Yours to free. */
char *condition_marked(struct lang *l, const struct expr *x, unsigned mark, struct mark *at);
/* Tells that X, evaluated in the scope at hand, is ephemeral and that WHAT called T does not say that it takes such a value. NULL. */
const struct val *module_refuse_ephemeral(struct lang *l, const struct expr *x, const struct thing *t, const char *what);
/* The message of R; NULL: there is none to show, and *WHY says so. */
const char *condition_text(struct lang *l, const struct rule *r, const char **why);
/* Evaluates R where expressions are evaluated now. A failing one is told with CODE: WHAT, its message, and what its operands are. */
enum verdict { VERDICT_HOLDS, VERDICT_FAILS, VERDICT_UNKNOWN, VERDICT_BROKEN };
enum verdict condition_check(struct lang *l, const struct rule *r, const char *code, const char *what);
/* carry.c: keeps R, which cannot be told where expressions are evaluated now. */
void carry_rule(struct lang *l, const struct rule *r, const char *code, const char *what);
/* block_lifecycle.c */
void lifecycle_read(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body, struct lang_body *r);
void lifecycle_free(struct lifecycle *life);
/* Fills IN->life for the instance that is evaluated now. False after a report, also of a precondition that is not met. */
bool lifecycle_of(struct lang *l, struct lang_body *r, struct lang_instance *in);
/* As condition_check(), but one that cannot be evaluated is told in the same way. */
enum verdict condition_warn(struct lang *l, const struct rule *r, const char *code, const char *what);
/* block_check.c */
void module_read_checks(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void checks_evaluate(struct lang *l);        /* when all resources were expanded */
void checks_free(struct lang *l);
/* required.c: does this program do what the files ask for? False after a report: nothing else of them is looked at. */
bool module_meets_requirements(struct module *m, const struct folder *folder);
/* 1: VERSION is one that CONSTRAINTS ("~> 1.2, != 1.2.3") let through; 0: it is not; -1: one of them cannot be read. */
int version_satisfies(const char *version, const char *constraints);
/* block_moved.c */
void module_read_moved(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void module_read_removed(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void module_read_import(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void moved_check(struct lang *l);            /* what cannot be true of all moves together */
void imports_evaluate(struct lang *l);
/* module_call.c: `module` blocks. */
void module_read_calls(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
struct module *module_new(struct lang *l, struct module *parent, struct thing *call, const char *dir);
/* module_provider.c */
void module_read_providers(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void module_read_provider_arg(struct module *m, const struct yaml_file *f, const struct ynode *v, struct provider_refs *out);
void module_read_passes(struct module *m, struct thing *t, const struct ynode *v);
/* The keys in REFS, or in what C passes, where they stand now (each is set). False after a report. */
bool module_choose(struct lang *l, const struct provider_refs *refs, const char ***out);
bool module_choose_passed(struct lang *l, struct call *c, const char ***out);
/* module_git.c: the folder of T's source, relative to the spec's; NULL after a report. Yours to free. */
char *module_find_git(struct module *m, struct thing *t);
/* Is the resolved folder REAL in PACKAGE? */
bool module_stays_inside(struct module *m, const char *package, const char *real);
void module_free_git(struct lang *l);
/* Reads what M's blocks call, once all of M's files were read. */
void module_load_calls(struct module *m);
/* module_vars.c: types, defaults, inputs, rules. */
void module_read_variable(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void module_take_defaults(struct lang *l);
/* V as what T takes, marked; AT is where V comes from. NULL after a report. */
const struct val *module_fit(struct lang *l, struct thing *t, const struct val *v, struct mark at);
/* In place of module_resolve() where values are constants: every reference is refused. */
const struct val *module_constant(struct eval *e, const struct expr *x, const char *root, const char *name);
/* module_inputs.c: values from outside for the variables of the spec. */
void module_take_inputs(struct lang *l, const struct lang_input *in, size_t n);
/* The value of a called module's variable in S, from its argument or default; NULL after a report. */
const struct val *module_argument(struct lang *l, struct scope *s, struct thing *t);
/* Checks the rules of the variables of S that have a value and were not checked; LATE: also those that need resources. */
void module_check_rules(struct lang *l, struct scope *s, bool late);
/* Checks the rules that all things in LATE have, in all instances of their modules. False: one cannot be told yet. */
bool module_check_late(struct lang *l, const struct deps *late);
/* The preconditions of output T, where expressions are evaluated now. False: one is not met, which was told. */
bool module_check_output(struct lang *l, struct thing *t);
/* module_refs.c: what refers to what. */
void module_check_references(struct lang *l);
void module_check_expr(struct module *m, const struct expr *x, struct deps *deps);      /* of one expression that stands in no block */
void module_check_assertions(struct module *m, const struct rules *rules, struct deps *deps);   /* of a test */
/* What E, checked before, needs in M. Tells nothing. */
void module_deps_of(struct module *m, const struct expr *e, struct deps *out);
/* The I-th thing that T's value needs, or its rules, or its depends_on: what must not need T itself. NULL behind the last. */
const struct dep *thing_need(const struct thing *t, size_t i);
/* module_link.c: cycles, and which resources each thing needs. */
void module_walk(struct lang *l);
void module_link(struct lang *l);            /* lang_resource.refs */
/* module_eval.c: values. */
const struct val *module_resolve(struct eval *e, const struct expr *x, const char *root, const char *name);
/* `self.NAME` of SELF. */
const struct val *module_self(struct eval *e, const struct expr *x, const struct val *self, const char *name);
struct scope *scope_new(struct lang *l, struct module *m, struct scope *parent, const char *address);
/* Evaluates what DEPS need in S. */
void module_prepare(struct lang *l, struct scope *s, const struct deps *deps);
/* All instances of M, in order, and what is not known yet. */
void module_list(struct lang *l, struct module *m);
/* Expressions are evaluated in S (until the next call); diagnostics name its calls. Gives back the scope before. */
struct scope *module_enter(struct lang *l, struct scope *s);
/* Does BODY once for each element of COUNT or FOR_EACH (at most one given), or once: with each and count set. *DEFERRED_AT is set when
 * that is not known. False after a report, or when BODY gave false. WHAT: "a resource". */
struct repeat { struct expr *count, *for_each; bool deferred; struct mark deferred_at; enum lang_key kind; };
bool module_repeat(struct lang *l, struct repeat *r, bool (*body)(void *ctx, enum lang_key kind, const char *key), void *ctx);

#endif
