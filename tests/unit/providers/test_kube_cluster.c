#include "tests/unit/providers/expanding.h"

#include "base/mem.h"
#include "providers/kube/cluster.h"
#include "providers/kube/files.h"
#include "providers/kube/runtime.h"
#include "providers/kube/yaml.h"
#include "schemas/data.h"

static void yaml_text(void **state)
{
	(void)state;
	static const struct { const char *json, *yaml; } rows[] = {
		{ "{\"metadata\":{\"labels\":{\"b\":\"x\",\"a\":\"8\"},\"name\":\"n\"},\"kind\":\"Node\",\"apiVersion\":\"v1\"}",
		  "apiVersion: v1\nkind: Node\nmetadata:\n  name: \"n\"\n  labels:\n    a: \"8\"\n    b: x\n" },
		{ "{\"a\":[1,-2.5,true,null,{},[],{\"x\":1,\"y\":[\"z\"]},[\"q\"]]}",
		  "a:\n  - 1\n  - -2.5\n  - true\n  - null\n  - {}\n  - []\n  - x: 1\n    \"y\":\n      - z\n  -\n    - q\n" },
		{ "{\"1g.10gb\":7,\"no\":\"Yes\",\"e\":\"\",\"t\":\"a b\",\"c\":\"a:b\",\"n\":\"1e3\",\"o\":\"0x10\",\"tilde\":\"~\",\"d\":\"2026-11-21\"}",
		  "\"1g.10gb\": 7\nc: \"a:b\"\nd: \"2026-11-21\"\ne: \"\"\n\"n\": \"1e3\"\n\"no\": \"Yes\"\no: \"0x10\"\nt: \"a b\"\ntilde: \"~\"\n" },
		{ "{\"a\":\"one\\ntwo\\n\",\"b\":\"one\\n\\n  two\",\"c\":\" lead\\nx\",\"d\":\"end\\n\\n\",\"q\":\"tab\\there\\n\"}",
		  "a: |\n  one\n  two\nb: |-\n  one\n\n    two\nc: \" lead\\nx\"\nd: \"end\\n\\n\"\nq: \"tab\\u0009here\\n\"\n" },
		{ "{\"a\":\"\\u00e4\\u2028\\ud83d\\ude00\\\"\\\\\"}", "a: \"\\u00E4\\u2028\\U0001F600\\\"\\\\\"\n" },
		{ "[]", "[]\n" }, { "[[1],{\"a\":{}}]", "-\n  - 1\n- a: {}\n" }, { "\"x\"", "\"x\"\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *j;
		struct err err;
		autostr struct str s;
		str_init(&s, STR_OURS);
		assert_int_equal(json_parse(rows[i].json, strlen(rows[i].json), "row", &j, &err), 0);
		yaml_write(j, &s);
		assert_string_equal(s.at, rows[i].yaml);
		json_decref(j);
	}
}

/* --- the block ------------------------------------------------------------------------------------------------------------------ */

#define POOL(nodes, more) "{\"name\":\"train\",\"nodes\":[" nodes "]" more "}"
#define FABRIC ",\"fabric\":{\"name\":\"compute\",\"nodes\":{\"gpu-1\":{\"leaf\":\"leaf-01\",\"spine_group\":\"spine-group-01\",\"rails\":8}}}"
#define MIG ",\"mig\":{\"name\":\"inference\",\"gpu\":\"H100-80GB\",\"product\":\"H100-SXM5-80GB\",\"gpus\":8,\"config\":[{\"devices\":[0,1]," \
	"\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb\":7}}]}"
#define HEAD "# Written by aipc; a change made here is shown as drift and undone.\n"

struct built { struct expanding e; json_t *objects, *value; int rc; };

static void build(struct built *b, const char *config, const char *provider)
{
	expanding_init(&b->e, "lab", config, provider);
	b->objects = b->value = NULL;
	b->rc = cluster_build(&b->e.x, &b->objects, &b->value);
}

static void built_release(struct built *b)
{
	json_decref(b->objects);
	json_decref(b->value);
	expanding_release(&b->e);
}

/* The text of the object with KEY. */
static char *text_of(const struct built *b, const char *key)
{
	for (size_t i = 0; i < json_array_size(b->objects); i++) {
		const json_t *o = json_array_get(b->objects, i);
		struct str s;
		if (strcmp(json_str(o, "key"), key) != 0)
			continue;
		str_init(&s, STR_OURS);
		(strcmp(json_str(o, "type"), "manifest") == 0 ? manifest_text : node_text)(json_at(o, "config"), &s);
		return str_take(&s);
	}
	return xstrdup("(none)");
}

static void manifests(void **state)
{
	(void)state;
	static const struct { const char *config, *key, *text; } rows[] = {
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\",\"bmc\":\"10.0.0.1\",\"rack\":\"r07\",\"power_feed\":\"A\",\"nvlink_domain\":3,\"spare\":true}",
				      ",\"firmware\":{\"name\":\"hgx-2026-10\"},\"gpu\":{\"product\":\"H100-SXM5-80GB\",\"count\":8}" MIG) "]" FABRIC "}", "gpu-1",
		  HEAD "apiVersion: v1\nkind: Node\nmetadata:\n  name: gpu-1\n  annotations:\n"
		  "    aipc.dev/mig-resources: \"{\\\"nvidia.com/gpu\\\":6,\\\"nvidia.com/mig-1g.10gb\\\":14}\"\n  labels:\n"
		  "    aipc.dev/fabric: compute\n    aipc.dev/firmware-baseline: hgx-2026-10\n    aipc.dev/gpu-count: \"8\"\n"
		  "    aipc.dev/gpu-product: H100-SXM5-80GB\n    aipc.dev/leaf: leaf-01\n    aipc.dev/mig-layout: inference\n"
		  "    aipc.dev/nvlink-domain: \"3\"\n    aipc.dev/pool: train\n    aipc.dev/power-feed: A\n    aipc.dev/rack: r07\n"
		  "    aipc.dev/rails: \"8\"\n    aipc.dev/spare: \"true\"\n    aipc.dev/spine-group: spine-group-01\n" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\",\"spare\":\"false\",\"rack\":null}", "") "]}", "gpu-1",
		  HEAD "apiVersion: v1\nkind: Node\nmetadata:\n  name: gpu-1\n  labels:\n    aipc.dev/pool: train\n" },
		{ "{\"runtime\":false,\"taints\":[{\"key\":\"k\",\"value\":\"\",\"effect\":\"NoSchedule\"}],\"presets\":[\"topograph\",\"mig-manager\"],\"pools\":[" POOL("{\"name\":\"gpu-1\"}", MIG) "]" FABRIC "}", "gpu-1",
		  HEAD "apiVersion: v1\nkind: Node\nmetadata:\n  name: gpu-1\n  labels:\n"
		  "    aipc.dev/fabric: compute\n    aipc.dev/leaf: leaf-01\n    aipc.dev/mig-layout: inference\n    aipc.dev/pool: train\n"
		  "    aipc.dev/rails: \"8\"\n    aipc.dev/spine-group: spine-group-01\n    fabric.topograph.run/tier-0: leaf-01\n"
		  "    fabric.topograph.run/tier-1: spine-group-01\n    nvidia.com/mig.config: inference\n"
		  "spec:\n  taints:\n    - effect: NoSchedule\n      key: k\n      value: \"\"\n" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"}", MIG) "]}", "mig-config.yaml",
		  HEAD "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aipc-mig-config\n  namespace: gpu-operator\ndata:\n  config.yaml: |\n"
		  "    version: v1\n    mig-configs:\n      all-disabled:\n        - devices: all\n          mig-enabled: false\n"
		  "      inference:\n        - devices:\n            - 0\n            - 1\n          mig-devices:\n            \"1g.10gb\": 7\n"
		  "          mig-enabled: true\n" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"},{\"name\":\"gpu-2\"}", MIG) "]}", "kustomization.yaml",
		  HEAD "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - nodes/gpu-1.yaml\n  - nodes/gpu-2.yaml\n"
		  "  - mig-config.yaml\n  - crds/fabrictopologies.aipc.dev.yaml\n  - crds/gangs.aipc.dev.yaml\n  - crds/nodehealthpolicies.aipc.dev.yaml\n"
		  "  - crds/sparepools.aipc.dev.yaml\n" },
		{ "{\"runtime\":false,\"pools\":[" POOL("{\"name\":\"gpu-1\",\"spare\":true}", "") "]" FABRIC "}", "kustomization.yaml",
		  HEAD "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - nodes/gpu-1.yaml\n" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\",\"nvlink_domain\":7}", "") "]" FABRIC "}", "fabric-topology.yaml",
		  HEAD "apiVersion: aipc.dev/v1alpha1\nkind: FabricTopology\nmetadata:\n  name: default\nspec:\n  levels:\n    - name: fabric\n"
		  "      nodeLabel: aipc.dev/fabric\n    - name: spine-group\n      alias: block\n      nodeLabel: aipc.dev/spine-group\n    - name: leaf\n"
		  "      nodeLabel: aipc.dev/leaf\n    - name: nvlink-domain\n      alias: nvlink\n      nodeLabel: aipc.dev/nvlink-domain\n      scaleUp: true\n" },
		{ "{\"topology\":\"aws\",\"pools\":[" POOL("{\"name\":\"gpu-1\"}", "") "]}", "fabric-topology.yaml",
		  HEAD "apiVersion: aipc.dev/v1alpha1\nkind: FabricTopology\nmetadata:\n  name: default\nspec:\n  preset: aws\n" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"}", "") "]}", "fabric-topology.yaml", "(none)" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"},{\"name\":\"gpu-2\"}",
				      ",\"spare\":{\"nodes\":[\"*-2\"],\"min_free\":{\"leaf\":1,\"cluster\":2}}") "]" FABRIC "}", "spare-pools/train.yaml",
		  HEAD "apiVersion: aipc.dev/v1alpha1\nkind: SparePool\nmetadata:\n  name: train\nspec:\n  minFree:\n    - level: cluster\n      nodes: 2\n"
		  "    - level: leaf\n      nodes: 1\n  nodeSelector:\n    aipc.dev/pool: train\n    aipc.dev/spare: \"true\"\n" },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"},{\"name\":\"gpu-2\"}", ",\"spare\":{\"nodes\":[\"gpu-2\"]}") "]}", "gpu-2",
		  HEAD "apiVersion: v1\nkind: Node\nmetadata:\n  name: gpu-2\n  labels:\n    aipc.dev/pool: train\n    aipc.dev/spare: \"true\"\n" },
		{ "{\"pools\":[{\"name\":\"Big_1\",\"nodes\":[{\"name\":\"a\",\"spare\":true}]}]}", "spare-pools/pool-big-1-4fd09154.yaml", NULL },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"}", "") "]}", "mig-config.yaml", "(none)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		build(&b, rows[i].config, "{}");
		if (!strstr(rows[i].config, "gpu-2"))
			assert_string_equal(b.e.reports.at, "");
		assert_int_equal(b.rc, 0);
		autofree char *text = text_of(&b, rows[i].key);
		if (!rows[i].text) {
			assert_string_not_equal(text, "(none)");
			built_release(&b);
			continue;
		}
		assert_string_equal(text, rows[i].text);
		built_release(&b);
	}
}

