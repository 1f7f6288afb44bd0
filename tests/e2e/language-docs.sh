#!/usr/bin/env bash
# The examples of the pages about the language are run: files are written, commands print exactly what the page says.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it takes the examples out of the page"
cat >run.py <<'PY'
import difflib, os, re, subprocess, sys
page, least = open(sys.argv[1]).read(), int(sys.argv[2])
name = os.path.relpath(sys.argv[1], os.environ["root"])
ran = bad = 0
for kind, file, body in re.findall(r'^```(yaml|json|console)(?: (\S+))?\n(.*?)^```$', page, re.S | re.M):
    if kind != 'console' and file:
        os.makedirs(os.path.dirname(file) or '.', exist_ok=True)
        open(file, 'w').write(body)
        continue
    if kind != 'console':
        continue
    got = ''
    for line in re.findall(r'^\$ (.*)$', body, re.M):
        p = subprocess.run(['bash', '-c', line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
        got += '$ ' + line + '\n' + re.sub(r' in \d+\.\d s\.', ' in 0.0 s.', p.stdout) + ('exit status %d\n' % p.returncode if p.returncode else '')
        ran += 1
    got = re.sub(r'^(Plan) [0-9a-f]{6}:', r'\1 7f3a9c:', got, flags=re.M)
    if got != body:
        bad += 1
        sys.stdout.writelines(difflib.unified_diff(body.splitlines(True), got.splitlines(True), name, 'what it prints'))
print('%s: %d commands, %d blocks differ' % (name, ran, bad))
sys.exit(1 if bad or ran < least else 0)
PY
export root
page() { # NAME COMMANDS-AT-LEAST: in a folder of its own
	mkdir "page-$1"
	(cd "page-$1" && python3 ../run.py "$root/docs/$1.md" "$2") || fail "docs/$1.md does not hold"
}
page language 20
page data 4
page testing 2
