#!/usr/bin/env bash
# Data about machines: what simulated BMCs tell, what a dead one costs, and that no password gets out.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it reads plans"
start_sim 3 120
password=$(cat sim/password)
cat >main.aipc.yaml <<'YAML'
provider:
  redfish: { username: admin, password: "file:sim/password", ca_file: sim/ca.pem, connect_timeout: 2s, read_timeout: 3s }
locals:
  nodes: '${{ for n in csvdecode(file("sim/nodes.csv")) : n.name => n.bmc }}'
data:
  redfish_system:
    node: { for_each: "${local.nodes}", bmc: "${each.value}" }
  redfish_firmware:
    node: { for_each: "${local.nodes}", bmc: "${each.value}", components: ["HGX_FW_GPU_*", HostBMC_0] }
  redfish_gpus:
    first: { bmc: '${local.nodes["gpu-0001"]}' }
resource:
  aipc_data:
    gpus: { input: "${data.redfish_gpus.first.gpus[*].serial}" }
    alone: { input: 1 }
    serial: { for_each: "${local.nodes}", input: "${data.redfish_system.node[each.key].serial}" }
output:
  bmc: { value: "${{ for k, v in data.redfish_firmware.node : k => v.versions.HostBMC_0 }}" }
check:
  power:
    data:
      redfish_system: { third: { bmc: '${local.nodes["gpu-0003"]}' } }
    assert: [{ condition: '${data.redfish_system.third.power == "On"}', error: "gpu-0003 is off" }]
YAML
got() { # PYTHON-EXPRESSION on d, the data by address, and p, the plan
	python3 -c 'import json, sys
p = json.load(open("plan.json")); d = {r["address"]: r for r in p.get("data", [])}
if not eval(sys.argv[1]): sys.exit("not so: " + sys.argv[1])' "$1" || fail "see plan.json: $(head -c 2000 plan.json)"
}
want 0 "8 data blocks" aipc plan -o saved.plan
aipc plan --json >plan.json 2>plan.err || fail "$(cat plan.err)"
got 'len(d) == 8 and all(r["state"] == "read" for r in d.values())'
got 'd["data.redfish_system.node[\"gpu-0002\"]"]["values"]["model"] == "DGXH100"'
got 'd["data.redfish_system.node[\"gpu-0002\"]"]["values"]["power"] == "On"'
got 'd["data.redfish_system.node[\"gpu-0002\"]"]["values"]["serial"] != d["data.redfish_system.node[\"gpu-0001\"]"]["values"]["serial"]'
got 'd["data.redfish_firmware.node[\"gpu-0003\"]"]["values"]["versions"]["HostBMC_0"] == "24.05.1"'
got 'len(d["data.redfish_firmware.node[\"gpu-0003\"]"]["values"]["versions"]) == 9'
got '[g["id"] for g in d["data.redfish_gpus.first"]["values"]["gpus"]] == [f"GPU_SXM_{i}" for i in range(1, 9)]'
got 'all(g["model"] == "H100 80GB HBM3" and g["memory_mib"] == 81920 and g["system"] == "HGX_Baseboard_0" for g in d["data.redfish_gpus.first"]["values"]["gpus"])'
want 0 "done" aipc apply --yes
want 0 "24.05.1" aipc output bmc
want 0 "No changes." aipc plan --detailed-exitcode
grep -rqF -- "$password" ./*.json ./*.plan ./*.out ./*.err .aipc && fail "the password was written down"

# The state holds what depends on data, and no data.
want 0 "aipc_data.serial" aipc state list
grep -q "data.redfish" last.out && fail "data is in the state"

# The world moves: data is no drift, and the next plan sees it.
sim_post /v1/bmcs/gpu-0003 '{"power": "Off"}' >/dev/null
want 0 "gpu-0003 is off" aipc plan
want 0 "0 drifted" aipc drift

# A dead BMC: named with address, place and host; the others are planned; nothing is removed because of it.
sim_post /v1/faults '{"faults": [{"fault": "black_hole", "bmc": "gpu-0002"}]}' >/dev/null
sed -i 's/input: 1 /input: 2 /' main.aipc.yaml
want 0 "~ aipc_data.alone" aipc plan
tr -s '\n ' ' ' <last.err >flat
host=$(sed -n 's/^gpu-0002,\([^,]*\).*/\1/p' sim/nodes.csv)
for text in 'W0181' 'data.redfish_system.node["gpu-0002"]' "${host%%:*}" 'main.aipc.yaml:7:5' 'main.aipc.yaml:9:5'; do
	grep -qF -- "$text" flat || fail "the silent BMC was told without $text: $(cat last.err)"
done
grep -q "aipc_data.serial" last.out || fail "what waits for the silent BMC is not shown"
aipc plan --json >plan.json 2>/dev/null || fail "no plan"
got 'd["data.redfish_system.node[\"gpu-0001\"]"]["state"] == "read" and d["data.redfish_system.node[\"gpu-0002\"]"]["state"] == "unread"'
got 'not p["complete"] and p["counts"]["update"] == 1 and p["counts"]["remove"] == 0'
want 5 "" aipc apply --yes
sim_post /v1/faults '{"faults": []}' >/dev/null
want 0 "No changes." aipc plan --detailed-exitcode

# A component that is not there is a mistake with its neighbours named.
sed -i 's/HostBMC_0\]/HostBMC_9]/; s/versions.HostBMC_0/versions/' main.aipc.yaml
want 1 "HostBMC_0" aipc plan
grep -q E0180 last.err || fail "not told as a mistake of the data block"
want 0 "" aipc destroy --yes
[[ $(sim_total sessions_open) == 0 ]] || fail "logins left open: $(sim_total sessions_open)"
echo "data of three BMCs, one of them dead for a while"
