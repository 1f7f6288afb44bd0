#!/usr/bin/env bash
# The chart and the plain manifests, by helm and kubectl themselves: linted, rendered with several values, wrong values refused, every
# object taken by a real API server with strict validation, installed, upgraded and removed; the pods meet the restricted standard.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
tools=$("$root/scripts/tools" --path helm 2>tools.err | tail -n 1) || true
[[ -n $tools ]] || { why=$(tail -n 1 tools.err); skip "no helm: ${why#scripts/tools: }"; }
"$root/scripts/tools" servicemonitor-crd >/dev/null 2>tools.err || { why=$(tail -n 1 tools.err); skip "no ServiceMonitor of the Prometheus operator: ${why#scripts/tools: }"; }
kube_peers etcd kube-apiserver kubectl
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
helm() { "$tools/helm" "$@"; }
cp -r "$root/deploy" . # helm and kubectl look around beside what they are given
chart=deploy/helm/aipc-runtime

# 1. What is kept twice is what the chart renders now.
mkdir fresh
"$root/scripts/manifests" "$work/fresh" || fail "scripts/manifests"
for f in helm/aipc-runtime/crds kustomize/base/crds kustomize/base/{scheduler,controller,user-roles}.yaml; do
	diff -r "deploy/$f" "fresh/$f" || fail "deploy/$f is not what the chart renders: run scripts/manifests"
done

