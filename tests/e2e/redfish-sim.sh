#!/usr/bin/env bash
# Firmware, BIOS and power of simulated servers from a spec, then with faults: each image arrives once, whatever goes wrong.
# Takes minutes.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it reads the simulator's counters"
start_sim 4 120
mkdir fw
image() { printf 'aipc-sim-firmware: {"component": "%s", "version": "%s"}\n' "$1" "$2" >"fw/$3"; }
image HostBMC_0 24.09.17 bmc-1
image 'HGX_FW_GPU_*' 1.6.0 gpu-1
image HostBMC_0 25.01.02 bmc-2
image HostBMC_0 25.01.03 bmc-3

spec() { # BMC-VERSION BMC-IMAGE
	cat >main.aipc.yaml <<YAML
provider:
  redfish: { username: admin, password: "file:sim/password", ca_file: sim/ca.pem, lost_task_timeout: 5s, graceful_timeout: 30s }
resource:
  gpu_node_pool:
    train:
      nodes: '\${csvdecode(file("sim/nodes.csv"))}'
      gpu: { product: H100-SXM5-80GB, count: 8 }
      firmware:
        components:
          HostBMC_0: { version: "$1", image: fw/$2 }
          HGX_FW_GPU_*: { version: "1.6.0", image: fw/gpu-1 }
      bios: { SecureBoot: Enabled, NumaPerSocket: 2 }
      power: "On"
YAML
}
count() { # NODE FILE: how often the node received it
	sim_get "/v1/bmcs/$1" | python3 -c '
import json, sys
print(sum(i["count"] for i in json.load(sys.stdin)["images"] if i["sha256"] == sys.argv[1]))' "$(sha256sum "fw/$2" | cut -d' ' -f1)"
}
each_once() { # FILE
	for n in gpu-000{1..4}; do [[ $(count "$n" "$1") == 1 ]] || fail "$n received $1 $(count "$n" "$1") times"; done
}
faults() { [[ $(sim_post /v1/faults "{\"faults\": [$1]}") == '{"done":true}' ]] || fail "fault plan refused: $1"; }

spec 24.09.17 bmc-1
want 0 "24.05.1" aipc plan
want 0 "" aipc apply --yes
want 0 "No changes." aipc plan --detailed-exitcode
each_once bmc-1
each_once gpu-1

# Replies lost, busy, gone tasks, slowness: one fault a machine.
faults '{"fault": "drop", "when": "after", "bmc": "gpu-0001", "method": "POST", "path": "*upload*", "count": 1},
	{"fault": "status", "status": 503, "retry_after": 1, "bmc": "gpu-0002", "path": "*", "count": 6},
	{"fault": "lost_task", "bmc": "gpu-0003", "count": 1},
	{"fault": "latency", "ms": 200, "bmc": "gpu-0004", "count": 20}'
spec 25.01.02 bmc-2
want 0 "" aipc apply --yes
want 0 "No changes." aipc plan --detailed-exitcode
each_once bmc-2

# A BMC that resets itself in the middle of an update, broken JSON, stale ETags.
faults '{"fault": "reset_mid_update", "bmc": "gpu-0001", "count": 1},
	{"fault": "wrong_etag", "bmc": "gpu-0002", "count": 1},
	{"fault": "bad_json", "bmc": "gpu-0003", "path": "*FirmwareInventory*", "skip": 5, "count": 1},
	{"fault": "garbage", "bmc": "gpu-0004", "path": "*Tasks*", "count": 2}'
sim_post /v1/bmcs/gpu-0002 '{"bios": {"SecureBoot": "Disabled"}}' >/dev/null
spec 25.01.03 bmc-3
timeout 120 aipc apply --yes >first.out 2>first.err </dev/null || true
faults ''
want 0 "" aipc apply --yes
want 0 "No changes." aipc plan --detailed-exitcode
for n in gpu-000{2..4}; do [[ $(count "$n" bmc-3) == 1 ]] || fail "$n received bmc-3 $(count "$n" bmc-3) times"; done
[[ $(count gpu-0001 bmc-3) -le 2 ]] || fail "gpu-0001, whose update was torn, received bmc-3 $(count gpu-0001 bmc-3) times"

# A BMC that takes connections and never answers costs the others nothing.
faults '{"fault": "black_hole", "bmc": "gpu-0004"}'
sed -i 's/graceful_timeout: 30s/read_timeout: 3s/' main.aipc.yaml
want 0 "gpu-0004" aipc plan
grep -q "3 BMCs silent" last.err && fail "the other machines were lost too"
faults ''
[[ $(sim_total sessions_open) == 0 ]] || fail "logins left open: $(sim_total sessions_open)"
echo "every image once, with and without faults"
