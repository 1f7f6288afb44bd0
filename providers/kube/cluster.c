#include "providers/kube/cluster.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "providers/kube/runtime.h"
#include "providers/kube/target.h"
#include "providers/kube/yaml.h"
#include "providers/naming.h"
#include "providers/textfile.h"
#include "schemas/data.h"

static const char *const strategies[] = { "mixed", "single", NULL };
const struct attr cluster_attrs[] = {
	{ .name = "pools", .type = ATTR_LIST, .flags = ATTR_REQUIRED, .elem = ATTR_ANY, .help = "The cluster's gpu_node_pools, or objects with name and nodes." },
	{ .name = "fabric", .type = ATTR_ANY, .help = "The ib_fabric its nodes are cabled to." },
	{ .name = "presets", .type = ATTR_LIST, .elem = ATTR_STRING, .help = "Label sets of other programs to write too: mig-manager, topograph." },
	{ .name = "manifests", .type = ATTR_STRING, .help = "Folder for the manifests, instead of the provider's." },
	{ .name = "namespace", .type = ATTR_STRING, .deflt = "\"gpu-operator\"", .help = "Namespace of the MIG configuration." },
	{ .name = "runtime", .type = ATTR_BOOL, .deflt = "true",
	  .help = "Whether to write what aipc-runtime reads besides labels: its kinds, a FabricTopology called default, a SparePool for each pool that has spares." },
	{ .name = "topology", .type = ATTR_STRING,
	  .help = "Preset of label keys that the FabricTopology names (aws, topograph-1.0, ...), instead of the fabric labels written here." },
	{ .name = "mig_strategy", .type = ATTR_STRING, .values = strategies, .deflt = "\"mixed\"",
	  .help = "The device plugin's: how MIG instances are called as resources, in the annotation aipc.dev/mig-resources." },
	{ .name = "taints", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = taint_attrs, .help = "Taints of all its nodes." },
	{ .name = "force", .type = ATTR_BOOL, .help = "Take fields that another manager owns, whatever the provider says." },
	{ .name = "mig_config_name", .type = ATTR_STRING, .deflt = "\"aipc-mig-config\"", .help = "Name of the ConfigMap with the MIG layouts." },
	{ 0 }
};

struct cluster {
	struct expand *x;
	struct arena *a;
	json_t *handoff;
	const char *prefix, *folder;
	bool live, runtime;          /* applied to a cluster, not written to files; with what aipc-runtime reads */
	json_t *objects, *names, *resources;     /* names: of nodes, in order; resources: of the kustomization */
	json_t *seen, *told, *layouts;           /* node to pool; label values complained of; MIG configurations by name */
	json_t *keys, *presets;                  /* label keys in use; presets of topologies */
	int mistakes;
};

#define REPORT(c, code, key, path, near, word, ...) \
	((c)->mistakes++, (c)->x->report((c)->x->report_ctx, code, key, path, near, word, __VA_ARGS__))
#define WARN(c, code, path, ...) ((c)->x->report((c)->x->report_ctx, code, false, path, NULL, NULL, __VA_ARGS__))
#define PATH(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *number(struct cluster *c, size_t n)
{
	return arena_printf(c->a, "%zu", n);
}

/* --- names and values ------------------------------------------------------------------------------------------------------- */

static bool dns1123_ok(const char *s, bool dots, size_t most)
{
	size_t len = strlen(s), part = 0;
	if (!len || len > most)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dot = dots && s[i] == '.';
		bool edge = i == 0 || i + 1 == len || s[i - 1] == '.' || s[i + 1] == '.';
		if (!dot && !islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && (s[i] != '-' || edge))
			return false;
		if (dot && (edge && (i == 0 || i + 1 == len || s[i - 1] == '.')))
			return false;
		part = dot ? 0 : part + 1;
		if (part > 63)
			return false;
	}
	return true;
}

static bool value_ok(const char *s)
{
	size_t len = strlen(s);
	if (!len)
		return true;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && ((i && i + 1 < len) ? !strchr("-_.", s[i]) : true))
			return false;
	return true;
}

/* The nearest value a label can hold: "Row 3/7 " is "Row-3-7". */
static char *value_near(struct cluster *c, const char *s)
{
	char *out = arena_strdup(c->a, s);
	size_t n = 0;
	for (; *s; s++)
		if (isalnum((unsigned char)*s) || (n && strchr("-_.", *s)))
			out[n++] = *s;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	while (n && !isalnum((unsigned char)out[n - 1]))
		n--;
	out[n < 63 ? n : 63] = '\0';
	return out;
}

