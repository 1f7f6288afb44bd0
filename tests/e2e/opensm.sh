#!/usr/bin/env bash
# A real subnet manager on a simulated fabric: ibsim takes the netlist of a declared fat tree, opensm reads the files that were
# written for it, and what ibnetdiscover then finds is what was declared.
set -eu
build=$(cd "${1:?build folder}" && pwd)
skip() { echo "$1"; exit 77; }

for p in opensm ibsim ibnetdiscover smpquery; do
	command -v $p >/dev/null || skip "$p is not installed"
done
writer=$build/tests/unit/providers/test_fabric_netlist
[[ -x $writer ]] || skip "$writer is not built"
shim=
for f in /usr/lib/*/umad2sim/libumad2sim.so /usr/lib/umad2sim/libumad2sim.so /usr/lib64/umad2sim/libumad2sim.so; do
	[[ -r $f ]] && shim=$f
done
[[ -n $shim ]] || skip "this system's ibsim comes without libumad2sim.so, which opensm needs to reach the simulator"

work=$(mktemp -d)
sim=
cleanup() {
	local rc=$?
	[[ -z $sim ]] || kill "$sim" 2>/dev/null || true
	((rc == 0)) || tail -n 20 "$work"/*.out 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
fail() { echo "FAILED: $1" >&2; exit 1; }
export IBSIM_SOCKNAME=aipc-$$ OSM_CACHE_DIR=$work OSM_TMP_DIR=$work

# Runs a program as if on the NIC HOST/N of the simulated fabric.
on() {
	local nic=$1
	shift
	timeout 90 env SIM_HOST="$nic" LD_PRELOAD="$shim" "$@"
}

# NAME HOSTS FAT-TREE: simulates, routes, discovers and compares.
try() {
	local name=$1 hosts=$2 tree=$3 list='' i
	for ((i = 1; i <= hosts; i++)); do
		list+="${list:+,}{\"name\":\"$(printf 'gpu-%04d' $i)\"}"
	done
	mkdir -p "$name"
	"$writer" "$name" "{\"guid_base\":\"0x0002c90300000000\",\"fat_tree\":{$tree,\"hosts\":[$list]},\"partitions\":{
		\"tenant-a\":{\"pkey\":16,\"ipoib\":true,\"members\":[\"gpu-000[1-4]\"]},
		\"tenant-b\":{\"pkey\":17,\"membership\":\"limited\",\"members\":[\"gpu-000[5-8]\"]},
		\"every-flag\":{\"pkey\":18,\"ipoib\":true,\"index0\":true,\"rate\":3,\"mtu\":4,\"sl\":1,\"members\":[\"gpu-0003/1\"]},
		\"empty\":{\"pkey\":19,\"members\":[]}}}"

	ibsim -s -n -N 2000 -S 500 -P 20000 "$name/net" >sim.out 2>&1 </dev/null &
	sim=$!
	for _ in $(seq 100); do
		on gpu-0001/1 smpquery -D nodedesc 0 >/dev/null 2>&1 && break
		kill -0 $sim || fail "$name: ibsim did not take the netlist"
		sleep 0.1
	done

	cat >opensm.conf <<-END
		partition_config_file $work/$name/partitions.conf
		root_guid_file $work/$name/root_guids.conf
		node_name_map_name $work/$name/node-name-map
		routing_engine updn,minhop
		log_file $work/opensm.log
	END
	on gpu-0001/1 env SIM_SET_ISSM=1 opensm -F opensm.conf -o >opensm.out 2>&1 || fail "$name: opensm ended with $?"
	grep -q 'SUBNET UP' opensm.log || fail "$name: the subnet did not come up"
	if grep -E 'PARSE ERROR|ERR .*(prtn|root|Name map)' opensm.log; then fail "$name: opensm complains of a file"; fi
	grep -q 'updn' opensm.log || fail "$name: root_guids.conf gave no up/down routing"

	on gpu-0001/1 ibnetdiscover --node-name-map "$name/node-name-map" >found.out || fail "$name: ibnetdiscover"
	python3 - found.out >found <<-'END'
		import re, sys
		ends, links, this = {}, set(), None
		for line in open(sys.argv[1]):
		    head = re.match(r'(Switch|Ca)\s+\d+ "([^"]+)"\s+# "([^"]+)"', line)
		    if head:
		        this, ends[head.group(2)] = head.group(2), (head.group(1), head.group(3))
		    row = re.match(r'\[(\d+)\](?:\([0-9a-f]+\))?\s+"([^"]+)"\[(\d+)\]', line)
		    if row:
		        links.add(tuple(sorted([(this, row.group(1)), (row.group(2), row.group(3))])))
		def end(node, port):
		    kind, name = ends[node]
		    return name if kind == 'Ca' else f'{name}/{port}'
		for a, b in links:
		    print(*sorted([end(*a), end(*b)]))
	END
	LC_ALL=C sort "$name/links" >declared.sorted
	LC_ALL=C sort found >found.sorted
	diff declared.sorted found.sorted >difference.out || fail "$name: the links found are not the links declared"

	# What the ports then hold: the default partition as limited members, the tenant's key as its membership says.
	keys gpu-0001/1 0x8010 0xffff      # the subnet manager's own port is a full member of the default partition
	keys gpu-0002/1 0x7fff 0x8010
	keys gpu-0003/1 0x7fff 0x8010 0x8012
	keys gpu-0005/1 0x0011 0x7fff
	kill $sim
	wait $sim 2>/dev/null || true
	sim=
	echo "$name: $(wc -l <found.sorted) links, as declared"
}

keys() { # NIC KEY...: those not zero, sorted
	local nic=$1 got
	shift
	got=$(on "$nic" smpquery -D pkeys 0 | grep -oE '0x[0-9a-f]{4}' | grep -v 0x0000 | LC_ALL=C sort | xargs)
	[[ $got == "$*" ]] || fail "P_Keys of $nic are $got, not $*"
}

try two-levels 8 '"rails":4,"leaf_radix":16,"scalable_unit":4'
try three-levels 32 '"rails":2,"leaf_radix":8'
