#!/usr/bin/env bash
# The simulated BMC over the network: its update state machine on fast time, and every fault as a client sees it.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it reads JSON here"
start_sim 4 20
password=$(cat sim/password)
mapfile -t bmcs < <(tail -n +2 sim/nodes.csv | cut -d, -f2)

# json PATH...: follows keys and indices in the JSON on stdin; prints text as it is, the rest as JSON.
json() {
	python3 -c '
import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1:]: v = v[int(k)] if isinstance(v, list) else v[k]
print(v if isinstance(v, str) else json.dumps(v))' "$@"
}

# rf N METHOD PATH [CURL ARGUMENTS]: body in body, headers in head, prints the status; 000 when the connection broke.
rf() {
	local bmc=${bmcs[$1 - 1]} method=$2 path=$3
	shift 3
	rm -f body head
	curl -sS --cacert sim/ca.pem -u "admin:$password" -X "$method" -o body -D head -w '%{http_code}' --max-time "${MAX_TIME:-10}" "$@" \
		"https://$bmc/redfish/v1$path" 2>curl.err || true
	echo
}
is() { # WANTED RF-ARGUMENTS
	local want=$1 got
	shift
	got=$(rf "$@")
	[[ $got == "$want" ]] || { cat body curl.err 2>/dev/null; fail "$*: got $got, wanted $want"; }
}
post() { is "$1" "$2" POST "$3" -H 'Content-Type: application/json' -d "$4"; }
faults() { [[ $(sim_post /v1/faults "{\"faults\": [$1]}") == '{"done":true}' ]] || fail "fault plan refused: $1"; }
advance() { sim_post /v1/time "{\"advance_s\": $1}" >/dev/null; }
node() { sim_get "/v1/bmcs/gpu-000$1" | json "${@:2}"; }
image() { printf 'aipc-sim-firmware: {"component": "%s", "version": "%s"}\n' "$1" "$2"; head -c 300000 /dev/zero; }
push() { # WANTED N PARAMETERS FILE
	is "$1" "$2" POST /UpdateService/upload -F "UpdateParameters=$3;type=application/json" -F "UpdateFile=@$4;type=application/octet-stream"
}
back() { # N: waits until its BMC answers again
	for _ in $(seq 100); do [[ $(rf "$1" GET /) == 200 ]] && return; sleep 0.1; done
	fail "BMC $1 did not come back"
}
task_is() { # N STATE: of its newest task, within a few real seconds
	local state
	for _ in $(seq 100); do
		state=$(node "$1" tasks -1 state)
		[[ $state == "$2" ]] && return
		sleep 0.05
	done
	fail "task of BMC $1 is $state, not $2"
}

# --- each BMC has a name, an address and a certificate of its own
openssl s_client -connect "${bmcs[1]}" </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName >san.out
grep -q "IP Address:${bmcs[1]%:*}" san.out || fail "the certificate is not for ${bmcs[1]}"
[[ $(stat -c %a sim/password) == 600 ]] || fail "everyone can read the password"
is 200 1 GET /Systems/DGX
curl -s --max-time 3 -o /dev/null --cacert sim/ca.pem "https://127.16.200.1:${bmcs[0]#*:}/redfish/v1" && fail "an address without a BMC answered"

# --- update by multipart: received, installed, staged; runs after the BMC reset
image HostBMC_0 24.09.17 >bmc.img
push 202 1 '{}' bmc.img
grep -qi '^location: /redfish/v1/TaskService/TaskMonitors/1' head || fail "no task monitor in Location"
push 503 1 '{}' bmc.img
grep -qi '^retry-after: [1-9]' head || fail "busy without Retry-After"
advance 260
task_is 1 Completed
[[ $(node 1 firmware HostBMC_0) == 24.05.1 ]] || fail "the new version shows before its activation"
post 204 1 /Managers/BMC/Actions/Manager.Reset '{"ResetType": "GracefulRestart"}'
advance 95
back 1
[[ $(node 1 firmware HostBMC_0) == 24.09.17 ]] || fail "the BMC reset did not activate the firmware"
sha=$(sha256sum bmc.img | cut -d' ' -f1)
[[ $(node 1 images 0 sha256) == "$sha" && $(node 1 images 0 count) == 1 && $(node 1 images 0 path) == multipart ]] || fail "images are not counted"

