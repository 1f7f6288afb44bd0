"""Objects for the scheduler's scripts, and what they became. See sched.bash."""
import collections
import json
import sys


def out(items):
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout)


def fabric(racks, hosts, first="0"):
    items = []
    for r in range(int(first), int(first) + int(racks)):
        for h in range(int(hosts)):
            items.append({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": f"n{r:02}-{h:02}", "annotations": {"kwok.x-k8s.io/node": "fake"},
                             "labels": {"aipc.dev/leaf": f"l{r:02}", "aipc.dev/spine-group": f"s{r // 4}", "kubernetes.io/hostname": f"n{r:02}-{h:02}"}},
                "status": {"allocatable": {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "8"},
                           "capacity": {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "8"}}})
    out(items)


def pods(name, n, more="{}"):
    more = json.loads(more)
    items = []
    for i in range(int(n)):
        labels = {"app": name, **more.get("labels", {})}
        if "gang" in more:
            labels["aipc.dev/gang"] = more["gang"]
        requests = {"cpu": "1", **({"nvidia.com/gpu": str(more.get("gpus", 8))} if more.get("gpus", 8) else {}), **more.get("requests", {})}
        container = {"name": "c", "image": "none", "resources": {"requests": requests, "limits": {k: v for k, v in requests.items() if "/" in k}}}
        container.update(more.get("container", {}))
        spec = {"schedulerName": "aipc", "terminationGracePeriodSeconds": 1, "containers": [container]}
        spec.update(more.get("spec", {}))
        items.append({"apiVersion": "v1", "kind": "Pod",
                      "metadata": {"name": f"{name}-{i}", "namespace": "default", "labels": labels, "annotations": more.get("annotations", {})}, "spec": spec})
    out(items)


def replicaset(name, n, gpus):
    """Pods that may be moved, and the controller that makes them again."""
    labels = {"app": name, "movable": "yes"}
    container = {"name": "c", "image": "none", "resources": {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": gpus}}}
    out([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "default"}, "spec": {
        "replicas": int(n), "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": labels, "annotations": {"aipc.dev/movable": "true"}},
            "spec": {"schedulerName": "aipc", "terminationGracePeriodSeconds": 30, "containers": [container]}}}}])


def gang(name, least, spec="{}"):
    out([{"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": name, "namespace": "default"}, "spec": {"min": int(least), **json.loads(spec)}}])


def gangs(first, last, size, spec="{}"):
    """Gangs with their pods, numbers FIRST to LAST, all of one List."""
    items = []
    for g in range(int(first), int(last) + 1):
        items.append({"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": f"g{g}", "namespace": "default"}, "spec": {"min": int(size), **json.loads(spec)}})
        for i in range(int(size)):
            items.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"g{g}-{i}", "namespace": "default", "labels": {"aipc.dev/gang": f"g{g}", "many": "yes"}},
                          "spec": {"schedulerName": "aipc", "terminationGracePeriodSeconds": 1, "containers": [
                              {"name": "c", "image": "none", "resources": {"requests": {"cpu": "1", "nvidia.com/gpu": "8"}, "limits": {"nvidia.com/gpu": "8"}}}]}})
    out(items)


def nodes():
    print(" ".join(sorted(p["spec"].get("nodeName", "-") for p in json.load(sys.stdin)["items"])))


def bound():
    print(sum(1 for p in json.load(sys.stdin)["items"] if p["spec"].get("nodeName")))


def says(text):
    for c in json.load(sys.stdin).get("status", {}).get("conditions", []):
        if c["type"] == "PodScheduled":
            line = f"{c['status']} {c.get('reason', '')} {c.get('message', '')}"
            print(line)
            sys.exit(text not in line)
    sys.exit("no condition PodScheduled")


def audit():
    """Problems, one a line: a machine with more GPUs given than it has, a gang that has some nodes but not all, ranks twice."""
    items = json.load(sys.stdin)["items"]
    used, have, member, least, ranks = collections.Counter(), {}, collections.defaultdict(list), {}, collections.defaultdict(list)
    for o in items:
        if o["kind"] == "Node":
            have[o["metadata"]["name"]] = int(o["status"]["allocatable"].get("nvidia.com/gpu", 0))
        elif o["kind"] == "Gang":
            least[o["metadata"]["name"]] = (o["spec"]["min"], o["spec"].get("required"))
        elif o.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            node = o["spec"].get("nodeName")
            gang = o["metadata"].get("labels", {}).get("aipc.dev/gang")
            if node:
                used[node] += sum(int(c["resources"].get("requests", {}).get("nvidia.com/gpu", 0)) for c in o["spec"]["containers"])
            if gang:
                member[gang].append(node)
                if node:
                    ranks[gang].append(o["metadata"].get("annotations", {}).get("aipc.dev/rank"))
    bad = [f"{n}: {used[n]} GPUs given, {have.get(n, 0)} there" for n in used if used[n] > have.get(n, 0)]
    for g, at in sorted(member.items()):
        n = sum(1 for a in at if a)
        if 0 < n < least.get(g, (0, None))[0]:
            bad.append(f"gang {g}: {n} of {len(at)} have a node")
        if len(set(ranks[g])) != len(ranks[g]):
            bad.append(f"gang {g}: ranks {sorted(map(str, ranks[g]))}")
        if least.get(g, (0, None))[1] == "leaf" and len({a.split("-")[0] for a in at if a}) > 1:
            bad.append(f"gang {g} is in several leaves: {at}")
    print("\n".join(bad))
    sys.exit(bool(bad))


globals()[sys.argv[1]](*sys.argv[2:])
