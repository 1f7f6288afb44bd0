"""The table of sched-conformance.sh: what goes in, where pods must be, what the waiting must say, what events there are.

Each row has a namespace and nodes of its own (label row=NAME, which its pods select), so all run at once beside each other. A row is
  nodes, objects    what is made; names of nodes get the row's name in front
  want              pod: a node; a set of nodes, one of them; ANY; NONE (checked when all the others are done, so it has had its time)
  count             prefix of pods: how many of them have a node in the end
  same, apart       (label, prefix): their nodes have one value of it, or all another one
  says              pod: a part of "STATUS REASON MESSAGE" of its condition PodScheduled
  events            (kind, name, reason): a part of the note
  status            (kind, name, apiVersion): what its status must hold, in part
  then              further steps, one after the other: (what to do, and the same keys again)
"""
import subprocess, sys
from sched_api import *

ANY, NONE = "any", None
ROWS = []
UP = "scheduling.k8s.io/v1alpha2"


def row(name, section, nodes, objects, then=(), **want):
    ROWS.append({"name": name, "section": section, "nodes": nodes, "objects": objects, "steps": [(None, want)] + list(then)})


def step(do, **want):
    return do, want


# --- 2.1: upstream groups ----------------------------------------------------------------------------------------------

def grouped(name, group, **more):
    return pod(name, schedulingGroup={"podGroupName": group}, **more)


LEAVES = fabric("n", 2, 2)
row("up-gang", "2.1", LEAVES, [pod_group("g", 2, topology="aipc.dev/leaf")] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)],
    count={"p-": 2}, same=[("aipc.dev/leaf", "p-")], status={("PodGroup", "g", UP): {"conditions": [{"type": "PodGroupScheduled", "status": "True", "reason": "Scheduled"}]}})
row("up-gang-few", "2.1", LEAVES, [pod_group("g", 3)] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)], want={"p-0": NONE, "p-1": NONE},
    says={"p-0": "False Unschedulable PodGroup up-gang-few/g is not placed; 2 of at least 3 pods are there"},
    status={("PodGroup", "g", UP): {"conditions": [{"type": "PodGroupScheduled", "status": "False", "reason": "Unschedulable"}]}},
    then=[step(lambda ns: create(ready(ns, grouped("p-2", "g", gpus=8))), count={"p-": 3},
               status={("PodGroup", "g", UP): {"conditions": [{"type": "PodGroupScheduled", "status": "True"}]}})])
row("up-gang-wide", "2.1", LEAVES, [pod_group("g", 3, topology="aipc.dev/leaf")] + [grouped(f"p-{i}", "g", gpus=8) for i in range(3)], count={"p-": 0},
    says={"p-1": "3 pods must start together in one aipc.dev/leaf; best: leaf"}, events={("Pod", "p-0", "FailedScheduling"): "3 pods must start together"})
row("up-basic", "2.1", fabric("n", 1, 1), [pod_group("g", None)] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)], count={"p-": 1},
    status={("PodGroup", "g", UP): {"conditions": [{"type": "PodGroupScheduled", "status": "False", "reason": "Unschedulable"}]}})
row("up-missing", "2.1", fabric("n", 1, 1), [grouped("p-0", "late", gpus=8)], want={"p-0": NONE}, says={"p-0": "it belongs to PodGroup up-missing/late, which is not there"},
    then=[step(lambda ns: create(ready(ns, pod_group("late", 1))), want={"p-0": ANY})])
row("up-priorities", "2.1", fabric("n", 1, 2), [pod_group("g", 2), grouped("p-0", "g", gpus=8, priorityClassName="conf-high"), grouped("p-1", "g", gpus=8)], count={"p-": 0},
    says={"p-1": "its pods differ in priority, preemption policy or scheduler"}, status={("PodGroup", "g", UP): {"conditions": [{"type": "PodGroupScheduled", "reason": "SchedulerError"}]}})
row("up-protected", "2.1", fabric("n", 1, 2), [{**pod_group("g", 2), "metadata": {"name": "g", "finalizers": ["example.com/keep"]}}] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)], count={"p-": 2})

# --- 2.2: other projects' groups, and ours -----------------------------------------------------------------------------

COS = "scheduling.x-k8s.io/v1alpha1"
cos_label = {"scheduling.x-k8s.io/pod-group": "g"}
row("cos-gang", "2.2", fabric("n", 1, 2), [coscheduling("g", 2)] + [pod(f"p-{i}", gpus=8, labels=cos_label) for i in range(2)], count={"p-": 2},
    status={("PodGroup", "g", COS): {"phase": "Running", "running": 2, "succeeded": 0, "failed": 0}},
    then=[step(lambda ns: [patch("Pod", f"p-{i}", {"status": {"phase": "Succeeded"}}, ns, sub="/status") for i in range(2)],
               status={("PodGroup", "g", COS): {"phase": "Finished", "succeeded": 2, "running": 0}})])
row("cos-few", "2.2", fabric("n", 1, 2), [coscheduling("g", 3)] + [pod(f"p-{i}", gpus=8, labels=cos_label) for i in range(2)], count={"p-": 0},
    says={"p-0": "2 of at least 3 pods are there"}, status={("PodGroup", "g", COS): {"phase": "Pending"}},
    then=[step(lambda ns: create(ready(ns, pod("p-2", gpus=8, labels=cos_label))), count={"p-": 0}, says={"p-0": "3 pods must start together"},
               status={("PodGroup", "g", COS): {"phase": "Scheduling"}})])
