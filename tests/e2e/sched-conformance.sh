#!/usr/bin/env bash
# What the scheduler does with each shape of group and each rule of the API, as a table of scenarios on one real API server:
# sched_conformance.py. ROWS selects some by a part of their names.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
. "$root/tests/e2e/sched.bash"
python3 "$root/tests/e2e/sched_conformance.py" offline "$build/aipc-runtime"
sched_cluster
python3 "$root/tests/e2e/sched_conformance.py" kinds
# shellcheck disable=SC2119
sched_up
python3 "$root/tests/e2e/sched_conformance.py" rows "${ROWS:-}" "${sched_ports[0]}"
sched_stop TERM || fail "it did not end well: $?"
if grep -E 'level=(error|fatal)|ERROR' sched.err; then fail "the scheduler complained"; fi
