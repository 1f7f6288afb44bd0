# Shared by the scripts of this folder: a working folder, the simulator, the program under test.
# A script gets the build folder as $1, sources this, and may use: $work (empty, the current folder), start_sim, stop_sim,
# sim_total, sim_post, want, spec.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "${1:?build folder}" && pwd)
export PATH=$build:$PATH NO_COLOR=1
work=$(mktemp -d)
sim_pid=
control=

# What a script started itself it ends here, by setting this command: a trap of its own in front of cleanup would hide the status.
at_exit=:

cleanup() {
	local rc=$?
	set +e
	eval "$at_exit" 2>/dev/null
	stop_sim
	if ((rc != 0 && rc != 77)); then
		echo "--- last lines of what ran in $work:"
		tail -n 30 "$work"/*.out "$work"/*.err "$work"/sim/log 2>/dev/null || true
	fi
	cd /
	rm -rf "$work"
	exit $rc
}
trap cleanup EXIT
cd "$work"

skip() { echo "$1"; exit 77; }
fail() { echo "FAILED: $1" >&2; exit 1; }

start_sim() { # NODES SPEED [MORE ARGUMENTS]
	local nodes=$1 speed=$2
	shift 2
	mkdir -p sim
	aipc-sim redfish --nodes "$nodes" --profile hgx-h100 --dir sim --port 0 --control 127.0.0.1:0 --speed "$speed" "$@" >sim/out 2>sim/log &
	sim_pid=$!
	for _ in $(seq 200); do
		grep -q '^ready' sim/out && break
		kill -0 $sim_pid 2>/dev/null || { cat sim/log >&2; fail "the simulator did not start"; }
		sleep 0.1
	done
	grep -q '^ready' sim/out || fail "the simulator was not ready"
	control=$(cat sim/control)
}

stop_sim() {
	[[ -n $sim_pid ]] || return 0
	kill "$sim_pid" 2>/dev/null || true
	wait "$sim_pid" 2>/dev/null || true
	sim_pid=
}

sim_get() { curl -s --max-time 20 "http://$control$1"; }
sim_post() { curl -s --max-time 20 -X POST -H 'Content-Type: application/json' --data "$2" "http://$control$1"; }
sim_total() { sim_get /v1/totals | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# want STATUS TEXT COMMAND...: runs COMMAND into last.out and last.err, checks its exit status and that TEXT (a fixed string;
# empty: none) is in either, however its lines are broken.
want() {
	local status=$1 text=$2 rc=0
	shift 2
	timeout 120 "$@" >last.out 2>last.err </dev/null || rc=$?
	if ((rc != status)); then
		cat last.out last.err
		fail "'$*' ended with $rc, wanted $status"
	fi
	if [[ -n $text ]] && ! grep -qF -- "$text" last.out last.err && ! cat last.out last.err | tr -s ' \n' ' ' | grep -qF -- "$(tr -s ' ' <<<"$text")"; then
		cat last.out last.err
		fail "'$*' did not say: $text"
	fi
}

# The quickstart, for racks of fewer than eight machines, all changed at once.
quickstart() {
	cp -r "$root/examples/quickstart/." .
	sed -i -e '/tenant-b:/d' -e '/rollout:/d' -e 's/^    username:/    connect_timeout: 3s\n    username:/' -e 's/"gpu-000\[1-4\]"/"*"/' main.aipc.yaml
}
