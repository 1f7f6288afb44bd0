/* Spare swap: the failed nodes of a gang against the free spares, all of them at once or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/controllers/decide.h"
#include "runtime/controllers/spares.h"

/* A node that failed under the gang, and the pods of the gang that were there. */
struct broken {
	const char *node, *why;
	VEC(const struct fleet_pod *) pods;
	int64_t rank;                /* the lowest of its pods' */
	int mate;                    /* index of its spare, -1 */
	int *score;                  /* of each spare: how near it is to what survives, then to the node itself; -1: cannot be used */
};

struct repair {
	const struct fleet *f;
	const struct spares *free;   /* what all gangs of a round choose from */
	size_t kept;                 /* of them for other gangs, though they would serve this one */
	const json_t *gang, *spec;
	const char *ns, *name;
	struct levels levels;
	int slice_size;
	VEC(struct broken) broken;
	VEC(const struct fleet_node *) spares;
	struct fleet_pod *const *pods; size_t n_pods;    /* of the gang */
	VEC(const struct fleet_pod *) alive;
	int *mate_of;                /* of each spare: index of what it replaces, -1 */
	bool *seen;
};

/* --- what failed ---------------------------------------------------------------------------------------------------------- */

static const char *failed(const struct fleet_node *n)
{
	if (!n)
		return "NodeGone";
	const json_t *taint = node_taint(n, KEY_UNHEALTHY);
	return taint ? *word(taint, "value") ? word(taint, "value") : "Unhealthy" : NULL;
}

static struct broken *broken_of(struct repair *r, const char *node, const char *why)
{
	for (size_t i = 0; i < r->broken.len; i++)
		if (strcmp(r->broken.at[i].node, node) == 0)
			return &r->broken.at[i];
	vec_push(&r->broken, (struct broken){ .node = node, .why = why, .rank = INT64_MAX, .mate = -1 });
	return &r->broken.at[r->broken.len - 1];
}

static int by_rank(const void *a, const void *b)
{
	const struct broken *p = a, *q = b;
	return p->rank != q->rank ? (p->rank < q->rank ? -1 : 1) : str_natural_cmp(p->node, q->node);
}

/* An entry of the status whose successor runs is done; one whose spare has failed too must be chosen again. */
static const json_t *entry_of(const json_t *list, const char *group, int64_t rank)
{
	size_t i;
	json_t *e;
	json_array_foreach(list, i, e) {
		if (json_int(e, "rank", -1) == rank && strcmp(word(e, "group"), group) == 0)
			return e;
	}
	return NULL;
}

static void collect_pods(struct repair *r)
{
	r->pods = fleet_gang_pods(r->f, r->ns, r->name, &r->n_pods);
	for (size_t i = 0; i < r->n_pods; i++) {
		const struct fleet_pod *p = r->pods[i];
		if (p->ended || !*p->node)
			continue;
		const char *why = failed(p->at);
		if (!why) {
			vec_push(&r->alive, p);
			continue;
		}
		struct broken *b = broken_of(r, p->node, why);
		vec_push(&b->pods, p);
		if (p->rank >= 0 && p->rank < b->rank)
			b->rank = p->rank;
	}
	if (r->broken.len)
		qsort(r->broken.at, r->broken.len, sizeof(*r->broken.at), by_rank);
}

/* --- which spares ----------------------------------------------------------------------------------------------------------- */

/* Promised to a rank of this gang that still waits for it, not to one that just failed (that promise may be kept or changed). */
static bool promised_here(const struct repair *r, const json_t *stored, const char *node)
{
	size_t i;
	json_t *e;
	json_array_foreach(stored, i, e) {
		bool failed_again = false;
		if (strcmp(word(e, "node"), node) != 0)
			continue;
		for (size_t b = 0; b < r->broken.len; b++)
			for (size_t k = 0; k < r->broken.at[b].pods.len; k++)
				failed_again = failed_again || (r->broken.at[b].pods.at[k]->rank == json_int(e, "rank", -1) &&
								strcmp(r->broken.at[b].pods.at[k]->group, word(e, "group")) == 0);
		if (!failed_again)
			return true;
	}
	return false;
}