own = {"aipc.dev/gang": "g"}
AIPC = "aipc.dev/v1alpha1"
row("gang-whole", "2.2", LEAVES, [gang("g", 2, required="leaf")] + [pod(f"p-{i}", gpus=8, labels=own) for i in range(2)], count={"p-": 2}, same=[("aipc.dev/leaf", "p-")],
    status={("Gang", "g", AIPC): {"phase": "Running", "wanted": 2, "bound": 2, "observedGeneration": 1, "conditions": [
        {"type": "Placed", "status": "True", "reason": "Placed"}, {"type": "Accepted", "status": "True"}]}},
    then=[step(lambda ns: [patch("Pod", f"p-{i}", {"status": {"phase": "Succeeded"}}, ns, sub="/status") for i in range(2)],
               status={("Gang", "g", AIPC): {"phase": "Finished", "wanted": 0, "bound": 0}})])
row("gang-empty", "2.2", [], [gang("g", 2)], status={("Gang", "g", AIPC): {"phase": "Pending", "wanted": 0, "bound": 0, "conditions": [{"type": "Placed", "status": "False", "reason": "WaitingForPods"}]}})
row("gang-waits", "2.2", fabric("n", 1, 1), [gang("g", 2, required="leaf")] + [pod(f"p-{i}", gpus=8, labels=own) for i in range(2)], count={"p-": 0},
    status={("Gang", "g", AIPC): {"phase": "Pending", "wanted": 2, "bound": 0, "conditions": [{"type": "Placed", "status": "False", "reason": "Unschedulable"}]}})
row("gang-refused", "2.2", fabric("n", 1, 1), [gang("g", 1, topology="somewhere"), pod("p-0", gpus=8, labels=own)], want={"p-0": NONE},
    says={"p-0": "it names the topology somewhere"}, status={("Gang", "g", AIPC): {"conditions": [{"type": "Accepted", "status": "False", "reason": "Refused"}, {"type": "Placed", "reason": "Refused"}]}})
row("gang-tree", "2.2, constraint at any node", LEAVES,
    [gang("g", groups=[{"name": "a", "min": 2, "required": "leaf"}, {"name": "b", "min": 1}])] +
    [pod(f"a-{i}", gpus=8, labels={**own, "aipc.dev/group": "a"}) for i in range(2)] + [pod("b-0", gpus=8, labels={**own, "aipc.dev/group": "b"})],
    count={"a-": 2, "b-": 1}, same=[("aipc.dev/leaf", "a-")])
row("gang-tree-waits", "2.2", fabric("n", 1, 2),
    [gang("g", groups=[{"name": "a", "min": 2}, {"name": "b", "min": 1}])] +
    [pod(f"a-{i}", gpus=8, labels={**own, "aipc.dev/group": "a"}) for i in range(2)] + [pod("b-0", gpus=8, labels={**own, "aipc.dev/group": "b"})], count={"a-": 0, "b-": 0})
row("gang-slices", "2.2", fabric("n", 2, 3), [gang("g", 4, slices=[{"level": "leaf", "size": 2}])] +
    [pod(f"p-{i}", gpus=8, labels=own, notes={"aipc.dev/rank": str(i)}) for i in range(4)], count={"p-": 4}, same=[("aipc.dev/leaf", "p-0,p-1"), ("aipc.dev/leaf", "p-2,p-3")])
row("gang-preferred", "2.2", fabric("n", 2, 1), [gang("g", 2, preferred="leaf", patienceSeconds=300)],
    then=[step(lambda ns: [create(ready(ns, pod(f"p-{i}", gpus=8, labels=own))) for i in range(2)], says={"p-0": "one leaf is preferred; what is wider is taken after 300 s"}),
          step(lambda ns: patch("Gang", "g", {"spec": {"patienceSeconds": 1}}, ns, AIPC), count={"p-": 2})])

# --- 2.3: annotations of Kueue, dialects in one cluster, what is not read -------------------------------------------------

job = {"batch.kubernetes.io/job-name": "j"}
row("kueue-required", "2.3", LEAVES, [pod(f"p-{i}", gpus=8, labels=job, notes={"kueue.x-k8s.io/podset-required-topology": "aipc.dev/leaf"}) for i in range(2)],
    count={"p-": 2}, same=[("aipc.dev/leaf", "p-")])
row("kueue-count", "2.3", fabric("n", 1, 2), [pod(f"p-{i}", gpus=8, labels={"kueue.x-k8s.io/pod-group-name": "g"}, notes={"kueue.x-k8s.io/pod-group-total-count": "3"}) for i in range(2)],
    count={"p-": 0}, says={"p-0": "2 of at least 3 pods are there"})
row("kueue-slices", "2.3", fabric("n", 2, 3), [pod(f"p-{i}", gpus=8, labels={"kueue.x-k8s.io/pod-group-name": "g"}, notes={
    "kueue.x-k8s.io/pod-group-total-count": "4", "kueue.x-k8s.io/podset-slice-required-topology": "aipc.dev/leaf", "kueue.x-k8s.io/podset-slice-size": "2", "aipc.dev/rank": str(i)})
    for i in range(4)], count={"p-": 4}, same=[("aipc.dev/leaf", "p-0,p-1"), ("aipc.dev/leaf", "p-2,p-3")])
