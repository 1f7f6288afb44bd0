#!/usr/bin/env bash
# The DMTF service validator, written by others, finds no failure in the simulated BMC.
source "$(dirname "$0")/lib.bash"
schemas=${REDFISH_SCHEMAS:-$root/../shared/redfish}
version=3.1.8
[[ -d $schemas/csdl ]] || skip "no Redfish schemas in $schemas (set REDFISH_SCHEMAS)"
command -v python3 >/dev/null || skip "python3 is missing: the validator is a Python program"

# One virtual environment for all build folders, made once.
venv=$root/build/venv-redfish-validator-$version
exec 9>"$venv.lock"
flock 9
if [[ ! -x $venv/bin/rf_service_validator ]]; then
	rm -rf "$venv"
	python3 -m venv "$venv" >venv.out 2>&1 || skip "python3 -m venv does not work here"
	timeout 300 "$venv/bin/pip" install -q "redfish_service_validator==$version" >pip.out 2>&1 || { rm -rf "$venv"; skip "pip cannot install redfish_service_validator $version"; }
fi
flock -u 9

start_sim 1 60
bmc=$(sed -n 2p sim/nodes.csv | cut -d, -f2)
timeout 240 "$venv/bin/rf_service_validator" -r "https://$bmc" -u admin -p "$(cat sim/password)" --authtype Session \
	--schema_directory "$schemas/csdl" --skipschema --logdir logs >validator.out 2>&1 || true
table=$(grep -A2 'PASS  *|  *WARN  *|  *FAIL' validator.out | tail -n 1 | tr -d ' ')
IFS='|' read -r _ passed warned failed _ <<<"$table"
[[ $passed =~ ^[0-9]+$ && $failed =~ ^[0-9]+$ ]] || fail "the validator gave no result"
echo "validator: $passed passed, $warned warnings, $failed failures"
if ((failed)); then
	grep -h 'FAIL - ' logs/*/*.log | head -n 20
	fail "the service validator found $failed failures"
fi
((passed > 2000)) || fail "the validator looked at too little: $passed checks"
left=$(sim_total sessions_open)
((left == 0)) || fail "the validator's session is still open after it logged out"
