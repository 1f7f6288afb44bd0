#!/usr/bin/env bash
# Modules from git repositories: fetched by aipc init only, pinned, checked, and never more than they say. Repositories are
# local (file://) and served by git's own HTTP backend where python3 can run it; one server never answers.
source "$(dirname "$0")/lib.bash"

command -v git >/dev/null || skip "git is not installed"
export GIT_CONFIG_GLOBAL=$work/gitconfig GIT_CONFIG_NOSYSTEM=1 HOME=$work
git config --global user.name test
git config --global user.email test@example.com
git config --global init.defaultBranch main
git config --global protocol.file.allow always

# --- a repository with two modules, one calling the other beside it, and two versions
repo() { git -C repo "$@"; }
mkdir -p repo/net repo/parts/disk
git init -q repo
cat >repo/net/main.aipc.yaml <<'X'
variable: { name: { type: string } }
module: { disk: { source: ../parts/disk, of: "${var.name}" } }
resource: { aipc_data: { net: { input: "net-${var.name}" } } }
output:
  id: { value: "${aipc_data.net.input} ${module.disk.id}" }
  text: { value: '${trimspace(file("${path.module}/text"))}' }
X
echo one >repo/net/text
cat >repo/parts/disk/main.aipc.yaml <<'X'
variable: { of: {} }
resource: { aipc_data: { disk: { input: "disk-${var.of}" } } }
output: { id: { value: "${aipc_data.disk.input}" } }
X
ln -s net/text repo/link
ln -s ../parts repo/net/parts
repo add -A
repo commit -qm one
repo tag v1.0.0
first=$(repo rev-parse HEAD)
echo two >repo/net/text
repo commit -qam two
second=$(repo rev-parse HEAD)

says() { # TEXT COMMAND...: fails and says TEXT, however its lines are broken
	local text=$1
	shift
	want 1 '' "$@"
	tr -s '\n ' ' ' <last.err | grep -qF -- "$text" || fail "'$*' did not say: $text"
}

spec() { # SOURCE
	cat >main.aipc.yaml <<-X
	module:
	  a: { source: "$1", name: x }
	output:
	  id: { value: "\${module.a.id}" }
	  text: { value: "\${module.a.text}" }
	X
}

# --- nothing but init fetches
spec "git::file://$work/repo//net?ref=v1.0.0&depth=1"
want 1 'error[E0140]: the module "a" is not here yet' aipc validate
grep -q 'run aipc init' last.err || fail "no hint"
[[ ! -e .aipc/modules ]] || fail "validate fetched something"
want 0 "new      ${first:0:12}" aipc init
grep -q "^1 module from repositories, 1 fetched" last.out || fail "init does not count"
grep -q "commit: \"$first\"" aipc.lock.yaml || fail "the lock has no commit"
[[ -L .aipc/modules/$(ls .aipc/modules)/link ]] || fail "a link that stays inside is no link any more"
want 0 'kept' aipc init
want 0 'Plan' aipc plan
want 0 'Done: 2 operations' aipc apply --yes
want 0 'No changes' aipc plan
want 0 'module.a.module.disk.aipc_data.disk' aipc state list
want 0 'text = "one"' aipc output

# --- the cache lost: the repository gone does not matter while the files are there; then init brings back the same
mv repo gone
want 0 'Valid' aipc validate
rm -rf .aipc/modules
want 1 'E0140' aipc validate
want 1 'error[E0143]: the module "a" cannot be fetched' aipc init
mv gone repo
want 0 "restored ${first:0:12}" aipc init
want 0 'Valid' aipc validate

# --- tampered: the cache (changed, added, removed, a link out), the lock (hash, commit, not YAML)
cache=.aipc/modules/$(ls .aipc/modules)
tampered() { # WHAT
	want 1 'error[E0141]' aipc validate
	want 0 "restored ${first:0:12}" aipc init
	want 0 'Valid' aipc validate
	echo "tampered cache, $1: refused and restored"
}
echo 1 >>"$cache/net/text"; tampered changed
touch "$cache/net/more.aipc.yaml"; tampered added
rm "$cache/net/text"; tampered removed
ln -s /etc/passwd "$cache/net/out"; tampered "a link out"
mv "$cache/net/text" "$cache/net/txet"; tampered renamed
cp aipc.lock.yaml good.lock
sed -i 's/sha256:..../sha256:0000/' aipc.lock.yaml
want 1 'error[E0141]' aipc validate
says 'the lock file was changed' aipc init
sed "s/$first/$second/" good.lock >aipc.lock.yaml
rm -rf .aipc/modules
says 'has other files than aipc.lock.yaml pins' aipc init
[[ -z $(ls .aipc/modules) ]] || fail "files that are not as pinned were kept"
sed "s/$first/0000000000000000000000000000000000000000/" good.lock >aipc.lock.yaml
says 'has no commit 0000000000000000000000000000000000000000 any more' aipc init
echo 'version: 1' >aipc.lock.yaml
says 'error[E0142]: aipc.lock.yaml is damaged' aipc validate
echo '[' >aipc.lock.yaml
says 'error[E0142]: aipc.lock.yaml:' aipc init
sed 's/version: 1/version: 2/' good.lock >aipc.lock.yaml
says 'written by a newer aipc' aipc validate
cp good.lock aipc.lock.yaml
want 0 restored aipc init

