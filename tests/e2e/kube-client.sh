#!/usr/bin/env bash
# The client of kube/ on a real API server: every verb, and a watch that lives through restarts and compaction.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
[[ -x $build/tests/e2e/kube_probe ]] || skip "tests/e2e/kube_probe is not built (make tests)"
probe=$build/tests/e2e/kube_probe
kube_up

want 0 "all verbs work" "$probe" verbs
grep -qF 'conflict: field .data.k of manager aipc' last.out || fail "the conflict names neither field nor manager"

want 0 "2000 requests" "$probe" load 1000

# A watch: what is there, what comes, what goes.
kc create namespace w >/dev/null
kc -n w create configmap a --from-literal=k=1 >/dev/null
mkfifo stop
"$probe" watch w <stop >>watch.out 2>watch.err &
watcher=$!
exec 8>stop
seen() { # TEXT: a line of the watcher, within 20 s
	for _ in $(seq 100); do
		grep -qxF -- "$1" watch.out && return 0
		sleep 0.2
	done
	cat watch.out watch.err
	fail "the watcher did not see: $1"
}
seen 'added a 1'
grep -q '^synced' watch.out || seen 'synced 1'
kc -n w create configmap b --from-literal=k=1 >/dev/null
seen 'added b 1'
kc -n w patch configmap b -p '{"data":{"k":"2"}}' >/dev/null
seen 'updated b 2'
kc -n w delete configmap a >/dev/null
seen 'deleted a 1'

# The server dies, changes happen that no watch shows, history is compacted, the server comes back.
kube_kill
kube_again
kc -n w create configmap c --from-literal=k=1 >/dev/null
seen 'added c 1'
kc -n w delete configmap c >/dev/null
seen 'deleted c 1'
for _ in 1 2 3; do
	kc -n w create configmap d --from-literal=k=1 >/dev/null
	seen 'added d 1'
	: >watch.out
	kill -STOP $watcher
	kc -n w delete configmap b d >/dev/null
	kc -n w create configmap e --from-literal=k=1 >/dev/null
	kube_kill
	kube_compact
	kube_again
	kc -n w create configmap d --from-literal=k=3 >/dev/null
	kube_compact
	kube_kill
	kube_again
	kill -CONT $watcher
	seen 'added e 1'
	seen 'deleted b 2'
	seen 'deleted d 1'
	seen 'added d 3'
	kc -n w delete configmap d e >/dev/null
	seen 'deleted e 1'
	kc -n w create configmap b --from-literal=k=2 >/dev/null
	seen 'added b 2'
done
echo end >&8
wait $watcher || fail "the watcher failed"
grep -qE '^lists [2-9].* expired [1-9].* objects [0-9]+ streaming 1' watch.out || { cat watch.out; fail "no 410 was seen, or streaming lists did not work"; }
