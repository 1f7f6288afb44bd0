"""Random small fabrics and one gang each: is it placed where it can be, and does where it goes keep to what it asks for? Beside a search of every way.
Usage: sched_gangs.py AIPC-RUNTIME SEED N [flat|tree]. What is placed is never wrong; of what can be placed at most a few are missed ("heuristic"), the
last line counts them."""
import collections
import functools
import itertools
import json
import random
import subprocess
import sys

LEVELS = ["spine-group", "leaf", "node"]


def pod(name, gpus, labels, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "d", "labels": labels}, "spec": {
        "containers": [{"name": "c", "resources": {"requests": {"nvidia.com/gpu": str(gpus)}}}], **spec}}


class Fabric:
    """Nodes by name: their domain on each level, and what is free."""
    def __init__(self, r):
        self.at, self.free, self.items = {}, {}, []
        for s in range(r.randint(1, 2)):
            for l in range(r.randint(1, 3)):
                for h in range(r.randint(1, 3)):
                    name, free = f"n{s}{l}{h}", r.choice([0, 2, 4, 8, 8])
                    self.at[name], self.free[name] = (f"s{s}", f"s{s}l{l}", name), free
                    self.items.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
                        "aipc.dev/spine-group": f"s{s}", "aipc.dev/leaf": f"s{s}l{l}"}}, "status": {"allocatable": {"cpu": "99", "pods": "110", "nvidia.com/gpu": "8"}}})
                    if free < 8:
                        self.items.append(pod(f"busy-{name}", 8 - free, {}, nodeName=name))

    def domains(self, level, within=None):
        """The nodes of each domain of LEVEL (None: all are one), those of WITHIN only."""
        found = collections.defaultdict(list)
        for n in self.at if within is None else within:
            found[self.at[n][LEVELS.index(level)] if level else ""].append(n)
        return list(found.values())


class Group:
    def __init__(self, r, name, gpus, count):
        self.name, self.gpus, self.count, self.least = name, gpus, count, count
        self.required, self.spread, self.slices = None, [], []

    def wishes(self):
        spec = {"min": self.least}
        if self.required:
            spec["required"] = self.required
        if self.spread:
            spec["spread"] = [{"level": l, "maxPercent": p} for l, p in self.spread]
        if self.slices:
            spec["slices"] = [{"level": l, "size": s} for l, s in self.slices]
        return spec

    def pods(self, gang):
        labels = {"aipc.dev/gang": gang, **({"aipc.dev/group": self.name} if self.name else {})}
        return [pod(f"{self.name or 'p'}-{i}", self.gpus, labels, schedulerName="aipc") for i in range(self.count)]


