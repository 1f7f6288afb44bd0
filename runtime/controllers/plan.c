/* What each decision writes. */
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/controllers/act.h"
#include "runtime/controllers/decide.h"

/* --- nodes: taints and annotations ---------------------------------------------------------------------------------------- */

/* All that is to be changed on one node goes in one patch, so that taint and annotation are never apart. */
struct node_plan { const struct fleet_node *n; struct write *w; UT_hash_handle hh; };

static struct write *node_write(struct round *r, const struct fleet_node *n)
{
	struct node_plan *p;
	HASH_FIND_PTR(r->nodes, &n, p);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->n = n;
		p->w = write_new(r, CTL_NODE, WRITE_PATCH, n->json);
		HASH_ADD_PTR(r->nodes, n, p);
	}
	return p->w;
}

void round_free(struct round *r)
{
	struct node_plan *p, *next;
	HASH_ITER(hh, r->nodes, p, next) {
		HASH_DEL(r->nodes, p);   /* NOLINT(clang-analyzer-unix.Malloc): HASH_ITER has its next one already */
		free(p);
	}
}

static json_t *part(json_t *obj, const char *key)
{
	json_t *have = json_object_get(obj, key);
	if (!have)
		json_put_new(obj, key, have = json_object());
	return have;
}

/* The whole list of taints: those of others as they are. With VALUE one of ours more, without it those of KEY less. */
static void put_taints(struct write *w, const struct fleet_node *n, const char *key, const char *value, const char *effect)
{
	json_t *spec = part(w->body, "spec"), *taints = json_object_get(spec, "taints"), *kept = json_array(), *one;
	size_t i;
	json_array_foreach(taints ? taints : n->taints, i, one) {
		if (strcmp(word(one, "key"), key) != 0)
			json_array_append_new(kept, json_ref(one));
	}
	if (value)
		json_array_append_new(kept, json_pack("{s:s,s:s,s:s}", "key", key, "value", value, "effect", effect));
	json_put_new(spec, "taints", kept);
}

static void put_note(struct write *w, const char *key, const json_t *note)
{
	autofree char *text = note ? json_text(note) : NULL;
	json_put_str(part(json_object_get(w->body, "metadata"), "annotations"), key, text);
}

/* What the words of health and guard do to a node: TAINT +1, -1 or 0 for KEY, and NOTE is the annotation that "note" goes to. */
static const struct change { const char *what, *key, *note; int taint; } changes[] = {
	{ "fence", KEY_UNHEALTHY, KEY_FENCE, 1 },  { "lift", KEY_UNHEALTHY, KEY_FENCE, -1 }, { "note", KEY_UNHEALTHY, KEY_FENCE, 0 },
	{ "suspect", KEY_GUARD, KEY_GUARD_NOTE, 0 }, { "guard", KEY_GUARD, KEY_GUARD_NOTE, 1 }, { "unguard", KEY_GUARD, KEY_GUARD_NOTE, -1 },
	{ "unsuspect", KEY_GUARD, KEY_GUARD_NOTE, 0 },
};

static bool has_finalizer(const json_t *object)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_at(json_at(object, "metadata"), "finalizers"), i, f) {
		if (json_is_string(f) && strcmp(json_string_value(f), CTL_FINALIZER) == 0)
			return true;
	}
	return false;
}

void plan_node(struct round *r, const char *controller, const json_t *d)
{
	const struct fleet_node *n = fleet_node(r->f, word(d, "node"));
	const char *what = word(d, "do"), *effect = json_str(d, "effect");
	if (n && decision_stands(d))
		round_stands(r, CTL_NODE, n->json, controller, d);
	for (size_t i = 0; n && i < ARRAY_LEN(changes); i++) {
		const struct change *c = &changes[i];
		if (strcmp(c->what, what) != 0)
			continue;
		/* A policy whose end would not be noticed must not begin anything. */
		if (c->taint > 0 && !has_finalizer(policy_of(r->f, n)))
			return;
		struct write *w = node_write(r, n);
		if (c->taint)
			put_taints(w, n, c->key, c->taint > 0 ? word(d, "reason") : NULL, effect ? effect : "NoSchedule");
		put_note(w, c->note, json_at(d, "note"));
		write_tells(w, controller, d, false, false);
	}
}

void plan_health(struct round *r, const char *controller, const json_t *d)
{
	if (json_str(d, "policy"))
		plan_status(r, controller, d);
	else
		plan_node(r, controller, d);
}

