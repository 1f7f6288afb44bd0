#!/usr/bin/env bash
# How long `aipc version` takes and how much memory, beside the same for /bin/true in the same run.
set -eu
build=$1
python3 - "$build/aipc" <<'P'
import os, resource, statistics, subprocess, sys, time
def run(argv, n=60):
    times = []
    for _ in range(n):
        t = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - t) * 1000)
    return statistics.median(times)
def peak(argv):
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.execv(argv[0], argv)
    return os.wait4(pid, 0)[2].ru_maxrss / 1024
aipc, base = run([sys.argv[1], "version"]), run(["/bin/true"])
print(f"bench version wall_ms {aipc:.2f} ms")
print(f"bench version true_wall_ms {base:.2f} ms")
print(f"bench version over_true_ms {aipc - base:.2f} ms")
print(f"bench version peak_mib {peak([sys.argv[1], 'version']):.1f} MiB")
P
