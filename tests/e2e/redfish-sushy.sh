#!/usr/bin/env bash
# Reads and drives the OpenStack emulator (sushy-tools, a service nobody here wrote) over TLS.
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: the emulator is written in it"
command -v openssl >/dev/null || skip "openssl is missing: it makes the certificate"
cache=${XDG_CACHE_HOME:-$build}/sushy-tools-2.2.0
if [[ ! -x $cache/bin/sushy-emulator ]]; then
	rm -rf "$cache"
	python3 -m venv "$cache" >venv.out 2>&1 || { rm -rf "$cache"; skip "python3 has no venv here"; }
	timeout 300 "$cache/bin/pip" -q install sushy-tools==2.2.0 >pip.out 2>&1 || { rm -rf "$cache"; skip "sushy-tools cannot be had from PyPI"; }
fi
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$cache/bin/sushy-emulator" --fake -i 127.0.0.1 -p "$port" --ssl-certificate cert.pem --ssl-key key.pem >sushy.out 2>&1 &
emulator=$!
at_exit="kill $emulator"
for _ in $(seq 100); do
	curl -s --cacert cert.pem "https://127.0.0.1:$port/redfish/v1/" >/dev/null && break
	sleep 0.2
done
curl -s --cacert cert.pem "https://127.0.0.1:$port/redfish/v1/" >/dev/null || { cat sushy.out; fail "the emulator did not start"; }

export RF_PASSWORD=none
spec() { # STATE TRUST
	printf 'provider:\n  redfish: { username: admin, password: "env:RF_PASSWORD", %s }\nresource:\n  power: { x: { bmc: "127.0.0.1:%s", state: "%s" } }\n' \
		"$2" "$port" "$1" >main.aipc.yaml
}
system=$(curl -s --cacert cert.pem "https://127.0.0.1:$port/redfish/v1/Systems" | python3 -c 'import json,sys; print(json.load(sys.stdin)["Members"][0]["@odata.id"])')
state() { curl -s --cacert cert.pem "https://127.0.0.1:$port$system" | python3 -c 'import json,sys; print(json.load(sys.stdin)["PowerState"])'; }

for want in On Off On; do
	spec $want "ca_file: $PWD/cert.pem"
	want 0 "" aipc apply --yes
	[[ $(state) == "$want" ]] || fail "power is $(state), not $want"
	want 0 "No changes." aipc plan --detailed-exitcode
done

pin="sha256//$(openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)"
spec On "pin: \"$pin\""
want 0 "No changes." aipc plan --detailed-exitcode
spec On "port: 443"
timeout 60 aipc plan >untrusted.out 2>&1 </dev/null || true
grep -q "certificate is not trusted" untrusted.out || { cat untrusted.out; fail "a certificate of nobody is refused"; }
echo "driven over TLS: on, off, on"
