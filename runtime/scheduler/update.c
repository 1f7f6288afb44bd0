/* A model that follows a cluster: objects come, change and go. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "runtime/scheduler/attach.h"
#include "runtime/scheduler/model_internal.h"

enum { POD_ARENA = 1024, NODE_ARENA = 1024 };

/* --- pods ----------------------------------------------------------------------------------------------------------- */

struct pod *model_put_pod(struct model *m, const json_t *j)
{
	struct arena *shared = m->arena, *own = arena_small(POD_ARENA);
	m->arena = own;
	struct pod *p = pod_parse(m, j);
	m->arena = shared;
	if (!p) {
		arena_free(own);
		return NULL;
	}
	p->arena = own;
	model_refuse_devices(m, p);
	p->at = (uint32_t)m->pods.len;
	vec_push(&m->pods, p);
	return p;
}

void model_drop_pod(struct model *m, struct pod *p)
{
	struct pod *last = m->pods.at[--m->pods.len];
	if (p->node)
		model_unbind(m, p);
	m->pods.at[p->at] = last;
	last->at = p->at;
	pod_unref(p);
}

/* --- nodes ---------------------------------------------------------------------------------------------------------- */

static bool moved(const struct model *m, const struct node *a, const struct node *b)
{
	for (size_t i = 0; i < m->levels.len; i++) {
		sym x = 0, y = 0;
		bool has_x = labels_get(&a->labels, m->levels.at[i], &x), has_y = labels_get(&b->labels, m->levels.at[i], &y);
		if (has_x != has_y || x != y)
			return true;
	}
	return false;
}

static bool same_taints(const struct node *a, const struct node *b)
{
	if (a->n_taints != b->n_taints)
		return false;
	for (uint32_t i = 0; i < a->n_taints; i++)
		if (a->taints[i].key != b->taints[i].key || a->taints[i].value != b->taints[i].value || a->taints[i].effect != b->taints[i].effect)
			return false;
	return true;
}

/* Could something fit on NOW that did not on OLD? */
static bool gained(const struct node *old, const struct node *now)
{
	if (!labels_same(&old->labels, &now->labels) || (old->n_taints && !same_taints(old, now)) || (old->cordoned && !now->cordoned) ||
	    (old->spare && !now->spare) || now->max_pods > old->max_pods || (now->features & ~old->features))
		return true;
	for (uint32_t i = 0; i < now->has.n; i++) {
		int64_t before = 0;
		for (uint32_t k = 0; k < old->has.n; k++)
			before = old->has.at[k].res == now->has.at[i].res ? old->has.at[k].n : before;
		if (now->has.at[i].n > before)
			return true;
	}
	return false;
}

static bool same(const struct node *a, const struct node *b)
{
	return labels_same(&a->labels, &b->labels) && same_taints(a, b) && a->cordoned == b->cordoned && a->spare == b->spare && a->features == b->features &&
	       a->max_pods == b->max_pods && a->has.n == b->has.n && (a->has.n == 0 || memcmp(a->has.at, b->has.at, a->has.n * sizeof(*a->has.at)) == 0);
}

/* N becomes what NOW is; its pods stay. */
static void become(struct model *m, struct node *n, struct node *now)
{
	struct arena *old = n->arena;
	n->labels = now->labels;
	n->taints = now->taints;
	n->n_taints = now->n_taints;
	n->cordoned = now->cordoned;
	n->spare = now->spare;
	n->features = now->features;
	n->has = now->has;
	n->max_pods = now->max_pods;
	n->used = now->used;
	n->arena = now->arena;
	n->stamp++;
	for (size_t i = 0; i < n->pods.len; i++)
		node_count(n, &n->pods.at[i]->uses, 1);
	arena_free(old);
	m->version++;
	if (!m->stale)
		vec_push(&m->changes, n->index);
}

bool model_put_node(struct model *m, const json_t *j, struct node **out)
{
	struct arena *shared = m->arena, *own = arena_small(NODE_ARENA);
	m->arena = own;
	struct node *now = node_parse(m, j);
	m->arena = shared;
	*out = NULL;
	if (!now) {
		arena_free(own);
		return false;
	}
	struct node *n = model_node(m, now->name);
	now->arena = own;
	now->spare = model_is_spare(m, now);
	if (!n) {
		/* The node outlives what it was read from: its struct is not in that arena. */
		n = *out = xcalloc(1, sizeof(*n));
		*n = *now;
		map_put(m->node_of, n->name, n);
		vec_push(&m->nodes, n);
		m->stale = true;
		m->version++;
		return true;
	}
	*out = n;
	if (same(n, now)) {
		arena_free(own);
		return false;
	}
	bool more = gained(n, now);
	m->stale = m->stale || moved(m, n, now);
	become(m, n, now);
	return more;
}

void model_drop_node(struct model *m, struct node *n)
{
	m->stale = true;
	while (n->pods.len)
		model_unbind(m, n->pods.at[n->pods.len - 1]);
	map_put(m->node_of, n->name, NULL);
	n->gone = true;
	m->n_gone++;
	m->version++;
}

