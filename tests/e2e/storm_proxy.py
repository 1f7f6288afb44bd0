"""A TLS proxy in front of an API server that answers for it as a sick one does: storm_proxy.py PORT-FILE TARGET-PORT CERT KEY MODE-FILE.

MODE-FILE holds one word, looked at for each request: ok (pass it on), or what is answered instead:
  gone      410 as a reply to every watch, lists pass          event-gone  watches begin well and end with an ERROR event of code 410
  html      200 and a web page                                 busy        429 with Retry-After: 1
  away      503 with Retry-After: 1                            half        the first half of the true answer, then the end
  mixed     one of all these at random, and sometimes the truth
  churn N   all is passed on; into the watch of pods come N events a second of pods that nobody made (they come, run and go)
It also serves Workloads of scheduling.k8s.io/v1alpha1, one of them, which no server of today does. HTTP/1.1 only.
"""
import http.client, http.server, json, os, random, re, socket, socketserver, ssl, sys, threading

PORT_FILE, TARGET, CERT, KEY, MODE_FILE = sys.argv[1:6]
OLD = "/apis/scheduling.k8s.io/v1alpha1"
WORKLOAD = {"apiVersion": "scheduling.k8s.io/v1alpha1", "kind": "Workload",
            "metadata": {"name": "old", "namespace": "default", "uid": "00000000-0000-0000-0000-00000000a1fa", "resourceVersion": "1"}, "spec": {}}
GONE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old resource version"}
PAGE = b"<!DOCTYPE html><html><body><h1>Sign in to continue</h1></body></html>"
WATCHES = set()
VERSION = re.compile(rb'"resourceVersion":"(\d+)"')
GHOST = (b'{"type":"%s","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"ghost-%d","namespace":"ghosts","uid":"ghost-%d","resourceVersion":"%s",'
         b'"labels":{"job":"ghosts-job-%d"},"creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"schedulerName":"another","nodeName":"storms-00-00","containers":[{"name":"c","image":"i",'
         b'"resources":{"requests":{"cpu":"100m","memory":"64Mi"}}}]},"status":{"phase":"%s"}}}\n')
CLIENT = ssl._create_unverified_context()
counts = {}


def mode():
    word = open(MODE_FILE).read().split()[0]
    return random.choice(["gone", "event-gone", "html", "busy", "away", "half", "ok"]) if word == "mixed" else word


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", **more):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in more.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def begin(self, status, headers):
        self.send_response(status)
        for k, v in headers:
            if k.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(k, v)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def old(self):
        if "watch=" in self.path:
            mark = {"type": "BOOKMARK", "object": {"kind": "Workload", "apiVersion": WORKLOAD["apiVersion"], "metadata": {
                "resourceVersion": "2", "annotations": {"k8s.io/initial-events-end": "true"}}}}
            self.begin(200, [("Content-Type", "application/json")])
            self.chunk(json.dumps({"type": "ADDED", "object": WORKLOAD}).encode() + b"\n" + json.dumps(mark).encode() + b"\n")
            threading.Event().wait(30)
            self.chunk(b"")
        elif self.path.startswith(OLD + "/workloads"):
            self.answer(200, json.dumps({"kind": "WorkloadList", "apiVersion": WORKLOAD["apiVersion"], "metadata": {"resourceVersion": "2"}, "items": [WORKLOAD]}).encode())
        else:
            self.answer(200, json.dumps({"kind": "APIResourceList", "groupVersion": "scheduling.k8s.io/v1alpha1", "resources": [
                {"name": "workloads", "kind": "Workload", "namespaced": True, "verbs": ["list", "watch"]}]}).encode())

    def sick(self, word, watch):
        if word == "gone" and watch:
            self.answer(410, json.dumps(GONE).encode())
        elif word == "event-gone" and watch:
            self.begin(200, [("Content-Type", "application/json")])
            self.chunk(json.dumps({"type": "ERROR", "object": GONE}).encode() + b"\n")
            self.chunk(b"")
        elif word == "html":
            self.answer(200, PAGE, "text/html")
        elif word == "busy":
            self.answer(429, b"{}", Retry_After="1")
        elif word == "away":
            self.answer(503, b"", "text/plain", Retry_After="1")
        else:
            return False
        return True

    def pass_on(self, body, half):
        if "watch=" in self.path:
            WATCHES.add(self.connection)
        up = http.client.HTTPSConnection("127.0.0.1", int(TARGET), context=CLIENT, timeout=700)
        try:
            up.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")})
            got = up.getresponse()
            if half:
                text = got.read1(4096) if "watch=" in self.path else got.read()
                self.send_response(got.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text) + 10))
                self.end_headers()
                self.wfile.write(text[:len(text) // 2])
                self.close_connection = True
                return
            self.begin(got.status, got.getheaders())
            if "watch=" in self.path:
                self.pass_lines(got)
            else:
                while data := got.read1(65536):
                    self.chunk(data)
            self.chunk(b"")
        finally:
            up.close()
            WATCHES.discard(self.connection)

    def pass_lines(self, got):
        self.lock, self.version, ended = threading.Lock(), b"0", threading.Event()
        if self.path.startswith("/api/v1/pods?") and "Succeeded" in self.path:
            threading.Thread(target=self.haunt, args=(ended,), daemon=True).start()
        try:
            while line := got.readline():
                found = VERSION.search(line)
                with self.lock:
                    self.version = found.group(1) if found else self.version
                    self.chunk(line)
        finally:
            ended.set()

    def haunt(self, ended):
        """Twenty times a second: some ghosts come, run, and go."""
        n = 0
        try:
            while not ended.wait(0.05):
                words = open(MODE_FILE).read().split()
                lines = []
                for _ in range(int(words[1]) // 60 if words[0] == "churn" else 0):
                    n += 1
                    lines += [GHOST % (kind, n, n, self.version, n, phase) for kind, phase in ((b"ADDED", b"Pending"), (b"MODIFIED", b"Running"), (b"DELETED", b"Running"))]
                if lines:
                    with self.lock:
                        self.chunk(b"".join(lines))
        except (OSError, ValueError):          # the watch has ended
            pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        watch, word = "watch=" in self.path, mode()
        counts[word] = counts.get(word, 0) + 1
        try:
            if self.path.startswith(OLD):
                self.old()
            elif not self.sick(word, watch):
                self.pass_on(body, word == "half")
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve


def cut():
    """A server that falls sick loses its watches, and again each second."""
    while True:
        threading.Event().wait(1)
        for c in list(WATCHES) if mode() not in ("ok", "churn") else []:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def finish_request(self, request, client):
        request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client)

    def handle_error(self, *_):
        pass


threading.Thread(target=cut, daemon=True).start()
server = Server(("127.0.0.1", 0), Handler)
server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.tls.load_cert_chain(CERT, KEY)
with open(PORT_FILE + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
