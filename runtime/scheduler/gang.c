#include "runtime/scheduler/gang.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/scheduler/shape.h"
#include "runtime/scheduler/tree.h"

struct build {
	struct model *m;
	struct groups *out;
	struct map *by_name;         /* dialect and "ns/name" -> root group */
};

static uint64_t id_of(struct build *b, enum group_dialect d, const char *key)
{
	return (uint64_t)d << 32 | intern(b->m->names, key);
}

static struct group *new_group(struct build *b, const char *key, const char *kind)
{
	struct group *g = arena_alloc(b->m->arena, sizeof(*g));
	g->key = arena_strdup(b->m->arena, key);
	g->kind = kind;
	g->together = true;
	g->restart_ms = GANG_RESTART_MS;
	return g;
}

const struct group *group_root(const struct group *g)
{
	while (g->parent)
		g = g->parent;
	return g;
}

bool group_is_ours(const struct group *g)
{
	return strcmp(g->kind, "Gang") == 0;
}

/* --- topology wishes ----------------------------------------------------------------------------------------------------- */

static void add_slice(struct build *b, struct group *g, const char *level, int64_t size)
{
	if (level && *level && size > 1 && size <= 100000 && g->n_slices < GANG_SLICES)
		g->slices[g->n_slices++] = (struct slice){ arena_strdup(b->m->arena, level), size };
}

static void read_wishes(struct build *b, struct group *g, const json_t *spec)
{
	size_t i;
	json_t *s;
	g->required = arena_strdup(b->m->arena, json_str(spec, "required"));
	g->preferred = arena_strdup(b->m->arena, json_str(spec, "preferred"));
	json_array_foreach(json_at(spec, "slices"), i, s)
		add_slice(b, g, json_str(s, "level"), json_int(s, "size", 0));
	json_array_foreach(json_at(spec, "spread"), i, s) {
		int64_t percent = json_int(s, "maxPercent", 0);
		if (json_str(s, "level") && percent >= 1 && percent <= 100 && g->n_spreads < GANG_SPREADS)
			g->spreads[g->n_spreads++] = (struct share_limit){ arena_strdup(b->m->arena, json_str(s, "level")), percent };
	}
	int64_t patience = json_int(spec, "patienceSeconds", 0);
	g->patience_ms = patience > 0 && patience <= 2592000 ? patience * 1000 : 0;
}

static int64_t number(const char *text)
{
	return text && *text && strlen(text) <= 9 && strspn(text, "0123456789") == strlen(text) ? atoll(text) : 0;
}

static void read_kueue(struct build *b, struct group *g, const json_t *notes)
{
	const char *layers = json_str(notes, "kueue.x-k8s.io/podset-slice-required-topology-constraints");
	if (g->required || g->preferred || g->n_slices)
		return;
	g->required = arena_strdup(b->m->arena, json_str(notes, "kueue.x-k8s.io/podset-required-topology"));
	g->preferred = arena_strdup(b->m->arena, json_str(notes, "kueue.x-k8s.io/podset-preferred-topology"));
	if (layers) {
		struct err err;
		autojson json_t *j = NULL;
		size_t i;
		json_t *s;
		if (json_parse(layers, strlen(layers), "slice constraints", &j, &err))
			g->refused = arena_printf(b->m->arena, "annotation podset-slice-required-topology-constraints: %.200s", err.msg);
		json_array_foreach(j, i, s)
			add_slice(b, g, json_str(s, "topology"), json_int(s, "size", 0));
	} else {
		add_slice(b, g, json_str(notes, "kueue.x-k8s.io/podset-slice-required-topology"),
			  number(json_str(notes, "kueue.x-k8s.io/podset-slice-size")));
	}
}

/* --- objects -------------------------------------------------------------------------------------------------------------- */

static struct group *child_named(const struct group *root, const char *name)
{
	for (size_t i = 0; name && i < root->children.len; i++) {
		struct group *c = root->children.at[i];
		struct group *deeper = strcmp(c->name, name) == 0 ? c : child_named(c, name);
		if (deeper)
			return deeper;
	}
	return NULL;
}

