#!/usr/bin/env bash
# BMCs whose TLS is not as it should be: what is taken, what is refused, and what is said of it.
# shellcheck source=tests/e2e/lib.bash
source "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it plays the machines"
command -v openssl >/dev/null || skip "openssl is missing: it makes the certificates"
export RF_PASSWORD=secret

# One key, one CA, a certificate for each case: FILE EXTENSIONS FROM TO
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 365 -subj "/CN=A CA" 2>/dev/null
openssl req -new -key key.pem -out csr.pem -subj "/CN=127.0.0.1" 2>/dev/null
issue() {
	: >index.txt
	echo 01 >serial
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[e]\n%s\n' "$2" >ca.cnf
	openssl ca -batch -config ca.cnf -extensions e -cert ca.pem -keyfile key.pem -in csr.pem -out "$1.pem" -notext -startdate "$3" -enddate "$4" \
		2>openssl.err || fail "$(cat openssl.err)"
}
issue good "subjectAltName=IP:127.0.0.1" 20200101000000Z 20400101000000Z
issue nosan "basicConstraints=CA:FALSE" 20200101000000Z 20400101000000Z
issue other "subjectAltName=DNS:bmc.example" 20200101000000Z 20400101000000Z
issue expired "subjectAltName=IP:127.0.0.1" 20200101000000Z 20210101000000Z
issue future "subjectAltName=IP:127.0.0.1" 20390101000000Z 20400101000000Z

cat >machines.py <<'PY'
import http.server, json, ssl, threading, warnings
warnings.simplefilter("ignore")

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, json.dumps({"@odata.id": self.path, "Id": "1", "PowerState": "On", "Systems": {"@odata.id": "/redfish/v1/Systems"},
                                     "Members": [{"@odata.id": "/redfish/v1/Systems/1"}]}).encode())
    def do_POST(self): self.answer(404, b"")

class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *a): pass

def serve(name, cert, lowest=None, highest=None, ciphers=None):
    s = Server(("127.0.0.1", 0), Handler)
    if cert:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert + ".pem", "key.pem")
        if ciphers: c.set_ciphers(ciphers)
        if lowest: c.minimum_version, c.maximum_version = lowest, highest
        s.socket = c.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return "%s %d\n" % (name, s.server_port)

T = ssl.TLSVersion
lines = [serve(x, x) for x in ("good", "nosan", "other", "expired", "future")]
lines += [serve("tls12", "good", T.TLSv1_2, T.TLSv1_2), serve("oldcipher", "good", T.TLSv1_2, T.TLSv1_2, "AES128-SHA"), serve("plain", None),
          serve("tls11", "good", T.TLSv1, T.TLSv1_1, "ALL:@SECLEVEL=0"), serve("nocipher", "good", T.TLSv1_2, T.TLSv1_2, "NULL-SHA256:@SECLEVEL=0")]
open("ports", "w").writelines(lines)
threading.Event().wait()
PY
python3 machines.py 2>machines.err &
server=$!
at_exit="kill $server"
for _ in $(seq 100); do [[ -s ports ]] && break; sleep 0.1; done
[[ -s ports ]] || { cat machines.err; fail "the services did not start"; }

told() { # NAME TEXT [TRUST]: TEXT is said; "No changes." with one object means that the machine is driven
	local port
	port=$(awk -v n="$1" '$1 == n { print $2 }' "$work/ports")
	mkdir -p "$work/$1"
	cd "$work/$1"
	printf 'provider:\n  redfish: { username: admin, password: "env:RF_PASSWORD", read_timeout: 5s, connect_timeout: 3s, %s }\nresource:\n  power: { n: { bmc: "%s", state: "On" } }\n' \
		"${3:-ca_file: ../ca.pem}" "127.0.0.1:$port" >main.aipc.yaml
	want 0 "" aipc plan
	tr -s '\n ' ' ' <last.out >flat
	grep -qF -- "$2" flat || fail "$1: not said: $2: $(cat last.out)"
	cd "$work"
}
pin="sha256//$(openssl pkey -in key.pem -pubout -outform der 2>/dev/null | openssl dgst -sha256 -binary | base64)"
ok="No changes. 1 object"
told good "$ok"
told nosan "$ok"
told tls12 "$ok"
told oldcipher "$ok"
told other "another host name; write bmc as a name"
told other "$ok" "pin: \"$pin\""
told expired "has expired; renew it"
told expired "$ok" "pin: \"$pin\""
told future "not yet valid; set the clocks"
told good "give its CA as ca_file, or its key as pin" "port: 443"
told plain "no TLS is spoken on that port"
told tls11 "no TLS of 1.2 or later"
told nocipher "shares no cipher"
told tls11 "no TLS of 1.2 or later" "insecure: true"
echo "six ways of TLS refused with what to do, five driven"
