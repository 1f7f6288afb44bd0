#include "engine/after_int.h"

#include <string.h>

#include "base/json.h"

enum standing { AS_IT_WAS, TO_COME, CAME };

struct place { const char *address; struct item *it; UT_hash_handle hh; };

struct after {
	struct saved *saved;         /* of a plan from a file, and then the rest is empty */
	struct spec *spec;
	uint8_t *standing;           /* by item: enum standing */
	json_t **known;              /* by item: what its provider computed; NULL: not known */
	size_t n_items;
	struct place *places;        /* of the items that are to come */
	size_t *to_come;             /* by resource: how many of its objects */
	bool *changed;               /* by resource: its value is another one than lang has seen */
	const char **broken;         /* by resource: what it builds on and does not meet a postcondition */
	struct open_condition *open; size_t n_open;
	size_t *own;                 /* by item that is to come: 1 + index of its open condition; 0: none */
	size_t *loose, n_loose;      /* open conditions of composites, and of items that are as they were: they wait for others */
};

/* --- what is known ----------------------------------------------------------------------------------------------------------- */

static const json_t *known(void *ctx, const struct item *it)
{
	const struct after *a = ctx;
	return a->known[it->index];
}

static bool missing(void *ctx, const struct item *it)
{
	const struct after *a = ctx;
	return a->standing[it->index] == TO_COME;
}

/* The values of resources as they are now, while something is evaluated. */
static struct diags *enter(struct after *a, struct diags *d)
{
	a->spec->computed = known;
	a->spec->computed_ctx = a;
	a->spec->missing = missing;
	return lang_tell_to(a->spec->lang, d);
}

static void leave(struct after *a, struct diags *before)
{
	a->spec->computed = NULL;
	a->spec->missing = NULL;
	lang_tell_to(a->spec->lang, before);
}

static void look_again(struct after *a)
{
	struct spec *s = a->spec;
	lang_again(s->lang, a->changed);
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; a->changed[i] && k < s->res[i].n_blocks; k++) {
			json_decref(s->res[i].blocks[k].value);
			s->res[i].blocks[k].value = NULL;
		}
	}
	memset(a->changed, 0, s->n * sizeof(*a->changed));
}

static bool refers_to_changed(const struct after *a, const struct resource *r)
{
	for (size_t i = 0; i < r->lr->n_refs; i++)
		if (a->changed[r->lr->refs[i].to->index])
			return true;
	return false;
}

/* --- making it ------------------------------------------------------------------------------------------------------------------- */

static bool will_come(const struct change *c)
{
	return c->action == ACT_CREATE || c->action == ACT_UPDATE || c->action == ACT_REPLACE || c->action == ACT_DEFER || c->action == ACT_SKIP;
}

static void take_item(struct after *a, struct making *m, size_t i)
{
	struct subject *td = &m->subjects.at[i];
	const struct change *c = td->change;
	if (!c || !will_come(c)) {
		a->known[i] = json_ref(td->out ? td->prior ? td->prior->attrs : NULL : td->actual);
		return;
	}
	struct place *p = xcalloc(1, sizeof(*p));
	unsigned r = td->it->unit->res->lr->index;
	p->address = td->it->address;
	p->it = td->it;
	HASH_ADD_KEYPTR(hh, a->places, p->address, strlen(p->address), p);
	a->standing[i] = TO_COME;
	a->to_come[r]++;
	a->changed[r] = true;
}

static void take_open(struct after *a, const struct making *m)
{
	a->n_open = m->open.len;
	a->open = xcalloc(a->n_open + 1, sizeof(*a->open));
	a->loose = xcalloc(a->n_open + 1, sizeof(*a->loose));
	a->own = xcalloc(a->n_items + 1, sizeof(*a->own));
	for (size_t i = 0; i < a->n_open; i++) {
		const struct item *it = m->open.at[i].in->item;
		a->open[i] = m->open.at[i];
		if (it && a->standing[it->index] == TO_COME)
			a->own[it->index] = i + 1;
		else
			a->loose[a->n_loose++] = i;
	}
}

struct after *after_new(struct making *m)
{
	struct spec *s = m->spec;
	bool work = m->p->counts.create || m->p->counts.update || m->p->counts.replace;
	if (!work || (!m->open.len && !lang_has_checks(s->lang) && !lang_checks_wait(s->lang)))
		return NULL;
	struct after *a = xcalloc(1, sizeof(*a));
	a->spec = s;
	a->n_items = s->items.len;
	a->standing = xcalloc(a->n_items + 1, sizeof(*a->standing));
	a->known = xcalloc(a->n_items + 1, sizeof(*a->known));
	a->to_come = xcalloc(s->n + 1, sizeof(*a->to_come));
	a->changed = xcalloc(s->n + 1, sizeof(*a->changed));
	a->broken = xcalloc(s->n + 1, sizeof(*a->broken));
	for (size_t i = 0; i < a->n_items; i++)
		take_item(a, m, i);
	take_open(a, m);
	return a;
}

