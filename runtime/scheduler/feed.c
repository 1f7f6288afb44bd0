/* From objects to the model, and which waiting units a change concerns. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/scheduler/live_internal.h"

static const char node_gone[] = "its node has gone while it was being bound";

enum { GARBAGE_FREE = 32 << 20, MAX_FREED = 4096 };

/* --- units ------------------------------------------------------------------------------------------------------------ */

struct group *unit_group(const struct unit *u)
{
	return u->team ? u->team->groups.at.at[0] : NULL;
}

void unit_wake(struct live *l, struct unit *u)
{
	if (u->awake_at || !u->waiting_at)
		return;
	vec_push(&l->awake, u);
	u->awake_at = l->awake.len;
	l->stats.woken++;
}

void unit_sleep(struct live *l, struct unit *u)
{
	if (!u->awake_at)
		return;
	struct unit *last = l->awake.at[--l->awake.len];
	l->awake.at[u->awake_at - 1] = last;
	last->awake_at = u->awake_at;
	u->awake_at = 0;
}

void unit_wait(struct live *l, struct unit *u, bool waits)
{
	if (waits == (u->waiting_at != 0))
		return;
	if (waits) {
		vec_push(&l->waiting, u);
		u->waiting_at = l->waiting.len;
		return;
	}
	unit_sleep(l, u);
	promise_drop(l, u);
	struct unit *last = l->waiting.at[--l->waiting.len];
	l->waiting.at[u->waiting_at - 1] = last;
	last->waiting_at = u->waiting_at;
	u->waiting_at = 0;
	u->told_at = 0;
	u->quiet_until = 0;
}

void live_freed(struct live *l, const struct node *n)
{
	if (l->freed.len < MAX_FREED)
		vec_push(&l->freed, n->name);
	else
		l->wake_all = true;
}

/* --- teams -------------------------------------------------------------------------------------------------------------- */

void team_dirty(struct live *l, struct team *t, bool wake)
{
	if (!t->dirty)
		vec_push(&l->dirty, t);
	t->dirty = true;
	if (wake)
		t->unit.not_before = 0;
	if (wake)
		unit_wake(l, &t->unit);
}

struct team *team_get(struct live *l, enum group_dialect d, const char *key, bool make)
{
	struct team *t;
	autofree char *id = xasprintf("%d %s", (int)d, key);
	HASH_FIND_STR(l->teams, id, t);
	if (!t && make) {
		t = xcalloc(1, sizeof(*t));
		t->id = xstrdup(id);
		t->dialect = d;
		t->unit.team = t;
		HASH_ADD_KEYPTR(hh, l->teams, t->id, strlen(t->id), t);
	}
	return t;
}

/* Its pods no longer point into its group. */
static void team_forget_groups(struct team *t)
{
	for (size_t i = 0; i < t->members.len; i++) {
		struct pod *p = t->members.at[i]->pod;
		if (p) {
			pod_forget_group(p);
			p->hint = NULL;
		}
	}
	groups_release(&t->groups);
	t->groups = (struct groups){ 0 };
	arena_free(t->arena);
	t->arena = NULL;
}

static void team_free(struct live *l, struct team *t)
{
	unit_wait(l, &t->unit, false);
	promise_drop(l, &t->unit);
	team_forget_report(l, t);
	team_forget_groups(t);
	for (size_t i = 0; t->dirty && i < l->dirty.len; i++)
		if (l->dirty.at[i] == t)
			l->dirty.at[i] = NULL;
	HASH_DEL(l->teams, t);
	json_decref((json_t *)t->object);
	vec_free(&t->members);
	free(t->id);
	free(t);
}

void team_maybe_free(struct live *l, struct team *t)
{
	if (!t->members.len && !t->object && !t->succeeded && !t->failed)
		team_free(l, t);
}

static void team_leave(struct live *l, struct item *i)
{
	struct team *t = i->team;
	if (!t)
		return;
	struct item *last = t->members.at[--t->members.len];
	t->members.at[i->team_at] = last;
	last->team_at = i->team_at;
	i->team = NULL;
	if (i->pod)
		pod_forget_group(i->pod);
	team_dirty(l, t, true);
	team_maybe_free(l, t);
}

