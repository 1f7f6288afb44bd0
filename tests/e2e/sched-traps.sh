#!/usr/bin/env bash
# Takes minutes. What goes wrong in real clusters, on a real API server: sched_traps.py. All traps that lie in objects, beside each other; and at the same time a
# scheduler of other pods behind a proxy that answers as a sick API server does (storm_proxy.py; STORM=10 makes it last so many times longer). PARTS selects some by a part of their names.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
sched_cluster
traps() { python3 "$root/tests/e2e/sched_traps.py" "$@"; }
traps kinds
# shellcheck disable=SC2119
sched_up

# A second scheduler, of other pods, sees the server only through the proxy.
echo ok >mode
python3 "$root/tests/e2e/storm_proxy.py" port "$kube_port" kube/pki/apiserver.crt kube/pki/apiserver.key mode 2>proxy.err &
kube_pids+=($!)
until_ok 10 "the proxy" test -s port
sed "s/:$kube_port\"/:$(cat port)\"/" kube/admin.config >kube/proxied.config
mapfile -t stormy_ports < <(kube_ports 1)
aipc-runtime scheduler --name stormy --no-leader-elect --listen "127.0.0.1:${stormy_ports[0]}" --kubeconfig "$work/kube/proxied.config" >stormy.out 2>stormy.err &
stormy=$!
kube_pids+=($!)
until_ok 30 "the scheduler behind the proxy is ready" curl -sf --max-time 5 "http://127.0.0.1:${stormy_ports[0]}/readyz"

rc=0
python3 "$root/tests/e2e/sched_traps.py" objects "${sched_ports[0]}" "${PARTS:-}" &
objects_part=$!
traps storms "${stormy_ports[0]}" mode "$stormy" || rc=$?
wait $objects_part || rc=$?
((rc == 0)) || fail "see above"
kill -0 "$sched_pid" || fail "the scheduler ended"
sched_stop TERM || fail "it did not end well: $?"
kill -TERM "$stormy"
wait "$stormy" || fail "it did not end well behind the proxy: $?"
