/* Preemption and moves: who has to go so that a waiting unit can start, and the room that is then kept for it.
 *
 * When victims were chosen, the unit is tried as if they had gone, and the nodes it would get are its claims. In every later round they are put into
 * the model as if its pods ran there, from its turn on: who comes before it in the queue does not see them, who comes after cannot
 * take that room. They end when the unit is placed, or when its victims have gone and it does not fit all the same. What moves leave to a group is
 * kept also against who is older but does not outrank it: first of all the pods that are made in place of the moved ones.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/scheduler/live_internal.h"
#include "runtime/scheduler/moves.h"
#include "runtime/scheduler/reserve.h"

/* Moves cost restarts: when a set of them was of no use, the next for the same group waits for long. A search for them costs time: at most every
 * fifth part of it altogether, and every hundredth for one group that has none. */
enum { SEARCH_AGAIN_MS = 1000, SEARCHES = 50, MOVES_AGAIN_MS = 30000, MOVES_PAUSES = 4, MOVES_PAUSES_OF_ONE = 100 };

struct syms { sym *at; size_t len, cap; };

/* --- claims ------------------------------------------------------------------------------------------------------------ */

static bool claims_node(const struct unit *u, const struct node *n)
{
	for (size_t i = 0; i < u->claims.len; i++)
		if (strcmp(u->claims.at[i].node, n->text) == 0)
			return true;
	return false;
}

static void put_claims(struct live *l, struct unit *u)
{
	if (u->put)
		return;
	u->put = true;
	for (size_t i = 0; i < u->claims.len; i++) {
		struct pod *p = u->claims.at[i].item->pod;
		struct node *n = model_node(l->m, intern(l->m->names, u->claims.at[i].node));
		if (p && n && !p->node && !p->node_name && !u->claims.at[i].item->to)
			model_promise(l->m, p, n);
	}
}

void promise_lift(struct live *l, struct unit *u)
{
	if (!u->put)
		return;
	u->put = false;
	for (size_t i = 0; i < u->claims.len; i++) {
		struct pod *p = u->claims.at[i].item->pod;
		if (p && p->node && !p->node_name && !u->claims.at[i].item->to)
			model_unbind(l->m, p);
	}
}

/* Are the claims of P taken when it is U's turn? */
static bool holds_against(const struct unit *p, const struct unit *u)
{
	return turn_compare(&p->turn, &u->turn) < 0 || (p->moves && !u->turn.half && u->turn.priority <= p->turn.priority);
}

void promises_put(struct live *l, struct unit *u, bool all)
{
	int64_t end = l->promised.len ? waiter_end(u->item ? u->item->pod : NULL, u->item ? NULL : unit_group(u), clock_wall_ms()) : 0;
	for (size_t i = 0; i < l->promised.len; i++) {
		struct unit *p = l->promised.at[i];
		bool before = holds_against(p, u);
		if (p == u || (p->reserved && (!before || reserve_allows(p->ready_ms, end))))
			promise_lift(l, p);
		else if (before || all)
			put_claims(l, p);
	}
}

void promises_lift(struct live *l)
{
	for (size_t i = 0; i < l->promised.len; i++)
		promise_lift(l, l->promised.at[i]);
}

/* KEPT, when not NULL, gets the names of the nodes, which are somebody's again afterwards, or not; else whoever stood back for them may go there. */
static void drop(struct live *l, struct unit *u, struct syms *kept)
{
	promise_lift(l, u);
	if (u->claims.len)
		u->told_at = 0;
	for (size_t i = 0; i < u->leaving.len; i++) {
		u->leaving.at[i]->displaced_by = NULL;
		if (u->leaving.at[i]->team)
			team_report(l, u->leaving.at[i]->team);
	}
	vec_free(&u->leaving);
	for (size_t i = 0; i < u->claims.len; i++) {
		const struct node *n = model_node(l->m, intern_find(l->m->names, u->claims.at[i].node));
		if (n && kept)
			vec_push(kept, n->name);
		else if (n && !n->gone)
			live_freed(l, n);
		free(u->claims.at[i].node);
	}
	if (u->claims.len) {
		size_t k = 0;
		while (l->promised.at[k] != u)
			k++;
		l->promised.at[k] = l->promised.at[--l->promised.len];
	}
	vec_free(&u->claims);
	/* Whoever stood back for it may go on. */
	l->wake_all = l->wake_all || u->reserved;
	u->reserved = u->moves = false;
	free(u->where);
	u->where = NULL;
}

