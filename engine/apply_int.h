/* apply_int - internal to engine/apply*.c: one run, and one operation of it. */
#ifndef ENGINE_APPLY_INT_H
#define ENGINE_APPLY_INT_H

#include "engine/apply.h"

struct applying {
	struct engine *e;
	struct store *s;
	const struct apply_options *o;
	struct apply_result *out;
	int64_t run;
	bool fatal; struct err fatal_err;    /* the store failed: nothing new starts, and the run ends with this */
};

enum verb { VERB_CREATE, VERB_UPDATE, VERB_DELETE, VERB_RECORD };
enum outcome {
	OUT_DONE,
	OUT_FAILED,
	OUT_OPEN,        /* sent, and what came of it is not known: the next apply takes it up */
	OUT_UNSTARTED,   /* cancelled before anything was sent */
};

/* One operation on one object. */
struct doing {
	struct applying *a;
	const struct change *change;         /* NULL when resumed */
	const char *address, *owner, *node, *provider;
	const struct resource_type *type;
	const json_t *deps;                  /* array */
	int64_t id;                          /* in the journal */
	bool protect;                /* written with the object */
	bool sent;
	json_t *attrs;               /* what the state says of it, once it was done and read back; NULL: it is gone, or was not done */
};

void apply_note_send(struct applying *a, const struct apply_note *n);
/* An event about D; TEXT may be NULL. */
void doing_tell(const struct doing *d, enum apply_event event, const char *text);
void apply_fatal(struct applying *a, const struct err *err);
static inline bool apply_draining(const struct applying *a) { return a->fatal || (a->o->drain && *a->o->drain); }
static inline unsigned apply_width(const struct apply_options *o) { return o->parallel ? o->parallel : 64; }

const char *verb_name(enum verb v);
bool verb_of(const char *name, enum verb *out);
/* Journals the intent, then as doing_call(). */
enum outcome doing_run(struct task *t, struct doing *d, enum verb v, const json_t *config, const json_t *prior);
/* Writes down what the state is to say of D->change's object; nobody is asked. */
enum outcome doing_record(struct doing *d);
/* Has the provider do it and writes down what came of it; D->id is open in the journal. Tells EV_FAILED, not EV_DONE. */
enum outcome doing_call(struct task *t, struct doing *d, enum verb v, const json_t *config, const json_t *prior, const json_t *note);

#endif
