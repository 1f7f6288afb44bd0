#include "engine/plan.h"

#include <string.h>

#include "base/json.h"
#include "engine/after.h"
#include "lang/carry.h"

enum { MAX_TARGETS = 1000 };

const char *action_name(enum action a)
{
	static const char *const names[] = { "none", "create", "update", "replace", "record", "delete", "forget", "defer", "skip", "block" };
	return (size_t)a < ARRAY_LEN(names) ? names[a] : "unknown";
}

bool plan_has_work(const struct plan *p)
{
	const struct plan_counts *c = &p->counts;
	return p->n_moves || c->create || c->update || c->replace || c->record || c->remove || c->forget || p->n_outputs;
}

/* --- what the state holds ------------------------------------------------------------------------------------------------- */

static int upgrade(const struct type_row *row, const struct object *o, json_t **attrs, struct err *err)
{
	const struct resource_type *type = row->type;
	*attrs = json_ref(o->attrs);
	if (o->schema_version == type->version)
		return 0;
	if (o->schema_version > type->version) {
		json_decref(*attrs);
		return err_set(err, E_UNSUPPORTED, "%s was written by a newer aipc (%s version %d; this one knows %d)", o->address,
			       o->type, o->schema_version, type->version);
	}
	json_decref(*attrs);
	*attrs = json_deep_copy(o->attrs);
	for (int v = o->schema_version; type->upgrade && v < type->version; v++) {
		int rc = type->upgrade(v, *attrs, err);
		if (rc) {
			json_decref(*attrs);
			return err_wrap(err, "%s", o->address);
		}
	}
	return 0;
}

static const char *again(struct arena *a, const char *last, const char *text)
{
	return last && strcmp(last, text) == 0 ? last : arena_strdup(a, text);
}

static int keep_prior(void *ctx, const struct object *o)
{
	struct making *m = ctx;
	struct arena *a = m->p->arena;
	const struct prior *last = m->priors.len ? &m->priors.at[m->priors.len - 1] : NULL;
	const struct type_row *row = engine_row(m->e, o->type);
	struct prior p = { .version = o->version, .schema_version = o->schema_version, .protected = o->protected };
	struct err err = { 0 };
	int rc = 0;
	if (last && strcmp(last->address, o->address) >= 0)
		BUG("objects of the state are not in order: %s", o->address);
	if (row)
		rc = upgrade(row, o, &p.attrs, &err);
	else
		p.attrs = json_ref(o->attrs);
	if (rc) {
		m->load_err = err;
		return rc;
	}
	p.address = arena_strdup(a, o->address);
	p.type = again(a, last ? last->type : NULL, o->type);
	p.owner = again(a, last ? last->owner : NULL, o->owner);
	p.provider = o->provider ? again(a, last ? last->provider : NULL, o->provider) : NULL;
	p.deps = last && json_same(last->deps, o->deps) ? json_ref(last->deps) : json_ref(o->deps);
	vec_push(&m->priors, p);
	return 0;
}

static int load_priors(struct making *m, struct err *err)
{
	if (!m->store)
		return 0;
	int rc = store_objects(m->store, keep_prior, m, err);
	if (m->load_err.code)
		*err = m->load_err;
	return rc ? rc : store_serial(m->store, &m->p->serial, err);
}

