#!/usr/bin/env bash
# `aipc schema`: all specs of this repository that aipc finds valid are valid by the schema too, mistakes are not, and the schema
# offers just the blocks that the language reads.
source "$(dirname "$0")/lib.bash"
python=
for p in python3 /usr/bin/python3; do
	if command -v "$p" >/dev/null && "$p" -c 'import jsonschema, yaml' 2>/dev/null; then python=$p; break; fi
done
[[ -n $python ]] || skip "python3 has no jsonschema and yaml modules (packages python3-jsonschema, python3-yaml)"

aipc schema >schema.json
aipc schema --tests >tests.json
cat >check.py <<'PY'
import glob, json, os, subprocess, sys
import jsonschema, yaml
root, schema = sys.argv[1], json.load(open("schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
def problems(text):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(yaml.safe_load(text))]
bad = 0
seen = 0
for dir in glob.glob(root + "/examples/*/") + glob.glob(root + "/tests/cases/*/spec/"):
    done = subprocess.run(["aipc", "-C", dir, "validate", "--json"], capture_output=True, text=True)
    if done.returncode != 0 and "/examples/" not in dir:
        continue      # a scenario of mistakes
    for file in glob.glob(dir + "/**/*.aipc.yaml", recursive=True):
        seen += 1
        for p in problems(open(file).read()):
            bad += 1
            print(f"{file}: valid for aipc, not by the schema: {p}")
print(f"{seen} files")
if seen < 4:
    bad += 1
    print("too few files were found")
wrong = {
    "misspelled block": "resorce: {}",
    "misspelled attribute": "resource: { firmware: { x: { bmc: a, componets: {} } } }",
    "unknown data type": "data: { firmwar: { x: {} } }",
    "data that would be changed": "data: { local_file: { x: { filename: a, lifecycle: { prevent_destroy: true } } } }",
    "misspelled attribute of data in a check": "check: { c: { data: { local_file: { x: { file_name: a } } }, assert: [] } }",
    "unknown type": "resource: { firmwar: { x: {} } }",
    "missing attribute": "resource: { power: { x: { state: 'On' } } }",
    "wrong kind": "resource: { power: { x: { bmc: a, state: [1] } } }",
    "not an allowed value": "resource: { power: { x: { bmc: a, state: Sideways } } }",
    "a secret in plain text": "provider: { redfish: { username: admin, password: hunter2 } }",
    "output without a value": "output: { x: { description: y } }",
    "misspelled key of a variable": "variable: { x: { defualt: 1 } }",
}
right = {
    "expressions everywhere": "resource: { power: { x: { count: '${2}', bmc: '${var.b}', state: '${var.s}', depends_on: ['firmware.y'] } } }",
    "empty blocks": "locals:\nvariable: { x: }",
    "configurations by alias": "provider: { redfish: [ { username: a, password: 'env:A' }, { alias: eu, for_each: '${var.s}', username: b, password: 'env:B' } ] }\nresource: { power: { x: { bmc: a, state: 'On', provider: redfish.eu } } }",
    "data": "data: { local_file: { x: { for_each: '${toset([])}', filename: a, depends_on: [power.x], lifecycle: { postcondition: { condition: '${true}', error: e } } } }, redfish_system: { y: { bmc: a, provider: redfish.eu } } }",
    "data in a check": "check: { c: { data: { local_file: { x: { filename: a } } }, assert: [{ condition: '${true}', error: e }] } }",
    "a call of a module": "module: { a: { source: ./a, for_each: '${toset([])}', size: 3 } }",
}
for what, text in wrong.items():
    if not problems(text):
        bad += 1
        print(f"the schema does not see: {what}")
for what, text in right.items():
    for p in problems(text):
        bad += 1
        print(f"the schema refuses {what}: {p}")
tests = json.load(open("tests.json"))
jsonschema.Draft7Validator.check_schema(tests)
test_validator = jsonschema.Draft7Validator(tests)
wrong = {
    "a run without a name": "run: [{ assert: [] }]",
    "no run": "variables: {}",
    "misspelled key of a run": "run: { a: { asert: [] } }",
    "misspelled attribute of a mock": "mock: { data: { redfish_system: { seral: x } } }\nrun: []",
    "an attribute of the spec in a mock": "mock: { resource: { aipc_data: { input: x } } }\nrun: []",
    "a composite in a mock": "mock: { resource: { gpu_node_pool: {} } }\nrun: []",
    "another command": "run: { a: { command: destroy } }",
}
right = {
    "all of it": open(root + "/tests/cases/testing/spec/tests/all.aipctest.yaml").read(),
    "the other form": "run: { a: , b: { assert: { condition: '${true}', error: e } } }",
}
for what, text in wrong.items():
    if not list(test_validator.iter_errors(yaml.safe_load(text))):
        bad += 1
        print(f"the schema of tests does not see: {what}")
for what, text in right.items():
    for e in test_validator.iter_errors(yaml.safe_load(text)):
        bad += 1
        print(f"the schema of tests refuses {what}: {e.message[:200]}")
blocks = set(schema["properties"])
os.makedirs("blocks", exist_ok=True)
open("blocks/main.aipc.yaml", "w").write("blck: {}\n")
told = subprocess.run(["aipc", "-C", "blocks", "validate", "--json"], capture_output=True, text=True)
note = json.loads(told.stderr or told.stdout)["diagnostics"][0]["notes"][0]["text"]
known = set(note.removeprefix("there are: ").split(", "))
if known != blocks:
    bad += 1
    print(f"blocks of the language {sorted(known)}, of the schema {sorted(blocks)}")
sys.exit(1 if bad else 0)
PY
"$python" check.py "$root" || fail "the schema and the language disagree"

mkdir -p .vscode
echo '{"zeta": 1, "yaml.schemas": {"other.json": "*.yml"}, "alpha": 2}' >.vscode/settings.json
want 0 "Wrote .vscode/settings.json" aipc schema --install vscode
"$python" - <<'PY' || fail "the settings were not merged"
import json
j = json.load(open(".vscode/settings.json"))
assert list(j) == ["zeta", "yaml.schemas", "alpha"] and len(j["yaml.schemas"]) == 3, j
assert json.load(open(".aipc/schema.json")) == json.load(open("schema.json"))
PY
printf '{ // mine\n}\n' >.vscode/settings.json
want 0 "left alone" aipc schema --install vscode
[[ $(head -n 1 .vscode/settings.json) = "{ // mine" ]] || fail "settings with comments were touched"
want 64 "does not take" aipc schema --install notepad
