/* The queue of a run: whose turn is when, what is kept for whom, and who would have to go. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "runtime/scheduler/moves.h"
#include "runtime/scheduler/place_internal.h"
#include "runtime/scheduler/preempt.h"
#include "runtime/scheduler/reserve.h"

enum { MAX_ROUNDS = 16, MAX_HINTS = 50, MAX_NAMED = 8 };

struct unit { struct pod *p; struct group *g; struct turn turn; };

int turn_compare(const struct turn *a, const struct turn *b)
{
	if (a->half != b->half)
		return a->half ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int by_turn(const void *a, const void *b)
{
	return turn_compare(&((const struct unit *)a)->turn, &((const struct unit *)b)->turn);
}

static void eldest(const struct group *g, struct turn *t)
{
	for (size_t i = 0; i < g->children.len; i++)
		eldest(g->children.at[i], t);
	if (g->bound.len && g->waiting.len && (!g->min || (int64_t)g->bound.len < g->min))
		t->half = true;
	for (size_t i = 0; i < g->waiting.len; i++) {
		const struct pod *p = g->waiting.at[i];
		t->priority = p->priority > t->priority ? p->priority : t->priority;
		t->created = p->created_ms < t->created ? p->created_ms : t->created;
	}
}

struct turn turn_of(const struct pod *p, const struct group *g)
{
	if (p)
		return (struct turn){ false, p->priority, p->created_ms, p->key };
	if (!g)
		BUG("the turn of nobody");
	struct turn t = { false, INT64_MIN, INT64_MAX, g->key };
	eldest(g, &t);
	return t;
}

struct turn engine_turn(const struct engine *e, const struct pod *p, const struct group *g)
{
	enum { HOUR_MS = 3600000, MOST_HOURS = 24 };
	struct turn t = turn_of(p, g);
	int64_t waited = t.created && t.created < engine_now(e) ? engine_now(e) - t.created : 0;
	t.priority += e->rules.aging * (waited < MOST_HOURS * HOUR_MS ? waited : MOST_HOURS * HOUR_MS) / HOUR_MS;
	return t;
}

bool engine_mature(const struct engine *e, const struct pod *p, const struct group *g, const struct turn *t)
{
	if (e->rules.reserve_after_ms < 0 || (p && (p->refused || p->n_gates || p->terminating)) || (g && !group_complete(g)))
		return false;
	return !e->rules.reserve_after_ms || (t->created && engine_now(e) - t->created >= e->rules.reserve_after_ms);
}

static bool waits(const struct engine *e, const struct pod *p)
{
	return !p->node_name && !p->node && e->ours(p, e->arg);
}

static struct unit *collect(struct engine *e, size_t *n)
{
	struct unit *units = xcalloc(e->m->pods.len + e->groups.at.len + 1, sizeof(*units));
	*n = 0;
	for (size_t i = 0; i < e->m->pods.len; i++) {
		struct pod *p = e->m->pods.at[i];
		if (waits(e, p) && !(p->group && p->group->together))
			units[(*n)++] = (struct unit){ p, NULL, engine_turn(e, p, NULL) };
	}
	for (size_t i = 0; i < e->groups.at.len; i++) {
		struct group *g = e->groups.at.at[i];
		if (g->together && group_waiting(g))
			units[(*n)++] = (struct unit){ NULL, g, engine_turn(e, NULL, g) };
	}
	if (*n)
		qsort(units, *n, sizeof(*units), by_turn);
	return units;
}

const struct pending *engine_blame(struct engine *e, const struct pod *p)
{
	struct pending row = { .pod = p };
	if (p->group && p->group->together && !p->n_gates && !p->terminating)
		why_group(e, p->group, &row);
	else
		why_pod(e, p, &row);
	if (p->hint)
		vec_push(&row.reasons, p->hint);
	vec_push(&e->pending, row);
	return &e->pending.at[e->pending.len - 1];
}

static void blame(struct engine *e)
{
	for (size_t i = 0; i < e->m->pods.len; i++) {
		const struct pod *p = e->m->pods.at[i];
		const struct group *root = p->group;
		while (root && root->parent)
			root = root->parent;
		e->tired = root && root->tired;
		if (waits(e, p))
			engine_blame(e, p);
	}
}

/* Pods that came meanwhile can only help those that want to be near others or evenly spread. */
static bool may_be_helped(const struct unit *u)
{
	const struct pod *p = u->p;
	return !p || p->n_near || p->n_spreads;
}