/* A value over 63 characters keeps its beginning and gets 16 digits of its hash: different values stay different. */
static const char *shortened(struct cluster *c, const char *s)
{
	char hex[65];
	size_t n = 46;
	str_sha256(s, strlen(s), hex);
	while (n && !isalnum((unsigned char)s[n - 1]))
		n--;
	return arena_printf(c->a, "%.*s-%.16s", (int)n, s, hex);
}

/* Each bad value of a label is told once, with the first node that has it. */
static bool first_time(struct cluster *c, const char *label, const char *value)
{
	const char *id = arena_printf(c->a, "%s=%s", label, value);
	if (json_at(c->told, id))
		return false;
	json_put_new(c->told, id, json_true());
	return true;
}

static const char *text_of(struct cluster *c, const json_t *v)
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		return arena_printf(c->a, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	if (json_is_real(v)) {
		autofree char *s = json_text(v);
		return arena_strdup(c->a, s);
	}
	return "";
}

/* --- labels of one node ------------------------------------------------------------------------------------------------------- */

struct where {
	const json_t *pool, *node, *fabric, *fabric_node;
	size_t pool_at, node_at, spares;         /* spares: of this pool so far */
	const char *name;
	const char *mig;                         /* its MIG resources as the annotation says them; NULL: none */
};
enum from { FROM_NODE, FROM_POOL, FROM_FABRIC, FROM_FABRIC_NODE };

/* What each label of handoff.json is read from: IN is an object inside, or NULL. */
static const struct source { const char *label; enum from from; const char *in, *key; } sources[] = {
	{ "fabric", FROM_FABRIC, NULL, "name" },
	{ "firmware-baseline", FROM_POOL, "firmware", "name" },
	{ "gpu-count", FROM_POOL, "gpu", "count" },
	{ "gpu-product", FROM_POOL, "gpu", "product" },
	{ "leaf", FROM_FABRIC_NODE, NULL, "leaf" },
	{ "mig-layout", FROM_POOL, "mig", "name" },
	{ "nvlink-domain", FROM_NODE, NULL, "nvlink_domain" },
	{ "pool", FROM_POOL, NULL, "name" },
	{ "power-feed", FROM_NODE, NULL, "power_feed" },
	{ "rack", FROM_NODE, NULL, "rack" },
	{ "rails", FROM_FABRIC_NODE, NULL, "rails" },
	{ "spare", FROM_NODE, NULL, "spare" },       /* or named by the pool's spare.nodes */
	{ "spine-group", FROM_FABRIC_NODE, NULL, "spine_group" },
};

static const json_t *source_value(const struct source *s, const struct where *w)
{
	const json_t *from[] = { [FROM_NODE] = w->node, [FROM_POOL] = w->pool, [FROM_FABRIC] = w->fabric_node ? w->fabric : NULL,
				 [FROM_FABRIC_NODE] = w->fabric_node };
	const json_t *o = from[s->from];
	return json_at(s->in ? json_at(o, s->in) : o, s->key);
}

static const char *checked_value(struct cluster *c, const struct source *s, const struct where *w, const char *value)
{
	const char *const *path = PATH("pools", number(c, w->pool_at));
	if (!value_ok(value)) {
		if (first_time(c, s->label, value))
			REPORT(c, "E0803", false, path, NULL, NULL,
			       "node %s: %s \"%.80s\" cannot be a label (letters, digits, \"-\", \"_\", \".\", both ends a letter or digit); \"%s\" could", w->name,
			       s->key, value, value_near(c, value));
		return NULL;
	}
	if (strlen(value) <= 63)
		return value;
	const char *less = shortened(c, value);
	if (first_time(c, s->label, value))
		WARN(c, "W0801", path, "node %s: %s \"%.80s\" is longer than the 63 characters of a label and becomes \"%s\"", w->name, s->key, value, less);
	return less;
}

static bool is_named_spare(const struct where *w)
{
	const json_t *globs = json_at(json_at(w->pool, "spare"), "nodes");
	for (size_t i = 0; i < json_array_size(globs); i++)
		if (str_glob(json_string_value(json_array_get(globs, i)), w->name))
			return true;
	return false;
}