# --- update by SimpleUpdate: the BMC fetches; HGX firmware runs after the copy, host off and an AC cycle
mkdir www
image 'HGX_FW_*' 1.6.0 >www/hgx.img
python3 -u -m http.server --bind 127.0.0.1 --directory www 0 >www.out 2>&1 &
www=$!
at_exit="kill $www"
for _ in $(seq 100); do grep -q 'port [0-9]' www.out && break; sleep 0.1; done
wport=$(sed -n 's/.*port \([0-9]*\).*/\1/p' www.out | head -n 1)
simple() { post "$1" "$2" /UpdateService/Actions/UpdateService.SimpleUpdate "{\"ImageURI\": \"http://127.0.0.1:$wport/$3\", \"Targets\": [\"/redfish/v1/UpdateService/FirmwareInventory/HGX_0\"]}"; }
simple 202 2 hgx.img
for _ in $(seq 100); do [[ $(node 2 tasks 0 state) == Running ]] && break; sleep 0.05; done
advance 260
task_is 2 Completed
is 200 2 GET /Chassis/HGX_ERoT_GPU_SXM_1
[[ $(json Oem Nvidia BackgroundCopyStatus <body) == InProgress ]] || fail "no background copy"
post 400 2 /Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset '{"ResetType": "AuxPowerCycle"}'
grep -q ChassisPowerStateOffRequired body || fail "the AC cycle was refused for another reason"
advance 300
post 204 2 /Systems/DGX/Actions/ComputerSystem.Reset '{"ResetType": "ForceOff"}'
advance 5
post 204 2 /Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset '{"ResetType": "AuxPowerCycle"}'
advance 130
back 2
[[ $(node 2 firmware HGX_FW_GPU_SXM_8) == 1.6.0 && $(node 2 ac_cycles) == 1 && $(node 2 power) == Off ]] || fail "the AC cycle did not activate the firmware"
[[ $(node 2 images 0 path) == "http://127.0.0.1:$wport/hgx.img" ]] || fail "the fetched image is not counted"
simple 202 2 missing.img
task_is 2 Exception
echo junk >junk.img
push 202 2 '{}' junk.img
advance 15
task_is 2 Exception
is 400 2 POST /UpdateService/upload -F 'UpdateFile=@junk.img'

# --- BIOS: asked for with If-Match, seen after the next POST
is 428 3 PATCH /Systems/DGX/Bios/Settings -H 'Content-Type: application/json' -d '{"Attributes": {"SecureBoot": "Enabled"}}'
is 200 3 PATCH /Systems/DGX/Bios/Settings -H 'If-Match: *' -H 'Content-Type: application/json' -d '{"Attributes": {"SecureBoot": "Enabled"}}'
post 204 3 /Systems/DGX/Actions/ComputerSystem.Reset '{"ResetType": "ForceRestart"}'
advance 200
[[ $(node 3 bios SecureBoot) == Enabled && $(node 3 bios_applied) == 1 ]] || fail "BIOS settings were not applied"

# --- behind its back
[[ $(sim_post /v1/bmcs/gpu-0003 '{"firmware": {"CX7_0": "9"}, "bios": {"SecureBoot": "Disabled"}, "power": "Off"}') == '{"done":true}' ]] || fail "change refused"
[[ $(node 3 firmware CX7_0) == 9 && $(node 3 bios SecureBoot) == Disabled && $(node 3 power) == Off ]] || fail "not changed"
sim_post /v1/bmcs/gpu-0003 '{"power": "On", "firmware": {"Nix": "1"}}' | grep -q Nix || fail "a wrong change was taken"
[[ $(node 3 power) == Off ]] || fail "a wrong change was half done"