static void collect_spares(struct repair *r, const json_t *stored, const json_t *out)
{
	for (size_t i = 0; i < r->free->list.len; i++) {
		const struct fleet_node *n = r->free->list.at[i];
		bool serves = false;
		for (size_t p = 0; !serves && p < r->f->pools.len; p++)
			serves = spare_serves(r->f->pools.at[p], r->gang, n);
		if (!serves || spare_promised(r->f, out, n->name, r->gang) || promised_here(r, stored, n->name))
			continue;
		if (r->free->keeper.at[i] && r->free->keeper.at[i] != r->gang)
			r->kept++;
		else
			vec_push(&r->spares, n);
	}
}

/* Extended resources are whole numbers; of the rest the scheduler judges. */
static int64_t whole(const json_t *resources, const char *name)
{
	const json_t *v = json_at(resources, name);
	const char *text = json_string_value(v);
	if (json_is_integer(v))
		return json_integer_value(v);
	return text && *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text) ? strtol(text, NULL, 10) : 0;
}

static bool offers(const struct broken *b, const struct fleet_node *spare)
{
	autojson json_t *sum = json_object();
	const char *key;
	json_t *v, *c;
	size_t k;
	for (size_t i = 0; i < b->pods.len; i++) {
		json_array_foreach(json_at(json_at(b->pods.at[i]->json, "spec"), "containers"), k, c) {
			const json_t *res = json_at(c, "resources"), *list = json_at(res, "requests");
			json_object_foreach((json_t *)(list ? list : json_at(res, "limits")), key, v) {
				const json_t *of = list ? list : json_at(res, "limits");
				if (strchr(key, '/'))
					json_put_int(sum, key, json_int(sum, key, 0) + whole(of, key));
			}
		}
	}
	json_object_foreach(sum, key, v) {
		if (whole(spare->allocatable, key) < json_integer_value(v))
			return false;
	}
	return true;
}

/* Levels that SPARE shares with every survivor that matters: those of the same slice first, else all of the gang. */
static int nearness(const struct repair *r, const struct broken *b, const struct fleet_node *spare)
{
	int slice = r->levels.n, gang = r->levels.n;
	bool any_slice = false, any = false;
	for (size_t i = 0; i < r->alive.len; i++) {
		const struct fleet_node *n = r->alive.at[i]->at;
		int shared = fleet_shared(&r->levels, n, spare);
		bool same = r->slice_size > 0 && r->alive.at[i]->rank >= 0 && b->rank != INT64_MAX && r->alive.at[i]->rank / r->slice_size == b->rank / r->slice_size;
		any = true;
		gang = shared < gang ? shared : gang;
		any_slice = any_slice || same;
		slice = same && shared < slice ? shared : slice;
	}
	if (!any) {
		/* All of it failed: near the node that failed, where that is still known. */
		const struct fleet_node *old = fleet_node(r->f, b->node);
		return old ? fleet_shared(&r->levels, old, spare) : 0;
	}
	return any_slice ? slice : gang;
}

/* Levels a spare must share with the whole gang: what the gang requires, and how wide a repair may go. -1: a level is unknown. */
static int must_share(const struct repair *r)
{
	const char *words[] = { json_str(r->spec, "required"), json_str(json_at(r->spec, "repair"), "widest") };
	int must = 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		int level = words[i] ? levels_find(&r->levels, words[i]) : -1;
		if (level == -2)
			return -1;
		must = level + 1 > must ? level + 1 : must;
	}
	return must;
}

