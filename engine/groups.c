#include <string.h>

#include "base/json.h"
#include "engine/planning.h"

/* One half of a unit: what is made and changed, or what goes. */
struct side {
	VEC(struct change *) changes;
	size_t group;
	bool real;                   /* has an operation */
};
struct base { char *name; unsigned index; UT_hash_handle hh; };
struct row { struct change *change; struct subject *subject; };

struct arranging {
	struct making *m;
	struct side *sides;          /* 2 * unit.index, and + 1 for what goes */
	struct dag *dags;            /* by unit of the spec */
	bool *held;                  /* by resource */
	struct base *bases; unsigned n_bases;
	struct dag g;
	bool removals;
};

/* --- the graph of halves ---------------------------------------------------------------------------------------------------
 *
 * Besides the halves there are three joints for each resource: MADE (all of it is made), GONE (what goes of it is gone) and
 * FREE (nothing needs what goes of it any more). They keep edges linear where many instances meet many. */
enum joint { MADE, GONE, FREE };

static unsigned half(const struct unit *u, bool goes)
{
	return (unsigned)(2 * u->index + goes);
}

static unsigned joint(const struct arranging *a, unsigned base, enum joint j)
{
	return (unsigned)(2 * a->m->units.len + 3 * base + j);
}

static unsigned base_of(struct arranging *a, const char *address)
{
	autofree char *name = address_base(address);
	struct base *b;
	HASH_FIND_STR(a->bases, name, b);
	if (b)
		return b->index;
	b = xcalloc(1, sizeof(*b));
	b->name = xstrdup(name);
	b->index = a->n_bases++;
	HASH_ADD_KEYPTR(hh, a->bases, b->name, strlen(b->name), b);
	return b->index;
}

/* All instances of a resource wait for the same, so what comes later need only wait for its real halves, if there are any. */
static void edges_of_spec(struct arranging *a)
{
	const struct spec *s = a->m->spec;
	for (unsigned v = 0; v < s->n; v++) {
		const struct resource *r = &s->res[v];
		bool real = false;
		for (size_t i = r->first_unit; i < r->first_unit + r->n_units; i++) {
			unsigned f = half(s->units.at[i], false);
			if (!a->sides[f].real)
				continue;
			real = true;
			dag_edge(&a->g, joint(a, v, MADE), f);
			for (unsigned k = s->graph.start[v]; k < s->graph.start[v + 1]; k++)
				dag_edge(&a->g, f, joint(a, s->graph.to[k], MADE));
		}
		for (unsigned k = s->graph.start[v]; !real && k < s->graph.start[v + 1]; k++)
			dag_edge(&a->g, joint(a, v, MADE), joint(a, s->graph.to[k], MADE));
	}
}

/* What gives something to others comes before them (ties.c). */
static void edges_of_ties(struct arranging *a)
{
	for (size_t i = 0; i < a->m->spec->units.len; i++) {
		const struct unit *u = a->m->spec->units.at[i];
		for (size_t k = 0; k < u->earlier.len; k++)
			dag_edge(&a->g, half(u, false), half(u->earlier.at[k], false));
	}
}

/* What goes goes after everything that, as the state remembers, used it. */
static void edges_of_state(struct arranging *a)
{
	const struct making *m = a->m;
	const struct prior *last = NULL;
	for (size_t i = 0; i < m->units.len; i++) {
		const struct unit *u = m->units.at[i];
		unsigned b = base_of(a, u->owner);
		dag_edge(&a->g, half(u, true), joint(a, b, FREE));
		dag_edge(&a->g, joint(a, b, GONE), half(u, true));
	}
	for (size_t i = 0; i < m->priors.len; i++) {
		const struct prior *p = &m->priors.at[i];
		if (last && last->owner == p->owner && last->deps == p->deps)
			continue;
		last = p;
		unsigned user = base_of(a, p->owner);
		for (size_t k = 0; k < json_array_size(p->deps); k++) {
			const char *dep = json_string_value(json_array_get(p->deps, k));
			unsigned used = dep ? base_of(a, dep) : user;
			if (used == user)
				continue;
			dag_edge(&a->g, joint(a, used, FREE), joint(a, user, MADE));
			dag_edge(&a->g, joint(a, used, FREE), joint(a, user, GONE));
		}
	}
}

