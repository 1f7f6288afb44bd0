#include "runtime/scheduler/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "runtime/scheduler/place_internal.h"
#include "runtime/scheduler/preempt.h"
#include "runtime/scheduler/split.h"

/* --- the transaction ---------------------------------------------------------------------------------------------------- */

void engine_assume(struct engine *e, struct pod *p, struct node *n)
{
	p->assumed = true;
	model_bind(e->m, p, n);
	vec_push(&e->done, p);
}

void engine_rollback(struct engine *e, size_t mark)
{
	while (e->done.len > mark) {
		struct pod *p = e->done.at[--e->done.len];
		model_unbind(e->m, p);
		p->assumed = false;
	}
}

bool engine_nominated(struct engine *e, struct pod *p, struct node **n)
{
	*n = p->nominated && *p->nominated && !p->node ? model_node(e->m, intern_find(e->m->names, p->nominated)) : NULL;
	if (!*n)
		return true;
	struct filter *f = filter_open(e->m, p);
	bool ok = !filter_node(f, *n);
	filter_close(f);
	if (ok)
		engine_assume(e, p, *n);
	else
		*n = NULL;
	return ok;
}

static void on_move(void *arg, const struct pod *p, uint32_t node_index, int sign)
{
	struct engine *e = arg;
	for (size_t i = 0; i < e->trees.len; i++)
		tree_count(e->trees.at[i], p, node_index, sign);
}

static struct tree *add_tree(struct engine *e, sym key)
{
	struct tree *t = tree_new(e->m, key);
	vec_push(&e->trees, t);
	for (int l = 1; l <= t->n_levels; l++)
		vec_push(&e->m->levels, t->level[l].key);
	return t;
}

/* In the map: the room's place in all_rooms, plus one. */
struct room *engine_room(struct engine *e, struct tree *t, struct pod *p)
{
	size_t i = 0;
	while (e->trees.at[i] != t)
		i++;
	uint64_t key = (uint64_t)p->class_key << 16 | i;
	size_t at = (size_t)map_get(e->rooms, key);
	if (!at) {
		vec_push(&e->all_rooms, (struct kept_room){ room_new(e->m, t, p), key, 0 });
		at = e->all_rooms.len;
		map_put(e->rooms, key, (void *)at);
		e->room_bytes += room_bytes(e->all_rooms.at[at - 1].room);
	}
	struct kept_room *r = &e->all_rooms.at[at - 1];
	r->used = ++e->turn;
	room_refresh(r->room);
	return r->room;
}

static int last_used_first(const void *a, const void *b)
{
	const struct kept_room *x = a, *y = b;
	return x->used < y->used ? 1 : x->used > y->used ? -1 : 0;
}

/* Frees all rooms from number FROM on; the map follows. */
static void drop_rooms(struct engine *e, size_t from)
{
	for (size_t i = from; i < e->all_rooms.len; i++)
		room_free(e->all_rooms.at[i].room);
	e->all_rooms.len = from < e->all_rooms.len ? from : e->all_rooms.len;
	map_free(e->rooms);
	e->rooms = map_new();
	e->room_bytes = 0;
	for (size_t i = 0; i < e->all_rooms.len; i++) {
		map_put(e->rooms, e->all_rooms.at[i].key, (void *)(i + 1));
		e->room_bytes += room_bytes(e->all_rooms.at[i].room);
	}
}

void engine_trim(struct engine *e, size_t max_bytes)
{
	if (e->room_bytes <= max_bytes)
		return;
	qsort(e->all_rooms.at, e->all_rooms.len, sizeof(*e->all_rooms.at), last_used_first);
	drop_rooms(e, e->all_rooms.len / 2);
}

void engine_forget_claims(struct engine *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < e->all_rooms.len; i++) {
		struct kept_room r = e->all_rooms.at[i];
		if (room_pod(r.room)->n_claims)
			room_free(r.room);
		else
			e->all_rooms.at[kept++] = r;
	}
	e->all_rooms.len = kept;
	drop_rooms(e, kept);
}

