/* Why the waiting wait, in words, told only when they changed. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "runtime/scheduler/live_internal.h"

enum { MESSAGE_MAX = 1000, QUIET_MS = 400, A_FEW = 64, FEW_OF = 20 /* one in so many nodes */ };

/* Do A and B begin with counts of nodes that hardly differ? */
static bool few_nodes_apart(const char *a, size_t n, const char *b, size_t m)
{
	if (!n || !m || n > 9 || m > 9 || !str_has_prefix(a + n, " node") || !str_has_prefix(b + m, " node"))
		return false;
	long x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);
	return labs(x - y) * FEW_OF <= (x > y ? x : y);
}

/* The same but for any numbers, or but for counts of nodes: one more or less in many is no news, since thousands of pods would have to be told. */
static bool same_but(const char *a, const char *b, bool any)
{
	static const char digits[] = "0123456789";
	for (;; a++, b++) {
		size_t n = strspn(a, digits), m = strspn(b, digits);
		if (any || few_nodes_apart(a, n, b, m)) {
			a += n;
			b += m;
		}
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

bool words_alike(const char *a, const char *b)
{
	return same_but(a, b, true);
}

/* The node that is kept for I; NULL: none. */
static const char *kept_for(const struct unit *u, const struct item *i)
{
	for (size_t k = 0; k < u->claims.len; k++)
		if (u->claims.at[k].item == i)
			return u->claims.at[k].node;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Who is told nothing yet, or changed itself, comes before those for whom only the world changed: they may be thousands. */
static struct live_word *new_word(struct live *l, const struct unit *u, struct item *i)
{
	struct live_word *w = i->word = xcalloc(1, sizeof(*w));
	w->of = i;
	w->ns = xstrdup(intern_text(l->m->names, i->pod->ns));
	w->name = xstrdup(i->pod->name);
	w->uid = xstrdup(i->uid);
	w->first = !i->pod->said_reason;
	if (u->told_at && (i->told || !w->first))
		vec_push(&l->rewords, w);
	else
		vec_push(&l->words, w);
	return w;
}

/* Hands it out when it is not what was told last, or what the pod's own condition and nomination say already. */
static void tell(struct live *l, const struct unit *u, struct item *i, const char *reason, const char *message)
{
	char *text = xasprintf("%s %s", reason, message);
	const char *kept = kept_for(u, i), *nominated = i->pod->nominated && *i->pod->nominated ? i->pod->nominated : NULL;
	autofree char *said = i->pod->said_reason ? xasprintf("%s %s", i->pod->said_reason, i->pod->said_message) : NULL;
	const char *before = i->told ? i->told : said;
	if (before && same_but(before, text, false) && same_text(kept, i->told ? i->told_node : nominated)) {
		free(text);
		if (!i->told) {
			i->told = xstrdup(before);
			i->told_node = xstrdup(kept);
		}
		return;
	}
	struct live_word *w = i->word ? i->word : new_word(l, u, i);
	/* What nobody took meanwhile is out of date. */
	free(w->reason);
	free(w->message);
	free(w->nominated);
	w->reason = xstrdup(reason);
	w->message = xstrdup(message);
	w->nominated = xstrdup(kept);
	w->event = w->event || !before || !words_alike(before, text);
	free(i->told);
	free(i->told_node);
	i->told = text;
	i->told_node = xstrdup(kept);
}

void live_untold(struct live *l, const struct live_word *w)
{
	autofree char *key = xasprintf("%s/%s", w->ns, w->name);
	struct item *i = live_item(l, key);
	if (!i || strcmp(i->uid, w->uid) != 0)
		return;
	free(i->told);
	free(i->told_node);
	i->told = i->told_node = NULL;
	(i->team && !i->unit.waiting_at ? &i->team->unit : &i->unit)->told_at = 0;
}

static void join_reasons(const struct live *l, struct str *s, const struct unit *u, const struct pending *row)
{
	char name[400];
	if (u->leaving.len && u->moves)
		str_addf(s, "%zu pod%s being moved to open %s for it; ", u->leaving.len, u->leaving.len == 1 ? " is" : "s are", u->where);
	else if (u->leaving.len)
		str_addf(s, "%zu pod%s of lower priority %s on the way out for it; ", u->leaving.len, u->leaving.len == 1 ? "" : "s", u->leaving.len == 1 ? "is" : "are");
	else if (u->reserved)
		str_addf(s, "room is kept for it in %s; ", u->where);
	else if (u->claims.len)
		str_add(s, "it fits when pods that are being deleted have gone; ");
	else if (unit_behind(l, u))
		str_addf(s, "%s has waited longer: room is kept for it; ", unit_name(unit_behind(l, u), name, sizeof(name)));
	for (size_t k = 0; k < row->reasons.len && s->len < MESSAGE_MAX; k++)
		str_addf(s, "%s%s", k ? "; " : "", row->reasons.at[k]);
}

static void blame_pod(struct live *l, struct unit *u, struct item *i, const char *known)
{
	const struct pod *p = i->pod;
	autostr struct str s;
	str_init(&s, STR_OURS);
	if (p->terminating)
		return;
	if (known) {
		tell(l, u, i, "Unschedulable", known);
		return;
	}
	join_reasons(l, &s, u, engine_blame(l->e, p));
	if (s.len > MESSAGE_MAX)
		s.at[MESSAGE_MAX] = '\0';
	tell(l, u, i, p->n_gates ? "SchedulingGated" : p->own_refused ? "SchedulerError" : "Unschedulable", s.at ? s.at : "");
}

/* The pods of a group have the same reasons, unless something is wrong with one of them. */
static void blame_team(struct live *l, struct unit *u)
{
	const struct group *last = NULL;
	const char *known = NULL;
	for (size_t k = 0; k < u->team->members.len; k++) {
		struct item *i = u->team->members.at[k];
		const struct pod *p = i->pod;
		if (!i->ours || p->node_name || i->to)
			continue;
		bool plain = p->group && !p->n_gates && !p->refused;
		blame_pod(l, u, i, plain && p->group == last ? known : NULL);
		if (plain && p->group != last && i->told) {
			last = p->group;
			known = arena_strdup(l->e->words, strchr(i->told, ' ') + 1);
		}
	}
	team_report(l, u->team);
}

/* The pods of a gang are made one after the other: what each of them would be told is out of date when the next is seen, and costs the server more than
 * its binding. So a gang that is not complete is silent for a moment that begins with the first change of its own that was not told. */
static bool more_may_come(struct unit *u)
{
	int64_t now = clock_now_ms();
	const struct group *g = u->team && !u->told_at ? unit_group(u) : NULL;
	if (!g || g->refused || group_complete(g) || (u->quiet_until && now >= u->quiet_until)) {
		u->quiet_until = 0;
		return false;
	}
	u->quiet_until = u->quiet_until ? u->quiet_until : now + QUIET_MS;
	return true;
}

void unit_blame(struct live *l, struct unit *u)
{
	if (more_may_come(u))
		return;
	l->e->tired = u->tired;
	if (u->item)
		blame_pod(l, u, u->item, NULL);
	else
		blame_team(l, u);
	u->told_at = l->world;
}

bool live_blame_some(struct live *l, int64_t until_ms)
{
	size_t n = l->waiting.len, looked = 0, done = 0;
	bool more = false;
	engine_forget_reasons(l->e);
	for (; looked < n; looked++, l->blame_at++) {
		l->blame_at = l->blame_at < n ? l->blame_at : 0;
		struct unit *u = l->waiting.at[l->blame_at];
		if (u->awake_at || u->told_at == l->world)
			continue;
		if (done && done % A_FEW == 0 && clock_now_ms() >= until_ms) {
			more = true;
			break;
		}
		u->turn = unit_turn(l, u);
		promises_put(l, u, true);
		unit_blame(l, u);
		done++;
	}
	promises_lift(l);
	return more;
}
