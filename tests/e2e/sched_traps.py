"""The parts of sched-traps.sh. Each has a namespace and nodes of its own (label row=NAME), so they run beside each other. After each: the scheduler
runs, the trap is to be seen in a condition, an event or a metric, and no pod lost the node it had (History)."""
import sys, traceback
from sched_api import *

PARTS, UP = [], "scheduling.k8s.io/v1alpha2"


def part(fn):
    PARTS.append(fn)
    return fn


class Place:
    """Where a part lives."""
    def __init__(self, name, scheduler="aipc"):
        self.scheduler, self.ns = scheduler, name.replace("_", "-")
        create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})

    def nodes(self, racks, hosts, **more):
        self.names = []
        for n in fabric(self.ns, racks, hosts, labels={"row": self.ns}, **more):
            create(n)
            self.names.append(n["metadata"]["name"])

    def pod(self, name, **more):
        return create(pod(name, self.ns, scheduler=self.scheduler, nodeSelector={"row": self.ns}, **more))

    def put(self, o):
        o["metadata"]["namespace"] = self.ns
        return create(o)

    def get(self, name):
        return get("Pod", name, self.ns)

    def bound(self, *names, seconds=60):
        eventually(f"{self.ns}: {names} have a node", lambda: all(node_of(self.get(n)) for n in names), seconds)
        return [node_of(self.get(n)) for n in names]

    def says(self, name, text, seconds=60):
        try:
            eventually(f"{self.ns}: {name} says '{text}'", lambda: text in said(self.get(name)), seconds)
        except SystemExit as e:
            raise SystemExit(f"{e} but {said(self.get(name))}") from None

    def event(self, name, reason, text="", seconds=60):
        def there():
            return any(e["regarding"].get("name") == name and e["regarding"].get("namespace") == self.ns and e["reason"] == reason and text in e.get("note", "") for e in events())
        eventually(f"{self.ns}: an event {reason} about {name} with '{text}'", there, seconds)

    def still(self, seconds, what, fn):
        """FN holds all the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            check(f"{self.ns}: {what}", fn())
            time.sleep(0.3)

    def gone(self, *names, seconds=20):
        eventually(f"{self.ns}: {names} are gone", lambda: not any(self.get(n) for n in names), seconds)


def member(g="g"):
    return {"labels": {"aipc.dev/gang": g}}


# --- labels, sizes and names change while pods are bound ----------------------------------------------------------------

@part
def labels_change(w, port):
    """The fabric restarts: leaves have other names, and nodes are in other leaves."""
    w.nodes(2, 2)
    w.put(gang("g", 2, required="leaf"))
    for i in range(2):
        w.pod(f"a-{i}", gpus=8, **member())
    had = w.bound("a-0", "a-1")
    reshaped = metrics(port)['aipc_scheduler_steps{what="reshaped"}']
    for i, n in enumerate(w.names):
        patch("Node", n, {"metadata": {"labels": {"aipc.dev/leaf": f"new-{'ab'[i % 2]}", "aipc.dev/spine-group": None}}})
    eventually("the tree is made anew", lambda: metrics(port)['aipc_scheduler_steps{what="reshaped"}'] > reshaped)
    # Each new leaf has one node of the gang and one free: no leaf holds two more, whatever the old names said.
    w.put(gang("h", 2, required="leaf"))
    for i in range(2):
        w.pod(f"b-{i}", gpus=8, **member("h"))
    w.says("b-0", "2 pods must start together in one leaf")
    check("who was bound stays", [node_of(w.get(n)) for n in ("a-0", "a-1")] == had)
    free = [n for n in w.names if n not in had]
    for n in free:
        patch("Node", n, {"metadata": {"labels": {"aipc.dev/leaf": "x" + "0" * 62}}})
    check("the free nodes are one leaf now", sorted(w.bound("b-0", "b-1")) == sorted(free))


@part
def node_shrinks(w, port):
    """A node is resized and a GPU re-partitioned under what runs there."""
    w.nodes(1, 1, more={"nvidia.com/mig-1g.10gb": "4"})
    w.pod("a", gpus=8)
    w.pod("m", requests={"nvidia.com/mig-1g.10gb": "4"})
    w.bound("a", "m")

    def resize(gpus, small, large):
        patch("Node", w.names[0], {"status": {k: {"nvidia.com/gpu": gpus, "nvidia.com/mig-1g.10gb": small, "nvidia.com/mig-3g.40gb": large} for k in ("allocatable", "capacity")}}, sub="/status")
    resize("4", "0", "1")
    w.pod("b", gpus=1)
    w.pod("c", requests={"nvidia.com/mig-1g.10gb": "1"})
    w.pod("d", requests={"nvidia.com/mig-3g.40gb": "1"})
    w.bound("d")
    w.says("b", "insufficient nvidia.com/gpu: asks for 1")
    w.says("c", "insufficient nvidia.com/mig-1g.10gb")
    resize("9", "5", "1")
    w.bound("a", "m", "b", "c")


@part
def names_come_again(w, port):
    """The same name with a new uid, while it waits, while it is bound, and of a Gang."""
    w.nodes(1, 2, fake=False)
    for i in range(6):
        w.pod("a", gpus=8, labels={"try": str(i)})
        if i % 2:
            w.bound("a")
        delete("Pod", "a", w.ns, grace=0)
    last = w.pod("a", gpus=8, labels={"try": "last"})
    w.bound("a")
    check("the last one is bound", w.get("a")["metadata"]["uid"] == last["metadata"]["uid"])
    w.put(gang("g", 3))
    w.pod("b-0", gpus=8, **member())
    w.says("b-0", "1 of at least 3 pods are there")
    delete("Gang", "g", w.ns)
    w.put(gang("g", 1))
    w.bound("b-0")
    g = eventually("the new Gang has a status", lambda: (lambda o: o if o.get("status", {}).get("bound") == 1 else None)(get("Gang", "g", w.ns)))
    check("of its own", g["status"]["phase"] in ("Placed", "Running"), g["status"])


# --- groups change under the scheduler's hands ----------------------------------------------------------------------------

def drop_group(w):
    """At once: the server protects PodGroups by a finalizer that a controller takes off."""
    call("DELETE", ref("PodGroup", "g", w.ns, UP))
    patch("PodGroup", "g", {"metadata": {"finalizers": None}}, w.ns, UP)


@part
def group_deleted(w, port):
    """The PodGroup goes while its pods are being bound, again and again."""
    w.nodes(4, 4)
    for turn in range(4):
        w.put(pod_group("g", 16))
        for i in range(16):
            w.pod(f"p{turn}-{i}", gpus=8, schedulingGroup={"podGroupName": "g"})
        time.sleep(0.01 * turn)
        drop_group(w)
        names = [f"p{turn}-{i}" for i in range(16)]
        eventually("all are bound or say why not", lambda: all(node_of(w.get(n)) or "which is not there" in said(w.get(n)) for n in names))
        w.put(pod_group("g", 16))
        w.bound(*names)
        drop_group(w)
        w.still(0.6, "the bound stay", lambda: all(node_of(w.get(n)) for n in names[:4]))
        for n in names:
            delete("Pod", n, w.ns, grace=0)


@part
def minimum_edited(w, port):
    w.nodes(1, 4)
    w.put(gang("g", 3))
    for i in range(3):
        w.pod(f"a-{i}", gpus=8, **member())
        for least in (9, 3, 2, 9):
            patch("Gang", "g", {"spec": {"min": least}}, w.ns, "aipc.dev/v1alpha1")
    patch("Gang", "g", {"spec": {"min": 3}}, w.ns, "aipc.dev/v1alpha1")
    had = w.bound("a-0", "a-1", "a-2")
    patch("Gang", "g", {"spec": {"min": 9}}, w.ns, "aipc.dev/v1alpha1")
    eventually("the status tells", lambda: condition(get("Gang", "g", w.ns), "Placed").get("status") == "False")
    check("who was bound stays", [node_of(w.get(f"a-{i}")) for i in range(3)] == had)


@part
def refused_binding(w, port):
    """The server refuses one pod of a gang: after 30 s the others, which have not started, are deleted; whoever makes them again gets them bound."""
    w.nodes(1, 3, fake=False)
    create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": w.ns}, "spec": {
        "failurePolicy": "Fail", "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods/binding"]}],
                                                      "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": w.ns}}},
        "validations": [{"expression": "object.metadata.name != 'a-1'", "message": "not this one"}]}})
    create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": w.ns}, "spec": {"policyName": w.ns, "validationActions": ["Deny"]}})
    time.sleep(2)                       # the server learns of policies from time to time
    failed = metrics(port).get('aipc_scheduler_bindings_total{result="failed"}', 0)
    w.put(gang("g", 3))
    for i in range(3):
        w.pod(f"a-{i}", gpus=8, **member())
    w.bound("a-0", "a-2")
    w.event("a-1", "FailedBinding", "not this one")
    eventually("a metric tells", lambda: metrics(port).get('aipc_scheduler_bindings_total{result="failed"}', 0) > failed)
    eventually("it counts as half there", lambda: metrics(port)['aipc_scheduler_units{state="half"}'] > 0)
    eventually("the others are sent away", lambda: all((w.get(n) or {"metadata": {"deletionTimestamp": 1}})["metadata"].get("deletionTimestamp") for n in ("a-0", "a-2")), 90)
    w.event("a-0", "RolledBack", "stayed incomplete for 30 s")
    check("the one that never had a node is left alone", not w.get("a-1")["metadata"].get("deletionTimestamp"))
    delete("ValidatingAdmissionPolicyBinding", w.ns)
    for n in ("a-0", "a-2"):
        delete("Pod", n, w.ns, grace=0)
        w.pod(n, gpus=8, **member())
    w.bound("a-0", "a-1", "a-2")


# --- who has to go -----------------------------------------------------------------------------------------------------------

def target(p):
    c = condition(p, "DisruptionTarget")
    return c.get("status") == "True" and c.get("reason") == "PreemptionByScheduler"


@part
def long_grace(w, port):
    """Victims take their time: nobody else is chosen meanwhile, the waiter names its node."""
    w.nodes(1, 4, fake=False)
    for i in range(4):
        w.pod(f"low-{i}", gpus=8, grace=600, priorityClassName="trap-low")
    w.bound(*[f"low-{i}" for i in range(4)])
    w.pod("high", gpus=8, priorityClassName="trap-high")
    victim = eventually("one is chosen", lambda: next((n for n in (f"low-{i}" for i in range(4)) if target(w.get(n))), None))
    node = node_of(w.get(victim))
    eventually("its node is named", lambda: w.get("high")["status"].get("nominatedNodeName") == node)
    w.says("high", "1 pod of lower priority is on the way out for it")
    w.pod("small", gpus=4)              # outranks nobody, and the room that comes is not for it
    w.still(5, "nobody else goes", lambda: sum(1 for i in range(4) if target(w.get(f"low-{i}"))) == 1)
    delete("Pod", victim, w.ns, grace=0)
    check("it is bound where it said", w.bound("high") == [node])
    check("the other waits", not node_of(w.get("small")))
    w.event(victim, "Preempted", f"displaced for pod {w.ns}/high")


@part
def gang_for_gang(w, port):
    """A gang displaces a gang, as a whole, and only one; when its own object goes, the promise ends."""
    w.nodes(2, 2, fake=False)
    for g in ("x", "y"):
        w.put(gang(g, 2, required="leaf"))
        for i in range(2):
            w.pod(f"{g}-{i}", gpus=8, grace=600, priorityClassName="trap-low", **member(g))
        w.bound(f"{g}-0", f"{g}-1")
    w.put(gang("z", 2, required="leaf"))
    for i in range(2):
        w.pod(f"z-{i}", gpus=8, priorityClassName="trap-high", **member("z"))
    gone = eventually("one gang goes whole", lambda: next((g for g in "xy" if target(w.get(f"{g}-0")) and target(w.get(f"{g}-1"))), None))
    stays = "xy".replace(gone, "")
    eventually("both nodes are named", lambda: all(w.get(f"z-{i}")["status"].get("nominatedNodeName") for i in range(2)))
    w.still(3, "the other stays", lambda: not target(w.get(f"{stays}-0")) and not target(w.get(f"{stays}-1")))
    delete("Gang", "z", w.ns)
    eventually("without its gang no node is kept", lambda: not any(w.get(f"z-{i}")["status"].get("nominatedNodeName") for i in range(2)))
    w.put(gang("z", 2, required="leaf"))
    nodes = sorted(node_of(w.get(f"{gone}-{i}")) for i in range(2))
    for i in range(2):
        delete("Pod", f"{gone}-{i}", w.ns, grace=0)
    check("the gang is where the other was", sorted(w.bound("z-0", "z-1")) == nodes)


@part
def pod_group_for_pod(w, port):
    """A PodGroup that asks to go as a whole goes whole, and is told so."""
    w.nodes(1, 2, fake=False)
    w.put(pod_group("g", 2, disruptionMode="PodGroup"))
    for i in range(2):
        w.pod(f"a-{i}", gpus=8, grace=600, priorityClassName="trap-low", schedulingGroup={"podGroupName": "g"})
    w.bound("a-0", "a-1")
    w.pod("high", gpus=8, priorityClassName="trap-high")
    eventually("both go", lambda: target(w.get("a-0")) and target(w.get("a-1")))
    c = eventually("the group is told", lambda: condition(get("PodGroup", "g", w.ns, UP), "DisruptionTarget"))
    check("why", (c["status"], c["reason"]) == ("True", "PreemptionByScheduler") and f"displaced for pod {w.ns}/high" in c["message"], c)
    check("that it had a place stays true", condition(get("PodGroup", "g", w.ns, UP), "PodGroupScheduled")["status"] == "True")
    for i in range(2):
        delete("Pod", f"a-{i}", w.ns, grace=0)
    w.bound("high")


@part
def budget_holds(w, port):
    """A disruption budget allows none, then one: eviction asks the server."""
    w.nodes(1, 2, fake=False)
    for i in range(2):
        w.pod(f"low-{i}", gpus=8, priorityClassName="trap-low", labels={"app": "kept"})
    w.bound("low-0", "low-1")
    for i in range(2):                  # what does not run is no disruption
        patch("Pod", f"low-{i}", {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}, w.ns, sub="/status", how=STRATEGIC)
    budget = {"observedGeneration": 1, "disruptionsAllowed": 0, "expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 2}
    w.put({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "kept"}}}, "status": budget})
    time.sleep(1)
    w.pod("high", gpus=8, priorityClassName="trap-high")
    w.says("high", "insufficient nvidia.com/gpu")
    w.still(3, "nobody goes", lambda: not any(target(w.get(f"low-{i}")) for i in range(2)))
    patch("PodDisruptionBudget", "b", {"status": {"disruptionsAllowed": 1, "desiredHealthy": 1}}, w.ns, sub="/status")
    one = eventually("one goes", lambda: next((n for n in ("low-0", "low-1") if (w.get(n) or {}).get("metadata", {}).get("deletionTimestamp")), None))
    check("the other stays", not target(w.get({"low-0": "low-1", "low-1": "low-0"}[one])))
    check("the server counted it", get("PodDisruptionBudget", "b", w.ns)["status"]["disruptionsAllowed"] == 0)
    delete("Pod", one, w.ns, grace=0)
    w.bound("high")


# --- objects that are not as they should be -------------------------------------------------------------------------------------

@part
def foreign_shapes(w, port):
    """Kinds without a schema may hold anything; numbers may be of any size."""
    w.nodes(1, 1, more={"example.com/huge": "9223372036854775807"})
    shapes = [{"spec": [1, 2]}, {"spec": {"minMember": "three"}}, {"spec": {"minMember": {"a": [None]}}}, {"spec": {"minMember": -5}}, {"spec": {"minMember": 1e300}},
              {"spec": "text"}, {"spec": None}, {"status": "text"}, {"spec": {"minMember": 2 ** 62}}, {"spec": {"minMember": True}, "status": {"phase": 7, "running": "x"}}]
    for i, shape in enumerate(shapes):
        w.put({"apiVersion": "scheduling.x-k8s.io/v1alpha1", "kind": "PodGroup", "metadata": {"name": f"g{i}"}, **shape})
        w.pod(f"s-{i}", labels={"scheduling.x-k8s.io/pod-group": f"g{i}"})
    w.says("s-8", f"1 of at least {2 ** 62} pods are there")
    # Amounts at the edge: what the server takes is understood or refused by name.
    for i, amount in enumerate(("9223372036854775807", "1e18", "9e18")):
        try:
            w.pod(f"q-{i}", requests={"example.com/huge": amount})
        except Refused as e:
            check("an amount is refused as invalid", e.status in (400, 422), e)
    for i, amount in enumerate(("1e30", "8Ei", "9223372036854775808")):
        try:
            w.pod(f"r-{i}", requests={"memory": amount})
            w.says(f"r-{i}", "Unschedulable" if i == 1 else "False ")
        except Refused as e:
            check("an amount is refused as invalid", e.status in (400, 422), e)
    bound = [n for n in ("q-0", "q-1", "q-2") if node_of(w.get(n))]
    eventually("one huge amount or more fits", lambda: any(node_of(w.get(n)) for n in ("q-0", "q-1", "q-2")))
    w.pod("plain")
    w.bound("plain")
    del bound


# --- all of them ----------------------------------------------------------------------------------------------------------------

def kinds():
    serve_crd(COSCHEDULING_CRD)
    for name, value in ("trap-low", 10), ("trap-high", 1000):
        create({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value})


def run(fn, port):
    began = time.monotonic()
    try:
        fn(Place(fn.__name__), port)
    except SystemExit as e:
        return f"FAILED {fn.__name__}: {e}"
    except Exception:
        return f"FAILED {fn.__name__}: {traceback.format_exc()}"
    print(f"{fn.__name__}: {time.monotonic() - began:.1f} s")
    return None


def objects(port, pattern):
    h = History()
    eventually("the watch", lambda: h.version)
    chosen = [p for p in PARTS if pattern in p.__name__]
    with concurrent.futures.ThreadPoolExecutor(len(chosen)) as pool:
        failed = [r for r in pool.map(lambda p: run(p, int(port)), chosen) if r]
    print("\n".join(failed))
    check("no pod was bound twice or lost its node", not h.moved, h.moved)
    print(f"{len(chosen)} traps, {len(failed)} failed; {h.seen} changes of pods seen")
    sys.exit(bool(failed))


def rss(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")) / 1024


def bounded(pid, before):
    """A sanitizer keeps what was freed; it has its own way to find leaks."""
    return rss(pid) < before + 64 or "address" in os.readlink(f"/proc/{pid}/exe")


def change_mode(mode_file, word):
    """At once: the proxy reads it twenty times a second, and an empty file is no mode."""
    with open(mode_file + ".new", "w") as f:
        f.write(word)
    os.replace(mode_file + ".new", mode_file)


def storms(port, mode_file, pid):
    """A sick server in every way, each for a while and mixed, while gangs come: in the end all are bound, once, and metrics tell what it was like."""
    port, h = int(port), History()
    w = Place("storms", "stormy")
    w.nodes(6, 4)
    eventually("the old Workload is refused by an event", lambda: any(e["reason"] == "UnsupportedVersion" and e["regarding"]["name"] == "old" and
                                                                 "use a PodGroup of v1alpha2 or v1beta1" in e["note"] for e in events()))
    before, n = rss(pid), 0
    for word, seconds in ("gone", 3), ("event-gone", 3), ("html", 3), ("busy", 3), ("away", 3), ("half", 3), ("mixed", 10):
        seconds *= float(os.environ.get("STORM", 1))
        change_mode(mode_file, word)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if n < 24:
                w.put(gang(f"g{n}", 2, required="leaf"))
                for i in range(2):
                    w.pod(f"p{n}-{i}", gpus=4, **member(f"g{n}"))
                n += 1
            time.sleep(1)
            check(f"the scheduler lives through '{word}'", os.path.exists(f"/proc/{pid}"))
    change_mode(mode_file, "ok")
    began = time.monotonic()
    w.bound(*[f"p{g}-{i}" for g in range(n) for i in range(2)], seconds=120)
    m = metrics(port)
    told = {what: sum(v for k, v in m.items() if k.startswith("aipc_cache_requests_total") and f'what="{what}"' in k) for what in ("expired", "error", "list", "watch")}
    check("410s were counted", told["expired"] > 5, told)
    check("errors were counted", told["error"] > 5, told)
    check("no binding failed for good", m.get('aipc_scheduler_bindings_total{result="failed"}', 0) == 0, m)
    check("no pod was bound twice", not h.moved, h.moved)
    check("memory has a bound", bounded(pid, before), (before, rss(pid)))
    print(f"storms: {n} gangs, all bound {time.monotonic() - began:.1f} s after the end; {told}; {before:.0f} MiB before, {rss(pid):.0f} after")
    churn(w, port, mode_file, pid, h)


def churn(w, port, mode_file, pid, h, rate=2000, seconds=12):
    """120,000 events a minute: what is new is bound as soon as without them, and memory has a bound."""
    texts = 'aipc_scheduler_memory_bytes{what="texts"}'
    before, cpu, said_before, made = rss(pid), seconds_used(pid), metrics(port)[texts], {}
    change_mode(mode_file, f"churn {rate}")
    time.sleep(1)
    for i in range(int(seconds * 4)):
        made[w.pod(f"c-{i}")["metadata"]["uid"]] = time.monotonic()
        time.sleep(0.25)
    change_mode(mode_file, "ok")
    eventually("the last of them is bound", lambda: all(u in h.when for u in made))
    lag = sorted(h.when[u] - t for u, t in made.items())
    check("what is new is bound within a second", lag[len(lag) // 2] < 1, lag)
    eventually("the ghosts have gone", lambda: metrics(port)['aipc_cache_objects{resource="pods"}'] < 500)
    check("memory has a bound", bounded(pid, before), (before, rss(pid)))
    grown = metrics(port)[texts] - said_before
    check("they did arrive: each ghost has a label of its own", grown > rate / 3 * seconds * 0.7 * 16, grown)
    print(f"{rate * 60} events a minute: bound in {lag[len(lag) // 2]:.3f} s (median), {lag[-1]:.3f} s at most; {before:.0f} MiB before, {rss(pid):.0f} after; "
          f"{seconds_used(pid) - cpu:.1f} s of processor time in {seconds} s")


def seconds_used(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


globals()[sys.argv[1]](*sys.argv[2:])