void engine_reshape(struct engine *e)
{
	drop_rooms(e, 0);
	for (size_t i = 0; i < e->trees.len; i++)
		tree_free(e->trees.at[i]);
	e->trees.len = 0;
	e->m->levels.len = 0;
	engine_forget_reasons(e);
	if (e->m->stale)
		model_reshape(e->m);
	add_tree(e, 0);
}

void engine_forget_reasons(struct engine *e)
{
	for (size_t i = 0; i < e->pending.len; i++)
		vec_free(&e->pending.at[i].reasons);
	e->pending.len = 0;
	map_free(e->blamed);
	e->blamed = map_new();
	e->blamed_at = e->m->version;
	arena_free(e->words);
	e->words = arena_new();
}

struct tree *engine_tree(struct engine *e, const char *word)
{
	for (size_t i = 0; i < e->trees.len; i++)
		if (tree_level(e->trees.at[i], word) != TREE_NONE)
			return e->trees.at[i];
	if (e->trees.len >= 64)
		return e->trees.at[0];
	return add_tree(e, intern(e->m->names, word));
}

/* P must be judged node by node, by this; NULL: pods elsewhere do not matter. */
static struct filter *filter_between(const struct engine *e, const struct pod *p)
{
	if (!p->n_near && !p->n_apart && !p->n_spreads && !e->m->apart.len)
		return NULL;
	struct filter *f = filter_open(e->m, p);
	if (filter_is_dynamic(f))
		return f;
	filter_close(f);
	return NULL;
}

/* The best of the leaves FROM up to TO that F lets in, if it is better than *LEAF. */
static bool best_of(const struct room *r, const struct tree *t, struct filter *f, uint32_t from, uint32_t to, bool found, uint32_t *leaf)
{
	for (uint32_t l = from; l < to; l++) {
		if (room_below(r, l) > 0 && !filter_node_between(f, tree_node(t, l)) && (!found || room_better(r, l, *leaf))) {
			*leaf = l;
			found = true;
		}
	}
	return found;
}

bool engine_best(struct engine *e, struct tree *t, uint32_t v, struct pod *p, uint32_t *leaf)
{
	const struct room *r = engine_room(e, t, p);
	struct filter *f = filter_between(e, p);
	uint32_t from, to;
	if (!f)
		return room_best(r, v, leaf);
	tree_span(t, v, t->n_levels + 1, &from, &to);
	bool found = best_of(r, t, f, from, to, false, leaf);
	filter_close(f);
	return found;
}

bool engine_best_beside(struct engine *e, struct tree *t, uint32_t v, struct pod *p, uint32_t *leaf)
{
	const struct room *r = engine_room(e, t, p);
	struct filter *f = filter_between(e, p);
	uint32_t from, to, best;
	bool found = false;
	if (f) {
		tree_span(t, v, t->n_levels + 1, &from, &to);
		found = best_of(r, t, f, t->base[t->n_levels + 1], from, false, leaf);
		found = best_of(r, t, f, to, t->n, found, leaf);
		filter_close(f);
		return found;
	}
	/* Beside V is what is below its siblings, and those of all above it. */
	for (uint32_t at = v; at; at = t->v[at].parent) {
		const struct vertex *up = &t->v[t->v[at].parent];
		for (uint32_t c = up->child; c < up->child + up->n_children; c++) {
			if (c == at || !room_best(r, c, &best) || (found && !room_better(r, best, *leaf)))
				continue;
			*leaf = best;
			found = true;
		}
	}
	return found;
}

/* --- single pods ----------------------------------------------------------------------------------------------------------- */

struct node *engine_place_pod(struct engine *e, struct pod *p)
{
	struct tree *t = e->trees.at[0];
	uint32_t leaf;
	if (p->refused || p->n_gates || p->terminating || !engine_best(e, t, 0, p, &leaf))
		return NULL;
	struct node *n = tree_node(t, leaf);
	engine_assume(e, p, n);
	return n;
}

/* --- groups ------------------------------------------------------------------------------------------------------------------ */

enum { SPREAD_TRIES = 64 };

