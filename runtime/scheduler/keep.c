/* Room that is kept for the units that wait longest: a reservation (reserve.h) is the unit's claims, as what victims leave to it is, but nobody leaves
 * for it. It stays until the unit is placed or changes, until what it holds can no longer be had, or until room that is free sooner is found. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "runtime/scheduler/live_internal.h"
#include "runtime/scheduler/reserve.h"

/* How often it is looked, how often for something better, and how long nobody looks again for who would not fit if everybody had gone. A search
 * takes out who runs, so there are few of them in LOOK_EVERY_MS, and none begins after LOOKING_MS of it were spent on them. */
enum { LOOK_EVERY_MS = 1000, BETTER_MS = 10000, HOPELESS_MS = 60000, LOOKING_MS = 20 };

static struct pod *pod_of(const struct unit *u)
{
	return u->item ? u->item->pod : NULL;
}

static struct group *group_of(const struct unit *u)
{
	return u->item ? NULL : unit_group(u);
}

struct turn unit_turn(const struct live *l, const struct unit *u)
{
	return engine_turn(l->e, pod_of(u), group_of(u));
}

static int by_turn(const void *a, const void *b)
{
	return turn_compare(&(*(struct unit *const *)a)->turn, &(*(struct unit *const *)b)->turn);
}

void units_sort(struct unit **at, size_t n)
{
	if (n)
		qsort(at, n, sizeof(*at), by_turn);
}

const char *unit_name(const struct unit *u, char *out, size_t size)
{
	const struct group *g = group_of(u);
	if (g)
		snprintf(out, size, "%s %s", g->kind, g->key);
	else
		snprintf(out, size, "pod %s", u->item ? u->item->key : "");
	return out;
}

const struct unit *unit_behind(const struct live *l, const struct unit *u)
{
	const struct unit *first = NULL;
	int64_t end = -1;
	for (size_t i = 0; i < l->promised.len; i++) {
		const struct unit *p = l->promised.at[i];
		if (p == u || !p->reserved || turn_compare(&p->turn, &u->turn) >= 0)
			continue;
		end = end < 0 ? waiter_end(pod_of(u), group_of(u), clock_wall_ms()) : end;
		if ((l->rules.strict || !reserve_allows(p->ready_ms, end)) && (!first || turn_compare(&p->turn, &first->turn) < 0))
			first = p;
	}
	return first;
}

/* When U has waited long enough, it is looked at. */
static void look_then(struct live *l, const struct unit *u)
{
	if (u->turn.created == INT64_MAX || l->rules.reserve_after_ms < 0)
		return;
	int64_t wait = u->turn.created + l->rules.reserve_after_ms - engine_now(l->e);
	if (wait > 0 && clock_now_ms() + wait < l->mature_due)
		l->mature_due = clock_now_ms() + wait;
}

/* --- one unit ------------------------------------------------------------------------------------------------------------------- */

static void set_ready(struct live *l, struct unit *u, const struct reservation *r)
{
	char where[300], when[64];
	reserve_where(l->e, r, where, sizeof(where));
	reserve_when(r->ready_ms, engine_now(l->e), when, sizeof(when));
	/* Who ends before may use it. */
	l->wake_all = l->wake_all || (u->reserved && r->ready_ms > u->ready_ms && r->ready_ms > engine_now(l->e));
	u->ready_ms = r->ready_ms;
	char *text = xasprintf("%s, %s", where, when);
	if (!u->where || strcmp(u->where, text) != 0)
		u->told_at = 0;
	free(u->where);
	u->where = text;
}

static void take_room(struct live *l, struct unit *u, const struct reservation *r)
{
	promise_drop(l, u);
	for (size_t i = 0; i < r->held.len; i++)
		vec_push(&u->claims, (struct claimed){ r->held.at[i].pod->owner, xstrdup(r->held.at[i].node->text) });
	vec_push(&l->promised, u);
	set_ready(l, u, r);
	u->reserved = true;
	l->world++;
}

/* What its claims hold, as they are now; false: a pod or a node of them is not there any more, or the room can no longer be had. */
static bool still_held(struct live *l, const struct unit *u, struct reservation *r)
{
	bool ok = true;
	*r = (struct reservation){ .ready_ms = INT64_MAX };
	for (size_t i = 0; ok && i < u->claims.len; i++) {
		struct pod *p = u->claims.at[i].item->pod;
		struct node *n = model_node(l->m, intern(l->m->names, u->claims.at[i].node));
		ok = p && n && !p->node && !p->node_name && !p->refused && !p->terminating;
		if (ok)
			vec_push(&r->held, (struct held){ p, n });
	}
	return ok && r->held.len && reserve_ready(l->e, r);
}

