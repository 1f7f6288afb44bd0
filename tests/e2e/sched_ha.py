"""What sched-ha.sh does: it starts and kills the schedulers itself, and plays third parties that write the Lease. Two pairs of schedulers, each with its
own Lease and its own pods, live through their troubles beside each other."""
import datetime, signal, socket, subprocess
from sched_api import *

STARTED = []


def http_ok(port):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    conn.request("GET", "/readyz")
    return conn.getresponse().status == 200


def stamp(shift):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Scheduler:
    def __init__(self, pair, name):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        self.name, self.port = name, s.getsockname()[1]
        s.close()
        self.log = open(f"{name}.err", "a")
        self.process = subprocess.Popen([os.environ["AIPC_RUNTIME"], "scheduler", "--name", pair.name, "--identity", name, "--namespace", "default", "--lease", pair.name,
                                         "--listen", f"127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)
        STARTED.append(self.process)
        pair.running.append(self)
        eventually(f"{name} is ready", self.ready)

    def ready(self):
        check(f"{self.name} runs", self.process.poll() is None)
        try:
            return http_ok(self.port)
        except OSError:
            return False

    def leads(self):
        return metrics(self.port)["aipc_leader"] == 1


class Pair:
    """Schedulers of one Lease, and the gangs that are theirs."""
    def __init__(self, name):
        self.name, self.running, self.gangs = name, [], 0
        self.lease = ref("Lease", name)

    def start(self, *names):
        return [Scheduler(self, n) for n in names]

    def end(self, s, how=signal.SIGKILL):
        s.process.send_signal(how)
        self.running.remove(s)
        return s.process.wait(20)

    def leader(self):
        return eventually(f"one of {self.name} leads", lambda: next((s for s in self.running if s.leads()), None))

    def nobody(self):
        return not any(s.leads() for s in self.running)

    def holder(self):
        try:
            return call("GET", self.lease)["spec"].get("holderIdentity")
        except Refused:
            return None

    def steal(self, shift):
        """A third party whose clock is SHIFT seconds off holds the Lease from now on."""
        call("PATCH", self.lease, {"spec": {"holderIdentity": "thief", "renewTime": stamp(shift), "acquireTime": stamp(shift)}}, MERGE)

    def make(self, n):
        """N gangs of 2; the names of their pods."""
        names = []
        for _ in range(n):
            g = f"{self.name}-{self.gangs}"
            self.gangs += 1
            create(gang(g, 2, required="leaf"))
            for i in range(2):
                create(pod(f"{g}-{i}", gpus=1, labels={"aipc.dev/gang": g}, scheduler=self.name))
                names.append(f"{g}-{i}")
        return names

    def bound(self, names, seconds=80):
        eventually(f"{names[0]} to {names[-1]} have a node", lambda: all(node_of(get("Pod", n)) for n in names), seconds)

    def last(self, h, names):
        """When the last of them was bound."""
        uids = [get("Pod", n)["metadata"]["uid"] for n in names]
        return max(eventually("it is in the history", lambda: all(u in h.when for u in uids) and [h.when[u] for u in uids]))


def killed(h):
    p = Pair("killed")
    p.start("a", "b")
    leader = p.leader()
    follower = next(s for s in p.running if s is not leader)
    p.bound(p.make(3))
    # With work in its hands.
    names = p.make(12)
    p.end(leader)
    at = time.monotonic()
    names += p.make(2)
    p.bound(names)
    gap = p.last(h, names) - at
    check("the other leads", follower.leads() and p.holder() == follower.name, p.holder())
    check("in the time that the documents say", gap < 40, gap)
    print(f"the leader was killed: the last pod was bound {gap:.1f} s later")
    # Both; whoever comes back carries on.
    names = p.make(6)
    p.end(follower)
    at = time.monotonic()
    names += p.make(1)
    p.start("c", "d")
    p.bound(names)
    gap = p.last(h, names) - at
    check("in the time that the documents say", gap < 40, gap)
    print(f"both were killed: the last pod was bound {gap:.1f} s later")
    return p


def robbed(h):
    p = Pair("robbed")
    p.start("e", "f")
    p.leader()
    p.bound(p.make(1))
    # The Lease is deleted: it is made anew, and work goes on.
    delete("Lease", p.name)
    eventually("the Lease is there again", lambda: p.holder() in ("e", "f"))
    p.bound(p.make(2))
    # One whose clock is an hour slow renews it: while that goes on nobody writes.
    p.steal(-3600)
    eventually("the leader notices", p.nobody, 20)
    names, end = p.make(2), time.monotonic() + 17
    while time.monotonic() < end:
        p.steal(-3600)
        check("nobody leads while the Lease is renewed, whatever its clock says", p.nobody() and not any(node_of(get("Pod", n)) for n in names))
        time.sleep(1)
    # Its last word is from the future: no reason to wait for an hour.
    p.steal(3600)
    at = time.monotonic()
    p.bound(names)
    gap = p.last(h, names) - at
    check("in the time that the documents say", 10 < gap < 40, gap)
    print(f"a thief with a wrong clock stopped: the last pod was bound {gap:.1f} s later")
    return p


def main():
    h = History()
    create_all(fabric("n", 4, 4))
    pairs = []
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            pairs = list(pool.map(lambda part: part(h), (killed, robbed)))
        check("no pod was bound twice", not h.moved, h.moved)
        for p in pairs:
            failed = [(s.name, metrics(s.port).get('aipc_scheduler_bindings_total{result="failed"}', 0)) for s in p.running]
            check("no binding failed", not any(n for _, n in failed), failed)
            for s in list(p.running):
                check(f"{s.name} ends well", p.end(s, signal.SIGTERM) == 0)
            check("the Lease is free", not p.holder(), p.holder())
    finally:
        for process in STARTED:
            process.kill()


main()
