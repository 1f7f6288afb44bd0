"""What sched-live.sh measures. Everybody gets the same objects and the same API server, in turns that change with each round; times are those of an
observer of their own, which sees a pod when its node or its condition changes. Programs are ended by SIGKILL: nothing of a run reaches into the next."""
import statistics, subprocess, sys
from sched_api import *

NODES, PODS, GANGS, GANG, WAITING, ROUNDS = (int(os.environ.get(n, d)) for n, d in
                                             (("NODES", 1000), ("PODS", 4000), ("GANGS", 500), ("GANG", 8), ("WAITING", 10000), ("ROUNDS", 3)))
PARTS = os.environ.get("PARTS", "arriving singles gangs waiting start failover").split()
KUBE = os.environ.get("KUBE", "yes") == "yes"
LOAD, AIPC = os.environ["BUILD"] + "/tests/e2e/kube_load", os.environ["BUILD"] + "/aipc-runtime"
UP, TICK = "scheduling.k8s.io/v1alpha2", os.sysconf("SC_CLK_TCK")
NULL, OURS, THEIRS = "null", "aipc", "default-scheduler"
SHOWN = {NULL: "null", OURS: "aipc", THEIRS: "kube"}
SECONDS = 120


def line(figure, value, unit):
    print(f"bench sched-live {figure} {value:.3f} {unit}", flush=True)


def note(text):
    print(f"# {text}", flush=True)


def spread(figure, values, unit):
    line(figure + "-median", statistics.median(values), unit)
    line(figure + "-least", min(values), unit)
    line(figure + "-most", max(values), unit)


