#include <string.h>

#include "engine/planning.h"

struct outputs {
	struct making *m;
	VEC(struct stored_output) stored, wanted;
	VEC(struct output_change) changes;
	VEC(bool) seen;              /* by stored output: the spec still has it */
};

static int keep_stored(void *ctx, const struct stored_output *o)
{
	struct outputs *all = ctx;
	struct arena *a = all->m->p->arena;
	vec_push(&all->seen, false);
	vec_push(&all->stored, (struct stored_output){ arena_strdup(a, o->name), arena_strdup(a, o->text), o->sensitive });
	return 0;
}

static int by_stored_name(const void *x, const void *y)
{
	const struct stored_output *a = x, *b = y;
	return strcmp(a->name, b->name);
}

static const struct stored_output *find(const struct stored_output *sorted, size_t n, const char *name)
{
	const struct stored_output key = { name, NULL, false };
	return n ? bsearch(&key, sorted, n, sizeof(*sorted), by_stored_name) : NULL;
}

static void compare(struct outputs *all, const struct lang_output *now)
{
	struct arena *a = all->m->p->arena;
	const struct stored_output *was = find(all->stored.at, all->stored.len, now->name);
	if (was)
		all->seen.at[was - all->stored.at] = true;
	const char *before = was && !was->sensitive ? was->text : NULL;
	const char *after = now->sensitive || now->unknown ? NULL : now->json;
	const char *name = arena_strdup(a, now->name);
	if (now->sensitive || after)
		vec_push(&all->wanted, (struct stored_output){ name, arena_strdup(a, after), now->sensitive });
	else if (was)
		vec_push(&all->wanted, *was);
	bool same = was && was->sensitive == now->sensitive &&
		    (now->sensitive || (before && after && strcmp(before, after) == 0));
	if (!same)
		vec_push(&all->changes, (struct output_change){ name, now->sensitive, before, arena_strdup(a, after) });
}

static int by_name(const void *x, const void *y)
{
	const struct output_change *a = x, *b = y;
	return strcmp(a->name, b->name);
}

static void hand_over(struct outputs *all)
{
	struct plan *p = all->m->p;
	p->n_outputs = all->changes.len;
	p->n_output_values = all->wanted.len;
	p->outputs = arena_array(p->arena, p->n_outputs + 1, sizeof(*p->outputs));
	p->output_values = arena_array(p->arena, p->n_output_values + 1, sizeof(*p->output_values));
	if (p->n_outputs) {
		qsort(all->changes.at, p->n_outputs, sizeof(*p->outputs), by_name);
		memcpy(p->outputs, all->changes.at, p->n_outputs * sizeof(*p->outputs));
	}
	if (p->n_output_values)
		memcpy(p->output_values, all->wanted.at, p->n_output_values * sizeof(*p->output_values));
}

int plan_outputs(struct making *m, const struct lang_output *now, size_t n, struct err *err)
{
	struct outputs all = { .m = m };
	int rc = m->store ? store_outputs(m->store, keep_stored, &all, err) : 0;
	if (all.stored.len)
		qsort(all.stored.at, all.stored.len, sizeof(*all.stored.at), by_stored_name);
	for (size_t i = 0; !rc && i < n; i++)
		compare(&all, &now[i]);
	for (size_t i = 0; !rc && i < all.stored.len; i++) {
		const struct stored_output *was = &all.stored.at[i];
		if (!all.seen.at[i])
			vec_push(&all.changes, (struct output_change){ was->name, was->sensitive, was->sensitive ? NULL : was->text, NULL });
	}
	if (!rc)
		hand_over(&all);
	vec_free(&all.stored);
	vec_free(&all.wanted);
	vec_free(&all.changes);
	vec_free(&all.seen);
	return rc;
}
