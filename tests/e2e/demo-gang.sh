#!/usr/bin/env bash
# The end of make demo without a cluster: what it prints is true, fits 80 columns, and needs nothing but bash, awk and our programs.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"

# A machine with the barest tools: what the script calls beside ours.
mkdir tools
for t in bash env awk cat cp cut dirname grep mkdir rm sed tr wc; do ln -s "$(command -v $t)" tools/$t; done
env -i HOME="$work" PATH="$work/tools" bash "$root/examples/demo-gang" "$build" "$work/demo" >demo.out 2>demo.err || { cat demo.out demo.err; fail "the demo"; }
if grep -v "doesn't fully support makecontext" demo.err; then fail "the demo writes errors"; fi
if awk 'length > 80' demo.out | grep .; then fail "wider than 80 columns"; fi
if LC_ALL=C grep -n '[^ -~]' demo.out; then fail "not ASCII"; fi

cd demo
aipc plan --detailed-exitcode >/dev/null 2>&1 || fail "what was applied is not what the spec says"
for f in *.json; do python3 -m json.tool "$f" >/dev/null || fail "$f is not JSON"; done
python3 - <<'P' || fail "the decisions"
import glob, re
leaf, spare = {}, set()
for f in glob.glob("manifests/nodes/*.yaml"):
    t = open(f).read(); n = re.search(r"  name: (\S+)", t)[1]
    leaf[n] = re.search(r"aipc.dev/leaf: (\S+)", t)[1]
    if 'aipc.dev/spare: "true"' in t: spare.add(n)
assert len(leaf) == 16 and len(spare) == 4 and len(set(leaf.values())) == 2
placed = dict(l.split() for l in open("placed"))
assert sorted(placed) == [f"llama-{i}" for i in range(6)]
assert len(set(placed.values())) == 6 and not spare & set(placed.values()) and len({leaf[n] for n in placed.values()}) == 1
assert leaf[placed["llama-0"]] != leaf["gpu-0003"]      # five nodes are too few
repaired = dict(l.split() for l in open("repaired"))
assert sorted(repaired) == ["llama-1", "llama-4"] and set(repaired.values()) <= spare and len(set(repaired.values())) == 2
assert {leaf[n] for n in repaired.values()} == {leaf[placed["llama-0"]]}
out = open("../demo.out").read()
for pod, node in placed.items(): assert f"  {pod}  {node}  {leaf[node]}\n" in out, pod
for pod, node in repaired.items(): assert f"  {pod}  {placed[pod]} -> {node}  {leaf[node]}\n" in out, pod
P

# What cannot be placed is an error of the demo, never a silent end.
sed 's/192/16/' "$root/examples/gang/objects" >"$work/objects.small"
mkdir -p "$work/small/examples/gang"
cp "$root/examples/demo-gang" "$work/small/examples/"
cp "$root/examples/gang/main.aipc.yaml" "$work/small/examples/gang/"
install -m 755 "$work/objects.small" "$work/small/examples/gang/objects"
if "$work/small/examples/demo-gang" "$build" "$work/small/demo" >"$work/small.out" 2>&1; then fail "nodes that are too small are not noticed"; fi
grep -q 'demo: the gang was not placed' "$work/small.out" || { cat "$work/small.out"; fail "another error"; }
echo "6 placed, 2 repaired, 80 columns"
