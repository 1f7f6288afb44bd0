#include "providers/kube/files.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "lang/lang.h"
#include "providers/kube/yaml.h"

#define HEAD "# Written by aipc; a change made here is shown as drift and undone.\n"

void node_text(const json_t *config, struct str *out)
{
	const json_t *annotations = json_at(config, "annotations");
	json_t *meta = json_object();
	json_put_str(meta, "name", json_str(config, "node"));
	json_put_new(meta, "labels", json_ref(json_at(config, "labels")));
	if (json_object_size(annotations))
		json_put_new(meta, "annotations", json_ref(annotations));
	autojson json_t *node = json_pack("{s:s,s:s,s:o}", "apiVersion", "v1", "kind", "Node", "metadata", meta);
	if (json_array_size(json_at(config, "taints")))
		json_put_new(node, "spec", json_pack("{s:O}", "taints", json_at(config, "taints")));
	str_add(out, HEAD);
	yaml_write(node, out);
}

/* Does the object hold what we never write? */
static bool is_foreign(const json_t *j)
{
	const json_t *meta = json_at(j, "metadata"), *annotations = json_at(meta, "annotations"), *labels = json_at(meta, "labels");
	const char *api = json_str(j, "apiVersion"), *kind = json_str(j, "kind");
	const json_t *spec = json_at(j, "spec"), *taints = json_at(spec, "taints");
	if (!api || strcmp(api, "v1") != 0 || !kind || strcmp(kind, "Node") != 0 || json_object_size(j) != 3u + (spec != NULL))
		return true;
	if (spec && (json_object_size(spec) != 1 || !json_array_size(taints)))
		return true;
	if (!json_str(meta, "name") || !json_is_object(labels) || (annotations && !json_is_object(annotations)))
		return true;
	return json_object_size(meta) != 2u + (annotations != NULL);
}

static json_t *object_or_empty(const json_t *j)
{
	return json_is_object(j) ? json_ref(j) : json_object();
}

json_t *node_actual(const char *path, const char *text, size_t len)
{
	autojson json_t *j = NULL;
	struct err err;
	json_t *out = json_object();
	bool bad = lang_yaml_to_json(text, len, path, false, &j, &err) != 0;
	const json_t *meta = bad ? NULL : json_at(j, "metadata");
	const char *name = json_str(meta, "name");
	json_put_str(out, "path", path);
	json_put_str(out, "node", name ? name : "");
	json_put_new(out, "labels", object_or_empty(json_at(meta, "labels")));
	json_put_new(out, "annotations", object_or_empty(json_at(meta, "annotations")));
	const json_t *taints = json_at(json_at(j, "spec"), "taints");
	json_put_new(out, "taints", json_is_array(taints) ? json_ref(taints) : json_array());
	json_put_new(out, "taken_by", json_object());
	json_put_new(out, "other_content", json_boolean(bad || is_foreign(j)));
	return out;
}

void manifest_text(const json_t *config, struct str *out)
{
	str_add(out, HEAD);
	yaml_write(json_at(config, "object"), out);
}

json_t *manifest_actual(const char *path, const char *text, size_t len)
{
	json_t *j = NULL, *out = json_object();
	struct err err = { 0 };
	json_put_str(out, "path", path);
	if (lang_yaml_to_json(text, len, path, false, &j, &err) != 0)
		j = json_pack("{s:o}", "unreadable", json_string_safe(err.msg, strlen(err.msg)));
	json_put_new(out, "object", j);
	json_put_new(out, "taken_by", json_object());
	return out;
}
