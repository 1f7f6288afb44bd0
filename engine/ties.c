/* ties - which object of the spec gives what another one needs: the kind of an object, its namespace. */
#include <string.h>

#include <uthash.h>

#include "engine/spec.h"

struct gift { char *key; const struct item *it; UT_hash_handle hh; };
struct linking { struct spec *s; const struct item *it; };

char *tie_key(const struct item *it, const char *key)
{
	return xasprintf("%s%c%s", it->slot->id, TIE_MARK, key);
}

static const struct gift *find(const struct spec *s, const struct item *it, const char *key)
{
	struct gift *g = NULL;
	autofree char *full = tie_key(it, key);
	HASH_FIND_STR(s->gifts, full, g);
	return g;
}

/* The first to give something is the one that others wait for; twins are told of elsewhere. */
static void take_gift(void *ctx, enum tie tie, const char *key)
{
	struct linking *l = ctx;
	if (tie != TIE_GIVES || find(l->s, l->it, key))
		return;
	struct gift *g = xcalloc(1, sizeof(*g));
	g->key = tie_key(l->it, key);
	g->it = l->it;
	HASH_ADD_KEYPTR(hh, l->s->gifts, g->key, strlen(g->key), g);
}

/* --- between units ------------------------------------------------------------------------------------------------------------ */

static void see(const struct unit *u, bool *seen, const struct unit **stack, size_t *n)
{
	if (seen[u->index])
		return;
	seen[u->index] = true;
	stack[(*n)++] = u;
}

/* Does FROM wait for TO, by references or ties? */
static bool waits_for(const struct spec *s, const struct unit *from, const struct unit *to)
{
	autofree bool *seen = xcalloc(s->units.len, sizeof(*seen));
	autofree const struct unit **stack = xcalloc(s->units.len, sizeof(*stack));
	size_t n = 0;
	see(from, seen, stack, &n);
	while (n && !seen[to->index]) {
		const struct unit *u = stack[--n];
		size_t r = (size_t)(u->res - s->res);
		for (size_t i = 0; i < u->earlier.len; i++)
			see(u->earlier.at[i], seen, stack, &n);
		for (unsigned k = s->graph.start[r]; k < s->graph.start[r + 1]; k++) {
			const struct resource *e = &s->res[s->graph.to[k]];
			for (size_t i = e->first_unit; i < e->first_unit + e->n_units; i++)
				see(s->units.at[i], seen, stack, &n);
		}
	}
	return seen[to->index];
}

/* An order that the spec's own references contradict is not kept: the spec has the last word. */
static void link_units(struct spec *s, struct unit *later, const struct unit *earlier)
{
	for (size_t i = 0; i < later->earlier.len; i++)
		if (later->earlier.at[i] == earlier)
			return;
	if (!waits_for(s, earlier, later))
		vec_push(&later->earlier, earlier);
}

static void take_need(void *ctx, enum tie tie, const char *key)
{
	struct linking *l = ctx;
	const struct gift *g = tie == TIE_NEEDS ? find(l->s, l->it, key) : NULL;
	struct unit *u = l->it->unit;
	if (!g || g->it == l->it)
		return;
	if (g->it->unit == u)
		vec_push(&u->edges, (struct dag_edge){ (unsigned)(l->it->index - u->first), (unsigned)(g->it->index - u->first) });
	else
		link_units(l->s, u, g->it->unit);
}

static void each(struct spec *s, tie_fn *take)
{
	struct linking l = { .s = s };
	for (size_t i = 0; i < s->items.len; i++) {
		l.it = s->items.at[i];
		if (l.it->row->type->ties && l.it->config && l.it->slot && l.it->slot->config)
			l.it->row->type->ties(l.it->config, l.it->slot->config, take, &l);
	}
}

void ties_link(struct spec *s)
{
	each(s, take_gift);
	if (s->gifts)
		each(s, take_need);
}

void ties_free(struct spec *s)
{
	struct gift *g = s->gifts, *next;
	HASH_CLEAR(hh, s->gifts);
	for (; g; g = next) {
		next = g->hh.next;
		free(g->key);
		free(g);
	}
}

/* --- what providers ask ----------------------------------------------------------------------------------------------------------- */

/* While the spec is expanded a second time, what the first expansion said holds: addresses and ties are the same. */
const char *op_given(const struct op *op, const char *key)
{
	const struct giving *from = op->spec;
	if (!from)
		return NULL;
	const struct spec *s = from->s->gifts || !from->s->e->old ? from->s : from->s->e->old;
	const struct gift *g = find(s, from->it, key);
	return g ? g->it->address : NULL;
}
