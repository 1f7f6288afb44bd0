#include "runtime/scheduler/moves.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/scheduler/preempt_internal.h"

/* --- do they fit elsewhere ---------------------------------------------------------------------------------------------------- */

struct moved { struct pod *pod; struct node *to; int64_t hard; };

static int hardest_first(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;
	if (x->hard != y->hard)
		return x->hard > y->hard ? -1 : 1;
	return strcmp(x->pod->key, y->pod->key);
}

/* All N, which are out, one after the other outside of V, from the first on or, BACK, from the last. */
static bool fit_beside(struct engine *e, struct tree *t, uint32_t v, struct moved *at, size_t n, bool back)
{
	size_t mark = e->done.len;
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++) {
		struct moved *m = &at[back ? n - 1 - i : i];
		uint32_t leaf;
		ok = engine_best_beside(e, t, v, m->pod, &leaf);
		if (ok) {
			m->to = tree_node(t, leaf);
			engine_assume(e, m->pod, m->to);
		}
	}
	engine_rollback(e, mark);
	return ok;
}

/* The same with the group in V and those that are being deleted where they are. HELD, when not NULL, gets where the group goes. */
static bool settles(struct search *s, struct tree *t, uint32_t v, struct moved *at, size_t n, struct victims *out)
{
	struct engine *e = s->e;
	size_t mark = e->done.len;
	if (s->fits_left-- <= 0)
		return false;
	e->tries = PLACE_TRIES;
	e->steps = 0;
	if (!engine_place_group(e, s->g, t, v))
		return false;
	for (size_t i = mark; out && i < e->done.len; i++)
		vec_push(&out->held, (struct held){ e->done.at[i], e->done.at[i]->node });
	for (size_t i = 0; i < s->ending->units.len; i++)
		search_put_back(s->ending, &s->ending->units.at[i]);
	qsort(at, n, sizeof(*at), hardest_first);
	bool ok = fit_beside(e, t, v, at, n, true) && fit_beside(e, t, v, at, n, false);
	engine_rollback(e, mark);
	for (size_t i = 0; i < s->ending->units.len; i++)
		search_take_out(s->ending, &s->ending->units.at[i]);
	return ok;
}

