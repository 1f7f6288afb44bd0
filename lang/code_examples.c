/* code_examples - for `aipc explain CODE`: a spec that is refused or warned of with it, and one that is not. tests/e2e/codes.sh runs them.
 * A line "# FILE.yaml" begins another file; what stands before the first one is main.aipc.yaml. Here is the language's own part. */
#include <string.h>

#include "base/err.h"
#include "lang/codes.h"

/* Sorted by code; RIGHT is NULL where no other spec, but something outside of it, is the remedy. Ends with a NULL code, as the other parts. */
static const struct diag_example examples[] = {
	{ "E0101",
	  "resources:\n"
	  "  aipc_data: { a: {} }\n",
	  "resource:\n"
	  "  aipc_data: { a: {} }\n", NULL },
	{ "E0102",
	  "variable:\n"
	  "  nodes: { typ: number, default: 1 }\n",
	  "variable:\n"
	  "  nodes: { type: number, default: 1 }\n", NULL },
	{ "E0103",
	  "# a.aipc.yaml\n"
	  "locals: { site: fra }\n"
	  "# b.aipc.yaml\n"
	  "locals: { site: ams }\n",
	  "# a.aipc.yaml\n"
	  "locals: { site: fra }\n"
	  "# b.aipc.yaml\n"
	  "locals: { other_site: ams }\n", NULL },
	{ "E0104",
	  "locals:\n"
	  "  rack names: [r1, r2]\n",
	  "locals:\n"
	  "  rack_names: [r1, r2]\n", NULL },
	{ "E0105",
	  "provider:\n"
	  "  redfsh: { username: admin, password: \"env:BMC_PASSWORD\" }\n",
	  "provider:\n"
	  "  redfish: { username: admin, password: \"env:BMC_PASSWORD\" }\n", NULL },
	{ "E0107",
	  "resource:\n"
	  "  aipc_date: { a: {} }\n",
	  "resource:\n"
	  "  aipc_data: { a: {} }\n", NULL },
	{ "E0108",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { inptu: 1 }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { input: 1 }\n", NULL },
	{ "E0109",
	  "resource:\n"
	  "  manifest:\n"
	  "    m: { path: out/list.yaml }\n",
	  "resource:\n"
	  "  manifest:\n"
	  "    m: { path: out/list.yaml, object: { apiVersion: v1, kind: List } }\n", NULL },
	{ "E0110",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: [BMC] }\n",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: { BMC: { version: \"24.09.17\" } } }\n", NULL },
	{ "E0111",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f: { fat_tree: { rails: 100, hosts: [{ name: h1 }] } }\n",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f: { fat_tree: { rails: 1, hosts: [{ name: h1 }] } }\n", NULL },
	{ "E0112",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { count: 2, for_each: { x: 1 } }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { for_each: { x: 1 } }\n", NULL },
	{ "E0113",
	  "locals:\n"
	  "  a: \"${local.b}\"\n"
	  "  b: \"${local.a}\"\n",
	  "locals:\n"
	  "  a: \"${local.b}\"\n"
	  "  b: 1\n", NULL },
	{ "E0114",
	  "module: { m: { source: ./m, lifecycle: {} } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n",
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n", NULL },
	{ "E0115",
	  "variable:\n"
	  "  nodes: { sensitive: \"yes\" }\n",
	  "variable:\n"
	  "  nodes: { sensitive: true, default: 1 }\n", NULL },
	{ "E0120",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { input: \"${aipc_data.b.output}\" }\n"
	  "    b: { input: \"${aipc_data.a.output}\" }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { input: \"${aipc_data.b.output}\" }\n"
	  "    b: { input: 1 }\n", NULL },
	{ "E0123",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { count: 900000 }\n"
	  "    b: { count: 900000 }\n"
	  "    c: { count: 900000 }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { count: 900 }\n"
	  "    b: { count: 900 }\n"
	  "    c: { count: 900 }\n", NULL },
	{ "E0124",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: { BMC: { version: 1.10 } } }\n",
	  "resource:\n"
	  "  firmware_pin:\n"
	  "    pin: { components: { BMC: { version: \"1.10\" } } }\n", NULL },
	{ "E0125",
	  "resource:\n"
	  "  manifest:\n"
	  "    a: { path: out/x.yaml, object: { apiVersion: v1, kind: List } }\n"
	  "    b: { path: out/x.yaml, object: { apiVersion: v1, kind: List } }\n",
	  "resource:\n"
	  "  manifest:\n"
	  "    a: { path: out/x.yaml, object: { apiVersion: v1, kind: List } }\n"
	  "    b: { path: out/y.yaml, object: { apiVersion: v1, kind: List } }\n", NULL },
	{ "E0131",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "provider: { redfish: { username: admin } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n", NULL },
	{ "E0132",
	  "module: { m: { source: modules/m } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./modules/m } }\n"
	  "# modules/m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n", NULL },
	{ "E0133",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "module: { again: { source: ../m } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m }, again: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n", NULL },
	{ "E0134",
	  "module: { m: { source: ./m, count: 1000000 } }\n"
	  "# m/main.aipc.yaml\n"
	  "module: { n: { source: ../n, count: 3 } }\n"
	  "# n/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n",
	  "module: { m: { source: ./m, count: 10 } }\n"
	  "# m/main.aipc.yaml\n"
	  "module: { n: { source: ../n, count: 3 } }\n"
	  "# n/main.aipc.yaml\n"
	  "output: { o: { value: 1 } }\n", NULL },
	{ "E0135",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m, nodez: 4 } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number, default: 1 } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m, nodes: 4 } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number, default: 1 } }\n", NULL },
	{ "E0136",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m, nodes: 4 } }\n"
	  "# m/main.aipc.yaml\n"
	  "variable: { nodes: { type: number } }\n", NULL },
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
	  "output: { name: { value: x } }\n", NULL },
	{ "E0140",
	  "module:\n"
	  "  m: { source: \"git::https://git.example.com/m.git?ref=v1.2.0\" }\n",
	  NULL, NULL },
	{ "E0142",
	  "# main.aipc.yaml\n"
	  "module:\n"
	  "  m: { source: \"git::https://git.example.com/m.git?ref=v1.2.0\" }\n"
	  "# aipc.lock.yaml\n"
	  "modules: 5\n",
	  NULL, NULL },
	{ "E0143",
	  "module:\n"
	  "  m: { source: \"git::file:///no/such/repository.git\" }\n",
	  NULL, "init" },
	{ "E0150",
	  "resource:\n"
	  "  power:\n"
	  "    n1: { provider: redfish.eu, bmc: 10.0.0.1, state: \"On\" }\n",
	  "provider:\n"
	  "  redfish: { alias: eu, username: admin, password: \"env:BMC_PASSWORD\" }\n"
	  "resource:\n"
	  "  power:\n"
	  "    n1: { provider: redfish.eu, bmc: 10.0.0.1, state: \"On\" }\n", NULL },
	{ "E0151",
	  "variable: { size: { default: 1 } }\n"
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { lifecycle: { replace_triggered_by: [\"${var.size}\"] } }\n",
	  "variable: { size: { default: 1 } }\n"
	  "resource:\n"
	  "  aipc_data:\n"
	  "    size: { input: \"${var.size}\" }\n"
	  "    a: { lifecycle: { replace_triggered_by: [\"${aipc_data.size.input}\"] } }\n", NULL },
	{ "E0152",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { lifecycle: { ignore_changes: [inputs] } }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a: { lifecycle: { ignore_changes: [input] } }\n", NULL },
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
	  "        precondition: { condition: \"${var.size > 0}\", error: too small }\n", NULL },
	{ "E0154",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a:\n"
	  "      input: 9\n"
	  "      lifecycle:\n"
	  "        postcondition:\n"
	  "          { condition: \"${self.input < 5}\", error_message: too large }\n",
	  "resource:\n"
	  "  aipc_data:\n"
	  "    a:\n"
	  "      input: 4\n"
	  "      lifecycle:\n"
	  "        postcondition:\n"
	  "          { condition: \"${self.input < 5}\", error_message: too large }\n", "plan" },
	{ "E0155",
	  "variable: { size: { default: 9 } }\n"
	  "output:\n"
	  "  o:\n"
	  "    value: \"${var.size}\"\n"
	  "    precondition: { condition: \"${var.size < 5}\", error_message: too large }\n",
	  "variable: { size: { default: 4 } }\n"
	  "output:\n"
	  "  o:\n"
	  "    value: \"${var.size}\"\n"
	  "    precondition: { condition: \"${var.size < 5}\", error_message: too large }\n", NULL },
	{ "E0160",
	  "moved:\n"
	  "  - { from: aipc_data, to: aipc_data.b }\n",
	  "moved:\n"
	  "  - { from: aipc_data.a, to: aipc_data.b }\n", NULL },
	{ "E0161",
	  "resource: { aipc_data: { a: {} } }\n"
	  "moved:\n"
	  "  - { from: aipc_data.a, to: aipc_data.b }\n",
	  "resource: { aipc_data: { b: {} } }\n"
	  "moved:\n"
	  "  - { from: aipc_data.a, to: aipc_data.b }\n", NULL },
	{ "E0162",
	  "resource: { aipc_data: { a: {} } }\n"
	  "removed:\n"
	  "  - { from: aipc_data.a, lifecycle: { destroy: false } }\n",
	  "removed:\n"
	  "  - { from: aipc_data.a, lifecycle: { destroy: false } }\n", NULL },
	{ "E0164",
	  "import:\n"
	  "  - { to: aipc_data.none, id: x }\n",
	  NULL, NULL },
	{ "E0170",
	  "aipc: { required_version: \">= 99.0\" }\n",
	  "aipc: { required_version: \">= 0.1\" }\n", NULL },
	{ "E0171",
	  "aipc: { required_version: \"about 1\" }\n",
	  "aipc: { required_version: \">= 0.1, < 9\" }\n", NULL },
	{ "E0172",
	  "aipc: { experiments: [time_travel] }\n",
	  "aipc: { experiments: [] }\n", NULL },
	{ "E0180",
	  "data:\n"
	  "  local_file: { f: { filename: no-such-file.txt } }\n",
	  NULL, "plan" },
	{ "E0190",
	  "variable: { nodes: { default: 2 } }\n"
	  "output: { twice: { value: \"${var.nodes * 2}\" } }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: doubles\n"
	  "    assert: { condition: \"${output.twice == 5}\", error_message: not twice }\n",
	  "variable: { nodes: { default: 2 } }\n"
	  "output: { twice: { value: \"${var.nodes * 2}\" } }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: doubles\n"
	  "    assert: { condition: \"${output.twice == 4}\", error_message: not twice }\n", "test" },
	{ "E0191",
	  "resource:\n"
	  "  aipc_data: { a: { input: 1 } }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: made\n"
	  "    assert:\n"
	  "      - { condition: \"${aipc_data.a.output == 1}\", error_message: no }\n",
	  "resource:\n"
	  "  aipc_data: { a: { input: 1 } }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: made\n"
	  "    command: apply\n"
	  "    assert:\n"
	  "      - { condition: \"${aipc_data.a.output == 1}\", error_message: no }\n", "test" },
	{ "E0192",
	  "variable:\n"
	  "  nodes:\n"
	  "    default: 2\n"
	  "    validation: { condition: \"${var.nodes < 5}\", error_message: too many }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: too many\n"
	  "    variables: { nodes: 4 }\n"
	  "    expect_failures: [var.nodes]\n",
	  "variable:\n"
	  "  nodes:\n"
	  "    default: 2\n"
	  "    validation: { condition: \"${var.nodes < 5}\", error_message: too many }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: too many\n"
	  "    variables: { nodes: 5 }\n"
	  "    expect_failures: [var.nodes]\n", "test" },
	{ "E0193",
	  "resource:\n"
	  "  aipc_data: { a: { input: 1 } }\n"
	  "# main.aipctest.yaml\n"
	  "mock: { resource: { aipc_date: { output: 1 } } }\n"
	  "run:\n"
	  "  - name: made\n",
	  "resource:\n"
	  "  aipc_data: { a: { input: 1 } }\n"
	  "# main.aipctest.yaml\n"
	  "mock: { resource: { aipc_data: { output: 1 } } }\n"
	  "run:\n"
	  "  - name: made\n", "test" },
	{ "E0194",
	  "variable: { nodes: {} }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: planned\n"
	  "    targets: [aipc_data.b]\n"
	  "    variables: { nodes: 3 }\n",
	  "variable: { nodes: {} }\n"
	  "# main.aipctest.yaml\n"
	  "run:\n"
	  "  - name: planned\n"
	  "    variables: { nodes: 3 }\n", "test" },
	{ "E0201",
	  "locals: { a: \"${1 + }\" }\n",
	  "locals: { a: \"${1 + 2}\" }\n", NULL },
	{ "E0202",
	  "locals: { a: \"x ${1\" }\n",
	  "locals: { a: \"x ${1}\" }\n", NULL },
	{ "E0203",
	  "locals:\n"
	  "  a: >-\n"
	  "    ${((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n"
	  "    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
	  "    ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))}\n",
	  "locals:\n"
	  "  a: \"${1}\"\n", NULL },
	{ "E0204",
	  "locals: { a: \"${1e999999999999}\" }\n",
	  "locals: { a: \"${1e100}\" }\n", NULL },
	{ "E0210",
	  "locals: { a: \"${var.nodes}\" }\n",
	  "variable: { nodes: { default: 1 } }\n"
	  "locals: { a: \"${var.nodes}\" }\n", NULL },
	{ "E0211",
	  "locals: { a: \"${nodes}\" }\n",
	  "locals: { nodes: 1, a: \"${local.nodes}\" }\n", NULL },
	{ "E0212",
	  "resource:\n"
	  "  aipc_data: { a: { input: \"${each.key}\" } }\n",
	  "resource:\n"
	  "  aipc_data: { a: { for_each: { x: 1 }, input: \"${each.key}\" } }\n", NULL },
	{ "E0213",
	  "locals: { a: '${uper(\"x\")}' }\n",
	  "locals: { a: '${upper(\"x\")}' }\n", NULL },
	{ "E0214",
	  "locals: { a: '${upper(\"x\", \"y\")}' }\n",
	  "locals: { a: '${upper(\"x\")}' }\n", NULL },
	{ "E0215",
	  "locals: { a: '${max(1, \"two\")}' }\n",
	  "locals: { a: '${max(1, 2)}' }\n", NULL },
	{ "E0216",
	  "locals: { a: '${1 + \"x\"}' }\n",
	  "locals: { a: '${\"1${\"x\"}\"}' }\n", NULL },
	{ "E0217",
	  "locals: { a: \"${5 ? 1 : 2}\" }\n",
	  "locals: { a: \"${5 > 4 ? 1 : 2}\" }\n", NULL },
	{ "E0218",
	  "locals: { a: \"nodes: ${[1, 2]}\" }\n",
	  "locals: { a: 'nodes: ${join(\", \", [1, 2])}' }\n", NULL },
	{ "E0219",
	  "locals: { a: '${{ ([1]) = 2 }}' }\n",
	  "locals: { a: '${{ (\"1\") = 2 }}' }\n", NULL },
	{ "E0220",
	  "locals: { a: \"${[for i in range(10000) : range(10000)]}\" }\n",
	  "locals: { a: \"${[for i in range(100) : range(100)]}\" }\n", NULL },
	{ "E0221",
	  "locals: { a: \"${[for x in 5 : x]}\" }\n",
	  "locals: { a: \"${[for x in range(5) : x]}\" }\n", NULL },
	{ "E0222",
	  "locals: { a: '${{ for n in [\"x\", \"x\"] : n => 1 }}' }\n",
	  "locals: { a: '${{ for n in [\"x\", \"x\"] : n => 1... }}' }\n", NULL },
	{ "E0223",
	  "locals: { rack: { name: r1 }, a: \"${local.rack.nam}\" }\n",
	  "locals: { rack: { name: r1 }, a: \"${local.rack.name}\" }\n", NULL },
	{ "E0224",
	  "locals: { racks: [r1], a: \"${local.racks[1]}\" }\n",
	  "locals: { racks: [r1], a: \"${local.racks[0]}\" }\n", NULL },
	{ "E0225",
	  "locals: { a: \"${1 / 0}\" }\n",
	  "locals: { a: \"${1 / 2}\" }\n", NULL },
	{ "E0226",
	  "variable: { token: { sensitive: true, default: x } }\n"
	  "output: { o: { value: \"${var.token}\" } }\n",
	  "variable: { token: { sensitive: true, default: x } }\n"
	  "output: { o: { value: \"${var.token}\", sensitive: true } }\n", NULL },
	{ "E0227",
	  "variable: { token: { sensitive: true, default: x } }\n"
	  "resource: { aipc_data: { a: { input: \"${var.token}\" } } }\n",
	  "variable: { token: { default: \"env:TOKEN\" } }\n"
	  "resource: { aipc_data: { a: { input: \"${var.token}\" } } }\n", NULL },
	{ "E0228",
	  "resource: { aipc_data: { a: { for_each: [x, y] } } }\n",
	  "resource: { aipc_data: { a: { for_each: '${toset([\"x\", \"y\"])}' } } }\n", NULL },
	{ "E0229",
	  "variable: { token: { default: x, sensitive: true } }\n",
	  NULL, "eval var.token" },
	{ "E0231",
	  "variable: { token: { default: x, ephemeral: true } }\n"
	  "output: { o: { value: \"${var.token}\" } }\n",
	  "variable: { token: { default: x, ephemeral: true } }\n"
	  "provider: { redfish: { username: admin, password: \"${var.token}\" } }\n", NULL },
	{ "E0301",
	  "variable: { nodes: { type: number } }\n",
	  "variable: { nodes: { type: number, default: 4 } }\n", NULL },
	{ "E0302",
	  "variable: { nodes: { type: number, default: many } }\n",
	  "variable: { nodes: { type: number, default: 4 } }\n", NULL },
	{ "E0303",
	  "variable:\n"
	  "  nodes:\n"
	  "    default: 0\n"
	  "    validation: { condition: \"${var.nodes > 0}\", error: at least one }\n",
	  "variable:\n"
	  "  nodes:\n"
	  "    default: 1\n"
	  "    validation: { condition: \"${var.nodes > 0}\", error: at least one }\n", NULL },
	{ "E0304",
	  "variable: { nodes: { default: 2 } }\n",
	  NULL, "validate --var node=3" },
	{ "E0305",
	  "variable: { nodes: { type: \"list(strin)\", default: [] } }\n",
	  "variable: { nodes: { type: \"list(string)\", default: [] } }\n", NULL },
	{ "E0401",
	  "locals:\n"
	  "  a: \"b\" c\n",
	  "locals:\n"
	  "  a: \"b c\"\n", NULL },
	{ "E0402",
	  "locals: { a: 1, a: 2 }\n",
	  "locals: { a: 1, b: 2 }\n", NULL },
	{ "E0403",
	  "locals: { a: *rack }\n",
	  "locals: { b: &rack r1, a: *rack }\n", NULL },
	{ "E0404",
	  "locals:\n"
	  "  a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
	  "  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
	  "  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
	  "  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
	  "  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
	  "  f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n",
	  "locals:\n"
	  "  f: \"${range(1000000)}\"\n", NULL },
	{ "E0406",
	  "locals: { a: { <<: { x: 1 }, y: 2 } }\n",
	  "locals: { a: \"${merge({ x = 1 }, { y = 2 })}\" }\n", NULL },
	{ "E0407",
	  "locals: { a: !secret x }\n",
	  "locals: { a: \"!secret x\" }\n", NULL },
	{ "E0408",
	  "locals: { a: { ? [1, 2] : x } }\n",
	  "locals: { a: { \"1, 2\": x } }\n", NULL },
	{ "E0409",
	  "locals: { a: 1 }\n"
	  "---\n"
	  "locals: { b: 2 }\n",
	  "locals: { a: 1, b: 2 }\n", NULL },
	{ "E0410",
	  "locals: { a: .inf }\n",
	  "locals: { a: \".inf\" }\n", NULL },
	{ "E0411",
	  "# main.aipc.yaml\n"
	  "locals: { a: 1 }\n"
	  "# rest.aipc.yaml/more.yaml\n"
	  "b: 2\n",
	  "# main.aipc.yaml\n"
	  "locals: { a: 1 }\n"
	  "# rest/more.yaml\n"
	  "b: 2\n", NULL },
	{ "W0180",
	  "variable: { size: { default: 9 } }\n"
	  "check:\n"
	  "  size:\n"
	  "    assert: { condition: \"${var.size < 5}\", error_message: too large }\n",
	  "variable: { size: { default: 4 } }\n"
	  "check:\n"
	  "  size:\n"
	  "    assert: { condition: \"${var.size < 5}\", error_message: too large }\n", NULL },
	{ "W0181",
	  "provider: { redfish: { username: admin, password: \"file:secret.yaml\" } }\n"
	  "data:\n"
	  "  redfish_system: { s: { bmc: \"https://127.0.0.1:9\" } }\n"
	  "# secret.yaml\n"
	  "hunter2\n",
	  NULL, "plan" },
	{ "W0304",
	  "variable: { nodes: { default: 2 } }\n"
	  "# values.yaml\n"
	  "node: 3\n",
	  "variable: { nodes: { default: 2 } }\n"
	  "# values.yaml\n"
	  "nodes: 3\n", "validate --var-file values.yaml" },
	{ "W0901",
	  "variable: { nodes: { default: 1 } }\n",
	  "variable: { nodes: { default: 1 } }\n"
	  "output: { o: { value: \"${var.nodes}\" } }\n", NULL },
	{ "W0902",
	  "locals: { a: 1 }\n",
	  "locals: { a: 1 }\n"
	  "output: { o: { value: \"${local.a}\" } }\n", NULL },
	{ "W0903",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { name: { value: x } }\n",
	  "# main.aipc.yaml\n"
	  "module: { m: { source: ./m } }\n"
	  "output: { o: { value: \"${module.m.name}\" } }\n"
	  "# m/main.aipc.yaml\n"
	  "output: { name: { value: x } }\n", NULL },
	{ "W0904",
	  "output: { o: { value: \"${true ? 1 : 2}\" } }\n",
	  "output: { o: { value: 1 } }\n", NULL },
	{ "W0905",
	  "output: { o: { value: '${1 == \"1\"}' } }\n",
	  "output: { o: { value: '${1 == tonumber(\"1\")}' } }\n", NULL },
	{ "W0906",
	  "variable: { names: { type: list(string), default: [a, b] } }\n"
	  "resource:\n"
	  "  aipc_data: { n: { count: \"${length(var.names)}\" } }\n",
	  "variable: { names: { type: list(string), default: [a, b] } }\n"
	  "resource:\n"
	  "  aipc_data: { n: { for_each: \"${toset(var.names)}\" } }\n", NULL },
	{ "W0907",
	  "variable: { db_password: { type: string, default: hunter2 } }\n",
	  "variable: { db_password: { type: string, default: \"env:DB_PASSWORD\" } }\n", NULL },
	{ "W0908",
	  "resource: { aipc_data: { a: { input: [x, y, x] } } }\n",
	  "resource: { aipc_data: { a: { input: [x, y] } } }\n", NULL },
	{ "W0909",
	  "output: { o: { value: \"${[for var in [1] : var]}\" } }\n",
	  "output: { o: { value: \"${[for v in [1] : v]}\" } }\n", NULL },
	{ "W0910",
	  "variable: { site: { default: fra } }\n"
	  "output: { o: { value: upper(var.site) }, p: { value: \"${var.site}\" } }\n",
	  "variable: { site: { default: fra } }\n"
	  "output: { o: { value: \"${upper(var.site)}\" }, p: { value: \"${var.site}\" } }\n", NULL },
	{ 0 },
};

const struct diag_example *diag_example(const char *code)
{
	static const struct diag_example *const parts[] = { examples, diag_examples_fabric, diag_examples_cluster };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const struct diag_example *x = parts[i]; x->code; x++)
			if (strcmp(x->code, code) == 0)
				return x;
	return NULL;
}

const char *diag_example_by(const struct diag_example *x)
{
	return x->by ? x->by : strncmp(x->code, "W09", 3) == 0 ? "lint" : "validate";
}
