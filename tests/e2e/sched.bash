# The scheduler on a real API server; source it behind lib.bash and kube.bash.
#   sched_cluster            an API server with our CRDs and kwok; SERVER and TOKEN are set for the Python parts
#   sched_start [ARGUMENTS]  starts it ($sched_pid); sched_up also waits until it is ready; sched_stop [SIGNAL]
#   fabric RACKS HOSTS [FIRST]  fake nodes nRR-HH with 8 GPUs, labels aipc.dev/leaf=lRR and aipc.dev/spine-group=s(RR/4)
#   pods NAME N [JSON]       N pods NAME-0.. of one GPU machine each; JSON is merged: {"gpus":8,"gang":"g","labels":{},"spec":{}}
#   gang NAME MIN [SPEC]     a Gang
#   until_ok SECONDS WHAT COMMAND...   repeats until COMMAND succeeds
#   nodes_of SELECTOR        names of the nodes of pods with that label, sorted
#   audit                    no pod over capacity, gangs whole: prints problems, none is success
# shellcheck disable=SC2154  # lib.bash sets root and build
sched_pid= objects="$root/tests/e2e/sched_objects.py"

sched_cluster() {
	kube_up
	aipc-runtime crds >crds.yaml
	kc apply -f crds.yaml >/dev/null
	kube_kwok
	export SERVER=https://127.0.0.1:$kube_port TOKEN=admin-token
}
# shellcheck disable=SC2154
sched_start() {
	mapfile -t sched_ports < <(kube_ports 1)
	"$build/aipc-runtime" scheduler --name aipc --no-leader-elect --listen "127.0.0.1:${sched_ports[0]}" "$@" >>sched.out 2>>sched.err &
	sched_pid=$!
}
sched_up() {
	sched_start "$@"
	until_ok 30 "the scheduler is ready" sched_ready
}
sched_ready() {
	kill -0 "$sched_pid" 2>/dev/null || { tail -n 20 sched.err; fail "the scheduler ended"; }
	curl -sf --max-time 5 "http://127.0.0.1:${sched_ports[0]}/readyz" >/dev/null
}
sched_metric() { curl -sf --max-time 5 "http://127.0.0.1:${sched_ports[0]}/metrics" | awk -v m="$1" '$1 == m { print $2 }'; }
sched_stop() { # [SIGNAL]
	[[ -n $sched_pid ]] || return 0
	local rc=0
	kill "-${1:-TERM}" "$sched_pid" 2>/dev/null || true
	wait "$sched_pid" 2>/dev/null || rc=$?
	sched_pid=
	return $rc
}
# shellcheck disable=SC2034
at_exit='sched_stop KILL; ((rc == 0 || rc == 77)) || tail -n 5 "$work"/kube/*.log; kube_stop'

make_objects() { python3 "$objects" "$@"; }
fabric() { make_objects fabric "$@" | kc create -f - >/dev/null; }
pods() { make_objects pods "$@" | kc create -f - >/dev/null; }
gang() { make_objects gang "$@" | kc apply -f - >/dev/null; }
until_ok() { # SECONDS WHAT COMMAND...
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >until.out 2>&1; do
		((SECONDS < end)) || { cat until.out; fail "not in time: $what"; }
		sleep 0.1
	done
}
nodes_of() { kc get pods -l "$1" -o json | python3 "$objects" nodes; }
bound() { # SELECTOR N: that many pods have a node
	local n
	n=$(kc get pods -l "$1" -o json | python3 "$objects" bound)
	[[ $n == "$2" ]] || { echo "$n of $2 bound"; return 1; }
}
says() { # POD TEXT: its condition PodScheduled
	kc get pod "$1" -o json | python3 "$objects" says "$2"
}
gone() { [[ -z $(kc get pods -l "$1" -o name) ]]; } # SELECTOR
audit() { kc get nodes,pods,gangs -o json | python3 "$objects" audit; }
