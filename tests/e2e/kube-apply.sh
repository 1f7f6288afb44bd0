#!/usr/bin/env bash
# provider kube in mode apply on a real API server: apply and nothing after, drift with the manager's name, conflict and force, kinds and their
# objects in one spec, refusals at plan time, nodes, removal of what is ours only, kill -9, a server that restarts, an account with few rights.
# Takes minutes.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
kube_user dev
kube_up
kube_config dev
export KUBECONFIG=$work/nowhere              # only the spec says where the cluster is

node() { kc create -f - <<<"{apiVersion: v1, kind: Node, metadata: {name: $1, labels: {site: lab}}, spec: {taints: [{key: theirs, effect: NoSchedule}]}}" >/dev/null; }
field() { kc get "$@" 2>/dev/null || true; }
is() { # WANTED COMMAND...: what the command prints
	local wanted=$1 got
	shift
	got=$("$@")
	[[ $got == "$wanted" ]] || fail "'$*' prints '$got', wanted '$wanted'"
}
said() { cat last.out last.err | tr -s ' \n' ' ' | grep -qF -- "$1" || { cat last.out last.err; fail "not said: $1"; }; }
gone() { ! kc get "$@" >/dev/null 2>&1 || fail "$* is still there"; }
no_token() { ! grep -rqF -e admin-token -e dev-token .aipc ./*.plan 2>/dev/null || fail "a token is in the state or a plan"; }

# --- a cluster block: nodes, kinds of the runtime and their objects, MIG -------------------------------------------------------------------
node gpu-1
node gpu-2
kc create namespace gpu-operator >/dev/null
cat >main.aipc.yaml <<'Y'
provider:
  kube: { kubeconfig: kube/admin.config }
resource:
  mig_layout:
    half: { gpu: H100-SXM5-80GB, devices: [{ gpus: "0-3", profiles: { 1g.10gb: 7 } }, { gpus: "4-7", profiles: {} }] }
  cluster:
    lab:
      pools:
        - name: train
          gpu: { product: H100-SXM5-80GB, count: 8 }
          mig: "${mig_layout.half}"
          nodes: [{ name: gpu-1, rack: r1 }, { name: gpu-2, rack: r1, spare: true }, { name: gpu-9, rack: r1 }]
          spare: { min_free: { leaf: 1 } }
      fabric: { name: ib, nodes: { gpu-1: { leaf: l1, spine_group: s1 }, gpu-2: { leaf: l1, spine_group: s1 }, gpu-9: { leaf: l1, spine_group: s1 } } }
      taints: [{ key: aipc.dev/gpu, effect: NoSchedule }]
Y
want 0 "" aipc plan -o first.plan
said "node gpu-9 is not in the cluster https://127.0.0.1:$kube_port"
said 'not checked by the API server: its kind comes with cluster.lab.manifest["crds/'
no_token
want 5 "" aipc apply --yes
want 0 "" aipc plan --detailed-exitcode
said "No changes in what could be planned"
gone node gpu-9
is 'l1 lab true' field node gpu-2 -o 'jsonpath={.metadata.labels.aipc\.dev/leaf} {.metadata.labels.site} {.metadata.labels.aipc\.dev/spare}'
is '{"nvidia.com/gpu":4,"nvidia.com/mig-1g.10gb":28}' field node gpu-1 -o 'jsonpath={.metadata.annotations.aipc\.dev/mig-resources}'
is 'theirs aipc.dev/gpu' field node gpu-1 -o 'jsonpath={.spec.taints[*].key}'
is 'fabric spine-group leaf' field ftopo default -o 'jsonpath={.spec.levels[*].name}'
is 'leaf:1' field sparepool train -o 'jsonpath={.spec.minFree[0].level}:{.spec.minFree[0].nodes}'
node gpu-9
want 2 "" aipc plan --detailed-exitcode
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode

# Another spec labels the same node: each has its own.
mkdir beside
echo 'provider: { kube: { kubeconfig: ../kube/admin.config } }
resource: { node_labels: { x: { node: gpu-1, labels: { team: a }, annotations: { n: 8 }, taints: [{ key: k, value: v, effect: PreferNoSchedule }] } } }' >beside/main.aipc.yaml
(cd beside && want 0 "" aipc apply --yes && want 0 "No changes. " aipc plan --detailed-exitcode)
want 0 "No changes. " aipc plan --detailed-exitcode
is 'a 8 theirs aipc.dev/gpu k' field node gpu-1 -o 'jsonpath={.metadata.labels.team} {.metadata.annotations.n} {.spec.taints[*].key}'
(cd beside && sed -i 's/node: gpu-1/node: gpu-2/' main.aipc.yaml && want 0 "" aipc apply --yes)
is ' a' field nodes gpu-1 gpu-2 -o 'jsonpath={.items[0].metadata.labels.team} {.items[1].metadata.labels.team}'
(cd beside && want 0 "" aipc destroy --yes)
is 'train theirs aipc.dev/gpu' field node gpu-2 -o 'jsonpath={.metadata.labels.aipc\.dev/pool}{.metadata.labels.team} {.spec.taints[*].key}'

# --- someone takes a field ------------------------------------------------------------------------------------------------------------------
kc --field-manager=kubectl-edit label --overwrite node gpu-1 aipc.dev/rack=r7 >/dev/null
want 2 "declared r1, found r7 (set by kubectl-edit)" aipc drift
want 2 '"by":"kubectl-edit"' aipc drift --json
want 0 "" aipc plan
said "others own metadata.labels.aipc.dev/rack (of kubectl-edit); force: true"
want 5 "" aipc apply --yes
said "No changes in what could be planned"
is r7 field node gpu-1 -o 'jsonpath={.metadata.labels.aipc\.dev/rack}'
sed -i 's/kubeconfig: kube/force: true, kubeconfig: kube/' main.aipc.yaml
want 2 "r7 -> r1 (by kubectl-edit)" aipc plan --detailed-exitcode
want 0 "" aipc apply --yes
is r1 field node gpu-1 -o 'jsonpath={.metadata.labels.aipc\.dev/rack}'
want 0 "No changes. " aipc plan --detailed-exitcode
# The value is as wanted, but not ours any more.
for v in r7 r1; do kc --field-manager=kubectl-edit label --overwrite node gpu-1 aipc.dev/rack=$v >/dev/null; done
want 2 'taken_by               declared {}, found {"labels.aipc.dev/rack":"kubectl-edit"}' aipc drift
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode
# A label that goes: ours is given up, and stays only because kubectl-edit set it too.
sed -i 's/, rack: r1 }, { name: gpu-2/ }, { name: gpu-2/; s/force: true, //' main.aipc.yaml
want 2 "aipc.dev/rack  r1 -> (none)" aipc plan --detailed-exitcode
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode
is r1 field node gpu-1 -o 'jsonpath={.metadata.labels.aipc\.dev/rack}'
kc label node gpu-1 aipc.dev/rack- >/dev/null
sed -i 's/spare: true }, { name: gpu-9, rack: r1 }/spare: true }, { name: gpu-9 }/' main.aipc.yaml
want 0 "" aipc apply --yes
is '' field node gpu-9 -o 'jsonpath={.metadata.labels.aipc\.dev/rack}'
is lab field node gpu-2 -o 'jsonpath={.metadata.labels.site}'

# --- everything goes, but nodes and what others made ------------------------------------------------------------------------------------------
kc create -f - >/dev/null <<<'{apiVersion: aipc.dev/v1alpha1, kind: SparePool, metadata: {name: theirs}, spec: {}}'
want 5 "" aipc destroy --yes
said "1 object that aipc did not make would go with it (SparePool theirs)"
is theirs field sparepool theirs -o 'jsonpath={.metadata.name}'
kc delete sparepool theirs >/dev/null
want 0 "" aipc destroy --yes
is '{"site":"lab"} theirs' field node gpu-1 -o 'jsonpath={.metadata.labels} {.spec.taints[*].key}'
gone crd gangs.aipc.dev
gone -n gpu-operator configmap aipc-mig-config
no_token

# --- manifests: defaults and spellings are no change, refusals come with the plan -------------------------------------------------------------
mkdir objects
cat >objects/main.aipc.yaml <<'Y'
provider:
  kube: { kubeconfig: ../kube/admin.config, namespace: team }
resource:
  manifest:
    web:
      object:
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: web, labels: { app: web } }
        spec:
          replicas: 2
          selector: { matchLabels: { app: web } }
          template:
            metadata: { labels: { app: web } }
            spec: { containers: [{ name: c, image: i, ports: [{ containerPort: 80 }], resources: { limits: { cpu: "2000m", memory: 1024Mi } } }] }
    team: { object: { apiVersion: v1, kind: Namespace, metadata: { name: team } } }
    settings: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { a: "1", b: "2" } } }
    widgets:
      object:
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: widgets.example.dev }
        spec:
          group: example.dev
          scope: Namespaced
          names: { kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }
          versions:
            - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { size: { type: integer, maximum: 5 }, color: { type: string, default: red } } } } } } }
    one: { object: { apiVersion: example.dev/v1, kind: Widget, metadata: { name: one }, spec: { size: 3 } } }
Y
cd objects
want 0 "" aipc plan
said "not checked by the API server: its kind comes with manifest.widgets, which goes first"
said 'not checked by the API server: its namespace comes with manifest.team, which goes first'
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode
is 'red 3' field -n team widget one -o 'jsonpath={.spec.color} {.spec.size}'
is 2 field -n team deployment web -o 'jsonpath={.spec.template.spec.containers[0].resources.limits.cpu}'
want 0 "0 drifted" aipc drift
sed -i 's/size: 3/size: 9/' main.aipc.yaml
want 1 "" aipc plan
said "error[E0126]: manifest.one: apply widgets team/one"
said 'spec.size'
sed -i 's/size: 9/siez: 3/' main.aipc.yaml
want 1 'spec.siez' aipc plan
sed -i 's/siez: 3/size: 4/; s/replicas: 2/replicas: 3/; s/, b: "2"//' main.aipc.yaml
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode
is '{"a":"1"}' field -n team configmap settings -o 'jsonpath={.data}'
# What others put beside ours is theirs.
kc -n team patch configmap settings -p '{"data":{"theirs":"1"}}' >/dev/null
want 0 "No changes. " aipc plan --detailed-exitcode
# A kind that nothing brings; what is no object; a secret.
cat >more.aipc.yaml <<'Y'
resource:
  manifest:
    gadget: { object: { apiVersion: example.dev/v1, kind: Gadget, metadata: { name: g } } }
Y
want 1 "" aipc plan
said "the API server has no kind Gadget in example.dev/v1, and no CustomResourceDefinition of this spec makes it"
echo 'resource: { manifest: { s: { object: { apiVersion: v1, kind: Secret, metadata: { name: s }, stringData: { a: b } } } } }' >more.aipc.yaml
want 1 "E0813" aipc validate
echo 'resource: { manifest: { n: { object: { apiVersion: v1, kind: Node, metadata: { name: s } } } } }' >more.aipc.yaml
want 1 "E0812" aipc validate
echo 'resource: { manifest: { again: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: settings } } } } }' >more.aipc.yaml
want 1 "E0125" aipc validate
# What was there before is not ours to delete, only to let go.
kc -n team create configmap old --from-literal=x=1 >/dev/null
echo 'resource: { manifest: { old: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: old }, data: { y: "2" } } } } }' >more.aipc.yaml
want 0 "" aipc apply --yes
is '{"x":"1","y":"2"}' field -n team configmap old -o 'jsonpath={.data}'
rm more.aipc.yaml
want 0 "" aipc apply --yes
is '{"x":"1"}' field -n team configmap old -o 'jsonpath={.data}'
# Taken over by import: as it is, and ours from then on.
printf '%s\n' 'import: [{ to: manifest.old, id: team/old }]' 'resource: { manifest: { old: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: old, namespace: team }, data: { x: "1" } } } } }' >more.aipc.yaml
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode
rm more.aipc.yaml
want 0 "" aipc apply --yes
# Another name, another namespace: the old one goes.
kc create namespace team2 >/dev/null
echo 'resource: { manifest: { n: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: first }, data: { y: "2" } } } } }' >more.aipc.yaml
want 0 "" aipc apply --yes
sed -i 's/first/second/' more.aipc.yaml
want 2 "replace: it was ConfigMap team/first" aipc plan --detailed-exitcode
want 0 "" aipc apply --yes
gone -n team configmap first
is 2 field -n team configmap second -o 'jsonpath={.data.y}'
cp main.aipc.yaml all.yaml
printf '%s\n' 'provider: { kube: { kubeconfig: ../kube/admin.config, namespace: team2 } }' >main.aipc.yaml
want 0 "" aipc apply --yes --target 'manifest.n'
gone -n team configmap second
is 2 field -n team2 configmap second -o 'jsonpath={.data.y}'
mv all.yaml main.aipc.yaml
rm more.aipc.yaml
want 0 "" aipc apply --yes
gone -n team2 configmap second
want 0 "No changes. " aipc plan --detailed-exitcode
# Deleted and made again by someone: another object, not ours.
kc -n team delete configmap settings >/dev/null
want 2 "it is gone" aipc drift
kc -n team create configmap settings --from-literal=a=1 >/dev/null
sed -i '/^    settings:/d' main.aipc.yaml
want 0 "" aipc apply --yes
is '{"a":"1"}' field -n team configmap settings -o 'jsonpath={.data}'

# --- kill -9: nothing is done twice, nothing is lost --------------------------------------------------------------------------------------------
mkdir many
cd many
cat >main.aipc.yaml <<'Y'
provider: { kube: { kubeconfig: ../../kube/admin.config } }
resource:
  manifest:
    ns: { object: { apiVersion: v1, kind: Namespace, metadata: { name: many } } }
    c:
      count: 60
      object: { apiVersion: v1, kind: ConfigMap, metadata: { name: "c-${count.index}", namespace: many }, data: { k: "1" } }
Y
seed=${SEED:-1} RANDOM=${SEED:-1}
echo "seed $seed"
for _ in 1 2 3; do
	: >kill.out
	aipc apply --yes --parallelism 4 >kill.out 2>&1 </dev/null &
	pid=$!
	n=$((RANDOM % 12 + 1))
	for _ in $(seq 200); do (($(grep -c 'done in' kill.out) >= n)) && break; sleep 0.02; done
	kill -9 $pid || fail "the apply was over before it was killed"
	wait $pid 2>/dev/null || true
	want 0 "" aipc state list
done
field -n many configmaps -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}' | grep '^c-' | sort >before
want 0 "" aipc apply --yes
want 0 "No changes. 61 objects match" aipc plan --detailed-exitcode
field -n many configmaps -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}' | grep '^c-' | sort >after
[[ -z $(comm -23 before after) ]] || fail "objects were written twice: $(comm -23 before after)"
(($(wc -l <before) < 60)) || fail "nothing was left to do after the kills"
(($(wc -l <after) == 60)) || fail "$(wc -l <after) objects, wanted 60"

# --- the API server restarts in the middle --------------------------------------------------------------------------------------------------------
sed -i 's/k: "1"/k: "2"/' main.aipc.yaml
: >restart.out
aipc apply --yes --parallelism 2 >restart.out 2>&1 </dev/null &
pid=$!
for _ in $(seq 100); do grep -q 'done in' restart.out && break; sleep 0.1; done
kube_kill
(($(grep -c 'done in' restart.out) < 60)) || fail "the apply was over before the server was killed"
sleep 1
cd "$work"
kube_again
cd objects/many
wait $pid || { cat restart.out; fail "an apply did not live through a restart of the API server"; }
want 0 "No changes. 61 objects match" aipc plan --detailed-exitcode
want 0 "" aipc destroy --yes --target 'manifest.c'
gone -n many configmap c-7

# --- from files to a cluster and back ---------------------------------------------------------------------------------------------------------------
mkdir modes
cd modes
cat >main.aipc.yaml <<'Y'
provider: { kube: { mode: files } }
resource:
  cluster: { lab: { pools: [{ name: p, nodes: [{ name: gpu-1, rack: r1 }] }], runtime: false } }
Y
want 0 "" aipc apply --yes
[[ -s manifests/nodes/gpu-1.yaml ]] || fail "no file was written"
sed 's/, runtime: false//; s/rack: r1/rack: r1, spare: true, nvlink_domain: n1/' main.aipc.yaml >all.yaml
mkdir all
mv all.yaml all/main.aipc.yaml
(cd all && want 0 "" aipc apply --yes && kc apply --server-side -f manifests/crds >last.out 2>&1 && kc wait --for=condition=Established crd --all >>last.out &&
	kc apply --server-side --dry-run=server -k manifests >>last.out 2>&1) || { cat all/last.out; fail "the manifests are not what kubectl applies"; }
for kind in fabrictopology sparepool node; do grep -q "^$kind.*dry run" all/last.out || fail "the manifests have no $kind"; done
kc delete -f all/manifests/crds >/dev/null
rm -r all
sed -i 's|mode: files|mode: apply, kubeconfig: ../../../kube/admin.config|' main.aipc.yaml
want 0 "" aipc apply --yes
[[ ! -e manifests/nodes/gpu-1.yaml ]] || fail "the file is still there"
is p field node gpu-1 -o 'jsonpath={.metadata.labels.aipc\.dev/pool}'
want 0 "No changes. " aipc plan --detailed-exitcode
cp main.aipc.yaml live.yaml
sed -i 's|mode: apply.*|mode: files } }|' main.aipc.yaml
want 0 "" aipc plan
said "node gpu-1 was labelled in a cluster, and provider kube now writes files"
sed 's|mode: apply|mode: files|' live.yaml >main.aipc.yaml
want 0 "" aipc apply --yes
is '' field node gpu-1 -o 'jsonpath={.metadata.labels.aipc\.dev/pool}'
[[ -s manifests/nodes/gpu-1.yaml ]] || fail "the file did not come back"
cp live.yaml main.aipc.yaml
want 0 "" aipc apply --yes
is p field node gpu-1 -o 'jsonpath={.metadata.labels.aipc\.dev/pool}'
# Another node by that name is not the one that was labelled.
kc delete node gpu-1 >/dev/null
want 0 "node gpu-1 is not in the cluster" aipc drift
node gpu-1
want 0 "" aipc apply --yes
want 0 "" aipc destroy --yes
is '{"site":"lab"}' field node gpu-1 -o 'jsonpath={.metadata.labels}'
cd ..

# --- the rights that docs/kubernetes.md asks for are enough, and no fewer are --------------------------------------------------------------------------
{
	echo '{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: aipc }, '
	sed -n '/^    rules:/,/^$/s/^    //p' "$root/docs/kubernetes.md" | sed 's/#.*//' | python3 -c 'import re,sys
text = sys.stdin.read()
print("rules: [" + ",".join(line[2:] for line in text.splitlines() if line.startswith("- ")) + "]")'
	echo '}'
} | kc create -f - >/dev/null
kc create clusterrolebinding dev --clusterrole=aipc --user=dev >/dev/null
mkdir rights
cd rights
sed 's|kubeconfig: kube/admin|kubeconfig: ../../../kube/dev|' ../../../main.aipc.yaml >main.aipc.yaml
want 0 "" aipc apply --yes
want 0 "No changes. " aipc plan --detailed-exitcode
want 0 "" aipc destroy --yes
kc delete clusterrolebinding dev >/dev/null
cd ..

