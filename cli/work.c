#include "cli/work.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "providers/all.h"

extern char **environ;

enum { MAX_VAR_FILE = 16 << 20 };
static const char *const default_state = ".aipc/state.db";

/* --- inputs of variables ------------------------------------------------------------------------------------------- */

struct inputs {
	VEC(struct lang_input) list;
	VEC(char *) owned;
};

static void inputs_release(struct inputs *in)
{
	for (size_t i = 0; i < in->owned.len; i++)
		free(in->owned.at[i]);
	vec_free(&in->owned);
	vec_free(&in->list);
}

static void add_input(struct inputs *in, enum lang_input_from from, char *name, char *text, char *origin)
{
	vec_push(&in->owned, name);
	vec_push(&in->owned, text);
	vec_push(&in->owned, origin);
	vec_push(&in->list, (struct lang_input){ from, name, text, strlen(text), origin });
}

static void add_environment(struct inputs *in)
{
	static const char prefix[] = "AIPC_VAR_";
	for (char **e = environ; *e; e++) {
		const char *eq = strchr(*e, '=');
		if (eq && str_has_prefix(*e, prefix)) {
			const char *name = *e + sizeof(prefix) - 1;
			add_input(in, LANG_ENVIRONMENT, xstrndup(name, (size_t)(eq - name)), xstrdup(eq + 1), xstrndup(*e, (size_t)(eq - *e)));
		}
	}
}

static int add_file(struct inputs *in, const char *path, struct err *err)
{
	char *text = NULL;
	size_t len;
	int rc = file_read(path, MAX_VAR_FILE, &text, &len, err);
	if (rc)
		return rc;
	add_input(in, LANG_FILE, NULL, text, xstrdup(path));
	in->list.at[in->list.len - 1].len = len;     /* it may hold NUL bytes, which are then refused */
	return 0;
}

static int add_flag(struct inputs *in, const char *text, struct err *err)
{
	const char *eq = strchr(text, '=');
	if (!eq || eq == text)
		return err_set(err, E_INPUT, "--var wants NAME=VALUE, not \"%.60s\"", text);
	int len = (int)(eq - text);
	add_input(in, LANG_FLAG, xstrndup(text, (size_t)len), xstrdup(eq + 1), xasprintf("--var %.*s", len, text));
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* *.auto.yaml of the folder, in order of their names. */
static int add_auto_files(struct inputs *in, struct err *err)
{
	VEC(char *) names = { 0 };
	DIR *d = opendir(".");
	int rc = 0;
	for (struct dirent *e; d && (e = readdir(d)) != NULL; )
		if (str_has_suffix(e->d_name, ".auto.yaml") && e->d_name[0] != '.')
			vec_push(&names, xstrdup(e->d_name));
	if (d)
		closedir(d);
	if (names.len)
		qsort(names.at, names.len, sizeof(*names.at), by_name);
	for (size_t i = 0; i < names.len; i++) {
		if (!rc)
			rc = add_file(in, names.at[i], err);
		free(names.at[i]);
	}
	vec_free(&names);
	return rc;
}

static int add_given(const struct input_opts *o, struct inputs *in, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; !rc && o && i < o->given.len; i += 2) {
		bool file = strcmp(o->given.at[i], "var-file") == 0;
		rc = file ? add_file(in, o->given.at[i + 1], err) : add_flag(in, o->given.at[i + 1], err);
	}
	return rc;
}

/* Order of precedence: environment, *.auto.yaml, then --var and --var-file as they were given; later inputs win. */
static int gather_inputs(const struct input_opts *o, struct inputs *in, struct err *err)
{
	add_environment(in);
	int rc = add_auto_files(in, err);
	return rc ? rc : add_given(o, in, err);
}

int work_given(const struct input_opts *o, struct work_given *out, struct err *err)
{
	struct inputs *in = xcalloc(1, sizeof(*in));
	int rc = add_given(o, in, err);
	*out = (struct work_given){ in->list.at, in->list.len, in };
	return rc;
}