def most_in(fabric, group, nodes, n):
    """Can N alike pods go to NODES within the limits of the spread?"""
    def room(part, levels):
        if not levels:
            return sum(fabric.free[x] // group.gpus for x in part)
        level, percent = levels[0]
        limit = -(-n * percent // 100)
        return sum(min(limit, room(d, levels[1:])) for d in fabric.domains(level, part))
    return room(nodes, sorted(group.spread, key=lambda s: LEVELS.index(s[0]))) >= n


def sliced(fabric, group, nodes, n):
    """Slices of one level, the last one may be shorter."""
    level, size = group.slices[0]
    rooms = [sum(fabric.free[x] // group.gpus for x in d) for d in fabric.domains(level, nodes)]
    whole, rest = divmod(n, size)
    if sum(x // size for x in rooms) < whole:
        return False
    if not rest or sum(x // size for x in rooms) > whole:
        return True
    return any(x % size >= rest for x in rooms) or any(x // size and (x - size * (x // size - 1)) - size >= rest for x in rooms)


def flat_fits(fabric, group, n):
    check = sliced if group.slices else most_in
    return any(check(fabric, group, d, n) for d in fabric.domains(group.required))


def pack(fabric, wanted):
    """WANTED: (gpus, count, nodes) of each group. Can all of them be at once?"""
    nodes = sorted(fabric.free)

    @functools.lru_cache(None)
    def fill(i, left):
        if not any(left):
            return True
        if i == len(nodes):
            return False
        choices = [range(min(c, fabric.free[nodes[i]] // w[0]) + 1) if nodes[i] in w[2] else range(1) for c, w in zip(left, wanted)]
        return any(sum(k * w[0] for k, w in zip(ks, wanted)) <= fabric.free[nodes[i]] and fill(i + 1, tuple(c - k for c, k in zip(left, ks)))
                   for ks in itertools.product(*choices))
    return fill(0, tuple(w[1] for w in wanted))


def tree_fits(fabric, root, groups):
    for d in fabric.domains(root):
        for homes in itertools.product(*[fabric.domains(g.required, d) for g in groups]):
            if pack(fabric, [(g.gpus, g.least, frozenset(h)) for g, h in zip(groups, homes)]):
                return True
    return False


def broken(fabric, group, where):
    """What of the group's wishes its places do not keep."""
    def parts(level, nodes):
        return [fabric.at[n][LEVELS.index(level)] for n in nodes]
    if group.required and len(set(parts(group.required, where))) > 1:
        return "required"
    for level, percent in group.spread:
        if max(collections.Counter(parts(level, where)).values()) > -(-len(where) * percent // 100):
            return f"spread over {level}"
    for level, size in group.slices:
        for i in range(0, len(where), size):
            if len(set(parts(level, where[i:i + size]))) > 1:
                return f"slice {i // size}"
    return None


def flat(r, fabric):
    g = Group(r, None, r.choice([1, 2, 4, 8]), r.randint(1, 8))
    g.required = r.choice([None, None, "spine-group", "leaf"])
    kind = r.choice(["spread", "spread", "slices", "elastic"])
    if kind != "slices":
        g.spread = [(level, r.choice([25, 34, 50, 60, 75])) for level in LEVELS if r.random() < 0.4]
        if kind == "elastic":
            g.least = r.randint(1, g.count)
    else:
        g.slices = [(r.choice(["leaf", "node"]), r.choice([2, 3]))]
    spec = g.wishes()
    can = any(flat_fits(fabric, g, n) for n in range(g.least, g.count + 1))
    return spec, [g], can


def tree(r, fabric):
    groups = [Group(r, name, r.choice([1, 2, 4, 8]), r.randint(1, 4)) for name in "abc"[:r.randint(2, 3)]]
    for g in groups:
        g.required = r.choice([None, "leaf", "leaf", "node"])
    root = r.choice([None, "spine-group", "spine-group"])
    spec = {"groups": [{"name": g.name, **g.wishes()} for g in groups], **({"required": root} if root else {})}
    return spec, groups, tree_fits(fabric, root, groups)


def main(runtime, seed, n, kind):
    r = random.Random(f"{kind}{seed}")
    found = missed = heuristic = wrong = 0
    for i in range(n):
        fabric = Fabric(r)
        spec, groups, can = (flat if kind == "flat" else tree)(r, fabric)
        gang = {"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": "g", "namespace": "d"}, "spec": spec}
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": fabric.items + [gang] + [p for g in groups for p in g.pods("g")]})
        out = json.loads(subprocess.run([runtime, "simulate", "-f", "-", "--name", "aipc"], input=text, capture_output=True, text=True, check=True).stdout)
        at = {p["pod"][2:]: p["node"] for p in out["placements"]}
        mistake = None
        for g in groups:
            where = [at[f"{g.name or 'p'}-{k}"] for k in range(g.count) if f"{g.name or 'p'}-{k}" in at]
            if at and len(where) < g.least:
                mistake = f"{len(where)} pods of {g.least}"
            elif where:
                mistake = mistake or broken(fabric, g, where)
        if at and kind == "tree" and "required" in spec and len({fabric.at[x][0] for x in at.values()}) > 1:
            mistake = "required of the whole"
        if at and not can:
            mistake = mistake or "placed where it cannot be"
        if can and not at:
            missed += 1
            heuristic += any("heuristic" in x for p in out["pending"] for x in p["reasons"])
        found += bool(can)
        if mistake or (can and not at):
            wrong += bool(mistake)
            with open(f"gang-{kind}-{seed}-{i}.json", "w", encoding="utf-8") as f:
                f.write(text)
            print(f"{kind} {seed}, gang {i}: {mistake or 'missed'}: {json.dumps(spec)}")
    print(f"{kind} {seed}: {n} gangs, {wrong} wrong; {found} can be placed, {missed} missed ({heuristic} of them said heuristic)")
    return 1 if wrong or not found or missed > 1 + found // 50 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
