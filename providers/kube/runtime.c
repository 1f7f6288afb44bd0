#include "providers/kube/runtime.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "lang/lang.h"
#include "schemas/data.h"

#define GPU "nvidia.com/gpu"

/* --- data files --------------------------------------------------------------------------------------------------------------- */

json_t *runtime_kinds(void)
{
	static const char *const files[] = { "crds/fabrictopology.yaml", "crds/gang.yaml", "crds/nodehealthpolicy.yaml", "crds/sparepool.yaml" };
	json_t *out = json_array();
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		size_t len = 0;
		const char *text = data_file(files[i], &len);
		json_t *j = NULL;
		struct err err = { 0 };
		if (!text || lang_yaml_to_json(text, len, files[i], false, &j, &err))
			BUG("schemas/%s: %s", files[i], err.msg);
		json_array_append_new(out, j);
	}
	return out;
}

json_t *runtime_presets(void)
{
	size_t len = 0;
	struct err err = { 0 };
	const char *text = data_file("topologies.json", &len);
	json_t *all = NULL;
	if (!text || json_parse(text, len, "topologies.json", &all, &err) || !json_at(json_at(all, "presets"), "aipc"))
		BUG("schemas/topologies.json: %s", err.msg);
	json_t *presets = json_ref(json_at(all, "presets"));
	json_decref(all);
	return presets;
}

static const json_t *levels_of(const json_t *presets, const char *preset)
{
	return json_at(json_at(presets, preset ? preset : "aipc"), "levels");
}

const char **runtime_levels(const json_t *presets, const char *preset)
{
	const json_t *levels = levels_of(presets, preset);
	size_t n = 0;
	const char **out = xcalloc(3 * json_array_size(levels) + 2, sizeof(*out));
	for (size_t i = 0; i < json_array_size(levels); i++) {
		const json_t *l = json_array_get(levels, i);
		const char *names[] = { json_str(l, "name"), json_str(l, "alias"), json_str(l, "nodeLabel") };
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			if (names[k])
				out[n++] = names[k];
	}
	out[n] = "cluster";
	return out;
}

/* --- objects ------------------------------------------------------------------------------------------------------------------ */

static json_t *object(const char *kind, const char *name, json_t *spec)
{
	return json_pack("{s:s,s:s,s:{s:s},s:o}", "apiVersion", "aipc.dev/v1alpha1", "kind", kind, "metadata", "name", name, "spec", spec);
}

json_t *runtime_topology(const json_t *presets, const char *preset, const json_t *labels)
{
	const json_t *levels = levels_of(presets, NULL);
	json_t *list = json_array();
	if (preset) {
		json_decref(list);
		return object("FabricTopology", "default", json_pack("{s:s}", "preset", preset));
	}
	for (size_t i = 0; i < json_array_size(levels); i++)
		if (json_at(labels, json_str(json_array_get(levels, i), "nodeLabel")))
			json_array_append(list, json_array_get(levels, i));
	if (json_array_size(list))
		return object("FabricTopology", "default", json_pack("{s:o}", "levels", list));
	json_decref(list);
	return NULL;
}

json_t *runtime_spares(const char *name, const char *pool, const json_t *min_free)
{
	json_t *spec = json_pack("{s:{s:s,s:s}}", "nodeSelector", "aipc.dev/pool", pool, "aipc.dev/spare", "true"), *list = json_array();
	size_t n;
	autofree const char **levels = json_keys(min_free, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s,s:O}", "level", levels[i], "nodes", json_at(min_free, levels[i])));
	if (json_array_size(list))
		json_object_set(spec, "minFree", list);
	json_decref(list);
	return object("SparePool", name, spec);
}

/* --- MIG ---------------------------------------------------------------------------------------------------------------------- */

/* Resources are called as the profile, with "." for "+": 1g.10gb+me is nvidia.com/mig-1g.10gb.me. */
static char *resource_of(const char *profile)
{
	char *name = xasprintf("nvidia.com/mig-%s", profile);
	for (char *s = name; *s; s++)
		if (*s == '+')
			*s = '.';
	return name;
}

static void add(json_t *out, const char *resource, json_int_t n)
{
	if (n > 0)
		json_put_int(out, resource, json_int(out, resource, 0) + n);
}

json_t *runtime_mig_resources(const json_t *layout, json_int_t gpus, const char *strategy)
{
	json_t *out = json_object();
	json_int_t named = 0, cut = 0;
	for (size_t i = 0; i < json_array_size(layout); i++) {
		const json_t *e = json_array_get(layout, i), *devices = json_at(e, "devices"), *profiles = json_at(e, "mig-devices");
		json_int_t n = json_is_array(devices) ? (json_int_t)json_array_size(devices) : gpus;
		const char *profile;
		json_t *count;
		bool mig = json_flag(e, "mig-enabled", false);
		named += n;
		cut += mig ? n : 0;
		if (!mig)
			add(out, GPU, n);
		json_object_foreach((json_t *)profiles, profile, count) {
			autofree char *resource = resource_of(profile);
			add(out, resource, n * json_integer_value(count));
		}
	}
	if (gpus > named)
		add(out, GPU, gpus - named);
	if (strcmp(strategy, "single") != 0)
		return out;
	/* Under single all GPUs are cut alike, and their instances are what is called a GPU. */
	const char *only = json_object_iter_key(json_object_iter(out));
	json_t *same = json_object_size(out) == 1 && cut && strcmp(only, GPU) != 0 ? json_pack("{s:O}", GPU, json_at(out, only)) : NULL;
	json_decref(out);
	return same;
}