static void folders(void **state)
{
	(void)state;
	static const struct { const char *own, *provider, *path; } rows[] = {
		{ "", "{}", "manifests/nodes/gpu-1.yaml" },
		{ "", "{\"manifests\":\"k8s\"}", "k8s/nodes/gpu-1.yaml" },
		{ "\"manifests\":\"/srv/gitops\",", "{\"manifests\":\"k8s\"}", "/srv/gitops/nodes/gpu-1.yaml" },
		{ "\"manifests\":\"../x\",", "{}", NULL },
		{ "\"manifests\":\"a/../../x\",", "{}", NULL },
		{ "", "{\"manifests\":\"..\"}", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		autofree char *config = xasprintf("{%s\"pools\":[%s]}", rows[i].own, POOL("{\"name\":\"gpu-1\"}", ""));
		build(&b, config, rows[i].provider);
		assert_int_equal(b.rc, rows[i].path ? 0 : E_INPUT);
		if (rows[i].path)
			assert_string_equal(json_string_value(json_path(b.objects, "0", "config", "path", NULL)), rows[i].path);
		else
			assert_non_null(strstr(b.e.reports.at, "E0810"));
		built_release(&b);
	}
}

static void mistakes(void **state)
{
	(void)state;
#define LONG60 "a23456789-123456789-123456789-123456789-123456789-123456789-"
#define BAD_NODE(text) "E0802 pools.0: node 1 of train: \"" text "\" cannot name a Kubernetes node: small letters, digits, \"-\" and \".\", both ends a " \
	"letter or digit\n"
	static const struct { const char *config, *says; int rc; } rows[] = {
		{ "{\"pools\":[{\"nodes\":[]},7]}", "E0801 pools.0: a pool is a gpu_node_pool, or an object with name and nodes\n"
		  "E0801 pools.1: a pool is a gpu_node_pool, or an object with name and nodes\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"../../etc\"}", "") "]}", BAD_NODE("../../etc"), E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"GPU-1\"}", "") "]}", BAD_NODE("GPU-1"), E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a..b\"}", "") "]}", BAD_NODE("a..b"), E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a-\"}", "") "]}", BAD_NODE("a-"), E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"\"}", "") "]}", BAD_NODE(""), E_INPUT },
		{ "{\"pools\":[" POOL("{}", "") "]}", BAD_NODE(""), E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\",\"rack\":\"Row 3/7 \"},{\"name\":\"b\",\"rack\":\"Row 3/7 \"}", "") "]}",
		  "E0803 pools.0: node a: rack \"Row 3/7 \" cannot be a label (letters, digits, \"-\", \"_\", \".\", both ends a letter or digit); \"Row-3-7\" "
		  "could\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\",\"spare\":\"yes\"}", "") "]}", "E0803 pools.0: node a: spare is true or false, not \"yes\"\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\"},{\"name\":\"a\"}", "") ",{\"name\":\"p2\",\"nodes\":[{\"name\":\"a\"}]}]}",
		  "E0804 pools.0: node a is in train twice\nE0804 pools.1: node a is in train and in p2\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\"}", MIG) ",{\"name\":\"p2\",\"nodes\":[],\"mig\":{\"name\":\"inference\",\"config\":[]}}]}",
		  "E0806 pools.1: two different MIG layouts are called inference\n", E_INPUT },
		{ "{\"pools\":[],\"presets\":[\"topogragh\"]}", "E0807 presets.0: there is no label preset \"topogragh\" (did you mean topograph)\n", E_INPUT },
		{ "{\"pools\":[],\"topology\":\"azure\"}", "E0807 topology: there is no topology preset \"azure\"\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\"}", ",\"spare\":{\"nodes\":[\"b*\"]}") "]}", "E0815 pools.0: pool train has spare settings, but none of its nodes "
		  "is a spare: none matches spare.nodes, none has spare: true\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\",\"spare\":true}", ",\"spare\":{\"min_free\":{\"leav\":1}}") "]}", "E0814 pools.0: pool train wants spares free at "
		  "level \"leav\", which the topology does not have (did you mean leaf)\n", E_INPUT },
		{ "{\"mig_strategy\":\"single\",\"pools\":[" POOL("{\"name\":\"a\"}", MIG) "]}", "E0816 mig_strategy: under the strategy single all GPUs are cut alike and "
		  "into one profile; layout inference is not\n", E_INPUT },
		{ "{\"pools\":[],\"fabric\":{\"name\":\"x\"}}", "E0808 fabric: this is no ib_fabric: it has no name, or no nodes\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\"}", ",\"gpu\":{\"product\":\"A30\",\"count\":4}" MIG) "]}",
		  "E0809 pools.0: MIG layout inference divides 8 GPUs of a node, the nodes of train have 4\n"
		  "W0803 pools.0: MIG layout inference is for H100-SXM5-80GB, pool train has A30\n", E_INPUT },
		{ "{\"pools\":[],\"namespace\":\"a.b\",\"mig_config_name\":\"A\"}",
		  "E0811 namespace: \"a.b\" cannot name a namespace\nE0811 mig_config_name: \"A\" cannot name a ConfigMap\n", E_INPUT },
		{ "{\"pools\":[" POOL("{\"name\":\"a\",\"rack\":\"" LONG60 "1234\"}", "") "]}",
		  "W0801 pools.0: node a: rack \"" LONG60 "1234\" is longer than the 63 characters of a label and becomes "
		  "\"a23456789-123456789-123456789-123456789-123456-51a51e38c0526ab8\"\n", 0 },
		{ "{\"pools\":[" POOL("{\"name\":\"gpu-1\"},{\"name\":\"gpu-2\"}", "") "]" FABRIC "}",
		  "W0802 pools.0: 1 node of train is not in fabric compute (the first is gpu-2): no fabric labels\n", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct built b;
		build(&b, rows[i].config, "{}");
		assert_string_equal(b.e.reports.at, rows[i].says);
		assert_int_equal(b.rc, rows[i].rc);
		assert_int_equal(b.objects != NULL, rows[i].rc == 0);
		built_release(&b);
	}
}