void plan_mark(struct round *r, const char *controller, const json_t *d)
{
	const struct fleet_node *n = fleet_node(r->f, word(d, "node"));
	struct node_plan *p;
	char now[32];
	HASH_FIND_PTR(r->nodes, &n, p);
	if (!n || p)
		return;              /* its version will be another in a moment; the mark comes behind */
	struct write *w = write_new(r, CTL_NODE, WRITE_NODE_STATUS, n->json);
	clock_stamp(r->f->now_ms, now);
	json_t *list = json_array();
	size_t i;
	json_t *c;
	json_array_foreach(json_at(d, "conditions"), i, c) {
		json_t *copy = json_copy(c);
		json_put_str(copy, "lastHeartbeatTime", now);
		json_put_str(copy, "lastTransitionTime", now);
		json_array_append_new(list, copy);
	}
	json_put_new(w->body, "status", json_pack("{s:o}", "conditions", list));
	write_tells(w, controller, d, false, false);
}

/* --- status --------------------------------------------------------------------------------------------------------------- */

struct verdict { const char *type; bool is; const char *reason, *message; };

static const json_t *condition_of(const json_t *object, const char *type)
{
	size_t i;
	json_t *c;
	json_array_foreach(json_at(json_at(object, "status"), "conditions"), i, c) {
		if (strcmp(word(c, "type"), type) == 0)
			return c;
	}
	return NULL;
}

/* A new condition; the time stays while the status does. *NEWS: it is worth an event. */
static json_t *condition(const struct fleet *f, const json_t *object, const struct verdict *v, bool *news)
{
	const json_t *old = condition_of(object, v->type);
	const char *status = v->is ? "True" : "False";
	char now[32];
	bool same = old && strcmp(word(old, "status"), status) == 0;
	json_t *c = json_object();
	clock_stamp(f->now_ms, now);
	json_put_str(c, "type", v->type);
	json_put_str(c, "status", status);
	json_put_str(c, "reason", v->reason);
	json_put_str(c, "message", v->message);
	json_put_int(c, "observedGeneration", json_int(json_at(object, "metadata"), "generation", 0));
	json_put_str(c, "lastTransitionTime", same && json_str(old, "lastTransitionTime") ? json_str(old, "lastTransitionTime") : now);
	*news = !old || !same || strcmp(word(old, "reason"), v->reason) != 0;
	return c;
}

static void apply_status(struct write *w, json_t *status)
{
	const struct kube_type *type = &ctl_types[w->kind];
	json_put_str(w->body, "apiVersion", "aipc.dev/v1alpha1");
	json_put_str(w->body, "kind", type->kind);
	json_t *meta = json_object_get(w->body, "metadata");
	json_put_str(meta, "name", w->name);
	if (w->ns)
		json_put_str(meta, "namespace", w->ns);
	json_put_new(w->body, "status", status);
}

/* The kinds whose status is ours alone: which fields of the decision it has, and the condition that its reason means. */
static const struct counted { const char *key; enum ctl_kind kind; const char *fields[6], *type, *good, *message; bool is_when_good; } counted[] = {
	{ "pool", CTL_POOL, { "nodes", "free", "reserved", "inUse", "unhealthy", "short" }, "Enough", "Enough", "every domain has its minimum of free spares", true },
	{ "policy", CTL_POLICY, { "nodes", "fenced", "held" }, "Holding", "WithinLimits", "no node is held back", false },
	{ "topology", CTL_TOPOLOGY, { "nodes", "levels" }, "Ready", "NodesFound", "nodes carry the labels of all levels", true },
};

static const struct { const char *reason, *message; } bad[] = {
	{ "Short", "some domains have fewer free spares than their minimum" },
	{ "UnknownLevel", "a level is named that the topology does not have" },
	{ "BlastRadius", "nodes are not fenced because a limit of the blast radius is reached" },
	{ "NoLevels", "the topology has no levels" },
	{ "NoNodes", "no node carries the labels of all levels" },
};

static const json_t *object_named(const struct fleet *f, enum ctl_kind kind, const char *name)
{
	const struct { const json_t **at; size_t n; } lists[] = { { f->pools.at, f->pools.len }, { f->policies.at, f->policies.len }, { f->topologies.at, f->topologies.len } };
	size_t which = kind == CTL_POOL ? 0 : kind == CTL_POLICY ? 1 : 2;
	for (size_t i = 0; i < lists[which].n; i++)
		if (strcmp(word(json_at(lists[which].at[i], "metadata"), "name"), name) == 0)
			return lists[which].at[i];
	return NULL;
}

static bool has_write(const struct round *r, enum ctl_kind kind, const char *uid)
{
	for (size_t i = 0; i < r->writes.len; i++)
		if (r->writes.at[i]->kind == kind && strcmp(r->writes.at[i]->uid, uid) == 0)
			return true;
	return false;
}

