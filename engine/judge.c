#include <string.h>

#include "base/json.h"
#include "engine/diff.h"
#include "engine/planning.h"

struct change *change_new(struct making *m, const char *address, const char *type, const char *owner, enum action action)
{
	struct arena *a = m->p->arena;
	struct change *c = arena_alloc(a, sizeof(*c));
	c->address = arena_strdup(a, address);
	c->type = type;
	c->owner = owner;
	c->action = action;
	return c;
}

/* What the object is remembered by goes with the change; nothing is kept for an object without one. */
static struct change *add(struct making *m, struct subject *td, enum action action, unsigned cause, const char *reason)
{
	struct change *c = change_new(m, td->it->address, td->it->row->type->name, td->it->unit->owner, action);
	bool config = action == ACT_CREATE || action == ACT_UPDATE || action == ACT_REPLACE;
	c->node = arena_strdup(m->p->arena, td->it->node);
	c->provider = arena_strdup(m->p->arena, td->it->slot ? slot_name(td->it->slot) : td->prior ? td->prior->provider : NULL);
	c->cause = cause;
	c->reason = arena_strdup(m->p->arena, reason);
	c->config = config ? json_ref(td->want ? td->want : td->it->config) : NULL;
	c->actual = td->actual ? json_ref(td->actual) : NULL;
	c->prior = td->prior ? json_ref(td->prior->attrs) : NULL;
	c->version = td->prior ? td->prior->version : 0;
	return td->change = c;
}

struct change *subject_change(struct making *m, struct subject *td, enum action action, unsigned cause)
{
	return add(m, td, action, cause, NULL);
}

void change_hold(struct change *c, enum action action, const char *reason)
{
	for (size_t i = 0; i < c->n_attrs; i++)
		attr_change_release((struct attr_change *)&c->attrs[i]);
	json_decref((json_t *)c->config);
	c->config = NULL;
	c->attrs = NULL;
	c->n_attrs = 0;
	c->cause = 0;
	c->effect = (struct effect){ 0 };
	c->action = action;
	c->reason = reason;
}

static void add_effect(struct change *c, const struct resource_type *type)
{
	if (!type->describe || !c->config)
		return;
	struct difference *d = xcalloc(c->n_attrs + 1, sizeof(*d));
	for (size_t i = 0; i < c->n_attrs; i++)
		d[i] = (struct difference){ c->attrs[i].path, c->attrs[i].before, c->attrs[i].after };
	type->describe(c->config, c->actual, d, c->n_attrs, &c->effect);
	c->effect.irreversible[sizeof(c->effect.irreversible) - 1] = '\0';
	free(d);
}

static void drop_attrs(struct diff_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		attr_change_release(&r->attrs[i]);
}

/* --- what goes ------------------------------------------------------------------------------------------------------------ */

static void judge_removal(struct making *m, struct subject *td)
{
	if (!td->prior)
		return;
	td->gone = !td->actual;
	if (!td->actual)
		add(m, td, ACT_FORGET, CAUSE_DRIFT, "it is gone already");
	else if (td->let_go)
		add(m, td, ACT_FORGET, CAUSE_SPEC, "removed from the spec; the world stays");
	else if (!td->it->row->type->destroy)
		add(m, td, ACT_FORGET, CAUSE_SPEC, "nothing is undone in the world");
	else
		add(m, td, ACT_DELETE, CAUSE_SPEC, NULL);
}

/* --- what is to be ---------------------------------------------------------------------------------------------------------- */

static enum action action_for(const struct subject *td, bool replace)
{
	const struct resource_type *type = td->it->row->type;
	bool can_replace = type->create && type->destroy;
	if (!td->actual)
		return type->create || !type->update ? ACT_CREATE : ACT_UPDATE;
	if ((replace || !type->update) && can_replace)
		return ACT_REPLACE;
	return type->update ? ACT_UPDATE : ACT_CREATE;
}