static json_t *labels_of(struct cluster *c, const struct where *w)
{
	json_t *labels = json_object();
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		const struct source *s = &sources[i];
		const char *value = text_of(c, source_value(s, w));
		if (strcmp(s->label, "spare") == 0 && is_named_spare(w))
			value = "true";
		if (!value[0] || !json_at(json_at(c->handoff, "labels"), s->label))
			continue;
		if (strcmp(s->label, "spare") == 0) {
			if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0 && first_time(c, s->label, value))
				REPORT(c, "E0803", false, PATH("pools", number(c, w->pool_at)), NULL, NULL, "node %s: spare is true or false, not \"%.40s\"", w->name,
				       value);
			if (strcmp(value, "true") != 0)
				continue;
		}
		value = checked_value(c, s, w, value);
		if (value)
			json_put_str(labels, arena_printf(c->a, "%s%s", c->prefix, s->label), value);
	}
	return labels;
}

static void add_presets(struct cluster *c, json_t *labels)
{
	const json_t *list = json_at(c->x->config, "presets");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *preset = json_string_value(json_array_get(list, i)), *key;
		const json_t *map = preset ? json_path(c->handoff, "presets", preset, "labels", NULL) : NULL;
		json_t *ours;
		json_object_foreach((json_t *)map, key, ours) {
			const char *value = json_str(labels, arena_printf(c->a, "%s%s", c->prefix, json_string_value(ours)));
			if (value)
				json_put_str(labels, key, arena_strdup(c->a, value));
		}
	}
}

/* The keys of OBJECT, for "did you mean". */
static const char *const *key_names(struct cluster *c, const json_t *object)
{
	size_t n;
	autofree const char **keys = json_keys(object, &n);
	const char **names = arena_array(c->a, n + 1, sizeof(*names));
	memcpy(names, keys, n * sizeof(*names));
	return names;
}

static void check_presets(struct cluster *c)
{
	const json_t *list = json_at(c->x->config, "presets"), *known = json_at(c->handoff, "presets");
	const char *const *names = key_names(c, known);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *preset = json_string_value(json_array_get(list, i));
		if (!preset || !json_at(known, preset))
			REPORT(c, "E0807", false, PATH("presets", number(c, i)), names, preset ? preset : "", "there is no label preset \"%.60s\"",
			       preset ? preset : "");
	}
}

/* --- objects ------------------------------------------------------------------------------------------------------------------ */

static void add_object(struct cluster *c, const char *type, const char *label, const char *key, const char *node, json_t *config)
{
	json_t *o = json_object();
	json_put_str(o, "type", type);
	json_put_str(o, "label", label);
	json_put_str(o, "key", key);
	json_put_str(o, "node", node);
	json_put_new(o, "config", config);
	json_array_append_new(c->objects, o);
}

/* Where CONFIG goes: FILE, or the cluster. */
static void put_place(struct cluster *c, json_t *config, const char *file)
{
	const json_t *force = json_at(c->x->config, "force");
	if (!c->live)
		json_put_str(config, "path", arena_printf(c->a, "%s/%s", c->folder, file));
	if (force)
		json_put_new(config, "force", json_ref(force));
}

/* STEM is what it is called, and with .yaml its file. */
static void add_manifest(struct cluster *c, const char *stem, json_t *object)
{
	json_t *config = json_object();
	const char *file = arena_printf(c->a, "%s.yaml", stem);
	put_place(c, config, file);
	json_put_new(config, "object", object);
	add_object(c, "manifest", "manifest", c->live ? stem : file, NULL, config);
	json_array_append_new(c->resources, json_string(file));
}

static void add_node(struct cluster *c, struct where *w)
{
	const char *file = arena_printf(c->a, "nodes/%s.yaml", w->name), *key;
	json_t *config = json_object(), *labels = labels_of(c, w), *v;
	const json_t *taints = json_at(c->x->config, "taints");
	add_presets(c, labels);
	json_object_foreach(labels, key, v)
		json_object_set(c->keys, key, v);
	w->spares += json_at(labels, arena_printf(c->a, "%sspare", c->prefix)) != NULL;
	json_put_str(config, "node", w->name);
	put_place(c, config, file);
	json_put_new(config, "labels", labels);
	if (w->mig)
		json_put_new(config, "annotations", json_pack("{s:s}", arena_printf(c->a, "%smig-resources", c->prefix), w->mig));
	if (taints)
		json_put_new(config, "taints", json_ref(taints));
	add_object(c, "node_labels", "node", w->name, w->name, config);
	json_array_append_new(c->names, json_string(w->name));
	json_array_append_new(c->resources, json_string(file));
}

