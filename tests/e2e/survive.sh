#!/usr/bin/env bash
# What an apply and a plan must survive: each gives a clear error, state stays readable, the next run carries on.
# Takes minutes.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it reads the simulator's counters"
quickstart
start_sim 3 600

# Before anything: reading an empty state.
want 0 "" aipc state list
want 0 "Valid" aipc validate
want 0 "" aipc plan -o one.plan

# No terminal to ask on.
want 6 "--yes" aipc apply
want 0 "" aipc apply one.plan
want 4 "" aipc apply one.plan
want 0 "No changes." aipc plan --detailed-exitcode

# A firmware version per step, each newer than the one before (BMCs refuse to go back).
step=10
next_version() {
	step=$((step + 1))
	export AIPC_VAR_bmc_firmware=25.$step.1
	printf 'aipc-sim-firmware: {"component": "HostBMC_0", "version": "25.%d.1"}\n' $step >"firmware/bmc-25.$step.1.fwpkg"
}

# A stale plan: the world of the plan moved on.
next_version
want 2 "" aipc plan --detailed-exitcode -o stale.plan
next_version
want 0 "" aipc apply --yes
want 4 "" aipc apply stale.plan

# A plan file that was cut, edited, or is something else.
next_version
want 0 "" aipc plan -o cut.plan
head -c 300 cut.plan >half.plan
want 1 "half.plan" aipc apply half.plan
sed "s/$AIPC_VAR_bmc_firmware/25.99.9/" cut.plan >edited.plan
want 1 "edited.plan" aipc apply edited.plan
echo hello >no.plan
want 1 "no.plan" aipc apply no.plan
want 1 "" aipc apply missing.plan

# Two applies at once: the second one is told who holds the state.
aipc apply --yes >first.out 2>first.err </dev/null &
first=$!
for _ in $(seq 100); do [[ -s first.err ]] && break; sleep 0.02; done
if kill -0 $first 2>/dev/null; then
	rc=0; aipc apply --yes >second.out 2>second.err </dev/null || rc=$?
	if ((rc != 4)) && kill -0 $first 2>/dev/null; then fail "two applies at once: status $rc"; fi
	if ((rc == 4)); then grep -q "$first" second.err || fail "the lock does not name its holder"; fi
fi
wait $first || fail "the first apply failed"

# Drift: changed behind aipc's back, found, put back.
sim_post /v1/bmcs/gpu-0002 '{"bios": {"SecureBoot": "Disabled"}}' >/dev/null
want 2 "SecureBoot" aipc drift
want 2 "drift" aipc plan --detailed-exitcode
want 0 "" aipc apply --yes
want 0 "0 drifted" aipc drift

# One machine is a black hole: the others go on, it is left out by name.
next_version
sim_post /v1/faults '{"faults": [{"bmc": "gpu-0003", "fault": "black_hole"}]}' >/dev/null
want 0 "gpu-0003" aipc plan
want 5 "left out" aipc apply --yes
sim_post /v1/faults '{"faults": []}' >/dev/null
want 0 "" aipc apply --yes

# Wrong password, wrong certificate: said so, nothing done, no lockout by hammering.
next_version
cp sim/password good
echo wrong >sim/password
want 0 "not planned" aipc plan
grep -q wrong last.out last.err && fail "the password was shown"
cp good sim/password
cp sim/ca.pem ca.good
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out sim/ca.pem -days 2 -subj /CN=other 2>/dev/null
want 0 "certificate" aipc plan
cp ca.good sim/ca.pem
want 0 "" aipc apply --yes

# The state file: half of it, garbage, a folder.
cp .aipc/state.db good.db
for kind in half garbage folder; do
	rm -rf .aipc/state.db .aipc/state.db-wal .aipc/state.db-shm
	case $kind in
	half) head -c 2048 good.db >.aipc/state.db ;;
	garbage) head -c 8192 /dev/urandom >.aipc/state.db ;;
	folder) mkdir .aipc/state.db ;;
	esac
	want 1 "state.db" aipc plan
	want 1 "state.db" aipc state list
done
rm -rf .aipc/state.db .aipc/state.db-wal .aipc/state.db-shm
cp good.db .aipc/state.db
want 0 "No changes." aipc plan

# A full disk, and a read-only folder.
if [[ $(id -u) = 0 ]] && mkdir full && mount -t tmpfs -o size=24m tmpfs full 2>/dev/null; then
	cp .aipc/state.db full/state.db
	sed 's/^provider:/aipc: { state: { path: full\/state.db } }\nprovider:/' main.aipc.yaml >m && mv m main.aipc.yaml
	next_version
	dd if=/dev/zero of=full/ballast bs=64k 2>/dev/null || true
	dd if=/dev/zero of=full/more bs=1k 2>/dev/null || true
	rc=0; aipc apply --yes >last.out 2>last.err </dev/null || rc=$?
	((rc == 1 || rc == 5)) || { cat last.out last.err; umount full; fail "a full disk ended with $rc"; }
	grep -qi "full\|no space" last.out last.err || { cat last.out last.err; umount full; fail "a full disk is not named"; }
	rm full/ballast full/more
	rc=0; aipc apply --yes >last.out 2>last.err </dev/null || rc=$?
	((rc == 0)) || { cat last.out last.err; umount full; fail "after the full disk: $rc"; }
	mount -o remount,ro full
	rc=0; aipc plan >last.out 2>last.err </dev/null || rc=$?
	((rc == 0)) || { cat last.out last.err; umount full; fail "plan on a read-only state: $rc"; }
	rc=0; aipc apply --yes >last.out 2>last.err </dev/null || rc=$?
	umount full
	((rc == 1)) || { cat last.out last.err; fail "apply on a read-only state: $rc"; }
else
	echo "not run here: a full disk and a read-only folder (needs root and mount)"
fi

# No login was left open.
[[ $(sim_total sessions_open) == 0 ]] || fail "logins left open: $(sim_total sessions_open)"