static int by_pod_key(const void *a, const void *b)
{
	return strcmp((*(struct pod *const *)a)->key, (*(struct pod *const *)b)->key);
}

static bool is_social(const struct pod *p)
{
	return p->n_near || p->n_apart || p->n_spreads;
}

static bool waits(const struct item *i)
{
	return i->ours && i->pod && !i->pod->node_name && !i->to;
}

/* Fewer pods than must start together have a node, or will have: one whose binding the server refused counts when it is bound, not when
 * it is tried again. */
static bool half_there(const struct group *g)
{
	int64_t there = 0, tried = 0;
	for (size_t i = 0; i < g->bound.len; i++) {
		const struct item *o = g->bound.at[i]->owner;
		bool again = o && o->to && o->refused;
		tried += again;
		there += !again;
	}
	bool half = g->together && there && (g->min ? there < g->min : (int64_t)g->waiting.len + tried > 0);
	for (size_t i = 0; !half && i < g->children.len; i++)
		half = half_there(g->children.at[i]);
	return half;
}

/* Members that are in no group that starts together are units of their own. */
static void team_build(struct live *l, struct team *t)
{
	autofree struct pod **pods = xcalloc(t->members.len + 1, sizeof(*pods));
	bool social = false;
	team_forget_groups(t);
	t->dirty = false;
	t->arena = arena_new();
	for (size_t i = 0; i < t->members.len; i++) {
		pods[i] = t->members.at[i]->pod;
		social = social || is_social(pods[i]);
	}
	if (t->members.len)
		qsort(pods, t->members.len, sizeof(*pods), by_pod_key);
	group_build(l->m, t->arena, t->object, pods, t->members.len, &t->groups, live_ours, l);
	bool together = t->groups.at.len && t->groups.at.at[0]->together, any = false;
	for (size_t i = 0; i < t->members.len; i++) {
		struct item *m = t->members.at[i];
		bool was = m->unit.waiting_at != 0;
		unit_wait(l, &m->unit, waits(m) && !together);
		m->unit.social = is_social(m->pod);
		if (m->unit.waiting_at && !was)
			unit_wake(l, &m->unit);
		any = any || waits(m);
	}
	bool was = t->unit.waiting_at != 0;
	unit_wait(l, &t->unit, together && any);
	t->unit.social = social;
	if (!t->groups.at.len || !half_there(t->groups.at.at[0]))
		t->half_since = 0;
	else if (!t->half_since)
		t->half_since = clock_now_ms();
	t->unit.told_at = 0;
	if (t->unit.waiting_at && !was)
		unit_wake(l, &t->unit);
	team_report(l, t);
}

/* --- pods ---------------------------------------------------------------------------------------------------------------- */

struct item *live_item(const struct live *l, const char *key)
{
	struct item *i;
	HASH_FIND_STR(l->items, key, i);
	return i;
}

bool live_ours(const struct pod *p, void *arg)
{
	const struct live *l = arg;
	return strcmp(intern_text(l->m->names, p->scheduler), l->name) == 0;
}

static void drop_content(struct live *l, struct item *i, const struct pod *next)
{
	struct pod *old = i->pod;
	struct node *n = old ? old->node : NULL;
	if (!old)
		return;
	/* Room was gained unless the same pod stays on the node, asking for as much. */
	bool stays = n && next && (next->node_name ? next->node_name == n->name : i->to != NULL) && next->uses.n == old->uses.n &&
		     (old->uses.n == 0 || memcmp(next->uses.at, old->uses.at, old->uses.n * sizeof(*old->uses.at)) == 0);
	if (n && !stays && !n->gone)
		live_freed(l, n);
	if (n && !stays && old->n_apart)
		l->wake_all = true;
	model_drop_pod(l->m, old);
	i->pod = NULL;
}

static void item_free(struct live *l, struct item *i)
{
	unit_wait(l, &i->unit, false);
	promise_drop(l, &i->unit);
	item_left(l, i);
	drop_content(l, i, NULL);
	team_leave(l, i);
	HASH_DEL(l->items, i);
	free(i->key);
	free(i->uid);
	free(i->to);
	l->expiring -= i->expires_ms != 0;
	if (i->word)
		i->word->of = NULL;
	free(i->told);
	free(i->told_node);
	free(i);
}

