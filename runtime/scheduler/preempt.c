#include "runtime/scheduler/preempt.h"

#include <stdlib.h>
#include <string.h>

/* What goes together. */
struct unit {
	struct pod **pods; size_t n;         /* a part of the search's list */
	struct node **nodes;                 /* where they were, while they are out */
	int64_t priority;
	double price;
	bool out;
};

struct search {
	struct engine *e;
	struct pod *p;
	struct group *g;
	int64_t priority;
	VEC(struct pod *) pods;              /* of all units, unit by unit */
	struct node **nodes;
	VEC(struct unit) units;              /* cheapest first */
	int64_t *budget_used;
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

/* Could the waiter start below V now? Leaves no trace. */
static bool fits(struct search *s, struct tree *t, uint32_t v)
{
	size_t mark = s->e->done.len;
	bool ok;
	uint32_t leaf;
	s->e->tries = PLACE_TRIES;
	s->e->steps = 0;
	if (s->p)
		ok = engine_best(s->e, t, v, s->p, &leaf);
	else
		ok = engine_place_group(s->e, s->g, t, v);
	engine_rollback(s->e, mark);
	return ok;
}

/* --- units ------------------------------------------------------------------------------------------------------------------ */

static bool budget_allows(struct search *s, struct pod **pods, size_t n)
{
	const struct model *m = s->e->m;
	bool ok = true;
	for (int pass = 0; pass < 2 && ok; pass++) {
		for (size_t b = 0; b < m->budgets.len; b++) {
			const struct budget *k = &m->budgets.at[b];
			int64_t hit = 0;
			for (size_t i = 0; i < n; i++)
				hit += pods[i]->ns == k->ns && selector_matches(m->names, &k->pods, &pods[i]->labels);
			if (pass == 0)
				ok = ok && (hit == 0 || s->budget_used[b] + hit <= k->allowed);
			else
				s->budget_used[b] += hit;
		}
	}
	return ok;
}

static const struct group *topmost(const struct group *g)
{
	while (g->parent)
		g = g->parent;
	return g;
}

static const struct group *root_of(const struct pod *p)
{
	const struct group *g = p->group ? topmost(p->group) : NULL;
	return g && g->together && !g->singly ? g : NULL;
}

static int by_root(const void *a, const void *b)
{
	const struct pod *x = *(struct pod *const *)a, *y = *(struct pod *const *)b;
	const struct group *gx = root_of(x), *gy = root_of(y);
	if (gx != gy)
		return !gx ? -1 : !gy ? 1 : strcmp(gx->key, gy->key) ? strcmp(gx->key, gy->key) : gx < gy ? -1 : 1;
	return strcmp(x->key, y->key);
}

static double price_of(const struct model *m, const struct pod *p)
{
	double slices = 0;
	for (uint32_t i = 0; i < p->uses.n; i++)
		slices += (double)p->uses.at[i].n * (double)device_weight(intern_text(m->names, p->uses.at[i].res));
	int64_t since = p->checkpoint_ms ? p->checkpoint_ms : p->created_ms;
	double lost_s = since && m->newest_ms > since ? (double)(m->newest_ms - since) / 1000 : 0;
	return (slices + 1) * (lost_s + 300);
}

static int cheapest_first(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->price < y->price || x->price > y->price)
		return x->price < y->price ? -1 : 1;
	return strcmp(x->pods[0]->key, y->pods[0]->key);
}