bool engine_place(struct engine *e, struct pod *p, struct group *g)
{
	e->tries = PLACE_TRIES;
	e->steps = PLACE_STEPS;
	e->tired = false;
	return g ? engine_place_group(e, g, e->trees.at[0], 0) : engine_place_pod(e, p) != NULL;
}

/* The lowest priority that runs; below every other where some pod is being deleted already. */
static int64_t lowest_running(const struct engine *e)
{
	int64_t lowest = INT64_MAX;
	for (size_t i = 0; i < e->m->pods.len; i++) {
		const struct pod *p = e->m->pods.at[i];
		if (p->node && !p->assumed)
			lowest = p->terminating ? INT64_MIN : p->priority < lowest ? p->priority : lowest;
		if (lowest == INT64_MIN)
			break;
	}
	return lowest;
}

static void set_hint(struct group *g, const char *text)
{
	for (size_t i = 0; i < g->children.len; i++)
		set_hint(g->children.at[i], text);
	for (size_t i = 0; i < g->waiting.len; i++)
		g->waiting.at[i]->hint = text;
}

static const char *hint_text(struct engine *e, const struct victims *v)
{
	autostr struct str s;
	str_init(&s, STR_OURS);
	size_t n = v->pods.len;
	if (!n)
		str_add(&s, "it fits when pods that are being deleted have gone");
	else if (v->to.len)
		str_addf(&s, "moving %zu pod%s would let it start in %s: ", n, n == 1 ? "" : "s", v->where);
	else
		str_addf(&s, "preempting %zu pod%s of lower priority would let it start in %s: ", n, n == 1 ? "" : "s", v->where);
	for (size_t i = 0; i < n && i < MAX_NAMED; i++) {
		str_addf(&s, "%s%s", i ? ", " : "", v->pods.at[i]->key);
		if (v->to.len)
			str_addf(&s, " to node %s", v->to.at[i]->text);
	}
	if (n > MAX_NAMED)
		str_addf(&s, " and %zu more", n - MAX_NAMED);
	return arena_strdup(e->words, s.at);
}

/* Would it start if others went? Says so in its reasons; true when it looked. Single pods that are alike have the same answer: KNOWN, may be NULL. */
static bool hint(struct engine *e, struct map *known, const struct unit *u)
{
	uint64_t alike = u->p ? (uint64_t)u->p->class_key << 32 | (uint32_t)u->turn.priority : 0;
	bool plain = known && u->p && !u->p->n_near && !u->p->n_apart && !u->p->n_spreads && !u->p->never_preempts;
	struct victims v;
	const char *text = plain ? map_get(known, alike) : NULL;
	if (text) {
		u->p->hint = *text ? text : NULL;
		return false;
	}
	if (!preempt_find(e, u->p, u->g, &v)) {
		if (plain)
			map_put(known, alike, (void *)"");
		return true;
	}
	text = hint_text(e, &v);
	if (u->g)
		set_hint(u->g, text);
	else
		u->p->hint = text;
	if (plain)
		map_put(known, alike, (void *)text);
	victims_release(&v);
	return true;
}

/* Would it start if pods that may be moved ran elsewhere? */
static bool hint_moves(struct engine *e, const struct unit *u)
{
	struct victims v;
	if (!u->g || !moves_find(e, u->g, &v))
		return false;
	set_hint(u->g, hint_text(e, &v));
	victims_release(&v);
	return true;
}

static bool place_unit(struct engine *e, struct unit *u)
{
	bool ok = engine_place(e, u->p, u->g);
	if (u->g)
		u->g->tired = e->tired;
	return ok;
}

/* --- room that is kept ---------------------------------------------------------------------------------------------------------- */

struct kept { const struct unit *u; struct reservation r; bool put; };
/* hopeless: classes of single pods; nominated: what victims leave to somebody. */
struct keeping { struct kept at[RESERVE_MOST]; size_t n; struct map *hopeless; int looks; VEC(struct kept) nominated; };

static void put_kept(struct engine *e, struct kept *k, bool put)
{
	for (size_t i = 0; k->put != put && i < k->r.held.len; i++) {
		if (put)
			model_promise(e->m, k->r.held.at[i].pod, k->r.held.at[i].node);
		else
			model_unbind(e->m, k->r.held.at[i].pod);
	}
	k->put = put;
}

/* What is kept for those before U is in the model while U is placed, unless U will have ended by then. NULL: nothing is. */
static void keep_from(struct engine *e, struct keeping *k, const struct unit *u)
{
	int64_t end = k->n && u ? waiter_end(u->p, u->g, engine_now(e)) : INT64_MAX;
	for (size_t i = 0; i < k->n; i++)
		put_kept(e, &k->at[i], u && k->at[i].u < u && !reserve_allows(k->at[i].r.ready_ms, end));
	for (size_t i = 0; i < k->nominated.len; i++)
		put_kept(e, &k->nominated.at[i], u && k->nominated.at[i].u < u);
}