static struct prior *find_prior(struct making *m, const char *address)
{
	size_t lo = 0, hi = m->priors.len;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(m->priors.at[mid].address, address);
		if (c == 0)
			return &m->priors.at[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* --- what to look at -------------------------------------------------------------------------------------------------------- */

bool is_target(const struct making *m, const char *address, const char *owner)
{
	bool hit = m->o->n_targets == 0;
	for (size_t i = 0; i < m->o->n_targets; i++) {
		if (target_matches(m->o->targets[i], address, owner)) {
			m->target_hit[i] = true;
			hit = true;
		}
	}
	return hit;
}

static void add_todo(struct making *m, struct item *it, const char *owner, struct prior *prior)
{
	struct subject td = { .it = it, .prior = prior };
	td.out = !is_target(m, it->address, owner);
	if (prior)
		prior->taken = true;
	vec_push(&m->subjects, td);
}

static void add_todos(struct making *m)
{
	while (m->subjects.len < m->spec->items.len) {
		struct item *it = m->spec->items.at[m->subjects.len];
		add_todo(m, it, it->unit->owner, find_prior(m, it->address));
	}
	imports_mark(m);
}

struct owner { const char *name; struct unit *unit; UT_hash_handle hh; };

struct unit *unit_new(struct making *m, const char *owner, struct resource *r)
{
	struct unit *u = xcalloc(1, sizeof(*u));
	u->owner = owner;
	u->res = r;
	u->index = m->units.len;
	vec_push(&m->units, u);
	vec_push(&m->own_units, u);
	return u;
}

static struct owner *add_owner(struct owner **all, struct unit *u)
{
	struct owner *o = xcalloc(1, sizeof(*o));
	o->name = u->owner;
	o->unit = u;
	HASH_ADD_KEYPTR(hh, *all, o->name, strlen(o->name), o);
	return o;
}

/* Is P of what R has in a module instance, or a module, that is not known yet? */
static bool is_open_in(const struct resource *r, const struct prior *p)
{
	for (size_t i = 0; i < r->n_blocks; i++) {
		const struct lang_block *b = r->blocks[i].lb;
		if (!b->deferred)
			continue;
		autofree char *address = b->module_deferred ? xstrdup(b->module) : address_in(b->module, r->lr);
		if (address_within(p->address, address))
			return true;
	}
	return false;
}

/* Nothing is known about an object whose resource cannot be expanded yet: it stays. */
static bool still_open(const struct making *m, const struct unit *u, const struct prior *p)
{
	if (m->o->destroy || !m->spec->waits)
		return false;
	if (u && u->deferred)
		return true;
	autofree char *base = address_base(p->owner);
	for (size_t i = 0; i < m->deferred.len; i++)
		if (strcmp(m->deferred.at[i]->address, base) == 0 && is_open_in(m->deferred.at[i], p))
			return true;
	return false;
}

static void add_orphan(struct making *m, struct owner **owners, struct prior *p)
{
	struct owner *o;
	const struct type_row *row = engine_row(m->e, p->type);
	HASH_FIND_STR(*owners, p->owner, o);
	if (still_open(m, o ? o->unit : NULL, p))
		return;
	if (!o)
		o = add_owner(owners, unit_new(m, p->owner, NULL));
	if (!row || row->type->expand) {
		if (!is_target(m, p->address, p->owner))
			return;
		struct change *c = change_new(m, p->address, p->type, p->owner, ACT_SKIP);
		c->reason = arena_printf(m->p->arena, "this aipc knows no type \"%s\"", p->type);
		vec_push(&m->strays, (struct stray){ c, o->unit });
		return;
	}
	size_t n_removed;
	const struct lang_removed *removed = lang_removed(m->spec->lang, &n_removed);
	struct item *it = arena_alloc(m->p->arena, sizeof(*it));
	*it = (struct item){ .address = p->address, .row = row, .slot = slot_find(row->slot, p->provider), .unit = o->unit };
	it->node = arena_strdup(m->p->arena, json_str(p->attrs, "node"));   /* where types on machines keep its name */
	add_todo(m, it, p->owner, p);
	for (size_t i = 0; i < n_removed; i++)
		if (!removed[i].destroy && removed_matches(&removed[i], p->address))
			m->subjects.at[m->subjects.len - 1].let_go = true;
}

static void add_orphans(struct making *m)
{
	struct owner *owners = NULL, *o, *next;
	for (size_t i = 0; i < m->spec->units.len; i++)
		vec_push(&m->units, m->spec->units.at[i]);
	for (size_t i = 0; i < m->spec->n; i++)
		if (m->spec->res[i].deferred)
			vec_push(&m->deferred, &m->spec->res[i]);
	for (size_t i = 0; i < m->priors.len; i++) {
		if (m->priors.at[i].taken)
			continue;
		for (size_t k = 0; !owners && k < m->spec->units.len; k++)
			add_owner(&owners, m->spec->units.at[k]);
		add_orphan(m, &owners, &m->priors.at[i]);
	}
	o = owners;
	HASH_CLEAR(hh, owners);
	for (; o; o = next) {
		next = o->hh.next;
		free(o);
	}
}

static int check_targets(struct making *m, struct err *err)
{
	for (size_t i = 0; m->o->n_targets && i < m->spec->n; i++)
		is_target(m, m->spec->res[i].address, m->spec->res[i].address);
	for (size_t i = 0; m->o->n_targets && i < m->spec->units.len; i++)
		is_target(m, m->spec->units.at[i]->owner, m->spec->units.at[i]->owner);
	for (size_t i = 0; i < m->o->n_targets; i++)
		if (!m->target_hit[i])
			return err_set(err, E_INPUT, "nothing in the spec or the state is called \"%.200s\"", m->o->targets[i]);
	return 0;
}

/* --- a spec that needs the world ---------------------------------------------------------------------------------------------- */

/* What a provider computed stays as it is when the object needs nothing. */
static const json_t *computed(void *ctx, const struct item *it)
{
	struct making *m = ctx;
	const struct subject *td = &m->subjects.at[it->index];
	if (td->out)
		return td->prior ? td->prior->attrs : NULL;
	bool stays = !td->change || td->change->action == ACT_RECORD || td->change->action == ACT_BLOCK;
	return td->judged && stays ? td->actual : NULL;
}

static void mark_wanted(const struct spec *before, bool *wanted)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct resource *r = &before->res[i];
		wanted[i] = wanted[i] || r->asked;
		for (size_t k = 0; r->waits && k < r->lr->n_refs; k++)
			wanted[r->lr->refs[k].to->index] = true;
	}
}

