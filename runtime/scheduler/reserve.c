#include "runtime/scheduler/reserve.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { FIRST_STEP = 64 };

/* A pod that runs, and where it does. */
struct holder { struct pod *p; struct node *node; int64_t end; uint32_t domain, others; };
struct holders { struct holder *at; size_t len, cap; size_t out; };         /* the first OUT are out of the model */

int64_t pod_end(const struct pod *p, int64_t now_ms)
{
	int64_t takes = p->runtime_ms && p->deadline_ms ? (p->runtime_ms < p->deadline_ms ? p->runtime_ms : p->deadline_ms) : p->runtime_ms + p->deadline_ms;
	int64_t since = p->node_name && p->since_ms ? p->since_ms : p->node_name ? p->created_ms : now_ms;
	if (p->terminating)
		return now_ms;
	if (!takes || !since)
		return INT64_MAX;
	return since + takes > now_ms ? since + takes : now_ms;
}

static void last_end(const struct group *g, int64_t now_ms, int64_t *end)
{
	for (size_t i = 0; i < g->children.len; i++)
		last_end(g->children.at[i], now_ms, end);
	for (size_t i = 0; i < g->waiting.len; i++) {
		int64_t own = pod_end(g->waiting.at[i], now_ms);
		*end = own > *end ? own : *end;
	}
}

int64_t waiter_end(const struct pod *p, const struct group *g, int64_t now_ms)
{
	int64_t end = p ? pod_end(p, now_ms) : now_ms;
	if (g)
		last_end(g, now_ms, &end);
	return end;
}

/* --- who stands there ------------------------------------------------------------------------------------------------------- */

/* Whether it is there in earnest: what is only held for somebody is in the model too. */
static bool runs(const struct pod *p)
{
	return p->node && (p->node_name || p->assumed);
}

static int soonest_first(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->others != y->others)
		return x->others < y->others ? -1 : 1;
	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	if (x->p->created_ms != y->p->created_ms)
		return x->p->created_ms < y->p->created_ms ? -1 : 1;
	return strcmp(x->p->key, y->p->key);
}

static void find_holders(struct engine *e, const struct group *g, struct holders *h)
{
	const struct group *own = g ? group_root(g) : NULL;
	struct tree *t = g && g->required ? engine_tree(e, g->required) : e->trees.at[0];
	int level = g && g->required ? tree_level(t, g->required) : t->n_levels + 1;
	autofree uint32_t *all = xcalloc(t->n + 1, sizeof(*all)), *unknown = xcalloc(t->n + 1, sizeof(*unknown));
	level = level == TREE_NONE ? t->n_levels + 1 : level;
	for (size_t i = 0; i < e->m->pods.len; i++) {
		struct pod *p = e->m->pods.at[i];
		if (!runs(p) || (own && p->group && group_root(p->group) == own))
			continue;
		struct holder x = { p, p->node, pod_end(p, engine_now(e)), tree_up(t, t->leaf_of[p->node->index], level), 0 };
		unknown[x.domain] += x.end == INT64_MAX;
		all[x.domain]++;
		vec_push(h, x);
	}
	for (size_t i = 0; i < h->len; i++)
		h->at[i].others = h->at[i].end == INT64_MAX ? unknown[h->at[i].domain] : all[h->at[i].domain];
	if (h->len)
		qsort(h->at, h->len, sizeof(*h->at), soonest_first);
}

static void take_first(struct engine *e, struct holders *h, size_t n)
{
	for (; h->out < n; h->out++)
		model_unbind(e->m, h->at[h->out].p);
	while (h->out > n) {
		h->out--;
		model_bind(e->m, h->at[h->out].p, h->at[h->out].node);
	}
}

/* OUT, when not NULL, gets where it would go. */
static bool fits(struct engine *e, struct pod *p, struct group *g, struct reservation *out)
{
	size_t mark = e->done.len;
	bool ok = engine_place(e, p, g) && e->done.len > mark;
	for (size_t i = mark; ok && out && i < e->done.len; i++)
		vec_push(&out->held, (struct held){ e->done.at[i], e->done.at[i]->node });
	engine_rollback(e, mark);
	return ok;
}