struct candidate { uint32_t v; size_t below; int64_t left; };

static int tightest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->below != y->below)
		return x->below < y->below ? -1 : 1;
	if (x->left != y->left)
		return x->left < y->left ? -1 : 1;
	return x->v < y->v ? -1 : x->v > y->v;
}

/* The fewest children of V that hold N pods. */
static size_t children_needed(const struct tree *t, uint32_t v, const struct room *r, size_t n)
{
	size_t children = t->v[v].n_children;
	uint32_t first = t->v[v].child, same = 1;
	if (t->v[v].level > t->n_levels)
		return 1;
	/* Mostly they are all alike. */
	while (same < children && room_below(r, first + same) == room_below(r, first))
		same++;
	if (same == children && room_below(r, first) > 0)
		return (n + (size_t)room_below(r, first) - 1) / (size_t)room_below(r, first);
	autofree int64_t *cap = xcalloc(children + 1, sizeof(*cap));
	for (size_t c = 0; c < children; c++)
		cap[c] = room_below(r, t->v[v].child + (uint32_t)c);
	return split_count(cap, children, (int64_t)n);
}

struct candidates { struct candidate *at; size_t len, cap; };

/* The domains of LEVEL below V that could hold PODS; what is too small as a whole is not looked into. */
static void find_domains(struct engine *e, struct tree *t, uint32_t v, int level, const struct group *g, struct pod **pods, size_t n, struct candidates *out)
{
	if (!fit_possible(e, t, v, g, pods, n))
		return;
	if (t->v[v].level < level) {
		for (uint32_t c = 0; c < t->v[v].n_children; c++)
			find_domains(e, t, t->v[v].child + c, level, g, pods, n, out);
	} else if (t->v[v].domain) {
		const struct room *r = engine_room(e, t, pods[0]);
		vec_push(out, (struct candidate){ v, children_needed(t, v, r, n), room_below(r, v) });
	}
}

/* Tries the domains of LEVEL below WITHIN, the best first. */
static bool try_level(struct engine *e, struct tree *t, uint32_t within, int level, const struct group *g, struct pod **pods, size_t n)
{
	struct candidates found = { 0 };
	bool ok = false, alike = true;
	for (size_t i = 1; alike && i < n; i++)
		alike = pods[i]->class_key == pods[0]->class_key;
	if (alike && room_most(engine_room(e, t, pods[0]), level) < (int64_t)n)
		return false;
	find_domains(e, t, within, level, g, pods, n, &found);
	if (found.len)
		qsort(found.at, found.len, sizeof(*found.at), tightest_first);
	for (size_t i = 0; !ok && i < found.len && e->tries > 0; i++)
		ok = fit_pods(e, t, found.at[i].v, g, 0, pods, n);
	vec_free(&found);
	return ok;
}

/* PODS together in the lowest domain below WITHIN that holds them, not above LEVEL. */
static bool place_together(struct engine *e, struct tree *t, uint32_t within, int level, const struct group *g, struct pod **pods, size_t n)
{
	int lowest = t->n_levels + 1, top = t->v[within].level > level ? t->v[within].level : level;
	for (int l = lowest; l >= top; l--)
		if (try_level(e, t, within, l, g, pods, n))
			return true;
	return false;
}

/* The level that all of G must be in one domain of, and the tree that has it. */
static int required_level(struct engine *e, const struct group *g, struct tree **t)
{
	const char *word = g->required ? g->required : g->n_slices ? g->slices[0].level : NULL;
	*t = word ? engine_tree(e, word) : e->trees.at[0];
	return g->required ? tree_level(*t, g->required) : 0;
}

/* Pods that run already pin the domain; UINT32_MAX: they are in several. */
static uint32_t pinned(const struct tree *t, const struct group *g, uint32_t within, int level)
{
	for (size_t i = 0; level > 0 && i < g->bound.len; i++) {
		if (!g->bound.at[i]->node)
			continue;
		uint32_t v = tree_up(t, t->leaf_of[g->bound.at[i]->node->index], level);
		if (t->v[within].level >= level ? v != tree_up(t, within, level) : tree_up(t, v, t->v[within].level) != within)
			return UINT32_MAX;
		within = t->v[within].level >= level ? within : v;
	}
	return within;
}

