#include "runtime/scheduler/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "runtime/builtin.h"

static const char hostname[] = "kubernetes.io/hostname";

/* --- levels ------------------------------------------------------------------------------------------------------------ */

static void push_level(struct tree *t, const char *name, const char *key, bool scale_up)
{
	if (t->n_levels + 2 >= TREE_LEVELS || strcmp(key, hostname) == 0)
		return;
	struct level *l = &t->level[++t->n_levels];
	*l = (struct level){ intern(t->m->names, key), intern_text(t->m->names, intern(t->m->names, name)), scale_up };
	if (scale_up)
		t->scale_up = t->n_levels;
}

static bool present(const struct tree *t, const char *key)
{
	sym id = intern_find(t->m->names, key), value;
	for (size_t n = 0; n < t->m->nodes.len; n++)
		if (labels_get(&t->m->nodes.at[n]->labels, id, &value))
			return true;
	return false;
}

/* LEVELS as FabricTopology and schemas/topologies.json have them, widest first. */
static void push_levels(struct tree *t, const json_t *levels, bool only_present)
{
	size_t i;
	json_t *l;
	json_array_foreach((json_t *)levels, i, l) {
		const char *name = json_str(l, "name"), *key = json_str(l, "nodeLabel");
		if (key && *key && (!only_present || present(t, key)))
			push_level(t, name ? name : key, key, json_flag(l, "scaleUp", false));
	}
}

static void push_preset(struct tree *t, const char *name, bool only_present)
{
	autojson json_t *file = builtin_json("topologies.json");
	push_levels(t, json_at(json_at(json_at(file, "presets"), name), "levels"), only_present);
}

const json_t *tree_topology(const struct model *m)
{
	const json_t *found = NULL;
	for (size_t i = 0; i < m->groups.len; i++) {
		const char *kind = json_str(m->groups.at[i], "kind"), *name = json_str(json_at(m->groups.at[i], "metadata"), "name");
		if (strcmp(kind, "FabricTopology") != 0)
			continue;
		const char *other = json_str(json_at(found, "metadata"), "name");
		if (name && strcmp(name, "default") == 0)
			return m->groups.at[i];
		if (!found || (name && (!other || strcmp(name, other) < 0)))
			found = m->groups.at[i];
	}
	return found;
}

static void read_levels(struct tree *t)
{
	const json_t *spec = json_at(tree_topology(t->m), "spec");
	const char *preset = json_str(spec, "preset");
	if (!spec)
		push_preset(t, "aipc", true);
	else if (preset)
		push_preset(t, preset, false);
	push_levels(t, json_at(spec, "levels"), false);
	if (!spec && t->n_levels == 0)
		push_preset(t, "zones", true);
}

/* --- vertices ------------------------------------------------------------------------------------------------------------ */

struct row { const struct tree *t; uint32_t node; sym path[TREE_LEVELS]; };

static int by_path(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const struct interns *names = x->t->m->names;
	for (int l = 1; l <= x->t->n_levels; l++) {
		if (x->path[l] != y->path[l]) {
			int c = str_natural_cmp(intern_text(names, x->path[l]), intern_text(names, y->path[l]));
			return c ? c : x->path[l] < y->path[l] ? -1 : 1;
		}
	}
	return x->node < y->node ? -1 : x->node > y->node;
}

static struct row *sorted_rows(const struct tree *t)
{
	size_t n = t->m->nodes.len;
	struct row *rows = xcalloc(n ? n : 1, sizeof(*rows));
	for (size_t i = 0; i < n; i++) {
		rows[i].t = t;
		rows[i].node = (uint32_t)i;
		for (int l = 1; l <= t->n_levels; l++)
			labels_get(&t->m->nodes.at[i]->labels, t->level[l].key, &rows[i].path[l]);
	}
	if (n)
		qsort(rows, n, sizeof(*rows), by_path);
	return rows;
}

/* First level on which row I differs from the one before it; node level when only the node does. */
static int differs_at(const struct tree *t, const struct row *rows, size_t i)
{
	for (int l = 1; i && l <= t->n_levels; l++)
		if (rows[i].path[l] != rows[i - 1].path[l])
			return l;
	return i ? t->n_levels + 1 : 1;
}

static void count_levels(struct tree *t, const struct row *rows)
{
	uint32_t count[TREE_LEVELS + 1] = { 1 };
	for (size_t i = 0; i < t->m->nodes.len; i++)
		for (int l = differs_at(t, rows, i); l <= t->n_levels + 1; l++)
			count[l]++;
	for (int l = 0; l <= t->n_levels + 1; l++)
		t->base[l + 1] = t->base[l] + count[l];
	t->n = t->base[t->n_levels + 2];
}

