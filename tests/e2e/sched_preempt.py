"""Random small clusters in which something outranks what runs: the victims that simulate names beside the best set of all that there are.
Usage: sched_preempt.py AIPC-RUNTIME SEED N. Never wrong: whether there are victims, whole groups, budgets, one victim too many or too few, the
lowest priority that will do. The price of a set may be more than the least one's in a few cases; the last line counts them."""
import datetime
import itertools
import json
import random
import subprocess
import sys

EPOCH = datetime.datetime(2026, 1, 1)
APPS = "xyz"


def stamp(minutes):
    return (EPOCH + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(name, gpus, priority, meta, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "d", **meta}, "spec": {
        "priority": priority, "containers": [{"name": "c", "resources": {"requests": {"nvidia.com/gpu": str(gpus)}}}], **spec}}


def gang(name, least, **spec):
    return {"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": name, "namespace": "d"}, "spec": {"min": least, **spec}}


class Cluster:
    def __init__(self, r):
        self.items, self.running, self.leaf, self.free, self.newest = [], [], {}, {}, 0
        for rack in range(r.randint(1, 2)):
            for host in range(r.randint(1, 3)):
                self.node(f"n{rack}{host}", f"l{rack}", r.choice([4, 8]))
        priorities = {}
        for i in range(r.randint(3, 13)):
            self.resident(r, f"p{i}", priorities)
        self.items += [gang(name, 1) for name in priorities]
        self.budgets = [(app, r.randint(0, 2)) for app in APPS if r.random() < 0.35]
        self.items += [{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": app, "namespace": "d"}, "spec": {
            "selector": {"matchLabels": {"app": app}}}, "status": {"disruptionsAllowed": n}} for app, n in self.budgets]
        self.gpus, self.count, self.priority = r.choice([1, 2, 4, 8]), r.choice([1, 1, 2, 3]), r.choice([1, 2, 4, 4])
        self.in_leaf = False
        if self.count > 1 or r.random() < 0.3:
            self.in_leaf = r.random() < 0.5
            self.items.append(gang("w", self.count, **({"required": "leaf"} if self.in_leaf else {})))
            labels = {"labels": {"aipc.dev/gang": "w"}}
        else:
            labels = {}
        self.items += [pod(f"w{i}", self.gpus, self.priority, labels, schedulerName="aipc") for i in range(self.count)]

    def node(self, name, leaf, gpus):
        self.leaf[name], self.free[name] = leaf, gpus
        self.items.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"aipc.dev/leaf": leaf}}, "status": {
            "allocatable": {"cpu": "640", "pods": "110", "nvidia.com/gpu": str(gpus)}}})

    def resident(self, r, name, priorities):
        gpus = r.choice([1, 1, 2, 4])
        nodes = [n for n, free in self.free.items() if free >= gpus]
        if not nodes:
            return
        p = {"name": name, "gpus": gpus, "node": r.choice(nodes), "gang": r.choice([None, None, "a", "b"]), "priority": r.choice([0, 0, 1, 3]),
             "since": r.choice([0, 10, 60, 600]), "app": r.choice(APPS), "ending": r.random() < 0.08}
        if p["gang"]:
            p["priority"] = priorities.setdefault(p["gang"], p["priority"])
        self.free[p["node"]] -= gpus
        self.newest = max(self.newest, p["since"])
        self.running.append(p)
        meta = {"creationTimestamp": stamp(p["since"]), "labels": {"app": p["app"], **({"aipc.dev/gang": p["gang"]} if p["gang"] else {})}}
        if p["ending"]:
            meta["deletionTimestamp"] = stamp(p["since"])
        self.items.append(pod(name, gpus, p["priority"], meta, nodeName=p["node"]))

    def fits(self, gone):
        """Would the waiter fit without these?"""
        free = dict(self.free)
        for p in gone:
            free[p["node"]] += p["gpus"]
        room = {}
        for n, f in free.items():
            domain = self.leaf[n] if self.in_leaf else ""
            room[domain] = room.get(domain, 0) + f // self.gpus
        return max(room.values()) >= self.count

    def units(self):
        units = {}
        for p in self.running:
            if not p["ending"]:
                units.setdefault(p["gang"] or p["name"], []).append(p)
        return {u: ps for u, ps in units.items() if max(p["priority"] for p in ps) < self.priority}

    def payable(self, gone):
        return all(sum(p["app"] == app for p in gone) <= n for app, n in self.budgets)

    def value(self, gone):
        price = sum((7 * p["gpus"] + 1) * ((self.newest - p["since"]) * 60 + 300) for p in gone)
        return max(p["priority"] for p in gone), price, len(gone)

    def best(self, ending):
        units, found = list(self.units().values()), None
        for n in range(1, len(units) + 1):
            for chosen in itertools.combinations(units, n):
                gone = [p for u in chosen for p in u]
                if self.payable(gone) and self.fits(gone + ending) and (found is None or self.value(gone) < found):
                    found = self.value(gone)
        return found


def judge(c, hints, pending):
    """What is wrong with what was said, and whether the price was the least."""
    ending = [p for p in c.running if p["ending"]]
    if c.fits([]):
        return ("pending though it fits" if pending else None), None
    if not pending:
        return "placed where nothing is free", None
    if c.fits(ending):
        return (None if hints and hints[0].startswith("it fits when") else "it only has to wait"), None
    best = c.best(ending)
    if not best or not hints:
        return ("no victims found, there are: %s" % (best,) if best else "victims where none do" if hints else None), None
    named = [n[2:] for n in hints[0].split(": ", 1)[1].split(" and ")[0].split(", ")]
    if int(hints[0].split()[1]) > len(named):
        return None, None                        # not all are named
    units = c.units()
    chosen = [u for u, ps in units.items() if any(p["name"] in named for p in ps)]
    gone = [p for u in chosen for p in units[u]]
    if sorted(p["name"] for p in gone) != sorted(named):
        return "a part of a group, or somebody who outranks", None
    if not c.payable(gone):
        return "more than a budget has", None
    if not c.fits(gone + ending):
        return "too few", None
    if any(c.fits(ending + [p for o in chosen if o != u for p in units[o]]) for u in chosen):
        return "one could stay", None
    if c.value(gone)[0] != best[0]:
        return "priority %d would do" % best[0], None
    return None, c.value(gone) == best


def main(runtime, seed, n):
    r, least, dearer, wrong = random.Random(seed), 0, 0, 0
    for i in range(n):
        c = Cluster(r)
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": c.items})
        out = json.loads(subprocess.run([runtime, "simulate", "-f", "-", "--name", "aipc"], input=text, capture_output=True, text=True, check=True).stdout)
        pending = [p for p in out["pending"] if p["pod"].startswith("d/w")]
        hints = [h for h in pending[0]["reasons"] if h.startswith(("preempting", "it fits when"))] if pending else []
        mistake, cheapest = judge(c, hints, pending)
        if mistake:
            wrong += 1
            with open(f"preempt-{seed}-{i}.json", "w", encoding="utf-8") as f:
                f.write(text)
            print(f"seed {seed}, cluster {i}: {mistake}: {hints}")
        least += cheapest is True
        dearer += cheapest is False
    print(f"seed {seed}: {n} clusters, {wrong} wrong; victims of the least price in {least}, dearer in {dearer}")
    return 1 if wrong or not least or dearer * 10 > least else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
