#include <stdlib.h>
#include <string.h>

#include "runtime/scheduler/place_internal.h"
#include "runtime/scheduler/split.h"

/* --- room in slices ------------------------------------------------------------------------------------------------------ */

static int slice_level(const struct tree *t, const struct group *g, int k)
{
	int level = k < g->n_slices ? tree_level(t, g->slices[k].level) : t->n_levels + 1;
	return level == TREE_NONE ? 0 : level;
}

int64_t fit_units(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, const struct room *r)
{
	if (k >= g->n_slices)
		return spread_room(e, t, v, r);
	int level = slice_level(t, g, k);
	if (t->v[v].level < level) {
		int64_t sum = 0;
		for (uint32_t c = 0; c < t->v[v].n_children; c++)
			if (room_below(r, t->v[v].child + c) > 0)
				sum += fit_units(e, t, t->v[v].child + c, g, k, r);
		return sum;
	}
	if (!t->v[v].domain)
		return 0;
	int64_t size = g->slices[k].size, inner = k + 1 < g->n_slices ? g->slices[k + 1].size : 1;
	if (k + 1 < g->n_slices && size % inner)
		return room_below(r, v) / size;
	return fit_units(e, t, v, g, k + 1, r) * inner / size;
}

/* --- pods that are alike --------------------------------------------------------------------------------------------------- */

struct share { uint32_t v; int64_t n; };
struct shares { struct share *at; size_t len, cap; };

/* Spreads N units of slice K over the domains of its level (leaves where there is none) below V. */
static bool spread_units(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, const struct room *r, int64_t n, struct shares *out)
{
	if (n == 0)
		return true;
	if (e->spread_of && k >= g->n_slices && spread_left(e, t, v) < n)
		return false;
	if (t->v[v].level >= slice_level(t, g, k)) {
		/* V may be where it all began, and pods of another class have come to it since it was looked at. */
		vec_push(out, (struct share){ v, n });
		return fit_units(e, t, v, g, k, r) >= n;
	}
	size_t children = t->v[v].n_children;
	autofree int64_t *cap = xcalloc(children + 1, sizeof(*cap));
	autofree int64_t *share = xcalloc(children + 1, sizeof(*share));
	for (size_t c = 0; c < children; c++)
		cap[c] = fit_units(e, t, t->v[v].child + (uint32_t)c, g, k, r);
	bool ok = split(cap, children, n, share);
	for (size_t c = 0; ok && c < children; c++)
		ok = spread_units(e, t, t->v[v].child + (uint32_t)c, g, k, r, share[c], out);
	return ok;
}

static bool put_on_leaves(struct engine *e, struct tree *t, uint32_t v, const struct group *g, struct pod **pods, size_t n)
{
	struct shares shares = { 0 };
	bool ok = spread_units(e, t, v, g, g->n_slices, engine_room(e, t, pods[0]), (int64_t)n, &shares);
	size_t next = 0;
	for (size_t i = 0; ok && i < shares.len; i++)
		for (int64_t c = 0; c < shares.at[i].n; c++)
			engine_assume(e, pods[next++], tree_node(t, shares.at[i].v));
	vec_free(&shares);
	return ok;
}

/* The smallest domain of the slice's level below V that holds the last, shorter slice. */
static bool put_remainder(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, struct pod **pods, size_t n)
{
	int level = slice_level(t, g, k);
	uint32_t from, to, best = UINT32_MAX;
	if (n == 0)
		return true;
	if (t->v[v].level >= level)
		return fit_pods(e, t, v, g, k + 1, pods, n);
	const struct room *r = engine_room(e, t, pods[0]);
	tree_span(t, v, level, &from, &to);
	for (uint32_t d = from; d < to; d++)
		if (t->v[d].domain && room_below(r, d) >= (int64_t)n && (best == UINT32_MAX || room_below(r, d) < room_below(r, best)))
			best = d;
	return best != UINT32_MAX && fit_pods(e, t, best, g, k + 1, pods, n);
}

static bool put_slices(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, struct pod **pods, size_t n)
{
	int64_t size = g->slices[k].size, whole = (int64_t)n / size;
	struct shares shares = { 0 };
	bool ok = spread_units(e, t, v, g, k, engine_room(e, t, pods[0]), whole, &shares);
	size_t next = 0;
	for (size_t i = 0; ok && i < shares.len; i++) {
		for (int64_t c = 0; ok && c < shares.at[i].n; c++) {
			ok = fit_pods(e, t, shares.at[i].v, g, k + 1, pods + next, (size_t)size);
			next += (size_t)size;
		}
	}
	vec_free(&shares);
	return ok && put_remainder(e, t, v, g, k, pods + next, n - next);
}

/* --- pods that differ ---------------------------------------------------------------------------------------------------------- */