static void judge_difference(struct making *m, struct subject *td, const json_t *want, const json_t *prior)
{
	struct diff_input in = { .type = td->it->row->type, .want = want, .have = td->actual, .prior = prior };
	struct diff_result r;
	diff_object(m->p->arena, &in, &r);
	if (td->actual && !r.n && !td->elsewhere)
		return;
	if (td->incomplete && r.lacking) {
		drop_attrs(&r);
		add(m, td, ACT_SKIP, 0, arena_printf(m->p->arena, "not all of it could be read: %s", td->incomplete));
		return;
	}
	for (size_t i = 0; i < r.n; i++)
		r.attrs[i].by = arena_strdup(m->p->arena, json_str(td->by, r.attrs[i].path));
	enum action action = action_for(td, r.replace || td->elsewhere);
	if (action == ACT_REPLACE && !td->prior) {
		drop_attrs(&r);
		add(m, td, ACT_SKIP, 0, "it exists, aipc did not make it, and changing it would mean to remove it first");
		return;
	}
	unsigned gone = !td->actual && td->prior ? CAUSE_DRIFT : 0;
	struct change *c = add(m, td, action, r.cause | gone, td->remark);
	if (!c->cause)
		c->cause = CAUSE_SPEC;
	c->attrs = r.attrs;
	c->n_attrs = r.n;
	add_effect(c, td->it->row->type);
}

/* What lifecycle ignores is no drift either. */
static void drop_ignored(struct subject *td)
{
	struct change *c = td->change;
	struct attr_change *attrs = (struct attr_change *)c->attrs;
	size_t n = 0;
	for (size_t i = 0; i < c->n_attrs; i++) {
		if (lifecycle_ignores(td, attrs[i].path))
			attr_change_release(&attrs[i]);
		else
			attrs[n++] = attrs[i];
	}
	if (n == c->n_attrs)
		return;
	c->n_attrs = n;
	if (n || c->action == ACT_SKIP)
		return;
	change_release(c);
	td->change = NULL;
}

/* The object stays as it is, but what the state says of it changes. */
static void judge_record(struct making *m, struct subject *td)
{
	bool protect = lifecycle_protects(td);
	if (!td->change && !td->prior && td->imported && td->actual) {
		struct change *c = add(m, td, ACT_RECORD, CAUSE_SPEC, "adopt: it is as the spec wants");
		c->config = json_ref(td->want);
	}
	if (!td->change && td->prior && td->prior->protected != protect)
		add(m, td, ACT_RECORD, CAUSE_SPEC, protect ? "protected from now on" : "no longer protected");
}

/* For `drift`: is the world still what the state says? An object that the state does not know is held against the spec. */
static void judge_drift(struct making *m, struct subject *td)
{
	const json_t *prior = td->prior ? td->prior->attrs : NULL, *want = prior ? prior : td->it->config;
	td->absent = !want || (!prior && !td->actual);
	if (td->absent)
		return;
	judge_difference(m, td, want, want);
	if (td->change)
		drop_ignored(td);
	if (!td->change || td->change->action == ACT_SKIP)
		return;
	td->change->cause = CAUSE_DRIFT;
	if (td->change->action == ACT_REPLACE)
		td->change->action = ACT_UPDATE;
	json_decref((json_t *)td->change->config);
	td->change->config = json_ref(want);
}

static void judge_wanted(struct making *m, struct subject *td)
{
	td->want = lifecycle_want(td);
	judge_difference(m, td, td->want, td->prior ? td->prior->attrs : NULL);
	judge_record(m, td);
}

void judge(struct making *m, struct subject *td)
{
	td->judged = true;
	if (td->it->reason && !m->o->destroy && !m->o->drift_only)
		add(m, td, td->it->unit->res && td->it->unit->res->unread ? ACT_SKIP : ACT_DEFER, 0, td->it->reason);
	else if (td->skip)
		add(m, td, ACT_SKIP, 0, td->skip)->silent = td->silent;
	else if (m->o->drift_only)
		judge_drift(m, td);
	else if (m->o->destroy || !td->it->config)
		judge_removal(m, td);
	else
		judge_wanted(m, td);
	lifecycle_guard(m, td);
	/* Postconditions look at what its provider computed. */
	const struct lang_life *life = td->it->life;
	if (td->change || m->keep || (life && (life->n_triggers || (life->postconditions && !td->it->label))))
		return;
	json_decref(td->actual);
	td->actual = NULL;
	if (td->prior) {
		json_decref(td->prior->attrs);
		td->prior->attrs = NULL;
	}
}