row("kueue-gate", "2.3", fabric("n", 1, 1), [pod("p-0", schedulingGates=[{"name": "kueue.x-k8s.io/admission"}, {"name": "kueue.x-k8s.io/topology"}])], want={"p-0": NONE},
    says={"p-0": "False SchedulingGated scheduling gate kueue.x-k8s.io/admission and others"},
    then=[step(lambda ns: patch("Pod", "p-0", [{"op": "remove", "path": "/spec/schedulingGates"}], ns, how=JSON_PATCH), want={"p-0": ANY})])
row("two-dialects", "2.3, one cluster", fabric("n", 1, 4), [pod_group("g", 2), coscheduling("g", 2)] + [grouped(f"a-{i}", "g", gpus=8) for i in range(2)] +
    [pod(f"b-{i}", gpus=8, labels=cos_label) for i in range(2)], count={"a-": 2, "b-": 2})
row("two-on-one-pod", "2.3, the first of gang.h counts", fabric("n", 1, 1), [gang("g", 1), coscheduling("g", 9), pod("p-0", gpus=8, labels={**own, **cos_label})], want={"p-0": ANY})

# --- 4: what a pod may ask for -------------------------------------------------------------------------------------------

AB = [node("a", labels={"disk": "ssd", "zone": "1", "size": "10"}), node("b", labels={"disk": "hdd", "size": "20"})]


def needs(*terms, fields=None):
    term = [{"matchExpressions": [dict(zip(("key", "operator", "values"), t)) for t in alternative]} for alternative in terms] if terms else []
    term += [{"matchFields": fields}] if fields else []
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": term}}}


NO_MATCH = "node does not match the pod's node selector or affinity"
row("selector", "4", AB, [pod("p", nodeSelector={"disk": "hdd"}), pod("q", nodeSelector={"disk": "tape"})], want={"p": "b", "q": NONE}, says={"q": NO_MATCH})
row("in", "4", AB, [pod("p", affinity=needs([("disk", "In", ["ssd", "tape"])]))], want={"p": "a"})
row("not-in", "4", AB, [pod("p", affinity=needs([("disk", "NotIn", ["ssd"])]))], want={"p": "b"})
row("exists", "4", AB, [pod("p", affinity=needs([("zone", "Exists")]))], want={"p": "a"})
row("not-exists", "4", AB, [pod("p", affinity=needs([("zone", "DoesNotExist")]))], want={"p": "b"})
row("gt", "4", AB, [pod("p", affinity=needs([("size", "Gt", ["10"])]))], want={"p": "b"})
row("lt", "4", AB, [pod("p", affinity=needs([("size", "Lt", ["20"])]))], want={"p": "a"})
row("fields", "4", AB, [pod("p", affinity=needs(fields=[{"key": "metadata.name", "operator": "In", "values": ["fields-b"]}]))], want={"p": "b"})
row("or-and", "4", AB, [pod("p", affinity=needs([("disk", "In", ["ssd"]), ("size", "Gt", ["15"])], [("disk", "In", ["hdd"]), ("size", "Gt", ["15"])]))], want={"p": "b"})
row("bad-gt", "4.1: a malformed Gt voids only its own term", AB, [pod("p", affinity=needs([("size", "Gt", ["many"])], [("disk", "In", ["hdd"])]))], want={"p": "b"})
row("empty-term", "4.1: an empty term matches nothing", AB, [pod("p", affinity=needs([], [("disk", "In", ["ssd"])])), pod("q", affinity=needs([]))], want={"p": "a", "q": NONE}, says={"q": NO_MATCH})
TAINT = [{"key": "k", "value": "v", "effect": "NoSchedule"}]
row("taint", "4", [node("a", taints=TAINT)], [pod("p"), pod("q", tolerations=[{"key": "k", "operator": "Exists"}]), pod("r", tolerations=[{"key": "k", "value": "other"}]),
    pod("s", tolerations=[{"key": "k", "value": "v", "effect": "NoExecute"}]), pod("t", tolerations=[{"operator": "Exists"}])],
    want={"p": NONE, "q": "a", "r": NONE, "s": NONE, "t": "a"}, says={"p": "taint k=v:NoSchedule is not tolerated"})
row("taint-soft", "4", [node("a", taints=[{"key": "k", "effect": "PreferNoSchedule"}])], [pod("p")], want={"p": "a"})
row("taint-execute", "4", [node("a", taints=[{"key": "k", "effect": "NoExecute"}])], [pod("p"), pod("q", tolerations=[{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}])],
    want={"p": NONE, "q": "a"}, says={"p": "taint k:NoExecute is not tolerated"})
row("cordon", "4, and section 6: a cordon is acted on", [node("a", unschedulable=True)], [pod("p"), pod("q", tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}])],
    want={"p": NONE, "q": "a"}, says={"p": "node is cordoned"}, then=[step(lambda ns: patch("Node", ns + "-a", {"spec": {"unschedulable": None}}), want={"p": "a"})])
row("node-name", "4", [node("a")], [pod("p", gpus=8, nodeName="node-name-a", nodeSelector=None), pod("q", gpus=1)], want={"p": "a", "q": NONE}, says={"q": "insufficient nvidia.com/gpu"})


