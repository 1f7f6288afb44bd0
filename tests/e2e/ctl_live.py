"""What ctl-live.sh looks at: one function for each part. It talks to the API server itself, plays the Job and the scheduler of a gang, and kills the
controller at random instants. Arguments: PART and its own; $SERVER, $TOKEN and $KUBECONFIG say where."""
import json, os, random, re, signal, ssl, subprocess, sys, threading, time, urllib.error, urllib.request

TLS = ssl._create_unverified_context()
PATIENCE = 90
AIPC = "/apis/aipc.dev/v1alpha1"


def api(method, path, body=None, kind="application/json", ok=(200, 201)):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["SERVER"] + path, data=data, method=method,
                                     headers={"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": kind})
    try:
        with urllib.request.urlopen(request, context=TLS, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as e:
        text = e.read().decode(errors="replace")
        if e.code in ok:
            return json.loads(text)
        if e.code == 404:
            return None
        raise SystemExit(f"{method} {path}: {e.code} {text[:400]}")


def merge(path, body):
    return api("PATCH", path, body, "application/merge-patch+json")


def eventually(what, fn, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > until:
            raise SystemExit(f"FAILED: did not come true in {seconds} s: {what}; the last look gave {got!r}")
        time.sleep(0.1)


def check(what, cond, shown=None):
    if not cond:
        raise SystemExit(f"FAILED: {what}: {shown}")


# --- nodes -------------------------------------------------------------------------------------------------------------------

def node(name, labels=None, allocatable=None, leaf="l1", spine="s1"):
    keys = {"aipc.dev/pool": "train", "aipc.dev/fabric": "f", "aipc.dev/spine-group": spine, "aipc.dev/leaf": leaf}
    keys.update(labels or {})
    api("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": keys, "annotations": {"kwok.x-k8s.io/node": "fake"}}})
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    resources = {"nvidia.com/gpu": "8", "cpu": "64", "memory": "512Gi", "pods": "110"} if allocatable is None else allocatable
    status = {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now, "lastTransitionTime": now}],
              "allocatable": resources, "capacity": resources, "nodeInfo": {"bootID": "boot-1"}}
    api("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, "application/strategic-merge-patch+json")


def get_node(name):
    return api("GET", f"/api/v1/nodes/{name}")


def taint(name, key):
    for t in get_node(name)["spec"].get("taints", []):
        if t["key"] == key:
            return t
    return None


def annotate(name, **notes):
    merge(f"/api/v1/nodes/{name}", {"metadata": {"annotations": {"aipc.dev/" + k: v for k, v in notes.items()}}})


def events(kind, name, reason):
    items = api("GET", "/apis/events.k8s.io/v1/events")["items"]
    return [e for e in items if e["regarding"]["kind"] == kind and e["regarding"]["name"] == name and e["reason"] == reason]


def told_once(kind, name, reason):
    eventually(f"an event {reason} about {kind} {name}", lambda: events(kind, name, reason))
    got = events(kind, name, reason)
    check(f"one event {reason} about {kind} {name}", len(got) == 1 and got[0].get("series", {}).get("count", 1) == 1, [e.get("note") for e in got])


def policy(name, **spec):
    api("POST", f"{AIPC}/nodehealthpolicies", {"apiVersion": "aipc.dev/v1alpha1", "kind": "NodeHealthPolicy", "metadata": {"name": name}, "spec": spec})


def condition(obj, kind):
    return next((c for c in (obj or {}).get("status", {}).get("conditions", []) if c["type"] == kind), None)


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as r:
        return r.read().decode()


def metric(port, pattern):
    return sum(float(m.group(1)) for m in re.finditer("^" + pattern + r" ([0-9.e+]+)$", metrics(port), re.M))


def ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


# --- parts -------------------------------------------------------------------------------------------------------------------

def guard(port):
    policy("health", blastRadius={"limits": [{"level": "cluster", "percent": 20}]}, recoverSeconds=2, guard={"graceSeconds": 3})
    node("g1", {"aipc.dev/gpu-count": "8"}, {"nvidia.com/gpu": "4", "cpu": "64", "memory": "512Gi", "pods": "110"})
    began = time.monotonic()
    eventually("the suspicion is noted", lambda: "aipc.dev/guard-note" in get_node("g1")["metadata"]["annotations"])
    check("no taint within the grace", not taint("g1", "aipc.dev/guard") or time.monotonic() - began > 2.5)
    t = eventually("the guard taint", lambda: taint("g1", "aipc.dev/guard"))
    check("the taint has the reason", t["value"] == "GpuCount" and t["effect"] == "NoSchedule", t)
    check("the grace was kept", time.monotonic() - began >= 2, time.monotonic() - began)
    c = eventually("the node's condition", lambda: condition(get_node("g1"), "AipcGuarded"))
    check("the condition", c["status"] == "True" and c["reason"] == "GpuCount", c)
    got = eventually("two events", lambda: len(events("Node", "g1", "GpuCount")) == 2 and events("Node", "g1", "GpuCount"))
    check("suspected, then guarded", sorted(e["note"].split(":")[0] for e in got) == ["kept out of use", "not what was declared"], [e["note"] for e in got])
    api("PATCH", "/api/v1/nodes/g1/status", {"status": {"allocatable": {"nvidia.com/gpu": "8"}}}, "application/strategic-merge-patch+json")
    eventually("the taint goes with its cause", lambda: not taint("g1", "aipc.dev/guard"))
    eventually("and so does the note", lambda: "aipc.dev/guard-note" not in get_node("g1")["metadata"]["annotations"])
    eventually("the condition says so", lambda: condition(get_node("g1"), "AipcGuarded")["status"] == "False")
    check("a metric", metric(port, r'aipc_controller_decisions_total\{controller="guard",do="guard",reason="GpuCount"\}') == 1, metrics(port))


def health(port):
    for i in range(9):
        node(f"h{i}")
    merge("/api/v1/nodes/h8", {"spec": {"taints": [{"key": "aipc.dev/unhealthy", "value": "ByHand", "effect": "NoSchedule"}]}})
    annotate("h0", xid="79")
    t = eventually("the fence", lambda: taint("h0", "aipc.dev/unhealthy"))
    check("its reason", t["value"] == "XidRebootNode", t)
    told_once("Node", "h0", "XidRebootNode")
    # Ten nodes are ruled: two may be fenced, and one is fenced by hand.
    annotate("h1", xid="95")
    told_once("Node", "h1", "BlastRadius")
    p = eventually("the policy says that it holds", lambda: (lambda o: o if (condition(o, "Holding") or {}).get("status") == "True" else None)(
        api("GET", f"{AIPC}/nodehealthpolicies/health")))
    check("its numbers", (p["status"]["nodes"], p["status"]["fenced"], p["status"]["held"]) == (10, 2, 1), p["status"])
    for i in range(8):       # rounds in which nothing is new
        annotate("h2", round=str(i))
        time.sleep(0.3)
    check("nothing beyond the limit", not taint("h1", "aipc.dev/unhealthy"))
    told_once("Node", "h1", "BlastRadius")
    check("it stands", metric(port, r'aipc_controller_standing\{controller="health",do="hold",reason="BlastRadius"\}') == 1, metrics(port))
    # A reboot clears what called for one; then there is room for the one that was held.
    annotate("h0", xid=None)
    api("PATCH", "/api/v1/nodes/h0/status", {"status": {"nodeInfo": {"bootID": "boot-2"}}}, "application/strategic-merge-patch+json")
    eventually("the fence is lifted", lambda: not taint("h0", "aipc.dev/unhealthy"))
    told_once("Node", "h0", "Recovered")
    eventually("the held one is fenced now", lambda: taint("h1", "aipc.dev/unhealthy"))
    check("what a person fenced stays", taint("h8", "aipc.dev/unhealthy")["value"] == "ByHand")
    merge("/api/v1/nodes/h8", {"spec": {"taints": None}})
    # A kernel line that node-problem-detector made an event of.
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    api("POST", "/api/v1/namespaces/default/events", {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "h3.xid", "namespace": "default"}, "reason": "XidError", "type": "Warning",
        "involvedObject": {"kind": "Node", "name": "h3", "apiVersion": "v1"}, "source": {"component": "kernel-monitor", "host": "h3"},
        "firstTimestamp": now, "lastTimestamp": now, "count": 1, "message": "NVRM: Xid (PCI:0000:5d:00): 79, pid=1234, GPU has fallen off the bus."})
    eventually("an event fences too", lambda: taint("h3", "aipc.dev/unhealthy"))


