#include <string.h>

#include <uthash.h>

#include "engine/planning.h"

struct machine { const char *name; unsigned wave; UT_hash_handle hh; };

static int by_name(const struct machine *a, const struct machine *b)
{
	return str_natural_cmp(a->name, b->name);
}

/* The machines with a disruptive operation, in natural order. */
static struct machine *gather(struct change *const *changes, size_t n)
{
	struct machine *all = NULL, *m;
	for (size_t i = 0; i < n; i++) {
		const struct change *c = changes[i];
		if (!is_operation(c) || !c->node || c->effect.disruption == EFFECT_NONE)
			continue;
		HASH_FIND_STR(all, c->node, m);
		if (m)
			continue;
		m = xcalloc(1, sizeof(*m));
		m->name = c->node;
		HASH_ADD_KEYPTR(hh, all, m->name, strlen(m->name), m);
	}
	HASH_SORT(all, by_name);
	return all;
}

/* Numbers the waves of one unit and gives every operation of a disrupted machine its machine's wave. Returns how many. */
unsigned waves_assign(struct change *const *changes, size_t n, unsigned canary, unsigned max_unavailable)
{
	struct machine *all, *m, *next;
	unsigned wave = 1, room = canary ? canary : max_unavailable ? max_unavailable : UINT32_MAX;
	if (!canary && !max_unavailable)
		return 0;
	all = gather(changes, n);
	for (m = all; m; m = m->hh.next) {
		if (!room) {
			wave++;
			room = max_unavailable ? max_unavailable : UINT32_MAX;
		}
		room--;
		m->wave = wave;
	}
	for (size_t i = 0; all && i < n; i++) {
		if (!is_operation(changes[i]) || !changes[i]->node)
			continue;
		HASH_FIND_STR(all, changes[i]->node, m);
		changes[i]->wave = m ? m->wave : 0;
	}
	wave = all ? wave : 0;
	m = all;
	HASH_CLEAR(hh, all);
	for (; m; m = next) {
		next = m->hh.next;
		free(m);
	}
	return wave;
}