/* What others than U are nominated to, and, ALL, what else is kept for others. */
static void keep_others(struct engine *e, struct keeping *k, const struct unit *u, bool all)
{
	for (size_t i = 0; i < k->n; i++)
		put_kept(e, &k->at[i], all && k->at[i].u != u);
	for (size_t i = 0; i < k->nominated.len; i++)
		put_kept(e, &k->nominated.at[i], k->nominated.at[i].u != u);
}

static bool is_nominated(const struct keeping *k, const struct unit *u)
{
	for (size_t i = 0; i < k->nominated.len; i++)
		if (k->nominated.at[i].u == u)
			return true;
	return false;
}

/* Says for U, which was not placed, what would let it start. Moves leave all room alone that is kept for others. True: it looked. */
static bool hint_for(struct engine *e, struct keeping *k, struct map *known, const struct unit *u, int64_t lowest)
{
	bool moves = e->rules.moves > 0 && u->g;
	if (moves)
		keep_others(e, k, u, true);
	bool found = moves && hint_moves(e, u);
	keep_others(e, k, u, false);
	found = found || (u->turn.priority > lowest && hint(e, is_nominated(k, u) ? NULL : known, u));
	keep_from(e, k, NULL);
	return found || moves;
}

/* It was placed after all. */
static void keep_no_more(struct keeping *k, const struct unit *u)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->at[i].u != u)
			continue;
		reservation_release(&k->at[i].r);
		memmove(&k->at[i], &k->at[i + 1], (--k->n - i) * sizeof(k->at[i]));
	}
	for (size_t i = 0; i < k->nominated.len; i++) {
		if (k->nominated.at[i].u == u) {
			reservation_release(&k->nominated.at[i].r);
			k->nominated.at[i] = k->nominated.at[--k->nominated.len];
		}
	}
}

static void keep_for(struct engine *e, struct keeping *k, const struct unit *u)
{
	bool plain = u->p && !u->p->n_near && !u->p->n_apart && !u->p->n_spreads;
	if (k->n == RESERVE_MOST || is_nominated(k, u) || k->looks == RESERVE_LOOKS || !engine_mature(e, u->p, u->g, &u->turn) || (plain && map_get(k->hopeless, u->p->class_key)))
		return;
	keep_others(e, k, u, true);
	k->looks++;
	k->at[k->n] = (struct kept){ .u = u };
	if (reserve_find(e, u->p, u->g, &k->at[k->n].r))
		k->n++;
	else if (plain)
		map_put(k->hopeless, u->p->class_key, k);
}

static void add_hint(struct engine *e, const struct unit *u, const char *text)
{
	const char *old = u->p ? u->p->hint : NULL;
	const struct group *g = u->g;
	for (; g && g->children.len && !g->waiting.len; g = g->children.at[0])
		;
	old = g && g->waiting.len ? g->waiting.at[0]->hint : old;
	text = old ? arena_printf(e->words, "%s; %s", old, text) : text;
	if (u->g)
		set_hint(u->g, text);
	else
		u->p->hint = text;
}

/* Says whom room is kept for, to it and to those behind it. */
static void tell_kept(struct engine *e, const struct keeping *k, const struct unit *units, const bool *placed, size_t n)
{
	char where[300], ready[64];
	for (size_t i = 0; i < k->n; i++) {
		reserve_where(e, &k->at[i].r, where, sizeof(where));
		reserve_when(k->at[i].r.ready_ms, engine_now(e), ready, sizeof(ready));
		add_hint(e, k->at[i].u, arena_printf(e->words, "room is kept for it in %s, %s", where, ready));
	}
	for (size_t i = 0; k->n && i < n; i++) {
		const struct unit *first = k->at[0].u;
		if (!placed[i] && units + i > first)
			add_hint(e, &units[i], arena_printf(e->words, "%s%s%s has waited longer: room is kept for it", first->g ? first->g->kind : "pod", " ",
							    first->g ? first->g->key : first->p->key));
	}
}

/* The first node of K that the pod of F could have now; NULL: none. */
static const struct node *wanted_of(struct filter *f, const struct kept *k)
{
	for (size_t i = 0; i < k->r.held.len; i++)
		if (!filter_node(f, k->r.held.at[i].node))
			return k->r.held.at[i].node;
	return NULL;
}

