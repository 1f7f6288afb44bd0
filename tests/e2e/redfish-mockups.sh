#!/usr/bin/env bash
# Reads the published DMTF example services (not in this repository) with our client: whole path from spec to plan.
source "$(dirname "$0")/lib.bash"
mockups=${REDFISH_SCHEMAS:-$root/../shared/redfish}/mockups
[[ -d $mockups ]] || skip "no DMTF mockups at $mockups (set REDFISH_SCHEMAS)"
command -v python3 >/dev/null || skip "python3 is missing: it serves the files"

cat >serve.py <<'PY'
import http.server, os, sys
root = sys.argv[1]
class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/").removeprefix("/redfish/v1").lstrip("/")
        file = os.path.join(root, path, "index.json")
        if ".." not in path and os.path.isfile(file): self.answer(200, open(file, "rb").read())
        else: self.answer(404, b'{"error":{"code":"Base.1.0.ResourceMissingAtURI","message":"nothing here"}}')
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(405, b"{}")
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
print(s.server_port, flush=True)
s.serve_forever()
PY

server=
# shellcheck disable=SC2016  # the server of that moment
at_exit='kill $server'
serve() { # MOCKUP
	if [[ -n $server ]]; then kill "$server"; wait "$server" 2>/dev/null || true; fi
	: >port
	python3 serve.py "$mockups/$1" >port 2>serve.err &
	server=$!
	for _ in $(seq 100); do [[ -s port ]] && break; sleep 0.1; done
	[[ -s port ]] || fail "the file server did not start"
	port=$(cat port)
}
spec() { # BODY OF resource:
	rm -rf .aipc
	printf 'provider:\n  redfish: { username: admin, password: "env:RF_PASSWORD", insecure: true }\nresource:\n%s\n' "${1//@/http://127.0.0.1:$port}" >main.aipc.yaml
}
export RF_PASSWORD=none

serve public-rackmount1
spec '  power: { x: { bmc: "@", state: "Off" } }
  firmware: { x: { bmc: "@", components: { BIOS: { version: "P80 v2.00" }, BMC: { version: "1.45.455b66-rev4" } } } }
  bios: { x: { bmc: "@", attributes: { ProcHyperthreading: Disabled, ProcCoreDisable: "0" } } }'
want 0 "P79 v1.45" aipc plan
want 0 "P80 v2.00" aipc plan
want 0 "ProcHyperthreading" aipc plan
want 0 "Off" aipc plan
if grep -q "1.45.455b66" last.out; then fail "the BMC has its version already"; fi
if grep -q "ProcCoreDisable" last.out; then fail "0 as text is 0"; fi

spec '  firmware: { x: { bmc: "@", components: { BIOZ: { version: "1" } } } }'
timeout 60 aipc plan >near.out 2>&1 </dev/null || true
if ! grep -q BIOZ near.out || ! grep -q BIOS near.out; then cat near.out; fail "a pin that matches nothing names what is near"; fi

for m in public-localstorage public-smartnic; do
	serve $m
	spec '  power: { x: { bmc: "@", state: "Off" } }
  bios: { x: { bmc: "@", attributes: { BootMode: Uefi } } }'
	want 0 "Off" aipc plan
done

serve public-bladed
spec '  power: { x: { bmc: "@", state: "On" } }'
timeout 60 aipc plan >several.out 2>&1 </dev/null || true
grep -q 529QB9450R6 several.out || { cat several.out; fail "several systems behind one BMC are named"; }
spec '  power: { x: { bmc: "@", system: 529QB9450R6, state: "Off" } }'
want 0 "Off" aipc plan

serve public-oem-examples
spec '  power: { x: { bmc: "@", state: "On" } }'
timeout 60 aipc plan >none.out 2>&1 </dev/null || true
grep -q Systems none.out || { cat none.out; fail "a service without systems is told"; }
echo "five published services read"
