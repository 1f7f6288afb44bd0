# Shared by ctl-*.sh and deploy*.sh: a real API server with RBAC in a working folder of its own, aipc-runtime on the PATH.
# A script gets the build folder as $1, sources this, and may use: $work (the current folder), start_api, k (kubectl as admin), skip, fail,
# eventually, free_port, kubeconfig_for.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "${1:?build folder}" && pwd)
export PATH=$build:$PATH NO_COLOR=1
skip() { echo "$1"; exit 77; }
fail() { echo "FAILED: $1" >&2; exit 1; }

[[ -x $root/scripts/peers ]] || skip "scripts/peers is not there, which brings the API server"
assets=$("$root/scripts/peers" --path etcd kube-apiserver kubectl 2>peers.$$) || { why=$(cat peers.$$); rm -f peers.$$; skip "${why:-no API server here}"; }
rm -f peers.$$
work=$(mktemp -d "${TMPDIR:-/tmp}/aipc-ctl.XXXXXX")
[[ -w /dev/shm ]] && data=$(mktemp -d /dev/shm/aipc-ctl.XXXXXX) || data=$work
pids=()
cleanup() {
	local rc=$?
	for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null || true; done
	if ((rc != 0 && rc != 77)); then
		echo "--- last lines of what ran:"
		tail -n 30 "$work"/*.out "$work"/*.err "$work"/controller*.log 2>/dev/null || true
	fi
	cd /
	rm -rf "$work" "$data"
	exit $rc
}
trap cleanup EXIT
cd "$work"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
k() { "$assets/kubectl" --kubeconfig "$work/kubeconfig" "$@"; }
# eventually SECONDS WHAT COMMAND...: the command succeeds within the time.
eventually() {
	local until=$((SECONDS + $1)) what=$2
	shift 2
	while ! "$@" >eventually.out 2>&1; do
		((SECONDS < until)) || { cat eventually.out >&2; fail "$what did not come true in time"; }
		sleep 0.2
	done
}

kubeconfig_for() { # TOKEN FILE
	cat >"$2" <<-Y
		apiVersion: v1
		kind: Config
		clusters: [{ name: c, cluster: { server: "https://127.0.0.1:$api_port", certificate-authority: "$data/certs/apiserver.crt" } }]
		users: [{ name: u, user: { token: "$1" } }]
		contexts: [{ name: x, context: { cluster: c, user: u } }]
		current-context: x
	Y
}

start_etcd() {
	"$assets/etcd" --data-dir "$data/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
		--listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
		--initial-cluster "default=http://127.0.0.1:$peer_port" --unsafe-no-fsync >etcd.log 2>&1 &
	pids+=($!)
}
start_apiserver() {
	"$assets/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" --bind-address=127.0.0.1 --secure-port="$api_port" --cert-dir="$data/certs" \
		--service-cluster-ip-range=10.0.0.0/24 --service-account-issuer=https://localhost --service-account-key-file=sa.key \
		--service-account-signing-key-file=sa.key --authorization-mode=RBAC --token-auth-file=tokens.csv --endpoint-reconciler-type=none \
		--disable-admission-plugins=ServiceAccount,TaintNodesByCondition >api.log 2>&1 &
	api_pid=$!
	pids+=("$api_pid")
}
start_api() {
	etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port)
	openssl genrsa -out sa.key 2048 2>/dev/null
	echo 'admin-token,admin,admin,"system:masters"' >tokens.csv
	start_etcd
	start_apiserver
	for _ in $(seq 100); do [[ -s $data/certs/apiserver.crt ]] && break; sleep 0.1; done
	kubeconfig_for admin-token kubeconfig
	eventually 60 "the API server" k get --raw /readyz
}
