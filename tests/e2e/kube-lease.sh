#!/usr/bin/env bash
# Leader election and events on a real API server: a leader is killed, ends well, loses its connection in silence.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
[[ -x $build/tests/e2e/kube_probe ]] || skip "tests/e2e/kube_probe is not built (make tests)"
probe=$build/tests/e2e/kube_probe
kube_up

now() { date +%s%3N; }
candidate() { # NAME: runs until its fifo is written to; $pid
	mkfifo "$1.stop"
	"$probe" lease "$1" <"$1.stop" >>leaders 2>"$1.err" &
	pid=$!
	exec {fd}>"$1.stop"
}
line() { # TEXT SECONDS: waits for a line of the candidates that begins so; $at is its time
	local i
	for ((i = 0; i < $2 * 10; i++)); do
		at=$(sed -n "s/^$1 //p" leaders | tail -n 1)
		[[ -z $at ]] || return 0
		sleep 0.1
	done
	cat leaders ./*.err
	fail "no '$1' in $2 s"
}
between() { (($1 >= $2 && $1 <= $3)) || { cat leaders; fail "$4: $1 ms, not $2 to $3"; }; }
touch leaders

# Killed: the other takes it when it has seen nothing for 6 s, and tries each second.
candidate a; a=$pid
line 'a held' 5
candidate b; b=$pid b_fd=$fd
sleep 3
grep -q '^b' leaders && fail "two leaders"
killed=$(now)
kill -KILL $a
wait $a 2>/dev/null || true
line 'b held' 12
between $((at - killed)) 4500 8500 "takeover"
[[ $(kc get lease e2e -o 'jsonpath={.spec.holderIdentity} {.spec.leaseDurationSeconds} {.spec.leaseTransitions}') == 'b 6 1' ]] || fail "the Lease is not b's"

# Ended well: given back, so the next one has it within its retry.
candidate c; c=$pid c_fd=$fd
sleep 2
echo end >&$b_fd
wait $b || fail "b failed"
line 'b lost' 1; lost=$at
line 'c held' 3
between $((at - lost)) 0 1500 "takeover of what was given back"

# Stolen and deleted by hand.
kc patch lease e2e --type merge -p '{"spec":{"holderIdentity":"thief"}}' >/dev/null
line 'c lost' 3; lost=$at
: >leaders
line 'c held' 9
between $((at - lost)) 5000 8000 "takeover of what was stolen"
kc delete lease e2e >/dev/null
sleep 2
[[ $(kc get lease e2e -o 'jsonpath={.spec.holderIdentity}') == c ]] || fail "the deleted Lease was not made anew"
grep -q 'c lost' leaders && fail "c lost it though it was there to renew"

# The API server is killed and comes back later than the fence.
kube_kill
killed=$(now)
line 'c lost' 6
between $((at - killed)) 2500 4300 "fence"
: >leaders
kube_again
line 'c held' 10
echo end >&$c_fd
wait $c || fail "c failed"

# The connection dies in silence, while new ones work: the leader goes on.
python3 "$root/tests/e2e/stall_proxy.py" proxy.port "$kube_port" &
proxy=$!
kube_pids+=("$proxy")
for _ in $(seq 50); do [[ -e proxy.port ]] && break; sleep 0.1; done
sed "s/:$kube_port/:$(cat proxy.port)/" kube/admin.config >kube/proxied.config
: >leaders
KUBECONFIG=$work/kube/proxied.config candidate d; d=$pid d_fd=$fd
line 'd held' 8
for _ in 1 2 3; do
	sleep 1
	kill -USR1 $proxy
	sleep 5
	grep -q 'd lost' leaders && { cat leaders d.err; fail "a connection that died in silence cost the leadership"; }
done
# Nothing works any more: lost in time, and had again when something does.
kill -USR2 $proxy
killed=$(now)
line 'd lost' 6
between $((at - killed)) 2500 4300 "fence"
: >leaders
kill -USR1 $proxy
line 'd held' 10
echo end >&$d_fd
wait $d || fail "d failed"

# Events, as kubectl shows them.
want 0 'told 60 sent 40 merged 20 failed 0 dropped 0 waiting 0' "$probe" tell 20
[[ $(kc get events.events.k8s.io -o name | wc -l) == 40 ]] || { kc get events; fail "not all events are there"; }
[[ $(kc get events.events.k8s.io --field-selector type=Warning -o 'jsonpath={.items[0].regarding.kind}/{.items[0].regarding.name} {.items[0].reason} {.items[0].action} {.items[0].reportingController}') == 'Pod/p Probed Probing aipc.dev/probe' ]] ||
	fail "an event lacks its fields"
kc describe pod p 2>/dev/null || true
kc get events | grep -q 'Warning *Probed *pod/p *note 7' || fail "kubectl get events does not show them"