# --- refs: a branch stays pinned until --upgrade; a commit; none; one that is not there
spec "git::file://$work/repo//net?ref=main"
want 0 "new      ${second:0:12}" aipc init
grep -q "v1.0.0" aipc.lock.yaml && fail "a pin that nothing uses stayed"
echo three >repo/net/text
repo commit -qam three
third=$(repo rev-parse HEAD)
want 0 "kept     ${second:0:12}" aipc init
want 0 "moved    ${third:0:12}" aipc init --upgrade
want 0 "restored ${third:0:12}" aipc init --upgrade
spec "git::file://$work/repo//net?ref=$first"
want 0 "\"commit\":\"$first\"" aipc init --json
spec "git::file://$work/repo//net"
want 0 "new      ${third:0:12}" aipc init
spec "git::file://$work/repo//net?ref=v9"
says 'has no tag, branch or commit "v9"' aipc init
spec "git::file://$work/repo//nat"
says 'there is no folder' aipc init
spec "git::file://$work/nowhere//net"
want 1 'error[E0143]' aipc init

# --- sources that are none
for bad in "git::ftp://h/r.git" "git::https://u:pw@h/r.git" "git::file://$work/repo//../x" "git::file://$work/repo?reff=1" \
	"git::https://h" "git::file://$work/repo?ref=--upload-pack=x" "git::https://h/r.git?ref=a..b" "git::ext::sh -c touch% $work/owned"; do
	spec "$bad"
	want 1 'error[E0132]' aipc init
done
[[ ! -e owned ]] || fail "a source ran a command"

# --- a repository that wants out: links, names, a module beside the repository
evil() { # NAME: makes repository NAME with a module in it
	mkdir -p "$1"
	git init -q "$1"
	echo 'locals: {}' >"$1/main.aipc.yaml"
}
evil evil1; ln -s ../../../etc evil1/out
evil evil2; ln -s /etc/passwd evil2/out
evil evil3; mkdir evil3/d; ln -s . evil3/d/here; ln -s here/.. evil3/d/up; ln -s d/up/../.. evil3/out
evil evil4; echo 'module: { m: { source: ../../../secret } }' >evil4/main.aipc.yaml
mkdir -p secret; echo 'locals: {}' >secret/main.aipc.yaml
for n in 1 2 3 4; do
	git -C evil$n add -A
	git -C evil$n commit -qm x
done
for n in 1 2 3; do
	echo "module: { a: { source: 'git::file://$work/evil$n' } }" >main.aipc.yaml
	says 'leads out of the repository' aipc init
done
echo "module: { a: { source: 'git::file://$work/evil4' } }" >main.aipc.yaml
says 'outside of its repository' aipc init
# a tree with an entry called "..", as no git would write it
evil evil5
blob=$(git -C evil5 hash-object -w main.aipc.yaml)
# shellcheck disable=SC2001  # every two digits
tree=$(printf '100644 ..\0%b' "$(sed 's/../\\x&/g' <<<"$blob")" | git -C evil5 hash-object -w -t tree --literally --stdin)
git -C evil5 update-ref refs/heads/main "$(git -C evil5 commit-tree -m x "$tree")"
echo "module: { a: { source: 'git::file://$work/evil5' } }" >main.aipc.yaml
want 1 'error[E0143]' aipc init
compgen -G '.aipc/modules/*.*' && fail "leftovers in .aipc/modules"

# --- a server that never answers
if command -v python3 >/dev/null; then
	python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5)
print(s.getsockname()[1], flush=True)
kept = []
while True: kept.append(s.accept())' >port & silent=$!
	# shellcheck disable=SC2016  # what runs by then
	at_exit='kill $silent ${http:-}'
	for _ in $(seq 50); do [[ -s port ]] && break; sleep 0.1; done
	for scheme in http https ssh; do
		spec "git::$scheme://127.0.0.1:$(cat port)/r.git"
		start=$SECONDS
		says 'no end after 2 s' aipc init --timeout 2
		((SECONDS - start < 20)) || fail "a hanging server held aipc for $((SECONDS - start)) s"
	done
	kill $silent

	# --- git's own HTTP backend
	if [[ -x $(git --exec-path)/git-http-backend ]]; then
		cat >backend.py <<-'X'
			import http.server, os, subprocess, sys
			class Handler(http.server.BaseHTTPRequestHandler):
			    protocol_version = "HTTP/1.1"
			    def run(self):
			        path, _, query = self.path.partition("?")
			        if "chunked" in self.headers.get("Transfer-Encoding", ""):
			            body = b""
			            while size := int(self.rfile.readline(), 16):
			                body += self.rfile.read(size)
			                self.rfile.readline()
			            self.rfile.readline()
			        else:
			            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
			        env = dict(os.environ, GIT_PROJECT_ROOT=sys.argv[1], GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
			                   REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
			                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""), CONTENT_LENGTH=str(len(body)))
			        got = subprocess.run(["git", "http-backend"], env=env, input=body, stdout=subprocess.PIPE).stdout
			        head, _, data = got.partition(b"\r\n\r\n")
			        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
			        status = [v for k, v in lines if k == "Status"]
			        self.send_response(int(status[0].split()[0]) if status else 200)
			        for k, v in lines:
			            if k != "Status":
			                self.send_header(k, v)
			        self.send_header("Content-Length", str(len(data)))
			        self.end_headers()
			        self.wfile.write(data)
			    do_GET = do_POST = run
			    def log_message(self, *args): pass
			server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
			print(server.server_port, flush=True)
			server.serve_forever()
		X
		python3 backend.py "$work" >http.port & http=$!
		for _ in $(seq 50); do [[ -s http.port ]] && break; sleep 0.1; done
		rm -f aipc.lock.yaml
		spec "git::http://127.0.0.1:$(cat http.port)/repo/.git//net?ref=v1.0.0"
		want 0 "new      ${first:0:12}" aipc init
		want 0 'Valid' aipc validate
		kill $http
	fi
fi
wait 2>/dev/null || true
echo passed