/* Bases must all be counted before joints are numbered: 0 .. spec.n-1 are the spec's resources. */
static void number_bases(struct arranging *a)
{
	const struct making *m = a->m;
	const struct prior *last = NULL;
	for (unsigned v = 0; v < m->spec->n; v++)
		base_of(a, m->spec->res[v].address);
	for (size_t i = 0; i < m->units.len; i++)
		base_of(a, m->units.at[i]->owner);
	for (size_t i = 0; i < m->priors.len; i++) {
		const struct prior *p = &m->priors.at[i];
		if (last && last->owner == p->owner && last->deps == p->deps)
			continue;
		last = p;
		base_of(a, p->owner);
		for (size_t k = 0; k < json_array_size(p->deps); k++)
			if (json_is_string(json_array_get(p->deps, k)))
				base_of(a, json_string_value(json_array_get(p->deps, k)));
	}
}

static void build_graph(struct arranging *a)
{
	if (a->removals)
		number_bases(a);
	else
		a->n_bases = (unsigned)a->m->spec->n;
	dag_init(&a->g, (unsigned)(2 * a->m->units.len) + 3 * a->n_bases);
	edges_of_spec(a);
	edges_of_ties(a);
	if (a->removals)
		edges_of_state(a);
	dag_order(&a->g, NULL, NULL);
}

/* --- removals that must wait -------------------------------------------------------------------------------------------------- */

static bool hold_half(struct making *m, struct side *s, const char *because)
{
	bool left = because != NULL;
	s->real = s->real && !because;
	for (size_t i = 0; i < s->changes.len; i++) {
		struct change *c = s->changes.at[i];
		if (because && is_operation(c))
			change_hold(c, ACT_SKIP, arena_printf(m->p->arena, "%s still needs it and is left out", because));
		left = left || c->action == ACT_SKIP || c->action == ACT_BLOCK;
	}
	return left && s->changes.len;
}

/* In order, so that one held removal holds what it needs in turn. */
static void hold_removals(struct arranging *a)
{
	struct making *m = a->m;
	unsigned halves = (unsigned)(2 * m->units.len);
	autofree const char **names = xcalloc((size_t)a->n_bases + 1, sizeof(*names));
	autofree bool *stays = xcalloc((size_t)a->g.n + 1, sizeof(*stays));
	autofree const char **because = xcalloc((size_t)a->g.n + 1, sizeof(*because));
	for (struct base *b = a->bases; b; b = b->hh.next)
		names[b->index] = b->name;
	for (unsigned i = 0; i < a->g.n; i++) {
		unsigned v = a->g.order[i];
		bool is_half = v < halves, is_made = !is_half && (v - halves) % 3 == MADE;
		if (is_made) {
			unsigned base = (v - halves) / 3;
			stays[v] = base < m->spec->n && a->held[base];
			continue;
		}
		for (unsigned k = a->g.start[v]; k < a->g.start[v + 1]; k++) {
			unsigned e = a->g.to[k];
			if (!stays[e] || a->g.pos[e] > a->g.pos[v])
				continue;
			if (is_half)
				because[v] = because[e];
			else if ((v - halves) % 3 == FREE)
				because[v] = names[(e - halves) / 3], stays[v] = true;
			else
				stays[v] = stays[v] || e < halves;
		}
		if (is_half && v % 2)
			stays[v] = hold_half(m, &a->sides[v], because[v]);
	}
}

/* --- groups ---------------------------------------------------------------------------------------------------------------------- */

struct seen { const char *name; UT_hash_handle hh; };

static void see(struct seen **all, const char *node)
{
	struct seen *x = NULL;
	if (node && *all)
		HASH_FIND_STR(*all, node, x);
	if (!node || x)
		return;
	x = xcalloc(1, sizeof(*x));
	x->name = node;
	HASH_ADD_KEYPTR(hh, *all, x->name, strlen(x->name), x);
}