def ports(*list_, init=False, **more):
    c = {"ports": [{"containerPort": n, "hostPort": n, "protocol": proto, **({"hostIP": ip} if ip else {})} for n, proto, ip in list_]}
    return {"initContainers": [{"name": "i", "image": "none", **c}], **more} if init else {"container": c, **more}


row("host-port", "4", [node("a")], [pod("p", **ports((80, "TCP", ""))), pod("q", **ports((80, "TCP", "10.0.0.1"))), pod("r", **ports((80, "UDP", "")))], count={"": 2}, want={"r": "a"})
row("host-port-six", "4.1: :: is no wildcard", [node("a")], [pod("p", **ports((81, "TCP", "::"))), pod("q", **ports((81, "TCP", "10.0.0.1")))], want={"p": "a", "q": "a"})
row("host-port-init", "4.1: init containers' ports are ignored", [node("a")], [pod("p", **ports((82, "TCP", ""))), pod("q", **ports((82, "TCP", ""), init=True))], want={"p": "a", "q": "a"})


def near(kind, key, labels, **more):
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": key, "labelSelector": {"matchLabels": labels}, **more}]}}


ZONES = [node("a", labels={"zone": "1"}), node("b", labels={"zone": "2"})]
row("affinity", "4", ZONES, [pod("w", labels={"app": "w"}, nodeSelector={"zone": "2"}), pod("p", affinity=near("podAffinity", "zone", {"app": "w"}))], want={"w": "b", "p": "b"})
row("affinity-first", "4: the first of its series", ZONES, [pod("p", labels={"app": "s"}, affinity=near("podAffinity", "zone", {"app": "s"})),
    pod("q", labels={"app": "s"}, affinity=near("podAffinity", "zone", {"app": "s"})), pod("r", affinity=near("podAffinity", "zone", {"app": "nobody"}))],
    want={"p": ANY, "q": ANY, "r": NONE}, same=[("zone", "p,q")], says={"r": "pod affinity is not met"})
row("anti-affinity", "4", ZONES, [pod(f"p-{i}", labels={"app": "x"}, affinity=near("podAntiAffinity", "zone", {"app": "x"})) for i in range(3)], count={"p-": 2}, apart=[("zone", "p-")])
row("anti-symmetric", "4: the anti-affinity of who runs counts too", [node("a", labels={"zone": "1"})], [pod("p", labels={"app": "x"}, affinity=near("podAntiAffinity", "zone", {"app": "y"}))],
    want={"p": "a"}, then=[step(lambda ns: create(ready(ns, pod("q", labels={"app": "y"}))), want={"q": NONE}, says={"q": "anti-affinity of a running pod forbids it"})])


def spread(skew, key="zone", labels=None, **more):
    return [{"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": labels or {"app": "s"}}, **more}]


row("spread", "4", ZONES, [pod(f"p-{i}", labels={"app": "s"}, topologySpreadConstraints=spread(1)) for i in range(4)], count={"p-": 4}, even=[("zone", "p-", 2)])
row("spread-min-domains", "4", ZONES, [pod(f"p-{i}", labels={"app": "s"}, topologySpreadConstraints=spread(1, minDomains=3)) for i in range(3)], count={"p-": 2},
    apart=[("zone", "p-")])
row("spread-label-keys", "4: matchLabelKeys", [node("a", labels={"zone": "1"}), node("b", labels={"zone": "2"}, unschedulable=True)],
    [pod(f"p-{i}", labels={"app": "s", "rev": str(i)}, topologySpreadConstraints=spread(1, matchLabelKeys=["rev"])) for i in range(2)], count={"p-": 2})
row("spread-lacks", "4.1: a node without the key leaves the count", [node("a", labels={"zone": "1"}), node("b")], [pod("p", labels={"app": "s"}, topologySpreadConstraints=spread(1)),
    pod("q", labels={"app": "s"}, topologySpreadConstraints=spread(1), nodeSelector={"kubernetes.io/hostname": "spread-lacks-b"})], want={"p": "a", "q": NONE},
    says={"q": "node lacks the label of a topology spread constraint"})
row("spread-cordon", "4.1: nodeTaintsPolicy ignores a bare cordon", [node("a", labels={"zone": "1"}), node("b", labels={"zone": "2"}, unschedulable=True)],
    [pod(f"p-{i}", labels={"app": "s"}, topologySpreadConstraints=spread(1, nodeTaintsPolicy="Honor")) for i in range(2)], count={"p-": 1})

row("affinity-namespaces", "4: namespaceSelector", ZONES, [pod("w", labels={"app": "w"}, nodeSelector={"zone": "2"}),
    pod("p", affinity=near("podAffinity", "zone", {"app": "w"}, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "affinity-namespaces"}})),
    pod("q", affinity=near("podAffinity", "zone", {"app": "w"}, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}))], want={"p": "b", "q": NONE},
    says={"q": "pod affinity is not met"})
row("affinity-label-keys", "4: matchLabelKeys of affinity", ZONES, [pod("w", labels={"app": "w", "rev": "1"}, nodeSelector={"zone": "2"}),
    pod("p", labels={"rev": "1"}, affinity=near("podAffinity", "zone", {"app": "w"}, matchLabelKeys=["rev"])),
    pod("q", labels={"rev": "2"}, affinity=near("podAffinity", "zone", {"app": "w"}, matchLabelKeys=["rev"]))], want={"p": "b", "q": NONE}, says={"q": "pod affinity is not met"})
