#!/usr/bin/env bash
# plan, apply, plan and drift against services shaped like nine vendors' BMCs, and against a table of misbehaviours (vendors.py).
# Takes minutes.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it plays the machines"
export RF_PASSWORD=secret
python3 "$root/tests/e2e/vendors.py" "$work" 2>vendors.err &
server=$!
at_exit="kill $server"
for _ in $(seq 100); do [[ -s ports ]] && break; sleep 0.1; done
[[ -s ports ]] || { cat vendors.err; fail "the services did not start"; }
port_of() { awk -v n="$1" '$1 == n { print $2 }' "$work/ports"; }
state() { curl -s "http://127.0.0.1:$(port_of "$1")/test/state" | python3 -c 'import json,sys; v=json.load(sys.stdin)
for k in sys.argv[1:]: v=v.get(k, 0)
print(v)' "${@:2}"; }
behind() { curl -s -X POST --data "$2" "http://127.0.0.1:$(port_of "$1")/test/set" >/dev/null; }

# spec NAME "GLOB|VERSION[|TARGET[|MORE MEMBERS]];..." "BIOS MEMBERS": the working folder NAME with a pool of that one machine.
spec() {
	local name=$1 pin glob version target apply
	mkdir -p "$name"
	: >"$name.img"
	{
		printf 'provider:\n  redfish: { username: admin, password: "env:RF_PASSWORD", insecure: true, read_timeout: 5s, busy_timeout: 4s,\n'
		printf '    graceful_timeout: 8s, boot_timeout: 30s, stall_timeout: 8s, lost_task_timeout: 4s, verify_timeout: 15s }\n'
		printf 'resource:\n  gpu_node_pool:\n    p:\n      nodes: [{ name: n1, bmc: "http://127.0.0.1:%s" }]\n      power: "On"\n' "$(port_of "$name")"
		[[ -z $3 ]] || printf '      bios: { %s }\n' "$3"
		[[ -z $2 ]] || printf '      firmware:\n        components:\n'
		while read -r pin; do
			[[ -n $pin ]] || continue
			IFS='|' read -r glob version target apply <<<"$pin"
			printf '          "%s": { version: "%s", image: "%s"%s%s }\n' "$glob" "$version" "${IMAGE:-../$name.img}" "${target:+, targets: [\"$target\"]}" \
				"${apply:+, $apply}"
		done <<<"${2//;/$'\n'}"
	} >"$name/main.aipc.yaml"
}

# --- nine vendors, at once: each in its own folder, its story in NAME/story
story() { # NAME IMAGE-TEXT DRIFT-JSON
	cd "$work/$1"
	printf '%b' "$2" >"../$1.img"
	want 0 "" aipc plan
	cp last.out plan.out
	want 0 "" aipc apply --yes
	want 0 "No changes." aipc plan --detailed-exitcode
	want 0 "" aipc drift
	behind "$1" "$3"
	want 2 "$4" aipc drift
	want 0 "" aipc apply --yes
	want 0 "No changes." aipc plan --detailed-exitcode
}
IMAGE='' spec dgx-h100 "HostBMC_0|24.09.17;HostBIOS_0|1.1.4;HGX_FW_*|96.00.90.00.02;CX7_0|28.39.1002" "SecureBoot: Enabled, NumaPerSocket: 2"
spec gb200 "FW_BMC_0|25.01-8;HGX_FW_*|97.00.83.00.01|/redfish/v1/Chassis/HGX_Chassis_0" "EmbeddedUefiShell: Disabled, Retry: \"4\""
spec dell-idrac "BIOS|2.1.5" "ProcVirtualization: Disabled"
spec hpe-ilo "iLO*|1.50;System ROM|U54 v1.40 (06/01/2023);System Programmable Logic Device|0x12" "BootMode: uefi"
spec lenovo-xcc "BMC-Primary|3.20;UEFI|2.50" "Processors_HyperThreading: Disable"
spec supermicro "BMC|1.1.7|/redfish/v1/Managers/1;BIOS|1.5|/redfish/v1/Systems/1/Bios" "QuietBoot: \"false\", SR-IOVSupport: enabled, SetupPromptTimeout: \"5\""
spec openbmc "5f3c*|2.15.0;part69|1.69" "fw_boot_side: Perm"
IMAGE=http://127.0.0.1:1/ami-megarac.img spec ami-megarac "BMC|12.61.40;BIOS|F22" "SETUP001: SETUP001Enabled"
IMAGE=http://127.0.0.1:1/cray-ex.img spec cray-ex "Node0.BIOS|ex425.bios-1.7.3" "SMT Control: \"Off\""
declare -A images=(
	[dgx-h100]='HostBMC_0=24.09.17\nHostBIOS_0=01.01.04\nHGX_FW_GPU_SXM_1=96.00.90.00.02\n'
	[gb200]='FW_BMC_0=GB200Nvl-25.01-8\nHGX_FW_*=97.00.83.00.01\n'
	[dell-idrac]='*__BIOS*=2.1.5\n' [hpe-ilo]='1=1.50 Jun 01 2023\n2=U54 v1.40 (06/01/2023)\n4=0x12\n'
	[lenovo-xcc]='BMC-Primary=3.20\nUEFI=2.50\n' [supermicro]='BMC=01.01.07\nBIOS=BIOS Date: 01/01/2024 Ver 1.5\n'
	[openbmc]='5f3c1a2b=2.15.0\n' [ami-megarac]='BMC=12.61.40\nBIOS=F22\n' [cray-ex]='Node0.BIOS=ex425.bios-1.7.3\n'
)
declare -A behind_back=(
	[dgx-h100]='{"bios": {"SecureBoot": "Disabled"}}|SecureBoot' [gb200]='{"firmware": {"HGX_FW_GPU_1": "1"}}|HGX_FW_' [dell-idrac]='{"on": false}|Off'
	[hpe-ilo]='{"bios": {"BootMode": "LegacyBios"}}|BootMode' [lenovo-xcc]='{"bios": {"Processors_HyperThreading": "Enable"}}|HyperThreading'
	[supermicro]='{"bios": {"QuietBoot#00F7": true}}|QuietBoot' [openbmc]='{"firmware": {"5f3c1a2b": "2.14.0"}}|5f3c'
	[ami-megarac]='{"firmware": {"BIOS": "F21"}}|BIOS' [cray-ex]='{"bios": {"SMT Control": "Auto"}}|SMT'
)
pids=()
for name in ${ONLY:-"${!images[@]}"}; do
	(
		trap - EXIT
		story "$name" "${images[$name]}" "${behind_back[$name]%|*}" "${behind_back[$name]##*|}"
	) >"$name/story" 2>&1 &
	pids+=("$!:$name")
done
failed=

# --- shapes of captures, as data: all in one plan, each told by its own facts
data_of() { # TYPE
	local name
	printf '  %s:\n' "$1"
	for name in shape-numbers shape-dell shape-pcie shape-names shape-bare; do
		printf '    %s: { bmc: "http://127.0.0.1:%s" }\n' "$name" "$(port_of $name)"
	done
}
shapes() {
	mkdir shapes
	cd shapes
	{
		printf 'provider:\n  redfish: { username: admin, password: "env:RF_PASSWORD", insecure: true, read_timeout: 5s, busy_timeout: 4s }\ndata:\n'
		data_of redfish_system
		data_of redfish_gpus
		data_of redfish_firmware
		printf '    by-name: { bmc: "http://127.0.0.1:%s", components: ["Mellanox*"] }\n' "$(port_of shape-names)"
	} >main.aipc.yaml
	aipc plan --json >plan.json 2>plan.err || fail "$(cat plan.err)"
	python3 - <<'PY'
import json, sys
d = {r["address"]: r for r in json.load(open("plan.json"))["data"]}
of = lambda kind, name: d["data.redfish_%s.shape-%s" % (kind, name)]["values"]
facts = {
    "numbers": lambda s=of("system", "numbers"): (s["processors"], s["memory_gib"], s["bios_version"], s["serial"], s["model"], s["bmc_version"], s["health"]) ==
        (2, 2048, "1.5", "12345", "X", "7.10.30.00", None),
    "dell": lambda g=of("gpus", "dell")["gpus"]: [(x["id"], x["model"], x["memory_mib"]) for x in g] ==
        [("Video.Slot.38-1", "NVIDIA H100 80GB HBM3", None), ("Video.Slot.39-1", None, 81920)],
    "pcie": lambda g=of("gpus", "pcie")["gpus"]: [(x["id"], x["system"], x["serial"]) for x in g] == [("1-0", "1", "1"), ("4-0", "1", None), ("GPU8", "1", None)],
    "names": lambda v=of("firmware", "names")["versions"]: (len(v), v["System ROM"], v["Null"]) == (6, "2.4", None),
    "by name": lambda: len(d["data.redfish_firmware.by-name"]["values"]["versions"]) == 2,
    "bare": lambda s=of("system", "bare"): all(s[k] is None for k in ("name", "power", "manufacturer", "model", "health", "state")) and s["id"] == "1",
    "no gpus": lambda: of("gpus", "bare")["gpus"] == of("gpus", "names")["gpus"] == [],
}
for name, fact in facts.items():
    if not fact(): sys.exit("not so: %s: %s" % (name, json.dumps({k: v.get("values") for k, v in d.items()}, indent=1)))
PY
	aipc plan >plan.out 2>&1 || fail "$(cat plan.out)"
	if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f]' plan.out; then fail "control characters reach the terminal"; fi
}
(trap - EXIT; shapes) || exit 1