/* Groups come in any order: rounds hang up those whose parent is there already. */
static void read_groups(struct build *b, struct group *root, const json_t *array)
{
	size_t n = json_array_size(array), i, hung = 0;
	bool *done = xcalloc(n + 1, sizeof(*done));
	json_t *j;
	for (int round = 0; round < GANG_DEPTH && hung < n; round++) {
		json_array_foreach(array, i, j) {
			const char *name = json_str(j, "name"), *up = json_str(j, "parent");
			struct group *parent = up && *up ? child_named(root, up) : root;
			if (done[i] || !name || !parent || child_named(root, name))
				continue;
			struct group *g = new_group(b, root->key, root->kind);
			g->name = arena_strdup(b->m->arena, name);
			g->parent = parent;
			g->min = json_int(j, "min", 0);
			g->max = json_int(j, "max", 0);
			read_wishes(b, g, j);
			vec_push(&parent->children, g);
			done[i] = true;
			hung++;
		}
	}
	if (hung < n)
		root->refused = "a group of it has no name, a name twice, or a parent that is not there";
	free(done);
}

static void read_upstream(struct build *b, struct group *g, const json_t *spec)
{
	const json_t *gang = json_path(spec, "schedulingPolicy", "gang", NULL);
	const json_t *topology = json_path(spec, "schedulingConstraints", "topology", NULL);
	g->required = arena_strdup(b->m->arena, json_str(json_array_get(topology, 0), "key"));
	g->together = json_is_object(gang) || g->required;
	g->min = json_int(gang, "minCount", 0);
	const json_t *mode = json_at(spec, "disruptionMode");
	g->singly = !json_at(mode, "all") && !(json_is_string(mode) && strcmp(json_string_value(mode), "PodGroup") == 0);
	if (json_array_size(topology) > 1)
		g->refused = "it has more than one topology constraint";
	if (json_str(spec, "parentCompositePodGroupName"))
		g->refused = "it is part of a CompositePodGroup, which this scheduler does not read";
}

static void read_preemption(struct group *g, const json_t *j)
{
	const char *policy = json_str(j, "policy"), *unit = json_str(j, "unit");
	g->never_preempts = policy && strcmp(policy, "Never") == 0;
	g->singly = unit && strcmp(unit, "Pod") == 0;
}

static void read_class(struct build *b, struct group *g, const char *name)
{
	const struct { const char *name; int64_t value; } built_in[] = { { "system-node-critical", 2000001000 }, { "system-cluster-critical", 2000000000 } };
	sym wanted = intern(b->m->names, name);
	if (!name || !*name)
		return;
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		if (strcmp(name, built_in[i].name) == 0) {
			g->ranked = true;
			g->priority = built_in[i].value;
		}
	}
	for (size_t i = 0; i < b->m->priorities.len; i++) {
		const struct priority_class *c = &b->m->priorities.at[i];
		if (c->name == wanted) {
			g->ranked = true;
			g->priority = c->value;
			g->never_preempts = g->never_preempts || c->never_preempts;
		}
	}
	if (!g->ranked)
		g->refused = arena_printf(b->m->arena, "there is no PriorityClass %.253s", name);
}

void group_read_checkpoint(struct model *m, struct group *root, const json_t *object)
{
	const json_t *hints = json_path(object, "spec", "checkpoint", NULL);
	const char *key = json_str(hints, "annotation");
	int64_t every = json_int(hints, "intervalSeconds", 0), restart = json_int(hints, "restartSeconds", GANG_RESTART_MS / 1000);
	if (!group_is_ours(root))
		return;
	root->checkpoint_ms = time_ms(json_str(json_path(object, "metadata", "annotations", NULL), key && *key ? key : "aipc.dev/last-checkpoint"));
	root->interval_ms = every > 0 && every <= 2592000 ? every * 1000 : 0;
	root->restart_ms = restart >= 0 && restart <= 86400 ? restart * 1000 : GANG_RESTART_MS;
	m->newest_ms = root->checkpoint_ms > m->newest_ms ? root->checkpoint_ms : m->newest_ms;
}

