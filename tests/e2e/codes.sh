#!/usr/bin/env bash
# Every code that the sources can report has a text for `aipc explain`, and every text has a code that is reported.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
cd "${root:?}"
rooms="lang engine providers cli"
# shellcheck disable=SC2086 # the rooms are words
grep -rohE --include='*.[ch]' --exclude=codes.c --exclude='code_examples*.c' '"[EW][0-9]{4}"' $rooms | tr -d '"' | sort -u >"${work:?}/used"
grep -oE '^	\{ "[EW][0-9]{4}"' lang/codes.c | grep -oE '[EW][0-9]{4}' | sort >"$work/told"
(($(wc -l <"$work/used") > 100)) || fail "the codes of the sources were not found"
missing=$(comm -23 "$work/used" "$work/told" | tr '\n' ' ')
[[ -z $missing ]] || fail "no text for $missing"
stale=$(comm -13 "$work/used" "$work/told" | tr '\n' ' ')
[[ -z $stale ]] || fail "nothing reports $stale"

# The specs that explain shows: the wrong one gives the code, the right one is fine.
command -v python3 >/dev/null || skip "python3 is missing: it runs the examples of the codes"
cd "$work"
root=$root python3 - <<'PY'
import glob, json, os, re, shlex, subprocess, sys, tempfile

bad = []

def aipc(*args):
    p = subprocess.run(['aipc', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    return p.returncode, p.stdout, p.stderr

def diagnostics(j):
    if isinstance(j, list):
        return [d for x in j for d in diagnostics(x)]
    if not isinstance(j, dict):
        return []
    return [d for k, v in j.items() for d in (v if k == 'diagnostics' else diagnostics(v))]

def codes_of(by, text):
    with tempfile.TemporaryDirectory() as d:
        name, files = 'main.aipc.yaml', {}
        for line in text.splitlines(True):
            m = re.match(r'# (\S+\.yaml)$', line)
            if m:
                name = m[1]
            else:
                files[name] = files.get(name, '') + line
        for n, t in files.items():
            os.makedirs(os.path.dirname(os.path.join(d, n)), exist_ok=True)
            with open(os.path.join(d, n), 'w') as f:
                f.write(t)
        words = shlex.split(by)
        rc, out, err = aipc('-C', d, words[0], '--json', *words[1:])
        told = [json.loads(l) for l in (out + err).splitlines() if l.startswith('{')]
        return rc, {x['code'] for t in told for x in diagnostics(t)}

rows = json.loads(aipc('explain', '--list', '--json')[1])
lines = aipc('explain', '--list')[1].splitlines()
if lines != ['%s  %s' % (r['code'], r['title']) for r in rows] or len(rows) < 100 or lines != sorted(lines):
    bad.append('--list and --list --json differ, or are not sorted')
with_example = 0
for r in rows:
    code = r['code']
    x = json.loads(aipc('explain', '--json', code)[1])
    text = aipc('explain', code.lower())[1]
    if not text.startswith('%s: %s\n' % (code, r['title'])) or x['title'] != r['title'] or max(map(len, text.splitlines())) > 80:
        bad.append(code + ': what explain prints')
    example = x.get('example')
    if not example:
        continue
    with_example += 1
    for part in ('wrong', 'right'):
        for line in (example[part] or '').splitlines():
            if '    ' + line not in text.splitlines():
                bad.append('%s: explain does not print %r' % (code, line))
    rc, got = codes_of(example['by'], example['wrong'])
    if code not in got or (code[0] == 'E') != (rc != 0):
        bad.append('%s: the wrong spec gives %s, exit status %d' % (code, sorted(got), rc))
    if example['right']:
        rc, got = codes_of(example['by'], example['right'])
        if code in got or any(c[0] == 'E' for c in got) or rc:
            bad.append('%s: the right spec gives %s, exit status %d' % (code, sorted(got), rc))
written = sum(open(f).read().count('\n\t{ "') for f in glob.glob(os.path.join(os.environ['root'], 'lang/code_examples*.c')))
if with_example < 150 or with_example != written:
    bad.append('%d codes have examples, %d are written' % (with_example, written))
print('%d codes, %d with examples' % (len(rows), with_example))
print('\n'.join(bad))
sys.exit(1 if bad else 0)
PY