int plan_ready(struct engine *e, struct plan *p, struct err *err)
{
	struct saved *s = NULL;
	int rc = p->conditions && !p->after ? saved_new(e, p, &s, err) : 0;
	if (!rc && s) {
		p->after = xcalloc(1, sizeof(*p->after));
		p->after->saved = s;
	}
	return rc;
}

void after_free(struct after *a)
{
	if (!a)
		return;
	saved_free(a->saved);
	struct place *p = a->places, *next;
	HASH_CLEAR(hh, a->places);
	for (; p; p = next) {
		next = p->hh.next;
		free(p);
	}
	for (size_t i = 0; i < a->n_items; i++)
		json_decref(a->known[i]);
	free(a->open);
	free(a->own);
	free(a->loose);
	free(a->standing);
	free(a->known);
	free(a->to_come);
	free(a->changed);
	free(a->broken);
	free(a);
}

/* --- postconditions ---------------------------------------------------------------------------------------------------------------- */

static bool holds(struct after *a, const struct open_condition *o, struct diags *d)
{
	bool unknown = false;
	if (refers_to_changed(a, o->res))
		look_again(a);
	struct diags *before = enter(a, d);
	autojson json_t *self = spec_instance_value(a->spec, o->res, o->in);
	int rc = lang_postconditions(a->spec->lang, o->res->lr, o->block, o->in->li, self == lang_unknown() ? NULL : self, &unknown);
	leave(a, before);
	return rc == 0;
}

/* All that refers to R, itself and through others, is not to be made any more. */
static void forbid(struct after *a, const struct resource *r, const char *address)
{
	const struct spec *s = a->spec;
	for (unsigned i = 0; i < s->n; i++) {
		unsigned v = s->graph.order[i];
		for (unsigned k = s->graph.start[v]; !a->broken[v] && k < s->graph.start[v + 1]; k++) {
			unsigned to = s->graph.to[k];
			if (to == r->lr->index || a->broken[to])
				a->broken[v] = to == r->lr->index ? address : a->broken[to];
		}
	}
}

/* Has all come that O's instance is made of and refers to? */
static bool is_ripe(const struct after *a, const struct open_condition *o)
{
	if (a->to_come[o->res->lr->index])
		return false;
	for (size_t i = 0; i < o->res->lr->n_refs; i++)
		if (a->to_come[o->res->lr->refs[i].to->index])
			return false;
	return true;
}

static struct item *find(const struct after *a, const char *address)
{
	struct place *p = NULL;
	HASH_FIND_STR(a->places, address, p);
	return p ? p->it : NULL;
}

/* Tells O; one that is not met holds back what refers to its object. */
static bool tell(struct after *a, const struct open_condition *o, struct diags *d)
{
	bool ok = holds(a, o, d);
	if (!ok)
		forbid(a, o->res, o->in->address);
	return ok;
}

bool after_came(struct after *a, const char *address, const json_t *attrs, struct diags *d, size_t *others)
{
	if (a->saved)
		return saved_came(a->saved, address, attrs, d, others);
	const struct item *it = find(a, address);
	*others = 0;
	if (!it || a->standing[it->index] != TO_COME)
		return true;
	unsigned r = it->unit->res->lr->index;
	size_t own = a->own[it->index];
	a->standing[it->index] = CAME;
	a->known[it->index] = json_ref(attrs);
	a->changed[r] = true;
	a->to_come[r]--;
	bool ok = !own || tell(a, &a->open[own - 1], d);
	for (size_t i = 0; a->to_come[r] == 0 && i < a->n_loose; ) {
		const struct open_condition *o = &a->open[a->loose[i]];
		if (!is_ripe(a, o)) {
			i++;
			continue;
		}
		a->loose[i] = a->loose[--a->n_loose];
		*others += !tell(a, o, d);
	}
	return ok;
}

const char *after_forbids(const struct after *a, const char *address)
{
	if (a->saved)
		return saved_forbids(a->saved, address);
	const struct item *it = find(a, address);
	return it ? a->broken[it->unit->res->lr->index] : NULL;
}

/* --- the end ------------------------------------------------------------------------------------------------------------------------- */

size_t after_end(struct after *a, struct diags *d, size_t *warned, bool *waits)
{
	const struct lang_output *outputs;
	size_t n, errors = diags_errors(d);
	if (a->saved)
		return saved_end(a->saved, d, warned, waits);
	look_again(a);
	struct diags *before = enter(a, d);
	int rc = lang_outputs(a->spec->lang, &outputs, &n);
	leave(a, before);
	*warned = lang_checks_failed(a->spec->lang);
	*waits = lang_checks_wait(a->spec->lang);
	return rc ? diags_errors(d) - errors : 0;
}