SLOW = [node("a", labels={"zone": "1"}, fake=False)]
row("terminating", "4.1: who is being deleted counts", SLOW, [pod("p", gpus=8, grace=600)], want={"p": "a"},
    then=[step(lambda ns: (delete("Pod", "p", ns), create(ready(ns, pod("q", gpus=8)))), want={"q": NONE}, says={"q": "insufficient nvidia.com/gpu"}),
          step(lambda ns: delete("Pod", "p", ns, grace=0), want={"q": "a"})])
row("terminating-spread", "4.1: but not in topology spread", SLOW + [node("b", labels={"zone": "2"}, unschedulable=True)],
    [pod("p", labels={"app": "s"}, grace=600, topologySpreadConstraints=spread(1))], want={"p": "a"},
    then=[step(lambda ns: create(ready(ns, pod("q", labels={"app": "s"}, topologySpreadConstraints=spread(1)))), want={"q": NONE}, says={"q": "a topology spread constraint would be broken"}),
          step(lambda ns: delete("Pod", "p", ns), want={"q": "a"})])

RULES = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]
row("features", "4: a node must declare what the kubelet has to do for the pod", AB,
    [pod("p", containers=[{"name": "c", "image": "none", "restartPolicy": "Never", "restartPolicyRules": RULES}])], want={"p": NONE},
    says={"p": "2 nodes: node does not declare the feature RestartAllContainersOnContainerExits"},
    then=[step(lambda ns: patch("Node", f"{ns}-b", {"status": {"declaredFeatures": ["RestartAllContainersOnContainerExits"]}}, sub="/status"), want={"p": "b"})])

# --- 4: volumes and devices -------------------------------------------------------------------------------------------------


def volume(name, ns_of=None, terms=None, labels=None):
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "labels": labels or {}},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "none", "hostPath": {"path": "/x"},
                     **({"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}} if terms else {})}}


def claim(name, bound=None, mode="ReadWriteOnce", cls="none"):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "annotations": {"pv.kubernetes.io/bind-completed": "yes"} if bound else {}},
            "spec": {"accessModes": [mode], "storageClassName": cls, "resources": {"requests": {"storage": "1Gi"}}, **({"volumeName": bound} if bound else {})}}


def uses(name):
    return {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]}


def own_claim(ns, volume_name):
    """What the controller of ephemeral volumes makes for pod p, bound."""
    c = claim("p-v", bound=volume_name)
    c["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": get("Pod", "p", ns)["metadata"]["uid"], "controller": True}]
    return create(ready(ns, c))


EPHEMERAL = {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}]}
row("volume-own", "4: an ephemeral volume's claim is the pod's own", AB, [volume("conf-own"), pod("p", **EPHEMERAL), claim("q-v", bound="conf-own"), pod("q", **EPHEMERAL)],
    want={"p": NONE, "q": NONE}, says={"p": "volume claim volume-own/p-v is not there", "q": "was not made for this pod"},
    then=[step(lambda ns: own_claim(ns, "conf-own"), want={"p": ANY, "q": NONE})])
row("volume-node", "4: node affinity of a bound volume", AB, [volume("conf-local", terms=[{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["hdd"]}]}]),
    claim("c", "conf-local"), pod("p", **uses("c"))], want={"p": "b"})
row("volume-zone", "4", [node("a", labels={"topology.kubernetes.io/zone": "z1"}), node("b", labels={"topology.kubernetes.io/zone": "z2"})],
    [volume("conf-zoned", labels={"topology.kubernetes.io/zone": "z2"}), claim("c", "conf-zoned"), pod("p", **uses("c"))], want={"p": "b"})
row("volume-missing", "4", [node("a")], [pod("p", **uses("nowhere"))], want={"p": NONE}, says={"p": "volume claim volume-missing/nowhere is not there"})
row("volume-once", "4: ReadWriteOncePod", [node("a"), node("b")], [volume("conf-once"), claim("c", "conf-once", "ReadWriteOncePod"), pod("p", **uses("c"))], want={"p": ANY},
    then=[step(lambda ns: create(ready(ns, pod("q", **uses("c")))), want={"q": NONE}, says={"q": "is ReadWriteOncePod and another pod uses it"}),
          step(lambda ns: delete("Pod", "p", ns), want={"q": ANY})])
row("volume-once-both", "4: ReadWriteOncePod, decided at once", [node("a"), node("b")], [volume("conf-both"), claim("c", "conf-both", "ReadWriteOncePod"),
    pod("p", schedulingGates=[{"name": "x"}], **uses("c")), pod("q", schedulingGates=[{"name": "x"}], **uses("c"))], want={"p": NONE, "q": NONE},
    then=[step(lambda ns: [patch("Pod", n, [{"op": "remove", "path": "/spec/schedulingGates"}], ns, how=JSON_PATCH) for n in "pq"], count={"p,q": 1})])
row("dra-claim", "4: refused by name", [node("a")], [pod("p", resourceClaims=[{"name": "x", "resourceClaimName": "y"}])], want={"p": NONE},
    says={"p": "False SchedulerError it uses resource claims (DRA), which this scheduler cannot allocate"})
