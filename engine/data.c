/* What data blocks ask, read while a plan is made: in the order of the graph, many at once, before anything that refers to them is
 * expanded. Nothing of it is kept but in the plan. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/planning.h"

enum { PARALLEL = 256 };

/* --- what must be done first ------------------------------------------------------------------------------------------ */

static bool changes(const struct making *m, const struct resource *r)
{
	for (size_t i = r->first_unit; i < r->first_unit + r->n_units; i++) {
		const struct unit *u = m->spec->units.at[i];
		if (u->deferred)
			return true;
		for (size_t k = u->first; k < u->first + u->n && k < m->subjects.len; k++) {
			const struct change *c = m->subjects.at[k].change;
			if (c && (c->action == ACT_CREATE || c->action == ACT_UPDATE || c->action == ACT_REPLACE || c->action == ACT_DEFER))
				return true;
		}
	}
	return r->deferred;
}

static bool waits(const struct resource *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->instances[i].asking || r->instances[i].asking->state != READ_DONE)
			return true;
	return r->deferred;
}

/* Why R cannot be read now, as a clause; NULL: it can. *UNREAD: and no apply will help. */
static const char *obstacle(const struct making *m, const struct resource *r, bool *unread)
{
	for (size_t i = 0; i < r->lr->n_refs; i++) {
		const struct resource *to = &m->spec->res[r->lr->refs[i].to->index];
		if (to->unread) {
			*unread = true;
			return arena_printf(m->spec->arena, to->lr->data ? "needs %s, which could not be read" : "needs %s, which is left out", to->address);
		}
		if (to->lr->data && waits(to))
			return arena_printf(m->spec->arena, "needs %s, which is read after an apply", to->address);
		if (!to->lr->data && changes(m, to))
			return arena_printf(m->spec->arena, "%s comes first, and that is to change", to->address);
	}
	return NULL;
}