static const struct pin *pin_of(const struct group *g, const struct pod *p)
{
	for (size_t i = 0; i < g->pins.len; i++)
		if (g->pins.at[i].rank == p->rank)
			return &g->pins.at[i];
	return NULL;
}

/* Moves the waiting pods whose node is given to the front; their number. */
static size_t pins_first(struct group *g)
{
	size_t n = 0;
	for (size_t i = 0; g->pins.len && i < g->waiting.len; i++) {
		struct pod *p = g->waiting.at[i];
		if (pin_of(g, p)) {
			memmove(&g->waiting.at[n + 1], &g->waiting.at[n], (i - n) * sizeof(struct pod *));
			g->waiting.at[n++] = p;
		}
	}
	return n;
}

static bool place_pins(struct engine *e, struct group *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct node *node = model_node(e->m, pin_of(g, g->waiting.at[i])->node);
		struct filter *f = filter_open(e->m, g->waiting.at[i]);
		bool ok = node && !filter_node(f, node);
		filter_close(f);
		if (!ok)
			return false;
		engine_assume(e, g->waiting.at[i], node);
	}
	return true;
}

int64_t engine_now(const struct engine *e)
{
	return e->now_ms ? e->now_ms : e->m->newest_ms;
}

int64_t engine_patience(const struct engine *e, const struct group *g)
{
	int64_t now = engine_now(e), since = INT64_MAX;
	if (!g->preferred || !g->patience_ms || g->bound.len)
		return 0;
	for (size_t i = 0; i < g->waiting.len; i++)
		since = g->waiting.at[i]->created_ms < since ? g->waiting.at[i]->created_ms : since;
	return since < INT64_MAX && since + g->patience_ms > now ? since + g->patience_ms - now : 0;
}

/* While it has patience, the level it prefers is the one it requires; what consists of groups has none. */
int engine_level(struct engine *e, const struct group *g, struct tree **t)
{
	int level = required_level(e, g, t);
	if (g->children.len || !engine_patience(e, g))
		return level;
	struct tree *narrow = g->required || g->n_slices ? *t : engine_tree(e, g->preferred);
	int preferred = tree_level(narrow, g->preferred);
	if (preferred == TREE_NONE || preferred <= level)
		return level;
	*t = narrow;
	return preferred;
}

/* The first N of those of G that wait, of which FIXED have their node already, within the limits of its spread. */
static bool place_some(struct engine *e, struct group *g, struct tree *t, uint32_t within, int level, size_t fixed, size_t n)
{
	g->placing = (int64_t)(g->bound.len + n);
	e->spread_of = g;
	bool ok = n == fixed ? spread_holds(e, t) : place_together(e, t, within, level, g, g->waiting.at + fixed, n - fixed);
	e->spread_of = NULL;
	g->placing = 0;
	return ok;
}

/* All of those that wait, else as many as can be, at least NEED. A share is rounded up, so fewer may fit where more do. */
static bool place_spread(struct engine *e, struct group *g, struct tree *t, uint32_t within, int level, size_t fixed, size_t need)
{
	size_t have = g->waiting.len, least = fixed > need ? fixed : need, step = (have - least) / SPREAD_TRIES + 1;
	if (place_some(e, g, t, within, level, fixed, have))
		return true;
	for (size_t n = have; g->min && n > least;) {
		n = n - least > step ? n - step : least;
		if (place_some(e, g, t, within, level, fixed, n))
			return true;
	}
	return false;
}