# --- an account with few rights -----------------------------------------------------------------------------------------------------------------
mkdir few
cd few
kc -n team create role reader --verb=get,list --resource=configmaps >/dev/null
kc -n team create rolebinding dev --role=reader --user=dev >/dev/null
cat >main.aipc.yaml <<'Y'
provider: { kube: { kubeconfig: ../../../kube/dev.config, namespace: team } }
resource:
  aipc_data: { beside: { input: 1 } }
  manifest: { c: { object: { apiVersion: v1, kind: ConfigMap, metadata: { name: mine }, data: { k: "1" } } } }
Y
want 1 "" aipc plan
said 'configmaps "mine" is forbidden: User "dev" cannot patch resource "configmaps" in API group "" in the namespace "team"'
sed -i 's/kind: ConfigMap/kind: ServiceAccount/; s/, data: { k: "1" }//' main.aipc.yaml
want 0 "" aipc plan
said 'serviceaccounts "mine" is forbidden: User "dev" cannot get resource'

cd ../..

# --- a namespace with something of others in it; then without -------------------------------------------------------------------------------------
want 5 "" aipc destroy --yes
said "Namespace team is not deleted: 4 objects that aipc did not make would go with it (the first: ConfigMap team/old)"
kc -n team delete configmap old settings >/dev/null
kc -n team delete role reader >/dev/null
kc -n team delete rolebinding dev >/dev/null
cd "$work"
KUBECONFIG=$work/kube/admin.config kube_controllers namespace-controller
cd objects
want 0 "" aipc destroy --yes
gone namespace team
gone crd widgets.example.dev
cd many/few

# --- no API server: one clear word, and the rest goes on ------------------------------------------------------------------------------------------
kube_down
want 0 "" aipc plan
said "the API server https://127.0.0.1:$kube_port"
said '+ aipc_data.beside'
want 5 "" aipc apply --yes
want 0 "aipc_data.beside" aipc state list
no_token
