/* code_examples_cluster - the part of code_examples.c that is about clusters and machines. */
#include <stddef.h>

#include "lang/codes.h"

/* How many of them begin. */
#define CLUSTER \
	"resource:\n" \
	"  cluster:\n" \
	"    lab:\n"
#define LAYOUT \
	"resource:\n" \
	"  mig_layout:\n" \
	"    a:\n" \
	"      gpu: H100-SXM5-80GB\n"
#define POOL_TRAIN \
	CLUSTER \
	"      pools:\n" \
	"        - name: train\n"

const struct diag_example diag_examples_cluster[] = {
	{ "E0801",
	  CLUSTER
	  "      pools: [{ nodes: [] }]\n",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1 }]\n", NULL },
	{ "E0802",
	  POOL_TRAIN
	  "          nodes: [{ name: GPU_1 }]\n",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1 }]\n", NULL },
	{ "E0803",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1, spare: \"yes\" }]\n",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1, spare: true }]\n", NULL },
	{ "E0804",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1 }, { name: gpu-1 }]\n",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1 }, { name: gpu-2 }]\n", NULL },
	{ "E0806",
	  "module:\n"
	  "  one: { source: ./layout, profiles: { 1g.10gb: 7 } }\n"
	  "  two: { source: ./layout, profiles: { 3g.40gb: 2 } }\n"
	  "resource:\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          nodes: [{ name: gpu-one }]\n"
	  "          mig: \"${module.one.layout}\"\n"
	  "        - name: two\n"
	  "          nodes: [{ name: gpu-two }]\n"
	  "          mig: \"${module.two.layout}\"\n"
	  "# layout/main.aipc.yaml\n"
	  "variable: { profiles: {} }\n"
	  "resource:\n"
	  "  mig_layout:\n"
	  "    infer:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: \"${var.profiles}\" }]\n"
	  "output: { layout: { value: \"${mig_layout.infer}\" } }\n",
	  "module:\n"
	  "  one: { source: ./layout, profiles: { 1g.10gb: 7 } }\n"
	  "  two: { source: ./layout, profiles: { 1g.10gb: 7 } }\n"
	  "resource:\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          nodes: [{ name: gpu-one }]\n"
	  "          mig: \"${module.one.layout}\"\n"
	  "        - name: two\n"
	  "          nodes: [{ name: gpu-two }]\n"
	  "          mig: \"${module.two.layout}\"\n"
	  "# layout/main.aipc.yaml\n"
	  "variable: { profiles: {} }\n"
	  "resource:\n"
	  "  mig_layout:\n"
	  "    infer:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: \"${var.profiles}\" }]\n"
	  "output: { layout: { value: \"${mig_layout.infer}\" } }\n", NULL },
	{ "E0807",
	  CLUSTER
	  "      presets: [topogragh]\n"
	  "      pools: []\n",
	  CLUSTER
	  "      presets: [topograph]\n"
	  "      pools: []\n", NULL },
	{ "E0808",
	  CLUSTER
	  "      fabric: { name: x }\n"
	  "      pools: []\n",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f:\n"
	  "      fat_tree: { rails: 1, hosts: [{ name: gpu-1 }] }\n"
	  "      guid_base: \"0x1000\"\n"
	  "  cluster:\n"
	  "    lab: { fabric: \"${ib_fabric.f}\", pools: [] }\n", NULL },
	{ "E0809",
	  LAYOUT
	  "      gpu_count: 8\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          gpu: { product: H100-SXM5-80GB, count: 4 }\n"
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          mig: \"${mig_layout.a}\"\n",
	  LAYOUT
	  "      gpu_count: 8\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          gpu: { product: H100-SXM5-80GB, count: 8 }\n"
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          mig: \"${mig_layout.a}\"\n", NULL },
	{ "E0810",
	  CLUSTER
	  "      manifests: ../out\n"
	  "      pools: []\n",
	  CLUSTER
	  "      manifests: out\n"
	  "      pools: []\n", NULL },
	{ "E0811",
	  CLUSTER
	  "      namespace: Team.A\n"
	  "      pools: []\n",
	  CLUSTER
	  "      namespace: team-a\n"
	  "      pools: []\n", NULL },
	{ "E0812",
	  "provider: { kube: { mode: apply } }\n"
	  "resource:\n"
	  "  manifest:\n"
	  "    m:\n"
	  "      object: { apiVersion: v1, kind: ConfigMap }\n",
	  "provider: { kube: { mode: apply } }\n"
	  "resource:\n"
	  "  manifest:\n"
	  "    m:\n"
	  "      object: { apiVersion: v1, kind: ConfigMap, metadata: { name: m } }\n", NULL },
	{ "E0813",
	  "provider: { kube: { mode: apply } }\n"
	  "resource:\n"
	  "  manifest:\n"
	  "    m:\n"
	  "      object:\n"
	  "        apiVersion: v1\n"
	  "        kind: Secret\n"
	  "        metadata: { name: s }\n"
	  "        stringData: { password: hunter2 }\n",
	  NULL, NULL },
	{ "E0814",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1, spare: true }]\n"
	  "          spare: { min_free: { leav: 1 } }\n",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1, spare: true }]\n"
	  "          spare: { min_free: { cluster: 1 } }\n", NULL },
	{ "E0815",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          spare: { nodes: [\"spare-*\"] }\n",
	  POOL_TRAIN
	  "          nodes: [{ name: gpu-1 }, { name: spare-1 }]\n"
	  "          spare: { nodes: [\"spare-*\"] }\n", NULL },
	{ "E0816",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 1, 3g.40gb: 1 } }]\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      mig_strategy: single\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          mig: \"${mig_layout.a}\"\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 1, 3g.40gb: 1 } }]\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      mig_strategy: mixed\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          mig: \"${mig_layout.a}\"\n", NULL },
	{ "W0303",
	  "provider: { redfish: { username: admin, password: \"env:BMC_PASSWORD\" } }\n"
	  "resource:\n"
	  "  firmware:\n"
	  "    f:\n"
	  "      bmc: \"https://bmc-1\"\n"
	  "      components: { BMC: { version: \"1.2\", image: bmc.fwpkg } }\n",
	  NULL, NULL },
	{ "W0801",
	  CLUSTER
	  "      pools: [{ name: one, nodes: [{ name: a, rack:\n"
	  "       row-777777777777777777777777777777777777777777777777777777777777\n"
	  "       }] }]\n",
	  CLUSTER
	  "      pools: [{ name: one, nodes: [{ name: a, rack: row-7 }] }]\n", NULL },
	{ "W0802",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f:\n"
	  "      fat_tree: { rails: 1, hosts: [{ name: gpu-1 }] }\n"
	  "      guid_base: \"0x1000\"\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      fabric: \"${ib_fabric.f}\"\n"
	  "      pools: [{ name: one, nodes: [{ name: gpu-2 }] }]\n",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f:\n"
	  "      fat_tree: { rails: 1, hosts: [{ name: gpu-1 }] }\n"
	  "      guid_base: \"0x1000\"\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      fabric: \"${ib_fabric.f}\"\n"
	  "      pools: [{ name: one, nodes: [{ name: gpu-1 }] }]\n", NULL },
	{ "W0803",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          gpu: { product: A30 }\n"
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          mig: \"${mig_layout.a}\"\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n"
	  "  cluster:\n"
	  "    lab:\n"
	  "      pools:\n"
	  "        - name: one\n"
	  "          nodes: [{ name: gpu-1 }]\n"
	  "          mig: \"${mig_layout.a}\"\n", NULL },
	{ 0 },
};
