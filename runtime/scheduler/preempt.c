#include "runtime/scheduler/preempt.h"

#include <stdlib.h>
#include <string.h>

/* N pods that the budget covers. */
struct hit { size_t budget; int64_t n; };

/* What goes together. */
struct unit {
	struct pod **pods; size_t n;         /* a part of the search's list */
	struct node **nodes;                 /* where they were, while they are out */
	size_t hit; size_t n_hits;           /* a part of the search's hits */
	int64_t priority;
	double price;
	bool out, doubtful;
};

struct search {
	struct engine *e;
	struct pod *p;
	struct group *g;
	int64_t priority;
	VEC(struct pod *) pods;              /* of all units, unit by unit */
	struct node **nodes;
	VEC(struct unit) units;              /* cheapest first */
	VEC(struct unit *) extras;           /* pods above the minimum of their group */
	VEC(struct hit) hits;
	int64_t *budget_used;
	bool *goes;                          /* by index of node: something of the waiter would go there */
	int fits_left;
};

/* --- taking out and putting back ------------------------------------------------------------------------------------------- */

static void take_out(struct search *s, struct unit *u)
{
	for (size_t i = 0; !u->out && i < u->n; i++) {
		u->nodes[i] = u->pods[i]->node;
		model_unbind(s->e->m, u->pods[i]);
	}
	u->out = true;
}

static void put_back(struct search *s, struct unit *u)
{
	for (size_t i = 0; u->out && i < u->n; i++)
		model_bind(s->e->m, u->pods[i], u->nodes[i]);
	u->out = false;
}

/* Could the waiter start below V now? Leaves no trace but, where GOES is not NULL, the nodes it would go to. False also when the search has
 * looked often enough. */
static bool fits(struct search *s, struct tree *t, uint32_t v, bool *goes)
{
	size_t mark = s->e->done.len;
	bool ok;
	uint32_t leaf;
	if (s->fits_left-- <= 0)
		return false;
	s->e->tries = PLACE_TRIES;
	s->e->steps = 0;
	if (s->p)
		ok = engine_best(s->e, t, v, s->p, &leaf);
	else
		ok = engine_place_group(s->e, s->g, t, v);
	if (goes && ok && s->p)
		goes[tree_node(t, leaf)->index] = true;
	for (size_t i = mark; goes && i < s->e->done.len; i++)
		goes[s->e->done.at[i]->node->index] = true;
	engine_rollback(s->e, mark);
	return ok;
}

/* --- disruption budgets ------------------------------------------------------------------------------------------------------- */

/* What U costs the budgets. False: more than one has, so U can never go. */
static bool find_hits(struct search *s, struct unit *u)
{
	const struct model *m = s->e->m;
	u->hit = s->hits.len;
	for (size_t b = 0; b < m->budgets.len; b++) {
		const struct budget *k = &m->budgets.at[b];
		struct hit h = { b, 0 };
		for (size_t i = 0; i < u->n; i++)
			h.n += u->pods[i]->ns == k->ns && selector_matches(m->names, &k->pods, &u->pods[i]->labels);
		if (h.n > k->allowed)
			return false;
		if (h.n)
			vec_push(&s->hits, h);
	}
	u->n_hits = s->hits.len - u->hit;
	return true;
}

/* Takes what U costs from the budgets, where all have it. */
static bool charge(struct search *s, const struct unit *u)
{
	const struct hit *h = &s->hits.at[u->hit];
	for (size_t i = 0; i < u->n_hits; i++)
		if (s->budget_used[h[i].budget] + h[i].n > s->e->m->budgets.at[h[i].budget].allowed)
			return false;
	for (size_t i = 0; i < u->n_hits; i++)
		s->budget_used[h[i].budget] += h[i].n;
	return true;
}

static void charge_nothing(struct search *s)
{
	memset(s->budget_used, 0, s->e->m->budgets.len * sizeof(*s->budget_used));
}

static bool all_can_pay(struct search *s, struct unit **here, size_t n)
{
	charge_nothing(s);
	for (size_t i = 0; i < n; i++)
		if (here[i]->out && !charge(s, here[i]))
			return false;
	return true;
}

/* --- units ------------------------------------------------------------------------------------------------------------------ */