/* Single pods behind who could have such a node now hear whose it is. */
static void tell_nominated(struct engine *e, const struct keeping *k, const struct unit *units, const bool *placed, size_t n)
{
	for (size_t i = 0; k->nominated.len && i < n; i++) {
		if (placed[i] || !units[i].p)
			continue;
		struct filter *f = filter_open(e->m, units[i].p);
		for (size_t a = 0; a < k->nominated.len; a++) {
			const struct unit *to = k->nominated.at[a].u;
			const struct node *node = to < &units[i] ? wanted_of(f, &k->nominated.at[a]) : NULL;
			if (node)
				add_hint(e, &units[i], arena_printf(e->words, "node %s is kept for %s %s, which is nominated to it", node->text,
								    to->g ? to->g->kind : "pod", to->g ? to->g->key : to->p->key));
		}
		filter_close(f);
	}
}

static bool nominate(struct engine *e, struct pod *p, struct reservation *r)
{
	struct node *n;
	bool ok = engine_nominated(e, p, &n);
	if (n)
		vec_push(&r->held, (struct held){ p, n });
	return ok;
}

static bool nominate_group(struct engine *e, const struct group *g, struct reservation *r)
{
	bool ok = true;
	for (size_t i = 0; ok && i < g->children.len; i++)
		ok = nominate_group(e, g->children.at[i], r);
	for (size_t i = 0; ok && i < g->waiting.len; i++)
		ok = nominate(e, g->waiting.at[i], r);
	return ok;
}

/* Where victims go, the room is the unit's for which they go: its pods' nominations, as far as they fit there when those that are being deleted have
 * gone. */
static void keep_nominated(struct engine *e, struct keeping *k, const struct unit *units, size_t n)
{
	size_t n_going, any = 0;
	for (size_t i = 0; i < e->m->pods.len; i++)
		any += e->m->pods.at[i]->nominated && waits(e, e->m->pods.at[i]);
	if (!any)
		return;
	autofree struct pod **going = model_ending(e->m, &n_going);
	autofree struct node **nodes = xcalloc(n_going + 1, sizeof(*nodes));
	model_take_out(e->m, going, nodes, n_going);
	for (size_t i = 0; n_going && i < n; i++) {
		struct kept one = { .u = &units[i], .r = { .ready_ms = INT64_MAX } };
		size_t mark = e->done.len;
		bool ok = units[i].g ? nominate_group(e, units[i].g, &one.r) : nominate(e, units[i].p, &one.r);
		if (ok && one.r.held.len) {
			vec_push(&k->nominated, one);
		} else {
			engine_rollback(e, mark);
			reservation_release(&one.r);
		}
	}
	engine_rollback(e, 0);
	model_put_back(e->m, going, nodes, n_going);
}

/* --- a run ------------------------------------------------------------------------------------------------------------------------ */

void engine_run(struct engine *e)
{
	size_t n;
	autofree struct unit *units = collect(e, &n);
	autofree bool *placed = xcalloc(n + 1, sizeof(*placed));
	struct keeping k = { .hopeless = map_new() };
	bool progress = true;
	keep_nominated(e, &k, units, n);
	for (size_t i = 0; i < n && !(e->rules.strict && k.n); i++) {
		keep_from(e, &k, &units[i]);
		placed[i] = place_unit(e, &units[i]);
		if (placed[i])
			keep_no_more(&k, &units[i]);
		else
			keep_for(e, &k, &units[i]);
	}
	for (int round = 0; progress && round < MAX_ROUNDS && !e->rules.strict; round++) {
		progress = false;
		for (size_t i = 0; i < n; i++) {
			if (placed[i] || !may_be_helped(&units[i]))
				continue;
			keep_from(e, &k, &units[i]);
			placed[i] = place_unit(e, &units[i]);
			progress = placed[i] || progress;
			if (placed[i])
				keep_no_more(&k, &units[i]);
		}
	}
	keep_from(e, &k, NULL);
	struct map *known = map_new();
	int64_t lowest = lowest_running(e);
	for (size_t i = 0, left = MAX_HINTS; i < n && left > 0; i++)
		left -= !placed[i] && hint_for(e, &k, known, &units[i], lowest);
	map_free(known);
	tell_kept(e, &k, units, placed, n);
	tell_nominated(e, &k, units, placed, n);
	for (size_t i = 0; i < k.nominated.len; i++)
		reservation_release(&k.nominated.at[i].r);
	vec_free(&k.nominated);
	for (size_t i = 0; i < k.n; i++)
		reservation_release(&k.at[i].r);
	map_free(k.hopeless);
	blame(e);
}


