/* One operation: the journal around it, the provider's call, and what is written down afterwards. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/apply_int.h"
#include "engine/record.h"

static const char *const verbs[] = { [VERB_CREATE] = "create", [VERB_UPDATE] = "update", [VERB_DELETE] = "delete", [VERB_RECORD] = "record" };

const char *verb_name(enum verb v)
{
	return verbs[v];
}

bool verb_of(const char *name, enum verb *out)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i], name) == 0) {
			*out = (enum verb)i;
			return true;
		}
	return false;
}

void apply_note_send(struct applying *a, const struct apply_note *n)
{
	if (a->o->note)
		a->o->note(a->o->ctx, n);
}

void doing_tell(const struct doing *d, enum apply_event event, const char *text)
{
	apply_note_send(d->a, &(struct apply_note){ .event = event, .change = d->change, .address = d->address, .type = d->type->name,
						    .node = d->node, .percent = -1, .text = text });
}

void apply_fatal(struct applying *a, const struct err *err)
{
	if (!a->fatal)
		a->fatal_err = *err;
	a->fatal = true;
}

/* --- what providers call -------------------------------------------------------------------------------------------- */
int op_journal(struct task *t, struct op *op, bool sent, const char *step, const json_t *note, struct err *err)
{
	(void)t;
	struct doing *d = op->engine;
	if (!d)
		BUG("%s: op_journal() outside of an operation", op->address);
	autojson json_t *j = json_is_object(note) ? json_copy((json_t *)note) : json_object();
	json_put_str(j, "step", step);
	int rc = op_note(d->a->s, d->id, sent || d->sent ? OP_SENT : OP_INTENT, j, err);
	if (rc)
		apply_fatal(d->a, err);
	else
		d->sent = d->sent || sent;
	return rc;
}

void op_progress(struct op *op, int percent, const char *fmt, ...)
{
	struct doing *d = op->engine;
	char text[256];
	va_list ap;
	if (!d)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	apply_note_send(d->a, &(struct apply_note){ .event = EV_PROGRESS, .change = d->change, .address = d->address, .type = d->type->name,
						    .node = d->node, .percent = percent, .text = text });
}

/* --- what came of it --------------------------------------------------------------------------------------------------- */
static struct object object_of(const struct doing *d, json_t *attrs, enum object_status status)
{
	return (struct object){ .address = d->address, .type = d->type->name, .owner = d->owner, .schema_version = d->type->version,
				.provider = d->provider, .attrs = attrs, .deps = (json_t *)d->deps, .status = status,
				.protected = d->protect };
}

static enum outcome store_broke(struct doing *d, const struct err *err)
{
	apply_fatal(d->a, err);
	doing_tell(d, EV_FAILED, err->msg);
	return OUT_OPEN;
}

static enum outcome end_failed(struct doing *d, const char *message, const struct object *obj)
{
	struct err e;
	if (op_failed(d->a->s, d->id, message, obj, &e))
		return store_broke(d, &e);
	doing_tell(d, EV_FAILED, message);
	return OUT_FAILED;
}

static enum outcome end_error(struct doing *d, const struct op *op, int rc, const struct err *err)
{
	if (d->a->fatal)
		return store_broke(d, err);
	bool unclear = rc == E_CANCELED || rc == E_TIMEOUT || rc == E_UNREACHABLE;
	if (d->sent && unclear) {
		autofree char *text = rc == E_CANCELED ? xstrdup("not watched any longer; what was sent goes on, and the next apply takes it up")
						       : xasprintf("%s; what was sent may go on, and the next apply takes it up", err->msg);
		doing_tell(d, EV_OPEN, text);
		return OUT_OPEN;
	}
	if (rc == E_CANCELED) {
		static const char before[] = "stopped before anything was sent";
		struct err e;
		if (op_failed(d->a->s, d->id, before, NULL, &e))
			return store_broke(d, &e);
		doing_tell(d, EV_KEPT_BACK, before);
		return OUT_UNSTARTED;
	}
	/* Half done: what is known of the object is kept, with its status saying so. */
	autojson json_t *attrs = op->actual ? record_attrs(d->type, op->config ? op->config : op->prior, op->actual)
			       : d->sent && op->prior ? json_ref(op->prior) : NULL;
	struct object obj = object_of(d, attrs, OBJ_PARTIAL);
	return end_failed(d, err->msg, attrs ? &obj : NULL);
}

