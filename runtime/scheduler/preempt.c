#include "runtime/scheduler/preempt_internal.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/scheduler/moves.h"

/* --- taking out and putting back ------------------------------------------------------------------------------------------- */

void search_take_out(struct search *s, struct unit *u)
{
	for (size_t i = 0; !u->out && i < u->n; i++) {
		u->nodes[i] = u->pods[i]->node;
		model_unbind(s->e->m, u->pods[i]);
	}
	u->out = true;
}

void search_put_back(struct search *s, struct unit *u)
{
	for (size_t i = 0; u->out && i < u->n; i++)
		model_bind(s->e->m, u->pods[i], u->nodes[i]);
	u->out = false;
}

bool search_fits(struct search *s, struct tree *t, uint32_t v, bool *goes)
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

static bool covers(const struct model *m, const struct budget *k, const struct pod *p)
{
	return p->ns == k->ns && selector_matches(m->names, &k->pods, &p->labels);
}

/* The eviction API refuses a pod that two budgets cover, whatever they have to give. */
static bool is_covered_twice(const struct model *m, const struct pod *p)
{
	int n = 0;
	for (size_t b = 0; n < 2 && b < m->budgets.len; b++)
		n += covers(m, &m->budgets.at[b], p);
	return n == 2;
}

/* What U costs the budgets. False: U can never go. */
static bool find_hits(struct search *s, struct unit *u)
{
	const struct model *m = s->e->m;
	for (size_t i = 0; i < u->n; i++)
		if (is_covered_twice(m, u->pods[i]))
			return false;
	u->hit = s->hits.len;
	for (size_t b = 0; b < m->budgets.len; b++) {
		const struct budget *k = &m->budgets.at[b];
		struct hit h = { b, 0 };
		for (size_t i = 0; i < u->n; i++)
			h.n += covers(m, k, u->pods[i]);
		if (h.n > k->allowed)
			return false;
		if (h.n)
			vec_push(&s->hits, h);
	}
	u->n_hits = s->hits.len - u->hit;
	return true;
}

bool search_charge(struct search *s, const struct unit *u)
{
	for (size_t i = u->hit; i < u->hit + u->n_hits; i++) {
		const struct hit *h = &s->hits.at[i];
		if (s->budget_used[h->budget] + h->n > s->e->m->budgets.at[h->budget].allowed)
			return false;
	}
	for (size_t i = u->hit; i < u->hit + u->n_hits; i++)
		s->budget_used[s->hits.at[i].budget] += s->hits.at[i].n;
	return true;
}

void search_refund(struct search *s, const struct unit *u)
{
	for (size_t i = u->hit; i < u->hit + u->n_hits; i++)
		s->budget_used[s->hits.at[i].budget] -= s->hits.at[i].n;
}

void search_charge_nothing(struct search *s)
{
	memset(s->budget_used, 0, s->e->m->budgets.len * sizeof(*s->budget_used));
}

static bool all_can_pay(struct search *s, struct unit **here, size_t n)
{
	search_charge_nothing(s);
	for (size_t i = 0; i < n; i++)
		if (here[i]->out && !search_charge(s, here[i]))
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
static void add_unit(struct search *s, size_t from, size_t to)
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
	if (s->what == FOR_VICTIMS && u.priority >= s->priority)
		return;
	u.priority = s->what == FOR_MOVES ? 0 : u.priority;
	vec_push(&s->units, u);
}

/* It is there in earnest: neither decided in this run, nor is its room only kept for it. */
static bool concerned(const struct search *s, const struct pod *p)
{
	if (!p->node || !p->node_name || p->assumed || p->terminating != (s->what == FOR_ENDING))
		return false;
	return s->what != FOR_MOVES || (p->movable && !p->refused && p->priority <= s->priority && s->e->ours(p, s->e->arg));
}

