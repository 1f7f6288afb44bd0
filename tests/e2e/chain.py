"""What chain.sh looks at: the kubelets' part of the nodes, the objects of a user, the gang placed, the gang repaired."""
import json
import os
import sys

from ctl_live import AIPC, annotate, api, check, condition, eventually, merge, policy, taint

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods?labelSelector=aipc.dev/gang=train"


def nodes():
    return {n["metadata"]["name"]: n for n in api("GET", "/api/v1/nodes")["items"]}


def kubelets():
    """What a kubelet and a device plugin say: the node is there, with the devices that were declared."""
    for name, n in nodes().items():
        merge(f"/api/v1/nodes/{name}", {"metadata": {"annotations": {"kwok.x-k8s.io/node": "fake"}}})
        have = {"cpu": "192", "memory": "2Ti", "pods": "110"}
        if "aipc.dev/mig-layout" in n["metadata"]["labels"]:
            have.update({"nvidia.com/mig-1g.10gb": "32", "nvidia.com/mig-2g.20gb": "4", "nvidia.com/mig-4g.40gb": "4"})
        else:
            have["nvidia.com/gpu"] = "8"
        api("PATCH", f"/api/v1/nodes/{name}/status", {"status": {"allocatable": have, "capacity": have, "nodeInfo": {"bootID": "boot-1"}}},
            "application/strategic-merge-patch+json")


def policies():
    policy("health")
    check("apply emitted the levels of the fabric", api("GET", f"{AIPC}/fabrictopologies/default"))
    api("POST", f"{AIPC}/sparepools", {"apiVersion": "aipc.dev/v1alpha1", "kind": "SparePool", "metadata": {"name": "spares"}, "spec": {}})
    api("POST", f"{AIPC}/namespaces/default/gangs", {"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": "train", "namespace": "default"},
                                                      "spec": {"min": 16, "required": "leaf"}})
    pod = {"schedulerName": "aipc", "restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [
        {"name": "train", "image": "train", "resources": {"limits": {"nvidia.com/gpu": "8"}}}]}
    api("POST", JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "namespace": "default"}, "spec": {
        "completionMode": "Indexed", "completions": 16, "parallelism": 16, "backoffLimit": 100,
        "template": {"metadata": {"labels": {"aipc.dev/gang": "train"}}, "spec": pod}}})
    eventually("the spares are counted", lambda: api("GET", f"{AIPC}/sparepools/spares").get("status", {}).get("free") == 4)


def ranks():
    """Of each rank the node and the uid of its pod."""
    out = {}
    for p in api("GET", PODS)["items"]:
        node = p["spec"].get("nodeName")
        if node and "deletionTimestamp" not in p["metadata"]:
            out[int(p["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"])] = (node, p["metadata"]["uid"], p["metadata"]["annotations"].get("aipc.dev/rank"))
    return out


def leaves(places):
    all_nodes = nodes()
    return {all_nodes[node]["metadata"]["labels"]["aipc.dev/leaf"] for node, *_ in places.values()}


def placed():
    got = eventually("16 pods are bound", lambda: (lambda r: r if len(r) == 16 else None)(ranks()), 120)
    check("on 16 nodes", len({node for node, *_ in got.values()}) == 16, got)
    check("in one leaf", len(leaves(got)) == 1, leaves(got))
    check("not on spares", not any(nodes()[node]["metadata"]["labels"].get("aipc.dev/spare") for node, *_ in got.values()), got)
    check("each with its rank", all(rank is None or int(rank) == i for i, (_, _, rank) in got.items()), got)
    json.dump(got, open("placed.json", "w"))
    print("16 pods bound in", *leaves(got))


def repaired():
    before = {int(k): tuple(v) for k, v in json.load(open("placed.json")).items()}
    failed = (3, 11)
    for rank in failed:
        annotate(before[rank][0], xid="79")
    for rank in failed:
        eventually(f"{before[rank][0]} is fenced", lambda: taint(before[rank][0], "aipc.dev/unhealthy"))
    gang = f"{AIPC}/namespaces/default/gangs/train"

    def whole():
        c = condition(api("GET", gang), "Repairing")
        return c and c["reason"] == "Repaired" and ranks()
    after = eventually("the gang is repaired", whole, 120)
    check("all ranks are there", sorted(after) == list(range(16)), after)
    check("who was well stayed", all(after[r] == before[r] for r in range(16) if r not in failed), (before, after))
    check("the failed ranks are on spares", all(nodes()[after[r][0]]["metadata"]["labels"].get("aipc.dev/spare") == "true" for r in failed), after)
    check("of the same leaf", leaves(after) == leaves(before), leaves(after))
    pool = eventually("the pool counts", lambda: (lambda s: s if (s["free"], s["inUse"]) == (2, 2) else None)(api("GET", f"{AIPC}/sparepools/spares")["status"]))
    for r in failed:
        print(f"rank {r}: {before[r][0]} -> {after[r][0]}")
    print(f"spares: {pool['free']} free, {pool['inUse']} in use")


if __name__ == "__main__":
    assert os.environ["SERVER"]
    globals()[sys.argv[1]](*sys.argv[2:])