bool moves_settle(struct search *s, struct victims *out)
{
	struct moved at[MOVES_MOST] = { { 0 } };
	struct node *from[MOVES_MOST];
	size_t n = out->pods.len;
	for (size_t i = 0; i < n; i++) {
		at[i] = (struct moved){ out->pods.at[i], NULL, fit_hardness(s->e->m, out->pods.at[i]) };
		from[i] = out->pods.at[i]->node;
		model_unbind(s->e->m, out->pods.at[i]);
	}
	s->fits_left = 1;
	bool ok = settles(s, s->tree, s->domain, at, n, out);
	for (size_t i = 0; i < n; i++)
		model_bind(s->e->m, out->pods.at[i], from[i]);
	for (size_t i = 0; ok && i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (at[k].pod == out->pods.at[i])
				vec_push(&out->to, at[k].to);
	return ok;
}

/* --- whom to move -------------------------------------------------------------------------------------------------------------- */

/* A unit that may move, and what it costs to clear its node of all such units. */
struct mover { struct unit *u; double node_price; int64_t room; bool helps; };

/* The units on the dearest nodes come first, so that the first way down leaves these alone. */
struct choice {
	struct search *s;
	struct tree *t;
	uint32_t v;
	struct unit *at[MOVES_LOOKED]; size_t n;
	struct unit *taken[MOVES_MOST]; size_t n_taken;
	struct unit *best[MOVES_MOST]; size_t n_best;
	bool bounded, found;                 /* bounded: only what is cheaper than this counts */
	double price; size_t count;
	int steps;
};

static void keep(struct choice *c, double price)
{
	struct moved at[MOVES_MOST] = { { 0 } };
	for (size_t i = 0; i < c->n_taken; i++)
		at[i] = (struct moved){ c->taken[i]->pods[0], NULL, fit_hardness(c->s->e->m, c->taken[i]->pods[0]) };
	if (!c->n_taken || !settles(c->s, c->t, c->v, at, c->n_taken, NULL))
		return;
	memcpy(c->best, c->taken, sizeof(c->best));
	c->n_best = c->count = c->n_taken;
	c->price = price;
	c->bounded = c->found = true;
}

/* Those before number I stay or go, those from there on are out, and the group fits. Depth: MOVES_LOOKED. */
static void consider(struct choice *c, size_t i, double price)
{
	if (c->bounded && (price > c->price || (price >= c->price && c->n_taken >= c->count)))
		return;
	if (i == c->n) {
		keep(c, price);
		return;
	}
	struct unit *u = c->at[i];
	if (c->steps-- <= 0)
		return;
	search_put_back(c->s, u);
	if (search_fits(c->s, c->t, c->v, NULL))
		consider(c, i + 1, price);
	search_take_out(c->s, u);
	if (c->n_taken == c->s->most || !search_charge(c->s, u))
		return;
	c->taken[c->n_taken++] = u;
	consider(c, i + 1, price + u->price);
	c->n_taken--;
	search_refund(c->s, u);
}

static int by_node(const void *a, const void *b)
{
	uint32_t x = ((const struct mover *)a)->u->nodes[0]->index, y = ((const struct mover *)b)->u->nodes[0]->index;
	return x < y ? -1 : x > y;
}

static int helpful_and_cheapest_first(const void *a, const void *b)
{
	const struct mover *x = a, *y = b;
	if (x->helps != y->helps)
		return x->helps ? -1 : 1;
	if (x->node_price < y->node_price || x->node_price > y->node_price)
		return x->node_price < y->node_price ? -1 : 1;
	if (by_node(a, b))
		return by_node(a, b);
	if (x->u->price < y->u->price || x->u->price > y->u->price)
		return x->u->price < y->u->price ? -1 : 1;
	return strcmp(x->u->pods[0]->key, y->u->pods[0]->key);
}

/* How much there is on U's node for pods of the classes that wait. */
static int64_t room_at(const struct choice *c, const struct node *n)
{
	int64_t sum = 0;
	for (size_t i = 0; i < c->s->waiting.n; i++)
		sum += room_below(engine_room(c->s->e, c->t, c->s->waiting.pod[i]), c->t->leaf_of[n->index]);
	return sum;
}

/* May it go, as far as can be said of it alone? Its node must be of use, and there must be room for one like it outside of V. */
static bool worth(struct choice *c, const struct unit *u)
{
	const struct room *r = engine_room(c->s->e, c->t, u->pods[0]);
	return room_below(r, 0) > room_below(r, c->v) && search_lets_in(c->s, u->pods[0]->node);
}

/* Does it matter to pods elsewhere where pods are? Then a node may be of use without having more room. */
static bool is_social(const struct search *s)
{
	bool social = s->e->m->apart.len > 0 || s->waiting.many;
	for (size_t i = 0; !social && i < s->waiting.n; i++)
		social = s->waiting.pod[i]->n_near || s->waiting.pod[i]->n_spreads;
	return social;
}

/* Takes those out that are looked at; the others stay. */
static void collect(struct choice *c, struct unit **here, size_t n)
{
	struct mover *m = xcalloc(n + 1, sizeof(*m));
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		if (worth(c, here[i]))
			m[len++] = (struct mover){ here[i], 0, room_at(c, here[i]->pods[0]->node), is_social(c->s) };
	for (size_t i = 0; i < len; i++)
		search_take_out(c->s, m[i].u);
	if (len)
		qsort(m, len, sizeof(*m), by_node);
	for (size_t i = 0, j; i < len; i = j) {
		double sum = 0;
		bool more = room_at(c, m[i].u->nodes[0]) > m[i].room;
		for (j = i; j < len && by_node(&m[i], &m[j]) == 0; j++)
			sum += m[j].u->price;
		for (size_t k = i; k < j; k++) {
			m[k].node_price = sum;
			m[k].helps = m[k].helps || more;
		}
	}
	if (len)
		qsort(m, len, sizeof(*m), helpful_and_cheapest_first);
	for (size_t i = 0; i < len; i++) {
		if (m[i].helps && i < MOVES_LOOKED)
			c->n++;
		else
			search_put_back(c->s, m[i].u);
	}
	for (size_t i = 0; i < c->n; i++)
		c->at[i] = m[c->n - 1 - i].u;
	free(m);
}

bool moves_choose(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n, const struct victims *so_far)
{
	struct choice c = { .s = s, .t = t, .v = v, .steps = MOVES_STEPS };
	if (so_far) {
		c.bounded = true;
		c.price = so_far->price;
		c.count = so_far->pods.len;
	}
	search_charge_nothing(s);
	collect(&c, here, n);
	if (c.n && search_fits(s, t, v, NULL))
		consider(&c, 0, 0);
	for (size_t i = 0; i < c.n; i++)
		search_put_back(s, c.at[i]);
	for (size_t i = 0; c.found && i < c.n_best; i++)
		search_take_out(s, c.best[i]);
	return c.found;
}

/* --- the search ----------------------------------------------------------------------------------------------------------------- */

size_t moves_under_way(const struct engine *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->m->pods.len; i++) {
		const struct pod *p = e->m->pods.at[i];
		bool new = !p->node_name && !p->assumed && !p->terminating && p->created_ms && engine_now(e) - p->created_ms < MOVES_SETTLE_MS;
		n += p->movable && e->ours(p, e->arg) && (new || (p->node_name && p->terminating));
	}
	return n;
}

bool moves_find(struct engine *e, struct group *g, struct victims *out)
{
	struct search s = { .e = e, .g = g, .what = FOR_MOVES, .priority = INT64_MAX };
	int64_t left = e->rules.moves ? e->rules.moves - (int64_t)moves_under_way(e) : 0;
	bool enough;
	*out = (struct victims){ 0 };
	if (left <= 0 || g->refused || !group_complete(g))
		return false;
	(void)group_turn(g, &s.priority);
	s.most = left < MOVES_MOST ? (size_t)left : MOVES_MOST;
	return search_run(&s, &enough, out);
}