/* Whose pods go together; NULL: P goes alone. */
static const struct group *root_of(const struct pod *p)
{
	const struct group *g = p->group ? group_root(p->group) : NULL;
	if (!g || !g->together || (g->singly && (p->extra || !group_is_ours(g))))
		return NULL;
	return g;
}

static int by_root(const void *a, const void *b)
{
	const struct pod *x = *(struct pod *const *)a, *y = *(struct pod *const *)b;
	const struct group *gx = root_of(x), *gy = root_of(y);
	if (gx != gy)
		return !gx ? -1 : !gy ? 1 : strcmp(gx->key, gy->key) ? strcmp(gx->key, gy->key) : gx < gy ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* Devices times seconds: what was computed since the last checkpoint, and the restart. Where nobody tells of checkpoints but how far they are
 * apart, half of that. */
static double price_of(const struct model *m, const struct pod *p)
{
	const struct group *root = p->group ? group_root(p->group) : NULL;
	double slices = 0;
	for (uint32_t i = 0; i < p->uses.n; i++)
		slices += (double)p->uses.at[i].n * (double)device_weight(intern_text(m->names, p->uses.at[i].res));
	int64_t at = root && root->checkpoint_ms > p->checkpoint_ms ? root->checkpoint_ms : p->checkpoint_ms, since = at ? at : p->created_ms;
	int64_t lost = since && m->newest_ms > since ? m->newest_ms - since : 0;
	if (!at && root && root->interval_ms && lost > root->interval_ms / 2)
		lost = root->interval_ms / 2;
	return (slices + 1) * (double)(lost + (root ? root->restart_ms : GANG_RESTART_MS)) / 1000;
}

static int cheapest_first(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->price < y->price || x->price > y->price)
		return x->price < y->price ? -1 : 1;
	/* Of a group the last rank goes first. */
	if (x->pods[0]->extra && y->pods[0]->extra && x->pods[0]->rank != y->pods[0]->rank)
		return x->pods[0]->rank > y->pods[0]->rank ? -1 : 1;
	return strcmp(x->pods[0]->key, y->pods[0]->key);
}

/* A group is a unit only when none of its pods outranks the waiter. */
static void add_unit(struct search *s, size_t from, size_t to, bool ending)
{
	const struct group *own = s->g ? group_root(s->g) : NULL;
	struct unit u = { .pods = &s->pods.at[from], .n = to - from, .nodes = &s->nodes[from], .priority = INT64_MIN };
	for (size_t i = from; i < to; i++) {
		const struct pod *p = s->pods.at[i];
		u.priority = p->priority > u.priority ? p->priority : u.priority;
		u.price += price_of(s->e->m, p);
		if (own && p->group && group_root(p->group) == own)
			return;
	}
	if (ending || u.priority < s->priority)
		vec_push(&s->units, u);
}

/* ENDING: the pods that are being deleted anyhow; else the others. */
static void find_units(struct search *s, bool ending)
{
	const struct model *m = s->e->m;
	size_t kept = 0;
	for (size_t i = 0; i < m->pods.len; i++) {
		struct pod *p = m->pods.at[i];
		if (p->node && !p->assumed && p->terminating == ending)
			vec_push(&s->pods, p);
	}
	if (!s->pods.len)
		return;
	s->nodes = xcalloc(s->pods.len, sizeof(*s->nodes));
	if (!ending)
		qsort(s->pods.at, s->pods.len, sizeof(*s->pods.at), by_root);
	for (size_t i = 0, j; i < s->pods.len; i = j) {
		const struct group *g = ending ? NULL : root_of(s->pods.at[i]);
		for (j = i + 1; g && j < s->pods.len && root_of(s->pods.at[j]) == g;)
			j++;
		add_unit(s, i, j, ending);
	}
	if (s->units.len)
		qsort(s->units.at, s->units.len, sizeof(*s->units.at), cheapest_first);
	for (size_t i = 0; i < s->units.len; i++)
		if (ending || find_hits(s, &s->units.at[i]))
			s->units.at[kept++] = s->units.at[i];
	s->units.len = kept;
}

static void clear_units(struct search *s)
{
	vec_free(&s->pods);
	vec_free(&s->units);
	vec_free(&s->hits);
	free(s->nodes);
	s->nodes = NULL;
}

/* --- one domain --------------------------------------------------------------------------------------------------------------- */

