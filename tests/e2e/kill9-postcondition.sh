#!/usr/bin/env bash
# kill -9 when an object was made and its postconditions are still being told: the state has the object, and the next plan and apply tell them.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"

# shellcheck disable=SC2016 # templates of the spec, not of the shell
# Conditions that take their time, so that there is a moment to be killed in; the last one does not hold.
{
	printf 'resource:\n  aipc_data:\n    a:\n      input: 9\n      lifecycle:\n        postcondition:\n'
	for _ in $(seq 12); do
		printf '          - { condition: "${alltrue([for i in range(1000) : alltrue([for j in range(400) : i * j + self.output > 0])])}", error_message: slow }\n'
	done
	printf '          - { condition: "${self.output < 5}", error_message: "${self.output} is large" }\n'
	printf '    user: { input: 1, depends_on: [aipc_data.a] }\n'
} >main.aipc.yaml

# killed COMMAND...: runs it, and kills it as soon as the state has the object.
killed() {
	rm -rf .aipc/state.db*
	"$@" >kill.out 2>kill.err </dev/null &
	local pid=$!
	until aipc state list 2>/dev/null | grep -qx aipc_data.a; do
		kill -0 $pid 2>/dev/null || fail "it ended before it could be killed"
	done
	kill -9 $pid || fail "it ended before it was killed"
	wait $pid 2>/dev/null || true
	! grep -q 'not met' kill.err || fail "the conditions were told already"
	[[ $(aipc state list) == aipc_data.a ]] || fail "the state has something else"
	want 1 "error[E0154]: a postcondition of aipc_data.a is not met: 9 is large" aipc plan
	want 1 "error[E0154]: a postcondition of aipc_data.a is not met: 9 is large" aipc apply --yes
	[[ $(aipc state list) == aipc_data.a ]] || fail "what refers to it was made"
}

mkdir .aipc
killed aipc apply --yes
rm -rf .aipc/state.db*
want 0 "" aipc plan -o a.plan
killed aipc apply a.plan
want 4 "stale" aipc apply a.plan
echo "killed twice, told each time"
