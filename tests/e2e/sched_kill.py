"""What sched-kill.sh has running beside the processes it kills: who makes the gangs, who looks on, and the count in the end."""
import signal, sys
from sched_api import *

SIZE, GPUS = 4, 2


def one(g):
    spec = {"required": "leaf"}
    return [gang(f"g{g}", SIZE, **spec)] + [pod(f"g{g}-{i}", gpus=GPUS, labels={"aipc.dev/gang": f"g{g}", "many": "yes"}) for i in range(SIZE)]


def put(o):
    """Made, whatever the server is doing; there already is as good."""
    for _ in range(300):
        try:
            return create(o)
        except Refused as e:
            if e.status == 409 and "AlreadyExists" in e.text:
                return None
            time.sleep(0.2)
    raise SystemExit(f"{o['metadata']['name']} cannot be made")


def nodes(gangs):
    """Leaves of 4 hosts of 8 GPUs hold 4 gangs each; room for all, with two leaves to spare."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, fabric("n", int(gangs) // 4 + 3, 4, spine=8)))


def make(gangs):
    """A few gangs at a time, so that every instant of their life is one in which the scheduler may end."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda g: [put(o) for o in one(g)], range(int(gangs))))


def again(g):
    for o in one(int(g)):
        put(o)


def watch(ready):
    """Until SIGTERM. Then: was any pod on two nodes?"""
    h = History()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(report(h)))
    eventually("the watch", lambda: h.version)
    open(ready, "w").close()
    while True:
        time.sleep(1)


def report(h):
    bound = sum(1 for n in h.at.values() if n)
    print(f"{h.seen} changes of {len(h.at)} pods were seen, {bound} were bound, {h.lost} lists again")
    for m in h.moved:
        print("bound twice:", *m)
    return bool(h.moved) or not bound


def bound(want, seconds):
    """All have a node within the time."""
    began = time.monotonic()

    def all_there():
        pods = [p for p in items("/api/v1/namespaces/default/pods") if p["metadata"]["labels"].get("many")]
        n = sum(1 for p in pods if node_of(p))
        return len(pods) == n == int(want) or time.sleep(1)
    eventually(f"all {want} pods have a node", all_there, int(seconds))
    print(f"all bound {time.monotonic() - began:.1f} s after the last kill")


def dump():
    out = []
    for kind, path in ("Node", "/api/v1/nodes"), ("Pod", "/api/v1/pods"), ("Gang", "/apis/aipc.dev/v1alpha1/gangs"):
        out += [{**o, "kind": kind} for o in items(path)]
    json.dump({"items": out}, sys.stdout)


globals()[sys.argv[1]](*sys.argv[2:])
