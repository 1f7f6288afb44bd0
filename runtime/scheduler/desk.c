/* Decisions: awake units in their turn, and what becomes of them. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "runtime/scheduler/live_internal.h"

/* --- a decision becomes bindings ----------------------------------------------------------------------------------------- */

static char *domain_path(const struct live *l, const struct node *n)
{
	const struct tree *t = l->e->trees.at[0];
	struct str s;
	str_init(&s, STR_OURS);
	for (int level = 1; level <= t->n_levels; level++) {
		const struct vertex *v = &t->v[tree_up(t, t->leaf_of[n->index], level)];
		if (v->domain)
			str_addf(&s, "%s%s=%s", s.len ? "/" : "", t->level[level].name, intern_text(l->m->names, v->value));
	}
	char *path = xstrdup(s.at ? s.at : "");
	str_release(&s);
	return path;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* Pods that bring no rank get the lowest free ones of their group, in the order of the fabric (that of `waiting`). */
static void give_ranks(const struct group *g)
{
	autofree int64_t *taken = xcalloc(g->bound.len + g->waiting.len + 1, sizeof(*taken));
	size_t n = 0, at = 0;
	int64_t next = 0;
	for (size_t i = 0; i < g->bound.len; i++)
		taken[n++] = g->bound.at[i]->rank;
	for (size_t i = 0; i < g->waiting.len; i++)
		taken[n++] = g->waiting.at[i]->rank;
	if (n)
		qsort(taken, n, sizeof(*taken), by_number);
	for (size_t i = 0; i < g->waiting.len; i++) {
		struct pod *p = g->waiting.at[i];
		if (p->rank != INT64_MAX || !p->node)
			continue;
		for (; at < n && taken[at] <= next; at++)
			next += taken[at] == next;
		p->rank = next++;
	}
}

static void give_all_ranks(const struct group *g)
{
	for (size_t i = 0; i < g->children.len; i++)
		give_all_ranks(g->children.at[i]);
	if (!g->children.len)
		give_ranks(g);
}

static void commit_pod(struct live *l, struct pod *p, const char *plan)
{
	struct item *i = p->owner;
	struct live_bind *b = xcalloc(1, sizeof(*b));
	b->ns = xstrdup(intern_text(l->m->names, p->ns));
	b->name = xstrdup(p->name);
	b->uid = xstrdup(p->uid);
	b->node = xstrdup(p->node->text);
	b->domain = domain_path(l, p->node);
	b->group = p->group ? xasprintf("%s %s", p->group->kind, p->group->key) : NULL;
	b->rank = p->group && p->group->together && p->rank != INT64_MAX ? p->rank : -1;
	snprintf(b->plan, sizeof(b->plan), "%s", plan);
	vec_push(&l->binds, b);
	i->to = xstrdup(p->node->text);
	i->under_way = true;
	unit_wait(l, &i->unit, false);
	l->stats.placed++;
}

static void commit(struct live *l, struct unit *u)
{
	char plan[17];
	unsigned char r[8];
	clock_random(r, sizeof(r));
	for (size_t i = 0; i < sizeof(r); i++)
		snprintf(plan + 2 * i, 3, "%02x", r[i]);
	if (u->team)
		give_all_ranks(unit_group(u));
	promise_drop(l, u);
	for (size_t i = 0; i < l->e->done.len; i++)
		commit_pod(l, l->e->done.at[i], plan);
	l->e->done.len = 0;
	if (u->team)
		team_dirty(l, u->team, false);
	l->world++;
	for (size_t i = 0; i < l->waiting.len; i++)
		if (l->waiting.at[i]->social || l->waiting.at[i]->team)
			unit_wake(l, l->waiting.at[i]);
}

/* --- one unit ----------------------------------------------------------------------------------------------------------------- */

/* The shortest patience left in G; 0: none. */
static int64_t patience_of(const struct live *l, const struct group *g)
{
	int64_t least = engine_patience(l->e, g);
	for (size_t i = 0; i < g->children.len; i++) {
		int64_t p = patience_of(l, g->children.at[i]);
		least = p && (!least || p < least) ? p : least;
	}
	return least;
}

static void try(struct live *l, struct unit *u)
{
	struct pod *p = u->item ? u->item->pod : NULL;
	struct group *g = p ? NULL : unit_group(u);
	unit_sleep(l, u);
	if (u->not_before > clock_now_ms())
		return;
	u->not_before = u->again_ms = 0;
	if (l->rules.strict && unit_behind(l, u)) {
		unit_blame(l, u);
		return;
	}
	promise_lift(l, u);
	l->stats.tried++;
	bool ok = engine_place(l->e, p, g);
	u->tired = l->e->tired;
	if (ok && l->e->done.len) {
		commit(l, u);
	} else {
		int64_t patience = g ? patience_of(l, g) : 0;
		u->again_ms = patience ? clock_now_ms() + patience : 0;
		promises_put(l, u, false);
		unit_may_keep_room(l, u);
		unit_blame(l, u);
		l->hungry = true;
	}
	engine_trim(l->e, ENGINE_ROOMS);
}

static bool try_awake(struct live *l, int64_t until_ms)
{
	size_t n = l->awake.len;
	autofree struct unit **order = xcalloc(n + 1, sizeof(*order));
	for (size_t i = 0; i < n; i++) {
		order[i] = l->awake.at[i];
		order[i]->turn = unit_turn(l, order[i]);
	}
	units_sort(order, n);
	engine_forget_reasons(l->e);
	for (size_t i = 0; i < n; i++) {
		if (i && clock_now_ms() >= until_ms)
			break;
		/* Room that is promised to who comes before is not for who comes later. */
		promises_put(l, order[i], false);
		try(l, order[i]);
	}
	promises_lift(l);
	return l->awake.len > 0 || l->dirty.len > 0;
}

/* --- time ------------------------------------------------------------------------------------------------------------------------ */

/* When time alone makes U worth a look; INT64_MAX: never. */
static int64_t unit_due(const struct unit *u)
{
	int64_t due = u->again_ms ? u->again_ms : INT64_MAX;
	if (u->not_before)
		return u->not_before;
	return u->quiet_until && u->quiet_until < due ? u->quiet_until : due;
}

static void expire(struct live *l, int64_t now)
{
	struct item *i, *next;
	for (size_t k = 0; k < l->waiting.len; k++)
		if (unit_due(l->waiting.at[k]) <= now)
			unit_wake(l, l->waiting.at[k]);
	if (!l->expiring)
		return;
	HASH_ITER(hh, l->items, i, next) {
		if (i->expires_ms && i->expires_ms <= now) {
			l->expiring--;
			i->expires_ms = 0;
			item_unassume(l, i);
			l->world++;
		}
	}
}

int64_t live_due(const struct live *l)
{
	int64_t due = l->expiring ? clock_now_ms() + LIVE_RETRY_MS : INT64_MAX;
	due = l->hungry_due < due ? l->hungry_due : due;
	due = l->report_due < due ? l->report_due : due;
	due = live_keep_due(l) < due ? live_keep_due(l) : due;
	for (size_t i = 0; i < l->waiting.len; i++) {
		int64_t its = unit_due(l->waiting.at[i]);
		due = its < due ? its : due;
	}
	return due;
}

bool live_decide(struct live *l, int64_t budget_ms)
{
	int64_t now = clock_now_ms();
	expire(l, now);
	l->hungry = l->hungry || now >= l->hungry_due;
	l->e->now_ms = clock_wall_ms();
	live_settle(l);
	live_report_some(l);
	if (l->awake.len)
		return try_awake(l, now + budget_ms) || l->hungry || l->waiting.len > 0;
	if (l->hungry && live_feed_hungry(l, now + budget_ms))
		return true;
	live_keep_room(l);
	if (l->wake_all)
		return true;
	return live_blame_some(l, now + budget_ms);
}

/* --- what became of it -------------------------------------------------------------------------------------------------------------- */

void live_bound(struct live *l, struct live_bind *b, enum live_result r)
{
	autofree char *key = xasprintf("%s/%s", b->ns, b->name);
	struct item *i = live_item(l, key);
	if (i && strcmp(i->uid, b->uid) == 0) {
		i->under_way = false;
		struct unit *u = i->team ? &i->team->unit : &i->unit;
		if (r == LIVE_FAILED && i->to) {
			i->refused = true;
			item_unassume(l, i);
			u = i->unit.waiting_at ? &i->unit : u;
			u->not_before = clock_now_ms() + LIVE_RETRY_MS;
			l->world++;
		} else if (r == LIVE_GONE && i->to && !i->expires_ms) {
			i->expires_ms = clock_now_ms() + LIVE_EXPIRE_MS;
			l->expiring++;
		}
	}
	live_bind_free(b);
}

/* --- lists -------------------------------------------------------------------------------------------------------------------------- */

/* Takes the oldest; the list is moved up when all of it, or much, was taken. */
static void *take(void ***at, size_t *len, size_t *next)
{
	if (*next == *len)
		return NULL;
	void *taken = (*at)[(*next)++];
	if (*next == *len || *next > 4096) {
		memmove(*at, *at + *next, (*len - *next) * sizeof(void *));
		*len -= *next;
		*next = 0;
	}
	return taken;
}

struct live_bind *live_next_bind(struct live *l) { return take((void ***)&l->binds.at, &l->binds.len, &l->binds_at); }
struct live_word *live_next_word(struct live *l)
{
	struct live_word *w = take((void ***)&l->words.at, &l->words.len, &l->words_at);
	w = w ? w : take((void ***)&l->rewords.at, &l->rewords.len, &l->rewords_at);
	if (w && w->of)
		((struct item *)w->of)->word = NULL;
	return w;
}

struct live_victim *live_next_victim(struct live *l) { return take((void ***)&l->victims.at, &l->victims.len, &l->victims_at); }
struct live_status *live_next_status(struct live *l) { return take((void ***)&l->statuses.at, &l->statuses.len, &l->statuses_at); }

bool live_has_work(const struct live *l)
{
	return l->binds_at < l->binds.len || l->words_at < l->words.len || l->rewords_at < l->rewords.len || l->victims_at < l->victims.len || l->statuses_at < l->statuses.len;
}

bool live_still_waits(const struct live *l, const struct live_word *w)
{
	autofree char *key = xasprintf("%s/%s", w->ns, w->name);
	const struct item *i = live_item(l, key);
	return i && strcmp(i->uid, w->uid) == 0 && i->pod && !i->pod->node_name && !i->to;
}

const char *live_assumed(const struct live *l, const char *ns, const char *name)
{
	autofree char *key = xasprintf("%s/%s", ns, name);
	const struct item *i = live_item(l, key);
	return i ? i->to : NULL;
}

void live_bind_free(struct live_bind *b)
{
	free(b->ns);
	free(b->name);
	free(b->uid);
	free(b->node);
	free(b->domain);
	free(b->group);
	free(b);
}

void live_word_free(struct live_word *w)
{
	free(w->ns);
	free(w->name);
	free(w->uid);
	free(w->reason);
	free(w->message);
	free(w->nominated);
	free(w);
}

void live_victim_free(struct live_victim *v)
{
	free(v->ns);
	free(v->name);
	free(v->uid);
	free(v->by);
	free(v->why);
	free(v);
}

/* --- half-bound groups ---------------------------------------------------------------------------------------------------------------- */

static void roll_back_group(struct live *l, const struct group *g, void (*fn)(void *arg, const struct pod *p, const char *group), void *arg)
{
	for (size_t i = 0; i < g->children.len; i++)
		roll_back_group(l, g->children.at[i], fn, arg);
	for (size_t i = 0; i < g->bound.len; i++) {
		const struct pod *p = g->bound.at[i];
		if (p->node_name && p->plan && !p->started && !p->terminating && live_ours(p, l)) {
			l->stats.rollbacks++;
			fn(arg, p, g->key);
		}
	}
}

void live_roll_back(struct live *l, int64_t patience_ms, void (*fn)(void *arg, const struct pod *p, const char *group), void *arg)
{
	struct team *t, *next;
	live_settle(l);
	HASH_ITER(hh, l->teams, t, next)
		if (t->half_since && clock_now_ms() - t->half_since >= patience_ms && t->groups.at.len)
			roll_back_group(l, t->groups.at.at[0], fn, arg);
}

struct live_stats live_stats(const struct live *l)
{
	struct live_stats s = l->stats;
	struct item *i, *ni;
	struct team *t, *nt;
	s.nodes = l->m->nodes.len - l->m->n_gone;
	s.pods = l->m->pods.len;
	s.awake = l->awake.len;
	for (size_t k = 0; k < l->promised.len; k++)
		s.reserved += l->promised.at[k]->reserved;
	s.nominated = l->promised.len - s.reserved;
	s.rooms = l->e->all_rooms.len;
	s.room_bytes = l->e->room_bytes;
	s.garbage = model_garbage(l->m);
	HASH_ITER(hh, l->items, i, ni) {
		s.assumed += i->to != NULL;
		s.waiting += i->ours && i->pod && !i->pod->node_name && !i->to;
	}
	HASH_ITER(hh, l->teams, t, nt) {
		s.groups++;
		s.half += t->half_since != 0;
	}
	return s;
}
