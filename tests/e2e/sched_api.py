"""A small client of the real API server for the scheduler's scripts, and the objects they make. $SERVER and $TOKEN say where.

Requests of a thread share its connection, so a few hundred objects a second can be made on one core.
"""
import concurrent.futures, copy, http.client, json, os, ssl, threading, time, urllib.parse

TLS = ssl._create_unverified_context()
HERE = threading.local()
PATHS = {"Node": "/api/v1/nodes", "Namespace": "/api/v1/namespaces", "Pod": "/api/v1/namespaces/{}/pods", "PersistentVolume": "/api/v1/persistentvolumes",
         "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims", "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
         "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets", "DeviceClass": "/apis/resource.k8s.io/v1/deviceclasses",
         "StorageClass": "/apis/storage.k8s.io/v1/storageclasses", "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
         "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
         "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
         "ValidatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
         "Gang": "/apis/aipc.dev/v1alpha1/namespaces/{}/gangs", "Workload": "/apis/scheduling.k8s.io/v1alpha1/namespaces/{}/workloads",
         "FabricTopology": "/apis/aipc.dev/v1alpha1/fabrictopologies", "SparePool": "/apis/aipc.dev/v1alpha1/sparepools"}
MERGE, STRATEGIC, JSON_PATCH = "application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json"


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status} {text[:500]}")
        self.status, self.text = status, text


def call(method, path, body=None, kind="application/json", patience=60):
    """The answer as JSON. A server that is away is waited for; a refusal is Refused."""
    data = None if body is None else json.dumps(body)
    head = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": kind}
    end = time.monotonic() + patience
    while True:
        try:
            if not getattr(HERE, "conn", None):
                url = urllib.parse.urlsplit(os.environ["SERVER"])
                HERE.conn = http.client.HTTPSConnection(url.hostname, url.port, context=TLS, timeout=30)
            HERE.conn.request(method, path, data, head)
            answer = HERE.conn.getresponse()
            status, text = answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            HERE.conn = None
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
            continue
        if status in (429, 503) and time.monotonic() < end:
            time.sleep(0.2)
        elif status >= 400:
            raise Refused(status, text)
        else:
            return json.loads(text) if text else None


def path_of(o, sub=""):
    version = o["apiVersion"]
    if o["kind"] == "PodGroup":
        path = f"/apis/{version}/namespaces/{{}}/podgroups"
    else:
        path = PATHS[o["kind"]]
    return path.format(o["metadata"].get("namespace", "default")) + sub


def create(o):
    """Creates O, with its status where nodes, budgets and groups have one."""
    made = call("POST", path_of(o), o)
    if o["kind"] == "PodDisruptionBudget" and "status" in o:
        call("PATCH", path_of(o, "/" + o["metadata"]["name"] + "/status"), {"status": o["status"]}, MERGE)
    return made


def create_all(objects, threads=8):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(create, objects))


def ref(kind, name, ns="default", version="v1"):
    return path_of({"kind": kind, "apiVersion": version, "metadata": {"namespace": ns}}, "/" + name)


def get(kind, name, ns="default", version="v1"):
    try:
        return call("GET", ref(kind, name, ns, version))
    except Refused as e:
        if e.status == 404:
            return None
        raise


def items(path):
    return call("GET", path)["items"]


def delete(kind, name, ns="default", version="v1", grace=None):
    try:
        call("DELETE", ref(kind, name, ns, version) + ("" if grace is None else f"?gracePeriodSeconds={grace}"))
    except Refused as e:
        if e.status != 404:
            raise


def patch(kind, name, body, ns="default", version="v1", sub="", how=MERGE):
    return call("PATCH", ref(kind, name, ns, version) + sub, body, how)


def eventually(what, fn, seconds=60):
    end = time.monotonic() + seconds
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: not in {seconds} s: {what}; the last look gave {got!r}")
        time.sleep(0.1)


def check(what, ok, shown=None):
    if not ok:
        raise SystemExit(f"FAILED: {what}: {shown}")


# --- objects -----------------------------------------------------------------------------------------------------------

def node(name, gpus=8, labels=None, taints=None, unschedulable=False, cpu="64", pods="110", more=None, fake=True):
    allocatable = {"cpu": cpu, "memory": "512Gi", "pods": pods, **({"nvidia.com/gpu": str(gpus)} if gpus else {}), **(more or {})}
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"} if fake else {}, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
            "spec": {**({"taints": taints} if taints else {}), **({"unschedulable": True} if unschedulable else {})},
            "status": {"allocatable": allocatable, "capacity": dict(allocatable)}}


def fabric(prefix, racks, hosts, spine=4, **more):
    """Nodes PREFIX-RR-HH of RACKS leaves, SPINE leaves below one spine group."""
    labels = more.pop("labels", {})
    return [node(f"{prefix}-{r:02}-{h:02}", labels={"aipc.dev/leaf": f"{prefix}-l{r:02}", "aipc.dev/spine-group": f"{prefix}-s{r // spine}", **labels}, **more)
            for r in range(racks) for h in range(hosts)]