void work_given_release(struct work_given *g)
{
	inputs_release(g->in);
	free(g->in);
}

/* --- diagnostics --------------------------------------------------------------------------------------------------- */

void work_print_diags(struct cli *c, const struct diags *d, const char *ending)
{
	if (diags_errors(d) + diags_warnings(d) == 0)
		return;
	if (c->json) {
		autojson json_t *j = json_object();
		json_put_new(j, "diagnostics", diags_json(d));
		autofree char *text = json_text(j);
		fprintf(c->err, "%s\n", text);
		return;
	}
	diags_print(d, c->err, c->color_err);
	if (ending && diags_errors(d))
		fprintf(c->err, "%s\n", ending);
}

/* --- Ctrl-C ---------------------------------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *h, int signum)
{
	struct work *w = h->data;
	(void)signum;
	if (++w->signals_seen == 1 && w->can_drain) {
		w->drain = true;
		if (w->on_drain)
			w->on_drain(w);
	} else if (w->scope) {
		w->drain = true;
		scope_cancel(w->scope);
	}
}

static void watch_signals(struct work *w)
{
	static const int which[] = { SIGINT, SIGTERM, SIGHUP };
	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		uv_signal_init(loop_uv(w->loop), &w->signals[i]);
		w->signals[i].data = w;
		uv_signal_start(&w->signals[i], on_signal, which[i]);
		uv_unref((uv_handle_t *)&w->signals[i]);
	}
}

/* loop_free() finishes the closing: W, which holds the handles, lives until then. */
static void unwatch_signals(struct work *w)
{
	for (size_t i = 0; i < ARRAY_LEN(w->signals); i++)
		uv_close((uv_handle_t *)&w->signals[i], NULL);
}

/* --- running ----------------------------------------------------------------------------------------------------------- */

struct body {
	struct work *work;
	work_fn *fn;
};

static int run_body(struct task *t, void *arg, struct err *err)
{
	struct body *b = arg;
	return b->fn(t, b->work, err);
}

/* The first task: the command's body in a scope that Ctrl-C can cancel, then the providers' logouts. */
static int run_first(struct task *t, void *arg, struct err *err)
{
	struct body *b = arg;
	struct work *w = b->work;
	w->scope = scope_open(t, 0);
	int rc = scope_spawn(t, w->scope, "command", run_body, b, err);
	struct err joined = { 0 };
	int rc2 = scope_join(t, w->scope, &joined);
	w->scope = NULL;
	if (!rc && rc2) {
		rc = rc2;
		*err = joined;
	}
	engine_close(t, w->engine);
	w->engine = NULL;
	return rc;
}

static int open_store(struct work *w, const char *path, enum work_state state, const char *command, struct err *err)
{
	if (state == WORK_NO_STATE)
		return 0;
	int rc = store_open(path, state == WORK_READ_STATE, &w->store, err);
	if (!rc && state == WORK_LOCK_STATE)
		rc = store_lock(w->store, command, err);
	if (!rc)
		engine_use_store(w->engine, w->store);
	return rc;
}

static int run_in_loop(struct work *w, work_fn *fn, struct err *err)
{
	struct body body = { w, fn };
	watch_signals(w);
	int rc = loop_run(w->loop, run_first, &body, err);
	unwatch_signals(w);
	return rc;
}

/* Ctrl-C before anything was begun, or between two rounds of an apply: no mistake of anybody. */
static int interrupted(struct work *w, const struct err *err)
{
	if (w->cli->json)
		cli_fail(w->cli, err);
	else
		fprintf(w->cli->err, "Interrupted: %s.\n", w->changed ? "what was done stays; continue: aipc apply" : "nothing was changed");
	return EXIT_INTERRUPTED;
}