void promise_drop(struct live *l, struct unit *u)
{
	drop(l, u, NULL);
}

/* A member that goes takes its claim along: the unit is another one now. */
void item_left(struct live *l, struct item *i)
{
	struct unit *u = i->displaced_by;
	if (i->team)
		promise_drop(l, &i->team->unit);
	if (!u)
		return;
	for (size_t k = 0; k < u->leaving.len; k++)
		if (u->leaving.at[k] == i)
			u->leaving.at[k] = u->leaving.at[--u->leaving.len];
	i->displaced_by = NULL;
	unit_wake(l, u);
}

bool live_still_goes(const struct live *l, const struct live_victim *v)
{
	autofree char *key = xasprintf("%s/%s", v->ns, v->name);
	const struct item *i = live_item(l, key);
	return i && strcmp(i->uid, v->uid) == 0 && i->displaced_by;
}

void live_spared(struct live *l, const struct live_victim *v)
{
	autofree char *key = xasprintf("%s/%s", v->ns, v->name);
	struct item *i = live_item(l, key);
	if (!i || strcmp(i->uid, v->uid) != 0 || !i->displaced_by)
		return;
	struct unit *u = i->displaced_by;
	for (size_t k = 0; k < u->leaving.len; k++)
		u->leaving.at[k]->pod->terminating = u->leaving.at[k]->pod->deleted;
	promise_drop(l, u);
	l->hungry = l->wake_social = true;
}

/* --- choosing ------------------------------------------------------------------------------------------------------------ */

static void add_claim(struct unit *u, struct pod *p, const struct node *n)
{
	vec_push(&u->claims, (struct claimed){ p->owner, xstrdup(n->text) });
}

/* Where U goes when PODS are out. False: nowhere after all. */
static bool claim(struct live *l, struct unit *u, struct pod **pods, size_t n)
{
	autofree struct node **nodes = xcalloc(n + 1, sizeof(*nodes));
	struct pod *p = u->item ? u->item->pod : NULL;
	model_take_out(l->m, pods, nodes, n);
	bool ok = engine_place(l->e, p, p ? NULL : unit_group(u));
	for (size_t i = 0; i < l->e->done.len; i++)
		add_claim(u, l->e->done.at[i], l->e->done.at[i]->node);
	if (u->claims.len)
		vec_push(&l->promised, u);
	engine_rollback(l->e, 0);
	model_put_back(l->m, pods, nodes, n);
	return ok;
}

static bool covered(const struct live *l, const struct pod *p)
{
	for (size_t i = 0; i < l->m->budgets.len; i++)
		if (l->m->budgets.at[i].ns == p->ns && selector_matches(l->m->names, &l->m->budgets.at[i].pods, &p->labels))
			return true;
	return false;
}

/* TO: where there is room for it; NULL: that is its own affair. */
static void send_away(struct live *l, struct unit *u, struct pod *p, const struct node *to)
{
	struct item *i = p->owner;
	struct live_victim *v = xcalloc(1, sizeof(*v));
	v->ns = xstrdup(intern_text(l->m->names, p->ns));
	v->name = xstrdup(p->name);
	v->uid = xstrdup(p->uid);
	v->by = u->item ? xasprintf("pod %s", u->item->key) : xasprintf("%s %s", unit_group(u)->kind, unit_group(u)->key);
	v->why = to ? xasprintf("moved to open %s for %s; it fits on node %s", u->where, v->by, to->text) : xasprintf("displaced for %s", v->by);
	v->moves = to != NULL;
	v->budget = covered(l, p);
	vec_push(&l->victims, v);
	p->terminating = true;               /* as good as */
	l->wake_social = true;
	if (i->team)
		team_report(l, i->team);
	i->displaced_by = u;
	vec_push(&u->leaving, i);
}