static bool within(const struct repair *r, const struct broken *b, const struct fleet_node *spare, int must)
{
	const struct fleet_node *old = fleet_node(r->f, b->node);
	for (size_t i = 0; i < r->alive.len; i++)
		if (fleet_shared(&r->levels, r->alive.at[i]->at, spare) < must)
			return false;
	return r->alive.len || !old || fleet_shared(&r->levels, old, spare) >= must;
}

/* --- who gets which --------------------------------------------------------------------------------------------------------- */

/* One augmenting path of a bipartite matching over the edges of at least this score. */
static bool augment(struct repair *r, size_t i, int score)
{
	struct broken *b = &r->broken.at[i];
	/* A free spare first: nobody is moved on without need. */
	for (int chain = 0; chain < 2; chain++) {
		for (size_t s = 0; s < r->spares.len; s++) {
			if (b->score[s] < score || r->seen[s] || (!chain && r->mate_of[s] >= 0))
				continue;
			r->seen[s] = true;
			if (r->mate_of[s] < 0 || augment(r, (size_t)r->mate_of[s], score)) {
				r->mate_of[s] = (int)i;
				b->mate = (int)s;
				return true;
			}
		}
	}
	return false;
}

static void edges(struct repair *r, int must)
{
	for (size_t i = 0; i < r->broken.len; i++) {
		struct broken *b = &r->broken.at[i];
		const struct fleet_node *old = fleet_node(r->f, b->node);
		b->score = xcalloc(r->spares.len + 1, sizeof(*b->score));
		for (size_t s = 0; s < r->spares.len; s++) {
			const struct fleet_node *spare = r->spares.at[s];
			b->score[s] = !offers(b, spare) || !within(r, b, spare, must) ? -1
				: nearness(r, b, spare) * (FLEET_LEVELS + 1) + (old ? fleet_shared(&r->levels, old, spare) : 0);
		}
	}
}

/* What an earlier round promised stays promised while the spare is fit: nobody is sent to two places. */
static void keep_promises(struct repair *r, const json_t *stored)
{
	for (size_t i = 0; i < r->broken.len; i++) {
		struct broken *b = &r->broken.at[i];
		const json_t *e = b->pods.len ? entry_of(stored, b->pods.at[0]->group, b->pods.at[0]->rank) : NULL;
		for (size_t s = 0; e && s < r->spares.len; s++)
			if (strcmp(r->spares.at[s]->name, word(e, "node")) == 0 && b->score[s] >= 0 && r->mate_of[s] < 0 && strcmp(b->node, word(e, "from")) == 0) {
				r->mate_of[s] = (int)i;
				b->mate = (int)s;
			}
	}
}

/* The nearest level first, then wider: who has a place keeps one, and as many as possible get one. */
static size_t match(struct repair *r, const json_t *stored, int must)
{
	size_t placed = 0;
	r->mate_of = xcalloc(r->spares.len + 1, sizeof(*r->mate_of));
	r->seen = xcalloc(r->spares.len + 1, sizeof(*r->seen));
	for (size_t s = 0; s < r->spares.len; s++)
		r->mate_of[s] = -1;
	edges(r, must);
	keep_promises(r, stored);
	for (int score = (r->levels.n + 1) * (FLEET_LEVELS + 1); score >= 0; score--) {
		for (size_t i = 0; i < r->broken.len; i++) {
			if (r->broken.at[i].mate >= 0)
				continue;
			memset(r->seen, 0, r->spares.len * sizeof(*r->seen));
			(void)augment(r, i, score);
		}
	}
	for (size_t i = 0; i < r->broken.len; i++)
		placed += r->broken.at[i].mate >= 0;
	return placed;
}

/* --- the decision ------------------------------------------------------------------------------------------------------------- */

static json_t *decide_gang(const struct repair *r, const char *what, const char *reason, const char *message)
{
	const json_t *meta = json_at(r->gang, "metadata");
	json_t *d = json_object();
	json_put_str(d, "do", what);
	json_put_str(d, "gang", arena_printf(r->f->a, "%s/%s", r->ns, r->name));
	json_put_str(d, "uid", word(meta, "uid"));
	json_put_int(d, "observedGeneration", json_int(meta, "generation", 0));
	json_put_str(d, "reason", reason);
	json_put_str(d, "message", message);
	return d;
}

