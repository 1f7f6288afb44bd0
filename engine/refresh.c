#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "engine/planning.h"

enum { PARALLEL = 256, YIELD_EVERY = 1024 };

/* --- machines that do not answer ---------------------------------------------------------------------------------------- */

/* Silence belongs to a machine as one provider reaches it: a dead BMC says nothing about the cluster's node. */
static char *silence_key(const struct item *it)
{
	return xasprintf("%s %s", it->slot->id, it->node);
}

static const char *silent_why(const struct making *m, const struct item *it)
{
	struct silent *s = NULL;
	if (!m->silent || !it->node)
		return NULL;
	autofree char *key = silence_key(it);
	HASH_FIND_STR(m->silent, key, s);
	return s ? s->why : NULL;
}

static void note_silent(struct making *m, const struct item *it, const char *why)
{
	if (!it->node || silent_why(m, it))
		return;
	struct silent *s = xcalloc(1, sizeof(*s));
	s->key = silence_key(it);
	s->why = why;
	HASH_ADD_KEYPTR(hh, m->silent, s->key, strlen(s->key), s);
	m->p->counts.bmcs_silent++;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------- */

/* What a read is shaped like: the spec's configuration; nothing for what is to go; for `drift`, what the state holds. */
static const json_t *shape_of(const struct making *m, const struct subject *td)
{
	if (m->o->drift_only && td->prior)
		return td->prior->attrs;
	return m->o->destroy ? NULL : td->it->config;
}

static int read_object(struct task *t, struct making *m, struct subject *td, struct err *err)
{
	const struct resource_type *type = td->it->row->type;
	const struct giving giving = { m->spec, td->it };
	struct op op = { .address = td->it->address, .type = type, .config = shape_of(m, td), .spec = &giving,
			 .prior = td->prior ? td->prior->attrs : NULL };
	op.planning = op.config && !m->o->drift_only;
	struct err e = { 0 };
	int rc = slot_open(m->e, td->it->slot, &op.self, &e);
	autojson json_t *imported = NULL;
	if (!rc && td->imported && !td->prior && type->import_id)
		rc = type->import_id(td->import_id ? td->import_id : "", td->it->config, &imported, &e);
	if (imported)
		op.prior = imported;
	if (!rc)
		rc = type->read(t, &op, &e);
	if (rc)
		json_decref(op.by);
	if (rc && (rc == E_CANCELED || task_cancelled(t))) {
		json_decref(op.actual);
		*err = e;
		return rc;
	}
	if (rc) {
		json_decref(op.actual);
		bool silent = rc == E_UNREACHABLE || rc == E_TIMEOUT;
		const char *why = silent ? silent_why(m, td->it) : NULL;
		td->skip = why ? why : arena_strdup(m->p->arena, e.msg[0] ? e.msg : err_name(rc));
		td->silent = silent;
		if (silent)
			note_silent(m, td->it, td->skip);
		return 0;
	}
	td->actual = op.actual;
	op.incomplete[sizeof(op.incomplete) - 1] = '\0';
	td->incomplete = op.incomplete[0] ? arena_strdup(m->p->arena, op.incomplete) : NULL;
	td->refused = op.refused[0] ? arena_strdup(m->p->arena, op.refused) : NULL;
	td->remark = op.remark[0] ? arena_strdup(m->p->arena, op.remark) : NULL;
	td->by = op.by;
	td->elsewhere = op.elsewhere;
	return 0;
}

static bool wants_reading(const struct making *m, const struct subject *td)
{
	bool by_state = m->o->destroy || (m->o->drift_only && td->prior) || (!td->it->config && !td->it->reason);
	if (td->read || td->out || td->skip || (td->it->reason && !by_state))
		return false;
	if (by_state && !m->o->drift_only && !td->it->row->type->destroy)
		return false;        /* forgotten whatever the world holds: its machine may be gone for good */
	return !by_state || td->prior;
}

static void finish_one(struct making *m, struct subject *td)
{
	td->read = true;
	judge(m, td);
	m->n_read++;
	if (m->o->progress)
		m->o->progress(m->o->ctx, m->n_read, m->n_to_read, m->p->counts.bmcs_silent);
}

/* Takes one object after the other until none is left. Types whose reads never wait keep one worker busy and never
 * need a second stack. */
static int worker(struct task *t, void *arg, struct err *err)
{
	struct making *m = arg;
	int rc = 0;
	for (size_t n = 1; !rc && m->next < m->end; n++) {
		struct subject *td = &m->subjects.at[m->next++];
		if (!wants_reading(m, td))
			continue;
		td->skip = silent_why(m, td->it);
		td->silent = td->skip != NULL;
		if (!td->skip)
			rc = read_object(t, m, td, err);
		if (!rc)
			finish_one(m, td);
		if (!rc && n % YIELD_EVERY == 0)
			rc = task_yield(t, err);
	}
	if (rc)
		m->next = m->end;
	return rc;
}

static int read_all(struct task *t, struct making *m, struct err *err)
{
	unsigned parallel = m->o->parallel ? m->o->parallel : PARALLEL;
	struct scope *s = scope_open(t, parallel);
	struct err joined = { 0 };
	int rc = 0;
	for (unsigned i = 0; !rc && i < parallel && m->next < m->end; i++) {
		rc = scope_spawn(t, s, "refresh", worker, m, err);
		if (!rc)
			rc = task_yield(t, err);
	}
	if (rc)
		m->next = m->end;
	int rc2 = scope_join(t, s, &joined);
	if (!rc && rc2) {
		rc = rc2;
		*err = joined;
	}
	return rc;
}

/* A provider that cannot open (a password file that is not there) would fail every object alike: that is said once. */
static int open_providers(struct making *m, size_t from, struct err *err)
{
	for (size_t i = from; i < m->subjects.len; i++) {
		struct subject *td = &m->subjects.at[i];
		void *self;
		struct provider_slot *slot = td->it->slot;
		if (!wants_reading(m, td) || (slot && slot->opened))
			continue;
		if (!slot || !slot->config) {
			td->skip = arena_printf(m->p->arena, "provider \"%s\" is not configured", slot ? slot->id : td->prior->provider);
			continue;
		}
		int rc = slot_open(m->e, slot, &self, err);
		if (rc)
			return rc;
	}
	return 0;
}

int refresh_world(struct task *t, struct making *m, size_t from, struct err *err)
{
	size_t waiting = 0;
	int rc = m->o->refresh ? open_providers(m, from, err) : 0;
	if (rc)
		return rc;
	m->next = from;
	m->end = m->subjects.len;
	for (size_t i = from; i < m->end; i++)
		waiting += wants_reading(m, &m->subjects.at[i]);
	m->n_to_read = m->n_read + waiting;
	if (waiting && m->o->refresh)
		rc = read_all(t, m, err);
	for (size_t i = from; !rc && i < m->end; i++) {
		struct subject *td = &m->subjects.at[i];
		if (td->judged || td->out)
			continue;
		if (!td->read && !td->skip && td->prior)
			td->actual = json_ref(td->prior->attrs);
		judge(m, td);
	}
	return rc;
}