/* Unit U has a pod below V. Sorted, the pairs of a domain lie side by side, the cheapest unit first. */
struct touch { uint32_t v; struct unit *u; };

static int by_domain(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;
	if (x->v != y->v)
		return x->v < y->v ? -1 : 1;
	return x->u < y->u ? -1 : x->u > y->u;
}

static struct touch *find_touches(struct search *s, const struct tree *t, int level, size_t *n)
{
	struct touch *at = xcalloc(s->pods.len + 1, sizeof(*at));
	size_t kept = 0;
	*n = 0;
	for (size_t i = 0; i < s->units.len; i++)
		for (size_t k = 0; k < s->units.at[i].n; k++)
			at[(*n)++] = (struct touch){ tree_up(t, t->leaf_of[s->units.at[i].pods[k]->node->index], level), &s->units.at[i] };
	if (*n)
		qsort(at, *n, sizeof(*at), by_domain);
	for (size_t i = 0; i < *n; i++)
		if (!kept || by_domain(&at[kept - 1], &at[i]) != 0)
			at[kept++] = at[i];
	*n = kept;
	return at;
}

/* The first M of HERE are out, the others are not. */
static void take_first(struct search *s, struct unit **here, size_t n, size_t m)
{
	for (size_t i = 0; i < n; i++) {
		if (i < m)
			take_out(s, here[i]);
		else
			put_back(s, here[i]);
	}
}

/* The shortest run of the cheapest units whose leaving lets the waiter in; they are out afterwards. */
static bool take_enough(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	size_t lo = 0, hi = n;                       /* LO do not suffice, HI do */
	take_first(s, here, n, n);
	if (!fits(s, t, v, NULL))
		return false;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		take_first(s, here, n, mid);
		if (fits(s, t, v, NULL))
			hi = mid;
		else
			lo = mid;
	}
	take_first(s, here, n, hi);
	return true;
}

/* Whoever has nothing where the waiter would go stays, unless (by affinity, say) it stood in the way from afar. */
static void spare_the_distant(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	memset(s->goes, 0, s->e->m->nodes.len * sizeof(*s->goes));
	if (!fits(s, t, v, s->goes))
		return;
	for (size_t i = 0; i < n; i++) {
		here[i]->doubtful = here[i]->out;
		for (size_t k = 0; here[i]->doubtful && k < here[i]->n; k++)
			here[i]->doubtful = !s->goes[here[i]->nodes[k]->index];
		if (here[i]->doubtful)
			put_back(s, here[i]);
	}
	if (fits(s, t, v, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (here[i]->doubtful)
			take_out(s, here[i]);
}

/* Of those that are out, the dearest first, all stay without which it fits too: halves at once where that goes. */
static void spare_the_dear(struct search *s, struct tree *t, uint32_t v, struct unit **out, size_t n, int *tries)
{
	if (!n || (*tries)-- <= 0)
		return;
	take_first(s, out, n, 0);
	if (fits(s, t, v, NULL))
		return;
	take_first(s, out, n, n);
	if (n == 1)
		return;
	spare_the_dear(s, t, v, out + n / 2, n - n / 2, tries);
	spare_the_dear(s, t, v, out, n / 2, tries);
}

/* The victims among HERE are out afterwards, and the budgets have what they cost. */
static bool choose(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	struct unit **out = xcalloc(n + 1, sizeof(struct unit *));
	int tries = PREEMPT_SPARED;
	size_t k = 0;
	bool ok = n && take_enough(s, t, v, here, n);
	if (ok)
		spare_the_distant(s, t, v, here, n);
	for (size_t i = 0; ok && i < n; i++)
		if (here[i]->out)
			out[k++] = here[i];
	spare_the_dear(s, t, v, out, k, &tries);
	free(out);
	return ok && all_can_pay(s, here, n);
}

static bool better(const struct victims *a, const struct victims *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->price < b->price || a->price > b->price)
		return a->price < b->price;
	return a->pods.len < b->pods.len;
}

/* The units of HERE that are out, as victims; nobody: priority is INT64_MIN. */
static void add_up(struct unit **here, size_t n, struct victims *sum)
{
	sum->priority = INT64_MIN;
	sum->price = 0;
	sum->pods.len = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; here[i]->out && k < here[i]->n; k++)
			vec_push(&sum->pods, here[i]->pods[k]);
		if (here[i]->out) {
			sum->priority = here[i]->priority > sum->priority ? here[i]->priority : sum->priority;
			sum->price += here[i]->price;
		}
	}
}