static json_t *entry(const struct repair *r, const struct broken *b, const struct fleet_pod *p, const json_t *stored)
{
	char now[32];
	const json_t *old = entry_of(stored, p->group, p->rank);
	const char *since = old && strcmp(word(old, "uid"), p->uid) == 0 ? json_str(old, "since") : NULL;
	json_t *e = json_object();
	clock_stamp(r->f->now_ms, now);
	json_put_str(e, "group", p->group);
	json_put_int(e, "rank", p->rank);
	json_put_str(e, "node", r->spares.at[b->mate]->name);
	json_put_str(e, "from", b->node);
	json_put_str(e, "pod", p->name);
	json_put_str(e, "uid", p->uid);
	json_put_str(e, "reason", b->why);
	json_put_str(e, "since", since ? since : now);
	return e;
}

/* Entries of earlier rounds that still wait for their pod: nobody of that rank is bound yet. */
static void keep_open(const struct repair *r, const json_t *stored, json_t *list)
{
	size_t i;
	json_t *e;
	json_array_foreach(stored, i, e) {
		const struct fleet_node *spare = fleet_node(r->f, word(e, "node"));
		bool bound = false;
		for (size_t k = 0; k < r->n_pods; k++) {
			const struct fleet_pod *p = r->pods[k];
			bound = bound || (!p->ended && *p->node && p->rank == json_int(e, "rank", -1) && strcmp(p->group, word(e, "group")) == 0);
		}
		if (!bound && spare && node_usable(spare) && !entry_of(list, word(e, "group"), json_int(e, "rank", -1)))
			json_array_append_new(list, json_ref(e));
	}
}

static void delete_pods(const struct broken *b, json_t *list)
{
	for (size_t i = 0; i < b->pods.len; i++) {
		const struct fleet_pod *p = b->pods.at[i];
		if (p->terminating)
			continue;
		json_t *o = json_object();
		json_put_str(o, "namespace", p->ns);
		json_put_str(o, "name", p->name);
		json_put_str(o, "uid", p->uid);
		json_put_str(o, "node", b->node);
		json_array_append_new(list, o);
	}
}

static json_t *repair_with_spares(struct repair *r, const json_t *stored, const json_t *out)
{
	char text[300];
	int64_t most = json_int(json_at(r->spec, "repair"), "maxNodes", 32);
	int must = must_share(r);
	size_t n = r->broken.len;
	if (must < 0)
		return decide_gang(r, "short", "UnknownLevel", "not repaired: required or repair.widest names a level that the topology does not have");
	if ((int64_t)n > most) {
		snprintf(text, sizeof(text), "not repaired: %zu nodes failed at once, repair.maxNodes is %lld", n, (long long)most);
		return decide_gang(r, "short", "TooManyFailed", text);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r->broken.at[i].pods.len; k++)
			if (r->broken.at[i].pods.at[k]->rank < 0)
				return decide_gang(r, "short", "NoRank", "not repaired: pods on failed nodes have no rank (annotation " KEY_RANK ")");
	collect_spares(r, stored, out);
	size_t placed = match(r, stored, must);
	if (placed < n) {
		int len = snprintf(text, sizeof(text), "not repaired: %zu node%s failed, %zu can be replaced (%zu free spare%s", n, n == 1 ? "" : "s", placed,
				   r->spares.len, r->spares.len == 1 ? "" : "s");
		snprintf(text + len, sizeof(text) - (size_t)len, r->kept ? "; %zu more kept for other gangs)" : ")", r->kept);
		return decide_gang(r, "short", "NoSpare", text);
	}
	json_t *list = json_array(), *gone = json_array();
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < r->broken.at[i].pods.len; k++)
			json_array_append_new(list, entry(r, &r->broken.at[i], r->broken.at[i].pods.at[k], stored));
		delete_pods(&r->broken.at[i], gone);
	}
	keep_open(r, stored, list);
	if (json_array_size(gone) == 0 && json_same(list, stored)) {
		json_decref(list);
		json_decref(gone);
		return NULL;         /* decided before, the pods are on their way out */
	}
	snprintf(text, sizeof(text), "%zu failed node%s replaced from spares, ranks kept", n, n == 1 ? "" : "s");
	json_t *d = decide_gang(r, "replace", "Replacing", text);
	json_put_new(d, "replacements", list);
	json_put_new(d, "delete", gone);
	return d;
}

