#!/usr/bin/env bash
# Takes minutes. kill -9 of the scheduler at random instants while many gangs are placed, and of the API server once: every pod is bound once, no gang
# stays half there, nobody is forgotten. GANGS sets how many (default 500, of 4 pods), SEED the instants.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
gangs=${GANGS:-500}
size=4
RANDOM=${SEED:-$$}
echo "seed ${SEED:-$$}"
sched_cluster
part() { python3 "$root/tests/e2e/sched_kill.py" "$@"; }
part nodes "$gangs"
python3 "$root/tests/e2e/sched_kill.py" watch watching >history.out &
history=$!
kube_pids+=($!)
until_ok 20 "the watch" test -e watching

began=$SECONDS
python3 "$root/tests/e2e/sched_kill.py" make "$gangs" &
creator=$!
kills=0
while kill -0 $creator 2>/dev/null || ((kills < 15)); do
	sched_start
	sleep "$((RANDOM % 14 / 10)).$((RANDOM % 10))$((RANDOM % 10))"
	sched_stop KILL || true
	kills=$((kills + 1))
	if ((kills == 4)); then # while nobody looks: what a Job would make again
		kc delete pod g0-1 g1-2 --wait=false >/dev/null 2>&1 || true
		until_ok 30 "g0-1 and g1-2 are gone" eval '! kc get pod g0-1 && ! kc get pod g1-2'
		part again 0
		part again 1
	fi
	if ((kills == 8)); then
		kube_kill
		kube_again
	fi
done
wait $creator || fail "the gangs were not made"
made=$((SECONDS - began))
# shellcheck disable=SC2119
sched_up
part bound $((gangs * size)) 120
part dump | python3 "$objects" audit || fail "audit"
kill -TERM $history
wait $history || { cat history.out; fail "a pod was bound twice"; }
cat history.out
echo "$kills kills, $gangs gangs of $size made in $made s"
sched_stop TERM || fail "it did not end well"
