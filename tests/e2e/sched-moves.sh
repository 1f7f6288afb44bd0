#!/usr/bin/env bash
# Moves: on random small clusters beside every set of pods of one leaf that there is (SEED adds a seed, N sets how many clusters); then on a real API
# server, where a ReplicaSet makes again what is moved, a budget forbids it, and the scheduler ends in the middle.
source "$(dirname "$0")/lib.bash"
for seed in 1 2 ${SEED:-}; do
	python3 "$root/tests/e2e/sched_moves.py" "$build/aipc-runtime" "$seed" "${N:-200}" || fail "not the moves that there should be (seed $seed)"
done
want 64 "--moves wants a number of pods from 0 (none) to 99999" aipc-runtime scheduler --moves many --no-leader-elect

. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
sched_cluster
kwok_pid=${kube_pids[-1]}
kube_controllers replicaset-controller,disruption-controller
fabric 2 4
nodes_in() { kc get nodes -l "aipc.dev/leaf=$1" -o name; }
# The pods of a ReplicaSet are made while the other leaf takes none: NAME LEAF OTHER N GPUS
singles() {
	# shellcheck disable=SC2046  # a list of names
	kc cordon $(nodes_in "$3") >/dev/null
	make_objects replicaset "$1" "$4" "$5" | kc create -f - >/dev/null
	until_ok 30 "$1 are bound" bound "app=$1" "$4"
	until_ok 30 "$1 run" run "$1" "$4"
	# shellcheck disable=SC2046
	kc uncordon $(nodes_in "$3") >/dev/null
	[[ $(nodes_of "app=$1") == n"${2#l}"-* && $(nodes_of "app=$1") != *n"${3#l}"-* ]] || fail "$1 are on $(nodes_of "app=$1")"
}
names() { kc get pods -l "$1" -o name | sort; }
going() { kc get pods -o jsonpath='{range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name} {end}'; }
are_going() { [[ $(going | wc -w) == "$1" ]]; }
are() { [[ $(names "app=$1" | wc -l) == "$2" ]]; }
run() { [[ $(kc get pods -l "app=$1" -o jsonpath='{.items[*].status.phase}' | tr ' ' '\n' | grep -c Running) == "$2" ]]; }
is_judged() { [[ $(kc get pdb stay -o jsonpath='{.status.currentHealthy}/{.status.disruptionsAllowed}') == "$1" ]]; }
is_nominated() { [[ $(sched_metric 'aipc_scheduler_units{state="nominated"}') =~ ^1 ]]; }

# Two pods of 5 GPUs on two machines of leaf 0, two of 3 GPUs on one of leaf 1: each could stand beside the others in either leaf.
sched_up --moves 0
singles five l00 l01 2 5
singles three l01 l00 2 3
fives=$(names app=five)
threes=$(names app=three)
gang g 4 '{"required":"leaf"}'
pods g 4 '{"gang":"g"}'

# Nobody asked for moves: it waits.
until_ok 20 "g-0 says why" says g-0 "Gang default/g is not placed; 4 pods must start together in one leaf; best: leaf l01 has room for 3, 1 short"
sleep 3
[[ $(names app=three) == "$threes" && $(names app=five) == "$fives" && -z $(going) ]] || fail "pods were moved though nobody asked for it"
kc get nodes,pods,gangs,replicasets,poddisruptionbudgets -o json >now.json
want 0 "moving 2 pods would let it start in leaf l01: default/three-" aipc-runtime simulate -f now.json --name aipc --moves 4
aipc-runtime simulate -f now.json --name aipc >sim.out
! grep -q moving sim.out || fail "simulate moves pods though nobody asked for it"
sched_stop TERM || fail "it did not end well: $?"

# The cheaper ones are moved. While they are on their way out the next ones run in the other leaf, and the room is the gang's.
kill -STOP "$kwok_pid"
sched_up --moves 4
until_ok 20 "the pods go" are_going 2
until_ok 20 "the gang says so" says g-0 "2 pods are being moved to open leaf l01 for it; Gang default/g is not placed"
until_ok 20 "their next ones are bound" bound app=three 4
[[ $(for p in $(going); do echo "pod/$p"; done | sort) == "$threes" ]] || fail "others than the cheapest go: $(going)"
for p in $(going); do
	kc get pod "$p" -o jsonpath='{.status.conditions[?(@.type=="DisruptionTarget")].status}' | grep -qx True || fail "$p has no condition DisruptionTarget"
done
until_ok 10 "an event" eval 'kc get events.events.k8s.io -o json | grep -q "moved to open leaf l01 for Gang default/g; it fits on node n00-0"'
[[ $(sched_metric 'aipc_scheduler_moves_total{result="evicted"}') == 2 ]] || fail "the metric says $(sched_metric 'aipc_scheduler_moves_total{result="evicted"}')"
pods other 3 '{"gpus":8,"spec":{"nodeSelector":{"aipc.dev/leaf":"l01"}}}'
until_ok 20 "other-0 waits" says other-0 "False Unschedulable"
bound app=other 0 || fail "the room of the gang is given away"
bound app=g 0 || fail "the gang is bound beside what is there"

# The next scheduler knows it from the objects.
sched_stop KILL || true
sched_up --moves 4
until_ok 20 "the room is kept" is_nominated
until_ok 20 "g-0 says what it waits for" says g-0 "it fits when pods that are being deleted have gone"
bound app=other 0 || fail "the room of the gang is given away"
kill -CONT "$kwok_pid"
until_ok 30 "the gang is bound" bound app=g 4
[[ $(nodes_of app=g) == "n01-00 n01-01 n01-02 n01-03" ]] || fail "the gang is on $(nodes_of app=g)"
until_ok 20 "two run again" are three 2
[[ $(nodes_of app=three) == "n00-0"*" n00-0"* ]] || fail "they run on $(nodes_of app=three)"
[[ $(names app=five) == "$fives" ]] || fail "others were moved"
audit || fail "audit"

# A budget that has nothing to give forbids it; without it the pod goes.
kc delete pods -l app=g --wait=false >/dev/null
kc delete pods -l app=other --wait=false >/dev/null
kc delete gang g >/dev/null
until_ok 20 "the gang is gone" gone app=g
until_ok 20 "the others are gone" gone app=other
singles one l01 l00 1 1
kc create -f - >/dev/null <<'YAML'
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: stay }
spec: { minAvailable: 99, selector: { matchLabels: { movable: "yes" } } }
YAML
until_ok 20 "the budget is judged" is_judged 5/0
gang h 4 '{"required":"leaf"}'
pods h 4 '{"gang":"h"}'
until_ok 20 "h-0 says why" says h-0 "best: leaf l01 has room for 3, 1 short"
sleep 3
[[ -z $(going) ]] || fail "the budget did not hold: $(going)"
bound app=h 0 || fail "gang h is bound"
kc delete pdb stay >/dev/null
until_ok 30 "gang h is bound" bound app=h 4
[[ $(nodes_of app=h) == "n01-00 n01-01 n01-02 n01-03" ]] || fail "gang h is on $(nodes_of app=h)"
until_ok 20 "the one runs again" bound app=one 1
[[ $(nodes_of app=one) == n00-* ]] || fail "one is on $(nodes_of app=one)"
audit || fail "audit"
sched_stop TERM || fail "it did not end well: $?"
if grep -E 'level=(error|fatal)|ERROR' sched.err; then fail "the scheduler complained"; fi
