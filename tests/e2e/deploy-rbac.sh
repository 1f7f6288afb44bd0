#!/usr/bin/env bash
# The roles as they are shipped: both processes run as their service accounts, with the arguments of their Deployments, in the root of the image
# (where this user may), against a real API server in RBAC mode. Nothing they ask is refused, nothing they were given is left unused, and
# what they do not need is refused.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
kube_peers etcd kube-apiserver kubectl kwok
image="" how="by kubeconfig"
if [[ $build != */address* && $(id -u) == 0 ]] && command -v dpkg-query >/dev/null; then image=1 how="in the root of the image"; fi

cat >audit.yaml <<'Y'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- { level: Metadata, userGroups: ["system:serviceaccounts:aipc-system"] }
- { level: None }
Y
KUBE_API_FLAGS="--audit-policy-file $work/audit.yaml --audit-log-path $work/audit.log"
kube_up
kube_kwok

# 1. As a user installs it.
aipc-runtime crds | kc apply --server-side -f - >/dev/null
kc apply --server-side -k "$root/deploy/kustomize/base" >/dev/null || fail "kubectl apply -k"
kc apply --server-side -f - >/dev/null <<-'Y'
	apiVersion: apiextensions.k8s.io/v1
	kind: CustomResourceDefinition
	metadata: { name: podgroups.scheduling.x-k8s.io, annotations: { api-approved.kubernetes.io: https://github.com/kubernetes-sigs/scheduler-plugins/pull/50 } }
	spec:
	  group: scheduling.x-k8s.io
	  scope: Namespaced
	  names: { kind: PodGroup, plural: podgroups, singular: podgroup }
	  versions: [{ name: v1alpha1, served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }]
	Y
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
kc kustomize "$root/deploy/kustomize/base" >base.yaml

# 2. A pod of ROLE, but for the container: token, CA and namespace where a pod has them, its arguments, its user.
python3 - "$root/deploy/kustomize/base" <<'P'
import sys, yaml
for role in "scheduler", "controller":
    for d in yaml.safe_load_all(open(f"{sys.argv[1]}/{role}.yaml")):
        if d and d["kind"] == "Deployment":
            s = d["spec"]["template"]["spec"]
            open(f"{role}.args", "w").write("\n".join(s["containers"][0]["args"]) + "\n")
            open(f"{role}.account", "w").write(s["serviceAccountName"])
P
declare -A pid port
start_role() { # ROLE
	local role=$1 args account where=$work/pod-$1 i
	mapfile -t args <"$role.args"
	account=$(<"$role.account")
	if [[ -n $image ]]; then
		"$root/deploy/image-root" "$build/aipc-runtime" "$where" >/dev/null || fail "deploy/image-root"
	fi
	local secrets=$where/var/run/secrets/kubernetes.io/serviceaccount
	mkdir -p "$secrets"
	kc -n aipc-system create token "$account" --duration 2h >"$secrets/token"
	cp kube/pki/apiserver.crt "$secrets/ca.crt"
	printf aipc-system >"$secrets/namespace"
	if [[ -n $image ]]; then
		env -i KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT="$kube_port" HOSTNAME="aipc-runtime-$role-0" \
			"$(command -v chroot)" --userspec=65532:65532 "$where" /usr/bin/aipc-runtime "${args[@]}" --listen=127.0.0.1:0 >"$role.out" 2>"$role.err" &
	else
		cat >"$where/config" <<-Y
		apiVersion: v1
		kind: Config
		current-context: pod
		contexts: [{ name: pod, context: { cluster: pod, user: pod, namespace: aipc-system } }]
		clusters: [{ name: pod, cluster: { server: "https://127.0.0.1:$kube_port", certificate-authority: "$secrets/ca.crt" } }]
		users: [{ name: pod, user: { tokenFile: "$secrets/token" } }]
		Y
		env -u KUBECONFIG aipc-runtime "${args[@]}" --kubeconfig "$where/config" --listen=127.0.0.1:0 >"$role.out" 2>"$role.err" &
	fi
	pid[$role]=$!
	kube_pids+=($!)
	for ((i = 0; i < 600; i++)); do
		port[$role]=$(sed -n 's/.*probes on port \([0-9]*\).*/\1/p' "$role.err" | head -n 1)
		if [[ -n ${port[$role]} ]] && curl -sf --max-time 5 "http://127.0.0.1:${port[$role]}/readyz" >/dev/null; then return 0; fi
		kill -0 "${pid[$role]}" 2>/dev/null || fail "the $role ended"
		sleep 0.2
	done
	curl -s --max-time 5 "http://127.0.0.1:${port[$role]}/readyz" >&2
	fail "the $role is not ready"
}
eventually() { # WHAT COMMAND...
	local what=$1 i
	shift
	for ((i = 0; i < 600; i++)); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
	fail "$what"
}
is() { [[ $("${@:2}") == "$1" ]]; }

# 3. A cluster on which everything happens that the roles are for.
nodes() { # NAME LEAF MORE-LABELS
	echo "{ apiVersion: v1, kind: Node, metadata: { name: $1, annotations: { kwok.x-k8s.io/node: fake }, labels: { kubernetes.io/hostname: $1, aipc.dev/leaf: $2$3 } } }"
	echo ---
}
for i in 1 2 3 4; do nodes n$i l1 ", aipc.dev/pool: t"; done >nodes.yaml
nodes s1 l1 ", aipc.dev/spare: 'true'" >>nodes.yaml
kc apply --server-side -f nodes.yaml >/dev/null
for n in n1 n2 n3 n4 s1; do
	kc patch node $n --subresource=status --type=merge -p '{"status":{"allocatable":{"cpu":"64","memory":"500Gi","pods":"110","nvidia.com/gpu":"8"},"capacity":{"cpu":"64","memory":"500Gi","pods":"110","nvidia.com/gpu":"8"}}}' >/dev/null
done
pods() { # NAME GPUS PRIORITY-CLASS LABELS RANK
	cat <<-Y
	apiVersion: v1
	kind: Pod
	metadata: { name: $1, namespace: default, labels: { ${4:-} }, annotations: { ${5:-} } }
	spec:
	  schedulerName: aipc
	  ${3:+priorityClassName: $3}
	  terminationGracePeriodSeconds: 0
	  containers: [{ name: c, image: i, resources: { requests: { nvidia.com/gpu: "$2" }, limits: { nvidia.com/gpu: "$2" } } }]
	---
	Y
}
member() { pods "g-$1" 8 "" "aipc.dev/gang: g" "aipc.dev/rank: '$1'"; }
node_of() { kc get pod "$1" -o 'jsonpath={.spec.nodeName}'; }
has_node() { [[ -n $(node_of "$1") ]]; }
kc apply --server-side -f - >/dev/null <<-Y
	{ apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: { name: high }, value: 1000 }
	---
	{ apiVersion: aipc.dev/v1alpha1, kind: FabricTopology, metadata: { name: default }, spec: { levels: [{ name: leaf, nodeLabel: aipc.dev/leaf }] } }
	---
	{ apiVersion: aipc.dev/v1alpha1, kind: SparePool, metadata: { name: warm }, spec: {} }
	---
	{ apiVersion: aipc.dev/v1alpha1, kind: NodeHealthPolicy, metadata: { name: p }, spec: { blastRadius: { limits: [{ level: cluster, percent: 60 }] }, guard: { graceSeconds: 1 } } }
	---
	{ apiVersion: aipc.dev/v1alpha1, kind: Gang, metadata: { name: g, namespace: default }, spec: { min: 2, required: leaf } }
Y
start_role controller
start_role scheduler

# The gang is bound; a pod that fits nowhere says so.
{ member 0; member 1; pods big 16 ""; } | kc apply --server-side -f - >/dev/null
for p in g-0 g-1; do eventually "$p is not bound" has_node $p; done
# The status of groups, each kind of them.
kc apply --server-side -f - >/dev/null <<-'Y'
	{ apiVersion: scheduling.k8s.io/v1alpha2, kind: PodGroup, metadata: { name: up, namespace: default }, spec: { schedulingPolicy: { gang: { minCount: 1 } } } }
	---
	{ apiVersion: scheduling.x-k8s.io/v1alpha1, kind: PodGroup, metadata: { name: co, namespace: default }, spec: { minMember: 1 } }
	---
	{ apiVersion: v1, kind: Pod, metadata: { name: up-0, namespace: default }, spec: { schedulerName: aipc, schedulingGroup: { podGroupName: up }, containers: [{ name: c, image: i }] } }
	---
	{ apiVersion: v1, kind: Pod, metadata: { name: co-0, namespace: default, labels: { scheduling.x-k8s.io/pod-group: co } }, spec: { schedulerName: aipc, containers: [{ name: c, image: i }] } }
	Y
eventually "the PodGroup does not say that it is placed" is True kc get podgroups.v1alpha2.scheduling.k8s.io up -o 'jsonpath={.status.conditions[?(@.type=="PodGroupScheduled")].status}'
eventually "the coscheduling PodGroup has no phase" is Running kc get podgroups.scheduling.x-k8s.io co -o 'jsonpath={.status.phase}'
eventually "the Gang has no phase" is Running kc get gang g -o 'jsonpath={.status.phase}'
eventually "the pod that fits nowhere does not say so" is Unschedulable kc get pod big -o 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}'
kc delete pod big --grace-period=0 --force >/dev/null 2>&1

# The other nodes fill up; then more urgent pods come: one victim is covered by a budget, the other is not.
{ pods low-1 8 "" "budget: 'yes'"; pods low-2 8 ""; } | kc apply --server-side -f - >/dev/null
for p in low-1 low-2; do eventually "$p is not bound" has_node $p; done
kc create -f - >/dev/null <<<'{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: b }, spec: { maxUnavailable: 1, selector: { matchLabels: { budget: "yes" } } } }'
kc patch pdb b --subresource=status --type=merge -p '{"status":{"observedGeneration":1,"disruptionsAllowed":1,"expectedPods":1,"currentHealthy":1,"desiredHealthy":0}}' >/dev/null
{ pods high-1 8 high; pods high-2 8 high; } | kc apply --server-side -f - >/dev/null
for p in high-1 high-2; do eventually "$p displaces nobody" has_node $p; done

# A node of the gang fails: the spare gets its rank. A node that is not what was declared is kept out of use.
failed=$(node_of g-1)
kc annotate node "$failed" aipc.dev/xid=79 >/dev/null
eventually "the failed node is not fenced" is XidRebootNode kc get node "$failed" -o 'jsonpath={.spec.taints[?(@.key=="aipc.dev/unhealthy")].value}'
gone() { ! kc get pod "$1"; }
eventually "the pod on the failed node is not replaced" gone g-1
member 1 | kc apply --server-side -f - >/dev/null
eventually "the spare did not take the rank" is s1 node_of g-1
guarded=$(kc get node -l aipc.dev/pool=t -o name | grep -v "/$failed$" | head -n 1)
kc label "$guarded" aipc.dev/gpu-count=4 >/dev/null
eventually "the node that is not what was declared is not guarded" is GpuCount kc get "$guarded" -o 'jsonpath={.spec.taints[?(@.key=="aipc.dev/guard")].value}'
for what in sparepools/warm fabrictopologies/default; do
	eventually "$what has no status" is 1 kc get "$what" -o 'jsonpath={.status.observedGeneration}'
done
kc delete nodehealthpolicy p --timeout=60s >/dev/null || fail "the policy does not go"

# Both end; nobody noticed a refusal, and the leases are free.
for role in scheduler controller; do
	curl -sf "http://127.0.0.1:${port[$role]}/metrics" >"$role.metrics" || fail "no metrics of the $role"
	if grep -E 'result="(denied|auth)[^"]*"' "$role.metrics"; then fail "the $role was refused something"; fi
	rc=0
	kill -TERM "${pid[$role]}"
	wait "${pid[$role]}" || rc=$?
	((rc == 0)) || fail "the $role ended with $rc"
	if grep -i forbidden "$role.err"; then fail "the $role was refused something"; fi
	[[ -z $(kc -n aipc-system get lease "aipc-$role" -o 'jsonpath={.spec.holderIdentity}') ]] || fail "the lease of the $role was not given back"
done

# 4. The server's own words: nobody was refused, and what was granted was used.
python3 - <<'P' || fail "the audit"
import json, yaml
used, bad = {}, []
for line in open("audit.log"):
    e = json.loads(line)
    who = e["user"]["username"].rsplit(":", 1)[1]
    o = e.get("objectRef")
    if e.get("responseStatus", {}).get("code") in (401, 403):
        bad.append((who, e["verb"], e["requestURI"]))
    if o and "resource" in o:
        r = o["resource"] + ("/" + o["subresource"] if o.get("subresource") else "")
        used.setdefault(who, set()).add((o.get("apiGroup", ""), r, e["verb"]))
assert not bad, bad
# Only after an answer that was lost, or when an event repeats for a while.
ours = ("fabrictopologies", "gangs", "nodehealthpolicies", "sparepools")
seldom = {("", "pods", "get"), ("", "nodes", "get"), ("events.k8s.io", "events", "patch")} | {("aipc.dev", k, "get") for k in ours}
for role in "scheduler", "controller":
    granted = set()
    for d in yaml.safe_load_all(open("base.yaml")):
        if d["kind"] in ("ClusterRole", "Role") and d["metadata"]["name"] == "aipc-runtime-" + role:
            for rule in d["rules"]:
                assert set(rule) <= {"apiGroups", "resources", "verbs", "resourceNames"} and "*" not in str(rule), rule
                granted |= {(g, r, v) for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    mine = used["aipc-runtime-" + role]
    # A server without streaming lists is asked for a list before the watch.
    mine |= {(g, r, "list") for g, r, v in mine if v == "watch"}
    unused = granted - mine - seldom
    assert not unused, (role, "was granted and not used", sorted(unused))
    assert mine <= granted, (role, "used what was not granted to it", sorted(mine - granted))
    print(role, "uses", len(mine), "of", len(granted))
P

# 5. What they do not need is refused.
denied=0
no() { # ROLE VERB RESOURCE [MORE]
	local role=$1 out
	shift
	out=$(kc auth can-i "$@" --as "system:serviceaccount:aipc-system:aipc-runtime-$role" --as-group system:serviceaccounts --as-group system:authenticated 2>/dev/null) || true
	[[ $out == no ]] || fail "the $role may: $* ($out)"
	denied=$((denied + 1))
}
for role in scheduler controller; do
	no $role list secrets -A
	no $role get secrets -n aipc-system
	no $role get configmaps -A
	no $role create pods
	no $role update pods
	no $role patch pods
	no $role create pods --subresource=exec
	no $role delete nodes
	no $role create nodes
	no $role delete gangs.aipc.dev
	no $role patch gangs.aipc.dev
	no $role create deployments.apps -n aipc-system
	no $role create clusterrolebindings.rbac.authorization.k8s.io
	no $role escalate clusterroles.rbac.authorization.k8s.io
	no $role impersonate users
	no $role create serviceaccounts --subresource=token -n aipc-system
	no $role create leases.coordination.k8s.io -n kube-system
	no $role update leases.coordination.k8s.io/other -n aipc-system
	no $role delete leases.coordination.k8s.io -n aipc-system
	no $role patch customresourcedefinitions.apiextensions.k8s.io
done
no scheduler patch nodes
no scheduler patch sparepools.aipc.dev --subresource=status
no scheduler patch nodes --subresource=status
no controller patch podgroups.scheduling.k8s.io --subresource=status
no scheduler update leases.coordination.k8s.io/aipc-controller -n aipc-system
no controller create pods --subresource=binding
no controller create pods --subresource=eviction
no controller patch pods --subresource=status
no controller update leases.coordination.k8s.io/aipc-scheduler -n aipc-system
token=$(kc -n aipc-system create token aipc-runtime-scheduler)
[[ $(curl -s -o /dev/null -w '%{http_code}' --cacert kube/pki/apiserver.crt -H "Authorization: Bearer $token" "https://127.0.0.1:$kube_port/api/v1/secrets") == 403 ]] || fail "secrets are not refused"
echo "nothing refused, $denied things denied, $how"
