#!/usr/bin/env bash
# bench/sched-live - the scheduler on a real API server, beside a null binder and kube-scheduler: how fast it binds, what it keeps in memory, how soon it
# says why a pod waits, how soon it starts and takes over. docs/scheduler.md, "Measuring it", says what the figures mean.
# NODES=1000 PODS=4000 GANGS=500 GANG=8 WAITING=10000 ROUNDS=3 for other sizes, PARTS="arriving singles gangs waiting start failover" for some of
# it. KUBE=no leaves kube-scheduler out.
# Skipped where no API server can be had.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/../tests/e2e/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
[[ -x $build/tests/e2e/kube_load ]] || skip "tests/e2e/kube_load is not built (make tests)"
kube_peers etcd kube-apiserver kubectl
KUBE_API_FLAGS="--enable-priority-and-fairness=false --max-requests-inflight=0 --max-mutating-requests-inflight=0"
kube_up
aipc-runtime crds | kc apply --server-side -f - >/dev/null
kc wait --for=condition=Established --timeout=60s crd --all >/dev/null
# shellcheck disable=SC2154  # kube.bash sets peers, kube_port and the pids
export SERVER=https://127.0.0.1:$kube_port TOKEN=admin-token PEERS=$peers BUILD=$build API_PID=$kube_api_pid ETCD_PID=${kube_pids[0]}
export PYTHONPATH=$root/tests/e2e PYTHONDONTWRITEBYTECODE=1
python3 "$root/bench/sched_live.py"
