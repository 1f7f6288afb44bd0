#!/usr/bin/env bash
# The end of make demo on a real API server: what it prints is what the cluster did, and nothing runs on afterwards.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
# shellcheck source=tests/e2e/kube.bash
. "$root/tests/e2e/kube.bash"
kube_peers etcd kube-apiserver kube-controller-manager kubectl kwok

# KEEP=1 leaves it on; the next run ends that first.
KEEP=1 AIPC_DEMO_CLUSTER='' bash "$root/examples/demo-gang" "$build" "$work/demo" >keep.out 2>&1 || { cat keep.out; fail "the demo that stays"; }
grep -q 'The cluster goes on' keep.out || { cat keep.out; fail "nothing is said of what stays"; }
"$peers/kubectl" --kubeconfig demo/kube/admin.config get gang llama >/dev/null || fail "the cluster does not go on"
read -r -a stayed <demo/pids
kube_pids+=("${stayed[@]}")
((${#stayed[@]} == 6)) || fail "${#stayed[@]} processes stay"

AIPC_DEMO_CLUSTER='' bash "$root/examples/demo-gang" "$build" "$work/demo" >demo.out 2>demo.err || { cat demo.out demo.err; tail -n 20 demo/*.log; fail "the demo"; }
if [[ -s demo.err ]]; then cat demo.err; fail "the demo writes errors"; fi
if awk 'length > 80' demo.out | grep .; then fail "wider than 80 columns"; fi
grep -q 'real API server: six pods' demo.out || fail "no API server was used"

cd demo
python3 - <<'P' || { cat ../demo.out; fail "what the cluster did"; }
import glob, re
leaf, spare = {}, set()
for f in glob.glob("manifests/nodes/*.yaml"):
    t = open(f).read(); n = re.search(r"  name: (\S+)", t)[1]
    leaf[n] = re.search(r"aipc.dev/leaf: (\S+)", t)[1]
    if 'aipc.dev/spare: "true"' in t: spare.add(n)
placed, repaired = (dict(l.split() for l in open(f)) for f in ("placed", "repaired"))
ranks = [str(i) for i in range(6)]
assert sorted(placed) == sorted(repaired) == ranks
assert len(set(placed.values())) == len(set(repaired.values())) == 6 and not spare & set(placed.values())
assert len({leaf[n] for n in placed.values()} | {leaf[n] for n in repaired.values()}) == 1 and leaf["gpu-0003"] != leaf[placed["0"]]
moved = [r for r in ranks if placed[r] != repaired[r]]
assert moved == ["1", "4"] and {repaired[r] for r in moved} <= spare
out = open("../demo.out").read()
for r in ranks: assert f"  rank {r}  {placed[r]}  {leaf[placed[r]]}\n" in out, r
for r in moved: assert f"  rank {r}  {placed[r]} -> {repaired[r]}  {leaf[repaired[r]]}\n" in out, r
assert "  Replacing   2 failed nodes replaced from spares, ranks kept\n" in out
P
if grep -iE 'forbidden|error' scheduler.log controller.log; then fail "a role complains"; fi
for f in /proc/[0-9]*/cwd; do
	if [[ $(readlink "$f") == "$work/demo"* ]]; then
		p=${f%/cwd}
		[[ ${p#/proc/} == "$$" || ! -e $p/exe ]] || { tr '\0' ' ' <"$p/cmdline"; fail "something runs on"; }
	fi
done
echo "6 placed, 2 repaired on an API server"