/* Expressions and the expansion of composites may need more stack than a task has, so that is done on a thread of the worker
 * pool. Nothing else touches the spec meanwhile: this task waits, and only it has one. */
struct asked {
	struct making *m;
	struct spec *s;
	const bool *wanted;          /* by resource: its value is referred to */
	bool *pending;               /* by resource: it was expanded, and is not read yet */
	unsigned next;               /* place in the order */
	const struct lang_output *outputs; size_t n;
};

static int load_again(void *arg, struct err *err)
{
	struct asked *q = arg;
	return spec_load(q->m->e, q->m->d, &q->s, err);
}

static bool needs_pending(const struct asked *q, const struct resource *r)
{
	for (size_t i = 0; i < r->lr->n_refs; i++)
		if (q->pending[r->lr->refs[i].to->index])
			return true;
	return false;
}

/* Expands up to the next resource that refers to something of which the world must be asked first. */
static int expand_some(void *arg, struct err *err)
{
	struct asked *q = arg;
	(void)err;
	memset(q->pending, 0, q->s->n * sizeof(*q->pending));
	while (q->next < q->s->n) {
		unsigned v = q->s->graph.order[q->next];
		struct resource *r = &q->s->res[v];
		if (needs_pending(q, r))
			break;
		q->next++;
		spec_expand(q->s, r);
		q->pending[v] = r->lr->data || (q->wanted[v] && r->row && !r->row->type->expand && type_computes(r->row->type));
	}
	return 0;
}

static int evaluate_outputs(void *arg, struct err *err)
{
	struct asked *q = arg;
	int rc = lang_outputs(q->m->spec->lang, &q->outputs, &q->n);
	return rc ? err_set(err, rc, "%s", "") : 0;
}