def undo(port):
    """The policy goes: what it did goes with it, and the policy only then."""
    check("it has the finalizer", api("GET", f"{AIPC}/nodehealthpolicies/health")["metadata"].get("finalizers") == ["aipc.dev/fences"])
    api("DELETE", f"{AIPC}/nodehealthpolicies/health")
    eventually("the policy is gone", lambda: api("GET", f"{AIPC}/nodehealthpolicies/health") is None)
    for n in ("h1", "h3"):
        check(f"the fence of {n} is gone", not taint(n, "aipc.dev/unhealthy") and "aipc.dev/fence" not in get_node(n)["metadata"]["annotations"], get_node(n))
        annotate(n, xid=None)
    told_once("Node", "h1", "PolicyDeleted")
    for i in range(9):
        api("DELETE", f"/api/v1/nodes/h{i}")
    api("DELETE", "/api/v1/nodes/g1")


class Watch(threading.Thread):
    """All changes of a collection from now on."""
    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.seen = path, []
        self.version = api("GET", path)["metadata"]["resourceVersion"]
        self.start()

    def run(self):
        while True:
            try:
                url = f"{os.environ['SERVER']}{self.path}?watch=true&resourceVersion={self.version}&timeoutSeconds=600"
                request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
                with urllib.request.urlopen(request, context=TLS, timeout=600) as answer:
                    for line in answer:
                        e = json.loads(line)
                        self.seen.append((e["type"], e["object"]))
                        self.version = e["object"]["metadata"]["resourceVersion"]
            except OSError:
                time.sleep(0.2)


