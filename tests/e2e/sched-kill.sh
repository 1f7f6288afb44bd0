#!/usr/bin/env bash
# kill -9 of the scheduler at random instants while many gangs are placed, and of the API server once: every pod is bound once, no gang
# stays half there, nobody is forgotten. GANGS sets how many (default 50), SEED the instants.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
gangs=${GANGS:-50}
size=4
RANDOM=${SEED:-$$}
echo "seed ${SEED:-$$}"
kube_up
aipc-runtime crds >crds.yaml
kc apply -f crds.yaml >/dev/null
kube_kwok
fabric $(((gangs + 1) / 2 + 2)) $((2 * size)) # room for all, with two leaves to spare
kc get pods -w --output-watch-events -o json 2>/dev/null >history.json &
kube_pids+=($!)

# A few gangs at a time, so that every instant of their life is one in which the scheduler may end.
create() {
	local g
	for ((g = 0; g < gangs; g += 2)); do
		make_objects gangs "$g" "$((g + 1 < gangs ? g + 1 : g))" "$size" '{"required":"leaf"}' | kc create -f - >/dev/null 2>>create.err || true
	done
}
create &
creator=$!
kills=0
all_bound() { bound many=yes $((gangs * size)); }
while kill -0 $creator 2>/dev/null; do
	sched_start
	sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
	sched_stop KILL || true
	kills=$((kills + 1))
	if ((kills == 2)); then # while nobody looks: what a Job would make again
		kc delete pod g0-1 g1-2 --wait=false >/dev/null 2>&1 || true
		until_ok 30 "g0-1 and g1-2 are gone" eval '! kc get pod g0-1 && ! kc get pod g1-2'
		make_objects gangs 0 1 "$size" '{"required":"leaf"}' | kc create -f - >/dev/null 2>&1 || true
	fi
	if ((kills == 4)); then
		kube_kill
		kube_again
	fi
done
wait $creator || true
# What the server refused while it was away.
make_objects gangs 0 $((gangs - 1)) "$size" '{"required":"leaf"}' | kc create -f - >/dev/null 2>&1 || true
# shellcheck disable=SC2119
sched_up
((kills >= 3)) || fail "the scheduler was killed only $kills times"
until_ok 120 "all are bound" all_bound
audit || fail "audit"
# What the API server told of each pod: once it has a node, that node stays.
python3 - <<'PY' || fail "a pod was bound twice"
import json
at, bad, seen = {}, 0, 0
text = open("history.json").read()
decode, i = json.JSONDecoder(), 0
while i < len(text):
    while i < len(text) and text[i].isspace():
        i += 1
    if i == len(text):
        break
    try:
        event, i = decode.raw_decode(text, i)
    except ValueError:
        break
    pod = event["object"]
    uid, node = pod["metadata"]["uid"], pod["spec"].get("nodeName")
    seen += 1
    if at.get(uid) and at[uid] != node:
        print(pod["metadata"]["name"], at[uid], node)
        bad += 1
    at[uid] = node
assert seen > 0
raise SystemExit(bad)
PY
echo "$kills kills, $gangs gangs of $size"
sched_stop TERM || fail "it did not end well"
