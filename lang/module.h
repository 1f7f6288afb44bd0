/* module - what lang.c, the block readers, the checks of references and the inputs share. Internal to lang/. */
#ifndef LANG_MODULE_H
#define LANG_MODULE_H

#include <uthash.h>

#include "base/mem.h"
#include "lang/eval.h"
#include "lang/lang.h"
#include "lang/stack.h"

enum thing_kind { THING_VAR, THING_LOCAL, THING_RESOURCE };
enum thing_state { THING_NEW, THING_OPEN, THING_DONE, THING_FAILED };

struct dep { struct thing *to; const struct expr *at; };
struct rule { struct expr *condition, *error; };

/* What an expression can refer to. */
struct thing {
	char *id;                    /* "var.x", "local.x", "TYPE.NAME" */
	const char *name;
	enum thing_kind kind;
	enum thing_state state;
	const struct yaml_file *file;
	const struct ynode *key, *body;
	struct expr *x;              /* local: the value; var: the default */
	const struct val *val;
	VEC(struct dep) deps;        /* what the expressions refer to, each once */
	VEC(struct dep) reach;       /* of a local: resources, through other locals too */
	uint32_t next_dep;           /* of the walk that looks for cycles */
	/* var */
	const struct type *type;
	bool typed, literal, required, sensitive, nullable;
	struct mark value_at;        /* where the value comes from */
	VEC(struct rule) rules;
	/* resource */
	struct lang_body *res;
	UT_hash_handle hh;
};

struct attribute { const char *name; const struct ynode *key; struct expr *x; json_t *json; };
struct lang_body {
	struct thing *thing;
	struct lang_resource *pub;
	const char *type;
	const struct ynode *type_key;
	struct expr *count, *for_each, *depends_on;
	VEC(struct attribute) attrs;
	bool asked, expanded;
	int rc;
	VEC(struct lang_instance) instances;
	struct mark deferred_at;
	bool deferred;
};
struct provider_block { const char *name; const struct yaml_file *file; const struct ynode *key; struct expr *x; json_t *json; VEC(struct dep) deps; bool failed; };
struct output_block {
	const char *name, *description;
	const struct yaml_file *file; const struct ynode *key;
	struct expr *x;
	bool sensitive;
	VEC(struct dep) deps;
};

struct lang {
	struct arena *arena;
	struct stack *stack;
	struct diags *d;
	char *dir;
	struct eval *e;
	VEC(struct yaml_file *) files;
	VEC(char *) texts;
	struct thing *things;        /* hash by id */
	VEC(struct thing *) order;   /* as read */
	VEC(struct provider_block) providers;
	VEC(struct output_block) outputs;
	struct { const struct yaml_file *file; const struct ynode *key; struct expr *x; json_t *json; } settings;
	VEC(const char *) provider_names;
	struct lang_resource *res; size_t n_res;
	VEC(struct lang_output) out;
	bool out_done; int out_rc;
	lang_value_fn *on_value; void *on_value_ctx;
	/* while an instance is evaluated */
	const struct val *each_key, *each_value, *count_index;
};

#define AT(file, node) yaml_mark(file, node)

/* module_read.c: files to things. */
void module_read(struct lang *l, const char *dir, struct err *err);
struct thing *module_find(struct lang *l, const char *root, const char *name);
/* module_vars.c: types, defaults, inputs, rules. */
void module_read_variable(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
void module_take_inputs(struct lang *l, const struct lang_input *in, size_t n);
void module_check_rules(struct lang *l);
bool module_check_keys(struct lang *l, const struct yaml_file *f, const struct ynode *map, const char *what, const char *const *names);
/* module_refs.c: what refers to what. */
void module_check_references(struct lang *l);
void module_link(struct lang *l);            /* lang_resource.refs */
const struct val *module_resolve(struct eval *e, const struct expr *x, const char *root, const char *name);
/* Evaluates the locals among N deps and all they need. */
void module_prepare(struct lang *l, const struct dep *deps, size_t n);

#endif