def percentiles(figure, values):
    values = sorted(values)
    line(figure + "-p50", values[len(values) // 2], "s")
    line(figure + "-p99", values[min(len(values) - 1, len(values) * 99 // 100)], "s")


def burnt(pid):
    """Seconds of processor."""
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rsplit(") ", 1)[1].split()[11:13])) / TICK


def resident(pid):
    """MB."""
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def load():
    with open("/proc/loadavg") as f:
        return float(f.read().split()[0])


class Observer(threading.Thread):
    """When each pod got its node, and what was said of it when: all by CLOCK_MONOTONIC."""
    def __init__(self):
        super().__init__(daemon=True)
        self.bound, self.said = {}, {}
        self.process = subprocess.Popen([LOAD, "watch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.start()

    def run(self):
        for text in self.process.stdout:
            at, name, node, reason, message = text.rstrip("\n").split(" ", 4)
            if node != "-" and name not in self.bound:
                self.bound[name] = float(at)
            if reason != "-":
                self.said[name] = (float(at), reason + " " + message)

    def wait_bound(self, names):
        wait(f"{len(names)} pods are bound", lambda: all(n in self.bound for n in names), 0.05)
        times = [self.bound[n] for n in names]
        return min(times), max(times)


def wait(what, fn, pause=0.02, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not fn():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: not in {seconds} s: {what}")
        time.sleep(pause)


def tool(*arguments, objects=None):
    text = json.dumps({"items": objects}) if objects is not None else None
    subprocess.run([LOAD, *arguments], input=text, text=True, check=True, stdout=subprocess.DEVNULL)


class Scheduler:
    """One process that binds. ELECT: with a lease."""
    count = 0

    def __init__(self, who, elect=False):
        Scheduler.count += 1
        self.log = f"scheduler-{Scheduler.count}.err"
        with open(self.log, "w") as log:
            self.began = time.monotonic()
            self.process = subprocess.Popen(self.command(who, elect), stdout=log, stderr=log)
        self.pid = self.process.pid

    def command(self, who, elect):
        if who == NULL:
            return [LOAD, "bind", who]
        if who == OURS:
            return [AIPC, "scheduler", "--namespace", "default", "--listen", "127.0.0.1:0", *([] if elect else ["--no-leader-elect"])]
        with open("theirs.yaml", "w") as f:
            json.dump({"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", "leaderElection": {"leaderElect": False},
                       "clientConnection": {"kubeconfig": os.environ["KUBECONFIG"], "qps": 5000, "burst": 10000}}, f)
        return [os.environ["PEERS"] + "/kube-scheduler", "--config", "theirs.yaml", "--secure-port", "0", "--feature-gates",
                "GenericWorkload=true,GangScheduling=true,WorkloadAwarePreemption=true,TopologyAwareWorkloadScheduling=true"]

    def has_said(self, text):
        with open(self.log) as f:
            return text in f.read()

    def leads(self):
        return self.has_said("info: leading")

    def kill(self):
        self.process.kill()
        self.process.wait()


# --- how fast ----------------------------------------------------------------------------------------------------------------

def singles(who, turn):
    return [pod(f"s{turn}-{i}", gpus=1, scheduler=who, labels={"bench": "yes"}) for i in range(PODS)]


def gangs(who, turn):
    groups = []
    for g in range(GANGS):
        groups.append(pod_group(f"g{turn}-{g}", GANG))
        groups[-1]["metadata"]["labels"] = {"bench": "yes"}
    return groups + [pod(f"g{turn}-{g}-{i}", gpus=1, scheduler=who, labels={"bench": "yes"}, schedulingGroup={"podGroupName": f"g{turn}-{g}"})
                     for g in range(GANGS) for i in range(GANG)]


def servers():
    return burnt(os.environ["API_PID"]) + burnt(os.environ["ETCD_PID"])


def queued(who, objects, names, seen):
    """All is there before anybody looks; from the first pod that is seen to be bound to the last. So are the seconds of processor."""
    tool("create", objects=objects)
    began = time.monotonic()
    s = Scheduler(who)
    wait("the first pod is bound", lambda: seen.bound, 0.005)
    server, own = servers(), burnt(s.pid)
    first, last = seen.wait_bound(names)
    server, own = servers() - server, burnt(s.pid) - own
    s.kill()
    return {"rate": (len(names) - 1) / (last - first), "start-to-all": last - began, "own": own, "server": server}


def arriving(who, objects, names, seen):
    """The scheduler runs and has nothing to do; from the first create to the last pod that is seen to be bound. Nobody is slowed down in creating."""
    s = None if who == NULL else Scheduler(who)
    if s:
        wait("it has its caches", lambda: probe(who, seen), 0.1)
    began = time.monotonic()
    tool(*(["create", "bind"] if who == NULL else ["create"]), objects=objects)
    _, last = seen.wait_bound(names)
    if s:
        s.kill()
    return {"rate": len(names) / (last - began)}


def probe(who, seen, made=[0]):
    """A pod that fits is bound."""
    made[0] += 1
    name = f"probe-{made[0]}"
    create(pod(name, scheduler=who, labels={"bench": "yes"}))
    wait(f"{name} is bound", lambda: name in seen.bound)
    return True


def race(part, make, run, seen):
    """ROUNDS rounds of all contestants, whose order moves on by one each time."""
    who = [NULL, OURS, *([THEIRS] if KUBE and os.path.exists(os.environ["PEERS"] + "/kube-scheduler") else [])]
    if KUBE and THEIRS not in who:
        note(f"{part} without kube-scheduler: it is not built (scripts/peers)")
    got = {w: [] for w in who}
    for r in range(ROUNDS):
        for w in who[r % len(who):] + who[:r % len(who)]:
            turn = f"{SHOWN[w]}{r}"
            objects = make(w, turn)
            names = [o["metadata"]["name"] for o in objects if o["kind"] == "Pod"]
            got[w].append(run(w, objects, names, seen))
            tool("delete", "bench=yes")
            seen.bound.clear()
            seen.said.clear()
            note(f"{part} round {r + 1} {SHOWN[w]}: " + ", ".join(f"{k} {v:.2f}" for k, v in got[w][-1].items()) + f", load {load():.1f}")
    for w in who:
        for k in got[w][0]:
            unit = "pods/s" if k == "rate" else "s"
            if k == "rate":
                spread(f"{part}-{SHOWN[w]}-{k}", [g[k] for g in got[w]], unit)
            else:
                line(f"{part}-{SHOWN[w]}-{k}", statistics.median(g[k] for g in got[w]), unit)
    for w in who:
        if w != OURS:
            spread(f"{part}-aipc-of-{SHOWN[w]}", [a["rate"] / b["rate"] for a, b in zip(got[OURS], got[w])], "ratio")
            if "own" in got[w][0]:
                spread(f"{part}-aipc-of-{SHOWN[w]}-by-processor", [(b["own"] + b["server"]) / (a["own"] + a["server"]) for a, b in zip(got[OURS], got[w])], "ratio")


# --- many that wait ------------------------------------------------------------------------------------------------------------

def too_big(name, gpus=16, **more):
    return pod(name, gpus=gpus, labels={"bench": "yes"}, **more)


def changed_for_all(figure, names, seen, change, text):
    """From CHANGE until each of NAMES is told TEXT; meanwhile new pods are told why they wait."""
    before, new = time.monotonic(), []
    change()
    for i in range(10):
        new.append(told_new(f"during-{figure}-{i}", seen))
    wait("all are told", lambda: all(text in seen.said[n][1] for n in names), 0.2)
    times = [seen.said[n][0] - before for n in names]
    percentiles(figure, times)
    percentiles(figure + "-new-pod-meanwhile", new)
    return max(times)


def told_new(name, seen):
    began = time.monotonic()
    create(too_big(name))
    wait(f"{name} is told", lambda: name in seen.said, 0.005)
    return seen.said[name][0] - began


def told_ungated(name, seen):
    create(too_big(name, schedulingGates=[{"name": "bench/hold"}]))
    wait(f"{name} is gated", lambda: seen.said.get(name, (0, ""))[1].startswith("SchedulingGated"), 0.005)
    began = time.monotonic()
    patch("Pod", name, {"spec": {"schedulingGates": None}})
    wait(f"{name} is told", lambda: seen.said[name][1].startswith("Unschedulable"), 0.005)
    return seen.said[name][0] - began


def waiting(seen):
    """WAITING pods that fit nowhere: memory, and how soon the words are right."""
    s = Scheduler(OURS)
    wait("it leads", s.leads)
    time.sleep(1)
    empty = resident(s.pid)
    names = [f"w{i}" for i in range(WAITING)]
    server, began = servers(), time.monotonic()
    tool("create", objects=[too_big(n) for n in names])
    made = time.monotonic() - began
    wait("all are told", lambda: all(n in seen.said for n in names), 0.1)
    note(f"{WAITING} pods were made in {made:.1f} s and told why they wait in {max(seen.said[n][0] for n in names) - began:.1f} s by {burnt(s.pid):.1f} s of processor, "
         f"beside {servers() - server:.1f} s of the servers; load {load():.1f}")
    line("memory-before", empty, "MB")
    line("memory-per-10k-waiting", (resident(s.pid) - empty) * 10000 / WAITING, "MB")
    note(seen.said[names[0]][1])
    percentiles("why-new-pod", [told_new(f"new-{i}", seen) for i in range(100)])
    percentiles("why-own-change", [told_ungated(f"gated-{i}", seen) for i in range(100)])
    name = f"gpu-{NODES // 2:05}"
    told = dict(seen.said)
    patch("Node", name, {"spec": {"unschedulable": True}})
    create(node("gpu-more"))
    time.sleep(5)
    line("written-for-a-cordon-and-a-node-more", sum(seen.said[n] != told[n] for n in told), "pods")
    patch("Node", name, {"spec": {"unschedulable": None}})
    delete("Node", "gpu-more")
    repelled = {"spec": {"taints": [{"key": "team", "value": "b", "effect": "NoSchedule"}]}}
    server = servers()
    took = changed_for_all("why-node-tainted", names, seen, lambda: patch("Node", name, repelled), "taint team=b")
    note(f"processor seconds of the servers meanwhile: {servers() - server:.1f}")
    note(seen.said[names[0]][1])
    changed_for_all("why-node-untainted", names, seen, lambda: patch("Node", name, {"spec": {"taints": None}}), f"{NODES} nodes: insufficient")
    note(f"load {load():.1f}")
    s.kill()
    server, began = servers(), time.monotonic()
    tool("tell", "the null client was here")
    line("why-all-null", time.monotonic() - began, "s")
    line("why-all-aipc-of-null", (time.monotonic() - began) / took, "ratio")
    note(f"processor seconds of the servers meanwhile: {servers() - server:.1f}; load {load():.1f}")


def start(seen):
    """From exec until it leads, and until its first pod is bound, with WAITING pods there."""
    leads, decides = [], []
    for i in range(ROUNDS):
        create(pod(f"fits-{i}", labels={"bench": "yes"}))
        delete("Lease", "aipc-scheduler")
        s = Scheduler(OURS, elect=True)
        wait("it leads", s.leads, 0.005)
        leads.append(time.monotonic() - s.began)
        decides.append(seen.wait_bound([f"fits-{i}"])[1] - s.began)
        memory = resident(s.pid)
        s.kill()
    spread("start-to-lead", leads, "s")
    spread("start-to-first-binding", decides, "s")
    line("start-memory", memory, "MB")


def failover(seen):
    """The leader is killed; until the other binds a pod that is made right then."""
    running, took = [Scheduler(OURS, elect=True) for _ in range(2)], []
    for i in range(ROUNDS):
        wait("one leads, the other is ready", lambda: any(s.leads() for s in running) and all(s.has_said("synced") for s in running))
        leader = next(s for s in running if s.leads())
        running.remove(leader)
        leader.kill()
        began = time.monotonic()
        create(pod(f"after-{i}", labels={"bench": "yes"}))
        took.append(seen.wait_bound([f"after-{i}"])[1] - began)
        running.append(Scheduler(OURS, elect=True))
    for s in running:
        s.kill()
    spread("failover", took, "s")


def main():
    note(f"{NODES} nodes, {os.cpu_count()} processors, load {load():.1f}")
    tool("create", objects=[node(f"gpu-{i:05}", labels={"aipc.dev/leaf": f"l{i // 72}", "aipc.dev/spine-group": f"s{i // 576}"}) for i in range(NODES)])
    seen = Observer()
    if "singles" in PARTS:
        race("singles", singles, queued, seen)
    if "gangs" in PARTS:
        race("gangs", gangs, queued, seen)
    if "arriving" in PARTS:
        race("arriving", singles, arriving, seen)
        race("arriving-gangs", gangs, arriving, seen)
    if "waiting" in PARTS:
        waiting(seen)
    elif "start" in PARTS:
        tool("create", objects=[too_big(f"w{i}") for i in range(WAITING)])
    if "start" in PARTS:
        start(seen)
    tool("delete", "bench=yes")
    if "failover" in PARTS:
        failover(seen)


main()