static bool check_node(struct cluster *c, const struct where *w)
{
	const char *const *path = PATH("pools", number(c, w->pool_at)), *pool = json_str(w->pool, "name");
	if (!w->name || !dns1123_ok(w->name, true, 253)) {
		REPORT(c, "E0802", false, path, NULL, NULL,
		       "node %zu of %s: \"%.80s\" cannot name a Kubernetes node: small letters, digits, \"-\" and \".\", both ends a letter or digit",
		       w->node_at + 1, pool, w->name ? w->name : "");
		return false;
	}
	const char *other = json_str(c->seen, w->name);
	if (other) {
		if (strcmp(other, pool) == 0)
			REPORT(c, "E0804", false, path, NULL, NULL, "node %s is in %s twice", w->name, pool);
		else
			REPORT(c, "E0804", false, path, NULL, NULL, "node %s is in %s and in %s", w->name, other, pool);
		return false;
	}
	json_put_str(c->seen, w->name, pool);
	return true;
}

/* --- MIG ----------------------------------------------------------------------------------------------------------------------- */

static void take_layout(struct cluster *c, const struct where *w)
{
	const char *const *path = PATH("pools", number(c, w->pool_at)), *pool = json_str(w->pool, "name");
	const json_t *mig = json_at(w->pool, "mig"), *gpu = json_at(w->pool, "gpu"), *config = json_at(mig, "config");
	const char *name = json_str(mig, "name"), *product = json_str(mig, "product"), *have = json_str(gpu, "product"), *as = json_str(mig, "gpu");
	if (!name || !config)
		return;
	json_int_t gpus = json_int(mig, "gpus", 0), count = json_int(gpu, "count", 0);
	if (gpus && count && gpus != count)
		REPORT(c, "E0809", false, path, NULL, NULL, "MIG layout %s divides %lld GPUs of a node, the nodes of %s have %lld", name, (long long)gpus, pool,
		       (long long)count);
	if (product && have && strcmp(product, have) != 0 && !(as && strcmp(as, have) == 0))
		WARN(c, "W0803", path, "MIG layout %s is for %s, pool %s has %s", name, product, pool, have);
	if (!value_ok(name) || strlen(name) > 63 || strcmp(name, "all-disabled") == 0) {
		REPORT(c, "E0803", false, path, NULL, NULL, "MIG layout %.80s: its name goes into a label: at most 63 letters, digits, \"-\", \"_\", \".\", and "
		       "not all-disabled", name);
		return;
	}
	const json_t *known = json_at(c->layouts, name);
	if (known && !json_same(known, config))
		REPORT(c, "E0806", false, path, NULL, NULL, "two different MIG layouts are called %s", name);
	else
		json_put_new(c->layouts, name, json_ref(config));
}

static void add_mig_config(struct cluster *c)
{
	const char *space = json_str(c->x->config, "namespace"), *name = json_str(c->x->config, "mig_config_name");
	space = space ? space : "gpu-operator";
	name = name ? name : "aipc-mig-config";
	if (!dns1123_ok(space, false, 63))
		REPORT(c, "E0811", false, PATH("namespace"), NULL, NULL, "\"%.80s\" cannot name a namespace", space);
	if (!dns1123_ok(name, true, 253))
		REPORT(c, "E0811", false, PATH("mig_config_name"), NULL, NULL, "\"%.80s\" cannot name a ConfigMap", name);
	if (!json_object_size(c->layouts))
		return;
	/* mig-manager sets nodes without a layout to this one. */
	json_put_new(c->layouts, "all-disabled", json_pack("[{s:s,s:b}]", "devices", "all", "mig-enabled", 0));
	autojson json_t *parted = json_pack("{s:s,s:O}", "version", "v1", "mig-configs", c->layouts);
	autostr struct str text;
	str_init(&text, STR_OURS);
	yaml_write(parted, &text);
	add_manifest(c, "mig-config", json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name,
						     "namespace", space, "data", "config.yaml", text.at));
}

