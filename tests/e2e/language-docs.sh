#!/usr/bin/env bash
# The examples of docs/language.md are run: files are written, commands print exactly what the page says.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it takes the examples out of the page"
python3 - "${root:?}/docs/language.md" <<'PY'
import difflib, re, subprocess, sys
page = open(sys.argv[1]).read()
ran = bad = 0
for kind, name, body in re.findall(r'^```(yaml|console)(?: (\S+))?\n(.*?)^```$', page, re.S | re.M):
    if kind == 'yaml' and name:
        open(name, 'w').write(body)
        continue
    if kind != 'console':
        continue
    got = ''
    for line in re.findall(r'^\$ (.*)$', body, re.M):
        p = subprocess.run(['bash', '-c', line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
        got += '$ ' + line + '\n' + p.stdout + ('exit status %d\n' % p.returncode if p.returncode else '')
        ran += 1
    if got != body:
        bad += 1
        sys.stdout.writelines(difflib.unified_diff(body.splitlines(True), got.splitlines(True), 'docs/language.md', 'what it prints'))
print('%d commands, %d blocks differ' % (ran, bad))
sys.exit(1 if bad or ran < 20 else 0)
PY