static struct item *item_new(struct live *l, const struct pod *p)
{
	struct item *i = xcalloc(1, sizeof(*i));
	i->key = xstrdup(p->key);
	i->uid = xstrdup(p->uid);
	i->unit.item = i;
	HASH_ADD_KEYPTR(hh, l->items, i->key, strlen(i->key), i);
	return i;
}

/* On the node where the cluster has it, else where it is assumed to be. */
static void put_on_node(struct live *l, struct item *i)
{
	struct pod *p = i->pod;
	if (p->node_name) {
		struct node *n = model_node(l->m, p->node_name);
		free(i->to);
		i->to = NULL;
		i->refused = false;
		if (n)
			model_bind(l->m, p, n);
	} else if (i->to) {
		struct node *n = model_node(l->m, intern(l->m->names, i->to));
		p->assumed = true;
		if (n)
			model_bind(l->m, p, n);
		else
			p->refused = p->own_refused = node_gone;
	}
}

static void join(struct live *l, struct item *i)
{
	autofree char *key = NULL;
	enum group_dialect d;
	struct team *t = group_of_pod(l->m, i->pod, &d, &key) ? team_get(l, d, key, true) : NULL;
	if (i->team != t) {
		team_leave(l, i);
		if (t) {
			i->team = t;
			i->team_at = t->members.len;
			vec_push(&t->members, i);
		}
	}
	if (t) {
		team_dirty(l, t, true);
	} else {
		unit_wait(l, &i->unit, waits(i));
		i->unit.social = is_social(i->pod);
		i->unit.not_before = 0;
		unit_wake(l, &i->unit);
	}
	i->unit.told_at = 0;
}

static bool has_ended(const json_t *j)
{
	const char *phase = json_str(json_at(j, "status"), "phase");
	return phase && (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0);
}

static void put_pod(struct live *l, const json_t *j)
{
	struct pod *p = model_put_pod(l->m, j);
	if (!p) {
		l->stats.foreign++;
		return;
	}
	struct item *i = live_item(l, p->key);
	if (i && strcmp(i->uid, p->uid) != 0) {
		item_free(l, i);
		i = NULL;
	}
	if (has_ended(j)) {
		model_drop_pod(l->m, p);
		if (i)
			item_free(l, i);
		return;
	}
	if (!i)
		i = item_new(l, p);
	p->terminating = p->terminating || i->displaced_by;
	const struct node *was_on = i->pod ? i->pod->node : NULL;
	bool as_before = was_on && labels_same(&i->pod->labels, &p->labels) && i->pod->terminating == p->terminating;
	drop_content(l, i, p);
	i->pod = p;
	p->owner = i;
	i->ours = live_ours(p, l);
	put_on_node(l, i);
	/* Whoever has to be near it, or counts what is spread, may go now, without any room gained. */
	l->wake_social = l->wake_social || (p->node && !(as_before && p->node == was_on));
	join(l, i);
}

void item_unassume(struct live *l, struct item *i)
{
	struct pod *p = i->pod;
	if (!i->to)
		return;
	free(i->to);
	i->to = NULL;
	l->expiring -= i->expires_ms != 0;
	i->expires_ms = 0;
	p->assumed = false;
	if (p->own_refused == node_gone)
		p->refused = p->own_refused = NULL;
	if (p->node && !p->node_name) {
		if (!p->node->gone)
			live_freed(l, p->node);
		model_unbind(l->m, p);
	}
	join(l, i);
}

/* --- nodes and the rest ----------------------------------------------------------------------------------------------------- */

static void put_node(struct live *l, const json_t *j)
{
	struct node *n;
	uint64_t before = l->m->version;
	bool more = model_put_node(l->m, j, &n);
	if (!n)
		l->stats.foreign++;
	else if (more)
		live_freed(l, n);
	/* A domain that counts no more may have been the emptiest. */
	l->wake_social = l->wake_social || l->m->version != before;
}

