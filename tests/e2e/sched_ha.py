"""What sched-ha.sh does: it starts and kills the schedulers itself, and plays third parties that write the Lease."""
import datetime, signal, socket, subprocess
from sched_api import *

LEASE = ref("Lease", "aipc-scheduler")
running = []


class Scheduler:
    def __init__(self, name):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        self.name, self.port = name, s.getsockname()[1]
        s.close()
        self.log = open(f"{name}.err", "a")
        self.process = subprocess.Popen([os.environ["AIPC_RUNTIME"], "scheduler", "--name", "aipc", "--identity", name, "--namespace", "default",
                                         "--listen", f"127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)
        running.append(self)
        eventually(f"{name} is ready", self.ready)

    def ready(self):
        check(f"{self.name} runs", self.process.poll() is None)
        try:
            return self.leads() in (0, 1) and http_ok(self.port)
        except OSError:
            return False

    def leads(self):
        return metrics(self.port)["aipc_leader"]

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        rc = self.process.wait(20)
        running.remove(self)
        return rc


def http_ok(port):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    conn.request("GET", "/readyz")
    return conn.getresponse().status == 200


def lease():
    return call("GET", LEASE)["spec"]


def holder():
    try:
        return lease().get("holderIdentity")
    except Refused:
        return None


def stamp(shift):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def steal(who, shift=0):
    call("PATCH", LEASE, {"spec": {"holderIdentity": who, "renewTime": stamp(shift), "acquireTime": stamp(shift)}}, MERGE)


N = [0]


def gangs(n):
    """N gangs of 2; the names of their pods."""
    names = []
    for _ in range(n):
        g = f"g{N[0]}"
        N[0] += 1
        create(gang(g, 2, required="leaf"))
        for i in range(2):
            create(pod(f"{g}-{i}", gpus=1, labels={"aipc.dev/gang": g}))
            names.append(f"{g}-{i}")
    return names


def all_bound(names, seconds=40):
    eventually(f"{names[0]} to {names[-1]} have a node", lambda: all(node_of(get("Pod", n)) for n in names), seconds)


def main():
    h = History()
    create_all(fabric("n", 4, 4))
    a, b = Scheduler("a"), Scheduler("b")
    eventually("one leads", lambda: a.leads() + b.leads() == 1)
    leader, follower = (a, b) if a.leads() else (b, a)
    all_bound(gangs(3))

    # 1. The leader is killed with work in its hands.
    names = gangs(12)
    leader.end()
    killed = time.monotonic()
    all_bound(names + gangs(2))
    gap = max(h.when.values()) - killed
    check("the other leads", follower.leads() == 1 and holder() == follower.name, holder())
    check("in the time that the documents say", gap < 22, gap)
    print(f"the leader was killed: the last pod was bound {gap:.1f} s later")

    # 2. Both are killed; whoever comes back carries on.
    names = gangs(6)
    follower.end()
    time.sleep(1)
    names += gangs(1)
    c, d = Scheduler("c"), Scheduler("d")
    began = time.monotonic()
    all_bound(names)
    print(f"both were killed: all bound {time.monotonic() - began:.1f} s after two others were there")

    # 3. The Lease is deleted: who leads makes it anew, and goes on.
    delete("Lease", "aipc-scheduler")
    eventually("the Lease is there again", lambda: holder() in ("c", "d"))
    all_bound(gangs(2))

    # 4. It is stolen by one who renews it with a clock an hour slow: while that goes on nobody writes, pods wait. Then it stops.
    leads_now = c if c.leads() else d
    steal("thief", -3600)
    eventually("the leader notices", lambda: leads_now.leads() == 0, 12)
    names = gangs(2)
    end = time.monotonic() + 18
    while time.monotonic() < end:
        steal("thief", -3600)
        check("nobody leads while the Lease is renewed, whatever its clock says", c.leads() + d.leads() == 0 and not any(node_of(get("Pod", n)) for n in names))
        time.sleep(1)
    stopped = time.monotonic()
    all_bound(names)
    print(f"the thief stopped: bound {time.monotonic() - stopped:.1f} s later")

    # 5. Its time is an hour ahead: that is no reason to wait for an hour.
    steal("thief", 3600)
    stopped = time.monotonic()
    eventually("nobody leads", lambda: c.leads() + d.leads() == 0, 12)
    all_bound(gangs(1))
    print(f"a Lease from the future: bound {time.monotonic() - stopped:.1f} s later")

    check("no pod was bound twice", not h.moved, h.moved)
    failed = [(s.name, metrics(s.port).get('aipc_scheduler_bindings_total{result="failed"}', 0)) for s in running]
    check("no binding failed", not any(n for _, n in failed), failed)
    for s in list(running):
        check(f"{s.name} ends well", s.end(signal.SIGTERM) == 0)
    check("the Lease is free", not holder(), holder())


try:
    main()
finally:
    for s in running:
        s.process.kill()
