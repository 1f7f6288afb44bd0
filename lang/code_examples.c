/* code_examples - for `aipc explain CODE`: a spec that is refused or warned of with it, and one that is not. tests/e2e/codes.sh runs them.
 * A line "# FILE.yaml" begins another file; what stands before the first one is main.aipc.yaml. */
#include <string.h>

#include "base/err.h"
#include "lang/codes.h"

/* Sorted by code; RIGHT is NULL where no other spec, but something outside of it, is the remedy. */
static const struct diag_example examples[] = {
	{ "E0101",
	  "resources:\n"
	  "  aipc_data: { a: {} }\n",
	  "resource:\n"
	  "  aipc_data: { a: {} }\n" },
	{ "E0102",
	  "variable:\n"
	  "  nodes: { typ: number, default: 1 }\n",
	  "variable:\n"
	  "  nodes: { type: number, default: 1 }\n" },
	{ "E0103",
	  "# a.aipc.yaml\n"
	  "locals: { site: fra }\n"
	  "# b.aipc.yaml\n"
	  "locals: { site: ams }\n",
	  "# a.aipc.yaml\n"
	  "locals: { site: fra }\n"
	  "# b.aipc.yaml\n"
	  "locals: { other_site: ams }\n" },
	{ "E0104",
	  "locals:\n"
	  "  rack names: [r1, r2]\n",
	  "locals:\n"
	  "  rack_names: [r1, r2]\n" },
	{ "E0105",
	  "provider:\n"
	  "  redfsh: { username: admin, password: \"env:BMC_PASSWORD\" }\n",
	  "provider:\n"
	  "  redfish: { username: admin, password: \"env:BMC_PASSWORD\" }\n" },
	{ "E0107",
	  "resource:\n"
	  "  aipc_date: { a: {} }\n",
	  "resource:\n"
	  "  aipc_data: { a: {} }\n" },
	{ "E0108",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { inptu: 1 }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { input: 1 }\n" },
	{ "E0109",
	  "resource:\n"
	  "  manifest:\n"
	  "    m: { path: out/list.yaml }\n",
	  "resource:\n"
	  "  manifest:\n"
	  "    m: { path: out/list.yaml, object: { apiVersion: v1, kind: List } }\n" },
	{ "E0110",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: [BMC] }\n",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: { BMC: { version: \"24.09.17\" } } }\n" },
	{ "E0111",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f: { fat_tree: { rails: 100, hosts: [{ name: h1 }] } }\n",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f: { fat_tree: { rails: 1, hosts: [{ name: h1 }] } }\n" },
	{ "E0112",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { count: 2, for_each: { x: 1 } }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { for_each: { x: 1 } }\n" },
	{ "E0113",
	  "locals:\n"
	  "  a: \"${local.b}\"\n"
	  "  b: \"${local.a}\"\n",
	  "locals:\n"
	  "  a: \"${local.b}\"\n"
	  "  b: 1\n" },
	{ "E0115",
	  "variable:\n"
	  "  nodes: { sensitive: \"yes\" }\n",
	  "variable:\n"
	  "  nodes: { sensitive: true, default: 1 }\n" },
	{ "E0120",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { input: \"${aipc_data.b.output}\" }\n"
	  "    b: { input: \"${aipc_data.a.output}\" }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { input: \"${aipc_data.b.output}\" }\n"
	  "    b: { input: 1 }\n" },
	{ "E0124",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: { BMC: { version: 1.10 } } }\n",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: { BMC: { version: \"1.10\" } } }\n" },
	{ "E0131",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "provider: { redfish: { username: admin } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n" },
	{ "E0132",
	  "module: { m: { source: modules/m } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./modules/m } }\n"
	  "# modules/m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n" },
	{ "E0133",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "module: { again: { source: ../m } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m }, again: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n" },
	{ "E0135",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m, nodez: 4 } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number, default: 1 } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m, nodes: 4 } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number, default: 1 } }\n" },
	{ "E0136",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m, nodes: 4 } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number } }\n" },
	{ "E0137",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "output: { o: { value: \"${module.m.nam}\" } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { name: { value: x } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "output: { o: { value: \"${module.m.name}\" } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { name: { value: x } }\n" },
	{ "E0140",
	  "module:\n"
	  "  m: { source: \"git::https://git.example.com/m.git?ref=v1.2.0\" }\n",
	  NULL },
	{ "E0142",
	  "# main.aipc.yaml\n"
	  "module:\n"
	  "  m: { source: \"git::https://git.example.com/m.git?ref=v1.2.0\" }\n"
	  "# aipc.lock.yaml\n"
	  "modules: 5\n",
	  NULL },
	{ "E0150",
	  "resource:\n"
	  "  power:\n"
	  "    n1: { provider: redfish.eu, bmc: 10.0.0.1, state: \"On\" }\n",
	  "provider:\n"
	  "  redfish: { alias: eu, username: admin, password: \"env:BMC_PASSWORD\" }\n"
	  "resource:\n"
	  "  power:\n"
	  "    n1: { provider: redfish.eu, bmc: 10.0.0.1, state: \"On\" }\n" },
	{ "E0151",
	  "variable: { size: { default: 1 } }\n"
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { lifecycle: { replace_triggered_by: [\"${var.size}\"] } }\n",
	  "variable: { size: { default: 1 } }\n"
	  "resource:\n"
	  "  aipc_data:\n"
	  "    size: { input: \"${var.size}\" }\n"
	  "    a: { lifecycle: { replace_triggered_by: [\"${aipc_data.size.input}\"] } }\n" },
	{ "E0152",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { lifecycle: { ignore_changes: [inputs] } }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { lifecycle: { ignore_changes: [input] } }\n" },
	{ "E0153",
	  "variable: { size: { default: 0 } }\n"
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a:\n"
	  "      lifecycle:\n"
	  "        precondition: { condition: \"${var.size > 0}\", error: too small }\n",
	  "variable: { size: { default: 1 } }\n"
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a:\n"
	  "      lifecycle:\n"
	  "        precondition: { condition: \"${var.size > 0}\", error: too small }\n" },
	{ "E0160",
	  "moved:\n"
	  "  - { from: aipc_data, to: aipc_data.b }\n",
	  "moved:\n"
	  "  - { from: aipc_data.a, to: aipc_data.b }\n" },
	{ "E0161",
	  "resource: { aipc_data: { a: {} } }\n"
	  "moved:\n"
	  "  - { from: aipc_data.a, to: aipc_data.b }\n",
	  "resource: { aipc_data: { b: {} } }\n"
	  "moved:\n"
	  "  - { from: aipc_data.a, to: aipc_data.b }\n" },
	{ "E0162",
	  "resource: { aipc_data: { a: {} } }\n"
	  "removed:\n"
	  "  - { from: aipc_data.a, lifecycle: { destroy: false } }\n",
	  "removed:\n"
	  "  - { from: aipc_data.a, lifecycle: { destroy: false } }\n" },
	{ "E0164",
	  "import:\n"
	  "  - { to: aipc_data.none, id: x }\n",
	  NULL },
	{ "E0170",
	  "aipc: { required_version: \">= 99.0\" }\n",
	  "aipc: { required_version: \">= 0.1\" }\n" },
	{ "E0171",
	  "aipc: { required_version: \"about 1\" }\n",
	  "aipc: { required_version: \">= 0.1, < 9\" }\n" },
	{ "E0172",
	  "aipc: { experiments: [time_travel] }\n",
	  "aipc: { experiments: [] }\n" },
	{ "E0201",
	  "locals: { a: \"${1 + }\" }\n",
	  "locals: { a: \"${1 + 2}\" }\n" },
	{ "E0202",
	  "locals: { a: \"x ${1\" }\n",
	  "locals: { a: \"x ${1}\" }\n" },
	{ "E0204",
	  "locals: { a: \"${1e999999999999}\" }\n",
	  "locals: { a: \"${1e100}\" }\n" },
	{ "E0210",
	  "locals: { a: \"${var.nodes}\" }\n",
	  "variable: { nodes: { default: 1 } }\n"
	  "locals: { a: \"${var.nodes}\" }\n" },
	{ "E0211",
	  "locals: { a: \"${nodes}\" }\n",
	  "locals: { nodes: 1, a: \"${local.nodes}\" }\n" },
	{ "E0212",
	  "resource:\n"
	  "  aipc_data: { a: { input: \"${each.key}\" } }\n",
	  "resource:\n"
	  "  aipc_data: { a: { for_each: { x: 1 }, input: \"${each.key}\" } }\n" },
	{ "E0213",
	  "locals: { a: '${uper(\"x\")}' }\n",
	  "locals: { a: '${upper(\"x\")}' }\n" },
	{ "E0214",
	  "locals: { a: '${upper(\"x\", \"y\")}' }\n",
	  "locals: { a: '${upper(\"x\")}' }\n" },
	{ "E0215",
	  "locals: { a: '${max(1, \"two\")}' }\n",
	  "locals: { a: '${max(1, 2)}' }\n" },
	{ "E0216",
	  "locals: { a: '${1 + \"x\"}' }\n",
	  "locals: { a: '${\"1${\"x\"}\"}' }\n" },
	{ "E0217",
	  "locals: { a: \"${5 ? 1 : 2}\" }\n",
	  "locals: { a: \"${5 > 4 ? 1 : 2}\" }\n" },
	{ "E0218",
	  "locals: { a: \"nodes: ${[1, 2]}\" }\n",
	  "locals: { a: 'nodes: ${join(\", \", [1, 2])}' }\n" },
	{ "E0219",
	  "locals: { a: '${{ ([1]) = 2 }}' }\n",
	  "locals: { a: '${{ (\"1\") = 2 }}' }\n" },
	{ "E0220",
	  "locals: { a: \"${[for i in range(10000) : range(10000)]}\" }\n",
	  "locals: { a: \"${[for i in range(100) : range(100)]}\" }\n" },
	{ "E0221",
	  "locals: { a: \"${[for x in 5 : x]}\" }\n",
	  "locals: { a: \"${[for x in range(5) : x]}\" }\n" },
	{ "E0222",
	  "locals: { a: '${{ for n in [\"x\", \"x\"] : n => 1 }}' }\n",
	  "locals: { a: '${{ for n in [\"x\", \"x\"] : n => 1... }}' }\n" },
	{ "E0223",
	  "locals: { rack: { name: r1 }, a: \"${local.rack.nam}\" }\n",
	  "locals: { rack: { name: r1 }, a: \"${local.rack.name}\" }\n" },
	{ "E0224",
	  "locals: { racks: [r1], a: \"${local.racks[1]}\" }\n",
	  "locals: { racks: [r1], a: \"${local.racks[0]}\" }\n" },
	{ "E0225",
	  "locals: { a: \"${1 / 0}\" }\n",
	  "locals: { a: \"${1 / 2}\" }\n" },
	{ "E0226",
	  "variable: { token: { sensitive: true, default: x } }\n"
	  "output: { o: { value: \"${var.token}\" } }\n",
	  "variable: { token: { sensitive: true, default: x } }\n"
	  "output: { o: { value: \"${var.token}\", sensitive: true } }\n" },
	{ "E0227",
	  "variable: { token: { sensitive: true, default: x } }\n"
	  "resource: { aipc_data: { a: { input: \"${var.token}\" } } }\n",
	  "variable: { token: { default: \"env:TOKEN\" } }\n"
	  "resource: { aipc_data: { a: { input: \"${var.token}\" } } }\n" },
	{ "E0228",
	  "resource: { aipc_data: { a: { for_each: [x, y] } } }\n",
	  "resource: { aipc_data: { a: { for_each: '${toset([\"x\", \"y\"])}' } } }\n" },
	{ "E0301",
	  "variable: { nodes: { type: number } }\n",
	  "variable: { nodes: { type: number, default: 4 } }\n" },
	{ "E0302",
	  "variable: { nodes: { type: number, default: many } }\n",
	  "variable: { nodes: { type: number, default: 4 } }\n" },
	{ "E0303",
	  "variable:\n"
	  "  nodes:\n"
	  "    default: 0\n"
	  "    validation: { condition: \"${var.nodes > 0}\", error: at least one }\n",
	  "variable:\n"
	  "  nodes:\n"
	  "    default: 1\n"
	  "    validation: { condition: \"${var.nodes > 0}\", error: at least one }\n" },
	{ "E0305",
	  "variable: { nodes: { type: \"list(strin)\", default: [] } }\n",
	  "variable: { nodes: { type: \"list(string)\", default: [] } }\n" },
	{ "E0401",
	  "locals:\n"
	  "  a: \"b\" c\n",
	  "locals:\n"
	  "  a: \"b c\"\n" },
	{ "E0402",
	  "locals: { a: 1, a: 2 }\n",
	  "locals: { a: 1, b: 2 }\n" },
	{ "E0403",
	  "locals: { a: *rack }\n",
	  "locals: { b: &rack r1, a: *rack }\n" },
	{ "E0406",
	  "locals: { a: { <<: { x: 1 }, y: 2 } }\n",
	  "locals: { a: \"${merge({ x = 1 }, { y = 2 })}\" }\n" },
	{ "E0407",
	  "locals: { a: !secret x }\n",
	  "locals: { a: \"!secret x\" }\n" },
	{ "E0408",
	  "locals: { a: { ? [1, 2] : x } }\n",
	  "locals: { a: { \"1, 2\": x } }\n" },
	{ "E0409",
	  "locals: { a: 1 }\n"
	  "---\n"
	  "locals: { b: 2 }\n",
	  "locals: { a: 1, b: 2 }\n" },
	{ "E0410",
	  "locals: { a: .inf }\n",
	  "locals: { a: \".inf\" }\n" },
	{ "E0601",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-81GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n" },
	{ "E0602",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.11gb: 7 } }]\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n" },
	{ "E0604",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: -1 } }]\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 1 } }]\n" },
	{ "E0606",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7, 3g.40gb: 1 } }]\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 4, 3g.40gb: 1 } }]\n" },
	{ "E0607",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 3g.40gb: 2, 1g.10gb: 1 } }]\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: all, profiles: { 3g.40gb: 2 } }]\n" },
	{ "E0611",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: \"3-0\", profiles: { 1g.10gb: 7 } }]\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices: [{ gpus: \"0-3\", profiles: { 1g.10gb: 7 } }]\n" },
	{ "E0612",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices:\n"
	  "        - { gpus: \"0-3\", profiles: { 1g.10gb: 7 } }\n"
	  "        - { gpus: \"3-7\", profiles: {} }\n",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-80GB\n"
	  "      devices:\n"
	  "        - { gpus: \"0-3\", profiles: { 1g.10gb: 7 } }\n"
	  "        - { gpus: \"4-7\", profiles: {} }\n" },
	{ "W0180",
	  "variable: { size: { default: 9 } }\n"
	  "check:\n"
	  "  size:\n"
	  "    assert: { condition: \"${var.size < 5}\", error_message: too large }\n",
	  "variable: { size: { default: 4 } }\n"
	  "check:\n"
	  "  size:\n"
	  "    assert: { condition: \"${var.size < 5}\", error_message: too large }\n" },
	{ "W0901",
	  "variable: { nodes: { default: 1 } }\n",
	  "variable: { nodes: { default: 1 } }\n"
	  "output: { o: { value: \"${var.nodes}\" } }\n" },
	{ "W0902",
	  "locals: { a: 1 }\n",
	  "locals: { a: 1 }\n"
	  "output: { o: { value: \"${local.a}\" } }\n" },
	{ "W0903",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { name: { value: x } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "output: { o: { value: \"${module.m.name}\" } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { name: { value: x } }\n" },
	{ "W0904",
	  "output: { o: { value: \"${true ? 1 : 2}\" } }\n",
	  "output: { o: { value: 1 } }\n" },
	{ "W0905",
	  "output: { o: { value: '${1 == \"1\"}' } }\n",
	  "output: { o: { value: '${1 == tonumber(\"1\")}' } }\n" },
	{ "W0906",
	  "variable: { names: { type: list(string), default: [a, b] } }\n"
	  "resource:\n"
	  "  aipc_data: { n: { count: \"${length(var.names)}\" } }\n",
	  "variable: { names: { type: list(string), default: [a, b] } }\n"
	  "resource:\n"
	  "  aipc_data: { n: { for_each: \"${toset(var.names)}\" } }\n" },
	{ "W0907",
	  "variable: { db_password: { type: string, default: hunter2 } }\n",
	  "variable: { db_password: { type: string, default: \"env:DB_PASSWORD\" } }\n" },
	{ "W0908",
	  "resource: { aipc_data: { a: { input: [x, y, x] } } }\n",
	  "resource: { aipc_data: { a: { input: [x, y] } } }\n" },
	{ "W0909",
	  "output: { o: { value: \"${[for var in [1] : var]}\" } }\n",
	  "output: { o: { value: \"${[for v in [1] : v]}\" } }\n" },
	{ "W0910",
	  "variable: { site: { default: fra } }\n"
	  "output: { o: { value: upper(var.site) }, p: { value: \"${var.site}\" } }\n",
	  "variable: { site: { default: fra } }\n"
	  "output: { o: { value: \"${upper(var.site)}\" }, p: { value: \"${var.site}\" } }\n" },
};

const struct diag_example *diag_example(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(examples); i++)
		if (strcmp(examples[i].code, code) == 0)
			return &examples[i];
	return NULL;
}