class Gang:
    """A gang of SIZE nodes with one pod each, whose pods are made anew when they go, on the node that the Gang's status names."""
    def __init__(self, name, size, leaf):
        self.name, self.size = name, size
        self.path = f"{AIPC}/namespaces/default/gangs/{name}"
        api("POST", f"{AIPC}/namespaces/default/gangs", {"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": name, "namespace": "default"},
                                                          "spec": {"min": size, "required": "spine-group"}})
        for i in range(size):
            node(f"{name}-n{i}", leaf=leaf)
            self.pod(i, f"{name}-n{i}")
        self.watch = Watch("/api/v1/namespaces/default/pods")
        self.at = 0
        self.deleted = {}

    def pod(self, rank, on):
        api("POST", "/api/v1/namespaces/default/pods", {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"{self.name}-{rank}", "namespace": "default", "labels": {"aipc.dev/gang": self.name}, "annotations": {"aipc.dev/rank": str(rank)}},
            "spec": {"nodeName": on, "terminationGracePeriodSeconds": 1, "containers": [
                {"name": "c", "image": "i", "resources": {"requests": {"nvidia.com/gpu": "8"}, "limits": {"nvidia.com/gpu": "8"}}}]}})

    def get(self):
        return api("GET", self.path)

    def replacements(self):
        return {r["rank"]: r for r in self.get().get("status", {}).get("replacements", [])}

    def play(self):
        """The Job makes a deleted pod anew, the scheduler binds it where the status says."""
        while self.at < len(self.watch.seen):
            what, p = self.watch.seen[self.at]
            self.at += 1
            if what != "DELETED" or p["metadata"]["labels"].get("aipc.dev/gang") != self.name:
                continue
            rank, uid = int(p["metadata"]["annotations"]["aipc.dev/rank"]), p["metadata"]["uid"]
            check(f"the pod {p['metadata']['name']} {uid} went once", uid not in self.deleted)
            self.deleted[uid] = rank
            entry = self.replacements().get(rank)
            check(f"rank {rank} has a place before its pod goes", entry and entry["uid"] == uid, entry)
            self.pod(rank, entry["node"])

    def settled(self):
        self.play()
        g = self.get()
        c = condition(g, "Repairing")
        return not g.get("status", {}).get("replacements") and c and c["status"] == "False" and c["reason"] == "Repaired"

    def places(self):
        pods = api("GET", f"/api/v1/namespaces/default/pods?labelSelector=aipc.dev/gang={self.name}")["items"]
        return {int(p["metadata"]["annotations"]["aipc.dev/rank"]): (p["spec"]["nodeName"], p["metadata"]["uid"]) for p in pods}

    def heal(self, names):
        """The failed nodes come back: as spares."""
        for n in names:
            api("DELETE", f"/api/v1/nodes/{n}")

    def end(self):
        api("DELETE", self.path)
        for p in api("GET", f"/api/v1/namespaces/default/pods?labelSelector=aipc.dev/gang={self.name}")["items"]:
            api("DELETE", f"/api/v1/namespaces/default/pods/{p['metadata']['name']}?gracePeriodSeconds=0")