/* False: not now; it is looked again when there may be more searches. */
static bool may_look(struct live *l)
{
	int64_t now = clock_now_ms(), again = l->looks.since_ms + LOOK_EVERY_MS;
	if (now >= again) {
		l->looks.since_ms = now;
		l->looks.n = 0;
		l->looks.spent_ms = 0;
	}
	if (l->looks.n < RESERVE_LOOKS && l->looks.spent_ms < LOOKING_MS)
		return true;
	l->mature_due = again < l->mature_due ? again : l->mature_due;
	return false;
}

/* Single pods that are alike have the same answer. */
static void look_later(struct live *l, struct unit *u, int64_t then)
{
	u->look_ms = then;
	for (size_t i = 0; u->item && !u->social && i < l->waiting.len; i++) {
		struct unit *w = l->waiting.at[i];
		if (w->item && !w->social && w->item->pod->class_key == u->item->pod->class_key)
			w->look_ms = then;
	}
}

static bool look(struct live *l, struct unit *u, struct reservation *out)
{
	int64_t began = clock_now_ms();
	bool found = reserve_find(l->e, pod_of(u), group_of(u), out);
	l->looks.n++;
	l->looks.spent_ms += clock_now_ms() - began;
	l->stats.looked++;
	if (found)
		u->look_ms = began + BETTER_MS;
	else
		look_later(l, u, began + HOPELESS_MS);
	return found;
}

static bool unit_keep_room(struct live *l, struct unit *u)
{
	struct reservation old = { .ready_ms = INT64_MAX }, new = { .ready_ms = INT64_MAX };
	promise_lift(l, u);
	if (!engine_mature(l->e, pod_of(u), group_of(u), &u->turn) || u->leaving.len || (u->claims.len && !u->reserved))
		return false;
	bool held = u->reserved && still_held(l, u, &old);
	if (held)
		set_ready(l, u, &old);
	bool due = clock_now_ms() >= u->look_ms || (u->reserved && !held);
	bool found = due && may_look(l) && look(l, u, &new);
	if (found && (!held || new.ready_ms < old.ready_ms))
		take_room(l, u, &new);
	else if (!held && u->reserved)
		promise_drop(l, u);
	reservation_release(&old);
	reservation_release(&new);
	return u->reserved;
}

/* --- all ------------------------------------------------------------------------------------------------------------------------ */

/* Those who have waited long enough, in their turn. */
static struct unit **mature_units(struct live *l, size_t *n)
{
	struct unit **order = xcalloc(l->waiting.len + 1, sizeof(struct unit *));
	*n = 0;
	for (size_t i = 0; i < l->waiting.len; i++) {
		struct unit *u = l->waiting.at[i];
		u->turn = unit_turn(l, u);
		if (engine_mature(l->e, pod_of(u), group_of(u), &u->turn) && !u->leaving.len && (!u->claims.len || u->reserved))
			order[(*n)++] = u;
		else
			look_then(l, u);
	}
	units_sort(order, *n);
	return order;
}

int64_t live_keep_due(const struct live *l)
{
	int64_t due = l->rules.reserve_after_ms < 0 ? INT64_MAX : l->world != l->kept_world ? 0 : l->mature_due;
	return due > l->keep_not_before ? due : l->keep_not_before;
}

static size_t most(const struct live *l)
{
	return l->rules.strict ? 1 : RESERVE_MOST;
}

void unit_may_keep_room(struct live *l, struct unit *u)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->promised.len; i++)
		kept += l->promised.at[i]->reserved;
	look_then(l, u);
	if (u->reserved || kept < most(l))
		(void)unit_keep_room(l, u);
}

void live_keep_room(struct live *l)
{
	int64_t now = clock_now_ms();
	size_t n, kept = 0;
	if (now < live_keep_due(l))
		return;
	l->kept_world = l->world;
	l->keep_not_before = now + LOOK_EVERY_MS;
	l->mature_due = INT64_MAX;
	autofree struct unit **order = mature_units(l, &n);
	/* Pods of it may have gone, or been gated. */
	for (size_t i = l->promised.len; i-- > 0;) {
		struct unit *u = l->promised.at[i];
		if (u->reserved && (!u->waiting_at || !engine_mature(l->e, pod_of(u), group_of(u), &u->turn)))
			promise_drop(l, u);
	}
	for (size_t i = 0; i < n; i++) {
		if (kept < most(l)) {
			promises_put(l, order[i], true);
			kept += unit_keep_room(l, order[i]);
		} else if (order[i]->reserved) {
			promise_drop(l, order[i]);
		}
	}
	promises_lift(l);
}
