#!/usr/bin/env bash
# Client certificates on a real API server: from files, from the kubeconfig itself, from an exec plugin; one of another CA is refused.
source "$(dirname "$0")/lib.bash"
. "$root/tests/e2e/kube.bash"
[[ -x $build/tests/e2e/kube_probe ]] || skip "tests/e2e/kube_probe is not built (make tests)"
probe=$build/tests/e2e/kube_probe

authority() { openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.crt" -subj "/CN=$1" -days 2 2>/dev/null; }
person() { # NAME CA
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/O=system:masters/CN=$1" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 2 -out "$1.crt" 2>/dev/null
}
authority clients
authority strangers
person alice clients
person mallory strangers
KUBE_API_FLAGS="--client-ca-file $work/clients.crt" kube_up

as() { # USER-ENTRY, a flow map
	cat >as.config <<-YAML
	apiVersion: v1
	kind: Config
	current-context: e2e
	contexts: [{ name: e2e, context: { cluster: e2e, user: u } }]
	clusters: [{ name: e2e, cluster: { server: "https://127.0.0.1:$kube_port", certificate-authority: kube/pki/apiserver.crt } }]
	users: [{ name: u, user: $1 }]
	YAML
	export KUBECONFIG=$work/as.config
}
b64() { base64 -w0 "$1"; }

as '{ client-certificate: alice.crt, client-key: alice.key }'
want 0 'failed 0' "$probe" tell 1
as "{ client-certificate-data: $(b64 alice.crt), client-key-data: $(b64 alice.key) }"
want 0 'failed 0' "$probe" tell 1
python3 - >credential <<'PY'
import json
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {
    "clientCertificateData": open("alice.crt").read(), "clientKeyData": open("alice.key").read()}}))
PY
as "{ exec: { apiVersion: client.authentication.k8s.io/v1, command: cat, args: [\"$work/credential\"], interactiveMode: Never } }"
want 0 'failed 0' "$probe" tell 1
[[ $(kc get events.events.k8s.io -o name | wc -l) == 6 ]] || fail "not every certificate let an event in"

as '{ client-certificate: mallory.crt, client-key: mallory.key }'
want 0 'failed 3' "$probe" tell 1
grep -qi 'unauthorized\|401' last.err || { cat last.err; fail "the refusal is not told"; }
as '{ client-certificate: nowhere.crt, client-key: nowhere.key }'
want 0 'failed 3' "$probe" tell 1
grep -q 'client certificate cannot be used' last.err || { cat last.err; fail "the missing file is not told"; }
