#include "engine/dag.h"

#include <stdlib.h>
#include <string.h>

enum { BARRIER_EDGES = 1 << 16 };

void dag_init(struct dag *g, unsigned n)
{
	*g = (struct dag){ .n = n };
}

void dag_edge(struct dag *g, unsigned later, unsigned earlier)
{
	vec_push(&g->edges, (struct dag_edge){ later, earlier });
}

void dag_release(struct dag *g)
{
	vec_free(&g->edges);
	free(g->start);
	free(g->to);
	free(g->order);
	free(g->pos);
	*g = (struct dag){ 0 };
}

static int by_edge(const void *x, const void *y)
{
	const struct dag_edge *a = x, *b = y;
	if (a->later != b->later)
		return a->later < b->later ? -1 : 1;
	return a->earlier < b->earlier ? -1 : a->earlier > b->earlier;
}

static void build_rows(struct dag *g)
{
	size_t m = 0;
	if (g->edges.len)
		qsort(g->edges.at, g->edges.len, sizeof(*g->edges.at), by_edge);
	g->start = xcalloc((size_t)g->n + 1, sizeof(*g->start));
	g->to = xcalloc(g->edges.len + 1, sizeof(*g->to));
	for (size_t i = 0; i < g->edges.len; i++) {
		const struct dag_edge *e = &g->edges.at[i];
		if (i && by_edge(e, e - 1) == 0)
			continue;
		g->to[m++] = e->earlier;
		g->start[e->later + 1] = (unsigned)m;
	}
	for (unsigned v = 0; v < g->n; v++)
		if (g->start[v + 1] < g->start[v])
			g->start[v + 1] = g->start[v];
}

enum { NEW, OPEN, CLOSED };
struct search {
	struct dag *g;
	unsigned char *state;
	bool *told;                  /* in a cycle that was told */
	unsigned *stack, *next;      /* the open path, and the next edge of each thing */
	size_t depth;
	unsigned placed;
	bool acyclic;
};

static void tell_cycle(struct search *s, unsigned back_to, dag_cycle_fn *cycle, void *ctx)
{
	size_t from = s->depth;
	bool known = false;
	s->acyclic = false;
	while (s->stack[--from] != back_to)
		known = known || s->told[s->stack[from]];
	if (known || s->told[back_to])
		return;
	for (size_t i = from; i < s->depth; i++)
		s->told[s->stack[i]] = true;
	if (cycle)
		cycle(ctx, s->stack + from, s->depth - from);
}

static void search_from(struct search *s, unsigned root, dag_cycle_fn *cycle, void *ctx)
{
	struct dag *g = s->g;
	s->stack[s->depth++] = root;
	s->state[root] = OPEN;
	s->next[root] = g->start[root];
	while (s->depth) {
		unsigned v = s->stack[s->depth - 1];
		if (s->next[v] == g->start[v + 1]) {
			s->state[v] = CLOSED;
			g->pos[v] = s->placed;
			g->order[s->placed++] = v;
			s->depth--;
			continue;
		}
		unsigned w = g->to[s->next[v]++];
		if (s->state[w] == OPEN) {
			tell_cycle(s, w, cycle, ctx);
		} else if (s->state[w] == NEW) {
			s->stack[s->depth++] = w;
			s->state[w] = OPEN;
			s->next[w] = g->start[w];
		}
	}
}

bool dag_order(struct dag *g, dag_cycle_fn *cycle, void *ctx)
{
	build_rows(g);
	g->order = xcalloc((size_t)g->n + 1, sizeof(*g->order));
	g->pos = xcalloc((size_t)g->n + 1, sizeof(*g->pos));
	autofree unsigned char *state = xcalloc((size_t)g->n + 1, 1);
	autofree bool *told = xcalloc((size_t)g->n + 1, sizeof(*told));
	autofree unsigned *stack = xcalloc((size_t)g->n + 1, sizeof(*stack));
	autofree unsigned *next = xcalloc((size_t)g->n + 1, sizeof(*next));
	struct search s = { .g = g, .state = state, .told = told, .stack = stack, .next = next, .acyclic = true };
	for (unsigned v = 0; v < g->n; v++)
		if (state[v] == NEW)
			search_from(&s, v, cycle, ctx);
	return s.acyclic;
}

/* --- through things that are not real ---------------------------------------------------------------------------------- */

struct resolve {
	const struct dag *g;
	const bool *real;
	struct arena *arena;
	struct dag_list *lists;      /* of real and unreal things alike */
	unsigned *users;             /* how many wait for each directly */
	unsigned *stamp;             /* v+1 where already in the list of v */
	VEC(unsigned) scratch;
};

static void take(struct resolve *r, unsigned v, unsigned e)
{
	if (r->stamp[e] == v + 1)
		return;
	r->stamp[e] = v + 1;
	vec_push(&r->scratch, e);
}

static int by_number(const void *x, const void *y)
{
	unsigned a = *(const unsigned *)x, b = *(const unsigned *)y;
	return a < b ? -1 : a > b;
}

static struct dag_list keep(struct resolve *r)
{
	struct dag_list l = { NULL, r->scratch.len };
	if (l.n) {
		qsort(r->scratch.at, l.n, sizeof(unsigned), by_number);
		l.at = arena_array(r->arena, l.n, sizeof(unsigned));
		memcpy(l.at, r->scratch.at, l.n * sizeof(unsigned));
	}
	return l;
}

static void resolve_one(struct resolve *r, unsigned v)
{
	const struct dag *g = r->g;
	const unsigned *from = g->to + g->start[v], *end = g->to + g->start[v + 1];
	if (!r->real[v] && end - from == 1 && !r->real[*from] && g->pos[*from] < g->pos[v]) {
		r->lists[v] = r->lists[*from];
		return;
	}
	r->scratch.len = 0;
	for (; from < end; from++) {
		unsigned e = *from;
		if (g->pos[e] >= g->pos[v])
			continue;
		if (r->real[e]) {
			take(r, v, e);
			continue;
		}
		struct dag_list *l = &r->lists[e];
		for (size_t i = 0; i < l->n; i++)
			take(r, v, l->at[i]);
		if (r->real[v] && (double)l->n * r->users[e] > BARRIER_EDGES) {
			l->at = arena_array(r->arena, 1, sizeof(unsigned));
			l->at[0] = v;
			l->n = 1;
		}
	}
	r->lists[v] = keep(r);
}

void dag_resolve(const struct dag *g, const bool *real, struct arena *a, struct dag_list *out)
{
	autofree unsigned *users = xcalloc((size_t)g->n + 1, sizeof(*users));
	autofree unsigned *stamp = xcalloc((size_t)g->n + 1, sizeof(*stamp));
	struct resolve r = { .g = g, .real = real, .arena = a, .lists = out, .users = users, .stamp = stamp };
	for (size_t i = 0; i < g->start[g->n]; i++)
		users[g->to[i]]++;
	for (unsigned i = 0; i < g->n; i++)
		resolve_one(&r, g->order[i]);
	vec_free(&r.scratch);
}