/* Settles what X is to be without reading; false: it is to be read. */
static bool settle(const struct making *m, struct asking *x)
{
	bool unread = x->res->unread && x->in->unknown;
	const char *why = x->in->unknown ? x->res->reason : m->o->drift_only ? NULL : obstacle(m, x->res, &unread);
	if (!why)
		return false;
	x->why = why;
	x->state = unread ? READ_FAILED : READ_DEFERRED;
	x->res->unread = x->res->unread || unread;
	x->res->value_unknown = true;
	return true;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------- */

struct crew { struct making *m; struct asking **at; size_t next, n; };

static int read_one(struct task *t, struct making *m, struct asking *x, struct err *err)
{
	struct op op = { .address = x->in->address, .type = x->res->row->type, .config = x->in->config };
	struct err e = { 0 };
	int rc = slot_open(m->e, x->slot, &op.self, &e);
	if (!rc)
		rc = x->res->row->type->read(t, &op, &e);
	if (rc && (rc == E_CANCELED || task_cancelled(t))) {
		json_decref(op.actual);
		*err = e;
		return rc;
	}
	if (!rc && !op.actual)
		rc = err_set(&e, E_NOTFOUND, "it is not there");
	op.incomplete[sizeof(op.incomplete) - 1] = '\0';
	if (!rc && op.incomplete[0])
		rc = err_set(&e, E_INTERNAL, "%s", op.incomplete);
	if (rc) {
		json_decref(op.actual);
		x->rc = rc;
		x->why = arena_strdup(m->spec->arena, e.msg[0] ? e.msg : err_name(rc));
		x->state = READ_FAILED;
		x->res->unread = x->res->value_unknown = true;
		return 0;
	}
	x->state = READ_DONE;
	x->value = op.actual;
	x->sensitive = op.sensitive;
	return 0;
}

static int worker(struct task *t, void *arg, struct err *err)
{
	struct crew *c = arg;
	int rc = 0;
	while (!rc && c->next < c->n) {
		struct asking *x = c->at[c->next++];
		rc = read_one(t, c->m, x, err);
	}
	if (rc)
		c->next = c->n;
	return rc;
}

static int read_crew(struct task *t, struct crew *c, struct err *err)
{
	unsigned parallel = c->m->o->parallel ? c->m->o->parallel : PARALLEL;
	struct scope *s = scope_open(t, parallel);
	struct err joined = { 0 };
	int rc = 0;
	for (unsigned i = 0; !rc && i < parallel && c->next < c->n; i++) {
		rc = scope_spawn(t, s, "data", worker, c, err);
		if (!rc)
			rc = task_yield(t, err);
	}
	if (rc)
		c->next = c->n;
	int rc2 = scope_join(t, s, &joined);
	if (!rc && rc2) {
		rc = rc2;
		*err = joined;
	}
	return rc;
}

/* --- what became of it ------------------------------------------------------------------------------------------------------ */

/* A mistake of the block fails the plan; a world that does not answer costs no more than what needs the answer. */
static void tell(struct making *m, const struct asking *x)
{
	const struct lang_resource *lr = x->res->lr;
	const char *why = x->why, *address = x->in->address;
	if (x->state != READ_FAILED || !x->rc)
		return;
	/* The address is said once. */
	if (str_has_prefix(why, address) && str_has_prefix(why + strlen(address), ": "))
		why += strlen(address) + 2;
	lang_about(m->spec->lang, lr, x->res->blocks[x->block].lb);
	if (lr->check)
		diag_hint(diag_add(m->d, "W0180", lr->name_mark, "check \"%s\": %s could not be read: %s", lr->check, address, why),
			  "what the check says of it is not known");
	else if (x->rc == E_INPUT || x->rc == E_NOTFOUND)
		diag_add(m->d, "E0180", lr->name_mark, "%s could not be read: %s", address, why);
	else
		diag_hint(diag_add(m->d, "W0181", lr->name_mark, "%s could not be read: %s", address, why), "what depends on it is left out; plan again when it answers");
	lang_about(m->spec->lang, NULL, NULL);
}

/* Postconditions, before anything builds on what was read. Needs a large stack. */
static int check_read(void *arg, struct err *err)
{
	struct crew *c = arg;
	struct spec *s = c->m->spec;
	(void)err;
	for (size_t i = 0; i < c->n; i++) {
		struct asking *x = c->at[i];
		const struct lang_instance *li = x->in->li;
		bool unknown = false;
		if (x->state != READ_DONE || !li->life || !li->life->postconditions)
			continue;
		autojson json_t *self = spec_instance_value(s, x->res, x->in);
		if (lang_postconditions(s->lang, x->res->lr, x->block, li, self, &unknown))
			x->in->failed = true;
	}
	return 0;
}

int data_read(struct task *t, struct making *m, struct err *err)
{
	struct spec *s = m->spec;
	struct crew c = { .m = m };
	autofree struct asking **at = xcalloc(s->asked.len - m->n_asked + 1, sizeof(*at));
	bool post = false;
	c.at = at;
	for (; m->n_asked < s->asked.len; m->n_asked++) {
		struct asking *x = s->asked.at[m->n_asked];
		if (settle(m, x))
			continue;
		at[c.n++] = x;
		post = post || (x->in->li->life && x->in->li->life->postconditions);
	}
	int rc = c.n ? read_crew(t, &c, err) : 0;
	for (size_t i = 0; !rc && i < c.n; i++)
		tell(m, at[i]);
	return rc || !post ? rc : task_work(t, check_read, &c, err);
}

/* --- in the plan -------------------------------------------------------------------------------------------------------------- */

static json_t *row(const char *address, const struct resource *r, const char *state, const char *reason)
{
	json_t *j = json_object();
	json_put_str(j, "address", address);
	json_put_str(j, "type", r->lr->type);
	json_put_str(j, "state", state);
	if (r->lr->check)
		json_put_str(j, "check", r->lr->check);
	if (reason)
		json_put_str(j, "reason", reason);
	return j;
}

static json_t *asking_json(const struct asking *x)
{
	static const char *const states[] = { [READ_WAITS] = "unread", [READ_DONE] = "read", [READ_DEFERRED] = "deferred", [READ_FAILED] = "unread" };
	json_t *j = row(x->in->address, x->res, states[x->state], x->why);
	if (x->slot && slot_name(x->slot))
		json_put_str(j, "provider", slot_name(x->slot));
	if (x->state != READ_DONE)
		return j;
	if (x->sensitive) {
		json_put_new(j, "sensitive", json_true());
		return j;
	}
	json_t *values = json_copy(x->in->config);
	json_object_update(values, x->value);
	json_put_new(j, "values", values);
	return j;
}

/* Blocks whose count or for_each is not known have no instances yet. */
static void add_open(const struct resource *r, json_t **rows, size_t *n)
{
	for (size_t i = 0; i < r->n_blocks; i++) {
		const struct lang_block *b = r->blocks[i].lb;
		if (!b->deferred)
			continue;
		autofree char *own = address_in(b->module, r->lr);
		rows[(*n)++] = row(own, r, r->unread ? "unread" : "deferred", r->reason);
	}
}

static int by_address(const void *x, const void *y)
{
	return str_natural_cmp(json_str(*(json_t *const *)x, "address"), json_str(*(json_t *const *)y, "address"));
}

void data_list(struct making *m)
{
	const struct spec *s = m->spec;
	size_t n = s->asked.len;
	for (size_t i = 0; i < s->n; i++)
		n += s->res[i].lr->data ? s->res[i].n_blocks : 0;
	autofree json_t **rows = xcalloc(n + 1, sizeof(*rows));
	n = 0;
	for (size_t i = 0; i < s->asked.len; i++)
		rows[n++] = asking_json(s->asked.at[i]);
	for (size_t i = 0; i < s->n; i++)
		if (s->res[i].lr->data)
			add_open(&s->res[i], rows, &n);
	if (!n)
		return;
	qsort(rows, n, sizeof(*rows), by_address);
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) {
		if (strcmp(json_str(rows[i], "state"), "read") != 0 && !json_at(rows[i], "check"))
			m->p->complete = false;
		json_array_append_new(list, rows[i]);
	}
	m->p->data = list;
}
