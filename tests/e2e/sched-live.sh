#!/usr/bin/env bash
# The scheduler on a real API server: gangs whole and in one leaf, reasons, what wakes the waiting, preemption, dump, and the end.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
sched_cluster
fabric 3 4
sched_up --dump "$work/dump.json"

# A gang is bound whole, in one leaf, with its rank, domain and plan on the pods.
gang a 4 '{"required":"leaf"}'
pods a 4 '{"gang":"a"}'
until_ok 20 "gang a is bound" bound app=a 4
[[ $(nodes_of app=a | tr ' ' '\n' | cut -c1-3 | sort -u | wc -l) == 1 ]] || fail "gang a is in several leaves: $(nodes_of app=a)"
kc get pods -l app=a -o json | python3 -c '
import json, sys
pods = json.load(sys.stdin)["items"]
notes = [p["metadata"]["annotations"] for p in pods]
assert sorted(n["aipc.dev/rank"] for n in notes) == ["0", "1", "2", "3"], notes
assert len({n["aipc.dev/plan"] for n in notes}) == 1, notes
assert all("leaf=l0" in n["aipc.dev/domain"] for n in notes), notes' || fail "annotations of gang a"

# All or none: five do not fit into one leaf of four, so none is bound, and each says why. Half of it is not there: none either.
gang b 5 '{"required":"leaf"}'
pods b 5 '{"gang":"b"}'
until_ok 10 "b-0 says why" says b-0 "False Unschedulable Gang default/b is not placed; 5 pods must start together in one leaf; best: leaf l0"
bound app=b 0 || fail "gang b is not whole"
gang c 4
pods c 3 '{"gang":"c"}'
until_ok 10 "c-0 says why" says c-0 "3 of at least 4 pods are there"

want 0 "5 pods must start together in one leaf" aipc-runtime explain gang b
grep -q '^Gang default/b: 0 of 5 pods have a node' last.out || fail "explain gang b"
grep -q '^Place in queue [12] of 2' last.out || { cat last.out; fail "the place in the queue"; }
want 0 "Pod default/a-0 is on node n0" aipc-runtime explain pod default/a-0
want 1 "there is no pod default/nobody" aipc-runtime explain pod nobody

# An event, once.
until_ok 10 "an event" eval 'kc get events.events.k8s.io -o json | grep -q FailedScheduling'

# A gang without its object, a gated pod, a pod of another scheduler.
pods d 1 '{"gang":"none"}'
until_ok 10 "d-0 says why" says d-0 "it belongs to Gang default/none, which is not there"
pods gated 1 '{"spec":{"schedulingGates":[{"name":"x"}]}}'
until_ok 10 "gated-0" says gated-0 "False SchedulingGated"
pods other 1 '{"spec":{"schedulerName":"somebody"}}'

# What wakes the waiting: the gang's object, its last pod, a gate that opens, a node that comes.
gang none 1
until_ok 10 "d-0 is bound" bound app=d 1
make_objects pods c 4 '{"gang":"c"}' | kc apply -f - >/dev/null 2>&1
until_ok 10 "gang c is bound" bound app=c 4
kc patch pod gated-0 --type json -p '[{"op":"remove","path":"/spec/schedulingGates"}]' >/dev/null
until_ok 10 "gated-0 is bound" bound app=gated 1
bound app=other 0 || fail "a pod of another scheduler was bound"
fabric 1 5 7
until_ok 10 "gang b is bound in the new leaf" bound app=b 5
[[ $(nodes_of app=b) == "n07-00 n07-01 n07-02 n07-03 n07-04" ]] || fail "gang b is on $(nodes_of app=b)"
audit || fail "audit"

# A single pod waits for GPUs; one that ends makes room. Cordons and labels count.
pods full 20 '{"gpus":8}'
until_ok 20 "2 of full are bound" bound app=full 2
until_ok 10 "a full pod says why" eval 'kc get pods -l app=full -o json | grep -q "17 nodes: insufficient nvidia.com/gpu: asks for 8"'
kc delete pod d-0 --wait=false >/dev/null
until_ok 10 "3 of full are bound" bound app=full 3
kc delete pods -l app=full --wait=false >/dev/null
until_ok 20 "full are gone" gone app=full

# The dump decides as the scheduler does: what waits there waits here.
pods w 12 '{"gpus":4}'
until_ok 20 "6 of w are bound" bound app=w 6
rm -f dump.json
kill -USR1 "$sched_pid"
until_ok 10 "the dump" test -s dump.json
[[ $(stat -c %a dump.json) == 600 ]] || fail "others may read the dump: $(stat -c %a dump.json)"
aipc-runtime simulate -f dump.json --name aipc >sim.out
python3 -c '
import json
sim = json.load(open("sim.out"))
assert sim["placements"] == [], sim["placements"]
assert len([p for p in sim["pending"] if p["pod"].startswith("default/w-")]) == 6, sim["pending"]' || fail "simulate decides otherwise on the dump"
kc delete pods -l app=w --wait=false >/dev/null

# Preemption: gang a goes as a whole for one that outranks it, is asked to leave by condition, and its room is kept.
kc create priorityclass high --value=1000 >/dev/null
until_ok 20 "w are gone" gone app=w
gang p 4 '{"required":"leaf"}'
pods p 4 '{"gang":"p","spec":{"priorityClassName":"high"}}'
until_ok 30 "gang p is bound" bound app=p 4
until_ok 10 "an event of preemption" eval 'kc get events.events.k8s.io -o json | grep -q "displaced for Gang default/p"'
audit || fail "audit after preemption"

# The API server restarts in the middle; nothing is lost, the scheduler goes on.
kube_kill
sleep 1
kube_again
pods late 1 '{"gpus":0}'
until_ok 40 "late-0 is bound after a restart of the server" bound app=late 1
kill -0 "$sched_pid" || fail "the scheduler ended with the server"
[[ $(sched_metric 'aipc_scheduler_bindings_total{result="failed"}') =~ ^0?$ ]] || fail "bindings failed"
sched_stop TERM || fail "it did not end well: $?"
