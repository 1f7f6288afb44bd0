#!/usr/bin/env bash
# kill -9 at many moments of an apply, each followed by an apply that must converge, with every image received once a node.
# Takes minutes.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it reads the simulator's counters"
quickstart
start_sim 4 600
seed=${SEED:-1}
RANDOM=$seed
echo "seed $seed"

want 0 "" aipc apply --yes
want 0 "No changes." aipc plan --detailed-exitcode

image() { printf 'aipc-sim-firmware: {"component": "HostBMC_0", "version": "%s"}\n' "$1" >"firmware/bmc-$1.fwpkg"; }

for round in $(seq "${ROUNDS:-3}"); do
	version=25.0$((round % 10)).$((10 + round))
	image "$version"
	export AIPC_VAR_bmc_firmware=$version
	kills=0
	for _ in 1 2 3; do
		aipc apply --yes >kill.out 2>kill.err </dev/null &
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % 1000)))"
		if kill -9 $pid 2>/dev/null; then kills=$((kills + 1)); fi
		wait $pid 2>/dev/null || true
		want 0 "" aipc state list
	done
	want 0 "" aipc apply --yes
	want 0 "No changes." aipc plan --detailed-exitcode
	sha=$(sha256sum "firmware/bmc-$version.fwpkg" | cut -d' ' -f1)
	for n in 1 2 3 4; do
		count=$(sim_get "/v1/bmcs/gpu-000$n" | python3 -c '
import json, sys
print(sum(i["count"] for i in json.load(sys.stdin)["images"] if i["sha256"] == sys.argv[1]))' "$sha")
		[[ $count == 1 ]] || fail "round $round: gpu-000$n received $version $count times"
	done
	echo "round $round: $kills kills, every image once"
done