static void check_topology(struct build *b, struct group *g, const char *name)
{
	const char *used = json_str(json_at(tree_topology(b->m), "metadata"), "name");
	if (name && *name && strcmp(name, "default") != 0 && !(used && strcmp(name, used) == 0))
		g->refused = arena_printf(b->m->arena, "it names the topology %.200s, but %s is in use", name, used ? used : "none");
}

/* What the controller has decided for failed nodes. Without groups the entry's group is empty. */
static void read_pins(struct build *b, struct group *root, const json_t *array)
{
	size_t i;
	json_t *j;
	json_array_foreach(array, i, j) {
		const char *name = json_str(j, "group"), *node = json_str(j, "node");
		struct group *g = root->children.len ? child_named(root, name) : root;
		int64_t rank = json_int(j, "rank", -1);
		if (g && node && rank >= 0 && g->pins.len < 10000)
			vec_push(&g->pins, (struct pin){ rank, intern(b->m->names, node) });
	}
}

enum group_dialect group_of_object(const json_t *j, char **key)
{
	const char *kind = json_str(j, "kind"), *version = json_str(j, "apiVersion");
	const char *ns = json_str(json_at(j, "metadata"), "namespace"), *name = json_str(json_at(j, "metadata"), "name");
	enum group_dialect d = !kind || !version ? GROUP_NONE : strcmp(kind, "Gang") == 0 ? GROUP_OURS : strcmp(kind, "PodGroup") != 0 ? GROUP_NONE :
			       str_has_prefix(version, "scheduling.k8s.io/") ? GROUP_UPSTREAM : GROUP_COSCHEDULING;
	if (!name)
		d = GROUP_NONE;
	*key = d == GROUP_NONE ? NULL : xasprintf("%s/%s", ns && *ns ? ns : "default", name);
	return d;
}

static void read_object(struct build *b, const json_t *j)
{
	const json_t *spec = json_at(j, "spec");
	autofree char *key = NULL;
	enum group_dialect d = group_of_object(j, &key);
	if (d == GROUP_NONE)
		return;
	if (map_get(b->by_name, id_of(b, d, key)))
		return;
	struct group *g = new_group(b, key, d == GROUP_OURS ? "Gang" : "PodGroup");
	if (d == GROUP_OURS) {
		g->min = json_int(spec, "min", 0);
		read_wishes(b, g, spec);
		read_groups(b, g, json_at(spec, "groups"));
		read_preemption(g, json_at(spec, "preemption"));
		read_class(b, g, json_str(spec, "priorityClassName"));
		group_read_checkpoint(b->m, g, j);
		check_topology(b, g, json_str(spec, "topology"));
		read_pins(b, g, json_path(j, "status", "replacements", NULL));
	} else if (d == GROUP_UPSTREAM) {
		read_upstream(b, g, spec);
	} else {
		g->min = json_int(spec, "minMember", 0);
	}
	const char *odd = d == GROUP_OURS ? shape_of_gang(b->m->arena, j) : shape_of_pod_group(b->m->arena, j);
	if (odd)
		g->refused = arena_printf(b->m->arena, "its %s", odd);
	map_put(b->by_name, id_of(b, d, key), g);
	vec_push(&b->out->at, g);
}

/* --- pods ------------------------------------------------------------------------------------------------------------------- */

static const char *label_text(const struct model *m, const struct pod *p, const char *key)
{
	sym value;
	return labels_get(&p->labels, intern_find(m->names, key), &value) ? intern_text(m->names, value) : NULL;
}

static bool has_wishes(const struct pod *p)
{
	return json_str(p->wishes, "kueue.x-k8s.io/podset-required-topology") || json_str(p->wishes, "kueue.x-k8s.io/podset-preferred-topology");
}