# --- faults of requests
faults '{"fault": "status", "bmc": "gpu-0004", "path": "*/Systems", "retry_after": 7, "count": 2}'
is 503 4 GET /Systems
grep -qi '^retry-after: 7' head || fail "no Retry-After"
is 200 3 GET /Systems
is 503 4 GET /Systems
is 200 4 GET /Systems
faults '{"fault": "latency", "ms": 700, "count": 1}'
t=$(curl -s --cacert sim/ca.pem -o /dev/null -w '%{time_total}' "https://${bmcs[3]}/redfish/v1")
python3 -c "exit(0 if $t >= 0.69 else 1)" || fail "no latency: $t s"
faults '{"fault": "drop", "method": "PATCH", "when": "before", "count": 1}'
is 000 4 PATCH /Systems/DGX -H 'Content-Type: application/json' -d '{"AssetTag": "before"}'
is 200 4 GET /Systems/DGX
[[ $(json AssetTag <body) == "" ]] || fail "dropped before, yet done"
faults '{"fault": "drop", "method": "PATCH", "when": "after", "count": 1}'
is 000 4 PATCH /Systems/DGX -H 'Content-Type: application/json' -d '{"AssetTag": "after"}'
is 200 4 GET /Systems/DGX
[[ $(json AssetTag <body) == after ]] || fail "dropped after, yet not done"
faults '{"fault": "drop", "when": "body", "count": 1}'
rf 4 GET /Systems/DGX >status
grep -q '(\(18\|56\))' curl.err || fail "the body was not torn: $(cat curl.err status)"
faults '{"fault": "bad_json", "count": 1}'
is 200 4 GET /Systems
json Name <body 2>/dev/null && fail "bad_json is good JSON"
faults '{"fault": "garbage", "count": 1}'
is 200 4 GET /Systems
json Name <body 2>/dev/null && fail "garbage is JSON"
faults '{"fault": "wrong_etag", "count": 1}'
is 412 4 PATCH /Systems/DGX -H 'If-Match: *' -H 'Content-Type: application/json' -d '{"AssetTag": "x"}'
is 200 4 PATCH /Systems/DGX -H 'If-Match: *' -H 'Content-Type: application/json' -d '{"AssetTag": "x"}'
faults '{"fault": "black_hole", "bmc": "gpu-0004"}'
MAX_TIME=1 is 000 4 GET /
is 200 3 GET /
faults '{"fault": "black_hole", "bmc": "gpu-0004", "accept": false}'
MAX_TIME=2 is 000 4 GET /
faults ''
is 200 4 GET /
sim_post /v1/faults '{"faults": [{"fault": "stal"}]}' | grep -q 'did you mean' || fail "a wrong plan was taken"

# --- faults of updates
image 'PSU_*' 0300 >psu.img
faults '{"fault": "lost_task", "count": 1}'
push 202 4 '{}' psu.img
advance 20
is 404 4 GET /TaskService/Tasks/1
advance 100
[[ $(node 4 firmware PSU_0) == 0300 ]] || fail "the update of a lost task did not go on"
image 'PSU_*' 0301 >psu.img
faults '{"fault": "reset_mid_update", "count": 1}'
push 202 4 '{}' psu.img
advance 20
advance 60
advance 100
back 4
task_is 4 Exception
[[ $(node 4 firmware PSU_0) == 0300 && $(node 4 bmc_resets) == 1 ]] || fail "no reset in the middle of the update"
faults '{"fault": "stall", "count": 1}'
push 202 4 '{}' psu.img
advance 3600
task_is 4 Running

# --- sessions: at most eight, gone when the BMC resets
for _ in 1 2 3 4 5 6 7 8; do post 201 3 /SessionService/Sessions "{\"UserName\": \"admin\", \"Password\": \"$password\"}"; done
post 503 3 /SessionService/Sessions "{\"UserName\": \"admin\", \"Password\": \"$password\"}"
[[ $(node 3 sessions_open) == 8 && $(node 3 sessions_created) == 8 ]] || fail "sessions are not counted"
post 204 3 /Managers/BMC/Actions/Manager.Reset '{}'
advance 2
[[ $(node 3 sessions_open) == 0 ]] || fail "sessions outlive a BMC reset"

# --- requests are counted by method and path; the end is clean
(($(node 1 requests 'POST /redfish/v1/UpdateService/upload') == 2)) || fail "requests are not counted"
sim_post /v1/stop '{}' >/dev/null
rc=0
wait "$sim_pid" || rc=$?
sim_pid=
((rc == 0)) || fail "the simulator ended with $rc"
