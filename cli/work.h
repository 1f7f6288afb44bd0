/* work - what commands share: the spec's inputs, the engine, the state, the loop and Ctrl-C. */
#ifndef CLI_WORK_H
#define CLI_WORK_H

#include "cli/cli.h"
#include "engine/apply.h"
#include "engine/engine.h"
#include "state/store.h"

/* Options that every command which reads the spec has: put `struct input_opts in;` first in the options' struct. */
struct input_opts { struct opt_list given; };         /* OPT_NAMED */
#define INPUT_OPTIONS(T) \
	{ 0, "var", "NAME=VALUE", "set a variable of the spec (again for more)", OPT_NAMED, offsetof(T, in.given), NULL }, \
	{ 0, "var-file", "FILE", "set variables from a YAML or JSON file", OPT_NAMED, offsetof(T, in.given), NULL }

enum work_state { WORK_NO_STATE, WORK_READ_STATE, WORK_LOCK_STATE };

struct work {
	struct cli *cli;
	struct loop *loop;
	struct engine *engine;
	struct diags *diags;
	struct store *store;
	struct scope *scope;         /* everything the command started; a second Ctrl-C cancels it */
	bool drain;                  /* set by the first Ctrl-C where the command can drain */
	bool can_drain;
	bool read, changed;          /* machines were asked, something was changed, before a failure, should there be one */
	void (*on_drain)(struct work *w);    /* tells the user what goes on; may be NULL */
	uv_signal_t signals[3];
	unsigned signals_seen;
	void *arg;
	int status;                  /* exit status the body leaves */
};

/* The body of a command: runs as a task, leaves w->status, may return a failure (printed by the caller). */
typedef int work_fn(struct task *t, struct work *w, struct err *err);

/* Loads the spec, opens the state, runs BODY in a task, closes everything in order. Prints diagnostics and failures.
 * Returns the exit status. COMMAND goes into the lock's holder. */
int work_run(struct cli *c, const struct input_opts *in, enum work_state state, const char *command, work_fn *body, void *arg);
/* The same for a saved plan: providers as configured then, state as named then; the spec is read, with IN, only where they need ephemeral
 * values again. */
int work_run_plan(struct cli *c, const struct input_opts *in, const struct plan *p, const char *command, work_fn *body, void *arg);

/* The spec of the working folder with its inputs, without engine, state or loop; a folder without one gives an empty spec when BARE. The
 * mistakes are in D; E_INPUT with an empty message when they are all there is to say. */
int work_load_spec(const struct input_opts *in, bool bare, struct diags *d, struct lang **out, struct err *err) MUST_CHECK;
/* What --var and --var-file give, in their order, and nothing else: no environment, no *.auto.yaml. Yours to release, also after a failure. */
struct work_given { struct lang_input *at; size_t n; struct inputs *in; };
int work_given(const struct input_opts *o, struct work_given *out, struct err *err) MUST_CHECK;
void work_given_release(struct work_given *g);

/* The state file of the spec in the working folder, also when the spec has mistakes (then a warning, and the usual place). */
int work_open_state(struct cli *c, struct store **out, struct err *err) MUST_CHECK;

/* Prints D (text or JSON) to stderr. ENDING is a sentence behind the count ("Nothing was read or changed."). */
void work_print_diags(struct cli *c, const struct diags *d, const char *ending);

#endif
