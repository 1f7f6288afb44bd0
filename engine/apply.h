/* apply - runs a plan: bounded parallel tasks, the journal around each operation, waves, and resume.
 *
 * Around every operation: intent recorded -> provider acts (recording what it sent) -> result read back and written together
 * with the end of the operation. A run that dies leaves open operations; apply_resume() hands each to its provider again, which
 * looks at the world before anything is sent. Failure policy: the first failure admits nothing new (ON_ERROR_STOP) or only
 * keeps dependents back (ON_ERROR_CONTINUE); running operations always end.
 *
 * done + failed + kept_back + still_open counts the plan's operations (a replacement is one), skipped the rest of its changes.
 * An object that was read back otherwise than planned is written as it is, marked OBJ_NONCONFORMING, and failed ("applied,
 * but ..."). An operation may take four times its expected minutes and 30 more, at most 8 hours; beyond it stays open when
 * something had been sent. The store failing ends the run with that error; what was in flight stays open.
 *
 * A postcondition that could not be told when the plan was made is told when its object was read back. One that is not met keeps
 * back what refers to the object, whatever ON_ERROR says, and nothing else; the object was done, and the state has it.
 */
#ifndef ENGINE_APPLY_H
#define ENGINE_APPLY_H

#include "engine/engine.h"

enum apply_event {
	EV_RESUMING,     /* an open operation of an earlier run is taken up again; EV_START follows */
	EV_WAVE,         /* group, wave and waves are set */
	EV_SOAK,         /* waiting seconds between waves */
	EV_START, EV_PROGRESS, EV_DONE,
	EV_FAILED,
	EV_OPEN,         /* neither done nor failed as far as anybody knows: it stays open in the journal, and the text says why */
	EV_UNMET,        /* of what was done: a postcondition is not met, as o.diags says; no EV_DONE */
	EV_KEPT_BACK,    /* not started because something it needs failed, or the run stopped; also behind EV_START: nothing was sent */
};
struct apply_note {
	enum apply_event event;
	const struct change *change;         /* of START..KEPT_BACK */
	const char *address, *type, *node;   /* always, but for WAVE and SOAK */
	int percent;                         /* -1: not known */
	const char *text;                    /* progress, or the error */
	const char *group; unsigned wave, waves; int64_t seconds;
};
enum on_error { ON_ERROR_STOP, ON_ERROR_CONTINUE };
struct apply_options {
	unsigned parallel;                   /* operations at once; 0: 64 */
	enum on_error on_error;
	void (*note)(void *ctx, const struct apply_note *n); void *ctx;      /* may be NULL; on the loop thread, must not wait */
	const bool *drain;                   /* set by the first Ctrl-C: start nothing new; NULL: never */
	struct diags *diags;                 /* conditions that are not met; NULL: they are not looked at */
};
/* UNMET counts the conditions, of objects and of outputs, that are not met; WARNED assertions of checks that do not hold; WAITS: some could not be
 * told. */
struct apply_result { size_t done, failed, kept_back, skipped, still_open; bool interrupted; int64_t run; size_t unmet, warned; bool waits; };

/* Takes up what earlier runs left open; *OUT counts it. The store must be locked. Operations whose peer is silent stay open
 * (still_open) and block only their own object; those of which nothing was sent are closed and count as kept_back. */
int apply_resume(struct task *t, struct engine *e, struct store *s, const struct apply_options *o, struct apply_result *out,
		 struct err *err) MUST_CHECK;
/* Runs P. E_CONFLICT when P is stale (an object it read has another version now, or P was run before): nothing was done then,
 * and the message names the objects. Otherwise 0, whatever failed: see *OUT. Cancelling the task aborts the watching: operations
 * stay open in the journal. */
int apply_run(struct task *t, struct engine *e, struct store *s, const struct plan *p, const struct apply_options *o,
	      struct apply_result *out, struct err *err) MUST_CHECK;
/* What is left to tell when P was run: preconditions of outputs, and checks. Adds to D and to *OUT. */
int apply_tell(struct task *t, const struct plan *p, struct diags *d, struct apply_result *out, struct err *err) MUST_CHECK;

#endif
