/* planning - internal to engine/: a plan in the making. */
#ifndef ENGINE_PLANNING_H
#define ENGINE_PLANNING_H

#include <uthash.h>

#include "engine/plan.h"
#include "engine/spec.h"

struct prior {                   /* one object of the state */
	const char *address, *type, *owner;
	const char *provider;        /* the configuration it was made with; NULL: the default */
	json_t *attrs;               /* let go as soon as the object is known to need nothing */
	json_t *deps;                /* shared between neighbours that have the same */
	int64_t version;
	int schema_version;
	bool protected;
	bool taken;                  /* the spec has it too */
};

/* One object to look at. Those of the spec come first, at their item's index; those only the state has follow. */
struct subject {
	struct item *it;
	struct prior *prior;         /* NULL: not in the state */
	json_t *actual;
	json_t *want;                /* the spec's configuration, with what lifecycle ignores as it is; NULL: not made */
	const char *skip;            /* why it could not be read */
	bool silent;                 /* because nobody answered */
	const char *incomplete;      /* what could not be known about it */
	const char *refused;         /* why the world would not take what the spec wants */
	bool elsewhere;              /* the spec names another thing than was read */
	const char *remark;          /* what a person should know of its change */
	json_t *by;                  /* who set what differs, by path */
	struct change *change;       /* NULL: nothing to do */
	unsigned place;              /* of the change in the plan */
	bool imported;               /* an import names it: what is there is taken over */
	const char *import_id; struct mark import_at;
	bool gone, let_go;           /* a removal of what is not there, or that leaves the world alone because the spec says so */
	bool out;                    /* not a target */
	bool absent;                 /* for `drift`: neither the state nor the world has it, so there is nothing to compare */
	bool read, judged;
};

struct stray { struct change *change; struct unit *unit; };
/* A machine that did not answer its provider, and what that looked like: one reason for all its objects. */
struct silent { char *key; const char *why; UT_hash_handle hh; };

/* A postcondition that cannot be told before an apply. */
struct open_condition { struct resource *res; size_t block; const struct instance *in; };

struct making {
	struct engine *e;
	struct spec *spec;
	struct store *store;
	const struct plan_options *o;
	struct diags *d;
	struct plan *p;
	VEC(struct prior) priors;    /* sorted by address */
	VEC(struct subject) subjects;
	VEC(struct unit *) units;    /* by unit.index */
	VEC(struct unit *) own_units;        /* to release */
	VEC(struct stray) strays;    /* changes that stand for no subject */
	VEC(struct open_condition) open;
	VEC(struct resource *) deferred;     /* whose count or for_each is not known */
	bool *target_hit;            /* by target */
	struct err load_err;
	struct silent *silent;
	size_t next, end;            /* subjects still to be read */
	size_t n_read, n_to_read;
	size_t n_asked;           /* of spec.asked that were read, or are known to wait */
	bool keep;                   /* what was read is still needed after the judgement */
};

static inline bool is_operation(const struct change *c)
{
	return c && c->action >= ACT_CREATE && c->action <= ACT_FORGET;
}
static inline bool is_removal(const struct change *c)
{
	return c->action == ACT_DELETE || c->action == ACT_FORGET;
}

/* plan_new - an empty plan with its arena (planfile.c). */
struct plan *plan_new(void);
void change_release(struct change *c);                   /* its references, not itself */
void plan_seal(struct plan *p);                          /* sets the id from the contents */
int plan_read(const json_t *j, struct plan **out, struct err *err) MUST_CHECK;      /* plan_from_json(), with whatever id J has */
/* planfile.c: names in plan files. */
struct counted { const char *name; size_t offset; };
extern const struct counted plan_counted[];              /* of struct plan_counts; ends with a NULL name */
extern const char *const disruption_words[];             /* by enum effect_class */
/* refresh.c: reads subjects[from..end) that were not read, and judges each. */
int refresh_world(struct task *t, struct making *m, size_t from, struct err *err) MUST_CHECK;
/* data.c: reads what data blocks ask, of those that were expanded since; mistakes and silence go to the diags. */
int data_read(struct task *t, struct making *m, struct err *err) MUST_CHECK;
void data_list(struct making *m);            /* fills plan.data */
/* judge.c: what is to be done about one object: sets subject.change. */
void judge(struct making *m, struct subject *td);
struct change *change_new(struct making *m, const char *address, const char *type, const char *owner, enum action action);
/* Makes C something that is not done now. REASON lives as long as the plan. */
void change_hold(struct change *c, enum action action, const char *reason);
struct unit *unit_new(struct making *m, const char *owner, struct resource *r);      /* one the spec does not have */
/* A change of TD as judged so far. */
struct change *subject_change(struct making *m, struct subject *td, enum action action, unsigned cause);
/* lifecycle.c. What TD is to be, a new reference. */
json_t *lifecycle_want(const struct subject *td);
bool lifecycle_ignores(const struct subject *td, const char *attr);
bool lifecycle_protects(const struct subject *td);
void lifecycle_guard(struct making *m, struct subject *td);
void lifecycle_triggers(struct making *m);
int lifecycle_destroy(struct making *m, struct err *err) MUST_CHECK;     /* reports what a plan to remove everything must not remove */
int lifecycle_check(void *making, struct err *err);              /* on a thread of its own: postconditions */
/* carry.c: conditions that cannot be told are kept from now on, until lang_carry_end(). */
void carry_begin(struct making *m);
/* What is kept of IN (lang/carry.h). A new reference. */
json_t *carry_instance(struct making *m, struct resource *r, const struct instance *in);
/* moves.c: gives what the state has the addresses of the spec. */
void moves_apply(struct making *m);
/* imports.c: marks what is taken over. */
void imports_mark(struct making *m);
void imports_missing(struct making *m);      /* reports what is not in the world */
/* refused.c: reports what the world would not take; E_INPUT when there is any. */
int refused_check(struct making *m, struct err *err) MUST_CHECK;
/* hold.c: changes that cannot go ahead because of others. */
int hold_in_units(struct making *m, struct dag *dags, struct err *err) MUST_CHECK;
void hold_deferred(struct making *m, bool *held);
/* groups.c: holds back what cannot go ahead, then groups, edges, waves. */
int plan_arrange(struct making *m, struct err *err) MUST_CHECK;
/* waves.c */
unsigned waves_assign(struct change *const *changes, size_t n, unsigned canary, unsigned max_unavailable);
/* outputs.c: the N outputs as they are to be, against the state's. */
int plan_outputs(struct making *m, const struct lang_output *now, size_t n, struct err *err) MUST_CHECK;
bool is_target(const struct making *m, const char *address, const char *owner);
/* target.c */
bool target_matches(const char *pattern, const char *address, const char *owner);

#endif