static bool may_move(const struct live *l, const struct unit *u)
{
	return l->rules.moves > 0 && u->team;
}

/* All claims of others, whatever their turn: who is moved must not go there. */
static void put_all_claims(struct live *l, const struct unit *u)
{
	for (size_t i = 0; i < l->promised.len; i++)
		if (l->promised.at[i] != u)
			put_claims(l, l->promised.at[i]);
}

/* True: not before DUE, when it is looked again. */
static bool too_early(struct live *l, int64_t due)
{
	if (clock_now_ms() >= due)
		return false;
	l->hungry_due = due < l->hungry_due ? due : l->hungry_due;
	return true;
}

static bool find_moves(struct live *l, struct unit *u, struct victims *v)
{
	int64_t now = clock_now_ms();
	put_all_claims(l, u);
	bool found = moves_find(l->e, unit_group(u), v);
	int64_t end = clock_now_ms(), spent = end - now;
	l->no_moves_before = end + MOVES_PAUSES * spent;
	u->no_moves_before = end + (found || MOVES_PAUSES_OF_ONE * spent > MOVES_AGAIN_MS ? MOVES_AGAIN_MS : MOVES_PAUSES_OF_ONE * spent);
	promises_put(l, u, true);
	return found;
}

/* Moves take nobody's place, so they come before victims, and after what is going anyhow: nobody is displaced where nobody had time to look for moves, but
 * where those of this group were of no use, or there were none not long ago. */
static bool find(struct live *l, struct unit *u, bool outranks, struct victims *v)
{
	struct pod *p = u->item ? u->item->pod : NULL;
	struct group *g = p ? NULL : unit_group(u);
	promises_put(l, u, true);
	*v = (struct victims){ 0 };
	if (may_move(l, u)) {
		if (preempt_ending_suffices(l->e, NULL, g))
			return true;
		if (!too_early(l, u->no_moves_before)) {
			if (too_early(l, l->no_moves_before))
				return false;
			if (find_moves(l, u, v))
				return true;
		}
	}
	return outranks && preempt_find(l->e, p, g, v);
}

static void move(struct live *l, struct unit *u, const struct victims *v)
{
	for (size_t i = 0; i < v->held.len; i++)
		add_claim(u, v->held.at[i].pod, v->held.at[i].node);
	vec_push(&l->promised, u);
	u->moves = true;
	u->where = xstrdup(v->where);
	for (size_t i = 0; i < v->pods.len; i++)
		send_away(l, u, v->pods.at[i], v->to.at[i]);
}

static void displace(struct live *l, struct unit *u, const struct victims *v)
{
	size_t n;
	autofree struct pod **going = model_ending(l->m, &n);
	for (size_t i = 0; i < v->pods.len; i++)
		going[n++] = v->pods.at[i];
	if (!claim(l, u, going, n))
		promise_drop(l, u);
	else
		for (size_t i = 0; i < v->pods.len; i++)
			send_away(l, u, v->pods.at[i], NULL);
}

/* Victims that are on their way for somebody else count as going. OUTRANKS: somebody that runs has a lower priority than U. */
static void search(struct live *l, struct unit *u, bool outranks)
{
	struct victims v;
	struct syms before = { 0 };
	u->searched_ms = clock_now_ms();
	if (!u->reserved)
		drop(l, u, &before);
	if (find(l, u, outranks, &v)) {
		drop(l, u, &before);
		if (v.held.len)
			move(l, u, &v);
		else
			displace(l, u, &v);
		victims_release(&v);
		u->told_at = 0;
	}
	for (size_t i = 0; i < before.len; i++) {
		const struct node *n = model_node(l->m, before.at[i]);
		if (n && !claims_node(u, n) && !n->gone)
			live_freed(l, n);
	}
	vec_free(&before);
}

/* --- after a refill ------------------------------------------------------------------------------------------------------- */