row("dra-class", "4: a DeviceClass owns the resource", [node("a", more={"example.com/owned": "4"})], [pod("p", requests={"example.com/owned": "1"})], want={"p": NONE},
    says={"p": "a DeviceClass owns example.com/owned (DRA)"})

# --- 4: amounts -------------------------------------------------------------------------------------------------------------


def container(name, cpu=None, **more):
    return {"name": name, "image": "none", **({"resources": {"requests": {"cpu": cpu}}} if cpu else {}), **more}


SMALL = [node("a", cpu="4", gpus=0)]
row("init", "4: max of init and sum", SMALL, [pod("p", container={"resources": {"requests": {"cpu": "1"}}}, initContainers=[container("i", "4")]),
    pod("q", container={"resources": {"requests": {"cpu": "1"}}}, initContainers=[container("i", "5")])], want={"p": "a", "q": NONE},
    says={"q": "insufficient cpu: asks for 5000m"})
row("sidecar", "4: restartable init containers stay", SMALL, [pod("p", container={"resources": {"requests": {"cpu": "2"}}}, initContainers=[container("i", "2", restartPolicy="Always")]),
    pod("q", container={"resources": {"requests": {"cpu": "1m"}}})], want={"p": "a", "q": NONE}, says={"q": "insufficient cpu: asks for 1m"})
row("pod-level", "4: spec.resources overrides", SMALL, [pod("p", container={"resources": {"requests": {"cpu": "1"}}}, resources={"requests": {"cpu": "5"}})], want={"p": NONE},
    says={"p": "insufficient cpu: asks for 5000m"})
row("pods-per-node", "4", [node("a", pods="2")], [pod(f"p-{i}") for i in range(3)], count={"p-": 2})
row("ephemeral", "4", [node("a", more={"ephemeral-storage": "10Gi"})], [pod("p", requests={"ephemeral-storage": "8Gi"}), ], want={"p": "a"},
    then=[step(lambda ns: create(ready(ns, pod("q", requests={"ephemeral-storage": "3Gi"}))), want={"q": NONE}, says={"q": "insufficient ephemeral-storage"})])
row("hugepages", "4", [node("a", more={"hugepages-2Mi": "64Mi"})], [pod("p", requests={"hugepages-2Mi": "32Mi", "memory": "1Gi"}), pod("q", requests={"hugepages-2Mi": "128Mi", "memory": "1Gi"})],
    want={"p": "a", "q": NONE}, says={"q": "insufficient hugepages-2Mi"})
row("suffixes", "4: quantities", [node("a", cpu="1500m", gpus=0)], [pod("p", requests={"cpu": "0.5", "memory": "1e3"}), pod("q", requests={"cpu": "1000000u", "memory": "1Ki"})], want={"p": "a", "q": "a"})
row("zero", "4.1: a zero request fits a node that is overcommitted", [node("a", cpu="1", gpus=0)], [pod("p", nodeName="zero-a", nodeSelector=None, requests={"cpu": "5"}),
    pod("q", container={"resources": {}})], want={"p": "a", "q": "a"})
row("overhead", "4", SMALL, [pod("p", requests={"cpu": "3"}, runtimeClassName="conf-heavy"), pod("q", requests={"cpu": "1500m"})], want={"p": NONE, "q": "a"},
    says={"p": "insufficient cpu: asks for 5000m"})
row("mig", "2.2, 6: MIG profiles pack and do not mix", [node("a", gpus=0, more={"nvidia.com/mig-1g.10gb": "2", "nvidia.com/mig-3g.40gb": "1"}), node("b", gpus=0, more={"nvidia.com/mig-1g.10gb": "7"})],
    [pod("p-0", requests={"nvidia.com/mig-3g.40gb": "1"}), pod("p-1", requests={"nvidia.com/mig-1g.10gb": "7"}), pod("q", requests={"nvidia.com/mig-3g.40gb": "1"})],
    want={"p-1": "b"}, count={"p-0,q": 1})

# --- 4: priorities -----------------------------------------------------------------------------------------------------------

row("never", "4: preemptionPolicy Never", [node("a", gpus=8)], [pod("low", gpus=8, priorityClassName="conf-low")], want={"low": "a"},
    then=[step(lambda ns: create(ready(ns, pod("high", gpus=8, priorityClassName="conf-never"))), want={"high": NONE, "low": "a"}, says={"high": "insufficient nvidia.com/gpu"})])
row("preempt", "4: and section 6: the fewest victims", fabric("n", 1, 2), [pod(f"low-{i}", gpus=g, priorityClassName="conf-low") for i, g in enumerate((8, 4, 4))], count={"low-": 3},
    then=[step(lambda ns: create(ready(ns, pod("high", gpus=8, priorityClassName="conf-high"))), want={"high": ANY}, count={"low-": 2},
               events={("Pod", "low-0", "Preempted"): "displaced for pod preempt/high"})])

# --- 6: complaints that have an answer here ------------------------------------------------------------------------------------

row("why-counts", "6: a count and a cause", [node("a", gpus=2), node("b", gpus=2), node("c", taints=TAINT)], [pod("p", gpus=4)], want={"p": NONE},
    says={"p": "none of"}, events={("Pod", "p", "FailedScheduling"): "2 nodes: insufficient nvidia.com/gpu: asks for 4"})