void model_reshape(struct model *m)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->nodes.len; i++) {
		if (m->nodes.at[i]->gone) {
			node_free_memory(m->nodes.at[i]);
		} else {
			m->nodes.at[kept++] = m->nodes.at[i];
		}
	}
	m->nodes.len = kept;
	m->n_gone = 0;
	if (kept)
		qsort(m->nodes.at, kept, sizeof(*m->nodes.at), model_by_node_name);
	for (size_t i = 0; i < kept; i++) {
		bool spare = model_is_spare(m, m->nodes.at[i]);
		m->nodes.at[i]->stamp += spare != m->nodes.at[i]->spare;
		m->nodes.at[i]->index = (uint32_t)i;
		m->nodes.at[i]->spare = spare;
	}
	for (size_t i = 0; i < m->pods.len; i++) {
		struct pod *p = m->pods.at[i];
		struct node *n = p->node_name && !p->node ? model_node(m, p->node_name) : NULL;
		if (n)
			model_bind(m, p, n);
	}
	m->changes_before += m->changes.len + 1;
	m->changes.len = 0;
	m->version++;
	m->stale = false;
}

void model_trim_changes(struct model *m)
{
	size_t keep = m->nodes.len + 1;
	if (m->changes.len < 2 * keep + 1024)
		return;
	size_t drop = m->changes.len - keep;
	memmove(m->changes.at, m->changes.at + drop, keep * sizeof(*m->changes.at));
	m->changes.len = keep;
	m->changes_before += drop;
}

/* --- the rest ------------------------------------------------------------------------------------------------------- */

/* Its count or limits changed: rooms of pods with claims measure it again. */
static struct node *touch(struct model *m, sym name)
{
	struct node *n = name ? model_node(m, name) : NULL;
	if (n && !n->gone && !m->stale)
		vec_push(&m->changes, n->index);
	return n && !n->gone ? n : NULL;
}

struct node *model_put_other(struct model *m, const json_t *j)
{
	const char *kind = json_str(j, "kind");
	struct node *about = NULL;
	if (!kind || !json_str(json_at(j, "metadata"), "name"))
		return NULL;
	if (attach_reads(kind))
		about = touch(m, attach_put(m, kind, j));
	if (strcmp(kind, "Namespace") == 0)
		model_add_namespace(m, j);
	else if (strcmp(kind, "PersistentVolumeClaim") == 0)
		model_add_claim(m, j);
	else if (strcmp(kind, "PersistentVolume") == 0)
		model_add_volume(m, j);
	m->version++;
	return about;
}

struct node *model_drop_other(struct model *m, const char *kind, const char *ns, const char *name)
{
	struct node *about = attach_reads(kind) ? touch(m, attach_drop(m, kind, name)) : NULL;
	autofree char *key = xasprintf("%s/%s", ns && *ns ? ns : "default", name);
	if (strcmp(kind, "Namespace") == 0)
		map_put(m->namespaces, intern(m->names, name), NULL);
	else if (strcmp(kind, "PersistentVolumeClaim") == 0)
		map_put(m->claims, intern(m->names, key), NULL);
	else if (strcmp(kind, "PersistentVolume") == 0)
		map_put(m->volumes, intern(m->names, name), NULL);
	m->version++;
	return about;
}

void model_put_budgets(struct model *m, const json_t *array)
{
	struct arena *shared = m->arena;
	size_t i;
	json_t *j;
	arena_free(m->budget_arena);
	m->arena = m->budget_arena = arena_new();
	m->budgets.len = 0;
	json_array_foreach((json_t *)array, i, j)
		model_add_budget(m, j);
	m->arena = shared;
}

static bool is_kept(const json_t *j, const char *kind, const char *name)
{
	const char *k = json_str(j, "kind"), *n = json_str(json_at(j, "metadata"), "name");
	return k && n && strcmp(k, kind) == 0 && strcmp(n, name) == 0;
}

void model_drop_kept(struct model *m, const char *kind, const char *name)
{
	for (size_t i = 0; i < m->groups.len; i++) {
		if (is_kept(m->groups.at[i], kind, name)) {
			json_decref((json_t *)m->groups.at[i]);
			memmove(&m->groups.at[i], &m->groups.at[i + 1], (m->groups.len - i - 1) * sizeof(*m->groups.at));
			m->groups.len--;
			break;
		}
	}
	m->stale = true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(json_str(json_at(*(const json_t *const *)a, "metadata"), "name"), json_str(json_at(*(const json_t *const *)b, "metadata"), "name"));
}

void model_put_kept(struct model *m, const json_t *j)
{
	const char *kind = json_str(j, "kind"), *name = json_str(json_at(j, "metadata"), "name");
	if (!kind || !name)
		return;
	model_drop_kept(m, kind, name);
	vec_push(&m->groups, json_ref(j));
	qsort(m->groups.at, m->groups.len, sizeof(*m->groups.at), by_name);
}

size_t model_garbage(const struct model *m)
{
	return arena_size(m->arena) + interns_size(m->names);
}