static void drop_node(struct live *l, const char *name)
{
	struct node *n = model_node(l->m, intern(l->m->names, name));
	for (size_t i = 0; n && i < n->pods.len; i++) {
		struct pod *p = n->pods.at[i];
		struct item *item = p->owner;
		if (!item->to)
			continue;
		p->refused = p->own_refused = node_gone;
		if (item->team)
			team_dirty(l, item->team, false);
	}
	if (n)
		model_drop_node(l->m, n);
}

/* Do both ask for the same? Most changes of such objects are of their status, our own words. */
static bool same_wish(const json_t *a, const json_t *b)
{
	const char *x = json_str(json_at(a, "metadata"), "uid"), *y = json_str(json_at(b, "metadata"), "uid");
	return x && y && strcmp(x, y) == 0 && strcmp(json_str(a, "apiVersion"), json_str(b, "apiVersion")) == 0 && json_same(json_at(a, "spec"), json_at(b, "spec")) &&
	       json_same(json_path(a, "status", "replacements", NULL), json_path(b, "status", "replacements", NULL));
}

/* True: something hangs on what changed. */
static bool put_group(struct live *l, const json_t *j)
{
	autofree char *key = NULL;
	enum group_dialect d = group_of_object(j, &key);
	if (d == GROUP_NONE) {
		l->stats.foreign++;
		return true;
	}
	struct team *t = team_get(l, d, key, true);
	bool news = !t->object || !same_wish(t->object, j);
	json_decref((json_t *)t->object);
	t->object = json_ref(j);
	json_decref(t->report.written);
	t->report.written = NULL;
	if (t->groups.at.len)
		group_read_checkpoint(l->m, t->groups.at.at[0], j);
	if (news)
		team_dirty(l, t, true);
	else
		team_report(l, t);
	return news;
}

static void drop_group(struct live *l, const char *version, const char *kind, const char *ns, const char *name)
{
	autojson json_t *j = json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", version, "kind", kind, "metadata", "namespace", ns ? ns : "", "name", name);
	autofree char *key = NULL;
	enum group_dialect d = group_of_object(j, &key);
	struct team *t = d == GROUP_NONE ? NULL : team_get(l, d, key, false);
	if (!t)
		return;
	json_decref((json_t *)t->object);
	t->object = NULL;
	team_forget_report(l, t);
	team_dirty(l, t, true);
	team_maybe_free(l, t);
}

static void all_teams_dirty(struct live *l)
{
	struct team *t, *next;
	HASH_ITER(hh, l->teams, t, next)
		team_dirty(l, t, false);
	l->wake_all = true;
}

enum concern { C_NONE, C_POD, C_NODE, C_GROUP, C_KEPT, C_OTHER, C_ATTACH, C_RARE };

static enum concern concern_of(const char *version, const char *kind)
{
	static const struct { const char *group, *kind; enum concern c; } rows[] = {
		{ "", "Pod", C_POD }, { "", "Node", C_NODE }, { "", "Namespace", C_OTHER }, { "", "PersistentVolumeClaim", C_OTHER },
		{ "", "PersistentVolume", C_OTHER }, { "storage.k8s.io", "StorageClass", C_OTHER }, { "storage.k8s.io", "CSINode", C_ATTACH },
		{ "storage.k8s.io", "VolumeAttachment", C_ATTACH }, { "scheduling.k8s.io", "PodGroup", C_GROUP }, { "scheduling.x-k8s.io", "PodGroup", C_GROUP },
		{ "scheduling.k8s.io", "PriorityClass", C_RARE }, { "resource.k8s.io", "DeviceClass", C_RARE }, { "aipc.dev", "Gang", C_GROUP }, { "aipc.dev", "FabricTopology", C_KEPT }, { "aipc.dev", "SparePool", C_KEPT },
	};
	for (size_t i = 0; version && kind && i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].group);
		bool same = n ? strncmp(version, rows[i].group, n) == 0 && version[n] == '/' : !strchr(version, '/');
		if (same && strcmp(kind, rows[i].kind) == 0)
			return rows[i].c;
	}
	return C_NONE;
}