# --- misbehaviour: NAME, command, exit status, what must be said; plain changes firmware, BIOS and (sometimes) nothing else
bad() { # NAME COMMAND STATUS TEXT [BIOS [MORE MEMBERS OF ITS PIN [TIMES]]]
	[[ -d $work/$1 ]] || spec "$1" "BIOS|2.1||${6-};NIC_0|3.0" "${5-SMT: Disabled}"
	printf 'BIOS=2.1\n%0120d\n' 0 >"$work/$1.img"
	(
		trap - EXIT
		cd "$work/$1"
		local flags=
		[[ $2 != apply ]] || flags=--yes
		for _ in $(seq "${7-1}"); do want "$3" "$4" aipc "$2" $flags; done
		[[ $2 != apply ]] || want 0 "" aipc state list
		if awk 'length > 100 && !/http/' last.out | grep -q .; then fail "$1: lines too long"; fi
	) >"$work/$1.story" 2>&1 &
	stories[$!]="$1 $2"
}
declare -A stories=()
gather() {
	local pid
	for pid in "${!stories[@]}"; do
		wait "$pid" || { echo "--- ${stories[$pid]}"; cat "$work/${stories[$pid]% *}.story"; failed+=" ${stories[$pid]% *}"; }
	done
	stories=()
}
for name in static-405 static-404 static-501; do bad $name apply 5 "HTTP ${name#static-}"; done
bad redirects plan 0 "SMT"
bad to-https plan 0 "elsewhere"
bad html plan 0 "is it a Redfish service"
for name in odd-type http10 chunked; do bad $name apply 0 ""; done
bad deep plan 0 "no JSON"
bad huge plan 0 ""
bad empty-503 plan 0 "SMT"
bad always-503 plan 0 "Try later"
bad root-503 plan 0 "waited"
bad seconds-in-args plan 0 "SMT"
bad one-entry-503 plan 0 "NIC_0"
bad entry-missing plan 0 "NIC_0"
bad no-inventory plan 0 "lists no firmware"
bad null-members plan 0 "BIOS"
bad no-bios plan 0 "Bios"
bad no-systems plan 0 "/redfish/v1/Systems"
bad error-string apply 5 "the settings are locked"
bad error-object apply 5 "The system is locked down"
bad sessions-full apply 0 ""
bad session-401 plan 0 "admin"
bad locked-out plan 0 "not asked again"
bad task-stays-new apply 0 ""
bad task-critical apply 5 "Verification of image failed"
bad task-gone apply 0 ""
bad monitor-303 apply 0 ""
bad task-stalls apply 5 "shows no progress for 8 s"
bad small-images apply 5 "at most 100 bytes"
bad update-off apply 5 "ServiceEnabled"
bad html-503 plan 0 "Service starts & stops"
bad escapes plan 0 "2.0?[2J?31m"
bad skip-only plan 0 "2 to change"
bad count-lies plan 0 "2 to change"
bad too-large apply 5 "larger than the BMC takes"
bad odd-media apply 5 "takes no such file"
bad full-no-basic plan 0 "opened no session"
bad no-session-uri plan 0 "SMT"
bad job-refused apply 5 "could not schedule"
bad needs-targets apply 5 "the pin's targets"
bad bios-depends plan 0 'read-only while SMT is "Disabled"' "SMT: Disabled, Count: 5"
for name in monitor-202 busy-400 busy-409 lock-held late-version late-bios updating job-good; do bad $name apply 0 ""; done
bad body-in-204 apply 0 ""
IMAGE=http://127.0.0.1:1/simple-user.img bad simple-user apply 0 "" "SMT: Disabled" 'image_username: u, image_password: "env:RF_PASSWORD"'
IMAGE=nfs://127.0.0.1/x/simple-nfs.img bad simple-nfs apply 5 "does not fetch images by NFS"
IMAGE=http://u:p@127.0.0.1/x.img bad url-user plan 1 "must not hold credentials"
bad virtual-ac apply 0 "" "SMT: Disabled" "apply: ac_cycle"
bad ami-upload apply 0 "" "SMT: Disabled" "oem_parameters: { ImageType: BIOS }"
bad bios-ac apply 0 "" "SMT: Disabled" "apply: ac_cycle"
bad gone-after-reset apply 0 "" "SMT: Disabled" "apply: bmc_reset"
bad monitor-only apply 5 "no progress for 8 s"
bad bios-depends-not apply 0 "" "Count: 5"
# The same task is watched once more, and its image not sent again.
bad task-at-100 apply 5 "at 100 %" "SMT: Disabled" "" 2
bad task-warning apply 5 "Part of it waits"
gather
for name in simple-user body-in-204 ami-upload busy-400 busy-409 lock-held late-version updating monitor-202 monitor-only task-at-100 virtual-ac bios-ac gone-after-reset task-warning; do
	[[ $(state $name images) == 1 && $(state $name bricked) == 0 && $(state $name open) == 0 ]] ||
		fail "$name: $(state $name images) images, $(state $name bricked) resets while it wrote, $(state $name open) open sessions"
