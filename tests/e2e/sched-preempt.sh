#!/usr/bin/env bash
# Who would have to go: the decisions on random small clusters beside every set of victims that there is. SEED adds a seed, N sets how many clusters.
source "$(dirname "$0")/lib.bash"
for seed in 1 2 ${SEED:-}; do
	python3 "$root/tests/e2e/sched_preempt.py" "$build/aipc-runtime" "$seed" "${N:-250}" || fail "not the victims that there should be (seed $seed)"
done