/* The largest share of any node's resource that P asks for comes first: those fit in the fewest ways. */
int64_t fit_hardness(const struct model *m, const struct pod *p)
{
	int64_t devices = 0, cpu = 0;
	for (uint32_t i = 0; i < p->wants.n; i++) {
		const struct amount *a = &p->wants.at[i];
		if (a->res == m->k.cpu)
			cpu = a->n;
		else if (strchr(intern_text(m->names, a->res), '/'))
			devices += a->n < 1000000 ? a->n : 1000000;
	}
	return devices * 1000000000 + (cpu < 999999999 ? cpu : 999999999);
}

/* CLASS: where the first of its class stands, so that the order does not hang on numbers of names. */
struct item { struct pod *p; int64_t hard; size_t class, at; };

static int hardest_first(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if (x->hard != y->hard)
		return x->hard > y->hard ? -1 : 1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

enum { SEARCH_PODS = 128, SEARCH_STEPS = 500 };

/* A run of pods of one class: exactly, or one by one where pods elsewhere matter. */
static bool put_run(struct engine *e, struct tree *t, uint32_t v, const struct group *plain, struct pod **pods, size_t n)
{
	if (fit_alike(e, pods, n))
		return put_on_leaves(e, t, v, plain, pods, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t leaf;
		if (!engine_best(e, t, v, pods[i], &leaf))
			return false;
		engine_assume(e, pods[i], tree_node(t, leaf));
	}
	return true;
}

/* PODS, the hardest first and those of one class together. */
static struct pod **hard_order(struct engine *e, struct pod **pods, size_t n)
{
	autofree struct item *items = xcalloc(n, sizeof(*items));
	struct pod **sorted = xcalloc(n, sizeof(struct pod *));
	struct map *first = map_new();
	for (size_t i = 0; i < n; i++) {
		if (!map_get(first, pods[i]->class_key))
			map_put(first, pods[i]->class_key, (void *)(i + 1));
		items[i] = (struct item){ pods[i], fit_hardness(e->m, pods[i]), (size_t)map_get(first, pods[i]->class_key), i };
	}
	map_free(first);
	qsort(items, n, sizeof(*items), hardest_first);
	for (size_t i = 0; i < n; i++)
		sorted[i] = items[i].p;
	return sorted;
}

/* The first pod behind I that is of another class. */
static size_t run_end(struct pod **sorted, size_t n, size_t i)
{
	size_t j = i + 1;
	while (j < n && sorted[j]->class_key == sorted[i]->class_key)
		j++;
	return j;
}

static bool put_hardest_first(struct engine *e, struct tree *t, uint32_t v, struct pod **sorted, size_t n)
{
	static const struct group plain = { 0 };
	size_t mark = e->done.len;
	bool ok = true;
	for (size_t i = 0, j; ok && i < n; i = j) {
		j = run_end(sorted, n, i);
		ok = put_run(e, t, v, &plain, sorted + i, j - i);
	}
	if (!ok)
		engine_rollback(e, mark);
	return ok;
}

/* --- every way to put pods that differ, where the first way fails ---------------------------------------------------------------- */

struct search { struct engine *e; struct tree *t; uint32_t v; struct pod **pods; size_t n; int steps; };

static bool each_class_fits(const struct search *s, size_t from)
{
	for (size_t i = from, j; i < s->n; i = j) {
		j = run_end(s->pods, s->n, i);
		if (room_below(engine_room(s->e, s->t, s->pods[i]), s->v) < (int64_t)(j - i))
			return false;
	}
	return true;
}

/* Would the pods from FROM on find the same on leaf A as on B? Where only what is free matters, what fails on one fails on the other. */
static bool same_to_all(const struct search *s, size_t from, uint32_t a, uint32_t b)
{
	const struct node *x = tree_node(s->t, a), *y = tree_node(s->t, b);
	if (x->has.n != y->has.n || x->max_pods - (int64_t)x->pods.len != y->max_pods - (int64_t)y->pods.len)
		return false;
	for (uint32_t i = 0; i < x->has.n; i++)
		if (x->has.at[i].res != y->has.at[i].res || node_free_at(x, i) != node_free_at(y, i))
			return false;
	for (size_t i = from, j; i < s->n; i = j) {
		const struct room *r = engine_room(s->e, s->t, s->pods[i]);
		j = run_end(s->pods, s->n, i);
		if (s->pods[i]->n_ports || s->pods[i]->n_disks || room_below(r, a) != room_below(r, b))
			return false;
	}
	return true;
}

/* The pods from number I on; pods of one class take leaves in order, from AFTER. Depth: one a pod, at most SEARCH_PODS. */
static bool search(struct search *s, size_t i, uint32_t after)
{
	size_t mark = s->e->done.len;
	uint32_t from, to;
	bool ok = false;
	if (i == s->n)
		return true;
	if (!each_class_fits(s, i))
		return false;
	struct pod *p = s->pods[i];
	struct filter *f = filter_open(s->e->m, p);
	bool dynamic = filter_is_dynamic(f);
	VEC(uint32_t) failed = { 0 };
	tree_span(s->t, s->v, s->t->n_levels + 1, &from, &to);
	if (i && s->pods[i - 1]->class_key == p->class_key && after > from)
		from = after;
	for (uint32_t l = from; !ok && l < to && s->steps > 0; l++) {
		bool known = room_below(engine_room(s->e, s->t, p), l) <= 0 || (dynamic && filter_node_between(f, tree_node(s->t, l)));
		known = known || (s->e->spread_of && spread_left(s->e, s->t, l) <= 0);
		for (size_t k = 0; !known && !dynamic && !s->e->spread_of && k < failed.len; k++)
			known = same_to_all(s, i, failed.at[k], l);
		if (known)
			continue;
		s->steps--;
		engine_assume(s->e, p, tree_node(s->t, l));
		ok = search(s, i + 1, l);
		if (!ok) {
			engine_rollback(s->e, mark);
			vec_push(&failed, l);
		}
	}
	vec_free(&failed);
	filter_close(f);
	return ok;
}

static bool put_mixed(struct engine *e, struct tree *t, uint32_t v, struct pod **pods, size_t n)
{
	autofree struct pod **sorted = hard_order(e, pods, n);
	if (put_hardest_first(e, t, v, sorted, n))
		return true;
	struct search s = { e, t, v, sorted, n, n > SEARCH_PODS ? 0 : e->steps < SEARCH_STEPS ? e->steps : SEARCH_STEPS };
	int before = s.steps;
	bool ok = before > 0 && search(&s, 0, 0);
	e->steps -= before - s.steps;
	if (!ok && s.steps <= 0)
		e->tired = true;
	return ok;
}

/* Mixed pods in slices: each slice in the tightest domain that takes it, those already used first. */
static bool put_mixed_slices(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, struct pod **pods, size_t n)
{
	size_t size = (size_t)g->slices[k].size;
	uint32_t from, to, last = UINT32_MAX;
	int level = slice_level(t, g, k);
	if (t->v[v].level >= level)
		return fit_pods(e, t, v, g, k + 1, pods, n);
	tree_span(t, v, level, &from, &to);
	for (size_t at = 0; at < n; at += size) {
		size_t part = n - at < size ? n - at : size;
		bool ok = last != UINT32_MAX && fit_pods(e, t, last, g, k + 1, pods + at, part);
		for (uint32_t d = from; !ok && d < to && e->tries > 0; d++) {
			if (t->v[d].domain && d != last && fit_possible(e, t, d, g, pods + at, part) && fit_pods(e, t, d, g, k + 1, pods + at, part)) {
				ok = true;
				last = d;
			}
		}
		if (!ok) {
			/* Another choice for the slices before might have left room. */
			e->tired |= at > 0;
			return false;
		}
	}
	return true;
}

/* --- the door ------------------------------------------------------------------------------------------------------------------ */

bool fit_alike(struct engine *e, struct pod **pods, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (pods[i]->class_key != pods[0]->class_key)
			return false;
	bool held = false;
	for (size_t i = 0; i < n && !held; i++) {
		const struct pod *p = pods[i];
		held = p->n_near || p->n_apart || p->n_spreads;
		if (!held && e->m->apart.len) {
			struct filter *f = filter_open(e->m, p);
			held = filter_is_dynamic(f);
			filter_close(f);
		}
	}
	return !held;
}

bool fit_possible(struct engine *e, struct tree *t, uint32_t v, const struct group *g, struct pod **pods, size_t n)
{
	const struct room *r = engine_room(e, t, pods[0]);
	bool one = true;
	for (size_t i = 1; one && i < n; i++)
		one = pods[i]->class_key == pods[0]->class_key;
	if (one)
		return room_below(r, v) >= (int64_t)n && (!g->n_slices || fit_units(e, t, v, g, 0, r) >= (int64_t)n / g->slices[0].size);
	/* Pods by class: each class alone must fit. */
	for (size_t i = 0; i < n; i++) {
		int64_t same = 0;
		bool first = true;
		for (size_t k = 0; k < n && first; k++) {
			if (pods[k]->class_key == pods[i]->class_key) {
				first = k >= i;
				same++;
			}
		}
		if (first && room_below(engine_room(e, t, pods[i]), v) < same)
			return false;
	}
	return true;
}

bool fit_pods(struct engine *e, struct tree *t, uint32_t v, const struct group *g, int k, struct pod **pods, size_t n)
{
	size_t mark = e->done.len;
	bool ok;
	if (n == 0)
		return true;
	if (e->tries <= 0) {
		e->tired = true;
		return false;
	}
	bool alike = fit_alike(e, pods, n), sliced = k < g->n_slices;
	e->tries -= !alike;
	if (sliced)
		ok = alike ? put_slices(e, t, v, g, k, pods, n) : put_mixed_slices(e, t, v, g, k, pods, n);
	else
		ok = alike ? put_on_leaves(e, t, v, g, pods, n) : put_mixed(e, t, v, pods, n);
	/* Pods that were put one by one may be too many in one domain; other ways were not tried then. */
	if (ok && e->spread_of && !alike && !spread_holds(e, t)) {
		e->tired = true;
		ok = false;
	}
	if (!ok)
		engine_rollback(e, mark);
	return ok;
}