# 2. Lint, and the values that are refused.
values=("$chart"/ci/*-values.yaml)
((${#values[@]} >= 3)) || fail "values files are missing"
helm lint --strict "$chart" >lint.out || { cat lint.out; fail "helm lint"; }
for v in "${values[@]}"; do
	helm lint --strict "$chart" -f "$v" >lint.out || { cat lint.out; fail "helm lint -f $v"; }
done
refused() { # WHERE SETTING...
	local where=$1
	shift
	if helm template x "$chart" "$@" >refused.out 2>&1; then fail "accepted: $*"; fi
	grep -qF "'$where'" refused.out || { cat refused.out; fail "$*: refused for another reason than $where"; }
}
refused /port --set port=80
refused /port --set-string port=9090
refused /image/pullPolicy --set image.pullPolicy=Sometimes
refused /image/digest --set image.digest=sha256:12
refused /image/repository --set image.repository=a@sha256:0
refused /image --set image.repo=x
refused /log/level --set log.level=trace
refused /scheduler/name --set scheduler.name=default-scheduler
refused /scheduler/replicas --set scheduler.replicas=-1
refused /scheduler --set scheduler.replica=2
refused /scheduler/serviceAccount/name --set scheduler.serviceAccount.create=false
refused /scheduler/resources/requests/cpu --set scheduler.resources.requests.cpu=lots
refused /controller/podDisruptionBudget/maxUnavailable --set controller.podDisruptionBudget.maxUnavailable=0
refused /controller/extraArgs --set controller.extraArgs=--no-leader-elect
refused /serviceMonitor/interval --set serviceMonitor.interval=often
refused /networkPolicy/apiServer/ports/0 --set 'networkPolicy.apiServer.ports={0}'
refused '' --set contoller.enabled=false
n_refused=17

# 3. Each rendering is taken by the API server, unknown fields refused; ServiceMonitor is the kind that the Prometheus operator installs.
kube_up
kc apply --server-side -f "$tools/servicemonitor-crd" >/dev/null
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
# As in the base: the strictest pod security is enforced.
kc apply --server-side -f deploy/kustomize/base/namespace.yaml >/dev/null
objects=0
dry() { # WHAT FILE
	kc apply --server-side --dry-run=server --validate=strict -f "$2" >dry.out 2>dry.err || { cat dry.err; fail "$1: the API server refuses it"; }
	if [[ -s dry.err ]]; then cat dry.err; fail "$1: the API server warns"; fi
	objects=$((objects + $(wc -l <dry.out)))
}
for v in none "${values[@]}"; do
	args=()
	[[ $v == none ]] || args=(-f "$v")
	helm template aipc-runtime "$chart" -n aipc-system --include-crds "${args[@]}" >rendered.yaml
	dry "values $v" rendered.yaml
done
helm template aipc-runtime "$chart" -n aipc-system -f "$chart/ci/everything-values.yaml" >rendered.yaml
(($(grep -c '^kind: \(ServiceMonitor\|NetworkPolicy\|PodDisruptionBudget\)$' rendered.yaml) == 6)) || fail "not every optional object was rendered"
# That somebody looks at ServiceMonitors: an interval that is none, and a field of another name, are refused.
for wrong in 's/^      interval: .*/      interval: often/' 's/^      scrapeTimeout: /      scrapeTimeOut: /'; do
	sed "$wrong" rendered.yaml >wrong.yaml
	if cmp -s rendered.yaml wrong.yaml; then fail "nothing to change by $wrong"; fi
	if kc apply --server-side --dry-run=server --validate=strict -f wrong.yaml >wrong.out 2>&1; then fail "taken: a ServiceMonitor after $wrong"; fi
	grep -q 'ServiceMonitor\|interval' wrong.out || { cat wrong.out; fail "refused for another reason than $wrong"; }
done
# And a selector that finds its Service, on a port that the Service has: what no schema can say.
helm template aipc-runtime "$chart" -n aipc-system -f "$chart/ci/everything-values.yaml" | kc create --dry-run=client -o json -f - | python3 -c '
import json, sys
text = sys.stdin.read(); d = json.JSONDecoder(); at = 0; all = []
while at < len(text):
    o, at = d.raw_decode(text, at)
    while at < len(text) and text[at].isspace(): at += 1
    all += o.get("items", [o])
monitors = [o for o in all if o["kind"] == "ServiceMonitor"]
assert len(monitors) == 2
for m in monitors:
    want = m["spec"]["selector"]["matchLabels"].items()
    found = [o for o in all if o["kind"] == "Service" and o["metadata"]["namespace"] in m["spec"]["namespaceSelector"]["matchNames"] and want <= o["metadata"]["labels"].items()]
    assert len(found) == 1, (m, found)
    assert {e["port"] for e in m["spec"]["endpoints"]} <= {p["name"] for p in found[0]["spec"]["ports"]}, m' || fail "a ServiceMonitor does not find its Service"

# 4. Pods of both roles are admitted under the restricted standard; one that may write its root is the proof that somebody looks.
helm template aipc-runtime "$chart" -n aipc-system | kc create --dry-run=client -o json -f - |
	python3 -c '
import json, sys
text = sys.stdin.read(); d = json.JSONDecoder(); at = 0; pods = []
while at < len(text):
    o, at = d.raw_decode(text, at)
    while at < len(text) and text[at].isspace(): at += 1
    for i in o.get("items", [o]):
        if i["kind"] == "Deployment":
            t = i["spec"]["template"]
            c = t["spec"]["containers"][0]["securityContext"]
            assert c["readOnlyRootFilesystem"] and not c["allowPrivilegeEscalation"] and c["capabilities"] == {"drop": ["ALL"]}, c
            pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": i["metadata"]["name"], "namespace": "aipc-system"}, "spec": t["spec"]})
assert len(pods) == 2
json.dump({"apiVersion": "v1", "kind": "List", "items": pods}, open("pods.json", "w"))
pods[0]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
json.dump(pods[0], open("bad.json", "w"))'
kc create --dry-run=server -f pods.json >/dev/null || fail "the pods do not meet the restricted standard"
if kc create --dry-run=server -f bad.json >bad.out 2>&1; then fail "the restricted standard is not enforced"; fi
grep -q PodSecurity bad.out || { cat bad.out; fail "refused for another reason"; }

# 5. A life with helm: install with its kinds, upgrade, uninstall; the kinds stay, with what users made of them.
helm install aipc-runtime "$chart" -n gang --create-namespace >install.out 2>&1 || { cat install.out; fail "helm install"; }
grep -q 'schedulerName: aipc' install.out || { cat install.out; fail "the notes"; }
if awk 'length > 80' install.out | grep .; then fail "the notes are wider than 80 columns"; fi
kc wait --for=condition=Established --timeout=60s crd gangs.aipc.dev >/dev/null
# Established comes before the server knows the path of the objects.
for _ in $(seq 100); do kc get gangs -A >served.out 2>&1 && break; sleep 0.2; done
kc create -f - >/dev/null <<<'{apiVersion: aipc.dev/v1alpha1, kind: Gang, metadata: {name: kept, namespace: gang}, spec: {min: 2}}'
helm upgrade aipc-runtime "$chart" -n gang -f "$chart/ci/everything-values.yaml" >upgrade.out 2>&1 || { cat upgrade.out; fail "helm upgrade"; }
[[ $(kc -n gang get deployment aipc-runtime-scheduler -o jsonpath='{.spec.replicas} {.spec.template.spec.containers[0].args[1]}') == "3 --name=gang.example.com" ]] || fail "the upgrade is not there"
helm upgrade aipc-runtime "$chart" -n gang --reset-values --set controller.enabled=false >upgrade.out 2>&1 || { cat upgrade.out; fail "helm upgrade"; }
[[ $(kc get clusterroles -l app.kubernetes.io/name=aipc-runtime -o name | sort | tr '\n' ' ') == "clusterrole.rbac.authorization.k8s.io/aipc-runtime-edit clusterrole.rbac.authorization.k8s.io/aipc-runtime-scheduler clusterrole.rbac.authorization.k8s.io/aipc-runtime-view " ]] || fail "roles of what is switched off stay"
helm uninstall aipc-runtime -n gang >/dev/null
[[ -z $(kc get clusterroles,clusterrolebindings -l app.kubernetes.io/name=aipc-runtime -o name) ]] || fail "uninstall leaves roles behind"
[[ $(kc -n gang get gang kept -o name) == gang.aipc.dev/kept ]] || fail "uninstall removed a gang"

# 6. Plain manifests: taken, stored as they are, and the overlay says what it should. Behind helm, over the kinds that it left: a kind that is
# deleted before the server serves it stays on its way out for minutes ("storage is (re)initializing"), and helm would take it for one that is there.
kc kustomize deploy/kustomize/base >base.yaml
dry "kustomize base" base.yaml
kc kustomize deploy/kustomize/overlays/example >overlay.yaml
dry "example overlay" overlay.yaml
(($(grep -c 'image: registry.example.com/aipc/aipc-runtime:' overlay.yaml) == 2)) || fail "the overlay's image"
kc apply --server-side -k deploy/kustomize/base >/dev/null
# The server writes the status of a kind when it serves it, which must not be between the two looks of a diff.
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
kc diff --server-side -k deploy/kustomize/base >diff.out 2>&1 || { cat diff.out; fail "the server stores something else"; }

echo "$objects objects of $((${#values[@]} + 3)) renderings taken, $n_refused values refused"