static const char *mig_resources(struct cluster *c, const struct where *w)
{
	const json_t *mig = json_at(w->pool, "mig"), *layout = json_at(mig, "config");
	const char *strategy = json_str(c->x->config, "mig_strategy");
	if (!c->runtime || !layout)
		return NULL;
	autojson json_t *resources = runtime_mig_resources(layout, json_int(json_at(w->pool, "gpu"), "count", json_int(mig, "gpus", 0)), strategy ? strategy : "mixed");
	if (!resources) {
		REPORT(c, "E0816", false, PATH("mig_strategy"), NULL, NULL, "under the strategy single all GPUs are cut alike and into one profile; layout %s is not",
		       json_str(mig, "name"));
		return NULL;
	}
	autofree char *text = json_text(resources);
	return arena_strdup(c->a, text);
}

/* --- spares -------------------------------------------------------------------------------------------------------------------- */

/* NAME as the name of an object: as it is, or in small letters with a hash, so that different names stay different. */
static const char *object_name(struct cluster *c, const char *name)
{
	char hex[65], *out = arena_strdup(c->a, name);
	if (dns1123_ok(name, true, 253))
		return name;
	str_sha256(name, strlen(name), hex);
	for (char *s = out; *s; s++)
		*s = isalnum((unsigned char)*s) ? (char)tolower((unsigned char)*s) : '-';
	return arena_printf(c->a, "pool-%.200s-%.8s", out, hex);
}

static bool known_level(const char *const *levels, const char *name)
{
	while (*levels && strcmp(*levels, name) != 0)
		levels++;
	return *levels != NULL;
}

static void check_levels(struct cluster *c, const struct where *w, const json_t *min_free)
{
	autofree const char **levels = runtime_levels(c->presets, json_str(c->x->config, "topology"));
	const char *level;
	json_t *v;
	json_object_foreach((json_t *)min_free, level, v)
		if (!known_level(levels, level))
			REPORT(c, "E0814", false, PATH("pools", number(c, w->pool_at)), levels, level, "pool %s wants spares free at level \"%.60s\", which the "
			       "topology does not have", json_str(w->pool, "name"), level);
}

static void add_spares(struct cluster *c, const struct where *w)
{
	const json_t *spare = json_at(w->pool, "spare"), *min_free = json_at(spare, "min_free");
	const char *pool = json_str(w->pool, "name");
	if (json_is_object(spare) && !w->spares)
		REPORT(c, "E0815", false, PATH("pools", number(c, w->pool_at)), NULL, NULL, "pool %s has spare settings, but none of its nodes is a spare: none matches "
		       "spare.nodes, none has spare: true", pool);
	check_levels(c, w, min_free);
	if (c->runtime && w->spares) {
		const char *name = object_name(c, pool);
		add_manifest(c, arena_printf(c->a, "spare-pools/%s", name), runtime_spares(name, pool, min_free));
	}
}

/* --- what the runtime reads ------------------------------------------------------------------------------------------------------ */

static void add_runtime(struct cluster *c)
{
	const char *preset = json_str(c->x->config, "topology");
	autojson json_t *kinds = c->runtime ? runtime_kinds() : NULL;
	if (preset && !json_at(c->presets, preset)) {
		REPORT(c, "E0807", false, PATH("topology"), key_names(c, c->presets), preset, "there is no topology preset \"%.60s\"", preset);
		return;
	}
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const json_t *kind = json_array_get(kinds, i);
		add_manifest(c, arena_printf(c->a, "crds/%s", json_str(json_at(kind, "metadata"), "name")), json_ref(kind));
	}
	json_t *topology = c->runtime ? runtime_topology(c->presets, preset, c->keys) : NULL;
	if (topology)
		add_manifest(c, "fabric-topology", topology);
}

/* --- the block ------------------------------------------------------------------------------------------------------------------- */