bool reserve_find(struct engine *e, struct pod *p, struct group *g, struct reservation *out)
{
	struct holders h = { 0 };
	size_t lo = 0, hi = 0;                       /* LO that are out do not suffice, HI do */
	*out = (struct reservation){ .ready_ms = INT64_MAX };
	find_holders(e, g, &h);
	for (size_t step = FIRST_STEP; h.len; step *= 2) {
		hi = lo + step < h.len ? lo + step : h.len;
		take_first(e, &h, hi);
		if (fits(e, p, g, NULL) || hi == h.len)
			break;
		lo = hi;
	}
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		take_first(e, &h, mid);
		if (fits(e, p, g, NULL))
			hi = mid;
		else
			lo = mid;
	}
	take_first(e, &h, hi);
	bool ok = hi && fits(e, p, g, out);
	take_first(e, &h, 0);
	vec_free(&h);
	if (ok && reserve_ready(e, out))
		return true;
	reservation_release(out);
	return false;
}

/* --- when it is free ---------------------------------------------------------------------------------------------------------- */

static int by_node(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	return x->node->index < y->node->index ? -1 : x->node->index > y->node->index;
}

/* Do the N pods fit on their one node as it is? */
static bool all_fit(struct engine *e, const struct held *at, size_t n)
{
	size_t done = 0;
	for (bool ok = true; ok && done < n; done += ok) {
		struct filter *f = filter_open(e->m, at[done].pod);
		ok = !filter_node(f, at[done].node);
		filter_close(f);
		if (ok)
			model_bind(e->m, at[done].pod, at[done].node);
	}
	for (size_t i = done; i-- > 0;)
		model_unbind(e->m, at[i].pod);
	return done == n;
}

/* When those N pods have room on their node; false: never. */
static bool node_ready(struct engine *e, const struct held *at, size_t n, int64_t *ready)
{
	struct holders h = { 0 };
	for (size_t i = 0; i < at->node->pods.len; i++) {
		struct pod *p = at->node->pods.at[i];
		if (runs(p))
			vec_push(&h, (struct holder){ p, p->node, pod_end(p, engine_now(e)), 0, 0 });
	}
	if (h.len)
		qsort(h.at, h.len, sizeof(*h.at), soonest_first);
	bool ok;
	while (!(ok = all_fit(e, at, n)) && h.out < h.len)
		take_first(e, &h, h.out + 1);
	if (ok && h.out)
		*ready = h.at[h.out - 1].end > *ready ? h.at[h.out - 1].end : *ready;
	take_first(e, &h, 0);
	vec_free(&h);
	return ok;
}

bool reserve_ready(struct engine *e, struct reservation *r)
{
	bool ok = true;
	r->ready_ms = engine_now(e);
	if (r->held.len)
		qsort(r->held.at, r->held.len, sizeof(*r->held.at), by_node);
	for (size_t i = 0, j; ok && i < r->held.len; i = j) {
		for (j = i + 1; j < r->held.len && r->held.at[j].node == r->held.at[i].node;)
			j++;
		ok = node_ready(e, &r->held.at[i], j - i, &r->ready_ms);
	}
	return ok;
}

void reservation_release(struct reservation *r)
{
	vec_free(&r->held);
}

void reserve_when(int64_t ready_ms, int64_t now_ms, char *out, size_t size)
{
	char stamp[32];
	clock_stamp(ready_ms < INT64_MAX ? ready_ms : 0, stamp);
	if (ready_ms == INT64_MAX)
		snprintf(out, size, "but nobody knows when those who have it end");
	else if (ready_ms < now_ms + 60000)
		snprintf(out, size, "free soon");
	else
		snprintf(out, size, "free by %.16sZ", stamp);
}

void reserve_where(const struct engine *e, const struct reservation *r, char *out, size_t size)
{
	const struct tree *t = e->trees.at[0];
	size_t nodes = 0;
	for (size_t i = 0; i < r->held.len; i++)
		nodes += !i || r->held.at[i].node != r->held.at[i - 1].node;
	for (int level = t->n_levels + 1; level > 0; level--) {
		uint32_t v = tree_up(t, t->leaf_of[r->held.at[0].node->index], level);
		bool all = t->v[v].domain;
		for (size_t i = 1; all && i < r->held.len; i++)
			all = tree_up(t, t->leaf_of[r->held.at[i].node->index], level) == v;
		if (all) {
			tree_name(t, v, out, size);
			return;
		}
	}
	snprintf(out, size, "%zu nodes", nodes);
}
