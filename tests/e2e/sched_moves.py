"""Random small clusters in which a gang wants a leaf: the moves that simulate names beside every set of pods of one leaf that there is.
Usage: sched_moves.py AIPC-RUNTIME SEED N. Never wrong: moves where the gang fits without, pods that may not be moved, more than budgets or --moves
allow, one pod too many, a pod that then has no place, moves where there are none, not the least price. Where moves are possible and none are named,
that is a miss: a set of different pods that fits elsewhere only in one order is one by intent. The last line counts them."""
import itertools
import json
import random
import subprocess
import sys

from sched_preempt import APPS, Cluster, gang, pod, stamp

MOST = 8


class Crowd(Cluster):
    def __init__(self, r):
        self.items, self.running, self.leaf, self.free, self.newest = [], [], {}, {}, 0
        large = r.random() < 0.2            # many pods in a leaf, of which few may go: every set of them can still be looked at
        for rack in range(r.randint(2, 3)):
            for host in range(r.randint(4, 7) if large else r.randint(1, 4)):
                self.node(f"n{rack}{host}", f"l{rack}", r.choice([4, 8]))
        for i in range(r.choice([40, 60]) if large else r.choice([4, 8, 12, 24])):
            self.resident(r, f"p{i:02}", None)
        self.budgets = [(app, r.randint(0, 3)) for app in APPS if r.random() < 0.15]
        self.items += [{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": app, "namespace": "d"}, "spec": {
            "selector": {"matchLabels": {"app": app}}}, "status": {"disruptionsAllowed": n}} for app, n in self.budgets]
        self.gpus, self.count, self.priority, self.moves = r.choice([1, 2, 4, 4, 8]), 1, 2, r.choice([1, 2, 3]) if large else r.choice([0, 1, 2, 4, 8, 8, 20])
        while self.fits_somewhere([]) and r.random() < 0.95:
            self.count += 1
        self.items.append(gang("w", self.count, required="leaf"))
        self.items += [pod(f"w{i}", self.gpus, self.priority, {"labels": {"aipc.dev/gang": "w"}}, schedulerName="aipc") for i in range(self.count)]

    def resident(self, r, name, _):
        gpus = r.choice([1, 1, 1, 2, 2, 3, 4])
        nodes = [n for n, free in self.free.items() if free >= gpus]
        if not nodes:
            return
        p = {"name": name, "gpus": gpus, "node": r.choice(nodes), "priority": r.choice([0, 2, 2, 3]), "since": r.choice([0, 10, 60, 600]),
             "app": r.choice(APPS), "ending": r.random() < 0.03, "movable": r.random() < 0.9, "rack": r.choice(["l0", "l1"]) if r.random() < 0.1 else None}
        if p["rack"] and self.leaf[p["node"]] != p["rack"]:
            p["rack"] = None
        self.free[p["node"]] -= gpus
        self.newest = max(self.newest, p["since"])
        self.running.append(p)
        meta = {"creationTimestamp": stamp(p["since"]), "labels": {"app": p["app"]}}
        if p["movable"]:
            meta.update(annotations={"aipc.dev/movable": "true"}, ownerReferences=[{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "1", "controller": True}])
        if p["ending"]:
            meta["deletionTimestamp"] = stamp(p["since"])
        more = {"nodeSelector": {"aipc.dev/leaf": p["rack"]}} if p["rack"] else {}
        self.items.append(pod(name, gpus, p["priority"], meta, schedulerName="aipc", nodeName=p["node"], **more))

    def free_without(self, gone):
        free = dict(self.free)
        for p in gone:
            free[p["node"]] += p["gpus"]
        return free

    def opens(self, gone, leaf):
        return sum(f // self.gpus for n, f in self.free_without(gone).items() if self.leaf[n] == leaf) >= self.count

    def fits_somewhere(self, gone):
        return any(self.opens(gone, leaf) for leaf in set(self.leaf.values()))

    def fit_beside(self, pods, leaf):
        """Is there a way to put them on nodes outside of the leaf, as these are?"""
        free = {n: f for n, f in self.free.items() if self.leaf[n] != leaf}

        def put(i):
            if i == len(pods):
                return True
            for n in free:
                if free[n] >= order[i]["gpus"] and order[i]["rack"] in (None, self.leaf[n]):
                    free[n] -= order[i]["gpus"]
                    if put(i + 1):
                        return True
                    free[n] += order[i]["gpus"]
            return False
        order = sorted(pods, key=lambda p: -p["gpus"])
        return put(0)

    def left(self):
        return min(MOST, self.moves - sum(p["ending"] and p["movable"] for p in self.running))

    def price(self, gone):
        return sum((7 * p["gpus"] + 1) * ((self.newest - p["since"]) * 60 + 300) for p in gone), len(gone)

    def best_moves(self, ending):
        best, most = None, self.left()
        for leaf in sorted(set(self.leaf.values())):
            there = [p for p in self.running if self.leaf[p["node"]] == leaf and p["movable"] and not p["ending"] and p["priority"] <= self.priority]
            for n in range(1, min(most, len(there)) + 1):
                for gone in itertools.combinations(there, n):
                    if (best is None or self.price(gone) < best) and self.opens(list(gone) + ending, leaf) and self.payable(gone) and self.fit_beside(gone, leaf):
                        best = self.price(gone)
        return best


def judge(c, hints, pending):
    """What is wrong with what was said; and "found", "missed" or nothing."""
    ending = [p for p in c.running if p["ending"]]
    moves = [h for h in hints if h.startswith("moving")]
    if not pending or c.fits_somewhere([]) or c.fits_somewhere(ending):
        return ("moves where none are needed" if moves else None), None
    best = c.best_moves(ending)
    if not moves:
        return None, "missed" if best else None
    if not best:
        return "moves where there are none", None
    head, named = moves[0].split(": ", 1)
    where = head.split(" start in leaf ")[1]
    to = dict(n[2:].split(" to node ") for n in named.split(", "))
    gone = [p for p in c.running if p["name"] in to]
    if int(head.split()[1]) != len(to) or len(gone) != len(to) or len(to) > c.left():
        return "more than may be, or others than are there", None
    if any(not p["movable"] or p["ending"] or p["priority"] > c.priority or c.leaf[p["node"]] != where for p in gone):
        return "one that may not be moved, or is elsewhere", None
    if not c.payable(gone):
        return "more than a budget has", None
    if not c.opens(gone + ending, where):
        return "too few", None
    if any(c.opens([q for q in gone if q is not p] + ending, where) for p in gone):
        return "one could stay", None
    free = dict(c.free)
    for p in gone:
        free[to[p["name"]]] -= p["gpus"]
        if free[to[p["name"]]] < 0 or c.leaf[to[p["name"]]] == where or p["rack"] not in (None, c.leaf[to[p["name"]]]):
            return "one has no place", None
    if c.price(gone) != best:
        return "it costs %s, the best %s" % (c.price(gone), best), "dearer"
    return None, "found"


def main(runtime, seed, n):
    r, count, wrong = random.Random(seed), {"found": 0, "missed": 0, "dearer": 0}, 0
    for i in range(n):
        c = Crowd(r)
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": c.items})
        out = json.loads(subprocess.run([runtime, "simulate", "-f", "-", "--name", "aipc", "--moves", str(c.moves)], input=text, capture_output=True, text=True, check=True).stdout)
        pending = [p for p in out["pending"] if p["pod"].startswith("d/w")]
        mistake, how = judge(c, pending[0]["reasons"] if pending else [], pending)
        if mistake and how != "dearer":
            wrong += 1
        if how:
            count[how] += 1
        if mistake or how == "missed":
            with open(f"moves-{seed}-{i}.json", "w", encoding="utf-8") as f:
                f.write(text)
            print(f"seed {seed}, cluster {i} (--moves {c.moves}): {mistake or 'missed'}: {pending[0]['reasons'][-1] if pending else ''}; best {c.best_moves([p for p in c.running if p['ending']])}")
    print(f"seed {seed}: {n} clusters, {wrong} wrong; moves of the least price in {count['found']}, dearer in {count['dearer']}, missed in {count['missed']}")
    return 1 if wrong or not count["found"] or (count["dearer"] + count["missed"]) * 20 > count["found"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