/* What a claim or volume is decides whether a class has any room at all. */
static void other_changed(struct live *l, const char *kind)
{
	if (strcmp(kind, "Namespace") != 0)
		engine_forget_claims(l->e);
	l->wake_all = true;
}

/* More, or fewer, volumes may be attached to N; NULL: to whichever. */
static void attach_changed(struct live *l, const char *kind, const struct node *n)
{
	if (n)
		live_freed(l, n);
	else
		other_changed(l, kind);
}

/* What pods were read with: a change means reading them all again. */
static void put_rare(struct live *l, const json_t *j)
{
	struct err err;
	if (!l->refilling)
		l->reset_wanted = true;
	else if (model_add(l->m, j, &err))
		l->stats.foreign++;
}

void live_put(struct live *l, const json_t *j)
{
	const char *version = json_str(j, "apiVersion"), *kind = json_str(j, "kind"), *name = json_str(json_at(j, "metadata"), "name");
	enum concern c = name && *name ? concern_of(version, kind) : C_NONE;
	uint64_t before = l->m->version;
	bool news = c != C_POD && c != C_NODE;
	if (c == C_POD) {
		put_pod(l, j);
	} else if (c == C_NODE) {
		put_node(l, j);
	} else if (c == C_GROUP) {
		news = put_group(l, j);
	} else if (c == C_KEPT) {
		model_put_kept(l->m, j);
		all_teams_dirty(l);
	} else if (c == C_OTHER) {
		model_put_other(l->m, j);
		other_changed(l, kind);
	} else if (c == C_ATTACH) {
		attach_changed(l, kind, model_put_other(l->m, j));
	} else if (c == C_RARE) {
		put_rare(l, j);
	} else {
		l->stats.foreign++;
	}
	l->world += l->m->version != before || news;
}

void live_drop(struct live *l, const char *version, const char *kind, const char *ns, const char *name)
{
	enum concern c = concern_of(version, kind);
	autofree char *key = xasprintf("%s/%s", ns && *ns ? ns : "default", name);
	struct item *i = c == C_POD ? live_item(l, key) : NULL;
	l->world++;
	if (i) {
		item_free(l, i);
	} else if (c == C_NODE) {
		drop_node(l, name);
	} else if (c == C_GROUP) {
		drop_group(l, version, kind, ns, name);
	} else if (c == C_KEPT) {
		model_drop_kept(l->m, kind, name);
		all_teams_dirty(l);
	} else if (c == C_OTHER) {
		model_drop_other(l->m, kind, ns, name);
		other_changed(l, kind);
	} else if (c == C_ATTACH) {
		attach_changed(l, kind, model_drop_other(l->m, kind, ns, name));
	} else if (c == C_RARE) {
		l->reset_wanted = true;
	}
}

void live_budgets(struct live *l, const json_t *array)
{
	model_put_budgets(l->m, array);
	l->hungry = true;
	l->world++;
}

/* --- waking ---------------------------------------------------------------------------------------------------------------- */

/* May one pod of U's class go to some node that gained? Memory of the answer: 1 no, 2 yes. */
static bool concerned(struct live *l, struct map *known, const struct unit *u)
{
	struct pod *p = u->item ? u->item->pod : NULL;
	if (!p || u->social || u->claims.len)
		return true;
	size_t answer = (size_t)map_get(known, p->class_key);
	if (!answer) {
		struct filter *f = filter_open(l->m, p);
		answer = 1;
		for (size_t i = 0; answer == 1 && i < l->freed.len; i++) {
			const struct node *n = model_node(l->m, l->freed.at[i]);
			const char *why;
			if (n && !n->spare && !filter_node_static(f, n) && filter_room(f, n, &why) > 0)
				answer = 2;
		}
		filter_close(f);
		map_put(known, p->class_key, (void *)answer);
	}
	return answer == 2;
}

static void wake_social(struct live *l)
{
	for (size_t i = 0; i < l->waiting.len; i++)
		if (l->waiting.at[i]->social)
			unit_wake(l, l->waiting.at[i]);
	l->wake_social = false;
}

