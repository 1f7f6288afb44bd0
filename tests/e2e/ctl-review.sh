#!/usr/bin/env bash
# aipc-runtime review as a program: from a pipe as from a file, the same bytes every time; what is no cluster is refused.
set -eu
build=$(cd "${1:?build folder}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $1" >&2; exit 1; }
review() { "$build/aipc-runtime" review --at 2026-11-25T12:00:00Z "$@"; }

cat >list.json <<'J'
{ "apiVersion": "v1", "kind": "List", "items": [
  { "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n1", "labels": { "aipc.dev/pool": "t" }, "annotations": { "aipc.dev/xid": "79" } } },
  { "apiVersion": "v1", "kind": "Node", "metadata": {} },
  { "apiVersion": "aipc.dev/v1alpha1", "kind": "NodeHealthPolicy", "metadata": { "name": "p" }, "spec": {} } ] }
J
review -f list.json >file.out
review -f - <list.json >stdin.out
printf "%s\n" "$(<list.json)" | review -f - >pipe.out
for out in pipe stdin; do
	cmp file.out $out.out || fail "from a $out other decisions come than from a file"
done
python3 - <<'P' || fail "other decisions"
import json
d = json.load(open("file.out"))
assert [(x["do"], x.get("node"), x["reason"]) for x in d["health"]] == [("fence", "n1", "XidRebootNode"), ("status", None, "WithinLimits")], d["health"]
assert d["health"][0]["note"]["since"] == "2026-11-25T12:00:00Z" and d["notes"] == ["a Node without a name was passed over"], d
P
for bad in '' '{' '[]' '{"kind":"Node"}' '<html>busy</html>'; do
	rc=0
	printf '%s' "$bad" | review -f - >out 2>err || rc=$?
	[[ $rc == 1 && -s err && ! -s out ]] || fail "\"$bad\" gave exit status $rc"
done
echo "1 cluster in 3 ways, 5 refusals"
