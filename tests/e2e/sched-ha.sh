#!/usr/bin/env bash
# Takes minutes. Two schedulers with one Lease: the leader is killed and the other follows, both are killed, the Lease is deleted, stolen, and held by somebody whose
# clock is wrong. No pod is bound twice; the gaps are measured.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
sched_cluster
export AIPC_RUNTIME=$build/aipc-runtime
python3 "$root/tests/e2e/sched_ha.py"
