#!/usr/bin/env bash
# bench/ctl-live - the controller on a real API server with 10,000 nodes, and one pod of a gang on each (8 to a gang): from its start until it leads, its
# memory, and from a sign to the taint. The memory requests in deploy/ come from here.
# NODES=N for another number. Skipped where no API server can be had.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/../tests/e2e/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
kube_peers etcd kube-apiserver kubectl
KUBE_API_FLAGS="--enable-priority-and-fairness=false --max-requests-inflight=0 --max-mutating-requests-inflight=0"
kube_up
export SERVER=https://127.0.0.1:$kube_port TOKEN=admin-token NODES=${NODES:-10000}
aipc-runtime crds | kc apply --server-side -f - >/dev/null
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
python3 - "$root/tests/e2e" <<'PY'
import concurrent.futures, os, resource, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import ctl_live as c
n = int(os.environ["NODES"])
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    list(pool.map(lambda i: c.node(f"gpu-{i:05}", {"aipc.dev/gpu-count": "8"}, leaf=f"l{i // 72}", spine=f"s{i // 576}"), range(n)))
def gang(g):
    c.api("POST", f"{c.AIPC}/namespaces/default/gangs", {"apiVersion": "aipc.dev/v1alpha1", "kind": "Gang", "metadata": {"name": f"g{g}"}, "spec": {"min": 8}})
    for i in range(8 * g, min(8 * g + 8, n)):
        c.api("POST", "/api/v1/namespaces/default/pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}", "labels": {"aipc.dev/gang": f"g{g}"}, "annotations": {"aipc.dev/rank": str(i % 8)}},
            "spec": {"nodeName": f"gpu-{i:05}", "restartPolicy": "Never", "containers": [
                {"name": "c", "image": "x", "resources": {"limits": {"nvidia.com/gpu": "8"}, "requests": {"nvidia.com/gpu": "8"}}}]}})
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    list(pool.map(gang, range((n + 7) // 8)))
c.policy("p", blastRadius={"limits": [{"level": "cluster", "percent": 10}, {"level": "leaf", "percent": 50}]})
log = open("controller.err", "w+")
began = time.monotonic()
p = subprocess.Popen(["aipc-runtime", "controller", "--no-leader-elect", "--listen", "127.0.0.1:0"], stderr=log, stdout=log)
c.eventually("it leads", lambda: "info: leading" in open("controller.err").read())
def line(figure, value, unit): print(f"bench ctl-live-{n} {figure} {value:.3f} {unit}")
line("start", time.monotonic() - began, "s")
port = next(l.rsplit(" ", 1)[1].strip() for l in open("controller.err") if "probes on port" in l)
took = []
for i in range(20):
    name = f"gpu-{i * 97 % n:05}"
    began = time.monotonic()
    c.annotate(name, xid="79")
    while not c.taint(name, "aipc.dev/unhealthy"):
        time.sleep(0.01)
    took.append(time.monotonic() - began)
took.sort()
line("sign-to-taint-median", took[len(took) // 2], "s")
line("sign-to-taint-worst", took[-1], "s")
line("memory", c.metric(port, "aipc_resident_memory_bytes") / 1e6, "MB")
line("memory-peak", int(next(l for l in open(f"/proc/{p.pid}/status") if l.startswith("VmHWM")).split()[1]) * 1024 / 1e6, "MB")
line("pods", c.metric(port, r'aipc_cache_objects\{resource="pods"\}'), "pods")
line("round", c.metric(port, "aipc_controller_round_seconds_sum") / c.metric(port, "aipc_controller_round_seconds_count"), "s")
line("fleet", c.metric(port, "aipc_controller_fleet_seconds_sum") / c.metric(port, "aipc_controller_fleet_seconds_count"), "s")
ticks = sum(map(int, open(f"/proc/{p.pid}/stat").read().rsplit(") ", 1)[1].split()[11:13]))
line("processor", ticks / os.sysconf("SC_CLK_TCK"), "s")
p.terminate()
assert p.wait(30) == 0
PY