/* Machines of a unit, with those that leave it. */
static size_t count_nodes(const struct arranging *a, const struct unit *u)
{
	struct seen *all = NULL, *x, *next;
	const struct side *leaving = &a->sides[half(u, true)];
	for (size_t i = 0; i < u->n; i++)
		see(&all, a->m->spec->items.at[u->first + i]->node);
	for (size_t i = 0; i < leaving->changes.len; i++)
		see(&all, leaving->changes.at[i]->node);
	size_t count = HASH_COUNT(all);
	x = all;
	HASH_CLEAR(hh, all);
	for (; x; x = next) {
		next = x->hh.next;
		free(x);
	}
	return count;
}

static int by_index(const void *x, const void *y)
{
	unsigned a = *(const unsigned *)x, b = *(const unsigned *)y;
	return (a > b) - (a < b);
}

/* The resources that U refers to, itself and through data, which the state does not know, and those that give what it needs. */
static void fill_deps(struct making *m, struct group *g, const struct unit *u)
{
	const struct lang_resource *lr = u->res->lr;
	struct unsigneds { unsigned *at; size_t len, cap; } open = { 0 }, found = { 0 };
	bool *seen = NULL;
	vec_push(&open, lr->index);
	while (open.len) {
		const struct lang_resource *from = m->spec->res[open.at[--open.len]].lr;
		for (size_t i = 0; i < from->n_refs; i++) {
			const struct lang_resource *to = from->refs[i].to;
			if (to->data && !seen)
				seen = xcalloc(m->spec->n, sizeof(*seen));
			if (seen && seen[to->index])
				continue;
			if (seen)
				seen[to->index] = true;
			if (to->data)
				vec_push(&open, to->index);
			else
				vec_push(&found, to->index);
		}
	}
	for (size_t i = 0; i < u->earlier.len; i++)
		vec_push(&found, u->earlier.at[i]->res->lr->index);
	if (found.len)
		qsort(found.at, found.len, sizeof(*found.at), by_index);
	const char **deps = arena_array(m->p->arena, found.len + 1, sizeof(*deps));
	for (size_t i = 0; i < found.len; i++)
		if (i == 0 || found.at[i] != found.at[i - 1])
			deps[g->n_deps++] = arena_strdup(m->p->arena, m->spec->res[found.at[i]].address);
	g->deps = deps;
	vec_free(&open);
	vec_free(&found);
	free(seen);
}

static void fill_group(struct arranging *a, struct group *g, const struct unit *u, bool goes)
{
	struct making *m = a->m;
	struct side *s = &a->sides[half(u, goes)];
	g->owner = arena_strdup(m->p->arena, u->owner);
	g->removes = goes;
	g->objects = goes || u->n < s->changes.len ? s->changes.len : u->n;
	g->nodes = count_nodes(a, u);
	if (goes || !u->res)
		return;
	fill_deps(m, g, u);
	g->canary = u->canary;
	g->max_unavailable = u->max_unavailable;
	g->soak_s = u->soak_s;
	g->waves = waves_assign(s->changes.at, s->changes.len, u->canary, u->max_unavailable);
}

struct named { const struct unit *unit; bool goes; };

static int by_owner(const void *x, const void *y)
{
	const struct named *a = x, *b = y;
	int c = str_natural_cmp(a->unit->owner, b->unit->owner);
	return c ? c : (int)a->goes - (int)b->goes;
}

static void make_groups(struct arranging *a)
{
	struct making *m = a->m;
	struct plan *p = m->p;
	VEC(struct named) found = { 0 };
	for (size_t i = 0; i < m->units.len; i++)
		for (int goes = 0; goes < 2; goes++)
			if (a->sides[2 * i + (size_t)goes].changes.len)
				vec_push(&found, (struct named){ m->units.at[i], goes });
	p->n_groups = found.len;
	p->groups = arena_array(p->arena, found.len + 1, sizeof(*p->groups));
	if (found.len)
		qsort(found.at, found.len, sizeof(*found.at), by_owner);
	for (size_t i = 0; i < found.len; i++) {
		struct side *s = &a->sides[half(found.at[i].unit, found.at[i].goes)];
		fill_group(a, &p->groups[i], found.at[i].unit, found.at[i].goes);
		s->group = i;
		for (size_t k = 0; k < s->changes.len; k++) {
			s->changes.at[k]->group = (unsigned)i;
			s->changes.at[k]->owner = p->groups[i].owner;
		}
	}
	vec_free(&found);
}

