#!/usr/bin/env bash
# make demo, faster: it ends well, all that it says itself fits 80 columns, and what it claims is so: no image twice, nothing left to change.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it asks the simulator"
mkdir build
for p in aipc aipc-runtime aipc-sim; do ln -s "$build/$p" "build/$p"; done
SPEED=1000 AIPC_DEMO_CLUSTER=0 bash "$root/examples/demo" "$work/build" >demo.out 2>demo.err || { cat demo.out demo.err; fail "the demo"; }
if grep -v "doesn't fully support makecontext" demo.err; then fail "the demo writes errors"; fi
# Events of an apply are one line each, however long, and the file that is shown is as it is.
if grep -v -e '^20[0-9-]*T' -e 'aipc.dev/mig-resources' demo.out | awk 'length > 80' | grep .; then fail "wider than 80 columns"; fi
if LC_ALL=C grep -n '[^ -~]' demo.out; then fail "not ASCII"; fi
if grep -n 'Killed\|line [0-9]*:' demo.out; then fail "the shell speaks of the script"; fi
(($(grep -c '^No changes' demo.out) == 2)) || fail "a plan behind an apply finds changes"
# Two images on each of eight machines, and one more on each for the newer firmware.
grep -q '^The simulator counted: images 24, ac_cycles 8, ' demo.out || { cat demo.out; fail "an image was sent twice, or never"; }
[[ -s build/demo/log && ! -e build/demo/sim.pid ]] || fail "the simulator still runs, or nothing was logged"
echo "$(wc -l <demo.out) lines, 24 images"