static void fill(struct tree *t, const struct row *rows)
{
	uint32_t next[TREE_LEVELS + 2], open[TREE_LEVELS + 2] = { 0 };
	memcpy(next, t->base, sizeof(next));
	t->v[0].domain = true;
	for (size_t i = 0; i < t->m->nodes.len; i++) {
		for (int l = differs_at(t, rows, i); l <= t->n_levels + 1; l++) {
			uint32_t id = open[l] = next[l]++, up = l > 1 ? open[l - 1] : 0;
			bool leaf = l == t->n_levels + 1;
			t->v[id] = (struct vertex){ .parent = up, .child = leaf ? rows[i].node : next[l + 1], .level = l,
						    .value = leaf ? t->m->nodes.at[rows[i].node]->name : rows[i].path[l], .domain = true };
			sym value;
			if (!leaf)
				t->v[id].domain = labels_get(&t->m->nodes.at[rows[i].node]->labels, t->level[l].key, &value);
			if (t->v[up].n_children++ == 0)
				t->v[up].child = id;
			if (leaf)
				t->leaf_of[rows[i].node] = id;
		}
	}
}

struct tree *tree_new(const struct model *m, sym key)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	t->m = m;
	t->scale_up = TREE_NONE;
	if (key)
		push_level(t, intern_text(m->names, key), intern_text(m->names, key), false);
	else
		read_levels(t);
	struct row *rows = sorted_rows(t);
	count_levels(t, rows);
	t->v = xcalloc(t->n, sizeof(*t->v));
	t->busy = xcalloc(t->n, sizeof(*t->busy));
	t->leaf_of = xcalloc(m->nodes.len + 1, sizeof(*t->leaf_of));
	fill(t, rows);
	free(rows);
	for (size_t i = 0; i < m->nodes.len; i++)
		for (size_t k = 0; k < m->nodes.at[i]->pods.len; k++)
			tree_count(t, m->nodes.at[i]->pods.at[k], (uint32_t)i, 1);
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	free(t->v);
	free(t->busy);
	free(t->leaf_of);
	free(t);
}

/* --- questions ------------------------------------------------------------------------------------------------------------- */

int tree_level(const struct tree *t, const char *word)
{
	sym key = intern_find(t->m->names, word);
	size_t i;
	json_t *l;
	if (strcmp(word, hostname) == 0 || strcmp(word, "node") == 0 || strcmp(word, "host") == 0)
		return t->n_levels + 1;
	for (int k = 1; k <= t->n_levels; k++)
		if (t->level[k].key == key || strcmp(t->level[k].name, word) == 0)
			return k;
	json_array_foreach(json_path(tree_topology(t->m), "spec", "levels", NULL), i, l) {
		const char *alias = json_str(l, "alias"), *name = json_str(l, "nodeLabel");
		if (alias && name && strcmp(alias, word) == 0 && strcmp(name, word) != 0)
			return tree_level(t, name);
	}
	return TREE_NONE;
}

uint32_t tree_up(const struct tree *t, uint32_t v, int level)
{
	while (t->v[v].level > level)
		v = t->v[v].parent;
	return v;
}

void tree_span(const struct tree *t, uint32_t v, int level, uint32_t *from, uint32_t *to)
{
	uint32_t a = v, b = v;
	while (t->v[a].level < level) {
		if (t->v[a].n_children == 0) {         /* the root of no nodes */
			*from = *to = 0;
			return;
		}
		a = t->v[a].child;
		b = t->v[b].child + t->v[b].n_children - 1;
	}
	*from = a;
	*to = b + 1;
}

bool pod_wants_devices(const struct model *m, const struct amounts *wants)
{
	for (uint32_t i = 0; i < wants->n; i++) {
		const char *name = intern_text(m->names, wants->at[i].res);
		if (strchr(name, '/') && !strstr(name, "kubernetes.io/"))
			return true;
	}
	return false;
}

void tree_count(struct tree *t, const struct pod *p, uint32_t node_index, int sign)
{
	if (!pod_wants_devices(t->m, &p->uses))
		return;
	uint32_t v = t->leaf_of[node_index];
	t->busy[v] += (uint32_t)sign;
	while (v) {
		v = t->v[v].parent;
		t->busy[v] += (uint32_t)sign;
	}
}

void tree_name(const struct tree *t, uint32_t v, char *out, size_t size)
{
	const struct vertex *x = &t->v[v];
	if (x->level == 0)
		snprintf(out, size, "the cluster");
	else
		snprintf(out, size, "%s %s", x->level > t->n_levels ? "node" : t->level[x->level].name, x->domain ? intern_text(t->m->names, x->value) : "(no label)");
}