static bool place_leaf_group(struct engine *e, struct group *g, struct tree *outer, uint32_t within)
{
	struct tree *t;
	int level = engine_level(e, g, &t);
	size_t have = g->waiting.len, bound = g->bound.len, need = g->min > (int64_t)bound ? (size_t)g->min - bound : 0;
	if ((t != outer && within) || have < need)
		return false;
	within = pinned(t, g, within, level);
	if (within == UINT32_MAX || have == 0)
		return within != UINT32_MAX && bound > 0;
	size_t fixed = pins_first(g);
	if (spread_limits(g))
		return !spread_unknown(t, g) && (!fixed || place_pins(e, g, fixed)) && place_spread(e, g, t, within, level, fixed, need);
	if (fixed)
		return place_pins(e, g, fixed) && (fixed == have || place_together(e, t, within, level, g, g->waiting.at + fixed, have - fixed));
	if (place_together(e, t, within, level, g, g->waiting.at, have))
		return true;
	if (!g->min || need == have)
		return false;
	/* The minimum together, then whoever still fits into the same domain. */
	if (need && !place_together(e, t, within, level, g, g->waiting.at, need))
		return false;
	if (need)
		within = level > 0 ? tree_up(t, t->leaf_of[g->waiting.at[0]->node->index], level) : within;
	for (size_t i = need; i < have; i++) {
		uint32_t leaf;
		if (engine_best(e, t, within, g->waiting.at[i], &leaf))
			engine_assume(e, g->waiting.at[i], tree_node(t, leaf));
	}
	return true;
}

/* Children by what they demand: those with the narrowest required level and the most pods first; or, LARGE, those with the hardest pods first. */
struct ordered { struct group *g; int level; size_t n; int64_t hard; };

static int by_demand(const struct ordered *x, const struct ordered *y, bool large)
{
	if (x->level != y->level)
		return x->level > y->level ? -1 : 1;
	if (large && x->hard != y->hard)
		return x->hard > y->hard ? -1 : 1;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->g->name, y->g->name);
}

static int most_first(const void *a, const void *b)
{
	return by_demand(a, b, false);
}

static int hardest_first(const void *a, const void *b)
{
	return by_demand(a, b, true);
}

static int64_t hardest_in(const struct engine *e, const struct group *g)
{
	int64_t most = 0;
	for (size_t i = 0; i < g->waiting.len; i++)
		most = fit_hardness(e->m, g->waiting.at[i]) > most ? fit_hardness(e->m, g->waiting.at[i]) : most;
	return most;
}

/* MAY_FAIL: so many children need not be complete. */
struct children { struct engine *e; struct tree *t; uint32_t within; struct ordered *at; size_t n, may_fail; };

static bool place_from(struct children *c, size_t i);

/* Child I in every other domain that it may be in, when with it in the first one the rest had no place. */
static bool place_elsewhere(struct children *c, size_t i, uint32_t first)
{
	struct engine *e = c->e;
	size_t mark = e->done.len;
	uint32_t from, to;
	int level = c->at[i].level > 0 ? c->at[i].level : c->at[i].n == 1 ? c->t->n_levels + 1 : c->t->n_levels;
	if (level <= c->t->v[c->within].level)
		return false;
	tree_span(c->t, c->within, level, &from, &to);
	for (uint32_t d = from; d < to; d++) {
		if (d == first || !c->t->v[d].domain)
			continue;
		if (e->steps-- <= 0) {
			e->tired = true;
			return false;
		}
		if (engine_place_group(e, c->at[i].g, c->t, d) && place_from(c, i + 1))
			return true;
		engine_rollback(e, mark);
	}
	return false;
}

/* The children from number I on. Depth: one a child, at most 64. */
static bool place_from(struct children *c, size_t i)
{
	struct engine *e = c->e;
	size_t mark = e->done.len;
	if (i == c->n)
		return true;
	if (engine_place_group(e, c->at[i].g, c->t, c->within)) {
		int level = c->at[i].level > 0 ? c->at[i].level : c->t->n_levels + 1;
		uint32_t first = e->done.len > mark ? tree_up(c->t, c->t->leaf_of[e->done.at[mark]->node->index], level) : UINT32_MAX;
		bool moves = e->done.len > mark;
		if (place_from(c, i + 1))
			return true;
		engine_rollback(e, mark);
		if (moves && place_elsewhere(c, i, first))
			return true;
	}
	if (!c->may_fail)
		return false;
	c->may_fail--;
	bool ok = place_from(c, i + 1);
	c->may_fail += !ok;
	return ok;
}

