#!/usr/bin/env bash
# The queue on a real API server: room is kept for a gang that waits, by whoever leads; others use it while they can; strict order.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
sched_cluster
fabric 2 2

want 64 "--reserve-after wants a time" aipc-runtime scheduler --reserve-after soon --no-leader-elect

# Three of four machines are in use. Of the two in leaf 0 it is known when they are free; a gang of two waits for one leaf.
sched_up --reserve-after 2s
pods run 3 '{"spec":{"activeDeadlineSeconds":3600}}'
until_ok 20 "run is bound" bound app=run 3
left=$(comm -13 <(nodes_of app=run | tr ' ' '\n') <(printf '%s\n' n00-00 n00-01 n01-00 n01-01))
# Its neighbour ends first, whatever second each of them started in.
beside=$(kc get pods -l app=run -o jsonpath='{range .items[*]}{.metadata.name}={.spec.nodeName}{"\n"}{end}' | sed -n "s/=${left%-*}-.*//p")
kc patch pod "$beside" -p '{"spec":{"activeDeadlineSeconds":3000}}' >/dev/null
gang big 2 '{"required":"leaf"}'
pods big 2 '{"gang":"big"}'
until_ok 20 "room is kept" says big-0 "room is kept for it in leaf"
until_ok 10 "it says when" says big-0 ", free by 20"
is_reserved() { [[ $(sched_metric 'aipc_scheduler_units{state="reserved"}') =~ ^1 ]]; }
until_ok 10 "the metric tells of it" is_reserved
keeps=$(kc get pod big-0 -o jsonpath='{.status.conditions[?(@.type=="PodScheduled")].message}' | sed -n 's|^room is kept for it in \(leaf l0[01]\),.*|\1|p')
[[ $keeps == "leaf l${left:1:2}" ]] || fail "$left is free, but $keeps is kept"

# Nobody who comes later and may stay for long gets the machine that is free, also when another process leads.
pods late 1
until_ok 20 "late-0 says whom it is behind" says late-0 "Gang default/big has waited longer: room is kept for it"
sched_stop KILL || true
pods later 1 '{"annotations":{"aipc.dev/expected-runtime":"90m"}}'
sched_up --reserve-after 2s
until_ok 20 "later-0 says whom it is behind" says later-0 "Gang default/big has waited longer: room is kept for it"
bound app=late 0 || fail "late-0 is bound"

# The same from a file, where that is asked for.
kc get nodes,pods,gangs -o json >now.json
want 0 '"pod": "default/late-0"' aipc-runtime simulate -f now.json --name aipc --reserve-after 1s
grep -q '"placements": \[\]' last.out || { cat last.out; fail "simulate gives away the room that is kept"; }
want 0 '"placements": [' aipc-runtime simulate -f now.json --name aipc
! grep -q '"placements": \[\]' last.out || { cat last.out; fail "simulate keeps room though nobody asked for it"; }

# Who ends before may use it.
pods short 1 '{"annotations":{"aipc.dev/expected-runtime":"30m"}}'
until_ok 20 "short-0 is bound" bound app=short 1
[[ $(nodes_of app=short) == "$left" ]] || fail "short-0 is on $(nodes_of app=short)"
bound app=late 0 || fail "late-0 is bound"

# When the leaf is free, the gang starts; then the others have their turn.
kc delete pod short-0 --wait=false >/dev/null
for p in $(kc get pods -l app=run -o jsonpath='{range .items[*]}{.metadata.name}={.spec.nodeName} {end}'); do
	[[ ${p#*=} != "${left%-*}"-* ]] || kc delete pod "${p%=*}" --wait=false >/dev/null
done
until_ok 20 "the gang is bound" bound app=big 2
kc delete pods -l app=run --wait=false >/dev/null
until_ok 20 "late-0 is bound" bound app=late 1
until_ok 20 "later-0 is bound" bound app=later 1
audit || fail "audit"
sched_stop TERM || fail "it did not end well: $?"

# Strict order: a pod that would fit stands behind one that does not.
sched_up --strict-order
pods first 1 '{"gpus":8}'
until_ok 20 "first-0 waits" says first-0 "False Unschedulable"
pods second 1 '{"gpus":0}'
until_ok 20 "second-0 stands behind it" says second-0 "pod default/first-0 has waited longer"
kc delete pod late-0 --wait=false >/dev/null
until_ok 20 "first-0 is bound" bound app=first 1
until_ok 20 "second-0 is bound" bound app=second 1
sched_stop TERM || fail "it did not end well: $?"
if grep -E 'level=(error|fatal)|ERROR' sched.err; then fail "the scheduler complained"; fi
