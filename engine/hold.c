#include <string.h>

#include "engine/planning.h"

/* --- inside a unit --------------------------------------------------------------------------------------------------------- */

static bool cycle_free(struct dag *g, const struct unit *u, bool backwards)
{
	dag_init(g, (unsigned)u->n);
	for (size_t i = 0; i < u->edges.len; i++) {
		struct dag_edge e = u->edges.at[i];
		if (backwards)
			dag_edge(g, e.earlier, e.later);
		else
			dag_edge(g, e.later, e.earlier);
	}
	return dag_order(g, NULL, NULL);
}

/* What comes after a step that is left out is left out too, on the same machine: a silent machine holds back only itself. */
static void hold_after_skipped(struct making *m, const struct unit *u, const struct dag *g)
{
	for (unsigned k = 0; k < g->n; k++) {
		unsigned v = g->order[k];
		struct change *c = m->subjects.at[u->first + v].change;
		for (unsigned i = g->start[v]; is_operation(c) && i < g->start[v + 1]; i++) {
			const struct change *first = m->subjects.at[u->first + g->to[i]].change;
			if (first && first->action == ACT_SKIP && (!first->node || (c->node && strcmp(c->node, first->node) == 0)))
				change_hold(c, ACT_SKIP, arena_printf(m->p->arena, "%s comes first, and that is left out", first->address));
		}
	}
}

int hold_in_units(struct making *m, struct dag *dags, struct err *err)
{
	for (size_t i = 0; i < m->spec->units.len; i++) {
		const struct unit *u = m->spec->units.at[i];
		bool any = false;
		for (size_t k = 0; u->edges.len && k < u->n; k++)
			any = any || m->subjects.at[u->first + k].change;
		if (!any)
			continue;
		if (!cycle_free(&dags[i], u, m->o->destroy))
			return err_set(err, E_INTERNAL, "the objects of %s wait for each other", u->owner);
		hold_after_skipped(m, u, &dags[i]);
	}
	return 0;
}

/* --- between resources -------------------------------------------------------------------------------------------------------- */

/* What waits for an apply is deferred; what waits for data that could not be read is left out. */
static enum action waiting(const struct resource *r)
{
	return r && r->unread ? ACT_SKIP : ACT_DEFER;
}

static void add_stray(struct making *m, struct unit *u, const char *type, const char *reason)
{
	if (!is_target(m, u->owner, u->owner))
		return;
	struct change *c = change_new(m, u->owner, type, u->owner, waiting(u->res));
	c->reason = arena_strdup(m->p->arena, reason);
	vec_push(&m->strays, (struct stray){ c, u });
}

static bool is_deferred(struct making *m, struct resource *r)
{
	bool any = r->deferred;
	if (r->lr->data)
		return r->unread;
	for (size_t i = 0; i < r->n_blocks; i++) {
		const struct lang_block *b = r->blocks[i].lb;
		if (!b->deferred)
			continue;
		autofree char *in = b->module_deferred ? xstrdup(r->address) : address_in(b->module, r->lr);
		add_stray(m, unit_new(m, arena_strdup(m->p->arena, in), r), r->row->type->name, r->reason);
	}
	for (size_t i = r->first_unit; i < r->first_unit + r->n_units; i++) {
		struct unit *u = m->spec->units.at[i];
		if (u->deferred)
			add_stray(m, u, r->row->type->name, u->reason);
		any = any || u->deferred;
		for (size_t k = u->first; !any && k < u->first + u->n; k++)
			any = m->subjects.at[k].change && m->subjects.at[k].it->reason && m->subjects.at[k].change->action == waiting(r);
	}
	return any;
}

static void hold_resource(struct making *m, const struct resource *r, const struct resource *first)
{
	const char *reason = arena_printf(m->p->arena, first->unread && first->lr->data ? "%s comes first, and that could not be read"
					  : "%s comes first, and that cannot be planned yet", first->address);
	for (size_t i = r->first_unit; i < r->first_unit + r->n_units; i++) {
		const struct unit *u = m->spec->units.at[i];
		for (size_t k = u->first; k < u->first + u->n; k++)
			if (is_operation(m->subjects.at[k].change))
				change_hold(m->subjects.at[k].change, waiting(first), reason);
	}
}

/* HELD, by resource: it waits for an apply, itself or because something it refers to does. */
void hold_deferred(struct making *m, bool *held)
{
	const struct spec *s = m->spec;
	if (!s->waits || m->o->destroy || m->o->drift_only)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		unsigned v = s->graph.order[i];
		held[v] = is_deferred(m, &s->res[v]);
		for (unsigned k = s->graph.start[v]; k < s->graph.start[v + 1]; k++) {
			unsigned e = s->graph.to[k];
			if (!held[e])
				continue;
			hold_resource(m, &s->res[v], &s->res[e]);
			held[v] = true;
			s->res[v].unread = s->res[v].unread || s->res[e].unread;
		}
	}
}