static void take_set(struct search *s, struct unit **here, size_t n, uint32_t set)
{
	for (size_t i = 0; i < n; i++) {
		if (set & 1u << i)
			take_out(s, here[i]);
		else
			put_back(s, here[i]);
	}
}

/* Few units: every set of them that costs less than the best so far. */
static bool choose_exactly(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	struct victims now = { 0 }, best = { 0 };
	uint32_t found = 0;
	for (uint32_t set = 1; set < 1u << n; set++) {
		take_set(s, here, n, set);
		add_up(here, n, &now);
		if ((found && !better(&now, &best)) || !all_can_pay(s, here, n) || !fits(s, t, v, NULL))
			continue;
		found = set;
		add_up(here, n, &best);
	}
	take_set(s, here, n, found);
	vec_free(&now.pods);
	vec_free(&best.pods);
	return found != 0;
}

/* Of a few units every set is tried; of a few more where the budgets do not let all go together. Else among as many of the cheapest as they let go,
 * and if these do not do, among all, those that no budget covers before the others. */
static bool choose_within_budgets(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	struct unit **some = xcalloc(n + 1, sizeof(struct unit *));
	size_t k = 0;
	charge_nothing(s);
	for (size_t i = 0; i < n; i++)
		if (charge(s, here[i]))
			some[k++] = here[i];
	bool exactly = n <= PREEMPT_FEW || (k < n && n <= PREEMPT_SOME);
	bool ok = exactly ? choose_exactly(s, t, v, here, n) : choose(s, t, v, some, k);
	if (!ok && !exactly && k < n) {
		take_first(s, here, n, 0);
		k = 0;
		for (size_t i = 0; i < 2 * n; i++)
			if ((here[i % n]->n_hits > 0) == (i >= n))
				some[k++] = here[i % n];
		ok = choose(s, t, v, some, n);
	}
	free(some);
	return ok;
}

static bool among(struct unit *const *at, size_t n, const struct unit *u)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] == u)
			return true;
	return false;
}

/* Where the minimum of a group goes, those above it have nothing to do any more. AT, of N units, gets those that are elsewhere; returns how many it
 * holds then. */
static size_t take_along(struct search *s, struct unit **at, size_t n)
{
	size_t more = n;
	for (size_t i = 0; s->extras.len && i < n; i++) {
		const struct group *root = at[i]->out ? root_of(at[i]->pods[0]) : NULL;
		for (size_t k = 0; root && root->singly && k < s->extras.len; k++) {
			struct unit *u = s->extras.at[k];
			if (group_root(u->pods[0]->group) != root || u->out)
				continue;
			take_out(s, u);
			if (!among(at, n, u))
				at[more++] = u;
		}
	}
	return more;
}

/* Keeps the victims of V in OUT when they are the best so far. */
static bool try_domain(struct search *s, struct tree *t, const struct touch *touches, size_t n, struct victims *out, bool found)
{
	struct unit **here = xcalloc(n + s->extras.len, sizeof(struct unit *));
	struct victims now = { 0 };
	uint32_t v = touches[0].v;
	for (size_t i = 0; i < n; i++)
		here[i] = touches[i].u;
	bool ok = choose_within_budgets(s, t, v, here, n);
	if (ok)
		n = take_along(s, here, n);
	add_up(here, n, &now);
	take_first(s, here, n, 0);
	free(here);
	if (!ok || (found && !better(&now, out))) {
		vec_free(&now.pods);
		return ok;
	}
	tree_name(t, v, now.where, sizeof(now.where));
	vec_free(&out->pods);
	*out = now;
	return true;
}

/* --- the search ---------------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct pod *const *)a)->key, (*(struct pod *const *)b)->key);
}

static int level_of(struct search *s, struct tree **t)
{
	*t = s->e->trees.at[0];
	if (s->p)
		return (*t)->n_levels + 1;
	if (!s->g->required)
		return 0;
	*t = engine_tree(s->e, s->g->required);
	return tree_level(*t, s->g->required);
}

/* One filter for each class that waits; MANY: too many to look. */
struct classes { struct filter *f[8]; sym key[8]; size_t n; bool many; };