/* Every label of handoff.json is written for a node that has everything, and no other of that prefix. */
static void every_label_has_a_source(void **state)
{
	(void)state;
	size_t len;
	const char *text = data_file("handoff.json", &len), *key;
	json_t *handoff, *v;
	struct err err;
	struct built b;
	assert_int_equal(json_parse(text, len, "handoff", &handoff, &err), 0);
	build(&b, "{\"pools\":[" POOL("{\"name\":\"gpu-1\",\"rack\":\"r\",\"power_feed\":\"A\",\"nvlink_domain\":\"d\",\"spare\":true}",
				      ",\"firmware\":{\"name\":\"f\"},\"gpu\":{\"product\":\"H100-SXM5-80GB\",\"count\":8}" MIG) "]" FABRIC "}", "{}");
	const json_t *labels = json_path(b.objects, "0", "config", "labels", NULL);
	json_object_foreach(json_object_get(handoff, "labels"), key, v) {
		autofree char *full = xasprintf("%s%s", json_str(handoff, "prefix"), key);
		if (!json_str(labels, full))
			fail_msg("no label %s", full);
	}
	assert_int_equal(json_object_size(labels), json_object_size(json_at(handoff, "labels")));
	json_decref(handoff);
	built_release(&b);
}

/* What a node offers under a layout, as its device plugin calls it. */
static void mig_resources(void **state)
{
	(void)state;
	static const struct { const char *layout; int gpus; const char *strategy, *text; } rows[] = {
		{ "[{\"devices\":[0,1,2,3],\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb\":7}},{\"devices\":[4,5,6,7],\"mig-enabled\":true,\"mig-devices\":{\"3g.40gb\":2}}]", 8,
		  "mixed", "{\"nvidia.com/mig-1g.10gb\":28,\"nvidia.com/mig-3g.40gb\":8}" },
		{ "[{\"devices\":[0],\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb+me\":1,\"1g.10gb\":6}}]", 2, "mixed",
		  "{\"nvidia.com/gpu\":1,\"nvidia.com/mig-1g.10gb\":6,\"nvidia.com/mig-1g.10gb.me\":1}" },
		{ "[{\"devices\":\"all\",\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb\":7}}]", 8, "single", "{\"nvidia.com/gpu\":56}" },
		{ "[{\"devices\":\"all\",\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb\":7,\"2g.20gb\":0}}]", 8, "single", "{\"nvidia.com/gpu\":56}" },
		{ "[{\"devices\":[0],\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb\":7}}]", 8, "single", NULL },
		{ "[{\"devices\":[0],\"mig-enabled\":true,\"mig-devices\":{\"1g.10gb\":5,\"2g.20gb\":1}}]", 1, "single", NULL },
		{ "[{\"devices\":[0,1],\"mig-enabled\":false}]", 2, "mixed", "{\"nvidia.com/gpu\":2}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *layout;
		struct err err;
		assert_int_equal(json_parse(rows[i].layout, strlen(rows[i].layout), "row", &layout, &err), 0);
		json_t *got = runtime_mig_resources(layout, rows[i].gpus, rows[i].strategy);
		autofree char *text = got ? json_text(got) : NULL;
		if (rows[i].text)
			assert_string_equal(text ? text : "(none)", rows[i].text);
		else
			assert_null(text);
		json_decref(got);
		json_decref(layout);
	}
}

/* For a cluster: no paths, no kustomization, keys without .yaml. */
static void live(void **state)
{
	(void)state;
	struct built b;
	build(&b, "{\"force\":true,\"pools\":[" POOL("{\"name\":\"gpu-1\",\"spare\":true}", MIG) "]" FABRIC "}", "{\"context\":\"prod\"}");
	assert_int_equal(b.rc, 0);
	assert_int_equal(json_array_size(b.objects), 8);
	for (size_t i = 0; i < json_array_size(b.objects); i++) {
		const json_t *o = json_array_get(b.objects, i), *config = json_at(o, "config");
		assert_null(json_at(config, "path"));
		assert_true(json_flag(config, "force", false));
		assert_null(strstr(json_str(o, "key"), ".yaml"));
		assert_string_not_equal(json_str(o, "key"), "kustomization");
	}
	assert_null(json_at(b.value, "folder"));
	built_release(&b);
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_text), cmocka_unit_test(manifests), cmocka_unit_test(folders),
		cmocka_unit_test(mistakes), cmocka_unit_test(mig_resources), cmocka_unit_test(live), cmocka_unit_test(every_label_has_a_source),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
