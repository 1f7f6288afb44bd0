/* What a killed apply left: each open operation is handed to its provider again. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/apply_int.h"

struct left {
	struct applying *a;
	struct op_row op;            /* its own copies */
	json_t *deps;
	enum outcome outcome;
	bool started;
};
struct lefts { struct applying *a; VEC(struct left) all; };

static int keep(void *ctx, const struct op_row *op)
{
	struct lefts *l = ctx;
	struct left x = { .a = l->a, .op = *op };
	struct err ignored;
	x.op.address = xstrdup(op->address);
	x.op.type = xstrdup(op->type);
	x.op.owner = xstrdup(op->owner);
	x.op.provider = xstrdup(op->provider);
	x.op.action = xstrdup(op->action);
	x.op.deps = NULL;
	json_incref(x.op.config);
	json_incref(x.op.prior);
	json_incref(x.op.note);
	if (json_parse(op->deps, strlen(op->deps), "deps", &x.deps, &ignored))
		x.deps = json_array();
	vec_push(&l->all, x);
	return 0;
}

static void release(struct lefts *l)
{
	for (size_t i = 0; i < l->all.len; i++) {
		struct left *x = &l->all.at[i];
		free((char *)x->op.address);
		free((char *)x->op.type);
		free((char *)x->op.owner);
		free((char *)x->op.provider);
		free((char *)x->op.action);
		json_decref(x->op.config);
		json_decref(x->op.prior);
		json_decref(x->op.note);
		json_decref(x->deps);
	}
	vec_free(&l->all);
}

static enum outcome unknown(struct left *x, const char *what)
{
	autofree char *text = xasprintf("the journal has an operation in flight on it, but this aipc knows no %s \"%s\": finish it with the "
					"version that began it", what, strcmp(what, "action") == 0 ? x->op.action : x->op.type);
	apply_note_send(x->a, &(struct apply_note){ .event = EV_OPEN, .address = x->op.address, .type = x->op.type, .percent = -1,
						    .text = text });
	return OUT_OPEN;
}

static int take_up(struct task *t, void *arg, struct err *err)
{
	struct left *x = arg;
	enum verb v;
	(void)err;
	x->outcome = OUT_OPEN;
	x->started = true;
	const struct resource_type *type = engine_type(x->a->e, x->op.type);
	if (!type || type->expand)
		return x->outcome = unknown(x, "type"), 0;
	if (!verb_of(x->op.action, &v))
		return x->outcome = unknown(x, "action"), 0;
	struct doing d = {
		.a = x->a, .address = x->op.address, .owner = x->op.owner, .provider = x->op.provider, .type = type, .deps = x->deps, .id = x->op.id,
		.node = json_str(x->op.config ? x->op.config : x->op.prior, "node"), .sent = x->op.state >= OP_SENT, .protect = x->op.protected,
	};
	void *self;
	struct err e;
	autofree char *text = xasprintf("%s, last step: %s", x->op.action, json_str(x->op.note, "step") ? json_str(x->op.note, "step") : "begun");
	doing_tell(&d, EV_RESUMING, text);
	doing_tell(&d, EV_START, NULL);
	/* A provider that cannot be opened now says nothing about the operation. */
	if (engine_provider(x->a->e, type, x->op.provider, &self, &e)) {
		doing_tell(&d, EV_OPEN, e.msg);
		return 0;
	}
	int64_t old = task_deadline_in(t, (int64_t)8 * 3600 * 1000);
	x->outcome = doing_call(t, &d, v, x->op.config, x->op.prior, x->op.note);
	task_deadline_restore(t, old);
	json_decref(d.attrs);
	if (x->outcome == OUT_DONE)
		doing_tell(&d, EV_DONE, NULL);
	return 0;
}

static int never_sent(struct left *x, struct err *err)
{
	x->started = true;
	x->outcome = OUT_UNSTARTED;
	return op_failed(x->a->s, x->op.id, "the run ended before anything was sent", NULL, err);
}

static int start_all(struct task *t, struct lefts *l, struct scope *s, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->all.len && !apply_draining(l->a); i++) {
		struct left *x = &l->all.at[i];
		if (x->op.state == OP_INTENT && !x->op.note)
			rc = never_sent(x, err);
		else
			rc = scope_spawn(t, s, x->op.address, take_up, x, err);
	}
	return rc;
}

static void tally(const struct lefts *l, struct apply_result *out)
{
	for (size_t i = 0; i < l->all.len; i++) {
		const struct left *x = &l->all.at[i];
		enum outcome o = x->started ? x->outcome : OUT_OPEN;
		out->run = x->op.run;
		out->done += o == OUT_DONE;
		out->failed += o == OUT_FAILED;
		out->still_open += o == OUT_OPEN;
		out->kept_back += o == OUT_UNSTARTED;
	}
}

int apply_resume(struct task *t, struct engine *e, struct store *s, const struct apply_options *o, struct apply_result *out,
		 struct err *err)
{
	struct applying a = { .e = e, .s = s, .o = o, .out = out };
	struct lefts l = { .a = &a };
	memset(out, 0, sizeof(*out));
	engine_use_store(e, s);
	int rc = store_open_ops(s, keep, &l, err);
	if (rc == 0 && l.all.len) {
		struct scope *scope = scope_open(t, apply_width(o));
		struct err ignored;
		rc = start_all(t, &l, scope, err);
		(void)scope_join(t, scope, &ignored);
		tally(&l, out);
		if (rc == E_CANCELED || task_cancelled(t))
			rc = 0, out->interrupted = true;
		out->interrupted = out->interrupted || (o->drain && *o->drain);
	}
	release(&l);
	if (a.fatal && err)
		*err = a.fatal_err;
	return a.fatal ? a.fatal_err.code : rc;
}