static json_t *repair_restart(struct repair *r)
{
	json_t *d = decide_gang(r, "restart", "Restarting", "nodes under the gang failed: all its pods are deleted and placed again"), *gone = json_array();
	struct broken rest = { .node = "" };
	for (size_t i = 0; i < r->broken.len; i++)
		delete_pods(&r->broken.at[i], gone);
	for (size_t i = 0; i < r->alive.len; i++)
		vec_push(&rest.pods, r->alive.at[i]);
	delete_pods(&rest, gone);
	vec_free(&rest.pods);
	json_put_new(d, "replacements", json_array());
	json_put_new(d, "delete", gone);
	return d;
}

/* Does the condition Repairing still tell of failed nodes? */
static bool was_troubled(const struct repair *r)
{
	size_t i;
	json_t *c;
	json_array_foreach(json_at(json_at(r->gang, "status"), "conditions"), i, c) {
		const char *reason = word(c, "reason");
		if (strcmp(word(c, "type"), "Repairing") == 0)
			return strcmp(reason, "Repaired") != 0 && strcmp(reason, "Healthy") != 0;
	}
	return false;
}

static json_t *settle_old(const struct repair *r, const json_t *stored)
{
	json_t *list = json_array();
	keep_open(r, stored, list);
	if (json_array_size(list) == json_array_size(stored)) {
		bool troubled = json_array_size(list) == 0 && was_troubled(r);
		json_decref(list);
		return troubled ? decide_gang(r, "done", "Healthy", "no node under the gang has failed") : NULL;
	}
	json_t *d = json_array_size(list) ? decide_gang(r, "done", "Replacing", "some replaced pods are bound") : decide_gang(r, "done", "Repaired", "all replaced pods are bound");
	json_put_new(d, "replacements", list);
	return d;
}

static json_t *decide_one(const struct fleet *f, const struct spares *free_, const json_t *gang, const json_t *out)
{
	const json_t *meta = json_at(gang, "metadata"), *stored = json_at(json_at(gang, "status"), "replacements"), *slices;
	struct repair r = { .f = f, .free = free_, .gang = gang, .spec = json_at(gang, "spec"), .ns = word(meta, "namespace"), .name = word(meta, "name") };
	const char *topology = json_str(r.spec, "topology"), *policy = json_str(json_at(r.spec, "repair"), "policy");
	json_t *d = NULL;
	if (json_str(meta, "deletionTimestamp"))
		return NULL;
	slices = json_at(r.spec, "slices");
	r.slice_size = (int)json_int(json_array_get(slices, json_array_size(slices) - 1), "size", 0);
	fleet_levels(f, topology ? topology : "default", &r.levels);
	collect_pods(&r);
	if (r.broken.len == 0)
		d = settle_old(&r, stored);
	else if (policy && strcmp(policy, "None") == 0)
		d = NULL;
	else
		d = policy && strcmp(policy, "Restart") == 0 ? repair_restart(&r) : repair_with_spares(&r, stored, out);
	for (size_t i = 0; i < r.broken.len; i++) {
		vec_free(&r.broken.at[i].pods);
		free(r.broken.at[i].score);
	}
	vec_free(&r.broken);
	vec_free(&r.spares);
	vec_free(&r.alive);
	free(r.mate_of);
	free(r.seen);
	return d;
}

