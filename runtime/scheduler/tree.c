#include "runtime/scheduler/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static const char hostname[] = "kubernetes.io/hostname";

/* Presets of FabricTopology, widest first. A row without a name ends. */
struct preset_level { const char *name, *key; bool scale_up; };
static const struct preset { const char *name; struct preset_level levels[7]; } presets[] = {
	{ "aipc", { { "zone", "topology.kubernetes.io/zone", false }, { "spine-group", "aipc.dev/spine-group", false }, { "leaf", "aipc.dev/leaf", false },
		    { "rack", "aipc.dev/rack", false }, { "nvlink-domain", "aipc.dev/nvlink-domain", true } } },
	{ "kueue", { { "block", "cloud.provider.com/topology-block", false }, { "rack", "cloud.provider.com/topology-rack", false } } },
	{ "kai", { { "zone", "topology.kubernetes.io/zone", false }, { "block", "cloud.provider.com/topology-block", false }, { "rack", "cloud.provider.com/topology-rack", false } } },
	{ "topograph-0.1", { { "datacenter", "network.topology.nvidia.com/datacenter", false }, { "spine", "network.topology.nvidia.com/spine", false },
			     { "block", "network.topology.nvidia.com/block", false }, { "accelerator", "network.topology.nvidia.com/accelerator", true } } },
	{ "topograph-0.5", { { "core", "network.topology.nvidia.com/core", false }, { "spine", "network.topology.nvidia.com/spine", false },
			     { "leaf", "network.topology.nvidia.com/leaf", false }, { "accelerator", "network.topology.nvidia.com/accelerator", true } } },
	{ "topograph-1.0", { { "tier-2", "fabric.topograph.run/tier-2", false }, { "tier-1", "fabric.topograph.run/tier-1", false },
			     { "tier-0", "fabric.topograph.run/tier-0", false }, { "domain", "accelerator.topograph.run/domain", true } } },
	{ "aws", { { "layer-1", "topology.k8s.aws/network-node-layer-1", false }, { "layer-2", "topology.k8s.aws/network-node-layer-2", false },
		   { "layer-3", "topology.k8s.aws/network-node-layer-3", false }, { "ultraserver", "topology.k8s.aws/ultraserver-id", true } } },
	{ "oci", { { "network-block", "oci.oraclecloud.com/host.network_block_id", false }, { "rack", "oci.oraclecloud.com/host.rack_id", false } } },
	{ "coreweave", { { "fabric", "backend.coreweave.cloud/fabric", false }, { "superpod", "backend.coreweave.cloud/superpod", false },
			 { "leafgroup", "backend.coreweave.cloud/leafgroup", false } } },
	{ "zones", { { "region", "topology.kubernetes.io/region", false }, { "zone", "topology.kubernetes.io/zone", false } } },
};

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

static void push_preset(struct tree *t, const char *name, bool only_present)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
		for (const struct preset_level *l = presets[i].levels; strcmp(presets[i].name, name) == 0 && l->name; l++) {
			bool present = !only_present;
			sym key = intern_find(t->m->names, l->key), value;
			for (size_t n = 0; !present && n < t->m->nodes.len; n++)
				present = labels_get(&t->m->nodes.at[n]->labels, key, &value);
			if (present)
				push_level(t, l->name, l->key, l->scale_up);
		}
	}
}

const json_t *tree_topology(const struct model *m)
{
	const json_t *found = NULL;
	for (size_t i = 0; i < m->groups.len; i++) {
		const char *kind = json_str(m->groups.at[i], "kind"), *name = json_str(json_at(m->groups.at[i], "metadata"), "name");
		if (strcmp(kind, "FabricTopology") != 0)
			continue;
		if (!found || (name && strcmp(name, "default") == 0))
			found = m->groups.at[i];
	}
	return found;
}

static void read_levels(struct tree *t)
{
	const json_t *spec = json_at(tree_topology(t->m), "spec");
	const char *preset = json_str(spec, "preset");
	size_t i;
	json_t *l;
	if (!spec)
		push_preset(t, "aipc", true);
	else if (preset)
		push_preset(t, preset, false);
	json_array_foreach(json_at(spec, "levels"), i, l) {
		const char *name = json_str(l, "name"), *key = json_str(l, "nodeLabel");
		if (key && *key)
			push_level(t, name ? name : key, key, json_flag(l, "scaleUp", false));
	}
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