static int finish(struct work *w, int rc, const struct err *err)
{
	if (w->engine) {
		/* Nothing was opened yet that would have to wait: the loop never ran. */
		engine_close(NULL, w->engine);
	}
	if (rc) {
		bool told = diags_errors(w->diags) > 0;
		if (told)
			work_print_diags(w->cli, w->diags, w->changed ? "What was done before this was found stays. Continue: aipc apply" :
					 w->read ? "Nothing was changed." : "Nothing was read or changed.");
		int status = rc == E_CANCELED ? interrupted(w, err) : told && !err->msg[0] ? EXIT_ERROR : cli_fail(w->cli, err);
		w->status = w->changed && status == EXIT_ERROR ? EXIT_PARTLY : status;
	}
	store_close(w->store);
	loop_free(w->loop);
	diags_free(w->diags);
	return w->status;
}

int work_run(struct cli *c, const struct input_opts *in, enum work_state state, const char *command, work_fn *body, void *arg)
{
	struct work w = { .cli = c, .arg = arg, .diags = diags_new(), .loop = loop_new() };
	struct err err = { 0 };
	struct inputs inputs = { 0 };
	int rc = gather_inputs(in, &inputs, &err);
	if (!rc) {
		struct engine_options o = { .dir = ".", .inputs = inputs.list.at, .n_inputs = inputs.list.len,
					    .providers = providers_all, .loop = w.loop };
		rc = engine_open(&o, w.diags, &w.engine, &err);
	}
	if (!rc) {
		autofree char *path = engine_state_path(w.engine);
		rc = open_store(&w, path, state, command, &err);
	}
	if (!rc)
		rc = run_in_loop(&w, body, &err);
	inputs_release(&inputs);
	return finish(&w, rc, &err);
}

int work_run_plan(struct cli *c, const struct input_opts *in, const struct plan *p, const char *command, work_fn *body, void *arg)
{
	struct work w = { .cli = c, .arg = arg, .diags = diags_new(), .loop = loop_new() };
	struct err err = { 0 };
	struct engine_options o = { .dir = ".", .providers = providers_all, .loop = w.loop, .ephemeral = p->ephemeral };
	struct inputs inputs = { 0 };
	json_t *providers = NULL;
	int rc = p->ephemeral ? gather_inputs(in, &inputs, &err) : 0;
	o.inputs = inputs.list.at;
	o.n_inputs = inputs.list.len;
	if (!rc && p->ephemeral)
		rc = engine_ephemeral(&o, p, w.diags, &providers, &err);
	if (!rc)
		rc = engine_open_bare(&o, providers ? providers : p->providers, &w.engine, &err);
	if (!rc)
		rc = open_store(&w, p->state_path, WORK_LOCK_STATE, command, &err);
	if (!rc)
		rc = run_in_loop(&w, body, &err);
	inputs_release(&inputs);
	json_decref(providers);
	return finish(&w, rc, &err);
}

int work_load_spec(const struct input_opts *in, bool bare, struct diags *d, struct lang **out, struct err *err)
{
	struct inputs inputs = { 0 };
	*out = NULL;
	int rc = gather_inputs(in, &inputs, err);
	if (!rc) {
		rc = lang_load(".", inputs.list.at, inputs.list.len, d, out, err);
		if (rc == E_NOTFOUND && bare && !*out)
			rc = lang_bare(".", d, out, err);
	}
	inputs_release(&inputs);
	return rc;
}

int work_open_state(struct cli *c, struct store **out, struct err *err)
{
	struct diags *d = diags_new();
	struct lang *l = NULL;
	struct err quiet = { 0 };
	autofree char *path = xstrdup(default_state);
	struct inputs in = { 0 };
	if (gather_inputs(NULL, &in, &quiet) == 0 && lang_load(".", in.list.at, in.list.len, d, &l, &quiet) == 0) {
		const char *named = json_str(json_at(lang_settings(l), "state"), "path");
		if (named) {
			free(path);
			path = xstrdup(named);
		}
	} else if (!file_exists(path)) {
		work_print_diags(c, d, NULL);
	}
	lang_free(l);
	diags_free(d);
	inputs_release(&in);
	return store_open(path, true, out, err);
}