def swap(port):
    policy("swap", blastRadius={"limits": [{"level": "cluster", "percent": 60}]})
    api("POST", f"{AIPC}/sparepools", {"apiVersion": "aipc.dev/v1alpha1", "kind": "SparePool", "metadata": {"name": "spares"}, "spec": {}})
    api("POST", f"{AIPC}/fabrictopologies", {"apiVersion": "aipc.dev/v1alpha1", "kind": "FabricTopology", "metadata": {"name": "default"}, "spec": {
        "levels": [{"name": n, "nodeLabel": "aipc.dev/" + n} for n in ("fabric", "spine-group", "leaf")]}})
    gang = Gang("a", 5, "l1")
    for name, leaf in (("s1", "l2"), ("s2", "l1"), ("s3", "l1")):
        node(name, {"aipc.dev/spare": "true"}, leaf=leaf)
    pool = eventually("three free spares", lambda: (lambda o: o if o.get("status", {}).get("free") == 3 else None)(api("GET", f"{AIPC}/sparepools/spares")))
    check("the pool has enough", condition(pool, "Enough")["status"] == "True", pool["status"])
    topology = eventually("the topology is ready", lambda: (lambda o: o if (condition(o, "Ready") or {}).get("status") == "True" else None)(
        api("GET", f"{AIPC}/fabrictopologies/default")))
    check("its numbers", topology["status"]["nodes"] == 8 and condition(topology, "Ready")["observedGeneration"] == topology["metadata"]["generation"], topology["status"])
    before, gangs = gang.places(), Watch(f"{AIPC}/namespaces/default/gangs")
    annotate("a-n1", xid="79")
    annotate("a-n3", xid="79")
    eventually("the gang is repaired", gang.settled)
    counts = [len(o.get("status", {}).get("replacements", [])) for _, o in gangs.seen]
    check("both were replaced in one write", counts and max(counts) == 2 and counts[counts.index(2) - 1 if counts.index(2) else 0] in (0, 2), counts)
    after = gang.places()
    check("the survivors are where they were", all(after[r] == before[r] for r in (0, 2, 4)), (before, after))
    check("the failed went to the nearest spares", sorted((after[1][0], after[3][0])) == ["s2", "s3"], after)
    check("two pods were deleted", len(gang.deleted) == 2, gang.deleted)
    told_once("Gang", "a", "Replacing")
    told_once("Gang", "a", "Repaired")
    pool = eventually("the pool counts", lambda: (lambda o: o if (o["status"]["free"], o["status"]["inUse"]) == (1, 2) else None)(api("GET", f"{AIPC}/sparepools/spares")))
    # More failures than spares: nothing is touched, it is said once, and a new spare ends it.
    annotate("a-n0", xid="79")
    annotate("a-n2", xid="79")
    c = eventually("the gang says that spares are missing", lambda: (lambda c: c if c["reason"] == "NoSpare" else None)(condition(gang.get(), "Repairing")))
    check("nothing is being done", c["status"] == "False" and len(gang.deleted) == 2, c)
    told_once("Gang", "a", "NoSpare")
    node("s4", {"aipc.dev/spare": "true"})
    eventually("the gang is repaired again", gang.settled)
    after = gang.places()
    check("ranks were kept", sorted(after) == [0, 1, 2, 3, 4] and {after[0][0], after[2][0]} == {"s1", "s4"}, after)
    gang.end()
    for n in [f"a-n{i}" for i in range(5)] + ["s1", "s2", "s3", "s4"]:
        api("DELETE", f"/api/v1/nodes/{n}")


