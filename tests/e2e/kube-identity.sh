#!/usr/bin/env bash
# One spec, two clusters: what was applied to one is neither planned, looked for, changed nor forgotten by way of the other.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
kube_user dev
kube_up
kube_config dev
export KUBECONFIG=$work/nowhere
said() { cat last.out last.err | tr -s ' \n' ' ' | grep -qF -- "$1" || { cat last.out last.err; fail "not said: $1"; }; }
uid() { kc get namespace kube-system -o 'jsonpath={.metadata.uid}'; }
other() { # another cluster answers on the same port, with the same certificate
	kube_down
	KUBE_API_FLAGS="--etcd-prefix /$1" kube_again
	until kc get namespace kube-system >/dev/null 2>&1; do sleep 0.2; done
}
spec() { # PROVIDER
	cat >main.aipc.yaml <<-Y
	provider: { kube: { kubeconfig: kube/admin.config, namespace: default$1 } }
	resource:
	  manifest:
	    a: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: a }, data: { k: "1" } } }
	  node_labels:
	    n: { node: one, labels: { x: "1" } }
	Y
}

spec ""
kc create -f - <<<'{apiVersion: v1, kind: Node, metadata: {name: one}}' >/dev/null
want 0 "" aipc apply --yes
want 0 "No changes" aipc plan --detailed-exitcode
first=$(uid)
sed -i 's/k: "1"/k: "2"/' main.aipc.yaml
want 0 "" aipc plan -o saved.plan

other second
second=$(uid)
[[ $first != "$second" ]] || fail "it is the same cluster"
kc create -f - <<<'{apiVersion: v1, kind: Node, metadata: {name: one}}' >/dev/null
# Nothing is planned there, by either kind of object, and a plan that was saved is not run there.
want 1 "" aipc plan
said "it was applied to the cluster $first, and https://127.0.0.1:$kube_port is the cluster $second"
said "cluster_uid: $second in provider kube has it applied here"
said "manifest.a"
want 1 "" aipc apply --yes
cp -r .aipc before
want_not_done() { ! kc -n default get configmap a >/dev/null 2>&1 || fail "configmap a came to be in the other cluster"; }
"$build/aipc" apply saved.plan >last.out 2>last.err && { cat last.out; fail "a saved plan was run against another cluster"; }
want_not_done
[[ -z $(kc get node one -o 'jsonpath={.metadata.labels.x}') ]] || fail "the node of the other cluster has the label"
# Drift does not take the other cluster for what became of the first, and destroy forgets nothing.
want 0 "0 drifted, 2 unknown" aipc drift
said "it was applied to the cluster $first"
"$build/aipc" destroy --yes >last.out 2>last.err && { cat last.out last.err; fail "destroyed in another cluster"; }
want 0 "manifest.a" aipc state list
want 0 "node_labels.n" aipc state list

# Whoever means it says so.
spec ", cluster_uid: $first"
want 1 "" aipc plan
said "is the cluster $second, and provider kube wants $first (cluster_uid)"
spec ", cluster_uid: $second"
want 0 "" aipc apply --yes
[[ $(kc -n default get configmap a -o 'jsonpath={.data.k}') == 1 ]] || fail "it was not applied to the cluster that was named"
want 0 "No changes" aipc plan --detailed-exitcode
spec ""
want 0 "No changes" aipc plan --detailed-exitcode

# An account that may not read kube-system is not held up, unless a cluster is asked for, and what it changes is still known to be of this cluster.
kc create clusterrole few --verb=get,list,create,patch --resource=configmaps,nodes >/dev/null
kc create clusterrolebinding few --clusterrole=few --user=dev >/dev/null
sed -i 's/admin.config/dev.config/' main.aipc.yaml
want 0 "No changes" aipc plan --detailed-exitcode
sed -i 's/k: "1"/k: "3"/; s/x: "1"/x: "3"/' main.aipc.yaml
want 0 "" aipc apply --yes
[[ $(sqlite3 .aipc/state.db .dump | grep -c "$second") -ge 2 ]] || fail "the state forgot the cluster of what was changed"
spec ", cluster_uid: $second"
sed -i 's/admin.config/dev.config/' main.aipc.yaml
want 1 "" aipc plan
said "this account may not read the namespace kube-system"
