#!/usr/bin/env bash
# Takes minutes. Two schedulers with one Lease: the leader is killed and the other follows, both are killed, the Lease is deleted, stolen, and held by somebody whose
# clock is wrong. No pod is bound twice; the gaps are measured.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
kube_up
aipc-runtime crds >crds.yaml
kc apply -f crds.yaml >/dev/null
kube_kwok
export SERVER=https://127.0.0.1:$kube_port TOKEN=admin-token AIPC_RUNTIME=$build/aipc-runtime
python3 "$root/tests/e2e/sched_ha.py"