static void find_units(struct search *s)
{
	const struct model *m = s->e->m;
	bool ending = s->what == FOR_ENDING;
	size_t kept = 0;
	for (size_t i = 0; i < m->pods.len; i++)
		if (concerned(s, m->pods.at[i]))
			vec_push(&s->pods, m->pods.at[i]);
	if (!s->pods.len)
		return;
	s->nodes = xcalloc(s->pods.len, sizeof(*s->nodes));
	if (!ending)
		qsort(s->pods.at, s->pods.len, sizeof(*s->pods.at), by_root);
	for (size_t i = 0, j; i < s->pods.len; i = j) {
		const struct group *g = ending ? NULL : root_of(s->pods.at[i]);
		for (j = i + 1; g && j < s->pods.len && root_of(s->pods.at[j]) == g;)
			j++;
		add_unit(s, i, j);
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
			search_take_out(s, here[i]);
		else
			search_put_back(s, here[i]);
	}
}

/* The shortest run of the cheapest units whose leaving lets the waiter in; they are out afterwards. */
static bool take_enough(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	size_t lo = 0, hi = n;                       /* LO do not suffice, HI do */
	take_first(s, here, n, n);
	if (!search_fits(s, t, v, NULL))
		return false;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		take_first(s, here, n, mid);
		if (search_fits(s, t, v, NULL))
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
	if (!search_fits(s, t, v, s->goes))
		return;
	for (size_t i = 0; i < n; i++) {
		here[i]->doubtful = here[i]->out;
		for (size_t k = 0; here[i]->doubtful && k < here[i]->n; k++)
			here[i]->doubtful = !s->goes[here[i]->nodes[k]->index];
		if (here[i]->doubtful)
			search_put_back(s, here[i]);
	}
	if (search_fits(s, t, v, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (here[i]->doubtful)
			search_take_out(s, here[i]);
}

/* Of those that are out, the dearest first, all stay without which it fits too: halves at once where that goes. */
static void spare_the_dear(struct search *s, struct tree *t, uint32_t v, struct unit **out, size_t n, int *tries)
{
	if (!n || (*tries)-- <= 0)
		return;
	take_first(s, out, n, 0);
	if (search_fits(s, t, v, NULL))
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
			search_take_out(s, here[i]);
		else
			search_put_back(s, here[i]);
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
		if ((found && !better(&now, &best)) || !all_can_pay(s, here, n) || !search_fits(s, t, v, NULL))
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
	search_charge_nothing(s);
	for (size_t i = 0; i < n; i++)
		if (search_charge(s, here[i]))
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
			search_take_out(s, u);
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
	bool ok = s->what == FOR_MOVES ? moves_choose(s, t, v, here, n, found ? out : NULL) : choose_within_budgets(s, t, v, here, n);
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
	s->tree = t;
	s->domain = v;
	return true;
}

/* --- the search ---------------------------------------------------------------------------------------------------------------- */

static int level_of(struct search *s, struct tree **t)
{
	*t = s->e->trees.at[0];
	if (s->p)
		return (*t)->n_levels + 1;
	if (s->what == FOR_MOVES)
		return engine_level(s->e, s->g, t);
	if (!s->g->required)
		return 0;
	*t = engine_tree(s->e, s->g->required);
	return tree_level(*t, s->g->required);
}

static void add_class(struct search *s, struct classes *c, struct pod *p)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->pod[i]->class_key == p->class_key)
			return;
	c->many = c->many || c->n == ARRAY_LEN(c->f);
	if (c->many)
		return;
	c->pod[c->n] = p;
	c->f[c->n++] = filter_open(s->e->m, p);
}

static void add_classes(struct search *s, struct classes *c, const struct group *g)
{
	for (size_t i = 0; i < g->children.len; i++)
		add_classes(s, c, g->children.at[i]);
	for (size_t i = 0; i < g->waiting.len; i++)
		add_class(s, c, g->waiting.at[i]);
}

bool search_lets_in(const struct search *s, const struct node *n)
{
	bool open = s->waiting.many;
	for (size_t i = 0; !open && i < s->waiting.n; i++)
		open = !filter_node_static(s->waiting.f[i], n);
	return open;
}

static bool lets_in(const struct search *s, const struct tree *t, uint32_t v)
{
	uint32_t from, to;
	tree_span(t, v, t->n_levels + 1, &from, &to);
	for (uint32_t l = from; l < to; l++)
		if (search_lets_in(s, tree_node(t, l)))
			return true;
	return s->waiting.many;
}