json_t *swap_decide(const struct fleet *f)
{
	json_t *out = json_array();
	struct spares free_;
	spares_find(f, &free_);
	for (size_t i = 0; i < f->gangs.len; i++) {
		json_t *d = decide_one(f, &free_, f->gangs.at[i], out);
		if (d)
			json_array_append_new(out, d);
	}
	spares_release(&free_);
	return out;
}

/* --- pools --------------------------------------------------------------------------------------------------------------------- */

struct count { int64_t nodes, free_, reserved, in_use, unhealthy; };

static void short_domains(const struct fleet *f, const json_t *spec, const json_t *selector, json_t *out, bool *unknown)
{
	const char *topology = json_str(spec, "topology");
	struct levels l;
	size_t k;
	json_t *limit;
	fleet_levels(f, topology ? topology : "default", &l);
	json_array_foreach(json_at(spec, "minFree"), k, limit) {
		int level = levels_find(&l, json_str(limit, "level"));
		int64_t want = json_int(limit, "nodes", 1);
		*unknown = *unknown || level == -2;
		autojson json_t *have = json_object();
		/* Every domain that nodes are in counts, also those without a single spare. */
		for (size_t i = 0; level > -2 && i < f->nodes.len; i++) {
			const struct fleet_node *n = f->nodes.at[i];
			const char *path = fleet_domain(f, &l, n, level);
			if (path)
				json_put_int(have, path, json_int(have, path, 0) + (labels_match(selector, n->labels) && node_usable(n) && n->pods.len == 0 && !spare_promised(f, NULL, n->name, NULL)));
		}
		size_t n;
		autofree const char **paths = json_keys(have, &n);
		for (size_t i = 0; i < n && json_array_size(out) < 100; i++) {
			if (json_int(have, paths[i], 0) >= want)
				continue;
			json_t *o = json_object();
			json_put_str(o, "level", word(limit, "level"));
			json_put_str(o, "domain", paths[i]);
			json_put_int(o, "free", json_int(have, paths[i], 0));
			json_put_int(o, "wanted", want);
			json_array_append_new(out, o);
		}
	}
}

json_t *pools_decide(const struct fleet *f)
{
	json_t *out = json_array();
	for (size_t p = 0; p < f->pools.len; p++) {
		const json_t *meta = json_at(f->pools.at[p], "metadata"), *spec = json_at(f->pools.at[p], "spec"), *selector = spare_selector(f->pools.at[p]);
		struct count c = { 0 };
		for (size_t i = 0; i < f->nodes.len; i++) {
			const struct fleet_node *n = f->nodes.at[i];
			if (!labels_match(selector, n->labels))
				continue;
			c.nodes++;
			if (!node_usable(n))
				c.unhealthy++;
			else if (n->pods.len)
				c.in_use++;
			else if (spare_promised(f, NULL, n->name, NULL))
				c.reserved++;
			else
				c.free_++;
		}
		json_t *d = json_object(), *missing = json_array();
		bool unknown = false;
		short_domains(f, spec, selector, missing, &unknown);
		json_put_str(d, "do", "status");
		json_put_str(d, "pool", word(meta, "name"));
		json_put_str(d, "uid", word(meta, "uid"));
		json_put_int(d, "observedGeneration", json_int(meta, "generation", 0));
		json_put_int(d, "nodes", c.nodes);
		json_put_int(d, "free", c.free_);
		json_put_int(d, "reserved", c.reserved);
		json_put_int(d, "inUse", c.in_use);
		json_put_int(d, "unhealthy", c.unhealthy);
		json_put_str(d, "reason", unknown ? "UnknownLevel" : json_array_size(missing) ? "Short" : "Enough");
		json_put_new(d, "short", missing);
		json_array_append_new(out, d);
	}
	return out;
}