bool group_of_pod(const struct model *m, const struct pod *p, enum group_dialect *d, char **key)
{
	const char *name = intern_text(m->names, p->group_name);
	*d = p->dialect;
	*key = NULL;
	if (p->dialect == GROUP_NONE) {
		if (!has_wishes(p))
			return false;
		const char *job = label_text(m, p, "batch.kubernetes.io/job-name");
		job = job ? job : label_text(m, p, "jobset.sigs.k8s.io/jobset-name");
		name = job ? job : p->name;
		*d = GROUP_KUEUE;
	}
	*key = xasprintf("%s/%s", intern_text(m->names, p->ns), name);
	return true;
}

/* Kueue has no object of its own for these: they exist as soon as a pod names them. */
static struct group *implied(struct build *b, const struct pod *p, const char *key)
{
	struct group *g = map_get(b->by_name, id_of(b, GROUP_KUEUE, key));
	if (!g) {
		g = new_group(b, key, "pod group");
		g->min = number(json_str(p->wishes, "kueue.x-k8s.io/pod-group-total-count"));
		map_put(b->by_name, id_of(b, GROUP_KUEUE, key), g);
		vec_push(&b->out->at, g);
	}
	return g;
}

static void refuse(struct pod *p, const char *why)
{
	if (!p->refused)
		p->refused = why;
}

static struct group *group_of(struct build *b, struct pod *p)
{
	autofree char *key = NULL;
	enum group_dialect d;
	if (!group_of_pod(b->m, p, &d, &key))
		return NULL;
	if (d == GROUP_KUEUE)
		return implied(b, p, key);
	struct group *g = map_get(b->by_name, id_of(b, d, key));
	if (!g) {
		refuse(p, arena_printf(b->m->arena, "it belongs to %s %s, which is not there", d == GROUP_OURS ? "Gang" : "PodGroup", key));
		return NULL;
	}
	if (g->children.len) {
		g = child_named(g, label_text(b->m, p, "aipc.dev/group"));
		if (!g || g->children.len) {
			refuse(p, arena_printf(b->m->arena, "its label aipc.dev/group names no group with pods of Gang %s", key));
			return NULL;
		}
	}
	return g;
}

static int by_rank(const void *a, const void *b)
{
	const struct pod *x = *(struct pod *const *)a, *y = *(struct pod *const *)b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return str_natural_cmp(x->key, y->key);
}

/* More than its maximum waits. */
static void hold_surplus(struct model *m, struct group *g)
{
	while (g->max && g->waiting.len && g->waiting.len + g->bound.len > (size_t)g->max) {
		struct pod *p = g->waiting.at[--g->waiting.len];
		p->refused = arena_printf(m->arena, "group %.63s of %s %s may have %lld pod%s at most", g->name, g->kind, g->key, (long long)g->max, g->max == 1 ? "" : "s");
		g->held_back++;
	}
}

/* Of those that stay the lowest ranks are the minimum. */
static void mark_extras(struct group *g)
{
	const struct group *root = group_root(g);
	int64_t stay = 0;
	if (!root->singly || !group_is_ours(root) || !g->min || !g->bound.len)
		return;
	qsort(g->bound.at, g->bound.len, sizeof(*g->bound.at), by_rank);
	for (size_t i = 0; i < g->bound.len; i++)
		if (!g->bound.at[i]->terminating)
			g->bound.at[i]->extra = stay++ >= g->min;
}

