#!/usr/bin/env bash
# The controller on a real API server with kwok's nodes, with exactly the rights that deploy/ gives it: guard, fences and their limit, swaps, kills, a
# follower that takes over, restarts and refusals.
# Takes minutes.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
kube_peers etcd kube-apiserver kubectl kwok

cat >audit.yaml <<'Y'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- { level: Request, verbs: [delete], resources: [{ group: "", resources: [pods] }] }
- { level: None }
Y
KUBE_API_FLAGS="--audit-policy-file $work/audit.yaml --audit-log-path $work/audit.log"
account=system:serviceaccount:aipc-system:aipc-runtime-controller
kube_user admin
kube_user $account system:serviceaccounts
kube_user reader
kube_user nobody
kube_up
kube_config reader
kube_config nobody
export SERVER=https://127.0.0.1:$kube_port TOKEN=admin-token
aipc-runtime crds | kc apply --server-side -f - >/dev/null
kc apply -f "$root/deploy/kustomize/base/namespace.yaml" -f "$root/deploy/kustomize/base/controller.yaml" >/dev/null
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
kc create clusterrole reader --verb=get,list,watch --resource=nodes,pods,events,gangs.aipc.dev,sparepools.aipc.dev,nodehealthpolicies.aipc.dev,fabrictopologies.aipc.dev >/dev/null
kc create clusterrolebinding reader --clusterrole=reader --user=reader >/dev/null
kube_kwok
# A list of kubeconfigs is separated by colons, which the account's name has.
kube_config $account
cp "kube/$account.config" kube/controller.config
export KUBECONFIG=$work/kube/controller.config

part() { timeout 600 python3 "$root/tests/e2e/ctl_live.py" "$@" || fail "part $1"; }
declare -A ctl_pid ctl_port
start_controller() { # NAME ARGUMENTS...
	local name=$1 i
	shift
	: >"controller-$name.err"       # it is read before the shell behind & may have made it
	aipc-runtime controller --listen 127.0.0.1:0 --namespace aipc-system "$@" >"controller-$name.out" 2>"controller-$name.err" &
	ctl_pid[$name]=$!
	kube_pids+=($!)
	for ((i = 0; i < 300; i++)); do
		ctl_port[$name]=$(sed -n 's/.*probes on port \([0-9]*\)$/\1/p' "controller-$name.err")
		[[ -n ${ctl_port[$name]} ]] && return 0
		sleep 0.1
	done
	fail "controller $name did not start"
}
logged() { # NAME PATTERN
	local i
	for ((i = 0; i < 100; i++)); do grep -q "$2" "controller-$1.err" && return 0; sleep 0.1; done
	fail "the log of $1 does not have: $2"
}
ends() { # NAME: by SIGTERM, with 0
	local rc=0
	kill -TERM "${ctl_pid[$1]}"
	wait "${ctl_pid[$1]}" || rc=$?
	[[ $rc == 0 ]] || { cat "controller-$1.err"; fail "controller $1 ended with $rc"; }
}

start_controller one --identity one --dump "$work/dump.json"
part lease one
part guard "${ctl_port[one]}"
# The dump decides as the controller does, and is nobody else's to read.
kill -USR1 "${ctl_pid[one]}"
logged one "dump: $work/dump.json has"
[[ $(stat -c %a dump.json) == 600 ]] || fail "others may read the dump: $(stat -c %a dump.json)"
aipc-runtime review -f dump.json >dump.review
kc get nodes,nodehealthpolicies,gangs,sparepools,fabrictopologies -A -o json | aipc-runtime review -f - >live.review
cmp dump.review live.review || { diff dump.review live.review || true; fail "review decides otherwise on the dump"; }
part health "${ctl_port[one]}"
part undo "${ctl_port[one]}"
part swap "${ctl_port[one]}"

# A second one waits; the first dies without a word; the second goes on.
start_controller two --identity two
part nodes f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
part follower "${ctl_port[two]}"
kill -KILL "${ctl_pid[one]}"
part fenced f0
part lease two

# The server goes and comes: the controller stays, and goes on.
kube_kill
sleep 3
kill -0 "${ctl_pid[two]}" || fail "the controller ended with its API server"
curl -sf "http://127.0.0.1:${ctl_port[two]}/healthz" >/dev/null || fail "the controller is not alive without its API server"
kube_again
part fenced f1
ends two
part lease ""
part kill 4 "${AIPC_SEED:-7}"
part audited audit.log

# Who may only read is refused in the open; who may not even read is not ready, and says what it lacks.
start_controller reader --kubeconfig "$work/kube/reader.config" --no-leader-elect
part denied "${ctl_port[reader]}" f2
logged reader 'error: patch .*forbidden'
ends reader
start_controller nobody --kubeconfig "$work/kube/nobody.config" --no-leader-elect
part blind "${ctl_port[nobody]}"
logged nobody 'cache of nodes: .*forbidden'
ends nobody
