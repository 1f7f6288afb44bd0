#!/usr/bin/env bash
# aipc import: what is in the world is taken over, and the block it prints declares the object as it is: a plan then changes nothing.
source "$(dirname "$0")/lib.bash"
start_sim 2 600
address=$(python3 -c 'import json,sys; print(json.load(open("sim/nodes.json"))[0]["bmc"])' 2>/dev/null || sed -n 2p sim/nodes.csv | cut -d, -f2)
[[ -n $address ]] || fail "the simulator names no BMC"
cat >main.aipc.yaml <<'Y'
provider: { redfish: { username: admin, password: "file:sim/password", ca_file: sim/ca.pem, connect_timeout: 3s } }
Y
for type in bios firmware power; do
	want 0 "Imported $type.first." aipc import "$type.first" "$address"
	cp last.out "$type.aipc.yaml"
	grep -q "^  $type:" "$type.aipc.yaml" || fail "no block was printed for $type"
done
want 0 "No changes." aipc plan --detailed-exitcode
want 0 "power.first" aipc state list
want 4 "the state has power.first already" aipc import power.first "$address"
want 1 'the id of such an object is the address of its BMC' aipc import power.other
want 1 'did you mean power' aipc import powr.other "$address"
want 1 "no address" aipc import power "$address"
want 1 "not one object" aipc import gpu_node_pool.train x
want 1 "" aipc import power.third 127.0.0.1:9
# what the spec declares needs no id, and keeps what the spec says
sed -e 's/first/second/' power.aipc.yaml >second.aipc.yaml
want 1 "the id names the BMC other" aipc import power.second other
want 0 "Imported power.second." aipc import power.second
[[ ! -s last.out ]] || fail "a block was printed for an object that the spec declares"
want 0 "No changes." aipc plan --detailed-exitcode
# a value of the language that looks like a template stays text
# shellcheck disable=SC2016  # it is a text of the language
want 0 "Imported aipc_data.text." aipc import aipc_data.text '${not} %{a template} "q"'
cp last.out text.aipc.yaml
want 0 "No changes." aipc plan --detailed-exitcode
# an address with a key: the block makes that instance
n=0
# shellcheck disable=SC2016
for key in '["rack 1"]' '["${x}"]' '[0]'; do
	n=$((n + 1))
	want 0 "Imported aipc_data.many$n" aipc import "aipc_data.many$n$key" text
	cp last.out "many$n.aipc.yaml"
	want 0 "No changes." aipc plan --detailed-exitcode
done
want 0 "import them as well" aipc import 'aipc_data.counted[1]' text
cp last.out counted.aipc.yaml
want 0 "1 to add, 0 to change" aipc plan
echo "bios, firmware and power of a machine were imported and need no change, and so were instances with keys"
