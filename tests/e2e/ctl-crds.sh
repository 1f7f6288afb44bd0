#!/usr/bin/env bash
# The kinds against a real API server: accepted whole, defaults filled in, each rule refuses what it is there for.
# shellcheck source=tests/e2e/ctl.bash
. "$(dirname "$0")/ctl.bash"
start_api

aipc-runtime crds >crds.yaml
k apply --server-side -f crds.yaml >/dev/null
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
# A second time changes nothing: the server stores what we print.
k diff --server-side -f crds.yaml >diff.out 2>&1 || fail "the stored kinds differ from the printed ones"

for kind in gang.spec.groups.slices gang.status.replacements fabrictopology.spec.levels sparepool.spec.minFree nodehealthpolicy.spec.xid; do
	for _ in $(seq 50); do k explain $kind >explain.out 2>&1 && break; sleep 0.2; done
	if ! grep -q DESCRIPTION explain.out || grep -q '<no description>' explain.out; then fail "kubectl explain $kind"; fi
done
for preset in $(aipc-runtime topology | awk '{ print $1 }'); do
	aipc-runtime topology "$preset" | k create --dry-run=server -f - >/dev/null || fail "preset $preset is refused"
	k create --dry-run=server -f - >/dev/null <<<"{apiVersion: aipc.dev/v1alpha1, kind: FabricTopology, metadata: {name: p}, spec: {preset: $preset}}" ||
		fail "preset $preset is not in the schema"
done

refused() { # WHAT KIND SPEC
	local out
	if out=$(k create --dry-run=server -f - 2>&1 <<<"{apiVersion: aipc.dev/v1alpha1, kind: $2, metadata: {name: x}, spec: $3}"); then fail "accepted: $2 $3"; fi
	[[ $out == *"$1"* ]] || fail "$2 $3: refused with other words: $out"
}
refused 'say how many pods' Gang '{}'
refused 'min is more than' Gang '{min: 3, groups: [{name: a}, {name: b}]}'
refused 'a parent must be' Gang '{groups: [{name: a, parent: z}]}'
refused 'a parent must be' Gang '{groups: [{name: a, parent: a}]}'
refused "each other's parent" Gang '{groups: [{name: a, parent: b}, {name: b, parent: a}]}'
refused 'give preferred' Gang '{min: 2, patienceSeconds: 60}'
refused 'largest to the smallest' Gang '{min: 8, slices: [{size: 2, level: leaf}, {size: 4, level: nvlink}]}'
refused 'max needs a min' Gang '{groups: [{name: a, min: 4, max: 2}]}'
refused 'Duplicate value' Gang '{groups: [{name: a}, {name: a}]}'
refused 'either preset or levels' FabricTopology '{}'
refused 'either preset or levels' FabricTopology '{preset: aws, levels: [{name: a, nodeLabel: a}]}'
refused 'same nodeLabel' FabricTopology '{levels: [{name: a, nodeLabel: x}, {name: b, nodeLabel: x}]}'
refused 'only be the last' FabricTopology '{levels: [{name: a, nodeLabel: kubernetes.io/hostname}, {name: b, nodeLabel: x}]}'
refused 'an alias is the name' FabricTopology '{levels: [{name: a, nodeLabel: k1, alias: b}, {name: b, nodeLabel: k2}]}'
refused 'less than or equal to 100' NodeHealthPolicy '{blastRadius: {limits: [{level: leaf, percent: 101}]}}'

k create -f - >/dev/null <<'Y'
{ apiVersion: aipc.dev/v1alpha1, kind: NodeHealthPolicy, metadata: { name: d }, spec: {} }
Y
got=$(k get nhp d -o jsonpath='{.spec.blastRadius.limits[0]} {.spec.effect} {.spec.xid.resetGpu} {.spec.guard.graceSeconds}')
[[ $got == '{"level":"cluster","percent":10} NoSchedule Fence 120' ]] || fail "defaults: $got"
k create -f - >/dev/null <<'Y'
{ apiVersion: aipc.dev/v1alpha1, kind: Gang, metadata: { name: g, namespace: default }, spec: { min: 4, required: leaf, spares: {} } }
Y
got=$(k get gang g -o jsonpath='{.spec.topology} {.spec.repair.policy} {.spec.repair.maxNodes} {.spec.preemption.unit} {.spec.spares.count}')
[[ $got == 'default Replace 32 Gang 0' ]] || fail "defaults of a gang: $got"
k get aipc -A >/dev/null || fail "the category"
echo "4 kinds, 15 refusals, 11 presets"
