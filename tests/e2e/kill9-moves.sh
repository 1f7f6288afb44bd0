#!/usr/bin/env bash
# kill -9 at many moments of applies whose plans also move every object to another address: nothing is lost, nothing is made or sent twice.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it reads the simulator's counters"
quickstart
start_sim 2 600
seed=${SEED:-1}
RANDOM=$seed
echo "seed $seed"
cat >extra.aipc.yaml <<'Y'
variable: { rev: { default: "0" } }
resource:
  aipc_data:
    keep_0: { for_each: '${toset(nodeset("k-[001-200]"))}', input: "${each.key} ${var.rev}" }
Y
want 0 "" aipc apply --yes
aipc state list >all.txt
objects=$(wc -l <all.txt)

image() { printf 'aipc-sim-firmware: {"component": "HostBMC_0", "version": "%s"}\n' "$1" >"firmware/bmc-$1.fwpkg"; }

pool=train
for round in $(seq "${ROUNDS:-3}"); do
	version=25.0$((round % 10)).$((10 + round))
	image "$version"
	next=train-$round
	sed -i -e "s/^    $pool:/    $next:/" -e "s/gpu_node_pool\.$pool\b\(-[0-9]\)\?/gpu_node_pool.$next/g" main.aipc.yaml
	sed -i "s/keep_$((round - 1)):/keep_$round:/" extra.aipc.yaml
	cat >moved.aipc.yaml <<Y
moved:
  - { from: gpu_node_pool.$pool, to: gpu_node_pool.$next }
  - { from: aipc_data.keep_$((round - 1)), to: aipc_data.keep_$round }
Y
	export AIPC_VAR_bmc_firmware=$version AIPC_VAR_rev=$round
	kills=0
	for _ in 1 2 3 4; do
		aipc apply --yes >kill.out 2>kill.err </dev/null &
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % 600)))"
		if kill -9 $pid 2>/dev/null; then kills=$((kills + 1)); fi
		wait $pid 2>/dev/null || true
		aipc state list >now.txt || fail "round $round: the state cannot be read"
		[[ $(wc -l <now.txt) == "$objects" ]] || fail "round $round: $(wc -l <now.txt) objects instead of $objects"
		# Moves happen together, when a run begins: all have the old address, or all the new one.
		old=$(grep -c "^gpu_node_pool\.${pool}[.[]\|^aipc_data\.keep_$((round - 1))\[" now.txt || true)
		new=$(grep -c "^gpu_node_pool\.${next}[.[]\|^aipc_data\.keep_${round}\[" now.txt || true)
		((old == 0 || new == 0)) || fail "round $round: $old objects at the old address and $new at the new one"
		((old + new > 200)) || fail "round $round: only $((old + new)) objects have either address"
	done
	want 0 "" aipc apply --yes
	want 0 "No changes." aipc plan --detailed-exitcode
	aipc state list >now.txt
	[[ $(wc -l <now.txt) == "$objects" ]] || fail "round $round: $(wc -l <now.txt) objects in the end, $objects before"
	! grep -q "keep_$((round - 1))\[" now.txt || fail "round $round: an object is at its old address"
	sha=$(sha256sum "firmware/bmc-$version.fwpkg" | cut -d' ' -f1)
	for n in 1 2; do
		count=$(sim_get "/v1/bmcs/gpu-000$n" | python3 -c '
import json, sys
print(sum(i["count"] for i in json.load(sys.stdin)["images"] if i["sha256"] == sys.argv[1]))' "$sha")
		[[ $count == 1 ]] || fail "round $round: gpu-000$n received $version $count times"
	done
	pool=$next
	echo "round $round: $kills kills, $objects objects moved, every image once"
done