/* A group is a unit only when none of its pods outranks the waiter. */
static void add_unit(struct search *s, size_t from, size_t to, bool ending)
{
	const struct group *own = s->g ? topmost(s->g) : NULL;
	struct unit u = { .pods = &s->pods.at[from], .n = to - from, .nodes = &s->nodes[from], .priority = INT64_MIN };
	for (size_t i = from; i < to; i++) {
		const struct pod *p = s->pods.at[i];
		u.priority = p->priority > u.priority ? p->priority : u.priority;
		u.price += price_of(s->e->m, p);
		if (own && p->group && topmost(p->group) == own)
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
		if (ending || budget_allows(s, s->units.at[i].pods, s->units.at[i].n))
			s->units.at[kept++] = s->units.at[i];
	s->units.len = kept;
}

static void clear_units(struct search *s)
{
	vec_free(&s->pods);
	vec_free(&s->units);
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

/* The shortest run of the cheapest units whose leaving lets the waiter in; they are out afterwards. */
static bool take_enough(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	size_t lo = 0, hi = n;                       /* LO do not suffice, HI do */
	for (size_t i = 0; i < n; i++)
		take_out(s, here[i]);
	if (!fits(s, t, v))
		return false;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		for (size_t i = 0; i < n; i++) {
			if (i < mid)
				take_out(s, here[i]);
			else
				put_back(s, here[i]);
		}
		if (fits(s, t, v))
			hi = mid;
		else
			lo = mid;
	}
	for (size_t i = 0; i < n; i++) {
		if (i < hi)
			take_out(s, here[i]);
		else
			put_back(s, here[i]);
	}
	return true;
}

static void spare_the_dear(struct search *s, struct tree *t, uint32_t v, struct unit **here, size_t n)
{
	int tried = 0;
	for (size_t i = n; i-- > 0 && tried < PREEMPT_SPARED;) {
		if (!here[i]->out)
			continue;
		tried++;
		put_back(s, here[i]);
		if (!fits(s, t, v))
			take_out(s, here[i]);
	}
}

static bool better(const struct victims *a, const struct victims *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->price < b->price || a->price > b->price)
		return a->price < b->price;
	return a->pods.len < b->pods.len;
}

/* Keeps the victims of V in OUT when they are the best so far. */
static bool try_domain(struct search *s, struct tree *t, const struct touch *touches, size_t n, struct victims *out, bool found)
{
	struct unit **here = xcalloc(n, sizeof(struct unit *));
	struct victims now = { .priority = INT64_MIN };
	uint32_t v = touches[0].v;
	for (size_t i = 0; i < n; i++)
		here[i] = touches[i].u;
	bool ok = take_enough(s, t, v, here, n);
	if (ok)
		spare_the_dear(s, t, v, here, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; ok && here[i]->out && k < here[i]->n; k++)
			vec_push(&now.pods, here[i]->pods[k]);
		if (here[i]->out && ok) {
			now.priority = here[i]->priority > now.priority ? here[i]->priority : now.priority;
			now.price += here[i]->price;
		}
		put_back(s, here[i]);
	}
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
	/* Where pods elsewhere matter, every try counts them all. */
	if (s->p && (s->p->n_near || s->p->n_apart || s->p->n_spreads || s->e->m->apart.len))
		tries /= 16;
	if (level == TREE_NONE)
		return false;
	if (s->p)
		add_class(s, &waiting, s->p);
	else
		add_classes(s, &waiting, s->g);
	struct touch *at = find_touches(s, t, level, &n);
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
	return found > 0;
}

bool preempt_find(struct engine *e, struct pod *p, struct group *g, struct victims *out)
{
	struct search s = { .e = e, .p = p, .g = g, .priority = p ? p->priority : INT64_MAX };
	struct tree *t;
	bool never = p ? p->never_preempts : group_turn(g, &s.priority), found = false;
	*out = (struct victims){ 0 };
	if (never || (p && (p->refused || p->n_gates || p->terminating)))
		return false;
	s.budget_used = xcalloc(e->m->budgets.len + 1, sizeof(*s.budget_used));
	level_of(&s, &t);
	find_units(&s, true);
	for (size_t i = 0; i < s.units.len; i++)
		take_out(&s, &s.units.at[i]);
	found = s.units.len && fits(&s, t, 0);
	for (size_t i = 0; i < s.units.len; i++)
		put_back(&s, &s.units.at[i]);
	clear_units(&s);
	if (!found) {
		find_units(&s, false);
		found = look(&s, out);
		clear_units(&s);
	}
	if (out->pods.len)
		qsort(out->pods.at, out->pods.len, sizeof(*out->pods.at), by_key);
	free(s.budget_used);
	return found;
}

void victims_release(struct victims *v)
{
	vec_free(&v->pods);
}
