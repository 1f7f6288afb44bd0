#!/usr/bin/env bash
# How it looks to whoever sits there: the question before an apply and Ctrl-C at it, a terminal that is narrow, one that is dumb, steps that
# are no longer watched; and streams that are closed, full, or left by their reader.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it holds the terminal"
unset NO_COLOR

# 1. The question. Nothing of it was done unless it was a yes.
mkdir ask
cat >ask/main.aipc.yaml <<'SPEC'
resource: { aipc_data: { first: { input: 1 } } }
output: { town: { value: '${join("", [for i in range(70) : "ü"])}' } }
SPEC
cat >ask.py <<'PY'
import os, signal, sys, time
from terminal import Terminal

env = dict(os.environ, TERM='xterm')
os.chdir('ask')
for keys, status, said in (('\x03', 130, 'Interrupted: not approved.'), (signal.SIGTERM, 130, 'Interrupted: not approved.'), ('n\n', 6, 'Not approved.'),
                           ('\x04', 6, 'Not approved.'), ('nonsense\n', 6, 'Not approved.'), ('yes\n', 0, 'Done: 1 operation')):
    t = Terminal(['aipc', 'apply'], env)
    t.until('[y/N] ')
    time.sleep(0.1)
    if isinstance(keys, str):
        t.type(keys)
    else:
        os.kill(t.pid, keys)
    got = t.ended(20)
    text = t.all.decode()
    if got != status or said not in text:
        sys.exit('%r gave %d, wanted %d and %r: %s' % (keys, got, status, said, text))
PY
export PYTHONPATH=$root/tests/e2e PYTHONDONTWRITEBYTECODE=1
python3 ask.py || fail "the question"
want 0 "No changes" aipc -C ask plan

# 2. Machines: narrow and dumb terminals, and two Ctrl-C.
quickstart
start_sim 2 2400
cat >watch.py <<'PY'
import os, re, signal, sys, time
from terminal import Terminal

def lines(t):
    text = re.sub(r'\x1b\[[0-9;]*[mKA]|\r|\x1b\[2K', '', t.all.decode())
    return [l for l in text.split('\n') if 'Refresh' not in l]

env = dict(os.environ, TERM='xterm')
for wide in (40, 60, 80):
    t = Terminal(['aipc', 'plan'], env, (24, wide))
    if t.ended() != 0:
        sys.exit('plan on %d columns: %s' % (wide, t.all.decode()))
    text = lines(t)
    long = [l for l in text if len(l) > wide and not re.match(r'Plan [0-9a-f]{6}:', l)]
    if long:
        sys.exit('wider than %d columns: %r' % (wide, long))
    if not re.search(r'bios SecureBoot:? +Disabled +-> +Enabled +2 +reboot', ' '.join(text)):
        sys.exit('the change on %d columns: %s' % (wide, text))

# A dumb terminal gets lines, and nothing that moves a cursor or colours. The second Ctrl-C leaves a step that is open, which is no failure.
t = Terminal(['aipc', 'apply', '--yes'], dict(os.environ, TERM='dumb'), (24, 80))
t.until('firmware  sending')
t.type('\x03')
t.until('press again')
t.type('\x03')
status, text = t.ended(), t.all.decode()
if status != 130 or '\x1b' in text or 'open: not watched any longer' not in text or 'failed:' in text or not re.search(r'[12] still runs? on', text):
    sys.exit('a dumb terminal, status %d: %r' % (status, text))

# What is taken up again has no bar that counts to 0; what does not fit is wrapped.
t = Terminal(['aipc', 'apply', '--yes'], env, (24, 60))
t.until('taken up again')
status, text = t.ended(120), t.all.decode()
if status != 0 or ' of 0' in text or 'Resumed an earlier run' not in text:
    sys.exit('taken up again, status %d: %r' % (status, text))
if '0 failed' in text or '0 still open' in text:
    sys.exit('nothing is told as 0: %r' % text)

# Machines that hang: the first Ctrl-C ends a plan.
sim = int(sys.argv[1])
os.kill(sim, signal.SIGSTOP)
try:
    t = Terminal(['aipc', 'plan'], env)
    time.sleep(1)
    t.type('\x03')
    status, text = t.ended(20), t.all.decode()