/* Expands a fresh copy of the spec; data, and objects whose computed attributes are referred to, are read before what refers to
 * them is expanded. */
static int expand_with_world(struct task *t, struct making *m, struct err *err)
{
	struct spec *before = m->e->spec, *s;
	autofree bool *wanted = xcalloc(before->n + 1, sizeof(*wanted)), *pending = xcalloc(before->n + 1, sizeof(*pending));
	struct asked q = { .m = m, .wanted = wanted, .pending = pending };
	mark_wanted(before, wanted);
	int rc = task_work(t, load_again, &q, err);
	s = q.s;
	if (!s)
		return rc;
	if (s->n != before->n) {
		spec_free(s);
		return err_set(err, E_CONFLICT, "the spec was edited while it was being planned");
	}
	spec_free(m->e->old);
	m->e->old = before;
	m->e->spec = m->spec = s;
	s->options = m->o;
	s->computed = computed;
	s->computed_ctx = m;
	while (!rc && q.next < s->n) {
		size_t from = m->subjects.len;
		rc = task_work(t, expand_some, &q, err);
		add_todos(m);
		m->keep = true;
		if (!rc)
			rc = refresh_world(t, m, from, err);
		m->keep = m->o->planned;
		if (!rc)
			rc = data_read(t, m, err);
	}
	spec_create_first(s);
	ties_link(s);
	if (!rc && diags_errors(m->d))
		rc = err_set(err, E_INPUT, "%s", "");
	return rc;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

static void keep_config(json_t *all, const struct provider_slot *s, json_t **ephemeral)
{
	json_object_set_new(all, s->id, config_stored(s->config, s->ephemeral));
	if (!s->ephemeral)
		return;
	*ephemeral = *ephemeral ? *ephemeral : json_object();
	json_object_set(*ephemeral, s->id, s->ephemeral);
}

/* *EPHEMERAL: what of it is not to be stored; NULL: nothing. */
static json_t *used_providers(const struct engine *e, json_t **ephemeral)
{
	json_t *j = json_object();
	for (size_t i = 0; i < e->n_slots; i++)
		for (const struct provider_slot *s = &e->slots[i]; s; s = s->next)
			if (s->config && (s->used || s->block || s->opened))
				keep_config(j, s, ephemeral);
	return j;
}

static int make_outputs(struct task *t, struct making *m, struct err *err)
{
	struct asked q = { .m = m };
	int rc = m->o->destroy ? 0 : task_work(t, evaluate_outputs, &q, err);
	return rc ? rc : plan_outputs(m, q.outputs, q.n, err);
}

static json_t *summary(const struct making *m)
{
	json_t *j = json_object(), *actions = json_object(), *data = json_object(), *counts = json_object(), *row;
	size_t i;
	for (i = 0; !m->o->destroy && i < m->spec->items.len; i++)
		json_put_str(actions, m->spec->items.at[i]->address, action_name(ACT_NONE));
	for (i = 0; i < m->p->n; i++)
		json_put_str(actions, m->p->changes[i].address, action_name(m->p->changes[i].action));
	json_array_foreach(m->p->data, i, row) {
		json_put_str(data, json_str(row, "address"), json_str(row, "state"));
	}
	for (const struct counted *n = plan_counted; n->name; n++)
		json_put_int(counts, n->name, (json_int_t)*(const size_t *)(const void *)((const char *)&m->p->counts + n->offset));
	json_put_new(j, "actions", actions);
	json_put_new(j, "data", data);
	json_put_new(j, "counts", counts);
	json_put_new(j, "complete", json_boolean(m->p->complete));
	return j;
}

static int tell_planned(void *arg, struct err *err)
{
	struct making *m = arg;
	autojson json_t *s = summary(m);
	(void)err;
	m->o->planned(m->o->planned_ctx, m->spec->lang, s);
	return 0;
}

static int fill(struct task *t, struct making *m, struct err *err)
{
	autofree char *state_path = engine_state_path(m->e);
	m->p->state_path = arena_strdup(m->p->arena, state_path);
	m->p->destroy = m->o->destroy;
	int rc = load_priors(m, err);
	m->spec->options = m->o;
	m->keep = m->o->planned;
	if (!rc)
		moves_apply(m);
	if (!rc && m->e->needs_world && !m->o->destroy)
		rc = expand_with_world(t, m, err);
	if (rc)
		return rc;
	add_todos(m);
	add_orphans(m);
	rc = check_targets(m, err);
	if (!rc)
		rc = refresh_world(t, m, 0, err);
	if (!rc)
		rc = lifecycle_destroy(m, err);
	if (!rc && !m->o->destroy && !m->o->drift_only) {
		lifecycle_triggers(m);
		imports_missing(m);
		if (refused_check(m, err) || diags_errors(m->d))
			return err_set(err, E_INPUT, "%s", "");
		m->spec->computed = computed;
		m->spec->computed_ctx = m;
		rc = task_work(t, lifecycle_check, m, err);
	}
	if (!rc)
		rc = plan_arrange(m, err);
	if (!rc && !m->o->drift_only)
		rc = make_outputs(t, m, err);
	if (rc)
		return rc;
	spec_hash(m->spec, m->p->spec_hash);
	if (!m->o->destroy)
		data_list(m);
	m->p->conditions = lang_carry_end(m->spec->lang);
	if (m->o->planned)
		rc = task_work(t, tell_planned, m, err);
	if (rc)
		return rc;
	json_t *ephemeral = NULL;
	m->p->providers = used_providers(m->e, &ephemeral);
	m->p->ephemeral = ephemeral;
	plan_seal(m->p);
	if (!m->o->destroy && !m->o->drift_only)
		m->p->after = after_new(m);
	return 0;
}

static void release(struct making *m, bool failed)
{
	struct silent *s = m->silent, *next;
	for (size_t i = 0; failed && i < m->subjects.len; i++)
		if (m->subjects.at[i].change)
			change_release(m->subjects.at[i].change);
	for (size_t i = 0; i < m->subjects.len; i++)
		json_decref(m->subjects.at[i].actual), json_decref(m->subjects.at[i].want), json_decref(m->subjects.at[i].by);
	for (size_t i = 0; i < m->priors.len; i++) {
		json_decref(m->priors.at[i].attrs);
		json_decref(m->priors.at[i].deps);
	}
	for (size_t i = 0; i < m->own_units.len; i++)
		free(m->own_units.at[i]);
	HASH_CLEAR(hh, m->silent);
	for (; s; s = next) {
		next = s->hh.next;
		free(s->key);
		free(s);
	}
	vec_free(&m->subjects);
	vec_free(&m->priors);
	vec_free(&m->units);
	vec_free(&m->own_units);
	vec_free(&m->strays);
	vec_free(&m->deferred);
	vec_free(&m->open);
	free(m->target_hit);
}

int plan_make(struct task *t, struct engine *e, struct store *s, const struct plan_options *o, struct diags *d,
	      struct plan **out, struct err *err)
{
	if (!e->spec)
		return err_set(err, E_UNSUPPORTED, "there is no spec to plan from");
	if (o->n_targets > MAX_TARGETS)
		return err_set(err, E_INPUT, "more than %d targets", MAX_TARGETS);
	struct making m = { .e = e, .spec = e->spec, .store = s, .o = o, .d = d, .p = plan_new() };
	m.target_hit = xcalloc(o->n_targets + 1, sizeof(bool));
	int rc = fill(t, &m, err);
	e->spec->computed = NULL;
	e->spec->options = NULL;
	if (rc == E_INPUT && diags_errors(d))
		err_set(err, E_INPUT, "%s", "");
	if (!rc)
		*out = m.p;
	release(&m, rc && !m.p->changes);
	if (rc)
		plan_free(m.p);
	return rc;
}
