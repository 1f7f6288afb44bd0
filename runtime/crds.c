/* The commands that print what is built in: the kinds, the presets of fabric topologies, the Xid catalogue. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runtime/builtin.h"
#include "runtime/command.h"
#include "schemas/data.h"

static const char *const crds[] = {
	"crds/fabrictopology.yaml", "crds/gang.yaml", "crds/nodehealthpolicy.yaml", "crds/sparepool.yaml",
};

static int crds_run(struct rt *rt)
{
	for (size_t i = 0; i < ARRAY_LEN(crds); i++) {
		size_t len;
		const char *text = data_file(crds[i], &len);
		if (!text)
			BUG("%s is not built in", crds[i]);
		fprintf(rt->out, "%s%s", i ? "---\n" : "", text);
	}
	return EXIT_OK;
}

const struct command cmd_crds = {
	.name = "crds", .args = "", .brief = "print the kinds of aipc for kubectl",
	.about = "Prints the CustomResourceDefinitions FabricTopology, Gang, NodeHealthPolicy and\n"
		 "SparePool (aipc.dev/v1alpha1) as one YAML stream.",
	.examples = { { "aipc-runtime crds | kubectl apply --server-side -f -", "install or update the kinds" } },
	.run = crds_run,
};

json_t *builtin_json(const char *name)
{
	size_t len;
	struct err err = { 0 };
	json_t *j = NULL;
	const char *text = data_file(name, &len);
	if (!text || json_parse(text, len, name, &j, &err))
		BUG("%s: %s", name, text ? err.msg : "is not built in");
	return j;
}

static int topology_list(struct rt *rt, const json_t *presets)
{
	size_t n;
	autofree const char **keys = json_keys(presets, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(rt->out, "%-14s %s\n", keys[i], json_str(json_at(presets, keys[i]), "about"));
	return EXIT_OK;
}

static int topology_run(struct rt *rt)
{
	autojson json_t *file = builtin_json("topologies.json");
	const json_t *presets = json_at(file, "presets");
	if (rt->n_args == 0)
		return topology_list(rt, presets);
	const json_t *preset = json_at(presets, rt->args[0]), *level;
	if (!preset) {
		size_t n;
		autofree const char **keys = json_keys(presets, &n);
		autofree const char **names = xcalloc(n + 1, sizeof(*names));
		memcpy(names, keys, n * sizeof(*names));
		const char *near = str_nearest(rt->args[0], names);
		return near ? rt_usage(rt, "there is no preset \"%.60s\"; did you mean \"%s\"?", rt->args[0], near)
			    : rt_usage(rt, "there is no preset \"%.60s\"; aipc-runtime topology lists them", rt->args[0]);
	}
	fprintf(rt->out, "# %s\napiVersion: aipc.dev/v1alpha1\nkind: FabricTopology\nmetadata: { name: default }\nspec:\n  levels:\n",
		json_str(preset, "about"));
	size_t i;
	json_array_foreach(json_at(preset, "levels"), i, level) {
		const char *alias = json_str(level, "alias");
		fprintf(rt->out, "    - { name: %s, %s%s%snodeLabel: %s%s }\n", json_str(level, "name"), alias ? "alias: " : "", alias ? alias : "",
			alias ? ", " : "", json_str(level, "nodeLabel"), json_flag(level, "scaleUp", false) ? ", scaleUp: true" : "");
	}
	return EXIT_OK;
}

const struct command cmd_topology = {
	.name = "topology", .args = "[PRESET]", .brief = "print a FabricTopology for known label keys",
	.about = "Lists the presets of node label keys, or prints one as a FabricTopology object\n"
		 "with its levels written out, ready to be edited and applied.",
	.examples = { { "aipc-runtime topology", "list the presets" },
		      { "aipc-runtime topology aws | kubectl apply -f -", "use the keys that EKS writes" } },
	.max = 1, .run = topology_run,
};