static void link_groups(struct arranging *a)
{
	struct plan *p = a->m->p;
	autofree bool *real = xcalloc((size_t)a->g.n + 1, sizeof(*real));
	autofree struct dag_list *lists = xcalloc((size_t)a->g.n + 1, sizeof(*lists));
	size_t halves = 2 * a->m->units.len;
	for (size_t i = 0; i < halves; i++)
		real[i] = a->sides[i].real;
	dag_resolve(&a->g, real, p->arena, lists);
	for (size_t i = 0; i < halves; i++) {
		if (!real[i])
			continue;
		for (size_t k = 0; k < lists[i].n; k++)
			lists[i].at[k] = (unsigned)a->sides[lists[i].at[k]].group;
		p->groups[a->sides[i].group].after = lists[i].at;
		p->groups[a->sides[i].group].n_after = lists[i].n;
	}
}

/* --- changes ------------------------------------------------------------------------------------------------------------------------ */

static int by_place(const void *x, const void *y, void *ctx)
{
	const struct row *a = x, *b = y;
	const struct plan *p = ctx;
	unsigned i = a->change->group, k = b->change->group;
	if (i != k && strcmp(p->groups[i].owner, p->groups[k].owner) != 0)
		return i < k ? -1 : 1;
	int c = str_natural_cmp(a->change->type, b->change->type);
	return c ? c : str_natural_cmp(a->change->address, b->change->address);
}

static void place_changes(struct arranging *a)
{
	struct making *m = a->m;
	struct plan *p = m->p;
	VEC(struct row) rows = { 0 };
	for (size_t i = 0; i < m->subjects.len; i++)
		if (m->subjects.at[i].change)
			vec_push(&rows, (struct row){ m->subjects.at[i].change, &m->subjects.at[i] });
	for (size_t i = 0; i < m->strays.len; i++)
		vec_push(&rows, (struct row){ m->strays.at[i].change, NULL });
	if (rows.len)
		qsort_r(rows.at, rows.len, sizeof(*rows.at), by_place, p);
	p->n = rows.len;
	p->changes = arena_array(p->arena, rows.len + 1, sizeof(*p->changes));
	for (size_t i = 0; i < rows.len; i++) {
		p->changes[i] = *rows.at[i].change;
		if (rows.at[i].subject) {
			rows.at[i].subject->place = (unsigned)i;
			rows.at[i].subject->change = &p->changes[i];
		}
	}
	vec_free(&rows);
}

/* A step of an early wave that waits for one of a later wave could never start. */
static bool waves_agree(const struct making *m, const struct unit *u, const struct dag *g)
{
	autofree unsigned *latest = xcalloc((size_t)g->n + 1, sizeof(*latest));
	for (unsigned k = 0; k < g->n; k++) {
		unsigned v = g->order[k];
		const struct change *c = m->subjects.at[u->first + v].change;
		for (unsigned i = g->start[v]; i < g->start[v + 1]; i++)
			if (latest[g->to[i]] > latest[v])
				latest[v] = latest[g->to[i]];
		if (!is_operation(c) || !c->wave)
			continue;
		if (latest[v] > c->wave)
			return false;
		latest[v] = c->wave;
	}
	return true;
}

static int link_changes(struct arranging *a, struct err *err)
{
	struct making *m = a->m;
	for (size_t i = 0; i < m->spec->units.len; i++) {
		const struct unit *u = m->spec->units.at[i];
		const struct dag *g = &a->dags[i];
		if (!g->order)
			continue;
		if (!waves_agree(m, u, g))
			return err_set(err, E_INTERNAL, "the order of the objects of %s contradicts its waves", u->owner);
		autofree bool *real = xcalloc((size_t)g->n + 1, sizeof(*real));
		autofree struct dag_list *lists = xcalloc((size_t)g->n + 1, sizeof(*lists));
		for (unsigned k = 0; k < g->n; k++)
			real[k] = is_operation(m->subjects.at[u->first + k].change);
		dag_resolve(g, real, m->p->arena, lists);
		for (unsigned k = 0; k < g->n; k++) {
			struct change *c = m->subjects.at[u->first + k].change;
			if (!real[k])
				continue;
			for (size_t j = 0; j < lists[k].n; j++)
				lists[k].at[j] = m->subjects.at[u->first + lists[k].at[j]].place;
			c->after = lists[k].at;
			c->n_after = lists[k].n;
		}
	}
	return 0;
}