static void add_class(struct search *s, struct classes *c, const struct pod *p)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->key[i] == p->class_key)
			return;
	c->many = c->many || c->n == ARRAY_LEN(c->f);
	if (c->many)
		return;
	c->key[c->n] = p->class_key;
	c->f[c->n++] = filter_open(s->e->m, p);
}

static void add_classes(struct search *s, struct classes *c, const struct group *g)
{
	for (size_t i = 0; i < g->children.len; i++)
		add_classes(s, c, g->children.at[i]);
	for (size_t i = 0; i < g->waiting.len; i++)
		add_class(s, c, g->waiting.at[i]);
}

/* Is there a node below V that lets some class in by what the node is? Where there is none, nobody's going helps. */
static bool lets_in(const struct classes *c, const struct tree *t, uint32_t v)
{
	uint32_t from, to;
	bool open = c->many;
	tree_span(t, v, t->n_levels + 1, &from, &to);
	for (uint32_t l = from; !open && l < to; l++)
		for (size_t i = 0; !open && i < c->n; i++)
			open = !filter_node_static(c->f[i], tree_node(t, l));
	return open;
}

static bool look(struct search *s, struct victims *out)
{
	struct classes waiting = { .n = 0 };
	struct tree *t;
	int level = level_of(s, &t), found = 0, tries = PREEMPT_TRIES;
	size_t n;
	s->fits_left = PREEMPT_FITS;
	/* Where pods elsewhere matter, every try counts them all. */
	if (s->p && (s->p->n_near || s->p->n_apart || s->p->n_spreads || s->e->m->apart.len)) {
		tries /= 16;
		s->fits_left /= 16;
	}
	if (level == TREE_NONE)
		return false;
	if (s->p)
		add_class(s, &waiting, s->p);
	else
		add_classes(s, &waiting, s->g);
	struct touch *at = find_touches(s, t, level, &n);
	for (size_t i = 0; i < s->units.len; i++)
		if (s->units.at[i].pods[0]->extra)
			vec_push(&s->extras, &s->units.at[i]);
	for (size_t i = 0, j; i < n && found < PREEMPT_FOUND && tries > 0; i = j) {
		for (j = i + 1; j < n && at[j].v == at[i].v;)
			j++;
		if (!t->v[at[i].v].domain || !lets_in(&waiting, t, at[i].v))
			continue;
		found += try_domain(s, t, &at[i], j - i, out, found > 0);
		tries--;
	}
	for (size_t i = 0; i < waiting.n; i++)
		filter_close(waiting.f[i]);
	free(at);
	vec_free(&s->extras);
	return found > 0;
}

bool preempt_find(struct engine *e, struct pod *p, struct group *g, struct victims *out)
{
	struct search s = { .e = e, .p = p, .g = g, .priority = p ? p->priority : INT64_MAX, .fits_left = 1 };
	bool never = p ? p->never_preempts : group_turn(g, &s.priority), found = false;
	*out = (struct victims){ 0 };
	if (never || (p && (p->refused || p->n_gates || p->terminating)))
		return false;
	/* Who is on its way out anyhow counts as gone. */
	struct search ending = { .e = e, .p = p, .g = g, .priority = s.priority, .fits_left = 1 };
	find_units(&ending, true);
	for (size_t i = 0; i < ending.units.len; i++)
		take_out(&ending, &ending.units.at[i]);
	found = ending.units.len && fits(&ending, e->trees.at[0], 0, NULL);
	if (!found) {
		s.budget_used = xcalloc(e->m->budgets.len + 1, sizeof(*s.budget_used));
		s.goes = xcalloc(e->m->nodes.len + 1, sizeof(*s.goes));
		find_units(&s, false);
		found = look(&s, out);
		clear_units(&s);
		free(s.budget_used);
		free(s.goes);
	}
	for (size_t i = 0; i < ending.units.len; i++)
		put_back(&ending, &ending.units.at[i]);
	clear_units(&ending);
	if (out->pods.len)
		qsort(out->pods.at, out->pods.len, sizeof(*out->pods.at), by_key);
	return found;
}

void victims_release(struct victims *v)
{
	vec_free(&v->pods);
}