finally:
    os.kill(sim, signal.SIGCONT)
if status != 130 or not text.endswith('Interrupted: nothing was changed.\r\n') or 'error' in text:
    sys.exit('Ctrl-C in a plan, status %d: %r' % (status, text))
PY
python3 watch.py "$sim_pid" || fail "the terminals"

# 3. Streams that came closed, are full, or whose reader has left; and what is no file stays what it is.
export NO_COLOR=1
for p in "aipc plan" "aipc validate" "aipc graph" "aipc-runtime crds" "aipc-sim --help"; do
	rc=0
	$p >&- 2>closed.err || rc=$?
	((rc == 1)) || fail "$p with a closed standard output ended with $rc"
	grep -Eq 'cannot write (the output: Bad file descriptor|all of the output)\.' closed.err || { cat closed.err; fail "$p does not say that its output is lost"; }
	rc=0
	$p >/dev/full 2>full.err || rc=$?
	((rc == 1)) && grep -Eq 'cannot write (the output: No space left on device|all of the output)\.' full.err || { cat full.err; fail "$p on a full disk ended with $rc"; }
	$p <&- >/dev/null 2>&1 || fail "$p without standard input"
	$p 2>&- >/dev/null || fail "$p without standard error"
done
cmp -s <(head -c 16 .aipc/state.db) <(printf 'SQLite format 3\0') || fail "the state is no state any more"
rc=0
aipc plan --json >/dev/full 2>full.err || rc=$?
((rc == 1)) || fail "plan --json on a full disk ended with $rc"
grep -q 'cannot write\|No space' full.err || { cat full.err; fail "plan --json on a full disk"; }
if grep -q 'Bad file' full.err; then cat full.err; fail "another cause"; fi
aipc functions | head -n 1 >/dev/null || fail "a reader that left"
[[ ${PIPESTATUS[0]} == 0 ]] || fail "a reader that left is an error"

mkfifo pipe.plan
mkdir folder.plan
ln -s /dev/null null.plan
ln -s /proc/self/fd/1 stdout.plan
for f in pipe folder null stdout; do
	want 1 "cannot write $f.plan: it is" aipc plan -o "$f.plan"
done
[[ -p pipe.plan && -d folder.plan && -L null.plan && -L stdout.plan ]] || fail "what was no file was replaced"
if compgen -G '*.tmp.*' >/dev/null; then fail "something is left"; fi
# 4. The simulator names the option, what it takes and what it got.
sim=(aipc-sim redfish --profile hgx-h100 --dir "$work/wrong")
want 64 'aipc-sim: --nodes takes 1 to 8000 machines, not "0".' "${sim[@]}" --nodes 0
want 64 'aipc-sim: --speed takes 0.01 to 100000, not "nan".' "${sim[@]}" --nodes 1 --speed nan
want 64 'aipc-sim: --control takes ADDR:PORT, where ADDR is one of 127.0.0.0/8, not "10.0.0.1:80".' "${sim[@]}" --nodes 1 --control 10.0.0.1:80
want 64 'aipc-sim: --nodes is missing; --nodes, --profile and --dir are needed.' "${sim[@]}"
want 64 'aipc-sim: "more" is one argument too many.' "${sim[@]}" --nodes 1 more
want 64 'aipc-sim: nothing is simulated but "redfish", not "redfsh".' aipc-sim redfsh --nodes 1
want 64 'it is called "redfish".' aipc-sim
want 1 'aipc-sim: cannot open none.json: No such file or directory.' "${sim[@]}" --nodes 1 --faults none.json
[[ ! -e wrong ]] || fail "a mistake left a folder behind"

# 5. A machine that is away is named once by drift, however many of its objects are unknown, and its name is not said twice on the line.
stop_sim
aipc drift >drift.out 2>drift.err || { cat drift.out drift.err; fail "drift without machines"; }
[[ $(grep -o '^  unknown  *gpu-000[12]  *127' drift.out | tr -s ' ') == $' unknown gpu-0001 127\n unknown gpu-0002 127' ]] || { cat drift.out; fail "each machine is named once"; }
if awk 'length > 80' drift.out | grep .; then fail "drift is wider than 80 columns"; fi

echo "6 answers, 3 widths, 5 programs without streams"