static void finish(struct model *m, struct group *g)
{
	for (size_t i = 0; i < g->children.len; i++)
		finish(m, g->children.at[i]);
	if (g->waiting.len)
		qsort(g->waiting.at, g->waiting.len, sizeof(*g->waiting.at), by_rank);
	hold_surplus(m, g);
	mark_extras(g);
	for (size_t i = 1; strcmp(g->kind, "PodGroup") == 0 && i < g->waiting.len; i++) {
		const struct pod *p = g->waiting.at[0], *q = g->waiting.at[i];
		if (p->dialect == GROUP_UPSTREAM && (p->priority != q->priority || p->never_preempts != q->never_preempts || p->scheduler != q->scheduler))
			g->refused = "its pods differ in priority, preemption policy or scheduler";
	}
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct group *const *)a)->key, (*(struct group *const *)b)->key);
}

/* P comes into its group, when it has one and is there at all for us. */
static void enter(struct build *b, struct pod *p, bool (*ours)(const struct pod *p, void *arg), void *arg)
{
	bool waits = !p->node_name && !p->node;
	pod_forget_group(p);
	if (waits && !ours(p, arg))
		return;
	struct group *g = p->group = group_of(b, p);
	if (!g)
		return;
	if (group_root(g)->ranked)
		p->priority = group_root(g)->priority;
	read_kueue(b, g, p->wishes);
	if (!waits)
		vec_push(&g->bound, p);
	else if (p->n_gates || p->terminating || p->refused)
		g->held_back++;
	else
		vec_push(&g->waiting, p);
}

void groups_build(struct model *m, struct groups *out, bool (*ours)(const struct pod *p, void *arg), void *arg)
{
	struct build b = { m, out, map_new() };
	for (size_t i = 0; i < m->groups.len; i++)
		read_object(&b, m->groups.at[i]);
	for (size_t i = 0; i < m->pods.len; i++)
		enter(&b, m->pods.at[i], ours, arg);
	for (size_t i = 0; i < out->at.len; i++)
		finish(m, out->at.at[i]);
	if (out->at.len)
		qsort(out->at.at, out->at.len, sizeof(*out->at.at), by_key);
	map_free(b.by_name);
}

void group_build(struct model *m, struct arena *a, const json_t *object, struct pod *const *pods, size_t n, struct groups *out,
		 bool (*ours)(const struct pod *p, void *arg), void *arg)
{
	struct build b = { m, out, map_new() };
	struct arena *shared = m->arena;
	m->arena = a;
	if (object)
		read_object(&b, object);
	for (size_t i = 0; i < n; i++)
		enter(&b, pods[i], ours, arg);
	for (size_t i = 0; i < out->at.len; i++)
		finish(m, out->at.at[i]);
	m->arena = shared;
	map_free(b.by_name);
}

static void release(struct group *g)
{
	for (size_t i = 0; i < g->children.len; i++)
		release(g->children.at[i]);
	vec_free(&g->children);
	vec_free(&g->waiting);
	vec_free(&g->bound);
	vec_free(&g->pins);
}

void groups_release(struct groups *g)
{
	for (size_t i = 0; i < g->at.len; i++)
		release(g->at.at[i]);
	vec_free(&g->at);
}

bool group_complete(const struct group *g)
{
	size_t complete = 0, n = g->children.len;
	for (size_t i = 0; i < n; i++)
		complete += group_complete(g->children.at[i]);
	if (g->refused)
		return false;
	if (n)
		return complete >= (g->min && g->min < (int64_t)n ? (size_t)g->min : n);
	return g->waiting.len + g->bound.len > 0 && (int64_t)(g->waiting.len + g->bound.len) >= g->min;
}

size_t group_waiting(const struct group *g)
{
	size_t n = g->waiting.len;
	for (size_t i = 0; i < g->children.len; i++)
		n += group_waiting(g->children.at[i]);
	return n;
}

bool group_turn(const struct group *g, int64_t *priority)
{
	bool never = g->never_preempts;
	for (size_t i = 0; i < g->children.len; i++)
		never = group_turn(g->children.at[i], priority) || never;
	for (size_t i = 0; i < g->waiting.len; i++) {
		never = never || g->waiting.at[i]->never_preempts;
		*priority = g->waiting.at[i]->priority < *priority ? g->waiting.at[i]->priority : *priority;
	}
	return never;
}