def pod(name, ns="default", gpus=0, labels=None, notes=None, requests=None, scheduler="aipc", grace=1, container=None, **spec):
    want = {"cpu": "100m", **({"nvidia.com/gpu": str(gpus)} if gpus else {}), **(requests or {})}
    c = {"name": "c", "image": "none", "resources": {"requests": want, "limits": {k: v for k, v in want.items() if "/" in k or k.startswith("hugepages")}}}
    c.update(copy.deepcopy(container or {}))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": ns, "labels": labels or {}, "annotations": notes or {}},
            "spec": {"schedulerName": scheduler, "terminationGracePeriodSeconds": grace, "containers": [c], **spec}}


def gang(name, least=None, ns="default", **spec):
    return {"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": name, "namespace": ns}, "spec": {**({"min": least} if least else {}), **spec}}


def pod_group(name, least, ns="default", topology=None, version="scheduling.k8s.io/v1alpha2", **spec):
    """An upstream PodGroup; LEAST None: policy basic."""
    policy = {"gang": {"minCount": least}} if least else {"basic": {}}
    constraints = {"schedulingConstraints": {"topology": [{"key": topology}]}} if topology else {}
    return {"apiVersion": version, "kind": "PodGroup", "metadata": {"name": name, "namespace": ns}, "spec": {"schedulingPolicy": policy, **constraints, **spec}}


def coscheduling(name, least, ns="default"):
    return {"apiVersion": "scheduling.x-k8s.io/v1alpha1", "kind": "PodGroup", "metadata": {"name": name, "namespace": ns}, "spec": {"minMember": least}}


def crd(group, version, kind, plural, scope="Namespaced", notes=None):
    """A kind of somebody else, any shape, with a status of its own."""
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}", "annotations": notes or {}},
            "spec": {"group": group, "scope": scope, "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": kind + "List"},
                     "versions": [{"name": version, "served": True, "storage": True, "subresources": {"status": {}},
                                   "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


COSCHEDULING_CRD = crd("scheduling.x-k8s.io", "v1alpha1", "PodGroup", "podgroups", notes={"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/scheduler-plugins/pull/50"})


def serve_crd(definition):
    create(definition)
    spec = definition["spec"]
    eventually(f"{spec['names']['plural']}.{spec['group']} is served", lambda: served(f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"))


def served(path):
    try:
        call("GET", path)
        return True
    except Refused:
        return False


# --- looking ------------------------------------------------------------------------------------------------------------

def condition(o, kind):
    return next((c for c in (o or {}).get("status", {}).get("conditions", []) if c["type"] == kind), {})


def node_of(o):
    return (o or {}).get("spec", {}).get("nodeName")


def said(o):
    c = condition(o, "PodScheduled")
    return f"{c.get('status')} {c.get('reason', '')} {c.get('message', '')}"


def events():
    return items("/apis/events.k8s.io/v1/events")


def metrics(port):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    conn.request("GET", "/metrics")
    text = conn.getresponse().read().decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and line[0] != "#"}


class History(threading.Thread):
    """What the server tells of all pods from now on: once a pod has a node it keeps it. $SERVER is asked by itself, whatever happens to it."""
    def __init__(self):
        super().__init__(daemon=True)
        self.at, self.when, self.moved, self.seen, self.lost = {}, {}, [], 0, 0
        self.version = None
        self.start()

    def run(self):
        while True:
            try:
                if not self.version:
                    all_pods = call("GET", "/api/v1/pods")
                    for p in all_pods["items"]:
                        self.look(p)
                    self.version = all_pods["metadata"]["resourceVersion"]
                url = urllib.parse.urlsplit(os.environ["SERVER"])
                conn = http.client.HTTPSConnection(url.hostname, url.port, context=TLS, timeout=600)
                conn.request("GET", f"/api/v1/pods?watch=true&resourceVersion={self.version}&timeoutSeconds=600", headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
                for line in conn.getresponse():
                    e = json.loads(line)
                    if e["type"] == "ERROR":
                        self.version = None
                        self.lost += 1
                        break
                    self.look(e["object"])
                    self.version = e["object"]["metadata"]["resourceVersion"]
            except (OSError, ValueError, KeyError, Refused, http.client.HTTPException):
                time.sleep(0.1)

    def look(self, p):
        uid, n = p["metadata"]["uid"], node_of(p)
        self.seen += 1
        if self.at.get(uid) and self.at[uid] != n:
            self.moved.append((p["metadata"]["name"], self.at[uid], n))
        if n and not self.at.get(uid):
            self.when[uid] = time.monotonic()
        self.at[uid] = n
