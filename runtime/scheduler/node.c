#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "runtime/scheduler/model.h"
#include "runtime/scheduler/resources.h"

static enum taint_effect effect_of(const char *text)
{
	static const char *const names[] = { "NoSchedule", "PreferNoSchedule", "NoExecute" };
	for (size_t i = 0; text && i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum taint_effect)i;
	return TAINT_OTHER;
}

static void parse_taints(struct model *m, struct node *n, const json_t *array)
{
	size_t i;
	json_t *j;
	struct taint *at = arena_array(m->arena, json_array_size(array) + 1, sizeof(*at));
	json_array_foreach(array, i, j)
		at[i] = (struct taint){ intern(m->names, json_str(j, "key")), intern(m->names, json_str(j, "value")), effect_of(json_str(j, "effect")) };
	n->taints = at;
	n->n_taints = (uint32_t)json_array_size(array);
}

static const struct { enum node_feature feature; const char *name; } features[] = {
	{ FEATURE_RESTART_ALL, "RestartAllContainersOnContainerExits" },
	{ FEATURE_HOST_NETWORK_USERNS, "UserNamespacesHostNetworkSupport" },
};

const char *node_feature_name(unsigned set)
{
	size_t i = 0;
	while (i + 1 < ARRAY_LEN(features) && !(set & features[i].feature))
		i++;
	return features[i].name;
}

static unsigned declared(const json_t *array)
{
	unsigned set = 0;
	size_t i;
	json_t *j;
	json_array_foreach(array, i, j)
		for (size_t k = 0; k < ARRAY_LEN(features); k++)
			if (json_is_string(j) && strcmp(json_string_value(j), features[k].name) == 0)
				set |= features[k].feature;
	return set;
}

struct node *node_parse(struct model *m, const json_t *j)
{
	const json_t *meta = json_at(j, "metadata"), *spec = json_at(j, "spec");
	const char *name = json_str(meta, "name");
	sym yes = intern(m->names, "true"), value = 0;
	if (!name || !*name)
		return NULL;
	struct node *n = arena_alloc(m->arena, sizeof(*n));
	n->name = intern(m->names, name);
	n->text = intern_text(m->names, n->name);
	n->labels = labels_parse(m->names, m->arena, json_at(meta, "labels"));
	n->cordoned = json_flag(spec, "unschedulable", false);
	n->spare = labels_get(&n->labels, intern(m->names, "aipc.dev/spare"), &value) && value == yes;
	n->features = declared(json_path(j, "status", "declaredFeatures", NULL));
	parse_taints(m, n, json_at(spec, "taints"));
	n->has = resources_of_node(m, j, &n->max_pods);
	n->used = arena_array(m->arena, n->has.n + 1, sizeof(*n->used));
	return n;
}