static enum outcome end_gone(struct doing *d, const struct op *op)
{
	struct err e;
	if (op->actual) {
		autojson json_t *attrs = record_attrs(d->type, op->prior, op->actual);
		struct object obj = object_of(d, attrs, OBJ_PARTIAL);
		return end_failed(d, "removed, but it is still there", &obj);
	}
	return op_done(d->a->s, d->id, d->address, NULL, &e) ? store_broke(d, &e) : OUT_DONE;
}

static enum outcome end_done(struct doing *d, const struct object *obj)
{
	struct err e;
	if (op_done(d->a->s, d->id, d->address, obj, &e))
		return store_broke(d, &e);
	d->attrs = json_ref(obj->attrs);
	return OUT_DONE;
}

static enum outcome end_there(struct doing *d, const struct op *op)
{
	autostr struct str why;
	str_init(&why, 900);
	if (!op->actual)
		return end_failed(d, "applied, but it is not there", NULL);
	str_add(&why, "applied, but ");
	bool good = record_conforms(d->type, op->config, op->actual, &why);
	autojson json_t *attrs = record_attrs(d->type, op->config, op->actual);
	struct object obj = object_of(d, attrs, good ? OBJ_OK : OBJ_NONCONFORMING);
	if (!good)
		return end_failed(d, why.at, &obj);
	return end_done(d, &obj);
}

static op_fn *function_of(const struct resource_type *type, enum verb v)
{
	switch (v) {
	case VERB_CREATE: return type->create ? type->create : type->update;
	case VERB_UPDATE: return type->update;
	default: return type->destroy;
	}
}

enum outcome doing_call(struct task *t, struct doing *d, enum verb v, const json_t *config, const json_t *prior, const json_t *note)
{
	struct op op = { .address = d->address, .type = d->type, .config = v == VERB_DELETE ? NULL : config, .prior = prior, .note = note, .engine = d };
	struct err e = { 0 };
	op_fn *fn = function_of(d->type, v);
	int rc = 0;
	if (!fn && v != VERB_DELETE)
		rc = err_set(&e, E_UNSUPPORTED, "objects of type %s cannot be changed in place", d->type->name);
	else if (fn && !(rc = engine_provider(d->a->e, d->type, d->provider, &op.self, &e)))
		rc = fn(t, &op, &e);
	/* Whatever becomes of this task, what it knows is written down. */
	enum outcome out = rc ? end_error(d, &op, rc, &e) : v == VERB_DELETE ? end_gone(d, &op) : end_there(d, &op);
	json_decref(op.actual);
	return out;
}

static bool journal(struct doing *d, enum verb v, const json_t *config, const json_t *prior)
{
	autofree char *deps = json_text(d->deps);
	struct err e;
	struct op_row row = {
		.run = d->a->run, .address = d->address, .type = d->type->name, .owner = d->owner, .action = verb_name(v), .deps = deps,
		.provider = d->provider,
		.state = OP_INTENT, .config = v == VERB_DELETE ? NULL : (json_t *)config, .prior = (json_t *)prior,
		.protected = d->protect,
	};
	d->sent = false;
	if (op_begin(d->a->s, &row, &d->id, &e)) {
		apply_fatal(d->a, &e);
		doing_tell(d, EV_FAILED, e.msg);
		return false;
	}
	return true;
}

enum outcome doing_run(struct task *t, struct doing *d, enum verb v, const json_t *config, const json_t *prior)
{
	return journal(d, v, config, prior) ? doing_call(t, d, v, config, prior, NULL) : OUT_FAILED;
}

enum outcome doing_record(struct doing *d)
{
	const struct change *c = d->change;
	autojson json_t *attrs = c->prior ? json_ref(c->prior) : record_attrs(d->type, c->config, c->actual);
	struct object obj = object_of(d, attrs, OBJ_OK);
	if (!journal(d, VERB_RECORD, NULL, c->prior))
		return OUT_FAILED;
	return end_done(d, &obj);
}
