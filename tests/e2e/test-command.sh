#!/usr/bin/env bash
# aipc test asks nobody, leaves the state alone, and its reports are read by others.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it listens and reads the reports"

# A BMC that must never be asked, and a state that must stay as it is.
cat >listen.py <<'PY'
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
s.accept()
open("asked", "w").write("asked")
PY
python3 listen.py >port &
at_exit="kill $!"
for _ in $(seq 100); do [[ -s port ]] && break; sleep 0.1; done
export SECRET=hunter2-never-shown
cat >main.aipc.yaml <<YAML
provider:
  redfish: { username: admin, password: "env:NO_SUCH_VARIABLE_IS_SET", insecure: true }
data:
  redfish_system: { a: { bmc: "127.0.0.1:$(cat port)" } }
resource:
  power: { a: { bmc: "127.0.0.1:$(cat port)", state: "On" } }
  aipc_data: { a: { input: "\${data.redfish_system.a.serial}" } }
output:
  hidden: { value: "\${sensitive(\"$SECRET\")}", sensitive: true }
YAML
cat >world.aipctest.yaml <<'YAML'
run:
  plan: { assert: { condition: '${plan.counts.create == 1 && length(aipc_data.a.input) == 8}', error: e } }
  apply: { command: apply, assert: { condition: '${output.hidden != "x" && plan.actions["power.a"] == "update"}', error: e } }
  "<b> & \"q\" 'a' ]]> \x01 \uFFFE é 𝛼": { assert: { condition: '${output.hidden == "</failure>"}', error: "<![CDATA[ & \x02 ]]>" } }
  error: { assert: { condition: '${nothing.here}', error: e } }
  last: { command: apply, override: { data.redfish_system.a: { serial: "${run.plan.none}" } } }
  skipped:
YAML
mkdir .aipc
echo "not a state at all" >.aipc/state.db
before=$(sha256sum .aipc/state.db)
want 1 "2 passed, 3 failed, 1 skipped" aipc test --junit report.xml
[[ $(sha256sum .aipc/state.db) == "$before" && $(ls -A .aipc) == state.db ]] || fail "the state was touched"
[[ ! -e asked ]] || fail "a machine was asked"
grep -rqF -- "$SECRET" last.out last.err report.xml && fail "a secret was shown"
python3 - <<'PY' || fail "the report is not what readers of JUnit expect: $(cat report.xml)"
import xml.etree.ElementTree as E
root = E.parse("report.xml").getroot()
assert root.tag == "testsuites" and root.get("tests") == "6", root.attrib
suite, = root
assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("6", "1", "2", "1"), suite.attrib
cases = list(suite)
assert [[k.tag for k in c] for c in cases] == [[], [], ["failure"], ["error"], ["error"], ["skipped"]]
assert cases[2].get("name") == "<b> & \"q\" 'a' ]]> \ufffd \ufffd \u00e9 \U0001d6fc", repr(cases[2].get("name"))
assert "<![CDATA[ &" in cases[2][0].get("message") and cases[2][0].get("type") == "E0190"
assert "world.aipctest.yaml:4:" in cases[2][0].text and "^^^" in cases[2][0].text
assert all(c.get("classname") == "world.aipctest.yaml" and float(c.get("time")) >= 0 and int(c.get("line")) > 1 for c in cases)
PY
aipc test --json >report.json 2>report.err && fail "failing tests gave 0"
[[ ! -s report.err ]] || fail "--json printed more: $(cat report.err)"
python3 - <<'PY' || fail "the JSON report: $(cat report.json)"
import json
j = json.load(open("report.json"))
runs = j["files"][0]["runs"]
assert (j["passed"], j["failed"], j["skipped"]) == (2, 3, 1)
assert [r["status"] for r in runs] == ["pass", "pass", "fail", "error", "error", "skip"]
assert runs[0]["plan"]["actions"] == {"aipc_data.a": "create", "power.a": "update"}
assert runs[2]["diagnostics"][0]["code"] == "E0190" and runs[2]["diagnostics"][0]["line"] == 4
PY
want 0 "1 passed" aipc test --filter plan --junit one.xml
want 1 "no file and no run" aipc test --filter zzz
want 1 "cannot" aipc test --filter plan --junit no/such/folder.xml
rm world.aipctest.yaml
want 0 "There are no" aipc test
[[ -z $(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'aipc-test-*' -newer main.aipc.yaml) ]] || fail "states of tests were left behind"

# Another folder, and a fleet with waves and soaking: fast all the same.
mkdir -p fleet checks
cat >fleet/main.aipc.yaml <<'YAML'
variable: { version: { type: string } }
provider: { redfish: { username: a, password: "env:NOPE" } }
resource:
  gpu_node_pool:
    train:
      nodes: "${[for i in range(40) : { name = format(\"gpu-%03d\", i), bmc = \"10.0.0.${i}\" }]}"
      gpu: { product: H100-SXM5-80GB, count: 8 }
      firmware: { components: { HostBMC_0: { version: "${var.version}" } } }
      rollout: { canary: 1, max_unavailable: "5%", soak: 10m }
YAML
cat >checks/fleet.aipctest.yaml <<'YAML'
module: fleet
run:
  first: { command: apply, variables: { version: "1.0" }, assert: { condition: '${plan.counts.update == 40}', error: "${jsonencode(plan.counts)}" } }
  same: { variables: { version: "1.0" }, assert: { condition: '${plan.counts.update == 0 && length(plan.actions) == 40}', error: "${jsonencode(plan.counts)}" } }
  next: { variables: { version: "1.1" }, assert: { condition: '${plan.actions["gpu_node_pool.train.firmware[\"gpu-007\"]"] == "update"}', error: e } }
YAML
want 0 "3 passed" aipc test checks
[[ ! -e asked ]] || fail "a machine was asked"
echo "reports are read, nobody is asked"
