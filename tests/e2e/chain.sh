#!/usr/bin/env bash
# The whole chain: examples/superpod is applied to simulated machines; the labels that it emits go into a real API server; a training Job of 16 nodes is
# bound inside one leaf because of them; two of its nodes fail at once and the gang is repaired from that leaf's spares, ranks kept.
# Takes minutes.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
kube_peers etcd kube-apiserver kube-controller-manager kubectl kwok
at_exit="$at_exit; stop_sim"
chain() { timeout 300 python3 "$root/tests/e2e/chain.py" "$@" || fail "chain $1"; }

# Layer 1: 28 machines, 20 on the first leaf, 8 on the second; two warm spares on each leaf; four of the machines serve inference.
cp -r "$root/examples/superpod/." .
start_sim 28 2000
awk -F, -v OFS=, '{ print $0, NR == 1 ? "spare" : (NR == 20 || NR == 21 || NR == 22 || NR == 23 ? "true" : "false") }' sim/nodes.csv >nodes.csv
mv nodes.csv sim/nodes.csv
sed -i -e 's/leaf_radix: 64/leaf_radix: 64\n        scalable_unit: 20/' -e 's/spines: 4/spines: 5/' -e 's/soak: 10s/soak: 1s/' -e 's/^    username: admin/    username: admin\n    connect_timeout: 3s/' main.aipc.yaml
timeout 400 aipc apply --yes --var inference_nodes=4 >apply.out 2>apply.err || { tail -n 20 apply.out apply.err; fail "apply"; }
stop_sim
[[ $(find manifests/nodes -name "*.yaml" | wc -l) == 28 ]] || fail "28 nodes were not emitted"
grep -q 'aipc.dev/spare: "true"' manifests/nodes/gpu-0019.yaml || fail "gpu-0019 is no spare"

# The handoff: what apply emitted, and nothing else, tells the cluster about its fabric.
kube_up
aipc-runtime crds | kc apply --server-side -f - >/dev/null
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
kc create namespace gpu-operator >/dev/null        # where NVIDIA's operator lives, whose MIG manager reads the emitted ConfigMap
kc apply --server-side -k manifests >kube/apply.out || fail "the emitted manifests are refused"
export SERVER=https://127.0.0.1:$kube_port TOKEN=admin-token
chain kubelets
kube_kwok
kube_controllers job-controller

# Layer 2: both roles, as they run in the cluster.
for role in scheduler controller; do
	more=()
	[[ $role == controller ]] || more=(--name aipc)
	aipc-runtime $role --listen 127.0.0.1:0 "${more[@]}" >$role.out 2>$role.err &
	kube_pids+=($!)
done
chain policies
chain placed
chain repaired