row("no-deadlock", "6: two gangs of which one fits", fabric("n", 1, 3), [gang("x", 2), gang("y", 2)] + [pod(f"{g}-{i}", gpus=8, labels={"aipc.dev/gang": g}) for i in range(2) for g in "xy"],
    whole=["x-", "y-"], count={"": 2})
row("requeue", "6: room that was freed wakes who waits", fabric("n", 1, 1), [pod("p", gpus=8)], want={"p": ANY},
    then=[step(lambda ns: create(ready(ns, pod("q", gpus=8))), want={"q": NONE}, says={"q": "insufficient nvidia.com/gpu"}), step(lambda ns: delete("Pod", "p", ns), want={"q": ANY})])
NV = [node(f"{d}-{i}", labels={"aipc.dev/nvlink-domain": d}) for d in ("d1", "d2") for i in range(2)]
row("no-new-domain", "6: a small pod breaks no empty NVLink domain", NV, [pod("p-0", gpus=8)], want={"p-0": ANY},
    then=[step(lambda ns: create(ready(ns, pod("p-1", gpus=1))), count={"p-": 2}, same=[("aipc.dev/nvlink-domain", "p-")])])
row("hashed-labels", "trap: labels of 63 characters", [node(f"{'ab'[r]}{i}", labels={"aipc.dev/leaf": "x" + "ab"[r] * 61 + "z"}) for r in range(2) for i in range(2)],
    [gang("g", 2, required="aipc.dev/leaf")] + [pod(f"p-{i}", gpus=8, labels=own) for i in range(2)], count={"p-": 2}, same=[("aipc.dev/leaf", "p-")])


# --- running it -----------------------------------------------------------------------------------------------------------------

def ready(ns, o):
    """O as it is made for its row: in its namespace, on its nodes."""
    o = copy.deepcopy(o)
    if o["kind"] == "Node":
        name = f"{ns}-{o['metadata']['name']}"
        o["metadata"]["name"] = name
        labels = o["metadata"]["labels"]
        labels["kubernetes.io/hostname"], labels["row"] = name, ns
        for key in [k for k in labels if k.startswith("aipc.dev/") and len(labels[k]) < 30]:
            labels[key] = f"{ns}-{labels[key]}"
    elif o["kind"] not in ("PersistentVolume",):
        o["metadata"]["namespace"] = ns
    if o["kind"] == "Pod":
        spec = o["spec"]
        if spec.get("nodeSelector", {}) is None:
            del spec["nodeSelector"]
        else:
            spec["nodeSelector"] = {**spec.get("nodeSelector", {}), "row": ns}
    return o