static bool look(struct search *s, struct victims *out)
{
	struct tree *t;
	int level = level_of(s, &t), found = 0, tries = PREEMPT_TRIES;
	size_t n;
	s->fits_left = s->what == FOR_MOVES ? MOVES_FITS : PREEMPT_FITS;
	/* Where pods elsewhere matter, every try counts them all. */
	if (s->p && (s->p->n_near || s->p->n_apart || s->p->n_spreads || s->e->m->apart.len)) {
		tries /= 16;
		s->fits_left /= 16;
	}
	if (level == TREE_NONE || (s->what == FOR_MOVES && (!level || search_fits(s, s->e->trees.at[0], 0, NULL))))
		return false;
	if (s->p)
		add_class(s, &s->waiting, s->p);
	else
		add_classes(s, &s->waiting, s->g);
	struct touch *at = find_touches(s, t, level, &n);
	for (size_t i = 0; i < s->units.len; i++)
		if (s->units.at[i].pods[0]->extra)
			vec_push(&s->extras, &s->units.at[i]);
	for (size_t i = 0, j; i < n && found < PREEMPT_FOUND && tries > 0; i = j) {
		for (j = i + 1; j < n && at[j].v == at[i].v;)
			j++;
		if (!t->v[at[i].v].domain || !lets_in(s, t, at[i].v))
			continue;
		found += try_domain(s, t, &at[i], j - i, out, found > 0);
		tries--;
		/* Each kind of pod that may be moved has one. */
		engine_trim(s->e, ENGINE_ROOMS);
	}
	for (size_t i = 0; i < s->waiting.n; i++)
		filter_close(s->waiting.f[i]);
	s->waiting.n = 0;
	free(at);
	vec_free(&s->extras);
	return found > 0;
}

/* Who is on its way out anyhow counts as gone until the end. True: that is enough for the waiter. */
static bool begin(struct search *ending, struct engine *e, struct pod *p, struct group *g)
{
	*ending = (struct search){ .e = e, .p = p, .g = g, .what = FOR_ENDING, .fits_left = 1 };
	find_units(ending);
	for (size_t i = 0; i < ending->units.len; i++)
		search_take_out(ending, &ending->units.at[i]);
	return ending->units.len && search_fits(ending, e->trees.at[0], 0, NULL);
}

static void end(struct search *ending)
{
	for (size_t i = 0; i < ending->units.len; i++)
		search_put_back(ending, &ending->units.at[i]);
	clear_units(ending);
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct pod *const *)a)->key, (*(struct pod *const *)b)->key);
}

bool search_run(struct search *s, bool *enough, struct victims *out)
{
	bool found = false;
	s->ending = xcalloc(1, sizeof(*s->ending));
	*enough = begin(s->ending, s->e, s->p, s->g);
	if (!*enough) {
		s->budget_used = xcalloc(s->e->m->budgets.len + 1, sizeof(*s->budget_used));
		s->goes = xcalloc(s->e->m->nodes.len + 1, sizeof(*s->goes));
		find_units(s);
		found = look(s, out);
		if (out->pods.len)
			qsort(out->pods.at, out->pods.len, sizeof(*out->pods.at), by_key);
		if (found && s->what == FOR_MOVES && !moves_settle(s, out)) {
			victims_release(out);
			*out = (struct victims){ 0 };
			found = false;
		}
		clear_units(s);
		free(s->budget_used);
		free(s->goes);
	}
	end(s->ending);
	free(s->ending);
	s->ending = NULL;
	return found;
}

bool preempt_ending_suffices(struct engine *e, struct pod *p, struct group *g)
{
	struct search ending;
	bool enough = begin(&ending, e, p, g);
	end(&ending);
	return enough;
}

bool preempt_find(struct engine *e, struct pod *p, struct group *g, struct victims *out)
{
	struct search s = { .e = e, .p = p, .g = g, .what = FOR_VICTIMS, .priority = p ? p->priority : INT64_MAX };
	bool never = p ? p->never_preempts : group_turn(g, &s.priority), enough;
	*out = (struct victims){ 0 };
	if (never || (p && (p->refused || p->n_gates || p->terminating)))
		return false;
	return search_run(&s, &enough, out) || enough;
}

void victims_release(struct victims *v)
{
	vec_free(&v->pods);
	vec_free(&v->to);
	vec_free(&v->held);
}