static void take_pool(struct cluster *c, size_t at)
{
	const json_t *pool = json_array_get(json_at(c->x->config, "pools"), at), *nodes = json_at(pool, "nodes"), *fabric = json_at(c->x->config, "fabric");
	const char *name = json_str(pool, "name"), *const *path = PATH("pools", number(c, at)), *first = NULL;
	size_t outside = 0;
	if (!name || !json_is_array(nodes)) {
		REPORT(c, "E0801", false, path, NULL, NULL, "a pool is a gpu_node_pool, or an object with name and nodes");
		return;
	}
	struct where w = { .pool = pool, .fabric = fabric, .pool_at = at };
	w.mig = mig_resources(c, &w);
	for (w.node_at = 0; w.node_at < json_array_size(nodes); w.node_at++) {
		w.node = json_array_get(nodes, w.node_at);
		w.name = json_str(w.node, "name");
		w.fabric_node = w.name ? json_at(json_at(fabric, "nodes"), w.name) : NULL;
		if (!check_node(c, &w))
			continue;
		if (json_is_object(fabric) && !w.fabric_node && outside++ == 0)
			first = w.name;
		add_node(c, &w);
	}
	if (outside)
		WARN(c, "W0802", path, "%zu node%s of %s %s not in fabric %s (the first is %s): no fabric labels", outside, outside == 1 ? "" : "s", name,
		     outside == 1 ? "is" : "are", json_str(fabric, "name"), first);
	take_layout(c, &w);
	add_spares(c, &w);
}

static void check_block(struct cluster *c)
{
	const json_t *fabric = json_at(c->x->config, "fabric");
	bool own = json_str(c->x->config, "manifests") != NULL;
	if (fabric && !json_is_null(fabric) && (!json_str(fabric, "name") || !json_is_object(json_at(fabric, "nodes"))))
		REPORT(c, "E0808", false, PATH("fabric"), NULL, NULL, "this is no ib_fabric: it has no name, or no nodes");
	if (!textfile_path_ok(c->folder))
		REPORT(c, "E0810", false, own ? PATH("manifests") : PATH(NULL), NULL, NULL,
		       "\"%.200s\" is no folder for manifests: relative to the spec without \"..\", or absolute", c->folder);
	check_presets(c);
}

static void build(struct cluster *c)
{
	const json_t *pools = json_at(c->x->config, "pools");
	check_block(c);
	for (size_t i = 0; i < json_array_size(pools); i++)
		take_pool(c, i);
	add_mig_config(c);
	add_runtime(c);
	if (c->live)
		return;
	json_t *list = json_copy(c->resources);
	add_manifest(c, "kustomization", json_pack("{s:s,s:s,s:o}", "apiVersion", "kustomize.config.k8s.io/v1beta1", "kind", "Kustomization",
							"resources", list));
}

static json_t *value_of(struct cluster *c)
{
	autofree char *name = instance_name(c->x);
	json_t *v = json_object(), *layouts = json_array();
	size_t n;
	autofree const char **keys = json_keys(c->layouts, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(layouts, json_string(keys[i]));
	json_put_str(v, "name", name);
	if (!c->live)
		json_put_str(v, "folder", c->folder);
	json_object_set(v, "nodes", c->names);
	json_put_new(v, "mig_configs", layouts);
	return v;
}

static json_t *load_handoff(void)
{
	size_t len = 0;
	const char *text = data_file("handoff.json", &len);
	json_t *j = NULL;
	struct err err = { 0 };
	if (!text || json_parse(text, len, "handoff.json", &j, &err) || !json_str(j, "prefix"))
		BUG("schemas/handoff.json: %s", err.msg);
	return j;
}

int cluster_build(struct expand *x, json_t **objects, json_t **value)
{
	autoarena struct arena *a = arena_new();
	const char *folder = json_str(x->config, "manifests");
	struct cluster c = { .x = x, .a = a, .handoff = load_handoff() };
	c.prefix = json_str(c.handoff, "prefix");
	c.folder = folder ? folder : json_str(x->provider, "manifests");
	c.folder = c.folder ? c.folder : "manifests";
	c.live = target_is_live(x->provider);
	c.runtime = json_flag(x->config, "runtime", true);
	c.keys = json_object();
	c.presets = runtime_presets();
	c.objects = json_array();
	c.names = json_array();
	c.resources = json_array();
	c.seen = json_object();
	c.told = json_object();
	c.layouts = json_object();
	build(&c);
	if (!c.mistakes) {
		*objects = json_incref(c.objects);
		*value = value_of(&c);
	}
	json_t *mine[] = { c.objects, c.names, c.resources, c.seen, c.told, c.layouts, c.handoff, c.keys, c.presets };
	for (size_t i = 0; i < ARRAY_LEN(mine); i++)
		json_decref(mine[i]);
	return c.mistakes ? E_INPUT : 0;
}