static void wake_concerned(struct live *l)
{
	struct map *known = map_new();
	for (size_t i = 0; i < l->waiting.len; i++)
		if (!l->waiting.at[i]->awake_at && (l->wake_all || concerned(l, known, l->waiting.at[i])))
			unit_wake(l, l->waiting.at[i]);
	map_free(known);
	l->freed.len = 0;
	l->wake_all = false;
	l->hungry = true;
}

void live_settle(struct live *l)
{
	if (l->m->stale) {
		engine_reshape(l->e);
		l->stats.reshapes++;
		l->wake_all = true;
	}
	for (size_t i = 0; i < l->dirty.len; i++)
		if (l->dirty.at[i])
			team_build(l, l->dirty.at[i]);
	l->dirty.len = 0;
	if (l->wake_social)
		wake_social(l);
	if (l->freed.len || l->wake_all)
		wake_concerned(l);
	model_trim_changes(l->m);
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static void start(struct live *l)
{
	l->m = model_new();
	l->e = engine_new(l->m, live_ours, l);
	engine_set_rules(l->e, &l->rules);
	l->e->terse = true;
}

struct live *live_new(const char *name)
{
	struct live *l = xcalloc(1, sizeof(*l));
	l->name = xstrdup(name);
	l->refilling = true;
	l->world = 1;
	l->hungry_due = l->report_due = l->mature_due = INT64_MAX;
	l->rules = engine_default_rules;
	start(l);
	return l;
}

void live_set_rules(struct live *l, const struct engine_rules *r)
{
	l->rules = *r;
	engine_set_rules(l->e, r);
}

bool live_wants_reset(const struct live *l)
{
	return !l->refilling && (l->reset_wanted || model_garbage(l->m) > 2 * l->live_bytes + GARBAGE_FREE);
}

void live_reset(struct live *l)
{
	struct item *i, *next;
	struct team *t, *after;
	ended_forget_all(l);
	HASH_ITER(hh, l->items, i, next)
		unit_wait(l, &i->unit, false);
	HASH_ITER(hh, l->teams, t, after) {
		for (size_t k = 0; k < t->members.len; k++)
			t->members.at[k]->team = NULL;
		team_free(l, t);
	}
	HASH_ITER(hh, l->items, i, next)
		i->pod = NULL;               /* goes with the model */
	engine_free(l->e);
	model_free(l->m);
	l->dirty.len = l->freed.len = 0;
	l->stats.resets++;
	l->refilling = true;
	l->reset_wanted = false;
	start(l);
}

void live_refilled(struct live *l)
{
	struct item *i, *next;
	HASH_ITER(hh, l->items, i, next)
		if (!i->pod)
			item_free(l, i);
	live_settle(l);
	promises_restore(l);
	l->live_bytes = model_garbage(l->m);
	l->refilling = false;
	l->wake_all = true;
}

void live_free(struct live *l)
{
	struct item *i, *next;
	struct team *t, *after;
	if (!l)
		return;
	ended_forget_all(l);
	HASH_ITER(hh, l->items, i, next)
		item_free(l, i);
	HASH_ITER(hh, l->teams, t, after)
		team_free(l, t);
	for (size_t k = l->statuses_at; k < l->statuses.len; k++)
		live_status_free(l->statuses.at[k]);
	for (size_t k = l->binds_at; k < l->binds.len; k++)
		live_bind_free(l->binds.at[k]);
	for (size_t k = l->words_at; k < l->words.len; k++)
		live_word_free(l->words.at[k]);
	for (size_t k = l->rewords_at; k < l->rewords.len; k++)
		live_word_free(l->rewords.at[k]);
	for (size_t k = l->victims_at; k < l->victims.len; k++)
		live_victim_free(l->victims.at[k]);
	engine_free(l->e);
	model_free(l->m);
	vec_free(&l->waiting);
	vec_free(&l->awake);
	vec_free(&l->dirty);
	vec_free(&l->promised);
	vec_free(&l->freed);
	vec_free(&l->binds);
	vec_free(&l->words);
	vec_free(&l->rewords);
	vec_free(&l->victims);
	vec_free(&l->statuses);
	vec_free(&l->reports);
	free(l->name);
	free(l);
}

const struct model *live_model(const struct live *l)
{
	return l->m;
}