def matches(have, want):
    """WANT is in HAVE: of objects the keys named, of lists one element each."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(matches(have.get(k), v) for k, v in want.items())
    if isinstance(want, list):
        return isinstance(have, list) and all(any(matches(h, w) for h in have) for w in want)
    return have == want or (want == 0 and have is None)


# --- what no server here serves: decided from a file ------------------------------------------------------------------------------

BETA = "scheduling.k8s.io/v1beta1"
OFFLINE = [
    # name, nodes, objects, how many are placed, what a pod of the rest says
    ("v1beta1 gang in one leaf", LEAVES, [pod_group("g", 2, topology="aipc.dev/leaf", version=BETA, disruptionMode={"all": {}})] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)], 2, None),
    ("v1beta1 gang that is too few", LEAVES, [pod_group("g", 3, version=BETA)] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)], 0, "2 of at least 3 pods are there"),
    ("v1beta1 basic", fabric("n", 1, 1), [pod_group("g", None, version=BETA)] + [grouped(f"p-{i}", "g", gpus=8) for i in range(2)], 1, "insufficient nvidia.com/gpu"),
    ("v1beta1 in a composite", LEAVES, [pod_group("g", 1, version=BETA, parentCompositePodGroupName="c"), grouped("p", "g")], 0, "CompositePodGroup, which this scheduler does not read"),
    ("v1alpha1 link of a pod", LEAVES, [pod("p", workloadRef={"name": "w", "podGroup": "g"})], 0, "a Workload of scheduling.k8s.io/v1alpha1, which is not read"),
    ("an unknown version of ours", LEAVES, [{**gang("g", 9), "apiVersion": "aipc.dev/v9"}, pod("p", labels=own)], None, None),
]


def offline(program):
    for name, nodes, objects, placed, says in OFFLINE:
        with open("offline.json", "w") as f:
            json.dump({"apiVersion": "v1", "kind": "List", "items": nodes + objects}, f)
        out = json.loads(subprocess.run([program, "simulate", "-f", "offline.json"], stdout=subprocess.PIPE, check=True).stdout)
        check(f"{name}: placed", placed is None or len(out["placements"]) == placed, out)
        check(f"{name}: '{says}'", not says or any(says in r for p in out["pending"] for r in p["reasons"]), out)
    print(f"{len(OFFLINE)} scenarios from files")


class World:
    """All there is, read once for all rows."""
    def __init__(self):
        self.pods, self.events = {}, {}
        for p in items("/api/v1/pods"):
            self.pods.setdefault(p["metadata"]["namespace"], {})[p["metadata"]["name"]] = p
        for e in events():
            r = e["regarding"]
            self.events.setdefault((r.get("namespace"), r["kind"], r["name"], e["reason"]), []).append(e.get("note", ""))
        self.labels = {n["metadata"]["name"]: n["metadata"]["labels"] for n in items("/api/v1/nodes")}

    def some(self, ns, which):
        return {n: p for n, p in self.pods.get(ns, {}).items() if (n in which.split(",") if "," in which else n.startswith(which))}


def problems(w, ns, want, final):
    """What is not as WANT says, in words. FINAL: also what must not happen."""
    pods, bad = w.pods.get(ns, {}), []
    for name, at in want.get("want", {}).items():
        got = node_of(pods.get(name))
        if at is NONE:
            bad += [f"{name} is on {got}"] if got else []
        elif not got or (at != ANY and got != f"{ns}-{at}"):
            bad.append(f"{name} is on {got}, not on {at}: {said(pods.get(name))}")
    for prefix, n in want.get("count", {}).items():
        got = sum(1 for p in w.some(ns, prefix).values() if node_of(p) and not p["metadata"].get("deletionTimestamp"))
        if got != n:
            bad.append(f"{got} pods {prefix}* have a node, not {n}")
    for kind in "same", "apart", "even":
        for key, prefix, *rest in want.get(kind, []):
            values = [w.labels.get(node_of(p), {}).get(key) for p in w.some(ns, prefix).values() if node_of(p)]
            each = {v: values.count(v) for v in values}
            if not values or (kind == "same" and len(each) != 1) or (kind == "apart" and len(each) != len(values)) or (kind == "even" and set(each.values()) != set(rest)):
                bad.append(f"{key} of {prefix}*: {values}, wanted {kind}")
    for prefix in want.get("whole", []):
        bound = {bool(node_of(p)) for p in w.some(ns, prefix).values()}
        bad += [f"{prefix}* is not whole"] if len(bound) != 1 else []
    for name, text in want.get("says", {}).items():
        if text not in said(pods.get(name)):
            bad.append(f"{name} says '{said(pods.get(name))}', not '{text}'")
    for (kind, name, reason), text in want.get("events", {}).items():
        notes = w.events.get((ns, kind, name, reason), [])
        if not any(text in n for n in notes):
            bad.append(f"no event {reason} about {kind} {name} with '{text}': {notes}")
    for (kind, name, version), status in want.get("status", {}).items():
        got = (get(kind, name, ns, version) or {}).get("status")
        if not matches(got, status):
            bad.append(f"status of {kind} {name} is {got}, not {status}")
    return bad


def kinds():
    serve_crd(COSCHEDULING_CRD)
    for name, value, policy in ("conf-low", 10, None), ("conf-high", 1000, None), ("conf-never", 1000, "Never"):
        create({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value, **({"preemptionPolicy": policy} if policy else {})})
    call("POST", "/apis/node.k8s.io/v1/runtimeclasses", {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "conf-heavy"}, "handler": "h",
                                                         "overhead": {"podFixed": {"cpu": "2"}}})
    create({"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "owned"}, "spec": {"extendedResourceName": "example.com/owned"}})


def start(r):
    ns = r["name"]
    create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}})
    for o in r["nodes"] + [o for o in r["objects"] if o["kind"] != "Pod"] + [o for o in r["objects"] if o["kind"] == "Pod"]:
        try:
            create(ready(ns, o))
        except Refused as e:
            return str(e)
    return None


def rows(pattern, port, seconds=150):
    began = time.monotonic()
    chosen = [r for r in ROWS if pattern in r["name"]]
    check("names are there once", len({r["name"] for r in ROWS}) == len(ROWS))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        refused = dict(zip((r["name"] for r in chosen), pool.map(start, chosen)))
    for r in [r for r in chosen if refused[r["name"]]]:
        print(f"FAILED {r['name']}: the server takes it not: {refused[r['name']]}")
        chosen.remove(r)
    at, bad = {r["name"]: 0 for r in chosen}, {}
    while any(at[r["name"]] < len(r["steps"]) for r in chosen):
        w = World()
        for r in chosen:
            ns = r["name"]
            if at[ns] == len(r["steps"]):
                continue
            bad[ns] = problems(w, ns, r["steps"][at[ns]][1], False)
            if not bad[ns]:
                at[ns] += 1
                if at[ns] < len(r["steps"]) and r["steps"][at[ns]][0]:
                    r["steps"][at[ns]][0](ns)
        if time.monotonic() - began > seconds:
            break
        time.sleep(0.3)
    time.sleep(1)
    w, failed = World(), sum(1 for e in refused.values() if e)
    for r in chosen:
        ns = r["name"]
        last = bad[ns] if at[ns] < len(r["steps"]) else problems(w, ns, r["steps"][-1][1], True)
        for line in last:
            print(f"FAILED {ns} ({r['section']}), step {min(at[ns], len(r['steps']) - 1)}: {line}")
        failed += bool(last)
    numbers = metrics(int(port))
    check("no binding failed", numbers.get('aipc_scheduler_bindings_total{result="failed"}', 0) == 0, numbers)
    print(f"{len(refused)} scenarios in {time.monotonic() - began:.0f} s, {failed} failed")
    sys.exit(bool(failed))


globals()[sys.argv[1]](*sys.argv[2:])
