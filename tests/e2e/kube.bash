# A real API server for the scripts of this folder; source it behind lib.bash. Everything listens on free ports of the loopback
# and lives in $work/kube.
#   kube_peers NAME...   the programs are there ($peers), or the test is skipped with the reason
#   kube_up              etcd and kube-apiserver (RBAC, token file) until /readyz; $KUBECONFIG is then an administrator's
#   kube_down / kube_kill   stops the API server by TERM / KILL; etcd goes on.   kube_again starts it on the same port
#   kube_compact         etcd forgets its history
#   kube_controllers [LIST], kube_scheduler, kube_kwok   the real ones, optional
#   kube_user NAME [GROUP]  before kube_up: a further token; prints nothing, kube_config NAME then writes $work/kube/NAME.config
#   kc ARGUMENTS         kubectl as the administrator
kube_pids=()
kube_api_pid=
peers=

kube_peers() {
	local rc=0
	peers=$("$root/scripts/peers" --path "$@" 2>peers.err | tail -n 1) || true
	[[ -n $peers ]] || { rc=$(tail -n 1 peers.err); skip "no Kubernetes programs: ${rc#scripts/peers: }"; }
}

# N free ports, one a line. Not those that the kernel gives to connections: one of them would take the port before its server does.
kube_ports() { # N
	python3 - "$1" <<-'PY'
	import random, socket, sys
	low = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
	held = []
	while len(held) < int(sys.argv[1]):
	    s = socket.socket()
	    try:
	        s.bind(("127.0.0.1", random.randrange(low // 2, low)))
	    except OSError:
	        continue
	    held.append(s)
	    print(s.getsockname()[1])
	PY
}

kube_user() {
	mkdir -p kube
	[[ -e kube/tokens ]] || echo 'admin-token,admin,admin,"system:masters"' >kube/tokens
	[[ $1 == admin ]] || echo "$1-token,$1,$1${2:+,\"$2\"}" >>kube/tokens
}

kube_config() { # NAME
	cat >"$work/kube/$1.config" <<-YAML
	apiVersion: v1
	kind: Config
	current-context: e2e
	contexts: [{ name: e2e, context: { cluster: e2e, user: $1 } }]
	clusters: [{ name: e2e, cluster: { server: "https://127.0.0.1:$kube_port", certificate-authority: pki/apiserver.crt } }]
	users: [{ name: $1, user: { token: $1-token } }]
	YAML
}

kube_up() {
	kube_peers etcd kube-apiserver kubectl
	mkdir -p kube/etcd kube/pki
	kube_user admin
	local ports
	mapfile -t ports < <(kube_ports 3)
	kube_port=${ports[0]} etcd_url=http://127.0.0.1:${ports[1]} etcd_peer=http://127.0.0.1:${ports[2]}
	openssl genrsa -out kube/pki/sa.key 2048 2>/dev/null
	"$peers/etcd" --data-dir kube/etcd --listen-client-urls "$etcd_url" --advertise-client-urls "$etcd_url" \
		--listen-peer-urls "$etcd_peer" --initial-advertise-peer-urls "$etcd_peer" --initial-cluster "default=$etcd_peer" \
		--unsafe-no-fsync --quota-backend-bytes 8589934592 >kube/etcd.log 2>&1 &
	kube_pids+=($!)
	kube_again
	kube_config admin
	export KUBECONFIG=$work/kube/admin.config
}

# KUBE_API_FLAGS: further flags, such as those for benches.
kube_again() {
	# shellcheck disable=SC2086  # flags are a list
	"$peers/kube-apiserver" --etcd-servers "$etcd_url" --bind-address 127.0.0.1 --secure-port "$kube_port" --cert-dir kube/pki \
		--service-cluster-ip-range 10.0.0.0/24 --service-account-issuer https://localhost \
		--service-account-key-file kube/pki/sa.key --service-account-signing-key-file kube/pki/sa.key \
		--authorization-mode RBAC --token-auth-file kube/tokens --endpoint-reconciler-type none \
		--disable-admission-plugins ServiceAccount,TaintNodesByCondition \
		--feature-gates GenericWorkload=true,GangScheduling=true,WorkloadAwarePreemption=true,TopologyAwareWorkloadScheduling=true \
		--runtime-config scheduling.k8s.io/v1alpha2=true ${KUBE_API_FLAGS:-} >>kube/apiserver.log 2>&1 &
	kube_api_pid=$!
	local i
	for ((i = 0; i < 600; i++)); do
		curl -sk --max-time 5 -H 'Authorization: Bearer admin-token' "https://127.0.0.1:$kube_port/readyz" 2>/dev/null | grep -qx ok && return 0
		kill -0 "$kube_api_pid" 2>/dev/null || { tail -n 20 kube/apiserver.log >&2; fail "the API server did not start"; }
		sleep 0.2
	done
	tail -n 20 kube/apiserver.log >&2
	fail "the API server was not ready in 2 minutes"
}

kube_end() { # SIGNAL
	[[ -n $kube_api_pid ]] || return 0
	kill "-$1" "$kube_api_pid" 2>/dev/null || true
	wait "$kube_api_pid" 2>/dev/null || true
	kube_api_pid=
}
kube_down() { kube_end TERM; }
kube_kill() { kube_end KILL; }

kube_compact() { # forgets the history in etcd: a watch from an earlier version is then answered with 410
	local revision
	revision=$(curl -sf -X POST --data '{"key":"AA=="}' "$etcd_url/v3/kv/range" | python3 -c 'import json,sys; print(json.load(sys.stdin)["header"]["revision"])')
	curl -sf -X POST --data "{\"revision\":\"$revision\",\"physical\":true}" "$etcd_url/v3/kv/compaction" >/dev/null
}

kube_controllers() { # [LIST as for --controllers]
	kube_peers kube-controller-manager
	"$peers/kube-controller-manager" --kubeconfig "$KUBECONFIG" --controllers "${1:-*}" --leader-elect=false --secure-port 0 \
		--use-service-account-credentials=false --service-account-private-key-file kube/pki/sa.key >kube/controllers.log 2>&1 &
	kube_pids+=($!)
}

kube_scheduler() {
	kube_peers kube-scheduler
	cat >kube/scheduler.yaml <<-YAML
	apiVersion: kubescheduler.config.k8s.io/v1
	kind: KubeSchedulerConfiguration
	clientConnection: { kubeconfig: "$KUBECONFIG", qps: 5000, burst: 10000 }
	leaderElection: { leaderElect: false }
	YAML
	"$peers/kube-scheduler" --config kube/scheduler.yaml --secure-port 0 \
		--feature-gates GenericWorkload=true,GangScheduling=true,WorkloadAwarePreemption=true,TopologyAwareWorkloadScheduling=true >kube/scheduler.log 2>&1 &
	kube_pids+=($!)
}

kube_kwok() { # plays the kubelets of all nodes annotated kwok.x-k8s.io/node=fake: nodes and pods become ready, deleted pods go
	kube_peers kwok
	cat >kube/kwok.yaml <<-'YAML'
	apiVersion: kwok.x-k8s.io/v1alpha1
	kind: Stage
	metadata: { name: node-ready }
	spec:
	  resourceRef: { apiGroup: v1, kind: Node }
	  selector:
	    matchExpressions: [{ key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"] }]
	  next:
	    statusTemplate: |
	      conditions:
	      - { type: Ready, status: "True", reason: KubeletReady, message: "", lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }} }
	---
	apiVersion: kwok.x-k8s.io/v1alpha1
	kind: Stage
	metadata: { name: pod-ready }
	spec:
	  resourceRef: { apiGroup: v1, kind: Pod }
	  selector:
	    matchExpressions: [{ key: .metadata.deletionTimestamp, operator: DoesNotExist }, { key: .status.podIP, operator: DoesNotExist }]
	  next:
	    statusTemplate: |
	      {{ $now := Now }}
	      phase: Running
	      startTime: {{ $now | Quote }}
	      podIP: 10.1.0.1
	      conditions:
	      - { type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }} }
	      - { type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }} }
	      - { type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }} }
	---
	apiVersion: kwok.x-k8s.io/v1alpha1
	kind: Stage
	metadata: { name: pod-gone }
	spec:
	  resourceRef: { apiGroup: v1, kind: Pod }
	  selector:
	    matchExpressions: [{ key: .metadata.deletionTimestamp, operator: Exists }]
	  next: { finalizers: { empty: true }, delete: true }
	YAML
	"$peers/kwok" --kubeconfig "$KUBECONFIG" --config kube/kwok.yaml --manage-all-nodes=false \
		--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake >kube/kwok.log 2>&1 &
	kube_pids+=($!)
}

# What kubectl and helm remember of a server is not for the next one on that port.
export KUBECACHEDIR=$work/kube-cache
kc() { "$peers/kubectl" --kubeconfig "$work/kube/admin.config" "$@"; }

kube_stop() {
	kube_kill
	local p
	for p in "${kube_pids[@]}"; do kill -KILL "$p" 2>/dev/null || true; done
	for p in "${kube_pids[@]}"; do wait "$p" 2>/dev/null || true; done
	kube_pids=()
}

# shellcheck disable=SC2016,SC2034  # for cleanup of lib.bash
at_exit='((rc == 0 || rc == 77)) || tail -n 5 "$work"/kube/*.log; kube_stop'
