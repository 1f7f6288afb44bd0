#!/usr/bin/env bash
# The units of deploy/systemd as systemd itself reads them; what they start is there and takes what they give it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:?build folder}" && pwd)
skip() { echo "$1"; exit 77; }
fail() { echo "FAILED: $1" >&2; exit 1; }
command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Instances of the templates with the program where this build put it, and a user that is here.
for kind in service timer; do
	sed "s|/usr/local/bin/aipc|$build/aipc|; s|^User=.*|User=$(id -un)|" "$root/deploy/systemd/aipc-drift@.$kind" >"$work/aipc-drift@.$kind"
	cp "$work/aipc-drift@.$kind" "$work/aipc-drift@srv-x.$kind"
done
SYSTEMD_UNIT_PATH=$work: systemd-analyze verify --man=no "$work/aipc-drift@srv-x.service" "$work/aipc-drift@srv-x.timer" >"$work/out" 2>&1 || { cat "$work/out"; fail "systemd does not take the units"; }
if grep aipc-drift "$work/out"; then fail "systemd has something to say about the units"; fi

# The very command line, in a folder without a spec: an error of the look (1), not of the usage (64).
mkdir "$work/spec"
words=$(sed -n 's|^ExecStart=/usr/local/bin/aipc ||p' "$root/deploy/systemd/aipc-drift@.service")
rc=0
# shellcheck disable=SC2086  # a command line of words
"$build/aipc" ${words//%f/$work/spec} >"$work/out" 2>&1 || rc=$?
[[ $rc != 64 ]] || { cat "$work/out"; fail "aipc does not take: $words"; }
echo "2 units"