def start_controller(*more):
    log = open("controller-kill.log", "ab")
    return subprocess.Popen(["aipc-runtime", "controller", "--no-leader-elect", "--listen", "127.0.0.1:0", *more], stdout=log, stderr=log)


def kill(rounds, seed):
    """kill -9 at random instants while two nodes of a gang are replaced; what was half done is finished by the next, nothing twice."""
    random.seed(int(seed))
    kills = 0
    for i in range(int(rounds)):
        gang = Gang(f"k{i}", 6, "l1")
        for s in range(3):
            node(f"k{i}-s{s}", {"aipc.dev/spare": "true"}, leaf="l1")
        before = gang.places()
        c = start_controller()
        time.sleep(random.uniform(0.2, 1.0))
        annotate(f"k{i}-n1", xid="79")
        annotate(f"k{i}-n4", xid="79")
        until = time.monotonic() + PATIENCE
        while not gang.settled():
            check("the gang is repaired in spite of kills", time.monotonic() < until, gang.get().get("status"))
            if kills < (i + 1) * 3:
                time.sleep(random.uniform(0, 0.5))
                c.send_signal(signal.SIGKILL)
                c.wait()
                kills += 1
                c = start_controller()
            gang.play()
            time.sleep(0.05)
        after = gang.places()
        check("two pods were replaced, four stayed", sum(before[r] == after[r] for r in range(6)) == 4 and len(gang.deleted) == 2, (before, after))
        check("on spares", all(after[r][0].startswith(f"k{i}-s") for r in (1, 4)), after)
        c.send_signal(signal.SIGTERM)
        check("it ends with 0", c.wait(30) == 0, c.returncode)
        gang.end()
        for n in [f"k{i}-n{j}" for j in range(6)] + [f"k{i}-s{j}" for j in range(3)]:
            api("DELETE", f"/api/v1/nodes/{n}")
    print(f"{rounds} gangs repaired through {kills} kills")


def audited(log):
    """By the API server's own record: no pod was deleted twice by a controller."""
    done = {}
    for line in open(log):
        e = json.loads(line)
        ref = e.get("objectRef", {})
        if e["verb"] == "delete" and ref.get("resource") == "pods" and e.get("userAgent", "").startswith("aipc-controller"):
            uid = ((e.get("requestObject") or {}).get("preconditions") or {}).get("uid")
            check("a pod is deleted by uid only", uid, e)
            if e["responseStatus"]["code"] < 300:
                done[uid] = done.get(uid, 0) + 1
    check("no pod was deleted twice", done and all(n == 1 for n in done.values()), done)
    print(f"{len(done)} pods deleted, each once")


def fenced(name, *xid):
    annotate(name, xid=xid[0] if xid else "79")
    eventually(f"{name} is fenced", lambda: taint(name, "aipc.dev/unhealthy"))


def nodes(*names):
    for n in names:
        node(n)


def lease(holder):
    eventually(f"the lease is {holder!r}'s", lambda: api("GET", "/apis/coordination.k8s.io/v1/namespaces/aipc-system/leases/aipc-controller")["spec"].get("holderIdentity", "") == holder)


def follower(port):
    eventually("a follower is ready", lambda: ready(port) == (200, "ok"))
    check("and does not lead", metric(port, "aipc_leader") == 0)
    check("with warm caches", metric(port, r'aipc_cache_objects\{resource="nodes"\}') > 0)


def denied(port, name):
    annotate(name, xid="79")
    eventually("a refused write is counted", lambda: metric(port, r'aipc_writes_total\{verb="patch",resource="[a-z]+",result="denied"\}') > 0)
    check("nothing was done", not taint(name, "aipc.dev/unhealthy"))


def blind(port):
    eventually("what is refused is named", lambda: ready(port)[0] == 503 and "nodes: list nodes" in ready(port)[1].replace("watch nodes", "list nodes") and "forbidden" in ready(port)[1])


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
