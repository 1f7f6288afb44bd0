#!/usr/bin/env bash
# Data of a live cluster, on a real API server: an object by name, many by labels, secrets unseen, a server that is away, too few rights.
# shellcheck disable=SC2016  # the expressions are the spec's
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
kube_user poor
# One request in fifty ends its connection, as servers behind a load balancer do now and then.
KUBE_API_FLAGS="--goaway-chance=0.02" kube_up
kube_config poor
export KUBECONFIG=$work/nowhere
for n in 2 1 3; do
	kc create -f - <<<"{apiVersion: v1, kind: Node, metadata: {name: gpu-$n, labels: {rack: r$((n % 2)), gpu: 'true'}}}" >/dev/null
done
kc create configmap settings --from-literal=image=train:7 >/dev/null
kc create secret generic key --from-literal=token=hunter2-never-shown >/dev/null
cat >main.aipc.yaml <<'Y'
provider:
  kube: { kubeconfig: kube/admin.config }
data:
  kube_object:
    settings: { kind: ConfigMap, name: settings, namespace: default }
    secret: { kind: Secret, name: key, namespace: default }
    node: { kind: Node, name: gpu-1 }
  kube_objects:
    odd: { kind: Node, labels: { rack: r1 }, label_selector: "gpu in (true, yes)" }
    one: { kind: Node, field_selector: metadata.name=gpu-2 }
    none: { kind: ConfigMap, namespace: default, labels: { no: such } }
    secrets: { kind: Secret, namespace: default }
    crds: { api_version: apiextensions.k8s.io/v1, kind: CustomResourceDefinition }
resource:
  aipc_data:
    image: { input: "${data.kube_object.settings.object.data.image}" }
    node: { for_each: "${toset(data.kube_objects.odd.objects[*].metadata.name)}", input: "${each.key}" }
    counts: { input: "${[length(data.kube_objects.one.objects), length(data.kube_objects.none.objects), length(data.kube_objects.crds.objects)]}" }
    alone: { input: 1 }
output:
  secret: { value: "${base64decode(data.kube_object.secret.object.data.token)}", sensitive: true }
Y
said() { cat last.out last.err | tr -s ' \n' ' ' | grep -qF -- "$1" || { cat last.out last.err; fail "not said: $1"; }; }
want 0 'aipc_data.node' aipc plan -o saved.plan
aipc show --json saved.plan >plan.json
python3 - <<'PY' || fail "$(head -c 3000 plan.json)"
import json
p = json.load(open("plan.json"))
d = {r["address"]: r for r in p["data"]}
c = {x["address"]: x.get("config", {}).get("input") for x in p["changes"]}
assert len(d) == 8 and all(r["state"] == "read" for r in d.values()), d.keys()
assert c["aipc_data.image"] == "train:7" and c["aipc_data.counts"] == [1, 0, 0], c
assert {"aipc_data.node[\"gpu-1\"]", "aipc_data.node[\"gpu-3\"]"} <= set(c) and "aipc_data.node[\"gpu-2\"]" not in c, c
odd = d["data.kube_objects.odd"]["values"]["objects"]
assert [o["metadata"]["name"] for o in odd] == ["gpu-1", "gpu-3"] and "managedFields" not in odd[0]["metadata"] and odd[0]["kind"] == "Node"
assert d["data.kube_object.secret"]["sensitive"] and "values" not in d["data.kube_object.secret"]
assert d["data.kube_objects.secrets"]["sensitive"] and "values" not in d["data.kube_objects.secrets"]
PY
want 0 "" aipc apply --yes
want 0 "No changes." aipc plan --detailed-exitcode
grep -rqF -e hunter2-never-shown -e "$(printf hunter2-never-shown | base64)" -e admin-token ./*.plan plan.json last.out last.err .aipc && fail "a secret was written down"
sed -i 's/image: { input: .*/image: { input: "${data.kube_object.secret.object.data.token}" }/' main.aipc.yaml
want 1 "takes no sensitive value" aipc plan
sed -i 's/image: { input: .*/image: { input: "${data.kube_object.settings.object.data.image}" }/' main.aipc.yaml

# What is not there is a mistake of the block; what may not be read costs only what depends on it.
sed -i 's/name: settings, /name: setings, /; s/kind: ConfigMap, namespace/kind: ConfigMapp, namespace/' main.aipc.yaml
want 1 "has no ConfigMap default/setings" aipc plan
said "no kind ConfigMapp in v1"
sed -i 's/name: setings, /name: settings, /; s/kind: ConfigMapp, namespace/kind: ConfigMap, namespace/; s/admin.config/poor.config/; s/alone: { input: 1/alone: { input: 2/' main.aipc.yaml
want 0 "~ aipc_data.alone" aipc plan
said 'data.kube_object.settings could not be read'
said "aipc_data.image not planned"

# No cluster at all, and one that is away.
sed -i 's/kubeconfig: kube.poor.config/manifests: m/' main.aipc.yaml
want 1 "" aipc plan
said "knows no cluster"
sed -i 's/manifests: m/kubeconfig: kube\/admin.config/' main.aipc.yaml
kube_kill
want 0 "~ aipc_data.alone" aipc plan
said "W0181"
said "the API server https://127.0.0.1:$kube_port"
echo "data of a live cluster"