/* I's pod on the node that was kept for it; true also where there is no such node. False: it does not fit there. */
static bool claim_again(struct live *l, struct unit *u, struct item *i)
{
	struct pod *p = i->pod;
	struct node *n = NULL;
	bool ok = !i->ours || p->node_name || i->to || engine_nominated(l->e, p, &n);
	if (n)
		add_claim(u, p, n);
	return ok;
}

static void restore(struct live *l, struct unit *u)
{
	size_t mark = l->e->done.len;
	bool ok = u->team || claim_again(l, u, u->item);
	for (size_t i = 0; u->team && ok && i < u->team->members.len; i++)
		ok = claim_again(l, u, u->team->members.at[i]);
	if (u->claims.len)
		vec_push(&l->promised, u);
	if (ok)
		return;
	engine_rollback(l->e, mark);
	promise_drop(l, u);
}

void promises_restore(struct live *l)
{
	size_t n, waiting = l->waiting.len;
	autofree struct pod **going = model_ending(l->m, &n);
	autofree struct node **nodes = xcalloc(n + 1, sizeof(*nodes));
	autofree struct unit **order = xcalloc(waiting + 1, sizeof(*order));
	for (size_t i = 0; i < waiting; i++) {
		order[i] = l->waiting.at[i];
		order[i]->turn = unit_turn(l, order[i]);
	}
	units_sort(order, waiting);
	model_take_out(l->m, going, nodes, n);
	for (size_t i = 0; i < waiting; i++)
		restore(l, order[i]);
	engine_rollback(l->e, 0);
	model_put_back(l->m, going, nodes, n);
}

/* --- all ------------------------------------------------------------------------------------------------------------------------ */

/* Single pods that are alike have the same answer. */
static bool known_to_fail(struct map *failed, const struct unit *u, bool note)
{
	const struct pod *p = u->item ? u->item->pod : NULL;
	if (!p || u->social)
		return false;
	uint64_t key = (uint64_t)p->class_key << 32 | (uint32_t)p->priority;
	if (note)
		map_put(failed, key, failed);
	return map_get(failed, key) != NULL;
}

static int64_t lowest_running(const struct live *l)
{
	int64_t lowest = INT64_MAX;
	for (size_t i = 0; i < l->m->pods.len && lowest > INT64_MIN; i++) {
		const struct pod *p = l->m->pods.at[i];
		if (p->node && !p->assumed)
			lowest = p->terminating ? INT64_MIN : p->priority < lowest ? p->priority : lowest;
	}
	return lowest;
}

/* True: there is more to look for. */
bool live_feed_hungry(struct live *l, int64_t until_ms)
{
	int64_t lowest = lowest_running(l);
	autofree struct unit **order = xcalloc(l->waiting.len + 1, sizeof(*order));
	struct map *failed = map_new();
	size_t n = 0, searches = 0;
	bool more = false;
	l->hungry = false;
	l->hungry_due = INT64_MAX;
	for (size_t i = 0; i < l->waiting.len; i++) {
		struct unit *u = l->waiting.at[i];
		u->turn = unit_turn(l, u);
		/* What was promised and was of no use ends here, too. */
		if ((u->turn.priority > lowest || may_move(l, u) || (u->claims.len && !u->reserved)) && !u->leaving.len && !u->awake_at)
			order[n++] = u;
	}
	units_sort(order, n);
	for (size_t i = 0; i < n && searches < SEARCHES; i++) {
		struct unit *u = order[i];
		if (known_to_fail(failed, u, false))
			continue;
		if (u->searched_ms && clock_now_ms() - u->searched_ms < SEARCH_AGAIN_MS) {
			int64_t due = u->searched_ms + SEARCH_AGAIN_MS;
			l->hungry_due = due < l->hungry_due ? due : l->hungry_due;
			known_to_fail(failed, u, true);
			continue;
		}
		if (searches && clock_now_ms() >= until_ms) {
			more = l->hungry = true;
			break;
		}
		searches++;
		search(l, u, u->turn.priority > lowest);
		if (!u->claims.len || u->reserved)
			known_to_fail(failed, u, true);
	}
	promises_lift(l);
	map_free(failed);
	return more;
}
