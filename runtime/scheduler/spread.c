/* Spread: no domain of a level holds more than its share of a group's pods. Counted from the pods as they are; costs O(pods of the group) a question. */
#include "runtime/scheduler/place_internal.h"

bool spread_limits(const struct group *g)
{
	for (; g; g = g->parent)
		if (g->n_spreads)
			return true;
	return false;
}

const char *spread_unknown(const struct tree *t, const struct group *g)
{
	for (; g; g = g->parent)
		for (int i = 0; i < g->n_spreads; i++)
			if (tree_level(t, g->spreads[i].level) == TREE_NONE)
				return g->spreads[i].level;
	return NULL;
}

static int64_t total(const struct group *g)
{
	int64_t n = g->placing ? g->placing : (int64_t)(g->waiting.len + g->bound.len);
	for (size_t i = 0; i < g->children.len; i++)
		n += total(g->children.at[i]);
	return n;
}

static bool below(const struct tree *t, const struct pod *p, uint32_t domain, int level)
{
	return p->node && tree_up(t, t->leaf_of[p->node->index], level) == domain;
}

static int64_t count(const struct tree *t, const struct group *g, uint32_t domain, int level)
{
	int64_t n = 0;
	for (size_t i = 0; i < g->bound.len; i++)
		n += below(t, g->bound.at[i], domain, level);
	for (size_t i = 0; i < g->waiting.len; i++)
		n += below(t, g->waiting.at[i], domain, level);
	for (size_t i = 0; i < g->children.len; i++)
		n += count(t, g->children.at[i], domain, level);
	return n;
}

int64_t spread_left(const struct engine *e, const struct tree *t, uint32_t v)
{
	int64_t least = INT64_MAX;
	for (const struct group *g = e->spread_of; g; g = g->parent) {
		for (int i = 0; i < g->n_spreads; i++) {
			int level = tree_level(t, g->spreads[i].level);
			if (level != TREE_NONE && t->v[v].level < level)
				continue;
			uint32_t d = level == TREE_NONE ? v : tree_up(t, v, level);
			int64_t most = (total(g) * g->spreads[i].percent + 99) / 100, left = level == TREE_NONE || !t->v[d].domain ? 0 : most - count(t, g, d, level);
			least = left < least ? left : least;
		}
	}
	return least > 0 ? least : 0;
}

/* Is there a limit for domains inside V? */
static bool limited_inside(const struct engine *e, const struct tree *t, uint32_t v)
{
	for (const struct group *g = e->spread_of; g; g = g->parent)
		for (int i = 0; i < g->n_spreads; i++)
			if (tree_level(t, g->spreads[i].level) > t->v[v].level)
				return true;
	return false;
}

/* Depth: the levels of the tree. */
int64_t spread_room(const struct engine *e, const struct tree *t, uint32_t v, const struct room *r)
{
	int64_t room = room_below(r, v), sum = 0;
	if (!e->spread_of || !room)
		return room;
	if (limited_inside(e, t, v)) {
		for (uint32_t c = 0; c < t->v[v].n_children; c++)
			sum += spread_room(e, t, t->v[v].child + c, r);
		room = sum;
	}
	int64_t left = spread_left(e, t, v);
	return room < left ? room : left;
}

bool spread_holds(const struct engine *e, const struct tree *t)
{
	const struct group *own = e->spread_of;
	for (const struct group *g = own; g; g = g->parent) {
		for (int i = 0; i < g->n_spreads; i++) {
			int level = tree_level(t, g->spreads[i].level);
			int64_t most = (total(g) * g->spreads[i].percent + 99) / 100;
			for (size_t k = 0; k < own->waiting.len; k++) {
				const struct pod *p = own->waiting.at[k];
				if (p->node && (level == TREE_NONE || count(t, g, tree_up(t, t->leaf_of[p->node->index], level), level) > most))
					return false;
			}
		}
	}
	return true;
}