static void count(struct making *m)
{
	struct plan_counts *n = &m->p->counts;
	size_t *by_action[] = { [ACT_CREATE] = &n->create, [ACT_UPDATE] = &n->update, [ACT_REPLACE] = &n->replace, [ACT_DELETE] = &n->remove,
				[ACT_FORGET] = &n->forget, [ACT_DEFER] = &n->defer, [ACT_SKIP] = &n->skip,
				[ACT_RECORD] = &n->record, [ACT_BLOCK] = &n->block };
	m->p->complete = true;
	for (size_t i = 0; i < m->subjects.len; i++) {
		n->objects += !m->subjects.at[i].out && !m->subjects.at[i].absent;
		m->p->complete = m->p->complete && !m->subjects.at[i].out;
	}
	n->objects += m->strays.len;         /* each has a row, and is counted there */
	for (size_t i = 0; i < m->p->n; i++) {
		const struct change *c = &m->p->changes[i];
		++*by_action[c->action];
		n->drift += (c->cause & CAUSE_DRIFT) != 0;
	}
	m->p->complete = m->p->complete && !n->defer && !n->skip && !n->block;
}

static void add_to_side(struct arranging *a, const struct unit *u, bool goes, struct change *c)
{
	struct side *s = &a->sides[half(u, goes)];
	vec_push(&s->changes, c);
	s->real = s->real || is_operation(c);
	a->removals = a->removals || goes;
}

static void sort_into_sides(struct arranging *a)
{
	struct making *m = a->m;
	a->sides = xcalloc(2 * m->units.len + 1, sizeof(*a->sides));
	for (size_t i = 0; i < m->subjects.len; i++) {
		const struct subject *td = &m->subjects.at[i];
		if (td->change)
			add_to_side(a, td->it->unit, m->o->destroy || (!td->it->config && !td->it->reason), td->change);
	}
	for (size_t i = 0; i < m->strays.len; i++)
		add_to_side(a, m->strays.at[i].unit, m->strays.at[i].change->action == ACT_SKIP, m->strays.at[i].change);
}

static void release(struct arranging *a)
{
	struct base *b = a->bases, *next;
	for (size_t i = 0; a->sides && i < 2 * a->m->units.len; i++)
		vec_free(&a->sides[i].changes);
	for (size_t i = 0; i < a->m->spec->units.len; i++)
		dag_release(&a->dags[i]);
	HASH_CLEAR(hh, a->bases);
	for (; b; b = next) {
		next = b->hh.next;
		free(b->name);
		free(b);
	}
	dag_release(&a->g);
	free(a->sides);
	free(a->dags);
	free(a->held);
}

static bool anything(const struct making *m)
{
	for (size_t i = 0; i < m->subjects.len; i++)
		if (m->subjects.at[i].change)
			return true;
	return m->strays.len > 0 || m->spec->waits;
}

int plan_arrange(struct making *m, struct err *err)
{
	struct arranging a = { .m = m };
	if (!anything(m)) {
		count(m);
		return 0;
	}
	a.dags = xcalloc(m->spec->units.len + 1, sizeof(*a.dags));
	a.held = xcalloc(m->spec->n + 1, sizeof(*a.held));
	int rc = hold_in_units(m, a.dags, err);
	if (!rc) {
		hold_deferred(m, a.held);
		sort_into_sides(&a);
		build_graph(&a);
		if (a.removals)
			hold_removals(&a);
		make_groups(&a);
		link_groups(&a);
		place_changes(&a);
		rc = link_changes(&a, err);
		count(m);
	}
	release(&a);
	return rc;
}
