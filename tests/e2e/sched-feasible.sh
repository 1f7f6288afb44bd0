#!/usr/bin/env bash
# Our verdict on each pod and node beside those of kube-scheduler's own plugins, on random clusters; and whether a pod that we leave
# pending has a node after all.
source "$(dirname "$0")/lib.bash"
rc=0
oracle=$("$root/scripts/oracle" --path 2>oracle.err) || rc=$?
((rc != 77)) || skip "$(tail -n 1 oracle.err)"
((rc == 0)) || { cat oracle.err; fail "scripts/oracle"; }
for seed in 1 2 3 ${SEED:-}; do
	"$oracle" "$seed" 150 "$build/aipc-runtime" || fail "verdicts differ from kube-scheduler's (seed $seed)"
done