void plan_status(struct round *r, const char *controller, const json_t *d)
{
	const struct counted *c = counted;
	while (!json_str(d, c->key))
		c++;
	const json_t *object = object_named(r->f, c->kind, word(d, c->key));
	/* An object that is written already has another version in a moment: its status comes behind. */
	if (!object || has_write(r, c->kind, word(d, "uid")))
		return;
	struct verdict v = { c->type, c->is_when_good, word(d, "reason"), c->message };
	bool good = strcmp(v.reason, c->good) == 0, news;
	for (size_t i = 0; !good && i < ARRAY_LEN(bad); i++)
		if (strcmp(bad[i].reason, v.reason) == 0)
			v.message = bad[i].message;
	v.is = good == c->is_when_good;
	json_t *status = json_object(), *one = condition(r->f, object, &v, &news);
	json_put_int(status, "observedGeneration", json_int(d, "observedGeneration", 0));
	for (size_t i = 0; i < ARRAY_LEN(c->fields) && c->fields[i]; i++)
		json_put_new(status, c->fields[i], json_ref(json_at(d, c->fields[i])));
	json_put_new(status, "conditions", json_pack("[o]", one));
	if (json_same(status, json_at(object, "status"))) {
		json_decref(status);
		return;
	}
	json_put_str((json_t *)d, "message", v.message);
	struct write *w = write_new(r, c->kind, WRITE_STATUS, object);
	apply_status(w, status);
	write_tells(w, controller, d, !good, !news || (good && !condition_of(object, c->type)));
}

/* --- gangs ---------------------------------------------------------------------------------------------------------------- */

static const json_t *gang_named(const struct fleet *f, const json_t *d)
{
	for (size_t i = 0; i < f->gangs.len; i++)
		if (strcmp(word(json_at(f->gangs.at[i], "metadata"), "uid"), word(d, "uid")) == 0)
			return f->gangs.at[i];
	return NULL;
}

/* Which pods are to go: what a repair waits with until it stays the same. */
static void failed_pods(const json_t *d, json_t *out)
{
	size_t i;
	json_t *p;
	json_array_foreach(json_at(d, "delete"), i, p) {
		json_array_append_new(out, json_ref(json_at(p, "uid")));
	}
}

void plan_gang(struct round *r, const char *controller, const json_t *d)
{
	const json_t *gang = gang_named(r->f, d), *stored = json_at(json_at(gang, "status"), "replacements"), *list = json_at(d, "replacements");
	if (!gang)
		return;
	const char *what = word(d, "do");
	bool repairing = strcmp(what, "replace") == 0 || strcmp(what, "restart") == 0 || (strcmp(what, "done") == 0 && strcmp(word(d, "reason"), "Replacing") == 0);
	struct verdict v = { "Repairing", repairing, word(d, "reason"), word(d, "message") };
	bool news;
	autojson json_t *one = condition(r->f, gang, &v, &news), *none = json_array(), *failed = json_array();
	list = list ? list : stored ? stored : none;
	bool known = json_same(list, stored ? stored : none);
	if (json_array_size(json_at(d, "delete")) && (!known || strcmp(what, "restart") == 0)) {
		failed_pods(d, failed);
		if (!act_settled(r->l, word(d, "uid"), failed))
			return;
	}
	struct write *w = write_new(r, CTL_GANG, WRITE_STATUS, gang);
	w->deletes = json_at(d, "delete");
	/* Decided and stored before, by us or by the one before us: what is left is to delete. */
	if (known && json_same(one, condition_of(gang, "Repairing"))) {
		json_decref(w->body);
		w->body = NULL;
	} else {
		apply_status(w, json_pack("{s:O,s:[O]}", "replacements", list, "conditions", one));
	}
	if (decision_stands(d))
		round_stands(r, CTL_GANG, gang, controller, d);
	else if (w->body)
		write_tells(w, controller, d, false, !news);
}

/* --- finalizers ----------------------------------------------------------------------------------------------------------- */

/* {"do": "hold-end"} puts our finalizer, {"do": "release"} takes it; other words are about nodes. */
void plan_policy(struct round *r, const char *controller, const json_t *d)
{
	if (json_str(d, "node")) {
		plan_node(r, controller, d);
		return;
	}
	const json_t *policy = object_named(r->f, CTL_POLICY, word(d, "policy"));
	bool put = strcmp(word(d, "do"), "hold-end") == 0;
	json_t *list = json_array(), *one;
	size_t i;
	json_array_foreach(json_at(json_at(policy, "metadata"), "finalizers"), i, one) {
		if (json_is_string(one) && strcmp(json_string_value(one), CTL_FINALIZER) != 0)
			json_array_append_new(list, json_ref(one));
	}
	if (put)
		json_array_append_new(list, json_string(CTL_FINALIZER));
	struct write *w = write_new(r, CTL_POLICY, WRITE_PATCH, policy);
	json_put_new(json_object_get(w->body, "metadata"), "finalizers", list);
	write_tells(w, controller, d, false, false);
}