/* Has every child a place where there are no others? Then another way to put them together might have been found. */
static bool each_has_place(struct children *c)
{
	size_t mark = c->e->done.len, fail = 0;
	for (size_t i = 0; i < c->n; i++) {
		fail += !engine_place_group(c->e, c->at[i].g, c->t, c->within);
		engine_rollback(c->e, mark);
	}
	return fail <= c->may_fail;
}

static bool place_children(struct engine *e, struct group *g, struct tree *t, uint32_t within)
{
	size_t n = g->children.len;
	autofree struct ordered *order = xcalloc(n + 1, sizeof(*order));
	struct children c = { e, t, within, order, n, g->min && g->min < (int64_t)n ? n - (size_t)g->min : 0 };
	for (size_t i = 0; i < n; i++) {
		struct tree *own;
		struct group *child = g->children.at[i];
		order[i] = (struct ordered){ child, required_level(e, child, &own), group_waiting(child), hardest_in(e, child) };
		order[i].level = own == t ? order[i].level : 0;
	}
	qsort(order, n, sizeof(*order), most_first);
	if (place_from(&c, 0))
		return true;
	qsort(order, n, sizeof(*order), hardest_first);
	if (e->steps > 0 && place_from(&c, 0))
		return true;
	e->tired = e->tired || each_has_place(&c);
	return false;
}

static bool place_inner_group(struct engine *e, struct group *g, struct tree *outer, uint32_t within)
{
	struct tree *t;
	int level = required_level(e, g, &t);
	if (t != outer && within)
		return false;
	for (int l = t->n_levels; l >= level && l > t->v[within].level; l--) {
		uint32_t from, to;
		tree_span(t, within, l, &from, &to);
		for (uint32_t d = from; d < to && e->tries > 0; d++)
			if (t->v[d].domain && place_children(e, g, t, d))
				return true;
	}
	return t->v[within].level >= level && place_children(e, g, t, within);
}

bool engine_place_group(struct engine *e, struct group *g, struct tree *outer, uint32_t within)
{
	size_t mark = e->done.len;
	bool ok = !g->refused && (g->children.len ? place_inner_group(e, g, outer, within) : place_leaf_group(e, g, outer, within));
	if (!ok)
		engine_rollback(e, mark);
	return ok;
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

const struct engine_rules engine_default_rules = { ENGINE_RESERVE_AFTER_S * 1000, false, 0, 0 };

struct engine *engine_new(struct model *m, bool (*ours)(const struct pod *p, void *arg), void *arg)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	e->m = m;
	e->ours = ours;
	e->arg = arg;
	e->rules = engine_default_rules;
	e->rooms = map_new();
	e->blamed = map_new();
	e->words = arena_new();
	groups_build(m, &e->groups, ours, arg);
	add_tree(e, 0);
	m->moved = on_move;
	m->moved_arg = e;
	return e;
}

void engine_set_rules(struct engine *e, const struct engine_rules *r)
{
	e->rules = *r;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	drop_rooms(e, 0);
	e->m->moved = NULL;
	for (size_t i = 0; i < e->trees.len; i++)
		tree_free(e->trees.at[i]);
	arena_free(e->words);
	for (size_t i = 0; i < e->pending.len; i++)
		vec_free(&e->pending.at[i].reasons);
	vec_free(&e->all_rooms);
	vec_free(&e->trees);
	vec_free(&e->pending);
	vec_free(&e->done);
	map_free(e->rooms);
	map_free(e->blamed);
	groups_release(&e->groups);
	free(e);
}

const struct pending *engine_pending(const struct engine *e, size_t *n)
{
	*n = e->pending.len;
	return e->pending.at;
}

uint64_t engine_steps(const struct engine *e)
{
	uint64_t n = 0;
	for (size_t i = 0; i < e->all_rooms.len; i++)
		n += room_steps(e->all_rooms.at[i].room);
	return n;
}