done
for name in virtual-ac bios-ac; do [[ $(state $name ac_cycles) == 1 ]] || fail "$name: $(state $name ac_cycles) AC cycles"; done
[[ $(state lock-held claims) == 0 && $(state no-session-uri open) == 0 ]] || fail "a lock of another was taken, or a session left open"
if grep -rqF "$RF_PASSWORD" "$work"/*/.aipc; then fail "a password was written down"; fi
[[ -z $failed ]] || fail "misbehaviour not borne:$failed"

# --- how the stories of the vendors ended
for p in "${pids[@]}"; do
	if ! wait "${p%%:*}"; then
		echo "--- ${p#*:}"
		cat "${p#*:}/story"
		failed+=" ${p#*:}"
	fi
done
[[ -z $failed ]] || fail "not driven:$failed"

# What the machines saw: each image once, sessions closed.
for name in ${ONLY:-"${!images[@]}"}; do
	[[ $(state "$name" open) == 0 ]] || fail "$name: $(state "$name" open) sessions are left open"
done
if [[ -z ${ONLY:-} ]]; then
	for name in gb200 hpe-ilo; do [[ $(state $name ac_cycles) -ge 1 ]] || fail "$name had no AC cycle"; done
	[[ $(state hpe-ilo images) == 1 ]] || fail "hpe-ilo received $(state hpe-ilo images) images"
	[[ $(state dell-idrac firmware 'Previous-159-1.9.0__BIOS.Setup.1-1') == 1.9.0 ]] || fail "a row of the inventory that does not run was changed"
fi
