#!/usr/bin/env bash
# Where gangs go: the decisions on random small fabrics beside a search of every way there is. SEED adds a seed, N sets how many gangs of each shape.
source "$(dirname "$0")/lib.bash"
for seed in 1 2 ${SEED:-}; do
	for shape in flat tree; do
		python3 "$root/tests/e2e/sched_gangs.py" "$build/aipc-runtime" "$seed" "${N:-200}" "$shape" || fail "not where they should be (seed $seed, $shape)"
	done
done
